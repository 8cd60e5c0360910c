//! Trades, page by page, to disk.

use std::ops::ControlFlow;
use std::path::Path;

use super::files::Store;
use super::{HistoryError, Source, State};
use crate::domain::pair::Pair;
use crate::kraken::wire::{Stamp, ws};

/// How far a fetch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where the next page begins.
    pub at: Stamp,
    /// Trades on disk.
    pub rows: u64,
    pub pages: u64,
    /// Holes in the ids.
    pub gaps: u64,
}

/// Fetches the trades of `pair` from `since` up to `until` (exclusive) into `dir/<PAIR>`: a file per UTC day, each a series of compressed
/// blocks of CSV. What is there already is not fetched again; a stop at any moment loses at most the page being fetched. Memory holds one page.
/// `progress` is called after each page and may stop the fetch. Gives what is on disk.
///
/// # Errors
/// [`HistoryError`]; what was kept before stays, and the next call goes on from there.
pub async fn fetch_trades<S: Source>(
    source: &S,
    pair: &Pair,
    since: Stamp,
    until: Stamp,
    dir: &Path,
    mut progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<State, HistoryError> {
    let mut store = Store::open(dir, pair, since)?;
    while store.state.cursor < until.0.saturating_sub(1) {
        let cursor = Stamp(store.state.cursor);
        let page = source.trades(pair, cursor).await?;
        let first = Stamp(store.state.since);
        let rows: Vec<ws::Trade> = page.rows.iter().map(|row| row.to_ws(pair.as_str())).collect();
        let wanted: Vec<ws::Trade> =
            rows.iter().filter(|t| t.timestamp >= first && t.timestamp < until).cloned().collect();
        let next = page.cursor(cursor);
        let past_the_end = rows.iter().any(|t| t.timestamp >= until);
        let full = rows.len() >= source.page_size();
        if full && next == cursor && !past_the_end {
            return Err(HistoryError::Stuck { at: cursor });
        }
        // never past the end asked for: a later call with a later end goes on from there
        let next = next.min(Stamp(until.0.saturating_sub(1)));
        store.keep(&wanted, next)?;
        let state = &store.state;
        let told = Progress { at: next, rows: state.rows, pages: state.pages, gaps: state.gap_count };
        if progress(&told).is_break() || past_the_end || !full {
            break;
        }
    }
    Ok(store.state)
}
