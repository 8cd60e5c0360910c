//! What a live session adds to the lake beside its candles: every trade, and the best bid and ask from time to time.

use std::collections::BTreeMap;

use crate::config::LakeSettings;
use crate::domain::order::Side;
use crate::domain::pair::Pair;
use crate::kraken::link::LinkEvent;
use crate::kraken::wire::{Number, ws};
use crate::store::lake::{BookRow, Recorder, TradeRow};

/// Hands the link's events on to the lake, as far as the settings want them there.
pub(super) struct Tape {
    recorder: Recorder,
    trades: bool,
    /// Between two pictures of a book; `None` takes none.
    books_every_ns: Option<i64>,
    /// When the next picture of a pair is due.
    due: BTreeMap<Pair, i64>,
}

impl Tape {
    pub(super) fn new(recorder: Recorder, settings: &LakeSettings) -> Self {
        let seconds = i64::from(settings.record_books_seconds);
        let books_every_ns = (seconds > 0).then(|| seconds * 1_000_000_000);
        Self { recorder, trades: settings.record_trades, books_every_ns, due: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, event: &LinkEvent) {
        match event {
            LinkEvent::Trade { pair, trade } if self.trades => {
                let side = match trade.side {
                    ws::Side::Buy => Some(Side::Buy),
                    ws::Side::Sell => Some(Side::Sell),
                    _ => None,
                };
                let id = Some(trade.trade_id.to_string().into());
                let (price, volume) = (trade.price.0, trade.qty.0);
                self.recorder.trade(pair, TradeRow { line: 0, at_ns: trade.timestamp.0, price, volume, side, id });
            }
            LinkEvent::Top { pair, bid: Some(bid), ask: Some(ask), at: Some(at) } => {
                let Some(every) = self.books_every_ns else { return };
                let due = self.due.entry(pair.clone()).or_insert(at.0);
                if at.0 >= *due {
                    *due = at.0.saturating_add(every);
                    let level = |side, (price, volume): &(Number, Number)| BookRow {
                        at_ns: at.0,
                        side,
                        level: 0,
                        price: price.0,
                        volume: volume.0,
                    };
                    self.recorder.book(pair, vec![level(Side::Buy, bid), level(Side::Sell, ask)]);
                }
            }
            _ => {}
        }
    }
}
