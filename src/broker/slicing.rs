//! Large orders cut into small ones: evenly in time, along the day's volume, as a share of what others trade, or shown piece by piece.
//!
//! Quantities are decimal and whole lots; slices and rest add up to the order exactly. Nothing is rounded up.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde::{Deserialize, Serialize};

use crate::domain::Qty;
use crate::domain::random::SplitMix64;
use crate::domain::time::UtcMs;

/// An order in slices, first one first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Each a whole number of lots, maybe 0.
    pub slices: Vec<Qty>,
    /// What is less than a lot and cannot be traded.
    pub rest: Qty,
}

/// Whole lots in `qty`; `None` unless the lot is above 0.
fn lots(qty: Qty, lot: Decimal) -> Option<Decimal> {
    if lot > Decimal::ZERO { Some(qty.get().checked_div(lot)?.floor()) } else { None }
}

impl Schedule {
    /// Slices from how many lots of `qty` shall have been sent after each; targets never fall and the last is all lots.
    fn from_targets(qty: Qty, lot: Decimal, targets: impl Iterator<Item = Decimal>) -> Option<Self> {
        let mut sent = Decimal::ZERO;
        let mut slices = Vec::new();
        for target in targets {
            slices.push(Qty::new(target.checked_sub(sent)?.checked_mul(lot)?).ok()?);
            sent = target;
        }
        let rest = Qty::new(qty.get().checked_sub(sent.checked_mul(lot)?)?).ok()?;
        Some(Self { slices, rest })
    }

    /// All that the slices trade.
    #[must_use]
    pub fn total(&self) -> Qty {
        self.slices.iter().fold(Qty::ZERO, |sum, slice| sum.plus(*slice))
    }
}

/// `count` even slices: after the i-th ⌊N·i/count⌋ of the N lots have been sent, so that no rounding adds up. `None` for no slices or a lot
/// that is not above 0.
#[must_use]
pub fn twap(qty: Qty, count: u32, lot: Decimal) -> Option<Schedule> {
    let (all, of) = (lots(qty, lot)?, Decimal::from(count));
    if count == 0 {
        return None;
    }
    let target = |i: u32| Some(all.checked_mul(i.into())?.checked_div(of)?.floor());
    let targets: Vec<Decimal> = (1..=count).map(target).collect::<Option<_>>()?;
    Schedule::from_targets(qty, lot, targets.into_iter())
}

/// Slices along a volume `profile` (any unit, one entry per slice): after each the share of the lots has been sent that the share of the volume
/// is, rounded down. `None` without volume, with an entry that is negative or not finite, or for a lot that is not above 0.
#[must_use]
pub fn vwap(qty: Qty, profile: &[f64], lot: Decimal) -> Option<Schedule> {
    let all = lots(qty, lot)?;
    let total: f64 = profile.iter().sum();
    if !(total > 0.0 && total.is_finite() && profile.iter().all(|v| *v >= 0.0)) {
        return None;
    }
    let whole = all.to_f64()?;
    // The last volume completes the order, whatever the sum of shares rounds to.
    let last = profile.iter().rposition(|v| *v > 0.0)?;
    let mut traded = 0.0;
    let mut targets = Vec::with_capacity(profile.len());
    for (i, volume) in profile.iter().enumerate() {
        traded += volume;
        let share = Decimal::from_f64((whole * traded / total).floor())?.min(all);
        targets.push(if i >= last { all } else { share });
    }
    Schedule::from_targets(qty, lot, targets.into_iter())
}

/// When `count` slices of a schedule from `begin` over `span_ms` are sent: in the middle of their equal parts of time, moved at random by up to
/// `jitter` of a part (0.2; at most half, so that the order stays). Nobody can wait for them. `None` for no slices, no span or another jitter.
#[must_use]
pub fn slice_times(begin: UtcMs, span_ms: i64, count: u32, jitter: f64, random: &mut SplitMix64) -> Option<Vec<UtcMs>> {
    if count == 0 || span_ms <= 0 || !(0.0..=0.5).contains(&jitter) {
        return None;
    }
    let part = span_ms as f64 / f64::from(count);
    let at = |i: u32| begin.plus(((f64::from(i) + 0.5 + jitter * (2.0 * random.unit() - 1.0)) * part) as i64);
    Some((0..count).map(at).collect())
}

/// What may be sent now so that no more than `share` (0..=1, 0.05) of the market's volume since the order began is ours: whole lots, no more than
/// is still open. `market` holds our own trades too. `None` for a share or a lot out of range.
#[must_use]
pub fn participation(qty: Qty, sent: Qty, market: Qty, share: Decimal, lot: Decimal) -> Option<Qty> {
    if share <= Decimal::ZERO || share > Decimal::ONE {
        return None;
    }
    let allowed = Qty::new(market.get().checked_mul(share)?).ok()?.minus(sent);
    let now = allowed.min(qty.minus(sent));
    Qty::new(lots(now, lot)?.checked_mul(lot)?).ok()
}

/// An order shown in clips of `share` (0.01..=1; 0.1 to 0.2 is usual) of itself, rounded down to the lot but at least `minimum`; what remains
/// below the minimum at the end joins the clip before it. `None` for a share or a lot out of range.
#[must_use]
pub fn iceberg(qty: Qty, share: Decimal, lot: Decimal, minimum: Qty) -> Option<Schedule> {
    if share < Decimal::new(1, 2) || share > Decimal::ONE {
        return None;
    }
    let all = lots(qty, lot)?;
    let least = minimum.get().checked_div(lot)?.ceil().max(Decimal::ONE);
    let clip = all.checked_mul(share)?.floor().max(least);
    // Clips but for the last, which takes the remainder with it when that is too small to stand alone.
    let full = all.checked_div(clip)?.floor();
    let over = all.checked_sub(full.checked_mul(clip)?)?;
    let count = if over >= least { full + Decimal::ONE } else { full }.to_u32()?;
    let targets = (1..=count).map(|i| if i == count { all } else { clip * Decimal::from(i) });
    // An order below the minimum is a single clip: whether it may be sent at all is the exchange's rule.
    let alone = (count == 0 && !all.is_zero()).then_some(all);
    Schedule::from_targets(qty, lot, targets.chain(alone))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::dec;

    use super::*;

    fn qty(value: Decimal) -> Qty {
        Qty::new(value).unwrap()
    }

    fn sizes(schedule: Option<Schedule>) -> Vec<Decimal> {
        schedule.unwrap().slices.into_iter().map(Qty::get).collect()
    }

    #[test]
    fn a_rest_below_the_lot_is_told() {
        let schedule = twap(qty(dec!(0.05)), 4, dec!(0.02)).unwrap();
        assert_eq!((schedule.total().get(), schedule.rest.get()), (dec!(0.04), dec!(0.01)));
        assert_eq!(sizes(Some(schedule)), [dec!(0), dec!(0.02), dec!(0), dec!(0.02)]);
    }

    #[test]
    fn no_slices_no_lot_and_no_volume_are_no_schedule() {
        let one = qty(dec!(1));
        assert_eq!(twap(one, 0, dec!(0.1)), None);
        assert_eq!(twap(one, 3, dec!(0)), None);
        for profile in [vec![], vec![0.0, 0.0], vec![1.0, -1.0, 1.0], vec![1.0, f64::NAN]] {
            assert_eq!(vwap(one, &profile, dec!(0.1)), None);
        }
        for share in [dec!(0), dec!(1.1), dec!(-0.1)] {
            assert_eq!(participation(one, Qty::ZERO, one, share, dec!(0.1)), None);
            assert_eq!(iceberg(one, share, dec!(0.1), Qty::ZERO), None);
        }
    }

    #[test]
    fn an_hour_without_volume_trades_nothing() {
        assert_eq!(
            sizes(vwap(qty(dec!(1)), &[0.0, 1.0, 3.0, 0.0], dec!(0.1))),
            [dec!(0), dec!(0.2), dec!(0.8), dec!(0)]
        );
    }

    #[test]
    fn an_even_profile_is_cut_evenly() {
        // 49·(1/49) is less than 1 in binary.
        assert_eq!(sizes(vwap(qty(dec!(49)), &[1.0; 49], dec!(1))), [dec!(1); 49]);
    }

    #[test]
    fn participation_follows_the_market_and_ends_with_the_order() {
        let now = |sent: Decimal, market: Decimal| {
            participation(qty(dec!(10)), qty(sent), qty(market), dec!(0.05), dec!(0.1)).unwrap().get()
        };
        assert_eq!(now(dec!(0), dec!(0)), dec!(0));
        assert_eq!(now(dec!(0), dec!(39)), dec!(1.9));
        assert_eq!(now(dec!(1.9), dec!(40)), dec!(0.1));
        assert_eq!(now(dec!(3), dec!(40)), dec!(0), "what was sent too early is waited for");
        assert_eq!(now(dec!(9.5), dec!(1_000)), dec!(0.5));
    }

    #[test]
    fn an_iceberg_shows_clips_that_can_stand_alone() {
        let clips = |q: Decimal, minimum: Decimal| sizes(iceberg(qty(q), dec!(0.15), dec!(0.01), qty(minimum)));
        let mut even = vec![dec!(0.15); 6];
        even.push(dec!(0.10));
        assert_eq!(clips(dec!(1), dec!(0.01)), even);
        // The remainder of 0.10 is below the minimum.
        let mut joined = vec![dec!(0.15); 5];
        joined.push(dec!(0.25));
        assert_eq!(clips(dec!(1), dec!(0.12)), joined);
        assert_eq!(clips(dec!(1), dec!(0.4)), [dec!(0.4), dec!(0.6)]);
        assert_eq!(clips(dec!(0.3), dec!(0.4)), [dec!(0.3)]);
        assert_eq!(clips(dec!(0.001), dec!(0.4)), Vec::<Decimal>::new());
    }

    #[test]
    fn times_keep_their_order_and_their_span() {
        let mut random = SplitMix64::seeded(3);
        let times = slice_times(UtcMs(1_000), 60_000, 6, 0.2, &mut random).unwrap();
        assert!(times.windows(2).all(|w| w[0] < w[1]));
        for (i, at) in (0_i64..).zip(&times) {
            assert!((at.since(UtcMs(1_000)) - (i * 10_000 + 5_000)).abs() <= 2_000, "{times:?}");
        }
        assert_ne!(slice_times(UtcMs(1_000), 60_000, 6, 0.2, &mut random).unwrap(), times);
        assert_eq!(slice_times(UtcMs(0), 60_000, 0, 0.2, &mut random), None);
        assert_eq!(slice_times(UtcMs(0), 60_000, 6, 0.6, &mut random), None);
    }

    proptest! {
        #[test]
        fn slices_and_rest_are_the_order(
            units in 1_u64..10_000_000, count in 1_u32..60, lot in 1_u32..5_000, volumes in proptest::collection::vec(0.0_f64..50.0, 1..30),
            share in 1_u32..=100, minimum in 0_u32..100_000,
        ) {
            let (order, lot) = (qty(Decimal::new(units.cast_signed(), 6)), Decimal::new(lot.into(), 6));
            let share = Decimal::new(share.into(), 2);
            let all = [
                twap(order, count, lot),
                vwap(order, &volumes, lot),
                iceberg(order, share, lot, qty(Decimal::new(minimum.into(), 6))),
            ];
            for schedule in all.into_iter().flatten() {
                prop_assert_eq!(schedule.total().plus(schedule.rest), order);
                prop_assert!(schedule.rest.get() < lot);
                prop_assert!(schedule.slices.iter().all(|s| (s.get() % lot).is_zero()));
            }
        }

        #[test]
        fn even_slices_differ_by_a_lot(units in 1_u64..10_000_000, count in 1_u32..60) {
            let lot = dec!(0.001);
            let slices = sizes(twap(qty(Decimal::new(units.cast_signed(), 4)), count, lot));
            let (least, most) = (slices.iter().min().unwrap(), slices.iter().max().unwrap());
            prop_assert!(*most - *least <= lot);
        }
    }
}
