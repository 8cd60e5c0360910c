//! How far a source is believed: a Beta prior, updated by whether prices went its way within a day.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::domain::{Pair, UtcMs};

/// Beta(2, 2): one half, and worth four observations.
const PRIOR: f64 = 2.0;
/// Nobody is believed less, or more, than this.
pub const FLOOR: f64 = 0.2;
pub const CEILING: f64 = 1.0;
/// Ceiling of social media.
pub const SOCIAL_CEILING: f64 = 0.5;
/// A statement is judged by the close this long after it …
const JUDGED_AFTER_MS: i64 = DAY_MS;
/// … or not at all when that close comes later than this.
const LATE_MS: i64 = 2 * HOUR_MS;
/// Scores closer to 0 state nothing (the neutral band of VADER).
const STATES_SOMETHING: f64 = 0.05;

/// Whether a source is social media, by the start of its name.
#[must_use]
pub fn is_social(source: &str) -> bool {
    const NAMES: [&str; 7] = ["reddit", "twitter", "x.com", "telegram", "discord", "stocktwits", "r/"];
    let lower = source.to_lowercase();
    NAMES.iter().any(|name| lower.starts_with(name))
}

/// The standing of all sources.
#[derive(Debug, Clone, Default)]
pub struct Credibility {
    records: BTreeMap<String, Standing>,
    /// Statements whose day is not over: one per source and pair, so that ten texts on one event are judged once.
    open: BTreeMap<(String, Pair), Statement>,
    suspects: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    agreed: u32,
    judged: u32,
}

#[derive(Debug, Clone, Copy)]
struct Statement {
    up: bool,
    /// First close after the statement.
    start: Option<(UtcMs, f64)>,
}

impl Credibility {
    /// 0.2..=1, social media at most 0.5; a source that speaks to language models stays at the floor.
    #[must_use]
    pub fn of(&self, source: &str) -> f64 {
        if self.suspects.contains(source) {
            return FLOOR;
        }
        let record = self.records.get(source).copied().unwrap_or_default();
        let mean = (PRIOR + f64::from(record.agreed)) / (2.0 * PRIOR + f64::from(record.judged));
        mean.clamp(FLOOR, if is_social(source) { SOCIAL_CEILING } else { CEILING })
    }

    /// The source has carried words meant for a language model.
    pub fn suspect(&mut self, source: &str) {
        self.suspects.insert(source.to_owned());
    }

    /// Sources under suspicion.
    #[must_use]
    pub fn suspects(&self) -> usize {
        self.suspects.len()
    }

    /// The source has said something of a pair, −1..=1.
    pub fn stated(&mut self, source: &str, pair: &Pair, score: f64) {
        if score.abs() >= STATES_SOMETHING {
            self.open.entry((source.to_owned(), pair.clone())).or_insert(Statement { up: score > 0.0, start: None });
        }
    }

    /// A close became known. Opens and closes the books of the statements on this pair; a price that did not move judges nobody.
    pub fn observe(&mut self, pair: &Pair, at: UtcMs, close: f64) {
        let records = &mut self.records;
        self.open.retain(|(source, of), statement| {
            if of != pair {
                return true;
            }
            let Some((from, price)) = statement.start else {
                statement.start = Some((at, close));
                return true;
            };
            let waited = at.since(from);
            if waited < JUDGED_AFTER_MS {
                return true;
            }
            if waited <= JUDGED_AFTER_MS + LATE_MS && close != price {
                let record = records.entry(source.clone()).or_default();
                record.judged += 1;
                record.agreed += u32::from((close > price) == statement.up);
            }
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::testing::{hour, pair};

    #[test]
    fn being_right_is_rewarded_within_bounds() {
        let btc = pair("BTC/USD");
        let mut book = Credibility::default();
        assert_eq!(book.of("wire"), 0.5);
        for day in 0..40 {
            for (source, score) in [("wire", 0.6), ("doom", -0.6), ("reddit/hope", 0.9), ("dull", 0.01)] {
                book.stated(source, &btc, score);
            }
            for h in 0..24 {
                book.observe(&btc, hour(day * 24 + h), 100.0 + (day * 24 + h) as f64);
            }
        }
        assert!(book.of("wire") > 0.85);
        assert_eq!(book.of("doom"), FLOOR);
        assert_eq!(book.of("reddit/hope"), SOCIAL_CEILING);
        assert_eq!(book.of("dull"), 0.5, "said nothing");
        book.suspect("wire");
        assert_eq!(book.of("wire"), FLOOR);
    }

    #[test]
    fn a_day_without_a_price_judges_nobody() {
        let btc = pair("BTC/USD");
        let mut book = Credibility::default();
        book.stated("wire", &btc, 1.0);
        book.observe(&btc, hour(0), 100.0);
        book.observe(&btc, hour(40), 200.0);
        assert_eq!(book.of("wire"), 0.5, "sixteen hours late");
        book.stated("wire", &btc, 1.0);
        book.observe(&btc, hour(41), 100.0);
        book.observe(&btc, hour(65), 100.0);
        assert_eq!(book.of("wire"), 0.5, "did not move");
    }
}
