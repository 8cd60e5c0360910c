//! What a walk-forward was worth, in lines: per horizon, pair and test block, beside the baselines, before and after costs.
//!
//! Everything is out of sample: calibrators, bands, weights of the members and the gate's evidence of a block come from earlier blocks.

use serde::Serialize;

use crate::domain::reading::GateEvidence;
use crate::domain::settings::GateSettings;
use crate::domain::{Horizon, Pair};

use super::crossfit::{Judged, Metrics, metrics};
use super::cv::Fold;
use super::dataset::Dataset;
use super::evidence::{Bootstrap, Candidate, gate_evidence, mean_interval};
use super::scores::{Z90_ONE_SIDED, wilson};

/// A group of rows that a rule would have traded, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Traded {
    pub rows: u64,
    /// What the rows are worth after overlap and correlation between pairs.
    pub n_eff: f64,
    pub hit_rate: Option<f64>,
    /// Wilson interval of the hit rate, 80 % two-sided, on `n_eff`.
    pub hit_interval: Option<(f64, f64)>,
    /// Mean return of the managed trade in basis points, before and after costs.
    pub gross_bps: Option<f64>,
    pub net_bps: Option<f64>,
    /// 80 % block-bootstrap interval of the net mean.
    pub net_interval: Option<(f64, f64)>,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResultLine {
    pub horizon: Horizon,
    /// `None`: all pairs together.
    pub pair: Option<Pair>,
    /// Test block, from 1; `None`: all blocks together. The first block only teaches the calibrator and is not judged.
    pub block: Option<u32>,
    /// `None` where the rows hold one outcome only, or none.
    pub metrics: Option<Metrics>,
    /// `1 − Σ(y−f)²/Σy²`: the return forecast against the zero forecast; negative is worse than saying nothing.
    pub skill_zero: Option<f64>,
    /// Confidence above the gate's threshold.
    pub confident: Traded,
    /// The evidence clauses of the gate hold as well.
    pub passed: Traded,
    /// Baselines: every row, and rows with a rising last day.
    pub always: Traded,
    pub momentum: Traded,
}

/// The lines of one horizon: all, by pair, by block, and by pair and block.
#[must_use]
pub fn lines(
    data: &Dataset<'_>,
    judged: &[Judged<'_>],
    folds: &[Fold],
    gate: &GateSettings,
    cost: f64,
    bootstrap: Bootstrap,
) -> Vec<ResultLine> {
    let evidence: Vec<GateEvidence> = folds
        .iter()
        .map(|fold| {
            let before = judged.iter().filter(|j| j.sample.known.0 < fold.test_from).map(Judged::candidate);
            gate_evidence(&before.collect::<Vec<_>>(), gate.threshold, data.rho, bootstrap)
        })
        .collect();
    let view = View { data, evidence: &evidence, gate, cost, bootstrap };
    let pairs: Vec<usize> = (0..data.pairs.len()).filter(|p| judged.iter().any(|j| j.sample.pair == *p)).collect();
    let blocks: Vec<usize> = (1..folds.len()).collect();
    let mut out = vec![view.line(judged, None, None)];
    out.extend(pairs.iter().map(|p| view.line(judged, Some(*p), None)));
    out.extend(blocks.iter().map(|k| view.line(judged, None, Some(*k))));
    out.extend(pairs.iter().flat_map(|p| blocks.iter().map(|k| view.line(judged, Some(*p), Some(*k)))));
    out
}

/// The clauses of the gate that rest on the model and its past: confidence, evidence, lift, expectancy. `evidence` is from before the row.
#[must_use]
pub fn passes(j: &Judged<'_>, evidence: &GateEvidence, gate: &GateSettings) -> bool {
    let hit = evidence.hit_rate_lower.is_some_and(|low| low >= gate.min_hit_rate_lower && low > j.base_rate);
    j.confidence > gate.threshold
        && evidence.n_eff >= gate.min_evidence
        && hit
        && j.confidence - j.base_rate >= gate.min_lift
        && evidence.mean_net_lower.is_some_and(|low| low > 0.0)
}

struct View<'a> {
    data: &'a Dataset<'a>,
    evidence: &'a [GateEvidence],
    gate: &'a GateSettings,
    cost: f64,
    bootstrap: Bootstrap,
}

impl View<'_> {
    fn line(&self, judged: &[Judged<'_>], pair: Option<usize>, block: Option<usize>) -> ResultLine {
        let here = |j: &&Judged<'_>| pair.is_none_or(|p| p == j.sample.pair) && block.is_none_or(|k| k == j.fold);
        let rows: Vec<Judged<'_>> = judged.iter().filter(here).copied().collect();
        let of = |keep: &dyn Fn(&Judged<'_>) -> bool| {
            self.traded(&rows.iter().filter(|j| keep(j)).map(Judged::candidate).collect::<Vec<_>>())
        };
        let square = |y: f64| y * y;
        let said: f64 = rows.iter().map(|j| square(j.sample.scaled_return - j.forecast)).sum();
        let zero: f64 = rows.iter().map(|j| square(j.sample.scaled_return)).sum();
        ResultLine {
            horizon: self.data.exits.horizon,
            pair: pair.and_then(|p| self.data.pairs.get(p)).cloned(),
            block: block.and_then(|k| u32::try_from(k + 1).ok()),
            metrics: metrics(&rows),
            skill_zero: (zero > 0.0).then(|| 1.0 - said / zero),
            confident: of(&|j| j.confidence > self.gate.threshold),
            passed: of(&|j| self.evidence.get(j.fold).is_some_and(|evidence| passes(j, evidence, self.gate))),
            always: of(&|_| true),
            momentum: of(&|j| j.sample.momentum.is_some_and(|m| m > 0.0)),
        }
    }

    fn traded(&self, rows: &[Candidate]) -> Traded {
        const BPS: f64 = 10_000.0;
        let evidence = gate_evidence(rows, f64::NEG_INFINITY, self.data.rho, self.bootstrap);
        let bps = |(low, high): (f64, f64)| (low * BPS, high * BPS);
        Traded {
            rows: rows.len() as u64,
            n_eff: evidence.n_eff,
            hit_rate: evidence.hit_rate,
            hit_interval: evidence.hit_rate.and_then(|r| wilson(r, evidence.n_eff, Z90_ONE_SIDED)),
            gross_bps: evidence.mean_net.map(|net| (net + self.cost) * BPS),
            net_bps: evidence.mean_net.map(|net| net * BPS),
            net_interval: mean_interval(rows, self.data.rho, self.bootstrap).map(bps),
        }
    }
}
