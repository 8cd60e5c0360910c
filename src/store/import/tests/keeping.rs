//! What the lake keeps, and what comes out of it again.

use super::*;

fn hours(values: &[(i64, &str)]) -> String {
    values.iter().map(|(n, close)| format!("{},10,20,5,{close},1.5,7\n", 1_704_067_200 + n * 3_600)).collect()
}

#[test]
fn rows_that_say_otherwise_are_listed_unless_they_replace() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let first = put(folder.path(), "XBTUSD_60.csv", hours(&[(0, "10"), (1, "11"), (2, "12")]));
    take(&first, &lake, &options());
    let other = put(folder.path(), "b/XBTUSD_60.csv", hours(&[(0, "10"), (1, "11.5"), (3, "13")]));
    let careful = take(&other, &lake, &options()).remove(0);
    assert_eq!((careful.identical, careful.accepted, careful.rejected_total()), (1, 1, 1));
    let problem = &careful.problems[0];
    assert_eq!((problem.line, problem.reason), (2, Reason::ConflictWithLake));
    assert_eq!(problem.text, "1704070800000,10,20,5,11.5,1.5,7 (the lake has 10,20,5,11,1.5,7)");
    let listed = std::fs::read_to_string(careful.rejects.unwrap()).unwrap();
    let want =
        "line,reason,text\n2,conflict_with_lake,\"1704070800000,10,20,5,11.5,1.5,7 (the lake has 10,20,5,11,1.5,7)\"\n";
    assert_eq!(listed, want);

    let bold = take(&other, &lake, &Options { replace: true, ..options() }).remove(0);
    assert_eq!((bold.identical, bold.replaced, bold.rejected_total()), (2, 1, 0));
    let rows = candles(&lake, "kraken", "BTC/USD", Interval::H1);
    assert_eq!(rows.iter().map(|r| r.values[3]).collect::<Vec<_>>(), [10.0, 11.5, 12.0, 13.0]);
    let again = take(&other, &lake, &options()).remove(0);
    assert!(again.rejects.is_none() && again.files.is_empty());
}

#[test]
fn a_count_of_trades_is_added_where_there_was_none() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let plain = "time,open,high,low,close,volume\n1704067200,10,20,5,10,1.5\n";
    let options = Options { venue: Some(VenueName::kraken()), ..options() };
    take(&put(folder.path(), "XBTUSD_60.csv", plain), &lake, &options);
    let counted = take(&put(folder.path(), "XBTUSD_60.csv", hours(&[(0, "10")])), &lake, &options).remove(0);
    assert_eq!((counted.identical, counted.files.len()), (1, 1));
    let rows = candles(&lake, "kraken", "BTC/USD", Interval::H1);
    assert_eq!(rows[0].trades, Some(7));
    let back = take(&put(folder.path(), "XBTUSD_60.csv", plain), &lake, &options).remove(0);
    assert_eq!((back.identical, back.files.len()), (1, 0));
}

#[test]
fn a_damaged_lake_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let file = put(folder.path(), "XBTUSD_60.csv", hours(&[(0, "10")]));
    take(&file, &lake, &options());
    let path = only_file(&lake.join("kraken/BTC-USD/1h"));
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = import(&file, &lake, &options(), &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains(&name), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let report = check(&lake);
    assert_eq!((report.entries.len(), report.problems.len()), (0, 1));
    assert!(report.problems[0].reason.contains("is not the one that manifest.json lists"), "{report:?}");
    assert_eq!(list(&lake), report);
}

#[test]
fn one_writer_at_a_time() {
    let lake = tempfile::tempdir().unwrap();
    let held = LakeWriter::open(lake.path(), options().now).unwrap();
    let run = || import(&fixture("trades_csv"), lake.path(), &options(), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(run(), Err(ImportError::Store(StoreError::Busy { .. }))));
    drop(held);
    assert!(run().is_ok());
}

#[test]
fn an_import_that_is_ended_keeps_what_it_read_and_can_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let text: String = (0..20_000_i64).map(|n| format!("{},1,1,1,1,1,1\n", 1_704_067_200 + n * 60)).collect();
    let file = put(folder.path(), "XBTUSD_1.csv", &text);
    let mut told = Vec::new();
    let outcomes = import(&file, &lake, &options(), &mut |progress| {
        told.push((progress.rows, progress.bytes.1, progress.number));
        ControlFlow::Break(())
    })
    .unwrap();
    let report = outcomes[0].result.as_ref().unwrap();
    assert!(report.stopped);
    assert_eq!((report.accepted, told[0]), (8_192, (8_192, text.len() as u64, (0, 1))));
    assert_eq!(rows_of(&lake), [("kraken BTC/USD 1m".to_owned(), 8_192)].into());
    let rest = take(&file, &lake, &options()).remove(0);
    assert_eq!((rest.identical, rest.accepted, rest.stopped), (8_192, 20_000 - 8_192, false));
}

#[test]
fn a_refused_file_does_not_keep_the_others_out() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "in/a_XBTUSD_60.csv", "<html>");
    put(folder.path(), "in/b_XBTUSD_60.csv", hours(&[(0, "10")]));
    put(folder.path(), "in/.hidden_XBTUSD_60.csv", hours(&[(0, "11")]));
    put(folder.path(), "in/notes.md", "no data");
    let lake = folder.path().join("lake");
    let outcomes = import(&folder.path().join("in"), &lake, &options(), &mut |_| ControlFlow::Continue(())).unwrap();
    let shown: Vec<_> =
        outcomes.iter().map(|o| (o.path.file_name().unwrap().to_str().unwrap(), o.result.is_ok())).collect();
    assert_eq!(shown, [("a_XBTUSD_60.csv", false), ("b_XBTUSD_60.csv", true)]);
}

#[test]
fn the_check_finds_rows_and_files_that_do_not_belong() {
    let lake = tempfile::tempdir().unwrap();
    let key = SeriesKey::new(VenueName::kraken(), pair("BTC/USD"), Series::Candles(Interval::H1));
    let folder = key.folder(lake.path());
    let row = |at_hour: i64, high: f64| {
        let mut row = StoredCandle::from_decimals(
            UtcMs(1_704_067_200_000 + at_hour * 3_600_000),
            [10, 20, 5, 10, 1].map(Into::into),
            None,
        );
        row.values[1] = high;
        row
    };
    let mut off = row(4, 20.0);
    off.open_time = off.open_time.plus(1);
    let rows = [
        row(0, 20.0),
        row(0, 20.0),
        row(3, 9.0),
        row(2, f64::NAN),
        off,
        row(-1, 20.0),
        row(24 * 400, 20.0),
        row(24 * 30, 20.0),
    ];
    let writer = LakeWriter::open(lake.path(), options().now).unwrap();
    let span = Series::Candles(Interval::H1).span(rows[0].open_time.0).unwrap();
    writer.series(&key).unwrap().replace(&span, &rows, "test").unwrap();
    let data = only_file(&folder);
    put(&folder, "2024-13.parquet", "");
    put(&folder, "2024-02.parquet.sha256", "lonely");
    put(lake.path(), "kraken/BTC-USD/1x/y", "");
    put(lake.path(), "kraken/btcusd/1h/y", "");
    put(lake.path(), "Other/x", "");
    put(lake.path(), "_rejects/x.csv", "");
    let report = check(lake.path());
    let mut found: Vec<_> = report
        .problems
        .iter()
        .map(|p| (p.path.strip_prefix(lake.path()).unwrap().to_str().unwrap(), p.row, p.reason.as_str()))
        .collect();
    found.sort();
    let file = data.strip_prefix(lake.path()).unwrap().to_str().unwrap();
    let unlisted = "the manifest does not list it; it is not part of the lake";
    let mut want = [
        ("Other", None, "it names no venue; it is not part of the lake"),
        ("kraken/BTC-USD/1h/2024-02.parquet.sha256", None, unlisted),
        ("kraken/BTC-USD/1h/2024-13.parquet", None, unlisted),
        (file, Some(1), "the row is out of order"),
        (file, Some(2), "the row has a body outside of high and low"),
        (file, Some(3), "the row holds something that is not a number"),
        (file, Some(3), "the row is out of order"),
        (file, Some(4), "the row is off the grid"),
        (file, Some(5), "the row belongs to another file"),
        (file, Some(5), "the row is out of order"),
        (file, Some(6), "the row belongs to another file"),
        (file, Some(6), "the row is not over"),
        (file, Some(7), "the row is out of order"),
        ("kraken/BTC-USD/1x", None, "it names no series; it is not part of the lake"),
        ("kraken/btcusd", None, "it names no pair; it is not part of the lake"),
    ];
    want.sort_unstable();
    assert_eq!(found, want);
    assert_eq!((report.entries[0].rows, report.entries[0].state), (8, lake::SeriesState::Damaged));
    assert_eq!(list(Path::new("/no/such/lake")), CheckReport::default());
}

#[test]
fn what_is_exported_can_be_imported_again() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    take(&fixture("ohlcvt_csv/SGBUSD_5.csv"), &lake, &options());
    take(&fixture("trades_csv"), &lake, &options());
    let all = UtcMs(0)..options().now;
    for (name, format) in [
        ("csv", ExportFormat::Csv),
        ("json", ExportFormat::Json),
        ("jsonl", ExportFormat::JsonLines),
        ("parquet", ExportFormat::Parquet),
    ] {
        for (text, series, rows, stem) in
            [("SGB/USD", Series::Candles(Interval::M5), 1_066, "SGBUSD_5"), ("BCH/EUR", Series::Trades, 634, "BCHEUR")]
        {
            let target = folder.path().join(format!("out/{stem}.{name}"));
            let key = SeriesKey::new(VenueName::kraken(), pair(text), series);
            let done = lake::export(&lake, &key, all.clone(), format, &target).unwrap();
            assert_eq!(done.rows, rows, "{name} {text}");
            let back = folder.path().join(format!("{stem}-{name}"));
            let options = Options { venue: Some(VenueName::kraken()), ..options() };
            assert_eq!(take(&target, &back, &options)[0].accepted, rows, "{name} {text}");
            let ours = list(&lake).entries.into_iter().find(|e| e.pair == pair(text)).unwrap();
            assert_eq!(list(&back).entries, std::slice::from_ref(&ours));
            // Nothing was lost on the way: what is there again is identical to what was exported.
            let same = take(&target, &lake, &options).remove(0);
            assert_eq!((same.identical, same.files.len()), (rows, 0), "{name} {text}");
        }
    }
    let target = folder.path().join("part.csv");
    let range = at("2024-08-01T00:00:00Z")..at("2024-08-01T01:40:00Z");
    let key = |series| SeriesKey::new(VenueName::kraken(), pair("SGB/USD"), series);
    lake::export(&lake, &key(Series::Candles(Interval::M5)), range, ExportFormat::Csv, &target).unwrap();
    assert_eq!(
        std::fs::read_to_string(&target).unwrap(),
        "time,open,high,low,close,volume,trades\n1722470400000,0.00852,0.00852,0.00852,0.00852,1200,1\n\
         1722476100000,0.00848,0.00848,0.00846,0.00847,39153,20\n"
    );
    let none = lake::export(&lake, &key(Series::Trades), all, ExportFormat::Csv, &target);
    assert!(matches!(none, Err(StoreError::NotInLake { .. })));
}
