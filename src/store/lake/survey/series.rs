//! One series, file by file and group by group.

use std::path::Path;

use super::coverage::Coverage;
use super::{LakeEntry, LakeProblem, SeriesState, judge};
use crate::domain::UtcMs;
use crate::pipeline::kernels::Hampel;
use crate::store::StoreError;
use crate::store::lake::holes::Holes;
use crate::store::lake::manifest::{FileEntry, Manifest};
use crate::store::lake::rows::{BookRow, StoredCandle, TradeRow};
use crate::store::lake::scan;
use crate::store::lake::series::{Series, SeriesKey};
use crate::store::lake::span::Span;
use crate::store::lake::table::{self, Stored, guarded};

/// Problems told of one file.
const MOST_OF_ONE_FILE: usize = 20;
/// Outliers that are told with their instants.
const MOST_OUTLIERS: usize = 20;
/// Window and distance of the filter for outliers.
const HAMPEL: (usize, f64) = (11, 6.0);

/// Reads a series: its instants, and with `now` every row. `None` when there is no row.
pub(super) fn read(
    folder: &Path,
    manifest: &Manifest,
    key: &SeriesKey,
    now: Option<UtcMs>,
    problems: &mut Vec<LakeProblem>,
) -> Option<LakeEntry> {
    let mut seen = Seen::new(key.series, now);
    for file in &manifest.files {
        let path = folder.join(&file.name);
        let told = problems.len();
        if let Err(error) = seen.file(&path, file, problems) {
            problems.push(LakeProblem { path: path.clone(), row: None, reason: error.to_string() });
        }
        problems.truncate(told + MOST_OF_ONE_FILE);
    }
    seen.entry(key)
}

/// What was seen of a series so far.
struct Seen {
    series: Series,
    now: Option<UtcMs>,
    ends: Option<(i64, i64)>,
    rows: u64,
    bytes: u64,
    files: usize,
    holes: Holes,
    coverage: Coverage,
    filter: Hampel,
    outliers: (u64, Vec<UtcMs>),
}

/// The file that is being judged.
struct Place<'a> {
    path: &'a Path,
    span: Option<Span>,
    before: Option<i64>,
    row: usize,
    problems: &'a mut Vec<LakeProblem>,
}

impl Place<'_> {
    fn tell(&mut self, at: i64, wrong: Option<&'static str>, strict: bool) {
        let earlier = |before: &i64| *before > at || (strict && *before == at);
        let order = self.before.replace(at).filter(earlier).map(|_| "is out of order");
        let inside = self.span.as_ref().is_some_and(|span| (span.begin..span.end).contains(&at));
        let place = (!inside).then_some("belongs to another file");
        for wrong in [order, place, wrong].into_iter().flatten() {
            let (path, reason) = (self.path.to_owned(), format!("the row {wrong}"));
            self.problems.push(LakeProblem { path, row: Some(self.row), reason });
        }
        self.row += 1;
    }
}

impl Seen {
    fn new(series: Series, now: Option<UtcMs>) -> Self {
        let (window, k) = HAMPEL;
        Self {
            series,
            now,
            ends: None,
            rows: 0,
            bytes: 0,
            files: 0,
            holes: Holes::default(),
            coverage: Coverage::new(series),
            filter: Hampel::new(window, k),
            outliers: (0, Vec::new()),
        }
    }

    fn file(&mut self, path: &Path, entry: &FileEntry, problems: &mut Vec<LakeProblem>) -> Result<(), StoreError> {
        let table = scan::read_listed(path, entry)?;
        let span = self.series.span_of(&entry.span);
        let mut place = Place { path, span, before: None, row: 0, problems };
        for group in &table.groups {
            let slice = (group.begin, group.rows);
            let Some(now) = self.now else {
                let frame = table.slice(path, slice, &["ts"])?;
                guarded(path, || table::times(&frame))?.into_iter().for_each(|at| self.note(at));
                continue;
            };
            match self.series {
                Series::Candles(interval) => {
                    for row in rows::<StoredCandle>(&table, path, slice)? {
                        place.tell(row.open_time.0, judge::candle(&row, interval, now), true);
                        self.candle(&row);
                    }
                }
                Series::Trades => {
                    for row in rows::<TradeRow>(&table, path, slice)? {
                        place.tell(row.at_ns, judge::trade(&row, now), false);
                        self.note(row.at_ns);
                    }
                }
                Series::Books => {
                    for row in rows::<BookRow>(&table, path, slice)? {
                        place.tell(row.at_ns, judge::level(&row, now), false);
                        self.note(row.at_ns);
                    }
                }
            }
        }
        self.rows += entry.rows;
        self.bytes += entry.bytes;
        self.files += 1;
        Ok(())
    }

    fn candle(&mut self, row: &StoredCandle) {
        let [.., close, _] = row.values;
        if close.is_finite() && self.filter.push(close) {
            self.outliers.0 += 1;
            if self.outliers.1.len() < MOST_OUTLIERS {
                self.outliers.1.push(row.open_time);
            }
        }
        self.note(row.open_time.0);
    }

    fn note(&mut self, at: i64) {
        if let Some((_, last)) = self.ends {
            match self.series {
                Series::Candles(interval) => self.holes.note(last, at, interval.ms()),
                Series::Trades | Series::Books => {
                    let pause = self.series.to_ms(at.saturating_sub(last)).0;
                    self.holes.longest_ms = self.holes.longest_ms.max(pause);
                }
            }
        }
        self.ends = Some(self.ends.map_or((at, at), |(first, _)| (first, at)));
        self.coverage.note(self.series.to_ms(at));
    }

    fn entry(self, key: &SeriesKey) -> Option<LakeEntry> {
        let (first, last) = self.ends?;
        let (first, last) = (self.series.to_ms(first), self.series.to_ms(last));
        let expected = match self.series {
            Series::Candles(interval) => u64::try_from(last.since(first).div_euclid(interval.ms().max(1)) + 1).ok(),
            Series::Trades | Series::Books => None,
        };
        let candles = matches!(self.series, Series::Candles(_));
        Some(LakeEntry {
            venue: key.venue.clone(),
            pair: key.pair.clone(),
            series: key.series,
            state: SeriesState::Whole,
            first,
            last,
            rows: self.rows,
            expected,
            holes: self.holes,
            cover: self.coverage.finish(first, last),
            outliers: self.now.filter(|_| candles).map(|_| self.outliers),
            bytes: self.bytes,
            files: self.files,
        })
    }
}

fn rows<R: Stored>(table: &table::Table, path: &Path, slice: (usize, usize)) -> Result<Vec<R>, StoreError> {
    let frame = table.slice(path, slice, R::COLUMNS)?;
    guarded(path, || R::parse(&frame))
}
