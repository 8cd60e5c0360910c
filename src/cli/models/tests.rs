use std::fs;
use std::path::PathBuf;

use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::cli::args::Command;

const UNIVERSE: &str = "other-settings";

struct Home(tempfile::TempDir);

impl Home {
    /// With models of other settings: two versions of 24h, one of 1h, each first one in force.
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.0.path().join("config")).unwrap();
        let registry = home.registry();
        for (horizon, version, trained_at) in [(24, "h24-aaaa", 1), (24, "h24-bbbb", 2), (1, "h1-cccc", 3)] {
            save(&registry, UNIVERSE, Horizon(horizon), version, trained_at);
        }
        for (horizon, version) in [(24, "h24-aaaa"), (1, "h1-cccc")] {
            let change = Change { at: UtcMs(1), by: Who::Training, reason: "the first of its horizon".to_owned() };
            registry.promote(UNIVERSE, Horizon(horizon), version, &change).unwrap();
        }
        home
    }

    fn registry(&self) -> Registry {
        Registry::open(&self.0.path().join("models")).unwrap()
    }

    fn path(&self, rest: &str) -> PathBuf {
        self.0.path().join("models").join(UNIVERSE).join(rest)
    }

    /// What `cst models` answers; `said` is what the person at the terminal says, if there is one.
    fn run(&self, args: &[&str], said: Option<bool>) -> Result<String, String> {
        let home = self.0.path().display().to_string();
        let all = [&["cst", "--home", &home, "models"], args].concat();
        let cli = Cli::try_parse_from(all).map_err(|e| e.to_string())?;
        let Some(Command::Models(args)) = &cli.command else { panic!("it is cst models") };
        answer(&cli, args, UtcMs(1_719_792_000_000), &|_| said).map_err(|report| format!("{report:#}"))
    }

    /// The same of the other settings.
    fn other(&self, args: &[&str], said: Option<bool>) -> Result<String, String> {
        self.run(&[args, &["--universe", UNIVERSE]].concat(), said)
    }

    fn refused(&self, args: &[&str], words: &[&str]) {
        let error = self.other(args, None).unwrap_err();
        for word in words {
            assert!(error.contains(word), "'{word}' in: {error}");
        }
    }

    fn in_force(&self) -> Option<String> {
        self.registry().current(UNIVERSE, Horizon::H24).unwrap()
    }
}

fn save(registry: &Registry, universe: &str, horizon: Horizon, version: &str, trained_at: i64) {
    let card = json!({
        "version": version, "horizon": horizon, "trained_at": 1_719_792_000_000_i64 + trained_at, "rows": 45_300, "n_eff": 5297.6,
        "features": ["rsi14", format!("f{trained_at}")], "inputs": ["rsi14 = rsi(close; period=14)"], "cost": 0.0084, "gate": 0.8,
        "dropped": [
            { "feature": "spy", "reason": { "why": "event_outlier", "auc": 0.71 } },
            { "feature": "odd", "reason": { "why": "not_known_yet", "score": 3 } },
        ],
        "metrics": {
            "rows": 21_296, "brier": 0.23 + trained_at as f64 / 1000.0, "auc": 0.54, "ece": 0.03, "coverage": 0.797,
            "reliability": [[0.29, 0.3, 2130], [0.7, 0.69, 2129]], "sharpness": { "p90": 0.61 },
        },
        "calibration": "isotonic", "shadow_of": "nobody\u{1b}[2J",
    });
    let evidence = json!({ "n": 12, "n_eff": 4.5, "hit_rate": 0.83, "hit_rate_lower": 0.61, "mean_net": 0.002, "mean_net_lower": null });
    let model = json!({ "format": 1, "card": card, "evidence": evidence, "base_rate": 0.38 });
    registry.save(universe, horizon, version, &model, &card).unwrap();
}

#[test]
fn the_list_marks_what_is_in_force_and_names_other_settings() {
    let home = Home::new();
    home.registry().propose(UNIVERSE, Horizon::H24, "h24-bbbb").unwrap();
    let text = home.other(&["list"], None).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], UNIVERSE);
    assert!(lines[1].starts_with("*    1h  h1-cccc"), "{text}");
    assert!(lines[2].starts_with("*   24h  h24-aaaa") && lines[2].contains("Brier 0.2310"), "{text}");
    assert!(lines[3].starts_with("+   24h  h24-bbbb"), "{text}");
    assert_eq!(home.other(&["list", "--horizon", "1h"], None).unwrap().lines().count(), 2);
    let text = home.run(&["list"], None).unwrap();
    assert!(text.contains("no models in 'kraken-usd-") && text.contains("3 versions of other settings"), "{text}");
    assert!(home.run(&["list", "--all"], None).unwrap().contains("h24-bbbb"));
    let list: Value = serde_json::from_str(&home.other(&["list", "--json"], None).unwrap()).unwrap();
    assert_eq!((&list[2]["version"], &list[2]["candidate"]), (&json!("h24-bbbb"), &json!(true)));
    assert!(list[0]["bytes"].as_u64().unwrap() > 0 && list[0]["saved_at"].is_i64(), "{list}");
    fs::remove_file(home.path("24h/h24-bbbb/model.sha256")).unwrap();
    assert!(home.other(&["list"], None).unwrap().contains("NOT USABLE"));
}

#[test]
fn a_card_is_shown_with_what_is_not_known_of_it() {
    let home = Home::new();
    let text = home.other(&["show", "h24-aaaa"], None).unwrap();
    for words in [
        "h24-aaaa  24h  in force  other-settings",
        "hash verified",
        "45,300, worth 5297.6",
        "a round trip costs 0.84 %",
        "2 of 1 inputs",
        "spy: quarantined: AUC 0.710 alone",
        "odd: score 3 why not_known_yet",
        "Brier         0.2310",
        "isotonic; ECE 0.0300 ± –",
        "79.70 % of returns",
        "0.2900   0.3000   2,130",
        "sharpness\n    p90           0.6100",
        "evidence for the gate (0.8000)",
        "12 at or above the gate, worth 4.500",
        "83.00 %, at least 61.00 %",
        "0.20 % a trade, at least –",
        "also on the card",
        "shadow_of     nobody [2J",
        "base_rate     0.3800",
    ] {
        assert!(text.contains(words), "'{words}' in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "a card must not speak to the terminal");
    let shown: Value = serde_json::from_str(&home.other(&["show", "h24-aaaa", "--json"], None).unwrap()).unwrap();
    assert_eq!((&shown["stored"]["current"], &shown["facts"]["evidence"]["n"]), (&json!(true), &json!(12)));
    home.refused(&["show"], &["--horizon 1h or 24h"]);
    assert!(home.other(&["show", "--horizon", "1h"], None).unwrap().starts_with("h1-cccc"));
    fs::write(home.path("24h/h24-aaaa/model.json"), "{}").unwrap();
    let text = home.other(&["show", "h24-aaaa"], None).unwrap();
    assert!(
        text.contains("NOT USABLE") && text.contains("does not match") && text.contains("unknown: the model's"),
        "{text}"
    );
    fs::remove_file(home.path("24h/h24-aaaa/card.json")).unwrap();
    assert!(home.other(&["show", "h24-aaaa"], None).unwrap().contains("card.json"));
}

#[test]
fn a_promotion_asks_and_needs_yes_where_nobody_can_be_asked() {
    let home = Home::new();
    home.refused(&["promote", "h24-bbbb"], &["--yes", "Nothing was changed"]);
    assert!(home.other(&["promote", "h24-bbbb"], Some(false)).unwrap_err().contains("nothing was changed"));
    home.refused(&["promote", "--horizon", "24h", "--yes"], &["no candidate for 24h", "cst models list"]);
    assert_eq!(home.in_force().as_deref(), Some("h24-aaaa"));
    let text = home.other(&["candidate", "h24-bbbb"], None).unwrap();
    assert_eq!(text, "h24-bbbb is the candidate for 24h; h24-aaaa is in force");
    let text = home.other(&["promote", "--horizon", "24h"], Some(true)).unwrap();
    assert!(text.starts_with("h24-bbbb is in force for 24h in place of h24-aaaa"), "{text}");
    assert_eq!(home.in_force().as_deref(), Some("h24-bbbb"));
    assert_eq!(
        home.other(&["candidate", "--horizon", "24h"], None).unwrap(),
        "there is no candidate for 24h; h24-bbbb is in force"
    );
    assert!(home.other(&["promote", "h24-bbbb"], None).unwrap().contains("already"), "nothing to ask about");
}

#[test]
fn a_rollback_goes_back_and_the_history_tells() {
    let home = Home::new();
    let rollback = ["rollback", "--horizon", "24h", "--reason", "worse since Monday"];
    home.refused(&[&rollback[..], &["--yes"]].concat(), &["h24-aaaa is in force and none was before it"]);
    home.other(&["promote", "h24-bbbb", "--yes"], None).unwrap();
    home.refused(&rollback, &["--yes"]);
    let text = home.other(&rollback, Some(true)).unwrap();
    assert_eq!(text, "h24-aaaa is in force for 24h again, in place of h24-bbbb");
    let text = home.other(&["history", "--horizon", "24h"], None).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("promotion  – → h24-aaaa  by training"), "{text}");
    assert_eq!(lines[2], "2024-07-01 00:00  rollback   h24-bbbb → h24-aaaa  by command: worse since Monday");
    let lines: Value =
        serde_json::from_str(&home.other(&["history", "--horizon", "24h", "--json"], None).unwrap()).unwrap();
    assert_eq!((&lines[2]["what"], &lines[2]["took_place"]), (&json!("rollback"), &json!(true)));
}

#[test]
fn two_versions_stand_side_by_side() {
    let home = Home::new();
    home.refused(&["compare", "--horizon", "24h"], &["no candidate for 24h"]);
    let text = home.other(&["compare", "h24-aaaa", "h24-bbbb"], None).unwrap();
    let cells: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(cells[0][..2], ["h24-aaaa", "h24-bbbb"]);
    assert_eq!(cells[1], ["metrics.brier", "0.2310", "0.2320", "+0.0010"]);
    assert!(cells.contains(&vec!["features", "2", "2", "−f1", "+f2"]), "{text}");
    assert!(text.contains("more are equal: --all shows them"), "{text}");
    assert!(home.other(&["compare", "h24-aaaa", "h24-bbbb", "--all"], None).unwrap().contains("metrics.reliability"));
    home.other(&["candidate", "h24-bbbb"], None).unwrap();
    let told: Value =
        serde_json::from_str(&home.other(&["compare", "--horizon", "24h", "--json"], None).unwrap()).unwrap();
    assert_eq!((&told["a"], &told["b"]), (&json!("h24-aaaa"), &json!("h24-bbbb")));
    assert_eq!(told["rows"].as_array().unwrap().iter().find(|r| r["key"] == "metrics.brier").unwrap()["differs"], true);
}

#[test]
fn pruning_asks_and_says_what_goes() {
    let home = Home::new();
    for (number, version) in ["h24-1", "h24-2", "h24-3"].iter().enumerate() {
        save(&home.registry(), UNIVERSE, Horizon::H24, version, 10 + number as i64);
    }
    home.refused(&["prune"], &["--keep"]);
    home.refused(&["prune", "--keep", "1"], &["--yes"]);
    let text = home.other(&["prune", "--keep", "1", "--dry-run"], None).unwrap();
    assert!(text.contains("h24-bbbb") && text.contains("3 versions would be removed"), "{text}");
    let text = home.other(&["prune", "--keep", "1"], Some(true)).unwrap();
    assert!(text.contains("h24-2") && text.contains("3 versions removed"), "{text}");
    let left = home.registry().versions(UNIVERSE, Horizon::H24).unwrap().len();
    assert_eq!((left, home.in_force().as_deref()), (2, Some("h24-aaaa")));
    assert!(home.other(&["prune", "--keep", "1"], None).unwrap().starts_with("nothing to remove"));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let home = Home::new();
    home.refused(&["show", "h24-zzzz"], &["no version 'h24-zzzz'", "h24-aaaa, h24-bbbb"]);
    home.refused(&["promote", "h24-zzzz", "--horizon", "24h", "--yes"], &["no version 'h24-zzzz'", "h24-bbbb"]);
    home.refused(&["promote", "../../etc", "--yes"], &["cannot name a version"]);
    home.refused(&["candidate", "CURRENT", "--horizon", "24h"], &["cannot name a version"]);
    home.refused(&["show", "--horizon", "4h"], &["no models of 4h", "1h or 24h"]);
    home.refused(&["show", "--horizon", "soon"], &["a number of hours, such as 24h"]);
    home.refused(&["candidate", "h24-bbbb", "--withdraw"], &["cannot be used with"]);
    for universe in ["../models", "nobody"] {
        let error = home.run(&["show", "--universe", universe], None).unwrap_err();
        assert!(error.contains("cannot name a universe") || error.contains("`cst train` makes some"), "{error}");
    }
    fs::write(home.path("24h/h24-bbbb/model.json"), "{}").unwrap();
    home.refused(&["promote", "h24-bbbb", "--yes"], &["model.json", "does not match"]);
    home.refused(&["candidate", "h24-bbbb"], &["model.json", "does not match"]);
    assert_eq!(home.in_force().as_deref(), Some("h24-aaaa"));
}

#[test]
fn what_does_not_fit_the_present_features_is_not_put_in_force() {
    let home = Home::new();
    let listed = home.run(&["list"], None).unwrap();
    let present = listed.split('\'').nth(1).unwrap().to_owned();
    save(&home.registry(), &present, Horizon::H24, "h24-dddd", 4);
    for args in [&["promote", "h24-dddd", "--yes"][..], &["candidate", "h24-dddd"]] {
        let error = home.run(args, None).unwrap_err();
        assert!(error.contains("does not work with the present features") && error.contains("cst train"), "{error}");
    }
    assert_eq!(home.registry().current(&present, Horizon::H24).unwrap(), None);
    assert!(home.run(&["list"], None).unwrap().contains("(the present settings)"));
}

#[test]
fn a_report_is_written_whole_and_names_what_it_cannot_show() {
    let home = Home::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("models.html");
    fs::write(&file, "the page from before").unwrap();
    let name = file.display().to_string();
    let text = home.other(&["report", "--html", &name], None).unwrap();
    assert!(
        text.contains(&format!("written to '{name}'")) && text.contains("24h is not shown: it is of other"),
        "{text}"
    );
    let page = fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
    assert!(page.contains("24h (h24-aaaa)") && page.contains("1h (h1-cccc)"), "{page}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    let told = home.other(&["report", "--html", &name, "--horizon", "1h", "--json"], None).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["file"], &told["not_shown"][0]["version"]), (&json!(name), &json!("h1-cccc")));
    assert_eq!(told["not_shown"].as_array().unwrap().len(), 1);
    assert!(home.run(&["report", "--html", &name], None).unwrap().starts_with("0 models"));
    assert!(fs::read_to_string(&file).unwrap().contains("No model is in force"));
    let nowhere = folder.path().join("no/models.html").display().to_string();
    home.refused(&["report", "--html", &nowhere], &["could not be written"]);
}
