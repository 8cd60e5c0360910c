//! Nonces that only ever rise, across restarts too.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::domain::time::UtcMs;

/// How far ahead of the nonce in use the file reaches, in ns: ten seconds' worth, so that a file is written about every ten seconds at most
/// and a restart loses no more than that.
const BLOCK: u64 = 10_000_000_000;

/// Why no nonce can be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NonceError {
    #[error(
        "another process uses this API key: '{path}' is locked. One key serves one program; stop the other one or make a second key"
    )]
    Locked { path: PathBuf },
    #[error("the nonce file '{path}' cannot be used: {why}")]
    File { path: PathBuf, why: String },
    #[error("the nonce file '{path}' does not hold a number; delete it only if no other program uses the key")]
    Content { path: PathBuf },
    #[error("the nonces of this key are used up; make a new key")]
    UsedUp,
}

/// Source of the nonces of one key: `max(now in ns, last + 1)`. The file is ahead of every nonce given out: a crash repeats none.
#[derive(Debug)]
pub struct Nonces {
    path: PathBuf,
    /// Held as long as this lives; the system frees it when the process ends, however it ends.
    _lock: File,
    last: u64,
    /// Nonces up to here are covered by the file.
    reserved: u64,
}

impl Nonces {
    /// Opens the file at `path` (made on first use, with a `.lock` beside it) for this process alone.
    ///
    /// # Errors
    /// [`NonceError`] when another process has it, or it cannot be read.
    pub fn open(path: PathBuf) -> Result<Self, NonceError> {
        let lock = lock(&path)?;
        let last = read(&path)?;
        Ok(Self { path, _lock: lock, last, reserved: last })
    }

    /// The next nonce; on disk before it is returned.
    ///
    /// # Errors
    /// [`NonceError::File`] when the file cannot be written: then no nonce is used.
    pub fn next(&mut self, now: UtcMs) -> Result<u64, NonceError> {
        let now_ns = u64::try_from(now.0).unwrap_or(0).saturating_mul(1_000_000);
        let next = self.last.checked_add(1).ok_or(NonceError::UsedUp)?.max(now_ns);
        if next > self.reserved {
            let reserved = next.saturating_add(BLOCK);
            write(&self.path, reserved)?;
            self.reserved = reserved;
        }
        self.last = next;
        Ok(next)
    }
}

fn failed(path: &Path, error: &std::io::Error) -> NonceError {
    NonceError::File { path: path.to_owned(), why: error.to_string() }
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(extension);
    PathBuf::from(name)
}

fn lock(path: &Path) -> Result<File, NonceError> {
    let at = beside(path, ".lock");
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
    }
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&at).map_err(|e| failed(&at, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(NonceError::Locked { path: at }),
        Err(TryLockError::Error(e)) => Err(failed(&at, &e)),
    }
}

fn read(path: &Path) -> Result<u64, NonceError> {
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(64).read_to_string(&mut text)) {
        Ok(_) => text.trim().parse().map_err(|_| NonceError::Content { path: path.to_owned() }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => Err(NonceError::Content { path: path.to_owned() }),
        Err(e) => Err(failed(path, &e)),
    }
}

/// Whole or not at all: a new file takes the old one's place.
fn write(path: &Path, value: u64) -> Result<(), NonceError> {
    let fresh = beside(path, ".tmp");
    let put = || {
        let mut file = File::create(&fresh)?;
        file.write_all(format!("{value}\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    };
    put().map_err(|e: std::io::Error| failed(path, &e))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys").join("nonce");
        (folder, path)
    }

    #[test]
    fn they_follow_the_clock_and_never_fall_back() {
        let (_folder, path) = file();
        let mut nonces = Nonces::open(path.clone()).expect("opened");
        let now = UtcMs(1_756_000_000_000);
        let first = nonces.next(now).expect("a nonce");
        assert_eq!(first, 1_756_000_000_000_000_000);
        assert_eq!(nonces.next(now), Ok(first + 1));
        assert_eq!(nonces.next(now.plus(-60_000)), Ok(first + 2), "a clock set back");
        drop(nonces);
        // after a restart, even with the clock an hour behind
        let mut again = Nonces::open(path).expect("opened again");
        assert!(again.next(now.plus(-3_600_000)).expect("a nonce") > first + 2);
        assert!(again.next(UtcMs(i64::MAX)).is_ok());
        again.last = u64::MAX;
        assert_eq!(again.next(now), Err(NonceError::UsedUp));
    }

    #[test]
    fn the_file_is_ahead_of_every_nonce_and_rarely_written() {
        let (_folder, path) = file();
        let mut nonces = Nonces::open(path.clone()).expect("opened");
        let mut written = std::collections::BTreeSet::new();
        for ms in 0..1_000 {
            let given = nonces.next(UtcMs(1_756_000_000_000 + ms * 50)).expect("a nonce");
            let on_disk = read(&path).expect("the file");
            assert!(on_disk >= given);
            written.insert(on_disk);
        }
        assert!(written.len() <= 6, "{} writes in 50 s", written.len());
    }

    #[test]
    fn a_second_process_is_refused_and_odd_files_are_not_overwritten() {
        let (_folder, path) = file();
        let first = Nonces::open(path.clone()).expect("opened");
        assert!(matches!(Nonces::open(path.clone()), Err(NonceError::Locked { .. })));
        drop(first);
        for odd in [&b"not a number"[..], b"", b"-1", b"\xff\xfe"] {
            std::fs::write(&path, odd).expect("written");
            assert_eq!(Nonces::open(path.clone()).map(|_| ()), Err(NonceError::Content { path: path.clone() }));
            assert_eq!(std::fs::read(&path).expect("still there"), odd);
        }
    }

    #[test]
    fn without_the_file_there_is_no_nonce() {
        let (folder, path) = file();
        let mut nonces = Nonces::open(path.clone()).expect("opened");
        std::fs::remove_dir_all(path.parent().expect("a folder")).expect("removed");
        assert!(matches!(nonces.next(UtcMs(1)), Err(NonceError::File { .. })));
        drop(folder);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn always_rising(steps in prop::collection::vec((-100_000_i64..100_000, prop::bool::weighted(0.1)), 1..40)) {
            let (_folder, path) = file();
            let mut nonces = Nonces::open(path.clone()).expect("opened");
            let (mut now, mut last) = (UtcMs(1_756_000_000_000), 0);
            for (ms, restart) in steps {
                now = now.plus(ms);
                if restart {
                    drop(nonces);
                    nonces = Nonces::open(path.clone()).expect("opened");
                }
                let next = nonces.next(now).expect("a nonce");
                prop_assert!(next > last);
                last = next;
            }
        }
    }
}
