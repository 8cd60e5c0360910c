//! What a live session adds to the lake: one task takes rows as they come and writes them from time to time.
//!
//! The lake is held only while it is written, so that imports and fetches find their turn beside a running session. Rows wait in memory for at
//! most [`FLUSH_AFTER_MS`]; what a killed session had not written yet can be fetched again. A disk that is full or a lake in use does not stop the session: rows
//! wait, and beyond [`MOST_WAITING`] they are dropped and counted, both with a warning in the log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use super::rows::{BookRow, StoredCandle, TradeRow};
use super::series::{Series, SeriesKey, VenueName};
use super::span::Span;
use super::table::Stored;
use super::writer::{LakeWriter, SeriesWriter};
use crate::clock::Clock;
use crate::domain::{Candle, Pair, UtcMs};
use crate::store::import::{merge, trades};
use crate::store::{StoreError, files};

/// Longest wait of a row for its writing.
const FLUSH_AFTER_MS: i64 = 60_000;
/// As many rows are written at once, however young they are.
const FLUSH_ROWS: usize = 8_192;
/// Rows that wait at most while the lake cannot be written.
const MOST_WAITING: usize = 262_144;
/// Messages that wait at most for the task.
const MAILBOX: usize = 4_096;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How the manifest names the source.
const SOURCE: &str = "live";

enum Job {
    Candles(Vec<Candle>),
    Trade(Pair, TradeRow),
    Book(Pair, Vec<BookRow>),
    /// Write everything, then answer.
    Flush(SyncSender<()>),
}

/// Takes rows of Kraken for the lake; clones speak to the same task.
#[derive(Debug, Clone)]
pub struct Recorder {
    jobs: SyncSender<Job>,
}

impl Recorder {
    /// Starts the task; it ends with its last recorder.
    ///
    /// # Errors
    /// [`StoreError::Io`] when there can be no further thread.
    pub fn start(lake: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let (jobs, inbox) = sync_channel(MAILBOX);
        let worker = Worker {
            lake: lake.to_owned(),
            clock,
            candles: BTreeMap::new(),
            trades: BTreeMap::new(),
            books: BTreeMap::new(),
            waiting: 0,
            due: None,
        };
        let thread = std::thread::Builder::new().name("lake".to_owned()).spawn(move || worker.run(&inbox));
        thread.map_err(files::failed("start the writer of", lake))?;
        Ok(Self { jobs })
    }

    /// Closed candles, which passed validation.
    pub fn candles(&self, candles: &[Candle]) {
        if !candles.is_empty() {
            self.send(Job::Candles(candles.to_vec()));
        }
    }

    pub fn trade(&self, pair: &Pair, row: TradeRow) {
        self.send(Job::Trade(pair.clone(), row));
    }

    /// One picture of a book.
    pub fn book(&self, pair: &Pair, levels: Vec<BookRow>) {
        self.send(Job::Book(pair.clone(), levels));
    }

    /// Writes what waits, and comes back when that is done or `within` has passed.
    pub fn finish(&self, within: Duration) {
        let (done, answer) = sync_channel(1);
        self.send(Job::Flush(done));
        if answer.recv_timeout(within).is_err() {
            tracing::warn!("the last rows of the session may not have reached the lake; fetch them again");
        }
    }

    fn send(&self, job: Job) {
        if let Err(TrySendError::Full(_)) = self.jobs.try_send(job) {
            tracing::warn!("the lake is written too slowly: a row was left out and can be fetched again");
        }
    }
}

struct Worker {
    lake: PathBuf,
    clock: Arc<dyn Clock>,
    candles: BTreeMap<SeriesKey, Vec<StoredCandle>>,
    trades: BTreeMap<SeriesKey, Vec<TradeRow>>,
    books: BTreeMap<SeriesKey, Vec<BookRow>>,
    waiting: usize,
    /// When what waits is to be written.
    due: Option<UtcMs>,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Job>) {
        loop {
            match inbox.recv_timeout(LOOK_EVERY) {
                Ok(Job::Flush(done)) => {
                    self.flush();
                    // Whoever asked may have stopped waiting.
                    let _ = done.try_send(());
                }
                Ok(job) => self.take(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
            if self.waiting >= FLUSH_ROWS || self.due.is_some_and(|due| due <= self.clock.now()) {
                self.flush();
            }
        }
    }

    fn take(&mut self, job: Job) {
        let key = |pair: Pair, series| SeriesKey::new(VenueName::kraken(), pair, series);
        match job {
            Job::Candles(candles) => {
                self.waiting += candles.len();
                for candle in &candles {
                    let key = key(candle.pair.clone(), Series::Candles(candle.interval));
                    self.candles.entry(key).or_default().push(candle.into());
                }
            }
            Job::Trade(pair, row) => {
                self.waiting += 1;
                self.trades.entry(key(pair, Series::Trades)).or_default().push(row);
            }
            Job::Book(pair, levels) => {
                self.waiting += levels.len();
                self.books.entry(key(pair, Series::Books)).or_default().extend(levels);
            }
            Job::Flush(_) => {}
        }
        self.due.get_or_insert_with(|| self.clock.now().plus(FLUSH_AFTER_MS));
    }

    fn flush(&mut self) {
        if self.waiting == 0 {
            self.due = None;
            return;
        }
        let now = self.clock.now();
        let written = LakeWriter::open(&self.lake, now).map(|writer| {
            write(&writer, &mut self.candles, add_candles);
            write(&writer, &mut self.trades, add_trades);
            write(&writer, &mut self.books, add_levels);
        });
        if let Err(error) = written {
            tracing::warn!(%error, rows = self.waiting, "rows wait for the lake");
        }
        let left = |count: usize, rows: usize| count + rows;
        self.waiting = self.candles.values().map(Vec::len).fold(0, left)
            + self.trades.values().map(Vec::len).fold(0, left)
            + self.books.values().map(Vec::len).fold(0, left);
        if self.waiting > MOST_WAITING {
            tracing::error!(rows = self.waiting, "rows for the lake are dropped, since it cannot be written");
            (self.candles, self.trades, self.books) = Default::default();
            self.waiting = 0;
        }
        self.due = (self.waiting > 0).then(|| now.plus(FLUSH_AFTER_MS));
    }
}

type Add<R> = fn(&mut SeriesWriter<'_>, &Span, &[R]) -> Result<u64, StoreError>;

/// Adds what waits, a series and a month or day at a time. Rows that could not be written stay.
fn write<R: Stored>(writer: &LakeWriter, waiting: &mut BTreeMap<SeriesKey, Vec<R>>, add: Add<R>) {
    for (key, mut rows) in std::mem::take(waiting) {
        rows.sort_by_key(Stored::at);
        while let Some(span) = rows.first().and_then(|row| key.series.span(row.at())) {
            let later = rows.split_off(rows.partition_point(|row| row.at() < span.end));
            let added = writer.series(&key).and_then(|mut series| add(&mut series, &span, &rows));
            match added {
                Ok(0) => {}
                Ok(differing) => {
                    tracing::warn!(series = %key, span = span.name, differing, "the lake has other values and keeps them");
                }
                Err(error) => {
                    tracing::warn!(series = %key, %error, "rows wait for the lake");
                    rows.extend(later);
                    waiting.insert(key.clone(), rows);
                    break;
                }
            }
            rows = later;
        }
    }
}

/// How many candles the lake has otherwise.
fn add_candles(series: &mut SeriesWriter<'_>, span: &Span, rows: &[StoredCandle]) -> Result<u64, StoreError> {
    let later = series.newest(span) < rows.first().map(Stored::at);
    let stored = if later { Vec::new() } else { series.rows(span)? };
    let merged = merge::candles(stored, rows.iter().map(|row| (0, row.clone())), false);
    if merged.changed {
        if later {
            series.append(span, &merged.rows, SOURCE)?
        } else {
            series.replace(span, &merged.rows, SOURCE)?
        };
    }
    Ok(merged.conflicts.len() as u64)
}

fn add_trades(series: &mut SeriesWriter<'_>, span: &Span, rows: &[TradeRow]) -> Result<u64, StoreError> {
    let later = series.newest(span) < rows.first().map(Stored::at);
    let stored = if later { Vec::new() } else { series.rows(span)? };
    let merged = trades::merge(stored, rows.to_vec(), false);
    if merged.changed() {
        if later {
            series.append(span, &merged.rows, SOURCE)?
        } else {
            series.replace(span, &merged.rows, SOURCE)?
        };
    }
    Ok(merged.rejected.len() as u64)
}

/// Pictures of a book are only ever added; one that is not later than the lake's is left out.
fn add_levels(series: &mut SeriesWriter<'_>, span: &Span, rows: &[BookRow]) -> Result<u64, StoreError> {
    let newest = series.newest(span);
    let known = rows.partition_point(|row| Some(row.at_ns) <= newest);
    let new = rows.get(known..).unwrap_or_default();
    if !new.is_empty() {
        series.append(span, new, SOURCE)?;
    }
    Ok(known as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::domain::{Interval, Side, Venue};
    use crate::store::lake::Scan;

    const MARCH: i64 = 1_709_251_200_000;

    fn candle(n: i64) -> Candle {
        let values = [10, 12, 9, 11, 1].map(Into::into);
        let row = StoredCandle::from_decimals(UtcMs(MARCH + n * 300_000), values, Some(4));
        row.candle(&"BTC/USD".parse().unwrap(), Venue::Kraken, Interval::M5).unwrap()
    }

    fn times(lake: &Path) -> Vec<i64> {
        let key = SeriesKey::new(VenueName::kraken(), "BTC/USD".parse().unwrap(), Series::Candles(Interval::M5));
        let rows = Scan::new(lake, key).candles().unwrap().flat_map(Result::unwrap);
        rows.map(|row| (row.open_time.0 - MARCH) / 300_000).collect()
    }

    fn wait(recorder: &Recorder) {
        recorder.finish(Duration::from_secs(60));
    }

    #[test]
    fn closed_candles_trades_and_books_reach_the_lake() {
        let lake = tempfile::tempdir().unwrap();
        let recorder = Recorder::start(lake.path(), Arc::new(SystemClock::new())).unwrap();
        // Over the border of a month, one of them twice.
        recorder.candles(&[candle(-2), candle(-1), candle(0)]);
        recorder.candles(&[candle(0), candle(1)]);
        wait(&recorder);
        assert_eq!(times(lake.path()), [-2, -1, 0, 1]);
        // One that came late finds its place.
        recorder.candles(&[candle(5), candle(3)]);
        wait(&recorder);
        recorder.candles(&[candle(4), candle(6)]);
        wait(&recorder);
        assert_eq!(times(lake.path()), [-2, -1, 0, 1, 3, 4, 5, 6]);
        let pair: Pair = "BTC/USD".parse().unwrap();
        let at_ns = MARCH * 1_000_000;
        let (price, volume) = (100.into(), 1.into());
        let trade = TradeRow { line: 0, at_ns, price, volume, side: Some(Side::Buy), id: Some("7".into()) };
        recorder.trade(&pair, trade.clone());
        recorder.trade(&pair, trade);
        let level = |side| BookRow { at_ns, side, level: 0, price, volume };
        recorder.book(&pair, vec![level(Side::Buy), level(Side::Sell)]);
        wait(&recorder);
        let scan = |series| Scan::new(lake.path(), SeriesKey::new(VenueName::kraken(), pair.clone(), series));
        assert_eq!(scan(Series::Trades).trades().unwrap().flat_map(Result::unwrap).count(), 1);
        assert_eq!(scan(Series::Books).books().unwrap().flat_map(Result::unwrap).count(), 2);
    }

    #[test]
    fn rows_wait_while_another_program_writes() {
        let lake = tempfile::tempdir().unwrap();
        let recorder = Recorder::start(lake.path(), Arc::new(SystemClock::new())).unwrap();
        let held = LakeWriter::open(lake.path(), UtcMs(MARCH)).unwrap();
        recorder.candles(&[candle(0)]);
        wait(&recorder);
        recorder.candles(&[candle(1)]);
        drop(held);
        wait(&recorder);
        assert_eq!(times(lake.path()), [0, 1]);
    }
}
