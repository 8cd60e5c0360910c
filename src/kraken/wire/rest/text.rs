//! Odd habits of single values: zero for "unset", a number or a text for the same thing, `null` for an empty list.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::kraken::wire::Stamp;

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de str, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    Ok(raw.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(raw))
}

/// Seconds or a date; `0`, an empty text and `null` mean unset.
pub fn unset_or_stamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Stamp>, D::Error> {
    match token(deserializer)? {
        "" | "0" | "null" => Ok(None),
        text => Stamp::parse(text)
            .map(|at| (at.0 != 0).then_some(at))
            .ok_or_else(|| serde::de::Error::custom(format!("'{text}' is not an instant"))),
    }
}

/// A text; `null` and an empty one mean unset.
pub fn unset_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

/// A whole number, written as a number or as a text.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = token(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom(format!("'{text}' is not a whole number")))
}

/// A value; `null` means its default.
pub fn null_is_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

/// A list of texts, or one text alone.
pub fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    let list = if raw.starts_with('"') {
        serde_json::from_str(raw).map(|one: String| vec![one])
    } else {
        serde_json::from_str::<Option<Vec<String>>>(raw).map(Option::unwrap_or_default)
    };
    list.map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Odd {
        #[serde(deserialize_with = "unset_or_stamp", default)]
        at: Option<Stamp>,
        #[serde(deserialize_with = "one_or_many", default)]
        ids: Vec<String>,
        #[serde(deserialize_with = "whole", default)]
        n: u64,
    }

    #[test]
    fn each_habit_is_read() {
        let read = |json: &str| serde_json::from_str::<Odd>(json);
        let at = Some(Stamp(1_500_000_000));
        for (json, meant) in [
            (r#"{}"#, Odd { at: None, ids: vec![], n: 0 }),
            (r#"{"at":0,"ids":null,"n":"7"}"#, Odd { at: None, ids: vec![], n: 7 }),
            (r#"{"at":"0","ids":"A","n":7}"#, Odd { at: None, ids: vec!["A".to_owned()], n: 7 }),
            (r#"{"at":0.0,"ids":["A"]}"#, Odd { at: None, ids: vec!["A".to_owned()], n: 0 }),
            (r#"{"at":1.5}"#, Odd { at, ids: vec![], n: 0 }),
            (r#"{"at":"1970-01-01T00:00:01.5Z"}"#, Odd { at, ids: vec![], n: 0 }),
        ] {
            assert_eq!(read(json).expect(json), meant, "{json}");
        }
        for bad in [r#"{"at":"soon"}"#, r#"{"ids":7}"#, r#"{"n":-1}"#, r#"{"n":1.5}"#, r#"{"ids":[1]}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
