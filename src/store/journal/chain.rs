//! The chain over all rows: each link is the SHA-256 of the link before it and of its row.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use sha2::{Digest, Sha256};

use super::rows::{NewRow, Table};
use super::{CHECKPOINTS_KEPT, database};
use crate::store::StoreError;

type Hash = [u8; 32];

/// The newest link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub seq: i64,
    pub hash: Hash,
}

/// A journal whose chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Rows over all tables.
    pub rows: u64,
}

/// One row as it is hashed: every column counts, with its length, so that nothing can move between columns.
struct Digested(Sha256);

impl Digested {
    fn new(table: &str) -> Self {
        let mut digest = Self(Sha256::new());
        digest.bytes(table.as_bytes());
        digest
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update([1]);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn number(&mut self, value: i64) {
        self.0.update([2]);
        self.0.update(value.to_le_bytes());
    }

    fn none(&mut self) {
        self.0.update([0]);
    }

    fn finish(self) -> Hash {
        self.0.finalize().into()
    }
}

fn digest_new(seq: i64, session: u32, row: &NewRow) -> Hash {
    let mut digest = Digested::new(row.table.as_str());
    digest.number(seq);
    digest.number(session.into());
    digest.number(row.at.0);
    match row.id {
        Some(id) => digest.number(id),
        None => digest.none(),
    }
    for text in [row.decision.as_deref(), row.account] {
        match text {
            Some(text) => digest.bytes(text.as_bytes()),
            None => digest.none(),
        }
    }
    digest.bytes(row.json.as_bytes());
    digest.finish()
}

const COLUMNS: &str = "seq, session, at, id, decision, account, json";

/// The digest of a stored row, read in the order of [`COLUMNS`].
fn digest_stored(table: &str, row: &Row<'_>) -> Result<Hash, rusqlite::Error> {
    let mut digest = Digested::new(table);
    for column in 0..7 {
        match row.get_ref(column)? {
            ValueRef::Null => digest.none(),
            ValueRef::Integer(value) => digest.number(value),
            ValueRef::Real(value) => digest.bytes(&value.to_le_bytes()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => digest.bytes(bytes),
        }
    }
    Ok(digest.finish())
}

fn link(previous: &Hash, digest: &Hash) -> Hash {
    Sha256::new().chain_update(previous).chain_update(digest).finalize().into()
}

pub(super) fn head(connection: &Connection) -> Result<Head, rusqlite::Error> {
    connection.query_row("SELECT seq, hash FROM head", [], |r| Ok(Head { seq: r.get(0)?, hash: r.get(1)? }))
}

pub(super) fn store_head(transaction: &Transaction<'_>, head: Head) -> Result<(), rusqlite::Error> {
    transaction.prepare_cached("UPDATE head SET seq = ?1, hash = ?2")?.execute(params![head.seq, head.hash])?;
    Ok(())
}

/// Writes a row with its link and returns the new head.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    head: Head,
    session: u32,
    row: &NewRow,
) -> Result<Head, rusqlite::Error> {
    let seq = head.seq + 1;
    let digest = digest_new(seq, session, row);
    let hash = link(&head.hash, &digest);
    let table = row.table.as_str();
    let sql = format!("INSERT INTO {table} ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let values = params![seq, session, row.at.0, row.id, row.decision, row.account, row.json];
    transaction.prepare_cached(&sql)?.execute(values)?;
    let sql = "INSERT INTO chain (seq, tbl, digest, hash) VALUES (?1, ?2, ?3, ?4)";
    transaction.prepare_cached(sql)?.execute(params![seq, table, digest, hash])?;
    Ok(Head { seq, hash })
}

/// Whether the row is the one that was chained.
pub(super) fn untouched(connection: &Connection, table: Table, seq: i64) -> Result<bool, rusqlite::Error> {
    let stored = stored_digest(connection, table.as_str(), seq)?;
    let chained: Option<Hash> = connection
        .prepare_cached("SELECT digest FROM chain WHERE seq = ?1 AND tbl = ?2")?
        .query_row(params![seq, table.as_str()], |r| r.get(0))
        .optional()?;
    Ok(stored.is_some() && stored == chained)
}

fn stored_digest(connection: &Connection, table: &str, seq: i64) -> Result<Option<Hash>, rusqlite::Error> {
    let sql = format!("SELECT {COLUMNS} FROM {table} WHERE seq = ?1");
    connection.prepare_cached(&sql)?.query_row([seq], |row| digest_stored(table, row)).optional()
}

/// What is wrong with which row.
struct Fault {
    table: String,
    row: i64,
    reason: &'static str,
}

pub(super) fn verify(connection: &Connection, path: &Path) -> Result<Verified, StoreError> {
    match walk(connection).map_err(database("check", path))? {
        Ok(verified) => Ok(verified),
        Err(Fault { table, row, reason }) => {
            Err(StoreError::Tampered { path: path.to_owned(), table, row, reason: reason.to_owned() })
        }
    }
}

fn walk(connection: &Connection) -> Result<Result<Verified, Fault>, rusqlite::Error> {
    let fault = |table: &str, row, reason| Ok(Err(Fault { table: table.to_owned(), row, reason }));
    let count = "SELECT COUNT(*) FROM chain WHERE tbl = 'checkpoints'";
    let mut checkpoints_left: i64 = connection.query_row(count, [], |r| r.get(0))?;
    let mut last = Head { seq: 0, hash: [0; 32] };
    let mut present: BTreeMap<Table, i64> = BTreeMap::new();
    let mut statement = connection.prepare("SELECT seq, tbl, digest, hash FROM chain ORDER BY seq")?;
    let mut links = statement.query([])?;
    while let Some(row) = links.next()? {
        let (seq, name, digest): (i64, String, Hash) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let hash: Hash = row.get(3)?;
        if seq != last.seq + 1 {
            return fault("chain", last.seq + 1, "is missing");
        }
        let Ok(table) = name.parse::<Table>() else { return fault("chain", seq, "names no table of the journal") };
        let is_checkpoint = table == Table::Checkpoints;
        checkpoints_left -= i64::from(is_checkpoint);
        match stored_digest(connection, table.as_str(), seq)? {
            Some(stored) if stored != digest => return fault(&name, seq, "was changed"),
            Some(_) => *present.entry(table).or_default() += 1,
            // Older checkpoints are removed by the journal itself.
            None if is_checkpoint && checkpoints_left >= CHECKPOINTS_KEPT as i64 => {}
            None => return fault(&name, seq, "is missing"),
        }
        if link(&last.hash, &digest) != hash {
            return fault("chain", seq, "does not continue the row before it");
        }
        last = Head { seq, hash };
    }
    let head = head(connection)?;
    if head != last {
        return fault("head", head.seq, "is not the end of the chain: rows at the end are missing or were added");
    }
    for table in Table::ALL {
        let count = format!("SELECT COUNT(*) FROM {table}");
        let rows: i64 = connection.query_row(&count, [], |r| r.get(0))?;
        if rows != present.get(&table).copied().unwrap_or(0) {
            let stranger =
                format!("SELECT MIN(seq) FROM {table} WHERE seq NOT IN (SELECT seq FROM chain WHERE tbl = '{table}')");
            let row: Option<i64> = connection.query_row(&stranger, [], |r| r.get(0))?;
            return fault(table.as_str(), row.unwrap_or_default(), "was slipped in");
        }
    }
    Ok(Ok(Verified { rows: present.values().sum::<i64>().cast_unsigned() }))
}
