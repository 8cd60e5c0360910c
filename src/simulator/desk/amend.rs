//! Changing an order: in place (amend), or by cancelling it and placing another (edit).

use std::sync::Arc;

use rust_decimal::Decimal;

use super::draft::{Draft, Terms, bad};
use super::engine_limit::Touch;
use super::numbers::Calc;
use super::order::{Order, OrderNo, Phase, State, Ticket, needed};
use super::price::{Asked, away_is_up};
use super::terms::{checked_display, checked_price, checked_qty};
use super::trading::{RATE_LIMIT, UNKNOWN_ORDER};
use super::venue::{Mode, PairSpec, Venue};
use super::{AccountKey, Desk, Ending};
use crate::simulator::protocol::SimNs;

/// What an amendment changes; what is absent stays.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Amendment {
    pub qty: Option<Decimal>,
    pub display: Option<Decimal>,
    pub limit: Option<Asked>,
    pub trigger: Option<Asked>,
    pub post_only: bool,
    pub terms: Terms,
}

impl Amendment {
    /// The order's state after the amendment.
    fn apply(&self, order: &Order, last: Option<Decimal>) -> Result<State, String> {
        let (ticket, mut state) = (&order.ticket, order.state.clone());
        let pair = &ticket.pair;
        let stop = ticket.kind.is_triggered() && !ticket.kind.is_take_profit();
        let resolve = |asked: Asked| {
            let price = asked.resolve(last, pair.tick, away_is_up(ticket.side, stop));
            checked_price(price.ok_or("EOrder:Invalid price")?, pair)
        };
        if let Some(qty) = self.qty {
            state.qty = self.new_qty(qty, pair, &state)?;
        }
        if let Some(asked) = self.limit {
            if !ticket.kind.has_limit() || state.limit.is_none() {
                return Err(bad("limit_price"));
            }
            state.limit = Some(resolve(asked)?);
        }
        if let Some(asked) = self.trigger {
            if !ticket.kind.is_triggered() || ticket.kind.is_trailing() || state.triggered {
                return Err(bad("trigger_price"));
            }
            state.stop = Some(resolve(asked)?);
        }
        if let Some(display) = self.display {
            state.display.ok_or_else(|| bad("display_qty"))?;
            state.display = Some(checked_display(display, state.qty, pair)?);
        }
        if self.post_only && !ticket.kind.has_limit() {
            return Err(bad("post_only"));
        }
        Ok(state)
    }

    fn new_qty(&self, qty: Decimal, pair: &PairSpec, state: &State) -> Result<Decimal, String> {
        if qty <= state.filled {
            return Ok(qty);
        }
        if qty < pair.min_qty {
            return Err("EOrder:Order minimum not met".to_owned());
        }
        checked_qty(qty, pair.lot_decimals)
    }
}

impl Desk {
    /// Changes an open order in place; returns the id of the amendment. Less than what is filled ends the order.
    pub(super) fn amend(
        &mut self,
        now: SimNs,
        no: OrderNo,
        change: Amendment,
        venue: &mut dyn Venue,
    ) -> Result<String, String> {
        let order = self.orders.get(no).filter(|o| o.is_open()).ok_or(UNKNOWN_ORDER)?;
        let symbol = order.ticket.pair.symbol.clone();
        for mode in [venue.system_status(), venue.pair_status(&symbol)] {
            match mode {
                Mode::Maintenance => return Err("EService:Unavailable".to_owned()),
                Mode::CancelOnly => return Err("EService:Market in cancel_only mode".to_owned()),
                Mode::PostOnly if !change.post_only => return Err("EService:Market in post_only mode".to_owned()),
                _ => {}
            }
        }
        let within = self.charge_touch(now, no, Touch::Amend, false);
        let order = self.orders.get(no).ok_or(UNKNOWN_ORDER)?;
        let state = change.apply(order, venue.last_price(&symbol))?;
        change.terms.in_time(now)?;
        if !within {
            return Err(RATE_LIMIT.to_owned());
        }
        let id = self.ids.trade();
        if state.qty <= state.filled {
            self.finish(no, Ending::Canceled("Amended below filled quantity"), now);
            return Ok(id);
        }
        self.may_become(no, &state, change.post_only, now, venue)?;
        self.become_amended(no, state, now, venue);
        Ok(id)
    }

    fn may_become(&self, no: OrderNo, state: &State, post: bool, now: SimNs, venue: &dyn Venue) -> Result<(), String> {
        let order = self.orders.get(no).ok_or(UNKNOWN_ORDER)?;
        let percent = self.worst_percent(order.account, &order.ticket.pair, now);
        let market = venue.last_price(&order.ticket.pair.symbol).unwrap_or_default();
        let cost = needed(&order.ticket, state, percent, market);
        if cost > self.hold_of(no) && cost > self.spendable(no) {
            return Err("EOrder:Insufficient funds".to_owned());
        }
        let ticket = Ticket { limit: state.limit, qty: state.qty.minus(state.filled), ..order.ticket.clone() };
        if post && order.is_live() && self.crosses(order.account, &ticket, venue) {
            return Err("EOrder:Post only order".to_owned());
        }
        Ok(())
    }

    /// Less quantity keeps the place in the queue; more of it, or another price, goes to its end.
    fn become_amended(&mut self, no: OrderNo, state: State, now: SimNs, venue: &mut dyn Venue) {
        let Some(order) = self.orders.get_mut(no) else { return };
        let moved = state.limit != order.state.limit || state.qty > order.state.qty;
        order.state = state;
        order.state.amended = true;
        order.state.touched = now;
        let left = order.left();
        order.state.queue.visible = order.state.queue.visible.min(left);
        let phase = order.state.phase;
        let symbol = order.ticket.pair.symbol.clone();
        self.refresh_hold(no, now, venue);
        self.push_amended(no, now);
        self.note(no, now);
        match (phase, venue.last_price(&symbol)) {
            (Phase::Live, _) if moved => self.enter(no, now, venue),
            (Phase::Waiting, Some(last)) => self.watch(no, last, now, venue),
            _ => {}
        }
    }

    /// Cancels an open order and places another in its stead; returns the new one, or its checked form when only that was asked.
    pub(super) fn edit(
        &mut self,
        now: SimNs,
        no: OrderNo,
        draft: Draft,
        terms: Terms,
        venue: &mut dyn Venue,
    ) -> Result<super::trading::Added, String> {
        let order = self.orders.get(no).filter(|o| o.is_open()).ok_or(UNKNOWN_ORDER)?;
        let (key, pair): (AccountKey, Arc<PairSpec>) = (order.account, Arc::clone(&order.ticket.pair));
        let within = self.charge_touch(now, no, Touch::Edit, false);
        let ticket = self.ticket(now, &pair, draft, venue)?;
        if terms.validate {
            return Ok(super::trading::Added::Checked(Box::new(ticket)));
        }
        terms.in_time(now)?;
        self.vet(now, key, &ticket, !within, Some(no), venue)?;
        self.finish(no, Ending::Canceled("Order replaced"), now);
        Ok(super::trading::Added::Placed(self.place(now, key, ticket, None, venue)))
    }

    /// The draft of an order as it stands, to be edited.
    pub(super) fn redraft(&self, no: OrderNo) -> Option<Draft> {
        let order = self.orders.get(no)?;
        let ticket = &order.ticket;
        let trailing = ticket.kind.is_trailing();
        Some(Draft {
            side: ticket.side,
            kind: ticket.kind,
            qty: (!ticket.in_quote).then(|| order.left()),
            quote_qty: ticket.in_quote.then(|| order.quote_left()),
            limit: if trailing { ticket.trail_limit.map(Asked::By) } else { order.state.limit.map(Asked::At) },
            trigger: if trailing { ticket.trail.map(Asked::By) } else { order.state.stop.map(Asked::At) },
            display: order.state.display,
            tif: Some(ticket.tif),
            post_only: ticket.post_only,
            fee_in_base: Some(ticket.fee_in_base),
            index_trigger: ticket.index_trigger,
            self_trade: ticket.self_trade,
            userref: Some(ticket.userref),
            cl_ord_id: None,
            starts: ticket.starts,
            expires: ticket.expires,
            close: None,
        })
    }
}
