#!/usr/bin/env python3
"""How much time and memory the lake takes: a year of invented minutes for ten pairs, imported, checked, resampled, made into features and
exported.

    benches/lake.py PROGRAM [FILE…]      PROGRAM: the cst binary (release); FILE…: further files to import first, such as real candles

Everything lies in a temporary folder. The invented pairs are called SIM…; the same seed makes the same files. Peak memory is what the kernel says of each
finished process (ru_maxrss), which includes the program itself.
"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

PAIRS = 10
MINUTES = 365 * 1_440
BEGIN = 1_672_531_200  # 2023-01-01


def invent(path: pathlib.Path, seed: int) -> None:
    """A random walk as Kraken's archives write candles; one minute in a hundred has no trade, and so no line."""
    rng = random.Random(seed)
    price = rng.choice([0.00001, 0.5, 20.0, 3_000.0, 60_000.0])
    with path.open("w") as out:
        for n in range(MINUTES):
            if rng.random() < 0.01:
                continue
            close = price * (1 + rng.gauss(0, 0.0005))
            high, low = max(price, close) * (1 + rng.random() / 2_000), min(price, close) * (1 - rng.random() / 2_000)
            row = [f"{v:.8g}" for v in (price, high, low, close)]
            values = [float(v) for v in row]
            row[1], row[2] = row[values.index(max(values))], row[values.index(min(values))]
            out.write(f"{BEGIN + 60 * n},{','.join(row)},{rng.random() * 100:.8f},{rng.randrange(1, 500)}\n")
            price = close


def run(what: str, command: list[str]) -> None:
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - begin
    cpu = usage.ru_utime + usage.ru_stime
    print(f"{what:<34} {seconds:7.1f} s  {cpu:7.1f} s CPU  peak {usage.ru_maxrss / 1024:6.0f} MB  exit {child.returncode}", flush=True)
    if child.returncode:
        sys.exit(output[-2_000:])


def main() -> None:
    program, more = os.path.realpath(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="cst-lake-bench-") as folder:
        root = pathlib.Path(folder)
        (root / "config").mkdir()
        source = root / "in"
        source.mkdir()
        for n in range(PAIRS):
            invent(source / f"SIM{chr(65 + n)}USD_1.csv", n)
        size = sum(f.stat().st_size for f in source.iterdir())
        print(f"{PAIRS} pairs, {MINUTES:,} minutes each, {size / 1e6:.0f} MB of CSV")
        cst = [program, "--home", str(root)]
        run("cst --version (the program itself)", [program, "--version"])
        for file in more:
            run(f"import {pathlib.Path(file).name}", [*cst, "data", "import", file, "--venue", "kraken"])
        run("import", [*cst, "data", "import", str(source)])
        run("import again (all known)", [*cst, "data", "import", str(source)])
        run("list", [*cst, "data", "list"])
        run("check", [*cst, "data", "check"])
        run("resample one pair to 5 lengths", [*cst, "data", "resample", "SIMA/USD", "--from", "1", "--to", "5,15,60,240,1440"])
        run("features of one pair beside all", [*cst, "features", "SIMA/USD", "--lake", "--interval", "1", "--all", "--out", str(root / "features.csv")])
        for form in ("csv", "jsonl", "parquet"):
            out = str(root / f"out.{form}")
            run(f"export one pair as {form}", [*cst, "data", "export", "SIMA/USD", out, "--interval", "1", "--format", form])
        run("compact", [*cst, "data", "compact"])
        lake = sum(f.stat().st_size for f in (root / "data" / "lake").rglob("*.parquet"))
        print(f"the lake: {lake / 1e6:.0f} MB")


main()
