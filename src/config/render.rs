//! The documented default file and the JSON Schema, both made from the table of settings.

use serde_json::{Map, Value, json};

use super::settings::Settings;
use super::table::{SECTIONS, SETTINGS, Setting};

const HEADER: &str = "\
# CryptoSmartTrader: every setting with its built-in value.
#
# Change values in config/local.toml (only the keys that differ), so that this file stays the reference.
# In rising precedence: built-in values, this file, config/local.toml or --config FILE,
# environment variables such as CST__GATE__THRESHOLD=0.85, and --set gate.threshold=0.85.
# `cst config show` tells each value and where it came from; `cst config check` lists every problem.
#
# Secrets never go here: see OPENAI_API_KEY and config/secrets.toml in the README.
";

/// The text of `config/default.toml`: every key with its doc, its range and its built-in value.
#[must_use]
pub fn render_default() -> String {
    let leaves = Settings::default().leaves().unwrap_or_default();
    let mut text = HEADER.to_owned();
    for (section, doc) in SECTIONS {
        text.push_str(&format!("\n{}[{section}]\n", comment(doc)));
        for setting in SETTINGS.iter().filter(|s| s.section() == *section) {
            text.push_str(&comment(setting.doc));
            text.push_str(&comment(&format!("Allowed: {}.", setting.kind.range())));
            if let Some(value) = leaves.get(setting.key) {
                text.push_str(&format!("{} = {}\n", setting.name(), setting.kind.write(value)));
            }
        }
    }
    text
}

/// `text` as comment lines of at most 120 characters.
fn comment(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split_whitespace() {
        if lines.last().is_some_and(|line| line.chars().count() + 1 + word.chars().count() > 120) {
            lines.push("#".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

/// JSON Schema (2020-12) of a settings file, for editors.
#[must_use]
pub fn schema() -> Value {
    let leaves = Settings::default().leaves().unwrap_or_default();
    let property = |setting: &Setting| {
        let mut schema = setting.kind.schema();
        if let Value::Object(fields) = &mut schema {
            fields.insert("description".to_owned(), json!(setting.doc));
            let default = leaves.get(setting.key).map(|value| setting.kind.write(value));
            if let Some(Ok(default)) = default.map(|text| text.parse::<toml::Value>()) {
                fields.insert("default".to_owned(), serde_json::to_value(default).unwrap_or_default());
            }
        }
        (setting.name().to_owned(), schema)
    };
    let sections: Map<String, Value> = SECTIONS
        .iter()
        .map(|(section, doc)| {
            let keys: Map<String, Value> = SETTINGS.iter().filter(|s| s.section() == *section).map(property).collect();
            let schema =
                json!({ "type": "object", "description": doc, "additionalProperties": false, "properties": keys });
            ((*section).to_owned(), schema)
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "CryptoSmartTrader settings",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/default.toml");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(written, render_default(), "write what render_default() gives to config/default.toml");
    }

    #[test]
    fn the_default_file_holds_the_defaults_and_nothing_else() {
        let table: toml::Table = render_default().parse().unwrap();
        let leaves = Settings::default().leaves().unwrap();
        let mut seen = 0;
        for (section, keys) in &table {
            for (name, value) in keys.as_table().unwrap() {
                let key = format!("{section}.{name}");
                let setting = super::super::table::find(&key).unwrap();
                assert_eq!(setting.kind.read(value).as_ref(), Ok(&leaves[&key]), "{key}");
                seen += 1;
            }
        }
        assert_eq!(seen, leaves.len());
        assert!(render_default().lines().filter(|l| l.starts_with('#')).all(|l| l.chars().count() <= 120));
    }

    #[test]
    fn the_schema_knows_every_setting() {
        let schema = schema();
        for setting in SETTINGS {
            let property = &schema["properties"][setting.section()]["properties"][setting.name()];
            assert_eq!(property["description"], json!(setting.doc), "{}", setting.key);
            assert!(!property["default"].is_null(), "{}", setting.key);
        }
        assert_eq!(schema["properties"]["gate"]["properties"]["threshold"]["maximum"], json!(0.999));
        assert_eq!(
            schema["properties"]["replay"]["properties"]["trading_from"]["default"],
            json!("2024-07-17T00:00:00Z")
        );
    }
}
