//! REST calls of the desk: which there are, and the answers of those that trade.

use serde_json::{Map, Value, json as object};

use super::amend::Amendment;
use super::draft::{Draft, Terms, bad};
use super::numbers::{read, seconds_text, text};
use super::order::{OrderNo, State, Ticket};
use super::rest_draft::{amount, asked, filled, userref};
use super::trading::{Added, UNKNOWN_ORDER};
use super::venue::Venue;
use super::words::{close_words, order_words, price_texts};
use super::{AccountKey, Desk};
use crate::simulator::protocol::{Answer, Params, SimNs};

/// Most orders of one batch of new orders, and of one batch of cancels.
const BATCH: usize = 15;
const CANCEL_BATCH: usize = 50;
/// Longest time of the dead man's switch in seconds.
const DEAD_MAN_S: i64 = 86_400;

impl Desk {
    /// Answers a private call; `None` when it is none of the desk's. `Some(Err(…))` holds the texts of `error`.
    pub fn rest(
        &mut self,
        now: SimNs,
        account: AccountKey,
        call: &str,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Option<Answer> {
        self.run_timers(now, venue);
        let answer = self.trading_call(now, account, call, params, venue);
        self.settle_down(now, venue);
        let answer = match answer {
            Some(answer) => answer,
            None => self.view_call(now, account, call, params, venue)?,
        };
        Some(answer.map_err(|error| vec![error]))
    }

    fn trading_call(
        &mut self,
        now: SimNs,
        key: AccountKey,
        call: &str,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Option<Result<Value, String>> {
        Some(match call {
            "AddOrder" => self.add_order(now, key, params, venue),
            "AddOrderBatch" => self.add_order_batch(now, key, params, venue),
            "AmendOrder" => self.amend_order(now, key, params, venue),
            "EditOrder" => self.edit_order(now, key, params, venue),
            "CancelOrder" => self.cancel_order(now, key, params, venue),
            "CancelOrderBatch" => self.cancel_order_batch(now, key, params, venue),
            "CancelAll" => Self::awake(venue).map(|()| object!({ "count": self.cancel_everything(now, key) })),
            "CancelAllOrdersAfter" => self.cancel_all_after(now, key, params),
            _ => return None,
        })
    }

    fn add_order(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Result<Value, String> {
        let draft = Draft::from_rest(params, now)?;
        let pair = filled(params, "pair").ok_or_else(|| bad("pair"))?;
        let added = self.add(now, key, &pair, draft, Terms::from_rest(params)?, venue)?;
        let (description, txid) = self.described(&added);
        let mut result = Map::new();
        result.insert("descr".to_owned(), Value::Object(description));
        if let Some(txid) = txid {
            result.insert("txid".to_owned(), object!([txid]));
        }
        Ok(Value::Object(result))
    }

    /// `descr` of an answer, and the id of the order when there is one.
    fn described(&self, added: &Added) -> (Map<String, Value>, Option<String>) {
        let (ticket, txid) = match added {
            Added::Placed(no) => match self.orders.get(*no) {
                Some(order) => (&order.ticket, Some(order.id.clone())),
                None => return (Map::new(), None),
            },
            Added::Checked(ticket) => (&**ticket, None),
        };
        let mut description = Map::new();
        description.insert("order".to_owned(), asked_words(ticket).into());
        if let Some(close) = &ticket.close {
            description.insert("close".to_owned(), close_words(close, ticket.pair.price_decimals).into());
        }
        (description, txid)
    }

    fn add_order_batch(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Result<Value, String> {
        let items = objects(params, "orders")?;
        if !(2..=BATCH).contains(&items.len()) {
            return Err(bad("orders"));
        }
        let drafts: Result<Vec<Draft>, String> = items.iter().map(|item| Draft::from_rest(item, now)).collect();
        let pair = filled(params, "pair").ok_or_else(|| bad("pair"))?;
        let added = self.add_batch(now, key, &pair, drafts?, Terms::from_rest(params)?, venue)?;
        let mut orders = Vec::new();
        for result in added {
            orders.push(match result {
                Ok(added) => {
                    let (mut description, txid) = self.described(&added);
                    let close = description.remove("close");
                    let mut item = Map::new();
                    item.insert("descr".to_owned(), Value::Object(description));
                    item.extend(txid.map(|txid| ("txid".to_owned(), txid.into())));
                    item.extend(close.map(|close| ("close".to_owned(), close)));
                    Value::Object(item)
                }
                Err(error) => object!({ "error": error }),
            });
        }
        Ok(object!({ "orders": orders }))
    }

    fn amend_order(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Result<Value, String> {
        let change = Amendment {
            qty: amount(params, "order_qty")?,
            display: amount(params, "display_qty")?,
            limit: asked(params, "limit_price")?,
            trigger: asked(params, "trigger_price")?,
            post_only: params.flag("post_only"),
            terms: Terms::from_rest(params)?,
        };
        let no = match (filled(params, "txid"), filled(params, "cl_ord_id")) {
            (Some(txid), _) => self.owned(now, key, &txid),
            (None, Some(id)) => self.by_client_id(now, key, &id),
            (None, None) => return Err(bad("txid")),
        };
        let amend_id = self.amend(now, no.ok_or(UNKNOWN_ORDER)?, change, venue)?;
        Ok(object!({ "amend_id": amend_id }))
    }

    fn edit_order(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Result<Value, String> {
        let name = filled(params, "txid").ok_or_else(|| bad("txid"))?;
        let no = self.named(now, key, &name).first().copied().ok_or(UNKNOWN_ORDER)?;
        let mut draft = self.redraft(no).ok_or(UNKNOWN_ORDER)?;
        if let Some(volume) = amount(params, "volume")? {
            if draft.qty.is_some() { draft.qty = Some(volume) } else { draft.quote_qty = Some(volume) }
        }
        let (price, price2) = (asked(params, "price")?, asked(params, "price2")?);
        let (trigger, limit) = if draft.kind.is_triggered() { (price, price2) } else { (None, price) };
        draft.trigger = trigger.or(draft.trigger);
        draft.limit = limit.or(draft.limit);
        draft.display = amount(params, "displayvol")?.or(draft.display);
        draft.userref = userref(params)?.or(draft.userref);
        let flags = params.list("oflags");
        if !flags.is_empty() {
            draft.post_only = flags.iter().any(|f| f == "post");
            draft.fee_in_base = flags.iter().any(|f| f == "fcib").then_some(true).or(draft.fee_in_base);
        }
        let original = self.orders.get(no).map(|o| o.id.clone()).unwrap_or_default();
        let added = self.edit(now, no, draft, Terms::from_rest(params)?, venue)?;
        let (description, txid) = self.described(&added);
        let ticket = match &added {
            Added::Checked(ticket) => (**ticket).clone(),
            Added::Placed(no) => self.orders.get(*no).map(|o| o.ticket.clone()).ok_or(UNKNOWN_ORDER)?,
        };
        let (price, _) = price_texts(&ticket, &State::new(&ticket, now));
        let mut result = Map::new();
        result.insert("status".to_owned(), "ok".into());
        result.insert("descr".to_owned(), Value::Object(description));
        result.insert("originaltxid".to_owned(), original.into());
        result.insert("volume".to_owned(), text(ticket.qty, ticket.pair.lot_decimals).into());
        result.insert("price".to_owned(), price.into());
        result.insert("orders_cancelled".to_owned(), i64::from(txid.is_some()).into());
        result.extend(txid.map(|txid| ("txid".to_owned(), txid.into())));
        result.extend((ticket.userref != 0).then(|| ("newuserref".to_owned(), ticket.userref.into())));
        Ok(Value::Object(result))
    }

    fn cancel_order(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Result<Value, String> {
        let count = match (filled(params, "txid"), filled(params, "cl_ord_id")) {
            (Some(txid), _) => self.cancel_named(now, key, &txid, false, venue)?,
            (None, Some(id)) => self.cancel_named(now, key, &id, true, venue)?,
            (None, None) => return Err(bad("txid")),
        };
        Ok(object!({ "count": count }))
    }

    fn cancel_order_batch(
        &mut self,
        now: SimNs,
        key: AccountKey,
        params: &Params,
        venue: &mut dyn Venue,
    ) -> Result<Value, String> {
        Self::awake(venue)?;
        let mut orders: Vec<OrderNo> = Vec::new();
        let items = values(params, "orders");
        let ids = params.list("cl_ord_ids");
        if !(1..=CANCEL_BATCH).contains(&(items.len() + ids.len())) {
            return Err(bad("orders"));
        }
        for item in items {
            match item {
                Value::Object(fields) => {
                    let item = Params(fields.into_iter().collect());
                    match (filled(&item, "txid"), filled(&item, "cl_ord_id")) {
                        (Some(txid), _) => orders.extend(self.named(now, key, &txid)),
                        (None, Some(id)) => orders.extend(self.by_client_id(now, key, &id)),
                        (None, None) => return Err(bad("orders")),
                    }
                }
                Value::String(name) => orders.extend(self.named(now, key, &name)),
                other => orders.extend(self.named(now, key, &other.to_string())),
            }
        }
        for id in ids {
            orders.extend(self.by_client_id(now, key, &id));
        }
        Ok(object!({ "count": self.cancel_many(&orders, now) }))
    }

    /// The dead man's switch, for both protocols.
    pub(super) fn cancel_all_after(&mut self, now: SimNs, key: AccountKey, params: &Params) -> Result<Value, String> {
        let given = filled(params, "timeout").and_then(|t| read(&t)).filter(|t| t.fract().is_zero());
        let seconds = given.and_then(|t| i64::try_from(t.trunc()).ok()).filter(|t| (0..DEAD_MAN_S).contains(t));
        let at = self.set_dead_man(key, seconds.ok_or_else(|| bad("timeout"))?, now);
        Ok(object!({
            "currentTime": seconds_text(now),
            "triggerTime": at.map_or_else(|| "0".to_owned(), seconds_text),
        }))
    }
}

/// The text of an order as it was asked for.
fn asked_words(ticket: &Ticket) -> String {
    order_words(ticket, &State::new(ticket, SimNs::default()))
}

/// Items of a list: a JSON array, a JSON array in a text, or names separated by commas.
fn values(params: &Params, key: &str) -> Vec<Value> {
    match params.0.get(key) {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::String(written)) if written.trim_start().starts_with('[') => {
            serde_json::from_str(written).unwrap_or_default()
        }
        _ => params.list(key).into_iter().map(Value::String).collect(),
    }
}

/// The objects of a list.
pub(super) fn objects(params: &Params, key: &str) -> Result<Vec<Params>, String> {
    values(params, key)
        .into_iter()
        .map(|item| match item {
            Value::Object(fields) => Ok(Params(fields.into_iter().collect())),
            _ => Err(bad(key)),
        })
        .collect()
}
