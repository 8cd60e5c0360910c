//! Order books.

use crate::domain::{RejectReason, UtcMs};

/// What a book is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookRules {
    /// Oldest that a decision may rest on, in ms.
    pub max_age_ms: i64,
    pub future_tolerance_ms: i64,
}

/// A book as its source has put it together: (price, quantity), best first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BookLevels<'a> {
    pub bids: &'a [(f64, f64)],
    pub asks: &'a [(f64, f64)],
    /// What the link found when it compared the exchange's checksum; `None` where the exchange sends none.
    pub checksum: Option<bool>,
    /// When the newest part of it was told.
    pub at: UtcMs,
}

/// Whether the book may be used at `now`.
///
/// # Errors
/// The first reason that applies, in the order of [`crate::domain::DataKind::reasons`].
pub fn check_book(book: &BookLevels<'_>, now: UtcMs, rules: &BookRules) -> Result<(), RejectReason> {
    for (price, qty) in book.bids.iter().chain(book.asks) {
        if !price.is_finite() || !qty.is_finite() {
            return Err(RejectReason::NotFinite);
        }
        if *price <= 0.0 {
            return Err(RejectReason::PriceNotPositive);
        }
        if *qty <= 0.0 {
            return Err(RejectReason::VolumeNotPositive);
        }
    }
    let (Some(bid), Some(ask)) = (book.bids.first(), book.asks.first()) else {
        return Err(RejectReason::OneSided);
    };
    if !sorted(book.bids, |better, worse| better >= worse) || !sorted(book.asks, |better, worse| better <= worse) {
        return Err(RejectReason::Unsorted);
    }
    // Sorted, so equal prices stand side by side.
    if !sorted(book.bids, |a, b| a > b) || !sorted(book.asks, |a, b| a < b) {
        return Err(RejectReason::DuplicateLevel);
    }
    if bid.0 >= ask.0 {
        return Err(RejectReason::Crossed);
    }
    if book.checksum == Some(false) {
        return Err(RejectReason::ChecksumMismatch);
    }
    super::too_late(book.at, now, rules.future_tolerance_ms)?;
    if now.since(book.at) > rules.max_age_ms {
        return Err(RejectReason::Stale);
    }
    Ok(())
}

/// Whether every price and the next stand as `holds` says.
fn sorted(side: &[(f64, f64)], holds: impl Fn(f64, f64) -> bool) -> bool {
    side.iter().zip(side.iter().skip(1)).all(|((a, _), (b, _))| holds(*a, *b))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::DataKind;

    const NOW: UtcMs = UtcMs(1_721_217_600_000);
    const RULES: BookRules = BookRules { max_age_ms: 5_000, future_tolerance_ms: 2_000 };

    type Side = Vec<(f64, f64)>;

    fn judge(bids: &[(f64, f64)], asks: &[(f64, f64)], checksum: Option<bool>, age: i64) -> Result<(), RejectReason> {
        check_book(&BookLevels { bids, asks, checksum, at: NOW.plus(-age) }, NOW, &RULES)
    }

    #[test]
    fn every_reason_has_its_book() {
        use RejectReason as R;
        let (b, a) = ([(99.0, 1.0), (98.0, 2.0)], [(100.0, 1.0), (101.0, 3.0)]);
        for (checksum, age) in [(None, 0), (Some(true), 5_000), (None, -2_000)] {
            assert_eq!(judge(&b, &a, checksum, age), Ok(()));
        }
        let met = [
            (R::NotFinite, judge(&[(f64::NAN, 1.0)], &a, None, 0)),
            (R::NotFinite, judge(&b, &[(100.0, f64::INFINITY)], None, 0)),
            (R::PriceNotPositive, judge(&[(0.0, 1.0)], &a, None, 0)),
            (R::VolumeNotPositive, judge(&b, &[(100.0, 0.0)], None, 0)),
            (R::OneSided, judge(&[], &a, None, 0)),
            (R::OneSided, judge(&b, &[], None, 0)),
            (R::OneSided, judge(&[], &[], None, 0)),
            (R::Unsorted, judge(&[(98.0, 2.0), (99.0, 1.0)], &a, None, 0)),
            (R::Unsorted, judge(&b, &[(101.0, 2.0), (100.0, 1.0)], None, 0)),
            (R::DuplicateLevel, judge(&[(99.0, 2.0), (99.0, 1.0)], &a, None, 0)),
            (R::DuplicateLevel, judge(&b, &[(100.0, 2.0), (100.0, 1.0)], None, 0)),
            (R::Crossed, judge(&[(100.5, 1.0)], &a, None, 0)),
            (R::Crossed, judge(&[(100.0, 1.0)], &a, None, 0)),
            (R::ChecksumMismatch, judge(&b, &a, Some(false), 0)),
            (R::InFuture, judge(&b, &a, None, -2_001)),
            (R::Stale, judge(&b, &a, Some(true), 5_001)),
        ];
        for (i, (reason, got)) in met.iter().enumerate() {
            assert_eq!(*got, Err(*reason), "row {i}");
        }
        let met: BTreeSet<_> = met.iter().map(|(reason, _)| *reason).collect();
        assert_eq!(met, DataKind::Book.reasons().iter().copied().collect());
    }

    fn side() -> impl Strategy<Value = Side> {
        prop::collection::vec((0_u32..8, 0_u32..3), 0..5)
            .prop_map(|levels| levels.into_iter().map(|(p, q)| (f64::from(p), f64::from(q))).collect())
    }

    proptest! {
        #[test]
        fn accepted_is_sound(bids in side(), asks in side()) {
            if judge(&bids, &asks, None, 0).is_ok() {
                let best = |side: &Side| side.first().map(|l| l.0);
                prop_assert!(best(&bids) < best(&asks) && best(&bids).is_some());
                prop_assert!(bids.windows(2).all(|w| w[0].0 > w[1].0) && asks.windows(2).all(|w| w[0].0 < w[1].0));
                prop_assert!(bids.iter().chain(&asks).all(|(p, q)| *p > 0.0 && *q > 0.0));
            }
        }
    }
}
