//! REST over HTTPS: public data and reads of the account.
//!
//! Serves the link, the history fetcher and the `doctor` and `data` commands. In: typed questions; out: typed answers or a typed error. Always
//! true: calls keep the exchange's pace and limits; private calls leave one at a time; only reads are repeated, and only after errors that
//! allow it; nothing here can change an order; no answer larger than the cap is read.

mod answer;
mod private;
mod public;
mod settings;
#[cfg(test)]
mod tests;
mod transport;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as Queue;

pub use self::answer::{Question, trouble};
pub use self::private::Access;
use self::private::Account;
pub use self::public::{ClockSkew, TRADES_PAGE};
pub use self::settings::RestSettings;
use self::transport::Transport;
use crate::clock::Clock;
use crate::domain::backoff::Backoff;
use crate::domain::time::UtcMs;
use crate::kraken::error::{KrakenError, LimitScope, Remedy};
use crate::kraken::limits::PublicPace;
use crate::kraken::symbols::Symbols;

/// Longest wait for room that a call takes upon itself; beyond it the caller is told.
const PATIENCE_MS: u64 = 120_000;

/// Shortest wait after the exchange complained about public calls, in ms.
const PUBLIC_COMPLAINT_MS: i64 = 5_000;

/// First and longest delay between tries, in ms.
const BACKOFF_MS: (u64, u64) = (500, 15_000);

/// A client of one exchange address. Cheap to share behind an [`Arc`].
pub struct Client {
    transport: Transport,
    settings: RestSettings,
    clock: Arc<dyn Clock>,
    pace: Queue<PublicPace>,
    account: Option<Queue<Account>>,
    backoff: Mutex<Backoff>,
    symbols: Queue<Option<Arc<Symbols>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Client");
        out.field("base_url", &self.settings.base_url).field("private", &self.account.is_some()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client without a key. `seed` is for the jitter of retries.
    ///
    /// # Errors
    /// [`KrakenError::Setting`] for a setting out of range.
    pub fn new(settings: RestSettings, clock: Arc<dyn Clock>, seed: u64) -> Result<Self, KrakenError> {
        let transport = Transport::new(&settings)?;
        let pace_ms = i64::try_from(settings.public_pace_ms).unwrap_or(i64::MAX);
        Ok(Self {
            transport,
            clock,
            pace: Queue::new(PublicPace::new(pace_ms, pace_ms)),
            account: None,
            backoff: Mutex::new(Backoff::new(BACKOFF_MS.0, BACKOFF_MS.1, seed)),
            symbols: Queue::new(None),
            settings,
        })
    }

    /// The same with a key.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.account = Some(Queue::new(Account::new(access, self.settings.tier)));
        self
    }

    /// Whether the address is the exchange's own; screens must say so when it is not.
    #[must_use]
    pub fn is_kraken(&self) -> bool {
        self.settings.is_kraken()
    }

    fn now(&self) -> UtcMs {
        self.clock.now()
    }

    /// Waits before try number `retry`, if the error allows another; else gives the error back.
    async fn may_retry(&self, error: KrakenError, retry: u32) -> Result<(), KrakenError> {
        if retry >= self.settings.retries || !error.remedy(false).repeats_read() {
            return Err(error);
        }
        let delay = self.backoff.lock().unwrap_or_else(PoisonError::into_inner).delay_ms(retry);
        tokio::time::sleep(Duration::from_millis(delay)).await;
        Ok(())
    }
}

/// When the exchange wants to be asked again, if the remedy says so: at the time given, at least `least_ms` from now.
fn asked_to_wait(remedy: &Remedy, now: UtcMs, least_ms: i64) -> Option<UtcMs> {
    match remedy {
        Remedy::Wait { scope: LimitScope::Calls, until } => {
            let given = until.map_or(now, |seconds| UtcMs(seconds.saturating_mul(1_000)));
            Some(given.max(now.plus(least_ms)))
        }
        _ => None,
    }
}

/// Too long to wait inside a call.
fn out_of_patience(wait_ms: u64) -> KrakenError {
    KrakenError::Halted { why: format!("the exchange's limits leave room in {} s only", wait_ms / 1_000) }
}
