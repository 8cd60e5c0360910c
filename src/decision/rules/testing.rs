//! Bars and columns for the tests of rules.

use crate::domain::random::SplitMix64;
use crate::domain::{Bar, BarColumns, NoColumn, UtcMs};

/// `close`, `open`, and `mean_N`, the mean of the last N closes, without the room that computes indicators.
#[derive(Default)]
pub(super) struct Means {
    names: Vec<String>,
    closes: Vec<f64>,
}

impl Means {
    fn value(&self, name: &str, bar: &Bar) -> f64 {
        match name.strip_prefix("mean_").and_then(|n| n.parse::<usize>().ok()) {
            Some(n) if self.closes.len() >= n => self.closes.iter().rev().take(n).sum::<f64>() / n as f64,
            Some(_) => f64::NAN,
            None if name == "open" => bar.open,
            None => bar.close,
        }
    }
}

impl BarColumns for Means {
    fn open(&mut self, name: &str) -> Result<usize, NoColumn> {
        let known =
            ["close", "open"].contains(&name) || name.strip_prefix("mean_").is_some_and(|n| n.parse::<u8>().is_ok());
        if !known {
            return Err(NoColumn::Unknown);
        }
        let at = self.names.iter().position(|n| n == name).unwrap_or(self.names.len());
        if at == self.names.len() {
            self.names.push(name.to_owned());
        }
        Ok(at)
    }

    fn names_near(&self, _: &str) -> Vec<String> {
        ["close", "open", "mean_20", "mean_50"].map(str::to_owned).to_vec()
    }

    fn count(&self) -> usize {
        self.names.len()
    }

    fn push(&mut self, bar: &Bar, row: &mut [f64]) {
        self.closes.push(bar.close);
        for (place, name) in row.iter_mut().zip(&self.names) {
            *place = self.value(name, bar);
        }
    }

    fn run(&mut self, bars: &[Bar], columns: &mut [Vec<f64>]) {
        columns.iter_mut().for_each(Vec::clear);
        let mut row = vec![0.0; columns.len()];
        for bar in bars {
            self.push(bar, &mut row);
            columns.iter_mut().zip(&row).for_each(|(column, value)| column.push(*value));
        }
    }

    fn reset(&mut self) {
        self.closes.clear();
    }
}

/// Bars of these closes; each opens at the close before, and its range is 0.1 on either side.
pub(super) fn bars(closes: &[f64]) -> Vec<Bar> {
    let mut open = closes.first().copied().unwrap_or_default();
    let bar = |(i, close): (usize, &f64)| {
        let bar = Bar {
            open_time: UtcMs(i as i64 * 60_000),
            open,
            high: open.max(*close) + 0.1,
            low: open.min(*close) - 0.1,
            close: *close,
            volume: 1.0,
        };
        open = *close;
        bar
    };
    closes.iter().enumerate().map(bar).collect()
}

/// A walk in steps of a tenth, so that ties are common; gaps between bars.
pub(super) fn walk(n: usize, seed: u64) -> Vec<Bar> {
    let mut rng = SplitMix64::seeded(seed);
    let mut steps = |most: u64| (rng.next_u64() % (2 * most + 1)) as f64 - most as f64;
    let mut close = 1000.0;
    let bar = |i: usize| {
        let open: f64 = close + steps(1);
        close = (open + steps(3)).max(500.0);
        let (high, low) = (open.max(close) + steps(1).abs(), open.min(close) - steps(1).abs());
        let [open, high, low, close] = [open, high, low, close].map(|ticks| ticks / 10.0);
        Bar { open_time: UtcMs(i as i64 * 60_000), open, high, low, close, volume: 1.0 }
    };
    (0..n).map(bar).collect()
}
