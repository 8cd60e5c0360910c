//! The engine against definitions, references and its own promises.

use proptest::prelude::*;

use std::f64::consts::TAU;

use super::*;
use crate::domain::UtcMs;
use crate::domain::time::HOUR_MS;
use crate::pipeline::golden;

fn engine() -> FeatureEngine {
    FeatureEngine::new(FeatureSet::built_in(), &PipelineSettings::default())
}

fn run(bars: &[Bar]) -> Vec<FeatureOutput> {
    let mut engine = engine();
    bars.iter().map(|bar| engine.push(bar)).collect()
}

/// Hourly ETH/USD or PEPE/USD of the recording behind the reference vectors.
fn recorded(series: &str) -> Vec<Bar> {
    let name = format!("mfi_14/{series}");
    golden::cases("indicators").iter().find(|c| c.name == name).unwrap().bars()
}

/// What must be bit-equal: every number as bits, since NaN would hide in `==`.
fn bits(out: &FeatureOutput) -> String {
    let row: Vec<_> = out.features.values().map(|v| v.map(f64::to_bits)).collect();
    format!("{row:?} {:?} {}", out.indicators, out.outlier)
}

#[test]
fn features_equal_their_definitions_on_real_bars() {
    let bars = recorded("eth_usd_1h");
    let out = run(&bars);
    let close: Vec<f64> = bars.iter().map(|b| b.close).collect();
    for t in [200, 287, 399] {
        let (row, i) = (&out[t].features, &out[t].indicators);
        let log = |h: usize| (close[t] / close[t - h]).ln();
        let sd = |n: usize| {
            let r: Vec<f64> = (t + 1 - n..=t).map(|k| (close[k] / close[k - 1]).ln()).collect();
            let mean = r.iter().sum::<f64>() / n as f64;
            (r.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt()
        };
        let volumes: Vec<f64> = bars[t - 23..=t].iter().map(|b| b.volume.ln_1p()).collect();
        let mean = volumes.iter().sum::<f64>() / 24.0;
        let volume_sd = (volumes.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 23.0).sqrt();
        let ema_before = out[t - 8].indicators.ema50.unwrap();
        let atr = i.atr14.unwrap();
        let hour = (bars[t].open_time.0 / HOUR_MS % 24) as f64;
        let expected = [
            ("return_1", log(1) / sd(24)),
            ("return_4", log(4) / (sd(24) * 2.0)),
            ("return_24", log(24) / (sd(24) * 24.0_f64.sqrt())),
            ("return_72", log(72) / (sd(24) * 72.0_f64.sqrt())),
            ("ema50_distance", (close[t] - i.ema50.unwrap()) / atr),
            ("ema200_distance", (close[t] - i.ema200.unwrap()) / atr),
            ("ema50_slope", (i.ema50.unwrap() / ema_before).ln() / sd(24)),
            ("rsi14", (i.rsi14.unwrap() - 50.0) / 50.0),
            ("macd_histogram", i.macd_histogram.unwrap() / atr),
            ("adx14", i.adx14.unwrap() / 100.0),
            ("directional_spread", (i.plus_di14.unwrap() - i.minus_di14.unwrap()) / 100.0),
            ("percent_b", i.percent_b.unwrap() - 0.5),
            ("mfi14", (i.mfi14.unwrap() - 50.0) / 50.0),
            ("cmf20", i.cmf20.unwrap()),
            ("volatility_ratio", (sd(24) / sd(168)).ln()),
            ("volatility_level", sd(24).ln()),
            ("volume_z", (volumes[23] - mean) / volume_sd),
            ("hour_sin", (TAU * hour / 24.0).sin()),
            ("hour_cos", (TAU * hour / 24.0).cos()),
        ];
        for (feature, want) in expected {
            let got = row.get(feature).unwrap();
            assert!((got - want).abs() < 1e-9, "{feature} at {t}: {got}, expected {want}");
        }
        let high = bars[t - 20..t].iter().map(|b| b.high).fold(f64::MIN, f64::max);
        let low = bars[t - 20..t].iter().map(|b| b.low).fold(f64::MAX, f64::min);
        assert_eq!((i.donchian_upper, i.donchian_lower), (Some(high), Some(low)));
        let volume: f64 = bars[t - 23..=t].iter().map(|b| b.volume).sum();
        assert!((i.volume24.unwrap() - volume).abs() < 1e-6);
    }
}

/// The levels that have a reference vector of their own, through the engine.
#[test]
fn indicators_equal_the_reference() {
    let mut checked = 0;
    for case in golden::cases("indicators").iter().chain(&golden::cases("volatility")) {
        type Part = fn(&FeatureOutput) -> Option<f64>;
        let (output, part): (&str, Part) = match case.name.as_str() {
            "ema_50/eth_usd_1h" | "ema_50/pepe_usd_1h" => ("value", |o| o.indicators.ema50),
            "rsi_14/eth_usd_1h" => ("value", |o| o.indicators.rsi14),
            "atr_14/eth_usd_1h" => ("value", |o| o.indicators.atr14),
            "adx_14/eth_usd_1h" => ("value", |o| o.indicators.adx14),
            "mfi_14/eth_usd_1h" => ("value", |o| o.indicators.mfi14),
            "cmf_20/eth_usd_1h" => ("value", |o| o.indicators.cmf20),
            "zscore_20/eth_usd_1h" => ("value", |o| o.indicators.z20),
            "macd_12_26_9/eth_usd_1h" => ("hist", |o| o.indicators.macd_histogram),
            "bbands_20_2/eth_usd_1h" => ("lower", |o| o.indicators.bollinger_lower),
            "stoch_14_3_3/eth_usd_1h" => ("slow_k", |o| o.features.get("stochastic").map(|s| (s + 0.5) * 100.0)),
            "supertrend_10_3/eth_usd_1h" => {
                ("direction", |o| o.indicators.supertrend_up.map(|up| if up { 1.0 } else { -1.0 }))
            }
            "close_to_close" => ("value", |o| o.indicators.sigma24),
            _ => continue,
        };
        let bars = recorded(if case.name.ends_with("pepe_usd_1h") { "pepe_usd_1h" } else { "eth_usd_1h" });
        case.check(output, &run(&bars).iter().map(part).collect::<Vec<_>>());
        checked += 1;
    }
    assert_eq!(checked, 13);
}

#[test]
fn the_row_is_complete_exactly_when_the_longest_window_is_filled() {
    let out = run(&recorded("pepe_usd_1h"));
    let complete = |o: &FeatureOutput| o.features.missing().is_none();
    assert_eq!(FeatureSet::built_in().warm_up(), 200);
    assert_eq!(out.iter().position(complete), Some(199));
    assert!(out[199..].iter().all(complete));
}

#[test]
fn a_reset_engine_is_a_new_engine() {
    let bars = recorded("eth_usd_1h");
    let mut used = engine();
    for bar in &bars {
        used.push(bar);
    }
    used.reset();
    let again: Vec<_> = bars.iter().map(|bar| bits(&used.push(bar))).collect();
    assert_eq!(again, run(&bars).iter().map(bits).collect::<Vec<_>>());
}

/// Truncation and poison: a value at `t` is the same bit for bit when the future is missing, garbage or NaN.
#[test]
fn nothing_depends_on_the_future() {
    let bars = recorded("eth_usd_1h");
    let full: Vec<_> = run(&bars).iter().map(bits).collect();
    for t in (0..bars.len()).step_by(7) {
        let known = run(&bars[..=t]);
        assert_eq!(bits(known.last().unwrap()), full[t], "truncated at {t}");
        for poison in [f64::NAN, 1e12] {
            let mut poisoned = bars.clone();
            for bar in &mut poisoned[t + 1..] {
                (bar.open, bar.high, bar.low, bar.close, bar.volume) = (poison, poison, poison, poison, poison);
            }
            let poisoned: Vec<_> = run(&poisoned)[..=t].iter().map(bits).collect();
            assert_eq!(poisoned, full[..=t], "poisoned after {t}");
        }
    }
}

#[test]
fn a_market_that_never_moves_has_no_ratios() {
    let flat = |i: i64| Bar { open_time: UtcMs(i * HOUR_MS), open: 0.1, high: 0.1, low: 0.1, close: 0.1, volume: 3.0 };
    let bars: Vec<_> = (0..300).map(flat).collect();
    let out = run(&bars);
    let last = out.last().unwrap();
    let columns = last.features.schema().columns().iter().zip(last.features.values());
    let present: Vec<_> = columns.filter(|(c, v)| c.model && v.is_some()).map(|(c, _)| c.name.as_str()).collect();
    assert_eq!(present, ["adx14", "directional_spread", "cmf20", "hour_sin", "hour_cos"]);
    assert!(last.features.missing().is_some() && !last.outlier);
    assert_eq!((last.indicators.sigma24, last.indicators.rsi14, last.indicators.half_life), (Some(0.0), None, None));
}

#[test]
fn an_outlying_close_is_flagged() {
    let mut bars = recorded("eth_usd_1h");
    assert!(!run(&bars)[300].outlier);
    bars[300].close *= 1.5;
    bars[300].high = bars[300].close;
    assert!(run(&bars)[300].outlier);
}

/// A random walk on a price grid, with ties and flat stretches as real ticks have them.
fn walk() -> impl Strategy<Value = Vec<Bar>> {
    prop::collection::vec((-40_i32..=40, 0_u32..30, 0_u32..30, 1_u32..5_000), 260).prop_map(|steps| {
        let mut ticks = 50_000_i32;
        let price = |ticks: i32| f64::from(ticks) / 100.0;
        steps
            .iter()
            .enumerate()
            .map(|(i, (step, up, down, volume))| {
                let open = ticks;
                ticks += step;
                let (top, bottom) = (open.max(ticks), open.min(ticks));
                Bar {
                    open_time: UtcMs(i64::try_from(i).unwrap() * HOUR_MS),
                    open: price(open),
                    high: price(top + i32::try_from(*up).unwrap()),
                    low: price(bottom - i32::try_from(*down).unwrap()),
                    close: price(ticks),
                    volume: f64::from(*volume) / 10.0,
                }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The scale is a power of two, so that it moves no comparison: a stop that a low touches to the last bit is
    /// touched in both units. With a decimal scale the two sides of such a tie round apart, and what flips at the
    /// touch (the parabolic stop, the supertrend) flips in one unit only.
    #[test]
    fn features_do_not_know_the_unit_of_price(bars in walk()) {
        let scale = |x: f64| x * 2.0_f64.powi(-20);
        let small: Vec<_> = bars
            .iter()
            .map(|b| Bar {
                open: scale(b.open),
                high: scale(b.high),
                low: scale(b.low),
                close: scale(b.close),
                ..*b
            })
            .collect();
        for (t, (a, b)) in run(&bars).iter().zip(run(&small)).enumerate() {
            prop_assert_eq!(a.outlier, b.outlier);
            prop_assert_eq!(a.indicators.supertrend_up, b.indicators.supertrend_up);
            for (column, values) in a.features.schema().columns().iter().zip(a.features.values().zip(b.features.values())) {
                match values {
                    (Some(x), Some(y)) => prop_assert!(
                        (x - y).abs() <= 1e-9 * x.abs().max(1.0),
                        "{} at {}: {} against {}", column.name, t, x, y
                    ),
                    (x, y) => prop_assert_eq!(x, y),
                }
            }
        }
    }

    #[test]
    fn every_value_is_finite_and_within_its_range(bars in walk()) {
        for out in run(&bars) {
            prop_assert!(out.features.values().flatten().all(|v| v.is_finite()));
            for (feature, bound) in [
                ("rsi14", 1.0),
                ("adx14", 1.0),
                ("directional_spread", 1.0),
                ("stochastic", 0.5),
                ("mfi14", 1.0),
                ("cmf20", 1.0),
            ] {
                let value = out.features.get(feature).unwrap_or(0.0);
                prop_assert!(value.abs() <= bound + 1e-12, "{} = {}", feature, value);
            }
        }
    }
}
