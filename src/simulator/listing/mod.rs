//! What the stand-in lists: every pair and asset it knows, with their names, precisions, minimums and fees.
//!
//! Serves the market, the desk and the gateway. In: the committed file `data/exchange/listing.json` (recorded on Kraken, see the README beside it);
//! out: lookups by any of a pair's four names, the bodies of `Assets` and `AssetPairs`, the frames of `instrument`. Always true: names are unique and
//! case-sensitive as on Kraken, prices and quantities are exact decimals; a listing never changes (states that do change belong to the market).

mod clones;
mod file;
mod instrument;
mod recorded;
mod rest;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::protocol::Symbol;
pub use file::ListingError;
pub use recorded::RecordedPair;

/// All pairs and assets, in the order of the file.
#[derive(Debug, Clone)]
pub struct Listing {
    taken: String,
    assets: Vec<AssetInfo>,
    pairs: Vec<PairInfo>,
    pair_names: HashMap<String, usize>,
    asset_names: HashMap<String, usize>,
}

/// One pair.
#[derive(Debug, Clone, PartialEq)]
pub struct PairInfo {
    /// `XXBTZUSD`
    pub id: String,
    /// `XBTUSD`
    pub altname: String,
    /// `XBT/USD`
    pub wsname: String,
    /// `BTC/USD`
    pub symbol: Symbol,
    /// Asset id: `XXBT`
    pub base: String,
    /// Asset id: `ZUSD`
    pub quote: String,
    /// `BTC`
    pub base_v2: String,
    /// `USD`
    pub quote_v2: String,
    /// As recorded; the market holds the state of the moment.
    pub status: PairStatus,
    /// Decimals of a price.
    pub pair_decimals: u32,
    /// Decimals of a quantity.
    pub lot_decimals: u32,
    /// Decimals of a cost or fee.
    pub cost_decimals: u32,
    /// Prices are multiples of this.
    pub tick_size: Decimal,
    /// Smallest order, in base units.
    pub ordermin: Decimal,
    /// Smallest order, in quote units.
    pub costmin: Decimal,
    pub marginable: bool,
    pub has_index: bool,
    pub margin_initial: Option<Decimal>,
    pub position_limit_long: Option<u64>,
    pub position_limit_short: Option<u64>,
    pub fees: Arc<FeeTable>,
    /// Made up for load tests; never in the committed file.
    pub invented: bool,
}

/// One asset.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetInfo {
    /// `XXBT`
    pub id: String,
    /// `XBT`
    pub altname: String,
    /// `BTC`
    pub v2: String,
    /// Decimals in the ledger.
    pub decimals: u32,
    pub display_decimals: u32,
    /// `enabled`, `deposit_only`, …
    pub status: String,
    pub borrowable: bool,
    pub collateral_value: Decimal,
    pub margin_rate: Option<Decimal>,
}

/// Percentages by 30-day volume in USD, lowest tier first: `(volume from, percent)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeTable {
    pub taker: Vec<(Decimal, Decimal)>,
    pub maker: Vec<(Decimal, Decimal)>,
}

/// State of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairStatus {
    Online,
    CancelOnly,
    PostOnly,
    LimitOnly,
    ReduceOnly,
    Maintenance,
    Delisted,
    WorkInProgress,
}

impl PairStatus {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::CancelOnly => "cancel_only",
            Self::PostOnly => "post_only",
            Self::LimitOnly => "limit_only",
            Self::ReduceOnly => "reduce_only",
            Self::Maintenance => "maintenance",
            Self::Delisted => "delisted",
            Self::WorkInProgress => "work_in_progress",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Online,
            Self::CancelOnly,
            Self::PostOnly,
            Self::LimitOnly,
            Self::ReduceOnly,
            Self::Maintenance,
            Self::Delisted,
            Self::WorkInProgress,
        ]
        .into_iter()
        .find(|s| s.as_str() == name)
    }
}

impl FeeTable {
    /// `(maker, taker)` percentages at a 30-day volume in USD.
    #[must_use]
    pub fn at(&self, volume: Decimal) -> (Decimal, Decimal) {
        let tier = |table: &[(Decimal, Decimal)]| {
            table.iter().rev().find(|(from, _)| *from <= volume).or(table.first()).map_or(Decimal::ZERO, |t| t.1)
        };
        (tier(&self.maker), tier(&self.taker))
    }
}

impl Listing {
    /// When the recorded part was taken, in words.
    #[must_use]
    pub fn taken(&self) -> &str {
        &self.taken
    }

    #[must_use]
    pub fn pairs(&self) -> &[PairInfo] {
        &self.pairs
    }

    #[must_use]
    pub fn assets(&self) -> &[AssetInfo] {
        &self.assets
    }

    /// The pair with that id, altname, wsname or v2 symbol.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&PairInfo> {
        self.pairs.get(*self.pair_names.get(name)?)
    }

    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&PairInfo> {
        self.find(id).filter(|p| p.id == id)
    }

    #[must_use]
    pub fn by_altname(&self, altname: &str) -> Option<&PairInfo> {
        self.find(altname).filter(|p| p.altname == altname)
    }

    #[must_use]
    pub fn by_wsname(&self, wsname: &str) -> Option<&PairInfo> {
        self.find(wsname).filter(|p| p.wsname == wsname)
    }

    /// By v2 symbol, `BTC/USD`.
    #[must_use]
    pub fn by_symbol(&self, symbol: &str) -> Option<&PairInfo> {
        self.find(symbol).filter(|p| *p.symbol == *symbol)
    }

    /// Place of the pair with that v2 symbol in [`Listing::pairs`].
    #[must_use]
    pub fn index_of(&self, symbol: &str) -> Option<usize> {
        let index = *self.pair_names.get(symbol)?;
        self.pairs.get(index).filter(|p| *p.symbol == *symbol).map(|_| index)
    }

    /// The asset with that id, altname or v2 name.
    #[must_use]
    pub fn find_asset(&self, name: &str) -> Option<&AssetInfo> {
        self.assets.get(*self.asset_names.get(name)?)
    }
}
