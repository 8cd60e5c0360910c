//! The two accounts side by side. The shadow trades only what the gate blocked, with no one's money.

use super::risk::{day_return, gain, limit_mark, limit_text, percent, total_return, waiting_text};
use super::{Cx, Pane, PaneId, say};
use crate::domain::event::LimitUse;
use crate::domain::snapshot::AccountSummary;
use crate::tui::format;
use crate::tui::paint::{Ink, Pen, wrap};
use crate::tui::theme::Role;

pub struct MainAccount;
pub struct ShadowAccount;
pub struct Limits;

fn won(account: &AccountSummary) -> Ink {
    let s = &account.state;
    if s.trades_closed == 0 {
        return Ink::muted("none closed yet");
    }
    let share = s.trades_won as f64 / s.trades_closed as f64;
    Ink::text(format!("{}/{}", format::count(s.trades_won), format::count(s.trades_closed)))
        .add(format!(" {}", format::percent(share, 0)), Role::Muted)
}

/// Name and amount, row by row.
fn figures(account: &AccountSummary) -> Vec<(&'static str, Ink)> {
    let s = &account.state;
    let with = |value: Ink, share: Ink| value.add("  ", Role::Text).join(share);
    vec![
        ("Equity", with(Ink::of(format::money(account.equity), Role::Strong), percent(total_return(account)))),
        ("Day P&L", with(gain(account.day_pnl), percent(day_return(account)))),
        ("Unrealised", gain(account.unrealised)),
        ("Realised, net of fees", gain(s.realised)),
        (
            "Drawdown, worst",
            Ink::text(format!("-{}  -{}", format::percent(account.drawdown, 1), format::percent(s.max_drawdown, 1))),
        ),
        ("Exposure", Ink::text(format::percent(account.exposure, 1))),
        ("Cash", Ink::text(format::money(s.cash))),
        ("Fees", Ink::text(format::signed_money(-s.fees))),
        ("Trades won", won(account)),
        ("Losses in a row", Ink::text(s.consecutive_losses.to_string())),
        ("Orders, fills", Ink::text(format!("{}, {}", format::count(s.orders_total), format::count(s.fills)))),
    ]
}

fn rows(pen: &mut Pen<'_>, from: u16, figures: Vec<(&str, Ink)>) {
    let width = pen.width().saturating_sub(2);
    let mut inside = pen.columns(1, width);
    for (i, (name, value)) in figures.into_iter().enumerate() {
        let y = from + i as u16;
        if y < inside.height() {
            inside.pair(y, name, value);
        }
    }
}

impl Pane for MainAccount {
    fn id(&self) -> PaneId {
        PaneId::MainAccount
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        format!("Main account, {}", cx.s.mode.as_str().to_lowercase())
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let Some(account) = &cx.s.main else {
            say(pen, 0, &waiting_text(cx));
            return;
        };
        rows(pen, 0, figures(account));
    }
}

impl Pane for Limits {
    fn id(&self) -> PaneId {
        PaneId::Limits
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        match cx.s.limits.iter().filter(|l| l.tripped).count() {
            0 => "Limits".to_owned(),
            n => format!("Limits  {n} TRIPPED"),
        }
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        if cx.s.limits.is_empty() {
            say(pen, 0, "no limits yet: they are computed in every cycle");
        }
        let figure = |l: &LimitUse| {
            let (mark, role) = limit_mark(l);
            Ink::text(limit_text(l)).add(format!(" {mark}"), role)
        };
        rows(pen, 0, cx.s.limits.iter().map(|l| (l.name.as_str(), figure(l))).collect());
    }
}

/// What the gate kept away from the main account, in the shadow's size.
fn gate_worth(shadow: &AccountSummary) -> String {
    if shadow.state.orders_total == 0 {
        return "the gate has blocked nothing that the shadow could trade yet".to_owned();
    }
    let pnl = shadow.equity - shadow.state.initial_cash;
    let size = "in the shadow's own, fixed size";
    if pnl.is_negative() {
        format!("so far the gate saved {} {size}", format::money(-pnl))
    } else {
        format!("so far the gate cost {} {size}", format::money(pnl))
    }
}

impl Pane for ShadowAccount {
    fn id(&self) -> PaneId {
        PaneId::ShadowAccount
    }

    fn title(&self, _: &Cx<'_>) -> String {
        "SHADOW – not your money".to_owned()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let Some(shadow) = &cx.s.shadow else {
            say(pen, 0, "no shadow account yet: the first cycle has not ended");
            return;
        };
        let pnl = shadow.equity - shadow.state.initial_cash;
        let mut y = 0;
        let text = format!("shadow P&L {}: {}", format::signed_money(pnl), gate_worth(shadow));
        for line in wrap(&text, pen.width().saturating_sub(2).max(8) as usize) {
            pen.ink(1, y, Ink::of(line, Role::Shadow));
            y += 1;
        }
        rows(pen, y, figures(shadow));
    }
}
