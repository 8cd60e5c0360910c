//! Fetched trades into the lake. A fetch keeps each day as compressed text, from which it goes on after a stop; the lake takes every day that it
//! does not have as it is now.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use color_eyre::eyre::{WrapErr, bail};
use serde::{Deserialize, Serialize};

use crate::cli::interrupt::Interrupt;
use crate::clock::{Clock, SystemClock};
use crate::domain::pair::Pair;
use crate::kraken::history::days;
use crate::store::import::{Options, VenueName, import};

/// Which days the lake has, beside the fetched days.
const KNOWN: &str = "lake.json";
/// A day as text while the lake reads it.
const READING: &str = "lake.csv";

/// Length of each fetched day's file when the lake took it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    lake: PathBuf,
    days: BTreeMap<String, u64>,
}

/// What came of a merge.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) days: usize,
    /// Trades that the lake did not have.
    pub(super) new: u64,
    /// Trades that the lake refuses; its list of rejected rows says why.
    pub(super) rejected: u64,
}

/// Lets the lake take every day of `folder/<PAIR>` that is new or longer than when it took it. A stop loses nothing: the next call goes on.
pub(super) fn merge(
    folder: &Path,
    pair: &Pair,
    lake: &Path,
    interrupt: &Interrupt,
) -> Result<Merged, color_eyre::Report> {
    let own = folder.join(pair.file_stem());
    let (state, text) = (own.join(KNOWN), own.join(READING));
    let mut known = known(&state, lake, pair)?;
    let mut merged = Merged::default();
    for day in days(folder, pair)? {
        let name = day.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let length = std::fs::metadata(&day).wrap_err_with(|| format!("'{}' cannot be read", day.display()))?.len();
        if known.days.get(&name) == Some(&length) {
            continue;
        }
        if interrupt.asked() {
            break;
        }
        unpack(&day, &text)?;
        let taken = take(&text, pair, lake, interrupt)?;
        std::fs::remove_file(&text).wrap_err_with(|| format!("'{}' cannot be removed", text.display()))?;
        let Some((new, rejected)) = taken else { break };
        merged = Merged { days: merged.days + 1, new: merged.new + new, rejected: merged.rejected + rejected };
        known.days.insert(name, length);
        std::fs::write(&state, serde_json::to_vec_pretty(&known)?)
            .wrap_err_with(|| format!("'{}' cannot be written", state.display()))?;
    }
    Ok(merged)
}

/// What the lake has; nothing, if it is another lake or its folder of the pair is gone.
fn known(state: &Path, lake: &Path, pair: &Pair) -> Result<Known, color_eyre::Report> {
    let none = Known { lake: lake.to_owned(), days: BTreeMap::new() };
    let there = lake.join(VenueName::kraken().as_str()).join(pair.file_stem()).is_dir();
    match std::fs::read(state) {
        // a list that cannot be read costs one reading of every day
        Ok(bytes) => {
            Ok(serde_json::from_slice(&bytes).ok().filter(|k: &Known| there && k.lake == lake).unwrap_or(none))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(none),
        Err(error) => Err(error).wrap_err_with(|| format!("'{}' cannot be read", state.display())),
    }
}

fn unpack(day: &Path, text: &Path) -> Result<(), color_eyre::Report> {
    let read = || {
        let mut lines = zstd::Decoder::new(std::fs::File::open(day)?)?;
        let mut out = BufWriter::new(std::fs::File::create(text)?);
        std::io::copy(&mut lines, &mut out)?;
        out.flush()
    };
    read().wrap_err_with(|| format!("'{}' cannot be read as text", day.display()))
}

/// New and rejected trades; `None` when it was stopped.
fn take(
    text: &Path,
    pair: &Pair,
    lake: &Path,
    interrupt: &Interrupt,
) -> Result<Option<(u64, u64)>, color_eyre::Report> {
    let mut options = Options::new(SystemClock::new().now());
    (options.pair, options.venue) = (Some(pair.clone()), Some(VenueName::kraken()));
    let mut told = |_: &crate::store::import::Progress<'_>| {
        if interrupt.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let (mut new, mut rejected) = (0, 0);
    for outcome in import(text, lake, &options, &mut told)? {
        let report = outcome.result?;
        if let Some(refusal) = report.refused {
            bail!("the lake does not take the fetched trades of {pair}: {refusal}");
        }
        if report.stopped {
            return Ok(None);
        }
        new += report.accepted;
        rejected += report.rejected_total();
    }
    Ok(Some((new, rejected)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::lake::{Filter, Series, list};

    /// A day of trades as a fetch keeps it: blocks of compressed text, one after the other.
    fn day(folder: &Path, name: &str, blocks: &[&str]) {
        let mut bytes = Vec::new();
        for (place, rows) in blocks.iter().enumerate() {
            let head = if place == 0 { "time,price,volume,side,ordertype,trade_id\n" } else { "" };
            bytes.extend(zstd::bulk::compress(format!("{head}{rows}").as_bytes(), 3).unwrap());
        }
        std::fs::write(folder.join(name), bytes).unwrap();
    }

    #[test]
    fn days_go_into_the_lake_once_and_again_when_they_grow() {
        let home = tempfile::tempdir().unwrap();
        let (folder, lake) = (home.path().join("trades"), home.path().join("lake"));
        let pair: Pair = "BTC/USD".parse().unwrap();
        let own = folder.join(pair.file_stem());
        std::fs::create_dir_all(&own).unwrap();
        let interrupt = Interrupt::listen().unwrap();
        let merged = || merge(&folder, &pair, &lake, &interrupt).unwrap();
        let (one, two) =
            ("1700000000.100000000,37000.1,0.5,buy,limit,7\n", "1700000001.000000001,37000.2,0.25,sell,market,8\n");
        day(&own, "2023-11-14.csv.zst", &[one]);
        assert_eq!(merged(), Merged { days: 1, new: 1, rejected: 0 });
        assert_eq!(merged(), Merged::default(), "nothing has changed");
        day(&own, "2023-11-14.csv.zst", &[one, two]);
        day(&own, "2023-11-15.csv.zst", &["1700010000.0,37001,1,buy,limit,9\n"]);
        assert_eq!(merged(), Merged { days: 2, new: 2, rejected: 0 });
        let found = list(&lake, &Filter::default()).unwrap();
        assert_eq!((found.entries.len(), found.problems.len()), (1, 0), "{found:?}");
        assert_eq!((found.entries[0].series, found.entries[0].rows), (Series::Trades, 3));
        std::fs::remove_dir_all(&lake).unwrap();
        assert_eq!(merged(), Merged { days: 2, new: 3, rejected: 0 }, "a lake that is gone is filled anew");
        assert!(!own.join(READING).exists());
    }
}
