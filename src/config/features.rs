//! The home's own feature set: `config/features.toml`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::{Origin, Problem};
use crate::pipeline::FeatureSet;
use crate::pipeline::features::FILE_NAME;

/// The set in the home's `config/` folder and the file that it came from; `None` when the home has none.
///
/// # Errors
/// Everything that is wrong with the file.
pub(super) fn read(home: &Path) -> Result<Option<(FeatureSet, PathBuf)>, Vec<Problem>> {
    let path = home.join("config").join(FILE_NAME);
    let origin = || Origin::File { path: path.clone(), line: None };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let text =
                format!("the feature set cannot be read ({error}); check its permissions and that it is UTF-8 text");
            return Err(vec![Problem { origin: origin(), key: None, text }]);
        }
    };
    match FeatureSet::parse(&path.display().to_string(), &text) {
        Ok(set) => Ok(Some((set, path))),
        Err(error) => {
            let problem = |p: crate::pipeline::features::SetProblem| {
                let colon = if p.entry.is_empty() { "" } else { ": " };
                Problem { origin: origin(), key: None, text: format!("{}{colon}{}", p.entry, p.text) }
            };
            Err(error.problems.into_iter().map(problem).collect())
        }
    }
}
