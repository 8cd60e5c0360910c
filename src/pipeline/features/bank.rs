//! One kernel for every pair, behind one shape, so that a graph of them can be run over all pairs: a table of values in, rows of it out.
//!
//! Pair by pair would be the obvious order. Kernel by kernel is several times quicker with many pairs: the states of a kernel lie side by side,
//! the same code runs over them, and the processor fetches the next pairs' states while it computes.

use std::fmt;

/// Most inputs of a kernel: open, high, low, close and volume.
pub const MOST_INPUTS: usize = 5;

/// Every value of every pair at one instant: a row per value, a column per pair. NaN is "no value".
#[derive(Debug)]
pub struct Table {
    pairs: usize,
    values: Vec<f64>,
}

impl Table {
    #[must_use]
    pub fn new(rows: usize, pairs: usize) -> Self {
        Self { pairs, values: vec![f64::NAN; rows * pairs] }
    }

    /// One value of every pair.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        self.values.get(row * self.pairs..(row + 1) * self.pairs).unwrap_or_default()
    }

    pub fn row_mut(&mut self, row: usize) -> &mut [f64] {
        self.values.get_mut(row * self.pairs..(row + 1) * self.pairs).unwrap_or_default()
    }

    #[must_use]
    pub fn get(&self, row: usize, pair: usize) -> f64 {
        self.row(row).get(pair).copied().unwrap_or(f64::NAN)
    }

    pub fn set(&mut self, row: usize, pair: usize, value: f64) {
        if let Some(place) = self.row_mut(row).get_mut(pair) {
            *place = value;
        }
    }

    /// Every value of one pair, in the order of the rows.
    pub fn of_pair_mut(&mut self, pair: usize) -> impl Iterator<Item = &mut f64> {
        self.values.iter_mut().skip(pair).step_by(self.pairs.max(1))
    }

    /// The rows before `row`, and `count` rows from it on: what a kernel reads and what it writes.
    fn split(&mut self, row: usize, count: usize) -> (&[f64], &mut [f64]) {
        let first = (row * self.pairs).min(self.values.len());
        let (known, rest) = self.values.split_at_mut(first);
        (known, rest.get_mut(..count * self.pairs).unwrap_or_default())
    }

    /// Computes a row of the rows `inputs`, which stand before it. An input without a value is NaN, which `f` has to hand on; what it makes that is
    /// not a finite number is no value.
    pub fn map<const N: usize>(&mut self, inputs: &[u16], out: usize, f: impl Fn([f64; N]) -> f64) {
        let pairs = self.pairs;
        let (known, out) = self.split(out, 1);
        let rows = rows::<N>(known, inputs, pairs);
        for (pair, out) in out.iter_mut().enumerate() {
            let value = f(at(&rows, pair));
            *out = if value.is_finite() { value } else { f64::NAN };
        }
    }
}

/// The rows `inputs` of a table.
fn rows<'a, const N: usize>(known: &'a [f64], inputs: &[u16], pairs: usize) -> [&'a [f64]; N] {
    let mut rows = [&[][..]; N];
    for (row, input) in rows.iter_mut().zip(inputs) {
        let first = usize::from(*input) * pairs;
        *row = known.get(first..first + pairs).unwrap_or_default();
    }
    rows
}

/// One pair's values in these rows.
#[inline(always)]
fn at<const N: usize>(rows: &[&[f64]; N], pair: usize) -> [f64; N] {
    let mut values = [f64::NAN; N];
    for (value, row) in values.iter_mut().zip(rows) {
        *value = row.get(pair).copied().unwrap_or(f64::NAN);
    }
    values
}

/// A running kernel of every pair.
pub trait Bank: fmt::Debug + Send {
    /// Takes the next hour of the pairs that are present: reads the rows `inputs`, and writes a row per line from `out` on, behind them.
    /// A missing input restarts a pair's kernel: no window spans a gap.
    fn run(&mut self, table: &mut Table, inputs: &[u16], out: usize, present: &[bool]);

    /// Forgets everything about a pair.
    fn reset(&mut self, pair: usize);
}

struct Kernels<K, P, R, const N: usize, const L: usize> {
    kernels: Vec<One<K>>,
    push: P,
    reset: R,
}

struct One<K> {
    kernel: K,
    /// It has taken something since it was last reset.
    began: bool,
}

impl<K: fmt::Debug, P, R, const N: usize, const L: usize> fmt::Debug for Kernels<K, P, R, N, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {:?}", self.kernels.len(), self.kernels.first().map(|one| &one.kernel))
    }
}

impl<K, P, R, const N: usize, const L: usize> Bank for Kernels<K, P, R, N, L>
where
    K: fmt::Debug + Send,
    P: Fn(&mut K, [f64; N]) -> [Option<f64>; L] + Send,
    R: Fn(&mut K) + Send,
{
    fn run(&mut self, table: &mut Table, inputs: &[u16], out: usize, present: &[bool]) {
        let pairs = table.pairs;
        let (known, outs) = table.split(out, L);
        let rows = rows::<N>(known, inputs, pairs);
        for (pair, (one, present)) in self.kernels.iter_mut().zip(present).enumerate() {
            if !present {
                continue;
            }
            let x = at(&rows, pair);
            let lines = if x.iter().any(|x| x.is_nan()) {
                if std::mem::take(&mut one.began) {
                    (self.reset)(&mut one.kernel);
                }
                [None; L]
            } else {
                one.began = true;
                (self.push)(&mut one.kernel, x)
            };
            for (line, value) in lines.into_iter().enumerate() {
                if let Some(place) = outs.get_mut(line * pairs + pair) {
                    *place = value.filter(|v| v.is_finite()).unwrap_or(f64::NAN);
                }
            }
        }
    }

    fn reset(&mut self, pair: usize) {
        if let Some(one) = self.kernels.get_mut(pair)
            && std::mem::take(&mut one.began)
        {
            (self.reset)(&mut one.kernel);
        }
    }
}

/// A kernel for each of `pairs` pairs behind the shape.
pub fn of_each<K, P, R, const N: usize, const L: usize>(
    pairs: usize,
    kernel: impl Fn() -> K,
    push: P,
    reset: R,
) -> Box<dyn Bank>
where
    K: fmt::Debug + Send + 'static,
    P: Fn(&mut K, [f64; N]) -> [Option<f64>; L] + Send + 'static,
    R: Fn(&mut K) + Send + 'static,
{
    let kernels = (0..pairs).map(|_| One { kernel: kernel(), began: false }).collect();
    Box::new(Kernels { kernels, push, reset })
}

/// `bank!(pairs, Ema::new(9), |k, [x]| [k.push(x)])`
macro_rules! bank {
    ($pairs:expr, $kernel:expr, |$k:ident, [$($x:ident),+]| $lines:expr) => {
        $crate::pipeline::features::bank::of_each($pairs, || $kernel, |$k, [$($x),+]| $lines, |k| k.reset())
    };
}
pub(super) use bank;
