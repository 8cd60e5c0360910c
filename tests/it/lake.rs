//! The lake from the prompt: candles come in as files and go out as features.

use std::fmt::Write as _;

use serde_json::Value;

use crate::process::{Home, complaint, lines};

const BEGIN: i64 = 1_704_067_200;
const DAYS: i64 = 12;

/// Candles as Kraken's archives have them; each pair walks by itself.
fn archive(step: i64, phase: f64) -> String {
    let level = |at: i64| 100.0 + 20.0 * (at as f64 / 90_000.0 + phase).sin() + 2.0 * (at as f64 / 7_000.0).cos();
    let mut text = String::new();
    for at in (BEGIN..BEGIN + DAYS * 86_400).step_by(step as usize) {
        let (open, close) = (level(at), level(at + step));
        let (high, low) = (open.max(close) + 0.1, open.min(close) - 0.1);
        writeln!(text, "{at},{open:.4},{high:.4},{low:.4},{close:.4},{:.3},7", 5.0 + (at % 11) as f64).unwrap();
    }
    text
}

fn ask(home: &Home, args: &[&str]) -> Vec<u8> {
    let output = home.ask(args);
    assert!(output.status.success(), "{args:?}: {}", complaint(&output));
    output.stdout
}

#[test]
fn features_of_the_lake_are_the_same_row_by_row_and_as_a_file() {
    let home = Home::new();
    let files = home.path().join("in");
    std::fs::create_dir(&files).expect("a folder");
    for (name, step, phase) in [("XBTUSD_5", 300, 0.0), ("ETHUSD_5", 300, 2.0), ("ETHUSD_60", 3_600, 2.0)] {
        std::fs::write(files.join(format!("{name}.csv")), archive(step, phase)).expect("a file");
    }
    ask(&home, &["data", "import", files.to_str().unwrap()]);

    let out = home.path().join("eth.jsonl");
    let lake = ["features", "ETH/USD", "--lake", "--interval", "5"];
    ask(&home, &[&lake[..], &["--all", "--out", out.to_str().unwrap()]].concat());
    let rows = lines(&std::fs::read(&out).expect("rows"));
    assert_eq!(rows.len() as i64, DAYS * 24);
    let shown: Value = serde_json::from_slice(&ask(&home, &[&lake[..], &["--last", "3", "--json"]].concat())).unwrap();
    assert_eq!(shown.as_array().unwrap().as_slice(), &rows[rows.len() - 3..]);
    let named = |row: &Value, name: &str| row["values"][name].as_f64().unwrap_or_else(|| panic!("{name} in {row}"));
    // What the leader did stands in the row of the other pair, and is not that pair's own.
    let last = rows.last().unwrap();
    assert_ne!(named(last, "leader_return"), named(last, "return_1"), "{last}");
    // The hours of one pair alone, from longer candles: its own features are the same.
    let hourly = ask(&home, &["features", "ETH/USD", "--lake", "--json"]);
    let hourly: Value = serde_json::from_slice(&hourly).unwrap();
    assert!((named(&hourly[0], "rsi14") - named(last, "rsi14")).abs() < 1e-9);
    assert_eq!(hourly[0]["values"]["leader_return"], Value::Null);

    for (args, words) in [
        (&["features", "SOL/USD", "--lake", "--interval", "5"][..], "has no SOL/USD; it has BTC/USD, ETH/USD"),
        (&["features", "ETH/USD", "--lake", "--interval", "15"], "cst data import --help"),
        (&["features", "ETH/USD", "--interval", "5"], "--lake"),
    ] {
        let output = home.ask(args);
        assert!(!output.status.success() && complaint(&output).contains(words), "{}", complaint(&output));
    }
}
