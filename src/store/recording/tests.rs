use super::*;
use crate::domain::event::RawBatch;
use crate::domain::time::HOUR_MS;
use crate::store::lake::write_candles;

fn bundled() -> Recording {
    Recording::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/recording")).unwrap()
}

fn at(text: &str) -> UtcMs {
    UtcMs::parse(text).unwrap()
}

#[test]
fn the_bundled_recording_has_its_universe() {
    let recording = bundled();
    let universe: Vec<_> = recording.universe().iter().map(|(p, i)| format!("{p} {i}")).collect();
    assert_eq!(
        universe,
        [
            "BTC/USD 1h",
            "ETH/USD 5m",
            "SOL/USD 5m",
            "XRP/USD 5m",
            "LTC/USD 5m",
            "DOGE/USD 5m",
            "PEPE/USD 5m",
            "SGB/USD 5m"
        ]
    );
    assert_eq!((recording.first(), recording.last()), (at("2024-07-01T00:00:00Z"), at("2024-11-01T00:00:00Z")));
}

#[test]
fn every_step_has_its_batch_and_every_row_comes_once_at_its_close() {
    let recording = bundled();
    let rows = recording.load_replay().unwrap();
    assert_eq!(rows.len(), 3_216 + 35_380 + 35_374 + 35_244 + 35_057 + 35_021 + 30_470 + 16_806);
    let from = at("2024-07-09T08:00:00Z");
    let batches = recording.batches(rows.clone(), from);
    let announced = batches.len();
    let (mut count, mut delivered, mut last) = (0, 0, UtcMs(0));
    for batch in batches {
        let step = batch.at.since(last);
        if count > 0 {
            assert_eq!(step, if batch.at <= recording.first() { HOUR_MS } else { 300_000 }, "{}", batch.at);
        }
        assert_eq!(batch.warmup, batch.at < from);
        assert!(batch.rows.iter().all(|r| r.open_time.plus(r.interval.ms()) == batch.at));
        last = batch.at;
        count += 1;
        delivered += batch.rows.len();
    }
    assert_eq!((count, last), (11 * 24 + 123 * 288, recording.last()));
    assert_eq!((announced, delivered), (count, rows.len()));
}

#[test]
fn a_restart_goes_on_with_the_next_batch() {
    let recording = bundled();
    let rows = recording.load_replay().unwrap();
    for stop in [at("2024-06-25T03:00:00Z"), at("2024-07-01T00:00:00Z"), at("2024-08-15T12:35:00Z")] {
        let whole: Vec<RawBatch> =
            recording.batches(rows.clone(), UtcMs(0)).skip_while(|b| b.at <= stop).take(50).collect();
        let rest = recording.batches(rows.clone(), UtcMs(0)).starting_after(stop);
        assert_eq!(rest.len(), recording.batches(rows.clone(), UtcMs(0)).filter(|b| b.at > stop).count());
        assert_eq!(rest.take(50).collect::<Vec<_>>(), whole);
    }
    assert_eq!(recording.batches(rows, UtcMs(0)).starting_after(recording.last()).next(), None);
}

#[test]
fn training_never_sees_a_bar_that_closes_after_the_cut_off() {
    let recording = bundled();
    let cut = at("2024-07-01T00:00:00Z");
    let series = recording.training_series(cut).unwrap();
    let names: Vec<_> = series.iter().map(|(p, _)| p.to_string()).collect();
    assert_eq!(names, ["BTC/USD", "ETH/USD", "SOL/USD"]);
    let btc = &series[0].1;
    assert_eq!(btc.last().map(|c| c.open_time), Some(cut.plus(-HOUR_MS)));
    assert!(series.iter().all(|(_, rows)| rows.iter().all(|r| r.open_time.plus(HOUR_MS) <= cut)));
    assert!(series.iter().all(|(_, rows)| rows.is_sorted_by(|a, b| a.open_time < b.open_time)));
    assert_eq!(recording.training_pair(&"LTC/USD".parse().unwrap(), cut).unwrap(), None);
    assert_eq!(recording.training_pair(&"BTC/USD".parse().unwrap(), cut).unwrap().as_ref(), Some(btc));
}

/// A recording of one pair with two candles, and its manifest.
fn small(folder: &Path) -> String {
    let candle = |n: i64| RawCandle {
        pair: "ETH/USD".parse().unwrap(),
        venue: Venue::Kraken,
        interval: Interval::M5,
        open_time: UtcMs(n * 300_000),
        open: 1.0,
        high: 1.0,
        low: 1.0,
        close: 1.0,
        volume: 1.0,
        trades: None,
    };
    let file = folder.join("eth.parquet");
    write_candles(&file, &[candle(2), candle(1), candle(3)]).unwrap();
    let sha256 = files::fingerprint(&std::fs::read(&file).unwrap());
    format!(
        "name = \"small\"\nvenue = \"kraken\"\nlead_in = \"1970-01-01T00:00:00Z\"\nfirst = \"1970-01-01T00:00:00Z\"\n\
         last = \"1970-01-01T00:30:00Z\"\ntraining = []\n[[replay]]\npair = \"ETH/USD\"\nminutes = 5\nfile = \"eth.parquet\"\n\
         rows = 3\nsha256 = \"{sha256}\"\n"
    )
}

#[test]
fn rows_out_of_order_are_handed_on_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(MANIFEST), small(folder.path())).unwrap();
    let recording = Recording::open(folder.path()).unwrap();
    let batches: Vec<RawBatch> = recording.batches(recording.load_replay().unwrap(), UtcMs(0)).collect();
    let opens = |n: usize| batches[n].rows.iter().map(|r| r.open_time.0 / 300_000).collect::<Vec<_>>();
    assert_eq!(batches.len(), 6);
    assert_eq!((opens(0), opens(1), opens(2), opens(3)), (vec![], vec![], vec![2, 1], vec![3]));
}

#[test]
fn a_wrong_manifest_or_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = small(folder.path());
    let manifest = folder.path().join(MANIFEST);
    assert!(Recording::open(folder.path()).unwrap_err().to_string().contains(MANIFEST));
    for (text, reason) in [
        (good.replace("00:30", "0x"), "not an instant"),
        (good.replace("last = \"1970", "last = \"1960"), "first < last"),
        (good.replace("eth.parquet", "../eth.parquet"), "leads out"),
        (good.replace("eth.parquet", "absent.parquet"), "absent.parquet"),
        (good.replace("minutes = 5", "minutes = 0"), "above 0"),
        (good.replace("name =", "title ="), "title"),
    ] {
        std::fs::write(&manifest, text).unwrap();
        let error = Recording::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
    }
    std::fs::write(&manifest, good.replace("rows = 3", "rows = 4")).unwrap();
    assert!(Recording::open(folder.path()).unwrap().load_replay().unwrap_err().to_string().contains("3 rows"));
    std::fs::write(&manifest, good).unwrap();
    let file = folder.path().join("eth.parquet");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let error = Recording::open(folder.path()).unwrap().load_replay().unwrap_err().to_string();
    assert!(error.contains("eth.parquet") && error.contains("restore"), "{error}");
}
