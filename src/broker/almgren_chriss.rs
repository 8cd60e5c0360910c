//! The schedule that trades impact off against the risk of waiting (Almgren and Chriss 2000, eq. 17–20). A reference to hold others against.

/// What the schedule rests on; one unit of time throughout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Liquidation {
    /// Units to sell.
    pub units: f64,
    pub slices: u32,
    /// Time to be done in.
    pub horizon: f64,
    /// Volatility in price per √time.
    pub sigma: f64,
    /// Temporary impact: price per unit of trading speed.
    pub eta: f64,
    /// Permanent impact: price per unit.
    pub gamma: f64,
    /// Aversion to variance of the cost; 0 trades evenly.
    pub lambda: f64,
}

/// How it is best sold.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// Urgency: 1/κ is how long a half-life of the holding takes, by and large.
    pub kappa: f64,
    /// Held before each slice and after the last, so one more than slices.
    pub holdings: Vec<f64>,
    /// Sold in each slice.
    pub trades: Vec<f64>,
}

/// The trajectory with the least cost plus λ times its variance. `None` for parameters that are negative or not finite, for no slices, and
/// where the permanent impact within a slice outweighs the temporary one.
#[must_use]
pub fn trajectory(order: &Liquidation) -> Option<Trajectory> {
    let Liquidation { units, slices, horizon, sigma, eta, gamma, lambda } = *order;
    let all = [units, horizon, sigma, eta, gamma, lambda];
    if slices == 0 || horizon <= 0.0 || all.iter().any(|v| !(v.is_finite() && *v >= 0.0)) {
        return None;
    }
    let tau = horizon / f64::from(slices);
    let temporary = eta - 0.5 * gamma * tau;
    if temporary <= 0.0 {
        return None;
    }
    // cosh κτ = 1 + κ̃²τ²/2, which is sinh(κτ/2) = κ̃τ/2 and keeps its digits for small κ.
    let kappa = 2.0 / tau * (0.5 * tau * (lambda * sigma * sigma / temporary).sqrt()).asinh();
    let held = |j: u32| units * decay(kappa, horizon, tau * f64::from(j));
    let holdings: Vec<f64> = (0..=slices).map(|j| if j == slices { 0.0 } else { held(j) }).collect();
    let trades = holdings.iter().zip(holdings.iter().skip(1)).map(|(before, after)| before - after).collect();
    holdings.iter().all(|h| h.is_finite()).then_some(Trajectory { kappa, holdings, trades })
}

/// sinh κ(T − t) / sinh κT, without overflow and with its limit for κ = 0.
fn decay(kappa: f64, horizon: f64, t: f64) -> f64 {
    if kappa == 0.0 {
        return (horizon - t) / horizon;
    }
    let below = |x: f64| -(-2.0 * kappa * x).exp_m1();
    (-kappa * t).exp() * below(horizon - t) / below(horizon)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORDER: Liquidation =
        Liquidation { units: 100.0, slices: 4, horizon: 2.0, sigma: 0.5, eta: 0.1, gamma: 0.01, lambda: 0.0 };

    #[test]
    fn without_aversion_it_trades_evenly() {
        let even = trajectory(&ORDER).unwrap();
        assert_eq!((even.kappa, even.trades), (0.0, vec![25.0; 4]));
        assert_eq!(even.holdings, [100.0, 75.0, 50.0, 25.0, 0.0]);
    }

    #[test]
    fn an_extreme_aversion_sells_at_once_without_overflow() {
        let urgent = trajectory(&Liquidation { lambda: 1e12, ..ORDER }).unwrap();
        assert!((urgent.trades[0] - 100.0).abs() < 1e-3, "{urgent:?}");
    }

    #[test]
    fn what_makes_no_sense_is_none() {
        for order in [
            Liquidation { slices: 0, ..ORDER },
            Liquidation { horizon: 0.0, ..ORDER },
            Liquidation { lambda: f64::NAN, ..ORDER },
            Liquidation { units: -1.0, ..ORDER },
            Liquidation { gamma: 1.0, ..ORDER },
        ] {
            assert_eq!(trajectory(&order), None);
        }
    }

    proptest! {
        #[test]
        fn everything_is_sold_and_more_of_it_early(lambda in 0.0_f64..100.0, slices in 1_u32..50) {
            let sold = trajectory(&Liquidation { lambda, slices, ..ORDER }).unwrap();
            prop_assert!((sold.trades.iter().sum::<f64>() - 100.0).abs() < 1e-9);
            prop_assert!(sold.trades.windows(2).all(|w| w[1] <= w[0] + 1e-9));
        }
    }
}
