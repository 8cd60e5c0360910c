//! Why a file is not imported.

use std::path::PathBuf;

use crate::domain::Interval;
use crate::store::StoreError;

/// What a file's content or its mapping lacks. No row of the file was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it is empty")]
    Empty,
    #[error("it is a page of HTML or XML, not data; fetch it again")]
    Html,
    #[error("it is packed ({0}); unpack it first")]
    Packed(&'static str),
    #[error("it is UTF-16 text; save it as UTF-8")]
    Utf16,
    #[error("it holds binary data")]
    Binary,
    #[error("its {0} is not known; name it in the mapping or on the command line")]
    Missing(&'static str),
    #[error("no column is named for the {role}; there are: {columns}")]
    NoColumn { role: &'static str, columns: String },
    #[error("column '{name}' is there more than once")]
    TwiceNamed { name: String },
    #[error("{first} and {second} could both be the {role}; name one in the mapping")]
    Ambiguous { role: &'static str, first: String, second: String },
    #[error("the mapping is wrong: {0}")]
    BadMapping(String),
    #[error("none of its first {rows} rows can be used: {reasons}")]
    NothingFits { rows: u64, reasons: String },
    #[error("it is not Parquet that can be read: {0}")]
    BadParquet(String),
    #[error("up to line {line} its rows are {found} apart, not {expected}: {RUN} times in a row; name the right length, or import each length by itself", RUN = super::judge::SAME_STEPS)]
    OtherInterval { line: u64, found: String, expected: Interval },
    #[error("more than {limit} trades of one day")]
    TooManyInOneDay { limit: usize },
}

/// Why an import, a listing or an export ended.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("'{}' is not imported: {refusal}", path.display())]
    Refused { path: PathBuf, refusal: Refusal },
    #[error("the mapping '{}' cannot be used: {reason}", path.display())]
    Mapping { path: PathBuf, reason: String },
    #[error("'{}' holds no file that could be data (csv, txt, json, jsonl, ndjson, parquet)", path.display())]
    NothingToDo { path: PathBuf },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// Whether other files of the same import may still go well.
    #[must_use]
    pub const fn concerns_one_file(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}
