use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::domain::account::AccountState;
use crate::domain::agent::AgentKind;
use crate::domain::alert::Alert;
use crate::domain::event::GoNoGo;
use crate::domain::market::RejectReason;
use crate::domain::money::Money;
use crate::domain::pair::{Interval, Venue};
use crate::domain::snapshot::{ServiceView, SourceView};

fn agent_view(kind: AgentKind) -> AgentView {
    AgentView {
        kind,
        state: AgentState::Running,
        since: UtcMs(0),
        pending: None,
        mailbox: 3,
        mailbox_capacity: 64,
        dropped: 1,
        processed: 10,
        errors: 2,
        retries: 4,
        timeouts: 5,
        restarts: 6,
        breaker: "half-open".to_owned(),
        last_run: None,
        p50_ms: Some(12.0),
        p95_ms: None,
        busy: 0.25,
        last_input: String::new(),
        last_output: String::new(),
        last_error: None,
        transitions: Vec::new(),
    }
}

fn account_summary(id: AccountId) -> AccountSummary {
    let money = |text: &str| Money(text.parse().unwrap());
    AccountSummary {
        id,
        state: AccountState {
            id,
            initial_cash: money("100000"),
            cash: money("90000.25"),
            positions: BTreeMap::new(),
            orders: Vec::new(),
            realised: money("-12.5"),
            fees: money("3.75"),
            fills: 8,
            orders_total: 9,
            trades_closed: 4,
            trades_won: 1,
            consecutive_losses: 0,
            last_loss: None,
            peak_equity: money("100000"),
            max_drawdown: 0.08,
            day: UtcMs(0),
            day_start_equity: money("100000"),
            week_equity: Vec::new(),
            next_fill: 9,
        },
        marks: BTreeMap::new(),
        equity: money("99000.5"),
        unrealised: money("7"),
        day_pnl: money("-20"),
        drawdown: 0.01,
        exposure: 0.1,
        equity_curve: Arc::default(),
        recent_orders: Arc::default(),
        recent_fills: Arc::default(),
        recent_outcomes: Arc::default(),
    }
}

fn pair_view(name: &str, last_at: Option<UtcMs>) -> PairView {
    PairView {
        pair: name.parse().unwrap(),
        venue: Venue::Kraken,
        interval: Interval::M5,
        price_decimals: 1,
        last: None,
        last_at,
        change_24h: None,
        bars: Arc::default(),
        source_bars: Arc::default(),
        quiet_bars: 3,
        regime: None,
        technical: None,
        sentiment: None,
        whale: None,
        predictions: Vec::new(),
        no_predictions: Vec::new(),
        complete: true,
        data_note: None,
        stale: false,
    }
}

fn full(version: u64) -> Snapshot {
    let mut s = Snapshot {
        version,
        at: UtcMs(1_000_000),
        wall: UtcMs(2_000_000),
        started: UtcMs(500_000),
        state: SystemState::WarmingUp,
        source: SourceView { kind: "replay".to_owned(), ..SourceView::default() },
        gate: 0.8,
        cycle: 5,
        agents: AgentKind::ALL.map(agent_view).to_vec(),
        main: Some(account_summary(AccountId::Main)),
        shadow: Some(account_summary(AccountId::Shadow)),
        pairs: vec![pair_view("BTC/USD", Some(UtcMs(940_000))), pair_view("ETH/USD", None)],
        health_score: 0.9,
        brier: Some(0.2),
        ece: Some(0.03),
        matured: 40,
        lost: 2,
        memory: Some(1_048_576),
        cpu: Some(0.5),
        services: vec![ServiceView { name: "api".to_owned(), address: String::new(), up: true, note: String::new() }],
        gates: vec![GoNoGo { name: "g".to_owned(), go: true, value: String::new(), threshold: String::new() }],
        ..Snapshot::default()
    };
    s.pipeline.ingested = 100;
    s.pipeline.rejected.entry(DataKind::Candle).or_default().insert(RejectReason::OffGrid, 3);
    s.funnel.signals = 20;
    s.funnel.blocked.insert(BlockReason::LowConfidence, 15);
    let alert = |acknowledged| Alert {
        id: 1,
        at: UtcMs(0),
        severity: Severity::Critical,
        class: None,
        source: String::new(),
        text: String::new(),
        acknowledged,
    };
    s.alerts = vec![alert(false), alert(true)];
    s
}

/// Samples `name{labels} → value` of an exposition. Panics on anything that is not valid text format 0.0.4.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut types = BTreeMap::new();
    let mut family = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            assert!(help.split_once(' ').is_some_and(|(name, text)| is_name(name) && !text.is_empty()), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(is_name(name) && matches!(kind, "gauge" | "counter"), "{line}");
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "family twice: {line}");
            family = name.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            assert_eq!(name, family, "{line}");
            if let Some(labels) = series.strip_prefix(name).filter(|rest| !rest.is_empty()) {
                let labels = labels.strip_prefix('{').and_then(|l| l.strip_suffix('}')).unwrap();
                for label in labels.split(',') {
                    let (label, value) = label.split_once('=').unwrap();
                    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap();
                    assert!(is_name(label) && !inner.contains(['"', '\\', '\n']), "{line}");
                }
            }
            let value: f64 = value.parse().unwrap();
            assert!(samples.insert(series.to_owned(), value).is_none(), "series twice: {line}");
            assert!(types[name] != "counter" || value >= 0.0, "{line}");
        }
    }
    for (name, kind) in &types {
        assert!(name.starts_with("cst_") || name.starts_with("process_"), "{name}");
        assert!(!name.starts_with("cst_") || (kind == "counter") == name.ends_with("_total"), "{name} is a {kind}");
    }
    samples
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn rendered(snapshots: &[Snapshot]) -> BTreeMap<String, f64> {
    let metrics = Metrics::new().unwrap();
    snapshots.iter().for_each(|s| metrics.update(s));
    samples(&metrics.render())
}

#[test]
fn a_snapshot_becomes_samples() {
    let found = rendered(&[full(1)]);
    for (series, value) in [
        (concat!("cst_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
        ("cst_system_state{state=\"warming_up\"}", 1.0),
        ("cst_system_state{state=\"running\"}", 0.0),
        ("cst_mode{mode=\"paper\"}", 1.0),
        ("cst_mode{mode=\"live\"}", 0.0),
        ("cst_cycles_total", 5.0),
        ("cst_agent_state{agent=\"sentiment\",state=\"Running\"}", 1.0),
        ("cst_agent_state{agent=\"sentiment\",state=\"Failed\"}", 0.0),
        ("cst_agent_breaker{agent=\"technical\",state=\"half-open\"}", 1.0),
        ("cst_agent_breaker{agent=\"technical\",state=\"closed\"}", 0.0),
        ("cst_agent_processed_total{agent=\"technical\"}", 10.0),
        ("cst_agent_errors_total{agent=\"technical\"}", 2.0),
        ("cst_agent_retries_total{agent=\"technical\"}", 4.0),
        ("cst_agent_timeouts_total{agent=\"technical\"}", 5.0),
        ("cst_agent_restarts_total{agent=\"technical\"}", 6.0),
        ("cst_agent_dropped_total{agent=\"technical\"}", 1.0),
        ("cst_agent_mailbox_messages{agent=\"technical\"}", 3.0),
        ("cst_agent_duration_seconds{agent=\"technical\",quantile=\"0.5\"}", 0.012),
        ("cst_pipeline_ingested_total", 100.0),
        ("cst_pipeline_rejected_total{kind=\"candle\",reason=\"off_grid\"}", 3.0),
        ("cst_pipeline_rejected_total{kind=\"candle\",reason=\"in_future\"}", 0.0),
        ("cst_signals_total", 20.0),
        ("cst_signals_blocked_total{reason=\"low_confidence\"}", 15.0),
        ("cst_gate_confidence_ratio", 0.8),
        ("cst_orders_total{account=\"main\"}", 9.0),
        ("cst_fills_total{account=\"shadow\"}", 8.0),
        ("cst_equity_usd{account=\"main\"}", 99_000.5),
        ("cst_cash_usd{account=\"main\"}", 90_000.25),
        ("cst_realised_pnl_usd{account=\"main\"}", -12.5),
        ("cst_day_pnl_usd{account=\"main\"}", -20.0),
        ("cst_exposure_ratio{account=\"main\"}", 0.1),
        ("cst_drawdown_ratio{account=\"main\"}", 0.01),
        ("cst_health_score_ratio", 0.9),
        ("cst_brier_ratio", 0.2),
        ("cst_calibration_error_ratio", 0.03),
        ("cst_data_age_seconds{pair=\"BTC/USD\"}", 60.0),
        ("cst_alerts_open{severity=\"critical\"}", 1.0),
        ("cst_alerts_open{severity=\"info\"}", 0.0),
        ("cst_go_gates{verdict=\"go\"}", 1.0),
        ("cst_service_up{service=\"api\"}", 1.0),
        ("cst_lost_total", 2.0),
        ("cst_memory_resident_bytes", 1_048_576.0),
        ("cst_cpu_ratio", 0.5),
        ("cst_metrics_refused_total", 0.0),
    ] {
        assert_eq!(found.get(series), Some(&value), "{series}");
    }
    #[cfg(target_os = "linux")]
    assert!(found.contains_key("process_resident_memory_bytes"));
}

#[test]
fn the_unknown_has_no_series() {
    let mut later = full(2);
    later.brier = None;
    later.ece = None;
    later.memory = None;
    later.cpu = None;
    later.shadow = None;
    later.agents[0].p50_ms = None;
    later.pairs.remove(0);
    let found = rendered(&[full(1), later]);
    for gone in [
        "cst_brier_ratio",
        "cst_calibration_error_ratio",
        "cst_memory_resident_bytes",
        "cst_cpu_ratio",
        "cst_equity_usd{account=\"shadow\"}",
        "cst_agent_duration_seconds{agent=\"data-collector\",quantile=\"0.5\"}",
        "cst_data_age_seconds{pair=\"BTC/USD\"}",
        "cst_data_age_seconds{pair=\"ETH/USD\"}",
    ] {
        assert!(!found.contains_key(gone), "{gone}");
    }
    assert!(found.contains_key("cst_equity_usd{account=\"main\"}"));
    // A counter stays: it must never fall.
    assert_eq!(found.get("cst_fills_total{account=\"shadow\"}"), Some(&8.0));
}

#[test]
fn counters_follow_totals_and_never_fall() {
    let metrics = Metrics::new().unwrap();
    let mut after = Vec::new();
    for (version, total) in [(1, 5), (2, 9), (2, 100), (1, 100), (3, 9), (4, 2), (5, 3)] {
        metrics.update(&Snapshot { cycle: total, ..full(version) });
        after.push(samples(&metrics.render())["cst_cycles_total"]);
    }
    // An old snapshot is ignored; a total that begins anew (2 after 9) is added on top.
    assert_eq!(after, [5.0, 9.0, 9.0, 9.0, 9.0, 11.0, 12.0]);
}

#[test]
fn a_silent_live_source_looks_old() {
    let live = Snapshot { source: SourceView { kind: "kraken".to_owned(), ..SourceView::default() }, ..full(1) };
    assert_eq!(rendered(&[live]).get("cst_data_age_seconds{pair=\"BTC/USD\"}"), Some(&1_060.0));
}

#[test]
fn series_are_bounded_whatever_the_texts_say() {
    let base: BTreeSet<String> = rendered(&[full(1)]).into_keys().collect();
    let mut snapshots = vec![full(1)];
    for version in 2..40 {
        let mut s = full(version);
        s.note = Some(format!("note {version}"));
        s.gates[0].name = format!("gate {version}");
        s.alerts[0].source = format!("source {version}");
        for agent in &mut s.agents {
            agent.breaker = format!("state {version}");
            agent.last_error = Some(format!("error {version}"));
        }
        s.services.push(ServiceView {
            name: format!("s{version}"),
            address: String::new(),
            up: true,
            note: String::new(),
        });
        s.version = version;
        snapshots.push(s);
    }
    let many: BTreeSet<String> = rendered(&snapshots).into_keys().collect();
    assert_eq!(base, many);
    let mut wide = full(1);
    wide.pairs = (0..200).map(|n| pair_view(&format!("A{n:03}/USD"), Some(UtcMs(0)))).collect();
    let ages = rendered(&[wide]).into_keys().filter(|series| series.starts_with("cst_data_age_seconds")).count();
    assert_eq!(ages, PAIRS_MAX);
}

#[test]
fn before_the_first_snapshot_there_is_a_valid_empty_page() {
    let found = rendered(&[]);
    assert_eq!(found.get("cst_metrics_refused_total"), Some(&0.0));
}

#[test]
fn every_system_state_has_its_own_name() {
    let names: BTreeSet<_> = SYSTEM_STATES.map(state_name).into_iter().collect();
    assert_eq!(names.len(), SYSTEM_STATES.len());
}
