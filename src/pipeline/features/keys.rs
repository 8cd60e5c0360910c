//! Keys that kernels and transforms take, and their values as an entry of the file gives them.

use std::fmt;

use super::hint::hint;

/// What a key may hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KeyKind {
    /// A whole number.
    Count { from: usize, to: usize },
    /// A number; both ends belong to it.
    Number { from: f64, to: f64 },
    /// The name of an input column, a node or a feature.
    Series,
}

/// A key of a kernel or a transform. Each of its keys must be given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    pub name: &'static str,
    pub kind: KeyKind,
}

impl Key {
    #[must_use]
    pub const fn count(name: &'static str, from: usize) -> Self {
        Self { name, kind: KeyKind::Count { from, to: MOST_BARS } }
    }

    #[must_use]
    pub const fn number(name: &'static str, from: f64, to: f64) -> Self {
        Self { name, kind: KeyKind::Number { from, to } }
    }

    #[must_use]
    pub const fn series(name: &'static str) -> Self {
        Self { name, kind: KeyKind::Series }
    }
}

/// No window is longer: two years of hours.
pub const MOST_BARS: usize = 17_520;

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { from, to } => write!(f, "a whole number from {from} to {to}"),
            Self::Number { from, to } => write!(f, "a number from {from} to {to}"),
            Self::Series => f.write_str("the name of an input column, a node or a feature, in quotes"),
        }
    }
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    Count(usize),
    Number(f64),
    Series(String),
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(n) => write!(f, "{n}"),
            Self::Number(x) => write!(f, "{x}"),
            Self::Series(name) => f.write_str(name),
        }
    }
}

/// Checked values, in the order in which the kernel or transform declares its keys.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Args(Vec<(&'static str, Given)>);

impl Args {
    /// Values made by the program itself.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = (&'static str, Given)>) -> Self {
        Self(values.into_iter().collect())
    }

    fn get(&self, name: &str) -> Option<&Given> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// A whole number; a key that is not declared would be 0, which the test of every kernel's look-back finds.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        match self.get(name) {
            Some(Given::Count(n)) => *n,
            _ => 0,
        }
    }

    /// A number; as [`Args::count`].
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(Given::Number(x)) => *x,
            _ => 0.0,
        }
    }

    /// The names of series, in order.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(_, value)| match value {
            Given::Series(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// `period=14, multiple=2`; series are left out.
    #[must_use]
    pub fn numbers_in_words(&self) -> String {
        let shown = self.0.iter().filter(|(_, value)| !matches!(value, Given::Series(_)));
        shown.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
    }

    /// Puts the values into `{key}` places of a text.
    #[must_use]
    pub fn fill(&self, words: &str) -> String {
        self.0
            .iter()
            .fold(words.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), &value.to_string()))
    }
}

/// Takes the declared keys out of a table; what is left in it is unknown. `whose` is `kernel 'rsi'`.
///
/// # Errors
/// Every key that is missing, of the wrong type or out of range, in words.
pub fn take(table: &mut toml::Table, keys: &[Key], whose: &str) -> Result<Args, Vec<String>> {
    let mut args = Args::default();
    let mut problems = Vec::new();
    for key in keys {
        match table.remove(key.name) {
            None => problems.push(format!("{whose} needs '{}': {}", key.name, key.kind)),
            Some(value) => match read(&value, key.kind) {
                Some(given) => args.0.push((key.name, given)),
                None => problems.push(format!("'{}' is {value}; it must be {}", key.name, key.kind)),
            },
        }
    }
    if problems.is_empty() { Ok(args) } else { Err(problems) }
}

fn read(value: &toml::Value, kind: KeyKind) -> Option<Given> {
    match (kind, value) {
        (KeyKind::Count { from, to }, toml::Value::Integer(n)) => {
            usize::try_from(*n).ok().filter(|n| (from..=to).contains(n)).map(Given::Count)
        }
        (KeyKind::Number { from, to }, toml::Value::Integer(n)) => {
            // Numbers of a feature set are small: exact as f64.
            i32::try_from(*n).ok().map(f64::from).filter(|x| (from..=to).contains(x)).map(Given::Number)
        }
        (KeyKind::Number { from, to }, toml::Value::Float(x)) => {
            Some(*x).filter(|x| (from..=to).contains(x)).map(Given::Number)
        }
        (KeyKind::Series, toml::Value::String(name)) => Some(Given::Series(name.clone())),
        _ => None,
    }
}

/// What is left in a table is not known there.
#[must_use]
pub fn unknown(table: &toml::Table, allowed: &[&str]) -> Vec<String> {
    let name = |key: &String| {
        format!("'{key}' is no key here; allowed are {}{}", allowed.join(", "), hint(key, allowed.iter().copied()))
    };
    table.keys().map(name).collect()
}
