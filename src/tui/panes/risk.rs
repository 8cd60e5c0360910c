//! The account and its limits at a glance; on narrow screens the agents stand below.

use super::agents::state_mark;
use super::{Cx, Pane, PaneId, say};
use crate::domain::event::LimitUse;
use crate::domain::money::Money;
use crate::domain::snapshot::AccountSummary;
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::bars;

pub struct Risk;
pub struct RiskAgents;

/// What the account gained since its start, as a share; `None` without initial cash.
pub(super) fn total_return(account: &AccountSummary) -> Option<f64> {
    share_of(account.equity - account.state.initial_cash, account.state.initial_cash)
}

/// Gain of the day as a share of the day's first equity.
pub(super) fn day_return(account: &AccountSummary) -> Option<f64> {
    share_of(account.day_pnl, account.state.day_start_equity)
}

fn share_of(part: Money, whole: Money) -> Option<f64> {
    (whole.to_f64() > 0.0).then(|| part.to_f64() / whole.to_f64())
}

pub(super) fn percent(share: Option<f64>) -> Ink {
    share.map_or_else(|| Ink::muted(format::NA), |s| Ink::of(format::signed_percent(s, 2), Role::of_change(s)))
}

pub(super) fn gain(amount: Money) -> Ink {
    Ink::of(format::signed_money(amount), Role::of_change(amount.to_f64()))
}

/// A value and its limit; shares as per cent, counts as counts.
pub(super) fn limit_text(limit: &LimitUse) -> String {
    if limit.limit.abs() < 1.0 {
        format!("{} / {}", format::percent(limit.value, 1), format::percent(limit.limit, 0))
    } else {
        format!("{} / {}", format::float(limit.value, 0), format::float(limit.limit, 0))
    }
}

pub(super) fn limit_mark(limit: &LimitUse) -> (&'static str, Role) {
    let share = if limit.limit.abs() > 0.0 { limit.value.abs() / limit.limit.abs() } else { 0.0 };
    if limit.tripped {
        ("✗", Role::Danger)
    } else if share >= 0.8 {
        ("!", Role::Warn)
    } else {
        ("○", Role::Muted)
    }
}

/// Limits by name, each with its mark: `daily loss○`.
fn limits_line(cx: &Cx<'_>) -> Vec<Ink> {
    cx.s.limits
        .iter()
        .map(|l| {
            let (mark, role) = limit_mark(l);
            Ink::muted(format!("{} ", l.name)).add(mark, role)
        })
        .collect()
}

/// One row: name at the left, value, share at the right.
fn amount(pen: &mut Pen<'_>, y: u16, label: &str, value: Ink, share: Option<Ink>) {
    let width = pen.width().saturating_sub(1);
    let tail = if share.is_some() { 9 } else { 0 };
    pen.ink(1, y, Ink::muted(label));
    let end = width.saturating_sub(tail);
    pen.number(end, y, end.saturating_sub(label.len() as u16 + 2), value);
    if let Some(share) = share {
        pen.number(width, y, 8, share);
    }
}

pub(super) fn waiting_text(cx: &Cx<'_>) -> String {
    match &cx.s.progress {
        Some(p) => format!("no account yet: {}…", p.label),
        None => "no account yet: the first cycle has not ended".to_owned(),
    }
}

fn equity_curve(account: &AccountSummary) -> Vec<Option<f64>> {
    account.equity_curve.iter().map(|(_, m)| Some(m.to_f64())).collect()
}

impl Pane for Risk {
    fn id(&self) -> PaneId {
        PaneId::Risk
    }

    fn title(&self, _: &Cx<'_>) -> String {
        "Portfolio & risk".to_owned()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let Some(account) = &cx.s.main else {
            say(pen, 0, &waiting_text(cx));
            return;
        };
        let width = pen.width();
        amount(
            pen,
            0,
            "Equity",
            Ink::of(format::money(account.equity), Role::Strong),
            Some(percent(total_return(account))),
        );
        amount(pen, 1, "Day P&L", gain(account.day_pnl), Some(percent(day_return(account))));
        pen.ink(1, 2, Ink::muted(bars::sparkline(&equity_curve(account), width.saturating_sub(2) as usize)));
        let drawdown = format!("-{}", format::percent(account.drawdown, 1));
        let worst = format!("worst -{}", format::percent(account.state.max_drawdown, 1));
        pen.segments(1, 3, [Ink::muted("Drawdown").add(format!("  {drawdown}"), Role::Text), Ink::muted(worst)]);
        let bar = bars::gauge(account.exposure, 10);
        let exposure = Ink::muted("Exposure").add(format!("  {}", format::percent(account.exposure, 0)), Role::Text);
        pen.segments(1, 4, [exposure, Ink::muted(bar)]);
        amount(pen, 5, "Cash", Ink::text(format::money(account.state.cash)), None);
        amount(pen, 6, "Realised", gain(account.state.realised), None);
        amount(pen, 7, "Fees", Ink::text(format::signed_money(-account.state.fees)), None);
        if let Some(shadow) = &cx.s.shadow {
            let pnl = shadow.equity - shadow.state.initial_cash;
            let label = if width >= 38 { "SHADOW – not your money" } else { "SHADOW, not yours" };
            pen.ink(1, 8, Ink::of(label, Role::Shadow));
            let room = width.saturating_sub(label.chars().count() as u16 + 3);
            pen.number(width - 1, 8, room, Ink::of(format::signed_money(pnl), Role::Shadow));
        }
        limits_block(pen, cx, 9);
    }
}

/// Limits, three to a row at most, from row `y`; tripped ones in words.
fn limits_block(pen: &mut Pen<'_>, cx: &Cx<'_>, y: u16) {
    if cx.s.limits.is_empty() {
        pen.ink(1, y, Ink::muted("Limits: not computed yet"));
        return;
    }
    let tripped: Vec<&LimitUse> = cx.s.limits.iter().filter(|l| l.tripped).collect();
    let summary = match tripped.first() {
        None => Ink::of(format!("✓ all {} limits keep", cx.s.limits.len()), Role::Good),
        Some(l) => Ink::of(format!("✗ {} {}", l.name, limit_text(l)), Role::Danger),
    };
    pen.ink(1, y, summary);
    let mut at = y + 1;
    let room = pen.width().saturating_sub(2) as usize;
    let mut row: Vec<Ink> = Vec::new();
    let mut used = 0;
    for ink in limits_line(cx) {
        if used > 0 && used + 2 + ink.width() > room {
            pen.segments(1, at, std::mem::take(&mut row));
            at += 1;
            used = 0;
        }
        used += ink.width() + 2;
        row.push(ink);
    }
    pen.segments(1, at, row);
}

impl RiskAgents {
    fn account(pen: &mut Pen<'_>, cx: &Cx<'_>, account: &AccountSummary) -> u16 {
        amount(
            pen,
            0,
            "Equity",
            Ink::of(format::money(account.equity), Role::Strong),
            Some(percent(total_return(account))),
        );
        amount(pen, 1, "Day P&L", gain(account.day_pnl), Some(percent(day_return(account))));
        let drawdown = format!("-{}", format::percent(account.drawdown, 1));
        pen.segments(
            1,
            2,
            [
                Ink::muted("DD ").add(drawdown, Role::Text),
                Ink::muted("Expo ").add(format::percent(account.exposure, 0), Role::Text),
                Ink::muted("Fees ").add(format::money(account.state.fees), Role::Text),
            ],
        );
        amount(pen, 3, "Cash", Ink::text(format::money(account.state.cash)), None);
        if let Some(shadow) = &cx.s.shadow {
            let pnl = format::signed_money(shadow.equity - shadow.state.initial_cash);
            amount(pen, 4, "SHADOW, not yours", Ink::of(pnl, Role::Shadow), None);
            return 5;
        }
        4
    }
}

impl Pane for RiskAgents {
    fn id(&self) -> PaneId {
        PaneId::RiskAgents
    }

    fn title(&self, _: &Cx<'_>) -> String {
        "Risk · agents".to_owned()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let y = match &cx.s.main {
            Some(account) => Self::account(pen, cx, account),
            None => say(pen, 0, &waiting_text(cx)),
        };
        let up = cx.s.agents.iter().filter(|a| state_mark(a.state).1 == Role::Good).count();
        pen.rule(y, &format!("agents {up}/{}", cx.s.agents.len()));
        let columns = (pen.width() / 12).max(1);
        for (i, agent) in cx.s.agents.iter().enumerate() {
            let (mark, role) = state_mark(agent.state);
            let (col, row) = (i as u16 % columns, i as u16 / columns);
            pen.ink_within(1 + col * 12, y + 1 + row, 11, Ink::of(mark, role).add(agent.kind.short(), Role::Text));
        }
        let rows = (cx.s.agents.len() as u16).div_ceil(columns);
        let no = cx.s.gates.iter().filter(|g| !g.go).count();
        let verdict = if cx.s.gates.is_empty() {
            Ink::muted("GO/NO-GO ").add(format::UNKNOWN, Role::Muted)
        } else if no == 0 {
            Ink::of(format!("GO {}✓", cx.s.gates.len()), Role::Good)
        } else {
            Ink::of(format!("NO-GO {no}/{}✗", cx.s.gates.len()), Role::Warn)
        };
        let tripped = cx.s.limits.iter().filter(|l| l.tripped).count();
        let limits = if tripped == 0 {
            Ink::muted(format!("limits {}○", cx.s.limits.len()))
        } else {
            Ink::of(format!("limits {tripped}✗"), Role::Danger)
        };
        pen.segments(1, y + 1 + rows, [verdict, limits]);
    }
}
