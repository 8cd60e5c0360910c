//! What is known only when every pair's hour is in: values over all pairs at one instant.

use super::{Inputs, KernelSpec, Lookback, Make, ONE};
use crate::pipeline::features::keys::{Args, Key};

/// A value over all pairs of the universe that have a complete hour at this instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gather {
    /// The value of the leading pair.
    Leader,
    /// Median of the pairs' values; none with fewer than `least` of them.
    Median { least: usize },
    /// Share of the other pairs with a smaller value, ties counting half, 0..=1; none with fewer than `least` values.
    Rank { least: usize },
    /// Share of the pairs whose value is above `above`; none with fewer than `least` values.
    Share { above: f64, least: usize },
}

const fn gather(
    name: &'static str,
    words: &'static str,
    keys: &'static [Key],
    make: fn(&Args) -> Gather,
) -> KernelSpec {
    KernelSpec {
        name,
        words,
        inputs: Inputs::Named(&["x"]),
        keys,
        lines: ONE,
        lookback: |_, _| Lookback::NONE,
        level_free: false,
        make: Make::Gather(make),
    }
}

const LEAST: Key = Key::count("least", 2);

pub(super) static KERNELS: &[KernelSpec] = &[
    gather("leader", "{x} of the leading pair", &[], |_| Gather::Leader),
    gather("universe_median", "median of {x} over all pairs (at least {least})", &[LEAST], |a| Gather::Median {
        least: a.count("least"),
    }),
    gather("universe_rank", "rank of {x} among all pairs (at least {least}), 0 to 1", &[LEAST], |a| Gather::Rank {
        least: a.count("least"),
    }),
    gather(
        "universe_share",
        "share of pairs with {x} above {above} (of at least {least})",
        &[Key::number("above", -1e12, 1e12), LEAST],
        |a| Gather::Share { above: a.number("above"), least: a.count("least") },
    ),
];
