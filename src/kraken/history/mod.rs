//! History: trades and candles fetched to disk, and candles built from trades.
//!
//! Serves the link, the `data` command and the bundled stores. In: trades of the exchange in the order of their ids; out: candles with exact
//! decimals and files that are either whole or absent. Always true: a trade counts once; a hole in the ids is seen, never passed over.

pub mod candles;
