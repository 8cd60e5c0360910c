//! Trading methods and private rows of the WebSocket.

use serde_json::json;

use super::*;

fn add(more: Value) -> Value {
    let mut fields =
        json!({"symbol": "BTC/USD", "order_type": "limit", "side": "buy", "order_qty": 1.0, "limit_price": 90.0});
    fields.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    fields
}

#[test]
fn add_order_answers_with_the_ids() {
    let mut f = Floor::new();
    let answer = f.method("add_order", add(json!({"cl_ord_id": "mine", "time_in_force": "gtc"}))).remove(0).unwrap();
    assert_eq!(answer["cl_ord_id"], "mine");
    assert!(answer["order_id"].as_str().unwrap().starts_with('O'));
    let answer = f.method("add_order", add(json!({"order_userref": 5}))).remove(0).unwrap();
    assert_eq!(answer["order_userref"], 5);
    let checked = f.method("add_order", add(json!({"validate": true}))).remove(0).unwrap();
    assert_eq!(checked["order_id"], Value::Null);
    assert_eq!(f.rest("OpenOrders", json!({})).unwrap()["open"].as_object().unwrap().len(), 2);
}

#[test]
fn poor_requests_are_refused_in_the_words_of_the_socket() {
    for (more, error) in [
        (json!({"order_qty": "1.0"}), "Order_qty field must be a number_float"),
        (json!({"limit_price": "90"}), "Limit_price field must be a number_float"),
        (json!({"symbol": "XBT/USD"}), "Currency pair not supported XBT/USD"),
        (json!({"order_type": "x"}), "EGeneral:Invalid arguments:order_type"),
        (json!({"order_qty": 500.0}), "EOrder:Insufficient funds"),
        (json!({"deadline": "2026-05-01T09:59:59.999Z"}), "EService:Deadline elapsed"),
        (json!({"time_in_force": "gtd"}), "EGeneral:Invalid arguments:expiretm"),
    ] {
        let mut f = Floor::new();
        assert_eq!(f.method("add_order", add(more)), vec![Err(error.to_owned())]);
    }
    let mut f = Floor::new();
    assert!(f.desk.method(START, ANNA, "fly", &Params::default(), &mut f.venue).is_none());
}

#[test]
fn cancel_order_answers_once_per_order() {
    let mut f = Floor::new();
    let id = |f: &mut Floor, more: Value| {
        f.method("add_order", add(more)).remove(0).unwrap()["order_id"].as_str().unwrap().to_owned()
    };
    let (a, b) = (id(&mut f, json!({})), id(&mut f, json!({"cl_ord_id": "b"})));
    id(&mut f, json!({"order_userref": 9}));
    let answers = f.method(
        "cancel_order",
        json!({"order_id": [a, "OAAAAA-AAAAA-AAAAAA"], "cl_ord_id": ["b"], "order_userref": [9, 10]}),
    );
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0], Ok(json!({ "order_id": a })));
    assert_eq!(answers[1], Err("EOrder:Unknown order".to_owned()));
    assert_eq!(answers[2], Ok(json!({"cl_ord_id": "b"})));
    assert!(answers[3].is_ok());
    assert_eq!(answers[4], Err("EOrder:Unknown order".to_owned()));
    assert_eq!(f.brief(&b), "canceled 0.00000000");
    assert_eq!(f.method("cancel_order", json!({})), vec![Err("EGeneral:Invalid arguments:order_id".to_owned())]);
}

#[test]
fn batches_amendments_and_the_switch() {
    let mut f = Floor::new();
    let order = |price: f64, more: Value| {
        let mut o = add(more);
        o["limit_price"] = json!(price);
        o
    };
    let answer = f.method(
        "batch_add",
        json!({"symbol": "BTC/USD", "orders": [order(90.0, json!({})), order(91.0, json!({"cl_ord_id": "poor", "order_qty": 400.0}))]}),
    );
    let rows = answer[0].clone().unwrap();
    assert_eq!(rows[1], json!({"cl_ord_id": "poor", "error": "EOrder:Insufficient funds", "success": false}));
    let id = rows[0]["order_id"].as_str().unwrap().to_owned();
    let amended = f.method("amend_order", json!({"order_id": id, "limit_price": 90.5})).remove(0).unwrap();
    assert_eq!(amended["order_id"], id.as_str());
    assert_eq!(f.show(&id)["descr"]["price"], "90.5");
    let edited =
        f.method("edit_order", json!({"symbol": "BTC/USD", "order_id": id, "limit_price": 89.0})).remove(0).unwrap();
    assert_eq!(edited["original_order_id"], id.as_str());
    let id = edited["order_id"].as_str().unwrap().to_owned();
    assert_eq!(f.method("batch_cancel", json!({ "orders": [id] })), vec![Ok(json!({"orders_cancelled": 1}))]);
    f.method("add_order", add(json!({})));
    assert_eq!(f.method("cancel_all", json!({})), vec![Ok(json!({"count": 1}))]);
    let switch = f.method("cancel_all_orders_after", json!({"timeout": 60})).remove(0).unwrap();
    assert_eq!(switch["triggerTime"], "2026-05-01T10:01:00Z");
}

#[test]
fn triggers_conditionals_and_cash_quantities_are_understood() {
    let mut f = Floor::new();
    let stop = json!({"symbol": "BTC/USD", "order_type": "stop-loss-limit", "side": "sell", "order_qty": 1, "limit_price": 94.0,
                      "triggers": {"reference": "last", "price": -4.0, "price_type": "pct"}});
    let id = f.method("add_order", stop).remove(0).unwrap()["order_id"].as_str().unwrap().to_owned();
    assert_eq!(f.show(&id)["descr"]["order"], "sell 1.00000000 XBTUSD @ stop loss 96.0 -> limit 94.0");
    let trailing = json!({"symbol": "BTC/USD", "order_type": "trailing-stop", "side": "sell", "order_qty": 1,
                          "triggers": {"price": 1.0, "price_type": "pct"}});
    let id = f.method("add_order", trailing).remove(0).unwrap()["order_id"].as_str().unwrap().to_owned();
    assert_eq!(f.show(&id)["descr"]["price"], "+1.0000%");
    f.story();
    let close =
        add(json!({"conditional": {"order_type": "take-profit-limit", "trigger_price": 110.0, "limit_price": 109.0}}));
    f.method("add_order", close);
    let event = f.desk.drain().remove(0);
    assert_eq!(
        event.rows[0]["contingent"],
        json!({"order_type": "take-profit-limit", "trigger_price": 110, "trigger_price_type": "static",
               "limit_price": 109, "limit_price_type": "static"})
    );
    let cash = json!({"symbol": "BTC/USD", "order_type": "market", "side": "buy", "cash_order_qty": 50.0});
    let id = f.method("add_order", cash).remove(0).unwrap()["order_id"].as_str().unwrap().to_owned();
    assert_eq!(f.brief(&id), "closed 0.49950049");
}

#[test]
fn rows_tell_what_changed_and_sums_are_exact() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1.5 100.1", json!({"cl_ord_id": "rows"})).unwrap();
    let events = f.desk.drain();
    assert!(events.iter().all(|e| e.account == ANNA && &*e.symbol == "BTC/USD"));
    let kinds: Vec<RowKind> = events.iter().map(|e| e.kind).collect();
    assert_eq!(kinds, [RowKind::Step, RowKind::OpenClose, RowKind::Trade, RowKind::Ledger]);
    let fill = f.desk.fills_json()[0].clone();
    assert_eq!(
        json_text(&events[2].rows[0]),
        format!(
            concat!(
                "{{\"avg_price\":100.1,\"cost\":100.1,\"cum_cost\":100.1,\"cum_qty\":1,\"exec_id\":{},\"exec_type\":\"trade\",",
                "\"fee_usd_equiv\":0.8008,\"fees\":[{{\"asset\":\"USD\",\"qty\":0.8008}}],\"last_price\":100.1,\"last_qty\":1,",
                "\"liquidity_ind\":\"t\",\"order_id\":\"{}\",\"order_status\":\"partially_filled\",\"order_type\":\"limit\",",
                "\"order_userref\":0,\"side\":\"buy\",\"symbol\":\"BTC/USD\",\"timestamp\":\"2026-05-01T10:00:00.000000Z\",",
                "\"trade_id\":{}}}"
            ),
            fill["txid"], id, fill["trade_id"]
        )
    );
    let new = &events[1].rows[0];
    assert_eq!((new["symbol"].clone(), new["cl_ord_id"].as_str()), (Value::Null, Some("rows")));
    let usd = &events[3].rows[1];
    assert_eq!((&usd["asset"], &usd["ref_id"]), (&json!("USD"), &fill["txid"]));
    assert_eq!(json_text(&usd["balance"]), "9899.0992");
    f.rest("CancelOrder", json!({ "txid": id })).unwrap();
    let end = f.desk.drain().remove(0).rows.remove(0);
    assert_eq!((end["exec_type"].as_str(), end["reason"].as_str()), (Some("canceled"), Some("User requested")));
    assert_eq!(json_text(&end["cum_qty"]), "1");
}

#[test]
fn full_deltas_name_the_order_in_every_row() {
    let mut f = Floor::with(DeskOptions { full_deltas: true, ..DeskOptions::default() });
    f.order("buy limit 1 100.1", json!({"cl_ord_id": "full"})).unwrap();
    let rows: Vec<Value> =
        f.desk.drain().into_iter().filter(|e| e.channel == Channel::Executions).flat_map(|e| e.rows).collect();
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert_eq!((row["symbol"].as_str(), row["side"].as_str()), (Some("BTC/USD"), Some("buy")), "{row}");
        assert_eq!((row["order_type"].as_str(), row["cl_ord_id"].as_str()), (Some("limit"), Some("full")), "{row}");
    }
}

#[test]
fn snapshots_hold_open_orders_fills_and_balances() {
    let mut f = Floor::new();
    f.order("buy limit 1.5 100.1", json!({"cl_ord_id": "snap"})).unwrap();
    f.order("sell stop-loss 1 95", json!({})).unwrap();
    let shown = f.desk.executions_snapshot(f.now, ANNA, true, true);
    assert_eq!((shown.orders.len(), shown.trades.len()), (2, 1));
    let row = &shown.orders[0];
    assert_eq!((row["order_status"].as_str(), row["exec_type"].as_str()), (Some("partially_filled"), Some("new")));
    assert_eq!((row["cl_ord_id"].as_str(), row["limit_price"].as_f64()), (Some("snap"), Some(100.1)));
    assert_eq!(
        shown.orders[1]["triggers"],
        json!({"reference": "last", "status": "untriggered", "price": 95, "price_type": "static"})
    );
    assert_eq!(shown.trades[0]["exec_type"], "trade");
    assert_eq!(f.desk.executions_snapshot(f.now, BERT, true, true), ExecutionsSnapshot::default());
    assert!(f.desk.executions_snapshot(f.now, ANNA, false, false).orders.is_empty());
    let balances = f.desk.balances_snapshot(f.now, ANNA);
    let usd = balances.iter().find(|b| b["asset"] == "USD").unwrap();
    assert_eq!(json_text(&usd["balance"]), "9899.0992");
    assert_eq!(usd["wallets"][0]["type"], "spot");
}
