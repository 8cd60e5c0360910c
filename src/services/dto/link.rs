//! The market data link.

use serde::Serialize;
use utoipa::ToSchema;

use super::known;
use crate::domain::link::LinkView;

/// Where market data come from, how sound they are, and how much of the exchange's limits is used.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Link {
    /// Root of the WebSocket.
    #[schema(example = "wss://ws.kraken.com/v2")]
    url: String,
    /// Whether that is Kraken itself, not the stand-in.
    real: bool,
    /// State of the exchange in its own word.
    #[schema(example = "online")]
    system: String,
    frames: u64,
    bad_frames: u64,
    unknown_frames: u64,
    reconnects: u64,
    checksum_faults: u64,
    resyncs: u64,
    gaps_refilled: u64,
    /// Exchange clock minus ours; null before it was measured.
    skew_ms: Option<i64>,
    connections: Vec<Connection>,
    pairs: Vec<LinkPair>,
    budgets: Vec<Budget>,
}

/// One socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Connection {
    id: u32,
    state: String,
    feeds: u32,
    last_frame: Option<String>,
}

/// One pair on the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct LinkPair {
    pair: String,
    /// Why its data are not proven: nothing new is entered in it. Null when they are.
    doubt: Option<String>,
    last_trade: Option<u64>,
    bid: Option<String>,
    ask: Option<String>,
    book_faults: u64,
    resyncs: u64,
    gaps: u64,
}

/// A limit of the exchange.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Budget {
    name: String,
    used: f64,
    max: f64,
}

impl Link {
    pub(in crate::services) fn of(link: &LinkView) -> Self {
        let connection = |c: &crate::domain::link::ConnectionView| Connection {
            id: c.id,
            state: c.state.clone(),
            feeds: c.feeds,
            last_frame: c.last_frame.and_then(known),
        };
        let pair = |p: &crate::domain::link::LinkPairView| LinkPair {
            pair: p.pair.to_string(),
            doubt: p.doubt.clone(),
            last_trade: p.last_trade,
            bid: p.bid.clone(),
            ask: p.ask.clone(),
            book_faults: p.book_faults,
            resyncs: p.resyncs,
            gaps: p.gaps,
        };
        let budget = |b: &crate::domain::link::BudgetView| Budget { name: b.name.clone(), used: b.used, max: b.max };
        Self {
            url: link.url.clone(),
            real: link.real,
            system: link.system.clone(),
            frames: link.frames,
            bad_frames: link.bad_frames,
            unknown_frames: link.unknown_frames,
            reconnects: link.reconnects,
            checksum_faults: link.checksum_faults,
            resyncs: link.resyncs,
            gaps_refilled: link.gaps_refilled,
            skew_ms: link.skew_ms,
            connections: link.connections.iter().map(connection).collect(),
            pairs: link.pairs.iter().map(pair).collect(),
            budgets: link.budgets.iter().map(budget).collect(),
        }
    }
}
