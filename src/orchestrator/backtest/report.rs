//! The report of a backtest: what it did, what it cost, how sure that is, and what anyone could have done instead.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::benchmarks::Benchmarks;
use super::curves::{Curve, Performance};
use super::{Models, Plan, Run, Training};
use crate::domain::account::AccountId;
use crate::domain::money::Money;
use crate::domain::order::{Fill, Outcome, Side};
use crate::domain::pair::Pair;
use crate::domain::plan::Horizon;
use crate::domain::time::{DAY_MS, UtcMs};
use crate::ml::overfit::{Track, backtest_overfitting};
use crate::ml::trials::{Deflated, Ledger, Trial};
use crate::orchestrator::{OrchestratorError, Summary, training_cost};

/// Runs of the cross-validation behind the probability of overfitting.
const CSCV_BLOCKS: usize = 16;

/// What one account paid and earned, in the quote currency.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Attribution {
    /// What closed trades would have come to at the prices that the decisions saw, without fees.
    pub alpha: Money,
    pub fees: Money,
    /// Fills against the prices that the decisions saw: spread, impact and the way of the price until the fill. Positive costs.
    pub slippage: Money,
    /// Closed trades, net: alpha less fees and slippage.
    pub net: Money,
}

/// Closed trades of a kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Group {
    pub name: String,
    pub trades: u64,
    pub won: u64,
    pub net: Money,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Account {
    pub performance: Performance,
    /// Mean of gross exposure over all hours.
    pub mean_exposure: Option<f64>,
    pub attribution: Attribution,
    pub by_end: Vec<Group>,
    pub by_pair: Vec<Group>,
    pub by_horizon: Vec<Group>,
    /// Return per month.
    pub months: BTreeMap<String, f64>,
}

/// How likely the main account's result is luck.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Luck {
    /// Backtests on record, this one among them; none that never traded.
    pub configurations: usize,
    /// Sharpe ratio per hour that the best of as many worthless ones would be expected to show.
    pub benchmark: f64,
    /// Probability that the true Sharpe ratio is above it.
    pub deflated_sharpe: f64,
}

/// Everything that the report says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub label: String,
    pub pairs: Vec<Pair>,
    pub left_out: Vec<String>,
    pub from: UtcMs,
    pub to: UtcMs,
    /// How the models came about.
    pub models: String,
    pub trainings: Vec<Training>,
    /// Costs were left out: the figures are not what a trader would have got.
    pub without_costs: bool,
    /// One side of a trade at the market in the lowest tier, as a share of the notional.
    pub side_cost: f64,
    pub main: Account,
    pub shadow: Account,
    pub benchmarks: Vec<Performance>,
    /// `None` where the main account never traded: then there is nothing that could be luck.
    pub luck: Option<Luck>,
    /// Probability that choosing the best of accounts and benchmarks by one half of the time picks one at or below the median in the other.
    pub overfitting: Option<f64>,
    pub summary: Summary,
    #[serde(skip)]
    pub curves: Vec<Curve>,
    #[serde(skip)]
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Draws the report up. Nothing is entered in a ledger.
    ///
    /// # Errors
    /// When history from before the test cannot be read.
    pub fn of(plan: &Plan<'_>, run: Run) -> Result<Self, OrchestratorError> {
        let side_cost = training_cost(&plan.settings.core, plan.from) / 2.0;
        let paper = &plan.settings.core.paper;
        let without_costs = paper.taker_fee == Some(0.0) && paper.spread_bps == 0.0 && paper.impact_y == 0.0;
        let hours: Vec<UtcMs> = run.hours.iter().map(|h| h.at).collect();
        let earlier = daily(plan)?;
        let benchmarks = Benchmarks { hours: &hours, closes: &run.closes, earlier: &earlier, side_cost }.all();
        let main = Curve { name: "main".to_owned(), points: run.hours.iter().map(|h| (h.at, h.main)).collect() };
        let shadow = Curve { name: "shadow".to_owned(), points: run.hours.iter().map(|h| (h.at, h.shadow)).collect() };
        let account = |id: AccountId, curve: &Curve, exposures: Vec<f64>| account(&run, id, curve, &exposures);
        let first = account(AccountId::Main, &main, run.hours.iter().map(|h| h.main_exposure).collect());
        let second = account(AccountId::Shadow, &shadow, run.hours.iter().map(|h| h.shadow_exposure).collect());
        let mut curves = vec![main, shadow];
        curves.extend(benchmarks);
        Ok(Self {
            label: run.summary.source.clone(),
            pairs: run.closes.keys().cloned().collect(),
            left_out: plan.market.left_out.clone(),
            from: plan.from,
            to: hours.last().copied().unwrap_or(plan.from),
            models: match plan.models {
                Models::InForce => "those in force, trained before the test".to_owned(),
                Models::WalkForward { days: 0 } => "trained once, before the test".to_owned(),
                Models::WalkForward { days } => format!("trained before the test and again every {days} days"),
            },
            trainings: run.trainings,
            without_costs,
            side_cost,
            main: first,
            shadow: second,
            benchmarks: curves.iter().skip(2).map(Curve::performance).collect(),
            luck: None,
            overfitting: overfitting(&curves),
            summary: run.summary,
            curves,
            outcomes: run.outcomes,
        })
    }

    /// The main account as a trial; `None` when it never moved.
    #[must_use]
    pub fn trial(&self, configuration: String, at: UtcMs) -> Option<Trial> {
        let returns = self.curves.first().and_then(Curve::returns)?;
        let track = Track::of(&returns).filter(Track::is_sound)?;
        let horizon = Horizon(1);
        Some(Trial { at, configuration, horizon, from: self.from, to: self.to, track, hold_out: false })
    }

    /// What the ledger makes of the trial, which it must hold already.
    pub fn deflate(&mut self, ledger: &Ledger, trial: &Trial) {
        let told = ledger.deflated_sharpe(&trial.track, &[]);
        self.luck = told.map(|Deflated { configurations, benchmark, probability, .. }| Luck {
            configurations,
            benchmark,
            deflated_sharpe: probability,
        });
    }
}

/// Daily closes of the time before the test.
fn daily(plan: &Plan<'_>) -> Result<BTreeMap<Pair, Vec<f64>>, OrchestratorError> {
    let day = |open: UtcMs, length: i64| open.plus(length).0.rem_euclid(DAY_MS) == 0;
    let closes = |(pair, rows): (Pair, Vec<crate::domain::RawCandle>)| {
        let ends = rows.iter().filter(|r| day(r.open_time, r.interval.ms())).map(|r| r.close).collect();
        (pair, ends)
    };
    Ok(plan.market.history(plan.from)?.into_iter().map(closes).collect())
}

fn account(run: &Run, id: AccountId, curve: &Curve, exposures: &[f64]) -> Account {
    let outcomes: Vec<&Outcome> = run.outcomes.iter().filter(|o| o.account == id).collect();
    let fills: Vec<&Fill> = run.fills.iter().filter(|f| f.account == id).collect();
    let hours = exposures.len() as f64;
    Account {
        performance: curve.performance(),
        mean_exposure: (!exposures.is_empty()).then(|| exposures.iter().sum::<f64>() / hours),
        attribution: attribution(&outcomes, &fills),
        by_end: grouped(&outcomes, |o| o.ended_by.as_str().to_owned()),
        by_pair: grouped(&outcomes, |o| o.pair.to_string()),
        by_horizon: grouped(&outcomes, |o| o.horizon.to_string()),
        months: curve.months(),
    }
}

fn attribution(outcomes: &[&Outcome], fills: &[&Fill]) -> Attribution {
    // An exit has a decision of its own; what belongs to a trade is found by pair and time.
    let closed =
        |fill: &&&Fill| outcomes.iter().any(|o| o.pair == fill.pair && (o.opened..=o.closed).contains(&fill.at));
    let paid = |fill: &&Fill| {
        let worse = fill.price.get() - fill.reference.get();
        let signed = if fill.side == Side::Buy { worse } else { -worse };
        signed * fill.qty.get()
    };
    let slippage = Money(fills.iter().filter(closed).map(paid).sum::<Decimal>());
    let fees: Money = outcomes.iter().map(|o| o.fees).sum();
    let net: Money = outcomes.iter().map(|o| o.pnl).sum();
    Attribution { alpha: net + fees + slippage, fees, slippage, net }
}

fn grouped(outcomes: &[&Outcome], key: impl Fn(&Outcome) -> String) -> Vec<Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for outcome in outcomes {
        let name = key(outcome);
        let group = groups.entry(name.clone()).or_insert_with(|| Group { name, ..Group::default() });
        group.trades += 1;
        group.won += u64::from(outcome.pnl > Money::ZERO);
        group.net += outcome.pnl;
    }
    groups.into_values().collect()
}

fn overfitting(curves: &[Curve]) -> Option<f64> {
    let returns: Vec<Vec<f64>> = curves.iter().map(Curve::returns).collect::<Option<_>>()?;
    let hours = returns.first()?.len();
    let row = |i: usize| returns.iter().map(|one| one.get(i).copied()).collect::<Option<Vec<f64>>>();
    let rows: Vec<Vec<f64>> = (0..hours).map(row).collect::<Option<_>>()?;
    backtest_overfitting(&rows, CSCV_BLOCKS).map(|found| found.pbo)
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;
    use crate::domain::decision::DecisionId;
    use crate::domain::money::{Price, Qty};
    use crate::domain::order::{Liquidity, OrderId, Purpose};
    use crate::domain::time::HOUR_MS;

    fn fill(side: Side, at: i64, price: Decimal, reference: Decimal) -> Fill {
        Fill {
            id: at as u64,
            order: OrderId(1),
            // An exit that was decided has a decision of its own.
            decision: DecisionId { session: 1, number: at as u64 },
            account: AccountId::Main,
            at: UtcMs(at * HOUR_MS),
            pair: "BTC/USD".parse().unwrap(),
            side,
            price: Price::new(price).unwrap(),
            qty: Qty::new(dec!(2)).unwrap(),
            fee: Money(dec!(0.5)),
            fee_rate: dec!(0.0025),
            liquidity: Liquidity::Taker,
            purpose: Purpose::Entry,
            reference: Price::new(reference).unwrap(),
        }
    }

    #[test]
    fn a_trade_is_attributed_to_alpha_fees_and_slippage() {
        // Seen at 100 and sold as seen at 110; filled one worse on both sides.
        let fills = [
            fill(Side::Buy, 1, dec!(101), dec!(100)),
            fill(Side::Sell, 9, dec!(109), dec!(110)),
            // Still open: no part of what was closed.
            fill(Side::Buy, 20, dec!(120), dec!(100)),
        ];
        let outcome = Outcome {
            decision: DecisionId { session: 1, number: 1 },
            account: AccountId::Main,
            pair: "BTC/USD".parse().unwrap(),
            horizon: Horizon(24),
            opened: UtcMs(HOUR_MS),
            closed: UtcMs(9 * HOUR_MS),
            entry: Price::new(dec!(101)).unwrap(),
            exit: Price::new(dec!(109)).unwrap(),
            qty: Qty::new(dec!(2)).unwrap(),
            fees: Money(dec!(1)),
            pnl: Money(dec!(15)),
            net_return: 0.0743,
            ended_by: Purpose::Target,
            confidence: 0.83,
        };
        let fills: Vec<&Fill> = fills.iter().collect();
        let found = attribution(&[&outcome], &fills);
        let expected = Attribution {
            alpha: Money(dec!(20)),
            fees: Money(dec!(1)),
            slippage: Money(dec!(4)),
            net: Money(dec!(15)),
        };
        assert_eq!(found, expected);
        let by_end = grouped(&[&outcome, &outcome], |o| o.ended_by.as_str().to_owned());
        assert_eq!(by_end, [Group { name: "target".to_owned(), trades: 2, won: 2, net: Money(dec!(30)) }]);
        assert_eq!(attribution(&[], &fills), Attribution::default());
    }

    #[test]
    fn curves_that_are_the_same_half_after_half_are_no_overfitting() {
        let rising = |name: &str, step: f64| {
            let point = |i: i64| {
                (UtcMs(i * HOUR_MS), 100.0 * (1.0 + step).powi(i as i32) * (1.0 + 0.001 * ((i * 7) % 5) as f64))
            };
            Curve { name: name.to_owned(), points: (0..200).map(point).collect() }
        };
        let curves = [rising("a", 0.002), rising("b", 0.001), rising("c", 0.0)];
        assert_eq!(overfitting(&curves), Some(0.0));
        assert_eq!(overfitting(&curves[..1]), None);
    }
}
