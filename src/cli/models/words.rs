//! Values as a person reads them.

use color_eyre::eyre::WrapErr;
use serde_json::Value;

use super::Answer;
use crate::cli::page::count;
use crate::domain::UtcMs;
use crate::store::RegistryEntry;

/// Milliseconds from which a number under a name of time is an instant: 2001.
const AN_INSTANT: i64 = 1_000_000_000_000;

pub(super) fn json(value: &impl serde::Serialize) -> Answer {
    serde_json::to_string_pretty(value).wrap_err("the answer has no JSON form")
}

pub(super) fn how_many(versions: usize) -> String {
    if versions == 1 { "1 version".to_owned() } else { format!("{versions} versions") }
}

/// One version a line, with its horizon and size.
pub(super) fn versions(entries: &[RegistryEntry]) -> String {
    let line = |e: &RegistryEntry| format!("  {:>5}  {}  {}", e.horizon, e.version, bytes(e.bytes));
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A number with four digits that count, and no more behind the point than say something.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 1e4 => count_signed(value),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.3}"),
        size if size >= 1e-4 => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}

fn count_signed(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    if value.abs() < 1e15 { format!("{sign}{}", count(value.abs().round() as u64)) } else { format!("{value:.3e}") }
}

/// Any value under any name, on one line. Names that end as those of instants do are read as such.
pub(super) fn value(key: &str, value: &Value) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let is_time = ["_at", "_from", "_to", "_until"].iter().any(|end| last.ends_with(end));
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => plain(text),
        Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
            (Some(ms), _, _) if is_time && ms >= AN_INSTANT => UtcMs(ms).minute(),
            (_, Some(whole), _) if last == "seed" => whole.to_string(),
            (_, Some(whole), _) => count(whole),
            (_, _, Some(float)) => number(float),
            _ => n.to_string(),
        },
        Value::Array(items) => items.iter().map(|item| self::value(last, item)).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let field = |(key, inner): (&String, &Value)| format!("{} {}", plain(key), self::value(key, inner));
            fields.iter().map(field).collect::<Vec<_>>().join(" ")
        }
    }
}

/// A text of a file, without what would move the cursor or change colours.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Words in lines of at most `width`, each after the first behind `indent` spaces.
pub(super) fn wrapped(words: &[String], width: usize, indent: usize) -> String {
    let mut text = String::new();
    let mut used = 0;
    for (place, word) in words.iter().enumerate() {
        let length = word.chars().count();
        if place > 0 {
            let breaks = used + 1 + length > width;
            text.push_str(&if breaks { format!("\n{:indent$}", "") } else { " ".to_owned() });
            used = if breaks { 0 } else { used + 1 };
        }
        text.push_str(word);
        used += length;
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_instants() {
        for (key, given, words) in [
            ("rows", json!(45300), "45,300"),
            ("n_eff", json!(5297.587), "5297.6"),
            ("brier", json!(0.232691), "0.2327"),
            ("auc", json!(1e-9), "1.000e-9"),
            ("net", json!(-123_456.7), "-123,457"),
            ("trained_at", json!(1_719_792_000_000_i64), "2024-07-01 00:00"),
            ("warm_from", json!(7), "7"),
            ("seed", json!(20_240_701), "20240701"),
            ("new", json!({ "a": [1, true], "b": null }), "a 1, yes b –"),
            ("name", json!("a\u{1b}[31mb"), "a [31mb"),
        ] {
            assert_eq!(value(key, &given), words, "{key}");
        }
        assert_eq!(
            (count(0), count(999), count(1_000_000)),
            ("0".to_owned(), "999".to_owned(), "1,000,000".to_owned())
        );
        assert_eq!((bytes(999), bytes(15_079), bytes(2_500_000)), ("999 B".into(), "15.1 kB".into(), "2.5 MB".into()));
    }

    #[test]
    fn words_stay_within_their_width() {
        let words: Vec<String> = ["one", "two", "three", "four"].iter().map(ToString::to_string).collect();
        assert_eq!(wrapped(&words, 9, 2), "one two\n  three\n  four");
        assert_eq!(wrapped(&words, 10, 2), "one two\n  three four");
        assert_eq!(wrapped(&[], 10, 2), "");
    }
}
