//! How good the market data are, pair by pair.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, known};
use crate::domain::pair::Pair;
use crate::domain::quality::{PairQuality, Quarantined};
use crate::domain::snapshot::Snapshot;

/// The data of every pair in figures, and the rows that were refused last.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct DataReport {
    context: Context,
    pairs: Vec<PairData>,
    /// Newest first.
    quarantine: Vec<Refusal>,
}

/// One pair's data.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct PairData {
    pair: String,
    /// `proven`, `catching_up`, `stale` or `quarantined`. Only with proven data is anything new entered.
    #[schema(example = "proven")]
    trust: String,
    /// Data time since which the state holds.
    since: Option<String>,
    /// What speaks against the data; null when they are proven.
    reason: Option<String>,
    /// Close of the newest source bar.
    newest: Option<String>,
    /// Share of the bars of the last 24 hours that are there; null before there could be any.
    completeness_24h: Option<f64>,
    holes: u64,
    rejected: u64,
    outliers: Outliers,
}

/// What became of outliers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Outliers {
    flagged: u64,
    confirmed: u64,
    contradicted: u64,
    /// No second source spoke, and the market went on.
    settled: u64,
}

/// A refused row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Refusal {
    #[schema(example = "candle")]
    kind: String,
    #[schema(example = "off_grid")]
    reason: String,
    pair: String,
    venue: String,
    source: String,
    known_time: Option<String>,
    /// As it was received, as JSON.
    row: String,
}

impl PairData {
    pub(in crate::services) fn of(q: &PairQuality) -> Self {
        let o = q.outliers;
        Self {
            pair: q.pair.to_string(),
            trust: q.trust.state.as_str().to_owned(),
            since: known(q.trust.since),
            reason: q.trust.reason.clone(),
            newest: q.newest.and_then(known),
            completeness_24h: q.completeness(),
            holes: q.holes,
            rejected: q.rejected,
            outliers: Outliers {
                flagged: o.flagged,
                confirmed: o.confirmed,
                contradicted: o.contradicted,
                settled: o.settled,
            },
        }
    }
}

impl Refusal {
    fn of(q: &Quarantined) -> Self {
        Self {
            kind: q.kind.as_str().to_owned(),
            reason: q.reason.as_str().to_owned(),
            pair: q.pair.clone(),
            venue: q.venue.clone(),
            source: q.source.clone(),
            known_time: known(q.known_time),
            row: q.row.clone(),
        }
    }
}

impl DataReport {
    pub(in crate::services) fn of(s: &Snapshot, pair: Option<&Pair>, limit: usize) -> Self {
        let wanted = |name: &str| pair.is_none_or(|pair| pair.as_str() == name);
        let pairs = s.pipeline.pairs.iter().filter(|q| wanted(q.pair.as_str()));
        let refused = s.pipeline.quarantine.iter().rev().filter(|q| wanted(&q.pair));
        Self {
            context: Context::of(s),
            pairs: pairs.map(PairData::of).collect(),
            quarantine: refused.take(limit).map(Refusal::of).collect(),
        }
    }
}
