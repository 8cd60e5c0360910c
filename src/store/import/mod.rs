//! Market data from files: candles and trades of any venue into the lake, and what the lake holds.
//!
//! Serves `cst data import|list|check|export`. In go CSV, JSON and Parquet files with a [`Mapping`] (given or guessed), out come monthly candle
//! files and daily trade files below `<lake>/<venue>/<PAIR>/`. Always true: prices and volumes are exact decimals until they are stored; a row is
//! taken as it is or rejected with its line and reason, never mended; rows that the lake has with other values stay as they are
//! unless replacing was asked for; memory stays flat (one month of candles, one day of trades); a file appears whole or not at all.

mod csv;
mod error;
mod export;
mod guess;
mod instant;
mod json;
mod judge;
mod lines;
mod list;
mod lock;
mod mapping;
mod name;
mod number;
mod reject;
mod report;
mod row;
mod run;
mod sink;
mod span;
mod table;
mod trades;

pub use error::{ImportError, Refusal};
pub use export::{ExportFormat, Exported, export};
pub use instant::TimeUnit;
pub use list::{CheckReport, LakeEntry, LakeProblem, Series, check, list};
pub use mapping::{Column, Columns, Format, Kind, Mapping, Order};
pub use name::{VenueName, interval_from_text, pair_from_name};
pub use reject::{Problem, Reason};
pub use report::{Holes, Report};
pub use run::{FileOutcome, Options, Progress, import, inspect, parse_bytes};
pub use trades::TradeRow;

#[cfg(test)]
mod tests;
