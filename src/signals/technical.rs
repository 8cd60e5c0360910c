//! Technical: what the indicators of a pair say together.

use std::collections::BTreeMap;

use super::{TILT, TRUST_FLOOR, foreign_request, mark, sign};
use crate::domain::event::Brain;
use crate::domain::message::{PeerHealth, PerPair, WorkStatus};
use crate::domain::{
    AgentKind, Ask, BrainError, Finding, Frame, Indicators, Message, Pair, Reply, Request, TechnicalReading, UtcMs,
};

/// Wilder's levels of the ADX: a trend above the first, none below the second.
const ADX_TREND: f64 = 25.0;
const ADX_RANGE: f64 = 20.0;
/// Values at which a vote is full: MACD histogram in ATR, RSI and MFI from 50, z-score of the close, Chaikin money flow.
const FULL_MACD: f64 = 0.25;
const FULL_RSI: f64 = 25.0;
const FULL_MFI: f64 = 30.0;
const FULL_Z: f64 = 2.0;
const FULL_CMF: f64 = 0.25;
/// Share of the score that full sentiment of the opposite sign takes away.
const SENTIMENT_PULL: f64 = 0.5;

/// The brain of the Technical agent. It keeps no state: a reading depends on one frame and one inbox.
#[derive(Debug, Clone, Default)]
pub struct Technical;

/// What the neighbours said before this question.
#[derive(Default)]
struct Context<'a> {
    sentiment: BTreeMap<&'a Pair, f64>,
    expected: BTreeMap<&'a Pair, f64>,
    weights: BTreeMap<&'a Pair, f64>,
    risk_factor: Option<f64>,
    health: Option<PeerHealth>,
    used: Vec<String>,
}

impl Technical {
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Brain for Technical {
    fn kind(&self) -> AgentKind {
        AgentKind::Technical
    }

    fn handle(&mut self, ask: &Ask) -> Result<Reply, BrainError> {
        if ask.request != Request::CalculateTechnical {
            return Err(foreign_request(ask, "calculate technical indicators"));
        }
        let context = Context::read(&ask.inbox);
        let frames: &[Frame] = ask.frames().map_or(&[], |f| f.as_slice());
        let readings: Vec<TechnicalReading> = frames.iter().map(|f| read(f, ask.at, &context)).collect();
        let messages = messages(&readings, &context);
        Ok(Reply {
            cycle: ask.cycle,
            from: AgentKind::Technical,
            finding: Finding::Technical(readings),
            messages,
            used: context.used,
        })
    }
}

impl<'a> Context<'a> {
    fn read(inbox: &'a [Message]) -> Self {
        let mut context = Self::default();
        for message in inbox {
            match message {
                Message::CollectorToTechnical(_) => {}
                Message::SentimentToTechnical(scores) => {
                    context.sentiment = scores.iter().filter_map(|(p, s)| Some((p, (*s)?))).collect();
                }
                Message::PredictorToTechnical(expected) => {
                    context.expected = expected.iter().map(|(p, r)| (p, *r)).collect()
                }
                Message::RiskToTechnical(factor) => context.risk_factor = Some(*factor),
                Message::OptimizerToTechnical(weights) => {
                    context.weights = weights.iter().map(|(p, w)| (p, *w)).collect()
                }
                Message::HealthToTechnical(health) => context.health = Some(*health),
                _ => continue,
            }
            mark(&mut context.used, message);
        }
        context
    }

    /// Whether the Health Monitor grades this agent too low to move money.
    fn distrusted(&self) -> bool {
        self.health.is_some_and(|h| h.score.is_nan() || h.score < TRUST_FLOOR)
    }

    /// Score after risk and sentiment: `score × factor × (1 − ½·|sentiment|)`, the last only where the signs differ. Both factors lie in
    /// `0..=1`, so the result has the sign of the score, or none, and is never larger; a factor that is no number counts as 0.
    fn temper(&self, pair: &Pair, score: f64) -> f64 {
        let risk = self.risk_factor.map_or(1.0, |f| if f.is_nan() { 0.0 } else { f.clamp(0.0, 1.0) });
        let against = self.sentiment.get(pair).filter(|s| **s * score < 0.0).map_or(0.0, |s| s.abs().min(1.0));
        score * risk * (1.0 - SENTIMENT_PULL * against)
    }

    /// What a reader should know beside the numbers.
    fn notes(&self, frame: &Frame, score: Option<f64>) -> Vec<String> {
        let pair = &frame.pair;
        let mut notes = Vec::new();
        if let Some(score) = score {
            if let Some(s) = self.sentiment.get(pair).filter(|s| **s * score < 0.0) {
                notes.push(format!("sentiment {s:+.2} disagrees"));
            }
            if let Some(f) = self.risk_factor.filter(|f| f.is_nan() || *f < 1.0) {
                notes.push(format!("risk is reduced to {f:.2}"));
            }
            if let Some(expected) = self.expected.get(pair).filter(|r| **r != 0.0 && score != 0.0) {
                let word = if sign(*expected) == sign(score) { "agrees" } else { "disagrees" };
                notes.push(format!("the prediction ({:+.2} %) {word}", 100.0 * expected.exp_m1()));
            }
        }
        if let Some(w) = self.weights.get(pair).filter(|w| **w != 0.0) {
            notes.push(format!("{:.1} % of the book is in it", 100.0 * w));
        }
        if frame.quality.outlier {
            notes.push("the close is an outlier that nothing has confirmed yet".to_owned());
        }
        notes
    }
}

fn read(frame: &Frame, at: UtcMs, context: &Context<'_>) -> TechnicalReading {
    let votes = votes(frame);
    let missing = missing(&frame.indicators);
    let score = if missing.is_some() || votes.is_empty() {
        None
    } else {
        Some(votes.iter().map(|(_, v)| v).sum::<f64>() / votes.len() as f64)
    };
    let mut notes: Vec<String> = missing.map(|name| reason(name, frame)).into_iter().collect();
    notes.extend(context.notes(frame, score));
    TechnicalReading {
        pair: frame.pair.clone(),
        at,
        score,
        votes,
        tempered: score.map(|s| context.temper(&frame.pair, s)),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    }
}

/// The first required indicator that has no value.
fn missing(i: &Indicators) -> Option<&'static str> {
    [("EMA200", finite(i.ema200)), ("ADX14", finite(i.adx14))]
        .into_iter()
        .find(|(_, v)| v.is_none())
        .map(|(name, _)| name)
}

fn reason(name: &str, frame: &Frame) -> String {
    format!("{name} is not filled: {} hourly bars since the last hole", frame.quality.bars_since_hole)
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite())
}

/// The votes that the frame's indicators allow, in a fixed order, each in −1..=1.
fn votes(frame: &Frame) -> Vec<(String, f64)> {
    let i = &frame.indicators;
    let close = frame.bar.close.to_f64();
    [
        ("trend", trend(i, close)),
        ("directional", directional(i)),
        ("momentum", mean([macd(i), oscillator(i.rsi14, FULL_RSI)])),
        ("bands", bands(i)),
        ("volume", mean([finite(i.cmf20).map(|c| c / FULL_CMF), oscillator(i.mfi14, FULL_MFI)])),
        ("breakout", breakout(i, close)),
        ("supertrend", i.supertrend_up.map(|up| if up { 1.0 } else { -1.0 })),
    ]
    .into_iter()
    .filter_map(|(name, vote)| Some((name.to_owned(), finite(vote)?.clamp(-1.0, 1.0))))
    .collect()
}

/// Close against EMA50, and EMA50 against EMA200: half a vote each.
fn trend(i: &Indicators, close: f64) -> Option<f64> {
    let (fast, slow) = (finite(i.ema50)?, finite(i.ema200)?);
    Some(f64::midpoint(sign(close - fast), sign(fast - slow)))
}

/// Direction of movement (Wilder 1978), as strong as the ADX says.
fn directional(i: &Indicators) -> Option<f64> {
    let (plus, minus, adx) = (finite(i.plus_di14)?, finite(i.minus_di14)?, finite(i.adx14)?);
    let all = plus + minus;
    (all > 0.0).then(|| (plus - minus) / all * (adx / ADX_TREND).clamp(0.0, 1.0))
}

fn macd(i: &Indicators) -> Option<f64> {
    let (histogram, atr) = (finite(i.macd_histogram)?, finite(i.atr14)?);
    (atr > 0.0).then(|| histogram / atr / FULL_MACD)
}

/// RSI or MFI around 50. An exact 0 is left out: the kernels say 0 both when all movement is down and when nothing moved at all.
fn oscillator(value: Option<f64>, full: f64) -> Option<f64> {
    finite(value).filter(|v| *v != 0.0).map(|v| (v - 50.0) / full)
}

/// Return to the mean, only in a market without a trend.
fn bands(i: &Indicators) -> Option<f64> {
    finite(i.adx14).filter(|adx| *adx < ADX_RANGE)?;
    finite(i.z20).map(|z| -z / FULL_Z).or_else(|| finite(i.percent_b).map(|b| 1.0 - 2.0 * b))
}

/// Close beyond the channel of the 20 bars before.
fn breakout(i: &Indicators, close: f64) -> Option<f64> {
    let (upper, lower) = (finite(i.donchian_upper)?, finite(i.donchian_lower)?);
    Some(if close > upper {
        1.0
    } else if close < lower {
        -1.0
    } else {
        0.0
    })
}

/// Mean of the parts that have a value, each bounded first.
fn mean(parts: [Option<f64>; 2]) -> Option<f64> {
    let known: Vec<f64> = parts.into_iter().filter_map(finite).map(|v| v.clamp(-1.0, 1.0)).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

fn messages(readings: &[TechnicalReading], context: &Context<'_>) -> Vec<Message> {
    fn per_pair<T>(readings: &[TechnicalReading], value: impl Fn(&TechnicalReading) -> T) -> PerPair<T> {
        readings.iter().map(|r| (r.pair.clone(), value(r))).collect()
    }
    let distrusted = context.distrusted();
    let tilt = |r: &TechnicalReading| r.tempered.filter(|_| !distrusted).map_or(1.0, |t| 1.0 + TILT * t);
    let judged = readings.iter().filter(|r| r.score.is_some()).count();
    let mut note = if readings.is_empty() {
        "no market data in this cycle".to_owned()
    } else {
        format!("{judged} of {} pairs judged", readings.len())
    };
    if distrusted {
        note.push_str("; graded too low to tilt the allocation");
    }
    vec![
        Message::TechnicalToPredictor(per_pair(readings, |r| r.score)),
        Message::TechnicalToRisk(per_pair(readings, |r| r.tempered)),
        Message::TechnicalToOptimizer(per_pair(readings, tilt)),
        Message::TechnicalToHealth(WorkStatus { judged: judged as u32, given: readings.len() as u32, note }),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{AgentState, ErrorClass};
    use crate::signals::testing::{START, ask, frame, frames, hour, pair};

    fn rising() -> Indicators {
        Indicators {
            ema50: Some(95.0),
            ema200: Some(90.0),
            atr14: Some(2.0),
            adx14: Some(30.0),
            plus_di14: Some(30.0),
            minus_di14: Some(10.0),
            rsi14: Some(62.5),
            macd_histogram: Some(0.25),
            percent_b: Some(0.9),
            z20: Some(1.6),
            mfi14: Some(65.0),
            cmf20: Some(0.125),
            donchian_upper: Some(99.0),
            donchian_lower: Some(80.0),
            supertrend_up: Some(true),
            ..Indicators::default()
        }
    }

    fn answer(indicators: Indicators, close: f64, mut more: Vec<Message>) -> (TechnicalReading, Reply) {
        let mut f = frame("BTC/USD", START, close);
        f.indicators = indicators;
        more.insert(0, Message::CollectorToTechnical(frames(vec![f])));
        let question = ask(AgentKind::Technical, Request::CalculateTechnical, START, more);
        let reply = Technical::new().handle(&question).expect("an answer");
        let Finding::Technical(readings) = &reply.finding else { panic!("not a technical finding") };
        (readings[0].clone(), reply)
    }

    #[test]
    fn each_vote_has_the_value_its_definition_gives() {
        let (reading, _) = answer(rising(), 100.0, vec![]);
        let votes: BTreeMap<_, _> = reading.votes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        assert_eq!(votes["trend"], 1.0);
        assert_eq!(votes["directional"], 0.5, "(30 − 10) / 40, full above an ADX of 25");
        assert_eq!(votes["momentum"], 0.5, "histogram 0.125 ATR of 0.25, RSI 12.5 of 25");
        assert!(!votes.contains_key("bands"), "no return to the mean in a trend");
        assert_eq!(votes["volume"], 0.5, "CMF 0.125 of 0.25, MFI 15 of 30");
        assert_eq!((votes["breakout"], votes["supertrend"]), (1.0, 1.0));
        let score = reading.score.expect("a score");
        assert!((score - (1.0 + 0.5 + 0.5 + 0.5 + 1.0 + 1.0) / 6.0).abs() < 1e-12);
        assert_eq!(reading.tempered, Some(score), "nobody spoke against it");

        let (quiet, _) = answer(Indicators { adx14: Some(15.0), ..rising() }, 98.0, vec![]);
        let votes: BTreeMap<_, _> = quiet.votes.iter().map(|(n, v)| (n.as_str(), *v)).collect();
        assert_eq!(votes["bands"], -0.8);
        assert_eq!(votes["directional"], 0.5 * 0.6);
        assert_eq!(votes["breakout"], 0.0);
    }

    #[test]
    fn a_market_that_stands_still_is_not_a_falling_one() {
        let flat = Indicators {
            ema50: Some(100.0),
            ema200: Some(100.0),
            atr14: Some(0.0),
            adx14: Some(0.0),
            plus_di14: Some(0.0),
            minus_di14: Some(0.0),
            rsi14: Some(0.0),
            macd_histogram: Some(0.0),
            mfi14: Some(0.0),
            cmf20: Some(0.0),
            donchian_upper: Some(100.0),
            donchian_lower: Some(100.0),
            ..Indicators::default()
        };
        assert_eq!(answer(flat, 100.0, vec![]).0.score, Some(0.0));
    }

    #[test]
    fn without_the_slow_indicators_there_is_no_score_but_a_reason() {
        for (indicators, name) in [
            (Indicators { ema200: None, ..rising() }, "EMA200"),
            (Indicators { adx14: None, ..rising() }, "ADX14"),
            (Indicators { adx14: Some(f64::NAN), ..rising() }, "ADX14"),
            (Indicators::default(), "EMA200"),
        ] {
            let (reading, reply) = answer(indicators, 100.0, vec![]);
            assert_eq!((reading.score, reading.tempered), (None, None));
            assert!(reading.note.expect("a reason").starts_with(name));
            assert!(reply.messages.contains(&Message::TechnicalToRisk(vec![(pair("BTC/USD"), None)])));
            assert!(reply.messages.contains(&Message::TechnicalToOptimizer(vec![(pair("BTC/USD"), 1.0)])));
        }
    }

    #[test]
    fn neighbours_are_heard_and_named() {
        let btc = pair("BTC/USD");
        let health = PeerHealth { state: AgentState::Running, errors: 0, score: 0.9 };
        let inbox = vec![
            Message::SentimentToTechnical(vec![(btc.clone(), Some(-0.5))]),
            Message::PredictorToTechnical(vec![(btc.clone(), 0.02)]),
            Message::RiskToTechnical(0.5),
            Message::OptimizerToTechnical(vec![(btc.clone(), 0.12)]),
            Message::HealthToTechnical(health),
            Message::HealthToRisk(1.0),
        ];
        let (reading, reply) = answer(rising(), 100.0, inbox);
        let score = reading.score.expect("a score");
        let tempered = reading.tempered.expect("a tempered score");
        assert!((tempered - score * 0.5 * 0.75).abs() < 1e-12);
        let note = reading.note.expect("notes");
        for words in ["sentiment -0.50 disagrees", "reduced to 0.50", "(+2.02 %) agrees", "12.0 % of the book"] {
            assert!(note.contains(words), "{note}");
        }
        let names = ["CollectorToTechnical", "SentimentToTechnical", "PredictorToTechnical", "RiskToTechnical"];
        let more = ["OptimizerToTechnical", "HealthToTechnical"];
        assert_eq!(reply.used, names.iter().chain(&more).map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert!(reply.messages.contains(&Message::TechnicalToPredictor(vec![(btc.clone(), Some(score))])));
        assert!(reply.messages.contains(&Message::TechnicalToRisk(vec![(btc.clone(), Some(tempered))])));
        assert!(reply.messages.contains(&Message::TechnicalToOptimizer(vec![(btc.clone(), 1.0 + 0.1 * tempered)])));

        let poor = PeerHealth { score: 0.2, ..health };
        let (_, reply) = answer(rising(), 100.0, vec![Message::HealthToTechnical(poor)]);
        assert!(reply.messages.contains(&Message::TechnicalToOptimizer(vec![(btc, 1.0)])), "no tilt from an ill agent");
    }

    #[test]
    fn all_four_messages_go_out_even_without_data() {
        let question = ask(AgentKind::Technical, Request::CalculateTechnical, hour(1), vec![]);
        let reply = Technical::new().handle(&question).expect("an answer");
        assert_eq!(reply.messages.len(), 4);
        assert!(reply.used.is_empty());
    }

    #[test]
    fn a_foreign_request_is_refused() {
        let question = ask(AgentKind::Technical, Request::DetectWhales, START, vec![]);
        assert_eq!(Technical::new().handle(&question).map_err(|e| e.class), Err(ErrorClass::System));
    }

    proptest! {
        #[test]
        fn tempering_never_strengthens(
            values in prop::array::uniform8(prop::option::of(-200.0..200.0_f64)),
            close in 1.0..200.0_f64,
            sentiment in prop::option::of(-2.0..2.0_f64),
            factor in prop::option::of(prop_oneof![-1.0..2.0_f64, Just(f64::NAN)]),
        ) {
            let [ema50, rsi14, macd_histogram, z20, mfi14, cmf20, plus_di14, minus_di14] = values;
            let indicators =
                Indicators { ema50, rsi14, macd_histogram, z20, mfi14, cmf20, plus_di14, minus_di14, adx14: Some(18.0), ..rising() };
            let mut inbox = vec![Message::SentimentToTechnical(vec![(pair("BTC/USD"), sentiment)])];
            inbox.extend(factor.map(Message::RiskToTechnical));
            let (reading, reply) = answer(indicators, close, inbox);
            let (score, tempered) = (reading.score.expect("a score"), reading.tempered.expect("a tempered score"));
            prop_assert!((-1.0..=1.0).contains(&score));
            prop_assert!(reading.votes.iter().all(|(_, v)| (-1.0..=1.0).contains(v)));
            prop_assert!(tempered.abs() <= score.abs() && tempered * score >= 0.0);
            for message in &reply.messages {
                if let Message::TechnicalToOptimizer(tilts) = message {
                    prop_assert!(tilts.iter().all(|(_, t)| (0.9..=1.1).contains(t)));
                }
            }
        }
    }
}
