//! The closed word classes of VADER: negations, degree words, and idioms with a valence of their own.

/// What one degree word adds to or takes from a valence (mean rating change, Hutto & Gilbert 2014).
const DEGREE: f64 = 0.293;

/// Words that turn what follows around; any word with `n't` does as well.
#[rustfmt::skip]
const NEGATIONS: [&str; 59] = [
    "aint", "arent", "cannot", "cant", "couldnt", "darent", "didnt", "doesnt", "ain't", "aren't", "can't", "couldn't",
    "daren't", "didn't", "doesn't", "dont", "hadnt", "hasnt", "havent", "isnt", "mightnt", "mustnt", "neither",
    "don't", "hadn't", "hasn't", "haven't", "isn't", "mightn't", "mustn't", "neednt", "needn't", "never", "none",
    "nope", "nor", "not", "nothing", "nowhere", "oughtnt", "shant", "shouldnt", "uhuh", "wasnt", "werent", "oughtn't",
    "shan't", "shouldn't", "uh-uh", "wasn't", "weren't", "without", "wont", "wouldnt", "won't", "wouldn't", "rarely",
    "seldom", "despite",
];

/// Words that strengthen.
#[rustfmt::skip]
const BOOSTERS: [&str; 60] = [
    "absolutely", "amazingly", "awfully", "completely", "considerable", "considerably", "decidedly", "deeply",
    "effing", "enormous", "enormously", "entirely", "especially", "exceptional", "exceptionally", "extreme",
    "extremely", "fabulously", "flipping", "flippin", "frackin", "fracking", "fricking", "frickin", "frigging",
    "friggin", "fully", "fuckin", "fucking", "fuggin", "fugging", "greatly", "hella", "highly", "hugely",
    "incredible", "incredibly", "intensely", "major", "majorly", "more", "most", "particularly", "purely", "quite",
    "really", "remarkably", "so", "substantially", "thoroughly", "total", "totally", "tremendous", "tremendously",
    "uber", "unbelievably", "unusually", "utter", "utterly", "very",
];

/// Words (and pairs of words) that weaken.
#[rustfmt::skip]
const DAMPENERS: [&str; 24] = [
    "almost", "barely", "hardly", "just enough", "kind of", "kinda", "kindof", "kind-of", "less", "little",
    "marginal", "marginally", "occasional", "occasionally", "partly", "scarce", "scarcely", "slight", "slightly",
    "somewhat", "sort of", "sorta", "sortof", "sort-of",
];

/// Idioms whose valence replaces that of their words.
#[rustfmt::skip]
const IDIOMS: [(&str, f64); 9] = [
    ("the shit", 3.0),
    ("the bomb", 3.0),
    ("bad ass", 1.5),
    ("badass", 1.5),
    ("bus stop", 0.0),
    ("yeah right", -2.0),
    ("kiss of death", -1.5),
    ("to die for", 3.0),
    ("beating heart", 3.5),
];

/// Whether a word (lower case) negates.
pub(super) fn negates(word: &str) -> bool {
    NEGATIONS.contains(&word) || word.contains("n't")
}

/// What a degree word or pair of words (lower case) adds to a positive valence; `None` for any other word.
pub(super) fn degree(words: &str) -> Option<f64> {
    if BOOSTERS.contains(&words) {
        Some(DEGREE)
    } else if DAMPENERS.contains(&words) {
        Some(-DEGREE)
    } else {
        None
    }
}

/// Valence of an idiom (lower case, one blank between words).
pub(super) fn idiom(words: &str) -> Option<f64> {
    IDIOMS.iter().find(|(text, _)| *text == words).map(|(_, valence)| *valence)
}
