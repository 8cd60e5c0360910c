//! What the link tells, collected into batches.

use std::collections::BTreeMap;

use crate::domain::event::RawBatch;
use crate::domain::market::RawCandle;
use crate::domain::pair::{Interval, Pair};
use crate::domain::time::UtcMs;
use crate::kraken::link::LinkEvent;

/// Rows and doubts since the last batch.
#[derive(Debug)]
pub(super) struct Batcher {
    /// Place of each pair in the universe: rows of a batch keep this order, so that equal data make equal batches.
    order: BTreeMap<Pair, usize>,
    rows: Vec<RawCandle>,
    doubts: BTreeMap<Pair, String>,
    /// Pairs whose newest candle disagreed with the exchange's, until their next batch.
    unproven: BTreeMap<Pair, UtcMs>,
}

impl Batcher {
    pub(super) fn new(universe: &[(Pair, Interval)]) -> Self {
        let order = universe.iter().enumerate().map(|(i, (pair, _))| (pair.clone(), i)).collect();
        Self { order, rows: Vec::new(), doubts: BTreeMap::new(), unproven: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Candle { row, proven } => {
                if !proven {
                    self.unproven.insert(row.pair.clone(), row.open_time);
                }
                self.rows.push(row);
            }
            LinkEvent::Proof { pair, doubt: Some(doubt) } => {
                self.doubts.insert(pair, doubt);
            }
            LinkEvent::Proof { pair, doubt: None } => {
                self.doubts.remove(&pair);
            }
            LinkEvent::System(state) => tracing::info!(state = state.as_str(), "state of the exchange"),
            LinkEvent::PairStatus { pair, status } => {
                tracing::info!(%pair, status = status.as_str(), "state of a pair")
            }
            LinkEvent::Note(text) => tracing::warn!("{text}"),
            // The screen reads these from the link's status, order flow is recorded beside the batches.
            LinkEvent::Trade { .. } | LinkEvent::Top { .. } | LinkEvent::Depth { .. } | LinkEvent::Ticker { .. } => {}
        }
    }

    /// The batch of everything that closed by `at`; later rows wait for theirs.
    pub(super) fn batch(&mut self, at: UtcMs, warmup: bool) -> RawBatch {
        let (mut rows, later): (Vec<_>, Vec<_>) =
            self.rows.drain(..).partition(|row| row.open_time.plus(row.interval.ms()) <= at);
        self.rows = later;
        let place = |row: &RawCandle| self.order.get(&row.pair).copied().unwrap_or(usize::MAX);
        rows.sort_by_key(|row| (place(row), row.open_time));
        let mut doubts = self.doubts.clone();
        for (pair, open_time) in std::mem::take(&mut self.unproven) {
            let text = format!("the candle of {open_time} is not the exchange's own");
            doubts.entry(pair).or_insert(text);
        }
        RawBatch { at, rows, warmup, doubts: doubts.into_iter().collect(), flow: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pair::Venue;

    fn row(pair: &str, open: i64) -> RawCandle {
        RawCandle {
            pair: pair.parse().unwrap(),
            venue: Venue::Kraken,
            interval: Interval::M5,
            open_time: UtcMs(open * Interval::M5.ms()),
            open: 1.0,
            high: 1.0,
            low: 1.0,
            close: 1.0,
            volume: 1.0,
            trades: Some(1),
        }
    }

    fn batcher() -> Batcher {
        let pair = |name: &str| (name.parse().unwrap(), Interval::M5);
        Batcher::new(&[pair("XRP/USD"), pair("BTC/USD")])
    }

    #[test]
    fn rows_keep_the_order_of_the_universe_and_wait_for_their_batch() {
        let mut batcher = batcher();
        for row in [row("BTC/USD", 0), row("BTC/USD", 1), row("XRP/USD", 0)] {
            batcher.take(LinkEvent::Candle { row, proven: true });
        }
        let first = batcher.batch(UtcMs(Interval::M5.ms()), false);
        assert_eq!(first.rows, [row("XRP/USD", 0), row("BTC/USD", 0)]);
        let second = batcher.batch(UtcMs(2 * Interval::M5.ms()), false);
        assert_eq!(second.rows, [row("BTC/USD", 1)]);
        assert!(batcher.batch(UtcMs(3 * Interval::M5.ms()), false).rows.is_empty());
    }

    #[test]
    fn a_doubt_stays_until_it_is_taken_back_and_a_bad_candle_counts_once() {
        let mut batcher = batcher();
        let pair: Pair = "BTC/USD".parse().unwrap();
        batcher.take(LinkEvent::Proof { pair: pair.clone(), doubt: Some("no snapshot".to_owned()) });
        assert_eq!(batcher.batch(UtcMs(0), false).doubts, [(pair.clone(), "no snapshot".to_owned())]);
        assert_eq!(batcher.batch(UtcMs(1), false).doubts.len(), 1);
        batcher.take(LinkEvent::Proof { pair, doubt: None });
        assert!(batcher.batch(UtcMs(2), false).doubts.is_empty());
        batcher.take(LinkEvent::Candle { row: row("XRP/USD", 0), proven: false });
        assert_eq!(batcher.batch(UtcMs(3), false).doubts.len(), 1);
        assert!(batcher.batch(UtcMs(4), false).doubts.is_empty());
    }
}
