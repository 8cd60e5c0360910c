//! Several series side by side.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

use super::real::Real;

/// `N` numbers, one of each series, that take the same steps. Fixed-size loops without branches: the compiler turns them into vector
/// instructions of whatever machine it builds for.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub struct Lanes<const N: usize>(pub [f64; N]);

/// Answers of [`Lanes`], as bits: all set or none, so that a choice is a few bit operations and never a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub struct LaneMask<const N: usize>([u64; N]);

impl<const N: usize> Lanes<N> {
    #[inline(always)]
    fn each(mut self, f: impl Fn(f64) -> f64) -> Self {
        for x in &mut self.0 {
            *x = f(*x);
        }
        self
    }

    #[inline(always)]
    fn with(mut self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        for (x, y) in self.0.iter_mut().zip(&other.0) {
            *x = f(*x, *y);
        }
        self
    }

    #[inline(always)]
    fn ask(self, other: Self, f: impl Fn(f64, f64) -> bool) -> LaneMask<N> {
        let mut answers = [0; N];
        for (answer, (x, y)) in answers.iter_mut().zip(self.0.iter().zip(&other.0)) {
            *answer = if f(*x, *y) { u64::MAX } else { 0 };
        }
        LaneMask(answers)
    }
}

impl<const N: usize> Add for Lanes<N> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.with(other, |x, y| x + y)
    }
}

impl<const N: usize> Sub for Lanes<N> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.with(other, |x, y| x - y)
    }
}

impl<const N: usize> Mul for Lanes<N> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.with(other, |x, y| x * y)
    }
}

impl<const N: usize> Div for Lanes<N> {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.with(other, |x, y| x / y)
    }
}

impl<const N: usize> Neg for Lanes<N> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        self.each(|x| -x)
    }
}

impl<const N: usize> BitAnd for LaneMask<N> {
    type Output = Self;

    #[inline(always)]
    fn bitand(mut self, other: Self) -> Self {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a &= *b;
        }
        self
    }
}

impl<const N: usize> BitOr for LaneMask<N> {
    type Output = Self;

    #[inline(always)]
    fn bitor(mut self, other: Self) -> Self {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a |= *b;
        }
        self
    }
}

impl<const N: usize> Not for LaneMask<N> {
    type Output = Self;

    #[inline(always)]
    fn not(mut self) -> Self {
        for a in &mut self.0 {
            *a = !*a;
        }
        self
    }
}

impl<const N: usize> Real for Lanes<N> {
    type Mask = LaneMask<N>;

    const SEVERAL: bool = true;

    #[inline(always)]
    fn of(x: f64) -> Self {
        Self([x; N])
    }

    #[inline(always)]
    fn above(self, other: Self) -> LaneMask<N> {
        self.ask(other, |x, y| x > y)
    }

    #[inline(always)]
    fn reaches(self, other: Self) -> LaneMask<N> {
        self.ask(other, |x, y| x >= y)
    }

    #[inline(always)]
    fn pick(mask: LaneMask<N>, then: Self, otherwise: Self) -> Self {
        let mut picked = otherwise;
        for (x, (holds, y)) in picked.0.iter_mut().zip(mask.0.iter().zip(&then.0)) {
            *x = f64::from_bits((holds & y.to_bits()) | (!holds & x.to_bits()));
        }
        picked
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.each(f64::sqrt)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.each(f64::abs)
    }

    #[inline(always)]
    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        self.each(f)
    }

    #[inline(always)]
    fn look_up(self, entry: impl Fn(f64) -> Self) -> Self {
        let mut found = self;
        for (lane, x) in found.0.iter_mut().enumerate() {
            *x = entry(*x).0.get(lane).copied().unwrap_or(f64::NAN);
        }
        found
    }

    #[inline(always)]
    fn finite(self) -> Option<Self> {
        Some(self.each(|x| if x.is_finite() { x } else { f64::NAN }))
    }

    #[inline(always)]
    fn least(self, other: Self) -> Self {
        self.with(other, |x, y| if y > x { x } else { y })
    }

    #[inline(always)]
    fn most(self, other: Self) -> Self {
        self.with(other, |x, y| if x > y { x } else { y })
    }
}
