use rust_decimal::dec;

use super::*;
use crate::domain::command::Ack;
use crate::domain::decision::DecisionKind;
use crate::domain::event::CycleRecord;
use crate::domain::follow::{Ended, Followed, FollowedStep};
use crate::domain::{
    AccountId, Alert, BlockReason, CommandId, Decision, DecisionId, DecisionTrace, ErrorClass, Fill, Horizon, Intent,
    Liquidity, Money, Order, OrderId, OrderKind, OrderStatus, Outcome, Pair, Price, Purpose, Qty, Regime, Severity,
    Side, TradePlan, Verdict,
};

fn pair() -> Pair {
    "ETH/USD".parse().unwrap()
}

fn price(value: i64) -> Price {
    Price::new(value.into()).unwrap()
}

fn id(number: u64) -> DecisionId {
    DecisionId { session: 1, number }
}

fn decision(number: u64) -> Decision {
    let plan = TradePlan {
        pair: pair(),
        side: Side::Buy,
        horizon: Horizon::H24,
        entry: price(100),
        stop: price(95),
        target: price(110),
        expires: UtcMs(86_400_000),
        cost: 0.0084,
        win: 0.09,
        loss: 0.0625,
    };
    Decision {
        id: id(number),
        kind: DecisionKind::Entry,
        cycle: number,
        at: UtcMs(number as i64),
        pair: pair(),
        side: Side::Buy,
        horizon: Horizon::H24,
        plan,
        confidence: 0.75,
        epistemic: 0.125,
        base_rate: 0.5,
        regime: Regime::Bull,
        strategy: "trend".to_owned(),
        technical: Some(0.5),
        sentiment: None,
        whale: None,
        model: "v1".to_owned(),
        fraction: 0.0,
        verdict: Verdict::Block { reason: BlockReason::LowConfidence },
        shadow_order: None,
        account: AccountId::Main,
        trace: DecisionTrace { steps: vec![], sizing: vec![], degraded: vec![], contributions: vec![] },
    }
}

fn intent(order: u64, decision: u64) -> Intent {
    Intent {
        order: OrderId(order),
        decision: id(decision),
        account: AccountId::Shadow,
        at: UtcMs(5),
        pair: pair(),
        side: Side::Buy,
        kind: OrderKind::Market,
        qty: Qty::new(dec!(1.5)).unwrap(),
        purpose: Purpose::Entry,
        group: None,
    }
}

fn order(number: u64, status: OrderStatus) -> Order {
    Order { intent: intent(number, 1), status, filled: Qty::ZERO, live_from: UtcMs(6), updated: UtcMs(7), note: None }
}

fn fill(number: u64) -> Fill {
    Fill {
        id: number,
        order: OrderId(4),
        decision: id(1),
        account: AccountId::Shadow,
        at: UtcMs(8),
        pair: pair(),
        side: Side::Buy,
        price: price(100),
        qty: Qty::new(dec!(1.5)).unwrap(),
        fee: Money(dec!(0.6)),
        fee_rate: dec!(0.004),
        liquidity: Liquidity::Taker,
        purpose: Purpose::Entry,
        reference: price(100),
    }
}

fn outcome() -> Outcome {
    Outcome {
        decision: id(1),
        account: AccountId::Shadow,
        pair: pair(),
        horizon: Horizon::H24,
        opened: UtcMs(8),
        closed: UtcMs(9),
        entry: price(100),
        exit: price(110),
        qty: Qty::new(dec!(1.5)).unwrap(),
        fees: Money(dec!(1.26)),
        pnl: Money(dec!(13.74)),
        net_return: 0.0916,
        ended_by: Purpose::Target,
        confidence: 0.75,
    }
}

fn followed(n: i64, win: bool) -> Followed {
    let ended = vec![Ended { pair: "BTC/USD".parse().unwrap(), foreseen: UtcMs(1), win }];
    let step = FollowedStep { ended, ..FollowedStep::new(UtcMs(n), "h1-00000000", Horizon::H1) };
    Followed { at: UtcMs(n), steps: vec![step] }
}

fn checkpoint(n: i64) -> Record {
    Record::Checkpoint { at: UtcMs(n), state: serde_json::json!({ "n": n, "cash": "99.5" }) }
}

fn records() -> Vec<Record> {
    vec![
        Record::Cycle(CycleRecord {
            cycle: 1,
            at: UtcMs(4),
            frames: 8,
            complete: 7,
            predictions: 14,
            candidates: 1,
            passed: 0,
            shadow: 1,
            missed: vec![],
            equity: Money(dec!(100000)),
            shadow_equity: Money(dec!(100000)),
            fingerprint: "ab".to_owned(),
        }),
        Record::Decision(Box::new(decision(1))),
        Record::Intent(intent(4, 1)),
        Record::Order(order(4, OrderStatus::Pending)),
        Record::Order(order(4, OrderStatus::Filled)),
        Record::Fill(fill(1)),
        Record::Outcome(outcome()),
        Record::Followed(followed(9, true)),
        Record::Alert(Alert {
            id: 1,
            at: UtcMs(9),
            severity: Severity::Warning,
            class: Some(ErrorClass::Data),
            source: "collector".to_owned(),
            text: "a hole in SGB/USD".to_owned(),
            acknowledged: false,
        }),
        Record::Command { at: UtcMs(9), id: CommandId(3), text: "pause sentiment".to_owned(), ack: Ack::Accepted },
        checkpoint(9),
    ]
}

fn meta() -> SessionMeta {
    SessionMeta {
        started: UtcMs(1_000),
        source: "kraken recording".to_owned(),
        config_hash: "c0ffee".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

/// A journal with one session and one row or more in every table.
fn filled(path: &Path) -> Journal {
    let mut journal = Journal::open(path).unwrap();
    assert_eq!(journal.begin_session(&meta()).unwrap(), 1);
    journal.append(1, &records()).unwrap();
    journal.config_change(1, UtcMs(9), &serde_json::json!({ "key": "gate.threshold", "to": 0.85 })).unwrap();
    journal
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("journal.sqlite");
    (folder, path)
}

#[test]
fn what_is_written_is_read_back() {
    let (_folder, path) = home();
    let journal = filled(&path);
    assert_eq!(journal.decision(id(1)).unwrap(), Some(decision(1)));
    assert_eq!(journal.decision(id(2)).unwrap(), None);
    assert_eq!(journal.intents_for(id(1)).unwrap(), [intent(4, 1)]);
    assert_eq!(journal.orders_for(id(1)).unwrap(), [order(4, OrderStatus::Filled)]);
    assert_eq!(journal.fills_for(id(1)).unwrap(), [fill(1)]);
    assert_eq!(journal.outcomes_for(id(1)).unwrap(), [outcome()]);
    assert_eq!(journal.followed(1).unwrap(), [followed(9, true)]);
    assert_eq!(journal.followed(2).unwrap(), []);
    assert_eq!(journal.decision_for_order(OrderId(4), 1).unwrap(), Some(id(1)));
    assert_eq!(journal.decision_for_order(OrderId(4), 2).unwrap(), None);
    assert_eq!(journal.fills(1, AccountId::Shadow).unwrap(), [fill(1)]);
    assert_eq!(journal.fills(1, AccountId::Main).unwrap(), []);
    let checkpoint = journal.last_checkpoint(1).unwrap().unwrap();
    assert_eq!((checkpoint.at, &checkpoint.state["cash"]), (UtcMs(9), &serde_json::json!("99.5")));
    assert_eq!(journal.recent(Table::Commands, 5).unwrap()[0]["text"], "pause sentiment");
    assert_eq!(journal.recent(Table::Orders, 1).unwrap()[0]["status"], "filled");
    let counts = journal.counts().unwrap();
    assert!(Table::ALL.iter().all(|t| counts[t] == if *t == Table::Orders { 2 } else { 1 }), "{counts:?}");
    assert_eq!(journal.verify().unwrap(), Verified { rows: 13 });
}

#[test]
fn sessions_count_up_and_know_whether_they_ended() {
    let (_folder, path) = home();
    let mut journal = Journal::open(&path).unwrap();
    assert_eq!(journal.latest_session().unwrap(), None);
    journal.begin_session(&meta()).unwrap();
    let cut_off = journal.latest_session().unwrap().unwrap();
    assert_eq!((cut_off.id, cut_off.ended, cut_off.started), (1, false, UtcMs(1_000)));
    journal.end_session(1).unwrap();
    journal.end_session(1).unwrap();
    assert!(journal.latest_session().unwrap().unwrap().ended);
    assert_eq!(journal.begin_session(&meta()).unwrap(), 2);
    let sessions: Vec<_> = journal.sessions(9).unwrap().iter().map(|s| (s.id, s.ended)).collect();
    assert_eq!(sessions, [(2, false), (1, true)]);
    journal.verify().unwrap();
}

#[test]
fn the_same_record_again_is_skipped_and_a_newer_one_counts() {
    let (_folder, path) = home();
    let mut journal = filled(&path);
    let before = journal.counts().unwrap();
    journal.append(1, &records()[..7]).unwrap();
    assert_eq!(journal.counts().unwrap(), before);
    let dearer = Fill { price: price(101), ..fill(1) };
    journal.append(1, &[Record::Fill(dearer.clone()), Record::Fill(fill(2))]).unwrap();
    assert_eq!(journal.fills(1, AccountId::Shadow).unwrap(), [dearer.clone(), fill(2)]);
    assert_eq!(journal.fills_for(id(1)).unwrap(), [dearer, fill(2)]);
    journal.verify().unwrap();
}

#[test]
fn only_the_newest_checkpoints_stay() {
    let (_folder, path) = home();
    let mut journal = filled(&path);
    for n in 10..20 {
        journal.append(1, &[checkpoint(n)]).unwrap();
    }
    let second = journal.begin_session(&meta()).unwrap();
    journal.append(second, &[checkpoint(20)]).unwrap();
    assert_eq!(journal.counts().unwrap()[&Table::Checkpoints], CHECKPOINTS_KEPT as u64 + 1);
    assert_eq!(journal.last_checkpoint(1).unwrap().unwrap().at, UtcMs(19));
    assert_eq!(journal.last_checkpoint(2).unwrap().unwrap().at, UtcMs(20));
    assert_eq!(journal.last_checkpoint(3).unwrap(), None);
    journal.verify().unwrap();
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let (folder, path) = home();
    let journal = filled(&path);
    // The files as they are while the process still lives: what a power cut or `kill -9` leaves.
    let after = folder.path().join("after");
    std::fs::create_dir(&after).unwrap();
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
        std::fs::copy(path.with_file_name(name), after.join(name)).unwrap();
    }
    let revived = Journal::open(&after.join("journal.sqlite")).unwrap();
    assert_eq!(revived.verify().unwrap(), Verified { rows: 13 });
    assert_eq!(revived.counts().unwrap(), journal.counts().unwrap());
    drop(journal);
    let mut reopened = Journal::open(&path).unwrap();
    reopened.append(1, &[Record::Fill(fill(2))]).unwrap();
    assert_eq!(reopened.verify().unwrap(), Verified { rows: 14 });
}

#[test]
fn a_reader_sees_what_a_writer_writes() {
    let (_folder, path) = home();
    let mut writer = filled(&path);
    let mut reader = Journal::open_read_only(&path).unwrap();
    writer.append(1, &[Record::Fill(fill(2))]).unwrap();
    assert_eq!(reader.fills(1, AccountId::Shadow).unwrap().len(), 2);
    assert!(reader.append(1, &[Record::Fill(fill(3))]).is_err());
}

/// What somebody does to the file, having switched the guards off.
fn tampered(change: &str) -> StoreError {
    let (_folder, path) = home();
    drop(filled(&path));
    let intruder = Connection::open(&path).unwrap();
    let triggers: Vec<String> = intruder
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |r| r.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for trigger in triggers {
        intruder.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    intruder.execute_batch(change).unwrap();
    drop(intruder);
    Journal::open(&path).unwrap().verify().unwrap_err()
}

#[test]
fn tampering_is_found_and_the_row_is_named() {
    for (change, table, reason) in [
        ("UPDATE fills SET json = replace(json, '100', '90')", "fills", "was changed"),
        ("UPDATE decisions SET account = 'shadow'", "decisions", "was changed"),
        ("UPDATE intents SET at = 6", "intents", "was changed"),
        ("UPDATE outcomes SET decision = NULL", "outcomes", "was changed"),
        ("DELETE FROM fills", "fills", "is missing"),
        ("DELETE FROM checkpoints", "checkpoints", "is missing"),
        ("DELETE FROM fills; DELETE FROM chain WHERE tbl = 'fills'", "chain", "is missing"),
        ("DELETE FROM config_changes; DELETE FROM chain WHERE tbl = 'config_changes'", "head", "missing"),
        ("UPDATE chain SET hash = zeroblob(32) WHERE seq = 3", "chain", "does not continue"),
        ("INSERT INTO fills SELECT 99, session, at, 7, decision, account, json FROM fills", "fills", "slipped in"),
    ] {
        match tampered(change) {
            StoreError::Tampered { table: found, reason: why, row, .. } => {
                assert_eq!(found, table, "{change}");
                assert!(why.contains(reason) && row > 0, "{change}: {why} {row}");
            }
            other => panic!("{change}: {other}"),
        }
    }
}

#[test]
fn nothing_is_continued_from_a_changed_checkpoint() {
    let (_folder, path) = home();
    drop(filled(&path));
    let intruder = Connection::open(&path).unwrap();
    let change = "DROP TRIGGER checkpoints_keeps_rows; UPDATE checkpoints SET json = replace(json, '99.5', '999.5')";
    intruder.execute_batch(change).unwrap();
    drop(intruder);
    let error = Journal::open(&path).unwrap().last_checkpoint(1).unwrap_err();
    assert!(matches!(error, StoreError::Tampered { .. }), "{error}");
}

#[test]
fn steps_are_read_up_to_the_checkpoint_and_count_once() {
    let (_folder, path) = home();
    let mut journal = filled(&path);
    journal.append(1, &[Record::Followed(followed(10, true))]).unwrap();
    assert_eq!(journal.followed(1).unwrap(), [followed(9, true)], "what no checkpoint stands behind is repeated");
    journal.append(1, &[Record::Followed(followed(10, true)), Record::Followed(followed(9, false))]).unwrap();
    journal.append(1, &[checkpoint(10)]).unwrap();
    assert_eq!(journal.followed(1).unwrap(), [followed(9, false), followed(10, true)]);
}

#[test]
fn a_journal_of_schema_1_is_brought_up_to_date() {
    let (_folder, path) = home();
    drop(filled(&path));
    let connection = Connection::open(&path).unwrap();
    let back = "DROP TABLE followed; PRAGMA user_version = 1;";
    connection.execute_batch(back).unwrap();
    drop(connection);
    let mut journal = Journal::open(&path).unwrap();
    assert_eq!(journal.followed(1).unwrap(), []);
    journal.append(1, &[Record::Followed(followed(11, true)), checkpoint(11)]).unwrap();
    assert_eq!(journal.followed(1).unwrap(), [followed(11, true)]);
}

#[test]
fn rows_cannot_be_changed_by_accident() {
    let (_folder, path) = home();
    let journal = filled(&path);
    for table in Table::ALL {
        let update = journal.connection.execute(&format!("UPDATE {table} SET at = 0"), []);
        assert!(update.unwrap_err().to_string().contains("only grows"), "{table}");
        if table != Table::Checkpoints {
            let delete = journal.connection.execute(&format!("DELETE FROM {table}"), []);
            assert!(delete.unwrap_err().to_string().contains("only grows"), "{table}");
        }
    }
}

#[test]
fn a_second_writer_is_told_who_holds_the_journal() {
    let (_folder, path) = home();
    let first = Journal::open(&path).unwrap();
    let error = Journal::open(&path).unwrap_err().to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    drop(first);
    assert!(Journal::open(&path).is_ok());
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database, but long enough to look at its first hundred bytes or so. ".repeat(20))
        .unwrap();
    assert!(matches!(Journal::open(&text).unwrap_err(), StoreError::NotAJournal { .. }));

    let other = folder.path().join("other.sqlite");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE songs (name TEXT)").unwrap();
    assert!(Journal::open(&other).unwrap_err().to_string().contains("another program"));

    let newer = folder.path().join("newer.sqlite");
    drop(Journal::open(&newer).unwrap());
    Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Journal::open(&newer).unwrap_err(), StoreError::NewerSchema { found: 99, known: 2, .. }));

    let unwritable = text.join("journal.sqlite");
    let error = Journal::open(&unwritable).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }) && error.to_string().contains("notes.txt"), "{error}");

    let absent = folder.path().join("absent.sqlite");
    assert!(Journal::open_read_only(&absent).is_err());
    assert!(!absent.exists());
}

#[test]
fn an_empty_file_becomes_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    std::fs::write(&path, "").unwrap();
    assert_eq!(filled(&path).verify().unwrap(), Verified { rows: 13 });
    let mode: String = Connection::open(&path).unwrap().pragma_query_value(None, "journal_mode", |r| r.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_failed_append_leaves_nothing_behind() {
    let (_folder, path) = home();
    let mut journal = filled(&path);
    let before = journal.counts().unwrap();
    journal
        .connection
        .execute_batch("CREATE TEMP TRIGGER stop BEFORE INSERT ON fills BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    assert!(journal.append(1, &[Record::Decision(Box::new(decision(2))), Record::Fill(fill(2))]).is_err());
    journal.connection.execute_batch("DROP TRIGGER stop").unwrap();
    assert_eq!(journal.counts().unwrap(), before);
    journal.append(1, &[Record::Decision(Box::new(decision(2)))]).unwrap();
    journal.verify().unwrap();
}
