//! The fixture folders, file by file.

use std::collections::BTreeSet;

use super::{folder, said, text};

/// Frame of a client, not of the exchange: `outbound.rs` compares our requests with it.
const SENT: &str = "sent";

/// One frame a file.
const SINGLE: &[(&str, &str, &str)] = &[
    (
        "kraken_async_rs",
        "base_messages__test_deserializing_subscribe_error_message.json",
        "subscribe refused: Currency pair not supported WWW/USD",
    ),
    ("kraken_async_rs", "kraken_wss_client__test_add_order.json", "add_order done"),
    ("kraken_async_rs", "kraken_wss_client__test_add_order_2.json", SENT),
    ("kraken_async_rs", "kraken_wss_client__test_admin_messages.json", "heartbeat"),
    ("kraken_async_rs", "kraken_wss_client__test_admin_messages_2.json", "status online Some(12393906104898154338)"),
    ("kraken_async_rs", "kraken_wss_client__test_amend_order.json", "amend_order done"),
    ("kraken_async_rs", "kraken_wss_client__test_amend_order_2.json", SENT),
    (
        "kraken_async_rs",
        "kraken_wss_client__test_amend_order_error_response.json",
        "amend_order refused: Limit_price field must be a number_float",
    ),
    ("kraken_async_rs", "kraken_wss_client__test_amend_order_string.json", SENT),
    ("kraken_async_rs", "kraken_wss_client__test_amend_order_string_2.json", "amend_order done"),
    ("kraken_async_rs", "kraken_wss_client__test_balances_snapshot.json", "balances snapshot Some(1) 5"),
    ("kraken_async_rs", "kraken_wss_client__test_balances_updates.json", "balances update Some(4) 1"),
    ("kraken_async_rs", "kraken_wss_client__test_balances_updates_2.json", "balances update Some(5) 1"),
    ("kraken_async_rs", "kraken_wss_client__test_batch_add.json", "batch_add done"),
    ("kraken_async_rs", "kraken_wss_client__test_batch_add_2.json", SENT),
    ("kraken_async_rs", "kraken_wss_client__test_batch_cancel.json", "batch_cancel done"),
    ("kraken_async_rs", "kraken_wss_client__test_batch_cancel_2.json", SENT),
    ("kraken_async_rs", "kraken_wss_client__test_book_snapshot.json", "book snapshot 5|5"),
    ("kraken_async_rs", "kraken_wss_client__test_book_update.json", "book update 3|0"),
    ("kraken_async_rs", "kraken_wss_client__test_cancel_all_orders.json", "cancel_all done"),
    ("kraken_async_rs", "kraken_wss_client__test_cancel_all_orders_2.json", SENT),
    ("kraken_async_rs", "kraken_wss_client__test_cancel_on_disconnect.json", "cancel_all_orders_after done"),
    ("kraken_async_rs", "kraken_wss_client__test_cancel_on_disconnect_2.json", SENT),
    ("kraken_async_rs", "kraken_wss_client__test_cancel_order.json", "cancel_order done"),
    ("kraken_async_rs", "kraken_wss_client__test_cancel_order_2.json", SENT),
    ("kraken_async_rs", "kraken_wss_client__test_cancel_order_by_client_order_id.json", "cancel_order done"),
    ("kraken_async_rs", "kraken_wss_client__test_cancel_order_by_client_order_id_2.json", SENT),
    ("kraken_async_rs", "kraken_wss_client__test_candles_snapshot.json", "ohlc snapshot 2"),
    ("kraken_async_rs", "kraken_wss_client__test_edit_order.json", "edit_order done"),
    ("kraken_async_rs", "kraken_wss_client__test_edit_order_2.json", SENT),
    (
        "kraken_async_rs",
        "kraken_wss_client__test_error_messages.json",
        "ping refused: Unsupported field: 'params' for the given msg type: ping",
    ),
    ("kraken_async_rs", "kraken_wss_client__test_error_messages_2.json", "subscribe refused: Unsupported event"),
    (
        "kraken_async_rs",
        "kraken_wss_client__test_error_messages_3.json",
        "add_order refused: EGeneral:Invalid arguments:no_mpp order option is only available when ordertype = market",
    ),
    (
        "kraken_async_rs",
        "kraken_wss_client__test_error_messages_4.json",
        "add_order refused: Cash_order_qty field must be a number_float",
    ),
    (
        "kraken_async_rs",
        "kraken_wss_client__test_error_messages_5.json",
        "add_order refused: EGeneral:Permission denied",
    ),
    ("kraken_async_rs", "kraken_wss_client__test_error_messages_6.json", "edit_order refused: Token(s) not found"),
    (
        "kraken_async_rs",
        "kraken_wss_client__test_execution_limit_order_update_pending.json",
        "executions update Some(120) pending_new",
    ),
    ("kraken_async_rs", "kraken_wss_client__test_execution_order_amended.json", "executions update Some(20) amended"),
    (
        "kraken_async_rs",
        "kraken_wss_client__test_execution_order_update_cancelled.json",
        "executions update Some(143) canceled",
    ),
    ("kraken_async_rs", "kraken_wss_client__test_execution_order_update_new.json", "executions update Some(148) new"),
    (
        "kraken_async_rs",
        "kraken_wss_client__test_execution_stop_loss_limit_order_update_pending.json",
        "executions update Some(120) pending_new",
    ),
    (
        "kraken_async_rs",
        "kraken_wss_client__test_execution_trades_snapshot.json",
        "executions snapshot Some(1) trade,trade,trade,trade",
    ),
    ("kraken_async_rs", "kraken_wss_client__test_instruments_snapshot.json", "instrument snapshot 3+2"),
    ("kraken_async_rs", "kraken_wss_client__test_l3_snapshot.json", "level3 snapshot 4|3"),
    ("kraken_async_rs", "kraken_wss_client__test_l3_update.json", "level3 update 2|0"),
    ("kraken_async_rs", "kraken_wss_client__test_ticker_snapshot.json", "ticker snapshot 1"),
    ("kraken_async_rs", "kraken_wss_client__test_ticker_update.json", "ticker update 1"),
    ("kraken_async_rs", "kraken_wss_client__test_trade_snapshot.json", "trade snapshot 2"),
    ("kraken_async_rs", "kraken_wss_client__test_trade_update.json", "trade update 2"),
    ("kraken_async_rs", "wss_messages__get_balances_subscription_response.json", "subscribe balances "),
    ("kraken_async_rs", "wss_messages__get_book_subscription_response.json", "subscribe book BTC/USD"),
    ("kraken_async_rs", "wss_messages__get_execution_subscription_response.json", "subscribe executions "),
    ("kraken_async_rs", "wss_messages__get_expected_balances_subscription.json", SENT),
    ("kraken_async_rs", "wss_messages__get_expected_book_subscription.json", SENT),
    ("kraken_async_rs", "wss_messages__get_expected_execution_subscription.json", SENT),
    ("kraken_async_rs", "wss_messages__get_expected_instruments_subscription.json", SENT),
    ("kraken_async_rs", "wss_messages__get_expected_l3_subscription.json", SENT),
    ("kraken_async_rs", "wss_messages__get_expected_ohlc_subscription.json", SENT),
    ("kraken_async_rs", "wss_messages__get_expected_ping.json", SENT),
    ("kraken_async_rs", "wss_messages__get_expected_ticker_subscription.json", SENT),
    ("kraken_async_rs", "wss_messages__get_expected_trade_subscription.json", SENT),
    ("kraken_async_rs", "wss_messages__get_instruments_subscription_response.json", "subscribe instrument "),
    ("kraken_async_rs", "wss_messages__get_l3_subscription_response.json", "subscribe level3 BTC/USD"),
    ("kraken_async_rs", "wss_messages__get_ohlc_subscription_response.json", "subscribe ohlc ETH/USD"),
    ("kraken_async_rs", "wss_messages__get_pong.json", "pong Some(1)"),
    ("kraken_async_rs", "wss_messages__get_ticker_subscription_response.json", "subscribe ticker BTC/USD"),
    ("kraken_async_rs", "wss_messages__get_trade_subscription_response.json", "subscribe trade BTC/USD"),
    ("nautilus", "ws_add_order_request.json", SENT),
    ("nautilus", "ws_add_order_response_failure.json", "add_order refused: EOrder:Insufficient funds"),
    ("nautilus", "ws_add_order_response_success.json", "add_order done"),
    ("nautilus", "ws_amend_order_request.json", SENT),
    ("nautilus", "ws_batch_add_request.json", SENT),
    ("nautilus", "ws_batch_add_response_partial.json", "batch_add done"),
    ("nautilus", "ws_book_snapshot.json", "book snapshot 3|3"),
    ("nautilus", "ws_book_update.json", "book update 1|0"),
    ("nautilus", "ws_cancel_order_request.json", SENT),
    ("nautilus", "ws_l3_snapshot.json", "level3 snapshot 3|2"),
    ("nautilus", "ws_l3_update_add.json", "level3 update 1|0"),
    ("nautilus", "ws_l3_update_delete.json", "level3 update 0|1"),
    ("nautilus", "ws_l3_update_modify_price.json", "level3 update 1|0"),
    ("nautilus", "ws_l3_update_modify_qty.json", "level3 update 0|1"),
    ("nautilus", "ws_ohlc_update.json", "ohlc update 1"),
    ("nautilus", "ws_pong.json", "pong Some(42)"),
    ("nautilus", "ws_subscribe_response.json", "subscribe ticker BTC/USD"),
    ("nautilus", "ws_ticker_snapshot.json", "ticker snapshot 1"),
    ("nautilus", "ws_trade_update.json", "trade update 2"),
    ("kraken_data_recorder", "ws_v2_instrument_snapshot.json", "instrument snapshot 296+683"),
];

/// Conversations: what the exchange says in them, in order. Some were trimmed by hand by those who wrote them.
const CONVERSATIONS: &[(&str, &[&str])] = &[
    ("Socket__SpotApi__CancelAllOrders.txt", &["cancel_all done"]),
    ("Socket__SpotApi__CancelAllOrdersAfter.txt", &["cancel_all_orders_after done"]),
    ("Socket__SpotApi__CancelOrders.txt", &["cancel_order done", "cancel_order done"]),
    ("Socket__SpotApi__EditOrder.txt", &["amend_order done"]),
    ("Socket__SpotApi__PlaceMultipleOrders.txt", &["batch_add done"]),
    ("Socket__SpotApi__PlaceOrder.txt", &["add_order done"]),
    ("Socket__SpotApi__ReplaceOrder.txt", &["edit_order done"]),
    ("Subscriptions__Spot__AggBook.txt", &["subscribe book ETH/USDT", "book snapshot 10|10"]),
    // Candles without prices: trimmed by hand, the exchange never sends such.
    (
        "Subscriptions__Spot__Concurrent.txt",
        &[
            "subscribe ohlc ETH/USDT",
            "subscribe ohlc ETH/USDT",
            "refused: 'ohlc' with unexpected contents: missing field `open`",
            "refused: 'ohlc' with unexpected contents: missing field `open`",
        ],
    ),
    ("Subscriptions__Spot__IndividualBook.txt", &["subscribe level3 ETH/USDT", "level3 snapshot 3|3"]),
    ("Subscriptions__Spot__Kline.txt", &["subscribe ohlc ETH/USDT", "ohlc update 1"]),
    ("Subscriptions__Spot__Ticker.txt", &["subscribe ticker ETH/USDT", "ticker update 1"]),
    ("Subscriptions__Spot__Trades.txt", &["subscribe trade ETH/USDT", "trade update 1"]),
];

/// Frames of WebSocket v1 (the last two are rows without their frame).
const VERSION_ONE: &[&str] = &[
    "JsonResponses__Socket__KlineUpdate.txt",
    "JsonResponses__Socket__SpreadUpdate.txt",
    "JsonResponses__Socket__SystemStatusUpdate.txt",
    "JsonResponses__Socket__TickerUpdate.txt",
    "JsonResponses__Socket__TradeUpdate.txt",
    "JsonResponses__Socket__OpenOrdersUpdate.txt",
    "JsonResponses__Socket__OwnTradeUpdate.txt",
];

#[test]
fn every_single_frame_is_what_it_should_be() {
    for (folder, file, meant) in SINGLE {
        if *meant != SENT {
            let heard = said(&text(folder, file));
            assert!(heard.starts_with(meant) && heard.len() <= meant.len() + 40, "{file}: {heard}");
        }
    }
}

/// What the exchange says in a conversation: lines that begin with `<`, and the pieces after `=`; names between bars stand for numbers.
fn heard(conversation: &str) -> Vec<String> {
    let filled = conversation.replace("|req_id|", "7").replace("|1|", "1");
    let mut frames = Vec::new();
    let mut open = None::<String>;
    for line in filled.lines() {
        let rest = line.trim_start_matches(|c: char| "<>=".contains(c) || c.is_ascii_digit());
        match line.chars().next() {
            Some('>') => {}
            Some('<') => frames.push(rest.to_owned()),
            Some('=') => {
                frames.extend(open.take());
                open = Some(rest.to_owned());
            }
            _ => {
                if let Some(frame) = &mut open {
                    frame.push_str(line);
                }
            }
        }
    }
    frames.extend(open);
    frames
}

#[test]
fn every_conversation_is_understood() {
    for (file, meant) in CONVERSATIONS {
        let heard: Vec<String> = heard(&text("kraken_net", file)).iter().map(|frame| said(frame)).collect();
        assert_eq!(heard.len(), meant.len(), "{file}: {heard:?}");
        for (heard, meant) in heard.iter().zip(*meant) {
            assert!(heard.starts_with(meant), "{file}: {heard}");
        }
    }
}

#[test]
fn version_one_is_not_spoken() {
    for file in VERSION_ONE {
        let heard = said(&text("kraken_net", file));
        assert!(heard.starts_with("refused: a message of WebSocket v1"), "{file}: {heard}");
    }
    let mut frames = 0;
    for file in ["KRAKEN.ws.48.0", "KRAKEN.ws.49.0", "KRAKEN.ws.50.0"] {
        // `<instant>: <frame>`; connection notes and what the client sent stand between.
        for line in text("cryptofeed_ws_v1", file).lines().filter(|l| l.starts_with("16")) {
            let frame = line.split_once(": ").expect("an instant and a frame").1;
            let heard = said(frame);
            assert!(heard.starts_with("refused: a message of WebSocket v1"), "{file}: {heard}");
            frames += 1;
        }
    }
    assert!(frames > 4_000, "{frames} frames");
}

#[test]
fn no_file_is_left_out() {
    let listed: BTreeSet<String> = SINGLE
        .iter()
        .map(|(folder, file, _)| format!("{folder}/{file}"))
        .chain(CONVERSATIONS.iter().map(|(file, _)| format!("kraken_net/{file}")))
        .chain(VERSION_ONE.iter().map(|file| format!("kraken_net/{file}")))
        .collect();
    let ours = |name: &str| {
        ["kraken_wss_client__", "wss_messages__", "ws_", "Socket__", "Subscriptions__", "JsonResponses__Socket__"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
            || name.contains("subscribe_error")
    };
    let mut present = BTreeSet::new();
    for name in ["kraken_async_rs", "kraken_net", "nautilus", "kraken_data_recorder"] {
        for entry in std::fs::read_dir(folder(name)).expect(name) {
            let file = entry.expect(name).file_name().to_string_lossy().into_owned();
            if ours(&file) {
                present.insert(format!("{name}/{file}"));
            }
        }
    }
    assert_eq!(listed, present);
}
