//! Many pairs at once on the configured exchange or stand-in: how long until all are proven, at what cost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{WrapErr, bail, ensure};
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::progress::ProgressLine;
use crate::cli::{Outcome, find_home, kraken, load_settings, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::domain::pair::Pair;
use crate::kraken::driver::{self, DriverSettings};
use crate::kraken::link::{LinkPlan, LinkSettings, LinkStatus};
use crate::kraken::symbols::Symbols;
use crate::kraken::wire::ws::PairStatus;
use crate::telemetry::ProcessMeter;

/// How often memory is looked at, and after how many looks the line is renewed.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS_PER_LINE: u32 = 4;
/// Pairs that are not proven by then will not be.
const GIVE_UP_MS: f64 = 300_000.0;

/// What the run has seen so far.
#[derive(Debug, Default)]
struct Seen {
    events: u64,
    proven_ms: Option<f64>,
    peak_bytes: u64,
}

/// Subscribes ticker and trades of `pairs` pairs and books of `books` of them, for `seconds` after all are proven.
pub(super) fn load(cli: &Cli, pairs: usize, books: usize, seconds: u64) -> Outcome {
    let home = find_home(cli)?;
    let settings = load_settings(cli, &home)?.settings;
    let client = Arc::new(kraken::client(&settings, &home, false)?);
    let url = settings.kraken.rest_url.clone();
    kraken::block_on(async {
        let mut line = ProgressLine::new(cli.json);
        line.show(format!("asking {url} for its pairs"));
        let symbols = client.symbols().await.wrap_err_with(|| format!("{url} does not list its pairs"))?;
        let listed = choose(&symbols, pairs);
        ensure!(listed.len() == pairs, "{url} lists only {} pairs that are online; see --pairs", listed.len());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let books = books.min(pairs);
        let link_settings = LinkSettings::default();
        line.show(expected(&link_settings, pairs, books));
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
        let (link, mut events) = driver::start(plan, link_settings, driver, Arc::clone(&clock), client)?;
        let status = link.status();
        let begin = clock.monotonic_ms();
        let (mut seen, mut meter) = (Seen::default(), ProcessMeter::default());
        let mut look = tokio::time::interval(LOOK);
        let mut looks = 0_u32;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(_) => seen.events += 1,
                    None => bail!("the link ended by itself"),
                },
                _ = look.tick() => {
                    let ms = clock.monotonic_ms() - begin;
                    seen.peak_bytes = seen.peak_bytes.max(meter.sample(clock.monotonic_ms()).memory.unwrap_or(0));
                    let s = status.borrow();
                    let doubtful = s.pairs.iter().filter(|p| p.doubt.is_some()).count();
                    if doubtful == 0 && !s.pairs.is_empty() {
                        seen.proven_ms.get_or_insert(ms);
                    }
                    if looks.is_multiple_of(LOOKS_PER_LINE) {
                        line.show(progress(&s, ms, doubtful, seen.peak_bytes));
                    }
                    looks = looks.wrapping_add(1);
                    if seen.proven_ms.is_some_and(|proven| ms - proven >= seconds as f64 * 1_000.0) {
                        break;
                    }
                    ensure!(seen.proven_ms.is_some() || ms < GIVE_UP_MS, "{}", given_up(&s, ms));
                }
            }
        }
        line.clear();
        let (s, ms) = (status.borrow().clone(), clock.monotonic_ms() - begin);
        link.stop().await;
        tell(cli, &s, &seen, books, ms)
    })
}

/// Pairs that are online, invented ones first: a stand-in has data in those.
fn choose(symbols: &Symbols, pairs: usize) -> Vec<Pair> {
    let online = symbols.listings().filter(|listing| listing.status == PairStatus::Online);
    let mut listed: Vec<Pair> = online.map(|listing| listing.pair.clone()).collect();
    listed.sort_by_key(|pair| !pair.as_str().starts_with("SIM"));
    listed.truncate(pairs);
    listed
}

/// What the start must take inside the link's own pace.
fn expected(settings: &LinkSettings, pairs: usize, books: usize) -> String {
    let requests = 2 * pairs.div_ceil(settings.symbols_per_request) + books.div_ceil(settings.symbols_per_request) + 1;
    // The first second's requests leave at once.
    let seconds = (requests - 1) / settings.requests_per_second.max(1) as usize;
    format!(
        "{pairs} pairs and {books} books: {requests} requests at {} a second, at least {seconds} s",
        settings.requests_per_second
    )
}

fn progress(s: &LinkStatus, ms: f64, doubtful: usize, peak: u64) -> String {
    format!(
        "{:.0} s: {} of {} pairs proven, {} frames, {} MB resident",
        ms / 1_000.0,
        s.pairs.len() - doubtful,
        s.pairs.len(),
        s.counters.frames,
        peak / 1_000_000
    )
}

/// The most common doubts.
fn given_up(s: &LinkStatus, ms: f64) -> String {
    let mut doubts: BTreeMap<&str, usize> = BTreeMap::new();
    for doubt in s.pairs.iter().filter_map(|pair| pair.doubt.as_deref()) {
        *doubts.entry(doubt).or_default() += 1;
    }
    let mut common: Vec<(&str, usize)> = doubts.into_iter().collect();
    common.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let named: Vec<String> = common.iter().take(3).map(|(doubt, count)| format!("{count} pairs: {doubt}")).collect();
    format!("after {:.0} s there are still pairs that are not proven ({})", ms / 1_000.0, named.join("; "))
}

fn tell(cli: &Cli, s: &LinkStatus, seen: &Seen, books: usize, ms: f64) -> Outcome {
    let counters = &s.counters;
    let errors = counters.errors + counters.refused_subscriptions + counters.rest_troubles;
    let proven_s = seen.proven_ms.unwrap_or(f64::NAN) / 1_000.0;
    let per_second = counters.frames as f64 * 1_000.0 / ms;
    if cli.json {
        return print_json(&json!({
            "pairs": s.pairs.len(), "books": books, "connections": s.connections.len(), "all_proven_after_s": proven_s,
            "seconds": ms / 1_000.0, "frames": counters.frames, "frames_per_s": per_second, "events": seen.events,
            "bad_frames": counters.bad_frames, "book_faults": counters.book_faults, "reconnects": counters.reconnects,
            "connects": counters.connects, "errors_of_the_exchange": errors, "requests": counters.requests,
            "questions_to_rest": counters.rest_asked, "peak_resident_bytes": seen.peak_bytes,
        }));
    }
    print(&format!(
        "{} pairs and {books} books on {} connections: all proven after {proven_s:.1} s\n\
         {} frames, {per_second:.0} a second; {} requests, {} questions to REST\n\
         {errors} errors of the exchange, {} reconnects, {} book faults\n\
         {:.0} MB resident at most",
        s.pairs.len(),
        s.connections.len(),
        counters.frames,
        counters.requests,
        counters.rest_asked,
        counters.reconnects,
        counters.book_faults,
        seen.peak_bytes as f64 / 1e6
    ))
}
