//! Hours of the bundled recording or of the lake, through the checks and the alignment of live data.

use color_eyre::eyre::{bail, eyre};

use super::args::DataArgs;
use crate::cli::complain;
use crate::config::{Home, Settings};
use crate::domain::RawCandle;
use crate::domain::pair::{Interval, Pair, Venue};
use crate::domain::settings::PipelineSettings;
use crate::pipeline::features::{CandleHours, History};
use crate::store::Recording;
use crate::store::lake::{self, Filter, Scan, Series, SeriesKey};

type Rows = Box<dyn Iterator<Item = Result<RawCandle, color_eyre::Report>>>;

/// The hours of one pair, read as they are asked for.
pub(super) type Hours = CandleHours<Rows>;

/// The hours of every pair of the recording, in its order, or of the lake, by name; only those of `wanted`, unless it is empty.
///
/// # Errors
/// When the data cannot be read, or hold no pair of `wanted` or no pair at all.
pub(super) fn streams(
    home: &Home,
    settings: &Settings,
    args: &DataArgs,
    wanted: &[Pair],
) -> Result<Vec<Hours>, color_eyre::Report> {
    let pipeline = &settings.core.pipeline;
    let (place, mut streams) = if args.lake {
        let interval = Interval(args.interval);
        (format!("the lake, as candles of {interval} from {},", args.venue), of_lake(home, args, interval, pipeline)?)
    } else {
        ("the recording".to_owned(), of_recording(home, settings)?)
    };
    let known: Vec<&str> = streams.iter().map(|stream| stream.pair().as_str()).collect();
    if known.is_empty() {
        bail!("{place} has no pair; see `cst data list`, and `cst data import --help` for how candles get there");
    }
    if let Some(pair) = wanted.iter().find(|pair| !known.contains(&pair.as_str())) {
        bail!("{place} has no {pair}; it has {}", known.join(", "));
    }
    streams.retain(|stream| wanted.is_empty() || wanted.contains(stream.pair()));
    Ok(streams)
}

/// [`streams`], read to their ends.
///
/// # Errors
/// As [`streams`].
pub(super) fn histories(
    home: &Home,
    settings: &Settings,
    args: &DataArgs,
    wanted: &[Pair],
) -> Result<Vec<History>, color_eyre::Report> {
    let read = |mut stream: Hours| {
        let hours = stream.by_ref().collect::<Result<Vec<_>, _>>()?;
        tell_refused(&stream);
        Ok(History { pair: stream.pair().clone(), hours })
    };
    streams(home, settings, args, wanted)?.into_iter().map(read).collect()
}

/// Says that candles were left out.
pub(super) fn tell_refused(stream: &Hours) {
    if stream.refused() > 0 {
        complain(&format!(
            "{}: {} candles that are not as they have to be were left out",
            stream.pair(),
            stream.refused()
        ));
    }
}

fn of_recording(home: &Home, settings: &Settings) -> Result<Vec<Hours>, color_eyre::Report> {
    let recording = Recording::open(&home.recording(&settings.replay.recording)?)?;
    let universe = recording.universe();
    let mut rows: Vec<Vec<RawCandle>> = vec![Vec::new(); universe.len()];
    for (place, row) in recording.load_replay()?.candles() {
        if let Some(rows) = rows.get_mut(place) {
            rows.push(row);
        }
    }
    let of_pair = |((pair, interval), rows): ((Pair, Interval), Vec<RawCandle>)| {
        hours(pair, interval, Box::new(rows.into_iter().map(Ok)), &settings.core.pipeline)
    };
    universe.into_iter().zip(rows).map(of_pair).collect()
}

fn of_lake(
    home: &Home,
    args: &DataArgs,
    interval: Interval,
    settings: &PipelineSettings,
) -> Result<Vec<Hours>, color_eyre::Report> {
    let folder = home.lake();
    let filter = Filter { venue: Some(args.venue.clone()), pair: None };
    let mut keys = lake::names(&folder, &filter)?;
    keys.retain(|key| key.series == Series::Candles(interval));
    keys.sort();
    let of_series = |key: SeriesKey| {
        let pair = key.pair.clone();
        // The kind of venue plays no part in the checks of one series.
        let raw = {
            let pair = pair.clone();
            move |row: lake::StoredCandle| row.raw(&pair, Venue::Kraken, interval)
        };
        let rows = Scan::new(&folder, key).candles()?.flat_map(move |batch| match batch {
            Ok(rows) => rows.into_iter().map(|row| Ok(raw(row))).collect(),
            Err(error) => vec![Err(error.into())],
        });
        hours(pair, interval, Box::new(rows), settings)
    };
    keys.into_iter().map(of_series).collect()
}

fn hours(pair: Pair, interval: Interval, rows: Rows, settings: &PipelineSettings) -> Result<Hours, color_eyre::Report> {
    CandleHours::new(pair, interval, rows, settings)
        .ok_or_else(|| eyre!("whole candles of {interval} do not fill an hour: take 1, 5, 15, 30 or 60 minutes"))
}
