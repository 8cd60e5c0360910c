use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::{Interval, Pair, UtcMs};
use crate::store::StoreError;
use crate::store::lake::{self, CheckReport, ExportFormat, Filter, LakeWriter, Scan, SeriesKey, StoredCandle};

mod content;
mod hostile;
mod keeping;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import").join(name)
}

fn at(text: &str) -> UtcMs {
    UtcMs::parse(text).unwrap()
}

fn options() -> Options {
    Options::new(at("2025-01-01T00:00:00Z"))
}

fn pair(text: &str) -> Pair {
    text.parse().unwrap()
}

/// Imports and expects that no file is refused.
fn take(source: &Path, lake: &Path, options: &Options) -> Vec<Report> {
    let outcomes = import(source, lake, options, &mut |_| ControlFlow::Continue(())).unwrap();
    outcomes.into_iter().map(|outcome| outcome.result.unwrap()).collect()
}

fn put(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

fn list(lake: &Path) -> CheckReport {
    lake::list(lake, &Filter::default()).unwrap()
}

fn check(lake: &Path) -> CheckReport {
    lake::check(lake, &Filter::default(), options().now).unwrap()
}

/// The candles of a series of the lake.
fn candles(lake: &Path, venue: &str, name: &str, interval: Interval) -> Vec<StoredCandle> {
    let key = SeriesKey::new(venue.parse().unwrap(), pair(name), Series::Candles(interval));
    Scan::new(lake, key).candles().unwrap().flat_map(Result::unwrap).collect()
}

/// The only data file of a folder.
fn only_file(folder: &Path) -> PathBuf {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut data: Vec<PathBuf> = names.filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect();
    assert_eq!(data.len(), 1, "{data:?}");
    data.remove(0)
}

fn rows_of(lake: &Path) -> BTreeMap<String, u64> {
    let listing = list(lake);
    assert_eq!(listing.problems, []);
    listing.entries.iter().map(|e| (format!("{} {} {}", e.venue, e.pair, e.series), e.rows)).collect()
}

fn balanced(report: &Report) -> bool {
    report.read == report.accepted + report.identical + report.replaced + report.rejected_total()
}

#[test]
fn krakens_candle_files_come_in_whole() {
    let lake = tempfile::tempdir().unwrap();
    let reports = take(&fixture("ohlcvt_csv"), lake.path(), &options());
    let counts: Vec<_> = reports.iter().map(|r| (r.read, r.accepted, r.rejected_total(), r.files.len())).collect();
    assert_eq!(counts, [(1_066, 1_066, 0, 1), (2_015, 2_015, 0, 1), (744, 744, 0, 1)]);
    assert!(reports.iter().all(balanced));
    let sgb = &reports[0];
    assert_eq!((sgb.first, sgb.last), (Some(at("2024-08-01T00:00:00Z")), Some(at("2024-08-07T23:55:00Z"))));
    assert_eq!(sgb.holes.absent, 7 * 288 - 1_066, "{:?}", sgb.holes);
    // 1.2E+3 in the file.
    assert_eq!(sgb.sample[0], "1722470400000,0.00852,0.00852,0.00852,0.00852,1200,1");
    let want = [("kraken BTC/EUR 1h", 744), ("kraken SGB/USD 5m", 1_066), ("kraken SOL/USD 5m", 2_015)];
    assert_eq!(rows_of(lake.path()), want.map(|(name, rows)| (name.to_owned(), rows)).into());
    assert!(only_file(&lake.path().join("kraken/BTC-EUR/1h")).to_string_lossy().contains("1h/2024-10-"));
    let (checked, listed) = (check(lake.path()), list(lake.path()));
    assert_eq!(checked.problems, []);
    let plain = |report: CheckReport| report.entries.into_iter().map(|e| lake::LakeEntry { outliers: None, ..e });
    assert_eq!(plain(checked).collect::<Vec<_>>(), listed.entries);

    let again = take(&fixture("ohlcvt_csv"), lake.path(), &options());
    assert!(again.iter().all(|r| r.identical == r.read && r.files.is_empty()), "{again:?}");
}

#[test]
fn the_imported_candles_equal_an_independent_conversion() {
    let lake = tempfile::tempdir().unwrap();
    take(&fixture("ohlcvt_csv/XBTEUR_60.csv"), lake.path(), &options());
    let (pair, venue) = (pair("BTC/EUR"), crate::domain::Venue::Kraken);
    let ours = candles(lake.path(), "kraken", "BTC/EUR", Interval::H1);
    let ours: Vec<_> = ours.iter().map(|row| row.raw(&pair, venue, Interval::H1)).collect();
    let theirs = lake::read_candles(&fixture("XBTEUR_60.parquet"), &pair, venue, Interval::H1).unwrap();
    assert_eq!(ours.len(), 744);
    assert_eq!(ours, theirs);
}

#[test]
fn krakens_trade_files_come_in_whole_and_only_once() {
    let lake = tempfile::tempdir().unwrap();
    let reports = take(&fixture("trades_csv"), lake.path(), &options());
    assert_eq!(reports.iter().map(|r| r.accepted).collect::<Vec<_>>(), [148, 486]);
    assert_eq!(rows_of(lake.path()), [("kraken BCH/EUR trades".to_owned(), 634)].into());
    assert_eq!(reports[0].sample[0], "1672531436000000000,90.54,1.1044842,,");
    let again = take(&fixture("trades_csv"), lake.path(), &options());
    assert_eq!(again.iter().map(|r| (r.identical, r.accepted)).collect::<Vec<_>>(), [(148, 0), (486, 0)]);
    assert_eq!(check(lake.path()).problems, []);
}

#[test]
fn parquet_of_others_is_taken_by_its_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let lake = tempfile::tempdir().unwrap();
    let options = Options { venue: Some(VenueName::kraken()), ..options() };
    let trades = take(&root.join("tape/BTC-USDT_trades.parquet"), lake.path(), &options);
    assert_eq!((trades[0].accepted, trades[0].files.len()), (26_921, 6));
    assert_eq!(trades[0].sample[0], "1700179206662000000,36160.9,0.00039906,buy,5504897");
    let candles = take(&root.join("recording/kraken/SGB-USD_5.parquet"), lake.path(), &options);
    assert_eq!((candles[0].accepted, candles[0].files.len()), (16_806, 4));
    assert_eq!((candles[0].holes.absent, candles[0].holes.longest_ms), (18_608, 250 * 60_000));
    let listing = list(lake.path());
    assert_eq!(listing.entries[1].holes, candles[0].holes, "the same over the borders of files");
    assert_eq!(check(lake.path()).problems, []);
    let bad = put(lake.path(), "../broken_BTCUSD_5.parquet", b"PAR1 and then nothing of use PAR1");
    let outcome = import(&bad, lake.path(), &options, &mut |_| ControlFlow::Continue(())).unwrap();
    std::fs::remove_file(&bad).unwrap();
    let refused = outcome[0].result.as_ref().unwrap_err();
    assert!(matches!(refused, ImportError::Refused { refusal: Refusal::BadParquet(_), .. }), "{refused}");
}

const MAPPING: &str = r#"
kind = "candles"
venue = "coinbase"
interval = 60
delimiter = ";"
decimal_comma = true
time_unit = "datetime-utc"
order = "descending"
[columns]
time = "when"
open = "o"
high = "h"
low = "l"
close = "c"
volume = 6
"#;

#[test]
fn a_mapping_says_what_columns_mean() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let mapping = Mapping::load(&put(folder.path(), "m.toml", MAPPING)).unwrap();
    let file = put(
        folder.path(),
        "ETH-USD.csv",
        "when;o;h;l;c;quote;base\r\n2024-03-01 02:00;2,5;3,0;2,0;2,25;9;0,001\r\n\"2024-03-01 00:00\";2;3;2;2;9;7\r\n\
         2024-02-29 23:00;1;1;1;1;9;0\r\n",
    );
    let report = &take(&file, &lake, &Options { mapping: Some(mapping), ..options() })[0];
    assert_eq!((report.accepted, report.files.len()), (3, 2));
    assert_eq!((report.holes.count, report.holes.absent), (1, 1));
    assert_eq!(report.sample[0], "1709258400000,2.5,3,2,2.25,0.001,");
    let rows = candles(&lake, "coinbase", "ETH/USD", Interval::H1);
    assert_eq!(rows.iter().map(|r| r.open_time.clock()).collect::<Vec<_>>(), ["23:00:00", "00:00:00", "02:00:00"]);

    for (change, told) in [
        (("venue = \"coinbase\"", "venue = \"Coinbase\""), "cannot name a venue"),
        (("kind = \"candles\"", "kind = \"ticks\""), "ticks"),
        (("time = \"when\"", ""), "no column is named for the time"),
        (("delimiter = \";\"", ""), "another delimiter"),
        (("interval = 60", "interval = 0"), "interval must be"),
        (("order =", "sort ="), "sort"),
    ] {
        let path = put(folder.path(), "m.toml", MAPPING.replace(change.0, change.1));
        let error = Mapping::load(&path).unwrap_err().to_string();
        assert!(error.contains(told) && error.contains("m.toml"), "{error}");
    }
    let text = toml::to_string(&Mapping::kraken(Kind::Candles)).unwrap();
    assert_eq!(toml::from_str::<Mapping>(&text).unwrap(), Mapping::kraken(Kind::Candles));
}

#[test]
fn json_comes_in_every_shape() {
    let folder = tempfile::tempdir().unwrap();
    let objects = r#"[{"timestamp":1709251200000,"open":1.10,"high":"2.5","low":1,"close":2,"volume":3e-8,"trades":null},
        {"timestamp":1709251260000,"open":1,"high":2,"low":1,"close":2,"volume":1,"trades":4}]"#;
    let lines = objects.replace(['[', ']'], "").replace("},", "}\n");
    let arrays = "[1709251200000,1.10,2.5,1,2,3e-8,null]\n[1709251260000,1,2,1,2,1,4]\n";
    let mut columns = Mapping::new(Kind::Candles, "okx".parse().unwrap());
    for (place, (role, _)) in Kind::Candles.roles().iter().enumerate() {
        columns.columns.set(role, Column::Place(place));
    }
    let open = Options { venue: Some("okx".parse().unwrap()), ..options() };
    let mapped = Options { mapping: Some(columns), ..options() };
    for (name, text, options) in [
        ("a/BTCUSDT_1m.json", objects.to_owned(), &open),
        ("b/BTCUSDT_1m.jsonl", lines, &open),
        ("c/BTCUSDT_1m.json", arrays.to_owned(), &mapped),
        ("d/BTCUSDT_1m.json", format!("[{}]", arrays.trim().replace('\n', ",")), &mapped),
    ] {
        let lake = folder.path().join(name);
        let report =
            take(&put(folder.path(), &format!("{name}.txt"), text).with_extension("txt"), &lake, options).remove(0);
        assert_eq!((report.accepted, report.read), (2, 2), "{name}: {:?}", report.problems);
        assert_eq!(report.sample[0], "1709251200000,1.1,2.5,1,2,0.00000003,", "{name}");
        assert_eq!(rows_of(&lake), [("okx BTC/USDT 1m".to_owned(), 2)].into());
    }
}

#[test]
fn a_look_and_a_dry_run_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let seen = inspect(&fixture("ohlcvt_csv"), &options()).unwrap();
    let shown: Vec<_> = seen
        .iter()
        .map(|o| o.result.as_ref().unwrap())
        .map(|r| (r.read, r.mapping.clone().unwrap().pair.unwrap().to_string(), r.sample.len(), r.notes.len()))
        .collect();
    assert_eq!(shown[1], (1_000, "SOL/USD".to_owned(), 5, 3), "{:?}", seen[1]);
    let dry = Options { dry_run: true, ..options() };
    let file = put(folder.path(), "XBTUSD_60.csv", "1704067200,1,1,1,1,1,1\n1704070800,1,1,2,1,1,1\n");
    let report = take(&file, &lake, &dry).remove(0);
    assert_eq!((report.accepted, report.rejected_total(), report.rejects), (1, 1, None));
    assert!(!lake.exists());
    let nothing = inspect(&lake, &options()).unwrap_err();
    assert!(nothing.to_string().contains("lake"), "{nothing}");
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(inspect(empty.path(), &options()), Err(ImportError::NothingToDo { .. })));
}
