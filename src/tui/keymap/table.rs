//! All bindings. Order within a context is the order of the help and of the hint line.

use crossterm::event::KeyCode;

use super::Action as A;
use super::Context as C;
use super::Risk::{Acts, Asks, View};
use super::{Binding, Chord, Keys, Risk};
use crate::tui::screens::Screen;

const fn c(c: char) -> Keys {
    Keys::One(Chord::char(c))
}

const fn k(code: KeyCode) -> Keys {
    Keys::One(Chord::key(code))
}

const fn ctrl(c: char) -> Keys {
    Keys::One(Chord::ctrl(c))
}

type Hint = Option<(&'static str, &'static str)>;

const fn row(context: C, keys: &'static [Keys], action: A, text: &'static str, risk: Risk, hint: Hint) -> Binding {
    Binding { context, keys, action, text, risk, hint }
}

const UP: Keys = k(KeyCode::Up);
const DOWN: Keys = k(KeyCode::Down);
const LEFT: Keys = k(KeyCode::Left);
const RIGHT: Keys = k(KeyCode::Right);
const TAB: Keys = k(KeyCode::Tab);
const BACK_TAB: Keys = k(KeyCode::BackTab);
const ENTER: Keys = k(KeyCode::Enter);
const ESC: Keys = k(KeyCode::Esc);
const BACKSPACE: Keys = k(KeyCode::Backspace);
const PG_UP: Keys = k(KeyCode::PageUp);
const PG_DN: Keys = k(KeyCode::PageDown);
const GG: Keys = Keys::Two(Chord::char('g'), Chord::char('g'));

/// The keymap.
pub static BINDINGS: &[Binding] = &[
    row(C::Always, &[ctrl('c')], A::Interrupt, "stop in order; twice within 2 s: leave at once", Acts, None),
    // What a focused pane adds.
    row(
        C::Agents,
        &[c(' ')],
        A::PauseAgent,
        "pause or resume the selected agent",
        Acts,
        Some(("space", "pause agent")),
    ),
    row(C::Agents, &[c('R')], A::RestartAgent, "restart the selected agent", Asks, Some(("R", "restart"))),
    row(C::Models, &[c('B')], A::RollBack, "put the model before this one back", Asks, Some(("B", "roll back"))),
    row(C::Logs, &[c('F')], A::Follow, "follow the newest record", View, Some(("F", "follow"))),
    row(C::Logs, &[c('L')], A::Level, "least severity shown", View, Some(("L", "level"))),
    row(
        C::Orders,
        &[c('m')],
        A::Account,
        "switch between the main and the shadow account",
        View,
        Some(("m", "account")),
    ),
    // Everywhere.
    row(C::Global, &[c('j'), DOWN], A::Down, "move down", View, Some(("j/k", "move"))),
    row(C::Global, &[c('k'), UP], A::Up, "move up", View, None),
    row(C::Global, &[TAB, c('l'), RIGHT], A::NextPane, "focus the next pane", View, Some(("tab", "pane"))),
    row(C::Global, &[BACK_TAB, c('h'), LEFT], A::PreviousPane, "focus the previous pane", View, None),
    row(C::Global, &[PG_DN, ctrl('d')], A::PageDown, "move down a page", View, None),
    row(C::Global, &[PG_UP, ctrl('u')], A::PageUp, "move up a page", View, None),
    row(C::Global, &[GG, k(KeyCode::Home)], A::First, "go to the first row", View, None),
    row(C::Global, &[c('G'), k(KeyCode::End)], A::Last, "go to the last row", View, None),
    row(C::Global, &[ENTER], A::Open, "open the details of the selected row", View, Some(("enter", "open"))),
    row(C::Global, &[ESC], A::Close, "go one level up; never quits", View, None),
    row(
        C::Global,
        &[c('/')],
        A::Filter,
        "filter the rows: words, !word, conf>.8, conf<.5",
        View,
        Some(("/", "filter")),
    ),
    row(C::Global, &[c('f')], A::Freeze, "freeze what is shown; data keep flowing behind", View, Some(("f", "freeze"))),
    row(C::Global, &[c('!')], A::Halt, "halt trading, in three scopes", Asks, Some(("!", "halt"))),
    row(C::Global, &[c('?')], A::Help, "all keys, searchable by typing", View, Some(("?", "help"))),
    row(C::Global, &[c('q')], A::Back, "go back; on a screen's top level, quit", Asks, Some(("q", "quit"))),
    row(C::Global, &[c('s')], A::Sort, "sort by the next column", View, Some(("s", "sort"))),
    row(C::Global, &[c('S')], A::SortReverse, "reverse the order", View, None),
    row(C::Global, &[c('z')], A::Zoom, "give the focused pane the whole screen", View, Some(("z", "zoom"))),
    row(C::Global, &[c('U')], A::ResumeTrading, "allow new entries again after a halt", Asks, None),
    row(C::Global, &[c('P')], A::PauseAll, "pause all agents, or resume them", Asks, None),
    row(C::Global, &[c('<')], A::Slower, "replay slower", Acts, Some(("< >", "speed"))),
    row(C::Global, &[c('>')], A::Faster, "replay faster", Acts, None),
    row(C::Global, &[c('.')], A::Hold, "hold or continue the replay", Acts, Some((".", "hold"))),
    row(
        C::Global,
        &[c('a')],
        A::Acknowledge,
        "acknowledge the selected alert, else the most severe",
        Acts,
        Some(("a", "ack")),
    ),
    row(C::Global, &[c('A')], A::AcknowledgeAll, "acknowledge all alerts", Acts, None),
    row(C::Global, &[c('n')], A::NextPair, "select the next pair", View, Some(("n/N", "pair"))),
    row(C::Global, &[c('N')], A::PreviousPair, "select the previous pair", View, None),
    row(C::Global, &[c('[')], A::ShorterBars, "shorter bars in the chart", View, Some(("[ ]", "bars"))),
    row(C::Global, &[c(']')], A::LongerBars, "longer bars in the chart", View, None),
    row(C::Global, &[c('+'), c('=')], A::WiderCandles, "zoom in: fewer bars, wider apart", View, Some(("+/-", "zoom"))),
    row(C::Global, &[c('-')], A::NarrowerCandles, "zoom out: more bars", View, None),
    row(C::Global, &[c('i')], A::Indicators, "choose the chart's indicators", View, Some(("i", "indicators"))),
    row(C::Global, &[c('x')], A::Analyze, "analyse the selected pair now", Acts, None),
    row(C::Global, &[c('T')], A::Zone, "show UTC or local time", View, None),
    row(C::Global, &[c('1')], A::Goto(Screen::Overview), "Overview", View, None),
    row(C::Global, &[c('2')], A::Goto(Screen::Market), "Market", View, None),
    row(C::Global, &[c('3')], A::Goto(Screen::Agents), "Agents", View, None),
    row(C::Global, &[c('4')], A::Goto(Screen::Decisions), "Decisions", View, None),
    row(C::Global, &[c('5')], A::Goto(Screen::Portfolio), "Portfolio", View, None),
    row(C::Global, &[c('6')], A::Goto(Screen::Models), "Models", View, None),
    row(C::Global, &[c('7')], A::Goto(Screen::Orders), "Orders", View, None),
    row(C::Global, &[c('8')], A::Goto(Screen::Health), "Health", View, None),
    row(C::Global, &[c('9')], A::Goto(Screen::Logs), "Logs", View, None),
    // Questions.
    row(C::Dialog, &[ENTER], A::Accept, "take the marked choice", View, Some(("enter", "take the marked choice"))),
    row(C::Dialog, &[c('Y')], A::Yes, "yes", View, None),
    row(C::Dialog, &[RIGHT, DOWN, TAB, c('l'), c('j')], A::NextChoice, "next choice", View, Some(("arrows", "choose"))),
    row(C::Dialog, &[LEFT, UP, BACK_TAB, c('h'), c('k')], A::PreviousChoice, "previous choice", View, None),
    row(C::Dialog, &[ESC, c('q'), c('n')], A::Close, "cancel", View, Some(("esc", "cancel"))),
    row(C::Dialog, &[c('!')], A::Halt, "halt trading instead", Asks, None),
    row(C::Typed, &[ENTER], A::Accept, "do it, once the word stands there", View, Some(("enter", "do it"))),
    row(C::Typed, &[BACKSPACE], A::Erase, "erase a letter", View, None),
    row(C::Typed, &[ESC], A::Close, "cancel", View, Some(("esc", "cancel"))),
    row(C::Typed, &[c('!')], A::Halt, "halt trading instead", Asks, None),
    row(C::Filter, &[ENTER], A::Accept, "keep the filter", View, Some(("enter", "keep"))),
    row(C::Filter, &[ESC], A::Close, "back to the filter from before", View, Some(("esc", "undo"))),
    row(C::Filter, &[BACKSPACE], A::Erase, "erase a letter", View, None),
    row(C::Filter, &[ctrl('u')], A::EraseAll, "erase everything", View, Some(("Ctrl-u", "clear"))),
    row(C::Help, &[ESC, ENTER], A::Close, "close", View, Some(("esc", "close"))),
    row(C::Help, &[BACKSPACE], A::Erase, "erase a letter of the search", View, None),
    row(C::Help, &[ctrl('u')], A::EraseAll, "erase the search", View, None),
    row(C::Help, &[DOWN], A::Down, "scroll down", View, Some(("↑ ↓", "scroll"))),
    row(C::Help, &[UP], A::Up, "scroll up", View, None),
    row(C::Help, &[PG_DN], A::PageDown, "scroll down a page", View, None),
    row(C::Help, &[PG_UP], A::PageUp, "scroll up a page", View, None),
    row(C::Help, &[c('!')], A::Halt, "halt trading instead", Asks, None),
    row(C::Indicators, &[c(' ')], A::Toggle, "take or leave the marked one", View, Some(("space", "take or leave"))),
    row(C::Indicators, &[ENTER, ESC], A::Close, "close", View, Some(("enter", "close"))),
    row(C::Indicators, &[DOWN], A::Down, "next", View, Some(("↑ ↓", "move"))),
    row(C::Indicators, &[UP], A::Up, "previous", View, None),
    row(C::Indicators, &[PG_DN], A::PageDown, "down a page", View, None),
    row(C::Indicators, &[PG_UP], A::PageUp, "up a page", View, None),
    row(C::Indicators, &[BACKSPACE], A::Erase, "erase a letter of the search", View, None),
    row(C::Indicators, &[ctrl('u')], A::EraseAll, "erase the search", View, Some(("Ctrl-u", "clear"))),
    row(C::Indicators, &[c('!')], A::Halt, "halt trading instead", Asks, None),
];
