//! Recorded hours of several pairs, and the panel run over them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use super::panel::Panel;
use super::set::FeatureSet;
use crate::domain::flow::FlowHour;
use crate::domain::settings::PipelineSettings;
use crate::domain::{Bar, Interval, Pair, RawCandle, UtcMs};
use crate::pipeline::align::{ClosedHour, HourAligner};
use crate::pipeline::validate::Validator;

/// The hours of one pair, oldest first; hours before its first bar and after its last are not among them.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    pub pair: Pair,
    pub hours: Vec<Hour>,
}

/// One hour of a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Hour {
    /// The first instant after it: its values are known from here on.
    pub end: UtcMs,
    /// `None` for a hole: every window begins anew after it.
    pub bar: Option<Bar>,
    pub flow: Option<FlowHour>,
}

impl History {
    /// All hours of these candles, as [`CandleHours`] gives them. `None` unless whole candles fill an hour.
    #[must_use]
    pub fn of_candles(
        pair: &Pair,
        source: Interval,
        rows: impl IntoIterator<Item = RawCandle>,
        settings: &PipelineSettings,
    ) -> Option<Self> {
        let rows = rows.into_iter().map(Ok::<_, Infallible>);
        let hours = CandleHours::new(pair.clone(), source, rows, settings)?.map(|Ok(hour)| hour);
        Some(Self { pair: pair.clone(), hours: hours.collect() })
    }

    /// The hours that end by `until`.
    #[must_use]
    pub fn up_to(&self, until: UtcMs) -> Self {
        let known = self.hours.partition_point(|hour| hour.end <= until);
        Self { pair: self.pair.clone(), hours: self.hours.iter().take(known).cloned().collect() }
    }

    /// The hours that end after `from`.
    #[must_use]
    pub fn after(&self, from: UtcMs) -> Self {
        let before = self.hours.partition_point(|hour| hour.end <= from);
        Self { pair: self.pair.clone(), hours: self.hours.iter().skip(before).cloned().collect() }
    }
}

/// The hours of candles of one length as a source delivers them, oldest first, through the same checks and the same alignment as live data. It ends
/// with the first error of the source. In memory are the candles of one hour.
#[derive(Debug)]
pub struct CandleHours<I> {
    pair: Pair,
    /// `None` when they are over.
    rows: Option<I>,
    validator: Validator,
    aligner: HourAligner,
    /// The end of the newest candle.
    newest: Option<UtcMs>,
    closed: Vec<ClosedHour>,
    ready: VecDeque<Hour>,
    refused: u64,
}

impl<I> CandleHours<I> {
    /// `None` unless whole candles fill an hour.
    #[must_use]
    pub fn new(pair: Pair, source: Interval, rows: I, settings: &PipelineSettings) -> Option<Self> {
        Some(Self {
            validator: Validator::new(std::slice::from_ref(&pair), settings),
            aligner: HourAligner::new(source, settings.quiet_bars_max)?,
            pair,
            rows: Some(rows),
            newest: None,
            closed: Vec::new(),
            ready: VecDeque::new(),
            refused: 0,
        })
    }

    #[must_use]
    pub const fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Candles that were not as they have to be, so far.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn take(&mut self, row: &RawCandle) {
        let known = row.open_time.plus(row.interval.ms());
        match self.validator.check(row, known) {
            Ok(candle) => {
                self.aligner.push(candle, &mut self.closed);
                self.newest = Some(known);
            }
            Err(_) => self.refused += 1,
        }
    }

    fn hand_over(&mut self) {
        self.ready.extend(self.closed.drain(..).map(|hour| {
            let bar = hour.candle.as_ref().filter(|_| hour.fault.is_none()).map(Bar::from);
            Hour { end: hour.end, bar, flow: None }
        }));
    }
}

impl<I: Iterator<Item = Result<RawCandle, E>>, E> Iterator for CandleHours<I> {
    type Item = Result<Hour, E>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            match self.rows.as_mut()?.next() {
                Some(Ok(row)) => self.take(&row),
                Some(Err(error)) => {
                    self.rows = None;
                    return Some(Err(error));
                }
                None => {
                    self.rows = None;
                    self.aligner.advance(self.newest?, &mut self.closed);
                }
            }
            self.hand_over();
        }
        self.ready.pop_front().map(Ok)
    }
}

/// Runs a panel over histories, hour by hour. `each` is called after every hour, with its end and the places of the pairs that have a bar in it.
pub fn replay(
    set: &Arc<FeatureSet>,
    settings: &PipelineSettings,
    histories: &[History],
    mut each: impl FnMut(UtcMs, &Panel, &[usize]),
) {
    let pairs: Vec<Pair> = histories.iter().map(|h| h.pair.clone()).collect();
    let mut streams: Vec<_> = histories.iter().map(|h| h.hours.iter().cloned().map(Ok::<_, Infallible>)).collect();
    let Ok(()) = replay_streams(set, settings, &pairs, &mut streams, |end, panel, present| {
        each(end, panel, present);
        Ok(())
    });
}

/// [`replay`] over hours that are read one by one, a stream for each of `pairs`; it ends with the first error of a stream or of `each`.
///
/// # Errors
/// What a stream or `each` says.
pub fn replay_streams<E>(
    set: &Arc<FeatureSet>,
    settings: &PipelineSettings,
    pairs: &[Pair],
    streams: &mut [impl Iterator<Item = Result<Hour, E>>],
    mut each: impl FnMut(UtcMs, &Panel, &[usize]) -> Result<(), E>,
) -> Result<(), E> {
    let mut panel = Panel::new(Arc::clone(set), pairs, settings);
    let mut next: Vec<Option<Hour>> = streams.iter_mut().map(|s| s.next().transpose()).collect::<Result<_, _>>()?;
    let mut present = Vec::with_capacity(streams.len());
    while let Some(end) = next.iter().flatten().map(|hour| hour.end).min() {
        present.clear();
        for (i, (stream, next)) in streams.iter_mut().zip(&mut next).enumerate() {
            let Some(hour) = next.take_if(|hour| hour.end == end) else {
                // A pair whose hours are over, or have not begun, is not there; one between two of its hours has a hole.
                panel.hole(i);
                continue;
            };
            *next = stream.next().transpose()?;
            match &hour.bar {
                Some(bar) => {
                    panel.take(i, bar, hour.flow.as_ref());
                    present.push(i);
                }
                None => panel.hole(i),
            }
        }
        panel.close();
        each(end, &panel, &present)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Venue;
    use crate::domain::time::MINUTE_MS;

    fn candle(slot: i64) -> RawCandle {
        RawCandle {
            pair: "BTC/USD".parse().unwrap(),
            venue: Venue::Kraken,
            interval: Interval(30),
            open_time: UtcMs(slot * 30 * MINUTE_MS),
            open: 10.0,
            high: 12.0,
            low: 9.0,
            close: 11.0,
            volume: 1.0,
            trades: None,
        }
    }

    fn hours(
        rows: Vec<Result<RawCandle, &'static str>>,
    ) -> CandleHours<std::vec::IntoIter<Result<RawCandle, &'static str>>> {
        let pair = "BTC/USD".parse().unwrap();
        CandleHours::new(pair, Interval(30), rows.into_iter(), &PipelineSettings::default()).unwrap()
    }

    #[test]
    fn refused_candles_are_counted_and_left_out() {
        let wrong = RawCandle { high: 1.0, ..candle(1) };
        let mut hours = hours([candle(0), wrong, candle(2), candle(3)].map(Ok).to_vec());
        let ends: Vec<_> = hours.by_ref().map(|hour| hour.map(|h| (h.end.0 / MINUTE_MS, h.bar.is_some()))).collect();
        assert_eq!(ends, [Ok((60, true)), Ok((120, true))], "one silent half hour is a quiet market");
        assert_eq!(hours.refused(), 1);
    }

    #[test]
    fn an_error_of_the_source_ends_it() {
        let rows = vec![Ok(candle(0)), Ok(candle(1)), Ok(candle(2)), Err("gone"), Ok(candle(3))];
        let told: Vec<_> = hours(rows).map(|hour| hour.map(|h| h.end.0 / MINUTE_MS)).collect();
        assert_eq!(told, [Ok(60), Err("gone")]);
    }
}
