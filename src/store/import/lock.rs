//! One writer of a lake at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::ImportError;
use crate::store::files;

/// Name of the file that a writer holds.
pub(super) const LOCK: &str = ".writer.lock";

/// Held while a lake is written; given back when dropped, also by a program that is killed.
#[derive(Debug)]
pub(super) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// # Errors
    /// [`ImportError::Busy`] when another writer holds it.
    pub(super) fn take(lake: &Path) -> Result<Self, ImportError> {
        files::create_folder(lake)?;
        let path = lake.join(LOCK);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(files::failed("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ImportError::Busy { path: lake.to_owned() }),
            Err(TryLockError::Error(e)) => Err(files::failed("lock", &path)(e).into()),
        }
    }
}
