//! What a series of returns earned for its risk. Conventions of empyrical: simple returns per bar, idle bars included.

use serde::Serialize;

use super::sound;
use crate::decision::check::known;
use crate::ml::numbers::{mean, quantile_sorted, sorted, variance};
use crate::monitor::performance::max_drawdown;

/// Sortino ratio a year against the return `mar` per bar; the downside deviation divides by all returns, not only the bad ones.
#[must_use]
pub fn sortino(returns: &[f64], mar: f64, periods_per_year: f64) -> Option<f64> {
    let over: Vec<f64> = sound(returns)?.iter().map(|r| r - mar).collect();
    let downside = mean(&over.iter().map(|r| r.min(0.0).powi(2)).collect::<Vec<_>>())?.sqrt();
    known(mean(&over)? / downside * periods_per_year.sqrt())
}

/// Growth a year, and that over the deepest drawdown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Calmar {
    /// Compound growth a year, as a share.
    pub cagr: f64,
    pub ratio: f64,
}

/// Calmar ratio. `None` without a drawdown, and for a series that loses everything.
#[must_use]
pub fn calmar(returns: &[f64], periods_per_year: f64) -> Option<Calmar> {
    let equity = equity(returns)?;
    let cagr = known(equity.last()?.powf(periods_per_year / returns.len() as f64) - 1.0)?;
    let ratio = known(cagr / max_drawdown(&equity)?)?;
    Some(Calmar { cagr, ratio })
}

/// Equity bar by bar from 1, the start included; `None` for no returns or as soon as nothing is left.
pub(super) fn equity(returns: &[f64]) -> Option<Vec<f64>> {
    let mut value = 1.0;
    let grown = sound(returns)?.iter().map(|r| {
        value *= 1.0 + r;
        value
    });
    let equity: Vec<f64> = std::iter::once(1.0).chain(grown).collect();
    equity.iter().all(|v| *v > 0.0 && v.is_finite()).then_some(equity)
}

/// Volatility a year: sd (ddof 1) of the returns, scaled.
#[must_use]
pub fn annual_volatility(returns: &[f64], periods_per_year: f64) -> Option<f64> {
    known((variance(sound(returns)?)? * periods_per_year).sqrt())
}

/// Gains over losses beyond `threshold`, both summed (Keating and Shadwick 2002). `None` without a loss. At 0 this is the profit factor.
#[must_use]
pub fn omega(returns: &[f64], threshold: f64) -> Option<f64> {
    let over = || returns.iter().map(|r| r - threshold);
    sound(returns)?;
    let (gains, losses): (f64, f64) = (over().map(|r| r.max(0.0)).sum(), over().map(|r| (-r).max(0.0)).sum());
    if losses > 0.0 { known(gains / losses) } else { None }
}

/// The 95 % quantile over the 5 % quantile, without signs.
#[must_use]
pub fn tail_ratio(returns: &[f64]) -> Option<f64> {
    let rising = sorted(sound(returns)?.to_vec());
    known(quantile_sorted(&rising, 0.95)?.abs() / quantile_sorted(&rising, 0.05)?.abs())
}

/// Share of the returns above 0.
#[must_use]
pub fn win_rate(returns: &[f64]) -> Option<f64> {
    let won = sound(returns)?.iter().filter(|r| **r > 0.0).count();
    Some(won as f64 / returns.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let returns = [0.10, -0.05, 0.0, 0.05];
        // Mean 0.025, downside √(0.0025/4) = 0.025.
        assert!((sortino(&returns, 0.0, 1.0).unwrap() - 1.0).abs() < 1e-12);
        assert!((omega(&returns, 0.0).unwrap() - 3.0).abs() < 1e-12);
        assert!((omega(&returns, 0.05).unwrap() - 0.05 / 0.15).abs() < 1e-12);
        assert_eq!(win_rate(&returns), Some(0.5));
        let calmar = calmar(&[0.10, -0.05], 2.0).unwrap();
        assert!((calmar.cagr - 0.045).abs() < 1e-12 && (calmar.ratio - 0.9).abs() < 1e-12);
    }

    #[test]
    fn without_a_loss_there_is_no_ratio() {
        let gains = [0.01, 0.02];
        assert_eq!(sortino(&gains, 0.0, 8_760.0), None);
        assert_eq!(omega(&gains, 0.0), None);
        assert_eq!(calmar(&gains, 8_760.0), None);
        assert_eq!(tail_ratio(&[0.0; 5]), None);
        assert_eq!(calmar(&[-1.0, 0.5], 8_760.0), None);
        for broken in [vec![], vec![f64::NAN, 0.1]] {
            assert_eq!(sortino(&broken, 0.0, 1.0), None);
            assert_eq!(omega(&broken, 0.0), None);
            assert_eq!(win_rate(&broken), None);
            assert_eq!(annual_volatility(&broken, 1.0), None);
        }
    }
}
