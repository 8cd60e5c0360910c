//! Pacing of the source: one batch per grid step of data time, at a multiple of real time or as fast as possible.
//!
//! The batches come through a short channel from a source task (see [`super::source`]); a source that is paced by the world itself (live data)
//! is taken as it comes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::OrchestratorError;
use crate::domain::command::Speed;
use crate::domain::event::RawBatch;
use crate::domain::quality::Quarantined;

/// Failed attempts after which a batch is given up, with an alert.
const MAX_ATTEMPTS: u32 = 5;

/// What a source gives: batches in order, and at last perhaps the reason why there are no more.
pub(super) type Delivery = Result<RawBatch, OrchestratorError>;

/// Batches in order, with the pace at which they are due.
pub(super) struct Feed {
    deliveries: mpsc::Receiver<Delivery>,
    /// Data time between two batches, in ms.
    step_ms: i64,
    pace: Option<Interval>,
    /// The pace has ticked for the batch that is still on its way.
    ticked: bool,
    /// What has arrived and was not taken yet.
    arrived: Option<Delivery>,
    /// The batch that the collector has, until it answers.
    current: Option<Arc<RawBatch>>,
    attempts: u32,
    warm: bool,
    /// Rows that were refused before data flowed: the first batch tells of them.
    refused: Vec<Quarantined>,
}

impl Feed {
    /// `speed` is `None` for live data, which set their own pace.
    pub(super) fn new(
        deliveries: mpsc::Receiver<Delivery>,
        step_ms: i64,
        speed: Option<Speed>,
        refused: Vec<Quarantined>,
    ) -> Self {
        let mut feed = Self {
            deliveries,
            step_ms,
            pace: None,
            ticked: false,
            arrived: None,
            current: None,
            attempts: 0,
            warm: false,
            refused,
        };
        feed.set_speed(speed.unwrap_or(Speed::Max));
        feed
    }

    pub(super) fn set_speed(&mut self, speed: Speed) {
        self.ticked = false;
        self.pace = match speed {
            Speed::Max => None,
            Speed::Times(times) => {
                let seconds = self.step_ms as f64 / 1_000.0 / times.max(0.001);
                let period = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(300));
                let mut pace = interval(period.max(Duration::from_millis(1)));
                pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
                pace.reset();
                Some(pace)
            }
        };
    }

    /// Whether the collector still owes an answer.
    pub(super) const fn waiting(&self) -> bool {
        self.current.is_some()
    }

    /// Waits until the next batch is there and due. Windows are filled without waiting. May be dropped at any point and called again.
    pub(super) async fn due(&mut self) {
        if let Some(pace) = self.pace.as_mut().filter(|_| self.warm && !self.ticked) {
            pace.tick().await;
            self.ticked = true;
        }
        if self.arrived.is_none() {
            self.arrived = self.deliveries.recv().await;
        }
    }

    /// The batch that [`Feed::due`] waited for, which stays current until [`Feed::done`]; `None` when there are no more.
    ///
    /// # Errors
    /// Why the source broke off.
    pub(super) fn next(&mut self) -> Result<Option<Arc<RawBatch>>, OrchestratorError> {
        self.ticked = false;
        let Some(mut batch) = self.arrived.take().transpose()? else { return Ok(None) };
        batch.evidence.refused.append(&mut self.refused);
        self.warm = !batch.warmup;
        self.attempts = 0;
        let batch = Arc::new(batch);
        self.current = Some(Arc::clone(&batch));
        Ok(Some(batch))
    }

    /// The collector has answered.
    pub(super) fn done(&mut self) {
        self.current = None;
    }

    /// The batch that the collector could not take, to be offered again; `None` when it failed too often and is given up.
    pub(super) fn again(&mut self) -> Option<Arc<RawBatch>> {
        self.attempts += 1;
        if self.attempts > MAX_ATTEMPTS {
            self.current = None;
        }
        self.current.clone()
    }
}
