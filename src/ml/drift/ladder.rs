//! The action ladder: what follows from the evidence of drift, and how it is undone.
//!
//! What the evidence demands is a pure function of it ([`demanded`]). The ladder goes up at once. It goes down by one rung at the first
//! evidence of a UTC day, and only when all of the day before demanded less: never within the window that raised it.

use serde::{Deserialize, Serialize};

use crate::domain::UtcMs;
use crate::domain::drift::{DriftAction, DriftDetector};

/// Features in alarm that make a warning.
pub const WARN_FEATURES: usize = 2;
/// Shares of the features in alarm that ask for a candidate, and for half the size; each with at least [`WARN_FEATURES`].
pub const RETRAIN_SHARE: f64 = 0.25;
pub const HALVE_SHARE: f64 = 0.5;

/// What is known at an instant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    pub features: usize,
    /// Names of the features in alarm.
    pub alarmed: Vec<String>,
    /// Detectors whose alarm stands.
    pub standing: Vec<DriftDetector>,
    /// `Some(false)` when out of band.
    pub calibrated: Option<bool>,
    pub covered: Option<bool>,
}

/// The rung that the evidence demands, and every reason for any rung, the gravest first.
#[must_use]
pub fn demanded(evidence: &Evidence) -> (DriftAction, Vec<String>) {
    let mut found = concept(evidence);
    found.extend(inputs(evidence));
    // A stable sort keeps concept before inputs within a rung.
    found.sort_by_key(|(action, _)| std::cmp::Reverse(*action));
    let action = found.first().map_or(DriftAction::None, |(action, _)| *action);
    (action, found.into_iter().map(|(_, reason)| reason).collect())
}

fn concept(evidence: &Evidence) -> Vec<(DriftAction, String)> {
    let mut found = Vec::new();
    for (within, what) in [(evidence.calibrated, "calibration"), (evidence.covered, "coverage of the intervals")] {
        if within == Some(false) {
            found.push((DriftAction::NoGo, format!("{what} is out of its band")));
        }
    }
    let errors: Vec<&str> =
        evidence.standing.iter().filter(|d| **d != DriftDetector::Cusum).map(|d| d.as_str()).collect();
    let names = errors.join(" and ");
    match (errors.len(), evidence.alarmed.len()) {
        (0, _) => {}
        (_, 1..) => found.push((DriftAction::NoGo, format!("the model errs more ({names}) while its inputs drift"))),
        (1, 0) => found.push((DriftAction::RetrainCandidate, format!("the model errs more ({names})"))),
        (_, 0) => found.push((DriftAction::HalveSize, format!("the model errs more by several detectors ({names})"))),
    }
    if evidence.standing.contains(&DriftDetector::Cusum) {
        found.push((DriftAction::Warn, format!("the loss rose ({})", DriftDetector::Cusum.as_str())));
    }
    found
}

fn inputs(evidence: &Evidence) -> Option<(DriftAction, String)> {
    let n = evidence.alarmed.len();
    let share = n as f64 / evidence.features.max(1) as f64;
    let action = match n {
        0 => return None,
        _ if n < WARN_FEATURES => DriftAction::None,
        _ if share >= HALVE_SHARE => DriftAction::HalveSize,
        _ if share >= RETRAIN_SHARE => DriftAction::RetrainCandidate,
        _ => DriftAction::Warn,
    };
    let shown: Vec<&str> = evidence.alarmed.iter().take(5).map(String::as_str).collect();
    let more = if n > shown.len() { ", …" } else { "" };
    Some((action, format!("{n} of {} inputs drift: {}{more}", evidence.features, shown.join(", "))))
}

/// Where the model stands on the ladder.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    action: DriftAction,
    since: Option<UtcMs>,
    /// The UTC day of the newest evidence, and the highest rung that the day demanded.
    day: Option<UtcMs>,
    highest: DriftAction,
}

impl Ladder {
    #[must_use]
    pub const fn action(&self) -> DriftAction {
        self.action
    }

    /// Since when the action stands; `None` before the first change.
    #[must_use]
    pub const fn since(&self) -> Option<UtcMs> {
        self.since
    }

    /// Takes what is demanded at an instant; time does not run back.
    pub fn take(&mut self, demanded: DriftAction, now: UtcMs) -> DriftAction {
        let today = now.day();
        if self.day.is_none_or(|day| day < today) {
            if self.day.is_some() && self.highest < self.action && demanded < self.action {
                self.set(self.action.lower(), now);
            }
            (self.day, self.highest) = (Some(today), demanded);
        }
        self.highest = self.highest.max(demanded);
        if demanded > self.action {
            self.set(demanded, now);
        }
        self.action
    }

    const fn set(&mut self, action: DriftAction, now: UtcMs) {
        (self.action, self.since) = (action, Some(now));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::time::{DAY_MS, HOUR_MS};

    fn evidence(alarmed: usize, standing: &[DriftDetector]) -> Evidence {
        Evidence {
            features: 20,
            alarmed: (0..alarmed).map(|i| format!("f{i}")).collect(),
            standing: standing.to_vec(),
            calibrated: Some(true),
            covered: None,
        }
    }

    #[test]
    fn every_rung_has_its_evidence() {
        use DriftAction::{HalveSize, NoGo, None, RetrainCandidate, Warn};
        use DriftDetector::{Adwin, Cusum, Ddm, PageHinkley};
        let cases: [(usize, &[DriftDetector], DriftAction); 11] = [
            (0, &[], None),
            (1, &[], None),
            (2, &[], Warn),
            (5, &[], RetrainCandidate),
            (10, &[], HalveSize),
            (0, &[Cusum], Warn),
            (1, &[Cusum], Warn),
            (0, &[PageHinkley], RetrainCandidate),
            (0, &[Ddm, Adwin], HalveSize),
            (1, &[Adwin], NoGo),
            (3, &[Ddm, Cusum], NoGo),
        ];
        for (alarmed, standing, want) in cases {
            let (action, reasons) = demanded(&evidence(alarmed, standing));
            assert_eq!(action, want, "{alarmed} {standing:?}");
            assert_eq!(reasons.is_empty(), alarmed == 0 && standing.is_empty());
        }
        for (calibrated, covered) in [(Some(false), Option::None), (Option::None, Some(false))] {
            let (action, reasons) = demanded(&Evidence { calibrated, covered, ..evidence(0, &[]) });
            assert_eq!((action, reasons.len()), (NoGo, 1));
        }
    }

    #[test]
    fn the_way_down_takes_a_day_a_rung() {
        let mut ladder = Ladder::default();
        assert_eq!(ladder.take(DriftAction::NoGo, UtcMs(0)), DriftAction::NoGo);
        let rungs: Vec<DriftAction> = (1..24 * 6).map(|h| ladder.take(DriftAction::None, UtcMs(h * HOUR_MS))).collect();
        let at = |day: usize| rungs[day * 24 + 5];
        // The first day demanded it itself; the second is the first that does not.
        assert_eq!(
            [at(0), at(1), at(2), at(3), at(4), at(5)].map(DriftAction::as_str),
            ["NO-GO", "NO-GO", "halve size", "retrain candidate", "warn", "none"]
        );
    }

    proptest! {
        #[test]
        fn it_never_stands_below_what_is_demanded_and_never_falls_within_a_day(
            steps in proptest::collection::vec((0_usize..5, 1_i64..30), 1..80),
        ) {
            let rungs = [DriftAction::None, DriftAction::Warn, DriftAction::RetrainCandidate, DriftAction::HalveSize, DriftAction::NoGo];
            let (mut ladder, mut now, mut last) = (Ladder::default(), 0, (DriftAction::None, 0));
            for (rung, hours) in steps {
                now += hours * HOUR_MS;
                let action = ladder.take(rungs[rung], UtcMs(now));
                prop_assert!(action >= rungs[rung]);
                prop_assert!(action >= last.0 || now / DAY_MS > last.1 / DAY_MS);
                prop_assert!(action >= last.0.lower());
                last = (action, now);
            }
        }
    }
}
