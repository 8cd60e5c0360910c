//! What the tests came to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::shuffle::Shuffled;
use crate::domain::snapshot::LeakageLine;
use crate::domain::{Pair, UtcMs};
use crate::ml::numbers::tidy;

/// A test in front of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakageTest {
    Truncation,
    Poison,
    WarmUp,
    TargetOutlier,
    EventOutlier,
    ForwardShift,
    Shuffle,
    Overlap,
    FitTime,
    Duplicates,
    SameInstant,
}

impl LeakageTest {
    pub const ALL: [Self; 11] = [
        Self::Truncation,
        Self::Poison,
        Self::WarmUp,
        Self::TargetOutlier,
        Self::EventOutlier,
        Self::ForwardShift,
        Self::Shuffle,
        Self::Overlap,
        Self::FitTime,
        Self::Duplicates,
        Self::SameInstant,
    ];

    /// What must hold, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Truncation => "features are equal with nothing known after their instant",
            Self::Poison => "features are equal whatever comes after their instant",
            Self::WarmUp => "features are equal to 1e-4 with as many bars before them as they ask for",
            Self::TargetOutlier => "no feature is correlated with the future return beyond what is honest",
            Self::EventOutlier => "no feature alone tells winners from losers beyond what is honest",
            Self::ForwardShift => "no feature loses its information when it is one bar older",
            Self::Shuffle => "nothing can be learned from labels in another order",
            Self::Overlap => "no training label meets a test label",
            Self::FitTime => "everything fitted knew only what came before its use",
            Self::Duplicates => "no test row is a copy of a training row",
            Self::SameInstant => "all pairs of an instant share a fold",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Passed,
    Failed,
    /// Too little to check; blocks as a failure does.
    NotChecked,
}

impl Verdict {
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotChecked => "not checked",
        }
    }
}

/// Something that is not what it must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The feature, or what else is at fault.
    pub what: String,
    pub pair: Option<Pair>,
    pub at: Option<UtcMs>,
    /// As it is, and as the test would have it; `None` where there is no value.
    pub value: Option<f64>,
    pub other: Option<f64>,
}

impl Finding {
    pub(super) fn of(what: &str) -> Self {
        Self { what: what.to_owned(), pair: None, at: None, value: None, other: None }
    }

    /// `rsi14 of BTC/USD at 2024-01-01T00:00Z: 0.5, again 0.7`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = self.what.clone();
        if let Some(pair) = &self.pair {
            words.push_str(&format!(" of {pair}"));
        }
        if let Some(at) = self.at {
            words.push_str(&format!(" at {}", at.minute()));
        }
        match (self.value, self.other) {
            (Some(value), Some(other)) => words.push_str(&format!(": {value:.6} for {other:.6}")),
            (Some(value), None) => words.push_str(&format!(": {value:.6}")),
            _ => {}
        }
        words
    }
}

/// What one test came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestReport {
    pub test: LeakageTest,
    /// Values, features, runs or folds that were looked at.
    pub checked: u64,
    pub failed: u64,
    /// The worst value seen, on the scale of the threshold.
    pub worst: Option<f64>,
    pub threshold: f64,
    pub verdict: Verdict,
    /// The first of each feature.
    pub findings: Vec<Finding>,
}

impl TestReport {
    pub(super) const fn new(test: LeakageTest, threshold: f64) -> Self {
        let verdict = Verdict::NotChecked;
        Self { test, checked: 0, failed: 0, worst: None, threshold, verdict, findings: Vec::new() }
    }

    /// One more was looked at, and how bad it is.
    pub(super) fn seen(&mut self, size: f64) {
        self.checked += 1;
        if size.is_finite() {
            self.worst = Some(tidy(self.worst.map_or(size, |worst| worst.max(size))));
        }
    }

    /// One was wrong.
    pub(super) fn found(&mut self, mut finding: Finding) {
        self.failed += 1;
        if self.findings.iter().all(|f| f.what != finding.what) {
            let finite = |v: Option<f64>| v.filter(|v| v.is_finite()).map(tidy);
            (finding.value, finding.other) = (finite(finding.value), finite(finding.other));
            self.findings.push(finding);
        }
    }

    /// Judges what was seen; fewer than `least` is no check.
    pub(super) const fn done(mut self, least: u64) -> Self {
        self.verdict = match (self.failed > 0, self.checked >= least) {
            (true, _) => Verdict::Failed,
            (false, true) => Verdict::Passed,
            (false, false) => Verdict::NotChecked,
        };
        self
    }

    fn is_sound(&self) -> bool {
        let verdict = match self.verdict {
            Verdict::Failed => self.failed > 0 && !self.findings.is_empty(),
            Verdict::Passed => self.failed == 0 && self.findings.is_empty() && self.checked > 0,
            Verdict::NotChecked => self.failed == 0 && self.findings.is_empty(),
        };
        verdict && self.failed <= self.checked && self.threshold.is_finite()
    }
}

/// All tests in front of one training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakageReport {
    /// In the order of [`LeakageTest::ALL`].
    pub tests: Vec<TestReport>,
    /// What shuffled labels came to; `None` when too few runs gave a score.
    pub shuffled: Option<Shuffled>,
}

impl LeakageReport {
    /// Training may begin: every test is there and has passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        let passed = |test| self.tests.iter().any(|t| t.test == test && t.verdict == Verdict::Passed);
        self.blocking().next().is_none() && LeakageTest::ALL.into_iter().all(passed)
    }

    /// The tests that block training.
    pub fn blocking(&self) -> impl Iterator<Item = &TestReport> {
        self.tests.iter().filter(|t| t.verdict != Verdict::Passed)
    }

    /// What the findings name: features, folds or fitted objects.
    #[must_use]
    pub fn suspects(&self) -> BTreeSet<&str> {
        self.tests.iter().flat_map(|t| t.findings.iter().map(|f| f.what.as_str())).collect()
    }

    /// What blocks, in words: each test with what it found first.
    #[must_use]
    pub fn words(&self) -> String {
        let one = |t: &TestReport| {
            let found: Vec<String> = t.findings.iter().take(3).map(Finding::words).collect();
            match t.verdict {
                Verdict::NotChecked => format!("not checked, too little data: {}", t.test.words()),
                _ => format!("does not hold: {} ({})", t.test.words(), found.join("; ")),
            }
        };
        self.blocking().map(one).collect::<Vec<_>>().join("; ")
    }

    /// The report as an interface shows it.
    #[must_use]
    pub fn lines(&self) -> Vec<LeakageLine> {
        let one = |t: &TestReport| LeakageLine {
            test: t.test.words().to_owned(),
            verdict: t.verdict.words().to_owned(),
            checked: t.checked,
            failed: t.failed,
            worst: t.worst,
            threshold: t.threshold,
            findings: t.findings.iter().map(Finding::words).collect(),
        };
        self.tests.iter().map(one).collect()
    }

    /// Whether verdicts agree with counts, and every test is there once.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.tests.iter().map(|t| t.test).eq(LeakageTest::ALL) && self.tests.iter().all(TestReport::is_sound)
    }
}
