//! HTML pages that stand alone: no script, nothing to load, light and dark, for screen and paper.
//!
//! Serves the commands that write a report. Whatever becomes an [`Html`] is escaped, and every tag that is opened is closed.

pub(in crate::cli) mod curves;
pub(in crate::cli) mod plots;
mod write;

pub(in crate::cli) use write::write_whole;

use crate::domain::time::UtcMs;

const STYLE: &str = include_str!("page.css");
/// Nothing may be loaded and no script may run, whatever a name on the page says.
const HEAD: &str = "<meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
<meta name=\"color-scheme\" content=\"light dark\">\
<meta name=\"referrer\" content=\"no-referrer\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">";

/// What stands for a value that is absent.
const ABSENT: &str = "–";
/// The minus sign; a hyphen is shorter than a digit.
const MINUS: &str = "−";
/// A space at which no line ends.
const NO_BREAK: char = '\u{a0}';

/// A piece of a page that is safe to put into it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct Html(String);

impl Html {
    /// A text, with everything in it that a browser would read as more than a text made harmless.
    pub(in crate::cli) fn text(words: &str) -> Self {
        Self(escaped(words))
    }

    /// Words of this program that are markup already.
    pub(in crate::cli) fn fixed(markup: &'static str) -> Self {
        Self(markup.to_owned())
    }

    pub(in crate::cli) fn into_string(self) -> String {
        self.0
    }
}

impl FromIterator<Self> for Html {
    fn from_iter<I: IntoIterator<Item = Self>>(pieces: I) -> Self {
        Self(pieces.into_iter().map(|piece| piece.0).collect())
    }
}

fn escaped(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // No control character has a place in HTML, and those that turn the direction of writing would disguise what follows.
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// An element with attributes and content.
pub(in crate::cli) fn element(
    name: &'static str,
    attributes: &[(&'static str, &str)],
    content: impl IntoIterator<Item = Html>,
) -> Html {
    let set: String = attributes.iter().map(|(key, value)| format!(" {key}=\"{}\"", escaped(value))).collect();
    let content: Html = content.into_iter().collect();
    Html(format!("<{name}{set}>{}</{name}>", content.0))
}

/// An element that holds one text.
pub(in crate::cli) fn holding(name: &'static str, words: &str) -> Html {
    element(name, &[], [Html::text(words)])
}

pub(in crate::cli) fn paragraph(words: &str) -> Html {
    holding("p", words)
}

/// A paragraph that says why something is not there, or how to read what is.
pub(in crate::cli) fn note(words: &str) -> Html {
    element("p", &[("class", "note")], [Html::text(words)])
}

/// Part of a section under its own heading.
pub(in crate::cli) fn part(title: &str, content: impl IntoIterator<Item = Html>) -> Html {
    element("section", &[("class", "part")], std::iter::once(holding("h3", title)).chain(content))
}

/// What is folded until somebody opens it.
pub(in crate::cli) fn folded(summary: &str, content: Html) -> Html {
    element("details", &[], [holding("summary", summary), content])
}

/// Names beside their values.
pub(in crate::cli) fn facts(list: &[(&str, String)]) -> Html {
    let one = |(name, value): &(&str, String)| element("div", &[], [holding("dt", name), holding("dd", value)]);
    element("dl", &[("class", "facts")], list.iter().map(one))
}

/// How the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Column {
    Words,
    Number,
}

impl Column {
    const fn class(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Number => "number",
        }
    }
}

/// Rows under a head; the first cell of a row names it.
pub(in crate::cli) fn table(caption: &str, head: &[(&str, Column)], rows: impl IntoIterator<Item = Vec<Html>>) -> Html {
    let title = |(words, column): &(&str, Column)| {
        element("th", &[("scope", "col"), ("class", column.class())], [Html::text(words)])
    };
    let row = |cells: Vec<Html>| {
        // On a narrow screen the cells of a row stand below each other, each behind the title of its column.
        let cell = |(place, (content, (title, column))): (usize, (Html, &(&str, Column)))| match place {
            0 => element("th", &[("scope", "row"), ("class", column.class())], [content]),
            _ => element("td", &[("class", column.class()), ("data-title", title)], [content]),
        };
        element("tr", &[], cells.into_iter().zip(head).enumerate().map(cell))
    };
    let body = element("tbody", &[], rows.into_iter().map(row));
    let head = element("thead", &[], [element("tr", &[], head.iter().map(title))]);
    let whole = element("table", &[], [holding("caption", caption), head, body]);
    element("div", &[("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption)], [whole])
}

/// How something came out; told by words first, and by colour besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Tone {
    Good,
    Bad,
    Plain,
}

pub(in crate::cli) fn toned(tone: Tone, words: &str) -> Html {
    let class = match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Plain => "plain",
    };
    element("span", &[("class", class)], [Html::text(words)])
}

/// A value above a smaller line about it.
pub(in crate::cli) fn with_line(value: Html, line: &str) -> Html {
    [value, element("small", &[], [Html::text(line)])].into_iter().collect()
}

/// `12345` as `12,345`.
pub(in crate::cli) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with so many decimals; a dash when it is none.
pub(in crate::cli) fn decimals(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let digits = format!("{:.places$}", value.abs());
    let is_zero = digits.chars().all(|c| matches!(c, '0' | '.'));
    if value < 0.0 && !is_zero { format!("{MINUS}{digits}") } else { digits }
}

/// A score, with four decimals.
pub(in crate::cli) fn score(value: f64) -> String {
    decimals(value, 4)
}

/// A small or large value, such as a threshold of which only the size is known.
pub(in crate::cli) fn value(value: f64) -> String {
    match value.abs() {
        size if size >= 1e15 => format!("{value:.2e}"),
        size if size >= 1000.0 => effective(value),
        size if size >= 1e-3 || size == 0.0 => score(value).trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ if value.is_finite() => format!("{value:.1e}"),
        _ => ABSENT.to_owned(),
    }
}

/// An effective number: whole from 100 on.
pub(in crate::cli) fn effective(value: f64) -> String {
    if value.is_finite() && (100.0..1e15).contains(&value) { count(value.round() as u64) } else { decimals(value, 1) }
}

/// A share as a percentage.
pub(in crate::cli) fn percent(share: f64, places: usize) -> String {
    if share.is_finite() { format!("{}{NO_BREAK}%", decimals(share * 100.0, places)) } else { ABSENT.to_owned() }
}

/// The words of a value that may be absent.
pub(in crate::cli) fn maybe(value: Option<f64>, words: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| ABSENT.to_owned(), words)
}

pub(in crate::cli) fn instant(at: UtcMs) -> String {
    format!("{} UTC", at.minute())
}

/// The whole page.
pub(in crate::cli) fn document(title: &str, main: impl IntoIterator<Item = Html>, foot: &str) -> String {
    let body = element("body", &[], [element("main", &[], main), element("footer", &[], [Html::text(foot)])]);
    let title = element("title", &[], [Html::text(&format!("{title} · CryptoSmartTrader"))]);
    let head = element("head", &[], [Html::fixed(HEAD), title, element("style", &[], [Html::fixed(STYLE)])]);
    let html = element("html", &[("lang", "en")], [head, Html::fixed("\n"), body]);
    format!("<!DOCTYPE html>\n{}\n", html.into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_is_escaped() {
        assert_eq!(escaped("<b a='1'>&\"\u{1b}[2J\u{202e}x"), "&lt;b a=&#39;1&#39;&gt;&amp;&quot; [2J x");
        let link = element("a", &[("href", "\"><script>")], [Html::text("</a>")]);
        assert_eq!(link.into_string(), "<a href=\"&quot;&gt;&lt;script&gt;\">&lt;/a&gt;</a>");
    }

    #[test]
    fn numbers() {
        for (text, expected) in [
            (count(0), "0"),
            (count(1_234_567), "1,234,567"),
            (score(0.23156), "0.2316"),
            (score(-0.00001), "0.0000"),
            (decimals(-1.25, 1), "−1.2"),
            (score(f64::NAN), "–"),
            (effective(3066.7), "3,067"),
            (effective(4.5), "4.5"),
            (effective(f64::INFINITY), "–"),
            (percent(0.8149, 1), "81.5\u{a0}%"),
            (percent(f64::NAN, 1), "–"),
            (value(0.0), "0"),
            (value(0.0001), "1.0e-4"),
            (value(0.55), "0.55"),
            (value(12_345.6), "12,346"),
            (value(f64::NAN), "–"),
            (maybe(None, score), "–"),
            (instant(UtcMs(0)), "1970-01-01 00:00 UTC"),
        ] {
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_row_has_no_more_cells_than_the_head() {
        let cells = vec![Html::text("a"), Html::text("b"), Html::text("c")];
        let text = table("t", &[("x", Column::Words), ("y", Column::Number)], [cells]).into_string();
        assert!(
            text.contains("<th scope=\"row\" class=\"words\">a</th><td class=\"number\" data-title=\"y\">b</td></tr>"),
            "{text}"
        );
    }
}
