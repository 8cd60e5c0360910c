//! What is known of an agent at any moment: written by its loop, copied by whoever looks. The lock is held for that copy only.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::breaker::Breaker;
use super::machine::Machine;
use super::stats::{Busy, Durations};
use super::{AgentOptions, handle::Wanted};
use crate::clock::Clock;
use crate::domain::agent::AgentKind;
use crate::domain::snapshot::AgentView;
use crate::domain::time::UtcMs;

#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) machine: Machine,
    pub(super) breaker: Breaker,
    pub(super) pending: Option<Wanted>,
    pub(super) dropped: u64,
    pub(super) processed: u64,
    pub(super) errors: u64,
    pub(super) retries: u64,
    pub(super) timeouts: u64,
    pub(super) restarts: u64,
    pub(super) last_run: Option<UtcMs>,
    pub(super) durations: Durations,
    pub(super) busy: Busy,
    pub(super) last_input: String,
    pub(super) last_output: String,
    pub(super) last_error: Option<String>,
}

/// The shared end of [`Live`].
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<Live>>);

impl Shared {
    pub(super) fn new(options: &AgentOptions, clock: &dyn Clock) -> Self {
        Self(Arc::new(Mutex::new(Live {
            machine: Machine::new(clock.now()),
            breaker: Breaker::new(options.breaker_failures, options.breaker_cooldown_ms),
            pending: None,
            dropped: 0,
            processed: 0,
            errors: 0,
            retries: 0,
            timeouts: 0,
            restarts: 0,
            last_run: None,
            durations: Durations::default(),
            busy: Busy::new(clock.monotonic_ms()),
            last_input: String::new(),
            last_output: String::new(),
            last_error: None,
        })))
    }

    /// A writer never leaves the value half-changed, so a poisoned lock is still good.
    pub(super) fn lock(&self) -> MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The view at monotonic time `now`; mailbox figures come from the handle.
    pub(super) fn view(&self, kind: AgentKind, now: f64, mailbox: usize, capacity: usize) -> AgentView {
        let live = self.lock().clone();
        let percentiles = live.durations.percentiles();
        AgentView {
            kind,
            state: live.machine.state(),
            since: live.machine.since(),
            pending: live.pending.map(|w| w.pending().to_owned()),
            mailbox: u32::try_from(mailbox).unwrap_or(u32::MAX),
            mailbox_capacity: u32::try_from(capacity).unwrap_or(u32::MAX),
            dropped: live.dropped,
            processed: live.processed,
            errors: live.errors,
            retries: live.retries,
            timeouts: live.timeouts,
            restarts: live.restarts,
            breaker: live.breaker.phase(now).to_string(),
            last_run: live.last_run,
            p50_ms: percentiles.map(|p| p.0),
            p95_ms: percentiles.map(|p| p.1),
            busy: live.busy.share(now),
            last_input: live.last_input,
            last_output: live.last_output,
            last_error: live.last_error,
            transitions: live.machine.history(),
        }
    }
}
