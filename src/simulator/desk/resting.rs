//! What trades and book changes of others do to orders in the book.

use rust_decimal::Decimal;

use super::numbers::Calc;
use super::order::OrderNo;
use super::settlement::Hit;
use super::venue::Venue;
use super::{Desk, QueueModel};
use crate::simulator::protocol::{Side, SimNs, TapeTrade};

impl Desk {
    /// A trade between others: orders that it went through are filled, queues at its price move on, triggers look at it.
    pub fn on_trade(&mut self, now: SimNs, trade: &TapeTrade, venue: &mut dyn Venue) {
        self.run_timers(now, venue);
        if self.books.get(&trade.symbol).is_some_and(|book| !book.is_empty()) {
            for side in [Side::Buy, Side::Sell] {
                self.fill_passed(now, trade, side, venue);
            }
            self.serve_queue(now, trade, venue);
            self.check_triggers(now, &trade.symbol, trade.price, venue);
        }
        self.settle_down(now, venue);
    }

    /// The external book of a pair changed: it may cross orders of ours, and levels may have shrunk.
    pub fn on_book(&mut self, now: SimNs, symbol: &str, venue: &mut dyn Venue) {
        self.run_timers(now, venue);
        for side in [Side::Buy, Side::Sell] {
            let resting = self.in_priority(symbol, side);
            if !resting.is_empty() {
                self.meet_crossing(now, symbol, side, &resting, venue);
                let levels = venue.levels(symbol, side);
                self.shrink(&resting, &levels);
            }
        }
        self.settle_down(now, venue);
    }

    /// Live orders of a side, best price first, then first come first served.
    fn in_priority(&self, symbol: &str, side: Side) -> Vec<OrderNo> {
        let mut orders = self.resting(symbol, side);
        orders.sort_by_key(|no| {
            self.orders.get(*no).map(|o| {
                let price = o.state.limit.unwrap_or_default();
                (if side == Side::Buy { -price } else { price }, o.state.queue.seq)
            })
        });
        orders
    }

    /// A trade beyond our price means that our price was served whole.
    fn fill_passed(&mut self, now: SimNs, trade: &TapeTrade, side: Side, venue: &dyn Venue) {
        for no in self.in_priority(&trade.symbol, side) {
            let Some(order) = self.orders.get(no) else { continue };
            let Some(price) = order.state.limit.filter(|p| *p != trade.price) else { continue };
            if Self::reached(order, trade.price) {
                let qty = order.left();
                let trade_id = self.next_trade_id();
                self.fill_resting(no, Hit { qty, price, maker: true, trade_id }, now, venue);
            }
        }
    }

    /// A trade at our price serves what is ahead of us, then us, then what is behind.
    fn serve_queue(&mut self, now: SimNs, trade: &TapeTrade, venue: &dyn Venue) {
        let side = trade.taker.opposite();
        let mut left = trade.qty;
        let mut external = Decimal::ZERO;
        for no in self.in_priority(&trade.symbol, side) {
            let Some(order) = self.orders.get(no).filter(|o| o.state.limit == Some(trade.price)) else { continue };
            let ahead = order.state.queue.ahead.minus(external).max(Decimal::ZERO).min(left);
            external = external.plus(ahead);
            left = left.minus(ahead);
            let qty = order.state.queue.visible.min(order.left()).min(left);
            if qty > Decimal::ZERO {
                left = left.minus(qty);
                let trade_id = self.next_trade_id();
                self.fill_resting(no, Hit { qty, price: trade.price, maker: true, trade_id }, now, venue);
            }
        }
        let served = external.plus(left);
        if served > Decimal::ZERO {
            self.move_up(&trade.symbol, side, trade.price, served);
        }
    }

    /// External orders that reach our prices trade with us, at our price.
    fn meet_crossing(&mut self, now: SimNs, symbol: &str, side: Side, resting: &[OrderNo], venue: &mut dyn Venue) {
        let mut levels = venue.levels(symbol, side.opposite());
        for no in resting {
            for (at, qty) in &mut levels {
                let Some(order) = self.orders.get(*no).filter(|o| o.is_live() && Self::reached(o, *at)) else { break };
                let Some(price) = order.state.limit else { break };
                let qty_here = order.left().min(*qty);
                if qty_here > Decimal::ZERO {
                    let taken = venue.consume(symbol, side.opposite(), *at, qty_here).min(qty_here);
                    *qty = qty.minus(taken);
                    if taken > Decimal::ZERO {
                        let trade_id = self.next_trade_id();
                        self.fill_resting(*no, Hit { qty: taken, price, maker: true, trade_id }, now, venue);
                    }
                }
            }
        }
    }

    /// Levels that shrank without trades: the model says on which side of us.
    fn shrink(&mut self, resting: &[OrderNo], levels: &[(Decimal, Decimal)]) {
        let model = self.options.queue;
        for no in resting {
            let Some(order) = self.orders.get_mut(*no).filter(|o| o.is_live()) else { continue };
            let Some(limit) = order.state.limit else { continue };
            let shown = levels.iter().find(|(price, _)| *price == limit).map_or(Decimal::ZERO, |(_, qty)| *qty);
            let queue = &mut order.state.queue;
            let gone = queue.seen.minus(shown).max(Decimal::ZERO);
            let moved = match model {
                QueueModel::Optimistic => gone,
                QueueModel::Proportional => gone.times(queue.ahead).over(queue.seen),
                QueueModel::Pessimistic => Decimal::ZERO,
            };
            queue.ahead = queue.ahead.minus(moved).max(Decimal::ZERO).min(shown);
            queue.seen = shown;
        }
    }
}
