//! The matrix that trees learn from and are asked about.

/// Feature values by column: rows × width, single precision, all finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    columns: Vec<Vec<f32>>,
    rows: usize,
}

impl Columns {
    /// `None` where columns differ in length, a value is not finite, or there is no column.
    #[must_use]
    pub fn new(columns: Vec<Vec<f32>>) -> Option<Self> {
        let rows = columns.first()?.len();
        let sound = |column: &Vec<f32>| column.len() == rows && column.iter().all(|v| v.is_finite());
        (u32::try_from(rows).is_ok() && columns.iter().all(sound)).then_some(Self { columns, rows })
    }

    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    #[must_use]
    pub const fn width(&self) -> usize {
        self.columns.len()
    }

    #[must_use]
    pub fn column(&self, column: usize) -> Option<&[f32]> {
        self.columns.get(column).map(Vec::as_slice)
    }

    /// Writes row `row` over `out`; `None` past the end, and `out` is then empty.
    pub fn row_into(&self, row: usize, out: &mut Vec<f32>) -> Option<()> {
        out.clear();
        if row >= self.rows {
            return None;
        }
        out.extend(self.columns.iter().filter_map(|column| column.get(row)));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_and_finite_columns_are_a_matrix() {
        let x = Columns::new(vec![vec![1.0, 2.0], vec![3.0, 4.0]]).unwrap();
        assert_eq!((x.rows(), x.width(), x.column(1)), (2, 2, Some([3.0, 4.0].as_slice())));
        let mut row = Vec::new();
        assert_eq!((x.row_into(1, &mut row), row.as_slice()), (Some(()), [2.0, 4.0].as_slice()));
        assert_eq!((x.row_into(2, &mut row), row.len()), (None, 0));
        assert_eq!(Columns::new(vec![vec![1.0], vec![1.0, 2.0]]), None);
        assert_eq!(Columns::new(vec![vec![f32::NAN]]), None);
        assert_eq!(Columns::new(vec![]), None);
    }
}
