//! The link's way from bytes to a checked book, and from bytes to trades, on recorded frames.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking"
)]

use std::fs;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use cryptosmarttrader::kraken::book::{Book, Books, Precision, throughput};
use cryptosmarttrader::kraken::wire::ws::{BookRows, Inbound, Kind, decode};

const PRECISION: Precision = Precision { price: 1, qty: 8 };

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// A snapshot and 509 updates of BTC/USD at depth 10, as Kraken wrote them.
fn frames() -> Vec<Vec<u8>> {
    read("benches/data/book_btc_usd_depth10.jsonl").lines().map(|line| line.as_bytes().to_vec()).collect()
}

fn books() -> Books {
    let mut books = Books::new();
    for symbol in ["ETH/USD", "BTC/USD", "SOL/USD", "XRP/USD"] {
        books.subscribe(symbol, 10, PRECISION);
    }
    books
}

fn rows(frame: &[u8]) -> (Kind, BookRows) {
    match decode(frame).expect("a frame") {
        Inbound::Book { kind, mut rows } => (kind, rows.pop().expect("a row")),
        other => panic!("{other:?}"),
    }
}

fn book(c: &mut Criterion) {
    let frames = frames();
    let updates = frames.len() as u64;
    let mut group = c.benchmark_group("book of depth 10, a recorded session");
    group.throughput(Throughput::Elements(updates));
    let mut fast = books();
    let counts = throughput::run(&mut fast, &frames, 1);
    assert_eq!((counts.fast, counts.faults), (updates, 0));
    group.bench_function("bytes to checked book, fast way", |b| b.iter(|| throughput::run(&mut fast, &frames, 1)));

    let mut slow = books();
    group.bench_function("bytes to checked book, decoder", |b| {
        b.iter(|| {
            for frame in &frames {
                let (kind, row) = rows(frame);
                slow.on_rows(&kind, &row).expect("taken").result.expect("right");
            }
        });
    });

    let decoded: Vec<_> = frames.iter().map(|frame| rows(frame)).collect();
    group.bench_function("rows to checked book", |b| {
        b.iter_batched_ref(
            || Book::new(10, PRECISION),
            |book| {
                for (kind, row) in &decoded {
                    let result = if *kind == Kind::Snapshot { book.snapshot(row) } else { book.update(row) };
                    result.expect("right");
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn trades(c: &mut Criterion) {
    let compact = |text: String| serde_json::from_str::<serde_json::Value>(&text).expect("json").to_string();
    let frame = compact(read("tests/fixtures/kraken/kraken_async_rs/kraken_wss_client__test_trade_update.json"));
    let Ok(Inbound::Trade { rows, .. }) = decode(frame.as_bytes()) else { panic!("no trades") };
    let mut group = c.benchmark_group("trades");
    group.throughput(Throughput::Elements(rows.len() as u64));
    group.bench_function("bytes to trades", |b| b.iter(|| decode(frame.as_bytes())));
    group.finish();
}

criterion_group! { name = benches; config = Criterion::default().sample_size(50); targets = book, trades }
criterion_main!(benches);
