//! Orders and accounts of the stand-in exchange: what Kraken's trading engine and its books of account do.
//!
//! Serves the gateway. In: trading and account calls (REST and WebSocket), trades and book changes of the market, the simulated time;
//! out: answers, private events and views. Always true: balances are never negative and every amount that leaves one has a place to go
//! to, holds are the sum of what open orders may cost, fills of an order sum up to what it reports, an ended order stays ended. It shares
//! no code with the program's own broker or link: it is their referee.

mod account;
mod amend;
mod audit;
mod cancel;
mod control;
mod draft;
mod engine_limit;
mod events;
mod faults;
mod fees;
mod funds;
mod history;
mod ids;
mod lifecycle;
mod matching;
mod numbers;
mod order;
mod plan;
mod price;
mod rest;
mod rest_draft;
mod resting;
mod settlement;
mod terms;
mod timers;
mod trading;
mod triggers;
mod venue;
mod views;
mod words;
mod ws_draft;
mod ws_methods;
mod ws_rows;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::Value;

pub use engine_limit::Tier;
pub use fees::{FeeSchedule, FeeStep};
pub use numbers::{json, json_text};
pub use venue::{AssetSpec, Mode, PairSpec, Venue};
pub use ws_rows::ExecutionsSnapshot;

use crate::simulator::protocol::{SimNs, Symbol};
use account::{Account, Fill};
use ids::Ids;
use order::{Order, OrderNo};
use timers::Timer;

/// An account of the stand-in; several API keys may share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey(pub u32);

/// What happens to our place in a queue when the external level shrinks without trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum QueueModel {
    /// Others cancel in front of us.
    Optimistic,
    /// Others cancel in front of us in proportion to their share.
    Proportional,
    /// Others cancel behind us.
    #[default]
    Pessimistic,
}

/// Settings of a desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskOptions {
    /// Seed of ids.
    pub seed: u64,
    /// Part of the best price within which market orders trade (`0.05`); the rest is cancelled.
    pub protection_band: Decimal,
    pub queue: QueueModel,
    /// Every executions row names its symbol and what else the order is, as ccxt.pro needs it.
    pub full_deltas: bool,
    /// Delay with which REST views follow the engine.
    pub rest_lag_ms: i64,
    /// Whether the engine's rate counter and the limit of open orders are enforced.
    pub strict: bool,
    /// Whether sells without a fee preference pay in base currency, as documented, and not in quote currency, as receipts show.
    pub sell_fee_in_base: bool,
}

impl Default for DeskOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            protection_band: Decimal::new(5, 2),
            queue: QueueModel::default(),
            full_deltas: false,
            rest_lag_ms: 0,
            strict: true,
            sell_fee_in_base: false,
        }
    }
}

/// Private channel of the WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    Executions,
    Balances,
}

impl Channel {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Executions => "executions",
            Self::Balances => "balances",
        }
    }
}

/// Kind of the rows of an event; rows of different kinds never share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    /// Fills: `exec_type` `trade`.
    Trade,
    /// `new`, `filled`, `canceled`, `expired`: the order rows that are left with `order_status=false`.
    OpenClose,
    /// The order rows between those: `pending_new`, `amended`, `status`, `iceberg_refill`.
    Step,
    /// Entries of the ledger.
    Ledger,
}

/// Rows of one update frame of a private channel. Write them with [`json_text`].
#[derive(Debug, Clone, PartialEq)]
pub struct PrivateEvent {
    pub account: AccountKey,
    pub channel: Channel,
    pub kind: RowKind,
    /// Pair of the order or trade.
    pub symbol: Symbol,
    pub rows: Vec<Value>,
}

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Filled,
    Canceled(&'static str),
    Expired,
}

/// Sums that every asset's balances are checked against.
#[derive(Debug, Clone, Default)]
struct Totals {
    deposits: BTreeMap<String, Decimal>,
    fees: BTreeMap<String, Decimal>,
    /// What counterparties of the desk received, less what they gave.
    external: BTreeMap<String, Decimal>,
}

/// The desk: accounts, orders, fills and their clockwork.
///
/// Calls that trade first let timers that are due run, each at its own instant. After each of them private events wait in
/// [`Desk::drain`].
#[derive(Debug)]
pub struct Desk {
    options: DeskOptions,
    ids: Ids,
    orders: Vec<Order>,
    by_id: BTreeMap<String, OrderNo>,
    fills: Vec<Fill>,
    accounts: BTreeMap<AccountKey, Account>,
    /// Open orders of each pair.
    books: BTreeMap<Symbol, BTreeSet<OrderNo>>,
    timers: BTreeSet<(SimNs, Timer)>,
    outbox: Vec<PrivateEvent>,
    /// Ledger events, sent after the executions that caused them.
    ledger_box: Vec<(SimNs, PrivateEvent)>,
    /// Fills whose conditional close is still to be placed: order and quantity.
    closes: Vec<(OrderNo, Decimal)>,
    /// Events of hidden orders, by the instant at which they appear.
    delayed: BTreeMap<(SimNs, u64), PrivateEvent>,
    totals: Totals,
    seq: u64,
    trade_ids: u64,
    /// The latest instant that the desk was told.
    clock: SimNs,
    /// First violated invariant that was noticed on the way.
    broken: Option<String>,
}

impl Desk {
    #[must_use]
    pub fn new(options: DeskOptions) -> Self {
        Self {
            ids: Ids::new(options.seed),
            options,
            orders: Vec::new(),
            by_id: BTreeMap::new(),
            fills: Vec::new(),
            accounts: BTreeMap::new(),
            books: BTreeMap::new(),
            timers: BTreeSet::new(),
            outbox: Vec::new(),
            ledger_box: Vec::new(),
            closes: Vec::new(),
            delayed: BTreeMap::new(),
            totals: Totals::default(),
            seq: 0,
            trade_ids: 1_000_000_000,
            clock: SimNs::default(),
            broken: None,
        }
    }

    /// Takes the private events that happened since the last call, in order.
    pub fn drain(&mut self) -> Vec<PrivateEvent> {
        std::mem::take(&mut self.outbox)
    }

    const fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}
