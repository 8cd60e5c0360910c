//! What the desk refuses, in which words and in which order.

use serde_json::json;

use super::*;

fn refusal(words: &str, more: Value) -> String {
    Floor::new().order(words, more).unwrap_err()
}

#[test]
fn poor_orders_are_refused_in_the_words_of_the_exchange() {
    for (words, more, error) in [
        ("hold limit 1 100", json!({}), "EGeneral:Invalid arguments:type"),
        ("buy fancy 1 100", json!({}), "EGeneral:Invalid arguments:ordertype"),
        ("buy limit x 100", json!({}), "EGeneral:Invalid arguments:volume"),
        ("buy limit -1 100", json!({}), "EGeneral:Invalid arguments:volume"),
        ("buy limit 1", json!({}), "EGeneral:Invalid arguments:price"),
        ("buy limit 1 abc", json!({}), "EGeneral:Invalid arguments:price"),
        ("buy limit 1 100", json!({"pair": "XXXYYY"}), "EQuery:Unknown asset pair"),
        ("buy limit 1 100", json!({"oflags": "what"}), "EGeneral:Invalid arguments:oflags"),
        ("buy market 1", json!({"oflags": "post"}), "EGeneral:Invalid arguments:oflags"),
        ("buy limit 1 99", json!({"oflags": "post", "timeinforce": "IOC"}), "EGeneral:Invalid arguments:oflags"),
        ("buy limit 1 99", json!({"oflags": "fcib,fciq"}), "EGeneral:Invalid arguments:oflags"),
        ("buy limit 0.00004 100", json!({}), "EOrder:Order minimum not met"),
        ("buy limit 0.001 100", json!({}), "EOrder:Cost minimum not met"),
        ("buy limit 1 100.01", json!({}), "EOrder:Invalid price:BTC/USD price can only be specified up to 1 decimals."),
        ("buy limit 1 -500", json!({}), "EOrder:Invalid price"),
        ("buy limit 1.000000001 100", json!({}), "EGeneral:Invalid arguments:volume"),
        ("buy limit 5 1.0002", json!({"pair": "USDCUSD"}), "EOrder:Tick size check failed"),
        ("buy limit 200 100", json!({}), "EOrder:Insufficient funds"),
        ("sell limit 11 100", json!({}), "EOrder:Insufficient funds"),
        ("sell limit 10 100", json!({"oflags": "fcib"}), "EOrder:Insufficient funds"),
        ("buy limit 1 100.1", json!({"oflags": "post"}), "EOrder:Post only order"),
        ("buy limit 1 99", json!({"cl_ord_id": "nineteen-characters"}), "EGeneral:Invalid arguments:cl_ord_id"),
        ("buy limit 1 99", json!({"cl_ord_id": "a", "userref": 1}), "EGeneral:Invalid arguments:cl_ord_id"),
        ("buy limit 1 99", json!({"userref": "4000000000"}), "EGeneral:Invalid arguments:userref"),
        ("buy limit 1 99", json!({"timeinforce": "GTD"}), "EGeneral:Invalid arguments:expiretm"),
        ("buy limit 1 99", json!({"timeinforce": "GTD", "expiretm": "+4"}), "EGeneral:Invalid arguments:expiretm"),
        ("buy limit 1 99", json!({"leverage": "2:1"}), "EOrder:Cannot open position"),
        ("buy iceberg 1.5 99", json!({"displayvol": "0.09"}), "EGeneral:Invalid arguments:displayvol"),
        ("buy stop-loss-limit 1 105", json!({}), "EGeneral:Invalid arguments:price2"),
        ("sell trailing-stop 1 95", json!({}), "EGeneral:Invalid arguments:price"),
        ("buy limit 1 99", json!({"deadline": "2026-05-01T09:59:59Z"}), "EService:Deadline elapsed"),
        ("buy limit 1 99", json!({"deadline": "2026-05-01T10:01:01Z"}), "EGeneral:Invalid arguments:deadline"),
        ("buy limit 1 99", json!({"deadline": "soon"}), "EGeneral:Invalid arguments:deadline"),
        ("buy limit 1 99", json!({"close[ordertype]": "stop-loss"}), "EGeneral:Invalid arguments:close[price]"),
    ] {
        assert_eq!(refusal(words, more.clone()), error, "{words} {more}");
    }
}

#[test]
fn the_first_check_that_fails_speaks() {
    let mut f = Floor::new();
    f.venue.system = Mode::CancelOnly;
    assert_eq!(f.order("buy limit 0.00001 100.01", json!({})), Err("EService:Market in cancel_only mode".to_owned()));
    f.venue.system = Mode::Online;
    assert_eq!(f.order("buy limit 0.00001 100.01", json!({})), Err("EOrder:Order minimum not met".to_owned()));
    f.order("buy limit 1 90", json!({"cl_ord_id": "twice"})).unwrap();
    assert_eq!(
        f.order("buy limit 500 90", json!({"cl_ord_id": "twice"})),
        Err("EGeneral:Invalid arguments:cl_ord_id".to_owned()),
        "before funds"
    );
    assert_eq!(f.order("buy limit 500 101", json!({"oflags": "post"})), Err("EOrder:Insufficient funds".to_owned()));
}

#[test]
fn a_client_id_is_free_again_once_its_order_ended() {
    let mut f = Floor::new();
    f.order("buy limit 1 100.1", json!({"cl_ord_id": "again"})).unwrap();
    f.order("buy limit 1 90", json!({"cl_ord_id": "again"})).unwrap();
    assert_eq!(f.rest("CancelOrder", json!({"cl_ord_id": "again"})), Ok(json!({"count": 1})));
    assert_eq!(f.rest("QueryOrders", json!({"cl_ord_id": "again"})).unwrap().as_object().unwrap().len(), 2);
}

#[test]
fn modes_let_in_what_they_name() {
    let try_all = |mode: Mode| {
        let mut f = Floor::new();
        f.order("buy limit 1 90", json!({"cl_ord_id": "old"})).unwrap();
        f.venue.status = mode;
        let limit = f.order("buy limit 1 90", json!({})).is_ok();
        let post = f.order("buy limit 1 90", json!({"oflags": "post"})).is_ok();
        let market = f.order("buy market 1", json!({})).is_ok();
        f.venue.system = mode;
        let cancel = f.rest("CancelOrder", json!({"cl_ord_id": "old"})).is_ok();
        (limit, post, market, cancel)
    };
    assert_eq!(try_all(Mode::Online), (true, true, true, true));
    assert_eq!(try_all(Mode::PostOnly), (false, true, false, true));
    assert_eq!(try_all(Mode::LimitOnly), (true, true, false, true));
    assert_eq!(try_all(Mode::CancelOnly), (false, false, false, true));
    assert_eq!(try_all(Mode::Maintenance), (false, false, false, false));
}

#[test]
fn the_engine_counts_actions_and_ages() {
    let mut f = Floor::new();
    let count = |f: &Floor| f.desk.rate_count(f.now, ANNA, "BTC/USD").unwrap().0;
    f.order("buy limit 1 90", json!({"cl_ord_id": "a"})).unwrap();
    assert_eq!(count(&f), dec("1"));
    f.order("buy limit 1 90.01", json!({})).unwrap_err();
    assert_eq!(count(&f), dec("2"), "a failed order costs as well");
    f.wait(7_000);
    assert_eq!(count(&f), dec("0"), "3.75 a second");
    f.rest("AmendOrder", json!({"cl_ord_id": "a", "limit_price": "91"})).unwrap();
    assert_eq!(count(&f), dec("3"));
    f.rest("CancelOrder", json!({"cl_ord_id": "a"})).unwrap();
    assert_eq!(count(&f), dec("11"), "the amendment made it young again");
    for n in 0..21 {
        f.order("buy limit 0.01 90", json!({ "cl_ord_id": n.to_string() })).unwrap();
    }
    for n in 0..18 {
        f.rest("CancelOrder", json!({ "cl_ord_id": n.to_string() })).unwrap();
    }
    assert_eq!(count(&f), dec("176"));
    assert_eq!(f.rest("CancelOrder", json!({"cl_ord_id": "19"})), Err("EOrder:Rate limit exceeded".to_owned()));
    assert_eq!(f.rest("CancelAll", json!({})), Ok(json!({"count": 3})), "together they go");
    assert_eq!(f.order("buy limit 0.01 90", json!({})), Err("EOrder:Rate limit exceeded".to_owned()));
    assert_eq!(f.desk.max_rate_count(ANNA), 180);
    let eth = json!({"pair": "ETHUSD", "price": "5"});
    assert!(f.order("buy limit 1", eth).is_ok(), "another pair has its own counter");
}

#[test]
fn open_orders_are_limited_by_tier() {
    let mut f = Floor::with(DeskOptions::default());
    let funds = [("ZUSD".to_owned(), dec("1000"))].into();
    f.desk.open_account(START, AccountKey(3), &funds, Tier::Starter, &f.venue).unwrap();
    for n in 0..60 {
        f.wait(if n % 10 == 0 { 60_000 } else { 0 });
        f.order_of(AccountKey(3), "buy limit 0.01 90", json!({})).unwrap();
    }
    f.wait(60_000);
    assert_eq!(
        f.order_of(AccountKey(3), "buy limit 0.01 90", json!({})),
        Err("EOrder:Orders limit exceeded".to_owned())
    );
}

#[test]
fn accounts_open_once_with_assets_that_exist() {
    let mut f = Floor::new();
    let funds = |asset: &str, amount: &str| [(asset.to_owned(), dec(amount))].into();
    assert!(f.desk.open_account(START, ANNA, &funds("ZUSD", "1"), Tier::Pro, &f.venue).is_err());
    assert!(f.desk.open_account(START, AccountKey(9), &funds("XXX", "1"), Tier::Pro, &f.venue).is_err());
    assert!(f.desk.open_account(START, AccountKey(9), &funds("USD", "-1"), Tier::Pro, &f.venue).is_err());
    assert!(f.desk.open_account(START, AccountKey(9), &funds("USD", "1"), Tier::Pro, &f.venue).is_ok());
    assert!(f.desk.rest(START, AccountKey(77), "Balance", &Params::default(), &mut f.venue).unwrap().is_err());
    assert!(f.desk.rest(START, ANNA, "GetWebSocketsToken", &Params::default(), &mut f.venue).is_none());
}
