//! Transfers: on a chain, or to and from a venue.

use super::{Ids, too_late};
use crate::domain::{RejectReason, UtcMs};

/// Ids that are remembered.
const IDS_KEPT: usize = 100_000;

/// A transfer as its source delivered it: nothing about it is trusted yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawTransfer<'a> {
    /// Hash of the transaction, and the place of the output in it where one has several.
    pub id: &'a str,
    /// `BTC`, `ETH`, …
    pub asset: &'a str,
    /// In units of the asset.
    pub amount: f64,
    /// When it was mined or booked.
    pub event_time: UtcMs,
    /// When it was received.
    pub known_time: UtcMs,
}

/// Checks transfers one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferCheck {
    tolerance_ms: i64,
    assets: Vec<String>,
    ids: Ids,
}

impl TransferCheck {
    /// For these assets; `tolerance_ms` as in [`super::TextCheck::new`].
    #[must_use]
    pub fn new(assets: impl IntoIterator<Item = String>, tolerance_ms: i64) -> Self {
        Self { tolerance_ms, assets: assets.into_iter().collect(), ids: Ids::new(IDS_KEPT) }
    }

    /// # Errors
    /// The first reason that applies, in the order of [`crate::domain::DataKind::reasons`]; the check is then unchanged.
    pub fn check(&mut self, row: &RawTransfer<'_>, now: UtcMs) -> Result<(), RejectReason> {
        if !row.amount.is_finite() {
            return Err(RejectReason::NotFinite);
        }
        if row.amount <= 0.0 {
            return Err(RejectReason::AmountNotPositive);
        }
        if !self.assets.iter().any(|known| known == row.asset) {
            return Err(RejectReason::UnknownAsset);
        }
        if row.id.is_empty() || row.id.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(RejectReason::NoId);
        }
        if row.event_time > row.known_time.plus(self.tolerance_ms) {
            return Err(RejectReason::PublishedAfterKnown);
        }
        too_late(row.known_time, now, self.tolerance_ms)?;
        if self.ids.holds(row.id) {
            return Err(RejectReason::DuplicateId);
        }
        self.ids.take(row.id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::DataKind;

    const NOW: UtcMs = UtcMs(1_721_217_600_000);

    #[test]
    fn every_reason_has_its_transfer() {
        use RejectReason as R;
        type Change = fn(&mut RawTransfer<'_>);
        let good =
            RawTransfer { id: "f00d:1", asset: "BTC", amount: 1_200.0, event_time: NOW.plus(-60_000), known_time: NOW };
        let table: [(R, Change); 10] = [
            (R::NotFinite, |t| t.amount = f64::NAN),
            (R::NotFinite, |t| t.amount = f64::INFINITY),
            (R::AmountNotPositive, |t| t.amount = 0.0),
            (R::AmountNotPositive, |t| t.amount = -3.0),
            (R::UnknownAsset, |t| t.asset = "btc"),
            (R::NoId, |t| t.id = ""),
            (R::NoId, |t| t.id = "a b"),
            (R::PublishedAfterKnown, |t| t.event_time = NOW.plus(2_001)),
            (R::InFuture, |t| t.known_time = NOW.plus(2_001)),
            (R::DuplicateId, |t| t.id = "before"),
        ];
        for (i, (reason, change)) in table.iter().enumerate() {
            let mut check = TransferCheck::new(["BTC".to_owned(), "ETH".to_owned()], 2_000);
            check.check(&RawTransfer { id: "before", ..good }, NOW).unwrap();
            let before = check.clone();
            let mut bad = good;
            change(&mut bad);
            assert_eq!(check.check(&bad, NOW), Err(*reason), "row {i}");
            assert_eq!(check, before, "row {i}");
            assert_eq!(check.check(&good, NOW), Ok(()), "row {i}: the next good one");
        }
        let met: BTreeSet<_> = table.iter().map(|(reason, _)| *reason).collect();
        assert_eq!(met, DataKind::Transfer.reasons().iter().copied().collect());
    }
}
