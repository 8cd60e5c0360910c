use std::fs;

use proptest::prelude::*;

use super::*;
use crate::config::{Ascii, render_default};
use crate::domain::time::UtcMs;

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("config")).unwrap();
    home
}

fn write(home: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = home.path().join("config").join(name);
    fs::write(&path, text).unwrap();
    path
}

fn load_with(
    home: &tempfile::TempDir,
    file: Option<&Path>,
    sets: &[&str],
    env: &[(&str, &str)],
) -> Result<Loaded, ConfigError> {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    load(home.path(), file, &sets, env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
}

fn problems(result: Result<Loaded, ConfigError>) -> Vec<String> {
    result.unwrap_err().problems.iter().map(ToString::to_string).collect()
}

#[test]
fn without_any_layer_the_defaults_hold() {
    let loaded = load_with(&home(), None, &[], &[]).unwrap();
    assert_eq!(loaded.settings, Settings::default());
    assert_eq!(loaded.origins.len(), SETTINGS.len());
    assert!(loaded.origins.values().all(|origin| *origin == Origin::Default));
    assert!(loaded.files.is_empty());
}

#[test]
fn the_default_file_repeats_the_defaults() {
    let home = home();
    write(&home, "default.toml", &render_default());
    let loaded = load_with(&home, None, &[], &[]).unwrap();
    assert_eq!(loaded.settings, Settings::default());
    assert!(loaded.origins.values().all(|origin| *origin == Origin::Default));
    assert_eq!(loaded.files.len(), 1);
}

#[test]
fn later_layers_win_and_every_value_knows_its_origin() {
    let home = home();
    let default =
        write(&home, "default.toml", "[gate]\nthreshold = 0.81\nmin_lift = 0.06\n[risk]\nposition_max = 0.11\n");
    let local =
        write(&home, "local.toml", "# mine\n[risk]\nposition_max = 0.12\nexposure_max = 0.5\n[ui]\nascii = true\n");
    let loaded = load_with(
        &home,
        None,
        &["gate.threshold=0.9", "gate.threshold = 0.95"],
        &[("CST__RISK__EXPOSURE_MAX", "0.4"), ("CST__GATE__THRESHOLD", "0.85"), ("CST_HOME", "x"), ("PATH", "/bin")],
    )
    .unwrap();
    let s = &loaded.settings;
    assert_eq!(s.core.gate.threshold, 0.95);
    assert_eq!(s.core.gate.min_lift, 0.06);
    assert_eq!(s.core.risk.position_max, 0.12);
    assert_eq!(s.core.risk.exposure_max, 0.4);
    assert_eq!(s.ui.ascii, Ascii::Always);
    assert_eq!(s.core.gate.max_ece, 0.05);
    let origin = |key: &str| loaded.origins[key].clone();
    assert_eq!(origin("gate.threshold"), Origin::Set);
    assert_eq!(origin("gate.min_lift"), Origin::File { path: default, line: Some(3) });
    assert_eq!(origin("risk.position_max"), Origin::File { path: local.clone(), line: Some(3) });
    assert_eq!(origin("risk.exposure_max"), Origin::Environment("CST__RISK__EXPOSURE_MAX".to_owned()));
    assert_eq!(origin("ui.ascii").to_string(), format!("{}:6", local.display()));
    assert_eq!(origin("gate.max_ece"), Origin::Default);
}

#[test]
fn a_named_file_stands_in_for_the_local_one_and_must_exist() {
    let home = home();
    write(&home, "local.toml", "[gate]\nthreshold = 0.9\n");
    let other = write(&home, "other.toml", "[gate]\nmin_lift = 0.1\n");
    let loaded = load_with(&home, Some(&other), &[], &[]).unwrap();
    assert_eq!((loaded.settings.core.gate.threshold, loaded.settings.core.gate.min_lift), (0.80, 0.1));
    let missing = problems(load_with(&home, Some(Path::new("/nowhere/x.toml")), &[], &[]));
    assert!(missing[0].starts_with("/nowhere/x.toml: the file cannot be read"), "{missing:?}");
}

#[test]
fn every_problem_is_listed_with_file_key_value_range_and_advice() {
    let home = home();
    let local = write(
        &home,
        "local.toml",
        "speed = 3\n[gate]\ntreshold = 0.9\nthreshold = 1.2\n[gates]\nx = 1\ny = 2\n[paper]\ninitial_cash = \"much\"\nmaker_fee = \"free\"\n[language_model]\napi_secret = \"sk-12345\"\n",
    );
    let local = local.display();
    let found = problems(load_with(
        &home,
        None,
        &["risk.position_max", "position_max=0.1", "ui.fps=60"],
        &[("CST__LOGS__LEVEL", "loud"), ("CST__X", "1")],
    ));
    let wanted = [
        format!("{local}:1: 'speed' stands alone; every setting belongs to a section: [section], then key = value"),
        format!("{local}:3: there is no setting 'gate.treshold'. Did you mean 'gate.threshold'?"),
        format!("{local}:4: gate.threshold = 1.2 is out of range. Allowed: a number, 0.5 to 0.999. For example: threshold = 0.8"),
        format!("{local}:5: there is no section 'gates'. Did you mean 'gate'?"),
        format!(
            "{local}:9: paper.initial_cash = \"much\" is text, not a number. Allowed: a number above 0, at most 1000000000. For example: initial_cash = 100000.0"
        ),
        format!(
            "{local}:10: paper.maker_fee = \"free\" is neither \"schedule\" nor a number. Allowed: \"schedule\" or a number, 0 to 0.1. For example: maker_fee = \"schedule\""
        ),
        format!(
            "{local}:12: there is no setting 'language_model.api_secret'. Secrets are no settings: use the environment variable OPENAI_API_KEY or config/secrets.toml."
        ),
        "environment CST__LOGS__LEVEL: logs.level = \"loud\" is none of the words. Allowed: \"trace\", \"debug\", \"info\", \"warn\", \"error\". For example: level = \"info\"".to_owned(),
        "environment CST__X: there is no setting 'x'. `cst config show` lists all settings.".to_owned(),
        "--set: 'risk.position_max' has no value; write --set section.key=value".to_owned(),
        "--set: there is no setting 'position_max'. Did you mean 'risk.position_max'?".to_owned(),
        "--set: ui.fps = 60 is out of range. Allowed: a whole number, 1 to 20. For example: fps = 20".to_owned(),
    ];
    assert_eq!(found, wanted);
    assert!(!found.join("\n").contains("sk-12345"));
}

#[test]
fn broken_toml_is_named_by_line_and_the_other_layers_are_still_checked() {
    let home = home();
    let local = write(&home, "local.toml", "[gate]\nthreshold = \n[risk]\n");
    let found = problems(load_with(&home, None, &["gate.threshold=2"], &[]));
    assert!(found[0].starts_with(&format!("{}:2: this is not TOML", local.display())), "{found:?}");
    assert!(found[1].starts_with("--set: gate.threshold = 2"), "{found:?}");
    let local = write(&home, "local.toml", "[training]\nseed = 99999999999999999999\n");
    let found = problems(load_with(&home, None, &[], &[]));
    assert!(found[0].starts_with(&format!("{}:2: ", local.display())), "{found:?}");
}

#[test]
fn rules_between_settings_are_kept() {
    for (sets, broken) in [
        (vec!["training.to=2024-07-18T00:00:00Z"], "replay.trading_from"),
        (vec!["replay.trading_from=2024-06-01T00:00:00Z"], "training.to"),
        (vec!["training.from=2024-07-01T00:00:00Z"], "training must end after it begins"),
        (vec!["risk.drawdown_halve=0.15"], "risk.drawdown_stop"),
        (vec!["risk.daily_loss_max=0.06"], "risk.weekly_loss_max"),
        (vec!["risk.position_max=0.7"], "risk.exposure_max"),
        (vec!["regime.exit=1.5"], "regime.enter"),
        (vec!["agents.backoff_initial_ms=20000"], "agents.backoff_max_ms"),
        (vec!["services.web_port=8001"], "services.api_port = 8001 (default)"),
        (vec!["services.metrics_port=8001"], "share a port"),
        (vec!["services.metrics_port=5000"], "share a port"),
    ] {
        let found = problems(load_with(&home(), None, &sets, &[]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("--set: ") && found[0].contains(broken), "{found:?}");
    }
    assert!(load_with(&home(), None, &["services.api_port=0", "services.web_port=0"], &[]).is_ok());
    assert!(load_with(&home(), None, &["training.to=2024-07-17T00:00:00Z"], &[]).is_ok());
    // A rule stays silent while one of its values is itself bad.
    assert_eq!(problems(load_with(&home(), None, &["risk.drawdown_stop=7", "risk.drawdown_halve=0.9"], &[])).len(), 1);
}

#[test]
fn times_and_exits_are_text_outside_and_typed_inside() {
    let home = home();
    write(
        &home,
        "local.toml",
        "[replay]\ntrading_from = 2024-08-01T00:00:00Z\n[[training.exits]]\nhorizon_hours = 4\ntarget_multiple = 3\nstop_multiple = 2\n",
    );
    let loaded = load_with(&home, None, &[], &[("CST__TRAINING__TO", "2024-07-31T12:00:00+02:00")]).unwrap();
    assert_eq!(loaded.settings.replay.trading_from, UtcMs::parse("2024-08-01T00:00:00Z").unwrap());
    assert_eq!(loaded.settings.core.training.exits.len(), 1);
    assert_eq!(loaded.settings.core.training.exits[0].horizon.0, 4);
    let shown = loaded.show();
    let value = |key: &str| shown.iter().find(|s| s.key == key).unwrap().value.clone();
    assert_eq!(value("replay.trading_from"), "\"2024-08-01T00:00:00Z\"");
    assert_eq!(value("training.to"), "\"2024-07-31T10:00:00Z\"");
    assert_eq!(value("training.exits"), "[\n  { horizon_hours = 4, target_multiple = 3.0, stop_multiple = 2.0 },\n]");
    assert_eq!(value("paper.maker_fee"), "\"schedule\"");
    assert_eq!(shown.len(), SETTINGS.len());
}

#[test]
fn what_is_shown_loads_again_as_the_same() {
    let sets = ["paper.maker_fee=0.001", "ui.zone=local", "replay.speed=17.5", "logs.dir=C:\\my \"logs\""];
    let first = load_with(&home(), None, &sets, &[]).unwrap();
    let again: Vec<String> = first.show().iter().map(|s| format!("{}={}", s.key, s.value)).collect();
    let again: Vec<&str> = again.iter().map(String::as_str).collect();
    assert_eq!(load_with(&home(), None, &again, &[]).unwrap().settings, first.settings);
}

#[test]
fn the_hash_follows_the_core_alone() {
    let hash = |sets: &[&str]| load_with(&home(), None, sets, &[]).unwrap().hash();
    let base = hash(&[]);
    assert_eq!(base.len(), 64);
    assert_eq!(base, hash(&["ui.fps=10", "logs.dir=elsewhere", "gate.threshold=0.8"]));
    assert_ne!(base, hash(&["gate.threshold=0.81"]));
    assert_ne!(base, hash(&["paper.maker_fee=0.0"]));
}

#[test]
fn canonical_json_sorts_at_every_depth() {
    let mut text = String::new();
    canonical(&serde_json::json!({ "b": [{ "z": 1, "a": null }], "a": "x\"" }), &mut text);
    assert_eq!(text, r#"{"a":"x\"","b":[{"a":null,"z":1}]}"#);
}

#[test]
fn the_homes_own_feature_set_replaces_the_built_in_one() {
    let home = home();
    let base = load_with(&home, None, &[], &[]).unwrap();
    assert_eq!(base.features, FeatureSet::built_in());
    let text = crate::pipeline::features::BUILT_IN;
    let file = write(&home, "features.toml", text);
    let same = load_with(&home, None, &[], &[]).unwrap();
    assert_eq!((same.hash(), same.files.last()), (base.hash(), Some(&file)));
    let rsi = r#"kernel = "rsi", input = "close", period = 14"#;
    assert!(text.contains(rsi));
    write(&home, "features.toml", &text.replace(rsi, &rsi.replace("14", "21")));
    assert_ne!(load_with(&home, None, &[], &[]).unwrap().hash(), base.hash());
    write(&home, "features.toml", "leader = 5");
    let error = load_with(&home, None, &[], &[]).unwrap_err().to_string();
    assert!(error.contains("features.toml") && error.contains("leader: it is 5"), "{error}");
}

#[test]
fn a_name_far_from_all_has_no_suggestion() {
    assert_eq!(suggest("wholly_unlike", SECTIONS.iter().map(|(name, _)| *name)), "");
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in "\\PC{0,200}", set in "\\PC{0,60}", key in 0..SETTINGS.len()) {
        let home = home();
        write(&home, "local.toml", &text);
        let set_known = format!("{}={set}", SETTINGS[key].key);
        if let Err(error) = load_with(&home, None, &[&set, &set_known], &[]) {
            prop_assert!(!error.problems.is_empty());
        }
    }

    #[test]
    fn accepted_thresholds_are_in_range(x in proptest::num::f64::ANY) {
        let loaded = load_with(&home(), None, &[&format!("gate.threshold={x:?}")], &[]);
        prop_assert_eq!(loaded.is_ok(), (0.5..=0.999).contains(&x));
    }
}
