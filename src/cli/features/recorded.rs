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

/// The hours of every pair that is there, by place.
pub(super) struct Source {
    /// Where they come from, in words.
    name: String,
    pub(super) streams: Vec<Hours>,
}

impl Source {
    /// # Errors
    /// When the data cannot be read, or hold no pair.
    pub(super) fn open(home: &Home, settings: &Settings, args: &DataArgs) -> Result<Self, color_eyre::Report> {
        let (name, streams) = if args.lake {
            let interval = Interval(args.interval);
            let streams = of_lake(home, args, interval, &settings.core.pipeline)?;
            (format!("the lake, as candles of {interval} from {},", args.venue), streams)
        } else {
            ("the recording".to_owned(), of_recording(home, settings)?)
        };
        if streams.is_empty() {
            bail!("{name} has no pair; see `cst data list`, and `cst data import --help` for how candles get there");
        }
        Ok(Self { name, streams })
    }

    /// # Errors
    /// When the pair is not there: which are.
    pub(super) fn place(&self, pair: &Pair) -> Result<usize, color_eyre::Report> {
        let known = || self.streams.iter().map(|stream| stream.pair().as_str());
        known()
            .position(|name| name == pair.as_str())
            .ok_or_else(|| eyre!("{} has no {pair}; it has {}", self.name, known().collect::<Vec<_>>().join(", ")))
    }

    /// Reads the hours of `wanted`, of every pair when it is empty.
    ///
    /// # Errors
    /// When a pair is not there, or its data cannot be read.
    pub(super) fn histories(self, wanted: &[Pair]) -> Result<Vec<History>, color_eyre::Report> {
        for pair in wanted {
            self.place(pair)?;
        }
        let read = |mut stream: Hours| {
            let hours = stream.by_ref().collect::<Result<Vec<_>, _>>()?;
            tell_refused(&stream);
            Ok(History { pair: stream.pair().clone(), hours })
        };
        let of_interest = |stream: &Hours| wanted.is_empty() || wanted.contains(stream.pair());
        self.streams.into_iter().filter(of_interest).map(read).collect()
    }
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
