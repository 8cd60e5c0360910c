//! The one place that reads a clock. Everything else is handed the time.

use crate::domain::time::UtcMs;

/// Reads the time. A trait object, so that tests can hold the hands.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> UtcMs;
    /// Monotonic milliseconds since an arbitrary start: for durations only.
    fn monotonic_ms(&self) -> f64;
}

/// The machine's clock.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    #[must_use]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> UtcMs {
        UtcMs(jiff::Timestamp::now().as_millisecond())
    }

    fn monotonic_ms(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * 1_000.0
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

impl ManualClock {
    #[must_use]
    pub fn at(t: UtcMs) -> Self {
        Self(std::sync::atomic::AtomicI64::new(t.0))
    }

    pub fn set(&self, t: UtcMs) {
        self.0.store(t.0, std::sync::atomic::Ordering::SeqCst);
    }

    pub fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UtcMs {
        UtcMs(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }

    #[expect(clippy::cast_precision_loss, reason = "a test clock stays far below 2^53 ms")]
    fn monotonic_ms(&self) -> f64 {
        self.now().0 as f64
    }
}
