use proptest::prelude::*;

use super::*;
use crate::domain::time::MINUTE_MS;
use crate::domain::{Price, Qty, Venue};

const M1: Interval = Interval(1);
/// 2024-07-17 00:00.
const MIDNIGHT: i64 = 1_721_174_400_000;
const LENGTHS: [Interval; 5] = [Interval(5), Interval(15), Interval(60), Interval(240), Interval(1440)];

fn minute(n: i64, price: u32, trades: Option<u64>) -> Candle {
    let number = |x: f64| Price::from_f64(x).unwrap();
    let price = f64::from(price) / 8.0 + 1.0;
    Candle {
        pair: "BTC/USD".parse().unwrap(),
        venue: Venue::Kraken,
        interval: M1,
        open_time: UtcMs(MIDNIGHT + n * MINUTE_MS),
        open: number(price),
        high: number(price + 0.5),
        low: number(price - 0.5),
        close: number(price + 0.25),
        volume: Qty::from_f64(price / 4.0).unwrap(),
        trades,
    }
}

fn of(length: Interval, bars: &[Resampled]) -> Vec<Resampled> {
    bars.iter().filter(|r| r.candle.interval == length).cloned().collect()
}

#[test]
fn a_chain_takes_only_lengths_that_fit_into_each_other() {
    assert!(ResampleChain::new(M1, &LENGTHS).is_some());
    for bad in [&[Interval(5), Interval(12)][..], &[Interval(15), Interval(5)], &[Interval(1)], &[Interval(0)]] {
        assert!(ResampleChain::new(M1, bad).is_none(), "{bad:?}");
    }
    assert!(ResampleChain::new(Interval(0), &LENGTHS).is_none());
    assert!(ResampleChain::new(Interval(2), &LENGTHS).is_none());
}

#[test]
fn a_whole_day_of_minutes_is_complete_on_every_level() {
    let mut chain = ResampleChain::new(M1, &LENGTHS).unwrap();
    let mut bars = Vec::new();
    for n in 0..1440 {
        chain.push(&minute(n, (n % 7) as u32, Some(2)), &mut bars);
    }
    assert!(of(Interval(1440), &bars).is_empty(), "the day is not over before midnight");
    chain.close_by(UtcMs(MIDNIGHT + 1440 * MINUTE_MS), &mut bars);
    let counts = LENGTHS.map(|length| of(length, &bars).len());
    assert_eq!(counts, [288, 96, 24, 6, 1]);
    assert!(bars.iter().all(|r| r.complete && r.n_source == r.candle.interval.0));
    assert_eq!(of(Interval(1440), &bars)[0].candle.trades, Some(2880));
}

#[test]
fn one_missing_minute_makes_every_level_incomplete_there() {
    let mut chain = ResampleChain::new(M1, &LENGTHS).unwrap();
    let mut bars = Vec::new();
    (0..1440).filter(|n| *n != 100).for_each(|n| chain.push(&minute(n, 5, None), &mut bars));
    chain.finish(&mut bars);
    for length in LENGTHS {
        let bad: Vec<_> = of(length, &bars).into_iter().filter(|r| !r.complete).collect();
        assert_eq!(bad.len(), 1, "{length}");
        assert_eq!(bad[0].candle.open_time, UtcMs(MIDNIGHT + 100 * MINUTE_MS).floor_to(length.ms()));
        assert_eq!(bad[0].n_source, length.0 - 1);
    }
}

fn minutes() -> impl Strategy<Value = Vec<Candle>> {
    let step = prop_oneof![12 => Just(1_i64), 2 => 2..9_i64, 1 => 10..400_i64];
    prop::collection::vec((step, 0_u32..400, prop::option::weighted(0.95, 0_u64..50)), 1..400).prop_map(|list| {
        let mut n = -1;
        list.into_iter()
            .map(|(step, price, trades)| {
                n += step;
                minute(n, price, trades)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn resample_of_resample_is_direct(candles in minutes()) {
        let mut chain = ResampleChain::new(M1, &LENGTHS).unwrap();
        let mut chained = Vec::new();
        candles.iter().for_each(|c| chain.push(c, &mut chained));
        chain.finish(&mut chained);
        for length in LENGTHS {
            let direct = resample(&candles, M1, length).unwrap();
            prop_assert_eq!(of(length, &chained), direct, "{}", length);
        }
    }

    /// Live: closed by time, whenever somebody looks, and never before a bar is over.
    #[test]
    fn incremental_equals_batch(candles in minutes(), looks in prop::collection::vec(1_i64..30, 1..200)) {
        let mut chain = ResampleChain::new(M1, &LENGTHS).unwrap();
        let mut live = Vec::new();
        let mut left = candles.as_slice();
        let mut now = UtcMs(MIDNIGHT);
        for wait in looks {
            now = now.plus(wait * MINUTE_MS);
            let known = left.partition_point(|c| c.close_time() <= now);
            let before = live.len();
            left[..known].iter().for_each(|c| chain.push(c, &mut live));
            left = &left[known..];
            chain.close_by(now, &mut live);
            prop_assert!(live[before..].iter().all(|r| r.candle.close_time() <= now));
        }
        left.iter().for_each(|c| chain.push(c, &mut live));
        chain.finish(&mut live);
        for length in LENGTHS {
            prop_assert_eq!(of(length, &live), resample(&candles, M1, length).unwrap());
        }
    }
}
