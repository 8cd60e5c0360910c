//! One comparison on the path, written down.

use crate::domain::decision::{BlockReason, Station, TraceStep};

/// A number, if it is one: NaN and infinities are "no value".
pub(super) fn known(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// A step that passes only if there is a finite value and the rule holds for it.
pub(super) fn check(
    station: Station,
    name: &str,
    value: Option<f64>,
    rule: impl Into<String>,
    holds: impl FnOnce(f64) -> bool,
    reason: BlockReason,
) -> TraceStep {
    let value = value.and_then(known);
    TraceStep::new(station, name, value, rule, value.is_some_and(holds), reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_nan_never_pass() {
        for value in [None, Some(f64::NAN), Some(f64::INFINITY)] {
            let step = check(Station::Gate, "x", value, "any", |_| true, BlockReason::LowConfidence);
            assert!(!step.passed && step.value.is_none() && step.reason == Some(BlockReason::LowConfidence));
        }
        let step = check(Station::Gate, "x", Some(1.0), "> 0", |v| v > 0.0, BlockReason::LowConfidence);
        assert!(step.passed && step.reason.is_none());
    }
}
