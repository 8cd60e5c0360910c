//! The file of the trial ledger: one line per judged configuration, over everything in its folder.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Registry;
use super::lock::Lock;
use crate::ml::trials::{Ledger, Trial};
use crate::store::{StoreError, files};

/// Name of the file in its folder.
pub const TRIALS: &str = "TRIALS.jsonl";

/// The ledger of one folder.
#[derive(Debug, Clone)]
pub struct TrialFile {
    folder: PathBuf,
}

impl TrialFile {
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Everything that was ever tried. A line that was cut off while it was written was never entered, and is not read.
    ///
    /// # Errors
    /// [`StoreError::Models`] when a line was changed, removed or moved: then nothing can be said of chance any more.
    pub fn read(&self) -> Result<Ledger, StoreError> {
        let path = self.folder.join(TRIALS);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(files::failed("read", &path)(e)),
        };
        Ledger::read(whole(&text)).map_err(|e| StoreError::Models { path, reason: e.to_string() })
    }

    /// Enters trials, on disk when this returns, and gives the ledger with them. A trial that says nothing is left out.
    ///
    /// # Errors
    /// As [`TrialFile::read`], and when the file cannot be written.
    pub fn enter(&self, trials: Vec<Trial>) -> Result<Ledger, StoreError> {
        files::create_folder(&self.folder)?;
        let _lock = Lock::take(&self.folder)?;
        let path = self.folder.join(TRIALS);
        let mut ledger = self.read()?;
        let mut lines = String::new();
        for trial in trials {
            let Ok(entry) = ledger.append(trial) else { continue };
            let line = entry.line().map_err(|reason| StoreError::Models { path: path.clone(), reason })?;
            lines.push_str(&line);
            lines.push('\n');
        }
        let open = File::options().read(true).append(true).create(true).open(&path);
        let mut file = open.map_err(files::failed("open", &path))?;
        let before = std::fs::read_to_string(&path).map_err(files::failed("read", &path))?;
        let kept = whole(&before).len() as u64;
        let write = |file: &mut File| {
            file.set_len(kept)?;
            file.write_all(lines.as_bytes())?;
            file.sync_all()
        };
        write(&mut file).map_err(files::failed("write", &path))?;
        Ok(ledger)
    }
}

impl Registry {
    /// The ledger of everything that was trained into this registry.
    #[must_use]
    pub fn trial_file(&self) -> TrialFile {
        TrialFile::of(&self.folder)
    }
}

/// Up to the last line that ended.
fn whole(text: &str) -> &str {
    text.rfind('\n').and_then(|end| text.get(..=end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Horizon, UtcMs};
    use crate::ml::overfit::Track;

    fn trial(n: i64) -> Trial {
        let returns: Vec<f64> = (0..40).map(|i| f64::from(i % 7) * 0.01 - 0.02).collect();
        Trial {
            at: UtcMs(n),
            configuration: format!("c{n}"),
            horizon: Horizon::H24,
            from: UtcMs(0),
            to: UtcMs(1_000),
            track: Track::of(&returns).unwrap(),
            hold_out: n % 2 == 0,
        }
    }

    #[test]
    fn trials_stay_and_a_cut_off_line_was_never_entered() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        assert_eq!(registry.trial_file().read().unwrap().configurations(), 0);
        assert_eq!(registry.trial_file().enter(vec![trial(1), trial(2)]).unwrap().configurations(), 2);
        let path = folder.path().join(TRIALS);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"id\":3,\"tri");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(registry.trial_file().read().unwrap().configurations(), 2);
        let unsound = Trial { configuration: String::new(), ..trial(4) };
        let ledger = registry.trial_file().enter(vec![unsound, trial(3)]).unwrap();
        assert_eq!((ledger.configurations(), ledger.hold_out_uses(Horizon::H24, UtcMs(i64::MIN))), (3, 1));
        assert_eq!(registry.trial_file().read().unwrap(), ledger);
    }

    #[test]
    fn a_changed_line_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        registry.trial_file().enter(vec![trial(1), trial(2)]).unwrap();
        let path = folder.path().join(TRIALS);
        let text = std::fs::read_to_string(&path).unwrap().replace("\"c1\"", "\"c9\"");
        std::fs::write(&path, text).unwrap();
        let told = registry.trial_file().read().unwrap_err().to_string();
        assert!(told.contains("entry 1 of the trial ledger was changed"), "{told}");
        assert!(registry.trial_file().enter(vec![trial(3)]).is_err());
    }
}
