//! Trained models: what they were trained on, how good they were out of sample, and whether their probabilities keep their word.

use super::{Cx, Pane, PaneId, list};
use crate::domain::drift::DriftAction;
use crate::domain::snapshot::{LiveModel, ModelView, SystemState};
use crate::tui::format;
use crate::tui::keymap::Context;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::table::{Column, number, text};

pub struct Models;
pub struct Calibration;

const COLUMNS: [Column; 18] = [
    text("HOR.", 5, 0),
    text("VERSION", 14, 2),
    text("TRAINED", 10, 5),
    text("FROM", 10, 9),
    text("TO", 10, 7),
    number("ROWS", 7, 6),
    number("N EFF", 7, 6),
    number("FOLDS", 5, 9),
    number("BASE", 4, 3),
    number("BRIER", 5, 0),
    number("AUC", 5, 4),
    number("ECE", 5, 0),
    number("COV80", 5, 3),
    text("CALIBRATION", 11, 8),
    number("MATURED", 7, 2),
    number("LIVE ECE", 8, 1),
    number("LIVE COV", 8, 4),
    text("DRIFT", 16, 0),
];

pub(super) fn empty(cx: &Cx<'_>) -> String {
    match (cx.s.state, &cx.s.progress) {
        (SystemState::Training, Some(p)) => {
            format!("no model yet: {} {}/{}", p.label, format::count(p.done), format::count(p.total))
        }
        (SystemState::Starting, _) => "no model yet: the program is starting".to_owned(),
        _ => "no model in models/: run 'cst train', or restart to train at the start".to_owned(),
    }
}

fn row(cx: &Cx<'_>, m: &ModelView) -> Vec<Ink> {
    let date = |at| Ink::muted(cx.zone().date(at));
    let three = |v| Ink::text(format::float(v, 3));
    let live = m.live.as_ref();
    let drift = match live {
        Some(l) => Ink::of(l.drift.action.as_str(), drift_role(l.drift.action)),
        None => Ink::muted("not followed yet"),
    };
    vec![
        Ink::of(m.horizon.to_string(), Role::Strong),
        Ink::text(m.version.clone()),
        date(m.trained_at),
        date(m.trained_from),
        date(m.trained_to),
        Ink::text(format::count(m.rows)),
        Ink::text(format::float(m.n_eff, 0)),
        Ink::text(m.folds.to_string()),
        Ink::text(format::prob(m.base_rate)),
        three(m.brier),
        three(m.auc),
        three(m.ece),
        Ink::text(format::percent(m.coverage, 0)),
        Ink::muted(m.calibration.clone()),
        Ink::text(live.map_or_else(|| format::NA.to_owned(), |l| format::count(u64::from(l.matured)))),
        Ink::text(format::maybe(live.and_then(|l| l.ece), 3)),
        live_coverage(live),
        drift,
    ]
}

/// Coverage in use: right when it lies where chance puts that of sound intervals.
fn live_coverage(live: Option<&LiveModel>) -> Ink {
    let Some((rate, (low, high))) = live.and_then(|l| l.coverage.zip(l.coverage_band)) else {
        return Ink::muted(format::NA);
    };
    let role = if (low..=high).contains(&rate) { Role::Text } else { Role::Warn };
    Ink::of(format::percent(rate, 0), role)
}

pub(super) fn drift_role(action: DriftAction) -> Role {
    match action {
        DriftAction::None => Role::Good,
        DriftAction::Warn | DriftAction::RetrainCandidate => Role::Warn,
        DriftAction::HalveSize | DriftAction::NoGo => Role::Danger,
    }
}

/// The model of the selected row.
pub(in crate::tui) fn chosen<'a>(cx: &Cx<'a>) -> Option<&'a ModelView> {
    cx.selected(&Models).and_then(|i| cx.s.models.get(i))
}

impl Pane for Models {
    fn id(&self) -> PaneId {
        PaneId::Models
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let title = format!("Models {}, measured out of sample", cx.s.models.len());
        match &cx.s.progress {
            Some(p) if !cx.s.models.is_empty() => {
                format!("{title} · {} {}/{}", p.label, format::count(p.done), format::count(p.total))
            }
            _ => title,
        }
    }

    fn footer(&self, _: &Cx<'_>) -> String {
        "B roll back".to_owned()
    }

    fn context(&self) -> Option<Context> {
        Some(Context::Models)
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        cx.s.models.iter().map(|m| format!("{} {}", m.horizon, m.version)).collect()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        list(self, pen, cx, &COLUMNS, &empty(cx), |i| cx.s.models.get(i).map(|m| row(cx, m)).unwrap_or_default());
    }
}

/// One bin of the reliability table: said and seen on one scale.
fn bin(pen: &mut Pen<'_>, y: u16, (said, seen, n): (f64, f64, u32)) {
    let count = u64::from(n);
    let head = [
        Ink::muted("said ").add(format::prob(said), Role::Text),
        Ink::muted("seen ").add(format::prob(seen), Role::Strong),
        Ink::muted(format!("n {:>6}", format::count(count))),
    ];
    let x = pen.segments(1, y, head) + 2;
    let width = pen.width().saturating_sub(x + 1);
    if width < 10 {
        return;
    }
    let width = width.min(60);
    let at = |p: f64| (p.clamp(0.0, 1.0) * f64::from(width - 1)).round() as u16;
    pen.ink(x, y, Ink::of("·".repeat(width as usize), Role::Border));
    pen.glyph(x + at(said), y, "○", Role::Muted);
    let role = if (said - seen).abs() > 0.1 { Role::Warn } else { Role::Good };
    pen.glyph(x + at(seen), y, "●", role);
}

impl Pane for Calibration {
    fn id(&self) -> PaneId {
        PaneId::Calibration
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        chosen(cx).map_or_else(|| "Reliability".to_owned(), |m| format!("Reliability {} {}", m.horizon, m.version))
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let live = [
            Ink::muted("this session: matured ").add(format::count(cx.s.matured), Role::Text),
            Ink::muted("Brier ").add(format::maybe(cx.s.brier, 3), Role::Text),
            Ink::muted("ECE ").add(format::maybe(cx.s.ece, 3), Role::Text),
        ];
        pen.segments(1, 0, live);
        let Some(m) = chosen(cx) else {
            super::say(pen, 1, &empty(cx));
            return;
        };
        let mut y = 1;
        if pen.height() > m.reliability.len() as u16 + 2 {
            pen.segments(1, y, [Ink::muted("out of sample: ○ said by the model  ● seen in the data, 0 to 1")]);
            y += 1;
        }
        if m.reliability.is_empty() {
            super::say(pen, y, "no reliability table in the model's card");
        }
        for (i, row) in m.reliability.iter().enumerate() {
            bin(pen, y + i as u16, *row);
        }
    }
}
