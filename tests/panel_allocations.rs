//! In steady state an hour of all pairs allocates nothing. A test binary of its own: it counts what the allocator is asked for.

use std::f64::consts::TAU;

use cryptosmarttrader::domain::settings::PipelineSettings;
use cryptosmarttrader::domain::{Bar, Pair, UtcMs};
use cryptosmarttrader::pipeline::FeatureSet;
use cryptosmarttrader::pipeline::features::Panel;

const PAIRS: usize = 6;

fn bar(pair: usize, hour: i64) -> Bar {
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
                panel.take(pair, &bar(pair, hour), None);
            }
            panel.close();
        }
    };
    // Every window is full, and has begun anew.
    run(0..700);
    let counted = allocation_counter::measure(|| run(700..1_100));
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
    // Looking at the values makes no row either.
    let mut present = 0;
    let counted = allocation_counter::measure(|| present = panel.values(1).filter(|v| !v.is_nan()).count());
    assert_eq!(counted.count_total, 0);
    assert!(present > 80, "{present}");
}
