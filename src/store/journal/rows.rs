//! Records as rows: one shape for all tables.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::SessionMeta;
use crate::domain::event::Record;
use crate::domain::{AccountId, DecisionId, UtcMs};
use crate::store::StoreError;

/// The record tables of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    Sessions,
    Cycles,
    Decisions,
    Intents,
    Orders,
    Fills,
    Outcomes,
    Followed,
    Alerts,
    Commands,
    ConfigChanges,
    Checkpoints,
}

impl Table {
    pub const ALL: [Self; 12] = [
        Self::Sessions,
        Self::Cycles,
        Self::Decisions,
        Self::Intents,
        Self::Orders,
        Self::Fills,
        Self::Outcomes,
        Self::Followed,
        Self::Alerts,
        Self::Commands,
        Self::ConfigChanges,
        Self::Checkpoints,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Cycles => "cycles",
            Self::Decisions => "decisions",
            Self::Intents => "intents",
            Self::Orders => "orders",
            Self::Fills => "fills",
            Self::Outcomes => "outcomes",
            Self::Followed => "followed",
            Self::Alerts => "alerts",
            Self::Commands => "commands",
            Self::ConfigChanges => "config_changes",
            Self::Checkpoints => "checkpoints",
        }
    }

    /// Whether a record has a number of its own, so that one written twice is known.
    pub(super) const fn has_numbers(self) -> bool {
        matches!(
            self,
            Self::Sessions
                | Self::Cycles
                | Self::Decisions
                | Self::Intents
                | Self::Orders
                | Self::Fills
                | Self::Outcomes
                | Self::Followed
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Table {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|t| t.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|t| t.as_str()).collect();
            format!("'{text}' is not a table of the journal; they are {}", names.join(", "))
        })
    }
}

/// A row about to be written; its session and place in the chain come on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewRow {
    pub table: Table,
    pub at: UtcMs,
    pub id: Option<i64>,
    pub decision: Option<String>,
    pub account: Option<&'static str>,
    pub json: String,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum SessionEvent<'a> {
    Begin(&'a SessionMeta),
    End,
}

fn text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::NotJson { reason: e.to_string() })
}

impl NewRow {
    fn new(table: Table, at: UtcMs, id: Option<i64>, json: String) -> Self {
        Self { table, at, id, decision: None, account: None, json }
    }

    fn of_trade(mut self, decision: DecisionId, account: AccountId) -> Self {
        self.decision = Some(decision.to_string());
        self.account = Some(account.as_str());
        self
    }

    pub(super) fn session_begin(session: u32, meta: &SessionMeta) -> Result<Self, StoreError> {
        let json = text(&SessionEvent::Begin(meta))?;
        Ok(Self::new(Table::Sessions, meta.started, Some(session.into()), json))
    }

    pub(super) fn session_end(session: u32, at: UtcMs) -> Result<Self, StoreError> {
        Ok(Self::new(Table::Sessions, at, Some(session.into()), text(&SessionEvent::End)?))
    }

    pub(super) fn config_change(at: UtcMs, change: &serde_json::Value) -> Self {
        Self::new(Table::ConfigChanges, at, None, change.to_string())
    }

    pub(super) fn of(record: &Record) -> Result<Self, StoreError> {
        Ok(match record {
            Record::Cycle(c) => Self::new(Table::Cycles, c.at, Some(c.cycle.cast_signed()), text(c)?),
            Record::Decision(d) => {
                Self::new(Table::Decisions, d.at, Some(d.id.number.cast_signed()), text(d)?).of_trade(d.id, d.account)
            }
            Record::Intent(i) => {
                Self::new(Table::Intents, i.at, Some(i.order.0.cast_signed()), text(i)?).of_trade(i.decision, i.account)
            }
            Record::Order(o) => Self::new(Table::Orders, o.updated, Some(o.intent.order.0.cast_signed()), text(o)?)
                .of_trade(o.intent.decision, o.intent.account),
            Record::Fill(f) => {
                Self::new(Table::Fills, f.at, Some(f.id.cast_signed()), text(f)?).of_trade(f.decision, f.account)
            }
            Record::Outcome(o) => Self::new(Table::Outcomes, o.closed, Some(o.decision.number.cast_signed()), text(o)?)
                .of_trade(o.decision, o.account),
            Record::Followed(f) => Self::new(Table::Followed, f.at, Some(f.at.0), text(f)?),
            Record::Alert(a) => Self::new(Table::Alerts, a.at, Some(a.id.cast_signed()), text(a)?),
            Record::Command { at, id, text: said, ack } => {
                let json = serde_json::json!({ "at": at, "id": id, "text": said, "ack": ack });
                Self::new(Table::Commands, *at, Some(id.0.cast_signed()), json.to_string())
            }
            Record::Checkpoint { at, state } => Self::new(Table::Checkpoints, *at, None, state.to_string()),
        })
    }
}
