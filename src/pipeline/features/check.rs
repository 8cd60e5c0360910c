//! Does a feature know what it cannot know? Recomputes values with less of the past, another future, another order and another unit of price.
//!
//! The checks look at whatever computes rows from histories, so that a leak anywhere on the way is found: in a kernel, a transform, the look at
//! all pairs or the alignment. Methods: truncation and poison as in Lopez de Prado (2018) and lookahead checks of backtesters; start-up by
//! recomputing with fewer bars.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::history::{History, replay};
use super::set::FeatureSet;
use crate::domain::settings::PipelineSettings;
use crate::domain::time::HOUR_MS;
use crate::domain::{Bar, Pair, UtcMs};

/// What a value is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The same with nothing known after its instant: bit for bit.
    Truncation,
    /// The same with every later bar replaced by NaN, by absurd numbers, or turned upside down: bit for bit.
    Poison,
    /// The same with the pairs in another order: bit for bit.
    Order,
    /// The same with only as many bars before it as the feature says it needs to agree.
    StartUp,
    /// A first value no later than the feature says.
    WarmUp,
    /// The same with prices in another unit.
    Unit,
}

impl Check {
    pub const ALL: [Self; 6] = [Self::Truncation, Self::Poison, Self::Order, Self::StartUp, Self::WarmUp, Self::Unit];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Truncation => "truncation",
            Self::Poison => "poison",
            Self::Order => "order",
            Self::StartUp => "start-up",
            Self::WarmUp => "warm-up",
            Self::Unit => "unit",
        }
    }

    /// In words, for a table.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Truncation => "equal, bit for bit, with nothing known after it",
            Self::Poison => "equal, bit for bit, whatever comes after it",
            Self::Order => "equal, bit for bit, with the pairs in another order",
            Self::StartUp => "equal to 1e-4 with no more bars before it than the feature asks for",
            Self::WarmUp => "a first value as soon as the feature says",
            Self::Unit => "equal to 1e-6 with prices a millionth of what they are",
        }
    }

    const fn tolerance(self) -> f64 {
        match self {
            Self::StartUp => 1e-4,
            Self::Unit => 1e-6,
            Self::Truncation | Self::Poison | Self::Order | Self::WarmUp => 0.0,
        }
    }
}

/// A value that is not what it must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub check: Check,
    pub feature: String,
    pub pair: Pair,
    pub at: UtcMs,
    /// With the whole history, and in the check.
    pub value: Option<f64>,
    pub other: Option<f64>,
}

/// What one check came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub check: Check,
    /// Values that were compared.
    pub compared: u64,
    pub wrong: u64,
    /// Features with a wrong value, in the order of the set.
    pub features: Vec<String>,
    /// The largest difference among values that agree, relative to 1 and to the value.
    pub largest: f64,
    /// The first wrong value of each feature.
    pub findings: Vec<Finding>,
}

/// Takes a row: the end of the hour, the place of the pair and the values in the order of the columns.
pub type Each<'a> = dyn FnMut(UtcMs, usize, &[f64]) + 'a;

/// Computes rows of histories and hands over each of them.
pub type Compute<'a> = dyn Fn(&[History], &mut Each<'_>) + 'a;

/// How the set computes rows: a panel over the histories.
pub fn panel_rows<'a>(
    set: &'a Arc<FeatureSet>,
    settings: &'a PipelineSettings,
) -> impl Fn(&[History], &mut Each<'_>) + 'a {
    move |histories, each| {
        let mut row = Vec::with_capacity(set.schema().len());
        replay(set, settings, histories, |end, panel, present| {
            for pair in present {
                row.clear();
                row.extend(panel.values(*pair));
                each(end, *pair, &row);
            }
        });
    }
}

/// Values by instant and pair.
type Rows = BTreeMap<(UtcMs, usize), Vec<f64>>;

/// Checks a set against histories of the same time.
pub struct Checker<'a> {
    set: &'a FeatureSet,
    histories: &'a [History],
    compute: &'a Compute<'a>,
    /// Instants that are looked at.
    instants: Vec<UtcMs>,
    /// With everything known.
    full: Rows,
}

/// Hours of the future that are poisoned: longer than any look ahead that could pass for honest.
const POISONED_HOURS: i64 = 240;

impl<'a> Checker<'a> {
    /// Looks at `instants` hours, spread over the histories' second half as evenly as they can be.
    #[must_use]
    pub fn new(set: &'a FeatureSet, histories: &'a [History], compute: &'a Compute<'a>, instants: usize) -> Self {
        let ends: BTreeSet<UtcMs> = histories.iter().flat_map(|h| h.hours.iter().map(|hour| hour.end)).collect();
        let ends: Vec<UtcMs> = ends.into_iter().collect();
        let later = ends.get(ends.len() / 2..).unwrap_or_default();
        // The very last hour has no future to leak from.
        let most = later.len().saturating_sub(1).min(instants);
        let instants: Vec<UtcMs> =
            (0..most).filter_map(|i| later.get(i * later.len().saturating_sub(1) / most.max(1))).copied().collect();
        let mut checker = Self { set, histories, compute, instants, full: Rows::new() };
        checker.full = checker.rows(histories, &checker.instants);
        checker
    }

    /// How many instants are looked at.
    #[must_use]
    pub fn instants(&self) -> usize {
        self.instants.len()
    }

    /// Features that had no value at any of the instants: nothing can be said of them.
    #[must_use]
    pub fn without_values(&self) -> Vec<&'a str> {
        let never = |column: &usize| self.full.values().all(|row| row.get(*column).is_none_or(|v| v.is_nan()));
        let columns = self.set.schema().columns().iter().enumerate();
        columns.filter(|(i, _)| never(i)).map(|(_, column)| column.name.as_str()).collect()
    }

    /// Runs every check; `told` hears what is done next.
    pub fn run(&self, mut told: impl FnMut(Check)) -> Vec<Summary> {
        Check::ALL
            .into_iter()
            .map(|check| {
                told(check);
                self.one(check)
            })
            .collect()
    }

    /// Runs one check.
    #[must_use]
    pub fn one(&self, check: Check) -> Summary {
        let mut summary =
            Summary { check, compared: 0, wrong: 0, features: Vec::new(), largest: 0.0, findings: Vec::new() };
        match check {
            Check::Truncation => self.truncation(&mut summary),
            Check::Poison => self.poison(&mut summary),
            Check::Order => self.order(&mut summary),
            Check::StartUp => self.start_up(&mut summary),
            Check::WarmUp => self.warm_up(&mut summary),
            Check::Unit => self.unit(&mut summary),
        }
        let wrong: BTreeSet<String> = summary.findings.iter().map(|f| f.feature.clone()).collect();
        let names = self.set.schema().columns().iter().map(|c| c.name.clone());
        summary.features = names.filter(|name| wrong.contains(name)).collect();
        summary
    }

    fn rows(&self, histories: &[History], instants: &[UtcMs]) -> Rows {
        let mut rows = Rows::new();
        (self.compute)(histories, &mut |end, pair, values| {
            if instants.binary_search(&end).is_ok() {
                rows.insert((end, pair), values.to_vec());
            }
        });
        rows
    }

    fn truncation(&self, summary: &mut Summary) {
        for at in &self.instants {
            let known: Vec<History> = self.histories.iter().map(|h| h.up_to(*at)).collect();
            self.compare(summary, *at, &self.rows(&known, &[*at]), |_| true);
        }
    }

    fn poison(&self, summary: &mut Summary) {
        let poisons: [fn(&Bar) -> Bar; 3] = [
            |bar| Bar { volume: f64::NAN, ..with_prices(bar, |_| f64::NAN) },
            |bar| Bar { volume: 1e12, ..with_prices(bar, |_| 1e12) },
            |bar| Bar { volume: 1.0 / bar.volume, ..with_prices(bar, |price| 1.0 / price) },
        ];
        for (n, at) in self.instants.iter().enumerate() {
            let Some(poison) = poisons.get(n % poisons.len()) else { continue };
            let poisoned: Vec<History> = self
                .histories
                .iter()
                .map(|history| {
                    let mut history = history.up_to(at.plus(POISONED_HOURS * HOUR_MS));
                    for hour in history.hours.iter_mut().filter(|hour| hour.end > *at) {
                        hour.bar = hour.bar.as_ref().map(poison);
                        hour.flow = None;
                    }
                    history
                })
                .collect();
            self.compare(summary, *at, &self.rows(&poisoned, &[*at]), |_| true);
        }
    }

    fn order(&self, summary: &mut Summary) {
        let count = self.histories.len();
        let turned: Vec<History> = self.histories.iter().rev().cloned().collect();
        let rows = self.rows(&turned, &self.instants);
        let rows = rows.into_iter().map(|((at, pair), values)| ((at, count - 1 - pair), values)).collect();
        for at in &self.instants {
            self.compare(summary, *at, &rows, |_| true);
        }
    }

    /// With each number of bars that some feature says it needs: those that need no more must agree.
    fn start_up(&self, summary: &mut Summary) {
        let needs: BTreeSet<usize> = self.set.features().map(|(_, feature)| feature.settled).collect();
        let Some(begin) = self.histories.iter().filter_map(|h| Some(h.hours.first()?.end)).max() else { return };
        // A few instants: each costs as many hours as all needs together.
        for at in self.instants.iter().rev().step_by(self.instants.len().div_ceil(4).max(1)) {
            for need in &needs {
                let from = at.plus(-HOUR_MS * i64::try_from(*need).unwrap_or(i64::MAX / HOUR_MS));
                if from < begin {
                    continue;
                }
                let late: Vec<History> = self.histories.iter().map(|h| h.after(from).up_to(*at)).collect();
                let rows = self.rows(&late, &[*at]);
                let due: Vec<bool> = self.set.features().map(|(_, feature)| feature.settled == *need).collect();
                self.compare(summary, *at, &rows, |column| due.get(column).copied().unwrap_or(false));
            }
        }
    }

    /// Every feature has its first value when it says, in the first stretch without a hole that is long enough.
    fn warm_up(&self, summary: &mut Summary) {
        for (pair, history) in self.histories.iter().enumerate() {
            let Some(stretch) = longest_stretch(history) else { continue };
            let begin = stretch.hours.first().map_or(UtcMs(0), |hour| hour.end);
            let alone = [stretch];
            let mut first: Vec<Option<usize>> = vec![None; self.set.schema().len()];
            let mut hours = 0;
            (self.compute)(&alone, &mut |_, _, values| {
                hours += 1;
                for (first, value) in first.iter_mut().zip(values) {
                    if !value.is_nan() {
                        first.get_or_insert(hours);
                    }
                }
            });
            for ((column, feature), first) in self.set.features().zip(first) {
                // Order flow is not in a recording of candles; a look at all pairs needs them.
                let early = first.is_some_and(|first| first < feature.filled);
                let late = hours > feature.filled + 24 && first.is_some_and(|first| first > feature.filled + 24);
                summary.compared += u64::from(first.is_some());
                if early || late {
                    summary.wrong += 1;
                    summary.findings.push(Finding {
                        check: Check::WarmUp,
                        feature: column.name.clone(),
                        pair: self.pair(pair),
                        at: begin,
                        value: Some(feature.filled as f64),
                        other: first.map(|f| f as f64),
                    });
                }
            }
        }
    }

    fn unit(&self, summary: &mut Summary) {
        let scaled: Vec<History> = self
            .histories
            .iter()
            .map(|history| {
                let mut history = history.clone();
                for hour in &mut history.hours {
                    hour.bar = hour.bar.as_ref().map(|bar| with_prices(bar, |price| price * 1e-6));
                }
                history
            })
            .collect();
        let rows = self.rows(&scaled, &self.instants);
        for at in &self.instants {
            self.compare(summary, *at, &rows, |_| true);
        }
    }

    /// Holds rows against those with everything known, at one instant and for the columns that are due.
    fn compare(&self, summary: &mut Summary, at: UtcMs, rows: &Rows, due: impl Fn(usize) -> bool) {
        let tolerance = summary.check.tolerance();
        for ((_, pair), full) in self.full.range((at, 0)..=(at, usize::MAX)) {
            let other = rows.get(&(at, *pair));
            for (i, (column, value)) in self.set.schema().columns().iter().zip(full).enumerate() {
                if !due(i) {
                    continue;
                }
                let other = other.and_then(|row| row.get(i)).copied().unwrap_or(f64::NAN);
                summary.compared += 1;
                let far = (value - other).abs() / value.abs().max(1.0);
                let same = (value.is_nan() && other.is_nan())
                    || if tolerance > 0.0 { far <= tolerance } else { value.to_bits() == other.to_bits() };
                if same {
                    summary.largest = summary.largest.max(if far.is_nan() { 0.0 } else { far });
                    continue;
                }
                summary.wrong += 1;
                if summary.findings.iter().all(|f| f.feature != column.name) {
                    let some = |x: f64| Some(x).filter(|x| !x.is_nan());
                    summary.findings.push(Finding {
                        check: summary.check,
                        feature: column.name.clone(),
                        pair: self.pair(*pair),
                        at,
                        value: some(*value),
                        other: some(other),
                    });
                }
            }
        }
    }

    fn pair(&self, place: usize) -> Pair {
        self.histories.get(place).map_or_else(|| self.set.leader().clone(), |h| h.pair.clone())
    }
}

/// A bar with other prices, high and low in their places.
fn with_prices(bar: &Bar, of: impl Fn(f64) -> f64) -> Bar {
    let (open, high, low, close) = (of(bar.open), of(bar.high), of(bar.low), of(bar.close));
    Bar { open, high: high.max(low), low: low.min(high), close, ..*bar }
}

/// The longest run of hours without a hole.
fn longest_stretch(history: &History) -> Option<History> {
    let joined = |a: &super::history::Hour, b: &super::history::Hour| {
        a.bar.is_some() && b.bar.is_some() && b.end.since(a.end) == HOUR_MS
    };
    let hours = history.hours.chunk_by(joined).max_by_key(|hours| hours.len())?;
    Some(History { pair: history.pair.clone(), hours: hours.to_vec() })
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
