//! The stand-in exchange around recorded data: what `cst simulator` offers and what plays the bundled recording.

mod recorded;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::OrchestratorError;
use crate::domain::market::RawCandle;
use crate::domain::order::Side;
use crate::domain::pair::Pair;
use crate::domain::time::{HOUR_MS, MINUTE_MS, UtcMs};
use crate::simulator::desk::{Desk, DeskOptions};
use crate::simulator::gateway::{Exchange, ExchangeOptions};
use crate::simulator::listing::Listing;
use crate::simulator::market::{
    BookFrame, BookTape, CandleRow, CandleTape, Market, MarketData, MarketOptions, Tape, synthetic,
};
use crate::simulator::protocol::{self, SimNs, Symbol, TapeTrade};
use crate::store::ticks::{TAPE_MANIFEST, TakerOrder, TapeSeries, load_tape};
use crate::store::{Recording, ReplayRows};

/// How often an exchange tells or does something although nothing happened.
#[derive(Debug, Clone, Copy)]
struct Pace {
    heartbeat_ms: i64,
    /// Mean time between changes of an invented book that no trade caused; `None`: there are none.
    churn_ms: Option<u32>,
}

/// Kraken's own pace of heartbeats, and a lively book.
const OWN_PACE: Pace = Pace { heartbeat_ms: 1_000, churn_ms: Some(1_000) };
/// Where simulated time leaps from candle to candle and nobody watches a book: heartbeats and changes for each of its seconds would be nearly all of the
/// work.
const LEAPING: Pace = Pace { heartbeat_ms: HOUR_MS, churn_ms: None };
/// Hours of invented trades before the start, and in all.
const INVENTED_BEFORE: i64 = 30;
const INVENTED_HOURS: u32 = 54;
/// Mean time between the invented trades of a pair, in simulated ms.
const INVENTED_MEAN_MS: u32 = 5_000;
/// The same of invented pairs: there may be thousands, and all their trades are made at the start.
const LOAD_BEFORE: i64 = 1;
const LOAD_HOURS: u32 = 6;
const LOAD_MEAN_MS: u32 = 10_000;

/// What the stand-in is given.
#[derive(Debug, Clone)]
pub struct StandIn {
    /// Also invented trades in these listed pairs.
    pub invent: Vec<Pair>,
    /// Also so many invented pairs.
    pub synthetic: usize,
    pub seed: u64,
    /// Whether limits of requests and messages are enforced.
    pub strict: bool,
    /// Every row of an execution names its symbol: clients that do not merge by order need it.
    pub full_deltas: bool,
    /// Start of simulated time; an hour after the start of the data unless said otherwise.
    pub from: Option<UtcMs>,
    /// Recorded trades and books are moved in time, so that the start is this instant: for clients that live in the present.
    pub moved_to: Option<UtcMs>,
}

/// A stand-in exchange and what it plays, in words.
#[derive(Debug)]
pub struct Loaded {
    pub exchange: Exchange,
    pub about: String,
}

/// Data of a folder, ready to be played.
struct Played {
    listing: Listing,
    trades: Vec<Tape>,
    candles: Vec<CandleTape>,
    books: Vec<BookTape>,
    start: UtcMs,
}

/// An exchange over the data in `folder`: recorded frames, a tape of trades or a recording of candles.
///
/// # Errors
/// [`OrchestratorError`] naming the folder, the file or the pair that can't be used.
pub fn from_folder(folder: &Path, wanted: &StandIn) -> Result<Loaded, OrchestratorError> {
    let listing = listing()?;
    let frames = recorded::files(folder)?;
    let invented =
        |what: &str| format!("{what} of {}; books are invented around them, seed {}", folder.display(), wanted.seed);
    let (mut data, mut about) = if !frames.is_empty() {
        let found = recorded::read(&frames, &listing)?;
        let listing = listing.with_recorded(&found.pairs).map_err(|e| failed(e.to_string()))?;
        let (trades, books, start) = (found.trades, found.books, wanted.from.unwrap_or(found.begin));
        let about = format!("{}: {}", folder.display(), found.about);
        (Played { listing, trades, candles: Vec::new(), books, start }, about)
    } else if folder.join(TAPE_MANIFEST).is_file() {
        let series = load_tape(folder)?;
        let first = series.iter().filter_map(|s| s.rows.first().map(|r| r.at)).min().unwrap_or_default();
        let start = wanted.from.unwrap_or_else(|| first.plus(HOUR_MS));
        let trades = series.iter().map(tape).collect();
        (Played { listing, trades, candles: Vec::new(), books: Vec::new(), start }, invented("the trades"))
    } else {
        let recording = Recording::open(folder)?;
        let (candles, odd) = candle_tapes(&recording.load_replay()?);
        if !odd.is_empty() {
            tracing::warn!(rows = odd.len(), "recorded candles that no exchange can have made are left out");
        }
        let start = wanted.from.unwrap_or_else(|| recording.first().plus(HOUR_MS));
        (Played { listing, trades: Vec::new(), candles, books: Vec::new(), start }, invented("the candles"))
    };
    if let Some(to) = wanted.moved_to {
        let ms = to.since(data.start);
        data.shift(ms)?;
        about.push_str(&format!("; moved by {} minutes, so their times are not the market's", ms / MINUTE_MS));
    }
    Ok(Loaded { exchange: exchange(data, wanted, OWN_PACE)?, about })
}

impl Played {
    /// Moves everything in time. Recorded candles stay on the grid of their day, so they cannot be moved.
    fn shift(&mut self, ms: i64) -> Result<(), OrchestratorError> {
        if !self.candles.is_empty() {
            return Err(failed("recorded candles cannot be moved in time; leave out --as-now".to_owned()));
        }
        for tape in &mut self.trades {
            tape.trades =
                tape.trades.iter().map(|trade| TapeTrade { at: trade.at.plus_ms(ms), ..trade.clone() }).collect();
        }
        for tape in &mut self.books {
            tape.frames =
                tape.frames.iter().map(|frame| BookFrame { at: frame.at.plus_ms(ms), ..frame.clone() }).collect();
        }
        self.start = self.start.plus(ms);
        Ok(())
    }
}

/// An exchange with invented data alone.
///
/// # Errors
/// [`OrchestratorError::StandIn`] for a pair that is not listed.
pub fn invented(wanted: &StandIn) -> Result<Exchange, OrchestratorError> {
    let start = wanted.from.unwrap_or_default();
    let data = Played { listing: listing()?, trades: Vec::new(), candles: Vec::new(), books: Vec::new(), start };
    exchange(data, wanted, OWN_PACE)
}

/// An exchange that plays the rows of a recording from `start` on, as candles, and the rows that no exchange can play.
pub(super) fn of_recording(rows: &ReplayRows, start: UtcMs) -> Result<(Exchange, Vec<RawCandle>), OrchestratorError> {
    let wanted = StandIn {
        invent: Vec::new(),
        synthetic: 0,
        seed: 1,
        strict: true,
        full_deltas: false,
        from: None,
        moved_to: None,
    };
    let (candles, odd) = candle_tapes(rows);
    let data = Played { listing: listing()?, trades: Vec::new(), candles, books: Vec::new(), start };
    Ok((exchange(data, &wanted, LEAPING)?, odd))
}

fn failed(text: String) -> OrchestratorError {
    OrchestratorError::StandIn(text)
}

fn listing() -> Result<Listing, OrchestratorError> {
    Listing::bundled().map_err(|e| failed(e.to_string()))
}

fn exchange(data: Played, wanted: &StandIn, pace: Pace) -> Result<Exchange, OrchestratorError> {
    let Played { listing: known, mut trades, candles, mut books, start } = data;
    let listing = if wanted.synthetic > 0 { known.clones(wanted.synthetic) } else { known };
    let start = SimNs(start.0.saturating_mul(1_000_000));
    let named: Vec<Symbol> = wanted.invent.iter().map(|pair| Symbol::from(pair.as_str())).collect();
    let new: Vec<Symbol> =
        listing.pairs().iter().rev().take(wanted.synthetic).map(|pair| Arc::clone(&pair.symbol)).collect();
    trades.retain(|tape| !named.contains(&tape.symbol));
    books.retain(|tape| !named.contains(&tape.symbol));
    for (symbols, before, hours, mean_ms) in
        [(named, INVENTED_BEFORE, INVENTED_HOURS, INVENTED_MEAN_MS), (new, LOAD_BEFORE, LOAD_HOURS, LOAD_MEAN_MS)]
    {
        let begin = start.plus_ms(-before * HOUR_MS);
        let invented = synthetic::trades(&listing, &symbols, begin, hours, mean_ms, wanted.seed);
        trades.extend(invented.map_err(|e| failed(e.to_string()))?);
    }
    let data = MarketData { listing: Arc::new(listing), trades, candles, books, start };
    let market = MarketOptions { seed: wanted.seed, churn_ms: pace.churn_ms, ..MarketOptions::default() };
    let market = Market::new(data, market).map_err(|e| failed(e.to_string()))?;
    let desk = Desk::new(DeskOptions {
        seed: wanted.seed,
        strict: wanted.strict,
        full_deltas: wanted.full_deltas,
        ..DeskOptions::default()
    });
    let options = ExchangeOptions {
        seed: wanted.seed,
        strict: wanted.strict,
        heartbeat_ms: pace.heartbeat_ms,
        ..ExchangeOptions::default()
    };
    Exchange::new(options, market, desk).map_err(failed)
}

/// Trades numbered without a hole, as a venue would.
fn tape(series: &TapeSeries) -> Tape {
    let symbol: Symbol = series.pair.as_str().into();
    let series = series.renumbered();
    let trade = |row: &crate::store::ticks::TickRow| TapeTrade {
        symbol: Arc::clone(&symbol),
        id: row.id,
        at: SimNs(row.at.0.saturating_mul(1_000_000)),
        price: row.price,
        qty: row.volume,
        taker: if row.side == Side::Buy { protocol::Side::Buy } else { protocol::Side::Sell },
        market: row.ordertype == TakerOrder::Market,
    };
    Tape { trades: series.rows.iter().map(trade).collect(), symbol: Arc::clone(&symbol), synthetic: false }
}

/// The rows of a recording by pair and length, and the rows that no exchange can play: their numbers are impossible, or they are out of order.
fn candle_tapes(rows: &ReplayRows) -> (Vec<CandleTape>, Vec<RawCandle>) {
    let mut tapes: BTreeMap<(usize, u32), (Symbol, Vec<CandleRow>)> = BTreeMap::new();
    let mut odd = Vec::new();
    for (place, candle) in rows.candles() {
        let (_, tape) =
            tapes.entry((place, candle.interval.0)).or_insert_with(|| (candle.pair.as_str().into(), Vec::new()));
        match row(&candle).filter(|row| tape.last().is_none_or(|last| last.begin < row.begin)) {
            Some(row) => tape.push(row),
            None => odd.push(candle),
        }
    }
    let tape = |((_, interval), (symbol, rows)): (_, (_, Vec<_>))| CandleTape { symbol, interval, rows: rows.into() };
    (tapes.into_iter().map(tape).collect(), odd)
}

/// A candle as an exchange would have made it; `None` when none could.
fn row(candle: &RawCandle) -> Option<CandleRow> {
    let number = Decimal::from_f64;
    let (open, high, low, close) =
        (number(candle.open)?, number(candle.high)?, number(candle.low)?, number(candle.close)?);
    let volume = number(candle.volume)?;
    let possible = low > Decimal::ZERO && low <= open.min(close) && open.max(close) <= high;
    let on_grid = candle.open_time == candle.open_time.floor_to(candle.interval.ms());
    let begin = SimNs(candle.open_time.0.saturating_mul(1_000_000));
    (possible && on_grid && !volume.is_sign_negative()).then_some(CandleRow {
        begin,
        open,
        high,
        low,
        close,
        volume,
        vwap: None,
        trades: candle.trades,
    })
}
