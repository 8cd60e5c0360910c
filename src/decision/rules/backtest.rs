//! One strategy over bars, through the step that trades live.

use super::account::Account;
use super::report::RuleReport;
use super::trader::{Action, RuleTrader};
use crate::domain::{Bar, BarColumns};

/// How a backtest is run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backtest {
    /// Quote units at the start.
    pub cash: f64,
    /// Keep the equity at every close.
    pub with_equity: bool,
}

/// Runs a trader that has seen nothing over closed bars, oldest first. What a close decides is filled at the next open; a decision at the last close is
/// not filled, and what is still held is valued at the last close without a fee.
pub fn backtest<C: BarColumns>(trader: &mut RuleTrader<C>, bars: &[Bar], run: &Backtest) -> RuleReport {
    let mut account = Account::new(run.cash, trader.size(), trader.costs());
    let mut equity = Vec::with_capacity(if run.with_equity { bars.len() } else { 0 });
    let mut next = None;
    for (at, bar) in bars.iter().enumerate() {
        match next {
            Some(Action::Enter) => account.buy(at, bar.open, |price| trader.entered(price)),
            Some(Action::Exit) => {
                account.sell(at, bar.open);
                trader.left();
            }
            None => {}
        }
        if account.ends_within(at, bar) {
            trader.left();
        }
        next = trader.step(bar);
        account.mark(bar.close);
        if run.with_equity {
            equity.push(account.equity(bar.close));
        }
    }
    account.report(bars.len(), bars.last().map_or(0.0, |bar| bar.close), equity)
}
