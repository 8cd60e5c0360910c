//! Whale Detector: is someone trading far more than this pair sees at this hour of the day?

use std::collections::{BTreeMap, VecDeque};

use super::orders::Orders;
use super::robust::Spread;
use super::{foreign_request, mark};
use crate::domain::event::Brain;
use crate::domain::settings::WhaleSettings;
use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::domain::{
    AgentKind, Ask, BrainError, Candle, Finding, Frame, Message, Pair, Reply, Request, UtcMs, WhaleReading,
};

/// What an alert rests on.
const ON_TRADES: &str = "trades, joined to orders";
const NO_TRADES: &str = "candle volume (no trade tape recorded)";
const SOME_TRADES: &str = "candle volume (not all trades of the hour are here)";
const FEW_TRADES: &str = "candle volume (too few orders seen to judge one)";

const HOURS_PER_DAY: i64 = 24;
/// Fewer observations than this make no median deviation worth the name.
const MIN_OBSERVATIONS: usize = 15;

/// The brain of the Whale Detector. Per pair it keeps the observations and the largest orders of the last `window_days`, nothing else.
#[derive(Debug, Clone)]
pub struct Whale {
    settings: WhaleSettings,
    seen: BTreeMap<Pair, VecDeque<Observation>>,
    orders: Orders,
}

/// One closed source bar in which something was traded.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Observation {
    open_time: UtcMs,
    interval_ms: i64,
    /// ln of typical price × volume.
    ln_notional: f64,
    /// ln of notional per trade, where trades are counted.
    ln_trade_size: Option<f64>,
    volume: f64,
    /// ln(close / open).
    log_return: f64,
}

impl Observation {
    /// `None` for a bar without volume: it has no logarithm, and it is no trade.
    fn of(bar: &Candle) -> Option<Self> {
        let (high, low, close) = (bar.high.to_f64(), bar.low.to_f64(), bar.close.to_f64());
        let volume = bar.volume.to_f64();
        let notional = (high + low + close) / 3.0 * volume;
        let trades = bar.trades.filter(|n| *n > 0);
        let ln_notional = Some(notional.ln()).filter(|x| x.is_finite())?;
        Some(Self {
            open_time: bar.open_time,
            interval_ms: bar.interval.ms(),
            ln_notional,
            ln_trade_size: trades.map(|n| (notional / n as f64).ln()).filter(|x| x.is_finite()),
            volume,
            log_return: (close / bar.open.to_f64()).ln(),
        })
    }
}

fn window_ms(settings: &WhaleSettings) -> i64 {
    i64::try_from(settings.window_days).unwrap_or(i64::MAX).saturating_mul(DAY_MS)
}

fn hour_of_day(t: UtcMs) -> i64 {
    t.0.div_euclid(HOUR_MS).rem_euclid(HOURS_PER_DAY)
}

impl Whale {
    #[must_use]
    pub fn new(settings: WhaleSettings) -> Self {
        let orders = Orders::new(window_ms(&settings));
        Self { settings, seen: BTreeMap::new(), orders }
    }

    /// Observations that a bar opened at `open` is measured against: the same hour of the day within the window, all of them before the
    /// hour that is judged. An hourly bar has only one of its kind per day, so it is measured against the hours beside it too.
    fn reference<'a>(
        &'a self,
        pair: &Pair,
        hour_start: UtcMs,
        judged: &Observation,
    ) -> impl Iterator<Item = &'a Observation> {
        let from = hour_start.plus(-window_ms(&self.settings));
        let (hour, interval) = (hour_of_day(judged.open_time), judged.interval_ms);
        let reach = i64::from(interval >= HOUR_MS);
        self.seen.get(pair).into_iter().flatten().filter(move |o| {
            let apart = (hour_of_day(o.open_time) - hour).rem_euclid(HOURS_PER_DAY);
            o.open_time >= from
                && o.open_time.plus(o.interval_ms) <= hour_start
                && o.interval_ms == interval
                && apart.min(HOURS_PER_DAY - apart) <= reach
        })
    }

    /// How many observations are needed: half of what the window can hold, and never fewer than [`MIN_OBSERVATIONS`].
    fn needed(&self, interval_ms: i64) -> usize {
        let per_day = if interval_ms >= HOUR_MS { 3 } else { HOUR_MS / interval_ms.max(1) };
        let full = self.settings.window_days.saturating_mul(usize::try_from(per_day).unwrap_or(1));
        MIN_OBSERVATIONS.max(full / 2)
    }

    fn z(&self, sample: &[f64], value: f64, interval_ms: i64) -> Result<f64, String> {
        let needed = self.needed(interval_ms);
        if sample.len() < needed {
            return Err(format!("{} of {needed} observations of this hour of the day", sample.len()));
        }
        Spread::of(sample)
            .and_then(|s| s.z(value))
            .ok_or_else(|| "the volumes of this hour of the day do not differ (MAD 0)".to_owned())
    }

    fn read(&self, frame: &Frame, at: UtcMs) -> WhaleReading {
        let hour_start = frame.bar.open_time;
        let mut reading = WhaleReading {
            pair: frame.pair.clone(),
            at,
            volume_z: None,
            trade_size_z: None,
            impact: None,
            order: self.orders.read(frame),
            alert: false,
            basis: NO_TRADES.to_owned(),
            note: None,
        };
        let bars = frame.source_bars.iter().filter_map(Observation::of);
        // of equal notionals the first counts
        let largest = bars.reduce(|best, o| if o.ln_notional > best.ln_notional { o } else { best });
        let Some(largest) = largest else {
            reading.note = Some("nothing was traded in this hour".to_owned());
            return reading;
        };
        reading.impact = Some(largest.log_return).filter(|r| r.is_finite());

        let notionals: Vec<f64> = self.reference(&frame.pair, hour_start, &largest).map(|o| o.ln_notional).collect();
        match self.z(&notionals, largest.ln_notional, largest.interval_ms) {
            Ok(z) => reading.volume_z = Some(z),
            Err(why) => reading.note = Some(why),
        }
        if let Some(size) = largest.ln_trade_size {
            let sizes: Vec<f64> =
                self.reference(&frame.pair, hour_start, &largest).filter_map(|o| o.ln_trade_size).collect();
            reading.trade_size_z = self.z(&sizes, size, largest.interval_ms).ok();
        }
        let hour_volume = frame.bar.volume.to_f64();
        let share = (hour_volume > 0.0).then(|| largest.volume / hour_volume);
        reading.alert = reading.volume_z.is_some_and(|z| z >= self.settings.alert_z)
            && share.is_some_and(|s| s >= self.settings.alert_share);
        self.judge_order(frame, &mut reading);
        reading
    }

    /// Real orders say more than candles: where they can be judged, the alert rests on them.
    fn judge_order(&self, frame: &Frame, reading: &mut WhaleReading) {
        let basis = match (&reading.order, &frame.flow) {
            (Some(order), _) if order.is_judged() => {
                let extreme = order.z.is_some_and(|z| z >= self.settings.alert_z)
                    || order.threshold.is_some_and(|t| order.quote > t);
                reading.alert = extreme && order.share.is_some_and(|s| s >= self.settings.alert_share);
                reading.impact = order.impact;
                ON_TRADES
            }
            (Some(_), _) => FEW_TRADES,
            (None, Some(flow)) if flow.trades.is_some() => SOME_TRADES,
            (None, _) => NO_TRADES,
        };
        basis.clone_into(&mut reading.basis);
    }

    /// Takes the bars of a judged hour into the window. Bars that are not newer than the newest known one are left out, so a question
    /// that is asked twice changes nothing.
    fn remember(&mut self, frame: &Frame) {
        let from = frame.bar.open_time.plus(-window_ms(&self.settings));
        let seen = self.seen.entry(frame.pair.clone()).or_default();
        let mut newest = seen.back().map(|o| o.open_time);
        for observation in frame.source_bars.iter().filter_map(Observation::of) {
            if newest.is_none_or(|t| observation.open_time > t) {
                newest = Some(observation.open_time);
                seen.push_back(observation);
            }
        }
        while seen.front().is_some_and(|o| o.open_time < from) {
            seen.pop_front();
        }
    }
}

impl Brain for Whale {
    fn kind(&self) -> AgentKind {
        AgentKind::WhaleDetector
    }

    /// The interaction matrix has no column for this agent: the frames come as the message that Technical gets.
    fn handle(&mut self, ask: &Ask) -> Result<Reply, BrainError> {
        if ask.request != Request::DetectWhales {
            return Err(foreign_request(ask, "detect whales"));
        }
        let frames: &[Frame] = ask.frames().map_or(&[], |f| f.as_slice());
        let readings = frames
            .iter()
            .map(|frame| {
                let reading = self.read(frame, ask.at);
                self.remember(frame);
                self.orders.remember(frame);
                reading
            })
            .collect();
        let mut used = Vec::new();
        if let Some(carrier) = ask.inbox.iter().rev().find(|m| Message::is_market_data(m)) {
            mark(&mut used, carrier);
        }
        Ok(Reply {
            cycle: ask.cycle,
            from: AgentKind::WhaleDetector,
            finding: Finding::Whales(readings),
            messages: Vec::new(),
            used,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::{FlowHour, Parent, TradeFlow};
    use crate::domain::time::MINUTE_MS;
    use crate::domain::{ErrorClass, Interval, Side};
    use crate::signals::testing::{START, ask, candle, frame, frames, hour};

    /// A volume that differs a little from bar to bar.
    fn wiggle(n: i64) -> f64 {
        100.0 + (n * 37 % 23) as f64
    }

    /// The hour that ends at `hour(n)`: twelve five-minute bars; `volume` gives each bar's.
    fn hour_frame(n: i64, volume: impl Fn(i64) -> f64) -> Frame {
        let mut f = frame("ETH/USD", hour(n), 10.0);
        let start = hour(n - 1);
        f.source_bars = (0..12)
            .map(|k| candle("ETH/USD", Interval::M5, start.plus(k * 5 * MINUTE_MS), 10.0, volume(k), Some(20)))
            .collect();
        let total: f64 = (0..12).map(volume).sum();
        f.bar = candle("ETH/USD", Interval::H1, start, 10.0, total, Some(240));
        f
    }

    fn tell(brain: &mut Whale, f: Frame) -> WhaleReading {
        let at = f.at;
        let question = ask(
            AgentKind::WhaleDetector,
            Request::DetectWhales,
            at,
            vec![Message::CollectorToTechnical(frames(vec![f]))],
        );
        let reply = brain.handle(&question).expect("an answer");
        assert_eq!(reply.used, ["CollectorToTechnical"]);
        assert!(reply.messages.is_empty());
        let Finding::Whales(readings) = reply.finding else { panic!("not a whale finding") };
        readings[0].clone()
    }

    fn seasoned(hours: i64) -> Whale {
        let mut brain = Whale::new(WhaleSettings::default());
        for n in 1..=hours {
            tell(&mut brain, hour_frame(n, |k| wiggle(n * 12 + k)));
        }
        brain
    }

    #[test]
    fn a_whale_is_seen_and_measured_against_the_past_only() {
        let mut brain = seasoned(24 * 7);
        let n = 24 * 7 + 1;
        let calm = tell(&mut brain.clone(), hour_frame(n, |k| wiggle(n * 12 + k)));
        assert!(calm.volume_z.expect("a z").abs() < 3.0);
        assert!(!calm.alert);

        let whale = hour_frame(n, |k| if k == 5 { 5_000.0 } else { wiggle(n * 12 + k) });
        let reading = tell(&mut brain, whale.clone());
        let reference: Vec<f64> =
            (0..7).flat_map(|d| (0..12).map(move |k| (10.0 * wiggle((d * 24 + 1) * 12 + k)).ln())).collect();
        let expected = Spread::of(&reference).expect("a sample").z(50_000_f64.ln()).expect("a z");
        assert_eq!(reading.volume_z, Some(expected), "exactly the 84 bars of this hour on the seven days before");
        assert!(reading.alert && expected > 6.0);
        assert_eq!(reading.impact, Some(0.0));
        assert_eq!(reading.basis, "candle volume (no trade tape recorded)");
        assert_eq!(tell(&mut brain, whale), reading, "asked again, it says the same");
    }

    #[test]
    fn a_large_bar_that_is_little_of_its_hour_is_no_alert() {
        let mut brain = Whale::new(WhaleSettings { alert_share: 0.5, ..WhaleSettings::default() });
        for n in 1..=24 * 7 {
            tell(&mut brain, hour_frame(n, |k| wiggle(n * 12 + k)));
        }
        let reading = tell(&mut brain, hour_frame(24 * 7 + 1, |_| 5_000.0));
        assert!(reading.volume_z.expect("a z") > 6.0);
        assert!(!reading.alert);
    }

    #[test]
    fn too_little_past_or_no_spread_is_no_value() {
        let mut young = seasoned(24 * 3);
        let reading = tell(&mut young, hour_frame(24 * 3 + 1, |_| 5_000.0));
        assert_eq!((reading.volume_z, reading.trade_size_z, reading.alert), (None, None, false));
        assert_eq!(reading.note.as_deref(), Some("36 of 42 observations of this hour of the day"));

        let mut flat = Whale::new(WhaleSettings::default());
        for n in 1..=24 * 7 {
            tell(&mut flat, hour_frame(n, |_| 50.0));
        }
        let reading = tell(&mut flat, hour_frame(24 * 7 + 1, |_| 5_000.0));
        assert_eq!((reading.volume_z, reading.alert), (None, false));
        assert!(reading.note.expect("a reason").contains("MAD 0"));

        let reading = tell(&mut flat, hour_frame(24 * 7 + 2, |_| 0.0));
        assert_eq!(reading.note.as_deref(), Some("nothing was traded in this hour"));
    }

    #[test]
    fn hourly_bars_are_measured_against_the_hours_beside_them_too() {
        let mut brain = Whale::new(WhaleSettings::default());
        let bar = |n: i64, volume: f64, trades: Option<u64>| {
            let mut f = frame("BTC/USD", hour(n), 10.0);
            f.bar = candle("BTC/USD", Interval::H1, hour(n - 1), 10.0, volume, trades);
            f.source_bars = vec![f.bar.clone()];
            f
        };
        for n in 1..=24 * 7 {
            tell(&mut brain, bar(n, wiggle(n), Some(50)));
        }
        let reading = tell(&mut brain, bar(24 * 7 + 1, 9_000.0, Some(50)));
        let expected: Vec<f64> = (1..=24 * 7_i64)
            .filter(|n| matches!((n - 1).rem_euclid(24), 23 | 0 | 1))
            .map(|n| (10.0 * wiggle(n)).ln())
            .collect();
        assert_eq!(expected.len(), 21);
        assert_eq!(reading.volume_z, Spread::of(&expected).and_then(|s| s.z(90_000_f64.ln())));
        assert!(reading.trade_size_z.is_some() && reading.alert);

        let uncounted = tell(&mut brain, bar(24 * 7 + 2, 9_000.0, None));
        assert!(uncounted.volume_z.is_some() && uncounted.trade_size_z.is_none());
    }

    /// The same hour with all of its trades, of which `quote` is the largest order.
    fn with_order(mut f: Frame, quote: f64, threshold: Option<f64>) -> Frame {
        let parent = Parent {
            side: Side::Sell,
            begin: f.bar.open_time,
            end: f.bar.open_time,
            prints: 3,
            qty: quote / 10.0,
            quote,
            first_price: 10.0,
            last_price: 9.9,
        };
        let trades = TradeFlow {
            quote_volume: 10.0 * f.bar.volume.to_f64(),
            largest_parent: Some(parent),
            threshold,
            whole: true,
            ..TradeFlow::default()
        };
        let (trades_fault, book_fault) = (None, Some("0 of 12 bars of the hour".to_owned()));
        f.flow =
            Some(FlowHour { bars: 12, bars_expected: 12, trades: Some(trades), book: None, trades_fault, book_fault });
        f
    }

    #[test]
    fn where_all_trades_are_there_the_alert_rests_on_orders() {
        let mut brain = Whale::new(WhaleSettings::default());
        let calm = |n: i64| hour_frame(n, |k| wiggle(n * 12 + k));
        let first = tell(&mut brain, with_order(calm(1), 50.0, None));
        assert_eq!((first.basis.as_str(), first.order.is_some(), first.alert), (FEW_TRADES, true, false));
        for n in 2..=24 * 7 {
            tell(&mut brain, with_order(calm(n), wiggle(n), None));
        }
        let n = 24 * 7 + 1;
        let whale = with_order(calm(n), 5_000.0, None);
        let reading = tell(&mut brain.clone(), whale);
        let order = reading.order.expect("an order");
        assert!(order.z.is_some_and(|z| z > 6.0) && reading.alert, "{reading:?}");
        assert_eq!((reading.basis.as_str(), reading.impact), (ON_TRADES, Some((9.9_f64 / 10.0).ln())));
        assert!(reading.volume_z.is_some_and(|z| z < 6.0), "no candle shows it");
        for (threshold, alert) in [(600.0, true), (800.0, false)] {
            let young = &mut Whale::new(WhaleSettings::default());
            let reading = tell(young, with_order(calm(n), 700.0, Some(threshold)));
            assert_eq!((reading.basis.as_str(), reading.alert), (ON_TRADES, alert), "threshold {threshold}");
        }

        let mut partial = with_order(calm(n), 5_000.0, Some(600.0));
        partial.flow.as_mut().expect("flow").trades_fault = Some("trades are missing at 1 place".to_owned());
        let reading = tell(&mut brain, partial);
        assert_eq!((reading.basis.as_str(), reading.order, reading.alert), (SOME_TRADES, None, false));
    }

    #[test]
    fn the_state_does_not_outgrow_the_window() {
        let brain = seasoned(24 * 20);
        assert!(brain.seen.values().all(|seen| seen.len() <= 24 * 12 * 7 + 12));
    }

    #[test]
    fn a_foreign_request_is_refused() {
        let question = ask(AgentKind::WhaleDetector, Request::AnalyzeSentiment, START, vec![]);
        let mut brain = Whale::new(WhaleSettings::default());
        assert_eq!(brain.handle(&question).map_err(|e| e.class), Err(ErrorClass::System));
    }
}
