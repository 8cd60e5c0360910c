//! Where rows that passed go: a month of candles or a day of trades at a time, merged with what the lake has.

use std::path::{Path, PathBuf};

use super::merge;
use super::reject::Rejects;
use super::report::Report;
use super::row::CandleRow;
use super::trades;
use super::{ImportError, Order, Reason, Refusal};
use crate::domain::UtcMs;
use crate::store::StoreError;
use crate::store::lake::{LakeWriter, Manifest, SeriesKey, Span, Stored, StoredCandle, TradeRow, stored_rows};

/// Trades of one day that are kept in memory.
const MOST_OF_ONE_DAY: usize = 4_000_000;

/// The series that rows go to, and what may be done there.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub key: SeriesKey,
    /// `None`: there is no lake to compare with.
    pub lake: Option<&'a Path>,
    /// `None`: nothing is written.
    pub writer: Option<&'a LakeWriter>,
    pub replace: bool,
    pub order: Order,
    /// Where the rows come from, for the manifest.
    pub source: String,
}

impl Place<'_> {
    /// What the lake has of `span`; nothing when all of it is older than `first`.
    fn stored<R: Stored>(&self, span: &Span, first: i64) -> Result<Vec<R>, StoreError> {
        let Some(lake) = self.lake else { return Ok(Vec::new()) };
        let Some(manifest) = Manifest::load(lake, &self.key)? else { return Ok(Vec::new()) };
        let newest = manifest.files.iter().filter(|file| file.span == span.name).map(|file| file.last).max();
        if newest.is_none_or(|newest| newest < first) {
            return Ok(Vec::new());
        }
        stored_rows(&self.key.folder(lake), &manifest, span)
    }

    /// Writes what became of a span: all of it, or rows that are later than those of the lake.
    fn write<R: Stored>(&self, span: &Span, rows: &[R], later: bool, report: &mut Report) -> Result<(), StoreError> {
        let Some(writer) = self.writer else { return Ok(()) };
        let mut series = writer.series(&self.key)?;
        let written =
            if later { series.append(span, rows, &self.source)? } else { series.replace(span, rows, &self.source)? };
        report.files.extend(written);
        Ok(())
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
pub(super) struct CandleSink<'a> {
    place: Place<'a>,
    part: Part<CandleRow>,
}

impl<'a> CandleSink<'a> {
    pub(super) const fn new(place: Place<'a>) -> Self {
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
            self.part.span = self.place.key.series.span(row.at);
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
        let Some(first) = rows.first().map(|row| row.at) else { return Ok(()) };
        let stored = self.place.stored(&span, first)?;
        let later = stored.is_empty();
        let candle = |row: &CandleRow| StoredCandle::from_decimals(UtcMs(row.at), row.values, row.trades);
        let merged = merge::candles(stored, rows.iter().map(|row| (row.line, candle(row))), self.place.replace);
        for conflict in &merged.conflicts {
            let text = format!("{} (the lake has {})", merge::shown(&conflict.new), merge::values(&conflict.old));
            rejects.push(conflict.line, Reason::ConflictWithLake, &text)?;
        }
        report.accepted += merged.accepted;
        report.identical += merged.identical;
        report.replaced += merged.replaced;
        if merged.changed {
            self.place.write(&span, &merged.rows, later, report)?;
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct TradeSink<'a> {
    place: Place<'a>,
    part: Part<TradeRow>,
    path: PathBuf,
}

impl<'a> TradeSink<'a> {
    pub(super) fn new(place: Place<'a>, path: &Path) -> Self {
        Self { place, part: Part::new(), path: path.to_owned() }
    }

    pub(super) fn push(
        &mut self,
        row: TradeRow,
        report: &mut Report,
        rejects: &mut Rejects,
    ) -> Result<(), ImportError> {
        if !self.part.holds(row.at_ns) {
            self.flush(report, rejects)?;
            self.part.span = self.place.key.series.span(row.at_ns);
            if self.part.span.is_none() {
                // Beyond the calendar: there is no file that it could go to.
                return Ok(rejects.push(row.line, Reason::BadTime, &row.shown())?);
            }
        }
        if self.part.rows.len() >= MOST_OF_ONE_DAY {
            let refusal = Refusal::TooManyInOneDay { limit: MOST_OF_ONE_DAY };
            return Err(ImportError::Refused { path: self.path.clone(), refusal });
        }
        self.part.rows.push(row);
        Ok(())
    }

    /// As [`CandleSink::flush`].
    pub(super) fn flush(&mut self, report: &mut Report, rejects: &mut Rejects) -> Result<(), ImportError> {
        let Some((span, rows)) = self.part.take(self.place.order) else { return Ok(()) };
        // Whether trades of a day carry ids is told by those that are there: the day is read even where all of the new ones are later.
        let stored = self.place.stored(&span, i64::MIN)?;
        let later = stored.is_empty();
        let merged = trades::merge(stored, rows, self.place.replace);
        for (row, reason, said) in &merged.rejected {
            rejects.push(row.line, *reason, &format!("{} ({said})", row.shown()))?;
        }
        report.accepted += merged.accepted;
        report.identical += merged.identical;
        report.replaced += merged.replaced;
        report.dropped += merged.dropped;
        if merged.changed() {
            self.place.write(&span, &merged.rows, later, report)?;
        }
        Ok(())
    }
}
