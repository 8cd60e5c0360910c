//! Every kernel against the TA-Lib reference vectors, on a main, a tiny-price and an edge series.

use std::collections::BTreeMap;

use super::*;
use crate::pipeline::golden::{self, Case};

type Column = Vec<Option<f64>>;
type Outputs = Vec<(&'static str, Column)>;
type Part<T> = (&'static str, fn(T) -> f64);

/// The batch form of a kernel over one input column.
fn over(case: &Case, mut push: impl FnMut(f64) -> Option<f64>) -> Outputs {
    vec![("value", case.column("close").iter().map(|x| push(*x)).collect())]
}

/// The batch form of a kernel over bars.
fn over_bars(case: &Case, push: impl FnMut(&Bar) -> Option<f64>) -> Outputs {
    vec![("value", case.bars().iter().map(push).collect())]
}

/// The batch form of a kernel with several outputs.
fn lines<T: Copy>(rows: impl Iterator<Item = Option<T>>, parts: &[Part<T>]) -> Outputs {
    let rows: Vec<_> = rows.collect();
    parts.iter().map(|(name, part)| (*name, rows.iter().map(|row| row.map(part)).collect())).collect()
}

fn bands(rows: impl Iterator<Item = Option<Channel>>) -> Outputs {
    lines(rows, &[("upper", |c| c.upper), ("middle", |c| c.middle), ("lower", |c| c.lower)])
}

fn averages(case: &Case) -> Option<Outputs> {
    let n = || case.count("timeperiod");
    Some(match case.function.as_str() {
        "sma" => {
            let mut k = Sma::new(n());
            over(case, |x| k.push(x))
        }
        "ema" => {
            let mut k = Ema::new(n());
            over(case, |x| k.push(x))
        }
        "wma" => {
            let mut k = Wma::new(n());
            over(case, |x| k.push(x))
        }
        "dema" => {
            let mut k = Dema::new(n());
            over(case, |x| k.push(x))
        }
        "tema" => {
            let mut k = Tema::new(n());
            over(case, |x| k.push(x))
        }
        "kama" => {
            let mut k = Kama::new(n());
            over(case, |x| k.push(x))
        }
        "linearreg_slope" => {
            let mut k = Slope::new(n());
            over(case, |x| k.push(x))
        }
        "min" => {
            let mut k = RollingMin::new(n());
            over(case, |x| k.push(x))
        }
        "max" => {
            let mut k = RollingMax::new(n());
            over(case, |x| k.push(x))
        }
        _ => return None,
    })
}

fn oscillators(case: &Case) -> Option<Outputs> {
    let n = || case.count("timeperiod");
    Some(match case.function.as_str() {
        "rsi" => {
            let mut k = Rsi::new(n());
            over(case, |x| k.push(x))
        }
        "cmo" => {
            let mut k = Cmo::new(n());
            over(case, |x| k.push(x))
        }
        "roc" => {
            let mut k = Momentum::new(n());
            over(case, |x| k.push_rate(x))
        }
        "mom" => {
            let mut k = Momentum::new(n());
            over(case, |x| k.push(x))
        }
        "macd" => {
            let mut k = Macd::new(case.count("fastperiod"), case.count("slowperiod"), case.count("signalperiod"));
            lines(
                case.column("close").iter().map(|x| k.push(*x)),
                &[("macd", |m| m.macd), ("signal", |m| m.signal), ("hist", |m| m.histogram)],
            )
        }
        "stoch" => {
            let mut k =
                Stochastic::new(case.count("fastk_period"), case.count("slowk_period"), case.count("slowd_period"));
            lines(case.bars().iter().map(|b| k.push(b)), &[("slow_k", |s| s.slow_k), ("slow_d", |s| s.slow_d)])
        }
        "willr" => {
            let mut k = WilliamsR::new(n());
            over_bars(case, |b| k.push(b))
        }
        "cci" => {
            let mut k = Cci::new(n());
            over_bars(case, |b| k.push(b))
        }
        _ => return None,
    })
}

fn spreads_and_bands(case: &Case) -> Option<Outputs> {
    let n = || case.count("timeperiod");
    Some(match case.function.as_str() {
        "bbands" => {
            let mut k = Bollinger::new(n(), case.number("nbdevup"));
            bands(case.column("close").iter().map(|x| k.push(*x)))
        }
        "donchian" => {
            let mut k = Donchian::new(n());
            bands(case.bars().iter().map(|b| k.push(b)))
        }
        "keltner" => {
            let mut k = Keltner::new(case.count("ema_period"), case.count("atr_period"), case.number("mult"));
            bands(case.bars().iter().map(|b| k.push(b)))
        }
        "stddev" => {
            let mut k = StdDev::new(n());
            over(case, |x| k.push(x))
        }
        "rolling_zscore" => {
            let mut k = ZScore::new(n());
            over(case, |x| k.push(x))
        }
        "trange" => {
            let mut k = TrueRange::new();
            over_bars(case, |b| k.push(b))
        }
        "atr" => {
            let mut k = Atr::new(n());
            over_bars(case, |b| k.push(b))
        }
        "natr" => {
            let mut k = Natr::new(n());
            over_bars(case, |b| k.push(b))
        }
        "vol_close" => {
            let mut k = CloseVolatility::new(case.count("window"));
            over(case, |x| k.push(x))
        }
        "vol_realised" => {
            let mut k = RealisedVolatility::new(case.count("window"));
            over(case, |x| k.push(x))
        }
        _ => return None,
    })
}

fn trends(case: &Case) -> Option<Outputs> {
    let n = || case.count("timeperiod");
    Some(match case.function.as_str() {
        "plus_di" => {
            let mut k = Directional::new(n());
            over_bars(case, |b| k.push(b).map(|d| d.plus_di))
        }
        "minus_di" => {
            let mut k = Directional::new(n());
            over_bars(case, |b| k.push(b).map(|d| d.minus_di))
        }
        "dx" => {
            let mut k = Directional::new(n());
            over_bars(case, |b| k.push(b).map(|d| d.dx))
        }
        "adx" => {
            let mut k = Adx::new(n());
            over_bars(case, |b| k.push(b))
        }
        "aroon" => {
            let mut k = Aroon::new(n());
            lines(case.bars().iter().map(|b| k.push(b)), &[("down", |a| a.down), ("up", |a| a.up)])
        }
        "supertrend" => {
            let mut k = Supertrend::new(case.count("atr_period"), case.number("mult"));
            lines(
                case.bars().iter().map(|b| k.push(b)),
                &[("value", |t| t.value), ("direction", |t| if t.up { 1.0 } else { -1.0 })],
            )
        }
        _ => return None,
    })
}

fn volumes(case: &Case) -> Option<Outputs> {
    let n = || case.count("timeperiod");
    Some(match case.function.as_str() {
        "mfi" => {
            let mut k = MoneyFlow::new(n());
            over_bars(case, |b| k.push(b))
        }
        "obv" => {
            let mut k = OnBalanceVolume::new();
            over_bars(case, |b| k.push(b))
        }
        "ad" => {
            let mut k = Accumulation::new();
            over_bars(case, |b| k.push(b))
        }
        "cmf" => {
            let mut k = ChaikinFlow::new(n());
            over_bars(case, |b| k.push(b))
        }
        "rolling_vwap" => {
            let mut k = RollingVwap::new(n());
            over_bars(case, |b| k.push(b))
        }
        _ => return None,
    })
}

fn outputs(case: &Case) -> Option<Outputs> {
    averages(case)
        .or_else(|| oscillators(case))
        .or_else(|| spreads_and_bands(case))
        .or_else(|| trends(case))
        .or_else(|| volumes(case))
}

/// Runs every case of `file` that a kernel answers; how many there were per function.
fn exercised(file: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for case in golden::cases(file) {
        let Some(outputs) = outputs(&case) else { continue };
        assert_eq!(outputs.len(), case.expected.as_object().unwrap().len(), "{}: outputs", case.name);
        for (name, column) in &outputs {
            assert!(column.iter().flatten().all(|v| v.is_finite()), "{}: {name}", case.name);
            case.check(name, column);
        }
        *counts.entry(case.function.clone()).or_default() += 1;
    }
    counts
}

#[test]
fn every_indicator_equals_the_reference_on_every_series() {
    let expected: BTreeMap<_, _> = [
        ("ad", 2),
        ("adx", 3),
        ("aroon", 3),
        ("atr", 3),
        ("bbands", 3),
        ("cci", 3),
        ("cmf", 1),
        ("cmo", 3),
        ("dema", 3),
        ("donchian", 1),
        ("dx", 3),
        ("ema", 6),
        ("kama", 3),
        ("keltner", 1),
        ("linearreg_slope", 2),
        ("macd", 3),
        ("max", 2),
        ("mfi", 3),
        ("min", 2),
        ("minus_di", 3),
        ("mom", 3),
        ("natr", 3),
        ("obv", 2),
        ("plus_di", 3),
        ("roc", 3),
        ("rolling_vwap", 1),
        ("rolling_zscore", 1),
        ("rsi", 6),
        ("sma", 6),
        ("stddev", 3),
        ("stoch", 3),
        ("supertrend", 1),
        ("tema", 3),
        ("trange", 3),
        ("willr", 3),
        ("wma", 3),
    ]
    .map(|(name, n)| (name.to_owned(), n))
    .into();
    assert_eq!(exercised("indicators"), expected);
}

#[test]
fn volatility_equals_the_reference() {
    let expected: BTreeMap<_, _> = [("vol_close", 1), ("vol_realised", 1)].map(|(k, n)| (k.to_owned(), n)).into();
    assert_eq!(exercised("volatility"), expected);
}

/// A kernel that was reset gives what a new one gives.
#[test]
fn reset_forgets_everything() {
    let case = golden::cases("indicators").into_iter().find(|c| c.name == "mfi_14/eth_usd_1h").unwrap();
    let bars = case.bars();
    let twice = |push: &mut dyn FnMut(&Bar) -> Option<f64>, reset: &mut dyn FnMut()| {
        let first: Column = bars.iter().map(&mut *push).collect();
        reset();
        let second: Column = bars.iter().map(push).collect();
        (first, second)
    };
    macro_rules! check {
        ($($new:expr => |$k:ident, $bar:ident| $push:expr;)*) => {$({
            let kernel = std::cell::RefCell::new($new);
            let (first, second) = twice(
                &mut |$bar: &Bar| { let $k = &mut *kernel.borrow_mut(); $push },
                &mut || kernel.borrow_mut().reset(),
            );
            assert!(first.iter().any(Option::is_some));
            assert_eq!(first, second, stringify!($new));
        })*};
    }
    check! {
        Sma::new(9) => |k, b| k.push(b.close);
        Ema::new(9) => |k, b| k.push(b.close);
        Wma::new(9) => |k, b| k.push(b.close);
        Dema::new(9) => |k, b| k.push(b.close);
        Tema::new(9) => |k, b| k.push(b.close);
        Kama::new(9) => |k, b| k.push(b.close);
        Wilder::new(9) => |k, b| k.push(b.close);
        Slope::new(9) => |k, b| k.push(b.close);
        HalfLife::new(30) => |k, b| k.push(b.close.ln());
        RollingMin::new(9) => |k, b| k.push(b.close);
        RollingMax::new(9) => |k, b| k.push(b.close);
        RollingSum::new(9) => |k, b| k.push(b.close);
        Lag::new(9) => |k, b| k.push(b.close);
        Rsi::new(9) => |k, b| k.push(b.close);
        Cmo::new(9) => |k, b| k.push(b.close);
        Momentum::new(9) => |k, b| k.push(b.close);
        Macd::new(12, 26, 9) => |k, b| k.push(b.close).map(|m| m.histogram);
        Stochastic::new(14, 3, 3) => |k, b| k.push(b).map(|s| s.slow_d);
        WilliamsR::new(9) => |k, b| k.push(b);
        Cci::new(9) => |k, b| k.push(b);
        Bollinger::new(9, 2.0) => |k, b| k.push(b.close).map(|c| c.upper);
        Donchian::new(9) => |k, b| k.push(b).map(|c| c.upper);
        Keltner::new(9, 9, 2.0) => |k, b| k.push(b).map(|c| c.upper);
        StdDev::new(9) => |k, b| k.push(b.close);
        SampleSd::new(9) => |k, b| k.push(b.close);
        ZScore::new(9) => |k, b| k.push(b.close);
        TrueRange::new() => |k, b| k.push(b);
        Atr::new(9) => |k, b| k.push(b);
        Natr::new(9) => |k, b| k.push(b);
        CloseVolatility::new(9) => |k, b| k.push(b.close);
        RealisedVolatility::new(9) => |k, b| k.push(b.close);
        Directional::new(9) => |k, b| k.push(b).map(|d| d.dx);
        Adx::new(9) => |k, b| k.push(b);
        Aroon::new(9) => |k, b| k.push(b).map(|a| a.up);
        Supertrend::new(9, 3.0) => |k, b| k.push(b).map(|t| t.value);
        MoneyFlow::new(9) => |k, b| k.push(b);
        OnBalanceVolume::new() => |k, b| k.push(b);
        Accumulation::new() => |k, b| k.push(b);
        ChaikinFlow::new(9) => |k, b| k.push(b);
        RollingVwap::new(9) => |k, b| k.push(b);
        Hampel::new(11, 0.5) => |k, b| k.push(b.close).then_some(1.0);
    }
}
