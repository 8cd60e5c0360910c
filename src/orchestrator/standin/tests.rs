//! Frames are recorded, read back, and played: books have the recorded checksums, trades come once and in order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::recorded::{Recorded, files, read};
use super::*;
use crate::kraken::wire::Stamp;
use crate::simulator::protocol::Topic;
use crate::store::frames::{FrameWriter, Header, Origin, Policy};

/// A snapshot and 509 updates of BTC/USD as Kraken sent them, without stamps in the snapshot.
const BOOK: &str = include_str!("../../../benches/data/book_btc_usd_depth10.jsonl");
/// A second before the first update.
const BEGIN_MS: i64 = 1_690_730_997_343;

fn instrument() -> Value {
    json!({"channel": "instrument", "type": "snapshot", "data": {"assets": [], "pairs": [{
        "symbol": "BTC/USD", "base": "BTC", "quote": "USD", "status": "online", "price_precision": 1, "price_increment": 0.1,
        "qty_precision": 8, "qty_increment": 0.00000001, "qty_min": 0.0001, "cost_precision": 5, "cost_min": 0.5}]}})
}

fn trades(kind: &str, ids: impl IntoIterator<Item = u64>) -> String {
    let row = |id: u64| {
        let at = Stamp::from_ms(UtcMs(BEGIN_MS + i64::try_from(id).unwrap() * 100)).to_string();
        json!({"symbol": "BTC/USD", "side": if id.is_multiple_of(2) { "buy" } else { "sell" }, "price": 29_300.5, "qty": 0.25,
            "ord_type": "limit", "trade_id": id, "timestamp": at})
    };
    json!({"channel": "trade", "type": kind, "data": ids.into_iter().map(row).collect::<Vec<_>>()}).to_string()
}

/// Writes frames 10 ms apart.
fn recording(origin: Origin, frames: &[String]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let header = Header {
        venue: "kraken".to_owned(),
        url: "wss://ws.kraken.com/v2".to_owned(),
        started_at: UtcMs(BEGIN_MS),
        program: "cst".to_owned(),
        symbols: vec!["BTC/USD".to_owned()],
        origin,
    };
    let mut writer = FrameWriter::create(folder.path(), header, Policy::default()).unwrap();
    for (place, frame) in frames.iter().enumerate() {
        writer.append((BEGIN_MS + i64::try_from(place).unwrap() * 10) * 1_000, 1, frame.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    folder
}

fn read_back(folder: &tempfile::TempDir) -> Recorded {
    read(&files(folder.path()).unwrap(), &Listing::bundled().unwrap()).unwrap()
}

fn market(found: Recorded) -> Market {
    let listing = Arc::new(Listing::bundled().unwrap().with_recorded(&found.pairs).unwrap());
    let start = SimNs(found.begin.0 * 1_000_000);
    let data = MarketData { listing, trades: found.trades, candles: Vec::new(), books: found.books, start };
    Market::new(data, MarketOptions { repeat_one_in: 0, ..MarketOptions::default() }).unwrap()
}

#[test]
fn recorded_books_are_played_with_the_recorded_checksums() {
    let mut frames = vec![instrument().to_string()];
    frames.extend(BOOK.lines().map(str::to_owned));
    let found = read_back(&recording(Origin::Live, &frames));
    assert_eq!((found.books.len(), found.books[0].depth, found.books[0].frames.len()), (1, 10, 510));
    let mut expected: BTreeMap<i64, u64> = BTreeMap::new();
    for (frame, line) in found.books[0].frames.iter().zip(BOOK.lines()) {
        let frame_of: Value = serde_json::from_str(line).unwrap();
        expected.insert(frame.at.0, frame_of["data"][0]["checksum"].as_u64().unwrap());
    }
    let mut market = market(found);
    let topic = Topic::Book { symbol: "BTC/USD".into(), depth: 10 };
    assert!(market.activate(&topic));
    let mut out = Vec::new();
    let mut compared = 0;
    for (at, checksum) in expected {
        market.step_to(SimNs(at), &mut out);
        if SimNs(at) < market.now() {
            continue;
        }
        let snapshot: Value = serde_json::from_str(&market.snapshot(&topic).unwrap()).unwrap();
        assert_eq!(snapshot["data"][0]["checksum"].as_u64(), Some(checksum), "at {at}");
        compared += 1;
    }
    assert!(compared > 400, "{compared}");
}

#[test]
fn what_is_missing_is_left_out_and_told() {
    let lines: Vec<String> = BOOK.lines().map(str::to_owned).collect();
    let mut frames = vec![instrument().to_string(), trades("snapshot", 1..=50)];
    // A frame is lost: the rest up to the next snapshot fits no checksum. Then everything again.
    frames.extend(lines.iter().take(20).cloned());
    frames.extend(lines.iter().skip(21).take(30).cloned());
    frames.push("<html>".to_owned());
    frames.extend(lines.iter().cloned());
    // Trade 53 was never seen; 49 to 52 were seen twice.
    frames.extend([trades("update", 49..=52), trades("update", 54..=60)]);
    let found = read_back(&recording(Origin::Live, &frames));
    assert_eq!(found.books[0].frames.len(), 20 + 510);
    let ids: Vec<u64> = found.trades[0].trades.iter().map(|t| t.id).collect();
    assert_eq!(ids, (1..=59).collect::<Vec<_>>(), "numbered without a hole");
    for told in
        ["30 frames of books", "1 frames that cannot be read", "1 trades that are not in it", "59 trades of 1 pairs"]
    {
        assert!(found.about.contains(told), "{told}: {}", found.about);
    }
    assert!(found.about.contains("recorded live (wss://ws.kraken.com/v2)"), "{}", found.about);
    market(found).check().unwrap();
}

#[test]
fn a_folder_of_frames_makes_an_exchange_and_one_without_data_says_so() {
    let wanted = StandIn {
        invent: Vec::new(),
        synthetic: 0,
        seed: 1,
        strict: true,
        full_deltas: false,
        from: None,
        moved_to: None,
    };
    let folder = recording(Origin::StandIn, &[instrument().to_string(), trades("update", 1..=3)]);
    let loaded = from_folder(folder.path(), &wanted).unwrap();
    assert!(loaded.about.contains("of a stand-in"), "{}", loaded.about);
    assert_eq!(loaded.exchange.now(), SimNs(read_back(&folder).begin.0 * 1_000_000));
    assert_eq!(loaded.exchange.market().last_price("BTC/USD"), Some(rust_decimal::dec!(29300.5)));
    let now = UtcMs(1_800_000_000_123);
    let moved = from_folder(folder.path(), &StandIn { moved_to: Some(now), ..wanted.clone() }).unwrap();
    assert_eq!(moved.exchange.now(), SimNs(now.0 * 1_000_000));
    assert_eq!(moved.exchange.market().last_price("BTC/USD"), Some(rust_decimal::dec!(29300.5)));
    assert!(moved.about.contains("not the market's"), "{}", moved.about);
    let empty = recording(Origin::Live, &[instrument().to_string()]);
    let refused = from_folder(empty.path(), &wanted).map(|loaded| loaded.about).unwrap_err().to_string();
    assert!(refused.contains("no trade and no book"), "{refused}");
}
