//! History: trades and candles fetched to disk, and candles built from trades.
//!
//! Serves the link, the `data` command and the bundled stores. In: trades of the exchange in the order of their ids; out: candles with exact
//! decimals and files that are either whole or absent. Always true: a trade counts once; a hole in the ids is seen, never passed over; a stop at
//! any moment loses nothing that was reported as kept.

pub mod candles;
mod error;
mod fetch;
mod files;
mod ohlc;
mod read;
#[cfg(test)]
mod tests;

use std::future::Future;

pub use self::error::HistoryError;
pub use self::fetch::{Progress, fetch_trades};
pub use self::files::{Gap, State};
pub use self::ohlc::{OhlcReport, fetch_ohlc};
pub use self::read::{TradeFile, days};
use crate::domain::pair::{Interval, Pair};
use crate::domain::time::UtcMs;
use crate::kraken::error::KrakenError;
use crate::kraken::rest::Client;
use crate::kraken::wire::Stamp;
use crate::kraken::wire::rest::history::{Ohlc, Trades};

/// Where pages of history come from.
pub trait Source {
    /// Up to [`Source::page_size`] trades after `since`, oldest first.
    fn trades(&self, pair: &Pair, since: Stamp) -> impl Future<Output = Result<Trades, KrakenError>> + Send;

    /// The newest candles, oldest first; the last one is unfinished.
    fn ohlc(&self, pair: &Pair, interval: Interval) -> impl Future<Output = Result<Ohlc, KrakenError>> + Send;

    /// Trades in a full page: a shorter one is the last.
    fn page_size(&self) -> usize {
        crate::kraken::rest::TRADES_PAGE
    }
}

impl Source for Client {
    async fn trades(&self, pair: &Pair, since: Stamp) -> Result<Trades, KrakenError> {
        Self::trades(self, pair, since).await
    }

    async fn ohlc(&self, pair: &Pair, interval: Interval) -> Result<Ohlc, KrakenError> {
        Self::ohlc(self, pair, interval, None::<UtcMs>).await
    }
}
