//! Questions before something happens: yes or no, a typed word, and the three scopes of a halt.

use super::guard::{Confirmation, Guarded};
use super::{Outcome, Overlay, boxed};
use crate::domain::command::HaltScope;
use crate::tui::keymap::Action;
use crate::tui::paint::{Ink, Pen, wrap};
use crate::tui::theme::Role;

/// A dialog takes no answer before this many ms: keys typed ahead were not meant for it.
pub const ARM_MS: f64 = 300.0;

/// Text width of a question.
const WIDTH: usize = 56;

/// What follows a yes.
#[derive(Debug)]
pub enum Then {
    Send(Guarded),
    Leave,
}

/// A question with Cancel (marked at first) and one verb.
#[derive(Debug)]
pub struct Confirm {
    pub title: String,
    pub text: String,
    pub verb: String,
    pub then: Then,
    /// The verb is marked, not Cancel.
    pub chosen: bool,
    pub opened: f64,
}

impl Confirm {
    pub(super) fn act(mut self, action: Action, mono: f64) -> (Option<Overlay>, Outcome) {
        let armed = mono - self.opened >= ARM_MS;
        match action {
            Action::NextChoice | Action::PreviousChoice => self.chosen = !self.chosen,
            Action::Accept | Action::Yes if armed => {
                if action == Action::Accept && !self.chosen {
                    return (None, Outcome::Close);
                }
                return match self.then {
                    Then::Send(guarded) => (None, Outcome::Send(guarded.confirmed(Confirmation::given()))),
                    Then::Leave => (None, Outcome::Leave),
                };
            }
            _ => {}
        }
        (Some(Overlay::Confirm(self)), Outcome::Stay)
    }

    pub(super) fn draw(&self, pen: &mut Pen<'_>) {
        let mut lines: Vec<Ink> = wrap(&self.text, WIDTH).into_iter().map(Ink::text).collect();
        lines.push(Ink::new());
        let button = |text: &str, marked: bool| {
            let role = if marked { Role::Selected } else { Role::Text };
            Ink::of(format!("{} {text} ", if marked { ">" } else { " " }), role)
        };
        let keys = format!("{} (Y)", self.verb);
        lines.push(button("Cancel", !self.chosen).add("   ", Role::Text).join(button(&keys, self.chosen)));
        boxed(pen, &self.title, &lines);
    }
}

/// The halt dialog: three scopes, the mildest marked.
#[derive(Debug)]
pub struct HaltChoice {
    pub choice: usize,
    /// What each scope would do now, in words.
    pub effects: [String; 3],
    pub opened: f64,
}

const SCOPES: [(HaltScope, &str); 3] = [
    (HaltScope::StopEntries, "Stop new entries"),
    (HaltScope::CancelWorking, "+ cancel working entry orders"),
    (HaltScope::Flatten, "+ flatten every position"),
];

impl HaltChoice {
    pub(super) fn act(mut self, action: Action, mono: f64) -> (Option<Overlay>, Outcome) {
        let armed = mono - self.opened >= ARM_MS;
        match action {
            Action::NextChoice => self.choice = (self.choice + 1).min(SCOPES.len() - 1),
            Action::PreviousChoice => self.choice = self.choice.saturating_sub(1),
            Action::Accept | Action::Yes if armed => {
                if let Some((scope, _)) = SCOPES.get(self.choice) {
                    return (None, Outcome::Send(Guarded::halt(*scope).confirmed(Confirmation::given())));
                }
            }
            _ => {}
        }
        (Some(Overlay::Halt(self)), Outcome::Stay)
    }

    pub(super) fn draw(&self, pen: &mut Pen<'_>) {
        let mut lines = Vec::new();
        for (i, ((_, name), effect)) in SCOPES.iter().zip(&self.effects).enumerate() {
            let marked = i == self.choice;
            let role = if marked { Role::Selected } else { Role::Strong };
            lines.push(Ink::of(format!("{} {name} ", if marked { ">" } else { " " }), role));
            lines.extend(wrap(effect, WIDTH - 4).into_iter().map(|l| Ink::muted(format!("    {l}"))));
        }
        lines.push(Ink::new());
        lines.push(Ink::text("arrows choose · enter halts · esc cancels"));
        lines.push(Ink::muted("Exits and protective orders go on in every case."));
        boxed(pen, "HALT", &lines);
    }
}

/// A question that wants a word typed.
#[derive(Debug)]
pub struct Typed {
    pub title: String,
    pub text: String,
    pub word: &'static str,
    pub typed: String,
    pub guarded: Guarded,
    pub opened: f64,
}

impl Typed {
    pub(super) fn act(mut self, action: Action, mono: f64) -> (Option<Overlay>, Outcome) {
        match action {
            Action::Erase => {
                self.typed.pop();
            }
            Action::Accept if self.typed == self.word && mono - self.opened >= ARM_MS => {
                return (None, Outcome::Send(self.guarded.confirmed(Confirmation::given())));
            }
            _ => {}
        }
        (Some(Overlay::Typed(self)), Outcome::Stay)
    }

    pub(super) fn text(&mut self, c: char) {
        if self.typed.chars().count() < 16 {
            self.typed.push(c);
        }
    }

    pub(super) fn draw(&self, pen: &mut Pen<'_>) {
        let mut lines: Vec<Ink> = wrap(&self.text, WIDTH).into_iter().map(Ink::text).collect();
        lines.push(Ink::new());
        lines.push(Ink::text("type ").add(self.word, Role::Strong).add(" and press enter · esc cancels", Role::Text));
        let role = if self.typed == self.word { Role::Good } else { Role::Warn };
        lines.push(Ink::text("> ").add(self.typed.clone(), role).add("_", Role::Muted));
        boxed(pen, &self.title, &lines);
    }
}
