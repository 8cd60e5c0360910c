//! Answers and rows have every field, of the same JSON type, that Kraken's recorded ones have.

use serde_json::json;

use super::*;

macro_rules! recorded {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/kraken/kraken_async_rs/",
            $name,
            ".json"
        )))
        .unwrap()
    };
}

/// Fields that depend on things the stand-in does not have, or that Kraken calls deprecated.
const LEFT_OUT: [&str; 5] = ["link_id", "sender_sub_id", "margin", "stop_price", "trigger"];

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn like(theirs: &Value, ours: &Value, place: &str) {
    match (theirs, ours) {
        (Value::Null, _) => {}
        (Value::Object(fields), Value::Object(_)) => {
            for (key, value) in fields.iter().filter(|(key, _)| !LEFT_OUT.contains(&key.as_str())) {
                let own = ours.get(key).unwrap_or_else(|| panic!("{place}: no '{key}' in {ours}"));
                like(value, own, &format!("{place}.{key}"));
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            if let (Some(theirs), Some(ours)) = (theirs.first(), ours.first()) {
                like(theirs, ours, place);
            }
        }
        _ => assert_eq!(kind(theirs), kind(ours), "{place}: {theirs} against {ours}"),
    }
}

/// The first row of a list by id.
fn row(list: &Value) -> &Value {
    list.as_object().unwrap().values().next().unwrap()
}

#[test]
fn rest_answers_have_the_recorded_fields() {
    let mut f = Floor::new();
    let fields =
        |volume: &str| json!({"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": volume, "price": "90"});
    let added = f.rest("AddOrder", fields("1")).unwrap();
    like(&recorded!("trading_response_json__get_add_order_json")["result"], &added, "AddOrder");
    let id = f.order("buy limit 1 90", json!({"cl_ord_id": "shape"})).unwrap();
    f.order("buy limit 0.5 100.1", json!({})).unwrap();
    let open = f.rest("OpenOrders", json!({"cl_ord_id": "shape"})).unwrap()["open"].clone();
    like(row(&recorded!("account_response_json__get_open_orders_json")["result"]["open"]), row(&open), "OpenOrders");
    let amended = f.rest("AmendOrder", json!({"txid": id, "order_qty": "2"})).unwrap();
    like(&recorded!("trading_response_json__get_amend_order_json")["result"], &amended, "AmendOrder");
    let edited = f.rest("EditOrder", json!({"txid": id, "volume": "3", "userref": 1234})).unwrap();
    like(&recorded!("trading_response_json__get_edit_order_json")["result"], &edited, "EditOrder");
    let queried = f.rest("QueryOrders", json!({"txid": id})).unwrap();
    like(row(&recorded!("account_response_json__get_query_order_info_json")["result"]), row(&queried), "QueryOrders");
    let batch = f.rest("AddOrderBatch", json!({"pair": "XBTUSD", "orders": [fields("1"), fields("2")]})).unwrap();
    like(&recorded!("trading_response_json__get_add_order_batch_json")["result"], &batch, "AddOrderBatch");
    let switch = f.rest("CancelAllOrdersAfter", json!({"timeout": 60})).unwrap();
    like(
        &recorded!("trading_response_json__get_cancel_all_orders_after_json")["result"],
        &switch,
        "CancelAllOrdersAfter",
    );
    let trades = f.rest("TradesHistory", json!({"ledgers": true})).unwrap()["trades"].clone();
    let single =
        f.rest("QueryTrades", json!({"txid": trades.as_object().unwrap().keys().next(), "ledgers": true})).unwrap();
    let theirs = recorded!("account_response_json__get_query_trades_info_json")["result"].clone();
    // `margin` is left out of orders only.
    assert!(row(&single)["margin"].is_string());
    like(row(&theirs), row(&trades), "TradesHistory");
    like(row(&theirs), row(&single), "QueryTrades");
    let ledger = f.rest("Ledgers", json!({})).unwrap()["ledger"].clone();
    like(row(&recorded!("account_response_json__get_query_ledgers_json")["result"]), row(&ledger), "Ledgers");
    let volume = f.rest("TradeVolume", json!({"pair": "XXBTZUSD"})).unwrap();
    like(&recorded!("account_response_json__get_trade_volume_per_pair_json")["result"], &volume, "TradeVolume");
    let worth = f.rest("TradeBalance", json!({})).unwrap();
    like(&recorded!("account_response_json__get_trade_balance_json")["result"], &worth, "TradeBalance");
    let balances = f.rest("BalanceEx", json!({})).unwrap();
    like(
        &recorded!("account_response_json__get_extended_balance_json")["result"]["ZUSD"],
        &balances["ZUSD"],
        "BalanceEx",
    );
}

#[test]
fn private_rows_have_the_recorded_fields() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1.5 100.1", json!({})).unwrap();
    f.rest("AmendOrder", json!({"txid": id, "order_qty": "1.4"})).unwrap();
    f.rest("CancelOrder", json!({ "txid": id })).unwrap();
    f.order("sell stop-loss-limit 1 95 94", json!({"trigger": "index"})).unwrap();
    let rows: Vec<Value> = f.desk.drain().into_iter().flat_map(|event| event.rows).collect();
    let ours = |exec: &str, kind: &str| {
        let fits = |r: &&Value| r["exec_type"] == exec && (kind.is_empty() || r["order_type"] == kind);
        rows.iter().find(fits).unwrap_or_else(|| panic!("no {exec} {kind}"))
    };
    let first = |frame: Value| frame["data"][0].clone();
    like(
        &first(recorded!("kraken_wss_client__test_execution_limit_order_update_pending")),
        ours("pending_new", "limit"),
        "pending",
    );
    like(
        &first(recorded!("kraken_wss_client__test_execution_stop_loss_limit_order_update_pending")),
        ours("pending_new", "stop-loss-limit"),
        "pending stop",
    );
    like(&first(recorded!("kraken_wss_client__test_execution_order_update_new")), ours("new", ""), "new");
    like(&first(recorded!("kraken_wss_client__test_execution_order_amended")), ours("amended", ""), "amended");
    like(
        &first(recorded!("kraken_wss_client__test_execution_order_update_cancelled")),
        ours("canceled", ""),
        "canceled",
    );
    let mut trade = recorded!("user_data_messages__test_deserializing_execution_trade");
    // Ids that another venue gave.
    trade.as_object_mut().unwrap().retain(|key, _| !key.starts_with("ext_"));
    like(&trade, ours("trade", ""), "trade");
    let ledger = rows.iter().find(|r| r["asset"] == "USD").unwrap();
    like(&first(recorded!("kraken_wss_client__test_balances_updates")), ledger, "balances");
    let snapshot = f.desk.balances_snapshot(f.now, ANNA);
    like(&recorded!("kraken_wss_client__test_balances_snapshot")["data"][4], &snapshot[0], "balances snapshot");
    let trades = f.desk.executions_snapshot(f.now, ANNA, true, true).trades;
    like(&first(recorded!("kraken_wss_client__test_execution_trades_snapshot")), &trades[0], "trades snapshot");
}

#[test]
fn methods_answer_with_the_recorded_fields() {
    let mut f = Floor::new();
    let order = json!({"symbol": "BTC/USD", "order_type": "limit", "side": "buy", "order_qty": 1, "limit_price": 90, "cl_ord_id": "shape"});
    let plain = json!({"order_type": "limit", "side": "buy", "order_qty": 1, "limit_price": 90});
    let answer = |f: &mut Floor, method: &str, fields: Value| f.method(method, fields).remove(0).unwrap();
    let added = answer(&mut f, "add_order", order);
    like(&recorded!("kraken_wss_client__test_add_order")["result"], &added, "add_order");
    let amended = answer(&mut f, "amend_order", json!({"order_id": added["order_id"], "order_qty": 2}));
    like(&recorded!("kraken_wss_client__test_amend_order")["result"], &amended, "amend_order");
    let edited =
        answer(&mut f, "edit_order", json!({"symbol": "BTC/USD", "order_id": added["order_id"], "order_qty": 3}));
    like(&recorded!("kraken_wss_client__test_edit_order")["result"], &edited, "edit_order");
    let batch = answer(&mut f, "batch_add", json!({"symbol": "BTC/USD", "orders": [plain, plain]}));
    like(&recorded!("kraken_wss_client__test_batch_add")["result"], &batch, "batch_add");
}
