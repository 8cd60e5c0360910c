//! What an operator should read, at a pace that can be read.

use std::collections::BTreeMap;

/// A kind of note is told at most this often.
const EVERY_MS: i64 = 10_000;

#[derive(Debug, Default)]
struct Told {
    at: Option<i64>,
    held_back: u64,
}

/// Holds back repeats of one kind and says how many.
#[derive(Debug, Default)]
pub(super) struct Notes {
    kinds: BTreeMap<&'static str, Told>,
    ready: Vec<String>,
}

impl Notes {
    /// Notes `text` unless its kind was told within the last ten seconds.
    pub fn say(&mut self, t: i64, kind: &'static str, text: impl FnOnce() -> String) {
        let told = self.kinds.entry(kind).or_default();
        if told.at.is_some_and(|at| t.saturating_sub(at) < EVERY_MS) {
            told.held_back = told.held_back.saturating_add(1);
            return;
        }
        let mut text = text();
        if told.held_back > 0 {
            text.push_str(&format!(" (and {} more like it since the last note)", told.held_back));
        }
        *told = Told { at: Some(t), held_back: 0 };
        self.ready.push(text);
    }

    /// The notes to tell now.
    pub fn take(&mut self) -> std::vec::Drain<'_, String> {
        self.ready.drain(..)
    }

    pub fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_counted_not_told() {
        let mut notes = Notes::default();
        for t in [0, 1, 9_999, 10_000, 10_001] {
            notes.say(t, "bad frame", || format!("bad frame at {t}"));
        }
        notes.say(10_001, "other", || "other".to_owned());
        let told: Vec<String> = notes.take().collect();
        assert_eq!(told, ["bad frame at 0", "bad frame at 10000 (and 2 more like it since the last note)", "other"]);
        assert!(notes.is_empty());
    }
}
