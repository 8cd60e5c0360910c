//! The Data Collector: rows in, frames out.

use std::collections::BTreeMap;
use std::sync::Arc;

use self::member::Member;
use self::neighbours::Neighbours;
use super::features::{FeatureSet, Panel};
use super::validate::Validator;
use crate::domain::error::ErrorClass;
use crate::domain::event::{Brain, MarketUpdate, RawBatch};
use crate::domain::message::IngestStatus;
use crate::domain::settings::PipelineSettings;
use crate::domain::time::HOUR_MS;
use crate::domain::{
    AgentKind, Ask, BrainError, Candle, DataKind, Finding, Frame, Interval, Message, Pair, Quarantined, RawCandle,
    RejectReason, Reply, Request, UtcMs,
};

mod day;
mod member;
mod neighbours;

/// Brain of the Data Collector. It validates every row of a batch, aligns what it accepts, and when an hour is over by the
/// batch's data time it makes one frame per pair that has an hourly bar, in the order of the universe. A frame is complete only while the
/// pair's data are proven.
#[derive(Debug)]
pub struct Collector {
    settings: PipelineSettings,
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
            members.push(Member::new(pair, *source, settings, features.warm_up()));
        }
        let pairs: Vec<Pair> = members.iter().map(|m| m.pair.clone()).collect();
        Self {
            settings: settings.clone(),
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

    /// The same, knowing how many decimals the venue lists for prices: a change of its step is then no surprise.
    #[must_use]
    pub fn knowing_decimals(mut self, price_decimals: &BTreeMap<Pair, u32>) -> Self {
        for member in &mut self.members {
            if let Some(decimals) = price_decimals.get(&member.pair) {
                member.know_decimals(*decimals);
            }
        }
        self
    }

    /// Takes one batch: candles, refusals, holes and the frames of the hour that is over by `batch.at`.
    pub fn ingest(&mut self, batch: &RawBatch) -> MarketUpdate {
        self.began.get_or_insert(batch.at);
        let holes_before: Vec<u64> = self.members.iter().map(Member::holes).collect();
        for bar in &batch.flow {
            if let Some(member) = self.member(&bar.pair) {
                member.take_flow(bar);
            }
        }
        let mut candles = Vec::with_capacity(batch.rows.len());
        let mut quarantined = batch.evidence.refused.clone();
        for row in &batch.rows {
            match self.accept(row, batch) {
                Ok(candle) => candles.push(candle),
                Err(reason) => quarantined.push(refused(row, reason, batch.at)),
            }
        }
        self.ingested += candles.len() as u64;
        self.count_refusals(&quarantined, batch.at);
        self.hear(batch);
        let mut frames = self.close_hours(batch.at);
        let changed = self.judge(batch, &mut frames);
        for frame in &mut frames {
            self.neighbours.annotate(frame);
        }
        let holes = self.new_holes(&holes_before);
        let news = changed || !frames.is_empty() || !quarantined.is_empty() || !holes.is_empty();
        let quality = news.then(|| Arc::new(self.members.iter().map(|m| m.quality(batch.at)).collect()));
        MarketUpdate { at: batch.at, candles, quarantined, holes, frames: Arc::new(frames), quality }
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

    fn member(&mut self, pair: &Pair) -> Option<&mut Member> {
        self.index.get(pair).and_then(|i| self.members.get_mut(*i))
    }

    /// Validates a row and gives it to its pair's hours.
    fn accept(&mut self, row: &RawCandle, batch: &RawBatch) -> Result<Candle, RejectReason> {
        if self.member(&row.pair).is_some_and(|m| !m.fits(row, batch.warmup)) {
            return Err(RejectReason::OffGrid);
        }
        let candle = self.validator.check(row, batch.at)?;
        if let Some(member) = self.member(&row.pair) {
            member.take(candle.clone());
        }
        Ok(candle)
    }

    /// Every refusal counts; one of market data speaks against its pair.
    fn count_refusals(&mut self, quarantined: &[Quarantined], at: UtcMs) {
        self.rejected += quarantined.len() as u64;
        let of_market = |row: &&Quarantined| matches!(row.kind, DataKind::Candle | DataKind::Trade | DataKind::Book);
        for row in quarantined.iter().filter(of_market) {
            let Ok(pair) = row.pair.parse::<Pair>() else { continue };
            // A row in another currency stands where one of the pair should.
            let meant = |m: &Member| {
                m.pair == pair || (row.reason == RejectReason::CurrencyMismatch && m.pair.base() == pair.base())
            };
            self.members.iter_mut().filter(|m| meant(m)).for_each(|m| m.refuse(at, row.reason));
        }
    }

    fn hear(&mut self, batch: &RawBatch) {
        for testimony in &batch.evidence.testimonies {
            if let Some(member) = self.member(&testimony.pair) {
                member.hear(testimony);
            }
        }
    }

    /// Closes by time. Hour by hour the windows of all pairs take what they have; what looks at all pairs is computed when each of them has its hour.
    fn close_hours(&mut self, at: UtcMs) -> Vec<Frame> {
        let Self { members, panel, .. } = self;
        members.iter_mut().for_each(|member| member.advance(at));
        while let Some(end) = members.iter().filter_map(Member::next_end).min() {
            for (place, member) in members.iter_mut().enumerate() {
                member.feed(end, place, panel);
            }
            panel.close();
            for (place, member) in members.iter_mut().enumerate() {
                member.settle(|| panel.output(place));
            }
        }
        let end = at.floor_to(HOUR_MS);
        members.iter_mut().filter_map(|member| member.frame_of(end)).collect()
    }

    /// Judges every pair, and what its frame is worth; whether any verdict changed.
    fn judge(&mut self, batch: &RawBatch, frames: &mut [Frame]) -> bool {
        let mut changed = false;
        let mut frames = frames.iter_mut().peekable();
        for member in &mut self.members {
            changed |= member.judge(batch, &self.settings);
            // Frames stand in the order of the universe.
            if let Some(frame) = frames.next_if(|frame| frame.pair == member.pair) {
                member.vouch(frame);
            }
        }
        changed
    }

    /// Pairs whose count of holes has risen, those with money in or on the way to them first, each group in the order of the universe.
    fn new_holes(&self, before: &[u64]) -> Vec<Pair> {
        let more = self.members.iter().zip(before).filter(|(m, before)| m.holes() > **before);
        let mut holes: Vec<Pair> = more.map(|(m, _)| m.pair.clone()).collect();
        holes.sort_by_key(|pair| !self.neighbours.watched.contains(pair));
        holes
    }
}

fn refused(row: &RawCandle, reason: RejectReason, at: UtcMs) -> Quarantined {
    Quarantined {
        kind: DataKind::Candle,
        reason,
        pair: row.pair.to_string(),
        venue: row.venue.to_string(),
        source: format!("{} candles", row.interval),
        known_time: at,
        row: row.as_received(),
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

#[cfg(test)]
mod tests;
