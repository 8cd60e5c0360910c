//! What must not allocate once it has started, counted by an allocator that counts.
#![allow(clippy::panic, reason = "a test fails by panicking")]

use std::f64::consts::TAU;

use allocation_counter::measure;
use cryptosmarttrader::decision::rules::{Action, RuleCosts, RuleTrader, Rules};
use cryptosmarttrader::domain::settings::PipelineSettings;
use cryptosmarttrader::domain::{Bar, Interval, Pair, UtcMs};
use cryptosmarttrader::pipeline::features::Panel;
use cryptosmarttrader::pipeline::kernels::{Indicator, Lanes, Plan, Real, Row};
use cryptosmarttrader::pipeline::{FeatureSet, NamedColumns};

fn row<T: Real>(i: u32) -> Row<T> {
    let close = 100.0 + 10.0 * f64::from(i * 37 % 101).sin();
    let row = Row { open: close - 0.1, high: close + 0.5, low: close - 0.7, close, volume: f64::from(i % 17) };
    row.side_by_side()
}

fn allocations<T: Real>() -> u64 {
    let mut started = Plan::new(Indicator::USUAL).start::<T>();
    let counted = measure(|| {
        for i in 0..1_000 {
            started.push(&row(i));
        }
    });
    assert_eq!(started.outputs().count(), Indicator::USUAL.iter().map(|i| i.lines().len()).sum::<usize>());
    counted.count_total
}

/// From the first bar on: every window has its place when it is made.
#[test]
fn no_indicator_allocates_while_it_takes_bars() {
    assert_eq!(measure(|| drop(vec![1_u8; 10])).count_total, 1, "the counter counts");
    assert_eq!(allocations::<f64>(), 0);
    assert_eq!(allocations::<Lanes<8>>(), 0);
}

const PAIRS: usize = 6;

fn candle(pair: usize, hour: i64) -> Bar {
    let wave =
        |h: i64| 100.0 * (0.05 * (TAU * (h as f64) / (37.0 + pair as f64)).sin() + 0.01 * ((h * h % 17) as f64)).exp();
    let (open, close) = (wave(hour - 1), wave(hour));
    Bar {
        open_time: UtcMs(hour * 3_600_000),
        open,
        high: open.max(close) * 1.001,
        low: open.min(close) * 0.999,
        close,
        volume: 5.0 + (hour % 13) as f64,
    }
}

#[test]
fn an_hour_of_all_pairs_allocates_nothing() {
    let pairs: Vec<Pair> = ["BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "LTC/USD", "DOGE/USD"]
        .iter()
        .filter_map(|n| n.parse().ok())
        .collect();
    assert_eq!(pairs.len(), PAIRS);
    let mut panel = Panel::new(FeatureSet::built_in(), &pairs, &PipelineSettings::default());
    let mut run = |hours: std::ops::Range<i64>| {
        for hour in hours {
            for pair in 0..PAIRS {
                panel.take(pair, &candle(pair, hour), None);
            }
            panel.close();
        }
    };
    // Every window is full, and has begun anew.
    run(0..700);
    let counted = measure(|| run(700..1_100));
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
    // Looking at the values makes no row either.
    let mut present = 0;
    let counted = measure(|| present = panel.values(1).filter(|v| !v.is_nan()).count());
    assert_eq!(counted.count_total, 0);
    assert!(present > 80, "{present}");
}

/// From the first bar on: deciding, being filled, and forgetting a hole's past apart.
#[test]
fn a_rule_allocates_nothing_while_it_takes_bars() {
    let rules = Rules {
        stop: Some("entry - 2 * atr_14".to_owned()),
        ..Rules::new(
            "cross_above(sma_5, ema_20) || prev(rsi_14) < 45 && bb_lower_20[5] < close && return_24 > -9",
            "bars_held > 5 || gain > 0.02 || if(macd_hist > 0, close < sma_5, false)",
        )
    };
    let columns = NamedColumns::new(Interval::H1, FeatureSet::built_in(), &PipelineSettings::default());
    let costs = RuleCosts { fee_rate: 0.0026, slippage_bps: 1.0 };
    let Ok(mut trader) = RuleTrader::new(&rules, columns, costs) else { panic!("sound rules") };
    let mut entries = 0;
    let counted = measure(|| {
        for hour in 0..2_000 {
            let bar = candle(0, hour);
            match trader.step(&bar) {
                Some(Action::Enter) => {
                    trader.entered(bar.close);
                    entries += 1;
                }
                Some(Action::Exit) => trader.left(),
                None => {}
            }
        }
    });
    assert!(entries > 10, "{entries} entries");
    assert_eq!(counted.count_total, 0);
}
