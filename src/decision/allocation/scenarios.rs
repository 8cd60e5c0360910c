//! Equally probable scenarios of simple returns: past hours, or draws of a bootstrap.

use super::lanes::add_all_scaled;

/// Returns of n assets in T scenarios, kept in both orders so that either can be swept without jumps.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenarios {
    count: usize,
    assets: usize,
    by_asset: Vec<f64>,
    by_scenario: Vec<f64>,
}

impl Scenarios {
    /// From one run of returns per asset. `None` when empty, ragged or not finite.
    #[must_use]
    pub fn from_assets(returns: &[Vec<f64>]) -> Option<Self> {
        let count = returns.first()?.len();
        let even = returns.iter().all(|r| r.len() == count);
        even.then(|| returns.concat()).and_then(|flat| Self::from_asset_major(returns.len(), flat))
    }

    /// The same from one run of numbers, asset after asset.
    #[must_use]
    pub fn from_asset_major(assets: usize, by_asset: Vec<f64>) -> Option<Self> {
        let count = by_asset.len().checked_div(assets)?;
        if count == 0 || by_asset.len() != assets * count || !by_asset.iter().all(|r| r.is_finite()) {
            return None;
        }
        let mut by_scenario = vec![0.0; by_asset.len()];
        for (i, returns) in by_asset.chunks_exact(count).enumerate() {
            for (row, r) in by_scenario.chunks_exact_mut(assets).zip(returns) {
                if let Some(cell) = row.get_mut(i) {
                    *cell = *r;
                }
            }
        }
        Some(Self { count, assets, by_asset, by_scenario })
    }

    /// Number of scenarios, T.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Number of assets, n.
    #[must_use]
    pub const fn assets(&self) -> usize {
        self.assets
    }

    /// Returns of one asset in all scenarios; empty when there is no such asset.
    #[must_use]
    pub fn asset(&self, i: usize) -> &[f64] {
        self.by_asset.get(i * self.count..(i + 1) * self.count).unwrap_or_default()
    }

    /// Returns of all assets in one scenario; empty when there is no such scenario.
    #[must_use]
    pub fn scenario(&self, s: usize) -> &[f64] {
        self.by_scenario.get(s * self.assets..(s + 1) * self.assets).unwrap_or_default()
    }

    pub fn by_asset(&self) -> impl Iterator<Item = &[f64]> {
        self.by_asset.chunks_exact(self.count)
    }

    pub fn by_scenario(&self) -> impl Iterator<Item = &[f64]> {
        self.by_scenario.chunks_exact(self.assets)
    }

    /// Arithmetic mean return of each asset.
    #[must_use]
    pub fn means(&self) -> Vec<f64> {
        self.by_asset().map(|r| r.iter().sum::<f64>() / self.count as f64).collect()
    }

    /// Each asset's returns less its mean.
    #[must_use]
    pub fn centred(&self) -> Self {
        self.with_means(&vec![0.0; self.assets])
    }

    /// The same scenarios with every asset's returns shifted to a given mean, such as a shrunk one. An asset without one keeps its own.
    #[must_use]
    pub fn with_means(&self, means: &[f64]) -> Self {
        let mut shifted = self.clone();
        let shifts: Vec<f64> = means.iter().zip(self.means()).map(|(to, from)| to - from).collect();
        for (returns, shift) in shifted.by_asset.chunks_exact_mut(self.count).zip(&shifts) {
            returns.iter_mut().for_each(|r| *r += shift);
        }
        for row in shifted.by_scenario.chunks_exact_mut(self.assets) {
            row.iter_mut().zip(&shifts).for_each(|(r, shift)| *r += shift);
        }
        shifted
    }

    /// Every return squared.
    pub(super) fn squared(&self) -> Self {
        let mut squared = self.clone();
        squared.by_asset.iter_mut().chain(&mut squared.by_scenario).for_each(|r| *r *= *r);
        squared
    }

    /// Return of a portfolio in each scenario.
    #[must_use]
    pub fn portfolio(&self, weights: &[f64]) -> Vec<f64> {
        let mut total = vec![0.0; self.count];
        let held = self.by_asset().zip(weights).filter(|(_, w)| **w != 0.0).map(|(returns, w)| (*w, returns));
        add_all_scaled(&mut total, held);
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_hold_the_same_returns() {
        let s = Scenarios::from_assets(&[vec![0.1, 0.2, 0.3], vec![-0.1, 0.0, 0.1]]).unwrap();
        assert_eq!((s.count(), s.assets()), (3, 2));
        assert_eq!((s.asset(1), s.scenario(2)), (&[-0.1, 0.0, 0.1][..], &[0.3, 0.1][..]));
        let moved = s.with_means(&[1.0]);
        assert!(moved.asset(0).iter().zip([0.9, 1.0, 1.1]).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(moved.asset(1), s.asset(1));
        assert_eq!(moved.scenario(2), [moved.asset(0)[2], 0.1]);
        assert!((s.portfolio(&[0.5, 0.5])[2] - 0.2).abs() < 1e-12);
    }

    #[test]
    fn what_is_ragged_or_not_finite_is_refused() {
        for bad in [vec![], vec![vec![]], vec![vec![0.1], vec![]], vec![vec![f64::INFINITY]]] {
            assert!(Scenarios::from_assets(&bad).is_none(), "{bad:?}");
        }
    }
}
