//! Does what is said come true as often as it is said? The reliability diagram with its bands, the calibration error beside what chance
//! alone would show, and the Brier score taken apart.

use serde::{Deserialize, Serialize};

use super::scores::{Bin, Binning, Member, ece, members, wilson};

/// z of a two-sided 90 % interval.
pub const Z90_TWO_SIDED: f64 = 1.644_853_626_951_472_7;

/// One point of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Mean probability of the bin.
    pub confidence: f64,
    /// Observed rate.
    pub rate: f64,
    pub n: usize,
    /// Effective observations.
    pub n_eff: f64,
    /// Two-sided 90 % Wilson band of the rate on `n_eff`.
    pub band: (f64, f64),
}

/// The diagram of these bins; a bin without effective observations has no band and is left out.
#[must_use]
pub fn diagram(bins: &[Bin]) -> Vec<Point> {
    bins.iter()
        .filter_map(|b| {
            let band = wilson(b.rate, b.n_eff, Z90_TWO_SIDED)?;
            Some(Point { confidence: b.confidence, rate: b.rate, n: b.n, n_eff: b.n_eff, band })
        })
        .collect()
}

/// An expected calibration error beside the one that a perfectly calibrated forecast would show on the same bins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationError {
    pub ece: f64,
    /// Mean of the error under perfect calibration: noise is never below 0, so the error is biased up by this much.
    pub noise: f64,
    /// 95 % quantile of the error under perfect calibration.
    pub noise_upper: f64,
}

impl CalibrationError {
    /// Whether the error is at most `allowance` above what chance alone exceeds once in twenty.
    #[must_use]
    pub fn within(&self, allowance: f64) -> bool {
        self.ece <= allowance + self.noise_upper
    }
}

/// Compares the error of these bins with its distribution under perfect calibration: in each bin the rate would lie
/// `N(0, p(1−p)/n_eff)` off, so the error is a weighted sum of half-normals. Its quantile is Cornish and Fisher's, from the first four
/// cumulants of that sum. `None` without bins or where one has no effective observation.
#[must_use]
pub fn calibration_error(bins: &[Bin]) -> Option<CalibrationError> {
    const Z95_ONE_SIDED: f64 = 1.644_853_626_951_472_7;
    use std::f64::consts::{FRAC_2_PI, PI};
    let n: usize = bins.iter().map(|b| b.n).sum();
    if n == 0 || bins.iter().any(|b| b.n_eff <= 0.0) {
        return None;
    }
    let scales = bins.iter().map(|b| {
        let p = b.confidence;
        b.n as f64 / n as f64 * (p * (1.0 - p) / b.n_eff).max(0.0).sqrt()
    });
    let [mut mean, mut variance, mut third, mut fourth] = [0.0; 4];
    for s in scales {
        mean += s * FRAC_2_PI.sqrt();
        variance += s.powi(2) * (1.0 - FRAC_2_PI);
        third += s.powi(3) * FRAC_2_PI.sqrt() * (4.0 / PI - 1.0);
        fourth += s.powi(4) * 8.0 * (PI - 3.0) / PI.powi(2);
    }
    let z = Z95_ONE_SIDED;
    let upper = if variance > 0.0 {
        let (skew, excess) = (third / variance.powf(1.5), fourth / variance.powi(2));
        let bent = z + (z * z - 1.0) * skew / 6.0 + (z.powi(3) - 3.0 * z) * excess / 24.0
            - (2.0 * z.powi(3) - 5.0 * z) * skew * skew / 36.0;
        mean + variance.sqrt() * bent
    } else {
        mean
    };
    Some(CalibrationError { ece: ece(bins)?, noise: mean, noise_upper: upper })
}

/// The Brier score as a sum of five terms (Murphy 1973; Stephenson, Coelho, Jolliffe 2008). With bins the first three alone are not the
/// score: probabilities differ within a bin, and the last two are what that adds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BrierTerms {
    /// Distance of the bins' confidence from their rate; 0 is best.
    pub reliability: f64,
    /// How far the bins' rates are from the base rate; the larger the better.
    pub resolution: f64,
    /// Variance of the outcome: no forecast changes it.
    pub uncertainty: f64,
    /// Variance of the probabilities within bins.
    pub within_variance: f64,
    /// Twice the covariance of probability and outcome within bins.
    pub within_covariance: f64,
}

impl BrierTerms {
    /// The Brier score, exactly.
    #[must_use]
    pub fn brier(&self) -> f64 {
        self.reliability - self.resolution + self.uncertainty + self.within_variance - self.within_covariance
    }
}

/// Takes the Brier score apart over bins; each row counts once. `None` without rows.
#[must_use]
pub fn brier_terms(p: &[f64], wins: &[bool], binning: Binning) -> Option<BrierTerms> {
    let bins = members(p, wins, &vec![1.0; p.len()], binning);
    let n = bins.iter().map(Vec::len).sum::<usize>() as f64;
    let outcome = |m: &Member| f64::from(u8::from(m.win));
    if n == 0.0 {
        return None;
    }
    let base = bins.iter().flatten().map(outcome).sum::<f64>() / n;
    let mut terms = BrierTerms {
        reliability: 0.0,
        resolution: 0.0,
        uncertainty: base * (1.0 - base),
        within_variance: 0.0,
        within_covariance: 0.0,
    };
    for bin in &bins {
        let size = bin.len() as f64;
        let confidence = bin.iter().map(|m| m.p).sum::<f64>() / size;
        let rate = bin.iter().map(outcome).sum::<f64>() / size;
        terms.reliability += size / n * (confidence - rate).powi(2);
        terms.resolution += size / n * (rate - base).powi(2);
        for m in bin {
            terms.within_variance += (m.p - confidence).powi(2) / n;
            terms.within_covariance += 2.0 * (m.p - confidence) * (outcome(m) - rate) / n;
        }
    }
    Some(terms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::random::SplitMix64;
    use crate::ml::scores::{bins_by_mass, brier};

    fn forecasts(rng: &mut SplitMix64, n: usize, bend: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<bool>) {
        (0..n)
            .map(|_| {
                let p = 0.05 + 0.9 * rng.unit();
                (p, rng.unit() < bend(p))
            })
            .unzip()
    }

    #[test]
    fn the_noise_band_holds_its_rate() {
        let mut rng = SplitMix64::new(&[11]);
        let (mut inside, mut sum, mut expected) = (0, 0.0, 0.0);
        for _ in 0..1_000 {
            let (p, wins) = forecasts(&mut rng, 400, |p| p);
            let error = calibration_error(&bins_by_mass(&p, &wins, &vec![1.0; p.len()], 10)).unwrap();
            inside += i32::from(error.within(0.0));
            sum += error.ece;
            expected += error.noise;
        }
        assert!((930..=970).contains(&inside), "{inside} of 1000");
        assert!((sum / expected - 1.0).abs() < 0.03, "mean {} against {}", sum / 1e3, expected / 1e3);
    }

    #[test]
    fn overlapping_rows_widen_the_band_and_a_bent_forecast_leaves_it() {
        let mut rng = SplitMix64::new(&[12]);
        let (p, wins) = forecasts(&mut rng, 2_000, |p| 0.5 + 0.4 * (p - 0.5));
        let full = calibration_error(&bins_by_mass(&p, &wins, &vec![1.0; p.len()], 10)).unwrap();
        assert!(!full.within(0.03), "{full:?}");
        let thin = calibration_error(&bins_by_mass(&p, &wins, &vec![0.01; p.len()], 10)).unwrap();
        assert!((thin.noise / full.noise - 10.0).abs() < 1e-9 && thin.within(0.03));
        assert_eq!(calibration_error(&[]), None);
    }

    #[test]
    fn the_diagram_has_bands_on_effective_observations() {
        let bins = bins_by_mass(&[0.8; 40], &[true; 40], &[0.5; 40], 2);
        let points = diagram(&bins);
        assert_eq!(points.len(), 2);
        assert_eq!((points[0].n, points[0].n_eff), (20, 10.0));
        assert_eq!(Some(points[0].band), wilson(1.0, 10.0, Z90_TWO_SIDED));
        assert!(diagram(&bins_by_mass(&[0.8], &[true], &[0.0], 1)).is_empty());
    }

    proptest! {
        #[test]
        fn the_terms_add_up_to_the_score(
            rows in prop::collection::vec((0.0_f64..=1.0, any::<bool>()), 1..200),
            bins in 1_usize..20,
            mass in any::<bool>(),
        ) {
            let (p, wins): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
            let binning = if mass { Binning::Mass(bins) } else { Binning::Width(bins) };
            let terms = brier_terms(&p, &wins, binning).unwrap();
            prop_assert!((terms.brier() - brier(&p, &wins).unwrap()).abs() < 1e-12);
            prop_assert!(terms.reliability >= 0.0 && terms.resolution <= terms.uncertainty + 1e-12);
        }
    }
}
