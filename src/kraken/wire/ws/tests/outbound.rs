//! Our requests against those of other clients that the exchange accepted.

use serde::Serialize;
use serde_json::Value;

use super::text;
use crate::kraken::wire::Number;
use crate::kraken::wire::ws::{
    AddOrder, AmendOrder, BatchAdd, BatchCancel, Call, CancelAfter, CancelAll, CancelOrder, EditOrder, OrderKey,
    OrderRef, OrderType, Ping, PrivateParams, PrivateSubscribe, Quantity, Side, Subscribe, SubscribeParams,
    TimeInForce, Token,
};

fn number(text: &str) -> Number {
    text.parse().expect(text)
}

fn token(text: &str) -> Token {
    Token::new(text)
}

/// Numbers as decimals in a text, so that 5 and 5.0 are the same.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(n) => Value::String(number(&n.to_string()).0.normalize().to_string()),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => fields.into_iter().map(|(k, v)| (k, plain(v))).collect(),
        other => other,
    }
}

fn same(request: impl Serialize, folder: &str, file: &str) {
    let ours = serde_json::to_string(&request).expect("our request is JSON");
    let theirs = text(folder, file);
    let read = |text: &str| plain(serde_json::from_str(text).expect(file));
    assert_eq!(read(&ours), read(&theirs), "{file}");
}

fn subscribe(params: SubscribeParams, req_id: u64) -> Subscribe {
    Subscribe { method: "subscribe", params, req_id }
}

fn private(params: PrivateParams, req_id: u64) -> PrivateSubscribe {
    PrivateSubscribe { method: "subscribe", params, req_id }
}

#[test]
fn subscriptions_are_written_as_others_write_them() {
    let file = |name: &str| format!("wss_messages__get_expected_{name}.json");
    let on = |channel: &'static str, symbol: &str| SubscribeParams {
        channel,
        symbol: if symbol.is_empty() { Vec::new() } else { vec![symbol.to_owned()] },
        ..SubscribeParams::default()
    };
    let folder = "kraken_async_rs";
    same(Ping::new(1), folder, &file("ping"));
    same(subscribe(on("ticker", "BTC/USD"), 42), folder, &file("ticker_subscription"));
    same(subscribe(on("trade", "BTC/USD"), 0), folder, &file("trade_subscription"));
    let ohlc = SubscribeParams { interval: Some(60), ..on("ohlc", "ETH/USD") };
    same(subscribe(ohlc, 121), folder, &file("ohlc_subscription"));
    let book = SubscribeParams { depth: Some(10), snapshot: Some(true), ..on("book", "BTC/USD") };
    same(subscribe(book, 11), folder, &file("book_subscription"));
    let instrument = SubscribeParams { snapshot: Some(true), ..on("instrument", "") };
    same(subscribe(instrument, 0), folder, &file("instruments_subscription"));

    let balances = PrivateParams { snapshot: Some(true), ..PrivateParams::new("balances", token("anotherToken")) };
    same(private(balances, 10_312_008), folder, &file("balances_subscription"));
    let executions = PrivateParams {
        snap_orders: Some(true),
        snap_trades: Some(true),
        ..PrivateParams::new("executions", token("someToken"))
    };
    same(private(executions, 0), folder, &file("execution_subscription"));
    let level3 = PrivateParams {
        symbol: vec!["BTC/USD".to_owned()],
        snapshot: Some(true),
        ..PrivateParams::new("level3", token("someToken"))
    };
    same(private(level3, 99), folder, &file("l3_subscription"));
}

fn limit(side: Side, qty: &str, price: &str) -> AddOrder {
    AddOrder {
        limit_price: Some(number(price)),
        ..AddOrder::new(OrderType::Limit, side, Quantity::OrderQty(number(qty)))
    }
}

#[test]
fn new_orders_are_written_as_others_write_them() {
    let add = AddOrder {
        symbol: Some("USDC/USD".to_owned()),
        time_in_force: Some(TimeInForce::Ioc),
        post_only: Some(false),
        fee_preference: Some("quote"),
        reference: Some(OrderRef::ClOrdId("client-zero".to_owned())),
        sender_sub_id: Some("sender-one".to_owned()),
        token: Some(token("aToken")),
        ..limit(Side::Buy, "5", "0.95")
    };
    same(Call::new(add, 0), "kraken_async_rs", "kraken_wss_client__test_add_order_2.json");
    let add = AddOrder {
        symbol: Some("BTC/USD".to_owned()),
        // This client writes capitals; the documentation has small letters.
        time_in_force: Some(TimeInForce::Unknown("GTC".to_owned())),
        post_only: Some(true),
        reference: Some(OrderRef::ClOrdId("O-20260505-000001".to_owned())),
        token: Some(token("TESTTOKEN")),
        ..limit(Side::Buy, "0.01", "30000")
    };
    same(Call::new(add, 42), "nautilus", "ws_add_order_request.json");

    let part =
        |price, fee| AddOrder { post_only: Some(true), fee_preference: Some(fee), ..limit(Side::Buy, "5", price) };
    let batch = BatchAdd {
        symbol: "USDC/USD".to_owned(),
        orders: vec![part("0.99", "quote"), part("0.95", "base")],
        deadline: None,
        validate: None,
        token: token("myToken"),
    };
    same(Call::new(batch, 0), "kraken_async_rs", "kraken_wss_client__test_batch_add_2.json");
    let part = |side, price, name: &str| AddOrder {
        reference: Some(OrderRef::ClOrdId(name.to_owned())),
        ..limit(side, "0.01", price)
    };
    let batch = BatchAdd {
        symbol: "BTC/USD".to_owned(),
        orders: vec![part(Side::Buy, "30000", "O-A"), part(Side::Sell, "31000", "O-B")],
        deadline: None,
        validate: None,
        token: token("TESTTOKEN"),
    };
    same(Call::new(batch, 45), "nautilus", "ws_batch_add_request.json");
}

#[test]
fn changes_and_cancels_are_written_as_others_write_them() {
    let amend = |id: &str, qty, price: Option<&str>, post_only, secret| AmendOrder {
        key: OrderKey::OrderId(id.to_owned()),
        order_qty: number(qty),
        limit_price: price.map(number),
        trigger_price: None,
        display_qty: None,
        post_only,
        deadline: None,
        token: token(secret),
    };
    for file in ["kraken_wss_client__test_amend_order_2.json", "kraken_wss_client__test_amend_order_string.json"] {
        let ours = amend("BQS60L-EGW18-UPAK9U", "5.1", Some("0.96"), Some(false), "aToken");
        same(Call::new(ours, 0), "kraken_async_rs", file);
    }
    let ours = amend("OABCDE-12345-FGHIJ", "0.005", None, None, "TESTTOKEN");
    same(Call::new(ours, 43), "nautilus", "ws_amend_order_request.json");
    let edit = EditOrder {
        order_id: "K1FF7H-A13AR-Q1S9Z6".to_owned(),
        symbol: "USDC/USD".to_owned(),
        order_qty: Some(number("6.1")),
        limit_price: Some(number("0.93")),
        deadline: None,
        token: token("someToken"),
    };
    same(Call::new(edit, 0), "kraken_async_rs", "kraken_wss_client__test_edit_order_2.json");

    let cancel = |order_id: &[&str], cl_ord_id: &[&str], secret| CancelOrder {
        order_id: order_id.iter().map(ToString::to_string).collect(),
        cl_ord_id: cl_ord_id.iter().map(ToString::to_string).collect(),
        order_userref: Vec::new(),
        token: token(secret),
    };
    let ours = Call::new(cancel(&["1V7PZA-L5RIM-RX2G6B"], &[], "thatToken"), 0);
    same(ours, "kraken_async_rs", "kraken_wss_client__test_cancel_order_2.json");
    let ours = Call::new(cancel(&[], &["a-uuid"], "thatToken"), 0);
    same(ours, "kraken_async_rs", "kraken_wss_client__test_cancel_order_by_client_order_id_2.json");
    let ours = Call::new(cancel(&["OABCDE-12345-FGHIJ"], &[], "TESTTOKEN"), 44);
    same(ours, "nautilus", "ws_cancel_order_request.json");
    let batch = BatchCancel {
        orders: ["IY8YF6-Y6LCR-AMZD7P", "XR6VND-GLY6K-DL33TB"].map(str::to_owned).to_vec(),
        cl_ord_id: Vec::new(),
        token: token("theirToken"),
    };
    same(Call::new(batch, 0), "kraken_async_rs", "kraken_wss_client__test_batch_cancel_2.json");
    let ours = Call::new(CancelAll { token: token("thisToken") }, 0);
    same(ours, "kraken_async_rs", "kraken_wss_client__test_cancel_all_orders_2.json");
    let ours = Call::new(CancelAfter { timeout: 5, token: token("yourToken") }, 0);
    same(ours, "kraken_async_rs", "kraken_wss_client__test_cancel_on_disconnect_2.json");
}

#[test]
fn a_token_shows_itself_only_on_the_wire() {
    let request = private(PrivateParams::new("balances", token("secret-token")), 1);
    let call = Call::new(CancelAll { token: token("secret-token") }, 2);
    for shown in [format!("{request:?}"), format!("{call:?}"), format!("{:#?}", token("secret-token"))] {
        assert!(!shown.contains("secret") && shown.contains("***"), "{shown}");
    }
    assert!(serde_json::to_string(&call).expect("json").contains("\"secret-token\""));
}
