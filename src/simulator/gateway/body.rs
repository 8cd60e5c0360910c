//! Reading of parameters: query texts, forms and JSON, all into [`Params`].

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::simulator::protocol::Params;

/// Deepest nesting of a JSON body; orders of a batch need three.
const MAX_DEPTH: u32 = 8;

/// Parameters of a REST call: the query, then the body by its content type (a body that starts with `{` is JSON).
///
/// # Errors
/// A text for people when the body is neither a form nor JSON.
pub fn parameters(query: &str, content_type: Option<&str>, body: &[u8]) -> Result<Params, String> {
    let mut params = form(query.as_bytes());
    let text = std::str::from_utf8(body).map_err(|_| "body is not UTF-8".to_owned())?;
    let json =
        content_type.is_some_and(|t| t.to_ascii_lowercase().contains("json")) || text.trim_start().starts_with('{');
    if json && !text.trim().is_empty() {
        params.0.extend(object(text)?.0);
    } else {
        params.0.extend(form(body).0);
    }
    Ok(params)
}

/// A form. `name[]=a&name[]=b`, and a name that comes twice, become a list.
fn form(bytes: &[u8]) -> Params {
    let mut fields: BTreeMap<String, Value> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        let (name, listed) = name.strip_suffix("[]").map_or((name.as_ref(), false), |n| (n, true));
        let value = Value::String(value.into_owned());
        match fields.get_mut(name) {
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None if listed => drop(fields.insert(name.to_owned(), Value::Array(vec![value]))),
            None => drop(fields.insert(name.to_owned(), value)),
        }
    }
    Params(fields)
}

/// A JSON object. A number that binary floating point cannot hold exactly as written becomes a text with the same digits.
///
/// # Errors
/// The parser's complaint.
pub fn object(text: &str) -> Result<Params, String> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match exact(raw, 0)? {
        Value::Object(fields) => Ok(Params(fields.into_iter().collect())),
        _ => Err("not an object".to_owned()),
    }
}

fn exact(raw: &RawValue, depth: u32) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err("nested too deeply".to_owned());
    }
    let text = raw.get();
    let fail = |e: serde_json::Error| e.to_string();
    match text.as_bytes().first() {
        Some(b'{') => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(fail)?;
            let fields: Result<_, String> = fields.into_iter().map(|(k, v)| Ok((k, exact(v, depth + 1)?))).collect();
            Ok(Value::Object(fields?))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(fail)?;
            Ok(Value::Array(items.into_iter().map(|v| exact(v, depth + 1)).collect::<Result<_, String>>()?))
        }
        Some(b'-' | b'0'..=b'9') => {
            let value: Value = serde_json::from_str(text).map_err(fail)?;
            let written = value.to_string();
            Ok(if written == text { value } else { Value::String(text.to_owned()) })
        }
        _ => serde_json::from_str(text).map_err(fail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str, kind: Option<&str>, body: &str) -> Params {
        parameters(query, kind, body.as_bytes()).unwrap()
    }

    #[test]
    fn a_form_keeps_brackets_signs_and_lists() {
        let p = of(
            "",
            Some("application/x-www-form-urlencoded"),
            "price=%2B2%25&close%5Bordertype%5D=limit&a[]=1&a[]=2&b=1&b=2&c[]=9",
        );
        assert_eq!(p.text("price").as_deref(), Some("+2%"));
        assert_eq!(p.text("close[ordertype]").as_deref(), Some("limit"));
        assert_eq!(
            (p.list("a"), p.list("b"), p.list("c")),
            (vec!["1".into(), "2".into()], vec!["1".into(), "2".into()], vec!["9".to_owned()])
        );
    }

    #[test]
    fn json_keeps_every_digit_and_the_type_where_it_is_exact() {
        let p = of(
            "pair=XBTUSD",
            Some("application/json"),
            r#"{"nonce":1616492376594000123,"volume":123456789012.12345678,"price":0.1,"small":1e-08,"orders":[{"volume":"1.10"}],"ok":true}"#,
        );
        assert_eq!(p.text("nonce").as_deref(), Some("1616492376594000123"));
        assert_eq!(p.text("volume").as_deref(), Some("123456789012.12345678"));
        assert_eq!(p.decimal("small").unwrap().unwrap().to_string(), "0.00000001");
        assert!(p.0["price"].is_number() && p.flag("ok"));
        assert_eq!(p.text("pair").as_deref(), Some("XBTUSD"));
        assert_eq!(p.0["orders"][0]["volume"], "1.10");
    }

    #[test]
    fn a_json_body_is_known_by_its_brace_and_a_broken_one_is_refused() {
        assert_eq!(of("", None, r#" {"a":"1"}"#).text("a").as_deref(), Some("1"));
        for bad in ["{", r#"{"a":}"#, "[1]"] {
            assert!(parameters("", Some("application/json"), bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parameters("", None, &[0xff, 0xfe]).is_err());
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(30), "]".repeat(30));
        assert!(parameters("", None, deep.as_bytes()).is_err());
        assert!(of("", Some("application/json"), "").0.is_empty());
    }
}
