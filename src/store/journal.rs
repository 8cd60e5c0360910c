//! The journal: what happened, on disk before anything follows from it.
//!
//! SQLite in WAL mode with `synchronous=FULL`: a record is durable when [`Journal::append`] returns, whatever happens to the process
//! afterwards. Tables only grow; a hash chain over all rows shows a row that was changed, removed or slipped in
//! ([`Journal::verify`]). One process writes; others may read ([`Journal::open_read_only`]).
//!
//! A restart that repeats work writes the same records again: an identical one is skipped, and where one number has several rows
//! the newest counts.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use self::chain::Head;
use self::rows::NewRow;
use super::{StoreError, files};
use crate::domain::UtcMs;
use crate::domain::event::Record;

mod chain;
mod query;
mod rows;
mod schema;

pub use chain::Verified;
pub use query::{Checkpoint, SessionRow};
pub use rows::Table;

/// Checkpoints kept per session.
pub const CHECKPOINTS_KEPT: usize = 3;

/// What is known when a session begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMeta {
    /// Wall-clock time.
    pub started: UtcMs,
    /// Where the data come from, in words.
    pub source: String,
    /// Fingerprint of the effective configuration.
    pub config_hash: String,
    /// Version of this program.
    pub version: String,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    connection: Connection,
    path: PathBuf,
    head: Head,
    /// Held as long as this process may write.
    _lock: Option<File>,
}

impl Journal {
    /// Opens the journal for writing; creates it, and its folder, when absent.
    ///
    /// # Errors
    /// [`StoreError`] saying which: the folder cannot be written, the file is something else or damaged, its schema is newer, or
    /// another process is writing it (which one).
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            files::create_folder(folder)?;
        }
        let lock = lock(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = connect(path, flags)?;
        schema::prepare(&mut connection, path)?;
        Self::ready(connection, path, Some(lock))
    }

    /// Opens an existing journal for reading, also while another process writes it.
    ///
    /// # Errors
    /// [`StoreError`] when it is absent, something else, or has a newer schema.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        std::fs::metadata(path).map_err(files::failed("find the journal", path))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(path, flags)?;
        schema::check(&connection, path)?;
        Self::ready(connection, path, None)
    }

    fn ready(connection: Connection, path: &Path, lock: Option<File>) -> Result<Self, StoreError> {
        connection.set_prepared_statement_cache_capacity(64);
        let head = chain::head(&connection).map_err(database("read", path))?;
        Ok(Self { connection, path: path.to_owned(), head, _lock: lock })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a session and returns its number, one above the last.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn begin_session(&mut self, meta: &SessionMeta) -> Result<u32, StoreError> {
        let newest = "SELECT COALESCE(MAX(session), 0) FROM sessions";
        let last: u32 = self.connection.query_row(newest, [], |r| r.get(0)).map_err(database("read", &self.path))?;
        let session = last.saturating_add(1);
        self.write(session, &[NewRow::session_begin(session, meta)?])?;
        Ok(session)
    }

    /// Marks a session as ended in order. One that was never ended was cut off. Ending it twice changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn end_session(&mut self, session: u32) -> Result<(), StoreError> {
        let newest = "SELECT MAX(at) FROM (SELECT at FROM sessions WHERE session = ?1 UNION ALL SELECT at FROM cycles WHERE session = ?1)";
        let at: Option<i64> =
            self.connection.query_row(newest, [session], |r| r.get(0)).map_err(database("read", &self.path))?;
        self.write(session, &[NewRow::session_end(session, UtcMs(at.unwrap_or_default()))?])
    }

    /// Writes records in one transaction; they are durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be written; then none of them is.
    pub fn append(&mut self, session: u32, records: &[Record]) -> Result<(), StoreError> {
        let rows = records.iter().map(NewRow::of).collect::<Result<Vec<_>, _>>()?;
        self.write(session, &rows)
    }

    /// Notes a change of the configuration.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn config_change(&mut self, session: u32, at: UtcMs, change: &serde_json::Value) -> Result<(), StoreError> {
        self.write(session, &[NewRow::config_change(at, change)])
    }

    fn write(&mut self, session: u32, rows: &[NewRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let head =
            append_rows(&mut self.connection, self.head, session, rows).map_err(database("write", &self.path))?;
        self.head = head;
        Ok(())
    }

    /// Walks the whole chain.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] naming the first row that was changed, removed or slipped in.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        chain::verify(&self.connection, &self.path)
    }
}

fn append_rows(
    connection: &mut Connection,
    mut head: Head,
    session: u32,
    rows: &[NewRow],
) -> Result<Head, rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for row in rows {
        if row.table.has_numbers() {
            let same = format!("SELECT 1 FROM {} WHERE session = ?1 AND id IS ?2 AND json = ?3", row.table.as_str());
            let mut statement = transaction.prepare_cached(&same)?;
            if statement.query_row(params![session, row.id, row.json], |_| Ok(())).optional()?.is_some() {
                continue;
            }
        }
        head = chain::insert(&transaction, head, session, row)?;
    }
    if rows.iter().any(|r| r.table == Table::Checkpoints) {
        let old = "DELETE FROM checkpoints WHERE session = ?1 AND seq NOT IN \
                   (SELECT seq FROM checkpoints WHERE session = ?1 ORDER BY seq DESC LIMIT ?2)";
        transaction.prepare_cached(old)?.execute(params![session, CHECKPOINTS_KEPT as i64])?;
    }
    chain::store_head(&transaction, head)?;
    transaction.commit()?;
    Ok(head)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags).map_err(database("open", path))?;
    connection.busy_timeout(Duration::from_secs(2)).map_err(database("open", path))?;
    Ok(connection)
}

/// The lock file beside the journal: the system frees it when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let beside = PathBuf::from(name);
    let open = File::options().read(true).write(true).create(true).truncate(false).open(&beside);
    let mut file = open.map_err(files::failed("open", &beside))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who holds it is a courtesy; that it is held is what counts.
            let _ = file.read_to_string(&mut holder);
            let by = match holder.trim() {
                "" => "another process".to_owned(),
                id => format!("process {id}"),
            };
            return Err(StoreError::Locked { path: path.to_owned(), by });
        }
        Err(TryLockError::Error(e)) => return Err(files::failed("lock", &beside)(e)),
    }
    file.set_len(0).map_err(files::failed("write", &beside))?;
    write!(file, "{}", std::process::id()).map_err(files::failed("write", &beside))?;
    Ok(file)
}

/// Turns a database error into one that says what was being done to which journal.
fn database(action: &'static str, path: &Path) -> impl FnOnce(rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            StoreError::NotAJournal { path, reason: "it is no SQLite database".to_owned() }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Locked { path, by: "another program".to_owned() }
        }
        _ => StoreError::Database { action, path, source },
    }
}

#[cfg(test)]
mod tests;
