//! Features and indicators of one pair alone, bar by bar: for training and checks.

use std::sync::Arc;

use super::set::FeatureSet;
use super::state::State;
use crate::domain::flow::FlowHour;
use crate::domain::settings::PipelineSettings;
use crate::domain::{Bar, FeatureRow, Indicators};
use crate::pipeline::kernels::Hampel;

/// What is known at the close of a bar.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureOutput {
    pub features: FeatureRow,
    pub indicators: Indicators,
    /// Causal Hampel flag on the close.
    pub outlier: bool,
}

/// Every window of one pair. Feed it consecutive closed hourly bars; after a hole call [`FeatureEngine::reset`]. What looks at all pairs has
/// no value here: see [`super::Panel`].
#[derive(Debug)]
pub struct FeatureEngine {
    set: Arc<FeatureSet>,
    state: State,
    hampel: Hampel,
    outlier: bool,
}

impl FeatureEngine {
    #[must_use]
    pub fn new(set: Arc<FeatureSet>, settings: &PipelineSettings) -> Self {
        let state = State::new(&set.graph);
        let hampel = Hampel::new(settings.hampel_window, settings.hampel_k);
        Self { set, state, hampel, outlier: false }
    }

    #[must_use]
    pub fn set(&self) -> &FeatureSet {
        &self.set
    }

    /// Takes the next closed hour, without allocating.
    pub fn take(&mut self, bar: &Bar, flow: Option<&FlowHour>) {
        self.outlier = self.hampel.push(bar.close);
        self.state.hour(bar, flow);
        if let Some(own) = self.set.graph.passes.first() {
            self.state.run(own);
        }
    }

    /// Takes the next closed bar and says everything about it.
    pub fn push(&mut self, bar: &Bar) -> FeatureOutput {
        self.take(bar, None);
        self.output()
    }

    /// Everything about the last bar.
    #[must_use]
    pub fn output(&self) -> FeatureOutput {
        FeatureOutput {
            features: self.state.row(&self.set),
            indicators: self.set.levels.read(&self.state.values),
            outlier: self.outlier,
        }
    }

    /// Forgets everything: the next bar starts every window anew.
    pub fn reset(&mut self) {
        self.state.reset();
        self.hampel.reset();
        self.outlier = false;
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
