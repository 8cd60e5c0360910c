//! From acceptance to the end of an order.

use super::account::Account;
use super::draft::bad;
use super::numbers::Calc;
use super::order::{Order, OrderNo, Phase, State, Ticket};
use super::timers::Timer;
use super::venue::Venue;
use super::ws_rows;
use super::{AccountKey, Desk, Ending, RowKind};
use crate::simulator::protocol::SimNs;

impl Desk {
    /// The checks that need the account, in the engine's order. `limited`: the rate counter is exhausted. `replacing`: an order that
    /// goes when this one comes.
    ///
    /// # Errors
    /// The first check that fails.
    pub(super) fn vet(
        &self,
        now: SimNs,
        key: AccountKey,
        ticket: &Ticket,
        limited: bool,
        replacing: Option<OrderNo>,
        venue: &dyn Venue,
    ) -> Result<(), String> {
        let account = self.accounts.get(&key).ok_or("EAPI:Invalid key")?;
        let open = || account.open.iter().filter(|no| Some(**no) != replacing).filter_map(|no| self.orders.get(*no));
        if ticket.cl_ord_id.is_some() && open().any(|o| o.ticket.cl_ord_id == ticket.cl_ord_id) {
            // The real text is not documented.
            return Err(bad("cl_ord_id"));
        }
        let count = open().filter(|o| o.ticket.pair.symbol == ticket.pair.symbol).count();
        if self.options.strict && count >= account.tier.open_orders() {
            return Err("EOrder:Orders limit exceeded".to_owned());
        }
        if limited {
            return Err("EOrder:Rate limit exceeded".to_owned());
        }
        if self.price_of_entry(now, key, ticket, venue) > self.free_for(account, ticket, replacing) {
            return Err("EOrder:Insufficient funds".to_owned());
        }
        if ticket.post_only && ticket.starts.is_none() && self.crosses(key, ticket, venue) {
            return Err("EOrder:Post only order".to_owned());
        }
        Ok(())
    }

    fn free_for(&self, account: &Account, ticket: &Ticket, replacing: Option<OrderNo>) -> rust_decimal::Decimal {
        let asset = ticket.pays_with();
        let back = replacing
            .and_then(|no| self.orders.get(no))
            .filter(|o| o.hold_asset() == asset)
            .map_or(rust_decimal::Decimal::ZERO, |o| o.state.hold);
        account.free(asset).plus(back)
    }

    /// Takes an order in and lets it act.
    pub(super) fn place(
        &mut self,
        now: SimNs,
        key: AccountKey,
        ticket: Ticket,
        parent: Option<String>,
        venue: &mut dyn Venue,
    ) -> OrderNo {
        let no = self.accept(now, key, ticket, parent);
        self.refresh_hold(no, now, venue);
        self.push_pending(no, now);
        self.note(no, now);
        let starts = self.orders.get(no).and_then(|o| o.ticket.starts);
        match starts {
            Some(at) => {
                self.timers.insert((at, Timer::Start(no)));
            }
            None => self.activate(no, now, venue),
        }
        no
    }

    fn accept(&mut self, now: SimNs, key: AccountKey, ticket: Ticket, parent: Option<String>) -> OrderNo {
        let no = self.orders.len();
        let id = self.ids.order();
        // A close is hidden as long as the order that it closes.
        let first = parent.as_ref().and_then(|id| self.by_id.get(id)).and_then(|no| self.orders.get(*no));
        let mut hidden_until = first.map_or(now, |first| first.hidden_until.max(now));
        if let Some(account) = self.accounts.get_mut(&key) {
            account.orders.push(no);
            account.open.insert(no);
            if parent.is_none()
                && let Some(ms) = account.hide_next_ms.take()
            {
                hidden_until = now.plus_ms(ms);
            }
        }
        for asset in [&ticket.pair.base, &ticket.pair.quote] {
            self.know(key, asset);
        }
        if let Some(at) = ticket.expires {
            self.timers.insert((at, Timer::Expire(no)));
        }
        self.books.entry(ticket.pair.symbol.clone()).or_default().insert(no);
        self.by_id.insert(id.clone(), no);
        let state = State::new(&ticket, now);
        self.orders.push(Order {
            no,
            id,
            account: key,
            ticket,
            parent,
            opened: now,
            hidden_until,
            state,
            versions: Vec::new(),
        });
        no
    }

    /// An order's time has come: it waits for its trigger or enters the book.
    pub(super) fn activate(&mut self, no: OrderNo, now: SimNs, venue: &mut dyn Venue) {
        let Some(order) = self.orders.get_mut(no) else { return };
        let last = venue.last_price(&order.ticket.pair.symbol);
        let waits = order.ticket.kind.is_triggered();
        if waits {
            self.arm(no, last);
        } else {
            order.state.phase = Phase::Live;
        }
        self.refresh_hold(no, now, venue);
        self.push_new(no, now);
        self.note(no, now);
        match last {
            Some(last) if waits => self.watch(no, last, now, venue),
            None if waits => {}
            _ => self.enter(no, now, venue),
        }
    }

    /// The close of a fill: a new order of the other side. What cannot be paid or priced ends where it begins.
    pub(super) fn place_close(
        &mut self,
        first: OrderNo,
        qty: rust_decimal::Decimal,
        now: SimNs,
        venue: &mut dyn Venue,
    ) {
        let Some(order) = self.orders.get(first) else { return };
        let (key, id, last) = (order.account, order.id.clone(), venue.last_price(&order.ticket.pair.symbol));
        let Some(Ok(ticket)) = order.ticket.close.as_ref().map(|close| close.ticket(&order.ticket, qty, last)) else {
            return;
        };
        if self.vet(now, key, &ticket, false, None, venue).is_ok() {
            self.place(now, key, ticket, Some(id), venue);
        } else {
            let no = self.accept(now, key, ticket, Some(id));
            self.push_pending(no, now);
            self.finish(no, Ending::Canceled("Insufficient funds"), now);
        }
    }

    /// The end of an order; a second end is no end.
    pub(super) fn finish(&mut self, no: OrderNo, ending: Ending, now: SimNs) {
        let Some(order) = self.orders.get_mut(no).filter(|o| o.is_open()) else { return };
        order.state.phase = Phase::Done;
        order.state.ending = Some(ending);
        order.state.closed_at = Some(now);
        let (key, symbol) = (order.account, order.ticket.pair.symbol.clone());
        self.set_hold(no, rust_decimal::Decimal::ZERO);
        if let Some(account) = self.accounts.get_mut(&key) {
            account.open.remove(&no);
        }
        if let Some(book) = self.books.get_mut(&symbol) {
            book.remove(&no);
        }
        if let Some(order) = self.orders.get(no) {
            let row = ws_rows::end(order, now, self.options.full_deltas);
            self.push_row(no, RowKind::OpenClose, row, now);
        }
        self.note(no, now);
    }
}
