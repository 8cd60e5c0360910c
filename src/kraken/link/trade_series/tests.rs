use super::*;
use crate::kraken::wire::Number;

fn trade(id: u64, second: i64, price: &str) -> ws::Trade {
    ws::Trade {
        symbol: "BTC/USD".to_owned(),
        side: ws::Side::Buy,
        price: price.parse::<Number>().expect("number"),
        qty: "0.5".parse::<Number>().expect("number"),
        ord_type: "limit".to_owned(),
        trade_id: id,
        timestamp: Stamp::from_ms(UtcMs(second * 1_000)),
    }
}

/// A minute's row; prices open, high, low, close.
fn row(minute: i64, prices: [&str; 4], volume: &str, trades: u64) -> ws::Ohlc {
    let n = |t: &str| t.parse::<Number>().expect("number");
    ws::Ohlc {
        symbol: "BTC/USD".to_owned(),
        open: n(prices[0]),
        high: n(prices[1]),
        low: n(prices[2]),
        close: n(prices[3]),
        vwap: n("1"),
        trades,
        volume: n(volume),
        interval_begin: Stamp::from_ms(UtcMs(minute * 60_000)),
        interval: 1,
    }
}

fn series() -> (TradeSeries, LinkSettings) {
    (TradeSeries::new(Interval(1), UtcMs(10)), LinkSettings::default())
}

fn told(step: Option<Step>) -> (i64, u64, bool) {
    match step {
        Some(Step::Candle { start, values, proven }) => (start.0 / 60_000, values.trades, proven),
        other => panic!("{other:?}"),
    }
}

#[test]
fn equal_candles_leave_in_order_as_soon_as_they_settled() {
    let (mut s, set) = series();
    for (id, second, price) in [(1, 1, "10"), (2, 30, "12"), (3, 61, "11"), (4, 130, "9")] {
        s.trade(0, &trade(id, second, price), &set).expect("counted");
    }
    assert_eq!(s.poll(0, false), None, "the exchange's word is awaited");
    s.row(&row(1, ["11", "11", "11", "11"], "0.5", 1), false);
    assert_eq!(s.poll(0, false), None, "the first one first");
    s.row(&row(0, ["10", "12", "10", "12"], "1.0", 2), false);
    assert_eq!((s.poll(249, false), s.due()), (None, 250), "what shows that the row was not the last may follow");
    assert_eq!(told(s.poll(250, false)), (0, 2, true));
    assert_eq!(told(s.poll(250, false)), (1, 1, true));
    assert_eq!((s.poll(250, false), s.doubt.as_ref()), (None, None));
}

#[test]
fn a_row_that_the_frames_behind_its_last_trade_refute_proves_nothing() {
    let (mut s, set) = series();
    s.trade(0, &trade(1, 1, "10"), &set).expect("counted");
    s.row(&row(0, ["10", "10", "10", "10"], "0.5", 1), false);
    // The exchange's stamps step two seconds ahead: a trade of this minute seems to be one of the next. Its row follows at once.
    s.trade(0, &trade(2, 61, "11"), &set).expect("counted");
    assert_eq!(s.poll(0, false), None);
    let mut odd = row(0, ["10", "11", "10", "11"], "1.0", 2);
    odd.interval_begin = Stamp::from_ms(UtcMs(2_000));
    s.row(&odd, false);
    assert_eq!(s.poll(250, false), None, "the row that seemed to be the last is not believed");
    assert_eq!(s.poll(2_000, false), Some(Step::AskRows(UtcMs(-60_000))));
    s.rows_answer(&[row(0, ["10", "11", "10", "11"], "1.0", 2), row(1, ["1", "1", "1", "1"], "0", 0)]);
    assert!(matches!(s.poll(2_100, false), Some(Step::AskTrades(_))));
    s.trades_page(vec![trade(1, 1, "10"), trade(2, 59, "11")], &set);
    assert_eq!(told(s.poll(2_200, false)), (0, 2, true));
}

#[test]
fn a_difference_costs_one_look_at_the_trades_and_one_at_the_rows() {
    let (mut s, set) = series();
    s.trade(0, &trade(1, 1, "10"), &set).expect("counted");
    s.row(&row(0, ["10", "10", "10", "10"], "1", 2), false);
    s.close_by_clock(0, UtcMs(60_000), &set);
    assert_eq!((s.poll(1_999, false), s.due()), (None, 2_000));
    assert_eq!(s.poll(2_000, false), Some(Step::AskTrades(Stamp(-1))));
    assert_eq!(s.poll(2_000, false), None, "asked once");
    s.trades_page(vec![trade(1, 1, "10")], &set);
    assert_eq!(s.poll(2_100, false), Some(Step::AskRows(UtcMs(-60_000))));
    s.rows_answer(&[row(0, ["10", "10", "10", "10"], "0.6", 1), row(1, ["1", "1", "1", "1"], "0", 0)]);
    assert_eq!(told(s.poll(2_200, false)), (0, 1, false));
    assert_eq!(s.doubt.as_deref(), Some("the 1m candle of 1970-01-01 00:00 differs from the exchange's: volume"));
    // the next right one ends the doubt
    s.trade(0, &trade(2, 70, "10"), &set).expect("counted");
    s.row(&row(1, ["10", "10", "10", "10"], "0.5", 1), false);
    s.close_by_clock(3_000, UtcMs(120_000), &set);
    assert_eq!(told(s.poll(3_250, false)), (1, 1, true));
    assert_eq!(s.doubt, None);
}

#[test]
fn trades_read_again_settle_a_trade_that_came_late() {
    let (mut s, set) = series();
    s.trade(0, &trade(1, 1, "10"), &set).expect("counted");
    s.row(&row(0, ["10", "11", "10", "11"], "1", 2), false);
    s.close_by_clock(0, UtcMs(60_000), &set);
    s.trade(500, &trade(2, 59, "11"), &set).expect("late");
    assert!(matches!(s.poll(500, false), Some(Step::AskTrades(_))));
    s.trades_page(vec![trade(1, 1, "10"), trade(2, 59, "11"), trade(3, 60, "12")], &set);
    assert_eq!(told(s.poll(600, false)), (0, 2, true));
    assert_eq!(s.late_trades, 1);
    s.trade(700, &trade(4, 58, "11"), &set).expect("too late");
    assert!(s.doubt.as_deref().is_some_and(|d| d.contains("after it was closed")));
}

#[test]
fn candles_without_a_row_ask_for_rows_first() {
    let (mut s, set) = series();
    s.trade(0, &trade(1, 1, "10"), &set).expect("counted");
    s.trade(0, &trade(2, 61, "10"), &set).expect("counted");
    s.close_by_clock(0, UtcMs(120_000), &set);
    assert!(matches!(s.poll(2_000, false), Some(Step::AskRows(_))));
    let rows = [
        row(0, ["10", "10", "10", "10"], "0.5", 1),
        row(1, ["10", "10", "10", "10"], "0.5", 1),
        row(2, ["1", "1", "1", "1"], "0", 0),
    ];
    s.rows_answer(&rows);
    assert_eq!(told(s.poll(2_100, false)), (0, 1, true));
    assert_eq!(told(s.poll(2_100, false)), (1, 1, true), "one answer serves many");
    // a row without trades of ours
    s.row(&row(2, ["10", "10", "10", "10"], "0.5", 1), false);
    s.close_by_clock(3_000, UtcMs(180_000), &set);
    assert!(matches!(s.poll(5_000, false), Some(Step::AskTrades(_))));
    s.trades_page(vec![], &set);
    assert!(matches!(s.poll(5_100, false), Some(Step::AskRows(_))));
    s.rows_answer(&[]);
    assert_eq!(told(s.poll(5_200, false)), (2, 1, false));
    assert!(s.doubt.as_deref().is_some_and(|d| d.contains("without trades known")));
}

#[test]
fn a_quiet_row_of_the_exchange_is_told_and_a_quiet_minute_is_not() {
    let (mut s, set) = series();
    s.row(&row(0, ["10", "10", "10", "10"], "0", 0), false);
    s.close_by_clock(0, UtcMs(600_000), &set);
    assert_eq!(told(s.poll(250, false)), (0, 0, true));
    assert_eq!(s.poll(250, false), None);
    assert_eq!(s.boundary(), UtcMs(600_000));
}

#[test]
fn where_trades_are_lost_the_exchanges_final_row_counts() {
    let (mut s, set) = series();
    s.trade(0, &trade(1, 1, "10"), &set).expect("counted");
    s.hole(UtcMs(2_000), UtcMs(50_000));
    s.row(&row(0, ["10", "10", "10", "10"], "0.5", 1), false);
    s.close_by_clock(0, UtcMs(60_000), &set);
    assert_eq!(s.poll(0, false), None, "the live row lacks the same trades");
    assert!(matches!(s.poll(2_000, false), Some(Step::AskRows(_))));
    s.rows_answer(&[row(0, ["10", "15", "10", "10"], "2.5", 4), row(1, ["1", "1", "1", "1"], "0", 0)]);
    assert_eq!(told(s.poll(2_100, false)), (0, 4, false));
    assert_eq!(s.doubt.as_deref(), Some("the 1m candle of 1970-01-01 00:00 lacks trades"));
}

#[test]
fn after_three_strikes_or_when_busy_doubts_are_told_at_once() {
    let (mut s, set) = series();
    for minute in 0..5 {
        s.trade(0, &trade(minute as u64 + 1, minute * 60 + 1, "10"), &set).expect("counted");
        s.row(&row(minute, ["10", "10", "10", "10"], "9", 9), false);
    }
    s.close_by_clock(0, UtcMs(300_000), &set);
    let mut asked = 0;
    let mut left = Vec::new();
    for t in 0..100 {
        match s.poll(2_000 + t, false) {
            Some(Step::AskTrades(_)) | Some(Step::AskRows(_)) => {
                asked += 1;
                s.refused();
            }
            Some(Step::Candle { start, proven, .. }) => left.push((start.0 / 60_000, proven)),
            None => {}
        }
    }
    assert_eq!(left, (0..5).map(|m| (m, false)).collect::<Vec<_>>());
    assert_eq!(asked, 6, "two looks for each of three");
    let (mut s, set) = series();
    s.trade(0, &trade(1, 1, "10"), &set).expect("counted");
    s.close_by_clock(0, UtcMs(60_000), &set);
    assert_eq!(told(s.poll(2_000, true)), (0, 1, false));
}

#[test]
fn a_cell_that_seemed_quiet_becomes_a_candle_when_its_trade_comes() {
    let (mut s, set) = series();
    s.close_by_clock(0, UtcMs(120_000), &set);
    assert_eq!(s.poll(0, false), None, "nothing traded");
    s.trade(100, &trade(1, 70, "10"), &set).expect("late");
    assert!(matches!(s.poll(100, false), Some(Step::AskTrades(since)) if since.0 == 60_000_000_000 - 1));
    s.trades_page(vec![trade(1, 70, "10")], &set);
    assert!(matches!(s.poll(200, false), Some(Step::AskRows(_))));
    s.rows_answer(&[row(1, ["10", "10", "10", "10"], "0.5", 1), row(2, ["10", "10", "10", "10"], "0", 0)]);
    assert_eq!(told(s.poll(300, false)), (1, 1, true));
    // the minute before it is over for good
    s.trade(400, &trade(2, 30, "10"), &set).expect("too late");
    assert_eq!(s.poll(400, false), None);
    assert!(s.doubt.as_ref().is_some_and(|d| d.contains("came after it was closed")));
}

#[test]
fn a_quiet_cell_that_misdated_rows_tell_of_is_asked_for() {
    let (mut s, set) = series();
    // The exchange's stamps are two seconds ahead: its row of minute 1, and the trade of that minute in minute 2.
    let mut odd = row(1, ["10", "10", "10", "10"], "0.5", 1);
    odd.interval_begin = Stamp::from_ms(UtcMs(62_000));
    s.row(&odd, false);
    s.trade(0, &trade(7, 121, "10"), &set).expect("counted");
    s.close_by_clock(0, UtcMs(120_000), &set);
    assert_eq!(s.poll(1_000, false), None, "the exchange's word may still come");
    assert_eq!(s.poll(2_000, false), Some(Step::AskRows(UtcMs(0))));
    assert_eq!(s.poll(2_000, false), None, "a question on its way is no answer");
    s.rows_answer(&[row(1, ["10", "10", "10", "10"], "0.5", 1), row(2, ["1", "1", "1", "1"], "0", 0)]);
    assert!(matches!(s.poll(2_100, false), Some(Step::AskTrades(_))));
    s.trades_page(vec![trade(7, 119, "10")], &set);
    assert_eq!(told(s.poll(2_200, false)), (1, 1, true));
    assert_eq!((s.poll(2_200, false), s.doubt.as_ref()), (None, None));
}

#[test]
fn a_late_trade_may_be_all_that_the_open_cell_has() {
    let (mut s, set) = series();
    s.trade(0, &trade(1, 1, "10"), &set).expect("counted");
    s.row(&row(0, ["10", "10", "10", "10"], "0.5", 1), false);
    s.close_by_clock(0, UtcMs(60_000), &set);
    assert_eq!(told(s.poll(250, false)), (0, 1, true));
    // The exchange's stamps are two seconds behind: the only trade of minute 1 stands in minute 0, which has left.
    s.trade(500, &trade(2, 59, "11"), &set).expect("late");
    s.close_by_clock(60_000, UtcMs(120_000), &set);
    assert_eq!(s.poll(62_000, false), Some(Step::AskRows(UtcMs(0))));
    s.rows_answer(&[row(1, ["11", "11", "11", "11"], "0.5", 1), row(2, ["1", "1", "1", "1"], "0", 0)]);
    assert!(matches!(s.poll(62_100, false), Some(Step::AskTrades(_))));
    s.trades_page(vec![], &set);
    assert_eq!(told(s.poll(62_200, false)), (1, 1, false), "the exchange's word, without a trade to prove it");
}

#[test]
fn a_trade_taken_for_the_cell_before_is_looked_for_in_its_own() {
    let (mut s, set) = series();
    // The exchange's stamps are two seconds behind: the only trade of minute 1 is told as one of minute 0, which is still open.
    s.trade(0, &trade(1, 1, "10"), &set).expect("counted");
    s.trade(50, &trade(2, 59, "11"), &set).expect("counted");
    s.row(&row(0, ["10", "10", "10", "10"], "0.5", 1), false);
    s.close_by_clock(100, UtcMs(60_000), &set);
    assert!(matches!(s.poll(2_100, false), Some(Step::AskTrades(_))));
    s.trades_page(vec![trade(1, 1, "10"), trade(2, 61, "11")], &set);
    assert_eq!(told(s.poll(2_200, false)), (0, 1, true));
    // Nothing else is heard of minute 1.
    s.close_by_clock(60_100, UtcMs(120_000), &set);
    assert_eq!(s.poll(62_100, false), Some(Step::AskRows(UtcMs(0))));
    s.rows_answer(&[row(1, ["11", "11", "11", "11"], "0.5", 1), row(2, ["1", "1", "1", "1"], "0", 0)]);
    assert!(matches!(s.poll(62_200, false), Some(Step::AskTrades(_))));
    s.trades_page(vec![trade(2, 61, "11")], &set);
    assert_eq!(told(s.poll(62_300, false)), (1, 1, true));
}

#[test]
fn a_late_trade_of_a_candle_that_waits_may_be_of_the_next_one() {
    let (mut s, set) = series();
    s.trade(0, &trade(1, 1, "10"), &set).expect("counted");
    s.row(&row(0, ["10", "10", "10", "10"], "0.5", 1), false);
    s.close_by_clock(0, UtcMs(60_000), &set);
    // The exchange's stamps are two seconds behind: the only trade of minute 1 comes as one of minute 0, which waits to settle.
    s.trade(100, &trade(2, 59, "11"), &set).expect("late");
    assert!(matches!(s.poll(100, false), Some(Step::AskTrades(_))));
    s.trades_page(vec![trade(1, 1, "10"), trade(2, 61, "11")], &set);
    assert_eq!(told(s.poll(300, false)), (0, 1, true));
    s.close_by_clock(60_000, UtcMs(120_000), &set);
    assert_eq!(s.poll(62_000, false), Some(Step::AskRows(UtcMs(0))));
}

/// The exchange's row of a minute, with its stamps so many seconds off.
fn shifted(mut row: ws::Ohlc, seconds: i64) -> ws::Ohlc {
    row.interval_begin = Stamp::from_ms(row.interval_begin.ms().plus(seconds * 1_000));
    row
}

#[test]
fn a_suspected_cell_that_rest_tells_nothing_of_stays_in_doubt() {
    let (mut s, set) = series();
    s.row(&shifted(row(0, ["10", "10", "10", "10"], "0.5", 1), 2), false);
    s.close_by_clock(0, UtcMs(60_000), &set);
    for ask in 0..2 {
        assert!(matches!(s.poll(2_000, false), Some(Step::AskRows(_) | Step::AskTrades(_))), "question {ask}");
        assert_eq!(s.poll(2_000, false), None);
        s.refused();
    }
    assert_eq!(s.poll(2_000, false), None, "there is nothing to tell");
    assert!(s.doubt.as_deref().is_some_and(|d| d.contains("may have trades")), "{:?}", s.doubt);
}

#[test]
fn a_suspected_cell_is_quiet_once_rest_lists_no_trade_of_it() {
    let (mut s, set) = series();
    s.row(&shifted(row(0, ["10", "10", "10", "10"], "0", 0), 2), false);
    s.close_by_clock(0, UtcMs(60_000), &set);
    assert!(matches!(s.poll(2_000, false), Some(Step::AskRows(_))));
    s.rows_answer(&[]);
    assert!(matches!(s.poll(2_000, false), Some(Step::AskTrades(_))));
    s.trades_page(vec![], &set);
    assert_eq!((s.poll(2_000, false), s.doubt.as_ref(), s.emitted), (None, None, 0));
}

#[test]
fn a_row_of_a_cell_that_its_only_trade_closed_is_looked_into() {
    let (mut s, set) = series();
    // The exchange's stamps are three seconds ahead: the only trade of minute 0 seems to open minute 1, and its row follows.
    s.trade(0, &trade(1, 61, "10"), &set).expect("counted");
    s.row(&shifted(row(0, ["10", "10", "10", "10"], "0.5", 1), 3), false);
    assert!(matches!(s.poll(0, false), Some(Step::AskTrades(since)) if since.0 == -1));
    s.trades_page(vec![trade(1, 58, "10")], &set);
    assert_eq!(s.poll(100, false), Some(Step::AskRows(UtcMs(-60_000))));
    s.rows_answer(&[row(0, ["10", "10", "10", "10"], "0.5", 1), row(1, ["10", "10", "10", "10"], "0", 0)]);
    assert_eq!(told(s.poll(200, false)), (0, 1, true));
    assert_eq!((s.poll(200, false), s.doubt.as_ref()), (None, None));
}

#[test]
fn rows_of_candles_that_left_or_were_before_the_first_ask_nothing() {
    let mut s = TradeSeries::new(Interval(1), UtcMs(60_010));
    let set = LinkSettings::default();
    s.trade(0, &trade(1, 61, "10"), &set).expect("counted");
    s.row(&row(1, ["10", "10", "10", "10"], "0.5", 1), false);
    s.close_by_clock(0, UtcMs(180_000), &set);
    assert_eq!(told(s.poll(250, false)), (1, 1, true));
    for minute in [0, 1] {
        s.row(&row(minute, ["10", "10", "10", "10"], "0.5", 1), false);
        s.row(&shifted(row(minute, ["10", "10", "10", "10"], "0.5", 1), -3), false);
    }
    s.row(&row(2, ["10", "10", "10", "10"], "0", 0), false);
    assert_eq!((s.poll(300, false), s.doubt.as_ref()), (None, None));
    s.row(&row(2, ["10", "10", "10", "10"], "0.5", 1), false);
    assert!(matches!(s.poll(300, false), Some(Step::AskTrades(_))), "minute 2 seemed quiet");
}

#[test]
fn a_trade_taken_for_the_next_cell_is_looked_for_in_its_own() {
    let (mut s, set) = series();
    // The stamps are ahead, and the row of minute 0 is lost: minute 1 has its trade as well.
    s.trade(0, &trade(1, 61, "10"), &set).expect("counted");
    s.trade(0, &trade(2, 90, "11"), &set).expect("counted");
    s.close_by_clock(100, UtcMs(120_000), &set);
    assert_eq!(s.poll(2_100, false), Some(Step::AskRows(UtcMs(0))));
    s.rows_answer(&[row(1, ["11", "11", "11", "11"], "0.5", 1), row(2, ["11", "11", "11", "11"], "0", 0)]);
    assert!(matches!(s.poll(2_200, false), Some(Step::AskTrades(since)) if since.0 == 60_000_000_000 - 1));
    s.trades_page(vec![trade(2, 90, "11")], &set);
    assert!(matches!(s.poll(2_300, false), Some(Step::AskTrades(since)) if since.0 == -1), "minute 0 before it");
    s.trades_page(vec![trade(1, 58, "10"), trade(2, 90, "11")], &set);
    assert_eq!(s.poll(2_400, false), Some(Step::AskRows(UtcMs(-60_000))));
    s.rows_answer(&[row(0, ["10", "10", "10", "10"], "0.5", 1), row(1, ["11", "11", "11", "11"], "0", 0)]);
    assert_eq!(told(s.poll(2_500, false)), (0, 1, true));
    assert_eq!(told(s.poll(2_500, false)), (1, 1, true));
}

#[test]
fn a_cell_looked_into_before_one_that_waits_for_an_answer_makes_it_ask_again() {
    let (mut s, set) = series();
    s.trade(0, &trade(2, 90, "11"), &set).expect("counted");
    s.row(&row(1, ["11", "11", "11", "11"], "1.0", 2), false);
    s.close_by_clock(0, UtcMs(120_000), &set);
    assert!(matches!(s.poll(2_000, false), Some(Step::AskTrades(since)) if since.0 == 60_000_000_000 - 1));
    s.row(&row(0, ["10", "10", "10", "10"], "0.5", 1), false);
    assert!(matches!(s.poll(2_100, false), Some(Step::AskTrades(since)) if since.0 == -1));
    s.trades_page(vec![trade(1, 58, "10"), trade(2, 90, "11")], &set);
    assert_eq!(told(s.poll(2_200, false)), (0, 1, true), "the live row and REST agree");
    assert!(matches!(s.poll(2_200, false), Some(Step::AskTrades(since)) if since.0 == 60_000_000_000 - 1));
}
