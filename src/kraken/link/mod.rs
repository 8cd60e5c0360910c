//! The connection's logic without a socket: what comes in, what goes out, at which instant.
//!
//! Serves the driver (real sockets) and the soak tests (none). In: [`Input`]s with the time; out: [`Output`]s. Always true: every pair that
//! is not proven has told its doubt; trades and candles of a pair leave in order and once; a question of REST and a connect attempt are
//! paced; no input whatever makes it panic.

mod answers;
mod candle_row;
mod candles;
mod connect;
mod core;
mod frames;
mod notes;
mod ohlc_series;
mod pair_state;
mod proof;
mod pulse;
mod rest_desk;
mod settings;
mod shard;
mod status;
mod subscribe;
mod trade_flow;
mod trade_series;
mod window;

pub use self::core::LinkCore;
pub use settings::LinkSettings;
pub use status::{Budgets, ConnectionState, ConnectionStatus, Delivery, LinkCounters, LinkStatus, PairLinkStatus};

use std::sync::Arc;

use super::wire::{Number, Stamp, ws};
use crate::domain::flow::Depth;
use crate::domain::market::RawCandle;
use crate::domain::pair::{Interval, Pair};
use crate::domain::time::UtcMs;

/// One WebSocket of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u32);

/// One question to REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RestId(pub u64);

/// What the link wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPlan {
    /// In the order of the watchlist.
    pub pairs: Vec<Pair>,
    pub ticker: bool,
    pub trades: bool,
    /// Depth of the book (10, 25, 100, 500 or 1000) for the pairs named; none without books.
    pub books: Vec<(Pair, u32)>,
    /// Bars that the link closes.
    pub candles: Vec<(Pair, Interval)>,
    /// Whether bars are built from trades and compared with the exchange's (`true`), or taken from the `ohlc` channel.
    pub candles_from_trades: bool,
    /// Seed of the jitter.
    pub seed: u64,
}

/// What the link is told.
#[derive(Debug)]
pub enum Input<'a> {
    Opened(ConnId),
    Frame(ConnId, &'a [u8]),
    /// Closed, refused or failed, with the reason in words.
    Closed(ConnId, String),
    Answer(RestId, Result<RestAnswer, RestTrouble>),
    Tick,
}

/// What the link asks of REST (public data only).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestQuery {
    AssetPairs,
    SystemStatus,
    Trades { symbol: String, since: Stamp },
    Ohlc { symbol: String, interval: Interval, since: Option<UtcMs> },
}

/// What REST answered.
#[derive(Debug, Clone, PartialEq)]
pub enum RestAnswer {
    AssetPairs(Arc<[PairListing]>),
    SystemStatus(ws::System),
    /// Oldest first, and the cursor for the next page.
    Trades {
        rows: Vec<ws::Trade>,
        last: Stamp,
    },
    /// Oldest first; the last row is the unfinished candle.
    Ohlc {
        rows: Vec<ws::Ohlc>,
    },
}

/// Why REST gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct RestTrouble {
    /// Milliseconds to wait at least before asking again; `None` when asking again is useless.
    pub retry_after_ms: Option<u64>,
    pub text: String,
}

/// What AssetPairs says of one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairListing {
    /// `XXBTZUSD`
    pub id: String,
    /// `XBTUSD`
    pub altname: String,
    /// `XBT/USD`
    pub wsname: String,
    pub pair: Pair,
    pub status: ws::PairStatus,
    pub price_decimals: u32,
    pub lot_decimals: u32,
    pub cost_decimals: u32,
    pub tick_size: Number,
    pub order_min: Number,
    pub cost_min: Option<Number>,
}

/// What the driver must do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Open this socket.
    Connect(ConnId),
    /// Close this socket; its [`Input::Closed`] follows.
    Disconnect(ConnId),
    Send(ConnId, String),
    Ask(RestId, RestQuery),
    Event(LinkEvent),
}

/// What the rest of the program hears.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkEvent {
    /// In the order of ids, each once. The first one is the first after the start; when candles are built from trades, the first of the
    /// oldest candle that was open at the start.
    Trade {
        pair: Pair,
        trade: ws::Trade,
    },
    /// The best levels changed; the book was checked.
    Top {
        pair: Pair,
        bid: Option<(Number, Number)>,
        ask: Option<(Number, Number)>,
        at: Option<Stamp>,
    },
    /// The best levels after a frame of the checked book, whether or not they changed; `None` when the book is not known any more. Only with
    /// [`LinkSettings::tell_depth`].
    Depth {
        pair: Pair,
        depth: Option<Box<Depth>>,
        /// The book began anew with this frame: it must not be compared with the one before.
        fresh: bool,
        at: Option<Stamp>,
    },
    Ticker {
        pair: Pair,
        ticker: ws::Ticker,
    },
    /// A finished candle, in order per pair and interval, never twice; none for a quiet interval. Proven: its values equal the exchange's
    /// (built from trades), or are the exchange's last word (otherwise).
    Candle {
        row: RawCandle,
        proven: bool,
    },
    /// The pair's data became proven (`None`) or unproven, and why. Every pair tells a doubt first.
    Proof {
        pair: Pair,
        doubt: Option<String>,
    },
    /// State of the exchange or of one pair.
    System(ws::System),
    PairStatus {
        pair: Pair,
        status: ws::PairStatus,
    },
    /// Something an operator should read.
    Note(String),
}
