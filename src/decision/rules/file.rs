//! The file of strategies: `config/strategies.toml`.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Rules;
use super::compile::compile;
use crate::domain::{BarColumns, Interval, Pair};

/// Bar lengths that a strategy can have, as they are written.
const INTERVALS: [(&str, u32); 7] =
    [("1m", 1), ("5m", 5), ("15m", 15), ("30m", 30), ("1h", 60), ("4h", 240), ("1d", 1440)];

/// Which way a strategy bets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleSide {
    Long,
}

/// A strategy of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleStrategy {
    pub name: String,
    pub pairs: Vec<Pair>,
    pub interval: Interval,
    pub side: RuleSide,
    pub rules: Rules,
}

/// All strategies of a file, in its order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StrategyFile {
    pub strategies: Vec<RuleStrategy>,
}

/// A file of strategies that cannot be used, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrategyErrors {
    pub file: String,
    /// Each begins with the strategy it is about.
    pub problems: Vec<String>,
}

impl fmt::Display for StrategyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{}: {problem}", if number > 0 { "\n" } else { "" }, self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for StrategyErrors {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(default)]
    strategy: Vec<toml::Value>,
}

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    pairs: Vec<String>,
    interval: String,
    side: RuleSide,
    entry: String,
    exit: Option<String>,
    stop: Option<String>,
    target: Option<String>,
    size: f64,
    #[serde(default)]
    cooldown: u32,
}

impl StrategyFile {
    /// Name of the file in a home's `config/` folder.
    pub const NAME: &str = "strategies.toml";

    /// The strategies that come with the program.
    pub const BUILT_IN: &str = include_str!("../../../config/strategies.toml");

    /// Reads and checks a file; `file` is what errors call it. `columns` are asked once per strategy which names exist for its interval.
    ///
    /// # Errors
    /// Everything that is wrong, each with its strategy, key and column.
    pub fn parse<C: BarColumns>(
        file: &str,
        text: &str,
        mut columns: impl FnMut(Interval) -> C,
    ) -> Result<Self, StrategyErrors> {
        let failed = |problems: Vec<String>| StrategyErrors { file: file.to_owned(), problems };
        let whole: Whole =
            toml::from_str(text).map_err(|error| failed(vec![error.to_string().trim_end().to_owned()]))?;
        let mut problems = Vec::new();
        let mut strategies = Vec::new();
        let mut names = BTreeSet::new();
        for (number, value) in whole.strategy.into_iter().enumerate() {
            let name = value.get("name").and_then(toml::Value::as_str).map(str::to_owned);
            let whose = name.map_or_else(|| format!("strategy {}", number + 1), |name| format!("strategy \"{name}\""));
            let mut told = |text: &str| problems.push(format!("{whose}, {text}"));
            let entry: Entry = match value.try_into() {
                Ok(entry) => entry,
                Err(error) => {
                    told(error.to_string().trim_end());
                    continue;
                }
            };
            if !names.insert(entry.name.clone()) {
                told("key name: there is another strategy of this name");
            }
            strategies.extend(entry.check(&mut columns, &mut told));
        }
        if problems.is_empty() { Ok(Self { strategies }) } else { Err(failed(problems)) }
    }
}

impl Entry {
    fn check<C: BarColumns>(
        self,
        columns: &mut impl FnMut(Interval) -> C,
        told: &mut impl FnMut(&str),
    ) -> Option<RuleStrategy> {
        if self.name.trim().is_empty() {
            told("key name: it must not be empty");
        }
        if self.pairs.is_empty() {
            told("key pairs: at least one pair is needed");
        }
        let mut pairs = Vec::new();
        for pair in &self.pairs {
            match pair.parse::<Pair>() {
                Ok(pair) => pairs.push(pair),
                Err(error) => told(&format!("key pairs: {error}")),
            }
        }
        if !(self.size > 0.0 && self.size <= 1.0) {
            told(&format!("key size: {} is out of range; it must be above 0 and at most 1", self.size));
        }
        if self.exit.is_none() && self.stop.is_none() && self.target.is_none() {
            told("nothing ends a position: give exit, stop or target");
        }
        let known = INTERVALS.iter().find(|(name, _)| *name == self.interval);
        let Some((_, minutes)) = known else {
            let names: Vec<&str> = INTERVALS.iter().map(|(name, _)| *name).collect();
            told(&format!("key interval: '{}' is none of {}", self.interval, names.join(", ")));
            return None;
        };
        let interval = Interval(*minutes);
        let rules = Rules {
            entry: self.entry,
            exit: self.exit,
            stop: self.stop,
            target: self.target,
            size: self.size,
            cooldown: self.cooldown,
        };
        if let Err(errors) = compile(&rules, &mut columns(interval)) {
            errors.0.iter().for_each(|problem| told(&problem.to_string()));
        }
        Some(RuleStrategy { name: self.name, pairs, interval, side: self.side, rules })
    }
}
