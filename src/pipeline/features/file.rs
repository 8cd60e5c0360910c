//! Reading of `features.toml`: each entry checked by itself. How entries hang together is the graph's matter.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::error::{SetError, SetProblem};
use super::hint::hint;
use super::keys::{Args, take, unknown};
use super::registry::{self, Inputs, KernelSpec};
use super::transform::{self, TRANSFORMS, Transform};
use crate::domain::Pair;

/// Most entries of a set.
const MOST_ENTRIES: usize = 2_000;

/// A whole file, entry by entry.
#[derive(Debug)]
pub(super) struct File {
    /// The pair whose values the kernel `leader` gives.
    pub(super) leader: Pair,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) nodes: Vec<Entry>,
    pub(super) features: Vec<Entry>,
}

/// Features that come and go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub words: String,
    pub required: bool,
    /// Models are trained on its features.
    pub models: bool,
}

/// One node or feature.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) group: Option<String>,
    pub(super) kernel: Option<&'static KernelSpec>,
    pub(super) args: Args,
    pub(super) inputs: Vec<String>,
    /// Place of the output line.
    pub(super) line: usize,
    pub(super) transform: Option<(&'static Transform, Args)>,
}

impl Entry {
    /// What is computed, with the names that the file uses.
    pub(super) fn in_words(&self) -> String {
        let mut text = match self.kernel {
            None => self.inputs.join(", "),
            Some(kernel) => {
                let mut text = self.args.fill(kernel.words);
                if let Inputs::Named(places) = kernel.inputs {
                    for (place, name) in places.iter().zip(&self.inputs) {
                        text = text.replace(&format!("{{{place}}}"), name);
                    }
                }
                match kernel.lines.get(self.line).filter(|_| kernel.lines.len() > 1) {
                    Some(line) => format!("{} of {text}", line.replace('_', " ")),
                    None => text,
                }
            }
        };
        if let Some((transform, args)) = &self.transform {
            text = args.fill(&transform.words.replace("{x}", &text));
        }
        text
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Node,
    Feature,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Feature => "feature",
        }
    }
}

/// Problems as they are found.
#[derive(Default)]
struct Problems(Vec<SetProblem>);

impl Problems {
    fn add(&mut self, entry: &str, text: impl Into<String>) {
        self.0.push(SetProblem { entry: entry.to_owned(), text: text.into() });
    }

    fn all(&mut self, entry: &str, texts: impl IntoIterator<Item = String>) {
        texts.into_iter().for_each(|text| self.add(entry, text));
    }
}

impl File {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(file: &str, text: &str) -> Result<Self, SetError> {
        let mut problems = Problems::default();
        let failed = |problems: Problems| SetError { file: file.to_owned(), problems: problems.0 };
        let mut table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                problems.add("", format!("it is no TOML: {}", error.to_string().trim_end()));
                return Err(failed(problems));
            }
        };
        let leader = read_leader(&mut table, &mut problems);
        let groups = read_groups(&mut table, &mut problems);
        let nodes = read_entries(&mut table, Kind::Node, &groups, &mut problems);
        let features = read_entries(&mut table, Kind::Feature, &groups, &mut problems);
        if features.is_empty() && problems.0.is_empty() {
            problems.add("", "it names no features; at least one is needed under 'features'");
        }
        problems.all("", unknown(&table, &["leader", "groups", "nodes", "features"]));
        match leader {
            Some(leader) if problems.0.is_empty() => Ok(Self { leader, groups, nodes, features }),
            _ => Err(failed(problems)),
        }
    }
}

fn read_leader(table: &mut Table, problems: &mut Problems) -> Option<Pair> {
    let text = match table.remove("leader") {
        Some(Value::String(text)) => text,
        Some(other) => {
            problems.add("leader", format!("it is {other}; it must be a pair in quotes, such as \"BTC/USD\""));
            return None;
        }
        None => {
            problems.add("leader", "it is missing: the pair that the others are compared with, such as \"BTC/USD\"");
            return None;
        }
    };
    text.parse().map_err(|e| problems.add("leader", format!("'{text}' is no pair: {e}"))).ok()
}

fn read_groups(table: &mut Table, problems: &mut Problems) -> BTreeMap<String, Group> {
    let mut groups = BTreeMap::new();
    let Some(Value::Table(entries)) = table.remove("groups") else {
        problems.add(
            "groups",
            "they are missing; write name = { words = \"…\", required = true|false, models = true|false }",
        );
        return groups;
    };
    for (name, value) in entries {
        let place = format!("group '{name}'");
        let Value::Table(mut entry) = value else {
            problems.add(
                &place,
                format!("it is {value}; write {{ words = \"…\", required = true|false, models = true|false }}"),
            );
            continue;
        };
        let words = match entry.remove("words") {
            Some(Value::String(words)) => words,
            other => {
                problems.add(&place, format!("'words' {}; it must be a text", shown(other.as_ref())));
                continue;
            }
        };
        let mut flag = |key: &str, problems: &mut Problems| match entry.remove(key) {
            Some(Value::Boolean(flag)) => flag,
            other => {
                problems.add(&place, format!("'{key}' {}; it must be true or false", shown(other.as_ref())));
                false
            }
        };
        let (required, models) = (flag("required", problems), flag("models", problems));
        if models && !required {
            problems.add(&place, "models = true needs required = true: a model cannot be asked without its inputs");
        }
        problems.all(&place, unknown(&entry, &["words", "required", "models"]));
        groups.insert(name, Group { words, required, models });
    }
    groups
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "is missing".to_owned(), |value| format!("is {value}"))
}

fn read_entries(
    table: &mut Table,
    kind: Kind,
    groups: &BTreeMap<String, Group>,
    problems: &mut Problems,
) -> Vec<Entry> {
    let key = format!("{}s", kind.as_str());
    let list = match table.remove(&key) {
        Some(Value::Array(list)) => list,
        None => return Vec::new(),
        Some(other) => {
            problems.add(&key, format!("they are {}; write a list of {{ name = \"…\", … }}", other.type_str()));
            return Vec::new();
        }
    };
    if list.len() > MOST_ENTRIES {
        problems.add(&key, format!("there are {}; at most {MOST_ENTRIES} are allowed", list.len()));
        return Vec::new();
    }
    list.into_iter().enumerate().filter_map(|(i, value)| read_entry(i, value, kind, groups, problems)).collect()
}

fn read_entry(
    index: usize,
    value: Value,
    kind: Kind,
    groups: &BTreeMap<String, Group>,
    problems: &mut Problems,
) -> Option<Entry> {
    let found = problems.0.len();
    let mut place = format!("{} number {}", kind.as_str(), index + 1);
    let Value::Table(mut entry) = value else {
        problems.add(&place, format!("it is {value}; write {{ name = \"…\", … }}"));
        return None;
    };
    let name = match entry.remove("name") {
        Some(Value::String(name)) => name,
        other => {
            problems.add(&place, format!("'name' {}; it must be a text", shown(other.as_ref())));
            return None;
        }
    };
    place = format!("{} '{name}'", kind.as_str());
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fine) || name.len() > 40 {
        problems.add(&place, "a name has at most 40 small letters, digits and '_', and begins with a letter");
    }
    let group = (kind == Kind::Feature).then(|| read_group(&mut entry, groups, &place, problems)).flatten();
    let mut allowed = vec!["name", "kernel", "input", "line", "transform"];
    if kind == Kind::Feature {
        allowed.push("group");
    }
    let before = problems.0.len();
    let kernel = read_kernel(&mut entry, &place, problems);
    if problems.0.len() > before {
        // What else the entry says belongs to a kernel that is not known.
        return None;
    }
    let args = kernel.map_or_else(Args::default, |kernel| {
        allowed.extend(kernel.keys.iter().map(|key| key.name));
        let args = take(&mut entry, kernel.keys, &format!("kernel '{}'", kernel.name));
        args.map_err(|texts| problems.all(&place, texts)).unwrap_or_default()
    });
    let inputs = read_inputs(&mut entry, kernel, &place, problems);
    let line = read_line(&mut entry, kernel, &place, problems);
    let transform = read_transform(&mut entry, &place, problems);
    problems.all(&place, unknown(&entry, &allowed));
    (problems.0.len() == found).then_some(Entry { name, group, kernel, args, inputs, line, transform })
}

fn read_group(
    entry: &mut Table,
    groups: &BTreeMap<String, Group>,
    place: &str,
    problems: &mut Problems,
) -> Option<String> {
    match entry.remove("group") {
        Some(Value::String(group)) if groups.contains_key(&group) => return Some(group),
        Some(Value::String(group)) => {
            let names = || groups.keys().map(String::as_str);
            let known: Vec<&str> = names().collect();
            let text =
                format!("group '{group}' is not defined; there are {}{}", known.join(", "), hint(&group, names()));
            problems.add(place, text);
        }
        other => problems.add(place, format!("'group' {}; it must be the name of a group", shown(other.as_ref()))),
    }
    None
}

fn read_kernel(entry: &mut Table, place: &str, problems: &mut Problems) -> Option<&'static KernelSpec> {
    let name = match entry.remove("kernel")? {
        Value::String(name) => name,
        other => {
            problems.add(place, format!("'kernel' is {other}; it must be the name of a kernel, in quotes"));
            return None;
        }
    };
    let found = registry::find(&name);
    if found.is_none() {
        let names = || registry::kernels().map(|k| k.name);
        let all: Vec<&str> = names().collect();
        problems
            .add(place, format!("there is no kernel '{name}'{}; there are {}", hint(&name, names()), all.join(", ")));
    }
    found
}

fn read_inputs(
    entry: &mut Table,
    kernel: Option<&'static KernelSpec>,
    place: &str,
    problems: &mut Problems,
) -> Vec<String> {
    let given = match entry.remove("input") {
        None => None,
        Some(Value::String(name)) => Some(vec![name]),
        Some(Value::Array(list)) if list.iter().all(Value::is_str) => {
            Some(list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect())
        }
        Some(other) => {
            problems.add(place, format!("'input' is {other}; it must be a name in quotes, or a list of such names"));
            return Vec::new();
        }
    };
    match (kernel.map(|k| (k.name, k.inputs)), given) {
        (Some((kernel, Inputs::Fields(fields))), Some(_)) => {
            let fields = fields.join(", ");
            problems.add(place, format!("kernel '{kernel}' always reads {fields}; leave 'input' out"));
            Vec::new()
        }
        (Some((_, Inputs::Fields(fields))), None) => fields.iter().map(|f| (*f).to_owned()).collect(),
        (Some((_, Inputs::Named(places))), Some(names)) if places.len() == names.len() => names,
        (Some((kernel, Inputs::Named(places))), names) => {
            let (count, given) = (places.len(), names.map_or(0, |n| n.len()));
            let places = places.join(", ");
            problems.add(place, format!("kernel '{kernel}' needs {count} input(s) ({places}), {given} given"));
            Vec::new()
        }
        (None, Some(names)) if names.len() == 1 => names,
        (None, _) => {
            problems.add(place, "it needs a 'kernel', or one 'input' to transform");
            Vec::new()
        }
    }
}

fn read_line(entry: &mut Table, kernel: Option<&'static KernelSpec>, place: &str, problems: &mut Problems) -> usize {
    let lines = kernel.map_or(&[][..], |k| k.lines);
    let allowed = lines.join(", ");
    let name = match entry.remove("line") {
        None if lines.len() <= 1 => return 0,
        None => {
            problems.add(place, format!("'line' is missing: which of {allowed}"));
            return 0;
        }
        Some(Value::String(name)) => name,
        Some(other) => {
            problems.add(place, format!("'line' is {other}; it must be one of {allowed}, in quotes"));
            return 0;
        }
    };
    lines.iter().position(|line| *line == name).unwrap_or_else(|| {
        let hint = hint(&name, lines.iter().copied());
        problems.add(place, format!("'line' is '{name}'; it must be one of {allowed}{hint}"));
        0
    })
}

fn read_transform(entry: &mut Table, place: &str, problems: &mut Problems) -> Option<(&'static Transform, Args)> {
    let (name, mut keys) = match entry.remove("transform")? {
        Value::String(name) => (name, Table::new()),
        Value::Table(mut keys) => match keys.remove("kind") {
            Some(Value::String(name)) => (name, keys),
            other => {
                problems.add(place, format!("transform: 'kind' {}; it must be a text", shown(other.as_ref())));
                return None;
            }
        },
        other => {
            problems.add(place, format!("'transform' is {other}; write \"ln\" or {{ kind = \"…\", … }}"));
            return None;
        }
    };
    let Some(transform) = transform::find(&name) else {
        let names = || TRANSFORMS.iter().map(|t| t.name);
        let all: Vec<&str> = names().collect();
        let text = format!("there is no transform '{name}'{}; there are {}", hint(&name, names()), all.join(", "));
        problems.add(place, text);
        return None;
    };
    let args = take(&mut keys, transform.keys, &format!("transform '{name}'"));
    let args = args.map_err(|texts| problems.all(place, texts)).ok();
    let allowed: Vec<&str> = ["kind"].into_iter().chain(transform.keys.iter().map(|key| key.name)).collect();
    problems.all(place, unknown(&keys, &allowed).into_iter().map(|text| format!("transform '{name}': {text}")));
    args.map(|args| (transform, args))
}
