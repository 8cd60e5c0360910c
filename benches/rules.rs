//! Cost of rule strategies: one bar through the step that trades live, a whole backtest, and a sweep that shares its indicators.
//!
//! Alone it measures with criterion on the hourly ETH/USD candles of the reference vectors, over and over. `--peer FILE CASH SIZE` serves
//! `benches/peers/rules.py`: it reads the columns open, high, low, close, volume (64-bit floats, one column after the other), runs what the peers run
//! and prints one JSON object.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark without its input has nothing to measure")]
#![expect(clippy::disallowed_methods, reason = "it times itself")]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput};
use cryptosmarttrader::decision::rules::{Backtest, RuleCosts, RuleReport, RuleTrader, Rules, backtest, grid, sweep};
use cryptosmarttrader::domain::settings::PipelineSettings;
use cryptosmarttrader::domain::{Bar, Interval, UtcMs};
use cryptosmarttrader::pipeline::{FeatureSet, NamedColumns};

const COSTS: RuleCosts = RuleCosts { fee_rate: 0.0026, slippage_bps: 0.0 };
const FAST: [f64; 5] = [10.0, 15.0, 20.0, 25.0, 30.0];
const SLOW: [f64; 5] = [50.0, 75.0, 100.0, 150.0, 200.0];
const ROUNDS: usize = 9;

fn columns() -> NamedColumns {
    NamedColumns::new(Interval(1), FeatureSet::built_in(), &PipelineSettings::default())
}

fn crossover(fast: &str, slow: &str) -> Rules {
    let cross = |way: &str| format!("cross_{way}(sma_{fast}, sma_{slow})");
    Rules::new(cross("above"), cross("below"))
}

fn guarded() -> Rules {
    Rules {
        stop: Some("entry - 2 * atr_14".to_owned()),
        target: Some("entry + 6 * atr_14".to_owned()),
        ..Rules::new("sma_20 > sma_50 && rsi_14 < 70", "rsi_14 > 80 || gain < -0.05 || bars_held >= 96")
    }
}

fn trader(rules: &Rules) -> RuleTrader<NamedColumns> {
    RuleTrader::new(rules, columns(), COSTS).expect("sound rules")
}

fn one(rules: &Rules, bars: &[Bar], cash: f64) -> RuleReport {
    backtest(&mut trader(rules), bars, &Backtest { cash, with_equity: false })
}

fn many(rules: &[Rules], bars: &[Bar], cash: f64) -> Vec<RuleReport> {
    sweep(rules, columns(), bars, cash, COSTS).expect("sound rules")
}

fn windows(size: f64) -> Vec<Rules> {
    grid(&Rules { size, ..crossover("{fast}", "{slow}") }, &[("fast", &FAST), ("slow", &SLOW)])
}

/// Bars from columns of equal length.
fn bars([open, high, low, close, volume]: [&[f64]; 5]) -> Vec<Bar> {
    let number = |column: &[f64], i: usize| column.get(i).copied().expect("columns of equal length");
    let bar = |i: usize| Bar {
        open_time: UtcMs(i as i64 * 60_000),
        open: number(open, i),
        high: number(high, i),
        low: number(low, i),
        close: number(close, i),
        volume: number(volume, i),
    };
    (0..open.len()).map(bar).collect()
}

fn golden_bars() -> Vec<Bar> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/indicators.json");
    let text = std::fs::read_to_string(path).expect("tests/golden/indicators.json");
    let root: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let column = |name: &str| -> Vec<f64> {
        let values = root.pointer(&format!("/series/eth_usd_1h/{name}")).and_then(|v| v.as_array()).expect("column");
        values.iter().filter_map(serde_json::Value::as_f64).collect()
    };
    let columns = ["open", "high", "low", "close", "volume"].map(column);
    bars(columns.each_ref().map(Vec::as_slice))
}

fn measure(c: &mut Criterion) {
    let bars = golden_bars();
    let mut group = c.benchmark_group("rules");
    group.throughput(Throughput::Elements(1));
    for (name, rules) in [("step_crossover", crossover("20", "50")), ("step_guarded", guarded())] {
        group.bench_function(name, |b| {
            let mut trader = trader(&rules);
            let mut next = bars.iter().cycle();
            b.iter(|| next.next().map(|bar| black_box(trader.step(bar))));
        });
    }
    group.throughput(Throughput::Elements(bars.len() as u64));
    for (name, rules) in [("backtest_crossover", crossover("20", "50")), ("backtest_guarded", guarded())] {
        group.bench_function(name, |b| b.iter(|| black_box(one(&rules, &bars, 1e4))));
    }
    let windows = windows(1.0);
    group.throughput(Throughput::Elements((bars.len() * windows.len()) as u64));
    group.bench_function("sweep_25_windows", |b| b.iter(|| black_box(many(&windows, &bars, 1e4))));
    group.finish();
}

/// The best of several rounds in ms, and what came out.
fn best<T>(work: impl Fn() -> T) -> (f64, T) {
    let timed = |_| {
        let begin = Instant::now();
        let made = black_box(work());
        (begin.elapsed().as_secs_f64() * 1e3, made)
    };
    (0..ROUNDS).map(timed).min_by(|a, b| a.0.total_cmp(&b.0)).expect("rounds")
}

fn peer(file: &str, cash: f64, size: f64) {
    let bytes = std::fs::read(file).expect("the file of columns");
    let numbers: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let mut parts = numbers.chunks_exact(numbers.len() / 5);
    let bars = bars(std::array::from_fn(|_| parts.next().expect("five columns")));
    let told = |report: &RuleReport| {
        serde_json::json!({
            "trades": report.trades.len() + usize::from(report.open.is_some()),
            "final_equity": report.final_equity,
            "max_drawdown": report.max_drawdown,
            "exposure": report.exposure,
        })
    };
    let rules = Rules { size, ..crossover("20", "50") };
    let guarded = Rules { size, ..guarded() };
    let windows = windows(size);
    let (one_ms, single) = best(|| one(&rules, &bars, cash));
    let (guarded_ms, _) = best(|| one(&guarded, &bars, cash));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let (sweep_ms, reports) = best(|| pool.install(|| many(&windows, &bars, cash)));
    let (threads_ms, _) = best(|| many(&windows, &bars, cash));
    let same = windows.iter().zip(&reports).all(|(rules, report)| one(rules, &bars, cash) == *report);
    let answer = serde_json::json!({
        "bars": bars.len(),
        "single": told(&single),
        "single_ms": one_ms,
        "guarded_ms": guarded_ms,
        "sweep": reports.iter().map(told).collect::<Vec<_>>(),
        "sweep_ms": sweep_ms,
        "sweep_all_threads_ms": threads_ms,
        "sweep_equals_single_runs": same,
    });
    println!("{answer}");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, file, cash, size] = arguments.as_slice()
        && flag == "--peer"
    {
        peer(file, cash.parse().expect("cash"), size.parse().expect("size"));
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    measure(&mut criterion);
    criterion.final_summary();
}
