//! What the clock does: starts, expiries, the dead man's switch, and the moment at which hidden orders appear.

use super::order::{OrderNo, Phase};
use super::venue::Venue;
use super::{AccountKey, Desk, Ending};
use crate::simulator::protocol::SimNs;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Timer {
    Start(OrderNo),
    Expire(OrderNo),
    DeadMan(AccountKey),
}

impl Desk {
    /// The next instant at which something happens by itself.
    #[must_use]
    pub fn next_at(&self) -> Option<SimNs> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let hidden = self.delayed.first_key_value().map(|((at, _), _)| *at);
        [timer, hidden].into_iter().flatten().min()
    }

    /// Moves the clock: everything due happens, each at its own instant.
    pub fn advance(&mut self, now: SimNs, venue: &mut dyn Venue) {
        self.run_timers(now, venue);
    }

    pub(super) fn run_timers(&mut self, now: SimNs, venue: &mut dyn Venue) {
        self.clock = self.clock.max(now);
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, timer));
            self.reveal(at);
            match timer {
                Timer::Start(no) if self.phase_is(no, Phase::Scheduled) => self.activate(no, at, venue),
                Timer::Expire(no) if self.orders.get(no).is_some_and(|o| o.is_open()) => {
                    self.finish(no, Ending::Expired, at);
                }
                Timer::DeadMan(key) => self.dead_man(key, at),
                Timer::Start(_) | Timer::Expire(_) => {}
            }
            self.settle_down(at, venue);
        }
        self.reveal(now);
    }

    fn phase_is(&self, no: OrderNo, phase: Phase) -> bool {
        self.orders.get(no).is_some_and(|o| o.state.phase == phase)
    }

    fn dead_man(&mut self, key: AccountKey, at: SimNs) {
        let Some(account) = self.accounts.get_mut(&key) else { return };
        account.dead_man = None;
        for no in account.open.clone() {
            self.finish(no, Ending::Canceled("Cancel all orders after"), at);
        }
    }

    /// Sets or, with zero seconds, clears the switch that cancels everything; returns when it will.
    pub(super) fn set_dead_man(&mut self, key: AccountKey, seconds: i64, now: SimNs) -> Option<SimNs> {
        let at = (seconds > 0).then(|| now.plus_ms(seconds.saturating_mul(1_000)));
        let account = self.accounts.get_mut(&key)?;
        if let Some(before) = account.dead_man {
            self.timers.remove(&(before, Timer::DeadMan(key)));
        }
        account.dead_man = at;
        if let Some(at) = at {
            self.timers.insert((at, Timer::DeadMan(key)));
        }
        at
    }
}
