//! Made-up trades for soak and load runs: a random walk on the tick grid. Never used unless asked for, and marked as synthetic.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::build::name_seed;
use super::tape::{MarketError, Tape};
use super::units::{decimal, pow10, units};
use crate::domain::random::SplitMix64;
use crate::simulator::listing::Listing;
use crate::simulator::protocol::{Side, SimNs, Symbol, TapeTrade};

const HOUR_NS: i64 = 3_600_000_000_000;

/// Trades of each pair from `start` for that many hours, one every `mean_ms` simulated milliseconds on average; now and then several of one instant, as
/// when one order takes many.
///
/// # Errors
/// When a pair is not in the listing.
pub fn trades(
    listing: &Listing,
    symbols: &[Symbol],
    start: SimNs,
    hours: u32,
    mean_ms: u32,
    seed: u64,
) -> Result<Vec<Tape>, MarketError> {
    let end = start.0.saturating_add(i64::from(hours).saturating_mul(HOUR_NS));
    symbols
        .iter()
        .map(|symbol| {
            let info = listing.by_symbol(symbol).ok_or_else(|| MarketError::UnknownPair(symbol.to_string()))?;
            let tick = units(info.tick_size, info.pair_decimals).unwrap_or(1).max(1);
            let smallest = units(info.ordermin, info.lot_decimals).unwrap_or(1).max(1);
            let walk = Walk {
                rng: SplitMix64::new(&[seed, name_seed(symbol), 3]),
                symbol: Arc::clone(&info.symbol),
                at: start.0,
                ticks: 0,
                tick,
                price_decimals: info.pair_decimals,
                smallest,
                lot_decimals: info.lot_decimals,
            };
            Ok(Tape { symbol: Arc::clone(&info.symbol), trades: walk.trades(end, mean_ms).into(), synthetic: true })
        })
        .collect()
}

struct Walk {
    rng: SplitMix64,
    symbol: Symbol,
    at: i64,
    ticks: i64,
    tick: i128,
    price_decimals: u32,
    smallest: i128,
    lot_decimals: u32,
}

impl Walk {
    fn below(&mut self, n: usize) -> i64 {
        i64::try_from(self.rng.below(n)).unwrap_or(0)
    }

    fn trades(mut self, end: i64, mean_ms: u32) -> Vec<TapeTrade> {
        self.ticks = 20_000 + self.below(80_000);
        let mut trades = Vec::new();
        let micros = usize::try_from(mean_ms).unwrap_or(1).max(1).saturating_mul(2_000);
        loop {
            self.at = self.at.saturating_add((1 + self.below(micros)).saturating_mul(1_000));
            if self.at >= end {
                return trades;
            }
            let burst = if self.below(16) == 0 { 2 + self.below(3) } else { 1 };
            let taker = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
            let market = self.below(3) == 0;
            for _ in 0..burst {
                let step = self.below(4);
                self.ticks = match taker {
                    Side::Buy => self.ticks.saturating_add(step),
                    Side::Sell => self.ticks.saturating_sub(step).max(1_000),
                };
                trades.push(self.trade(trades.len(), taker, market));
            }
        }
    }

    fn trade(&mut self, before: usize, taker: Side, market: bool) -> TapeTrade {
        let price: Decimal = decimal(self.tick.saturating_mul(i128::from(self.ticks)), self.price_decimals);
        let factor = i128::from(1_i64 << self.below(7));
        let odd = i128::from(self.below(1_000)).min(pow10(self.lot_decimals));
        TapeTrade {
            symbol: Arc::clone(&self.symbol),
            id: u64::try_from(before).unwrap_or(0).saturating_add(1),
            at: SimNs(self.at),
            price: price.normalize(),
            qty: decimal(self.smallest.saturating_mul(factor).saturating_add(odd), self.lot_decimals).normalize(),
            taker,
            market,
        }
    }
}
