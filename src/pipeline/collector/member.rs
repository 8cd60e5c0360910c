//! One pair of the universe: its hours, its windows, and how far its data can be trusted.

use super::day::Day;
use crate::domain::event::RawBatch;
use crate::domain::flow::{FlowBar, FlowHour};
use crate::domain::quality::{PairQuality, Testimony, Trust, TrustState};
use crate::domain::settings::PipelineSettings;
use crate::domain::time::{HOUR_MS, MINUTE_MS};
use crate::domain::{Bar, Candle, DataQuality, FeatureRow, Frame, Interval, Pair, RawCandle, RejectReason, UtcMs};
use crate::pipeline::align::{ClosedHour, HourAligner, HourFault};
use crate::pipeline::features::{FeatureOutput, Panel};
use crate::pipeline::flow::FlowHours;
use crate::pipeline::suspect::Suspect;
use crate::pipeline::trust::{Cause, Findings, Refusals, TrustMachine};

/// See the module's description.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) pair: Pair,
    source: Interval,
    /// `None` when bars of this length do not fill hours; every row of the pair is then refused.
    aligner: Option<HourAligner>,
    bars_since_hole: u32,
    /// Whether the newest hour's frame was complete.
    pub(super) complete: bool,
    /// Frame of the newest hour until it is sent; `None` when that hour had no bar.
    frame: Option<Frame>,
    /// Order flow of the open hour.
    flow: FlowHours,
    /// Hours that were closed and wait for those of the other pairs.
    closed: Vec<ClosedHour>,
    /// The hour that the windows took last, until its frame is made.
    taken: Option<(ClosedHour, Option<FlowHour>)>,
    /// Bars that fill the windows.
    warm_up: usize,
    suspect: Suspect,
    trust: TrustMachine,
    refusals: Refusals,
    rejected: u64,
    day: Day,
    /// Newest source bar.
    newest: Option<Candle>,
    /// Close of the newest bar that a second source confirmed.
    confirmed: Option<UtcMs>,
}

impl Member {
    pub(super) fn new(pair: &Pair, source: Interval, settings: &PipelineSettings, warm_up: usize) -> Self {
        Self {
            pair: pair.clone(),
            source,
            aligner: HourAligner::new(source, settings.quiet_bars_max),
            bars_since_hole: 0,
            complete: false,
            frame: None,
            flow: FlowHours::new(source),
            closed: Vec::new(),
            taken: None,
            warm_up,
            suspect: Suspect::new(settings, None),
            trust: TrustMachine::new(settings.quarantine_ms()),
            refusals: Refusals::default(),
            rejected: 0,
            day: Day::new(source),
            newest: None,
            confirmed: None,
        }
    }

    pub(super) const fn know_decimals(&mut self, price_decimals: u32) {
        self.suspect.know_decimals(price_decimals);
    }

    /// Whether a row is of the pair's own length. A bar of another length lies on another grid; only the warm-up may fill whole hours: Kraken's
    /// history of short bars ends after 720 of them.
    pub(super) fn fits(&self, row: &RawCandle, warmup: bool) -> bool {
        self.aligner.is_some() && (self.source == row.interval || (warmup && row.interval == Interval::H1))
    }

    pub(super) fn holes(&self) -> u64 {
        self.aligner.as_ref().map_or(0, HourAligner::holes)
    }

    pub(super) fn newest_close(&self) -> Option<UtcMs> {
        self.aligner.as_ref().and_then(HourAligner::newest_close)
    }

    /// A row of the pair was refused at data time `at`.
    pub(super) const fn refuse(&mut self, at: UtcMs, reason: RejectReason) {
        self.rejected += 1;
        self.refusals.note(at, reason);
    }

    /// Takes a valid candle. It may itself show that hours are over, when batches were missed.
    pub(super) fn take(&mut self, candle: Candle) {
        if candle.interval == self.source {
            self.suspect.push(&candle);
            self.day.take(candle.open_time);
            self.newest = Some(candle.clone());
        }
        let known = self.closed.len();
        if let Some(aligner) = &mut self.aligner {
            aligner.push(candle, &mut self.closed);
        }
        self.forget_at_holes(known);
    }

    pub(super) fn take_flow(&mut self, bar: &FlowBar) {
        self.flow.push(bar);
    }

    /// A second source's word on the newest bar; on any other it comes too late to matter, or too early.
    pub(super) fn hear(&mut self, testimony: &Testimony) {
        let about = |c: &&Candle| c.open_time == testimony.open_time && c.interval == testimony.interval;
        let Some(candle) = self.newest.as_ref().filter(about) else { return };
        if !self.suspect.hear(candle, testimony) {
            self.confirmed = Some(candle.close_time());
        } else if let Some(aligner) = &mut self.aligner {
            aligner.spoil(HourFault::Contradicted { open_time: testimony.open_time });
        }
    }

    /// Closes hours by time.
    pub(super) fn advance(&mut self, at: UtcMs) {
        let known = self.closed.len();
        if let Some(aligner) = &mut self.aligner {
            aligner.advance(at, &mut self.closed);
        }
        self.forget_at_holes(known);
    }

    /// What was suspected before a hole is not compared with what comes after it.
    fn forget_at_holes(&mut self, known: usize) {
        if self.closed.iter().skip(known).any(|hour| !usable(hour)) {
            self.suspect.reset();
        }
    }

    /// The frame of the hour that ended at `end`, when it has one.
    pub(super) fn frame_of(&mut self, end: UtcMs) -> Option<Frame> {
        // Hours that passed unseen fed the windows; only the one that has just ended is news.
        self.frame.take().filter(|frame| frame.at == end)
    }

    /// End of the oldest hour that waits for the windows.
    pub(super) fn next_end(&self) -> Option<UtcMs> {
        self.closed.first().map(|hour| hour.end)
    }

    /// Gives the hour that ended at `end`, when it is the next one, to the windows; a hole forgets the past.
    pub(super) fn feed(&mut self, end: UtcMs, place: usize, panel: &mut Panel) {
        if self.next_end() != Some(end) {
            return;
        }
        let hour = self.closed.remove(0);
        let flow = self.flow.take(end);
        match hour.candle.as_ref().filter(|_| usable(&hour)) {
            Some(candle) => {
                self.bars_since_hole = self.bars_since_hole.saturating_add(1);
                panel.take(place, &Bar::from(candle), flow.as_ref());
            }
            None => {
                self.bars_since_hole = 0;
                panel.hole(place);
            }
        }
        self.taken = Some((hour, flow));
    }

    /// Makes the frame of the hour that the windows took last.
    pub(super) fn settle(&mut self, output: impl FnOnce() -> Option<FeatureOutput>) {
        let Some((hour, flow)) = self.taken.take() else { return };
        let ClosedHour { end, candle, source, fault } = hour;
        let frame = candle.zip(output()).map(|(bar, output)| self.frame(end, bar, source, fault, output));
        self.frame = frame.map(|frame| Frame { flow, ..frame });
        self.complete = self.frame.as_ref().is_some_and(|frame| frame.quality.complete);
    }

    fn frame(
        &self,
        at: UtcMs,
        bar: Candle,
        mut source: Vec<Candle>,
        fault: Option<HourFault>,
        output: FeatureOutput,
    ) -> Frame {
        source.retain(|c| c.interval == self.source);
        let FeatureOutput { features, indicators, outlier } = output;
        let outlier = outlier && self.confirmed != Some(at);
        let note = fault
            .map(|fault| fault_in_words(fault, self.source))
            .or_else(|| self.missing_in_words(&features))
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

    fn missing_in_words(&self, features: &FeatureRow) -> Option<String> {
        let missing = features.missing()?;
        Some(self.warming_up().unwrap_or_else(|| format!("no value for {}", missing.name)))
    }

    /// How far the windows are filled, until they are.
    fn warming_up(&self) -> Option<String> {
        let (bars, needed) = (self.bars_since_hole as usize, self.warm_up);
        (bars < needed).then(|| format!("warming up {bars}/{needed}"))
    }

    /// Judges the data as they stand after the batch; whether the verdict changed.
    pub(super) fn judge(&mut self, batch: &RawBatch, settings: &PipelineSettings) -> bool {
        let findings = self.findings(batch, settings);
        self.trust.observe(batch.at, &findings)
    }

    fn findings(&self, batch: &RawBatch, settings: &PipelineSettings) -> Findings {
        let at = batch.at;
        let mut findings = Findings::default();
        self.refusals.tell(at, settings.quarantine_ms(), &mut findings);
        self.suspect.tell(at, settings.quarantine_ms(), &mut findings);
        let late = batch.evidence.handed_over.map_or(0, |when| when.since(at));
        if late > settings.input_age_ms {
            findings.add(Cause::Late, format!("handed over {} min after their time", late / MINUTE_MS));
        }
        self.tell_age(at, settings, &mut findings);
        let book = batch.evidence.book_ages.iter().find(|(pair, _)| *pair == self.pair);
        match book {
            Some((_, None)) => findings.add(Cause::Book, "the book is not sound"),
            Some((_, Some(age))) if *age > settings.book_age_ms => {
                findings.add(Cause::Book, format!("the book is {} s old", age / 1_000));
            }
            _ => {}
        }
        if let Some((_, doubt)) = batch.doubts.iter().find(|(pair, _)| *pair == self.pair) {
            findings.add(Cause::Link, doubt);
        }
        if let Some(words) = self.warming_up() {
            findings.add(Cause::Windows, words);
        }
        findings
    }

    fn tell_age(&self, at: UtcMs, settings: &PipelineSettings, findings: &mut Findings) {
        let Some(newest) = self.newest_close() else { return };
        let age = at.since(newest);
        if age > i64::from(settings.bar_age_intervals).saturating_mul(self.source.ms()) {
            findings.add(Cause::NoBars, format!("no bar since {} ({} min)", newest.minute(), age / MINUTE_MS));
        }
    }

    pub(super) const fn trust(&self) -> &Trust {
        self.trust.trust()
    }

    /// Takes away the frame's completeness when its data are not proven.
    pub(super) fn vouch(&mut self, frame: &mut Frame) {
        let trust = self.trust.trust();
        if trust.state != TrustState::Proven {
            frame.quality.complete = false;
            let reason = trust.reason.as_deref().unwrap_or(trust.state.words());
            frame.quality.note.get_or_insert_with(|| format!("not proven: {reason}"));
        }
        self.complete = frame.quality.complete;
    }

    pub(super) fn quality(&self, at: UtcMs) -> PairQuality {
        let (bars_24h, slots_24h) = self.day.count(at);
        PairQuality {
            pair: self.pair.clone(),
            interval: self.source,
            trust: self.trust().clone(),
            newest: self.newest_close(),
            bars_24h,
            slots_24h,
            holes: self.holes(),
            rejected: self.rejected,
            last_reject: self.refusals.last(),
            outliers: self.suspect.counts(),
        }
    }
}

/// Whether the windows may take an hour.
const fn usable(hour: &ClosedHour) -> bool {
    hour.candle.is_some() && hour.fault.is_none()
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
        HourFault::Contradicted { open_time } => {
            format!("a second source contradicts the {length} bar of {}", open_time.minute())
        }
    }
}
