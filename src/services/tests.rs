//! Every route over real sockets on free ports, against a stand-in for the orchestrator.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::picture::full;
use super::{RunningServices, ServiceError, ServiceOptions, start, start_with};
use crate::domain::agent::AgentKind;
use crate::domain::command::{Ack, Command};
use crate::domain::snapshot::Snapshot;
use crate::orchestrator::Ports;
use crate::orchestrator::handle::{Envelope, connect};

fn client() -> reqwest::Client {
    // The second test to come here finds a provider installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    builder.timeout(Duration::from_secs(20)).build().expect("a client")
}

struct Server {
    running: RunningServices,
    shutdown: CancellationToken,
    ports: Option<Ports>,
    client: reqwest::Client,
}

impl Server {
    async fn start(snapshot: Snapshot, token: Option<&str>) -> Self {
        let (handle, ports) = connect();
        ports.snapshots.send_replace(Arc::new(snapshot));
        let shutdown = CancellationToken::new();
        let metrics = Arc::new(|| "# TYPE cst_up gauge\ncst_up 1\n".to_owned());
        let wait = Duration::from_millis(200);
        let running = start_with(handle, metrics, options(token), shutdown.clone(), wait).await.expect("free ports");
        Self { running, shutdown, ports: Some(ports), client: client() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.api)
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        json(self.client.get(self.url(path)).send().await.expect("an answer")).await
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut request = self.client.post(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        json(request.send().await.expect("an answer")).await
    }

    /// Lets a stand-in for the orchestrator answer every command.
    fn answering(&mut self, answer: impl Fn(Command) -> Ack + Send + 'static) {
        let mut ports = self.ports.take().expect("not taken yet");
        tokio::spawn(async move {
            while let Some(Envelope { command, reply, .. }) = ports.commands.recv().await {
                let _ = reply.send(answer(command));
            }
        });
    }
}

fn options(token: Option<&str>) -> ServiceOptions {
    let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
    ServiceOptions { bind, api_port: 0, metrics_port: 0, token: token.map(SecretString::from) }
}

async fn json(response: reqwest::Response) -> (StatusCode, Value) {
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(response.headers()["cache-control"], "no-store");
    (response.status(), response.json().await.expect("JSON"))
}

#[tokio::test]
async fn health_follows_the_score() {
    let server = Server::start(Snapshot::default(), None).await;
    let (status, body) = server.get("/health").await;
    assert_eq!(
        (status, &body["status"], &body["score"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"fail".into(), &Value::Null)
    );
    assert_eq!(server.get("/health/live").await, (StatusCode::OK, serde_json::json!({"live": true})));
    let (status, body) = server.get("/health/ready").await;
    assert_eq!((status, body["reason"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("the system is starting")));

    let publish = |s: Snapshot| server.ports.as_ref().unwrap().snapshots.send_replace(Arc::new(s));
    publish(full());
    let (status, body) = server.get("/health").await;
    assert_eq!((status, &body["status"], &body["score"]), (StatusCode::OK, &"ok".into(), &0.9.into()));
    assert_eq!((&body["state"], &body["at"]), (&"running".into(), &"2024-07-17T12:13:20Z".into()));
    assert_eq!(server.get("/health/ready").await.0, StatusCode::OK);

    publish(Snapshot { health_score: 0.6, ..full() });
    let (status, body) = server.get("/health").await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &"degraded".into()));
    let (_, body) = server.get("/health/detailed").await;
    for part in ["components", "agents", "pipeline", "services", "models", "gates", "status"] {
        assert!(!body[part].is_null(), "{part} is missing");
    }
}

#[tokio::test]
async fn health_fails_when_the_orchestrator_is_gone() {
    let mut server = Server::start(full(), None).await;
    assert_eq!(server.get("/health").await.0, StatusCode::OK);
    drop(server.ports.take());
    let gone = async {
        while server.get("/health").await.0 == StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("it is noticed");
    assert_eq!(server.get("/health").await.1["reason"], "the orchestrator has stopped");
    assert_eq!(server.post("/api/v1/agents/technical/pause", &[]).await.1["error"]["code"], "stopped");
    assert_eq!(server.get("/health/live").await.0, StatusCode::OK);
}

#[tokio::test]
async fn agents_and_signals_are_listed() {
    let server = Server::start(full(), None).await;
    let (status, body) = server.get("/api/v1/agents").await;
    assert_eq!((status, body["agents"].as_array().map(Vec::len)), (StatusCode::OK, Some(8)));
    assert_eq!(body["agents"][2]["name"], "technical");
    assert_eq!(body["agents"][2]["transitions"][0]["trigger"], "successful_startup");
    assert_eq!(body["agents"][2]["p95_ms"], Value::Null);
    let (_, body) = server.get("/api/v1/signals?pair=XBTUSD").await;
    assert_eq!(body["pairs"].as_array().map(Vec::len), Some(1));
    assert_eq!((&body["pairs"][0]["pair"], &body["pairs"][0]["last"]), (&"BTC/USD".into(), &"61000.2".into()));
}

#[tokio::test]
async fn decisions_are_newest_first_and_filtered() {
    let server = Server::start(full(), None).await;
    let (_, body) = server.get("/api/v1/decisions").await;
    assert_eq!((body["decisions"].as_array().map(Vec::len), &body["matching"]), (Some(50), &60.into()));
    assert_eq!(body["decisions"][0]["id"], "D1-60");
    let (_, body) = server.get("/api/v1/decisions?pair=ETH/USD&limit=2").await;
    assert_eq!((&body["decisions"][0]["id"], &body["decisions"][1]["id"]), (&"D1-59".into(), &"D1-57".into()));
    assert_eq!(body["matching"], 30);

    let (status, body) = server.get("/api/v1/decisions/D1-42").await;
    assert_eq!((status, &body["id"], &body["verdict"]), (StatusCode::OK, &"D1-42".into(), &"block".into()));
    assert_eq!((&body["reason"], &body["plan"]["entry"]), (&"low_confidence".into(), &"64000.1".into()));
    assert_eq!((&body["shadow_order"]["shadow"], &body["shadow_order"]["qty"]), (&true.into(), &"0.03125".into()));
    assert_eq!(body["trace"]["steps"][0]["rule"], "> 0.80");
    assert_eq!(body["trace"]["degraded"][0], "sentiment did not answer");
}

#[tokio::test]
async fn bad_questions_get_an_answer_that_helps() {
    let server = Server::start(full(), None).await;
    for (path, status, code) in [
        ("/api/v1/decisions/42", 400, "bad_request"),
        ("/api/v1/decisions/D1-999", 404, "unknown_decision"),
        ("/api/v1/decisions?limit=0", 400, "bad_request"),
        ("/api/v1/decisions?limit=501", 400, "bad_request"),
        ("/api/v1/decisions?limit=many", 400, "bad_request"),
        ("/api/v1/decisions?pair=gold", 400, "bad_request"),
        ("/api/v1/decisions?color=red", 400, "bad_request"),
        ("/api/v2/agents", 404, "unknown_route"),
        ("/", 404, "unknown_route"),
        ("/api/v1/agents/technical/pause", 405, "wrong_method"),
    ] {
        let (got, body) = server.get(path).await;
        assert_eq!((got.as_u16(), body["error"]["code"].as_str()), (status, Some(code)), "{path}");
        assert!(body["error"]["message"].is_string() && body["error"]["hint"].is_string(), "{path}");
    }
    let response = server.client.request(Method::DELETE, server.url("/health")).send().await.unwrap();
    assert_eq!(json(response).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_shadow_account_stands_apart() {
    let server = Server::start(full(), None).await;
    let (_, body) = server.get("/api/v1/portfolio").await;
    assert_eq!((&body["main"]["equity"], &body["main"]["shadow"]), (&"100076.01".into(), &false.into()));
    assert_eq!((&body["shadow"]["equity"], &body["shadow"]["shadow"]), (&"50000".into(), &true.into()));
    assert!(body["shadow"]["note"].as_str().is_some_and(|n| n.contains("never money")));
    assert_eq!((&body["main"]["note"], &body["main"]["day_pnl"]), (&Value::Null, &"-3.5".into()));
    let (_, body) = server.get("/api/v1/positions").await;
    let position = &body["positions"][0];
    assert_eq!((&position["value"], &position["unrealised_before_fees"]), (&"6100.02".into(), &"100.01".into()));
    assert_eq!((&body["shadow"]["shadow"], body["positions"].as_array().map(Vec::len)), (&true.into(), Some(1)));

    let empty = Server::start(Snapshot::default(), None).await;
    let (_, body) = empty.get("/api/v1/portfolio").await;
    assert_eq!((&body["main"], &body["context"]["at"]), (&Value::Null, &Value::Null), "unknown is null, not zero");
}

#[tokio::test]
async fn pause_and_resume_reach_the_orchestrator() {
    let mut server = Server::start(full(), None).await;
    let seen = Arc::new(Mutex::new(vec![]));
    let log = Arc::clone(&seen);
    server.answering(move |command| {
        let refuse = matches!(command, Command::ResumeAgent { .. });
        log.lock().unwrap().push(command);
        if refuse { Ack::Refused { reason: "sentiment is not paused".into() } } else { Ack::Accepted }
    });
    let (status, body) = server.post("/api/v1/agents/ml_predictor/pause", &[]).await;
    assert_eq!(
        (status, &body["ack"], &body["command"]),
        (StatusCode::OK, &"accepted".into(), &"pause ml-predictor".into())
    );
    let (status, body) = server.post("/api/v1/agents/sentiment/resume", &[]).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::CONFLICT, &"refused".into()));
    assert!(body["error"]["message"].as_str().is_some_and(|m| m.ends_with("sentiment is not paused")));
    let (status, body) = server.post("/api/v1/agents/wizard/pause", &[]).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &"unknown_agent".into()));
    let expected =
        [Command::PauseAgent { agent: AgentKind::MlPredictor }, Command::ResumeAgent { agent: AgentKind::Sentiment }];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_slow_or_full_orchestrator_is_told_apart() {
    let server = Server::start(full(), None).await;
    let (status, body) = server.post("/api/v1/agents/technical/pause", &[]).await;
    assert_eq!((status, &body["ack"]), (StatusCode::ACCEPTED, &"pending".into()));
    // Nobody takes the commands: the queue of 64 fills up.
    let path = "/api/v1/agents/technical/pause";
    let posts: Vec<_> = (0..80).map(|_| server.client.post(server.url(path)).send()).collect();
    let statuses: Vec<_> =
        futures_util::future::join_all(posts).await.into_iter().map(|r| r.expect("an answer").status()).collect();
    assert_eq!(statuses.iter().filter(|s| **s == StatusCode::ACCEPTED).count(), 63);
    assert_eq!(statuses.iter().filter(|s| **s == StatusCode::SERVICE_UNAVAILABLE).count(), 17);
}

#[tokio::test]
async fn orders_from_foreign_pages_are_not_taken() {
    let mut server = Server::start(full(), None).await;
    server.answering(|_| Ack::Accepted);
    let path = "/api/v1/agents/technical/pause";
    for headers in [
        [("origin", "https://evil.example")].as_slice(),
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("host", "evil.example:8001")],
    ] {
        let (status, body) = server.post(path, headers).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::FORBIDDEN, &"forbidden".into()), "{headers:?}");
    }
    let own = format!("http://localhost:{}", server.running.api.port());
    assert_eq!(server.post(path, &[("origin", &own)]).await.0, StatusCode::OK);
    // A name rebound to this machine must not read either.
    let rebound = server.client.get(server.url("/api/v1/portfolio")).header("host", "evil.example");
    assert_eq!(rebound.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_guards_what_changes_state() {
    let mut server = Server::start(full(), Some("a long secret")).await;
    server.answering(|_| Ack::Accepted);
    let path = "/api/v1/agents/technical/pause";
    assert_eq!(server.post(path, &[]).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(server.post(path, &[("authorization", "Bearer wrong")]).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(server.post(path, &[("authorization", "Bearer a long secret")]).await.0, StatusCode::OK);
    assert_eq!(server.get("/api/v1/agents").await.0, StatusCode::OK, "reading needs none");
}

#[tokio::test]
async fn beyond_this_machine_a_token_is_required() {
    for token in [None, Some("")] {
        let everywhere = ServiceOptions { bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED), ..options(token) };
        let error = start(connect().0, Arc::new(String::new), everywhere, CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, ServiceError::TokenRequired { .. }), "{error}");
        assert!(error.to_string().contains("services token") && error.to_string().contains("services.bind"));
    }
}

#[tokio::test]
async fn a_taken_port_names_the_setting() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    for (options, setting) in [
        (ServiceOptions { api_port: port, ..options(None) }, "services.api_port"),
        (ServiceOptions { metrics_port: port, ..options(None) }, "services.metrics_port"),
    ] {
        let error = start(connect().0, Arc::new(String::new), options, CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, ServiceError::PortTaken { port: p, .. } if p == port), "{error}");
        assert!(error.to_string().contains(&format!("--set {setting}=")), "{error}");
    }
}

#[tokio::test]
async fn metrics_are_text_and_alone_on_their_port() {
    let server = Server::start(full(), None).await;
    let url = |path: &str| format!("http://{}{path}", server.running.metrics);
    let response = server.client.get(url("/metrics")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(response.text().await.unwrap(), "# TYPE cst_up gauge\ncst_up 1\n");
    for other in ["/", "/health", "/api/v1/agents"] {
        assert_eq!(server.client.get(url(other)).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_description_lists_every_route_and_resolves() {
    let server = Server::start(full(), None).await;
    let (_, api) = server.get("/api/openapi.json").await;
    let paths: Vec<_> = api["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "/api/v1/agents",
            "/api/v1/agents/{name}/pause",
            "/api/v1/agents/{name}/resume",
            "/api/v1/data",
            "/api/v1/decisions",
            "/api/v1/decisions/{id}",
            "/api/v1/portfolio",
            "/api/v1/positions",
            "/api/v1/signals",
            "/health",
            "/health/detailed",
            "/health/live",
            "/health/ready"
        ]
    );
    let text = api.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|s| s.split('"').next()) {
        assert!(api.pointer(reference).is_some(), "{reference} is not described");
    }
}

#[tokio::test]
async fn the_documentation_needs_nothing_from_elsewhere() {
    let server = Server::start(full(), None).await;
    let redirect = server.client.get(server.url("/api/docs")).send().await.unwrap();
    assert_eq!(redirect.headers()["location"], "/api/docs/");
    let page = server.client.get(server.url("/api/docs/")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'self'"), "{policy}");
    let html = page.text().await.unwrap();
    for outside in ["http:", "https:", "src=\"//", "href=\"//"] {
        assert!(!html.contains(outside), "{outside} in {html}");
    }
    assert!(!html.contains("<script>"), "no inline script, which the policy would block");
    for asset in html.split("src=\"./").skip(1).chain(html.split("href=\"./").skip(1)) {
        let name = asset.split('"').next().unwrap();
        let found = server.client.get(server.url(&format!("/api/docs/{name}"))).send().await.unwrap();
        assert_eq!(found.status(), StatusCode::OK, "{name}");
    }
    let setup = server.client.get(server.url("/api/docs/swagger-initializer.js")).send().await.unwrap();
    let setup = setup.text().await.unwrap();
    assert!(setup.contains("/api/openapi.json") && setup.contains("\"validatorUrl\": \"none\""), "{setup}");
    assert!(!setup.contains("http"), "{setup}");
}

#[tokio::test]
async fn a_shutdown_ends_the_services() {
    let server = Server::start(full(), None).await;
    assert_eq!(server.get("/health").await.0, StatusCode::OK);
    let views = server.running.views();
    assert_eq!(views.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["api", "metrics"]);
    assert!(views.iter().all(|v| v.up && v.address.starts_with("http://127.0.0.1:")));
    server.shutdown.cancel();
    let api = server.running.api;
    tokio::time::timeout(Duration::from_secs(20), server.running.stopped()).await.expect("they end");
    assert!(tokio::net::TcpStream::connect(api).await.is_err());
}
