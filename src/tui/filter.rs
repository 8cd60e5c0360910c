//! Row filters: words that must occur, `!word` that must not, `conf>.8` and `conf<.5`.

/// A filter that was understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Has(String),
    Lacks(String),
    Above(f64),
    Below(f64),
}

impl Filter {
    /// # Errors
    /// What is wrong, in words, when a comparison has no number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let terms = text.split_whitespace().map(term).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { text: text.to_owned(), terms })
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a row with these words and this confidence stays. A comparison drops rows without a confidence.
    #[must_use]
    pub fn keeps(&self, words: &str, confidence: Option<f64>) -> bool {
        if self.terms.is_empty() {
            return true;
        }
        let words = words.to_lowercase();
        self.terms.iter().all(|t| match t {
            Term::Has(w) => words.contains(w),
            Term::Lacks(w) => !words.contains(w),
            Term::Above(x) => confidence.is_some_and(|c| c > *x),
            Term::Below(x) => confidence.is_some_and(|c| c < *x),
        })
    }
}

fn term(word: &str) -> Result<Term, String> {
    let number = |text: &str| {
        let bad = || format!("'{word}' needs a number, like 'conf>.8'");
        text.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(bad)
    };
    if let Some(text) = word.strip_prefix("conf>") {
        return number(text).map(Term::Above);
    }
    if let Some(text) = word.strip_prefix("conf<") {
        return number(text).map(Term::Below);
    }
    match word.strip_prefix('!') {
        Some("") => Err("'!' needs a word, like '!stale'".to_owned()),
        Some(rest) => Ok(Term::Lacks(rest.to_lowercase())),
        None => Ok(Term::Has(word.to_lowercase())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_terms_must_hold() {
        let keeps = |f: &str, words: &str, conf| Filter::parse(f).unwrap().keeps(words, conf);
        assert!(keeps("", "anything", None));
        assert!(keeps("btc LOW", "BTC/USD low confidence", Some(0.4)));
        assert!(!keeps("btc !low", "BTC/USD low confidence", Some(0.4)));
        assert!(keeps("conf>.8", "x", Some(0.81)));
        assert!(!keeps("conf>.8", "x", Some(0.80)));
        assert!(keeps("conf<.5 x", "x", Some(0.4)));
        assert!(!keeps("conf<.5", "x", None));
    }

    #[test]
    fn what_is_not_understood_says_why() {
        assert!(Filter::parse("conf>abc").unwrap_err().contains("conf>.8"));
        assert!(Filter::parse("!").is_err());
        assert!(Filter::parse("conf>nan").is_err());
    }
}
