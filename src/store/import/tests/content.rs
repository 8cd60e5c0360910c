//! Content that is not what it should be.

use proptest::prelude::*;

use super::*;

/// Reasons and counts for the lines of a Kraken candle file.
fn reasons(text: impl AsRef<[u8]>) -> Vec<(Reason, u64)> {
    let report = parse_bytes(Format::Csv, text.as_ref());
    assert_eq!(report.refused, None);
    assert!(balanced(&report), "{report:?}");
    report.rejected.into_iter().collect()
}

const GOOD: &str = "1704067200,10,12,9,11,5,3\n";

#[test]
fn every_bad_line_has_its_reason() {
    for (line, reason) in [
        ("1704070800,10,12,9,11,5", Reason::WrongColumnCount),
        ("1704070800,10,12,9,11,5,3,1", Reason::WrongColumnCount),
        ("1704070800,10,12,9,11,5,\"3", Reason::BadQuotes),
        ("1704070800,\"1,000\",12,9,11,5,3", Reason::NotANumber),
        ("1704070800,1 000,12,9,11,5,3", Reason::NotANumber),
        ("1704070800,10,12,9,0x11,5,3", Reason::NotANumber),
        ("1704070800,NaN,12,9,11,5,3", Reason::NotFinite),
        ("1704070800,10,inf,9,11,5,3", Reason::NotFinite),
        ("1704070800,,12,9,11,5,3", Reason::MissingValue),
        ("1704070800,1e300,12,9,11,5,3", Reason::TooPrecise),
        ("1704070800,0,12,9,11,5,3", Reason::PriceNotPositive),
        ("1704070800,10,12,-9,11,5,3", Reason::PriceNotPositive),
        ("1704070800,10,12,9,11,-5,3", Reason::NegativeVolume),
        ("1704070800,10,10.5,9,11,5,3", Reason::HighBelowBody),
        ("1704070800,10,12,10.5,11,5,3", Reason::LowAboveBody),
        ("1704070800,10,12,9,11,5,-3", Reason::BadCount),
        ("1704070800,10,12,9,11,5,3.5", Reason::BadCount),
        ("1704070801,10,12,9,11,5,3", Reason::OffGrid),
        ("1704070800.5,10,12,9,11,5,3", Reason::OffGrid),
        ("1704063600,10,12,9,11,5,3", Reason::OutOfOrder),
        ("1704067200,10,12,9,11,6,3", Reason::ConflictInFile),
        ("9990000000,10,12,9,11,5,3", Reason::BadTime),
        ("4102447200,10,12,9,11,5,3", Reason::OffGrid),
        ("4102448400,10,12,9,11,5,3", Reason::InFuture),
        ("4102444800,10,12,9,11,5,3", Reason::Unfinished),
        ("1704070800000,10,12,9,11,5,3", Reason::BadTime),
        ("soon,10,12,9,11,5,3", Reason::BadTime),
        ("<td>,10,12,9,11,5,3", Reason::BadTime),
        ("1704070800,10,12,9,1\u{0}1,5,3", Reason::BinaryData),
    ] {
        assert_eq!(reasons(format!("1704060000,9,9,9,9,9,9\n{GOOD}{line}\n")), [(reason, 1)], "{line}");
    }
    assert_eq!(reasons([GOOD.as_bytes(), b"1704070800,10,12,9,11,5,\xff\n"].concat()), [(Reason::NotUtf8, 1)]);
    let same = parse_bytes(Format::Csv, format!("{GOOD}{GOOD}").as_bytes());
    assert_eq!((same.accepted, same.identical), (1, 1));
}

#[test]
fn what_is_only_written_otherwise_is_taken() {
    for text in [
        format!("\u{feff}{GOOD}"),
        GOOD.replace('\n', "\r\n"),
        GOOD.trim_end().to_owned(),
        format!("\n\n{GOOD}\n\r\n"),
        GOOD.replace("10,12", "1.0E+1,\"12\""),
        GOOD.replace("1704067200", "1704067200.000"),
        GOOD.replace(",5,3", ", 5 , 3.0"),
    ] {
        let report = parse_bytes(Format::Csv, text.as_bytes());
        assert_eq!((report.accepted, report.rejected_total(), &report.refused), (1, 0, &None), "{text:?}");
        assert_eq!(report.sample, ["1704067200000,10,12,9,11,5,3"], "{text:?}");
    }
}

#[test]
fn a_line_of_ten_megabytes_is_one_rejected_line() {
    let text = format!("{GOOD}{}\n1704070800,10,12,9,11,5,3\n", "9".repeat(10 << 20));
    let report = parse_bytes(Format::Csv, text.as_bytes());
    assert_eq!((report.accepted, report.rejected), (2, [(Reason::LineTooLong, 1)].into()));
    assert_eq!(report.problems[0].line, 2);
    assert!(report.problems[0].text.len() < 300);
    let no_end = parse_bytes(Format::Csv, "7".repeat(1 << 20).as_bytes());
    assert!(no_end.refused.is_some() || no_end.accepted == 0);
}

#[test]
fn other_files_are_refused_with_a_name() {
    for (format, bytes, refusal) in [
        (Format::Csv, &b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"[..], Refusal::Html),
        (Format::Csv, b"", Refusal::Empty),
        (Format::Csv, b"\xff\xfe1\0,\0", Refusal::Utf16),
        (Format::Csv, b"PK\x03\x04zip", Refusal::Packed("zip")),
        (Format::Json, b"[[1704067200,1]]", Refusal::Missing("order of columns")),
        (Format::Json, b"[", Refusal::Missing("columns")),
        (
            Format::Jsonl,
            b"{\"error\":[\"EGeneral:Unknown\"]}",
            Refusal::NoColumn { role: "time", columns: "error".to_owned() },
        ),
    ] {
        assert_eq!(parse_bytes(format, bytes).refused, Some(refusal));
    }
    let header = parse_bytes(Format::Csv, b"time,open,high,low,close,volume\n");
    assert_eq!((header.refused, header.read), (None, 0));
    let cut = b"[{\"time\":1704067200,\"price\":1,\"qty\":1},{\"time\":17040";
    let report = parse_bytes(Format::Json, cut);
    assert_eq!((report.accepted, report.rejected), (1, [(Reason::BadJson, 1)].into()));
}

#[test]
fn a_file_of_another_kind_ends_early() {
    let text: String = (0..30_000).map(|n| format!("{n},a,b,c,d,e,f\n")).collect();
    let report = parse_bytes(Format::Csv, format!("time,open,high,low,close,volume,x\n{text}").as_bytes());
    assert!(matches!(report.refused, Some(Refusal::NothingFits { rows: 10_000, .. })), "{report:?}");
}

#[test]
fn trades_are_judged_too() {
    let text = "time,price,qty,side,id\n1704067200,1,1,buy,a\n1704067200,1,1,b,b\n1704067201,1,0,buy,c\n1704067201,0,1,buy,d\n\
                1704067201,1,1,long,e\n1704067200,1,1,sell,f\n1704067199,1,1,buy,g\n1704067202,1,1,SELL,a\n1704067203,1,1,s,\n\
                1704067203,1,1,s,h h\n";
    let report = parse_bytes(Format::Csv, text.as_bytes());
    let want = [
        (Reason::BadSide, 1),
        (Reason::BadId, 1),
        (Reason::PriceNotPositive, 1),
        (Reason::VolumeNotPositive, 1),
        (Reason::OutOfOrder, 1),
        (Reason::ConflictInFile, 1),
        (Reason::MixedIds, 1),
    ];
    assert_eq!(report.rejected, want.into(), "{:?}", report.problems);
    assert_eq!((report.read, report.accepted), (10, 3));
    assert!(balanced(&report));
}

#[test]
fn weeks_may_begin_on_any_midnight_but_are_whole_weeks_apart() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { interval: Some(Interval(10_080)), venue: Some("okx".parse().unwrap()), ..options() };
    let row = |day: &str| format!("{},1,1,1,1,1,1\n", at(&format!("2024-01-{day}T00:00:00Z")).0 / 1_000);
    let text = row("01") + &row("08") + &row("16") + &row("22");
    let report = take(&put(folder.path(), "BTCUSD.csv", text), &folder.path().join("lake"), &options).remove(0);
    assert_eq!((report.accepted, report.rejected), (3, [(Reason::OffGrid, 1)].into()));
}

fn any_format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Csv), Just(Format::Json), Just(Format::Jsonl)]
}

/// Pieces that files are made of, so that more than the first byte is reached.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("1704067200".to_owned()),
        Just("2024-01-01T00:00:00Z".to_owned()),
        Just("time,price,qty\n".to_owned()),
        Just("{\"time\":".to_owned()),
        Just("1704067200,10,12,9,11,5,3\n".to_owned()),
        "[\\[\\]{},;:\"\\\\\r\n\t .0-9eE+-]{1,4}",
        "\\PC{1,3}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_are_read_or_refused(format in any_format(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(balanced(&parse_bytes(format, &bytes)));
    }

    #[test]
    fn arbitrary_pieces_are_read_or_refused(format in any_format(), text in pieces()) {
        prop_assert!(balanced(&parse_bytes(format, text.as_bytes())));
    }

    #[test]
    fn each_line_of_a_damaged_file_is_accounted_for(place in 0_usize..2_000, byte in any::<u8>()) {
        let mut bytes = std::fs::read(fixture("ohlcvt_csv/XBTEUR_60.csv")).unwrap()[..4_000].to_vec();
        bytes[place] = byte;
        let report = parse_bytes(Format::Csv, &bytes);
        let blank = |line: &&[u8]| !line.trim_ascii().is_empty();
        if report.refused.is_none() && report.mapping.as_ref().is_some_and(|m| !m.header) {
            prop_assert_eq!(report.read, bytes.split(|b| *b == b'\n').filter(blank).count() as u64);
        }
        prop_assert!(balanced(&report));
    }
}
