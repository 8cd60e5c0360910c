//! Engine and paper broker as one machine: what replay and backtest drive.
//!
//! Orders meet the simulated broker inside `step`, fills come back as events in the same step; what is left for the driver is to ask agents, to
//! write records and to show alerts. There is no way from here to an exchange: the paper wall is the type.

use serde::{Deserialize, Serialize};

use super::engine::{DURABLE_FORMAT, Durable, Engine};
use crate::broker::paper::{BrokerEvent, PaperBroker};
use crate::domain::event::{Effect, Event, Finding, Record};
use crate::domain::follow::Followed;
use crate::domain::instrument::Instrument;
use crate::domain::order::Order;
use crate::domain::settings::PaperSettings;
use crate::domain::time::UtcMs;
use crate::ml::online::Follower;

/// Durable state of engine and broker together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub engine: Durable,
    pub broker: PaperBroker,
}

/// A checkpoint that cannot be continued from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error(
        "the stored state has format {found}, this version reads {DURABLE_FORMAT}; start a new account with --fresh"
    )]
    Format { found: u32 },
    #[error("the stored state cannot be read ({0}); start a new account with --fresh")]
    Unreadable(String),
}

/// One paper session.
#[derive(Debug)]
pub struct PaperSession {
    engine: Engine,
    broker: PaperBroker,
    /// The newest data the broker has seen: a restart feeds old data to the windows only.
    seen: UtcMs,
    warmup: bool,
    dirty: bool,
    /// Whether the durable state is told after every cycle.
    checkpoints: bool,
}

impl PaperSession {
    /// A new account.
    #[must_use]
    pub fn new(settings: &PaperSettings, instruments: Vec<Instrument>, session: u32) -> Self {
        let broker = PaperBroker::new(settings, instruments.clone());
        let engine = Engine::new(settings, instruments, session);
        Self { engine, broker, seen: UtcMs(i64::MIN), warmup: false, dirty: false, checkpoints: true }
    }

    /// Continues an account from a stored checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError`] when the state is unreadable or of another format.
    pub fn resume(instruments: Vec<Instrument>, state: &serde_json::Value) -> Result<Self, CheckpointError> {
        let found = state.pointer("/engine/format").and_then(serde_json::Value::as_u64).unwrap_or(0) as u32;
        if found != DURABLE_FORMAT {
            return Err(CheckpointError::Format { found });
        }
        let Checkpoint { engine, broker } =
            Checkpoint::deserialize(state).map_err(|e| CheckpointError::Unreadable(e.to_string()))?;
        let seen = engine.last_at;
        let engine = Engine::resume(instruments, engine);
        Ok(Self { engine, broker, seen, warmup: false, dirty: false, checkpoints: true })
    }

    /// The same without checkpoints: for a run that nobody will continue.
    #[must_use]
    pub fn without_checkpoints(mut self) -> Self {
        self.checkpoints = false;
        self
    }

    /// Follows these models; see [`Engine::follow`]. `rows` are what an earlier run of this session left in the journal up to its
    /// checkpoint.
    pub fn follow(&mut self, followers: Vec<Follower>, rows: &[Followed]) {
        self.engine.follow(followers);
        self.engine.remember(rows);
    }

    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// One event in, its effects out; orders and fills between engine and broker have already happened.
    pub fn step(&mut self, event: &Event) -> Vec<Effect> {
        let mut out = Vec::new();
        match event {
            Event::Market(batch) => self.warmup = batch.warmup,
            Event::Reply(reply) => {
                if let Finding::Market(update) = &reply.finding
                    && update.at > self.seen
                {
                    self.seen = update.at;
                    for candle in &update.candles {
                        let events = self.broker.on_candle(candle);
                        self.broker_events(events, &mut out);
                        let events = self.broker.meet_new_stops(candle);
                        self.broker_events(events, &mut out);
                    }
                }
            }
            _ => {}
        }
        let effects = self.engine.step(event);
        self.carry_out(effects, &mut out);
        if self.dirty && !self.engine.in_cycle() && !self.warmup {
            self.dirty = false;
            out.extend(self.engine.followed().map(|record| Effect::Record(Box::new(record))));
            if self.checkpoints
                && let Some(record) = self.checkpoint()
            {
                out.push(Effect::Record(Box::new(record)));
            }
        }
        out
    }

    /// The durable state as a journal row.
    fn checkpoint(&self) -> Option<Record> {
        let at = self.engine.durable().last_at;
        let state = Checkpoint { engine: self.engine.checkpoint(), broker: self.broker.clone() };
        serde_json::to_value(&state).ok().map(|state| Record::Checkpoint { at, state })
    }

    fn broker_events(&mut self, events: Vec<BrokerEvent>, out: &mut Vec<Effect>) {
        for event in events {
            let event = match event {
                // Told before an answer to an earlier event of the same candle cancelled the order: out of date.
                BrokerEvent::Order(order) if !order.status.is_final() && !self.is_working(&order) => continue,
                BrokerEvent::Order(order) => Event::OrderUpdate(order),
                BrokerEvent::Fill(fill) => Event::Fill(fill),
            };
            let effects = self.engine.step(&event);
            self.carry_out(effects, out);
        }
    }

    fn is_working(&self, order: &Order) -> bool {
        self.broker.working(order.intent.account).any(|o| o.intent.order == order.intent.order)
    }

    fn carry_out(&mut self, effects: Vec<Effect>, out: &mut Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Submit(intent) => {
                    let events = self.broker.submit(&intent);
                    self.broker_events(events, out);
                }
                Effect::Cancel(order, account) => {
                    let at = self.engine.durable().last_at;
                    let events = self.broker.cancel(order, account, at);
                    self.broker_events(events, out);
                }
                Effect::Record(record) => {
                    self.dirty = true;
                    out.push(Effect::Record(record));
                }
                other => out.push(other),
            }
        }
    }
}
