//! Real data, damaged on purpose and by seed: every kind of damage is found, and clean data raise no alarm. The kinds stand in [`kinds`].

mod candles;
mod clean;
mod kinds;
mod other;

use std::collections::BTreeMap;

use cryptosmarttrader::domain::event::{MarketUpdate, RawBatch};
use cryptosmarttrader::domain::quality::{Evidence, TrustState};
use cryptosmarttrader::domain::settings::PipelineSettings;
use cryptosmarttrader::domain::{Interval, Pair, RawCandle, RejectReason, UtcMs};
use cryptosmarttrader::pipeline::Collector;

/// What arrives at one instant.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub at: UtcMs,
    pub rows: Vec<RawCandle>,
    pub evidence: Evidence,
}

/// What the pipeline told, and when.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    pub refused: Vec<(UtcMs, RejectReason)>,
    /// States other than proven and catching up, with their reasons, from when they were entered.
    pub blocked: Vec<(UtcMs, TrustState, String)>,
    pub holes: Vec<UtcMs>,
    /// Hours whose frame was complete: what decisions may rest on.
    pub complete: Vec<UtcMs>,
}

/// Feeds one pair's deliveries to a collector.
pub fn watch(pair: &Pair, price_decimals: u32, deliveries: &[Delivery]) -> (Report, Vec<MarketUpdate>) {
    let decimals = BTreeMap::from([(pair.clone(), price_decimals)]);
    let universe = [(pair.clone(), Interval::M5)];
    let mut collector = Collector::new(&universe, &PipelineSettings::default()).knowing_decimals(&decimals);
    let mut report = Report::default();
    let mut updates = Vec::new();
    for delivery in deliveries {
        let batch = RawBatch {
            at: delivery.at,
            rows: delivery.rows.clone(),
            evidence: delivery.evidence.clone(),
            ..RawBatch::default()
        };
        let update = collector.ingest(&batch);
        report.note(&update);
        updates.push(update);
    }
    (report, updates)
}

impl Report {
    fn note(&mut self, update: &MarketUpdate) {
        let at = update.at;
        self.refused.extend(update.quarantined.iter().map(|q| (at, q.reason)));
        self.holes.extend(update.holes.iter().map(|_| at));
        self.complete.extend(update.frames.iter().filter(|f| f.quality.complete).map(|f| f.at));
        let trust = update.quality.iter().flat_map(|pairs| pairs.iter()).map(|q| &q.trust);
        for trust in trust.filter(|t| t.state >= TrustState::Stale) {
            self.blocked.push((at, trust.state, trust.reason.clone().unwrap_or_default()));
        }
    }
}
