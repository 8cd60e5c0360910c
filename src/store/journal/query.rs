//! Reading the journal back.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Params, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Journal, SessionMeta, Table, chain, database};
use crate::domain::follow::Followed;
use crate::domain::{AccountId, Decision, DecisionId, Fill, Intent, Order, OrderId, Outcome, UtcMs};
use crate::store::StoreError;

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionRow {
    pub id: u32,
    /// Wall-clock time.
    pub started: UtcMs,
    pub source: String,
    pub config_hash: String,
    pub version: String,
    /// Whether it ended in order; `false` is running or cut off.
    pub ended: bool,
}

/// What a restart continues from.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub at: UtcMs,
    pub state: serde_json::Value,
}

impl Journal {
    /// The newest session, if any was begun.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn latest_session(&self) -> Result<Option<SessionRow>, StoreError> {
        Ok(self.sessions(1)?.pop())
    }

    /// The newest `limit` sessions, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn sessions(&self, limit: usize) -> Result<Vec<SessionRow>, StoreError> {
        let begun = "SELECT seq, json FROM sessions s WHERE seq = (SELECT MIN(seq) FROM sessions WHERE session = s.session) \
                     ORDER BY session DESC LIMIT ?1";
        let metas: Vec<(i64, SessionMeta)> = self.rows(Table::Sessions, begun, [capped(limit)])?;
        metas.into_iter().map(|(seq, meta)| self.session_row(seq, meta)).collect()
    }

    fn session_row(&self, seq: i64, meta: SessionMeta) -> Result<SessionRow, StoreError> {
        let sql = "SELECT b.session, (SELECT COUNT(*) FROM sessions e WHERE e.session = b.session AND e.seq > b.seq) \
                   FROM sessions b WHERE b.seq = ?1";
        let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, u32>(0)?, r.get::<_, i64>(1)?));
        let (id, ends) = self.connection.query_row(sql, [seq], read).map_err(database("read", &self.path))?;
        let SessionMeta { started, source, config_hash, version } = meta;
        Ok(SessionRow { id, started, source, config_hash, version, ended: ends > 0 })
    }

    /// The newest checkpoint of a session.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] when it is not the one that was written: nothing may be continued from it.
    pub fn last_checkpoint(&self, session: u32) -> Result<Option<Checkpoint>, StoreError> {
        let sql = "SELECT seq, at, json FROM checkpoints WHERE session = ?1 ORDER BY seq DESC LIMIT 1";
        let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, i64>(0)?, UtcMs(r.get(1)?), r.get::<_, String>(2)?));
        let found = self.connection.query_row(sql, [session], read).optional().map_err(database("read", &self.path))?;
        let Some((seq, at, json)) = found else { return Ok(None) };
        let whole =
            chain::untouched(&self.connection, Table::Checkpoints, seq).map_err(database("check", &self.path))?;
        if !whole {
            return Err(StoreError::Tampered {
                path: self.path.clone(),
                table: Table::Checkpoints.to_string(),
                row: seq,
                reason: "was changed".to_owned(),
            });
        }
        Ok(Some(Checkpoint { at, state: self.parse(Table::Checkpoints, seq, &json)? }))
    }

    /// What models said and what came of it in a session, oldest first, up to its newest checkpoint. A step that a restart repeated counts
    /// once, as it was written last.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn followed(&self, session: u32) -> Result<Vec<Followed>, StoreError> {
        let sql = "SELECT MAX(seq), json FROM followed WHERE session = ?1 AND seq < \
                   (SELECT MAX(seq) FROM checkpoints WHERE session = ?1) GROUP BY id ORDER BY id";
        Ok(values(self.rows(Table::Followed, sql, [session])?))
    }

    /// A decision with its whole trace.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn decision(&self, id: DecisionId) -> Result<Option<Decision>, StoreError> {
        let sql = "SELECT seq, json FROM decisions WHERE session = ?1 AND id = ?2 ORDER BY seq DESC LIMIT 1";
        let found = self.rows(Table::Decisions, sql, params![id.session, id.number.cast_signed()])?;
        Ok(found.into_iter().next().map(|(_, decision)| decision))
    }

    /// What was sent for a decision, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn intents_for(&self, id: DecisionId) -> Result<Vec<Intent>, StoreError> {
        self.newest_for(Table::Intents, id)
    }

    /// The newest state of each order of a decision, oldest order first.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn orders_for(&self, id: DecisionId) -> Result<Vec<Order>, StoreError> {
        self.newest_for(Table::Orders, id)
    }

    /// The fills of a decision, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn fills_for(&self, id: DecisionId) -> Result<Vec<Fill>, StoreError> {
        self.newest_for(Table::Fills, id)
    }

    /// What became of the trades of a decision, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn outcomes_for(&self, id: DecisionId) -> Result<Vec<Outcome>, StoreError> {
        let sql = "SELECT seq, json FROM outcomes WHERE decision = ?1 ORDER BY seq";
        Ok(values(self.rows(Table::Outcomes, sql, [id.to_string()])?))
    }

    /// The newest row per number of a decision's records.
    fn newest_for<T: DeserializeOwned>(&self, table: Table, id: DecisionId) -> Result<Vec<T>, StoreError> {
        let sql =
            format!("SELECT MAX(seq), json FROM {table} WHERE decision = ?1 GROUP BY session, id ORDER BY session, id");
        Ok(values(self.rows(table, &sql, [id.to_string()])?))
    }

    /// The decision that an order belongs to.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn decision_for_order(&self, order: OrderId, session: u32) -> Result<Option<DecisionId>, StoreError> {
        let sql = "SELECT seq, json FROM intents WHERE session = ?1 AND id = ?2 ORDER BY seq DESC LIMIT 1";
        let found: Vec<(i64, Intent)> = self.rows(Table::Intents, sql, params![session, order.0.cast_signed()])?;
        Ok(found.into_iter().next().map(|(_, intent)| intent.decision))
    }

    /// All fills of an account in a session, oldest first, each once.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn fills(&self, session: u32, account: AccountId) -> Result<Vec<Fill>, StoreError> {
        let sql = "SELECT MAX(seq), json FROM fills WHERE session = ?1 AND account = ?2 GROUP BY id ORDER BY id";
        Ok(values(self.rows(Table::Fills, sql, params![session, account.as_str()])?))
    }

    /// The newest `limit` records of a table as JSON, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn recent(&self, table: Table, limit: usize) -> Result<Vec<serde_json::Value>, StoreError> {
        let sql = format!("SELECT seq, json FROM {table} ORDER BY seq DESC LIMIT ?1");
        Ok(values(self.rows(table, &sql, [capped(limit)])?))
    }

    /// Rows per table.
    ///
    /// # Errors
    /// [`StoreError`] when the journal cannot be read.
    pub fn counts(&self) -> Result<BTreeMap<Table, u64>, StoreError> {
        let count = |table: Table| {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            let rows: i64 = self.connection.query_row(&sql, [], |r| r.get(0)).map_err(database("read", &self.path))?;
            Ok((table, rows.cast_unsigned()))
        };
        Table::ALL.into_iter().map(count).collect()
    }

    /// Runs a query that yields `seq, json` and parses the records.
    fn rows<T: DeserializeOwned>(
        &self,
        table: Table,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<(i64, T)>, StoreError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(params, |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?)))?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        let rows = read().map_err(database("read", &self.path))?;
        rows.into_iter().map(|(seq, json)| Ok((seq, self.parse(table, seq, &json)?))).collect()
    }

    fn parse<T: DeserializeOwned>(&self, table: Table, row: i64, json: &str) -> Result<T, StoreError> {
        serde_json::from_str(json).map_err(|e| StoreError::BadRow {
            path: self.path.clone(),
            table: table.to_string(),
            row,
            reason: e.to_string(),
        })
    }
}

fn values<T>(rows: Vec<(i64, T)>) -> Vec<T> {
    rows.into_iter().map(|(_, value)| value).collect()
}

fn capped(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
