//! Liquidity taken, trades added, faults.

use super::*;

const BTC: &str = "BTC/USD";

fn quiet() -> MarketOptions {
    MarketOptions { churn_ms: None, repeat_one_in: 0, ..Default::default() }
}

/// One trade at the start, one after a minute.
fn market(options: MarketOptions) -> Market {
    let mut all = data(START + SECOND);
    let trades = vec![
        trade(BTC, 7, START, "30000", "0.5", Side::Buy),
        trade(BTC, 8, START + MINUTE, "30000.3", "0.1", Side::Sell),
    ];
    all.trades = vec![tape(BTC, trades)];
    Market::new(all, options).unwrap()
}

fn best(market: &Market, side: Side) -> (Decimal, Decimal) {
    market.external_levels(BTC, side).next().unwrap()
}

#[test]
fn what_was_taken_stays_taken_until_the_level_changes() {
    let mut m = market(quiet());
    let topic = book_topic(BTC, 10);
    assert!(m.activate(&topic));
    let mut client = BookClient::new(10);
    let info = m.listing().find(BTC).unwrap().clone();
    client.take(&info, &m.snapshot(&topic).unwrap());
    let (price, qty) = best(&m, Side::Sell);
    assert_eq!(price, dec("30000.1"));
    let part = dec("0.00001");
    assert_eq!(m.consume(BTC, Side::Sell, price, part), part);
    assert_eq!(m.external_qty(BTC, Side::Sell, price), qty - part);
    assert_eq!(m.consume(BTC, Side::Sell, price, dec("1000000")), qty - part);
    assert_eq!(m.consume(BTC, Side::Sell, price, dec("1")), Decimal::ZERO, "nothing left");
    assert_eq!(m.consume(BTC, Side::Buy, price, dec("1")), Decimal::ZERO, "not on that side");
    assert_ne!(best(&m, Side::Sell).0, price);
    assert_eq!(m.next_at(), Some(m.now()));
    let out = step(&mut m, START + SECOND);
    assert!(out.iter().all(|e| matches!(e, MarketEvent::Frame { .. })), "the desk knows");
    for event in &out {
        let MarketEvent::Frame { text, .. } = event else { continue };
        client.take(&info, text);
    }
    assert!(client.equals(&m, BTC));
    assert_eq!(m.next_at(), Some(SimNs(START + MINUTE)));
    // The next trade is at 30000.3: its best levels are new ones.
    for event in step(&mut m, START + MINUTE) {
        if let MarketEvent::Frame { text, .. } = event {
            client.take(&info, &text);
        }
    }
    assert_eq!((best(&m, Side::Buy).0, best(&m, Side::Sell).0), (dec("30000.2"), dec("30000.4")));
    assert!(client.equals(&m, BTC));
    assert_eq!((client.wrong, client.crossed), (0, 0));
}

#[test]
fn an_added_trade_is_played_like_a_recorded_one_and_moves_the_ids_after_it() {
    let mut m = market(quiet());
    let topic = Topic::Trade { symbol: BTC.into() };
    m.activate(&topic);
    m.inject_trade(trade(BTC, 0, START + 30 * SECOND, "30010", "2", Side::Buy)).unwrap();
    m.inject_trade(trade(BTC, 0, 5, "30020", "3", Side::Buy)).unwrap();
    assert_eq!(m.next_at(), Some(m.now()), "the past is now");
    let out = step(&mut m, START + 2 * MINUTE);
    let played: Vec<_> = out
        .iter()
        .filter_map(|e| match e {
            MarketEvent::Trade(t) => Some((t.id, t.at.0 - START, t.price)),
            _ => None,
        })
        .collect();
    assert_eq!(played, [(8, SECOND, dec("30020")), (9, 30 * SECOND, dec("30010")), (10, MINUTE, dec("30000.3"))]);
    assert_eq!(frames_of(&out, &topic).len(), 3);
    m.check().unwrap();
    assert_eq!(m.trade_volume_since(BTC, SimNs(START)), dec("5.1"));
    let rows = ask(&mut m, "Trades", &[("pair", "XBTUSD"), ("since", "0")]);
    let ids: Vec<_> = rows["XXBTZUSD"].as_array().unwrap().iter().map(|r| r[6].as_u64().unwrap()).collect();
    assert_eq!(ids, [7, 8, 9, 10]);
    for bad in [trade("ETH/USD", 0, 0, "1", "1", Side::Buy), trade(BTC, 0, 0, "1.23", "1", Side::Buy)] {
        assert!(m.inject_trade(bad).is_err());
    }
    assert!(m.inject_trade(trade(BTC, 0, 0, "0", "1", Side::Buy)).is_err());
}

#[test]
fn a_fill_of_the_desk_is_in_the_feeds_but_no_event() {
    let mut m = market(quiet());
    let topic = Topic::Trade { symbol: BTC.into() };
    m.activate(&topic);
    let before: Vec<_> = m.external_levels(BTC, Side::Sell).collect();
    assert_eq!(m.record_fill(BTC, dec("30000.1"), dec("0.2"), Side::Buy, true), Ok(8));
    assert_eq!(m.external_levels(BTC, Side::Sell).collect::<Vec<_>>(), before);
    let out = step(&mut m, START + SECOND);
    assert!(out.iter().all(|e| matches!(e, MarketEvent::Frame { .. })));
    assert_eq!(frames_of(&out, &topic)[0]["data"][0]["trade_id"], 8);
    assert_eq!(m.last_price(BTC), Some(dec("30000.1")));
    let later = step(&mut m, START + MINUTE);
    assert_eq!(frames_of(&later, &topic)[0]["data"][0]["trade_id"], 9);
    m.check().unwrap();
}

#[test]
fn faults_spoil_the_next_book_frames_and_no_more() {
    let mut m = made_up(&[BTC], 1, 2, 4, MarketOptions::default());
    let info = m.listing().find(BTC).unwrap().clone();
    let topic = book_topic(BTC, 10);
    m.activate(&topic);
    let mut client = BookClient::new(10);
    client.take(&info, &m.snapshot(&topic).unwrap());
    let run = |m: &mut Market, client: &mut BookClient, seconds: i64| {
        let to = m.now().0 + seconds * SECOND;
        for event in step(m, to) {
            if let MarketEvent::Frame { text, .. } = event {
                client.take(&info, &text);
            }
        }
    };
    run(&mut m, &mut client, 60);
    assert_eq!((client.wrong, client.crossed), (0, 0));
    m.corrupt_next_checksum(BTC);
    run(&mut m, &mut client, 60);
    assert_eq!((client.wrong, client.crossed), (1, 0));
    m.cross_next_book(BTC);
    run(&mut m, &mut client, 60);
    assert_eq!((client.wrong, client.crossed), (1, 1), "crossed once, with a matching checksum");
    assert!(client.equals(&m, BTC));
    let (frames, until) = (client.updates, m.now().0 + 60 * SECOND);
    m.freeze_book(BTC, SimNs(until));
    let stale = m.snapshot(&topic);
    run(&mut m, &mut client, 59);
    assert_eq!(client.updates, frames);
    assert!(!client.equals(&m, BTC), "the book went on without us");
    assert!(stale.is_some());
    run(&mut m, &mut client, 1);
    assert!(client.updates > frames);
    assert!(client.equals(&m, BTC));
    assert_eq!((client.wrong, client.crossed), (1, 1));
}

#[test]
fn a_snapshot_after_a_crossed_frame_is_clean() {
    let mut m = market(quiet());
    let topic = book_topic(BTC, 10);
    m.activate(&topic);
    m.cross_next_book(BTC);
    let out = step(&mut m, START + MINUTE);
    assert_eq!(frames_of(&out, &topic).len(), 1);
    let info = m.listing().find(BTC).unwrap().clone();
    let mut client = BookClient::new(10);
    client.take(&info, &m.snapshot(&topic).unwrap());
    assert_eq!((client.wrong, client.crossed), (0, 0));
    assert!(client.equals(&m, BTC));
}

#[test]
fn thin_books_have_fewer_than_ten_levels() {
    let levels_of = BTreeMap::from([(Symbol::from(BTC), 4)]);
    let mut m = made_up(&[BTC, "ETH/USD"], 1, 2, 4, MarketOptions { levels_of, ..Default::default() });
    let to = START + 3_600 * SECOND + 10 * MINUTE;
    step(&mut m, to);
    m.check().unwrap();
    assert!((1..=5).contains(&m.external_levels(BTC, Side::Buy).count()));
    assert!(m.external_levels("ETH/USD", Side::Buy).count() > 70);
    assert!(m.provenance(BTC).contains("trades synthetic") && m.provenance(BTC).contains("book synthetic"));
}

#[test]
fn data_that_make_no_sense_are_refused() {
    let refuse = |trades: Vec<TapeTrade>| {
        let mut all = data(START);
        all.trades = vec![tape(BTC, trades)];
        Market::new(all, quiet()).unwrap_err()
    };
    let good = trade(BTC, 7, START, "30000", "0.5", Side::Buy);
    refuse(vec![good.clone(), TapeTrade { id: 8, at: SimNs(START - 1), ..good.clone() }]);
    refuse(vec![good.clone(), good.clone()]);
    refuse(vec![TapeTrade { qty: Decimal::ZERO, ..good.clone() }]);
    refuse(vec![TapeTrade { price: dec("0.00000000000001"), ..good.clone() }]);
    refuse(vec![TapeTrade { price: Decimal::MAX, ..good.clone() }]);
    let mut twice = data(START);
    twice.trades = vec![tape(BTC, vec![good.clone()]), tape(BTC, vec![good.clone()])];
    assert_eq!(Market::new(twice, quiet()).unwrap_err(), MarketError::TwoTapes(BTC.to_owned()));
    let mut unknown = data(START);
    unknown.trades = vec![tape("XBT/USD", vec![good])];
    assert_eq!(Market::new(unknown, quiet()).unwrap_err(), MarketError::UnknownPair("XBT/USD".to_owned()));
    let level = BookLevel { side: Side::Buy, price: dec("30000.05"), qty: dec("1") };
    let mut off_grid = data(START);
    let frames = vec![BookFrame { at: SimNs(START), snapshot: true, levels: vec![level] }];
    off_grid.books = vec![BookTape { symbol: BTC.into(), depth: 10, frames: frames.into() }];
    assert!(Market::new(off_grid, quiet()).is_err());
}
