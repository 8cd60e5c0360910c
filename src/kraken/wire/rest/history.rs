//! Candles and trades of one pair.

use super::keyed::Keyed;
use super::row::row;
use crate::domain::pair::Interval;
use crate::kraken::wire::{Number, Stamp, ws};

/// Candles, oldest first. The last one is unfinished; `last` is the newest finished one.
pub type Ohlc = Keyed<Vec<OhlcRow>>;

row! {
    pub struct OhlcRow {
        open_time: Stamp,
        open: Number,
        high: Number,
        low: Number,
        close: Number,
        /// 0 without trades.
        vwap: Number,
        /// Base units.
        volume: Number,
        count: u64,
    }
}

impl OhlcRow {
    /// In the words of the WebSocket. `symbol` is like `BTC/USD`.
    #[must_use]
    pub fn to_ws(&self, symbol: &str, interval: Interval) -> ws::Ohlc {
        ws::Ohlc {
            symbol: symbol.to_owned(),
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            vwap: self.vwap,
            trades: self.count,
            volume: self.volume,
            interval_begin: self.open_time,
            interval: interval.0,
        }
    }
}

/// Trades, oldest first.
pub type Trades = Keyed<Vec<TradeRow>>;

row! {
    pub struct TradeRow {
        price: Number,
        /// Base units.
        volume: Number,
        at: Stamp,
        /// `b` or `s`: the taker's side.
        side: String,
        /// `m` or `l`: market or limit.
        kind: String,
        misc: String,
        /// Rises by one per pair.
        trade_id: u64,
    }
}

impl TradeRow {
    /// In the words of the WebSocket. `symbol` is like `BTC/USD`.
    #[must_use]
    pub fn to_ws(&self, symbol: &str) -> ws::Trade {
        ws::Trade {
            symbol: symbol.to_owned(),
            side: match self.side.as_str() {
                "b" => ws::Side::Buy,
                "s" => ws::Side::Sell,
                other => ws::Side::Unknown(other.to_owned()),
            },
            price: self.price,
            qty: self.volume,
            ord_type: match self.kind.as_str() {
                "m" => "market".to_owned(),
                "l" => "limit".to_owned(),
                other => other.to_owned(),
            },
            trade_id: self.trade_id,
            timestamp: self.at,
        }
    }
}

/// Row times pass through a double on the exchange's side: 2026's are up to 119 ns off. `last` is exact.
const BLUR_NS: i64 = 1_000;

impl Trades {
    /// Where the next page begins: a microsecond before the newest row, whatever `last` says (it is malformed at times). Several trades can share
    /// one instant, `since` excludes it, and row times are rounded: a page that ended between them would lose the rest. So the newest rows come
    /// again; drop them by `trade_id`. Without rows: `last`, or `since` again.
    #[must_use]
    pub fn cursor(&self, since: Stamp) -> Stamp {
        let newest = self.rows.iter().map(|row| row.at).max();
        let before = newest.map(|at| Stamp(at.0.saturating_sub(BLUR_NS)));
        before.or_else(|| self.last_ns()).map_or(since, |next| next.max(since))
    }
}
