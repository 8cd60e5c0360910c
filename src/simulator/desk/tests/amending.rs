//! Amended and edited orders.

use serde_json::json;

use super::*;

#[test]
fn an_amendment_keeps_the_order_and_moves_its_hold() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1 90", json!({"cl_ord_id": "mine"})).unwrap();
    f.story();
    let answer = f.rest("AmendOrder", json!({"cl_ord_id": "mine", "order_qty": "2", "limit_price": "91"})).unwrap();
    assert!(answer["amend_id"].as_str().unwrap().starts_with('T'));
    assert_eq!(f.story(), "amended");
    let row = f.show(&id);
    assert_eq!(row["descr"]["order"], "buy 2.00000000 XBTUSD @ limit 91.0");
    assert_eq!(row["misc"], "amended");
    assert_eq!(f.balance("ZUSD").1, dec("182") * dec("1.008"));
    assert_eq!(
        f.rest("AmendOrder", json!({"txid": id, "order_qty": "200"})),
        Err("EOrder:Insufficient funds".to_owned())
    );
    assert_eq!(
        f.rest("AmendOrder", json!({"txid": "OAAAAA", "order_qty": "2"})),
        Err("EOrder:Unknown order".to_owned())
    );
    assert!(
        f.rest("AmendOrder", json!({"txid": id, "limit_price": "91.05"})).unwrap_err().contains("up to 1 decimals")
    );
}

#[test]
fn less_keeps_the_place_in_the_queue_more_loses_it() {
    for (qty, filled) in [("0.5", "closed 0.50000000"), ("2", "open 0.00000000")] {
        let mut f = Floor::new();
        let id = f.order("buy limit 1 100", json!({})).unwrap();
        f.level(Side::Buy, "100", "3");
        f.rest("AmendOrder", json!({ "txid": id, "order_qty": qty })).unwrap();
        f.trade(Side::Sell, "100", "1.5");
        assert_eq!(f.brief(&id), filled);
    }
}

#[test]
fn an_amendment_may_take_unless_it_is_post_only() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1 90", json!({})).unwrap();
    let change = |post: bool| json!({"txid": id, "limit_price": "100.1", "post_only": post});
    assert_eq!(f.rest("AmendOrder", change(true)), Err("EOrder:Post only order".to_owned()));
    assert_eq!(f.brief(&id), "open 0.00000000");
    f.rest("AmendOrder", change(false)).unwrap();
    assert_eq!(f.brief(&id), "closed 1.00000000");
}

#[test]
fn less_than_what_is_filled_ends_the_order() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1.5 100.1", json!({})).unwrap();
    f.rest("AmendOrder", json!({"txid": id, "order_qty": "0.8"})).unwrap();
    assert_eq!(f.brief(&id), "canceled 1.00000000");
    assert_eq!(f.balance("ZUSD").1, dec("0"));
}

#[test]
fn triggers_can_be_amended_while_they_wait() {
    let mut f = Floor::new();
    let id = f.order("sell stop-loss-limit 1 95 94", json!({})).unwrap();
    f.rest("AmendOrder", json!({"txid": id, "trigger_price": "99.5", "limit_price": "99"})).unwrap();
    assert_eq!(f.show(&id)["descr"]["order"], "sell 1.00000000 XBTUSD @ stop loss 99.5 -> limit 99.0");
    f.trade(Side::Sell, "99.5", "0.1");
    assert_eq!(f.brief(&id), "closed 1.00000000");
    assert_eq!(f.rest("AmendOrder", json!({"txid": id, "order_qty": "2"})), Err("EOrder:Unknown order".to_owned()));
}

#[test]
fn an_edit_replaces_the_order() {
    let mut f = Floor::new();
    let old = f.order("buy limit 99 100", json!({"cl_ord_id": "mine"})).unwrap();
    let poor = f.rest("EditOrder", json!({"pair": "XBTUSD", "txid": old, "volume": "101"}));
    assert_eq!(poor, Err("EOrder:Insufficient funds".to_owned()));
    assert_eq!(f.brief(&old), "open 0.00000000", "a refused edit changes nothing");
    f.story();
    let answer = f.rest("EditOrder", json!({"pair": "XBTUSD", "txid": old, "volume": "98", "price": "99.5"})).unwrap();
    let new = answer["txid"].as_str().unwrap().to_owned();
    assert_eq!(
        answer,
        json!({"status": "ok", "txid": new, "originaltxid": old, "volume": "98.00000000", "price": "99.5",
               "orders_cancelled": 1, "descr": {"order": "buy 98.00000000 XBTUSD @ limit 99.5"}})
    );
    assert_eq!(f.story(), "canceled|pending_new|new");
    assert_eq!(f.show(&old)["reason"], "Order replaced");
    assert_eq!(f.show(&new)["cl_ord_id"], Value::Null);
}
