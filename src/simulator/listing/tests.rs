use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;
use crate::simulator::protocol::Params;

fn listing() -> Listing {
    Listing::bundled().unwrap()
}

fn params(pairs: &[(&str, &str)]) -> Params {
    Params(pairs.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect())
}

fn dec(text: &str) -> Decimal {
    Decimal::from_str(text).unwrap()
}

#[test]
fn the_committed_file_holds_what_was_recorded() {
    let l = listing();
    assert_eq!((l.pairs().len(), l.assets().len()), (683, 296));
    assert!(l.taken().contains("2021-04-17"));
    let btc = l.find("XXBTZUSD").unwrap();
    assert_eq!((&*btc.symbol, btc.altname.as_str(), btc.wsname.as_str()), ("BTC/USD", "XBTUSD", "XBT/USD"));
    assert_eq!((btc.base.as_str(), btc.quote.as_str()), ("XXBT", "ZUSD"));
    assert_eq!((btc.pair_decimals, btc.lot_decimals, btc.cost_decimals), (1, 8, 5));
    assert_eq!((btc.tick_size, btc.ordermin, btc.costmin), (dec("0.1"), dec("0.0001"), dec("0.5")));
    assert_eq!(l.find("PEPEUSD").unwrap().lot_decimals, 5);
    assert!(l.pairs().iter().all(|p| !p.invented));
}

#[test]
fn every_pair_is_found_by_its_four_names_and_by_no_other_case() {
    let l = listing();
    for p in l.pairs() {
        for name in [p.id.as_str(), &p.altname, &p.wsname, &p.symbol] {
            assert_eq!(l.find(name).map(|f| &f.id), Some(&p.id), "{name}");
        }
        assert!(l.by_id(&p.id).is_some() && l.by_altname(&p.altname).is_some() && l.by_wsname(&p.wsname).is_some());
        assert_eq!(l.index_of(&p.symbol).and_then(|i| l.pairs().get(i)), Some(p));
    }
    assert!(l.find("xxbtzusd").is_none() && l.find("btc/usd").is_none());
    assert!(l.by_symbol("XBT/USD").is_none() && l.by_wsname("BTC/USD").is_none() && l.by_id("XBTUSD").is_none());
    assert_eq!(l.find("DOGE/USD").unwrap().id, "XDGUSD");
    assert_eq!(l.find_asset("BTC").unwrap().id, "XXBT");
    assert_eq!(l.find_asset("XDG").unwrap().v2, "DOGE");
}

#[test]
fn fees_follow_the_volume() {
    let l = listing();
    let fees = &l.find("XBTUSD").unwrap().fees;
    let table = [
        ("0", "0.4", "0.8"),
        ("2499.99", "0.4", "0.8"),
        ("2500", "0.3", "0.6"),
        ("99999", "0.15", "0.3"),
        ("10000000", "0", "0.1"),
        ("900000000", "0", "0.05"),
    ];
    for (volume, maker, taker) in table {
        assert_eq!(fees.at(dec(volume)), (dec(maker), dec(taker)), "{volume}");
    }
}

#[test]
fn asset_pairs_has_the_shape_of_the_exchange() {
    let l = listing();
    let all = l.asset_pairs_answer(&Params::default(), |i| l.pairs()[i].status).unwrap();
    assert_eq!(all.as_object().unwrap().len(), 683);
    let one = l.asset_pairs_answer(&params(&[("pair", "XBT/USD,ETHUSD")]), |_| PairStatus::PostOnly).unwrap();
    let keys: Vec<_> = one.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["XETHZUSD", "XXBTZUSD"]);
    // Keys and types of a recorded answer; numbers have moved since.
    let recorded: Value = serde_json::from_str(include_str!(
        "../../../tests/fixtures/kraken/kraken_async_rs/public_response_json__get_tradable_asset_pairs_json.json"
    ))
    .unwrap();
    for (key, value) in recorded["result"]["XXBTZUSD"].as_object().unwrap() {
        let ours = &one["XXBTZUSD"][key];
        assert_eq!(std::mem::discriminant(ours), std::mem::discriminant(value), "{key}");
    }
    assert_eq!(one["XXBTZUSD"]["leverage_buy"], json!([2, 3, 4, 5]));
    assert_eq!(one["XXBTZUSD"]["fees"][1], json!([2500, 0.6]));
    assert_eq!(one["XXBTZUSD"]["fees_maker"][0], json!([0, 0.4]));
    assert_eq!(one["XXBTZUSD"]["status"], "post_only");
    let fees = l.asset_pairs_answer(&params(&[("pair", "XBTUSD"), ("info", "fees")]), |_| PairStatus::Online).unwrap();
    let keys: Vec<_> = fees["XXBTZUSD"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["fee_volume_currency", "fees", "fees_maker"]);
    let tokens = l.asset_pairs_answer(&params(&[("aclass_base", "tokenized_asset")]), |_| PairStatus::Online);
    assert_eq!(tokens, Ok(json!({})));
}

#[test]
fn wrong_questions_are_refused() {
    let l = listing();
    let ask = |p: &[(&str, &str)]| l.asset_pairs_answer(&params(p), |_| PairStatus::Online).unwrap_err();
    assert_eq!(ask(&[("pair", "XBTUSD,NOPE")]), ["EQuery:Unknown asset pair"]);
    assert_eq!(ask(&[("info", "all")]), ["EGeneral:Invalid arguments:info"]);
    assert_eq!(l.assets_answer(&params(&[("asset", "NOPE")])).unwrap_err(), ["EQuery:Unknown asset"]);
}

#[test]
fn assets_have_the_shape_of_the_exchange() {
    let got = listing().assets_answer(&params(&[("asset", "XBT,EUR,ZUSD")])).unwrap();
    assert_eq!(
        got["XXBT"],
        json!({"aclass": "currency", "altname": "XBT", "decimals": 10, "display_decimals": 5, "collateral_value": 1,
            "margin_rate": 0.01, "status": "enabled"})
    );
    assert_eq!(got.as_object().unwrap().len(), 3);
}

#[test]
fn the_instrument_frames_repeat_the_recording() {
    let l = listing();
    let frame = l.instrument_snapshot(|i| l.pairs()[i].status);
    assert!(frame.contains(
        r#"{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,"qty_increment":0.00000001,"price_precision":1,"cost_precision":5,"marginable":true,"has_index":true,"cost_min":0.5,"margin_initial":0.2,"position_limit_long":300,"position_limit_short":240,"tick_size":0.1,"price_increment":0.1,"qty_min":0.0001}"#
    ));
    let value: Value = serde_json::from_str(&frame).unwrap();
    assert_eq!(value["data"]["pairs"].as_array().unwrap().len(), 683);
    assert_eq!(value["data"]["assets"].as_array().unwrap().len(), 296);
    let update = Listing::instrument_update(l.find("SGBUSD").unwrap(), PairStatus::CancelOnly);
    let value: Value = serde_json::from_str(&update).unwrap();
    assert_eq!(value["type"], "update");
    assert_eq!(value["data"]["pairs"][0]["status"], "cancel_only");
    assert_eq!(value["data"]["pairs"][0]["symbol"], "SGB/USD");
}

#[test]
fn invented_pairs_say_so() {
    let l = listing().clones(1_000);
    assert_eq!(l.pairs().len(), 1_683);
    let pair = l.find("SIM0007USD").unwrap();
    assert!(pair.invented && &*pair.symbol == "SIM0007/USD");
    assert_eq!(l.pairs().iter().filter(|p| p.invented).count(), 1_000);
    assert_eq!(l.find_asset("SIM1000").unwrap().id, "SIM1000");
    let rebuilt = Listing::build(l.taken.clone(), l.assets.clone(), l.pairs.clone()).unwrap();
    assert_eq!(rebuilt.pair_names, l.pair_names);
}

#[test]
fn broken_files_are_refused() {
    let good = r#"{"taken":"t","fees":[{"from":"0","maker":"0.4","taker":"0.8"}],"assets":[
        {"id":"XXBT","alt":"XBT","v2":"BTC","decimals":10,"display":5,"status":"enabled","borrowable":true,"collateral":"1"},
        {"id":"ZUSD","alt":"USD","v2":"USD","decimals":4,"display":2,"status":"enabled","borrowable":true,"collateral":"1"}],
        "pairs":[{"id":"XXBTZUSD","alt":"XBTUSD","ws":"XBT/USD","v2":"BTC/USD","base":"XXBT","quote":"ZUSD","status":"online","price":1,"lot":8,
        "cost":5,"tick":"0.1","min":"0.0001","cost_min":"0.5","marginable":false,"index":true}]}"#;
    assert_eq!(Listing::from_json(good).unwrap().pairs().len(), 1);
    let faults = [
        ("\"XBTUSD\"", "\"XBT\\\"USD\""),
        ("\"tick\":\"0.1\"", "\"tick\":\"0.01\""),
        ("\"min\":\"0.0001\"", "\"min\":\"0\""),
        ("\"online\"", "\"asleep\""),
        ("\"base\":\"XXBT\"", "\"base\":\"XETH\""),
        ("\"alt\":\"USD\"", "\"alt\":\"XBT\""),
        ("\"from\":\"0\"", "\"from\":\"5\""),
        ("\"pairs\"", "\"piers\""),
    ];
    for (what, instead) in faults {
        let broken = good.replace(what, instead);
        assert_ne!(broken, good, "{what}");
        assert!(Listing::from_json(&broken).is_err(), "{instead}");
    }
}
