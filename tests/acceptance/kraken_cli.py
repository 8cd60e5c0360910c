"""The real kraken-cli 0.3.2 trades on the stand-in exchange. Run by run.sh when `KRAKEN_CLI` names the program or `kraken` is in the path."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from decimal import Decimal

from standin import Score, Standin

VERSION = "0.3.2"
score = Score(f"kraken-cli {VERSION}")


def program():
    found = os.environ.get("KRAKEN_CLI") or shutil.which("kraken")
    if not found or VERSION not in subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout:
        print(f"SKIPPED: no kraken-cli {VERSION}")
        sys.exit(77)
    return found


class Cli:
    """Runs the program with settings of this test only."""

    def __init__(self, standin):
        key, rest, ws = standin.keys["cli"], standin.facts["tls_rest"], standin.facts["tls_ws"]
        self.program = program()
        self.env = {
            "HOME": standin.folder.name, "PATH": os.environ["PATH"], "KRAKEN_SPOT_URL": rest, "KRAKEN_WS_PUBLIC_URL": ws, "KRAKEN_WS_AUTH_URL": ws,
            "KRAKEN_WS_L3_URL": ws, "KRAKEN_DANGER_ALLOW_ANY_URL_HOST": "1", "KRAKEN_DANGER_ACCEPT_INVALID_CERTS": "1",
            "KRAKEN_API_KEY": key["key"], "KRAKEN_API_SECRET": key["secret"],
        }

    def __call__(self, *arguments):
        done = subprocess.run([self.program, "-o", "json", *arguments], env=self.env, capture_output=True, text=True, timeout=60, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {"error": "no JSON", "stdout": done.stdout, "stderr": done.stderr}

    def lines(self, *arguments):
        """All lines of an answer of several."""
        done = subprocess.run([self.program, "-o", "json", *arguments], env=self.env, capture_output=True, text=True, timeout=60, check=False)
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    def stream(self, *arguments, frames, seconds=20):
        """The first lines of a stream."""
        process = subprocess.Popen([self.program, "-o", "json", *arguments], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines, end = [], time.monotonic() + seconds
        try:
            while len(lines) < frames and time.monotonic() < end:
                line = process.stdout.readline()
                if not line:
                    break
                lines.append(json.loads(line))
        finally:
            process.kill()
            process.wait()
        return lines


def main():
    program()
    with Standin() as standin:
        cli = Cli(standin)
        ticker = cli("ticker", "XBTUSD")
        score.check("ticker", "XXBTZUSD" in ticker, ticker)
        last = Decimal(ticker["XXBTZUSD"]["c"][0])
        price = str((last * Decimal("0.9")).quantize(Decimal("0.1")))
        score.check("ohlc", len(cli("ohlc", "XBTUSD", "--interval", "60").get("XXBTZUSD", [])) > 1)
        score.check("orderbook", len(cli("orderbook", "XBTUSD", "--count", "3").get("XXBTZUSD", {}).get("asks", [])) == 3)
        score.check("balance", Decimal(cli("balance").get("ZUSD", "0")) == 100_000)
        buy = ("order", "buy", "XBTUSD", "0.01", "--type", "limit", "--price", price, "--yes")
        checked = cli(*buy, "--validate")
        score.check("order buy --validate", "txid" not in checked and cli("open-orders") == {"open": {}}, checked)
        placed = cli(*buy)
        txid = placed.get("txid", [""])[0]
        score.check("order buy", re.fullmatch(r"O[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{6}", txid), placed)
        score.check("open-orders", list(cli("open-orders").get("open", {})) == [txid])
        score.check("order amend", "amend_id" in cli("order", "amend", "--txid", txid, "--order-qty", "0.02"))
        score.check("order cancel", cli("order", "cancel", txid).get("count") == 1)
        sold = cli("order", "sell", "XBTUSD", "0.01", "--type", "market", "--yes")
        trades = cli("trades-history").get("trades", {})
        truth = [f for f in standin.control("GET", "/fills") if f["ordertxid"] == sold["txid"][0]]
        score.check("order sell, trades-history: fills and fees are the stand-in's", truth and sum(Decimal(t["fee"]) for t in trades.values()) == sum(Decimal(f["fee"]) for f in truth), (trades, truth))
        kinds = [f.get("channel") or f.get("method") for f in cli.stream("ws", "ticker", "BTC/USD", frames=3)]
        score.equal("ws ticker", kinds, ["status", "subscribe", "ticker"])
        frames = cli.stream("ws", "executions", frames=3)
        score.check("ws executions", len(frames) == 3 and frames[2]["channel"] == "executions" and frames[2]["type"] == "snapshot", frames)
        ids = []
        for _ in range(2):
            done = cli("ws", "add-order", "--order-type", "limit", "--side", "buy", "--symbol", "BTC/USD", "--order-qty", "0.001", "--limit-price", price)
            ids.append(done.get("result", {}).get("order_id", ""))
        score.check("ws add-order", all(ids), ids)
        answers = cli.lines("ws", "cancel-order", "--order-id", *ids)
        score.equal("ws cancel-order: it waits for one answer per order and gets them", [a.get("success") for a in answers], [True, True])
        score.check("nothing is left open", cli("open-orders") == {"open": {}})
    score.done()


main()
