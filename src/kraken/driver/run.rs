//! The loop that owns the core.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::handle::LinkHandle;
use super::rest::RestSource;
use super::settings::{BadAddress, DriverSettings, RawFrame};
use super::socket::{Arrived, Line, Socket};
use crate::clock::Clock;
use crate::domain::time::UtcMs;
use crate::kraken::link::{
    ConnId, Delivery, Input, LinkCore, LinkEvent, LinkPlan, LinkSettings, LinkStatus, Output, RestId, RestQuery,
};

/// Barriers that may wait to begin.
const BARRIERS: usize = 16;
/// For the sockets' farewells at the end.
const END_TIMEOUT: Duration = Duration::from_secs(3);

/// Starts a link: its handle, and its events. Must be called inside a runtime.
///
/// # Errors
/// [`BadAddress`] when the settings' address is not allowed.
pub fn start(
    plan: LinkPlan,
    link: LinkSettings,
    settings: DriverSettings,
    clock: Arc<dyn Clock>,
    rest: Arc<dyn RestSource>,
) -> Result<(LinkHandle, mpsc::Receiver<LinkEvent>), BadAddress> {
    let url = settings.checked_url()?;
    let (events, reader) = mpsc::channel(settings.events.max(1));
    let (inputs, arrived) = mpsc::channel(settings.inputs.max(1));
    let (barriers, asked) = mpsc::channel(BARRIERS);
    let (status, watched) = watch::channel(LinkStatus::default());
    let stop = CancellationToken::new();
    let driver = Driver {
        core: LinkCore::new(plan, link),
        url,
        clock,
        rest,
        inputs,
        sockets: HashMap::new(),
        tasks: TaskTracker::new(),
        events,
        status,
        status_at: UtcMs(i64::MIN),
        barriers: Vec::new(),
        delivery: Delivery::default(),
        stop: stop.clone(),
        out: Vec::new(),
        settings,
    };
    let task = tokio::spawn(driver.run(arrived, asked));
    Ok((LinkHandle { barriers, status: watched, stop, task: Some(task) }, reader))
}

struct Driver {
    core: LinkCore,
    url: Uri,
    settings: DriverSettings,
    clock: Arc<dyn Clock>,
    rest: Arc<dyn RestSource>,
    inputs: mpsc::Sender<Arrived>,
    sockets: HashMap<ConnId, Socket>,
    tasks: TaskTracker,
    events: mpsc::Sender<LinkEvent>,
    status: watch::Sender<LinkStatus>,
    status_at: UtcMs,
    barriers: Vec<(u64, oneshot::Sender<()>)>,
    delivery: Delivery,
    stop: CancellationToken,
    out: Vec<Output>,
}

impl Driver {
    async fn run(mut self, mut arrived: mpsc::Receiver<Arrived>, mut asked: mpsc::Receiver<oneshot::Sender<()>>) {
        let stop = self.stop.clone();
        self.core.handle(self.clock.now(), Input::Tick, &mut self.out);
        let mut going = self.act().await;
        while going {
            let nap = self.nap();
            let mut quiet = false;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(passed) = asked.recv() => {
                    let barrier = self.core.start_barrier(&mut self.out);
                    self.barriers.push((barrier, passed));
                }
                Some(input) = arrived.recv() => self.take(input).await,
                () = tokio::time::sleep(nap) => {
                    quiet = true;
                    self.core.handle(self.clock.now(), Input::Tick, &mut self.out);
                }
            }
            going = self.act().await;
            self.pass_barriers();
            self.show(arrived.len(), quiet);
        }
        self.end(arrived).await;
    }

    /// Until the core wants to be woken, as real time goes; a clock of its own is looked at now and then.
    fn nap(&self) -> Duration {
        let wait = self.core.next_wake().since(self.clock.now()).max(0).unsigned_abs();
        Duration::from_millis(wait.min(self.settings.longest_sleep_ms.max(1)))
    }

    async fn take(&mut self, input: Arrived) {
        let now = self.clock.now();
        match input {
            Arrived::Opened(conn) => self.core.handle(now, Input::Opened(conn), &mut self.out),
            Arrived::Frame(conn, bytes) => {
                if self.settings.tap.is_some() {
                    self.record((now, conn, bytes.clone())).await;
                }
                self.core.handle(now, Input::Frame(conn, &bytes), &mut self.out);
            }
            Arrived::Closed(conn, why) => {
                self.sockets.remove(&conn);
                self.core.handle(now, Input::Closed(conn, why), &mut self.out);
            }
            Arrived::Answer(id, answer) => self.core.handle(now, Input::Answer(id, answer), &mut self.out),
        }
    }

    /// Hands a raw frame to the recorder; waits for it when it is behind.
    async fn record(&mut self, frame: RawFrame) {
        let Some(tap) = &self.settings.tap else { return };
        match tap.try_send(frame) {
            Ok(()) => return,
            Err(TrySendError::Full(frame)) => {
                let began = self.clock.monotonic_ms();
                let sent = tokio::select! {
                    sent = tap.send(frame) => sent.is_ok(),
                    () = self.stop.cancelled() => true,
                };
                self.delivery.tap_stalls = self.delivery.tap_stalls.saturating_add(1);
                let ms = whole(self.clock.monotonic_ms() - began);
                self.delivery.tap_stalled_ms = self.delivery.tap_stalled_ms.saturating_add(ms);
                if sent {
                    return;
                }
            }
            Err(TrySendError::Closed(_)) => {}
        }
        self.settings.tap = None;
    }

    /// Does what the core said. `false` when nobody reads the events any more.
    async fn act(&mut self) -> bool {
        let mut out = std::mem::take(&mut self.out);
        let mut read = true;
        for output in out.drain(..) {
            match output {
                Output::Connect(conn) => self.connect(conn),
                Output::Disconnect(conn) => {
                    if let Some(socket) = self.sockets.remove(&conn) {
                        socket.stop.cancel();
                    }
                }
                Output::Send(conn, text) => {
                    if let Some(socket) = self.sockets.get(&conn)
                        && socket.outgoing.try_send(text).is_err()
                    {
                        // nothing was written for very long: the socket is dead
                        socket.stop.cancel();
                    }
                }
                Output::Ask(id, query) => self.ask(id, query),
                Output::Event(event) => read = read && self.emit(event).await,
            }
        }
        self.out = out;
        read
    }

    fn connect(&mut self, conn: ConnId) {
        let stop = self.stop.child_token();
        let largest = self.settings.largest_message;
        let (socket, line) = Line::new(conn, self.url.clone(), largest, stop, self.inputs.clone());
        self.sockets.insert(conn, socket);
        self.tasks.spawn(line.run());
    }

    fn ask(&self, id: RestId, query: RestQuery) {
        let (rest, inputs, stop) = (Arc::clone(&self.rest), self.inputs.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                answer = rest.ask(query) => {
                    // the loop may be gone by now; then nobody wants to know
                    let _told = inputs.send(Arrived::Answer(id, answer)).await;
                }
            }
        });
    }

    /// Hands an event on; waits for the reader when it is behind.
    async fn emit(&mut self, event: LinkEvent) -> bool {
        self.delivery.events = self.delivery.events.saturating_add(1);
        let event = match self.events.try_send(event) {
            Ok(()) => return true,
            Err(TrySendError::Closed(_)) => return false,
            Err(TrySendError::Full(event)) => event,
        };
        let began = self.clock.monotonic_ms();
        let sent = tokio::select! {
            sent = self.events.send(event) => sent.is_ok(),
            () = self.stop.cancelled() => false,
        };
        self.delivery.stalls = self.delivery.stalls.saturating_add(1);
        let ms = whole(self.clock.monotonic_ms() - began);
        self.delivery.stalled_ms = self.delivery.stalled_ms.saturating_add(ms);
        sent
    }

    fn pass_barriers(&mut self) {
        let core = &self.core;
        for (_, passed) in self.barriers.extract_if(.., |(barrier, _)| core.barrier_passed(*barrier)) {
            // who asked may have given up waiting
            let _told = passed.send(());
        }
    }

    /// Renews the picture: now and then under load, and whenever nothing happens (a clock that is moved by hand may stand still).
    fn show(&mut self, waiting: usize, quiet: bool) {
        let now = self.clock.now();
        let due = self.status_at.plus(self.settings.status_every_ms);
        // after a step back of the clock it is due, too
        if !quiet && now < due && now >= self.status_at {
            return;
        }
        self.status_at = now;
        self.delivery.waiting = waiting;
        if self.status.receiver_count() > 0 {
            let delivery = self.delivery;
            self.status.send_replace(LinkStatus { delivery, ..self.core.status(now) });
        }
    }

    async fn end(mut self, mut arrived: mpsc::Receiver<Arrived>) {
        self.stop.cancel();
        self.sockets.clear();
        self.tasks.close();
        // the tasks' last words need room
        let farewells = async {
            tokio::select! {
                () = self.tasks.wait() => {}
                () = async { while arrived.recv().await.is_some() {} } => {}
            }
        };
        let _in_time = tokio::time::timeout(END_TIMEOUT, farewells).await;
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a day before the cast")]
fn whole(ms: f64) -> u64 {
    ms.clamp(0.0, 86_400_000.0) as u64
}
