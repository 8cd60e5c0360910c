//! What a curve of values was worth: return, risk, and how sure one can be of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::decision::measures::ratios::{annual_volatility, sortino};
use crate::decision::measures::value_at_risk;
use crate::domain::settings::HOURS_PER_YEAR;
use crate::domain::time::{DAY_MS, UtcMs};
use crate::ml::overfit::Track;
use crate::monitor::performance::{max_drawdown, sharpe, simple_returns};

/// Level of the minimum track record length.
const SURE: f64 = 0.95;
/// Level of the expected shortfall of a day.
const LEVEL: f64 = 0.99;

/// A value per hour, from an hour on; the first is where it began.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub name: String,
    pub points: Vec<(UtcMs, f64)>,
}

/// A curve in figures. Undefined is `None`: a curve that never moves has neither Sharpe ratio nor probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Performance {
    pub name: String,
    /// Share gained over the whole span; negative is a loss.
    pub total_return: Option<f64>,
    /// The same, as it would compound over a year.
    pub annual_return: Option<f64>,
    /// Standard deviation of hourly returns, times √8,760.
    pub volatility: Option<f64>,
    /// Mean over sd of hourly returns (idle hours counted), times √8,760; risk-free rate 0.
    pub sharpe: Option<f64>,
    /// Mean over downside deviation (by all hours), times √8,760.
    pub sortino: Option<f64>,
    /// Annual return over the largest fall.
    pub calmar: Option<f64>,
    pub max_drawdown: Option<f64>,
    /// Expected loss on the worst one of a hundred days, by the best way that the daily returns permit; `None` for fewer than thirty days.
    pub es99_day: Option<f64>,
    /// Probability that the true Sharpe ratio is above 0 (Bailey and López de Prado 2012).
    pub probabilistic_sharpe: Option<f64>,
    /// Hours of this track that would show a Sharpe ratio above 0 with 95 % confidence; `None` where it is not above 0.
    pub min_track_hours: Option<f64>,
    /// Total return without its best month.
    pub without_best_month: Option<f64>,
}

impl Curve {
    /// Hourly simple returns; `None` where a value is not above 0.
    #[must_use]
    pub fn returns(&self) -> Option<Vec<f64>> {
        simple_returns(&self.points.iter().map(|(_, value)| *value).collect::<Vec<_>>())
    }

    /// Returns from midnight to midnight.
    fn daily(&self) -> Vec<f64> {
        let ends = self.points.iter().filter(|(at, _)| at.0.rem_euclid(DAY_MS) == 0);
        simple_returns(&ends.map(|(_, value)| *value).collect::<Vec<_>>()).unwrap_or_default()
    }

    /// Return per month (`2024-07`), from the last value before it to its last one.
    #[must_use]
    pub fn months(&self) -> BTreeMap<String, f64> {
        let mut ends: BTreeMap<String, f64> = BTreeMap::new();
        for (at, value) in &self.points {
            ends.insert(month(*at), *value);
        }
        let mut before = self.points.first().map(|(_, value)| *value);
        let mut months = BTreeMap::new();
        for (name, end) in ends {
            if let Some(start) = before.filter(|start| *start > 0.0) {
                months.insert(name, end / start - 1.0);
            }
            before = Some(end);
        }
        months
    }

    #[must_use]
    pub fn performance(&self) -> Performance {
        let values: Vec<f64> = self.points.iter().map(|(_, value)| *value).collect();
        let returns = self.returns().unwrap_or_default();
        let gained =
            values.first().zip(values.last()).filter(|(first, _)| **first > 0.0).map(|(first, last)| last / first);
        let years = returns.len() as f64 / HOURS_PER_YEAR;
        let annual_return = gained.filter(|g| *g > 0.0 && years > 0.0).map(|g| g.powf(1.0 / years) - 1.0);
        let max_drawdown = max_drawdown(&values);
        let track = Track::of(&returns).filter(Track::is_sound);
        Performance {
            name: self.name.clone(),
            total_return: gained.map(|g| g - 1.0),
            annual_return,
            volatility: annual_volatility(&returns, HOURS_PER_YEAR).filter(|v| *v > 0.0),
            sharpe: sharpe(&returns, HOURS_PER_YEAR),
            sortino: sortino(&returns, 0.0, HOURS_PER_YEAR),
            calmar: annual_return.zip(max_drawdown.filter(|fall| *fall > 0.0)).map(|(gain, fall)| gain / fall),
            max_drawdown,
            es99_day: value_at_risk(&self.daily(), LEVEL).map(|e| e.risk.es),
            probabilistic_sharpe: track.and_then(|t| t.probabilistic_sharpe(0.0)),
            min_track_hours: track.and_then(|t| t.min_length(0.0, SURE)),
            without_best_month: self.without_best_month(),
        }
    }

    fn without_best_month(&self) -> Option<f64> {
        let months = self.months();
        let best = months.values().copied().fold(f64::NEG_INFINITY, f64::max);
        let all: f64 = months.values().map(|r| 1.0 + r).product();
        (months.len() > 1 && best > -1.0).then(|| all / (1.0 + best) - 1.0)
    }
}

/// The month of an instant, `2024-07`.
#[must_use]
pub fn month(at: UtcMs) -> String {
    at.date().chars().take(7).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::HOUR_MS;

    fn curve(values: &[f64], step: i64) -> Curve {
        let start = UtcMs(1_719_792_000_000); // 2024-07-01
        let points = values.iter().enumerate().map(|(i, v)| (start.plus(i as i64 * step), *v)).collect();
        Curve { name: "test".to_owned(), points }
    }

    #[test]
    fn a_flat_curve_has_a_return_of_zero_and_no_ratios() {
        let p = curve(&[100.0; 50], HOUR_MS).performance();
        assert_eq!((p.total_return, p.max_drawdown), (Some(0.0), Some(0.0)));
        assert_eq!((p.sharpe, p.sortino, p.calmar, p.volatility), (None, None, None, None));
        assert_eq!((p.probabilistic_sharpe, p.min_track_hours), (None, None));
        let none = curve(&[], HOUR_MS).performance();
        assert_eq!((none.total_return, none.max_drawdown), (None, None));
    }

    #[test]
    fn months_multiply_to_the_whole_and_the_best_can_be_dropped() {
        // July +10 % (by its last day), August −5 %, September +20 %.
        let mut values = vec![100.0; 31];
        values[30] = 110.0;
        values.extend([104.5; 31]);
        values.extend([125.4; 10]);
        let one = curve(&values, DAY_MS);
        let months: Vec<_> = one.months().into_iter().collect();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert_eq!(months.iter().map(|(m, _)| m.as_str()).collect::<Vec<_>>(), ["2024-07", "2024-08", "2024-09"]);
        assert!(near(months[0].1, 0.10) && near(months[1].1, -0.05) && near(months[2].1, 0.20), "{months:?}");
        let p = one.performance();
        assert!(near(p.total_return.unwrap(), 0.254) && near(p.without_best_month.unwrap(), 0.045), "{p:?}");
        assert!(near(p.max_drawdown.unwrap(), 0.05));
    }

    #[test]
    fn sortino_divides_by_every_hour() {
        let one = curve(&[100.0, 101.0, 99.99, 100.9899, 100.9899], HOUR_MS);
        let r = one.returns().unwrap();
        let downside = (r.iter().map(|x| x.min(0.0).powi(2)).sum::<f64>() / 4.0).sqrt();
        let expected = r.iter().sum::<f64>() / 4.0 / downside * 8_760.0_f64.sqrt();
        assert!((one.performance().sortino.unwrap() - expected).abs() < 1e-9);
    }
}
