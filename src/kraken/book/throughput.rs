//! Frames through the books as fast as they go, for measurements. The caller holds the clock.

use super::Books;
use crate::kraken::wire::ws::{Inbound, decode};

/// What happened to the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub frames: u64,
    pub bytes: u64,
    /// Read from their bytes.
    pub fast: u64,
    /// Read by the decoder.
    pub decoded: u64,
    /// Neither a book frame nor one of a known symbol, or not readable.
    pub ignored: u64,
    /// Books found wrong.
    pub faults: u64,
    /// Frames after which the best levels were others.
    pub tops: u64,
}

/// Sends `frames` through `books` `rounds` times, each frame the way the link does: from its bytes, else decoded. To be repeatable, they
/// begin with the snapshots.
pub fn run(books: &mut Books, frames: &[Vec<u8>], rounds: u32) -> Counts {
    let mut counts = Counts::default();
    for _ in 0..rounds {
        for frame in frames {
            one(books, frame, &mut counts);
        }
    }
    counts
}

fn one(books: &mut Books, frame: &[u8], counts: &mut Counts) {
    counts.frames += 1;
    counts.bytes += frame.len() as u64;
    if let Some(outcome) = books.on_frame(frame) {
        counts.fast += 1;
        return counts.add(outcome.result);
    }
    let Ok(Inbound::Book { kind, rows }) = decode(frame) else {
        counts.ignored += 1;
        return;
    };
    counts.decoded += 1;
    for outcome in rows.iter().filter_map(|row| books.on_rows(&kind, row)) {
        counts.add(outcome.result);
    }
}

impl Counts {
    fn add<E>(&mut self, result: Result<bool, E>) {
        match result {
            Ok(top) => self.tops += u64::from(top),
            Err(_) => self.faults += 1,
        }
    }
}
