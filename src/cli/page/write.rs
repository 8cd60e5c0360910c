//! A file that is whole or not there.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cli::Outcome;

/// Writes a file beside `path` and gives it that name once it is whole: whatever was there stays until then.
pub(in crate::cli) fn write_whole(path: &Path, bytes: &[u8]) -> Outcome {
    let mut beside: OsString = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    let written: std::io::Result<()> = write();
    if written.is_err() {
        // The error above is what matters; a leftover part is never read.
        let _ = std::fs::remove_file(&beside);
    }
    Ok(written?)
}
