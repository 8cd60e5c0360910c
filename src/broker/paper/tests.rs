use proptest::prelude::*;

use super::*;
use crate::domain::{Candle, DecisionId, Interval, Liquidity, Side, Venue};

const M5: i64 = 300_000;
/// 2024-08-01T00:00:00Z, where Kraken charged 0.25 % and 0.40 %.
const START: i64 = 1_722_470_400_000;

fn eth() -> Instrument {
    Instrument {
        pair: "ETH/USD".parse().unwrap(),
        tick_size: dec!(0.01),
        price_decimals: 2,
        lot_decimals: 8,
        order_min: Qty::new(dec!(0.002)).unwrap(),
        cost_min: Money(dec!(0.5)),
    }
}

fn price(value: Decimal) -> Price {
    Price::new(value).unwrap()
}

fn qty(value: Decimal) -> Qty {
    Qty::new(value).unwrap()
}

/// The `n`-th five-minute candle after the start.
fn candle(n: i64, open: i64, high: i64, low: i64, close: i64, volume: i64) -> Candle {
    Candle {
        pair: "ETH/USD".parse().unwrap(),
        venue: Venue::Kraken,
        interval: Interval::M5,
        open_time: UtcMs(START + n * M5),
        open: price(open.into()),
        high: price(high.into()),
        low: price(low.into()),
        close: price(close.into()),
        volume: qty(volume.into()),
        trades: Some(10),
    }
}

/// A broker that has seen a day of flat candles of 1,000 ETH: no volatility, so no impact.
fn broker() -> PaperBroker {
    let mut broker = PaperBroker::new(&PaperSettings::default(), vec![eth()]);
    for n in -288..0 {
        assert!(broker.on_candle(&candle(n, 100, 100, 100, 100, 1_000)).is_empty());
    }
    broker
}

fn intent(order: u64, n: i64, side: Side, kind: OrderKind, size: Decimal, purpose: Purpose) -> Intent {
    Intent {
        order: OrderId(order),
        decision: DecisionId { session: 1, number: 7 },
        account: AccountId::Main,
        at: UtcMs(START + n * M5),
        pair: "ETH/USD".parse().unwrap(),
        side,
        kind,
        qty: qty(size),
        purpose,
        group: None,
    }
}

fn buy(order: u64, n: i64, size: Decimal) -> Intent {
    intent(order, n, Side::Buy, OrderKind::Market, size, Purpose::Entry)
}

fn stop(order: u64, n: i64, at: Decimal, size: Decimal, group: u64) -> Intent {
    let kind = OrderKind::StopLoss { trigger: price(at) };
    Intent { group: Some(group), ..intent(order, n, Side::Sell, kind, size, Purpose::Stop) }
}

fn target(order: u64, n: i64, at: Decimal, size: Decimal, group: u64) -> Intent {
    let kind = OrderKind::Limit { price: price(at) };
    Intent { group: Some(group), ..intent(order, n, Side::Sell, kind, size, Purpose::Target) }
}

fn fills(events: &[BrokerEvent]) -> Vec<Fill> {
    let fill = |e: &BrokerEvent| if let BrokerEvent::Fill(f) = e { Some(f.clone()) } else { None };
    events.iter().filter_map(fill).collect()
}

fn orders(events: &[BrokerEvent]) -> Vec<(u64, OrderStatus)> {
    let order = |e: &BrokerEvent| {
        if let BrokerEvent::Order(o) = e { Some((o.intent.order.0, o.status)) } else { None }
    };
    events.iter().filter_map(order).collect()
}

fn rejection(events: &[BrokerEvent]) -> String {
    match events {
        [BrokerEvent::Order(order)] if order.status == OrderStatus::Rejected => order.note.clone().unwrap(),
        other => panic!("not a rejection: {other:?}"),
    }
}

#[test]
fn a_market_order_fills_at_the_next_open_plus_half_the_spread() {
    let mut broker = broker();
    assert_eq!(orders(&broker.submit(&buy(1, 0, dec!(2)))), [(1, OrderStatus::Pending)]);
    let events = broker.on_candle(&candle(0, 110, 120, 90, 95, 1_000));
    let [fill] = &fills(&events)[..] else { panic!("{events:?}") };
    assert_eq!(fill.price, price(dec!(110.03)), "110 × 1.0002 = 110.022, up to the tick");
    assert_eq!(fill.reference, price(dec!(100)), "the close that the decision saw");
    assert_eq!((fill.id, fill.qty, fill.liquidity), (1, qty(dec!(2)), Liquidity::Taker));
    assert_eq!(fill.fee.0, dec!(0.88024), "0.40 % of 220.06, half up to five decimals");
    assert_eq!(fill.at, UtcMs(START + 150));
    assert_eq!(orders(&events), [(1, OrderStatus::Filled)]);
    assert_eq!(broker.working(AccountId::Main).count(), 0);
}

#[test]
fn a_forming_candle_is_of_no_use() {
    let mut broker = broker();
    let late = Intent { at: UtcMs(START + 60_000), ..buy(1, 0, dec!(1)) };
    broker.submit(&late);
    assert!(broker.on_candle(&candle(0, 100, 100, 100, 100, 1_000)).is_empty());
    assert_eq!(fills(&broker.on_candle(&candle(1, 101, 101, 101, 101, 1_000))).len(), 1);
}

#[test]
fn impact_grows_with_the_root_of_the_order() {
    let mut broker = PaperBroker::new(&PaperSettings::default(), vec![eth()]);
    for n in -288..0 {
        let (open, close) = if n % 2 == 0 { (100, 101) } else { (101, 100) };
        broker.on_candle(&candle(n, open, 101, 100, close, 1_000));
    }
    broker.submit(&buy(1, 0, dec!(100)));
    let filled = fills(&broker.on_candle(&candle(0, 1_000, 1_000, 1_000, 1_000, 10_000)));
    let sigma = 1.01_f64.ln() * 288.0_f64.sqrt();
    let expected = 1_000.0 * (1.0 + 0.0002 + sigma * (100.0_f64 / 288_000.0).sqrt());
    let got = filled[0].price.to_f64();
    assert!(got >= expected && got < expected + 0.011, "{got} {expected}");
}

#[test]
fn no_more_than_a_tenth_of_a_candle_and_the_rest_later() {
    let mut broker = broker();
    broker.submit(&buy(1, 0, dec!(25)));
    let first = broker.on_candle(&candle(0, 100, 100, 100, 100, 100));
    assert_eq!(fills(&first)[0].qty, qty(dec!(10)));
    assert_eq!(orders(&first), [(1, OrderStatus::PartiallyFilled)]);
    assert!(broker.on_candle(&candle(1, 100, 100, 100, 100, 0)).is_empty(), "nobody traded");
    assert_eq!(fills(&broker.on_candle(&candle(2, 101, 101, 101, 101, 120)))[0].qty, qty(dec!(12)));
    let last = broker.on_candle(&candle(3, 102, 102, 102, 102, 500));
    assert_eq!(fills(&last)[0].qty, qty(dec!(3)));
    assert_eq!(fills(&last)[0].id, 3);
    assert_eq!(orders(&last), [(1, OrderStatus::Filled)]);
}

#[test]
fn two_orders_of_an_account_share_the_tenth_and_the_other_account_has_its_own() {
    let mut broker = broker();
    broker.submit(&buy(1, 0, dec!(8)));
    broker.submit(&buy(2, 0, dec!(8)));
    broker.submit(&Intent { account: AccountId::Shadow, ..buy(3, 0, dec!(8)) });
    let got = fills(&broker.on_candle(&candle(0, 100, 100, 100, 100, 100)));
    let sizes: Vec<_> = got.iter().map(|f| (f.order.0, f.qty)).collect();
    assert_eq!(sizes, [(1, qty(dec!(8))), (2, qty(dec!(2))), (3, qty(dec!(8)))]);
}

#[test]
fn a_stop_fills_at_the_worse_of_trigger_and_open() {
    for (open, low, expected) in [(100, 90, dec!(94.98)), (92, 90, dec!(91.98)), (100, 95, dec!(94.98))] {
        let mut broker = broker();
        broker.submit(&stop(1, 0, dec!(95), dec!(1), 9));
        let got = fills(&broker.on_candle(&candle(0, open, 100, low, 99, 1_000)));
        assert_eq!(got[0].price, price(expected), "open {open} low {low}");
        assert_eq!((got[0].liquidity, got[0].reference), (Liquidity::Taker, price(dec!(95))));
        assert_eq!(got[0].at, UtcMs(START + M5));
    }
    let mut broker = broker();
    broker.submit(&stop(1, 0, dec!(95), dec!(1), 9));
    assert_eq!(orders(&broker.on_candle(&candle(0, 100, 100, 96, 97, 1_000))), [(1, OrderStatus::Open)]);
}

#[test]
fn a_limit_needs_a_trade_through_its_price_and_pays_the_maker_fee() {
    let mut broker = broker();
    broker.submit(&target(1, -1, dec!(105), dec!(1), 9));
    assert_eq!(orders(&broker.on_candle(&candle(0, 100, 105, 99, 100, 1_000))), [(1, OrderStatus::Open)]);
    let got = fills(&broker.on_candle(&candle(1, 107, 108, 106, 107, 1_000)));
    assert_eq!(got[0].price, price(dec!(105)), "no better than its price, whatever the open");
    assert_eq!((got[0].liquidity, got[0].fee.0), (Liquidity::Maker, dec!(0.2625)));
}

#[test]
fn a_limit_misses_the_candle_that_opens_before_it_arrives() {
    let mut broker = broker();
    broker.submit(&target(1, 0, dec!(105), dec!(1), 9));
    assert!(fills(&broker.on_candle(&candle(0, 100, 110, 99, 100, 1_000))).is_empty());
    assert_eq!(fills(&broker.on_candle(&candle(1, 100, 110, 99, 100, 1_000))).len(), 1);
}

#[test]
fn stop_and_target_in_one_candle_is_the_stop() {
    let mut broker = broker();
    broker.submit(&target(1, -1, dec!(105), dec!(2), 9));
    broker.submit(&stop(2, -1, dec!(95), dec!(2), 9));
    let events = broker.on_candle(&candle(0, 100, 120, 80, 100, 1_000));
    let got = fills(&events);
    assert_eq!((got.len(), got[0].purpose), (1, Purpose::Stop));
    assert_eq!(orders(&events), [(1, OrderStatus::Canceled), (2, OrderStatus::Filled)]);
}

#[test]
fn a_filled_target_cancels_its_stop_and_a_partly_filled_one_shrinks_it() {
    let mut broker = broker();
    broker.submit(&stop(1, -1, dec!(95), dec!(20), 9));
    broker.submit(&target(2, -1, dec!(105), dec!(20), 9));
    let events = broker.on_candle(&candle(0, 100, 110, 99, 100, 120));
    assert_eq!(fills(&events)[0].qty, qty(dec!(12)));
    let events = broker.on_candle(&candle(1, 100, 100, 90, 91, 1_000));
    let got = fills(&events);
    assert_eq!((got.len(), got[0].purpose, got[0].qty), (1, Purpose::Stop, qty(dec!(8))), "only what is left");
    assert!(broker.working(AccountId::Main).next().is_none());

    broker.submit(&stop(3, 2, dec!(95), dec!(1), 10));
    broker.submit(&target(4, 2, dec!(105), dec!(1), 10));
    broker.on_candle(&candle(2, 100, 100, 99, 100, 1_000));
    let events = broker.on_candle(&candle(3, 100, 110, 99, 100, 1_000));
    assert_eq!(orders(&events), [(4, OrderStatus::Filled), (3, OrderStatus::Canceled)]);
}

#[test]
fn the_stops_of_an_entry_filled_in_parts_add_up() {
    let mut broker = broker();
    broker.submit(&stop(1, -1, dec!(95), dec!(5), 9));
    broker.submit(&stop(2, -1, dec!(95), dec!(3), 9));
    broker.submit(&target(3, -1, dec!(105), dec!(6), 9));
    let up = broker.on_candle(&candle(0, 100, 110, 99, 100, 1_000));
    assert_eq!(orders(&up), [(3, OrderStatus::Filled), (1, OrderStatus::Canceled), (2, OrderStatus::Open)]);
    let down = fills(&broker.on_candle(&candle(1, 100, 100, 90, 91, 1_000)));
    assert_eq!((down.len(), down[0].order.0, down[0].qty), (1, 2, qty(dec!(2))));
}

#[test]
fn a_touched_stop_goes_on_as_a_market_order() {
    let mut broker = broker();
    broker.submit(&stop(1, 0, dec!(95), dec!(15), 9));
    broker.submit(&target(2, 0, dec!(105), dec!(15), 9));
    let events = broker.on_candle(&candle(0, 100, 100, 90, 100, 100));
    assert_eq!(orders(&events), [(2, OrderStatus::Canceled), (1, OrderStatus::PartiallyFilled)]);
    let got = fills(&broker.on_candle(&candle(1, 101, 120, 101, 110, 1_000)));
    assert_eq!((got[0].qty, got[0].price), (qty(dec!(5)), price(dec!(100.97))), "at the open, above its trigger");
}

#[test]
fn one_candle_never_gives_both_its_low_and_its_high() {
    let mut broker = broker();
    let low = OrderKind::Limit { price: price(dec!(95)) };
    broker.submit(&intent(1, -1, Side::Buy, low, dec!(1), Purpose::Entry));
    broker.submit(&target(2, -1, dec!(105), dec!(1), 9));
    let first = fills(&broker.on_candle(&candle(0, 100, 110, 90, 100, 1_000)));
    assert_eq!(first.iter().map(|f| f.order.0).collect::<Vec<_>>(), [1]);
    let second = fills(&broker.on_candle(&candle(1, 100, 110, 90, 100, 1_000)));
    assert_eq!(second.iter().map(|f| f.order.0).collect::<Vec<_>>(), [2]);
}

#[test]
fn refusals_say_why() {
    let mut broker = broker();
    let unknown = Intent { pair: "ADA/USD".parse().unwrap(), ..buy(1, 0, dec!(1)) };
    assert!(rejection(&broker.submit(&unknown)).contains("ADA/USD"));
    assert!(rejection(&broker.submit(&buy(2, 0, dec!(0.001)))).contains("minimum"));
    assert!(rejection(&broker.submit(&buy(3, 0, dec!(0.123456789)))).contains("lot"));
    assert!(rejection(&broker.submit(&buy(4, 0, dec!(0)))).contains("quantity is 0"));
    assert!(rejection(&broker.submit(&stop(5, 0, dec!(95.001), dec!(1), 1))).contains("tick"));
    let mut blind = PaperBroker::new(&PaperSettings::default(), vec![eth()]);
    assert!(rejection(&blind.submit(&buy(6, 0, dec!(1)))).contains("no trade"));
    assert_eq!(
        orders(&broker.submit(&stop(7, 0, dec!(95), dec!(0.0001), 1))),
        [(7, OrderStatus::Pending)],
        "a remainder below the minimum can be closed"
    );
}

#[test]
fn an_intent_sent_twice_is_traded_once() {
    let mut broker = broker();
    broker.submit(&buy(1, 0, dec!(1)));
    assert_eq!(orders(&broker.submit(&buy(1, 0, dec!(1)))), [(1, OrderStatus::Pending)]);
    assert_eq!(fills(&broker.on_candle(&candle(0, 100, 100, 100, 100, 1_000))).len(), 1);
    assert!(broker.submit(&buy(1, 0, dec!(1))).is_empty());
    assert!(broker.on_candle(&candle(1, 100, 100, 100, 100, 1_000)).is_empty());
}

#[test]
fn a_cancelled_order_is_gone_for_its_own_account_only() {
    let mut broker = broker();
    broker.submit(&buy(1, 0, dec!(1)));
    assert!(broker.cancel(OrderId(1), AccountId::Shadow, UtcMs(START)).is_empty());
    assert_eq!(orders(&broker.cancel(OrderId(1), AccountId::Main, UtcMs(START))), [(1, OrderStatus::Canceled)]);
    assert!(broker.cancel(OrderId(1), AccountId::Main, UtcMs(START)).is_empty());
    assert!(broker.on_candle(&candle(0, 100, 100, 100, 100, 1_000)).is_empty());
}

#[test]
fn an_old_candle_trades_nothing() {
    let mut broker = broker();
    broker.on_candle(&candle(0, 100, 100, 100, 100, 1_000));
    broker.submit(&buy(1, -3, dec!(1)));
    assert!(broker.on_candle(&candle(0, 100, 100, 100, 100, 1_000)).is_empty());
    assert!(broker.on_candle(&candle(-2, 50, 50, 50, 50, 1_000)).is_empty());
}

#[test]
fn volume_of_thirty_days_lowers_the_fee() {
    let mut broker = broker();
    let shift = 1_783_555_200_000 - START;
    let moved = |mut c: Candle| {
        c.open_time = c.open_time.plus(shift);
        c
    };
    let order = |n: u64, at: i64, size| Intent { at: UtcMs(START + at * M5 + shift), ..buy(n, 0, size) };
    broker.on_candle(&moved(candle(-1, 100, 100, 100, 100, 100_000)));
    broker.submit(&order(1, 0, dec!(30)));
    let first = fills(&broker.on_candle(&moved(candle(0, 100, 100, 100, 100, 100_000))));
    broker.submit(&order(2, 1, dec!(1)));
    let second = fills(&broker.on_candle(&moved(candle(1, 100, 100, 100, 100, 100_000))));
    let month = 31 * 288;
    broker.on_candle(&moved(candle(month - 1, 100, 100, 100, 100, 100_000)));
    broker.submit(&order(3, month, dec!(1)));
    let third = fills(&broker.on_candle(&moved(candle(month, 100, 100, 100, 100, 100_000))));
    let rates = [&first[0], &second[0], &third[0]].map(|f| f.fee_rate);
    assert_eq!(rates, [dec!(0.0080), dec!(0.0060), dec!(0.0080)]);
}

#[test]
fn a_restart_goes_on_with_the_same_orders() {
    let mut broker = broker();
    broker.submit(&stop(1, 0, dec!(95), dec!(15), 9));
    broker.submit(&target(2, 0, dec!(105), dec!(15), 9));
    broker.submit(&buy(3, 0, dec!(1)));
    broker.on_candle(&candle(0, 100, 100, 90, 96, 100));
    let stored = serde_json::to_value(&broker).unwrap();
    let mut restarted: PaperBroker = serde_json::from_value(stored).unwrap();
    assert_eq!(restarted, broker);
    let next = candle(1, 101, 120, 101, 110, 1_000);
    assert_eq!(restarted.on_candle(&next), broker.on_candle(&next));
}

proptest! {
    /// Whatever the candles do: nothing is filled beyond its quantity, its candle's tenth or its limit, a group never sells more
    /// than its position, and fill identifiers rise.
    #[test]
    fn fills_stay_within_their_bounds(
        bars in prop::collection::vec((80_i64..120, 0_i64..20, 0_i64..20, 0_i64..400), 1..40),
        stop_at in 85_i64..100, target_at in 100_i64..115, size in 1_i64..60,
    ) {
        let mut broker = broker();
        broker.submit(&stop(1, 0, stop_at.into(), size.into(), 5));
        broker.submit(&target(2, 0, target_at.into(), size.into(), 5));
        let (mut sold, mut last) = (Decimal::ZERO, 0);
        for (n, (open, up, down, volume)) in bars.into_iter().enumerate() {
            let bar = candle(n as i64, open, open + up, open - down, open, volume);
            let got = fills(&broker.on_candle(&bar));
            let taken: Decimal = got.iter().map(|f| f.qty.get()).sum();
            prop_assert!(taken <= bar.volume.get() * MAX_VOLUME_SHARE);
            for fill in &got {
                prop_assert!(fill.id > last);
                last = fill.id;
                match fill.purpose {
                    Purpose::Target => prop_assert!(bar.high > fill.price && fill.price == price(target_at.into())),
                    _ => prop_assert!(fill.price < bar.open || fill.price < price(stop_at.into())),
                }
                sold += fill.qty.get();
            }
            let purposes: std::collections::BTreeSet<_> = got.iter().map(|f| f.purpose).collect();
            prop_assert!(purposes.len() <= 1);
        }
        prop_assert!(sold <= Decimal::from(size));
        let resting: usize = broker.working(AccountId::Main).count();
        prop_assert_eq!(resting == 0, sold == Decimal::from(size));
    }
}

#[test]
fn a_stop_placed_for_this_candles_entry_meets_its_low_once() {
    let mut broker = broker();
    broker.submit(&buy(1, 0, dec!(1)));
    let entry = candle(0, 100, 101, 90, 95, 1_000);
    assert!(broker.on_candle(&entry).iter().any(|e| matches!(e, BrokerEvent::Fill(f) if f.purpose == Purpose::Entry)));
    // Sent on the fill, inside the candle: the way from its open to its low came after the entry.
    let at = UtcMs(START + 150);
    broker.submit(&Intent { at, ..stop(2, 0, dec!(95), dec!(1), 1) });
    broker.submit(&Intent { at, ..target(3, 0, dec!(101), dec!(1), 1) });
    let events = broker.meet_new_stops(&entry);
    let fills: Vec<&Fill> = events
        .iter()
        .filter_map(|e| match e {
            BrokerEvent::Fill(f) => Some(f),
            BrokerEvent::Order(_) => None,
        })
        .collect();
    assert_eq!(fills.len(), 1, "{events:?}");
    assert_eq!((fills[0].purpose, fills[0].order), (Purpose::Stop, OrderId(2)));
    assert!(fills[0].price <= price(dec!(95)));
    assert!(broker.meet_new_stops(&entry).is_empty());
    assert_eq!(broker.working(AccountId::Main).count(), 0, "the target of its group is cancelled");
}
