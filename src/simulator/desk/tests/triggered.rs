//! Orders that wait for a price.

use serde_json::json;

use super::*;

#[test]
fn stops_and_profits_fire_on_the_last_trade() {
    for (words, quiet, fires) in [
        ("sell stop-loss 1 99", "99.1", "99"),
        ("buy stop-loss 1 101", "100.9", "101"),
        ("sell take-profit 1 101", "100.9", "101.2"),
        ("buy take-profit 1 99", "99.1", "98.8"),
    ] {
        let mut f = Floor::new();
        let id = f.order(words, json!({})).unwrap();
        assert_eq!(f.story(), "pending_new|new");
        f.trade(Side::Sell, quiet, "0.1");
        assert_eq!(f.brief(&id), "open 0.00000000", "{words}");
        f.trade(Side::Sell, fires, "0.1");
        assert_eq!(f.brief(&id), "closed 1.00000000", "{words}");
        assert_eq!(f.story(), "status|trade|filled|balances");
        let misc = if words.contains("stop") { "stopped" } else { "touched" };
        assert_eq!(f.show(&id)["misc"], misc);
    }
}

#[test]
fn a_trigger_that_is_reached_already_fires_at_once() {
    let mut f = Floor::new();
    let id = f.order("sell stop-loss 1 100.5", json!({})).unwrap();
    assert_eq!(f.brief(&id), "closed 1.00000000");
}

#[test]
fn the_limit_form_rests_at_its_limit() {
    let mut f = Floor::new();
    let id = f.order("sell stop-loss-limit 1 99 100.3", json!({"trigger": "index"})).unwrap();
    let row = f.show(&id);
    assert_eq!((row["stopprice"].as_str(), row["trigger"].as_str()), (Some("0.00000"), Some("index")));
    f.trade(Side::Sell, "99", "0.1");
    let row = f.show(&id);
    assert_eq!((row["status"].as_str(), row["stopprice"].as_str()), (Some("open"), Some("99.00000")));
    assert_eq!(row["limitprice"], "100.30000");
    f.trade(Side::Buy, "100.4", "0.1");
    assert_eq!(f.brief(&id), "closed 1.00000000");
}

#[test]
fn trailing_stops_follow_better_prices_only() {
    let mut f = Floor::new();
    let id = f.order("sell trailing-stop 1 +2%", json!({})).unwrap();
    assert_eq!(f.show(&id)["stopprice"], "98.00000");
    f.trade(Side::Buy, "110", "0.1");
    assert_eq!(f.show(&id)["stopprice"], "107.80000");
    f.trade(Side::Sell, "108", "0.1");
    assert_eq!(f.show(&id)["stopprice"], "107.80000");
    f.trade(Side::Sell, "107.8", "0.1");
    assert_eq!(f.brief(&id), "closed 1.00000000");
    let id = f.order("buy trailing-stop-limit 1 +3 +0.5", json!({})).unwrap();
    f.trade(Side::Sell, "95", "0.1");
    assert_eq!(f.show(&id)["stopprice"], "98.00000");
    f.trade(Side::Buy, "98.2", "0.1");
    let row = f.show(&id);
    assert_eq!((row["status"].as_str(), row["limitprice"].as_str()), (Some("open"), Some("98.50000")));
}

#[test]
fn a_triggered_market_buy_ends_where_the_money_ends() {
    let mut f = Floor::new();
    let id = f.order("buy stop-loss 98 101", json!({})).unwrap();
    assert!(f.balance("ZUSD").1 > dec("9900"));
    f.venue.set("BTC/USD", Side::Sell, dec("103"), dec("200"));
    for price in ["100.1", "100.2", "100.3", "100.4", "100.5"] {
        f.venue.set("BTC/USD", Side::Sell, dec(price), dec("0"));
    }
    f.trade(Side::Buy, "101", "0.1");
    let row = f.show(&id);
    assert_eq!((row["status"].as_str(), row["reason"].as_str()), (Some("canceled"), Some("Insufficient funds")));
    // 10,000 / (103 × 1.008) in whole lots
    assert_eq!(row["vol_exec"], "96.31684388");
    assert!(f.balance("ZUSD").0 < dec("0.001"));
}

#[test]
fn relative_prices_start_from_the_last_trade() {
    let mut f = Floor::new();
    for (words, text) in [
        ("buy limit 1 -5%", "buy 1.00000000 XBTUSD @ limit 95.0"),
        ("sell limit 1 +5", "sell 1.00000000 XBTUSD @ limit 105.0"),
        ("buy limit 1 #2.5", "buy 1.00000000 XBTUSD @ limit 97.5"),
        ("sell stop-loss 1 #3%", "sell 1.00000000 XBTUSD @ stop loss 97.0"),
        ("sell take-profit 1 #3%", "sell 1.00000000 XBTUSD @ take profit 103.0"),
    ] {
        let id = f.order(words, json!({})).unwrap();
        assert_eq!(f.show(&id)["descr"]["order"], text, "{words}");
    }
}
