//! REST answers against recorded shapes, and paging.

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!(
            "../../../../tests/fixtures/kraken/kraken_async_rs/public_response_json__",
            $name,
            ".json"
        )))
        .unwrap()["result"]
            .clone()
    };
}

/// The same JSON types at the same places; lists are compared by their first element, texts that are numbers by their decimals.
fn same_shape(ours: &Value, theirs: &Value, at: &str) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{at}");
            a.iter().for_each(|(k, v)| same_shape(v, &b[k], &format!("{at}.{k}")));
        }
        (Value::Array(a), Value::Array(b)) if b.iter().all(Value::is_array) => {
            assert!(!a.is_empty(), "{at}");
            same_shape(&a[0], &b[0], &format!("{at}[0]"));
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{at}");
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| same_shape(a, b, &format!("{at}[{i}]")));
        }
        (Value::String(a), Value::String(b)) => {
            let decimals = |t: &str| t.parse::<Decimal>().map(|d| d.scale()).ok();
            assert_eq!(decimals(a), decimals(b), "{at}: {a} and {b}");
        }
        (Value::Number(a), Value::Number(b)) => assert_eq!(a.is_f64(), b.is_f64(), "{at}"),
        _ => assert_eq!(std::mem::discriminant(ours), std::mem::discriminant(theirs), "{at}"),
    }
}

#[test]
fn answers_have_the_recorded_shapes() {
    let mut m = made_up(&["BTC/USD", "ETH/USD", "USDC/USD"], 2, 3, 5, MarketOptions::default());
    step(&mut m, START + 2 * 3_600 * SECOND + 10 * MINUTE);
    same_shape(
        &ask(&mut m, "Ticker", &[("pair", "XBTUSD,ETH/USD,USDC/USD")]),
        &fixture!("get_ticker_information_json"),
        "Ticker",
    );
    same_shape(&ask(&mut m, "OHLC", &[("pair", "XBTUSD")]), &fixture!("get_ohlc_data_json"), "OHLC");
    same_shape(&ask(&mut m, "Depth", &[("pair", "BTC/USD")]), &fixture!("get_orderbook_json"), "Depth");
    same_shape(&ask(&mut m, "Trades", &[("pair", "XXBTZUSD")]), &fixture!("get_recent_trades_json"), "Trades");
    same_shape(&ask(&mut m, "Spread", &[("pair", "XBTUSD")]), &fixture!("get_recent_spreads_json"), "Spread");
    same_shape(&ask(&mut m, "Time", &[]), &fixture!("get_server_time_json"), "Time");
    same_shape(&ask(&mut m, "SystemStatus", &[]), &fixture!("get_system_status_json"), "SystemStatus");
    assert_eq!(m.rest(m.now(), "Balance", &Params::default()), None);
    m.set_system_status("maintenance");
    assert_eq!(ask(&mut m, "SystemStatus", &[])["status"], "maintenance");
    let all = ask(&mut m, "Ticker", &[]);
    assert_eq!(all.as_object().unwrap().keys().collect::<Vec<_>>(), ["USDCUSD", "XETHZUSD", "XXBTZUSD"]);
}

#[test]
fn wrong_questions_get_the_errors_of_the_exchange() {
    let mut m = made_up(&["BTC/USD"], 1, 2, 5, MarketOptions::default());
    let now = m.now();
    let table = [
        ("OHLC", vec![], "EGeneral:Invalid arguments"),
        ("Trades", vec![("pair", "NOPE")], "EQuery:Unknown asset pair"),
        ("Depth", vec![("pair", "xbtusd")], "EQuery:Unknown asset pair"),
        ("Spread", vec![("pair", "ETHUSD")], "EQuery:Unknown asset pair"),
        ("Ticker", vec![("pair", "XBTUSD,ETHUSD")], "EQuery:Unknown asset pair"),
        ("OHLC", vec![("pair", "XBTUSD"), ("interval", "7")], "EGeneral:Invalid arguments:interval"),
        ("OHLC", vec![("pair", "XBTUSD"), ("since", "x")], "EGeneral:Invalid arguments:since"),
        ("Depth", vec![("pair", "XBTUSD"), ("count", "501")], "EGeneral:Invalid arguments:count"),
        ("Trades", vec![("pair", "XBTUSD"), ("count", "0")], "EGeneral:Invalid arguments:count"),
    ];
    for (call, given, expected) in table {
        assert_eq!(m.rest(now, call, &params(&given)), Some(Err(vec![expected.to_owned()])), "{call} {given:?}");
    }
}

#[test]
fn paging_reads_every_trade_once_and_never_the_future() {
    let mut m = made_up(&["BTC/USD"], 3, 6, 5, MarketOptions::default());
    let read_all = |m: &mut Market, count: usize| {
        let (mut since, mut ids, mut latest) = ("0".to_owned(), Vec::new(), 0.0_f64);
        loop {
            let page = ask(m, "Trades", &[("pair", "XBTUSD"), ("since", &since), ("count", &count.to_string())]);
            let rows = page["XXBTZUSD"].as_array().unwrap().clone();
            ids.extend(rows.iter().map(|r| r[6].as_u64().unwrap()));
            latest = rows.last().map_or(latest, |r| r[2].as_f64().unwrap());
            let last = page["last"].as_str().unwrap().to_owned();
            assert_eq!(last.len(), 19);
            if rows.len() < count {
                return (ids, latest);
            }
            since = last;
        }
    };
    let (before, _) = read_all(&mut m, 1_000);
    assert!(before.len() > 2_000);
    step(&mut m, START + 4 * 3_600 * SECOND);
    let (after, latest) = read_all(&mut m, 7);
    assert_eq!(after, (1..=after.len() as u64).collect::<Vec<_>>());
    assert!(after.len() > before.len() + 500);
    assert!(latest <= (START / SECOND + 4 * 3_600) as f64);
    let newest = ask(&mut m, "Trades", &[("pair", "XBTUSD"), ("count", "5")]);
    assert_eq!(newest["XXBTZUSD"][4][6].as_u64(), after.last().copied());
    let seconds = (START / SECOND + 3_600).to_string();
    let page = ask(&mut m, "Trades", &[("pair", "XBTUSD"), ("since", &seconds), ("count", "1")]);
    let time = page["XXBTZUSD"][0][2].as_f64().unwrap() - (START / SECOND + 3_600) as f64;
    assert!((0.0..60.0).contains(&time), "seconds are understood, too: {time}");
}

#[test]
fn depth_shows_the_book_best_first() {
    let mut m = made_up(&["BTC/USD"], 1, 2, 5, MarketOptions::default());
    let answer = ask(&mut m, "Depth", &[("pair", "XBTUSD"), ("count", "25")]);
    for (key, side) in [("bids", Side::Buy), ("asks", Side::Sell)] {
        let rows = answer["XXBTZUSD"][key].as_array().unwrap();
        assert_eq!(rows.len(), 25);
        for (row, (price, qty)) in rows.iter().zip(m.external_levels("BTC/USD", side)) {
            assert_eq!(dec(row[0].as_str().unwrap()), price);
            let shown = dec(row[1].as_str().unwrap());
            assert!((shown - qty).abs() <= dec("0.001") && shown > Decimal::ZERO);
        }
    }
}

#[test]
fn quiet_minutes_are_flat_and_the_day_has_its_numbers() {
    let mut all = data(START);
    let trades = vec![
        trade("BTC/USD", 1, START + 10 * SECOND, "100", "1", Side::Buy),
        trade("BTC/USD", 2, START + 200 * SECOND, "110", "3", Side::Buy),
        trade("BTC/USD", 3, START + 26 * 60 * MINUTE, "90", "2", Side::Sell),
    ];
    all.trades = vec![tape("BTC/USD", trades)];
    let mut m = Market::new(all, MarketOptions::default()).unwrap();
    step(&mut m, START + 20 * SECOND);
    let first = ask(&mut m, "OHLC", &[("pair", "XBTUSD")]);
    assert_eq!((first["XXBTZUSD"].as_array().unwrap().len(), &first["last"]), (1, &json!(START / SECOND - 60)));
    step(&mut m, START + 250 * SECOND);
    let answer = ask(&mut m, "OHLC", &[("pair", "XBTUSD"), ("interval", "1")]);
    let base = START / SECOND;
    assert_eq!(
        answer,
        json!({"XXBTZUSD": [
            [base, "100.0", "100.0", "100.0", "100.0", "100.0", "1.00000000", 1],
            [base + 60, "100.0", "100.0", "100.0", "100.0", "0.0", "0.00000000", 0],
            [base + 120, "100.0", "100.0", "100.0", "100.0", "0.0", "0.00000000", 0],
            [base + 180, "110.0", "110.0", "110.0", "110.0", "110.0", "3.00000000", 1],
            [base + 240, "110.0", "110.0", "110.0", "110.0", "0.0", "0.00000000", 0],
        ], "last": base + 180})
    );
    step(&mut m, START + 26 * 60 * MINUTE);
    let ticker = ask(&mut m, "Ticker", &[("pair", "XBTUSD")])["XXBTZUSD"].clone();
    assert_eq!(ticker["o"], "90.00000");
    assert_eq!((&ticker["v"], &ticker["t"]), (&json!(["2.00000000", "2.00000000"]), &json!([1, 1])));
    assert_eq!(ticker["c"], json!(["90.00000", "2.00000000"]));
    let now = m.now();
    let view = m.pair_mut("BTC/USD").unwrap().ticker(now.0).unwrap();
    assert_eq!((view.last, view.reference), (900, 1_100), "the price a day ago was 110");
}
