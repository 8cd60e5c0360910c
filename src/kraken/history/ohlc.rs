//! Candles to CSV in the exchange's own OHLCVT form: `time s,open,high,low,close,volume,trades`, no header, no line for a quiet interval.

use std::collections::BTreeMap;
use std::path::Path;

use super::files::write_whole;
use super::{HistoryError, Source};
use crate::domain::pair::{Interval, Pair};
use crate::domain::time::UtcMs;
use crate::kraken::wire::Number;
use crate::kraken::wire::rest::history::OhlcRow;

/// What became of a fetch of candles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OhlcReport {
    /// Lines in the file now.
    pub rows: usize,
    /// Lines that were not there before.
    pub added: usize,
    /// Lines that the exchange tells otherwise now; its newer word stands.
    pub changed: usize,
    /// First interval after the file's old end that the exchange no longer tells, if any: it keeps the newest 720 only.
    pub hole_from: Option<UtcMs>,
}

/// Fetches the newest finished candles and merges them into the file at `path`, which is replaced whole.
///
/// # Errors
/// [`HistoryError`]; the file is as before then.
pub async fn fetch_ohlc<S: Source>(
    source: &S,
    pair: &Pair,
    interval: Interval,
    path: &Path,
) -> Result<OhlcReport, HistoryError> {
    let mut lines = existing(path)?;
    let page = source.ohlc(pair, interval).await?;
    // the last row is unfinished, whatever `last` says; a malformed `last` must not let it in
    let told = page.last_seconds();
    let count = page.rows.len().saturating_sub(1);
    let finished: Vec<&OhlcRow> =
        page.rows.iter().take(count).filter(|row| told.is_none_or(|last| row.open_time <= last)).collect();
    let mut report = OhlcReport { hole_from: hole(&lines, &finished, interval), ..OhlcReport::default() };
    for row in finished.iter().filter(|row| row.count > 0) {
        let at = row.open_time.ms().0.div_euclid(1_000);
        let text = line(at, row);
        match lines.insert(at, text.clone()) {
            None => report.added = report.added.saturating_add(1),
            Some(before) if !same(&before, &text) => report.changed = report.changed.saturating_add(1),
            Some(_) => {}
        }
    }
    report.rows = lines.len();
    let text: String = lines.into_values().map(|line| line + "\n").collect();
    write_whole(path, text.as_bytes())?;
    Ok(report)
}

fn line(at: i64, row: &OhlcRow) -> String {
    let OhlcRow { open, high, low, close, volume, count, .. } = row;
    format!("{at},{open},{high},{low},{close},{},{count}", volume.0.normalize())
}

/// Equal by value: `1.50` and `1.5` are the same.
fn same(a: &str, b: &str) -> bool {
    let values = |text: &str| text.split(',').map(|part| part.parse::<Number>().ok()).collect::<Vec<_>>();
    values(a) == values(b)
}

/// The first interval behind the file's end, when the exchange's rows begin later.
fn hole(lines: &BTreeMap<i64, String>, finished: &[&OhlcRow], interval: Interval) -> Option<UtcMs> {
    let next = UtcMs(lines.keys().next_back()?.saturating_mul(1_000)).plus(interval.ms());
    finished.first().filter(|row| row.open_time.ms() > next).map(|_| next)
}

fn existing(path: &Path) -> Result<BTreeMap<i64, String>, HistoryError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(HistoryError::file(path, &e)),
    };
    let mut lines = BTreeMap::new();
    for (n, line) in text.lines().enumerate() {
        let parts: Vec<&str> = line.split(',').collect();
        let numbers = parts.len() == 7 && parts.iter().all(|part| part.parse::<Number>().is_ok());
        let at = parts.first().and_then(|part| part.parse().ok()).filter(|_| numbers);
        let bad = || HistoryError::damaged(path, format!("line {} is not a candle", n.saturating_add(1)));
        if lines.insert(at.ok_or_else(bad)?, line.to_owned()).is_some() {
            return Err(HistoryError::damaged(path, format!("line {} repeats a time", n.saturating_add(1))));
        }
    }
    Ok(lines)
}
