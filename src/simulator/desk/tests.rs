//! The desk against a small market in memory.

mod amending;
mod faults;
mod invariants;
mod orders;
mod queue;
mod recorded;
mod refusals;
mod triggered;
mod views;
mod websocket;

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value;

use super::*;
use crate::simulator::protocol::{Params, Side, TapeTrade};

pub(super) const ANNA: AccountKey = AccountKey(1);
pub(super) const BERT: AccountKey = AccountKey(2);

/// 2026-05-01T10:00:00Z
pub(super) const START: SimNs = SimNs(1_777_629_600_000_000_000);

/// A market of three pairs whose levels the test sets.
#[derive(Debug, Default)]
pub(super) struct Memory {
    bids: BTreeMap<String, BTreeMap<Decimal, Decimal>>,
    asks: BTreeMap<String, BTreeMap<Decimal, Decimal>>,
    pub last: BTreeMap<String, Decimal>,
    pub status: Mode,
    pub system: Mode,
}

fn known_asset(name: &str) -> Option<AssetSpec> {
    let all = [
        ("XXBT", "XBT", "BTC", 10),
        ("XETH", "ETH", "ETH", 10),
        ("ZUSD", "USD", "USD", 4),
        ("USDC", "USDC", "USDC", 8),
    ];
    let (id, altname, v2, decimals) = all.into_iter().find(|(id, alt, v2, _)| [*id, *alt, *v2].contains(&name))?;
    Some(AssetSpec { id: id.to_owned(), altname: altname.to_owned(), name: v2.to_owned(), decimals })
}

fn known_pair(names: [&str; 4], price_decimals: u32, tick: &str, min_qty: &str) -> Option<PairSpec> {
    let (base, quote) = names[3].split_once('/')?;
    Some(PairSpec {
        symbol: names[3].into(),
        id: names[0].to_owned(),
        altname: names[1].to_owned(),
        base: known_asset(base)?,
        quote: known_asset(quote)?,
        price_decimals,
        lot_decimals: 8,
        cost_decimals: 5,
        tick: tick.parse().ok()?,
        min_qty: min_qty.parse().ok()?,
        min_cost: "0.5".parse().ok()?,
        fees: FeeSchedule::july_2026(),
    })
}

impl Memory {
    fn side(&self, side: Side) -> &BTreeMap<String, BTreeMap<Decimal, Decimal>> {
        if side == Side::Buy { &self.bids } else { &self.asks }
    }

    pub fn set(&mut self, symbol: &str, side: Side, price: Decimal, qty: Decimal) {
        let book = if side == Side::Buy { &mut self.bids } else { &mut self.asks };
        let levels = book.entry(symbol.to_owned()).or_default();
        if qty.is_zero() {
            levels.remove(&price);
        } else {
            levels.insert(price, qty);
        }
    }
}

impl Venue for Memory {
    fn pair(&self, name: &str) -> Option<Arc<PairSpec>> {
        let all = [
            (["XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD"], 1, "0.1", "0.00005"),
            (["XETHZUSD", "ETHUSD", "ETH/USD", "ETH/USD"], 2, "0.01", "0.001"),
            (["XETHXXBT", "ETHXBT", "ETH/XBT", "ETH/BTC"], 5, "0.00001", "0.001"),
            (["USDCUSD", "USDCUSD", "USDC/USD", "USDC/USD"], 4, "0.0005", "1"),
        ];
        let (names, decimals, tick, min) = all.into_iter().find(|(names, ..)| names.contains(&name))?;
        let mut spec = known_pair(names, decimals, tick, min)?;
        if &*spec.symbol == "ETH/BTC" {
            spec.min_cost = Decimal::new(1, 5);
            spec.cost_decimals = 10;
        }
        Some(Arc::new(spec))
    }

    fn asset(&self, name: &str) -> Option<AssetSpec> {
        known_asset(name)
    }

    fn levels(&self, symbol: &str, side: Side) -> Vec<(Decimal, Decimal)> {
        let levels = self.side(side).get(symbol).into_iter().flatten().map(|(p, q)| (*p, *q));
        if side == Side::Buy { levels.rev().collect() } else { levels.collect() }
    }

    fn consume(&mut self, symbol: &str, side: Side, price: Decimal, qty: Decimal) -> Decimal {
        let has = self.side(side).get(symbol).and_then(|l| l.get(&price)).copied().unwrap_or_default();
        let taken = has.min(qty);
        self.set(symbol, side, price, has - taken);
        taken
    }

    fn last_price(&self, symbol: &str) -> Option<Decimal> {
        self.last.get(symbol).copied()
    }

    fn pair_status(&self, _symbol: &str) -> Mode {
        self.status
    }

    fn system_status(&self) -> Mode {
        self.system
    }
}

/// A desk, its market and its clock.
pub(super) struct Floor {
    pub desk: Desk,
    pub venue: Memory,
    pub now: SimNs,
    ids: u64,
}

pub(super) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn params(fields: Value) -> Params {
    Params(fields.as_object().unwrap().clone().into_iter().collect())
}

impl Floor {
    pub fn new() -> Self {
        Self::with(DeskOptions::default())
    }

    /// BTC/USD at 100.0 / 100.1, one bitcoin on each of five levels.
    pub fn with(options: DeskOptions) -> Self {
        let mut venue = Memory::default();
        for step in 0..5 {
            let by = Decimal::new(step, 1);
            venue.set("BTC/USD", Side::Buy, dec("100") - by, Decimal::ONE);
            venue.set("BTC/USD", Side::Sell, dec("100.1") + by, Decimal::ONE);
        }
        venue.last.insert("BTC/USD".to_owned(), dec("100"));
        venue.last.insert("ETH/USD".to_owned(), dec("10"));
        let mut desk = Desk::new(options);
        for key in [ANNA, BERT] {
            let funds = [("ZUSD", "10000"), ("BTC", "10"), ("ETH", "100")];
            let funds = funds.into_iter().map(|(asset, amount)| (asset.to_owned(), dec(amount))).collect();
            desk.open_account(START, key, &funds, Tier::Pro, &venue).unwrap();
        }
        Self { desk, venue, now: START, ids: 0 }
    }

    pub fn call(&mut self, key: AccountKey, call: &str, fields: Value) -> Result<Value, String> {
        let answer = self.desk.rest(self.now, key, call, &params(fields), &mut self.venue).expect("a call of the desk");
        self.desk.check().unwrap();
        answer.map_err(|errors| errors.join(" "))
    }

    pub fn rest(&mut self, call: &str, fields: Value) -> Result<Value, String> {
        self.call(ANNA, call, fields)
    }

    /// Places an order of Anna's for BTC/USD; the fields are `type ordertype volume price` and what follows in JSON.
    pub fn order(&mut self, words: &str, more: Value) -> Result<String, String> {
        self.order_of(ANNA, words, more)
    }

    pub fn order_of(&mut self, key: AccountKey, words: &str, more: Value) -> Result<String, String> {
        let mut fields = serde_json::json!({ "pair": "XBTUSD" });
        let row = fields.as_object_mut().unwrap();
        for (name, word) in ["type", "ordertype", "volume", "price", "price2"].into_iter().zip(words.split_whitespace())
        {
            row.insert(name.to_owned(), word.into());
        }
        row.extend(more.as_object().cloned().unwrap_or_default());
        let answer = self.call(key, "AddOrder", fields)?;
        Ok(answer["txid"][0].as_str().unwrap_or_default().to_owned())
    }

    pub fn method(&mut self, method: &str, fields: Value) -> Vec<Result<Value, String>> {
        let answers =
            self.desk.method(self.now, ANNA, method, &params(fields), &mut self.venue).expect("a method of the desk");
        self.desk.check().unwrap();
        answers
    }

    /// A trade between others.
    pub fn trade(&mut self, taker: Side, price: &str, qty: &str) {
        self.ids += 1;
        self.venue.last.insert("BTC/USD".to_owned(), dec(price));
        let trade = TapeTrade {
            symbol: "BTC/USD".into(),
            id: self.ids,
            at: self.now,
            price: dec(price),
            qty: dec(qty),
            taker,
            market: false,
        };
        self.desk.on_trade(self.now, &trade, &mut self.venue);
        self.desk.check().unwrap();
    }

    pub fn level(&mut self, side: Side, price: &str, qty: &str) {
        self.venue.set("BTC/USD", side, dec(price), dec(qty));
        self.desk.on_book(self.now, "BTC/USD", &mut self.venue);
        self.desk.check().unwrap();
    }

    pub fn wait(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.desk.advance(self.now, &mut self.venue);
        self.desk.check().unwrap();
    }

    /// One order as QueryOrders shows it.
    pub fn show(&mut self, id: &str) -> Value {
        self.rest("QueryOrders", serde_json::json!({ "txid": id, "trades": true })).unwrap()[id].clone()
    }

    /// `status vol_exec` of an order.
    pub fn brief(&mut self, id: &str) -> String {
        let row = self.show(id);
        format!("{} {}", row["status"].as_str().unwrap(), row["vol_exec"].as_str().unwrap())
    }

    pub fn balance(&mut self, asset: &str) -> (Decimal, Decimal) {
        let row = self.rest("BalanceEx", serde_json::json!({})).unwrap()[asset].clone();
        (dec(row["balance"].as_str().unwrap()), dec(row["hold_trade"].as_str().unwrap()))
    }

    /// Rows of Anna's executions since the last call, `exec_type` each, frames separated by `|`.
    pub fn story(&mut self) -> String {
        let frames = self.desk.drain().into_iter().filter(|e| e.account == ANNA);
        let words = frames.map(|event| match event.channel {
            Channel::Balances => "balances".to_owned(),
            Channel::Executions => {
                let types: Vec<&str> = event.rows.iter().map(|r| r["exec_type"].as_str().unwrap()).collect();
                types.join(" ")
            }
        });
        words.collect::<Vec<_>>().join("|")
    }
}
