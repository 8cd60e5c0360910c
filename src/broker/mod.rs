//! The simulated side of trading, shared by paper trading and the backtest.
//!
//! Serves the decision engine (ledger, costs) and the drivers (paper broker). In go [`crate::domain::Intent`]s and closed candles, out come
//! order changes and fills; the ledger turns fills into cash, positions and outcomes.
//! Always true: money is decimal and conserved to the last digit, a fill counts once, no account sells what it does not
//! hold, and where a candle leaves a doubt about a price the worse one is taken.

pub mod almgren_chriss;
pub mod cost;
pub mod fees;
pub mod ledger;
mod lot;
mod matching;
pub mod paper;
pub mod shortfall;
pub mod slicing;
mod tape;

pub use fees::{FeeRates, FeeSchedule};
pub use ledger::LedgerError;
pub use paper::{BrokerEvent, PaperBroker};
