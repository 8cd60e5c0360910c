//! What the link tells, held against the tapes and books of the stand-in as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use cryptosmarttrader::domain::market::RawCandle;
use cryptosmarttrader::domain::pair::Pair;
use cryptosmarttrader::kraken::book::BookSide;
use cryptosmarttrader::kraken::link::{LinkCore, LinkEvent};
use cryptosmarttrader::kraken::wire::ws;
use cryptosmarttrader::simulator::market::Market;
use cryptosmarttrader::simulator::protocol::{Side, TapeTrade};
use rust_decimal::Decimal;

use super::storm::Storm;
use super::world::MINUTES;

const CELL_NS: i64 = MINUTES as i64 * 60_000_000_000;
const TEN_MINUTES_NS: i64 = 600_000_000_000;
/// Differences that are kept; a run that goes wrong would fill the memory.
const KEPT: usize = 30;
/// A book that is proven and different at so many looks in a row is false confidence. A dead connection is noticed after ten seconds.
pub const LOOK_NS: i64 = 1_500_000_000;
const LOOKS: u32 = 13;

struct Of {
    pair: Pair,
    tape: Arc<[TapeTrade]>,
    depth: usize,
    /// Place in the tape of the next trade.
    next: usize,
    /// Start of the next candle at the earliest.
    candle_from: i64,
    doubt: Option<String>,
    doubts: u64,
    looks: u32,
    /// Book frames that reached the link, and how many had when the looks began to fail.
    frames: u64,
    frames_then: u64,
}

pub struct Audit {
    of: Vec<Of>,
    places: BTreeMap<String, usize>,
    pub wrongs: Vec<String>,
    pub trades: u64,
    pub candles: u64,
    pub unproven: u64,
    /// Unproven candles that differ, of times when the exchange's stamps were off.
    pub skewed: u64,
    pub notes: BTreeMap<String, u64>,
    connects: VecDeque<i64>,
    pub connects_most: usize,
    system: Option<ws::System>,
    /// Every pair was proven once.
    pub started: bool,
}

fn cell(at: i64) -> i64 {
    at - at.rem_euclid(CELL_NS)
}

impl Audit {
    /// `began`: the link's clock at its first input.
    pub fn new(pairs: &[Pair], tapes: &[Arc<[TapeTrade]>], depths: &[u32], began: i64) -> Self {
        let from = cell(began);
        let of = |((pair, tape), depth): ((&Pair, &Arc<[TapeTrade]>), &u32)| Of {
            pair: pair.clone(),
            next: tape.partition_point(|t| t.at.0 < from),
            tape: Arc::clone(tape),
            depth: *depth as usize,
            candle_from: from,
            doubt: Some("nothing was told yet".to_owned()),
            doubts: 0,
            looks: 0,
            frames: 0,
            frames_then: 0,
        };
        Self {
            of: pairs.iter().zip(tapes).zip(depths).map(of).collect(),
            places: pairs.iter().enumerate().map(|(n, p)| (p.as_str().to_owned(), n)).collect(),
            wrongs: Vec::new(),
            trades: 0,
            candles: 0,
            unproven: 0,
            skewed: 0,
            notes: BTreeMap::new(),
            connects: VecDeque::new(),
            connects_most: 0,
            system: None,
            started: false,
        }
    }

    pub fn wrong(&mut self, now: i64, text: &str) {
        if self.wrongs.len() < KEPT {
            self.wrongs.push(format!("at {}: {text}", jiff::Timestamp::from_nanosecond(i128::from(now)).unwrap()));
        }
    }

    pub fn event(&mut self, now: i64, event: &LinkEvent, calm: bool, storm: &Storm) {
        match event {
            LinkEvent::Trade { pair, trade } => self.trade(now, pair, trade),
            LinkEvent::Candle { row, proven } => {
                self.candles += 1;
                self.unproven += u64::from(!proven);
                let of = &mut self.of[self.places[row.pair.as_str()]];
                let from = of.candle_from;
                match of.candle(row) {
                    Ok(()) => {}
                    // REST tells the trades with their own stamps whatever the clock shows: what is told as proven has to be right
                    Err(_)
                        if !proven
                            && [from, of.candle_from - CELL_NS, of.candle_from].iter().any(|at| storm.skewed(*at)) =>
                    {
                        self.skewed += 1;
                    }
                    Err(text) => self.wrong(now, &format!("{}: {text}", row.pair)),
                }
            }
            LinkEvent::Proof { pair, doubt } => {
                let of = &mut self.of[self.places[pair.as_str()]];
                of.doubts += u64::from(doubt.is_some());
                of.looks = 0;
                of.doubt.clone_from(doubt);
                if let (true, true, Some(doubt)) = (self.started, calm, doubt) {
                    self.wrong(now, &format!("{pair} is in doubt without a fault: {doubt}"));
                }
                self.started |= self.of.iter().all(|of| of.doubt.is_none());
            }
            LinkEvent::Note(text) => {
                let words: String = text.chars().filter(|c| !c.is_ascii_digit()).take(60).collect();
                if self.notes.len() < 200 || self.notes.contains_key(&words) {
                    *self.notes.entry(words).or_default() += 1;
                }
            }
            LinkEvent::System(system) => self.system = Some(system.clone()),
            LinkEvent::Top { .. }
            | LinkEvent::Depth { .. }
            | LinkEvent::Ticker { .. }
            | LinkEvent::PairStatus { .. } => {}
        }
    }

    fn trade(&mut self, now: i64, pair: &Pair, trade: &ws::Trade) {
        self.trades += 1;
        let of = &mut self.of[self.places[pair.as_str()]];
        let Some(meant) = of.tape.get(of.next) else { return self.wrong(now, &format!("{pair}: a trade too many")) };
        of.next += 1;
        let side = if meant.taker == Side::Buy { ws::Side::Buy } else { ws::Side::Sell };
        let equal =
            (trade.trade_id, trade.price.0, trade.qty.0, &trade.side) == (meant.id, meant.price, meant.qty, &side);
        if !equal || meant.at.0 > now {
            let text = format!("{pair}: trade {trade:?} instead of {meant:?}");
            // go on from what came, so that one hole is told once
            of.next = of.tape.partition_point(|t| t.id <= trade.trade_id);
            self.wrong(now, &text);
        }
    }

    /// A connect attempt: at most so many in ten minutes.
    pub fn connect(&mut self, now: i64, most: usize) {
        self.connects.push_back(now);
        while self.connects.front().is_some_and(|at| now - at >= TEN_MINUTES_NS) {
            self.connects.pop_front();
        }
        self.connects_most = self.connects_most.max(self.connects.len());
        if self.connects.len() > most {
            self.wrong(now, &format!("{} connect attempts in ten minutes", self.connects.len()));
        }
    }

    pub fn doubts(&self) -> u64 {
        self.of.iter().map(|of| of.doubts).sum()
    }

    /// A frame is about to reach the link.
    pub fn frame(&mut self, text: &str) {
        if !text.starts_with(r#"{"channel":"book""#) {
            return;
        }
        let symbol =
            text.split_once(r#""symbol":""#).and_then(|(_, rest)| rest.split_once('"')).map(|(symbol, _)| symbol);
        if let Some(place) = symbol.and_then(|s| self.places.get(s)) {
            self.of[*place].frames += 1;
        }
    }

    /// Looks for books that are believed and wrong for longer than it takes to notice.
    pub fn look(&mut self, now: i64, link: &LinkCore, market: &Market, frozen: bool) {
        let mut wrongs = Vec::new();
        for of in &mut self.of {
            let wrong = !frozen && of.doubt.is_none() && of.book(link, market).is_err();
            if !wrong {
                (of.looks, of.frames_then) = (0, of.frames);
                continue;
            }
            of.looks += 1;
            // what was lost shows with the next frame, not before
            if of.looks >= LOOKS && of.frames > of.frames_then + 1 {
                of.looks = 0;
                wrongs.push(format!("{}: a wrong book is believed for long", of.pair));
            }
        }
        wrongs.iter().for_each(|w| self.wrong(now, w));
    }

    /// After the last frame was handed in.
    pub fn finish(&mut self, now: i64, link: &LinkCore, market: &Market) {
        let mut wrongs = Vec::new();
        if self.system.as_ref().map(ws::System::as_str) != Some(market.system_status()) {
            wrongs.push(format!("the exchange is said to be {:?}, and is {}", self.system, market.system_status()));
        }
        for of in &self.of {
            let pair = &of.pair;
            if let Some(doubt) = &of.doubt {
                wrongs.push(format!("{pair} is still in doubt: {doubt}"));
            }
            if let Err(text) = of.book(link, market) {
                wrongs.push(format!("{pair}: {text}"));
            }
            let played = of.tape.partition_point(|t| t.at.0 <= now);
            if of.next != played {
                wrongs.push(format!("{pair}: {} trades told of {played} played", of.next));
            }
            let over = cell(now);
            let missing = of.tape.iter().filter(|t| t.at.0 >= of.candle_from && t.at.0 < over).count();
            if missing > 0 {
                wrongs.push(format!("{pair}: the candles of {missing} trades are missing"));
            }
        }
        wrongs.iter().for_each(|w| self.wrong(now, w));
    }
}

impl Of {
    fn candle(&mut self, row: &RawCandle) -> Result<(), String> {
        let start = row.open_time.0 * 1_000_000;
        if start < self.candle_from {
            return Err(format!("the candle of {} came twice or late", row.open_time.minute()));
        }
        let place = |at: i64| self.tape.partition_point(|t| t.at.0 < at);
        let (before, first, end) = (place(self.candle_from), place(start), place(start + CELL_NS));
        self.candle_from = start + CELL_NS;
        if before != first {
            return Err(format!(
                "before the candle of {} one with {} trades is missing",
                row.open_time.minute(),
                first - before
            ));
        }
        let cell = &self.tape[first..end];
        let quiet = self.tape[..first].last().map(|t| t.price).unwrap_or_default();
        let open = cell.first().map_or(quiet, |t| t.price);
        let close = cell.last().map_or(quiet, |t| t.price);
        let high = cell.iter().map(|t| t.price).max().unwrap_or(quiet);
        let low = cell.iter().map(|t| t.price).min().unwrap_or(quiet);
        let volume: Decimal = cell.iter().map(|t| t.qty).sum();
        let float = |d: Decimal| d.to_string().parse::<f64>().unwrap();
        let meant = [open, high, low, close, volume].map(float);
        if [row.open, row.high, row.low, row.close, row.volume] != meant || row.trades != Some(cell.len() as u64) {
            return Err(format!("{row:?} instead of {meant:?} with {} trades", cell.len()));
        }
        Ok(())
    }

    /// Whether the link's book is the stand-in's, level by level.
    fn book(&self, link: &LinkCore, market: &Market) -> Result<(), String> {
        let book = link.book(&self.pair).ok_or("there is no book")?;
        for (side, meant) in [(BookSide::Bids, Side::Buy), (BookSide::Asks, Side::Sell)] {
            let mut meant = market.external_levels(self.pair.as_str(), meant).take(self.depth);
            let mut own = book.levels(side).map(|(price, qty)| (price.0, qty.0));
            loop {
                match (own.next(), meant.next()) {
                    (None, None) => break,
                    (a, b) if a == b => {}
                    (a, b) => return Err(format!("{side:?} show {a:?} instead of {b:?}")),
                }
            }
        }
        Ok(())
    }
}
