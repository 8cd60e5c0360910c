//! Volume with the direction of the price.

use super::real::Real;
use super::row::{Ohlcv, Row};
use super::window::Sliding;
use super::{above, ratio, typical_price};

/// Where the close stands in its bar, −1 at the low to 1 at the high; 0 in a bar without range.
#[inline(always)]
fn close_location<T: Real>(bar: &Row<T>) -> T {
    let (range, zero) = (bar.high - bar.low, T::of(0.0));
    T::pick(range.above(zero), ((bar.close - bar.low) - (bar.high - bar.close)) / range, zero)
}

/// Money flow index, 0..=100; first at index n. As in TA-Lib it is 0 when no money flowed.
#[derive(Debug, Clone)]
pub struct MoneyFlow<T = f64> {
    price: Option<T>,
    flows: Sliding<[T; 2]>,
    /// Money in and out together.
    flowed: T,
}

impl<T: Real> MoneyFlow<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { price: None, flows: Sliding::new(n), flowed: T::of(0.0) }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let bar = bar.row();
        let price = typical_price(&bar);
        let before = self.price.replace(price)?;
        let (money, none) = (price * bar.volume, T::of(0.0));
        let flow = [T::pick(above(price, before), money, none), T::pick(above(before, price), money, none)];
        let [inward, outward] = self.flows.push(flow)?;
        self.flowed = inward + outward;
        Some(T::pick(self.flowed.above(none), T::of(100.0) * (inward / self.flowed), none))
    }

    pub fn reset(&mut self) {
        self.price = None;
        self.flows.reset();
        self.flowed = T::of(0.0);
    }
}

impl MoneyFlow {
    /// Whether the last value was a ratio; `false` when it was the 0 that stands for 0/0.
    #[must_use]
    pub fn is_defined(&self) -> bool {
        self.flowed > 0.0
    }
}

/// Volume added on rising and taken off on falling closes, from the first bar's volume on.
#[derive(Debug, Clone)]
pub struct OnBalanceVolume<T = f64> {
    close: Option<T>,
    total: T,
}

impl<T: Real> OnBalanceVolume<T> {
    #[must_use]
    pub fn new() -> Self {
        Self { close: None, total: T::of(0.0) }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let bar = bar.row();
        let zero = T::of(0.0);
        let change = match self.close.replace(bar.close) {
            Some(before) => {
                let (up, down) = (bar.close.above(before), before.above(bar.close));
                T::pick(up, bar.volume, T::pick(down, -bar.volume, zero))
            }
            None => bar.volume,
        };
        self.total = self.total + change;
        Some(self.total)
    }

    pub fn reset(&mut self) {
        *self = Self::new();
    }
}

impl<T: Real> Default for OnBalanceVolume<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Chaikin's accumulation and distribution line: the running sum of close location times volume.
#[derive(Debug, Clone)]
pub struct Accumulation<T = f64> {
    total: T,
}

impl<T: Real> Accumulation<T> {
    #[must_use]
    pub fn new() -> Self {
        Self { total: T::of(0.0) }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let bar = bar.row();
        self.total = self.total + close_location(&bar) * bar.volume;
        Some(self.total)
    }

    pub fn reset(&mut self) {
        *self = Self::new();
    }
}

impl<T: Real> Default for Accumulation<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Chaikin oscillator: a fast minus a slow exponential average of the accumulation line. As in TA-Lib both averages start at the line's
/// first value; first at index slow − 1.
#[derive(Debug, Clone)]
pub struct ChaikinOscillator<T = f64> {
    line: Accumulation<T>,
    shares: [f64; 2],
    look_back: usize,
    seen: usize,
    averages: Option<[T; 2]>,
}

impl<T: Real> ChaikinOscillator<T> {
    #[must_use]
    pub fn new(fast: usize, slow: usize) -> Self {
        let share = |n: usize| 2.0 / (n.max(1) as f64 + 1.0);
        Self {
            line: Accumulation::new(),
            shares: [share(fast), share(slow)],
            look_back: fast.max(slow).max(1) - 1,
            seen: 0,
            averages: None,
        }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let line = self.line.push(bar)?;
        let [fast, slow] = self.averages.unwrap_or([line, line]);
        let [fast_share, slow_share] = self.shares.map(T::of);
        let (fast, slow) = (fast + fast_share * (line - fast), slow + slow_share * (line - slow));
        self.averages = Some([fast, slow]);
        if self.seen < self.look_back {
            self.seen += 1;
            return None;
        }
        Some(fast - slow)
    }

    pub fn reset(&mut self) {
        self.line.reset();
        self.seen = 0;
        self.averages = None;
    }
}

/// Balance of power of one bar: (close − open) / (high − low), −1..=1; 0 in a bar without range.
#[must_use]
#[inline(always)]
pub fn balance_of_power<B: Ohlcv>(bar: &B) -> B::Number {
    let bar = bar.row();
    let (range, zero) = (bar.high - bar.low, B::Number::of(0.0));
    B::Number::pick(range.above(zero), (bar.close - bar.open) / range, zero)
}

/// Chaikin money flow: Σ close location·volume / Σ volume, −1..=1; no value without volume; first at index n − 1.
#[derive(Debug, Clone)]
pub struct ChaikinFlow<T = f64>(Sliding<[T; 2]>);

impl<T: Real> ChaikinFlow<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let bar = bar.row();
        let [flow, volume] = self.0.push([close_location(&bar) * bar.volume, bar.volume])?;
        ratio(flow, volume)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Volume-weighted mean of the typical price over `n` bars; no value without volume; first at index n − 1.
#[derive(Debug, Clone)]
pub struct RollingVwap<T = f64>(Sliding<[T; 2]>);

impl<T: Real> RollingVwap<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let bar = bar.row();
        let [money, volume] = self.0.push([typical_price(&bar) * bar.volume, bar.volume])?;
        ratio(money, volume)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}
