//! Is a headline a copy of another? Copies are reach, not votes.

use std::collections::BTreeSet;

/// Words per shingle.
const SHINGLE: usize = 3;
/// From this similarity on a text is a copy.
pub const COPY_SIMILARITY: f64 = 0.8;

/// The shingles of a text (Broder 1997): every run of three words `[a-z0-9]+` of the lower-cased text, or all words of a shorter one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shingles {
    set: BTreeSet<String>,
    /// Trimmed and in lower case: scripts without such words are compared whole.
    text: String,
}

impl Shingles {
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim().to_lowercase();
        let words: Vec<&str> =
            text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit())).filter(|w| !w.is_empty()).collect();
        let set = if words.is_empty() {
            BTreeSet::new()
        } else if words.len() < SHINGLE {
            BTreeSet::from([words.join(" ")])
        } else {
            words.windows(SHINGLE).map(|run| run.join(" ")).collect()
        };
        Self { set, text }
    }

    /// Jaccard similarity, 0..=1; two texts without words are equal.
    #[must_use]
    pub fn jaccard(&self, other: &Self) -> f64 {
        let common = self.set.intersection(&other.set).count();
        let all = self.set.len() + other.set.len() - common;
        if all == 0 { 1.0 } else { common as f64 / all as f64 }
    }

    /// Whether two texts count as one. Unlike [`Self::jaccard`] it takes texts without Latin words for copies only when they are equal.
    #[must_use]
    pub fn is_copy_of(&self, other: &Self) -> bool {
        let (small, large) = (self.set.len().min(other.set.len()), self.set.len().max(other.set.len()));
        // sets of too different sizes cannot be similar: spares most of the comparisons
        let possible = small > 0 && small as f64 >= COPY_SIMILARITY * large as f64;
        self.text == other.text || (possible && self.jaccard(other) >= COPY_SIMILARITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::testing::{close_enough, golden_case, golden_floats};

    #[test]
    fn agrees_with_the_reference() {
        let case = golden_case("sentiment.json", "near_duplicate");
        let expected = golden_floats(&case["expected"]["jaccard"]);
        let pairs = case["inputs"]["pairs"].as_array().expect("pairs");
        assert_eq!(pairs.len(), expected.len());
        for (pair, want) in pairs.iter().zip(expected) {
            let [a, b] = [0, 1].map(|i| Shingles::of(pair[i].as_str().expect("a text")));
            assert!(close_enough(a.jaccard(&b), want, 1e-10, 1e-9), "{pair}");
        }
    }

    #[test]
    fn other_scripts_are_copies_only_when_equal() {
        let [a, b] = ["比特币上涨", "以太坊下跌"].map(Shingles::of);
        assert!(!a.is_copy_of(&b));
        assert!(a.is_copy_of(&a.clone()));
        let [a, b] = [
            "Bitcoin soars to a new record as ETF inflows surge past two billion dollars today",
            "BITCOIN soars to a new record as ETF inflows surge past two billion dollars",
        ]
        .map(Shingles::of);
        assert!(b.is_copy_of(&a));
    }
}
