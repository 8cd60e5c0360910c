//! Reading a series: only the columns and instants that are wanted, a bounded batch at a time, without a lock.
//!
//! The manifest says which files hold the wanted time, their row groups' statistics which rows of them; what is left is decoded group by group. In memory are
//! one file as it lies on disk (at most [`super::writer::PART_ROWS`] rows, a few megabytes) and one batch of rows.

use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};

use polars::prelude::{BooleanChunked, DataFrame, NewChunkedArray};

use super::manifest::{FileEntry, MANIFEST, Manifest};
use super::rows::{BookRow, StoredCandle, TradeRow};
use super::series::{Series, SeriesKey};
use super::table::{self, GROUP_ROWS, Stored, Table, guarded};
use crate::domain::UtcMs;
use crate::store::{StoreError, files};

/// How often a series may change under a reader before it gives up.
const MOST_RELOADS: u32 = 16;
/// Rows of a row group that is decoded as a whole.
const MOST_DECODED: usize = 4 * GROUP_ROWS;

/// What to read of a series.
#[derive(Debug, Clone)]
pub struct Scan {
    lake: PathBuf,
    key: SeriesKey,
    range: Range<UtcMs>,
    batch_rows: usize,
}

/// Floats of some columns, row by row as in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Floats {
    /// In the unit of the series: ms for candles, ns for trades and books.
    pub times: Vec<i64>,
    /// In the order in which they were asked for; NaN where there is no value.
    pub columns: Vec<Vec<f64>>,
}

impl Scan {
    /// All of a series.
    #[must_use]
    pub fn new(lake: &Path, key: SeriesKey) -> Self {
        Self { lake: lake.to_owned(), key, range: UtcMs(i64::MIN)..UtcMs(i64::MAX), batch_rows: GROUP_ROWS }
    }

    /// Only rows of this time; its end is excluded, and a candle is where it opens.
    #[must_use]
    pub const fn within(mut self, range: Range<UtcMs>) -> Self {
        self.range = range;
        self
    }

    /// At most so many rows in a batch; there are fewer where a row group ends.
    #[must_use]
    pub fn batches_of(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// # Errors
    /// [`StoreError`] when the lake has no such series, it has no candles, or its manifest is damaged. Each batch may fail as well: a file that is not what
    /// the manifest says is named, and nothing after it is given.
    pub fn candles(self) -> Result<Rows<StoredCandle>, StoreError> {
        let fits = matches!(self.key.series, Series::Candles(_));
        self.rows(fits)
    }

    /// # Errors
    /// As [`Scan::candles`].
    pub fn trades(self) -> Result<Rows<TradeRow>, StoreError> {
        let fits = self.key.series == Series::Trades;
        self.rows(fits)
    }

    /// # Errors
    /// As [`Scan::candles`].
    pub fn books(self) -> Result<Rows<BookRow>, StoreError> {
        let fits = self.key.series == Series::Books;
        self.rows(fits)
    }

    /// Only these columns of floats, such as `close`; nothing else is decoded.
    ///
    /// # Errors
    /// As [`Scan::candles`].
    pub fn floats(self, columns: &[&'static str]) -> Result<FloatBatches, StoreError> {
        let mut wanted = vec!["ts"];
        wanted.extend(columns);
        Ok(FloatBatches { frames: Frames::new(self, wanted)?, columns: columns.to_vec() })
    }

    fn rows<R: Stored>(self, fits: bool) -> Result<Rows<R>, StoreError> {
        if !fits {
            let reason = format!("it holds {}, which are rows of another kind", self.key.series);
            return Err(StoreError::BadData { path: self.key.folder(&self.lake), reason });
        }
        Ok(Rows { frames: Frames::new(self, R::COLUMNS.to_vec())?, kind: PhantomData })
    }
}

/// Iterator over batches of rows; it ends with the first error.
pub struct Rows<R> {
    frames: Frames,
    kind: PhantomData<R>,
}

impl<R: Stored> Iterator for Rows<R> {
    type Item = Result<Vec<R>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.frames.next()?.and_then(|(path, frame)| guarded(&path, || R::parse(&frame)));
        self.frames.ended |= found.is_err();
        Some(found)
    }
}

/// Iterator over batches of floats; it ends with the first error.
pub struct FloatBatches {
    frames: Frames,
    columns: Vec<&'static str>,
}

impl Iterator for FloatBatches {
    type Item = Result<Floats, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.frames.next()?.and_then(|(path, frame)| {
            guarded(&path, || {
                let columns = self.columns.iter().map(|name| table::floats(&frame, name)).collect::<Result<_, _>>()?;
                Ok(Floats { times: table::times(&frame)?, columns })
            })
        });
        self.frames.ended |= found.is_err();
        Some(found)
    }
}

/// The file that is being read.
struct Open {
    path: PathBuf,
    table: Table,
    /// The group that is read, and how many of its rows have been given.
    group: usize,
    taken: usize,
    /// The group's rows, when there are not too many of them to be decoded at once.
    decoded: Option<DataFrame>,
}

/// Batches as frames, each with the file it is from.
struct Frames {
    scan: Scan,
    wanted: Vec<&'static str>,
    /// The wanted time in the unit of the rows; the end excluded unless it is the end of time.
    range: Range<i64>,
    files: std::vec::IntoIter<FileEntry>,
    open: Option<Open>,
    /// The newest instant that was given, and how many rows of it: where to go on when the series changes meanwhile.
    given: Option<(i64, usize)>,
    /// What of that to pass over after such a change.
    skip: Option<(i64, usize)>,
    reloads: u32,
    ended: bool,
}

impl Frames {
    fn new(scan: Scan, wanted: Vec<&'static str>) -> Result<Self, StoreError> {
        let series = scan.key.series;
        let range = series.in_unit(scan.range.start)..series.in_unit(scan.range.end);
        let mut frames = Self {
            scan,
            wanted,
            range,
            files: Vec::new().into_iter(),
            open: None,
            given: None,
            skip: None,
            reloads: 0,
            ended: false,
        };
        frames.load()?;
        Ok(frames)
    }

    fn load(&mut self) -> Result<(), StoreError> {
        let Scan { lake, key, .. } = &self.scan;
        let manifest = Manifest::load(lake, key)?
            .filter(|manifest| !manifest.files.is_empty())
            .ok_or_else(|| StoreError::NotInLake { path: lake.clone(), what: key.to_string() })?;
        let from = self.given.map_or(self.range.start, |(at, _)| at);
        let wanted = |file: &FileEntry| file.last >= from && file.first < self.range.end;
        self.files = manifest.files.into_iter().filter(wanted).collect::<Vec<_>>().into_iter();
        self.skip = self.given;
        Ok(())
    }

    /// Opens the next file; false at the end.
    fn open_next(&mut self) -> Result<bool, StoreError> {
        loop {
            let Some(entry) = self.files.next() else { return Ok(false) };
            let path = self.scan.key.folder(&self.scan.lake).join(&entry.name);
            match read_listed(&path, &entry) {
                Ok(table) => {
                    self.open = Some(Open { path, table, group: 0, taken: 0, decoded: None });
                    return Ok(true);
                }
                // A writer has put other files in its place since the manifest was read.
                Err(StoreError::Io { source, .. })
                    if source.kind() == std::io::ErrorKind::NotFound && self.reloads < MOST_RELOADS =>
                {
                    self.reloads += 1;
                    let before = entry.name;
                    self.load()?;
                    if self.files.as_slice().iter().any(|file| file.name == before) {
                        let reason = format!("it is listed by {MANIFEST} and is not there");
                        return Err(StoreError::BadData { path, reason });
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The rows of the next slice, before those that are not wanted are taken out; `None` at the end of the file.
    fn slice(&mut self) -> Result<Option<(PathBuf, DataFrame)>, StoreError> {
        let Some(open) = &mut self.open else { return Ok(None) };
        while let Some(group) = open.table.groups.get(open.group) {
            let outside = group.least.is_some_and(|least| least >= self.range.end)
                || group.most.is_some_and(|most| most < self.range.start);
            if outside || open.taken >= group.rows {
                open.group += 1;
                open.taken = 0;
                open.decoded = None;
                continue;
            }
            let rows = self.scan.batch_rows.min(group.rows - open.taken);
            let frame = if group.rows > MOST_DECODED {
                // The file of another program: slices cost more time and no more memory.
                open.table.slice(&open.path, (group.begin + open.taken, rows), &self.wanted)?
            } else {
                let whole = match open.decoded.take() {
                    Some(whole) => whole,
                    None => open.table.slice(&open.path, (group.begin, group.rows), &self.wanted)?,
                };
                let frame = whole.slice(i64::try_from(open.taken).unwrap_or(i64::MAX), rows);
                open.decoded = Some(whole);
                frame
            };
            open.taken += rows;
            return Ok(Some((open.path.clone(), frame)));
        }
        self.open = None;
        Ok(None)
    }

    /// Takes out what is not of the wanted time, or was given before.
    fn keep(&mut self, frame: DataFrame) -> Result<Option<DataFrame>, String> {
        let times = table::times(&frame)?;
        let mut mask = Vec::with_capacity(times.len());
        for at in &times {
            let mut wanted = self.range.contains(at);
            if let Some((newest, left)) = &mut self.skip {
                if at == newest && *left > 0 {
                    *left -= 1;
                    wanted = false;
                }
                wanted &= at >= newest;
            }
            mask.push(wanted);
        }
        for at in times.iter().zip(&mask).filter_map(|(at, wanted)| wanted.then_some(at)) {
            self.given = match self.given {
                Some((newest, count)) if newest == *at => Some((newest, count + 1)),
                _ => Some((*at, 1)),
            };
        }
        if mask.iter().all(|wanted| *wanted) {
            return Ok((!mask.is_empty()).then_some(frame));
        }
        if !mask.contains(&true) {
            return Ok(None);
        }
        frame.filter(&BooleanChunked::from_slice("".into(), &mask)).map(Some).map_err(|e| e.to_string())
    }

    fn step(&mut self) -> Result<Option<(PathBuf, DataFrame)>, StoreError> {
        loop {
            if self.open.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let Some((path, frame)) = self.slice()? else { continue };
            if let Some(frame) = guarded(&path, || self.keep(frame))? {
                return Ok(Some((path, frame)));
            }
        }
    }

    fn next(&mut self) -> Option<Result<(PathBuf, DataFrame), StoreError>> {
        if self.ended {
            return None;
        }
        let step = self.step().transpose();
        self.ended = !matches!(step, Some(Ok(_)));
        step
    }
}

/// A file of a manifest, compared with what the manifest says of it.
///
/// # Errors
/// [`StoreError`] when it is absent or another one.
pub(super) fn read_listed(path: &Path, entry: &FileEntry) -> Result<Table, StoreError> {
    let bytes = files::read(path)?;
    let bad = |reason: String| StoreError::BadData { path: path.to_owned(), reason };
    if bytes.len() as u64 != entry.bytes || files::fingerprint(&bytes) != entry.sha256 {
        let reason = format!(
            "its content is not the one that {MANIFEST} lists; `cst data compact --drop-damaged` takes it out of the lake"
        );
        return Err(bad(reason));
    }
    let table = Table::open(path, bytes)?;
    if table.rows() as u64 == entry.rows {
        Ok(table)
    } else {
        Err(bad(format!("it has {} rows, {MANIFEST} lists {}", table.rows(), entry.rows)))
    }
}

/// All rows of a listed file.
pub(super) fn read_rows<R: Stored>(path: &Path, entry: &FileEntry) -> Result<Vec<R>, StoreError> {
    let table = read_listed(path, entry)?;
    let mut rows = Vec::with_capacity(table.rows());
    for group in &table.groups {
        let frame = table.slice(path, (group.begin, group.rows), R::COLUMNS)?;
        rows.extend(guarded(path, || R::parse(&frame))?);
    }
    Ok(rows)
}
