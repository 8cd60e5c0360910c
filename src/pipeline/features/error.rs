//! What is wrong with a feature set, said so that it can be put right at once.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetProblem {
    /// `feature 'rsi14'`; empty when the whole file is meant.
    pub entry: String,
    /// What is wrong, what is allowed and what was probably meant.
    pub text: String,
}

/// A feature set that cannot be used, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetError {
    pub file: String,
    pub problems: Vec<SetProblem>,
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the feature set in '{}' cannot be used:", self.file)?;
        for SetProblem { entry, text } in &self.problems {
            let colon = if entry.is_empty() { "" } else { ": " };
            write!(f, "\n  {entry}{colon}{text}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SetError {}
