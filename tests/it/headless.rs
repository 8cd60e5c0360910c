//! Server mode on the bundled recording: summary, fingerprint, explanations, kill and restart.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::process::{Home, Running, complaint, of_type};

const UNTIL: &str = "2024-07-24T00:00:00Z";

fn summary(lines: &[Value]) -> Value {
    (*of_type(lines, "summary").first().expect("a summary at the end")).clone()
}

#[test]
fn two_clean_runs_have_the_same_fingerprint_and_every_order_is_explained() {
    let (one, two) = (Home::new(), Home::new());
    let lines = one.play(UNTIL, &[]);
    let (a, b) = (summary(&lines), summary(&two.play(UNTIL, &[])));
    assert_eq!(a["fingerprint"], b["fingerprint"]);
    assert_eq!(a, b);
    for key in ["bars_processed", "signals", "cycles", "matured"] {
        assert!(a[key].as_u64().unwrap_or(0) > 0, "{key} in {a}");
    }
    for key in
        ["rejects", "passed", "blocked_by_reason", "orders", "fills", "final_equity", "max_drawdown", "brier", "ece"]
    {
        assert!(!a[key].is_null(), "{key} in {a}");
    }

    let orders = one.ask(&["journal", "show", "intents", "--limit", "100000", "--json"]);
    assert!(orders.status.success(), "{}", complaint(&orders));
    let orders: Vec<Value> = serde_json::from_slice(&orders.stdout).expect("JSON");
    assert_eq!(orders.len() as u64, a["orders"].as_u64().expect("a count"), "each order has its intent on disk");
    assert!(!orders.is_empty(), "the shadow account trades in this span");
    for order in orders.iter().take(40) {
        let id = order["decision"].as_str().expect("a decision");
        let why = one.ask(&["why", id]);
        assert!(why.status.success(), "{}", complaint(&why));
        let text = String::from_utf8_lossy(&why.stdout).into_owned();
        assert!(text.contains(id), "{text}");
        let by_order = one.ask(&["why", &format!("O{}", order["order"])]);
        assert_eq!(String::from_utf8_lossy(&by_order.stdout), text);
    }
    let verify = one.ask(&["journal", "verify"]);
    assert!(verify.status.success(), "{}", complaint(&verify));
}

#[test]
fn a_killed_run_continues_to_the_same_end() {
    let straight = Home::new();
    let expected = summary(&straight.play(UNTIL, &[]));

    let home = Home::new();
    let child = home
        .command(UNTIL)
        .args(["--headless", "--source", "replay", "--speed", "max", "--until-end", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("cst starts");
    let mut running = Running(child);
    let mut fills = 0;
    for line in BufReader::new(running.0.stdout.take().expect("stdout")).lines() {
        let line: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        fills += u32::from(line["type"] == "fill");
        if fills == 3 {
            break;
        }
    }
    assert_eq!(fills, 3, "the run was killed in its midst");
    running.0.kill().expect("SIGKILL");
    running.0.wait().expect("it ends");

    let verify = home.ask(&["journal", "verify"]);
    assert!(verify.status.success(), "{}", complaint(&verify));
    let resumed = home.play(UNTIL, &[]);
    let got = summary(&resumed);
    for key in
        ["session", "fingerprint", "main", "shadow", "signals", "orders", "fills", "cycles", "bars_processed", "brier"]
    {
        assert_eq!(got[key], expected[key], "{key}");
    }
}

#[test]
fn sigterm_ends_in_order_and_the_account_goes_on() {
    let home = Home::new();
    let mut child = home
        .command("2024-10-01T00:00:00Z")
        .args(["--headless", "--source", "replay", "--speed", "3600", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("cst starts");
    let stdout = child.stdout.take().expect("stdout");
    let running = Running(child);
    let mut reader = BufReader::new(stdout).lines();
    let mut seen = Vec::new();
    for line in reader.by_ref() {
        let line: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let stop = line["type"] == "state" && line["state"] == "RUNNING";
        seen.push(line);
        if stop {
            break;
        }
    }
    let pid = running.0.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    let rest: Vec<Value> = reader.map(|l| serde_json::from_str(&l.expect("a line")).expect("JSON")).collect();
    let mut running = running;
    assert!(running.0.wait().expect("it ends").success(), "{rest:?}");
    let last = rest.last().expect("a summary");
    assert_eq!(last["type"], "summary");
    let again = home.play("2024-07-18T00:00:00Z", &[]);
    assert_eq!(summary(&again)["session"], last["session"], "the same account continues");
}
