"""Starts the stand-in exchange, talks to its control API and keeps the score of an acceptance script."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from decimal import Decimal


class Standin:
    """A running stand-in. `STANDIN_COMMAND` is the program with its first arguments, e.g. `target/debug/cst simulator`."""

    def __init__(self, *options):
        command = os.environ.get("STANDIN_COMMAND", "").split()
        if not command:
            raise SystemExit("STANDIN_COMMAND is not set: run run.sh")
        self.folder = tempfile.TemporaryDirectory(prefix="standin-")
        self.ca = os.path.join(self.folder.name, "ca.pem")
        fixed = ["--port", "0", "--tls-port", "0", "--control-port", "0", "--ca-file", self.ca, "--json"]
        self.process = subprocess.Popen([*command, *fixed, *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the stand-in ended before it told its addresses")
        self.facts = json.loads(line)
        self.keys = {k["name"]: k for k in self.facts["keys"]}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.folder.cleanup()

    def control(self, method, path, body=None):
        """Calls the control API; raises with the stand-in's words when it refuses."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.facts["control"] + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read(), parse_float=Decimal)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()}") from error

    def fault(self, **fault):
        return self.control("POST", "/fault", fault)["id"]

    def trade(self, pair, side, price, qty):
        self.control("POST", "/trade", {"pair": pair, "side": side, "price": str(price), "qty": str(qty)})


class Score:
    """Counts checks; `done` ends the script with the right exit code."""

    def __init__(self, title):
        self.title, self.passed, self.failed = title, 0, []

    def check(self, name, holds, detail=""):
        if holds:
            self.passed += 1
            print(f"  ok    {name}")
        else:
            self.failed.append(name)
            print(f"  FAIL  {name}   {detail}")

    def equal(self, name, found, wanted):
        self.check(name, found == wanted, f"found {found!r}, wanted {wanted!r}")

    def done(self):
        print(f"{self.title}: {self.passed} passed, {len(self.failed)} failed")
        sys.exit(1 if self.failed else 0)


def until(condition, seconds=15):
    """Waits for a condition; its value, or None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return None
