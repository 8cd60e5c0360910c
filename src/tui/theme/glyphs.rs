//! The plain form of every glyph that the console draws, for terminals without UTF-8.

/// Characters that take no cell and may reorder or hide what stands beside them.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// ASCII form of `c`; of the same width for all that stands in numbers, frames and charts.
pub(super) fn ascii(c: char) -> &'static str {
    match c {
        '▲' | '↑' => "^",
        '▼' | '↓' => "v",
        '→' | '▶' | '›' => ">",
        '◀' | '‹' | '←' => "<",
        '✓' => "+",
        '✗' | '×' => "x",
        '●' => "*",
        '◐' | '…' | '≈' | '╌' => "~",
        '○' => "o",
        '‖' => "=",
        '■' | '█' => "#",
        '░' | '·' | '┈' => ".",
        '–' | '—' | '─' | '−' => "-",
        '━' => "=",
        '│' | '╷' | '╵' => "|",
        '┃' | '╻' | '╹' | '╽' | '╿' | '┏' | '┓' | '┗' | '┛' => "#",
        '┌' | '┐' | '└' | '┘' | '├' | '┤' => "+",
        '║' => "O",
        '▁' => "_",
        '▂' => ".",
        '▃' => "-",
        '▄' => ":",
        '▅' => "=",
        '▆' => "+",
        '▇' => "*",
        '≥' => ">=",
        '≤' => "<=",
        '≠' => "!=",
        '±' => "+-",
        'σ' => "s",
        'α' => "a",
        '√' => "sqrt",
        '\u{2800}'..='\u{28ff}' => braille(c),
        c if c.is_ascii() => ascii_self(c),
        c => unknown(c),
    }
}

/// How full a braille cell is.
fn braille(c: char) -> &'static str {
    match (u32::from(c) & 0xff).count_ones() {
        0 => " ",
        1 | 2 => ".",
        3 | 4 => ":",
        _ => "#",
    }
}

/// A character without a plain form keeps its width.
fn unknown(c: char) -> &'static str {
    match unicode_width::UnicodeWidthChar::width(c) {
        Some(0) | None => "",
        Some(1) => "?",
        Some(_) => "??",
    }
}

/// ASCII stands for itself.
fn ascii_self(c: char) -> &'static str {
    const TABLE: &str =
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    let at = (c as usize).wrapping_sub(32);
    TABLE.get(at..=at).unwrap_or(" ")
}
