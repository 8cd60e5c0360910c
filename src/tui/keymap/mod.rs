//! The keymap as data: one table feeds dispatch, the hint line, the help overlay and the README.

mod chord;
mod table;

use std::fmt::Write as _;

pub use chord::{Chord, Keys};
pub use table::BINDINGS;

use super::screens::Screen;

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// On every screen, unless an overlay takes the keys.
    Global,
    Agents,
    Models,
    Logs,
    Orders,
    /// A question with buttons.
    Dialog,
    /// A question that wants a word typed.
    Typed,
    /// While a filter is written.
    Filter,
    /// The help overlay.
    Help,
    /// While indicators are chosen.
    Indicators,
    /// Above everything.
    Always,
}

impl Context {
    pub const ALL: [Self; 11] = [
        Self::Always,
        Self::Global,
        Self::Agents,
        Self::Models,
        Self::Logs,
        Self::Orders,
        Self::Dialog,
        Self::Typed,
        Self::Filter,
        Self::Help,
        Self::Indicators,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Global => "everywhere",
            Self::Agents => "agents",
            Self::Models => "models",
            Self::Logs => "logs",
            Self::Orders => "orders",
            Self::Dialog => "question",
            Self::Typed => "typed word",
            Self::Filter => "filter",
            Self::Help => "help",
            Self::Indicators => "choice of indicators",
        }
    }

    /// Whether characters without a binding are text.
    #[must_use]
    pub const fn takes_text(self) -> bool {
        matches!(self, Self::Typed | Self::Filter | Self::Help | Self::Indicators)
    }
}

/// What a binding may do to the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Changes what is shown.
    View,
    /// Changes what the system does, and can be undone.
    Acts,
    /// Asks before it acts.
    Asks,
}

impl Risk {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Acts => "acts",
            Self::Asks => "asks first",
        }
    }
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    NextPane,
    PreviousPane,
    Open,
    Close,
    Back,
    Interrupt,
    Help,
    Goto(Screen),
    Zoom,
    Filter,
    Sort,
    SortReverse,
    Freeze,
    Zone,
    NextPair,
    PreviousPair,
    ShorterBars,
    LongerBars,
    WiderCandles,
    NarrowerCandles,
    Indicators,
    Toggle,
    Analyze,
    Acknowledge,
    AcknowledgeAll,
    PauseAgent,
    RestartAgent,
    RollBack,
    PauseAll,
    Halt,
    ResumeTrading,
    Slower,
    Faster,
    Hold,
    Follow,
    Level,
    Account,
    Accept,
    Yes,
    NextChoice,
    PreviousChoice,
    Erase,
    EraseAll,
}

/// One row of the keymap.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    pub context: Context,
    pub keys: &'static [Keys],
    pub action: Action,
    pub text: &'static str,
    pub risk: Risk,
    /// Keys and word in the hint line; `None` leaves it to the help overlay.
    pub hint: Option<(&'static str, &'static str)>,
}

impl Binding {
    /// All its keys: `j, ↓`.
    #[must_use]
    pub fn keys_text(&self) -> String {
        self.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// What a key press means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Act(Action),
    /// First of two keys.
    Prefix,
    Text(char),
    Nothing,
}

/// Finds what `chord` means after `prefix` in the first of `contexts` that knows it.
#[must_use]
pub fn resolve(contexts: &[Context], prefix: Option<Chord>, chord: Chord) -> Meaning {
    for context in contexts {
        for binding in BINDINGS.iter().filter(|b| b.context == *context) {
            for keys in binding.keys {
                match (*keys, prefix) {
                    (Keys::One(one), None) if one == chord => return Meaning::Act(binding.action),
                    (Keys::Two(one, two), Some(before)) if one == before && two == chord => {
                        return Meaning::Act(binding.action);
                    }
                    (Keys::Two(one, _), None) if one == chord => return Meaning::Prefix,
                    _ => {}
                }
            }
        }
        if context.takes_text()
            && let Some(c) = chord.as_text()
        {
            return Meaning::Text(c);
        }
    }
    // A key that does not complete the prefix stands for itself.
    if prefix.is_some() { resolve(contexts, None, chord) } else { Meaning::Nothing }
}

/// Two bindings of one context with the same keys, or one key that is also the first of two.
#[must_use]
pub fn duplicates() -> Vec<String> {
    let clash = |a: &Keys, b: &Keys| match (a, b) {
        (Keys::One(x), Keys::One(y)) => x == y,
        (Keys::Two(x, y), Keys::Two(u, v)) => x == u && y == v,
        (Keys::One(x), Keys::Two(y, _)) | (Keys::Two(y, _), Keys::One(x)) => x == y,
    };
    let rows: Vec<(Context, &Keys, Action)> =
        BINDINGS.iter().flat_map(|b| b.keys.iter().map(move |k| (b.context, k, b.action))).collect();
    let mut found = Vec::new();
    for (i, (context, keys, action)) in rows.iter().enumerate() {
        for (other_context, other, other_action) in rows.iter().skip(i + 1) {
            let shared = context == other_context
                || (*context == Context::Global && !other_context.is_overlay())
                || (*other_context == Context::Global && !context.is_overlay());
            if shared && clash(keys, other) {
                found.push(format!("{keys} means {action:?} ({context:?}) and {other_action:?} ({other_context:?})"));
            }
        }
    }
    found
}

impl Context {
    const fn is_overlay(self) -> bool {
        matches!(self, Self::Dialog | Self::Typed | Self::Filter | Self::Help | Self::Indicators | Self::Always)
    }
}

/// The keymap as Markdown tables, for the README.
#[must_use]
pub fn keymap_markdown() -> String {
    let mut out = String::new();
    for context in Context::ALL {
        let mut rows = BINDINGS.iter().filter(|b| b.context == context).peekable();
        if rows.peek().is_none() {
            continue;
        }
        let _ = writeln!(out, "\n**{}**\n\n| keys | what it does | effect |\n|---|---|---|", context.as_str());
        for b in rows {
            let keys = b.keys.iter().map(|k| format!("`{k}`").replace('|', "\\|")).collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "| {keys} | {} | {} |", b.text, b.risk.as_str());
        }
    }
    out.trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings() {
        assert_eq!(duplicates(), Vec::<String>::new());
    }

    #[test]
    fn everything_that_asks_or_acts_says_so() {
        for b in BINDINGS {
            assert!(!b.text.is_empty() && !b.keys.is_empty(), "{b:?}");
            let guarded = matches!(
                b.action,
                Action::Halt
                    | Action::ResumeTrading
                    | Action::RestartAgent
                    | Action::RollBack
                    | Action::PauseAll
                    | Action::Back
            );
            assert_eq!(b.risk == Risk::Asks, guarded, "{b:?}");
        }
    }

    #[test]
    fn two_keys_make_one_action() {
        let chain = [Context::Always, Context::Global];
        let g = Chord::char('g');
        assert_eq!(resolve(&chain, None, g), Meaning::Prefix);
        assert_eq!(resolve(&chain, Some(g), g), Meaning::Act(Action::First));
        assert_eq!(resolve(&chain, Some(g), Chord::char('j')), Meaning::Act(Action::Down));
        assert_eq!(resolve(&chain, None, Chord::char('G')), Meaning::Act(Action::Last));
        assert_eq!(resolve(&chain, None, Chord::char('~')), Meaning::Nothing);
    }

    #[test]
    fn text_contexts_take_letters_but_not_their_own_keys() {
        let filter = [Context::Always, Context::Filter];
        assert_eq!(resolve(&filter, None, Chord::char('q')), Meaning::Text('q'));
        assert_eq!(resolve(&filter, None, Chord::char('!')), Meaning::Text('!'));
        assert_eq!(resolve(&filter, None, Chord::ctrl('c')), Meaning::Act(Action::Interrupt));
        assert_eq!(resolve(&[Context::Always, Context::Typed], None, Chord::char('!')), Meaning::Act(Action::Halt));
    }

    #[test]
    fn the_markdown_lists_every_binding() {
        let text = keymap_markdown();
        for b in BINDINGS {
            assert!(text.contains(b.text), "{}", b.text);
        }
        assert!(text.contains("| `g g` `Home` |"), "{text}");
    }
}
