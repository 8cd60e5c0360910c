//! Candles from trades, with exact decimals.

use rust_decimal::Decimal;

use crate::domain::pair::Interval;
use crate::domain::time::UtcMs;
use crate::kraken::wire::ws;

/// One finished candle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// On the UTC grid of the interval (weeks and fortnights count from 1970-01-01, as the exchange's do).
    pub open_time: UtcMs,
    pub open: Decimal,
    pub high: Decimal,
    pub low: Decimal,
    pub close: Decimal,
    /// Base units.
    pub volume: Decimal,
    /// Volume-weighted average price, unrounded; 0 without trades. The exchange cuts it to the pair's price decimals: [`Built::vwap_cut`].
    pub vwap: Decimal,
    /// 0 marks a quiet interval: flat at the last price, as REST shows it.
    pub trades: u64,
    /// Id of the first trade; of the last trade before when quiet.
    pub first_id: u64,
    /// Id of the last trade so far.
    pub last_id: u64,
}

impl Built {
    /// Whether no trade is missing between the first and the last: ids rise by one per pair.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.trades == 0 || self.last_id.saturating_sub(self.first_id).saturating_add(1) == self.trades
    }

    /// The average as the exchange lists it: cut, not rounded, to the pair's price decimals.
    #[must_use]
    pub fn vwap_cut(&self, price_decimals: u32) -> Decimal {
        self.vwap.trunc_with_scale(price_decimals)
    }
}

/// Why a trade was not counted. The builder is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CandleError {
    #[error("an interval of 0 minutes holds no trade")]
    NoInterval,
    #[error("trade {id}: price and quantity must be above 0")]
    NotPositive { id: u64 },
    #[error("trade {id} comes again, or late: trade {last} was counted already")]
    Repeated { id: u64, last: u64 },
    #[error("trade {id} is of {at}, before the candle of {open}: that one is closed")]
    Late { id: u64, at: UtcMs, open: UtcMs },
    #[error("trade {id}: the sums of the candle no longer fit a decimal")]
    Overflow { id: u64 },
}

/// Most quiet candles that one [`CandleBuilder::close_until`] gives: a week of minutes.
const QUIET_MAX: usize = 10_080;

/// The candle being built.
#[derive(Debug, Clone, Copy)]
struct Building {
    candle: Built,
    /// Sum of price times quantity.
    turnover: Decimal,
}

/// Puts the trades of one pair into candles. Feed trades by rising id.
#[derive(Debug, Clone)]
pub struct CandleBuilder {
    interval: Interval,
    building: Option<Building>,
    /// Last price and id, once a candle is closed.
    last: Option<(Decimal, u64)>,
    /// Open time of the earliest candle that may still change.
    next_open: Option<UtcMs>,
}

impl CandleBuilder {
    #[must_use]
    pub const fn new(interval_minutes: u32) -> Self {
        Self { interval: Interval(interval_minutes), building: None, last: None, next_open: None }
    }

    /// Length of the candles.
    #[must_use]
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// Id of the newest trade counted.
    #[must_use]
    pub fn last_id(&self) -> Option<u64> {
        self.building.map(|b| b.candle.last_id).or(self.last.map(|(_, id)| id))
    }

    /// The unfinished candle.
    #[must_use]
    pub fn unfinished(&self) -> Option<Built> {
        self.building.map(Building::finished)
    }

    /// Counts a trade. Gives the candle before it when the trade opens a later one; quiet intervals in between come only from
    /// [`Self::close_until`], called with the trade's time before the trade is pushed.
    ///
    /// # Errors
    /// [`CandleError`]; the trade is not counted then.
    pub fn push(&mut self, trade: &ws::Trade) -> Result<Option<Built>, CandleError> {
        let id = trade.trade_id;
        let at = trade.timestamp.ms();
        let step = self.interval.ms();
        if step <= 0 {
            return Err(CandleError::NoInterval);
        }
        if trade.price.0 <= Decimal::ZERO || trade.qty.0 <= Decimal::ZERO {
            return Err(CandleError::NotPositive { id });
        }
        if let Some(last) = self.last_id().filter(|last| id <= *last) {
            return Err(CandleError::Repeated { id, last });
        }
        let open_time = at.floor_to(step);
        if let Some(open) = self.next_open.filter(|open| open_time < *open) {
            return Err(CandleError::Late { id, at, open });
        }
        if let Some(building) = self.building.as_mut().filter(|b| b.candle.open_time == open_time) {
            *building = building.with(trade).ok_or(CandleError::Overflow { id })?;
            return Ok(None);
        }
        let begun = Building::of(open_time, trade).ok_or(CandleError::Overflow { id })?;
        let done = self.building.replace(begun).map(Building::finished);
        if let Some(done) = done {
            self.last = Some((done.close, done.last_id));
        }
        self.next_open = Some(open_time);
        Ok(done)
    }

    /// Closes what is over at `now`: the candle being built, then a flat one for each quiet interval since. At most a week of minutes at a
    /// time; call again until it gives nothing.
    pub fn close_until(&mut self, now: UtcMs) -> Vec<Built> {
        let step = self.interval.ms();
        let mut done = Vec::new();
        if step <= 0 {
            return done;
        }
        if let Some(over) = self.building.take_if(|b| b.candle.open_time.plus(step) <= now) {
            let candle = over.finished();
            self.last = Some((candle.close, candle.last_id));
            self.next_open = Some(candle.open_time.plus(step));
            done.push(candle);
        }
        if self.building.is_some() {
            return done;
        }
        while let (Some((price, id)), Some(open_time)) = (self.last, self.next_open) {
            if open_time.plus(step) > now || done.len() > QUIET_MAX {
                break;
            }
            done.push(Built::flat(open_time, price, id));
            self.next_open = Some(open_time.plus(step));
        }
        done
    }
}

impl Built {
    const fn flat(open_time: UtcMs, price: Decimal, id: u64) -> Self {
        let (volume, vwap) = (Decimal::ZERO, Decimal::ZERO);
        Self {
            open_time,
            open: price,
            high: price,
            low: price,
            close: price,
            volume,
            vwap,
            trades: 0,
            first_id: id,
            last_id: id,
        }
    }
}

impl Building {
    fn of(open_time: UtcMs, trade: &ws::Trade) -> Option<Self> {
        let (price, qty) = (trade.price.0, trade.qty.0);
        let flat = Built::flat(open_time, price, trade.trade_id);
        Some(Self { candle: Built { volume: qty, trades: 1, ..flat }, turnover: price.checked_mul(qty)? })
    }

    fn with(mut self, trade: &ws::Trade) -> Option<Self> {
        let (price, qty) = (trade.price.0, trade.qty.0);
        self.turnover = self.turnover.checked_add(price.checked_mul(qty)?)?;
        let candle = &mut self.candle;
        candle.volume = candle.volume.checked_add(qty)?;
        candle.high = candle.high.max(price);
        candle.low = candle.low.min(price);
        candle.close = price;
        candle.trades = candle.trades.checked_add(1)?;
        candle.last_id = trade.trade_id;
        Some(self)
    }

    fn finished(self) -> Built {
        // volume is above 0: each trade's is
        let vwap = self.turnover.checked_div(self.candle.volume).unwrap_or(self.candle.close);
        Built { vwap, ..self.candle }
    }
}

#[cfg(test)]
mod tests;
