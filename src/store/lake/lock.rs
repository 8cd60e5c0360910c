//! One writer of a lake at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::store::{StoreError, files};

/// Name of the file that a writer holds.
pub(in crate::store) const LOCK: &str = ".writer.lock";

/// Held while a lake is written. The system keeps it for the open file, so that a program that is killed gives it back at once and no lock is ever
/// stale: what the file says is only for people. The file itself stays; removing it could let two writers in.
#[derive(Debug)]
pub struct WriterLock {
    file: File,
}

impl WriterLock {
    /// # Errors
    /// [`StoreError::Busy`] when another writer holds it.
    pub fn take(lake: &Path) -> Result<Self, StoreError> {
        files::create_folder(lake)?;
        let path = lake.join(LOCK);
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(files::failed("create", &path))?;
        match file.try_lock() {
            Ok(()) => {
                let mut lock = Self { file };
                // Not being able to say who writes does not keep anyone from writing.
                let _ = lock.sign(&format!("process {}\n", std::process::id()));
                Ok(lock)
            }
            Err(TryLockError::WouldBlock) => {
                let mut by = String::new();
                let _ = (&mut file).take(64).read_to_string(&mut by);
                let by = if by.trim().is_empty() { "another program" } else { by.trim() };
                Err(StoreError::Busy { path: lake.to_owned(), by: by.to_owned() })
            }
            Err(TryLockError::Error(e)) => Err(files::failed("lock", &path)(e)),
        }
    }

    fn sign(&mut self, text: &str) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Closing the file gives the lock back; nobody needs to be told of a holder that is gone.
        let _ = self.sign("");
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    const HOLDER: &str = "CST_TEST_HOLD_LAKE";

    #[test]
    fn the_second_writer_hears_who_the_first_is() {
        let lake = tempfile::tempdir().unwrap();
        let held = WriterLock::take(lake.path()).unwrap();
        let error = WriterLock::take(lake.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        assert!(WriterLock::take(lake.path()).is_ok());
    }

    /// Not a test by itself: the child of the next one, which holds a lock until it is killed.
    #[test]
    fn holder() {
        let Ok(lake) = std::env::var(HOLDER) else { return };
        let _held = WriterLock::take(Path::new(&lake)).unwrap();
        println!("held");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }

    #[test]
    fn a_lock_whose_holder_was_killed_is_free() {
        let lake = tempfile::tempdir().unwrap();
        let name = "store::lake::lock::tests::holder";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(HOLDER, lake.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut seen = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        while !seen.contains("held") {
            assert_ne!(std::io::BufRead::read_line(&mut out, &mut seen).unwrap(), 0, "{seen}");
        }
        let busy = WriterLock::take(lake.path()).unwrap_err().to_string();
        assert!(busy.contains(&format!("process {}", child.id())), "{busy}");
        child.kill().unwrap();
        child.wait().unwrap();
        let said = std::fs::read_to_string(lake.path().join(LOCK)).unwrap();
        assert!(said.contains("process"), "the killed one could not clean up: {said}");
        assert!(WriterLock::take(lake.path()).is_ok());
    }
}
