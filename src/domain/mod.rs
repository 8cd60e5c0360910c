//! The words of the house: values, identifiers, messages, events, effects and commands.
//!
//! Serves every other room. Nothing here reads a clock, a file, the network or a random source; everything is
//! plain data with checked constructors. Always true: prices are positive decimals, probabilities lie in `0..=1`,
//! times are UTC milliseconds, and an agent changes its state only through [`agent::transition`].

pub mod account;
pub mod agent;
pub mod alert;
pub mod backoff;
pub mod columns;
pub mod command;
pub mod decision;
pub mod drift;
pub mod error;
pub mod event;
pub mod feature;
pub mod flow;
pub mod follow;
pub mod frame;
pub mod gamma;
pub mod instrument;
pub mod link;
pub mod market;
pub mod message;
pub mod money;
pub mod order;
pub mod pair;
pub mod plan;
pub mod quality;
pub mod random;
pub mod reading;
pub mod settings;
pub mod snapshot;
pub mod spelling;
pub mod time;

pub use account::{AccountId, AccountState, ClosedPart, Position};
pub use agent::{AgentKind, AgentState, IllegalTransition, Trigger};
pub use alert::{Alert, Severity};
pub use columns::{BarColumns, NoColumn};
pub use command::{Ack, Command, CommandId, HaltScope};
pub use decision::{BlockReason, Decision, DecisionId, DecisionTrace, TraceStep, Verdict};
pub use error::{ErrorClass, Recovery};
pub use event::{Ask, BrainError, Effect, Event, Finding, Record, Reply, Request};
pub use feature::{Column, FeatureRow, Schema};
pub use flow::{FlowBar, FlowHour, FlowView};
pub use frame::{DataQuality, Frame, Indicators};
pub use instrument::Instrument;
pub use market::{Bar, Candle, RawCandle, RawTrade, RejectReason};
pub use message::Message;
pub use money::{Money, Price, Prob, Qty};
pub use order::{Fill, Intent, Liquidity, Order, OrderId, OrderKind, OrderStatus, Outcome, Purpose, Side};
pub use pair::{Interval, Pair, Venue};
pub use plan::{ExitPlan, Horizon, TradePlan};
pub use quality::{DataKind, PairQuality, Quarantined, Trust, TrustState};
pub use reading::{Prediction, Regime, RegimeReading, SentimentReading, TechnicalReading, WhaleReading};
pub use settings::CoreSettings;
pub use snapshot::Snapshot;
pub use time::UtcMs;
