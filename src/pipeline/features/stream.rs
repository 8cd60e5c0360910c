//! A kernel behind one shape, so that a graph of them can be run: values in, one value per output line out.

use std::fmt;

/// Most inputs of a kernel: open, high, low, close and volume.
pub const MOST_INPUTS: usize = 5;

/// A running kernel. NaN is "no value".
pub trait Stream: fmt::Debug + Send {
    /// Takes the next bar's inputs, all of which have a value, and writes every line of `out`.
    fn push(&mut self, inputs: &[f64], out: &mut [f64]);

    /// Forgets everything.
    fn reset(&mut self);
}

struct Running<K, P, R, const N: usize, const L: usize> {
    kernel: K,
    push: P,
    reset: R,
}

impl<K: fmt::Debug, P, R, const N: usize, const L: usize> fmt::Debug for Running<K, P, R, N, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kernel.fmt(f)
    }
}

impl<K, P, R, const N: usize, const L: usize> Stream for Running<K, P, R, N, L>
where
    K: fmt::Debug + Send,
    P: Fn(&mut K, [f64; N]) -> [Option<f64>; L] + Send,
    R: Fn(&mut K) + Send,
{
    fn push(&mut self, inputs: &[f64], out: &mut [f64]) {
        let lines = match <[f64; N]>::try_from(inputs) {
            Ok(inputs) => (self.push)(&mut self.kernel, inputs),
            Err(_) => [None; L],
        };
        for (slot, line) in out.iter_mut().zip(lines) {
            *slot = line.filter(|v| v.is_finite()).unwrap_or(f64::NAN);
        }
    }

    fn reset(&mut self) {
        (self.reset)(&mut self.kernel);
    }
}

/// Puts a kernel behind the shape.
pub fn running<K, P, R, const N: usize, const L: usize>(kernel: K, push: P, reset: R) -> Box<dyn Stream>
where
    K: fmt::Debug + Send + 'static,
    P: Fn(&mut K, [f64; N]) -> [Option<f64>; L] + Send + 'static,
    R: Fn(&mut K) + Send + 'static,
{
    Box::new(Running { kernel, push, reset })
}

/// `stream!(Ema::new(9), |k, [x]| [k.push(x)])`
macro_rules! stream {
    ($kernel:expr, |$k:ident, [$($x:ident),+]| $lines:expr) => {
        $crate::pipeline::features::stream::running($kernel, |$k, [$($x),+]| $lines, |k| k.reset())
    };
}
pub(super) use stream;
