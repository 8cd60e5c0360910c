//! The name that was probably meant.

use crate::domain::spelling::edits;

/// ` (did you mean 'rsi'?)`, or nothing when no name is near.
#[must_use]
pub fn hint<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let nearest = names.into_iter().map(|name| (edits(word, name), name)).min();
    match nearest {
        Some((far, name)) if far <= word.chars().count().div_ceil(3) => format!(" (did you mean '{name}'?)"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_unless_all_are_far() {
        assert_eq!(hint("perod", ["period", "multiple"]), " (did you mean 'period'?)");
        assert_eq!(hint("xyz", ["period", "multiple"]), "");
    }
}
