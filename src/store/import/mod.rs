//! Market data from files: candles and trades of any venue into the lake, exactly or not at all.
//!
//! Serves `cst data import`. In go CSV, JSON and Parquet files with a [`Mapping`] (given or guessed), out come monthly candle
//! files and daily trade files below `<lake>/<venue>/<PAIR>/`. Always true: prices and volumes are exact decimals until they are stored; a row is
//! taken as it is or rejected with its line and reason, never mended; rows that the lake has with other values stay as they are
//! unless replacing was asked for; memory stays flat (one month of candles, one day of trades); a file appears whole or not at all.

mod csv;
mod error;
mod guess;
mod instant;
mod json;
mod judge;
mod lines;
mod mapping;
pub(super) mod merge;
mod name;
mod reject;
mod report;
mod row;
mod run;
mod sink;
mod table;
pub(super) mod trades;

pub use error::{ImportError, Refusal};
pub use instant::TimeUnit;
pub(super) use judge::grid;
pub use mapping::{Column, Columns, Format, Kind, Mapping, Order};
pub use name::pair_from_name;
pub use reject::{Problem, Reason};
pub use report::Report;
pub(super) use run::REJECTS;
pub use run::{FileOutcome, Options, Progress, import, inspect, parse_bytes};

pub use crate::store::lake::{Holes, Series, TradeRow, VenueName};

#[cfg(test)]
mod tests;
