//! WebSocket v2: frames that come in, requests that go out.
//!
//! Serves the link (public channels) and the private side (executions, balances, answers to trading calls). In: the bytes of a frame; out:
//! one [`Inbound`], or a [`FrameError`] that says why the frame means nothing. Always true: numbers keep their decimals, fields that we do
//! not know are ignored, names that we do not know become [`Inbound::Unknown`], and no frame whatever makes this panic.

pub mod answers;
pub mod decode;
pub mod frame_error;
pub mod level3;
pub mod market;
pub mod orders;
pub mod private;
pub mod requests;

#[cfg(test)]
mod tests;

pub use answers::{Ack, BatchItem, Method, MethodReply, MethodResult, OrderIds};
pub use decode::{LARGEST_FRAME, decode};
pub use frame_error::FrameError;
pub use level3::{Level3Order, Level3Rows, OrderEvent};
pub use market::{
    Asset, BookRows, InstrumentPair, Instruments, Kind, Level, Ohlc, PairStatus, Side, Status, System, Ticker, Trade,
};
pub use orders::{
    AddOrder, AmendOrder, BatchAdd, BatchCancel, Call, CancelAfter, CancelAll, CancelOrder, Conditional, EditOrder,
    OrderKey, OrderRef, OrderType, Quantity, TimeInForce, Trigger,
};
pub use private::{
    AssetBalance, BalanceRows, Contingent, ExecType, Execution, Fee, LedgerEntry, Liquidity, OrderStatus, Triggers,
    Wallet,
};
pub use requests::{Ping, PrivateParams, PrivateSubscribe, Subscribe, SubscribeParams, Token};

use crate::kraken::wire::Stamp;

/// One decoded frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Inbound {
    Heartbeat,
    Status(Status),
    Pong {
        req_id: Option<u64>,
        /// When the exchange received the ping; `None` when absent or unreadable.
        time_in: Option<Stamp>,
    },
    /// Answer to a subscribe or unsubscribe: one per symbol.
    Ack(Ack),
    Ticker {
        kind: Kind,
        rows: Vec<Ticker>,
    },
    Trade {
        kind: Kind,
        rows: Vec<Trade>,
    },
    Ohlc {
        kind: Kind,
        rows: Vec<Ohlc>,
    },
    Instrument {
        kind: Kind,
        data: Instruments,
    },
    Book {
        kind: Kind,
        rows: Vec<BookRows>,
    },
    Level3 {
        kind: Kind,
        rows: Vec<Level3Rows>,
    },
    /// Our orders and fills; `sequence` rises by one per subscription.
    Executions {
        kind: Kind,
        sequence: Option<u64>,
        rows: Vec<Execution>,
    },
    /// Our balances; `sequence` rises by one per subscription.
    Balances {
        sequence: Option<u64>,
        rows: BalanceRows,
    },
    /// Answer to a trading method, or the refusal of any other request that is not a subscription.
    Reply(MethodReply),
    /// `{"Error":"Exceeded msg rate"}` and the like: an error that names no request.
    Error(String),
    /// A channel or method that this program does not use, by name.
    Unknown(String),
}
