//! The loop: it draws when something changed, and only then; commands go out and their answers come back.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use futures_util::Stream;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;

use super::app::App;
use super::event_loop::drive;
use super::fixture;
use super::options::{ColorDepth, ColorScheme, UiOptions};
use super::terminal::Surface;
use crate::clock::{Clock, ManualClock};
use crate::domain::command::{Ack, Command};
use crate::orchestrator::handle::connect;
use crate::telemetry::ring::LogRing;

/// A surface that tells each frame.
struct Paper(mpsc::UnboundedSender<String>);

impl Surface for Paper {
    fn frame(&mut self, paint: &mut dyn FnMut(&mut Buffer)) -> io::Result<()> {
        let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
        paint(&mut buf);
        let _ = self.0.send(buf.content.iter().map(|c| c.symbol()).collect());
        Ok(())
    }
}

struct Keys(mpsc::UnboundedReceiver<Event>);

impl Stream for Keys {
    type Item = io::Result<Event>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|e| e.map(Ok))
    }
}

fn options() -> UiOptions {
    UiOptions {
        colors: ColorScheme::Western,
        color_depth: ColorDepth::None,
        ascii: Some(false),
        mouse: false,
        reduced_motion: true,
        fps: 1_000,
        local_zone: false,
        read_only: false,
    }
}

fn key(c: char) -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))
}

fn ctrl_c() -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL))
}

struct Rig {
    keys: mpsc::UnboundedSender<Event>,
    frames: mpsc::UnboundedReceiver<String>,
    ports: crate::orchestrator::Ports,
    clock: Arc<ManualClock>,
    task: tokio::task::JoinHandle<Result<super::event_loop::Report, super::TuiError>>,
}

fn start() -> Rig {
    let (handle, ports) = connect();
    ports.snapshots.send_replace(Arc::new(fixture::running()));
    let (keys, key_rx) = mpsc::unbounded_channel();
    let (frame_tx, frames) = mpsc::unbounded_channel();
    let clock = Arc::new(ManualClock::at(fixture::wall()));
    let app = App::new(options(), false, TimeZone::UTC, Rect::new(0, 0, 120, 40));
    let (logs, their_clock): (_, Arc<dyn Clock>) = (Arc::new(LogRing::new(16)), clock.clone());
    let task =
        tokio::spawn(
            async move { drive(handle, logs, app, their_clock, Keys(key_rx), &mut Paper(frame_tx), 1_000).await },
        );
    Rig { keys, frames, ports, clock, task }
}

impl Rig {
    /// The next frame, with the clock moved on so that the frame rate allows it.
    async fn frame(&mut self) -> String {
        self.clock.advance(10);
        tokio::time::timeout(Duration::from_secs(20), self.frames.recv())
            .await
            .expect("a frame in time")
            .expect("a frame")
    }

    /// Lets the loop run until it has nothing to do.
    async fn settle(&mut self) -> usize {
        let mut more = 0;
        for _ in 0..200 {
            tokio::task::yield_now().await;
            while self.frames.try_recv().is_ok() {
                more += 1;
            }
        }
        more
    }
}

#[tokio::test]
async fn an_idle_console_draws_nothing() {
    let mut rig = start();
    assert!(rig.frame().await.contains("PAPER │ RUN │"));
    assert_eq!(rig.settle().await, 0, "nothing changed, nothing is drawn");
    // Wakes that change nothing: the same picture again, a key without a meaning, a released key.
    rig.ports.snapshots.send_modify(|_| {});
    rig.keys.send(key('~')).expect("the loop listens");
    rig.keys.send(Event::FocusGained).expect("the loop listens");
    assert_eq!(rig.settle().await, 0);
    // One change, one frame.
    rig.keys.send(key('3')).expect("the loop listens");
    assert!(rig.frame().await.contains("[3]Agents"));
    assert_eq!(rig.settle().await, 0);
    // A second passes: the clock changes.
    rig.clock.advance(1_000);
    rig.keys.send(Event::FocusGained).expect("the loop listens");
    assert!(rig.frame().await.contains("14:05:10"));
    rig.keys.send(ctrl_c()).expect("the loop listens");
    rig.keys.send(ctrl_c()).expect("the loop listens");
    let report = rig.task.await.expect("no panic").expect("no error");
    assert!(report.frames >= 3);
}

#[tokio::test]
async fn a_command_waits_until_it_is_answered() {
    let mut rig = start();
    rig.frame().await;
    rig.keys.send(key('3')).expect("the loop listens");
    rig.frame().await;
    rig.keys.send(key(' ')).expect("the loop listens");
    let envelope = rig.ports.commands.recv().await.expect("a command");
    assert_eq!(envelope.command, Command::PauseAgent { agent: crate::domain::agent::AgentKind::DataCollector });
    assert!(rig.frame().await.contains("data-collector      Pausing…"));
    envelope.reply.send(Ack::Refused { reason: "it is starting".into() }).expect("the console waits");
    let text = rig.frame().await;
    assert!(text.contains("refused, it is starting") && text.contains("data-collector      ● Running"), "{text}");
    drop(rig.keys);
    assert_eq!(rig.ports.urgent.recv().await.map(|e| e.command), Some(Command::Shutdown));
    rig.task.await.expect("no panic").expect("a closed terminal is no error");
}

#[tokio::test]
async fn a_graceful_stop_ends_with_the_engine() {
    let mut rig = start();
    rig.frame().await;
    rig.keys.send(ctrl_c()).expect("the loop listens");
    let envelope = rig.ports.urgent.recv().await.expect("a command");
    assert_eq!(envelope.command, Command::Shutdown);
    assert!(rig.frame().await.contains("Stopping in order"));
    envelope.reply.send(Ack::Accepted).expect("the console waits");
    drop(rig.ports);
    rig.task.await.expect("no panic").expect("no error");
}

#[tokio::test]
async fn a_dead_engine_is_shown_and_left_with_q() {
    let mut rig = start();
    rig.frame().await;
    drop(std::mem::replace(&mut rig.ports, connect().1));
    let text = rig.frame().await;
    assert!(text.contains("engine has stopped"), "{text}");
    rig.keys.send(key('q')).expect("the loop listens");
    rig.task.await.expect("no panic").expect("no error");
}

#[tokio::test]
async fn missed_notices_are_counted() {
    use crate::domain::snapshot::{Notice, NoticeKind};
    let mut rig = start();
    rig.frame().await;
    let system = |sequence| Notice {
        sequence,
        kind: NoticeKind::System { at: fixture::wall(), text: format!("notice {sequence}") },
    };
    for sequence in [4, 5, 9] {
        rig.ports.notices.send(system(sequence)).expect("the console listens");
    }
    let text = rig.frame().await;
    assert!(text.contains("notice 9") && text.contains("lost 3"), "{text}");
    rig.keys.send(ctrl_c()).expect("the loop listens");
    rig.keys.send(ctrl_c()).expect("the loop listens");
    rig.task.await.expect("no panic").expect("no error");
}
