//! Open positions of the main account, and what works for them.

use super::{Cx, Pane, PaneId, list, risk};
use crate::domain::account::Position;
use crate::domain::money::{Money, Price};
use crate::domain::order::{Order, OrderKind};
use crate::domain::snapshot::AccountSummary;
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::screens::Screen;
use crate::tui::widgets::table::{Column, name, number, text};

pub struct Positions;

const COLUMNS: [Column; 10] = [
    name("PAIR", 8, 0),
    number("QTY", 8, 0),
    number("ENTRY", 9, 3),
    number("MARK", 9, 3),
    number("uP&L", 8, 0),
    number("%", 7, 2),
    number("STOP", 9, 4),
    number("TARGET", 9, 4),
    number("CONF", 4, 5),
    text("UNTIL", 11, 6),
];

/// Unrealised gain at `mark`, before exit fees, after the entry fees still attributed.
fn unrealised(position: &Position, mark: Price) -> Money {
    mark.times(position.qty) - position.entry.times(position.qty) - position.entry_fees
}

fn row(cx: &Cx<'_>, account: &AccountSummary, p: &Position) -> Vec<Ink> {
    let places = cx.decimals(&p.pair);
    let price = |v: Price| Ink::text(format::price(Some(v), places));
    let mark = account.marks.get(&p.pair).copied();
    let gain = mark.map(|m| unrealised(p, m));
    let cost = p.entry.times(p.qty).to_f64();
    let share = gain.filter(|_| cost > 0.0).map(|g| g.to_f64() / cost);
    vec![
        Ink::text(p.pair.as_str()),
        Ink::text(format::qty(p.qty)),
        price(p.entry),
        Ink::text(format::price(mark, places)),
        gain.map_or_else(|| Ink::muted(format::UNKNOWN), risk::gain),
        risk::percent(share),
        price(p.plan.stop),
        price(p.plan.target),
        Ink::text(format::prob(p.confidence)),
        Ink::muted(cx.zone().short(p.plan.expires)),
    ]
}

/// Price of an order that rests or waits.
pub(super) fn order_price(cx: &Cx<'_>, order: &Order) -> Ink {
    let price = |v| format::price(Some(v), cx.decimals(&order.intent.pair));
    match order.intent.kind {
        OrderKind::Market => Ink::muted("market"),
        OrderKind::Limit { price: at } => Ink::text(format!("@{}", price(at))),
        OrderKind::StopLoss { trigger } => Ink::text(format!("stop {}", price(trigger))),
    }
}

fn working(pen: &mut Pen<'_>, cx: &Cx<'_>, account: &AccountSummary) {
    pen.rule(0, &format!("working {}", account.state.orders.len()));
    for (y, order) in account.state.orders.iter().rev().take(pen.height().saturating_sub(1) as usize).enumerate() {
        let i = &order.intent;
        let head = format!("{} {}", i.pair.base(), i.side.as_str().to_uppercase());
        pen.segments(
            1,
            y as u16 + 1,
            [Ink::text(head), Ink::text(format::qty(i.qty)), order_price(cx, order), Ink::muted(i.purpose.as_str())],
        );
    }
}

impl Pane for Positions {
    fn id(&self) -> PaneId {
        PaneId::Positions
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let (positions, orders) =
            cx.s.main.as_ref().map_or((0, 0), |a| (a.state.positions.len(), a.state.orders.len()));
        format!("Positions {positions} · orders {orders}")
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        cx.s.main.as_ref().map(|a| a.state.positions.keys().map(ToString::to_string).collect()).unwrap_or_default()
    }

    fn list_height(&self, cx: &Cx<'_>, inside: u16) -> u16 {
        let rows = cx.s.main.as_ref().map_or(0, |a| a.state.positions.len()) as u16;
        let below = if cx.view.screen == Screen::Overview && inside >= 7 { 3 } else { 0 };
        if rows == 0 { 3.min(inside) } else { (rows + 1).min(inside - below) }
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let account = cx.s.main.as_ref();
        let rows: Vec<&Position> = account.map(|a| a.state.positions.values().collect()).unwrap_or_default();
        let empty = match account {
            Some(_) if cx.s.funnel.passed == 0 => "no position: no signal has passed every station yet",
            Some(_) => "no open position",
            None => "no account yet: the first cycle has not ended",
        };
        let height = self.list_height(cx, pen.height());
        list(self, &mut pen.rows(0, height), cx, &COLUMNS, empty, |i| {
            rows.get(i).zip(account).map(|(p, a)| row(cx, a, p)).unwrap_or_default()
        });
        let left = pen.height() - height;
        if let (true, Some(account)) = (cx.view.screen == Screen::Overview && left >= 3, account) {
            working(&mut pen.rows(height, left), cx, account);
        }
    }
}
