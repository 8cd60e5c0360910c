//! Sentiment: what recorded headlines say of each pair, as far as they were known at the time.

pub mod aggregation;
pub mod credibility;
pub mod duplicates;
#[cfg(test)]
mod tests;
mod window;

use std::collections::{BTreeMap, BTreeSet};

pub use window::{LEXICON, NewsText, TextScore};

use self::aggregation::{Weighted, aggregate, source_factors, weight};
use self::credibility::{Credibility, is_social};
use self::window::Window;
use super::{TILT, TRUST_FLOOR, foreign_request, mark};
use crate::domain::event::Brain;
use crate::domain::message::{PeerHealth, PerPair, WorkStatus};
use crate::domain::settings::SentimentSettings;
use crate::domain::time::HOUR_MS;
use crate::domain::{
    AgentKind, Ask, BrainError, Finding, Frame, Message, Pair, Reply, Request, SentimentReading, UtcMs,
};

/// Engine label where nothing was scored.
pub const NO_ENGINE: &str = "none";
/// Why there is no score where no text has ever been recorded.
pub const NO_NEWS: &str = "no recorded news";
/// Social media loses half of its weight in a third of the time.
const SOCIAL_HALF_LIFE: f64 = 1.0 / 3.0;

/// The brain of the Sentiment agent. It holds all recorded texts from the start and reads each only once its time has come.
#[derive(Debug, Clone)]
pub struct Sentiment {
    settings: SentimentSettings,
    window: Window,
    credibility: Credibility,
}

/// What the neighbours said before this question.
#[derive(Default)]
struct Context<'a> {
    predicted: BTreeSet<&'a Pair>,
    held: BTreeSet<&'a Pair>,
    weights: BTreeMap<&'a Pair, f64>,
    health: Option<PeerHealth>,
    used: Vec<String>,
}

impl Sentiment {
    /// `scores` are by text id; a text without one is scored by the lexicon.
    #[must_use]
    pub fn new(settings: SentimentSettings, texts: Vec<NewsText>, scores: BTreeMap<String, TextScore>) -> Self {
        let window = Window::new(texts, scores, settings.half_life_hours);
        Self { settings, window, credibility: Credibility::default() }
    }

    fn read(&self, pair: &Pair, at: UtcMs, context: &Context<'_>) -> SentimentReading {
        let texts = self.window.of(pair).map_or(0, |news| news.texts);
        let opinions: Vec<(&NewsText, &TextScore, f64)> = self
            .window
            .scored(pair, at)
            .map(|(text, score)| (text, score, self.weight(text, score, at)))
            .filter(|(_, _, weight)| *weight > 0.0)
            .collect();
        let engines: BTreeSet<&str> = opinions.iter().map(|(_, score, _)| score.engine.as_str()).collect();
        let mut by_source: BTreeMap<&str, f64> = BTreeMap::new();
        for (text, _, weight) in &opinions {
            *by_source.entry(text.source.as_str()).or_default() += weight;
        }
        let factors = source_factors(&by_source, self.settings.prior_weight);
        let weighted: Vec<Weighted> = opinions
            .iter()
            .map(|(text, score, weight)| Weighted {
                score: score.score,
                weight: weight * factors.get(text.source.as_str()).copied().unwrap_or(1.0),
            })
            .collect();
        let all = aggregate(&weighted, self.settings.prior_weight);
        let enough = all.filter(|a| a.n_eff >= self.settings.min_n_eff);
        SentimentReading {
            pair: pair.clone(),
            at,
            score: enough.map(|a| a.score),
            n_eff: all.map_or(0.0, |a| a.n_eff),
            dispersion: enough.map(|a| a.dispersion),
            texts,
            engine: if engines.is_empty() { NO_ENGINE.to_owned() } else { Vec::from_iter(engines).join("+") },
            note: match enough {
                Some(_) => context.concern(pair),
                None => Some(self.why_silent(texts, all.map(|a| a.n_eff))),
            },
        }
    }

    fn weight(&self, text: &NewsText, score: &TextScore, at: UtcMs) -> f64 {
        let age_hours = at.since(text.known_time) as f64 / HOUR_MS as f64;
        let speed = if is_social(&text.source) { SOCIAL_HALF_LIFE } else { 1.0 };
        weight(self.credibility.of(&text.source), score.confidence, age_hours, self.settings.half_life_hours * speed)
    }

    fn why_silent(&self, texts: u32, n_eff: Option<f64>) -> String {
        match n_eff {
            _ if texts == 0 => NO_NEWS.to_owned(),
            None => format!("nothing in the news of the last {} h says anything", self.window.hours()),
            Some(n) => format!("{n:.1} independent texts of at least {:.1}", self.settings.min_n_eff),
        }
    }

    fn work(
        &self,
        readings: &[SentimentReading],
        order: &[&Pair],
        waiting: usize,
        context: &Context<'_>,
    ) -> WorkStatus {
        let judged = readings.iter().filter(|r| r.score.is_some()).count();
        let mut note = if self.window.is_empty() {
            NO_NEWS.to_owned()
        } else {
            let sum = |f: fn(&window::PairNews) -> u32| -> u32 {
                readings.iter().filter_map(|r| self.window.of(&r.pair)).map(f).sum()
            };
            format!(
                "{judged} of {} pairs judged; {} texts, {} copies",
                readings.len(),
                sum(|n| n.texts),
                sum(|n| n.copies)
            )
        };
        for pair in order.iter().filter(|p| context.money(p).is_some() || context.held.contains(*p)) {
            let score = readings.iter().find(|r| r.pair == **pair).and_then(|r| r.score);
            note.push_str(
                &score.map_or_else(|| format!("; {pair} held, no score"), |s| format!("; {pair} held, {s:+.2}")),
            );
        }
        if waiting > 0 {
            note.push_str(&format!("; {waiting} texts wait to be scored"));
        }
        if self.credibility.suspects() > 0 {
            note.push_str(&format!("; {} sources speak to language models", self.credibility.suspects()));
        }
        if context.distrusted() {
            note.push_str("; graded too low to tilt the allocation");
        }
        WorkStatus { judged: judged as u32, given: readings.len() as u32, note }
    }
}

impl Brain for Sentiment {
    fn kind(&self) -> AgentKind {
        AgentKind::Sentiment
    }

    fn handle(&mut self, ask: &Ask) -> Result<Reply, BrainError> {
        if ask.request != Request::AnalyzeSentiment {
            return Err(foreign_request(ask, "analyze sentiment"));
        }
        let context = Context::read(&ask.inbox);
        let frames: &[Frame] = ask.frames().map_or(&[], |f| f.as_slice());
        let order = context.order(frames);
        self.window.advance(ask.at, &mut self.credibility);
        let waiting = self.window.score(&order, ask.at, &mut self.credibility);
        for frame in frames {
            self.credibility.observe(&frame.pair, frame.at, frame.bar.close.to_f64());
        }
        let readings: Vec<SentimentReading> = frames.iter().map(|f| self.read(&f.pair, ask.at, &context)).collect();
        let work = self.work(&readings, &order, waiting, &context);
        let messages = messages(&readings, work, context.distrusted());
        Ok(Reply {
            cycle: ask.cycle,
            from: AgentKind::Sentiment,
            finding: Finding::Sentiment(readings),
            messages,
            used: context.used,
        })
    }
}

impl<'a> Context<'a> {
    fn read(inbox: &'a [Message]) -> Self {
        let mut context = Self::default();
        for message in inbox {
            match message {
                Message::CollectorToSentiment(_) => {}
                Message::PredictorToSentiment(pairs) => context.predicted = pairs.iter().collect(),
                Message::RiskToSentiment(pairs) => context.held = pairs.iter().collect(),
                Message::OptimizerToSentiment(weights) => {
                    context.weights = weights.iter().map(|(p, w)| (p, *w)).collect()
                }
                Message::HealthToSentiment(health) => context.health = Some(*health),
                _ => continue,
            }
            mark(&mut context.used, message);
        }
        context
    }

    /// Whether the Health Monitor grades this agent too low to move money.
    fn distrusted(&self) -> bool {
        self.health.is_some_and(|h| h.score.is_nan() || h.score < TRUST_FLOOR)
    }

    /// Share of the book in a pair, if any.
    fn money(&self, pair: &Pair) -> Option<f64> {
        self.weights.get(pair).copied().filter(|w| w.abs() > 0.0)
    }

    /// Pairs in the order in which their news is scored: held ones, then by money in them, then those with a prediction, then the rest.
    fn order(&self, frames: &'a [Frame]) -> Vec<&'a Pair> {
        let mut pairs: Vec<&Pair> = frames.iter().map(|f| &f.pair).collect();
        let money = |pair: &Pair| self.money(pair).map_or(0.0, f64::abs);
        pairs.sort_by(|a, b| {
            (self.held.contains(b).cmp(&self.held.contains(a)))
                .then_with(|| money(b).total_cmp(&money(a)))
                .then_with(|| self.predicted.contains(b).cmp(&self.predicted.contains(a)))
        });
        pairs
    }

    /// Why a reader should care about this pair's score.
    fn concern(&self, pair: &Pair) -> Option<String> {
        let mut notes = Vec::new();
        if let Some(w) = self.money(pair) {
            notes.push(format!("{:.1} % of the book is in it", 100.0 * w));
        } else if self.held.contains(pair) {
            notes.push("held".to_owned());
        }
        if self.predicted.contains(pair) {
            notes.push("has a prediction".to_owned());
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

fn messages(readings: &[SentimentReading], work: WorkStatus, distrusted: bool) -> Vec<Message> {
    fn per_pair<T>(readings: &[SentimentReading], value: impl Fn(&SentimentReading) -> T) -> PerPair<T> {
        readings.iter().map(|r| (r.pair.clone(), value(r))).collect()
    }
    let tilt = |r: &SentimentReading| r.score.filter(|_| !distrusted).map_or(1.0, |s| 1.0 + TILT * s);
    vec![
        Message::SentimentToTechnical(per_pair(readings, |r| r.score)),
        Message::SentimentToPredictor(per_pair(readings, |r| r.score.map(|s| (s, r.n_eff)))),
        Message::SentimentToRisk(per_pair(readings, |r| r.dispersion)),
        Message::SentimentToOptimizer(per_pair(readings, tilt)),
        Message::SentimentToHealth(work),
    ]
}
