//! Cancelling orders.

use super::engine_limit::Touch;
use super::order::OrderNo;
use super::trading::{RATE_LIMIT, UNKNOWN_ORDER};
use super::venue::Venue;
use super::{AccountKey, Desk, Ending};
use crate::simulator::protocol::SimNs;

const ASKED: Ending = Ending::Canceled("User requested");

impl Desk {
    /// Cancels one open order, unless the counter forbids it.
    pub(super) fn cancel_one(&mut self, no: OrderNo, now: SimNs) -> Result<(), String> {
        if !self.charge_touch(now, no, Touch::Cancel, false) {
            return Err(RATE_LIMIT.to_owned());
        }
        self.finish(no, ASKED, now);
        Ok(())
    }

    /// Cancels orders together: their cost is charged, but never in the way.
    pub(super) fn cancel_many(&mut self, orders: &[OrderNo], now: SimNs) -> u64 {
        let mut count = 0;
        for no in orders {
            if self.orders.get(*no).is_some_and(|o| o.is_open()) {
                self.charge_touch(now, *no, Touch::Cancel, true);
                self.finish(*no, ASKED, now);
                count += 1;
            }
        }
        count
    }

    /// Cancels what a client names, or says that there is no such order.
    pub(super) fn cancel_named(
        &mut self,
        now: SimNs,
        key: AccountKey,
        name: &str,
        by_client: bool,
        venue: &dyn Venue,
    ) -> Result<u64, String> {
        Self::awake(venue)?;
        let orders = if by_client {
            self.by_client_id(now, key, name).into_iter().collect()
        } else {
            self.named(now, key, name)
        };
        if orders.is_empty() {
            return Err(UNKNOWN_ORDER.to_owned());
        }
        let mut count = 0;
        for no in orders {
            self.cancel_one(no, now)?;
            count += 1;
        }
        Ok(count)
    }

    /// Cancels every open order of the account.
    pub(super) fn cancel_everything(&mut self, now: SimNs, key: AccountKey) -> u64 {
        let orders = self.open_where(now, key, |_| true);
        self.cancel_many(&orders, now)
    }
}
