"""vectorbt and backtesting.py beside our rules: equal trades and equity first, then the time of each in one run.

rules.py BENCH FILE.parquet TICK [BARS]: BENCH is our `rules` benchmark (cargo bench --bench rules --no-run), FILE holds candles with the columns
open, high, low, close, volume, TICK is the unit of their prices (0.01). With BARS the candles are taken one time after the other up to that many.

The strategy is the cross of the averages of 20 and 50 closes, filled at the next open, 5 % of the cash at a time, 0.26 % fee on each side (with all cash so
many fees leave nothing to compare: programs that add up cash flows lose the digits). Prices are counted in ticks, as
whole numbers: sums are then exact, so that every program sees the same ties. For us a cross is "above" after "not above"; for vectorbt it is "above"
after "below". While one position is held at a time these rules coincide, but for averages that are equal at the first bar at which both exist.
The sweep is 25 pairs of windows. vectorbt is timed twice: its compiled functions alone (averages shared, crosses, orders; no portfolio figures), and
its public calls up to the final value. Best of several rounds, everything compiled before; one thread.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

os.environ["NUMBA_NUM_THREADS"] = "1"
warnings.filterwarnings("ignore")

import numpy as np
import pandas as pd
import vectorbt as vbt
from backtesting import Strategy
from backtesting.lib import FractionalBacktest
from vectorbt.generic import nb as generic
from vectorbt.portfolio import nb as portfolio
from vectorbt.portfolio.enums import SizeType

FEE = 0.0026
CASH = 1e12
SHARE = 0.05
FAST = [10, 15, 20, 25, 30]
SLOW = [50, 75, 100, 150, 200]
ROUNDS = 5


def best(rounds: int, work):
    taken, made = [], None
    for _ in range(rounds):
        begin = time.perf_counter()
        made = work()
        taken.append((time.perf_counter() - begin) * 1e3)
    return min(taken), made


def candles(file: str, tick: float, bars: int | None) -> dict[str, np.ndarray]:
    table = pd.read_parquet(file)
    length = bars or len(table)
    times = -(-length // len(table))
    prices = {name: np.rint(table[name].to_numpy() / tick) for name in ["open", "high", "low", "close"]}
    return {name: np.tile(column, times)[:length].astype(float) for name, column in (prices | {"volume": table["volume"].to_numpy()}).items()}


def compiled(table: dict[str, np.ndarray], pairs: list[tuple[int, int]]):
    """vectorbt's compiled functions, one after the other."""
    close, rows, count = table["close"], len(table["close"]), len(pairs)
    means = {window: generic.rolling_mean_1d_nb(close, window) for window in sorted({w for pair in pairs for w in pair})}
    entries, exits = np.empty((rows, count), dtype=bool), np.empty((rows, count), dtype=bool)
    for number, (fast, slow) in enumerate(pairs):
        entries[:, number] = generic.crossed_above_1d_nb(means[fast], means[slow])
        exits[:, number] = generic.crossed_above_1d_nb(means[slow], means[fast])
    # Decided at a close, filled at the next open.
    entries[1:], exits[1:] = entries[:-1].copy(), exits[:-1].copy()
    entries[0], exits[0] = False, False
    orders, _ = portfolio.simulate_from_signals_nb(
        (rows, count),
        np.full(count, 1),
        np.full(count, CASH),
        np.zeros((rows, count), dtype=np.int_),
        entries=entries,
        size=np.asarray(SHARE),
        size_type=np.asarray(SizeType.Percent),
        exits=exits,
        direction=np.asarray(0),
        price=table["open"][:, None],
        fees=np.asarray(FEE),
        close=close[:, None],
        flex_2d=True,
    )
    return orders


def public(table: dict[str, np.ndarray], pairs: list[tuple[int, int]]):
    """vectorbt as its users call it."""
    close = pd.Series(table["close"])
    fast = vbt.MA.run(close, [fast for fast, _ in pairs], run_unique=True, short_name="fast")
    slow = vbt.MA.run(close, [slow for _, slow in pairs], run_unique=True, short_name="slow")
    entries = fast.ma_crossed_above(slow).vbt.signals.fshift(1)
    exits = fast.ma_crossed_below(slow).vbt.signals.fshift(1)
    held = vbt.Portfolio.from_signals(
        close, entries, exits, price=pd.Series(table["open"]), fees=FEE, size=SHARE, size_type="percent", init_cash=CASH, freq="1min"
    )
    return np.atleast_1d(held.final_value()), np.atleast_1d(held.trades.count())


class Cross(Strategy):
    up = down = None

    def init(self) -> None:
        pass

    def next(self) -> None:
        at = len(self.data) - 1
        if self.position:
            if Cross.down[at]:
                self.position.close()
        elif Cross.up[at]:
            self.buy(size=SHARE)


def bar_by_bar(table: dict[str, np.ndarray]):
    """backtesting.py; the crosses are computed before, and their time is not counted."""
    fast, slow = (generic.rolling_mean_1d_nb(table["close"], window) for window in (20, 50))
    Cross.up, Cross.down = generic.crossed_above_1d_nb(fast, slow), generic.crossed_above_1d_nb(slow, fast)
    frame = pd.DataFrame({name.capitalize(): column for name, column in table.items()})
    frame.index = pd.date_range("2025-01-01", periods=len(frame), freq="1min")
    test = FractionalBacktest(frame, Cross, cash=CASH, commission=FEE, trade_on_close=False)
    begin = time.perf_counter()
    result = test.run()
    taken = (time.perf_counter() - begin) * 1e3
    # A position that is held at the end is no trade there.
    return taken, len(result["_trades"]) + int(result["_strategy"].position.size != 0), result["Equity Final [$]"]


def agree(what: str, ours: dict, trades: int, equity: float) -> float:
    apart = abs(ours["final_equity"] / equity - 1)
    if ours["trades"] != trades or not apart <= 1e-9:
        raise SystemExit(f"{what}: {ours['trades']} trades, {ours['final_equity']}; theirs {trades}, {equity}")
    return apart


def main() -> None:
    bench, file, tick, *more = sys.argv[1:]
    table = candles(file, float(tick), int(more[0]) if more else None)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "columns.f64"
        np.concatenate([table[name] for name in ["open", "high", "low", "close", "volume"]]).tofile(path)
        run = [bench, "--peer", str(path), repr(CASH), repr(SHARE)]
        ours = json.loads(subprocess.run(run, check=True, capture_output=True).stdout)
        report(table, ours, lambda: json.loads(subprocess.run(run, check=True, capture_output=True).stdout))


def report(table: dict[str, np.ndarray], ours: dict, again) -> None:
    assert ours["sweep_equals_single_runs"]
    pairs = [(fast, slow) for fast in FAST for slow in SLOW]
    compiled(table, pairs[:1]), compiled(table, pairs[:2]), public(table, pairs[:2])
    one_ms, _ = best(ROUNDS, lambda: compiled(table, [(20, 50)]))
    one_public_ms, (values, counts) = best(ROUNDS, lambda: public(table, [(20, 50)]))
    apart = [agree("vectorbt", ours["single"], counts[0], values[0])]
    sweep_ms, _ = best(2, lambda: compiled(table, pairs))
    sweep_public_ms, (values, counts) = best(1, lambda: public(table, pairs))
    for pair, own, count, value in zip(pairs, ours["sweep"], counts, values):
        apart.append(agree(f"vectorbt {pair}", own, count, value))
    slow_ms, count, value = bar_by_bar(table)
    apart.append(agree("backtesting.py", ours["single"], count, value))
    bars = ours["bars"]
    # Once more after the peers: the best of both, so that a slow moment of the machine weighs on nobody alone.
    later = again()
    ours |= {name: min(ours[name], later[name]) for name in ours if name.endswith("_ms")}
    print(json.dumps({
        "bars": bars,
        "vectorbt": vbt.__version__,
        "trades": ours["single"]["trades"],
        "largest_relative_difference_of_equity": max(apart),
        "ns_per_bar": {"ours": ours["single_ms"] * 1e6 / bars, "ours_with_stop_target_and_position": ours["guarded_ms"] * 1e6 / bars,
                       "vectorbt_compiled": one_ms * 1e6 / bars, "vectorbt": one_public_ms * 1e6 / bars, "backtesting.py": slow_ms * 1e6 / bars},
        "single_ratio": {"vectorbt_compiled": one_ms / ours["single_ms"], "vectorbt": one_public_ms / ours["single_ms"], "backtesting.py": slow_ms / ours["single_ms"]},
        "sweep_ms": {"ours_one_thread": ours["sweep_ms"], "ours_all_threads": ours["sweep_all_threads_ms"], "vectorbt_compiled": sweep_ms, "vectorbt": sweep_public_ms},
        "sweep_ratio_one_thread": {"vectorbt_compiled": sweep_ms / ours["sweep_ms"], "vectorbt": sweep_public_ms / ours["sweep_ms"]},
    }, indent=1))


main()
