//! A version's card as a person reads it. What this program does not know of a card is shown too, at the end of its part.

use std::cell::RefCell;
use std::collections::BTreeSet;

use color_eyre::eyre::eyre;
use serde_json::{Map, Value, json};

use super::{Answer, Shelf, words};
use crate::ml::leakage::DropReason;
use crate::store::RegistryEntry;

/// Width of the names at the left, and of what stands beside them.
const NAMES: usize = 14;
const WIDTH: usize = 100;

/// Fields of an object, remembering which were shown.
struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    shown: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Fields<'a> {
    fn of(value: Option<&'a Value>) -> Self {
        Self { map: value.and_then(Value::as_object), shown: RefCell::default() }
    }

    fn get(&self, key: &'static str) -> Option<&'a Value> {
        self.shown.borrow_mut().insert(key);
        self.map?.get(key)
    }

    /// What is shown elsewhere.
    fn pass_over(&self, keys: &[&'static str]) {
        self.shown.borrow_mut().extend(keys);
    }

    /// The value in words; a dash when it is absent.
    fn words(&self, key: &'static str) -> String {
        self.get(key).map_or_else(|| "–".to_owned(), |value| words::value(key, value))
    }

    fn float(&self, key: &'static str) -> Option<f64> {
        self.get(key).and_then(Value::as_f64)
    }

    fn percent(&self, key: &'static str) -> String {
        self.float(key).map_or_else(|| "–".to_owned(), |share| format!("{:.2} %", share * 100.0))
    }

    fn list(&self, key: &'static str) -> &'a [Value] {
        self.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Everything that was not shown.
    fn rest(&self) -> Vec<String> {
        let shown = self.shown.borrow();
        let more = self.map.into_iter().flatten().filter(|(key, _)| !shown.contains(key.as_str()));
        more.flat_map(|(key, value)| unknown(key, value, 2)).collect()
    }
}

impl Shelf {
    pub(super) fn show(&self, version: Option<&str>) -> Answer {
        let horizon = self.horizon(version)?;
        let version = match version {
            Some(version) => version.to_owned(),
            None => self.in_force(horizon)?.ok_or_else(|| {
                eyre!("nothing is in force for {horizon}: name a version (`cst models list` shows them)")
            })?,
        };
        let entry = self.version(horizon, &version)?;
        // A version whose card is gone is shown as well: what is wrong with it is what counts.
        let facts = self.registry.facts(&self.universe, horizon, &version).unwrap_or_default();
        if self.json {
            return words::json(&json!({ "stored": entry, "facts": facts }));
        }
        Ok(sheet(&entry, &facts, self.features.is_some()).join("\n"))
    }
}

fn sheet(entry: &RegistryEntry, facts: &Value, present: bool) -> Vec<String> {
    let standing = match (entry.current, entry.candidate) {
        (true, _) => "in force",
        (false, true) => "candidate",
        (false, false) => "stored",
    };
    let of = if present { " (the present settings)" } else { "" };
    let mut text = vec![format!("{}  {}  {standing}  {}{of}", entry.version, entry.horizon, entry.universe)];
    let saved = entry.saved_at.map_or_else(|| "–".to_owned(), crate::domain::UtcMs::minute);
    let whole = match &entry.problem {
        None => "hash verified".to_owned(),
        Some(problem) => format!("NOT USABLE: {}", words::plain(problem)),
    };
    text.push(line("files", &format!("{}, saved {saved}, {whole}", words::bytes(entry.bytes))));
    if facts.is_null() {
        return text;
    }
    let card = Fields::of(Some(facts));
    card.pass_over(&["version", "horizon"]);
    text.extend(origin(&card));
    text.extend(inputs(&card));
    text.extend(metrics(&card));
    text.extend(evidence(&card));
    let rest = card.rest();
    if !rest.is_empty() {
        text.push("also on the card".to_owned());
        text.extend(rest);
    }
    text
}

fn line(name: &str, words: &str) -> String {
    format!("  {name:<NAMES$}{words}")
}

fn wrapped(name: &str, list: &[String]) -> String {
    line(name, &words::wrapped(list, WIDTH, NAMES + 2))
}

/// Where the model comes from.
fn origin(card: &Fields<'_>) -> Vec<String> {
    let pairs: Vec<String> = card.list("pairs").iter().map(|pair| words::value("pairs", pair)).collect();
    let exits = Fields::of(card.get("exits"));
    exits.pass_over(&["horizon"]);
    let mut text = vec![
        line(
            "trained",
            &format!("{} by cst {}, seed {}", card.words("trained_at"), card.words("code_version"), card.words("seed")),
        ),
        line("data", &format!("{} … {}, {}", card.words("data_from"), card.words("data_to"), pairs.join(" "))),
        line(
            "rows",
            &format!(
                "{}, worth {} (n_eff); returns of the pairs correlate by {}",
                card.words("rows"),
                card.words("n_eff"),
                card.words("rho")
            ),
        ),
        line(
            "trade",
            &format!(
                "target {} and stop {} × σ24·√H/2; a round trip costs {}",
                exits.words("target_multiple"),
                exits.words("stop_multiple"),
                card.percent("cost")
            ),
        ),
        line("folds", &format!("{} walk-forward test blocks", card.words("folds"))),
    ];
    text.extend(exits.rest());
    text
}

fn inputs(card: &Fields<'_>) -> Vec<String> {
    let strings = |list: &[Value]| list.iter().map(|item| words::value("", item)).collect::<Vec<_>>();
    let (features, inputs) = (strings(card.list("features")), card.list("inputs"));
    let hash = |key: &'static str| card.words(key).chars().take(12).collect::<String>();
    let mut text = vec![
        line(
            "features",
            &format!(
                "{} of {} inputs (hash {}, of the whole set {})",
                features.len(),
                inputs.len(),
                hash("feature_hash"),
                hash("set_hash")
            ),
        ),
        wrapped("", &features),
    ];
    let dropped = card.list("dropped");
    if dropped.is_empty() {
        text.push(line("dropped", "none"));
    }
    for (place, one) in dropped.iter().enumerate() {
        let reason = one.get("reason").unwrap_or(&Value::Null);
        let known = serde_json::from_value::<DropReason>(reason.clone()).ok().map(|reason| reason.to_string());
        let feature = one.get("feature").map_or_else(|| words::value("", one), |name| words::value("", name));
        let why = known.unwrap_or_else(|| words::value("reason", reason));
        text.push(line(if place == 0 { "dropped" } else { "" }, &format!("{feature}: {why}")));
    }
    text
}

/// How well it did out of sample.
fn metrics(card: &Fields<'_>) -> Vec<String> {
    let Some(found) = card.get("metrics") else { return Vec::new() };
    let m = Fields::of(Some(found));
    let mut text = vec![
        format!("out of sample ({} rows, worth {})", m.words("rows"), m.words("n_eff")),
        line("Brier", &format!("{}   always saying the base rate: {}", m.words("brier"), m.words("brier_base"))),
        line("log loss", &m.words("log_loss")),
        line("AUC", &m.words("auc")),
        line("calibration", &format!("{}; ECE {} ± {}", card.words("calibration"), m.words("ece"), m.words("ece_se"))),
        line("coverage", &format!("{} of returns inside the 80 % interval", m.percent("coverage"))),
    ];
    let bins = m.list("reliability");
    if !bins.is_empty() {
        text.push(line("reliability", "said     was      rows"));
    }
    for bin in bins {
        let at = |place: usize| bin.get(place).map_or_else(|| "–".to_owned(), |v| words::value("", v));
        text.push(line("", &format!("{:<8} {:<8} {}", at(0), at(1), at(2))));
    }
    text.extend(m.rest());
    text
}

/// What speaks for letting it pass the gate.
fn evidence(card: &Fields<'_>) -> Vec<String> {
    let gate = card.words("gate");
    let Some(found) = card.get("evidence") else {
        return vec![
            format!("evidence for the gate ({gate})"),
            line("", "unknown: the model's file cannot be read, or holds none"),
        ];
    };
    let e = Fields::of(Some(found));
    let mut text = vec![format!("evidence for the gate ({gate})")];
    let n = e.words("n");
    text.push(line("candidates", &format!("{n} at or above the gate, worth {}", e.words("n_eff"))));
    let (hit, net) = (e.percent("hit_rate"), e.percent("mean_net"));
    let (hit_lower, net_lower) = (e.percent("hit_rate_lower"), e.percent("mean_net_lower"));
    if n == "0" {
        text.push(line("", "none: nothing this model says passes the gate"));
    } else {
        text.push(line("hit rate", &format!("{hit}, at least {hit_lower}")));
        text.push(line("mean net", &format!("{net} a trade, at least {net_lower}")));
    }
    text.extend(e.rest());
    text
}

/// A field that this program has no words for: a value on its line, an object or a list of such below it.
fn unknown(key: &str, value: &Value, indent: usize) -> Vec<String> {
    let key_words = words::plain(key);
    let head = format!("{:indent$}{key_words}", "");
    let deep = |items: &[Value]| items.iter().any(|item| item.is_object() || item.is_array());
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            std::iter::once(head).chain(fields.iter().flat_map(|(k, v)| unknown(k, v, indent + 2))).collect()
        }
        Value::Array(items) if deep(items) => {
            let row = |item: &Value| format!("{:width$}{}", "", words::value(key, item), width = indent + 2);
            std::iter::once(head).chain(items.iter().map(row)).collect()
        }
        value => {
            let list: Vec<String> = words::value(key, value).split(' ').map(ToOwned::to_owned).collect();
            let name = NAMES.max(key_words.chars().count() + 1);
            vec![format!("{:indent$}{key_words:<name$}{}", "", words::wrapped(&list, WIDTH, indent + name))]
        }
    }
}
