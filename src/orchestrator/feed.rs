//! Pacing of a recording: one batch per grid step of data time, at a multiple of real time or as fast as possible.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::domain::command::Speed;
use crate::domain::event::RawBatch;

/// Failed attempts after which a batch is given up, with an alert.
const MAX_ATTEMPTS: u32 = 5;

/// Batches of the recording, in order, with the pace at which they are due.
pub(super) struct Feed {
    batches: Box<dyn Iterator<Item = RawBatch> + Send>,
    /// Data time between two batches, in ms.
    step_ms: i64,
    pace: Option<Interval>,
    /// The batch that the collector has, until it answers.
    current: Option<Arc<RawBatch>>,
    attempts: u32,
    warm: bool,
    pub(super) exhausted: bool,
}

impl Feed {
    pub(super) fn new(batches: Box<dyn Iterator<Item = RawBatch> + Send>, step_ms: i64, speed: Speed) -> Self {
        let mut feed = Self { batches, step_ms, pace: None, current: None, attempts: 0, warm: false, exhausted: false };
        feed.set_speed(speed);
        feed
    }

    pub(super) fn set_speed(&mut self, speed: Speed) {
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

    /// Waits until the next batch is due. Windows are filled without waiting.
    pub(super) async fn due(&mut self) {
        match self.pace.as_mut() {
            Some(pace) if self.warm => {
                pace.tick().await;
            }
            _ => tokio::task::yield_now().await,
        }
    }

    /// The next batch, which stays current until [`Feed::done`].
    pub(super) fn next(&mut self) -> Option<Arc<RawBatch>> {
        match self.batches.next() {
            Some(batch) => {
                self.warm = !batch.warmup;
                self.attempts = 0;
                let batch = Arc::new(batch);
                self.current = Some(Arc::clone(&batch));
                Some(batch)
            }
            None => {
                self.exhausted = true;
                None
            }
        }
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
