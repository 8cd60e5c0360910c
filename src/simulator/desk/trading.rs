//! Placing orders, one or many: the same steps for both protocols.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::draft::{Draft, Terms};
use super::engine_limit::Touch;
use super::order::{OrderNo, Ticket};
use super::terms::let_in;
use super::venue::{Mode, PairSpec, Venue};
use super::{AccountKey, Desk};
use crate::simulator::protocol::SimNs;

/// What became of a request for an order.
#[derive(Debug)]
pub(super) enum Added {
    Placed(OrderNo),
    /// Only checked, as asked.
    Checked(Box<Ticket>),
}

pub(super) const UNKNOWN_PAIR: &str = "EQuery:Unknown asset pair";
pub(super) const UNKNOWN_ORDER: &str = "EOrder:Unknown order";
pub(super) const RATE_LIMIT: &str = "EOrder:Rate limit exceeded";

impl Desk {
    /// Charges the engine's counter; `false` when the action goes above its limit.
    pub(super) fn charge(
        &mut self,
        now: SimNs,
        key: AccountKey,
        pair: &PairSpec,
        halves: u32,
        penalty: u32,
        force: bool,
    ) -> bool {
        let strict = self.options.strict;
        let Some(account) = self.accounts.get_mut(&key) else { return false };
        let tier = account.tier;
        let counter = account.limits.entry(pair.symbol.clone()).or_default();
        counter.charge(now, tier, halves, penalty, force || !strict)
    }

    /// Charges an action on an order by its age.
    pub(super) fn charge_touch(&mut self, now: SimNs, no: OrderNo, touch: Touch, force: bool) -> bool {
        let Some(order) = self.orders.get(no) else { return false };
        let penalty = touch.penalty(now.0.saturating_sub(order.state.touched.0));
        let (key, pair) = (order.account, Arc::clone(&order.ticket.pair));
        self.charge(now, key, &pair, touch.fixed_halves(), penalty, force)
    }

    /// Checks one order as far as its account does not matter.
    pub(super) fn ticket(
        &self,
        now: SimNs,
        pair: &Arc<PairSpec>,
        draft: Draft,
        venue: &dyn Venue,
    ) -> Result<Ticket, String> {
        let_in(venue.system_status(), &draft)?;
        let_in(venue.pair_status(&pair.symbol), &draft)?;
        draft.ticket(pair, venue.last_price(&pair.symbol), now, &self.options)
    }

    pub(super) fn add(
        &mut self,
        now: SimNs,
        key: AccountKey,
        pair: &str,
        draft: Draft,
        terms: Terms,
        venue: &mut dyn Venue,
    ) -> Result<Added, String> {
        let pair = venue.pair(pair).ok_or(UNKNOWN_PAIR)?;
        // The fixed cost is paid even when a check fails.
        let within = self.charge(now, key, &pair, 2, 0, false);
        let ticket = self.ticket(now, &pair, draft, venue)?;
        if terms.validate {
            return Ok(Added::Checked(Box::new(ticket)));
        }
        terms.in_time(now)?;
        self.vet(now, key, &ticket, !within, None, venue)?;
        Ok(Added::Placed(self.place(now, key, ticket, None, venue)))
    }

    /// A batch for one pair. One order that fails its checks refuses all; what the engine refuses later it refuses one by one.
    pub(super) fn add_batch(
        &mut self,
        now: SimNs,
        key: AccountKey,
        pair: &str,
        drafts: Vec<Draft>,
        terms: Terms,
        venue: &mut dyn Venue,
    ) -> Result<Vec<Result<Added, String>>, String> {
        let pair = venue.pair(pair).ok_or(UNKNOWN_PAIR)?;
        let halves = u32::try_from(drafts.len()).unwrap_or(u32::MAX);
        let within = self.charge(now, key, &pair, halves, 0, false);
        let tickets: Result<Vec<Ticket>, String> =
            drafts.into_iter().map(|draft| self.ticket(now, &pair, draft, venue)).collect();
        let tickets = tickets?;
        if terms.validate {
            return Ok(tickets.into_iter().map(|t| Ok(Added::Checked(Box::new(t)))).collect());
        }
        terms.in_time(now)?;
        let mut results = Vec::new();
        for ticket in tickets {
            let vetted = self.vet(now, key, &ticket, !within, None, venue);
            results.push(vetted.map(|()| Added::Placed(self.place(now, key, ticket, None, venue))));
        }
        Ok(results)
    }

    /// # Errors
    /// While the exchange takes no requests at all.
    pub(super) fn awake(venue: &dyn Venue) -> Result<(), String> {
        if venue.system_status() == Mode::Maintenance { Err("EService:Unavailable".to_owned()) } else { Ok(()) }
    }

    /// An order of the account that its owner can know of, by the exchange's id.
    pub(super) fn owned(&self, now: SimNs, key: AccountKey, id: &str) -> Option<OrderNo> {
        let order = self.by_id.get(id).and_then(|no| self.orders.get(*no))?;
        (order.account == key && order.hidden_until <= now).then_some(order.no)
    }

    /// Open orders of the account that fit, oldest first.
    pub(super) fn open_where(
        &self,
        now: SimNs,
        key: AccountKey,
        fits: impl Fn(&super::order::Order) -> bool,
    ) -> Vec<OrderNo> {
        let Some(account) = self.accounts.get(&key) else { return Vec::new() };
        let known = |no: &OrderNo| self.orders.get(*no).is_some_and(|o| o.hidden_until <= now && fits(o));
        account.open.iter().copied().filter(known).collect()
    }

    /// Open orders that a client names: an order id, or a user reference.
    pub(super) fn named(&self, now: SimNs, key: AccountKey, name: &str) -> Vec<OrderNo> {
        if let Some(no) = self.owned(now, key, name) {
            return if self.orders.get(no).is_some_and(|o| o.is_open()) { vec![no] } else { Vec::new() };
        }
        match name.parse::<i64>() {
            Ok(userref) => self.open_where(now, key, |o| o.ticket.userref == userref),
            Err(_) => Vec::new(),
        }
    }

    /// The open order with a client's id.
    pub(super) fn by_client_id(&self, now: SimNs, key: AccountKey, id: &str) -> Option<OrderNo> {
        self.open_where(now, key, |o| o.ticket.cl_ord_id.as_deref() == Some(id)).first().copied()
    }

    /// What an order holds now.
    pub(super) fn hold_of(&self, no: OrderNo) -> Decimal {
        self.orders.get(no).map_or(Decimal::ZERO, |o| o.state.hold)
    }
}
