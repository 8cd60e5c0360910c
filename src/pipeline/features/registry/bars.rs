//! Kernels over bars.

use super::{Inputs, KernelSpec, Lookback, Make, ONE, PERIOD};
use crate::pipeline::features::bank::{Bank, bank};
use crate::pipeline::features::keys::{Args, Key};
use crate::pipeline::kernels::{
    Accumulation, Adx, Adxr, Aroon, Atr, Cci, ChaikinFlow, ChaikinOscillator, Channel, Donchian, GarmanKlass, Ichimoku,
    Keltner, MoneyFlow, OnBalanceVolume, Parkinson, RogersSatchell, RollingVwap, Row, Sar, Stochastic, Supertrend,
    Trail, TrueRange, Ultimate, YangZhang,
};

const HL: &[&str] = &["high", "low"];
const HLC: &[&str] = &["high", "low", "close"];
const OHLC: &[&str] = &["open", "high", "low", "close"];
const HLCV: &[&str] = &["high", "low", "close", "volume"];

/// A bar of which only these parts are known: a kernel that used another one would have no value.
fn hlcv(high: f64, low: f64, close: f64, volume: f64) -> Row {
    Row { open: f64::NAN, high, low, close, volume }
}

fn hlc(high: f64, low: f64, close: f64) -> Row {
    hlcv(high, low, close, f64::NAN)
}

fn hl(high: f64, low: f64) -> Row {
    hlc(high, low, f64::NAN)
}

fn ohlc(open: f64, high: f64, low: f64, close: f64) -> Row {
    Row { open, ..hlc(high, low, close) }
}

const fn spec(
    name: &'static str,
    words: &'static str,
    fields: &'static [&'static str],
    keys: &'static [Key],
    lookback: fn(&Args, usize) -> Lookback,
    make: fn(&Args, usize) -> Box<dyn Bank>,
) -> KernelSpec {
    let inputs = Inputs::Fields(fields);
    KernelSpec { name, words, inputs, keys, lines: ONE, lookback, level_free: false, make: Make::Stream(make) }
}

const fn lines(lines: &'static [&'static str], spec: KernelSpec) -> KernelSpec {
    KernelSpec { lines, ..spec }
}

fn period(a: &Args) -> usize {
    a.count("period")
}

/// The present bar and those before it.
fn window(a: &Args, _: usize) -> Lookback {
    Lookback::window(period(a).saturating_sub(1))
}

/// One bar more, for what compares with the bar before.
fn steps(a: &Args, _: usize) -> Lookback {
    Lookback::window(period(a))
}

/// Wilder's recursion: 14 periods.
fn wilder(a: &Args, _: usize) -> Lookback {
    Lookback::recursive(period(a), 14 * period(a))
}

fn channel(c: Option<Channel>) -> [Option<f64>; 3] {
    [c.map(|c| c.upper), c.map(|c| c.middle), c.map(|c| c.lower)]
}

const MULTIPLE: Key = Key::number("multiple", 0.1, 20.0);
const CHANNEL: &[&str] = &["upper", "middle", "lower"];

pub(super) static KERNELS: &[KernelSpec] = &[
    spec(
        "trange",
        "true range",
        HLC,
        &[],
        |_, _| Lookback::window(1),
        |_, n| bank!(n, TrueRange::new(), |k, [h, l, c]| [k.push(&hlc(h, l, c))]),
    ),
    spec("atr", "ATR{period}", HLC, &[PERIOD], wilder, |a, n| {
        bank!(n, Atr::new(period(a)), |k, [h, l, c]| [k.push(&hlc(h, l, c))])
    }),
    lines(
        &["adx", "plus_di", "minus_di", "dx"],
        spec(
            "adx",
            "ADX{period}",
            HLC,
            &[PERIOD],
            |a, line| match line {
                0 => Lookback::recursive((2 * period(a)).saturating_sub(1), 30 * period(a)),
                _ => Lookback::recursive(period(a), 14 * period(a)),
            },
            |a, n| {
                bank!(n, Adx::new(period(a)), |k, [h, l, c]| {
                    let adx = k.push(&hlc(h, l, c));
                    let lines = k.lines();
                    [adx, lines.map(|d| d.plus_di), lines.map(|d| d.minus_di), lines.map(|d| d.dx)]
                })
            },
        ),
    ),
    spec(
        "adxr",
        "ADXR{period}",
        HLC,
        &[PERIOD],
        |a, _| Lookback::recursive((3 * period(a)).saturating_sub(2), 31 * period(a)),
        |a, n| bank!(n, Adxr::new(period(a)), |k, [h, l, c]| [k.push(&hlc(h, l, c))]),
    ),
    lines(
        &["up", "down", "oscillator"],
        spec("aroon", "Aroon of {period} bars", HL, &[PERIOD], steps, |a, n| {
            bank!(n, Aroon::new(period(a)), |k, [h, l]| {
                let lines = k.push(&hl(h, l));
                [lines.map(|a| a.up), lines.map(|a| a.down), lines.map(|a| a.oscillator)]
            })
        }),
    ),
    // The side and the stop of a trail agree once both turned at the same bar; how long that takes is the market's matter.
    lines(
        &["value", "side"],
        spec(
            "supertrend",
            "Supertrend({period}, {multiple})",
            HLC,
            &[PERIOD, MULTIPLE],
            |a, _| Lookback::recursive(period(a), 14 * period(a) + TURN),
            |a, n| {
                bank!(n, Supertrend::new(period(a), a.number("multiple")), |k, [h, l, c]| {
                    let trail: Option<Trail> = k.push(&hlc(h, l, c));
                    [trail.map(|t| t.value), trail.map(|t| t.side)]
                })
            },
        ),
    ),
    spec(
        "sar",
        "parabolic SAR({step}, {most})",
        HL,
        &[Key::number("step", 0.001, 1.0), Key::number("most", 0.001, 1.0)],
        |_, _| Lookback::recursive(1, TURN),
        |a, n| bank!(n, Sar::new(a.number("step"), a.number("most")), |k, [h, l]| [k.push(&hl(h, l))]),
    ),
    lines(
        CHANNEL,
        spec("donchian", "Donchian channel of {period} bars", HL, &[PERIOD], window, |a, n| {
            bank!(n, Donchian::new(period(a)), |k, [h, l]| channel(k.push(&hl(h, l))))
        }),
    ),
    lines(
        CHANNEL,
        spec(
            "keltner",
            "Keltner channel (EMA{period} ± {multiple} ATR{atr})",
            HLC,
            &[PERIOD, Key::count("atr", 1), MULTIPLE],
            |a, _| {
                let (ema, atr) = (period(a), a.count("atr"));
                Lookback::recursive(ema.saturating_sub(1).max(atr), (7 * ema).max(14 * atr))
            },
            |a, n| {
                bank!(n, Keltner::new(period(a), a.count("atr"), a.number("multiple")), |k, [h, l, c]| {
                    channel(k.push(&hlc(h, l, c)))
                })
            },
        ),
    ),
    lines(
        &["tenkan", "kijun", "senkou_a", "senkou_b"],
        spec(
            "ichimoku",
            "Ichimoku ({tenkan}, {kijun}, {senkou}, spans {shift} bars old)",
            HL,
            &[Key::count("tenkan", 1), Key::count("kijun", 1), Key::count("senkou", 1), Key::count("shift", 1)],
            |a, line| {
                let of = |key: &str| a.count(key).saturating_sub(1);
                Lookback::window(match line {
                    0 => of("tenkan"),
                    1 => of("kijun"),
                    2 => of("tenkan").max(of("kijun")) + a.count("shift"),
                    _ => of("senkou") + a.count("shift"),
                })
            },
            |a, n| {
                let [tenkan, kijun, senkou, shift] = ["tenkan", "kijun", "senkou", "shift"].map(|key| a.count(key));
                bank!(n, Ichimoku::new(tenkan, kijun, senkou, shift), |k, [h, l]| {
                    let lines = k.push(&hl(h, l));
                    [lines.tenkan, lines.kijun, lines.senkou_a, lines.senkou_b]
                })
            },
        ),
    ),
    lines(
        &["slow_k", "slow_d"],
        // TA-Lib's 0 for 0/0 where there was no range is no value here.
        spec(
            "stoch",
            "stochastic ({fast_k}, {slow_k}, {slow_d})",
            HLC,
            &[Key::count("fast_k", 1), Key::count("slow_k", 1), Key::count("slow_d", 1)],
            |a, _| Lookback::window((a.count("fast_k") + a.count("slow_k") + a.count("slow_d")).saturating_sub(3)),
            |a, n| {
                bank!(n, Stochastic::new(a.count("fast_k"), a.count("slow_k"), a.count("slow_d")), |k, [h, l, c]| {
                    let lines = k.push(&hlc(h, l, c)).filter(|_| k.is_defined());
                    [lines.map(|s| s.slow_k), lines.map(|s| s.slow_d)]
                })
            },
        ),
    ),
    spec("cci", "CCI{period}", HLC, &[PERIOD], window, |a, n| {
        bank!(n, Cci::new(period(a)), |k, [h, l, c]| [k.push(&hlc(h, l, c))])
    }),
    spec(
        "ultosc",
        "ultimate oscillator ({short}, {middle}, {long})",
        HLC,
        &[Key::count("short", 1), Key::count("middle", 1), Key::count("long", 1)],
        |a, _| Lookback::window(["short", "middle", "long"].map(|key| a.count(key)).into_iter().max().unwrap_or(0)),
        |a, n| {
            let windows = ["short", "middle", "long"].map(|key| a.count(key));
            bank!(n, Ultimate::new(windows), |k, [h, l, c]| [k.push(&hlc(h, l, c))])
        },
    ),
    spec("vol_parkinson", "Parkinson volatility of {period} bars", HL, &[PERIOD], window, |a, n| {
        bank!(n, Parkinson::new(period(a)), |k, [h, l]| [k.push(&hl(h, l))])
    }),
    spec("vol_garman_klass", "Garman–Klass volatility of {period} bars", OHLC, &[PERIOD], window, |a, n| {
        bank!(n, GarmanKlass::new(period(a)), |k, [o, h, l, c]| [k.push(&ohlc(o, h, l, c))])
    }),
    spec("vol_rogers_satchell", "Rogers–Satchell volatility of {period} bars", OHLC, &[PERIOD], window, |a, n| {
        bank!(n, RogersSatchell::new(period(a)), |k, [o, h, l, c]| [k.push(&ohlc(o, h, l, c))])
    }),
    spec(
        "vol_yang_zhang",
        "Yang–Zhang volatility of {period} bars",
        OHLC,
        &[Key::count("period", 2)],
        steps,
        |a, n| bank!(n, YangZhang::new(period(a)), |k, [o, h, l, c]| [k.push(&ohlc(o, h, l, c))]),
    ),
    spec("mfi", "MFI{period}", HLCV, &[PERIOD], steps, |a, n| {
        bank!(n, MoneyFlow::new(period(a)), |k, [h, l, c, v]| [k.push(&hlcv(h, l, c, v)).filter(|_| k.is_defined())])
    }),
    spec("cmf", "Chaikin money flow of {period} bars", HLCV, &[PERIOD], window, |a, n| {
        bank!(n, ChaikinFlow::new(period(a)), |k, [h, l, c, v]| [k.push(&hlcv(h, l, c, v))])
    }),
    spec("rolling_vwap", "volume-weighted typical price of {period} bars", HLCV, &[PERIOD], window, |a, n| {
        bank!(n, RollingVwap::new(period(a)), |k, [h, l, c, v]| [k.push(&hlcv(h, l, c, v))])
    }),
    spec(
        "obv",
        "on-balance volume",
        &["close", "volume"],
        &[],
        |_, _| Lookback::cumulative(0),
        |_, n| bank!(n, OnBalanceVolume::new(), |k, [c, v]| [k.push(&hlcv(f64::NAN, f64::NAN, c, v))]),
    ),
    spec(
        "ad",
        "accumulation and distribution",
        HLCV,
        &[],
        |_, _| Lookback::cumulative(0),
        |_, n| bank!(n, Accumulation::new(), |k, [h, l, c, v]| [k.push(&hlcv(h, l, c, v))]),
    ),
    spec(
        "adosc",
        "Chaikin oscillator ({fast}, {slow})",
        HLCV,
        &[Key::count("fast", 1), Key::count("slow", 2)],
        |a, _| {
            let slower = a.count("fast").max(a.count("slow"));
            // Its averages start at the line's first value instead of a mean, which takes longer to forget.
            Lookback::recursive(slower.saturating_sub(1), 14 * slower)
        },
        |a, n| {
            bank!(n, ChaikinOscillator::new(a.count("fast"), a.count("slow")), |k, [h, l, c, v]| [
                k.push(&hlcv(h, l, c, v))
            ])
        },
    ),
];

/// Bars in which a trail turns at least once in an hourly market, as a rule.
const TURN: usize = 500;
