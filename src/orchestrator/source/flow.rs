//! The link's trades and books, recorded as order flow pair by pair.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::flow::{FlowBar, FlowView};
use crate::domain::market::RawCandle;
use crate::domain::pair::{Interval, Pair};
use crate::domain::time::UtcMs;
use crate::domain::{Side, message::PerPair};
use crate::kraken::link::LinkEvent;
use crate::kraken::wire::{Stamp, ws};
use crate::pipeline::flow::{FlowRecorder, Told};

/// One recorder for each pair that is watched, in the order of the universe.
#[derive(Debug)]
pub(super) struct Flows {
    /// Pairs, the length of their bars and the volume of the day before, until the first event tells when recording begins.
    waiting: Vec<(Pair, Interval, Option<f64>)>,
    recorders: Vec<(Pair, FlowRecorder)>,
    index: BTreeMap<Pair, usize>,
}

impl Flows {
    pub(super) fn new(pairs: Vec<(Pair, Interval, Option<f64>)>) -> Self {
        let index = (0..).zip(&pairs).map(|(i, (pair, ..))| (pair.clone(), i)).collect();
        Self { waiting: pairs, recorders: Vec::new(), index }
    }

    /// Reads what concerns flow in an event that was told at `now`. The first event comes after the link has begun: its bars are whole from the
    /// one on that is open then.
    pub(super) fn take(&mut self, event: &LinkEvent, now: UtcMs) {
        for (pair, interval, day_volume) in self.waiting.drain(..) {
            let recorder = FlowRecorder::new(pair.clone(), interval, now, day_volume);
            self.recorders.push((pair, recorder));
        }
        match event {
            LinkEvent::Trade { pair, trade } => {
                if let Some(recorder) = self.of(pair) {
                    recorder.trade(trade.trade_id, &told(trade));
                }
            }
            LinkEvent::Depth { pair, depth, fresh, at } => {
                let Some(recorder) = self.of(pair) else { return };
                // A first picture may carry no instant: then it counts from when it came.
                match depth {
                    Some(depth) => recorder.book(at.map_or(now, Stamp::ms), depth, *fresh),
                    None => recorder.lose_book(now),
                }
            }
            _ => {}
        }
    }

    fn of(&mut self, pair: &Pair) -> Option<&mut FlowRecorder> {
        self.index.get(pair).and_then(|i| self.recorders.get_mut(*i)).map(|(_, recorder)| recorder)
    }

    /// The bars that end at `end`. `rows` are the exchange's candles known by then; a pair in doubt has none that is vouched for, and a proven pair
    /// without a candle did not trade.
    pub(super) fn close(&mut self, end: UtcMs, rows: &[RawCandle], doubts: &PerPair<String>) -> Vec<FlowBar> {
        let ended = rows.iter().filter(|row| row.open_time.plus(row.interval.ms()) == end);
        let candles: BTreeMap<&Pair, &RawCandle> = ended.map(|row| (&row.pair, row)).collect();
        let doubtful: BTreeSet<&Pair> = doubts.iter().map(|(pair, _)| pair).collect();
        let close = |(pair, recorder): &mut (Pair, FlowRecorder)| {
            let told = candles.get(pair).map_or(Some((0, 0.0)), |row| row.trades.map(|trades| (trades, row.volume)));
            recorder.close(end, told.filter(|_| !doubtful.contains(pair)))
        };
        self.recorders.iter_mut().map(close).collect()
    }

    /// How every pair stands now.
    pub(super) fn views(&self) -> Vec<FlowView> {
        self.recorders.iter().filter_map(|(_, recorder)| recorder.view()).collect()
    }
}

fn told(trade: &ws::Trade) -> Told {
    let side = match trade.side {
        ws::Side::Buy => Some(Side::Buy),
        ws::Side::Sell => Some(Side::Sell),
        ws::Side::Unknown(_) => None,
    };
    Told { at: trade.timestamp.ms(), side, price: trade.price.to_f64(), qty: trade.qty.to_f64() }
}
