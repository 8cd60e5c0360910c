//! The trading engine's rate counter, per account and pair: what each action costs by the age of its order, and its decay.

use rust_decimal::Decimal;

use crate::simulator::protocol::SimNs;

/// Verification level of an account; it sets the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tier {
    #[default]
    Starter,
    Intermediate,
    Pro,
}

impl Tier {
    /// Highest value of the engine counter of one pair (`maxratecount`).
    #[must_use]
    pub const fn max_rate_count(self) -> u32 {
        match self {
            Self::Starter => 60,
            Self::Intermediate => 125,
            Self::Pro => 180,
        }
    }

    /// Thousandths of a point that decay in a second.
    const fn decay_milli(self) -> i128 {
        match self {
            Self::Starter => 1_000,
            Self::Intermediate => 2_340,
            Self::Pro => 3_750,
        }
    }

    /// Open orders that one pair may have.
    #[must_use]
    pub const fn open_orders(self) -> usize {
        match self {
            Self::Starter => 60,
            Self::Intermediate => 80,
            Self::Pro => 225,
        }
    }
}

/// What is done to an order that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    Amend,
    Edit,
    Cancel,
}

impl Touch {
    /// Points that the action costs because its order is young.
    pub const fn penalty(self, age_ns: i64) -> u32 {
        let age = age_ns.div_euclid(1_000_000_000);
        match (self, age) {
            (Self::Amend, ..5) => 3,
            (Self::Amend, 5..10) => 2,
            (Self::Amend, 10..15) => 1,
            (Self::Edit, ..5) => 6,
            (Self::Edit, 5..10) => 5,
            (Self::Edit, 10..15) => 4,
            (Self::Edit, 15..45) => 2,
            (Self::Edit, 45..90) => 1,
            (Self::Cancel, ..5) => 8,
            (Self::Cancel, 5..10) => 6,
            (Self::Cancel, 10..15) => 5,
            (Self::Cancel, 15..45) => 4,
            (Self::Cancel, 45..90) => 2,
            (Self::Cancel, 90..300) => 1,
            _ => 0,
        }
    }

    /// Points that are paid whatever comes of it, in halves.
    pub const fn fixed_halves(self) -> u32 {
        match self {
            Self::Amend | Self::Edit => 2,
            Self::Cancel => 0,
        }
    }
}

const POINT: i128 = 1_000_000_000;

/// One counter, in billionths of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct RateCounter {
    value: i128,
    at: SimNs,
}

impl RateCounter {
    fn decay(&mut self, now: SimNs, tier: Tier) {
        let elapsed = i128::from(now.0.saturating_sub(self.at.0).max(0));
        self.value = (self.value - elapsed * tier.decay_milli() / 1_000).max(0);
        self.at = self.at.max(now);
    }

    /// Charges an action of `fixed_halves` half points and `penalty` points. `false`: it would go above the limit, only the fixed part
    /// was charged. With `force` it may.
    pub fn charge(&mut self, now: SimNs, tier: Tier, fixed_halves: u32, penalty: u32, force: bool) -> bool {
        self.decay(now, tier);
        let max = i128::from(tier.max_rate_count()) * POINT;
        let fixed = i128::from(fixed_halves) * POINT / 2;
        let wanted = self.value + fixed + i128::from(penalty) * POINT;
        if wanted <= max || force {
            self.value = wanted;
            return true;
        }
        self.value = self.value.max(max.min(self.value + fixed));
        false
    }

    /// The counter's value now.
    pub fn value(mut self, now: SimNs, tier: Tier) -> Decimal {
        self.decay(now, tier);
        Decimal::try_from_i128_with_scale(self.value, 9).unwrap_or(Decimal::MAX).normalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    const fn s(seconds: i64) -> SimNs {
        SimNs(seconds * 1_000_000_000)
    }

    #[test]
    fn penalties_follow_the_published_table() {
        let ages = [0, 4, 5, 9, 10, 14, 15, 44, 45, 89, 90, 299, 300];
        let row = |t: Touch| ages.map(|a| t.penalty(a * 1_000_000_000 + 999_999_999));
        assert_eq!(row(Touch::Amend), [3, 3, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(row(Touch::Edit), [6, 6, 5, 5, 4, 4, 2, 2, 1, 1, 0, 0, 0]);
        assert_eq!(row(Touch::Cancel), [8, 8, 6, 6, 5, 5, 4, 4, 2, 2, 1, 1, 0]);
    }

    /// The example of the documentation: add, amend at 7 s, cancel 36 s later, 8 points before decay.
    #[test]
    fn the_documented_example_totals_eight_before_decay() {
        let amend = Touch::Amend.fixed_halves() / 2 + Touch::Amend.penalty(7_000_000_000);
        let cancel = Touch::Cancel.fixed_halves() / 2 + Touch::Cancel.penalty(36_000_000_000);
        assert_eq!(1 + amend + cancel, 8);
    }

    #[test]
    fn the_counter_decays_by_tier_and_stops_at_its_limit() {
        let mut c = RateCounter::default();
        for _ in 0..60 {
            assert!(c.charge(s(0), Tier::Starter, 2, 0, false));
        }
        assert!(!c.charge(s(0), Tier::Starter, 2, 0, false));
        assert_eq!(c.value(s(0), Tier::Starter), dec!(60));
        assert!(c.charge(s(1), Tier::Starter, 2, 0, false));
        assert!(!c.charge(s(1), Tier::Starter, 0, 8, false), "a cancel is refused");
        assert!(c.charge(s(1), Tier::Starter, 0, 8, true), "a batch cancel is not");
        assert_eq!(c.value(s(1), Tier::Starter), dec!(68));
        assert_eq!(c.value(s(11), Tier::Starter), dec!(58));
        let mut pro = RateCounter::default();
        assert!(pro.charge(s(0), Tier::Pro, 20, 0, false));
        assert_eq!(pro.value(s(2), Tier::Pro), dec!(2.5));
    }
}
