//! The Prometheus registry, fed with snapshots. Every label comes from a closed list (agents, states, reasons, accounts) or from the
//! watchlist, so the number of series is bounded. What is unknown has no series; it is never exported as 0.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{GaugeVec, IntCounterVec, Opts, Registry, TextEncoder};

use super::logs::TelemetryError;
use super::process::ProcessCollector;
use crate::domain::account::AccountId;
use crate::domain::agent::AgentState;
use crate::domain::alert::Severity;
use crate::domain::decision::BlockReason;
use crate::domain::link::LinkView;
use crate::domain::quality::{DataKind, PairQuality, TrustState};
use crate::domain::snapshot::{
    AccountSummary, AgentView, Mode, ModelView, PairView, PipelineView, Snapshot, SystemState,
};
use crate::domain::time::UtcMs;

/// Most pairs that get a series of their own.
const PAIRS_MAX: usize = 64;

/// The registry and its text form.
pub struct Metrics {
    registry: Registry,
    board: Mutex<Board>,
}

impl Metrics {
    /// # Errors
    /// [`TelemetryError::Metrics`] when a collector can't be registered.
    pub fn new() -> Result<Self, TelemetryError> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::new()?))?;
        let board = Mutex::new(Board::new(registry.clone())?);
        Ok(Self { registry, board })
    }

    /// Takes the figures of a snapshot. One that is not newer than the last is ignored.
    pub fn update(&self, snapshot: &Snapshot) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        let version = (snapshot.started, snapshot.version);
        if board.newest.is_some_and(|newest| newest >= version) {
            return;
        }
        board.newest = Some(version);
        board.clear_gauges();
        system(&mut board, snapshot);
        for agent in &snapshot.agents {
            self::agent(&mut board, agent);
        }
        pipeline(&mut board, &snapshot.pipeline);
        if let Some(link) = &snapshot.link {
            self::link(&mut board, link);
        }
        funnel(&mut board, snapshot);
        for (id, account) in AccountId::ALL.into_iter().zip([&snapshot.main, &snapshot.shadow]) {
            if let Some(account) = account {
                self::account(&mut board, id.as_str(), account);
            }
        }
        quality(&mut board, snapshot);
        models(&mut board, &snapshot.models);
        let clock = if snapshot.source.kind == "replay" { snapshot.at } else { snapshot.wall };
        for pair in snapshot.pairs.iter().take(PAIRS_MAX) {
            data_age(&mut board, pair, clock);
        }
    }

    /// All metrics in Prometheus' text format (version 0.0.4).
    #[must_use]
    pub fn render(&self) -> String {
        // Between the clearing and the setting of gauges nobody looks.
        let _board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        let text = TextEncoder::new().encode_to_string(&self.registry.gather());
        text.unwrap_or_else(|e| format!("# the metrics could not be written: {}\n", e.to_string().replace('\n', " ")))
    }
}

/// The metric families, made when they are first used.
struct Board {
    registry: Registry,
    gauges: BTreeMap<&'static str, GaugeVec>,
    counters: BTreeMap<&'static str, IntCounterVec>,
    /// Last total seen of each mirrored counter.
    seen: BTreeMap<(&'static str, Vec<String>), u64>,
    refused: prometheus::IntCounter,
    /// Start of the process and version of the newest snapshot.
    newest: Option<(UtcMs, u64)>,
}

impl Board {
    fn new(registry: Registry) -> Result<Self, prometheus::Error> {
        let refused = prometheus::IntCounter::new(
            "cst_metrics_refused_total",
            "Samples that the registry refused; always 0 unless the program has a defect",
        )?;
        registry.register(Box::new(refused.clone()))?;
        Ok(Self {
            registry,
            gauges: BTreeMap::new(),
            counters: BTreeMap::new(),
            seen: BTreeMap::new(),
            refused,
            newest: None,
        })
    }

    /// What the next snapshot does not know must not linger.
    fn clear_gauges(&self) {
        self.gauges.values().for_each(GaugeVec::reset);
    }

    fn gauge(&mut self, name: &'static str, help: &str, labels: &[(&str, &str)], value: f64) {
        if let Err(_refusal) = self.try_gauge(name, help, labels, value) {
            self.refused.inc();
        }
    }

    fn try_gauge(
        &mut self,
        name: &'static str,
        help: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) -> Result<(), prometheus::Error> {
        let (names, values) = split(labels);
        let family = match self.gauges.entry(name) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let family = GaugeVec::new(Opts::new(name, help), &names)?;
                self.registry.register(Box::new(family.clone()))?;
                entry.insert(family)
            }
        };
        family.get_metric_with_label_values(&values)?.set(value);
        Ok(())
    }

    /// One series per word, 1 for the one that holds.
    fn one_hot<'a>(
        &mut self,
        name: &'static str,
        help: &str,
        fixed: &[(&str, &str)],
        label: &str,
        words: impl IntoIterator<Item = (&'a str, bool)>,
    ) {
        for (word, holds) in words {
            let labels: Vec<_> = fixed.iter().copied().chain([(label, word)]).collect();
            self.gauge(name, help, &labels, f64::from(u8::from(holds)));
        }
    }

    /// Mirrors a total that somebody else counts. It never falls: a total that begins anew is added on top.
    fn counter(&mut self, name: &'static str, help: &str, labels: &[(&str, &str)], total: u64) {
        if let Err(_refusal) = self.try_counter(name, help, labels, total) {
            self.refused.inc();
        }
    }

    fn try_counter(
        &mut self,
        name: &'static str,
        help: &str,
        labels: &[(&str, &str)],
        total: u64,
    ) -> Result<(), prometheus::Error> {
        let (names, values) = split(labels);
        let family = match self.counters.entry(name) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let family = IntCounterVec::new(Opts::new(name, help), &names)?;
                self.registry.register(Box::new(family.clone()))?;
                entry.insert(family)
            }
        };
        let metric = family.get_metric_with_label_values(&values)?;
        let key = (name, values.iter().map(|value| (*value).to_owned()).collect());
        let before = self.seen.insert(key, total).unwrap_or(0);
        metric.inc_by(total.checked_sub(before).unwrap_or(total));
        Ok(())
    }
}

fn split<'a>(labels: &[(&'a str, &'a str)]) -> (Vec<&'a str>, Vec<&'a str>) {
    labels.iter().copied().unzip()
}

fn system(board: &mut Board, s: &Snapshot) {
    board.gauge("cst_build_info", "The running version", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let states = SYSTEM_STATES.map(|state| (state_name(state), state == s.state));
    board.one_hot("cst_system_state", "What the system is doing: 1 for the state it is in", &[], "state", states);
    let modes = [("paper", s.mode == Mode::Paper), ("live", s.mode == Mode::Live)];
    board.one_hot("cst_mode", "Paper or live: 1 for the one that holds", &[], "mode", modes);
    board.counter("cst_cycles_total", "Analysis cycles", &[], s.cycle);
    board.gauge("cst_snapshot_timestamp_seconds", "Wall-clock time of the newest snapshot", &[], seconds(s.wall));
    board.gauge("cst_data_timestamp_seconds", "Data time of the newest snapshot", &[], seconds(s.at));
    board.gauge("cst_start_timestamp_seconds", "Wall-clock time of the start", &[], seconds(s.started));
    board.counter("cst_lost_total", "Log lines, notices and journal rows lost to a full channel", &[], s.lost);
    if let Some(bytes) = s.memory {
        board.gauge("cst_memory_resident_bytes", "Resident memory", &[], bytes as f64);
    }
    if let Some(share) = s.cpu {
        board.gauge("cst_cpu_ratio", "Share of one core in use", &[], share);
    }
    for (severity, name) in [(Severity::Info, "info"), (Severity::Warning, "warning"), (Severity::Critical, "critical")]
    {
        let open = s.open_alerts().filter(|alert| alert.severity == severity).count();
        board.gauge("cst_alerts_open", "Alerts that nobody has acknowledged", &[("severity", name)], open as f64);
    }
    for name in ["api", "metrics", "web"] {
        if let Some(service) = s.services.iter().find(|service| service.name == name) {
            let up = f64::from(u8::from(service.up));
            board.gauge("cst_service_up", "Whether a service listens", &[("service", name)], up);
        }
    }
}

fn link(board: &mut Board, link: &LinkView) {
    let to = if link.real { "kraken" } else { "stand-in" };
    let open = link.connections.iter().filter(|c| c.state == "open").count();
    board.gauge("cst_link_connections_open", "Open sockets of the market data link", &[("to", to)], open as f64);
    let doubtful = link.doubtful().count();
    board.gauge("cst_link_pairs_unproven", "Pairs whose data the link cannot vouch for", &[], doubtful as f64);
    for (name, help, total) in [
        ("cst_link_frames_total", "Frames received", link.frames),
        ("cst_link_bad_frames_total", "Frames that could not be read", link.bad_frames),
        ("cst_link_unknown_frames_total", "Frames of a kind this program does not know", link.unknown_frames),
        ("cst_link_reconnects_total", "Reconnects", link.reconnects),
        ("cst_link_checksum_faults_total", "Books whose checksum was wrong", link.checksum_faults),
        ("cst_link_resyncs_total", "Feeds of one symbol that were taken anew", link.resyncs),
        ("cst_link_gaps_refilled_total", "Gaps in the trades that were refilled", link.gaps_refilled),
    ] {
        board.counter(name, help, &[], total);
    }
    if let Some(skew) = link.skew_ms {
        board.gauge("cst_link_clock_skew_seconds", "Exchange clock minus ours", &[], skew as f64 / 1_000.0);
    }
    for budget in &link.budgets {
        let share = if budget.max > 0.0 { budget.used / budget.max } else { 0.0 };
        board.gauge(
            "cst_link_budget_ratio",
            "Used share of a limit of the exchange",
            &[("limit", &budget.name)],
            share,
        );
    }
}

const SYSTEM_STATES: [SystemState; 10] = [
    SystemState::Starting,
    SystemState::Training,
    SystemState::WarmingUp,
    SystemState::Running,
    SystemState::Paused,
    SystemState::Held,
    SystemState::Halted,
    SystemState::Ended,
    SystemState::Stopping,
    SystemState::Failed,
];

const fn state_name(state: SystemState) -> &'static str {
    match state {
        SystemState::Starting => "starting",
        SystemState::Training => "training",
        SystemState::WarmingUp => "warming_up",
        SystemState::Running => "running",
        SystemState::Paused => "paused",
        SystemState::Held => "held",
        SystemState::Halted => "halted",
        SystemState::Ended => "ended",
        SystemState::Stopping => "stopping",
        SystemState::Failed => "failed",
    }
}

fn agent(board: &mut Board, a: &AgentView) {
    let who = [("agent", a.kind.as_str())];
    let states = AgentState::ALL.map(|state| (state.as_str(), state == a.state));
    board.one_hot("cst_agent_state", "State of an agent: 1 for the state it is in", &who, "state", states);
    let breakers = ["closed", "open", "half-open"].map(|state| (state, state == a.breaker));
    board.one_hot("cst_agent_breaker", "Breaker of an agent: 1 for the state it is in", &who, "state", breakers);
    board.counter("cst_agent_processed_total", "Messages an agent has handled", &who, a.processed);
    board.counter("cst_agent_errors_total", "Messages an agent failed on", &who, a.errors);
    board.counter("cst_agent_retries_total", "Tries after a failure", &who, a.retries);
    board.counter("cst_agent_timeouts_total", "Messages that took an agent too long", &who, a.timeouts);
    board.counter("cst_agent_restarts_total", "Restarts of an agent", &who, a.restarts);
    board.counter("cst_agent_dropped_total", "Messages refused because the mailbox was full", &who, a.dropped);
    board.gauge("cst_agent_mailbox_messages", "Messages that wait", &who, f64::from(a.mailbox));
    let capacity = f64::from(a.mailbox_capacity);
    board.gauge("cst_agent_mailbox_capacity_messages", "Messages that can wait", &who, capacity);
    board.gauge("cst_agent_busy_ratio", "Busy share of the last minute", &who, a.busy);
    for (quantile, ms) in [("0.5", a.p50_ms), ("0.95", a.p95_ms)] {
        if let Some(ms) = ms {
            let labels = [("agent", a.kind.as_str()), ("quantile", quantile)];
            board.gauge("cst_agent_duration_seconds", "Duration of an agent's last 256 runs", &labels, ms / 1_000.0);
        }
    }
}

fn pipeline(board: &mut Board, p: &PipelineView) {
    board.counter("cst_pipeline_ingested_total", "Rows that arrived", &[], p.ingested);
    board.counter("cst_pipeline_accepted_total", "Rows that passed every check", &[], p.accepted);
    for kind in DataKind::ALL {
        for reason in kind.reasons() {
            let count = p.rejected.get(&kind).and_then(|reasons| reasons.get(reason)).copied().unwrap_or(0);
            let labels = [("kind", kind.as_str()), ("reason", reason.as_str())];
            board.counter("cst_pipeline_rejected_total", "Rows that were quarantined", &labels, count);
        }
    }
    let lost = "Quarantine records that could not be written";
    board.counter("cst_quarantine_lost_total", lost, &[], p.quarantine_lost);
    for pair in p.pairs.iter().take(PAIRS_MAX) {
        trust(board, pair);
    }
    board.counter("cst_pipeline_holes_total", "Holes found in the data", &[], p.holes);
    board.counter("cst_pipeline_frames_total", "Frames made", &[], p.frames);
    board.counter("cst_pipeline_frames_complete_total", "Frames that were complete", &[], p.frames_complete);
}

/// How good the data of a pair are.
fn trust(board: &mut Board, q: &PairQuality) {
    let who = [("pair", q.pair.as_str())];
    let states = TrustState::ALL.map(|state| (state.as_str(), state == q.trust.state));
    board.one_hot("cst_data_trust_state", "Trust in a pair's data: 1 for the state it is in", &who, "state", states);
    if let Some(share) = q.completeness() {
        board.gauge("cst_data_completeness_ratio", "Share of the bars of 24 hours that are there", &who, share);
    }
    board.counter("cst_data_holes_total", "Holes found in a pair's data", &who, q.holes);
    board.counter("cst_data_rejected_total", "Rows of a pair that were quarantined", &who, q.rejected);
    let o = &q.outliers;
    for (fate, n) in
        [("flagged", o.flagged), ("confirmed", o.confirmed), ("contradicted", o.contradicted), ("settled", o.settled)]
    {
        let labels = [("pair", q.pair.as_str()), ("fate", fate)];
        board.counter("cst_data_outliers_total", "Outliers by what became of them", &labels, n);
    }
}

fn funnel(board: &mut Board, s: &Snapshot) {
    board.counter("cst_signals_total", "Signals that entered the decision tree", &[], s.funnel.signals);
    board.counter("cst_signals_passed_total", "Signals that became an order of the main account", &[], s.funnel.passed);
    board.counter("cst_signals_shadow_total", "Signals that only the gate blocked", &[], s.funnel.shadow);
    for reason in BlockReason::ALL {
        let count = s.funnel.blocked.get(&reason).copied().unwrap_or(0);
        board.counter("cst_signals_blocked_total", "Signals that were blocked", &[("reason", reason.as_str())], count);
    }
    board.gauge("cst_gate_confidence_ratio", "Confidence that a signal must exceed", &[], s.gate);
}

fn account(board: &mut Board, id: &'static str, a: &AccountSummary) {
    let which = [("account", id)];
    board.counter("cst_orders_total", "Orders sent", &which, a.state.orders_total);
    board.counter("cst_fills_total", "Fills booked", &which, a.state.fills);
    board.counter("cst_trades_closed_total", "Trades that ended", &which, a.state.trades_closed);
    board.counter("cst_trades_won_total", "Trades that ended with a net profit", &which, a.state.trades_won);
    for (name, help, amount) in [
        ("cst_equity_usd", "Equity at current prices", a.equity),
        ("cst_cash_usd", "Cash", a.state.cash),
        ("cst_realised_pnl_usd", "Profit and loss of closed trades, net of fees", a.state.realised),
        ("cst_unrealised_pnl_usd", "Profit and loss of open positions", a.unrealised),
        ("cst_day_pnl_usd", "Profit and loss of the UTC day", a.day_pnl),
        ("cst_fees_usd", "Fees paid", a.state.fees),
    ] {
        board.gauge(name, help, &which, amount.to_f64());
    }
    board.gauge("cst_exposure_ratio", "Gross exposure over equity", &which, a.exposure);
    board.gauge("cst_drawdown_ratio", "Fall from the highest equity", &which, a.drawdown);
    board.gauge("cst_max_drawdown_ratio", "Largest fall from the highest equity", &which, a.state.max_drawdown);
    board.gauge("cst_positions", "Open positions", &which, a.state.positions.len() as f64);
}

fn quality(board: &mut Board, s: &Snapshot) {
    board.gauge("cst_health_score_ratio", "Health of the whole, 0 to 1", &[], s.health_score);
    if let Some(brier) = s.brier {
        board.gauge("cst_brier_ratio", "Brier score of matured decisions", &[], brier);
    }
    if let Some(ece) = s.ece {
        board.gauge("cst_calibration_error_ratio", "Expected calibration error of matured decisions", &[], ece);
    }
    board.counter("cst_matured_decisions_total", "Decisions whose outcome is known", &[], s.matured);
    let go = s.gates.iter().filter(|gate| gate.go).count();
    for (verdict, count) in [("go", go), ("no_go", s.gates.len() - go)] {
        board.gauge("cst_go_gates", "GO/NO-GO gates by verdict", &[("verdict", verdict)], count as f64);
    }
}

/// In a replay data age by their own clock, live by the wall's: a source that fell silent must look old.
/// The models in use; the figures of one that nothing has matured of are left out.
fn models(board: &mut Board, models: &[ModelView]) {
    for model in models {
        let horizon = model.horizon.to_string();
        let labels = [("horizon", horizon.as_str())];
        let Some(live) = &model.live else { continue };
        let rung = f64::from(live.drift.action.rung());
        board.gauge("cst_model_drift_rung", "Rung of the drift ladder: 0 none, 4 NO-GO", &labels, rung);
        board.gauge(
            "cst_model_waiting",
            "Followed predictions without an outcome yet",
            &labels,
            f64::from(live.waiting),
        );
        if let Some(ece) = live.ece {
            board.gauge("cst_model_calibration_error_ratio", "Calibration error of what matured", &labels, ece);
        }
        if let Some(coverage) = live.coverage {
            board.gauge("cst_model_coverage_ratio", "Share of the latest 80 % intervals that held", &labels, coverage);
        }
    }
}

fn data_age(board: &mut Board, pair: &PairView, clock: UtcMs) {
    if let Some(at) = pair.last_at {
        let age = clock.since(at) as f64 / 1_000.0;
        board.gauge("cst_data_age_seconds", "Age of the newest source bar", &[("pair", pair.pair.as_str())], age);
    }
}

fn seconds(at: UtcMs) -> f64 {
    at.0 as f64 / 1_000.0
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
