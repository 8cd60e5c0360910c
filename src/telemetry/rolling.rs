//! Log files that roll over by UTC day and by size, with a bounded number kept.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;

/// Writes whole lines to `<dir>/cst.<date>.jsonl`, then `cst.<date>.1.jsonl` and so on when one is full.
///
/// Always true: one `write` lands in one file; at most `keep_files` files of ours are left; other files are never touched.
pub struct RollingFile {
    dir: PathBuf,
    keep_files: usize,
    max_bytes: u64,
    clock: Arc<dyn Clock>,
    name: Name,
    file: File,
    bytes: u64,
    /// The file ends in the middle of a line (a crash, a full disk): the next record begins on a new one.
    torn: bool,
}

/// Name of a log file; the order is the order in time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    date: String,
    part: u32,
}

impl Name {
    fn file_name(&self) -> String {
        match self.part {
            0 => format!("cst.{}.jsonl", self.date),
            part => format!("cst.{}.{part}.jsonl", self.date),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix("cst.")?.strip_suffix(".jsonl")?;
        let (date, part) = match inner.split_once('.') {
            Some((date, part)) => (date, part.parse().ok().filter(|part| *part > 0)?),
            None => (inner, 0),
        };
        let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
        let name = Self { date: date.to_owned(), part };
        (date.chars().map(shape).eq("0000-00-00".chars()) && name.file_name() == text).then_some(name)
    }
}

impl RollingFile {
    /// Opens today's newest file, creating the folder when needed.
    ///
    /// # Errors
    /// When the folder or the file can't be created or written.
    pub fn open(dir: &Path, keep_files: usize, max_bytes: u64, clock: Arc<dyn Clock>) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let date = clock.now().date();
        let newest = names(dir)?.into_iter().filter(|name| name.date == date).max();
        let name = newest.unwrap_or(Name { date, part: 0 });
        let (file, bytes, torn) = open_end(&dir.join(name.file_name()))?;
        let log = Self { dir: dir.to_owned(), keep_files, max_bytes, clock, name, file, bytes, torn };
        log.prune();
        Ok(log)
    }

    /// The file that is being written.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.join(self.name.file_name())
    }

    /// Moves on when the day is over or the file is full. If the next file can't be opened, the present one goes on.
    fn roll(&mut self, incoming: usize) {
        let date = self.clock.now().date();
        // A clock that was set back does not reopen yesterday's file.
        let next = if date > self.name.date {
            Name { date, part: 0 }
        } else if self.bytes > 0 && self.bytes.saturating_add(incoming as u64) > self.max_bytes {
            Name { date: self.name.date.clone(), part: self.name.part.saturating_add(1) }
        } else {
            return;
        };
        if let Ok((file, bytes, torn)) = open_end(&self.dir.join(next.file_name())) {
            (self.file, self.bytes, self.torn, self.name) = (file, bytes, torn, next);
            self.prune();
        }
    }

    /// Deletes the oldest files over the number to keep. A file that can't be deleted now is tried again at the next change of files.
    fn prune(&self) {
        let mut names = names(&self.dir).unwrap_or_default();
        names.sort_unstable();
        let over = names.len().saturating_sub(self.keep_files.max(1));
        for name in names.iter().filter(|name| **name != self.name).take(over) {
            drop(std::fs::remove_file(self.dir.join(name.file_name())));
        }
    }
}

impl Write for RollingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.roll(line.len());
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
            self.bytes = self.bytes.saturating_add(1);
        }
        if let Err(e) = self.file.write_all(line) {
            self.torn = true;
            return Err(e);
        }
        self.bytes = self.bytes.saturating_add(line.len() as u64);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens a file for appending; gives its size and whether its last line is unfinished.
fn open_end(path: &Path) -> io::Result<(File, u64, bool)> {
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let bytes = file.metadata()?.len();
    let mut last = [b'\n'];
    if bytes > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok((file, bytes, last != [b'\n']))
}

/// Our log files in a folder, in no order.
fn names(dir: &Path) -> io::Result<Vec<Name>> {
    let entries = std::fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    let files = entries.iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    Ok(files.filter_map(|entry| Name::parse(entry.file_name().to_str()?)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::time::{DAY_MS, UtcMs};

    fn noon() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(UtcMs::parse("2024-07-17T12:00:00Z").unwrap()))
    }

    fn listed(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_day_begins_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let clock = noon();
        let mut log = RollingFile::open(dir.path(), 10, 1_000, clock.clone()).unwrap();
        log.write_all(b"a\n").unwrap();
        clock.advance(DAY_MS);
        log.write_all(b"b\n").unwrap();
        clock.advance(-DAY_MS);
        log.write_all(b"c\n").unwrap();
        assert_eq!(listed(dir.path()), ["cst.2024-07-17.jsonl", "cst.2024-07-18.jsonl"]);
        assert_eq!(std::fs::read_to_string(dir.path().join("cst.2024-07-17.jsonl")).unwrap(), "a\n");
        assert_eq!(std::fs::read_to_string(log.path()).unwrap(), "b\nc\n");
    }

    #[test]
    fn a_full_file_is_followed_by_the_next_and_lines_stay_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = RollingFile::open(dir.path(), 100, 25, noon()).unwrap();
        for n in 0..12 {
            log.write_all(format!("line {n:03}\n").as_bytes()).unwrap();
        }
        // A record larger than a file still goes somewhere, alone.
        log.write_all(format!("{}\n", "x".repeat(40)).as_bytes()).unwrap();
        let mut lines = 0;
        for name in listed(dir.path()) {
            let text = std::fs::read_to_string(dir.path().join(&name)).unwrap();
            assert!(text.ends_with('\n') && (text.len() <= 25 || text.lines().count() == 1), "{name}: {text}");
            lines += text.lines().count();
        }
        assert_eq!(lines, 13);
    }

    #[test]
    fn only_the_newest_files_are_kept_and_strangers_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for name in
            ["README.md", "cst.2024-01-01.jsonl", "cst.2024-01-01.x.jsonl", "cst.2024-01-01.0.jsonl", "cst.old.jsonl"]
        {
            std::fs::write(dir.path().join(name), "keep?\n").unwrap();
        }
        let mut log = RollingFile::open(dir.path(), 3, 10, noon()).unwrap();
        for n in 0..12 {
            log.write_all(format!("line {n:03}\n").as_bytes()).unwrap();
        }
        assert_eq!(
            listed(dir.path()),
            [
                "README.md",
                "cst.2024-01-01.0.jsonl",
                "cst.2024-01-01.x.jsonl",
                "cst.2024-07-17.10.jsonl",
                "cst.2024-07-17.11.jsonl",
                "cst.2024-07-17.9.jsonl",
                "cst.old.jsonl",
            ]
        );
    }

    #[test]
    fn a_restart_goes_on_where_it_stopped_even_after_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("cst.2024-07-17.jsonl"), "old\n").unwrap();
        std::fs::write(dir.path().join("cst.2024-07-17.2.jsonl"), "{\"torn").unwrap();
        let mut log = RollingFile::open(dir.path(), 10, 100, noon()).unwrap();
        log.write_all(b"new\n").unwrap();
        let text = std::fs::read_to_string(dir.path().join("cst.2024-07-17.2.jsonl")).unwrap();
        assert_eq!(text, "{\"torn\nnew\n");
    }

    #[test]
    fn a_folder_that_is_a_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs");
        std::fs::write(&path, "").unwrap();
        assert!(RollingFile::open(&path, 1, 1, noon()).is_err());
    }
}
