//! Invariants of the order-flow kernels, and equality with formulas written out over whole columns.

use proptest::prelude::*;

use super::*;

fn side(buy: bool) -> Side {
    if buy { Side::Buy } else { Side::Sell }
}

fn near(a: f64, b: f64, rel: f64) -> bool {
    (a - b).abs() <= rel * a.abs().max(b.abs()).max(1e-12)
}

/// Trades with rising times, prices on a grid of cents and quantities of two decimals.
fn tape() -> impl Strategy<Value = Vec<Print>> {
    let row = (0_i64..600, any::<bool>(), 9_900_u32..10_100, 1_u32..5_000);
    prop::collection::vec(row, 2..120).prop_map(|rows| {
        let mut at = 0;
        let print = |(gap, buy, price, qty): (i64, bool, u32, u32)| {
            at += gap;
            Print { at: UtcMs(at), side: side(buy), price: f64::from(price) / 100.0, qty: f64::from(qty) / 100.0 }
        };
        rows.into_iter().map(print).collect()
    })
}

/// Books with one to three levels a side on a grid of ticks, at times without a side.
fn books() -> impl Strategy<Value = Vec<(Vec<Level>, Vec<Level>)>> {
    let sizes = || prop::collection::vec(1_u32..900, 0..4);
    let book = (sizes(), sizes(), 1_000_i32..1_010, 1_i32..4).prop_map(|(bids, asks, bid, spread)| {
        let level = |price: i32, qty: u32| (f64::from(price), f64::from(qty) / 10.0);
        let bids = (0..).zip(&bids).map(|(i, q)| level(bid - i, *q)).collect();
        let asks = (0..).zip(&asks).map(|(i, q)| level(bid + spread + i, *q)).collect();
        (bids, asks)
    });
    prop::collection::vec(book, 1..60)
}

fn first(levels: &[Level]) -> Option<Level> {
    levels.first().copied()
}

/// Slope, intercept and r² by the normal equations around the means.
fn line_afresh(x: &[f64], y: &[f64]) -> Option<(f64, f64, f64)> {
    let n = x.len() as f64;
    let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let sum = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
    let (xx, xy, yy) = (sum(&|a, _| a * a), sum(&|a, b| a * b), sum(&|_, b| b * b));
    (xx > 0.0 && yy > 0.0).then(|| (xy / xx, my - xy / xx * mx, xy * xy / xx / yy))
}

proptest! {
    #[test]
    fn windows_equal_the_formulas_over_their_columns(
        rows in prop::collection::vec((-50_i32..50, -900_i32..900, 1_u32..500), 4..60),
        size in 3_usize..9,
    ) {
        let mut price = 100.0;
        let bars: Vec<(f64, f64, f64)> = rows.iter().map(|(d, signed, extra)| {
            price += f64::from(*d) / 100.0;
            let signed = f64::from(*signed) / 10.0;
            (price, signed, signed.abs() + f64::from(*extra) / 10.0)
        }).collect();
        let (mut kyle, mut amihud, mut roll, mut cvd) =
            (KyleLambda::new(size), Amihud::new(size), RollSpread::new(size), CvdShare::new(size));
        for (i, (close, signed, volume)) in bars.iter().enumerate() {
            let fit = kyle.push(*close, *signed);
            let illiquid = amihud.push(*close, close * volume);
            let spread = roll.push(*close);
            let share = cvd.push((volume + signed) / 2.0, (volume - signed) / 2.0);
            let past = &bars[..=i];
            let changes: Vec<f64> = past.windows(2).map(|w| w[1].0 - w[0].0).collect();
            let full = changes.len() >= size;
            if past.len() >= size {
                let window = &past[past.len() - size..];
                let total: f64 = window.iter().map(|b| b.2).sum();
                prop_assert!((share.unwrap() - window.iter().map(|b| b.1).sum::<f64>() / total).abs() < 1e-9);
            } else {
                prop_assert_eq!(share, None);
            }
            if !full {
                prop_assert!(fit.is_none() && illiquid.is_none());
                continue;
            }
            let newest = changes.len() - size;
            let volumes: Vec<f64> = past[1 + newest..].iter().map(|b| b.1).collect();
            match (fit, line_afresh(&volumes, &changes[newest..])) {
                (Some(fit), Some((slope, intercept, r2))) => {
                    prop_assert!((fit.slope - slope).abs() < 1e-9 && (fit.intercept - intercept).abs() < 1e-9);
                    prop_assert!((fit.r2.unwrap_or(0.0) - r2).abs() < 1e-7);
                }
                (None, None) => {}
                (Some(fit), None) => prop_assert!(fit.r2.is_none_or(|r2| r2.abs() < 1e-7)),
                (fit, want) => prop_assert!(false, "{fit:?} instead of {want:?}"),
            }
            let shares = past[newest..].windows(2).map(|w| (w[1].0 / w[0].0).ln().abs() / (w[1].0 * w[1].2));
            prop_assert!(near(illiquid.unwrap(), shares.sum::<f64>() / size as f64, 1e-9));
            if let Some(roll) = spread {
                let x = &changes[changes.len() - size..];
                let y = &changes[changes.len() - size - 1..changes.len() - 1];
                let n = size as f64;
                let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
                let cov = x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / (n - 1.0);
                prop_assert!((roll.serial_cov - cov).abs() < 1e-9);
                prop_assert_eq!(roll.spread == 0.0, roll.serial_cov >= 0.0);
            }
        }
    }

    #[test]
    fn vpin_equals_buckets_cut_from_the_whole_tape(tape in tape(), size in 5_u32..400, window in 1_usize..6) {
        let size = f64::from(size) / 3.0;
        let mut vpin = Vpin::new(size, window).unwrap();
        let mut got = Vec::new();
        for p in &tape {
            vpin.push(p.side, p.qty, |b| got.push(b));
        }
        // Volume bought in the first `v` of the tape.
        let bought = |v: f64| {
            let mut before = 0.0;
            tape.iter().map(|p| {
                let part = (v - before).clamp(0.0, p.qty);
                before += p.qty;
                if p.side == Side::Buy { part } else { 0.0 }
            }).sum::<f64>()
        };
        let single_giant = tape.iter().any(|p| p.qty / size > window as f64);
        let total: f64 = tape.iter().map(|p| p.qty).sum();
        if !single_giant {
            prop_assert!((got.len() as f64 - total / size).abs() <= 1.0 + 1e-6);
            for (i, bucket) in got.iter().enumerate() {
                let buy = bought((i + 1) as f64 * size) - bought(i as f64 * size);
                prop_assert!((bucket.buy - buy).abs() < 1e-6 * size, "bucket {i}: {bucket:?} instead of {buy}");
            }
        }
        for (i, bucket) in got.iter().enumerate() {
            prop_assert!(near(bucket.buy + bucket.sell, size, 1e-6));
            let mean = (i + 1 >= window).then(|| {
                let newest = &got[i + 1 - window..=i];
                newest.iter().map(|b| (b.buy - b.sell).abs() / size).sum::<f64>() / window as f64
            });
            prop_assert_eq!(bucket.vpin.is_some(), mean.is_some());
            prop_assert!((bucket.vpin.unwrap_or(0.0) - mean.unwrap_or(0.0)).abs() < 1e-6);
        }
    }

    #[test]
    fn a_trade_told_in_two_parts_is_the_same_flow(tape in tape(), parts in prop::collection::vec(0.05_f64..0.95, 120)) {
        let halves: Vec<Print> = tape.iter().zip(&parts).flat_map(|(p, share)| {
            let a = p.qty * share;
            [Print { qty: a, ..*p }, Print { qty: p.qty - a, ..*p }]
        }).collect();
        let told = |prints: &[Print]| {
            let (mut cvd, mut vpin, mut volume) = (Cvd::new(), Vpin::new(33.3, 4).unwrap(), 0.0);
            let (mut clusters, mut parents) = (Clusters::new(250), Vec::new());
            for p in prints {
                cvd.push(p.side, p.qty);
                vpin.push(p.side, p.qty, |_| {});
                volume += p.qty;
                parents.extend(clusters.push(p));
            }
            parents.extend(clusters.cut());
            (cvd.value(), vpin.value(), volume, parents)
        };
        let (whole, split) = (told(&tape), told(&halves));
        prop_assert!((whole.0 - split.0).abs() < 1e-6 && (whole.2 - split.2).abs() < 1e-6);
        prop_assert_eq!(whole.1.is_some(), split.1.is_some());
        prop_assert!((whole.1.unwrap_or(0.0) - split.1.unwrap_or(0.0)).abs() < 1e-6);
        prop_assert_eq!(whole.3.len(), split.3.len());
        for (a, b) in whole.3.iter().zip(&split.3) {
            prop_assert!(a.begin == b.begin && a.end == b.end && a.side == b.side && near(a.quote, b.quote, 1e-9));
        }
    }

    #[test]
    fn prices_in_another_unit_change_nothing_that_has_none(tape in tape(), books in books(), scale in 1e-6_f64..1e6) {
        let (mut rule, mut scaled_rule) = (TickRule::new(None), TickRule::new(None));
        let (mut kyle, mut scaled_kyle) = (KyleLambda::new(8), KyleLambda::new(8));
        let (mut amihud, mut scaled_amihud) = (Amihud::new(8), Amihud::new(8));
        let (mut bulk, mut scaled_bulk) = (BulkVolume::new(8), BulkVolume::new(8));
        for p in &tape {
            prop_assert_eq!(rule.push(p.price, Some(p.side)), scaled_rule.push(p.price * scale, Some(p.side)));
            let flow = signed(p.side, p.qty);
            let (a, b) = (kyle.push(p.price, flow), scaled_kyle.push(p.price * scale, flow));
            if let (Some(a), Some(b)) = (a, b) {
                prop_assert!((a.r2.unwrap_or(0.0) - b.r2.unwrap_or(0.0)).abs() < 1e-6);
                prop_assert!(near(a.slope * scale, b.slope, 1e-6) || a.slope.abs() < 1e-12);
            }
            // Quote volume as it was, so that only the return is measured.
            let (a, b) = (amihud.push(p.price, p.qty), scaled_amihud.push(p.price * scale, p.qty));
            prop_assert!((a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs() < 1e-9);
            let (a, b) = (bulk.push(p.price, p.qty), scaled_bulk.push(p.price * scale, p.qty));
            if let (Some(a), Some(b)) = (a, b) {
                prop_assert!((a - b).abs() < 1e-6 * p.qty);
            }
        }
        prop_assert_eq!(rule.error_rate(), scaled_rule.error_rate());
        let (mut ofi, mut scaled_ofi) = (Ofi::new(), Ofi::new());
        for (bids, asks) in &books {
            let scaled = |side: &[Level]| side.iter().map(|(p, q)| (p * scale, *q)).collect::<Vec<_>>();
            let (up, down) = (scaled(bids), scaled(asks));
            prop_assert_eq!(ofi.push(first(bids), first(asks)), scaled_ofi.push(first(&up), first(&down)));
            prop_assert_eq!(imbalance(bids, asks, 5), imbalance(&up, &down, 5));
            prop_assert_eq!(weighted_imbalance(bids, asks, 0.5), weighted_imbalance(&up, &down, 0.5));
            let (a, b) = (microprice(first(bids), first(asks)), microprice(first(&up), first(&down)));
            prop_assert!(near(a.unwrap_or(0.0) * scale, b.unwrap_or(0.0), 1e-9));
        }
    }

    #[test]
    fn nothing_is_compared_across_a_break(before in tape(), after in tape(), old in books(), new in books(), far in 2.0_f64..900.0) {
        // What follows a break does not depend on the level that the past had.
        let told = |shift: f64| {
            let (mut rule, mut kyle) = (TickRule::new(None), KyleLambda::new(4));
            let (mut amihud, mut roll, mut bulk) = (Amihud::new(4), RollSpread::new(4), BulkVolume::new(4));
            let (mut vpin, mut clusters) = (Vpin::new(1e6, 1).unwrap(), Clusters::new(i64::MAX));
            for p in &before {
                rule.push(p.price * shift, None);
                vpin.push(p.side, p.qty * shift, |_| {});
                clusters.push(p);
            }
            if let Some(last) = before.last() {
                kyle.push(last.price * shift, 1.0);
                amihud.push(last.price * shift, 1.0);
                bulk.push(last.price * shift, 1.0);
                roll.push(last.price * shift);
            }
            rule.cut();
            kyle.cut();
            amihud.cut();
            roll.cut();
            bulk.cut();
            vpin.cut();
            clusters.cut();
            let mut said = Vec::new();
            for p in &after {
                let side = rule.push(p.price, None);
                let line = kyle.push(p.price, signed(p.side, p.qty));
                let rest = (amihud.push(p.price, p.qty), roll.push(p.price), bulk.push(p.price, p.qty));
                vpin.push(p.side, p.qty, |_| {});
                said.push((side, line, rest, clusters.push(p), vpin.filled));
            }
            said
        };
        prop_assert_eq!(told(1.0), told(far));
        let mut ofi = Ofi::new();
        for (bids, asks) in &old {
            ofi.push(first(bids), first(asks));
        }
        ofi.cut();
        let mut fresh = Ofi::new();
        for (bids, asks) in &new {
            prop_assert_eq!(ofi.push(first(bids), first(asks)), fresh.push(first(bids), first(asks)));
        }
    }

    #[test]
    fn parents_are_the_tape_in_larger_pieces(tape in tape(), gap in 0_i64..700) {
        let mut clusters = Clusters::new(gap);
        let mut parents: Vec<Parent> = tape.iter().filter_map(|p| clusters.push(p)).collect();
        parents.extend(clusters.cut());
        prop_assert_eq!(parents.iter().map(|p| p.prints as usize).sum::<usize>(), tape.len());
        let quote: f64 = tape.iter().map(|p| p.price * p.qty).sum();
        prop_assert!(near(parents.iter().map(|p| p.quote).sum(), quote, 1e-9));
        for pair in parents.windows(2) {
            prop_assert!(pair[0].side != pair[1].side || pair[1].begin.since(pair[0].end) > gap);
        }
    }
}

#[test]
fn edges_have_no_value() {
    assert_eq!(imbalance(&[], &[(1.0, 1.0)], 5), None);
    assert_eq!(imbalance(&[(1.0, 1.0)], &[(2.0, 1.0)], 0), None);
    assert_eq!(weighted_imbalance(&[(1.0, 1.0)], &[], 0.5), None);
    assert_eq!(microprice(Some((1.0, 1.0)), None), None);
    assert_eq!(bulk_buy_volume(5.0, 1.0, 0.0), None);
    assert_eq!(TickRule::new(None).error_rate(), None);
    assert_eq!(TickRule::new(None).push(5.0, Some(Side::Buy)), None);
    assert!(Vpin::new(0.0, 5).is_none() && Vpin::new(f64::NAN, 5).is_none());
    assert_eq!(CvdShare::new(1).push(0.0, 0.0), None);
    assert_eq!(pot_threshold(&[], 0.9, 1e-3), None);
    assert_eq!(pot_threshold(&[1.0; 50], 0.9, 1e-3), None, "no exceedances");
    let rising: Vec<f64> = (0..100).map(f64::from).collect();
    assert_eq!(pot_threshold(&rising, 0.9, 0.5), None, "the level would lie below the tail");
}

#[test]
fn one_trade_without_measure_does_not_take_forever() {
    let mut vpin = Vpin::new(1e-6, 50).expect("a size");
    let mut buckets = 0;
    vpin.push(Side::Buy, 1e12, |_| buckets += 1);
    assert_eq!((vpin.value(), buckets), (Some(1.0), 51));
}

#[test]
fn a_bucket_volume_changes_with_the_next_bucket() {
    let mut vpin = Vpin::new(10.0, 1).expect("a size");
    let mut sizes = Vec::new();
    vpin.push(Side::Buy, 4.0, |b| sizes.push(b.buy + b.sell));
    vpin.resize(5.0);
    vpin.resize(f64::NAN);
    vpin.push(Side::Sell, 12.0, |b| sizes.push(b.buy + b.sell));
    assert_eq!(sizes, [10.0, 5.0]);
    assert_eq!(vpin.filled, 1.0);
}

#[test]
fn a_parent_is_over_when_nothing_can_join_it() {
    let mut clusters = Clusters::new(250);
    let print = Print { at: UtcMs(1_000), side: Side::Buy, price: 2.0, qty: 3.0 };
    assert_eq!(clusters.push(&print), None);
    assert_eq!(clusters.over_by(UtcMs(1_250)), None);
    assert_eq!(clusters.over_by(UtcMs(1_251)).map(|p| (p.prints, p.quote)), Some((1, 6.0)));
    assert_eq!(clusters.cut(), None);
}

#[test]
fn the_newest_values_make_the_tail() {
    let mut tail = Tail::new(100);
    assert!(tail.is_empty());
    for i in 0..1_000 {
        tail.push(f64::from(i));
    }
    assert_eq!(tail.len(), 100);
    let fit = tail.fit(0.9, 1e-3).expect("a fit");
    assert_eq!((fit.exceedances, fit.u), (10, 989.1));
}
