//! An expression cut into tokens.

use std::ops::Range;

use super::problem::RuleProblem;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    Name(&'a str),
    Sign(&'static str),
    End,
}

/// Signs, longer ones first.
const SIGNS: [&str; 18] =
    ["&&", "||", "<=", ">=", "==", "!=", "<", ">", "!", "+", "-", "*", "/", "(", ")", "[", "]", ","];
/// What other languages write, and what is written here.
const FOREIGN: [(&str, &str); 8] =
    [("&", "&&"), ("|", "||"), ("=", "=="), ("and", "&&"), ("or", "||"), ("not", "!"), ("AND", "&&"), ("OR", "||")];

/// The tokens of `text` and their bytes; the last one is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, Range<usize>)>, RuleProblem> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
            continue;
        }
        let (token, length) = next(rest, at)?;
        found.push((token, at..at + length));
        at += length;
    }
    found.push((Token::End, text.len()..text.len()));
    Ok(found)
}

fn next(rest: &str, at: usize) -> Result<(Token<'_>, usize), RuleProblem> {
    let first = rest.chars().next().unwrap_or_default();
    if first.is_ascii_digit() || first == '.' {
        let length = number_length(rest);
        let text = rest.get(..length).unwrap_or_default();
        return match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok((Token::Number(value), length)),
            _ => Err(RuleProblem::new(at..at + length.max(1), format!("'{text}' is no number"))),
        };
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let length = name_length(rest);
        let name = rest.get(..length).unwrap_or_default();
        return match instead(name) {
            Some(sign) => Err(RuleProblem::new(at..at + length, format!("write '{sign}'"))),
            None => Ok((Token::Name(name), length)),
        };
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    let text = instead(rest.get(..first.len_utf8()).unwrap_or_default())
        .map_or_else(|| format!("'{first}' has no meaning here"), |sign| format!("write '{sign}'"));
    Err(RuleProblem::new(at..at + first.len_utf8(), text))
}

fn instead(word: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(foreign, _)| *foreign == word).map(|(_, sign)| *sign)
}

/// Digits and a point, then perhaps an exponent.
fn number_length(rest: &str) -> usize {
    let plain = |text: &str| text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let length = plain(rest);
    let Some(tail) = rest.get(length..).and_then(|tail| tail.strip_prefix(['e', 'E'])) else { return length };
    let signed = tail.strip_prefix(['+', '-']).unwrap_or(tail);
    let digits = signed.find(|c: char| !c.is_ascii_digit()).unwrap_or(signed.len());
    if digits == 0 { length } else { length + 1 + (tail.len() - signed.len()) + digits }
}

/// Letters, digits and `_`; a point only between digits, as in `bb_upper_20_2.5`.
fn name_length(rest: &str) -> usize {
    let mut before = ' ';
    let mut marks = rest.char_indices().peekable();
    while let Some((at, mark)) = marks.next() {
        let after = marks.peek().map_or(' ', |(_, mark)| *mark);
        let point = mark == '.' && before.is_ascii_digit() && after.is_ascii_digit();
        if !(mark.is_ascii_alphanumeric() || mark == '_' || point) {
            return at;
        }
        before = mark;
    }
    rest.len()
}
