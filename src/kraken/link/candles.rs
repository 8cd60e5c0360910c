//! Trades through the flow into candles, candles through their comparison into events.

use super::core::LinkCore;
use super::pair_state::Series;
use super::rest_desk::Errand;
use super::trade_flow::Hole;
use super::trade_series::Step;
use super::{LinkEvent, Output, RestQuery};
use crate::domain::time::UtcMs;
use crate::kraken::wire::ws;

/// With more questions than this in line, doubts about single candles are told instead of pursued.
const BUSY: usize = 60;
/// A ping after the end of a candle is repeated when its answer takes longer than this.
const PING_AGAIN_MS: i64 = 2_000;

impl LinkCore {
    /// Hands on what the flow of a pair passed, in order.
    pub(super) fn pass_trades(&mut self, t: i64, place: usize, out: &mut Vec<Output>) {
        let mut passed = std::mem::take(&mut self.passed);
        let any = !passed.is_empty();
        for trade in passed.drain(..) {
            self.count_trade(t, place, &trade);
            let Some(state) = self.pairs.get(place).filter(|s| s.tell_trades) else { continue };
            out.push(Output::Event(LinkEvent::Trade { pair: state.pair.clone(), trade }));
        }
        self.passed = passed;
        self.after_flow(t, place);
        if any {
            self.poll_all_series(t, place, out);
        }
    }

    fn count_trade(&mut self, t: i64, place: usize, trade: &ws::Trade) {
        self.counters.trades = self.counters.trades.saturating_add(1);
        let Some(state) = self.pairs.get_mut(place) else { return };
        for series in &mut state.series {
            let Series::Trades(series) = series else { continue };
            if let Err(e) = series.trade(t, trade, &self.settings) {
                self.notes.say(t, "trade refused", || format!("{}: {e}", state.pair));
            }
        }
    }

    /// Holes and new numbers that the flow met; and when it wants to be called again.
    fn after_flow(&mut self, t: i64, place: usize) {
        let now = self.pulse.wall();
        let Some(state) = self.pairs.get_mut(place) else { return };
        let floor = state.floor();
        let Some(flow) = &mut state.flow else { return };
        let (hole, renumbered) = (flow.hole.take(), std::mem::take(&mut flow.renumbered));
        if renumbered {
            for series in &mut state.series {
                if let Series::Trades(series) = series {
                    series.restart();
                }
            }
            if floor.is_some() {
                flow.restart(t, floor, &self.settings);
            }
            self.notes.say(t, "renumbered", || format!("{}: trade ids start anew", state.pair));
        }
        if let Some(hole) = hole {
            let text = hole_text(&hole);
            let missing = hole.before.zip(hole.after).map_or(0, |(b, a)| b.saturating_sub(a).saturating_sub(1));
            state.lost_trades = state.lost_trades.saturating_add(missing);
            for series in &mut state.series {
                if let Series::Trades(series) = series {
                    series.hole(hole.from.ms(), hole.to.ms());
                }
            }
            state.lost = Some((text.clone(), now.plus(state.longest_ms())));
            self.notes.say(t, "hole", || format!("{}: {text}", state.pair));
        }
        let flow = state.flow.as_ref();
        let due = flow.map_or(i64::MAX, super::trade_flow::TradeFlow::due);
        if flow.is_some_and(super::trade_flow::TradeFlow::is_live) && self.desk.backlog() > 0 {
            // the missing ones came by themselves
            self.desk.forget(Errand::Trades(place));
        }
        self.wake_at(due);
        if renumbered || hole.is_some() {
            self.touch(place);
        }
    }

    fn poll_all_series(&mut self, t: i64, place: usize, out: &mut Vec<Output>) {
        let count = self.pairs.get(place).map_or(0, |s| s.series.len());
        for n in 0..count {
            self.poll_series(t, place, n, out);
        }
    }

    /// Lets one series give what it has and ask what it needs.
    pub(super) fn poll_series(&mut self, t: i64, place: usize, n: usize, out: &mut Vec<Output>) {
        loop {
            let busy = self.desk.backlog() > BUSY;
            let Some(state) = self.pairs.get_mut(place) else { return };
            let Some(series) = state.series.get_mut(n) else { return };
            let before = series.trouble();
            let (interval, step) = match series {
                Series::Trades(s) => (s.interval(), s.poll(t, busy)),
                Series::Ohlc(s) => (s.interval(), s.poll(t)),
            };
            let changed = series.trouble() != before;
            let due = series.due();
            let symbol = || state.pair.as_str().to_owned();
            let more = step.is_some();
            match step {
                Some(Step::Candle { start, values, proven }) => match values.raw(&state.pair, interval, start) {
                    Some(row) => {
                        self.counters.candles = self.counters.candles.saturating_add(1);
                        out.push(Output::Event(LinkEvent::Candle { row, proven }));
                    }
                    None => self.notes.say(t, "candle", || format!("{}: a candle that is no number", state.pair)),
                },
                Some(Step::AskTrades(since)) => {
                    let query = RestQuery::Trades { symbol: symbol(), since };
                    self.desk.ask(t, Errand::CandleTrades(place, n), query);
                    self.wake = self.wake.min(t);
                }
                Some(Step::AskRows(since)) => {
                    let query = RestQuery::Ohlc { symbol: symbol(), interval, since: Some(since) };
                    self.desk.ask(t, Errand::Rows(place, n), query);
                    self.wake = self.wake.min(t);
                }
                None => {}
            }
            if changed {
                self.touch(place);
            }
            if !more {
                self.wake_at(due);
                return;
            }
        }
    }

    /// Trades that have to be fetched now.
    pub(super) fn run_trades(&mut self, t: i64) {
        let now = self.pulse.safe_now();
        for place in 0..self.pairs.len() {
            let Some(state) = self.pairs.get_mut(place) else { continue };
            let healed = state.lost.take_if(|(_, until)| now > *until).is_some();
            let until = state.lost.as_ref().map(|(_, until)| *until);
            let Some(flow) = &mut state.flow else { continue };
            let live = flow.is_live();
            let asked = flow.tick(t);
            let changed = live != flow.is_live() || asked.is_some();
            let due = flow.due();
            if let Some(since) = asked {
                let query = RestQuery::Trades { symbol: state.pair.as_str().to_owned(), since };
                self.desk.ask(t, Errand::Trades(place), query);
            }
            self.wake_at(due);
            if let Some(until) = until {
                self.wake_at(t.saturating_add(until.since(now)).saturating_add(1));
            }
            if healed || changed {
                self.touch(place);
            }
        }
    }

    /// Closes candles whose end is past. The clock alone does not tell that: a trade may still be on its way, or wait unread. A ping after the
    /// end (and a little grace) and its answer do.
    pub(super) fn run_candles(&mut self, t: i64, out: &mut Vec<Output>) {
        let grace = self.settings.candle_grace_ms;
        let mut due = vec![UtcMs(i64::MAX); self.shards.len()];
        for place in 0..self.pairs.len() {
            let Some(state) = self.pairs.get_mut(place) else { continue };
            let Some(shard) = state.data_shard.and_then(|s| self.shards.get(s)) else { continue };
            let live = shard.is_up() && state.flow.as_ref().is_none_or(super::trade_flow::TradeFlow::is_live);
            let to = shard.drained.plus(grace.saturating_neg());
            let mut polls = Vec::new();
            for (n, series) in state.series.iter_mut().enumerate() {
                let over = live && series.ends_at() <= to;
                match series {
                    Series::Trades(s) if over => s.close_by_clock(t, to, &self.settings),
                    Series::Ohlc(s) if over => s.close_by_clock(to),
                    _ => {}
                }
                if let Some(due) = state.data_shard.and_then(|s| due.get_mut(s)).filter(|_| live) {
                    *due = (*due).min(series.ends_at().plus(grace));
                }
                if over || series.due() <= t {
                    polls.push(n);
                } else {
                    self.wake = self.wake.min(series.due());
                }
            }
            for n in polls {
                self.poll_series(t, place, n, out);
            }
        }
        for (place, due) in due.into_iter().enumerate() {
            self.ask_whether_drained(t, place, due, out);
        }
    }

    /// Once `due` is past: a ping, again if its answer does not come.
    fn ask_whether_drained(&mut self, t: i64, place: usize, due: UtcMs, out: &mut Vec<Output>) {
        let Some(shard) = self.shards.get(place).filter(|s| s.is_up() && due != UtcMs(i64::MAX)) else { return };
        let wait = due.since(self.pulse.safe_now());
        if wait > 0 {
            return self.wake_at(t.saturating_add(wait));
        }
        let asked = shard.pings.back().filter(|(_, sent, _)| *sent >= due).map(|p| p.2.saturating_add(PING_AGAIN_MS));
        match (asked, shard.conn) {
            (Some(again), _) if t < again => self.wake_at(again),
            (_, Some(conn)) => {
                self.ping(conn, out);
                self.wake_at(t.saturating_add(PING_AGAIN_MS));
            }
            _ => {}
        }
    }
}

fn hole_text(hole: &Hole) -> String {
    match (hole.after, hole.before) {
        (Some(after), Some(before)) => format!("trades between {after} and {before} are lost"),
        (Some(after), None) => format!("trades after {after} are lost"),
        (None, _) => format!("trades since {} are lost", hole.from),
    }
}
