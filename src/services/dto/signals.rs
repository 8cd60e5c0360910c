//! What the agents say of each pair.

use serde::Serialize;
use utoipa::ToSchema;

use super::decisions::Plan;
use super::{Context, known};
use crate::domain::pair::Pair;
use crate::domain::reading;
use crate::domain::snapshot::{PairView, Snapshot};

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Signals {
    context: Context,
    /// The confidence gate: a signal must be strictly above it.
    gate: f64,
    pairs: Vec<PairSignals>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct PairSignals {
    pair: String,
    venue: String,
    last: Option<String>,
    last_at: Option<String>,
    /// Change over 24 hours, as a share.
    change_24h: Option<f64>,
    /// Whether the newest frame was complete, and why not.
    complete: bool,
    data_note: Option<String>,
    stale: bool,
    regime: Option<Regime>,
    technical: Option<Technical>,
    sentiment: Option<Sentiment>,
    whale: Option<Whale>,
    predictions: Vec<Prediction>,
    /// Why a horizon has no prediction.
    no_predictions: Vec<NoPrediction>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Regime {
    /// `Bull`, `Bear`, `Sideways`; null before the window is filled.
    regime: Option<String>,
    z: Option<f64>,
    /// Bars in this state.
    bars: u32,
    /// Waits for confirmation.
    pending: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Technical {
    at: String,
    /// −1 to 1.
    score: Option<f64>,
    tempered: Option<f64>,
    votes: Vec<Vote>,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Vote {
    name: String,
    value: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Sentiment {
    at: String,
    /// −1 to 1; null without enough news.
    score: Option<f64>,
    n_eff: f64,
    dispersion: Option<f64>,
    texts: u32,
    engine: String,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Whale {
    at: String,
    volume_z: Option<f64>,
    trade_size_z: Option<f64>,
    impact: Option<f64>,
    /// The hour's largest order, where all of its trades are recorded.
    order: Option<WhaleOrder>,
    alert: bool,
    basis: String,
    note: Option<String>,
}

/// Trades of one side that followed each other closely: most likely one order.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct WhaleOrder {
    #[schema(example = "buy")]
    side: String,
    trades: u32,
    /// Quote units, and as a share of the hour's.
    quote: f64,
    share: Option<f64>,
    /// Against the largest orders of this hour of the day over seven days.
    z: Option<f64>,
    /// Quote units that an order exceeds once in a thousand.
    threshold: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Prediction {
    at: String,
    #[schema(example = "24h")]
    horizon: String,
    model: String,
    /// Calibrated probability that the plan ends with a profit after costs.
    confidence: f64,
    base_rate: f64,
    epistemic: f64,
    epistemic_limit: f64,
    aleatoric: f64,
    /// Log return over the horizon, and its 80 % interval.
    expected_return: f64,
    interval_low: f64,
    interval_high: f64,
    plan: Plan,
    inputs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct NoPrediction {
    horizon: String,
    reason: String,
}

impl Signals {
    pub(in crate::services) fn of(s: &Snapshot, pair: Option<&Pair>, limit: usize) -> Self {
        let wanted = s.pairs.iter().filter(|v| pair.is_none_or(|p| v.pair == *p));
        Self { context: Context::of(s), gate: s.gate, pairs: wanted.take(limit).map(PairSignals::of).collect() }
    }
}

impl PairSignals {
    fn of(v: &PairView) -> Self {
        let none =
            |n: &reading::NoPrediction| NoPrediction { horizon: n.horizon.to_string(), reason: n.reason.clone() };
        Self {
            pair: v.pair.to_string(),
            venue: v.venue.to_string(),
            last: v.last.map(|p| p.to_string()),
            last_at: v.last_at.and_then(known),
            change_24h: v.change_24h,
            complete: v.complete,
            data_note: v.data_note.clone(),
            stale: v.stale,
            regime: v.regime.as_ref().map(Regime::of),
            technical: v.technical.as_ref().map(Technical::of),
            sentiment: v.sentiment.as_ref().map(Sentiment::of),
            whale: v.whale.as_ref().map(Whale::of),
            predictions: v.predictions.iter().map(Prediction::of).collect(),
            no_predictions: v.no_predictions.iter().map(none).collect(),
        }
    }
}

impl Regime {
    fn of(r: &reading::RegimeReading) -> Self {
        Self {
            regime: r.z.map(|_| r.regime.as_str().to_owned()),
            z: r.z,
            bars: r.bars,
            pending: r.pending.map(|p| p.as_str().to_owned()),
        }
    }
}

impl Technical {
    fn of(t: &reading::TechnicalReading) -> Self {
        Self {
            at: t.at.to_string(),
            score: t.score,
            tempered: t.tempered,
            votes: t.votes.iter().map(|(name, value)| Vote { name: name.clone(), value: *value }).collect(),
            note: t.note.clone(),
        }
    }
}

impl Sentiment {
    fn of(s: &reading::SentimentReading) -> Self {
        Self {
            at: s.at.to_string(),
            score: s.score,
            n_eff: s.n_eff,
            dispersion: s.dispersion,
            texts: s.texts,
            engine: s.engine.clone(),
            note: s.note.clone(),
        }
    }
}

impl Whale {
    fn of(w: &reading::WhaleReading) -> Self {
        Self {
            at: w.at.to_string(),
            volume_z: w.volume_z,
            trade_size_z: w.trade_size_z,
            impact: w.impact,
            order: w.order.as_ref().map(WhaleOrder::of),
            alert: w.alert,
            basis: w.basis.clone(),
            note: w.note.clone(),
        }
    }
}

impl WhaleOrder {
    fn of(o: &reading::WhaleOrder) -> Self {
        Self {
            side: o.side.as_str().to_owned(),
            trades: o.prints,
            quote: o.quote,
            share: o.share,
            z: o.z,
            threshold: o.threshold,
        }
    }
}

impl Prediction {
    fn of(p: &reading::Prediction) -> Self {
        Self {
            at: p.at.to_string(),
            horizon: p.horizon.to_string(),
            model: p.model.clone(),
            confidence: p.confidence.get(),
            base_rate: p.base_rate.get(),
            epistemic: p.epistemic,
            epistemic_limit: p.epistemic_limit,
            aleatoric: p.aleatoric,
            expected_return: p.expected_return,
            interval_low: p.interval.0,
            interval_high: p.interval.1,
            plan: Plan::of(&p.plan),
            inputs: p.inputs.clone(),
        }
    }
}
