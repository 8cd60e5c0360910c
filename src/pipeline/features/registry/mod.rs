//! The closed list of what a feature set can be made of. A set names these, so nothing else can run.
//!
//! Each entry says in words what it computes, which inputs and keys it takes, what its output lines are called, how many bars it needs for its
//! first value and how many until it no longer matters where history began.

mod bars;
mod maps;
mod series;
mod universe;

use super::bank::Bank;
use super::keys::{Args, Key};

pub use maps::Map;
pub use universe::Gather;

/// What can be named as `kernel`.
pub struct KernelSpec {
    pub name: &'static str,
    /// In words, with the names of inputs and keys in braces.
    pub words: &'static str,
    pub inputs: Inputs,
    pub keys: &'static [Key],
    /// Output lines. With one only it need not be named.
    pub lines: &'static [&'static str],
    /// For a line (by its place): how long it takes.
    pub lookback: fn(&Args, usize) -> Lookback,
    /// Adding a constant to its input changes nothing: the level of a cumulative sum, which depends on where history began, drops out.
    pub level_free: bool,
    pub make: Make,
}

impl std::fmt::Debug for KernelSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Where a kernel's inputs come from.
#[derive(Debug, Clone, Copy)]
pub enum Inputs {
    /// Always these columns of the bar.
    Fields(&'static [&'static str]),
    /// What the entry names as `input`, one name per place.
    Named(&'static [&'static str]),
}

impl Inputs {
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Fields(names) | Self::Named(names) => names.len(),
        }
    }
}

/// What makes a kernel run.
pub enum Make {
    /// A function of one instant.
    Map(fn(&Args) -> Map),
    /// Something with a memory, for so many pairs.
    Stream(fn(&Args, usize) -> Box<dyn Bank>),
    /// Something about all pairs at one instant.
    Gather(fn(&Args) -> Gather),
}

/// Bars that a kernel's value rests on, beyond those that its inputs need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookback {
    /// Bars before the first value.
    pub filled: usize,
    /// Bars until a value differs by less than 1e-6 from one with the whole history; `None` when it always depends on the beginning.
    pub settled: Option<usize>,
}

impl Lookback {
    /// A function of one instant.
    const NONE: Self = Self::window(0);

    /// A window that forgets at once what leaves it; `n` bars before the present one.
    const fn window(n: usize) -> Self {
        Self { filled: n, settled: Some(n) }
    }

    /// A recursion that forgets slowly.
    const fn recursive(filled: usize, settled: usize) -> Self {
        Self { filled, settled: Some(settled) }
    }

    /// A sum over all of history.
    const fn cumulative(filled: usize) -> Self {
        Self { filled, settled: None }
    }
}

const ONE: &[&str] = &["value"];
const PERIOD: Key = Key::count("period", 1);

/// All of them.
pub fn kernels() -> impl Iterator<Item = &'static KernelSpec> + Clone {
    maps::KERNELS.iter().chain(series::KERNELS).chain(bars::KERNELS).chain(universe::KERNELS)
}

/// The kernel of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static KernelSpec> {
    kernels().find(|k| k.name == name)
}

#[cfg(test)]
mod tests;
