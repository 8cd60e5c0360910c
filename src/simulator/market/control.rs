//! What the desk and the control interface do to the market, and what they may look at.

use std::cmp::Reverse;

use rust_decimal::Decimal;

use super::pair::BookSource;
use super::play::DueKind;
use super::{Market, MarketError, MarketEvent};
use crate::simulator::listing::{Listing, PairStatus};
use crate::simulator::protocol::{Side, SimNs, Symbol, TapeTrade, Topic};

impl Market {
    /// Whether there is anything to play for the pair.
    #[must_use]
    pub fn has_data(&self, symbol: &str) -> bool {
        self.by_symbol.contains_key(symbol)
    }

    /// The pairs with data, in the order of the listing.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> + '_ {
        self.pairs.iter().map(|p| &p.symbol)
    }

    /// Where the pair's numbers come from, for reports and screens.
    #[must_use]
    pub fn provenance(&self, symbol: &str) -> String {
        let Some(pair) = self.pair(symbol) else { return format!("{symbol}: no data") };
        let invented = self.listing.pairs().get(pair.place).is_some_and(|p| p.invented);
        let source = match &pair.tape {
            Some(tape) if tape.synthetic => "trades synthetic (random walk)".to_owned(),
            Some(_) => "trades recorded, candles made from them".to_owned(),
            None if pair.candles.is_empty() => "no trades".to_owned(),
            None => {
                let minutes: Vec<String> = pair.candles.iter().map(|c| c.minutes.to_string()).collect();
                let minutes = minutes.join(", ");
                format!(
                    "candles recorded ({minutes} min; mean price and trade count made up where not recorded), no single trades"
                )
            }
        };
        let book = match &pair.book {
            BookSource::Recorded { depth, .. } => format!("book recorded ({depth} levels)"),
            BookSource::Synthetic(_) => {
                "book synthetic (one tick around the last price, levels from a seed)".to_owned()
            }
        };
        let invented = if invented { "invented pair; " } else { "" };
        format!("{symbol}: {invented}{source}; {book}")
    }

    /// The external levels of one side ([`Side::Buy`] = bids), best first: price, quantity.
    pub fn external_levels(&self, symbol: &str, side: Side) -> impl Iterator<Item = (Decimal, Decimal)> + '_ {
        let pair = self.pair(symbol);
        pair.into_iter().flat_map(move |p| p.ladder.levels(side).map(|r| (p.scale.price(r.price), p.scale.qty(r.qty))))
    }

    /// External quantity at one price; zero where there is no level.
    #[must_use]
    pub fn external_qty(&self, symbol: &str, side: Side, price: Decimal) -> Decimal {
        let level = |p: &super::pair::PairState| {
            p.scale.price_units(price).and_then(|px| p.ladder.get(side, px)).map(|r| p.scale.qty(r.qty))
        };
        self.pair(symbol).and_then(level).unwrap_or(Decimal::ZERO)
    }

    /// Takes quantity from a level ([`Side::Buy`] = from the bids); it stays taken until the level's next update. Book frames follow with the next
    /// [`Market::step_to`] (which may be to the same instant). Returns what could be taken.
    pub fn consume(&mut self, symbol: &str, side: Side, price: Decimal, qty: Decimal) -> Decimal {
        let now = self.now.0;
        let Some(index) = self.by_symbol.get(symbol).copied() else { return Decimal::ZERO };
        let Some(pair) = self.pairs.get_mut(index) else { return Decimal::ZERO };
        let (Some(price), Some(wanted)) = (pair.scale.price_units(price), pair.scale.qty_units(qty)) else {
            return Decimal::ZERO;
        };
        let Some(level) = pair.ladder.get(side, price).filter(|_| wanted > 0) else { return Decimal::ZERO };
        let taken = wanted.min(level.qty);
        pair.ladder.set(side, price, level.qty.saturating_sub(taken), now);
        self.taken_from.insert(index);
        pair.scale.qty(taken)
    }

    /// Adds a trade between others at `trade.at` (now at the earliest). It is played as if it were recorded; its id is given then, and later recorded
    /// trades move up by one.
    ///
    /// # Errors
    /// When the pair has no data or the numbers do not fit its grid.
    pub fn inject_trade(&mut self, mut trade: TapeTrade) -> Result<(), MarketError> {
        let unknown = || MarketError::UnknownPair(trade.symbol.to_string());
        let index = self.by_symbol.get(&trade.symbol).copied().ok_or_else(unknown)?;
        let pair = self.pairs.get_mut(index).ok_or_else(unknown)?;
        check_trade(pair, trade.price, trade.qty)?;
        trade.at = trade.at.max(self.now);
        trade.symbol = pair.symbol.clone();
        let earliest = pair.injected.first_key_value().map_or(i64::MAX, |(key, _)| key.0);
        if trade.at.0 < earliest {
            self.dues.push(Reverse((trade.at.0, index, DueKind::Injected)));
        }
        pair.injected.insert((trade.at.0, self.injected), trade);
        self.injected = self.injected.saturating_add(1);
        Ok(())
    }

    /// Reports a trade that the desk itself made, now: it goes into history, candles, ticker and frames like any other, but makes no
    /// [`MarketEvent::Trade`] and moves no synthetic book. Returns its id.
    ///
    /// # Errors
    /// When the pair has no data or the numbers do not fit its grid.
    pub fn record_fill(
        &mut self,
        symbol: &str,
        price: Decimal,
        qty: Decimal,
        taker: Side,
        market: bool,
    ) -> Result<u64, MarketError> {
        let at = self.now;
        let pair = self.by_symbol.get(symbol).and_then(|i| self.pairs.get_mut(*i));
        let pair = pair.ok_or_else(|| MarketError::UnknownPair(symbol.to_owned()))?;
        check_trade(pair, price, qty)?;
        let id = pair.extra_id();
        let from = pair.history.rows().len();
        let trade = TapeTrade { symbol: pair.symbol.clone(), id, at, price, qty, taker, market };
        pair.ingest(&trade, id);
        pair.after_trades(from, at.0, false, &mut self.pending);
        Ok(id)
    }

    /// Price of the last trade (or recorded close).
    #[must_use]
    pub fn last_price(&self, symbol: &str) -> Option<Decimal> {
        let pair = self.pair(symbol)?;
        pair.stats.last().map(|(price, _)| pair.scale.price(price))
    }

    /// Base quantity of single trades later than `since`, up to now.
    #[must_use]
    pub fn trade_volume_since(&self, symbol: &str, since: SimNs) -> Decimal {
        self.pair(symbol).map_or(Decimal::ZERO, |p| p.scale.qty(p.history.volume_since(since.0)))
    }

    #[must_use]
    pub fn pair_status(&self, symbol: &str) -> Option<PairStatus> {
        self.statuses.get(self.listing.index_of(symbol)?).copied()
    }

    /// Sets the state of a pair; the `instrument` update follows with the next [`Market::step_to`]. `false` for an unknown pair.
    pub fn set_pair_status(&mut self, symbol: &str, status: PairStatus) -> bool {
        let Some(place) = self.listing.index_of(symbol) else { return false };
        let (Some(slot), Some(info)) = (self.statuses.get_mut(place), self.listing.pairs().get(place)) else {
            return false;
        };
        if *slot != status {
            *slot = status;
            if self.instrument_watched {
                let text = Listing::instrument_update(info, status);
                self.pending.push(MarketEvent::Frame { topic: Topic::Instrument, text });
            }
        }
        true
    }

    #[must_use]
    pub fn system_status(&self) -> &str {
        &self.system
    }

    /// The state of the whole exchange as `SystemStatus` tells it: `online`, `maintenance`, `cancel_only`, `post_only`.
    pub fn set_system_status(&mut self, status: &str) {
        status.clone_into(&mut self.system);
    }

    /// The next book frames of the pair carry a wrong checksum.
    pub fn corrupt_next_checksum(&mut self, symbol: &str) {
        if let Some(pair) = self.pair_mut(symbol) {
            pair.faults.corrupt = true;
        }
    }

    /// The next book frames of the pair hold a bid above the best ask, with a matching checksum; the frames after take it back.
    pub fn cross_next_book(&mut self, symbol: &str) {
        if let Some(pair) = self.pair_mut(symbol) {
            pair.faults.cross = true;
        }
    }

    /// No book frames of the pair until then; then one with all that changed.
    pub fn freeze_book(&mut self, symbol: &str, until: SimNs) {
        let Some(index) = self.by_symbol.get(symbol).copied() else { return };
        if let Some(pair) = self.pairs.get_mut(index) {
            pair.freeze(until);
            self.dues.push(Reverse((until.0, index, DueKind::Thaw)));
        }
    }
}

fn check_trade(pair: &super::pair::PairState, price: Decimal, qty: Decimal) -> Result<(), MarketError> {
    let fits = price > Decimal::ZERO
        && qty > Decimal::ZERO
        && pair.scale.price_units(price).is_some()
        && pair.scale.qty_units(qty).is_some();
    let bad =
        || MarketError::BadData { symbol: pair.symbol.to_string(), what: format!("no trade of {qty} at {price}") };
    fits.then_some(()).ok_or_else(bad)
}
