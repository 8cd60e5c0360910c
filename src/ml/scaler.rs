//! Winsorising and standardising, fitted on training rows only.

use serde::{Deserialize, Serialize};

use crate::domain::Schema;

use super::numbers::{quantile_sorted, sorted, tidy};

/// Values beyond this many scaled median absolute deviations from the median are pulled back to that edge.
pub const WINSOR_MADS: f64 = 5.0;
const MAD_TO_SD: f64 = 1.4826;

/// A model input: its name and its place among all inputs of the feature set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub feature: String,
    pub place: usize,
}

impl Input {
    /// Every model input of a feature set.
    #[must_use]
    pub fn of(schema: &Schema) -> Vec<Self> {
        let input = |(place, column): (usize, &crate::domain::Column)| Self { feature: column.name.clone(), place };
        schema.inputs().enumerate().map(input).collect()
    }
}

/// One kept input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Column {
    #[serde(flatten)]
    input: Input,
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
    pub fn fit(rows: &[&[f32]], keep: &[Input]) -> Self {
        let columns = keep
            .iter()
            .filter_map(|input| {
                fit_column(input, rows.iter().filter_map(|r| r.get(input.place)).map(|v| f64::from(*v)).collect())
            })
            .collect();
        Self { columns }
    }

    /// Number of model inputs.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.columns.len()
    }

    /// The kept inputs in their order.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.columns.iter().map(|c| &c.input)
    }

    /// The values of the kept inputs as they are; `None` for a row that is too short.
    #[must_use]
    pub fn pick(&self, row: &[f32]) -> Option<Vec<f32>> {
        self.columns.iter().map(|c| row.get(c.input.place).copied()).collect()
    }

    #[must_use]
    pub fn transform(&self, row: &[f32]) -> Vec<f64> {
        self.columns
            .iter()
            .map(|c| {
                let value = row.get(c.input.place).map_or(c.mean, |v| f64::from(*v));
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

fn fit_column(input: &Input, values: Vec<f64>) -> Option<Column> {
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
    Some(Column { input: input.clone(), low, high, mean: tidy(mean), inverse_sd: tidy(inverse_sd) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standardises_clips_and_ignores_the_constant() {
        let rows: Vec<[f32; 4]> = (0..200)
            .map(|i| {
                let mut row = [0.0; 4];
                row[0] = (i % 20) as f32;
                row[1] = 3.0;
                row[2] = if i == 7 { 1e6 } else { (i % 10) as f32 };
                row
            })
            .collect();
        let refs: Vec<&[f32]> = rows.iter().map(|r| r.as_slice()).collect();
        let keep = ["a", "b", "c"].into_iter().zip(0..).map(|(name, place)| Input { feature: name.to_owned(), place });
        let scaler = Scaler::fit(&refs, &keep.collect::<Vec<_>>());
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
