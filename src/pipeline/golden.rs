//! Reader of the reference vectors in `tests/golden`, for the tests of this room.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::{Bar, UtcMs};

/// One reference case with its inputs resolved.
pub struct Case {
    pub name: String,
    pub function: String,
    pub params: Value,
    inputs: BTreeMap<String, Vec<f64>>,
    pub expected: Value,
    abs: f64,
    rel: f64,
}

/// All cases of `tests/golden/<file>.json`.
pub fn cases(file: &str) -> Vec<Case> {
    let path = format!("{}/tests/golden/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let root: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let list = root["cases"].as_array().unwrap();
    list.iter().map(|case| Case::read(case, &root["series"])).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map(|list| list.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()).unwrap_or_default()
}

impl Case {
    fn read(case: &Value, series: &Value) -> Self {
        let resolve = |value: &Value| match value.as_str().and_then(|s| s.strip_prefix('@')) {
            Some(reference) => {
                let (name, field) = reference.split_once('.').unwrap();
                numbers(&series[name][field])
            }
            None => numbers(value),
        };
        Self {
            name: case["name"].as_str().unwrap().to_owned(),
            function: case["fn"].as_str().unwrap().to_owned(),
            params: case["params"].clone(),
            inputs: case["inputs"].as_object().unwrap().iter().map(|(k, v)| (k.clone(), resolve(v))).collect(),
            expected: case["expected"].clone(),
            abs: case["tol"]["abs"].as_f64().unwrap(),
            rel: case["tol"]["rel"].as_f64().unwrap(),
        }
    }

    /// A whole-number parameter.
    pub fn count(&self, name: &str) -> usize {
        usize::try_from(self.params[name].as_u64().unwrap_or_else(|| panic!("{}: {name}", self.name))).unwrap()
    }

    /// A parameter.
    pub fn number(&self, name: &str) -> f64 {
        self.params[name].as_f64().unwrap_or_else(|| panic!("{}: {name}", self.name))
    }

    /// One input column.
    pub fn column(&self, name: &str) -> &[f64] {
        self.inputs.get(name).unwrap_or_else(|| panic!("{}: no input {name}", self.name))
    }

    /// The inputs as bars; a column that the case does not give is NaN, so that using it shows.
    pub fn bars(&self) -> Vec<Bar> {
        let rows = self.inputs.values().map(Vec::len).max().unwrap();
        let at = |name: &str, i: usize| self.inputs.get(name).map_or(f64::NAN, |column| column[i]);
        (0..rows)
            .map(|i| Bar {
                open_time: UtcMs(i64::try_from(i).unwrap() * 3_600_000),
                open: at("open", i),
                high: at("high", i),
                low: at("low", i),
                close: at("close", i),
                volume: at("volume", i),
            })
            .collect()
    }

    /// Compares one output column, where `null` means no value.
    pub fn check(&self, output: &str, got: &[Option<f64>]) {
        let want = self.expected[output].as_array().unwrap_or_else(|| panic!("{}: no output {output}", self.name));
        assert_eq!(want.len(), got.len(), "{}: length of {output}", self.name);
        for (i, (want, got)) in want.iter().zip(got).enumerate() {
            match (want.as_f64(), got) {
                (None, None) => {}
                (Some(want), Some(got)) if (got - want).abs() <= self.abs + self.rel * want.abs() => {}
                _ => panic!("{}: {output}[{i}] = {got:?}, expected {want}", self.name),
            }
        }
    }
}
