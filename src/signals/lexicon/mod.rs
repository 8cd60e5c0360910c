//! How a text sounds, by word list and rules: VADER, and the same with the market's own words.
//!
//! Serves Sentiment (texts without a stored model score) and the language model's adapter (hygiene). In: a text. Out: a
//! [`Polarity`] in `-1..=1`. Always true: no I/O (both tables are compiled in), the same text has the same score, and the
//! plain lexicon scores as vaderSentiment 3.3.2 does. Texts from outside go through [`clean`] first.

mod hygiene;
mod rules;
mod words;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use hygiene::{MAX_CHARS, addresses_a_model, clean};
pub use rules::Polarity;

/// `token<TAB>mean valence` (-4..=4); licence in `LICENSE-VADER.txt`.
const VADER_WORDS: &str = include_str!("vader_lexicon.tsv");
/// `symbol<TAB>description`; same licence.
const VADER_EMOJI: &str = include_str!("vader_emoji.tsv");
/// `term<TAB>valence` on the same scale; our own.
const FINANCE_TERMS: &str = include_str!("finance_terms.tsv");

static VADER: LazyLock<Lexicon> = LazyLock::new(Lexicon::load_vader);
static FINANCE: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::load_vader().with_terms(FINANCE_TERMS));

/// A word list with the rules of VADER (Hutto & Gilbert 2014).
#[derive(Debug, Clone)]
pub struct Lexicon {
    /// Valence by token (lower case); phrases are joined by one blank.
    valences: BTreeMap<String, f64>,
    /// Words of every phrase, longest first.
    phrases: Vec<Vec<String>>,
    /// Description by symbol.
    emoji: BTreeMap<char, &'static str>,
}

impl Lexicon {
    /// The published lexicon alone.
    #[must_use]
    pub fn vader() -> &'static Self {
        &VADER
    }

    /// The published lexicon with the market's terms on top: what Sentiment uses.
    #[must_use]
    pub fn finance() -> &'static Self {
        &FINANCE
    }

    /// Scores a text as it stands; clean it first when it comes from outside.
    #[must_use]
    pub fn score(&self, text: &str) -> Polarity {
        rules::score(self, text)
    }

    fn load_vader() -> Self {
        let valences = rows(VADER_WORDS).map(|(word, value)| (word.to_owned(), value)).collect();
        let emoji = VADER_EMOJI
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .filter_map(|(symbol, text)| Some((symbol.chars().next()?, text)))
            .collect();
        Self { valences, phrases: Vec::new(), emoji }
    }

    /// Puts terms on top: a valence of 0 makes a word say nothing, a term of several words becomes a phrase.
    fn with_terms(mut self, table: &str) -> Self {
        for (term, value) in rows(table) {
            if value == 0.0 {
                self.valences.remove(term);
                continue;
            }
            self.valences.insert(term.to_owned(), value);
            let words: Vec<String> = term.split(' ').map(str::to_owned).collect();
            if words.len() > 1 {
                self.phrases.push(words);
            }
        }
        self.phrases.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self
    }

    fn valence(&self, token: &str) -> Option<f64> {
        self.valences.get(token).copied()
    }

    fn knows(&self, token: &str) -> bool {
        self.valences.contains_key(token)
    }

    fn describe(&self, symbol: char) -> Option<&'static str> {
        self.emoji.get(&symbol).copied()
    }

    /// Number of words at the start of `words` that make up a phrase (0 without one).
    fn phrase_at<'a>(&self, words: impl Iterator<Item = &'a str> + Clone) -> usize {
        self.phrases
            .iter()
            .find(|p| p.len() == p.iter().zip(words.clone()).take_while(|(a, b)| a == b).count())
            .map_or(0, Vec::len)
    }
}

/// `text<TAB>number` rows; empty lines and comments (a line whose first word is `#`) are left out.
fn rows(table: &str) -> impl Iterator<Item = (&str, f64)> {
    table.lines().filter(|line| !line.starts_with("# ")).filter_map(|line| {
        let (word, value) = line.split_once('\t')?;
        Some((word, value.trim().parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_tables_is_read() {
        for (table, count) in
            [(VADER_WORDS, 7_488), (FINANCE_TERMS, FINANCE_TERMS.lines().filter(|l| l.contains('\t')).count())]
        {
            assert_eq!(rows(table).count(), count);
            assert!(rows(table).all(|(word, value)| !word.trim().is_empty() && (-4.0..=4.0).contains(&value)));
        }
        let comments = FINANCE_TERMS.lines().filter(|l| l.starts_with("# ") || l.is_empty()).count();
        assert_eq!(comments + rows(FINANCE_TERMS).count(), FINANCE_TERMS.lines().count(), "a row without a tab");
        let terms: std::collections::BTreeSet<_> = rows(FINANCE_TERMS).map(|(w, _)| w).collect();
        assert_eq!(terms.len(), rows(FINANCE_TERMS).count(), "a term stands twice");
        assert!(terms.iter().all(|t| *t == t.to_lowercase()));
        assert_eq!(Lexicon::vader().emoji.len(), 1_212);
    }

    /// What stock VADER gets wrong on market news, and what must not change by our terms.
    #[test]
    fn market_words_mean_what_traders_mean() {
        let sign = |text: &str| Lexicon::finance().score(text).compound;
        for good in [
            "Bitcoin soars to a new record as ETF inflows surge!",
            "BTC hits all-time high",
            "Ether rallies after upgrade goes live",
            "Bullish breakout in SOL",
            "Short squeeze lifts XRP",
        ] {
            assert!(sign(good) > 0.2, "{good}: {}", sign(good));
        }
        for bad in [
            "Bitcoin plunges as miners capitulate",
            "Exchange halts withdrawals after exploit",
            "Bearish breakdown below support",
            "Team accused of rug pull",
            "Liquidations mount as prices tumble",
            "Token to be delisted",
        ] {
            assert!(sign(bad) < -0.2, "{bad}: {}", sign(bad));
        }
        for neutral in
            ["Fees are low", "Shares of the fund", "Interest rate decision on Wednesday", "Long and short positions"]
        {
            assert_eq!(Lexicon::finance().score(neutral).recognised, 0, "{neutral}");
        }
        assert!(sign("SOL is not bullish") < 0.0);
    }
}
