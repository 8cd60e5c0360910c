//! Least-squares fits over a window.

use std::f64::consts::LN_2;

use super::ratio;
use super::real::Real;
use super::window::{CoMoments, Sliding, Trend};

/// Values of [`Line`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinePoints<T = f64> {
    /// Change per bar.
    pub slope: T,
    /// The line at the newest value (TA-Lib's LINEARREG).
    pub now: T,
    /// The line one bar ahead (TA-Lib's TSF).
    pub next: T,
    /// The mean with weights 1..=n, the newest heaviest (TA-Lib's WMA).
    pub weighted: T,
}

/// The least-squares line through the newest `n` values; through a single value it is flat; first at index n − 1.
#[derive(Debug, Clone)]
pub struct Line<T = f64> {
    n: f64,
    /// Σ(position − mean position)².
    spread: f64,
    window: Sliding<Trend<T>>,
}

impl<T: Real> Line<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let count = n.max(1) as f64;
        Self { n: count, spread: (count * (count * count - 1.0) / 12.0).max(0.5), window: Sliding::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<LinePoints<T>> {
        let trend = self.window.push(Trend::of(x))?;
        let slope = trend.cross / T::of(self.spread);
        let ahead = |bars: f64| trend.mean + slope * T::of((self.n - 1.0) / 2.0 + bars);
        // A weighted mean is two thirds of the way from the line's value n − 1 bars ago to the newest.
        let weighted = trend.mean + slope * T::of((self.n - 1.0) / 6.0);
        Some(LinePoints { slope, now: ahead(0.0), next: ahead(1.0), weighted })
    }

    pub fn reset(&mut self) {
        self.window.reset();
    }
}

/// Pearson's correlation of two series over the newest `n` pairs of values, −1..=1; no value when one of them is flat; first at index n − 1.
#[derive(Debug, Clone)]
pub struct Correlation<T = f64>(Sliding<CoMoments<T>>);

impl<T: Real> Correlation<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T, y: T) -> Option<T> {
        let m = self.0.push(CoMoments::of(x, y))?;
        ratio(m.xy, m.xx.sqrt() * m.yy.sqrt())
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Slope of the one-bar simple returns of `y` on those of `x` over the newest `n` returns; no value when `x` does not move; first at index n.
/// (TA-Lib's BETA; its first argument is `x`.)
#[derive(Debug, Clone)]
pub struct Beta<T = f64> {
    before: Option<(T, T)>,
    window: Sliding<CoMoments<T>>,
}

impl<T: Real> Beta<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { before: None, window: Sliding::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T, y: T) -> Option<T> {
        let (x_before, y_before) = self.before.replace((x, y))?;
        let one = T::of(1.0);
        let m = self.window.push(CoMoments::of(x / x_before - one, y / y_before - one))?;
        ratio(m.xy, m.xx)
    }

    pub fn reset(&mut self) {
        self.before = None;
        self.window.reset();
    }
}

/// Half-life of mean reversion in bars over the newest `n` values, from the fit Δx = a + b·x(before): −ln 2 / ln(1 + b).
/// No value when the series does not revert (b ≥ 0), when it overshoots its mean within one bar (b ≤ −1), or when it is flat.
#[derive(Debug, Clone)]
pub struct HalfLife {
    before: Option<f64>,
    window: Sliding<CoMoments>,
}

impl HalfLife {
    /// `n` values (at least 3) make n − 1 steps; first value at index n − 1.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { before: None, window: Sliding::new(n.max(3) - 1) }
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        let before = self.before.replace(x)?;
        let m = self.window.push(CoMoments::of(before, x - before))?;
        let b = ratio(m.xy, m.xx)?;
        (b < 0.0 && b > -1.0).then(|| -LN_2 / b.ln_1p())
    }

    pub fn reset(&mut self) {
        self.before = None;
        self.window.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path that loses a tenth of its distance from 4 with each step, pushed about by a fixed pattern.
    fn reverting() -> impl Iterator<Item = f64> {
        let mut x = 4.5;
        (0..400).map(move |i| {
            x += -0.1 * (x - 4.0) + 0.02 * (f64::from(i) * 12.9898).sin();
            x
        })
    }

    #[test]
    fn half_life_of_a_known_reversion() {
        let mut half_life = HalfLife::new(100);
        let values: Vec<_> = (0..120).map(|i| half_life.push(4.0 + 0.5 * 0.9_f64.powi(i))).collect();
        assert!(values[..99].iter().all(Option::is_none));
        let expected = -LN_2 / 0.9_f64.ln();
        assert!(values[99..].iter().all(|h| h.is_some_and(|h| (h - expected).abs() < 1e-6)), "{values:?}");
    }

    #[test]
    fn half_life_equals_a_fit_from_scratch() {
        let path: Vec<_> = reverting().collect();
        let mut half_life = HalfLife::new(30);
        for (i, x) in path.iter().enumerate() {
            let got = half_life.push(*x);
            let Some(window) = (i + 1).checked_sub(30).map(|from| &path[from..=i]) else { continue };
            let n = 29.0;
            let (xs, ds): (Vec<_>, Vec<_>) = window.windows(2).map(|w| (w[0], w[1] - w[0])).unzip();
            let (mx, md) = (xs.iter().sum::<f64>() / n, ds.iter().sum::<f64>() / n);
            let xy: f64 = xs.iter().zip(&ds).map(|(x, d)| (x - mx) * (d - md)).sum();
            let xx: f64 = xs.iter().map(|x| (x - mx).powi(2)).sum();
            let b = xy / xx;
            let want = (b < 0.0 && b > -1.0).then(|| -LN_2 / (1.0 + b).ln());
            match (got, want) {
                (Some(got), Some(want)) => assert!((got - want).abs() <= 1e-8 * want, "{i}: {got} {want}"),
                (got, want) => assert_eq!(got, want, "at {i}"),
            }
        }
    }

    #[test]
    fn a_trend_and_a_flat_line_do_not_revert() {
        let mut half_life = HalfLife::new(20);
        assert!((0..60).map(|i| half_life.push(1.01_f64.powi(i))).all(|h| h.is_none()));
        half_life.reset();
        assert!((0..60).map(|_| half_life.push(3.0)).all(|h| h.is_none()));
    }
}
