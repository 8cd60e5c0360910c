//! Where the next trade is to be expected between bid and ask.

use super::Level;

/// (pb · qa + pa · qb) / (qa + qb) of the best levels: the mid, drawn towards the thinner side (Stoikov 2018). No value when a side is missing.
#[must_use]
pub fn microprice(bid: Option<Level>, ask: Option<Level>) -> Option<f64> {
    let ((bid, bid_qty), (ask, ask_qty)) = bid.zip(ask)?;
    let both = bid_qty + ask_qty;
    (both > 0.0).then(|| (bid * ask_qty + ask * bid_qty) / both)
}
