//! Orders that wait for a price: stops, take-profits and trailing stops. Both trigger references are the last trade here.

use rust_decimal::Decimal;

use super::Desk;
use super::order::{Kind, OrderNo, Phase};
use super::venue::Venue;
use crate::simulator::protocol::{Side, SimNs};

impl Desk {
    /// Starts to wait: a trailing stop takes its first distance.
    pub(super) fn arm(&mut self, no: OrderNo, last: Option<Decimal>) {
        let Some(order) = self.orders.get_mut(no) else { return };
        order.state.phase = Phase::Waiting;
        if let Some(last) = last {
            Self::trail(order, last);
        }
    }

    /// A last trade at `price`: trailing stops follow, reached triggers fire.
    pub(super) fn check_triggers(&mut self, now: SimNs, symbol: &str, price: Decimal, venue: &mut dyn Venue) {
        let Some(book) = self.books.get(symbol) else { return };
        let waiting = |no: &OrderNo| self.orders.get(*no).is_some_and(|o| o.state.phase == Phase::Waiting);
        let waiting: Vec<OrderNo> = book.iter().copied().filter(waiting).collect();
        for no in waiting {
            self.watch(no, price, now, venue);
        }
    }

    /// One waiting order sees a last trade.
    pub(super) fn watch(&mut self, no: OrderNo, price: Decimal, now: SimNs, venue: &mut dyn Venue) {
        let Some(order) = self.orders.get_mut(no).filter(|o| o.state.phase == Phase::Waiting) else { return };
        if Self::trail(order, price) {
            self.refresh_hold(no, now, venue);
            self.note(no, now);
        }
        let Some(order) = self.orders.get_mut(no) else { return };
        let Some(stop) = order.state.stop else { return };
        let rising = (order.ticket.side == Side::Buy) != order.ticket.kind.is_take_profit();
        if if rising { price >= stop } else { price <= stop } {
            order.state.triggered = true;
            order.state.phase = Phase::Live;
            if order.ticket.kind == Kind::TrailingStopLimit {
                let tick = order.ticket.pair.tick;
                order.state.limit = order.ticket.trail_limit.map(|offset| offset.from(stop, tick)).or(Some(stop));
            }
            self.refresh_hold(no, now, venue);
            self.push_triggered(no, price, now);
            self.note(no, now);
            self.enter(no, now, venue);
        }
    }

    /// Moves a trailing stop after a better price; `true` when it moved.
    fn trail(order: &mut super::order::Order, price: Decimal) -> bool {
        let Some(distance) = order.ticket.trail else { return false };
        let selling = order.ticket.side == Side::Sell;
        let better = order.state.peak.is_none_or(|peak| if selling { price > peak } else { price < peak });
        if better {
            order.state.peak = Some(price);
            let by = if selling { distance.negated() } else { distance };
            order.state.stop = Some(by.from(price, order.ticket.pair.tick));
        }
        better
    }
}
