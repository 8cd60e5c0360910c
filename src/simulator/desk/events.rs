//! The way of private events: in order, executions before the ledger entries they cause, hidden orders' later.

use serde_json::Value;

use super::account::LedgerEntry;
use super::order::OrderNo;
use super::venue::Venue;
use super::ws_rows;
use super::{Channel, Desk, PrivateEvent, RowKind};
use crate::simulator::protocol::SimNs;

impl Desk {
    /// An order row of its own event.
    pub(super) fn push_row(&mut self, no: OrderNo, kind: RowKind, row: Value, now: SimNs) {
        let Some(order) = self.orders.get(no) else { return };
        let event = PrivateEvent {
            account: order.account,
            channel: Channel::Executions,
            kind,
            symbol: order.ticket.pair.symbol.clone(),
            rows: vec![row],
        };
        self.send(order.hidden_until, event, now);
    }

    /// A fill's row; fills of one order that follow each other share an event.
    pub(super) fn push_trade(&mut self, no: OrderNo, fill: usize, now: SimNs) {
        let (Some(order), Some(fill)) = (self.orders.get(no), self.fills.get(fill)) else { return };
        let row = ws_rows::trade(order, fill, self.options.full_deltas);
        let (key, hidden) = (order.account, order.hidden_until > now);
        let before = self.outbox.iter_mut().rev().find(|e| e.account == key && e.channel == Channel::Executions);
        match before {
            Some(event)
                if !hidden
                    && event.kind == RowKind::Trade
                    && event.rows.last().and_then(|r| r.get("order_id")) == row.get("order_id")
                    && event.rows.last().and_then(|r| r.get("timestamp")) == row.get("timestamp") =>
            {
                event.rows.push(row);
            }
            _ => self.push_row(no, RowKind::Trade, row, now),
        }
    }

    pub(super) fn push_ledger(&mut self, no: OrderNo, entries: &[LedgerEntry]) {
        let Some(order) = self.orders.get(no) else { return };
        let event = PrivateEvent {
            account: order.account,
            channel: Channel::Balances,
            kind: RowKind::Ledger,
            symbol: order.ticket.pair.symbol.clone(),
            rows: entries.iter().map(ws_rows::ledger).collect(),
        };
        self.ledger_box.push((order.hidden_until, event));
    }

    fn send(&mut self, from: SimNs, event: PrivateEvent, now: SimNs) {
        if from > now {
            let seq = self.next_seq();
            self.delayed.insert((from, seq), event);
        } else {
            self.outbox.push(event);
        }
    }

    /// Lets out what was hidden until now.
    pub(super) fn reveal(&mut self, now: SimNs) {
        while let Some(entry) = self.delayed.first_entry().filter(|e| e.key().0 <= now) {
            self.outbox.push(entry.remove());
        }
    }

    /// Ends an operation: conditional closes are placed, then the ledger entries go out.
    pub(super) fn settle_down(&mut self, now: SimNs, venue: &mut dyn Venue) {
        while !self.closes.is_empty() {
            for (no, qty) in std::mem::take(&mut self.closes) {
                self.place_close(no, qty, now, venue);
            }
        }
        for (from, event) in std::mem::take(&mut self.ledger_box) {
            self.send(from, event, now);
        }
    }

    /// Keeps the state that REST views will show, when they do not show the present.
    pub(super) fn note(&mut self, no: OrderNo, now: SimNs) {
        let lag = self.options.rest_lag_ms;
        let Some(order) = self.orders.get_mut(no) else { return };
        let from = now.plus_ms(lag).max(order.hidden_until);
        if from <= now {
            order.versions.clear();
            return;
        }
        if let Some(account) = self.accounts.get_mut(&order.account) {
            account.lag_until = account.lag_until.max(from);
        }
        if order.versions.last().is_none_or(|(at, _)| *at < from) {
            let shown = order.versions.iter().rposition(|(at, _)| *at <= now).unwrap_or(0);
            order.versions.drain(..shown);
            order.versions.push((from, order.state.clone()));
        } else if let Some(last) = order.versions.last_mut() {
            last.1 = order.state.clone();
        }
    }
}
