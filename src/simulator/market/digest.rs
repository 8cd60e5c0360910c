//! The market's state as bytes, and the checks of what must always hold.

use std::cmp::Reverse;

use super::Market;
use super::candles::{Bar, Series};
use super::ladder::Ladder;
use super::pair::{BookSource, PairState};
use crate::simulator::protocol::Side;

impl Market {
    /// Feeds all state to `hasher`, in a stable order.
    pub fn state_hash(&self, hasher: &mut impl FnMut(&[u8])) {
        hasher(&self.now.0.to_le_bytes());
        hasher(self.system.as_bytes());
        for status in &self.statuses {
            hasher(status.as_str().as_bytes());
        }
        for pair in &self.pairs {
            hash_pair(pair, hasher);
        }
        let mut dues: Vec<_> = self.dues.iter().map(|Reverse(due)| *due).collect();
        dues.sort_unstable();
        for (at, index, kind) in dues {
            hasher(&at.to_le_bytes());
            hasher(&(index as u64).to_le_bytes());
            hasher(&kind.number().to_le_bytes());
        }
        for index in &self.taken_from {
            hasher(&(*index as u64).to_le_bytes());
        }
        hasher(&self.injected.to_le_bytes());
        hasher(&(self.pending.len() as u64).to_le_bytes());
    }

    /// Checks what must always hold (slow; for tests): books sorted and not crossed, candles the aggregation of the trades (or of the recorded candles),
    /// ticker sums those of the last 24 hours.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(&self) -> Result<(), String> {
        for pair in &self.pairs {
            check_pair(pair).map_err(|what| format!("{}: {what}", pair.symbol))?;
        }
        Ok(())
    }
}

fn hash_ladder(ladder: &Ladder, hasher: &mut impl FnMut(&[u8])) {
    for side in [Side::Buy, Side::Sell] {
        hasher(side.as_str().as_bytes());
        for rung in ladder.levels(side) {
            hasher(&rung.price.to_le_bytes());
            hasher(&rung.qty.to_le_bytes());
            hasher(&rung.at.to_le_bytes());
        }
    }
}

fn hash_pair(pair: &PairState, hasher: &mut impl FnMut(&[u8])) {
    hasher(pair.symbol.as_bytes());
    hash_ladder(&pair.ladder, hasher);
    let tape = pair.tape.as_ref().map_or((0, 0), |t| (t.cursor as u64, t.shift));
    let mut numbers = vec![pair.history.trail(), pair.history.rows().len() as u64, tape.0, tape.1];
    numbers.extend(pair.candles.iter().map(|c| c.cursor as u64));
    numbers.push(match &pair.book {
        BookSource::Recorded { cursor, .. } => *cursor as u64,
        BookSource::Synthetic(maker) => maker.peek(),
    });
    numbers.push(pair.noise.clone().next_u64());
    numbers.extend([u64::from(pair.faults.corrupt), u64::from(pair.faults.cross), pair.injected.len() as u64]);
    numbers.push(pair.faults.frozen_until.map_or(0, i64::cast_unsigned));
    for number in numbers {
        hasher(&number.to_le_bytes());
    }
    for (series, _) in &pair.series {
        hasher(&(series.bars.len() as u64).to_le_bytes());
        if let Some(bar) = series.bars.last() {
            for n in [bar.begin, bar.open, bar.high, bar.low, bar.close] {
                hasher(&n.to_le_bytes());
            }
            hasher(&bar.volume.to_le_bytes());
            hasher(&bar.cost.to_le_bytes());
        }
    }
    pair.stats.digest(hasher);
    for feed in &pair.watch.books {
        hasher(&feed.depth.to_le_bytes());
        for (price, qty) in feed.bids.iter().chain(&feed.asks) {
            hasher(&price.to_le_bytes());
            hasher(&qty.to_le_bytes());
        }
    }
    let watched = [pair.watch.ticker, pair.watch.ticker_bbo, pair.watch.trade];
    for flag in watched.into_iter().chain(pair.watch.ohlc) {
        hasher(&[u8::from(flag)]);
    }
}

fn check_pair(pair: &PairState) -> Result<(), String> {
    pair.ladder.check()?;
    pair.stats.check()?;
    for (series, from) in &pair.series {
        let mut anew = Series::new(series.minutes);
        match from {
            Some(tape) => {
                let played = pair.candles.get(*tape).and_then(|c| c.bars.get(..c.cursor)).unwrap_or_default();
                played.iter().for_each(|bar| anew.absorb(bar));
            }
            None if pair.makes_candles() => {
                let rows = pair.history.rows();
                rows.iter().for_each(|r| anew.absorb(&Bar::of_trade(r.at, r.price, r.qty)));
            }
            None => {}
        }
        if anew.bars != series.bars {
            return Err(format!("the {}-minute candles are not the aggregation of what was played", series.minutes));
        }
    }
    let rows = pair.history.rows();
    if rows.iter().zip(rows.iter().skip(1)).any(|(a, b)| b.id <= a.id || b.cursor <= a.cursor || b.at < a.at) {
        return Err("trades are not in order".to_owned());
    }
    Ok(())
}
