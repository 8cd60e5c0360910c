//! Secrets: from the environment or from `config/secrets.toml` with mode 0600. They are never settings, never shown and never logged.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

/// Environment variable of the language model's key.
pub const OPENAI_VARIABLE: &str = "OPENAI_API_KEY";
/// Its name in the file.
const OPENAI_ENTRY: &str = "openai_api_key";
/// Environment variable of the services token: whoever sends it may pause and resume agents over the network.
pub const SERVICES_VARIABLE: &str = "CST_SERVICES_TOKEN";
/// Its name in the file.
const SERVICES_ENTRY: &str = "services_token";

/// The secrets of this process. `Debug` shows whether there is one, never what it is.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    openai: Option<SecretString>,
    services: Option<SecretString>,
}

/// A secret that can't be used. No text here repeats what a file or variable holds.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("'{}' can be read by others (mode {mode:04o}); run `chmod 600 '{}'`, and replace the key if others use this machine", path.display(), path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("'{}' cannot be read ({source}); check its owner and that it is UTF-8 text", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("'{}' line {line}: this is not TOML; write openai_api_key = \"…\" or services_token = \"…\"", path.display())]
    NotToml { path: PathBuf, line: usize },
    #[error("'{}' holds something other than openai_api_key and services_token; remove the rest", path.display())]
    Unknown { path: PathBuf },
    #[error("{origin} is no key: it is empty or holds characters that no key has; set it again")]
    NoKey { origin: String },
}

impl Secrets {
    /// Reads the secrets. The environment wins over the file; `env` reads one variable.
    ///
    /// # Errors
    /// [`SecretError`] when a secret is there and can't be used; that none is there is no error.
    pub fn load(home: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, SecretError> {
        let set = |name: &str| env(name).filter(|text| !text.trim().is_empty());
        let (openai, services) = (set(OPENAI_VARIABLE), set(SERVICES_VARIABLE));
        // A file that nothing is needed from is not opened: its faults are not in the way then.
        let mut file = if openai.is_some() && services.is_some() {
            Self::default()
        } else {
            from_file(&home.join("config").join("secrets.toml"))?
        };
        if let Some(text) = openai {
            file.openai = Some(key(&text, || format!("the environment variable {OPENAI_VARIABLE}"))?);
        }
        if let Some(text) = services {
            file.services = Some(key(&text, || format!("the environment variable {SERVICES_VARIABLE}"))?);
        }
        Ok(file)
    }

    /// The token that state-changing requests must carry, if there is one.
    #[must_use]
    pub const fn services_token(&self) -> Option<&SecretString> {
        self.services.as_ref()
    }

    /// The language model's key, if there is one.
    #[must_use]
    pub const fn openai_key(&self) -> Option<&SecretString> {
        self.openai.as_ref()
    }
}

fn key(text: &str, origin: impl Fn() -> String) -> Result<SecretString, SecretError> {
    let text = text.trim();
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(SecretError::NoKey { origin: origin() });
    }
    Ok(SecretString::from(text.to_owned()))
}

fn from_file(path: &Path) -> Result<Secrets, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Secrets::default()),
        Err(e) => return Err(unreadable(e)),
    };
    // Of the open file, not of the path: what is checked is what is read.
    private(&file, path)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    let text = SecretString::from(text);
    let table: toml::Table = text.expose_secret().parse().map_err(|e: toml::de::Error| {
        // The parser's own message quotes the line: the key would be in it.
        let before = e.span().and_then(|span| text.expose_secret().get(..span.start));
        SecretError::NotToml { path: path.to_owned(), line: 1 + before.unwrap_or_default().matches('\n').count() }
    })?;
    if table.keys().any(|name| name != OPENAI_ENTRY && name != SERVICES_ENTRY) {
        return Err(SecretError::Unknown { path: path.to_owned() });
    }
    let entry = |name: &str| {
        let origin = || format!("{name} in '{}'", path.display());
        match table.get(name) {
            None => Ok(None),
            Some(toml::Value::String(text)) => key(text, origin).map(Some),
            Some(_) => Err(SecretError::NoKey { origin: origin() }),
        }
    };
    Ok(Secrets { openai: entry(OPENAI_ENTRY)?, services: entry(SERVICES_ENTRY)? })
}

#[cfg(unix)]
fn private(file: &File, path: &Path) -> Result<(), SecretError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|source| SecretError::Unreadable { path: path.to_owned(), source })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(SecretError::TooOpen { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn private(_file: &File, _path: &Path) -> Result<(), SecretError> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const KEY: &str = "sk-do-not-show-me";

    fn home(text: &str, mode: u32) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("config");
        std::fs::create_dir(&config).unwrap();
        let path = config.join("secrets.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        home
    }

    fn none(_: &str) -> Option<String> {
        None
    }

    fn exposed(secrets: &Secrets) -> Option<&str> {
        secrets.openai_key().map(ExposeSecret::expose_secret)
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let home = home(&format!("openai_api_key = \"{KEY}\"\n"), 0o600);
        assert_eq!(exposed(&Secrets::load(home.path(), none).unwrap()), Some(KEY));
        let other = Secrets::load(home.path(), |name| (name == OPENAI_VARIABLE).then(|| " sk-other\n".to_owned()));
        assert_eq!(exposed(&other.unwrap()), Some("sk-other"));
        let empty = Secrets::load(home.path(), |_| Some(String::new()));
        assert_eq!(exposed(&empty.unwrap()), Some(KEY));
    }

    #[test]
    fn no_secret_is_no_error() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(exposed(&Secrets::load(empty.path(), none).unwrap()), None);
        assert_eq!(exposed(&Secrets::load(home("", 0o400).path(), none).unwrap()), None);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_cure() {
        for mode in [0o644, 0o640, 0o604, 0o610, 0o602] {
            let home = home(&format!("openai_api_key = \"{KEY}\"\n"), mode);
            let error = Secrets::load(home.path(), none).unwrap_err().to_string();
            assert!(error.contains("chmod 600") && error.contains(&format!("{mode:04o}")), "{error}");
        }
    }

    #[test]
    fn nothing_ever_repeats_the_key() {
        for text in [
            format!("openai_api_key = \"{KEY}\n"),
            format!("openai_api_key = {KEY}"),
            format!("\n{KEY} {KEY}"),
            format!("other = \"{KEY}\""),
            format!("openai_api_key = [\"{KEY}\"]"),
            format!("openai_api_key = \"{KEY} and more\""),
        ] {
            let error = Secrets::load(home(&text, 0o600).path(), none).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(KEY), "{error}");
        }
        let good = Secrets::load(home(&format!("openai_api_key = \"{KEY}\""), 0o600).path(), none).unwrap();
        assert!(!format!("{good:?}").contains(KEY));
        let error = Secrets::load(Path::new("/nowhere"), |_| Some(format!("{KEY} x"))).unwrap_err();
        assert!(!error.to_string().contains(KEY));
    }
}
