//! One line of progress on stderr: rewritten on a terminal, a new line elsewhere.

use std::io::{IsTerminal, Write};

/// Tells how far something is. Progress is a courtesy: a closed stderr stops nothing.
#[derive(Debug)]
pub(super) struct ProgressLine {
    last: String,
    terminal: bool,
    quiet: bool,
}

impl ProgressLine {
    /// Says nothing when `quiet`.
    pub(super) fn new(quiet: bool) -> Self {
        Self { last: String::new(), terminal: std::io::stderr().is_terminal(), quiet }
    }

    pub(super) fn show(&mut self, line: String) {
        if self.quiet || self.last == line {
            return;
        }
        let end = if self.terminal { "\r" } else { "\n" };
        let _ = write!(std::io::stderr().lock(), "{line:<78}{end}");
        self.last = line;
    }

    /// Leaves the line free for what comes next.
    pub(super) fn clear(&mut self) {
        if self.terminal && !self.last.is_empty() {
            let _ = write!(std::io::stderr().lock(), "{:<78}\r", "");
        }
        self.last.clear();
    }
}
