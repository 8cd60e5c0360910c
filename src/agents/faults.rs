//! What an agent's loop does about an error: the recovery path, the breaker, the alarm, and Failed as the last resort.

use std::sync::atomic::Ordering;

use super::recovery::{Path, Station, Step};
use super::runtime::{Agent, PROBES_TO_GIVE_UP, STUCK_TO_GIVE_UP};
use super::{AgentEvent, job, stand_in};
use crate::domain::agent::{AgentState, Trigger};
use crate::domain::error::ErrorClass;
use crate::domain::event::BrainError;

impl Agent {
    /// The ask has failed for good: state Error, left for Running, Failed, or by an order that waits.
    pub(super) fn give_up(&mut self, cycle: u64, error: &BrainError, retries: u32) {
        let failed_probes = self.breaker(|b, now| {
            b.failure(now);
            b.failed_probes()
        });
        let stuck = self.calls.load(Ordering::Acquire);
        let hopeless = failed_probes >= PROBES_TO_GIVE_UP || stuck >= STUCK_TO_GIVE_UP;
        let critical = self.walk_on(error, hopeless);
        let tries = if retries > 0 { format!(" (after {retries} retries)") } else { String::new() };
        if critical {
            self.brain = None;
            self.fire(Trigger::ErrorCritical);
        } else if !self.must_leave() {
            self.fire(Trigger::ErrorRecovered);
        }
        self.missed(cycle, format!("{}{tries}", described(error)));
    }

    /// Brings the path to where an error of the class begins, unless it is on that branch already.
    pub(super) fn walk_to(&mut self, class: ErrorClass) {
        if self.path.is_none_or(|p| p.class() != class) {
            self.path = Some(Path::detected(class));
        }
    }

    /// The answer at this station is no. Gives whether the agent must shut down.
    fn walk_on(&mut self, error: &BrainError, hopeless: bool) -> bool {
        let Some(mut path) = self.path else { return false };
        let before = path.station();
        let critical = before == Station::CircuitBreaker && hopeless;
        match before {
            Station::CircuitBreaker | Station::MonitorForRecovery if !hopeless => {}
            _ => {
                path.take(Step::No);
            }
        }
        if path.station() != before {
            self.report(path, &described(error));
            path.take(Step::Next);
        }
        self.path = Some(path);
        critical
    }

    /// An ask went well: whatever was being recovered from is over.
    pub(super) fn recovered(&mut self) {
        let Some(mut path) = self.path.take() else { return };
        if path.take(Step::Yes) && self.alarmed {
            self.report(path, "answers again");
        }
    }

    /// Tells of a station that a person should hear of.
    pub(super) fn report(&mut self, path: Path, what: &str) {
        let station = path.station();
        if station.severity().is_none() {
            return;
        }
        self.alarmed = !path.is_over();
        let kind = self.kind;
        let advice = match station {
            Station::GracefulDegradation | Station::BackupSource | Station::PaperTrading => {
                format!(". {}", stand_in(kind))
            }
            Station::GracefulShutdown | Station::ManualIntervention => {
                ". Look at its last error, mend the cause, then restart it".to_owned()
            }
            _ => String::new(),
        };
        let text = format!("{kind}: {what}; {}{advice}", station.as_str());
        tracing::warn!(target: "agents", agent = %kind, class = path.class().as_str(), text, "recovery");
        let at = self.clock.now();
        self.lines.emit(AgentEvent::Recovery { agent: kind, class: path.class(), station, text, at });
    }

    /// A startup or loop error: straight to the end of the system branch.
    pub(super) fn shut_for_good(&mut self, error: &BrainError) {
        let mut path = Path::detected(ErrorClass::System);
        path.take(Step::No);
        self.report(path, &described(error));
        path.take(Step::Next);
        self.path = Some(path);
    }

    /// Counts an error and remembers it.
    pub(super) fn note(&self, error: &BrainError) {
        let text = described(error);
        tracing::warn!(target: "agents", agent = %self.kind, text, "error");
        let mut live = self.shared.lock();
        live.errors += 1;
        live.last_error = Some(text);
    }

    /// The loop itself panicked: the ask in hand is missed, and the state goes to Failed the way the diagram allows.
    pub(super) fn crashed(&mut self, text: &str) {
        let error = job::system(format!("in the agent's loop: {text}"));
        self.note(&error);
        self.brain = None;
        if let Some(cycle) = self.current.take() {
            self.missed(cycle, described(&error));
        }
        self.shut_for_good(&error);
        loop {
            let trigger = match self.state() {
                AgentState::Initialized => Trigger::Start,
                AgentState::Starting => Trigger::StartupError,
                AgentState::Running => Trigger::NewData,
                AgentState::Processing => Trigger::ProcessingError,
                AgentState::Paused => Trigger::ResumeSignal,
                AgentState::Error => Trigger::ErrorCritical,
                AgentState::Stopping => Trigger::GracefulShutdown,
                AgentState::Failed | AgentState::Stopped => break,
            };
            if !self.fire(trigger) {
                break;
            }
        }
    }
}

fn described(error: &BrainError) -> String {
    format!("{} error: {}", error.class.as_str(), error.text)
}
