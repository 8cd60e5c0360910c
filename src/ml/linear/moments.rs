//! Means and centred cross products of inputs and target: all that a squared-error fit needs to know of its rows.

use ndarray::{Array1, Array2, Axis};

use super::{Linear, check};

/// Rows whose products are formed at once; a block of them fits the cache.
const BLOCK: usize = 2_048;

/// (Weighted) moments of rows; fits of several penalties share one.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Sum of weights; the number of rows without weights.
    pub(super) weight: f64,
    means: Array1<f64>,
    target_mean: f64,
    /// `Σ w·(x−x̄)(x−x̄)ᵀ`, with the target as last row and column.
    pub(super) products: Array2<f64>,
}

impl Moments {
    /// Of inputs (rows × columns), one target and, if given, one weight per row.
    ///
    /// # Errors
    /// In words: shapes that differ, no rows, a value that is not finite, a negative weight or no positive one.
    pub fn of(x: &Array2<f64>, y: &[f64], weights: Option<&[f64]>) -> Result<Self, String> {
        check(x, y, weights)?;
        let target = Array1::from(y.to_vec());
        let weights = weights.map_or_else(|| Array1::ones(y.len()), |w| Array1::from(w.to_vec()));
        let weight = weights.sum();
        let means = x.t().dot(&weights) / weight;
        let target_mean = target.dot(&weights) / weight;
        let p = x.ncols();
        let mut products = Array2::<f64>::zeros((p + 1, p + 1));
        let blocks = x.axis_chunks_iter(Axis(0), BLOCK).zip(target.axis_chunks_iter(Axis(0), BLOCK));
        for ((rows, y), w) in blocks.zip(weights.axis_chunks_iter(Axis(0), BLOCK)) {
            let mut block = Array2::<f64>::zeros((rows.nrows(), p + 1));
            for (((mut line, row), y), w) in block.rows_mut().into_iter().zip(rows.rows()).zip(y).zip(w) {
                let root = w.sqrt();
                let centred = row.iter().zip(&means).map(|(v, mean)| v - mean).chain([y - target_mean]);
                line.iter_mut().zip(centred).for_each(|(slot, v)| *slot = root * v);
            }
            products += &block.t().dot(&block);
        }
        Ok(Self { weight, means, target_mean, products })
    }

    /// Number of inputs.
    #[must_use]
    pub fn width(&self) -> usize {
        self.means.len()
    }

    /// Element of the products; not a number outside of them.
    #[must_use]
    pub(super) fn product(&self, row: usize, column: usize) -> f64 {
        self.products.get([row, column]).copied().unwrap_or(f64::NAN)
    }

    /// Weighted variance of the target (divided by the sum of weights).
    #[must_use]
    pub(super) fn target_variance(&self) -> f64 {
        self.product(self.width(), self.width()) / self.weight
    }

    /// With slopes on the centred inputs, the model on the inputs as they are.
    pub(super) fn linear(&self, slopes: &Array1<f64>) -> Result<Linear, String> {
        Linear::fitted(self.target_mean - self.means.dot(slopes), &slopes.to_vec())
    }
}
