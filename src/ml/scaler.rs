//! Winsorising and standardising, fitted on training rows only.

use serde::{Deserialize, Serialize};

use crate::domain::Feature;

use super::numbers::{quantile_sorted, sorted, tidy};

/// Values beyond this many scaled median absolute deviations from the median are pulled back to that edge.
pub const WINSOR_MADS: f64 = 5.0;
const MAD_TO_SD: f64 = 1.4826;

/// One kept column.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Column {
    feature: Feature,
    low: f64,
    high: f64,
    mean: f64,
    /// 0 when the column did not move in training: its value is then always 0.
    inverse_sd: f64,
}

/// Turns a feature row into model inputs of mean 0 and sd 1 (on the training rows).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaler {
    columns: Vec<Column>,
}

impl Scaler {
    /// Fits on the rows given, and keeps the listed features in their order.
    #[must_use]
    pub fn fit(rows: &[&[f64; Feature::COUNT]], keep: &[Feature]) -> Self {
        let columns = keep
            .iter()
            .filter_map(|feature| {
                fit_column(*feature, rows.iter().filter_map(|r| r.get(feature.index())).copied().collect())
            })
            .collect();
        Self { columns }
    }

    /// Number of model inputs.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.columns.len()
    }

    /// Features in the order of the inputs.
    pub fn features(&self) -> impl Iterator<Item = Feature> {
        self.columns.iter().map(|c| c.feature)
    }

    #[must_use]
    pub fn transform(&self, row: &[f64; Feature::COUNT]) -> Vec<f64> {
        self.columns
            .iter()
            .map(|c| {
                let value = row.get(c.feature.index()).copied().unwrap_or(c.mean);
                (value.clamp(c.low, c.high) - c.mean) * c.inverse_sd
            })
            .collect()
    }

    /// Whether every number is finite and the limits are in order.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.columns.is_empty()
            && self
                .columns
                .iter()
                .all(|c| [c.low, c.high, c.mean, c.inverse_sd].iter().all(|v| v.is_finite()) && c.low <= c.high)
    }
}

fn fit_column(feature: Feature, values: Vec<f64>) -> Option<Column> {
    let values = sorted(values);
    let (first, last) = (*values.first()?, *values.last()?);
    let median = quantile_sorted(&values, 0.5)?;
    let mad = quantile_sorted(&sorted(values.iter().map(|v| (v - median).abs()).collect()), 0.5)?;
    // A column that mostly repeats one value has no MAD; then only its range bounds it.
    let reach = if mad > 0.0 { WINSOR_MADS * MAD_TO_SD * mad } else { f64::INFINITY };
    let low = tidy((median - reach).max(first));
    let high = tidy((median + reach).min(last)).max(low);
    let clipped: Vec<f64> = values.iter().map(|v| v.clamp(low, high)).collect();
    let mean = super::numbers::mean(&clipped)?;
    let sd = super::numbers::variance(&clipped).unwrap_or(0.0).sqrt();
    let inverse_sd = if sd > 1e-9 * (1.0 + mean.abs()) { 1.0 / sd } else { 0.0 };
    Some(Column { feature, low, high, mean: tidy(mean), inverse_sd: tidy(inverse_sd) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standardises_clips_and_ignores_the_constant() {
        let rows: Vec<[f64; Feature::COUNT]> = (0..200)
            .map(|i| {
                let mut row = [0.0; Feature::COUNT];
                row[0] = f64::from(i % 20);
                row[1] = 3.0;
                row[2] = if i == 7 { 1e6 } else { f64::from(i % 10) };
                row
            })
            .collect();
        let refs: Vec<_> = rows.iter().collect();
        let keep = &Feature::ALL[..3];
        let scaler = Scaler::fit(&refs, keep);
        assert!(scaler.is_sound() && scaler.width() == 3);
        let scaled: Vec<Vec<f64>> = rows.iter().map(|r| scaler.transform(r)).collect();
        let column = |c: usize| scaled.iter().map(|r| r[c]).collect::<Vec<_>>();
        let x = column(0);
        assert!(super::super::numbers::mean(&x).unwrap().abs() < 1e-9);
        assert!((super::super::numbers::variance(&x).unwrap() - 1.0).abs() < 1e-9);
        assert!(column(1).iter().all(|v| *v == 0.0));
        assert!(column(2)[7] < 8.0, "the outlier is pulled back: {}", column(2)[7]);
        // A wild value at prediction time is pulled back too.
        let mut wild = rows[0];
        wild[0] = -1e9;
        assert!(scaler.transform(&wild)[0] > -5.0);
    }
}
