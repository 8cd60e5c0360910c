//! The running system: feeds data, carries out effects, answers commands.

mod commands;
mod models;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::direct::Answered;
use super::feed::Feed;
use super::handle::Ports;
use super::picture::Picture;
use super::retraining::{Candidates, Retraining};
use super::shelf::Shelf;
use super::source::LinkPicture;
use super::startup::Ready;
use super::{Launch, OrchestratorError, Summary};
use crate::agents::{AgentEvent, AgentHandle};
use crate::decision::session::PaperSession;
use crate::domain::agent::{AgentKind, AgentState};
use crate::domain::alert::Severity;
use crate::domain::command::{Ack, Command, CommandId};
use crate::domain::decision::{DecisionKind, Verdict};
use crate::domain::error::ErrorClass;
use crate::domain::event::{Ask, Effect, Event, Finding, Record};
use crate::domain::quality::Quarantined;
use crate::domain::snapshot::{Notice, NoticeKind, SystemState};
use crate::domain::time::UtcMs;
use crate::store::{Journal, QuarantineFile};

/// Pictures per second at most; interfaces draw at most this often.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);
/// Without a change, the picture is renewed this often (in publishing ticks) for the figures of the process.
const IDLE_TICKS: u32 = 20;
/// How long an agent may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// Wait before a batch is offered again to a collector that failed.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Drives one session to its end.
pub(super) struct Conductor {
    session: PaperSession,
    session_id: u32,
    journal: Journal,
    shelf: Shelf,
    retraining: Retraining,
    quarantine: QuarantineFile,
    agents: BTreeMap<AgentKind, AgentHandle>,
    events: mpsc::Receiver<AgentEvent>,
    feed: Feed,
    link: LinkPicture,
    picture: Picture,
    ports: Ports,
    launch: Launch,
    pending: Vec<Record>,
    notice: u64,
    held: bool,
    ended: bool,
    dirty: bool,
    /// The collector could not take the batch; it is offered again when this is due.
    retry: bool,
    /// Answers of agents to commands, on their way to the journal.
    answers: (mpsc::Sender<Answered>, mpsc::Receiver<Answered>),
    waiting_acks: BTreeMap<CommandId, (Command, tokio::sync::oneshot::Sender<Ack>)>,
    warmup: bool,
    trading_from: UtcMs,
}

fn quarantine(launch: &Launch) -> QuarantineFile {
    let s = &launch.settings.quarantine;
    QuarantineFile::new(&launch.home.join(&s.dir), s.keep_files, s.max_file_mb.saturating_mul(1_000_000))
}

impl Conductor {
    pub(super) fn new(ready: Ready, picture: Picture, ports: Ports, launch: Launch) -> Self {
        let trading_from = ready.trading_from;
        Self {
            session: ready.session,
            session_id: ready.session_id,
            journal: ready.journal,
            retraining: Retraining::new(&launch, ready.shelf.trained_to()),
            shelf: ready.shelf,
            quarantine: quarantine(&launch),
            agents: ready.agents,
            events: ready.events,
            feed: ready.feed,
            link: ready.link,
            picture,
            ports,
            launch,
            pending: Vec::new(),
            notice: 0,
            held: false,
            ended: false,
            dirty: true,
            retry: false,
            answers: mpsc::channel(64),
            waiting_acks: BTreeMap::new(),
            warmup: true,
            trading_from,
        }
    }

    /// Until the end of the recording (with `until_end`), a shutdown or `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) -> Result<Summary, OrchestratorError> {
        let mut publish = tokio::time::interval(PUBLISH_EVERY);
        publish.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut retry = tokio::time::interval(RETRY_AFTER);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut idle = 0;
        self.picture.snapshot.flow_absent = self.link.flow_absent();
        self.say("the session has started");
        loop {
            let can_feed = self.can_feed();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(envelope) = self.ports.urgent.recv() => {
                    if self.command(envelope).await? {
                        break;
                    }
                }
                Some(envelope) = self.ports.commands.recv() => {
                    self.command(envelope).await?;
                }
                Some(answered) = self.answers.1.recv() => self.answered(answered)?,
                Some(event) = self.events.recv() => self.agent_event(event)?,
                trained = self.retraining.done() => self.trained(trained)?,
                _ = publish.tick() => {
                    idle += 1;
                    if let Some(link) = self.link.news() {
                        self.picture.snapshot.link = Some(link);
                    }
                    if let Some(progress) = self.retraining.progress() {
                        self.picture.snapshot.progress = Some(progress);
                        self.dirty = true;
                    }
                    if let Some(flow) = self.link.flow_news() {
                        self.picture.snapshot.flow = flow;
                        self.dirty = true;
                    }
                    if self.dirty || idle >= IDLE_TICKS {
                        idle = 0;
                        self.publish();
                    }
                }
                _ = retry.tick(), if self.retry => self.offer_again()?,
                () = self.feed.due(), if can_feed => self.next_batch()?,
            }
            if self.ended && self.launch.until_end {
                break;
            }
        }
        self.shut_down().await
    }

    fn can_feed(&self) -> bool {
        !self.held
            && !self.ended
            && !self.feed.waiting()
            && !self.session.engine().in_cycle()
            && self.agents.get(&AgentKind::DataCollector).is_some_and(|a| a.state() == AgentState::Running)
    }

    fn next_batch(&mut self) -> Result<(), OrchestratorError> {
        match self.feed.next()? {
            Some(batch) => {
                self.warmup = batch.warmup;
                self.pump(Event::Market(batch))
            }
            None => {
                self.ended = true;
                self.dirty = true;
                let at = self.session.engine().durable().last_at;
                self.pump(Event::SourceEnded { at })?;
                self.journal.end_session(self.session_id)?;
                self.say("the recording has been played to its end");
                Ok(())
            }
        }
    }

    fn offer_again(&mut self) -> Result<(), OrchestratorError> {
        if self.agents.get(&AgentKind::DataCollector).is_none_or(|a| a.state() != AgentState::Running) {
            return Ok(());
        }
        self.retry = false;
        match self.feed.again() {
            Some(batch) => self.pump(Event::Market(batch)),
            None => {
                let text = "a batch of data failed again and again and was left out: the windows start anew; see the log for the error";
                self.pump(Event::Recovery {
                    agent: AgentKind::DataCollector,
                    class: ErrorClass::Data,
                    severity: Severity::Critical,
                    text: text.to_owned(),
                })
            }
        }
    }

    fn agent_event(&mut self, event: AgentEvent) -> Result<(), OrchestratorError> {
        match event {
            AgentEvent::Reply(reply) => {
                if let Finding::Market(update) = &reply.finding {
                    self.feed.done();
                    self.keep(&update.quarantined);
                    self.picture.candles(&update.candles);
                    if let Some(recorder) = &self.launch.recorder {
                        recorder.candles(&update.candles);
                    }
                    self.picture.advance(update.at, self.warmup);
                    self.dirty = true;
                }
                self.pump(Event::Reply(reply))
            }
            AgentEvent::Missed { cycle, agent, why } => {
                tracing::warn!(cycle, agent = %agent, why, "an agent did not answer");
                self.dirty = true;
                self.missed(cycle, agent, why)
            }
            AgentEvent::State { agent, from, trigger, to, errors, .. } => {
                // Every question and answer passes through Processing; only the rest is news.
                if to != AgentState::Processing && from != AgentState::Processing {
                    tracing::info!(agent = %agent, from = %from, trigger = ?trigger, to = %to, "agent changed state");
                    self.dirty = true;
                }
                if to == AgentState::Error {
                    self.dirty = true;
                }
                self.pump(Event::AgentState { agent, state: to, errors })
            }
            AgentEvent::Recovery { agent, class, station, text, .. } => {
                tracing::warn!(agent = %agent, class = class.as_str(), station = ?station, text, "recovery");
                let Some(severity) = station.severity() else { return Ok(()) };
                self.pump(Event::Recovery { agent, class, severity, text })
            }
        }
    }

    /// Writes refused rows to their file. One that can't be written is counted and told: trading does not wait for it.
    fn keep(&mut self, refused: &[Quarantined]) {
        if refused.is_empty() {
            return;
        }
        let file = &mut self.quarantine;
        if let Err(error) = tokio::task::block_in_place(|| file.append(refused)) {
            self.picture.quarantine_lost += refused.len() as u64;
            tracing::warn!(%error, rows = refused.len(), "refused rows could not be written to the quarantine file");
        }
    }

    fn missed(&mut self, cycle: u64, agent: AgentKind, why: String) -> Result<(), OrchestratorError> {
        if agent == AgentKind::DataCollector && self.feed.waiting() {
            self.retry = true;
        }
        self.pump(Event::Missed { cycle, agent, why })
    }

    /// One event through the core, and everything that follows from it.
    fn pump(&mut self, event: Event) -> Result<(), OrchestratorError> {
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            for effect in self.session.step(&event) {
                match effect {
                    Effect::Ask(ask) => queue.extend(self.ask(*ask)),
                    Effect::Record(record) => self.pending.push(*record),
                    Effect::Acknowledge(id, ack) => self.answer(id, ack),
                    Effect::CycleDone { at, .. } => {
                        self.picture.cycle_done(self.session.engine(), at, self.warmup);
                        self.retrain(at);
                        self.dirty = true;
                    }
                    // Alerts reach the screen through their record, once it is on disk; orders meet the broker in the session.
                    Effect::Alert(_) | Effect::Submit(_) | Effect::Cancel(..) => {}
                }
            }
        }
        if !self.session.engine().in_cycle() { self.commit() } else { Ok(()) }
    }

    /// Hands a question to its agent; an agent that cannot take it has missed it.
    fn ask(&mut self, ask: Ask) -> Option<Event> {
        let (cycle, agent) = (ask.cycle, ask.to);
        let refused = match self.agents.get(&agent) {
            Some(handle) => handle.ask(ask).err()?.to_string(),
            None => "no such agent".to_owned(),
        };
        if agent == AgentKind::DataCollector && self.feed.waiting() {
            self.retry = true;
        }
        Some(Event::Missed { cycle, agent, why: refused })
    }

    /// Writes what is pending in one transaction, then tells of it.
    fn commit(&mut self) -> Result<(), OrchestratorError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let records = std::mem::take(&mut self.pending);
        let journal = &mut self.journal;
        let session = self.session_id;
        tokio::task::block_in_place(|| journal.append(session, &records))?;
        for record in records {
            self.picture.recorded(&record);
            self.tell(record);
        }
        self.dirty = true;
        Ok(())
    }

    /// Numbered notices of what is now on disk, and the log lines that go with them.
    fn tell(&mut self, record: Record) {
        let kind = match record {
            Record::Decision(decision) => {
                let (cycle, id, pair) = (decision.cycle, decision.id, decision.pair.clone());
                match (&decision.verdict, decision.trace.first_block()) {
                    (Verdict::Block { reason }, step) => {
                        let (name, value) = step.map_or(("", None), |s| (s.name.as_str(), s.value));
                        tracing::debug!(cycle, decision = %id, pair = %pair, confidence = decision.confidence, reason = reason.as_str(), step = name, value, "signal blocked");
                    }
                    (Verdict::Pass { qty, .. }, _) => {
                        let exit = decision.kind == DecisionKind::Exit;
                        tracing::info!(cycle, decision = %id, pair = %pair, qty = %qty, exit, account = %decision.account, "decision passed");
                    }
                }
                NoticeKind::Decision(Arc::new(*decision))
            }
            Record::Fill(fill) => {
                tracing::info!(order = %fill.order, decision = %fill.decision, account = %fill.account, pair = %fill.pair, side = fill.side.as_str(), price = %fill.price, qty = %fill.qty, fee = %fill.fee, "fill");
                NoticeKind::Fill(fill)
            }
            Record::Outcome(outcome) => {
                tracing::info!(decision = %outcome.decision, account = %outcome.account, pnl = %outcome.pnl, ended_by = outcome.ended_by.as_str(), "trade closed");
                NoticeKind::Outcome(outcome)
            }
            Record::Alert(alert) => {
                tracing::warn!(alert = alert.id, source = alert.source, "{}", alert.text);
                NoticeKind::Alert(alert)
            }
            Record::Cycle(_)
            | Record::Intent(_)
            | Record::Order(_)
            | Record::Followed(_)
            | Record::Command { .. }
            | Record::Checkpoint { .. } => return,
        };
        self.notify(kind);
    }

    fn notify(&mut self, kind: NoticeKind) {
        self.notice += 1;
        // Without a listener there is nobody to tell; the journal has it.
        let _ = self.ports.notices.send(Notice { sequence: self.notice, kind });
    }

    fn say(&mut self, text: &str) {
        tracing::info!("{text}");
        let at = self.launch.clock.now();
        self.notify(NoticeKind::System { at, text: text.to_owned() });
    }

    fn commit_if_idle(&mut self) -> Result<(), OrchestratorError> {
        if self.session.engine().in_cycle() { Ok(()) } else { self.commit() }
    }

    fn system_state(&self) -> (SystemState, Option<String>) {
        let paused = self.agents.values().all(|a| a.state() == AgentState::Paused);
        if let Some(why) = &self.session.engine().durable().halted {
            (SystemState::Halted, Some(format!("no new entries: {why}")))
        } else if self.ended {
            (SystemState::Ended, Some("the recording has been played; the next start begins a new session".to_owned()))
        } else if paused {
            (SystemState::Paused, Some("every agent is paused".to_owned()))
        } else if self.held {
            (SystemState::Held, Some("the replay is held".to_owned()))
        } else if self.warmup {
            (SystemState::WarmingUp, None)
        } else {
            (SystemState::Running, None)
        }
    }

    fn publish(&mut self) {
        self.dirty = false;
        let (state, note) = self.system_state();
        self.picture.snapshot.state = state;
        self.picture.snapshot.note = note;
        self.picture.refresh(self.session.engine(), &self.agents);
        self.picture.publish(&self.ports.snapshots);
    }

    /// Entries stop with the feed; then agents, journal, last picture.
    async fn shut_down(mut self) -> Result<Summary, OrchestratorError> {
        self.picture.snapshot.state = SystemState::Stopping;
        self.picture.publish(&self.ports.snapshots);
        self.retraining.cancel();
        self.finish_cycle().await?;
        let stopping: Vec<_> = self.agents.values().map(AgentHandle::stop).collect();
        for answer in stopping {
            // An agent that does not stop in time is left to the end of the process: its state is in nobody's way.
            let _ = tokio::time::timeout(STOP_WITHIN, answer).await;
        }
        self.commit()?;
        if let Some(recorder) = &self.launch.recorder {
            tokio::task::block_in_place(|| recorder.finish(STOP_WITHIN));
        }
        let source = self.picture.snapshot.source.label.clone();
        let summary = Summary::of(self.session.engine(), &source, self.trading_from);
        self.publish();
        self.say("the session has stopped; its state is in the journal");
        Ok(summary)
    }

    /// Lets a cycle that is under way come to its end, so that the last checkpoint is of a whole cycle.
    async fn finish_cycle(&mut self) -> Result<(), OrchestratorError> {
        let grace = Duration::from_secs(10);
        while self.session.engine().in_cycle() {
            match tokio::time::timeout(grace, self.events.recv()).await {
                Ok(Some(event)) => self.agent_event(event)?,
                // A cycle without its end leaves no trace: the restart repeats it from the checkpoint before.
                Ok(None) | Err(_) => {
                    self.pending.clear();
                    break;
                }
            }
        }
        Ok(())
    }
}
