//! Pairs with recorded candles only.

use super::*;

const SGB: &str = "SGB/USD";

fn row(minute: i64, prices: [&str; 4], volume: &str, trades: u64) -> CandleRow {
    let [open, high, low, close] = prices.map(dec);
    let begin = SimNs(START + minute * MINUTE);
    CandleRow { begin, open, high, low, close, volume: dec(volume), vwap: None, trades: Some(trades) }
}

/// Five-minute candles at 0, 5 and 20 minutes; nothing between.
fn market(start: i64) -> Market {
    let rows = vec![
        row(0, ["0.00852", "0.00852", "0.00852", "0.00852"], "1200", 1),
        row(5, ["0.00848", "0.00849", "0.00846", "0.00847"], "39153", 20),
        row(20, ["0.00848", "0.00848", "0.00847", "0.00847"], "17451", 5),
    ];
    let mut all = data(start);
    all.candles = vec![CandleTape { symbol: SGB.into(), interval: 5, rows: rows.into() }];
    Market::new(all, MarketOptions { churn_ms: None, ..Default::default() }).unwrap()
}

#[test]
fn a_recorded_candle_shows_once_just_before_its_end() {
    let mut m = market(START);
    let five = Topic::Ohlc { symbol: SGB.into(), interval: 5 };
    let fifteen = Topic::Ohlc { symbol: SGB.into(), interval: 15 };
    let one = Topic::Ohlc { symbol: SGB.into(), interval: 1 };
    for topic in [&one, &five, &fifteen] {
        assert!(m.activate(topic));
    }
    assert_eq!(m.next_at(), Some(SimNs(START + 5 * MINUTE - 1_000_000)));
    assert!(step(&mut m, START + 5 * MINUTE - 1_000_001).is_empty());
    let out = step(&mut m, START + 25 * MINUTE);
    let begins = |topic| -> Vec<(Value, Value, Value)> {
        let pick = |f: &Value| {
            let c = &f["data"][0];
            (c["interval_begin"].clone(), c["trades"].clone(), c["volume"].clone())
        };
        frames_of(&out, topic).iter().map(pick).collect()
    };
    assert_eq!(
        begins(&five),
        [
            (json!("2024-07-17T00:00:00.000000000Z"), json!(1), json!(1200)),
            (json!("2024-07-17T00:05:00.000000000Z"), json!(20), json!(39153)),
            (json!("2024-07-17T00:20:00.000000000Z"), json!(5), json!(17451)),
        ]
    );
    assert_eq!(
        begins(&fifteen),
        [
            (json!("2024-07-17T00:00:00.000000000Z"), json!(1), json!(1200)),
            (json!("2024-07-17T00:00:00.000000000Z"), json!(21), json!(40353)),
            (json!("2024-07-17T00:15:00.000000000Z"), json!(5), json!(17451)),
        ]
    );
    assert_eq!(begins(&one), [], "nothing finer than recorded");
    let first = &frames_of(&out, &five)[0];
    assert_eq!(first["timestamp"], "2024-07-17T00:04:59.999000000Z");
    assert_eq!(first["data"][0]["timestamp"], "2024-07-17T00:05:00.000000Z");
    assert_eq!(frames_of(&out, &fifteen)[1]["data"][0]["low"], json!(0.00846));
    m.check().unwrap();
    assert_eq!(m.last_price(SGB), Some(dec("0.00847")));
    assert_eq!(m.external_levels(SGB, Side::Buy).next().map(|l| l.0), Some(dec("0.00846")));
    assert!(m.provenance(SGB).contains("candles recorded (5 min"));
}

#[test]
fn rest_gives_recorded_rows_and_the_running_candle_but_never_the_future() {
    let mut m = market(START + 7 * MINUTE);
    let begins = |m: &mut Market| -> Vec<i64> {
        let answer = ask(m, "OHLC", &[("pair", "SGBUSD"), ("interval", "5")]);
        answer["SGBUSD"].as_array().unwrap().iter().map(|r| (r[0].as_i64().unwrap() - START / SECOND) / 60).collect()
    };
    assert_eq!(begins(&mut m), [0, 5], "the running one is flat");
    let answer = ask(&mut m, "OHLC", &[("pair", "SGBUSD"), ("interval", "5")]);
    assert_eq!(answer["SGBUSD"][1][7], 0);
    assert_eq!(answer["SGBUSD"][1][4], "0.00852");
    assert_eq!(answer["last"], START / SECOND);
    step(&mut m, START + 12 * MINUTE);
    assert_eq!(begins(&mut m), [0, 5, 10]);
    step(&mut m, START + 31 * MINUTE);
    assert_eq!(begins(&mut m), [0, 5, 20, 30], "intervals without trades are absent");
    let since = (START / SECOND + 300).to_string();
    let answer = ask(&mut m, "OHLC", &[("pair", "SGBUSD"), ("interval", "5"), ("since", &since)]);
    assert_eq!(answer["SGBUSD"].as_array().unwrap().len(), 2, "since is exclusive");
    assert_eq!(answer["last"], START / SECOND + 1_200);
    let row = &answer["SGBUSD"][0];
    assert_eq!(row[6], "17451.00000000");
    let fine = ask(&mut m, "OHLC", &[("pair", "SGBUSD"), ("interval", "1")]);
    assert_eq!(fine, json!({"SGBUSD": [], "last": 0}));
    assert_eq!(ask(&mut m, "Trades", &[("pair", "SGBUSD"), ("since", "0")])["SGBUSD"], json!([]));
    let ticker = ask(&mut m, "Ticker", &[("pair", "SGBUSD")]);
    assert_eq!(ticker["SGBUSD"]["v"], json!(["57804.00000000", "57804.00000000"]));
    assert_eq!(ticker["SGBUSD"]["t"], json!([26, 26]));
    assert_eq!(ticker["SGBUSD"]["h"][0], "0.008520");
}

#[test]
fn each_interval_takes_the_coarsest_tape_that_divides_it() {
    let hour = |h: i64, close: &str| row(h * 60, ["0.009", "0.01", "0.008", close], "5", 2);
    let fine = vec![row(0, ["0.009", "0.01", "0.008", "0.0095"], "5", 2)];
    let mut all = data(START);
    all.candles = vec![
        CandleTape { symbol: SGB.into(), interval: 60, rows: vec![hour(0, "0.0095"), hour(1, "0.0091")].into() },
        CandleTape { symbol: SGB.into(), interval: 5, rows: fine.into() },
    ];
    let mut m = Market::new(all, MarketOptions { churn_ms: None, ..Default::default() }).unwrap();
    step(&mut m, START + 130 * MINUTE);
    m.check().unwrap();
    let count = |m: &mut Market, minutes: &str| {
        let answer = ask(m, "OHLC", &[("pair", "SGBUSD"), ("interval", minutes)]);
        answer["SGBUSD"].as_array().unwrap().iter().filter(|r| r[7] != 0).count()
    };
    assert_eq!([count(&mut m, "5"), count(&mut m, "30"), count(&mut m, "60"), count(&mut m, "240")], [1, 1, 2, 1]);
}

#[test]
fn broken_candles_are_refused() {
    let refuse = |rows: Vec<CandleRow>, interval| {
        let mut all = data(START);
        all.candles = vec![CandleTape { symbol: SGB.into(), interval, rows: rows.into() }];
        Market::new(all, MarketOptions::default()).unwrap_err()
    };
    let good = row(0, ["0.009", "0.01", "0.008", "0.0095"], "5", 2);
    refuse(vec![good.clone(), good.clone()], 5);
    refuse(vec![good.clone()], 7);
    refuse(vec![CandleRow { low: dec("0.0099"), ..good.clone() }], 5);
    refuse(vec![CandleRow { begin: SimNs(START + 1), ..good }], 5);
}
