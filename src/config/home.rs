//! The home folder: the one that holds `config/`, `data/`, `models/` and `logs/`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where everything lives, and why there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    pub dir: PathBuf,
    /// For people: `--home was given`.
    pub why: String,
}

/// No home folder, or something missing in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HomeError {
    #[error("--home '{}' is not a folder; create it with `mkdir -p '{}'` or name another", .0.display(), .0.display())]
    NotAFolder(PathBuf),
    #[error(
        "no home folder: the working directory has no config/, and neither XDG_DATA_HOME nor HOME is set; start in a folder with config/ or pass --home DIR"
    )]
    Unknown,
    #[error(
        "there is no recording in '{}' (setting replay.recording); it comes with the source tree: start cst there, pass --home with that folder, or copy its data/ folder to '{}'",
        folder.display(),
        home.join("data").display()
    )]
    NoRecording { folder: PathBuf, home: PathBuf },
}

impl Home {
    /// Picks the home folder: `given` (`--home`), else `cwd` if it has `config/`, else `$XDG_DATA_HOME/cst` or `~/.local/share/cst`
    /// (which need not exist yet). `env` reads one environment variable.
    ///
    /// # Errors
    /// [`HomeError`] when `given` is not a folder or there is nothing to go by.
    pub fn resolve(
        given: Option<&Path>,
        cwd: &Path,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, HomeError> {
        if let Some(dir) = given {
            if !dir.is_dir() {
                return Err(HomeError::NotAFolder(dir.to_owned()));
            }
            return Ok(Self { dir: cwd.join(dir), why: "--home was given".to_owned() });
        }
        if cwd.join("config").is_dir() {
            return Ok(Self { dir: cwd.to_owned(), why: "the working directory has config/".to_owned() });
        }
        // The XDG specification has relative paths ignored.
        let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let (base, why) = if let Some(base) = absolute("XDG_DATA_HOME") {
            (base, "XDG_DATA_HOME")
        } else if let Some(user) = absolute("HOME") {
            (user.join(".local").join("share"), "the platform's data folder")
        } else {
            return Err(HomeError::Unknown);
        };
        Ok(Self { dir: base.join("cst"), why: format!("{why}; the working directory has no config/") })
    }

    /// A path of a setting: absolute as it stands, else within the home folder.
    #[must_use]
    pub fn path(&self, setting: &str) -> PathBuf {
        self.dir.join(setting)
    }

    /// The lake's folder.
    #[must_use]
    pub fn lake(&self) -> PathBuf {
        self.dir.join("data").join("lake")
    }

    /// The folder of the recording (setting `replay.recording`).
    ///
    /// # Errors
    /// [`HomeError::NoRecording`], which says how to get it, when the folder holds no Parquet file of any venue.
    pub fn recording(&self, setting: &str) -> Result<PathBuf, HomeError> {
        let folder = self.path(setting);
        let entries = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let found = entries(&folder)
            .filter(|venue| venue.is_dir())
            .any(|venue| entries(&venue).any(|file| file.extension().is_some_and(|ext| ext == "parquet")));
        if found { Ok(folder) } else { Err(HomeError::NoRecording { folder, home: self.dir.clone() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into())
    }

    #[test]
    fn the_first_that_applies_is_taken() {
        let plain = tempfile::tempdir().unwrap();
        let house = tempfile::tempdir().unwrap();
        std::fs::create_dir(house.path().join("config")).unwrap();
        let xdg = [("XDG_DATA_HOME", "/x/data"), ("HOME", "/home/me")];
        let relative = [("XDG_DATA_HOME", "data"), ("HOME", "/home/me")];
        for (given, cwd, vars, wanted) in [
            (Some(plain.path()), house.path(), &xdg[..], plain.path()),
            (None, house.path(), &xdg[..], house.path()),
            (None, plain.path(), &xdg[..], Path::new("/x/data/cst")),
            (None, plain.path(), &relative[..], Path::new("/home/me/.local/share/cst")),
        ] {
            let home = Home::resolve(given, cwd, env(vars)).unwrap();
            assert_eq!(home.dir, wanted);
            assert!(!home.why.is_empty());
        }
        assert_eq!(Home::resolve(None, plain.path(), env(&[])), Err(HomeError::Unknown));
        let missing = Home::resolve(Some(Path::new("/no/such/dir")), plain.path(), env(&xdg)).unwrap_err();
        assert!(missing.to_string().contains("mkdir -p '/no/such/dir'"));
    }

    #[test]
    fn paths_are_relative_to_the_home_or_absolute() {
        let home = Home { dir: PathBuf::from("/h"), why: String::new() };
        assert_eq!(home.path("logs"), Path::new("/h/logs"));
        assert_eq!(home.path("/var/log/cst"), Path::new("/var/log/cst"));
    }

    #[test]
    fn a_home_without_the_recording_says_how_to_get_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home { dir: dir.path().to_owned(), why: String::new() };
        let error = home.recording("data/recording").unwrap_err().to_string();
        assert!(error.contains("replay.recording") && error.contains("--home"), "{error}");
        let venue = dir.path().join("data/recording/kraken");
        std::fs::create_dir_all(&venue).unwrap();
        std::fs::write(venue.join("README.md"), "").unwrap();
        assert!(home.recording("data/recording").is_err());
        std::fs::write(venue.join("BTC-USD_60.parquet"), "").unwrap();
        assert_eq!(home.recording("data/recording"), Ok(dir.path().join("data/recording")));
    }
}
