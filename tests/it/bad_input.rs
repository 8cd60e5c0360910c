//! What can be wrong from outside: each gives a message that says what, why and what to do; nothing panics, nothing is lost.

use std::net::TcpListener;

use crate::process::{Home, complaint, lines, of_type};
use crate::support::recording_dir;

const UNTIL: &str = "2024-07-17T06:00:00Z";

/// Runs `cst` with these arguments; it must fail, without a panic, with all these words.
fn refused(home: &Home, args: &[&str], words: &[&str]) {
    let output = home.command(UNTIL).args(args).output().expect("cst starts");
    let text = complaint(&output);
    assert!(!output.status.success(), "it should have failed: {text}");
    assert!(!text.contains("panicked"), "{text}");
    for word in words {
        assert!(text.contains(word), "'{word}' in: {text}");
    }
}

const HEADLESS: [&str; 7] = ["--headless", "--source", "replay", "--speed", "max", "--until-end", "--json"];

#[test]
fn broken_settings_are_named_with_file_key_value_and_range() {
    let home = Home::new();
    let file = home.path().join("config/local.toml");
    std::fs::write(&file, "[gate]\nthreshold = 1.7\ntreshold = 0.8\n[risk]\nposition_max = \"lots\"\n")
        .expect("a file");
    refused(
        &home,
        &["config", "check"],
        &["local.toml", "gate.threshold", "1.7", "gate.treshold", "risk.position_max", "lots"],
    );
    refused(&home, &HEADLESS, &["gate.threshold"]);
    std::fs::write(&file, "[gate\n").expect("a file");
    refused(&home, &["config", "check"], &["local.toml"]);
    refused(&home, &["--set", "gate.threshold", "config", "check"], &["gate.threshold"]);
}

#[test]
fn the_origin_of_each_setting_is_shown() {
    let home = Home::new();
    std::fs::write(home.path().join("config/local.toml"), "[gate]\nthreshold = 0.9\n").expect("a file");
    let output = home.command(UNTIL).args(["config", "show", "gate", "--json"]).output().expect("cst starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", complaint(&output));
    assert!(text.contains("gate.threshold") && text.contains("0.9") && text.contains("local.toml"), "{text}");
    assert!(text.contains("default"), "{text}");
}

#[test]
fn live_mode_and_kraken_are_refused_in_words() {
    let home = Home::new();
    refused(&home, &["--headless", "--mode", "live"], &["live trading is not part of this version"]);
    // Nothing listens on the address that the tests' home has for Kraken.
    refused(&home, &["--headless", "--source", "kraken"], &["cannot be reached", "cst doctor", "--source replay"]);
}

#[test]
fn without_a_terminal_the_console_points_to_headless() {
    refused(&Home::new(), &[], &["--headless", "terminal"]);
}

#[test]
fn a_taken_port_names_its_setting() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    for key in ["services.api_port", "services.metrics_port"] {
        let mut args: Vec<String> = HEADLESS.iter().map(ToString::to_string).collect();
        args.extend(["--set".to_owned(), format!("{key}={port}")]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        refused(&home, &args, &[key, &port.to_string()]);
    }
}

/// A file where a folder should be: unwritable for every user, also for root.
#[test]
fn folders_that_cannot_be_written_are_named() {
    let home = Home::new();
    let blocked = home.path().join("blocked");
    std::fs::write(&blocked, "a file").expect("a file");
    let inside = blocked.join("inside");
    for (key, value) in [
        ("logs.dir", inside.display().to_string()),
        ("journal.path", inside.join("journal.sqlite").display().to_string()),
        ("models.dir", inside.display().to_string()),
    ] {
        let mut args: Vec<String> = HEADLESS.iter().map(ToString::to_string).collect();
        args.extend(["--set".to_owned(), format!("{key}={value}")]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        refused(&home, &args, &["blocked"]);
    }
}

/// A copy of the recording in which one file can be spoilt.
fn copy_of_recording(home: &Home) -> std::path::PathBuf {
    let copy = home.path().join("recording");
    std::fs::create_dir_all(copy.join("kraken")).expect("a folder");
    for entry in std::fs::read_dir(recording_dir()).expect("the recording").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), copy.join(entry.file_name())).expect("a copy");
        }
    }
    for entry in std::fs::read_dir(recording_dir().join("kraken")).expect("the recording").flatten() {
        std::fs::copy(entry.path(), copy.join("kraken").join(entry.file_name())).expect("a copy");
    }
    copy
}

#[test]
fn a_corrupt_data_file_is_named() {
    let home = Home::new();
    let copy = copy_of_recording(&home);
    let file = copy.join("kraken/ETH-USD_5.parquet");
    let bytes = std::fs::read(&file).expect("bytes");
    std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("half a file");
    let set = format!("replay.recording={}", copy.display());
    let mut args = HEADLESS.to_vec();
    args.extend(["--set", &set]);
    refused(&home, &args, &["ETH-USD_5.parquet"]);
    std::fs::remove_file(&file).expect("removed");
    refused(&home, &args, &["ETH-USD_5.parquet"]);
}

/// NaN, negative and out-of-order rows go to quarantine; the run goes on with the rest.
#[test]
fn bad_rows_are_quarantined_and_counted() {
    use cryptosmarttrader::domain::pair::{Interval, Venue};
    use cryptosmarttrader::store::lake;
    use sha2::{Digest, Sha256};

    let home = Home::new();
    let copy = copy_of_recording(&home);
    let file = copy.join("kraken/SOL-USD_5.parquet");
    let pair = "SOL/USD".parse().expect("a pair");
    let mut rows = lake::read_candles(&file, &pair, Venue::Kraken, Interval::M5).expect("rows");
    let first = rows.iter().position(|r| r.open_time.0 >= crate::support::at("2024-07-17T01:00:00Z").0).expect("a row");
    rows[first].close = f64::NAN;
    rows[first + 1].low = -1.0;
    rows[first + 2].volume = -5.0;
    rows[first + 3].high = rows[first + 3].low / 2.0;
    lake::write_candles(&file, &rows).expect("written");
    // The manifest describes the files it was made with: this copy says what it holds.
    let digest: String =
        Sha256::digest(std::fs::read(&file).expect("bytes")).iter().map(|b| format!("{b:02x}")).collect();
    let manifest = copy.join("recording.toml");
    let text = std::fs::read_to_string(&manifest).expect("the manifest");
    let (before, rest) = text.split_once("SOL-USD_5.parquet").expect("the file's entry");
    let (between, rest) = rest.split_once("sha256 = \"").expect("its fingerprint");
    let (_, after) = rest.split_once('"').expect("the end of it");
    std::fs::write(&manifest, format!("{before}SOL-USD_5.parquet{between}sha256 = \"{digest}\"{after}"))
        .expect("written");
    let set = format!("replay.recording={}", copy.display());
    let lines = home.play(UNTIL, &["--set", &set]);
    let summary = of_type(&lines, "summary")[0].clone();
    assert_eq!(summary["rejects"], 4, "{summary}");
    for reason in ["not_finite", "price_not_positive", "negative_volume"] {
        assert_eq!(summary["rejects_by_reason"][reason], 1, "{summary}");
    }
}

#[test]
fn a_journal_that_was_tampered_with_is_found() {
    let home = Home::new();
    home.play(UNTIL, &[]);
    let path = home.path().join("data/journal.sqlite");
    let db = rusqlite::Connection::open(&path).expect("the journal");
    let tamper = || db.execute("UPDATE cycles SET json = json || ' ' WHERE seq = (SELECT MIN(seq) FROM cycles)", []);
    assert!(tamper().is_err(), "the journal only grows");
    // Whoever has the file can take the guards away: the chain still shows it.
    let guards: Vec<String> = db
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .and_then(|mut q| q.query_map([], |r| r.get(0))?.collect())
        .expect("the guards");
    for guard in guards {
        db.execute_batch(&format!("DROP TRIGGER {guard}")).expect("dropped");
    }
    assert_eq!(tamper().expect("an update"), 1);
    drop(db);
    refused(&home, &["journal", "verify"], &["cycles"]);
    let garbage = Home::new();
    std::fs::create_dir_all(garbage.path().join("data")).expect("data/");
    std::fs::write(garbage.path().join("data/journal.sqlite"), "this is no database at all, whatever it says")
        .expect("a file");
    refused(&garbage, &HEADLESS, &["journal.sqlite"]);
}

#[test]
fn why_and_journal_say_what_is_missing() {
    let home = Home::new();
    refused(&home, &["why", "D1-1"], &["journal"]);
    refused(&home, &["why", "nonsense"], &["nonsense"]);
    home.play(UNTIL, &[]);
    refused(&home, &["why", "D1-999999"], &["D1-999999"]);
    refused(&home, &["journal", "show", "secrets"], &["secrets"]);
    let rows = home.ask(&["journal", "show", "cycles", "--limit", "2", "--json"]);
    assert_eq!(
        lines(
            &serde_json::to_vec(&serde_json::from_slice::<serde_json::Value>(&rows.stdout).expect("JSON"))
                .expect("bytes")
        )
        .len(),
        1
    );
}
