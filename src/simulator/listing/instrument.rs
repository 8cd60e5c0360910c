//! The frames of the `instrument` channel, keys in the order of a recorded snapshot.

use std::fmt::Write as _;

use super::{AssetInfo, Listing, PairInfo, PairStatus};

impl Listing {
    /// Everything; `status` gives the state of the pair at that place of the listing.
    #[must_use]
    pub fn instrument_snapshot(&self, status: impl Fn(usize) -> PairStatus) -> String {
        let mut text = String::with_capacity(self.pairs.len().saturating_mul(380).saturating_add(40_000));
        text.push_str(r#"{"channel":"instrument","type":"snapshot","data":{"assets":["#);
        for (index, asset) in self.assets.iter().enumerate() {
            comma(&mut text, index);
            write_asset(&mut text, asset);
        }
        text.push_str(r#"],"pairs":["#);
        for (index, pair) in self.pairs.iter().enumerate() {
            comma(&mut text, index);
            write_pair(&mut text, pair, status(index));
        }
        text.push_str("]}}");
        text
    }

    /// One pair whose state changed.
    #[must_use]
    pub fn instrument_update(pair: &PairInfo, status: PairStatus) -> String {
        let mut text = String::with_capacity(512);
        text.push_str(r#"{"channel":"instrument","type":"update","data":{"assets":[],"pairs":["#);
        write_pair(&mut text, pair, status);
        text.push_str("]}}");
        text
    }
}

fn comma(text: &mut String, index: usize) {
    if index > 0 {
        text.push(',');
    }
}

/// Writing to a `String` cannot fail, so the results of `write!` say nothing.
fn write_asset(text: &mut String, asset: &AssetInfo) {
    let _ = write!(
        text,
        r#"{{"id":"{}","status":"{}","precision":{},"precision_display":{},"borrowable":{},"collateral_value":{}"#,
        asset.v2,
        asset.status,
        asset.decimals,
        asset.display_decimals,
        asset.borrowable,
        asset.collateral_value.normalize()
    );
    if let Some(rate) = asset.margin_rate {
        let _ = write!(text, r#","margin_rate":{}"#, rate.normalize());
    }
    text.push('}');
}

fn write_pair(text: &mut String, pair: &PairInfo, status: PairStatus) {
    let _ = write!(
        text,
        r#"{{"symbol":"{}","base":"{}","quote":"{}","status":"{}","qty_precision":{},"qty_increment":{},"price_precision":{},"cost_precision":{},"marginable":{},"has_index":{},"cost_min":{}"#,
        pair.symbol,
        pair.base_v2,
        pair.quote_v2,
        status.as_str(),
        pair.lot_decimals,
        rust_decimal::Decimal::new(1, pair.lot_decimals),
        pair.pair_decimals,
        pair.cost_decimals,
        pair.marginable,
        pair.has_index,
        pair.costmin.normalize()
    );
    if let (Some(margin), Some(long), Some(short)) =
        (pair.margin_initial, pair.position_limit_long, pair.position_limit_short)
    {
        let _ = write!(
            text,
            r#","margin_initial":{},"position_limit_long":{long},"position_limit_short":{short}"#,
            margin.normalize()
        );
    }
    let tick = pair.tick_size.normalize();
    let _ = write!(text, r#","tick_size":{tick},"price_increment":{tick},"qty_min":{}}}"#, pair.ordermin.normalize());
}
