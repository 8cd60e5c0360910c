//! Columns by name for rules: what a bar brings, every indicator of the catalogue, and the features of the set.
//!
//! Serves the rule strategies of `decision` through [`crate::domain::BarColumns`]. In goes a name such as `close`, `sma_20`, `macd_signal_12_26_9` or
//! `volatility_rank`, then bars; out comes a row of numbers. Always true: indicators of the same source share one kernel, a value at `t` depends on
//! nothing after `t`, one bar at a time gives the same bits as many, and nothing allocates once every column is open.

mod names;

use std::sync::Arc;

use rayon::prelude::*;

use self::names::Named;
use super::features::{FeatureEngine, FeatureSet};
use super::kernels::{Kernel, Ohlcv, Row, Source};
use crate::domain::settings::PipelineSettings;
use crate::domain::{Bar, BarColumns, Interval, NoColumn};

/// Bars from which on sources are computed side by side on several threads.
const WORTH_THREADS: usize = 1024;

/// The columns of one pair's bars of one interval.
pub struct NamedColumns {
    interval: Interval,
    set: Arc<FeatureSet>,
    settings: PipelineSettings,
    names: Vec<String>,
    fields: Vec<(Field, usize)>,
    sources: Vec<Started>,
    features: Option<Features>,
    table: Vec<Row>,
}

/// A number that the bar itself brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Open,
    High,
    Low,
    Close,
    Volume,
}

impl Field {
    const ALL: [(&'static str, Self); 5] = [
        ("open", Self::Open),
        ("high", Self::High),
        ("low", Self::Low),
        ("close", Self::Close),
        ("volume", Self::Volume),
    ];

    #[inline(always)]
    const fn of(self, bar: &Bar) -> f64 {
        match self {
            Self::Open => bar.open,
            Self::High => bar.high,
            Self::Low => bar.low,
            Self::Close => bar.close,
            Self::Volume => bar.volume,
        }
    }
}

/// A source of indicators that runs.
struct Started {
    source: Source,
    kernel: Box<dyn Kernel<f64>>,
    /// Values of its lines, line after line.
    lines: Vec<f64>,
    /// Which of its lines is which column.
    places: Vec<(usize, usize)>,
    /// The column of a source of one line, where no other name means the same.
    only: Option<usize>,
}

/// The feature set, run only when a rule reads one of its columns.
struct Features {
    engine: FeatureEngine,
    /// Position in the set of each feature that is read, and its column.
    places: Vec<(usize, usize)>,
    values: Vec<f64>,
}

impl Features {
    fn take(&mut self, bar: &Bar) {
        self.engine.take(bar, None);
        for (place, value) in self.values.iter_mut().zip(self.engine.values()) {
            *place = value;
        }
    }
}

impl NamedColumns {
    /// Columns of bars of `interval`; features are those of `set`, which has values for hourly bars only.
    #[must_use]
    pub fn new(interval: Interval, set: Arc<FeatureSet>, settings: &PipelineSettings) -> Self {
        Self {
            interval,
            set,
            settings: settings.clone(),
            names: Vec::new(),
            fields: Vec::new(),
            sources: Vec::new(),
            features: None,
            table: Vec::new(),
        }
    }

    fn open_indicator(&mut self, source: Source, line: usize, column: usize) {
        let place = (line, column);
        if let Some(started) = self.sources.iter_mut().find(|started| started.source == source) {
            started.places.push(place);
            started.only = None;
            return;
        }
        let lines = vec![f64::NAN; source.lines()];
        let only = (source.lines() == 1).then_some(column);
        self.sources.push(Started { kernel: source.start(), source, lines, places: vec![place], only });
    }

    fn open_feature(&mut self, name: &str, column: usize) -> Result<(), NoColumn> {
        let mut known = self.set.features().enumerate();
        let Some((position, (_, feature))) = known.find(|(_, (feature, _))| feature.name == name) else {
            return Err(NoColumn::Unknown);
        };
        if feature.universal {
            return Err(NoColumn::Refused(format!("'{name}' looks at all pairs; a rule sees one pair alone")));
        }
        if self.interval != Interval::H1 {
            return Err(NoColumn::Refused(format!(
                "'{name}' is a feature of hourly bars; this strategy's interval is {}",
                self.interval
            )));
        }
        let count = self.set.features().count();
        let (set, settings) = (&self.set, &self.settings);
        let features = self.features.get_or_insert_with(|| Features {
            engine: FeatureEngine::new(Arc::clone(set), settings),
            places: Vec::new(),
            values: vec![f64::NAN; count],
        });
        features.places.push((position, column));
        Ok(())
    }
}

impl BarColumns for NamedColumns {
    fn open(&mut self, name: &str) -> Result<usize, NoColumn> {
        if let Some(column) = self.names.iter().position(|known| known == name) {
            return Ok(column);
        }
        let column = self.names.len();
        if let Some((_, field)) = Field::ALL.iter().find(|(known, _)| *known == name) {
            self.fields.push((*field, column));
        } else {
            match names::read(name) {
                Named::Indicator { source, line } => self.open_indicator(source, line, column),
                Named::Wrong(text) => return Err(NoColumn::Refused(text)),
                Named::Nothing => self.open_feature(name, column)?,
            }
        }
        self.names.push(name.to_owned());
        Ok(column)
    }

    fn names_near(&self, word: &str) -> Vec<String> {
        let fields = Field::ALL.iter().map(|(name, _)| (*name).to_owned());
        let features = self.set.features().map(|(feature, _)| feature.name.clone());
        fields.chain(names::like(word)).chain(features).collect()
    }

    fn count(&self) -> usize {
        self.names.len()
    }

    #[inline(always)]
    fn push(&mut self, bar: &Bar, row: &mut [f64]) {
        for (field, column) in &self.fields {
            put(row, *column, field.of(bar));
        }
        let numbers = bar.row();
        for started in &mut self.sources {
            if let Some(column) = started.only {
                put(row, column, started.kernel.first(&numbers));
                continue;
            }
            started.kernel.run(std::slice::from_ref(&numbers), &mut started.lines);
            for (line, column) in &started.places {
                put(row, *column, started.lines.get(*line).copied().unwrap_or(f64::NAN));
            }
        }
        if let Some(features) = &mut self.features {
            features.take(bar);
            for (position, column) in &features.places {
                put(row, *column, features.values.get(*position).copied().unwrap_or(f64::NAN));
            }
        }
    }

    fn run(&mut self, bars: &[Bar], columns: &mut [Vec<f64>]) {
        for (field, column) in &self.fields {
            fill(columns, *column, bars.iter().map(|bar| field.of(bar)));
        }
        self.table.clear();
        self.table.extend(bars.iter().map(Ohlcv::row));
        let table = &self.table;
        let compute = |started: &mut Started| {
            started.lines.resize(started.source.lines() * table.len(), f64::NAN);
            started.kernel.run(table, &mut started.lines);
        };
        if table.len() >= WORTH_THREADS && self.sources.len() > 1 {
            self.sources.par_iter_mut().for_each(compute);
        } else {
            self.sources.iter_mut().for_each(compute);
        }
        for started in &mut self.sources {
            if let Some(column) = started.only
                && let Some(place) = columns.get_mut(column)
            {
                std::mem::swap(place, &mut started.lines);
                continue;
            }
            for (line, column) in &started.places {
                let values = started.lines.chunks(table.len().max(1)).nth(*line).unwrap_or_default();
                fill(columns, *column, values.iter().copied());
            }
        }
        if let Some(features) = &mut self.features {
            for (_, column) in &features.places {
                fill(columns, *column, std::iter::empty());
            }
            for bar in bars {
                features.take(bar);
                for (position, column) in &features.places {
                    let value = features.values.get(*position).copied().unwrap_or(f64::NAN);
                    columns.get_mut(*column).into_iter().for_each(|place| place.push(value));
                }
            }
        }
    }

    fn reset(&mut self) {
        self.sources.iter_mut().for_each(|started| started.kernel.reset());
        if let Some(features) = &mut self.features {
            features.engine.reset();
        }
    }
}

#[inline(always)]
fn put(row: &mut [f64], column: usize, value: f64) {
    if let Some(place) = row.get_mut(column) {
        *place = value;
    }
}

fn fill(columns: &mut [Vec<f64>], column: usize, values: impl Iterator<Item = f64>) {
    if let Some(place) = columns.get_mut(column) {
        place.clear();
        place.extend(values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UtcMs;
    use crate::domain::random::SplitMix64;

    fn hourly() -> NamedColumns {
        NamedColumns::new(Interval::H1, FeatureSet::built_in(), &PipelineSettings::default())
    }

    fn walk(n: usize) -> Vec<Bar> {
        let mut rng = SplitMix64::seeded(7);
        let mut close = 100.0;
        let bar = |i: usize| {
            let open: f64 = close;
            close = open * (1.0 + 0.02 * (rng.unit() - 0.5));
            let (high, low) = (open.max(close) * 1.002, open.min(close) * 0.998);
            Bar { open_time: UtcMs(i as i64 * 3_600_000), open, high, low, close, volume: 1.0 + rng.unit() }
        };
        (0..n).map(bar).collect()
    }

    #[test]
    fn one_bar_at_a_time_gives_the_same_bits_as_many() {
        let names =
            ["close", "sma_20", "rsi_14", "macd_signal_12_26_9", "bb_upper_20", "macd", "adx_14", "rsi14", "sma"];
        let (mut one, mut many) = (hourly(), hourly());
        for (number, name) in names.iter().enumerate() {
            assert_eq!((one.open(name), many.open(name)), (Ok(number), Ok(number)), "{name}");
        }
        assert_eq!((one.open("sma_20"), one.count()), (Ok(1), names.len()));
        let bars = walk(1500);
        let mut columns = vec![Vec::new(); names.len()];
        let mut together: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
        for part in [&bars[..1100], &bars[1100..]] {
            many.run(part, &mut columns);
            together.iter_mut().zip(&columns).for_each(|(all, part)| all.extend(part));
        }
        let mut row = vec![0.0; names.len()];
        for (i, bar) in bars.iter().enumerate() {
            one.push(bar, &mut row);
            for ((value, column), name) in row.iter().zip(&together).zip(names) {
                assert_eq!(value.to_bits(), column[i].to_bits(), "{name} at {i}");
            }
        }
        assert!(row.iter().all(|value| value.is_finite()), "{row:?}");
        one.reset();
        one.push(&bars[0], &mut row);
        assert!(row[0].is_finite() && row[1..].iter().all(|value| value.is_nan()), "{row:?}");
    }

    #[test]
    fn what_cannot_be_had_says_why() {
        let mut columns = hourly();
        assert_eq!(columns.open("smaa_50"), Err(NoColumn::Unknown));
        assert!(columns.names_near("smaa_50").contains(&"sma_50".to_owned()));
        let refused = |columns: &mut NamedColumns, name: &str| match columns.open(name) {
            Err(NoColumn::Refused(text)) => text,
            other => panic!("{name}: {other:?}"),
        };
        assert!(refused(&mut columns, "sma_0").contains("a whole number from 1"));
        assert!(refused(&mut columns, "sma_20_3").contains("at most 1"));
        assert!(refused(&mut columns, "strength_rank").contains("all pairs"));
        let mut minutes = NamedColumns::new(Interval(1), FeatureSet::built_in(), &PipelineSettings::default());
        assert!(refused(&mut minutes, "rsi14").contains("hourly bars; this strategy's interval is 1m"));
        assert_eq!((columns.count(), minutes.count()), (0, 0));
    }
}
