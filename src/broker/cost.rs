//! What an order costs beyond its fee: spread, impact, and the shortfall against the price the decision saw.
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

/// Implementation shortfall of one order against the price its decision saw, in the quote currency (Perold 1988, expanded). Positive costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shortfall {
    /// From decision to arrival.
    pub delay: f64,
    /// From arrival to the fills.
    pub execution: f64,
    /// What the unfilled rest missed.
    pub opportunity: f64,
    pub fees: f64,
}

impl Shortfall {
    #[must_use]
    pub fn total(&self) -> f64 {
        self.delay + self.execution + self.opportunity + self.fees
    }
}

/// The three prices an order is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Benchmarks {
    pub decision: f64,
    pub arrival: f64,
    /// When the order was given up or completed.
    pub last: f64,
}

/// Shortfall of `fills` (price, quantity) of an order for `qty`.
#[must_use]
pub fn shortfall(side: Side, prices: Benchmarks, qty: f64, fee_rate: f64, fills: &[(f64, f64)]) -> Shortfall {
    let sign = sign(side);
    let filled: f64 = fills.iter().map(|(_, q)| q).sum();
    let notional: f64 = fills.iter().map(|(p, q)| p * q).sum();
    Shortfall {
        delay: sign * (prices.arrival - prices.decision) * filled,
        execution: sign * (notional - prices.arrival * filled),
        opportunity: sign * (prices.last - prices.decision) * (qty - filled),
        fees: notional * fee_rate,
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
    use serde_json::Value;

    use super::*;

    fn cases(function: &str) -> Vec<Value> {
        let all: Value = serde_json::from_str(include_str!("../../tests/golden/execution.json")).unwrap();
        let cases =
            all["cases"].as_array().unwrap().iter().filter(|c| c["fn"] == function).cloned().collect::<Vec<_>>();
        assert!(!cases.is_empty(), "no golden case for {function}");
        cases
    }

    fn number(value: &Value) -> f64 {
        value.as_f64().unwrap()
    }

    fn levels(value: &Value) -> Vec<(f64, f64)> {
        value.as_array().unwrap().iter().map(|l| (number(&l[0]), number(&l[1]))).collect()
    }

    fn close(case: &Value, output: &str, got: f64) {
        let (expected, tol) = (number(&case["expected"][output]), &case["tol"]);
        let allowed = number(&tol["abs"]) + number(&tol["rel"]) * expected.abs();
        assert!((got - expected).abs() <= allowed, "{} {output}: got {got}, expected {expected}", case["name"]);
    }

    #[test]
    fn impact_matches_the_reference() {
        for case in cases("sqrt_impact_bps") {
            let i = &case["inputs"];
            let y = number(&case["params"]["Y"]);
            let impact =
                sqrt_impact(y, number(&i["daily_sigma"]), number(&i["qty"]), number(&i["daily_volume"])).unwrap();
            close(&case, "impact_bps", impact * 10_000.0);
            close(&case, "total_bps", slippage(number(&i["spread_bps"]), impact).unwrap() * 10_000.0);
        }
    }

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
    fn the_book_is_eaten_as_in_the_reference() {
        for case in cases("book_walk_buy") {
            let p = &case["params"];
            let fee_rate = number(&p["fee_bps"]) / 10_000.0;
            let walk =
                walk_book(Side::Buy, &levels(&case["inputs"]["asks"]), number(&p["qty"]), number(&p["mid"]), fee_rate);
            close(&case, "filled", walk.filled);
            close(&case, "unfilled", walk.unfilled);
            close(&case, "avg_price", walk.average.unwrap());
            close(&case, "slippage_bps", walk.slippage_bps.unwrap());
            close(&case, "fee_quote", walk.fee);
        }
    }

    #[test]
    fn an_empty_book_fills_nothing_and_a_sale_below_mid_costs() {
        let empty = walk_book(Side::Buy, &[], 1.0, 100.0, 0.004);
        assert_eq!((empty.filled, empty.unfilled, empty.average, empty.slippage_bps), (0.0, 1.0, None, None));
        let sale = walk_book(Side::Sell, &[(99.0, 2.0)], 1.0, 100.0, 0.0);
        assert!((sale.slippage_bps.unwrap() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn shortfall_matches_the_reference() {
        for case in cases("implementation_shortfall") {
            let p = &case["params"];
            let side = if number(&p["side"]) > 0.0 { Side::Buy } else { Side::Sell };
            let prices = Benchmarks {
                decision: number(&p["decision_price"]),
                arrival: number(&p["arrival_price"]),
                last: number(&p["final_price"]),
            };
            let qty = number(&p["order_qty"]);
            let fills = levels(&case["inputs"]["fills"]);
            let got = shortfall(side, prices, qty, number(&p["fee_rate"]), &fills);
            close(&case, "delay", got.delay);
            close(&case, "execution", got.execution);
            close(&case, "opportunity", got.opportunity);
            close(&case, "fees", got.fees);
            close(&case, "total", got.total());
            close(&case, "total_bps", got.total() / (prices.decision * qty) * 10_000.0);
        }
    }
}
