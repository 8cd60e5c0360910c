//! What Kraken charges for spot trades, by date and by 30-day volume.
//!
//! Shares of the notional: `0.0040` is 0.40 %. Three schedules are known to us:
//!
//! - from 2026-07-09: all tiers, maker and taker;
//! - from 2024-01-01: 0.25 % / 0.40 %, the lowest tier; its discounts for volume are not known to us, so none is given;
//! - before: 0.16 % / 0.26 %, the lowest tier, likewise.
//!
//! The day on which 0.16/0.26 became 0.25/0.40 is not known to us. The dearer schedule is taken from 2024-01-01 on, so a
//! result around that change errs on the costly side.

use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy, dec};
use serde::{Deserialize, Serialize};

use crate::domain::settings::PaperSettings;
use crate::domain::{Liquidity, Money, UtcMs};

/// Decimals of a charged fee.
pub const FEE_DECIMALS: u32 = 5;

/// Shares of the notional that one fill costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeRates {
    pub maker: Decimal,
    pub taker: Decimal,
}

impl FeeRates {
    const fn new(maker: Decimal, taker: Decimal) -> Self {
        Self { maker, taker }
    }

    #[must_use]
    pub const fn of(self, liquidity: Liquidity) -> Decimal {
        match liquidity {
            Liquidity::Maker => self.maker,
            Liquidity::Taker => self.taker,
        }
    }
}

/// Rates from a 30-day volume in USD on.
type Tier = (Decimal, FeeRates);

/// 2026-07-09T00:00:00Z.
const FROM_2026: UtcMs = UtcMs(1_783_555_200_000);
/// 2024-01-01T00:00:00Z.
const FROM_2024: UtcMs = UtcMs(1_704_067_200_000);

const TIERS_2026: [Tier; 17] = [
    (dec!(0), FeeRates::new(dec!(0.0040), dec!(0.0080))),
    (dec!(2_500), FeeRates::new(dec!(0.0030), dec!(0.0060))),
    (dec!(10_000), FeeRates::new(dec!(0.0022), dec!(0.0038))),
    (dec!(25_000), FeeRates::new(dec!(0.0020), dec!(0.0035))),
    (dec!(50_000), FeeRates::new(dec!(0.0015), dec!(0.0030))),
    (dec!(100_000), FeeRates::new(dec!(0.0012), dec!(0.0025))),
    (dec!(250_000), FeeRates::new(dec!(0.0010), dec!(0.0022))),
    (dec!(500_000), FeeRates::new(dec!(0.0008), dec!(0.0020))),
    (dec!(1_000_000), FeeRates::new(dec!(0.0006), dec!(0.0018))),
    (dec!(2_500_000), FeeRates::new(dec!(0.0004), dec!(0.0015))),
    (dec!(5_000_000), FeeRates::new(dec!(0.0002), dec!(0.0012))),
    (dec!(10_000_000), FeeRates::new(dec!(0), dec!(0.0010))),
    (dec!(50_000_000), FeeRates::new(dec!(0), dec!(0.0009))),
    (dec!(100_000_000), FeeRates::new(dec!(0), dec!(0.0008))),
    (dec!(250_000_000), FeeRates::new(dec!(0), dec!(0.0007))),
    (dec!(400_000_000), FeeRates::new(dec!(0), dec!(0.0006))),
    (dec!(500_000_000), FeeRates::new(dec!(0), dec!(0.0005))),
];
const RATES_2024: FeeRates = FeeRates::new(dec!(0.0025), dec!(0.0040));
const RATES_EARLIER: FeeRates = FeeRates::new(dec!(0.0016), dec!(0.0026));

/// Kraken's dated spot fees, with the overrides and the assumed spread of the paper settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeeSchedule {
    maker: Option<Decimal>,
    taker: Option<Decimal>,
    /// Assumed full spread in basis points.
    spread_bps: f64,
}

impl FeeSchedule {
    /// What Kraken charged at the time, with the default assumed spread.
    #[must_use]
    pub fn kraken() -> Self {
        Self::with_settings(&PaperSettings::default())
    }

    /// The same with the overrides of the settings, which the `config` room has range-checked.
    #[must_use]
    pub fn with_settings(settings: &PaperSettings) -> Self {
        Self {
            maker: settings.maker_fee.and_then(Decimal::from_f64),
            taker: settings.taker_fee.and_then(Decimal::from_f64),
            spread_bps: settings.spread_bps,
        }
    }

    /// Rates at `at` for an account that traded `volume_30d` (quote currency, taken as USD) in the 30 days before.
    #[must_use]
    pub fn rates(&self, at: UtcMs, volume_30d: Money) -> FeeRates {
        let charged = charged(at, volume_30d);
        FeeRates { maker: self.maker.unwrap_or(charged.maker), taker: self.taker.unwrap_or(charged.taker) }
    }

    /// Cost of entering and leaving at the market in the lowest tier, as a share of the notional: two taker fees and
    /// one full spread. Impact comes on top; it depends on the size.
    #[must_use]
    pub fn round_trip(&self, at: UtcMs) -> f64 {
        let taker = self.rates(at, Money::ZERO).taker.to_f64().unwrap_or(f64::INFINITY);
        2.0 * taker + self.spread_bps / 10_000.0
    }
}

fn charged(at: UtcMs, volume_30d: Money) -> FeeRates {
    if at < FROM_2024 {
        RATES_EARLIER
    } else if at < FROM_2026 {
        RATES_2024
    } else {
        let [(_, lowest), ..] = TIERS_2026;
        TIERS_2026.iter().rev().find(|(from, _)| volume_30d.0 >= *from).map_or(lowest, |(_, rates)| *rates)
    }
}

/// The fee on `notional` at `rate`, rounded half up to [`FEE_DECIMALS`].
#[must_use]
pub fn fee(notional: Money, rate: Decimal) -> Money {
    let exact = notional.scaled(rate).0;
    Money(exact.round_dp_with_strategy(FEE_DECIMALS, RoundingStrategy::MidpointAwayFromZero))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcMs {
        UtcMs::parse(text).unwrap()
    }

    #[test]
    fn each_date_has_its_schedule() {
        let schedule = FeeSchedule::kraken();
        for (when, volume, maker, taker) in [
            ("2023-12-31T23:59:59Z", 0, "0.0016", "0.0026"),
            ("2024-01-01T00:00:00Z", 0, "0.0025", "0.0040"),
            ("2024-07-17T00:00:00Z", 5_000_000, "0.0025", "0.0040"),
            ("2026-07-08T23:59:59Z", 0, "0.0025", "0.0040"),
            ("2026-07-09T00:00:00Z", 0, "0.0040", "0.0080"),
            ("2026-07-09T00:00:00Z", 2_499, "0.0040", "0.0080"),
            ("2026-07-09T00:00:00Z", 2_500, "0.0030", "0.0060"),
            ("2026-07-09T00:00:00Z", 99_999, "0.0015", "0.0030"),
            ("2027-01-01T00:00:00Z", 10_000_000, "0", "0.0010"),
            ("2027-01-01T00:00:00Z", 900_000_000, "0", "0.0005"),
        ] {
            let rates = schedule.rates(at(when), Money(volume.into()));
            assert_eq!(rates, FeeRates::new(maker.parse().unwrap(), taker.parse().unwrap()), "{when} {volume}");
        }
    }

    #[test]
    fn more_volume_never_costs_more() {
        for pair in TIERS_2026.windows(2) {
            assert!(pair[0].0 < pair[1].0);
            assert!(pair[0].1.maker >= pair[1].1.maker && pair[0].1.taker > pair[1].1.taker);
        }
        assert!(TIERS_2026.iter().all(|(_, r)| r.maker < r.taker));
    }

    #[test]
    fn overrides_win_one_by_one() {
        let settings = PaperSettings { taker_fee: Some(0.001), ..PaperSettings::default() };
        let rates = FeeSchedule::with_settings(&settings).rates(at("2024-08-01T00:00:00Z"), Money::ZERO);
        assert_eq!(rates, FeeRates::new(dec!(0.0025), dec!(0.001)));
    }

    #[test]
    fn a_round_trip_is_two_takers_and_a_spread() {
        let schedule = FeeSchedule::kraken();
        assert!((schedule.round_trip(at("2024-08-01T00:00:00Z")) - 0.0084).abs() < 1e-12);
        assert!((schedule.round_trip(at("2026-08-01T00:00:00Z")) - 0.0164).abs() < 1e-12);
    }

    #[test]
    fn fees_round_half_up_to_five_decimals() {
        for (notional, rate, charged) in [
            (dec!(100), dec!(0.0025), dec!(0.25)),
            (dec!(1), dec!(0.000005), dec!(0.00001)),
            (dec!(1), dec!(0.0000049), dec!(0)),
            (dec!(33.3333), dec!(0.0040), dec!(0.13333)),
            (dec!(33.33375), dec!(0.0040), dec!(0.13334)),
        ] {
            assert_eq!(fee(Money(notional), rate).0, charged, "{notional} {rate}");
        }
    }
}
