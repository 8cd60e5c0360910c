//! Trading by rules: when it fills and at which price, and that a sweep says the same.

use proptest::prelude::*;

use super::testing::{Means, bars, walk};
use super::{Action, Backtest, Levels, RuleCosts, RuleReport, RuleTrader, Rules, Why, backtest, grid, sweep};
use crate::domain::Bar;

const FREE: RuleCosts = RuleCosts { fee_rate: 0.0, slippage_bps: 0.0 };
const DEAR: RuleCosts = RuleCosts { fee_rate: 0.0026, slippage_bps: 2.0 };

fn trader(rules: &Rules, costs: RuleCosts) -> RuleTrader<Means> {
    RuleTrader::new(rules, Means::default(), costs).unwrap()
}

fn run(rules: &Rules, bars: &[Bar], costs: RuleCosts) -> RuleReport {
    backtest(&mut trader(rules, costs), bars, &Backtest { cash: 1000.0, with_equity: true })
}

fn bar(open: f64, high: f64, low: f64, close: f64) -> Bar {
    Bar { open, high, low, close, ..bars(&[1.0])[0] }
}

#[test]
fn a_decision_is_filled_at_the_next_open_less_fee_and_slippage() {
    let bars = bars(&[10.0, 12.0, 13.0, 9.0, 8.0]);
    let rules = Rules { size: 0.5, ..Rules::new("close > 11", "close < 10") };
    let report = run(&rules, &bars, RuleCosts { fee_rate: 0.01, slippage_bps: 100.0 });
    let [trade] = report.trades.as_slice() else { panic!("{report:?}") };
    // Bar 1 says enter; bar 2 opens at 12. Bar 3 says exit; bar 4 opens at 9.
    assert_eq!((trade.entered, trade.left, trade.why), (2, 4, Why::Rule));
    assert!((trade.entry - 12.12).abs() < 1e-12 && (trade.exit - 8.91).abs() < 1e-12);
    assert!((trade.quantity * 12.12 * 1.01 - 500.0).abs() < 1e-9, "the fee is part of what is spent");
    assert!((trade.profit - (trade.quantity * 8.91 * 0.99 - 500.0)).abs() < 1e-9);
    assert!((report.final_equity - (1000.0 + trade.profit)).abs() < 1e-9);
    assert_eq!(report.exposure, 2.0 / 5.0);
    assert_eq!(report.equity.len(), 5);
    let (peak, last) = (report.equity[2], report.final_equity);
    assert!((report.max_drawdown - (1.0 - last.min(report.equity[3]) / peak.max(1000.0))).abs() < 1e-12);
}

#[test]
fn the_last_decision_is_not_filled_and_what_is_held_is_valued_at_the_last_close() {
    let report = run(&Rules::new("close > 11", "close < 10"), &bars(&[10.0, 12.0, 13.0, 9.0]), FREE);
    assert!(report.trades.is_empty());
    assert_eq!(report.open, Some((2, 12.0)));
    assert!((report.final_equity - 1000.0 / 12.0 * 9.0).abs() < 1e-9);
}

#[test]
fn a_stop_is_taken_before_a_target_and_neither_fills_too_well() {
    let rules = Rules {
        exit: None,
        stop: Some("entry - 2".to_owned()),
        target: Some("entry + 3".to_owned()),
        ..Rules::new("close == 10", "false")
    };
    let ending = |after: Bar| {
        let report = run(&rules, &[bar(10.0, 10.0, 10.0, 10.0), bar(10.0, 10.5, 9.5, 10.1), after], FREE);
        report.trades.first().map(|trade| (trade.exit, trade.why, trade.left))
    };
    assert_eq!(ending(bar(10.0, 11.0, 9.0, 10.0)), None);
    assert_eq!(ending(bar(10.0, 11.0, 7.5, 10.0)), Some((8.0, Why::Stop, 2)));
    assert_eq!(ending(bar(7.0, 9.0, 6.5, 8.0)), Some((7.0, Why::Stop, 2)), "it opened below the stop");
    assert_eq!(ending(bar(10.0, 13.5, 9.0, 12.0)), Some((13.0, Why::Target, 2)));
    assert_eq!(ending(bar(14.0, 15.0, 13.5, 14.0)), Some((13.0, Why::Target, 2)), "no better than its price");
    assert_eq!(ending(bar(10.0, 13.5, 7.5, 10.0)), Some((8.0, Why::Stop, 2)), "both: the worse one");
    // Also within the bar of the entry.
    let report = run(&rules, &[bar(10.0, 10.0, 10.0, 10.0), bar(10.0, 10.5, 7.0, 9.0)], FREE);
    assert_eq!(report.trades.first().map(|t| (t.entered, t.left, t.exit)), Some((1, 1, 8.0)));
    assert_eq!(report.exposure, 0.0);
}

#[test]
fn levels_come_from_what_was_known_when_the_entry_was_decided() {
    let rules = Rules { stop: Some("entry - (close - prev(close))".to_owned()), ..Rules::new("close > 11", "false") };
    let mut trader = trader(&rules, FREE);
    let steps: Vec<_> = bars(&[10.0, 12.0]).iter().map(|bar| trader.step(bar)).collect();
    assert_eq!(steps, [None, Some(Action::Enter)]);
    assert_eq!(trader.entered(12.5), Levels { stop: Some(10.5), target: None });
    assert!(trader.holds());
}

#[test]
fn an_entry_whose_stop_has_no_value_is_not_taken() {
    let rules = Rules { stop: Some("mean_3 - 1".to_owned()), ..Rules::new("close > 0", "false") };
    let mut trader = trader(&rules, FREE);
    let steps: Vec<_> = bars(&[10.0, 11.0, 12.0]).iter().map(|bar| trader.step(bar)).collect();
    assert_eq!(steps, [None, None, Some(Action::Enter)]);
}

#[test]
fn exits_see_the_position() {
    let closes = [10.0, 10.0, 10.0, 10.0, 10.0, 10.0];
    let held = run(&Rules::new("true", "bars_held >= 2"), &bars(&closes), FREE);
    // Filled at bar 1, exit decided at the second close since, filled at bar 3; entered again at bar 4.
    assert_eq!(held.trades.iter().map(|t| (t.entered, t.left)).collect::<Vec<_>>(), [(1, 3)]);
    assert_eq!(held.open.map(|(bar, _)| bar), Some(4));
    let costs = RuleCosts { fee_rate: 0.01, slippage_bps: 0.0 };
    // +2 % on the price is no gain after two fees of 1 %.
    let gain = |last: f64| run(&Rules::new("close == 10", "gain > 0"), &bars(&[10.0, 10.1, last, 9.0]), costs);
    assert_eq!((gain(10.2).trades.len(), gain(10.3).trades.len()), (0, 1));
    let entry = run(&Rules::new("close == 10", "close > entry + 1"), &bars(&[10.0, 10.9, 11.2, 12.0]), FREE);
    assert_eq!(entry.trades.first().map(|t| (t.entered, t.left)), Some((1, 3)));
}

#[test]
fn after_an_exit_it_waits_as_many_closes_as_it_is_told() {
    let entered = |cooldown: u32| {
        let rules = Rules { cooldown, ..Rules::new("true", "bars_held >= 1") };
        run(&rules, &bars(&[10.0; 12]), FREE).trades.iter().map(|t| t.entered).collect::<Vec<_>>()
    };
    assert_eq!(entered(0), [1, 3, 5, 7, 9]);
    assert_eq!(entered(1), [1, 4, 7, 10].into_iter().filter(|at| *at < 11).collect::<Vec<_>>());
    assert_eq!(entered(4), [1, 7]);
}

#[test]
fn a_hole_forgets_the_bars_before_it() {
    let mut trader = trader(&Rules::new("cross_above(close, mean_2)", "false"), FREE);
    let bars = bars(&[10.0, 9.0, 12.0]);
    assert_eq!(bars.iter().map(|bar| trader.step(bar)).collect::<Vec<_>>(), [None, None, Some(Action::Enter)]);
    trader.hole();
    assert_eq!(bars[1..].iter().map(|bar| trader.step(bar)).collect::<Vec<_>>(), [None, None]);
}

#[test]
fn an_answer_is_repeated_until_it_is_filled() {
    let mut trader = trader(&Rules::new("close > 11", "close < 10"), FREE);
    let step = |trader: &mut RuleTrader<Means>, close: f64| trader.step(&bars(&[close])[0]);
    assert_eq!([step(&mut trader, 12.0), step(&mut trader, 13.0)], [Some(Action::Enter); 2]);
    trader.entered(13.0);
    assert_eq!([step(&mut trader, 9.0), step(&mut trader, 8.0)], [Some(Action::Exit); 2]);
    trader.left();
    assert_eq!(step(&mut trader, 8.0), None);
}

/// Rules of every kind: ties, look back of numbers and conditions, choices, stops, the position.
fn kinds() -> Vec<Rules> {
    let cross = Rules::new("cross_above(mean_{fast}, mean_{slow})", "cross_below(mean_{fast}, mean_{slow})");
    let mut all = grid(&cross, &[("fast", &[2.0, 3.0, 5.0]), ("slow", &[6.0, 8.0])]);
    all.extend([
        Rules { cooldown: 3, size: 0.5, ..Rules::new("close > mean_5 || close == open", "!(close > mean_5)") },
        Rules {
            stop: Some("min(entry, close) - abs(close - prev(mean_3))".to_owned()),
            target: Some("entry * 1.002".to_owned()),
            ..Rules::new("(close > mean_3)[2] && !(close[70] < mean_8[5])", "close < mean_3 - 0.1")
        },
        Rules {
            cooldown: 7,
            ..Rules::new(
                "if(close > open, close > mean_5, mean_2 != mean_3)",
                "gain > 0.001 || bars_held >= 9 && prev(close) >= entry",
            )
        },
        Rules {
            exit: None,
            stop: Some("entry - if(open < close, 0.3, mean_8 - prev(mean_8) + 0.2)".to_owned()),
            target: Some("entry + 0.5".to_owned()),
            ..Rules::new("if(open < close, true, close / mean_3 > 1 && -close < -5 * 2)[63] && true", "false")
        },
        Rules {
            exit: None,
            target: Some("entry * 2".to_owned()),
            ..Rules::new("max(close, open) + mean_8 * 0 > 1", "")
        },
        Rules::new("false", "true"),
        Rules::new("true", "false"),
    ]);
    all
}

fn same(bars: &[Bar], costs: RuleCosts) {
    let all = kinds();
    let reports = sweep(&all, Means::default(), bars, 1000.0, costs).unwrap();
    for (rules, report) in all.iter().zip(&reports) {
        let alone = backtest(&mut trader(rules, costs), bars, &Backtest { cash: 1000.0, with_equity: false });
        assert_eq!(report.trades, alone.trades, "{rules:?}");
        assert_eq!(format!("{report:?}"), format!("{alone:?}"), "{rules:?}");
        assert_eq!(report.fingerprint(), alone.fingerprint(), "{rules:?}");
    }
}

#[test]
fn a_sweep_says_the_same_as_each_strategy_alone_over_several_blocks() {
    let bars = walk(2 * 4096 + 1234, 3);
    same(&bars, DEAR);
    let reports = sweep(&kinds(), Means::default(), &bars, 1000.0, DEAR).unwrap();
    let traded = reports.iter().filter(|report| report.trades.len() > 20).count();
    assert!(
        traded >= 9,
        "the comparison needs trades: {:?}",
        reports.iter().map(|r| r.trades.len()).collect::<Vec<_>>()
    );
    let mut prints: Vec<u64> = reports.iter().map(RuleReport::fingerprint).collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), reports.len());
}

#[test]
fn a_sweep_tells_which_strategy_is_wrong() {
    let rules = [Rules::new("true", "false"), Rules::new("tru > 1", "false")];
    let error = sweep(&rules, Means::default(), &[], 1.0, FREE).unwrap_err();
    assert_eq!(error.number, 1);
    assert!(error.to_string().starts_with("strategy 1 of the sweep: key entry, column 1:"), "{error}");
    let empty = sweep(&rules[..1], Means::default(), &[], 7.0, FREE).unwrap();
    assert_eq!((empty[0].bars, empty[0].final_equity, empty[0].exposure), (0, 7.0, 0.0));
}

#[test]
fn a_grid_has_every_combination() {
    let all = grid(&Rules::new("mean_{a} > {b}", "close < {b}"), &[("a", &[2.0, 3.0]), ("b", &[1.0, 0.5])]);
    let told: Vec<_> = all.iter().map(|rules| (rules.entry.as_str(), rules.exit.as_deref().unwrap())).collect();
    assert_eq!(
        told,
        [
            ("mean_2 > 1", "close < 1"),
            ("mean_2 > 0.5", "close < 0.5"),
            ("mean_3 > 1", "close < 1"),
            ("mean_3 > 0.5", "close < 0.5")
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_sweep_says_the_same_on_any_bars(seed: u64, n in 1_usize..400) {
        same(&walk(n, seed), DEAR);
    }

    #[test]
    fn cash_is_accounted_for(seed: u64) {
        let bars = walk(600, seed);
        for rules in kinds() {
            let report = run(&rules, &bars, DEAR);
            if report.open.is_none() {
                let profits: f64 = report.trades.iter().map(|trade| trade.profit).sum();
                prop_assert!((report.final_equity - 1000.0 - profits).abs() < 1e-8);
            }
            prop_assert!((0.0..1.0).contains(&report.max_drawdown) && (0.0..=1.0).contains(&report.exposure));
            let falls = report.equity.iter().scan(1000.0_f64, |peak, equity| {
                *peak = peak.max(*equity);
                Some(1.0 - equity / *peak)
            });
            let worst = falls.fold(0.0, f64::max);
            prop_assert!(report.max_drawdown >= worst - 1e-12, "{} {worst}", report.max_drawdown);
            prop_assert!(report.trades.windows(2).all(|pair| pair[0].left <= pair[1].entered));
        }
    }
}
