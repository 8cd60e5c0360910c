//! Everything at once: all topics, steps of any size, the same bytes each time.

use super::*;
use crate::domain::random::SplitMix64;

const PAIRS: [&str; 3] = ["BTC/USD", "PEPE/USD", "SGB/USD"];

fn watched(options: MarketOptions) -> Market {
    let mut market = made_up(&PAIRS, 1, 3, 11, options);
    for pair in PAIRS {
        for topic in topics(pair) {
            assert!(market.activate(&topic), "{topic:?}");
        }
    }
    market
}

#[test]
fn books_candles_trades_and_tickers_agree_with_a_careful_client() {
    for keep_zeros in [false, true] {
        let mut market = watched(MarketOptions { keep_zeros, ..Default::default() });
        let listing = Arc::clone(market.listing());
        let mut clients: BTreeMap<Topic, BookClient> = BTreeMap::new();
        for pair in PAIRS {
            for depth in DEPTHS {
                let topic = book_topic(pair, depth);
                let mut client = BookClient::new(depth as usize);
                client.take(listing.find(pair).unwrap(), &market.snapshot(&topic).unwrap());
                clients.insert(topic, client);
            }
        }
        let mut ids: BTreeMap<Symbol, u64> = BTreeMap::new();
        let (mut trades, mut in_frames) = (0, 0);
        for minute in 1..=25 {
            let out = step(&mut market, START + 3_600 * SECOND + minute * MINUTE);
            for event in &out {
                match event {
                    MarketEvent::Trade(t) => {
                        trades += 1;
                        let before = ids.insert(t.symbol.clone(), t.id);
                        assert!(before.is_none_or(|b| t.id == b + 1));
                    }
                    MarketEvent::Frame { topic: topic @ Topic::Book { symbol, .. }, text } => {
                        clients.get_mut(topic).unwrap().take(listing.find(symbol).unwrap(), text);
                    }
                    MarketEvent::Frame { topic: Topic::Trade { .. }, text } => {
                        in_frames += text.matches("\"trade_id\":").count();
                    }
                    MarketEvent::Frame { text, .. } => {
                        serde_json::from_str::<Value>(text).unwrap();
                    }
                    MarketEvent::Book { .. } => {}
                }
            }
            market.check().unwrap();
            for (topic, client) in &clients {
                let Topic::Book { symbol, .. } = topic else { continue };
                assert!(client.equals(&market, symbol), "{topic:?} at minute {minute}");
            }
        }
        assert!(trades > 800 && in_frames == trades, "{trades} {in_frames}");
        assert_eq!(clients.values().map(|c| c.wrong + c.crossed).sum::<usize>(), 0);
        assert!(clients.values().all(|c| c.updates > 300), "{clients:?}");
        assert!(clients.values().map(|c| c.twice).sum::<usize>() > 50);
    }
}

#[test]
fn the_last_candle_and_ticker_frames_say_what_rest_says() {
    let mut market = watched(MarketOptions::default());
    let out = step(&mut market, START + 2 * 3_600 * SECOND);
    for pair in PAIRS {
        let id = market.listing().find(pair).unwrap().id.clone();
        let topic = Topic::Ohlc { symbol: pair.into(), interval: 5 };
        let frame = frames_of(&out, &topic).pop().unwrap();
        let candle = &frame["data"][0];
        let rows = ask(&mut market, "OHLC", &[("pair", pair), ("interval", "5")]);
        let begin = jiff_seconds(candle["interval_begin"].as_str().unwrap());
        let row = rows[&id].as_array().unwrap().iter().find(|r| r[0] == begin).unwrap();
        for (key, column) in [("open", 1), ("high", 2), ("low", 3), ("close", 4), ("vwap", 5), ("volume", 6)] {
            assert_eq!(dec(&plain(&candle[key])), dec(row[column].as_str().unwrap()), "{pair} {key}");
        }
        assert_eq!(candle["trades"], row[7]);
        let topic = Topic::Ticker { symbol: pair.into(), bbo: false };
        let ticker = frames_of(&out, &topic).pop().unwrap();
        let rest = ask(&mut market, "Ticker", &[("pair", pair)]);
        for (key, place) in [("low", "l"), ("high", "h"), ("volume", "v")] {
            let both = (dec(&plain(&ticker["data"][0][key])), dec(rest[&id][place][1].as_str().unwrap()));
            assert_eq!(both.0, both.1, "{pair} {key}");
        }
        assert_eq!(dec(&plain(&ticker["data"][0]["last"])), dec(rest[&id]["c"][0].as_str().unwrap()));
    }
}

fn jiff_seconds(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

/// The shortest form of a JSON number, without an exponent.
fn plain(value: &Value) -> String {
    let text = value.to_string();
    if text.contains('e') { Decimal::from_scientific(&text).unwrap().to_string() } else { text }
}

#[test]
fn equal_inputs_give_equal_bytes_however_the_steps_are_cut() {
    let end = START + 3_600 * SECOND + 20 * MINUTE;
    let mut whole = watched(MarketOptions::default());
    let expected = step(&mut whole, end);
    assert!(expected.len() > 10_000);
    for seed in [1, 2] {
        let mut rng = SplitMix64::seeded(seed);
        let mut market = watched(MarketOptions::default());
        let mut got = Vec::new();
        while market.now().0 < end {
            let to = match rng.below(3) {
                0 => market.next_at().unwrap().0,
                _ => market.now().0 + rng.below(5_000_000_000) as i64,
            };
            market.step_to(SimNs(to.min(end)), &mut got);
        }
        assert!(got == expected, "seed {seed}");
        assert_eq!(digest(&market), digest(&whole));
    }
    let other = watched(MarketOptions { seed: 2, ..Default::default() });
    let same = watched(MarketOptions::default());
    assert_ne!(digest(&other), digest(&same));
    assert_eq!(digest(&same), digest(&watched(MarketOptions::default())));
}

#[test]
fn the_digest_sees_every_change() {
    let mut market = watched(MarketOptions::default());
    let mut seen = vec![digest(&market)];
    let mut note = |m: &Market| {
        let now = digest(m);
        assert!(!seen.contains(&now));
        seen.push(now);
    };
    let best = market.external_levels("BTC/USD", Side::Buy).next().unwrap();
    market.consume("BTC/USD", Side::Buy, best.0, dec("0.0001"));
    note(&market);
    market.corrupt_next_checksum("BTC/USD");
    note(&market);
    market.set_pair_status("ETH/USD", PairStatus::CancelOnly);
    note(&market);
    market.set_system_status("maintenance");
    note(&market);
    market.deactivate(&Topic::Trade { symbol: "SGB/USD".into() });
    note(&market);
    step(&mut market, START + 3_601 * SECOND);
    note(&market);
}

#[test]
fn topics_that_do_not_exist_are_refused_and_those_let_go_are_silent() {
    let mut market = made_up(&["BTC/USD"], 0, 1, 1, MarketOptions::default());
    for topic in [
        book_topic("ETH/USD", 10),
        book_topic("BTC/USD", 11),
        Topic::Ohlc { symbol: "BTC/USD".into(), interval: 2 },
        Topic::Trade { symbol: "XBT/USD".into() },
    ] {
        assert!(!market.activate(&topic), "{topic:?}");
        assert_eq!(market.snapshot(&topic), None, "{topic:?}");
    }
    assert_eq!(market.snapshot(&Topic::Ticker { symbol: "BTC/USD".into(), bbo: false }), None, "no price yet");
    let frames = |out: &[MarketEvent]| out.iter().filter(|e| matches!(e, MarketEvent::Frame { .. })).count();
    for topic in topics("BTC/USD") {
        market.activate(&topic);
    }
    assert!(frames(&step(&mut market, START + 10 * MINUTE)) > 100);
    for topic in topics("BTC/USD") {
        market.deactivate(&topic);
    }
    let out = step(&mut market, START + 20 * MINUTE);
    assert_eq!(frames(&out), 0);
    assert!(!out.is_empty(), "the desk still hears of trades and books");
}

#[test]
fn a_pair_status_is_announced_and_listed() {
    let mut market = made_up(&["BTC/USD"], 0, 1, 1, MarketOptions::default());
    assert!(market.activate(&Topic::Instrument));
    assert!(market.set_pair_status("ETH/USD", PairStatus::PostOnly));
    assert!(!market.set_pair_status("ETHUSD", PairStatus::PostOnly), "only v2 symbols");
    assert_eq!(market.next_at(), Some(market.now()));
    let out = step(&mut market, START);
    let frames = frames_of(&out, &Topic::Instrument);
    assert_eq!(frames[0]["data"]["pairs"][0]["status"], "post_only");
    assert_eq!(market.pair_status("ETH/USD"), Some(PairStatus::PostOnly));
    assert_eq!(ask(&mut market, "AssetPairs", &[("pair", "ETHUSD")])["XETHZUSD"]["status"], "post_only");
    assert!(
        market
            .snapshot(&Topic::Instrument)
            .unwrap()
            .contains(r#""symbol":"ETH/USD","base":"ETH","quote":"USD","status":"post_only""#)
    );
}
