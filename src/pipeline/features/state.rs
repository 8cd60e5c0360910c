//! The running kernels of one pair, and its values at the newest hour.

use std::sync::Arc;

use super::graph::{Graph, Op, Pass};
use super::hour;
use super::set::{FeatureSet, Source};
use super::stream::{MOST_INPUTS, Stream};
use crate::domain::flow::FlowHour;
use crate::domain::{Bar, FeatureRow};

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

    /// Puts an hour's columns into their slots.
    pub(super) fn hour(&mut self, bar: &Bar, flow: Option<&FlowHour>) {
        for (slot, value) in self.values.iter_mut().zip(hour::columns(bar, flow)) {
            *slot = if value.is_finite() { value } else { f64::NAN };
        }
    }

    pub(super) fn value(&self, slot: usize) -> f64 {
        self.values.get(slot).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn set_value(&mut self, slot: usize, value: f64) {
        if let Some(place) = self.values.get_mut(slot) {
            *place = value;
        }
    }

    /// Computes the pair's own nodes of one pass.
    pub(super) fn run(&mut self, pass: &Pass) {
        let Self { streams, values } = self;
        for node in &pass.nodes {
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
                Op::Stream(number) => {
                    if let Some(running) = streams.get_mut(*number) {
                        running.take(complete.then_some(inputs), out);
                    }
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

    /// The values of the newest hour in the order of the columns; NaN where there is none.
    pub(super) fn columns(&self, set: &FeatureSet) -> impl Iterator<Item = f64> {
        let there = |slots: &[usize]| slots.iter().all(|slot| !self.value(*slot).is_nan());
        set.sources().map(move |source| match source {
            Source::Slot(slot) => self.value(*slot),
            Source::Presence(slots) => f64::from(u8::from(there(slots))),
        })
    }

    /// The row of the newest hour.
    pub(super) fn row(&self, set: &FeatureSet) -> FeatureRow {
        FeatureRow::new(Arc::clone(set.schema()), self.columns(set))
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
