//! Sound specimens of what the room takes in; a test spoils the one thing it is about.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::domain::account::{AccountId, AccountState, Position};
use crate::domain::decision::DecisionId;
use crate::domain::event::{AccountView, RiskRequest};
use crate::domain::feature::FeatureRow;
use crate::domain::frame::{DataQuality, Frame, Indicators};
use crate::domain::market::Candle;
use crate::domain::money::{Money, Price, Prob, Qty};
use crate::domain::order::Side;
use crate::domain::pair::{Interval, Pair, Venue};
use crate::domain::plan::{Horizon, TradePlan};
use crate::domain::reading::{GateEvidence, Prediction, TechnicalReading};
use crate::domain::time::{HOUR_MS, UtcMs};

pub(crate) fn pair(name: &str) -> Pair {
    name.parse().unwrap()
}

pub(crate) const fn hour(n: i64) -> UtcMs {
    UtcMs(n * HOUR_MS)
}

pub(crate) fn price(value: f64) -> Price {
    Price::from_f64(value).unwrap()
}

/// A complete frame at the close of hour `n`, with indicators that confirm a bull.
pub(crate) fn frame(name: &str, n: i64, close: f64) -> Frame {
    let bar = Candle {
        pair: pair(name),
        venue: Venue::Kraken,
        interval: Interval::H1,
        open_time: hour(n - 1),
        open: price(close),
        high: price(close),
        low: price(close),
        close: price(close),
        volume: Qty::new(Decimal::from(1_000)).unwrap(),
        trades: Some(100),
    };
    Frame {
        pair: pair(name),
        at: hour(n),
        bar,
        features: FeatureRow::empty(),
        indicators: bull_indicators(close),
        quality: DataQuality {
            complete: true,
            source_bars: 12,
            source_bars_expected: 12,
            bars_since_hole: n as u32,
            age_ms: 0,
            outlier: false,
            note: None,
        },
        source_bars: Vec::new(),
        flow: None,
    }
}

/// close > EMA50 > EMA200 and everything else the bull strategy asks for.
pub(crate) fn bull_indicators(close: f64) -> Indicators {
    Indicators {
        ema50: Some(close * 0.98),
        ema200: Some(close * 0.95),
        atr14: Some(close * 0.01),
        adx14: Some(25.0),
        plus_di14: Some(30.0),
        minus_di14: Some(15.0),
        rsi14: Some(58.0),
        percent_b: Some(0.7),
        bollinger_middle: Some(close * 0.99),
        z20: Some(1.0),
        cmf20: Some(0.05),
        sigma24: Some(0.006),
        sigma168: Some(0.006),
        volume24: Some(50_000.0),
        half_life: None,
        ..Indicators::default()
    }
}

/// close < EMA50 < EMA200, trending down.
pub(crate) fn bear_indicators(close: f64) -> Indicators {
    Indicators {
        ema50: Some(close * 1.02),
        ema200: Some(close * 1.05),
        plus_di14: Some(12.0),
        minus_di14: Some(30.0),
        ..bull_indicators(close)
    }
}

/// A quiet range with the price at its low.
pub(crate) fn range_indicators(close: f64) -> Indicators {
    Indicators {
        adx14: Some(15.0),
        percent_b: Some(0.02),
        rsi14: Some(27.0),
        half_life: Some(12.0),
        bollinger_middle: Some(close * 1.05),
        ..bull_indicators(close)
    }
}

/// A 24 h prediction made at hour `n` that every clause of the gate lets through.
pub(crate) fn prediction(name: &str, n: i64, entry: f64) -> Prediction {
    Prediction {
        pair: pair(name),
        at: hour(n),
        horizon: Horizon::H24,
        model: "test-1".to_owned(),
        plan: TradePlan {
            pair: pair(name),
            side: Side::Buy,
            horizon: Horizon::H24,
            entry: price(entry),
            stop: price(entry * 0.97),
            target: price(entry * 1.04),
            expires: hour(n + 24),
            cost: 0.006,
            win: 0.034,
            loss: 0.036,
        },
        raw: Prob::new(0.86).unwrap(),
        confidence: Prob::new(0.84).unwrap(),
        base_rate: Prob::new(0.55).unwrap(),
        epistemic: 0.03,
        epistemic_limit: 0.08,
        aleatoric: 0.366,
        expected_return: 0.012,
        interval: (-0.01, 0.03),
        band: (-0.009, 0.029),
        unit: 0.02,
        evidence: GateEvidence {
            n: 300,
            n_eff: 80.0,
            hit_rate: Some(0.82),
            hit_rate_lower: Some(0.76),
            mean_net: Some(0.014),
            mean_net_lower: Some(0.006),
        },
        ece: 0.03,
        ece_se: 0.01,
        calibrator: None,
        drift: crate::domain::drift::DriftAction::None,
        contributions: Vec::new(),
        inputs: vec!["candles".to_owned()],
    }
}

pub(crate) fn technical(name: &str, n: i64, tempered: Option<f64>) -> TechnicalReading {
    TechnicalReading { pair: pair(name), at: hour(n), score: tempered, votes: Vec::new(), tempered, note: None }
}

/// An account with 100,000 of equity, no positions and no losses.
pub(crate) fn account(id: AccountId) -> AccountView {
    let cash = Money(Decimal::from(100_000));
    AccountView {
        state: AccountState {
            id,
            initial_cash: cash,
            cash,
            positions: BTreeMap::new(),
            orders: Vec::new(),
            realised: Money::ZERO,
            fees: Money::ZERO,
            fills: 0,
            orders_total: 0,
            trades_closed: 0,
            trades_won: 0,
            consecutive_losses: 0,
            last_loss: None,
            peak_equity: cash,
            max_drawdown: 0.0,
            day: UtcMs(0),
            day_start_equity: cash,
            week_equity: vec![(UtcMs(0), cash)],
            next_fill: 1,
        },
        marks: Vec::new(),
        equity: cash,
        day_pnl: Money::ZERO,
        week_pnl: Money::ZERO,
        drawdown: 0.0,
        exposure: 0.0,
    }
}

/// Puts a position of `qty` at `entry` into the account; its exposure counts at the entry price.
pub(crate) fn hold(view: &mut AccountView, name: &str, qty: i64, entry: f64) {
    let plan = prediction(name, 1, entry).plan;
    let position = Position {
        pair: pair(name),
        qty: Qty::new(Decimal::from(qty)).unwrap(),
        entry: price(entry),
        entry_fees: Money::ZERO,
        opened: hour(1),
        decision: DecisionId { session: 1, number: 1 },
        horizon: plan.horizon,
        plan,
        confidence: 0.84,
        group: 1,
        closed: crate::domain::ClosedPart::default(),
    };
    view.state.positions.insert(pair(name), position);
    view.marks.push((pair(name), price(entry)));
    view.exposure += qty as f64 * entry / view.equity.to_f64();
}

pub(crate) fn risk_request() -> RiskRequest {
    RiskRequest {
        warmup: false,
        predictions: Vec::new(),
        technical: Vec::new(),
        sentiment: Vec::new(),
        whales: Vec::new(),
        main: account(AccountId::Main),
        shadow: account(AccountId::Shadow),
        halted: None,
        degraded: Vec::new(),
        recent_orders: 0,
    }
}
