//! From the exchange to the event: the stand-in steps to its next trade, and the link tells it.

use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{ensure, eyre};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::clock::{Clock, ManualClock, SystemClock};
use crate::domain::pair::Pair;
use crate::domain::time::UtcMs;
use crate::kraken::driver::{self, DriverSettings};
use crate::kraken::link::{LinkEvent, LinkPlan, LinkSettings};
use crate::kraken::rest::{Client, RestSettings};
use crate::orchestrator::standin::{self, StandIn};
use crate::simulator::clock::ClockMode;
use crate::simulator::protocol::SimNs;
use crate::simulator::server::{Server, ServerOptions};

/// Trades that are measured, after the first ones.
const MEASURED: usize = 4_000;
const FIRST: usize = 500;
/// Longest wait for one trade.
const PATIENCE: Duration = Duration::from_secs(10);
/// Timers that watch for silence are of no use on a clock that leaps.
const NEVER_MS: i64 = 1 << 50;

/// Microseconds from just before the stand-in makes a trade until the link's event is in the reader's hands: the stand-in's own work, both
/// ends of a loopback socket, decoding and the link are all in it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Latency {
    pub(super) trades: usize,
    pub(super) p50_us: f64,
    pub(super) p90_us: f64,
    pub(super) p99_us: f64,
    pub(super) max_us: f64,
}

pub(super) async fn measure() -> Result<Latency, color_eyre::Report> {
    let pair: Pair = "BTC/USD".parse()?;
    let start = UtcMs::parse("2026-01-01T00:00:00Z").map_err(|e| eyre!(e))?;
    let wanted = StandIn {
        invent: vec![pair.clone()],
        synthetic: 0,
        seed: 1,
        strict: true,
        full_deltas: false,
        from: Some(start),
    };
    let exchange = standin::invented(&wanted)?;
    let system: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let options =
        ServerOptions { tls_port: None, control_port: None, mode: ClockMode::Step, ..ServerOptions::default() };
    let server = Server::start(options, exchange, Arc::clone(&system)).await?;
    let rest =
        RestSettings { base_url: format!("http://{}", server.plain), public_pace_ms: 0, ..RestSettings::default() };
    let client = Client::new(rest, Arc::clone(&system), 1)?;
    let plan = LinkPlan {
        pairs: vec![pair],
        ticker: false,
        trades: true,
        books: Vec::new(),
        candles: Vec::new(),
        candles_from_trades: false,
        seed: 1,
    };
    let settings = LinkSettings {
        silence_ms: NEVER_MS,
        ping_after_ms: NEVER_MS,
        clock_jump_ms: NEVER_MS,
        rest_gap_ms: 0,
        snapshot_timeout_ms: 0,
        ..LinkSettings::default()
    };
    let driver = DriverSettings { url: format!("ws://{}/v2", server.plain), ..DriverSettings::default() };
    let clock = Arc::new(ManualClock::at(start));
    let (link, mut events) = driver::start(plan, settings, driver, clock, Arc::new(client))?;
    wait_until_proven(&link, &mut events).await?;
    let mut taken = Vec::with_capacity(FIRST + MEASURED);
    let mut at = SimNs(start.0 * 1_000_000);
    while taken.len() < FIRST + MEASURED {
        // Steps of half a simulated second: most bring nothing, some bring one trade or several.
        at = at.plus_ms(500);
        let begin = system.monotonic_ms();
        let next = server.handle.advance(at).await.ok_or_else(|| eyre!("the stand-in ended"))?;
        ensure!(next >= at, "the stand-in did not step");
        let patience = Duration::from_millis(1);
        while let Ok(Some(event)) = tokio::time::timeout(patience, events.recv()).await {
            if matches!(event, LinkEvent::Trade { .. }) {
                taken.push((system.monotonic_ms() - begin) * 1_000.0);
                break;
            }
        }
        while events.try_recv().is_ok() {}
    }
    link.stop().await;
    let mut measured: Vec<f64> = taken.into_iter().skip(FIRST).collect();
    measured.sort_by(f64::total_cmp);
    let at = |share: f64| measured.get(((measured.len() as f64 * share) as usize).min(measured.len() - 1)).copied();
    let of = |share: f64| at(share).unwrap_or(f64::NAN);
    Ok(Latency { trades: measured.len(), p50_us: of(0.5), p90_us: of(0.9), p99_us: of(0.99), max_us: of(1.0) })
}

async fn wait_until_proven(
    link: &driver::LinkHandle,
    events: &mut mpsc::Receiver<LinkEvent>,
) -> Result<(), color_eyre::Report> {
    let mut status = link.status();
    let up = async {
        loop {
            if status.borrow_and_update().pairs.first().is_some_and(|p| p.doubt.is_none()) {
                return Ok::<_, color_eyre::Report>(());
            }
            tokio::select! {
                changed = status.changed() => changed?,
                Some(_) = events.recv() => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, up).await.map_err(|_| eyre!("the link to the stand-in did not come up"))?
}
