//! What was fitted remembers the latest moment it knows of.

use serde::{Deserialize, Serialize};

use super::report::{Finding, LeakageTest, TestReport};
use crate::domain::UtcMs;

/// A fitted object (scaler, selection, calibrator, imputation, regime model, threshold, …) and when the last thing it was fitted on
/// was known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted<T> {
    value: T,
    known_to: UtcMs,
}

impl<T> Fitted<T> {
    /// `known` are the instants at which what it was fitted on was known; `None` when there is none.
    pub fn new(value: T, known: impl IntoIterator<Item = UtcMs>) -> Option<Self> {
        Some(Self { value, known_to: known.into_iter().max()? })
    }

    #[must_use]
    pub const fn known_to(&self) -> UtcMs {
        self.known_to
    }

    /// The object for a prediction at `t`; `None` unless everything it knows lies strictly before.
    #[must_use]
    pub fn before(&self, t: UtcMs) -> Option<&T> {
        (self.known_to < t).then_some(&self.value)
    }

    /// Its entry in the audit of one fold.
    #[must_use]
    pub fn fit_time(&self, what: &str, first_use: UtcMs) -> FitTime {
        FitTime { what: what.to_owned(), known_to: self.known_to, first_use }
    }
}

/// What was fitted, what it knows of, and the first instant it is used at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FitTime {
    pub what: String,
    pub known_to: UtcMs,
    pub first_use: UtcMs,
}

/// Everything fitted must know only what came strictly before its first use. The worst value is in hours from what it knows to its
/// use, turned round: it must be below 0.
#[must_use]
pub fn fit_times(fits: &[FitTime]) -> TestReport {
    let mut report = TestReport::new(LeakageTest::FitTime, 0.0);
    for fit in fits {
        report.seen(fit.known_to.since(fit.first_use) as f64 / crate::domain::time::HOUR_MS as f64);
        if fit.known_to >= fit.first_use {
            report.found(Finding { at: Some(fit.first_use), ..Finding::of(&fit.what) });
        }
    }
    report.done(1)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn nothing_fitted_speaks_of_its_own_past() {
        let fitted = Fitted::new(7, [UtcMs(5), UtcMs(9), UtcMs(2)]).unwrap();
        assert_eq!((fitted.known_to(), fitted.before(UtcMs(9)), fitted.before(UtcMs(10))), (UtcMs(9), None, Some(&7)));
        assert_eq!(Fitted::new(7, []), None);
        let verdict = |fits: &[FitTime]| fit_times(fits).verdict;
        assert_eq!(verdict(&[fitted.fit_time("scaler", UtcMs(10))]), Verdict::Passed);
        assert_eq!(verdict(&[fitted.fit_time("scaler", UtcMs(9))]), Verdict::Failed);
        assert_eq!(verdict(&[]), Verdict::NotChecked);
    }
}
