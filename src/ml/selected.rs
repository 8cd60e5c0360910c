//! Which inputs one training block earns: the filter of [`selection`](super::selection) on the block's own rows.

use super::block::FitError;
use super::dataset::Sample;
use super::leakage::Dropped;
use super::scaler::Input;
use super::selection::univariate::Dependence;
use super::selection::{Candidate, Choice, TrainingFold, select};
use crate::domain::Horizon;
use crate::domain::time::HOUR_MS;

/// Inputs kept, in the order of the set, and those left out.
pub struct Selected {
    pub inputs: Vec<Input>,
    pub dropped: Vec<Dropped>,
}

/// Filters `inputs` on training rows. Where nothing is significant the best few stay: a model has to rest on something, and what it is worth is
/// shown by the rows it has not seen.
///
/// # Errors
/// [`FitError::Failed`] when not even that many rows are there to test one input.
pub fn selected(samples: &[&Sample<'_>], inputs: &[Input], horizon: Horizon) -> Result<Selected, FitError> {
    let columns: Vec<Vec<f32>> = inputs
        .iter()
        .map(|input| samples.iter().map(|s| s.features.get(input.place).copied().unwrap_or(f32::NAN)).collect())
        .collect();
    let candidates: Vec<Candidate<'_, f32>> = inputs
        .iter()
        .zip(&columns)
        .zip(0..)
        .map(|((input, values), cost)| Candidate { name: &input.feature, cost, values })
        .collect();
    let returns: Vec<f64> = samples.iter().map(|s| s.scaled_return).collect();
    let wins: Vec<f64> = samples.iter().map(|s| f64::from(u8::from(s.win))).collect();
    let n_eff = samples.iter().map(|s| s.weight).sum();
    let fold = TrainingFold {
        candidates: &candidates,
        targets: &[&returns, &wins],
        dependence: Dependence { block: overlapping_rows(samples, horizon), n_eff },
    };
    let selection = select(&fold).ok_or_else(|| FitError::Failed("rows and inputs differ in number".to_owned()))?;
    let mut places: Vec<usize> = match selection.choice {
        Choice::Kept(places) => places,
        Choice::NothingSignificant { best } => best.into_iter().map(|t| t.feature).collect(),
        Choice::TooLittleEvidence { n_eff } => {
            return Err(FitError::Failed(format!("{n_eff:.0} independent labels carry no input")));
        }
    };
    places.sort_unstable();
    let inputs: Vec<Input> = places.iter().filter_map(|p| inputs.get(*p)).cloned().collect();
    let dropped = selection.dropped.into_iter().filter(|d| inputs.iter().all(|i| i.feature != d.feature)).collect();
    Ok(Selected { inputs, dropped })
}

/// Rows within which labels overlap: those of all pairs within one horizon.
fn overlapping_rows(samples: &[&Sample<'_>], horizon: Horizon) -> usize {
    let hours = match (samples.first(), samples.last()) {
        (Some(first), Some(last)) => (last.at.since(first.at) / HOUR_MS).max(1),
        _ => 1,
    };
    let per_hour = samples.len() as f64 / hours as f64;
    (f64::from(horizon.0) * per_hour).ceil().max(1.0) as usize
}
