//! The market of the stand-in: trades, candles, tickers and books of all pairs, played from recorded data on the simulated clock.
//!
//! Serves the desk (who fills orders against the external book and the trades) and the gateway (who sends frames and answers REST). In: tapes, the
//! simulated clock, liquidity taken, trades injected, faults; out: [`MarketEvent`]s, snapshots, REST results. Always true: nothing later than the
//! clock is ever shown; books are sorted and not crossed; candles are the aggregation of the trades; what is synthetic says so
//! ([`Market::provenance`]); equal data, seed and calls give equal bytes.

mod tape;

use std::sync::Arc;

use rust_decimal::Decimal;

use super::listing::{Listing, PairStatus};
use super::protocol::{Answer, Params, Side, SimNs, TapeTrade, Topic};
pub use tape::{
    BookFrame, BookLevel, BookTape, CandleRow, CandleTape, MarketData, MarketError, MarketEvent, MarketOptions, Tape,
};

/// The market. Advance it with [`Market::step_to`] before asking it anything about a later instant.
#[derive(Debug)]
pub struct Market {
    listing: Arc<Listing>,
    now: SimNs,
}

impl Market {
    /// # Errors
    /// When data name unknown pairs, are not sorted or do not fit the pair's grid.
    pub fn new(data: MarketData, _options: MarketOptions) -> Result<Self, MarketError> {
        Ok(Self { listing: data.listing, now: data.start })
    }

    #[must_use]
    pub const fn listing(&self) -> &Arc<Listing> {
        &self.listing
    }

    /// The instant up to which everything was played.
    #[must_use]
    pub const fn now(&self) -> SimNs {
        self.now
    }

    /// When something happens next; not earlier than [`Market::now`].
    #[must_use]
    pub fn next_at(&self) -> Option<SimNs> {
        None
    }

    /// Plays everything up to and including `to`, in order.
    pub fn step_to(&mut self, to: SimNs, _out: &mut Vec<MarketEvent>) {
        self.now = self.now.max(to);
    }

    /// From now on frames are produced for the topic. `false` when there is no such topic (unknown pair, depth or interval, no data).
    pub fn activate(&mut self, _topic: &Topic) -> bool {
        false
    }

    pub fn deactivate(&mut self, _topic: &Topic) {}

    /// The snapshot frame of a topic; activate first, so that the updates that follow fit it.
    pub fn snapshot(&mut self, _topic: &Topic) -> Option<String> {
        None
    }

    /// Whether there is anything to play for the pair.
    #[must_use]
    pub fn has_data(&self, _symbol: &str) -> bool {
        false
    }

    /// Where the pair's numbers come from, for reports and screens.
    #[must_use]
    pub fn provenance(&self, _symbol: &str) -> String {
        String::new()
    }

    /// The external levels of one side ([`Side::Buy`] = bids), best first: price, quantity.
    pub fn external_levels(&self, _symbol: &str, _side: Side) -> impl Iterator<Item = (Decimal, Decimal)> + '_ {
        std::iter::empty()
    }

    /// Takes quantity from a level ([`Side::Buy`] = from the bids); it stays taken until the level's next update. Book frames follow with the next
    /// [`Market::step_to`] (which may be to the same instant). Returns what could be taken.
    pub fn consume(&mut self, _symbol: &str, _side: Side, _price: Decimal, _qty: Decimal) -> Decimal {
        Decimal::ZERO
    }

    /// Adds a trade at `trade.at` (now at the earliest). Its id is given when it is played; later recorded trades move up by one.
    ///
    /// # Errors
    /// When the pair has no data or the numbers do not fit its grid.
    pub fn inject_trade(&mut self, trade: TapeTrade) -> Result<(), MarketError> {
        Err(MarketError::UnknownPair(trade.symbol.to_string()))
    }

    /// Price of the last trade (or recorded close).
    #[must_use]
    pub fn last_price(&self, _symbol: &str) -> Option<Decimal> {
        None
    }

    /// Base quantity traded later than `since`, up to now.
    #[must_use]
    pub fn trade_volume_since(&self, _symbol: &str, _since: SimNs) -> Decimal {
        Decimal::ZERO
    }

    #[must_use]
    pub fn pair_status(&self, _symbol: &str) -> Option<PairStatus> {
        None
    }

    /// Sets the state of a pair; the `instrument` update follows with the next [`Market::step_to`]. `false` for an unknown pair.
    pub fn set_pair_status(&mut self, _symbol: &str, _status: PairStatus) -> bool {
        false
    }

    /// The state of the whole exchange as `SystemStatus` tells it: `online`, `maintenance`, `cancel_only`, `post_only`.
    pub fn set_system_status(&mut self, _status: &str) {}

    /// Answers a public call; `None` when the call is none of the market's. Everything up to `now` must have been played.
    pub fn rest(&mut self, _now: SimNs, _call: &str, _params: &Params) -> Option<Answer> {
        None
    }

    /// The next book frames of the pair carry a wrong checksum.
    pub fn corrupt_next_checksum(&mut self, _symbol: &str) {}

    /// The next book frames of the pair hold a bid above the best ask, with a matching checksum; the frames after take it back.
    pub fn cross_next_book(&mut self, _symbol: &str) {}

    /// No book frames of the pair until then; then one with all that changed.
    pub fn freeze_book(&mut self, _symbol: &str, _until: SimNs) {}

    /// Feeds all state to `hasher`, in a stable order.
    pub fn state_hash(&self, _hasher: &mut impl FnMut(&[u8])) {}

    /// Checks what must always hold (slow; for tests).
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
