//! The link against the stand-in exchange: hours of simulated time in one thread, without sockets, with every fault of market data.
//!
//! Afterwards the link's books, trades and candles must be the stand-in's, to the last digit. The short runs are part of every test run; the
//! long one is started by hand (`docs/soak.md`).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "in a test a panic is a failure with a place"
)]

#[path = "soak/audit.rs"]
mod audit;
#[path = "soak/report.rs"]
mod report;
#[path = "soak/rig.rs"]
mod rig;
#[path = "soak/storm.rs"]
mod storm;
#[path = "soak/world.rs"]
mod world;

use std::time::Instant;

use report::Report;
use rig::Rig;
use storm::Family;
use world::Scale;

const MINUTE_MS: i64 = 60_000;

fn calm(seed: u64, pairs: usize, minutes: i64) -> Report {
    let mut rig = Rig::new(Scale { seed, pairs, minutes }, &[]);
    rig.run(minutes * MINUTE_MS);
    rig.finish()
}

/// Faults for `minutes`, then quiet ones in which everything must be found again.
fn stormy(seed: u64, pairs: usize, minutes: i64, quiet: i64, families: &[Family]) -> Report {
    let mut rig = Rig::new(Scale { seed, pairs, minutes: minutes + quiet }, families);
    rig.run(minutes * MINUTE_MS);
    rig.end_storm();
    rig.run(quiet * MINUTE_MS);
    rig.finish()
}

#[test]
fn without_faults_nothing_is_ever_in_doubt_and_no_limit_is_met() {
    let report = calm(1, 8, 20);
    assert_eq!(report.wrongs, Vec::<String>::new(), "{report}");
    assert!(report.frames > 10_000 && report.trades > 500 && report.candles > 16, "{report}");
    assert_eq!((report.resyncs, report.reconnects, report.unproven, report.rest_troubles), (0, 0, 0, 0), "{report}");
}

#[test]
fn after_every_kind_of_fault_books_trades_and_candles_are_the_exchanges() {
    for seed in [1, 2] {
        let report = stormy(seed, 6, 12, 13, &Family::ALL);
        assert_eq!(report.wrongs, Vec::<String>::new(), "seed {seed}: {report}");
        assert!(report.struck > 30 && report.reconnects > 0 && report.trades > 500, "seed {seed}: {report}");
    }
}

#[test]
fn a_seed_gives_the_same_run_to_the_last_byte() {
    let (a, b) = (stormy(3, 3, 5, 1, &Family::ALL), stormy(3, 3, 5, 1, &Family::ALL));
    assert_eq!((&a.transcript, &a.digest), (&b.transcript, &b.digest));
    assert_ne!(a.transcript, stormy(4, 3, 5, 1, &Family::ALL).transcript);
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// `CST_SOAK_SEEDS` (`1-20` or `7`), `CST_SOAK_HOURS`, `CST_SOAK_PAIRS`, `CST_SOAK_FAMILIES` (`all`, `none`, or names with commas),
/// `CST_SOAK_TRACE` (a pair whose messages are printed).
#[test]
#[ignore = "takes minutes per seed; see docs/soak.md"]
fn long() {
    let seeds = setting("CST_SOAK_SEEDS", "1-20");
    let (first, last) = seeds.split_once('-').unwrap_or((&seeds, &seeds));
    let (first, last): (u64, u64) = (first.parse().expect("a seed"), last.parse().expect("a seed"));
    let minutes = (setting("CST_SOAK_HOURS", "10").parse::<f64>().expect("hours") * 60.0) as i64;
    let pairs: usize = setting("CST_SOAK_PAIRS", "50").parse().expect("a number of pairs");
    let names = setting("CST_SOAK_FAMILIES", "all");
    let families: Vec<Family> =
        Family::ALL.into_iter().filter(|f| names == "all" || names.contains(f.name())).collect();
    let mut failed = Vec::new();
    for seed in first..=last {
        #[expect(clippy::disallowed_methods, reason = "the wall time of the run itself is reported")]
        let began = Instant::now();
        let report =
            if families.is_empty() { calm(seed, pairs, minutes) } else { stormy(seed, pairs, minutes, 30, &families) };
        println!("seed {seed}: {report} wall {:.0} s", began.elapsed().as_secs_f64());
        assert_ne!(report.is_flat(), Some(false), "the link grows");
        report.wrongs.iter().for_each(|w| println!("  seed {seed}: {w}"));
        if !report.wrongs.is_empty() {
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "seeds with differences: {failed:?}");
}
