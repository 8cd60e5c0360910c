//! The end of the path: what was sent, filled and earned in each account, and what the model learns from it.

use super::{Page, level, percent};
use crate::domain::account::AccountId;
use crate::domain::decision::{Decision, DecisionKind, Verdict};
use crate::domain::order::{Fill, Intent, Liquidity, OrderKind, Outcome, Side};

pub(super) fn ending(page: &mut Page, d: &Decision, intents: &[Intent], fills: &[Fill], outcomes: &[Outcome]) {
    page.blank();
    match (&d.verdict, d.kind) {
        (Verdict::Pass { .. }, _) => page.line(0, "Execute Trade → Monitor Performance"),
        (Verdict::Block { reason }, DecisionKind::Entry) => {
            page.line(0, &format!("Block Signal → Log Decision ({})", reason.as_str()));
        }
        (Verdict::Block { reason }, DecisionKind::Exit) => page.line(0, &format!("No exit: {}", reason.as_str())),
    }
    if matches!(d.verdict, Verdict::Pass { .. }) {
        page.field("share", &format!("{} of equity ({} account)", percent(d.fraction), d.account));
    }
    for account in AccountId::ALL {
        book(page, d, account, intents, fills, outcomes);
    }
    feedback(page, d, outcomes);
}

/// Orders, fills and outcomes of one account.
fn book(page: &mut Page, d: &Decision, account: AccountId, intents: &[Intent], fills: &[Fill], outcomes: &[Outcome]) {
    let sent: Vec<&Intent> = intents.iter().filter(|i| i.decision == d.id && i.account == account).collect();
    let done: Vec<&Fill> = fills.iter().filter(|f| f.decision == d.id && f.account == account).collect();
    let ended: Vec<&Outcome> = outcomes.iter().filter(|o| o.decision == d.id && o.account == account).collect();
    let expected = match account {
        AccountId::Shadow => d.shadow_order.map(|(order, qty)| format!("{order}, {qty} {}", d.pair.base())),
        AccountId::Main => None,
    };
    if sent.is_empty() && done.is_empty() && ended.is_empty() && expected.is_none() {
        return;
    }
    let title = match account {
        AccountId::Main => "Main account".to_owned(),
        AccountId::Shadow => "Shadow account (not real money: it trades what only the gate blocked)".to_owned(),
    };
    page.line(4, &format!("  {title}"));
    if let Some(order) = expected.filter(|_| sent.is_empty()) {
        page.line(8, &format!("    order {order}"));
    }
    for intent in &sent {
        page.line(8, &format!("    {}", order_line(intent)));
        for fill in done.iter().filter(|f| f.order == intent.order) {
            page.line(10, &format!("      {}", fill_line(fill)));
        }
    }
    for fill in done.iter().filter(|f| sent.iter().all(|i| i.order != f.order)) {
        page.line(10, &format!("    {} {}", fill.order, fill_line(fill)));
    }
    for outcome in &ended {
        page.line(8, &format!("    {}", outcome_line(outcome, d)));
    }
    if ended.is_empty() && !done.is_empty() {
        page.line(8, "    no outcome yet");
    }
}

fn order_line(i: &Intent) -> String {
    let kind = match i.kind {
        OrderKind::Market => "at the market".to_owned(),
        OrderKind::Limit { price } => format!("limit {price}"),
        OrderKind::StopLoss { trigger } => format!("stop {trigger}"),
    };
    format!("{} {} {} {kind} · {} · {} UTC", i.order, i.side.as_str(), i.qty, i.purpose.as_str(), i.at.minute())
}

fn fill_line(f: &Fill) -> String {
    let liquidity = match f.liquidity {
        Liquidity::Maker => "maker",
        Liquidity::Taker => "taker",
    };
    let reference = f.reference.to_f64();
    let worse = match f.side {
        Side::Buy => f.price.to_f64() / reference - 1.0,
        Side::Sell => 1.0 - f.price.to_f64() / reference,
    };
    format!(
        "filled {} at {} · fee {} ({liquidity} {} %) · slippage {:+.1} bp · {} UTC",
        f.qty,
        f.price,
        level(f.fee.to_f64()),
        (f.fee_rate * rust_decimal::Decimal::ONE_HUNDRED).normalize(),
        worse * 10_000.0,
        f.at.minute()
    )
}

fn outcome_line(o: &Outcome, d: &Decision) -> String {
    format!(
        "closed {} UTC by {} · {} → {} · P&L {:+.2} {} net · {:+.2} % on the notional",
        o.closed.minute(),
        o.ended_by.as_str(),
        o.entry.readable(),
        o.exit.readable(),
        o.pnl.to_f64(),
        d.pair.quote(),
        o.net_return * 100.0
    )
}

/// Both ends of the tree lead here.
fn feedback(page: &mut Page, d: &Decision, outcomes: &[Outcome]) {
    if d.kind == DecisionKind::Exit {
        return;
    }
    page.line(0, "Model Feedback");
    let mut any = false;
    for o in outcomes.iter().filter(|o| o.decision == d.id) {
        any = true;
        let result = if o.pnl.0 > rust_decimal::Decimal::ZERO { "won" } else { "lost" };
        page.line(4, &format!("  {result} at confidence {:.4} ({} account)", o.confidence, o.account));
    }
    if !any {
        page.line(4, "  the plan is followed to its end, traded or not; no closed trade yet");
    }
}
