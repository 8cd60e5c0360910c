//! Volume-synchronised probability of informed trading.

use super::signed;
use crate::domain::Side;
use crate::pipeline::kernels::window::Sliding;

/// Room that is rounding, as a share of a bucket.
const DUST: f64 = 1e-9;

/// A bucket that was just filled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Base units bought and sold by takers.
    pub buy: f64,
    pub sell: f64,
    /// VPIN with this bucket; `None` until the window is full.
    pub vpin: Option<f64>,
}

/// VPIN (Easley, Lopez de Prado and O'Hara 2012) by the taker's true side: trades fill buckets of equal volume and are split at their edges; the
/// value is the mean of |buy − sell| / volume over the newest `window` buckets, in 0..=1.
///
/// As a forecast of crashes it is contested (Andersen and Bondarenko 2014): a feature, no trigger.
#[derive(Debug, Clone)]
pub struct Vpin {
    /// Volume of the open bucket and of the one after it, base units.
    size: f64,
    next_size: f64,
    window: usize,
    delta: f64,
    pub(super) filled: f64,
    shares: Sliding<[f64; 1]>,
    value: Option<f64>,
}

impl Vpin {
    /// `None` unless the bucket's volume is a positive number.
    #[must_use]
    pub fn new(bucket_volume: f64, window: usize) -> Option<Self> {
        let window = window.max(1);
        usable(bucket_volume).then(|| Self {
            size: bucket_volume,
            next_size: bucket_volume,
            window,
            delta: 0.0,
            filled: 0.0,
            shares: Sliding::new(window),
            value: None,
        })
    }

    /// Another volume for the buckets that are opened from now on; nothing changes when it is no positive number.
    pub fn resize(&mut self, bucket_volume: f64) {
        if usable(bucket_volume) {
            self.next_size = bucket_volume;
            if self.filled == 0.0 {
                self.size = bucket_volume;
            }
        }
    }

    /// Takes a trade; `closed` hears of every bucket that it fills, of a trade beyond all measure only of the newest ones.
    pub fn push(&mut self, side: Side, qty: f64, mut closed: impl FnMut(Bucket)) {
        let mut rest = qty;
        let room = self.size - self.filled;
        if rest < room - DUST * self.size {
            return self.fill(side, rest);
        }
        let part = rest.min(room);
        self.fill(side, part);
        rest -= part;
        closed(self.close());
        // A window full of buckets from one trade is what it is, however many more the trade would fill.
        let most = self.window as f64 * self.size;
        if rest > most + self.size {
            rest = most + rest % self.size;
        }
        while rest >= self.size * (1.0 - DUST) {
            let part = rest.min(self.size);
            self.fill(side, part);
            rest -= part;
            closed(self.close());
        }
        self.fill(side, rest);
    }

    /// The newest full bucket's value.
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        self.value
    }

    /// Trades are missing here: the open bucket is no stretch of volume and is dropped.
    pub const fn cut(&mut self) {
        (self.delta, self.filled, self.size) = (0.0, 0.0, self.next_size);
    }

    fn fill(&mut self, side: Side, qty: f64) {
        self.delta += signed(side, qty);
        self.filled += qty;
    }

    fn close(&mut self) -> Bucket {
        let (buy, sell) = ((self.filled + self.delta) / 2.0, (self.filled - self.delta) / 2.0);
        self.value = self.shares.push([self.delta.abs() / self.filled]).map(|[sum]| sum / self.window as f64);
        self.cut();
        Bucket { buy, sell, vpin: self.value }
    }
}

fn usable(bucket_volume: f64) -> bool {
    bucket_volume.is_finite() && bucket_volume > 0.0
}
