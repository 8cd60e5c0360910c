//! The market data link as an interface sees it.

use serde::{Deserialize, Serialize};

use super::pair::Pair;
use super::time::UtcMs;

/// The link to the exchange, or to the stand-in that plays a recording.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LinkView {
    /// Root of the WebSocket, so that a stand-in can't be taken for Kraken.
    pub url: String,
    /// Whether that is Kraken itself.
    pub real: bool,
    /// State of the exchange in its own word: `online`, `maintenance`, `cancel_only`, `post_only`, …
    pub system: String,
    pub connections: Vec<ConnectionView>,
    pub pairs: Vec<LinkPairView>,
    /// Frames received since the start.
    pub frames: u64,
    /// Frames that could not be read, and frames of kinds this program does not know.
    pub bad_frames: u64,
    pub unknown_frames: u64,
    pub reconnects: u64,
    pub checksum_faults: u64,
    /// Books and feeds that were taken anew, one symbol each.
    pub resyncs: u64,
    /// Gaps in the trades that were refilled from REST.
    pub gaps_refilled: u64,
    /// Exchange clock minus ours, where it was measured.
    pub skew_ms: Option<i64>,
    pub budgets: Vec<BudgetView>,
}

/// One socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    pub id: u32,
    /// `connecting`, `open`, `waiting 12 s`, …
    pub state: String,
    /// Feeds (channel and symbol) that it carries.
    pub feeds: u32,
    pub last_frame: Option<UtcMs>,
}

/// One pair on the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPairView {
    pub pair: Pair,
    /// Why its data are not proven; `None` when they are.
    pub doubt: Option<String>,
    pub last_trade: Option<u64>,
    pub bid: Option<String>,
    pub ask: Option<String>,
    pub book_faults: u64,
    pub resyncs: u64,
    pub gaps: u64,
}

/// A limit of the exchange as it is modelled here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetView {
    pub name: String,
    pub used: f64,
    pub max: f64,
}

impl LinkView {
    /// Pairs whose data are not proven.
    pub fn doubtful(&self) -> impl Iterator<Item = &LinkPairView> {
        self.pairs.iter().filter(|p| p.doubt.is_some())
    }
}
