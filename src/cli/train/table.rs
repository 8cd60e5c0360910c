//! What a walk-forward was worth, as a Markdown document.

use std::fmt::Write as _;

use crate::domain::{Horizon, UtcMs};
use crate::ml::results::{ResultLine, Traded};

/// Where the results come from.
pub(super) struct Origin {
    /// In words: the recording, or a venue of the lake.
    pub data: String,
    pub command: String,
    pub from: UtcMs,
    pub to: UtcMs,
    /// Round trip as a share of the notional.
    pub cost: f64,
    pub gate: f64,
}

/// One horizon: its lines, or why there are none.
pub(super) type Section = (Horizon, Result<Vec<ResultLine>, String>);

pub(super) fn document(origin: &Origin, sections: &[Section]) -> String {
    let mut text = String::new();
    let Origin { data, command, from, to, cost, gate } = origin;
    let _ = write!(
        text,
        "# Results on {data}\n\n`{command}`, {} to {}. Round trip {:.2} % of the notional. Everything is out of sample: purged walk-forward, and what \
calibrates or weighs was known before the block it is used on. The first block only teaches the calibrator. Intervals are 80 %, on the effective number \
of independent trades.\n\n",
        from.minute(),
        to.minute(),
        cost * 100.0
    );
    for (horizon, outcome) in sections {
        let _ = write!(text, "## {horizon}\n\n");
        match outcome {
            Err(reason) => {
                let _ = write!(text, "No model: {reason}.\n\n");
            }
            Ok(lines) => {
                probabilities(&mut text, lines);
                trades(&mut text, lines, *gate);
            }
        }
    }
    text
}

fn name(line: &ResultLine) -> String {
    let pair = line.pair.as_ref().map_or("all", |p| p.as_str());
    let block = line.block.map_or_else(|| "all".to_owned(), |b| b.to_string());
    format!("| {pair} | {block} |")
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.digits$}"))
}

fn probabilities(text: &mut String, lines: &[ResultLine]) {
    text.push_str(
        "| pair | block | rows | n_eff | Brier | of the base rate | log loss | of the base rate | ECE | its error | AUC | IC | in 80 % | in 90 % | skill over zero |\n\
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for line in lines {
        text.push_str(&name(line));
        match &line.metrics {
            None => {
                let _ = writeln!(
                    text,
                    " {} | {:.0} | one outcome only | | | | | | | | | | |",
                    line.always.rows, line.always.n_eff
                );
            }
            Some(m) => {
                let _ = writeln!(
                    text,
                    " {} | {:.0} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} | {:.3} | {} | {:.3} | {:.3} | {} |",
                    m.rows,
                    m.n_eff,
                    m.brier,
                    m.brier_base,
                    m.log_loss,
                    m.log_loss_base,
                    m.ece,
                    m.ece_se,
                    m.auc,
                    number(m.ic, 3),
                    m.coverage,
                    m.coverage90,
                    number(line.skill_zero, 4)
                );
            }
        }
    }
    text.push('\n');
}

fn trades(text: &mut String, lines: &[ResultLine], gate: f64) {
    let _ = write!(
        text,
        "Trades by rule: rows, hit rate with its interval, mean return of the managed trade in basis points before → after costs with the interval of the latter. \
*Passed*: the gate's evidence clauses hold as well.\n\n| pair | block | confidence > {gate:.2} | passed | every hour | rising last day |\n|---|---|---|---|---|---|\n"
    );
    for line in lines {
        let [confident, passed, always, momentum] =
            [&line.confident, &line.passed, &line.always, &line.momentum].map(rule);
        let _ = writeln!(text, "{} {confident} | {passed} | {always} | {momentum} |", name(line));
    }
    text.push('\n');
}

fn rule(t: &Traded) -> String {
    if t.rows == 0 {
        return "none".to_owned();
    }
    let within = |interval: Option<(f64, f64)>, digits: usize| {
        interval.map_or_else(String::new, |(low, high)| format!(" ({low:.digits$} to {high:.digits$})"))
    };
    format!(
        "{} rows, {}{}, {} → {}{}",
        t.rows,
        number(t.hit_rate, 3),
        within(t.hit_interval, 3),
        number(t.gross_bps, 1),
        number(t.net_bps, 1),
        within(t.net_interval, 1)
    )
}
