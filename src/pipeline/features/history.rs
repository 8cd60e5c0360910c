//! Recorded hours of several pairs, and the panel run over them.

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
    /// From candles of one length as a source delivered them, oldest first, through the same checks and the same alignment as live data. `None`
    /// unless whole candles fill an hour.
    #[must_use]
    pub fn of_candles(
        pair: &Pair,
        source: Interval,
        rows: impl IntoIterator<Item = RawCandle>,
        settings: &PipelineSettings,
    ) -> Option<Self> {
        let mut validator = Validator::new(std::slice::from_ref(pair), settings);
        let mut aligner = HourAligner::new(source, settings.quiet_bars_max)?;
        let mut closed: Vec<ClosedHour> = Vec::new();
        let mut newest = None;
        for row in rows {
            let known = row.open_time.plus(row.interval.ms());
            if let Ok(candle) = validator.check(&row, known) {
                aligner.push(candle, &mut closed);
                newest = Some(known);
            }
        }
        if let Some(newest) = newest {
            aligner.advance(newest, &mut closed);
        }
        let hour = |hour: ClosedHour| {
            let bar = hour.candle.as_ref().filter(|_| hour.fault.is_none()).map(Bar::from);
            Hour { end: hour.end, bar, flow: None }
        };
        Some(Self { pair: pair.clone(), hours: closed.into_iter().map(hour).collect() })
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

/// Runs a panel over histories, hour by hour. `each` is called after every hour, with its end and the places of the pairs that have a bar in it.
pub fn replay(
    set: &Arc<FeatureSet>,
    settings: &PipelineSettings,
    histories: &[History],
    mut each: impl FnMut(UtcMs, &Panel, &[usize]),
) {
    let pairs: Vec<Pair> = histories.iter().map(|h| h.pair.clone()).collect();
    let mut panel = Panel::new(Arc::clone(set), &pairs, settings);
    let mut next = vec![0_usize; histories.len()];
    let mut present = Vec::with_capacity(histories.len());
    let at = |history: &History, place: usize| history.hours.get(place).map(|hour| hour.end);
    while let Some(end) = histories.iter().zip(&next).filter_map(|(h, place)| at(h, *place)).min() {
        present.clear();
        for (i, (history, place)) in histories.iter().zip(&mut next).enumerate() {
            let Some(hour) = history.hours.get(*place).filter(|hour| hour.end == end) else {
                // A pair whose hours are over, or have not begun, is not there; one between two of its hours has a hole.
                panel.hole(i);
                continue;
            };
            *place += 1;
            match &hour.bar {
                Some(bar) => {
                    panel.take(i, bar, hour.flow.as_ref());
                    present.push(i);
                }
                None => panel.hole(i),
            }
        }
        panel.close();
        each(end, &panel, &present);
    }
}
