//! Time: which bar owns an instant, which hour is over, and what was known when.
//!
//! Everything has two times: `event_time`, when it happened, and `known_time`, when it was there to be used. Lengths of bars lie on the UTC
//! grid of the epoch.

mod asof;
mod hours;
mod resample;
mod timeline;

pub use asof::{AsOf, Dated, Unsorted, asof_join};
pub use hours::{ClosedHour, HourAligner, HourFault};
pub use resample::{ResampleChain, Resampled, Resampler, resample};
pub use timeline::{Late, Timeline};
