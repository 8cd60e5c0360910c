//! Streaming order flow, one small state machine each: what trades and books say beyond candles.
//!
//! Serves the recorder of live flow, the feature set, and every test. In goes one trade, one book or one bar at a time, out comes the value, or
//! `None` where it is not defined. Always true: O(1) amortised per event, no allocation after `new`, no running sum from which old values
//! are subtracted, and no absolute epsilons. Where trades were lost or a book began anew, `cut` is called: what would be differenced with the
//! past forgets it, whole windows stay. Inputs are finite and quantities positive: validation stands before.
//! Sources: Lee & Ready 1991, Easley, Lopez de Prado & O'Hara 2012, Kyle 1985, Amihud 2002, Roll 1984, Stoikov 2018, Cont, Kukanov &
//! Stoikov 2014, Hosking & Wallis 1987.

pub mod amihud;
mod book_recorder;
pub mod bulk;
pub mod cluster;
pub mod cvd;
pub mod hours;
pub mod imbalance;
pub mod kyle;
pub mod line;
pub mod microprice;
pub mod normal;
pub mod ofi;
pub mod recorder;
#[cfg(test)]
mod recorder_tests;
pub mod roll;
pub mod tail;
#[cfg(test)]
mod tests;
pub mod tick_rule;
mod trade_recorder;
pub mod vpin;

pub use amihud::Amihud;
pub use bulk::{BulkVolume, bulk_buy_volume};
pub use cluster::Clusters;
pub use cvd::{Cvd, CvdShare};
pub use hours::FlowHours;
pub use imbalance::{imbalance, weighted_imbalance};
pub use kyle::KyleLambda;
pub use line::{LineFit, RollingFit};
pub use microprice::microprice;
pub use normal::normal_cdf;
pub use ofi::Ofi;
pub use recorder::FlowRecorder;
pub use roll::{Roll, RollSpread};
pub use tail::{PotThreshold, Tail, pot_threshold};
pub use tick_rule::TickRule;
pub use trade_recorder::Told;
pub use vpin::{Bucket, Vpin};

pub use crate::domain::flow::{Level, Parent};
use crate::domain::{Side, UtcMs};

/// One trade as the kernels read it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Print {
    pub at: UtcMs,
    /// The taker's side.
    pub side: Side,
    /// Quote units.
    pub price: f64,
    /// Base units.
    pub qty: f64,
}

/// Plus for a buyer, minus for a seller.
const fn signed(side: Side, qty: f64) -> f64 {
    match side {
        Side::Buy => qty,
        Side::Sell => -qty,
    }
}
