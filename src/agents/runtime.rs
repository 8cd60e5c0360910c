//! The loop of an agent: takes asks and orders, drives the state machine, and answers every ask exactly once.
//!
//! ```text
//! ask ─▶ mailbox ─▶ breaker ─▶ brain (own thread, timeout) ─▶ reply
//!                     │            └─ error ─▶ backoff and retry (network) ─▶ miss
//!                     └─ open, paused, failed, stopped ─────────────────────▶ miss
//! ```

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Sleep;

use super::breaker::Breaker;
use super::handle::{AgentHandle, Order};
use super::job::{self, Done};
use super::lines::{Attended, Lines};
use super::live::Shared;
use super::recovery::Path;
use super::{AgentEvent, AgentOptions, BrainFactory, profile};
use crate::clock::Clock;
use crate::domain::agent::{AgentKind, AgentState, Trigger};
use crate::domain::backoff::Backoff;
use crate::domain::error::ErrorClass;
use crate::domain::event::{Ask, Brain, BrainError, Reply};

/// Orders that may wait for the loop to look.
const ORDERS: usize = 16;
/// Failed probes of the breaker after which an agent is not expected to recover by itself.
pub(super) const PROBES_TO_GIVE_UP: u32 = 3;
/// Calls that never came back, each holding a thread, after which the agent is given up.
pub(super) const STUCK_TO_GIVE_UP: usize = 4;

/// Starts agents.
#[derive(Debug, Clone, Copy)]
pub struct AgentRuntime;

impl AgentRuntime {
    /// Starts an agent on the current tokio runtime; its brain is made at once, off the reactor. Durations come from `clock`, so that the
    /// breaker can be tested; timeouts and backoff sleep on tokio's timer.
    #[must_use]
    pub fn spawn(
        kind: AgentKind,
        factory: BrainFactory,
        options: AgentOptions,
        clock: Arc<dyn Clock>,
        events: mpsc::Sender<AgentEvent>,
    ) -> AgentHandle {
        let (ask_tx, asks) = mpsc::channel(options.mailbox_capacity.max(1));
        let (order_tx, orders) = mpsc::channel(ORDERS);
        let shared = Shared::new(&options, clock.as_ref());
        let agent = Agent {
            kind,
            factory,
            options,
            clock: Arc::clone(&clock),
            shared: shared.clone(),
            asks,
            lines: Lines::new(orders, events),
            backoff: Backoff::new(options.backoff_initial_ms, options.backoff_max_ms, kind.index() as u64),
            brain: None,
            path: None,
            alarmed: false,
            pending: None,
            current: None,
            calls: Arc::new(AtomicUsize::new(0)),
        };
        tokio::spawn(agent.supervise());
        AgentHandle::new(kind, ask_tx, order_tx, shared, clock)
    }
}

pub(super) struct Agent {
    pub(super) kind: AgentKind,
    pub(super) factory: BrainFactory,
    pub(super) options: AgentOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) shared: Shared,
    pub(super) asks: mpsc::Receiver<Ask>,
    pub(super) lines: Lines,
    pub(super) backoff: Backoff,
    pub(super) brain: Option<Box<dyn Brain>>,
    /// The error that is being recovered from.
    pub(super) path: Option<Path>,
    /// A person was told of it, and not yet that it is over.
    pub(super) alarmed: bool,
    /// An order that waits for the running work.
    pub(super) pending: Option<Order>,
    /// Cycle of the ask in hand.
    pub(super) current: Option<u64>,
    /// Threads inside a call of this agent, abandoned ones included.
    pub(super) calls: Arc<AtomicUsize>,
}

/// How a call ended.
enum Called {
    Replied(Box<Reply>),
    Failed(BrainError),
}

/// How a wait for the next try ended.
#[derive(PartialEq, Eq)]
enum Waited {
    Through,
    CutShort,
}

impl Agent {
    /// Runs the loop; should the loop itself panic, the agent ends in Failed and goes on answering from there.
    async fn supervise(mut self) {
        loop {
            match AssertUnwindSafe(self.run()).catch_unwind().await {
                Ok(()) => break,
                Err(panic) => self.crashed(&job::panic_text(panic.as_ref())),
            }
        }
        self.lines.flush().await;
    }

    async fn run(&mut self) {
        if self.state() == AgentState::Initialized {
            self.start().await;
        }
        loop {
            while let Some(order) = self.take_pending() {
                self.obey(order).await;
            }
            if self.lines.is_unheard() {
                break;
            }
            let clear = self.lines.is_clear();
            tokio::select! {
                biased;
                attended = self.lines.attend() => if let Attended::Order(order) = attended { self.obey(order).await },
                ask = self.asks.recv(), if clear => match ask {
                    Some(ask) => self.work(ask).await,
                    None => break,
                },
            }
        }
        self.shut_down();
    }

    async fn work(&mut self, ask: Ask) {
        let cycle = ask.cycle;
        self.current = Some(cycle);
        if let Err(why) = self.admit() {
            self.missed(cycle, why);
            return;
        }
        self.shared.lock().last_input = (profile(self.kind).input)(&ask);
        let ask = Arc::new(ask);
        let deadline = tokio::time::sleep(Duration::from_millis(self.options.timeout_ms));
        tokio::pin!(deadline);
        let mut retry = 0;
        loop {
            let error = match self.attempt(&ask, deadline.as_mut()).await {
                Called::Replied(reply) => return self.answered(reply),
                Called::Failed(error) => error,
            };
            self.walk_to(error.class);
            if error.class != ErrorClass::Network
                || retry >= self.options.max_retries
                || self.wait(retry, deadline.as_mut()).await == Waited::CutShort
            {
                return self.give_up(cycle, &error, retry);
            }
            retry += 1;
            self.shared.lock().retries += 1;
            self.fire(Trigger::ErrorRecovered);
        }
    }

    /// Whether an ask may reach the brain now.
    fn admit(&mut self) -> Result<(), String> {
        let state = self.state();
        match state {
            AgentState::Running => self.breaker(|b, now| b.admit(now)).map_err(|open| open.to_string()),
            AgentState::Paused => Err("paused by a person".to_owned()),
            AgentState::Stopped => Err("stopped".to_owned()),
            AgentState::Failed => {
                let why = self.shared.lock().last_error.clone().unwrap_or_default();
                Err(format!("failed and waits for a restart ({why})"))
            }
            _ => Err(format!("is in state {state}")),
        }
    }

    /// One call of the brain, from Running through Processing to Running or Error.
    async fn attempt(&mut self, ask: &Arc<Ask>, deadline: Pin<&mut Sleep>) -> Called {
        self.fire(Trigger::NewData);
        let from = self.clock.monotonic_ms();
        let brain = self.brain.take();
        {
            let mut live = self.shared.lock();
            live.busy.begin(from);
            live.restarts += u64::from(brain.is_none());
        }
        let job = job::call(self.kind, brain, &self.factory, ask, &self.calls);
        let answer = match self.until(job, deadline).await {
            Some(Ok(Done { brain, answer })) => {
                self.brain = brain;
                answer
            }
            Some(Err(join)) => Err(job::system(format!("the call was lost: {join}"))),
            None => {
                self.shared.lock().timeouts += 1;
                Err(job::system(format!("no answer within {} ms", self.options.timeout_ms)))
            }
        };
        self.count_run(from);
        match answer {
            Ok(reply) => {
                self.fire(Trigger::ProcessingComplete);
                Called::Replied(Box::new(reply))
            }
            Err(error) => {
                self.note(&error);
                self.fire(Trigger::ProcessingError);
                Called::Failed(error)
            }
        }
    }

    fn count_run(&self, from: f64) {
        let (now, at) = (self.clock.monotonic_ms(), self.clock.now());
        let mut live = self.shared.lock();
        live.busy.end(now);
        live.durations.push(now - from);
        live.last_run = Some(at);
    }

    /// Waits before the next try, in state Error.
    async fn wait(&mut self, retry: u32, deadline: Pin<&mut Sleep>) -> Waited {
        let delay = Duration::from_millis(self.backoff.delay_ms(retry));
        let pause = tokio::time::sleep(delay);
        tokio::pin!(pause);
        let mut deadline = deadline;
        loop {
            if self.must_leave() {
                return Waited::CutShort;
            }
            tokio::select! {
                biased;
                attended = self.lines.attend() => self.park(attended),
                () = deadline.as_mut() => return Waited::CutShort,
                () = pause.as_mut() => return Waited::Through,
            }
        }
    }

    /// Waits for a call while orders are taken down; `None` at the deadline.
    pub(super) async fn until<T>(
        &mut self,
        job: tokio::task::JoinHandle<T>,
        mut deadline: Pin<&mut Sleep>,
    ) -> Option<Joined<T>> {
        tokio::pin!(job);
        loop {
            tokio::select! {
                biased;
                joined = job.as_mut() => return Some(joined),
                attended = self.lines.attend() => self.park(attended),
                () = deadline.as_mut() => return None,
            }
        }
    }

    fn answered(&mut self, reply: Box<Reply>) {
        self.breaker(|b, _| b.success());
        {
            let mut live = self.shared.lock();
            live.processed += 1;
            live.last_output = (profile(self.kind).output)(&reply);
        }
        self.recovered();
        self.current = None;
        self.lines.emit(AgentEvent::Reply(reply));
    }

    pub(super) fn missed(&mut self, cycle: u64, why: String) {
        self.current = None;
        tracing::debug!(target: "agents", agent = %self.kind, cycle, why, "missed");
        self.lines.emit(AgentEvent::Missed { cycle, agent: self.kind, why });
    }

    pub(super) fn state(&self) -> AgentState {
        self.shared.lock().machine.state()
    }

    pub(super) fn breaker<T>(&self, act: impl FnOnce(&mut Breaker, f64) -> T) -> T {
        let now = self.clock.monotonic_ms();
        act(&mut self.shared.lock().breaker, now)
    }

    /// Changes the state and tells of it; a trigger that the diagram does not draw here changes nothing and gives `false`.
    pub(super) fn fire(&mut self, trigger: Trigger) -> bool {
        let at = self.clock.now();
        let (fired, errors) = {
            let mut live = self.shared.lock();
            (live.machine.fire(trigger, at), live.errors)
        };
        match fired {
            Ok(change) => {
                let (agent, from, to) = (self.kind, change.from, change.to);
                if matches!(trigger, Trigger::NewData | Trigger::ProcessingComplete) {
                    tracing::trace!(target: "agents", %agent, %from, ?trigger, %to, "state");
                } else {
                    tracing::info!(target: "agents", %agent, %from, ?trigger, %to, "state");
                }
                self.lines.emit(AgentEvent::State { agent, from, trigger, to, errors, at });
                true
            }
            Err(illegal) => {
                tracing::error!(target: "agents", agent = %self.kind, %illegal, "refused");
                false
            }
        }
    }
}

type Joined<T> = Result<T, tokio::task::JoinError>;
