//! The forecasts that cost nothing: a model that does not beat them after purging and costs is not shipped.

use serde::{Deserialize, Serialize};

/// Half-life of the momentum in bars.
pub const HALF_LIFE: f64 = 24.0;

/// Which baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaselineKind {
    /// The price stays where it is.
    Zero,
    /// The mean return of the past goes on (drift).
    HistoricalMean,
    /// The exponentially weighted mean of the last returns goes on.
    EwmaMomentum,
    /// Trades end with a profit as often as they did.
    Majority,
}

impl BaselineKind {
    pub const ALL: [Self; 4] = [Self::Zero, Self::HistoricalMean, Self::EwmaMomentum, Self::Majority];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::HistoricalMean => "historical mean",
            Self::EwmaMomentum => "EWMA momentum",
            Self::Majority => "majority",
        }
    }

    /// One-bar returns that it needs before the instant of its forecast.
    #[must_use]
    pub const fn bars(self) -> usize {
        match self {
            Self::Zero | Self::HistoricalMean | Self::Majority => 0,
            Self::EwmaMomentum => HALF_LIFE as usize,
        }
    }
}

/// What a baseline learns from: one labelled observation of the training rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastOutcome {
    /// As [`momentum`] had it at the decision; `None` where there were too few bars.
    pub momentum: Option<f64>,
    /// Log return over the horizon in units of `σ·√H`.
    pub scaled_return: f64,
    pub win: bool,
    /// Effective weight.
    pub weight: f64,
}

/// A fitted baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "baseline", deny_unknown_fields)]
pub enum Baseline {
    Zero {},
    HistoricalMean {
        /// Weighted mean of the scaled returns.
        scaled_return: f64,
    },
    EwmaMomentum {
        /// Rate of wins after a momentum above zero, and at or below zero; `None` where training had no such row.
        rising: Option<f64>,
        falling: Option<f64>,
    },
    Majority {
        /// Rate of wins.
        rate: f64,
    },
}

impl Baseline {
    /// Learns from training rows; `None` when their weights sum to nothing.
    #[must_use]
    pub fn fit(kind: BaselineKind, rows: &[PastOutcome]) -> Option<Self> {
        let all = |_: &PastOutcome| true;
        let win = |row: &PastOutcome| f64::from(u8::from(row.win));
        let after = |row: &PastOutcome, rising: bool| row.momentum.is_some_and(|m| (m > 0.0) == rising);
        Some(match kind {
            BaselineKind::Zero => Self::Zero {},
            BaselineKind::HistoricalMean => {
                Self::HistoricalMean { scaled_return: weighted_mean(rows, all, |row| row.scaled_return)? }
            }
            BaselineKind::EwmaMomentum => Self::EwmaMomentum {
                rising: weighted_mean(rows, |row| after(row, true), win),
                falling: weighted_mean(rows, |row| after(row, false), win),
            },
            BaselineKind::Majority => Self::Majority { rate: weighted_mean(rows, all, win)? },
        })
    }

    #[must_use]
    pub const fn kind(&self) -> BaselineKind {
        match self {
            Self::Zero {} => BaselineKind::Zero,
            Self::HistoricalMean { .. } => BaselineKind::HistoricalMean,
            Self::EwmaMomentum { .. } => BaselineKind::EwmaMomentum,
            Self::Majority { .. } => BaselineKind::Majority,
        }
    }

    /// Forecast of the log return over `hours` bars in units of `σ·√hours`; `None` where the baseline makes none.
    #[must_use]
    pub fn scaled_return(&self, momentum: Option<f64>, hours: u32) -> Option<f64> {
        match self {
            Self::Zero {} => Some(0.0),
            Self::HistoricalMean { scaled_return } => Some(*scaled_return),
            Self::EwmaMomentum { .. } => momentum.map(|m| m * f64::from(hours).sqrt()),
            Self::Majority { .. } => None,
        }
    }

    /// Forecast of the probability that the managed trade wins: a rate of the training rows; `None` where the baseline makes none.
    #[must_use]
    pub fn probability(&self, momentum: Option<f64>) -> Option<f64> {
        match self {
            Self::Zero {} | Self::HistoricalMean { .. } => None,
            Self::EwmaMomentum { rising, falling } => momentum.and_then(|m| if m > 0.0 { *rising } else { *falling }),
            Self::Majority { rate } => Some(*rate),
        }
    }

    /// Whether its numbers are finite and its rates lie in 0..=1.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let rate = |r: &f64| (0.0..=1.0).contains(r);
        match self {
            Self::Zero {} => true,
            Self::HistoricalMean { scaled_return } => scaled_return.is_finite(),
            Self::EwmaMomentum { rising, falling } => [rising, falling].into_iter().flatten().all(rate),
            Self::Majority { rate: r } => rate(r),
        }
    }
}

/// Exponentially weighted mean of the one-bar log returns (oldest first, the last one just closed) in units of `sigma`, the sd of one
/// bar; half-life `HALF_LIFE` bars. `None` with fewer returns than that, or without a positive `sigma`.
#[must_use]
pub fn momentum(returns: &[f64], sigma: f64) -> Option<f64> {
    if returns.len() < BaselineKind::EwmaMomentum.bars() || sigma.is_nan() || sigma <= 0.0 {
        return None;
    }
    let decay = 0.5_f64.powf(1.0 / HALF_LIFE);
    let (sum, weight) = returns.iter().fold((0.0, 0.0), |(sum, weight), r| (sum * decay + r, weight * decay + 1.0));
    Some(sum / weight / sigma).filter(|m| m.is_finite())
}

fn weighted_mean(
    rows: &[PastOutcome],
    counts: impl Fn(&PastOutcome) -> bool,
    of: impl Fn(&PastOutcome) -> f64,
) -> Option<f64> {
    let (sum, weight) = rows
        .iter()
        .filter(|row| counts(row))
        .fold((0.0, 0.0), |(sum, weight), row| (sum + row.weight * of(row), weight + row.weight));
    (weight > 0.0).then(|| crate::ml::numbers::tidy(sum / weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<PastOutcome> {
        let row = |momentum, scaled_return, win, weight| PastOutcome { momentum, scaled_return, win, weight };
        vec![
            row(Some(0.5), 1.0, true, 1.0),
            row(Some(0.1), 0.5, true, 0.5),
            row(Some(0.2), -1.0, false, 0.5),
            row(Some(-0.3), -0.5, false, 1.0),
            row(None, 0.0, false, 1.0),
        ]
    }

    #[test]
    fn each_predicts_what_it_says() {
        let fit = |kind| Baseline::fit(kind, &rows()).unwrap();
        let zero = fit(BaselineKind::Zero);
        assert_eq!((zero.scaled_return(None, 24), zero.probability(None)), (Some(0.0), None));
        let mean = fit(BaselineKind::HistoricalMean);
        assert_eq!((mean.scaled_return(None, 24), mean.probability(None)), (Some(0.0625), None));
        let momentum = fit(BaselineKind::EwmaMomentum);
        assert_eq!(momentum.scaled_return(Some(0.1), 4), Some(0.2));
        assert_eq!((momentum.probability(Some(0.1)), momentum.probability(Some(-0.1))), (Some(0.75), Some(0.0)));
        assert_eq!((momentum.scaled_return(None, 4), momentum.probability(None)), (None, None));
        let majority = fit(BaselineKind::Majority);
        assert_eq!((majority.scaled_return(Some(0.1), 4), majority.probability(None)), (None, Some(0.375)));
        for kind in BaselineKind::ALL {
            let one = fit(kind);
            assert!(one.is_sound() && one.kind() == kind && !kind.as_str().is_empty());
            let text = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<Baseline>(&text).unwrap(), one, "{text}");
        }
    }

    #[test]
    fn nothing_learned_is_nothing_said() {
        assert_eq!(Baseline::fit(BaselineKind::Majority, &[]), None);
        assert_eq!(Baseline::fit(BaselineKind::HistoricalMean, &[]), None);
        assert_eq!(Baseline::fit(BaselineKind::EwmaMomentum, &[]).unwrap().probability(Some(1.0)), None);
        assert!(
            !Baseline::Majority { rate: 1.5 }.is_sound()
                && !Baseline::HistoricalMean { scaled_return: f64::NAN }.is_sound()
        );
        assert!(serde_json::from_str::<Baseline>(r#"{"baseline":"majority","rate":0.5,"more":1}"#).is_err());
    }

    #[test]
    fn momentum_weighs_the_last_bars_most() {
        assert_eq!(momentum(&[0.01; 23], 0.01), None);
        assert_eq!(momentum(&[0.01; 48], 0.0), None);
        assert!((momentum(&[0.01; 48], 0.01).unwrap() - 1.0).abs() < 1e-12);
        let mut turned = vec![-0.01; 24];
        turned.extend([0.01; 24]);
        // The last half-life has weight 1/2 of an endless past: 2/3 of one that is two half-lives long.
        assert!((momentum(&turned, 0.01).unwrap() - 1.0 / 3.0).abs() < 1e-12);
    }
}
