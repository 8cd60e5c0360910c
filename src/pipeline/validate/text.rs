//! Texts: headlines and posts.

use super::{Ids, too_late};
use crate::domain::{Pair, RejectReason, UtcMs};

/// Longest text, in bytes.
const LONGEST: usize = 64 * 1024;
/// Longest id, in characters.
const LONGEST_ID: usize = 200;
/// Ids that are remembered.
const IDS_KEPT: usize = 100_000;

/// A text as its source delivered it: nothing about it is trusted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawText<'a> {
    pub id: &'a str,
    /// When it says it was published, where it does.
    pub published: Option<UtcMs>,
    /// When it was received.
    pub known_time: Option<UtcMs>,
    pub text: &'a [u8],
    /// Pairs it is about, as named.
    pub pairs: &'a [String],
}

/// Checks texts one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextCheck {
    tolerance_ms: i64,
    ids: Ids,
}

impl TextCheck {
    /// `tolerance_ms`: how far a published time may lie after the known time, and the known time after now.
    #[must_use]
    pub const fn new(tolerance_ms: i64) -> Self {
        Self { tolerance_ms, ids: Ids::new(IDS_KEPT) }
    }

    /// The pairs of a text that is as it has to be, each once. Letters of any script are fine, and so are line breaks and tabs.
    ///
    /// # Errors
    /// The first reason that applies, in the order of [`crate::domain::DataKind::reasons`]; the check is then unchanged.
    pub fn check(&mut self, row: &RawText<'_>, now: UtcMs) -> Result<Vec<Pair>, RejectReason> {
        let pairs = Self::judge(row, now, self.tolerance_ms)?;
        if self.ids.holds(row.id) {
            return Err(RejectReason::DuplicateId);
        }
        self.ids.take(row.id);
        Ok(pairs)
    }

    /// The same without regard to texts before it.
    ///
    /// # Errors
    /// As [`TextCheck::check`].
    pub fn judge(row: &RawText<'_>, now: UtcMs, tolerance_ms: i64) -> Result<Vec<Pair>, RejectReason> {
        let text = std::str::from_utf8(row.text).map_err(|_| RejectReason::Unreadable)?;
        if row.id.is_empty() || row.id.chars().count() > LONGEST_ID || row.id.chars().any(char::is_control) {
            return Err(RejectReason::NoId);
        }
        let known = row.known_time.ok_or(RejectReason::NoKnownTime)?;
        if row.published.is_some_and(|published| published > known.plus(tolerance_ms)) {
            return Err(RejectReason::PublishedAfterKnown);
        }
        too_late(known, now, tolerance_ms)?;
        if text.trim().is_empty() {
            return Err(RejectReason::Empty);
        }
        if text.len() > LONGEST {
            return Err(RejectReason::TooLong);
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(RejectReason::ControlCharacters);
        }
        let mut pairs: Vec<Pair> = Vec::with_capacity(row.pairs.len());
        for name in row.pairs {
            let pair = name.parse().map_err(|_| RejectReason::UnknownPair)?;
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::DataKind;

    const NOW: UtcMs = UtcMs(1_721_217_600_000);

    fn pairs() -> [String; 3] {
        ["XBTUSD", "BTC/USD", "ETH/USD"].map(str::to_owned)
    }

    fn judge<'a>(pairs: &'a [String], change: impl FnOnce(&mut RawText<'a>)) -> Result<Vec<Pair>, RejectReason> {
        let text = "Bitcoin и эфир\tsoar 🚀\nmore".as_bytes();
        let mut row = RawText { id: "a", published: Some(NOW), known_time: Some(NOW), text, pairs };
        let mut check = TextCheck::new(2_000);
        check.check(&RawText { id: "before", ..row }, NOW).unwrap();
        change(&mut row);
        let before = check.clone();
        let got = check.check(&row, NOW);
        assert_eq!(got.is_err(), check == before);
        got
    }

    #[test]
    fn every_reason_has_its_text() {
        use RejectReason as R;
        let pairs = &pairs();
        let bad_pair = ["nonsense".to_owned()];
        let long = "x".repeat(LONGEST + 1);
        let long_id = "i".repeat(LONGEST_ID + 1);
        let met = [
            (R::Unreadable, judge(pairs, |t| t.text = b"caf\xe9")),
            (R::NoId, judge(pairs, |t| t.id = "")),
            (R::NoId, judge(pairs, |t| t.id = &long_id)),
            (R::NoId, judge(pairs, |t| t.id = "a\u{1b}[31m")),
            (R::NoKnownTime, judge(pairs, |t| t.known_time = None)),
            (R::PublishedAfterKnown, judge(pairs, |t| t.published = Some(NOW.plus(2_001)))),
            (R::InFuture, judge(pairs, |t| t.known_time = Some(NOW.plus(2_001)))),
            (R::Empty, judge(pairs, |t| t.text = b" \n\t ")),
            (R::TooLong, judge(pairs, |t| t.text = long.as_bytes())),
            (R::ControlCharacters, judge(pairs, |t| t.text = b"a\x1b[31mb")),
            (R::ControlCharacters, judge(pairs, |t| t.text = b"a\0b")),
            (R::UnknownPair, judge(pairs, |t| t.pairs = &bad_pair)),
            (R::DuplicateId, judge(pairs, |t| t.id = "before")),
        ];
        for (i, (reason, got)) in met.iter().enumerate() {
            assert_eq!(*got, Err(*reason), "row {i}");
        }
        let met: BTreeSet<_> = met.iter().map(|(reason, _)| *reason).collect();
        assert_eq!(met, DataKind::Text.reasons().iter().copied().collect());
    }

    #[test]
    fn a_good_text_names_its_pairs_once() {
        let pairs = &pairs();
        let names: Vec<_> = judge(pairs, |_| {}).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["BTC/USD", "ETH/USD"]);
        assert!(judge(pairs, |t| (t.published, t.pairs) = (None, &[])).is_ok_and(|pairs| pairs.is_empty()));
        assert!(judge(pairs, |t| t.published = Some(NOW.plus(2_000))).is_ok(), "clocks differ a little");
    }

    #[test]
    fn only_so_many_ids_are_remembered() {
        let mut ids = Ids::new(2);
        for id in ["a", "b", "c"] {
            ids.take(id);
        }
        assert_eq!(["a", "b", "c"].map(|id| ids.holds(id)), [false, true, true]);
    }
}
