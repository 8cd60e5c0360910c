//! Who was the taker, guessed from prices, and how often that guess is wrong.

use crate::domain::Side;

/// Tick test of Lee and Ready (1991): an uptick is a buy, a downtick a sell, an equal price keeps the side before.
///
/// The exchange sends the taker's side, so the guess only stands in where it is missing; the share of trades in which it would have been wrong is
/// counted and stays visible.
#[derive(Debug, Clone, Copy)]
pub struct TickRule {
    /// Side before any price has moved.
    seed: Option<Side>,
    price: Option<f64>,
    side: Option<Side>,
    compared: u64,
    wrong: u64,
}

impl TickRule {
    /// `seed` is the side until the price first moves; without one there is none.
    #[must_use]
    pub const fn new(seed: Option<Side>) -> Self {
        Self { seed, price: None, side: seed, compared: 0, wrong: 0 }
    }

    /// The side of a trade at `price` by the rule. `sent` is what the exchange said, and only counted.
    pub fn push(&mut self, price: f64, sent: Option<Side>) -> Option<Side> {
        match self.price.replace(price) {
            Some(before) if price > before => self.side = Some(Side::Buy),
            Some(before) if price < before => self.side = Some(Side::Sell),
            _ => {}
        }
        if let (Some(sent), Some(guessed)) = (sent, self.side) {
            self.compared += 1;
            self.wrong += u64::from(sent != guessed);
        }
        self.side
    }

    /// Trades in which the rule could be compared with the exchange's side.
    #[must_use]
    pub const fn compared(&self) -> u64 {
        self.compared
    }

    /// Trades in which the rule contradicted the exchange's side.
    #[must_use]
    pub const fn wrong(&self) -> u64 {
        self.wrong
    }

    /// Share of compared trades in which the rule was wrong.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        (self.compared > 0).then(|| self.wrong as f64 / self.compared as f64)
    }

    /// Trades are missing here: the next price says nothing about a move. The counts stay.
    pub const fn cut(&mut self) {
        self.price = None;
        self.side = self.seed;
    }
}
