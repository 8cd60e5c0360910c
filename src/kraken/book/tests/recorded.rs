//! Recorded sessions: every checksum of the exchange must be found.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{Book, BookSide, Precision, as_frame, naive_crc, number};
use crate::kraken::book::{Books, throughput};
use crate::kraken::wire::ws::{BookRows, Inbound, Kind, Level, decode};

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

const COINS: Precision = Precision { price: 1, qty: 8 };

/// The recorded session as the exchange wrote it, one frame each.
pub(super) fn frames() -> Vec<Vec<u8>> {
    let text = fs::read_to_string(root("benches/data/book_btc_usd_depth10.jsonl")).expect("the frames");
    text.lines().map(|line| line.as_bytes().to_vec()).collect()
}

/// The session as it was recorded: through floats, so written with the pair's decimals again.
fn session() -> Vec<(Kind, BookRows)> {
    let path = root("tests/fixtures/kraken/python_kraken_sdk/orderbook-v2.json");
    let all: Value = serde_json::from_str(&fs::read_to_string(path).expect("the session")).expect("json");
    let updates = all["updates"].as_array().expect("updates");
    let frame = |frame: &Value| match decode(frame.to_string().as_bytes()) {
        Ok(Inbound::Book { kind, rows }) => (kind, rows.into_iter().next().expect("a row")),
        other => panic!("{other:?}"),
    };
    std::iter::once(&all["init"]).chain(updates).map(frame).collect()
}

#[test]
fn the_session_of_2023_verifies_and_ends_as_the_model_does() {
    let mut book = Book::new(10, COINS);
    let session = session();
    assert_eq!(session.len(), 510);
    for (number, (kind, rows)) in session.iter().enumerate() {
        let result = if *kind == Kind::Snapshot { book.snapshot(rows) } else { book.update(rows) };
        assert!(result.is_ok(), "frame {number}: {result:?}");
        assert_eq!((book.len(BookSide::Bids), book.len(BookSide::Asks)), (10, 10));
    }
}

#[test]
fn the_frames_of_the_benchmark_are_the_recorded_ones() {
    let frames = frames();
    let session = session();
    assert_eq!(frames.len(), session.len());
    for (frame, (kind, rows)) in frames.iter().zip(session) {
        let padded = |levels: &[Level]| -> Vec<Level> {
            let pad = |n: crate::kraken::wire::Number, decimals| {
                let mut value = n.0;
                value.rescale(decimals);
                crate::kraken::wire::Number(value)
            };
            levels.iter().map(|l| Level { price: pad(l.price, 1), qty: pad(l.qty, 8) }).collect()
        };
        let rows = BookRows { bids: padded(&rows.bids), asks: padded(&rows.asks), ..rows };
        assert_eq!(String::from_utf8_lossy(frame), as_frame(kind == Kind::Snapshot, &rows));
    }
}

#[test]
fn every_recorded_frame_takes_the_fast_way() {
    let mut books = Books::new();
    books.subscribe("BTC/USD", 10, COINS);
    let counts = throughput::run(&mut books, &frames(), 2);
    assert_eq!((counts.frames, counts.fast, counts.faults, counts.ignored), (1_020, 1_020, 0, 0));
    assert!(counts.tops > 100, "{counts:?}");
}

/// Level of v1: `["0.042990","364630.28272081","1618678145.920470"]` and perhaps `"r"`.
type OldLevel = Vec<String>;

/// A v1 book message: what replaces the sides or changes them, and the checksum of a change.
#[derive(Default)]
struct Old {
    snapshot: bool,
    bids: Vec<OldLevel>,
    asks: Vec<OldLevel>,
    checksum: Option<u32>,
}

fn old(parts: &[Value]) -> Old {
    let mut read = Old::default();
    for part in parts {
        for (key, value) in part.as_object().expect("an object") {
            let levels = || serde_json::from_value::<Vec<OldLevel>>(value.clone()).expect("levels");
            match key.as_str() {
                "as" | "bs" => read.snapshot = true,
                _ => {}
            }
            match key.as_str() {
                "a" | "as" => read.asks.extend(levels()),
                "b" | "bs" => read.bids.extend(levels()),
                "c" => read.checksum = value.as_str().and_then(|c| c.parse().ok()),
                other => panic!("{other}"),
            }
        }
    }
    read
}

/// Ten pairs of the v1 protocol, 1,000 levels deep: the rules of the book and of its checksum are the same.
#[test]
fn the_capture_of_2021_verifies() {
    let text = fs::read_to_string(root("tests/fixtures/kraken/cryptofeed_ws_v1/KRAKEN.ws.50.0")).expect("the capture");
    let mut books: HashMap<String, Book> = HashMap::new();
    let (mut snapshots, mut updates) = (0, 0);
    for line in text.lines().filter(|line| line.starts_with("16")) {
        let Value::Array(message) = serde_json::from_str(line.split_once(": ").expect("a frame").1).expect("json")
        else {
            continue;
        };
        let [_, parts @ .., _, pair] = message.as_slice() else { panic!("{line}") };
        let read = old(parts);
        let level = |l: &OldLevel| Level { price: number(&l[0]), qty: number(&l[1]) };
        let texts = |side: &[OldLevel]| side.iter().map(|l| (l[0].clone(), l[1].clone())).collect::<Vec<_>>();
        let (asks, bids) = (texts(&read.asks), texts(&read.bids));
        // A snapshot of v1 has no checksum.
        let own = naive_crc(
            asks.iter().map(|(p, q)| (p.as_str(), q.as_str())),
            bids.iter().map(|(p, q)| (p.as_str(), q.as_str())),
        );
        let rows = BookRows {
            symbol: pair.as_str().expect("a pair").to_owned(),
            bids: read.bids.iter().map(level).collect(),
            asks: read.asks.iter().map(level).collect(),
            checksum: read.checksum.unwrap_or(own),
            timestamp: None,
        };
        if read.snapshot {
            let decimals = |text: &str| text.split_once('.').map_or(0, |(_, d)| d.len() as u32);
            let (price, qty) = asks.first().or(bids.first()).expect("a level");
            let precision = Precision { price: decimals(price), qty: decimals(qty) };
            let mut book = Book::new(1_000, precision);
            assert_eq!(book.snapshot(&rows), Ok(true), "{}", rows.symbol);
            books.insert(rows.symbol, book);
            snapshots += 1;
        } else {
            let book = books.get_mut(&rows.symbol).expect("a snapshot");
            let result = book.update(&rows);
            assert!(result.is_ok(), "{}: {result:?}", rows.symbol);
            updates += 1;
        }
    }
    assert_eq!((snapshots, updates), (10, 4_269));
}
