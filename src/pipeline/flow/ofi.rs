//! Order-flow imbalance: what came to the best bid less what came to the best ask.

use super::Level;

/// Contribution of one book event (Cont, Kukanov and Stoikov 2014), in base units: with primes for the book before,
/// qb·[pb ≥ pb′] − qb′·[pb ≤ pb′] − qa·[pa ≤ pa′] + qa′·[pa ≥ pa′].
#[derive(Debug, Clone, Copy, Default)]
pub struct Ofi {
    before: Option<(Level, Level)>,
}

impl Ofi {
    #[must_use]
    pub const fn new() -> Self {
        Self { before: None }
    }

    /// Takes the best bid and ask after an event. 0 for the first book and for one with an empty side: there is nothing to compare with.
    pub fn push(&mut self, bid: Option<Level>, ask: Option<Level>) -> f64 {
        let now = bid.zip(ask);
        let before = std::mem::replace(&mut self.before, now);
        let (Some((bid, ask)), Some((bid_before, ask_before))) = (now, before) else { return 0.0 };
        let mut sum = 0.0;
        if bid.0 >= bid_before.0 {
            sum += bid.1;
        }
        if bid.0 <= bid_before.0 {
            sum -= bid_before.1;
        }
        if ask.0 <= ask_before.0 {
            sum -= ask.1;
        }
        if ask.0 >= ask_before.0 {
            sum += ask_before.1;
        }
        sum
    }

    /// The book begins anew: it is not compared with the one before.
    pub const fn cut(&mut self) {
        self.before = None;
    }
}

/// [`Ofi`] summed over a bar, and the depth it is measured by.
#[derive(Debug, Clone, Copy, Default)]
pub struct BarOfi {
    ofi: Ofi,
    sum: f64,
    depth: f64,
    events: u64,
}

impl BarOfi {
    #[must_use]
    pub const fn new() -> Self {
        Self { ofi: Ofi::new(), sum: 0.0, depth: 0.0, events: 0 }
    }

    /// Takes the best levels after an event. A book with an empty side counts for nothing.
    pub fn push(&mut self, bid: Option<Level>, ask: Option<Level>) {
        self.sum += self.ofi.push(bid, ask);
        if let Some((bid, ask)) = bid.zip(ask) {
            self.depth += f64::midpoint(bid.1, ask.1);
            self.events += 1;
        }
    }

    /// Book events with two sides since the bar's begin.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Sum of the contributions, in base units; no value when no book was seen.
    #[must_use]
    pub fn sum(&self) -> Option<f64> {
        (self.events > 0).then_some(self.sum)
    }

    /// Mean over the events of half the quantity at both best levels, in base units.
    #[must_use]
    pub fn mean_depth(&self) -> Option<f64> {
        (self.events > 0).then(|| self.depth / self.events as f64)
    }

    /// Sum over mean depth: without a unit.
    #[must_use]
    pub fn scaled(&self) -> Option<f64> {
        let depth = self.mean_depth().filter(|d| *d > 0.0)?;
        Some(self.sum / depth)
    }

    /// The next bar begins with the book as it stands.
    pub const fn next_bar(&mut self) {
        *self = Self { ofi: self.ofi, ..Self::new() };
    }

    /// See [`Ofi::cut`].
    pub const fn cut(&mut self) {
        self.ofi.cut();
    }
}
