//! No alarm on clean data: every bundled candle, and every file of the folder that `CLEAN_CANDLES_DIR` names, where it names one
//! (`<venue>/<PAIR>_<minutes>.parquet` with the columns ts, open, high, low, close, volume).

use std::collections::BTreeMap;
use std::path::Path;

use cryptosmarttrader::domain::quality::OutlierCounts;
use cryptosmarttrader::domain::settings::PipelineSettings;
use cryptosmarttrader::domain::{Interval, Pair, RawCandle, UtcMs, Venue};
use cryptosmarttrader::pipeline::suspect::Suspect;
use cryptosmarttrader::pipeline::trust::{Cause, Findings};
use cryptosmarttrader::pipeline::validate::Validator;
use cryptosmarttrader::store::Recording;

use crate::support::{at, recording_dir};

/// What one file gave.
#[derive(Debug, Default)]
struct Tally {
    rows: usize,
    refused: BTreeMap<&'static str, usize>,
    /// Bars at which something other than an unconfirmed outlier was suspect.
    suspect: BTreeMap<Cause, usize>,
    outliers: OutlierCounts,
    /// Bars at which an outlier was not resolved yet.
    open: usize,
}

/// Judges the rows in their order, each as it closes.
fn judge(rows: impl Iterator<Item = RawCandle>, pair: &Pair, price_decimals: Option<u32>) -> Tally {
    let settings = PipelineSettings::default();
    let mut validator = Validator::new(std::slice::from_ref(pair), &settings);
    let mut suspect = Suspect::new(&settings, price_decimals);
    let mut tally = Tally::default();
    for row in rows {
        tally.rows += 1;
        let now = row.open_time.plus(row.interval.ms());
        match validator.check(&row, now) {
            Err(reason) => *tally.refused.entry(reason.as_str()).or_default() += 1,
            Ok(candle) => {
                suspect.push(&candle);
                let mut findings = Findings::default();
                suspect.tell(now, 3_600_000, &mut findings);
                for cause in Cause::ALL.into_iter().filter(|c| findings.holds(*c)) {
                    match cause {
                        Cause::Outlier => tally.open += 1,
                        other => *tally.suspect.entry(other).or_default() += 1,
                    }
                }
            }
        }
    }
    tally.outliers = suspect.counts();
    tally
}

/// Decimals of prices as the exchange lists them.
fn listed() -> BTreeMap<Pair, u32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/exchange/listing.json");
    let text = std::fs::read_to_string(path).expect("the listing");
    let listing: serde_json::Value = serde_json::from_str(&text).expect("json");
    let pairs = listing["pairs"].as_array().expect("pairs");
    let entry = |p: &serde_json::Value| {
        let pair = p["v2"].as_str()?.parse().ok()?;
        Some((pair, u32::try_from(p["price"].as_u64()?).ok()?))
    };
    pairs.iter().filter_map(entry).collect()
}

fn assert_no_alarm(name: &str, tally: &Tally) {
    #[expect(clippy::print_stdout, reason = "the figures of a run over other files are wanted")]
    {
        println!(
            "{name}: {} rows, refused {:?}, suspect {:?}, outliers {:?}, open at {} bars",
            tally.rows, tally.refused, tally.suspect, tally.outliers, tally.open
        );
    }
    assert!(tally.rows > 0, "{name} is empty");
    assert!(tally.refused.is_empty() && tally.suspect.is_empty(), "false alarm on {name}: {tally:?}");
    assert_eq!(tally.outliers.contradicted, 0);
}

#[test]
fn bundled_candles_raise_no_alarm() {
    let listed = listed();
    let recording = Recording::open(&recording_dir()).expect("the recording opens");
    let replay = recording.load_replay().expect("its rows");
    for (pair, _) in recording.universe() {
        let rows = replay.candles().map(|(_, row)| row).filter(|row| row.pair == pair);
        assert_no_alarm(&format!("{pair} replay"), &judge(rows, &pair, listed.get(&pair).copied()));
    }
    for (pair, rows) in recording.training_series(at("2030-01-01T00:00:00Z")).expect("training rows") {
        assert_no_alarm(&format!("{pair} training"), &judge(rows.into_iter(), &pair, listed.get(&pair).copied()));
    }
}

#[test]
fn further_clean_candles_raise_no_alarm() {
    let Some(folder) = std::env::var_os("CLEAN_CANDLES_DIR") else { return };
    let listed = listed();
    let mut files = Vec::new();
    for venue in std::fs::read_dir(folder).expect("the folder").map(|e| e.expect("an entry").path()) {
        files.extend(std::fs::read_dir(venue).expect("a venue").map(|e| e.expect("an entry").path()));
    }
    files.sort();
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "parquet")) {
        let venue = file.parent().and_then(Path::file_name).expect("a venue").to_string_lossy().into_owned();
        let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let (name, minutes) = stem.split_once('_').expect("PAIR_minutes");
        let pair: Pair = name.parse().expect("a pair");
        let interval = Interval(minutes.parse().expect("minutes"));
        let rows = read(file, &pair, interval);
        let decimals = listed.get(&pair).copied().filter(|_| venue.starts_with("kraken"));
        assert_no_alarm(&format!("{venue}/{stem}"), &judge(rows.into_iter(), &pair, decimals));
    }
}

fn read(file: &Path, pair: &Pair, interval: Interval) -> Vec<RawCandle> {
    use polars::prelude::DataType;
    use polars_io::prelude::{ParquetReader, SerReader};

    let open = std::fs::File::open(file).expect("a file");
    let frame = ParquetReader::new(open).finish().expect("parquet");
    let column = |name: &str| -> Vec<f64> {
        let series = frame.column(name).expect("a column").cast(&DataType::Float64).expect("numbers");
        series.f64().expect("floats").into_no_null_iter().collect()
    };
    // Milliseconds of this century are whole in a float.
    let [ts, open, high, low, close, volume] = ["ts", "open", "high", "low", "close", "volume"].map(column);
    let row = |i: usize| RawCandle {
        pair: pair.clone(),
        venue: Venue::Kraken,
        interval,
        open_time: UtcMs(ts[i] as i64),
        open: open[i],
        high: high[i],
        low: low[i],
        close: close[i],
        volume: volume[i],
        trades: None,
    };
    (0..ts.len()).map(row).collect()
}
