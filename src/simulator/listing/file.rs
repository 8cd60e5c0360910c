//! The committed file, and the checks it must pass.

use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{AssetInfo, FeeTable, Listing, PairInfo, PairStatus};

/// Why a listing cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    #[error("the listing is not readable: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the listing is wrong: {0}")]
    Wrong(String),
}

#[derive(Deserialize)]
struct File {
    taken: String,
    fees: Vec<FeeRow>,
    assets: Vec<AssetRow>,
    pairs: Vec<PairRow>,
}

#[derive(Deserialize)]
struct FeeRow {
    from: Decimal,
    maker: Decimal,
    taker: Decimal,
}

#[derive(Deserialize)]
struct AssetRow {
    id: String,
    alt: String,
    v2: String,
    decimals: u32,
    display: u32,
    status: String,
    borrowable: bool,
    collateral: Decimal,
    rate: Option<Decimal>,
}

#[derive(Deserialize)]
struct PairRow {
    id: String,
    alt: String,
    ws: String,
    v2: String,
    base: String,
    quote: String,
    status: String,
    price: u32,
    lot: u32,
    cost: u32,
    tick: Decimal,
    min: Decimal,
    cost_min: Decimal,
    marginable: bool,
    index: bool,
    margin: Option<Decimal>,
    long: Option<u64>,
    short: Option<u64>,
}

impl Listing {
    /// The listing that the program carries.
    ///
    /// # Errors
    /// Never for a released program: a test reads the same text.
    pub fn bundled() -> Result<Self, ListingError> {
        Self::from_json(include_str!("../../../data/exchange/listing.json"))
    }

    /// Reads the format of `data/exchange/listing.json`.
    ///
    /// # Errors
    /// When the text is no such file, names clash, or a number makes no sense.
    pub fn from_json(text: &str) -> Result<Self, ListingError> {
        let file: File = serde_json::from_str(text)?;
        let fees = Arc::new(FeeTable {
            taker: file.fees.iter().map(|f| (f.from, f.taker)).collect(),
            maker: file.fees.iter().map(|f| (f.from, f.maker)).collect(),
        });
        if fees.taker.first().is_none_or(|t| !t.0.is_zero()) || !fees.taker.is_sorted_by_key(|t| t.0) {
            return Err(ListingError::Wrong("the fee table does not start at volume 0 or is not sorted".to_owned()));
        }
        let assets = file.assets.into_iter().map(asset).collect();
        let pairs = file.pairs.into_iter().map(|row| pair(row, &fees)).collect::<Result<_, _>>()?;
        Self::build(file.taken, assets, pairs)
    }

    /// Checks names and numbers and makes the lookups.
    pub(super) fn build(taken: String, assets: Vec<AssetInfo>, pairs: Vec<PairInfo>) -> Result<Self, ListingError> {
        let mut asset_names = HashMap::new();
        for (index, asset) in assets.iter().enumerate() {
            for name in [&asset.id, &asset.altname, &asset.v2] {
                claim(&mut asset_names, name, index)?;
            }
        }
        let mut pair_names = HashMap::new();
        for (index, pair) in pairs.iter().enumerate() {
            for name in [&pair.id, &pair.altname, &pair.wsname, &*pair.symbol] {
                claim(&mut pair_names, name, index)?;
            }
            check(pair, &asset_names)?;
        }
        Ok(Self { taken, assets, pairs, pair_names, asset_names })
    }
}

fn asset(row: AssetRow) -> AssetInfo {
    AssetInfo {
        id: row.id,
        altname: row.alt,
        v2: row.v2,
        decimals: row.decimals,
        display_decimals: row.display,
        status: row.status,
        borrowable: row.borrowable,
        collateral_value: row.collateral,
        margin_rate: row.rate,
    }
}

fn pair(row: PairRow, fees: &Arc<FeeTable>) -> Result<PairInfo, ListingError> {
    let wrong = |what: &str| ListingError::Wrong(format!("{}: {what}", row.v2));
    let (base_v2, quote_v2) = row.v2.split_once('/').ok_or_else(|| wrong("the symbol has no slash"))?;
    let status = PairStatus::from_name(&row.status).ok_or_else(|| wrong("unknown status"))?;
    Ok(PairInfo {
        base_v2: base_v2.to_owned(),
        quote_v2: quote_v2.to_owned(),
        symbol: row.v2.as_str().into(),
        id: row.id,
        altname: row.alt,
        wsname: row.ws,
        base: row.base,
        quote: row.quote,
        status,
        pair_decimals: row.price,
        lot_decimals: row.lot,
        cost_decimals: row.cost,
        tick_size: row.tick,
        ordermin: row.min,
        costmin: row.cost_min,
        marginable: row.marginable,
        has_index: row.index,
        margin_initial: row.margin,
        position_limit_long: row.long,
        position_limit_short: row.short,
        fees: Arc::clone(fees),
        invented: false,
    })
}

/// One name belongs to one thing. Names go into JSON texts as they are, so they hold nothing that would need an escape.
fn claim(names: &mut HashMap<String, usize>, name: &str, index: usize) -> Result<(), ListingError> {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\' && c != ',');
    if !plain {
        return Err(ListingError::Wrong(format!("{name:?} is no name")));
    }
    match names.insert(name.to_owned(), index) {
        Some(other) if other != index => Err(ListingError::Wrong(format!("{name} is the name of two things"))),
        _ => Ok(()),
    }
}

fn check(pair: &PairInfo, assets: &HashMap<String, usize>) -> Result<(), ListingError> {
    let wrong = |what: &str| Err(ListingError::Wrong(format!("{}: {what}", pair.symbol)));
    if pair.tick_size <= Decimal::ZERO || pair.tick_size.normalize().scale() > pair.pair_decimals {
        return wrong("the tick is not on the grid of the price decimals");
    }
    if pair.ordermin <= Decimal::ZERO
        || pair.ordermin.normalize().scale() > pair.lot_decimals
        || pair.costmin < Decimal::ZERO
    {
        return wrong("a minimum is not positive or finer than a lot");
    }
    if pair.pair_decimals > 12 || pair.lot_decimals > 12 || pair.cost_decimals > 15 {
        return wrong("more decimals than any pair has");
    }
    for (id, v2) in [(&pair.base, &pair.base_v2), (&pair.quote, &pair.quote_v2)] {
        if assets.get(id).is_none() || assets.get(id) != assets.get(v2) {
            return wrong("base or quote is no listed asset");
        }
    }
    Ok(())
}
