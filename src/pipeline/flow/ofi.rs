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
