//! The report as one HTML page.

use super::text::{self, FIGURES, luck, percent, size, trainings};
use crate::cli::page::curves::{Line, curves};
use crate::cli::page::{
    Column, Html, count, document, element, facts, folded, holding, instant, note, paragraph, part, table,
};
use crate::domain::UtcMs;
use crate::domain::account::AccountId;
use crate::domain::order::Outcome;
use crate::orchestrator::backtest::{Account, Curve, Group, Performance, Report};

/// Trades that are listed at most; the terminal and the JSON have all of them.
const LISTED: usize = 1_000;

pub(super) fn page(report: &Report, made_at: UtcMs) -> String {
    let foot = "Made by cst backtest. Past data; nothing on this page is advice to trade.";
    let main = [
        head(report, made_at),
        equity(report),
        figures(report),
        decisions(report),
        account(report, AccountId::Main),
        account(report, AccountId::Shadow),
        months(report),
        trades(report),
    ];
    document("Backtest", main, foot)
}

fn card(title: &str, content: impl IntoIterator<Item = Html>) -> Html {
    let mut all = vec![holding("h2", title)];
    all.extend(content);
    element("section", &[("class", "card")], all)
}

fn head(r: &Report, made_at: UtcMs) -> Html {
    let span = format!("{} · {} to {} · made {}", r.label, r.from.minute(), r.to.minute(), instant(made_at));
    let costs = if r.without_costs {
        element(
            "p",
            &[("class", "lead bad")],
            [Html::text("Without costs: no fees, no spread, no impact. Nobody trades like that.")],
        )
    } else {
        let side = size(Some(r.side_cost), 3);
        element(
            "p",
            &[("class", "lead")],
            [Html::text(&format!(
                "Costs are on: one side of a trade at the market costs {side} and impact by its size."
            ))],
        )
    };
    let mut content = vec![
        element("p", &[("class", "brand")], [Html::text("CryptoSmartTrader")]),
        holding("h1", "Backtest"),
        element("p", &[("class", "made")], [Html::text(&span)]),
        costs,
        paragraph(&format!("Models {}.", r.models)),
    ];
    let told = trainings(r);
    if !told.is_empty() {
        content.push(folded("Trainings", element("ul", &[], told.iter().map(|t| holding("li", t)))));
    }
    if !r.left_out.is_empty() {
        content.push(folded("Left out", element("ul", &[], r.left_out.iter().map(|t| holding("li", t)))));
    }
    element("header", &[], content)
}

/// The accounts as multiples of what they began with, so that they stand beside the benchmarks.
fn equity(r: &Report) -> Html {
    let scaled: Vec<(&str, Vec<(UtcMs, f64)>)> = r.curves.iter().map(|c| (c.name.as_str(), multiples(c))).collect();
    let falls: Vec<(&str, Vec<(UtcMs, f64)>)> = scaled.iter().take(2).map(|(name, p)| (*name, below_peak(p))).collect();
    let draw = |all: &[(&str, Vec<(UtcMs, f64)>)], unit: &str| {
        let class = |i: usize| ["first", "second"].get(i).copied().unwrap_or("other");
        let lines: Vec<Line<'_>> =
            all.iter().enumerate().map(|(i, (name, points))| Line { name, class: class(i), points }).collect();
        curves(&lines, unit).unwrap_or_else(|| note("Too few hours for a curve."))
    };
    card(
        "Equity",
        [
            draw(&scaled, "multiple of the money at the start"),
            part("Below the peak, in percent", [draw(&falls, "percent below the peak")]),
        ],
    )
}

fn multiples(curve: &Curve) -> Vec<(UtcMs, f64)> {
    let first = curve.points.first().map_or(1.0, |(_, v)| *v);
    curve.points.iter().map(|(t, v)| (*t, v / first)).collect()
}

fn below_peak(points: &[(UtcMs, f64)]) -> Vec<(UtcMs, f64)> {
    let mut peak = f64::NEG_INFINITY;
    let fall = |(t, v): &(UtcMs, f64)| {
        peak = peak.max(*v);
        (*t, (v / peak - 1.0) * 100.0)
    };
    points.iter().map(fall).collect()
}

fn figures(r: &Report) -> Html {
    let mut head = vec![("", Column::Words)];
    head.extend(FIGURES.iter().map(|(_, name)| (*name, Column::Number)));
    let row = |p: &Performance| {
        let cells = text::figures(p);
        std::iter::once(&p.name).chain(&cells).map(|c| Html::text(c)).collect()
    };
    let both = [&r.main.performance, &r.shadow.performance];
    let rows: Vec<Vec<Html>> = both.into_iter().chain(&r.benchmarks).map(row).collect();
    let reading = "Volatility and ratios by hourly returns, idle hours counted. PSR is the probability that the true Sharpe ratio is above zero; the minimum \
                   track is the number of hours that would show it with 95 % confidence.";
    let pbo = match r.overfitting {
        Some(pbo) => format!(
            "Choosing the best of these lines by one half of the time picks one at or below the median of the other half in {} of the splits (probability of overfitting).",
            size(Some(pbo), 0)
        ),
        None => "The probability of overfitting is not defined for so few hours.".to_owned(),
    };
    card(
        "Figures",
        [table("Accounts and benchmarks", &head, rows), note(reading), paragraph(&capital(&luck(r))), paragraph(&pbo)],
    )
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(['.']).collect())
}

fn decisions(r: &Report) -> Html {
    let s = &r.summary;
    let list = [
        ("Cycles", count(s.cycles)),
        ("Signals", count(s.signals)),
        ("Passed", count(s.passed)),
        ("Traded by the shadow account", count(s.shadow_entries)),
        ("Rows refused", count(s.rejects)),
        ("Holes", count(s.holes)),
        ("Fingerprint", s.fingerprint.clone()),
    ];
    let head = [("Blocked by", Column::Words), ("Signals", Column::Number)];
    let rows = s.blocked_by_reason.iter().map(|(reason, n)| vec![Html::text(reason), Html::text(&count(*n))]);
    card("Decisions", [facts(&list), table("What blocked signals", &head, rows)])
}

fn account(r: &Report, id: AccountId) -> Html {
    let (title, a, words) = match id {
        AccountId::Main => ("Main account", &r.main, "What passed every station."),
        AccountId::Shadow => (
            "Shadow account",
            &r.shadow,
            "What only the gate blocked, traded by the same broker with a fixed small size: what the gate saved or cost.",
        ),
    };
    let t = &a.attribution;
    let money = |m: crate::domain::money::Money| format!("{:+.2}", m.0);
    let list = [
        ("Alpha before costs", money(t.alpha)),
        ("Fees", format!("{:.2}", t.fees.0)),
        ("Slippage", format!("{:.2}", t.slippage.0)),
        ("Net", money(t.net)),
        ("Mean exposure", size(a.mean_exposure, 2)),
    ];
    let groups = [("By end", &a.by_end), ("By pair", &a.by_pair), ("By horizon", &a.by_horizon)];
    let tables = groups.into_iter().filter(|(_, g)| !g.is_empty()).map(|(title, g)| part(title, [grouped(title, g)]));
    let mut content = vec![paragraph(words), facts(&list)];
    content.extend(tables);
    card(title, content)
}

fn grouped(title: &str, groups: &[Group]) -> Html {
    let head = [("", Column::Words), ("Trades", Column::Number), ("Won", Column::Number), ("Net", Column::Number)];
    let row = |g: &Group| {
        let cells = [g.name.clone(), count(g.trades), count(g.won), format!("{:+.2}", g.net.0)];
        cells.iter().map(|c| Html::text(c)).collect()
    };
    table(title, &head, groups.iter().map(row))
}

fn months(r: &Report) -> Html {
    let held =
        r.curves.iter().find(|c| c.name.starts_with("buy and hold, equal")).map(Curve::months).unwrap_or_default();
    let head = [
        ("Month", Column::Words),
        ("Main", Column::Number),
        ("Shadow", Column::Number),
        ("Buy and hold, equal shares", Column::Number),
    ];
    let of = |a: &Account, month: &String| percent(a.months.get(month).copied(), 2);
    let row = |(month, held): (&String, &f64)| {
        let cells = [month.clone(), of(&r.main, month), of(&r.shadow, month), percent(Some(*held), 2)];
        cells.iter().map(|c| Html::text(c)).collect()
    };
    card("Months", [table("Returns by month", &head, held.iter().map(row))])
}

fn trades(r: &Report) -> Html {
    let head = [
        ("Account", Column::Words),
        ("Pair", Column::Words),
        ("Opened", Column::Words),
        ("Closed", Column::Words),
        ("Entry", Column::Number),
        ("Exit", Column::Number),
        ("Fees", Column::Number),
        ("Net", Column::Number),
        ("Ended by", Column::Words),
    ];
    let row = |o: &Outcome| {
        let cells = [
            o.account.to_string(),
            format!("{} {}", o.pair, o.horizon),
            o.opened.minute(),
            o.closed.minute(),
            o.entry.to_string(),
            o.exit.to_string(),
            format!("{:.2}", o.fees.0),
            format!("{:+.2}", o.pnl.0),
            o.ended_by.as_str().to_owned(),
        ];
        cells.iter().map(|c| Html::text(c)).collect()
    };
    if r.outcomes.is_empty() {
        return card("Trades", [paragraph("No trade was closed.")]);
    }
    let shown = r.outcomes.len().min(LISTED);
    let title = if shown < r.outcomes.len() {
        format!("The first {shown} of {}", r.outcomes.len())
    } else {
        format!("{shown} closed trades")
    };
    card("Trades", [folded(&title, table("Closed trades", &head, r.outcomes.iter().take(LISTED).map(row)))])
}

#[cfg(test)]
mod tests;
