//! The trades of one pair without holes: ids rise by one, so a jump is a hole until REST fills it, and a repeat is dropped.
//!
//! Trades leave in the order of their ids, each once, whether they came live, in a first picture or in a page of REST.

use std::collections::{BTreeMap, VecDeque};

use super::LinkSettings;
use crate::domain::time::UtcMs;
use crate::kraken::wire::{Number, Stamp, ws};

/// A trade by its number and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub id: u64,
    pub at: Stamp,
}

/// Trades that nobody will deliver any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole {
    pub after: Option<u64>,
    pub before: Option<u64>,
    pub from: Stamp,
    pub to: Stamp,
}

#[derive(Debug, Clone)]
struct Refill {
    /// Where the next page starts (exclusive).
    cursor: Stamp,
    ask_at: i64,
    asked: bool,
    pages: u32,
    tries: u32,
    /// Id after which trades were missing when this began.
    after: Option<u64>,
    /// Id of the row before, over all pages: neighbours in REST have nothing between them.
    row_before: Option<u64>,
}

#[derive(Debug, Clone)]
enum Phase {
    /// No subscription: nothing is known of what happens now.
    Down,
    /// Subscribed; the first picture may still bridge to what we know.
    Joining {
        until: i64,
    },
    Refilling(Refill),
    /// Every trade up to now is here.
    Live,
}

/// How far before the last known trade a refill starts: stamps of REST and of the WebSocket are rounded differently.
const MARGINS_MS: [i64; 4] = [1, 1_000, 60_000, 600_000];
/// A known id that comes with a time this much later is a new numbering.
const RENUMBERED_NS: i64 = 1_000_000_000;
/// Trades that are remembered with their values; a first picture has fifty.
const RECENT: usize = 64;

/// The trades of one pair.
#[derive(Debug)]
pub(super) struct TradeFlow {
    last: Option<Mark>,
    /// Whether the next trade may have any id.
    open: bool,
    /// Where a beginning has to start, when candles need older trades.
    floor: Option<UtcMs>,
    pending: BTreeMap<u64, ws::Trade>,
    newest_live: Option<u64>,
    /// Id, price and quantity of the trades passed last: a repeat is one whatever its time, for the exchange may put its clock right.
    recent: VecDeque<(u64, Number, Number)>,
    phase: Phase,
    /// Why what REST could not confirm is still in doubt.
    unsure: Option<String>,
    pub hole: Option<Hole>,
    pub renumbered: bool,
    pub repeats: u64,
    pub refilled: u64,
    pub refills: u64,
    pub skipped_ids: u64,
    pub overflows: u64,
}

impl TradeFlow {
    /// `floor`: where a beginning has to start; without one it starts with the first live trade.
    pub const fn new(floor: Option<UtcMs>) -> Self {
        Self {
            last: None,
            open: false,
            floor,
            pending: BTreeMap::new(),
            newest_live: None,
            recent: VecDeque::new(),
            phase: Phase::Down,
            unsure: None,
            hole: None,
            renumbered: false,
            repeats: 0,
            refilled: 0,
            refills: 0,
            skipped_ids: 0,
            overflows: 0,
        }
    }

    pub const fn last(&self) -> Option<Mark> {
        self.last
    }

    pub const fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live)
    }

    /// Where a beginning has to start, as long as nothing is known.
    pub const fn begins_at(&mut self, floor: Option<UtcMs>) {
        if self.last.is_none() {
            self.floor = floor;
        }
    }

    /// The subscription is gone.
    pub fn down(&mut self) {
        self.phase = Phase::Down;
        self.newest_live = None;
        if self.last.is_none() {
            self.open = false;
        }
    }

    /// The subscription stands; its first picture should come soon.
    pub fn subscribed(&mut self, t: i64, settings: &LinkSettings) {
        if matches!(self.phase, Phase::Down) {
            self.phase = Phase::Joining { until: t.saturating_add(settings.snapshot_timeout_ms) };
        }
    }

    /// Everything known is worthless: ids start anew.
    pub fn restart(&mut self, t: i64, floor: Option<UtcMs>, settings: &LinkSettings) {
        let counts = (self.repeats, self.refilled, self.refills, self.skipped_ids, self.overflows);
        *self = Self::new(floor);
        (self.repeats, self.refilled, self.refills, self.skipped_ids, self.overflows) = counts;
        self.subscribed(t, settings);
    }

    /// The last trades before the subscription.
    pub fn first_picture(
        &mut self,
        t: i64,
        mut rows: Vec<ws::Trade>,
        settings: &LinkSettings,
        out: &mut Vec<ws::Trade>,
    ) {
        self.subscribed(t, settings);
        rows.sort_by_key(|r| r.trade_id);
        if self.last.is_none() {
            self.base_from(&rows);
        }
        self.newest_live = self.newest_live.max(rows.last().map(|r| r.trade_id));
        for row in rows {
            self.feed(t, row, settings, out);
        }
        self.settle();
        if matches!(self.phase, Phase::Joining { .. }) {
            self.refill(t);
        }
    }

    /// Finds the beginning in a first picture: without a floor its newest trade, else its newest trade before the floor.
    fn base_from(&mut self, rows: &[ws::Trade]) {
        let base = match self.floor {
            None => rows.last(),
            Some(floor) => rows.iter().rev().find(|r| r.timestamp < Stamp::from_ms(floor)),
        };
        match base {
            Some(row) => self.last = Some(Mark { id: row.trade_id, at: row.timestamp }),
            None if self.floor.is_none() => self.open = true,
            None => {}
        }
    }

    /// A trade as it happens.
    pub fn live(&mut self, t: i64, trade: ws::Trade, settings: &LinkSettings, out: &mut Vec<ws::Trade>) {
        self.subscribed(t, settings);
        if self.last.is_none() && self.floor.is_none() {
            self.open = true;
        }
        self.feed(t, trade, settings, out);
        self.settle();
    }

    fn feed(&mut self, t: i64, trade: ws::Trade, settings: &LinkSettings, out: &mut Vec<ws::Trade>) {
        let id = trade.trade_id;
        if let Some(last) = self.last.filter(|last| id <= last.id) {
            if trade.timestamp.0 <= last.at.0.saturating_add(RENUMBERED_NS) || self.is_recent(&trade) {
                self.repeats = self.repeats.saturating_add(1);
                return;
            }
            self.renumbered = true;
            if self.floor.is_some() {
                return;
            }
            (self.last, self.newest_live, self.open) = (None, None, true);
            self.pending.clear();
        }
        self.newest_live = self.newest_live.max(Some(id));
        if self.follows(id) {
            self.take(trade, out);
            self.drain(out);
            return;
        }
        if self.pending.len() >= settings.trade_buffer {
            // REST is fetching from the hole on and will pass all of these
            self.pending.clear();
            self.overflows = self.overflows.saturating_add(1);
        }
        if self.pending.insert(id, trade).is_some() {
            self.repeats = self.repeats.saturating_add(1);
        }
        if self.last.is_some() && matches!(self.phase, Phase::Live | Phase::Joining { .. }) {
            self.refill(t.saturating_add(settings.reorder_wait_ms));
        }
    }

    fn is_recent(&self, trade: &ws::Trade) -> bool {
        self.recent.contains(&(trade.trade_id, trade.price, trade.qty))
    }

    fn follows(&self, id: u64) -> bool {
        self.last.map_or(self.open, |last| last.id.checked_add(1) == Some(id))
    }

    fn take(&mut self, trade: ws::Trade, out: &mut Vec<ws::Trade>) {
        self.last = Some(Mark { id: trade.trade_id, at: trade.timestamp });
        self.open = false;
        self.unsure = None;
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((trade.trade_id, trade.price, trade.qty));
        out.push(trade);
    }

    fn drain(&mut self, out: &mut Vec<ws::Trade>) {
        while let Some(entry) = self.pending.first_entry() {
            let id = *entry.key();
            if self.last.is_some_and(|last| id <= last.id) {
                entry.remove();
            } else if self.last.map_or(self.open, |last| last.id.checked_add(1) == Some(id)) {
                let trade = entry.remove();
                self.take(trade, out);
            } else {
                return;
            }
        }
    }

    /// Live when everything that was seen live has been passed.
    fn settle(&mut self) {
        if matches!(self.phase, Phase::Down) || !self.pending.is_empty() {
            return;
        }
        let passed = match (self.last, self.newest_live) {
            (Some(last), Some(newest)) => last.id >= newest,
            (None, None) => self.open && self.floor.is_none(),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if passed {
            self.phase = Phase::Live;
        }
    }

    fn refill(&mut self, ask_at: i64) {
        let start = self.last.map(|m| m.at).or(self.floor.map(Stamp::from_ms)).unwrap_or_default();
        self.refills = self.refills.saturating_add(1);
        self.phase = Phase::Refilling(Refill {
            cursor: before(start, 0),
            ask_at,
            asked: false,
            pages: 0,
            tries: 0,
            after: self.last.map(|m| m.id),
            row_before: None,
        });
    }

    /// What time brings: the instant after which trades are to be fetched, when REST is needed now.
    pub fn tick(&mut self, t: i64) -> Option<Stamp> {
        if matches!(self.phase, Phase::Joining { until } if t >= until) {
            if self.last.is_none() && self.floor.is_none() {
                self.open = true;
                self.phase = Phase::Live;
                return None;
            }
            self.refill(t);
        }
        let Phase::Refilling(refill) = &mut self.phase else { return None };
        if refill.asked || t < refill.ask_at {
            return None;
        }
        refill.asked = true;
        Some(refill.cursor)
    }

    /// When [`Self::tick`] has something to do.
    pub const fn due(&self) -> i64 {
        match &self.phase {
            Phase::Joining { until } => *until,
            Phase::Refilling(refill) if !refill.asked => refill.ask_at,
            _ => i64::MAX,
        }
    }

    /// A page of REST. Its cursor is not used: the newest row tells more, and is never malformed.
    pub fn page(&mut self, t: i64, mut rows: Vec<ws::Trade>, settings: &LinkSettings, out: &mut Vec<ws::Trade>) {
        let Phase::Refilling(refill) = &mut self.phase else { return };
        refill.asked = false;
        refill.pages = refill.pages.saturating_add(1);
        rows.sort_by_key(|r| r.trade_id);
        let reached = rows.iter().map(|r| r.timestamp).max().unwrap_or(refill.cursor);
        let more = rows.len() >= settings.trades_page && reached > refill.cursor;
        // rows of the same nanosecond may continue on the next page: it starts with the last row again
        let again = Stamp(reached.0.saturating_sub(1));
        if again > refill.cursor {
            refill.cursor = again;
        } else {
            // a whole page inside one nanosecond: what it left out cannot be asked for, and neighbours prove nothing
            refill.cursor = reached.max(refill.cursor);
            refill.row_before = None;
        }
        if self.last.is_none() {
            self.base_from_page(&rows, more);
        }
        for row in rows {
            self.feed_row(row, out);
        }
        self.after_page(t, more, settings, out);
    }

    fn base_from_page(&mut self, rows: &[ws::Trade], more: bool) {
        let floor = self.floor.map(Stamp::from_ms).unwrap_or_default();
        match rows.iter().find(|r| r.timestamp >= floor) {
            Some(first) => {
                let id = first.trade_id.saturating_sub(1);
                self.last = Some(Mark { id, at: floor });
                if let Phase::Refilling(refill) = &mut self.phase {
                    refill.row_before = Some(id);
                }
            }
            None if more => {}
            // nothing since the floor: the next trade follows the newest row, or has any id
            None => match rows.last() {
                Some(row) => self.last = Some(Mark { id: row.trade_id, at: row.timestamp }),
                None => self.open = true,
            },
        }
    }

    fn feed_row(&mut self, row: ws::Trade, out: &mut Vec<ws::Trade>) {
        let id = row.trade_id;
        let Phase::Refilling(refill) = &mut self.phase else { return };
        let neighbour = refill.row_before.replace(id);
        let Some(last) = self.last else { return };
        if id <= last.id {
            return;
        }
        let next = last.id.saturating_add(1);
        let proven_jump = neighbour.is_some_and(|n| n <= last.id) && self.pending.range(next..id).next().is_none();
        if id == next || proven_jump {
            self.skipped_ids = self.skipped_ids.saturating_add(id.saturating_sub(next));
            self.refilled = self.refilled.saturating_add(1);
            self.pending.remove(&id);
            self.take(row, out);
            self.drain(out);
        } else {
            self.pending.entry(id).or_insert(row);
        }
    }

    fn after_page(&mut self, t: i64, more: bool, settings: &LinkSettings, out: &mut Vec<ws::Trade>) {
        self.drain(out);
        let joined = match (self.last, self.newest_live) {
            (Some(last), Some(newest)) => last.id >= newest && self.pending.is_empty(),
            (Some(_), None) => !more && self.pending.is_empty(),
            (None, _) => self.open && self.pending.is_empty(),
        };
        if joined {
            self.phase = Phase::Live;
            return;
        }
        let start = self.last.map(|m| m.at).or(self.floor.map(Stamp::from_ms)).unwrap_or_default();
        let Phase::Refilling(refill) = &mut self.phase else { return };
        if more && refill.pages < settings.refill_pages {
            refill.ask_at = t;
        } else if more {
            let text = format!("more than {} pages of trades are missing", settings.refill_pages);
            self.give_up(&text, out);
        } else if refill.tries >= settings.refill_tries {
            self.give_up("REST does not list them", out);
        } else {
            refill.tries = refill.tries.saturating_add(1);
            let wait = 1_000_i64.saturating_mul(1_i64.checked_shl(refill.tries.min(6)).unwrap_or(1)) / 2;
            refill.ask_at = t.saturating_add(wait);
            refill.cursor = before(start, refill.tries);
            refill.row_before = None;
        }
    }

    /// REST will not answer this.
    pub fn refused(&mut self, text: &str, out: &mut Vec<ws::Trade>) {
        if matches!(self.phase, Phase::Refilling(_)) {
            self.give_up(text, out);
        }
    }

    /// Goes on behind the hole, and says so.
    fn give_up(&mut self, why: &str, out: &mut Vec<ws::Trade>) {
        let from = self.last.map(|m| m.at).or(self.floor.map(Stamp::from_ms)).unwrap_or_default();
        let after = self.last.map(|m| m.id);
        self.phase = Phase::Live;
        match self.pending.first_key_value().map(|(id, trade)| (*id, trade.timestamp)) {
            Some((id, at)) => {
                self.hole = Some(Hole { after, before: Some(id), from, to: at.max(from) });
                self.last = Some(Mark { id: id.saturating_sub(1), at: from });
                self.drain(out);
                if !self.pending.is_empty() {
                    self.refill(0);
                }
            }
            None if self.last.is_none() || self.newest_live > after => {
                self.hole = Some(Hole { after, before: None, from, to: from });
                self.last = None;
                self.open = true;
            }
            // the next live trade shows whether anything is missing
            None => {
                self.unsure = Some(format!("trades after {} cannot be confirmed: {why}", after.unwrap_or_default()))
            }
        }
    }

    /// Why the trades are not proven; the text does not change while the reason stays.
    pub fn doubt(&self) -> Option<String> {
        match &self.phase {
            Phase::Down => Some("trades are not subscribed".to_owned()),
            Phase::Joining { .. } => Some("trades: not yet joined to what came before".to_owned()),
            Phase::Refilling(Refill { after: Some(id), .. }) => {
                Some(format!("trades after {id} are missing and being fetched"))
            }
            Phase::Refilling(_) => Some("older trades of the current candle are being fetched".to_owned()),
            Phase::Live => self.unsure.clone(),
        }
    }
}

/// `start` moved back by the margin of this try.
fn before(start: Stamp, tries: u32) -> Stamp {
    let place = usize::try_from(tries).unwrap_or(usize::MAX).min(MARGINS_MS.len().saturating_sub(1));
    let margin_ms = MARGINS_MS.get(place).copied().unwrap_or(1);
    Stamp(start.0.saturating_sub(margin_ms.saturating_mul(1_000_000)))
}

#[cfg(test)]
mod tests;
