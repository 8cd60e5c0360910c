//! Reads recorded frames, from the beginning or from an instant on.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::block::{self, HEAD, Head};
use super::{FORMAT_NAME, FORMAT_VERSION, FrameSummary, FramesError, Header, HeaderLine, MAX_HEADER, failed};

/// One recorded frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When it came, in microseconds since the Unix epoch.
    pub at_us: i64,
    pub connection: u32,
    pub bytes: &'a [u8],
}

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// With a whole block.
    Whole,
    /// Within a block: the recorder was stopped hard. So many bytes from `offset` on are not read.
    Cut { offset: u64, bytes: u64 },
    /// What stands at `offset` is not a block, and what follows cannot be found.
    Damaged { offset: u64, bytes: u64 },
}

/// What a whole reading of a file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Of the blocks that can be read.
    pub summary: FrameSummary,
    /// Offsets of blocks that cannot.
    pub damaged: Vec<u64>,
    pub tail: Tail,
}

impl Verified {
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.damaged.is_empty() && matches!(self.tail, Tail::Whole)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) head: Head,
}

/// The block whose frames are handed out.
#[derive(Debug, Default)]
struct Current {
    raw: Vec<u8>,
    /// Where the next record begins in `raw`.
    next: usize,
    left: u32,
    before: i64,
}

/// Reads one file. Its heads are read at once, its blocks one at a time.
#[derive(Debug)]
pub struct FrameReader {
    file: File,
    path: PathBuf,
    header: Header,
    header_len: u64,
    pub(super) places: Vec<Place>,
    tail: Tail,
    next_place: usize,
    current: Current,
    not_before: i64,
}

impl FrameReader {
    /// Reads the header and looks for the blocks.
    ///
    /// # Errors
    /// [`FramesError`] when the file is absent or does not begin like a recording of this or an older format.
    pub fn open(path: &Path) -> Result<Self, FramesError> {
        let mut file = File::open(path).map_err(failed("open", path))?;
        let length = file.metadata().map_err(failed("read", path))?.len();
        let (header, header_len) = header(&mut file, path)?;
        let (places, tail) = places(&mut file, header_len, length).map_err(failed("read", path))?;
        let current = Current::default();
        let path = path.to_owned();
        Ok(Self { file, path, header, header_len, places, tail, next_place: 0, current, not_before: i64::MIN })
    }

    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// How the file ends. To be shown: what is behind a cut or a damage is lost.
    #[must_use]
    pub const fn tail(&self) -> Tail {
        self.tail
    }

    /// Earliest and latest instant according to the heads, in µs.
    #[must_use]
    pub fn span_us(&self) -> Option<(i64, i64)> {
        let earliest = self.places.iter().map(|p| p.head.earliest).min()?;
        Some((earliest, self.places.iter().map(|p| p.head.latest).max()?))
    }

    /// The next frame is the first one of the file that came at `at_us` or later; earlier ones behind it (after a clock was set back) are
    /// left out as well.
    pub fn seek(&mut self, at_us: i64) {
        self.next_place = self.places.iter().take_while(|p| p.head.latest < at_us).count();
        self.current = Current::default();
        self.not_before = at_us;
    }

    /// The next frame, or `None` at the end of what can be read.
    ///
    /// # Errors
    /// [`FramesError::Damaged`] once for each block that cannot be read: its frames, or the rest of them, are missing. Reading may go on.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FramesError> {
        loop {
            while self.current.left == 0 {
                let Some(place) = self.places.get(self.next_place).copied() else { return Ok(None) };
                self.next_place += 1;
                self.current = self.load(place)?;
            }
            let rest = self.current.raw.get(self.current.next..).unwrap_or_default();
            let Some((at_us, connection, frame, after)) = block::record(self.current.before, rest) else {
                return Err(self.bad_record());
            };
            let end = self.current.raw.len() - after.len();
            let begin = end - frame.len();
            self.current.next = end;
            self.current.left -= 1;
            self.current.before = at_us;
            if at_us >= self.not_before {
                let bytes = self.current.raw.get(begin..end).unwrap_or_default();
                return Ok(Some(Frame { at_us, connection, bytes }));
            }
        }
    }

    /// Reads the whole file from its beginning and goes back there.
    ///
    /// # Errors
    /// [`FramesError::Io`] when it cannot be read; damage is part of the answer.
    pub fn verify(&mut self) -> Result<Verified, FramesError> {
        self.seek(i64::MIN);
        let mut summary = FrameSummary { files: vec![self.path.clone()], ..FrameSummary::default() };
        let mut damaged = Vec::new();
        while let Some(place) = self.places.get(self.next_place).copied() {
            self.next_place += 1;
            match self.load(place).and_then(|current| self.judge(place, &current)) {
                Ok(bytes) => {
                    let on_disk = u64::try_from(HEAD + place.head.packed).unwrap_or(u64::MAX);
                    let span = (place.head.earliest, place.head.latest);
                    summary.add_block(u64::from(place.head.records), bytes, on_disk, span);
                }
                Err(FramesError::Damaged { offset, .. }) => damaged.push(offset),
                Err(other) => return Err(other),
            }
        }
        summary.file_bytes += self.header_len;
        self.seek(i64::MIN);
        Ok(Verified { summary, damaged, tail: self.tail })
    }

    /// Bytes of the frames of a block, each of which must be whole and within the head's span.
    fn judge(&self, place: Place, current: &Current) -> Result<u64, FramesError> {
        let (mut rest, mut before, mut bytes) = (current.raw.as_slice(), current.before, 0_u64);
        for _ in 0..place.head.records {
            match block::record(before, rest) {
                Some((at, _, frame, after)) if (place.head.earliest..=place.head.latest).contains(&at) => {
                    (rest, before) = (after, at);
                    bytes += u64::try_from(frame.len()).unwrap_or(u64::MAX);
                }
                _ => return Err(self.damaged(place.offset, "a record in it is not whole")),
            }
        }
        if rest.is_empty() { Ok(bytes) } else { Err(self.damaged(place.offset, "it holds more than its records")) }
    }

    fn load(&mut self, place: Place) -> Result<Current, FramesError> {
        let mut payload = vec![0; place.head.packed];
        let begin = place.offset + HEAD as u64;
        let read = self.file.seek(SeekFrom::Start(begin)).and_then(|_| self.file.read_exact(&mut payload));
        read.map_err(failed("read", &self.path))?;
        let raw = block::unpack(&place.head, &payload).map_err(|reason| self.damaged(place.offset, &reason))?;
        Ok(Current { raw, next: 0, left: place.head.records, before: place.head.earliest })
    }

    fn bad_record(&mut self) -> FramesError {
        self.current.left = 0;
        let offset = self.next_place.checked_sub(1).and_then(|n| self.places.get(n)).map_or(0, |p| p.offset);
        self.damaged(offset, "a record in it is not whole")
    }

    fn damaged(&self, offset: u64, reason: &str) -> FramesError {
        FramesError::Damaged { path: self.path.clone(), offset, reason: reason.to_owned() }
    }
}

fn header(file: &mut File, path: &Path) -> Result<(Header, u64), FramesError> {
    let bad = |reason: String| FramesError::BadHeader { path: path.to_owned(), reason };
    let mut line = Vec::new();
    BufReader::new(file).take(MAX_HEADER as u64).read_until(b'\n', &mut line).map_err(failed("read", path))?;
    if line.last() != Some(&b'\n') {
        return Err(bad("its first line is not whole".to_owned()));
    }
    let wrong = |e: serde_json::Error| bad(format!("its first line is not a header ({e})"));
    // Name and version first: a newer header may look otherwise.
    #[derive(serde::Deserialize)]
    struct Name {
        format: String,
        version: u32,
    }
    let name: Name = serde_json::from_slice(&line).map_err(wrong)?;
    if name.format != FORMAT_NAME {
        return Err(bad(format!("its first line says '{}'", name.format.chars().take(40).collect::<String>())));
    }
    if name.version > FORMAT_VERSION {
        return Err(FramesError::NewerFormat { path: path.to_owned(), found: name.version });
    }
    let header: HeaderLine = serde_json::from_slice(&line).map_err(wrong)?;
    Ok((header.header, line.len() as u64))
}

/// Hops from head to head.
fn places(file: &mut File, begin: u64, length: u64) -> std::io::Result<(Vec<Place>, Tail)> {
    let mut places = Vec::new();
    let mut offset = begin;
    while offset < length {
        let bytes = length - offset;
        if bytes < HEAD as u64 {
            return Ok((places, Tail::Cut { offset, bytes }));
        }
        let mut head = [0; HEAD];
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut head)?;
        let Some(head) = Head::parse(&head) else {
            return Ok((places, Tail::Damaged { offset, bytes }));
        };
        let whole = HEAD as u64 + head.packed as u64;
        if bytes < whole {
            return Ok((places, Tail::Cut { offset, bytes }));
        }
        places.push(Place { offset, head });
        offset += whole;
    }
    Ok((places, Tail::Whole))
}
