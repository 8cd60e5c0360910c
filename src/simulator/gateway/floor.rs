//! The market as the desk sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::simulator::desk::{AssetSpec, FeeSchedule, Mode, PairSpec, Venue};
use crate::simulator::listing::{Listing, PairInfo, PairStatus};
use crate::simulator::market::Market;
use crate::simulator::protocol::{Side, Symbol};

/// Every pair as orders are checked against it, by v2 symbol.
pub(super) type Specs = BTreeMap<Symbol, Arc<PairSpec>>;

/// The market lent to the desk for one call.
pub(super) struct Floor<'a> {
    pub market: &'a mut Market,
    pub specs: &'a Specs,
    pub system: Mode,
}

/// The numbers of every listed pair whose assets are listed too.
pub(super) fn specs(listing: &Listing) -> Specs {
    listing.pairs().iter().filter_map(|pair| Some((pair.symbol.clone(), Arc::new(spec(listing, pair)?)))).collect()
}

fn spec(listing: &Listing, pair: &PairInfo) -> Option<PairSpec> {
    Some(PairSpec {
        symbol: pair.symbol.clone(),
        id: pair.id.clone(),
        altname: pair.altname.clone(),
        base: asset(listing, &pair.base)?,
        quote: asset(listing, &pair.quote)?,
        price_decimals: pair.pair_decimals,
        lot_decimals: pair.lot_decimals,
        cost_decimals: pair.cost_decimals,
        tick: pair.tick_size,
        min_qty: pair.ordermin,
        min_cost: pair.costmin,
        fees: FeeSchedule { taker: pair.fees.taker.clone(), maker: pair.fees.maker.clone() },
    })
}

fn asset(listing: &Listing, name: &str) -> Option<AssetSpec> {
    let info = listing.find_asset(name)?;
    Some(AssetSpec {
        id: info.id.clone(),
        altname: info.altname.clone(),
        name: info.v2.clone(),
        decimals: info.decimals,
    })
}

/// The mode of a status word; what nobody trades on counts as maintenance.
pub(super) const fn mode(status: PairStatus) -> Mode {
    match status {
        PairStatus::Online => Mode::Online,
        PairStatus::CancelOnly => Mode::CancelOnly,
        PairStatus::PostOnly => Mode::PostOnly,
        PairStatus::LimitOnly => Mode::LimitOnly,
        PairStatus::ReduceOnly => Mode::ReduceOnly,
        PairStatus::Maintenance | PairStatus::Delisted | PairStatus::WorkInProgress => Mode::Maintenance,
    }
}

impl Venue for Floor<'_> {
    fn pair(&self, name: &str) -> Option<Arc<PairSpec>> {
        self.specs.get(&self.market.listing().find(name)?.symbol).cloned()
    }

    fn asset(&self, name: &str) -> Option<AssetSpec> {
        asset(self.market.listing(), name)
    }

    fn levels(&self, symbol: &str, side: Side) -> Vec<(Decimal, Decimal)> {
        self.market.external_levels(symbol, side).collect()
    }

    fn consume(&mut self, symbol: &str, side: Side, price: Decimal, qty: Decimal) -> Decimal {
        self.market.consume(symbol, side, price, qty)
    }

    fn last_price(&self, symbol: &str) -> Option<Decimal> {
        self.market.last_price(symbol)
    }

    fn pair_status(&self, symbol: &str) -> Mode {
        self.market.pair_status(symbol).map_or(Mode::Maintenance, mode)
    }

    fn system_status(&self) -> Mode {
        self.system
    }
}
