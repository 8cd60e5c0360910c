//! Many pairs at once on the configured exchange or stand-in: how long until all are proven, at what cost.

use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{bail, ensure};
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::progress::ProgressLine;
use crate::cli::{Outcome, find_home, kraken, load_settings, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::domain::pair::Pair;
use crate::kraken::driver::{self, DriverSettings};
use crate::kraken::link::{LinkPlan, LinkSettings};
use crate::telemetry::ProcessMeter;

/// Subscribes ticker and trades of `pairs` pairs and books of `books` of them, for `seconds` after all are proven.
pub(super) fn load(cli: &Cli, pairs: usize, books: usize, seconds: u64) -> Outcome {
    let home = find_home(cli)?;
    let settings = load_settings(cli, &home)?.settings;
    let client = Arc::new(kraken::client(&settings, &home, false)?);
    kraken::block_on(async {
        let symbols = client.symbols().await?;
        let mut listed: Vec<Pair> = symbols.listings().map(|l| l.pair.clone()).collect();
        // A stand-in has data in its invented pairs.
        listed.sort_by_key(|pair| !pair.as_str().starts_with("SIM"));
        listed.truncate(pairs);
        ensure!(listed.len() == pairs, "{} lists only {} pairs", settings.kraken.rest_url, listed.len());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let plan = LinkPlan {
            ticker: true,
            trades: true,
            books: listed.iter().take(books).map(|p| (p.clone(), 10)).collect(),
            candles: Vec::new(),
            candles_from_trades: false,
            seed: 1,
            pairs: listed,
        };
        let driver = DriverSettings { url: settings.kraken.ws_url.clone(), ..DriverSettings::default() };
        let (link, mut events) = driver::start(plan, LinkSettings::default(), driver, Arc::clone(&clock), client)?;
        let status = link.status();
        let begin = clock.monotonic_ms();
        let mut line = ProgressLine::new(cli.json);
        let mut meter = ProcessMeter::default();
        let mut look = tokio::time::interval(Duration::from_millis(250));
        let (mut heard, mut proven_ms, mut peak) = (0_u64, None, 0_u64);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(_) => heard += 1,
                    None => bail!("the link ended by itself"),
                },
                _ = look.tick() => {
                    let now = clock.monotonic_ms();
                    peak = peak.max(meter.sample(now).memory.unwrap_or(0));
                    let s = status.borrow();
                    let doubtful = s.pairs.iter().filter(|p| p.doubt.is_some()).count();
                    line.show(format!("{doubtful} of {pairs} pairs not proven, {} frames", s.counters.frames));
                    if doubtful == 0 && !s.pairs.is_empty() {
                        proven_ms.get_or_insert(now - begin);
                    }
                    if proven_ms.is_some_and(|p| now - begin - p >= seconds as f64 * 1_000.0) {
                        break;
                    }
                    ensure!(now - begin < 3_600_000.0, "{doubtful} pairs are not proven after an hour");
                }
            }
        }
        line.clear();
        let s = status.borrow().clone();
        link.stop().await;
        let errors = s.counters.errors + s.counters.refused_subscriptions + s.counters.rest_troubles;
        let proven_s = proven_ms.unwrap_or(f64::NAN) / 1_000.0;
        let per_second = s.counters.frames as f64 * 1_000.0 / (clock.monotonic_ms() - begin);
        let report = json!({
            "pairs": pairs, "books": books, "connections": s.connections.len(), "all_proven_after_s": proven_s,
            "frames": s.counters.frames, "frames_per_s": per_second, "events": heard, "bad_frames": s.counters.bad_frames,
            "book_faults": s.counters.book_faults, "reconnects": s.counters.reconnects, "errors_of_the_exchange": errors,
            "requests": s.counters.requests, "peak_resident_bytes": peak,
        });
        if cli.json {
            return print_json(&report);
        }
        print(&format!(
            "{pairs} pairs and {books} books on {} connections: all proven after {proven_s:.1} s; {} frames, {per_second:.0} a second; {} errors of the exchange, {} reconnects, {} book faults; {:.0} MB resident at most",
            s.connections.len(),
            s.counters.frames,
            errors,
            s.counters.reconnects,
            s.counters.book_faults,
            peak as f64 / 1e6
        ))
    })
}
