//! From a file to a report.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::csv::CsvSource;
use super::guess::{self, Guess};
use super::instant::{Instants, TimeUnit};
use super::json::JsonSource;
use super::judge::{CandleJudge, TradeJudge, Verdict};
use super::reject::Rejects;
use super::row::{Reading, RowBuf, Source, Step};
use super::sink::{CandleSink, Place, TradeSink};
use super::table::{self, Input, TableSource};
use super::{Format, ImportError, Kind, Mapping, Order, Refusal, Report, VenueName, name};
use crate::domain::time::MINUTE_MS;
use crate::domain::{Interval, Pair, UtcMs};
use crate::store::files;
use crate::store::lake::{LakeWriter, Series, SeriesKey};

/// How files are imported.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time: candles must be over, trades past.
    pub now: UtcMs,
    /// What the columns mean; else it is guessed.
    pub mapping: Option<Mapping>,
    /// These go before the mapping and the file's name.
    pub venue: Option<VenueName>,
    pub pair: Option<Pair>,
    pub interval: Option<Interval>,
    /// Rows of the file take the place of those of the lake that say otherwise.
    pub replace: bool,
    /// Everything is done but the writing.
    pub dry_run: bool,
    /// Longest line or JSON element in bytes.
    pub longest_line: usize,
    /// Folder for the lists of rejected rows; else `_rejects` in the lake.
    pub rejects: Option<PathBuf>,
}

impl Options {
    #[must_use]
    pub const fn new(now: UtcMs) -> Self {
        Self {
            now,
            mapping: None,
            venue: None,
            pair: None,
            interval: None,
            replace: false,
            dry_run: false,
            longest_line: 1 << 16,
            rejects: None,
        }
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    pub file: &'a Path,
    /// Place of the file among all, from 0, and how many there are.
    pub number: (usize, usize),
    /// Bytes read, and the length of the file.
    pub bytes: (u64, u64),
    pub rows: u64,
}

/// What became of one file.
#[derive(Debug)]
pub struct FileOutcome {
    pub path: PathBuf,
    pub result: Result<Report, ImportError>,
}

/// Folder of the lists of rejected rows; no venue's name begins like that.
pub(in crate::store) const REJECTS: &str = "_rejects";
const EXTENSIONS: [&str; 6] = ["csv", "txt", "json", "jsonl", "ndjson", "parquet"];
/// A file of which so many rows are rejected and none is taken is not what its mapping says.
const HOPELESS: u64 = 10_000;
const SAMPLE: usize = 5;
const LOOKED_AT: u64 = 1_000;

type Told<'a> = &'a mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>;

/// Imports the file `source`, or each file of data in that folder and those below, into the lake. `progress` is called every few thousand rows and may end
/// the import; what was read until then is stored. A file that is refused does not keep the others from being read.
///
/// # Errors
/// [`ImportError`] when there is nothing to import, the lake is in use, damaged or cannot be written.
pub fn import(
    source: &Path,
    lake: &Path,
    options: &Options,
    progress: Told<'_>,
) -> Result<Vec<FileOutcome>, ImportError> {
    let writer = if options.dry_run { None } else { Some(LakeWriter::open(lake, options.now)?) };
    let paths = candidates(source)?;
    let target = Target { lake: Some(lake), writer: writer.as_ref() };
    let mut outcomes = Vec::with_capacity(paths.len());
    for (place, path) in paths.iter().enumerate() {
        let number = (place, paths.len());
        let result = one(Input::File(path), target, options, None, &mut |bytes, rows| {
            progress(&Progress { file: path, number, bytes, rows })
        });
        let stopped = matches!(&result, Ok(report) if report.stopped);
        match result {
            Err(error) if !error.concerns_one_file() => return Err(error),
            result => outcomes.push(FileOutcome { path: path.clone(), result }),
        }
        if stopped {
            break;
        }
    }
    Ok(outcomes)
}

/// Reads the first 1,000 rows of each file and says what an import would take them for. Writes nothing and needs no lake.
///
/// # Errors
/// [`ImportError::NothingToDo`], or when a file cannot be read.
pub fn inspect(source: &Path, options: &Options) -> Result<Vec<FileOutcome>, ImportError> {
    let paths = candidates(source)?;
    let look = |path: &PathBuf| {
        let result =
            one(Input::File(path), Target::default(), options, Some(LOOKED_AT), &mut |_, _| ControlFlow::Continue(()));
        FileOutcome { path: path.clone(), result }
    };
    Ok(paths.iter().map(look).collect())
}

/// Reads `bytes` as hourly BTC/USD candles or trades of Kraken, in memory: for tests and fuzzing. A content that is refused is
/// a report that says so.
#[must_use]
pub fn parse_bytes(format: Format, bytes: &[u8]) -> Report {
    let path = Path::new("XBTUSD_60");
    // The year 2100: nothing is in the future.
    let mut options = Options::new(UtcMs(4_102_444_800_000));
    options.venue = Some(VenueName::kraken());
    let read = prepare(Input::Bytes(path, bytes), Some(format), &options).and_then(|prepared| {
        drive(Input::Bytes(path, bytes), Target::default(), prepared, &options, None, &mut |_, _| {
            ControlFlow::Continue(())
        })
    });
    match read {
        Ok(report) => report,
        Err(ImportError::Refused { refusal, .. }) => Report { refused: Some(refusal), ..Report::default() },
        // Bytes in memory can always be read, and there is no lake.
        Err(other) => Report { refused: Some(Refusal::BadMapping(other.to_string())), ..Report::default() },
    }
}

fn candidates(source: &Path) -> Result<Vec<PathBuf>, ImportError> {
    if source.is_file() {
        return Ok(vec![source.to_owned()]);
    }
    let mut found = Vec::new();
    collect(source, &mut found)?;
    found.sort();
    if found.is_empty() { Err(ImportError::NothingToDo { path: source.to_owned() }) } else { Ok(found) }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), ImportError> {
    for entry in std::fs::read_dir(folder).map_err(files::failed("list", folder))? {
        let entry = entry.map_err(files::failed("list", folder))?;
        let path = entry.path();
        // The kind of the entry itself: links to folders are not followed, so that there are no circles.
        let kind = entry.file_type().map_err(files::failed("find", &path))?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let data = path.extension().is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)));
        if hidden {
        } else if kind.is_dir() {
            collect(&path, found)?;
        } else if data && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

type Tick<'a> = &'a mut dyn FnMut((u64, u64), u64) -> ControlFlow<()>;

/// Where rows go: a lake to compare with, and the right to write it.
#[derive(Debug, Clone, Copy, Default)]
struct Target<'a> {
    lake: Option<&'a Path>,
    writer: Option<&'a LakeWriter>,
}

fn one(
    input: Input<'_>,
    target: Target<'_>,
    options: &Options,
    limit: Option<u64>,
    tick: Tick<'_>,
) -> Result<Report, ImportError> {
    let prepared = prepare(input, None, options)?;
    drive(input, target, prepared, options, limit, tick)
}

/// A mapping in which nothing is open any more but the unit of time.
struct Prepared {
    mapping: Mapping,
    format: Format,
    pair: Pair,
    interval: Option<Interval>,
    notes: Vec<String>,
}

fn prepare(input: Input<'_>, format: Option<Format>, options: &Options) -> Result<Prepared, ImportError> {
    let path = input.path();
    let refused = |refusal| ImportError::Refused { path: path.to_owned(), refusal };
    let mut head = Vec::new();
    input.reader()?.take(guess::HEAD as u64).read_to_end(&mut head).map_err(files::failed("read", path))?;
    let seen = guess::format_of(&head).map_err(refused)?;
    let format = format.or(options.mapping.as_ref().and_then(|m| m.format)).unwrap_or(seen);
    let Guess { mut mapping, mut notes } = match &options.mapping {
        Some(mapping) => Guess { mapping: mapping.clone(), notes: Vec::new() },
        None => {
            let names = if format == Format::Parquet { Some(table::schema(input)?.0) } else { None };
            guess::guess(format, &head, names.as_deref(), path, options.venue.as_ref()).map_err(refused)?
        }
    };
    if let Some(venue) = &options.venue {
        mapping.venue = venue.clone();
    }
    mapping.format = Some(format);
    mapping.check().map_err(refused)?;
    let (named_pair, named_interval) = name::from_file_name(path);
    let pair = options.pair.clone().or(mapping.pair.clone()).or(named_pair);
    let pair = pair.ok_or_else(|| refused(Refusal::Missing("pair")))?;
    let interval = options.interval.or(mapping.interval.map(Interval)).or(named_interval);
    let interval = match mapping.kind {
        Kind::Trades => None,
        Kind::Candles => Some(interval.ok_or_else(|| refused(Refusal::Missing("interval")))?),
    };
    mapping.pair = Some(pair.clone());
    mapping.interval = interval.map(|i| i.0);
    let mut prepared = Prepared { mapping, format, pair, interval, notes: Vec::new() };
    if options.mapping.is_none() {
        probe(input, &mut prepared, options, &mut notes)?;
    }
    prepared.notes = notes;
    Ok(prepared)
}

fn open<'a>(input: Input<'a>, prepared: &Prepared, options: &Options) -> Result<Box<dyn Source + 'a>, ImportError> {
    let (path, longest) = (input.path().to_owned(), options.longest_line);
    Ok(match prepared.format {
        Format::Csv => Box::new(CsvSource::open(input.reader()?, path, &prepared.mapping, longest)?),
        Format::Json => Box::new(JsonSource::open(input.reader()?, path, &prepared.mapping, false, longest)),
        Format::Jsonl => Box::new(JsonSource::open(input.reader()?, path, &prepared.mapping, true, longest)),
        Format::Parquet => Box::new(TableSource::open(input, &prepared.mapping)?),
    })
}

/// Looks at the first rows for the unit of time and the order, for a mapping that was guessed.
fn probe(
    input: Input<'_>,
    prepared: &mut Prepared,
    options: &Options,
    notes: &mut Vec<String>,
) -> Result<(), ImportError> {
    let mut source = open(input, prepared, options)?;
    let mut row = RowBuf::default();
    let mut instants = Instants::new(prepared.mapping.time_unit, prepared.mapping.decimal_comma);
    let (mut before, mut falling, mut rising): (Option<i64>, u64, u64) = (None, 0, 0);
    for _ in 0..LOOKED_AT {
        match source.next(&mut row)? {
            Step::End => break,
            Step::Bad { .. } => {}
            Step::Row { .. } => {
                let Some(at) = row.get(0).and_then(|text| instants.read(text).ok()) else { continue };
                match before.replace(at).map(|before| before.cmp(&at)) {
                    Some(std::cmp::Ordering::Less) => rising += 1,
                    Some(std::cmp::Ordering::Greater) => falling += 1,
                    _ => {}
                }
            }
        }
    }
    if falling > rising {
        prepared.mapping.order = Order::Descending;
        notes.push("the newest row comes first".to_owned());
    }
    prepared.mapping.time_unit = instants.unit();
    match instants.unit() {
        TimeUnit::DatetimeUtc => notes.push("times carry no zone and are taken as UTC".to_owned()),
        unit => notes.push(format!("times are read as {unit:?}").to_lowercase()),
    }
    Ok(())
}

/// Judges and sinks the rows of one kind.
enum Line<'a> {
    Candles(CandleJudge, CandleSink<'a>, Interval),
    Trades(TradeJudge, TradeSink<'a>),
}

impl<'a> Line<'a> {
    fn new(input: Input<'_>, target: Target<'a>, prepared: &Prepared, options: &Options) -> Self {
        let order = prepared.mapping.order;
        let series = prepared.interval.map_or(Series::Trades, Series::Candles);
        let key = SeriesKey::new(prepared.mapping.venue.clone(), prepared.pair.clone(), series);
        let source = input.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Target { lake, writer } = target;
        let place = Place { key, lake, writer, replace: options.replace, order, source };
        match prepared.interval {
            Some(interval) => {
                Self::Candles(CandleJudge::new(interval, options.now, order), CandleSink::new(place), interval)
            }
            None => Self::Trades(TradeJudge::new(options.now, order), TradeSink::new(place, input.path())),
        }
    }

    /// Takes a row as far as the lake, or to the rejected ones.
    fn take(&mut self, line: u64, row: &RowBuf, reading: &mut Reading, seen: &mut Seen) -> Result<(), ImportError> {
        let Seen { report, rejects, last, path } = seen;
        match self {
            Self::Candles(judge, sink, interval) => {
                match reading.candle(line, row).map(|candle| (candle, judge.judge(candle))) {
                    Err(reason) | Ok((_, Verdict::Reject(reason))) => rejects.push(line, reason, &row.shown())?,
                    Ok((_, Verdict::Identical)) => report.identical += 1,
                    Ok((candle, Verdict::Take)) => {
                        if let Some(distance) = judge.other_step() {
                            let found = format!("{} minutes", distance / MINUTE_MS);
                            let refusal = Refusal::OtherInterval { line, found, expected: *interval };
                            return Err(ImportError::Refused { path: path.clone(), refusal });
                        }
                        if let Some(last) = last.replace(candle.at) {
                            report.holes.note(last.min(candle.at), last.max(candle.at), interval.ms());
                        }
                        note(report, candle.at, || candle.shown());
                        sink.push(candle, report, rejects)?;
                    }
                }
            }
            Self::Trades(judge, sink) => match reading.trade(line, row).map(|trade| (judge.judge(&trade), trade)) {
                Err(reason) | Ok((Verdict::Reject(reason), _)) => rejects.push(line, reason, &row.shown())?,
                Ok((Verdict::Identical, _)) => report.identical += 1,
                Ok((Verdict::Take, trade)) => {
                    note(report, trade.at_ns.div_euclid(1_000_000), || trade.shown());
                    sink.push(trade, report, rejects)?;
                }
            },
        }
        Ok(())
    }

    fn finish(&mut self, seen: &mut Seen) -> Result<(), ImportError> {
        match self {
            Self::Candles(_, sink, _) => sink.flush(&mut seen.report, &mut seen.rejects),
            Self::Trades(_, sink) => sink.flush(&mut seen.report, &mut seen.rejects),
        }
    }
}

/// What was seen of a file so far.
struct Seen {
    report: Report,
    rejects: Rejects,
    /// The instant of the last candle that passed.
    last: Option<i64>,
    path: PathBuf,
}

fn note(report: &mut Report, at: i64, shown: impl Fn() -> String) {
    let at = UtcMs(at);
    report.first = Some(report.first.map_or(at, |first| first.min(at)));
    report.last = Some(report.last.map_or(at, |last| last.max(at)));
    if report.sample.len() < SAMPLE {
        report.sample.push(shown());
    }
}

fn drive(
    input: Input<'_>,
    target: Target<'_>,
    prepared: Prepared,
    options: &Options,
    limit: Option<u64>,
    tick: Tick<'_>,
) -> Result<Report, ImportError> {
    let mut source = open(input, &prepared, options)?;
    let length = input.len()?;
    let folder = target
        .lake
        .filter(|_| !options.dry_run)
        .map(|lake| options.rejects.clone().unwrap_or_else(|| lake.join(REJECTS)));
    let rejects = Rejects::new(folder.as_deref(), input.path(), options.now);
    let mut seen = Seen { report: Report::default(), rejects, last: None, path: input.path().to_owned() };
    let mut reading = Reading {
        instants: Instants::new(prepared.mapping.time_unit, prepared.mapping.decimal_comma),
        comma: prepared.mapping.decimal_comma,
        buys: prepared.mapping.side_buy.clone(),
        sells: prepared.mapping.side_sell.clone(),
    };
    let mut line = Line::new(input, target, &prepared, options);
    let mut row = RowBuf::default();
    while limit.is_none_or(|limit| seen.report.read < limit) {
        match source.next(&mut row)? {
            Step::End => break,
            Step::Bad { line, reason, text } => seen.rejects.push(line, reason, &text)?,
            Step::Row { line: number } => line.take(number, &row, &mut reading, &mut seen)?,
        }
        seen.report.read += 1;
        if seen.report.read.is_multiple_of(8_192) && tick((source.bytes(), length), seen.report.read).is_break() {
            seen.report.stopped = true;
            break;
        }
        hopeless(&seen, input.path())?;
    }
    line.finish(&mut seen)?;
    let _ = tick((source.bytes(), length), seen.report.read);
    let Seen { mut report, mut rejects, .. } = seen;
    report.rejects = rejects.finish()?;
    report.rejected = rejects.counts;
    report.problems = rejects.first;
    report.bytes = source.bytes();
    report.notes = prepared.notes;
    let mut mapping = prepared.mapping;
    mapping.time_unit = reading.instants.unit();
    report.mapping = Some(mapping);
    Ok(report)
}

/// Whether many rows were rejected and none was taken: then the file is not what it was taken for.
fn hopeless(seen: &Seen, path: &Path) -> Result<(), ImportError> {
    if seen.report.first.is_some() || seen.rejects.total() < HOPELESS {
        return Ok(());
    }
    let reasons: Vec<String> = seen.rejects.counts.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let refusal = Refusal::NothingFits { rows: seen.rejects.total(), reasons: reasons.join(", ") };
    Err(ImportError::Refused { path: path.to_owned(), refusal })
}
