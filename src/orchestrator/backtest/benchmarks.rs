//! What anyone could have done instead: nothing, buying and holding, equal shares, the 50/200-day averages. They pay the same costs.

use std::collections::{BTreeMap, VecDeque};

use super::curves::{Curve, month};
use crate::domain::pair::Pair;
use crate::domain::time::{DAY_MS, UtcMs};

/// Days of the two averages.
const FAST: usize = 50;
const SLOW: usize = 200;

/// The hours of the test, closes per pair, and the share of a notional that one side of a trade costs.
pub(super) struct Benchmarks<'a> {
    pub(super) hours: &'a [UtcMs],
    pub(super) closes: &'a BTreeMap<Pair, Vec<(UtcMs, f64)>>,
    /// Daily closes from before the test, per pair: the averages begin filled.
    pub(super) earlier: &'a BTreeMap<Pair, Vec<f64>>,
    pub(super) side_cost: f64,
}

impl Benchmarks<'_> {
    /// All of them, in the order in which they are shown.
    pub(super) fn all(&self) -> Vec<Curve> {
        let mut out = vec![self.flat()];
        // Of several quotes, the one that was there for longest.
        let bitcoin = self.closes.iter().filter(|(pair, _)| pair.base() == "BTC");
        if let Some((pair, closes)) = bitcoin.max_by_key(|(_, closes)| closes.len()) {
            out.push(self.blend(&format!("buy and hold {pair}"), vec![self.held(closes)]));
        }
        out.push(
            self.blend("buy and hold, equal shares", self.closes.values().map(|closes| self.held(closes)).collect()),
        );
        out.push(self.rebalanced());
        let averages = self.closes.iter().filter_map(|(pair, closes)| self.averages(pair, closes));
        out.push(self.blend("MA 50/200 days, equal shares", averages.collect()));
        out
    }

    fn flat(&self) -> Curve {
        Curve { name: "always flat".to_owned(), points: self.hours.iter().map(|at| (*at, 1.0)).collect() }
    }

    /// Prices on the hours of the test; the last known one stands where there is none, `None` before the first.
    fn prices(&self, closes: &[(UtcMs, f64)]) -> Vec<Option<f64>> {
        let mut rest = closes.iter().peekable();
        let mut last = None;
        let price = |at: &UtcMs| {
            while let Some((_, close)) = rest.next_if(|(then, _)| then <= at) {
                last = Some(*close);
            }
            last
        };
        self.hours.iter().map(price).collect()
    }

    /// One unit of money, bought at the first price and sold at the last.
    fn held(&self, closes: &[(UtcMs, f64)]) -> Vec<f64> {
        let prices = self.prices(closes);
        let Some(first) = prices.iter().flatten().next().copied().filter(|p| *p > 0.0) else {
            return vec![1.0; prices.len()];
        };
        let bought = (1.0 - self.side_cost) / first;
        let mut values: Vec<f64> = prices.iter().map(|p| p.map_or(1.0, |price| bought * price)).collect();
        if let Some(end) = values.last_mut() {
            *end *= 1.0 - self.side_cost;
        }
        values
    }

    /// Mean of curves that each begin with one unit.
    fn blend(&self, name: &str, parts: Vec<Vec<f64>>) -> Curve {
        let n = parts.len().max(1) as f64;
        let at = |i: usize| parts.iter().filter_map(|part| part.get(i)).sum::<f64>() / n;
        let value = |i: usize| if parts.is_empty() { 1.0 } else { at(i) };
        Curve { name: name.to_owned(), points: self.hours.iter().enumerate().map(|(i, t)| (*t, value(i))).collect() }
    }

    /// Equal shares of everything that has a price, put back to equal at each turn of the month.
    fn rebalanced(&self) -> Curve {
        let prices: Vec<Vec<Option<f64>>> = self.closes.values().map(|closes| self.prices(closes)).collect();
        let mut held: Vec<f64> = vec![0.0; prices.len()];
        let (mut cash, mut current) = (1.0, None);
        let mut points = Vec::with_capacity(self.hours.len());
        for (i, at) in self.hours.iter().enumerate() {
            let now: Vec<Option<f64>> = prices.iter().map(|p| p.get(i).copied().flatten()).collect();
            let worth = |held: &[f64]| held.iter().zip(&now).map(|(q, p)| q * p.unwrap_or(0.0)).sum::<f64>();
            let name = month(*at);
            if current.as_ref() != Some(&name) {
                current = Some(name);
                let total = cash + worth(&held);
                let listed = now.iter().flatten().count();
                if listed > 0 {
                    let share = total / listed as f64;
                    let moved: f64 =
                        held.iter().zip(&now).filter_map(|(q, p)| p.map(|price| (share - q * price).abs())).sum();
                    let share = (total - moved * self.side_cost) / listed as f64;
                    for (q, p) in held.iter_mut().zip(&now) {
                        *q = p.filter(|price| *price > 0.0).map_or(0.0, |price| share / price);
                    }
                    cash = 0.0;
                }
            }
            points.push((*at, cash + worth(&held)));
        }
        Curve { name: "1/N, put back monthly".to_owned(), points }
    }

    /// Long while the 50-day average of daily closes is above the 200-day one; traded at the close of the day that shows it. `None` for a pair with
    /// less history than the long average.
    fn averages(&self, pair: &Pair, closes: &[(UtcMs, f64)]) -> Option<Vec<f64>> {
        let mut days: VecDeque<f64> = self.earlier.get(pair).into_iter().flatten().copied().collect();
        while days.len() > SLOW {
            days.pop_front();
        }
        let (mut cash, mut held, mut judged) = (1.0, 0.0, false);
        let mut values = Vec::with_capacity(self.hours.len());
        for (at, price) in self.hours.iter().zip(self.prices(closes)) {
            let Some(price) = price.filter(|p| *p > 0.0) else {
                values.push(cash);
                continue;
            };
            if at.0.rem_euclid(DAY_MS) == 0 {
                days.push_back(price);
                if days.len() > SLOW {
                    days.pop_front();
                }
                if days.len() == SLOW {
                    judged = true;
                    let mean = |n: usize| days.iter().rev().take(n).sum::<f64>() / n as f64;
                    match (mean(FAST) > mean(SLOW), held > 0.0) {
                        (true, false) => (held, cash) = (cash * (1.0 - self.side_cost) / price, 0.0),
                        (false, true) => (cash, held) = (held * price * (1.0 - self.side_cost), 0.0),
                        _ => {}
                    }
                }
            }
            values.push(cash + held * price);
        }
        judged.then_some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::HOUR_MS;

    fn hours(n: i64) -> Vec<UtcMs> {
        (0..n).map(|i| UtcMs(1_719_792_000_000 + i * HOUR_MS)).collect()
    }

    /// Price at the hour of a number.
    type PriceAt = fn(usize) -> f64;

    fn market(hours: &[UtcMs], prices: &[(&str, PriceAt)]) -> BTreeMap<Pair, Vec<(UtcMs, f64)>> {
        let series = |f: &PriceAt| hours.iter().enumerate().map(|(i, at)| (*at, f(i))).collect();
        prices.iter().map(|(pair, f)| (pair.parse().unwrap(), series(f))).collect()
    }

    fn last(curve: &Curve) -> f64 {
        curve.points.last().unwrap().1
    }

    #[test]
    fn holding_pays_on_both_sides_and_equal_shares_are_the_mean() {
        let hours = hours(100);
        let closes = market(&hours, &[("BTC/USD", |i| 100.0 + i as f64), ("ETH/USD", |_| 10.0)]);
        let all = Benchmarks { hours: &hours, closes: &closes, earlier: &BTreeMap::new(), side_cost: 0.01 }.all();
        let names: Vec<_> = all.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "always flat",
                "buy and hold BTC/USD",
                "buy and hold, equal shares",
                "1/N, put back monthly",
                "MA 50/200 days, equal shares"
            ]
        );
        let both = 0.99 * 0.99;
        assert!((last(&all[0]) - 1.0).abs() < 1e-12);
        assert!((last(&all[1]) - 1.99 * both).abs() < 1e-12);
        assert!((last(&all[2]) - f64::midpoint(1.99, 1.0) * both).abs() < 1e-12);
        // Bought once, no month turns.
        assert!((last(&all[3]) - f64::midpoint(1.99, 1.0) * 0.99).abs() < 1e-12);
        // Four days fill no average: nothing is bought.
        assert!((last(&all[4]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn averages_that_begin_filled_trade_at_the_close_of_the_day() {
        let hours = hours(49);
        let closes = market(&hours, &[("BTC/USD", |i| 300.0 + i as f64)]);
        let earlier = BTreeMap::from([("BTC/USD".parse().unwrap(), (1..=220).map(f64::from).collect())]);
        let all = Benchmarks { hours: &hours, closes: &closes, earlier: &earlier, side_cost: 0.0 }.all();
        // Rising for 200 days: long from the first midnight, which is the first hour.
        assert!((last(&all[4]) - 348.0 / 300.0).abs() < 1e-12);
    }
}
