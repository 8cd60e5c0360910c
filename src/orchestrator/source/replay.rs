//! A recording, played by the stand-in exchange over loopback.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::batcher::Batcher;
use super::{AHEAD, LinkPicture, Source};
use crate::clock::{ManualClock, SystemClock};
use crate::domain::event::RawBatch;
use crate::domain::market::RawCandle;
use crate::domain::pair::{Interval, Pair};
use crate::domain::time::{HOUR_MS, UtcMs};
use crate::kraken::driver::{self, DriverSettings, LinkHandle};
use crate::kraken::link::{LinkEvent, LinkPlan, LinkSettings};
use crate::kraken::rest::{Client, RestSettings};
use crate::orchestrator::feed::Delivery;
use crate::orchestrator::{OrchestratorError, standin};
use crate::simulator::clock::ClockMode;
use crate::simulator::protocol::SimNs;
use crate::simulator::server::{RunningServer, Server, ServerOptions};
use crate::store::ReplayRows;

/// Time for the link to come up on loopback.
const UP_WITHIN: Duration = Duration::from_secs(20);
/// A time that no recording reaches: what waits for it waits for an answer, not for the clock.
const NEVER_MS: i64 = 1_000 * 365 * 24 * HOUR_MS;

/// The parts that play.
struct Player {
    server: RunningServer,
    link: LinkHandle,
    events: mpsc::Receiver<LinkEvent>,
    clock: Arc<ManualClock>,
    batcher: Batcher,
    /// Rows of the recording that no exchange can have made, the next one last: they go past the link to validation, which refuses them in
    /// words.
    odd: Vec<RawCandle>,
}

/// Starts stand-in and link, and plays one batch for each of `steps` (rows of the steps themselves are ignored).
///
/// # Errors
/// [`OrchestratorError`] when the stand-in or the link does not come up.
pub(in crate::orchestrator) async fn start(
    rows: &ReplayRows,
    universe: &[(Pair, Interval)],
    steps: impl Iterator<Item = RawBatch> + Send + 'static,
) -> Result<Source, OrchestratorError> {
    let mut steps = steps.peekable();
    let begin = steps.peek().map_or(UtcMs(0), |step| step.at.plus(-HOUR_MS));
    let (exchange, mut odd) = standin::of_recording(rows, begin)?;
    odd.sort_by_key(|row| std::cmp::Reverse(row.open_time.plus(row.interval.ms())));
    let options =
        ServerOptions { tls_port: None, control_port: None, mode: ClockMode::Step, ..ServerOptions::default() };
    let system: Arc<dyn crate::clock::Clock> = Arc::new(SystemClock::new());
    let server = Server::start(options, exchange, Arc::clone(&system))
        .await
        .map_err(|e| OrchestratorError::StandIn(e.to_string()))?;
    let clock = Arc::new(ManualClock::at(begin));
    let (link, events, url) = connect(&server, universe, Arc::clone(&clock), system)?;
    let picture = LinkPicture { status: link.status(), flow: None, url, real: false };
    let mut player = Player { server, link, events, clock, batcher: Batcher::new(universe, false), odd };
    player.come_up().await?;
    let (tx, deliveries) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        for step in steps {
            let delivery = player.play(step).await;
            let broken = delivery.is_err();
            // Nobody listens any more: the session is over.
            if tx.send(delivery).await.is_err() || broken {
                return;
            }
        }
    });
    Ok(Source { deliveries, link: picture })
}

fn connect(
    server: &RunningServer,
    universe: &[(Pair, Interval)],
    clock: Arc<ManualClock>,
    system: Arc<dyn crate::clock::Clock>,
) -> Result<(LinkHandle, mpsc::Receiver<LinkEvent>, String), OrchestratorError> {
    let failed = |text: String| OrchestratorError::Link(text);
    let url = format!("ws://{}/v2", server.plain);
    let rest =
        RestSettings { base_url: format!("http://{}", server.plain), public_pace_ms: 0, ..RestSettings::default() };
    let rest = Client::new(rest, system, 1).map_err(|e| failed(e.to_string()))?;
    let plan = LinkPlan {
        pairs: universe.iter().map(|(pair, _)| pair.clone()).collect(),
        ticker: false,
        trades: false,
        books: Vec::new(),
        candles: universe.to_vec(),
        candles_from_trades: false,
        seed: 1,
    };
    let driver = DriverSettings { url: url.clone(), ..DriverSettings::default() };
    let (link, events) =
        driver::start(plan, settings(), driver, clock, Arc::new(rest)).map_err(|e| failed(e.to_string()))?;
    Ok((link, events, url))
}

/// The stand-in's clock leaps from batch to batch: silence, or a late answer, is no sign of anything then.
fn settings() -> LinkSettings {
    LinkSettings {
        candle_grace_ms: 0,
        silence_ms: NEVER_MS,
        ping_after_ms: NEVER_MS,
        connect_timeout_ms: NEVER_MS,
        ack_timeout_ms: NEVER_MS,
        // No first picture comes before the first candle: REST is asked at once.
        snapshot_timeout_ms: 0,
        listing_refresh_ms: NEVER_MS,
        rest_timeout_ms: NEVER_MS,
        rest_gap_ms: 0,
        clock_jump_ms: NEVER_MS,
        ..LinkSettings::default()
    }
}

impl Player {
    /// Waits until every pair is proven.
    async fn come_up(&mut self) -> Result<(), OrchestratorError> {
        let mut status = self.link.status();
        let up = async {
            loop {
                {
                    let s = status.borrow_and_update();
                    if !s.pairs.is_empty() && s.pairs.iter().all(|p| p.doubt.is_none()) {
                        return Ok(());
                    }
                }
                tokio::select! {
                    changed = status.changed() => changed.map_err(|_| gone())?,
                    Some(event) = self.events.recv() => self.batcher.take(event),
                }
            }
        };
        match tokio::time::timeout(UP_WITHIN, up).await {
            Ok(result) => result,
            Err(_) => {
                let status = self.link.status();
                let doubts: Vec<String> = status
                    .borrow()
                    .pairs
                    .iter()
                    .filter_map(|p| p.doubt.as_ref().map(|d| format!("{}: {d}", p.pair)))
                    .collect();
                Err(OrchestratorError::Link(format!("it did not come up in 20 s ({})", doubts.join("; "))))
            }
        }
    }

    /// Moves the stand-in to the step's instant and collects what the link makes of it.
    async fn play(&mut self, step: RawBatch) -> Delivery {
        let at = SimNs(step.at.0.saturating_mul(1_000_000));
        self.server.handle.advance(at).await.ok_or_else(gone)?;
        // First everything that was sent; then time, which ends candles once the exchange has answered a ping sent after their end.
        self.settle().await?;
        self.clock.set(step.at);
        self.settle().await?;
        self.settle().await?;
        while let Some(row) = self.odd.pop_if(|row| row.open_time.plus(row.interval.ms()) <= step.at) {
            self.batcher.take(LinkEvent::Candle { row, proven: true });
        }
        Ok(self.batcher.batch(step.at, step.warmup))
    }

    /// Until the link has handled every frame that was sent.
    async fn settle(&mut self) -> Result<(), OrchestratorError> {
        let barrier = self.link.barrier();
        tokio::pin!(barrier);
        loop {
            tokio::select! {
                passed = &mut barrier => {
                    passed.map_err(|_| gone())?;
                    break;
                }
                Some(event) = self.events.recv() => self.batcher.take(event),
            }
        }
        while let Ok(event) = self.events.try_recv() {
            self.batcher.take(event);
        }
        Ok(())
    }
}

fn gone() -> OrchestratorError {
    OrchestratorError::Link("it ended before the recording did".to_owned())
}
