//! What the control API does: status, faults, trades, disconnects, and looking inside.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::api::{ConnKey, Ending};
use super::exchange::{Exchange, Timer};
use super::faults::{Fault, Kind};
use crate::simulator::listing::PairStatus;
use crate::simulator::protocol::{Side, TapeTrade};

impl Exchange {
    /// Arms a fault; its id. A maintenance cycle starts at once.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add_fault(&mut self, mut fault: Fault) -> Result<u64, String> {
        if !(0.0..=1.0).contains(&fault.p) {
            return Err("p must lie between 0 and 1".to_owned());
        }
        if let Some(name) = &fault.place.pair {
            let pair = self.market.listing().find(name).ok_or_else(|| format!("no pair '{name}'"))?;
            fault.place.pair = Some(pair.symbol.to_string());
        }
        if fault.kind == Kind::Maintenance {
            self.cycle_status(PairStatus::Maintenance, fault.span_ms(30));
            return Ok(0);
        }
        if fault.kind == Kind::RestLag {
            self.desk.set_rest_lag(fault.span_ms(2));
            if let Some(s) = fault.for_s {
                self.at(self.now.plus_ms(s.saturating_mul(1_000)), Timer::LagEnds);
            }
        }
        Ok(self.faults.add(self.now, fault))
    }

    /// Disarms one fault, or all; how many there were.
    pub fn remove_faults(&mut self, id: Option<u64>) -> usize {
        let removed = self.faults.remove(id);
        if self.faults.present(self.now, Kind::RestLag).is_none() {
            self.desk.set_rest_lag(0);
        }
        removed
    }

    /// Sets the state of the whole exchange and tells every socket.
    pub fn set_system_status(&mut self, status: PairStatus) {
        self.system = status;
        self.market.set_system_status(status.as_str());
        let all: Vec<(ConnKey, u64)> = self.sessions.iter().map(|(c, s)| (*c, s.connection_id)).collect();
        for (conn, id) in all {
            self.send_status(conn, id);
        }
        self.settle();
    }

    /// Sets the state of one pair; `instrument` tells it.
    ///
    /// # Errors
    /// When there is no such pair.
    pub fn set_pair_status(&mut self, pair: &str, status: PairStatus) -> Result<(), String> {
        let symbol =
            self.market.listing().find(pair).map(|p| p.symbol.clone()).ok_or_else(|| format!("no pair '{pair}'"))?;
        self.market.set_pair_status(&symbol, status);
        self.settle();
        Ok(())
    }

    /// One step of a maintenance cycle.
    pub(super) fn cycle_status(&mut self, status: PairStatus, span_ms: i64) {
        self.set_system_status(status);
        let next = match status {
            PairStatus::Maintenance => PairStatus::CancelOnly,
            PairStatus::CancelOnly => PairStatus::PostOnly,
            PairStatus::PostOnly => PairStatus::Online,
            _ => return,
        };
        self.at(self.now.plus_ms(span_ms.max(1)), Timer::Status(next, span_ms));
    }

    /// A trade between others, now.
    ///
    /// # Errors
    /// When there is no such pair or the numbers do not fit it.
    pub fn inject_trade(
        &mut self,
        pair: &str,
        taker: Side,
        price: Decimal,
        qty: Decimal,
        market: bool,
    ) -> Result<(), String> {
        let symbol =
            self.market.listing().find(pair).map(|p| p.symbol.clone()).ok_or_else(|| format!("no pair '{pair}'"))?;
        let trade = TapeTrade { symbol, id: 0, at: self.now, price, qty, taker, market };
        self.market.inject_trade(trade).map_err(|e| e.to_string())?;
        self.settle();
        Ok(())
    }

    /// Ends one socket, or all of them; how many.
    pub fn disconnect(&mut self, conn: Option<ConnKey>, how: Ending) -> usize {
        let all: Vec<ConnKey> =
            self.sessions.keys().copied().filter(|c| conn.is_none_or(|wanted| wanted == *c)).collect();
        all.iter().for_each(|c| self.end(*c, how));
        all.len()
    }

    /// Orders of all accounts as the desk knows them.
    #[must_use]
    pub fn orders(&self) -> Value {
        self.desk.orders_json()
    }

    /// Fills of all accounts.
    #[must_use]
    pub fn fills(&self) -> Value {
        self.desk.fills_json()
    }

    #[must_use]
    pub fn log(&self) -> Value {
        self.log.entries()
    }

    /// The state in short.
    #[must_use]
    pub fn state(&self) -> Value {
        let sessions: Vec<Value> = self
            .sessions
            .iter()
            .map(|(conn, s)| {
                let subs: Vec<String> = s.subs.keys().map(|k| format!("{} {}", k.channel(), k.symbol().map_or("", |s| s))).collect();
                json!({"conn": conn.0, "endpoint": format!("{:?}", s.endpoint), "silent": s.silent, "subscriptions": subs})
            })
            .collect();
        let c = self.counted;
        json!({
            "now_ns": self.now.0, "now": self.stamp(), "system": self.system.as_str(), "sessions": sessions, "faults": self.faults.list(),
            "counted": {"rest_calls": c.rest_calls, "messages": c.messages, "frames": c.frames, "connects": c.connects,
                        "refused": c.refused, "faults": c.faults, "slow_clients": c.slow_clients},
        })
    }

    /// SHA-256 over all state and everything that was sent, as hex digits.
    pub fn digest(&mut self) -> String {
        let mut hash = Sha256::new();
        self.market.state_hash(&mut |bytes| hash.update(bytes));
        hash.update(self.desk.state_hash());
        let sessions: Vec<Value> = self.sessions.values().map(super::session::Session::fingerprint).collect();
        let timers: Vec<String> = self.timers.iter().map(|(k, t)| format!("{k:?} {t:?}")).collect();
        let gateway = json!([
            self.now.0,
            self.system.as_str(),
            sessions,
            timers,
            self.keyring.fingerprint(self.now),
            self.tokens.fingerprint(),
            self.faults.fingerprint(),
            self.serial,
            self.log.written(),
            self.sent.clone().finalize(),
        ]);
        hash.update(gateway.to_string());
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Checks what must always hold.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(&self) -> Result<(), String> {
        self.market.check()?;
        self.desk.check()
    }
}
