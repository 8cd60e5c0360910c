//! Orders, fills and outcomes of one account at a time; the two never mix in a table.

use super::{Cx, Pane, PaneId, list, positions, risk};
use crate::domain::account::AccountId;
use crate::domain::order::{Fill, Liquidity, Order, OrderStatus, Outcome, Side};
use crate::domain::snapshot::AccountSummary;
use crate::tui::format;
use crate::tui::keymap::Context;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::table::{Column, name, number, rest, text};

pub struct Orders;
pub struct Fills;
pub struct Outcomes;

fn account<'a>(cx: &Cx<'a>) -> Option<&'a AccountSummary> {
    match cx.view.shown_account() {
        AccountId::Main => cx.s.main.as_ref(),
        AccountId::Shadow => cx.s.shadow.as_ref(),
    }
}

fn whose(cx: &Cx<'_>) -> String {
    match cx.view.shown_account() {
        AccountId::Main => format!("main, {}", cx.s.mode.as_str().to_lowercase()),
        AccountId::Shadow => "SHADOW – not your money".to_owned(),
    }
}

/// Working orders first, then the finished ones, newest first; each once.
fn orders<'a>(cx: &Cx<'a>) -> Vec<&'a Order> {
    let Some(a) = account(cx) else { return Vec::new() };
    let working = a.state.orders.iter().rev();
    let open = |o: &&Order| a.state.orders.iter().any(|w| w.intent.order == o.intent.order);
    working.chain(a.recent_orders.iter().rev().filter(|o| !open(o))).collect()
}

fn side(side: Side) -> Ink {
    Ink::of(side.as_str().to_uppercase(), if side == Side::Buy { Role::Up } else { Role::Down })
}

const ORDERS: [Column; 10] = [
    text("UPDATED", 11, 3),
    text("ORDER", 7, 2),
    name("PAIR", 8, 0),
    text("SIDE", 4, 0),
    number("QTY", 9, 0),
    number("FILLED", 9, 4),
    number("PRICE", 10, 1),
    text("PURPOSE", 10, 2),
    text("STATUS", 8, 0),
    rest("NOTE", 8, 5),
];

fn status(status: OrderStatus) -> Ink {
    let role = match status {
        OrderStatus::Rejected => Role::Danger,
        OrderStatus::Canceled => Role::Muted,
        OrderStatus::Filled => Role::Text,
        OrderStatus::Pending | OrderStatus::Open | OrderStatus::PartiallyFilled => Role::Pending,
    };
    Ink::of(status.as_str(), role)
}

impl Pane for Orders {
    fn id(&self) -> PaneId {
        PaneId::Orders
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let working = account(cx).map_or(0, |a| a.state.orders.len());
        format!("Orders {}  {working} working", whose(cx))
    }

    fn footer(&self, _: &Cx<'_>) -> String {
        "m account".to_owned()
    }

    fn context(&self) -> Option<Context> {
        Some(Context::Orders)
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        orders(cx).iter().map(|o| o.intent.order.to_string()).collect()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let rows = orders(cx);
        let empty = match cx.view.shown_account() {
            AccountId::Main if cx.s.funnel.passed == 0 => {
                "no orders: no signal has passed every station yet (4 shows why)"
            }
            _ => "no orders yet",
        };
        list(self, pen, cx, &ORDERS, empty, |i| {
            let Some(o) = rows.get(i) else { return Vec::new() };
            vec![
                Ink::muted(cx.zone().short(o.updated)),
                Ink::text(o.intent.order.to_string()),
                Ink::text(o.intent.pair.as_str()),
                side(o.intent.side),
                Ink::text(format::qty(o.intent.qty)),
                Ink::text(format::qty(o.filled)),
                positions::order_price(cx, o),
                Ink::muted(o.intent.purpose.as_str()),
                status(o.status),
                Ink::muted(o.note.clone().unwrap_or_default()),
            ]
        });
    }
}

const FILLS: [Column; 9] = [
    text("TIME", 11, 2),
    name("PAIR", 8, 0),
    text("SIDE", 4, 0),
    number("QTY", 9, 0),
    number("PRICE", 9, 0),
    number("FEE", 6, 1),
    number("SLIP bp", 7, 3),
    text("FOR", 10, 4),
    text("ORDER", 7, 5),
];

/// Cost of the fill against the price that the decision saw, in basis points; positive is worse.
fn slippage(f: &Fill) -> f64 {
    let paid = f.price.to_f64() / f.reference.to_f64() - 1.0;
    let against = if f.side == Side::Buy { paid } else { -paid };
    against * 10_000.0
}

impl Pane for Fills {
    fn id(&self) -> PaneId {
        PaneId::Fills
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        format!("Fills {}", whose(cx))
    }

    fn context(&self) -> Option<Context> {
        Some(Context::Orders)
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        account(cx).map(|a| a.recent_fills.iter().rev().map(|f| f.id.to_string()).collect()).unwrap_or_default()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let rows: Vec<&Fill> = account(cx).map(|a| a.recent_fills.iter().rev().collect()).unwrap_or_default();
        list(self, pen, cx, &FILLS, "no fills yet", |i| {
            let Some(f) = rows.get(i) else { return Vec::new() };
            let maker = if f.liquidity == Liquidity::Maker { " maker" } else { "" };
            vec![
                Ink::muted(cx.zone().short(f.at)),
                Ink::text(f.pair.as_str()),
                side(f.side),
                Ink::text(format::qty(f.qty)),
                Ink::text(format::price(Some(f.price), cx.decimals(&f.pair))),
                Ink::text(format::money(f.fee)),
                Ink::text(format::float(slippage(f), 1)),
                Ink::muted(format!("{}{maker}", f.purpose.as_str())),
                Ink::muted(f.order.to_string()),
            ]
        });
    }
}

const OUTCOMES: [Column; 8] = [
    text("CLOSED", 11, 2),
    name("PAIR", 8, 0),
    text("HOR.", 4, 3),
    number("P&L", 9, 0),
    number("NET", 7, 1),
    number("FEES", 6, 4),
    number("CONF", 4, 2),
    text("ENDED BY", 10, 1),
];

impl Pane for Outcomes {
    fn id(&self) -> PaneId {
        PaneId::Outcomes
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        format!("Outcomes {}", whose(cx))
    }

    fn context(&self) -> Option<Context> {
        Some(Context::Orders)
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        let key = |o: &Outcome| format!("{} {}", o.decision, o.closed.0);
        account(cx).map(|a| a.recent_outcomes.iter().rev().map(key).collect()).unwrap_or_default()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let rows: Vec<&Outcome> = account(cx).map(|a| a.recent_outcomes.iter().rev().collect()).unwrap_or_default();
        list(self, pen, cx, &OUTCOMES, "no trade has closed yet", |i| {
            let Some(o) = rows.get(i) else { return Vec::new() };
            vec![
                Ink::muted(cx.zone().short(o.closed)),
                Ink::text(o.pair.as_str()),
                Ink::muted(o.horizon.to_string()),
                risk::gain(o.pnl),
                risk::percent(Some(o.net_return)),
                Ink::text(format::money(o.fees)),
                Ink::text(format::prob(o.confidence)),
                Ink::muted(o.ended_by.as_str()),
            ]
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    #[test]
    fn slippage_is_positive_when_it_costs() {
        let s = fixture::running();
        let mut fill = s.main.as_ref().and_then(|a| a.recent_fills.first()).cloned().unwrap();
        fill.side = Side::Buy;
        fill.reference = "100".parse::<rust_decimal::Decimal>().ok().and_then(|d| d.try_into().ok()).unwrap();
        fill.price = "100.1".parse::<rust_decimal::Decimal>().ok().and_then(|d| d.try_into().ok()).unwrap();
        assert!((slippage(&fill) - 10.0).abs() < 1e-6);
        fill.side = Side::Sell;
        assert!((slippage(&fill) + 10.0).abs() < 1e-6);
    }
}
