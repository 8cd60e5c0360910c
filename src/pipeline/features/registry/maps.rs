//! Functions of one instant.

use std::f64::consts::TAU;

use super::{Inputs, KernelSpec, Lookback, Make, ONE};
use crate::pipeline::features::bank::Table;
use crate::pipeline::features::keys::{Args, Key};

/// A function of one instant's values. It has no value where the result is not a finite number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Map {
    /// a − b
    Difference,
    /// a / b
    Ratio,
    /// a · b
    Product,
    /// ln(a / b)
    LogRatio,
    /// ln x
    Ln,
    /// ln(1 + x)
    Ln1p,
    /// x / by
    Scale {
        by: f64,
    },
    /// (x − at) / by
    Centred {
        at: f64,
        by: f64,
    },
    /// (a − b) / c
    Distance,
    /// (x − low) / (high − low); none without a range
    Position,
    /// x where y is above 0, else none
    Where,
    /// (close − open) / (high − low), 0 in a bar without range
    BalanceOfPower,
    /// (high + low + close) / 3
    TypicalPrice,
    /// |x|
    Magnitude,
    /// x / (σ·√bars)
    OverSigma {
        root: f64,
    },
    /// Sine and cosine of a time that comes round after `period`.
    Sine {
        period: f64,
    },
    Cosine {
        period: f64,
    },
}

impl Map {
    /// Computes the row `out` of every pair from the rows `inputs`, which stand before it; NaN where an input has no value, or the result is none.
    pub fn run(self, table: &mut Table, inputs: &[u16], out: usize) {
        // Chosen once for all pairs, so that each of these is a loop without a choice.
        match self {
            Self::Difference => table.map(inputs, out, |[a, b]| a - b),
            Self::Ratio => table.map(inputs, out, |[a, b]| a / b),
            Self::Product => table.map(inputs, out, |[a, b]| a * b),
            Self::LogRatio => table.map(inputs, out, |[a, b]| (a / b).ln()),
            Self::Ln => table.map(inputs, out, |[x]| x.ln()),
            Self::Ln1p => table.map(inputs, out, |[x]| x.ln_1p()),
            Self::Scale { by } => table.map(inputs, out, |[x]| x / by),
            Self::Centred { at, by } => table.map(inputs, out, |[x]| (x - at) / by),
            Self::Distance => table.map(inputs, out, |[a, b, c]| (a - b) / c),
            Self::Position => table.map(inputs, out, |[x, low, high]| {
                let range = high - low;
                if range > 0.0 { (x - low) / range } else { f64::NAN }
            }),
            Self::Where => table.map(inputs, out, |[x, y]| if y > 0.0 { x } else { f64::NAN }),
            Self::BalanceOfPower => table.map(inputs, out, |[open, high, low, close]| {
                let range = high - low;
                if range <= 0.0 { 0.0 } else { (close - open) / range }
            }),
            Self::TypicalPrice => table.map(inputs, out, |[high, low, close]| (high + low + close) / 3.0),
            Self::Magnitude => table.map(inputs, out, |[x]| x.abs()),
            Self::OverSigma { root } => table.map(inputs, out, |[x, sigma]| x / (sigma * root)),
            Self::Sine { period } => table.map(inputs, out, |[x]| (TAU * x / period).sin()),
            Self::Cosine { period } => table.map(inputs, out, |[x]| (TAU * x / period).cos()),
        }
    }
}

const fn map(
    name: &'static str,
    words: &'static str,
    inputs: &'static [&'static str],
    keys: &'static [Key],
    make: fn(&Args) -> Map,
) -> KernelSpec {
    KernelSpec {
        name,
        words,
        inputs: Inputs::Named(inputs),
        keys,
        lines: ONE,
        lookback: |_, _| Lookback::NONE,
        level_free: false,
        make: Make::Map(make),
    }
}

const fn fields(spec: KernelSpec, fields: &'static [&'static str]) -> KernelSpec {
    KernelSpec { inputs: Inputs::Fields(fields), ..spec }
}

const NOT_ZERO: f64 = 1e-12;
const LARGE: f64 = 1e12;

pub(super) static KERNELS: &[KernelSpec] = &[
    map("difference", "{a} − {b}", &["a", "b"], &[], |_| Map::Difference),
    map("ratio", "{a} / {b}", &["a", "b"], &[], |_| Map::Ratio),
    map("product", "{a} · {b}", &["a", "b"], &[], |_| Map::Product),
    map("log_ratio", "ln({a} / {b})", &["a", "b"], &[], |_| Map::LogRatio),
    map("ln", "ln {x}", &["x"], &[], |_| Map::Ln),
    map("ln_1p", "ln(1 + {x})", &["x"], &[], |_| Map::Ln1p),
    map("scale", "{x} / {by}", &["x"], &[Key::number("by", NOT_ZERO, LARGE)], |a| Map::Scale { by: a.number("by") }),
    map(
        "centre",
        "({x} − {at}) / {by}",
        &["x"],
        &[Key::number("at", -LARGE, LARGE), Key::number("by", NOT_ZERO, LARGE)],
        |a| Map::Centred { at: a.number("at"), by: a.number("by") },
    ),
    map("position", "position of {x} between {low} and {high}, 0 to 1", &["x", "low", "high"], &[], |_| Map::Position),
    map("where", "{x} where {y} is above 0", &["x", "y"], &[], |_| Map::Where),
    map("abs", "|{x}|", &["x"], &[], |_| Map::Magnitude),
    fields(map("bop", "balance of power", &[], &[], |_| Map::BalanceOfPower), &["open", "high", "low", "close"]),
    fields(map("typprice", "typical price", &[], &[], |_| Map::TypicalPrice), &["high", "low", "close"]),
    map("distance", "({a} − {b}) / {unit}", &["a", "b", "unit"], &[], |_| Map::Distance),
    map("over_sigma", "{x} / ({sigma}·√{bars})", &["x", "sigma"], &[Key::count("bars", 1)], |a| Map::OverSigma {
        root: (a.count("bars") as f64).sqrt(),
    }),
    map("sine", "sine of {x} as an angle, once round in {period}", &["x"], &[Key::number("period", 1.0, LARGE)], |a| {
        Map::Sine { period: a.number("period") }
    }),
    map(
        "cosine",
        "cosine of {x} as an angle, once round in {period}",
        &["x"],
        &[Key::number("period", 1.0, LARGE)],
        |a| Map::Cosine { period: a.number("period") },
    ),
];
