//! The one task that owns the exchange: it moves the clock, runs commands, and hands frames to sockets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::simulator::clock::{ClockMode, SimClock};
use crate::simulator::gateway::{
    ConnKey, Ending, Endpoint, Exchange, Refusal, RestCall, RestEffect, RestReply, ServerOut, Ticket,
};
use crate::simulator::protocol::SimNs;

/// Commands run between two looks at the clock.
const BATCH: usize = 256;
/// Longest simulated time between two deliveries of one step, so that a long step does not pile up frames.
const SLICE_MS: i64 = 1_000;
/// How long a step waits for a client that does not read.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest sleep: the clock may be changed by its owner.
const LONGEST_SLEEP: Duration = Duration::from_millis(500);

/// What sockets and handles ask of the task.
pub enum Command {
    Rest { call: RestCall, reply: oneshot::Sender<RestReply> },
    Open { endpoint: Endpoint, outbox: Outbox, reply: oneshot::Sender<Result<ConnKey, Refusal>> },
    Text { conn: ConnKey, text: Utf8Bytes },
    Closed { conn: ConnKey },
    Advance { to: SimNs, reply: oneshot::Sender<SimNs> },
    Mode { mode: ClockMode, reply: oneshot::Sender<SimNs> },
    With(Box<dyn FnOnce(&mut Exchange) + Send>),
}

/// The way to one socket.
pub struct Outbox {
    pub frames: mpsc::Sender<Outgoing>,
    /// Ends the socket at once.
    pub abort: CancellationToken,
}

/// What a socket has to write.
#[derive(Debug)]
pub enum Outgoing {
    Text(Utf8Bytes),
    End(Ending),
}

struct Core {
    exchange: Exchange,
    clock: SimClock,
    outboxes: BTreeMap<ConnKey, Outbox>,
    /// Answers that lie on the wire until their instant.
    delayed: BTreeMap<(SimNs, u64), (oneshot::Sender<RestReply>, RestReply)>,
    waiting: BTreeMap<Ticket, oneshot::Sender<RestReply>>,
    serial: u64,
    out: Vec<ServerOut>,
}

/// Runs until stopped.
pub async fn run(exchange: Exchange, clock: SimClock, mut inbox: mpsc::Receiver<Command>, stop: CancellationToken) {
    let (outboxes, delayed, waiting) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut core = Core { exchange, clock, outboxes, delayed, waiting, serial: 0, out: Vec::new() };
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let sleep = core.sleep();
        tokio::select! {
            () = stop.cancelled() => break,
            n = inbox.recv_many(&mut batch, BATCH) => if n == 0 { break },
            () = tokio::time::sleep(sleep) => {}
        }
        if core.clock.mode() != ClockMode::Step {
            core.exchange.advance(core.clock.now());
        }
        for command in batch.drain(..) {
            core.command(command).await;
        }
        core.deliver(false).await;
    }
}

impl Core {
    fn sleep(&self) -> Duration {
        let delayed = self.delayed.first_key_value().map(|(k, _)| k.0);
        let next = [self.exchange.next_at(), delayed].into_iter().flatten().min();
        let wait = next.and_then(|at| self.clock.wait(at)).unwrap_or(LONGEST_SLEEP);
        wait.clamp(Duration::from_millis(1), LONGEST_SLEEP)
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::Rest { call, reply } => {
                let answer = self.exchange.rest(call);
                self.answer(answer, reply);
            }
            Command::Open { endpoint, outbox, reply } => {
                let opened = self.exchange.open(endpoint);
                if let Ok(conn) = opened {
                    self.outboxes.insert(conn, outbox);
                }
                // A caller that went away meanwhile closes its end of the queue, which the next frame notices.
                drop(reply.send(opened));
            }
            Command::Text { conn, text } => self.exchange.text(conn, &text),
            Command::Closed { conn } => {
                self.outboxes.remove(&conn);
                self.exchange.closed(conn);
            }
            Command::Advance { to, reply } => {
                self.step(to).await;
                _ = reply.send(self.exchange.now());
            }
            Command::Mode { mode, reply } => {
                self.clock.set(self.exchange.now());
                self.clock.set_mode(mode);
                _ = reply.send(self.clock.now());
            }
            Command::With(act) => act(&mut self.exchange),
        }
    }

    /// Moves the clock in slices and waits for sockets after each.
    async fn step(&mut self, to: SimNs) {
        while self.exchange.now() < to {
            let slice = self.exchange.now().plus_ms(SLICE_MS).min(to);
            self.exchange.advance(slice);
            self.clock.set(slice);
            self.deliver(true).await;
        }
    }

    fn answer(&mut self, answer: RestReply, reply: oneshot::Sender<RestReply>) {
        match answer.effect {
            RestEffect::Later(ticket) => drop(self.waiting.insert(ticket, reply)),
            _ if answer.delay_ms > 0 => {
                let due = self.exchange.now().plus_ms(i64::try_from(answer.delay_ms).unwrap_or(i64::MAX));
                self.serial = self.serial.wrapping_add(1);
                self.delayed.insert((due, self.serial), (reply, answer));
            }
            // A client that hung up gets nothing.
            _ => drop(reply.send(answer)),
        }
    }

    async fn deliver(&mut self, patient: bool) {
        let mut out = std::mem::take(&mut self.out);
        let mut shared: Option<(Arc<str>, Utf8Bytes)> = None;
        self.exchange.drain(&mut out);
        for item in out.drain(..) {
            match item {
                ServerOut::Frame { conn, text } => {
                    let bytes = match &shared {
                        Some((last, bytes)) if Arc::ptr_eq(last, &text) => bytes.clone(),
                        _ => Utf8Bytes::from(&*text),
                    };
                    shared = Some((text, bytes.clone()));
                    self.hand(conn, Outgoing::Text(bytes), patient).await;
                }
                ServerOut::Close { conn, how } => {
                    self.hand(conn, Outgoing::End(how), patient).await;
                    if how != Ending::HalfOpen {
                        self.outboxes.remove(&conn);
                    }
                }
                ServerOut::Answer { ticket, reply } => {
                    if let Some(waiting) = self.waiting.remove(&ticket) {
                        self.answer(reply, waiting);
                    }
                }
            }
        }
        self.out = out;
        let now = self.exchange.now();
        while let Some(entry) = self.delayed.first_entry().filter(|e| e.key().0 <= now) {
            let (reply, answer) = entry.remove();
            drop(reply.send(answer));
        }
    }

    /// Puts something into a socket's queue; a full queue ends the socket (after some patience, in step mode).
    async fn hand(&mut self, conn: ConnKey, item: Outgoing, patient: bool) {
        let Some(outbox) = self.outboxes.get(&conn) else { return };
        let taken = match outbox.frames.try_send(item) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(item)) if patient => {
                tokio::time::timeout(PATIENCE, outbox.frames.send(item)).await.is_ok_and(|sent| sent.is_ok())
            }
            Err(mpsc::error::TrySendError::Full(_)) => false,
            Err(mpsc::error::TrySendError::Closed(_)) => return,
        };
        if !taken && let Some(outbox) = self.outboxes.remove(&conn) {
            outbox.abort.cancel();
            self.exchange.too_slow(conn);
        }
    }
}
