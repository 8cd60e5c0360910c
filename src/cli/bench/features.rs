//! What indicators and the feature set cost: many candles of many pairs in batch, one pair alone, and one closed bar of every pair of an exchange.
//! One thread.

use std::fmt::Write as _;
use std::path::Path;

use color_eyre::eyre::{WrapErr, ensure, eyre};
use serde::Serialize;

use crate::cli::args::Cli;
use crate::cli::{Outcome, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::domain::random::SplitMix64;
use crate::domain::settings::PipelineSettings;
use crate::domain::time::HOUR_MS;
use crate::domain::{Bar, Pair, UtcMs};
use crate::pipeline::FeatureSet;
use crate::pipeline::features::Panel;
use crate::pipeline::kernels::{Indicator, Lanes, Plan, Row, Series, Started};
use crate::telemetry::ProcessMeter;

/// Indicators that TA-Lib does not have: not measured unless asked for, so that both sides do the same work.
const OUR_OWN: [&str; 14] = [
    "donchian",
    "keltner",
    "rolling_vwap",
    "cmf",
    "ichimoku",
    "supertrend",
    "rolling_zscore",
    "vol_close",
    "vol_realised",
    "vol_parkinson",
    "vol_garman_klass",
    "vol_rogers_satchell",
    "vol_yang_zhang",
    "vol_ewma",
];

/// Pairs and rows of the batch: a million candles.
const PAIRS: usize = 50;
const ROWS: usize = 20_000;
/// How often the batch runs: the best and the middle one are told.
const RUNS: usize = 9;
/// Pairs of the live measurement, and bars: the first ones fill the windows.
const LIVE_PAIRS: usize = 1_400;
const LIVE_BARS: usize = 1_000;
const FIRST_BARS: usize = 200;
/// Pairs that take their bars side by side.
const SIDE_BY_SIDE: usize = 8;

#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    optimised: bool,
    indicators: usize,
    outputs: usize,
    batch: Batch,
    /// One pair alone, bar by bar.
    update: Spread,
    live: Live,
    /// The feature set instead of the indicators.
    feature_set: Live,
}

/// All indicators over a million candles.
#[derive(Debug, Serialize)]
struct Batch {
    pairs: usize,
    rows: usize,
    best_ms: f64,
    median_ms: f64,
    /// Of the best run.
    ns_per_row: f64,
    ns_per_row_and_output: f64,
}

/// One closed bar of every pair.
#[derive(Debug, Serialize)]
struct Live {
    pairs: usize,
    /// Outputs of the indicators, or columns of the feature set.
    outputs: usize,
    all_pairs_us: Spread,
    median_ns_per_pair: f64,
    /// What the process grew by when all windows were filled.
    resident_bytes_per_pair_and_output: Option<f64>,
}

/// How long single steps took.
#[derive(Debug, Serialize)]
struct Spread {
    least: f64,
    p50: f64,
    mean: f64,
    p99: f64,
}

impl Spread {
    fn of(mut taken: Vec<f64>) -> Self {
        taken.sort_by(f64::total_cmp);
        let at = |share: f64| taken.get((taken.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
        let mean = taken.iter().sum::<f64>() / taken.len() as f64;
        Self { least: at(0.0), p50: at(0.5), mean, p99: at(0.99) }
    }
}

/// Measures; with `dump` it only writes the first pair's candles and outputs there, for other programs to be compared with.
pub(super) fn features(cli: &Cli, only: &[String], dump: Option<&Path>) -> Outcome {
    let indicators = chosen(only)?;
    let plan = Plan::new(&indicators);
    if let Some(path) = dump {
        return write(path, &indicators, &plan);
    }
    let clock = SystemClock::new();
    let live = live(&plan, &clock);
    let tables: Vec<Table> = (0..PAIRS).map(|pair| Table::invented(pair as u64 + 1, ROWS)).collect();
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        optimised: !cfg!(debug_assertions),
        indicators: indicators.len(),
        outputs: plan.outputs(),
        batch: batch(&plan, &tables, &clock)?,
        update: update(&plan, &tables, &clock)?,
        live,
        feature_set: feature_set(&clock)?,
    };
    if cli.json {
        return print_json(&report);
    }
    print(&told(&report))
}

fn told(report: &Report) -> String {
    let Report { batch, update, .. } = report;
    let mut text = format!(
        "{} indicators, {} outputs, one thread\n\
         {} pairs × {} rows in batch     {:>8.1} ms  {:.2} ns per row and output\n\
         one bar of one pair            {:>8.0} ns",
        report.indicators,
        report.outputs,
        batch.pairs,
        batch.rows,
        batch.best_ms,
        batch.ns_per_row_and_output,
        update.p50,
    );
    for (what, live) in [("indicators", &report.live), ("the feature set", &report.feature_set)] {
        let _ = write!(
            text,
            "\none bar of {} pairs, {what}, {} values: {:.1} µs at the median, {:.1} µs in 99 of 100; {:.0} ns a pair",
            live.pairs, live.outputs, live.all_pairs_us.p50, live.all_pairs_us.p99, live.median_ns_per_pair,
        );
        if let Some(bytes) = live.resident_bytes_per_pair_and_output {
            let _ = write!(text, "; {bytes:.0} bytes resident per pair and value");
        }
    }
    if !report.optimised {
        text.push_str("\nthis is not a release build: the figures say little");
    }
    text
}

/// Indicators with usual parameters; the parameters that benches/peers/features.py gives TA-Lib.
fn chosen(only: &[String]) -> Result<Vec<Indicator>, color_eyre::Report> {
    let usual = Indicator::USUAL.iter().copied();
    if only.is_empty() {
        return Ok(usual.filter(|i| !OUR_OWN.contains(&i.name())).collect());
    }
    let find = |name: &String| {
        let found = usual.clone().find(|i| i.name() == name);
        found.ok_or_else(|| eyre!("there is no indicator '{name}'; there are {}", Indicator::NAMES.join(", ")))
    };
    only.iter().map(find).collect()
}

/// Candles of an invented pair.
struct Table([Vec<f64>; 5]);

impl Table {
    fn invented(seed: u64, rows: usize) -> Self {
        let mut random = SplitMix64::seeded(seed);
        let mut columns = [const { Vec::new() }; 5];
        let mut close = 100.0_f64;
        for _ in 0..rows {
            let open = close;
            close *= 1.0 + 0.01 * (random.unit() - 0.5);
            let high = open.max(close) * (1.0 + 0.003 * random.unit());
            let low = open.min(close) * (1.0 - 0.003 * random.unit());
            let candle = [open, high, low, close, 1_000.0 * random.unit()];
            for (column, value) in columns.iter_mut().zip(candle) {
                column.push(value);
            }
        }
        Self(columns)
    }

    fn series(&self) -> Series<'_> {
        let [open, high, low, close, volume] = &self.0;
        Series { open, high, low, close, volume }
    }

    fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        let [open, high, low, close, volume] = &self.0;
        let rest = high.iter().zip(low).zip(close.iter().zip(volume));
        open.iter().zip(rest).map(|(open, ((high, low), (close, volume)))| Row {
            open: *open,
            high: *high,
            low: *low,
            close: *close,
            volume: *volume,
        })
    }
}

fn batch(plan: &Plan, tables: &[Table], clock: &dyn Clock) -> Result<Batch, color_eyre::Report> {
    let series: Vec<Series<'_>> = tables.iter().map(Table::series).collect();
    let mut seen = 0_usize;
    let mut run = || {
        let begin = clock.monotonic_ms();
        plan.run(&series, |chunk| {
            // The last value of each column is read, as a reader would.
            seen += chunk.columns().filter(|column| column.last().is_some_and(|v| v.is_finite())).count();
        });
        clock.monotonic_ms() - begin
    };
    let taken = Spread::of((0..RUNS).map(|_| run()).collect());
    ensure!(seen > 0, "no value was computed");
    let ns_per_row = taken.least * 1e6 / (PAIRS * ROWS) as f64;
    Ok(Batch {
        pairs: PAIRS,
        rows: ROWS,
        best_ms: taken.least,
        median_ms: taken.p50,
        ns_per_row,
        ns_per_row_and_output: ns_per_row / plan.outputs() as f64,
    })
}

/// Nanoseconds of one bar of one pair: means of a hundred bars each.
fn update(plan: &Plan, tables: &[Table], clock: &dyn Clock) -> Result<Spread, color_eyre::Report> {
    const BARS: usize = 100;
    let rows: Vec<Row> = tables.first().ok_or_else(|| eyre!("no pair"))?.rows().collect();
    let mut started: Started<f64> = plan.start();
    let bars = rows.chunks_exact(BARS).map(|rows| {
        let begin = clock.monotonic_ms();
        for row in rows {
            started.push(row);
        }
        (clock.monotonic_ms() - begin) * 1e6 / BARS as f64
    });
    Ok(Spread::of(bars.skip(FIRST_BARS / BARS).collect()))
}

/// All indicators, pairs side by side.
fn live(plan: &Plan, clock: &dyn Clock) -> Live {
    let groups = LIVE_PAIRS.div_ceil(SIDE_BY_SIDE);
    measured(plan.outputs(), clock, || {
        let mut groups: Vec<Started<Lanes<SIDE_BY_SIDE>>> = (0..groups).map(|_| plan.start()).collect();
        move |number, bars| {
            let Some(row) = bars.get(number).map(Row::side_by_side) else { return };
            for group in &mut groups {
                group.push(&row);
            }
        }
    })
}

/// The whole feature set, with what looks at all pairs.
fn feature_set(clock: &dyn Clock) -> Result<Live, color_eyre::Report> {
    let set = FeatureSet::built_in();
    let others = (1..LIVE_PAIRS).map(|i| format!("P{i}/USD").parse());
    let pairs: Vec<Pair> = std::iter::once(Ok(set.leader().clone())).chain(others).collect::<Result<_, _>>()?;
    Ok(measured(set.schema().len(), clock, move || {
        let mut panel = Panel::new(set, &pairs, &PipelineSettings::default());
        move |number, bars| {
            for pair in 0..LIVE_PAIRS {
                // Each pair walks through the same candles from a place of its own.
                let Some(row) = bars.get((number + 7 * pair) % bars.len()) else { continue };
                let Row { open, high, low, close, volume } = *row;
                let open_time = UtcMs((number as i64).saturating_mul(HOUR_MS));
                panel.take(pair, &Bar { open_time, open, high, low, close, volume }, None);
            }
            panel.close();
        }
    }))
}

/// Starts something and lets it take one bar of all pairs after the other.
fn measured<S: FnMut(usize, &[Row])>(outputs: usize, clock: &dyn Clock, start: impl FnOnce() -> S) -> Live {
    let mut meter = ProcessMeter::default();
    let mut resident = || meter.sample(clock.monotonic_ms()).memory;
    let bars: Vec<Row> = Table::invented(1, LIVE_BARS).rows().collect();
    let before = resident();
    let mut step = start();
    let taken = (0..bars.len()).map(|number| {
        let begin = clock.monotonic_ms();
        step(number, &bars);
        (clock.monotonic_ms() - begin) * 1e3
    });
    let all_pairs_us = Spread::of(taken.skip(FIRST_BARS).collect());
    let grown = before.zip(resident()).map(|(before, after)| after.saturating_sub(before) as f64);
    Live {
        pairs: LIVE_PAIRS,
        outputs,
        median_ns_per_pair: all_pairs_us.p50 * 1e3 / LIVE_PAIRS as f64,
        all_pairs_us,
        resident_bytes_per_pair_and_output: grown.map(|bytes| bytes / (LIVE_PAIRS * outputs) as f64),
    }
}

/// One line for the names, then one for each row: the candle and every output; empty where there is no value.
fn write(path: &Path, indicators: &[Indicator], plan: &Plan) -> Outcome {
    let table = Table::invented(1, ROWS);
    let mut started: Started<f64> = plan.start();
    let mut text = "open,high,low,close,volume".to_owned();
    for indicator in indicators {
        for line in indicator.lines() {
            write!(text, ",{}.{line}", indicator.name())?;
        }
    }
    for row in table.rows() {
        started.push(&row);
        write!(text, "\n{},{},{},{},{}", row.open, row.high, row.low, row.close, row.volume)?;
        for value in started.outputs() {
            text.push(',');
            if value.is_finite() {
                write!(text, "{value}")?;
            }
        }
    }
    text.push('\n');
    std::fs::write(path, text).wrap_err_with(|| format!("'{}' cannot be written", path.display()))
}
