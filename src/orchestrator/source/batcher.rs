//! What the link tells, collected into batches.

use std::collections::BTreeMap;

use crate::domain::event::RawBatch;
use crate::domain::market::RawCandle;
use crate::domain::pair::{Interval, Pair};
use crate::domain::quality::{Evidence, Testimony, Witness};
use crate::domain::time::UtcMs;
use crate::kraken::link::LinkEvent;
use crate::pipeline::align::{Dated, Timeline};

/// Rows and doubts since the last batch.
#[derive(Debug)]
pub(super) struct Batcher {
    /// Place of each pair in the universe: rows of a batch keep this order, so that equal data make equal batches.
    order: BTreeMap<Pair, usize>,
    /// Candles that wait for the batch in which they are known, by pair and length.
    rows: Timeline<(Pair, Interval), RawCandle>,
    /// Candles so far: two of one bar are both handed on, in the order of their arrival.
    arrived: u64,
    doubts: BTreeMap<Pair, String>,
    /// Pairs whose newest candle disagreed with the exchange's, until their next batch.
    unproven: BTreeMap<Pair, UtcMs>,
    /// Candles that were built from trades and equal the exchange's, since the last batch; `None` where candles are the exchange's alone.
    testimonies: Option<Vec<Testimony>>,
}

impl Batcher {
    /// `from_trades`: the link builds candles from trades and compares them with the exchange's.
    pub(super) fn new(universe: &[(Pair, Interval)], from_trades: bool) -> Self {
        let order = universe.iter().enumerate().map(|(i, (pair, _))| (pair.clone(), i)).collect();
        Self {
            order,
            rows: Timeline::default(),
            arrived: 0,
            doubts: BTreeMap::new(),
            unproven: BTreeMap::new(),
            testimonies: from_trades.then(Vec::new),
        }
    }

    pub(super) fn take(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Candle { row, proven } => {
                if !proven {
                    self.unproven.insert(row.pair.clone(), row.open_time);
                } else if let Some(testimonies) = &mut self.testimonies {
                    testimonies.push(testimony(&row));
                }
                self.wait(row);
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

    /// A candle is known when it closes. One that comes when its batch has left goes with the next: the pipeline judges what that means.
    fn wait(&mut self, row: RawCandle) {
        self.arrived += 1;
        let known_time = row.open_time.plus(row.interval.ms());
        let item = Dated { event_time: row.open_time, known_time, sequence: self.arrived, value: row };
        let stream = (item.value.pair.clone(), item.value.interval);
        if let Err(late) = self.rows.insert(stream, item) {
            tracing::debug!(%late, "a candle came after its batch");
        }
    }

    /// The batch of everything that closed by `at`; later rows wait for theirs.
    pub(super) fn batch(&mut self, at: UtcMs, warmup: bool) -> RawBatch {
        let mut rows: Vec<RawCandle> = self.rows.release(at).map(|(_, row)| row.value).collect();
        let place = |row: &RawCandle| self.order.get(&row.pair).copied().unwrap_or(usize::MAX);
        rows.sort_by_key(|row| (place(row), row.open_time));
        let mut doubts = self.doubts.clone();
        for (pair, open_time) in std::mem::take(&mut self.unproven) {
            let text = format!("the candle of {open_time} is not the exchange's own");
            doubts.entry(pair).or_insert(text);
        }
        let evidence = Evidence {
            testimonies: self.testimonies.as_mut().map(std::mem::take).unwrap_or_default(),
            ..Evidence::default()
        };
        RawBatch { at, rows, warmup, doubts: doubts.into_iter().collect(), flow: Vec::new(), evidence }
    }
}

/// The link has found the candle equal to the exchange's own: that is what the second source says.
fn testimony(row: &RawCandle) -> Testimony {
    Testimony {
        by: Witness::Trades,
        pair: row.pair.clone(),
        interval: row.interval,
        open_time: row.open_time,
        close: row.close,
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
        Batcher::new(&[pair("XRP/USD"), pair("BTC/USD")], true)
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

    #[test]
    fn a_proven_candle_is_its_own_witness_only_where_two_sources_agreed() {
        let mut batcher = batcher();
        batcher.take(LinkEvent::Candle { row: row("XRP/USD", 0), proven: true });
        batcher.take(LinkEvent::Candle { row: row("BTC/USD", 0), proven: false });
        let batch = batcher.batch(UtcMs(Interval::M5.ms()), false);
        let [testimony] = batch.evidence.testimonies.as_slice() else { panic!() };
        assert_eq!((testimony.pair.as_str(), testimony.close), ("XRP/USD", 1.0));
        assert!(batcher.batch(UtcMs(2 * Interval::M5.ms()), false).evidence.testimonies.is_empty());
        let mut alone = Batcher::new(&[("XRP/USD".parse().unwrap(), Interval::M5)], false);
        alone.take(LinkEvent::Candle { row: row("XRP/USD", 0), proven: true });
        assert!(alone.batch(UtcMs(Interval::M5.ms()), false).evidence.testimonies.is_empty());
    }
}
