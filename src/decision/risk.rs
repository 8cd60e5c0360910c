//! Risk Check: the account's limits, as breakers that stand between a sized signal and its order.
//!
//! P&L is signed throughout: only a loss can trip a loss limit. All checks are about new entries; nothing here is asked before an
//! exit. Shares are of the account's equity at current prices; an account without equity passes nothing.

use super::check::{check, known};
use super::wording::percent;
use crate::domain::decision::{BlockReason, Station, TraceStep};
use crate::domain::event::{AccountView, LimitUse};
use crate::domain::message::RiskUse;
use crate::domain::money::Money;
use crate::domain::order::Purpose;
use crate::domain::pair::Pair;
use crate::domain::settings::RiskSettings;
use crate::domain::time::{HOUR_MS, UtcMs};

/// Weighted sd of the texts' scores (−1..=1) above which the news of a pair is split: evenly spread opinions have 0.58,
/// two equal camps at the ends have 1.
pub const SPLIT_NEWS: f64 = 0.6;

/// Name of the health floor among the limits in use.
const HEALTH_LIMIT: &str = "system health (floor)";

/// What the checks need besides the account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskContext<'a> {
    pub settings: &'a RiskSettings,
    /// Data time.
    pub at: UtcMs,
    /// Why new entries are forbidden, if they are.
    pub halted: Option<&'a str>,
    /// The system's health score, where it is known and recent.
    pub health: Option<f64>,
    /// Orders of the last minute of data time.
    pub recent_orders: u32,
    /// Exposure that the Portfolio Optimizer last left free, for the account it speaks of.
    pub free_exposure: Option<f64>,
}

/// The verdict on one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskCheck {
    pub steps: Vec<TraceStep>,
    /// Exposure still free, as a share of equity: the entry may take no more.
    pub free: f64,
}

impl RiskCheck {
    /// Whether every limit allows the entry.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|s| s.passed)
    }
}

/// Factor on every size for a drawdown: 1, 0.5 from `drawdown_halve`, 0 from `drawdown_stop` (and when it is not a number).
#[must_use]
pub fn size_factor(drawdown: f64, settings: &RiskSettings) -> f64 {
    match known(drawdown) {
        Some(d) if d < settings.drawdown_halve => 1.0,
        Some(d) if d < settings.drawdown_stop => 0.5,
        _ => 0.0,
    }
}

/// P&L as a share of what the account was worth before it.
fn pnl_share(pnl: Money, equity: Money) -> Option<f64> {
    let before = (equity - pnl).to_f64();
    if before > 0.0 { known(pnl.to_f64() / before) } else { None }
}

/// Notional of entry orders that are still working, as a share of equity.
#[must_use]
pub fn working_entries(view: &AccountView) -> f64 {
    let entries = view.state.orders.iter().filter(|o| o.intent.purpose == Purpose::Entry && !o.status.is_final());
    let notional: f64 = entries
        .map(|o| {
            let open = o.intent.qty.minus(o.filled);
            mark(view, &o.intent.pair).map_or(f64::INFINITY, |price| price * open.to_f64())
        })
        .sum();
    notional / view.equity.to_f64().max(f64::MIN_POSITIVE)
}

fn mark(view: &AccountView, pair: &Pair) -> Option<f64> {
    view.marks.iter().find(|(p, _)| p == pair).map(|(_, price)| price.to_f64())
}

/// Value of the pair's position as a share of equity; its entry price stands in where no mark is known.
#[must_use]
pub fn position_share(view: &AccountView, pair: &Pair) -> f64 {
    let equity = view.equity.to_f64();
    view.state.positions.get(pair).map_or(0.0, |position| {
        let price = mark(view, pair).unwrap_or_else(|| position.entry.to_f64());
        price * position.qty.to_f64() / equity.max(f64::MIN_POSITIVE)
    })
}

/// Exposure still free under the cap, positions and working entries counted; 0 without equity.
#[must_use]
pub fn free_exposure(view: &AccountView, settings: &RiskSettings) -> f64 {
    if view.equity.to_f64() <= 0.0 {
        return 0.0;
    }
    known(settings.exposure_max - view.exposure - working_entries(view)).map_or(0.0, |free| free.max(0.0))
}

/// Holds one entry of `fraction` in `pair` against every limit of the account.
#[must_use]
pub fn risk_check(view: &AccountView, pair: &Pair, fraction: f64, context: &RiskContext<'_>) -> RiskCheck {
    let mut steps = vec![halt(context), health(context)];
    steps.extend(losses(view, context));
    steps.push(cool_down(view, context));
    steps.push(not_yet_held(view, pair));
    steps.push(position(view, pair, fraction, context.settings));
    let (exposure, free) = exposure(view, context);
    steps.push(exposure);
    steps.push(order_rate(context));
    RiskCheck { steps, free }
}

/// News of the pair: split news bars an entry, no news does not.
#[must_use]
pub fn sentiment_check(dispersion: Option<f64>, answered: bool) -> TraceStep {
    let rule = format!("≤ {SPLIT_NEWS} (dispersion of the news), where there is news");
    match dispersion {
        Some(_) => limit("sentiment risk", dispersion, rule, |v| v <= SPLIT_NEWS, BlockReason::SentimentRisk),
        None => {
            let why =
                if answered { "no news: nothing to disagree" } else { "Sentiment did not answer: no news counted" };
            TraceStep::new(Station::Risk, "sentiment risk", None, rule, true, BlockReason::SentimentRisk).with_note(why)
        }
    }
}

fn limit(
    name: &str,
    value: Option<f64>,
    rule: impl Into<String>,
    holds: impl FnOnce(f64) -> bool,
    reason: BlockReason,
) -> TraceStep {
    check(Station::Risk, name, value, rule, holds, reason)
}

fn halt(context: &RiskContext<'_>) -> TraceStep {
    let halted = f64::from(u8::from(context.halted.is_some()));
    let step = limit("halt", Some(halted), "0 (trading is not halted)", |v| v == 0.0, BlockReason::Halted);
    match context.halted {
        Some(why) => step.with_note(why),
        None => step,
    }
}

fn health(context: &RiskContext<'_>) -> TraceStep {
    let floor = context.settings.health_floor;
    let step =
        limit("system health", context.health, format!("≥ {floor:.2}"), |v| v >= floor, BlockReason::AgentUnavailable);
    if context.health.is_none() { step.with_note("the Health Monitor has not reported lately") } else { step }
}

fn losses(view: &AccountView, context: &RiskContext<'_>) -> [TraceStep; 3] {
    let s = context.settings;
    let loss = |name, pnl, max: f64, reason| {
        let rule = format!("> −{} (signed P&L)", percent(max));
        limit(name, pnl_share(pnl, view.equity), rule, |v| v > -max, reason)
    };
    let drawdown = limit(
        "drawdown",
        Some(view.drawdown),
        format!("< {} of peak equity", percent(s.drawdown_stop)),
        |v| v < s.drawdown_stop,
        BlockReason::Drawdown,
    );
    let halved = view.drawdown >= s.drawdown_halve;
    [
        loss("P&L today", view.day_pnl, s.daily_loss_max, BlockReason::DailyLoss),
        loss("P&L 7 days", view.week_pnl, s.weekly_loss_max, BlockReason::WeeklyLoss),
        if halved {
            drawdown.with_note(format!("sizes are at most half from {}", percent(s.drawdown_halve)))
        } else {
            drawdown
        },
    ]
}

/// After too many losses in a row nothing is entered until the cool-down has passed since the last one.
fn cool_down(view: &AccountView, context: &RiskContext<'_>) -> TraceStep {
    let s = context.settings;
    let count = view.state.consecutive_losses;
    let over = cooled(view, context);
    let rule = format!("< {}, or {} h since the last loss", s.consecutive_losses_max, s.cooldown_hours);
    let step = limit(
        "losses in a row",
        Some(f64::from(count)),
        rule,
        |_| count < s.consecutive_losses_max || over,
        BlockReason::ConsecutiveLosses,
    );
    match view.state.last_loss {
        Some(last) if count >= s.consecutive_losses_max => step.with_note(format!("last loss {} UTC", last.minute())),
        _ => step,
    }
}

fn cooled(view: &AccountView, context: &RiskContext<'_>) -> bool {
    let hours = i64::from(context.settings.cooldown_hours);
    view.state.last_loss.is_some_and(|last| context.at.since(last) >= hours * HOUR_MS)
}

/// Whether the account holds the pair or has an entry order working in it.
#[must_use]
pub fn is_held(view: &AccountView, pair: &Pair) -> bool {
    let working = |o: &crate::domain::order::Order| {
        o.intent.pair == *pair && o.intent.purpose == Purpose::Entry && !o.status.is_final()
    };
    view.state.positions.contains_key(pair) || view.state.orders.iter().any(working)
}

fn not_yet_held(view: &AccountView, pair: &Pair) -> TraceStep {
    let held = f64::from(u8::from(is_held(view, pair)));
    let rule = "0 (no position or working entry in the pair)";
    limit("open in the pair", Some(held), rule, |v| v == 0.0, BlockReason::AlreadyInPosition)
}

fn position(view: &AccountView, pair: &Pair, fraction: f64, settings: &RiskSettings) -> TraceStep {
    let after = if view.equity.to_f64() > 0.0 { Some(position_share(view, pair) + fraction) } else { None };
    let max = settings.position_max;
    limit("position after", after, format!("≤ {} of equity", percent(max)), |v| v <= max, BlockReason::PositionLimit)
}

fn exposure(view: &AccountView, context: &RiskContext<'_>) -> (TraceStep, f64) {
    let max = context.settings.exposure_max;
    let own = free_exposure(view, context.settings);
    let free = own.min(context.free_exposure.and_then(known).unwrap_or(own)).max(0.0);
    let used = if view.equity.to_f64() > 0.0 { Some(view.exposure + working_entries(view)) } else { None };
    let rule = format!("< {} of equity", percent(max));
    let step = limit("gross exposure", used, rule, |_| free > 0.0, BlockReason::ExposureLimit)
        .with_note(format!("{} free for new entries", percent(free)));
    (step, free)
}

fn order_rate(context: &RiskContext<'_>) -> TraceStep {
    let max = context.settings.orders_per_minute;
    let after = f64::from(context.recent_orders) + 1.0;
    let rule = format!("≤ {max} orders a minute, this one counted");
    limit("order rate", Some(after), rule, |v| v <= f64::from(max), BlockReason::OrderRate)
}

/// Every limit of the account with its use, for the screen. Losses are shown as positive shares; a profit uses nothing.
#[must_use]
pub fn limits_in_use(view: &AccountView, context: &RiskContext<'_>) -> Vec<LimitUse> {
    let s = context.settings;
    let loss = |pnl| pnl_share(pnl, view.equity).map_or(1.0, |share| (-share).max(0.0));
    let largest = view.state.positions.keys().map(|pair| position_share(view, pair)).fold(0.0, f64::max);
    let used = view.exposure + working_entries(view);
    let in_a_row = f64::from(view.state.consecutive_losses);
    let max_losses = f64::from(s.consecutive_losses_max);
    let of =
        |name: &str, value: f64, limit: f64, tripped: bool| LimitUse { name: name.to_owned(), value, limit, tripped };
    let at_limit = |name, value: f64, limit: f64| of(name, value, limit, !matches!(known(value), Some(v) if v < limit));
    let mut limits = vec![
        at_limit("loss today", loss(view.day_pnl), s.daily_loss_max),
        at_limit("loss 7 days", loss(view.week_pnl), s.weekly_loss_max),
        at_limit("drawdown", view.drawdown, s.drawdown_stop),
        at_limit("gross exposure", used, s.exposure_max),
        of("largest position", largest, s.position_max, largest > s.position_max),
        of("losses in a row", in_a_row, max_losses, in_a_row >= max_losses && !cooled(view, context)),
        of(
            "orders a minute",
            f64::from(context.recent_orders),
            f64::from(s.orders_per_minute),
            context.recent_orders >= s.orders_per_minute,
        ),
    ];
    if let Some(score) = context.health {
        limits.push(of(HEALTH_LIMIT, score, s.health_floor, score < s.health_floor));
    }
    limits
}

/// Limits in use, 0 = unused, 1 = at the limit, with the names of the account's limits that are tripped. The health floor is left
/// out: told back to the Health Monitor, its own low score would keep itself low.
#[must_use]
pub fn risk_use(limits: &[LimitUse]) -> RiskUse {
    let used = |name: &str| {
        let found = limits.iter().find(|l| l.name == name && l.limit > 0.0);
        found.map_or(0.0, |l| known(l.value / l.limit).map_or(1.0, |u| u.max(0.0)))
    };
    RiskUse {
        exposure: used("gross exposure"),
        daily_loss: used("loss today"),
        drawdown: used("drawdown"),
        tripped: limits.iter().filter(|l| l.tripped && l.name != HEALTH_LIMIT).map(|l| l.name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::decision::specimens::{account, hold, hour, pair};
    use crate::domain::account::AccountId;
    use crate::domain::decision::DecisionId;
    use crate::domain::money::Qty;
    use crate::domain::order::{Intent, Order, OrderId, OrderKind, OrderStatus, Side};

    fn context(settings: &RiskSettings) -> RiskContext<'_> {
        RiskContext { settings, at: hour(100), halted: None, health: Some(0.9), recent_orders: 0, free_exposure: None }
    }

    fn blocks(view: &AccountView, change: impl FnOnce(&mut RiskContext<'_>)) -> Vec<BlockReason> {
        let settings = RiskSettings::default();
        let mut context = context(&settings);
        change(&mut context);
        risk_check(view, &pair("BTC/USD"), 0.05, &context).steps.iter().filter_map(|s| s.reason).collect()
    }

    fn money(value: i64) -> Money {
        Money(Decimal::from(value))
    }

    #[test]
    fn a_sound_account_passes() {
        assert_eq!(blocks(&account(AccountId::Main), |_| {}), []);
    }

    #[test]
    fn each_limit_blocks_alone_with_its_reason() {
        type Spoil = fn(&mut AccountView);
        let cases: [(BlockReason, Spoil); 8] = [
            (BlockReason::DailyLoss, |v| v.day_pnl = money(-2_100)),
            (BlockReason::WeeklyLoss, |v| v.week_pnl = money(-5_500)),
            (BlockReason::Drawdown, |v| v.drawdown = 0.15),
            (BlockReason::Drawdown, |v| v.drawdown = f64::NAN),
            (BlockReason::ConsecutiveLosses, |v| {
                v.state.consecutive_losses = 5;
                v.state.last_loss = Some(hour(80));
            }),
            (BlockReason::ConsecutiveLosses, |v| v.state.consecutive_losses = 5),
            (BlockReason::ExposureLimit, |v| v.exposure = 0.60),
            (BlockReason::ExposureLimit, |v| v.exposure = f64::NAN),
        ];
        for (i, (reason, spoil)) in cases.into_iter().enumerate() {
            let mut view = account(AccountId::Main);
            spoil(&mut view);
            assert_eq!(blocks(&view, |_| {}), [reason], "case {i}");
        }
        let sound = account(AccountId::Main);
        assert_eq!(blocks(&sound, |c| c.halted = Some("a person said so")), [BlockReason::Halted]);
        assert_eq!(blocks(&sound, |c| c.health = Some(0.49)), [BlockReason::AgentUnavailable]);
        assert_eq!(blocks(&sound, |c| c.health = None), [BlockReason::AgentUnavailable]);
        assert_eq!(blocks(&sound, |c| c.recent_orders = 10), [BlockReason::OrderRate]);
        assert_eq!(blocks(&sound, |c| c.free_exposure = Some(0.0)), [BlockReason::ExposureLimit]);
    }

    #[test]
    fn a_loss_exactly_at_its_limit_trips_it() {
        let mut view = account(AccountId::Main);
        view.equity = money(98_000);
        view.day_pnl = money(-2_000);
        assert_eq!(blocks(&view, |_| {}), [BlockReason::DailyLoss]);
        view.equity = money(98_001);
        view.day_pnl = money(-1_999);
        assert_eq!(blocks(&view, |_| {}), []);
    }

    #[test]
    fn the_cool_down_ends() {
        let mut view = account(AccountId::Main);
        view.state.consecutive_losses = 5;
        view.state.last_loss = Some(hour(76));
        assert_eq!(blocks(&view, |_| {}), []);
        assert_eq!(blocks(&view, |c| c.at = hour(99)), [BlockReason::ConsecutiveLosses]);
    }

    #[test]
    fn a_pair_is_entered_once() {
        let mut view = account(AccountId::Main);
        hold(&mut view, "BTC/USD", 1, 4_000.0);
        assert_eq!(blocks(&view, |_| {}), [BlockReason::AlreadyInPosition]);
        hold(&mut view, "BTC/USD", 2, 4_000.0);
        assert_eq!(blocks(&view, |_| {}), [BlockReason::AlreadyInPosition, BlockReason::PositionLimit]);
    }

    fn working_entry(name: &str, qty: i64) -> Order {
        let intent = Intent {
            order: OrderId(1),
            decision: DecisionId { session: 1, number: 1 },
            account: AccountId::Main,
            at: hour(99),
            pair: pair(name),
            side: Side::Buy,
            kind: OrderKind::Market,
            qty: Qty::new(Decimal::from(qty)).unwrap(),
            purpose: Purpose::Entry,
            group: None,
        };
        Order {
            intent,
            status: OrderStatus::Pending,
            filled: Qty::ZERO,
            live_from: hour(99),
            updated: hour(99),
            note: None,
        }
    }

    #[test]
    fn working_entries_count_as_held_and_as_exposure() {
        let mut view = account(AccountId::Main);
        view.marks.push((pair("BTC/USD"), crate::decision::specimens::price(10_000.0)));
        view.state.orders.push(working_entry("BTC/USD", 6));
        assert_eq!(blocks(&view, |_| {}), [BlockReason::AlreadyInPosition, BlockReason::ExposureLimit]);
        let mut other = account(AccountId::Main);
        other.state.orders.push(working_entry("ETH/USD", 1));
        assert_eq!(blocks(&other, |_| {}), [BlockReason::ExposureLimit], "no price: it cannot be bounded");
    }

    #[test]
    fn an_account_without_equity_enters_nothing() {
        let mut view = account(AccountId::Main);
        view.equity = Money::ZERO;
        assert!(!blocks(&view, |_| {}).is_empty());
        let settings = RiskSettings::default();
        assert_eq!(free_exposure(&view, &settings), 0.0);
    }

    #[test]
    fn split_news_bars_an_entry_and_no_news_does_not() {
        assert_eq!(sentiment_check(Some(0.61), true).reason, Some(BlockReason::SentimentRisk));
        assert!(sentiment_check(Some(0.60), true).passed);
        assert!(sentiment_check(None, true).passed);
        assert!(sentiment_check(None, false).passed);
        assert!(!sentiment_check(Some(f64::NAN), true).passed);
    }

    #[test]
    fn the_ladder_halves_and_stops() {
        let s = RiskSettings::default();
        assert_eq!(
            [0.0, 0.099, 0.10, 0.149, 0.15, f64::NAN].map(|d| size_factor(d, &s)),
            [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]
        );
    }

    #[test]
    fn limits_show_their_use() {
        let mut view = account(AccountId::Main);
        view.day_pnl = money(-1_000);
        view.drawdown = 0.15;
        let settings = RiskSettings::default();
        let limits = limits_in_use(&view, &context(&settings));
        let usage = risk_use(&limits);
        assert_eq!(usage.tripped, ["drawdown"]);
        assert_eq!(usage.drawdown, 1.0);
        assert!((usage.daily_loss - 0.495).abs() < 0.001);
        let mut unwell = context(&settings);
        unwell.health = Some(0.1);
        let limits = limits_in_use(&account(AccountId::Main), &unwell);
        assert!(limits.iter().any(|l| l.tripped));
        assert!(risk_use(&limits).tripped.is_empty(), "the monitor's own score is not told back to it");
    }

    proptest! {
        #[test]
        fn a_profit_never_trips_a_loss_limit(day in 0_i64..1_000_000_000, week in 0_i64..1_000_000_000) {
            let mut view = account(AccountId::Main);
            view.equity = money(100_000 + day.max(week));
            view.day_pnl = money(day);
            view.week_pnl = money(week);
            prop_assert_eq!(blocks(&view, |_| {}), Vec::<BlockReason>::new());
            let settings = RiskSettings::default();
            prop_assert!(limits_in_use(&view, &context(&settings)).iter().all(|l| !l.tripped));
        }

        #[test]
        fn a_larger_loss_never_unblocks(loss in 0_i64..200_000) {
            let mut view = account(AccountId::Main);
            view.equity = money(100_000 - loss);
            view.day_pnl = money(-loss);
            let blocked = blocks(&view, |_| {}).contains(&BlockReason::DailyLoss);
            prop_assert_eq!(blocked, loss >= 2_000);
        }
    }
}
