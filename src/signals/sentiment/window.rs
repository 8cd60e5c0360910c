//! The texts that count: known by now, recent, no copies; scored once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::credibility::Credibility;
use super::duplicates::Shingles;
use crate::domain::time::HOUR_MS;
use crate::domain::{Pair, UtcMs};
use crate::signals::lexicon::{Lexicon, addresses_a_model, clean};

/// A text is a copy only of one that became known within this time before it.
const COPY_WINDOW_MS: i64 = 48 * HOUR_MS;
/// Texts older than this many half-lives (weight below 0.4 %) are not news any more.
const HALF_LIVES: f64 = 8.0;
/// Texts that are scored per question; the rest waits for the next one.
const SCORED_PER_ASK: usize = 500;
/// How sure the lexicon is of a text in which it recognises anything.
const LEXICON_CONFIDENCE: f64 = 0.5;
/// Name of the lexicon as an engine.
pub const LEXICON: &str = "lexicon";

/// A recorded headline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsText {
    pub id: String,
    /// When we could have read it; nothing uses it before.
    pub known_time: UtcMs,
    pub source: String,
    pub title: String,
    pub pairs: Vec<Pair>,
}

/// A stored score of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct TextScore {
    /// −1..=1.
    pub score: f64,
    /// 0..=1.
    pub confidence: f64,
    /// What scored it; shown on screen.
    pub engine: String,
}

impl TextScore {
    fn is_valid(&self) -> bool {
        (-1.0..=1.0).contains(&self.score) && (0.0..=1.0).contains(&self.confidence) && !self.engine.is_empty()
    }
}

/// What is known of one pair's news.
#[derive(Debug, Clone, Default)]
pub(super) struct PairNews {
    /// Texts so far, copies included.
    pub texts: u32,
    pub copies: u32,
    /// Texts of the window that are no copies, oldest first.
    window: VecDeque<usize>,
}

#[derive(Debug, Clone)]
struct Kept {
    title: String,
    shingles: Shingles,
    score: Option<TextScore>,
}

/// All texts, and the window that has moved over them up to the last question.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// By known time, then id.
    texts: Vec<NewsText>,
    stored: BTreeMap<String, TextScore>,
    length_ms: i64,
    next: usize,
    kept: BTreeMap<usize, Kept>,
    pairs: BTreeMap<Pair, PairNews>,
}

impl Window {
    /// A stored score outside its range is not used; such a text is scored by the lexicon, and its engine label says so.
    pub fn new(mut texts: Vec<NewsText>, mut stored: BTreeMap<String, TextScore>, half_life_hours: f64) -> Self {
        texts.sort_by(|a, b| a.known_time.cmp(&b.known_time).then_with(|| a.id.cmp(&b.id)));
        stored.retain(|_, score| score.is_valid());
        let length_ms = (HALF_LIVES * half_life_hours.max(0.0) * HOUR_MS as f64) as i64;
        Self { texts, stored, length_ms, next: 0, kept: BTreeMap::new(), pairs: BTreeMap::new() }
    }

    /// Length of the window in whole hours.
    pub const fn hours(&self) -> i64 {
        self.length_ms / HOUR_MS
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub fn of(&self, pair: &Pair) -> Option<&PairNews> {
        self.pairs.get(pair)
    }

    /// Moves the window to `now`: texts known by then come in, old ones go.
    pub fn advance(&mut self, now: UtcMs, credibility: &mut Credibility) {
        while self.texts.get(self.next).is_some_and(|t| t.known_time <= now) {
            self.take_in(self.next, credibility);
            self.next += 1;
        }
        self.forget(now);
    }

    fn take_in(&mut self, index: usize, credibility: &mut Credibility) {
        let Some(text) = self.texts.get(index).cloned() else { return };
        self.forget(text.known_time);
        let title = clean(&text.title);
        if addresses_a_model(&title) {
            credibility.suspect(&text.source);
        }
        let shingles = Shingles::of(&title);
        let mut wanted = false;
        for pair in text.pairs.iter().collect::<BTreeSet<_>>() {
            let news = self.pairs.entry(pair.clone()).or_default();
            news.texts = news.texts.saturating_add(1);
            let copy = news.window.iter().rev().any(|earlier| {
                let recent =
                    self.texts.get(*earlier).is_some_and(|t| text.known_time.since(t.known_time) <= COPY_WINDOW_MS);
                recent && self.kept.get(earlier).is_some_and(|k| shingles.is_copy_of(&k.shingles))
            });
            if copy {
                news.copies = news.copies.saturating_add(1);
            } else {
                news.window.push_back(index);
                wanted = true;
            }
        }
        if wanted {
            self.kept.insert(index, Kept { title, shingles, score: None });
        }
    }

    /// Drops what neither counts nor can have copies any more.
    fn forget(&mut self, now: UtcMs) {
        let oldest = now.plus(-self.length_ms.max(COPY_WINDOW_MS));
        let first = self.texts.partition_point(|t| t.known_time < oldest);
        if self.kept.first_key_value().is_none_or(|(index, _)| *index >= first) {
            return;
        }
        self.kept = self.kept.split_off(&first);
        for news in self.pairs.values_mut() {
            while news.window.front().is_some_and(|index| *index < first) {
                news.window.pop_front();
            }
        }
    }

    /// Texts of a pair that still count at `now`, oldest first.
    fn counting(&self, pair: &Pair, now: UtcMs) -> impl Iterator<Item = (usize, &NewsText, &Kept)> {
        self.pairs.get(pair).into_iter().flat_map(|news| &news.window).filter_map(move |index| {
            let text = self.texts.get(*index).filter(|t| now.since(t.known_time) <= self.length_ms)?;
            Some((*index, text, self.kept.get(index)?))
        })
    }

    /// Scores the texts that have no score yet, in the order of the pairs given and newest first, within the limit per question.
    /// Gives the number that had to wait.
    pub fn score(&mut self, pairs: &[&Pair], now: UtcMs, credibility: &mut Credibility) -> usize {
        let mut queue: Vec<usize> = Vec::new();
        let mut queued = BTreeSet::new();
        for pair in pairs {
            let mut missing: Vec<usize> =
                self.counting(pair, now).filter(|(_, _, kept)| kept.score.is_none()).map(|(index, ..)| index).collect();
            missing.reverse();
            queue.extend(missing.into_iter().filter(|index| queued.insert(*index)));
        }
        let waiting = queue.len().saturating_sub(SCORED_PER_ASK);
        for index in queue.into_iter().take(SCORED_PER_ASK) {
            let (Some(text), Some(kept)) = (self.texts.get(index), self.kept.get_mut(&index)) else { continue };
            let score = self.stored.get(&text.id).cloned().unwrap_or_else(|| by_lexicon(&kept.title));
            for pair in text.pairs.iter().filter(|_| score.confidence > 0.0) {
                credibility.stated(&text.source, pair, score.score);
            }
            kept.score = Some(score);
        }
        waiting
    }

    /// Scored texts of a pair that still count.
    pub fn scored(&self, pair: &Pair, now: UtcMs) -> impl Iterator<Item = (&NewsText, &TextScore)> {
        self.counting(pair, now).filter_map(|(_, text, kept)| Some((text, kept.score.as_ref()?)))
    }
}

/// A text in which nothing was recognised has no opinion: its confidence is 0, so it is no vote.
fn by_lexicon(title: &str) -> TextScore {
    let polarity = Lexicon::finance().score(title);
    let confidence = if polarity.recognised > 0 { LEXICON_CONFIDENCE } else { 0.0 };
    TextScore { score: polarity.compound, confidence, engine: LEXICON.to_owned() }
}
