//! The columns of the feature set, and one pair's values of them at an instant.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One feature: a stationary number (never a raw price or volume) that has a value at the close of an hourly bar, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// Features that come and go together.
    pub group: String,
    /// Without a value of it there is no decision. The other columns may lack one: their group has a column that says so.
    pub required: bool,
    /// Models are trained on it.
    pub model: bool,
    /// What is computed, written out to the last input: equal texts mean equal numbers.
    pub formula: String,
}

/// The columns of a feature set in their order, which is the order of every model's inputs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Column>", into = "Vec<Column>")]
pub struct Schema {
    columns: Vec<Column>,
    hash: String,
    input_hash: String,
}

impl Schema {
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        let all = columns.iter().map(|c| {
            let (need, use_) = (if c.required { "required" } else { "optional" }, if c.model { "model" } else { "-" });
            format!("{} | {} | {need} | {use_} | {}", c.name, c.group, c.formula)
        });
        let hash = digest(all);
        let input_hash = digest(columns.iter().filter(|c| c.model).map(input_line));
        Self { columns, hash, input_hash }
    }

    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Place of a column.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// The columns that models are trained on, in order: input `i` of a model is the `i`-th of them.
    pub fn inputs(&self) -> impl Iterator<Item = &Column> + Clone {
        self.columns.iter().filter(|c| c.model)
    }

    /// Each model input as `name = formula`, as a model's card keeps it.
    #[must_use]
    pub fn input_lines(&self) -> Vec<String> {
        self.inputs().map(input_line).collect()
    }

    /// SHA-256 (hex) of all columns in order: names, groups, use and formulas.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// SHA-256 (hex) of the model inputs in order. A model is usable exactly where this is what it was trained on.
    #[must_use]
    pub fn input_hash(&self) -> &str {
        &self.input_hash
    }
}

fn input_line(column: &Column) -> String {
    format!("{} = {}", column.name, column.formula)
}

fn digest(lines: impl Iterator<Item = String>) -> String {
    let mut hasher = Sha256::new();
    for line in lines {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

impl From<Vec<Column>> for Schema {
    fn from(columns: Vec<Column>) -> Self {
        Self::new(columns)
    }
}

impl From<Schema> for Vec<Column> {
    fn from(schema: Schema) -> Self {
        schema.columns
    }
}

/// One value per column of a [`Schema`]; none while a window is not filled or overlaps a hole. Equal rows are equal bit for bit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct FeatureRow {
    schema: Arc<Schema>,
    /// NaN where there is no value.
    values: Box<[f64]>,
}

/// A row as it is written: with its columns, so that it can be read by itself.
#[derive(Serialize, Deserialize)]
struct Stored {
    columns: Arc<Schema>,
    values: Vec<Option<f64>>,
}

impl From<Stored> for FeatureRow {
    fn from(stored: Stored) -> Self {
        Self::new(stored.columns, stored.values.into_iter().map(|v| v.unwrap_or(f64::NAN)))
    }
}

impl From<FeatureRow> for Stored {
    fn from(row: FeatureRow) -> Self {
        Self { values: row.values().collect(), columns: row.schema }
    }
}

impl PartialEq for FeatureRow {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.schema, &other.schema) || self.schema == other.schema)
            && self.values.iter().map(|v| v.to_bits()).eq(other.values.iter().map(|v| v.to_bits()))
    }
}

impl FeatureRow {
    /// A row of these values in the order of the columns; what is not finite or not given is no value.
    #[must_use]
    pub fn new(schema: Arc<Schema>, values: impl IntoIterator<Item = f64>) -> Self {
        let given = values.into_iter().map(|v| if v.is_finite() { v } else { f64::NAN });
        let values = given.chain(std::iter::repeat(f64::NAN)).take(schema.len()).collect();
        Self { schema, values }
    }

    /// A row without any value.
    #[must_use]
    pub fn blank(schema: Arc<Schema>) -> Self {
        Self::new(schema, [])
    }

    /// A row without columns.
    #[must_use]
    pub fn empty() -> Self {
        Self::blank(Arc::default())
    }

    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The value of a column; none also for a name that is no column.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.at(self.schema.position(name)?)
    }

    /// The value at a place.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<f64> {
        self.values.get(place).copied().filter(|v| !v.is_nan())
    }

    /// Every value in the order of the columns.
    pub fn values(&self) -> impl Iterator<Item = Option<f64>> {
        self.values.iter().map(|v| Some(*v).filter(|v| !v.is_nan()))
    }

    /// The first required column without a value: no value, no trade.
    #[must_use]
    pub fn missing(&self) -> Option<&Column> {
        self.schema.columns.iter().zip(&self.values).find(|(c, v)| c.required && v.is_nan()).map(|(c, _)| c)
    }

    /// The values of the model inputs in order.
    ///
    /// # Errors
    /// The first of them that has no value.
    pub fn inputs(&self) -> Result<Box<[f64]>, &Column> {
        let inputs = || self.schema.columns.iter().zip(&self.values).filter(|(c, _)| c.model);
        match inputs().find(|(_, v)| v.is_nan()) {
            Some((column, _)) => Err(column),
            None => Ok(inputs().map(|(_, v)| *v).collect()),
        }
    }

    /// How many columns have a value.
    #[must_use]
    pub fn present(&self) -> usize {
        self.values().flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, required: bool, model: bool, formula: &str) -> Column {
        Column { name: name.to_owned(), group: "g".to_owned(), required, model, formula: formula.to_owned() }
    }

    fn schema() -> Schema {
        Schema::new(vec![
            column("a", true, true, "ln(close)"),
            column("b", false, false, "ln(high)"),
            column("c", true, true, "ln(low)"),
        ])
    }

    #[test]
    fn a_missing_value_is_named() {
        let schema = Arc::new(schema());
        let row = FeatureRow::new(Arc::clone(&schema), [0.5, f64::NAN, 0.25]);
        assert_eq!((row.missing(), row.present(), row.get("b"), row.get("c")), (None, 2, None, Some(0.25)));
        assert_eq!(row.inputs().as_deref(), Ok(&[0.5, 0.25][..]));
        let row = FeatureRow::new(Arc::clone(&schema), [0.5, 1.0, f64::INFINITY]);
        assert_eq!(row.missing().map(|c| c.name.as_str()), Some("c"));
        assert_eq!(row.inputs().map_err(|c| c.name.as_str()), Err("c"));
        assert_eq!(FeatureRow::blank(schema).present(), 0);
        assert_eq!(FeatureRow::empty().missing(), None);
    }

    #[test]
    fn rows_are_equal_by_bits_and_come_back_from_their_text() {
        let schema = Arc::new(schema());
        let row = FeatureRow::new(Arc::clone(&schema), [0.1, f64::NAN, -0.0]);
        assert_eq!(row, row.clone());
        assert_ne!(row, FeatureRow::new(Arc::clone(&schema), [0.1, f64::NAN, 0.0]));
        let text = serde_json::to_string(&row).unwrap();
        let back: FeatureRow = serde_json::from_str(&text).unwrap();
        assert_eq!(back, row);
        assert_eq!(back.schema().hash(), schema.hash());
    }

    #[test]
    fn the_hash_knows_what_is_computed_and_in_which_order() {
        let base = schema();
        let with = |change: &dyn Fn(&mut Vec<Column>)| {
            let mut columns = base.columns().to_vec();
            change(&mut columns);
            Schema::new(columns)
        };
        assert_eq!(with(&|_| {}), base);
        let swapped = with(&|c| c.swap(0, 2));
        assert_ne!((swapped.hash(), swapped.input_hash()), (base.hash(), base.input_hash()));
        let other = with(&|c| c[0].formula = "ln(open)".to_owned());
        assert_ne!((other.hash(), other.input_hash()), (base.hash(), base.input_hash()));
        // What models do not see changes the set, but no model.
        let beside = with(&|c| c[1].formula = "ln(open)".to_owned());
        assert_ne!(beside.hash(), base.hash());
        assert_eq!(beside.input_hash(), base.input_hash());
        assert_eq!(base.input_lines(), ["a = ln(close)", "c = ln(low)"]);
    }
}
