//! Secrets: from the environment or from `config/secrets.toml` with mode 0600. They are never settings, never shown and never logged.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

/// A secret by its names: the environment variable and the entry of the file.
struct Name {
    variable: &'static str,
    entry: &'static str,
}

/// Environment variable of the language model's key.
pub const OPENAI_VARIABLE: &str = "OPENAI_API_KEY";
/// Environment variable of the services token: whoever sends it may pause and resume agents over the network.
pub const SERVICES_VARIABLE: &str = "CST_SERVICES_TOKEN";
/// Environment variables of the Kraken key and its secret. They are our own and not those of other tools: a key may have one user only,
/// or its nonces collide.
pub const KRAKEN_KEY_VARIABLE: &str = "CST_KRAKEN_API_KEY";
pub const KRAKEN_SECRET_VARIABLE: &str = "CST_KRAKEN_API_SECRET";

const OPENAI: Name = Name { variable: OPENAI_VARIABLE, entry: "openai_api_key" };
const SERVICES: Name = Name { variable: SERVICES_VARIABLE, entry: "services_token" };
const KRAKEN_KEY: Name = Name { variable: KRAKEN_KEY_VARIABLE, entry: "kraken_api_key" };
const KRAKEN_SECRET: Name = Name { variable: KRAKEN_SECRET_VARIABLE, entry: "kraken_api_secret" };
const NAMES: [Name; 4] = [OPENAI, SERVICES, KRAKEN_KEY, KRAKEN_SECRET];
/// The entries, for messages.
const ENTRIES: &str = "openai_api_key, services_token, kraken_api_key and kraken_api_secret";

/// The secrets of this process. `Debug` shows whether there is one, never what it is.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// By the name of the entry.
    known: BTreeMap<&'static str, SecretString>,
}

/// A secret that can't be used. No text here repeats what a file or variable holds.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("'{}' can be read by others (mode {mode:04o}); run `chmod 600 '{}'`, and replace the key if others use this machine", path.display(), path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("'{}' cannot be read ({source}); check its owner and that it is UTF-8 text", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("'{}' line {line}: this is not TOML; write lines such as openai_api_key = \"…\"", path.display())]
    NotToml { path: PathBuf, line: usize },
    #[error("'{}' holds something other than {ENTRIES}; remove the rest", path.display())]
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
        let set = |name: &Name| env(name.variable).filter(|text| !text.trim().is_empty());
        // A file that nothing is needed from is not opened: its faults are not in the way then.
        let mut secrets = if NAMES.iter().all(|name| set(name).is_some()) {
            Self::default()
        } else {
            from_file(&home.join("config").join("secrets.toml"))?
        };
        for name in &NAMES {
            if let Some(text) = set(name) {
                let origin = || format!("the environment variable {}", name.variable);
                secrets.known.insert(name.entry, key(&text, origin)?);
            }
        }
        Ok(secrets)
    }

    /// The token that state-changing requests must carry, if there is one.
    #[must_use]
    pub fn services_token(&self) -> Option<&SecretString> {
        self.known.get(SERVICES.entry)
    }

    /// The language model's key, if there is one.
    #[must_use]
    pub fn openai_key(&self) -> Option<&SecretString> {
        self.known.get(OPENAI.entry)
    }

    /// The Kraken key and its secret, if both are there.
    #[must_use]
    pub fn kraken(&self) -> Option<(&SecretString, &SecretString)> {
        self.known.get(KRAKEN_KEY.entry).zip(self.known.get(KRAKEN_SECRET.entry))
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
    if table.keys().any(|key| NAMES.iter().all(|name| name.entry != key)) {
        return Err(SecretError::Unknown { path: path.to_owned() });
    }
    let mut secrets = Secrets::default();
    for name in NAMES.iter().filter(|name| table.contains_key(name.entry)) {
        let origin = || format!("{} in '{}'", name.entry, path.display());
        let secret = match table.get(name.entry) {
            Some(toml::Value::String(text)) => key(text, origin)?,
            _ => return Err(SecretError::NoKey { origin: origin() }),
        };
        secrets.known.insert(name.entry, secret);
    }
    Ok(secrets)
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
