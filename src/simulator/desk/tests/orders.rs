//! Orders that are placed, filled and cancelled.

use serde_json::json;

use super::*;

#[test]
fn the_texts_of_orders_are_those_that_clients_take_apart() {
    let mut f = Floor::new();
    for (words, more, text) in [
        ("buy limit 0.01 99.9", json!({}), "buy 0.01000000 XBTUSD @ limit 99.9"),
        ("buy market 0.01", json!({}), "buy 0.01000000 XBTUSD @ market"),
        ("sell stop-loss-limit 1 97 96.5", json!({}), "sell 1.00000000 XBTUSD @ stop loss 97.0 -> limit 96.5"),
        ("sell stop-loss 1 97", json!({}), "sell 1.00000000 XBTUSD @ stop loss 97.0"),
        ("sell take-profit 1 105", json!({}), "sell 1.00000000 XBTUSD @ take profit 105.0"),
        ("sell take-profit-limit 1 105 104", json!({}), "sell 1.00000000 XBTUSD @ take profit 105.0 -> limit 104.0"),
        ("sell trailing-stop 1 +1%", json!({}), "sell 1.00000000 XBTUSD @ trailing stop +1.0000%"),
        ("sell trailing-stop-limit 1 +5 -0.5", json!({}), "sell 1.00000000 XBTUSD @ trailing stop +5.0 -> limit -0.5"),
        ("buy iceberg 1.5 90", json!({"displayvol": "0.2"}), "buy 1.50000000 XBTUSD @ limit 90.0"),
    ] {
        let mut fields = json!({ "pair": "XXBTZUSD", "validate": "True" });
        let row = fields.as_object_mut().unwrap();
        for (name, word) in ["type", "ordertype", "volume", "price", "price2"].into_iter().zip(words.split(' ')) {
            row.insert(name.to_owned(), word.into());
        }
        row.extend(more.as_object().cloned().unwrap());
        assert_eq!(f.rest("AddOrder", fields), Ok(json!({ "descr": { "order": text } })), "{words}");
    }
    assert_eq!(f.rest("OpenOrders", json!({})), Ok(json!({ "open": {} })), "validate places nothing");
    assert_eq!(f.story(), "");
}

#[test]
fn form_fields_and_json_say_the_same() {
    let mut f = Floor::new();
    let form = f.rest(
        "AddOrder",
        json!({"pair": "XBT/USD", "type": "buy", "ordertype": "limit", "volume": "1.25", "price": "99.5", "oflags": "post,fciq",
               "close[ordertype]": "stop-loss-limit", "close[price]": "95", "close[price2]": "#1%"}),
    );
    let nested = f.rest(
        "AddOrder",
        json!({"pair": "BTC/USD", "type": "buy", "ordertype": "limit", "volume": 1.25, "price": 99.5, "oflags": "post,fciq",
               "close": {"ordertype": "stop-loss-limit", "price": 95, "price2": "#1%"}}),
    );
    let (form, nested) = (form.unwrap(), nested.unwrap());
    assert_eq!(form["descr"], nested["descr"]);
    assert_eq!(
        form["descr"],
        json!({ "order": "buy 1.25000000 XBTUSD @ limit 99.5", "close": "close position @ stop loss 95.0 -> limit #1.0000%" })
    );
}

#[test]
fn a_taker_walks_the_levels_and_pays_for_each() {
    let mut f = Floor::new();
    let id = f.order("buy limit 2.5 100.3", json!({"cl_ord_id": "walk"})).unwrap();
    assert_eq!(f.story(), "pending_new|new|trade trade trade|filled|balances|balances|balances");
    let row = f.show(&id);
    // 1 × 100.1 + 1 × 100.2 + 0.5 × 100.3 = 250.45, at 0.80 %
    assert_eq!((row["cost"].as_str(), row["fee"].as_str()), (Some("250.45000"), Some("2.00360")));
    assert_eq!((row["status"].as_str(), row["price"].as_str()), (Some("closed"), Some("100.18000")));
    assert_eq!(row["trades"].as_array().map(Vec::len), Some(3));
    assert_eq!(f.balance("ZUSD"), (dec("9747.54640"), dec("0")));
    assert_eq!(f.balance("XXBT").0, dec("12.5"));
    // What was taken stays taken.
    assert_eq!(f.venue.levels("BTC/USD", Side::Sell)[0], (dec("100.3"), dec("0.5")));
}

#[test]
fn the_rest_of_a_limit_order_stays_in_the_book_with_its_hold() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1.5 100.1", json!({})).unwrap();
    assert_eq!(f.brief(&id), "open 1.00000000");
    // 0.5 × 100.1 and 0.80 % of it
    assert_eq!(f.balance("ZUSD").1, dec("50.05") + dec("0.4004"));
    assert_eq!(f.rest("CancelOrder", json!({ "txid": id })), Ok(json!({ "count": 1 })));
    assert_eq!(f.balance("ZUSD").1, dec("0"));
    let row = f.show(&id);
    assert_eq!(
        (row["status"].as_str(), row["reason"].as_str(), row["misc"].as_str()),
        (Some("canceled"), Some("User requested"), Some("partial"))
    );
    assert_eq!(f.rest("CancelOrder", json!({ "txid": id })), Err("EOrder:Unknown order".to_owned()));
}

#[test]
fn time_in_force_decides_about_the_rest() {
    let mut f = Floor::new();
    let ioc = f.order("buy limit 1.5 100.1", json!({"timeinforce": "IOC"})).unwrap();
    assert_eq!(f.brief(&ioc), "canceled 1.00000000");
    let fok = f.order("buy limit 1.5 100.2", json!({"timeinforce": "FOK"})).unwrap();
    assert_eq!(f.brief(&fok), "canceled 0.00000000");
    let fok = f.order("buy limit 1 100.2", json!({"timeinforce": "fok"})).unwrap();
    assert_eq!(f.brief(&fok), "closed 1.00000000");
    f.story();
    let gtd = f.order("buy limit 1 90", json!({"timeinforce": "GTD", "expiretm": "+10"})).unwrap();
    assert_eq!(f.desk.next_at(), Some(f.now.plus_ms(10_000)));
    f.wait(9_999);
    assert_eq!(f.brief(&gtd), "open 0.00000000");
    f.wait(1);
    assert_eq!(f.brief(&gtd), "expired 0.00000000");
    assert_eq!(f.story(), "pending_new|new|expired");
}

#[test]
fn market_orders_stop_at_the_protection_band() {
    let mut f = Floor::with(DeskOptions { protection_band: dec("0.002"), ..DeskOptions::default() });
    let id = f.order("buy market 5", json!({})).unwrap();
    // 100.1 × 1.002 = 100.3002: three levels
    assert_eq!(f.brief(&id), "canceled 3.00000000");
    assert_eq!(f.show(&id)["reason"], "Market price protection");
}

#[test]
fn a_market_buy_by_cost_spends_it_in_whole_lots() {
    let mut f = Floor::new();
    let id = f.order("buy market 150", json!({"oflags": "viqc"})).unwrap();
    let row = f.show(&id);
    // 1 × 100.1, then 49.9 / 100.2 = 0.49800399…
    assert_eq!((row["status"].as_str(), row["vol_exec"].as_str()), (Some("closed"), Some("1.49800399")));
    assert_eq!(row["cost"], "150.00000");
    assert_eq!(
        f.rest(
            "AddOrder",
            json!({"pair": "XBTUSD", "type": "sell", "ordertype": "market", "volume": 5, "oflags": "viqc"})
        ),
        Err("EGeneral:Invalid arguments:viqc".to_owned())
    );
}

#[test]
fn fees_follow_flags_and_tiers() {
    let mut f = Floor::new();
    f.order("buy limit 1 100.1", json!({"oflags": "fcib"})).unwrap();
    assert_eq!((f.balance("XXBT").0, f.balance("ZUSD").0), (dec("10.992"), dec("9899.9")));
    f.order("sell limit 1 100", json!({"oflags": "fcib"})).unwrap();
    assert_eq!((f.balance("XXBT").0, f.balance("ZUSD").0), (dec("9.984"), dec("9999.9")));
    f.order("sell limit 1 99.9", json!({})).unwrap();
    assert_eq!(f.balance("ZUSD").0, dec("9999.9") + dec("99.9") - dec("0.7992"), "quote unless said otherwise");
    // 300 dollars traded; 3,000 more reach the tier of 2,500
    f.venue.set("BTC/USD", Side::Sell, dec("100.2"), dec("100"));
    f.order("buy limit 24 100.2", json!({})).unwrap();
    let before = f.balance("ZUSD").0;
    f.order("sell limit 1 99.8", json!({})).unwrap();
    assert_eq!(f.balance("ZUSD").0 - before, dec("99.8") - dec("0.5988"), "0.60 % from 2,500 dollars on");
    let volume = f.rest("TradeVolume", json!({"pair": "XBTUSD"})).unwrap();
    assert_eq!(volume["fees"]["XXBTZUSD"]["fee"], "0.6000");
    assert_eq!(volume["fees_maker"]["XXBTZUSD"]["nextfee"], "0.2200");
    f.wait(31 * 86_400_000);
    assert_eq!(
        f.rest("TradeVolume", json!({})).unwrap(),
        json!({"currency": "ZUSD", "volume": "0.0000", "fees": null, "fees_maker": null})
    );
}

#[test]
fn two_accounts_trade_with_each_other() {
    let mut f = Floor::new();
    let resting = f.order("sell limit 2 100.1", json!({})).unwrap();
    f.story();
    let taker = f.order_of(BERT, "buy limit 2.5 100.1", json!({})).unwrap();
    // The external bitcoin came first, then Anna.
    assert_eq!(f.brief(&resting), "open 1.50000000");
    assert_eq!(f.story(), "trade|balances");
    let shown = f.call(BERT, "QueryOrders", json!({"txid": taker})).unwrap();
    assert_eq!(shown[&taker]["status"], "closed");
    assert_eq!(f.rest("QueryOrders", json!({"txid": taker})), Err("EOrder:Unknown order".to_owned()), "not Anna's");
    let fee = dec("150.15") * dec("0.004");
    assert_eq!(f.balance("ZUSD").0, dec("10000") + dec("150.15") - fee);
}

#[test]
fn self_trades_end_as_the_order_says() {
    for (stp, first, second) in [
        ("cancel-newest", "open 0.00000000", "canceled 0.00000000"),
        ("cancel-oldest", "canceled 0.00000000", "open 0.00000000"),
        ("cancel-both", "canceled 0.00000000", "canceled 0.00000000"),
    ] {
        let mut f = Floor::new();
        f.level(Side::Buy, "100", "0");
        let old = f.order("sell limit 1 100", json!({"oflags": "post"})).unwrap();
        let new = f.order("buy limit 1 100", json!({ "stptype": stp })).unwrap();
        assert_eq!((f.brief(&old).as_str(), f.brief(&new).as_str()), (first, second), "{stp}");
    }
}

#[test]
fn a_close_follows_each_fill() {
    let mut f = Floor::new();
    let more = json!({"close[ordertype]": "stop-loss", "close[price]": "95"});
    let first = f.order("buy limit 1.5 100.2", more).unwrap();
    let open = f.rest("OpenOrders", json!({})).unwrap()["open"].as_object().unwrap().clone();
    let mut closes: Vec<(String, &str)> = open
        .values()
        .map(|o| (o["descr"]["order"].as_str().unwrap().to_owned(), o["refid"].as_str().unwrap()))
        .collect();
    closes.sort();
    let words = |qty: &str| format!("sell {qty} XBTUSD @ stop loss 95.0");
    assert_eq!(closes, [(words("0.50000000"), first.as_str()), (words("1.00000000"), first.as_str())]);
    assert_eq!(f.story(), "pending_new|new|trade trade|filled|pending_new|new|pending_new|new|balances|balances");
}

#[test]
fn icebergs_show_slices() {
    let mut f = Floor::new();
    let id = f.order("sell iceberg 3 100.05", json!({"displayvol": "0.5"}));
    assert!(id.is_err(), "off the tick");
    let id = f.order("sell iceberg 3 100.1", json!({"displayvol": "0.5"})).unwrap();
    f.story();
    // 1 external, 0.5 of ours; the next slice goes behind what is there.
    f.trade(Side::Buy, "100.1", "1.5");
    assert_eq!(f.brief(&id), "open 0.50000000");
    assert_eq!(f.story(), "trade|iceberg_refill|balances");
    f.trade(Side::Buy, "100.2", "0.1");
    assert_eq!(f.brief(&id), "closed 3.00000000", "a trade beyond it takes all of it");
}

#[test]
fn scheduled_orders_start_on_time() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1 100.1", json!({"starttm": "+30"})).unwrap();
    assert_eq!(f.brief(&id), "pending 0.00000000");
    assert!(f.balance("ZUSD").1 > dec("100"));
    f.wait(30_000);
    assert_eq!(f.brief(&id), "closed 1.00000000");
    assert_eq!(f.story(), "pending_new|new|trade|filled|balances");
}

#[test]
fn the_dead_man_s_switch_cancels_everything_unless_it_is_renewed() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1 90", json!({})).unwrap();
    let set = |timeout: i64| json!({ "timeout": timeout });
    assert_eq!(
        f.rest("CancelAllOrdersAfter", set(60)),
        Ok(json!({"currentTime": "2026-05-01T10:00:00Z", "triggerTime": "2026-05-01T10:01:00Z"}))
    );
    f.wait(59_000);
    f.rest("CancelAllOrdersAfter", set(60)).unwrap();
    f.wait(59_999);
    assert_eq!(f.brief(&id), "open 0.00000000");
    f.wait(1);
    assert_eq!(f.brief(&id), "canceled 0.00000000");
    let id = f.order("buy limit 1 90", json!({})).unwrap();
    f.rest("CancelAllOrdersAfter", set(5)).unwrap();
    assert_eq!(f.rest("CancelAllOrdersAfter", set(0)).unwrap()["triggerTime"], "0");
    f.wait(10_000);
    assert_eq!(f.brief(&id), "open 0.00000000");
    assert_eq!(f.rest("CancelAllOrdersAfter", set(86_400)), Err("EGeneral:Invalid arguments:timeout".to_owned()));
}

#[test]
fn batches_are_checked_together_and_placed_one_by_one() {
    let mut f = Floor::new();
    let order = |side: &str, price: &str, volume: &str| json!({"ordertype": "limit", "type": side, "price": price, "volume": volume});
    let batch = |orders: Value| json!({ "pair": "XBTUSD", "orders": orders });
    let bad = batch(json!([order("buy", "90", "1"), order("buy", "90.05", "1")]));
    assert!(f.rest("AddOrderBatch", bad).unwrap_err().starts_with("EOrder:Invalid price:BTC/USD"));
    assert_eq!(f.rest("OpenOrders", json!({})).unwrap()["open"], json!({}));
    let mixed = batch(json!([order("buy", "90", "1"), order("sell", "120", "11"), order("buy", "91", "1")]));
    let answer = f.rest("AddOrderBatch", mixed).unwrap();
    let orders = answer["orders"].as_array().unwrap();
    assert_eq!(orders[1], json!({"error": "EOrder:Insufficient funds"}));
    assert_eq!(orders[0]["descr"]["order"], "buy 1.00000000 XBTUSD @ limit 90.0");
    let ids = json!([orders[0]["txid"], orders[2]["txid"], "OAAAAA-AAAAA-AAAAAA"]);
    assert_eq!(f.rest("CancelOrderBatch", json!({ "orders": ids })), Ok(json!({"count": 2})));
    assert_eq!(
        f.rest("AddOrderBatch", batch(json!([order("buy", "90", "1")]))),
        Err("EGeneral:Invalid arguments:orders".to_owned())
    );
}

#[test]
fn user_references_cancel_all_that_carry_them() {
    let mut f = Floor::new();
    for price in ["90", "91", "92"] {
        f.order(&format!("buy limit 1 {price}"), json!({"userref": 7})).unwrap();
    }
    f.order("buy limit 1 93", json!({"userref": 8})).unwrap();
    assert_eq!(f.rest("OpenOrders", json!({"userref": 7})).unwrap()["open"].as_object().unwrap().len(), 3);
    assert_eq!(f.rest("CancelOrder", json!({"txid": 7})), Ok(json!({"count": 3})));
    assert_eq!(f.rest("CancelAll", json!({})), Ok(json!({"count": 1})));
}
