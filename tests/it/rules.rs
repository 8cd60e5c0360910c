//! Rule strategies as a file gives them, over real columns.

use cryptosmarttrader::decision::rules::{Backtest, RuleCosts, RuleTrader, Rules, StrategyFile, backtest, grid, sweep};
use cryptosmarttrader::domain::random::SplitMix64;
use cryptosmarttrader::domain::settings::PipelineSettings;
use cryptosmarttrader::domain::{Bar, Interval, UtcMs};
use cryptosmarttrader::pipeline::{FeatureSet, NamedColumns};

const COSTS: RuleCosts = RuleCosts { fee_rate: 0.0026, slippage_bps: 1.0 };

fn columns(interval: Interval) -> NamedColumns {
    NamedColumns::new(interval, FeatureSet::built_in(), &PipelineSettings::default())
}

fn walk(n: usize) -> Vec<Bar> {
    let mut rng = SplitMix64::seeded(11);
    let mut close = 100.0;
    let bar = |i: usize| {
        let open: f64 = close;
        close = open * (1.0 + 0.02 * (rng.unit() - 0.5) + 0.002 * (i as f64 / 60.0).sin());
        let (high, low) = (open.max(close) * 1.002, open.min(close) * 0.998);
        Bar { open_time: UtcMs(i as i64 * 3_600_000), open, high, low, close, volume: 1.0 + rng.unit() }
    };
    (0..n).map(bar).collect()
}

#[test]
fn the_strategies_that_come_with_the_program_trade() {
    let file = StrategyFile::parse("config/strategies.toml", StrategyFile::BUILT_IN, columns).unwrap();
    let names: Vec<&str> = file.strategies.iter().map(|strategy| strategy.name.as_str()).collect();
    assert_eq!(names, ["crossover", "range reversion", "breakout"]);
    let bars = walk(6000);
    for strategy in &file.strategies {
        let mut trader = RuleTrader::new(&strategy.rules, columns(strategy.interval), COSTS).unwrap();
        let report = backtest(&mut trader, &bars, &Backtest { cash: 1e4, with_equity: false });
        assert!(report.trades.len() > 3, "{}: {} trades", strategy.name, report.trades.len());
    }
}

#[test]
fn a_sweep_over_windows_equals_single_runs_bit_for_bit() {
    let rules = Rules {
        stop: Some("entry - 2 * atr_14".to_owned()),
        ..Rules::new("cross_above(sma_{fast}, sma_{slow}) && return_24 > -5", "cross_below(sma_{fast}, sma_{slow})")
    };
    let all = grid(&rules, &[("fast", &[5.0, 10.0]), ("slow", &[20.0, 50.0])]);
    let bars = walk(5000);
    let reports = sweep(&all, columns(Interval::H1), &bars, 1e4, COSTS).unwrap();
    for (rules, report) in all.iter().zip(&reports) {
        let mut trader = RuleTrader::new(rules, columns(Interval::H1), COSTS).unwrap();
        let alone = backtest(&mut trader, &bars, &Backtest { cash: 1e4, with_equity: false });
        assert!(alone.trades.len() > 10);
        assert_eq!((&alone, alone.fingerprint()), (report, report.fingerprint()), "{rules:?}");
    }
}

#[test]
fn every_problem_of_a_file_is_told_at_once() {
    let text = r#"
[[strategy]]
name = "trend"
pairs = ["BTC/USD"]
interval = "1h"
side = "long"
entry = "sma_20 > smaa_50 && rsi_14 < 70"
exit = "sma_20 < sma_50 && rsi_0 > 3"
size = 0.5

[[strategy]]
name = "trend"
pairs = ["what"]
interval = "2h"
side = "long"
entry = "true"
size = 2

[[strategy]]
name = "typo"
pairs = ["BTC/USD"]
interval = "1m"
side = "long"
entri = "true"
size = 1

[[strategy]]
name = "minutes"
pairs = ["BTC/USD"]
interval = "1m"
side = "long"
entry = "volatility_rank > 0.5"
exit = "close"
size = 1
"#;
    let told = StrategyFile::parse("config/strategies.toml", text, columns).unwrap_err().to_string();
    let first = "config/strategies.toml: strategy \"trend\", key entry, column 10:\n  sma_20 > smaa_50 && rsi_14 < 70\n           ^^^^^^^ unknown name; did you mean sma_50?\n";
    assert!(told.starts_with(first), "{told}");
    for words in [
        "strategy \"trend\", key exit, column 20:",
        "rsi: timeperiod = 0 is out of range; it must be a whole number from 1 to 100000",
        "key name: there is another strategy of this name",
        "key pairs: 'what' is not a pair",
        "key size: 2 is out of range; it must be above 0 and at most 1",
        "nothing ends a position: give exit, stop or target",
        "key interval: '2h' is none of 1m, 5m, 15m, 30m, 1h, 4h, 1d",
        "strategy \"typo\", unknown field `entri`",
        "strategy \"minutes\", key entry, column 1:",
        "'volatility_rank' is a feature of hourly bars; this strategy's interval is 1m",
        "strategy \"minutes\", key exit, column 1:",
    ] {
        assert!(told.contains(words), "{words} is missing in\n{told}");
    }
    assert!(StrategyFile::parse("x.toml", "[[strateggy]]", columns).unwrap_err().to_string().contains("unknown field"));
    assert!(StrategyFile::parse("x.toml", "", columns).unwrap().strategies.is_empty());
}
