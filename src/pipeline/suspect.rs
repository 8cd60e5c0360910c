//! Values that passed every check and are still hard to believe: they are taken, flagged, and block until they are resolved.
//!
//! An outlier is resolved by a second source (the bar built from trades against the exchange's own, another venue's bar), or, where none
//! speaks, by what the market does next: it stays or it comes back. Spikes are real sometimes, so nothing is deleted.

use std::collections::VecDeque;

use super::kernels::{Hampel, RollingMax};
use super::trust::{Cause, Findings};
use crate::domain::quality::{OutlierCounts, Testimony, Witness};
use crate::domain::settings::PipelineSettings;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::domain::{Candle, UtcMs};

/// A short bar's close is an outlier only beyond this distance from the last close: the Hampel filter alone flags a few of a
/// hundred five-minute bars of a calm market, because its scale is tiny then. Closes of whole hours are judged by the filter alone.
const SHORT_BAR_FLOOR: f64 = 0.05;
/// Without a second source an outlier is settled by the first bar that ends so long after its own, at least the next one.
const SETTLED_AFTER_MS: i64 = 15 * MINUTE_MS;
/// Bars equal in price and volume, one after the other, that make a frozen feed. The most in recorded candles is seven.
const FROZEN_AFTER: u32 = 12;
/// A volume so many times the largest of the bars before it is no trading day. The most in recorded candles is 31.
const BURST: f64 = 1_000.0;
/// Bars behind that largest volume.
const BURST_WINDOW: usize = 100;
/// How long such a volume stands in the windows.
const BURST_FOR_MS: i64 = DAY_MS;
/// Bars without the last digit that make rounded prices …
const ROUNDED_AFTER: u32 = 24;
/// … when that many different prices are among them …
const ROUNDED_PRICES: usize = 12;
/// … and the last digit had been in use in so many bars. After further bars the coarser step counts as the pair's own.
const DIGIT_USED: u32 = 20;
const ROUNDED_FOR: u32 = 400;
/// Another venue's close may differ by this share. The most between Kraken and Coinbase in a year of hours is 0.0033.
const VENUES_APART: f64 = 0.03;

/// Looks at the accepted source bars of one pair.
#[derive(Debug, Clone)]
pub struct Suspect {
    hampel: Hampel,
    last_close: Option<f64>,
    outlier: Option<Outlier>,
    contradicted: Option<(UtcMs, String)>,
    counts: OutlierCounts,
    frozen: Frozen,
    burst: Burst,
    digits: Digits,
}

/// An outlier that nothing has resolved.
#[derive(Debug, Clone, Copy)]
struct Outlier {
    open_time: UtcMs,
    close_time: UtcMs,
    before: f64,
    close: f64,
}

impl Suspect {
    /// `price_decimals`: decimals of the pair's prices as its venue lists them, where that is known.
    #[must_use]
    pub fn new(settings: &PipelineSettings, price_decimals: Option<u32>) -> Self {
        Self {
            hampel: Hampel::new(settings.hampel_window, settings.hampel_k),
            last_close: None,
            outlier: None,
            contradicted: None,
            counts: OutlierCounts::default(),
            frozen: Frozen::default(),
            burst: Burst::new(),
            digits: Digits::new(price_decimals),
        }
    }

    /// The venue lists prices with so many decimals.
    pub const fn know_decimals(&mut self, price_decimals: u32) {
        self.digits.listed = Some(price_decimals);
    }

    #[must_use]
    pub const fn counts(&self) -> OutlierCounts {
        self.counts
    }

    /// Takes the next accepted bar.
    pub fn push(&mut self, candle: &Candle) {
        self.frozen.push(candle);
        self.burst.push(candle);
        self.digits.push(candle);
        self.settle(candle.close_time());
        let close = candle.close.to_f64();
        let far = self.hampel.push(close);
        let before = self.last_close.replace(close);
        let Some(before) = before.filter(|_| far) else { return };
        let apart = (close / before - 1.0).abs();
        if candle.interval.ms() >= HOUR_MS || apart > SHORT_BAR_FLOOR {
            // One that is still open is part of the same story: it goes on with this bar.
            let before = self.outlier.map_or(before, |o| o.before);
            self.counts.flagged += u64::from(self.outlier.is_none());
            let (open_time, close_time) = (candle.open_time, candle.close_time());
            self.outlier = Some(Outlier { open_time, close_time, before, close });
        }
    }

    /// A bar has come that ends at `end`: after a while the market has answered.
    fn settle(&mut self, end: UtcMs) {
        if self.outlier.take_if(|o| end.since(o.close_time) >= SETTLED_AFTER_MS).is_some() {
            self.counts.settled += 1;
        }
    }

    /// A second source's word on the newest bar. `true`: it contradicts, and the bar's values are wrong in one of the two.
    pub fn hear(&mut self, candle: &Candle, testimony: &Testimony) -> bool {
        let own = candle.close.to_f64();
        let apart = (testimony.close / own - 1.0).abs();
        let limit = match testimony.by {
            Witness::Trades => 1e-9,
            Witness::OtherVenue => VENUES_APART,
        };
        let agrees = apart <= limit;
        let outlier = self.outlier.take_if(|o| o.open_time == candle.open_time);
        match (agrees, outlier) {
            (true, Some(_)) => self.counts.confirmed += 1,
            (true, None) => {}
            (false, outlier) => {
                self.counts.contradicted += u64::from(outlier.is_some());
                let by = match testimony.by {
                    Witness::Trades => "the exchange and its trades",
                    Witness::OtherVenue => "two venues",
                };
                let words =
                    format!("{by} differ on the bar of {}: {own} and {}", candle.open_time.minute(), testimony.close);
                self.contradicted = Some((candle.close_time(), words));
            }
        }
        !agrees
    }

    /// Windows start anew: what came before is compared with nothing.
    pub fn reset(&mut self) {
        self.hampel.reset();
        self.last_close = None;
        self.outlier = None;
    }

    /// Adds what speaks against the data at `at`. `contradicted_ms`: how long a contradiction does.
    pub fn tell(&self, at: UtcMs, contradicted_ms: i64, findings: &mut Findings) {
        if let Some((_, words)) = self.contradicted.as_ref().filter(|(when, _)| at.since(*when) < contradicted_ms) {
            findings.add(Cause::Contradicted, words);
        }
        if let Some(o) = &self.outlier {
            let words = format!("unconfirmed outlier at {}: {} after {}", o.open_time.minute(), o.close, o.before);
            findings.add(Cause::Outlier, words);
        }
        if self.frozen.run >= FROZEN_AFTER {
            findings.add(Cause::Frozen, format!("frozen feed: the same candle {} times", self.frozen.run));
        }
        if self.digits.is_rounded() {
            let words = format!(
                "rounded prices: no digit beyond {} decimals in {} bars",
                self.digits.coarse(),
                self.digits.without
            );
            findings.add(Cause::Rounded, words);
        }
        if let Some((when, times)) = self.burst.last.filter(|(when, _)| at.since(*when) < BURST_FOR_MS) {
            let words = format!("volume of the bar of {} is {times:.0} times the largest before it", when.minute());
            findings.add(Cause::Burst, words);
        }
    }
}

/// Runs of candles that are equal in every value.
#[derive(Debug, Clone, Default)]
struct Frozen {
    last: Option<[rust_decimal::Decimal; 5]>,
    run: u32,
}

impl Frozen {
    fn push(&mut self, c: &Candle) {
        let values = [c.open.get(), c.high.get(), c.low.get(), c.close.get(), c.volume.get()];
        // Sources that fill silent intervals repeat the last close without volume.
        let same = self.last == Some(values) && !c.volume.is_zero();
        self.run = if same { self.run.saturating_add(1) } else { 1 };
        self.last = Some(values);
    }
}

/// The largest volume of the bars before, and the last one that left it behind.
#[derive(Debug, Clone)]
struct Burst {
    largest: RollingMax,
    before: Option<f64>,
    last: Option<(UtcMs, f64)>,
}

impl Burst {
    fn new() -> Self {
        Self { largest: RollingMax::new(BURST_WINDOW), before: None, last: None }
    }

    fn push(&mut self, c: &Candle) {
        let volume = c.volume.to_f64();
        if let Some(before) = self.before.filter(|b| *b > 0.0 && volume > BURST * b) {
            self.last = Some((c.open_time, volume / before));
        }
        self.before = self.largest.push(volume);
    }
}

/// How many decimals prices need.
#[derive(Debug, Clone)]
struct Digits {
    listed: Option<u32>,
    /// Bars that needed so many decimals, by that number.
    used: Vec<u32>,
    /// Bars since the finest digit in use was seen.
    without: u32,
    /// Most decimals needed since then.
    coarse: u32,
    recent: VecDeque<[rust_decimal::Decimal; 4]>,
}

impl Digits {
    const fn new(listed: Option<u32>) -> Self {
        Self { listed, used: Vec::new(), without: 0, coarse: 0, recent: VecDeque::new() }
    }

    /// The finest digit that is in use.
    fn usual(&self) -> u32 {
        let in_use = self.used.iter().rposition(|n| *n >= DIGIT_USED).unwrap_or(0);
        u32::try_from(in_use).unwrap_or(0)
    }

    const fn coarse(&self) -> u32 {
        self.coarse
    }

    fn push(&mut self, c: &Candle) {
        let prices = [c.open.get(), c.high.get(), c.low.get(), c.close.get()];
        let needed = prices.iter().map(rust_decimal::Decimal::scale).max().unwrap_or(0);
        if self.recent.len() >= ROUNDED_AFTER as usize {
            self.recent.pop_front();
        }
        self.recent.push_back(prices);
        if needed >= self.usual() {
            (self.without, self.coarse) = (0, 0);
        } else {
            self.without = self.without.saturating_add(1);
            self.coarse = self.coarse.max(needed);
        }
        let place = needed as usize;
        if self.used.len() <= place {
            self.used.resize(place + 1, 0);
        }
        if let Some(n) = self.used.get_mut(place) {
            *n = n.saturating_add(1);
        }
        if self.without > ROUNDED_FOR {
            // The venue has changed its step.
            self.used.truncate(self.coarse as usize + 1);
            (self.without, self.coarse) = (0, 0);
        }
    }

    fn is_rounded(&self) -> bool {
        if self.without < ROUNDED_AFTER || self.listed.is_some_and(|listed| self.coarse >= listed) {
            return false;
        }
        let mut prices: Vec<_> = self.recent.iter().flatten().collect();
        prices.sort_unstable();
        prices.dedup();
        prices.len() >= ROUNDED_PRICES
    }
}

#[cfg(test)]
mod tests;
