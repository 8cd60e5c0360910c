//! Accounts: the main one, and the shadow that trades what only the gate blocked.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::decision::DecisionId;
use super::money::{Money, Price, Qty};
use super::order::Order;
use super::pair::Pair;
use super::plan::{Horizon, TradePlan};
use super::time::UtcMs;

/// Which account. The two never mix: each has its own cash, positions and orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountId {
    /// The user's paper (or live) account.
    Main,
    /// Trades what only the confidence gate blocked, to gather evidence. Never real money.
    Shadow,
}

impl AccountId {
    pub const ALL: [Self; 2] = [Self::Main, Self::Shadow];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Shadow => "shadow",
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An open position. Spot only: the quantity is never negative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    pub pair: Pair,
    pub qty: Qty,
    /// Volume-weighted entry price, without fees.
    pub entry: Price,
    /// Entry fees still attributed to the open quantity.
    pub entry_fees: Money,
    pub opened: UtcMs,
    pub decision: DecisionId,
    pub horizon: Horizon,
    pub plan: TradePlan,
    pub confidence: f64,
    /// Group of its protective orders.
    pub group: u64,
    /// What has already been sold of it: exits come in parts where the market is thin.
    #[serde(default)]
    pub closed: ClosedPart,
}

/// The part of a trade that has been sold while the rest is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClosedPart {
    pub qty: Qty,
    /// What the sold quantity had cost, without fees.
    pub cost: Money,
    /// What it brought, without fees.
    pub proceeds: Money,
    /// Its exit fees and its share of the entry fees.
    pub fees: Money,
}

/// All that an account is: cash, positions, orders and what has been booked so far. Serialisable, so that a restart
/// continues it; rebuilding it from the fills must give the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountState {
    pub id: AccountId,
    pub initial_cash: Money,
    pub cash: Money,
    pub positions: BTreeMap<Pair, Position>,
    /// Orders that are not final.
    pub orders: Vec<Order>,
    /// Net of fees, closed trades only.
    pub realised: Money,
    pub fees: Money,
    pub fills: u64,
    pub orders_total: u64,
    pub trades_closed: u64,
    pub trades_won: u64,
    pub consecutive_losses: u32,
    /// Time of the last closing loss that made `consecutive_losses` grow.
    pub last_loss: Option<UtcMs>,
    pub peak_equity: Money,
    /// Largest fall from a peak so far, as a share (0.08 = 8 %).
    pub max_drawdown: f64,
    /// Equity at the start of the current UTC day, and which day that is.
    pub day: UtcMs,
    pub day_start_equity: Money,
    /// Equity at the start of each of the last 7 days, oldest first.
    pub week_equity: Vec<(UtcMs, Money)>,
    pub next_fill: u64,
}
