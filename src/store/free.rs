//! How much space is left where a path lies.
//!
//! The standard library cannot tell, so the POSIX tool `df -Pk` is asked. It may hang on a network drive that is gone: it is given a while, then ended.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Why the free space is not known.
#[derive(Debug, thiserror::Error)]
pub enum FreeError {
    #[error("'df' cannot be run: {0}")]
    NoTool(std::io::Error),
    #[error("'df' gave no answer about '{}' within {} s", path.display(), limit.as_secs())]
    TimedOut { path: PathBuf, limit: Duration },
    #[error("'df' refused '{}': {said}", path.display())]
    Refused { path: PathBuf, said: String },
    #[error("the answer of 'df' about '{}' cannot be read: {said}", path.display())]
    Unreadable { path: PathBuf, said: String },
}

/// Space of one file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this user may still write.
    pub free: u64,
    /// Bytes of the whole file system.
    pub total: u64,
}

/// Longest wait for an answer.
pub const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The space of the file system that holds `path`; what does not exist yet is judged by the nearest folder above it that does. Blocks for
/// up to `patience`.
///
/// # Errors
/// [`FreeError`] when `df` is missing, refuses, hangs or answers something else.
pub fn free_space(path: &Path, patience: Duration) -> Result<Space, FreeError> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.ancestors().find(|p| p.exists()).unwrap_or(&absolute);
    let mut command = Command::new("df");
    command.arg("-Pk").arg("--").arg(there).env("LC_ALL", "C");
    ask(command, there, patience)
}

fn ask(mut command: Command, path: &Path, patience: Duration) -> Result<Space, FreeError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(FreeError::NoTool)?;
    if !ended(&mut child, patience).map_err(FreeError::NoTool)? {
        // It may sit in an uninterruptible wait: it is told to end, and collected only if it already did.
        let _ = child.kill();
        let _ = child.try_wait();
        return Err(FreeError::TimedOut { path: path.to_owned(), limit: patience });
    }
    let output = child.wait_with_output().map_err(FreeError::NoTool)?;
    if !output.status.success() {
        let said = first_line(&String::from_utf8_lossy(&output.stderr));
        return Err(FreeError::Refused { path: path.to_owned(), said });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    parse(&text).ok_or_else(|| FreeError::Unreadable { path: path.to_owned(), said: first_line(&text) })
}

/// Waits for the end. Its answer is far smaller than a pipe holds, so that it never waits for a reader.
fn ended(child: &mut Child, patience: Duration) -> std::io::Result<bool> {
    let mut waited = Duration::ZERO;
    loop {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        if waited >= patience {
            return Ok(false);
        }
        std::thread::sleep(LOOK_EVERY);
        waited = waited.saturating_add(LOOK_EVERY);
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().chars().take(200).collect()
}

/// Reads the POSIX form: a header, then `<device> <1024-blocks> <used> <available> <n>% <mounted on>`. Device and mount point may hold
/// blanks, so the three numbers before the percentage are looked for.
fn parse(text: &str) -> Option<Space> {
    let mut lines = text.lines();
    if !lines.next()?.contains("1024-blocks") {
        return None;
    }
    let words: Vec<&str> = lines.next()?.split_whitespace().collect();
    let kib = |word: &str| word.parse::<u64>().ok()?.checked_mul(1024);
    words.windows(4).find_map(|four| {
        let &[total, used, free, percent] = four else { return None };
        let _share: u32 = percent.strip_suffix('%')?.parse().ok()?;
        kib(used)?;
        Some(Space { free: kib(free)?, total: kib(total)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n";

    #[test]
    fn the_posix_form_is_read_with_blanks_in_names() {
        for (line, free, total) in [
            ("/dev/vda1 61255492 34052540 24058956 59% /\n", 24_058_956, 61_255_492),
            ("//nas/my disk 12 1000 400 600 40% /mnt/my 7% disk\n", 600, 1000),
            ("tmpfs 64 64 0 100% /run\n", 0, 64),
        ] {
            let space = parse(&format!("{HEAD}{line}")).unwrap();
            assert_eq!(space, Space { free: free * 1024, total: total * 1024 }, "{line}");
        }
        for text in
            ["", HEAD, "x\ny\n", &format!("{HEAD}none - - - - /x\n"), &format!("{HEAD}a 1 2 99999999999999999999 3% /")]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_temporary_folder_has_space_even_below_what_exists() {
        let folder = tempfile::tempdir().unwrap();
        let space = free_space(&folder.path().join("not/yet/there"), PATIENCE).unwrap();
        assert!(space.total > 0 && space.free <= space.total, "{space:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_hanging_absent_or_failing_tool_is_told_apart() {
        let run = |script: &str, patience: u64| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            ask(command, Path::new("/x"), Duration::from_millis(patience)).unwrap_err()
        };
        assert!(matches!(run("exec sleep 30", 30), FreeError::TimedOut { .. }));
        assert!(
            matches!(run("echo no such place >&2; exit 1", 5_000), FreeError::Refused { said, .. } if said == "no such place")
        );
        assert!(matches!(run("echo hello", 5_000), FreeError::Unreadable { said, .. } if said == "hello"));
        let error = ask(Command::new("no-such-tool-anywhere"), Path::new("/x"), PATIENCE).unwrap_err();
        assert!(matches!(error, FreeError::NoTool(_)), "{error}");
    }
}
