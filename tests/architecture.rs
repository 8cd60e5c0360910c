//! The floors of the house, checked on the sources themselves.
//!
//! Reads every `src/**/*.rs`, strips comments and texts, and collects every path (`use` trees expanded, `super` resolved). A rule that is broken
//! is reported as `file:line: what, and what to do instead`. The rules are tested below on small sources that break them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is a failure with a place")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use source::{File, PathUse, home_of, path_modules};

#[path = "architecture/source.rs"]
mod source;

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
    // It follows what becomes of predictions with the learners of ml.
    ("decision", "ml"),
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
    (&["axum"], &["services", "web", "simulator"]),
    // cli: the bench plays the far side of a socket, to time the near one.
    (&["tokio_tungstenite"], &["kraken", "cli"]),
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
    // Files that `#[path]` puts elsewhere in the tree of modules than their name says.
    let moved: BTreeMap<String, Vec<String>> = sources
        .iter()
        .flat_map(|(name, text)| {
            let parent = home_of(name);
            path_modules(name, text)
                .into_iter()
                .map(move |(module, file)| (file, parent.iter().cloned().chain([module]).collect()))
        })
        .collect();
    let file = |(name, text): &(String, String)| {
        let home = moved.get(name).cloned().unwrap_or_else(|| home_of(name));
        File::new(name, text, home)
    };
    let files: Vec<File> = sources.iter().map(file).collect();
    // A file that only a `#[cfg(test)] mod` pulls in is test code as a whole.
    let test_files: BTreeSet<&String> = files.iter().flat_map(|file| &file.test_files).collect();
    let mut broken = Vec::new();
    for file in &files {
        let all_test = test_files.contains(&file.name);
        let mut report = |line: usize, text: String| broken.push(format!("src/{}:{line}: {text}", file.name));
        if let Some((line, text)) = broken_by_size(file, all_test) {
            report(line, text);
        }
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

/// Files that are too long; tests do not count.
fn broken_by_size(file: &File, all_test: bool) -> Option<(usize, String)> {
    let own = file.lines - file.test_lines;
    if file.name == "main.rs" && file.lines > MOST_LINES_OF_MAIN {
        Some((MOST_LINES_OF_MAIN + 1, format!("{} lines; main holds at most {MOST_LINES_OF_MAIN}", file.lines)))
    } else if !all_test && own > MOST_LINES {
        Some((MOST_LINES + 1, format!("{own} lines without tests; split it by concept (at most {MOST_LINES})")))
    } else {
        None
    }
}

mod tests {
    use super::check;
    use super::source::{File, strip};

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
        let parent = source("ml/x.rs", "#[path = \"x_tests.rs\"]\n#[cfg(test)]\nmod tests;");
        let child = |text: &str| source("ml/x_tests.rs", text);
        assert!(check(&[parent.clone(), child("use super::super::fold::Fold;")]).is_empty());
        assert_eq!(check(&[parent, child("use super::super::super::tui::App;")]).len(), 1);
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
        assert_eq!(File::new("ml/x.rs", text, Vec::new()).lines, text.lines().count());
    }
}

/// A compiler fault gives the second call what the first has left of its argument: see `docs/decisions/0015-no-constant-by-value-to-a-closure.md`.
#[test]
fn no_closure_is_given_the_same_empty_collection_twice() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    read(&root, &root, &mut sources);
    let given: Vec<String> = sources.iter().flat_map(|(name, text)| given_twice(name, text)).collect();
    assert!(given.is_empty(), "{}", given.join("\n"));
    let bad = "let mut line = |words: String| out.push_str(&words);\nline(String::new());\nline(\"x\".to_owned());\nline(String::new());";
    assert_eq!(given_twice("a.rs", bad), ["src/a.rs: the closure 'line' is called with String::new() 2 times"]);
    assert_eq!(given_twice("a.rs", "let v = Vec::new();\nv.push(String::new());\nv.push(String::new());"), [""; 0]);
}

fn given_twice(name: &str, text: &str) -> Vec<String> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let closures: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| {
            let line = line.trim_start();
            let bound = line.strip_prefix("let ").map(|rest| rest.trim_start_matches("mut "));
            let (closure, rest) = bound?.split_once(" = ")?;
            rest.trim_start_matches("move ").starts_with('|').then_some(closure)
        })
        .chain(text.split(": ").zip(text.split(": ").skip(1)).filter_map(|(before, after)| {
            let taken = after.trim_start_matches('&').trim_start_matches("mut ");
            let closure = taken.strip_prefix("impl ").or(taken.strip_prefix("dyn "))?.starts_with("Fn");
            closure.then(|| before.rsplit(|c| !word(c)).next().unwrap_or_default())
        }))
        .filter(|closure| !closure.is_empty() && closure.chars().all(word))
        .collect();
    let mut found = Vec::new();
    for closure in closures {
        for empty in ["String", "Vec", "VecDeque", "BTreeMap", "BTreeSet", "HashMap", "HashSet"] {
            let call = format!("{closure}({empty}::new())");
            let calls = text.match_indices(&call).filter(|(at, _)| {
                let before = text[..*at].chars().next_back();
                before.is_none_or(|c| !word(c) && c != '.' && c != ':')
            });
            let n = calls.count();
            if n > 1 {
                found.push(format!("src/{name}: the closure '{closure}' is called with {empty}::new() {n} times"));
            }
        }
    }
    found
}
