//! Accounts and positions. The shadow account is a field of its own and says what it is.

use serde::Serialize;
use utoipa::ToSchema;

use super::decisions::Plan;
use super::{Context, SHADOW_NOTE, word};
use crate::domain::account;
use crate::domain::order::{self, OrderKind};
use crate::domain::pair::Pair;
use crate::domain::snapshot::{AccountSummary, Snapshot};

/// Fills, orders and outcomes that a portfolio shows at most, each.
const RECENT: usize = 20;

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Positions {
    context: Context,
    /// The main account's; null before there is an account.
    positions: Option<Vec<Position>>,
    shadow: Option<ShadowPositions>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct ShadowPositions {
    shadow: bool,
    note: String,
    positions: Vec<Position>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Position {
    pair: String,
    qty: String,
    entry: String,
    /// Last close; null before the first one.
    mark: Option<String>,
    /// At the mark.
    value: Option<String>,
    /// At the mark, before fees.
    unrealised_before_fees: Option<String>,
    entry_fees: String,
    opened: String,
    decision: String,
    horizon: String,
    confidence: f64,
    plan: Plan,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Portfolio {
    context: Context,
    /// The main account; null before there is one.
    main: Option<Account>,
    shadow: Option<Account>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Account {
    /// `main` or `shadow`
    account: String,
    shadow: bool,
    note: Option<String>,
    equity: String,
    cash: String,
    initial_cash: String,
    realised: String,
    unrealised: String,
    fees: String,
    day_pnl: String,
    /// Shares of equity.
    drawdown: f64,
    max_drawdown: f64,
    exposure: f64,
    trades_closed: u64,
    trades_won: u64,
    consecutive_losses: u32,
    positions: Vec<Position>,
    open_orders: Vec<Order>,
    /// Newest first, at most 20 each.
    fills: Vec<Fill>,
    outcomes: Vec<Outcome>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Order {
    id: String,
    decision: String,
    at: String,
    pair: String,
    side: String,
    purpose: String,
    /// `market`, `limit` or `stop_loss`
    kind: String,
    /// Limit or trigger.
    price: Option<String>,
    qty: String,
    filled: String,
    status: String,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Fill {
    order: String,
    decision: String,
    at: String,
    pair: String,
    side: String,
    purpose: String,
    price: String,
    /// What the decision saw.
    reference: String,
    qty: String,
    fee: String,
    fee_rate: String,
    liquidity: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Outcome {
    decision: String,
    pair: String,
    horizon: String,
    opened: String,
    closed: String,
    entry: String,
    exit: String,
    qty: String,
    fees: String,
    /// Net of fees.
    pnl: String,
    net_return: f64,
    ended_by: String,
    confidence: f64,
}

impl Position {
    fn of(p: &account::Position, a: &AccountSummary) -> Self {
        let mark = a.marks.get(&p.pair);
        let value = mark.map(|m| m.times(p.qty));
        Self {
            pair: p.pair.to_string(),
            qty: p.qty.to_string(),
            entry: p.entry.readable().to_string(),
            mark: mark.map(ToString::to_string),
            value: value.map(|v| v.to_string()),
            unrealised_before_fees: value.map(|v| (v - p.entry.times(p.qty)).to_string()),
            entry_fees: p.entry_fees.to_string(),
            opened: p.opened.to_string(),
            decision: p.decision.to_string(),
            horizon: p.horizon.to_string(),
            confidence: p.confidence,
            plan: Plan::of(&p.plan),
        }
    }

    fn all(a: &AccountSummary, pair: Option<&Pair>, limit: usize) -> Vec<Self> {
        let wanted = a.state.positions.values().filter(|p| pair.is_none_or(|x| p.pair == *x));
        wanted.take(limit).map(|p| Self::of(p, a)).collect()
    }
}

impl Positions {
    pub(in crate::services) fn of(s: &Snapshot, pair: Option<&Pair>, limit: usize) -> Self {
        let shadow = s.shadow.as_ref().map(|a| ShadowPositions {
            shadow: true,
            note: SHADOW_NOTE.to_owned(),
            positions: Position::all(a, pair, limit),
        });
        let main = s.main.as_ref().map(|a| Position::all(a, pair, limit));
        Self { context: Context::of(s), positions: main, shadow }
    }
}

impl Portfolio {
    pub(in crate::services) fn of(s: &Snapshot) -> Self {
        Self {
            context: Context::of(s),
            main: s.main.as_ref().map(Account::of),
            shadow: s.shadow.as_ref().map(Account::of),
        }
    }
}

impl Account {
    fn of(a: &AccountSummary) -> Self {
        let shadow = a.id == account::AccountId::Shadow;
        let state = &a.state;
        Self {
            account: a.id.to_string(),
            shadow,
            note: shadow.then(|| SHADOW_NOTE.to_owned()),
            equity: a.equity.to_string(),
            cash: state.cash.to_string(),
            initial_cash: state.initial_cash.to_string(),
            realised: state.realised.to_string(),
            unrealised: a.unrealised.to_string(),
            fees: state.fees.to_string(),
            day_pnl: a.day_pnl.to_string(),
            drawdown: a.drawdown,
            max_drawdown: state.max_drawdown,
            exposure: a.exposure,
            trades_closed: state.trades_closed,
            trades_won: state.trades_won,
            consecutive_losses: state.consecutive_losses,
            positions: Position::all(a, None, usize::MAX),
            open_orders: state.orders.iter().map(Order::of).collect(),
            fills: a.recent_fills.iter().rev().take(RECENT).map(Fill::of).collect(),
            outcomes: a.recent_outcomes.iter().rev().take(RECENT).map(Outcome::of).collect(),
        }
    }
}

impl Order {
    fn of(o: &order::Order) -> Self {
        let (kind, price) = match o.intent.kind {
            OrderKind::Market => ("market", None),
            OrderKind::Limit { price } => ("limit", Some(price)),
            OrderKind::StopLoss { trigger } => ("stop_loss", Some(trigger)),
        };
        Self {
            id: o.intent.order.to_string(),
            decision: o.intent.decision.to_string(),
            at: o.intent.at.to_string(),
            pair: o.intent.pair.to_string(),
            side: o.intent.side.as_str().to_owned(),
            purpose: o.intent.purpose.as_str().to_owned(),
            kind: kind.to_owned(),
            price: price.map(|p| p.to_string()),
            qty: o.intent.qty.to_string(),
            filled: o.filled.to_string(),
            status: o.status.as_str().to_owned(),
            note: o.note.clone(),
        }
    }
}

impl Fill {
    fn of(f: &order::Fill) -> Self {
        Self {
            order: f.order.to_string(),
            decision: f.decision.to_string(),
            at: f.at.to_string(),
            pair: f.pair.to_string(),
            side: f.side.as_str().to_owned(),
            purpose: f.purpose.as_str().to_owned(),
            price: f.price.to_string(),
            reference: f.reference.to_string(),
            qty: f.qty.to_string(),
            fee: f.fee.to_string(),
            fee_rate: f.fee_rate.to_string(),
            liquidity: word(&f.liquidity),
        }
    }
}

impl Outcome {
    fn of(o: &order::Outcome) -> Self {
        Self {
            decision: o.decision.to_string(),
            pair: o.pair.to_string(),
            horizon: o.horizon.to_string(),
            opened: o.opened.to_string(),
            closed: o.closed.to_string(),
            entry: o.entry.readable().to_string(),
            exit: o.exit.to_string(),
            qty: o.qty.to_string(),
            fees: o.fees.to_string(),
            pnl: o.pnl.to_string(),
            net_return: o.net_return,
            ended_by: o.ended_by.as_str().to_owned(),
            confidence: o.confidence,
        }
    }
}
