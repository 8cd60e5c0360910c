//! The report for the terminal.

use crate::domain::UtcMs;
use crate::domain::order::Outcome;
use crate::orchestrator::backtest::{Account, Group, Performance, Report};

const ABSENT: &str = "–";

/// The whole report; `trades` adds every closed trade.
pub(super) fn text(report: &Report, trades: bool) -> String {
    let mut out = Vec::new();
    out.push(format!(
        "{} · {} … {} · {} pairs",
        report.label,
        report.from.minute(),
        report.to.minute(),
        report.pairs.len()
    ));
    if report.without_costs {
        out.push("WITHOUT COSTS: no fees, no spread, no impact. Nobody trades like that.".to_owned());
    } else {
        out.push(format!("costs on: one side at the market {} and impact by size", size(Some(report.side_cost), 3)));
    }
    out.push(format!("models {}", report.models));
    for why in trainings(report) {
        out.push(format!("  {why}"));
    }
    for pair in &report.left_out {
        out.push(format!("  left out {pair}"));
    }
    let s = &report.summary;
    out.push(String::new());
    out.push(format!(
        "cycles {} · signals {} · passed {} · shadow {} · rejects {} · holes {}",
        s.cycles, s.signals, s.passed, s.shadow_entries, s.rejects, s.holes
    ));
    for (reason, n) in &s.blocked_by_reason {
        out.push(format!("  blocked {reason:<22} {n:>8}"));
    }
    out.push(String::new());
    out.push(columns("", FIGURES.iter().map(|(short, _)| *short)));
    let both = [&report.main.performance, &report.shadow.performance];
    for p in both.into_iter().chain(&report.benchmarks) {
        out.push(columns(&p.name, figures(p).iter().map(String::as_str)));
    }
    out.push(
        "vol and ratios by hourly returns, idle hours counted; PSR: probability that the true Sharpe ratio is above 0; min track: hours that would show it"
            .to_owned(),
    );
    out.push(String::new());
    out.push(luck(report));
    out.push(match report.overfitting {
        Some(pbo) => format!(
            "choosing the best of these lines by one half of the time picks one at or below the median of the other in {} of the splits (PBO)",
            size(Some(pbo), 0)
        ),
        None => "PBO: not defined for so few hours".to_owned(),
    });
    for (name, account) in [("main", &report.main), ("shadow", &report.shadow)] {
        out.push(String::new());
        accounts(&mut out, name, account);
    }
    months(&mut out, report);
    if trades {
        out.push(String::new());
        for outcome in &report.outcomes {
            out.push(trade(outcome));
        }
    }
    out.push(String::new());
    out.push(format!("fingerprint {}", s.fingerprint));
    out.join("\n")
}

/// Trainings, one line for each instant.
pub(super) fn trainings(report: &Report) -> Vec<String> {
    let mut out: Vec<(UtcMs, Vec<String>, Vec<String>)> = Vec::new();
    for training in &report.trainings {
        if out.last().is_none_or(|(to, ..)| *to != training.to) {
            out.push((training.to, Vec::new(), Vec::new()));
        }
        let Some((_, made, not)) = out.last_mut() else { continue };
        match &training.outcome {
            Ok(_) => made.push(training.horizon.to_string()),
            Err(why) => not.push(format!("{}: {why}", training.horizon)),
        }
    }
    let one = |(to, made, not): (UtcMs, Vec<String>, Vec<String>)| {
        let none = if not.is_empty() { String::new() } else { format!("; none for {}", not.join(", ")) };
        let made = if made.is_empty() { "nothing".to_owned() } else { made.join(", ") };
        format!("trained on data to {}: {made}{none}", to.minute())
    };
    out.into_iter().map(one).collect()
}

/// What the columns of a line are called, here and on the page.
pub(super) const FIGURES: [(&str, &str); 10] = [
    ("return", "Return"),
    ("a year", "A year"),
    ("vol", "Volatility"),
    ("Sharpe", "Sharpe"),
    ("Sortino", "Sortino"),
    ("max DD", "Max drawdown"),
    ("ES99 day", "ES 99 of a day"),
    ("PSR", "PSR"),
    ("min track", "Min. track, h"),
    ("w/o best m", "Without best month"),
];

/// The figures of a line, in the order of their columns.
pub(super) fn figures(p: &Performance) -> [String; FIGURES.len()] {
    [
        percent(p.total_return, 2),
        percent(p.annual_return, 1),
        size(p.volatility, 1),
        number(p.sharpe, 2),
        number(p.sortino, 2),
        size(p.max_drawdown, 2),
        size(p.es99_day, 2),
        number(p.probabilistic_sharpe, 3),
        number(p.min_track_hours, 0),
        percent(p.without_best_month, 2),
    ]
}

fn columns<'c>(name: &str, cells: impl Iterator<Item = &'c str>) -> String {
    cells.fold(format!("{name:<30}"), |line, cell| format!("{line} {cell:>10}"))
}

/// What chance makes of the main account.
pub(super) fn luck(report: &Report) -> String {
    match &report.luck {
        None => "the main account never traded: there is no result that could be luck".to_owned(),
        Some(l) => format!(
            "deflated Sharpe: {:.3} is the probability that the true ratio is above {:+.4} an hour, which the best of {} backtests on record would show without skill",
            l.deflated_sharpe, l.benchmark, l.configurations
        ),
    }
}

fn accounts(out: &mut Vec<String>, name: &str, a: &Account) {
    let t = &a.attribution;
    out.push(format!(
        "{name:<7} alpha {:+.2} − fees {:.2} − slippage {:.2} = net {:+.2} · mean exposure {}",
        t.alpha.0,
        t.fees.0,
        t.slippage.0,
        t.net.0,
        size(a.mean_exposure, 2)
    ));
    for (title, groups) in [("by end", &a.by_end), ("by pair", &a.by_pair), ("by horizon", &a.by_horizon)] {
        if !groups.is_empty() {
            let told: Vec<String> = groups.iter().map(group).collect();
            out.push(format!("  {title:<10} {}", told.join(" · ")));
        }
    }
}

fn group(g: &Group) -> String {
    format!("{} {} (won {}) {:+.2}", g.name, g.trades, g.won, g.net.0)
}

fn months(out: &mut Vec<String>, report: &Report) {
    let Some(market) = report.curves.iter().find(|c| c.name.starts_with("buy and hold, equal")) else { return };
    out.push(String::new());
    out.push(format!("{:<9} {:>9} {:>9} {:>14}", "month", "main", "shadow", "buy and hold"));
    for (month, held) in market.months() {
        let of = |a: &Account| percent(a.months.get(&month).copied(), 2);
        out.push(format!(
            "{month:<9} {:>9} {:>9} {:>14}",
            of(&report.main),
            of(&report.shadow),
            percent(Some(held), 2)
        ));
    }
}

fn trade(o: &Outcome) -> String {
    format!(
        "{:<7} {:<10} {:>5} {} … {}  {} → {}  qty {}  fees {:.2}  net {:+.2} ({})  {}",
        o.account.to_string(),
        o.pair.to_string(),
        o.horizon.to_string(),
        o.opened.minute(),
        o.closed.minute(),
        o.entry,
        o.exit,
        o.qty,
        o.fees.0,
        o.pnl.0,
        percent(Some(o.net_return), 2),
        o.ended_by.as_str()
    )
}

pub(super) fn percent(share: Option<f64>, places: usize) -> String {
    share.map_or_else(|| ABSENT.to_owned(), |v| format!("{:+.places$} %", v * 100.0))
}

/// A share that has no sign: a cost, a spread, a fall.
pub(super) fn size(share: Option<f64>, places: usize) -> String {
    share.map_or_else(|| ABSENT.to_owned(), |v| format!("{:.places$} %", v * 100.0))
}

pub(super) fn number(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |v| format!("{v:.places$}"))
}
