//! Kernels over one or two series of values.

use super::{Inputs, KernelSpec, Lookback, Make, ONE, PERIOD};
use crate::pipeline::features::bank::{Bank, bank};
use crate::pipeline::features::keys::{Args, Key};
use crate::pipeline::kernels::{
    Beta, Bollinger, Channel, Correlation, Dema, Ema, EwmaVolatility, FractionalDifference, HalfLife, Kama, Lag, Line,
    LinePoints, Macd, Momentum, PriceOscillator, Rank, RollingMax, RollingMin, RollingSum, Rsi, SampleSd, Sma, StdDev,
    T3, Tema, Trendline, Trima, Trix, Wilder, Wma, ZScore,
};

const X: Inputs = Inputs::Named(&["x"]);

const fn one(
    name: &'static str,
    words: &'static str,
    keys: &'static [Key],
    lookback: fn(&Args, usize) -> Lookback,
    make: fn(&Args, usize) -> Box<dyn Bank>,
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

const fn two(inputs: &'static [&'static str], spec: KernelSpec) -> KernelSpec {
    KernelSpec { inputs: Inputs::Named(inputs), ..spec }
}

fn period(a: &Args) -> usize {
    a.count("period")
}

/// The present value and those before it.
fn window(a: &Args, _: usize) -> Lookback {
    Lookback::window(period(a).saturating_sub(1))
}

fn bars(a: &Args, _: usize) -> Lookback {
    Lookback::window(a.count("bars"))
}

/// A chain of `n` EMAs: the first value of each is `period − 1` values after that of the one before; each forgets in 7 periods.
fn averages(a: &Args, n: usize) -> Lookback {
    Lookback::recursive(n * period(a).saturating_sub(1), 7 * n * period(a))
}

/// Wilder's average of changes: 14 periods.
fn wilder(a: &Args, _: usize) -> Lookback {
    Lookback::recursive(period(a), 14 * period(a))
}

fn slower(a: &Args) -> usize {
    a.count("fast").max(a.count("slow"))
}

const PERIOD_2: Key = Key::count("period", 2);
const BARS: Key = Key::count("bars", 1);
const FAST: Key = Key::count("fast", 1);
const SLOW: Key = Key::count("slow", 2);

pub(super) static KERNELS: &[KernelSpec] = &[
    one("lag", "{x} {bars} bars before", &[BARS], bars, |a, n| {
        bank!(n, Lag::new(a.count("bars")), |k, [x]| [k.push(x)])
    }),
    level_free(one("mom", "{x} − {x} {bars} bars before", &[BARS], bars, |a, n| {
        bank!(n, Momentum::new(a.count("bars")), |k, [x]| [k.push(x)])
    })),
    one("log_return", "ln({x} / {x} {bars} bars before)", &[BARS], bars, |a, n| {
        bank!(n, Lag::new(a.count("bars")), |k, [x]| [k.push(x).map(|before: f64| (x / before).ln())])
    }),
    one("sum", "sum of {x} over {period} bars", &[PERIOD], window, |a, n| {
        bank!(n, RollingSum::new(period(a)), |k, [x]| [k.push(x)])
    }),
    one("min", "lowest {x} of {period} bars", &[PERIOD], window, |a, n| {
        bank!(n, RollingMin::new(period(a)), |k, [x]| [k.push(x)])
    }),
    one("max", "highest {x} of {period} bars", &[PERIOD], window, |a, n| {
        bank!(n, RollingMax::new(period(a)), |k, [x]| [k.push(x)])
    }),
    one("sma", "SMA{period} of {x}", &[PERIOD], window, |a, n| bank!(n, Sma::new(period(a)), |k, [x]| [k.push(x)])),
    one("wma", "WMA{period} of {x}", &[PERIOD], window, |a, n| bank!(n, Wma::new(period(a)), |k, [x]| [k.push(x)])),
    one("trima", "TRIMA{period} of {x}", &[PERIOD], window, |a, n| {
        bank!(n, Trima::new(period(a)), |k, [x]| [k.push(x)])
    }),
    one(
        "ema",
        "EMA{period} of {x}",
        &[PERIOD],
        |a, _| averages(a, 1),
        |a, n| bank!(n, Ema::new(period(a)), |k, [x]| [k.push(x)]),
    ),
    one(
        "dema",
        "DEMA{period} of {x}",
        &[PERIOD],
        |a, _| averages(a, 2),
        |a, n| bank!(n, Dema::new(period(a)), |k, [x]| [k.push(x)]),
    ),
    one(
        "tema",
        "TEMA{period} of {x}",
        &[PERIOD],
        |a, _| averages(a, 3),
        |a, n| bank!(n, Tema::new(period(a)), |k, [x]| [k.push(x)]),
    ),
    one(
        "t3",
        "T3 of {x} ({period}, {volume_factor})",
        &[PERIOD, Key::number("volume_factor", 0.0, 2.0)],
        |a, _| averages(a, 6),
        |a, n| bank!(n, T3::new(period(a), a.number("volume_factor")), |k, [x]| [k.push(x)]),
    ),
    one(
        "trix",
        "TRIX{period} of {x}",
        &[PERIOD],
        |a, _| Lookback::recursive(3 * period(a).saturating_sub(1) + 1, 21 * period(a)),
        |a, n| bank!(n, Trix::new(period(a)), |k, [x]| [k.push(x)]),
    ),
    one(
        "wilder",
        "Wilder's average of {x} over {period} bars",
        &[PERIOD],
        |a, _| Lookback::recursive(period(a).saturating_sub(1), 14 * period(a)),
        |a, n| bank!(n, Wilder::new(period(a)), |k, [x]| [k.push(x)]),
    ),
    // At its slowest, (2/31)² per bar, it takes 2,200 bars to forget all but 1e-4; hourly prices never stand that still, and 1,000 are enough.
    one(
        "kama",
        "KAMA{period} of {x}",
        &[PERIOD],
        |a, _| Lookback::recursive(period(a), 1_000),
        |a, n| bank!(n, Kama::new(period(a)), |k, [x]| [k.push(x)]),
    ),
    // The measured cycle, up to 50 bars, is smoothed again and again.
    one(
        "ht_trendline",
        "Hilbert trendline of {x}",
        &[],
        |_, _| Lookback::recursive(63, 500),
        |_, n| bank!(n, Trendline::new(), |k, [x]| [k.push(x)]),
    ),
    level_free(one("stddev", "population sd of {x} over {period} bars", &[PERIOD], window, |a, n| {
        bank!(n, StdDev::new(period(a)), |k, [x]| [k.push(x)])
    })),
    level_free(one("sample_sd", "sample sd of {x} over {period} bars", &[PERIOD_2], window, |a, n| {
        bank!(n, SampleSd::new(period(a)), |k, [x]| [k.push(x)])
    })),
    level_free(one("zscore", "z-score of {x} within {period} bars", &[PERIOD_2], window, |a, n| {
        bank!(n, ZScore::new(period(a)), |k, [x]| [k.push(x)])
    })),
    level_free(one("rank", "rank of {x} within {period} bars, 0 to 1", &[PERIOD_2], window, |a, n| {
        bank!(n, Rank::new(period(a)), |k, [x]| [k.push(x)])
    })),
    lines(
        &["slope", "now", "next"],
        one("linearreg", "line through {period} values of {x}", &[PERIOD_2], window, |a, n| {
            bank!(n, Line::new(period(a)), |k, [x]| {
                let line: Option<LinePoints> = k.push(x);
                [line.map(|l| l.slope), line.map(|l| l.now), line.map(|l| l.next)]
            })
        }),
    ),
    level_free(one(
        "half_life",
        "half-life of the reversion of {x} within {period} bars",
        &[Key::count("period", 3)],
        window,
        |a, n| bank!(n, HalfLife::new(period(a)), |k, [x]| [k.push(x)]),
    )),
    one(
        "fractional_difference",
        "difference of order {order} of {x} (weights above {threshold})",
        &[Key::number("order", 0.0, 2.0), Key::number("threshold", 1e-6, 0.5)],
        |a, _| {
            let kernel = FractionalDifference::new(a.number("order"), a.number("threshold"));
            Lookback::window(kernel.weights().len().saturating_sub(1))
        },
        |a, n| bank!(n, FractionalDifference::new(a.number("order"), a.number("threshold")), |k, [x]| [k.push(x)]),
    ),
    lines(
        &["upper", "middle", "lower", "percent_b", "width"],
        one(
            "bbands",
            "Bollinger bands of {x} ({period}, {multiple})",
            &[PERIOD, Key::number("multiple", 0.1, 10.0)],
            window,
            |a, n| {
                bank!(n, Bollinger::new(period(a), a.number("multiple")), |k, [x]| {
                    let band: Option<Channel> = k.push(x);
                    [
                        band.map(|b| b.upper),
                        band.map(|b| b.middle),
                        band.map(|b| b.lower),
                        band.and_then(|b| b.position(x)),
                        band.map(|b| (b.upper - b.lower) / b.middle),
                    ]
                })
            },
        ),
    ),
    // TA-Lib's 0 for 0/0 where nothing moved is no value here.
    one("rsi", "RSI{period} of {x}", &[PERIOD], wilder, |a, n| {
        bank!(n, Rsi::new(period(a)), |k, [x]| [k.push(x).filter(|_| k.is_defined())])
    }),
    lines(
        &["macd", "signal", "hist"],
        one(
            "macd",
            "MACD({fast}, {slow}, {signal}) of {x}",
            &[FAST, SLOW, Key::count("signal", 1)],
            |a, _| {
                let filled = a.count("slow") + a.count("signal");
                Lookback::recursive(filled.saturating_sub(2), 10 * a.count("slow"))
            },
            |a, n| {
                bank!(n, Macd::new(a.count("fast"), a.count("slow"), a.count("signal")), |k, [x]| {
                    let lines = k.push(x);
                    [lines.map(|l| l.macd), lines.map(|l| l.signal), lines.map(|l| l.histogram)]
                })
            },
        ),
    ),
    one(
        "ppo",
        "PPO({fast}, {slow}) of {x}",
        &[FAST, SLOW],
        |a, _| Lookback::recursive(slower(a).saturating_sub(1), 10 * slower(a)),
        |a, n| bank!(n, PriceOscillator::new(a.count("fast"), a.count("slow")), |k, [x]| [k.push_percent(x)]),
    ),
    one(
        "vol_ewma",
        "EWMA volatility of {x} (λ {lambda}, {seed} bars)",
        &[Key::number("lambda", 0.5, 0.999), Key::count("seed", 1)],
        |a, _| {
            // λ^n < 1e-6, counted from the seed.
            let forget = (1e-6_f64.ln() / a.number("lambda").clamp(0.5, 0.999).ln()).ceil() as usize;
            Lookback::recursive(a.count("seed"), a.count("seed") + forget)
        },
        |a, n| bank!(n, EwmaVolatility::new(a.number("lambda"), a.count("seed")), |k, [x]| [k.push(x)]),
    ),
    two(
        &["x", "y"],
        level_free(one("correl", "correlation of {x} and {y} over {period} bars", &[PERIOD_2], window, |a, n| {
            bank!(n, Correlation::new(period(a)), |k, [x, y]| [k.push(x, y)])
        })),
    ),
    two(
        &["x", "y"],
        one(
            "beta",
            "beta of {y} to {x} over {period} returns",
            &[PERIOD_2],
            |a, _| Lookback::window(period(a)),
            |a, n| bank!(n, Beta::new(period(a)), |k, [x, y]| [k.push(x, y)]),
        ),
    ),
];
