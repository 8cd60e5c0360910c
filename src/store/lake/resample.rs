//! Longer candles from the shorter ones of the lake, streamed; only bars of which every part is there.

use std::ops::Range;
use std::path::PathBuf;

use super::rows::StoredCandle;
use super::scan::Scan;
use super::series::{Series, SeriesKey, VenueName};
use super::span::Span;
use super::writer::LakeWriter;
use crate::domain::{Interval, Pair, UtcMs, Venue};
use crate::pipeline::Resampler;
use crate::store::StoreError;
use crate::store::import::merge;

/// What became of one length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resampled {
    pub to: Interval,
    /// Candles that are new in the lake.
    pub added: u64,
    /// Candles that the lake had so.
    pub identical: u64,
    /// Candles that took the place of others.
    pub replaced: u64,
    /// Candles that the lake has otherwise, which stay.
    pub conflicts: u64,
    /// Bars that lack a part and are left out.
    pub incomplete: u64,
    pub files: Vec<PathBuf>,
}

/// Makes candles of each length in `to` from those of `from`, as far as these open within `range`. With `replace` they take the place of candles that say
/// otherwise. In memory are one batch of the source and a month of each length.
///
/// # Errors
/// [`StoreError`] when a length is no multiple of `from`, the lake has no such candles, one of them is not sound, or it cannot be written.
pub fn resample(
    writer: &LakeWriter,
    (venue, pair): (&VenueName, &Pair),
    (from, to): (Interval, &[Interval]),
    range: Range<UtcMs>,
    replace: bool,
) -> Result<Vec<Resampled>, StoreError> {
    let key = |interval| SeriesKey::new(venue.clone(), pair.clone(), Series::Candles(interval));
    let source = key(from);
    let folder = source.folder(writer.lake());
    let bad = |reason: String| StoreError::BadData { path: folder.clone(), reason };
    let mut targets = Vec::new();
    for to in to {
        let maker = Resampler::new(from, *to).filter(|_| *to != from);
        let maker = maker.ok_or_else(|| bad(format!("candles of {to} are not a whole number of those of {from}")))?;
        targets.push(Target::new(writer, key(*to), *to, maker, replace, format!("resampled from {from}")));
    }
    for batch in Scan::new(writer.lake(), source).within(range).candles()? {
        for row in batch? {
            // The kind of venue plays no part in adding up, and is not kept.
            let candle = row.candle(pair, Venue::Kraken, from);
            let candle = candle.map_err(|reason| bad(format!("the row of {}: {reason}", row.open_time)))?;
            for target in &mut targets {
                if let Some(done) = target.maker.push(&candle) {
                    target.take(&done.candle, done.complete)?;
                }
            }
        }
    }
    targets.into_iter().map(Target::finish).collect()
}

/// One length under construction.
struct Target<'a> {
    writer: &'a LakeWriter,
    key: SeriesKey,
    maker: Resampler,
    replace: bool,
    source: String,
    /// The month of `rows`.
    span: Option<Span>,
    rows: Vec<StoredCandle>,
    report: Resampled,
}

impl<'a> Target<'a> {
    fn new(
        writer: &'a LakeWriter,
        key: SeriesKey,
        to: Interval,
        maker: Resampler,
        replace: bool,
        source: String,
    ) -> Self {
        let report =
            Resampled { to, added: 0, identical: 0, replaced: 0, conflicts: 0, incomplete: 0, files: Vec::new() };
        Self { writer, key, maker, replace, source, span: None, rows: Vec::new(), report }
    }

    fn take(&mut self, candle: &crate::domain::Candle, complete: bool) -> Result<(), StoreError> {
        if !complete {
            self.report.incomplete += 1;
            return Ok(());
        }
        let at = candle.open_time.0;
        if self.span.as_ref().is_none_or(|span| !(span.begin..span.end).contains(&at)) {
            self.flush()?;
            self.span = self.key.series.span(at);
        }
        self.rows.push(candle.into());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let rows = std::mem::take(&mut self.rows);
        let Some(span) = self.span.take().filter(|_| !rows.is_empty()) else { return Ok(()) };
        let mut series = self.writer.series(&self.key)?;
        let merged = merge::candles(series.rows(&span)?, rows.into_iter().map(|row| (0, row)), self.replace);
        self.report.added += merged.accepted;
        self.report.identical += merged.identical;
        self.report.replaced += merged.replaced;
        self.report.conflicts += merged.conflicts.len() as u64;
        if merged.changed {
            self.report.files.extend(series.replace(&span, &merged.rows, &self.source)?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Resampled, StoreError> {
        if let Some(done) = self.maker.finish() {
            self.take(&done.candle, done.complete)?;
        }
        self.flush()?;
        Ok(self.report)
    }
}
