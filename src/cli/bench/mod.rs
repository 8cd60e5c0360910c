//! `cst bench link|load|features`: how fast this machine takes frames from bytes to a checked book, trades from bytes to values and from the socket
//! to the event, and what many pairs at once cost.

mod features;
mod latency;
mod load;

use std::path::Path;

use color_eyre::eyre::{WrapErr, ensure};
use serde::Serialize;

use super::args::{BenchArgs, BenchCommand, Cli};
use super::{Outcome, kraken, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::kraken::book::{Books, Precision, throughput};
use crate::kraken::wire::ws::{Inbound, decode};

/// A snapshot and 509 updates of BTC/USD at depth 10, recorded on 2023-07-30 (see benches/data/README.md).
const RECORDED: &str = include_str!("../../../benches/data/book_btc_usd_depth10.jsonl");
/// Precision of the recorded pair: a decimal of price, eight of quantity.
const PRECISION: Precision = Precision { price: 1, qty: 8 };
/// Two trades in one frame, in the exchange's own form.
const TRADES: &str = concat!(
    r#"{"channel":"trade","type":"update","data":["#,
    r#"{"symbol":"BTC/USD","side":"buy","price":68500.0,"qty":0.01044926,"ord_type":"limit","trade_id":70635299,"timestamp":"2024-05-27T12:43:11.798009Z"},"#,
    r#"{"symbol":"BTC/USD","side":"buy","price":68500.0,"qty":0.00483192,"ord_type":"limit","trade_id":70635300,"timestamp":"2024-05-27T12:43:11.798009Z"}]}"#
);
/// Length of one measurement, in ms, and how many there are: the best and the middle one are told.
const LEAST_MS: f64 = 300.0;
const RUNS: usize = 7;

/// Speed of one way.
#[derive(Debug, Clone, Serialize)]
struct Rate {
    /// What is counted.
    unit: &'static str,
    /// In each measurement.
    count: u64,
    median_per_second: f64,
    best_per_second: f64,
    median_ns: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    optimised: bool,
    frames: usize,
    bytes_per_frame: f64,
    book: Rate,
    trades: Rate,
    /// From a trade's frame in a socket to the event.
    socket_to_event: latency::Latency,
}

pub(super) fn bench(cli: &Cli, args: &BenchArgs) -> Outcome {
    match &args.what {
        BenchCommand::Link { frames, dump } => link(cli, frames.as_deref(), dump.as_deref()),
        BenchCommand::Features { only, dump } => features::features(cli, only, dump.as_deref()),
        BenchCommand::Load { pairs, books, seconds } => load::load(cli, *pairs, *books, *seconds),
    }
}

fn link(cli: &Cli, file: Option<&Path>, dump: Option<&Path>) -> Outcome {
    let text = match file {
        Some(path) => std::fs::read_to_string(path).wrap_err_with(|| format!("'{}' cannot be read", path.display()))?,
        None => RECORDED.to_owned(),
    };
    if let Some(path) = dump {
        std::fs::write(path, &text).wrap_err_with(|| format!("'{}' cannot be written", path.display()))?;
    }
    let frames: Vec<Vec<u8>> = text.lines().filter(|line| !line.is_empty()).map(|l| l.as_bytes().to_vec()).collect();
    kraken::block_on(async {
        let report = measure(&frames, latency::measure().await?)?;
        tell(cli, &report)
    })
}

fn tell(cli: &Cli, report: &Report) -> Outcome {
    if cli.json {
        return print_json(report);
    }
    let line = |name: &str, r: &Rate| {
        let millions = r.median_per_second / 1e6;
        format!("{name:<42} {millions:>8.2} million {}/s  {:>7.0} ns each", r.unit, r.median_ns)
    };
    let mut text = vec![
        format!("{} frames, {:.0} bytes each on average, one core", report.frames, report.bytes_per_frame),
        line("bytes → updated and checksummed book", &report.book),
        line("bytes → trades", &report.trades),
        format!(
            "{:<42} p50 {:.0} µs, p90 {:.0} µs, p99 {:.0} µs, longest {:.0} µs ({} trades, both ends of the socket)",
            "socket → event",
            report.socket_to_event.p50_us,
            report.socket_to_event.p90_us,
            report.socket_to_event.p99_us,
            report.socket_to_event.max_us,
            report.socket_to_event.trades
        ),
    ];
    if !report.optimised {
        text.push("this is not a release build: the figures say little".to_owned());
    }
    print(&text.join("\n"))
}

fn measure(frames: &[Vec<u8>], socket_to_event: latency::Latency) -> Result<Report, color_eyre::Report> {
    let mut books = Books::new();
    for symbol in symbols(frames) {
        books.subscribe(&symbol, 10, PRECISION);
    }
    let counts = throughput::run(&mut books, frames, 1);
    ensure!(
        counts.frames > 0 && counts.faults == 0 && counts.ignored == 0,
        "the frames are no clean recording of books of depth 10 with one price decimal and eight of quantity: {counts:?}"
    );
    let clock = SystemClock::new();
    let book = rate("frames", frames.len() as u64, &clock, |rounds| {
        throughput::run(&mut books, frames, rounds);
    });
    let trades = rate("trades", 2, &clock, |rounds| {
        for _ in 0..rounds {
            let _ = std::hint::black_box(decode(std::hint::black_box(TRADES.as_bytes())));
        }
    });
    let bytes: usize = frames.iter().map(Vec::len).sum();
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        optimised: !cfg!(debug_assertions),
        frames: frames.len(),
        bytes_per_frame: bytes as f64 / frames.len() as f64,
        book,
        trades,
        socket_to_event,
    })
}

/// The symbols of the book frames, each once.
fn symbols(frames: &[Vec<u8>]) -> std::collections::BTreeSet<String> {
    let rows = frames.iter().filter_map(|frame| match decode(frame) {
        Ok(Inbound::Book { rows, .. }) => Some(rows),
        _ => None,
    });
    rows.flatten().map(|row| row.symbol).collect()
}

/// Repeats `work` for long enough, several times; a round counts `each`.
fn rate(unit: &'static str, each: u64, clock: &dyn Clock, mut work: impl FnMut(u32)) -> Rate {
    let mut rounds: u32 = 1;
    while rounds < u32::MAX / 2 {
        let begin = clock.monotonic_ms();
        work(rounds);
        if clock.monotonic_ms() - begin >= LEAST_MS {
            break;
        }
        rounds *= 2;
    }
    let count = u64::from(rounds) * each;
    let mut rates: Vec<f64> = (0..RUNS)
        .map(|_| {
            let begin = clock.monotonic_ms();
            work(rounds);
            count as f64 * 1_000.0 / (clock.monotonic_ms() - begin).max(1e-6)
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    let median = rates.get(RUNS / 2).copied().unwrap_or(0.0);
    Rate {
        unit,
        count,
        median_per_second: median,
        best_per_second: rates.last().copied().unwrap_or(0.0),
        median_ns: 1e9 / median.max(1e-9),
    }
}
