//! The floors of the house, checked on the sources themselves.
//!
//! Reads every `src/**/*.rs`, strips comments and texts, and collects every path (`use` trees expanded, `super` resolved). A rule that is broken
//! is reported as `file:line: what, and what to do instead`. The rules are tested below on small sources that break them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is a failure with a place")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Rooms by floor. A room may import from any floor below its own.
const FLOORS: [&[&str]; 5] = [
    &["domain", "pipeline", "signals", "ml", "decision", "broker", "monitor"],
    &["clock", "config", "kraken", "simulator", "sources", "store", "telemetry"],
    &["agents", "orchestrator", "execution"],
    &["cli", "tui", "services", "web", "headless"],
    // The program and the list of rooms stand on the roof.
    &["main", "lib"],
];

/// Same-floor imports that are allowed, as `(from, to)`. Every room of floor 0 may also import `domain`, every one of floor 1 `clock`.
const NEIGHBOURS: &[(&str, &str)] = &[
    // The engine keeps its accounts in the broker's ledger and asks the monitor's functions.
    ("decision", "broker"),
    ("decision", "monitor"),
    ("orchestrator", "agents"),
    // The command line starts the other interfaces.
    ("cli", "tui"),
    ("cli", "services"),
    ("cli", "web"),
    ("cli", "headless"),
];

/// Crates that stay in the rooms named; tests inside the sources may use them anywhere.
const CONFINED: &[(&[&str], &[&str])] = &[
    (&["polars", "polars_io", "polars_core"], &["store"]),
    (&["rusqlite"], &["store"]),
    (&["axum"], &["services", "web"]),
];

const MOST_LINES: usize = 500;
const MOST_LINES_OF_MAIN: usize = 40;

#[test]
fn the_floors_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    read(&root, &root, &mut sources);
    assert!(sources.len() > 20, "only {} sources were found", sources.len());
    let broken = check(&sources);
    assert!(broken.is_empty(), "{} broken rules:\n{}", broken.len(), broken.join("\n"));
}

/// Files under `dir` as (path within `src/`, text), in a fixed order.
fn read(root: &Path, dir: &Path, sources: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            read(root, &path, sources);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            sources.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// All broken rules of a set of sources.
fn check(sources: &[(String, String)]) -> Vec<String> {
    let files: Vec<File> = sources.iter().map(|(name, text)| File::new(name, text)).collect();
    // A file that only a `#[cfg(test)] mod` pulls in is test code as a whole.
    let test_files: BTreeSet<&String> = files.iter().flat_map(|file| &file.test_files).collect();
    let mut broken = Vec::new();
    for file in &files {
        let all_test = test_files.contains(&file.name);
        let mut report = |line: usize, text: String| broken.push(format!("src/{}:{line}: {text}", file.name));
        file.check_size(all_test, &mut report);
        for module in &file.modules {
            if ["utils", "util", "common", "helpers", "misc"].contains(&module.name.as_str()) {
                report(module.line, format!("mod {} says nothing; name the concept it holds", module.name));
            }
        }
        let Some(floor) = floor_of(&file.room) else {
            report(1, format!("room '{}' stands on no floor; add it to FLOORS", file.room));
            continue;
        };
        for path in &file.paths {
            let in_test = all_test || path.in_test;
            if let Some(text) = broken_by_import(&file.room, floor, path) {
                report(path.line, text);
            }
            if let Some(text) = broken_by_use(file, floor, path, in_test) {
                report(path.line, text);
            }
        }
    }
    // One line may break a rule several times; saying it once is enough.
    broken.dedup();
    broken
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Imports between rooms.
fn broken_by_import(room: &str, floor: usize, path: &PathUse) -> Option<String> {
    let Some(("crate", rest)) = path.segments.split_first().map(|(first, rest)| (first.as_str(), rest)) else {
        return None;
    };
    let to = rest.first()?.as_str();
    if to == room || room == "main" || room == "lib" {
        return None;
    }
    let Some(target) = floor_of(to) else {
        return Some(format!("'crate::{to}' is no room; import from the room that owns the name, without globs"));
    };
    let neighbour = match floor {
        0 if to == "domain" => true,
        1 if to == "clock" => true,
        _ => NEIGHBOURS.contains(&(room, to)),
    };
    if target < floor || (target == floor && neighbour) {
        None
    } else if target == floor {
        Some(format!("{room} imports its neighbour {to}; move the shared words down or list the pair in NEIGHBOURS"))
    } else {
        Some(format!("{room} (floor {floor}) imports {to} (floor {target}); imports point down only"))
    }
}

/// Crates, clocks and colours in the wrong room.
fn broken_by_use(file: &File, floor: usize, path: &PathUse, in_test: bool) -> Option<String> {
    let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
    let room = file.room.as_str();
    let pairs = || segments.windows(2).map(|pair| (pair[0], pair[1]));
    let first = *segments.first()?;
    if ["ratatui", "crossterm"].contains(&first) && room != "tui" {
        return Some(format!("{first} belongs to tui; hand over plain data"));
    }
    let clocks = ["SystemTime", "Instant", "Timestamp", "Zoned"];
    if file.name != "clock.rs" && pairs().any(|(of, what)| what == "now" && clocks.contains(&of)) {
        return Some("reads a clock; take the time as a value or use clock::Clock".to_owned());
    }
    if pairs().any(|(of, _)| of == "Color") && !file.name.starts_with("tui/theme") {
        return Some("names a colour; take it from tui/theme by its meaning".to_owned());
    }
    if in_test {
        return None;
    }
    for (crates, rooms) in CONFINED {
        if crates.contains(&first) && !rooms.contains(&room) {
            return Some(format!("{first} belongs to {}; ask that room", rooms.join(" and ")));
        }
    }
    if floor == 0 {
        if first.starts_with("tokio") || first == "tracing" {
            return Some(format!("{first} on floor 0; the pure core has no runtime and no log"));
        }
        if first == "std" && ["fs", "net", "process", "thread"].contains(&segments.get(1).copied().unwrap_or_default())
        {
            return Some(format!("std::{} on floor 0; the pure core does no I/O", segments[1]));
        }
    }
    None
}

/// One source file, as far as the rules need it.
struct File {
    /// Path within `src/`.
    name: String,
    room: String,
    paths: Vec<PathUse>,
    modules: Vec<Module>,
    /// Files that a `#[cfg(test)] mod name;` of this one pulls in.
    test_files: Vec<String>,
    lines: usize,
    test_lines: usize,
}

struct Module {
    name: String,
    line: usize,
}

/// A path as written, with `super` and `self` resolved to `crate::…` where they leave the file's own module.
#[derive(Debug)]
struct PathUse {
    segments: Vec<String>,
    line: usize,
    in_test: bool,
}

impl File {
    fn new(name: &str, text: &str) -> Self {
        let (first, nested) = match name.split_once('/') {
            Some((room, rest)) => (room.to_owned(), Some(rest)),
            None => (name.trim_end_matches(".rs").to_owned(), None),
        };
        let mut home = vec![first.clone()];
        if first == "main" || first == "lib" {
            home.clear();
        }
        if let Some(rest) = nested {
            let parts = rest.trim_end_matches(".rs").split('/').filter(|part| *part != "mod");
            home.extend(parts.map(str::to_owned));
        }
        let tokens = tokens(&strip(text));
        let mut scan = Scan::new(&tokens, home, name);
        scan.run();
        Self {
            name: name.to_owned(),
            room: first,
            paths: scan.paths,
            modules: scan.modules,
            test_files: scan.test_files,
            lines: text.lines().count(),
            test_lines: scan.test_lines,
        }
    }

    fn check_size(&self, all_test: bool, report: &mut impl FnMut(usize, String)) {
        let own = self.lines - self.test_lines;
        if self.name == "main.rs" && self.lines > MOST_LINES_OF_MAIN {
            report(MOST_LINES_OF_MAIN + 1, format!("{} lines; main holds at most {MOST_LINES_OF_MAIN}", self.lines));
        } else if !all_test && own > MOST_LINES {
            report(MOST_LINES + 1, format!("{own} lines without tests; split it by concept (at most {MOST_LINES})"));
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

impl Token {
    fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// `text` with comments, strings and characters blanked out; line breaks stay.
fn strip(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let word_before = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
        let end = match (at(i), at(i + 1)) {
            ('/', '/') => (i..chars.len()).find(|&j| at(j) == '\n').unwrap_or(chars.len()),
            ('/', '*') => block_comment_end(&chars, i),
            ('"', _) => string_end(&chars, i),
            ('b' | 'c', '"') if !word_before => string_end(&chars, i + 1),
            ('r', '"' | '#') if !word_before => raw_string_end(&chars, i + 1).unwrap_or(i),
            ('b' | 'c', 'r') if !word_before => raw_string_end(&chars, i + 2).unwrap_or(i),
            ('\'', _) => char_end(&chars, i).unwrap_or(i),
            _ => i,
        };
        if end == i {
            out.push(at(i));
            i += 1;
        } else {
            // A literal leaves a mark, so that `"a"::b` never looks like a path.
            out.push(' ');
            out.extend(chars[i..end].iter().filter(|c| **c == '\n'));
            out.push(' ');
            i = end;
        }
    }
    out
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut i = start;
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], quote: usize) -> usize {
    let mut i = quote + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// End of a raw string whose `#…"` begins at `start`; `None` for a raw identifier.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars[start..].iter().take_while(|c| **c == '#').count();
    if chars.get(start + hashes) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = start + hashes + 1;
    (body..chars.len()).find(|&i| chars[i..].starts_with(&close)).map(|i| i + close.len())
}

/// End of a character literal; `None` for a lifetime.
fn char_end(chars: &[char], start: usize) -> Option<usize> {
    match (chars.get(start + 1)?, chars.get(start + 2)) {
        ('\\', _) => (start + 3..chars.len()).find(|&i| chars[i] == '\'').map(|i| i + 1),
        (_, Some('\'')) => Some(start + 3),
        _ => None,
    }
}

/// Words, `::` and single other characters.
fn tokens(text: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        if c.is_whitespace() {
            continue;
        }
        let mut text = c.to_string();
        if c.is_alphanumeric() || c == '_' {
            while let Some(next) = chars.next_if(|n| n.is_alphanumeric() || *n == '_') {
                text.push(next);
            }
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            text.push(':');
        }
        found.push(Token { text, line });
    }
    found
}

/// Walks the tokens of one file.
struct Scan<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Module of the file: `["decision", "gate"]`.
    home: Vec<String>,
    file: &'a str,
    /// What each open brace belongs to.
    braces: Vec<Brace>,
    /// `#[cfg(test)]` was read and its item not yet.
    pending_test: bool,
    paths: Vec<PathUse>,
    modules: Vec<Module>,
    test_files: Vec<String>,
    test_lines: usize,
}

struct Brace {
    module: Option<String>,
    /// Line from which this brace makes test code, when it is the one that begins it.
    test_from: Option<usize>,
}

impl<'a> Scan<'a> {
    fn new(tokens: &'a [Token], home: Vec<String>, file: &'a str) -> Self {
        Self {
            tokens,
            at: 0,
            home,
            file,
            braces: Vec::new(),
            pending_test: false,
            paths: Vec::new(),
            modules: Vec::new(),
            test_files: Vec::new(),
            test_lines: 0,
        }
    }

    fn text(&self, offset: usize) -> &'a str {
        self.tokens.get(self.at + offset).map_or("", |t| t.text.as_str())
    }

    fn in_test(&self) -> bool {
        self.pending_test || self.braces.iter().any(|b| b.test_from.is_some())
    }

    fn run(&mut self) {
        while self.at < self.tokens.len() {
            match (self.text(0), self.text(1)) {
                ("#", "[" | "!") => self.attribute(),
                ("mod", name) if !name.is_empty() && self.text(2) != "::" => self.module(name),
                ("use", _) => self.import(),
                ("{", _) => self.open(None),
                ("}", _) => self.close(),
                (";", _) => {
                    self.pending_test = false;
                    self.at += 1;
                }
                _ if self.tokens[self.at].is_word() => self.path(),
                _ => self.at += 1,
            }
        }
    }

    /// `#[…]`; remembers `cfg(test)` and `cfg(all(test, …))`. Paths within attributes (derives) are not followed.
    fn attribute(&mut self) {
        let begin = self.at;
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "[" => depth += 1,
                "]" => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 && self.text(0) != "[" && self.at > begin + 2 {
                break;
            }
        }
        let words: Vec<&str> = self.tokens[begin..self.at].iter().map(|t| t.text.as_str()).collect();
        let is_cfg = words.get(2) == Some(&"cfg");
        if is_cfg && words.contains(&"test") && !words.contains(&"not") && !words.contains(&"any") {
            self.pending_test = true;
        }
    }

    fn module(&mut self, name: &str) {
        let line = self.tokens[self.at].line;
        self.modules.push(Module { name: name.to_owned(), line });
        self.at += 2;
        if self.text(0) == "{" {
            self.open(Some(name.to_owned()));
        } else if self.in_test() {
            let folder = self.file.rsplit_once('/').map_or("", |(folder, _)| folder);
            // `mod name;` lies beside a mod.rs, in a folder of the file's own name, or where #[path] says (a text, so not seen here):
            // by custom `<file>_<name>.rs`.
            let stem = self.file.trim_end_matches(".rs");
            let candidates = [format!("{folder}/{name}.rs"), format!("{stem}/{name}.rs"), format!("{stem}_{name}.rs")];
            self.test_files.extend(candidates.map(|path| path.trim_start_matches('/').to_owned()));
        }
    }

    fn open(&mut self, module: Option<String>) {
        let test_from = self.pending_test.then(|| self.tokens[self.at].line);
        // An outer test brace already counts the lines.
        let outer = self.braces.iter().any(|b| b.test_from.is_some());
        self.braces.push(Brace { module, test_from: test_from.filter(|_| !outer) });
        self.pending_test = false;
        self.at += 1;
    }

    fn close(&mut self) {
        if let Some(from) = self.braces.pop().and_then(|b| b.test_from) {
            self.test_lines += self.tokens[self.at].line - from + 1;
        }
        self.at += 1;
    }

    fn import(&mut self) {
        self.at += 1;
        self.use_tree(&[]);
    }

    /// One branch of a `use` tree, up to the `,`, `}` or `;` that ends it.
    fn use_tree(&mut self, prefix: &[String]) {
        let line = self.tokens.get(self.at).map_or(0, |t| t.line);
        let mut segments = prefix.to_vec();
        loop {
            match self.text(0) {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !["}", ""].contains(&self.text(0)) {
                        self.use_tree(&segments);
                        if self.text(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "as" => self.at += 2,
                "," | "}" | ";" | "" => break,
                word => {
                    segments.push(word.to_owned());
                    self.at += 1;
                }
            }
        }
        self.push_path(segments, line);
    }

    /// `a::b::c` outside `use`; a turbofish ends it.
    fn path(&mut self) {
        let line = self.tokens[self.at].line;
        // `.now` and `x.ratatui` are members, not paths.
        let member = self.at > 0 && self.tokens[self.at - 1].text == ".";
        let mut segments = vec![self.text(0).to_owned()];
        self.at += 1;
        while self.text(0) == "::" && self.tokens.get(self.at + 1).is_some_and(Token::is_word) {
            segments.push(self.text(1).to_owned());
            self.at += 2;
        }
        if segments.len() > 1 && !member {
            self.push_path(segments, line);
        }
    }

    fn push_path(&mut self, segments: Vec<String>, line: usize) {
        let in_test = self.in_test();
        let supers = segments.iter().take_while(|s| *s == "super" || *s == "self").filter(|s| *s == "super").count();
        let leading = segments.iter().take_while(|s| *s == "super" || *s == "self").count();
        let segments = if supers == 0 {
            segments
        } else {
            let inline = self.braces.iter().filter_map(|b| b.module.clone());
            let mut module: Vec<String> = self.home.iter().cloned().chain(inline).collect();
            module.truncate(module.len().saturating_sub(supers));
            let rest = segments.into_iter().skip(leading);
            std::iter::once("crate".to_owned()).chain(module).chain(rest).collect()
        };
        self.paths.push(PathUse { segments, line, in_test });
    }
}

mod tests {
    use super::{File, check, strip};

    fn broken(name: &str, text: &str) -> Vec<String> {
        check(&[(name.to_owned(), text.to_owned())])
    }

    /// Each of these must be caught, at the line and with the words given.
    #[test]
    fn violations_are_caught() {
        for (name, text, line, words) in [
            ("decision/gate.rs", "use crate::store::journal::Journal;", 1, "imports point down only"),
            ("domain/x.rs", "\nuse crate::pipeline::Kernel;", 2, "neighbour pipeline"),
            ("ml/x.rs", "fn f() { crate::broker::fill(); }", 1, "neighbour broker"),
            ("signals/x.rs", "use crate::{domain::Pair, pipeline::{self, ring}};", 1, "neighbour pipeline"),
            ("broker/x.rs", "use crate::decision::Engine;", 1, "neighbour decision"),
            ("store/x.rs", "use crate::config::Settings;", 1, "neighbour config"),
            ("agents/x.rs", "use crate::orchestrator::Handle;", 1, "neighbour orchestrator"),
            ("agents/x.rs", "use crate::tui::App;", 1, "imports point down only"),
            ("tui/x.rs", "use crate::services::Api;", 1, "neighbour services"),
            ("web/x.rs", "use crate::cli::Args;", 1, "neighbour cli"),
            ("headless.rs", "use crate::tui;", 1, "neighbour tui"),
            ("ml/a/b.rs", "use super::super::super::store::Lake;", 1, "imports store"),
            ("ml/x.rs", "mod tests { use super::super::super::store::Lake; }", 1, "imports store"),
            ("ml/x.rs", "#[cfg(test)]\nmod tests { use crate::store::Lake; }", 2, "imports store"),
            ("ml/x.rs", "use crate::*;", 1, "without globs"),
            ("ml/x.rs", "use crate::nowhere::X;", 1, "is no room"),
            ("attic/x.rs", "", 1, "stands on no floor"),
            ("services/x.rs", "use ratatui::text::Line;", 1, "ratatui belongs to tui"),
            ("cli/x.rs", "fn f() { crossterm::terminal::disable_raw_mode(); }", 1, "crossterm belongs to tui"),
            ("main.rs", "fn main() { ratatui::restore(); }", 1, "ratatui belongs to tui"),
            ("decision/x.rs", "use tokio::sync::mpsc;", 1, "tokio on floor 0"),
            ("decision/x.rs", "use tokio_util::sync::CancellationToken;", 1, "tokio_util on floor 0"),
            ("ml/x.rs", "fn f() { tracing::info!(\"x\"); }", 1, "tracing on floor 0"),
            ("pipeline/x.rs", "use std::{collections::BTreeMap, fs};", 1, "std::fs on floor 0"),
            ("pipeline/x.rs", "use std::net::TcpStream;", 1, "std::net on floor 0"),
            ("pipeline/x.rs", "fn f() { std::fs::read(p); }", 1, "std::fs on floor 0"),
            ("ml/x.rs", "use polars::prelude::*;", 1, "polars belongs to store"),
            ("agents/x.rs", "use rusqlite::Connection;", 1, "rusqlite belongs to store"),
            ("sources/x.rs", "use axum::Router;", 1, "axum belongs to services and web"),
            ("agents/x.rs", "fn f() { let t = std::time::Instant::now(); }", 1, "reads a clock"),
            ("agents/x.rs", "fn f() { let t = Instant::now(); }", 1, "reads a clock"),
            ("ml/x.rs", "#[cfg(test)] mod tests { fn f() { SystemTime::now(); } }", 1, "reads a clock"),
            ("tui/x.rs", "fn f() { jiff::Timestamp::now(); }", 1, "reads a clock"),
            ("tui/screens/x.rs", "const C: Color = Color::Red;", 1, "names a colour"),
            ("ml/mod.rs", "pub mod utils;", 1, "mod utils says nothing"),
            ("ml/mod.rs", "mod helpers { }", 1, "mod helpers says nothing"),
            // After a test module the rules hold again.
            ("ml/x.rs", "#[cfg(test)]\nmod tests { use tokio::time; }\nuse tokio::time;", 3, "tokio on floor 0"),
            ("ml/x.rs", "#[cfg(test)]\nuse std::fs;\nuse std::fs::File;", 3, "std::fs on floor 0"),
            ("ml/x.rs", "#[cfg(not(test))]\nmod product { use tokio::time; }", 2, "tokio on floor 0"),
            // A literal does not hide what follows it.
            ("ml/x.rs", "const Q: char = '\"'; use tokio::time; const R: char = '\"';", 1, "tokio on floor 0"),
            ("ml/x.rs", "const Q: &str = r#\"a\"b\"#; use tokio::time;", 1, "tokio on floor 0"),
            ("ml/x.rs", "fn f<'a>(x: &'a str) { tokio::spawn(x); }", 1, "tokio on floor 0"),
        ] {
            let found = broken(name, text);
            assert_eq!(found.len(), 1, "{name}: {text}: {found:?}");
            assert!(found[0].starts_with(&format!("src/{name}:{line}: ")), "{text}: {found:?}");
            assert!(found[0].contains(words), "{text}: {found:?}");
        }
    }

    /// None of these may be reported.
    #[test]
    fn lawful_sources_pass() {
        for (name, text) in [
            ("decision/engine.rs", "use crate::{broker::Ledger, domain::{Event, Effect}, monitor};"),
            ("agents/technical.rs", "use crate::signals::Technical; use tokio::sync::mpsc; use crate::clock::Clock;"),
            ("store/lake.rs", "use polars::prelude::*; use std::fs; use crate::clock::Clock; use crate::domain::Pair;"),
            (
                "orchestrator/x.rs",
                "use crate::agents::Runtime; use crate::decision::Engine; use super::handle::Handle;",
            ),
            ("cli/run.rs", "use crate::{tui, services, web, headless, orchestrator::Handle};"),
            ("tui/theme.rs", "use ratatui::style::Color; const UP: Color = Color::Green;"),
            ("tui/theme/depth.rs", "fn f() { Color::Rgb(1, 2, 3); }"),
            ("tui/x.rs", "use ratatui::style::Color; fn f(c: Color) {}"),
            ("clock.rs", "fn f() { std::time::Instant::now(); jiff::Timestamp::now(); }"),
            ("main.rs", "use cryptosmarttrader::cli; fn main() { cli::main() }"),
            ("lib.rs", "pub mod agents;\npub mod tui;"),
            (
                "ml/x.rs",
                "// use tokio::time;\n/* crate::store /* nested */ tokio::x */ const A: &str = \"crate::tui::App \\\" tokio::x\";",
            ),
            (
                "ml/x.rs",
                "const A: &str = r##\"use tokio::time; \"# crate::tui::X\"##; const B: &[u8] = b\"std::fs::x\"; const C: char = '\\'';",
            ),
            (
                "ml/x.rs",
                "/// See [`crate::store`].\n#[cfg(test)]\nmod tests { use std::fs; use tokio::time; fn f() { axum::serve(); { } } }",
            ),
            ("ml/x.rs", "#[cfg(all(test, unix))]\nmod tests { use std::fs; }"),
            ("ml/x.rs", "#[cfg(test)]\n#[cfg(unix)]\nmod tests { use std::fs; }"),
            ("ml/x.rs", "fn f(clock: &C) { clock.now(); self.tokio.x(); let tracing = 1; }"),
            ("ml/x.rs", "use super::fold::Fold; use self::inner::X; mod inner { use super::super::fold::Y; }"),
            (
                "ml/x.rs",
                "macro_rules! m { () => { $crate::domain::Pair } } pub(crate) fn f() {} pub(in crate::ml) fn g() {}",
            ),
        ] {
            let found = broken(name, text);
            assert!(found.is_empty(), "{name}: {text}: {found:?}");
        }
    }

    #[test]
    fn files_pulled_in_by_a_test_module_are_test_code() {
        let source = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let long_test = "use std::fs;\n".repeat(700);
        for (parent, child) in
            [("ml/mod.rs", "ml/tests.rs"), ("ml/x.rs", "ml/x/tests.rs"), ("ml/x.rs", "ml/x_tests.rs")]
        {
            let parent = source(parent, "#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod tests;\nfn f() {}");
            assert!(check(&[parent, source(child, &long_test)]).is_empty(), "{child}");
        }
        let product = source("ml/mod.rs", "mod tests;");
        assert!(check(&[product, source("ml/tests.rs", "use std::fs;")]).len() == 1);
    }

    #[test]
    fn sizes_are_bounded_without_their_tests() {
        let line = "fn f() {}\n";
        assert!(broken("ml/x.rs", &line.repeat(500)).is_empty());
        assert!(broken("ml/x.rs", &line.repeat(501))[0].contains("501 lines"));
        let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", line.repeat(499), line.repeat(300));
        assert!(broken("ml/x.rs", &tested).is_empty(), "{:?}", broken("ml/x.rs", &tested));
        assert!(broken("main.rs", &line.repeat(40)).is_empty());
        assert!(broken("main.rs", &line.repeat(41))[0].contains("at most 40"));
    }

    #[test]
    fn stripping_keeps_the_lines() {
        let text = "a\n/* x\ny */ b \"s\n\\\"t\" c // d\ne r\"\n\" f";
        let stripped = strip(text);
        assert_eq!(stripped.matches('\n').count(), text.matches('\n').count());
        assert_eq!(stripped.split_whitespace().collect::<Vec<_>>(), ["a", "b", "c", "e", "f"]);
        assert_eq!(File::new("ml/x.rs", text).lines, text.lines().count());
    }
}
