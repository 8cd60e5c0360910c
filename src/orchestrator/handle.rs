//! What an interface holds of the orchestrator: the newest picture, a way to ask for something, and the numbered notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::domain::command::{Ack, Command, CommandId};
use crate::domain::snapshot::{Notice, Snapshot};

/// A command on its way, with the place for its answer.
#[derive(Debug)]
pub struct Envelope {
    pub id: CommandId,
    pub command: Command,
    pub reply: oneshot::Sender<Ack>,
}

/// A command that was handed over; the answer comes later.
#[derive(Debug)]
pub struct Pending {
    pub id: CommandId,
    pub reply: oneshot::Receiver<Ack>,
}

/// The orchestrator cannot take the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    #[error("too many commands are waiting; try again")]
    Busy,
    #[error("the orchestrator has stopped")]
    Stopped,
}

/// The interfaces' end of the orchestrator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    commands: mpsc::Sender<Envelope>,
    urgent: mpsc::Sender<Envelope>,
    notices: broadcast::Sender<Notice>,
    next: Arc<AtomicU64>,
}

/// The orchestrator's end.
#[derive(Debug)]
pub struct Ports {
    pub snapshots: watch::Sender<Arc<Snapshot>>,
    pub commands: mpsc::Receiver<Envelope>,
    /// Halt and shutdown only: they do not queue behind anything.
    pub urgent: mpsc::Receiver<Envelope>,
    pub notices: broadcast::Sender<Notice>,
}

/// Both ends, connected.
#[must_use]
pub fn connect() -> (Handle, Ports) {
    let (snapshot_tx, snapshots) = watch::channel(Arc::new(Snapshot::default()));
    let (commands, command_rx) = mpsc::channel(64);
    let (urgent, urgent_rx) = mpsc::channel(8);
    let (notices, _) = broadcast::channel(4_096);
    let handle = Handle { snapshots, commands, urgent, notices: notices.clone(), next: Arc::new(AtomicU64::new(1)) };
    (handle, Ports { snapshots: snapshot_tx, commands: command_rx, urgent: urgent_rx, notices })
}

impl Handle {
    /// The newest picture.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// Waits for a picture newer than the last one seen here.
    ///
    /// # Errors
    /// [`NotTaken::Stopped`] once the orchestrator is gone.
    pub async fn changed(&mut self) -> Result<Arc<Snapshot>, NotTaken> {
        self.snapshots.changed().await.map_err(|_| NotTaken::Stopped)?;
        Ok(self.snapshots.borrow_and_update().clone())
    }

    /// Decisions, fills, outcomes and alerts from now on. A receiver that falls behind learns how many it lost.
    #[must_use]
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Hands a command over without waiting. Halt and shutdown have a channel of their own.
    ///
    /// # Errors
    /// [`NotTaken`] when the queue is full or the orchestrator is gone.
    pub fn submit(&self, command: Command) -> Result<Pending, NotTaken> {
        let id = CommandId(self.next.fetch_add(1, Ordering::Relaxed));
        let (reply, answer) = oneshot::channel();
        let channel = match command {
            Command::Halt { .. } | Command::Shutdown => &self.urgent,
            _ => &self.commands,
        };
        channel.try_send(Envelope { id, command, reply }).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => NotTaken::Busy,
            mpsc::error::TrySendError::Closed(_) => NotTaken::Stopped,
        })?;
        Ok(Pending { id, reply: answer })
    }

    /// Hands a command over and waits for its answer.
    ///
    /// # Errors
    /// [`NotTaken`] when it could not be handed over or the orchestrator stopped before it answered.
    pub async fn ask(&self, command: Command) -> Result<Ack, NotTaken> {
        self.submit(command)?.reply.await.map_err(|_| NotTaken::Stopped)
    }
}
