//! One account's candidates and their shares, with the steps by which each share was found.

use super::method_name;
use crate::decision::allocation::{SymmetricMatrix, fill_under_caps, hrp, inverse_variance};
use crate::decision::check::{check, known};
use crate::decision::returns::ReturnPanel;
use crate::decision::wording::percent;
use crate::domain::account::AccountId;
use crate::domain::decision::{BlockReason, Station, TraceStep};
use crate::domain::event::{AllocationShare, Candidate};
use crate::domain::message::PerPair;
use crate::domain::pair::Pair;
use crate::domain::plan::Horizon;
use crate::domain::settings::{AllocationMethod, HOURS_PER_YEAR};

/// A neighbour may tilt a weight by this much, both together too.
const TILT: (f64, f64) = (0.9, 1.1);

/// What holds for both accounts.
pub(super) struct Terms<'a> {
    pub(super) panel: &'a ReturnPanel,
    pub(super) method: AllocationMethod,
    pub(super) health: Option<f64>,
    pub(super) health_floor: f64,
    pub(super) sentiment: Option<&'a PerPair<f64>>,
    pub(super) technical: Option<&'a PerPair<f64>>,
}

/// What holds for one account.
pub(super) struct Account<'a> {
    pub(super) id: AccountId,
    /// New exposure of this cycle, as a share of equity.
    pub(super) budget: f64,
    pub(super) position_cap: f64,
    /// Expected net returns, where they are asked for: the shadow account trades to learn and asks for none.
    pub(super) expected: Option<&'a [(Pair, Horizon, f64)]>,
}

/// A candidate on its way to a share.
struct Entry<'a> {
    candidate: &'a Candidate,
    /// What Risk sized.
    cap: f64,
    steps: Vec<TraceStep>,
}

impl Terms<'_> {
    /// A share for every candidate that has a size in this account.
    pub(super) fn allocate(&self, account: &Account<'_>, candidates: &[Candidate]) -> Vec<AllocationShare> {
        let sized = candidates.iter().filter_map(|candidate| {
            let fraction = match account.id {
                AccountId::Main => candidate.fraction,
                AccountId::Shadow => candidate.shadow_fraction,
            };
            let cap = known(fraction).filter(|f| *f > 0.0)?.min(account.position_cap);
            Some(Entry { candidate, cap, steps: self.admission(account, candidate) })
        });
        let (mut admitted, refused): (Vec<_>, Vec<_>) = sized.partition(|entry| entry.steps.iter().all(|s| s.passed));
        let shares = self.share_out(account, &mut admitted);
        let mut out: Vec<AllocationShare> =
            admitted.into_iter().zip(shares).map(|(entry, fraction)| share(account.id, entry, fraction)).collect();
        out.extend(refused.into_iter().map(|entry| share(account.id, entry, 0.0)));
        out
    }

    /// What a candidate must bring to take part.
    fn admission(&self, account: &Account<'_>, candidate: &Candidate) -> Vec<TraceStep> {
        let pair = &candidate.prediction.pair;
        let floor = self.health_floor;
        let mut steps = vec![
            step("portfolio health", self.health, format!("≥ {floor:.2}"), |v| v >= floor),
            step(
                "volatility",
                self.panel.variance(pair).map(|v| (v * HOURS_PER_YEAR).sqrt()),
                "known (annualised, exponentially weighted)",
                |_| true,
            ),
        ];
        if let Some(expected) = account.expected {
            let horizon = candidate.prediction.horizon;
            let told = expected.iter().find(|(p, h, _)| p == pair && *h == horizon).map(|(_, _, r)| *r);
            steps.push(step("expected net return", told, "> 0", |v| v > 0.0));
        }
        steps
    }

    /// Shares for the admitted, each with its weight and tilt written down.
    fn share_out(&self, account: &Account<'_>, entries: &mut [Entry<'_>]) -> Vec<f64> {
        let pairs: Vec<Pair> = entries.iter().map(|e| e.candidate.prediction.pair.clone()).collect();
        let (weights, method) = self.weights(&pairs);
        let tilts: Vec<f64> = pairs.iter().map(|p| self.tilt(p)).collect();
        let tilted: Vec<f64> = weights.iter().zip(&tilts).map(|(w, t)| w * t).collect();
        let caps: Vec<f64> = entries.iter().map(|e| e.cap).collect();
        let shares = fill_under_caps(&tilted, &caps, account.budget);
        let budget = percent(account.budget);
        for (((entry, weight), tilt), fraction) in entries.iter_mut().zip(&weights).zip(&tilts).zip(&shares) {
            let among = caps.len();
            entry.steps.push(step("weight", Some(*weight), format!("by {method} among {among}"), |_| true));
            entry.steps.push(step("tilt", Some(*tilt), "0.90 to 1.10 (sentiment × technical)", |_| true));
            let rule = format!("> 0 % of equity, ≤ {} as sized; {budget} to give out", percent(entry.cap));
            entry.steps.push(step("allocated share", Some(*fraction), rule, |v| v > 0.0));
        }
        shares
    }

    /// Weights that sum to 1. Where the clustering finds no answer, inverse variance stands in and is named.
    fn weights(&self, pairs: &[Pair]) -> (Vec<f64>, &'static str) {
        let Some(covariance) = self.panel.covariance(pairs) else { return (vec![0.0; pairs.len()], "no covariance") };
        let by_hrp = match self.method {
            AllocationMethod::Hrp => {
                SymmetricMatrix::from_rows(&covariance).and_then(|c| hrp(&c)).map(|(weights, _)| weights)
            }
            AllocationMethod::InverseVariance => None,
        };
        if let Some(weights) = by_hrp {
            return (weights, method_name(AllocationMethod::Hrp));
        }
        let variances: Vec<f64> = covariance.iter().enumerate().filter_map(|(i, row)| row.get(i).copied()).collect();
        let weights = inverse_variance(&variances).unwrap_or_else(|| vec![0.0; pairs.len()]);
        (weights, method_name(AllocationMethod::InverseVariance))
    }

    /// Both neighbours' tilts together, within the bounds; 1 where nothing was said.
    fn tilt(&self, pair: &Pair) -> f64 {
        let one = |tilts: Option<&PerPair<f64>>| {
            let told = tilts.and_then(|all| all.iter().find(|(p, _)| p == pair)).and_then(|(_, t)| known(*t));
            told.map_or(1.0, |t| t.clamp(TILT.0, TILT.1))
        };
        (one(self.sentiment) * one(self.technical)).clamp(TILT.0, TILT.1)
    }
}

fn share(account: AccountId, entry: Entry<'_>, fraction: f64) -> AllocationShare {
    let prediction = &entry.candidate.prediction;
    AllocationShare {
        account,
        pair: prediction.pair.clone(),
        horizon: prediction.horizon,
        fraction,
        steps: entry.steps,
    }
}

fn step(name: &str, value: Option<f64>, rule: impl Into<String>, holds: impl FnOnce(f64) -> bool) -> TraceStep {
    check(Station::Portfolio, name, value, rule, holds, BlockReason::NoAllocation)
}
