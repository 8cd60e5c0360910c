//! Fee tiers by 30-day volume, and the rounding of charges.

use rust_decimal::Decimal;

use super::numbers::{Calc, round_half_up};

/// Percent of cost by 30-day volume in US dollars, for both sides of a trade. Steps rise by volume; the first starts at 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeSchedule {
    /// `(volume from, percent)` for the taker.
    pub taker: Vec<(Decimal, Decimal)>,
    /// The same for the maker; empty means that makers pay what takers pay.
    pub maker: Vec<(Decimal, Decimal)>,
}

/// A step of a schedule with its neighbours, as TradeVolume reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeStep {
    pub fee: Decimal,
    pub lowest: Decimal,
    pub highest: Decimal,
    pub from: Decimal,
    /// Fee and volume of the next step.
    pub next: Option<(Decimal, Decimal)>,
}

/// Volume in dollars, maker and taker in basis points, in force since 2026-07-09.
const JULY_2026: [(u32, u32, u32); 17] = [
    (0, 40, 80),
    (2_500, 30, 60),
    (10_000, 22, 38),
    (25_000, 20, 35),
    (50_000, 15, 30),
    (100_000, 12, 25),
    (250_000, 10, 22),
    (500_000, 8, 20),
    (1_000_000, 6, 18),
    (2_500_000, 4, 15),
    (5_000_000, 2, 12),
    (10_000_000, 0, 10),
    (50_000_000, 0, 9),
    (100_000_000, 0, 8),
    (250_000_000, 0, 7),
    (400_000_000, 0, 6),
    (500_000_000, 0, 5),
];

impl FeeSchedule {
    /// The table that Kraken put in force on 2026-07-09.
    #[must_use]
    pub fn july_2026() -> Self {
        let step = |from: u32, points: u32| (Decimal::from(from), Decimal::new(i64::from(points), 2));
        Self {
            taker: JULY_2026.iter().map(|(from, _, taker)| step(*from, *taker)).collect(),
            maker: JULY_2026.iter().map(|(from, maker, _)| step(*from, *maker)).collect(),
        }
    }

    /// Percent that a trade costs at this 30-day volume.
    #[must_use]
    pub fn percent(&self, volume: Decimal, maker: bool) -> Decimal {
        self.step(volume, maker).fee
    }

    /// The higher of both sides' percentages at this volume: what a hold must cover.
    #[must_use]
    pub fn worst(&self, volume: Decimal) -> Decimal {
        self.percent(volume, false).max(self.percent(volume, true))
    }

    #[must_use]
    pub fn step(&self, volume: Decimal, maker: bool) -> FeeStep {
        let steps = if maker && !self.maker.is_empty() { &self.maker } else { &self.taker };
        let (from, fee) = steps.iter().rev().find(|(from, _)| *from <= volume).copied().unwrap_or_default();
        let fees = || steps.iter().map(|(_, fee)| *fee);
        FeeStep {
            fee,
            lowest: fees().min().unwrap_or_default(),
            highest: fees().max().unwrap_or_default(),
            from,
            next: steps.iter().find(|(next, _)| *next > volume).map(|(next, fee)| (*fee, *next)),
        }
    }
}

/// `percent` of `amount`, rounded half up at `decimals`.
pub(super) fn charge(amount: Decimal, percent: Decimal, decimals: u32) -> Decimal {
    round_half_up(share(amount, percent), decimals)
}

/// `percent` of `amount`, exactly.
pub(super) fn share(amount: Decimal, percent: Decimal) -> Decimal {
    amount.times(percent).times(Decimal::new(1, 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn tiers_start_at_their_volume() {
        let fees = FeeSchedule::july_2026();
        for (volume, maker, taker) in [
            (dec!(0), dec!(0.40), dec!(0.80)),
            (dec!(2499.99), dec!(0.40), dec!(0.80)),
            (dec!(2500), dec!(0.30), dec!(0.60)),
            (dec!(60000), dec!(0.15), dec!(0.30)),
            (dec!(10000000), dec!(0), dec!(0.10)),
            (dec!(900000000), dec!(0), dec!(0.05)),
        ] {
            assert_eq!((fees.percent(volume, true), fees.percent(volume, false)), (maker, taker), "{volume}");
        }
        let step = fees.step(dec!(2500), false);
        assert_eq!((step.lowest, step.highest, step.from), (dec!(0.05), dec!(0.80), dec!(2500)));
        assert_eq!(step.next, Some((dec!(0.38), dec!(10000))));
        assert_eq!(fees.step(dec!(500000000), false).next, None);
    }

    #[test]
    fn makers_without_a_table_pay_the_takers_fee() {
        let fees = FeeSchedule { taker: vec![(dec!(0), dec!(0.2))], maker: Vec::new() };
        assert_eq!(fees.percent(dec!(5), true), dec!(0.2));
    }

    #[test]
    fn charges_round_half_up() {
        assert_eq!(charge(dec!(1.25), dec!(0.80), 5), dec!(0.01));
        assert_eq!(charge(dec!(0.00125), dec!(0.40), 5), dec!(0.00001));
        assert_eq!(charge(dec!(0.001249), dec!(0.40), 5), dec!(0));
    }
}
