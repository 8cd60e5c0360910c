//! Golden runner: every case of the reference vectors, through the library as its users call it.
//!
//! Reads the folder that `GOLDEN_DIR` names (default: `tests/golden`), so that further vectors of the same schema can be run; a file belongs to
//! the vectors whose `id` it carries, whatever its name. Each case is computed in streaming form (value by value) and in batch form (all
//! at once), and every output is compared within the case's own tolerance. A function that is not known, an output that is
//! missing or too many, and a case that was not compared are failures.
//!
//! A file of vectors is one module here: a function [`Compute`] and one test that calls [`run`].

mod calibration;
mod conformal;
mod cv;
mod drift;
mod execution;
mod feature_selection;
mod indicators;
mod kelly;
mod labels;
mod linear;
mod orderflow;
mod overfit;
mod portfolio;
mod regime;
mod resample;
mod risk;
mod trees;
mod volatility;
mod whale;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cryptosmarttrader::domain::{Bar, UtcMs};
use serde_json::{Map, Value};

/// How a case is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Value by value, as live.
    Streaming,
    /// All values at once, as in training. Where a function has only one form, both are the same call.
    Batch,
}

/// Outputs by name, in JSON: numbers, lists, maps, booleans, texts; null where there is no value.
pub type Outputs = BTreeMap<&'static str, Value>;

/// Computes a case; `None` when its function is not known.
pub type Compute = fn(&Case, Form) -> Option<Outputs>;

/// One reference case with its inputs resolved.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub function: String,
    pub params: Map<String, Value>,
    inputs: Map<String, Value>,
    expected: Map<String, Value>,
    tolerance: Tolerance,
    tolerance_by: BTreeMap<String, Tolerance>,
}

#[derive(Debug, Clone, Copy)]
struct Tolerance {
    abs: f64,
    rel: f64,
}

impl Tolerance {
    fn read(value: &Value) -> Self {
        let part = |name: &str| value[name].as_f64().unwrap_or_else(|| panic!("no tol.{name} in {value}"));
        Self { abs: part("abs"), rel: part("rel") }
    }
}

/// The folder of the vectors.
pub fn folder() -> PathBuf {
    std::env::var_os("GOLDEN_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), PathBuf::from)
}

/// Runs every case of the vectors `id`, in both forms; fails with all that is wrong, not only the first.
pub fn run(id: &str, compute: Compute) {
    run_except(id, &[], compute);
}

/// The same where some functions of the file are the concern of another test.
pub fn run_except(id: &str, elsewhere: &[&str], compute: Compute) {
    let cases: Vec<Case> = cases(id).into_iter().filter(|c| !elsewhere.contains(&c.function.as_str())).collect();
    assert!(!cases.is_empty(), "no vectors '{id}' in {}", folder().display());
    let faults = faults(&cases, compute);
    assert!(faults.is_empty(), "{} faults in {} cases of '{id}':\n{}", faults.len(), cases.len(), faults.join("\n"));
}

/// All cases of the files with this `id`.
pub fn cases(id: &str) -> Vec<Case> {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "json"));
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let root: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        if root["id"] == id {
            let list = root["cases"].as_array().unwrap_or_else(|| panic!("{}: no cases", file.display()));
            found.extend(list.iter().map(|case| Case::read(case, &root["series"])));
        }
    }
    found
}

/// What is wrong, a line each.
fn faults(cases: &[Case], compute: Compute) -> Vec<String> {
    let mut faults = Vec::new();
    for case in cases {
        for form in [Form::Streaming, Form::Batch] {
            match compute(case, form) {
                Some(outputs) => faults.extend(case.compare(&outputs).err().map(|e| format!("{form:?} {e}"))),
                None => faults.push(format!("{}: function '{}' is not known", case.name, case.function)),
            }
        }
    }
    faults
}

/// A column whose values may be missing.
pub fn column(values: &[Option<f64>]) -> Value {
    Value::Array(values.iter().map(|v| v.map_or(Value::Null, number)).collect())
}

/// One number. JSON has no NaN, and it would pass for "no value": say `None`.
pub fn number(value: f64) -> Value {
    assert!(!value.is_nan(), "NaN is no value; say None");
    if value == f64::INFINITY { Value::from("inf") } else { Value::from(value) }
}

/// References `"@series.field"` replaced by what they point to, at any depth.
fn resolve(value: &Value, series: &Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('@').and_then(|reference| reference.split_once('.')) {
            Some((name, field)) => series[name].get(field).unwrap_or_else(|| panic!("no series {text}")).clone(),
            None => value.clone(),
        },
        Value::Array(list) => list.iter().map(|v| resolve(v, series)).collect(),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), resolve(v, series))).collect()),
        _ => value.clone(),
    }
}

impl Case {
    fn read(case: &Value, series: &Value) -> Self {
        let map = |name: &str| case[name].as_object().cloned().unwrap_or_default();
        let inputs = map("inputs").iter().map(|(k, v)| (k.clone(), resolve(v, series))).collect();
        Self {
            name: case["name"].as_str().expect("a case has a name").to_owned(),
            function: case["fn"].as_str().expect("a case has a function").to_owned(),
            params: map("params"),
            inputs,
            expected: map("expected"),
            tolerance: Tolerance::read(&case["tol"]),
            tolerance_by: map("tol_by").iter().map(|(k, v)| (k.clone(), Tolerance::read(v))).collect(),
        }
    }

    /// A whole-number parameter.
    pub fn count(&self, name: &str) -> usize {
        let value = self.params.get(name).and_then(Value::as_u64);
        usize::try_from(value.unwrap_or_else(|| panic!("{}: no count {name}", self.name))).expect("a small count")
    }

    /// A parameter.
    pub fn number(&self, name: &str) -> f64 {
        let value = self.params.get(name).and_then(Value::as_f64);
        value.unwrap_or_else(|| panic!("{}: no parameter {name}", self.name))
    }

    /// An input of any shape.
    pub fn input(&self, name: &str) -> &Value {
        self.inputs.get(name).unwrap_or_else(|| panic!("{}: no input {name}", self.name))
    }

    /// An input that is one number.
    pub fn scalar(&self, name: &str) -> f64 {
        self.input(name).as_f64().unwrap_or_else(|| panic!("{}: {name} is no number", self.name))
    }

    /// An input column of numbers.
    pub fn column(&self, name: &str) -> Vec<f64> {
        let list = self.input(name).as_array().unwrap_or_else(|| panic!("{}: {name} is no list", self.name));
        let number = |v: &Value| v.as_f64().unwrap_or_else(|| panic!("{}: {v} in {name}", self.name));
        list.iter().map(number).collect()
    }

    /// The inputs as hourly bars; a column that the case does not give is NaN, so that using it shows.
    pub fn bars(&self) -> Vec<Bar> {
        let columns = ["open", "high", "low", "close", "volume"]
            .map(|name| if self.inputs.contains_key(name) { self.column(name) } else { Vec::new() });
        let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
        let at = |column: usize, i: usize| columns[column].get(i).copied().unwrap_or(f64::NAN);
        (0..rows)
            .map(|i| Bar {
                open_time: UtcMs(i64::try_from(i).expect("a small row") * 3_600_000),
                open: at(0, i),
                high: at(1, i),
                low: at(2, i),
                close: at(3, i),
                volume: at(4, i),
            })
            .collect()
    }

    /// Compares every output.
    fn compare(&self, outputs: &Outputs) -> Result<(), String> {
        let expected: Vec<&str> = self.expected.keys().map(String::as_str).collect();
        let mut got: Vec<&str> = outputs.keys().copied().collect();
        got.sort_unstable();
        let mut sorted = expected.clone();
        sorted.sort_unstable();
        if got != sorted {
            return Err(format!("{}: outputs {got:?}, expected {sorted:?}", self.name));
        }
        for name in expected {
            let tolerance = self.tolerance_by.get(name).copied().unwrap_or(self.tolerance);
            agree(&self.expected[name], &outputs[name], tolerance)
                .map_err(|(place, text)| format!("{}: {name}{place}: {text}", self.name))?;
        }
        Ok(())
    }
}

/// Whether two values agree; if not, where in them and why.
fn agree(want: &Value, got: &Value, tolerance: Tolerance) -> Result<(), (String, String)> {
    let differ = || Err((String::new(), format!("{got}, expected {want}")));
    match (want, got) {
        (Value::Array(want), Value::Array(got)) => {
            if want.len() != got.len() {
                return Err((String::new(), format!("{} values, expected {}", got.len(), want.len())));
            }
            let at = |i: usize| move |(place, text): (String, String)| (format!("[{i}]{place}"), text);
            want.iter().zip(got).enumerate().try_for_each(|(i, (w, g))| agree(w, g, tolerance).map_err(at(i)))
        }
        (Value::Object(want), Value::Object(got)) => {
            if !want.keys().eq(got.keys()) {
                return differ();
            }
            want.iter().try_for_each(|(key, w)| {
                agree(w, &got[key], tolerance).map_err(|(place, text)| (format!(".{key}{place}"), text))
            })
        }
        (Value::Number(w), Value::Number(g)) => {
            let (w, g, whole) = (w.as_f64().unwrap_or(f64::NAN), g.as_f64().unwrap_or(f64::NAN), !w.is_f64());
            // Whole numbers compare exactly.
            let room = if whole { 0.0 } else { tolerance.abs + tolerance.rel * w.abs() };
            if (g - w).abs() <= room { Ok(()) } else { differ() }
        }
        _ if want == got => Ok(()),
        _ => differ(),
    }
}

/// The runner itself: what it must not let pass.
mod runner {
    use serde_json::json;

    use super::*;

    fn one(expected: &Value) -> Vec<Case> {
        let case = json!({
            "name": "n", "fn": "f", "params": {}, "inputs": {"x": ["@s.a", 2]}, "expected": expected,
            "tol": {"abs": 0.1, "rel": 0.0}, "tol_by": {"exact": {"abs": 0, "rel": 0}},
        });
        vec![Case::read(&case, &json!({"s": {"a": [1.0, null]}}))]
    }

    fn fixed(case: &Case, _: Form) -> Option<Outputs> {
        (case.function == "f").then(|| {
            let value = column(&[Some(1.05), None]);
            BTreeMap::from([("value", value), ("exact", json!(3))])
        })
    }

    #[test]
    fn a_case_passes_only_within_its_tolerance_and_with_all_its_outputs() {
        assert_eq!(one(&json!({}))[0].input("x"), &json!([[1.0, null], 2]));
        let faults = |expected: Value| faults(&one(&expected), fixed).len();
        assert_eq!(faults(json!({"value": [1.0, null], "exact": 3})), 0);
        let wrong = [
            json!({"value": [1.2, null], "exact": 3}),
            json!({"value": [1.0, 0.0], "exact": 3}),
            json!({"value": [null, null], "exact": 3}),
            json!({"value": [1.0], "exact": 3}),
            json!({"value": [1.0, null], "exact": 4}),
            json!({"value": [1.0, null]}),
            json!({"value": [1.0, null], "exact": 3, "more": 1}),
            json!({"value": "inf", "exact": 3}),
        ];
        for expected in wrong {
            assert_eq!(faults(expected.clone()), 2, "{expected}");
        }
    }

    #[test]
    fn an_unknown_function_is_a_fault() {
        let mut cases = one(&json!({"value": [1.0, null], "exact": 3}));
        cases[0].function = "g".to_owned();
        let faults = faults(&cases, fixed);
        assert_eq!(faults.len(), 2);
        assert!(faults[0].contains("'g' is not known"), "{faults:?}");
    }
}
