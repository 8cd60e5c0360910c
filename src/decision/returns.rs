//! Hourly log returns of all pairs on common timestamps: volatility and correlation for sizing and allocation.

use std::collections::BTreeMap;

use super::allocation::covariance::ledoit_wolf_constant_correlation;
use super::allocation::{Scenarios, SymmetricMatrix};
use super::continuity::{Continuity, Follows};
use crate::domain::frame::Frame;
use crate::domain::pair::Pair;
use crate::domain::time::{HOUR_MS, UtcMs};

/// Decay of the exponentially weighted variance per hour (RiskMetrics uses 0.97 for months, 0.94 for days).
const DECAY: f64 = 0.97;
/// Common hours below which no statistic is given.
const MIN_HOURS: usize = 48;

/// The last hours of log returns per pair. A return is never taken over a hole.
#[derive(Debug, Clone, PartialEq)]
pub struct ReturnPanel {
    window_hours: usize,
    pairs: BTreeMap<Pair, Series>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Series {
    row: Continuity,
    close: Option<f64>,
    returns: BTreeMap<UtcMs, f64>,
}

impl ReturnPanel {
    /// Keeps `window_hours` hours.
    #[must_use]
    pub const fn new(window_hours: usize) -> Self {
        Self { window_hours, pairs: BTreeMap::new() }
    }

    /// Takes the frame's close once.
    pub fn observe(&mut self, frame: &Frame) {
        let series = self.pairs.entry(frame.pair.clone()).or_default();
        let follows = series.row.observe(frame);
        if follows == Follows::Seen {
            return;
        }
        let close = frame.bar.close.to_f64();
        if let (Follows::Directly, Some(before)) = (follows, series.close) {
            let r = (close / before).ln();
            if r.is_finite() {
                series.returns.insert(frame.at, r);
            }
        }
        series.close = (follows != Follows::Hole).then_some(close);
        let first = frame.at.plus(-(self.window_hours as i64).saturating_mul(HOUR_MS));
        while series.returns.first_key_value().is_some_and(|(at, _)| *at <= first) {
            series.returns.pop_first();
        }
    }

    /// Pairs that were ever seen.
    pub fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.keys()
    }

    /// Exponentially weighted variance of one-hour log returns, zero mean; `None` with too few hours or a flat price.
    #[must_use]
    pub fn variance(&self, pair: &Pair) -> Option<f64> {
        let returns: Vec<f64> = self.pairs.get(pair)?.returns.values().copied().collect();
        if returns.len() < MIN_HOURS {
            return None;
        }
        ewma_variance(&returns, DECAY).filter(|v| *v > 0.0)
    }

    /// Sample correlation over the hours that both pairs have; `None` with too few of them or a flat price.
    #[must_use]
    pub fn correlation(&self, a: &Pair, b: &Pair) -> Option<f64> {
        let (left, right) = (&self.pairs.get(a)?.returns, &self.pairs.get(b)?.returns);
        let common: Vec<(f64, f64)> = left.iter().filter_map(|(at, x)| right.get(at).map(|y| (*x, *y))).collect();
        if common.len() < MIN_HOURS {
            return None;
        }
        correlation(&common)
    }

    /// The hours that all of the given pairs have, as scenarios of their returns; `None` with too few of them.
    #[must_use]
    pub fn scenarios(&self, pairs: &[Pair]) -> Option<Scenarios> {
        let series: Vec<_> = pairs.iter().map(|p| self.pairs.get(p).map(|s| &s.returns)).collect::<Option<_>>()?;
        let (first, others) = series.split_first()?;
        let common: Vec<UtcMs> = first.keys().filter(|at| others.iter().all(|s| s.contains_key(at))).copied().collect();
        if common.len() < MIN_HOURS {
            return None;
        }
        let of = |s: &&BTreeMap<UtcMs, f64>| common.iter().filter_map(|at| s.get(at).copied()).collect();
        Scenarios::from_assets(&series.iter().map(of).collect::<Vec<Vec<f64>>>())
    }

    /// Covariance of the given pairs from their volatilities and correlations. The correlations are shrunk towards their mean (Ledoit and Wolf 2004)
    /// over the hours that all pairs have; with too few of those, each pair's own, and an unknown one counts as 1. `None` as soon as one volatility is
    /// unknown.
    #[must_use]
    pub fn covariance(&self, pairs: &[Pair]) -> Option<SymmetricMatrix> {
        let sds: Vec<f64> = pairs.iter().map(|p| self.variance(p).map(f64::sqrt)).collect::<Option<_>>()?;
        let shrunk = self.scenarios(pairs).and_then(|s| ledoit_wolf_constant_correlation(&s)).map(|s| s.covariance);
        let rho = |i: usize, j: usize| match &shrunk {
            Some(c) => {
                let at = |i: usize, j: usize| c.row(i).get(j).copied();
                at(i, j).zip(at(i, i)).zip(at(j, j)).map(|((ij, ii), jj)| ij / (ii * jj).sqrt())
            }
            None => pairs.get(i).zip(pairs.get(j)).and_then(|(a, b)| self.correlation(a, b)),
        };
        let cell = |i: usize, j: usize| match (sds.get(i), sds.get(j)) {
            (Some(a), Some(_)) if i == j => a * a,
            (Some(a), Some(b)) => rho(i, j).unwrap_or(1.0) * a * b,
            _ => f64::NAN,
        };
        SymmetricMatrix::from_cells(pairs.len(), cell)
    }
}

/// Σ wᵢ rᵢ² with weights decaying by `decay` per step into the past, normalised to 1; `None` without returns.
fn ewma_variance(returns: &[f64], decay: f64) -> Option<f64> {
    let (mut sum, mut weights, mut weight) = (0.0, 0.0, 1.0);
    for r in returns.iter().rev() {
        sum += weight * r * r;
        weights += weight;
        weight *= decay;
    }
    if weights > 0.0 { Some(sum / weights) } else { None }
}

fn correlation(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        xx += (x - mx) * (x - mx);
        yy += (y - my) * (y - my);
        xy += (x - mx) * (y - my);
    }
    let rho = xy / (xx * yy).sqrt();
    rho.is_finite().then_some(rho.clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::decision::specimens::{frame, pair};

    #[test]
    fn the_exponential_variance_is_golden() {
        let file: Value = serde_json::from_str(include_str!("../../tests/golden/portfolio.json")).unwrap();
        let case = file["cases"].as_array().unwrap().iter().find(|c| c["name"] == "ewma_cov_097").unwrap();
        for (i, name) in ["ada", "dash", "etc", "eth", "ltc"].into_iter().enumerate() {
            let column = file["series"]["panel"][name].as_array().unwrap();
            let returns: Vec<f64> = column.iter().map(|v| v.as_f64().unwrap()).collect();
            let want = case["expected"]["cov"][i][i].as_f64().unwrap();
            let got = ewma_variance(&returns, DECAY).unwrap();
            assert!((got - want).abs() <= 1e-14 + 1e-8 * want, "{name}: {got} for {want}");
        }
    }

    fn wave(n: i64, phase: f64) -> f64 {
        100.0 * (0.01 * (n as f64 * 0.7 + phase).sin()).exp()
    }

    #[test]
    fn correlation_needs_common_hours() {
        let mut panel = ReturnPanel::new(720);
        for n in 1..=47 {
            panel.observe(&frame("BTC/USD", n, wave(n, 0.0)));
            panel.observe(&frame("ETH/USD", n, wave(n, 0.0)));
        }
        let (btc, eth) = (pair("BTC/USD"), pair("ETH/USD"));
        assert_eq!(panel.correlation(&btc, &eth), None);
        assert_eq!(panel.variance(&btc), None);
        for n in 48..=60 {
            panel.observe(&frame("BTC/USD", n, wave(n, 0.0)));
            panel.observe(&frame("ETH/USD", n, wave(n, 0.0)));
        }
        assert!((panel.correlation(&btc, &eth).unwrap() - 1.0).abs() < 1e-12);
        assert!(panel.variance(&btc).unwrap() > 0.0);
        assert_eq!(panel.covariance(&[btc, pair("SOL/USD")]), None);
    }

    #[test]
    fn the_window_moves_and_a_hole_gives_no_return() {
        let mut panel = ReturnPanel::new(50);
        for n in 1..=200 {
            let mut f = frame("BTC/USD", n, wave(n, 0.0));
            if n == 180 {
                f.quality.bars_since_hole = 0;
            }
            panel.observe(&f);
        }
        let series = &panel.pairs[&pair("BTC/USD")];
        assert_eq!(series.returns.len(), 48, "50 hours less the one with the hole and the one over it");
        assert!(!series.returns.contains_key(&crate::decision::specimens::hour(180)));
    }

    #[test]
    fn a_flat_price_has_no_volatility() {
        let mut panel = ReturnPanel::new(720);
        (1..=100).for_each(|n| panel.observe(&frame("BTC/USD", n, 100.0)));
        assert_eq!(panel.variance(&pair("BTC/USD")), None);
    }
}
