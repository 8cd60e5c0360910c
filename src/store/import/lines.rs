//! Lines of bounded length.

use std::io::{self, BufRead};

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The buffer holds the line without its end.
    Whole,
    /// The line is longer than allowed; the buffer holds its beginning, the rest was passed over.
    TooLong,
    End,
}

/// Reads lines that end with `\n` or `\r\n`. Never keeps more of one than `longest` bytes.
pub(super) struct Lines<R> {
    input: R,
    longest: usize,
    /// Number of the line that was read last, from 1.
    pub line: u64,
    pub bytes: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(input: R, longest: usize) -> Self {
        Self { input, longest, line: 0, bytes: 0 }
    }

    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        line.clear();
        let (mut any, mut too_long) = (false, false);
        loop {
            let chunk = match self.input.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = chunk.iter().position(|b| *b == b'\n');
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            let room = self.longest.saturating_sub(line.len());
            too_long |= part.len() > room;
            line.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            self.bytes += u64::try_from(used).unwrap_or(u64::MAX);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(Line::End);
        }
        self.line += 1;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if self.line == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        Ok(if too_long { Line::TooLong } else { Line::Whole })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_counted() {
        let text = b"\xef\xbb\xbfa,b\r\n\n0123456789ABC\nlast".as_slice();
        // A small buffer, so that lines straddle it.
        let mut lines = Lines::new(std::io::BufReader::with_capacity(4, text), 8);
        let mut line = Vec::new();
        let mut seen = Vec::new();
        loop {
            match lines.next(&mut line).unwrap() {
                Line::End => break,
                kind => seen.push((lines.line, kind, String::from_utf8(line.clone()).unwrap())),
            }
        }
        assert_eq!(
            seen,
            [
                (1, Line::Whole, "a,b".to_owned()),
                (2, Line::Whole, String::new()),
                (3, Line::TooLong, "01234567".to_owned()),
                (4, Line::Whole, "last".to_owned()),
            ]
        );
        assert_eq!(lines.bytes, text.len() as u64);
        assert!(line.capacity() < 64, "nothing of a long line is kept");
    }
}
