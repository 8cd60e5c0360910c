//! The Health Monitor's brain: grades the system in every cycle, raises what is new, and tells its neighbours how they fare.

use std::collections::VecDeque;

use super::alerts::{self, AlertBook, AlertFinding};
use super::go_no_go;
use super::grades::{self, MIN_MATURED, Reports, agent_score, overconfidence};
use super::performance::{brier, expected_calibration_error};
use crate::domain::agent::{AgentKind, AgentState};
use crate::domain::error::ErrorClass;
use crate::domain::event::{
    Ask, Brain, BrainError, ComponentHealth, Finding, HealthReport, HealthRequest, Reply, Request,
};
use crate::domain::message::{IngestStatus, Message, PeerHealth};
use crate::domain::settings::CoreSettings;

/// Decisions per bin of the calibration error: fewer would measure chance.
const PER_BIN: usize = 15;

/// Ingestion reports kept: holes and refused rows of the last day are one finding, not one an hour.
const REPORTS_KEPT: usize = 24;

/// The Health Monitor. Remembers which findings it has raised and a day of ingestion reports.
#[derive(Debug, Clone)]
pub struct HealthMonitor {
    settings: CoreSettings,
    book: AlertBook,
    day: VecDeque<IngestStatus>,
}

impl HealthMonitor {
    #[must_use]
    pub fn new(core: &CoreSettings) -> Self {
        Self { settings: core.clone(), book: AlertBook::default(), day: VecDeque::new() }
    }

    fn check(&mut self, request: &HealthRequest, reports: &Reports<'_>) -> HealthReport {
        let gate = &self.settings.gate;
        let components = grades::components(request, reports, gate);
        let score = grades::overall(&components);
        let gates = go_no_go::gates(request, reports, gate, &self.settings.pipeline);
        let enough = request.matured.len() >= MIN_MATURED;
        let bins = (request.matured.len() / PER_BIN).clamp(1, 10);
        let findings = self.findings(request, reports, score, &components);
        let raised = self.book.new_ones(findings).into_iter();
        HealthReport {
            score,
            components,
            gates,
            brier: brier(&request.matured).filter(|_| enough),
            ece: expected_calibration_error(&request.matured, bins).filter(|_| enough),
            alerts: raised.map(|f| (f.severity, f.class, f.source, f.text)).collect(),
        }
    }

    /// Everything that is true now.
    fn findings(
        &mut self,
        request: &HealthRequest,
        reports: &Reports<'_>,
        score: f64,
        components: &[ComponentHealth],
    ) -> Vec<AlertFinding> {
        let before = self.day.front().cloned();
        if let Some(now) = reports.ingest {
            self.day.push_back(now.clone());
            if self.day.len() > REPORTS_KEPT {
                self.day.pop_front();
            }
        }
        if request.warmup {
            return Vec::new(); // while windows fill, gaps are no news
        }
        let mut found = alerts::agent_alerts(request);
        found.extend(alerts::risk_alerts(reports));
        found.extend(alerts::calibration_alerts(overconfidence(&request.matured, &self.settings.gate)));
        if let Some(now) = reports.ingest {
            found.extend(alerts::data_alerts(now, before.as_ref()));
        }
        found.extend(alerts::model_alerts(reports));
        let worst = components.iter().min_by(|a, b| a.score.total_cmp(&b.score)).map(|c| c.name.as_str());
        found.extend(alerts::health_alerts(score, self.settings.risk.health_floor, worst));
        found
    }
}

/// How one agent fares: its state as reported; without a report, by whether it sent its own status.
fn peer(request: &HealthRequest, kind: AgentKind, answered: bool) -> PeerHealth {
    let known = request.agents.iter().find(|(k, ..)| *k == kind).map(|(_, state, errors)| (*state, *errors));
    let (state, errors) = known.unwrap_or((if answered { AgentState::Running } else { AgentState::Error }, 0));
    PeerHealth { state, errors, score: agent_score(request, kind) }
}

/// What the neighbours are told, in every cycle.
fn tell(request: &HealthRequest, reports: &Reports<'_>, report: &HealthReport) -> Vec<Message> {
    let data = report.components.iter().find(|c| c.name == "data").map_or(0.0, |c| c.score);
    vec![
        Message::HealthToCollector(data),
        Message::HealthToSentiment(peer(request, AgentKind::Sentiment, reports.sentiment.is_some())),
        Message::HealthToTechnical(peer(request, AgentKind::Technical, reports.technical.is_some())),
        Message::HealthToPredictor(report.brier),
        Message::HealthToRisk(report.score),
        Message::HealthToOptimizer(report.score),
    ]
}

impl Brain for HealthMonitor {
    fn kind(&self) -> AgentKind {
        AgentKind::HealthMonitor
    }

    fn handle(&mut self, ask: &Ask) -> Result<Reply, BrainError> {
        let Request::CheckHealth(request) = &ask.request else {
            return Err(BrainError {
                class: ErrorClass::System,
                text: "the Health Monitor can only check health".to_owned(),
            });
        };
        let (reports, used) = Reports::read(&ask.inbox);
        let report = self.check(request, &reports);
        Ok(Reply {
            cycle: ask.cycle,
            from: AgentKind::HealthMonitor,
            messages: tell(request, &reports, &report),
            finding: Finding::Health(report),
            used,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::account::{AccountId, AccountState};
    use crate::domain::alert::Severity;
    use crate::domain::drift::DriftAction;
    use crate::domain::event::AccountView;
    use crate::domain::event::ModelInUse;
    use crate::domain::message::{AllocationStatus, ModelStatus, RiskUse, WorkStatus};
    use crate::domain::money::Money;
    use crate::domain::plan::Horizon;
    use crate::domain::time::{DAY_MS, UtcMs};

    const AT: UtcMs = UtcMs(100 * DAY_MS);

    fn main_account() -> AccountView {
        let cash = Money(Decimal::from(100_000));
        let state = AccountState {
            id: AccountId::Main,
            initial_cash: cash,
            cash,
            positions: BTreeMap::new(),
            orders: Vec::new(),
            realised: Money::ZERO,
            fees: Money::ZERO,
            fills: 0,
            orders_total: 0,
            trades_closed: 0,
            trades_won: 0,
            consecutive_losses: 0,
            last_loss: None,
            peak_equity: cash,
            max_drawdown: 0.0,
            day: UtcMs(0),
            day_start_equity: cash,
            week_equity: Vec::new(),
            next_fill: 1,
        };
        AccountView {
            state,
            marks: Vec::new(),
            equity: cash,
            day_pnl: Money::ZERO,
            week_pnl: Money::ZERO,
            drawdown: 0.0,
            exposure: 0.0,
        }
    }

    fn request() -> HealthRequest {
        HealthRequest {
            at: AT,
            warmup: false,
            agents: AgentKind::ALL.map(|k| (k, AgentState::Running, 0)).to_vec(),
            missed: Vec::new(),
            decisions: 10,
            passed: 0,
            matured: Vec::new(),
            main: main_account(),
            models: 2,
            in_use: Vec::new(),
            halted: None,
        }
    }

    fn sound() -> Vec<Message> {
        let work = || WorkStatus { judged: 7, given: 7, note: String::new() };
        vec![
            Message::CollectorToHealth(IngestStatus { pairs: 7, pairs_complete: 7, ..IngestStatus::default() }),
            Message::SentimentToHealth(work()),
            Message::TechnicalToHealth(work()),
            Message::PredictorToHealth(ModelStatus {
                model: "h24-7".to_owned(),
                brier: 0.2,
                ece: 0.03,
                predicted: 14,
                abstained: 0,
            }),
            Message::RiskToHealth(RiskUse::default()),
            Message::OptimizerToHealth(AllocationStatus::default()),
        ]
    }

    fn run(monitor: &mut HealthMonitor, request: HealthRequest, inbox: Vec<Message>) -> Reply {
        let request = Request::CheckHealth(Arc::new(request));
        monitor.handle(&Ask { cycle: 1, at: UtcMs(0), to: AgentKind::HealthMonitor, request, inbox }).unwrap()
    }

    fn report(reply: &Reply) -> &HealthReport {
        match &reply.finding {
            Finding::Health(report) => report,
            other => panic!("{other:?}"),
        }
    }

    fn monitor() -> HealthMonitor {
        HealthMonitor::new(&CoreSettings::default())
    }

    #[test]
    fn a_sound_system_scores_full_and_raises_nothing() {
        let reply = run(&mut monitor(), request(), sound());
        assert_eq!(report(&reply).score, 1.0);
        let names: Vec<_> = report(&reply).components.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["data", "agents", "models", "risk", "calibration"]);
        assert!(report(&reply).alerts.is_empty());
        assert_eq!((report(&reply).brier, report(&reply).ece), (None, None));
    }

    #[test]
    fn neighbours_are_told_and_what_was_read_is_named() {
        let reply = run(&mut monitor(), request(), sound());
        assert_eq!(reply.used.len(), 6);
        let told: Vec<_> = reply.messages.iter().map(Message::name).collect();
        assert_eq!(
            told,
            [
                "HealthToCollector",
                "HealthToSentiment",
                "HealthToTechnical",
                "HealthToPredictor",
                "HealthToRisk",
                "HealthToOptimizer"
            ]
        );
        assert_eq!(reply.messages[3], Message::HealthToPredictor(None));
    }

    #[test]
    fn thirty_matured_decisions_give_a_live_brier_score() {
        let mut r = request();
        r.matured = (0..30).map(|i| (0.6, i < 18)).collect();
        let reply = run(&mut monitor(), r.clone(), sound());
        assert!((report(&reply).brier.unwrap() - 0.24).abs() < 1e-12);
        assert!(report(&reply).ece.is_some());
        assert_eq!(reply.messages[3], Message::HealthToPredictor(report(&reply).brier));
        r.matured.pop();
        assert_eq!(report(&run(&mut monitor(), r, sound())).brier, None);
    }

    #[test]
    fn silence_is_not_health() {
        let reply = run(&mut monitor(), request(), Vec::new());
        assert!(report(&reply).score < 0.2);
        assert!(reply.used.is_empty());
        let halved = run(&mut monitor(), request(), sound()[1..].to_vec());
        assert!(report(&halved).score < CoreSettings::default().risk.health_floor, "without data nothing is entered");
    }

    #[test]
    fn every_unknown_gate_is_a_no_and_live_trading_is_never_go() {
        let silent = run(&mut monitor(), request(), Vec::new());
        let gates = &report(&silent).gates;
        let go: Vec<_> = gates.iter().filter(|g| g.go).map(|g| g.name.as_str()).collect();
        assert_eq!(go, ["trading not halted"]);
        let reply = run(&mut monitor(), request(), sound());
        let gates = &report(&reply).gates;
        let go: Vec<_> = gates.iter().filter(|g| g.go).map(|g| g.name.as_str()).collect();
        assert_eq!(go, ["data complete", "data age", "model calibration", "risk limits", "trading not halted"]);
        for name in ["reconciliation", "exchange keys", "execution health", "human confirmation"] {
            let gate = gates.iter().find(|g| g.name == name).unwrap();
            assert!(!gate.go && gate.value == "not part of this version", "{name}");
        }
    }

    #[test]
    fn drift_and_age_are_those_of_the_worst_model() {
        let used = |hours: u32, drift, judged, days: i64| ModelInUse {
            horizon: Horizon(hours),
            data_to: AT.plus(-days * DAY_MS),
            drift,
            judged,
        };
        let gates = |in_use: Vec<ModelInUse>| {
            let reply = run(&mut monitor(), HealthRequest { in_use, ..request() }, sound());
            let of = |name: &str| report(&reply).gates.iter().find(|g| g.name == name).map(|g| (g.go, g.value.clone()));
            (of("drift").unwrap(), of("model age").unwrap())
        };
        let unknown = (false, "unknown".to_owned());
        assert_eq!(gates(Vec::new()), (unknown.clone(), unknown));
        let warned = gates(vec![used(1, DriftAction::None, true, 2), used(24, DriftAction::Warn, true, 13)]);
        assert_eq!(warned, ((true, "warn (24h)".to_owned()), (true, "13 days (24h)".to_owned())));
        let bad = gates(vec![used(1, DriftAction::HalveSize, true, 2), used(24, DriftAction::None, false, 14)]);
        assert_eq!(bad, ((false, "halve size (1h)".to_owned()), (false, "14 days (24h)".to_owned())));
        let young = gates(vec![used(1, DriftAction::None, true, 2), used(24, DriftAction::None, false, 2)]);
        assert_eq!(young.0, (false, "nothing has matured of 24h".to_owned()));
    }

    #[test]
    fn gate_evidence_counts_only_what_was_above_the_gate() {
        let evidence = |matured: Vec<(f64, bool)>| {
            let mut r = request();
            r.matured = matured;
            let reply = run(&mut monitor(), r, sound());
            report(&reply).gates.iter().find(|g| g.name == "gate evidence").unwrap().go
        };
        assert!(evidence((0..30).map(|i| (0.85, i < 25)).collect()));
        assert!(!evidence((0..30).map(|i| (0.85, i < 24)).collect()));
        assert!(!evidence((0..30).map(|i| (0.80, i < 30)).collect()), "exactly at the gate is not above it");
    }

    #[test]
    fn a_finding_is_raised_when_it_is_new() {
        let mut m = monitor();
        run(&mut m, request(), sound());
        let broken = || {
            let mut r = request();
            r.agents[2].1 = AgentState::Failed;
            r.missed.push((AgentKind::Technical, "failed".to_owned()));
            r
        };
        let first = run(&mut m, broken(), sound());
        assert_eq!(report(&first).alerts.len(), 1);
        assert_eq!(report(&first).alerts[0].0, Severity::Critical);
        assert!(report(&run(&mut m, broken(), sound())).alerts.is_empty());
        assert!(report(&run(&mut m, request(), sound())).alerts.is_empty());
        assert_eq!(report(&run(&mut m, broken(), sound())).alerts.len(), 1);
    }

    #[test]
    fn incomplete_data_are_no_news_while_windows_fill() {
        let filling = || {
            let mut inbox = sound();
            inbox[0] =
                Message::CollectorToHealth(IngestStatus { pairs: 7, pairs_complete: 0, ..IngestStatus::default() });
            inbox
        };
        let mut m = monitor();
        let warming = HealthRequest { warmup: true, ..request() };
        assert!(report(&run(&mut m, warming, filling())).alerts.is_empty());
        let sources: Vec<_> = report(&run(&mut m, request(), filling())).alerts.iter().map(|a| a.2.clone()).collect();
        assert_eq!(sources, ["data", "health"]);
    }

    #[test]
    fn holes_of_a_day_are_one_finding() {
        let mut m = monitor();
        let with_holes = |holes| {
            let mut inbox = sound();
            inbox[0] = Message::CollectorToHealth(IngestStatus {
                pairs: 7,
                pairs_complete: 7,
                holes,
                ..IngestStatus::default()
            });
            inbox
        };
        let raised: Vec<usize> = [0, 1, 1, 2, 2, 3]
            .into_iter()
            .map(|holes| report(&run(&mut m, request(), with_holes(holes))).alerts.len())
            .collect();
        assert_eq!(raised, [0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn a_tripped_limit_lowers_the_score_and_is_raised() {
        let mut inbox = sound();
        inbox[4] = Message::RiskToHealth(RiskUse { tripped: vec!["loss today".to_owned()], ..RiskUse::default() });
        let reply = run(&mut monitor(), request(), inbox);
        assert!(report(&reply).score < 1.0);
        assert_eq!(report(&reply).alerts.len(), 1);
        assert!(report(&reply).alerts[0].3.contains("loss today"));
    }

    #[test]
    fn another_question_is_refused() {
        let ask = Ask {
            cycle: 1,
            at: UtcMs(0),
            to: AgentKind::HealthMonitor,
            request: Request::DetectWhales,
            inbox: Vec::new(),
        };
        assert_eq!(monitor().handle(&ask).map_err(|e| e.class), Err(ErrorClass::System));
    }
}
