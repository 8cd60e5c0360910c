//! Fetched trades, read back one by one.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::HistoryError;
use super::files::{HEADER, is_day};
use crate::domain::pair::Pair;
use crate::kraken::wire::{Stamp, ws};

/// Longest line that can be a trade.
const LINE_MAX: usize = 256;

/// The files of a pair's folder, oldest day first.
///
/// # Errors
/// [`HistoryError::File`] when the folder cannot be read.
pub fn days(dir: &Path, pair: &Pair) -> Result<Vec<PathBuf>, HistoryError> {
    let folder = dir.join(pair.file_stem());
    Ok(day_names(&folder)?.into_iter().map(|name| folder.join(name)).collect())
}

pub(super) fn day_names(folder: &Path) -> Result<Vec<String>, HistoryError> {
    let failed = |e: std::io::Error| HistoryError::file(folder, &e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        names.extend(name.to_str().filter(|name| is_day(name)).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// One day's trades in the order of their ids. Holds one line at a time.
pub struct TradeFile {
    path: PathBuf,
    symbol: String,
    lines: BufReader<zstd::Decoder<'static, BufReader<File>>>,
    line: u64,
}

impl TradeFile {
    /// # Errors
    /// [`HistoryError`] when it cannot be read or is not of this kind.
    pub fn open(path: &Path, pair: &Pair) -> Result<Self, HistoryError> {
        let failed = |e: std::io::Error| HistoryError::file(path, &e);
        let file = File::open(path).map_err(failed)?;
        let lines = BufReader::new(zstd::Decoder::new(file).map_err(failed)?);
        let mut all = Self { path: path.to_owned(), symbol: pair.as_str().to_owned(), lines, line: 0 };
        match all.text()? {
            Some(header) if header == HEADER.trim_end() => Ok(all),
            _ => Err(HistoryError::damaged(path, "it does not begin with the names of its columns")),
        }
    }

    fn text(&mut self) -> Result<Option<String>, HistoryError> {
        let mut text = String::new();
        let mut limited = std::io::Read::take(&mut self.lines, LINE_MAX as u64);
        let read = limited.read_line(&mut text).map_err(|e| HistoryError::damaged(&self.path, e))?;
        self.line = self.line.saturating_add(1);
        match (read, text.strip_suffix('\n')) {
            (0, _) => Ok(None),
            (_, Some(line)) => Ok(Some(line.to_owned())),
            _ => Err(HistoryError::damaged(&self.path, format!("line {} has no end", self.line))),
        }
    }

    fn trade(&self, text: &str) -> Option<ws::Trade> {
        let mut parts = text.split(',');
        let mut next = || parts.next();
        let trade = ws::Trade {
            timestamp: Stamp::parse(next()?)?,
            price: next()?.parse().ok()?,
            qty: next()?.parse().ok()?,
            side: ws::Side::from(next()?),
            ord_type: next()?.to_owned(),
            trade_id: next()?.parse().ok()?,
            symbol: self.symbol.clone(),
        };
        next().is_none().then_some(trade)
    }
}

impl Iterator for TradeFile {
    type Item = Result<ws::Trade, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = match self.text() {
            Ok(text) => text?,
            Err(error) => return Some(Err(error)),
        };
        let bad = || HistoryError::damaged(&self.path, format!("line {} is not a trade", self.line));
        Some(self.trade(&text).ok_or_else(bad))
    }
}

impl std::fmt::Debug for TradeFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TradeFile").field("path", &self.path).field("line", &self.line).finish_non_exhaustive()
    }
}
