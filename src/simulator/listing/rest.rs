//! The results of `Assets` and `AssetPairs`.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::{AssetInfo, Listing, PairInfo, PairStatus};
use crate::simulator::protocol::{Answer, Params};

/// Which fields of a pair `AssetPairs` shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Info,
    Leverage,
    Fees,
    Margin,
}

impl Listing {
    /// `Assets`: all, or those named in `asset` by id, altname or v2 name.
    ///
    /// # Errors
    /// `EQuery:Unknown asset`.
    pub fn assets_answer(&self, params: &Params) -> Answer {
        let class = params.text("aclass").unwrap_or_else(|| "currency".to_owned());
        let names = params.list("asset");
        let chosen: Vec<&AssetInfo> = if names.is_empty() {
            self.assets.iter().collect()
        } else {
            names.iter().map(|n| self.find_asset(n)).collect::<Option<_>>().ok_or_else(unknown_asset)?
        };
        let shown = chosen.into_iter().filter(|_| class == "currency");
        Ok(Value::Object(shown.map(|a| (a.id.clone(), asset_value(a))).collect()))
    }

    /// `AssetPairs`: all, or those named in `pair` by any of their names; `status` gives the state of the pair at that place of the listing.
    ///
    /// # Errors
    /// `EQuery:Unknown asset pair`, `EGeneral:Invalid arguments`.
    pub fn asset_pairs_answer(&self, params: &Params, status: impl Fn(usize) -> PairStatus) -> Answer {
        let part = match params.text("info").as_deref() {
            None | Some("info") => Part::Info,
            Some("leverage") => Part::Leverage,
            Some("fees") => Part::Fees,
            Some("margin") => Part::Margin,
            Some(_) => return Err(vec!["EGeneral:Invalid arguments:info".to_owned()]),
        };
        let class = params.text("aclass_base").unwrap_or_else(|| "currency".to_owned());
        let names = params.list("pair");
        let places: Vec<usize> = if names.is_empty() {
            (0..self.pairs.len()).collect()
        } else {
            let found = names.iter().map(|n| self.pair_names.get(n).copied()).collect::<Option<_>>();
            found.ok_or_else(|| vec!["EQuery:Unknown asset pair".to_owned()])?
        };
        let shown = places.into_iter().filter(|_| class == "currency");
        let rows = shown.filter_map(|i| self.pairs.get(i).map(|p| (p.id.clone(), pair_value(p, status(i), part))));
        Ok(Value::Object(rows.collect()))
    }
}

fn unknown_asset() -> Vec<String> {
    vec!["EQuery:Unknown asset".to_owned()]
}

/// A decimal as a JSON number; all of them are short enough to be written back as they were.
fn number(value: Decimal) -> Value {
    serde_json::from_str(&value.normalize().to_string()).unwrap_or(Value::Null)
}

fn asset_value(asset: &AssetInfo) -> Value {
    let mut value = json!({
        "aclass": "currency",
        "altname": asset.altname,
        "decimals": asset.decimals,
        "display_decimals": asset.display_decimals,
        "status": asset.status,
    });
    if let Some(map) = value.as_object_mut() {
        if !asset.collateral_value.is_zero() {
            map.insert("collateral_value".to_owned(), number(asset.collateral_value));
        }
        if let Some(rate) = asset.margin_rate {
            map.insert("margin_rate".to_owned(), number(rate));
        }
    }
    value
}

fn pair_value(pair: &PairInfo, status: PairStatus, part: Part) -> Value {
    let mut map = Map::new();
    let mut put = |key: &str, value: Value| {
        map.insert(key.to_owned(), value);
    };
    if part == Part::Info {
        put("altname", json!(pair.altname));
        put("wsname", json!(pair.wsname));
        put("aclass_base", json!("currency"));
        put("base", json!(pair.base));
        put("aclass_quote", json!("currency"));
        put("quote", json!(pair.quote));
        put("lot", json!("unit"));
        put("cost_decimals", json!(pair.cost_decimals));
        put("pair_decimals", json!(pair.pair_decimals));
        put("lot_decimals", json!(pair.lot_decimals));
        put("lot_multiplier", json!(1));
        put("ordermin", json!(pair.ordermin.normalize().to_string()));
        put("costmin", json!(pair.costmin.normalize().to_string()));
        put("tick_size", json!(pair.tick_size.normalize().to_string()));
        put("status", json!(status.as_str()));
        if let Some(limit) = pair.position_limit_long {
            put("long_position_limit", json!(limit));
        }
        if let Some(limit) = pair.position_limit_short {
            put("short_position_limit", json!(limit));
        }
    }
    if matches!(part, Part::Info | Part::Leverage) {
        put("leverage_buy", json!(leverage(pair)));
        put("leverage_sell", json!(leverage(pair)));
    }
    if matches!(part, Part::Info | Part::Fees) {
        put("fees", tiers(&pair.fees.taker));
        put("fees_maker", tiers(&pair.fees.maker));
        put("fee_volume_currency", json!("ZUSD"));
    }
    if matches!(part, Part::Info | Part::Margin) {
        put("margin_call", json!(80));
        put("margin_stop", json!(40));
    }
    Value::Object(map)
}

fn tiers(table: &[(Decimal, Decimal)]) -> Value {
    table.iter().map(|(from, percent)| json!([number(*from), number(*percent)])).collect()
}

/// From 2 up to one divided by the initial margin.
fn leverage(pair: &PairInfo) -> Vec<u32> {
    let highest = pair
        .margin_initial
        .and_then(|m| Decimal::ONE.checked_div(m))
        .map_or(0, |l| u32::try_from(l.round().mantissa()).unwrap_or(0));
    if pair.marginable { (2..=highest.min(20)).collect() } else { Vec::new() }
}
