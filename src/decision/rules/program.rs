//! A compiled set of expressions and its evaluation on one bar.
//!
//! Every value has a register of its own. A number that is missing is NaN; a condition is 1, 0 or NaN for "unknown". Programs are checked when they
//! are compiled: evaluation cannot fail and does not allocate.

use std::ops::Range;

/// Registers of a program: what a byte can name, so that no access needs a check of its own.
pub(super) const REGISTERS: usize = 256;
/// Registers that hold the position: entry price, bars held, gain.
pub(super) const ENTRY: u8 = 0;
pub(super) const BARS_HELD: u8 = 1;
pub(super) const GAIN: u8 = 2;
pub(super) const FIRST_FREE: usize = 3;

/// Numbers nearer to each other than this share of the larger one are equal: what is mathematically a tie stays one however it was rounded.
pub const TIE: f64 = 1e-12;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Number,
    Truth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Neg,
    Abs,
    Min,
    Max,
    /// Number `b` where condition `a` holds, else number `c`.
    Choose,
    /// Number `a` as it was `c` bars of a ring ago.
    Ago,
    Above,
    Reaches,
    Equal,
    And,
    Or,
    Not,
    /// Number `a` is above `b` and was not at the bar before; register `c` keeps whether it was.
    Cross,
    /// As [`Op::Choose`], of conditions.
    ChooseTruth,
    AgoTruth,
}

impl Op {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Add | Self::Sub | Self::Mul | Self::Div | Self::Neg | Self::Abs => Kind::Number,
            Self::Min | Self::Max | Self::Choose | Self::Ago => Kind::Number,
            _ => Kind::Truth,
        }
    }
}

/// `to = op(a, b, c)`; of a look back, `c` is the number of its ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub op: Op,
    pub to: u8,
    pub a: u8,
    pub b: u8,
    pub c: u8,
}

/// The steps of one expression and the register of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub steps: Range<usize>,
    pub result: u8,
    /// It reads the position.
    pub position: bool,
}

/// A strategy's expressions, compiled.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// Registers of columns and the numbers of the columns.
    pub inputs: Vec<(u8, usize)>,
    pub constants: Vec<(u8, Kind, f64)>,
    pub steps: Vec<Step>,
    /// Steps of every bar: what is looked back on.
    pub each_bar: Range<usize>,
    pub entry: Part,
    pub exit: Option<Part>,
    pub stop: Option<Part>,
    pub target: Option<Part>,
    /// Bars that each ring looks back.
    pub rings: Vec<usize>,
    /// The inputs are columns 0, 1, 2, … in registers one after the other from [`FIRST_FREE`] on.
    pub in_order: bool,
}

/// A value for every register.
pub(super) type Registers = [f64; REGISTERS];

/// The newest values of something that is looked back on.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    values: Box<[f64]>,
    oldest: usize,
}

impl Ring {
    fn new(bars: usize) -> Self {
        Self { values: vec![f64::NAN; bars].into(), oldest: 0 }
    }

    /// Takes the newest value; the one before all that are kept.
    #[inline(always)]
    fn turn(&mut self, newest: f64) -> f64 {
        let Some(place) = self.values.get_mut(self.oldest) else { return newest };
        let oldest = std::mem::replace(place, newest);
        self.oldest += 1;
        if self.oldest >= self.values.len() {
            self.oldest = 0;
        }
        oldest
    }
}

impl Program {
    /// The steps of a range.
    #[inline(always)]
    pub fn steps(&self, range: &Range<usize>) -> &[Step] {
        self.steps.get(range.clone()).unwrap_or_default()
    }

    /// Registers before the first bar: constants in place, everything else without a value.
    pub fn registers(&self) -> Registers {
        let mut registers = [f64::NAN; REGISTERS];
        for (register, _, value) in &self.constants {
            put(&mut registers, *register, *value);
        }
        registers
    }

    pub fn rings(&self) -> Vec<Ring> {
        self.rings.iter().map(|bars| Ring::new(*bars)).collect()
    }

    /// The value of a part; NaN for none.
    #[inline(always)]
    pub fn value(&self, part: &Part, registers: &mut Registers) -> f64 {
        evaluate(self.steps(&part.steps), registers, &mut []);
        get(registers, part.result)
    }

    /// Whether there is a value for every price that an entry needs, were it filled at `price`.
    pub fn has_levels(&self, price: f64, registers: &mut Registers) -> bool {
        put(registers, ENTRY, price);
        [&self.stop, &self.target].into_iter().flatten().all(|part| self.value(part, registers).is_finite())
    }
}

#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a byte is always within 256 registers")]
pub(super) const fn get(registers: &Registers, register: u8) -> f64 {
    registers[register as usize]
}

#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a byte is always within 256 registers")]
pub(super) const fn put(registers: &mut Registers, register: u8, value: f64) {
    registers[register as usize] = value;
}

/// Runs steps on one bar.
#[inline(always)]
pub(super) fn evaluate(steps: &[Step], registers: &mut Registers, rings: &mut [Ring]) {
    for step in steps {
        let (a, b) = (get(registers, step.a), get(registers, step.b));
        let value = match step.op {
            Op::Add => finite(a + b),
            Op::Sub => finite(a - b),
            Op::Mul => finite(a * b),
            Op::Div => finite(a / b),
            Op::Neg => -a,
            Op::Abs => a.abs(),
            Op::Min => least(a, b),
            Op::Max => most(a, b),
            Op::Choose | Op::ChooseTruth => choose(a, b, get(registers, step.c)),
            Op::Ago | Op::AgoTruth => rings.get_mut(usize::from(step.c)).map_or(f64::NAN, |ring| ring.turn(a)),
            Op::Above => truth(above(a, b)),
            Op::Reaches => truth(reaches(a, b)),
            Op::Equal => truth(equal(a, b)),
            Op::Cross => {
                let (yes, no) = above(a, b);
                let before = get(registers, step.c);
                put(registers, step.c, truth((yes, no)));
                truth((yes && before == 0.0, no || before == 1.0))
            }
            Op::And => and(a, b),
            Op::Or => 1.0 - and(1.0 - a, 1.0 - b),
            Op::Not => 1.0 - a,
        };
        put(registers, step.to, value);
    }
}

/// A result that is no finite number is no value.
#[inline(always)]
pub(super) fn finite(x: f64) -> f64 {
    if x.is_finite() { x } else { f64::NAN }
}

#[inline(always)]
pub(super) fn least(a: f64, b: f64) -> f64 {
    let least = if a < b { a } else { b };
    if a.is_nan() { a } else { least }
}

#[inline(always)]
pub(super) fn most(a: f64, b: f64) -> f64 {
    let most = if a > b { a } else { b };
    if a.is_nan() { a } else { most }
}

#[inline(always)]
fn choose(condition: f64, then: f64, otherwise: f64) -> f64 {
    if condition == 1.0 {
        then
    } else if condition == 0.0 {
        otherwise
    } else {
        f64::NAN
    }
}

/// Unknown unless one of both is false or both are true.
#[inline(always)]
fn and(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

/// An answer as (it holds, it does not); neither where a side is missing.
#[inline(always)]
fn truth((yes, no): (bool, bool)) -> f64 {
    if yes {
        1.0
    } else if no {
        0.0
    } else {
        f64::NAN
    }
}

/// `a - b`, and below which size it counts as nothing.
#[inline(always)]
fn apart(a: f64, b: f64) -> (f64, f64) {
    let (a_size, b_size) = (a.abs(), b.abs());
    (a - b, TIE * if a_size > b_size { a_size } else { b_size })
}

#[inline(always)]
pub(super) fn above(a: f64, b: f64) -> (bool, bool) {
    let (apart, tie) = apart(a, b);
    (apart > tie, apart <= tie)
}

#[inline(always)]
pub(super) fn reaches(a: f64, b: f64) -> (bool, bool) {
    let (apart, tie) = apart(a, b);
    (apart >= -tie, apart < -tie)
}

#[inline(always)]
pub(super) fn equal(a: f64, b: f64) -> (bool, bool) {
    let (apart, tie) = apart(a, b);
    (apart.abs() <= tie, apart.abs() > tie)
}
