//! What bar kernels read of a bar.

use super::real::Real;
use crate::domain::Bar;

/// Prices and volume of a closed bar.
pub trait Ohlcv {
    type Number: Real;

    /// The five columns.
    fn row(&self) -> Row<Self::Number>;
}

/// One row of a table of bars; prices in quote units, volume in base units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<T = f64> {
    pub open: T,
    pub high: T,
    pub low: T,
    pub close: T,
    pub volume: T,
}

impl Row {
    /// The same row for several series side by side.
    #[must_use]
    pub fn side_by_side<T: Real>(&self) -> Row<T> {
        Row {
            open: T::of(self.open),
            high: T::of(self.high),
            low: T::of(self.low),
            close: T::of(self.close),
            volume: T::of(self.volume),
        }
    }
}

impl<T: Real> Row<T> {
    /// The same number in every column.
    #[must_use]
    pub fn of(x: f64) -> Self {
        let x = T::of(x);
        Self { open: x, high: x, low: x, close: x, volume: x }
    }
}

impl<T: Real> Ohlcv for Row<T> {
    type Number = T;

    #[inline(always)]
    fn row(&self) -> Self {
        *self
    }
}

impl Ohlcv for Bar {
    type Number = f64;

    #[inline(always)]
    fn row(&self) -> Row {
        Row { open: self.open, high: self.high, low: self.low, close: self.close, volume: self.volume }
    }
}
