//! The snapshot in the making: what has happened, kept in the shape in which interfaces read it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;

use super::{Launch, OrchestratorError, SourceKind};
use crate::agents::AgentHandle;
use crate::clock::Clock;
use crate::decision::engine::{Engine, PairState};
use crate::domain::account::AccountId;
use crate::domain::agent::AgentKind;
use crate::domain::alert::Alert;
use crate::domain::decision::{Decision, DecisionId};
use crate::domain::event::Record;
use crate::domain::instrument::Instrument;
use crate::domain::market::Candle;
use crate::domain::money::Money;
use crate::domain::order::{Fill, Order, Outcome};
use crate::domain::pair::{Interval, Pair, Venue};
use crate::domain::snapshot::{AccountSummary, Mode, PairView, Progress, Snapshot, SystemState};
use crate::domain::time::{DAY_MS, HOUR_MS, UtcMs};
use crate::ml::online::Follower;
use crate::store::{Journal, Table};
use crate::telemetry::ProcessMeter;

const DECISIONS_KEPT: usize = 500;
const ROWS_KEPT: usize = 200;
const CURVE_KEPT: usize = 720;
/// Bars of one length per pair: as many as Kraken hands out, fewer where there are many pairs.
const BARS_KEPT: std::ops::RangeInclusive<usize> = 96..=720;
/// Bars of one length over all pairs: some 40 MB with the copy that readers share.
const BARS_IN_ALL: usize = 140_000;
const ALERTS_KEPT: usize = 200;

/// A bounded list that is shared with readers and copied only when it has changed.
#[derive(Debug)]
struct Shelf<T> {
    items: VecDeque<T>,
    kept: usize,
    shared: Arc<Vec<T>>,
    changed: bool,
}

impl<T: Clone> Shelf<T> {
    fn new(kept: usize) -> Self {
        Self { items: VecDeque::new(), kept, shared: Arc::new(Vec::new()), changed: false }
    }

    fn push(&mut self, item: T) {
        if self.items.len() >= self.kept {
            self.items.pop_front();
        }
        self.items.push_back(item);
        self.changed = true;
    }

    fn share(&mut self) -> Arc<Vec<T>> {
        if self.changed {
            self.shared = Arc::new(self.items.iter().cloned().collect());
            self.changed = false;
        }
        Arc::clone(&self.shared)
    }
}

/// Lists of one account.
#[derive(Debug)]
struct AccountShelves {
    curve: Shelf<(UtcMs, Money)>,
    orders: Shelf<Order>,
    fills: Shelf<Fill>,
    outcomes: Shelf<Outcome>,
}

impl AccountShelves {
    fn new() -> Self {
        Self {
            curve: Shelf::new(CURVE_KEPT),
            orders: Shelf::new(ROWS_KEPT),
            fills: Shelf::new(ROWS_KEPT),
            outcomes: Shelf::new(ROWS_KEPT),
        }
    }
}

/// See the module's description.
pub(super) struct Picture {
    pub(super) snapshot: Snapshot,
    clock: Arc<dyn Clock>,
    decisions: Shelf<Arc<Decision>>,
    accounts: BTreeMap<AccountId, AccountShelves>,
    bars: BTreeMap<Pair, Shelf<Candle>>,
    source_bars: BTreeMap<Pair, Shelf<Candle>>,
    quiet_bars: u32,
    newest: BTreeMap<Pair, UtcMs>,
    pairs: Vec<(Pair, Interval, u32)>,
    process: ProcessMeter,
    lost_logs: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub(super) lost: u64,
    pub(super) quarantine_lost: u64,
    /// Steps of the followed models that are in the picture.
    followed: u64,
}

impl Picture {
    pub(super) fn new(launch: &Launch) -> Self {
        let now = launch.clock.now();
        let snapshot = Snapshot {
            started: now,
            wall: now,
            mode: Mode::Paper,
            state: SystemState::Starting,
            speed: (launch.source == SourceKind::Replay).then_some(launch.speed),
            gate: launch.settings.core.gate.threshold,
            services: launch.services.clone(),
            ..Snapshot::default()
        };
        Self {
            snapshot,
            clock: Arc::clone(&launch.clock),
            decisions: Shelf::new(DECISIONS_KEPT),
            accounts: AccountId::ALL.into_iter().map(|id| (id, AccountShelves::new())).collect(),
            bars: BTreeMap::new(),
            source_bars: BTreeMap::new(),
            quiet_bars: launch.settings.core.pipeline.quiet_bars_max,
            newest: BTreeMap::new(),
            pairs: Vec::new(),
            process: ProcessMeter::default(),
            lost_logs: Arc::clone(&launch.lost_logs),
            lost: 0,
            quarantine_lost: 0,
            followed: 0,
        }
    }

    pub(super) fn set_instruments(&mut self, universe: &[(Pair, Interval)], instruments: &[Instrument]) {
        let decimals = |pair: &Pair| instruments.iter().find(|i| i.pair == *pair).map_or(2, |i| i.price_decimals);
        self.pairs = universe.iter().map(|(pair, interval)| (pair.clone(), *interval, decimals(pair))).collect();
        let kept = (BARS_IN_ALL / universe.len().max(1)).clamp(*BARS_KEPT.start(), *BARS_KEPT.end());
        let shelf = |pair: &Pair| (pair.clone(), Shelf::new(kept));
        self.bars = universe.iter().map(|(pair, _)| shelf(pair)).collect();
        let shorter = universe.iter().filter(|(_, interval)| interval.ms() < HOUR_MS);
        self.source_bars = shorter.map(|(pair, _)| shelf(pair)).collect();
    }

    pub(super) fn fail(&mut self, why: &str) {
        self.snapshot.state = SystemState::Failed;
        self.snapshot.note = Some(why.to_owned());
        self.snapshot.progress = None;
    }

    /// Announces the filling of windows from `first` up to the instant at which trading starts.
    pub(super) fn warm_up(&mut self, first: UtcMs, trading_from: UtcMs) {
        self.snapshot.state = SystemState::WarmingUp;
        self.snapshot.progress = Some(Progress {
            label: "filling the indicator windows".to_owned(),
            done: 0,
            total: trading_from.since(first).max(0) as u64,
        });
    }

    /// Data time has moved on.
    pub(super) fn advance(&mut self, at: UtcMs, warmup: bool) {
        self.snapshot.at = at;
        if warmup {
            let first = self.snapshot.source.first;
            if let Some(progress) = self.snapshot.progress.as_mut() {
                progress.done = at.since(first).max(0) as u64;
            }
        } else {
            self.snapshot.progress = None;
        }
    }

    pub(super) fn candles(&mut self, candles: &[Candle]) {
        for candle in candles {
            self.newest.insert(candle.pair.clone(), candle.close_time());
            // The warm-up of live data also brings whole hours; those come with their frames.
            if let Some(bars) = self.source_bars.get_mut(&candle.pair).filter(|_| candle.interval.ms() < HOUR_MS) {
                bars.push(candle.clone());
            }
        }
    }

    /// Takes the hourly bars of a finished cycle, and the equity it ended with.
    pub(super) fn cycle_done(&mut self, engine: &Engine, at: UtcMs, warmup: bool) {
        for (pair, state) in engine.pairs() {
            if let Some(frame) = state.frame.as_ref().filter(|f| f.at == at)
                && let Some(bars) = self.bars.get_mut(pair)
            {
                bars.push(frame.bar.clone());
            }
        }
        if !warmup {
            for (id, shelves) in &mut self.accounts {
                shelves.curve.push((at, engine.view(*id).equity));
            }
        }
    }

    /// Takes a record that is safely in the journal.
    pub(super) fn recorded(&mut self, record: &Record) {
        match record {
            Record::Decision(decision) => self.decisions.push(Arc::new((**decision).clone())),
            Record::Order(order) => {
                if let Some(shelves) = self.accounts.get_mut(&order.intent.account)
                    && order.status.is_final()
                {
                    shelves.orders.push(order.clone());
                }
            }
            Record::Fill(fill) => {
                if let Some(shelves) = self.accounts.get_mut(&fill.account) {
                    shelves.fills.push(fill.clone());
                }
            }
            Record::Outcome(outcome) => {
                if let Some(shelves) = self.accounts.get_mut(&outcome.account) {
                    shelves.outcomes.push(outcome.clone());
                }
            }
            Record::Alert(alert) => self.alert(alert.clone()),
            Record::Intent(_)
            | Record::Cycle(_)
            | Record::Followed(_)
            | Record::Command { .. }
            | Record::Checkpoint { .. } => {}
        }
    }

    fn alert(&mut self, alert: Alert) {
        let alerts = &mut self.snapshot.alerts;
        if alerts.len() >= ALERTS_KEPT {
            // Acknowledged ones go first; an open alert leaves only when all are open.
            let oldest = alerts.iter().position(|a| a.acknowledged).unwrap_or(0);
            alerts.remove(oldest);
        }
        alerts.push(alert);
    }

    /// Shows what an earlier run of the same session had recorded.
    pub(super) fn restore(&mut self, journal: &Journal, session: u32) -> Result<(), OrchestratorError> {
        let of_session = |id: &DecisionId| id.session == session;
        for value in journal.recent(Table::Decisions, DECISIONS_KEPT)?.into_iter().rev() {
            if let Some(decision) = read::<Decision>(value).filter(|d| of_session(&d.id)) {
                self.recorded(&Record::Decision(Box::new(decision)));
            }
        }
        for value in journal.recent(Table::Fills, ROWS_KEPT)?.into_iter().rev() {
            if let Some(fill) = read::<Fill>(value).filter(|f| of_session(&f.decision)) {
                self.recorded(&Record::Fill(fill));
            }
        }
        for value in journal.recent(Table::Outcomes, ROWS_KEPT)?.into_iter().rev() {
            if let Some(outcome) = read::<Outcome>(value).filter(|o| of_session(&o.decision)) {
                self.recorded(&Record::Outcome(outcome));
            }
        }
        Ok(())
    }

    /// Rebuilds what the engine and the agents know.
    pub(super) fn refresh(&mut self, engine: &Engine, agents: &BTreeMap<AgentKind, AgentHandle>) {
        let durable = engine.durable();
        let pairs: Vec<PairView> = self
            .pairs
            .clone()
            .into_iter()
            .map(|(pair, interval, d)| self.pair_view(engine, pair, interval, d))
            .collect();
        let decisions = self.decisions.share();
        let (main, shadow) = (self.summary(engine, AccountId::Main), self.summary(engine, AccountId::Shadow));
        let s = &mut self.snapshot;
        s.cycle = durable.cycle;
        s.fingerprint = engine.fingerprint();
        s.pairs = pairs;
        s.decisions = decisions;
        s.main = Some(main);
        s.shadow = Some(shadow);
        s.funnel = durable.funnel.clone();
        s.funnel_today = durable.funnel_today.clone();
        s.limits = engine.limits().to_vec();
        s.pipeline = engine.pipeline().clone();
        s.pipeline.quarantine_lost = self.quarantine_lost;
        let health = engine.health();
        let followed = std::mem::replace(&mut self.followed, engine.steps_taken());
        for model in s.models.iter_mut().filter(|_| followed != engine.steps_taken()) {
            let own = engine.followers().iter().find(|f| f.horizon() == model.horizon && f.model() == model.version);
            model.live = own.map(Follower::view);
        }
        s.gates.clone_from(&health.gates);
        s.components.clone_from(&health.components);
        s.health_score = health.score;
        s.brier = durable.record.brier();
        s.ece = durable.record.ece();
        s.matured = durable.record.matured();
        s.cells = engine.cells().iter().map(|(name, counts)| ((*name).to_owned(), *counts)).collect();
        s.agents = agents.values().map(AgentHandle::view).collect();
    }

    fn pair_view(&mut self, engine: &Engine, pair: Pair, interval: Interval, price_decimals: u32) -> PairView {
        let none = PairState::default();
        let state = engine.pairs().get(&pair).unwrap_or(&none);
        let bars = self.bars.get_mut(&pair).map_or_else(|| Arc::new(Vec::new()), Shelf::share);
        let source_bars = self.source_bars.get_mut(&pair).map_or_else(Arc::default, Shelf::share);
        let last = engine.marks().get(&pair).copied();
        let last_at = self.newest.get(&pair).copied();
        let change_24h = day_change(&bars, self.snapshot.at, last.map(|p| p.to_f64()));
        let quality = state.frame.as_ref().map(|f| &f.quality);
        PairView {
            venue: Venue::Kraken,
            interval,
            price_decimals,
            last,
            last_at,
            change_24h,
            bars,
            source_bars,
            quiet_bars: self.quiet_bars,
            regime: state.regime,
            technical: state.technical.clone(),
            sentiment: state.sentiment.clone(),
            whale: state.whale.clone(),
            predictions: state.predictions.clone(),
            no_predictions: state.no_predictions.clone(),
            complete: quality.is_some_and(|q| q.complete),
            data_note: quality.and_then(|q| q.note.clone()),
            stale: last_at.is_none_or(|t| self.snapshot.at.since(t) > 2 * interval.ms()),
            pair,
        }
    }

    fn summary(&mut self, engine: &Engine, id: AccountId) -> AccountSummary {
        let view = engine.view(id);
        let unrealised = view
            .state
            .positions
            .values()
            .filter_map(|p| engine.marks().get(&p.pair).map(|m| m.times(p.qty) - p.entry.times(p.qty)))
            .sum();
        let shelves = self.accounts.entry(id).or_insert_with(AccountShelves::new);
        AccountSummary {
            id,
            marks: engine.marks().clone(),
            equity: view.equity,
            unrealised,
            day_pnl: view.day_pnl,
            drawdown: view.drawdown,
            exposure: view.exposure,
            equity_curve: shelves.curve.share(),
            recent_orders: shelves.orders.share(),
            recent_fills: shelves.fills.share(),
            recent_outcomes: shelves.outcomes.share(),
            state: view.state,
        }
    }

    /// Publishes the picture as a new version.
    pub(super) fn publish(&mut self, to: &watch::Sender<Arc<Snapshot>>) {
        self.snapshot.version += 1;
        self.snapshot.wall = self.clock.now();
        let usage = self.process.sample(self.clock.monotonic_ms());
        self.snapshot.memory = usage.memory;
        self.snapshot.cpu = usage.cpu;
        self.snapshot.lost = self.lost + (self.lost_logs)();
        to.send_replace(Arc::new(self.snapshot.clone()));
    }
}

/// A row of the journal as its type; a row of an older shape is not shown.
fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

/// Change of the last price against the hourly close of 24 hours before; `None` without that bar.
fn day_change(bars: &[Candle], at: UtcMs, last: Option<f64>) -> Option<f64> {
    let wanted = at.floor_to(HOUR_MS).plus(-DAY_MS);
    let then = bars.iter().rev().find(|b| b.close_time() <= wanted)?;
    // An older bar would compare with another day: a gap there is no value.
    (then.close_time() == wanted).then_some(())?;
    Some(last? / then.close.to_f64() - 1.0)
}
