//! Rows as JSON: an array of objects or arrays, or one of them in each line.

use std::fmt;
use std::io::BufRead;
use std::path::PathBuf;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::lines::{Line, Lines};
use super::row::{RowBuf, Source, Step};
use super::{Column, ImportError, Mapping, Reason};
use crate::store::files;

/// One row; its values as they are written, so that no digit is lost.
pub(super) enum Element<'a> {
    Object(Vec<(String, &'a RawValue)>),
    Array(Vec<&'a RawValue>),
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Element::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Element::Array(values))
    }
}

impl<'a> Element<'a> {
    /// # Errors
    /// [`Reason::BadJson`] or [`Reason::WrongShape`] when `bytes` are no object or array.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Reason> {
        let text = std::str::from_utf8(bytes).map_err(|_| Reason::NotUtf8)?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let element = reader
            .deserialize_any(ElementVisitor)
            .map_err(|e| if e.is_data() { Reason::WrongShape } else { Reason::BadJson })?;
        reader.end().map_err(|_| Reason::BadJson)?;
        Ok(element)
    }

    fn get(&self, column: &Column) -> Result<Option<&'a RawValue>, Reason> {
        match (self, column) {
            (Self::Array(values), Column::Place(place)) => Ok(values.get(*place).copied()),
            (Self::Object(fields), Column::Name(name)) => {
                let mut found = fields.iter().filter(|(key, _)| key == name).map(|(_, value)| *value);
                let first = found.next();
                // A key that is there twice has no value that could be trusted.
                if found.next().is_some() { Err(Reason::WrongShape) } else { Ok(first) }
            }
            _ => Err(Reason::WrongShape),
        }
    }
}

/// Puts the values of the columns into `row`.
fn fill(bytes: &[u8], columns: &[Option<Column>], row: &mut RowBuf) -> Result<(), Reason> {
    let element = Element::parse(bytes)?;
    for column in columns {
        let value = column.as_ref().map(|column| element.get(column)).transpose()?.flatten();
        match value.map(RawValue::get) {
            None | Some("null") => row.push(None),
            Some(text) if text.starts_with('"') => {
                let text: String = serde_json::from_str(text).map_err(|_| Reason::BadJson)?;
                row.push(Some(&text));
            }
            Some(text) if text.starts_with(['{', '[']) => return Err(Reason::WrongShape),
            Some(text) => row.push(Some(text)),
        }
    }
    Ok(())
}

/// What was found in an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Whole,
    TooLong,
    /// Where the next element begins cannot be told.
    Lost,
    End,
}

/// Cuts an array into its elements, one at a time.
pub(super) struct Elements<R> {
    input: R,
    longest: usize,
    bytes: u64,
    begun: bool,
    any: bool,
    done: bool,
}

impl<R: BufRead> Elements<R> {
    pub(super) const fn new(input: R, longest: usize) -> Self {
        Self { input, longest, bytes: 0, begun: false, any: false, done: false }
    }

    fn peek(&mut self) -> std::io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn eat(&mut self) {
        self.input.consume(1);
        self.bytes += 1;
    }

    fn past_blanks(&mut self) -> std::io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.eat(),
                other => return Ok(other),
            }
        }
    }

    fn lost(&mut self) -> Found {
        self.done = true;
        Found::Lost
    }

    fn next(&mut self, element: &mut Vec<u8>) -> std::io::Result<Found> {
        element.clear();
        if self.done {
            return Ok(Found::End);
        }
        if !self.begun {
            for mark in b"\xef\xbb\xbf" {
                if self.peek()? == Some(*mark) {
                    self.eat();
                }
            }
            if self.past_blanks()? != Some(b'[') {
                return Ok(self.lost());
            }
            self.eat();
            self.begun = true;
        }
        match self.past_blanks()? {
            Some(b']') => {
                self.eat();
                self.done = true;
                return Ok(if self.past_blanks()?.is_none() { Found::End } else { Found::Lost });
            }
            Some(b',') if self.any => self.eat(),
            Some(_) if !self.any => {}
            _ => return Ok(self.lost()),
        }
        self.any = true;
        match self.past_blanks()? {
            None | Some(b']' | b'}' | b',' | b':') => Ok(self.lost()),
            Some(_) => self.cut(element),
        }
    }

    /// Reads one value to its end.
    fn cut(&mut self, element: &mut Vec<u8>) -> std::io::Result<Found> {
        let (mut depth, mut in_text, mut escaped, mut too_long) = (0_u64, false, false, false);
        loop {
            let Some(byte) = self.peek()? else { return Ok(self.lost()) };
            let mut last = false;
            if in_text {
                in_text = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
                last = !in_text && depth == 0;
            } else {
                match byte {
                    b'"' => in_text = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => break,
                    b'}' | b']' => {
                        depth -= 1;
                        last = depth == 0;
                    }
                    _ => {}
                }
            }
            if element.len() < self.longest {
                element.push(byte);
            } else {
                too_long = true;
            }
            self.eat();
            if last {
                break;
            }
        }
        Ok(if too_long { Found::TooLong } else { Found::Whole })
    }
}

/// The first element of an array that may be cut off behind it.
pub(super) fn first_element(head: &[u8], longest: usize) -> Option<Vec<u8>> {
    let mut element = Vec::new();
    matches!(Elements::new(head, longest).next(&mut element), Ok(Found::Whole)).then_some(element)
}

enum Cutter<R> {
    Lines(Lines<R>),
    Elements(Elements<R>, u64),
}

/// The rows of a JSON file.
pub(super) struct JsonSource<R> {
    cutter: Cutter<R>,
    path: PathBuf,
    columns: Vec<Option<Column>>,
    buffer: Vec<u8>,
}

impl<R: BufRead> JsonSource<R> {
    pub(super) fn open(input: R, path: PathBuf, mapping: &Mapping, in_lines: bool, longest: usize) -> Self {
        let cutter = if in_lines {
            Cutter::Lines(Lines::new(input, longest))
        } else {
            Cutter::Elements(Elements::new(input, longest), 0)
        };
        let columns = mapping.slots().into_iter().map(|column| column.cloned()).collect();
        Self { cutter, path, columns, buffer: Vec::new() }
    }

    /// The next row's bytes in the buffer: its number and what is wrong with it, or the end.
    fn cut(&mut self) -> std::io::Result<Option<(u64, Option<Reason>)>> {
        match &mut self.cutter {
            Cutter::Lines(lines) => loop {
                return Ok(match lines.next(&mut self.buffer)? {
                    Line::Whole if self.buffer.iter().all(u8::is_ascii_whitespace) => continue,
                    Line::Whole => Some((lines.line, None)),
                    Line::TooLong => Some((lines.line, Some(Reason::LineTooLong))),
                    Line::End => None,
                });
            },
            Cutter::Elements(elements, count) => {
                *count += 1;
                Ok(match elements.next(&mut self.buffer)? {
                    Found::Whole => Some((*count, None)),
                    Found::TooLong => Some((*count, Some(Reason::LineTooLong))),
                    Found::Lost => Some((*count, Some(Reason::BadJson))),
                    Found::End => None,
                })
            }
        }
    }
}

impl<R: BufRead> Source for JsonSource<R> {
    fn next(&mut self, row: &mut RowBuf) -> Result<Step, ImportError> {
        let cut = self.cut().map_err(files::failed("read", &self.path))?;
        let Some((line, wrong)) = cut else { return Ok(Step::End) };
        row.clear();
        let filled = wrong.map_or_else(|| fill(&self.buffer, &self.columns, row), Err);
        Ok(match filled {
            Ok(()) => Step::Row { line },
            Err(reason) => Step::Bad { line, reason, text: String::from_utf8_lossy(&self.buffer).into_owned() },
        })
    }

    fn bytes(&self) -> u64 {
        match &self.cutter {
            Cutter::Lines(lines) => lines.bytes,
            Cutter::Elements(elements, _) => elements.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_all(text: &str, longest: usize) -> Vec<(Found, String)> {
        let mut elements = Elements::new(std::io::BufReader::with_capacity(3, text.as_bytes()), longest);
        let mut out = Vec::new();
        let mut buffer = Vec::new();
        loop {
            match elements.next(&mut buffer).unwrap() {
                Found::End => return out,
                found => out.push((found, String::from_utf8(buffer.clone()).unwrap())),
            }
            assert!(out.len() < 100);
        }
    }

    #[test]
    fn arrays_are_cut_into_elements() {
        let whole = |parts: &[&str]| parts.iter().map(|p| (Found::Whole, (*p).to_owned())).collect::<Vec<_>>();
        assert_eq!(cut_all("[]", 100), []);
        assert_eq!(cut_all(" [ 1 , {\"a\":[1,\"]\\\"}\"]}\n,[2],\"x,y\",null ] \n", 100), {
            whole(&["1", "{\"a\":[1,\"]\\\"}\"]}", "[2]", "\"x,y\"", "null"])
        });
        for (text, parts) in [
            ("[1,2", 1),
            ("[1 2]", 1),
            ("[1,]", 1),
            ("[,1]", 0),
            ("{}", 0),
            ("", 0),
            ("[[1]", 1),
            ("[[1", 0),
            ("[] x", 0),
        ] {
            let cut = cut_all(text, 100);
            assert_eq!(cut.last().map(|c| c.0), Some(Found::Lost), "{text}");
            assert_eq!(cut.len(), parts + 1, "{text}");
        }
        let long = format!("[\"{}\",7]", "x".repeat(1_000));
        let cut = cut_all(&long, 10);
        assert_eq!((cut[0].0, cut[0].1.len()), (Found::TooLong, 10));
        assert_eq!(cut[1], (Found::Whole, "7".to_owned()));
    }

    #[test]
    fn values_keep_their_digits() {
        let name = |n: &str| Some(Column::Name(n.to_owned()));
        let mut row = RowBuf::default();
        let columns = [name("t"), name("p"), name("none"), name("s")];
        let text = br#"{"p":0.12345678901234567890,"t":"1\u0030","s":null,"x":{}}"#;
        fill(text, &columns, &mut row).unwrap();
        assert_eq!([0, 1, 2, 3].map(|n| row.get(n)), [Some("10"), Some("0.12345678901234567890"), None, None]);
        for (text, reason) in [
            (r#"{"t":1,"t":2}"#, Reason::WrongShape),
            (r#"{"t":[1]}"#, Reason::WrongShape),
            ("[1,2]", Reason::WrongShape),
            ("7", Reason::WrongShape),
            ("{\"t\":1", Reason::BadJson),
            ("{\"t\":1} x", Reason::BadJson),
            ("{\"t\":01}", Reason::BadJson),
            ("", Reason::BadJson),
        ] {
            row.clear();
            assert_eq!(fill(text.as_bytes(), &columns, &mut row), Err(reason), "{text}");
        }
        row.clear();
        fill(b"[7,8]", &[Some(Column::Place(1)), Some(Column::Place(5))], &mut row).unwrap();
        assert_eq!((row.get(0), row.get(1)), (Some("8"), None));
        let deep = "[".repeat(100_000);
        assert!(fill(deep.as_bytes(), &columns, &mut RowBuf::default()).is_err());
    }
}
