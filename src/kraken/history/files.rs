//! A pair's trades on disk: one file per UTC day, and a state that says how much of them counts.
//!
//! A page is appended to its day's file as one compressed block, then the state is replaced. After a hard stop everything behind the state's mark
//! is cut off again: a page is there once and whole, or not at all.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::HistoryError;
use crate::domain::pair::Pair;
use crate::domain::time::UtcMs;
use crate::kraken::wire::{Stamp, ws};

/// First line of each day's file. Times are seconds with nine decimals.
pub(super) const HEADER: &str = "time,price,volume,side,ordertype,trade_id\n";
pub(super) const ENDING: &str = ".csv.zst";
const STATE: &str = "state.json";
const VERSION: u32 = 1;
const LEVEL: i32 = 9;
/// Holes whose places are kept; all are counted.
const GAPS_KEPT: usize = 1_000;

/// Ids that are missing between two trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub after: u64,
    pub before: u64,
    /// Nanoseconds; time of the trade behind the hole.
    pub at: i64,
}

/// What is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    pub pair: Pair,
    /// Nanoseconds: where it begins.
    pub since: i64,
    /// Nanoseconds: where the next page begins.
    pub cursor: i64,
    /// Trades kept.
    pub rows: u64,
    pub pages: u64,
    /// Of the newest trade kept.
    pub last_id: Option<u64>,
    /// Holes in the ids, and the first thousand of them.
    pub gap_count: u64,
    pub gaps: Vec<Gap>,
    /// Trades that came again and were dropped: pages overlap by an instant.
    pub repeats: u64,
    /// Newest day's file and the bytes of it that count.
    newest: Option<(String, u64)>,
}

impl State {
    fn new(pair: Pair, since: Stamp) -> Self {
        let (since, cursor) = (since.0, since.0.saturating_sub(1));
        Self {
            version: VERSION,
            pair,
            since,
            cursor,
            rows: 0,
            pages: 0,
            last_id: None,
            gap_count: 0,
            gaps: Vec::new(),
            repeats: 0,
            newest: None,
        }
    }

    /// Keeps the books about one trade; `false` when it came before.
    fn count(&mut self, trade: &ws::Trade) -> bool {
        let id = trade.trade_id;
        if let Some(last) = self.last_id {
            if id <= last {
                self.repeats = self.repeats.saturating_add(1);
                return false;
            }
            if id > last.saturating_add(1) {
                self.gap_count = self.gap_count.saturating_add(1);
                if self.gaps.len() < GAPS_KEPT {
                    self.gaps.push(Gap { after: last, before: id, at: trade.timestamp.0 });
                }
            }
        }
        self.last_id = Some(id);
        self.rows = self.rows.saturating_add(1);
        true
    }
}

/// The folder of one pair, held by this process alone.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// Freed by the system however the process ends.
    _lock: File,
    pub state: State,
}

impl Store {
    /// Opens `folder/<PAIR>` and cuts off what an interrupted page left behind.
    pub(super) fn open(folder: &Path, pair: &Pair, since: Stamp) -> Result<Self, HistoryError> {
        let folder = folder.join(pair.file_stem());
        std::fs::create_dir_all(&folder).map_err(|e| HistoryError::file(&folder, &e))?;
        let lock = lock(&folder)?;
        let at = folder.join(STATE);
        let state = match std::fs::read(&at) {
            Ok(bytes) => {
                let state: State = serde_json::from_slice(&bytes).map_err(|e| HistoryError::damaged(&at, e))?;
                if state.version != VERSION || state.pair != *pair {
                    return Err(HistoryError::damaged(
                        &at,
                        format!("it is of {} in version {}", state.pair, state.version),
                    ));
                }
                state
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => State::new(pair.clone(), since),
            Err(e) => return Err(HistoryError::file(&at, &e)),
        };
        if state.since > since.0 {
            return Err(HistoryError::OtherStart { path: folder, begins: Stamp(state.since), wanted: since });
        }
        let store = Self { folder, _lock: lock, state };
        store.cut_back()?;
        Ok(store)
    }

    fn cut_back(&self) -> Result<(), HistoryError> {
        let newest = self.state.newest.as_ref();
        for name in super::read::day_names(&self.folder)? {
            let path = self.folder.join(&name);
            let counts = newest.filter(|(day, _)| *day == name).map(|(_, bytes)| *bytes);
            if let Some(bytes) = counts {
                let file = OpenOptions::new().write(true).open(&path).map_err(|e| HistoryError::file(&path, &e))?;
                let length = file.metadata().map_err(|e| HistoryError::file(&path, &e))?.len();
                if length < bytes {
                    return Err(HistoryError::damaged(&path, format!("{length} bytes where {bytes} were written")));
                }
                file.set_len(bytes).and_then(|()| file.sync_all()).map_err(|e| HistoryError::file(&path, &e))?;
            } else if newest.is_none_or(|(day, _)| name > *day) {
                // a day that was begun, but whose page was never counted
                std::fs::remove_file(&path).map_err(|e| HistoryError::file(&path, &e))?;
            }
        }
        match newest.map(|(day, _)| self.folder.join(day)).filter(|path| !path.exists()) {
            Some(path) => Err(HistoryError::damaged(&path, "it is missing")),
            None => Ok(()),
        }
    }

    /// Keeps a page, without what came before, and moves the cursor. Gives the number of new trades.
    pub(super) fn keep(&mut self, trades: &[ws::Trade], cursor: Stamp) -> Result<usize, HistoryError> {
        let mut state = self.state.clone();
        let mut fresh: Vec<(String, &ws::Trade)> = Vec::with_capacity(trades.len());
        let mut day = state.newest.as_ref().map(|(day, _)| day.clone()).unwrap_or_default();
        for trade in trades {
            if state.count(trade) {
                // by rising id: a trade that is older by its time stays behind the one before it
                day = day.max(format!("{}{ENDING}", trade.timestamp.ms().date()));
                fresh.push((day.clone(), trade));
            }
        }
        for rows in fresh.chunk_by(|a, b| a.0 == b.0) {
            let Some((day, _)) = rows.first() else { continue };
            let length = self.append(day, rows.iter().map(|(_, trade)| *trade))?;
            state.newest = Some((day.clone(), length));
        }
        state.cursor = cursor.0;
        state.pages = state.pages.saturating_add(1);
        self.write_state(&state)?;
        self.state = state;
        Ok(fresh.len())
    }

    /// Appends a block and gives the file's length.
    fn append<'a>(&self, day: &str, trades: impl Iterator<Item = &'a ws::Trade>) -> Result<u64, HistoryError> {
        let path = self.folder.join(day);
        let failed = |e: std::io::Error| HistoryError::file(&path, &e);
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let before = file.metadata().map_err(failed)?.len();
        let mut text = if before == 0 { HEADER.to_owned() } else { String::new() };
        trades.for_each(|trade| text.push_str(&line(trade)));
        let block = zstd::bulk::compress(text.as_bytes(), LEVEL).map_err(failed)?;
        file.write_all(&block).and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(before.saturating_add(block.len() as u64))
    }

    fn write_state(&self, state: &State) -> Result<(), HistoryError> {
        let text = serde_json::to_vec_pretty(state).map_err(|e| HistoryError::file(&self.folder, &e))?;
        write_whole(&self.folder.join(STATE), &text)
    }
}

fn line(trade: &ws::Trade) -> String {
    let (seconds, rest) = (trade.timestamp.0.div_euclid(1_000_000_000), trade.timestamp.0.rem_euclid(1_000_000_000));
    let ws::Trade { price, qty, side, ord_type, trade_id, .. } = trade;
    format!("{seconds}.{rest:09},{price},{qty},{side},{ord_type},{trade_id}\n")
}

fn lock(folder: &Path) -> Result<File, HistoryError> {
    let path = folder.join("lock");
    let failed = |e: std::io::Error| HistoryError::file(&path, &e);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(HistoryError::Busy { path: folder.to_owned() }),
        Err(TryLockError::Error(e)) => Err(failed(e)),
    }
}

/// Writes a file whole or not at all: a new one takes the old one's place.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), HistoryError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let fresh = PathBuf::from(name);
    let put = || {
        let mut file = File::create(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    };
    put().map_err(|e: std::io::Error| HistoryError::file(path, &e))
}

/// Name of a day's file.
pub(super) fn is_day(name: &str) -> bool {
    name.strip_suffix(ENDING)
        .is_some_and(|day| UtcMs::parse(&format!("{day}T00:00:00Z")).is_ok_and(|t| t.date() == day))
}
