//! One account's candidates and their shares, with the steps by which each share was found.

use super::method_name;
use crate::decision::allocation::{Measures, Method, Question, Scenarios, allocate_within, fill_under_caps};
use crate::decision::check::{check, known};
use crate::decision::gate::expectancy;
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

/// How the candidates of one account share.
struct Weights {
    weights: Vec<f64>,
    /// The method, and what it stands in for.
    words: String,
    /// How it compares with 1/N.
    beside: Option<String>,
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
        let Weights { weights, words, beside } = self.weights(entries);
        let tilts: Vec<f64> = entries.iter().map(|e| self.tilt(&e.candidate.prediction.pair)).collect();
        let tilted: Vec<f64> = weights.iter().zip(&tilts).map(|(w, t)| w * t).collect();
        let caps: Vec<f64> = entries.iter().map(|e| e.cap).collect();
        let shares = fill_under_caps(&tilted, &caps, account.budget);
        let budget = percent(account.budget);
        for (((entry, weight), tilt), fraction) in entries.iter_mut().zip(&weights).zip(&tilts).zip(&shares) {
            let among = caps.len();
            let weighed = step("weight", Some(*weight), format!("by {words} among {among}"), |_| true);
            entry.steps.push(match &beside {
                Some(beside) => weighed.with_note(beside.clone()),
                None => weighed,
            });
            entry.steps.push(step("tilt", Some(*tilt), "0.90 to 1.10 (sentiment × technical)", |_| true));
            let rule = format!("> 0 % of equity, ≤ {} as sized; {budget} to give out", percent(entry.cap));
            entry.steps.push(step("allocated share", Some(*fraction), rule, |v| v > 0.0));
        }
        shares
    }

    /// Weights of the whole, before tilts and caps. A method that finds no proven answer is replaced by inverse variance, and the words say why; 1/N
    /// stands beside it.
    fn weights(&self, entries: &[Entry<'_>]) -> Weights {
        let pairs: Vec<Pair> = entries.iter().map(|e| e.candidate.prediction.pair.clone()).collect();
        let none = |words: String| Weights { weights: vec![0.0; pairs.len()], words, beside: None };
        let Some(covariance) = self.panel.covariance(&pairs) else { return none("no covariance".to_owned()) };
        let scenarios = self.panel.scenarios(&pairs).map(|hours| match self.method {
            AllocationMethod::LogGrowth => with_expected(&hours, entries),
            _ => hours,
        });
        let caps = vec![1.0; pairs.len()];
        let question = Question {
            covariance: &covariance,
            scenarios: scenarios.as_ref(),
            // What is allocated is new, and its expected return is net of costs already.
            turnover: None,
            caps: &caps,
            budget: 1.0,
        };
        match allocate_within(method(self.method), &question) {
            Err(error) => none(format!("nothing: {error}")),
            Ok(found) => {
                let instead = found
                    .fell_back
                    .map_or_else(String::new, |why| format!(", in place of {}: {why}", method_name(self.method)));
                let name = if found.fell_back.is_some() {
                    method_name(AllocationMethod::InverseVariance)
                } else {
                    method_name(self.method)
                };
                let (own, equal) = (hourly_sd(&found.measures), hourly_sd(&found.equal_weight));
                let beside = (pairs.len() > 1).then(|| format!("sd of the whole {own} an hour; of 1/N {equal}"));
                Weights { weights: found.shares, words: format!("{name}{instead}"), beside }
            }
        }
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

/// Level of the expected shortfall that is made least, and the share of log-optimal growth that is taken.
const CVAR_BETA: f64 = 0.95;
const GROWTH_FRACTION: f64 = 0.25;

const fn method(setting: AllocationMethod) -> Method {
    match setting {
        AllocationMethod::InverseVariance => Method::InverseVariance,
        AllocationMethod::Hrp => Method::Hrp,
        AllocationMethod::EqualRisk => Method::EqualRisk,
        AllocationMethod::MinVariance => Method::MinVariance,
        AllocationMethod::MinCvar => Method::MinCvar { beta: CVAR_BETA },
        AllocationMethod::LogGrowth => Method::LogGrowth { fraction: GROWTH_FRACTION },
        AllocationMethod::EqualWeight => Method::EqualWeight,
    }
}

fn hourly_sd(measures: &Measures) -> String {
    percent(measures.variance.sqrt())
}

/// The hours with the plans' expected net returns as their means, spread over the horizon and shrunk by what they are uncertain:
/// µ′ = µ·µ²/(µ² + se²), se of the mean of the hours that are kept.
fn with_expected(hours: &Scenarios, entries: &[Entry<'_>]) -> Scenarios {
    let shrunk = |(entry, returns): (&Entry<'_>, &[f64])| {
        let prediction = &entry.candidate.prediction;
        let mean = known(expectancy(prediction) / f64::from(prediction.horizon.0.max(1))).unwrap_or(0.0);
        let n = returns.len() as f64;
        let error = returns.iter().map(|r| r * r).sum::<f64>() / (n * n);
        let doubt = mean * mean + error;
        if doubt > 0.0 { mean * mean * mean / doubt } else { 0.0 }
    };
    hours.with_means(&entries.iter().zip(hours.by_asset()).map(shrunk).collect::<Vec<f64>>())
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
