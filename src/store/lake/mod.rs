//! The lake: candles, trades and books on disk, for every program that reads Parquet.
//!
//! Serves import, export, features, training and the live session. `<lake>/<venue>/<PAIR>/<series>/` holds data files and the manifest that lists them; a file
//! belongs to a month (candles) or a day (trades, books) and never changes. Always true: one writer, any number of readers without a lock; a series changes
//! from one state to the next whole; what does not match the manifest is an error with the file's name; memory holds one file and one batch.

mod compact;
mod export;
mod file;
mod holes;
mod lock;
mod manifest;
mod recorder;
mod resample;
mod rows;
mod scan;
mod series;
mod span;
mod survey;
mod table;
mod writer;

pub use compact::{CompactOptions, Compacted, Keep, MergedSpan, compact};
pub use export::{ExportFormat, Exported, export};
pub(super) use file::{Row, decode};
pub use file::{read_candles, write_candles};
pub use holes::Holes;
pub use lock::WriterLock;
pub use manifest::{FileEntry, MANIFEST, Manifest, Origin};
pub use recorder::Recorder;
pub use resample::{Resampled, resample};
pub use rows::{BookRow, StoredCandle, TradeRow};
pub use scan::{FloatBatches, Floats, Rows, Scan};
pub use series::{Series, SeriesKey, VenueName, interval_from_text};
pub(super) use span::Span;
pub use survey::{CheckReport, Cover, Filter, LakeEntry, LakeProblem, SeriesState, check, list, names};
pub(super) use table::Stored;
pub(super) use writer::stored_rows;
pub use writer::{LakeWriter, SeriesWriter};

#[cfg(test)]
mod tests;
