//! Why a fit was refused.

/// A fit that did not come about; nothing was learned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    #[error("there are no rows to learn from")]
    NoRows,
    #[error("{what} has {got} entries, the matrix has {want} rows")]
    Lengths { what: &'static str, got: usize, want: usize },
    #[error("row {row} is not in the matrix, which has {rows}")]
    Outside { row: u32, rows: usize },
    #[error("row {row} is listed twice; give it twice the weight instead")]
    Twice { row: u32 },
    #[error("the target of row {row} is not a finite number")]
    Target { row: u32 },
    #[error("the weight of row {row} is not a finite number of at least 0")]
    Weight { row: u32 },
    #[error("all rows have weight 0")]
    NoWeight,
    #[error("the target of row {row} is neither 0 nor 1")]
    NotBinary { row: u32 },
    #[error("all rows are of one class")]
    OneClass,
    #[error("'{what}' must be {rule}")]
    Setting { what: &'static str, rule: &'static str },
    #[error("the fit was cancelled")]
    Cancelled,
    #[error("{0}")]
    Damaged(&'static str),
}
