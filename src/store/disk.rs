//! The few things that are done to a disk when something must appear whole or not at all. Tests put a disk in their place that fails or
//! stops at any step.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What writers of the store need from a disk.
pub(super) trait Disk: std::fmt::Debug + Send + Sync {
    /// Creates the folder and those above it.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Writes a file from its beginning and makes its content durable.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Adds to the end of a file, which need not exist, and makes it durable.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Gives a file another name; a file of that name is replaced at once.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names of a folder durable, where the system can.
    fn flush_folder(&self, path: &Path) -> io::Result<()>;
}

/// The file system.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::options().append(true).create(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn flush_folder(&self, path: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }
}

/// A disk that ends in the middle of its work.
#[cfg(test)]
pub(super) mod faulty {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;

    /// What happens at the chosen step.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(in crate::store) enum Fault {
        /// That step fails, as on a full disk; later ones work.
        Fails,
        /// Nothing is done from there on, as if the program had been killed.
        Dies,
    }

    #[derive(Debug)]
    struct State {
        left: AtomicUsize,
        hit: AtomicBool,
        fault: Fault,
    }

    /// Does a number of steps, then has its fault; nothing is made durable, since no test turns the power off. Writing a file, or to its end, takes four steps: nothing, empty, half and all of it is there, and it is not durable.
    #[derive(Debug, Clone)]
    pub(in crate::store) struct FaultyDisk(Arc<State>);

    impl FaultyDisk {
        pub(in crate::store) fn new(steps: usize, fault: Fault) -> Self {
            Self(Arc::new(State { left: AtomicUsize::new(steps), hit: AtomicBool::new(false), fault }))
        }

        /// Whether the fault has come.
        pub(in crate::store) fn hit(&self) -> bool {
            self.0.hit.load(Ordering::SeqCst)
        }

        fn step(&self) -> io::Result<()> {
            let full = || io::Error::new(io::ErrorKind::StorageFull, "no space left on device");
            let left = self.0.left.load(Ordering::SeqCst);
            if left > 0 {
                self.0.left.store(left - 1, Ordering::SeqCst);
                return Ok(());
            }
            let again = self.0.hit.swap(true, Ordering::SeqCst);
            if again && self.0.fault == Fault::Fails { Ok(()) } else { Err(full()) }
        }
    }

    impl Disk for FaultyDisk {
        fn create_folder(&self, path: &Path) -> io::Result<()> {
            self.step()?;
            RealDisk.create_folder(path)
        }

        fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
            self.step()?;
            let mut file = File::create(path)?;
            self.step()?;
            let (first, rest) = bytes.split_at(bytes.len() / 2);
            file.write_all(first)?;
            self.step()?;
            file.write_all(rest)?;
            self.step()
        }

        fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
            self.step()?;
            let mut file = File::options().append(true).create(true).open(path)?;
            self.step()?;
            let (first, rest) = bytes.split_at(bytes.len() / 2);
            file.write_all(first)?;
            self.step()?;
            file.write_all(rest)?;
            self.step()
        }

        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.step()?;
            RealDisk.rename(from, to)
        }

        fn remove(&self, path: &Path) -> io::Result<()> {
            self.step()?;
            RealDisk.remove(path)
        }

        fn flush_folder(&self, _: &Path) -> io::Result<()> {
            self.step()
        }
    }
}
