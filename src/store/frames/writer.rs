//! Appends frames to files that turn over by size and hour.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::block::Gathering;
use super::{EXTENSION, FORMAT_NAME, FORMAT_VERSION, FrameSummary, FramesError, Header, HeaderLine, MAX_FRAME, failed};
use crate::domain::UtcMs;

/// When blocks and files end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// A block is written when its first frame is this old, in µs: what a crash can lose.
    pub block_us: i64,
    /// … or when its frames have this many bytes (at most 32 MiB are gathered).
    pub block_bytes: usize,
    /// A new file begins when this one has so many bytes on disk.
    pub file_bytes: u64,
    /// … or when an hour (UTC) begins.
    pub hourly: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { block_us: 5_000_000, block_bytes: 1 << 20, file_bytes: 256 << 20, hourly: true }
    }
}

const MOST_GATHERED: usize = 2 * MAX_FRAME;
const HOUR_US: i64 = 3_600_000_000;

/// One open file.
#[derive(Debug)]
struct Open {
    file: File,
    path: PathBuf,
    /// Bytes that are whole: header and blocks.
    length: u64,
    hour: i64,
}

/// Records frames. One writer per folder and venue; after a failed write it takes no more.
#[derive(Debug)]
pub struct FrameWriter {
    folder: PathBuf,
    header: Header,
    policy: Policy,
    open: Open,
    gathering: Gathering,
    summary: FrameSummary,
    stopped: bool,
}

impl FrameWriter {
    /// Creates the first file, `<venue>-<yyyymmdd>T<hhmmss>Z.frames`, in `folder`. An existing file is never touched.
    ///
    /// # Errors
    /// [`FramesError`] when the venue cannot be part of a name or the file cannot be written.
    pub fn create(folder: &Path, header: Header, policy: Policy) -> Result<Self, FramesError> {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if header.venue.is_empty() || header.venue.len() > 40 || !header.venue.chars().all(good) {
            return Err(FramesError::BadVenue { venue: header.venue });
        }
        std::fs::create_dir_all(folder).map_err(failed("create the folder", folder))?;
        let open = Open::create(folder, &header)?;
        let summary =
            FrameSummary { files: vec![open.path.clone()], file_bytes: open.length, ..FrameSummary::default() };
        let gathering = Gathering::default();
        Ok(Self { folder: folder.to_owned(), header, policy, open, gathering, summary, stopped: false })
    }

    /// The file that is written now.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.open.path
    }

    /// What is on disk so far; gathered frames are not in it.
    #[must_use]
    pub const fn summary(&self) -> &FrameSummary {
        &self.summary
    }

    /// Adds a frame that came at `at_us` (µs since the Unix epoch) on `connection`. Instants may go back when the clock was set.
    ///
    /// # Errors
    /// [`FramesError`] when the frame is too long or a write failed; after the latter the writer is done.
    pub fn append(&mut self, at_us: i64, connection: u32, frame: &[u8]) -> Result<(), FramesError> {
        if self.stopped {
            return Err(FramesError::Stopped { path: self.open.path.clone() });
        }
        if frame.len() > MAX_FRAME {
            return Err(FramesError::TooLong { length: frame.len() });
        }
        let hour = at_us.div_euclid(HOUR_US);
        if self.open.length >= self.policy.file_bytes || (self.policy.hourly && hour > self.open.hour) {
            self.turn(at_us)?;
        }
        self.gathering.push(at_us, connection, frame);
        if self.gathering.raw_len() >= self.policy.block_bytes.min(MOST_GATHERED) {
            return self.flush();
        }
        self.tick(at_us)
    }

    /// Writes the gathered frames when they are old enough. To be called now and then while nothing arrives.
    ///
    /// # Errors
    /// As [`FrameWriter::flush`].
    pub fn tick(&mut self, now_us: i64) -> Result<(), FramesError> {
        match self.gathering.span() {
            Some((earliest, _)) if now_us.saturating_sub(earliest) >= self.policy.block_us => self.flush(),
            _ => Ok(()),
        }
    }

    /// Writes the gathered frames as one block: they survive the end of the program from then on.
    ///
    /// # Errors
    /// [`FramesError::Io`]; the file is cut back to its last whole block and the gathered frames are lost.
    pub fn flush(&mut self) -> Result<(), FramesError> {
        if self.stopped {
            return Err(FramesError::Stopped { path: self.open.path.clone() });
        }
        let written = self.gathering.pack().and_then(|packed| {
            let Some((head, block)) = packed else { return Ok(None) };
            self.open.file.write_all(&block)?;
            Ok(Some((head, u64::try_from(block.len()).unwrap_or(u64::MAX))))
        });
        match written {
            Ok(None) => {}
            Ok(Some((head, length))) => {
                let bytes = u64::try_from(self.gathering.frame_bytes()).unwrap_or(u64::MAX);
                self.summary.add_block(u64::from(head.records), bytes, length, (head.earliest, head.latest));
                self.open.length += length;
            }
            Err(source) => {
                self.stopped = true;
                // A half block would read as the end of a cut file; without it the file ends cleanly.
                let _ = self.open.file.set_len(self.open.length);
                self.gathering.clear();
                return Err(FramesError::Io { action: "write", path: self.open.path.clone(), source });
            }
        }
        self.gathering.clear();
        Ok(())
    }

    /// Writes what is left, makes the file durable and says what was recorded.
    ///
    /// # Errors
    /// As [`FrameWriter::flush`].
    pub fn finish(mut self) -> Result<FrameSummary, FramesError> {
        self.flush()?;
        self.open.file.sync_all().map_err(failed("flush", &self.open.path))?;
        Ok(std::mem::take(&mut self.summary))
    }

    fn turn(&mut self, at_us: i64) -> Result<(), FramesError> {
        self.flush()?;
        self.open.file.sync_all().map_err(failed("flush", &self.open.path))?;
        self.header.started_at = UtcMs(at_us.div_euclid(1_000));
        self.open = Open::create(&self.folder, &self.header)?;
        self.summary.files.push(self.open.path.clone());
        self.summary.file_bytes += self.open.length;
        Ok(())
    }
}

impl Drop for FrameWriter {
    fn drop(&mut self) {
        if !self.stopped {
            // Whoever wants to know of a failure calls `finish`.
            let _ = self.flush();
        }
    }
}

impl Open {
    fn create(folder: &Path, header: &Header) -> Result<Self, FramesError> {
        let line = HeaderLine { format: FORMAT_NAME.to_owned(), version: FORMAT_VERSION, header: header.clone() };
        let text = serde_json::to_string(&line)
            .map_err(|e| FramesError::BadHeader { path: folder.to_owned(), reason: e.to_string() })?;
        let (mut file, path) = new_file(folder, header)?;
        file.write_all(format!("{text}\n").as_bytes()).map_err(failed("write", &path))?;
        let length = u64::try_from(text.len() + 1).unwrap_or(u64::MAX);
        Ok(Self { file, path, length, hour: header.started_at.0.div_euclid(HOUR_US / 1_000) })
    }
}

/// A file that did not exist; files of one second are told apart by a number.
fn new_file(folder: &Path, header: &Header) -> Result<(File, PathBuf), FramesError> {
    let instant = header.started_at.to_string().replace(['-', ':'], "");
    let mut number = 0_u32;
    loop {
        let suffix = if number == 0 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{}-{instant}{suffix}.{EXTENSION}", header.venue));
        match OpenOptions::new().append(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && number < 10_000 => number += 1,
            Err(e) => return Err(failed("create", &path)(e)),
        }
    }
}
