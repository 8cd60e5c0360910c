//! The listening services of a running system.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::process::{Home, Running};

/// One HTTP/1.1 exchange; status and body.
fn http(address: &str, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        .expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    let body = text.split_once("\r\n\r\n").map(|(_, b)| b.to_owned()).unwrap_or_default();
    (status, body)
}

fn json(address: &str, path: &str) -> Value {
    let (status, body) = http(address, "GET", path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}: {body}"))
}

fn state_of(api: &str, agent: &str) -> String {
    let agents = json(api, "/api/v1/agents");
    let list = agents.as_array().or_else(|| agents["agents"].as_array()).expect("a list").clone();
    list.iter().find(|a| a["name"] == agent).expect("the agent")["state"].as_str().expect("a state").to_owned()
}

fn metric(metrics: &str, name: &str) -> bool {
    http(metrics, "GET", "/metrics").1.lines().any(|l| l.starts_with(name))
}

/// Waits until a condition holds; the test's patience is bounded by the number of tries.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never happened: {what}");
}

#[test]
fn ports_answer_with_live_values_and_pausing_shows_everywhere() {
    let home = Home::new();
    let child = home
        .command("2024-10-01T00:00:00Z")
        .args(["--headless", "--source", "replay", "--speed", "600", "--json", "--web"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("cst starts");
    let mut running = Running(child);
    let mut lines = BufReader::new(running.0.stdout.take().expect("stdout")).lines();
    let services = lines
        .by_ref()
        .map(|l| serde_json::from_str::<Value>(&l.expect("a line")).expect("JSON"))
        .find(|l| l["type"] == "state" && l["state"] == "RUNNING")
        .expect("it runs")["services"]
        .clone();
    // Keep reading, or the pipe fills up.
    std::thread::spawn(move || lines.for_each(drop));
    let host = |name: &str| {
        let url = services[name].as_str().expect("an address").trim_start_matches("http://").to_owned();
        url.split('/').next().expect("a host").to_owned()
    };
    let (api, metrics, web) = (host("api"), host("metrics"), host("web"));

    let health = json(&api, "/health");
    assert!(["ok", "degraded"].contains(&health["status"].as_str().expect("a status")), "{health}");
    assert!((0.0..=1.0).contains(&health["score"].as_f64().expect("a score")));
    until("ready", || http(&api, "GET", "/health/ready").0 == 200);
    assert_eq!(http(&api, "GET", "/health/live").0, 200);
    assert!(json(&api, "/health/detailed").is_object());
    assert_eq!(http(&api, "GET", "/api/docs/").0, 200);
    let openapi = json(&api, "/api/openapi.json");
    for path in
        ["/health", "/api/v1/agents", "/api/v1/decisions", "/api/v1/positions", "/api/v1/portfolio", "/api/v1/signals"]
    {
        assert!(!openapi["paths"][path].is_null(), "{path} is documented");
        assert_eq!(http(&api, "GET", path).0, 200, "{path}");
    }
    assert_eq!(http(&web, "GET", "/").0, 200);
    assert!(metric(&metrics, "cst_cycles_total") || metric(&metrics, "cst_cycle"), "cycles are counted");

    assert_eq!(http(&api, "POST", "/api/v1/agents/wizard/pause").0, 404);
    assert!(http(&api, "POST", "/api/v1/agents/whale-detector/pause").0 < 300);
    until("paused", || state_of(&api, "whale-detector") == "Paused");
    until("paused in the metrics", || metric(&metrics, "cst_agent_state{agent=\"whale-detector\",state=\"Paused\"} 1"));
    assert!(http(&api, "POST", "/api/v1/agents/whale-detector/resume").0 < 300);
    until("running", || ["Running", "Processing"].contains(&state_of(&api, "whale-detector").as_str()));
}
