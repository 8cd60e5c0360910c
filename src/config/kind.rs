//! Kinds of values: how each is read from a file or a command line, checked, written and described.
//!
//! Outside, a value has its TOML form: times are RFC 3339 text, "no override" is a word. Inside, it has the serialised form of its field.

use serde_json::{Value, json};

use crate::domain::pair::Pair;
use crate::domain::time::UtcMs;

/// Type and range of a setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number, both ends allowed.
    Whole(i64, i64),
    /// A number, both ends allowed.
    Number(f64, f64),
    /// A number above the first and at most the second.
    Above(f64, f64),
    /// The word for "no override", or a number within both ends.
    WordOrNumber(&'static str, f64, f64),
    /// Any text on one line.
    Text,
    /// A path, absolute or relative to the home folder.
    Path,
    /// An IP address.
    Address,
    /// The root of an HTTP service.
    Url,
    /// The root of a WebSocket service.
    Socket,
    /// A list of pairs, each once.
    Pairs,
    /// An RFC 3339 instant.
    Time,
    Choice(&'static [&'static str]),
    /// Exits of the managed trade, one per horizon.
    Exits,
}

/// Longest horizon of a trade, in hours (30 days).
const HORIZON_MAX: i64 = 720;
/// Largest barrier multiple.
const MULTIPLE_MAX: f64 = 100.0;
/// Most pairs that are traded at once.
const PAIRS_MAX: usize = 100;

impl Kind {
    /// What is allowed, in words.
    #[must_use]
    pub fn range(&self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Whole(min, i64::MAX) => format!("a whole number, {min} or more"),
            Self::Whole(min, max) => format!("a whole number, {min} to {max}"),
            Self::Number(min, max) => format!("a number, {min} to {max}"),
            Self::Above(min, max) => format!("a number above {min}, at most {max}"),
            Self::WordOrNumber(word, min, max) => format!("\"{word}\" or a number, {min} to {max}"),
            Self::Text => "text on one line".to_owned(),
            Self::Path => "a path, absolute or relative to the home folder".to_owned(),
            Self::Address => "an IP address".to_owned(),
            Self::Url => "https://HOST/PATH without name or password, or http:// on this machine".to_owned(),
            Self::Socket => "wss://HOST/PATH without name or password, or ws:// on this machine".to_owned(),
            Self::Pairs => format!("a list of 1 to {PAIRS_MAX} pairs such as \"BTC/USD\", each once"),
            Self::Time => "an instant in RFC 3339, such as \"2024-07-17T00:00:00Z\"".to_owned(),
            Self::Choice(words) => words.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", "),
            Self::Exits => format!(
                "a list of 1 to 8 tables {{ horizon_hours = 1 to {HORIZON_MAX}, target_multiple = above 0 to {MULTIPLE_MAX}, \
                 stop_multiple = above 0 to {MULTIPLE_MAX} }}, each horizon once"
            ),
        }
    }

    /// The text of an environment variable or of `--set` as a TOML value of this kind.
    #[must_use]
    pub fn from_text(&self, text: &str) -> toml::Value {
        let text = text.trim();
        let parsed = text.parse::<toml::Value>().ok();
        let needs_text = matches!(
            self,
            Self::Text | Self::Path | Self::Address | Self::Url | Self::Socket | Self::Time | Self::Choice(_)
        );
        // `BTC/USD,ETH/USD` is as clear as a list.
        if *self == Self::Pairs && !text.starts_with('[') {
            let names = text.split(',').map(|name| toml::Value::String(name.trim().to_owned()));
            return toml::Value::Array(names.collect());
        }
        // Text kinds need no quotes, and a folder may be called 2024.
        parsed.filter(|value| !needs_text || value.is_str()).unwrap_or_else(|| toml::Value::String(text.to_owned()))
    }

    /// Checks a TOML value and gives its serialised form.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the value.
    pub fn read(&self, value: &toml::Value) -> Result<Value, String> {
        match self {
            Self::Flag => value.as_bool().map(Value::from).ok_or_else(|| not_a(value, "true or false")),
            Self::Whole(min, max) => {
                let number = value.as_integer().ok_or_else(|| not_a(value, "a whole number"))?;
                if (*min..=*max).contains(&number) { Ok(json!(number)) } else { Err(OUT.to_owned()) }
            }
            Self::Number(min, max) => {
                let x = number(value).ok_or_else(|| not_a(value, "a number"))?;
                if (*min..=*max).contains(&x) { Ok(json!(x)) } else { Err(OUT.to_owned()) }
            }
            Self::Above(min, max) => {
                let x = number(value).ok_or_else(|| not_a(value, "a number"))?;
                if x > *min && x <= *max { Ok(json!(x)) } else { Err(OUT.to_owned()) }
            }
            Self::WordOrNumber(word, _, _) if value.as_str() == Some(word) => Ok(Value::Null),
            Self::WordOrNumber(word, min, max) => Self::Number(*min, *max).read(value).map_err(|why| match value {
                toml::Value::String(_) => format!("is neither \"{word}\" nor a number"),
                _ => why,
            }),
            Self::Time => time(value),
            Self::Choice(words) => {
                // `ascii = true` is as clear as `ascii = "true"`.
                let word = match value {
                    toml::Value::Boolean(flag) => flag.to_string(),
                    other => other.as_str().ok_or_else(|| not_a(value, "one of the words"))?.to_ascii_lowercase(),
                };
                if words.contains(&word.as_str()) { Ok(json!(word)) } else { Err("is none of the words".to_owned()) }
            }
            Self::Text | Self::Path => text(value).map(Value::from),
            Self::Address => {
                let text = text(value)?;
                text.parse::<std::net::IpAddr>().map(|ip| json!(ip)).map_err(|_| "is not an IP address".to_owned())
            }
            Self::Url => url(text(value)?, ("https", "http")),
            Self::Socket => url(text(value)?, ("wss", "ws")),
            Self::Pairs => pairs(value),
            Self::Exits => exits(value),
        }
    }

    /// The TOML text of a serialised value of this kind.
    #[must_use]
    pub fn write(&self, value: &Value) -> String {
        match (self, value) {
            (Self::WordOrNumber(word, _, _), Value::Null) => format!("\"{word}\""),
            (Self::Time, Value::Number(ms)) => {
                toml::Value::String(time_text(UtcMs(ms.as_i64().unwrap_or_default()))).to_string()
            }
            (Self::Exits, Value::Array(exits)) => write_exits(exits),
            (Self::Number(..) | Self::Above(..) | Self::WordOrNumber(..), Value::Number(n)) => {
                n.as_f64().map_or_else(|| n.to_string(), |x| format!("{x:?}"))
            }
            (_, Value::String(text)) => toml::Value::String(text.clone()).to_string(),
            (_, other) => other.to_string(),
        }
    }

    /// JSON Schema of the TOML form.
    #[must_use]
    pub fn schema(&self) -> Value {
        match self {
            Self::Flag => json!({ "type": "boolean" }),
            Self::Whole(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Self::Number(min, max) => json!({ "type": "number", "minimum": min, "maximum": max }),
            Self::Above(min, max) => json!({ "type": "number", "exclusiveMinimum": min, "maximum": max }),
            Self::WordOrNumber(word, min, max) => {
                json!({ "oneOf": [{ "const": word }, { "type": "number", "minimum": min, "maximum": max }] })
            }
            Self::Text | Self::Path => json!({ "type": "string", "minLength": 1 }),
            Self::Address => json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] }),
            Self::Url | Self::Socket => json!({ "type": "string", "format": "uri" }),
            Self::Pairs => json!({
                "type": "array", "minItems": 1, "maxItems": PAIRS_MAX, "uniqueItems": true, "items": { "type": "string" },
            }),
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Choice(words) => {
                let flags = [true, false].into_iter().filter(|f| words.contains(&f.to_string().as_str()));
                let all: Vec<Value> = words.iter().map(|w| json!(w)).chain(flags.map(Value::from)).collect();
                json!({ "enum": all })
            }
            Self::Exits => json!({
                "type": "array", "minItems": 1, "maxItems": 8,
                "items": {
                    "type": "object", "additionalProperties": false,
                    "required": ["horizon_hours", "target_multiple", "stop_multiple"],
                    "properties": {
                        "horizon_hours": Self::Whole(1, HORIZON_MAX).schema(),
                        "target_multiple": Self::Above(0.0, MULTIPLE_MAX).schema(),
                        "stop_multiple": Self::Above(0.0, MULTIPLE_MAX).schema(),
                    },
                },
            }),
        }
    }
}

const OUT: &str = "is out of range";

fn not_a(value: &toml::Value, wanted: &str) -> String {
    let is = match value {
        toml::Value::String(_) => "text",
        toml::Value::Integer(_) => "a whole number",
        toml::Value::Float(_) => "a number",
        toml::Value::Boolean(_) => "a flag",
        toml::Value::Datetime(_) => "a date or time",
        toml::Value::Array(_) => "a list",
        toml::Value::Table(_) => "a table",
    };
    format!("is {is}, not {wanted}")
}

fn number(value: &toml::Value) -> Option<f64> {
    match value {
        // Whole numbers stand for themselves where any number is allowed; all ranges end far below 2^53.
        toml::Value::Integer(n) => Some(*n as f64),
        toml::Value::Float(x) => Some(*x),
        _ => None,
    }
}

fn text(value: &toml::Value) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| not_a(value, "text"))?;
    if text.trim().is_empty() {
        Err("is empty".to_owned())
    } else if text.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
        Err("holds control characters or bytes that are no text".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn time(value: &toml::Value) -> Result<Value, String> {
    let text = match value {
        toml::Value::Datetime(instant) => instant.to_string(),
        other => text(other)?,
    };
    UtcMs::parse(&text).map(|t| json!(t.0)).map_err(|_| "is not an instant with date, time and zone".to_owned())
}

/// RFC 3339 with milliseconds only where there are some, so that a time read back is the same time.
fn time_text(at: UtcMs) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.to_string(), |t| t.to_string())
}

/// Keys and money travel to this address, so it goes encrypted or stays on the machine, and no password hides in the text.
fn url(text: String, (safe, plain): (&str, &str)) -> Result<Value, String> {
    let (scheme, rest) = text.split_once("://").ok_or("is not a web address")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || text.contains(char::is_whitespace) {
        return Err("is not a plain web address".to_owned());
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let local = ["localhost", "127.0.0.1", "[::1]"].contains(&host) || authority == "[::1]";
    match scheme {
        s if s == safe => Ok(Value::from(text)),
        s if s == plain && local => Ok(Value::from(text)),
        s if s == plain => Err("would travel unencrypted".to_owned()),
        _ => Err("is not a web address".to_owned()),
    }
}

fn pairs(value: &toml::Value) -> Result<Value, String> {
    let list = value.as_array().ok_or_else(|| not_a(value, "a list of pairs"))?;
    if !(1..=PAIRS_MAX).contains(&list.len()) {
        return Err(format!("has {} entries", list.len()));
    }
    let mut read = Vec::with_capacity(list.len());
    for entry in list {
        let pair: Pair = text(entry)?.parse().map_err(|e| format!("holds something else: {e}"))?;
        let pair = json!(pair);
        if read.contains(&pair) {
            return Err(format!("names {pair} twice"));
        }
        read.push(pair);
    }
    Ok(Value::Array(read))
}

const EXIT_KEYS: [(&str, &str, Kind); 3] = [
    ("horizon_hours", "horizon", Kind::Whole(1, HORIZON_MAX)),
    ("target_multiple", "target_multiple", Kind::Above(0.0, MULTIPLE_MAX)),
    ("stop_multiple", "stop_multiple", Kind::Above(0.0, MULTIPLE_MAX)),
];

fn exits(value: &toml::Value) -> Result<Value, String> {
    let list = value.as_array().ok_or_else(|| not_a(value, "a list of tables"))?;
    if !(1..=8).contains(&list.len()) {
        return Err(format!("has {} entries", list.len()));
    }
    let mut horizons = std::collections::BTreeSet::new();
    let mut read = Vec::new();
    for (number, entry) in (1..).zip(list) {
        let table = entry.as_table().ok_or_else(|| format!("has in entry {number} something that is not a table"))?;
        if let Some(unknown) = table.keys().find(|k| EXIT_KEYS.iter().all(|(name, ..)| name != k)) {
            return Err(format!("has in entry {number} the unknown key '{unknown}'"));
        }
        let mut exit = serde_json::Map::new();
        for (name, field, kind) in &EXIT_KEYS {
            let value = table.get(*name).ok_or_else(|| format!("has no {name} in entry {number}"))?;
            let inner = kind.read(value).map_err(|why| format!("has in entry {number} a {name} that {why}"))?;
            exit.insert((*field).to_owned(), inner);
        }
        if !horizons.insert(exit.get("horizon").and_then(Value::as_i64)) {
            return Err(format!("names the horizon of entry {number} twice"));
        }
        read.push(Value::Object(exit));
    }
    Ok(Value::Array(read))
}

fn write_exits(exits: &[Value]) -> String {
    let mut text = "[\n".to_owned();
    for exit in exits {
        let fields: Vec<String> = EXIT_KEYS
            .iter()
            .filter_map(|(name, field, kind)| exit.get(*field).map(|v| format!("{name} = {}", kind.write(v))))
            .collect();
        text.push_str(&format!("  {{ {} }},\n", fields.join(", ")));
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toml(text: &str) -> toml::Value {
        text.parse().unwrap()
    }

    #[test]
    fn values_are_read_at_their_edges() {
        let share = Kind::Above(0.0, 1.0);
        for (kind, text, wanted) in [
            (Kind::Whole(1, 5), "1", Some(json!(1))),
            (Kind::Whole(1, 5), "5", Some(json!(5))),
            (Kind::Whole(1, 5), "0", None),
            (Kind::Whole(1, 5), "6", None),
            (Kind::Whole(1, 5), "2.0", None),
            (Kind::Whole(1, 5), "\"2\"", None),
            (share, "1", Some(json!(1.0))),
            (share, "0.0", None),
            (share, "1.0000001", None),
            (share, "nan", None),
            (share, "inf", None),
            (Kind::Number(0.0, 1.0), "0", Some(json!(0.0))),
            (Kind::Number(0.0, 1.0), "-0.1", None),
            (Kind::Flag, "true", Some(json!(true))),
            (Kind::Flag, "1", None),
            (Kind::Choice(&["auto", "true", "false"]), "true", Some(json!("true"))),
            (Kind::Choice(&["auto", "true", "false"]), "\"Auto\"", Some(json!("auto"))),
            (Kind::Choice(&["utc", "local"]), "\"mars\"", None),
            (Kind::Choice(&["utc", "local"]), "true", None),
            (Kind::WordOrNumber("schedule", 0.0, 0.1), "\"schedule\"", Some(Value::Null)),
            (Kind::WordOrNumber("schedule", 0.0, 0.1), "0.004", Some(json!(0.004))),
            (Kind::WordOrNumber("schedule", 0.0, 0.1), "0.4", None),
            (Kind::WordOrNumber("schedule", 0.0, 0.1), "\"kraken\"", None),
            (Kind::Time, "\"1970-01-01T00:00:01Z\"", Some(json!(1000))),
            (Kind::Time, "1970-01-01T00:00:01.5Z", Some(json!(1500))),
            (Kind::Time, "\"1970-01-01T02:00:01+02:00\"", Some(json!(1000))),
            (Kind::Time, "1970-01-01", None),
            (Kind::Time, "1000", None),
            (Kind::Path, "\"logs\"", Some(json!("logs"))),
            (Kind::Path, "\" \"", None),
            (Kind::Path, "\"a\\u0007b\"", None),
            (Kind::Socket, "\"wss://ws.kraken.com/v2\"", Some(json!("wss://ws.kraken.com/v2"))),
            (Kind::Socket, "\"ws://127.0.0.1:81/v2\"", Some(json!("ws://127.0.0.1:81/v2"))),
            (Kind::Socket, "\"ws://example.com/v2\"", None),
            (Kind::Socket, "\"https://example.com\"", None),
            (Kind::Pairs, "[\"XBTUSD\", \"ETH/USD\"]", Some(json!(["BTC/USD", "ETH/USD"]))),
            (Kind::Pairs, "[\"XBTUSD\", \"BTC/USD\"]", None),
            (Kind::Pairs, "[]", None),
            (Kind::Pairs, "[\"bitcoin\"]", None),
            (Kind::Address, "\"::1\"", Some(json!("::1"))),
            (Kind::Address, "\"localhost\"", None),
        ] {
            assert_eq!(kind.read(&toml(text)).ok(), wanted, "{kind:?} {text}");
        }
    }

    #[test]
    fn a_key_is_never_sent_in_the_clear() {
        for (url, good) in [
            ("https://api.openai.com/v1", true),
            ("http://localhost:11434/v1", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080/v1", true),
            ("http://[::1]", true),
            ("http://api.openai.com/v1", false),
            ("http://localhost.example.com/v1", false),
            ("https://me:pw@host/v1", false),
            ("https://", false),
            ("https://a b", false),
            ("ftp://localhost", false),
            ("api.openai.com", false),
        ] {
            assert_eq!(Kind::Url.read(&toml::Value::from(url)).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn exits_are_checked_one_by_one() {
        let good = "[{ horizon_hours = 1, target_multiple = 6, stop_multiple = 4.0 }]";
        assert_eq!(
            Kind::Exits.read(&toml(good)).unwrap(),
            json!([{ "horizon": 1, "target_multiple": 6.0, "stop_multiple": 4.0 }])
        );
        for (bad, why) in [
            ("[]", "0 entries"),
            ("[{ horizon_hours = 1, target_multiple = 6.0 }]", "no stop_multiple"),
            (
                "[{ horizon_hours = 1, target_multiple = 0.0, stop_multiple = 1.0 }]",
                "target_multiple that is out of range",
            ),
            (
                "[{ horizon_hours = 1, target_multiple = 1.0, stop_multiple = -1.0 }]",
                "stop_multiple that is out of range",
            ),
            (
                "[{ horizon_hours = 0, target_multiple = 1.0, stop_multiple = 1.0 }]",
                "horizon_hours that is out of range",
            ),
            ("[{ horizon_hours = 1, target_multiple = 1.0, stop_multiple = 1.0, x = 1 }]", "unknown key 'x'"),
            (
                "[{ horizon_hours = 1, target_multiple = 1, stop_multiple = 1 }, { horizon_hours = 1, target_multiple = 2, stop_multiple = 1 }]",
                "twice",
            ),
            ("[1]", "not a table"),
            ("1", "not a list"),
        ] {
            let error = Kind::Exits.read(&toml(bad)).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn command_line_text_needs_no_quotes() {
        for (kind, text, wanted) in [
            (Kind::Path, "logs", toml::Value::from("logs")),
            (Kind::Path, "2024", toml::Value::from("2024")),
            (Kind::Path, "\"my logs\"", toml::Value::from("my logs")),
            (Kind::Time, "2024-07-17T00:00:00Z", toml::Value::from("2024-07-17T00:00:00Z")),
            (Kind::Choice(&["auto", "true"]), "true", toml::Value::from("true")),
            (Kind::WordOrNumber("schedule", 0.0, 1.0), "schedule", toml::Value::from("schedule")),
            (Kind::WordOrNumber("schedule", 0.0, 1.0), "0.5", toml::Value::from(0.5)),
            (Kind::Whole(0, 9), " 7 ", toml::Value::from(7)),
            (Kind::Number(0.0, 9.0), "seven", toml::Value::from("seven")),
            (Kind::Flag, "true", toml::Value::from(true)),
        ] {
            assert_eq!(kind.from_text(text), wanted, "{kind:?} {text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let exits = json!([{ "horizon": 24, "target_multiple": 2.0, "stop_multiple": 1.5 }]);
        for (kind, value) in [
            (Kind::Flag, json!(false)),
            (Kind::Whole(0, i64::MAX), json!(20_240_701)),
            (Kind::Number(0.0, 1e9), json!(100_000.0)),
            (Kind::Number(0.0, 1.0), json!(0.1)),
            (Kind::WordOrNumber("schedule", 0.0, 1.0), Value::Null),
            (Kind::WordOrNumber("schedule", 0.0, 1.0), json!(0.004)),
            (Kind::Text, json!("a \"quoted\" \\ text")),
            (Kind::Time, json!(1_721_174_400_123_i64)),
            (Kind::Time, json!(1_721_174_400_000_i64)),
            (Kind::Exits, exits),
        ] {
            let text = kind.write(&value);
            assert_eq!(kind.read(&toml(&text)), Ok(value), "{kind:?} {text}");
        }
    }
}
