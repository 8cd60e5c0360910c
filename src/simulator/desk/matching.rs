//! Orders that enter the book: what they take, and what becomes of the rest.

use rust_decimal::Decimal;

use super::numbers::Calc;
use super::order::{Order, OrderNo, Queue, Ticket, TimeInForce};
use super::plan::{Plan, Step, Stop, Taker, Want, within};
use super::settlement::Hit;
use super::venue::Venue;
use super::{AccountKey, Desk, Ending};
use crate::simulator::protocol::{Side, SimNs};

impl Desk {
    fn taker<'a>(&self, order: &'a Order, now: SimNs) -> Taker<'a> {
        let ticket = &order.ticket;
        // A limit order's hold covers what it takes; a market order stops where the money ends.
        let budget = (ticket.side == Side::Buy && order.state.limit.is_none()).then(|| self.spendable(order.no));
        let pays = !ticket.fee_in_base;
        Taker {
            account: order.account,
            pair: &ticket.pair,
            side: ticket.side,
            limit: order.state.limit,
            want: if ticket.in_quote { Want::Quote(order.quote_left()) } else { Want::Base(order.left()) },
            budget,
            percent: if pays { self.percent(order.account, &ticket.pair, false, now) } else { Decimal::ZERO },
            self_trade: ticket.self_trade,
        }
    }

    /// Average price at which a market order would trade now, `None` without liquidity.
    pub(super) fn market_price(&self, account: AccountKey, ticket: &Ticket, venue: &dyn Venue) -> Option<Decimal> {
        let plan = self.plan(self.newcomer(account, ticket), None, venue);
        // What finds no counterparty costs nothing: the average is over the whole quantity.
        (plan.qty > Decimal::ZERO).then(|| plan.cost.over(ticket.qty))
    }

    /// Whether an order would trade at once.
    pub(super) fn crosses(&self, account: AccountKey, ticket: &Ticket, venue: &dyn Venue) -> bool {
        let plan = self.plan(self.newcomer(account, ticket), None, venue);
        !plan.steps.is_empty() || plan.stop == Stop::SelfTrade
    }

    fn newcomer<'a>(&self, account: AccountKey, ticket: &'a Ticket) -> Taker<'a> {
        Taker {
            account,
            pair: &ticket.pair,
            side: ticket.side,
            limit: ticket.limit,
            want: if ticket.in_quote { Want::Quote(ticket.qty) } else { Want::Base(ticket.qty) },
            budget: None,
            percent: Decimal::ZERO,
            self_trade: ticket.self_trade,
        }
    }

    /// Lets a live order take what it can; the rest stays in the book or is cancelled.
    pub(super) fn enter(&mut self, no: OrderNo, now: SimNs, venue: &mut dyn Venue) {
        let Some(order) = self.orders.get(no) else { return };
        let (tif, limit) = (order.ticket.tif, order.state.limit);
        let plan = self.plan(self.taker(order, now), Some(no), venue);
        if tif == TimeInForce::Fok && plan.stop != Stop::Satisfied {
            return self.finish(no, Ending::Canceled("Fill or kill"), now);
        }
        let planned = plan.stop;
        self.carry_out(no, plan, now, venue);
        let left = self.orders.get(no).map_or(Decimal::ZERO, Order::left);
        // A venue that gave less than it showed leaves a rest like any other.
        let stop = if planned == Stop::Satisfied && left > Decimal::ZERO { Stop::NoLiquidity } else { planned };
        let reason = match stop {
            Stop::Satisfied => return self.finish(no, Ending::Filled, now),
            Stop::SelfTrade => "Self trade prevention",
            Stop::NoFunds => "Insufficient funds",
            Stop::NoLiquidity if limit.is_none() => "Market price protection",
            Stop::NoLiquidity if tif == TimeInForce::Ioc => "Immediate or cancel",
            Stop::NoLiquidity => return self.queue_up(no, now, venue),
        };
        self.finish(no, Ending::Canceled(reason), now);
    }

    fn carry_out(&mut self, no: OrderNo, plan: Plan, now: SimNs, venue: &mut dyn Venue) {
        let Some((symbol, side)) = self.orders.get(no).map(|o| (o.ticket.pair.symbol.clone(), o.ticket.side)) else {
            return;
        };
        for step in plan.steps {
            match step {
                Step::External { price, qty } => {
                    let qty = venue.consume(&symbol, side.opposite(), price, qty).min(qty);
                    if qty > Decimal::ZERO {
                        let trade_id = self.next_trade_id();
                        self.fill(no, Hit { qty, price, maker: false, trade_id }, now, venue);
                        self.move_up(&symbol, side.opposite(), price, qty);
                    }
                }
                Step::Own { no: maker, price, qty } => {
                    let trade_id = self.next_trade_id();
                    self.fill(no, Hit { qty, price, maker: false, trade_id }, now, venue);
                    self.fill_resting(maker, Hit { qty, price, maker: true, trade_id }, now, venue);
                }
                Step::Drop(other) => self.finish(other, Ending::Canceled("Self trade prevention"), now),
            }
        }
    }

    /// Fills an order in the book, and ends it or shows its next slice.
    pub(super) fn fill_resting(&mut self, no: OrderNo, hit: Hit, now: SimNs, venue: &dyn Venue) {
        self.fill(no, hit, now, venue);
        let Some(order) = self.orders.get(no) else { return };
        if order.left().is_zero() {
            self.finish(no, Ending::Filled, now);
        } else if order.state.queue.visible.is_zero() {
            self.join_level(no, venue);
            self.push_refill(no, now);
        }
    }

    /// Puts an order at the end of its level's queue and says that it is there.
    pub(super) fn queue_up(&mut self, no: OrderNo, now: SimNs, venue: &dyn Venue) {
        self.join_level(no, venue);
        self.note(no, now);
    }

    fn join_level(&mut self, no: OrderNo, venue: &dyn Venue) {
        let seq = self.next_seq();
        let Some(order) = self.orders.get_mut(no) else { return };
        let left = order.left();
        let external = order.state.limit.map_or(Decimal::ZERO, |price| {
            let levels = venue.levels(&order.ticket.pair.symbol, order.ticket.side);
            levels.iter().find(|(at, _)| *at == price).map_or(Decimal::ZERO, |(_, qty)| *qty)
        });
        let visible = order.state.display.map_or(left, |d| d.min(left));
        order.state.queue = Queue { seq, ahead: external, seen: external, visible };
    }

    /// External quantity at a level was taken: those who wait there move up.
    pub(super) fn move_up(&mut self, symbol: &str, side: Side, price: Decimal, qty: Decimal) {
        for no in self.resting(symbol, side) {
            if let Some(order) = self.orders.get_mut(no).filter(|o| o.state.limit == Some(price)) {
                let queue = &mut order.state.queue;
                queue.ahead = queue.ahead.minus(qty).max(Decimal::ZERO);
                queue.seen = queue.seen.minus(qty).max(Decimal::ZERO);
            }
        }
    }

    /// Whether a live order's limit is reached by `price` on the other side.
    pub(super) fn reached(order: &Order, price: Decimal) -> bool {
        order.state.limit.is_some_and(|limit| within(order.ticket.side, price, limit))
    }
}
