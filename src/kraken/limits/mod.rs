//! The exchange's limits, kept on our side so that they are never met.
//!
//! Serves the REST client, the link and, later, the room that places orders. In: what is about to be sent, and the time; out: how long to wait,
//! and what is left for the screen. Pure: no clock, no I/O. Always true: whatever the order of the calls, no documented limit is exceeded, and a
//! cancel finds room when other orders no longer do.

mod counter;
mod engine;
mod public;
mod rest;
mod window;

pub use counter::{Counter, MICRO};
pub use engine::{Action, EngineLimits, Refused};
pub use public::PublicPace;
pub use rest::{RestLimits, cost};
pub use window::Window;

use crate::domain::time::UtcMs;

/// Level of the account's verification; shared with its sub-accounts. No answer tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    #[default]
    Starter,
    Intermediate,
    Pro,
}

/// What a tier grants. Counters in millionths, decay in millionths per ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub rest_max: u64,
    pub rest_decay: u64,
    /// Of one pair.
    pub engine_max: u64,
    pub engine_decay: u64,
    /// Open orders of one pair.
    pub orders_max: usize,
}

impl Tier {
    /// The documented table.
    #[must_use]
    pub const fn allowance(self) -> Allowance {
        let (rest_max, rest_decay, engine_max, engine_decay, orders_max) = match self {
            Self::Starter => (15, 330, 60, 1_000, 60),
            Self::Intermediate => (20, 500, 125, 2_340, 80),
            Self::Pro => (20, 1_000, 180, 3_750, 225),
        };
        Allowance { rest_max: rest_max * MICRO, rest_decay, engine_max: engine_max * MICRO, engine_decay, orders_max }
    }
}

/// Who asks: cancels may use what is kept back for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    Normal,
    Cancel,
}

/// State of one limit, for the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// In thousandths.
    pub used: u64,
    /// In thousandths.
    pub max: u64,
    /// When one more call fits.
    pub next_free: UtcMs,
}

/// New WebSocket connections: the exchange bans an address after about 150 in ten minutes.
#[must_use]
pub fn connection_attempts() -> Window {
    Window::new(120, 600_000)
}

/// Subscribe and unsubscribe messages of one connection.
#[must_use]
pub fn subscriptions() -> Window {
    Window::new(20, 1_000)
}

/// Order messages of one connection; a fifth is kept back for cancels.
#[must_use]
pub fn order_messages() -> Window {
    Window::new(10, 1_000).keeping(2)
}
