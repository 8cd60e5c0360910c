//! What the rest of the program holds of a running link.

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::kraken::link::LinkStatus;

/// The link was stopped, or the reader of its events is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link is not running")]
pub struct LinkGone;

/// A running link. Dropping it stops the link.
#[derive(Debug)]
pub struct LinkHandle {
    pub(super) barriers: mpsc::Sender<oneshot::Sender<()>>,
    pub(super) status: watch::Receiver<LinkStatus>,
    pub(super) stop: CancellationToken,
    pub(super) task: Option<JoinHandle<()>>,
}

impl LinkHandle {
    /// The picture of the link, renewed every half second.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<LinkStatus> {
        self.status.clone()
    }

    /// Resolves when every open connection answered a ping: then every frame that the exchange had sent before is handled, and what follows
    /// from it is in the channel of events (read that meanwhile: a full channel holds everything up). Answers of REST may still be on their way ([`LinkStatus::budgets`] counts them).
    ///
    /// # Errors
    /// [`LinkGone`]
    pub async fn barrier(&self) -> Result<(), LinkGone> {
        let (passed, wait) = oneshot::channel();
        self.barriers.send(passed).await.map_err(|_| LinkGone)?;
        wait.await.map_err(|_| LinkGone)
    }

    /// Closes every socket and waits for the end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // a task that panicked is at its end, too
            let _ended = task.await;
        }
    }
}

impl Drop for LinkHandle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
