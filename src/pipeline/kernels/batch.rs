//! Whole columns: the same kernels, row after row.

use super::catalog::Indicator;
use super::row::Row;

/// A column of an output; NaN where there is no value.
pub type Column = Vec<f64>;

/// The columns of an indicator over one series.
#[must_use]
pub fn columns(indicator: &Indicator, rows: &[Row]) -> Vec<Column> {
    let mut kernel = indicator.start::<f64>();
    let mut lines = vec![f64::NAN; indicator.lines().len()];
    let mut columns = vec![Column::with_capacity(rows.len()); lines.len()];
    for row in rows {
        kernel.step(row, &mut lines);
        for (column, value) in columns.iter_mut().zip(&lines) {
            column.push(*value);
        }
    }
    columns
}
