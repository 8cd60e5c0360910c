//! What REST shows of an account when it lags, and what it hides.

use serde_json::{Map, Value};

use super::api::ConnKey;
use super::exchange::{Exchange, Timer};
use super::faults::{Fault, Kind};
use super::rest::lagged;
use crate::simulator::protocol::{Answer, Params, SimNs};

impl Exchange {
    /// Keeps the desk as it is now, while a lag needs it.
    pub(super) fn remember_desk(&mut self) {
        let Some(span) = self.faults.present(self.now, Kind::RestLag).map(|f| f.span_ms(2)) else {
            self.past.clear();
            return;
        };
        let horizon = lagged(self.now, span);
        while self.past.get(1).is_some_and(|(at, _)| *at <= horizon) {
            self.past.pop_front();
        }
        self.past.push_back((self.now, self.desk.clone()));
    }

    /// A reading call, on the desk of now or of a while ago.
    pub(super) fn read_account(&mut self, account: u32, name: &str, params: &Params) -> Answer {
        let now = self.now;
        let span = self.faults.present(now, Kind::RestLag).map(|f| f.span_ms(2));
        let mut old = span.and_then(|span| {
            let horizon = lagged(now, span);
            let seen = self.past.iter().rev().find(|(at, _)| *at <= horizon).or_else(|| self.past.front());
            seen.map(|(_, desk)| desk.clone())
        });
        let (mut floor, desk) = self.desk_and_floor();
        let answer = old.as_mut().unwrap_or(desk).rest(now, account, name, params, &mut floor);
        answer.unwrap_or_else(|| Err(vec!["EGeneral:Unknown method".to_owned()]))
    }

    /// Orders of an answer that nobody may see for a while.
    pub(super) fn hide_orders(&mut self, account: u32, result: &Value, fault: &Fault) {
        let until = self.now.plus_ms(fault.span_ms(55));
        for order in order_ids(result) {
            self.hidden.insert(order.clone(), (account, until));
            self.at(until, Timer::Appear(order));
        }
    }

    /// When the rows may be told, if not now. Ledger rows wait for every hidden order of the account.
    pub(super) fn hidden_until(&self, account: u32, channel: &str, rows: &[Value]) -> Option<SimNs> {
        if self.hidden.is_empty() {
            return None;
        }
        if channel == "balances" {
            return self.hidden.values().filter(|(a, _)| *a == account).map(|(_, until)| *until).max();
        }
        rows.iter().filter_map(|r| self.hidden.get(r.get("order_id")?.as_str()?)).map(|(_, until)| *until).max()
    }

    /// Takes hidden orders and their trades out of an answer.
    pub(super) fn conceal(&self, result: &mut Value) {
        if self.hidden.is_empty() {
            return;
        }
        let Some(top) = result.as_object_mut() else { return };
        let mut gone = self.strip(top);
        for part in ["open", "closed", "trades"] {
            if let Some(inner) = top.get_mut(part).and_then(Value::as_object_mut) {
                gone += self.strip(inner);
            }
        }
        if let Some(count) = top.get_mut("count").filter(|_| gone > 0) {
            *count = Value::from(count.as_u64().unwrap_or(0).saturating_sub(gone));
        }
    }

    fn strip(&self, rows: &mut Map<String, Value>) -> u64 {
        let before = rows.len();
        let of_hidden = |v: &Value| v.get("ordertxid").and_then(Value::as_str).is_some_and(|o| self.hidden.contains_key(o));
        rows.retain(|k, v| !self.hidden.contains_key(k) && !of_hidden(v));
        u64::try_from(before - rows.len()).unwrap_or(0)
    }

    /// Rows of a snapshot without hidden orders.
    pub(super) fn visible(&self, mut rows: Vec<Value>) -> Vec<Value> {
        rows.retain(|r| r.get("order_id").and_then(Value::as_str).is_none_or(|o| !self.hidden.contains_key(o)));
        rows
    }

    /// Sockets whose account has hidden orders are told nothing of them; used when a method's answer is to be lost.
    pub(super) fn is_open(&self, conn: ConnKey) -> bool {
        self.sessions.get(&conn).is_some_and(|s| !s.silent)
    }
}

/// Order ids of the results of AddOrder (`txid`), AddOrderBatch (`orders[].txid`), add_order and batch_add (`order_id`).
fn order_ids(result: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(result, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|i| collect(i, found)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field) {
                    ("txid" | "order_id", Value::String(id)) => found.push(id.clone()),
                    ("txid", Value::Array(ids)) => found.extend(ids.iter().filter_map(Value::as_str).map(str::to_owned)),
                    ("orders", list) => collect(list, found),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
