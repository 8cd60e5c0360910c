//! One process at a time changes the folder of models; whoever comes second waits a moment.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::{StoreError, files};

const LOCK: &str = ".registry.lock";
/// A change takes milliseconds; one that takes longer than this hangs.
const TRIES: u32 = 250;
const PAUSE: Duration = Duration::from_millis(20);

/// Held while models are saved, promoted, proposed or removed. The system gives it back when a process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits up to five seconds for the lock.
    ///
    /// # Errors
    /// [`StoreError::ModelsBusy`] naming the process that holds it all that time.
    pub(super) fn take(folder: &Path) -> Result<Self, StoreError> {
        for _ in 1..TRIES {
            if let Some(lock) = Self::attempt(folder)? {
                return Ok(lock);
            }
            std::thread::sleep(PAUSE);
        }
        let busy = || {
            // Who holds it is a courtesy; that it is held is what counts.
            let mut by = String::new();
            let _ = File::open(path(folder)).and_then(|file| file.take(64).read_to_string(&mut by));
            let by = if by.trim().is_empty() { "another process" } else { by.trim() };
            StoreError::ModelsBusy { path: folder.to_owned(), by: by.to_owned() }
        };
        Self::attempt(folder)?.ok_or_else(busy)
    }

    /// The lock, if nobody holds it.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the file cannot be opened or locked.
    pub(super) fn attempt(folder: &Path) -> Result<Option<Self>, StoreError> {
        let path = path(folder);
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(files::failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => {
                // Not being able to say who changes something does not keep anyone from it.
                let _ = sign(&mut file);
                Ok(Some(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(files::failed("lock", &path)(e)),
        }
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(LOCK)
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {}", std::process::id())
}
