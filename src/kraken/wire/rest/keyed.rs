//! Results that hold one pair's rows under the pair's name, beside `last`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::kraken::wire::Stamp;

/// Rows of one pair. The name is the pair id as a rule, the wsname at times: whatever stands there is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed<R> {
    pub key: String,
    pub rows: R,
    /// As it was written, without quotes.
    pub last: Option<String>,
}

impl<R> Keyed<R> {
    /// `last` as seconds.
    #[must_use]
    pub fn last_seconds(&self) -> Option<Stamp> {
        self.last.as_deref().and_then(Stamp::parse)
    }

    /// `last` as nanoseconds; `None` when malformed, as seen at times (fewer than 19 digits).
    #[must_use]
    pub fn last_ns(&self) -> Option<Stamp> {
        let digits = |t: &&str| t.len() == 19 && t.bytes().all(|b| b.is_ascii_digit());
        self.last.as_deref().filter(digits).and_then(|t| t.parse().ok()).map(Stamp)
    }
}

impl<'de, R: Deserialize<'de>> Deserialize<'de> for Keyed<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names<R>(PhantomData<R>);
        impl<'de, R: Deserialize<'de>> Visitor<'de> for Names<R> {
            type Value = Keyed<R>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the rows of one pair")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keyed<R>, A::Error> {
                let (mut found, mut last) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    if key == "last" {
                        let raw = map.next_value::<&RawValue>()?.get();
                        last = Some(raw.trim_matches('"').to_owned());
                    } else if found.is_none() {
                        found = Some((key, map.next_value()?));
                    } else {
                        return Err(A::Error::custom("rows of more than one pair"));
                    }
                }
                let (key, rows) = found.ok_or_else(|| A::Error::custom("no rows of a pair"))?;
                Ok(Keyed { key, rows, last })
            }
        }
        deserializer.deserialize_map(Names(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_key_that_is_not_last_names_the_pair() {
        let read = |json: &str| serde_json::from_str::<Keyed<Vec<u8>>>(json);
        for (json, key, last) in [
            (r#"{"XXBTZUSD":[1],"last":1762820160}"#, "XXBTZUSD", Some("1762820160")),
            (r#"{"last":"1762820035982277754","XBT/USD":[1]}"#, "XBT/USD", Some("1762820035982277754")),
            (r#"{"XBTUSD":[1]}"#, "XBTUSD", None),
        ] {
            let keyed = read(json).expect(json);
            assert_eq!((keyed.key.as_str(), keyed.last.as_deref(), keyed.rows), (key, last, vec![1]));
        }
        for bad in ["{}", r#"{"last":1}"#, r#"{"A":[1],"B":[2]}"#, "[]", r#"{"A":7}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_short_cursor_is_no_cursor() {
        let last = |text: &str| Keyed { key: String::new(), rows: (), last: Some(text.to_owned()) };
        assert_eq!(last("1762820035982277754").last_ns(), Some(Stamp(1_762_820_035_982_277_754)));
        for bad in ["1762820035", "17628200359822777", "", "null", "-762820035982277754", "1762820035.98227775"] {
            assert_eq!(last(bad).last_ns(), None, "{bad}");
        }
        assert_eq!(last("1762820160").last_seconds(), Some(Stamp(1_762_820_160_000_000_000)));
    }
}
