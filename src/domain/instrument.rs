//! What the exchange demands of an order in a pair.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::money::{Money, Price, Qty};
use super::pair::Pair;

/// Tick, lot and minimums of one pair, as the exchange publishes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    pub pair: Pair,
    /// Prices are multiples of this.
    pub tick_size: Decimal,
    /// Decimals of a price on screen.
    pub price_decimals: u32,
    /// Quantities carry at most this many decimals.
    pub lot_decimals: u32,
    /// Smallest order, in base units.
    pub order_min: Qty,
    /// Smallest order, in quote units.
    pub cost_min: Money,
}

impl Instrument {
    /// `qty` rounded down to the lot; never up.
    #[must_use]
    pub fn round_qty(&self, qty: Decimal) -> Qty {
        Qty::new(qty.trunc_with_scale(self.lot_decimals)).unwrap_or(Qty::ZERO)
    }

    /// `price` moved to the tick grid, up or down; never to zero.
    #[must_use]
    pub fn round_price(&self, price: Decimal, up: bool) -> Option<Price> {
        if self.tick_size.is_zero() {
            return Price::new(price).ok();
        }
        let ticks = price.checked_div(self.tick_size)?;
        let whole = if up { ticks.ceil() } else { ticks.floor() };
        Price::new(whole.max(Decimal::ONE).checked_mul(self.tick_size)?).ok()
    }

    /// Whether an order of `qty` at `price` is large enough for the exchange.
    #[must_use]
    pub fn accepts(&self, qty: Qty, price: Price) -> bool {
        qty >= self.order_min && price.times(qty) >= self.cost_min && !qty.is_zero()
    }
}
