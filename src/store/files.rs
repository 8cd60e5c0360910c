//! Files that appear whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::StoreError;
use super::disk::{Disk, RealDisk};

/// Turns an I/O error into one that says what was being done to which file.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { action, path, source }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    fs::read(path).map_err(failed("read", path))
}

pub(super) fn create_folder(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(failed("create the folder", path))
}

/// Hex of the SHA-256 of `bytes`.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A name for a temporary file beside `path`.
pub(super) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// Writes a file beside `path`, makes it durable and renames it into place. On failure `path` stays as it was.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    put(&RealDisk, path, bytes)?;
    path.parent().map_or(Ok(()), flush_folder)
}

/// As [`write_whole`], in a folder that is there and on any disk; the new name is durable once the folder is flushed.
pub(super) fn put(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = temporary(path);
    let written = disk
        .write(&temporary, bytes)
        .map_err(failed("write", &temporary))
        .and_then(|()| disk.rename(&temporary, path).map_err(failed("replace", path)));
    if written.is_err() {
        // The error above is what matters; a leftover temporary file is never read.
        let _ = disk.remove(&temporary);
    }
    written
}

/// Makes renames and new files in `folder` durable, where the system can.
pub(super) fn flush_folder(folder: &Path) -> Result<(), StoreError> {
    RealDisk.flush_folder(folder).map_err(failed("flush the folder", folder))
}
