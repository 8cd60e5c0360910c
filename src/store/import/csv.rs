//! Rows of separated values, one in each line.

use std::io::BufRead;
use std::path::PathBuf;

use super::lines::{Line, Lines};
use super::row::{RowBuf, Source, Step};
use super::{ImportError, Mapping, Reason, Refusal};
use crate::store::files;

/// Takes a line apart. A value may stand in double quotes, but holds none: no number or name does.
///
/// # Errors
/// [`Reason::BadQuotes`].
pub(super) fn split<'a>(line: &'a str, delimiter: char, fields: &mut Vec<&'a str>) -> Result<(), Reason> {
    fields.clear();
    let mut rest = line;
    loop {
        if let Some(quoted) = rest.trim_start_matches(' ').strip_prefix('"') {
            let (field, after) = quoted.split_once('"').ok_or(Reason::BadQuotes)?;
            fields.push(field);
            let after = after.trim_start_matches(' ');
            match after.strip_prefix(delimiter) {
                Some(next) => rest = next,
                None if after.is_empty() => return Ok(()),
                None => return Err(Reason::BadQuotes),
            }
        } else {
            match rest.split_once(delimiter) {
                Some((field, next)) => {
                    fields.push(field.trim());
                    rest = next;
                }
                None => {
                    fields.push(rest.trim());
                    return Ok(());
                }
            }
        }
    }
}

/// The rows of a CSV file.
pub(super) struct CsvSource<R> {
    lines: Lines<R>,
    path: PathBuf,
    delimiter: char,
    width: usize,
    places: Vec<Option<usize>>,
    line: Vec<u8>,
    /// What was read to learn the width and is still to be handed out.
    held: Option<Line>,
}

impl<R: BufRead> CsvSource<R> {
    /// Reads up to the header and finds the columns.
    ///
    /// # Errors
    /// When the file cannot be read, or a column of the mapping is not there.
    pub(super) fn open(input: R, path: PathBuf, mapping: &Mapping, longest: usize) -> Result<Self, ImportError> {
        let lines = Lines::new(input, longest);
        let delimiter = mapping.delimiter.unwrap_or(',');
        let mut source = Self { lines, path, delimiter, width: 0, places: Vec::new(), line: Vec::new(), held: None };
        for _ in 0..mapping.skip {
            source.read()?;
        }
        let (kind, names) = source.first(mapping.header)?;
        let refused = |refusal| ImportError::Refused { path: source.path.clone(), refusal };
        if mapping.header {
            source.width = names.len();
            source.places = mapping.places(Some(&names), names.len()).map_err(refused)?;
        } else {
            source.width = mapping.width.unwrap_or(names.len());
            source.places = mapping.places(None, source.width).map_err(refused)?;
            source.held = Some(kind);
        }
        Ok(source)
    }

    /// The values of the first line that is not blank; a header must be whole.
    fn first(&mut self, header: bool) -> Result<(Line, Vec<String>), ImportError> {
        let kind = loop {
            match self.read()? {
                Line::Whole if self.line.iter().all(u8::is_ascii_whitespace) => {}
                other => break other,
            }
        };
        let refused = |refusal| ImportError::Refused { path: self.path.clone(), refusal };
        if kind == Line::End {
            return Err(refused(Refusal::Empty));
        }
        let text = String::from_utf8_lossy(&self.line);
        let mut fields = Vec::new();
        let split = split(&text, self.delimiter, &mut fields);
        if header && (kind == Line::TooLong || split.is_err()) {
            return Err(refused(Refusal::Missing("header")));
        }
        Ok((kind, fields.into_iter().map(str::to_owned).collect()))
    }

    fn read(&mut self) -> Result<Line, ImportError> {
        self.lines.next(&mut self.line).map_err(|e| files::failed("read", &self.path)(e).into())
    }

    fn fill(&self, row: &mut RowBuf) -> Result<(), Reason> {
        let text = std::str::from_utf8(&self.line).map_err(|_| Reason::NotUtf8)?;
        if text.contains('\0') {
            return Err(Reason::BinaryData);
        }
        let mut fields = Vec::with_capacity(self.width);
        split(text, self.delimiter, &mut fields)?;
        if fields.len() != self.width {
            return Err(Reason::WrongColumnCount);
        }
        for place in &self.places {
            row.push(place.and_then(|n| fields.get(n).copied()));
        }
        Ok(())
    }
}

impl<R: BufRead> Source for CsvSource<R> {
    fn next(&mut self, row: &mut RowBuf) -> Result<Step, ImportError> {
        loop {
            let kind = match self.held.take() {
                Some(kind) => kind,
                None => self.read()?,
            };
            row.clear();
            let filled = match kind {
                Line::End => return Ok(Step::End),
                Line::TooLong => Err(Reason::LineTooLong),
                Line::Whole if self.line.iter().all(u8::is_ascii_whitespace) => continue,
                Line::Whole => self.fill(row),
            };
            let line = self.lines.line;
            return Ok(match filled {
                Ok(()) => Step::Row { line },
                Err(reason) => Step::Bad { line, reason, text: String::from_utf8_lossy(&self.line).into_owned() },
            });
        }
    }

    fn bytes(&self) -> u64 {
        self.lines.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str, delimiter: char) -> Result<Vec<&str>, Reason> {
        let mut fields = Vec::new();
        split(line, delimiter, &mut fields)?;
        Ok(fields)
    }

    #[test]
    fn lines_are_taken_apart() {
        assert_eq!(parts("a, b ,c", ','), Ok(vec!["a", "b", "c"]));
        assert_eq!(parts("a,,", ','), Ok(vec!["a", "", ""]));
        assert_eq!(parts("", ','), Ok(vec![""]));
        assert_eq!(parts("\"1,5\";\"x\" ; \"\"", ';'), Ok(vec!["1,5", "x", ""]));
        for line in ["\"a", "\"a\"b,c", "\"a\"\"b\",c"] {
            assert_eq!(parts(line, ','), Err(Reason::BadQuotes), "{line}");
        }
    }
}
