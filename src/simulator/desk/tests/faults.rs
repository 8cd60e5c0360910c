//! Wrong behaviour on demand.

use serde_json::json;

use super::*;

#[test]
fn a_hidden_order_appears_later_with_all_that_happened() {
    let mut f = Floor::new();
    f.desk.hide_next_order(ANNA, 55_000);
    let id = f.order("buy limit 1.5 100.1", json!({"cl_ord_id": "late"})).unwrap();
    assert_eq!(f.story(), "");
    let nothing = |f: &mut Floor| {
        assert_eq!(f.rest("OpenOrders", json!({})), Ok(json!({"open": {}})));
        assert_eq!(f.rest("QueryOrders", json!({ "txid": id })), Err("EOrder:Unknown order".to_owned()));
        assert_eq!(f.rest("TradesHistory", json!({})).unwrap()["count"], 0);
        assert_eq!(f.balance("ZUSD"), (dec("10000"), dec("0")));
        assert_eq!(f.rest("CancelOrder", json!({"cl_ord_id": "late"})), Err("EOrder:Unknown order".to_owned()));
        assert_eq!(f.desk.executions_snapshot(f.now, ANNA, true, true), ExecutionsSnapshot::default());
        assert_eq!(json_text(&f.desk.balances_snapshot(f.now, ANNA)[2]["balance"]), "10000");
    };
    nothing(&mut f);
    f.wait(54_999);
    nothing(&mut f);
    assert_eq!(
        f.order("buy limit 1 90", json!({"cl_ord_id": "late"})).unwrap_err(),
        "EGeneral:Invalid arguments:cl_ord_id"
    );
    assert_eq!(f.desk.next_at(), Some(START.plus_ms(55_000)));
    f.wait(1);
    assert_eq!(f.story(), "pending_new|new|trade|balances");
    assert_eq!(f.brief(&id), "open 1.00000000");
    assert_eq!(f.rest("TradesHistory", json!({})).unwrap()["count"], 1);
    assert_eq!(f.balance("ZUSD").0, dec("9899.0992"));
    let next = f.order("buy limit 1 90", json!({})).unwrap();
    assert_eq!(f.brief(&next), "open 0.00000000", "only one was hidden");
}

#[test]
fn the_close_of_a_hidden_order_is_hidden_as_well() {
    let mut f = Floor::new();
    f.desk.hide_next_order(ANNA, 5_000);
    let id = f.order("buy limit 1 100.1", json!({"close": {"ordertype": "stop-loss", "price": "95"}})).unwrap();
    assert_eq!(f.rest("OpenOrders", json!({})), Ok(json!({"open": {}})));
    f.wait(5_000);
    assert_eq!(f.story(), "pending_new|new|trade|filled|pending_new|new|balances");
    let open = f.rest("OpenOrders", json!({})).unwrap()["open"].as_object().unwrap().clone();
    assert_eq!(open.values().next().unwrap()["refid"], id.as_str());
}

#[test]
fn rest_views_follow_with_the_lag() {
    let mut f = Floor::new();
    let old = f.order("buy limit 1 90", json!({})).unwrap();
    f.wait(1_000);
    f.desk.set_rest_lag(2_000);
    let new = f.order("buy limit 1 100.1", json!({})).unwrap();
    f.rest("CancelOrder", json!({ "txid": old })).unwrap();
    assert_eq!(f.brief(&old), "open 0.00000000");
    assert_eq!(f.rest("QueryOrders", json!({ "txid": new })), Err("EOrder:Unknown order".to_owned()));
    assert_eq!(f.balance("ZUSD"), (dec("10000"), dec("90.72")));
    assert_eq!(json_text(&f.desk.balances_snapshot(f.now, ANNA)[2]["balance"]), "9899.0992", "the socket does not lag");
    f.wait(1_999);
    assert_eq!(f.brief(&old), "open 0.00000000");
    f.wait(1);
    assert_eq!((f.brief(&old).as_str(), f.brief(&new).as_str()), ("canceled 0.00000000", "closed 1.00000000"));
    assert_eq!(f.balance("ZUSD"), (dec("9899.0992"), dec("0")));
    f.desk.set_rest_lag(0);
    let id = f.order("buy limit 1 90", json!({})).unwrap();
    assert_eq!(f.brief(&id), "open 0.00000000");
}

#[test]
fn fills_can_be_told_twice_but_count_once() {
    let mut f = Floor::new();
    assert!(!f.desk.duplicate_last_fill(ANNA));
    f.order("buy limit 1 100.1", json!({})).unwrap();
    let first = f.desk.drain().into_iter().find(|e| e.kind == RowKind::Trade).unwrap();
    assert!(f.desk.duplicate_last_fill(ANNA));
    let again = f.desk.drain().remove(0);
    assert_eq!(first.rows[0]["exec_id"], again.rows[0]["exec_id"]);
    assert_eq!(f.desk.fills_json().as_array().unwrap().len(), 1);
}

#[test]
fn a_fill_can_come_after_the_cancel() {
    let mut f = Floor::new();
    let id = f.order("buy limit 1.5 100.1", json!({})).unwrap();
    assert!(f.desk.late_fill(f.now, &id, &mut f.venue).is_err(), "it is open");
    f.rest("CancelOrder", json!({ "txid": id })).unwrap();
    f.story();
    f.desk.late_fill(f.now, &id, &mut f.venue).unwrap();
    f.desk.check().unwrap();
    assert_eq!(f.story(), "trade|balances");
    assert_eq!(f.brief(&id), "canceled 1.50000000");
    assert!(f.desk.late_fill(f.now, &id, &mut f.venue).is_err(), "nothing is left");
}
