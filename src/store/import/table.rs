//! Rows of a Parquet file, a slice at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use polars::prelude::{AnyValue, DataFrame};
use polars_io::mmap::MmapBytesReader;
use polars_io::prelude::{ParallelStrategy, ParquetReader, SerReader};

use super::row::{RowBuf, Source, Step};
use super::{ImportError, Kind, Mapping, Reason, Refusal};
use crate::store::files;

/// What is imported: a file, or bytes under a file's name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Input<'a> {
    File(&'a Path),
    Bytes(&'a Path, &'a [u8]),
}

impl<'a> Input<'a> {
    pub(super) const fn path(&self) -> &'a Path {
        match self {
            Self::File(path) | Self::Bytes(path, _) => path,
        }
    }

    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn reader(&self) -> Result<Box<dyn BufRead + 'a>, ImportError> {
        Ok(match self {
            Self::File(path) => {
                let file = File::open(path).map_err(files::failed("open", path))?;
                Box::new(BufReader::with_capacity(1 << 18, file))
            }
            Self::Bytes(_, bytes) => Box::new(*bytes),
        })
    }

    /// # Errors
    /// When the file cannot be found.
    pub(super) fn len(&self) -> Result<u64, ImportError> {
        match self {
            Self::File(path) => Ok(std::fs::metadata(path).map_err(files::failed("find", path))?.len()),
            Self::Bytes(_, bytes) => Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
        }
    }

    fn parquet<T>(
        &self,
        work: impl FnOnce(ParquetReader<Box<dyn MmapBytesReader>>) -> Result<T, String>,
    ) -> Result<T, ImportError> {
        let reader: Box<dyn MmapBytesReader> = match self {
            Self::File(path) => Box::new(File::open(path).map_err(files::failed("open", path))?),
            Self::Bytes(_, bytes) => Box::new(Cursor::new(bytes.to_vec())),
        };
        // The Parquet reader panics on some damaged files; nothing of it outlives this call.
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| work(ParquetReader::new(reader))));
        done.unwrap_or_else(|_| Err("it is damaged".to_owned())).map_err(|reason| ImportError::Refused {
            path: self.path().to_owned(),
            refusal: Refusal::BadParquet(super::reject::shown(&reason)),
        })
    }
}

/// Column names and number of rows.
///
/// # Errors
/// [`Refusal::BadParquet`].
pub(super) fn schema(input: Input<'_>) -> Result<(Vec<String>, usize), ImportError> {
    input.parquet(|mut reader| {
        let names = reader.schema().map_err(|e| e.to_string())?.iter_names().map(ToString::to_string).collect();
        Ok((names, reader.num_rows().map_err(|e| e.to_string())?))
    })
}

/// Whether a column is of a type that can be read: integers of 32 and 64 bits, floats, booleans and text.
fn readable(input: Input<'_>, name: &str) -> Result<(), ImportError> {
    input.parquet(|reader| {
        let reader = reader.with_columns(Some(vec![name.to_owned()])).with_slice(Some((0, 1)));
        let frame = reader.read_parallel(ParallelStrategy::None).finish();
        let hint = "save instants as 64-bit integers or text, numbers as 64-bit floats or text";
        frame.map(|_| ()).map_err(|e| format!("column '{name}': {e}; {hint}"))
    })
}

/// Column of the decimals that floats lose; see `docs/lake.md`.
const EXACT: &str = "exact";
const SLICE: usize = 1 << 17;

/// The rows of a Parquet file.
pub(super) struct TableSource<'a> {
    input: Input<'a>,
    path: PathBuf,
    length: u64,
    /// Column of each slot.
    wanted: Vec<Option<String>>,
    /// Where the file is one of a lake: the first slots, behind the time, whose decimals its column `exact` has.
    exact: Option<usize>,
    rows: usize,
    /// Number of the next row, from 0.
    next: usize,
    slice: Option<(usize, DataFrame)>,
}

impl<'a> TableSource<'a> {
    /// # Errors
    /// When the file is not Parquet or a column of the mapping is not there.
    pub(super) fn open(input: Input<'a>, mapping: &Mapping) -> Result<Self, ImportError> {
        let (names, rows) = schema(input)?;
        let path = input.path().to_owned();
        let places = mapping
            .places(Some(&names), names.len())
            .map_err(|refusal| ImportError::Refused { path: path.clone(), refusal })?;
        let wanted: Vec<Option<String>> =
            places.into_iter().map(|place| place.and_then(|n| names.get(n).cloned())).collect();
        wanted.iter().flatten().try_for_each(|name| readable(input, name))?;
        let ours = ["ts", EXACT].iter().all(|name| names.iter().any(|n| n == name));
        let exact = ours.then_some(if mapping.kind == Kind::Candles { 5 } else { 2 });
        Ok(Self { input, path, length: input.len()?, wanted, exact, rows, next: 0, slice: None })
    }

    /// Loads the slice that begins with the next row.
    fn load(&mut self) -> Result<(), ImportError> {
        let mut columns: Vec<String> = self.wanted.iter().flatten().cloned().collect();
        columns.extend(self.exact.map(|_| EXACT.to_owned()));
        columns.sort();
        columns.dedup();
        let begin = self.next;
        let frame = self.input.parquet(|reader| {
            let reader = reader.read_parallel(ParallelStrategy::None).set_low_memory(true);
            let reader = reader.with_columns(Some(columns)).with_slice(Some((begin, SLICE)));
            reader.finish().map_err(|e| e.to_string())
        })?;
        if frame.height() == 0 {
            let refusal = Refusal::BadParquet(format!("it has fewer rows than the {} it names", self.rows));
            return Err(ImportError::Refused { path: self.path.clone(), refusal });
        }
        self.slice = Some((begin, frame));
        Ok(())
    }
}

/// The text of a value as its shortest form; nothing for null.
fn text(value: &AnyValue<'_>) -> Result<Option<String>, Reason> {
    Ok(Some(match value {
        AnyValue::Null => return Ok(None),
        AnyValue::Boolean(v) => v.to_string(),
        AnyValue::String(v) => (*v).to_owned(),
        AnyValue::StringOwned(v) => v.to_string(),
        AnyValue::UInt8(v) => v.to_string(),
        AnyValue::UInt16(v) => v.to_string(),
        AnyValue::UInt32(v) => v.to_string(),
        AnyValue::UInt64(v) => v.to_string(),
        AnyValue::Int8(v) => v.to_string(),
        AnyValue::Int16(v) => v.to_string(),
        AnyValue::Int32(v) => v.to_string(),
        AnyValue::Int64(v) => v.to_string(),
        AnyValue::Float32(v) => v.to_string(),
        AnyValue::Float64(v) => v.to_string(),
        _ => return Err(Reason::WrongShape),
    }))
}

impl Source for TableSource<'_> {
    fn next(&mut self, row: &mut RowBuf) -> Result<Step, ImportError> {
        if self.next >= self.rows {
            return Ok(Step::End);
        }
        if self.slice.as_ref().is_none_or(|(begin, frame)| self.next >= begin + frame.height()) {
            self.load()?;
        }
        let Some((begin, frame)) = &self.slice else { return Ok(Step::End) };
        row.clear();
        let place = self.next - begin;
        self.next += 1;
        let line = u64::try_from(self.next).unwrap_or(u64::MAX);
        let told = frame.column(EXACT).ok().and_then(|column| text(&column.get(place).ok()?).ok()?);
        let exact = self.exact.zip(told);
        let exact: Vec<&str> = match &exact {
            Some((count, text)) => text.split(',').take(*count).collect(),
            None => Vec::new(),
        };
        for (slot, name) in self.wanted.iter().enumerate() {
            if let Some(text) = slot.checked_sub(1).and_then(|n| exact.get(n)) {
                row.push(Some(text));
                continue;
            }
            let Some(name) = name else {
                row.push(None);
                continue;
            };
            let value = frame.column(name).and_then(|column| column.get(place)).map_err(|_| Reason::WrongShape);
            match value.and_then(|value| text(&value)) {
                Ok(text) => row.push(text.as_deref()),
                Err(reason) => return Ok(Step::Bad { line, reason, text: format!("column '{name}'") }),
            }
        }
        Ok(Step::Row { line })
    }

    fn bytes(&self) -> u64 {
        let share = u128::from(self.length) * (self.next as u128) / (self.rows.max(1) as u128);
        u64::try_from(share).unwrap_or(self.length)
    }
}
