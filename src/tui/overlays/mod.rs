//! What takes all keys while it is open: questions, the help and the choice of indicators.

pub mod chooser;
pub mod dialog;
mod guard;
pub mod help;

pub use guard::{Guarded, Outgoing};

use ratatui::layout::Rect;

use self::chooser::Chooser;
use self::dialog::{Confirm, HaltChoice, Typed};
use self::help::Help;
use super::keymap::{Action, Context};
use super::paint::{Ink, Pen};

/// An open overlay.
#[derive(Debug)]
pub enum Overlay {
    Help(Help),
    Indicators(Chooser),
    Confirm(Confirm),
    Halt(HaltChoice),
    Typed(Typed),
}

/// What a key did to an overlay.
#[derive(Debug)]
pub enum Outcome {
    Stay,
    Close,
    /// These indicators are to be shown.
    Show(Vec<&'static str>),
    Send(Outgoing),
    /// Leave the console and stop the program.
    Leave,
}

impl Overlay {
    #[must_use]
    pub const fn context(&self) -> Context {
        match self {
            Self::Help(_) => Context::Help,
            Self::Indicators(_) => Context::Indicators,
            Self::Confirm(_) | Self::Halt(_) => Context::Dialog,
            Self::Typed(_) => Context::Typed,
        }
    }

    /// Carries out an action at monotonic time `mono`; consumes the overlay, and gives it back when it stays open.
    #[must_use]
    pub fn act(self, action: Action, mono: f64) -> (Option<Self>, Outcome) {
        if action == Action::Close {
            return (None, Outcome::Close);
        }
        match self {
            Self::Help(mut help) => {
                help.act(action);
                (Some(Self::Help(help)), Outcome::Stay)
            }
            Self::Indicators(mut chooser) => {
                let changed = chooser.act(action);
                let outcome = if changed { Outcome::Show(chooser.chosen.clone()) } else { Outcome::Stay };
                (Some(Self::Indicators(chooser)), outcome)
            }
            Self::Confirm(dialog) => dialog.act(action, mono),
            Self::Halt(dialog) => dialog.act(action, mono),
            Self::Typed(dialog) => dialog.act(action, mono),
        }
    }

    pub fn text(&mut self, c: char) {
        match self {
            Self::Help(help) => help.text(c),
            Self::Indicators(chooser) => chooser.text(c),
            Self::Typed(typed) => typed.text(c),
            Self::Confirm(_) | Self::Halt(_) => {}
        }
    }

    pub fn draw(&self, pen: &mut Pen<'_>) {
        match self {
            Self::Help(help) => help.draw(pen),
            Self::Indicators(chooser) => chooser.draw(pen),
            Self::Confirm(dialog) => dialog.draw(pen),
            Self::Halt(dialog) => dialog.draw(pen),
            Self::Typed(dialog) => dialog.draw(pen),
        }
    }
}

/// Draws a framed box in the middle, as large as its lines need and as the screen allows.
fn boxed(pen: &mut Pen<'_>, title: &str, lines: &[Ink]) {
    let area = pen.area();
    let wanted = lines.iter().map(Ink::width).max().unwrap_or(0).max(title.len() + 4) as u16 + 4;
    let width = wanted.min(area.width);
    let height = (lines.len() as u16 + 2).min(area.height);
    let at = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let mut part = pen.part(at);
    part.clear();
    let mut inside = part.frame(title, "", true);
    for (y, line) in lines.iter().enumerate() {
        inside.ink(1, y as u16, line.clone());
    }
}
