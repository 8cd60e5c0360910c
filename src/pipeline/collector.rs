//! The Data Collector: rows in, frames out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::align::{ClosedHour, HourAligner, HourFault};
use super::features::{FeatureOutput, FeatureSet, Panel};
use super::flow::FlowHours;
use super::validate::Validator;
use crate::domain::error::ErrorClass;
use crate::domain::event::{Brain, MarketUpdate, Quarantined, RawBatch};
use crate::domain::message::{IngestStatus, RiskUse};
use crate::domain::settings::PipelineSettings;
use crate::domain::time::HOUR_MS;
use crate::domain::{
    AgentKind, Ask, Bar, BrainError, Candle, DataQuality, FeatureRow, Finding, Frame, Interval, Message, Pair,
    RawCandle, RejectReason, Reply, Request, UtcMs,
};

/// Brain of the Data Collector. It validates every row of a batch, aligns what it accepts, and when an hour is over by the
/// batch's data time it makes one frame per pair that has an hourly bar, in the order of the universe.
#[derive(Debug)]
pub struct Collector {
    validator: Validator,
    members: Vec<Member>,
    /// The windows of all members, in their order.
    panel: Panel,
    index: BTreeMap<Pair, usize>,
    neighbours: Neighbours,
    ingested: u64,
    rejected: u64,
    /// Data time of the first batch: the age of a pair that has never had a bar counts from here.
    began: Option<UtcMs>,
}

/// One pair of the universe.
#[derive(Debug)]
struct Member {
    pair: Pair,
    source: Interval,
    /// `None` when bars of this length do not fill hours; every row of the pair is then refused.
    aligner: Option<HourAligner>,
    bars_since_hole: u32,
    /// Whether the newest hour's frame was complete.
    complete: bool,
    /// Frame of the newest hour until it is sent; `None` when that hour had no bar.
    frame: Option<Frame>,
    /// Order flow of the open hour.
    flow: FlowHours,
    /// Hours that were just closed; kept to be filled again without allocating.
    closed: Vec<ClosedHour>,
}

/// What the other agents last told.
#[derive(Debug, Default)]
struct Neighbours {
    /// Pairs held or wanted.
    watched: BTreeSet<Pair>,
    risk: Option<RiskUse>,
    /// Share of pairs with complete data, as the Health Monitor graded it.
    quality: Option<f64>,
}

impl Collector {
    /// For the pairs of the universe and the length of their source bars, with the built-in feature set; a pair named twice counts once.
    #[must_use]
    pub fn new(universe: &[(Pair, Interval)], settings: &PipelineSettings) -> Self {
        Self::with_features(universe, settings, &FeatureSet::built_in())
    }

    /// The same with another feature set.
    #[must_use]
    pub fn with_features(
        universe: &[(Pair, Interval)],
        settings: &PipelineSettings,
        features: &Arc<FeatureSet>,
    ) -> Self {
        let mut members: Vec<Member> = Vec::with_capacity(universe.len());
        let mut index = BTreeMap::new();
        for (pair, source) in universe {
            if index.contains_key(pair) {
                continue;
            }
            index.insert(pair.clone(), members.len());
            members.push(Member {
                pair: pair.clone(),
                source: *source,
                aligner: HourAligner::new(*source, settings.quiet_bars_max),
                bars_since_hole: 0,
                complete: false,
                frame: None,
                flow: FlowHours::new(*source),
                closed: Vec::new(),
            });
        }
        let pairs: Vec<Pair> = members.iter().map(|m| m.pair.clone()).collect();
        Self {
            validator: Validator::new(&pairs, settings),
            panel: Panel::new(Arc::clone(features), &pairs, settings),
            members,
            index,
            neighbours: Neighbours::default(),
            ingested: 0,
            rejected: 0,
            began: None,
        }
    }

    /// Takes one batch: candles, refusals, holes and the frames of the hour that is over by `batch.at`.
    pub fn ingest(&mut self, batch: &RawBatch) -> MarketUpdate {
        self.began.get_or_insert(batch.at);
        let holes_before: Vec<u64> = self.members.iter().map(Member::holes).collect();
        for bar in &batch.flow {
            if let Some(member) = self.index.get(&bar.pair).and_then(|i| self.members.get_mut(*i)) {
                member.flow.push(bar);
            }
        }
        let mut candles = Vec::with_capacity(batch.rows.len());
        let mut quarantined = Vec::new();
        for row in &batch.rows {
            match self.accept(row, batch) {
                Ok(candle) => candles.push(candle),
                Err(reason) => quarantined.push(Quarantined { reason, row: row.clone() }),
            }
        }
        self.ingested += candles.len() as u64;
        self.rejected += quarantined.len() as u64;
        let mut frames = self.close_hours(batch.at);
        for frame in &mut frames {
            if let Some((_, doubt)) = batch.doubts.iter().find(|(pair, _)| *pair == frame.pair) {
                frame.quality.complete = false;
                frame.quality.note.get_or_insert_with(|| format!("not proven: {doubt}"));
            }
        }
        for member in &mut self.members {
            if let Some(frame) = frames.iter().find(|frame| frame.pair == member.pair) {
                member.complete = frame.quality.complete;
            }
        }
        for frame in &mut frames {
            self.neighbours.annotate(frame);
        }
        let changed = self.members.iter().zip(holes_before).filter(|(m, before)| m.holes() > *before);
        let mut holes: Vec<Pair> = changed.map(|(m, _)| m.pair.clone()).collect();
        // Stable: pairs with money in or on the way to them first, each group in the order of the universe.
        holes.sort_by_key(|pair| !self.neighbours.watched.contains(pair));
        MarketUpdate { at: batch.at, candles, quarantined, holes, frames: Arc::new(frames) }
    }

    /// What ingestion has done since the start, at data time `at`.
    #[must_use]
    pub fn status(&self, at: UtcMs) -> IngestStatus {
        let age = |m: &Member| m.newest_close().or(self.began).map_or(0, |newest| at.since(newest).max(0));
        IngestStatus {
            ingested: self.ingested,
            rejected: self.rejected,
            holes: self.members.iter().map(Member::holes).sum(),
            pairs_complete: self.members.iter().filter(|m| m.complete).count() as u32,
            pairs: self.members.len() as u32,
            max_age_ms: self.members.iter().map(age).max().unwrap_or(0),
        }
    }

    /// Validates a row and gives it to its pair's hours.
    fn accept(&mut self, row: &RawCandle, batch: &RawBatch) -> Result<Candle, RejectReason> {
        let member = self.index.get(&row.pair).and_then(|i| self.members.get_mut(*i));
        // A bar of another length than the pair's own lies on another grid. Only the warm-up may fill whole hours: Kraken's history of short
        // bars ends after 720 of them.
        let fits = |m: &Member| m.source == row.interval || (batch.warmup && row.interval == Interval::H1);
        if member.as_ref().is_some_and(|m| !fits(m) || m.aligner.is_none()) {
            return Err(RejectReason::OffGrid);
        }
        let candle = self.validator.check(row, batch.at)?;
        if let Some(member) = member {
            member.take(candle.clone());
        }
        Ok(candle)
    }

    /// Closes by time, pair by pair.
    fn close_hours(&mut self, at: UtcMs) -> Vec<Frame> {
        let end = at.floor_to(HOUR_MS);
        let mut frames = Vec::new();
        for member in &mut self.members {
            member.advance(at);
        }
        self.settle();
        for member in &mut self.members {
            // Hours that passed unseen fed the windows; only the one that has just ended is news.
            frames.extend(member.frame.take().filter(|frame| frame.at == end));
        }
        frames
    }

    /// Feeds the windows of all pairs with the hours that were just closed, hour by hour, or restarts them. What looks at all pairs is computed
    /// when each of them has its hour.
    fn settle(&mut self) {
        let next = |members: &[Member]| members.iter().filter_map(|m| m.closed.first()).map(|hour| hour.end).min();
        while let Some(end) = next(&self.members) {
            let mut settled = Vec::with_capacity(self.members.len());
            for (i, member) in self.members.iter_mut().enumerate() {
                if member.closed.first().is_none_or(|hour| hour.end != end) {
                    continue;
                }
                let hour = member.closed.remove(0);
                let flow = member.flow.take(end);
                if let (Some(candle), None) = (&hour.candle, hour.fault) {
                    member.bars_since_hole = member.bars_since_hole.saturating_add(1);
                    self.panel.take(i, &Bar::from(candle), flow.as_ref());
                } else {
                    // A hole forgets the past.
                    member.bars_since_hole = 0;
                    self.panel.hole(i);
                }
                settled.push((i, hour, flow));
            }
            self.panel.close();
            let warm_up = self.panel.set().warm_up();
            for (i, hour, flow) in settled {
                let (Some(member), Some(output)) = (self.members.get_mut(i), self.panel.output(i)) else { continue };
                let ClosedHour { end, candle, source, fault } = hour;
                let frame = candle.map(|bar| member.frame(end, bar, source, fault, output, warm_up));
                member.frame = frame.map(|frame| Frame { flow, ..frame });
                member.complete = member.frame.as_ref().is_some_and(|frame| frame.quality.complete);
            }
        }
    }
}

impl Brain for Collector {
    fn kind(&self) -> AgentKind {
        AgentKind::DataCollector
    }

    fn handle(&mut self, ask: &Ask) -> Result<Reply, BrainError> {
        let Request::FetchMarketData(batch) = &ask.request else {
            return Err(BrainError {
                class: ErrorClass::System,
                text: format!(
                    "the data collector answers only requests for market data (asked in cycle {})",
                    ask.cycle
                ),
            });
        };
        let used = self.neighbours.read(&ask.inbox);
        let update = self.ingest(batch);
        let mut messages = Vec::with_capacity(6);
        if !update.frames.is_empty() {
            let frames = || Arc::clone(&update.frames);
            messages.extend([
                Message::CollectorToSentiment(frames()),
                Message::CollectorToTechnical(frames()),
                Message::CollectorToPredictor(frames()),
                Message::CollectorToRisk(frames()),
                Message::CollectorToOptimizer(frames()),
            ]);
        }
        messages.push(Message::CollectorToHealth(self.status(batch.at)));
        Ok(Reply { cycle: ask.cycle, from: self.kind(), finding: Finding::Market(update), messages, used })
    }
}

impl Member {
    fn holes(&self) -> u64 {
        self.aligner.as_ref().map_or(0, HourAligner::holes)
    }

    fn newest_close(&self) -> Option<UtcMs> {
        self.aligner.as_ref().and_then(HourAligner::newest_close)
    }

    /// Takes a valid candle. It may itself show that hours are over, when batches were missed.
    fn take(&mut self, candle: Candle) {
        if let Some(aligner) = &mut self.aligner {
            aligner.push(candle, &mut self.closed);
        }
    }

    fn advance(&mut self, at: UtcMs) {
        if let Some(aligner) = &mut self.aligner {
            aligner.advance(at, &mut self.closed);
        }
    }

    fn frame(
        &self,
        at: UtcMs,
        bar: Candle,
        mut source: Vec<Candle>,
        fault: Option<HourFault>,
        output: FeatureOutput,
        warm_up: usize,
    ) -> Frame {
        source.retain(|c| c.interval == self.source);
        let FeatureOutput { features, indicators, outlier } = output;
        let note = fault
            .map(|fault| fault_in_words(fault, self.source))
            .or_else(|| self.missing_in_words(&features, warm_up))
            .or_else(|| outlier.then(|| "outlier".to_owned()));
        let quality = DataQuality {
            complete: note.is_none(),
            source_bars: source.len() as u32,
            source_bars_expected: self.aligner.as_ref().map_or(0, HourAligner::slots),
            bars_since_hole: self.bars_since_hole,
            age_ms: source.last().map_or(HOUR_MS, |newest| at.since(newest.close_time())),
            outlier,
            note,
        };
        Frame { pair: self.pair.clone(), at, bar, features, indicators, quality, source_bars: source, flow: None }
    }

    fn missing_in_words(&self, features: &FeatureRow, warm_up: usize) -> Option<String> {
        let missing = features.missing()?;
        let bars = self.bars_since_hole as usize;
        Some(if bars < warm_up {
            format!("warming up {bars}/{warm_up}")
        } else {
            format!("no value for {}", missing.name)
        })
    }
}

/// `hole: 5 silent five-minute bars`
fn fault_in_words(fault: HourFault, source: Interval) -> String {
    let length = match source.0 {
        1 => "one-minute".to_owned(),
        5 => "five-minute".to_owned(),
        60 => "hourly".to_owned(),
        minutes => format!("{minutes}-minute"),
    };
    match fault {
        HourFault::Hole { silent: 1 } => format!("hole: 1 silent {length} bar"),
        HourFault::Hole { silent } => format!("hole: {silent} silent {length} bars"),
        HourFault::Partial { since } => format!("partial hour: known only from {} on", since.minute()),
        HourFault::Late { open_time } => {
            format!("hole: the {length} bar of {} came after its hour was closed", open_time.minute())
        }
    }
}

impl Neighbours {
    /// Keeps what the inbox says; names of the messages that were read.
    fn read(&mut self, inbox: &[Message]) -> Vec<String> {
        let mut used: Vec<String> = Vec::new();
        for message in inbox {
            match message {
                Message::OptimizerToCollector(pairs) => self.watched = pairs.iter().cloned().collect(),
                Message::RiskToCollector(risk) => self.risk = Some(risk.clone()),
                Message::HealthToCollector(share) => self.quality = Some(*share),
                _ => continue,
            }
            if !used.iter().any(|name| name == message.name()) {
                used.push(message.name().to_owned());
            }
        }
        used
    }

    /// Says beside a fault in a pair that is held or wanted what hangs on it: exposure, tripped breakers and the grade of the data.
    fn annotate(&self, frame: &mut Frame) {
        if !self.watched.contains(&frame.pair) {
            return;
        }
        let Some(note) = &mut frame.quality.note else { return };
        note.push_str("; held or wanted");
        if let Some(risk) = &self.risk {
            note.push_str(&format!(", exposure at {:.0} % of its limit", risk.exposure * 100.0));
            if !risk.tripped.is_empty() {
                note.push_str(&format!(", tripped: {}", risk.tripped.join(", ")));
            }
        }
        if let Some(share) = self.quality {
            note.push_str(&format!(", {:.0} % of pairs had complete data", share * 100.0));
        }
    }
}

#[cfg(test)]
mod tests;
