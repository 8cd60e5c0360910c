//! From hourly rows to labelled samples: one per chosen bar that has everything a prediction would have, and a full label.

use crate::domain::market::Bar;
use crate::domain::settings::TrainingSettings;
use crate::domain::time::HOUR_MS;
use crate::domain::{ExitPlan, Horizon, Pair, UtcMs};

use super::cv::Span;
use super::labels::Path;
use super::numbers::correlation;
use super::weights::{PooledSpan, pooled};

/// One pair's history for training: hourly, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSeries {
    pub pair: Pair,
    pub rows: Vec<TrainingRow>,
}

/// One hourly bar with what was known at its close.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingRow {
    pub bar: Bar,
    /// The model inputs in the order of the feature set; `None` when one of them has no value. Single precision is far finer than what an
    /// input means, and halves the memory of training.
    pub features: Option<Box<[f32]>>,
    /// Sample sd of the last 24 one-bar log returns.
    pub sigma24: Option<f64>,
    /// There is a hole between the row before and this one; no label may span it.
    pub after_hole: bool,
}

/// One labelled observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// Index into [`Dataset::pairs`].
    pub pair: usize,
    /// Close of the bar: when a decision could have been taken.
    pub at: UtcMs,
    /// When the last of its labels was known: `at` plus the whole horizon.
    pub known: UtcMs,
    pub features: &'a [f32],
    /// The features one bar earlier, where there is no hole.
    pub lagged: Option<&'a [f32]>,
    pub sigma24: f64,
    /// Log return over the horizon in units of `σ24·√H`.
    pub scaled_return: f64,
    /// The managed trade ended with a profit after costs.
    pub win: bool,
    /// Net simple return of the managed trade.
    pub net: f64,
    /// Log return of the 24 hours before, where no hole lies in them: the momentum baseline.
    pub momentum: Option<f64>,
    /// Effective weight: uniqueness of the whole horizon within the pair (where the trade ended must not enter: winners that end early would
    /// weigh more than losers that linger, and every frequency would be too high), deflated for the correlation with the other pairs.
    pub weight: f64,
}

/// Samples of one exit plan, ordered by time, then pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset<'a> {
    pub exits: ExitPlan,
    pub pairs: Vec<Pair>,
    pub samples: Vec<Sample<'a>>,
    /// Mean correlation of the scaled returns between pairs, 0..=1.
    pub rho: f64,
}

/// Samples per horizon at most: denser ones of a long horizon are the same evidence again.
const SAMPLES_PER_HORIZON: u32 = 24;
/// Window of the momentum baseline.
const MOMENTUM_HOURS: usize = 24;
/// Common samples below which a correlation between two pairs is not estimated but taken as 1.
const MIN_COMMON: usize = 30;

/// Hours between two samples of a pair: at least `least`, more where the horizon is long.
#[must_use]
pub fn stride_of(least: u32, horizon: Horizon) -> u32 {
    least.max(horizon.0 / SAMPLES_PER_HORIZON).max(1)
}

impl<'a> Dataset<'a> {
    /// Labels every `stride_hours`-th bar (on one grid for all pairs; fewer where the horizon is long) within `from..to`. Nothing outside that
    /// range is read.
    #[must_use]
    pub fn build(series: &'a [TrainingSeries], settings: &TrainingSettings, exits: &ExitPlan, cost: f64) -> Self {
        let stride = stride_of(settings.stride_hours, exits.horizon);
        let mut samples: Vec<Sample<'a>> = series
            .iter()
            .enumerate()
            .flat_map(|(pair, one)| {
                let first = one.rows.partition_point(|r| r.bar.open_time < settings.from);
                let last = one.rows.partition_point(|r| r.bar.open_time < settings.to);
                samples_of(pair, one.rows.get(first..last).unwrap_or_default(), stride, exits, cost)
            })
            .collect();
        samples.sort_by_key(|s| (s.at, s.pair));
        let rho = mean_correlation(&samples, series.len());
        let hour = |t: UtcMs| t.0.div_euclid(HOUR_MS);
        let spans: Vec<PooledSpan> =
            samples.iter().map(|s| PooledSpan { pair: s.pair, first: hour(s.at), last: hour(s.known) - 1 }).collect();
        for (sample, weight) in samples.iter_mut().zip(pooled(&spans, rho)) {
            sample.weight = weight;
        }
        Self { exits: *exits, pairs: series.iter().map(|s| s.pair.clone()).collect(), samples, rho }
    }

    /// Effective number of independent labels.
    #[must_use]
    pub fn n_eff(&self) -> f64 {
        self.samples.iter().map(|s| s.weight).sum()
    }

    /// From decision to the last label, in ms: what must not overlap between learning and judging.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.samples.iter().map(|s| Span { start: s.at.0, end: s.known.0 }).collect()
    }

    /// The samples at `indices`.
    #[must_use]
    pub fn pick(&self, indices: &[usize]) -> Vec<&Sample<'a>> {
        indices.iter().filter_map(|i| self.samples.get(*i)).collect()
    }
}

fn samples_of<'a>(pair: usize, rows: &'a [TrainingRow], stride: u32, exits: &ExitPlan, cost: f64) -> Vec<Sample<'a>> {
    let path = Path::new(rows);
    let hours = exits.horizon.0;
    let unit = f64::from(hours).sqrt();
    rows.iter()
        .enumerate()
        .filter_map(|(t, row)| {
            let at = row.bar.open_time.plus(HOUR_MS);
            if at.0.div_euclid(HOUR_MS).rem_euclid(i64::from(stride.max(1))) != 0 {
                return None;
            }
            let features = row.features.as_deref().filter(|f| f.iter().all(|v| v.is_finite()))?;
            let sigma24 = row.sigma24?;
            let event = path.gated_event(t, exits, sigma24, cost)?;
            let scaled_return = path.forward_return(t, hours as usize)? / (sigma24 * unit);
            scaled_return.is_finite().then(|| Sample {
                pair,
                at,
                known: at.plus(exits.horizon.ms()),
                features,
                lagged: path.previous(t).and_then(|p| p.features.as_deref()),
                sigma24,
                scaled_return,
                win: event.win,
                net: event.net_return,
                momentum: path.past_return(t, MOMENTUM_HOURS),
                weight: 0.0,
            })
        })
        .collect()
}

/// Mean Pearson correlation over all pairs of pairs on common instants; a couple with too few of them counts as 1, the
/// side that claims less evidence. `samples` are in order of time.
fn mean_correlation(samples: &[Sample<'_>], pairs: usize) -> f64 {
    let mut of_pair: Vec<Vec<(UtcMs, f64)>> = vec![Vec::new(); pairs];
    for s in samples {
        if let Some(list) = of_pair.get_mut(s.pair) {
            list.push((s.at, s.scaled_return));
        }
    }
    let mut sum = 0.0;
    let mut couples = 0_u32;
    for (n, a) in of_pair.iter().enumerate() {
        for b in of_pair.iter().skip(n + 1) {
            let (x, y) = common(a, b);
            sum += if x.len() < MIN_COMMON { 1.0 } else { correlation(&x, &y).unwrap_or(1.0) };
            couples += 1;
        }
    }
    if couples == 0 { 0.0 } else { (sum / f64::from(couples)).clamp(0.0, 1.0) }
}

/// The values of two series, both in order of time, at the instants that both have.
fn common(a: &[(UtcMs, f64)], b: &[(UtcMs, f64)]) -> (Vec<f64>, Vec<f64>) {
    let mut others = b.iter().peekable();
    let mut both = Vec::new();
    for (at, x) in a {
        while others.next_if(|(t, _)| t < at).is_some() {}
        if let Some((_, y)) = others.next_if(|(t, _)| t == at) {
            both.push((*x, *y));
        }
    }
    both.into_iter().unzip()
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{Market, settings};
    use super::*;

    #[test]
    fn nothing_outside_the_range_is_read() {
        let series = Market::noise(2, 2_000, 5).build();
        let mut settings = settings(6);
        settings.from = series[0].rows[300].bar.open_time;
        settings.to = series[0].rows[1_500].bar.open_time;
        let exits = settings.exits[0];
        let whole = Dataset::build(&series, &settings, &exits, 0.004);
        assert!(whole.samples.iter().all(|s| s.at > settings.from && s.known <= settings.to));
        assert!(whole.samples.len() > 700);
        // Garbage outside the range changes nothing.
        let mut poisoned = series.clone();
        for one in &mut poisoned {
            for (i, row) in one.rows.iter_mut().enumerate() {
                if !(300..1_500).contains(&i) {
                    row.bar.close *= 7.0;
                    row.bar.high *= 9.0;
                    row.sigma24 = Some(f64::NAN);
                }
            }
        }
        assert_eq!(Dataset::build(&poisoned, &settings, &exits, 0.004), whole);
    }

    #[test]
    fn the_effective_size_is_smaller_than_the_row_count() {
        let series = Market::noise(2, 3_000, 6).build();
        let settings = settings(24);
        let data = Dataset::build(&series, &settings, &settings.exits[0], 0.004);
        assert!(data.rho < 0.2, "independent walks, rho {}", data.rho);
        // Two pairs of 3,000 hours hold about 2·3,000/24 independent labels.
        let expected = 6_000.0 / 24.0 / (1.0 + data.rho);
        assert!((data.n_eff() / expected - 1.0).abs() < 0.15, "{} vs {expected}", data.n_eff());
    }
}
