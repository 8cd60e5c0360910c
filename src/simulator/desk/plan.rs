//! A taker's way through the book, planned before anything moves: funds, fill-or-kill and post-only are judged by the walk that is then
//! carried out.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::fees::share;
use super::numbers::{Calc, round_down};
use super::order::{Order, OrderNo, SelfTrade};
use super::venue::{PairSpec, Venue};
use super::{AccountKey, Desk};
use crate::simulator::protocol::Side;

/// How much a taker wants.
#[derive(Debug, Clone, Copy)]
pub(super) enum Want {
    Base(Decimal),
    Quote(Decimal),
}

#[derive(Debug)]
pub(super) struct Taker<'a> {
    pub account: AccountKey,
    pub pair: &'a PairSpec,
    pub side: Side,
    /// `None` for market orders, which stop at the protection band.
    pub limit: Option<Decimal>,
    pub want: Want,
    /// Quote currency that may be spent, fee included.
    pub budget: Option<Decimal>,
    pub percent: Decimal,
    pub self_trade: SelfTrade,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Quantity of people outside the desk.
    External { price: Decimal, qty: Decimal },
    /// An order of the desk.
    Own { no: OrderNo, price: Decimal, qty: Decimal },
    /// An order of the same account that gives way.
    Drop(OrderNo),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Satisfied,
    NoLiquidity,
    NoFunds,
    SelfTrade,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub steps: Vec<Step>,
    pub qty: Decimal,
    pub cost: Decimal,
    pub stop: Stop,
}

impl Taker<'_> {
    /// Base quantity that can still be taken at `price`; `true` when the funds set the limit.
    pub fn room(&self, price: Decimal) -> (Decimal, bool) {
        let lots = self.pair.lot_decimals;
        let wanted = match self.want {
            Want::Base(qty) => qty,
            Want::Quote(cost) => round_down(cost.over(price), lots),
        };
        match self.budget.map(|funds| Desk::affordable(funds, price, self.percent, lots)) {
            Some(most) if most < wanted => (most.max(Decimal::ZERO), true),
            _ => (wanted, false),
        }
    }

    fn take(&mut self, price: Decimal, qty: Decimal) {
        let cost = qty.times(price);
        match &mut self.want {
            Want::Base(left) => *left = left.minus(qty),
            Want::Quote(left) => *left = left.minus(cost),
        }
        if let Some(funds) = &mut self.budget {
            *funds = funds.minus(cost).minus(share(cost, self.percent));
        }
    }
}

/// One price of the merged book.
#[derive(Debug, Default)]
struct Level {
    external: Decimal,
    /// Orders of the desk, first come first.
    own: BTreeMap<u64, OrderNo>,
}

/// Whether a price is within a limit for a taker of `side`.
pub(super) fn within(side: Side, price: Decimal, limit: Decimal) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}

impl Desk {
    /// Live orders of the desk on one side of a pair.
    pub(super) fn resting(&self, symbol: &str, side: Side) -> Vec<OrderNo> {
        let Some(book) = self.books.get(symbol) else { return Vec::new() };
        let fits = |no: &OrderNo| self.orders.get(*no).is_some_and(|o| o.is_live() && o.ticket.side == side);
        book.iter().copied().filter(fits).collect()
    }

    fn merged(&self, symbol: &str, side: Side, taker: Option<OrderNo>, venue: &dyn Venue) -> Vec<(Decimal, Level)> {
        let mut levels: BTreeMap<Decimal, Level> = BTreeMap::new();
        for (price, qty) in venue.levels(symbol, side) {
            if qty > Decimal::ZERO {
                levels.entry(price).or_default().external = qty;
            }
        }
        for no in self.resting(symbol, side).into_iter().filter(|no| Some(*no) != taker) {
            if let Some((order, price)) = self.orders.get(no).and_then(|o| Some((o, o.state.limit?))) {
                levels.entry(price).or_default().own.insert(order.state.queue.seq, no);
            }
        }
        if side == Side::Buy { levels.into_iter().rev().collect() } else { levels.into_iter().collect() }
    }

    /// The walk that `taker` would make now; `no` is its own order, when it has one.
    pub(super) fn plan(&self, taker: Taker<'_>, no: Option<OrderNo>, venue: &dyn Venue) -> Plan {
        let levels = self.merged(&taker.pair.symbol, taker.side.opposite(), no, venue);
        let band = levels.first().map_or(Decimal::ZERO, |(best, _)| {
            let by = best.times(self.options.protection_band);
            if taker.side == Side::Buy { best.plus(by) } else { best.minus(by) }
        });
        let limit = taker.limit.unwrap_or(band);
        let mut walk = Walk { taker, steps: Vec::new(), qty: Decimal::ZERO, cost: Decimal::ZERO, stop: None };
        for (price, level) in levels {
            if !within(walk.taker.side, price, limit) || walk.stop.is_some() {
                break;
            }
            let own: Vec<&Order> = level.own.values().filter_map(|no| self.orders.get(*no)).collect();
            walk.level(price, level.external, &own);
        }
        let Walk { steps, qty, cost, stop, .. } = walk;
        Plan { steps, qty, cost, stop: stop.unwrap_or(Stop::NoLiquidity) }
    }
}

/// A plan in the making.
struct Walk<'a> {
    taker: Taker<'a>,
    steps: Vec<Step>,
    qty: Decimal,
    cost: Decimal,
    stop: Option<Stop>,
}

impl Walk<'_> {
    /// Takes up to `most` at `price`, unless the walk is over; returns what was taken.
    fn take(&mut self, price: Decimal, most: Decimal) -> Decimal {
        if self.stop.is_some() {
            return Decimal::ZERO;
        }
        let qty = most.min(self.taker.room(price).0).max(Decimal::ZERO);
        self.taker.take(price, qty);
        self.qty = self.qty.plus(qty);
        self.cost = self.cost.plus(qty.times(price));
        let (room, by_funds) = self.taker.room(price);
        if room.is_zero() {
            self.stop = Some(if by_funds { Stop::NoFunds } else { Stop::Satisfied });
        }
        qty
    }

    fn take_own(&mut self, price: Decimal, most: Decimal, no: OrderNo) {
        let qty = self.take(price, most);
        if qty > Decimal::ZERO {
            self.steps.push(Step::Own { no, price, qty });
        }
    }

    /// Serves a level in turn: what is ahead of each order of the desk, the order, what is behind; hidden quantity last.
    fn level(&mut self, price: Decimal, external: Decimal, own: &[&Order]) {
        let mut served = Decimal::ZERO;
        let mut hidden: Vec<(OrderNo, Decimal)> = Vec::new();
        for order in own {
            let ahead = order.state.queue.ahead.min(external).minus(served);
            served = served.plus(self.take(price, ahead.max(Decimal::ZERO)));
            if self.stop.is_some() {
                break;
            }
            if order.account == self.taker.account {
                self.meet_own(order.no);
                continue;
            }
            let visible = order.state.queue.visible.min(order.left());
            self.take_own(price, visible, order.no);
            hidden.push((order.no, order.left().minus(visible)));
        }
        served = served.plus(self.take(price, external.minus(served)));
        for (no, rest) in hidden {
            self.take_own(price, rest, no);
        }
        if served > Decimal::ZERO {
            self.steps.push(Step::External { price, qty: served });
        }
    }

    /// The walk meets an order of its own account.
    fn meet_own(&mut self, no: OrderNo) {
        if self.taker.self_trade != SelfTrade::Newest {
            self.steps.push(Step::Drop(no));
        }
        if self.taker.self_trade != SelfTrade::Oldest {
            self.stop = Some(Stop::SelfTrade);
        }
    }
}
