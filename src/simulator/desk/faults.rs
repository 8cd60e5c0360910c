//! Wrong behaviour on demand: orders that appear late, fills told twice, fills after the end.

use super::order::needed;
use super::settlement::Hit;
use super::trading::UNKNOWN_ORDER;
use super::venue::Venue;
use super::{AccountKey, Desk, Ending, RowKind, ws_rows};
use crate::simulator::protocol::SimNs;

impl Desk {
    /// From now on REST views follow the engine with this delay; what is on its way keeps its own.
    pub fn set_rest_lag(&mut self, ms: i64) {
        self.options.rest_lag_ms = ms.max(0);
        let now = self.clock;
        for order in self.orders.iter_mut().filter(|o| o.is_open() && o.versions.is_empty()) {
            order.versions.push((now, order.state.clone()));
        }
    }

    /// The next order of this account stays out of every view and channel for so long; it trades meanwhile.
    pub fn hide_next_order(&mut self, account: AccountKey, ms: i64) {
        if let Some(account) = self.accounts.get_mut(&account) {
            account.hide_next_ms = Some(ms);
        }
    }

    /// Tells the newest fill of the account again, with the same `exec_id`; `false` without one.
    pub fn duplicate_last_fill(&mut self, account: AccountKey) -> bool {
        let now = self.clock;
        let last = self.accounts.get(&account).and_then(|a| a.fills.last()).and_then(|no| self.fills.get(*no));
        let Some(fill) = last else { return false };
        let Some(order) = self.orders.get(fill.order) else { return false };
        let (no, row) = (order.no, ws_rows::trade(order, fill, self.options.full_deltas));
        self.push_row(no, RowKind::Trade, row, now);
        true
    }

    /// Fills what a cancelled order left, as if the fill had been under way.
    ///
    /// # Errors
    /// When there is no such cancelled order with a rest and a price, or no money for it any more.
    pub fn late_fill(&mut self, now: SimNs, order_id: &str, venue: &mut dyn Venue) -> Result<(), String> {
        self.run_timers(now, venue);
        let order = self.by_id.get(order_id).and_then(|no| self.orders.get(*no)).ok_or(UNKNOWN_ORDER)?;
        let cancelled = matches!(order.state.ending, Some(Ending::Canceled(_)));
        let last = venue.last_price(&order.ticket.pair.symbol);
        let (no, qty) = (order.no, order.left());
        let price = order.state.limit.or(last).ok_or("no price to fill at")?;
        if !cancelled || qty.is_zero() {
            return Err(format!("order {order_id} has no cancelled rest"));
        }
        let percent = self.worst_percent(order.account, &order.ticket.pair, now);
        if needed(&order.ticket, &order.state, percent, price) > self.spendable(no) {
            return Err(format!("no funds for order {order_id}"));
        }
        let trade_id = self.next_trade_id();
        self.fill(no, Hit { qty, price, maker: true, trade_id }, now, venue);
        self.settle_down(now, venue);
        Ok(())
    }
}
