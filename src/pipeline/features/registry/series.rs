//! Kernels over one series of values.

use super::{Inputs, KernelSpec, Lookback, Make, ONE, PERIOD};
use crate::pipeline::features::keys::{Args, Key};
use crate::pipeline::features::stream::{Stream, stream};
use crate::pipeline::kernels::{
    Bollinger, Cmo, Dema, Ema, HalfLife, Kama, Lag, Macd, Momentum, Rank, RollingMax, RollingMin, RollingSum, Rsi,
    SampleSd, Slope, Sma, StdDev, Tema, Wilder, Wma, ZScore,
};

const X: Inputs = Inputs::Named(&["x"]);

const fn one(
    name: &'static str,
    words: &'static str,
    keys: &'static [Key],
    lookback: fn(&Args, usize) -> Lookback,
    make: fn(&Args) -> Box<dyn Stream>,
) -> KernelSpec {
    KernelSpec { name, words, inputs: X, keys, lines: ONE, lookback, level_free: false, make: Make::Stream(make) }
}

/// The same for what a constant added to the input does not change.
const fn level_free(spec: KernelSpec) -> KernelSpec {
    KernelSpec { level_free: true, ..spec }
}

const fn lines(lines: &'static [&'static str], spec: KernelSpec) -> KernelSpec {
    KernelSpec { lines, ..spec }
}

fn period(a: &Args) -> usize {
    a.count("period")
}

fn window(a: &Args, _: usize) -> Lookback {
    Lookback::window(period(a).saturating_sub(1))
}

/// EMA: 7 periods.
fn exponential(a: &Args, _: usize) -> Lookback {
    Lookback::recursive(period(a).saturating_sub(1), 7 * period(a))
}

const PERIOD_2: Key = Key::count("period", 2);
const BARS: Key = Key::count("bars", 1);

pub(super) static KERNELS: &[KernelSpec] = &[
    one("lag", "{x} {bars} bars before", &[BARS], |a, _| Lookback::window(a.count("bars")), |a| {
        stream!(Lag::new(a.count("bars")), |k, [x]| [k.push(x)])
    }),
    level_free(one("change", "{x} − {x} {bars} bars before", &[BARS], |a, _| Lookback::window(a.count("bars")), |a| {
        stream!(Momentum::new(a.count("bars")), |k, [x]| [k.push(x)])
    })),
    one("log_return", "ln({x} / {x} {bars} bars before)", &[BARS], |a, _| Lookback::window(a.count("bars")), |a| {
        stream!(Lag::new(a.count("bars")), |k, [x]| [k.push(x).map(|before| (x / before).ln())])
    }),
    one("rolling_sum", "sum of {x} over {period} bars", &[PERIOD], window, |a| {
        stream!(RollingSum::new(period(a)), |k, [x]| [k.push(x)])
    }),
    one("rolling_min", "lowest {x} of {period} bars", &[PERIOD], window, |a| {
        stream!(RollingMin::new(period(a)), |k, [x]| [k.push(x)])
    }),
    one("rolling_max", "highest {x} of {period} bars", &[PERIOD], window, |a| {
        stream!(RollingMax::new(period(a)), |k, [x]| [k.push(x)])
    }),
    one("sma", "mean of {x} over {period} bars", &[PERIOD], window, |a| {
        stream!(Sma::new(period(a)), |k, [x]| [k.push(x)])
    }),
    one("wma", "mean of {x} over {period} bars, the newest weighted most", &[PERIOD], window, |a| {
        stream!(Wma::new(period(a)), |k, [x]| [k.push(x)])
    }),
    one("ema", "EMA{period} of {x}", &[PERIOD], exponential, |a| stream!(Ema::new(period(a)), |k, [x]| [k.push(x)])),
    one(
        "dema",
        "double EMA{period} of {x}",
        &[PERIOD],
        |a, _| Lookback::recursive(2 * period(a).saturating_sub(1), 14 * period(a)),
        |a| stream!(Dema::new(period(a)), |k, [x]| [k.push(x)]),
    ),
    one(
        "tema",
        "triple EMA{period} of {x}",
        &[PERIOD],
        |a, _| Lookback::recursive(3 * period(a).saturating_sub(1), 21 * period(a)),
        |a| stream!(Tema::new(period(a)), |k, [x]| [k.push(x)]),
    ),
    one(
        "wilder",
        "Wilder's average of {x} over {period} bars",
        &[PERIOD],
        |a, _| Lookback::recursive(period(a).saturating_sub(1), 14 * period(a)),
        |a| stream!(Wilder::new(period(a)), |k, [x]| [k.push(x)]),
    ),
    // At its slowest, (2/31)² per bar, it takes some 3,300 bars to forget; in real prices the efficiency makes it faster.
    one("kama", "KAMA{period} of {x}", &[PERIOD], |a, _| Lookback::recursive(period(a), 3_300), |a| {
        stream!(Kama::new(period(a)), |k, [x]| [k.push(x)])
    }),
    one("std_dev", "population sd of {x} over {period} bars", &[PERIOD], window, |a| {
        stream!(StdDev::new(period(a)), |k, [x]| [k.push(x)])
    }),
    level_free(one("sample_sd", "sample sd of {x} over {period} bars", &[PERIOD_2], window, |a| {
        stream!(SampleSd::new(period(a)), |k, [x]| [k.push(x)])
    })),
    level_free(one("z_score", "z-score of {x} within {period} bars", &[PERIOD_2], window, |a| {
        stream!(ZScore::new(period(a)), |k, [x]| [k.push(x)])
    })),
    level_free(one("rank", "rank of {x} within {period} bars, 0 to 1", &[PERIOD_2], window, |a| {
        stream!(Rank::new(period(a)), |k, [x]| [k.push(x)])
    })),
    level_free(one("slope", "slope per bar of the line through {period} values of {x}", &[PERIOD_2], window, |a| {
        stream!(Slope::new(period(a)), |k, [x]| [k.push(x)])
    })),
    level_free(one(
        "half_life",
        "half-life of the reversion of {x} within {period} bars",
        &[Key::count("period", 3)],
        window,
        |a| stream!(HalfLife::new(period(a)), |k, [x]| [k.push(x)]),
    )),
    lines(
        &["upper", "middle", "lower", "percent_b", "width"],
        one("bollinger", "Bollinger band of {x} ({period}, {multiple})", &[PERIOD, Key::number("multiple", 0.1, 10.0)], window, |a| {
            stream!(Bollinger::new(period(a), a.number("multiple")), |k, [x]| {
                let band = k.push(x);
                let of = |part: fn(&crate::pipeline::kernels::Channel) -> f64| band.as_ref().map(part);
                [
                    of(|b| b.upper),
                    of(|b| b.middle),
                    of(|b| b.lower),
                    band.as_ref().and_then(|b| b.position(x)),
                    of(|b| (b.upper - b.lower) / b.middle),
                ]
            })
        }),
    ),
    // 0 would stand for 0/0 where nothing moved: that is no value here.
    one(
        "rsi",
        "RSI{period} of {x}",
        &[PERIOD],
        |a, _| Lookback::recursive(period(a), 14 * period(a)),
        |a| stream!(Rsi::new(period(a)), |k, [x]| [k.push(x).filter(|_| k.is_defined())]),
    ),
    one(
        "cmo",
        "Chande's momentum oscillator of {x} over {period} bars",
        &[PERIOD],
        |a, _| Lookback::recursive(period(a), 14 * period(a)),
        |a| stream!(Cmo::new(period(a)), |k, [x]| [k.push(x)]),
    ),
    lines(
        &["macd", "signal", "histogram"],
        one(
            "macd",
            "MACD({fast}, {slow}, {signal}) of {x}",
            &[Key::count("fast", 1), Key::count("slow", 2), Key::count("signal", 1)],
            |a, _| {
                let filled = a.count("slow") + a.count("signal");
                Lookback::recursive(filled.saturating_sub(2), 10 * a.count("slow"))
            },
            |a| {
                stream!(Macd::new(a.count("fast"), a.count("slow"), a.count("signal")), |k, [x]| {
                    let lines = k.push(x);
                    [lines.map(|l| l.macd), lines.map(|l| l.signal), lines.map(|l| l.histogram)]
                })
            },
        ),
    ),
];
