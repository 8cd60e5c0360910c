use std::collections::BTreeMap;

use super::*;
use crate::domain::money::Money;
use crate::domain::time::HOUR_MS;
use crate::orchestrator::Summary;
use crate::orchestrator::backtest::{Attribution, Luck, Training};

fn curve(name: &str, step: f64) -> Curve {
    let start = UtcMs(1_719_792_000_000);
    let point = |i: i64| (start.plus(i * HOUR_MS), 100.0 * (1.0 + step * (i % 50) as f64));
    Curve { name: name.to_owned(), points: (0..1_500).map(point).collect() }
}

fn account_of(curve: &Curve) -> Account {
    Account {
        performance: curve.performance(),
        mean_exposure: Some(0.12),
        attribution: Attribution {
            alpha: Money(3.into()),
            fees: Money(2.into()),
            slippage: Money(2.into()),
            net: Money((-1).into()),
        },
        by_end: vec![Group { name: "stop".to_owned(), trades: 3, won: 1, net: Money((-1).into()) }],
        by_pair: Vec::new(),
        by_horizon: Vec::new(),
        months: curve.months(),
    }
}

fn report() -> Report {
    let curves = vec![curve("main", 0.001), curve("shadow", -0.001), curve("buy and hold, equal shares", 0.002)];
    Report {
        label: "a <recording>".to_owned(),
        pairs: vec!["BTC/USD".parse().unwrap()],
        left_out: vec!["XYZ/USD: not in Kraken's listing".to_owned()],
        from: UtcMs(1_719_792_000_000),
        to: UtcMs(1_725_192_000_000),
        models: "trained before the test and again every 30 days".to_owned(),
        trainings: vec![
            Training {
                to: UtcMs(1_719_792_000_000),
                horizon: crate::domain::Horizon(24),
                outcome: Ok("h24-1".to_owned()),
            },
            Training {
                to: UtcMs(1_719_792_000_000),
                horizon: crate::domain::Horizon(720),
                outcome: Err("too few rows".to_owned()),
            },
        ],
        without_costs: false,
        side_cost: 0.0042,
        main: account_of(&curves[0]),
        shadow: account_of(&curves[1]),
        benchmarks: curves.iter().skip(2).map(Curve::performance).collect(),
        luck: Some(Luck { configurations: 7, benchmark: 0.031, deflated_sharpe: 0.41 }),
        overfitting: Some(0.25),
        summary: Summary {
            fingerprint: "abcd".to_owned(),
            blocked_by_reason: BTreeMap::from([("low_confidence", 12)]),
            ..Summary::default()
        },
        curves,
        outcomes: Vec::new(),
    }
}

#[test]
fn the_page_says_what_the_report_says() {
    let page = page(&report(), UtcMs(1_796_076_720_000));
    for words in [
        "a &lt;recording&gt;",
        "costs 0.420 %",
        "trained on data to 2024-07-01 00:00: 24h; none for 720h: too few rows",
        "XYZ/USD: not in Kraken&#39;s listing",
        "low_confidence",
        "Deflated Sharpe: 0.410",
        "in 25 % of the splits",
        "2024-08",
        "No trade was closed.",
        "abcd",
        "polyline",
    ] {
        assert!(page.contains(words), "'{words}' is not on the page");
    }
    assert!(
        !page.contains("Without costs")
            && !page.contains("<script")
            && !page.contains("http:")
            && !page.contains("https:")
    );
    let free = super::page(&Report { without_costs: true, ..report() }, UtcMs(0));
    assert!(free.contains("Without costs: no fees"));
}

#[test]
fn the_terminal_says_the_same() {
    let told = super::super::text::text(&report(), true);
    for words in [
        "costs on: one side at the market 0.420 %",
        "blocked low_confidence",
        "in 25 % of the splits (PBO)",
        "fingerprint abcd",
        "by end     stop 3 (won 1) -1.00",
    ] {
        assert!(told.contains(words), "'{words}' is not in\n{told}");
    }
    let none = super::super::text::text(&Report { luck: None, ..report() }, false);
    assert!(none.contains("the main account never traded"));
}
