//! Files that are wrong as a whole or in part, each beside a lake that holds good rows: what is told, and that the lake stays as it was.

use super::*;

/// An hour of January 2024 that the lake has.
fn known(lake: &Path, folder: &Path) -> Vec<StoredCandle> {
    let rows: String = (0..50_i64).map(|n| format!("{},10,20,5,11,1.5,7\n", 1_704_067_200 + n * 3_600)).collect();
    take(&put(folder, "known/XBTUSD_60.csv", rows), lake, &options());
    candles(lake, "kraken", "BTC/USD", Interval::H1)
}

/// What an import must say.
enum Told {
    /// Not a row is taken, and the error names the file and says this.
    Refused(&'static str),
    /// Rows are rejected: line and reason of each.
    Rows(&'static [(u64, Reason)]),
}
use Told::{Refused, Rows};

fn csv(rows: &[&str]) -> Vec<u8> {
    format!("time,open,high,low,close,volume,trades\n{}\n", rows.join("\n")).into_bytes()
}

/// Hours of February in a file of January's minutes and the like: rows so many seconds apart.
fn apart(seconds: i64, rows: i64) -> String {
    (0..rows).map(|n| format!("{},10,20,5,11,1.5,7\n", 1_706_745_600 + n * seconds)).collect()
}

fn cases() -> Vec<(&'static str, &'static str, Vec<u8>, Told)> {
    let parquet = std::fs::read(fixture("XBTEUR_60.parquet")).unwrap();
    let cut = parquet[..parquet.len() - 100].to_vec();
    let head = parquet[..parquet.len() / 2].to_vec();
    vec![
        ("no header that is known", "XBTUSD_60.csv", b"a,b,c\n1,2,3\n".to_vec(), Refused("no column is named for the")),
        (
            "a column twice",
            "XBTUSD_60.csv",
            b"time,open,open,high,low,close,volume\n1706745600,1,1,1,1,1,1\n".to_vec(),
            Refused("could both be the open"),
        ),
        (
            "a column that is missing",
            "XBTUSD_60.csv",
            b"time,open,high,low,close\n1706745600,1,1,1,1\n".to_vec(),
            Refused("no column is named for the volume"),
        ),
        ("an empty file", "XBTUSD_60.csv", Vec::new(), Refused("it is empty")),
        ("a page of an error", "XBTUSD_60.csv", b"<html><body>502</body></html>".to_vec(), Refused("HTML")),
        ("a packed file", "XBTUSD_60.csv", b"\x1f\x8b\x08\0rest".to_vec(), Refused("packed (gzip)")),
        (
            "longer candles than named",
            "XBTUSD_1.csv",
            apart(3_600, 300).into_bytes(),
            Refused("60 minutes apart, not 1m"),
        ),
        (
            "two lengths in one file",
            "XBTUSD_5.csv",
            (apart(300, 100) + &apart(14_400, 400).replace("1706745600,", "1706775000,")).into_bytes(),
            Refused("240 minutes apart, not 5m"),
        ),
        (
            "shorter candles among the hours",
            "XBTUSD_60.csv",
            csv(&["1706745600,1,1,1,1,1,1", "1706745900,1,1,1,1,1,1", "1706749200,1,1,1,1,1,1"]),
            Rows(&[(3, Reason::OffGrid)]),
        ),
        (
            "a row twice, and once more with other values",
            "XBTUSD_60.csv",
            csv(&["1706745600,1,1,1,1,1,1", "1706745600,1,1,1,1,1,1", "1706745600,1,2,1,1,1,1"]),
            Rows(&[(4, Reason::ConflictInFile)]),
        ),
        (
            "rows that run backwards",
            "XBTUSD_60.csv",
            csv(&[
                "1706745600,1,1,1,1,1,1",
                "1706752800,1,1,1,1,1,1",
                "1706749200,1,1,1,1,1,1",
                "1706756400,1,1,1,1,1,1",
            ]),
            Rows(&[(4, Reason::OutOfOrder)]),
        ),
        (
            "local times: the hour that summer time ends comes twice, and words for zones are not guessed",
            "XBTUSD_60.csv",
            csv(&[
                "2024-10-27 01:00:00,1,1,1,1,1,1",
                "2024-10-27 02:00:00,1,1,1,1,1,1",
                "2024-10-27 02:00:00,1,3,1,2,1,1",
                "2024-10-27 03:00:00 CET,1,1,1,1,1,1",
                "2024-10-27 04:00:00,1,1,1,1,1,1",
            ]),
            Rows(&[(4, Reason::ConflictInFile), (5, Reason::BadTime)]),
        ),
        (
            "instants with an offset are what they say: half past two in Paris twice",
            "XBTUSD_30.csv",
            csv(&[
                "2024-10-27T02:30:00+02:00,1,1,1,1,1,1",
                "2024-10-27T02:30:00+01:00,1,1,1,1,1,1",
                "2024-10-27T02:30:00+26:00,1,1,1,1,1,1",
            ]),
            Rows(&[(4, Reason::BadTime)]),
        ),
        (
            "numbers that are none",
            "XBTUSD_60.csv",
            csv(&[
                "1706745600,NaN,1,1,1,1,1",
                "1706749200,1,inf,1,1,1,1",
                "1706752800,1,1,-Infinity,1,1,1",
                "1706756400,1,1,1,1e999,1,1",
                "1706760000,1,1,1,1,,1",
                "1706763600,0x10,1,1,1,1,1",
                "1706767200,1,1,1,1,1,1",
            ]),
            Rows(&[
                (2, Reason::NotFinite),
                (3, Reason::NotFinite),
                (4, Reason::NotFinite),
                (5, Reason::TooPrecise),
                (6, Reason::MissingValue),
                (7, Reason::NotANumber),
            ]),
        ),
        (
            "candles that cannot be",
            "XBTUSD_60.csv",
            csv(&[
                "1706745600,0,1,1,1,1,1",
                "1706749200,1,1,1,1,-1,1",
                "1706752800,3,2,1,2,1,1",
                "1706756400,2,3,2.5,2,1,1",
                "4102444800,1,1,1,1,1,1",
                "1706760000,1,1,1,1,1,1",
            ]),
            Rows(&[
                (2, Reason::PriceNotPositive),
                (3, Reason::NegativeVolume),
                (4, Reason::HighBelowBody),
                (5, Reason::LowAboveBody),
                (6, Reason::InFuture),
            ]),
        ),
        ("Parquet without its end", "XBTUSD_60.parquet", cut, Refused("not Parquet that can be read")),
        ("half of a Parquet file", "XBTUSD_60.parquet", head, Refused("not Parquet that can be read")),
        (
            "text that calls itself Parquet",
            "XBTUSD_60.parquet",
            b"PAR1 text PAR1".to_vec(),
            Refused("not Parquet that can be read"),
        ),
        (
            "JSON that ends in the middle",
            "XBTUSD_60.json",
            br#"[{"time":1706745600,"open":1,"high":1,"low":1,"close":1,"volume":1},{"time":17067"#.to_vec(),
            Rows(&[(2, Reason::BadJson)]),
        ),
        (
            "JSON lines with a line of something else",
            "XBTUSD_60.jsonl",
            b"{\"time\":1706745600,\"open\":1,\"high\":1,\"low\":1,\"close\":1,\"volume\":1}\nnull\n".to_vec(),
            Rows(&[(2, Reason::WrongShape)]),
        ),
    ]
}

#[test]
fn bad_files_are_named_with_row_and_rule_and_the_lake_stays() {
    for (case, name, content, told) in cases() {
        let folder = tempfile::tempdir().unwrap();
        let lake = folder.path().join("lake");
        let before = known(&lake, folder.path());
        let source = put(folder.path(), name, &content);
        let options = Options { venue: Some(VenueName::kraken()), ..options() };
        let outcome = import(&source, &lake, &options, &mut |_| ControlFlow::Continue(())).unwrap().remove(0);
        match told {
            Refused(words) => {
                let error = outcome.result.unwrap_err().to_string();
                assert!(error.contains(words) && error.contains(name), "{case}: {error}");
                assert_eq!(list(&lake).entries.len(), 1, "{case}: nothing was taken");
            }
            Rows(rows) => {
                let report = outcome.result.unwrap();
                let found: Vec<_> = report.problems.iter().map(|p| (p.line, p.reason)).collect();
                assert_eq!(found, rows, "{case}");
                assert!(balanced(&report) && report.accepted > 0, "{case}: {report:?}");
                let listed = std::fs::read_to_string(report.rejects.unwrap()).unwrap();
                assert_eq!(listed.lines().count(), rows.len() + 1, "{case}");
            }
        }
        let kept = candles(&lake, "kraken", "BTC/USD", Interval::H1);
        assert!(before.iter().all(|row| kept.contains(row)), "{case}");
        assert_eq!(check(&lake).problems, [], "{case}");
    }
}

#[test]
fn decimals_that_floats_lose_survive_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let text = "1704067200,0.1,1234567890.1234567891,0.00000001,2,98765432109.87654321,\n\
                1704070800,0.30000000000000004,1,0.1,0.2,0,7\n";
    take(&put(folder.path(), "XBTUSD_60.csv", text), &lake, &options());
    let rows = candles(&lake, "kraken", "BTC/USD", Interval::H1);
    assert_eq!(rows[0].decimals().unwrap()[1].to_string(), "1234567890.1234567891");
    let trades = "time,price,volume,side,id\n1704067200000000001,98765432109.87654321,1234567890.1234567891,buy,a\n";
    take(&put(folder.path(), "XBTUSD.csv", trades), &lake, &Options { venue: Some(VenueName::kraken()), ..options() });
    for (name, format) in [
        ("csv", ExportFormat::Csv),
        ("json", ExportFormat::Json),
        ("jsonl", ExportFormat::JsonLines),
        ("parquet", ExportFormat::Parquet),
    ] {
        for (stem, series) in [("XBTUSD_60", Series::Candles(Interval::H1)), ("XBTUSD", Series::Trades)] {
            let target = folder.path().join(format!("out/{stem}.{name}"));
            let key = SeriesKey::new(VenueName::kraken(), pair("BTC/USD"), series);
            let all = UtcMs(i64::MIN)..UtcMs(i64::MAX);
            let exported = lake::export(&lake, &key, all, format, &target).unwrap();
            let options = Options { venue: Some(VenueName::kraken()), ..options() };
            let same = take(&target, &lake, &options).remove(0);
            assert_eq!((same.identical, same.rejected_total()), (exported.rows, 0), "{stem}.{name}: {same:?}");
        }
    }
}
