use super::*;

const NOW: SimNs = SimNs(1_000_000_000_000_000_000);

fn at_path(path: &str) -> Point<'_> {
    Point { path: Some(path), ..Point::default() }
}

#[test]
fn a_fault_strikes_where_its_parts_agree_from_the_nth_time_on_as_often_as_it_may() {
    let mut faults = Faults::seeded(1);
    let place = Match { path: Some("AddOrder".into()), pair: Some("BTC/USD".into()), nth: Some(2), ..Match::default() };
    faults.add(NOW, Fault { count: 2, ..Fault::new(Kind::Html, place) });
    let mut strike = |path, pair, kind| {
        faults.strike(NOW, Point { path: Some(path), pair, ..Point::default() }, &[kind], Some(Stage::Before)).is_some()
    };
    let here = Some("BTC/USD");
    assert!(!strike("/0/private/AddOrder", Some("ETH/USD"), Kind::Html));
    assert!(!strike("/0/private/CancelOrder", here, Kind::Html));
    assert!(!strike("/0/private/AddOrder", here, Kind::Reset));
    assert!(!strike("/0/private/AddOrder", None, Kind::Html));
    let struck: Vec<bool> = (0..5).map(|_| strike("/0/private/AddOrder", here, Kind::Html)).collect();
    assert_eq!(struck, [false, true, true, false, false]);
    assert!(faults.is_empty());
}

#[test]
fn stage_chance_and_end_are_kept() {
    let mut faults = Faults::seeded(3);
    faults.add(
        NOW,
        Fault {
            when: Stage::After,
            count: 1_000_000,
            p: 0.25,
            for_s: Some(60),
            ..Fault::new(Kind::Busy, Match::default())
        },
    );
    let mut count = |at, stage| {
        (0..1_000).filter(|_| faults.strike(at, at_path("/x"), &[Kind::Busy], Some(stage)).is_some()).count()
    };
    assert_eq!(count(NOW, Stage::Before), 0);
    let hits = count(NOW, Stage::After);
    assert!((200..300).contains(&hits), "{hits}");
    assert_eq!(count(NOW.plus_ms(60_000), Stage::After), 0, "ended by itself");
}

#[test]
fn faults_travel_as_json_and_unknown_words_are_refused() {
    let text =
        r#"{"kind":"late_appearance","match":{"path":"AddOrder","nth":2},"count":3,"p":0.5,"when":"after","s":55}"#;
    let fault: Fault = serde_json::from_str(text).unwrap();
    assert_eq!(
        (fault.kind, fault.s, fault.place.nth, fault.when),
        (Kind::LateAppearance, Some(55), Some(2), Stage::After)
    );
    assert_eq!(serde_json::from_str::<Fault>(&serde_json::to_string(&fault).unwrap()).unwrap(), fault);
    for bad in [r#"{"kind":"no_such"}"#, r#"{"kind":"html","matches":{}}"#, r#"{"kind":"html","match":{"paths":"x"}}"#]
    {
        assert!(serde_json::from_str::<Fault>(bad).is_err(), "{bad}");
    }
}

#[test]
fn ambient_faults_are_present_and_never_strike() {
    let mut faults = Faults::seeded(1);
    let id = faults.add(NOW, Fault { s: Some(-3), for_s: Some(10), ..Fault::new(Kind::ClockSkew, Match::default()) });
    assert!(faults.strike(NOW, Point::default(), &[Kind::ClockSkew], None).is_none());
    assert_eq!(faults.present(NOW, Kind::ClockSkew).and_then(|f| f.s), Some(-3));
    assert!(faults.present(NOW.plus_ms(10_000), Kind::ClockSkew).is_none());
    assert_eq!((faults.remove(Some(id + 1)), faults.remove(Some(id)), faults.remove(None)), (0, 1, 0));
}

#[test]
fn broken_texts_look_as_named() {
    assert_eq!(
        cut_last(r#"{"error":[],"result":{"X":[],"last":"1616663618000000000"}}"#),
        r#"{"error":[],"result":{"X":[],"last":"1616663618"}}"#
    );
    let ohlc = cut_ohlc(r#"{"error":[],"result":{"XXBTZUSD":[[60],[120],[180]],"last":120}}"#);
    assert_eq!(ohlc, r#"{"error":[],"result":{"XXBTZUSD":[[60],[180]],"last":120}}"#);
    assert_eq!(wrong_type(r#"{"error":[],"result":{"a":1}}"#, None), r#"{"error":[],"result":true}"#);
    assert!(wrong_checksum(r#"{"channel":"book","data":[{"checksum":8}]}"#).contains("\"checksum\":9"));
    assert!(extra_fields(r#"{"data":[{"a":1}]}"#).matches("novel_field").count() == 2);
    assert_eq!(
        unknown_word(r#"{"data":[{"status":"new","x":1}]}"#, "status", None),
        r#"{"data":[{"status":"novel_word","x":1}]}"#
    );
    assert_eq!(
        shift_times(
            r#"{"data":[{"timestamp":"2024-05-18T12:01:56.165888Z"}],"result":{"unixtime":10,"opentm":1.5,"expiretm":0}}"#,
            3_000
        ),
        r#"{"data":[{"timestamp":"2024-05-18T12:01:59.165888Z"}],"result":{"expiretm":0,"opentm":4.5,"unixtime":13}}"#
    );
    assert!(gateway_page(520).contains("520"));
    let throttled = Fault { s: Some(7), ..Fault::new(Kind::Throttled, Match::default()) };
    assert_eq!(error_text(&throttled, NOW).as_deref(), Some("EService:Throttled:1000000007"));
}
