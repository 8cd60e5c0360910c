//! Features of all pairs together, hour by hour: first each pair's own values, then what looks at all of them.

use std::sync::Arc;

use super::engine::FeatureOutput;
use super::graph::Look;
use super::registry::Gather;
use super::set::FeatureSet;
use super::state::State;
use crate::domain::flow::FlowHour;
use crate::domain::settings::PipelineSettings;
use crate::domain::{Bar, Pair};
use crate::pipeline::kernels::Hampel;

/// Every window of every pair. Per hour: [`Panel::take`] or [`Panel::hole`] for each pair, then [`Panel::close`].
///
/// What looks at all pairs sees exactly those that took an hour since the last `close`: a pair without a complete hour contributes nothing, and
/// has no such value itself. The result does not depend on the order of the pairs.
#[derive(Debug)]
pub struct Panel {
    set: Arc<FeatureSet>,
    members: Vec<Member>,
    /// The pair that others are compared with, where it is watched.
    leader: Option<usize>,
    /// Values of all present pairs, in order of size; kept to be filled again without allocating.
    sorted: Vec<f64>,
}

#[derive(Debug)]
struct Member {
    state: State,
    hampel: Hampel,
    outlier: bool,
    /// It took an hour since the last close.
    present: bool,
}

impl Panel {
    #[must_use]
    pub fn new(set: Arc<FeatureSet>, pairs: &[Pair], settings: &PipelineSettings) -> Self {
        let member = |_: &Pair| Member {
            state: State::new(&set.graph),
            hampel: Hampel::new(settings.hampel_window, settings.hampel_k),
            outlier: false,
            present: false,
        };
        let members: Vec<Member> = pairs.iter().map(member).collect();
        let leader = pairs.iter().position(|pair| pair == set.leader());
        let sorted = Vec::with_capacity(members.len());
        Self { set, members, leader, sorted }
    }

    #[must_use]
    pub fn set(&self) -> &FeatureSet {
        &self.set
    }

    /// Takes the pair's next closed hour, without allocating.
    pub fn take(&mut self, pair: usize, bar: &Bar, flow: Option<&FlowHour>) {
        let Some(member) = self.members.get_mut(pair) else { return };
        member.present = true;
        member.outlier = member.hampel.push(bar.close);
        member.state.hour(bar, flow);
        if let Some(own) = self.set.graph.passes.first() {
            member.state.run(own);
        }
    }

    /// The pair's hour is not usable: it forgets everything.
    pub fn hole(&mut self, pair: usize) {
        let Some(member) = self.members.get_mut(pair) else { return };
        member.present = false;
        member.outlier = false;
        member.state.reset();
        member.hampel.reset();
    }

    /// Every pair's hour is in: looks at all of them, and begins the next hour.
    pub fn close(&mut self) {
        let Self { set, members, leader, sorted } = self;
        for pass in set.graph.passes.iter().skip(1) {
            for look in &pass.looks {
                look_around(look, members, *leader, sorted);
            }
            for member in members.iter_mut().filter(|m| m.present) {
                member.state.run(pass);
            }
        }
        for member in members {
            member.present = false;
        }
    }

    /// Everything about the pair's newest hour.
    #[must_use]
    pub fn output(&self, pair: usize) -> Option<FeatureOutput> {
        let member = self.members.get(pair)?;
        Some(FeatureOutput {
            features: member.state.row(&self.set),
            indicators: self.set.levels.read(&member.state.values),
            outlier: member.outlier,
        })
    }

    /// The values of the pair's newest hour in the order of the columns, without a row of its own; NaN where there is none.
    pub fn values(&self, pair: usize) -> impl Iterator<Item = f64> {
        let state = self.members.get(pair).map(|m| &m.state);
        state.into_iter().flat_map(|state| state.columns(&self.set))
    }
}

/// Gives every present pair what a look at all of them says.
fn look_around(look: &Look, members: &mut [Member], leader: Option<usize>, sorted: &mut Vec<f64>) {
    let value = |m: &Member| m.state.value(look.input);
    sorted.clear();
    sorted.extend(members.iter().filter(|m| m.present).map(value).filter(|v| !v.is_nan()));
    sorted.sort_unstable_by(f64::total_cmp);
    let (sorted, enough) = (&*sorted, |least: usize| sorted.len() >= least.max(1));
    let all = match look.gather {
        Gather::Leader => leader.and_then(|i| members.get(i)).filter(|m| m.present).map_or(f64::NAN, value),
        Gather::Median { least } if enough(least) => median(sorted),
        Gather::Share { above, least } if enough(least) => {
            let at_most = sorted.partition_point(|v| *v <= above);
            (sorted.len() - at_most) as f64 / sorted.len() as f64
        }
        Gather::Median { .. } | Gather::Share { .. } | Gather::Rank { .. } => f64::NAN,
    };
    for member in members.iter_mut().filter(|m| m.present) {
        let seen = match look.gather {
            Gather::Rank { least } if enough(least) => rank(sorted, value(member)),
            _ => all,
        };
        member.state.set_value(look.out, seen);
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
