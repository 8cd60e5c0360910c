//! The loop: waits for input, answers, notices, pictures or a deadline, and draws only when the screen would change.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::TuiError;
use super::app::{App, Now};
use super::draw::draw;
use super::overlays::Outgoing;
use super::terminal::{Surface, in_console};
use super::view::Leaving;
use crate::clock::Clock;
use crate::domain::command::{Ack, CommandId};
use crate::domain::snapshot::Notice;
use crate::orchestrator::Handle;
use crate::telemetry::ring::LogRing;

/// Notices read in one go: more would delay the next frame.
const DRAIN: usize = 512;

/// What the loop did, for those who count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    pub frames: u64,
}

/// When the last frame was drawn, and what it showed.
struct Frames {
    drawn: Option<(f64, (u64, i64))>,
    /// Shortest time between frames, in ms.
    least: f64,
    count: u64,
}

impl Frames {
    /// `None` when the screen is up to date, else the monotonic time from which a frame may be drawn.
    fn due(&self, app: &App, now: Now) -> Option<f64> {
        match self.drawn {
            None => Some(now.mono),
            Some((_, shown)) if shown == app.picture(now) => None,
            Some((at, _)) => Some(at + self.least),
        }
    }

    fn draw(&mut self, app: &mut App, surface: &mut impl Surface, now: Now) -> io::Result<()> {
        let shown = app.picture(now);
        let mut area = None;
        surface.frame(&mut |buf| {
            area = Some(buf.area);
            draw(buf, &app.snapshot, &app.view, &app.theme, now.wall);
        })?;
        self.count += 1;
        self.drawn = Some((now.mono, shown));
        if let Some(area) = area {
            app.resize(area);
        }
        Ok(())
    }
}

type Answers = FuturesUnordered<futures_util::future::BoxFuture<'static, (CommandId, Option<Ack>)>>;

fn send(handle: &Handle, answers: &Answers, app: &mut App, outgoing: Option<Outgoing>, now: Now) {
    let Some(command) = outgoing.map(Outgoing::into_command) else { return };
    match handle.submit(command.clone()) {
        Ok(pending) => {
            app.sent(pending.id, command, now);
            let reply = pending.reply;
            answers.push(async move { (pending.id, reply.await.ok()) }.boxed());
        }
        Err(why) => app.not_taken(&command, why, now),
    }
}

/// Takes an input event and all that already wait behind it; `false` once the terminal is gone.
fn take_events<I>(
    first: Option<io::Result<Event>>,
    input: &mut I,
    handle: &Handle,
    answers: &Answers,
    app: &mut App,
    time: &impl Fn() -> Now,
) -> Result<bool, TuiError>
where
    I: Stream<Item = io::Result<Event>> + Unpin,
{
    let mut next = Some(first);
    while let Some(event) = next {
        let Some(event) = event else {
            // The terminal is gone: stop in order, without waiting for anyone to see it.
            let outgoing = in_console(|| app.hang_up(time()));
            send(handle, answers, app, outgoing, time());
            return Ok(false);
        };
        let event = event.map_err(TuiError::Input)?;
        let outgoing = in_console(|| app.input(&event, time()));
        send(handle, answers, app, outgoing, time());
        if app.view.leaving == Leaving::Now {
            break;
        }
        next = input.next().now_or_never();
    }
    Ok(true)
}

/// Takes a notice and those that already wait behind it.
fn take_notices(first: Result<Notice, RecvError>, notices: &mut Receiver<Notice>, app: &mut App, now: Now) {
    match first {
        Ok(notice) => app.take_notice(&notice, now),
        Err(RecvError::Lagged(n)) => app.skipped_notices(n),
        Err(RecvError::Closed) => app.engine_stopped(now),
    }
    for _ in 0..DRAIN {
        match notices.try_recv() {
            Ok(notice) => app.take_notice(&notice, now),
            Err(TryRecvError::Lagged(n)) => app.skipped_notices(n),
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
}

/// Runs until the person leaves.
///
/// # Errors
/// [`TuiError`] when the terminal cannot be read or written.
pub async fn drive<I, S>(
    mut handle: Handle,
    logs: Arc<LogRing>,
    mut app: App,
    clock: Arc<dyn Clock>,
    mut input: I,
    surface: &mut S,
    fps: u32,
) -> Result<Report, TuiError>
where
    I: Stream<Item = io::Result<Event>> + Unpin,
    S: Surface,
{
    let time = || Now { wall: clock.now(), mono: clock.monotonic_ms() };
    let mut notices = handle.notices();
    let mut answers = Answers::new();
    let mut frames = Frames { drawn: None, least: 1_000.0 / f64::from(fps.max(1)), count: 0 };
    app.take_snapshot(handle.snapshot(), time());
    while app.view.leaving != Leaving::Now {
        let now = time();
        in_console(|| {
            // A flood of notices must not keep the newest picture away.
            app.take_snapshot(handle.snapshot(), now);
            app.take_logs(&logs, now);
            app.tick(now);
        });
        let due = frames.due(&app, now);
        if due.is_some_and(|at| now.mono >= at) {
            in_console(|| frames.draw(&mut app, surface, now)).map_err(TuiError::Draw)?;
            continue;
        }
        let wake = due.unwrap_or(f64::INFINITY).min(app.deadline(now));
        let nap = Duration::from_micros(((wake - now.mono).clamp(0.0, 1_000.0) * 1_000.0).ceil() as u64);
        tokio::select! {
            biased;
            event = input.next() => {
                if !take_events(event, &mut input, &handle, &answers, &mut app, &time)? {
                    break;
                }
            }
            Some((id, ack)) = answers.next(), if !answers.is_empty() => app.answered(id, ack, time()),
            notice = notices.recv() => take_notices(notice, &mut notices, &mut app, time()),
            changed = handle.changed(), if !app.view.engine_gone => match changed {
                Ok(snapshot) => app.take_snapshot(snapshot, time()),
                Err(_) => app.engine_stopped(time()),
            },
            () = tokio::time::sleep(nap) => {}
        }
    }
    Ok(Report { frames: frames.count })
}
