//! Bars of trades and books against the same things computed from their lists.

use proptest::prelude::*;

use super::*;
use crate::domain::event::RawBatch;
use crate::domain::flow::{BookFlow, Depth, FlowBar, TradeFlow};
use crate::domain::settings::PipelineSettings;
use crate::domain::{Interval, Pair, RawCandle, Venue};
use crate::pipeline::Collector;

const STEP: i64 = 300_000;
/// A midnight.
const DAY: i64 = 1_720_396_800_000;

fn pair() -> Pair {
    "BTC/USD".parse().expect("a pair")
}

fn recorder(day_volume: Option<f64>) -> FlowRecorder {
    FlowRecorder::new(pair(), Interval::M5, UtcMs(DAY + 1), day_volume)
}

fn told(at: i64, side: Option<Side>, price: f64, qty: f64) -> Told {
    Told { at: UtcMs(DAY + at), side, price, qty }
}

/// The candle's word on a list of trades.
fn candle(trades: &[Told]) -> Option<(u64, f64)> {
    Some((trades.len() as u64, trades.iter().map(|t| t.qty).sum()))
}

/// Trades of four bars, in time.
fn tape() -> impl Strategy<Value = Vec<Told>> {
    let row = (0_i64..4 * STEP, any::<bool>(), 9_900_u32..10_100, 1_u32..5_000);
    prop::collection::vec(row, 0..150).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.0);
        let side = |buy| Some(if buy { Side::Buy } else { Side::Sell });
        let trade = |(at, buy, price, qty)| told(at, side(buy), f64::from(price) / 100.0, f64::from(qty) / 100.0);
        rows.into_iter().map(trade).collect()
    })
}

/// Books of four bars, in time: instant, best bid, spread in ticks, quantities, and what happens besides.
fn books() -> impl Strategy<Value = Vec<(i64, Option<Depth>, bool)>> {
    let row = (0_i64..4 * STEP, 1_000_i32..1_010, 1_i32..4, 1_u32..900, 1_u32..900, 0_u8..12);
    prop::collection::vec(row, 1..60).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.0);
        let book = |(at, bid, spread, qb, qa, kind): (i64, i32, i32, u32, u32, u8)| {
            let bids = [(f64::from(bid), f64::from(qb) / 10.0)].into_iter().filter(|_| kind != 1);
            let asks = [(f64::from(bid + spread), f64::from(qa) / 10.0)].into_iter();
            (at, (kind != 0).then(|| Depth::new(bids, asks)), kind == 2)
        };
        rows.into_iter().map(book).collect()
    })
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

proptest! {
    #[test]
    fn bars_equal_their_trades_whenever_they_are_closed(tape in tape(), day in prop::option::of(1_u32..20_000)) {
        let (mut early, mut late) = (recorder(day.map(f64::from)), recorder(day.map(f64::from)));
        let of_bar = |n: i64| -> Vec<Told> {
            tape.iter().copied().filter(|t| (t.at.0 - DAY).div_euclid(STEP) == n).collect()
        };
        for (id, trade) in (1..).zip(&tape) {
            late.trade(id, trade);
        }
        let (mut id, mut cvd, mut vpin) = (0, 0.0, day.map(|d| Vpin::new(f64::from(d) / 50.0, 50).unwrap()));
        for n in 0..4 {
            let trades = of_bar(n);
            for trade in &trades {
                id += 1;
                early.trade(id, trade);
            }
            let end = UtcMs(DAY + (n + 1) * STEP);
            let bar = early.close(end, candle(&trades));
            prop_assert_eq!(&bar, &late.close(end, candle(&trades)));
            prop_assert_eq!((bar.open_time, bar.book), (UtcMs(DAY + n * STEP), None));
            let flow = bar.trades.unwrap();
            let sum = |side| trades.iter().filter(|t| t.side == Some(side)).map(|t| t.qty).sum::<f64>();
            let quote: f64 = trades.iter().map(|t| t.qty * t.price).sum();
            let (bought, sold) = (sum(Side::Buy), sum(Side::Sell));
            cvd += bought - sold;
            prop_assert!(flow.whole && flow.fault().is_none() && flow.count == trades.len() as u64);
            prop_assert!(near(flow.buy_volume, bought) && near(flow.sell_volume, sold) && near(flow.cvd, cvd));
            prop_assert_eq!(flow.vwap().is_some(), !trades.is_empty());
            prop_assert!(near(flow.vwap().unwrap_or(0.0) * flow.volume(), quote));
            prop_assert_eq!(flow.largest, trades.iter().map(|t| t.qty).reduce(f64::max));
            let (mut clusters, mut parents) = (Clusters::new(250), Vec::new());
            for t in &trades {
                let side = t.side.unwrap();
                parents.extend(clusters.push(&Print { at: t.at, side, price: t.price, qty: t.qty }));
                if let Some(vpin) = &mut vpin {
                    vpin.push(side, t.qty, |_| {});
                }
            }
            parents.extend(clusters.cut());
            prop_assert_eq!(flow.parents as usize, parents.len());
            prop_assert_eq!(flow.largest_parent.map(|p| p.quote), parents.iter().map(|p| p.quote).reduce(f64::max));
            // Without a day's volume VPIN begins when one was seen.
            prop_assert_eq!(flow.vpin, vpin.as_ref().and_then(Vpin::value));
        }
    }

    #[test]
    fn a_bar_of_books_equals_the_walk_through_its_list(books in books(), lag in 0_usize..3) {
        let mut recorder = recorder(None);
        let mut bars = Vec::new();
        let mut fed = 0;
        for n in 0..4 {
            // The bar may be closed before or after later books have come.
            let until = books.iter().filter(|(at, ..)| *at < (n + 1) * STEP).count();
            for (at, depth, fresh) in books.iter().take(until + lag).skip(fed) {
                match depth {
                    Some(depth) => recorder.book(UtcMs(DAY + at), depth, *fresh),
                    None => recorder.lose_book(UtcMs(DAY + at)),
                }
            }
            fed = fed.max(until + lag).min(books.len());
            bars.push(recorder.close(UtcMs(DAY + (n + 1) * STEP), None).book);
        }
        for (n, bar) in (0..).zip(bars) {
            let mut want = (0_i64, 0_i64, 0.0, 0.0, 0_u64, 0_u32);
            let (mut state, mut before, mut seen): (Option<Depth>, Option<(Level, Level)>, bool) = (None, None, false);
            let next = books.iter().skip(1).map(|b| b.0).chain([4 * STEP]);
            let overlap = |from: i64, to: i64| (to.min((n + 1) * STEP) - from.max(n * STEP)).max(0);
            want.1 += overlap(0, books[0].0);
            for ((at, depth, fresh), next) in books.iter().zip(next) {
                let inside = at.div_euclid(STEP) == n;
                if depth.is_some() && (*fresh || state.is_none()) {
                    before = None;
                    want.5 += u32::from(seen && inside);
                }
                seen |= depth.is_some();
                state = *depth;
                let touch = depth.and_then(|d| d.touch());
                if let (Some((b, a)), Some((pb, pa)), true) = (touch, before, inside) {
                    let part = |yes: bool, qty: f64| if yes { qty } else { 0.0 };
                    want.3 += part(b.0 >= pb.0, b.1) - part(b.0 <= pb.0, pb.1) - part(a.0 <= pa.0, a.1)
                        + part(a.0 >= pa.0, pa.1);
                }
                want.4 += u64::from(touch.is_some() && inside);
                before = if depth.is_some() { touch } else { None };
                let ms = overlap(*at, next);
                match depth {
                    Some(d) => {
                        want.0 += ms;
                        want.2 += d.spread().unwrap_or(0.0) * ms as f64;
                    }
                    None => want.1 += ms,
                }
            }
            let Some(flow) = bar else {
                prop_assert!(want.0 == 0 && want.4 == 0);
                continue;
            };
            prop_assert_eq!((flow.known_ms, flow.blind_ms, flow.events), (want.0, want.1, want.4));
            prop_assert_eq!(flow.breaks, want.5);
            prop_assert!(near(flow.spread_ms, want.2) && near(flow.ofi, want.3), "{flow:?} {want:?}");
            prop_assert_eq!(flow.fault().is_some(), want.1 > 0);
        }
    }
}

fn close(recorder: &mut FlowRecorder, n: i64, told: Option<(u64, f64)>) -> FlowBar {
    recorder.close(UtcMs(DAY + n * STEP), told)
}

#[test]
fn a_number_that_does_not_follow_is_a_gap_and_nothing_is_compared_across_it() {
    let mut recorder = recorder(None);
    for (id, at, price) in [(7, 0, 100.0), (8, 10, 101.0), (12, 20, 90.0), (13, 30, 91.0)] {
        recorder.trade(id, &told(at, Some(Side::Buy), price, 1.0));
    }
    let flow = close(&mut recorder, 1, Some((4, 4.0))).trades.expect("trades");
    assert_eq!((flow.gaps, flow.whole, flow.parents), (1, false, 2), "the parent ends at the gap");
    assert_eq!((flow.compared, flow.guessed_wrong), (2, 0), "90 after 101 is no downtick that anybody saw");
    assert_eq!(flow.fault().as_deref(), Some("trades are missing at 1 place"));
}

#[test]
fn flow_is_whole_only_when_the_candle_says_the_same() {
    for (told_by_candle, whole) in
        [(Some((1, 2.5)), true), (Some((2, 2.5)), false), (Some((1, 2.6)), false), (None, false)]
    {
        let mut recorder = recorder(None);
        recorder.trade(1, &told(5, Some(Side::Sell), 100.0, 2.5));
        let flow = close(&mut recorder, 1, told_by_candle).trades.expect("trades");
        assert_eq!(flow.whole, whole, "{told_by_candle:?}");
    }
    let mut quiet = recorder(None);
    assert!(close(&mut quiet, 1, Some((0, 0.0))).trades.expect("watched").whole);
    let before = FlowRecorder::new(pair(), Interval::M5, UtcMs(DAY), None).close(UtcMs(DAY), Some((0, 0.0)));
    assert_eq!((before.trades, before.book), (None, None), "a bar before the first one was not watched");
}

#[test]
fn a_trade_of_an_earlier_bar_goes_there_while_it_can_and_is_counted_when_not() {
    let mut recorder = recorder(None);
    recorder.trade(1, &told(STEP + 1, Some(Side::Buy), 100.0, 1.0));
    recorder.trade(2, &told(STEP - 1, Some(Side::Buy), 100.0, 4.0));
    assert_eq!(close(&mut recorder, 1, Some((1, 4.0))).trades.expect("trades").buy_volume, 4.0);
    recorder.trade(3, &told(STEP - 2, Some(Side::Buy), 100.0, 8.0));
    let flow = close(&mut recorder, 2, Some((1, 1.0))).trades.expect("trades");
    assert_eq!((flow.buy_volume, flow.late, flow.count), (1.0, 1, 1));
}

#[test]
fn a_trade_without_a_side_gets_that_of_the_tick_rule() {
    let mut recorder = recorder(None);
    recorder.trade(1, &told(0, None, 100.0, 1.0));
    recorder.trade(2, &told(1, None, 101.0, 2.0));
    recorder.trade(3, &told(2, Some(Side::Sell), 101.0, 4.0));
    let flow = close(&mut recorder, 1, Some((3, 7.0))).trades.expect("trades");
    assert_eq!((flow.buy_volume, flow.sell_volume, flow.guessed), (2.0, 4.0, 2));
    assert_eq!((flow.gaps, flow.compared, flow.guessed_wrong), (1, 1, 1), "nobody knows the side of the first");
    assert!(!flow.whole);
}

#[test]
fn vpin_begins_with_the_first_whole_day_and_large_orders_with_enough_of_them() {
    let mut recorder = recorder(None);
    let (mut id, mut first) = (0, (None, None));
    for n in 0..700 {
        for k in 0..4 {
            id += 1;
            let side = Some(if (n + k) % 3 == 0 { Side::Buy } else { Side::Sell });
            recorder.trade(id, &told(n * STEP + k * 1_000, side, 100.0, 1.0 + ((n * 37 + k * 53) % 101) as f64));
        }
        let flow = close(&mut recorder, n + 1, None).trades.expect("trades");
        first.0 = first.0.or(flow.vpin.map(|_| n));
        first.1 = first.1.or(flow.threshold.map(|_| n));
    }
    assert_eq!(first.1, Some(100), "four hundred orders");
    // A day has 288 bars; then fifty buckets, each a fiftieth of a day, have to be filled.
    assert!(first.0.is_some_and(|n| (570..580).contains(&n)), "{first:?}");
    assert!(recorder.view().expect("a view").trades.expect("trades").threshold.is_some());
    let mut seeded = FlowRecorder::new(pair(), Interval::M5, UtcMs(DAY), Some(50.0));
    for id in 0..51 {
        seeded.trade(id, &told(i64::try_from(id).expect("small") * 400, Some(Side::Buy), 100.0, 1.0));
    }
    assert_eq!(close(&mut seeded, 1, None).trades.expect("trades").vpin, Some(1.0));
}

#[test]
fn hours_need_all_of_their_bars_and_each_of_them_once() {
    let bar = |n: i64, blind_ms: i64| FlowBar {
        pair: pair(),
        interval: Interval::M5,
        open_time: UtcMs(DAY + n * STEP),
        trades: Some(TradeFlow { buy_volume: 2.0, count: 1, cvd: n as f64, whole: true, ..TradeFlow::default() }),
        book: Some(BookFlow { known_ms: STEP - blind_ms, blind_ms, ..BookFlow::default() }),
    };
    let mut hours = FlowHours::new(Interval::M5);
    let hour = |n: i64| UtcMs(DAY + n * 12 * STEP);
    assert_eq!(hours.take(hour(1)), None);
    for n in 0..12 {
        hours.push(&bar(n, 0));
        hours.push(&bar(n, 0));
        hours.push(&FlowBar { interval: Interval::H1, ..bar(n + 1, 0) });
    }
    let whole = hours.take(hour(1)).expect("an hour");
    let trades = whole.trades.expect("trades");
    assert_eq!((whole.bars, trades.buy_volume, trades.count, trades.cvd), (12, 24.0, 12, 11.0));
    assert!(whole.complete());
    assert_eq!(hours.take(hour(1)), None, "an hour is told once");
    for n in (12..24).filter(|n| *n != 15) {
        hours.push(&bar(n, if n == 14 { 2_000 } else { 0 }));
    }
    let partial = hours.take(hour(2)).expect("an hour");
    assert_eq!(partial.trades_fault.as_deref(), Some("11 of 12 bars of the hour"));
    for n in 24..36 {
        hours.push(&FlowBar { trades: bar(n, 0).trades.filter(|_| n > 24), ..bar(n, if n == 30 { 2_000 } else { 0 }) });
    }
    let blind = hours.take(hour(3)).expect("an hour");
    assert_eq!(blind.trades_fault.as_deref(), Some("11 of 12 bars of the hour"));
    assert_eq!(blind.book_fault.as_deref(), Some("the book was not known for 2.0 s"));
}

/// Twelve five-minute candles of an hour, and the flow of those bars that `watched` names.
fn hour_of_batches(watched: impl Fn(i64) -> bool) -> Vec<RawBatch> {
    let row = |n: i64| RawCandle {
        pair: pair(),
        venue: Venue::Kraken,
        interval: Interval::M5,
        open_time: UtcMs(DAY + n * STEP),
        open: 100.0,
        high: 101.0,
        low: 99.0,
        close: 100.5,
        volume: 3.0,
        trades: Some(2),
    };
    let flow = |n: i64| FlowBar {
        pair: pair(),
        interval: Interval::M5,
        open_time: UtcMs(DAY + n * STEP),
        trades: Some(TradeFlow { buy_volume: 2.0, sell_volume: 1.0, count: 2, whole: true, ..TradeFlow::default() }),
        book: None,
    };
    let batch = |n: i64| RawBatch {
        at: UtcMs(DAY + (n + 1) * STEP),
        rows: vec![row(n)],
        flow: watched(n).then(|| flow(n)).into_iter().collect(),
        ..RawBatch::default()
    };
    (0..12).map(batch).collect()
}

#[test]
fn a_frame_carries_the_flow_of_its_hour_or_none_where_none_was_watched() {
    let frame = |watched: fn(i64) -> bool| {
        let mut collector = Collector::new(&[(pair(), Interval::M5)], &PipelineSettings::default());
        let updates: Vec<_> = hour_of_batches(watched).iter().map(|batch| collector.ingest(batch)).collect();
        updates.last().and_then(|u| u.frames.first().cloned()).expect("a frame")
    };
    let flow = frame(|_| true).flow.expect("flow");
    let trades = flow.trades.expect("trades");
    assert_eq!((trades.buy_volume, trades.count, flow.trades_fault), (24.0, 24, None));
    assert_eq!(flow.book_fault.as_deref(), Some("0 of 12 bars of the hour"));
    assert!(frame(|n| n != 3).flow.expect("flow").trades_fault.is_some());
    assert_eq!(frame(|_| false).flow, None, "a recording of candles has no flow: absent, not zero");
    // An older journal knows no flow.
    let old = r#"{"at":1720396800000,"rows":[],"warmup":false}"#;
    assert_eq!(serde_json::from_str::<RawBatch>(old).expect("read").flow, []);
}

#[test]
fn bars_and_hours_survive_the_journal() {
    let mut recorder = recorder(Some(100.0));
    recorder.trade(1, &told(5, Some(Side::Sell), 100.1, 2.5));
    let depth = Depth::new([(100.0, 3.0), (99.0, 1.0)].into_iter(), [(100.2, 1.0)].into_iter());
    recorder.book(UtcMs(DAY + 7), &depth, true);
    let bar = close(&mut recorder, 1, Some((1, 2.5)));
    let text = serde_json::to_string(&bar).expect("json");
    assert_eq!(serde_json::from_str::<FlowBar>(&text).expect("read"), bar);
    let book = bar.book.expect("a book").close.expect("two sides");
    assert_eq!((book.imbalance_1, book.imbalance_5), (0.5, 0.6));
    assert!(book.microprice_deviation() > 0.0, "the ask is thinner");
}
