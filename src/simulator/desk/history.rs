//! REST views of what happened: trades, ledger, volume.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json as object};

use super::Desk;
use super::account::{Account, Fill, LedgerEntry};
use super::draft::bad;
use super::fees::FeeStep;
use super::numbers::{Calc, read, round_half_up, text, unix, unix_decimal};
use super::rest_draft::filled;
use super::trading::UNKNOWN_PAIR;
use super::venue::Venue;
use crate::simulator::protocol::{Params, SimNs};

/// `start` (exclusive) and `end` (inclusive) of a list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Range {
    start: Option<Decimal>,
    end: Option<Decimal>,
}

impl Range {
    /// Seconds, or the id of an entry, whose instant `when` knows.
    pub fn read(params: &Params, when: &dyn Fn(&str) -> Option<SimNs>) -> Result<Self, String> {
        let bound = |key: &str| match filled(params, key) {
            None => Ok(None),
            Some(given) => {
                let at = read(&given).or_else(|| when(&given).map(unix_decimal));
                at.map(Some).ok_or_else(|| bad(key))
            }
        };
        // Clients write 0 for no bound.
        let end = bound("end")?.filter(|end| !end.is_zero());
        Ok(Self { start: bound("start")?, end })
    }

    pub fn holds(self, at: SimNs) -> bool {
        let at = unix_decimal(at);
        self.start.is_none_or(|start| at > start) && self.end.is_none_or(|end| at <= end)
    }
}

/// The page that `ofs` asks for.
pub(super) fn page<T>(rows: Vec<T>, params: &Params, size: usize) -> Result<Vec<T>, String> {
    let from = match filled(params, "ofs") {
        None => 0,
        Some(given) => read(&given).and_then(|n| n.to_usize()).ok_or_else(|| bad("ofs"))?,
    };
    Ok(rows.into_iter().skip(from).take(size).collect())
}

/// One row of the trades list: a fill, or the fills of one taker's walk together.
struct TradeRow<'a> {
    first: &'a Fill,
    qty: Decimal,
    cost: Decimal,
    fee: Decimal,
    ledgers: Vec<&'a str>,
    fills: u32,
}

impl<'a> TradeRow<'a> {
    fn new(fill: &'a Fill) -> Self {
        let ledgers = fill.ledgers.iter().map(String::as_str).collect();
        Self { first: fill, qty: fill.qty, cost: fill.cost, fee: fill.fee, ledgers, fills: 1 }
    }

    fn joins(&self, fill: &Fill) -> bool {
        !fill.maker && !self.first.maker && (fill.order, fill.at) == (self.first.order, self.first.at)
    }

    fn join(&mut self, fill: &'a Fill) {
        self.qty = self.qty.plus(fill.qty);
        self.cost = self.cost.plus(fill.cost);
        self.fee = self.fee.plus(fill.fee);
        self.ledgers.extend(fill.ledgers.iter().map(String::as_str));
        self.fills += 1;
    }
}

impl Desk {
    pub(super) fn trades_history(&self, now: SimNs, account: &Account, params: &Params) -> Result<Value, String> {
        let when = |id: &str| {
            let fills = account.fills.iter().filter_map(|no| self.fills.get(*no));
            fills.into_iter().find(|f| f.id == id).map(|f| f.at)
        };
        let range = Range::read(params, &when)?;
        let limit = match filled(params, "limit") {
            None => 50,
            Some(given) => {
                let limit = read(&given).and_then(|n| n.to_usize()).filter(|n| (1..=100).contains(n));
                limit.ok_or_else(|| bad("limit"))?
            }
        };
        let consolidate = filled(params, "consolidate_taker").is_none() || params.flag("consolidate_taker");
        let spot = matches!(filled(params, "type").as_deref(), None | Some("all" | "no position"));
        let mut rows: Vec<TradeRow<'_>> = Vec::new();
        let fills = account.fills.iter().filter_map(|no| self.fills.get(*no));
        for fill in fills.filter(|f| spot && f.visible_at <= now && range.holds(f.at)) {
            match rows.last_mut() {
                Some(row) if consolidate && row.joins(fill) => row.join(fill),
                _ => rows.push(TradeRow::new(fill)),
            }
        }
        rows.reverse();
        let count = rows.len();
        let with_ledgers = params.flag("ledgers");
        let trades: Map<String, Value> = page(rows, params, limit)?
            .iter()
            .filter_map(|row| Some((row.first.id.clone(), self.trade_json(account, row, with_ledgers)?)))
            .collect();
        let mut result = Map::new();
        result.insert("trades".to_owned(), Value::Object(trades));
        if !params.flag("without_count") {
            result.insert("count".to_owned(), count.into());
        }
        Ok(Value::Object(result))
    }

    pub(super) fn query_trades(&self, now: SimNs, account: &Account, params: &Params) -> Result<Value, String> {
        let ids = params.list("txid");
        if ids.is_empty() || ids.len() > 20 {
            return Err(bad("txid"));
        }
        let with_ledgers = params.flag("ledgers");
        let fills = account.fills.iter().filter_map(|no| self.fills.get(*no));
        let found: Map<String, Value> = fills
            .filter(|f| f.visible_at <= now && ids.contains(&f.id))
            .filter_map(|f| Some((f.id.clone(), self.trade_json(account, &TradeRow::new(f), with_ledgers)?)))
            .collect();
        if found.is_empty() { Err(bad("txid")) } else { Ok(Value::Object(found)) }
    }

    fn trade_json(&self, account: &Account, row: &TradeRow<'_>, with_ledgers: bool) -> Option<Value> {
        let fill = row.first;
        let order = self.orders.get(fill.order)?;
        let pair = &order.ticket.pair;
        let amount = |value: Decimal| text(value, pair.cost_decimals);
        let price = if row.fills == 1 { fill.price } else { round_half_up(row.cost.over(row.qty), pair.cost_decimals) };
        let mut json = object!({
            "ordertxid": order.id,
            "postxid": account.position,
            "pair": pair.id,
            "time": unix(fill.at),
            "type": order.ticket.side.as_str(),
            "ordertype": order.ticket.kind.name(),
            "price": amount(price),
            "cost": amount(row.cost),
            "fee": amount(row.fee),
            "vol": text(row.qty, pair.lot_decimals),
            "margin": amount(Decimal::ZERO),
            "leverage": "0",
            "misc": "",
            "trade_id": fill.trade_id,
            "maker": fill.maker,
        });
        if with_ledgers && let Some(fields) = json.as_object_mut() {
            fields.insert("ledgers".to_owned(), object!(row.ledgers));
        }
        Some(json)
    }

    pub(super) fn ledgers(
        &self,
        now: SimNs,
        account: &Account,
        params: &Params,
        venue: &dyn Venue,
    ) -> Result<Value, String> {
        let when = |id: &str| account.ledger.iter().find(|e| e.id == id).map(|e| e.at);
        let range = Range::read(params, &when)?;
        let mut assets = Vec::new();
        for name in params.list("asset").iter().filter(|name| *name != "all") {
            assets.push(venue.asset(name).ok_or("EQuery:Unknown asset")?.id);
        }
        let kind = filled(params, "type").filter(|kind| kind != "all");
        let found: Vec<&LedgerEntry> = account
            .ledger
            .iter()
            .rev()
            .filter(|e| e.visible_at <= now && range.holds(e.at))
            .filter(|e| assets.is_empty() || assets.contains(&e.asset.id))
            .filter(|e| kind.as_ref().is_none_or(|kind| kind == e.kind))
            .collect();
        let count = found.len();
        let ledger: Map<String, Value> =
            page(found, params, 50)?.into_iter().map(|e| (e.id.clone(), ledger_json(e))).collect();
        let mut result = Map::new();
        result.insert("ledger".to_owned(), Value::Object(ledger));
        if !params.flag("without_count") {
            result.insert("count".to_owned(), count.into());
        }
        Ok(Value::Object(result))
    }

    pub(super) fn query_ledgers(&self, now: SimNs, account: &Account, params: &Params) -> Result<Value, String> {
        let ids = params.list("id");
        if ids.is_empty() || ids.len() > 20 {
            return Err(bad("id"));
        }
        let found = account.ledger.iter().filter(|e| e.visible_at <= now && ids.contains(&e.id));
        let rows: Map<String, Value> = found.map(|e| (e.id.clone(), ledger_json(e))).collect();
        if rows.is_empty() { Err(bad("id")) } else { Ok(Value::Object(rows)) }
    }

    pub(super) fn trade_volume(
        &self,
        now: SimNs,
        account: &Account,
        params: &Params,
        venue: &dyn Venue,
    ) -> Result<Value, String> {
        let volume = account.volume(now);
        let (mut taker, mut maker) = (Map::new(), Map::new());
        for name in params.list("pair") {
            let pair = venue.pair(&name).ok_or(UNKNOWN_PAIR)?;
            taker.insert(pair.id.clone(), step_json(pair.fees.step(volume, false)));
            if !pair.fees.maker.is_empty() {
                maker.insert(pair.id.clone(), step_json(pair.fees.step(volume, true)));
            }
        }
        let or_null = |fees: Map<String, Value>, none: bool| if none { Value::Null } else { Value::Object(fees) };
        let none = taker.is_empty();
        Ok(object!({
            "currency": "ZUSD",
            "volume": text(round_half_up(volume, 4), 4),
            "fees": or_null(taker, none),
            "fees_maker": or_null(maker, none),
        }))
    }
}

fn step_json(step: FeeStep) -> Value {
    object!({
        "fee": text(step.fee, 4),
        "minfee": text(step.lowest, 4),
        "maxfee": text(step.highest, 4),
        "nextfee": step.next.map(|(fee, _)| text(fee, 4)),
        "tiervolume": text(step.from, 4),
        "nextvolume": step.next.map(|(_, volume)| text(volume, 4)),
    })
}

fn ledger_json(entry: &LedgerEntry) -> Value {
    let amount = |value: Decimal| text(value, entry.asset.decimals);
    object!({
        "refid": entry.ref_id,
        "time": unix(entry.at),
        "type": entry.kind,
        "subtype": "",
        "aclass": "currency",
        "asset": entry.asset.id,
        "amount": amount(entry.amount),
        "fee": amount(entry.fee),
        "balance": amount(entry.balance),
    })
}
