//! Numbers of pairs as a recording has them.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{AssetInfo, Listing, ListingError, PairInfo, PairStatus};
use crate::simulator::protocol::Symbol;

/// Decimals of an asset's ledger where no recording tells them.
const LEDGER_DECIMALS: u32 = 10;
const SHOWN_DECIMALS: u32 = 5;
/// Decimals of a cost where no recording tells them.
const COST_DECIMALS: u32 = 5;

/// What a recorded `instrument` frame says of one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedPair {
    pub symbol: Symbol,
    pub price_decimals: u32,
    pub tick_size: Decimal,
    pub lot_decimals: u32,
    pub ordermin: Decimal,
    pub cost_decimals: Option<u32>,
    pub costmin: Option<Decimal>,
}

impl Listing {
    /// This listing with recorded numbers in the place of its own, and with recorded pairs that it lacks: recorded prices lie on the grid of
    /// their day. Names of new pairs are made by Kraken's two renames (BTC is XBT, DOGE is XDG in REST).
    ///
    /// # Errors
    /// [`ListingError`] when a number makes no sense or a name is no name.
    pub fn with_recorded(&self, recorded: &[RecordedPair]) -> Result<Self, ListingError> {
        let mut grown = self.clone();
        for new in recorded {
            match self.index_of(&new.symbol).and_then(|place| grown.pairs.get_mut(place)) {
                Some(pair) => new.write_into(pair),
                None => grown.append(new)?,
            }
        }
        Self::build(grown.taken, grown.assets, grown.pairs)
    }

    fn append(&mut self, new: &RecordedPair) -> Result<(), ListingError> {
        let wrong = |what: &str| ListingError::Wrong(format!("{}: {what}", new.symbol));
        let (base, quote) = new.symbol.split_once('/').ok_or_else(|| wrong("the symbol has no slash"))?;
        let fees = self.pairs.first().map(|pair| Arc::clone(&pair.fees)).ok_or_else(|| wrong("there are no fees"))?;
        let [base_id, quote_id] = [base, quote].map(|name| self.asset_id(name));
        let (old_base, old_quote) = (rest_name(base), rest_name(quote));
        let mut pair = PairInfo {
            id: format!("{old_base}{old_quote}"),
            altname: format!("{old_base}{old_quote}"),
            wsname: format!("{old_base}/{old_quote}"),
            symbol: Arc::clone(&new.symbol),
            base: base_id,
            quote: quote_id,
            base_v2: base.to_owned(),
            quote_v2: quote.to_owned(),
            status: PairStatus::Online,
            pair_decimals: new.price_decimals,
            lot_decimals: new.lot_decimals,
            cost_decimals: COST_DECIMALS,
            tick_size: new.tick_size,
            ordermin: new.ordermin,
            costmin: Decimal::ZERO,
            marginable: false,
            has_index: false,
            margin_initial: None,
            position_limit_long: None,
            position_limit_short: None,
            fees,
            invented: false,
        };
        new.write_into(&mut pair);
        self.pairs.push(pair);
        Ok(())
    }

    /// Id of the asset with that v2 name; a new asset is listed under its own name.
    fn asset_id(&mut self, v2: &str) -> String {
        if let Some(asset) = self.assets.iter().find(|asset| asset.v2 == v2) {
            return asset.id.clone();
        }
        self.assets.push(AssetInfo {
            id: v2.to_owned(),
            altname: v2.to_owned(),
            v2: v2.to_owned(),
            decimals: LEDGER_DECIMALS,
            display_decimals: SHOWN_DECIMALS,
            status: "enabled".to_owned(),
            borrowable: false,
            collateral_value: Decimal::ZERO,
            margin_rate: None,
        });
        v2.to_owned()
    }
}

impl RecordedPair {
    fn write_into(&self, pair: &mut PairInfo) {
        pair.pair_decimals = self.price_decimals;
        pair.tick_size = self.tick_size;
        pair.lot_decimals = self.lot_decimals;
        pair.ordermin = self.ordermin;
        pair.cost_decimals = self.cost_decimals.unwrap_or(pair.cost_decimals);
        pair.costmin = self.costmin.unwrap_or(pair.costmin);
    }
}

fn rest_name(v2: &str) -> &str {
    match v2 {
        "BTC" => "XBT",
        "DOGE" => "XDG",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    fn recorded(symbol: &str) -> RecordedPair {
        RecordedPair {
            symbol: symbol.into(),
            price_decimals: 2,
            tick_size: dec!(0.05),
            lot_decimals: 6,
            ordermin: dec!(0.001),
            cost_decimals: None,
            costmin: Some(dec!(0.5)),
        }
    }

    #[test]
    fn recorded_numbers_replace_listed_ones_and_new_pairs_are_added() {
        let listed = Listing::bundled().unwrap();
        let grown = listed.with_recorded(&[recorded("BTC/USD"), recorded("NEWCOIN/BTC")]).unwrap();
        assert_eq!(grown.pairs().len(), listed.pairs().len() + 1);
        let btc = grown.by_symbol("BTC/USD").unwrap();
        assert_eq!(
            (btc.id.as_str(), btc.tick_size, btc.pair_decimals, btc.lot_decimals),
            ("XXBTZUSD", dec!(0.05), 2, 6)
        );
        let new = grown.by_symbol("NEWCOIN/BTC").unwrap();
        assert_eq!(
            (new.altname.as_str(), new.wsname.as_str(), new.quote.as_str()),
            ("NEWCOINXBT", "NEWCOIN/XBT", "XXBT")
        );
        assert!(grown.find_asset("NEWCOIN").is_some());
        // the others stay as they are
        assert_eq!(grown.by_symbol("ETH/USD"), listed.by_symbol("ETH/USD"));
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        let listed = Listing::bundled().unwrap();
        let finer = RecordedPair { tick_size: dec!(0.001), ..recorded("BTC/USD") };
        for wrong in [finer, RecordedPair { ordermin: Decimal::ZERO, ..recorded("NEW/USD") }, recorded("NEW")] {
            assert!(listed.with_recorded(&[wrong]).is_err());
        }
    }
}
