//! Two versions side by side.

use serde::Serialize;
use serde_json::Value;

use super::Registry;
use crate::domain::Horizon;
use crate::store::StoreError;

/// What is compared first.
const FIRST: [&str; 2] = ["metrics", "evidence"];

/// One fact of two versions. `Null` where a version does not know it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompareRow {
    /// Names from the outside in, such as `metrics.brier`.
    pub key: String,
    pub a: Value,
    pub b: Value,
    pub differs: bool,
}

impl Registry {
    /// All that is known of two versions of a horizon, metrics first, then the evidence for the gate.
    ///
    /// # Errors
    /// [`StoreError::BadModel`] when there is no such version or its card cannot be read.
    pub fn compare(&self, universe: &str, horizon: Horizon, a: &str, b: &str) -> Result<Vec<CompareRow>, StoreError> {
        Ok(rows(&self.facts(universe, horizon, a)?, &self.facts(universe, horizon, b)?))
    }
}

/// The leaves of two trees side by side; a list is a leaf.
fn rows(a: &Value, b: &Value) -> Vec<CompareRow> {
    let (a, b) = (leaves(a), leaves(b));
    let find = |list: &[(String, Value)], key: &str| list.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    let new = b.iter().filter(|(key, _)| find(&a, key).is_none());
    let mut keys: Vec<String> = a.iter().chain(new).map(|(key, _)| key.clone()).collect();
    let rank = |key: &str| {
        let outer = key.split('.').next().unwrap_or(key);
        FIRST.iter().position(|first| *first == outer).unwrap_or(FIRST.len())
    };
    keys.sort_by_key(|key| rank(key));
    let row = |key: String| {
        let (a, b) = (find(&a, &key).unwrap_or_default(), find(&b, &key).unwrap_or_default());
        CompareRow { differs: a != b, key, a, b }
    };
    keys.into_iter().map(row).collect()
}

fn leaves(value: &Value) -> Vec<(String, Value)> {
    let Value::Object(fields) = value else { return vec![(String::new(), value.clone())] };
    let below = |(key, value): (&String, &Value)| match value {
        Value::Object(inner) if !inner.is_empty() => {
            leaves(value).into_iter().map(|(rest, leaf)| (format!("{key}.{rest}"), leaf)).collect()
        }
        leaf => vec![(key.clone(), leaf.clone())],
    };
    fields.iter().flat_map(below).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metrics_come_first_and_what_only_one_knows_is_there() {
        let a = json!({ "cost": 0.1, "metrics": { "brier": 0.2, "old": 1 }, "features": ["x"] });
        let b = json!({ "cost": 0.1, "metrics": { "brier": 0.3, "new": { "deep": 2 } }, "features": ["x", "y"] });
        let seen: Vec<_> = rows(&a, &b).into_iter().map(|r| (r.key, r.a, r.b, r.differs)).collect();
        let row = |key: &str, a: Value, b: Value, differs| (key.to_owned(), a, b, differs);
        assert_eq!(
            seen,
            [
                row("metrics.brier", json!(0.2), json!(0.3), true),
                row("metrics.old", json!(1), Value::Null, true),
                row("metrics.new.deep", Value::Null, json!(2), true),
                row("cost", json!(0.1), json!(0.1), false),
                row("features", json!(["x"]), json!(["x", "y"]), true),
            ]
        );
    }
}
