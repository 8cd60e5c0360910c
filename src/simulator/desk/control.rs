//! Lists for the control interface: the truth, without lag and without hiding.

use serde_json::{Value, json as object};

use super::Desk;
use super::numbers::{micros_text, text};

impl Desk {
    /// Every order, oldest first, as QueryOrders shows it but of this instant, with its account and id.
    #[must_use]
    pub fn orders_json(&self) -> Value {
        let row = |order: &super::order::Order| {
            let mut row = self.order_json(order, &order.state, true);
            if let Some(fields) = row.as_object_mut() {
                fields.insert("txid".to_owned(), order.id.as_str().into());
                fields.insert("account".to_owned(), order.account.0.into());
                fields.insert("symbol".to_owned(), (&*order.ticket.pair.symbol).into());
                fields.insert("hold".to_owned(), text(order.state.hold, 0).into());
            }
            row
        };
        Value::Array(self.orders.iter().map(row).collect())
    }

    /// Every fill, oldest first; amounts as texts.
    #[must_use]
    pub fn fills_json(&self) -> Value {
        let row = |fill: &super::account::Fill| {
            let order = self.orders.get(fill.order)?;
            Some(object!({
                "txid": fill.id,
                "ordertxid": order.id,
                "account": fill.account.0,
                "symbol": &*order.ticket.pair.symbol,
                "side": order.ticket.side.as_str(),
                "time": micros_text(fill.at),
                "price": text(fill.price, 0),
                "qty": text(fill.qty, 0),
                "cost": text(fill.cost, 0),
                "fee": text(fill.fee, 0),
                "fee_asset": fill.fee_asset,
                "fee_qty": text(fill.fee_qty, 0),
                "maker": fill.maker,
                "trade_id": fill.trade_id,
                "ledgers": fill.ledgers,
            }))
        };
        Value::Array(self.fills.iter().filter_map(row).collect())
    }
}
