//! An order: what was asked ([`Ticket`]), and what became of it ([`State`]).

use std::sync::Arc;

use rust_decimal::Decimal;

use super::fees::share;
use super::numbers::{Calc, round_up};
use super::price::Offset;
use super::venue::PairSpec;
use super::{AccountKey, Ending};
use crate::simulator::protocol::{Side, SimNs};

/// Position of an order in the desk's list.
pub(super) type OrderNo = usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Market,
    Limit,
    Iceberg,
    StopLoss,
    TakeProfit,
    StopLossLimit,
    TakeProfitLimit,
    TrailingStop,
    TrailingStopLimit,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Market,
        Self::Limit,
        Self::Iceberg,
        Self::StopLoss,
        Self::TakeProfit,
        Self::StopLossLimit,
        Self::TakeProfitLimit,
        Self::TrailingStop,
        Self::TrailingStopLimit,
    ];

    /// `stop-loss-limit`
    pub const fn name(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit => "limit",
            Self::Iceberg => "iceberg",
            Self::StopLoss => "stop-loss",
            Self::TakeProfit => "take-profit",
            Self::StopLossLimit => "stop-loss-limit",
            Self::TakeProfitLimit => "take-profit-limit",
            Self::TrailingStop => "trailing-stop",
            Self::TrailingStopLimit => "trailing-stop-limit",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Waits for a price before it enters the book.
    pub const fn is_triggered(self) -> bool {
        !matches!(self, Self::Market | Self::Limit | Self::Iceberg)
    }

    pub const fn is_trailing(self) -> bool {
        matches!(self, Self::TrailingStop | Self::TrailingStopLimit)
    }

    pub const fn is_take_profit(self) -> bool {
        matches!(self, Self::TakeProfit | Self::TakeProfitLimit)
    }

    /// Has a limit price once it is in the book.
    pub const fn has_limit(self) -> bool {
        matches!(
            self,
            Self::Limit | Self::Iceberg | Self::StopLossLimit | Self::TakeProfitLimit | Self::TrailingStopLimit
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum TimeInForce {
    #[default]
    Gtc,
    Ioc,
    Gtd,
    Fok,
}

impl TimeInForce {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gtc => "GTC",
            Self::Ioc => "IOC",
            Self::Gtd => "GTD",
            Self::Fok => "FOK",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        [Self::Gtc, Self::Ioc, Self::Gtd, Self::Fok].into_iter().find(|t| t.name().eq_ignore_ascii_case(name))
    }
}

/// Which order is cancelled when one would trade with another of the same account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum SelfTrade {
    #[default]
    Newest,
    Oldest,
    Both,
}

/// A conditional close, with absolute or relative prices still to be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CloseTerms {
    pub kind: Kind,
    pub limit: Option<super::price::Asked>,
    pub trigger: Option<super::price::Asked>,
}

/// An order as it passed the checks that need no account: every price is absolute and on the tick, but trailing offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ticket {
    pub pair: Arc<PairSpec>,
    pub side: Side,
    pub kind: Kind,
    /// In base; in quote when `in_quote`.
    pub qty: Decimal,
    /// A market buy for an amount of quote currency.
    pub in_quote: bool,
    pub limit: Option<Decimal>,
    pub trigger: Option<Decimal>,
    pub trail: Option<Offset>,
    /// Limit of a trailing-stop-limit, from the stop price.
    pub trail_limit: Option<Offset>,
    pub display: Option<Decimal>,
    pub tif: TimeInForce,
    pub post_only: bool,
    /// The fee is taken in base currency.
    pub fee_in_base: bool,
    pub index_trigger: bool,
    pub self_trade: SelfTrade,
    pub userref: i64,
    pub cl_ord_id: Option<String>,
    pub starts: Option<SimNs>,
    pub expires: Option<SimNs>,
    pub close: Option<CloseTerms>,
}

impl Ticket {
    /// REST id of the asset that the order pays with.
    pub fn pays_with(&self) -> &str {
        match self.side {
            Side::Buy => &self.pair.quote.id,
            Side::Sell => &self.pair.base.id,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// Not before its start time.
    Scheduled,
    /// Waits for its trigger.
    Waiting,
    /// In the book, or on its way through it.
    Live,
    Done,
}

/// Place in the queue of a price level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Queue {
    /// Priority among the desk's own orders.
    pub seq: u64,
    /// External quantity that is served first.
    pub ahead: Decimal,
    /// External quantity last seen at the level.
    pub seen: Decimal,
    /// Quantity shown, for icebergs; the whole rest for others.
    pub visible: Decimal,
}

/// Everything about an order that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub phase: Phase,
    pub ending: Option<Ending>,
    pub closed_at: Option<SimNs>,
    pub qty: Decimal,
    pub limit: Option<Decimal>,
    /// Trigger price; moves for trailing orders.
    pub stop: Option<Decimal>,
    /// Best price since a trailing order was placed.
    pub peak: Option<Decimal>,
    pub display: Option<Decimal>,
    pub triggered: bool,
    pub amended: bool,
    pub filled: Decimal,
    pub cost: Decimal,
    /// In quote currency, whatever asset it was taken in.
    pub fee: Decimal,
    pub fee_usd: Decimal,
    pub hold: Decimal,
    pub fills: Vec<usize>,
    pub queue: Queue,
    /// Creation or last amend: the age that penalties look at.
    pub touched: SimNs,
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub no: OrderNo,
    pub id: String,
    pub account: AccountKey,
    pub ticket: Ticket,
    /// Order that this one closes.
    pub parent: Option<String>,
    pub opened: SimNs,
    /// Nobody but the engine knows of the order before this instant.
    pub hidden_until: SimNs,
    pub state: State,
    /// What REST views show from when on, oldest first; empty when they show the present.
    pub versions: Vec<(SimNs, State)>,
}

impl Order {
    pub const fn is_open(&self) -> bool {
        !matches!(self.state.phase, Phase::Done)
    }

    pub const fn is_live(&self) -> bool {
        matches!(self.state.phase, Phase::Live)
    }

    /// Base quantity still to be filled; zero for orders in quote currency, whose rest depends on the price.
    pub fn left(&self) -> Decimal {
        if self.ticket.in_quote { Decimal::ZERO } else { self.state.qty.minus(self.state.filled).max(Decimal::ZERO) }
    }

    /// Quote amount still to be spent by an order in quote currency.
    pub fn quote_left(&self) -> Decimal {
        if self.ticket.in_quote { self.state.qty.minus(self.state.cost).max(Decimal::ZERO) } else { Decimal::ZERO }
    }

    /// REST id of the asset that the order pays with.
    pub fn hold_asset(&self) -> &str {
        self.ticket.pays_with()
    }

    /// What REST views show at `now`: `None` before the order appears.
    pub fn seen(&self, now: SimNs) -> Option<&State> {
        if self.versions.is_empty() {
            return Some(&self.state);
        }
        self.versions.iter().rev().find(|(from, _)| *from <= now).map(|(_, state)| state)
    }
}

/// What an order may still cost at most: quote with the fee for buys, base for sells. `percent` is the fee; `market` stands in for
/// the price of an order without one.
pub(super) fn needed(ticket: &Ticket, state: &State, percent: Decimal, market: Decimal) -> Decimal {
    let pair = &ticket.pair;
    match ticket.side {
        Side::Buy => {
            let cost = if ticket.in_quote {
                state.qty.minus(state.cost).max(Decimal::ZERO)
            } else {
                let price = state.limit.or(state.stop).unwrap_or(market);
                round_up(state.qty.minus(state.filled).max(Decimal::ZERO).times(price), pair.cost_decimals)
            };
            let fee =
                if ticket.fee_in_base { Decimal::ZERO } else { round_up(share(cost, percent), pair.cost_decimals) };
            cost.plus(fee)
        }
        Side::Sell => {
            let qty = state.qty.minus(state.filled).max(Decimal::ZERO);
            let fee = if ticket.fee_in_base { round_up(share(qty, percent), pair.lot_decimals) } else { Decimal::ZERO };
            qty.plus(fee)
        }
    }
}

impl State {
    /// An order that just arrived.
    pub fn new(ticket: &Ticket, now: SimNs) -> Self {
        Self {
            phase: Phase::Scheduled,
            ending: None,
            closed_at: None,
            qty: ticket.qty,
            limit: ticket.limit,
            stop: ticket.trigger,
            peak: None,
            display: ticket.display,
            triggered: false,
            amended: false,
            filled: Decimal::ZERO,
            cost: Decimal::ZERO,
            fee: Decimal::ZERO,
            fee_usd: Decimal::ZERO,
            hold: Decimal::ZERO,
            fills: Vec::new(),
            queue: Queue::default(),
            touched: now,
        }
    }

    /// Average price of what was filled.
    pub fn average(&self, decimals: u32) -> Decimal {
        super::numbers::round_half_up(self.cost.over(self.filled), decimals)
    }
}
