//! Each order type against its documented body, in both encodings where both are used.

use super::*;
use crate::domain::order::Side;

fn price(text: &str) -> Price {
    Price::new(text.parse().expect("a decimal")).expect("a price")
}

fn qty(text: &str) -> Qty {
    Qty::new(text.parse().expect("a decimal")).expect("a quantity")
}

fn order(kind: Kind) -> NewOrder {
    NewOrder {
        side: Side::Buy,
        volume: qty("1.25"),
        kind,
        tag: None,
        life: Life::default(),
        start: None,
        self_trade: SelfTrade::default(),
        close: None,
    }
}

fn deadline() -> Stamp {
    Stamp(1_777_629_600_123_456_000)
}

fn add(order: NewOrder) -> AddOrder {
    AddOrder { pair: "XBTUSD".to_owned(), order, deadline: deadline(), validate: false }
}

const DEADLINE: &str = "&deadline=2026-05-01T10%3A00%3A00.123456Z";

#[test]
fn each_type_has_its_prices_in_the_right_place() {
    let trigger = Trigger { price: price("36000"), by: Reference::Index };
    let limit = price("35900.5");
    let percent = |value: &str| Offset { value: value.parse().expect("a decimal"), percent: true };
    let quote = |value: &str| Offset { value: value.parse().expect("a decimal"), percent: false };
    let (by, display) = (Reference::Last, qty("0.1"));
    for (kind, meant) in [
        (Kind::Market, "ordertype=market"),
        (Kind::Limit { limit, post_only: false }, "ordertype=limit&price=35900.5"),
        (Kind::Iceberg { limit, display, post_only: false }, "ordertype=iceberg&price=35900.5&displayvol=0.1"),
        (Kind::StopLoss { trigger }, "ordertype=stop-loss&price=36000&trigger=index"),
        (Kind::TakeProfit { trigger }, "ordertype=take-profit&price=36000&trigger=index"),
        (Kind::StopLossLimit { trigger, limit }, "ordertype=stop-loss-limit&price=36000&price2=35900.5&trigger=index"),
        (
            Kind::TakeProfitLimit { trigger, limit },
            "ordertype=take-profit-limit&price=36000&price2=35900.5&trigger=index",
        ),
        (Kind::TrailingStop { distance: percent("2.0"), by }, "ordertype=trailing-stop&price=%2B2%25&trigger=last"),
        (
            Kind::TrailingStopLimit { distance: quote("50"), limit: LimitOffset(quote("-5")), by },
            "ordertype=trailing-stop-limit&price=%2B50&price2=-5&trigger=last",
        ),
    ] {
        let body = add(order(kind)).body(7).expect("a body");
        assert_eq!(body, format!("nonce=7&pair=XBTUSD&type=buy&{meant}&volume=1.25&oflags=fciq{DEADLINE}"));
    }
}

#[test]
fn every_option_is_written() {
    let full = NewOrder {
        side: Side::Sell,
        tag: Some(Tag::Client(ClientOrderId::new("6d1b345e-2821-40e2-ad83-4ecb18a06876").expect("an id"))),
        life: Life::Until(1_777_633_200),
        start: Some(1_777_630_000),
        self_trade: SelfTrade::CancelBoth,
        close: Some(CloseOrder::StopLossLimit { trigger: price("100"), limit: price("99") }),
        ..order(Kind::Limit { limit: price("37500"), post_only: true })
    };
    let body = AddOrder { validate: true, ..add(full) }.body(7).expect("a body");
    assert_eq!(
        body,
        format!(
            "nonce=7&pair=XBTUSD&type=sell&ordertype=limit&price=37500&volume=1.25&oflags=fciq%2Cpost\
             &cl_ord_id=6d1b345e-2821-40e2-ad83-4ecb18a06876&timeinforce=GTD&expiretm=1777633200&starttm=1777630000\
             &stptype=cancel-both&close%5Bordertype%5D=stop-loss-limit&close%5Bprice%5D=100&close%5Bprice2%5D=99{DEADLINE}\
             &validate=true"
        )
    );
    let tagged = NewOrder { tag: Some(Tag::UserRef(-9)), life: Life::FillOrKill, ..order(Kind::Market) };
    let body = add(tagged).body(7).expect("a body");
    assert!(body.contains("&userref=-9&timeinforce=FOK&") && !body.contains("cl_ord_id"), "{body}");
}

#[test]
fn a_batch_is_json_with_texts_for_numbers() {
    let close = Some(CloseOrder::Limit { limit: price("2") });
    let orders =
        vec![order(Kind::Market), NewOrder { close, ..order(Kind::Limit { limit: price("1"), post_only: false }) }];
    let batch = AddOrderBatch { pair: "XBTUSD".to_owned(), orders, deadline: deadline(), validate: false };
    assert_eq!(
        batch.body(7).expect("a body"),
        r#"{"nonce":"7","pair":"XBTUSD","orders":[{"type":"buy","ordertype":"market","volume":"1.25","oflags":"fciq"},{"type":"buy","ordertype":"limit","price":"1","volume":"1.25","oflags":"fciq","close":{"ordertype":"limit","price":"2"}}],"deadline":"2026-05-01T10:00:00.123456Z"}"#
    );
    for count in [0, 1, 16] {
        let orders = vec![order(Kind::Market); count];
        assert!(AddOrderBatch { orders, ..batch.clone() }.body(7).is_err(), "{count}");
    }
}

#[test]
fn the_batch_cancel_is_signed_as_derived() {
    let orders = vec!["OUF4EM-FRGI2-MQMWZD".to_owned(), "OMMDB2-FSB6Z-7W3HPO".to_owned()];
    let body = CancelOrderBatch { orders, cl_ord_ids: vec![] }.body(1_616_492_376_594).expect("a body");
    assert_eq!(body, r#"{"nonce":"1616492376594","orders":["OUF4EM-FRGI2-MQMWZD","OMMDB2-FSB6Z-7W3HPO"]}"#);
    let id = ClientOrderId::new("mine").expect("an id");
    let body = CancelOrderBatch { orders: vec![], cl_ord_ids: vec![id] }.body(1).expect("a body");
    assert_eq!(body, r#"{"nonce":"1","cl_ord_ids":["mine"]}"#);
    assert!(CancelOrderBatch::default().body(1).is_err());
    assert!(CancelOrderBatch { orders: vec![String::new(); 51], cl_ord_ids: vec![] }.body(1).is_err());
}

#[test]
fn amend_and_cancel() {
    let target = Target::Txid("OUF4EM-FRGI2-MQMWZD".to_owned());
    let nothing = AmendOrder {
        target: target.clone(),
        order_qty: None,
        display_qty: None,
        limit_price: None,
        trigger_price: None,
        post_only: true,
        deadline: deadline(),
    };
    assert!(nothing.body(7).is_err());
    assert!(AmendOrder { order_qty: Some(Qty::ZERO), ..nothing.clone() }.body(7).is_err());
    let amend = AmendOrder { order_qty: Some(qty("2.50")), limit_price: Some(price("1e2")), ..nothing };
    assert_eq!(
        amend.body(7).expect("a body"),
        format!("nonce=7&txid=OUF4EM-FRGI2-MQMWZD&order_qty=2.5&limit_price=100&post_only=true{DEADLINE}")
    );
    let client = Target::Client(ClientOrderId::new("mine").expect("an id"));
    assert_eq!(CancelOrder::One(target).body(7).expect("a body"), "nonce=7&txid=OUF4EM-FRGI2-MQMWZD");
    assert_eq!(CancelOrder::One(client).body(7).expect("a body"), "nonce=7&cl_ord_id=mine");
    assert_eq!(CancelOrder::UserRef(12).body(7).expect("a body"), "nonce=7&txid=12");
    assert_eq!(CancelAll.body(7).expect("a body"), "nonce=7");
    assert_eq!(CancelAllOrdersAfter { timeout_s: 60 }.body(7).expect("a body"), "nonce=7&timeout=60");
    assert!(CancelAllOrdersAfter { timeout_s: 86_400 }.body(7).is_err());
}

#[test]
fn what_the_exchange_would_refuse_is_not_sent() {
    let limit = price("1");
    let offset = |value: i64| Offset { value: value.into(), percent: true };
    let bad = [
        NewOrder { volume: Qty::ZERO, ..order(Kind::Market) },
        NewOrder { life: Life::ImmediateOrCancel, ..order(Kind::Limit { limit, post_only: true }) },
        order(Kind::Iceberg { limit, display: qty("0.08"), post_only: false }),
        order(Kind::Iceberg { limit, display: qty("1.26"), post_only: false }),
        order(Kind::TrailingStop { distance: offset(0), by: Reference::Last }),
        order(Kind::TrailingStop { distance: offset(-1), by: Reference::Last }),
    ];
    for order in bad {
        assert!(add(order.clone()).body(7).is_err(), "{order:?}");
    }
    for id in
        ["", "nineteen characters", "with space", "naïve", "6d1b345e-2821-40e2-ad83-4ecb18a0687", "1234567890123456789"]
    {
        assert!(ClientOrderId::new(id).is_err(), "{id}");
    }
    for id in ["arb-20240509-00010", "6d1b345e282140e2ad834ecb18a06876", "6d1b345e-2821-40e2-ad83-4ecb18a06876", "x"] {
        assert_eq!(ClientOrderId::new(id).map(|i| i.to_string()), Ok(id.to_owned()));
    }
}
