//! Fills into cash, positions, profit and loss, and outcomes.
//!
//! Average cost, entry fees attributed pro rata to what is sold, everything in decimals. Always true, to the last digit:
//! `cash = initial − Σ buys + Σ sells − Σ fees`, and equity = initial + realised + unrealised − entry fees of open positions.
//! A fill counts once: fill identifiers rise, and one that is not above the last is ignored. An error leaves the account unchanged.

use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive;

use super::lot::{Lot, Sale, notional};
use crate::domain::event::AccountView;
use crate::domain::time::DAY_MS;
use crate::domain::{
    AccountId, AccountState, ClosedPart, ErrorClass, Fill, Money, Order, OrderStatus, Outcome, Pair, Position, Price,
    Qty, Side, TradePlan, UtcMs,
};

/// Days of which the equity at their start is kept.
const WEEK_MS: i64 = 7 * DAY_MS;

/// A fill that the account cannot have had, or books that do not agree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error("fill {fill} belongs to the {owner} account, not to the {account} account")]
    WrongAccount { fill: u64, owner: AccountId, account: AccountId },
    #[error("fill {fill} has no quantity")]
    EmptyFill { fill: u64 },
    #[error("fill {fill} opens a position in {pair}, but no trade plan came with it")]
    NoPlan { fill: u64, pair: Pair },
    #[error("fill {fill} costs {cost}, but the account holds only {cash}")]
    InsufficientCash { fill: u64, cost: Money, cash: Money },
    #[error("fill {fill} sells {sold} {pair}, but the account holds only {held}")]
    Oversold { fill: u64, pair: Pair, sold: Qty, held: Qty },
    #[error("fill {fill} is beyond the range in which sums are exact")]
    Inexact { fill: u64 },
    #[error("the {account} account does not agree with its fills: {what} is {stored}, the fills give {rebuilt}")]
    Mismatch { account: AccountId, what: String, stored: String, rebuilt: String },
}

impl LedgerError {
    /// Wrong books are an error of the system: the breaker trips.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::System
    }
}

/// A new account with nothing but cash.
#[must_use]
pub fn open(id: AccountId, cash: Money, at: UtcMs) -> AccountState {
    AccountState {
        id,
        initial_cash: cash,
        cash,
        positions: BTreeMap::new(),
        orders: Vec::new(),
        realised: Money::ZERO,
        fees: Money::ZERO,
        fills: 0,
        orders_total: 0,
        trades_closed: 0,
        trades_won: 0,
        consecutive_losses: 0,
        last_loss: None,
        peak_equity: cash,
        max_drawdown: 0.0,
        day: at.day(),
        day_start_equity: cash,
        week_equity: vec![(at.day(), cash)],
        next_fill: 0,
    }
}

/// Books a fill. `plan`, `confidence` and `group` are needed only where it opens a position. Returns the outcome when it
/// closes one: of the whole trade, however many parts it was sold in.
///
/// # Errors
/// [`LedgerError`] when the account cannot have had this fill; the account is then unchanged.
pub fn apply(
    state: &mut AccountState,
    fill: &Fill,
    plan: Option<&TradePlan>,
    confidence: f64,
    group: u64,
) -> Result<Option<Outcome>, LedgerError> {
    if fill.account != state.id {
        return Err(LedgerError::WrongAccount { fill: fill.id, owner: fill.account, account: state.id });
    }
    if fill.id < state.next_fill {
        return Ok(None);
    }
    if fill.qty.is_zero() {
        return Err(LedgerError::EmptyFill { fill: fill.id });
    }
    let outcome = match fill.side {
        Side::Buy => {
            buy(state, fill, plan, confidence, group)?;
            None
        }
        Side::Sell => sell(state, fill)?,
    };
    state.fees += fill.fee;
    state.fills += 1;
    state.next_fill = fill.id.saturating_add(1);
    Ok(outcome)
}

fn buy(
    state: &mut AccountState,
    fill: &Fill,
    plan: Option<&TradePlan>,
    confidence: f64,
    group: u64,
) -> Result<(), LedgerError> {
    let inexact = LedgerError::Inexact { fill: fill.id };
    let cost = notional(fill.price, fill.qty).ok_or(inexact.clone())? + fill.fee;
    if cost > state.cash {
        return Err(LedgerError::InsufficientCash { fill: fill.id, cost, cash: state.cash });
    }
    if let Some(position) = state.positions.get_mut(&fill.pair) {
        let lot = Lot::of(position).plus(fill.price, fill.qty, fill.fee).ok_or(inexact)?;
        position.qty = lot.qty;
        position.entry = lot.entry;
        position.entry_fees = lot.entry_fees;
    } else {
        let plan = plan.ok_or_else(|| LedgerError::NoPlan { fill: fill.id, pair: fill.pair.clone() })?;
        let lot = Lot::bought(fill.price, fill.qty, fill.fee).ok_or(inexact)?;
        let position = Position {
            pair: fill.pair.clone(),
            qty: lot.qty,
            entry: lot.entry,
            entry_fees: lot.entry_fees,
            opened: fill.at,
            decision: fill.decision,
            horizon: plan.horizon,
            plan: plan.clone(),
            confidence,
            group,
            closed: lot.closed,
        };
        state.positions.insert(fill.pair.clone(), position);
    }
    state.cash -= cost;
    Ok(())
}

fn sell(state: &mut AccountState, fill: &Fill) -> Result<Option<Outcome>, LedgerError> {
    let oversold = |held| LedgerError::Oversold { fill: fill.id, pair: fill.pair.clone(), sold: fill.qty, held };
    let position = state.positions.get_mut(&fill.pair).ok_or_else(|| oversold(Qty::ZERO))?;
    if fill.qty > position.qty {
        return Err(oversold(position.qty));
    }
    let inexact = || LedgerError::Inexact { fill: fill.id };
    let proceeds = notional(fill.price, fill.qty).ok_or_else(inexact)?;
    let cash = state.cash + proceeds - fill.fee;
    if cash.is_negative() {
        return Err(LedgerError::InsufficientCash { fill: fill.id, cost: fill.fee, cash: state.cash + proceeds });
    }
    let Sale { pnl, rest, closed } = Lot::of(position).sold(fill.price, fill.qty, fill.fee).ok_or_else(inexact)?;
    let outcome = match rest {
        Some(lot) => {
            position.qty = lot.qty;
            position.entry_fees = lot.entry_fees;
            position.closed = lot.closed;
            None
        }
        None => Some(outcome(position, fill, closed).ok_or_else(inexact)?),
    };
    state.cash = cash;
    state.realised += pnl;
    if let Some(outcome) = &outcome {
        state.positions.remove(&fill.pair);
        count(state, outcome);
    }
    Ok(outcome)
}

/// The whole trade: averages over all its parts.
fn outcome(position: &Position, fill: &Fill, closed: ClosedPart) -> Option<Outcome> {
    let pnl = closed.proceeds - closed.cost - closed.fees;
    Some(Outcome {
        decision: position.decision,
        account: fill.account,
        pair: position.pair.clone(),
        horizon: position.horizon,
        opened: position.opened,
        closed: fill.at,
        entry: Price::new(closed.cost.0.checked_div(closed.qty.get())?).ok()?,
        exit: Price::new(closed.proceeds.0.checked_div(closed.qty.get())?).ok()?,
        qty: closed.qty,
        fees: closed.fees,
        pnl,
        net_return: pnl.0.checked_div(closed.cost.0)?.to_f64()?,
        ended_by: fill.purpose,
        confidence: position.confidence,
    })
}

fn count(state: &mut AccountState, outcome: &Outcome) {
    state.trades_closed += 1;
    if outcome.pnl > Money::ZERO {
        state.trades_won += 1;
        state.consecutive_losses = 0;
    } else if outcome.pnl.is_negative() {
        state.consecutive_losses += 1;
        state.last_loss = Some(outcome.closed);
    }
}

/// Keeps the account's list of orders that are not final, and counts each order once when it is first told.
pub fn track(state: &mut AccountState, order: &Order) {
    let place = state.orders.iter().position(|o| o.intent.order == order.intent.order);
    if place.is_none() && matches!(order.status, OrderStatus::Pending | OrderStatus::Rejected) {
        state.orders_total += 1;
    }
    match place.and_then(|place| state.orders.get_mut(place)) {
        Some(known) => *known = order.clone(),
        None => state.orders.push(order.clone()),
    }
    state.orders.retain(|o| !o.status.is_final());
}

/// Value of the open positions. One without a mark counts at its entry: the last price the account knows of it.
fn worth(state: &AccountState, marks: &BTreeMap<Pair, Price>) -> Money {
    state.positions.values().map(|p| marks.get(&p.pair).unwrap_or(&p.entry).times(p.qty)).sum()
}

fn unrealised(state: &AccountState, marks: &BTreeMap<Pair, Price>) -> Money {
    let cost: Money = state.positions.values().filter_map(|p| Lot::of(p).cost()).sum();
    worth(state, marks) - cost
}

fn fall(peak: Money, equity: Money) -> f64 {
    let (peak, equity) = (peak.to_f64(), equity.to_f64());
    if peak > 0.0 { ((peak - equity) / peak).max(0.0) } else { 0.0 }
}

/// Brings the account up to `at` with current prices: a new UTC day starts with the equity found, the peak rises, the
/// deepest fall from it is kept.
pub fn mark(state: &mut AccountState, marks: &BTreeMap<Pair, Price>, at: UtcMs) {
    let equity = state.cash + worth(state, marks);
    let today = at.day();
    if today > state.day {
        state.day = today;
        state.day_start_equity = equity;
        state.week_equity.push((today, equity));
        state.week_equity.retain(|(day, _)| today.since(*day) < WEEK_MS);
    }
    state.peak_equity = state.peak_equity.max(equity);
    state.max_drawdown = state.max_drawdown.max(fall(state.peak_equity, equity));
}

/// The account at current prices.
#[must_use]
pub fn view(state: &AccountState, marks: &BTreeMap<Pair, Price>) -> AccountView {
    let worth = worth(state, marks);
    let equity = state.cash + worth;
    let week_start = state.week_equity.first().map_or(state.day_start_equity, |(_, equity)| *equity);
    AccountView {
        state: state.clone(),
        marks: marks.iter().map(|(pair, price)| (pair.clone(), *price)).collect(),
        equity,
        day_pnl: equity - state.day_start_equity,
        week_pnl: equity - week_start,
        drawdown: fall(state.peak_equity.max(equity), equity),
        exposure: if equity > Money::ZERO { worth.to_f64() / equity.to_f64() } else { 0.0 },
    }
}

/// Gain or loss of the open positions at current prices, before exit fees and without entry fees.
#[must_use]
pub fn open_pnl(state: &AccountState, marks: &BTreeMap<Pair, Price>) -> Money {
    unrealised(state, marks)
}

mod books;
pub use books::{Books, Holding, rebuild, verify};

#[cfg(test)]
mod tests;
