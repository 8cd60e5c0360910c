//! One table of all names of all pairs. A pair has four: id, altname, wsname and the symbol of WebSocket v2.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use crate::domain::instrument::Instrument;
use crate::domain::money::{Money, Qty};
use crate::domain::pair::Pair;
use crate::kraken::link::PairListing;
use crate::kraken::wire::Number;
use crate::kraken::wire::rest::market::{AssetPair, AssetPairs};
use crate::kraken::wire::ws::PairStatus;

/// Why a listed pair has no place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skipped {
    /// No name for the WebSocket: a dark pool.
    NoWsname,
    /// Asset names that this program does not take (more than ten letters, or other signs than letters, digits and dots).
    Name,
    /// No minimum order: it cannot be traded.
    NoMinimum,
    /// One of its names belongs to another pair already.
    Ambiguous,
}

/// The only two renames between the exchange's old and new names.
fn renamed(asset: &str) -> &str {
    match asset {
        "XBT" => "BTC",
        "XDG" => "DOGE",
        other => other,
    }
}

/// The symbol of WebSocket v2 (`BTC/USD`) for a wsname (`XBT/USD`).
#[must_use]
pub fn v2_symbol(wsname: &str) -> Option<String> {
    let (base, quote) = wsname.split_once('/')?;
    Some(format!("{}/{}", renamed(base), renamed(quote)))
}

/// The pairs of an AssetPairs answer that this program can name, sorted by id, and how many it cannot.
#[must_use]
pub fn listings(pairs: &AssetPairs) -> (Vec<PairListing>, BTreeMap<Skipped, usize>) {
    let (mut rows, mut skipped) = (Vec::new(), BTreeMap::new());
    for (id, pair) in pairs {
        match listing(id, pair) {
            Ok(row) => rows.push(row),
            Err(why) => *skipped.entry(why).or_default() += 1,
        }
    }
    (rows, skipped)
}

fn listing(id: &str, of: &AssetPair) -> Result<PairListing, Skipped> {
    let wsname = of.wsname.clone().ok_or(Skipped::NoWsname)?;
    let symbol = v2_symbol(&wsname).ok_or(Skipped::Name)?;
    let pair: Pair = symbol.parse().map_err(|_| Skipped::Name)?;
    // the domain's own renames must not turn it into another pair
    if !symbol.eq_ignore_ascii_case(pair.as_str()) {
        return Err(Skipped::Name);
    }
    let smallest = rust_decimal::Decimal::try_new(1, of.pair_decimals).map_err(|_| Skipped::Name)?;
    Ok(PairListing {
        id: id.to_owned(),
        altname: of.altname.clone(),
        wsname,
        pair,
        // recordings before 2022 tell no state: then it is unknown, not online
        status: of.status.clone().unwrap_or_else(|| PairStatus::Unknown("not told".to_owned())),
        price_decimals: of.pair_decimals,
        lot_decimals: of.lot_decimals,
        // and no decimals of a cost or tick: a price's are the coarsest that is right
        cost_decimals: of.cost_decimals.unwrap_or(of.pair_decimals),
        tick_size: of.tick_size.unwrap_or(Number(smallest)),
        order_min: of.ordermin.ok_or(Skipped::NoMinimum)?,
        cost_min: of.costmin,
    })
}

/// A pair and its symbol on the wire; they differ in case for tokenised assets (`AAPLX/USD`, `AAPLx/USD`).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    listing: PairListing,
    symbol: String,
}

/// Names to pairs and back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Symbols {
    entries: Vec<Entry>,
    /// Every name, exactly as listed.
    names: HashMap<String, usize>,
    pairs: HashMap<Pair, usize>,
    skipped: BTreeMap<Skipped, usize>,
}

impl Symbols {
    /// The first pair that claims a name keeps it; a later one is skipped and counted.
    #[must_use]
    pub fn new(listings: impl IntoIterator<Item = PairListing>) -> Self {
        let mut all = Self::default();
        for listing in listings {
            if let Err(why) = all.add(listing) {
                *all.skipped.entry(why).or_default() += 1;
            }
        }
        all
    }

    /// From an answer of AssetPairs.
    #[must_use]
    pub fn of(pairs: &AssetPairs) -> Self {
        let (rows, skipped) = listings(pairs);
        let mut all = Self::new(rows);
        for (why, count) in skipped {
            *all.skipped.entry(why).or_default() += count;
        }
        all
    }

    fn add(&mut self, listing: PairListing) -> Result<(), Skipped> {
        let symbol = v2_symbol(&listing.wsname).ok_or(Skipped::Name)?;
        let names = [&listing.id, &listing.altname, &listing.wsname, &symbol];
        if names.iter().any(|name| self.names.contains_key(*name)) || self.pairs.contains_key(&listing.pair) {
            return Err(Skipped::Ambiguous);
        }
        let place = self.entries.len();
        self.names.extend(names.into_iter().map(|name| (name.clone(), place)));
        self.pairs.insert(listing.pair.clone(), place);
        self.entries.push(Entry { listing, symbol });
        Ok(())
    }

    fn entry(&self, pair: &Pair) -> Option<&Entry> {
        self.entries.get(*self.pairs.get(pair)?)
    }

    /// The pair of any of its four names; without regard to case when no name fits exactly.
    #[must_use]
    pub fn pair(&self, name: &str) -> Option<&Pair> {
        let exact = self.names.get(name).and_then(|place| self.entries.get(*place));
        exact.map(|entry| &entry.listing.pair).or_else(|| {
            let parsed: Pair = name.parse().ok()?;
            self.entry(&parsed).map(|entry| &entry.listing.pair)
        })
    }

    /// `BTC/USD`, as WebSocket v2 writes it.
    #[must_use]
    pub fn symbol(&self, pair: &Pair) -> Option<&str> {
        self.entry(pair).map(|entry| entry.symbol.as_str())
    }

    /// All that AssetPairs told.
    #[must_use]
    pub fn listing(&self, pair: &Pair) -> Option<&PairListing> {
        self.entry(pair).map(|entry| &entry.listing)
    }

    /// Name for the `pair` parameter of REST.
    #[must_use]
    pub fn altname(&self, pair: &Pair) -> Option<&str> {
        self.listing(pair).map(|listing| listing.altname.as_str())
    }

    /// Key of results in REST.
    #[must_use]
    pub fn id(&self, pair: &Pair) -> Option<&str> {
        self.listing(pair).map(|listing| listing.id.as_str())
    }

    /// What the exchange demands of an order.
    #[must_use]
    pub fn instrument(&self, pair: &Pair) -> Option<Instrument> {
        self.listing(pair).and_then(to_instrument)
    }

    /// All pairs, in the order of the listing.
    pub fn listings(&self) -> impl ExactSizeIterator<Item = &PairListing> {
        self.entries.iter().map(|entry| &entry.listing)
    }

    /// Listed pairs without a place in the table, by reason.
    #[must_use]
    pub const fn skipped(&self) -> &BTreeMap<Skipped, usize> {
        &self.skipped
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// What the exchange demands of an order; `None` when tick or minimum make no sense.
#[must_use]
pub fn to_instrument(listing: &PairListing) -> Option<Instrument> {
    Some(Instrument {
        pair: listing.pair.clone(),
        tick_size: Some(listing.tick_size.0).filter(|tick| tick.is_sign_positive() && !tick.is_zero())?,
        price_decimals: listing.price_decimals,
        lot_decimals: listing.lot_decimals,
        order_min: Qty::new(listing.order_min.0).ok()?,
        cost_min: Money(listing.cost_min.map_or(rust_decimal::Decimal::ZERO, |n| n.0)),
    })
}
