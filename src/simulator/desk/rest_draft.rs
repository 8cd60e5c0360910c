//! Orders from REST parameters: form fields (`close[ordertype]`) and JSON objects read the same way.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use super::draft::{Draft, Terms, bad, checked_cl_ord_id, checked_expiry};
use super::numbers::{from_unix, instant, read};
use super::order::{CloseTerms, Kind, SelfTrade, TimeInForce};
use super::price::Asked;
use crate::simulator::protocol::{Params, Side, SimNs};

impl Draft {
    /// # Errors
    /// The first argument that cannot be read.
    pub fn from_rest(params: &Params, now: SimNs) -> Result<Self, String> {
        let side = match filled(params, "type").as_deref() {
            Some("buy") => Side::Buy,
            Some("sell") => Side::Sell,
            _ => return Err(bad("type")),
        };
        let name = filled(params, "ordertype").ok_or_else(|| bad("ordertype"))?;
        if name == "settle-position" {
            return Err("EOrder:Unknown position".to_owned());
        }
        let kind = Kind::named(&name).ok_or_else(|| bad("ordertype"))?;
        refuse_margin(params)?;
        let flags = Flags::read(params)?;
        let volume = amount(params, "volume")?.ok_or_else(|| bad("volume"))?;
        let (price, price2) = (asked(params, "price")?, asked(params, "price2")?);
        let (trigger, limit) = if kind.is_triggered() { (price, price2) } else { (None, price) };
        let tif = match filled(params, "timeinforce") {
            Some(name) => Some(TimeInForce::named(&name).ok_or_else(|| bad("timeinforce"))?),
            None => None,
        };
        let expires = moment(params, "expiretm", now)?.map(|at| checked_expiry(at, now)).transpose()?;
        Ok(Self {
            side,
            kind,
            qty: (!flags.in_quote).then_some(volume),
            quote_qty: flags.in_quote.then_some(volume),
            limit,
            trigger,
            display: amount(params, "displayvol")?,
            tif,
            post_only: flags.post,
            fee_in_base: flags.fee_in_base,
            index_trigger: match filled(params, "trigger").as_deref() {
                None | Some("last") => false,
                Some("index") => true,
                Some(_) => return Err(bad("trigger")),
            },
            self_trade: self_trade(filled(params, "stptype"), '-').ok_or_else(|| bad("stptype"))?,
            userref: userref(params)?,
            cl_ord_id: filled(params, "cl_ord_id").map(checked_cl_ord_id).transpose()?,
            starts: moment(params, "starttm", now)?,
            expires,
            close: close(params)?,
        })
    }
}

impl Terms {
    /// # Errors
    /// When the deadline is no instant.
    pub fn from_rest(params: &Params) -> Result<Self, String> {
        let deadline = match filled(params, "deadline") {
            Some(text) => Some(instant(&text).ok_or_else(|| bad("deadline"))?),
            None => None,
        };
        Ok(Self { validate: params.flag("validate"), deadline })
    }
}

#[derive(Default)]
struct Flags {
    post: bool,
    in_quote: bool,
    fee_in_base: Option<bool>,
}

impl Flags {
    fn read(params: &Params) -> Result<Self, String> {
        let mut flags = Self::default();
        for flag in params.list("oflags") {
            match flag.as_str() {
                "post" => flags.post = true,
                "viqc" => flags.in_quote = true,
                "nompp" => {}
                "fcib" | "fciq" => {
                    let base = flag == "fcib";
                    if flags.fee_in_base.is_some_and(|before| before != base) {
                        return Err(bad("oflags"));
                    }
                    flags.fee_in_base = Some(base);
                }
                _ => return Err(bad("oflags")),
            }
        }
        Ok(flags)
    }
}

/// A text field that is present and not empty.
pub(super) fn filled(params: &Params, key: &str) -> Option<String> {
    params.text(key).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A number that must be above zero.
pub(super) fn amount(params: &Params, key: &str) -> Result<Option<Decimal>, String> {
    match filled(params, key) {
        None => Ok(None),
        Some(text) => read(&text).filter(|n| *n > Decimal::ZERO).map(Some).ok_or_else(|| bad(key)),
    }
}

/// A price; `0` means none, as some clients write it.
pub(super) fn asked(params: &Params, key: &str) -> Result<Option<Asked>, String> {
    match filled(params, key) {
        None => Ok(None),
        Some(text) => match Asked::parse(&text).ok_or_else(|| bad(key))? {
            Asked::At(price) if price.is_zero() => Ok(None),
            asked => Ok(Some(asked)),
        },
    }
}

/// Seconds since the epoch, or `+n` seconds from now; 0 means none.
fn moment(params: &Params, key: &str, now: SimNs) -> Result<Option<SimNs>, String> {
    let Some(text) = filled(params, key) else { return Ok(None) };
    let (later, number) = text.strip_prefix('+').map_or((false, text.as_str()), |n| (true, n));
    let at = read(number).filter(|n| !n.is_sign_negative()).and_then(from_unix).ok_or_else(|| bad(key))?;
    match (later, at) {
        (true, by) => Ok(Some(SimNs(now.0.saturating_add(by.0)))),
        (false, SimNs(0)) => Ok(None),
        (false, at) => Ok(Some(at)),
    }
}

pub(super) fn userref(params: &Params) -> Result<Option<i64>, String> {
    match filled(params, "userref") {
        None => Ok(None),
        Some(text) => read(&text)
            .filter(|n| n.fract().is_zero())
            .and_then(|n| n.to_i32())
            .map(|n| Some(i64::from(n)))
            .ok_or_else(|| bad("userref")),
    }
}

pub(super) fn self_trade(name: Option<String>, dash: char) -> Option<SelfTrade> {
    let Some(name) = name else { return Some(SelfTrade::default()) };
    match name.replace(dash, "-").as_str() {
        "cancel-newest" => Some(SelfTrade::Newest),
        "cancel-oldest" => Some(SelfTrade::Oldest),
        "cancel-both" => Some(SelfTrade::Both),
        _ => None,
    }
}

fn refuse_margin(params: &Params) -> Result<(), String> {
    match filled(params, "leverage").as_deref() {
        None | Some("none" | "0" | "1" | "1:1") => {}
        Some(_) => return Err("EOrder:Cannot open position".to_owned()),
    }
    if params.flag("reduce_only") { Err("EOrder:Reduce only:No position exists".to_owned()) } else { Ok(()) }
}

fn close(params: &Params) -> Result<Option<CloseTerms>, String> {
    let nested = match params.0.get("close") {
        Some(Value::Object(fields)) => Params(fields.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
        _ => Params(
            ["ordertype", "price", "price2"]
                .into_iter()
                .filter_map(|key| Some((key.to_owned(), params.0.get(&format!("close[{key}]"))?.clone())))
                .collect(),
        ),
    };
    let Some(name) = filled(&nested, "ordertype") else { return Ok(None) };
    let kind = Kind::named(&name)
        .filter(|kind| !matches!(kind, Kind::Market | Kind::Iceberg))
        .ok_or_else(|| bad("close[ordertype]"))?;
    let price = asked(&nested, "price").map_err(|_| bad("close[price]"))?;
    let price2 = asked(&nested, "price2").map_err(|_| bad("close[price2]"))?;
    let (trigger, limit) = if kind.is_triggered() { (price, price2) } else { (None, price) };
    Ok(Some(CloseTerms { kind, limit, trigger }))
}
