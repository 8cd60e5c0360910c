//! What broken answers and frames look like.

use serde_json::{Value, json};

use super::{Fault, Kind};
use crate::simulator::protocol::SimNs;

/// The error text of a kind; `None` for kinds that are no API error.
#[must_use]
pub fn error_text(fault: &Fault, now: SimNs) -> Option<String> {
    Some(match fault.kind {
        Kind::ServiceUnavailable => "EService:Unavailable".to_owned(),
        Kind::Busy => "EService:Busy".to_owned(),
        Kind::InternalError => "EGeneral:Internal error".to_owned(),
        Kind::NonceError => "EAPI:Invalid nonce".to_owned(),
        Kind::RateLimit => "EAPI:Rate limit exceeded".to_owned(),
        Kind::Throttled => format!("EService:Throttled:{}", now.plus_ms(fault.span_ms(5)).seconds()),
        Kind::EngineLimit => "EOrder:Rate limit exceeded".to_owned(),
        Kind::Lockout => "EGeneral:Temporary lockout".to_owned(),
        _ => return None,
    })
}

/// The page that a gateway shows.
#[must_use]
pub fn gateway_page(status: u16) -> String {
    let reason = match status {
        502 => "Bad gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway time-out",
        520 => "Web server is returning an unknown error",
        522 => "Connection timed out",
        525 => "SSL handshake failed",
        _ => "Error",
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head><title>{status}: {reason}</title></head>\n<body><h1>Error {status}</h1>\
         <p>{reason}</p></body>\n</html>\n"
    )
}

/// Puts `value` (or `true`) where the result was.
#[must_use]
pub fn wrong_type(body: &str, value: Option<&Value>) -> String {
    edit(body, |v| {
        if let Some(slot) = v.get_mut("result") {
            *slot = value.cloned().unwrap_or(Value::Bool(true));
        }
    })
}

/// Cuts `last` of a Trades answer to ten digits.
#[must_use]
pub fn cut_last(body: &str) -> String {
    edit(body, |v| {
        if let Some(Value::String(last)) = v.pointer_mut("/result/last") {
            last.truncate(10);
        }
    })
}

/// Takes a row out of the middle of an OHLC answer.
#[must_use]
pub fn cut_ohlc(body: &str) -> String {
    edit(body, |v| {
        let result = v.get_mut("result").and_then(Value::as_object_mut);
        let rows =
            result.and_then(|r| r.iter_mut().find(|(k, _)| *k != "last")).and_then(|(_, rows)| rows.as_array_mut());
        if let Some(rows) = rows.filter(|rows| rows.len() > 2) {
            rows.remove(rows.len() / 2);
        }
    })
}

/// Changes the first checksum of a book frame.
#[must_use]
pub fn wrong_checksum(frame: &str) -> String {
    edit(frame, |v| {
        if let Some(sum) = v.pointer_mut("/data/0/checksum") {
            *sum = json!(sum.as_u64().unwrap_or(0) ^ 1);
        }
    })
}

/// Adds fields that nobody knows, at the top and in every row.
#[must_use]
pub fn extra_fields(text: &str) -> String {
    edit(text, |v| {
        let novelty = || json!({"a": [1, "two", null]});
        for_rows(v, &mut |row| drop(row.insert("novel_field".to_owned(), novelty())));
        if let Some(top) = v.as_object_mut() {
            top.insert("novel_field".to_owned(), novelty());
        }
    })
}

/// Puts a word nobody knows into one field of every row that has it.
#[must_use]
pub fn unknown_word(text: &str, field: &str, value: Option<&Value>) -> String {
    edit(text, |v| {
        let word = value.cloned().unwrap_or_else(|| json!("novel_word"));
        for_rows(v, &mut |row| {
            if let Some(slot) = row.get_mut(field) {
                *slot = word.clone();
            }
        });
    })
}

/// Takes `symbol` out of every row.
#[must_use]
pub fn without_symbol(text: &str) -> String {
    edit(text, |v| for_rows(v, &mut |row| drop(row.remove("symbol"))))
}

/// Objects of `data` (a list, or an object of lists) and of `result`.
fn for_rows(v: &mut Value, act: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    for name in ["data", "result"] {
        match v.get_mut(name) {
            Some(Value::Array(rows)) => rows.iter_mut().filter_map(Value::as_object_mut).for_each(&mut *act),
            Some(Value::Object(parts)) => {
                parts
                    .values_mut()
                    .filter_map(Value::as_array_mut)
                    .flatten()
                    .filter_map(Value::as_object_mut)
                    .for_each(&mut *act);
                parts.values_mut().filter_map(Value::as_object_mut).for_each(&mut *act);
                act(parts);
            }
            _ => {}
        }
    }
}

/// Names of fields that hold instants, in REST answers and frames.
const INSTANTS: [&str; 12] = [
    "timestamp",
    "time_in",
    "time_out",
    "opentm",
    "closetm",
    "starttm",
    "expiretm",
    "time",
    "unixtime",
    "currentTime",
    "triggerTime",
    "interval_begin",
];

/// Moves every instant in a text by `ms`.
#[must_use]
pub fn shift_times(text: &str, ms: i64) -> String {
    edit(text, |v| shift(v, ms))
}

fn shift(v: &mut Value, ms: i64) {
    match v {
        Value::Array(items) => items.iter_mut().for_each(|i| shift(i, ms)),
        Value::Object(fields) => {
            for (name, field) in fields {
                if INSTANTS.contains(&name.as_str()) {
                    shift_instant(field, ms);
                } else {
                    shift(field, ms);
                }
            }
        }
        _ => {}
    }
}

fn shift_instant(field: &mut Value, ms: i64) {
    match field {
        Value::String(text) => {
            let moved = text
                .parse::<jiff::Timestamp>()
                .ok()
                .and_then(|t| t.checked_add(jiff::SignedDuration::from_millis(ms)).ok());
            if let Some(t) = moved {
                let digits = text.split_once('.').map_or(0, |(_, f)| f.trim_end_matches('Z').len());
                *text = t
                    .strftime(match digits {
                        0 => "%Y-%m-%dT%H:%M:%SZ",
                        1..=6 => "%Y-%m-%dT%H:%M:%S%.6fZ",
                        _ => "%Y-%m-%dT%H:%M:%S%.9fZ",
                    })
                    .to_string();
            }
        }
        Value::Number(n) => {
            if let Some(s) = n.as_i64().filter(|s| *s != 0) {
                *field = json!(s.saturating_add(ms / 1_000));
            } else if let Some(s) = n.as_f64().filter(|s| *s != 0.0) {
                *field = json!(s + ms as f64 / 1_000.0);
            }
        }
        _ => {}
    }
}

/// Reads, edits, writes. What is not JSON stays as it is.
fn edit(text: &str, act: impl FnOnce(&mut Value)) -> String {
    serde_json::from_str::<Value>(text).map_or_else(
        |_| text.to_owned(),
        |mut v| {
            act(&mut v);
            v.to_string()
        },
    )
}
