//! The life of an order: intent, order, fills, outcome.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::account::AccountId;
use super::decision::DecisionId;
use super::money::{Money, Price, Qty};
use super::pair::Pair;
use super::plan::Horizon;
use super::time::UtcMs;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// Identifier of an order: unique in a journal, rising within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub u64);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("O{}", self.0))
    }
}

/// How an order meets the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    Market,
    /// Rests at the price; fills only when the market trades through it.
    Limit {
        price: Price,
    },
    /// Becomes a market order when the price is touched.
    StopLoss {
        trigger: Price,
    },
}

/// Why an order exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Entry,
    Target,
    Stop,
    TimeLimit,
    /// A defensive exit (bear regime) or one that a person asked for (flatten).
    Exit,
}

impl Purpose {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Target => "target",
            Self::Stop => "stop",
            Self::TimeLimit => "time limit",
            Self::Exit => "exit",
        }
    }
}

/// What is about to be sent. It is on disk before it leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub order: OrderId,
    pub decision: DecisionId,
    pub account: AccountId,
    pub at: UtcMs,
    pub pair: Pair,
    pub side: Side,
    pub kind: OrderKind,
    pub qty: Qty,
    pub purpose: Purpose,
    /// Orders of one group cancel each other: the target and the stop of one position.
    pub group: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Accepted, not yet at the market (latency).
    Pending,
    Open,
    PartiallyFilled,
    Filled,
    Canceled,
    Rejected,
}

impl OrderStatus {
    /// No further change can come.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Filled | Self::Canceled | Self::Rejected)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Open => "open",
            Self::PartiallyFilled => "partial",
            Self::Filled => "filled",
            Self::Canceled => "canceled",
            Self::Rejected => "rejected",
        }
    }
}

/// An order and what became of it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub intent: Intent,
    pub status: OrderStatus,
    pub filled: Qty,
    /// The instant from which it can meet the market.
    pub live_from: UtcMs,
    pub updated: UtcMs,
    /// Why it was cancelled or rejected.
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Liquidity {
    Maker,
    Taker,
}

/// One execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// Unique within the account's broker; a fill seen twice counts once.
    pub id: u64,
    pub order: OrderId,
    pub decision: DecisionId,
    pub account: AccountId,
    pub at: UtcMs,
    pub pair: Pair,
    pub side: Side,
    pub price: Price,
    pub qty: Qty,
    /// In the quote currency.
    pub fee: Money,
    /// Share of the notional, as charged at the time.
    pub fee_rate: Decimal,
    pub liquidity: Liquidity,
    pub purpose: Purpose,
    /// Price the decision saw: `price` against it is the slippage.
    pub reference: Price,
}

/// What became of a trade: it feeds the statistics and the calibration record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub decision: DecisionId,
    pub account: AccountId,
    pub pair: Pair,
    pub horizon: Horizon,
    pub opened: UtcMs,
    pub closed: UtcMs,
    pub entry: Price,
    pub exit: Price,
    pub qty: Qty,
    pub fees: Money,
    /// Net of fees.
    pub pnl: Money,
    /// Net return on the notional.
    pub net_return: f64,
    pub ended_by: Purpose,
    /// Confidence the decision had.
    pub confidence: f64,
}
