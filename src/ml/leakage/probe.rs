//! A cheap learner for the test on shuffled labels: ridge regression on standardised inputs, on thinned rows.

use ndarray::Array2;

use crate::ml::cv::Fold;
use crate::ml::dataset::Dataset;
use crate::ml::linear::{Moments, ridge};
use crate::ml::numbers::mean;
use crate::ml::scaler::{Input, Scaler};
use crate::ml::scores::auc;

/// Rows of a block that are looked at, at most.
const ROWS: usize = 2_500;
const PENALTY: f64 = 1.0;

/// The rows of one fold, ready to be learned from with any labels.
struct Part {
    train: Vec<usize>,
    test: Vec<usize>,
    x: Array2<f64>,
    x_test: Vec<Vec<f64>>,
}

/// See the module's first line.
pub struct Probe(Vec<Part>);

impl Probe {
    #[must_use]
    pub fn new(data: &Dataset<'_>, inputs: &[Input], folds: &[Fold]) -> Self {
        let thin = |all: &[usize]| -> Vec<usize> {
            let n = all.len();
            (0..n.min(ROWS)).filter_map(|i| all.get(i * n / n.min(ROWS))).copied().collect()
        };
        let part = |fold: &Fold| {
            let (train, test) = (thin(&fold.train), thin(&fold.test));
            let rows: Vec<&[f32]> = data.pick(&train).iter().map(|s| s.features).collect();
            let scaler = Scaler::fit(&rows, inputs);
            let mut x = Array2::zeros((rows.len(), scaler.width()));
            for (mut row, features) in x.rows_mut().into_iter().zip(&rows) {
                for (slot, value) in row.iter_mut().zip(scaler.transform(features)) {
                    *slot = value;
                }
            }
            let x_test = data.pick(&test).iter().map(|s| scaler.transform(s.features)).collect();
            Part { train, test, x, x_test }
        };
        Self(folds.iter().map(part).collect())
    }

    /// Learns these labels, one per sample, and gives the mean AUC over the test blocks against them; blocks of one outcome say nothing.
    #[must_use]
    pub fn score(&self, labels: &[bool]) -> Option<f64> {
        let of = |places: &[usize]| -> Vec<bool> { places.iter().filter_map(|i| labels.get(*i)).copied().collect() };
        let one = |part: &Part| {
            let y: Vec<f64> = of(&part.train).into_iter().map(|win| f64::from(u8::from(win))).collect();
            let line = ridge(&Moments::of(&part.x, &y, None).ok()?, PENALTY).ok()?;
            let said: Vec<f64> = part.x_test.iter().map(|row| line.at(row)).collect::<Option<_>>()?;
            auc(&said, &of(&part.test))
        };
        mean(&self.0.iter().filter_map(one).collect::<Vec<f64>>())
    }
}
