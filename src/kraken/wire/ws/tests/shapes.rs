//! Values inside the frames, shapes that only some of them have, and what must be refused.

use proptest::prelude::*;

use super::{said, text};
use crate::kraken::wire::ws::{
    Ack, BalanceRows, BatchItem, ExecType, FrameError, Inbound, LARGEST_FRAME, Liquidity, Method, MethodResult,
    OrderEvent, OrderIds, OrderStatus, OrderType, TimeInForce, decode,
};

fn read(frame: &str) -> Inbound {
    decode(frame.as_bytes()).unwrap_or_else(|e| panic!("{e}: {frame}"))
}

fn result(frame: &str) -> MethodResult {
    match read(frame) {
        Inbound::Reply(reply) => reply.outcome.expect("accepted"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn executions_keep_what_was_told_and_nothing_else() {
    let Inbound::Executions { rows, .. } =
        read(&text("kraken_async_rs", "kraken_wss_client__test_execution_trades_snapshot.json"))
    else {
        panic!("no executions")
    };
    let fill = &rows[1];
    assert_eq!(fill.exec_id.as_deref(), Some("0CVSSH-KVM0J-TCXLSQ"));
    assert_eq!(fill.liquidity_ind, Some(Liquidity::Maker));
    assert_eq!(fill.last_qty.map(|n| n.to_string()).as_deref(), Some("25.00000000"));
    assert_eq!((fill.fees[0].asset.as_str(), fill.fees[0].qty.to_string()), ("USD", "0.024038".to_owned()));
    assert_eq!((fill.margin, fill.liquidated, fill.trade_id), (Some(true), Some(true), Some(2_125_408)));

    let file = "kraken_wss_client__test_execution_order_update_new.json";
    let Inbound::Executions { rows, .. } = read(&text("kraken_async_rs", file)) else { panic!("no executions") };
    assert_eq!((rows[0].symbol.clone(), rows[0].order_qty, rows[0].fees.len()), (None, None, 0));
    assert_eq!(rows[0].order_status, Some(OrderStatus::New));

    let file = "kraken_wss_client__test_execution_stop_loss_limit_order_update_pending.json";
    let Inbound::Executions { rows, .. } = read(&text("kraken_async_rs", file)) else { panic!("no executions") };
    let order = &rows[0];
    assert_eq!((&order.order_type, &order.time_in_force), (&Some(OrderType::StopLossLimit), &Some(TimeInForce::Gtc)));
    let triggers = order.triggers.as_ref().expect("triggers");
    assert_eq!((triggers.reference.as_deref(), triggers.status.as_deref()), (Some("index"), Some("untriggered")));
}

#[test]
fn new_words_of_the_exchange_break_nothing() {
    let frame = r#"{"channel":"executions","type":"restart","sequence":3,"extra":{"a":[1]},"data":[{"order_id":"O","exec_type":"moved",
        "order_status":"paused","order_type":"pegged","time_in_force":"DAY","fees":null,"new_field":{"x":1}}]}"#;
    let Inbound::Executions { rows, .. } = read(frame) else { panic!("no executions") };
    assert_eq!(rows[0].exec_type, Some(ExecType::Unknown("moved".to_owned())));
    assert_eq!(rows[0].time_in_force, Some(TimeInForce::Unknown("DAY".to_owned())));
    for (frame, meant) in [
        (r#"{"channel":"candles2","type":"update","data":7}"#, "unknown candles2"),
        (r#"{"method":"do_things","success":true,"result":{},"req_id":1}"#, "unknown do_things"),
        (
            r#"{"method":"do_things","success":false,"error":"EGeneral:Unknown method","req_id":1}"#,
            "do_things refused: EGeneral:Unknown method",
        ),
        (r#"{"Error":"Exceeded msg rate"}"#, "error: Exceeded msg rate"),
        (r#"{"error":"Malformed request","success":false}"#, "error: Malformed request"),
        (r#"{"method":"pong","time_in":"x","time_out":"y"}"#, "pong None"),
        (r#"{"method":"pong","req_id":null}"#, "pong None"),
        (r#"{"channel":"status","type":"update","data":[{"system":"half_open"}]}"#, "status half_open None"),
        (r#"{"channel":"ticker","type":"update","data":[]}"#, "ticker update 0"),
        (r#"{"channel":"instrument","type":"update","data":{}}"#, "instrument update 0+0"),
        (
            r#"{"method":"unsubscribe","result":{"channel":"book","depth":10,"symbol":"BTC/USD"},"success":true,"req_id":9}"#,
            "unsubscribe book BTC/USD",
        ),
        (
            r#"{"method":"unsubscribe","error":"Subscription Not Found","success":false,"symbol":"A/B"}"#,
            "unsubscribe refused: Subscription Not Found",
        ),
        (
            r#"{"method":"subscribe","error":"ESession:Invalid session","success":false,"req_id":3}"#,
            "subscribe refused: ESession:Invalid session",
        ),
        (r#"{"method":"add_order","success":false,"req_id":3}"#, "add_order refused: refused without a reason"),
        (
            r#"{"method":"add_order","error":"Unsupported field: 'price' for the given msg type: add order","success":false}"#,
            "add_order refused: Unsupported field: 'price' for the given msg type: add order",
        ),
    ] {
        assert_eq!(said(frame), meant);
    }
}

#[test]
fn acks_carry_what_their_channel_adds() {
    let ack = |file: &str| match read(&text("kraken_async_rs", file)) {
        Inbound::Ack(ack) => ack,
        other => panic!("{other:?}"),
    };
    let executions = ack("wss_messages__get_execution_subscription_response.json");
    assert_eq!((executions.max_rate_count, executions.warnings.len()), (Some(180), 4));
    assert_eq!(ack("wss_messages__get_ticker_subscription_response.json").event_trigger.as_deref(), Some("trades"));
    assert_eq!(ack("wss_messages__get_ohlc_subscription_response.json").interval, Some(60));
    let book = ack("wss_messages__get_book_subscription_response.json");
    let meant = Ack {
        subscribe: true,
        success: true,
        channel: Some("book".to_owned()),
        symbol: Some("BTC/USD".to_owned()),
        req_id: Some(11),
        depth: Some(10),
        snapshot: Some(true),
        ..Ack::default()
    };
    assert_eq!(book, meant);
    let refused = ack("base_messages__test_deserializing_subscribe_error_message.json");
    assert_eq!((refused.success, refused.symbol.as_deref(), refused.req_id), (false, Some("WWW/USD"), Some(0)));
}

#[test]
fn both_shapes_of_a_batch_say_the_same() {
    let order = |id: &str| BatchItem {
        ids: OrderIds { order_id: Some(id.to_owned()), ..OrderIds::default() },
        error: None,
        warnings: Vec::new(),
    };
    let list = r#"{"method":"batch_add","result":[{"order_id":"A"},{"order_id":"B"}],"success":true,"req_id":1}"#;
    let object =
        r#"{"method":"batch_add","result":{"orders":[{"order_id":"A"},{"order_id":"B"}]},"success":true,"req_id":1}"#;
    let meant = MethodResult::BatchAdded(vec![order("A"), order("B")]);
    assert_eq!((result(list), result(object)), (meant.clone(), meant));
    let MethodResult::BatchAdded(items) = result(&text("nautilus", "ws_batch_add_response_partial.json")) else {
        panic!("no batch")
    };
    assert_eq!((items[0].error.as_deref(), items[1].error.as_deref()), (None, Some("EOrder:Invalid price")));
    assert_eq!(items[1].ids.cl_ord_id.as_deref(), Some("O-B"));
    for count in [
        r#"{"method":"batch_cancel","orders_cancelled":2,"success":true}"#,
        r#"{"method":"batch_cancel","count":2,"success":true}"#,
        r#"{"method":"batch_cancel","result":{"count":2},"success":true}"#,
        r#"{"method":"batch_cancel","result":{"orders_cancelled":2},"success":true}"#,
    ] {
        assert_eq!(result(count), MethodResult::BatchCancelled { count: Some(2) }, "{count}");
    }
}

#[test]
fn replies_name_the_order_and_tell_the_instants() {
    let Inbound::Reply(reply) = read(&text("kraken_async_rs", "kraken_wss_client__test_edit_order.json")) else {
        panic!("no reply")
    };
    assert_eq!((reply.method, reply.req_id), (Method::EditOrder, Some(0)));
    assert_eq!(reply.time_in.map(|t| t.to_string()).as_deref(), Some("2024-05-19T12:12:30.171615Z"));
    let Ok(MethodResult::Edited { ids, original_order_id, .. }) = reply.outcome else { panic!("not edited") };
    assert_eq!(ids.order_id.as_deref(), Some("7FIK6B-S15X0-DPJJTH"));
    assert_eq!(original_order_id.as_deref(), Some("K1FF7H-A13AR-Q1S9Z6"));
    let MethodResult::CancelAfter { current_time, trigger_time } =
        result(&text("kraken_async_rs", "kraken_wss_client__test_cancel_on_disconnect.json"))
    else {
        panic!("no switch")
    };
    assert_eq!(trigger_time.expect("set").0 - current_time.expect("told").0, 5_000_000_000);
    let validated = result(r#"{"method":"add_order","result":{"cl_ord_id":"c","warnings":["w"]},"success":true}"#);
    let MethodResult::Added { ids, warnings } = validated else { panic!("not added") };
    assert_eq!((ids.order_id, ids.cl_ord_id.as_deref(), warnings.len()), (None, Some("c"), 1));
    // An instant that cannot be read must not cost the answer.
    let frame =
        r#"{"method":"cancel_all","result":{"count":1},"success":true,"time_out":"2022-06-13T08:09:10.7890123"}"#;
    assert_eq!(result(frame), MethodResult::AllCancelled { count: Some(1) });
}

#[test]
fn balances_and_single_orders_are_exact() {
    let Inbound::Balances { rows: BalanceRows::Snapshot(rows), .. } =
        read(&text("kraken_async_rs", "kraken_wss_client__test_balances_snapshot.json"))
    else {
        panic!("no snapshot")
    };
    assert_eq!(rows[1].balance.to_string(), "774.6366982600");
    assert_eq!(rows[4].wallets[0].balance.to_string(), "1.34");
    let Inbound::Balances { rows: BalanceRows::Update(rows), .. } =
        read(&text("kraken_async_rs", "kraken_wss_client__test_balances_updates.json"))
    else {
        panic!("no update")
    };
    assert_eq!((rows[0].amount.to_string(), rows[0].kind.as_deref()), ("-19.9743".to_owned(), Some("trade")));
    let Inbound::Level3 { rows, .. } = read(&text("nautilus", "ws_l3_update_delete.json")) else { panic!("no level3") };
    assert_eq!(rows[0].asks[0].event, Some(OrderEvent::Delete));
}

#[test]
fn what_means_nothing_is_refused_with_its_reason() {
    let error = |frame: &[u8]| decode(frame).expect_err("refused");
    assert!(matches!(error(b"<!DOCTYPE html><html>520</html>"), FrameError::Html { .. }));
    assert!(matches!(error(b" \n<html>"), FrameError::Html { .. }));
    assert!(matches!(error(b"Service Unavailable"), FrameError::NotJson { .. }));
    assert!(matches!(error(b"{\"channel\":\"book\"} trailing"), FrameError::NotJson { .. }));
    assert!(matches!(error(b"{\"channel\":\"\xff\xfe\"}"), FrameError::NotJson { .. }));
    for cut in ["", "{", "{\"channel\":\"bo", "{\"channel\":\"book\",\"data\":[{\"sym", "[1,"] {
        assert!(matches!(error(cut.as_bytes()), FrameError::Truncated { .. }), "{cut}");
    }
    for nameless in ["{}", "{\"result\":1}", "{\"channel\":null}"] {
        assert!(matches!(error(nameless.as_bytes()), FrameError::Nameless { .. }), "{nameless}");
    }
    assert!(matches!(error(b"{\"event\":\"heartbeat\"}"), FrameError::VersionOne { .. }));
    for wrong in [
        "7",
        "\"text\"",
        "{\"channel\":7}",
        "{\"channel\":\"book\"}",
        "{\"channel\":\"book\",\"type\":\"update\"}",
        "{\"channel\":\"book\",\"data\":[]}",
        "{\"channel\":\"book\",\"type\":\"update\",\"data\":{}}",
        "{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\"A/B\",\"checksum\":-1}]}",
        "{\"channel\":\"trade\",\"type\":\"update\",\"data\":[{\"symbol\":\"A/B\",\"price\":true}]}",
        "{\"channel\":\"status\",\"type\":\"update\",\"data\":[]}",
        "{\"channel\":\"balances\",\"type\":\"other\",\"data\":[]}",
        "{\"method\":\"subscribe\",\"result\":7}",
        "{\"method\":\"add_order\",\"result\":7}",
        "{\"method\":\"add_order\",\"req_id\":\"seven\"}",
    ] {
        assert!(matches!(error(wrong.as_bytes()), FrameError::WrongType { .. }), "{wrong}");
    }
    let big = vec![b' '; LARGEST_FRAME + 1];
    assert_eq!(error(&big), FrameError::TooLarge { bytes: LARGEST_FRAME + 1, limit: LARGEST_FRAME });
    let shown = error(b"\x1b[31mred\x07 alert").to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// A frame that is cut, or has a byte changed, is read or refused, and nothing else.
    #[test]
    fn damaged_frames_never_panic(
        which in 0usize..4, cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let file = [
            "kraken_wss_client__test_book_snapshot.json",
            "kraken_wss_client__test_execution_trades_snapshot.json",
            "kraken_wss_client__test_batch_add.json",
            "wss_messages__get_execution_subscription_response.json",
        ][which];
        let mut frame = text("kraken_async_rs", file).into_bytes();
        let _ = decode(&frame[..cut.index(frame.len())]);
        let at = at.index(frame.len());
        frame[at] = byte;
        let _ = decode(&frame);
    }
}
