//! The texts in which an order describes itself. Clients take them apart at their spaces.

use super::numbers::text;
use super::order::{CloseTerms, Kind, State, Ticket};
use super::price::Asked;

/// `limit`, `stop loss`, `trailing stop`: the type's name before any ` -> limit`.
const fn type_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Market => "market",
        Kind::Limit | Kind::Iceberg => "limit",
        Kind::StopLoss | Kind::StopLossLimit => "stop loss",
        Kind::TakeProfit | Kind::TakeProfitLimit => "take profit",
        Kind::TrailingStop | Kind::TrailingStopLimit => "trailing stop",
    }
}

/// `price` and `price2` of an order's description; `"0"` where there is none.
pub(super) fn price_texts(ticket: &Ticket, state: &State) -> (String, String) {
    let decimals = ticket.pair.price_decimals;
    let none = || "0".to_owned();
    let limit = || state.limit.or(ticket.limit).map_or_else(none, |p| text(p, decimals));
    match ticket.kind {
        Kind::Market => (none(), none()),
        Kind::Limit | Kind::Iceberg => (limit(), none()),
        Kind::TrailingStop | Kind::TrailingStopLimit => (
            ticket.trail.map_or_else(none, |t| t.words(decimals)),
            ticket.trail_limit.map_or_else(none, |t| t.words(decimals)),
        ),
        kind => (
            state.stop.or(ticket.trigger).map_or_else(none, |p| text(p, decimals)),
            if kind.has_limit() { limit() } else { none() },
        ),
    }
}

/// `buy 1.25000000 XBTUSD @ limit 37500.0`, `sell 1.00000000 XBTUSD @ stop loss 2677.0 -> limit 2577.0`
pub(super) fn order_words(ticket: &Ticket, state: &State) -> String {
    let (price, price2) = price_texts(ticket, state);
    let head = format!(
        "{} {} {} @ {}",
        ticket.side.as_str(),
        text(state.qty, ticket.pair.lot_decimals),
        ticket.pair.altname,
        type_words(ticket.kind)
    );
    match ticket.kind {
        Kind::Market => head,
        kind if kind.is_triggered() && kind.has_limit() => format!("{head} {price} -> limit {price2}"),
        _ => format!("{head} {price}"),
    }
}

/// `close position @ stop loss 27000.0 -> limit 26000.0`
pub(super) fn close_words(close: &CloseTerms, decimals: u32) -> String {
    let show = |asked: Option<Asked>| match asked {
        Some(Asked::At(price)) => text(price, decimals),
        Some(Asked::By(offset)) => offset.words(decimals),
        Some(Asked::Away(offset)) => offset.words(decimals).replacen('+', "#", 1),
        None => "0".to_owned(),
    };
    let head = format!("close position @ {}", type_words(close.kind));
    if !close.kind.is_triggered() {
        return format!("{head} {}", show(close.limit));
    }
    if close.kind.has_limit() {
        format!("{head} {} -> limit {}", show(close.trigger), show(close.limit))
    } else {
        format!("{head} {}", show(close.trigger))
    }
}
