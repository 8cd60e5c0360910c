//! Rows of the private WebSocket channels.

use serde_json::{Map, Value, json as object};

use super::account::{Fill, LedgerEntry};
use super::numbers::{json, micros_text};
use super::order::{CloseTerms, Kind, Order, OrderNo, Phase};
use super::price::Asked;
use super::{AccountKey, Desk, Ending, RowKind};
use crate::simulator::protocol::SimNs;

/// Rows of the first frames of an executions subscription; orders and fills never share a frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExecutionsSnapshot {
    /// Open orders, oldest first.
    pub orders: Vec<Value>,
    /// The newest 50 fills, newest first.
    pub trades: Vec<Value>,
}

type Row = Map<String, Value>;

fn put(row: &mut Row, key: &str, value: impl Into<Value>) {
    row.insert(key.to_owned(), value.into());
}

fn row(order: &Order, exec_type: &str, order_status: &str, at: SimNs) -> Row {
    let mut row = Row::new();
    put(&mut row, "order_id", order.id.as_str());
    put(&mut row, "order_userref", order.ticket.userref);
    put(&mut row, "exec_type", exec_type);
    put(&mut row, "order_status", order_status);
    put(&mut row, "timestamp", micros_text(at));
    row
}

/// `new`, `partially_filled` or an end.
pub(super) fn status(order: &Order) -> &'static str {
    match (&order.state.ending, order.state.phase) {
        (Some(Ending::Filled), _) => "filled",
        (Some(Ending::Canceled(_)), _) => "canceled",
        (Some(Ending::Expired), _) => "expired",
        (None, Phase::Scheduled) => "pending_new",
        (None, _) if order.state.filled.is_zero() => "new",
        (None, _) => "partially_filled",
    }
}

/// What the order is: the fields that updates leave out.
fn describe(row: &mut Row, order: &Order) {
    let (ticket, state) = (&order.ticket, &order.state);
    put(row, "symbol", &*ticket.pair.symbol);
    put(row, "side", ticket.side.as_str());
    put(row, "order_type", ticket.kind.name());
    put(row, if ticket.in_quote { "cash_order_qty" } else { "order_qty" }, json(state.qty));
    put(row, "time_in_force", ticket.tif.name());
    put(row, "fee_ccy_pref", if ticket.fee_in_base { "fcib" } else { "fciq" });
    if let Some(limit) = state.limit {
        put(row, "limit_price", json(limit));
        put(row, "limit_price_type", "static");
    }
    if ticket.kind.is_triggered() {
        put(row, "triggers", triggers(order));
    }
    if ticket.post_only {
        put(row, "post_only", true);
    }
    if let Some(display) = state.display {
        put(row, "display_qty", json(display));
        put(row, "display_qty_remain", json(state.queue.visible));
    }
    for (key, at) in [("effective_time", ticket.starts), ("expire_time", ticket.expires)] {
        if let Some(at) = at {
            put(row, key, micros_text(at));
        }
    }
    if let Some(close) = &ticket.close {
        put(row, "contingent", contingent(close));
    }
    if let Some(parent) = &order.parent {
        put(row, "ord_ref_id", parent.as_str());
    }
    name(row, order);
}

fn name(row: &mut Row, order: &Order) {
    if let Some(id) = &order.ticket.cl_ord_id {
        put(row, "cl_ord_id", id.as_str());
    }
}

fn triggers(order: &Order) -> Value {
    let (ticket, state) = (&order.ticket, &order.state);
    let mut triggers = Row::new();
    put(&mut triggers, "reference", if ticket.index_trigger { "index" } else { "last" });
    put(&mut triggers, "status", if state.triggered { "triggered" } else { "untriggered" });
    match ticket.trail {
        Some(distance) => {
            put(&mut triggers, "price", json(distance.amount));
            put(&mut triggers, "price_type", if distance.percent { "pct" } else { "quote" });
            if let Some(stop) = state.stop {
                put(&mut triggers, "actual_price", json(stop));
            }
            if let Some(peak) = state.peak {
                put(&mut triggers, "peak_price", json(peak));
            }
        }
        None => {
            put(&mut triggers, "price", json(state.stop.unwrap_or_default()));
            put(&mut triggers, "price_type", "static");
        }
    }
    Value::Object(triggers)
}

fn contingent(close: &CloseTerms) -> Value {
    let mut row = Row::new();
    put(&mut row, "order_type", close.kind.name());
    let terms =
        [("limit_price", "limit_price_type", close.limit), ("trigger_price", "trigger_price_type", close.trigger)];
    for (key, type_key, asked) in terms {
        let (price, words) = match asked {
            Some(Asked::At(price)) => (price, "static"),
            Some(Asked::By(o) | Asked::Away(o)) => (o.amount, if o.percent { "pct" } else { "quote" }),
            None => continue,
        };
        put(&mut row, key, json(price));
        put(&mut row, type_key, words);
    }
    Value::Object(row)
}

fn sums(row: &mut Row, order: &Order) {
    let state = &order.state;
    put(row, "cum_qty", json(state.filled));
    put(row, "cum_cost", json(state.cost));
    put(row, "avg_price", json(state.average(order.ticket.pair.cost_decimals)));
    put(row, "fee_usd_equiv", json(state.fee_usd));
}

fn done(mut row: Row, order: &Order, full: bool) -> Value {
    if full {
        let mut whole = Row::new();
        describe(&mut whole, order);
        sums(&mut whole, order);
        whole.append(&mut row);
        row = whole;
    }
    Value::Object(row)
}

/// An open order in a snapshot.
fn open_row(order: &Order) -> Value {
    let words = status(order);
    let mut row = row(order, if words == "pending_new" { words } else { "new" }, words, order.opened);
    describe(&mut row, order);
    sums(&mut row, order);
    if order.state.amended {
        put(&mut row, "amended", true);
    }
    Value::Object(row)
}

/// One fill. It says `partially_filled` even when it completes the order; `filled` follows.
pub(super) fn trade(order: &Order, fill: &Fill, full: bool) -> Value {
    let mut row = fill_row(order, fill, "partially_filled");
    put(&mut row, "cum_qty", json(order.state.filled));
    put(&mut row, "cum_cost", json(order.state.cost));
    put(&mut row, "avg_price", json(order.state.average(order.ticket.pair.cost_decimals)));
    done(row, order, full)
}

fn fill_row(order: &Order, fill: &Fill, status: &str) -> Row {
    let mut row = row(order, "trade", status, fill.at);
    put(&mut row, "exec_id", fill.id.as_str());
    put(&mut row, "trade_id", fill.trade_id);
    put(&mut row, "symbol", &*order.ticket.pair.symbol);
    put(&mut row, "side", order.ticket.side.as_str());
    put(&mut row, "order_type", order.ticket.kind.name());
    put(&mut row, "last_qty", json(fill.qty));
    put(&mut row, "last_price", json(fill.price));
    put(&mut row, "cost", json(fill.cost));
    put(&mut row, "liquidity_ind", if fill.maker { "m" } else { "t" });
    put(&mut row, "fees", object!([{ "asset": fill.fee_asset, "qty": json(fill.fee_qty) }]));
    put(&mut row, "fee_usd_equiv", json(fill.fee_usd));
    row
}

/// `filled`, `canceled` or `expired`.
pub(super) fn end(order: &Order, at: SimNs, full: bool) -> Value {
    let words = status(order);
    let mut row = row(order, words, words, at);
    sums(&mut row, order);
    if let Some(Ending::Canceled(reason)) = order.state.ending {
        put(&mut row, "reason", reason);
        put(&mut row, "cancel_reason", reason);
    }
    done(row, order, full)
}

/// A ledger entry.
pub(super) fn ledger(entry: &LedgerEntry) -> Value {
    object!({
        "ledger_id": entry.id,
        "ref_id": entry.ref_id,
        "timestamp": micros_text(entry.at),
        "type": entry.kind,
        "category": entry.kind,
        "asset": entry.asset.name,
        "asset_class": "currency",
        "wallet_type": "spot",
        "wallet_id": "main",
        "amount": json(entry.amount),
        "fee": json(entry.fee),
        "balance": json(entry.balance),
    })
}

impl Desk {
    pub(super) fn push_pending(&mut self, no: OrderNo, now: SimNs) {
        let Some(order) = self.orders.get(no) else { return };
        let mut row = row(order, "pending_new", "pending_new", now);
        describe(&mut row, order);
        put(&mut row, "cum_qty", json(order.state.filled));
        put(&mut row, "cum_cost", json(order.state.cost));
        put(&mut row, "fee_usd_equiv", json(order.state.fee_usd));
        self.push_row(no, RowKind::Step, Value::Object(row), now);
    }

    pub(super) fn push_new(&mut self, no: OrderNo, now: SimNs) {
        let Some(order) = self.orders.get(no) else { return };
        let mut row = row(order, "new", "new", now);
        name(&mut row, order);
        let row = done(row, order, self.options.full_deltas);
        self.push_row(no, RowKind::OpenClose, row, now);
    }

    pub(super) fn push_triggered(&mut self, no: OrderNo, last: rust_decimal::Decimal, now: SimNs) {
        let Some(order) = self.orders.get(no) else { return };
        let mut row = row(order, "status", status(order), now);
        let mut triggers = triggers(order);
        if let Some(fields) = triggers.as_object_mut() {
            put(fields, "last_price", json(last));
        }
        put(&mut row, "triggers", triggers);
        if order.ticket.kind == Kind::TrailingStopLimit
            && let Some(limit) = order.state.limit
        {
            put(&mut row, "limit_price", json(limit));
        }
        let row = done(row, order, self.options.full_deltas);
        self.push_row(no, RowKind::Step, row, now);
    }

    pub(super) fn push_refill(&mut self, no: OrderNo, now: SimNs) {
        let Some(order) = self.orders.get(no) else { return };
        let mut row = row(order, "iceberg_refill", status(order), now);
        put(&mut row, "display_qty_remain", json(order.state.queue.visible));
        let row = done(row, order, self.options.full_deltas);
        self.push_row(no, RowKind::Step, row, now);
    }

    pub(super) fn push_amended(&mut self, no: OrderNo, now: SimNs) {
        let Some(order) = self.orders.get(no) else { return };
        let mut row = row(order, "amended", status(order), now);
        put(&mut row, "amended", true);
        put(&mut row, "reason", "User requested");
        put(&mut row, "order_qty", json(order.state.qty));
        put(&mut row, "cum_qty", json(order.state.filled));
        if let Some(limit) = order.state.limit {
            put(&mut row, "limit_price", json(limit));
            put(&mut row, "limit_price_type", "static");
        }
        if let Some(display) = order.state.display {
            put(&mut row, "display_qty", json(display));
        }
        if order.ticket.kind.is_triggered() {
            put(&mut row, "triggers", triggers(order));
        }
        let row = done(row, order, self.options.full_deltas);
        self.push_row(no, RowKind::Step, row, now);
    }

    /// Rows of the first frames of an executions subscription: open orders (`snap_orders`) and fills (`snap_trades`), where wanted.
    #[must_use]
    pub fn executions_snapshot(
        &self,
        now: SimNs,
        account: AccountKey,
        orders: bool,
        trades: bool,
    ) -> ExecutionsSnapshot {
        let mut snapshot = ExecutionsSnapshot::default();
        let Some(account) = self.accounts.get(&account) else { return snapshot };
        let known = |no: &OrderNo| self.orders.get(*no).filter(|o| o.hidden_until <= now);
        if orders {
            snapshot.orders = account.open.iter().filter_map(known).map(open_row).collect();
        }
        if trades {
            let fills = account.fills.iter().rev().filter_map(|no| self.fills.get(*no));
            let known = fills.filter_map(|fill| known(&fill.order).map(|order| (order, fill)));
            let row = |(order, fill)| Value::Object(fill_row(order, fill, status(order)));
            snapshot.trades = known.take(50).map(row).collect();
        }
        snapshot
    }

    /// Rows of the first frame of a balances subscription.
    #[must_use]
    pub fn balances_snapshot(&self, now: SimNs, account: AccountKey) -> Vec<Value> {
        let Some(account) = self.accounts.get(&account) else { return Vec::new() };
        let horizon = now.plus_ms(self.options.rest_lag_ms);
        let row = |id: &String| {
            let asset = account.assets.get(id)?;
            let balance = json(account.balance_at(id, horizon));
            Some(object!({
                "asset": asset.name,
                "asset_class": "currency",
                "balance": balance,
                "wallets": [{ "type": "spot", "id": "main", "balance": balance }],
            }))
        };
        account.balances.keys().filter_map(row).collect()
    }
}
