//! What became of rules in a backtest.

use serde::Serialize;

use crate::domain::random::SplitMix64;

/// Why a position ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The exit rule, at the next open.
    Rule,
    Stop,
    Target,
}

/// A position from its entry to its exit. Bars are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RuleTrade {
    /// The bar at whose open it was bought.
    pub entered: usize,
    /// The bar in which it was sold.
    pub left: usize,
    /// Price paid, slippage included, without the fee.
    pub entry: f64,
    /// Price got, slippage included, without the fee.
    pub exit: f64,
    /// Base units.
    pub quantity: f64,
    /// Quote units after both fees.
    pub profit: f64,
    pub why: Why,
}

/// A backtest of one strategy on one pair. Floats: a fast estimate beside the decimal ledger of real accounts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleReport {
    pub bars: usize,
    /// Positions that ended.
    pub trades: Vec<RuleTrade>,
    /// A position that was still held at the end: the bar and the price of its entry.
    pub open: Option<(usize, f64)>,
    /// Cash, and what is held at the last close, in quote units.
    pub final_equity: f64,
    /// Greatest fall from a high of the equity at closes and exits, as a share of the high.
    pub max_drawdown: f64,
    /// Share of the closes at which a position was held.
    pub exposure: f64,
    /// Equity at every close; empty unless it was asked for.
    pub equity: Vec<f64>,
}

impl RuleReport {
    /// A number that is equal for reports that are equal bit by bit (per-bar equity left out), and hardly ever for others.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut mixed = SplitMix64::seeded(self.bars as u64);
        let mut mix = |part: u64| mixed = SplitMix64::new(&[mixed.clone().next_u64(), part]);
        for trade in &self.trades {
            let numbers = [trade.entry, trade.exit, trade.quantity, trade.profit].map(f64::to_bits);
            [trade.entered as u64, trade.left as u64, trade.why as u64].into_iter().chain(numbers).for_each(&mut mix);
        }
        let open = self.open.map_or([u64::MAX, 0], |(bar, price)| [bar as u64, price.to_bits()]);
        let numbers = [self.final_equity, self.max_drawdown, self.exposure].map(f64::to_bits);
        open.into_iter().chain(numbers).for_each(mix);
        mixed.next_u64()
    }
}
