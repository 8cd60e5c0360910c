//! Frames, asks and golden vectors for the tests of this room.

use std::sync::Arc;

use crate::domain::feature::FeatureRow;
use crate::domain::frame::{DataQuality, Indicators};
use crate::domain::time::HOUR_MS;
use crate::domain::{AgentKind, Ask, Candle, Frame, Interval, Message, Pair, Price, Qty, Request, UtcMs, Venue};

/// Midnight of a Monday.
pub const START: UtcMs = UtcMs(1_719_792_000_000);

pub fn pair(text: &str) -> Pair {
    text.parse().expect("a pair")
}

pub fn hour(n: i64) -> UtcMs {
    START.plus(n * HOUR_MS)
}

pub fn candle(
    pair_name: &str,
    interval: Interval,
    open_time: UtcMs,
    close: f64,
    volume: f64,
    trades: Option<u64>,
) -> Candle {
    let price = |v: f64| Price::from_f64(v).expect("a price");
    Candle {
        pair: pair(pair_name),
        venue: Venue::Kraken,
        interval,
        open_time,
        open: price(close),
        high: price(close),
        low: price(close),
        close: price(close),
        volume: Qty::from_f64(volume).expect("a quantity"),
        trades,
    }
}

/// A frame whose hour closed at `at`, with that close and nothing else.
pub fn frame(pair_name: &str, at: UtcMs, close: f64) -> Frame {
    Frame {
        pair: pair(pair_name),
        at,
        bar: candle(pair_name, Interval::H1, at.plus(-HOUR_MS), close, 10.0, Some(10)),
        features: FeatureRow::empty(),
        indicators: Indicators::default(),
        quality: DataQuality {
            complete: true,
            source_bars: 12,
            source_bars_expected: 12,
            bars_since_hole: 500,
            age_ms: 0,
            outlier: false,
            note: None,
        },
        source_bars: Vec::new(),
        flow: None,
    }
}

pub fn ask(to: AgentKind, request: Request, at: UtcMs, inbox: Vec<Message>) -> Ask {
    Ask { cycle: 7, at, to, request, inbox }
}

pub fn frames(list: Vec<Frame>) -> Arc<Vec<Frame>> {
    Arc::new(list)
}

/// One case of a file under `tests/golden`.
pub fn golden_case(file: &str, name: &str) -> serde_json::Value {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("golden file");
    let whole: serde_json::Value = serde_json::from_str(&text).expect("golden JSON");
    let cases = whole["cases"].as_array().expect("cases");
    cases.iter().find(|c| c["name"] == name).cloned().expect("the named case")
}

pub fn golden_floats(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// `|got − expected| <= abs + rel·|expected|`.
pub fn close_enough(got: f64, expected: f64, abs: f64, rel: f64) -> bool {
    (got - expected).abs() <= abs + rel * expected.abs()
}
