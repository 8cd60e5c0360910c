//! Drift of the concept: detectors on the losses and gate errors of matured outcomes.

use serde::{Deserialize, Serialize};

use super::adwin::{Adwin, AdwinSettings, Shift};
use super::control::page_hinkley;
use super::cusum::Cusum;
use super::ddm::{Ddm, DdmAlarm, DdmSettings};
use super::page_hinkley::PageHinkley;
use super::reference::LossReference;
use crate::domain::UtcMs;
use crate::domain::drift::{DetectorView, DriftDetector};
use crate::domain::time::{DAY_MS, HOUR_MS};

/// False alarm bound of ADWIN over all streams together.
pub const ADWIN_DELTA: f64 = 0.002;

/// How long an alarm stands after it was raised. CUSUM is wrong every few weeks: it is forgotten after a day.
const fn stands_for(detector: DriftDetector) -> i64 {
    match detector {
        DriftDetector::Cusum => DAY_MS,
        DriftDetector::PageHinkley | DriftDetector::Adwin | DriftDetector::Ddm => 7 * DAY_MS,
    }
}

/// Alarms of one detector.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tally {
    n: u64,
    alarms: u64,
    last_alarm: Option<UtcMs>,
}

impl Tally {
    const fn take(&mut self, alarm: bool, at: UtcMs) {
        self.n += 1;
        if alarm {
            self.alarms += 1;
            self.last_alarm = Some(at);
        }
    }
}

/// A mean that grows.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sum {
    total: f64,
    n: u32,
}

impl Sum {
    fn add(&mut self, x: f64) {
        self.total += x;
        self.n = self.n.saturating_add(1);
    }

    fn mean(self) -> f64 {
        self.total / f64::from(self.n.max(1))
    }
}

/// The detectors of one model: O(log n) in memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Errors {
    /// The hour that is open, and the losses in it.
    hour: Option<(UtcMs, Sum)>,
    /// The hour before, and its mean loss.
    before: Option<(UtcMs, f64)>,
    cusum: Cusum,
    page_hinkley: PageHinkley,
    /// Losses that ADWIN takes as one, because they say the same.
    block: Sum,
    adwin: Adwin,
    ddm: Ddm,
    tallies: [Tally; DriftDetector::ALL.len()],
    left_out: u64,
}

impl Errors {
    pub fn new(reference: &LossReference, streams: u32) -> Self {
        let clock = (32 / u64::from(reference.block())).max(1);
        let delta = ADWIN_DELTA / f64::from(streams.max(1));
        Self {
            hour: None,
            before: None,
            cusum: Cusum::default(),
            page_hinkley: PageHinkley::new(&page_hinkley(reference.page_hinkley())),
            block: Sum::default(),
            adwin: Adwin::new(&AdwinSettings { delta, clock, ..AdwinSettings::default() }),
            ddm: Ddm::new(&DdmSettings::default()),
            tallies: [Tally::default(); DriftDetector::ALL.len()],
            left_out: 0,
        }
    }

    /// Takes an outcome: its log loss and, when its prediction had passed the gate, whether the trade failed. Losses of one hour are taken
    /// together once a later hour comes. What is older than the open hour, or not finite, is left out and counted.
    pub fn mature(&mut self, reference: &LossReference, at: UtcMs, loss: f64, gate_error: Option<bool>) {
        let hour = at.floor_to(HOUR_MS);
        if !loss.is_finite() || self.hour.is_some_and(|(open, _)| hour < open) {
            self.left_out += 1;
            return;
        }
        if let Some((open, sum)) = self.hour.filter(|(open, _)| *open < hour) {
            self.hour = None;
            self.close(reference, open, sum.mean());
        }
        self.hour.get_or_insert((hour, Sum::default())).1.add(loss);
        if let Some(wrong) = gate_error {
            let drift = self.ddm.update(wrong) == Some(DdmAlarm::Drift);
            self.tally(DriftDetector::Ddm, drift, at);
        }
    }

    fn close(&mut self, reference: &LossReference, hour: UtcMs, loss: f64) {
        let before = self
            .before
            .filter(|(at, _)| hour.since(*at) == i64::from(reference.spacing()) * HOUR_MS)
            .map(|(_, loss)| loss);
        let z = reference.whiten(loss, before);
        self.before = Some((hour, loss));
        let up = self.cusum.update(z).is_some_and(|step| step.alarm == Some(Shift::Up));
        self.tally(DriftDetector::Cusum, up, hour);
        let up = self.page_hinkley.update(z) == Some(Shift::Up);
        self.tally(DriftDetector::PageHinkley, up, hour);
        self.block.add(loss);
        if self.block.n >= reference.block() {
            let up = self.adwin.update(std::mem::take(&mut self.block).mean()) == Some(Shift::Up);
            self.tally(DriftDetector::Adwin, up, hour);
        }
    }

    fn tally(&mut self, detector: DriftDetector, alarm: bool, at: UtcMs) {
        let found = DriftDetector::ALL.iter().zip(&mut self.tallies).find(|(d, _)| **d == detector);
        if let Some((_, tally)) = found {
            tally.take(alarm, at);
        }
    }

    /// State of every detector at an instant.
    pub fn views(&self, now: UtcMs) -> Vec<DetectorView> {
        let both = DriftDetector::ALL.iter().zip(&self.tallies);
        both.map(|(detector, tally)| {
            let (value, threshold) = self.statistic(*detector);
            DetectorView {
                detector: *detector,
                n: tally.n,
                value,
                threshold,
                alarms: tally.alarms,
                last_alarm: tally.last_alarm,
                standing: tally.last_alarm.is_some_and(|at| now.since(at) < stands_for(*detector)),
            }
        })
        .collect()
    }

    fn statistic(&self, detector: DriftDetector) -> (Option<f64>, Option<f64>) {
        match detector {
            DriftDetector::Cusum => (Some(self.cusum.up()), Some(self.cusum.limit())),
            DriftDetector::PageHinkley => (Some(self.page_hinkley.rise()), Some(self.page_hinkley.threshold())),
            DriftDetector::Adwin => (self.adwin.mean(), None),
            DriftDetector::Ddm => self.ddm.level().unzip(),
        }
    }

    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    pub fn is_sound(&self) -> bool {
        let sum = |s: &Sum| s.total.is_finite();
        self.cusum.is_sound()
            && self.page_hinkley.is_sound()
            && self.adwin.is_sound()
            && self.ddm.is_sound()
            && sum(&self.block)
            && self.hour.is_none_or(|(_, s)| sum(&s) && s.n > 0)
            && self.before.is_none_or(|(_, loss)| loss.is_finite())
            && self.tallies.iter().all(|t| t.alarms <= t.n && (t.alarms > 0) == t.last_alarm.is_some())
    }
}
