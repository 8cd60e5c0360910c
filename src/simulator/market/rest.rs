//! The public REST calls. Prices of `Ticker`, `Depth`, `Trades` and `Spread` are written with the pair's cost decimals, those of `OHLC` with its price
//! decimals, as recorded answers show.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value, json};

use super::candles::{Bar, INTERVALS};
use super::history::Row;
use super::pair::PairState;
use super::text::{fixed, rfc1123, stamp_s};
use super::units::{Amt, Px, pow10};
use super::{Market, PairStatus};
use crate::simulator::protocol::{Answer, Params, Side, SimNs};

/// Finished candles that `OHLC` gives at most; the running one comes on top (a recorded answer has 721 rows).
const FINISHED_ROWS: usize = 720;
const MOST_TRADES: usize = 1_000;

fn error<T>(text: &str) -> Result<T, Vec<String>> {
    Err(vec![text.to_owned()])
}

fn invalid<T>(what: &str) -> Result<T, Vec<String>> {
    Err(vec![format!("EGeneral:Invalid arguments:{what}")])
}

/// A whole number between two bounds; the default when absent.
fn whole(params: &Params, key: &str, default: usize, most: usize) -> Result<usize, Vec<String>> {
    match params.text(key).map(|t| t.parse::<usize>()) {
        None => Ok(default),
        Some(Ok(n)) if (1..=most).contains(&n) => Ok(n),
        Some(_) => invalid(key),
    }
}

impl Market {
    /// Answers a public call at `now`; `None` when the call is none of the market's. Everything up to `now` must have been played; nothing later is shown.
    pub fn rest(&mut self, now: SimNs, call: &str, params: &Params) -> Option<Answer> {
        let statuses = &self.statuses;
        Some(match call {
            "Time" => Ok(json!({ "unixtime": now.seconds(), "rfc1123": rfc1123(now.0) })),
            "SystemStatus" => Ok(json!({ "status": self.system, "timestamp": stamp_s(now.0) })),
            "Assets" => self.listing.assets_answer(params),
            "AssetPairs" => {
                self.listing.asset_pairs_answer(params, |i| statuses.get(i).copied().unwrap_or(PairStatus::Online))
            }
            "Ticker" => self.tickers(now, params),
            "OHLC" => self.one(params, |pair| pair.ohlc_rows(now, params)),
            "Depth" => self.one(params, |pair| Ok((pair.depth_rows(whole(params, "count", 100, 500)?), None))),
            "Trades" => self.one(params, |pair| pair.trade_rows(now, params)),
            "Spread" => self.one(params, |pair| pair.spread_rows(params)),
            _ => return None,
        })
    }

    /// A result keyed by the id of the one pair asked for, and `last` where the call has one.
    fn one(&self, params: &Params, rows: impl Fn(&PairState) -> Result<(Value, Option<Value>), Vec<String>>) -> Answer {
        let Some(name) = params.text("pair") else { return error("EGeneral:Invalid arguments") };
        let Some(info) = self.listing.find(&name) else { return error("EQuery:Unknown asset pair") };
        // A listed pair without data is refused: zeros or empty lists would look like a market.
        let (rows, last) = match self.pair(&info.symbol) {
            Some(pair) => rows(pair)?,
            None => return error("EQuery:Unknown asset pair"),
        };
        let mut result = Map::new();
        result.insert(info.id.clone(), rows);
        if let Some(last) = last {
            result.insert("last".to_owned(), last);
        }
        Ok(Value::Object(result))
    }

    fn tickers(&mut self, now: SimNs, params: &Params) -> Answer {
        let names = params.list("pair");
        let mut places = Vec::new();
        for name in &names {
            let place = self.listing.find(name).and_then(|info| self.by_symbol.get(&info.symbol));
            let Some(place) = place else { return error("EQuery:Unknown asset pair") };
            places.push(*place);
        }
        if names.is_empty() {
            places = (0..self.pairs.len()).collect();
        }
        let mut result = Map::new();
        for place in places {
            let Some(pair) = self.pairs.get_mut(place) else { continue };
            let id = self.listing.pairs().get(pair.place).map(|info| info.id.clone());
            if let (Some(id), Some(row)) = (id, pair.ticker_row(now)) {
                result.insert(id, row);
            }
        }
        Ok(Value::Object(result))
    }
}

impl PairState {
    fn price_text(&self, price: Px) -> String {
        fixed(Amt::from(price), self.scale.price, self.cost_decimals.max(self.scale.price))
    }

    /// A mean price with the pair's cost decimals.
    fn mean_text(&self, cost: Amt, volume: Amt, else_price: Px) -> String {
        let digits = self.cost_decimals.max(self.scale.price);
        if volume <= 0 {
            return self.price_text(else_price);
        }
        let finer = cost.saturating_mul(pow10(digits - self.scale.price));
        fixed(finer / volume, digits, digits)
    }

    fn volume_text(&self, volume: Amt) -> String {
        fixed(volume, self.scale.qty, self.decimals.qty.max(self.scale.qty))
    }

    fn ticker_row(&mut self, now: SimNs) -> Option<Value> {
        self.stats.expire(now.0);
        let (last, last_qty) = self.stats.last()?;
        let day = self.stats.day()?;
        let (open, today) = self.stats.today(now.0)?;
        let level = |side| {
            let (price, qty) = self.ladder.best(side).map_or((0, 0), |r| (r.price, r.qty));
            // Whole lots, at least one where there is anything: recorded answers show "1", "1.000" for 0.136.
            let lots = (qty / pow10(self.scale.qty)).max(Amt::from(qty > 0));
            json!([self.price_text(price), lots.to_string(), format!("{lots}.000")])
        };
        Some(json!({
            "a": level(Side::Sell),
            "b": level(Side::Buy),
            "c": [self.price_text(last), self.volume_text(last_qty)],
            "v": [self.volume_text(today.volume), self.volume_text(day.volume)],
            "p": [self.mean_text(today.cost, today.volume, last), self.mean_text(day.cost, day.volume, last)],
            "t": [today.count, day.count],
            "l": [self.price_text(today.low), self.price_text(day.low)],
            "h": [self.price_text(today.high), self.price_text(day.high)],
            "o": self.price_text(open),
        }))
    }

    fn ohlc_rows(&self, now: SimNs, params: &Params) -> Result<(Value, Option<Value>), Vec<String>> {
        let minutes = match params.text("interval").map(|t| t.parse::<u32>()) {
            None => 1,
            Some(Ok(minutes)) => minutes,
            Some(Err(_)) => return invalid("interval"),
        };
        let place = INTERVALS.iter().position(|m| *m == minutes);
        let Some((series, _)) = place.and_then(|p| self.series.get(p)) else { return invalid("interval") };
        let since = match params.decimal("since") {
            None => i64::MIN,
            Some(Ok(since)) => since.floor().to_i64().unwrap_or(i64::MAX),
            Some(Err(_)) => return invalid("since"),
        };
        let rows = series.rows(now.0, FINISHED_ROWS.saturating_add(1), self.makes_candles());
        let seconds = |bar: &Bar| bar.begin.div_euclid(1_000_000_000);
        // With the running candle alone, the cursor lies before it: `since` leaves out what it names.
        let before = rows.last().map_or(0, |bar| bar.begin.saturating_sub(series.step()).div_euclid(1_000_000_000));
        let finished = rows.iter().rev().nth(1).map_or(before, seconds);
        let shown = rows.iter().filter(|bar| seconds(bar) > since).map(|bar| self.ohlc_row(bar)).collect();
        Ok((Value::Array(shown), Some(json!(finished))))
    }

    fn ohlc_row(&self, bar: &Bar) -> Value {
        let digits = self.decimals.price.max(self.scale.price);
        let price = |p: Px| fixed(Amt::from(p), self.scale.price, digits);
        let vwap = fixed(bar.vwap(), self.scale.price, digits);
        json!([
            bar.begin.div_euclid(1_000_000_000),
            price(bar.open),
            price(bar.high),
            price(bar.low),
            price(bar.close),
            vwap,
            self.volume_text(bar.volume),
            bar.count
        ])
    }

    /// Quantities have three decimals as in recorded answers, but never read zero.
    fn depth_rows(&self, count: usize) -> Value {
        let thousandth = |qty: Amt| {
            let text = fixed(qty, self.scale.qty, 3);
            if text == "0.000" { "0.001".to_owned() } else { text }
        };
        let side = |side| -> Value {
            let row = |r: &super::ladder::Rung| {
                json!([self.price_text(r.price), thousandth(r.qty), r.at.div_euclid(1_000_000_000)])
            };
            self.ladder.levels(side).take(count).map(row).collect()
        };
        json!({ "asks": side(Side::Sell), "bids": side(Side::Buy) })
    }

    fn trade_rows(&self, now: SimNs, params: &Params) -> Result<(Value, Option<Value>), Vec<String>> {
        let count = whole(params, "count", MOST_TRADES, MOST_TRADES)?;
        let since = match params.decimal("since") {
            None => None,
            Some(Ok(since)) => Some(cursor(since)),
            Some(Err(_)) => return invalid("since"),
        };
        let rows = match since {
            Some(since) => self.history.after(since, count),
            None => self.history.newest(count),
        };
        let last = rows.last().map(|r| r.cursor).or(since).unwrap_or(now.0);
        let shown = rows.iter().map(|row| self.trade_row(row)).collect();
        Ok((Value::Array(shown), Some(json!(format!("{last:019}")))))
    }

    fn trade_row(&self, row: &Row) -> Value {
        let time = (row.at / 100) as f64 / 1e7;
        let side = if row.taker == Side::Buy { "b" } else { "s" };
        let kind = if row.market { "m" } else { "l" };
        json!([self.price_text(row.price), self.volume_text(row.qty), time, side, kind, "", row.id])
    }

    fn spread_rows(&self, params: &Params) -> Result<(Value, Option<Value>), Vec<String>> {
        let since = match params.decimal("since") {
            None => i64::MIN,
            Some(Ok(since)) => since.floor().to_i64().unwrap_or(i64::MAX),
            Some(Err(_)) => return invalid("since"),
        };
        let seconds = |at: i64| at.div_euclid(1_000_000_000);
        let rows = self.spreads.iter().filter(|(at, ..)| seconds(*at) >= since);
        let shown = rows.map(|(at, bid, ask)| json!([seconds(*at), self.price_text(*bid), self.price_text(*ask)]));
        let last = self.spreads.back().map_or(0, |(at, ..)| seconds(*at));
        Ok((shown.collect(), Some(json!(last))))
    }
}

/// A cursor in nanoseconds; smaller numbers are seconds, as the exchange reads them too.
fn cursor(since: Decimal) -> i64 {
    let limit = Decimal::from(1_000_000_000_000_i64);
    let ns = if since < limit { since.saturating_mul(Decimal::from(1_000_000_000)) } else { since };
    ns.floor().to_i64().unwrap_or(i64::MAX)
}
