//! Rows of the `level3` channel: the book order by order. Source: Kraken, WebSocket v2, level 3 orders.

use serde::Deserialize;

use crate::kraken::wire::open_enum::open_enum;
use crate::kraken::wire::{Number, Stamp};

open_enum! {
    /// What happened to an order of the book.
    pub enum OrderEvent { Add = "add", Modify = "modify", Delete = "delete" }
}

/// One symbol's orders of a `level3` frame, in the order of the frame.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Level3Rows {
    pub symbol: String,
    #[serde(default)]
    pub bids: Vec<Level3Order>,
    #[serde(default)]
    pub asks: Vec<Level3Order>,
    /// Over every order, oldest first, of the ten best price levels.
    pub checksum: u32,
    pub timestamp: Option<Stamp>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Level3Order {
    /// Absent in a snapshot.
    pub event: Option<OrderEvent>,
    pub order_id: String,
    pub limit_price: Number,
    pub order_qty: Number,
    pub timestamp: Stamp,
}
