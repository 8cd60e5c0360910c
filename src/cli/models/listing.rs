//! Many versions at a glance: the list, two side by side, and the history.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Answer, Shelf, words};
use crate::store::{CompareRow, HistoryEntry, RegistryEntry};

/// What the list shows of a card: metrics by which versions are told apart.
const METRICS: [(&str, &str); 3] = [("Brier", "brier"), ("AUC", "auc"), ("ECE", "ece")];

impl Shelf {
    pub(super) fn list(&self, all: bool) -> Answer {
        let everything = self.registry.list()?;
        let wanted = |e: &&RegistryEntry| {
            (all || e.universe == self.universe) && self.horizon.is_none_or(|horizon| e.horizon == horizon)
        };
        let shown: Vec<&RegistryEntry> = everything.iter().filter(wanted).collect();
        if self.json {
            return words::json(&shown);
        }
        let mut text = Vec::new();
        let mut universe = "";
        for entry in &shown {
            if entry.universe != universe {
                universe = &entry.universe;
                let of =
                    if self.features.is_some() && universe == self.universe { " (the present settings)" } else { "" };
                text.push(format!("{universe}{of}"));
            }
            text.push(listed(entry));
        }
        if shown.is_empty() {
            text.push(match self.features {
                Some(_) => format!(
                    "no models in '{}' yet: `cst` trains them on its first start, `cst train` does it now",
                    self.universe
                ),
                None => format!("no models in '{}'", self.universe),
            });
        }
        let others = everything.iter().filter(|e| e.universe != self.universe).count();
        if others > 0 && !all {
            text.push(format!("and {} of other settings: `cst models list --all`", words::how_many(others)));
        }
        Ok(text.join("\n"))
    }

    pub(super) fn history(&self) -> Answer {
        let horizon = self.horizon(None)?;
        let history = self.registry.history(&self.universe, horizon)?;
        if self.json {
            let lines: Vec<Value> = history
                .iter()
                .map(|(e, took_place)| {
                    json!({
                        "at": e.at, "what": e.what, "from": e.from, "to": e.to, "by": e.by, "reason": e.reason,
                        "took_place": took_place,
                    })
                })
                .collect();
            return words::json(&lines);
        }
        if history.is_empty() {
            return Ok(format!("nothing was ever put in force for {horizon}"));
        }
        let line = |(e, took_place): &(HistoryEntry, bool)| {
            let cut_off = if *took_place { "" } else { "  (cut off: it did not take place)" };
            format!(
                "{}  {:<9}  {} → {}  by {}: {}{cut_off}",
                e.at.minute(),
                e.what.as_str(),
                e.from.as_deref().unwrap_or("–"),
                e.to,
                e.by.as_str(),
                words::plain(&e.reason)
            )
        };
        Ok(history.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    pub(super) fn compare(&self, a: Option<&str>, b: Option<&str>, all: bool) -> Answer {
        let horizon = self.horizon(a.or(b))?;
        let a = match a {
            Some(version) => version.to_owned(),
            None => self.in_force(horizon)?.ok_or_else(|| {
                color_eyre::eyre::eyre!(
                    "nothing is in force for {horizon}: name two versions (`cst models list` shows them)"
                )
            })?,
        };
        let b = match b {
            Some(version) => version.to_owned(),
            None => self.the_candidate(horizon)?,
        };
        for version in [&a, &b] {
            self.version(horizon, version)?;
        }
        let rows = self.registry.compare(&self.universe, horizon, &a, &b)?;
        if self.json {
            return words::json(&json!({ "horizon": horizon, "a": a, "b": b, "rows": rows }));
        }
        let equal = rows.iter().filter(|row| !row.differs).count();
        let mut lines = vec![["".to_owned(), a, b, "b − a".to_owned()]];
        lines.extend(rows.iter().filter(|row| all || row.differs).map(compared));
        let width =
            |column: usize| lines.iter().filter_map(|l| l.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
        let (keys, left, right) = (width(0), width(1), width(2));
        let mut text: Vec<String> = lines
            .iter()
            .map(|[key, a, b, change]| format!("{key:<keys$}  {a:>left$}  {b:>right$}  {change}").trim_end().to_owned())
            .collect();
        if !all && equal > 0 {
            text.push(format!("{equal} more are equal: --all shows them"));
        }
        Ok(text.join("\n"))
    }
}

fn listed(entry: &RegistryEntry) -> String {
    let mark = match (entry.current, entry.candidate) {
        (true, _) => '*',
        (false, true) => '+',
        (false, false) => ' ',
    };
    let made = entry.made_at().map_or_else(|| "–".to_owned(), crate::domain::UtcMs::minute);
    let metrics = entry.card.get("metrics");
    let metric = |(name, key): &(&str, &str)| {
        let value = metrics.and_then(|m| m.get(key)).map_or_else(|| "–".to_owned(), |v| words::value(key, v));
        format!("{name} {value}")
    };
    let worth = METRICS.iter().map(metric).collect::<Vec<_>>().join("  ");
    let problem =
        entry.problem.as_ref().map(|p| format!("\n         NOT USABLE: {}", words::plain(p))).unwrap_or_default();
    let (horizon, version, size) = (entry.horizon.to_string(), &entry.version, words::bytes(entry.bytes));
    format!("{mark} {horizon:>5}  {version:<13}  {made}  {size:>9}  {worth}{problem}")
}

/// Name, both values, and how they differ.
fn compared(row: &CompareRow) -> [String; 4] {
    let key = words::plain(&row.key);
    match (&row.a, &row.b) {
        (Value::Array(a), Value::Array(b)) if a.iter().chain(b).all(Value::is_string) => {
            let set = |list: &[Value]| list.iter().filter_map(Value::as_str).map(words::plain).collect::<BTreeSet<_>>();
            let (a_set, b_set) = (set(a), set(b));
            // A formula is long: its name is enough to find it.
            let name = |item: &String| item.split(" = ").next().unwrap_or(item).to_owned();
            let gone = a_set.difference(&b_set).map(|item| format!("−{}", name(item)));
            let new = b_set.difference(&a_set).map(|item| format!("+{}", name(item)));
            let change = gone.chain(new).collect::<Vec<_>>().join(" ");
            let change = if change.is_empty() && row.differs { "another order".to_owned() } else { change };
            [key, a.len().to_string(), b.len().to_string(), change]
        }
        (a, b) if a.is_array() || b.is_array() => {
            let many = |v: &Value| {
                v.as_array().map_or_else(|| words::value(&row.key, v), |list| format!("{} items", list.len()))
            };
            [key, many(a), many(b), if row.differs { "differs".to_owned() } else { String::new() }]
        }
        (a, b) => {
            let (left, right) = (words::value(&row.key, a), words::value(&row.key, b));
            let instant = left.contains(':');
            let change = match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) if row.differs && !instant && !row.key.ends_with("seed") => {
                    format!("{}{}", if b > a { "+" } else { "" }, words::number(b - a))
                }
                _ => String::new(),
            };
            let short = |text: String| {
                if text.chars().count() > 24 {
                    format!("{}…", text.chars().take(23).collect::<String>())
                } else {
                    text
                }
            };
            [key, short(left), short(right), change]
        }
    }
}
