//! Features of all pairs together, hour by hour: first each pair's own values, then what looks at all of them.

use std::sync::Arc;

use super::bank::{Bank, Table};
use super::graph::{Look, Op};
use super::hour;
use super::registry::Gather;
use super::set::{FeatureSet, Source};
use crate::domain::flow::FlowHour;
use crate::domain::settings::PipelineSettings;
use crate::domain::{Bar, FeatureRow, Indicators, Pair};
use crate::pipeline::kernels::Hampel;

/// What is known of a pair at the close of an hour.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureOutput {
    pub features: FeatureRow,
    pub indicators: Indicators,
    /// Causal Hampel flag on the close.
    pub outlier: bool,
}

/// Every window of every pair. Per hour: [`Panel::take`] or [`Panel::hole`] for each pair, then [`Panel::close`]; none of them allocates.
///
/// What looks at all pairs sees exactly those that took an hour since the last `close`: a pair without a complete hour contributes nothing, and
/// has no such value itself. The result does not depend on the order of the pairs.
#[derive(Debug)]
pub struct Panel {
    set: Arc<FeatureSet>,
    /// The pair that others are compared with, where it is watched.
    leader: Option<usize>,
    table: Table,
    banks: Vec<Box<dyn Bank>>,
    hampels: Vec<Hampel>,
    outliers: Vec<bool>,
    /// Pairs that took an hour since the last close.
    present: Vec<bool>,
    /// Values of all present pairs, in order of size; kept to be filled again.
    sorted: Vec<f64>,
}

impl Panel {
    #[must_use]
    pub fn new(set: Arc<FeatureSet>, pairs: &[Pair], settings: &PipelineSettings) -> Self {
        let leader = pairs.iter().position(|pair| pair == set.leader());
        Self::of(set, pairs.len(), leader, settings)
    }

    /// For one pair that nothing is compared with.
    #[must_use]
    pub(super) fn alone(set: Arc<FeatureSet>, settings: &PipelineSettings) -> Self {
        Self::of(set, 1, None, settings)
    }

    fn of(set: Arc<FeatureSet>, pairs: usize, leader: Option<usize>, settings: &PipelineSettings) -> Self {
        Self {
            leader,
            table: Table::new(set.graph.slots.len(), pairs),
            banks: set.graph.streams.iter().filter_map(|plan| plan.make(pairs)).collect(),
            hampels: (0..pairs).map(|_| Hampel::new(settings.hampel_window, settings.hampel_k)).collect(),
            outliers: vec![false; pairs],
            present: vec![false; pairs],
            sorted: Vec::with_capacity(pairs),
            set,
        }
    }

    #[must_use]
    pub fn set(&self) -> &FeatureSet {
        &self.set
    }

    /// The pair's next closed hour.
    pub fn take(&mut self, pair: usize, bar: &Bar, flow: Option<&FlowHour>) {
        let (Some(hampel), Some(outlier), Some(present)) =
            (self.hampels.get_mut(pair), self.outliers.get_mut(pair), self.present.get_mut(pair))
        else {
            return;
        };
        *present = true;
        *outlier = hampel.push(bar.close);
        for (slot, value) in hour::columns(bar, flow).into_iter().enumerate() {
            self.table.set(slot, pair, if value.is_finite() { value } else { f64::NAN });
        }
    }

    /// The pair's hour is not usable: it forgets everything.
    pub fn hole(&mut self, pair: usize) {
        let (Some(hampel), Some(outlier), Some(present)) =
            (self.hampels.get_mut(pair), self.outliers.get_mut(pair), self.present.get_mut(pair))
        else {
            return;
        };
        (*present, *outlier) = (false, false);
        hampel.reset();
        for bank in &mut self.banks {
            bank.reset(pair);
        }
        self.table.of_pair_mut(pair).for_each(|value| *value = f64::NAN);
    }

    /// Every pair's hour is in: computes their values, and begins the next hour.
    pub fn close(&mut self) {
        let Self { set, leader, table, banks, present, sorted, .. } = self;
        for pass in &set.graph.passes {
            for look in &pass.looks {
                look_around(look, table, present, *leader, sorted);
            }
            for node in &pass.nodes {
                match &node.op {
                    Op::Map(map) => map.run(table, node.inputs(), node.out),
                    Op::Stream(number) => {
                        if let Some(bank) = banks.get_mut(*number) {
                            bank.run(table, node.inputs(), node.out, present);
                        }
                    }
                }
            }
        }
        present.fill(false);
    }

    /// Everything about the pair's newest hour.
    #[must_use]
    pub fn output(&self, pair: usize) -> Option<FeatureOutput> {
        let outlier = *self.outliers.get(pair)?;
        Some(FeatureOutput {
            features: FeatureRow::new(Arc::clone(self.set.schema()), self.values(pair)),
            indicators: self.set.levels.read(|slot| self.table.get(slot, pair)),
            outlier,
        })
    }

    /// The values of the pair's newest hour in the order of the columns, without a row of its own; NaN where there is none.
    pub fn values(&self, pair: usize) -> impl Iterator<Item = f64> {
        let value = move |slot: usize| self.table.get(slot, pair);
        self.set.sources().map(move |source| match source {
            Source::Slot(slot) => value(*slot),
            Source::Presence(slots) => f64::from(u8::from(slots.iter().all(|slot| !value(*slot).is_nan()))),
        })
    }
}

/// Gives every present pair what a look at all of them says.
fn look_around(look: &Look, table: &mut Table, present: &[bool], leader: Option<usize>, sorted: &mut Vec<f64>) {
    let there = |i: usize| present.get(i).copied().unwrap_or(false);
    let seen = table.row(look.input).iter().enumerate().filter(|(i, v)| there(*i) && !v.is_nan());
    sorted.clear();
    sorted.extend(seen.map(|(_, v)| *v));
    sorted.sort_unstable_by(f64::total_cmp);
    let (sorted, enough) = (&*sorted, |least: usize| sorted.len() >= least.max(1));
    let all = match look.gather {
        Gather::Leader => leader.filter(|i| there(*i)).map_or(f64::NAN, |i| table.get(look.input, i)),
        Gather::Median { least } if enough(least) => median(sorted),
        Gather::Share { above, least } if enough(least) => {
            let at_most = sorted.partition_point(|v| *v <= above);
            (sorted.len() - at_most) as f64 / sorted.len() as f64
        }
        Gather::Median { .. } | Gather::Share { .. } | Gather::Rank { .. } => f64::NAN,
    };
    for pair in (0..present.len()).filter(|i| there(*i)) {
        let value = match look.gather {
            Gather::Rank { least } if enough(least) => rank(sorted, table.get(look.input, pair)),
            _ => all,
        };
        table.set(look.out, pair, value);
    }
}

/// Of sorted values; NaN without any.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match (sorted.get(middle), middle.checked_sub(1).and_then(|below| sorted.get(below))) {
        (Some(above), Some(below)) if sorted.len().is_multiple_of(2) => f64::midpoint(*below, *above),
        (Some(middle), _) => *middle,
        (None, _) => f64::NAN,
    }
}

/// Share of the other sorted values below `x`, ties counting half; NaN when `x` has no value or stands alone.
fn rank(sorted: &[f64], x: f64) -> f64 {
    if x.is_nan() || sorted.len() < 2 {
        return f64::NAN;
    }
    let below = sorted.partition_point(|v| *v < x);
    let ties = sorted.partition_point(|v| *v <= x) - below;
    (below as f64 + ties.saturating_sub(1) as f64 / 2.0) / (sorted.len() - 1) as f64
}

#[cfg(test)]
#[path = "panel_tests.rs"]
mod tests;
