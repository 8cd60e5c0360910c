//! The selected model in words and figures: how it does in use, drift, evidence, what its features are worth, and the tests in front of its
//! training.

use super::models::{chosen, drift_role};
use super::{Cx, Pane, PaneId, say, scroll};
use crate::domain::drift::{DriftAction, DriftReport, FeatureDrift, FeatureVerdict, WindowDrift};
use crate::domain::snapshot::{LeakageLine, LiveModel, ModelView};
use crate::tui::format;
use crate::tui::keymap::Context;
use crate::tui::paint::{Ink, Pen, wrap};
use crate::tui::theme::Role;
use crate::tui::widgets::bars;

pub struct ModelDetail;

/// Widths from which a table has room for its further columns.
const ROOMY: usize = 64;

fn section(title: &str, tail: impl Into<String>) -> Ink {
    Ink::of(title, Role::TitleFocus).add(format!("  {}", tail.into()), Role::Muted)
}

/// Words, indented and wrapped.
fn words(text: &str, role: Role, width: usize) -> impl Iterator<Item = Ink> + use<> {
    wrap(text, width.saturating_sub(4).max(8)).into_iter().map(move |line| Ink::of(format!("  {line}"), role))
}

/// `name  value`, the name in a column of its own.
fn fact(name: &str, value: Ink) -> Ink {
    Ink::muted(format!("  {name:<15}")).join(value)
}

fn standing(m: &ModelView) -> Vec<Ink> {
    let named = |v: &Option<String>| v.clone().unwrap_or_else(|| format::NA.to_owned());
    let back = if m.previous.is_some() { "  B rolls back" } else { "" };
    vec![
        fact("version", Ink::of(m.version.clone(), Role::Strong)),
        fact("before it", Ink::text(named(&m.previous)).add(back, Role::Muted)),
        fact("candidate", Ink::text(named(&m.candidate))),
    ]
}

fn in_use(cx: &Cx<'_>, live: Option<&LiveModel>, width: usize) -> Vec<Ink> {
    let mut out = vec![section("in use", "followed, traded or not")];
    let Some(live) = live else {
        out.extend(words("nothing yet: it has made no prediction in this session", Role::Muted, width));
        return out;
    };
    let ece = format::maybe(live.ece, 3);
    let error = live.ece_se.map_or(ece.clone(), |se| format!("{ece} ± {}", format::float(se, 3)));
    out.push(fact(
        "matured",
        Ink::text(format::count(u64::from(live.matured)))
            .add(format!("  worth {}  waiting {}", format::float(live.n_eff, 0), live.waiting), Role::Muted),
    ));
    if live.void > 0 {
        out.push(fact("without outcome", Ink::text(format::count(live.void)).add("  holes in the data", Role::Muted)));
    }
    out.push(fact("Brier  ECE", Ink::text(format!("{}  {error}", format::maybe(live.brier, 3)))));
    let coverage = match (live.coverage, live.coverage_band) {
        (Some(rate), Some((low, high))) => {
            let role = if (low..=high).contains(&rate) { Role::Good } else { Role::Warn };
            Ink::of(format::percent(rate, 1), role)
                .add(format!("  by chance {} to {}", format::percent(low, 0), format::percent(high, 0)), Role::Muted)
        }
        _ => Ink::muted("none has matured"),
    };
    out.push(fact("80 % intervals", coverage));
    out.push(fact("may miss now", Ink::text(format::percent(live.alpha, 1))));
    let calibrator = match (&live.calibrator, live.calibrated_at) {
        (Some(name), Some(at)) => Ink::text(name.clone())
            .add(format!("  since {}, fitted {} times", cx.zone().date(at), live.refits), Role::Muted),
        _ => Ink::text("the model's own").add("  too little has matured for another", Role::Muted),
    };
    out.push(fact("calibrator", calibrator));
    out
}

fn verdict_role(verdict: FeatureVerdict) -> Role {
    match verdict {
        FeatureVerdict::Alarm => Role::Danger,
        FeatureVerdict::Flagged => Role::Warn,
        FeatureVerdict::Stable => Role::Good,
        FeatureVerdict::Small | FeatureVerdict::NotJudged => Role::Muted,
    }
}

fn feature(f: &FeatureDrift, width: usize) -> Ink {
    let number = |v: Option<f64>| format::maybe(v, 2);
    let line = Ink::text(format!("    {:<18.18}", f.feature)).add(format!("{:>6}", number(f.psi)), Role::Strong);
    let line = if width < ROOMY {
        line.add(format!("{:>6} ", number(f.ks)), Role::Text)
    } else {
        let rest = format!(
            " /{:>5}{:>7}{:>8}{:>8}  ",
            number(f.psi_threshold),
            number(f.ks),
            format::maybe(f.p, 4),
            number(f.w1_sd)
        );
        line.add(rest, Role::Text)
    };
    line.add(f.verdict.as_str(), verdict_role(f.verdict))
}

fn window(cx: &Cx<'_>, w: &WindowDrift, width: usize) -> Vec<Ink> {
    let title = format!("  {} to {}, {} rows", w.span.as_str(), cx.zone().date(w.to), w.rows);
    let heads = if width < ROOMY {
        format!("    {:<18}{:>6}{:>6}", "FEATURE", "PSI", "KS")
    } else {
        format!("    {:<18}{:>6}{:>7}{:>7}{:>8}{:>8}", "FEATURE", "PSI", "LIMIT", "KS", "p", "W1/sd")
    };
    let mut features: Vec<&FeatureDrift> = w.features.iter().collect();
    features.sort_by_key(|f| std::cmp::Reverse(f.verdict as u8));
    let mut out = vec![Ink::text(title), Ink::muted(heads)];
    out.extend(features.into_iter().map(|f| feature(f, width)));
    out
}

fn drift(cx: &Cx<'_>, report: &DriftReport, width: usize) -> Vec<Ink> {
    let since = report.since.map(|at| format!("since {}", cx.zone().minute(at))).unwrap_or_default();
    let action = Ink::of("drift", Role::TitleFocus).add("  ", Role::Muted);
    let mut out =
        vec![action.add(report.action.as_str(), drift_role(report.action)).add(format!("  {since}"), Role::Muted)];
    if report.at.is_none() {
        out.extend(words("nothing seen yet", Role::Muted, width));
        return out;
    }
    if report.reasons.is_empty() && report.action == DriftAction::None {
        out.extend(words("no evidence for any", Role::Muted, width));
    }
    out.extend(report.reasons.iter().flat_map(|r| words(r, Role::Text, width)));
    for d in &report.detectors {
        let value = match (d.value, d.threshold) {
            (Some(v), Some(t)) => format!("{} of {}", format::float(v, 2), format::float(t, 2)),
            (Some(v), None) => format::float(v, 3),
            _ => "nothing yet".to_owned(),
        };
        let role = if d.standing { Role::Warn } else { Role::Muted };
        let alarms = if d.alarms > 0 { format!("  {} alarms", d.alarms) } else { String::new() };
        out.push(Ink::muted(format!("    {:<26}", d.detector.as_str())).add(value, Role::Text).add(alarms, role));
    }
    if report.windows.is_empty() {
        out.extend(words("inputs: the first day is not over", Role::Muted, width));
    }
    out.extend(report.windows.iter().flat_map(|w| window(cx, w, width)));
    out
}

fn evidence(m: &ModelView, width: usize) -> Vec<Ink> {
    let e = &m.evidence;
    let mut out = vec![section("walk-forward", format!("{} blocks, {} rows", m.folds, format::count(m.rows)))];
    let skill = if m.brier < m.brier_base { Role::Good } else { Role::Warn };
    out.push(fact(
        "Brier",
        Ink::of(format::float(m.brier, 4), skill)
            .add(format!("  always the base rate: {}", format::float(m.brier_base, 4)), Role::Muted),
    ));
    out.push(fact("ECE", Ink::text(format!("{} ± {}", format::float(m.ece, 4), format::float(m.ece_se, 4)))));
    out.push(fact(
        "intervals",
        Ink::text(format!("{} of 80 %, {} of 90 %", format::percent(m.coverage, 1), format::percent(m.coverage90, 1))),
    ));
    out.push(fact("spread limit", Ink::text(format!("abstains above {}", format::float(m.epistemic_limit, 4)))));
    if e.n == 0 {
        out.extend(words(
            "nothing passed the gate: there is no evidence that a high confidence keeps its word",
            Role::Warn,
            width,
        ));
        return out;
    }
    let least = |v: Option<f64>| format::maybe(v, 3);
    out.push(fact(
        "above the gate",
        Ink::text(format::count(u64::from(e.n))).add(format!("  worth {}", format::float(e.n_eff, 0)), Role::Muted),
    ));
    out.push(fact(
        "won",
        Ink::text(least(e.hit_rate)).add(format!("  at least {}", least(e.hit_rate_lower)), Role::Muted),
    ));
    out.push(fact(
        "net return",
        Ink::text(least(e.mean_net)).add(format!("  at least {}", least(e.mean_net_lower)), Role::Muted),
    ));
    out
}

fn hold_out(m: &ModelView, width: usize) -> Vec<Ink> {
    let Some(h) = &m.hold_out else {
        let why = m.no_hold_out.as_deref().unwrap_or("the model was stored without one");
        let mut out = vec![section("hold-out", "the latest time, kept from every choice")];
        out.extend(words(&format!("nothing was held out: {why}"), Role::Muted, width));
        return out;
    };
    let rows = format!("from {}, {} rows worth {}", h.from.minute(), format::count(h.rows), format::float(h.n_eff, 0));
    let skill = if h.brier < h.brier_base { Role::Good } else { Role::Warn };
    let won = match h.confident.hit_rate {
        None => Ink::muted("none"),
        Some(rate) => Ink::text(format::count(u64::from(h.confident.n)))
            .add(format!("  won {}", format::float(rate, 3)), Role::Muted),
    };
    vec![
        section("hold-out", rows),
        fact(
            "Brier",
            Ink::of(format::float(h.brier, 4), skill)
                .add(format!("  always the base rate: {}", format::float(h.brier_base, 4)), Role::Muted),
        ),
        fact("ECE", Ink::text(format!("{} ± {}", format::float(h.ece, 4), format::float(h.ece_se, 4)))),
        fact("intervals", Ink::text(format!("{} of 80 %", format::percent(h.coverage, 1)))),
        fact("above the gate", won),
    ]
}

fn importance(m: &ModelView, width: usize) -> Vec<Ink> {
    let mut out = vec![section("importance", "rise of the log loss when shuffled")];
    if m.importance.is_empty() {
        out.extend(words("the model was stored without it", Role::Muted, width));
    }
    let top = m.importance.iter().map(|i| i.mean).fold(0.0, f64::max);
    for i in &m.importance {
        let share = if top > 0.0 { (i.mean / top).max(0.0) } else { 0.0 };
        let clear = if i.clear * 2 > i.folds { Role::Good } else { Role::Muted };
        let mut line = Ink::text(format!("    {:<18.18}", i.feature))
            .add(format!("{:>8}", format::float(i.mean, 4)), Role::Strong);
        if width >= ROOMY {
            line = line
                .add(format!(" ± {} ", format::float(i.se, 4)), Role::Muted)
                .add(bars::gauge(share, 12), Role::Muted);
        }
        out.push(line.add(format!("  {}/{}", i.clear, i.folds), clear));
    }
    out
}

fn test(l: &LeakageLine, width: usize) -> Vec<Ink> {
    let (glyph, role) = if l.verdict == "passed" { ("✓", Role::Good) } else { ("✗", Role::Danger) };
    let worst = match l.worst {
        Some(worst) => format!("worst {} of {}", format::float(worst, 4), format::float(l.threshold, 4)),
        None => "nothing to measure".to_owned(),
    };
    let mut lines = wrap(&l.test, width.saturating_sub(6).max(8)).into_iter();
    let first = lines.next().unwrap_or_default();
    let mut out = vec![Ink::of(format!("  {glyph} "), role).add(first, Role::Text)];
    out.extend(lines.map(|line| Ink::text(format!("    {line}"))));
    out.push(Ink::muted(format!("    {}, {} looked at, {worst}", l.verdict, format::count(l.checked))));
    out.extend(l.findings.iter().flat_map(|f| words(&format!("  {f}"), Role::Warn, width)));
    out
}

fn leakage(m: &ModelView, width: usize) -> Vec<Ink> {
    let passed = m.leakage.iter().filter(|l| l.verdict == "passed").count();
    let mut out = vec![section("leakage", format!("{passed} of {} tests passed before training", m.leakage.len()))];
    if m.leakage.is_empty() {
        out.extend(words("the model was stored without a report", Role::Muted, width));
    }
    out.extend(m.leakage.iter().flat_map(|l| test(l, width)));
    out
}

impl Pane for ModelDetail {
    fn id(&self) -> PaneId {
        PaneId::ModelDetail
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        chosen(cx).map_or_else(|| "Model".to_owned(), |m| format!("Model {} {}", m.horizon, m.version))
    }

    fn footer(&self, _: &Cx<'_>) -> String {
        "j/k scroll".to_owned()
    }

    fn context(&self) -> Option<Context> {
        Some(Context::Models)
    }

    fn lines(&self, cx: &Cx<'_>, width: usize) -> Option<Vec<Ink>> {
        let Some(m) = chosen(cx) else { return Some(Vec::new()) };
        let live = m.live.as_ref();
        let mut out = standing(m);
        out.extend(in_use(cx, live, width));
        out.extend(live.iter().flat_map(|l| drift(cx, &l.drift, width)));
        out.extend(evidence(m, width));
        out.extend(hold_out(m, width));
        out.extend(importance(m, width));
        out.extend(leakage(m, width));
        Some(out)
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        if chosen(cx).is_none() {
            say(pen, 0, &super::models::empty(cx));
        } else {
            scroll(self, pen, cx);
        }
    }
}
