//! Bayesian online change-point detection (Adams, MacKay 2007): how long the market has been what it is.
//!
//! Normal observations of unknown mean and variance under a normal-inverse-gamma prior; the predictive is Student's t; the hazard of a
//! change is constant. Run lengths count bars since the last change, the bar itself included; 0 says that the change is just here.

use serde::{Deserialize, Serialize};

use crate::domain::gamma::ln_gamma;

/// Prior, hazard and bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BocpdSettings {
    /// Chance of a change at a bar.
    pub hazard: f64,
    /// Normal-inverse-gamma prior of an observation over `scale`.
    pub mu: f64,
    pub kappa: f64,
    pub alpha: f64,
    pub beta: f64,
    /// Long-run sd of the observations.
    pub scale: f64,
    /// Run lengths with less probability are dropped; 0 keeps all.
    pub truncation: f64,
    /// At most so many run lengths are kept; the least likely goes first.
    pub max_runs: usize,
}

impl Default for BocpdSettings {
    fn default() -> Self {
        Self {
            hazard: 1.0 / 250.0,
            mu: 0.0,
            kappa: 1.0,
            alpha: 1.0,
            beta: 1.0,
            scale: 1.0,
            truncation: 1e-6,
            max_runs: 1_000,
        }
    }
}

impl BocpdSettings {
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let positive = [self.kappa, self.alpha, self.beta, self.scale].iter().all(|v| *v > 0.0 && v.is_finite());
        positive
            && self.mu.is_finite()
            && self.hazard > 0.0
            && self.hazard < 1.0
            && (0.0..1.0).contains(&self.truncation)
            && self.max_runs >= 10
    }
}

/// A run length that is still possible, with what it has learnt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    length: u64,
    probability: f64,
    mu: f64,
    kappa: f64,
    alpha: f64,
    beta: f64,
}

impl Run {
    /// ln predictive density of x: Student's t with 2α degrees of freedom.
    fn log_predictive(&self, x: f64) -> Option<f64> {
        let scale = self.beta * (self.kappa + 1.0) / self.kappa;
        let constant = ln_gamma(self.alpha + 0.5)? - ln_gamma(self.alpha)?;
        let distance = (x - self.mu).powi(2) / (2.0 * scale);
        Some(constant - 0.5 * (std::f64::consts::TAU * scale).ln() - (self.alpha + 0.5) * distance.ln_1p())
    }

    /// The run one bar on.
    fn grown(&self, x: f64, probability: f64) -> Self {
        let next = self.kappa + 1.0;
        Self {
            length: self.length.saturating_add(1),
            probability,
            mu: (self.kappa * self.mu + x) / next,
            kappa: next,
            alpha: self.alpha + 0.5,
            beta: self.beta + self.kappa * (x - self.mu).powi(2) / (2.0 * next),
        }
    }
}

/// What is known of the run length at a bar.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RunLength {
    /// The likeliest; the shorter of equals.
    pub likeliest: u64,
    pub expected: f64,
    /// P(run length ≤ 5): the market has just changed.
    pub recent: f64,
    /// ln predictive density of the bar, in units of `scale`.
    pub log_predictive: f64,
}

/// A run of at most so many bars is recent.
pub const RECENT_BARS: u64 = 5;

/// The detector, one observation at a time. Memory is bounded by `max_runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bocpd {
    settings: BocpdSettings,
    /// Shortest first.
    runs: Vec<Run>,
}

impl Bocpd {
    /// Starts at a change. `None` for settings that are not sound.
    #[must_use]
    pub fn new(settings: &BocpdSettings) -> Option<Self> {
        settings.is_sound().then(|| Self { settings: *settings, runs: vec![Self::fresh(settings, 1.0)] })
    }

    const fn fresh(s: &BocpdSettings, probability: f64) -> Run {
        Run { length: 0, probability, mu: s.mu, kappa: s.kappa, alpha: s.alpha, beta: s.beta }
    }

    /// Forgets everything, as after a hole in the data.
    pub fn reset(&mut self) {
        self.runs = vec![Self::fresh(&self.settings, 1.0)];
    }

    /// Takes the next observation. What is not finite, or so far out that it has no density, gives `None` and starts anew.
    pub fn push(&mut self, observation: f64) -> Option<RunLength> {
        let step = self.step(observation / self.settings.scale);
        if step.is_none() {
            self.reset();
        }
        step
    }

    fn step(&mut self, x: f64) -> Option<RunLength> {
        let logs: Vec<f64> = self
            .runs
            .iter()
            .map(|run| run.log_predictive(x).map(|l| l + run.probability.ln()))
            .collect::<Option<_>>()?;
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = logs.iter().map(|l| (l - top).exp()).sum();
        let evidence = top + total.ln();
        if !evidence.is_finite() {
            return None;
        }
        let stay = 1.0 - self.settings.hazard;
        let grown = self.runs.iter().zip(&logs).map(|(run, log)| run.grown(x, (log - evidence).exp() * stay));
        self.runs = std::iter::once(Self::fresh(&self.settings, self.settings.hazard)).chain(grown).collect();
        if self.runs.iter().any(|run| !(run.mu.is_finite() && run.beta.is_finite())) {
            return None;
        }
        self.truncate();
        Some(self.reading(evidence))
    }

    /// Drops what is hardly possible, and scales the rest to 1.
    fn truncate(&mut self) {
        let mut least = self.settings.truncation;
        if self.runs.len() > self.settings.max_runs {
            let mut all: Vec<f64> = self.runs.iter().map(|run| run.probability).collect();
            all.sort_by(|a, b| b.total_cmp(a));
            least = all.get(self.settings.max_runs).map_or(least, |p| least.max(*p));
        }
        if least > 0.0 {
            self.runs.retain(|run| run.probability > least);
        }
        let total: f64 = self.runs.iter().map(|run| run.probability).sum();
        self.runs.iter_mut().for_each(|run| run.probability /= total);
    }

    fn reading(&self, log_predictive: f64) -> RunLength {
        let mut likeliest = (0, f64::NEG_INFINITY);
        let (mut expected, mut recent) = (0.0, 0.0);
        for run in &self.runs {
            if run.probability > likeliest.1 {
                likeliest = (run.length, run.probability);
            }
            expected += run.probability * run.length as f64;
            if run.length <= RECENT_BARS {
                recent += run.probability;
            }
        }
        RunLength { likeliest: likeliest.0, expected, recent: f64::min(recent, 1.0), log_predictive }
    }

    /// Run lengths kept.
    #[must_use]
    pub const fn runs(&self) -> usize {
        self.runs.len()
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let run = |r: &Run| {
            (0.0..=1.0).contains(&r.probability)
                && r.mu.is_finite()
                && [r.kappa, r.alpha, r.beta].iter().all(|v| *v > 0.0 && v.is_finite())
        };
        let total: f64 = self.runs.iter().map(|r| r.probability).sum();
        self.settings.is_sound()
            && self.runs.len() <= self.settings.max_runs
            && self.runs.iter().all(run)
            && self.runs.is_sorted_by(|a, b| a.length < b.length)
            && (total - 1.0).abs() < 1e-9
    }
}

/// A change opens a transition; it is over when a change is unlikely again and some bars have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// Bars since it began, while there is one.
    bars: Option<u32>,
}

impl Transition {
    const ENTER: f64 = 0.5;
    const LEAVE: f64 = 0.3;
    const LEAST_BARS: u32 = 3;

    /// Takes P(run length ≤ 5) of the next bar; true while the market is in transition. No reading counts as a change.
    pub fn push(&mut self, recent: Option<f64>) -> bool {
        let recent = recent.unwrap_or(1.0);
        self.bars = match self.bars {
            _ if recent > Self::ENTER => Some(self.bars.map_or(0, |bars| bars.saturating_add(1))),
            Some(bars) if recent < Self::LEAVE && bars.saturating_add(1) >= Self::LEAST_BARS => None,
            bars => bars.map(|bars| bars.saturating_add(1)),
        };
        self.bars.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    fn detector() -> Bocpd {
        Bocpd::new(&BocpdSettings::default()).unwrap()
    }

    #[test]
    fn memory_stays_bounded_and_a_quiet_stream_is_quiet() {
        let (mut detector, mut rng) = (detector(), SplitMix64::new(&[4]));
        let (mut most, mut changes) = (0, 0);
        for i in 0..2_500 {
            let reading = detector.push(rng.normal()).unwrap();
            most = most.max(detector.runs());
            changes += u32::from(i > 50 && reading.recent > 0.5);
        }
        assert!(detector.is_sound());
        assert!(most <= 1_000, "{most}");
        assert!(changes <= 30, "{changes} of 2500 bars without a change");
    }

    #[test]
    fn the_hard_bound_holds_without_truncation() {
        let settings = BocpdSettings { truncation: 0.0, max_runs: 50, ..BocpdSettings::default() };
        let (mut detector, mut rng) = (Bocpd::new(&settings).unwrap(), SplitMix64::new(&[4]));
        for _ in 0..500 {
            detector.push(rng.normal()).unwrap();
            assert!(detector.is_sound());
        }
    }

    #[test]
    fn a_shift_is_found_within_a_few_bars() {
        let (mut detector, mut rng) = (detector(), SplitMix64::new(&[8]));
        (0..300).for_each(|_| {
            detector.push(rng.normal());
        });
        let mut shifted = (1..).map(|bar| (bar, detector.push(4.0 + rng.normal()).unwrap()));
        let (bar, _) = shifted.find(|(_, reading)| reading.recent > 0.5).unwrap();
        assert!(bar <= 5, "{bar}");
    }

    #[test]
    fn a_restart_changes_nothing() {
        let (mut a, mut b, mut rng) = (detector(), detector(), SplitMix64::new(&[2]));
        for i in 0..300 {
            if i % 25 == 0 {
                b = serde_json::from_str(&serde_json::to_string(&b).unwrap()).unwrap();
            }
            let x = rng.normal();
            assert_eq!(a.push(x), b.push(x));
            assert_eq!(a, b);
        }
    }

    #[test]
    fn constant_and_broken_values_give_no_nan() {
        let mut flat = detector();
        for _ in 0..2_000 {
            let r = flat.push(0.25).unwrap();
            assert!(r.expected.is_finite() && (0.0..=1.0).contains(&r.recent) && r.log_predictive.is_finite());
        }
        assert!(flat.is_sound());
        for bad in [f64::NAN, f64::INFINITY, 1e300] {
            let mut detector = detector();
            detector.push(1.0);
            assert_eq!(detector.push(bad), None);
            assert_eq!(detector, self::detector());
        }
        assert_eq!(Bocpd::new(&BocpdSettings { scale: 0.0, ..BocpdSettings::default() }), None);
    }

    #[test]
    fn a_transition_lasts_at_least_three_bars() {
        let mut transition = Transition::default();
        let row = [0.1, 0.6, 0.2, 0.2, 0.2, 0.1, 0.7, 0.4, 0.4, 0.4, 0.4, 0.29].map(|p| transition.push(Some(p)));
        assert_eq!(row, [false, true, true, true, false, false, true, true, true, true, true, false]);
        assert!(transition.push(None), "what is not known is a change");
    }
}
