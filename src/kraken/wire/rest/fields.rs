//! Bodies of private calls, built once: the bytes that are signed are the bytes that are sent.

use std::fmt::Display;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

/// Named values in the order they were added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(Vec<(&'static str, Field)>);

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// Numbers too: REST takes them as texts, exactly as written.
    Text(String),
    Flag(bool),
    Table(Fields),
    List(Vec<Self>),
}

impl Fields {
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: Field) -> Self {
        self.0.push((name, value));
        self
    }

    #[must_use]
    pub fn text(self, name: &'static str, value: impl Display) -> Self {
        self.with(name, Field::Text(value.to_string()))
    }

    /// Nothing when there is no value.
    #[must_use]
    pub fn maybe(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Nothing when `false`.
    #[must_use]
    pub fn flag_if(self, name: &'static str, value: bool) -> Self {
        if value { self.with(name, Field::Flag(true)) } else { self }
    }

    /// A comma list; nothing when empty.
    #[must_use]
    pub fn commas(self, name: &'static str, values: &[String]) -> Self {
        if values.is_empty() { self } else { self.text(name, values.join(",")) }
    }

    /// As `application/x-www-form-urlencoded`, nested values as `close[price]` and `orders[0][price]`.
    #[must_use]
    pub fn form(&self, nonce: u64) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        out.append_pair("nonce", &nonce.to_string());
        for (name, value) in &self.0 {
            value.append(name, &mut out);
        }
        out.finish()
    }

    /// As a query, without a nonce.
    #[must_use]
    pub fn query(&self) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.0 {
            value.append(name, &mut out);
        }
        out.finish()
    }

    /// As JSON; the nonce is a text.
    ///
    /// # Errors
    /// As `serde_json`'s; texts, flags, tables and lists give none.
    pub fn json(&self, nonce: u64) -> Result<String, serde_json::Error> {
        let mut all = Self::new().text("nonce", nonce);
        all.0.extend(self.0.iter().cloned());
        serde_json::to_string(&all)
    }
}

impl Field {
    fn append(&self, name: &str, out: &mut form_urlencoded::Serializer<'_, String>) {
        match self {
            Self::Text(text) => {
                out.append_pair(name, text);
            }
            Self::Flag(flag) => {
                out.append_pair(name, if *flag { "true" } else { "false" });
            }
            Self::Table(fields) => {
                fields.0.iter().for_each(|(inner, value)| value.append(&format!("{name}[{inner}]"), out));
            }
            Self::List(values) => {
                values.iter().enumerate().for_each(|(i, value)| value.append(&format!("{name}[{i}]"), out));
            }
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Table(fields) => fields.serialize(serializer),
            Self::List(values) => serializer.collect_seq(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_keep_the_order_and_escape() {
        let close = Fields::new().text("ordertype", "limit").text("price", "+2%");
        let orders = vec![Field::Table(Fields::new().text("volume", "1.0"))];
        let fields = Fields::new()
            .text("price", "#5 [x]+2%")
            .with("close", Field::Table(close))
            .flag_if("validate", true)
            .flag_if("trades", false)
            .maybe("ofs", None::<u8>)
            .commas("txid", &["A".to_owned(), "B".to_owned()])
            .with("orders", Field::List(orders));
        assert_eq!(
            fields.form(7),
            "nonce=7&price=%235+%5Bx%5D%2B2%25&close%5Bordertype%5D=limit&close%5Bprice%5D=%2B2%25&validate=true&txid=A%2CB\
             &orders%5B0%5D%5Bvolume%5D=1.0"
        );
        assert_eq!(
            fields.json(7).expect("json"),
            r##"{"nonce":"7","price":"#5 [x]+2%","close":{"ordertype":"limit","price":"+2%"},"validate":true,"txid":"A,B","orders":[{"volume":"1.0"}]}"##
        );
        assert_eq!(Fields::new().query(), "");
    }
}
