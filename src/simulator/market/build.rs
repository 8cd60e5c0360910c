//! From recorded data to the state at the start: checks every row, finds the scale, plays what lies before the start.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rust_decimal::Decimal;

use super::candles::{Bar, INTERVALS, MINUTE_NS, Series};
use super::history::History;
use super::ladder::Ladder;
use super::maker::Maker;
use super::pair::{BookFaults, BookSource, PairState, Recorded, Tracked, Watch, reveal};
use super::stats::Stats;
use super::tape::{BookTape, CandleRow, CandleTape, MarketError, MarketOptions, Tape};
use super::text::Style;
use super::units::{Amt, Px, Scale, div_round, pow10, units};
use crate::domain::random::SplitMix64;
use crate::simulator::listing::PairInfo;
use crate::simulator::protocol::{SimNs, Symbol};

/// The tapes of one pair.
#[derive(Debug, Default)]
pub struct Tapes {
    pub trades: Option<Tape>,
    pub candles: Vec<CandleTape>,
    pub book: Option<BookTape>,
}

/// Decimals beyond which data are taken for broken.
const FINEST: u32 = 12;

/// The state of one pair at `start`.
pub fn pair(
    info: &PairInfo,
    place: usize,
    mut tapes: Tapes,
    start: SimNs,
    options: &MarketOptions,
) -> Result<PairState, MarketError> {
    let bad = |what: String| MarketError::BadData { symbol: info.symbol.to_string(), what };
    tapes.candles.sort_by_key(|c| c.interval);
    check(&tapes).map_err(bad)?;
    let decimals = Scale { price: info.pair_decimals, qty: info.lot_decimals };
    let scale = scale(&tapes, decimals).map_err(bad)?;
    let tick =
        scale.price_units(info.tick_size).filter(|t| *t > 0).ok_or_else(|| bad("the tick is too large".into()))?;
    check_fit(&tapes, scale, tick).map_err(bad)?;
    // A pair with trades makes its candles itself.
    let candles = if tapes.trades.is_some() { Vec::new() } else { recorded(&tapes.candles, scale) };
    let series = INTERVALS.iter().map(|m| (Series::new(*m), feeder(&candles, *m))).collect();
    let mut state = PairState {
        symbol: Arc::clone(&info.symbol),
        place,
        scale,
        decimals,
        cost_decimals: info.cost_decimals,
        style: style(scale, decimals, options.keep_zeros),
        tick,
        tape: tapes.trades.map(|t| Tracked { trades: t.trades, cursor: 0, shift: 0, synthetic: t.synthetic }),
        injected: BTreeMap::new(),
        candles,
        series,
        history: History::default(),
        stats: Stats::default(),
        ladder: Ladder::default(),
        book: book(info, tapes.book, scale, tick, options),
        churn_ms: options.churn_ms,
        spreads: VecDeque::new(),
        best: (None, None),
        watch: Watch::default(),
        faults: BookFaults::default(),
        noise: SplitMix64::new(&[options.seed, name_seed(&info.symbol), 2]),
        repeat_one_in: options.repeat_one_in,
    };
    play_past(&mut state, start);
    Ok(state)
}

/// A number from a name, so that a pair's random stream depends on nothing but its name and the seed.
pub fn name_seed(symbol: &Symbol) -> u64 {
    symbol
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

const fn style(scale: Scale, decimals: Scale, keep_zeros: bool) -> Style {
    if keep_zeros {
        Style { scale, price_least: decimals.price, qty_least: decimals.qty }
    } else {
        Style { scale, price_least: 0, qty_least: 0 }
    }
}

fn book(info: &PairInfo, tape: Option<BookTape>, scale: Scale, tick: Px, options: &MarketOptions) -> BookSource {
    if let Some(tape) = tape {
        return BookSource::Recorded { frames: tape.frames, cursor: 0, depth: tape.depth };
    }
    let levels = options.levels_of.get(&info.symbol).copied().unwrap_or(options.depth_levels).max(1);
    let lot = pow10(scale.qty.saturating_sub(info.lot_decimals));
    let smallest = scale.qty_units(info.ordermin).unwrap_or(lot).max(lot);
    let rng = SplitMix64::new(&[options.seed, name_seed(&info.symbol), 1]);
    BookSource::Synthetic(Maker::new(rng, levels as usize, tick, smallest, lot))
}

/// The tape that feeds an interval: the coarsest one that divides it.
fn feeder(candles: &[Recorded], minutes: u32) -> Option<usize> {
    candles.iter().rposition(|c| c.minutes <= minutes && minutes.is_multiple_of(c.minutes))
}

/// Order, signs and grids of all rows.
fn check(tapes: &Tapes) -> Result<(), String> {
    if let Some(tape) = &tapes.trades {
        for (a, b) in tape.trades.iter().zip(tape.trades.iter().skip(1)) {
            if b.at < a.at || b.id <= a.id {
                return Err(format!("trade {} is not after trade {}", b.id, a.id));
            }
        }
        if let Some(bad) = tape.trades.iter().find(|t| t.price <= Decimal::ZERO || t.qty <= Decimal::ZERO) {
            return Err(format!("trade {} has a price or quantity that is not positive", bad.id));
        }
    }
    for (a, b) in tapes.candles.iter().zip(tapes.candles.iter().skip(1)) {
        if a.interval == b.interval {
            return Err(format!("two candle tapes of {} minutes", a.interval));
        }
    }
    tapes.candles.iter().try_for_each(check_candles)?;
    let Some(tape) = &tapes.book else { return Ok(()) };
    if tape.depth == 0 || tape.frames.first().is_some_and(|f| !f.snapshot) {
        return Err("the recorded book does not start with a snapshot, or has no depth".to_owned());
    }
    if tape.frames.iter().zip(tape.frames.iter().skip(1)).any(|(a, b)| b.at < a.at) {
        return Err("the recorded book is not sorted".to_owned());
    }
    let mut levels = tape.frames.iter().flat_map(|f| &f.levels);
    if levels.any(|l| l.price <= Decimal::ZERO || l.qty < Decimal::ZERO) {
        return Err("the recorded book holds a price or quantity that is not positive".to_owned());
    }
    Ok(())
}

fn check_candles(tape: &CandleTape) -> Result<(), String> {
    if !INTERVALS.contains(&tape.interval) {
        return Err(format!("there are no candles of {} minutes", tape.interval));
    }
    let step = i64::from(tape.interval).saturating_mul(MINUTE_NS);
    let mut before = i64::MIN;
    for row in tape.rows.iter() {
        let fits = row.begin.0 > before
            && row.begin.0.rem_euclid(step) == 0
            && row.low > Decimal::ZERO
            && row.low <= row.open.min(row.close)
            && row.high >= row.open.max(row.close)
            && row.volume >= Decimal::ZERO;
        if !fits {
            return Err(format!("the {}-minute candle at {} ns makes no sense", tape.interval, row.begin.0));
        }
        before = row.begin.0;
    }
    Ok(())
}

/// All prices, and all quantities, of the tapes.
fn prices(tapes: &Tapes) -> impl Iterator<Item = Decimal> + '_ {
    let trades = tapes.trades.iter().flat_map(|t| t.trades.iter().map(|t| t.price));
    let rows = tapes.candles.iter().flat_map(|c| c.rows.iter());
    trades.chain(rows.flat_map(|r| [r.open, r.high, r.low, r.close]))
}

fn quantities(tapes: &Tapes) -> impl Iterator<Item = Decimal> + '_ {
    let trades = tapes.trades.iter().flat_map(|t| t.trades.iter().map(|t| t.qty));
    trades.chain(tapes.candles.iter().flat_map(|c| c.rows.iter().map(|r| r.volume)))
}

/// The digits that all numbers of the pair need: those of the listing, and more if older data were finer.
fn scale(tapes: &Tapes, listed: Scale) -> Result<Scale, String> {
    let finest = |values: &mut dyn Iterator<Item = Decimal>, least: u32| {
        values.fold(least, |most, v| if v.scale() <= most { most } else { most.max(v.normalize().scale()) })
    };
    let scale =
        Scale { price: finest(&mut prices(tapes), listed.price), qty: finest(&mut quantities(tapes), listed.qty) };
    if scale.price > FINEST || scale.qty > FINEST {
        return Err(format!("numbers with {} and {} decimals", scale.price, scale.qty));
    }
    Ok(scale)
}

/// Everything must be expressible; recorded books also lie on the grid of today, because their checksums are made with its decimals.
fn check_fit(tapes: &Tapes, scale: Scale, tick: Px) -> Result<(), String> {
    if let Some(price) = prices(tapes).find(|p| scale.price_units(*p).is_none()) {
        return Err(format!("the price {price} is too large"));
    }
    if let Some(qty) = quantities(tapes).find(|q| scale.qty_units(*q).is_none()) {
        return Err(format!("the quantity {qty} is too large"));
    }
    for level in tapes.book.iter().flat_map(|b| b.frames.iter().flat_map(|f| &f.levels)) {
        let on_grid = scale.price_units(level.price).is_some_and(|p| p.checked_rem(tick) == Some(0));
        if !on_grid || scale.qty_units(level.qty).is_none() {
            return Err(format!("the book level {} × {} is not on the pair's grid", level.price, level.qty));
        }
    }
    Ok(())
}

fn recorded(tapes: &[CandleTape], scale: Scale) -> Vec<Recorded> {
    let bars = |tape: &CandleTape| tape.rows.iter().filter_map(|row| bar(row, scale)).collect();
    tapes.iter().map(|tape| Recorded { minutes: tape.interval, bars: bars(tape), cursor: 0 }).collect()
}

/// A recorded row in units. Its cost comes from the recorded mean price, or from the mean of high, low and close.
fn bar(row: &CandleRow, scale: Scale) -> Option<Bar> {
    let price = |p| scale.price_units(p);
    let volume = scale.qty_units(row.volume)?;
    let (open, high, low, close) = (price(row.open)?, price(row.high)?, price(row.low)?, price(row.close)?);
    let cost = match row.vwap {
        Some(vwap) => {
            let digits = scale.price.max(vwap.scale());
            let exact = units(vwap, digits)?.saturating_mul(volume);
            div_round(exact, pow10(digits - scale.price))
        }
        None => {
            let sum: Amt = [high, low, close].into_iter().map(Amt::from).sum();
            div_round(sum.saturating_mul(volume), 3)
        }
    };
    Some(Bar { begin: row.begin.0, open, high, low, close, volume, cost, count: row.trades.unwrap_or(1) })
}

/// Plays what lies before the start, without telling anybody.
fn play_past(state: &mut PairState, start: SimNs) {
    while let Some(trade) = state.tape.as_ref().and_then(|t| t.trades.get(t.cursor)).filter(|t| t.at < start).cloned() {
        if let Some(tape) = &mut state.tape {
            tape.cursor += 1;
        }
        state.ingest(&trade, trade.id);
    }
    for tape in 0..state.candles.len() {
        while state
            .candles
            .get(tape)
            .is_some_and(|c| c.bars.get(c.cursor).is_some_and(|b| reveal(b, c.minutes) < start.0))
        {
            state.ingest_candle(tape);
        }
    }
    loop {
        let due = matches!(&state.book, BookSource::Recorded { frames, cursor, .. } if frames.get(*cursor).is_some_and(|f| f.at < start));
        if !due {
            break;
        }
        state.ingest_book();
    }
    if let Some((price, _)) = state.stats.last() {
        state.centre(price, start.0);
    }
    state.stats.expire(start.0);
    state.note_best(start.0);
}
