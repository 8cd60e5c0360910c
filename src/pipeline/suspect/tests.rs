use proptest::prelude::*;

use super::*;
use crate::domain::time::MINUTE_MS;
use crate::domain::{Interval, Price, Qty, Venue};

const NOON: UtcMs = UtcMs(1_721_217_600_000);

fn at(slot: i64) -> UtcMs {
    NOON.plus(slot * 5 * MINUTE_MS)
}

/// A lively bar around `level`, with prices in hundredths.
fn bar(slot: i64, level: f64) -> Candle {
    let cents = |v: f64| Price::from_f64((v * 100.0).round() / 100.0).unwrap();
    let wave = (slot as f64 * 0.7).sin() * level * 1e-3;
    Candle {
        pair: "BTC/USD".parse().unwrap(),
        venue: Venue::Kraken,
        interval: Interval::M5,
        open_time: at(slot),
        open: cents(level - wave),
        high: cents(level * 1.002),
        low: cents(level * 0.998),
        close: cents(level + wave),
        volume: Qty::from_f64(5.0 + (slot as f64 * 1.3).cos()).unwrap(),
        trades: None,
    }
}

fn suspect() -> Suspect {
    let mut suspect = Suspect::new(&PipelineSettings::default(), None);
    for slot in -200..0 {
        suspect.push(&bar(slot, 100.0));
    }
    suspect
}

fn told(suspect: &Suspect, slot: i64) -> Findings {
    let mut findings = Findings::default();
    suspect.tell(at(slot), HOUR_MS, &mut findings);
    findings
}

fn word(by: Witness, candle: &Candle, close: f64) -> Testimony {
    Testimony { by, pair: candle.pair.clone(), interval: candle.interval, open_time: candle.open_time, close }
}

#[test]
fn a_lively_market_is_not_suspect() {
    let mut suspect = suspect();
    assert!(told(&suspect, 0).is_empty());
    for slot in 0..500 {
        suspect.push(&bar(slot, 100.0 + slot as f64 * 0.2));
        assert!(told(&suspect, slot).is_empty(), "{slot}");
    }
    assert_eq!(suspect.counts(), OutlierCounts::default());
}

#[test]
fn an_outlier_blocks_until_the_market_has_answered() {
    let mut suspect = suspect();
    suspect.push(&bar(0, 125.0));
    assert!(told(&suspect, 0).holds(Cause::Outlier));
    for slot in 1..4 {
        assert!(told(&suspect, slot).holds(Cause::Outlier));
        suspect.push(&bar(slot, 125.0));
    }
    assert!(!told(&suspect, 4).holds(Cause::Outlier));
    let counts = suspect.counts();
    assert_eq!((counts.settled, counts.confirmed, counts.contradicted), (counts.flagged, 0, 0));
}

#[test]
fn a_second_source_decides_at_once() {
    for by in [Witness::Trades, Witness::OtherVenue] {
        let mut suspect = suspect();
        let spike = bar(0, 125.0);
        suspect.push(&spike);
        assert!(!suspect.hear(&spike, &word(by, &spike, spike.close.to_f64())));
        assert!(told(&suspect, 0).is_empty());
        assert_eq!(suspect.counts(), OutlierCounts { flagged: 1, confirmed: 1, ..OutlierCounts::default() });
    }
    let mut suspect = suspect();
    let spike = bar(0, 125.0);
    suspect.push(&spike);
    assert!(suspect.hear(&spike, &word(Witness::OtherVenue, &spike, 100.2)));
    assert!(told(&suspect, 0).holds(Cause::Contradicted) && !told(&suspect, 0).holds(Cause::Outlier));
    assert!(told(&suspect, 12).holds(Cause::Contradicted) && !told(&suspect, 13).holds(Cause::Contradicted));
    assert_eq!(suspect.counts(), OutlierCounts { flagged: 1, contradicted: 1, ..OutlierCounts::default() });
}

#[test]
fn the_same_venue_must_agree_exactly_and_another_one_nearly() {
    let candle = bar(0, 100.0);
    let close = candle.close.to_f64();
    for (by, factor, contradicts) in [
        (Witness::Trades, 1.0, false),
        (Witness::Trades, 1.000_1, true),
        (Witness::OtherVenue, 1.02, false),
        (Witness::OtherVenue, 0.96, true),
    ] {
        let mut suspect = suspect();
        suspect.push(&candle);
        assert_eq!(suspect.hear(&candle, &word(by, &candle, close * factor)), contradicts, "{by:?} {factor}");
    }
}

#[test]
fn a_frozen_feed_shows_and_thaws() {
    let mut suspect = suspect();
    let same = |slot: i64| Candle { open_time: at(slot), ..bar(0, 100.0) };
    for slot in 0..11 {
        suspect.push(&same(slot));
        assert!(!told(&suspect, slot).holds(Cause::Frozen), "{slot}");
    }
    suspect.push(&same(11));
    assert!(told(&suspect, 11).holds(Cause::Frozen));
    suspect.push(&bar(12, 100.0));
    assert!(!told(&suspect, 12).holds(Cause::Frozen));
    // Bars without a trade are no frozen feed.
    for slot in 13..40 {
        suspect.push(&Candle { volume: Qty::ZERO, ..same(slot) });
        assert!(!told(&suspect, slot).holds(Cause::Frozen));
    }
}

#[test]
fn a_volume_out_of_this_world_is_told_for_a_day() {
    let mut suspect = suspect();
    let mut burst = bar(0, 100.0);
    burst.volume = Qty::from_f64(5_900.0).unwrap();
    suspect.push(&burst);
    assert!(told(&suspect, 0).is_empty(), "large, but such days exist");
    burst.volume = Qty::from_f64(6e6).unwrap();
    burst.open_time = at(1);
    suspect.push(&burst);
    assert!(told(&suspect, 288).holds(Cause::Burst) && !told(&suspect, 289).holds(Cause::Burst));
}

#[test]
fn rounded_prices_show_unless_the_venue_lists_so_few_digits() {
    let round = |mut c: Candle| {
        for price in [&mut c.open, &mut c.high, &mut c.low, &mut c.close] {
            *price = Price::new(price.get().round_dp(1)).unwrap();
        }
        c
    };
    let level = |slot: i64| 100.0 + (slot as f64 * 0.3).sin();
    for (listed, shows) in [(None, true), (Some(2), true), (Some(1), false)] {
        let mut suspect = Suspect::new(&PipelineSettings::default(), listed);
        (-200..0).for_each(|slot| suspect.push(&bar(slot, level(slot))));
        let found: Vec<i64> = (0..500)
            .filter(|slot| {
                suspect.push(&round(bar(*slot, level(*slot))));
                told(&suspect, *slot).holds(Cause::Rounded)
            })
            .collect();
        assert_eq!(!found.is_empty(), shows, "{listed:?}");
        // In time the coarser step counts as the pair's own.
        assert!(
            found.first().is_none_or(|slot| (23..30).contains(slot)) && found.last().is_none_or(|slot| *slot < 400)
        );
    }
}

proptest! {
    /// A bar is judged by itself and by bars before it: what is told at a bar does not depend on later ones.
    #[test]
    fn flags_are_causal(levels in prop::collection::vec(50.0..200.0_f64, 1..60), cut in 0_usize..60) {
        let run = |n: usize| {
            let mut suspect = suspect();
            levels.iter().take(n).enumerate().map(|(i, level)| {
                suspect.push(&bar(i as i64, *level));
                told(&suspect, i as i64)
            }).collect::<Vec<_>>()
        };
        let whole = run(levels.len());
        let part = run(cut);
        prop_assert_eq!(part.as_slice(), &whole[..part.len()]);
        // Every outlier is open or has an end.
        let mut suspect = suspect();
        levels.iter().enumerate().for_each(|(i, level)| suspect.push(&bar(i as i64, *level)));
        let o = suspect.counts();
        prop_assert!(o.settled + o.confirmed + o.contradicted <= o.flagged);
    }
}
