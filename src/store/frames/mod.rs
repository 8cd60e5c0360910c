//! Recorded WebSocket frames: what a live connection said, byte for byte, with the instant and the connection of each frame.
//!
//! Serves the recorder (`cst data record`), the replay and the stand-in. In go frames as text, out come the same bytes in the same order. A
//! file is one line of JSON ([`Header`]) and then blocks, each compressed and checked on its own (`block.rs`). Always true: a file that
//! was cut at any byte reads up to its last whole block and says that it was cut; a changed byte is an error, never another frame.

mod block;
mod reader;
mod writer;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use reader::{Frame, FrameReader, Tail, Verified};
pub use writer::{FrameWriter, Policy};

use crate::domain::UtcMs;

/// Version of the format that is written.
pub const FORMAT_VERSION: u32 = 1;
/// Longest frame that is taken: 16 MiB.
pub const MAX_FRAME: usize = 16 << 20;
/// Extension of the files.
pub const EXTENSION: &str = "frames";
const FORMAT_NAME: &str = "cst-frames";
const MAX_HEADER: usize = 64 << 10;

/// Where frames come from. Kept in every file, so that a stand-in's frames are never taken for the market's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    #[serde(rename = "recorded live")]
    Live,
    #[serde(rename = "stand-in")]
    StandIn,
}

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Lower-case letters, digits, `-` and `_`; part of the file's name.
    pub venue: String,
    pub url: String,
    /// Instant of the first frame of the file, or of its creation.
    pub started_at: UtcMs,
    /// Name and version of the program that recorded.
    pub program: String,
    pub symbols: Vec<String>,
    pub origin: Origin,
}

/// The header as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct HeaderLine {
    format: String,
    version: u32,
    #[serde(flatten)]
    header: Header,
}

/// What was written, or what a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrameSummary {
    pub frames: u64,
    /// Length of all frames, uncompressed.
    pub bytes: u64,
    pub blocks: u64,
    /// Length on disk, headers included.
    pub file_bytes: u64,
    /// Earliest and latest instant, in microseconds since the Unix epoch.
    pub span_us: Option<(i64, i64)>,
    pub files: Vec<PathBuf>,
}

impl FrameSummary {
    fn add_block(&mut self, frames: u64, bytes: u64, on_disk: u64, (first, last): (i64, i64)) {
        self.frames += frames;
        self.bytes += bytes;
        self.blocks += 1;
        self.file_bytes += on_disk;
        self.span_us = Some(self.span_us.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
    }
}

/// What can go wrong with recorded frames.
#[derive(Debug, thiserror::Error)]
pub enum FramesError {
    #[error("cannot {action} '{}': {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("'{}' is not a recording of frames: {reason}", path.display())]
    BadHeader { path: PathBuf, reason: String },
    #[error("'{}' has format {found}, this program knows up to {FORMAT_VERSION}; use the newer program", path.display())]
    NewerFormat { path: PathBuf, found: u32 },
    /// The frames of one block are lost; those of the next one can be read.
    #[error("the block at byte {offset} of '{}' is damaged: {reason}", path.display())]
    Damaged { path: PathBuf, offset: u64, reason: String },
    #[error("a frame of {length} bytes is longer than the {MAX_FRAME} that are recorded")]
    TooLong { length: usize },
    #[error("'{venue}' cannot name a venue: use lower-case letters, digits, '-' and '_'")]
    BadVenue { venue: String },
    #[error("nothing more is recorded into '{}': an earlier write failed", path.display())]
    Stopped { path: PathBuf },
}

fn failed(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> FramesError {
    let path = path.to_owned();
    move |source| FramesError::Io { action, path, source }
}

#[cfg(test)]
mod tests;
