//! The rules of VADER (Hutto & Gilbert 2014), as vaderSentiment 3.3.2 applies them.

use super::Lexicon;
use super::words::{degree, idiom, negates};

/// What a word in capitals gains when the rest is not in capitals.
const CAPITALS: f64 = 0.733;
/// Factor of a negation.
const NEGATION: f64 = -0.74;
/// What each of up to four exclamation marks adds.
const EXCLAMATION: f64 = 0.292;
/// What each of two or three question marks adds, and what more of them add together.
const QUESTION: f64 = 0.18;
const MANY_QUESTIONS: f64 = 0.96;
/// Squared sum at which the compound score is about 0.7.
const NORMALISATION: f64 = 15.0;

/// How a text sounds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Polarity {
    /// −1 (very bad) ..= 1 (very good).
    pub compound: f64,
    /// Shares of positive, neutral and negative tokens; they sum to 1 unless the text is empty.
    pub positive: f64,
    pub neutral: f64,
    pub negative: f64,
    /// Tokens that carried a valence. With none the score says "nothing recognised", not "neutral".
    pub recognised: u32,
}

struct Token {
    lower: String,
    capitals: bool,
}

impl Token {
    fn new(text: &str) -> Self {
        let cased = |c: &char| c.is_uppercase() || c.is_lowercase();
        let mut letters = text.chars().filter(cased).peekable();
        let capitals = letters.peek().is_some() && letters.all(char::is_uppercase);
        Self { lower: text.to_lowercase(), capitals }
    }
}

/// The tokens of a text and whether some, but not all, are in capitals.
struct Sentence<'a> {
    lexicon: &'a Lexicon,
    tokens: Vec<Token>,
    mixed_capitals: bool,
}

/// Scores a text.
pub(super) fn score(lexicon: &Lexicon, text: &str) -> Polarity {
    let spelled = spell_emoji(lexicon, text);
    let sentence = Sentence::read(lexicon, spelled.trim());
    let mut valences: Vec<f64> = (0..sentence.tokens.len()).map(|i| sentence.valence(i)).collect();
    if let Some(but) = sentence.tokens.iter().position(|t| t.lower == "but") {
        weigh_around_but(&mut valences, but);
    }
    summarise(&valences, emphasis(&spelled))
}

/// Symbols become their descriptions, apart from the word before them.
fn spell_emoji(lexicon: &Lexicon, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_blank = true;
    for c in text.chars() {
        if let Some(description) = lexicon.describe(c) {
            if !after_blank {
                out.push(' ');
            }
            out.push_str(description);
            after_blank = false;
        } else {
            out.push(c);
            after_blank = c == ' ';
        }
    }
    out
}

/// Without the punctuation around a word; what would leave two letters or fewer is probably an emoticon and stays.
fn strip_punctuation(word: &str) -> &str {
    let stripped = word.trim_matches(|c: char| c.is_ascii_punctuation());
    if stripped.chars().nth(2).is_none() { word } else { stripped }
}

impl<'a> Sentence<'a> {
    fn read(lexicon: &'a Lexicon, text: &str) -> Self {
        let mut tokens: Vec<Token> = text.split_whitespace().map(|w| Token::new(strip_punctuation(w))).collect();
        if !lexicon.phrases.is_empty() {
            tokens = join_phrases(lexicon, tokens);
        }
        let capitals = tokens.iter().filter(|t| t.capitals).count();
        let mixed_capitals = capitals > 0 && capitals < tokens.len();
        Self { lexicon, tokens, mixed_capitals }
    }

    /// The word `back` places before token `i`; empty before the first.
    fn word(&self, i: usize, back: usize) -> &str {
        i.checked_sub(back).and_then(|j| self.tokens.get(j)).map_or("", |t| &t.lower)
    }

    fn next(&self, i: usize, ahead: usize) -> Option<&str> {
        self.tokens.get(i + ahead).map(|t| t.lower.as_str())
    }

    /// Valence of token `i` in its place; 0 for a token that says nothing.
    fn valence(&self, i: usize) -> f64 {
        let word = self.word(i, 0);
        if degree(word).is_some() || (word == "kind" && self.next(i, 1) == Some("of")) {
            return 0.0;
        }
        let Some(own) = self.lexicon.valence(word) else { return 0.0 };
        let mut valence = self.with_capitals(i, self.with_no(i, own));
        for back in 1..=3 {
            if i < back || self.lexicon.knows(self.word(i, back)) {
                continue;
            }
            valence += self.degree_before(i, back, valence);
            valence = self.with_negation(i, back, valence);
            if back == 3 {
                valence = self.with_idioms(i, valence);
            }
        }
        self.with_least(i, valence)
    }

    /// "no" says nothing before a word with a valence, and turns that word around.
    fn with_no(&self, i: usize, own: f64) -> f64 {
        let listed = self.word(i, 3) == "no" && matches!(self.word(i, 1), "or" | "nor");
        if self.word(i, 1) == "no" || self.word(i, 2) == "no" || listed {
            own * NEGATION
        } else if self.word(i, 0) == "no" && self.next(i, 1).is_some_and(|w| self.lexicon.knows(w)) {
            0.0
        } else {
            own
        }
    }

    fn with_capitals(&self, i: usize, valence: f64) -> f64 {
        if !self.mixed_capitals || !self.tokens.get(i).is_some_and(|t| t.capitals) {
            valence
        } else if valence > 0.0 {
            valence + CAPITALS
        } else {
            valence - CAPITALS
        }
    }

    /// What a degree word `back` places before adds; the farther away, the less.
    fn degree_before(&self, i: usize, back: usize, valence: f64) -> f64 {
        let Some(token) = i.checked_sub(back).and_then(|j| self.tokens.get(j)) else { return 0.0 };
        let Some(mut change) = degree(&token.lower) else { return 0.0 };
        if valence < 0.0 {
            change = -change;
        }
        if token.capitals && self.mixed_capitals {
            change += if valence > 0.0 { CAPITALS } else { -CAPITALS };
        }
        match back {
            2 => change * 0.95,
            3 => change * 0.9,
            _ => change,
        }
    }

    fn with_negation(&self, i: usize, back: usize, valence: f64) -> f64 {
        let so = |n: usize| matches!(self.word(i, n), "so" | "this");
        let (never_so, without_doubt) = match back {
            2 => (self.word(i, 2) == "never" && so(1), self.word(i, 2) == "without" && self.word(i, 1) == "doubt"),
            // the package lets "so" or "this" right before the word count even without "never": kept, to score alike
            3 => (
                (self.word(i, 3) == "never" && so(2)) || so(1),
                self.word(i, 3) == "without" && (self.word(i, 2) == "doubt" || self.word(i, 1) == "doubt"),
            ),
            _ => (false, false),
        };
        if never_so {
            valence * 1.25
        } else if !without_doubt && negates(self.word(i, back)) {
            valence * NEGATION
        } else {
            valence
        }
    }

    /// Idioms around token `i` (it has three words before it).
    fn with_idioms(&self, i: usize, mut valence: f64) -> f64 {
        let [zero, one, two, three] = [0, 1, 2, 3].map(|n| self.word(i, n));
        let before = [format!("{three} {two} {one}"), format!("{three} {two}"), format!("{two} {one}")];
        let around = [format!("{one} {zero}"), format!("{two} {one} {zero}")];
        let [three_two_one, three_two, two_one] = &before;
        let first = around.iter().chain([two_one, three_two_one, three_two]).find_map(|words| idiom(words));
        valence = first.unwrap_or(valence);
        if let Some(next) = self.next(i, 1) {
            valence = idiom(&format!("{zero} {next}")).unwrap_or(valence);
            if let Some(after) = self.next(i, 2) {
                valence = idiom(&format!("{zero} {next} {after}")).unwrap_or(valence);
            }
        }
        valence + before.iter().filter_map(|words| degree(words)).sum::<f64>()
    }

    /// "least" turns around, "at least" and "very least" do not.
    fn with_least(&self, i: usize, valence: f64) -> f64 {
        let least = self.word(i, 1) == "least" && !self.lexicon.knows("least");
        if least && !matches!(self.word(i, 2), "at" | "very") { valence * NEGATION } else { valence }
    }
}

fn join_phrases(lexicon: &Lexicon, tokens: Vec<Token>) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while !rest.is_empty() {
        let words = lexicon.phrase_at(rest.iter().map(|t| t.lower.as_str())).max(1);
        let (phrase, after) = rest.split_at(words.min(rest.len()));
        let lower = phrase.iter().map(|t| t.lower.as_str()).collect::<Vec<_>>().join(" ");
        out.push(Token { lower, capitals: phrase.iter().all(|t| t.capitals) });
        rest = after;
    }
    out
}

/// What stands before "but" counts half, what stands after it one and a half times.
///
/// The package finds each value by its first equal, so of equal valences the first is weighed again and again;
/// kept, so that scores equal the published ones.
fn weigh_around_but(valences: &mut [f64], but: usize) {
    for k in 0..valences.len() {
        let Some(value) = valences.get(k).copied() else { continue };
        let Some(at) = valences.iter().position(|v| *v == value) else { continue };
        let factor = match at.cmp(&but) {
            std::cmp::Ordering::Less => 0.5,
            std::cmp::Ordering::Equal => 1.0,
            std::cmp::Ordering::Greater => 1.5,
        };
        if let Some(slot) = valences.get_mut(at) {
            *slot = value * factor;
        }
    }
}

/// Emphasis by punctuation.
fn emphasis(text: &str) -> f64 {
    let exclamations = text.matches('!').count().min(4) as f64;
    let questions = match text.matches('?').count() {
        0 | 1 => 0.0,
        n @ 2..=3 => n as f64 * QUESTION,
        _ => MANY_QUESTIONS,
    };
    exclamations * EXCLAMATION + questions
}

fn summarise(valences: &[f64], emphasis: f64) -> Polarity {
    if valences.is_empty() {
        return Polarity::default();
    }
    let mut sum: f64 = valences.iter().sum();
    if sum != 0.0 {
        sum += emphasis.copysign(sum);
    }
    // a neutral token counts 1, so 1 is added to the size of every other
    let mut positive: f64 = valences.iter().filter(|v| **v > 0.0).map(|v| v + 1.0).sum();
    let mut negative: f64 = valences.iter().filter(|v| **v < 0.0).map(|v| 1.0 - v).sum();
    let neutral = valences.iter().filter(|v| **v == 0.0).count();
    if positive > negative {
        positive += emphasis;
    } else if positive < negative {
        negative += emphasis;
    }
    let total = positive + negative + neutral as f64;
    Polarity {
        compound: (sum / (sum * sum + NORMALISATION).sqrt()).clamp(-1.0, 1.0),
        positive: positive / total,
        neutral: neutral as f64 / total,
        negative: negative / total,
        recognised: u32::try_from(valences.len() - neutral).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Lexicon;
    use crate::signals::testing::{golden_case, golden_floats};

    #[test]
    fn a_hundred_sentences_score_as_in_the_published_package() {
        let case = golden_case("sentiment.json", "vader");
        let sentences = case["inputs"]["sentences"].as_array().expect("a list of sentences");
        let expected = |name: &str| golden_floats(&case["expected"][name]);
        let (compound, pos, neu, neg) = (expected("compound"), expected("pos"), expected("neu"), expected("neg"));
        assert_eq!(sentences.len(), 100);
        for (i, sentence) in sentences.iter().enumerate() {
            let text = sentence.as_str().expect("a text");
            let got = Lexicon::vader().score(text);
            assert!((got.compound - compound[i]).abs() <= 0.000_101, "{text}: {} is not {}", got.compound, compound[i]);
            for (got, want) in [(got.positive, pos[i]), (got.neutral, neu[i]), (got.negative, neg[i])] {
                assert!((got - want).abs() <= 0.001_01, "{text}: {got} is not {want}");
            }
        }
    }

    #[test]
    fn equal_valences_around_but_are_weighed_as_in_the_package() {
        // 0.5023 in vaderSentiment 3.3.2 (3.0 halved equals the 1.5 after "but"); a rule per position would give 0.6956
        let got = Lexicon::vader().score("brightest idea but thx").compound;
        assert!((got - 0.5023).abs() <= 0.000_101, "{got}");
    }

    proptest! {
        #[test]
        fn any_text_stays_within_bounds(text in "\\PC{0,120}") {
            for lexicon in [Lexicon::vader(), Lexicon::finance()] {
                let p = lexicon.score(&text);
                prop_assert!((-1.0..=1.0).contains(&p.compound));
                let shares = p.positive + p.neutral + p.negative;
                prop_assert!(shares == 0.0 || (shares - 1.0).abs() < 1e-9);
                prop_assert!(p.compound == 0.0 || p.recognised > 0);
            }
        }
    }
}
