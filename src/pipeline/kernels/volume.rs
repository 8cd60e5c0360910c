//! Volume with the direction of the price.

use super::window::Sliding;
use super::{above, ratio, typical_price};
use crate::domain::Bar;

/// Where the close stands in its bar, −1 at the low to 1 at the high; 0 in a bar without range.
fn close_location(bar: &Bar) -> f64 {
    let range = bar.high - bar.low;
    if range > 0.0 { ((bar.close - bar.low) - (bar.high - bar.close)) / range } else { 0.0 }
}

/// Money flow index, 0..=100; first at index n. As in TA-Lib it is 0 when no money flowed.
#[derive(Debug, Clone)]
pub struct MoneyFlow {
    price: Option<f64>,
    flows: Sliding<[f64; 2]>,
    flowed: bool,
}

impl MoneyFlow {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { price: None, flows: Sliding::new(n), flowed: false }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        let price = typical_price(bar);
        let before = self.price.replace(price)?;
        let money = price * bar.volume;
        let flow = if above(price, before) {
            [money, 0.0]
        } else if above(before, price) {
            [0.0, money]
        } else {
            [0.0, 0.0]
        };
        let [inward, outward] = self.flows.push(flow)?;
        self.flowed = inward + outward > 0.0;
        Some(if self.flowed { 100.0 * (inward / (inward + outward)) } else { 0.0 })
    }

    /// Whether the last value was a ratio; `false` when it was the 0 that stands for 0/0.
    #[must_use]
    pub const fn is_defined(&self) -> bool {
        self.flowed
    }

    pub fn reset(&mut self) {
        self.price = None;
        self.flows.reset();
        self.flowed = false;
    }
}

/// Volume added on rising and taken off on falling closes, from the first bar's volume on.
#[derive(Debug, Clone, Default)]
pub struct OnBalanceVolume {
    close: Option<f64>,
    total: f64,
}

impl OnBalanceVolume {
    #[must_use]
    pub const fn new() -> Self {
        Self { close: None, total: 0.0 }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        match self.close.replace(bar.close) {
            Some(before) if bar.close < before => self.total -= bar.volume,
            Some(before) if bar.close == before => {}
            _ => self.total += bar.volume,
        }
        Some(self.total)
    }

    pub fn reset(&mut self) {
        *self = Self::new();
    }
}

/// Chaikin's accumulation and distribution line: the running sum of close location times volume.
#[derive(Debug, Clone, Default)]
pub struct Accumulation {
    total: f64,
}

impl Accumulation {
    #[must_use]
    pub const fn new() -> Self {
        Self { total: 0.0 }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        self.total += close_location(bar) * bar.volume;
        Some(self.total)
    }

    pub fn reset(&mut self) {
        self.total = 0.0;
    }
}

/// Chaikin money flow: Σ close location·volume / Σ volume, −1..=1; no value without volume; first at index n − 1.
#[derive(Debug, Clone)]
pub struct ChaikinFlow(Sliding<[f64; 2]>);

impl ChaikinFlow {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        let [flow, volume] = self.0.push([close_location(bar) * bar.volume, bar.volume])?;
        ratio(flow, volume)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Volume-weighted mean of the typical price over `n` bars; no value without volume; first at index n − 1.
#[derive(Debug, Clone)]
pub struct RollingVwap(Sliding<[f64; 2]>);

impl RollingVwap {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        let [money, volume] = self.0.push([typical_price(bar) * bar.volume, bar.volume])?;
        ratio(money, volume)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}
