//! Recorded headlines: `*.jsonl` files in a folder, one text per line.
//!
//! ```json
//! {"id":"cd-81","known_time":"2024-07-17T09:30:05Z","source":"coindesk","title":"…","pairs":["BTC/USD"]}
//! ```
//!
//! `known_time` is when the text was received, not when it claims to have been written; that is `published`, where it is given. Further fields
//! are ignored.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::{DataKind, ErrorClass, Pair, Quarantined, RejectReason, UtcMs};
use crate::pipeline::validate::{RawText, TextCheck};
use crate::signals::NewsText;
use crate::signals::lexicon::clean;

/// Characters of a bad line that are kept.
const MAX_KEPT: usize = 4_096;
/// A text may claim to be so much younger than the moment at which it was known: clocks differ.
const CLOCKS_APART_MS: i64 = 2_000;
/// Longest line that is read, in bytes.
const MAX_LINE: usize = 64 * 1024;
/// Longest id and source name, in characters.
const MAX_NAME: usize = 200;

/// What a folder of headlines holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordedNews {
    /// By known time, then id; each id once, as it was first known. Titles are cleaned.
    pub texts: Vec<NewsText>,
    /// Lines that were left out: first the bad ones in the order of files and lines, then those whose id had been known before.
    pub rejected: Vec<RejectedLine>,
}

/// A line that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedLine {
    /// Name of the file inside the folder.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    pub reason: RejectReason,
    /// What is wrong, for people.
    pub words: String,
    /// The line as it was read; what is not UTF-8 in it is replaced.
    pub row: String,
}

impl RejectedLine {
    /// The record for the quarantine; `now` is when the file was read.
    #[must_use]
    pub fn quarantined(&self, now: UtcMs) -> Quarantined {
        Quarantined {
            kind: DataKind::Text,
            reason: self.reason,
            pair: String::new(),
            venue: String::new(),
            source: format!("{}:{}", self.file, self.line),
            known_time: now,
            row: self.row.clone(),
        }
    }
}

impl fmt::Display for RejectedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.words)
    }
}

/// The folder or a file in it could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the recorded news at '{path}': {source}; check that it exists and may be read")]
pub struct NewsError {
    path: PathBuf,
    source: io::Error,
}

impl NewsError {
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Data
    }
}

/// Reads all `*.jsonl` files directly in `folder`, in the order of their names. A missing folder holds no news.
///
/// # Errors
/// [`NewsError`] when the folder or a file exists but cannot be read. A bad line is no error: it is in the result.
pub fn read_news(folder: &Path) -> Result<RecordedNews, NewsError> {
    let mut news = RecordedNews::default();
    let mut read = Vec::new();
    for path in files(folder)? {
        let bytes = std::fs::read(&path).map_err(|source| NewsError { path: path.clone(), source })?;
        let file = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        read_lines(&file, &bytes, &mut read, &mut news.rejected);
    }
    // a stable sort: of equal times and ids the line that was read first stays first
    read.sort_by(|(a, _), (b, _)| a.known_time.cmp(&b.known_time).then_with(|| a.id.cmp(&b.id)));
    let mut ids = BTreeSet::new();
    for (text, line) in read {
        if ids.insert(text.id.clone()) {
            news.texts.push(text);
        } else {
            let words = format!("the id '{}' was known before", text.id);
            news.rejected.push(RejectedLine { reason: RejectReason::DuplicateId, words, ..line });
        }
    }
    Ok(news)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, NewsError> {
    let failed = |source| NewsError { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == "jsonl") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Adds the good lines, with where they stand, and the bad ones.
fn read_lines(file: &str, bytes: &[u8], read: &mut Vec<(NewsText, RejectedLine)>, rejected: &mut Vec<RejectedLine>) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (index, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let row: String = String::from_utf8_lossy(line).chars().take(MAX_KEPT).collect();
        let place = |(reason, words)| RejectedLine { file: file.to_owned(), line: index + 1, reason, words, row };
        match read_line(line) {
            Ok(text) => read.push((text, place((RejectReason::DuplicateId, String::new())))),
            Err(fault) => rejected.push(place(fault)),
        }
    }
}

#[derive(Deserialize)]
struct Line {
    id: String,
    known_time: String,
    published: Option<String>,
    source: String,
    title: String,
    pairs: Vec<String>,
}

type Fault = (RejectReason, String);

fn read_line(bytes: &[u8]) -> Result<NewsText, Fault> {
    if bytes.len() > MAX_LINE {
        return Err((RejectReason::TooLong, format!("longer than {MAX_LINE} bytes")));
    }
    let unreadable = |e: serde_json::Error| (RejectReason::Unreadable, e.to_string());
    let line: Line = serde_json::from_slice(bytes).map_err(unreadable)?;
    let instant = |field: &str, text: &str| {
        let words = format!("'{field}' is not an instant like 2024-07-17T00:00:00Z");
        UtcMs::parse(text).map_err(|_| (RejectReason::NoKnownTime, words))
    };
    let known_time = instant("known_time", &line.known_time)?;
    let published = line.published.as_deref().map(|text| instant("published", text)).transpose()?;
    let row = RawText {
        id: &line.id,
        published,
        known_time: Some(known_time),
        text: line.title.as_bytes(),
        pairs: &line.pairs,
    };
    // What was recorded lies in the past; whether it is in the future of a decision is asked there.
    let pairs =
        TextCheck::judge(&row, known_time, CLOCKS_APART_MS).map_err(|reason| (reason, in_words(reason, &line)))?;
    let title = clean(&line.title);
    if title.is_empty() {
        return Err((RejectReason::Empty, "'title' has no readable text".to_owned()));
    }
    if pairs.is_empty() {
        return Err((RejectReason::UnknownPair, "'pairs' is empty".to_owned()));
    }
    let name = |field, text| name(field, text).map_err(|words| (RejectReason::NoId, words));
    Ok(NewsText { id: name("id", line.id)?, known_time, source: name("source", line.source)?, title, pairs })
}

fn in_words(reason: RejectReason, line: &Line) -> String {
    match reason {
        RejectReason::NoId => format!("'id' must be 1 to {MAX_NAME} plain characters"),
        RejectReason::PublishedAfterKnown => "'published' lies after 'known_time'".to_owned(),
        RejectReason::Empty => "'title' has no readable text".to_owned(),
        RejectReason::ControlCharacters => "'title' holds control characters".to_owned(),
        RejectReason::UnknownPair => {
            let bad = line.pairs.iter().find(|name| name.parse::<Pair>().is_err()).map(|name| clean(name));
            format!("'pairs' holds '{}', which is not a pair like BTC/USD", bad.unwrap_or_default())
        }
        other => format!("refused: {}", other.as_str()),
    }
}

/// A name that will be shown: not empty, short, and without anything that cleaning would take out.
fn name(field: &str, text: String) -> Result<String, String> {
    if text.is_empty() || text.chars().count() > MAX_NAME || clean(&text) != text {
        return Err(format!("'{field}' must be 1 to {MAX_NAME} plain characters"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id":"a","known_time":"2024-07-17T09:30:05Z","source":"wire","title":"<b>BTC</b> up","pairs":["XBTUSD","BTC/USD"]}"#;

    fn read(files: &[(&str, &[u8])]) -> RecordedNews {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).expect("a file");
        }
        read_news(folder.path()).expect("readable")
    }

    #[test]
    fn a_missing_folder_holds_no_news() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(read_news(&folder.path().join("none")).expect("no error"), RecordedNews::default());
        let file = folder.path().join("file");
        std::fs::write(&file, "x").expect("a file");
        let error = read_news(&file).expect_err("not a folder");
        assert_eq!(error.class(), ErrorClass::Data);
    }

    #[test]
    fn good_lines_are_read_sorted_and_cleaned() {
        let later = GOOD.replace("\"a\"", "\"b\"").replace("09:30:05Z", "11:30:04+02:00");
        let again = GOOD.replace("09:30:05", "10:00:00");
        let lines = format!("\u{feff}{again}\r\n\n{GOOD}\n{later}");
        let news = read(&[("z.jsonl", lines.as_bytes()), ("notes.txt", b"not news")]);
        let [again] = news.rejected.as_slice() else { panic!("{:?}", news.rejected) };
        assert_eq!((again.reason, again.line), (RejectReason::DuplicateId, 1));
        assert_eq!(news.texts.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        let a = &news.texts[1];
        assert_eq!((a.title.as_str(), a.pairs.len(), a.pairs[0].as_str()), ("BTC up", 1, "BTC/USD"));
        assert_eq!(Ok(a.known_time), UtcMs::parse("2024-07-17T09:30:05Z"), "as it was first known");
    }

    #[test]
    fn bad_lines_are_named_and_the_rest_is_read() {
        let bad = [
            "{}".to_owned(),
            "not json".to_owned(),
            GOOD.replace("2024-07-17T09:30:05Z", "yesterday"),
            GOOD.replace("\"XBTUSD\",\"BTC/USD\"", ""),
            GOOD.replace("XBTUSD", "../etc"),
            GOOD.replace("<b>BTC</b> up", "<b></b> \\u200b"),
            GOOD.replace("\"wire\"", "\"wi\\u001b[31mre\""),
            GOOD.replace("\"a\"", "\"\""),
            GOOD.replace("BTC</b> up", &"x".repeat(MAX_LINE)),
        ];
        let mut bytes = bad.join("\n").into_bytes();
        bytes.extend_from_slice(b"\n\xff\xfe\n");
        bytes.extend_from_slice(GOOD.as_bytes());
        let news = read(&[("n.jsonl", &bytes)]);
        assert_eq!(news.texts.len(), 1);
        assert_eq!(news.rejected.iter().map(|r| r.line).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
        assert!(news.rejected.iter().all(|r| !r.words.is_empty() && !r.to_string().contains('\u{1b}')));
        assert!(news.rejected[2].to_string().starts_with("n.jsonl:3: 'known_time'"));
    }
}
