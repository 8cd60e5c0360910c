//! Features and indicators of one pair alone, bar by bar: for training and checks.

use std::sync::Arc;

use super::panel::{FeatureOutput, Panel};
use super::set::FeatureSet;
use crate::domain::flow::FlowHour;
use crate::domain::settings::PipelineSettings;
use crate::domain::{Bar, FeatureRow, Indicators};

/// Every window of one pair. Feed it consecutive closed hourly bars; after a hole call [`FeatureEngine::reset`]. What looks at all pairs has
/// no value here: see [`Panel`].
#[derive(Debug)]
pub struct FeatureEngine(Panel);

impl FeatureEngine {
    #[must_use]
    pub fn new(set: Arc<FeatureSet>, settings: &PipelineSettings) -> Self {
        Self(Panel::alone(set, settings))
    }

    #[must_use]
    pub fn set(&self) -> &FeatureSet {
        self.0.set()
    }

    /// Takes the next closed hour, without allocating.
    pub fn take(&mut self, bar: &Bar, flow: Option<&FlowHour>) {
        self.0.take(0, bar, flow);
        self.0.close();
    }

    /// Takes the next closed bar and says everything about it.
    pub fn push(&mut self, bar: &Bar) -> FeatureOutput {
        self.take(bar, None);
        self.output()
    }

    /// Everything about the last bar.
    #[must_use]
    pub fn output(&self) -> FeatureOutput {
        self.0.output(0).unwrap_or_else(|| FeatureOutput {
            features: FeatureRow::blank(Arc::clone(self.set().schema())),
            indicators: Indicators::default(),
            outlier: false,
        })
    }

    /// The values at the last bar in the order of the set's columns; NaN where there is none.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.0.values(0)
    }

    /// Forgets everything: the next bar starts every window anew.
    pub fn reset(&mut self) {
        self.0.hole(0);
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
