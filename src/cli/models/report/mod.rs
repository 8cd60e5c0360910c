//! The models in force as one HTML page that stands alone.
//!
//! Everything on it comes from [`ModelView`]; what a view does not have is said to be absent.

use crate::cli::page::{
    Column, Html, count, document, element, holding, instant, maybe, paragraph, part, percent, score, table, with_line,
};
use crate::domain::plan::Horizon;
use crate::domain::reading::GateEvidence;
use crate::domain::snapshot::ModelView;
use crate::domain::time::UtcMs;

mod live;
mod section;

const QUESTION: &str = "Each model answers one question for one horizon: how likely does a managed trade that is entered now end with a net \
profit, after costs? Its figures come from a walk-forward: each block was predicted by a model that had seen only what came before it.";
const BASELINES: &str = "A figure means little alone, so each stands beside what the simplest answer scores, such as always saying the base rate. \
The figures describe past data and have errors of their own; markets change, and none of them says how a trade will end.";

/// A horizon whose model cannot be shown, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub horizon: Horizon,
    /// The version in force, where that much is known.
    pub version: Option<String>,
    pub reason: String,
}

/// The page, with a section for each model in the order that they have. `made_at` is the time that it names as its own.
#[must_use]
pub fn page(models: &[ModelView], unread: &[Unread], made_at: UtcMs) -> String {
    let mut main = vec![head(models, unread, made_at)];
    if !models.is_empty() {
        main.push(overview(models));
    }
    if !unread.is_empty() {
        main.push(not_shown(unread));
    }
    main.extend(models.iter().enumerate().map(|(place, model)| section::of(model, &anchor(place))));
    let foot = "Made by cst models report. Nothing on this page is advice to trade.";
    document("Models in force", main, foot)
}

fn head(models: &[ModelView], unread: &[Unread], made_at: UtcMs) -> Html {
    let shown = match models.len() {
        0 => "No model is shown".to_owned(),
        1 => "1 model".to_owned(),
        many => format!("{many} models"),
    };
    let missing = match unread.len() {
        0 => String::new(),
        many => format!(", {many} more that cannot be shown"),
    };
    let mut content = vec![
        element("p", &[("class", "brand")], [Html::text("CryptoSmartTrader")]),
        holding("h1", "Models in force"),
        element("p", &[("class", "made")], [Html::text(&format!("{shown}{missing} · made {}", instant(made_at)))]),
        element("p", &[("class", "lead")], [Html::text(&format!("{QUESTION} {BASELINES}"))]),
    ];
    if models.is_empty() && unread.is_empty() {
        content.push(paragraph("No model is in force: “cst train” makes the first of each horizon."));
    }
    element("header", &[], content)
}

fn anchor(place: usize) -> String {
    format!("model-{}", place + 1)
}

fn overview(models: &[ModelView]) -> Html {
    let head = [
        ("Horizon", Column::Words),
        ("Brier score", Column::Number),
        ("AUC", Column::Number),
        ("Above the gate", Column::Words),
        ("Drift", Column::Words),
    ];
    let row = |(place, m): (usize, &ModelView)| {
        let link = element("a", &[("href", &format!("#{}", anchor(place)))], [Html::text(&m.horizon.to_string())]);
        vec![
            with_line(link, &m.version),
            with_line(Html::text(&score(m.brier)), &format!("base {}", score(m.brier_base))),
            with_line(Html::text(&score(m.auc)), &format!("chance {}", score(section::CHANCE))),
            bearing(&m.evidence),
            Html::text(m.live.as_ref().map_or("no live figures", |live| live.drift.action.as_str())),
        ]
    };
    let all = table("The models beside each other", &head, models.iter().enumerate().map(row));
    element("section", &[("class", "card")], [holding("h2", "At a glance"), all])
}

/// What the evidence above the gate comes to, in a few words.
fn bearing(e: &GateEvidence) -> Html {
    if e.n == 0 {
        return Html::text("nothing passed");
    }
    let passed = Html::text(&format!("{} passed", count(u64::from(e.n))));
    with_line(passed, &format!("mean net at least {}", maybe(e.mean_net_lower, |net| percent(net, 2))))
}

fn not_shown(unread: &[Unread]) -> Html {
    let one = |u: &Unread| {
        let version = u.version.as_ref().map_or_else(String::new, |version| format!(" ({version})"));
        part(&format!("{}{version}", u.horizon), [paragraph(&u.reason)])
    };
    let heading = holding("h2", "Models that cannot be shown");
    element("section", &[("class", "card missing")], std::iter::once(heading).chain(unread.iter().map(one)))
}

#[cfg(test)]
mod tests;
