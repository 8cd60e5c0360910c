"""TA-Lib and polars beside our indicators: equal results first, then the time of each on one thread.

features.py CST [FOLDER]: CST is our program (a release build). It writes the candles of one invented pair and all its outputs; TA-Lib computes
the same from the same candles, and every value is compared. Then each side computes 50 pairs of 20,000 rows and one closed bar of one pair, for
which TA-Lib computes its last 300 bars again. Best of several rounds; processor time, so that other programs disturb less.
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ["POLARS_MAX_THREADS"] = "1"

import numpy as np
import polars as pl
import talib

PAIRS = 50
ROUNDS = 5
LIVE_BARS = 300
LIVE_ROUNDS = 50

# name: function of open, high, low, close, volume; parameters as `cst bench features` has them
TALIB = {
    "sma": lambda o, h, l, c, v: talib.SMA(c, 20),
    "ema": lambda o, h, l, c, v: talib.EMA(c, 12),
    "wma": lambda o, h, l, c, v: talib.WMA(c, 14),
    "dema": lambda o, h, l, c, v: talib.DEMA(c, 10),
    "tema": lambda o, h, l, c, v: talib.TEMA(c, 10),
    "trima": lambda o, h, l, c, v: talib.TRIMA(c, 15),
    "kama": lambda o, h, l, c, v: talib.KAMA(c, 10),
    "t3": lambda o, h, l, c, v: talib.T3(c, 5, 0.7),
    "rsi": lambda o, h, l, c, v: talib.RSI(c, 14),
    "cmo": lambda o, h, l, c, v: talib.CMO(c, 14),
    "macd": lambda o, h, l, c, v: talib.MACD(c, 12, 26, 9),
    "apo": lambda o, h, l, c, v: talib.APO(c, 12, 26, 1),
    "ppo": lambda o, h, l, c, v: talib.PPO(c, 12, 26, 1),
    "trix": lambda o, h, l, c, v: talib.TRIX(c, 15),
    "bbands": lambda o, h, l, c, v: talib.BBANDS(c, 20, 2, 2, 0),
    "stddev": lambda o, h, l, c, v: talib.STDDEV(c, 20),
    "trange": lambda o, h, l, c, v: talib.TRANGE(h, l, c),
    "atr": lambda o, h, l, c, v: talib.ATR(h, l, c, 14),
    "natr": lambda o, h, l, c, v: talib.NATR(h, l, c, 14),
    "plus_dm": lambda o, h, l, c, v: talib.PLUS_DM(h, l, 14),
    "minus_dm": lambda o, h, l, c, v: talib.MINUS_DM(h, l, 14),
    "plus_di": lambda o, h, l, c, v: talib.PLUS_DI(h, l, c, 14),
    "minus_di": lambda o, h, l, c, v: talib.MINUS_DI(h, l, c, 14),
    "dx": lambda o, h, l, c, v: talib.DX(h, l, c, 14),
    "adx": lambda o, h, l, c, v: talib.ADX(h, l, c, 14),
    "adxr": lambda o, h, l, c, v: talib.ADXR(h, l, c, 14),
    "stoch": lambda o, h, l, c, v: talib.STOCH(h, l, c, 14, 3, 0, 3, 0),
    "stochf": lambda o, h, l, c, v: talib.STOCHF(h, l, c, 5, 3, 0),
    "stochrsi": lambda o, h, l, c, v: talib.STOCHRSI(c, 14, 5, 3, 0),
    "willr": lambda o, h, l, c, v: talib.WILLR(h, l, c, 14),
    "cci": lambda o, h, l, c, v: talib.CCI(h, l, c, 20),
    "ultosc": lambda o, h, l, c, v: talib.ULTOSC(h, l, c, 7, 14, 28),
    "aroon": lambda o, h, l, c, v: talib.AROON(h, l, 14),
    "aroonosc": lambda o, h, l, c, v: talib.AROONOSC(h, l, 14),
    "mfi": lambda o, h, l, c, v: talib.MFI(h, l, c, v, 14),
    "obv": lambda o, h, l, c, v: talib.OBV(c, v),
    "ad": lambda o, h, l, c, v: talib.AD(h, l, c, v),
    "adosc": lambda o, h, l, c, v: talib.ADOSC(h, l, c, v, 3, 10),
    "bop": lambda o, h, l, c, v: talib.BOP(o, h, l, c),
    "roc": lambda o, h, l, c, v: talib.ROC(c, 10),
    "mom": lambda o, h, l, c, v: talib.MOM(c, 10),
    "sar": lambda o, h, l, c, v: talib.SAR(h, l, 0.02, 0.2),
    "linearreg": lambda o, h, l, c, v: talib.LINEARREG(c, 14),
    "linearreg_slope": lambda o, h, l, c, v: talib.LINEARREG_SLOPE(c, 14),
    "tsf": lambda o, h, l, c, v: talib.TSF(c, 14),
    "midpoint": lambda o, h, l, c, v: talib.MIDPOINT(c, 14),
    "midprice": lambda o, h, l, c, v: talib.MIDPRICE(h, l, 14),
    "min": lambda o, h, l, c, v: talib.MIN(c, 20),
    "max": lambda o, h, l, c, v: talib.MAX(c, 20),
    "typprice": lambda o, h, l, c, v: talib.TYPPRICE(h, l, c),
    "correl": lambda o, h, l, c, v: talib.CORREL(h, l, 30),
    "beta": lambda o, h, l, c, v: talib.BETA(h, l, 5),
    "ht_trendline": lambda o, h, l, c, v: talib.HT_TRENDLINE(c),
}

O, H, L, C, V = (pl.col(name) for name in ["open", "high", "low", "close", "volume"])
# What polars has an expression for. Its EMA starts at the first value instead of a mean, so it is compared once both have forgotten that.
POLARS = {
    "sma": C.rolling_mean(20),
    "ema": C.ewm_mean(span=12, adjust=False),
    "wma": C.rolling_mean(14, weights=[float(i) for i in range(1, 15)]),
    "stddev": C.rolling_std(20, ddof=0),
    "trange": pl.when(C.shift(1).is_not_null()).then(pl.max_horizontal(H - L, (H - C.shift(1)).abs(), (L - C.shift(1)).abs())),
    "obv": pl.when(C > C.shift(1)).then(V).when(C < C.shift(1)).then(-V).otherwise(pl.when(C.shift(1).is_null()).then(V).otherwise(0.0)).cum_sum(),
    "bop": (C - O) / (H - L),
    "roc": (C / C.shift(10) - 1) * 100,
    "mom": C - C.shift(10),
    "willr": -100 * (H.rolling_max(14) - C) / (H.rolling_max(14) - L.rolling_min(14)),
    "midpoint": (C.rolling_max(14) + C.rolling_min(14)) / 2,
    "midprice": (H.rolling_max(14) + L.rolling_min(14)) / 2,
    "min": C.rolling_min(20),
    "max": C.rolling_max(20),
    "typprice": (H + L + C) / 3,
}


def best(rounds: int, work) -> float:
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    with path.open() as file:
        rows = csv.reader(file)
        names = next(rows)
        table = np.array([[float(x) if x else np.nan for x in row] for row in rows])
    return {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(names)}


def compare(name: str, ours: np.ndarray, theirs: np.ndarray, first: int = 0) -> None:
    """Within 1e-8 of the value and of the column's size; no value at the same rows."""
    ours, theirs = ours[first:], theirs[first:]
    scale = np.nanmax(np.abs(theirs))
    if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
        raise SystemExit(f"{name}: values are missing at different rows")
    apart = np.nanmax(np.abs(ours - theirs))
    if not apart <= 1e-8 * max(scale, 1.0):
        raise SystemExit(f"{name}: {apart} apart, of {scale}")


def equal(table: dict[str, np.ndarray]) -> None:
    columns = [table[name] for name in ["open", "high", "low", "close", "volume"]]
    for name, function in TALIB.items():
        results = function(*columns)
        results = results if isinstance(results, tuple) else (results,)
        own = [column for key, column in table.items() if key.split(".")[0] == name]
        assert len(own) == len(results), name
        for ours, theirs in zip(own, results):
            compare(f"TA-Lib {name}", ours, theirs)
    frame = pl.DataFrame(dict(zip(["open", "high", "low", "close", "volume"], columns)))
    for name, expression in POLARS.items():
        theirs = frame.select(expression.alias("x"))["x"].cast(pl.Float64).to_numpy()
        compare(f"polars {name}", table[f"{name}.value"], theirs, 400 if name == "ema" else 0)


def bench(cst: str, *more: str) -> dict:
    return json.loads(subprocess.run([cst, "bench", "features", "--json", *more], check=True, capture_output=True).stdout)


def main() -> None:
    cst = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "outputs.csv"
        subprocess.run([cst, "bench", "features", "--dump", str(path)], check=True)
        table = read(path)
    equal(table)
    print(f"equal: {len(TALIB)} functions of TA-Lib, {len(POLARS)} expressions of polars, {len(table['close'])} rows")
    columns = [table[name] for name in ["open", "high", "low", "close", "volume"]]
    last = [column[-LIVE_BARS:].copy() for column in columns]

    def all_pairs() -> None:
        for _ in range(PAIRS):
            for function in TALIB.values():
                function(*columns)

    def last_bars() -> None:
        for _ in range(LIVE_ROUNDS):
            for function in TALIB.values():
                function(*last)

    frame = pl.DataFrame(dict(zip(["open", "high", "low", "close", "volume"], columns)))
    expressions = [expression.alias(name) for name, expression in POLARS.items()]

    def frames() -> None:
        for _ in range(PAIRS):
            frame.select(expressions)

    ours, ours_few = bench(cst), bench(cst, "--only", ",".join(POLARS))
    their_batch, their_bar, their_frames = best(ROUNDS, all_pairs), best(ROUNDS, last_bars) / LIVE_ROUNDS, best(ROUNDS, frames)
    our_bar = ours["live"]["all_pairs_us"]["mean"] / ours["live"]["pairs"] / 1e6
    print(json.dumps({
        "talib": talib.__version__, "polars": pl.__version__,
        "batch_ms": {"talib": their_batch * 1e3, "ours": ours["batch"]["best_ms"], "ratio": their_batch * 1e3 / ours["batch"]["best_ms"]},
        "live_us_per_pair": {"talib": their_bar * 1e6, "ours": our_bar * 1e6, "ratio": their_bar / our_bar},
        "batch_of_polars_expressions_ms": {
            "polars": their_frames * 1e3, "ours": ours_few["batch"]["best_ms"],
            "ratio": their_frames * 1e3 / ours_few["batch"]["best_ms"],
        },
    }, indent=1))


main()
