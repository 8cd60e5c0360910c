//! Candles.

use std::collections::BTreeMap;

use super::{same_base, too_late};
use crate::domain::settings::PipelineSettings;
use crate::domain::time::{HOUR_MS, MINUTE_MS};
use crate::domain::{Candle, Interval, Pair, Price, Qty, RawCandle, RejectReason, UtcMs};

/// A bar that lies wholly beyond this factor from the last close was made with other units, or is another pair's. In ten years of hourly
/// candles on Kraken the largest was 8, in a pair's first days.
const FAR: f64 = 10.0;
/// The same for short bars that follow the last one closely; the largest of all recorded ones is 1.02.
const FAR_SHORT: f64 = 1.5;
/// Bars up to this length count as short …
const SHORT_MS: i64 = 15 * MINUTE_MS;
/// … when they begin at most so long after the last close.
const CLOSELY_MS: i64 = HOUR_MS;

/// Checks rows against the universe, against themselves and against the rows before them.
#[derive(Debug, Clone, PartialEq)]
pub struct Validator {
    future_tolerance_ms: i64,
    pairs: BTreeMap<Pair, Accepted>,
}

/// What was accepted last of a pair.
#[derive(Debug, Clone, PartialEq, Default)]
struct Accepted {
    /// Open time of the newest candle of each interval.
    newest: Vec<(Interval, UtcMs)>,
    /// Close of the newest candle, and when that was.
    close: Option<(UtcMs, f64)>,
}

impl Validator {
    #[must_use]
    pub fn new(pairs: &[Pair], settings: &PipelineSettings) -> Self {
        Self {
            future_tolerance_ms: settings.future_tolerance_ms,
            pairs: pairs.iter().map(|pair| (pair.clone(), Accepted::default())).collect(),
        }
    }

    /// The row as a candle. `now` is the data time of its batch; a bar that closes later than that (plus the tolerance) is still
    /// forming, or from the future.
    ///
    /// # Errors
    /// The first reason that applies, in the order of [`crate::domain::DataKind::reasons`]; the validator is then unchanged.
    pub fn check(&mut self, row: &RawCandle, now: UtcMs) -> Result<Candle, RejectReason> {
        let Some(accepted) = self.pairs.get_mut(&row.pair) else {
            return Err(same_base(self.pairs.keys(), &row.pair));
        };
        check_numbers(row)?;
        let candle = as_candle(row)?;
        check_shape(&candle)?;
        check_time(row, now, self.future_tolerance_ms)?;
        accepted.check_order(row)?;
        accepted.check_level(row)?;
        accepted.take(row);
        Ok(candle)
    }
}

impl Accepted {
    fn check_order(&self, row: &RawCandle) -> Result<(), RejectReason> {
        match self.newest.iter().find(|(interval, _)| *interval == row.interval) {
            Some((_, last)) if row.open_time == *last => Err(RejectReason::DuplicateTime),
            Some((_, last)) if row.open_time < *last => Err(RejectReason::OutOfOrder),
            _ => Ok(()),
        }
    }

    fn check_level(&self, row: &RawCandle) -> Result<(), RejectReason> {
        let Some((at, close)) = self.close else { return Ok(()) };
        let short = row.interval.ms() <= SHORT_MS && row.open_time.since(at) <= CLOSELY_MS;
        let far = if short { FAR_SHORT } else { FAR };
        let jumped = row.low > close * far || row.high * far < close;
        if jumped { Err(RejectReason::LevelJump) } else { Ok(()) }
    }

    fn take(&mut self, row: &RawCandle) {
        match self.newest.iter_mut().find(|(interval, _)| *interval == row.interval) {
            Some((_, last)) => *last = row.open_time,
            None => self.newest.push((row.interval, row.open_time)),
        }
        let end = row.open_time.plus(row.interval.ms());
        if self.close.is_none_or(|(at, _)| at <= end) {
            self.close = Some((end, row.close));
        }
    }
}

fn check_numbers(row: &RawCandle) -> Result<(), RejectReason> {
    let prices = [row.open, row.high, row.low, row.close];
    if !prices.iter().all(|p| p.is_finite()) || !row.volume.is_finite() {
        return Err(RejectReason::NotFinite);
    }
    if prices.iter().any(|p| *p <= 0.0) {
        return Err(RejectReason::PriceNotPositive);
    }
    if row.volume < 0.0 {
        return Err(RejectReason::NegativeVolume);
    }
    Ok(())
}

/// The row in decimals. A number that no decimal can hold is no price: too large counts as not finite, too small as zero.
fn as_candle(row: &RawCandle) -> Result<Candle, RejectReason> {
    let price = |value: f64| {
        Price::from_f64(value)
            .map_err(|_| if value > 1.0 { RejectReason::NotFinite } else { RejectReason::PriceNotPositive })
    };
    Ok(Candle {
        pair: row.pair.clone(),
        venue: row.venue,
        interval: row.interval,
        open_time: row.open_time,
        open: price(row.open)?,
        high: price(row.high)?,
        low: price(row.low)?,
        close: price(row.close)?,
        volume: Qty::from_f64(row.volume).map_err(|_| RejectReason::NotFinite)?,
        trades: row.trades,
    })
}

fn check_shape(candle: &Candle) -> Result<(), RejectReason> {
    if candle.high < candle.open.max(candle.close).max(candle.low) {
        return Err(RejectReason::HighBelowBody);
    }
    if candle.low > candle.open.min(candle.close) {
        return Err(RejectReason::LowAboveBody);
    }
    Ok(())
}

fn check_time(row: &RawCandle, now: UtcMs, tolerance_ms: i64) -> Result<(), RejectReason> {
    let length = row.interval.ms();
    if length == 0 || row.open_time.0.rem_euclid(length) != 0 {
        return Err(RejectReason::OffGrid);
    }
    too_late(row.open_time.plus(length), now, tolerance_ms)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::time::MINUTE_MS;
    use crate::domain::{DataKind, Venue};

    const NOON: i64 = 1_721_217_600_000;
    const STEP: i64 = 5 * MINUTE_MS;

    fn pair(text: &str) -> Pair {
        text.parse().unwrap()
    }

    fn validator() -> Validator {
        Validator::new(&[pair("BTC/USD"), pair("ETH/USD")], &PipelineSettings::default())
    }

    /// A good candle of the five minutes before noon.
    fn row() -> RawCandle {
        RawCandle {
            pair: pair("BTC/USD"),
            venue: Venue::Kraken,
            interval: Interval::M5,
            open_time: UtcMs(NOON - STEP),
            open: 101.0,
            high: 103.0,
            low: 99.0,
            close: 102.0,
            volume: 7.5,
            trades: Some(3),
        }
    }

    fn judge(change: impl FnOnce(&mut RawCandle)) -> Result<Candle, RejectReason> {
        let mut validator = validator();
        validator.check(&RawCandle { open_time: UtcMs(NOON - 3 * STEP), ..row() }, UtcMs(NOON)).unwrap();
        let mut row = row();
        change(&mut row);
        validator.check(&row, UtcMs(NOON))
    }

    fn scale(row: &mut RawCandle, by: f64) {
        for price in [&mut row.open, &mut row.high, &mut row.low, &mut row.close] {
            *price *= by;
        }
    }

    #[test]
    fn a_level_is_judged_by_what_lies_between() {
        // A wick is no jump, and after a long silence a price may be elsewhere.
        assert!(judge(|r| r.high = 200.0).is_ok());
        assert!(judge(|r| r.low = 1.0).is_ok());
        let mut validator = validator();
        validator.check(&RawCandle { open_time: UtcMs(NOON - 40 * STEP), ..row() }, UtcMs(NOON)).unwrap();
        let mut later = row();
        scale(&mut later, 9.0);
        assert!(validator.clone().check(&later, UtcMs(NOON)).is_ok());
        scale(&mut later, 1.2);
        assert_eq!(validator.check(&later, UtcMs(NOON)), Err(RejectReason::LevelJump));
    }

    #[test]
    fn every_reason_has_its_row() {
        type Change = fn(&mut RawCandle);
        let table: [(RejectReason, Change); 27] = [
            (RejectReason::UnknownPair, |r| r.pair = pair("DOGE/USD")),
            (RejectReason::CurrencyMismatch, |r| r.pair = pair("BTC/EUR")),
            (RejectReason::NotFinite, |r| r.open = f64::NAN),
            (RejectReason::NotFinite, |r| r.high = f64::INFINITY),
            (RejectReason::NotFinite, |r| r.low = f64::NEG_INFINITY),
            (RejectReason::NotFinite, |r| r.volume = f64::NAN),
            (RejectReason::NotFinite, |r| r.high = 1e200),
            (RejectReason::NotFinite, |r| r.volume = 1e200),
            (RejectReason::PriceNotPositive, |r| r.close = 0.0),
            (RejectReason::PriceNotPositive, |r| r.low = -0.0),
            (RejectReason::PriceNotPositive, |r| r.low = -1.0),
            (RejectReason::PriceNotPositive, |r| r.low = 1e-200),
            (RejectReason::NegativeVolume, |r| r.volume = -0.001),
            (RejectReason::HighBelowBody, |r| r.high = 101.5),
            (RejectReason::HighBelowBody, |r| r.high = 98.0),
            (RejectReason::LowAboveBody, |r| r.low = 101.5),
            (RejectReason::OffGrid, |r| r.open_time = UtcMs(NOON - STEP + 1)),
            (RejectReason::OffGrid, |r| r.interval = Interval(0)),
            (RejectReason::OffGrid, |r| r.open_time = UtcMs(NOON - STEP - MINUTE_MS)),
            (RejectReason::InFuture, |r| r.open_time = UtcMs(NOON)),
            (RejectReason::InFuture, |r| r.interval = Interval::H1),
            (RejectReason::InFuture, |r| r.open_time = UtcMs(NOON + 1000 * STEP)),
            (RejectReason::DuplicateTime, |r| r.open_time = UtcMs(NOON - 3 * STEP)),
            (RejectReason::OutOfOrder, |r| r.open_time = UtcMs(NOON - 4 * STEP)),
            (RejectReason::LevelJump, |r| scale(r, 1_000.0)),
            (RejectReason::LevelJump, |r| scale(r, 1e-8)),
            (RejectReason::LevelJump, |r| scale(r, 1.6)),
        ];
        for (i, (reason, change)) in table.iter().enumerate() {
            // An hourly bar that began at noon is still forming; the grid itself is fine.
            let got = judge(|r| {
                change(r);
                if r.interval == Interval::H1 {
                    r.open_time = UtcMs(NOON);
                }
            });
            assert_eq!(got, Err(*reason), "row {i}");
        }
        let covered: BTreeSet<_> = table.iter().map(|(reason, _)| *reason).collect();
        assert_eq!(covered, DataKind::Candle.reasons().iter().copied().collect());
    }

    #[test]
    fn the_first_reason_in_order_is_given() {
        let got = judge(|r| {
            r.pair = pair("BTC/EUR");
            r.open = f64::NAN;
            r.volume = -1.0;
        });
        assert_eq!(got, Err(RejectReason::CurrencyMismatch));
        let got = judge(|r| {
            r.open = f64::NAN;
            r.close = -1.0;
            r.open_time = UtcMs(1);
        });
        assert_eq!(got, Err(RejectReason::NotFinite));
        let got = judge(|r| {
            r.low = 102.5;
            r.open_time = UtcMs(NOON - 3 * STEP);
        });
        assert_eq!(got, Err(RejectReason::LowAboveBody));
    }

    #[test]
    fn a_good_row_is_taken_as_it_is() {
        let candle = judge(|_| {}).unwrap();
        assert_eq!(candle.close_time(), UtcMs(NOON));
        assert_eq!(candle.close.to_string(), "102");
        assert_eq!(candle.trades, Some(3));
        // Within the tolerance: the venue's clock may lead by a little.
        let mut validator = validator();
        assert!(validator.check(&row(), UtcMs(NOON - 2_000)).is_ok());
        assert_eq!(validator.clone().check(&row(), UtcMs(NOON)), Err(RejectReason::DuplicateTime));
        // Pairs and intervals have their own order.
        assert!(validator.check(&RawCandle { pair: pair("ETH/USD"), ..row() }, UtcMs(NOON)).is_ok());
        let hour = RawCandle { interval: Interval::H1, open_time: UtcMs(NOON - 12 * STEP), ..row() };
        assert!(validator.check(&hour, UtcMs(NOON)).is_ok());
    }

    #[test]
    fn a_flat_bar_and_an_empty_volume_are_fine() {
        let flat = judge(|r| {
            (r.open, r.high, r.low, r.close, r.volume) = (95.0, 95.0, 95.0, 95.0, 0.0);
        });
        assert!(flat.is_ok_and(|c| c.volume.is_zero()));
    }

    fn any_number() -> impl Strategy<Value = f64> {
        prop_oneof![
            40 => (1_u32..2_000).prop_map(|ticks| f64::from(ticks) * 0.1),
            2 => any::<f64>(),
            1 => Just(0.0),
        ]
    }

    prop_compose! {
        fn any_row()(
            name in prop::sample::select(vec!["BTC/USD", "ETH/USD", "BTC/EUR", "SOL/USD"]),
            minutes in prop::sample::select(vec![0_u32, 5, 5, 5, 60]),
            slot in -30_i64..4,
            shift in prop::sample::select(vec![0_i64, 0, 0, 0, 1]),
            body in prop::collection::vec(any_number(), 4),
            sorted in any::<bool>(),
            volume in any_number(),
        ) -> RawCandle {
            let [a, b, c, d] = [body[0], body[1], body[2], body[3]];
            let (low, high) = if sorted { (a.min(b).min(c).min(d), a.max(b).max(c).max(d)) } else { (a, d) };
            RawCandle {
                pair: pair(name),
                interval: Interval(minutes),
                open_time: UtcMs(NOON + slot * STEP + shift),
                open: b,
                high,
                low,
                close: c,
                volume,
                ..row()
            }
        }
    }

    proptest! {
        #[test]
        fn accepted_is_sound_and_refused_changes_nothing(rows in prop::collection::vec(any_row(), 1..60)) {
            let mut validator = validator();
            let now = UtcMs(NOON);
            let mut last: BTreeMap<(Pair, Interval), UtcMs> = BTreeMap::new();
            for row in &rows {
                let before = validator.clone();
                match validator.check(row, now) {
                    Err(_) => prop_assert_eq!(&before, &validator),
                    Ok(candle) => {
                        prop_assert!(candle.low <= candle.open.min(candle.close));
                        prop_assert!(candle.high >= candle.open.max(candle.close));
                        prop_assert_eq!(candle.open_time.floor_to(candle.interval.ms()), candle.open_time);
                        prop_assert!(candle.close_time() <= now.plus(2_000));
                        let key = (candle.pair.clone(), candle.interval);
                        prop_assert!(last.get(&key).is_none_or(|t| *t < candle.open_time));
                        prop_assert_eq!((candle.open_time, &candle.pair), (row.open_time, &row.pair));
                        last.insert(key, candle.open_time);
                    }
                }
            }
        }
    }
}
