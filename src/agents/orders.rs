//! What a person may want of an agent, carried out between two asks: pause, resume, stop, restart; and the start itself.

use std::time::Duration;

use super::breaker::Breaker;
use super::handle::{Order, Wanted};
use super::job;
use super::lines::Attended;
use super::recovery::{Station, Step};
use super::runtime::Agent;
use crate::domain::agent::{AgentState, Trigger};
use crate::domain::command::Ack;

/// Making a brain may load a model.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);

impl Agent {
    /// Carries out an order between two asks.
    pub(super) async fn obey(&mut self, order: Order) {
        let ack = match order.wanted {
            Wanted::Pause => self.signal(Trigger::PauseSignal),
            Wanted::Resume => self.signal(Trigger::ResumeSignal),
            Wanted::Stop if self.state() == AgentState::Stopped => {
                Ack::Refused { reason: format!("{} is already stopped", self.kind) }
            }
            Wanted::Stop => {
                self.shut_down();
                Ack::Accepted
            }
            Wanted::Restart => self.restart().await,
        };
        match ack {
            Ack::Accepted => order.accept(),
            Ack::Refused { reason } => order.refuse(reason),
        }
    }

    fn signal(&mut self, trigger: Trigger) -> Ack {
        let state = self.state();
        let refused = match (state, trigger) {
            (AgentState::Paused, Trigger::PauseSignal) => format!("{} is already paused", self.kind),
            (AgentState::Running, Trigger::ResumeSignal) => format!("{} is not paused", self.kind),
            (AgentState::Failed | AgentState::Stopped, _) => format!("{} is {state}; restart it", self.kind),
            _ if self.fire(trigger) => return Ack::Accepted,
            _ => format!("{} is {state}", self.kind),
        };
        Ack::Refused { reason: refused }
    }

    /// Whatever the state, to Stopped as the diagram draws it.
    pub(super) fn shut_down(&mut self) {
        self.brain = None;
        match self.state() {
            AgentState::Running | AgentState::Paused | AgentState::Error => {
                self.fire(Trigger::StopSignal);
                self.fire(Trigger::GracefulShutdown);
            }
            AgentState::Failed => {
                self.fire(Trigger::ForceShutdown);
            }
            _ => {}
        }
    }

    async fn restart(&mut self) -> Ack {
        self.shut_down();
        let at = self.clock.now();
        let begun = {
            let mut live = self.shared.lock();
            live.breaker = Breaker::new(self.options.breaker_failures, self.options.breaker_cooldown_ms);
            live.restarts += 1;
            live.machine.begin_anew(at)
        };
        if !begun {
            return Ack::Refused { reason: format!("{} is {}", self.kind, self.state()) };
        }
        self.start().await;
        if self.state() == AgentState::Failed {
            let why = self.shared.lock().last_error.clone().unwrap_or_default();
            return Ack::Refused { reason: format!("{} failed to start: {why}", self.kind) };
        }
        if let Some(mut path) = self.path.take() {
            let step = if path.station() == Station::RestartProcedure { Step::Next } else { Step::Yes };
            if path.take(step) {
                self.report(path, "was restarted");
            }
        }
        Ack::Accepted
    }

    /// A new life: Initialized, Starting, then Running with a fresh brain, or Failed.
    pub(super) async fn start(&mut self) {
        self.fire(Trigger::Start);
        let deadline = tokio::time::sleep(STARTUP_TIMEOUT);
        tokio::pin!(deadline);
        let job = job::create(self.kind, &self.factory, &self.calls);
        let made = match self.until(job, deadline).await {
            Some(Ok(made)) => made,
            Some(Err(join)) => Err(format!("the start was lost: {join}")),
            None => Err(format!("no brain within {} s", STARTUP_TIMEOUT.as_secs())),
        };
        match made {
            Ok(brain) => {
                self.brain = Some(brain);
                self.fire(Trigger::SuccessfulStartup);
            }
            Err(text) => {
                let error = job::system(text);
                self.note(&error);
                self.fire(Trigger::StartupError);
                self.shut_for_good(&error);
            }
        }
    }

    /// Takes down an order that has to wait for the running work.
    pub(super) fn park(&mut self, attended: Attended) {
        let Attended::Order(order) = attended else { return };
        let kind = self.kind;
        let waiting = self.take_pending();
        self.pending = match (waiting, order.wanted) {
            (Some(pause), Wanted::Resume) if pause.wanted == Wanted::Pause => {
                pause.refuse("taken back by a resume");
                order.accept();
                None
            }
            (Some(weaker), Wanted::Restart | Wanted::Stop) if !outranks(weaker.wanted, order.wanted) => {
                weaker.refuse(format!("overtaken: {kind} is {}", order.wanted.pending()));
                Some(order)
            }
            (Some(waiting), _) => {
                order.refuse(format!("{kind} is already {}", waiting.wanted.pending()));
                Some(waiting)
            }
            (None, Wanted::Resume) => {
                order.refuse(format!("{kind} is not paused"));
                None
            }
            (None, _) => Some(order),
        };
        self.shared.lock().pending = self.pending.as_ref().map(|o| o.wanted);
    }

    pub(super) fn take_pending(&mut self) -> Option<Order> {
        let order = self.pending.take();
        if order.is_some() {
            self.shared.lock().pending = None;
        }
        order
    }

    /// An order waits that ends this life: no retry and no recovery before it.
    pub(super) fn must_leave(&self) -> bool {
        self.pending.as_ref().is_some_and(|o| matches!(o.wanted, Wanted::Restart | Wanted::Stop))
    }
}

/// A stop is not overtaken by a restart, and neither by itself.
fn outranks(waiting: Wanted, new: Wanted) -> bool {
    waiting == Wanted::Stop || waiting == new
}
