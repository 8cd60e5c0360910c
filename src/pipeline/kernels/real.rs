//! The numbers that kernels compute with.

use std::fmt::Debug;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

/// A real number, or several side by side that take the same steps (see [`Lanes`](super::lanes::Lanes)).
///
/// Only operations that IEEE 754 rounds correctly are used on all lanes at once, so a lane holds, bit for bit, what it would hold alone.
/// Choices are made by [`Real::pick`] instead of branches.
pub trait Real:
    Copy
    + Debug
    + PartialEq
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// The answer to a comparison, lane by lane.
    type Mask: Copy + Debug + BitAnd<Output = Self::Mask> + BitOr<Output = Self::Mask> + Not<Output = Self::Mask>;

    /// Whether it is more than one number.
    const SEVERAL: bool;

    /// The same number in every lane.
    fn of(x: f64) -> Self;

    /// self > other.
    fn above(self, other: Self) -> Self::Mask;

    /// self ≥ other.
    fn reaches(self, other: Self) -> Self::Mask;

    /// `then` where the mask holds, else `otherwise`.
    fn pick(mask: Self::Mask, then: Self, otherwise: Self) -> Self;

    fn sqrt(self) -> Self;

    fn abs(self) -> Self;

    /// A function of one number, lane by lane.
    fn map(self, f: impl Fn(f64) -> f64) -> Self;

    /// What a table holds for this number, lane by lane: each lane takes its own lane of the entry it asks for.
    fn look_up(self, entry: impl Fn(f64) -> Self) -> Self;

    /// No value unless the number is finite. Several lanes always are a value: one without a value holds NaN.
    fn finite(self) -> Option<Self>;

    /// The smaller of two.
    #[inline(always)]
    fn least(self, other: Self) -> Self {
        Self::pick(other.above(self), self, other)
    }

    /// The larger of two.
    #[inline(always)]
    fn most(self, other: Self) -> Self {
        Self::pick(self.above(other), self, other)
    }

    /// The natural logarithm.
    #[inline(always)]
    fn ln(self) -> Self {
        self.map(f64::ln)
    }
}

impl Real for f64 {
    type Mask = bool;

    const SEVERAL: bool = false;

    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn above(self, other: Self) -> bool {
        self > other
    }

    #[inline(always)]
    fn reaches(self, other: Self) -> bool {
        self >= other
    }

    #[inline(always)]
    fn pick(mask: bool, then: Self, otherwise: Self) -> Self {
        if mask { then } else { otherwise }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self::abs(self)
    }

    #[inline(always)]
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        f(self)
    }

    #[inline(always)]
    fn look_up(self, entry: impl Fn(f64) -> Self) -> Self {
        entry(self)
    }

    #[inline(always)]
    fn finite(self) -> Option<Self> {
        self.is_finite().then_some(self)
    }
}
