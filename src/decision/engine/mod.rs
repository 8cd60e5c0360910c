//! The decision path as one deterministic machine: events in, effects out.
//!
//! Serves every driver alike (replay now, live and backtest with the same code). Owns the analysis cycle of the sequence diagram, both accounts, the
//! confidence record, the followed models and the fingerprint; asks the agents through [`Effect::Ask`] and goes on without one that does not answer.
//! Always true: nothing here reads a clock, a file or the network; exits never wait for the gate; the shadow account never
//! touches the main one; warm-up data change no durable state.

mod cycle;
mod decide;
mod fingerprint;
mod follow;
mod orders;
mod record;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use record::{ConfidenceRecord, Watched};

use self::cycle::Cycle;
use self::fingerprint::Fingerprint;
use crate::broker::ledger;
use crate::domain::account::{AccountId, AccountState};
use crate::domain::agent::{AgentKind, AgentState};
use crate::domain::alert::{Alert, Severity};
use crate::domain::command::Ack;
use crate::domain::decision::Decision;
use crate::domain::error::ErrorClass;
use crate::domain::event::{
    AccountView, Ask, Effect, Event, Finding, HealthReport, LimitUse, MarketUpdate, RawBatch, Record, Reply, Request,
};
use crate::domain::follow::FollowedStep;
use crate::domain::frame::Frame;
use crate::domain::instrument::Instrument;
use crate::domain::message::Message;
use crate::domain::money::{Money, Price};
use crate::domain::order::OrderId;
use crate::domain::pair::Pair;
use crate::domain::plan::TradePlan;
use crate::domain::reading::{
    NoPrediction, Prediction, RegimeReading, SentimentReading, TechnicalReading, WhaleReading,
};
use crate::domain::settings::PaperSettings;
use crate::domain::snapshot::{Funnel, PipelineView};
use crate::domain::time::{DAY_MS, UtcMs};
use crate::ml::online::Follower;

/// Refused rows that interfaces can show.
const QUARANTINE_SHOWN: usize = 50;

/// Format of [`Durable`]; a checkpoint of another format is refused.
pub const DURABLE_FORMAT: u32 = 1;

/// An entry order on its way: what its position will need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PendingEntry {
    order: OrderId,
    plan: TradePlan,
    confidence: f64,
    group: u64,
}

/// Everything a restart must find again. Windows of the brains are not here: they are refilled from the recorded data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Durable {
    pub format: u32,
    pub session: u32,
    /// Data time of the newest batch that changed this state.
    pub last_at: UtcMs,
    pub cycle: u64,
    next_decision: u64,
    next_order: u64,
    next_group: u64,
    next_alert: u64,
    pub main: AccountState,
    pub shadow: AccountState,
    entries: Vec<PendingEntry>,
    pub halted: Option<String>,
    fingerprint: Fingerprint,
    pub funnel: Funnel,
    pub funnel_today: Funnel,
    today: UtcMs,
    pub record: ConfidenceRecord,
    /// What agents had told each other for the next cycle; `None` before the first.
    inbox: Option<BTreeMap<AgentKind, Vec<Message>>>,
    /// Data times of the orders of the last minute.
    recent_orders: VecDeque<UtcMs>,
    pub bars: u64,
}

/// The newest readings of one pair, for the interfaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PairState {
    pub frame: Option<Frame>,
    pub regime: Option<RegimeReading>,
    pub technical: Option<TechnicalReading>,
    pub sentiment: Option<SentimentReading>,
    pub whale: Option<WhaleReading>,
    pub predictions: Vec<Prediction>,
    pub no_predictions: Vec<NoPrediction>,
}

/// The engine. See the room's description.
#[derive(Debug)]
pub struct Engine {
    instruments: BTreeMap<Pair, Instrument>,
    durable: Durable,
    resumed: bool,
    marks: BTreeMap<Pair, Price>,
    cycle: Option<Cycle>,
    inbox: BTreeMap<AgentKind, Vec<Message>>,
    agents: BTreeMap<AgentKind, (AgentState, u64)>,
    batch: Option<Arc<RawBatch>>,
    // What the interfaces show; rebuilt by running.
    pairs: BTreeMap<Pair, PairState>,
    pipeline: PipelineView,
    limits: Vec<LimitUse>,
    health: HealthReport,
    cells: BTreeMap<&'static str, (u64, u64)>,
    /// The models in use, and their steps that are not in the journal yet.
    followers: Vec<Follower>,
    steps: Vec<FollowedStep>,
    taken: u64,
}

impl Engine {
    /// A new account at `initial_cash`, session `session`.
    #[must_use]
    pub fn new(paper: &PaperSettings, instruments: Vec<Instrument>, session: u32) -> Self {
        let cash = Money::from_f64(paper.initial_cash).unwrap_or(Money::ZERO);
        let account = |id| ledger::open(id, cash, UtcMs::default());
        let durable = Durable {
            format: DURABLE_FORMAT,
            session,
            last_at: UtcMs(i64::MIN),
            cycle: 0,
            next_decision: 1,
            next_order: 1,
            next_group: 1,
            next_alert: 1,
            main: account(AccountId::Main),
            shadow: account(AccountId::Shadow),
            entries: Vec::new(),
            halted: None,
            fingerprint: Fingerprint::default(),
            funnel: Funnel::default(),
            funnel_today: Funnel::default(),
            today: UtcMs::default(),
            record: ConfidenceRecord::default(),
            inbox: None,
            recent_orders: VecDeque::new(),
            bars: 0,
        };
        Self::with(instruments, durable, false)
    }

    /// Continues from a checkpoint.
    #[must_use]
    pub fn resume(instruments: Vec<Instrument>, durable: Durable) -> Self {
        Self::with(instruments, durable, true)
    }

    fn with(instruments: Vec<Instrument>, durable: Durable, resumed: bool) -> Self {
        Self {
            instruments: instruments.into_iter().map(|i| (i.pair.clone(), i)).collect(),
            durable,
            resumed,
            marks: BTreeMap::new(),
            cycle: None,
            inbox: BTreeMap::new(),
            agents: BTreeMap::new(),
            batch: None,
            pairs: BTreeMap::new(),
            pipeline: PipelineView::default(),
            limits: Vec::new(),
            health: HealthReport::default(),
            cells: BTreeMap::new(),
            followers: Vec::new(),
            steps: Vec::new(),
            taken: 0,
        }
    }

    /// One event in, its effects out, in the order in which they must happen.
    pub fn step(&mut self, event: &Event) -> Vec<Effect> {
        let mut out = Vec::new();
        match event {
            Event::Market(batch) => self.on_market(batch, &mut out),
            Event::Reply(reply) => self.on_reply(reply, &mut out),
            Event::Missed { cycle, agent, why } => self.on_missed(*cycle, *agent, why, &mut out),
            Event::AgentState { agent, state, errors } => {
                self.agents.insert(*agent, (*state, *errors));
            }
            Event::Recovery { agent, class, severity, text } => {
                let at = self.durable.last_at.max(UtcMs::default());
                self.alert(at, *severity, Some(*class), agent.as_str(), text, &mut out);
            }
            Event::OrderUpdate(order) => self.on_order(order, &mut out),
            Event::Fill(fill) => self.on_fill(fill, &mut out),
            Event::Halt { id, scope, at } => {
                self.halt(*scope, *at, &mut out);
                out.push(Effect::Acknowledge(*id, Ack::Accepted));
            }
            Event::Resume { id, at } => {
                let ack = match self.durable.halted.take() {
                    Some(_) => {
                        self.alert(*at, Severity::Info, None, "trading", "trading was resumed by a person", &mut out);
                        Ack::Accepted
                    }
                    None => Ack::Refused { reason: "trading is not halted".to_owned() },
                };
                out.push(Effect::Acknowledge(*id, ack));
            }
            Event::SourceEnded { at } => {
                self.alert(*at, Severity::Info, None, "source", "the recording has been played to its end", &mut out);
            }
        }
        out
    }

    fn on_market(&mut self, batch: &Arc<RawBatch>, out: &mut Vec<Effect>) {
        if !batch.warmup
            && let Some(inbox) = self.durable.inbox.take()
            && self.resumed
        {
            // The first batch after a restart: the windows are refilled, now take up what the agents had told each other.
            self.inbox = inbox;
            self.resumed = false;
        }
        self.pipeline.ingested += batch.rows.len() as u64;
        self.batch = Some(Arc::clone(batch));
        self.ask(AgentKind::DataCollector, Request::FetchMarketData(Arc::clone(batch)), batch.at, out);
    }

    fn on_reply(&mut self, reply: &Reply, out: &mut Vec<Effect>) {
        if reply.from != AgentKind::DataCollector && self.cycle.as_ref().is_none_or(|c| c.id != reply.cycle) {
            return; // an answer to a cycle that has already gone on without it
        }
        for name in &reply.used {
            // The Whale Detector reads the frames of Technical's cell; that is not Technical's reading.
            let cell = Message::CELLS.iter().find(|(cell, _, to, _)| cell == name && *to == reply.from);
            if let Some((cell, ..)) = cell {
                self.cells.entry(cell).or_default().1 += 1;
            }
        }
        for message in &reply.messages {
            self.deliver(message.clone());
        }
        match &reply.finding {
            Finding::Market(update) => self.on_update(update, out),
            finding => self.on_finding(reply.from, finding, out),
        }
    }

    fn on_update(&mut self, update: &MarketUpdate, out: &mut Vec<Effect>) {
        let warmup = self.batch.take().is_none_or(|b| b.warmup);
        for candle in &update.candles {
            self.marks.insert(candle.pair.clone(), candle.close);
        }
        self.count(update);
        if !warmup {
            self.durable.last_at = update.at;
            self.durable.bars += update.candles.len() as u64;
            self.roll_day(update.at);
            ledger::mark(&mut self.durable.main, &self.marks, update.at);
            ledger::mark(&mut self.durable.shadow, &self.marks, update.at);
            for candle in &update.candles {
                self.durable.record.observe(candle);
            }
            self.observe_followed(update, out);
            self.close_expired(update.at, out);
        }
        if !update.frames.is_empty() {
            self.begin_cycle(update, warmup, out);
        }
    }

    fn count(&mut self, update: &MarketUpdate) {
        self.pipeline.accepted += update.candles.len() as u64;
        for q in &update.quarantined {
            *self.pipeline.rejected.entry(q.kind).or_default().entry(q.reason).or_default() += 1;
        }
        if !update.quarantined.is_empty() {
            let newest = Arc::make_mut(&mut self.pipeline.quarantine);
            newest.extend(update.quarantined.iter().cloned());
            newest.drain(..newest.len().saturating_sub(QUARANTINE_SHOWN));
        }
        if let Some(quality) = &update.quality {
            self.pipeline.pairs = Arc::clone(quality);
        }
        self.pipeline.holes += update.holes.len() as u64;
        self.pipeline.frames += update.frames.len() as u64;
        self.pipeline.frames_complete += update.frames.iter().filter(|f| f.quality.complete).count() as u64;
    }

    fn roll_day(&mut self, at: UtcMs) {
        let day = at.plus(-1).floor_to(DAY_MS);
        if day != self.durable.today {
            self.durable.today = day;
            self.durable.funnel_today = Funnel::default();
        }
    }

    /// Puts a message into its receiver's inbox.
    fn deliver(&mut self, message: Message) {
        self.cells.entry(message.name()).or_default().0 += 1;
        self.inbox.entry(message.to()).or_default().push(message);
    }

    fn ask(&mut self, to: AgentKind, request: Request, at: UtcMs, out: &mut Vec<Effect>) {
        let inbox = self.inbox.remove(&to).unwrap_or_default();
        let cycle = self.cycle.as_ref().map_or(self.durable.cycle, |c| c.id);
        out.push(Effect::Ask(Box::new(Ask { cycle, at, to, request, inbox })));
    }

    fn alert(
        &mut self,
        at: UtcMs,
        severity: Severity,
        class: Option<ErrorClass>,
        source: &str,
        text: &str,
        out: &mut Vec<Effect>,
    ) {
        let id = self.durable.next_alert;
        self.durable.next_alert += 1;
        let alert =
            Alert { id, at, severity, class, source: source.to_owned(), text: text.to_owned(), acknowledged: false };
        out.push(Effect::Record(Box::new(Record::Alert(alert.clone()))));
        out.push(Effect::Alert(alert));
    }

    fn account(&self, id: AccountId) -> &AccountState {
        match id {
            AccountId::Main => &self.durable.main,
            AccountId::Shadow => &self.durable.shadow,
        }
    }

    fn account_mut(&mut self, id: AccountId) -> &mut AccountState {
        match id {
            AccountId::Main => &mut self.durable.main,
            AccountId::Shadow => &mut self.durable.shadow,
        }
    }
}

/// What a driver and the interfaces read.
impl Engine {
    #[must_use]
    pub const fn durable(&self) -> &Durable {
        &self.durable
    }

    /// Whether an analysis cycle is under way.
    #[must_use]
    pub const fn in_cycle(&self) -> bool {
        self.cycle.is_some()
    }

    /// An account at the newest prices.
    #[must_use]
    pub fn view(&self, id: AccountId) -> AccountView {
        ledger::view(self.account(id), &self.marks)
    }

    #[must_use]
    pub const fn marks(&self) -> &BTreeMap<Pair, Price> {
        &self.marks
    }

    #[must_use]
    pub const fn pairs(&self) -> &BTreeMap<Pair, PairState> {
        &self.pairs
    }

    #[must_use]
    pub const fn pipeline(&self) -> &PipelineView {
        &self.pipeline
    }

    #[must_use]
    pub fn limits(&self) -> &[LimitUse] {
        &self.limits
    }

    #[must_use]
    pub const fn health(&self) -> &HealthReport {
        &self.health
    }

    /// Per cell of the interaction matrix: messages sent, and messages a brain made use of.
    #[must_use]
    pub const fn cells(&self) -> &BTreeMap<&'static str, (u64, u64)> {
        &self.cells
    }

    /// Hex of the running SHA-256 over decisions, intents, fills and outcomes.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.durable.fingerprint.hex()
    }

    /// The durable state as it must be stored now: taken only between cycles.
    #[must_use]
    pub fn checkpoint(&self) -> Durable {
        let mut durable = self.durable.clone();
        durable.inbox = Some(
            self.inbox
                .iter()
                .map(|(kind, messages)| {
                    (*kind, messages.iter().filter(|m| !m.is_market_data()).cloned().collect::<Vec<_>>())
                })
                .collect(),
        );
        durable
    }

    fn decided(&mut self, decision: Decision, out: &mut Vec<Effect>) {
        self.durable.fingerprint.decision(&decision);
        out.push(Effect::Record(Box::new(Record::Decision(Box::new(decision)))));
    }
}
