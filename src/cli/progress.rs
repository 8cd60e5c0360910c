//! One line of progress on stderr: rewritten on a terminal, a new line elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use super::interrupt::Interrupt;
use crate::domain::snapshot::Progress;
use crate::ml::Watch;

/// Runs something long that tells how far it is and ends when Ctrl-C asks for it; the line is free again afterwards.
///
/// # Errors
/// When Ctrl-C cannot be listened for.
pub(super) fn watched<T>(task: impl FnOnce(Watch<'_>) -> T) -> Result<T, color_eyre::Report> {
    let interrupt = Interrupt::listen()?;
    let line = Mutex::new(ProgressLine::new(false));
    let own = || line.lock().unwrap_or_else(PoisonError::into_inner);
    let progress = |p: Progress| own().show(format!("{} {}/{}", p.label, p.done, p.total));
    let done = task(Watch { progress: &progress, go_on: &|| !interrupt.asked() });
    own().clear();
    Ok(done)
}

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
