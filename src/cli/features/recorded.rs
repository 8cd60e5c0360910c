//! Hours of the bundled recording, through the checks and the alignment of live data.

use color_eyre::eyre::bail;

use crate::config::{Home, Settings};
use crate::domain::RawCandle;
use crate::domain::pair::Pair;
use crate::pipeline::features::History;
use crate::store::Recording;

/// The histories of the recording's pairs, in its order; only those of `wanted`, unless it is empty.
///
/// # Errors
/// When the recording cannot be read, or holds no pair of `wanted`.
pub(super) fn histories(home: &Home, settings: &Settings, wanted: &[Pair]) -> Result<Vec<History>, color_eyre::Report> {
    let recording = Recording::open(&home.recording(&settings.replay.recording)?)?;
    let universe = recording.universe();
    for pair in wanted {
        if universe.iter().all(|(known, _)| known != pair) {
            let known: Vec<&str> = universe.iter().map(|(pair, _)| pair.as_str()).collect();
            bail!("the recording has no {pair}; it has {}", known.join(", "));
        }
    }
    let mut rows: Vec<Vec<RawCandle>> = vec![Vec::new(); universe.len()];
    for (place, row) in recording.load_replay()?.candles() {
        if let Some(rows) = rows.get_mut(place) {
            rows.push(row);
        }
    }
    let of_pair = |((pair, interval), rows)| {
        let keep = wanted.is_empty() || wanted.contains(&pair);
        keep.then(|| History::of_candles(&pair, interval, rows, &settings.core.pipeline)).flatten()
    };
    Ok(universe.into_iter().zip(rows).filter_map(of_pair).collect())
}
