//! What an order really cost: implementation shortfall against the price that its decision saw (Perold 1988, expanded).
//!
//! Statistics in `f64`; what is booked is decimal and lives in the ledger.

use crate::domain::Side;

/// Implementation shortfall of one order in the quote currency. Positive costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shortfall {
    /// From decision to arrival.
    pub delay: f64,
    /// From arrival to the fills.
    pub execution: f64,
    /// What the unfilled rest missed.
    pub opportunity: f64,
    pub fees: f64,
    /// What the whole order was worth at the decision.
    pub notional: f64,
}

impl Shortfall {
    #[must_use]
    pub fn total(&self) -> f64 {
        self.delay + self.execution + self.opportunity + self.fees
    }

    /// The total in basis points of the order's worth at the decision; `None` for an order worth nothing.
    #[must_use]
    pub fn total_bps(&self) -> Option<f64> {
        let bps = self.total() / self.notional * 10_000.0;
        (self.notional > 0.0 && bps.is_finite()).then_some(bps)
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
    let sign = match side {
        Side::Buy => 1.0,
        Side::Sell => -1.0,
    };
    let filled: f64 = fills.iter().map(|(_, q)| q).sum();
    let notional: f64 = fills.iter().map(|(p, q)| p * q).sum();
    Shortfall {
        delay: sign * (prices.arrival - prices.decision) * filled,
        execution: sign * (notional - prices.arrival * filled),
        opportunity: sign * (prices.last - prices.decision) * (qty - filled),
        fees: notional * fee_rate,
        notional: prices.decision * qty,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRICES: Benchmarks = Benchmarks { decision: 100.0, arrival: 101.0, last: 103.0 };

    #[test]
    fn what_rises_costs_the_buyer_and_pays_the_seller() {
        let bought = shortfall(Side::Buy, PRICES, 2.0, 0.001, &[(102.0, 1.0)]);
        assert_eq!((bought.delay, bought.execution, bought.opportunity), (1.0, 1.0, 3.0));
        assert!((bought.fees - 0.102).abs() < 1e-12 && (bought.total_bps().unwrap() - 255.1).abs() < 1e-9);
        let sold = shortfall(Side::Sell, PRICES, 2.0, 0.0, &[(102.0, 1.0)]);
        assert_eq!(sold.total(), -5.0);
    }

    #[test]
    fn an_order_never_filled_costs_what_it_missed() {
        let missed = shortfall(Side::Buy, PRICES, 2.0, 0.001, &[]);
        assert_eq!((missed.delay, missed.execution, missed.fees, missed.opportunity), (0.0, 0.0, 0.0, 6.0));
        assert_eq!(shortfall(Side::Buy, PRICES, 0.0, 0.001, &[]).total_bps(), None);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_difference_to_a_perfect_order(
            fills in proptest::collection::vec((90.0_f64..110.0, 0.0_f64..2.0), 0..6), rest in 0.0_f64..5.0,
        ) {
            let filled: f64 = fills.iter().map(|(_, q)| q).sum();
            let paid: f64 = fills.iter().map(|(p, q)| p * q).sum();
            let qty = filled + rest;
            let real = paid * 1.002 + rest * PRICES.last;
            let got = shortfall(Side::Buy, PRICES, qty, 0.002, &fills).total();
            prop_assert!((got - (real - qty * PRICES.decision)).abs() < 1e-9);
        }
    }
}
