use proptest::prelude::*;

use super::super::{Resampled, Resampler};
use super::*;
use crate::domain::time::MINUTE_MS;
use crate::domain::{Price, Qty, Venue};
use crate::pipeline::golden::{self, Case};

const STEP: i64 = 5 * MINUTE_MS;
/// 2024-07-17 10:00.
const TEN: i64 = 1_721_210_400_000;

fn candle(open_time: UtcMs, interval: Interval, price: f64) -> Candle {
    Candle {
        pair: "SGB/USD".parse().unwrap(),
        venue: Venue::Kraken,
        interval,
        open_time,
        open: Price::from_f64(price).unwrap(),
        high: Price::from_f64(price + 1.0).unwrap(),
        low: Price::from_f64(price - 1.0).unwrap(),
        close: Price::from_f64(price + 0.5).unwrap(),
        volume: Qty::from_f64(2.0).unwrap(),
        trades: Some(4),
    }
}

fn interval(case: &Case, name: &str) -> Interval {
    match case.params[name].as_str().unwrap() {
        "5m" => Interval::M5,
        "1h" => Interval::H1,
        "4h" => Interval(240),
        "1d" => Interval(1440),
        other => panic!("{other}"),
    }
}

#[test]
fn resampling_equals_the_reference() {
    let mut bars = 0;
    for case in golden::cases("resample").iter().filter(|c| c.function == "resample_ohlcv") {
        let (from, to) = (interval(case, "from"), interval(case, "to"));
        let mut resampler = Resampler::new(from, to).unwrap();
        let times = case.column("ts").to_vec();
        let mut got = Vec::new();
        for (bar, ts) in case.bars().iter().zip(times) {
            let number = |x| Price::from_f64(x).unwrap();
            got.extend(resampler.push(&Candle {
                open: number(bar.open),
                high: number(bar.high),
                low: number(bar.low),
                close: number(bar.close),
                volume: Qty::from_f64(bar.volume).unwrap(),
                ..candle(UtcMs(ts as i64 * 1000), from, 5.0)
            }));
        }
        got.extend(resampler.finish());
        let column = |f: &dyn Fn(&Resampled) -> f64| got.iter().map(|r| Some(f(r))).collect::<Vec<_>>();
        case.check("ts", &column(&|r| (r.candle.open_time.0 / 1000) as f64));
        case.check("open", &column(&|r| r.candle.open.to_f64()));
        case.check("high", &column(&|r| r.candle.high.to_f64()));
        case.check("low", &column(&|r| r.candle.low.to_f64()));
        case.check("close", &column(&|r| r.candle.close.to_f64()));
        case.check("volume", &column(&|r| r.candle.volume.to_f64()));
        case.check("n_source", &column(&|r| f64::from(r.n_source)));
        let complete: Vec<_> = case.expected["complete"].as_array().unwrap().iter().map(|v| v.as_bool()).collect();
        assert_eq!(complete, got.iter().map(|r| Some(r.complete)).collect::<Vec<_>>(), "{}", case.name);
        assert!(got.iter().all(|r| r.candle.interval == to));
        bars += got.len();
    }
    assert_eq!(bars, 35 + 9 + 2);
}

#[test]
fn only_whole_multiples_resample_or_align() {
    assert!(Resampler::new(Interval::M5, Interval(12)).is_none());
    assert!(Resampler::new(Interval(0), Interval::H1).is_none());
    assert!(Resampler::new(Interval::M5, Interval(0)).is_none());
    for (minutes, fits) in [(0, false), (1, true), (5, true), (7, false), (30, true), (60, true), (240, false)] {
        assert_eq!(HourAligner::new(Interval(minutes), 3).is_some(), fits, "{minutes}");
    }
}

/// Runs whole hours from ten o'clock; each text is an hour, `#` a bar and `.` silence. Every five minutes is a batch.
fn run(hours: &[&str], quiet_max: u32) -> (Vec<ClosedHour>, HourAligner) {
    let mut aligner = HourAligner::new(Interval::M5, quiet_max).unwrap();
    let mut closed = Vec::new();
    for (slot, mark) in hours.concat().chars().enumerate() {
        let open = UtcMs(TEN + slot as i64 * STEP);
        if mark == '#' {
            aligner.push(candle(open, Interval::M5, 100.0 + slot as f64), &mut closed);
        }
        aligner.advance(open.plus(STEP), &mut closed);
    }
    (closed, aligner)
}

fn silent(hour: &ClosedHour) -> Option<u32> {
    match hour.fault {
        None => None,
        Some(HourFault::Hole { silent }) => Some(silent),
        Some(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_full_hour_is_closed_at_its_end() {
    let (closed, aligner) = run(&["############", "#####"], 3);
    assert_eq!(closed.len(), 1);
    let hour = &closed[0];
    assert_eq!((hour.end, hour.fault, hour.source.len()), (UtcMs(TEN + HOUR_MS), None, 12));
    let c = hour.candle.as_ref().unwrap();
    assert_eq!((c.interval, c.open_time), (Interval::H1, UtcMs(TEN)));
    let texts = [c.open, c.high, c.low, c.close].map(|p| p.to_string());
    assert_eq!(texts, ["100", "112", "99", "111.5"]);
    assert_eq!((c.volume.to_string().as_str(), c.trades), ("24", Some(48)));
    assert_eq!(aligner.holes(), 0);
    assert_eq!(aligner.newest_close(), Some(UtcMs(TEN + HOUR_MS + 5 * STEP)));
}

#[test]
fn quiet_and_holes() {
    // Per case: hours, then silence that makes each hour unusable, then holes counted.
    type Row = (&'static [&'static str], &'static [Option<u32>], u64);
    let table: [Row; 11] = [
        (&["#...#...#..."], &[None], 0),
        (&["...#########"], &[None], 0),
        (&["....########"], &[Some(4)], 1),
        (&["#....#######"], &[Some(4)], 1),
        (&["########....", "############"], &[Some(4), None], 1),
        // Across the border: only the later hour could know.
        (&["##########..", "..##########", "############"], &[None, Some(4), None], 1),
        (&["#########...", "############"], &[None, None], 0),
        (&["######......", "...#########"], &[Some(6), Some(9)], 1),
        (&["############", "............", "############"], &[None, Some(12), None], 1),
        (&["#....#....##"], &[Some(4)], 2),
        (&["##########..", "............", "..##########"], &[None, Some(14), Some(16)], 1),
    ];
    for (hours, faults, holes) in table {
        let (closed, aligner) = run(hours, 3);
        assert_eq!(closed.iter().map(silent).collect::<Vec<_>>(), faults, "{hours:?}");
        assert_eq!(aligner.holes(), holes, "{hours:?}");
        for (hour, marks) in closed.iter().zip(hours) {
            assert_eq!(hour.source.len(), marks.matches('#').count());
            assert_eq!(hour.candle.is_some(), marks.contains('#'));
        }
    }
    let (closed, _) = run(&["##.#########"], 0);
    assert_eq!(closed.iter().map(silent).collect::<Vec<_>>(), [Some(1)]);
    // However generous the setting: an hour without a bar is a hole.
    let (closed, _) = run(&["############", "............"], 99);
    assert_eq!(closed.iter().map(silent).collect::<Vec<_>>(), [None, Some(12)]);
}

#[test]
fn nothing_is_reported_before_the_first_bar() {
    let (closed, aligner) = run(&["............", "............", "....########"], 3);
    assert_eq!(closed.iter().map(|h| (h.end, silent(h))).collect::<Vec<_>>(), [(UtcMs(TEN + 3 * HOUR_MS), Some(4))]);
    assert_eq!(aligner.holes(), 1);
}

#[test]
fn an_hour_that_was_only_partly_watched_is_not_usable() {
    let mut aligner = HourAligner::new(Interval::M5, 3).unwrap();
    let mut closed = Vec::new();
    for slot in 2..24 {
        let open = UtcMs(TEN + slot * STEP);
        aligner.push(candle(open, Interval::M5, 100.0), &mut closed);
        aligner.advance(open.plus(STEP), &mut closed);
    }
    let faults: Vec<_> = closed.iter().map(|h| h.fault).collect();
    assert_eq!(faults, [Some(HourFault::Partial { since: UtcMs(TEN + 2 * STEP) }), None]);
    assert_eq!(aligner.holes(), 0);
}

#[test]
fn hours_without_batches_are_one_silence_and_time_never_runs_back() {
    let mut aligner = HourAligner::new(Interval::M5, 3).unwrap();
    let mut closed = Vec::new();
    for slot in 0..12 {
        aligner.push(candle(UtcMs(TEN + slot * STEP), Interval::M5, 100.0), &mut closed);
    }
    assert!(closed.is_empty());
    aligner.advance(UtcMs(TEN + 1000 * HOUR_MS), &mut closed);
    let got: Vec<_> = closed.iter().map(|h| (h.end, silent(h))).collect();
    assert_eq!(got, [(UtcMs(TEN + HOUR_MS), None), (UtcMs(TEN + 1000 * HOUR_MS), Some(999 * 12))]);
    assert_eq!(aligner.holes(), 1);
    closed.clear();
    aligner.advance(UtcMs(TEN), &mut closed);
    aligner.advance(UtcMs(TEN + 1000 * HOUR_MS), &mut closed);
    assert!(closed.is_empty());
}

#[test]
fn a_bar_for_a_closed_hour_spoils_the_open_one() {
    let mut aligner = HourAligner::new(Interval::M5, 3).unwrap();
    let mut closed = Vec::new();
    for slot in 0..11 {
        aligner.push(candle(UtcMs(TEN + slot * STEP), Interval::M5, 100.0), &mut closed);
    }
    aligner.advance(UtcMs(TEN + HOUR_MS), &mut closed);
    let late = UtcMs(TEN + 11 * STEP);
    aligner.push(candle(late, Interval::M5, 100.0), &mut closed);
    for slot in 12..24 {
        aligner.push(candle(UtcMs(TEN + slot * STEP), Interval::M5, 100.0), &mut closed);
    }
    aligner.advance(UtcMs(TEN + 2 * HOUR_MS), &mut closed);
    let got: Vec<_> = closed.iter().map(|h| (h.source.len(), h.fault)).collect();
    assert_eq!(got, [(11, None), (12, Some(HourFault::Late { open_time: late }))]);
}

#[test]
fn hourly_bars_pass_through_and_one_missing_is_a_hole() {
    let mut aligner = HourAligner::new(Interval::H1, 3).unwrap();
    assert_eq!(aligner.slots(), 1);
    let mut closed = Vec::new();
    for hour in 0..6 {
        let open = UtcMs(TEN + hour * HOUR_MS);
        if hour != 3 {
            aligner.push(candle(open, Interval::H1, 100.0 + hour as f64), &mut closed);
        }
        aligner.advance(open.plus(HOUR_MS), &mut closed);
    }
    let got: Vec<_> = closed.iter().map(|h| (h.candle.is_some(), silent(h))).collect();
    let fine = (true, None);
    assert_eq!(got, [fine, fine, fine, (false, Some(1)), fine, fine]);
    assert_eq!(closed[0].candle, Some(candle(UtcMs(TEN), Interval::H1, 100.0)));
}

proptest! {
    /// Against the rule written out naively: a run longer than allowed spoils every hour it is known to touch.
    #[test]
    fn usable_hours_are_those_without_a_long_silence(
        marks in prop::collection::vec(prop::sample::select(vec!['#', '#', '.', '.', '.']), 12 * 6),
    ) {
        let mut marks = marks;
        marks[0] = '#';
        let text: String = marks.iter().collect();
        let hours: Vec<&str> = (0..6).map(|h| &text[12 * h..12 * (h + 1)]).collect();
        let (closed, _) = run(&hours, 3);
        prop_assert_eq!(closed.len(), 6);
        for (h, hour) in closed.iter().enumerate() {
            let mut spoiled = false;
            let mut silence = 0;
            for (slot, mark) in marks.iter().enumerate().take(12 * (h + 1)) {
                silence = if *mark == '#' { 0 } else { silence + 1 };
                spoiled |= silence > 3 && slot >= 12 * h;
            }
            prop_assert_eq!(hour.fault.is_some(), spoiled, "hour {}: {}", h, text);
        }
    }
}
