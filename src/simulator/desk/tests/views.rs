//! REST views: shapes, filters, pages.

use serde_json::json;

use super::*;

#[test]
fn an_open_order_has_kraken_s_shape() {
    let mut f = Floor::new();
    f.now = f.now.plus_ms(123);
    let id = f.order("buy limit 1.25 99.5", json!({"cl_ord_id": "a1", "oflags": "post"})).unwrap();
    let open = f.rest("OpenOrders", json!({"trades": true})).unwrap();
    let wanted = json!({"open": {id: {
        "refid": null, "userref": 0, "cl_ord_id": "a1", "status": "open", "opentm": 1_777_629_600.123, "starttm": 0, "expiretm": 0,
        "descr": {"pair": "XBTUSD", "aclass": "forex", "type": "buy", "ordertype": "limit", "price": "99.5", "price2": "0",
                  "leverage": "none", "order": "buy 1.25000000 XBTUSD @ limit 99.5", "close": ""},
        "vol": "1.25000000", "vol_exec": "0.00000000", "cost": "0.00000", "fee": "0.00000", "price": "0.00000",
        "stopprice": "0.00000", "limitprice": "0.00000", "misc": "", "oflags": "post,fciq"}}});
    assert_eq!(open, wanted);
}

#[test]
fn trades_and_ledger_tell_the_same_story() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1.5 100.2", json!({})).unwrap();
    let each = f.rest("TradesHistory", json!({"consolidate_taker": false, "ledgers": true})).unwrap();
    assert_eq!(each["count"], 2);
    let rows: Vec<&Value> = each["trades"].as_object().unwrap().values().collect();
    let ledgers: usize = rows.iter().map(|r| r["ledgers"].as_array().unwrap().len()).sum();
    assert_eq!(ledgers, 4);
    let whole = f.rest("TradesHistory", json!({})).unwrap();
    assert_eq!(whole["count"], 1);
    let (txid, row) = whole["trades"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(row["ordertxid"], id.as_str());
    assert_eq!(row["pair"], "XXBTZUSD");
    let shown = ["price", "cost", "fee", "vol", "margin", "leverage", "misc"].map(|k| row[k].as_str().unwrap());
    assert_eq!(shown, ["100.13333", "150.20000", "1.20160", "1.50000000", "0.00000", "0", ""]);
    assert_eq!((row["maker"].as_bool(), row["ledgers"].clone()), (Some(false), Value::Null));
    let single = f.rest("QueryTrades", json!({ "txid": txid })).unwrap();
    assert_eq!(single[txid]["vol"], "1.00000000");
    let ledger = f.rest("Ledgers", json!({"asset": "USD,XBT", "type": "trade"})).unwrap();
    assert_eq!(ledger["count"], 4);
    let first = single[txid].clone();
    let entries: Vec<Value> =
        ledger["ledger"].as_object().unwrap().values().filter(|e| e["refid"] == txid.as_str()).cloned().collect();
    let usd = entries.iter().find(|e| e["asset"] == "ZUSD").unwrap();
    assert_eq!((usd["amount"].as_str(), usd["fee"].as_str()), (Some("-100.1000"), Some("0.8008")));
    assert_eq!(usd["balance"], "9899.0992");
    assert_eq!(first["time"], usd["time"]);
    let ids: Vec<&String> = ledger["ledger"].as_object().unwrap().keys().collect();
    assert_eq!(f.rest("QueryLedgers", json!({ "id": ids[0] })).unwrap()[ids[0]], ledger["ledger"][ids[0]]);
    assert_eq!(f.rest("QueryLedgers", json!({"id": "LAAAAA"})), Err("EGeneral:Invalid arguments:id".to_owned()));
}

#[test]
fn start_is_exclusive_and_end_inclusive() {
    let mut f = Floor::new();
    for _ in 0..3 {
        f.wait(1_000);
        f.order("buy limit 0.1 100.1", json!({})).unwrap();
    }
    let count = |f: &mut Floor, fields: Value| f.rest("TradesHistory", fields).unwrap()["count"].as_u64().unwrap();
    assert_eq!(count(&mut f, json!({"start": 1_777_629_601})), 2);
    assert_eq!(count(&mut f, json!({"start": "1777629600.999"})), 3);
    assert_eq!(count(&mut f, json!({"end": 1_777_629_602})), 2);
    assert_eq!(count(&mut f, json!({"start": 1_777_629_601, "end": 1_777_629_602})), 1);
    let all = f.rest("TradesHistory", json!({})).unwrap();
    let rows = all["trades"].as_object().unwrap();
    let oldest =
        rows.iter().min_by(|a, b| a.1["time"].as_f64().unwrap().total_cmp(&b.1["time"].as_f64().unwrap())).unwrap();
    assert_eq!(count(&mut f, json!({ "start": oldest.0 })), 2, "ids stand for their instants");
    assert_eq!(
        f.rest("TradesHistory", json!({"start": "nonsense"})),
        Err("EGeneral:Invalid arguments:start".to_owned())
    );
    assert_eq!(f.rest("TradesHistory", json!({"without_count": true})).unwrap()["count"], Value::Null);
}

#[test]
fn lists_come_in_pages_of_fifty_newest_first() {
    let mut f = Floor::with(DeskOptions { strict: false, ..DeskOptions::default() });
    let mut ids = Vec::new();
    for n in 0..60 {
        f.wait(1_000);
        let id = f.order("buy limit 0.01 90", json!({ "userref": n % 2 })).unwrap();
        f.rest("CancelOrder", json!({ "txid": id })).unwrap();
        ids.push(id);
    }
    let page = |f: &mut Floor, fields: Value| {
        let answer = f.rest("ClosedOrders", fields).unwrap();
        (answer["count"].as_u64().unwrap(), answer["closed"].as_object().unwrap().clone())
    };
    let (count, first) = page(&mut f, json!({}));
    assert_eq!((count, first.len()), (60, 50));
    assert!(first.contains_key(&ids[59]) && first.contains_key(&ids[10]) && !first.contains_key(&ids[9]));
    let (_, second) = page(&mut f, json!({"ofs": "50"}));
    assert_eq!(second.len(), 10);
    assert!(second.contains_key(&ids[0]));
    assert_eq!(page(&mut f, json!({"userref": 1})).0, 30);
    let row = &first[&ids[59]];
    assert_eq!((row["status"].as_str(), row["reason"].as_str()), (Some("canceled"), Some("User requested")));
    assert!(row["closetm"].as_f64().unwrap() >= row["opentm"].as_f64().unwrap());
    assert_eq!(page(&mut f, json!({"start": 1_777_629_650})).0, 10);
    assert_eq!(page(&mut f, json!({"closetime": "open", "end": 1_777_629_605})).0, 5);
}

#[test]
fn balances_have_the_decimals_of_their_assets() {
    let mut f = Floor::new();
    f.order("buy limit 1 90", json!({})).unwrap();
    assert_eq!(
        f.rest("Balance", json!({})),
        Ok(json!({"XETH": "100.0000000000", "XXBT": "10.0000000000", "ZUSD": "10000.0000"}))
    );
    let extended = f.rest("BalanceEx", json!({})).unwrap();
    assert_eq!(extended["ZUSD"], json!({"balance": "10000.0000", "hold_trade": "90.7200"}));
    let worth = f.rest("TradeBalance", json!({"asset": "ZUSD"})).unwrap();
    assert_eq!(
        (worth["eb"].as_str(), worth["mf"].as_str(), worth["m"].as_str()),
        (Some("12000.0000"), Some("12000.0000"), Some("0.0000"))
    );
    assert_eq!(f.rest("TradeBalance", json!({"asset": "XBT"})).unwrap()["eb"], "120.0000");
    assert_eq!(f.rest("TradeBalance", json!({"asset": "XYZ"})), Err("EQuery:Unknown asset".to_owned()));
}

#[test]
fn several_orders_can_be_asked_for_at_once() {
    let mut f = Floor::new();
    let ids: Vec<String> =
        ["90", "91"].iter().map(|p| f.order(&format!("buy limit 1 {p}"), json!({})).unwrap()).collect();
    let found =
        f.rest("QueryOrders", json!({ "txid": format!("{},OAAAAA-AAAAA-AAAAAA, {}", ids[0], ids[1]) })).unwrap();
    assert_eq!(found.as_object().unwrap().len(), 2);
    assert_eq!(f.rest("QueryOrders", json!({})), Err("EGeneral:Invalid arguments:txid".to_owned()));
    let many = vec!["O"; 51].join(",");
    assert_eq!(f.rest("QueryOrders", json!({ "txid": many })), Err("EGeneral:Invalid arguments:txid".to_owned()));
}
