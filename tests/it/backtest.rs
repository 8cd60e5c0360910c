//! The backtest through the program: it decides as the replay of the same rows, and says what it was told to say.

use serde_json::Value;

use crate::process::{Home, complaint, of_type};

const UNTIL: &str = "2024-07-24T00:00:00Z";

fn report(home: &Home, args: &[&str]) -> Value {
    let output = home.command(UNTIL).args(["backtest", "--json"]).args(args).output().expect("cst starts");
    assert!(output.status.success(), "{}", complaint(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_backtest_decides_as_the_replay_of_the_same_rows() {
    let home = Home::new();
    let lines = home.play(UNTIL, &[]);
    let mut played = (*of_type(&lines, "summary").first().expect("a summary")).clone();
    let page = home.path().join("report.html");
    let page = page.to_str().expect("a path");
    let told = report(&home, &["--models", "in-force", "--html", page]);
    let mut summary = told["summary"].clone();
    // The replay has a number in its journal; the backtest has no journal.
    for one in [&mut played, &mut summary] {
        one.as_object_mut().expect("an object").retain(|key, _| !["session", "type"].contains(&key.as_str()));
    }
    assert_eq!(summary, played);
    assert!(played["orders"].as_u64().expect("a count") > 0, "the shadow account trades in this span");

    let shadow = &told["shadow"]["attribution"];
    let number = |v: &Value| v.as_str().expect("money").parse::<f64>().expect("a number");
    let (alpha, net) = (number(&shadow["alpha"]), number(&shadow["net"]));
    assert!((alpha - number(&shadow["fees"]) - number(&shadow["slippage"]) - net).abs() < 1e-6, "{shadow}");
    assert_eq!(told["luck"].is_null(), told["summary"]["main"]["orders"] == 0);
    assert_eq!(told["benchmarks"].as_array().expect("a list").len(), 5);
    assert_eq!(told["benchmarks"][0]["total_return"], 0.0);

    let page = std::fs::read_to_string(page).expect("the page");
    let fingerprint = summary["fingerprint"].as_str().expect("a text");
    assert!(page.contains(fingerprint) && page.contains("Shadow account") && !page.contains("Without costs"));
    assert_eq!(report(&home, &["--models", "in-force"]), told, "a second run says the same");
}

#[test]
fn a_cost_that_is_planted_shows() {
    let home = Home::new();
    home.play(UNTIL, &[]);
    let with = report(&home, &["--models", "in-force"]);
    // Other costs ask for other models, which the test trains before it begins.
    let without = report(&home, &["--retrain", "0", "--no-costs"]);
    assert!(!without["trainings"].as_array().expect("a list").is_empty());
    assert_eq!((&with["without_costs"], &without["without_costs"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_ne!(with["summary"]["fingerprint"], without["summary"]["fingerprint"]);
    assert_eq!(without["side_cost"], 0.0);
}

#[test]
fn what_cannot_be_tested_is_said() {
    let home = Home::new();
    for (args, words) in [
        (&["--from", "2030-01-01"] as &[&str], "nothing to test between 2030-01-01 00:00"),
        (&["--from", "yesterday"], "--from: "),
        (&["--lake"], "has no hourly candles of kraken that can be traded"),
        (&["--models", "in-force", "--from", "2024-06-01"], "would know what it is tested on"),
    ] {
        if args.contains(&"in-force") {
            home.play("2024-07-18T00:00:00Z", &[]);
        }
        let output = home.command(UNTIL).arg("backtest").args(args).output().expect("cst starts");
        assert!(!output.status.success(), "{args:?}");
        assert!(complaint(&output).contains(words), "{args:?}: {}", complaint(&output));
    }
}
