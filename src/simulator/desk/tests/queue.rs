//! Places in queues, and what trades and book changes do to them.

use serde_json::json;

use super::*;

#[test]
fn trades_at_our_price_serve_those_before_us_first() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1 100", json!({})).unwrap();
    f.trade(Side::Sell, "100", "0.6");
    f.trade(Side::Sell, "100", "0.4");
    assert_eq!(f.brief(&id), "open 0.00000000");
    f.trade(Side::Buy, "100", "5");
    assert_eq!(f.brief(&id), "open 0.00000000", "a buyer's trade takes no bids");
    f.trade(Side::Sell, "100", "0.3");
    assert_eq!(f.brief(&id), "open 0.30000000");
    f.trade(Side::Sell, "100", "9");
    assert_eq!(f.brief(&id), "closed 1.00000000");
    let fills = f.desk.fills_json();
    assert_eq!(fills[0]["fee"], "0.12", "makers pay 0.40 %");
}

#[test]
fn a_trade_through_our_price_fills_us_whole() {
    let mut f = Floor::new();
    let buy = f.order("buy limit 3 99.9", json!({})).unwrap();
    let sell = f.order("sell limit 3 100.3", json!({})).unwrap();
    f.trade(Side::Sell, "99.8", "0.001");
    assert_eq!((f.brief(&buy).as_str(), f.brief(&sell).as_str()), ("closed 3.00000000", "open 0.00000000"));
    f.trade(Side::Buy, "100.4", "0.001");
    assert_eq!(f.brief(&sell), "closed 3.00000000");
    assert_eq!(f.show(&sell)["price"], "100.30000", "at our price");
}

#[test]
fn own_orders_of_a_level_are_served_in_turn() {
    let mut f = Floor::new();
    let first = f.order("buy limit 1 100", json!({})).unwrap();
    let second = f.order_of(BERT, "buy limit 1 100", json!({})).unwrap();
    f.trade(Side::Sell, "100", "2.5");
    assert_eq!(f.brief(&first), "closed 1.00000000");
    let shown = f.call(BERT, "QueryOrders", json!({"txid": second})).unwrap();
    assert_eq!(shown[&second]["vol_exec"], "0.50000000");
}

/// One bitcoin ahead; half of the level of two vanishes without a trade. How much of a trade of 1 is ours?
#[test]
fn shrinking_levels_move_us_as_the_model_says() {
    for (queue, filled) in [
        (QueueModel::Pessimistic, "0.00000000"),
        (QueueModel::Optimistic, "1.00000000"),
        (QueueModel::Proportional, "0.50000000"),
    ] {
        let mut f = Floor::with(DeskOptions { queue, ..DeskOptions::default() });
        let id = f.order("buy limit 2 100", json!({})).unwrap();
        f.level(Side::Buy, "100", "2");
        f.level(Side::Buy, "100", "1");
        f.trade(Side::Sell, "100", "1");
        assert_eq!(f.brief(&id), format!("open {filled}"), "{queue:?}");
    }
}

#[test]
fn a_level_smaller_than_what_was_ahead_leaves_no_more_ahead() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1 100", json!({})).unwrap();
    f.level(Side::Buy, "100", "0.2");
    f.trade(Side::Sell, "100", "0.5");
    assert_eq!(f.brief(&id), "open 0.30000000");
}

#[test]
fn a_book_that_reaches_our_price_trades_with_us() {
    let mut f = Floor::new();
    let id = f.order("buy limit 2 100", json!({})).unwrap();
    f.story();
    f.level(Side::Sell, "99.9", "0.7");
    assert_eq!(f.brief(&id), "open 0.70000000");
    assert_eq!(f.show(&id)["price"], "100.00000", "they came to us");
    assert_eq!(f.venue.levels("BTC/USD", Side::Sell)[0].0, dec("100.1"), "and left the book");
    assert_eq!(f.story(), "trade|balances");
}

#[test]
fn takers_move_those_who_wait_behind() {
    let mut f = Floor::new();
    let waiting = f.order("sell limit 1 100.1", json!({})).unwrap();
    f.order_of(BERT, "buy limit 0.6 100.1", json!({})).unwrap();
    f.trade(Side::Buy, "100.1", "0.5");
    assert_eq!(f.brief(&waiting), "open 0.10000000", "0.4 of the level were left before us");
}
