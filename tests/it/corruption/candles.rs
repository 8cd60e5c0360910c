//! The bundled five-minute candles as they would have arrived.

use std::sync::OnceLock;

use cryptosmarttrader::domain::quality::Evidence;
use cryptosmarttrader::domain::time::MINUTE_MS;
use cryptosmarttrader::domain::{Pair, RawCandle, UtcMs};
use cryptosmarttrader::store::{Recording, load_instruments};

use super::Delivery;
use crate::support::{at, recording_dir};

pub const STEP: i64 = 5 * MINUTE_MS;
/// A stretch without an outage: the windows are full from the ninth day on.
const SPAN: (&str, &str) = ("2024-07-09T00:00:00Z", "2024-07-20T00:00:00Z");

/// All replayed rows of the recording, read once.
fn recorded() -> &'static [RawCandle] {
    static ROWS: OnceLock<Vec<RawCandle>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let recording = Recording::open(&recording_dir()).expect("the recording opens");
        recording.load_replay().expect("its rows").candles().map(|(_, row)| row).collect()
    })
}

pub fn price_decimals(pair: &Pair) -> u32 {
    let list = load_instruments(&recording_dir().join("instruments.json")).expect("instruments");
    list.iter().find(|i| i.pair == *pair).expect("a bundled pair").price_decimals
}

/// The stretch of one pair, one delivery at every end of a bar.
pub fn deliveries(name: &str) -> Vec<Delivery> {
    let pair: Pair = name.parse().expect("a pair");
    let (first, last) = (at(SPAN.0), at(SPAN.1));
    let mut rows = recorded().iter().filter(|r| r.pair == pair && r.open_time >= first).peekable();
    let steps = last.since(first) / STEP;
    (1..=steps)
        .map(|n| {
            let at = UtcMs(first.0 + n * STEP);
            let known = |r: &&RawCandle| r.open_time.plus(r.interval.ms()) <= at;
            let mut here = Vec::new();
            while let Some(row) = rows.next_if(known) {
                here.push(row.clone());
            }
            Delivery { at, rows: here, evidence: Evidence::default() }
        })
        .collect()
}
