//! What is wrong with an expression, and where.

use std::fmt;
use std::ops::Range;

use crate::domain::spelling::edits;

/// One thing that is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// The bytes of the expression that are meant.
    pub at: Range<usize>,
    /// What is wrong.
    pub text: String,
    /// The name that was probably meant.
    pub near: Option<String>,
}

impl RuleProblem {
    pub(super) fn new(at: Range<usize>, text: impl Into<String>) -> Self {
        Self { at, text: text.into(), near: None }
    }

    /// An unknown word, with the nearest of the names that are known.
    pub(super) fn unknown(at: Range<usize>, word: &str, names: impl IntoIterator<Item = String>) -> Self {
        let nearest = names.into_iter().map(|name| (edits(word, &name), name)).min();
        let near = nearest.filter(|(far, _)| *far <= word.chars().count().div_ceil(3)).map(|(_, name)| name);
        Self { at, text: "unknown name".to_owned(), near }
    }

    /// Line and column of the first character that is meant, both from 1.
    #[must_use]
    pub fn position(&self, expression: &str) -> (usize, usize) {
        let before = expression.get(..self.at.start).unwrap_or(expression);
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }

    /// `column 10:`, then the line of the expression, then carets under what is meant with the words beside them.
    #[must_use]
    pub fn render(&self, expression: &str) -> String {
        let (line, column) = self.position(expression);
        let shown = expression.split('\n').nth(line - 1).unwrap_or_default();
        let place = if expression.contains('\n') {
            format!("line {line}, column {column}")
        } else {
            format!("column {column}")
        };
        let meant = expression.get(self.at.clone()).unwrap_or_default().split('\n').next().unwrap_or_default();
        let carets = "^".repeat(meant.chars().count().max(1));
        let near = self.near.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        let indent = " ".repeat(column - 1);
        format!("{place}:\n  {shown}\n  {indent}{carets} {}{near}", self.text)
    }
}

/// A problem with the key of the strategy whose expression it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProblem {
    /// `entry`, `exit`, `stop` or `target`.
    pub key: &'static str,
    pub expression: String,
    pub problem: RuleProblem,
}

impl fmt::Display for KeyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}, {}", self.key, self.problem.render(&self.expression))
    }
}

/// Rules that cannot be used, with everything that is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleErrors(pub Vec<KeyProblem>);

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if number > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}
