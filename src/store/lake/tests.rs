use std::sync::atomic::{AtomicBool, Ordering};

use rust_decimal::Decimal;

use super::*;
use crate::domain::{Interval, Side, UtcMs};
use crate::store::StoreError;
use crate::store::disk::faulty::{Fault, FaultyDisk};

mod crash;
mod damage;

/// 2024-03-01
const MARCH: i64 = 1_709_251_200_000;
const HOUR: i64 = 3_600_000;
/// After every row of the tests.
const NOW: UtcMs = UtcMs(MARCH + 400 * 24 * HOUR);

fn key(series: Series) -> SeriesKey {
    SeriesKey::new(VenueName::kraken(), "BTC/USD".parse().unwrap(), series)
}

fn hours() -> SeriesKey {
    key(Series::Candles(Interval::H1))
}

/// The candle of the n-th hour of March.
fn candle(n: i64, close: i64) -> StoredCandle {
    let values = [10, 1_000_000, 1, close, 7].map(Decimal::from);
    StoredCandle::from_decimals(UtcMs(MARCH + n * HOUR), values, Some(3))
}

fn candles(hours: std::ops::Range<i64>) -> Vec<StoredCandle> {
    hours.map(|n| candle(n, 10 + n)).collect()
}

fn march() -> Span {
    hours().series.span(MARCH).unwrap()
}

/// A writer whose disk has no fault, and does not wait for the platter.
fn writer(lake: &std::path::Path) -> LakeWriter {
    LakeWriter::on(Box::new(FaultyDisk::new(usize::MAX, Fault::Fails)), lake, NOW).unwrap()
}

fn put(lake: &std::path::Path, rows: &[StoredCandle]) {
    writer(lake).series(&hours()).unwrap().replace(&march(), rows, "test").unwrap();
}

fn stored(lake: &std::path::Path) -> Vec<StoredCandle> {
    Scan::new(lake, hours()).candles().unwrap().flat_map(Result::unwrap).collect()
}

/// Names in the folder of the hourly candles.
fn names(lake: &std::path::Path) -> Vec<String> {
    let folder = hours().folder(lake);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn rows_of_every_kind_come_back_exactly() {
    let lake = tempfile::tempdir().unwrap();
    let long: Decimal = "1234567890.123456789012".parse().unwrap();
    let day = Series::Trades.span(MARCH * 1_000_000).unwrap();
    let trade = |n: i64| TradeRow {
        line: 0,
        at_ns: MARCH * 1_000_000 + n / 2,
        price: if n == 5 { long } else { Decimal::new(5_687_460 + n, 2) },
        volume: Decimal::new(n + 1, 8),
        side: [None, Some(Side::Buy), Some(Side::Sell)][n as usize % 3],
        id: Some(format!("T-{n}").into()),
    };
    let trades: Vec<TradeRow> = (0..40_000).map(trade).collect();
    let level = |n: i64| BookRow {
        at_ns: MARCH * 1_000_000 + n / 20,
        side: if n % 20 < 10 { Side::Buy } else { Side::Sell },
        level: (n % 10) as u16,
        price: Decimal::new(n + 1, 1),
        volume: long,
    };
    let levels: Vec<BookRow> = (0..1_000).map(level).collect();
    let mut hours_of_march = candles(0..700);
    hours_of_march[9] = StoredCandle::from_decimals(UtcMs(MARCH + 9 * HOUR), [Decimal::ONE; 5].map(|v| v + long), None);

    let writer = writer(lake.path());
    writer.series(&key(Series::Trades)).unwrap().replace(&day, &trades, "test").unwrap();
    writer.series(&key(Series::Books)).unwrap().replace(&day, &levels, "test").unwrap();
    writer.series(&hours()).unwrap().replace(&march(), &hours_of_march, "test").unwrap();

    let scan = |series| Scan::new(lake.path(), key(series));
    let read: Vec<TradeRow> = scan(Series::Trades).trades().unwrap().flat_map(Result::unwrap).collect();
    assert_eq!(read, trades);
    let read: Vec<BookRow> = scan(Series::Books).books().unwrap().flat_map(Result::unwrap).collect();
    assert_eq!(read, levels);
    assert_eq!(stored(lake.path()), hours_of_march);
    let report = check(lake.path(), &Filter::default(), NOW).unwrap();
    let kept = |report: &CheckReport| report.entries.iter().map(|e| (e.series, e.rows, e.state)).collect::<Vec<_>>();
    assert_eq!(report.problems, []);
    assert_eq!(
        kept(&report),
        [
            (Series::Candles(Interval::H1), 700, SeriesState::Whole),
            (Series::Books, 1_000, SeriesState::Whole),
            (Series::Trades, 40_000, SeriesState::Whole),
        ]
    );
    let wrong = scan(Series::Trades).candles().err().unwrap().to_string();
    assert!(wrong.contains("rows of another kind"), "{wrong}");
}

#[test]
fn a_scan_gives_what_was_asked_for_in_bounded_batches() {
    let lake = tempfile::tempdir().unwrap();
    let minute = key(Series::Candles(Interval(1)));
    let writer = writer(lake.path());
    // The last 20,000 minutes of March and the first 2,000 of April.
    let (begin, end) = (MARCH + 31 * 24 * HOUR - 20_000 * 60_000, MARCH + 31 * 24 * HOUR + 2_000 * 60_000);
    let rows = |month: &Span| -> Vec<StoredCandle> {
        (month.begin.max(begin)..month.end.min(end))
            .step_by(60_000)
            .map(|at| StoredCandle { open_time: UtcMs(at), ..candle(0, 10) })
            .collect()
    };
    for month in [MARCH, MARCH + 31 * 24 * HOUR].map(|at| minute.series.span(at).unwrap()) {
        writer.series(&minute).unwrap().replace(&month, &rows(&month), "test").unwrap();
    }
    let all = 22_000;
    for file in &Manifest::load(lake.path(), &minute).unwrap().unwrap().files {
        let table = scan::read_listed(&minute.folder(lake.path()).join(&file.name), file).unwrap();
        let ends = table.groups.iter().map(|group| group.least.zip(group.most).expect("statistics"));
        assert!(
            table.groups.len() == file.rows.div_ceil(table::GROUP_ROWS as u64) as usize
                && table.groups.iter().all(|group| group.rows <= table::GROUP_ROWS)
        );
        assert!(ends.clone().zip(ends.skip(1)).all(|(earlier, later)| earlier.1 < later.0));
    }
    for batch in [1_000, 3_000, 16_384, 1_000_000] {
        let sizes: Vec<usize> = Scan::new(lake.path(), minute.clone())
            .batches_of(batch)
            .candles()
            .unwrap()
            .map(|batch| batch.unwrap().len())
            .collect();
        assert_eq!((sizes.iter().sum::<usize>(), sizes.iter().max() <= Some(&batch)), (all, true), "{batch}");
    }
    // Over the border of the months, cut on both sides.
    let range = UtcMs(MARCH + 31 * 24 * HOUR - 90_000)..UtcMs(MARCH + 31 * 24 * HOUR + 120_000);
    let cut = Scan::new(lake.path(), minute.clone()).within(range.clone());
    let times: Vec<String> =
        cut.clone().candles().unwrap().flat_map(Result::unwrap).map(|r| r.open_time.clock()).collect();
    assert_eq!(times, ["23:59:00", "00:00:00", "00:01:00"]);
    let floats: Vec<Floats> = cut.floats(&["close", "volume"]).unwrap().map(Result::unwrap).collect();
    assert_eq!(floats.iter().map(|f| f.times.len()).sum::<usize>(), 3);
    assert!(floats.iter().all(|f| f.columns.len() == 2 && f.columns[0].iter().all(|close| *close == 10.0)));
    let none = Scan::new(lake.path(), minute.clone()).within(UtcMs(0)..UtcMs(5)).candles().unwrap().count();
    assert_eq!(none, 0);
    let missing = Scan::new(lake.path(), minute).floats(&["vwap"]).unwrap().next().unwrap().unwrap_err();
    assert!(missing.to_string().contains("column 'vwap' is missing"), "{missing}");
    let absent = Scan::new(lake.path(), hours()).candles().err().unwrap();
    assert!(matches!(&absent, StoreError::NotInLake { what, .. } if what == "1h of BTC/USD from kraken"), "{absent}");
}

#[test]
fn appended_rows_share_a_file_until_it_is_no_longer_small() {
    let lake = tempfile::tempdir().unwrap();
    let writer = writer(lake.path());
    for n in 0..100 {
        writer.series(&hours()).unwrap().append(&march(), &candles(n..n + 1), "live").unwrap();
    }
    assert_eq!(names(lake.path()).len(), 2, "one file and the manifest: {:?}", names(lake.path()));
    writer.series(&hours()).unwrap().append(&march(), &candles(100..150), "other").unwrap();
    assert_eq!(names(lake.path()).len(), 3);
    let mut series = writer.series(&hours()).unwrap();
    assert_eq!(series.manifest().commit, 101);
    let earlier = series.append(&march(), &candles(3..4), "live").unwrap_err().to_string();
    assert!(earlier.contains("overlap"), "{earlier}");
    assert_eq!(stored(lake.path()), candles(0..150));
    drop(series);
    drop(writer);

    let options = CompactOptions {
        filter: Filter::default(),
        now: NOW,
        keep: Keep::default(),
        drop_damaged: false,
        dry_run: true,
    };
    let (would, _) = compact(lake.path(), &options).unwrap();
    let (done, problems) = compact(lake.path(), &CompactOptions { dry_run: false, ..options.clone() }).unwrap();
    assert_eq!((&would[0].merged, problems.len()), (&done[0].merged, 0));
    assert_eq!((done[0].merged[0].files_before, done[0].merged[0].files_after), (2, 1));
    // Rows that were refused left nothing behind.
    assert_eq!((done[0].removed.len(), names(lake.path()).len()), (0, 2));
    assert_eq!(stored(lake.path()), candles(0..150));
    let (again, _) = compact(lake.path(), &CompactOptions { dry_run: false, ..options }).unwrap();
    assert!(again[0].is_nothing());
}

#[test]
fn what_is_older_than_it_shall_be_kept_goes_as_whole_months() {
    let lake = tempfile::tempdir().unwrap();
    put(lake.path(), &candles(0..10));
    let april = hours().series.span(MARCH + 31 * 24 * HOUR).unwrap();
    let rows = candles(31 * 24..31 * 24 + 5);
    writer(lake.path()).series(&hours()).unwrap().replace(&april, &rows, "test").unwrap();
    let at = |days: i64, keep: u32, dry_run: bool| {
        let now = UtcMs(MARCH + days * 24 * HOUR);
        let keep = Keep { candles: Some(keep), trades: Some(1), books: None };
        let options = CompactOptions { filter: Filter::default(), now, keep, drop_damaged: false, dry_run };
        compact(lake.path(), &options).unwrap().0.remove(0).expired.len()
    };
    assert_eq!(at(40, 30, false), 0, "the last day of March is not thirty days old");
    assert_eq!((at(61, 30, true), stored(lake.path()).len()), (1, 15), "a dry run does nothing");
    assert_eq!((at(61, 30, false), stored(lake.path())), (1, rows));
}

#[test]
fn files_without_a_manifest_are_taken_as_they_are() {
    let lake = tempfile::tempdir().unwrap();
    let folder = hours().folder(lake.path());
    let (pair, venue) = ("BTC/USD".parse().unwrap(), crate::domain::Venue::Kraken);
    let raw: Vec<_> = candles(0..20).iter().map(|row| row.raw(&pair, venue, Interval::H1)).collect();
    write_candles(&folder.join("2024-03.parquet"), &raw).unwrap();
    assert_eq!(stored(lake.path()), candles(0..20));
    let told = check(lake.path(), &Filter::default(), NOW).unwrap().problems;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].reason.contains("no manifest.json"), "{told:?}");
    // A writer that adds to them takes them into its manifest.
    writer(lake.path()).series(&hours()).unwrap().append(&march(), &candles(20..21), "live").unwrap();
    assert_eq!(stored(lake.path()), candles(0..21));
    let options = CompactOptions {
        filter: Filter::default(),
        now: NOW,
        keep: Keep::default(),
        drop_damaged: false,
        dry_run: false,
    };
    compact(lake.path(), &options).unwrap();
    assert_eq!(check(lake.path(), &Filter::default(), NOW).unwrap().problems, []);
    assert_eq!((stored(lake.path()), names(lake.path()).len()), (candles(0..21), 2));
}

#[test]
fn readers_see_one_state_or_the_next_while_a_writer_changes_the_series() {
    let lake = tempfile::tempdir().unwrap();
    let versions = [candles(0..500), (0..500).map(|n| candle(n, 900_000)).collect::<Vec<_>>()];
    put(lake.path(), &versions[0]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = [0, 0];
            while !done.load(Ordering::SeqCst) {
                let read = stored(lake.path());
                let which = versions.iter().position(|version| *version == read).expect("one of the two");
                seen[which] += 1;
            }
            seen
        });
        for n in 0..60 {
            put(lake.path(), &versions[(n + 1) % 2]);
        }
        done.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap().iter().sum::<u32>() > 0);
    });
}

#[test]
fn a_scan_goes_on_when_the_files_before_it_are_replaced() {
    let lake = tempfile::tempdir().unwrap();
    let writer = writer(lake.path());
    let april = hours().series.span(MARCH + 31 * 24 * HOUR).unwrap();
    let later = candles(31 * 24..31 * 24 + 100);
    writer.series(&hours()).unwrap().append(&march(), &candles(0..100), "a").unwrap();
    writer.series(&hours()).unwrap().append(&march(), &candles(100..200), "b").unwrap();
    writer.series(&hours()).unwrap().append(&april, &later, "a").unwrap();
    let mut scan = Scan::new(lake.path(), hours()).batches_of(30).candles().unwrap();
    let mut seen: Vec<StoredCandle> = scan.next().unwrap().unwrap();
    // March becomes one file: the second one, which the scan has not opened yet, is gone.
    let all = candles(0..200);
    writer.series(&hours()).unwrap().replace(&march(), &all, "c").unwrap();
    seen.extend(scan.flat_map(Result::unwrap));
    assert_eq!(seen, [all, later].concat());
}

#[test]
fn longer_candles_are_made_of_whole_ones_only() {
    let lake = tempfile::tempdir().unwrap();
    let mut rows = candles(0..50);
    rows.remove(5);
    put(lake.path(), &rows);
    let venue = VenueName::kraken();
    let pair = "BTC/USD".parse().unwrap();
    let run = |to: &[Interval]| {
        let writer = writer(lake.path());
        let range = UtcMs(i64::MIN)..UtcMs(i64::MAX);
        resample(&writer, (&venue, &pair), (Interval::H1, to), range, false)
    };
    let done = run(&[Interval(240), Interval(1_440)]).unwrap();
    // Hours 4 to 7 lack one, and 48 and 49 are not yet four; the first day lacks one, the third is not over.
    let counts: Vec<_> = done.iter().map(|one| (one.added, one.incomplete, one.identical)).collect();
    assert_eq!(counts, [(11, 2, 0), (1, 2, 0)]);
    let scan = Scan::new(lake.path(), key(Series::Candles(Interval(240)))).candles().unwrap();
    let four: Vec<StoredCandle> = scan.flat_map(Result::unwrap).collect();
    assert_eq!((four[0].values, four[0].trades), ([10.0, 1_000_000.0, 1.0, 13.0, 28.0], Some(12)));
    assert_eq!(four[1].open_time, UtcMs(MARCH + 8 * HOUR));
    let again = run(&[Interval(240)]).unwrap();
    assert_eq!((again[0].identical, again[0].added, again[0].files.len()), (11, 0, 0));
    for wrong in [Interval(90), Interval(60), Interval(0)] {
        let error = run(&[wrong]).unwrap_err().to_string();
        assert!(error.contains("not a whole number"), "{error}");
    }
}
