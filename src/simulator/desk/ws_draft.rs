//! Orders from the parameters of WebSocket methods.

use rust_decimal::Decimal;
use serde_json::Value;

use super::draft::{Draft, Terms, bad, checked_cl_ord_id, checked_expiry};
use super::numbers::instant;
use super::order::{CloseTerms, Kind, TimeInForce};
use super::price::{Asked, Offset};
use super::rest_draft::{filled, self_trade, userref};
use crate::simulator::protocol::{Params, Side, SimNs};

impl Draft {
    /// # Errors
    /// The first field that cannot be read.
    pub fn from_ws(params: &Params, now: SimNs) -> Result<Self, String> {
        let side = match filled(params, "side").as_deref() {
            Some("buy") => Side::Buy,
            Some("sell") => Side::Sell,
            _ => return Err(bad("side")),
        };
        let kind = filled(params, "order_type").and_then(|name| Kind::named(&name)).ok_or_else(|| bad("order_type"))?;
        if params.flag("margin") {
            return Err("EOrder:Cannot open position".to_owned());
        }
        if params.flag("reduce_only") {
            return Err("EOrder:Reduce only:No position exists".to_owned());
        }
        let triggers = nested(params, "triggers");
        let trigger = price(&triggers, "price", "price_type", kind.is_trailing())?;
        let trailing_limit = kind == Kind::TrailingStopLimit;
        let expires = moment(params, "expire_time")?.map(|at| checked_expiry(at, now)).transpose();
        Ok(Self {
            side,
            kind,
            qty: number(params, "order_qty")?,
            quote_qty: number(params, "cash_order_qty")?,
            limit: price(params, "limit_price", "limit_price_type", trailing_limit)?,
            trigger: if kind.is_triggered() { trigger } else { None },
            display: number(params, "display_qty")?,
            tif: match filled(params, "time_in_force") {
                Some(name) => Some(TimeInForce::named(&name).ok_or_else(|| bad("time_in_force"))?),
                None => None,
            },
            post_only: params.flag("post_only"),
            fee_in_base: match filled(params, "fee_preference").as_deref() {
                None => None,
                Some("base") => Some(true),
                Some("quote") => Some(false),
                Some(_) => return Err(bad("fee_preference")),
            },
            index_trigger: match filled(&triggers, "reference").as_deref() {
                None | Some("last") => false,
                Some("index") => true,
                Some(_) => return Err(bad("triggers.reference")),
            },
            self_trade: self_trade(filled(params, "stp_type"), '_').ok_or_else(|| bad("stp_type"))?,
            userref: userref(&Params(
                params.0.get("order_userref").map(|v| ("userref".to_owned(), v.clone())).into_iter().collect(),
            ))
            .map_err(|_| bad("order_userref"))?,
            cl_ord_id: filled(params, "cl_ord_id").map(checked_cl_ord_id).transpose()?,
            starts: moment(params, "effective_time")?,
            expires: expires.map_err(|_| bad("expire_time"))?,
            close: close(params)?,
        })
    }
}

impl Terms {
    /// # Errors
    /// When the deadline is no instant.
    pub fn from_ws(params: &Params) -> Result<Self, String> {
        Ok(Self { validate: params.flag("validate"), deadline: moment(params, "deadline")? })
    }
}

/// A field that must be a JSON number above zero.
pub(super) fn number(params: &Params, key: &str) -> Result<Option<Decimal>, String> {
    match params.0.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(_)) => {
            params.decimal(key).and_then(Result::ok).filter(|n| *n > Decimal::ZERO).map(Some).ok_or_else(|| bad(key))
        }
        Some(_) => Err(not_a_number(key)),
    }
}

/// The words with which the real exchange refuses numbers in quotes.
fn not_a_number(key: &str) -> String {
    let mut letters = key.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    let name: String = first.into_iter().chain(letters).collect();
    format!("{name} field must be a number_float")
}

/// A price of type `static` (default), `pct` or `quote`; `distance` makes a static one a distance in quote currency.
pub(super) fn price(params: &Params, key: &str, type_key: &str, distance: bool) -> Result<Option<Asked>, String> {
    let given = match params.0.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(_)) => params.decimal(key).and_then(Result::ok).ok_or_else(|| bad(key))?,
        Some(_) => return Err(not_a_number(key)),
    };
    match filled(params, type_key).as_deref() {
        None | Some("static") if !distance => Ok(Some(Asked::At(given))),
        None | Some("static" | "quote") => Ok(Some(Asked::By(Offset { amount: given, percent: false }))),
        Some("pct") => Ok(Some(Asked::By(Offset { amount: given, percent: true }))),
        Some(_) => Err(bad(type_key)),
    }
}

fn nested(params: &Params, key: &str) -> Params {
    match params.0.get(key) {
        Some(Value::Object(fields)) => Params(fields.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
        _ => Params::default(),
    }
}

fn moment(params: &Params, key: &str) -> Result<Option<SimNs>, String> {
    match filled(params, key) {
        None => Ok(None),
        Some(text) => instant(&text).map(Some).ok_or_else(|| bad(key)),
    }
}

fn close(params: &Params) -> Result<Option<CloseTerms>, String> {
    let given = nested(params, "conditional");
    let Some(name) = filled(&given, "order_type") else { return Ok(None) };
    let kind = Kind::named(&name)
        .filter(|kind| !matches!(kind, Kind::Market | Kind::Iceberg))
        .ok_or_else(|| bad("conditional.order_type"))?;
    Ok(Some(CloseTerms {
        kind,
        limit: price(&given, "limit_price", "limit_price_type", kind == Kind::TrailingStopLimit)?,
        trigger: price(&given, "trigger_price", "trigger_price_type", kind.is_trailing())?,
    }))
}
