//! What the desk asks of the market it trades on: the listing, other people's quantity in the book, the last trade, the modes.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::fees::FeeSchedule;
use crate::simulator::protocol::{Side, Symbol};

/// An asset under its REST id (`XXBT`), its altname (`XBT`) and its WebSocket v2 name (`BTC`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetSpec {
    pub id: String,
    pub altname: String,
    pub name: String,
    /// Decimals of balances and ledger entries.
    pub decimals: u32,
}

/// A pair with the numbers that orders are checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairSpec {
    /// WebSocket v2 form, `BTC/USD`.
    pub symbol: Symbol,
    /// Key of AssetPairs, `XXBTZUSD`.
    pub id: String,
    /// `XBTUSD`
    pub altname: String,
    pub base: AssetSpec,
    pub quote: AssetSpec,
    pub price_decimals: u32,
    pub lot_decimals: u32,
    pub cost_decimals: u32,
    pub tick: Decimal,
    /// Smallest quantity, in base.
    pub min_qty: Decimal,
    /// Smallest cost, in quote.
    pub min_cost: Decimal,
    pub fees: FeeSchedule,
}

/// What the whole exchange, or one pair, lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Mode {
    #[default]
    Online,
    CancelOnly,
    PostOnly,
    LimitOnly,
    ReduceOnly,
    /// Nothing at all, cancels neither.
    Maintenance,
}

/// The market as the desk sees it. External = of people outside the stand-in, as recorded or synthesised.
pub trait Venue {
    /// A pair by any of its four names.
    fn pair(&self, name: &str) -> Option<Arc<PairSpec>>;
    /// An asset by any of its three names.
    fn asset(&self, name: &str) -> Option<AssetSpec>;
    /// External price and quantity of each level on `side` of the book (`Buy` = bids), best first, without what was consumed.
    fn levels(&self, symbol: &str, side: Side) -> Vec<(Decimal, Decimal)>;
    /// Takes up to `qty` from the external level at `price` on `side`, until that level's next recorded update; returns what was there to take.
    fn consume(&mut self, symbol: &str, side: Side, price: Decimal, qty: Decimal) -> Decimal;
    /// Price of the last trade.
    fn last_price(&self, symbol: &str) -> Option<Decimal>;
    fn pair_status(&self, symbol: &str) -> Mode;
    fn system_status(&self) -> Mode;
}
