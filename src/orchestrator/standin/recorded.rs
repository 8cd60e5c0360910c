//! Recorded frames as tapes: the trades and books that a connection saw once, for the stand-in to play.
//!
//! Books are kept as the link keeps them while they are read: a frame that does not fit its checksum, and what follows it up to the next snapshot,
//! is left out and counted. Trades are numbered without a hole, for a hole means a lost trade to whoever listens; how many are missing is counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::domain::time::UtcMs;
use crate::kraken::book::{Book, Precision};
use crate::kraken::wire::ws::{self, BookRows, Inbound, InstrumentPair, Kind, decode};
use crate::orchestrator::OrchestratorError;
use crate::simulator::listing::{Listing, RecordedPair};
use crate::simulator::market::{BookFrame, BookLevel, BookTape, DEPTHS, Tape};
use crate::simulator::protocol::{Side, SimNs, Symbol, TapeTrade};
use crate::store::frames::{EXTENSION, FrameReader, FramesError, Header, Origin, Tail};

/// Pairs whose first book comes so long after the first of all do not hold up the start.
const TOGETHER_MS: i64 = 10_000;

/// A folder of recorded frames, read.
#[derive(Debug)]
pub(super) struct Recorded {
    /// The numbers of the pairs that have data.
    pub pairs: Vec<RecordedPair>,
    pub trades: Vec<Tape>,
    pub books: Vec<BookTape>,
    /// When the books were there.
    pub begin: UtcMs,
    /// What it is, and what of it is missing.
    pub about: String,
}

/// What a recording lacks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Losses {
    damaged: u64,
    bad_frames: u64,
    book_frames: u64,
    trades: u64,
}

/// The files of recorded frames in `folder`, by name: their names begin with their instants.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, OrchestratorError> {
    let failed = |source| FramesError::Io { action: "read the folder", path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // whoever opens the recording says it better
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error).into()),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == EXTENSION) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads every file.
///
/// # Errors
/// [`OrchestratorError`] when a file is no recording of frames or cannot be read, or none of them holds a trade or a book.
pub(super) fn read(files: &[PathBuf], listing: &Listing) -> Result<Recorded, OrchestratorError> {
    let mut reading = Reading::default();
    for path in files {
        reading.file(path)?;
    }
    reading.finish(listing)
}

#[derive(Debug, Default)]
struct Reading {
    header: Option<Header>,
    frames: u64,
    /// Earliest and latest instant in the files, in µs.
    span: Option<(i64, i64)>,
    instruments: BTreeMap<String, InstrumentPair>,
    depths: BTreeMap<String, u32>,
    trades: BTreeMap<String, BTreeMap<u64, ws::Trade>>,
    /// Instant (by the exchange where it told it), whether a snapshot, levels.
    books: BTreeMap<String, Vec<(i64, bool, BookRows)>>,
    losses: Losses,
}

impl Reading {
    fn file(&mut self, path: &Path) -> Result<(), OrchestratorError> {
        let mut reader = FrameReader::open(path)?;
        if !matches!(reader.tail(), Tail::Whole) {
            self.losses.damaged += 1;
        }
        self.header.get_or_insert_with(|| reader.header().clone());
        if let Some((first, last)) = reader.span_us() {
            self.span = Some(self.span.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
        }
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => {
                    self.frames += 1;
                    match decode(frame.bytes) {
                        Ok(inbound) => self.take(frame.at_us.saturating_mul(1_000), inbound),
                        Err(_) => self.losses.bad_frames += 1,
                    }
                }
                Ok(None) => return Ok(()),
                Err(FramesError::Damaged { .. }) => self.losses.damaged += 1,
                Err(other) => return Err(other.into()),
            }
        }
    }

    fn take(&mut self, at: i64, inbound: Inbound) {
        match inbound {
            Inbound::Instrument { data, .. } => {
                self.instruments.extend(data.pairs.into_iter().map(|pair| (pair.symbol.clone(), pair)));
            }
            Inbound::Ack(ack) => {
                if let (Some(symbol), Some(depth)) = (ack.symbol, ack.depth) {
                    self.depths.insert(symbol, depth);
                }
            }
            Inbound::Trade { rows, .. } => {
                for row in rows {
                    self.trades.entry(row.symbol.clone()).or_default().entry(row.trade_id).or_insert(row);
                }
            }
            Inbound::Book { kind, rows } => {
                for row in rows {
                    let at = row.timestamp.map_or(at, |stamp| stamp.0);
                    let frames = self.books.entry(row.symbol.clone()).or_default();
                    frames.push((at, kind == Kind::Snapshot, row));
                }
            }
            _ => {}
        }
    }

    fn finish(mut self, listing: &Listing) -> Result<Recorded, OrchestratorError> {
        let trades: Vec<Tape> = std::mem::take(&mut self.trades)
            .into_iter()
            .filter_map(|(symbol, rows)| self.tape(&symbol, rows))
            .collect();
        let mut books = Vec::new();
        for (symbol, rows) in std::mem::take(&mut self.books) {
            books.extend(self.book(&symbol, &rows, listing));
        }
        let first_books = books.iter().filter_map(|book| book.frames.first()).map(|frame| frame.at);
        let first_trades = || trades.iter().filter_map(|tape| tape.trades.last()).map(|trade| trade.at).min();
        let begin = match first_books.clone().min() {
            Some(first) => first_books.filter(|at| *at <= first.plus_ms(TOGETHER_MS)).max().unwrap_or(first),
            None => first_trades().ok_or_else(|| {
                OrchestratorError::StandIn("the recorded frames hold no trade and no book".to_owned())
            })?,
        };
        let with_data: Vec<&Symbol> = trades.iter().map(|t| &t.symbol).chain(books.iter().map(|b| &b.symbol)).collect();
        let pairs = self
            .instruments
            .values()
            .filter(|row| with_data.iter().any(|s| ***s == *row.symbol))
            .map(numbers)
            .collect();
        // what lies before the start is history: the first books among it
        let begin = UtcMs(begin.0.div_euclid(1_000_000) + 1);
        Ok(Recorded { pairs, begin, about: self.about(&trades, &books), trades, books })
    }

    /// Trades numbered without a hole; an instant before that of the trade before counts as that one.
    fn tape(&mut self, symbol: &str, rows: BTreeMap<u64, ws::Trade>) -> Option<Tape> {
        let (first, last) = (*rows.first_key_value()?.0, *rows.last_key_value()?.0);
        let symbol: Symbol = symbol.into();
        let good = |row: &ws::Trade| row.price.0 > Decimal::ZERO && row.qty.0 > Decimal::ZERO;
        let mut latest = i64::MIN;
        let mut trade = |(row, id): (ws::Trade, u64)| {
            latest = latest.max(row.timestamp.0);
            TapeTrade {
                symbol: Arc::clone(&symbol),
                id,
                at: SimNs(latest),
                price: row.price.0,
                qty: row.qty.0,
                taker: if row.side == ws::Side::Sell { Side::Sell } else { Side::Buy },
                market: row.ord_type == "market",
            }
        };
        let trades: Vec<TapeTrade> = rows.into_values().filter(good).zip(first..).map(&mut trade).collect();
        let held = u64::try_from(trades.len()).unwrap_or(u64::MAX);
        self.losses.trades += (last - first).saturating_add(1).saturating_sub(held);
        Some(Tape { symbol, trades: trades.into(), synthetic: false })
    }

    /// The frames of one book that fit their checksums, from a snapshot on.
    fn book(&mut self, symbol: &str, rows: &[(i64, bool, BookRows)], listing: &Listing) -> Option<BookTape> {
        let precision = match self.instruments.get(symbol) {
            Some(row) => Precision { price: row.price_precision, qty: row.qty_precision },
            None => listing.by_symbol(symbol).map(|p| Precision { price: p.pair_decimals, qty: p.lot_decimals })?,
        };
        let deepest = rows.iter().filter(|r| r.1).map(|(_, _, r)| r.bids.len().max(r.asks.len())).max().unwrap_or(0);
        let fits = |depth: &u32| usize::try_from(*depth).is_ok_and(|depth| depth >= deepest);
        let depth = self.depths.get(symbol).copied().or_else(|| DEPTHS.into_iter().find(fits))?;
        let mut book = Book::new(depth, precision);
        let mut frames: Vec<BookFrame> = Vec::with_capacity(rows.len());
        let mut latest = i64::MIN;
        for (at, snapshot, row) in rows {
            let kept = if *snapshot { book.snapshot(row) } else { book.update(row) };
            if kept.is_err() {
                self.losses.book_frames += 1;
                continue;
            }
            latest = latest.max(*at);
            frames.push(BookFrame { at: SimNs(latest), snapshot: *snapshot, levels: levels(row) });
        }
        (!frames.is_empty()).then(|| BookTape { symbol: symbol.into(), depth, frames: frames.into() })
    }

    fn about(&self, trades: &[Tape], books: &[BookTape]) -> String {
        let count: usize = trades.iter().map(|tape| tape.trades.len()).sum();
        let minute = |us: i64| UtcMs(us.div_euclid(1_000)).to_string();
        let span = self.span.map(|(a, b)| format!(", {} to {}", minute(a), minute(b))).unwrap_or_default();
        let (from, url) = match &self.header {
            Some(header) if header.origin == Origin::StandIn => ("of a stand-in", header.url.as_str()),
            Some(header) => ("recorded live", header.url.as_str()),
            None => ("recorded", ""),
        };
        let mut text = format!(
            "{} frames {from} ({url}){span}: {count} trades of {} pairs, {} books as they were",
            self.frames,
            trades.len(),
            books.len()
        );
        let Losses { damaged, bad_frames, book_frames, trades } = self.losses;
        for (count, what) in [
            (damaged, "damaged or cut blocks"),
            (bad_frames, "frames that cannot be read"),
            (book_frames, "frames of books without a good book before them"),
            (trades, "trades that are not in it"),
        ] {
            if count > 0 {
                text.push_str(&format!("; {count} {what}"));
            }
        }
        text
    }
}

fn levels(row: &BookRows) -> Vec<BookLevel> {
    let level = |side: Side| move |l: &ws::Level| BookLevel { side, price: l.price.0, qty: l.qty.0 };
    row.bids.iter().map(level(Side::Buy)).chain(row.asks.iter().map(level(Side::Sell))).collect()
}

fn numbers(row: &InstrumentPair) -> RecordedPair {
    RecordedPair {
        symbol: row.symbol.as_str().into(),
        price_decimals: row.price_precision,
        tick_size: row.price_increment.0,
        lot_decimals: row.qty_precision,
        ordermin: row.qty_min.0,
        cost_decimals: Some(row.cost_precision),
        costmin: row.cost_min.map(|n| n.0),
    }
}
