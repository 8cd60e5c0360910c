use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::domain::{ErrorClass, UtcMs};
use crate::store::disk::faulty::{Fault, FaultyDisk};

const H: Horizon = Horizon::H24;

struct Folder {
    dir: tempfile::TempDir,
    registry: Registry,
}

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(&dir.path().join("models")).unwrap();
        Self { dir, registry }
    }

    /// With versions `v1`, `v2`, …, the first of them made first.
    fn with(count: u32) -> Self {
        let folder = Self::new();
        for number in 1..=count {
            save(&folder.registry, number);
        }
        folder
    }

    fn path(&self, rest: &str) -> PathBuf {
        self.dir.path().join("models/usd/24h").join(rest)
    }

    fn current(&self) -> Option<String> {
        self.registry.current("usd", H).unwrap()
    }

    fn promote(&self, version: &str) -> Result<bool, StoreError> {
        self.registry.promote("usd", H, version, &change(1, "test"))
    }

    fn rollback(&self) -> Result<RolledBack, StoreError> {
        self.registry.rollback("usd", H, &change(2, "worse"))
    }

    fn in_force(&self) -> Result<Option<InForce<Value>>, StoreError> {
        self.registry.load_in_force("usd", H, UtcMs(9), read)
    }

    fn on(&self, disk: &FaultyDisk) -> Registry {
        Registry { folder: self.registry.folder.clone(), disk: Arc::new(disk.clone()) }
    }
}

fn save(registry: &Registry, number: u32) {
    let card = json!({ "version": format!("v{number}"), "trained_at": number });
    registry
        .save("usd", H, &format!("v{number}"), &json!({ "format": 1, "card": card, "weight": number }), &card)
        .unwrap();
}

fn change(at: i64, reason: &str) -> Change {
    Change { at: UtcMs(at), by: Who::Command, reason: reason.to_owned() }
}

/// Refuses another format, as the real one does.
fn read(text: &str) -> Result<Value, String> {
    let model: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if model["format"] == 1 { Ok(model) } else { Err(format!("its format is {}, not 1", model["format"])) }
}

#[test]
fn a_model_is_in_force_only_after_promotion_and_can_be_rolled_back() {
    let folder = Folder::with(3);
    assert_eq!((folder.current(), folder.in_force().unwrap()), (None, None));
    assert!(folder.rollback().unwrap_err().to_string().contains("no version is in force"));
    for version in ["v1", "v2", "v3"] {
        assert!(folder.promote(version).unwrap());
        assert_eq!(folder.current().as_deref(), Some(version));
    }
    assert!(!folder.promote("v3").unwrap(), "it is in force already");
    let back = |from: &str, to: &str| RolledBack { from: from.to_owned(), to: to.to_owned(), skipped: Vec::new() };
    assert_eq!(folder.rollback().unwrap(), back("v3", "v2"));
    assert_eq!(folder.rollback().unwrap(), back("v2", "v1"), "not what was rolled back");
    let error = folder.rollback().unwrap_err();
    assert!(error.to_string().contains("none was before it"), "{error}");
    assert_eq!(error.class(), ErrorClass::Model);
    let history = folder.registry.history("usd", H).unwrap();
    let seen: Vec<_> = history.iter().map(|(e, ok)| (e.what, e.from.as_deref(), e.to.as_str(), *ok)).collect();
    use ChangeKind::{Promotion, Rollback};
    assert_eq!(
        seen,
        [
            (Promotion, None, "v1", true),
            (Promotion, Some("v1"), "v2", true),
            (Promotion, Some("v2"), "v3", true),
            (Rollback, Some("v3"), "v2", true),
            (Rollback, Some("v2"), "v1", true),
        ]
    );
    assert!(history.iter().all(|(e, _)| e.by == Who::Command));
    assert_eq!((history[4].0.at, history[4].0.reason.as_str()), (UtcMs(2), "worse"));
}

#[test]
fn a_rollback_passes_over_what_is_gone_and_says_so() {
    let folder = Folder::with(3);
    for version in ["v1", "v2", "v3"] {
        folder.promote(version).unwrap();
    }
    fs::remove_dir_all(folder.path("v2")).unwrap();
    let done = folder.rollback().unwrap();
    assert_eq!((done.to.as_str(), done.skipped[0].0.as_str()), ("v1", "v2"));
    assert!(done.skipped[0].1.contains("no such version"), "{done:?}");
}

#[test]
fn a_version_never_changes() {
    let folder = Folder::with(1);
    save(&folder.registry, 1);
    let other = |model: u32, card: u32| folder.registry.save("usd", H, "v1", &model, &card).unwrap_err().to_string();
    assert!(other(2, 1).contains("other content"));
    assert_eq!(folder.registry.load::<Value>("usd", H, "v1").unwrap()["weight"], 1);
}

#[test]
fn damage_is_an_error_that_names_the_file_and_keeps_it_from_being_promoted() {
    let whole = fs::read_to_string(Folder::with(1).path("v1/model.json")).unwrap();
    let other = whole.replace("\"weight\":1", "\"weight\":2");
    let half = &whole[..whole.len() / 2];
    for (file, content, words) in [
        ("model.json", Some(other.as_str()), "it does not match model.sha256"),
        ("model.json", Some(half), "it does not match model.sha256"),
        ("model.json", Some(""), "it does not match model.sha256"),
        ("model.json", None, "model.json"),
        ("model.sha256", Some("0000"), "it does not match model.sha256"),
        ("model.sha256", None, "model.sha256: "),
        ("card.json", None, "card.json"),
        ("card.json", Some("{\"version\":"), "card.json"),
    ] {
        let folder = Folder::with(1);
        let path = folder.path("v1").join(file);
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let error = folder.promote("v1").unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.class(), ErrorClass::Model);
        assert!(folder.registry.propose("usd", H, "v1").is_err());
        assert_eq!((folder.current(), folder.path("HISTORY").exists()), (None, false), "{file}");
        let list = folder.registry.list().unwrap();
        assert!(list[0].problem.as_ref().is_some_and(|p| p.contains(words)), "{list:?}");
    }
    let folder = Folder::with(1);
    fs::write(folder.path("v1/card.json"), "{\"version\":\"v1\",\"trained_at\":1,\"rows\":9}").unwrap();
    let entry = folder.registry.entry("usd", H, "v1").unwrap();
    assert!(entry.problem.as_ref().is_some_and(|p| p.contains("not the card")), "{entry:?}");
}

#[test]
fn another_form_and_unknown_versions_are_told_apart() {
    let folder = Folder::with(1);
    assert!(folder.registry.load::<Vec<u32>>("usd", H, "v1").unwrap_err().to_string().contains("invalid type"));
    for result in [folder.promote("v7").map(|_| ()), folder.registry.propose("usd", H, "v7")] {
        assert!(result.unwrap_err().to_string().contains("no such version"));
    }
    assert!(folder.registry.entry("usd", Horizon::H1, "v1").is_err());
    assert!(folder.registry.compare("usd", H, "v1", "v7").unwrap_err().to_string().contains("no such version"));
    assert_eq!(folder.registry.horizons("other").unwrap(), []);
    assert_eq!(folder.registry.horizons("usd").unwrap(), [H]);
}

#[test]
fn names_cannot_lead_elsewhere() {
    let folder = Folder::with(1);
    for name in ["", ".", "..", "a/b", "a\\b", "/etc", ".hidden", "CURRENT", "candidate", "History", "a b", "ä"] {
        assert!(folder.registry.save("usd", H, name, &1, &1).is_err(), "{name}");
        assert!(folder.promote(name).is_err(), "{name}");
        assert!(folder.registry.propose("usd", H, name).is_err(), "{name}");
        assert!(folder.registry.entry("usd", H, name).is_err(), "{name}");
    }
    assert!(folder.registry.save("../usd", H, "v1", &1, &1).is_err());
    assert!(folder.registry.horizons("../usd").is_err());
    fs::write(folder.path("CURRENT"), "../../secret").unwrap();
    assert!(folder.registry.current("usd", H).unwrap_err().to_string().contains("cannot name"));
    assert!(folder.in_force().unwrap_err().to_string().contains("cannot name"));
    assert!(folder.promote("v1").unwrap(), "a sound version mends the mark");
    assert_eq!(folder.current().as_deref(), Some("v1"));
}

#[test]
fn a_candidate_becomes_current_by_promotion_alone() {
    let folder = Folder::with(3);
    let candidate = || folder.registry.candidate("usd", H).unwrap();
    folder.promote("v1").unwrap();
    assert!(folder.registry.propose("usd", H, "v1").unwrap_err().to_string().contains("in force"));
    folder.registry.propose("usd", H, "v2").unwrap();
    assert_eq!((candidate().as_deref(), folder.current().as_deref()), (Some("v2"), Some("v1")));
    folder.promote("v3").unwrap();
    assert_eq!(candidate().as_deref(), Some("v2"), "another one was promoted");
    folder.promote("v2").unwrap();
    assert_eq!((candidate(), folder.path("CANDIDATE").exists()), (None, false));
    folder.registry.propose("usd", H, "v1").unwrap();
    assert_eq!(folder.registry.withdraw("usd", H).unwrap().as_deref(), Some("v1"));
    assert_eq!((candidate(), folder.registry.withdraw("usd", H).unwrap()), (None, None));
    assert_eq!(folder.current().as_deref(), Some("v2"));
}

#[test]
fn what_is_trained_is_in_force_only_where_nothing_usable_is() {
    let folder = Folder::with(3);
    let admit = |version: &str| folder.registry.admit("usd", H, version, UtcMs(5), read).unwrap();
    assert_eq!(admit("v1"), Admitted::InForce);
    assert_eq!(admit("v1"), Admitted::InForce, "the same again");
    assert_eq!(admit("v2"), Admitted::Candidate);
    assert_eq!(folder.current().as_deref(), Some("v1"));
    fs::write(folder.path("v1/model.json"), "{}").unwrap();
    assert_eq!(admit("v3"), Admitted::InForce, "the one in force is damaged");
    assert_eq!(folder.registry.candidate("usd", H).unwrap().as_deref(), Some("v2"));
    let (last, _) = folder.registry.history("usd", H).unwrap().pop().unwrap();
    assert_eq!((last.by, last.at), (Who::Training, UtcMs(5)));
    assert!(last.reason.contains("model.sha256"), "{}", last.reason);
}

#[test]
fn a_damaged_model_gives_way_to_the_one_before_it_and_says_so() {
    let folder = Folder::with(4);
    for version in ["v1", "v2", "v4", "v3"] {
        folder.promote(version).unwrap();
    }
    let found = folder.in_force().unwrap().unwrap();
    assert_eq!((found.version.as_str(), found.fell_back), ("v3", None));
    folder.rollback().unwrap();
    fs::write(folder.path("v4/model.json"), "{}").unwrap();
    fs::remove_file(folder.path("v2/card.json")).unwrap();
    for _ in 0..2 {
        let found = folder.in_force().unwrap().unwrap();
        assert_eq!((found.version.as_str(), found.model["weight"].as_u64()), ("v1", Some(1)), "v3 was rolled back");
        let fell_back = found.fell_back.unwrap();
        assert_eq!(fell_back.from.as_deref(), Some("v4"));
        assert!(fell_back.reason.contains("model.sha256") && fell_back.reason.contains("v2: "), "{fell_back:?}");
    }
    assert_eq!(folder.current().as_deref(), Some("v4"), "a person decides");
    let history = folder.registry.history("usd", H).unwrap();
    let fallbacks: Vec<_> = history.iter().filter(|(e, _)| e.what == ChangeKind::Fallback).collect();
    assert!(matches!(&fallbacks[..], [(e, true)] if e.to == "v1" && e.by == Who::Fallback), "{fallbacks:?}");
    // It does not count as a change: the line of rollbacks is what it was.
    assert_eq!(folder.rollback().unwrap().to, "v1");
}

#[test]
fn another_format_or_a_lost_mark_falls_back_too_and_nothing_left_is_an_error() {
    let folder = Folder::with(1);
    let card = json!({ "version": "v9" });
    folder.registry.save("usd", H, "v9", &json!({ "format": 2, "card": card }), &card).unwrap();
    folder.promote("v1").unwrap();
    folder.promote("v9").unwrap();
    let fell_back = folder.in_force().unwrap().unwrap().fell_back.unwrap();
    assert_eq!(fell_back.reason, "its format is 2, not 1");
    fs::write(folder.path("CURRENT"), "").unwrap();
    let found = folder.in_force().unwrap().unwrap();
    assert_eq!((found.version.as_str(), found.fell_back.unwrap().from), ("v1", None));
    fs::remove_dir_all(folder.path("v1")).unwrap();
    let error = folder.in_force().unwrap_err();
    assert!(error.to_string().contains("no earlier version can be used"), "{error}");
    assert_eq!(error.class(), ErrorClass::Model);
}

/// Runs `work` on a disk that dies after every possible number of steps, until it gets through; `check` sees what is left each time.
fn at_every_death(set_up: impl Fn() -> Folder, work: impl Fn(&Registry) -> bool, check: impl Fn(Folder, bool)) {
    for steps in 0..100 {
        let folder = set_up();
        let disk = FaultyDisk::new(steps, Fault::Dies);
        let done = work(&folder.on(&disk));
        let opened = Registry::open(&folder.registry.folder).unwrap();
        let dir = folder.dir;
        check(Folder { dir, registry: opened }, done);
        if !disk.hit() {
            assert!(done);
            return;
        }
    }
    panic!("it never got through");
}

fn leftovers(folder: &Folder) -> Vec<String> {
    let names = fs::read_dir(folder.path("")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

#[test]
fn a_promotion_that_is_killed_leaves_the_old_or_the_new_version_in_force() {
    let set_up = || {
        let folder = Folder::with(3);
        folder.promote("v1").unwrap();
        folder.promote("v2").unwrap();
        folder.registry.propose("usd", H, "v3").unwrap();
        folder
    };
    let promote = |registry: &Registry| registry.promote("usd", H, "v3", &change(3, "better")).is_ok();
    at_every_death(set_up, promote, |folder, done| {
        let found = folder.in_force().unwrap().unwrap();
        let now = found.version.clone();
        assert!(found.fell_back.is_none() && (now == "v3" || (now == "v2" && !done)), "{now}");
        assert_eq!(leftovers(&folder), [""; 0]);
        let history = folder.registry.history("usd", H).unwrap();
        assert!(history.iter().all(|(e, ok)| *ok == (e.to != "v3" || now == "v3")), "{history:?}");
        let candidate = folder.registry.candidate("usd", H).unwrap();
        assert_eq!(candidate.as_deref(), (now == "v2").then_some("v3"));
        // And what comes next goes on from there.
        assert_eq!(folder.rollback().unwrap().to, if now == "v3" { "v2" } else { "v1" });
        assert!(folder.promote("v3").unwrap());
        assert_eq!(folder.rollback().unwrap().from, "v3");
        assert_eq!(folder.registry.candidate("usd", H).unwrap(), None, "what was in force is no candidate");
        assert!(folder.registry.history("usd", H).is_ok());
    });
}

#[test]
fn a_rollback_that_is_killed_leaves_the_old_or_the_new_version_in_force() {
    let set_up = || {
        let folder = Folder::with(3);
        for version in ["v1", "v2", "v3"] {
            folder.promote(version).unwrap();
        }
        folder
    };
    at_every_death(
        set_up,
        |registry| registry.rollback("usd", H, &change(3, "worse")).is_ok(),
        |folder, _| {
            let now = folder.current().unwrap();
            assert!(now == "v3" || now == "v2", "{now}");
            assert_eq!(folder.rollback().unwrap().to, if now == "v3" { "v2" } else { "v1" });
        },
    );
}

#[test]
fn a_save_that_is_killed_leaves_nothing_or_a_whole_version() {
    let work = |registry: &Registry| registry.save("usd", H, "v2", &json!({ "format": 1 }), &json!({})).is_ok();
    at_every_death(
        || Folder::with(1),
        work,
        |folder, done| {
            assert_eq!(leftovers(&folder), [""; 0]);
            let versions = folder.registry.versions("usd", H).unwrap();
            assert!(versions.iter().all(|v| v.problem.is_none()), "{versions:?}");
            assert!(versions.len() == 2 || (versions.len() == 1 && !done));
            folder.registry.save("usd", H, "v2", &json!({ "format": 1 }), &json!({})).unwrap();
        },
    );
}

#[test]
fn what_is_half_there_is_never_loaded() {
    let folder = Folder::with(1);
    folder.promote("v1").unwrap();
    // As an unpacked archive or a copy that broke off leaves it.
    fs::create_dir(folder.path("v2")).unwrap();
    fs::copy(folder.path("v1/model.json"), folder.path("v2/model.json")).unwrap();
    fs::copy(folder.path("v1/card.json"), folder.path("v2/card.json")).unwrap();
    assert!(folder.promote("v2").unwrap_err().to_string().contains("model.sha256"));
    let error = folder.registry.save("usd", H, "v2", &1, &1).unwrap_err();
    assert!(error.to_string().contains("not whole"), "{error}");
    fs::create_dir(folder.path(".v3.77.tmp")).unwrap();
    fs::write(folder.path(".v3.77.tmp/model.json"), "{").unwrap();
    fs::write(folder.path(".CURRENT.77.tmp"), "v2").unwrap();
    let names = |registry: &Registry| -> Vec<String> {
        registry.versions("usd", H).unwrap().into_iter().map(|v| v.version).collect()
    };
    assert_eq!(names(&folder.registry), ["v1", "v2"]);
    let held = Lock::take(&folder.registry.folder).unwrap();
    Registry::open(&folder.registry.folder).unwrap();
    assert_eq!(leftovers(&folder).len(), 2, "they may be the work of who holds the lock");
    drop(held);
    Registry::open(&folder.registry.folder).unwrap();
    assert_eq!(leftovers(&folder), [""; 0]);
    assert_eq!(folder.in_force().unwrap().unwrap().version, "v1");
}

#[test]
fn a_line_of_history_that_was_cut_off_counts_for_nothing_and_goes() {
    let folder = Folder::with(2);
    folder.promote("v1").unwrap();
    let whole = fs::read_to_string(folder.path("HISTORY")).unwrap();
    fs::write(folder.path("HISTORY"), format!("{whole}{{\"at\":1,\"wh")).unwrap();
    assert_eq!(folder.registry.history("usd", H).unwrap().len(), 1);
    folder.promote("v2").unwrap();
    let now = fs::read_to_string(folder.path("HISTORY")).unwrap();
    assert!(now.starts_with(&whole) && now.lines().count() == 2 && now.ends_with('\n'), "{now}");
    // Damage in the middle is another matter: what was in force before cannot be told.
    fs::write(folder.path("HISTORY"), now.replacen("promotion", "promo", 1)).unwrap();
    let error = folder.rollback().unwrap_err();
    assert!(error.to_string().contains("line 1 of HISTORY"), "{error}");
    assert!(folder.registry.prunable("usd", H, 0).is_err());
    assert!(folder.in_force().unwrap().is_some());
}

#[test]
fn a_mark_written_by_hand_is_believed() {
    let folder = Folder::with(3);
    fs::write(folder.path("CURRENT"), "v1").unwrap();
    assert_eq!(folder.current().as_deref(), Some("v1"));
    folder.promote("v2").unwrap();
    assert_eq!(folder.rollback().unwrap().to, "v1", "what was in force before there was a history");
    fs::write(folder.path("CURRENT"), "v3\n").unwrap();
    assert_eq!(folder.rollback().unwrap().to, "v1", "not v2, which was rolled back");
    // One alone is found again when its mark is lost.
    let folder = Folder::with(1);
    folder.promote("v1").unwrap();
    fs::write(folder.path("CURRENT"), "?").unwrap();
    assert_eq!(folder.in_force().unwrap().unwrap().version, "v1");
}

#[test]
fn a_first_promotion_that_is_killed_is_told_as_such() {
    let promote = |registry: &Registry| registry.promote("usd", H, "v1", &change(3, "first")).is_ok();
    at_every_death(
        || Folder::with(1),
        promote,
        |folder, done| {
            let history = folder.registry.history("usd", H).unwrap();
            let in_force = folder.current().is_some();
            assert!(in_force || !done);
            assert!(history.iter().all(|(_, took_place)| *took_place == in_force), "{history:?}");
            folder.promote("v1").unwrap();
            assert_eq!(folder.in_force().unwrap().unwrap().version, "v1");
            let history = folder.registry.history("usd", H).unwrap();
            assert!(history.last().is_some_and(|(_, took_place)| *took_place), "{history:?}");
        },
    );
}

#[test]
fn two_that_promote_at_once_go_one_after_the_other() {
    let folder = Folder::with(4);
    std::thread::scope(|scope| {
        for version in ["v1", "v2", "v3", "v4"] {
            // A registry of its own, as another process has.
            let registry = Registry::open(&folder.registry.folder).unwrap();
            scope.spawn(move || registry.promote("usd", H, version, &change(1, "race")).unwrap());
        }
    });
    let history = folder.registry.history("usd", H).unwrap();
    assert_eq!(history.len(), 4);
    assert!(history.iter().all(|(_, took_place)| *took_place), "each begins where the one before ended: {history:?}");
    assert_eq!(folder.current(), history.last().map(|(e, _)| e.to.clone()), "the last one has its way");
}

#[test]
fn pruning_spares_what_is_in_use_and_what_a_rollback_needs() {
    let folder = Folder::with(9);
    for version in ["v1", "v2", "v3", "v4", "v5"] {
        folder.promote(version).unwrap();
    }
    folder.registry.propose("usd", H, "v6").unwrap();
    let names = |entries: Vec<RegistryEntry>| -> Vec<String> { entries.into_iter().map(|e| e.version).collect() };
    assert_eq!(names(folder.registry.prunable("usd", H, 1).unwrap()), ["v1", "v2", "v7", "v8"]);
    assert_eq!(names(folder.registry.prune("usd", H, 3).unwrap()), ["v1", "v2"]);
    assert_eq!(names(folder.registry.prune("usd", H, 3).unwrap()), [""; 0]);
    assert_eq!(names(folder.registry.versions("usd", H).unwrap()), ["v3", "v4", "v5", "v6", "v7", "v8", "v9"]);
    assert_eq!(names(folder.registry.prune("usd", H, 0).unwrap()), ["v7", "v8", "v9"]);
    assert_eq!(folder.rollback().unwrap().to, "v4");
    assert_eq!(folder.rollback().unwrap().to, "v3");
    fs::write(folder.path("CURRENT"), "?").unwrap();
    assert!(folder.registry.prune("usd", H, 0).is_err(), "what is in force is not known");
}

#[test]
fn the_list_knows_size_time_and_standing() {
    let folder = Folder::with(3);
    folder.promote("v1").unwrap();
    folder.registry.propose("usd", H, "v2").unwrap();
    let list = folder.registry.list().unwrap();
    let seen: Vec<_> = list.iter().map(|e| (e.version.as_str(), e.current, e.candidate, e.made_at())).collect();
    assert_eq!(
        seen,
        [
            ("v1", true, false, Some(UtcMs(1))),
            ("v2", false, true, Some(UtcMs(2))),
            ("v3", false, false, Some(UtcMs(3))),
        ]
    );
    let on_disk = |name: &str| fs::metadata(folder.path("v1").join(name)).unwrap().len();
    assert_eq!(list[0].bytes, on_disk("model.json") + on_disk("card.json") + on_disk("model.sha256"));
    assert!(list.iter().all(|e| e.saved_at.is_some() && e.problem.is_none()), "{list:?}");
}

#[test]
fn facts_of_the_model_stand_beside_the_card() {
    let folder = Folder::with(1);
    let card = json!({ "version": "v2", "metrics": { "brier": 0.2 }, "base_rate": 0.5 });
    let model = json!({ "card": card, "evidence": { "n": 7 }, "base_rate": 0.4, "trees": [1, 2] });
    folder.registry.save("usd", H, "v2", &model, &card).unwrap();
    let facts = folder.registry.facts("usd", H, "v2").unwrap();
    assert_eq!((&facts["evidence"]["n"], &facts["base_rate"]), (&json!(7), &json!(0.5)), "the card has the word");
    let rows = folder.registry.compare("usd", H, "v1", "v2").unwrap();
    let keys: Vec<_> = rows.iter().map(|r| r.key.as_str()).collect();
    assert_eq!(keys, ["metrics.brier", "evidence.n", "trained_at", "version", "base_rate"]);
    fs::write(folder.path("v2/model.json"), "{}").unwrap();
    assert!(folder.registry.facts("usd", H, "v2").unwrap().get("evidence").is_none(), "not from a damaged file");
}
