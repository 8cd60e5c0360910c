//! The page and its summary over a real socket.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{PAGE, RunningWeb, WebError, WebOptions, start};
use crate::domain::alert::{Alert, Severity};
use crate::domain::snapshot::{Snapshot, SourceView, SystemState};
use crate::domain::time::UtcMs;
use crate::orchestrator::Ports;
use crate::orchestrator::handle::connect;

const OPTIONS: WebOptions = WebOptions { bind: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0 };

async fn serve(snapshot: Snapshot) -> (RunningWeb, Ports, reqwest::Client, CancellationToken) {
    let (handle, ports) = connect();
    ports.snapshots.send_replace(Arc::new(snapshot));
    let shutdown = CancellationToken::new();
    let web = start(handle, OPTIONS, shutdown.clone()).await.expect("a free port");
    // The second test to come here finds a provider installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().expect("a client");
    (web, ports, client, shutdown)
}

#[tokio::test]
async fn the_page_is_whole_in_itself() {
    let (web, _ports, client, _) = serve(Snapshot::default()).await;
    let page = client.get(format!("http://{}/", web.address)).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.text().await.unwrap(), PAGE);
    // The one address in it is a name of the SVG standard, which is never fetched.
    let addresses = PAGE.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!addresses.contains(outside), "{outside}");
    }
    for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=", " onclick"] {
        assert!(!PAGE.contains(markup), "{markup}");
    }
}

#[tokio::test]
async fn the_summary_says_what_it_is() {
    let alert = Alert {
        id: 1,
        at: UtcMs(1_000),
        severity: Severity::Critical,
        class: None,
        source: "test".into(),
        text: "<b>bold</b>".into(),
        acknowledged: false,
    };
    let snapshot = Snapshot {
        version: 7,
        state: SystemState::Running,
        source: SourceView { kind: "replay".into(), ..SourceView::default() },
        alerts: vec![alert],
        ..Snapshot::default()
    };
    let (web, ports, client, _) = serve(snapshot).await;
    let get = || async {
        let answer = client.get(format!("http://{}/api/snapshot", web.address)).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    let body = get().await;
    assert_eq!(
        (&body["mode"], &body["source"]["kind"], &body["state"]),
        (&"PAPER".into(), &"replay".into(), &"RUNNING".into())
    );
    assert_eq!((&body["version"], &body["gone"]), (&7.into(), &false.into()));
    for unknown in ["at", "health", "main", "shadow"] {
        assert_eq!(body[unknown], Value::Null, "{unknown} is not known yet");
    }
    assert_eq!(
        (&body["alerts"][0]["severity"], &body["alerts"][0]["text"]),
        (&"critical".into(), &"<b>bold</b>".into())
    );
    drop(ports);
    let gone = async {
        while get().await["gone"] == false {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("it is noticed");
}

#[tokio::test]
async fn it_serves_nothing_else_and_changes_nothing() {
    let (web, _ports, client, shutdown) = serve(Snapshot::default()).await;
    let url = |path: &str| format!("http://{}{path}", web.address);
    assert_eq!(client.get(url("/api/v1/agents")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(client.post(url("/api/snapshot")).send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    let rebound = client.get(url("/api/snapshot")).header("host", "evil.example").send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::FORBIDDEN);
    assert_eq!(web.view().name, "web");
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(20), web.stopped()).await.expect("it ends");
}

#[tokio::test]
async fn a_taken_port_names_the_setting() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = start(connect().0, WebOptions { port, ..OPTIONS }, CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, WebError::PortTaken { .. }) && error.to_string().contains("--set services.web_port="));
}
