//! The report for the terminal.

use crate::domain::UtcMs;
use crate::domain::order::Outcome;
use crate::orchestrator::backtest::{Account, Group, Performance, Report};

const ABSENT: &str = "–";

/// The whole report; `trades` adds every closed trade.
pub(super) fn text(report: &Report, trades: bool) -> String {
    let mut out = String::new();
    let mut line = |words: String| out.push_str(&(words + "\n"));
    line(format!(
        "{} · {} … {} · {} pairs",
        report.label,
        report.from.minute(),
        report.to.minute(),
        report.pairs.len()
    ));
    if report.without_costs {
        line("WITHOUT COSTS: no fees, no spread, no impact. Nobody trades like that.".to_owned());
    } else {
        line(format!("costs on: one side at the market {} and impact by size", percent(Some(report.side_cost), 3)));
    }
    line(format!("models {}", report.models));
    for why in trainings(report) {
        line(format!("  {why}"));
    }
    for pair in &report.left_out {
        line(format!("  left out {pair}"));
    }
    let s = &report.summary;
    line(String::new());
    line(format!(
        "cycles {} · signals {} · passed {} · shadow {} · rejects {} · holes {}",
        s.cycles, s.signals, s.passed, s.shadow_entries, s.rejects, s.holes
    ));
    for (reason, n) in &s.blocked_by_reason {
        line(format!("  blocked {reason:<22} {n:>8}"));
    }
    line(String::new());
    line(format!(
        "{:<30} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>7} {:>9} {:>10}",
        "", "return", "a year", "vol", "Sharpe", "Sortino", "max DD", "PSR", "min track", "w/o best m"
    ));
    let both = [&report.main.performance, &report.shadow.performance];
    for p in both.into_iter().chain(&report.benchmarks) {
        line(performance(p));
    }
    line(
        "vol and ratios by hourly returns, idle hours counted; PSR: probability that the true Sharpe ratio is above 0; min track: hours that would show it"
            .to_owned(),
    );
    line(String::new());
    line(luck(report));
    line(match report.overfitting {
        Some(pbo) => format!(
            "choosing the best of these lines by one half of the time picks one at or below the median of the other in {} of the splits (PBO)",
            percent(Some(pbo), 0)
        ),
        None => "PBO: not defined for so few hours".to_owned(),
    });
    for (name, account) in [("main", &report.main), ("shadow", &report.shadow)] {
        line(String::new());
        accounts(&mut line, name, account);
    }
    months(&mut line, report);
    if trades {
        line(String::new());
        for outcome in &report.outcomes {
            line(trade(outcome));
        }
    }
    line(String::new());
    line(format!("fingerprint {}", s.fingerprint));
    out
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

fn performance(p: &Performance) -> String {
    format!(
        "{:<30} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>7} {:>9} {:>10}",
        p.name,
        percent(p.total_return, 2),
        percent(p.annual_return, 1),
        percent(p.volatility, 1),
        number(p.sharpe, 2),
        number(p.sortino, 2),
        percent(p.max_drawdown, 2),
        number(p.probabilistic_sharpe, 3),
        p.min_track_hours.map_or_else(|| ABSENT.to_owned(), |h| format!("{h:.0}")),
        percent(p.without_best_month, 2),
    )
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

fn accounts(line: &mut impl FnMut(String), name: &str, a: &Account) {
    let t = &a.attribution;
    line(format!(
        "{name:<7} alpha {:+.2} − fees {:.2} − slippage {:.2} = net {:+.2} · mean exposure {}",
        t.alpha.0,
        t.fees.0,
        t.slippage.0,
        t.net.0,
        percent(a.mean_exposure, 2)
    ));
    for (title, groups) in [("by end", &a.by_end), ("by pair", &a.by_pair), ("by horizon", &a.by_horizon)] {
        if !groups.is_empty() {
            let told: Vec<String> = groups.iter().map(group).collect();
            line(format!("  {title:<10} {}", told.join(" · ")));
        }
    }
}

fn group(g: &Group) -> String {
    format!("{} {} (won {}) {:+.2}", g.name, g.trades, g.won, g.net.0)
}

fn months(line: &mut impl FnMut(String), report: &Report) {
    let Some(market) = report.curves.iter().find(|c| c.name.starts_with("buy and hold, equal")) else { return };
    line(String::new());
    line(format!("{:<9} {:>9} {:>9} {:>14}", "month", "main", "shadow", "buy and hold"));
    for (month, held) in market.months() {
        let of = |a: &Account| percent(a.months.get(&month).copied(), 2);
        line(format!("{month:<9} {:>9} {:>9} {:>14}", of(&report.main), of(&report.shadow), percent(Some(held), 2)));
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

pub(super) fn number(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |v| format!("{v:.places$}"))
}
