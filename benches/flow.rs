//! Cost of order flow: one trade and one book event through the recorder of a pair, and the book's levels as floats.
//! Input: the trades and books of the reference vectors, over and over, with times and numbers that go on.
#![expect(clippy::expect_used, reason = "a benchmark without its input has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use cryptosmarttrader::domain::flow::{Depth, Level};
use cryptosmarttrader::domain::{Interval, Side, UtcMs};
use cryptosmarttrader::pipeline::flow::{FlowRecorder, Told};
use serde_json::Value;

/// Time from one trade, and from one book, to the next: 300 trades and 3,000 books in a bar.
const TRADE_MS: i64 = 1_000;
const BOOK_MS: i64 = 100;
const BAR_MS: i64 = 300_000;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/orderflow.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("tests/golden/orderflow.json")).expect("JSON")
}

fn trades(root: &Value) -> Vec<Told> {
    let column = |name: &str| root.pointer(&format!("/series/tape/{name}")).and_then(Value::as_array).expect("column");
    let numbers = |name: &str| column(name).iter().map(|v| v.as_f64().expect("a number"));
    let sides = column("side").iter().map(|s| if s == "buy" { Side::Buy } else { Side::Sell });
    let rows = sides.zip(numbers("price").zip(numbers("qty")));
    rows.map(|(side, (price, qty))| Told { at: UtcMs(0), side: Some(side), price, qty }).collect()
}

fn books(root: &Value) -> Vec<Depth> {
    let cases = root.get("cases").and_then(Value::as_array).expect("cases");
    let case = cases.iter().find(|c| c["fn"] == "book_imbalance").expect("books");
    let level = |v: &Value| -> Level {
        let at = |i: usize| v.get(i).and_then(Value::as_f64).expect("a number");
        (at(0), at(1))
    };
    let side = |v: &Value| v.as_array().expect("levels").iter().map(level).collect::<Vec<_>>();
    let books = case.pointer("/inputs/books").and_then(Value::as_array).expect("books");
    books.iter().map(|b| Depth::new(side(&b["bids"]).into_iter(), side(&b["asks"]).into_iter())).collect()
}

fn recorder() -> FlowRecorder {
    FlowRecorder::new("BTC/USD".parse().expect("a pair"), Interval::M5, UtcMs(0), Some(500_000.0))
}

fn flow(c: &mut Criterion) {
    let root = vectors();
    let (trades, books) = (trades(&root), books(&root));
    let mut group = c.benchmark_group("flow");
    group.throughput(Throughput::Elements(1));
    group.bench_function("trade", |b| {
        let mut recorder = recorder();
        let mut next = trades.iter().cycle();
        let (mut id, mut at) = (0_u64, 0_i64);
        b.iter(|| {
            id += 1;
            at += TRADE_MS;
            let trade = next.next().map(|t| Told { at: UtcMs(at), ..*t }).expect("a trade");
            recorder.trade(id, black_box(&trade));
            if at % BAR_MS == 0 {
                black_box(recorder.close(UtcMs(at), None));
            }
        });
    });
    group.bench_function("book", |b| {
        let mut recorder = recorder();
        let mut next = books.iter().cycle();
        let mut at = 0_i64;
        b.iter(|| {
            at += BOOK_MS;
            recorder.book(UtcMs(at), black_box(next.next().expect("a book")), false);
            if at % BAR_MS == 0 {
                black_box(recorder.close(UtcMs(at), None));
            }
        });
    });
    group.bench_function("view", |b| {
        let mut recorder = recorder();
        recorder.trade(1, trades.first().expect("a trade"));
        recorder.book(UtcMs(1), books.first().expect("a book"), true);
        b.iter(|| black_box(recorder.view()));
    });
    group.finish();
}

criterion_group!(benches, flow);
criterion_main!(benches);
