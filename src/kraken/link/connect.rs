//! Sockets: opened inside the exchange's limits, watched, and replaced when they are dead.

use super::core::LinkCore;
use super::shard::Socket;
use super::{ConnId, Output};
use crate::domain::time::UtcMs;
use crate::kraken::wire::ws::{Ping, System};

/// A connection that lasted this long was no failure.
const STABLE_MS: i64 = 30_000;
/// This many failures in a row, over all connections, and only one socket at a time is tried.
const PROBE_AFTER: u32 = 3;

impl LinkCore {
    pub(super) fn shard_of(&self, conn: ConnId) -> Option<usize> {
        self.conns.iter().find(|(known, _)| *known == conn).map(|(_, shard)| *shard)
    }

    pub(super) fn on_opened(&mut self, conn: ConnId) {
        let t = self.pulse.t();
        let Some(shard) = self.shard_of(conn).and_then(|s| self.shards.get_mut(s)) else { return };
        if matches!(shard.socket, Socket::Connecting { .. }) {
            shard.socket = Socket::Opened { since: t };
            shard.last_frame = t;
        }
        self.wake_at(t);
    }

    pub(super) fn on_closed(&mut self, conn: ConnId, why: &str) {
        let Some(shard) = self.shard_of(conn) else { return };
        self.lost(shard, why);
    }

    /// Closes a socket that is of no use any more.
    pub(super) fn drop_connection(&mut self, shard: usize, why: &str, out: &mut Vec<Output>) {
        if let Some(conn) = self.shards.get(shard).and_then(|s| s.conn) {
            out.push(Output::Disconnect(conn));
            self.lost(shard, why);
        }
    }

    /// A connection is gone: what it carried is worthless, and a new one is planned.
    fn lost(&mut self, place: usize, why: &str) {
        let t = self.pulse.t();
        self.wake_at(t);
        let banned = is_ban(why);
        let maintenance = self.system == Some(System::Maintenance);
        let Some(shard) = self.shards.get_mut(place) else { return };
        let Some(conn) = shard.conn.take() else { return };
        self.conns.retain(|(known, _)| *known != conn);
        self.barriers.retain(|b| b.conn != conn);
        let lived = if let Socket::Up { since } = shard.socket { Some(t.saturating_sub(since)) } else { None };
        let stable = lived.is_some_and(|ms| ms >= STABLE_MS);
        shard.failures = if stable { 0 } else { shard.failures.saturating_add(1) };
        if lived.is_none() {
            self.failing = self.failing.saturating_add(1);
        }
        // many connections that fail once each are a line that fails often
        let failures = shard.failures.max(self.failing);
        let mut wait = match failures.checked_sub(self.settings.quick_reconnects.saturating_add(1)) {
            None => i64::try_from(self.random.below(250)).unwrap_or(0),
            Some(retry) => i64::try_from(self.backoff.delay_ms(retry)).unwrap_or(30_000),
        };
        if maintenance {
            wait = wait.max(self.settings.maintenance_wait_ms);
        }
        if self.failing >= PROBE_AFTER {
            self.connect_from = self.connect_from.max(t.saturating_add(wait));
        }
        shard.socket = Socket::Closed { at: t.saturating_add(wait) };
        shard.trouble = why.chars().take(200).collect();
        shard.pings.clear();
        shard.drained = UtcMs(i64::MIN);
        shard.lose_subscriptions();
        let name = shard.name.clone();
        if banned {
            self.banned_until = t.saturating_add(self.settings.ban_wait_ms);
            let minutes = self.settings.ban_wait_ms / 60_000;
            self.notes.say(t, "ban", || {
                format!(
                    "the exchange refuses connections from this address ({why}); the next try is in {minutes} minutes"
                )
            });
        } else {
            self.notes.say(t, "lost", || format!("connection '{name}' lost: {why}"));
        }
        self.forget_shard(place);
    }

    /// Marks what came over the shard's connection as lost.
    pub(super) fn forget_shard(&mut self, place: usize) {
        let subs = self.shards.get(place).map_or(0, |s| s.subs.len());
        for sub in 0..subs {
            self.forget_sub(place, sub);
        }
    }

    pub(super) fn run_sockets(&mut self, t: i64, out: &mut Vec<Output>) {
        for place in 0..self.shards.len() {
            self.watch(t, place, out);
        }
        self.open_sockets(t, out);
    }

    /// The watchdog of one connection.
    fn watch(&mut self, t: i64, place: usize, out: &mut Vec<Output>) {
        let settings = &self.settings;
        let Some(shard) = self.shards.get(place) else { return };
        let (deadline, why) = match shard.socket {
            Socket::Closed { .. } => return,
            Socket::Connecting { since } => {
                (since.saturating_add(settings.connect_timeout_ms), "the connection did not open")
            }
            Socket::Opened { since } => {
                (since.saturating_add(settings.connect_timeout_ms), "the connection opened but said nothing")
            }
            Socket::Up { .. } => (shard.last_frame.saturating_add(settings.silence_ms), "silent: no sign of life"),
        };
        if t >= deadline {
            self.counters.watchdog = self.counters.watchdog.saturating_add(1);
            self.drop_connection(place, why, out);
            return;
        }
        let pinged = shard.pings.back().map_or(i64::MIN, |p| p.2);
        let ping_at = shard.last_frame.max(pinged).saturating_add(settings.ping_after_ms);
        let mut next = deadline;
        if shard.is_up() {
            if t >= ping_at {
                if let Some(conn) = shard.conn {
                    self.ping(conn, out);
                }
                next = next.min(t.saturating_add(self.settings.ping_after_ms));
            } else {
                next = next.min(ping_at);
            }
        }
        self.wake_at(next);
    }

    /// Asks a connection for a sign of life; gives the request's number.
    pub(super) fn ping(&mut self, conn: ConnId, out: &mut Vec<Output>) -> u64 {
        let (t, safe_now) = (self.pulse.t(), self.pulse.safe_now());
        self.next_request = self.next_request.saturating_add(1);
        if let Some(shard) = self.shard_of(conn).and_then(|s| self.shards.get_mut(s)) {
            shard.pinged(self.next_request, safe_now, t);
        }
        if let Ok(text) = serde_json::to_string(&Ping::new(self.next_request)) {
            out.push(Output::Send(conn, text));
        }
        self.next_request
    }

    /// Opens what may be opened now.
    fn open_sockets(&mut self, t: i64, out: &mut Vec<Output>) {
        let from = self.banned_until.max(self.connect_from);
        let opening = |s: &super::shard::Shard| matches!(s.socket, Socket::Connecting { .. } | Socket::Opened { .. });
        let mut underway = self.shards.iter().filter(|s| opening(s)).count();
        let at_once = if self.failing >= PROBE_AFTER { 1 } else { self.settings.connects_at_once.max(1) };
        for place in 0..self.shards.len() {
            let Some(shard) = self.shards.get_mut(place) else { continue };
            let Socket::Closed { at } = shard.socket else { continue };
            let at = at.max(from);
            if t < at {
                self.wake = self.wake.min(at);
                continue;
            }
            if underway >= at_once {
                // the end of an attempt wakes the link
                break;
            }
            if !self.attempts.take(t) {
                let free = self.attempts.free_at(t);
                let seconds = free.saturating_sub(t) / 1_000;
                let most = self.attempts.most();
                self.notes.say(t, "connect limit", || {
                    format!("{most} connects within ten minutes are used up; the next is in {seconds} s")
                });
                self.wake = self.wake.min(free);
                break;
            }
            self.next_conn = self.next_conn.wrapping_add(1);
            let conn = ConnId(self.next_conn);
            shard.conn = Some(conn);
            shard.socket = Socket::Connecting { since: t };
            self.conns.push((conn, place));
            underway = underway.saturating_add(1);
            self.counters.connects = self.counters.connects.saturating_add(1);
            out.push(Output::Connect(conn));
            self.wake = self.wake.min(t.saturating_add(self.settings.connect_timeout_ms));
        }
    }

    /// The first frame of a connection came: it works.
    pub(super) fn connection_up(&mut self, place: usize) {
        let t = self.pulse.t();
        self.failing = 0;
        self.connect_from = 0;
        let Some(shard) = self.shards.get_mut(place) else { return };
        shard.socket = Socket::Up { since: t };
        if std::mem::replace(&mut shard.was_up, true) {
            shard.reconnects = shard.reconnects.saturating_add(1);
            self.counters.reconnects = self.counters.reconnects.saturating_add(1);
            self.refresh_after_reconnect(t);
        }
        let pairs: Vec<usize> =
            self.shards.get(place).map(|s| s.subs.iter().filter_map(|sub| sub.pair).collect()).unwrap_or_default();
        for pair in pairs {
            self.touch(pair);
        }
        self.wake_at(t);
    }
}

/// Whether the words of a failed connect mean that this address is shut out for a while.
fn is_ban(why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    (why.contains("http") && why.contains("429"))
        || why.contains("too many")
        || why.contains("banned")
        || why.contains("rate limit")
}
