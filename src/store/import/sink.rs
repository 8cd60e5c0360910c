//! Where rows that passed go: a month of candles or a day of trades at a time, merged with what the lake has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reject::Rejects;
use super::report::Report;
use super::row::CandleRow;
use super::span::{self, Span};
use super::trades::{self, TradeRow};
use super::{ImportError, Order, Reason, Refusal, number};
use crate::domain::UtcMs;
use crate::store::{StoreError, lake};

/// Trades of one day that are kept in memory.
const MOST_OF_ONE_DAY: usize = 10_000_000;

/// The folder of a series, and what may be done there.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `None`: there is no lake to compare with.
    pub folder: Option<PathBuf>,
    pub write: bool,
    pub replace: bool,
    pub order: Order,
}

impl Place {
    fn file(&self, span: &Span) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{}.parquet", span.name)))
    }
}

/// The rows of one file of the lake, until the next one begins.
#[derive(Debug)]
struct Part<R> {
    span: Option<Span>,
    rows: Vec<R>,
}

impl<R> Part<R> {
    const fn new() -> Self {
        Self { span: None, rows: Vec::new() }
    }

    fn holds(&self, at: i64) -> bool {
        self.span.as_ref().is_some_and(|span| span.begin <= at && at < span.end)
    }

    /// The rows, oldest first, and where they belong.
    fn take(&mut self, order: Order) -> Option<(Span, Vec<R>)> {
        let mut rows = std::mem::take(&mut self.rows);
        if order == Order::Descending {
            rows.reverse();
        }
        self.span.take().map(|span| (span, rows))
    }
}

#[derive(Debug)]
pub(super) struct CandleSink {
    place: Place,
    part: Part<CandleRow>,
}

impl CandleSink {
    pub(super) const fn new(place: Place) -> Self {
        Self { place, part: Part::new() }
    }

    pub(super) fn push(
        &mut self,
        row: CandleRow,
        report: &mut Report,
        rejects: &mut Rejects,
    ) -> Result<(), ImportError> {
        if !self.part.holds(row.at) {
            self.flush(report, rejects)?;
            self.part.span = span::month(row.at);
            if self.part.span.is_none() {
                // Beyond the calendar: there is no file that it could go to.
                return Ok(rejects.push(row.line, Reason::BadTime, &row.shown())?);
            }
        }
        self.part.rows.push(row);
        Ok(())
    }

    /// Merges and writes what was gathered.
    ///
    /// # Errors
    /// When the lake's file is damaged or cannot be written.
    pub(super) fn flush(&mut self, report: &mut Report, rejects: &mut Rejects) -> Result<(), ImportError> {
        let Some((span, rows)) = self.part.take(self.place.order) else { return Ok(()) };
        let path = self.place.file(&span);
        let mut merged = path.as_deref().map(stored_candles).transpose()?.unwrap_or_default();
        let mut changed = false;
        for row in rows {
            let new = lake_row(&row);
            match merged.get_mut(&row.at) {
                None => {
                    merged.insert(row.at, new);
                    report.accepted += 1;
                    changed = true;
                }
                Some(old) if same_values(old, &new) && (old.trades == new.trades || new.trades.is_none()) => {
                    report.identical += 1;
                }
                // The same candle, now with its count of trades: nothing that was known changes.
                Some(old) if same_values(old, &new) && old.trades.is_none() => {
                    old.trades = new.trades;
                    report.identical += 1;
                    changed = true;
                }
                Some(old) if self.place.replace => {
                    *old = new;
                    report.replaced += 1;
                    changed = true;
                }
                Some(old) => {
                    let text = format!("{} (the lake has {})", row.shown(), shown(old));
                    rejects.push(row.line, Reason::ConflictWithLake, &text)?;
                }
            }
        }
        if let (Some(path), true, true) = (path, changed, self.place.write) {
            let rows: Vec<lake::Row> = merged.into_values().collect();
            lake::write_rows(&path, &rows)?;
            report.files.push(path);
        }
        Ok(())
    }
}

fn lake_row(row: &CandleRow) -> lake::Row {
    lake::Row { open_time: UtcMs(row.at), values: row.values.map(number::float), trades: row.trades }
}

fn same_values(a: &lake::Row, b: &lake::Row) -> bool {
    a.values.map(f64::to_bits) == b.values.map(f64::to_bits)
}

fn shown(row: &lake::Row) -> String {
    let [open, high, low, close, volume] = row.values;
    let trades = row.trades.map(|n| n.to_string()).unwrap_or_default();
    format!("{open},{high},{low},{close},{volume},{trades}")
}

fn stored_candles(path: &Path) -> Result<BTreeMap<i64, lake::Row>, StoreError> {
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let rows = lake::read_rows(path)?;
    let count = rows.len();
    let by_time: BTreeMap<i64, lake::Row> = rows.into_iter().map(|row| (row.open_time.0, row)).collect();
    if by_time.len() == count {
        Ok(by_time)
    } else {
        Err(StoreError::BadData { path: path.to_owned(), reason: "it has an instant twice".to_owned() })
    }
}

#[derive(Debug)]
pub(super) struct TradeSink {
    place: Place,
    part: Part<TradeRow>,
    source: PathBuf,
}

impl TradeSink {
    pub(super) fn new(place: Place, source: &Path) -> Self {
        Self { place, part: Part::new(), source: source.to_owned() }
    }

    pub(super) fn push(
        &mut self,
        row: TradeRow,
        report: &mut Report,
        rejects: &mut Rejects,
    ) -> Result<(), ImportError> {
        if !self.part.holds(row.at_ns) {
            self.flush(report, rejects)?;
            self.part.span = span::day_ns(row.at_ns);
            if self.part.span.is_none() {
                // Beyond the calendar: there is no file that it could go to.
                return Ok(rejects.push(row.line, Reason::BadTime, &row.shown())?);
            }
        }
        if self.part.rows.len() >= MOST_OF_ONE_DAY {
            let refusal = Refusal::TooManyInOneDay { limit: MOST_OF_ONE_DAY };
            return Err(ImportError::Refused { path: self.source.clone(), refusal });
        }
        self.part.rows.push(row);
        Ok(())
    }

    /// As [`CandleSink::flush`].
    pub(super) fn flush(&mut self, report: &mut Report, rejects: &mut Rejects) -> Result<(), ImportError> {
        let Some((span, rows)) = self.part.take(self.place.order) else { return Ok(()) };
        let path = self.place.file(&span);
        let stored = match &path {
            Some(path) if path.exists() => trades::read(path)?,
            _ => Vec::new(),
        };
        let merged = trades::merge(stored, rows, self.place.replace);
        for (row, reason, said) in &merged.rejected {
            rejects.push(row.line, *reason, &format!("{} ({said})", row.shown()))?;
        }
        report.accepted += merged.accepted;
        report.identical += merged.identical;
        report.replaced += merged.replaced;
        report.dropped += merged.dropped;
        if let (Some(path), true, true) = (path, merged.changed(), self.place.write) {
            trades::write(&path, &merged.rows)?;
            report.files.push(path);
        }
        Ok(())
    }
}
