//! Schema version, migrations and the marks by which a journal is known.

use std::path::Path;

use rusqlite::Connection;

use super::database;
use crate::store::StoreError;

/// `application_id` of a journal: "CSTJ".
const APPLICATION: i64 = 0x4353_544A;

/// The step from each version to the next.
const MIGRATIONS: [&str; 2] = [include_str!("v1.sql"), include_str!("v2.sql")];

/// The newest schema this program knows.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

fn pragma(connection: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Sets the durability and brings the schema up to [`NEWEST`].
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let version = pragma(connection, "user_version").map_err(database("open", path))?;
    let tables = "SELECT COUNT(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(tables, [], |r| r.get(0)).map_err(database("open", path))?;
    if version != 0 || tables != 0 {
        check(connection, path)?;
    }
    migrate(connection, usize::try_from(version).unwrap_or(0)).map_err(database("prepare", path))
}

/// Whether this is a journal that this program can read.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let application = pragma(connection, "application_id").map_err(database("open", path))?;
    let found = pragma(connection, "user_version").map_err(database("open", path))?;
    if application != APPLICATION {
        let reason = "it is a database of another program".to_owned();
        return Err(StoreError::NotAJournal { path: path.to_owned(), reason });
    }
    if found > NEWEST {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, known: NEWEST });
    }
    Ok(())
}

fn migrate(connection: &mut Connection, from: usize) -> Result<(), rusqlite::Error> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    if from >= MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in MIGRATIONS.iter().skip(from) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", NEWEST)?;
    transaction.commit()
}
