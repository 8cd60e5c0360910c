//! Where batches come from: a task per source that hands them to the feed.

mod batcher;

use tokio::sync::mpsc;

use super::feed::Delivery;
use crate::domain::event::RawBatch;

/// Batches that wait for the feed.
const AHEAD: usize = 4;

/// Batches of a recording, straight from the disk.
pub(super) fn recorded(batches: Box<dyn Iterator<Item = RawBatch> + Send>) -> mpsc::Receiver<Delivery> {
    let (tx, rx) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        for batch in batches {
            // Nobody listens any more: the session is over.
            if tx.send(Ok(batch)).await.is_err() {
                return;
            }
        }
    });
    rx
}
