use rust_decimal::Decimal;

use super::*;
use crate::decision::gate::confidence_gate;
use crate::decision::specimens::{hour, pair, prediction, price};
use crate::domain::account::AccountId;
use crate::domain::decision::{BlockReason, DecisionId, DecisionTrace, SizingStep};
use crate::domain::money::{Money, Prob, Qty};
use crate::domain::order::{Liquidity, OrderId, OrderKind, Purpose, Side};
use crate::domain::reading::Contribution;
use crate::domain::reading::Regime;
use crate::domain::settings::GateSettings;

const ID: DecisionId = DecisionId { session: 1, number: 42 };

fn qty(value: &str) -> Qty {
    Qty::new(value.parse::<Decimal>().unwrap()).unwrap()
}

fn step(station: Station, name: &str, v: f64, rule: &str, passed: bool, reason: BlockReason) -> TraceStep {
    TraceStep::new(station, name, Some(v), rule, passed, reason)
}

/// A signal that only the gate blocked, at a confidence of 0.71.
fn blocked() -> Decision {
    let mut p = prediction("BTC/USD", 400, 60_000.0);
    p.confidence = Prob::new(0.71).unwrap();
    let mut steps = vec![step(
        Station::Data,
        "data complete",
        400.0,
        "every feature has a value",
        true,
        BlockReason::DataIncomplete,
    )];
    steps.extend(confidence_gate(&p, &GateSettings::default()));
    steps.push(
        step(Station::Regime, "regime", 1.3, "known", true, BlockReason::RegimeUnknown).with_note("Bull for 12 bars"),
    );
    steps.push(step(Station::Strategy, "ADX14", 25.0, "≥ 20", true, BlockReason::StrategyRejected));
    steps.push(
        step(Station::Risk, "P&L today", 0.004, "> −2 % (signed P&L)", true, BlockReason::DailyLoss)
            .with_note("a long remark that goes on and on ".repeat(6)),
    );
    Decision {
        id: ID,
        kind: DecisionKind::Entry,
        cycle: 311,
        at: hour(400),
        pair: pair("BTC/USD"),
        side: Side::Buy,
        horizon: p.horizon,
        plan: p.plan.clone(),
        confidence: 0.71,
        epistemic: p.epistemic,
        base_rate: 0.55,
        regime: Regime::Bull,
        strategy: "Bull Strategy".to_owned(),
        technical: Some(0.4),
        sentiment: None,
        whale: Some(1.25),
        model: "h24-7".to_owned(),
        fraction: 0.0,
        verdict: Verdict::Block { reason: BlockReason::LowConfidence },
        shadow_order: Some((OrderId(7), qty("0.03"))),
        account: AccountId::Main,
        trace: DecisionTrace {
            steps,
            sizing: vec![
                SizingStep { name: "Kelly".to_owned(), fraction: 2.3, note: "p 0.71".to_owned() },
                SizingStep { name: "hard cap".to_owned(), fraction: 0.1, note: "≤ 10 %".to_owned() },
            ],
            degraded: vec!["whale-detector: timed out; no whale reading".to_owned()],
            contributions: [("rsi14", 61.4, 0.4213), ("return_24", -0.018, -0.07)]
                .map(|(feature, value, log_odds)| Contribution { feature: feature.to_owned(), value, log_odds })
                .to_vec(),
        },
    }
}

fn passed() -> Decision {
    let mut d = blocked();
    d.trace.steps.retain(|s| s.passed);
    d.trace.steps.push(step(Station::Sizing, "position size", 0.1, "> 0 % of equity", true, BlockReason::ZeroSize));
    d.trace.steps.push(step(Station::Portfolio, "allocated share", 0.08, "> 0 %", true, BlockReason::NoAllocation));
    d.trace.degraded.clear();
    d.shadow_order = None;
    d.fraction = 0.08;
    d.verdict = Verdict::Pass { order: OrderId(9), qty: qty("0.13") };
    d
}

fn intent(order: u64, account: AccountId) -> Intent {
    Intent {
        order: OrderId(order),
        decision: ID,
        account,
        at: hour(400),
        pair: pair("BTC/USD"),
        side: Side::Buy,
        kind: OrderKind::Market,
        qty: qty("0.03"),
        purpose: Purpose::Entry,
        group: None,
    }
}

fn fill(order: u64, account: AccountId) -> Fill {
    Fill {
        id: 1,
        order: OrderId(order),
        decision: ID,
        account,
        at: hour(400),
        pair: pair("BTC/USD"),
        side: Side::Buy,
        price: price(60_030.0),
        qty: qty("0.03"),
        fee: Money("7.2036".parse::<Decimal>().unwrap()),
        fee_rate: "0.004".parse::<Decimal>().unwrap(),
        liquidity: Liquidity::Taker,
        purpose: Purpose::Entry,
        reference: price(60_000.0),
    }
}

fn outcome(account: AccountId, pnl: i64) -> Outcome {
    Outcome {
        decision: ID,
        account,
        pair: pair("BTC/USD"),
        horizon: crate::domain::Horizon::H24,
        opened: hour(400),
        closed: hour(410),
        entry: price(60_030.0),
        exit: price(62_400.0),
        qty: qty("0.03"),
        fees: Money("14.7".parse::<Decimal>().unwrap()),
        pnl: Money(Decimal::from(pnl)),
        net_return: 0.0314,
        ended_by: Purpose::Target,
        confidence: 0.71,
    }
}

fn has(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "no '{wanted}' in\n{text}");
}

#[test]
fn a_block_names_every_box_and_marks_the_first_reason() {
    let d = blocked();
    let text = explain(&d, &[intent(7, AccountId::Shadow)], &[], &[]);
    for wanted in [
        "Decision D1-42 · entry · BTC/USD 24h",
        "BLOCK at Confidence Gate: confidence 0.7100, must be > 0.80 (low_confidence)",
        "Signal Generated",
        "✓ Data: passed",
        "✗ Confidence Gate: No",
        "✓ Regime Check (Bull): passed",
        "✓ Bull Strategy: Confirmed",
        "· Position Sizing (Kelly + Uncertainty): no verdict of its own while the gate is closed",
        "✓ Risk Check: Pass",
        "· Portfolio Allocation: not reached",
        "Block Signal → Log Decision (low_confidence)",
        "Shadow account (not real money",
        "Model Feedback",
        "whale-detector: timed out",
        "technical +0.40 · sentiment no data · whale +1.25",
        "      Kelly                        230 %  p 0.71",
    ] {
        has(&text, wanted);
    }
    assert_eq!(text.matches("first block").count(), 1);
    assert_eq!(text.matches('▶').count(), 1);
    let marked = text.lines().find(|l| l.contains('▶')).unwrap();
    assert!(marked.contains("✗ confidence") && marked.contains("low_confidence"), "{marked}");
}

#[test]
fn every_step_of_the_trace_is_shown_with_its_value_and_rule() {
    let d = blocked();
    let text = explain(&d, &[], &[], &[]);
    for step in &d.trace.steps {
        let mark = if step.passed { "✓" } else { "✗" };
        has(&text, &format!("{mark} {} {:>11}", pad(&step.name, 22), value(step.value)));
    }
    has(&text, "≥ 0.05 over the base rate 0.550");
}

#[test]
fn a_pass_shows_orders_fills_and_outcome() {
    let text =
        explain(&passed(), &[intent(9, AccountId::Main)], &[fill(9, AccountId::Main)], &[outcome(AccountId::Main, 56)]);
    for wanted in [
        "PASS: order O9, buy 0.13 BTC (main account)",
        "✓ Confidence Gate: Yes",
        "✓ Position Sizing (Kelly + Uncertainty): passed",
        "Execute Trade → Monitor Performance",
        "8 % of equity (main account)",
        "O9 buy 0.03 at the market · entry",
        "filled 0.03 at 60030 · fee 7.20 (taker 0.4 %) · slippage +5.0 bp",
        "by target",
        "P&L +56.00 USD net · +3.14 %",
        "won at confidence 0.7100 (main account)",
    ] {
        has(&text, wanted);
    }
    assert!(!text.contains('▶') && !text.contains("Shadow account") && !text.contains("Degraded"));
}

#[test]
fn rows_of_other_decisions_are_left_out() {
    let mut other = intent(55, AccountId::Main);
    other.decision.number = 43;
    let mut lost = outcome(AccountId::Shadow, -12);
    lost.decision.number = 43;
    let text = explain(&passed(), &[other], &[], &[lost]);
    assert!(!text.contains("O55") && !text.contains("lost at"));
    has(&text, "no closed trade yet");
}

#[test]
fn a_trade_without_profit_counts_as_lost() {
    for pnl in [-12, 0] {
        let text = explain(&blocked(), &[], &[], &[outcome(AccountId::Shadow, pnl)]);
        has(&text, "lost at confidence 0.7100 (shadow account)");
    }
}

#[test]
fn an_unknown_regime_is_said_in_words() {
    let mut d = blocked();
    d.strategy = "none".to_owned();
    d.trace.steps.retain(|s| s.station != Station::Strategy);
    for s in d.trace.steps.iter_mut().filter(|s| s.station == Station::Regime) {
        (s.passed, s.value, s.reason) = (false, None, Some(BlockReason::RegimeUnknown));
    }
    let text = explain(&d, &[], &[], &[]);
    has(&text, "· Strategy: not routed, no regime is known");
    has(&text, "no value");
}

#[test]
fn an_exit_shows_its_reason_and_no_gate() {
    let mut d = passed();
    d.kind = DecisionKind::Exit;
    d.side = Side::Sell;
    d.strategy = "Bear Strategy".to_owned();
    d.trace.steps =
        vec![step(Station::Strategy, "bear confirmed", -1.4, "Bear regime", true, BlockReason::DefensiveRegime)];
    d.trace.sizing.clear();
    let text = explain(&d, &[], &[], &[]);
    has(&text, "Decision D1-42 · exit");
    has(&text, "✓ Bear Strategy: Confirmed");
    assert!(!text.contains("Confidence Gate") && !text.contains("Signal Generated"));
}

#[test]
fn no_line_is_wider_than_the_page() {
    for text in [
        explain(&blocked(), &[intent(7, AccountId::Shadow)], &[fill(7, AccountId::Shadow)], &[]),
        explain(&passed(), &[intent(9, AccountId::Main)], &[fill(9, AccountId::Main)], &[outcome(AccountId::Main, 1)]),
    ] {
        let wide: Vec<_> = text.lines().filter(|l| l.chars().count() > WIDTH).collect();
        assert!(wide.is_empty(), "{wide:#?}");
    }
}
