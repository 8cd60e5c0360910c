//! What an order costs beyond its fee: spread and impact.
//!
//! Estimates in `f64`; what is booked is decimal and lives in the ledger.

use crate::domain::Side;

/// Square-root impact of an order, as a share of the price: `Y · σ_day · √(Q / V_day)`.
///
/// `sigma_day` is the daily volatility as a share, `qty` and `volume_day` are base units. `None` without a positive
/// daily volume or with anything negative or not finite: an unknown cost is not a cost of zero.
/// Source: Almgren et al. 2005; for Bitcoin, Donier & Bonart 2015.
#[must_use]
pub fn sqrt_impact(y: f64, sigma_day: f64, qty: f64, volume_day: f64) -> Option<f64> {
    let usable = y >= 0.0 && sigma_day >= 0.0 && qty >= 0.0 && volume_day > 0.0;
    let impact = y * sigma_day * (qty / volume_day).sqrt();
    (usable && impact.is_finite()).then_some(impact)
}

/// Distance of a market order's price from the mid, as a share: half the spread plus [`sqrt_impact`].
#[must_use]
pub fn slippage(spread_bps: f64, impact: f64) -> Option<f64> {
    let share = spread_bps / 20_000.0 + impact;
    (share.is_finite() && share >= 0.0).then_some(share)
}

/// What came of eating a book from the touch on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BookWalk {
    pub filled: f64,
    pub unfilled: f64,
    /// Volume-weighted price; `None` when nothing was filled.
    pub average: Option<f64>,
    /// Distance of the average from the mid in basis points, positive when it costs.
    pub slippage_bps: Option<f64>,
    /// In the quote currency.
    pub fee: f64,
}

/// Fills `qty` from `levels` (price, quantity; best first) and no further than the visible book.
#[must_use]
pub fn walk_book(side: Side, levels: &[(f64, f64)], qty: f64, mid: f64, fee_rate: f64) -> BookWalk {
    let mut rest = qty;
    let mut paid = 0.0;
    for &(price, size) in levels {
        let take = rest.min(size);
        if take <= 0.0 {
            break;
        }
        paid += take * price;
        rest -= take;
    }
    let filled = qty - rest;
    let average = (filled > 0.0).then(|| paid / filled);
    let sign = sign(side);
    BookWalk {
        filled,
        unfilled: rest,
        average,
        slippage_bps: average.map(|price| sign * (price / mid - 1.0) * 10_000.0),
        fee: paid * fee_rate,
    }
}

const fn sign(side: Side) -> f64 {
    match side {
        Side::Buy => 1.0,
        Side::Sell => -1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_cost_is_none() {
        for (y, sigma, qty, volume) in [
            (1.0, 0.03, 1.0, 0.0),
            (1.0, 0.03, 1.0, -5.0),
            (1.0, f64::NAN, 1.0, 5.0),
            (1.0, 0.03, -1.0, 5.0),
            (f64::INFINITY, 0.03, 1.0, 5.0),
        ] {
            assert_eq!(sqrt_impact(y, sigma, qty, volume), None);
        }
        assert_eq!(slippage(f64::NAN, 0.001), None);
        assert_eq!(sqrt_impact(1.0, 0.0, 1.0, 5.0), Some(0.0));
    }

    #[test]
    fn an_empty_book_fills_nothing_and_a_sale_below_mid_costs() {
        let empty = walk_book(Side::Buy, &[], 1.0, 100.0, 0.004);
        assert_eq!((empty.filled, empty.unfilled, empty.average, empty.slippage_bps), (0.0, 1.0, None, None));
        let sale = walk_book(Side::Sell, &[(99.0, 2.0)], 1.0, 100.0, 0.0);
        assert!((sale.slippage_bps.unwrap() - 100.0).abs() < 1e-9);
    }
}
