//! One signal through the stations, and the rule that a pair is entered once.

use std::cmp::Ordering;

use super::RiskManager;
use super::inbox::Inbox;
use crate::decision::check::check;
use crate::decision::gate::{confidence_gate, expectancy};
use crate::decision::risk::{self, RiskContext, risk_check, sentiment_check};
use crate::decision::router::{self, Strategy};
use crate::decision::sizing::{self, SizingInput, Waterfall, liquidity_cap, position_size};
use crate::decision::strategies::Setup;
use crate::decision::wording::percent;
use crate::domain::decision::{BlockReason, Station, TraceStep};
use crate::domain::event::{Candidate, RiskRequest};
use crate::domain::frame::Frame;
use crate::domain::reading::Prediction;
use crate::domain::settings::PipelineSettings;
use crate::domain::time::{HOUR_MS, MINUTE_MS};

impl RiskManager {
    /// The whole path of one signal.
    pub(super) fn judge(
        &self,
        prediction: &Prediction,
        request: &RiskRequest,
        inbox: &Inbox<'_>,
        context: &RiskContext<'_>,
    ) -> Candidate {
        let frame = inbox.frame(&prediction.pair);
        let regime = self.regime(&prediction.pair);
        let strategy = router::route(&regime);

        let mut steps = data_check(prediction, frame, inbox, &self.settings.pipeline);
        let gate = confidence_gate(prediction, &self.settings.gate);
        let gate_open = gate.iter().all(|s| s.passed);
        steps.extend(gate);
        steps.push(router::regime_check(&regime, &self.settings.regime));
        if let Some(strategy) = strategy {
            let setup = Setup {
                close: frame.map(|f| f.bar.close.to_f64()),
                indicators: frame.map(|f| f.indicators).unwrap_or_default(),
                plan: &prediction.plan,
                technical: inbox.technical(request, frame, &prediction.pair),
            };
            steps.extend(router::confirm(strategy, &setup));
        }
        let mut waterfall = self.size(prediction, strategy, frame, request);
        if gate_open {
            // Kelly needs the evidence that a closed gate found wanting: a size of 0 is then no second reason.
            steps.push(sizing_step(&waterfall));
        }
        let check = risk_check(&request.main, &prediction.pair, waterfall.fraction(), context);
        waterfall.cap("free exposure", Some(check.free), format!("≤ {} of equity still free", percent(check.free)));
        steps.extend(check.steps);
        let (dispersion, answered) = inbox.dispersion(&prediction.pair);
        steps.push(sentiment_check(dispersion, answered));

        let passed = steps.iter().all(|s| s.passed);
        let mut candidate = Candidate {
            prediction: prediction.clone(),
            regime,
            strategy: strategy.map_or("none", Strategy::as_str).to_owned(),
            steps,
            fraction: if passed { waterfall.fraction() } else { 0.0 },
            sizing: waterfall.steps,
            shadow_fraction: 0.0,
        };
        if candidate.trace(&[]).only_gate_blocks() {
            self.shadow(&mut candidate, frame, request, context);
        }
        candidate
    }

    fn size(
        &self,
        prediction: &Prediction,
        strategy: Option<Strategy>,
        frame: Option<&Frame>,
        request: &RiskRequest,
    ) -> Waterfall {
        let main = &request.main;
        let open = main.state.positions.keys().filter(|pair| **pair != prediction.pair);
        let correlations: Vec<_> = open.map(|pair| self.panel.correlation(&prediction.pair, pair)).collect();
        let input = SizingInput {
            prediction,
            strategy,
            sigma24: frame.and_then(|f| f.indicators.sigma24),
            volume24: frame.and_then(|f| f.indicators.volume24),
            close: frame.map(|f| f.bar.close.to_f64()),
            equity: main.equity.to_f64(),
            drawdown: main.drawdown,
            size_factor: risk::size_factor(main.drawdown, &self.settings.risk),
            correlations: &correlations,
        };
        position_size(&input, &self.settings.sizing, &self.settings.risk)
    }

    /// The shadow account's share of what only the gate blocked: fixed, because Kelly has no evidence to work with there,
    /// and under the same limits as the main account's.
    fn shadow(
        &self,
        candidate: &mut Candidate,
        frame: Option<&Frame>,
        request: &RiskRequest,
        context: &RiskContext<'_>,
    ) {
        let view = &request.shadow;
        let pair = &candidate.prediction.pair;
        let wanted = self.settings.sizing.shadow_fraction;
        // What the Portfolio Optimizer left free is said of the main account only.
        let check = risk_check(view, pair, wanted, &RiskContext { free_exposure: None, ..*context });
        let liquid = liquidity_cap(
            self.settings.sizing.volume_share_max,
            frame.and_then(|f| f.indicators.volume24),
            frame.map(|f| f.bar.close.to_f64()),
            view.equity.to_f64(),
        );
        if check.passed() {
            candidate.shadow_fraction = wanted.min(check.free).min(liquid.unwrap_or(0.0)).max(0.0);
        }
        let refusals: Vec<String> = check
            .steps
            .iter()
            .filter(|s| !s.passed)
            .map(|s| {
                let value = s.value.map_or_else(|| "no value".to_owned(), |v| format!("{v:.4}"));
                format!("{} {value}, must be {}", s.name, s.rule)
            })
            .chain(liquid.is_none().then(|| "no 24 h volume known".to_owned()))
            .collect();
        if let Some(last) = candidate.steps.last_mut().filter(|_| !refusals.is_empty()) {
            let refused = format!("shadow account refused: {}", refusals.join("; "));
            last.note = Some(last.note.take().map_or_else(|| refused.clone(), |note| format!("{note}; {refused}")));
        }
    }
}

fn sizing_step(waterfall: &sizing::Waterfall) -> TraceStep {
    let fraction = Some(waterfall.fraction());
    check(Station::Sizing, "position size", fraction, "> 0 % of equity", |v| v > 0.0, BlockReason::ZeroSize)
}

/// Whether the data behind the signal are complete, fresh and of one piece.
fn data_check(
    prediction: &Prediction,
    frame: Option<&Frame>,
    inbox: &Inbox<'_>,
    settings: &PipelineSettings,
) -> Vec<TraceStep> {
    let quality = frame.map(|f| &f.quality);
    let complete = check(
        Station::Data,
        "data complete",
        quality.map(|q| f64::from(q.bars_since_hole)),
        "every feature has a value (value: bars since the last hole)",
        |_| quality.is_some_and(|q| q.complete),
        BlockReason::DataIncomplete,
    );
    let complete = match (quality, quality.and_then(|q| q.note.clone())) {
        (None, _) => complete.with_note("no frame of the pair in this cycle"),
        (Some(_), Some(note)) => complete.with_note(note),
        (Some(_), None) => complete,
    };
    let limit = age_limit_minutes(quality.map_or(0, |q| q.source_bars_expected), settings);
    let age = check(
        Station::Data,
        "data age",
        quality.map(|q| q.age_ms as f64 / MINUTE_MS as f64),
        format!("≤ {limit} min"),
        |v| (0.0..=limit).contains(&v),
        BlockReason::DataStale,
    );
    let outlier = check(
        Station::Data,
        "unconfirmed outlier",
        quality.map(|q| f64::from(u8::from(q.outlier))),
        "0",
        |v| v == 0.0,
        BlockReason::DataIncomplete,
    );
    vec![complete, age, outlier, of_this_bar(prediction, frame), as_told(prediction, inbox)]
}

/// As long as a silence still counts as a quiet market in the pair's own source bars, and at most half an hour.
fn age_limit_minutes(source_bars_per_hour: u32, settings: &PipelineSettings) -> f64 {
    let bar = if source_bars_per_hour == 0 { 0 } else { HOUR_MS / i64::from(source_bars_per_hour) };
    let quiet = i64::from(settings.quiet_bars_max).saturating_mul(bar).min(HOUR_MS / 2);
    quiet as f64 / MINUTE_MS as f64
}

fn of_this_bar(prediction: &Prediction, frame: Option<&Frame>) -> TraceStep {
    let apart = frame.map(|f| f.at.since(prediction.at) as f64 / MINUTE_MS as f64);
    let rule = "0 min old at the decision bar";
    check(Station::Data, "prediction age", apart, rule, |v| v == 0.0, BlockReason::DataStale)
}

fn as_told(prediction: &Prediction, inbox: &Inbox<'_>) -> TraceStep {
    let confidence = Some(prediction.confidence.get());
    let same = inbox.confirms(prediction);
    let rule = "the confidence and spread that the ML Predictor told the Risk Manager";
    let step = check(Station::Data, "prediction as told", confidence, rule, |_| same, BlockReason::DataIncomplete);
    if same { step } else { step.with_note("the prediction and the ML Predictor's own message differ") }
}

/// At most one candidate per pair keeps its share in an account: the one with the highest expectancy, of equals the one with
/// the shorter horizon. The others are told that the pair is taken.
pub(super) fn one_entry_per_pair(candidates: &mut [Candidate]) {
    keep_best(candidates, |c| &mut c.fraction);
    keep_best(candidates, |c| &mut c.shadow_fraction);
}

fn keep_best(candidates: &mut [Candidate], share: fn(&mut Candidate) -> &mut f64) {
    let mut wanting: Vec<usize> = Vec::new();
    for (i, candidate) in candidates.iter_mut().enumerate() {
        if *share(candidate) > 0.0 {
            wanting.push(i);
        }
    }
    wanting.sort_by(|a, b| match (candidates.get(*a), candidates.get(*b)) {
        (Some(a), Some(b)) => expectancy(&b.prediction)
            .total_cmp(&expectancy(&a.prediction))
            .then(a.prediction.horizon.cmp(&b.prediction.horizon)),
        _ => Ordering::Equal,
    });
    let mut taken = Vec::new();
    for i in wanting {
        let Some(candidate) = candidates.get_mut(i) else { continue };
        let pair = candidate.prediction.pair.clone();
        match taken.iter().find(|(p, _)| *p == pair) {
            None => taken.push((pair, candidate.prediction.horizon)),
            Some((_, horizon)) => {
                *share(candidate) = 0.0;
                let step = TraceStep::new(
                    Station::Risk,
                    "one entry per pair",
                    Some(expectancy(&candidate.prediction)),
                    "the highest expectancy of the pair in this cycle",
                    false,
                    BlockReason::AlreadyInPosition,
                );
                candidate
                    .steps
                    .push(step.with_note(format!("the {horizon} signal of {} is taken", candidate.prediction.pair)));
            }
        }
    }
}
