//! The checks find every planted leak, and none in the set as it is.

use super::super::testing::{NAMES, histories};
use super::*;
use crate::domain::time::DAY_MS;

fn settings() -> PipelineSettings {
    PipelineSettings::default()
}

/// Truncation, poison, order, start-up, warm-up and unit over the whole built-in set, what looks at all pairs and order flow included.
#[test]
fn the_built_in_set_is_clean() {
    let set = FeatureSet::built_in();
    let settings = settings();
    let histories = histories(&NAMES[..6], 420);
    let compute = panel_rows(&set, &settings);
    let checker = Checker::new(&set, &histories, &compute, 5);
    assert_eq!(checker.instants(), 5);
    for summary in checker.run(|_| {}) {
        assert_eq!(summary.findings, [], "{:?}", summary.check);
        assert!(summary.compared > 200, "{summary:?}");
    }
    // Every column had a value at some instant, so every one of them was really checked.
    assert_eq!(checker.without_values(), [""; 0]);
}

/// A column of a small set, computed by looking where an honest feature cannot: histories, pair and place of the hour.
type Canary = fn(&[History], usize, usize) -> Option<f64>;

const SMALL: &str = r#"
leader = "BTC/USD"
nodes = [{ name = "r1", kernel = "log_return", input = "close", bars = 1 }]
features = [
    { group = "main", name = "suspect", kernel = "sample_sd", input = "r1", period = 5 },
    { group = "main", name = "honest", kernel = "rsi", input = "close", period = 7 },
]
groups = { main = { words = "w", required = true, models = true } }
"#;

fn close(histories: &[History], pair: usize, hour: usize) -> Option<f64> {
    histories.get(pair)?.hours.get(hour)?.bar.map(|bar| bar.close)
}

/// The features that each check accuses, when the first column is the canary's.
fn accused(canary: Canary) -> Vec<(Check, Vec<String>)> {
    let set = Arc::new(FeatureSet::parse("small", SMALL).unwrap());
    let settings = settings();
    let histories = histories(&NAMES[..2], 240);
    let honest = panel_rows(&set, &settings);
    let compute = |histories: &[History], each: &mut Each<'_>| {
        honest(histories, &mut |end, pair, row| {
            let mut row = row.to_vec();
            let hour = histories[pair].hours.iter().position(|hour| hour.end == end).unwrap();
            if !row[0].is_nan() {
                row[0] = canary(histories, pair, hour).unwrap_or(f64::NAN);
            }
            each(end, pair, &row);
        });
    };
    let checker = Checker::new(&set, &histories, &compute, 24);
    let found = checker.run(|_| {}).into_iter().filter(|s| !s.features.is_empty());
    found.map(|s| (s.check, s.features)).collect()
}

#[test]
fn every_canary_is_caught_and_nothing_else() {
    let honest: Canary = |h, pair, t| Some((close(h, pair, t)? / close(h, pair, t.checked_sub(1)?)?).ln());
    assert_eq!(accused(honest), []);
    let next_close: Canary = |h, pair, t| Some((close(h, pair, t + 1)? / close(h, pair, t)?).ln());
    let centred: Canary = |h, pair, t| {
        let window = (t.checked_sub(12)?..=t + 12).map(|k| close(h, pair, k));
        let mean = window.collect::<Option<Vec<f64>>>()?.iter().sum::<f64>() / 25.0;
        Some((close(h, pair, t)? / mean).ln())
    };
    let full_sample: Canary = |h, pair, t| {
        let closes: Vec<f64> = (0..h[pair].hours.len()).filter_map(|k| close(h, pair, k)).collect();
        let mean = closes.iter().sum::<f64>() / closes.len() as f64;
        Some(close(h, pair, t)? / mean - 1.0)
    };
    // Ichimoku's lagging line: the close of 26 bars later, drawn here.
    let chikou: Canary = |h, pair, t| Some((close(h, pair, t + 26)? / close(h, pair, t)?).ln());
    // A four-hour bar that is named, and used, before it is over.
    let unfinished_bar: Canary = |h, pair, t| {
        let end = (t / 4 * 4..t / 4 * 4 + 4).rev().find_map(|k| close(h, pair, k))?;
        Some((end / close(h, pair, t)?).ln())
    };
    // Volume as a share of its whole day.
    let day_share: Canary = |h, pair, t| {
        let hours = &h[pair].hours;
        let day = |end: UtcMs| end.plus(-1).0.div_euclid(DAY_MS);
        let of_day = hours.iter().filter(|hour| day(hour.end) == day(hours[t].end));
        let total: f64 = of_day.filter_map(|hour| hour.bar.map(|bar| bar.volume)).sum();
        Some(hours[t].bar?.volume / total)
    };
    // The bar that is still forming.
    let forming: Canary =
        |h, pair, t| Some((h.get(pair)?.hours.get(t + 1)?.bar?.open / close(h, pair, t)? - 0.9999).ln());
    // Another pair's next hour.
    let neighbour: Canary = |h, pair, t| Some((close(h, 1 - pair, t + 1)? / close(h, 1 - pair, t)?).ln());
    for (name, canary) in [
        ("next close", next_close),
        ("centred mean", centred),
        ("full-sample mean", full_sample),
        ("Chikou", chikou),
        ("unfinished bar", unfinished_bar),
        ("share of the day", day_share),
        ("forming bar", forming),
        ("another pair's next hour", neighbour),
    ] {
        let found = accused(canary);
        for check in [Check::Truncation, Check::Poison] {
            assert!(found.iter().any(|(c, _)| *c == check), "{name} passed {}: {found:?}", check.as_str());
        }
        assert!(found.iter().all(|(_, features)| features == &["suspect"]), "{name}: {found:?}");
    }
}

#[test]
fn other_faults_are_caught_by_their_own_checks() {
    let only = |check: Check| vec![(check, vec!["suspect".to_owned()])];
    // The place of the pair in the list.
    let place: Canary = |_, pair, _| Some(pair as f64);
    assert_eq!(accused(place), only(Check::Order));
    // A running sum: it depends on where history begins.
    let cumulative: Canary = |h, pair, t| {
        let returns = (1..=t).filter_map(|k| Some((close(h, pair, k)? / close(h, pair, k - 1)?).ln().abs()));
        Some(returns.sum())
    };
    assert_eq!(accused(cumulative), only(Check::StartUp));
    // A price: it depends on the unit.
    let price: Canary = |h, pair, t| close(h, pair, t);
    assert_eq!(accused(price), only(Check::Unit));
}

#[test]
fn a_first_value_before_its_time_or_long_after_it_is_found() {
    let set = Arc::new(FeatureSet::parse("small", SMALL).unwrap());
    let settings = settings();
    let histories = histories(&NAMES[..2], 120);
    let honest = panel_rows(&set, &settings);
    for (from, to, wrong) in [(0, 3, true), (0, 7, false), (0, 40, true)] {
        let compute = |histories: &[History], each: &mut Each<'_>| {
            let mut hour = 0;
            honest(histories, &mut |end, pair, row| {
                hour += 1;
                let value = if (from..to).contains(&hour) { f64::NAN } else { 1.0 };
                each(end, pair, &[value, row[1]]);
            });
        };
        let summary = Checker::new(&set, &histories, &compute, 2).one(Check::WarmUp);
        assert_eq!(!summary.findings.is_empty(), wrong, "first value at hour {to}: {summary:?}");
    }
}
