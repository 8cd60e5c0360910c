//! Why a book cannot be trusted.

use crate::kraken::wire::Number;

/// A book frame that cannot be applied, or a book that is wrong after it. Either way the book is empty until the next snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BookFault {
    /// The exchange computed `expected` over its book, we computed `got` over ours.
    #[error("checksum {got} instead of {expected}")]
    Checksum { expected: u32, got: u32 },
    /// The best bid is not below the best ask.
    #[error("crossed: best bid {bid}, best ask {ask}")]
    Crossed { bid: Number, ask: Number },
    /// A number between two ticks of the pair.
    #[error("{number} has more than {decimals} decimals")]
    TooPrecise { number: Number, decimals: u32 },
    #[error("{number} is negative")]
    Negative { number: Number },
    /// More ticks than 64 bits hold.
    #[error("{number} with {decimals} decimals is too large")]
    TooLarge { number: Number, decimals: u32 },
    /// One frame with more levels than any book has.
    #[error("{levels} levels in one frame")]
    TooMany { levels: usize },
    /// An update without a snapshot before it.
    #[error("an update before the first snapshot")]
    NoSnapshot,
}
