//! Scripted brains and an agent under test around them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc as std_mpsc};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::recovery::Station;
use super::{AgentEvent, AgentHandle, AgentOptions, AgentRuntime, BrainFactory, Refused};
use crate::clock::{Clock, ManualClock};
use crate::domain::agent::{AgentKind, AgentState, Trigger, transition};
use crate::domain::command::Ack;
use crate::domain::error::ErrorClass;
use crate::domain::event::{Ask, Brain, BrainError, Finding, Reply, Request};
use crate::domain::time::UtcMs;

pub(super) const KIND: AgentKind = AgentKind::Technical;
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) enum Act {
    Fail(ErrorClass),
    Panic,
    /// Holds the thread until the sender is dropped.
    Hold(std_mpsc::Receiver<()>),
    WrongCycle,
}

/// What the brains of one agent do, ask after ask; an empty script answers.
#[derive(Default)]
pub(super) struct Script {
    acts: Mutex<VecDeque<Act>>,
    pub(super) made: AtomicUsize,
    pub(super) broken: AtomicBool,
}

impl Script {
    pub(super) fn of(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Arc::new(Self { acts: Mutex::new(acts.into_iter().collect()), ..Self::default() })
    }

    pub(super) fn factory(self: &Arc<Self>) -> BrainFactory {
        let script = Arc::clone(self);
        Arc::new(move || {
            assert!(!script.broken.load(Ordering::SeqCst), "no model on disk");
            script.made.fetch_add(1, Ordering::SeqCst);
            Box::new(Scripted(Arc::clone(&script)))
        })
    }

    pub(super) fn then(&self, act: Act) {
        self.acts.lock().unwrap().push_back(act);
    }
}

struct Scripted(Arc<Script>);

impl Brain for Scripted {
    fn kind(&self) -> AgentKind {
        KIND
    }

    fn handle(&mut self, ask: &Ask) -> Result<Reply, BrainError> {
        let act = self.0.acts.lock().unwrap().pop_front();
        let reply =
            |cycle| Reply { cycle, from: KIND, finding: Finding::Technical(vec![]), messages: vec![], used: vec![] };
        match act {
            None => Ok(reply(ask.cycle)),
            Some(Act::Fail(class)) => Err(BrainError { class, text: "as written".to_owned() }),
            Some(Act::Panic) => {
                assert!(super::panic_is_contained());
                panic!("as written")
            }
            Some(Act::Hold(gate)) => {
                let _ = gate.recv();
                Ok(reply(ask.cycle))
            }
            Some(Act::WrongCycle) => Ok(reply(ask.cycle + 1)),
        }
    }
}

pub(super) const OPTIONS: AgentOptions = AgentOptions {
    mailbox_capacity: 4,
    timeout_ms: 15_000,
    backoff_initial_ms: 1,
    backoff_max_ms: 2,
    breaker_failures: 2,
    breaker_cooldown_ms: 1_000,
    max_retries: 2,
};

pub(super) struct Rig {
    pub(super) agent: AgentHandle,
    pub(super) events: mpsc::Receiver<AgentEvent>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) states: Vec<(AgentState, Trigger, AgentState)>,
    pub(super) stations: Vec<Station>,
}

impl Rig {
    pub(super) fn new(script: &Arc<Script>, options: AgentOptions) -> Self {
        let clock = Arc::new(ManualClock::at(UtcMs(1_000_000)));
        let (tx, events) = mpsc::channel(4);
        let agent = AgentRuntime::spawn(KIND, script.factory(), options, Arc::clone(&clock) as Arc<dyn Clock>, tx);
        Self { agent, events, clock, states: vec![], stations: vec![] }
    }

    pub(super) fn ask(&self, cycle: u64) -> Result<(), Refused> {
        self.agent.ask(ask(cycle))
    }

    /// The next answer: `Ok(cycle)` or `Err(why)`; states and stations on the way are noted, and each state change is checked.
    pub(super) async fn answer(&mut self) -> Result<u64, String> {
        loop {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("an event").expect("open");
            match event {
                AgentEvent::Reply(r) => return Ok(r.cycle),
                AgentEvent::Missed { why, agent, .. } => {
                    assert_eq!(agent, KIND);
                    return Err(why);
                }
                other => self.note(other),
            }
        }
    }

    pub(super) async fn until_state(&mut self, wanted: AgentState) {
        while self.states.last().map(|s| s.2) != Some(wanted) {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("an event").expect("open");
            self.note(event);
        }
    }

    fn note(&mut self, event: AgentEvent) {
        match event {
            AgentEvent::State { from, trigger, to, .. } => {
                assert_eq!(transition(from, trigger), Ok(to));
                self.states.push((from, trigger, to));
            }
            AgentEvent::Recovery { station, .. } => self.stations.push(station),
            other => panic!("unexpected {other:?}"),
        }
    }

    pub(super) async fn round(&mut self, cycle: u64) -> Result<u64, String> {
        self.ask(cycle).map_err(|e| e.to_string())?;
        self.answer().await
    }

    pub(super) fn triggers(&self) -> Vec<Trigger> {
        self.states.iter().map(|s| s.1).collect()
    }
}

pub(super) fn ask(cycle: u64) -> Ask {
    Ask { cycle, at: UtcMs(0), to: KIND, request: Request::CalculateTechnical, inbox: vec![] }
}

pub(super) async fn ack(answer: oneshot::Receiver<Ack>) -> Ack {
    tokio::time::timeout(PATIENCE, answer).await.expect("an answer in time").expect("an answer")
}

pub(super) fn refusal(ack: Ack) -> String {
    match ack {
        Ack::Accepted => panic!("was accepted"),
        Ack::Refused { reason } => reason,
    }
}

pub(super) async fn until(what: impl Fn() -> bool) {
    let waiting = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it happens");
}
