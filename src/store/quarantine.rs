//! Refused rows on disk: JSON lines, one a row, with the reason and the row as it was received.
//!
//! ```json
//! {"known_time":"2024-07-17T09:30:00Z","kind":"candle","reason":"off_grid","pair":"BTC/USD","venue":"kraken","source":"5m candles","row":{…}}
//! ```

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{StoreError, files};
use crate::domain::Quarantined;

/// Writes to `<dir>/quarantine.<n>.jsonl`, and to the next number when one is full.
///
/// Always true: a record is one line in one file; at most `keep_files` files of ours are left, the newest ones; other files are never touched. Nothing
/// is created before the first record.
#[derive(Debug)]
pub struct QuarantineFile {
    dir: PathBuf,
    keep_files: usize,
    max_bytes: u64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    number: u32,
    path: PathBuf,
    file: File,
    bytes: u64,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    known_time: String,
    kind: &'a str,
    reason: &'a str,
    pair: &'a str,
    venue: &'a str,
    source: &'a str,
    row: Box<RawValue>,
}

impl QuarantineFile {
    #[must_use]
    pub fn new(dir: &Path, keep_files: usize, max_bytes: u64) -> Self {
        Self { dir: dir.to_owned(), keep_files: keep_files.max(1), max_bytes: max_bytes.max(1), open: None }
    }

    /// Appends the rows, in one write for each file that they go to.
    ///
    /// # Errors
    /// [`StoreError`] naming the folder or file that can't be written. The next call tries again with a new handle.
    pub fn append(&mut self, rows: &[Quarantined]) -> Result<(), StoreError> {
        let mut text = String::new();
        for row in rows {
            let line = line(row)?;
            if !text.is_empty() && self.is_full(text.len() + line.len()) {
                self.write(&text)?;
                text.clear();
            }
            text.push_str(&line);
        }
        if text.is_empty() { Ok(()) } else { self.write(&text) }
    }

    fn is_full(&self, more: usize) -> bool {
        let bytes = self.open.as_ref().map_or(0, |o| o.bytes);
        bytes.saturating_add(more as u64) > self.max_bytes
    }

    fn write(&mut self, text: &str) -> Result<(), StoreError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.open_newest()?,
        };
        if open.bytes > 0 && open.bytes.saturating_add(text.len() as u64) > self.max_bytes {
            open = self.open_file(open.number.saturating_add(1))?;
            self.prune(open.number);
        }
        // On failure the handle is dropped: what a half-written line leaves is seen when the file is opened again.
        open.file.write_all(text.as_bytes()).map_err(files::failed("write", &open.path))?;
        open.bytes = open.bytes.saturating_add(text.len() as u64);
        self.open = Some(open);
        Ok(())
    }

    fn open_newest(&self) -> Result<Open, StoreError> {
        files::create_folder(&self.dir)?;
        self.open_file(self.numbers()?.into_iter().max().unwrap_or(1))
    }

    /// Opens a file for appending; an unfinished last line (a crash, a full disk) is ended, so that the next record has its own.
    fn open_file(&self, number: u32) -> Result<Open, StoreError> {
        let path = self.dir.join(name(number));
        let failed = |action| files::failed(action, &path);
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path).map_err(failed("open"))?;
        let mut bytes = file.metadata().map_err(failed("read"))?.len();
        let mut last = [b'\n'];
        if bytes > 0 {
            file.seek(SeekFrom::End(-1)).map_err(failed("read"))?;
            file.read_exact(&mut last).map_err(failed("read"))?;
        }
        if last != [b'\n'] {
            file.write_all(b"\n").map_err(failed("write"))?;
            bytes = bytes.saturating_add(1);
        }
        Ok(Open { number, path, file, bytes })
    }

    fn numbers(&self) -> Result<Vec<u32>, StoreError> {
        let failed = || files::failed("list", &self.dir);
        let entries = std::fs::read_dir(&self.dir).map_err(failed())?;
        let entries = entries.collect::<std::io::Result<Vec<_>>>().map_err(failed())?;
        Ok(entries.iter().filter_map(|entry| number(entry.file_name().to_str()?)).collect())
    }

    /// Deletes the oldest files over the number to keep. One that can't be deleted now is tried again at the next change of files.
    fn prune(&self, newest: u32) {
        let mut numbers = self.numbers().unwrap_or_default();
        numbers.retain(|n| *n < newest);
        numbers.sort_unstable();
        let over = (numbers.len() + 1).saturating_sub(self.keep_files);
        for number in numbers.into_iter().take(over) {
            drop(std::fs::remove_file(self.dir.join(name(number))));
        }
    }
}

fn name(number: u32) -> String {
    format!("quarantine.{number:06}.jsonl")
}

fn number(text: &str) -> Option<u32> {
    let number = text.strip_prefix("quarantine.")?.strip_suffix(".jsonl")?.parse().ok()?;
    (name(number) == text).then_some(number)
}

fn line(row: &Quarantined) -> Result<String, StoreError> {
    let bad = |e: serde_json::Error| StoreError::NotJson { reason: e.to_string() };
    // A row that is no JSON itself stands there as a text.
    let raw = match RawValue::from_string(row.row.clone()) {
        Ok(raw) => raw,
        Err(_) => serde_json::value::to_raw_value(&row.row).map_err(bad)?,
    };
    let line = Line {
        known_time: row.known_time.to_string(),
        kind: row.kind.as_str(),
        reason: row.reason.as_str(),
        pair: &row.pair,
        venue: &row.venue,
        source: &row.source,
        row: raw,
    };
    let mut text = serde_json::to_string(&line).map_err(bad)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DataKind, Interval, RawCandle, RejectReason, UtcMs, Venue};

    fn refused(slot: i64) -> Quarantined {
        let row = RawCandle {
            pair: "BTC/USD".parse().unwrap(),
            venue: Venue::Kraken,
            interval: Interval::M5,
            open_time: UtcMs(slot * 300_000),
            open: f64::NAN,
            high: f64::INFINITY,
            low: 1.5,
            close: 2.0,
            volume: 0.1,
            trades: None,
        };
        Quarantined {
            kind: DataKind::Candle,
            reason: RejectReason::NotFinite,
            pair: "BTC/USD".to_owned(),
            venue: "kraken".to_owned(),
            source: "5m candles".to_owned(),
            known_time: UtcMs(slot * 300_000),
            row: row.as_received(),
        }
    }

    fn files(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_record_says_everything_and_keeps_what_json_cannot() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("q");
        let mut file = QuarantineFile::new(&dir, 3, 1_000_000);
        assert!(file.append(&[]).is_ok() && !dir.exists(), "nothing before the first record");
        let text_row = Quarantined { row: "not \"json\"\n".to_owned(), ..refused(2) };
        file.append(&[refused(1), text_row]).unwrap();
        let text = std::fs::read_to_string(dir.join("quarantine.000001.jsonl")).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["known_time"], "1970-01-01T00:05:00Z");
        assert_eq!((&lines[0]["kind"], &lines[0]["reason"]), (&"candle".into(), &"not_finite".into()));
        assert_eq!((&lines[0]["row"]["open"], &lines[0]["row"]["high"]), (&"NaN".into(), &"inf".into()));
        assert_eq!(lines[0]["row"]["low"], 1.5);
        assert_eq!(lines[1]["row"], "not \"json\"\n");
    }

    #[test]
    fn files_roll_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("quarantine.x.jsonl"), "not ours").unwrap();
        let rows: Vec<_> = (0..40).map(refused).collect();
        let one = line(&rows[0]).unwrap().len() as u64;
        let mut file = QuarantineFile::new(dir.path(), 3, one * 10);
        file.append(&rows).unwrap();
        for row in &rows[..5] {
            file.append(std::slice::from_ref(row)).unwrap();
        }
        let names = files(dir.path());
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(names.contains(&"quarantine.x.jsonl".to_owned()));
        assert!(!names.contains(&"quarantine.000001.jsonl".to_owned()));
        // A new handle goes on where the last one stopped, also behind a torn line.
        let newest = dir.path().join(&names[2]);
        let mut torn = std::fs::read(&newest).unwrap();
        torn.extend_from_slice(b"{\"torn");
        std::fs::write(&newest, torn).unwrap();
        QuarantineFile::new(dir.path(), 3, u64::MAX).append(&rows[..1]).unwrap();
        let text = std::fs::read_to_string(&newest).unwrap();
        let last = text.lines().last().unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(last).is_ok(), "{last}");
    }

    #[test]
    fn a_folder_that_cannot_be_is_an_error_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let taken = dir.path().join("taken");
        std::fs::write(&taken, "a file").unwrap();
        let error = QuarantineFile::new(&taken, 3, 1_000).append(&[refused(1)]).unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
        std::fs::remove_file(&taken).unwrap();
    }
}
