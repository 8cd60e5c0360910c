//! The largest order of an hour, where its trades are recorded: is it larger than this pair sees at this hour of the day?

use std::collections::{BTreeMap, VecDeque};

use super::robust::Spread;
use crate::domain::reading::WhaleOrder;
use crate::domain::time::HOUR_MS;
use crate::domain::{Frame, Pair, UtcMs};

const HOURS_PER_DAY: i64 = 24;
/// Fewer hours than this make no median deviation worth the name. A week has 21 hours that lie within one hour of a given one of the day.
const MIN_HOURS: usize = 15;

/// Keeps the largest order of every hour of the window, pair by pair.
#[derive(Debug, Clone)]
pub(super) struct Orders {
    window_ms: i64,
    seen: BTreeMap<Pair, VecDeque<Seen>>,
}

/// An hour whose trades were all there.
#[derive(Debug, Clone, Copy)]
struct Seen {
    start: UtcMs,
    /// ln of the quote units of its largest order.
    ln_quote: f64,
}

impl Orders {
    pub const fn new(window_ms: i64) -> Self {
        Self { window_ms, seen: BTreeMap::new() }
    }

    /// The largest order of the frame's hour, measured against the hours before it; `None` unless all trades of the hour are there.
    pub fn read(&self, frame: &Frame) -> Option<WhaleOrder> {
        let flow = frame.flow.as_ref().filter(|f| f.trades_fault.is_none())?.trades.as_ref()?;
        let largest = flow.largest_parent?;
        let sample = self.reference(&frame.pair, frame.bar.open_time);
        let spread = (sample.len() >= MIN_HOURS).then(|| Spread::of(&sample)).flatten();
        Some(WhaleOrder {
            side: largest.side,
            prints: largest.prints,
            quote: largest.quote,
            share: (flow.quote_volume > 0.0).then(|| largest.quote / flow.quote_volume),
            impact: Some((largest.last_price / largest.first_price).ln()).filter(|r| r.is_finite()),
            z: spread.and_then(|s| s.z(largest.quote.ln())),
            threshold: flow.threshold,
            above_threshold: flow.large_parents,
        })
    }

    /// Largest orders of hours within one of the same hour of the day, all before `start`.
    fn reference(&self, pair: &Pair, start: UtcMs) -> Vec<f64> {
        let hour = |t: UtcMs| t.0.div_euclid(HOUR_MS).rem_euclid(HOURS_PER_DAY);
        let near = |seen: &&Seen| {
            let apart = (hour(seen.start) - hour(start)).rem_euclid(HOURS_PER_DAY);
            seen.start >= start.plus(-self.window_ms) && seen.start < start && apart.min(HOURS_PER_DAY - apart) <= 1
        };
        self.seen.get(pair).into_iter().flatten().filter(near).map(|seen| seen.ln_quote).collect()
    }

    /// Takes a judged hour into the window; the same hour twice counts once.
    pub fn remember(&mut self, frame: &Frame) {
        let Some(order) = self.read(frame) else { return };
        let (start, ln_quote) = (frame.bar.open_time, order.quote.ln());
        let from = start.plus(-self.window_ms);
        let seen = self.seen.entry(frame.pair.clone()).or_default();
        if ln_quote.is_finite() && seen.back().is_none_or(|newest| newest.start < start) {
            seen.push_back(Seen { start, ln_quote });
        }
        while seen.front().is_some_and(|oldest| oldest.start < from) {
            seen.pop_front();
        }
    }
}
