//! Trading methods of the WebSocket.

use serde_json::{Map, Value, json as object};

use super::amend::Amendment;
use super::draft::{Draft, Terms, bad};
use super::rest::objects;
use super::rest_draft::filled;
use super::trading::{Added, UNKNOWN_ORDER};
use super::venue::Venue;
use super::ws_draft::{number, price};
use super::{AccountKey, Desk};
use crate::simulator::protocol::{Params, SimNs};

/// Orders of one batch.
const ADD_BATCH: std::ops::RangeInclusive<usize> = 2..=15;
const CANCEL_BATCH: std::ops::RangeInclusive<usize> = 1..=50;

impl Desk {
    /// Answers a trading method: what `result` or `error` of each response holds. `cancel_order` is answered once per order; the others
    /// once; `None` when it is none of the desk's. The count of `batch_cancel` is `orders_cancelled`, which belongs to the top level of the response.
    pub fn method(
        &mut self,
        now: SimNs,
        account: AccountKey,
        method: &str,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Option<Vec<Result<Value, String>>> {
        self.run_timers(now, venue);
        let answers = match method {
            "add_order" => vec![self.ws_add(now, account, params, venue)],
            "amend_order" => vec![self.ws_amend(now, account, params, venue)],
            "edit_order" => vec![self.ws_edit(now, account, params, venue)],
            "cancel_order" => self.ws_cancel(now, account, params, venue),
            "batch_add" => vec![self.ws_batch_add(now, account, params, venue)],
            "batch_cancel" => vec![self.ws_batch_cancel(now, account, params, venue)],
            "cancel_all" => {
                vec![Self::awake(venue).map(|()| object!({ "count": self.cancel_everything(now, account) }))]
            }
            "cancel_all_orders_after" => vec![self.cancel_all_after(now, account, params)],
            _ => return None,
        };
        self.settle_down(now, venue);
        Some(answers)
    }

    fn ws_add(&mut self, now: SimNs, key: AccountKey, params: &Params, venue: &mut dyn Venue) -> Result<Value, String> {
        let draft = Draft::from_ws(params, now)?;
        let terms = Terms::from_ws(params)?;
        let symbol = known_symbol(params, venue)?;
        let added = self.add(now, key, &symbol, draft, terms, venue)?;
        Ok(self.ws_added(&added))
    }

    fn ws_added(&self, added: &Added) -> Value {
        let (ticket, id) = match added {
            Added::Placed(no) => match self.orders.get(*no) {
                Some(order) => (&order.ticket, Some(order.id.as_str())),
                None => return Value::Null,
            },
            Added::Checked(ticket) => (&**ticket, None),
        };
        let mut result = Map::new();
        result.extend(id.map(|id| ("order_id".to_owned(), id.into())));
        match &ticket.cl_ord_id {
            Some(id) => result.insert("cl_ord_id".to_owned(), id.as_str().into()),
            None => result.insert("order_userref".to_owned(), ticket.userref.into()),
        };
        Value::Object(result)
    }

    fn ws_batch_add(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Result<Value, String> {
        let items = objects(params, "orders")?;
        if !ADD_BATCH.contains(&items.len()) {
            return Err(bad("orders"));
        }
        let drafts: Result<Vec<Draft>, String> = items.iter().map(|item| Draft::from_ws(item, now)).collect();
        let (drafts, terms) = (drafts?, Terms::from_ws(params)?);
        let symbol = known_symbol(params, venue)?;
        let added = self.add_batch(now, key, &symbol, drafts, terms, venue)?;
        let results = items.iter().zip(added).map(|(item, result)| match result {
            Ok(added) => self.ws_added(&added),
            Err(error) => {
                let mut row = Map::new();
                row.insert("error".to_owned(), error.into());
                row.insert("success".to_owned(), false.into());
                row.extend(filled(item, "cl_ord_id").map(|id| ("cl_ord_id".to_owned(), id.into())));
                Value::Object(row)
            }
        });
        Ok(Value::Array(results.collect()))
    }

    fn ws_amend(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Result<Value, String> {
        let change = Amendment {
            qty: number(params, "order_qty")?,
            display: number(params, "display_qty")?,
            limit: price(params, "limit_price", "limit_price_type", false)?,
            trigger: price(params, "trigger_price", "trigger_price_type", false)?,
            post_only: params.flag("post_only"),
            terms: Terms::from_ws(params)?,
        };
        let (no, name, id) = match (filled(params, "order_id"), filled(params, "cl_ord_id")) {
            (Some(id), _) => (self.owned(now, key, &id), "order_id", id),
            (None, Some(id)) => (self.by_client_id(now, key, &id), "cl_ord_id", id),
            (None, None) => return Err(bad("order_id")),
        };
        let amend_id = self.amend(now, no.ok_or(UNKNOWN_ORDER)?, change, venue)?;
        let mut result = Map::new();
        result.insert("amend_id".to_owned(), amend_id.into());
        result.insert(name.to_owned(), id.into());
        Ok(Value::Object(result))
    }

    fn ws_edit(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Result<Value, String> {
        let original = filled(params, "order_id").ok_or_else(|| bad("order_id"))?;
        let no = self.owned(now, key, &original).ok_or(UNKNOWN_ORDER)?;
        let mut draft = self.redraft(no).ok_or(UNKNOWN_ORDER)?;
        draft.qty = number(params, "order_qty")?.or(draft.qty);
        draft.limit = price(params, "limit_price", "limit_price_type", false)?.or(draft.limit);
        draft.display = number(params, "display_qty")?.or(draft.display);
        draft.post_only = params.0.get("post_only").map_or(draft.post_only, |_| params.flag("post_only"));
        let added = self.edit(now, no, draft, Terms::from_ws(params)?, venue)?;
        let mut result = self.ws_added(&added);
        if let Some(fields) = result.as_object_mut() {
            fields.insert("original_order_id".to_owned(), original.into());
        }
        Ok(result)
    }

    fn ws_cancel(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Vec<Result<Value, String>> {
        let mut answers = Vec::new();
        for id in params.list("order_id") {
            let open = self.owned(now, key, &id).filter(|no| self.orders.get(*no).is_some_and(|o| o.is_open()));
            let done = match open {
                Some(no) => Self::awake(venue).and_then(|()| self.cancel_one(no, now)),
                None => Err(UNKNOWN_ORDER.to_owned()),
            };
            answers.push(done.map(|()| object!({ "order_id": id })));
        }
        for id in params.list("cl_ord_id") {
            answers.push(self.cancel_named(now, key, &id, true, venue).map(|_| object!({ "cl_ord_id": id })));
        }
        for reference in params.list("order_userref") {
            let orders = match reference.parse::<i64>() {
                Ok(userref) => self.open_where(now, key, |o| o.ticket.userref == userref),
                Err(_) => Vec::new(),
            };
            if orders.is_empty() {
                answers.push(Err(UNKNOWN_ORDER.to_owned()));
            }
            for no in orders {
                let id = self.orders.get(no).map(|o| o.id.clone()).unwrap_or_default();
                let done = Self::awake(venue).and_then(|()| self.cancel_one(no, now));
                answers.push(done.map(|()| object!({ "order_id": id })));
            }
        }
        if answers.is_empty() {
            answers.push(Err(bad("order_id")));
        }
        answers
    }

    fn ws_batch_cancel(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Result<Value, String> {
        Self::awake(venue)?;
        let (names, ids) = (params.list("orders"), params.list("cl_ord_id"));
        if !CANCEL_BATCH.contains(&(names.len() + ids.len())) {
            return Err(bad("orders"));
        }
        let mut orders = Vec::new();
        for name in names {
            orders.extend(self.named(now, key, &name));
        }
        for id in ids {
            orders.extend(self.by_client_id(now, key, &id));
        }
        Ok(object!({ "orders_cancelled": self.cancel_many(&orders, now) }))
    }
}

/// The pair of a method, which must go by its v2 name.
fn known_symbol(params: &Params, venue: &dyn Venue) -> Result<String, String> {
    let symbol = filled(params, "symbol").ok_or_else(|| bad("symbol"))?;
    match venue.pair(&symbol) {
        Some(pair) if *pair.symbol == *symbol => Ok(symbol),
        _ => Err(format!("Currency pair not supported {symbol}")),
    }
}
