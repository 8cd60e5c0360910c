//! What every answer is wrapped in: `{"error":[…],"result":…}`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::kraken::error::{ApiError, KrakenError, Severity, excerpt};

/// A call's result, with the warnings that came along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    pub value: T,
    pub warnings: Vec<ApiError>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, deserialize_with = "texts")]
    error: Vec<String>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
}

/// A list of texts; a single text counts as one, `null` as none.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    let list = if raw.starts_with('"') {
        serde_json::from_str(raw).map(|one: String| vec![one])
    } else {
        serde_json::from_str::<Option<Vec<String>>>(raw).map(Option::unwrap_or_default)
    };
    list.map_err(serde::de::Error::custom)
}

/// Reads an answer. `status` is HTTP's, `call` names the call in errors.
///
/// # Errors
/// [`KrakenError`]: the exchange's own errors first, whatever the status; then a gateway that answered in its place; then an empty,
/// unreadable or unexpected body.
pub fn read<T: DeserializeOwned>(call: &'static str, status: u16, body: &[u8]) -> Result<Answer<T>, KrakenError> {
    let success = (200..300).contains(&status);
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let html = text.starts_with('<');
    if text.is_empty() && success {
        return Err(KrakenError::Empty { call, status });
    }
    if html || (!success && !text.starts_with('{')) {
        return Err(KrakenError::Gateway { call, status, html, excerpt: excerpt(text) });
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|e| match e.classify() {
        serde_json::error::Category::Data => KrakenError::Shape { call, why: excerpt(&e.to_string()) },
        _ if !success => KrakenError::Gateway { call, status, html, excerpt: excerpt(text) },
        _ => KrakenError::NotJson { call, why: excerpt(&e.to_string()), excerpt: excerpt(text) },
    })?;
    let (warnings, errors): (Vec<_>, Vec<_>) =
        envelope.error.iter().map(|e| ApiError::parse(e)).partition(|e| e.severity == Severity::Warning);
    if !errors.is_empty() {
        return Err(KrakenError::Api { call, errors });
    }
    if !success {
        return Err(KrakenError::Gateway { call, status, html, excerpt: excerpt(text) });
    }
    let result = envelope.result.ok_or_else(|| KrakenError::Shape { call, why: "no result".to_owned() })?;
    let value =
        serde_json::from_str(result.get()).map_err(|e| KrakenError::Shape { call, why: excerpt(&e.to_string()) })?;
    Ok(Answer { value, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kraken::error::Remedy;

    fn answer(status: u16, body: &str) -> Result<Answer<u64>, KrakenError> {
        read("Time", status, body.as_bytes())
    }

    #[test]
    fn results_and_warnings() {
        assert_eq!(answer(200, r#"{"error":[],"result":7}"#), Ok(Answer { value: 7, warnings: vec![] }));
        assert_eq!(answer(200, " {\"result\":7}\n").map(|a| a.value), Ok(7));
        assert_eq!(answer(200, r#"{"error":null,"result":7}"#).map(|a| a.value), Ok(7));
        let warned = answer(200, r#"{"error":["WGeneral:Old"],"result":7}"#).expect("a result");
        assert_eq!((warned.value, warned.warnings.len()), (7, 1));
    }

    #[test]
    fn the_exchanges_errors_win_over_status_and_result() {
        for (status, body) in [
            (200, r#"{"error":["EAPI:Invalid key"]}"#),
            (200, r#"{"error":["WGeneral:Old","EAPI:Invalid key"],"result":7}"#),
            (200, r#"{"error":"EAPI:Invalid key","result":null}"#),
            (503, r#"{"error":["EAPI:Invalid key"]}"#),
        ] {
            let Err(KrakenError::Api { errors, .. }) = answer(status, body) else { panic!("{body}") };
            assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), ["EAPI:Invalid key"]);
        }
    }

    #[test]
    fn whatever_else_comes_is_typed() {
        use KrakenError as K;
        let html = "<!DOCTYPE html>\n<html><title>520</title></html>";
        assert!(matches!(answer(520, html), Err(K::Gateway { status: 520, html: true, .. })));
        assert!(matches!(answer(200, html), Err(K::Gateway { status: 200, html: true, .. })));
        assert!(matches!(answer(502, "error code: 502"), Err(K::Gateway { status: 502, html: false, .. })));
        assert!(matches!(answer(504, ""), Err(K::Gateway { status: 504, .. })));
        assert!(matches!(answer(429, r#"{"message":"slow"}"#), Err(K::Gateway { status: 429, .. })));
        assert!(matches!(answer(500, r#"{"error":["#), Err(K::Gateway { status: 500, .. })));
        assert!(matches!(answer(200, "  \n"), Err(K::Empty { status: 200, .. })));
        assert!(matches!(answer(200, r#"{"error":[],"resu"#), Err(K::NotJson { .. })));
        assert!(matches!(answer(200, "upstream timeout"), Err(K::NotJson { .. })));
        for odd in [
            r#"{"error":[]}"#,
            r#"{"error":[],"result":null}"#,
            r#"{"error":[],"result":"seven"}"#,
            r#"{"error":[1],"result":7}"#,
            "[7]",
            "7",
        ] {
            assert!(matches!(answer(200, odd), Err(K::Shape { .. })), "{odd}: {:?}", answer(200, odd));
        }
        assert_eq!(answer(200, "{}").map_err(|e| e.remedy(true)), Err(Remedy::UnknownOutcome));
        assert!(read::<u64>("Time", 200, b"{\"result\":\xff}").is_err());
    }
}
