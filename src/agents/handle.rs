//! The orchestrator's end of an agent.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::live::Shared;
use crate::clock::Clock;
use crate::domain::agent::{AgentKind, AgentState};
use crate::domain::command::Ack;
use crate::domain::event::Ask;
use crate::domain::snapshot::AgentView;

/// The ask was not taken: no answer will come for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("its mailbox is full ({capacity} asks are waiting)")]
    MailboxFull { capacity: usize },
    #[error("its loop has ended")]
    Gone,
    #[error("the ask is meant for {to}, this is {agent}")]
    WrongAgent { agent: AgentKind, to: AgentKind },
}

/// What a person can want of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Pause,
    Resume,
    Restart,
    Stop,
}

impl Wanted {
    /// The word for an order that waits for the running work.
    pub(super) const fn pending(self) -> &'static str {
        match self {
            Self::Pause => "pausing",
            Self::Resume => "resuming",
            Self::Restart => "restarting",
            Self::Stop => "stopping",
        }
    }
}

/// Something wanted, with the place for its answer.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) wanted: Wanted,
    ack: oneshot::Sender<Ack>,
}

impl Order {
    /// Whoever asked may have left: then nobody misses the answer.
    pub(super) fn accept(self) {
        drop(self.ack.send(Ack::Accepted));
    }

    pub(super) fn refuse(self, reason: impl Into<String>) {
        drop(self.ack.send(Ack::Refused { reason: reason.into() }));
    }
}

/// Asks, commands and a look at one agent. Cheap to clone; when the last clone is gone the agent finishes what it was asked and stops.
#[derive(Clone)]
pub struct AgentHandle {
    kind: AgentKind,
    asks: mpsc::Sender<Ask>,
    orders: mpsc::Sender<Order>,
    shared: Shared,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for AgentHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentHandle").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl AgentHandle {
    pub(super) const fn new(
        kind: AgentKind,
        asks: mpsc::Sender<Ask>,
        orders: mpsc::Sender<Order>,
        shared: Shared,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { kind, asks, orders, shared, clock }
    }

    #[must_use]
    pub const fn kind(&self) -> AgentKind {
        self.kind
    }

    /// Puts an ask into the mailbox, without waiting. A taken ask is answered exactly once, by a reply or a miss.
    ///
    /// # Errors
    /// [`Refused`] with the reason, which reads well after "technical did not answer: "; a full mailbox is counted as dropped.
    pub fn ask(&self, ask: Ask) -> Result<(), Refused> {
        if ask.to != self.kind {
            return Err(Refused::WrongAgent { agent: self.kind, to: ask.to });
        }
        self.asks.try_send(ask).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => {
                self.shared.lock().dropped += 1;
                Refused::MailboxFull { capacity: self.asks.max_capacity() }
            }
            mpsc::error::TrySendError::Closed(_) => Refused::Gone,
        })
    }

    /// Pauses the agent. The answer comes when it is paused; until then the view says `pausing`.
    #[must_use = "the answer says whether it happened"]
    pub fn pause(&self) -> oneshot::Receiver<Ack> {
        self.order(Wanted::Pause)
    }

    /// Ends a pause, or takes back one that is still pending.
    #[must_use = "the answer says whether it happened"]
    pub fn resume(&self) -> oneshot::Receiver<Ack> {
        self.order(Wanted::Resume)
    }

    /// Begins anew with a fresh brain, from whatever state; the running work is finished first.
    #[must_use = "the answer says whether it happened"]
    pub fn restart(&self) -> oneshot::Receiver<Ack> {
        self.order(Wanted::Restart)
    }

    /// Stops in order: the running work is finished, what waits is answered as missed.
    #[must_use = "the answer says whether it happened"]
    pub fn stop(&self) -> oneshot::Receiver<Ack> {
        self.order(Wanted::Stop)
    }

    /// The agent's state now.
    #[must_use]
    pub fn state(&self) -> AgentState {
        self.shared.lock().machine.state()
    }

    /// How the agent fares now.
    #[must_use]
    pub fn view(&self) -> AgentView {
        let capacity = self.asks.max_capacity();
        let waiting = capacity.saturating_sub(self.asks.capacity());
        self.shared.view(self.kind, self.clock.monotonic_ms(), waiting, capacity)
    }

    fn order(&self, wanted: Wanted) -> oneshot::Receiver<Ack> {
        let (ack, answer) = oneshot::channel();
        if let Err(e) = self.orders.try_send(Order { wanted, ack }) {
            match e {
                mpsc::error::TrySendError::Full(o) => o.refuse(format!("{} has too many commands waiting", self.kind)),
                mpsc::error::TrySendError::Closed(o) => o.refuse(format!("the loop of {} has ended", self.kind)),
            }
        }
        answer
    }
}
