//! Conformalised quantile regression (Romano, Patterson, Candès 2019): quantile models give the shape, calibration gives the coverage.

use serde::{Deserialize, Serialize};

use super::{Radius, weighted_quantile};

/// A calibration row: quantile predictions, the outcome, and the effective observations that it counts for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    pub low: f64,
    pub high: f64,
    pub outcome: f64,
    pub weight: f64,
}

fn in_order(a: f64, b: f64) -> (f64, f64) {
    if b < a { (b, a) } else { (a, b) }
}

/// By how much both ends move outwards so that `1 − alpha` is covered; below 0 the band narrows.
#[must_use]
pub fn offset(rows: &[Row], alpha: f64) -> Radius {
    let scores: Vec<(f64, f64)> = rows
        .iter()
        .map(|r| {
            let (low, high) = in_order(r.low, r.high);
            ((low - r.outcome).max(r.outcome - high), r.weight)
        })
        .collect();
    Radius::of(weighted_quantile(&scores, alpha))
}

/// An offset of its own for each end `(low, high)`, each missing at most `alpha/2`.
#[must_use]
pub fn offsets_by_end(rows: &[Row], alpha: f64) -> (Radius, Radius) {
    let scores = |below: bool| -> Vec<(f64, f64)> {
        let score = |r: &Row| {
            let (low, high) = in_order(r.low, r.high);
            if below { low - r.outcome } else { r.outcome - high }
        };
        rows.iter().map(|r| (score(r), r.weight)).collect()
    };
    let end = |below| Radius::of(weighted_quantile(&scores(below), alpha / 2.0));
    (end(true), end(false))
}

/// The band `[low − q, high + q]`, crossed quantiles sorted first; ends that a negative offset makes cross meet in the middle. `None`
/// where no finite band covers.
#[must_use]
pub fn band(low: f64, high: f64, offset: Radius) -> Option<(f64, f64)> {
    let q = offset.finite()?;
    let (low, high) = in_order(low, high);
    if low - q <= high + q {
        Some((low - q, high + q))
    } else {
        let middle = f64::midpoint(low, high);
        Some((middle, middle))
    }
}

/// What the quantile models say of one row; any order, they are sorted before use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    pub q05: f64,
    pub q10: f64,
    pub q90: f64,
    pub q95: f64,
}

impl Quantiles {
    /// Crossed quantiles put in order.
    #[must_use]
    pub fn sorted(self) -> Self {
        let mut all = [self.q05, self.q10, self.q90, self.q95];
        all.sort_by(f64::total_cmp);
        let [q05, q10, q90, q95] = all;
        Self { q05, q10, q90, q95 }
    }

    /// The 80 % band before it is made conformal.
    #[must_use]
    pub fn eighty(self) -> (f64, f64) {
        let q = self.sorted();
        (q.q10, q.q90)
    }
}

/// The offsets of the 80 % and 90 % bands of a model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bands {
    pub eighty: Radius,
    pub ninety: Radius,
    /// Effective observations behind them.
    pub n_eff: f64,
}

impl Bands {
    /// From `(quantiles, outcome, weight)` of calibration rows.
    #[must_use]
    pub fn fit(rows: &[(Quantiles, f64, f64)]) -> Self {
        let pick = |ends: fn(Quantiles) -> (f64, f64)| -> Vec<Row> {
            rows.iter()
                .map(|(quantiles, outcome, weight)| {
                    let (low, high) = ends(quantiles.sorted());
                    Row { low, high, outcome: *outcome, weight: *weight }
                })
                .collect()
        };
        Self {
            eighty: offset(&pick(|q| (q.q10, q.q90)), 0.2),
            ninety: offset(&pick(|q| (q.q05, q.q95)), 0.1),
            n_eff: rows.iter().map(|r| r.2).sum(),
        }
    }

    /// The 80 % band of a row.
    #[must_use]
    pub fn eighty(&self, quantiles: Quantiles) -> Option<(f64, f64)> {
        let q = quantiles.sorted();
        band(q.q10, q.q90, self.eighty)
    }

    /// The 90 % band of a row.
    #[must_use]
    pub fn ninety(&self, quantiles: Quantiles) -> Option<(f64, f64)> {
        let q = quantiles.sorted();
        band(q.q05, q.q95, self.ninety)
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let sound = |r: Radius| !matches!(r, Radius::Nothing) && r.finite().is_none_or(f64::is_finite);
        sound(self.eighty) && sound(self.ninety) && self.n_eff.is_finite() && self.n_eff >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn bands_cover_whatever_the_quantiles_were() {
        let mut rng = SplitMix64::new(&[4]);
        // Far too narrow quantiles, crossed half of the time.
        let mut draw = |n: usize| -> Vec<(Quantiles, f64, f64)> {
            (0..n)
                .map(|i| {
                    let scale = 1.0 + rng.unit();
                    let mut q = Quantiles { q05: -0.4 * scale, q10: -0.3 * scale, q90: 0.3 * scale, q95: 0.4 * scale };
                    if i % 2 == 0 {
                        q = Quantiles { q05: q.q95, q10: q.q90, q90: q.q10, q95: q.q05 };
                    }
                    (q, scale * rng.normal(), 1.0)
                })
                .collect()
        };
        let bands = Bands::fit(&draw(3_000));
        let test = draw(3_000);
        let covered = |of: fn(&Bands, Quantiles) -> Option<(f64, f64)>| {
            let inside = test.iter().filter(|(q, y, _)| of(&bands, *q).is_some_and(|(a, b)| (a..=b).contains(y)));
            inside.count() as f64 / 3_000.0
        };
        assert!((covered(Bands::eighty) - 0.8).abs() < 0.03);
        assert!((covered(Bands::ninety) - 0.9).abs() < 0.03);
        assert!(bands.is_sound() && bands.n_eff == 3_000.0);
        let back: Bands = serde_json::from_str(&serde_json::to_string(&bands).unwrap()).unwrap();
        assert_eq!(back, bands);
    }

    #[test]
    fn too_few_rows_bound_nothing() {
        let q = Quantiles { q05: -2.0, q10: -1.0, q90: 1.0, q95: 2.0 };
        let bands = Bands::fit(&[(q, 0.0, 1.0); 3]);
        assert_eq!((bands.eighty(q), bands.eighty), (None, Radius::Everything));
        assert_eq!(band(-1.0, 1.0, Radius::Upto(-3.0)), Some((0.0, 0.0)), "ends that cross meet");
    }
}
