//! Numbered notices: what deserves a line the moment it happens, and what was missed.

use super::{App, Now};
use crate::domain::account::AccountId;
use crate::domain::alert::Severity;
use crate::domain::decision::{Decision, Verdict};
use crate::domain::order::{Fill, Outcome};
use crate::domain::snapshot::{Notice, NoticeKind};
use crate::tui::format;
use crate::tui::view::ToastKind;

impl App {
    /// Takes one notice; a hole in the numbers is counted as lost.
    pub fn take_notice(&mut self, notice: &Notice, now: Now) {
        if let Some(last) = self.last_notice {
            let hole = notice.sequence.saturating_sub(last).saturating_sub(1);
            self.lost_notices(hole);
        }
        self.last_notice = Some(self.last_notice.unwrap_or(0).max(notice.sequence));
        if let Some((kind, text)) = self.words(&notice.kind) {
            self.say(kind, text, now);
        }
    }

    /// Notices that fell out before this console read them. Their hole in the numbers is the same loss, seen later.
    pub fn skipped_notices(&mut self, count: u64) {
        self.last_notice = self.last_notice.map(|last| last + count);
        self.lost_notices(count);
    }

    fn lost_notices(&mut self, count: u64) {
        if count > 0 {
            self.view.missed = self.view.missed.saturating_add(count);
            self.view.touch();
        }
    }

    /// What to say, if anything. Blocked decisions and the shadow's trades have their places, not a toast.
    fn words(&self, kind: &NoticeKind) -> Option<(ToastKind, String)> {
        match kind {
            NoticeKind::Decision(d) => self.decision(d),
            NoticeKind::Fill(f) if f.account == AccountId::Main => Some((ToastKind::Success, self.fill(f))),
            NoticeKind::Outcome(o) if o.account == AccountId::Main => Some((ToastKind::Info, outcome(o))),
            NoticeKind::Alert(a) => {
                let kind = if a.severity == Severity::Critical { ToastKind::Error } else { ToastKind::Info };
                Some((kind, format!("{}: {} (a acknowledges)", a.source, a.text)))
            }
            NoticeKind::System { text, .. } => Some((ToastKind::Info, text.clone())),
            NoticeKind::Fill(_) | NoticeKind::Outcome(_) => None,
        }
    }

    fn decision(&self, d: &Decision) -> Option<(ToastKind, String)> {
        let Verdict::Pass { order, qty } = &d.verdict else { return None };
        let side = d.side.as_str().to_uppercase();
        let mode = self.snapshot.mode.as_str().to_lowercase();
        Some((
            ToastKind::Success,
            format!("{} {side} {} passed ({mode}, order {order}, {})", d.pair, format::qty(*qty), d.id),
        ))
    }

    fn fill(&self, f: &Fill) -> String {
        let places = self.snapshot.pairs.iter().find(|p| p.pair == f.pair).map_or(8, |p| p.price_decimals);
        format!(
            "{} {} {} filled at {} ({}, {})",
            f.pair,
            f.side.as_str().to_uppercase(),
            format::qty(f.qty),
            format::price(Some(f.price), places),
            self.snapshot.mode.as_str().to_lowercase(),
            f.purpose.as_str()
        )
    }
}

fn outcome(o: &Outcome) -> String {
    format!("{} closed by {}: {}", o.pair, o.ended_by.as_str(), format::signed_money(o.pnl))
}
