//! A feature set: the file's entries as a graph that can be run, with its columns, groups, warm-up and hash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use super::error::{SetError, SetProblem};
use super::file::{Entry, File, Group};
use super::graph::{Builder, Graph, Resolver};
use super::hour::FIELDS;
use super::levels::Levels;
use crate::domain::{Column, Pair, Schema};

/// Name of the file in a home's `config/` folder that replaces the built-in set.
pub const FILE_NAME: &str = "features.toml";

/// The built-in set: the project's own `config/features.toml`.
pub const BUILT_IN: &str = include_str!("../../../config/features.toml");

/// Kraken gives 720 hourly bars at most; a set that needs more before its first decision could not start within days.
pub const MOST_WARM_UP_HOURS: usize = 696;

/// What is computed for every pair and hour, and in which order models see it. Built once and shared.
#[derive(Debug)]
pub struct FeatureSet {
    schema: Arc<Schema>,
    features: Vec<Feature>,
    groups: BTreeMap<String, Group>,
    leader: Pair,
    pub(super) graph: Graph,
    pub(super) levels: Levels,
    file: Arc<File>,
}

/// Sets are equal when they compute the same columns.
impl PartialEq for FeatureSet {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema
    }
}

/// A column as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// What is computed, with the names that the file uses.
    pub words: String,
    /// Bars until the first value, the bar itself included.
    pub filled: usize,
    /// Bars until a value agrees to 1e-6 with one that saw all of history.
    pub settled: usize,
    /// It looks at all pairs.
    pub universal: bool,
    pub(super) source: Source,
}

/// Where a column's values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Slot(usize),
    /// 1 when all of these slots have a value, else 0.
    Presence(Vec<usize>),
}

pub(super) fn problem(file: &str, name: &str, text: String) -> SetError {
    let problem = SetProblem { entry: format!("feature '{name}'"), text };
    SetError { file: file.to_owned(), problems: vec![problem] }
}

impl FeatureSet {
    /// Reads a set from the text of a file; `name` is what errors call the file.
    ///
    /// # Errors
    /// Everything that is wrong with it, with the entry, the key and what is allowed.
    pub fn parse(name: &str, text: &str) -> Result<Self, SetError> {
        let set = Self::build(name, Arc::new(File::read(name, text)?), |_| true)?;
        if set.schema.inputs().next().is_none() {
            let text = "no feature is in a group with models = true; models need inputs".to_owned();
            return Err(SetError { file: name.to_owned(), problems: vec![SetProblem { entry: String::new(), text }] });
        }
        Ok(set)
    }

    /// The set that comes with the program.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the text is part of the program, and a test reads it")]
    pub fn built_in() -> Arc<Self> {
        static SET: LazyLock<Arc<FeatureSet>> = LazyLock::new(|| {
            Arc::new(FeatureSet::parse("the built-in features.toml", BUILT_IN).expect("the built-in set is sound"))
        });
        Arc::clone(&SET)
    }

    /// The same set without what models do not see: enough for training, and quicker.
    ///
    /// # Errors
    /// When the set has no feature for models.
    pub fn for_training(&self) -> Result<Self, SetError> {
        Self::build(FILE_NAME, Arc::clone(&self.file), |group| group.models)
    }

    fn build(name: &str, file: Arc<File>, keep: impl Fn(&Group) -> bool) -> Result<Self, SetError> {
        let mut problems = repeated(&file);
        problems.extend(broken_nodes(&file));
        if !problems.is_empty() {
            return Err(SetError { file: name.to_owned(), problems });
        }
        let mut builder = Builder::new();
        let mut resolver = Resolver::new(file.nodes.iter().chain(&file.features));
        let mut columns = Vec::new();
        let mut features = Vec::new();
        for entry in &file.features {
            let group = entry.group.as_ref().and_then(|name| file.groups.get_key_value(name));
            let Some((group_name, group)) = group.filter(|(_, group)| keep(group)) else { continue };
            let mut complain = |text| problems.push(SetProblem { entry: format!("feature '{}'", entry.name), text });
            let slot = match resolver.slot(&mut builder, &entry.name) {
                Ok(slot) => slot,
                Err(text) => {
                    complain(text);
                    continue;
                }
            };
            let Some(value) = builder.slot(slot) else { continue };
            let Some(settled) = value.settled else {
                complain(format!("{} depends on where history begins; take its change, zscore or rank", value.formula));
                continue;
            };
            if group.required && value.filled > MOST_WARM_UP_HOURS {
                complain(format!(
                    "it needs {} bars before its first value; in a required group at most {MOST_WARM_UP_HOURS} are allowed",
                    value.filled
                ));
            }
            if group.required && value.pass > 0 {
                complain(
                    "it looks at all pairs, which may be absent; put it into a group with required = false".to_owned(),
                );
            }
            columns.push(Column {
                name: entry.name.clone(),
                group: group_name.clone(),
                required: group.required,
                model: group.models,
                formula: value.formula.clone(),
            });
            features.push(Feature {
                words: entry.in_words(),
                filled: value.filled,
                settled: settled.max(value.filled),
                universal: value.pass > 0,
                source: Source::Slot(slot),
            });
        }
        add_presence(&mut columns, &mut features, &mut problems);
        if !problems.is_empty() {
            return Err(SetError { file: name.to_owned(), problems });
        }
        let levels = Levels::add(&mut builder)?;
        let groups = file.groups.clone();
        let leader = file.leader.clone();
        let schema = Arc::new(Schema::new(columns));
        Ok(Self { schema, features, groups, leader, graph: builder.finish(), levels, file })
    }

    #[must_use]
    pub const fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The columns as people see them, in the order of the schema.
    pub fn features(&self) -> impl Iterator<Item = (&Column, &Feature)> {
        self.schema.columns().iter().zip(&self.features)
    }

    #[must_use]
    pub const fn groups(&self) -> &BTreeMap<String, Group> {
        &self.groups
    }

    /// The pair that the others are compared with.
    #[must_use]
    pub const fn leader(&self) -> &Pair {
        &self.leader
    }

    /// Values computed per pair and hour, columns of the hour included.
    #[must_use]
    pub fn values_per_pair(&self) -> usize {
        self.graph.slots.len()
    }

    /// Bars since the last hole before every required feature has a value: earlier there is no decision.
    #[must_use]
    pub fn warm_up(&self) -> usize {
        let required = self.features().filter(|(column, _)| column.required);
        required.map(|(_, feature)| feature.filled).max().unwrap_or(1)
    }

    /// Bars until every required feature agrees to 1e-6 with one that saw all of history.
    #[must_use]
    pub fn agreement(&self) -> usize {
        let required = self.features().filter(|(column, _)| column.required);
        required.map(|(_, feature)| feature.settled).max().unwrap_or(1)
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.features.iter().map(|feature| &feature.source)
    }
}

/// Names that are given twice, or that belong to a column of the hour.
fn repeated(file: &File) -> Vec<SetProblem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    let entries = file.nodes.iter().map(|e| ("node", e)).chain(file.features.iter().map(|e| ("feature", e)));
    for (kind, entry) in entries {
        let mut complain =
            |text: &str| problems.push(SetProblem { entry: format!("{kind} '{}'", entry.name), text: text.to_owned() });
        if FIELDS.contains(&entry.name.as_str()) {
            complain("this is the name of an input column; choose another");
        }
        if !seen.insert(entry.name.as_str()) {
            complain("this name is given twice, among the nodes and features; choose another");
        }
    }
    problems
}

/// Nodes that cannot be, whether or not a feature uses them.
fn broken_nodes(file: &File) -> Vec<SetProblem> {
    let mut builder = Builder::new();
    let mut resolver = Resolver::new(file.nodes.iter().chain(&file.features));
    let broken = |entry: &Entry| {
        let text = resolver.slot(&mut builder, &entry.name).err()?;
        Some(SetProblem { entry: format!("node '{}'", entry.name), text })
    };
    file.nodes.iter().filter_map(broken).collect()
}

/// Each group that may be absent gets a column that says whether it is there.
fn add_presence(columns: &mut Vec<Column>, features: &mut Vec<Feature>, problems: &mut Vec<SetProblem>) {
    let mut optional: Vec<String> = Vec::new();
    for column in columns.iter().filter(|c| !c.required) {
        if !optional.contains(&column.group) {
            optional.push(column.group.clone());
        }
    }
    for group in optional {
        let name = format!("has_{group}");
        let places: Vec<usize> = columns.iter().enumerate().filter(|(_, c)| c.group == group).map(|(i, _)| i).collect();
        let members: Vec<&str> = columns.iter().filter(|c| c.group == group).map(|c| c.name.as_str()).collect();
        let formula = format!("present({})", members.join(", "));
        if columns.iter().any(|c| c.name == name) {
            let text = format!("this name belongs to the column that says whether group '{group}' is there");
            problems.push(SetProblem { entry: format!("feature '{name}'"), text });
        }
        let members_of = || places.iter().filter_map(|i| features.get(*i));
        let universal = members_of().any(|f| f.universal);
        let settled = members_of().map(|f| f.settled).max().unwrap_or(1);
        let slots = members_of().filter_map(|f| match &f.source {
            Source::Slot(slot) => Some(*slot),
            Source::Presence(_) => None,
        });
        let source = Source::Presence(slots.collect());
        let words = format!("1 when every feature of the group '{group}' has a value, else 0");
        columns.push(Column { name, group, required: false, model: false, formula });
        features.push(Feature { words, filled: 1, settled, universal, source });
    }
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
