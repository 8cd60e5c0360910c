//! What is kept on disk: candles, trades and books (Parquet), what is bundled, recorded frames, refused rows, the journal (SQLite), models, instruments.
//!
//! Serves the drivers, the trainer and the command line. In go records and values of [`crate::domain`], out come the same; no
//! policy lives here. Always true: a file appears whole or not at all, the journal only grows and shows tampering, a
//! damaged file is an error that names the file and the reason, and rows are handed on as they are, for the pipeline to judge.

mod disk;
pub mod error;
mod files;
pub mod frames;
pub mod free;
pub mod import;
pub mod instruments;
pub mod journal;
pub mod lake;
pub mod models;
mod number;
pub mod quarantine;
pub mod recording;
pub mod ticks;

pub use error::StoreError;
pub use instruments::load_instruments;
pub use journal::{Journal, SessionMeta, SessionRow, Table};
pub use models::{
    Admitted, Change, ChangeKind, CompareRow, FellBack, HistoryEntry, InForce, Registry, RegistryEntry, RolledBack,
    TrialFile, Who,
};
pub use quarantine::QuarantineFile;
pub use recording::{Batches, Recording, ReplayRows};
pub use ticks::{TapeSeries, TickRow, load_tape};
