//! Recorded answers and frames of the exchange, played and asked for again.

use super::*;

const TRADES: &str = include_str!("../../../../tests/fixtures/kraken/nautilus/http_trades.json");
const OHLC: &str = include_str!("../../../../tests/fixtures/kraken/nautilus/http_ohlc.json");
const BOOK: &str = include_str!("../../../../tests/fixtures/kraken/python_kraken_sdk/orderbook-v2.json");

/// The recorded page of trades as a tape. Times have seven decimals; the last one is known to the nanosecond.
fn recorded_trades() -> (Vec<TapeTrade>, Value) {
    let page: Value = serde_json::from_str(TRADES).unwrap();
    let rows = page["result"]["XBTUSDT"].as_array().unwrap();
    let last: i64 = page["result"]["last"].as_str().unwrap().parse().unwrap();
    let read = |row: &Value| {
        let at = (row[2].as_f64().unwrap() * 1e7).round() as i64 * 100;
        let taker = if row[3] == "b" { Side::Buy } else { Side::Sell };
        TapeTrade {
            market: row[4] == "m",
            ..trade("BTC/USDT", row[6].as_u64().unwrap(), at, row[0].as_str().unwrap(), row[1].as_str().unwrap(), taker)
        }
    };
    let mut trades: Vec<_> = rows.iter().map(read).collect();
    trades.last_mut().unwrap().at = SimNs(last);
    (trades, page["result"].clone())
}

fn recorded_market(start: i64) -> (Market, Value) {
    let (trades, page) = recorded_trades();
    let mut all = data(start);
    all.trades = vec![tape("BTC/USDT", trades)];
    (Market::new(all, MarketOptions::default()).unwrap(), page)
}

#[test]
fn the_recorded_page_of_trades_comes_back_to_the_letter() {
    let (mut market, page) = recorded_market(1_762_820_036 * SECOND);
    let mine = ask(&mut market, "Trades", &[("pair", "XBTUSDT"), ("since", "0")]);
    assert_eq!(mine["last"], page["last"]);
    let (ours, theirs) = (mine["XBTUSDT"].as_array().unwrap(), page["XBTUSDT"].as_array().unwrap());
    assert_eq!(ours.len(), 1_000);
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a[2].as_f64().unwrap() - b[2].as_f64().unwrap()).abs() < 5e-7, "{a} {b}");
        for column in [0, 1, 3, 4, 5, 6] {
            assert_eq!(a[column], b[column], "{a} {b}");
        }
    }
}

#[test]
fn the_recorded_minutes_come_out_of_the_recorded_trades_to_the_letter() {
    // The recorded answer was taken while 1762820220 ran, without a trade in it.
    let (mut market, _) = recorded_market(1_762_795_000 * SECOND);
    step(&mut market, 1_762_820_230 * SECOND);
    market.check().unwrap();
    let mine = ask(&mut market, "OHLC", &[("pair", "XBTUSDT"), ("interval", "1")]);
    let recorded: Value = serde_json::from_str(OHLC).unwrap();
    assert_eq!(mine["last"], recorded["result"]["last"]);
    let find = |answer: &Value| -> BTreeMap<i64, Value> {
        answer["XBTUSDT"].as_array().unwrap().iter().map(|r| (r[0].as_i64().unwrap(), r.clone())).collect()
    };
    let (ours, theirs) = (find(&mine), find(&recorded["result"]));
    // The first minute of the trades is not whole.
    let whole: Vec<_> = ours.iter().skip(1).collect();
    let with_trades = whole.iter().filter(|(_, row)| row[7] != 0).count();
    assert_eq!((whole.len(), with_trades), (414, 273));
    for (begin, row) in whole {
        assert_eq!(Some(row), theirs.get(begin));
    }
}

#[test]
fn a_recorded_answer_has_721_rows_and_so_has_ours() {
    let recorded: Value = serde_json::from_str(OHLC).unwrap();
    let mut market = made_up(&["BTC/USD"], 20, 21, 3, MarketOptions::default());
    let mine = ask(&mut market, "OHLC", &[("pair", "XBTUSD")]);
    let (ours, theirs) = (mine["XXBTZUSD"].as_array().unwrap(), recorded["result"]["XBTUSDT"].as_array().unwrap());
    assert_eq!(ours.len(), theirs.len());
    assert_eq!(mine["last"], ours[719][0]);
    assert_eq!(recorded["result"]["last"], theirs[719][0]);
}

fn levels(value: &Value, side: Side) -> impl Iterator<Item = BookLevel> + '_ {
    let key = if side == Side::Buy { "bids" } else { "asks" };
    value[key].as_array().unwrap().iter().map(move |l| BookLevel {
        side,
        price: dec(&l["price"].to_string()).normalize(),
        qty: if l["qty"].as_f64() == Some(0.0) {
            Decimal::ZERO
        } else {
            Decimal::from_f64_retain(l["qty"].as_f64().unwrap()).unwrap().round_dp(8)
        },
    })
}

#[test]
fn the_recorded_book_is_played_with_the_recorded_checksums() {
    let recording: Value = serde_json::from_str(BOOK).unwrap();
    let mut frames = vec![recording["init"].clone()];
    frames.extend(recording["updates"].as_array().unwrap().iter().cloned());
    let mut tape = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let row = &frame["data"][0];
        tape.push(BookFrame {
            at: SimNs(START + index as i64 * SECOND),
            snapshot: frame["type"] == "snapshot",
            levels: levels(row, Side::Buy).chain(levels(row, Side::Sell)).collect(),
        });
    }
    let mut all = data(START);
    all.books = vec![BookTape { symbol: "BTC/USD".into(), depth: 10, frames: tape.into() }];
    let mut market = Market::new(all, MarketOptions { repeat_one_in: 0, ..Default::default() }).unwrap();
    let topic = book_topic("BTC/USD", 10);
    assert!(market.activate(&topic));
    let mut compared = 0;
    for (index, frame) in frames.iter().enumerate() {
        let at = START + index as i64 * SECOND;
        let out = step(&mut market, at);
        let theirs = frame["data"][0]["checksum"].as_u64().unwrap();
        let snapshot: Value = serde_json::from_str(&market.snapshot(&topic).unwrap()).unwrap();
        assert_eq!(snapshot["data"][0]["checksum"].as_u64(), Some(theirs), "frame {index}");
        if let Some(update) = frames_of(&out, &topic).last() {
            assert_eq!(update["data"][0]["checksum"].as_u64(), Some(theirs));
            compared += 1;
        }
        market.check().unwrap();
    }
    assert_eq!(frames.len(), 510);
    assert!(compared > 500, "{compared}");
    assert!(market.provenance("BTC/USD").contains("book recorded (10 levels)"));
}
