//! Random order flow against random trades and books: the books of account always balance, and equal inputs give equal states.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[derive(Debug, Clone)]
enum Act {
    Order { bert: bool, buy: bool, kind: usize, qty: u32, price: i32, flags: usize },
    Cancel { bert: bool, pick: usize },
    Amend { bert: bool, pick: usize, qty: u32, price: i32 },
    Trade { buy: bool, price: i32, qty: u32 },
    Level { buy: bool, price: i32, qty: u32 },
    Wait(u32),
    Lag(bool),
    Hide,
}

fn act() -> impl Strategy<Value = Act> {
    let price = -15..15_i32;
    prop_oneof![
        4 => (any::<bool>(), any::<bool>(), 0..9_usize, 1..40_000_u32, price.clone(), 0..10_usize)
            .prop_map(|(bert, buy, kind, qty, price, flags)| Act::Order { bert, buy, kind, qty, price, flags }),
        1 => (any::<bool>(), any::<usize>()).prop_map(|(bert, pick)| Act::Cancel { bert, pick }),
        1 => (any::<bool>(), any::<usize>(), 1..40_000_u32, price.clone())
            .prop_map(|(bert, pick, qty, price)| Act::Amend { bert, pick, qty, price }),
        3 => (any::<bool>(), price.clone(), 1..4_000_u32).prop_map(|(buy, price, qty)| Act::Trade { buy, price, qty }),
        3 => (any::<bool>(), price, 0..3_000_u32).prop_map(|(buy, price, qty)| Act::Level { buy, price, qty }),
        1 => (1..20_000_u32).prop_map(Act::Wait),
        1 => any::<bool>().prop_map(Act::Lag),
        1 => Just(Act::Hide),
    ]
}

fn at(price: i32) -> Decimal {
    dec("100") + Decimal::new(i64::from(price), 1)
}

fn thousandths(qty: u32) -> Decimal {
    Decimal::new(i64::from(qty), 3) + Decimal::new(1, 8)
}

fn side(buy: bool) -> Side {
    if buy { Side::Buy } else { Side::Sell }
}

fn key(bert: bool) -> AccountKey {
    if bert { BERT } else { ANNA }
}

fn order_fields(buy: bool, kind: usize, qty: u32, price: i32, flags: usize) -> Value {
    let name = [
        "limit",
        "market",
        "iceberg",
        "stop-loss",
        "take-profit",
        "stop-loss-limit",
        "take-profit-limit",
        "trailing-stop",
        "trailing-stop-limit",
    ][kind];
    let (first, second) = match kind {
        7 => ("+1%".to_owned(), String::new()),
        8 => ("+0.5".to_owned(), "-0.2".to_owned()),
        _ => (at(price).to_string(), at(-price).to_string()),
    };
    let mut fields = json!({"pair": "XBTUSD", "type": side(buy).as_str(), "ordertype": name, "volume": thousandths(qty).to_string(),
                            "price": first, "price2": second, "displayvol": (thousandths(qty) / dec("4")).round_dp(8).to_string()});
    let row = fields.as_object_mut().unwrap();
    match flags {
        1 => row.insert("oflags".to_owned(), "fcib".into()),
        2 => row.insert("oflags".to_owned(), "post".into()),
        3 => row.insert("timeinforce".to_owned(), "IOC".into()),
        4 => row.insert("timeinforce".to_owned(), "FOK".into()),
        5 => row.insert("stptype".to_owned(), "cancel-oldest".into()),
        6 => row.insert("stptype".to_owned(), "cancel-both".into()),
        7 => row.insert("close".to_owned(), json!({"ordertype": "stop-loss", "price": "98"})),
        8 => row.insert("expiretm".to_owned(), "+20".into()),
        9 => row.insert("oflags".to_owned(), "viqc".into()),
        _ => None,
    };
    fields
}

fn play(acts: &[Act], model: QueueModel) -> Floor {
    let mut f = Floor::with(DeskOptions { queue: model, strict: false, seed: 7, ..DeskOptions::default() });
    let mut ids = Vec::new();
    for act in acts {
        match act {
            Act::Order { bert, buy, kind, qty, price, flags } => {
                let fields = order_fields(*buy, *kind, *qty, *price, *flags);
                if let Ok(answer) = f.call(key(*bert), "AddOrder", fields) {
                    ids.push(answer["txid"][0].as_str().unwrap().to_owned());
                }
            }
            Act::Cancel { bert, pick } if !ids.is_empty() => {
                let _ = f.call(key(*bert), "CancelOrder", json!({ "txid": ids[pick % ids.len()] }));
            }
            Act::Amend { bert, pick, qty, price } if !ids.is_empty() => {
                let fields = json!({"txid": ids[pick % ids.len()], "order_qty": thousandths(*qty).to_string(),
                                    "limit_price": at(*price).to_string()});
                let _ = f.call(key(*bert), "AmendOrder", fields);
            }
            Act::Trade { buy, price, qty } => {
                f.trade(side(*buy), &at(*price).to_string(), &thousandths(*qty).to_string())
            }
            Act::Level { buy, price, qty } => {
                f.level(side(*buy), &at(*price).to_string(), &Decimal::new(i64::from(*qty), 3).to_string());
            }
            Act::Wait(ms) => f.wait(i64::from(*ms)),
            Act::Lag(on) => f.desk.set_rest_lag(if *on { 1_500 } else { 0 }),
            Act::Hide => f.desk.hide_next_order(ANNA, 30_000),
            Act::Cancel { .. } | Act::Amend { .. } => {}
        }
    }
    f
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each step checks every invariant (see `Floor::call` and its like); in the end the private channels agree with the views.
    #[test]
    fn the_books_balance_after_every_step(acts in prop::collection::vec(act(), 1..60), model in 0..3_usize) {
        let model = [QueueModel::Optimistic, QueueModel::Proportional, QueueModel::Pessimistic][model];
        let mut f = play(&acts, model);
        f.desk.set_rest_lag(0);
        f.wait(60_000);
        let events = f.desk.drain();
        let orders = f.desk.orders_json();
        let rows = |kind: RowKind| events.iter().filter(move |e| e.kind == kind).flat_map(|e| &e.rows);
        for order in orders.as_array().unwrap() {
            let mine = |row: &&Value| row["order_id"] == order["txid"];
            let ends = rows(RowKind::OpenClose).filter(mine).filter(|r| r["exec_type"] != "new").count();
            prop_assert_eq!(ends, usize::from(order["closetm"].is_number()), "one end for each ended order: {}", order);
            let told: Decimal = rows(RowKind::Trade).filter(mine).map(|r| dec(&json_text(&r["last_qty"]))).sum();
            prop_assert_eq!(told, dec(order["vol_exec"].as_str().unwrap()));
        }
        for account in [ANNA, BERT] {
            let balances = f.call(account, "Balance", json!({})).unwrap();
            for row in f.desk.balances_snapshot(f.now, account) {
                let id = f.venue.asset(row["asset"].as_str().unwrap()).unwrap().id;
                prop_assert_eq!(dec(&json_text(&row["balance"])), dec(balances[&id].as_str().unwrap()));
            }
        }
    }

    #[test]
    fn equal_inputs_give_equal_states(acts in prop::collection::vec(act(), 1..40)) {
        let (a, b) = (play(&acts, QueueModel::Pessimistic), play(&acts, QueueModel::Pessimistic));
        prop_assert_eq!(a.desk.state_hash(), b.desk.state_hash());
        prop_assert_eq!(a.desk.orders_json(), b.desk.orders_json());
    }
}
