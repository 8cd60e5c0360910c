//! Trades.

use std::collections::BTreeMap;

use super::{same_base, too_late};
use crate::domain::settings::PipelineSettings;
use crate::domain::{Pair, RawTrade, RejectReason, Side, UtcMs, Venue};

/// Checks trades of one venue, pair by pair.
///
/// A jump in the ids is no reason to refuse a trade: those between are missing, not wrong. [`TradeCheck::missing`] counts them.
#[derive(Debug, Clone, PartialEq)]
pub struct TradeCheck {
    venue: Venue,
    future_tolerance_ms: i64,
    /// Whether ids are looked at.
    numbered: bool,
    newest: BTreeMap<Pair, Newest>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Newest {
    id: Option<u64>,
    at: Option<UtcMs>,
    missing: u64,
}

impl TradeCheck {
    #[must_use]
    pub fn new(venue: Venue, pairs: &[Pair], settings: &PipelineSettings) -> Self {
        Self {
            venue,
            future_tolerance_ms: settings.future_tolerance_ms,
            numbered: true,
            newest: pairs.iter().map(|pair| (pair.clone(), Newest::default())).collect(),
        }
    }

    /// Without regard to ids: whoever hands the trades over has proved that none is missing or repeated, also when a venue numbers anew.
    #[must_use]
    pub const fn unnumbered(mut self) -> Self {
        self.numbered = false;
        self
    }

    /// The side of the taker, when the trade is as it has to be; none where the venue does not tell it. `now` is when it was received.
    ///
    /// # Errors
    /// The first reason that applies, in the order of [`crate::domain::DataKind::reasons`]; the check is then unchanged.
    pub fn check(&mut self, trade: &RawTrade, now: UtcMs) -> Result<Option<Side>, RejectReason> {
        if trade.venue != self.venue.to_string() {
            return Err(RejectReason::UnknownVenue);
        }
        let Some(newest) = self.newest.get_mut(&trade.pair) else {
            return Err(same_base(self.newest.keys(), &trade.pair));
        };
        if !trade.price.is_finite() || !trade.qty.is_finite() {
            return Err(RejectReason::NotFinite);
        }
        if trade.price <= 0.0 {
            return Err(RejectReason::PriceNotPositive);
        }
        if trade.qty <= 0.0 {
            return Err(RejectReason::VolumeNotPositive);
        }
        let side = match trade.side.as_str() {
            "buy" => Some(Side::Buy),
            "sell" => Some(Side::Sell),
            "" => None,
            _ => return Err(RejectReason::UnknownSide),
        };
        too_late(trade.at, now, self.future_tolerance_ms)?;
        newest.follow(trade.id.filter(|_| self.numbered), trade.at)?;
        Ok(side)
    }

    /// Trades whose ids were jumped over since the start.
    #[must_use]
    pub fn missing(&self, pair: &Pair) -> u64 {
        self.newest.get(pair).map_or(0, |n| n.missing)
    }
}

impl Newest {
    fn follow(&mut self, id: Option<u64>, at: UtcMs) -> Result<(), RejectReason> {
        if let (Some(last), Some(id)) = (self.id, id) {
            if id == last {
                return Err(RejectReason::DuplicateId);
            }
            if id < last {
                return Err(RejectReason::IdBackwards);
            }
        }
        if self.at.is_some_and(|last| at < last) {
            return Err(RejectReason::OutOfOrder);
        }
        if let (Some(last), Some(id)) = (self.id, id) {
            self.missing = self.missing.saturating_add(id - last - 1);
        }
        self.id = id.or(self.id);
        self.at = Some(at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::DataKind;

    const NOW: UtcMs = UtcMs(1_721_217_600_000);

    fn trade() -> RawTrade {
        RawTrade {
            pair: "BTC/USD".parse().unwrap(),
            venue: "kraken".to_owned(),
            id: Some(101),
            price: 64_000.5,
            qty: 0.25,
            side: "buy".to_owned(),
            at: NOW,
        }
    }

    fn check() -> TradeCheck {
        let pairs = ["BTC/USD".parse().unwrap(), "ETH/USD".parse().unwrap()];
        let mut check = TradeCheck::new(Venue::Kraken, &pairs, &PipelineSettings::default());
        let first = RawTrade { id: Some(100), at: NOW.plus(-1_000), ..trade() };
        assert_eq!(check.check(&first, NOW), Ok(Some(Side::Buy)));
        check
    }

    #[test]
    fn every_reason_has_its_trade() {
        use RejectReason as R;
        type Change = fn(&mut RawTrade);
        let table: [(R, Change); 14] = [
            (R::UnknownVenue, |t| t.venue = "krakem".to_owned()),
            (R::UnknownPair, |t| t.pair = "DOGE/USD".parse().unwrap()),
            (R::CurrencyMismatch, |t| t.pair = "BTC/EUR".parse().unwrap()),
            (R::NotFinite, |t| t.price = f64::NAN),
            (R::NotFinite, |t| t.qty = f64::INFINITY),
            (R::PriceNotPositive, |t| t.price = 0.0),
            (R::PriceNotPositive, |t| t.price = -1.0),
            (R::VolumeNotPositive, |t| t.qty = 0.0),
            (R::VolumeNotPositive, |t| t.qty = -0.1),
            (R::UnknownSide, |t| t.side = "b".to_owned()),
            (R::InFuture, |t| t.at = NOW.plus(2_001)),
            (R::DuplicateId, |t| t.id = Some(100)),
            (R::IdBackwards, |t| t.id = Some(99)),
            (R::OutOfOrder, |t| t.at = NOW.plus(-1_001)),
        ];
        for (i, (reason, change)) in table.iter().enumerate() {
            let mut bad = trade();
            change(&mut bad);
            let mut check = check();
            let before = check.clone();
            assert_eq!(check.check(&bad, NOW), Err(*reason), "row {i}");
            assert_eq!(check, before, "row {i}");
            assert!(check.check(&trade(), NOW).is_ok(), "row {i}: the next good trade");
        }
        let met: BTreeSet<_> = table.iter().map(|(reason, _)| *reason).collect();
        assert_eq!(met, DataKind::Trade.reasons().iter().copied().collect());
    }

    #[test]
    fn missing_ids_are_counted_and_several_trades_may_share_an_instant() {
        let mut check = check();
        let pair = trade().pair;
        assert!(check.check(&trade(), NOW).is_ok());
        assert_eq!(check.missing(&pair), 0);
        assert!(check.check(&RawTrade { id: Some(105), ..trade() }, NOW).is_ok());
        assert_eq!(check.missing(&pair), 3);
        // A venue that does not tell the taker's side, and one that does not number its trades.
        assert_eq!(check.check(&RawTrade { id: Some(106), side: String::new(), ..trade() }, NOW), Ok(None));
        assert!(check.check(&RawTrade { id: None, ..trade() }, NOW).is_ok());
        assert_eq!(check.check(&RawTrade { id: Some(106), ..trade() }, NOW), Err(RejectReason::DuplicateId));
    }

    #[test]
    fn numbers_that_another_has_proved_are_not_looked_at() {
        let mut check = check().unnumbered();
        assert!(check.check(&RawTrade { id: Some(1), ..trade() }, NOW).is_ok(), "numbered anew");
        assert_eq!(check.check(&RawTrade { at: NOW.plus(-1), ..trade() }, NOW), Err(RejectReason::OutOfOrder));
    }

    proptest! {
        #[test]
        fn accepted_is_sound(rows in prop::collection::vec((0_u64..40, -5_i64..5, 0.0..2.0_f64, 0.0..2.0_f64), 1..60)) {
            let mut check = check();
            let (mut id, mut at) = (100, NOW.plus(-1_000));
            for (n, after, price, qty) in rows {
                let row = RawTrade { id: Some(90 + n), at: NOW.plus(after * 1_000), price, qty, ..trade() };
                if check.check(&row, NOW).is_ok() {
                    prop_assert!(row.price > 0.0 && row.qty > 0.0 && row.at <= NOW.plus(2_000));
                    prop_assert!(row.id.is_some_and(|i| i > id) && row.at >= at);
                    (id, at) = (90 + n, row.at);
                }
            }
        }
    }
}
