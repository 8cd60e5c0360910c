//! Layers: built-in values, files, environment, command line. Each value remembers where it came from, and all problems are listed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::cross::RULES;
use super::error::{ConfigError, Origin, Problem};
use super::features;
use super::settings::Settings;
use super::table::{SECTIONS, SETTINGS, Setting, find};
use crate::domain::spelling::edits;
use crate::pipeline::FeatureSet;

/// Environment variables with this prefix are settings: `CST__GATE__THRESHOLD`.
pub const PREFIX: &str = "CST__";

/// Settings that passed every check, with the origin of each value.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub settings: Settings,
    /// The home's own feature set, or the built-in one.
    pub features: Arc<FeatureSet>,
    /// By full key; holds every key.
    pub origins: BTreeMap<String, Origin>,
    /// Files that were read, lowest layer first.
    pub files: Vec<PathBuf>,
}

/// One setting as `cst config show` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownSetting {
    pub key: &'static str,
    /// In TOML form.
    pub value: String,
    pub origin: Origin,
    pub doc: &'static str,
    pub range: String,
}

impl Loaded {
    /// Every setting in the order of the file.
    #[must_use]
    pub fn show(&self) -> Vec<ShownSetting> {
        let leaves = self.settings.leaves().unwrap_or_default();
        SETTINGS
            .iter()
            .filter_map(|setting| {
                Some(ShownSetting {
                    key: setting.key,
                    value: setting.kind.write(leaves.get(setting.key)?),
                    origin: self.origins.get(setting.key)?.clone(),
                    doc: setting.doc,
                    range: setting.kind.range(),
                })
            })
            .collect()
    }

    /// SHA-256 (hex) of the core settings and the feature set: equal exactly when every decision-making parameter is equal.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut text = String::new();
        canonical(&serde_json::to_value(&self.settings.core).unwrap_or_default(), &mut text);
        text.push_str(self.features.schema().hash());
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// JSON with sorted keys and no white space.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            text.push('{');
            for (n, (key, value)) in sorted.into_iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                text.push_str(&format!("{}:", Value::from(key.as_str())));
                canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                canonical(item, text);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

/// The settings among this process's environment variables. A value that is no text is kept in a form that the checks refuse.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        name.starts_with(PREFIX).then(|| (name, value.to_string_lossy().into_owned()))
    })
}

/// Merges the layers: built-in < `<home>/config/default.toml` < `file` (or `<home>/config/local.toml`, if there) < `env` < `sets`.
///
/// `env` may hold any variables; those that begin with [`PREFIX`] are read. Each of `sets` is `section.key=value`.
///
/// # Errors
/// [`ConfigError`] with every problem found in any layer.
pub fn load(
    home: &Path,
    file: Option<&Path>,
    sets: &[String],
    env: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    let mut layers = Layers::new()?;
    layers.file(&home.join("config").join("default.toml"), Presence::Optional, true);
    match file {
        Some(file) => layers.file(file, Presence::Required, false),
        None => layers.file(&home.join("config").join("local.toml"), Presence::Optional, false),
    }
    // Sorted, because the order of the environment is arbitrary and the list of problems should not be.
    for (name, value) in env.filter(|(name, _)| name.starts_with(PREFIX)).collect::<BTreeMap<_, _>>() {
        let key = name.strip_prefix(PREFIX).unwrap_or_default().to_ascii_lowercase().replace("__", ".");
        layers.text(&key, &value, Origin::Environment(name));
    }
    for set in sets {
        match set.split_once('=') {
            Some((key, value)) => layers.text(key.trim(), value, Origin::Set),
            None => layers.problem(Origin::Set, None, format!("'{set}' has no value; write --set section.key=value")),
        }
    }
    layers.features(home);
    layers.finish()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

/// The merge in progress.
struct Layers {
    values: BTreeMap<&'static str, (Value, Origin)>,
    problems: Vec<Problem>,
    bad: BTreeSet<&'static str>,
    files: Vec<PathBuf>,
    features: Arc<FeatureSet>,
}

impl Layers {
    fn new() -> Result<Self, ConfigError> {
        let mut defaults = Settings::default().leaves().map_err(|e| disagreement(&e))?;
        let values =
            SETTINGS.iter().filter_map(|s| Some((s.key, (defaults.remove(s.key)?, Origin::Default)))).collect();
        Ok(Self {
            values,
            problems: Vec::new(),
            bad: BTreeSet::new(),
            files: Vec::new(),
            features: FeatureSet::built_in(),
        })
    }

    fn problem(&mut self, origin: Origin, key: Option<&str>, text: String) {
        self.problems.push(Problem { origin, key: key.map(str::to_owned), text });
    }

    /// Reads one file. In the `reference` file a value equal to the built-in one keeps the origin `default`: the file only repeats it.
    fn file(&mut self, path: &Path, presence: Presence, reference: bool) {
        let whole = || Origin::File { path: path.to_owned(), line: None };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound && presence == Presence::Optional => return,
            Err(e) => {
                let what =
                    format!("the file cannot be read ({e}); check its path, its permissions and that it is UTF-8 text");
                return self.problem(whole(), None, what);
            }
        };
        self.files.push(path.to_owned());
        let at = |byte: usize| Origin::File { path: path.to_owned(), line: Some(line_of(&text, byte)) };
        let (table, errors) = toml::de::DeTable::parse_recoverable(&text);
        if !errors.is_empty() {
            for error in errors {
                let origin = error.span().map_or_else(whole, |span| at(span.start));
                self.problem(origin, None, format!("this is not TOML: {}", one_line(error.message())));
            }
            return;
        }
        // In the order of the file, so that problems read from top to bottom.
        let mut sections: Vec<_> = table.into_inner().into_iter().collect();
        sections.sort_by_key(|(name, _)| name.span().start);
        for (section, keys) in sections {
            let origin = at(section.span().start);
            let section = section.into_inner();
            let toml::de::DeValue::Table(keys) = keys.into_inner() else {
                let text = format!(
                    "'{section}' stands alone; every setting belongs to a section: [section], then key = value"
                );
                self.problem(origin, Some(&section), text);
                continue;
            };
            if SECTIONS.iter().all(|(known, _)| *known != section) {
                let hint = suggest(&section, SECTIONS.iter().map(|(name, _)| *name));
                self.problem(origin, Some(&section), format!("there is no section '{section}'.{hint}"));
                continue;
            }
            let mut keys: Vec<_> = keys.into_iter().collect();
            keys.sort_by_key(|(name, _)| name.span().start);
            for (name, value) in keys {
                let origin = at(name.span().start);
                let key = format!("{section}.{}", name.into_inner());
                match toml::Value::deserialize(serde::de::IntoDeserializer::into_deserializer(value)) {
                    Ok(value) => self.value(&key, &value, origin, reference),
                    Err(e) => self.problem(origin, Some(&key), format!("{key}: {}", one_line(e.message()))),
                }
            }
        }
    }

    /// The home's feature set, if it has one of its own.
    fn features(&mut self, home: &Path) {
        match features::read(home) {
            Ok(Some((set, path))) => {
                self.features = Arc::new(set);
                self.files.push(path);
            }
            Ok(None) => {}
            Err(problems) => self.problems.extend(problems),
        }
    }

    fn text(&mut self, key: &str, text: &str, origin: Origin) {
        match find(key) {
            Some(setting) => self.value(key, &setting.kind.from_text(text), origin, false),
            None => self.unknown(key, origin),
        }
    }

    fn value(&mut self, key: &str, value: &toml::Value, origin: Origin, reference: bool) {
        let Some(setting) = find(key) else { return self.unknown(key, origin) };
        match setting.kind.read(value) {
            Ok(read) => {
                let repeated = reference && self.values.get(setting.key).is_some_and(|(built_in, _)| *built_in == read);
                if !repeated {
                    self.values.insert(setting.key, (read, origin));
                }
            }
            Err(why) => {
                self.bad.insert(setting.key);
                let text = self.refusal(setting, value, &why);
                self.problem(origin, Some(key), text);
            }
        }
    }

    fn refusal(&self, setting: &Setting, value: &toml::Value, why: &str) -> String {
        let given = shorten(&one_line(&value.to_string()), 60);
        let kept = self.values.get(setting.key).map(|(kept, _)| one_line(&setting.kind.write(kept)));
        let advice = kept.map(|kept| format!(" For example: {} = {kept}", setting.name())).unwrap_or_default();
        format!("{} = {given} {why}. Allowed: {}.{advice}", setting.key, setting.kind.range())
    }

    /// The value of an unknown key is never repeated: it may be a secret in the wrong place.
    fn unknown(&mut self, key: &str, origin: Origin) {
        let hint = suggest(key, SETTINGS.iter().map(|s| s.key));
        let secret = ["key", "secret", "password", "token"].iter().any(|word| key.to_ascii_lowercase().contains(word));
        let hint = if hint.is_empty() && secret {
            " Secrets are no settings: use the environment variable OPENAI_API_KEY or config/secrets.toml.".to_owned()
        } else if hint.is_empty() {
            " `cst config show` lists all settings.".to_owned()
        } else {
            hint
        };
        self.problem(origin, Some(key), format!("there is no setting '{}'.{hint}", shorten(&one_line(key), 60)));
    }

    fn finish(mut self) -> Result<Loaded, ConfigError> {
        let mut tree: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for (setting, (value, _)) in SETTINGS.iter().filter_map(|s| Some((s, self.values.get(s.key)?))) {
            tree.entry(setting.section()).or_default().insert(setting.name().to_owned(), value.clone());
        }
        let tree = tree.into_iter().map(|(section, keys)| (section.to_owned(), Value::Object(keys))).collect();
        let settings = Settings::from_tree(&tree).map_err(|e| disagreement(&e))?;
        for rule in RULES {
            if rule.keys.iter().all(|key| !self.bad.contains(key)) && !rule.holds(&settings) {
                let problem = self.broken(rule.keys, rule.text);
                self.problems.push(problem);
            }
        }
        if !self.problems.is_empty() {
            return Err(ConfigError { problems: self.problems });
        }
        let origins = self.values.into_iter().map(|(key, (_, origin))| (key.to_owned(), origin)).collect();
        Ok(Loaded { settings, features: self.features, origins, files: self.files })
    }

    /// A broken rule with the values it looked at; it is put at the first of them that somebody set.
    fn broken(&self, keys: &[&str], rule: &str) -> Problem {
        let used: Vec<(&Setting, &Value, &Origin)> = keys
            .iter()
            .filter_map(|key| {
                let (value, origin) = self.values.get(key)?;
                Some((find(key)?, value, origin))
            })
            .collect();
        let values: Vec<String> = used
            .iter()
            .map(|(setting, value, origin)| format!("{} = {} ({origin})", setting.key, setting.kind.write(value)))
            .collect();
        let place = used.iter().find(|(_, _, origin)| **origin != Origin::Default).or(used.first());
        Problem {
            origin: place.map_or(Origin::Default, |(_, _, origin)| (*origin).clone()),
            key: place.map(|(setting, ..)| setting.key.to_owned()),
            text: format!("{}: {rule}.", values.join(" and ")),
        }
    }
}

fn disagreement(error: &serde_json::Error) -> ConfigError {
    let text = format!(
        "the table of settings and their types disagree ({error}); this is a defect of the program, please report it"
    );
    ConfigError { problems: vec![Problem { origin: Origin::Default, key: None, text }] }
}

fn line_of(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|b| *b == b'\n').count()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

/// ` Did you mean '…'?` for the nearest known name, or nothing when none is near.
fn suggest(given: &str, known: impl Iterator<Item = &'static str>) -> String {
    let given = given.to_ascii_lowercase();
    let leaf = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let near = |a: &str, b: &str| Some(edits(a, b)).filter(|edits| *edits <= 1 + a.chars().count() / 6);
    // A key without its section, or in the wrong one, is nearly as near as its own spelling.
    let nearest = known
        .filter_map(|name| {
            let whole = near(&given, name);
            let by_leaf = near(&leaf(&given), &leaf(name)).map(|edits| edits + 1);
            Some((whole.into_iter().chain(by_leaf).min()?, name))
        })
        .min();
    nearest.map(|(_, name)| format!(" Did you mean '{name}'?")).unwrap_or_default()
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
