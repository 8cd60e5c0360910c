//! The computed chart, kept until its candles or the choice change.

use std::cell::RefCell;
use std::sync::Arc;

use super::catalogue::named;
use super::plot::{Plot, Values};
use super::slots::{Slot, slots};
use crate::domain::market::Candle;
use crate::domain::snapshot::PairView;

/// One indicator over the slots of a chart.
#[derive(Debug)]
pub struct Series {
    pub plot: &'static Plot,
    /// One per slot.
    pub values: Vec<Values>,
}

impl Series {
    fn over(plot: &'static Plot, slots: &[Slot]) -> Self {
        let mut steps = plot.start();
        let mut push = |slot: &Slot| {
            if slot.hole {
                // What follows a hole has a new past.
                steps = plot.start();
                return Values::default();
            }
            slot.bar.as_ref().map_or_else(Values::default, &mut steps)
        };
        Self { plot, values: slots.iter().map(&mut push).collect() }
    }
}

/// A chart as it is drawn.
#[derive(Debug)]
pub struct Charted {
    /// Length of a bar, in ms.
    pub step: i64,
    pub slots: Vec<Slot>,
    pub series: Vec<Series>,
}

impl Charted {
    /// Computes the bars of `step` ms and the chosen indicators.
    #[must_use]
    pub fn of(pair: &PairView, step: i64, chosen: &[&'static str]) -> Self {
        let slots = slots(pair, step);
        let series = chosen.iter().filter_map(|name| named(name)).map(|p| Series::over(p, &slots)).collect();
        Self { step, slots, series }
    }
}

/// What a computed chart was computed from. The lists are shared with the picture and never change, so that the same list is the same data.
#[derive(Debug)]
struct Key {
    bars: Arc<Vec<Candle>>,
    source_bars: Arc<Vec<Candle>>,
    step: i64,
    chosen: Vec<&'static str>,
}

impl Key {
    fn is_of(&self, pair: &PairView, step: i64, chosen: &[&'static str]) -> bool {
        Arc::ptr_eq(&self.bars, &pair.bars)
            && Arc::ptr_eq(&self.source_bars, &pair.source_bars)
            && self.step == step
            && self.chosen == chosen
    }
}

/// Remembers the last computed chart. Drawing stays a pure function: the memo only saves work.
#[derive(Debug, Default)]
pub struct Memo(RefCell<Option<(Key, Arc<Charted>)>>);

impl Memo {
    /// The chart of these candles, computed at most once.
    #[must_use]
    pub fn charted(&self, pair: &PairView, step: i64, chosen: &[&'static str]) -> Arc<Charted> {
        if let Some((_, known)) = self.0.borrow().as_ref().filter(|(key, _)| key.is_of(pair, step, chosen)) {
            return Arc::clone(known);
        }
        let made = Arc::new(Charted::of(pair, step, chosen));
        let key = Key {
            bars: Arc::clone(&pair.bars),
            source_bars: Arc::clone(&pair.source_bars),
            step,
            chosen: chosen.to_vec(),
        };
        self.0.replace(Some((key, Arc::clone(&made))));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::HOUR_MS;
    use crate::pipeline::kernels::Ema;
    use crate::tui::fixture;
    use crate::tui::indicators::catalogue::CATALOGUE;

    fn all() -> Vec<&'static str> {
        CATALOGUE.iter().map(|i| i.name).collect()
    }

    #[test]
    fn values_are_those_of_the_kernels_and_absent_until_their_look_back_is_filled() {
        let pair = &fixture::running().pairs[0];
        let chart = Charted::of(pair, HOUR_MS, &["EMA 50"]);
        let mut ema: Ema = Ema::new(50);
        let expected: Vec<Option<f64>> = pair.bars.iter().map(|c| ema.push(c.close.to_f64())).collect();
        let seen: Vec<Option<f64>> = chart.series[0].values.iter().map(|v| v[0]).collect();
        assert_eq!(seen.len(), chart.slots.len());
        assert_eq!(seen[..expected.len()], expected);
        assert!(seen[48].is_none() && seen[49].is_some());
    }

    #[test]
    fn a_hole_begins_a_new_past() {
        let mut pair = fixture::running().pairs[0].clone();
        Arc::make_mut(&mut pair.bars).remove(100);
        let chart = Charted::of(&pair, HOUR_MS, &["SMA 20", "EMA 200"]);
        let at = |i: usize| chart.series[0].values[i][0];
        assert!(at(99).is_some() && (100..120).all(|i| at(i).is_none()) && at(120).is_some());
        assert!(chart.series[1].values.iter().all(|v| v[0].is_none()), "139 bars after the hole do not fill 200");
    }

    #[test]
    fn every_indicator_has_a_value_in_every_line_and_none_that_is_not_finite() {
        for pair in &fixture::running().pairs {
            for series in &Charted::of(pair, HOUR_MS, &all()).series {
                for line in 0..series.plot.lines.len() {
                    let seen = series.values.iter().filter_map(|v| v[line]).count();
                    assert!(seen > 0 || series.plot.name.starts_with("Supertrend"), "{}", series.plot.name);
                }
                assert!(series.values.iter().flatten().flatten().all(|v| v.is_finite()));
            }
        }
    }

    #[test]
    fn the_same_candles_are_computed_once() {
        let s = fixture::running();
        let memo = Memo::default();
        let first = memo.charted(&s.pairs[0], HOUR_MS, &["EMA 50"]);
        assert!(Arc::ptr_eq(&first, &memo.charted(&s.clone().pairs[0], HOUR_MS, &["EMA 50"])));
        for (pair, step, chosen) in
            [(0, HOUR_MS, vec![]), (0, 4 * HOUR_MS, vec!["EMA 50"]), (1, HOUR_MS, vec!["EMA 50"])]
        {
            assert!(!Arc::ptr_eq(&first, &memo.charted(&s.pairs[pair], step, &chosen)));
        }
        let mut other = s.pairs[0].clone();
        other.bars = Arc::new(other.bars.as_ref().clone());
        let again = memo.charted(&s.pairs[0], HOUR_MS, &["EMA 50"]);
        assert!(!Arc::ptr_eq(&again, &memo.charted(&other, HOUR_MS, &["EMA 50"])));
    }
}
