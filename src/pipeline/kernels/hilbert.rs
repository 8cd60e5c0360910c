//! A trendline that adapts to the dominant cycle (Ehlers 2001).

use std::f64::consts::TAU;

use super::real::Real;

/// Ehlers's quadrature filter over every other value: its output leads its input by a quarter of a cycle.
#[derive(Debug, Clone)]
struct Quadrature<T> {
    /// The six inputs before the newest, newest first.
    past: [T; 6],
}

impl<T: Real> Quadrature<T> {
    const OUTER: f64 = 0.0962;
    const INNER: f64 = 0.5769;

    fn new() -> Self {
        Self { past: [T::of(0.0); 6] }
    }

    #[inline(always)]
    fn push(&mut self, x: T, gain: T) -> T {
        let [x1, x2, x3, x4, x5, x6] = self.past;
        self.past = [x, x1, x2, x3, x4, x5];
        (T::of(Self::OUTER) * (x - x6) + T::of(Self::INNER) * (x2 - x4)) * gain
    }
}

/// What the cycle's measurement carries from bar to bar.
#[derive(Debug, Clone)]
struct Cycle<T> {
    detrender: Quadrature<T>,
    quadrature: Quadrature<T>,
    in_phase_ahead: Quadrature<T>,
    quadrature_ahead: Quadrature<T>,
    /// The last three outputs of the detrender, newest first.
    detrended: [T; 3],
    in_phase: T,
    in_quadrature: T,
    real: T,
    imaginary: T,
    period: T,
    smooth_period: T,
}

impl<T: Real> Cycle<T> {
    /// Shortest and longest cycle, in bars.
    const RANGE: (f64, f64) = (6.0, 50.0);

    fn new() -> Self {
        let zero = T::of(0.0);
        Self {
            detrender: Quadrature::new(),
            quadrature: Quadrature::new(),
            in_phase_ahead: Quadrature::new(),
            quadrature_ahead: Quadrature::new(),
            detrended: [zero; 3],
            in_phase: zero,
            in_quadrature: zero,
            real: zero,
            imaginary: zero,
            period: zero,
            smooth_period: zero,
        }
    }

    /// Takes the next smoothed price; the smoothed length of the cycle in bars.
    #[inline(always)]
    fn push(&mut self, x: T) -> T {
        let gain = T::of(0.075) * self.period + T::of(0.54);
        let detrended = self.detrender.push(x, gain);
        let [d1, d2, in_phase] = self.detrended;
        self.detrended = [detrended, d1, d2];
        let quadrature = self.quadrature.push(detrended, gain);
        let in_phase_ahead = self.in_phase_ahead.push(in_phase, gain);
        let quadrature_ahead = self.quadrature_ahead.push(quadrature, gain);
        let smooth = |new: T, old: T| T::of(0.2) * new + T::of(0.8) * old;
        let q = smooth(quadrature + in_phase_ahead, self.in_quadrature);
        let i = smooth(in_phase - quadrature_ahead, self.in_phase);
        self.real = smooth(i * self.in_phase + q * self.in_quadrature, self.real);
        self.imaginary = smooth(i * self.in_quadrature - q * self.in_phase, self.imaginary);
        self.in_phase = i;
        self.in_quadrature = q;
        let period = self.measured().least(T::of(1.5) * self.period).most(T::of(0.67) * self.period);
        let (shortest, longest) = Self::RANGE;
        self.period = smooth(period.most(T::of(shortest)).least(T::of(longest)), self.period);
        self.smooth_period = T::of(0.33) * self.period + T::of(0.67) * self.smooth_period;
        self.smooth_period
    }

    /// A full turn over the angle turned since the last bar; the old period where there was no turn.
    #[inline(always)]
    fn measured(&self) -> T {
        let zero = T::of(0.0);
        let some = |x: T| x.abs().above(zero);
        let angle = (self.imaginary / self.real).map(f64::atan);
        T::pick(some(self.imaginary) & some(self.real), T::of(TAU) / angle, self.period)
    }
}

/// Sums of the last 1, 2, … [`Self::LONGEST`] values: a sum is begun with each value and every later one is added to it, so nothing is
/// ever subtracted.
#[derive(Debug, Clone)]
struct SuffixSums<T> {
    /// A ring of the sums from one value to the newest.
    sums: Box<[T]>,
    newest: usize,
}

impl<T: Real> SuffixSums<T> {
    const LONGEST: usize = 64;

    fn new() -> Self {
        Self { sums: vec![T::of(0.0); Self::LONGEST].into(), newest: 0 }
    }

    #[inline(always)]
    fn push(&mut self, x: T) {
        self.newest = (self.newest + 1) % Self::LONGEST;
        if let Some(slot) = self.sums.get_mut(self.newest) {
            *slot = T::of(0.0);
        }
        for sum in &mut self.sums {
            *sum = *sum + x;
        }
    }

    /// The mean of the last `count` values, 1 at least and [`Self::LONGEST`] at most.
    #[inline(always)]
    fn mean(&self, count: T) -> T {
        let count = count.most(T::of(1.0));
        let sum = |count: f64| {
            let first = (self.newest + Self::LONGEST + 1).saturating_sub(count as usize) % Self::LONGEST;
            self.sums.get(first).copied().unwrap_or(T::of(f64::NAN))
        };
        count.look_up(sum) / count
    }
}

/// Hilbert transform, instantaneous trendline (TA-Lib's HT_TRENDLINE), in price units: the mean over one dominant cycle, smoothed; first at
/// index 63. The cycle's length is measured from the phase of the detrended price.
#[derive(Debug, Clone)]
pub struct Trendline<T = f64> {
    seen: usize,
    /// The last three prices, newest first.
    prices: [T; 3],
    cycle: Cycle<T>,
    sums: SuffixSums<T>,
    /// The last three means over a cycle, newest first.
    means: [T; 3],
}

impl<T: Real> Trendline<T> {
    /// Bars before the first one that is measured, and before the first value.
    const START: usize = 37;
    const LOOK_BACK: usize = 63;

    #[must_use]
    pub fn new() -> Self {
        let zero = T::of(0.0);
        Self { seen: 0, prices: [zero; 3], cycle: Cycle::new(), sums: SuffixSums::new(), means: [zero; 3] }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.sums.push(x);
        let [x1, x2, x3] = self.prices;
        self.prices = [x, x1, x2];
        self.seen += 1;
        if self.seen <= Self::START {
            return None;
        }
        let smoothed = (T::of(4.0) * x + T::of(3.0) * x1 + T::of(2.0) * x2 + x3) * T::of(0.1);
        let bars = (self.cycle.push(smoothed) + T::of(0.5)).map(f64::trunc);
        let mean = self.sums.mean(bars);
        let [m1, m2, m3] = self.means;
        self.means = [mean, m1, m2];
        let value = (T::of(4.0) * mean + T::of(3.0) * m1 + T::of(2.0) * m2 + m3) / T::of(10.0);
        (self.seen > Self::LOOK_BACK).then_some(value)
    }

    pub fn reset(&mut self) {
        *self = Self::new();
    }
}

impl<T: Real> Default for Trendline<T> {
    fn default() -> Self {
        Self::new()
    }
}
