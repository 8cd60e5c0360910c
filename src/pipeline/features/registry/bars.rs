//! Kernels over bars.

use super::{Inputs, KernelSpec, Lookback, Make, ONE, PERIOD};
use crate::domain::{Bar, UtcMs};
use crate::pipeline::features::keys::{Args, Key};
use crate::pipeline::features::stream::{Stream, stream};
use crate::pipeline::kernels::{
    Accumulation, Adx, Aroon, Atr, Cci, ChaikinFlow, Channel, Donchian, Keltner, MoneyFlow, OnBalanceVolume, RollingVwap,
    Stochastic, Supertrend, TrueRange, WilliamsR,
};

const HL: &[&str] = &["high", "low"];
const HLC: &[&str] = &["high", "low", "close"];
const HLCV: &[&str] = &["high", "low", "close", "volume"];

/// A bar of which only these parts are known: a kernel that used another one would have no value.
fn hlcv(high: f64, low: f64, close: f64, volume: f64) -> Bar {
    Bar { open_time: UtcMs(0), open: f64::NAN, high, low, close, volume }
}

fn hlc(high: f64, low: f64, close: f64) -> Bar {
    hlcv(high, low, close, f64::NAN)
}

fn hl(high: f64, low: f64) -> Bar {
    hlc(high, low, f64::NAN)
}

const fn spec(
    name: &'static str,
    words: &'static str,
    fields: &'static [&'static str],
    keys: &'static [Key],
    lookback: fn(&Args, usize) -> Lookback,
    make: fn(&Args) -> Box<dyn Stream>,
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
    spec("true_range", "true range", HLC, &[], |_, _| Lookback::window(1), |_| {
        stream!(TrueRange::new(), |k, [h, l, c]| [k.push(&hlc(h, l, c))])
    }),
    spec("atr", "ATR{period}", HLC, &[PERIOD], wilder, |a| {
        stream!(Atr::new(period(a)), |k, [h, l, c]| [k.push(&hlc(h, l, c))])
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
            |a| {
                stream!(Adx::new(period(a)), |k, [h, l, c]| {
                    let adx = k.push(&hlc(h, l, c));
                    let lines = k.lines();
                    [adx, lines.map(|d| d.plus_di), lines.map(|d| d.minus_di), lines.map(|d| d.dx)]
                })
            },
        ),
    ),
    lines(
        &["up", "down"],
        spec("aroon", "Aroon over {period} bars", HL, &[PERIOD], steps, |a| {
            stream!(Aroon::new(period(a)), |k, [h, l]| {
                let lines = k.push(&hl(h, l));
                [lines.map(|a| a.up), lines.map(|a| a.down)]
            })
        }),
    ),
    lines(
        &["value", "up"],
        spec("supertrend", "Supertrend({period}, {multiple})", HLC, &[PERIOD, MULTIPLE], wilder, |a| {
            stream!(Supertrend::new(period(a), a.number("multiple")), |k, [h, l, c]| {
                let trail = k.push(&hlc(h, l, c));
                [trail.map(|t| t.value), trail.map(|t| f64::from(u8::from(t.up)))]
            })
        }),
    ),
    lines(
        CHANNEL,
        spec("donchian", "Donchian channel of {period} bars, this one included", HL, &[PERIOD], window, |a| {
            stream!(Donchian::new(period(a)), |k, [h, l]| channel(k.push(&hl(h, l))))
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
            |a| {
                stream!(Keltner::new(period(a), a.count("atr"), a.number("multiple")), |k, [h, l, c]| {
                    channel(k.push(&hlc(h, l, c)))
                })
            },
        ),
    ),
    lines(
        &["slow_k", "slow_d"],
        // 0 would stand for 0/0 where there was no range: that is no value here.
        spec(
            "stochastic",
            "stochastic ({fast_k}, {slow_k}, {slow_d})",
            HLC,
            &[Key::count("fast_k", 1), Key::count("slow_k", 1), Key::count("slow_d", 1)],
            |a, _| Lookback::window((a.count("fast_k") + a.count("slow_k") + a.count("slow_d")).saturating_sub(3)),
            |a| {
                stream!(Stochastic::new(a.count("fast_k"), a.count("slow_k"), a.count("slow_d")), |k, [h, l, c]| {
                    let lines = k.push(&hlc(h, l, c)).filter(|_| k.is_defined());
                    [lines.map(|s| s.slow_k), lines.map(|s| s.slow_d)]
                })
            },
        ),
    ),
    spec("williams_r", "Williams %R of {period} bars", HLC, &[PERIOD], window, |a| {
        stream!(WilliamsR::new(period(a)), |k, [h, l, c]| [k.push(&hlc(h, l, c))])
    }),
    spec("cci", "CCI{period}", HLC, &[PERIOD], window, |a| {
        stream!(Cci::new(period(a)), |k, [h, l, c]| [k.push(&hlc(h, l, c))])
    }),
    spec("money_flow", "MFI{period}", HLCV, &[PERIOD], steps, |a| {
        stream!(MoneyFlow::new(period(a)), |k, [h, l, c, v]| [k.push(&hlcv(h, l, c, v)).filter(|_| k.is_defined())])
    }),
    spec("chaikin_flow", "Chaikin money flow of {period} bars", HLCV, &[PERIOD], window, |a| {
        stream!(ChaikinFlow::new(period(a)), |k, [h, l, c, v]| [k.push(&hlcv(h, l, c, v))])
    }),
    spec("vwap", "volume-weighted typical price of {period} bars", HLCV, &[PERIOD], window, |a| {
        stream!(RollingVwap::new(period(a)), |k, [h, l, c, v]| [k.push(&hlcv(h, l, c, v))])
    }),
    spec("on_balance_volume", "on-balance volume", &["close", "volume"], &[], |_, _| Lookback::cumulative(0), |_| {
        stream!(OnBalanceVolume::new(), |k, [c, v]| [k.push(&hlcv(f64::NAN, f64::NAN, c, v))])
    }),
    spec("accumulation", "accumulation and distribution", HLCV, &[], |_, _| Lookback::cumulative(0), |_| {
        stream!(Accumulation::new(), |k, [h, l, c, v]| [k.push(&hlcv(h, l, c, v))])
    }),
];
