//! What a backtest trades, and the rows that it plays: the bundled recording, or a venue of the lake.

use std::path::Path;

use crate::config::Settings;
use crate::domain::RawCandle;
use crate::domain::event::RawBatch;
use crate::domain::instrument::Instrument;
use crate::domain::money::{Money, Qty};
use crate::domain::pair::{Interval, Pair};
use crate::domain::time::{HOUR_MS, UtcMs};
use crate::orchestrator::market::label;
use crate::orchestrator::{OrchestratorError, lake_series};
use crate::simulator::listing::{Listing, PairInfo};
use crate::store::lake::VenueName;
use crate::store::{Recording, load_instruments};

/// Where the rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// The recording that the replay plays, with its own bars.
    Recording,
    /// Hourly candles of a venue in the lake.
    Lake(VenueName),
}

/// The market of one backtest.
#[derive(Debug)]
pub struct Market {
    pub label: String,
    pub universe: Vec<(Pair, Interval)>,
    pub instruments: Vec<Instrument>,
    /// Pairs with data that are left out, and why.
    pub left_out: Vec<String>,
    pub first: UtcMs,
    pub last: UtcMs,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    Recorded(Box<Recording>),
    /// Per pair, in order of time.
    Hourly(Vec<(Pair, Vec<RawCandle>)>),
}

impl Market {
    /// # Errors
    /// When there are no data, or they cannot be read.
    pub fn open(data: &Data, settings: &Settings, home: &Path) -> Result<Self, OrchestratorError> {
        match data {
            Data::Recording => Self::recording(settings, home),
            Data::Lake(venue) => Self::lake(venue, &home.join("data").join("lake")),
        }
    }

    fn recording(settings: &Settings, home: &Path) -> Result<Self, OrchestratorError> {
        let folder = home.join(&settings.replay.recording);
        let recording = Recording::open(&folder)?;
        let last = recording.last().min(settings.replay.until);
        Ok(Self {
            label: label(&recording, last),
            universe: recording.universe(),
            instruments: load_instruments(&folder.join("instruments.json"))?,
            left_out: Vec::new(),
            first: recording.first(),
            last,
            rows: Rows::Recorded(Box::new(recording)),
        })
    }

    fn lake(venue: &VenueName, folder: &Path) -> Result<Self, OrchestratorError> {
        let listing = Listing::bundled().map_err(|e| OrchestratorError::StandIn(e.to_string()))?;
        let (mut left_out, mut instruments, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (pair, rows) in lake_series(folder, venue, UtcMs(i64::MAX))? {
            let listed = listing.by_symbol(&pair.to_string()).and_then(|info| instrument(&pair, info));
            match listed {
                _ if rows.is_empty() => left_out.push(format!("{pair}: no candles")),
                None => left_out.push(format!("{pair}: not in Kraken's listing, so its lot and minimum are not known")),
                Some(listed) => {
                    instruments.push(listed);
                    kept.push((pair, rows));
                }
            }
        }
        let opens = || kept.iter().flat_map(|(_, rows)| [rows.first(), rows.last()]).flatten().map(|r| r.open_time);
        let (Some(first), Some(last)) = (opens().min(), opens().max()) else {
            return Err(OrchestratorError::Backtest(format!(
                "the lake has no hourly candles of {venue} that can be traded; see `cst data list`, and `cst data import --help`"
            )));
        };
        Ok(Self {
            label: format!("hourly candles of {venue} in the lake"),
            universe: kept.iter().map(|(pair, _)| (pair.clone(), Interval::H1)).collect(),
            instruments,
            left_out,
            first,
            last: last.plus(HOUR_MS),
            rows: Rows::Hourly(kept),
        })
    }

    /// Hourly history of every pair that was over at `until`, for training.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn history(&self, until: UtcMs) -> Result<Vec<(Pair, Vec<RawCandle>)>, OrchestratorError> {
        match &self.rows {
            Rows::Recorded(recording) => Ok(recording.training_series(until)?),
            Rows::Hourly(all) => {
                let known = |row: &&RawCandle| row.open_time.plus(HOUR_MS) <= until;
                Ok(all
                    .iter()
                    .map(|(pair, rows)| (pair.clone(), rows.iter().take_while(known).cloned().collect()))
                    .collect())
            }
        }
    }

    /// The batches from as much before `from` as fills the windows, to `to`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn batches(
        &self,
        from: UtcMs,
        to: UtcMs,
        warm_up_hours: usize,
    ) -> Result<Box<dyn Iterator<Item = RawBatch> + '_>, OrchestratorError> {
        let to = to.min(self.last);
        Ok(match &self.rows {
            Rows::Recorded(recording) => {
                Box::new(recording.batches(recording.load_replay()?, from).take_while(move |batch| batch.at <= to))
            }
            Rows::Hourly(all) => {
                let begin = from.plus(-HOUR_MS * warm_up_hours as i64).max(self.first).floor_to(HOUR_MS);
                let mut left: Vec<&[RawCandle]> = all
                    .iter()
                    .map(|(_, rows)| rows.get(rows.partition_point(|r| r.open_time < begin)..).unwrap_or_default())
                    .collect();
                let hours = to.since(begin).div_euclid(HOUR_MS).max(0);
                Box::new((1..=hours).map(move |n| {
                    let at = begin.plus(n * HOUR_MS);
                    let mut rows = Vec::new();
                    for series in &mut left {
                        let (now, later) = series.split_at(series.partition_point(|r| r.open_time.plus(HOUR_MS) <= at));
                        rows.extend_from_slice(now);
                        *series = later;
                    }
                    RawBatch { at, rows, warmup: at < from, ..RawBatch::default() }
                }))
            }
        })
    }
}

fn instrument(pair: &Pair, info: &PairInfo) -> Option<Instrument> {
    Some(Instrument {
        pair: pair.clone(),
        tick_size: info.tick_size,
        price_decimals: info.pair_decimals,
        lot_decimals: info.lot_decimals,
        order_min: Qty::new(info.ordermin).ok()?,
        cost_min: Money(info.costmin),
    })
}
