//! Features and indicators of one pair, bar by bar.

use std::sync::Arc;

use super::graph::{Graph, Op};
use super::registry::Gather;
use super::set::{FeatureSet, Source};
use super::stream::{MOST_INPUTS, Stream};
use crate::domain::settings::PipelineSettings;
use crate::domain::time::{DAY_MS, HOUR_MS};
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

/// Every window of one pair. Feed it consecutive closed hourly bars; after a hole call [`FeatureEngine::reset`].
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

    /// Takes the next closed bar, without allocating. What needs all pairs has no value before they were looked at.
    pub fn take(&mut self, bar: &Bar) {
        self.outlier = self.hampel.push(bar.close);
        self.state.hour(bar);
        for pass in 0..self.set.graph.passes.len() {
            self.state.run(&self.set.graph, pass, |_, _| f64::NAN);
        }
    }

    /// Takes the next closed bar and says everything about it.
    pub fn push(&mut self, bar: &Bar) -> FeatureOutput {
        self.take(bar);
        self.output()
    }

    /// Everything about the last bar.
    #[must_use]
    pub fn output(&self) -> FeatureOutput {
        FeatureOutput { features: self.state.row(&self.set), indicators: self.indicators(), outlier: self.outlier }
    }

    /// The levels at the last bar.
    #[must_use]
    pub fn indicators(&self) -> Indicators {
        self.set.levels.read(&self.state.values)
    }

    /// Forgets everything: the next bar starts every window anew.
    pub fn reset(&mut self) {
        self.state.reset();
        self.hampel.reset();
        self.outlier = false;
    }
}

/// The running kernels of one pair, and its values at the newest bar.
#[derive(Debug)]
pub(super) struct State {
    streams: Vec<Running>,
    /// By slot; NaN where there is no value.
    pub(super) values: Vec<f64>,
}

#[derive(Debug)]
struct Running {
    stream: Box<dyn Stream>,
    /// It has taken something since it was last reset.
    began: bool,
}

impl State {
    pub(super) fn new(graph: &Graph) -> Self {
        let streams = graph.streams.iter().filter_map(|plan| plan.make());
        Self {
            streams: streams.map(|stream| Running { stream, began: false }).collect(),
            values: vec![f64::NAN; graph.slots.len()],
        }
    }

    /// Puts a bar's columns into their slots, in the order of [`super::graph::FIELDS`].
    pub(super) fn hour(&mut self, bar: &Bar) {
        let hours = bar.open_time.0.div_euclid(HOUR_MS);
        let of_day = bar.open_time.since(bar.open_time.day()) / HOUR_MS;
        // The epoch was a Thursday; a week begins on Monday.
        let of_week = (hours + 3 * (DAY_MS / HOUR_MS)).rem_euclid(7 * DAY_MS / HOUR_MS);
        let fields = [bar.open, bar.high, bar.low, bar.close, bar.volume, of_day as f64, of_week as f64];
        for (slot, value) in self.values.iter_mut().zip(fields) {
            *slot = if value.is_finite() { value } else { f64::NAN };
        }
    }

    /// Computes the values of one pass. `gathered` gives what is known of all pairs, by the kernel and the slot that it looks at.
    pub(super) fn run(&mut self, graph: &Graph, pass: usize, gathered: impl Fn(Gather, usize) -> f64) {
        let Self { streams, values } = self;
        for node in graph.passes.get(pass).into_iter().flatten() {
            let mut buffer = [f64::NAN; MOST_INPUTS];
            let mut count = 0;
            let mut complete = true;
            for (place, slot) in buffer.iter_mut().zip(node.inputs()) {
                *place = values.get(slot).copied().unwrap_or(f64::NAN);
                complete &= !place.is_nan();
                count += 1;
            }
            let inputs = buffer.get(..count).unwrap_or_default();
            let Some(out) = values.get_mut(node.out..node.out + node.lines) else { continue };
            match &node.op {
                Op::Map(map) => out.fill(if complete { map.apply(inputs) } else { f64::NAN }),
                Op::Gather(gather) => {
                    out.fill(node.inputs().next().map_or(f64::NAN, |slot| gathered(*gather, slot)));
                }
                Op::Stream(number) => {
                    let Some(running) = streams.get_mut(*number) else { continue };
                    running.take(complete.then_some(inputs), out);
                }
            }
        }
    }

    pub(super) fn reset(&mut self) {
        for running in &mut self.streams {
            running.restart();
        }
        self.values.fill(f64::NAN);
    }

    /// The row of the newest bar.
    pub(super) fn row(&self, set: &FeatureSet) -> FeatureRow {
        let value = |slot: usize| self.values.get(slot).copied().unwrap_or(f64::NAN);
        let slot = |place: &usize| set.sources().nth(*place);
        let there = |place: &usize| matches!(slot(place), Some(Source::Slot(slot)) if !value(*slot).is_nan());
        let values = set.sources().map(|source| match source {
            Source::Slot(slot) => value(*slot),
            Source::Presence(places) => f64::from(u8::from(places.iter().all(there))),
        });
        FeatureRow::new(Arc::clone(set.schema()), values)
    }
}

impl Running {
    /// A missing input restarts the kernel: no window spans a gap.
    fn take(&mut self, inputs: Option<&[f64]>, out: &mut [f64]) {
        match inputs {
            Some(inputs) => {
                self.began = true;
                self.stream.push(inputs, out);
            }
            None => {
                self.restart();
                out.fill(f64::NAN);
            }
        }
    }

    fn restart(&mut self) {
        if std::mem::take(&mut self.began) {
            self.stream.reset();
        }
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
