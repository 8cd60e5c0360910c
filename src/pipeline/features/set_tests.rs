//! What a set may say, what it must not, and what its hash knows.

use super::*;

const GROUPS: &str = "[groups]\nmain = { words = \"w\", required = true, models = true }\nmore = { words = \"w\", required = false, models = false }\n";

/// A set of these nodes and features, one entry per line.
fn text(nodes: &str, features: &str) -> String {
    format!("leader = \"BTC/USD\"\nnodes = [\n{nodes}\n]\nfeatures = [\n{features}\n]\n{GROUPS}")
}

fn complaints(text: &str) -> Vec<String> {
    let error = FeatureSet::parse("config/features.toml", text).expect_err("an error");
    assert!(error.to_string().starts_with("the feature set in 'config/features.toml' cannot be used:"), "{error}");
    error.problems.into_iter().map(|p| format!("{}: {}", p.entry, p.text)).collect()
}

fn set(nodes: &str, features: &str) -> FeatureSet {
    FeatureSet::parse("f", &text(nodes, features)).unwrap_or_else(|e| panic!("{e}"))
}

const RSI: &str = r#"{ group = "main", name = "rsi", kernel = "rsi", input = "close", period = 14 },"#;

#[test]
fn the_built_in_set_is_sound_and_begins_with_what_models_see() {
    let set = FeatureSet::built_in();
    assert_eq!((set.warm_up(), set.agreement(), set.leader().as_str()), (200, 1_401, "BTC/USD"));
    let inputs: Vec<&str> = set.schema().inputs().map(|c| c.name.as_str()).collect();
    assert_eq!(inputs.len(), 20);
    assert_eq!((inputs[0], inputs[19]), ("return_1", "hour_cos"));
    let first: Vec<&str> = set.schema().columns().iter().take(20).map(|c| c.name.as_str()).collect();
    assert_eq!(inputs, first);
    let training = set.for_training().unwrap();
    assert_eq!(training.schema().input_hash(), set.schema().input_hash());
    assert_eq!((training.schema().len(), training.warm_up()), (20, 200));
}

/// Each of these must be refused, at the entry and with the words given.
#[test]
fn errors_name_entry_key_value_and_what_is_allowed() {
    let feature = |rest: &str| text("", &format!("{{ group = \"main\", name = \"x\", {rest} }},"));
    for (text, words) in [
        (
            feature(r#"kernel = "rsj", input = "close", period = 14"#),
            &["feature 'x': there is no kernel 'rsj' (did you mean 'rsi'?); there are difference, "][..],
        ),
        (
            feature(r#"kernel = "rsi", input = "close""#),
            &["feature 'x': kernel 'rsi' needs 'period': a whole number from 1 to 17520"],
        ),
        (
            feature(r#"kernel = "rsi", input = "close", period = 0"#),
            &["feature 'x': 'period' is 0; it must be a whole number from 1 to 17520"],
        ),
        (
            feature(r#"kernel = "rsi", input = "close", period = 14.5"#),
            &["'period' is 14.5; it must be a whole number"],
        ),
        (
            feature(r#"kernel = "rsi", input = "close", period = "14""#),
            &["'period' is \"14\"; it must be a whole number"],
        ),
        (
            feature(r#"kernel = "rsi", input = "close", perod = 14"#),
            &[
                "kernel 'rsi' needs 'period'",
                "'perod' is no key here; allowed are name, kernel, input, line, transform, group, period (did you mean 'period'?)",
            ],
        ),
        (
            feature(r#"kernel = "rsi", input = "closs", period = 14"#),
            &[
                "feature 'x': 'closs' is no input column (open, high, low, close, volume, hour_of_day, hour_of_week",
                "(did you mean 'close'?)",
            ],
        ),
        (feature(r#"kernel = "rsi", period = 14"#), &["kernel 'rsi' needs 1 input(s) (x), 0 given"]),
        (
            feature(r#"kernel = "rsi", input = ["close", "open"], period = 14"#),
            &["kernel 'rsi' needs 1 input(s) (x), 2 given"],
        ),
        (feature(r#"kernel = "rsi", input = 5, period = 14"#), &["'input' is 5; it must be a name in quotes"]),
        (
            feature(r#"kernel = "atr", input = "close", period = 14"#),
            &["kernel 'atr' always reads high, low, close; leave 'input' out"],
        ),
        (feature(r#"kernel = "adx", period = 14"#), &["'line' is missing: which of adx, plus_di, minus_di, dx"]),
        (
            feature(r#"kernel = "adx", period = 14, line = "plus""#),
            &["'line' is 'plus'; it must be one of adx, plus_di, minus_di, dx"],
        ),
        (
            feature(r#"input = "close", transform = "lm""#),
            &["there is no transform 'lm' (did you mean 'ln'?); there are ma_distance, "],
        ),
        (
            feature(r#"input = "close", transform = { kind = "over_sigma", sigma = "high" }"#),
            &["transform 'over_sigma' needs 'bars': a whole number from 1"],
        ),
        (
            feature(r#"input = "close", transform = { kind = "ln", bars = 3 }"#),
            &["transform 'ln': 'bars' is no key here; allowed are kind"],
        ),
        (
            feature(r#"input = "close", transform = { kind = "per", unit = "nothing" }"#),
            &["'nothing' is no input column"],
        ),
        (feature(r#"input = "close", transform = 3"#), &["'transform' is 3; write \"ln\" or { kind"]),
        (feature(r#"transform = "ln""#), &["it needs a 'kernel', or one 'input' to transform"]),
        (feature(r#"kernel = "rsi", input = "x", period = 14"#), &["feature 'x': it goes round in a circle: x → x"]),
        (feature(r#"kernel = "obv""#), &["depends on where history begins; take its change, zscore or rank"]),
        (
            feature(r#"kernel = "sma", input = "close", period = 800"#),
            &["it needs 800 bars before its first value; in a required group at most 696"],
        ),
        (
            feature(r#"kernel = "leader", input = "close""#),
            &["it looks at all pairs, which may be absent; put it into a group with required = false"],
        ),
        (
            text(
                r#"{ name = "a", kernel = "sma", input = "b", period = 3 }, { name = "b", kernel = "sma", input = "a", period = 3 },"#,
                RSI,
            ),
            &["node 'a': it goes round in a circle: a → b → a"],
        ),
        (
            text(r#"{ name = "a", kernel = "sma", input = "q", period = 3 },"#, RSI),
            &["node 'a': 'q' is no input column"],
        ),
        (text("", &format!("{RSI}\n{RSI}")), &["feature 'rsi': this name is given twice"]),
        (
            text(r#"{ name = "close", kernel = "sma", input = "open", period = 3 },"#, RSI),
            &["node 'close': this is the name of an input column"],
        ),
        (text("", r#"{ group = "main", name = "RSI", input = "close" },"#), &["a name has at most 40 small letters"]),
        (
            text("", r#"{ group = "mian", name = "x", input = "close" },"#),
            &["group 'mian' is not defined; there are main, more (did you mean 'main'?)"],
        ),
        (text("", r#"{ name = "x", input = "close" },"#), &["'group' is missing; it must be the name of a group"]),
        (text("", r#"{ group = "main", input = "close" },"#), &["feature number 1: 'name' is missing"]),
        (text("", "7,"), &["feature number 1: it is 7; write { name"]),
        (
            text("", &format!("{RSI} {{ group = \"more\", name = \"has_more\", input = \"close\" }},")),
            &["feature 'has_more': this name belongs to the column that says whether group 'more' is there"],
        ),
        (text("", ""), &["it names no features"]),
        (
            text("", r#"{ group = "more", name = "x", input = "close" },"#),
            &["no feature is in a group with models = true"],
        ),
        ("leader = 5".to_owned(), &["leader: it is 5; it must be a pair in quotes", "groups: they are missing"]),
        ("features = [".to_owned(), &["it is no TOML: "]),
        (
            text("", RSI).replace("required = true", "required = false"),
            &["group 'main': models = true needs required = true"],
        ),
        (text("", RSI).replace("words = \"w\"", "words = 3"), &["group 'main': 'words' is 3; it must be a text"]),
        (
            format!("colour = 1\n{}", text("", RSI)),
            &["'colour' is no key here; allowed are leader, groups, nodes, features"],
        ),
    ] {
        let found = complaints(&text).join("\n");
        for words in words {
            assert!(found.contains(words), "{words}\nis not in\n{found}\nof\n{text}");
        }
    }
}

#[test]
fn every_problem_is_told_at_once() {
    let two = r#"{ group = "main", name = "x", kernel = "rsj" }, { group = "main", name = "y", kernel = "sma", input = "close" },"#;
    let found = complaints(&text("", two));
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn the_hash_depends_on_meaning_and_order_alone() {
    let sma = r#"{ group = "more", name = "mean", kernel = "sma", input = "r", period = 9 },"#;
    let node = r#"{ name = "r", kernel = "log_return", input = "close", bars = 1 },"#;
    let base = set(node, &format!("{RSI}\n{sma}"));
    let hash = |set: &FeatureSet| set.schema().hash().to_owned();
    // Comments, the order of keys, the names of helpers and nodes that nothing uses do not matter.
    let keys = r#"{ period = 14, input = "close", kernel = "rsi", name = "rsi", group = "main" }, # a comment"#;
    assert_eq!(hash(&set(node, &format!("{keys}\n{sma}"))), hash(&base));
    let helper = (node.replace("\"r\"", "\"step\""), sma.replace("\"r\"", "\"step\""));
    assert_eq!(hash(&set(&helper.0, &format!("{RSI}\n{}", helper.1))), hash(&base));
    let unused = r#"{ name = "u", kernel = "ema", input = "close", period = 3 },"#;
    assert_eq!(hash(&set(&format!("{node}{unused}"), &format!("{RSI}\n{sma}"))), hash(&base));
    // A parameter, a helper's parameter, the order, a name, a group do.
    for (nodes, features) in [
        (node.to_owned(), format!("{}\n{sma}", RSI.replace("14", "15"))),
        (node.replace("bars = 1", "bars = 2"), format!("{RSI}\n{sma}")),
        (node.to_owned(), format!("{sma}\n{RSI}")),
        (node.to_owned(), format!("{RSI}\n{}", sma.replace("mean", "average"))),
        (node.to_owned(), format!("{RSI}\n{}", sma.replace("more", "main"))),
    ] {
        assert_ne!(hash(&set(&nodes, &features)), hash(&base), "{nodes} {features}");
    }
}

#[test]
fn equal_expressions_are_computed_once_and_warm_up_runs_through_the_graph() {
    let nodes = r#"{ name = "e", kernel = "ema", input = "close", period = 10 },"#;
    let features = r#"
        { group = "main", name = "a", kernel = "sma", input = "e", period = 5, transform = { kind = "per", unit = "e" } },
        { group = "main", name = "b", kernel = "ema", input = "close", period = 10, transform = { kind = "slope", bars = 7, sigma = "a" } },
        { group = "more", name = "c", kernel = "adx", period = 14, line = "adx" },"#;
    let set = set(nodes, features);
    // EMA, SMA, ratio, lag, log ratio, ratio; and what the levels add beside ADX.
    let formulas: Vec<&str> = set.graph.slots.iter().map(|s| s.formula.as_str()).collect();
    assert_eq!(formulas.iter().filter(|f| **f == "ema(close; period=10)").count(), 1);
    assert_eq!(formulas.iter().filter(|f| f.starts_with("adx(")).count(), 4);
    let warm: Vec<(usize, usize)> = set.features().map(|(_, f)| (f.filled, f.settled)).collect();
    // The last is the column that says whether the optional group is there.
    assert_eq!(warm, [(14, 75), (17, 78), (28, 421), (1, 421)]);
    assert_eq!((set.warm_up(), set.agreement()), (17, 78));
    let (column, feature) = set.features().last().unwrap();
    assert_eq!((column.name.as_str(), column.required), ("has_more", false));
    assert!(feature.words.contains("'more'"));
    let words: Vec<&str> = set.features().take(2).map(|(_, f)| f.words.as_str()).collect();
    assert_eq!(words, ["SMA5 of e / e", "ln(EMA10 of close / EMA10 of close 7 bars before) / a"]);
}

#[test]
fn a_formula_that_explodes_is_refused() {
    let mut nodes = r#"{ name = "n0", kernel = "product", input = ["close", "close"] },"#.to_owned();
    for i in 1..60 {
        nodes.push_str(&format!("{{ name = \"n{i}\", kernel = \"product\", input = [\"n{0}\", \"n{0}\"] }},\n", i - 1));
    }
    assert!(complaints(&text(&nodes, RSI)).join("\n").contains("more than 20000 letters"));
}
