//! Keys as the table names them and as the terminal reports them.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// One key with its modifiers; Shift is folded into the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chord {
    code: KeyCode,
    ctrl: bool,
}

/// One key, or two in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    One(Chord),
    Two(Chord, Chord),
}

impl Chord {
    #[must_use]
    pub const fn key(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    #[must_use]
    pub const fn char(c: char) -> Self {
        Self::key(KeyCode::Char(c))
    }

    #[must_use]
    pub const fn ctrl(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: true }
    }

    /// The chord of a key event; `None` for anything but a press, and for chords with Alt or Super, which mean nothing here.
    #[must_use]
    pub fn of(event: &KeyEvent) -> Option<Self> {
        let KeyEvent { code, modifiers, kind, .. } = *event;
        let foreign = KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META | KeyModifiers::HYPER;
        if kind != KeyEventKind::Press || modifiers.intersects(foreign) {
            return None;
        }
        let shift = modifiers.contains(KeyModifiers::SHIFT);
        let ctrl = modifiers.contains(KeyModifiers::CONTROL);
        let code = match code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            KeyCode::Char(c) if shift => KeyCode::Char(c.to_ascii_uppercase()),
            KeyCode::Tab if shift => KeyCode::BackTab,
            code => code,
        };
        Some(Self { code, ctrl })
    }

    /// The character that this key types, if it types one.
    #[must_use]
    pub const fn as_text(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl => Some(c),
            _ => None,
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            code => write!(f, "{code:?}"),
        }
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(chord) => write!(f, "{chord}"),
            Self::Two(first, second) => write!(f, "{first} {second}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_presses_count_and_shift_is_folded() {
        let event = |code, modifiers, kind| KeyEvent::new_with_kind(code, modifiers, kind);
        let press = KeyEventKind::Press;
        let g = KeyCode::Char('g');
        assert_eq!(Chord::of(&event(g, KeyModifiers::SHIFT, press)), Some(Chord::char('G')));
        assert_eq!(Chord::of(&event(KeyCode::Char('G'), KeyModifiers::SHIFT, press)), Some(Chord::char('G')));
        assert_eq!(Chord::of(&event(KeyCode::Tab, KeyModifiers::SHIFT, press)), Some(Chord::key(KeyCode::BackTab)));
        assert_eq!(Chord::of(&event(KeyCode::BackTab, KeyModifiers::SHIFT, press)), Some(Chord::key(KeyCode::BackTab)));
        assert_eq!(Chord::of(&event(KeyCode::Char('C'), KeyModifiers::CONTROL, press)), Some(Chord::ctrl('c')));
        for kind in [KeyEventKind::Release, KeyEventKind::Repeat] {
            assert_eq!(Chord::of(&event(g, KeyModifiers::NONE, kind)), None);
        }
        assert_eq!(Chord::of(&event(g, KeyModifiers::ALT, press)), None);
    }

    #[test]
    fn names_are_those_on_the_keyboard() {
        let shown = [Chord::char(' '), Chord::ctrl('c'), Chord::key(KeyCode::PageUp), Chord::key(KeyCode::Enter)];
        assert_eq!(shown.map(|c| c.to_string()), ["Space", "Ctrl-c", "PgUp", "Enter"]);
        assert_eq!(Keys::Two(Chord::char('g'), Chord::char('g')).to_string(), "g g");
    }
}
