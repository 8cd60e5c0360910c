//! REST views of balances and orders.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json as object};

use super::account::Account;
use super::draft::bad;
use super::funds::dollars;
use super::history::{Range, page};
use super::numbers::{Calc, text, unix};
use super::order::{Kind, Order, Phase, State};
use super::rest_draft::{filled, userref};
use super::trading::UNKNOWN_ORDER;
use super::venue::Venue;
use super::words::{close_words, order_words, price_texts};
use super::{AccountKey, Desk, Ending};
use crate::simulator::protocol::{Params, SimNs};

impl Desk {
    pub(super) fn view_call(
        &self,
        now: SimNs,
        key: AccountKey,
        call: &str,
        params: &Params,
        venue: &dyn Venue,
    ) -> Option<Result<Value, String>> {
        let known = self.accounts.get(&key);
        let with =
            |view: &dyn Fn(&Account) -> Result<Value, String>| known.map_or(Err("EAPI:Invalid key".to_owned()), view);
        Some(match call {
            "Balance" => with(&|a| Ok(self.balances(now, a, false))),
            "BalanceEx" => with(&|a| Ok(self.balances(now, a, true))),
            "TradeBalance" => with(&|a| trade_balance(now, a, params, venue)),
            "OpenOrders" => with(&|a| self.open_orders(now, a, params)),
            "ClosedOrders" => with(&|a| self.closed_orders(now, a, params)),
            "QueryOrders" => with(&|a| self.query_orders(now, a, params)),
            "TradesHistory" => with(&|a| self.trades_history(now, a, params)),
            "QueryTrades" => with(&|a| self.query_trades(now, a, params)),
            "Ledgers" => with(&|a| self.ledgers(now, a, params, venue)),
            "QueryLedgers" => with(&|a| self.query_ledgers(now, a, params)),
            "TradeVolume" => with(&|a| self.trade_volume(now, a, params, venue)),
            _ => return None,
        })
    }

    /// What REST shows of the holds: those of the orders as they are seen.
    fn held(&self, now: SimNs, account: &Account, asset: &str) -> Decimal {
        if now >= account.lag_until {
            return account.held(asset);
        }
        let orders = account.orders.iter().filter_map(|no| self.orders.get(*no)).filter(|o| o.hold_asset() == asset);
        orders.filter_map(|o| o.seen(now)).fold(Decimal::ZERO, |sum, state| sum.plus(state.hold))
    }

    fn balances(&self, now: SimNs, account: &Account, extended: bool) -> Value {
        let row = |id: &String| {
            let decimals = account.assets.get(id).map_or(10, |asset| asset.decimals);
            let balance = text(account.balance_at(id, now), decimals);
            let row = if extended {
                object!({ "balance": balance, "hold_trade": text(self.held(now, account, id), decimals) })
            } else {
                balance.into()
            };
            (id.clone(), row)
        };
        Value::Object(account.balances.keys().map(row).collect())
    }

    /// Orders of the account that are in sight and match the filters every list has, newest first.
    fn sighted<'a>(
        &'a self,
        now: SimNs,
        account: &'a Account,
        params: &Params,
    ) -> Result<impl Iterator<Item = (&'a Order, &'a State)> + 'a, String> {
        let (reference, id) = (userref(params)?, filled(params, "cl_ord_id"));
        let fits = move |order: &&Order| {
            reference.is_none_or(|r| order.ticket.userref == r)
                && id.as_ref().is_none_or(|id| order.ticket.cl_ord_id.as_ref() == Some(id))
        };
        let orders = account.orders.iter().rev().filter_map(|no| self.orders.get(*no)).filter(fits);
        Ok(orders.filter_map(move |order| order.seen(now).map(|state| (order, state))))
    }

    fn open_orders(&self, now: SimNs, account: &Account, params: &Params) -> Result<Value, String> {
        let trades = params.flag("trades");
        let open: Map<String, Value> = self
            .sighted(now, account, params)?
            .filter(|(_, state)| state.phase != Phase::Done)
            .map(|(order, state)| (order.id.clone(), self.order_json(order, state, trades)))
            .collect();
        Ok(object!({ "open": open }))
    }

    fn closed_orders(&self, now: SimNs, account: &Account, params: &Params) -> Result<Value, String> {
        let trades = params.flag("trades");
        let by = filled(params, "closetime").unwrap_or_else(|| "both".to_owned());
        let when = |id: &str| self.by_id.get(id).and_then(|no| self.orders.get(*no)).map(|o| o.opened);
        let range = Range::read(params, &when)?;
        let inside = |order: &Order, closed: SimNs| match by.as_str() {
            "open" => range.holds(order.opened),
            "close" => range.holds(closed),
            _ => range.holds(order.opened) || range.holds(closed),
        };
        let mut found: Vec<(SimNs, &Order, &State)> = self
            .sighted(now, account, params)?
            .filter_map(|(order, state)| Some((state.closed_at?, order, state)))
            .filter(|(closed, order, _)| inside(order, *closed))
            .collect();
        found.sort_by_key(|(closed, order, _)| {
            std::cmp::Reverse((if by == "open" { order.opened } else { *closed }, order.no))
        });
        let count = found.len();
        let rows = page(found, params, 50)?;
        let closed: Map<String, Value> = rows
            .into_iter()
            .map(|(_, order, state)| (order.id.clone(), self.order_json(order, state, trades)))
            .collect();
        let mut result = Map::new();
        result.insert("closed".to_owned(), Value::Object(closed));
        if !params.flag("without_count") {
            result.insert("count".to_owned(), count.into());
        }
        Ok(Value::Object(result))
    }

    fn query_orders(&self, now: SimNs, account: &Account, params: &Params) -> Result<Value, String> {
        let (trades, reference) = (params.flag("trades"), userref(params)?);
        let (ids, client) = (params.list("txid"), filled(params, "cl_ord_id"));
        if ids.len() > 50 || (ids.is_empty() && client.is_none()) {
            return Err(bad("txid"));
        }
        let by_client = |order: &&Order| client.is_some() && order.ticket.cl_ord_id == client;
        let listed = ids.iter().filter_map(|id| self.by_id.get(id)).filter_map(|no| self.orders.get(*no));
        let orders = account.orders.iter().filter_map(|no| self.orders.get(*no)).filter(by_client).chain(listed);
        let found: Map<String, Value> = orders
            .filter(|o| account.open.contains(&o.no) || account.orders.binary_search(&o.no).is_ok())
            .filter(|o| reference.is_none_or(|r| o.ticket.userref == r))
            .filter_map(|o| o.seen(now).map(|state| (o.id.clone(), self.order_json(o, state, trades))))
            .collect();
        if found.is_empty() { Err(UNKNOWN_ORDER.to_owned()) } else { Ok(Value::Object(found)) }
    }

    pub(super) fn order_json(&self, order: &Order, state: &State, trades: bool) -> Value {
        let ticket = &order.ticket;
        let pair = &ticket.pair;
        let (price, price2) = price_texts(ticket, state);
        let amount = |value: Decimal| text(value, pair.cost_decimals);
        let seconds = |at: Option<SimNs>| at.map_or_else(|| Value::from(0), unix);
        let limit = if state.triggered { state.limit.or(state.peak) } else { state.peak };
        let mut row = object!({
            "refid": order.parent,
            "userref": ticket.userref,
            "status": rest_status(state),
            "opentm": unix(order.opened),
            "starttm": seconds(ticket.starts),
            "expiretm": seconds(ticket.expires),
            "descr": {
                "pair": pair.altname,
                "aclass": "forex",
                "type": ticket.side.as_str(),
                "ordertype": ticket.kind.name(),
                "price": price,
                "price2": price2,
                "leverage": "none",
                "order": order_words(ticket, state),
                "close": ticket.close.as_ref().map(|c| close_words(c, pair.price_decimals)).unwrap_or_default(),
            },
            "vol": text(state.qty, pair.lot_decimals),
            "vol_exec": text(state.filled, pair.lot_decimals),
            "cost": amount(state.cost),
            "fee": amount(state.fee),
            "price": amount(state.average(pair.cost_decimals)),
            "stopprice": amount(if state.triggered || ticket.kind.is_trailing() { state.stop.unwrap_or_default() } else { Decimal::ZERO }),
            "limitprice": amount(if ticket.kind.is_triggered() { limit.unwrap_or_default() } else { Decimal::ZERO }),
            "misc": misc(ticket.kind, state),
            "oflags": flags(order),
        });
        if let Some(fields) = row.as_object_mut() {
            fields.extend(ticket.cl_ord_id.as_ref().map(|id| ("cl_ord_id".to_owned(), id.as_str().into())));
            if ticket.kind.is_triggered() {
                fields.insert("trigger".to_owned(), (if ticket.index_trigger { "index" } else { "last" }).into());
            }
            if let Some(display) = state.display {
                fields.insert("displayvol".to_owned(), text(display, pair.lot_decimals).into());
            }
            if let Some(closed) = state.closed_at {
                fields.insert("closetm".to_owned(), unix(closed));
                fields.insert("reason".to_owned(), reason(state).into());
            }
            if trades && !state.fills.is_empty() {
                let ids = state.fills.iter().filter_map(|no| self.fills.get(*no)).map(|f| Value::from(f.id.as_str()));
                fields.insert("trades".to_owned(), ids.collect());
            }
        }
        row
    }
}

/// `pending`, `open`, `closed`, `canceled`, `expired`
pub(super) const fn rest_status(state: &State) -> &'static str {
    match (&state.ending, state.phase) {
        (Some(Ending::Filled), _) => "closed",
        (Some(Ending::Canceled(_)), _) => "canceled",
        (Some(Ending::Expired), _) => "expired",
        (None, Phase::Scheduled) => "pending",
        (None, _) => "open",
    }
}

const fn reason(state: &State) -> Option<&'static str> {
    match state.ending {
        Some(Ending::Canceled(reason)) => Some(reason),
        _ => None,
    }
}

fn misc(kind: Kind, state: &State) -> String {
    let mut words = Vec::new();
    if state.triggered {
        words.push(if kind.is_take_profit() { "touched" } else { "stopped" });
    }
    if matches!(state.ending, Some(Ending::Canceled(_) | Ending::Expired)) && !state.filled.is_zero() {
        words.push("partial");
    }
    if state.amended {
        words.push("amended");
    }
    words.join(",")
}

fn flags(order: &Order) -> String {
    let mut flags = vec![if order.ticket.fee_in_base { "fcib" } else { "fciq" }];
    if order.ticket.post_only {
        flags.insert(0, "post");
    }
    if order.ticket.in_quote {
        flags.push("viqc");
    }
    flags.join(",")
}

/// Everything the account has, in one currency; there is no margin here, so all of it is free.
fn trade_balance(now: SimNs, account: &Account, params: &Params, venue: &dyn Venue) -> Result<Value, String> {
    let asset = filled(params, "asset").unwrap_or_else(|| "ZUSD".to_owned());
    let unit = venue.asset(&asset).ok_or("EQuery:Unknown asset")?;
    let sum = account.balances.keys().fold(Decimal::ZERO, |sum, id| {
        let name = account.assets.get(id).map_or(id.as_str(), |a| a.name.as_str());
        sum.plus(dollars(name, account.balance_at(id, now), venue))
    });
    let worth = sum.over(dollars(&unit.name, Decimal::ONE, venue));
    let equal = text(super::numbers::round_half_up(worth, 4), 4);
    let none = "0.0000";
    Ok(object!({
        "eb": equal, "tb": equal, "e": equal, "mf": equal,
        "m": none, "uv": none, "n": none, "c": none, "v": none,
    }))
}
