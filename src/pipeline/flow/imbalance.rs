//! Which side of the book is heavier.

use super::Level;

/// (bids − asks) / (bids + asks) over the quantities of the best `levels` of each side, in −1..=1. A side that has fewer levels counts with those
/// it has; a book with an empty side has no value.
#[must_use]
pub fn imbalance(bids: &[Level], asks: &[Level], levels: usize) -> Option<f64> {
    let sum = |side: &[Level]| side.iter().take(levels).map(|(_, qty)| qty).sum::<f64>();
    two_sided(bids, asks).and_then(|()| share(sum(bids), sum(asks)))
}

/// [`imbalance`] over all levels given, where the level `i` counts exp(−decay · i), `i` = 0 at the best.
#[must_use]
pub fn weighted_imbalance(bids: &[Level], asks: &[Level], decay: f64) -> Option<f64> {
    let step = (-decay).exp();
    let sum = |side: &[Level]| {
        let weighted = |(weight, sum): (f64, f64), (_, qty): &Level| (weight * step, weight.mul_add(*qty, sum));
        side.iter().fold((1.0, 0.0), weighted).1
    };
    two_sided(bids, asks).and_then(|()| share(sum(bids), sum(asks)))
}

const fn two_sided(bids: &[Level], asks: &[Level]) -> Option<()> {
    if bids.is_empty() || asks.is_empty() { None } else { Some(()) }
}

fn share(bids: f64, asks: f64) -> Option<f64> {
    let both = bids + asks;
    (both > 0.0).then(|| (bids - asks) / both)
}
