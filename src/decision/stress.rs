//! What the book would lose on days worse than today: the worst days on record, all positions falling together, and a gap through the stops.
//!
//! In go the positions as shares of equity and the hourly returns of their pairs; out comes a table of losses with the limits that each would
//! breach. Nothing is sold on the way: positions are held through, for a plan to sell is not a price to sell at.

use std::collections::BTreeMap;

use serde::Serialize;

use super::measures::{Estimate, value_at_risk};
use crate::domain::pair::Pair;
use crate::domain::settings::RiskSettings;
use crate::domain::time::{HOUR_MS, UtcMs};

/// Hours that a calendar day must have to count.
const HOURS_OF_A_DAY: usize = 24;
/// Level of VaR and ES.
const LEVEL: f64 = 0.99;

/// One position.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    pub pair: Pair,
    /// Value at the current price as a share of equity, 0 or above.
    pub share: f64,
    /// Where the stop stands: share of the current price below it, within 0..1. `None` without a stop.
    pub stop: Option<f64>,
}

/// The book and how it stands already.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Book {
    pub holdings: Vec<Holding>,
    /// Fall of equity from its peak, 0..1.
    pub drawdown: f64,
    /// Lost today and within seven days, as shares of equity now; negative for a gain.
    pub lost_today: f64,
    pub lost_week: f64,
}

/// Hourly simple returns of all pairs on common hours.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HourlyHistory {
    /// Opens of the hours' bars, rising.
    pub hours: Vec<UtcMs>,
    /// A return per hour and pair; `None` where it is unknown.
    pub returns: BTreeMap<Pair, Vec<Option<f64>>>,
}

/// What a loss is held against; shares of equity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StressLimits {
    pub daily_loss: f64,
    pub weekly_loss: f64,
    pub drawdown_halve: f64,
    pub drawdown_stop: f64,
    /// ES 99 of one day.
    pub es99: f64,
}

impl StressLimits {
    /// The account's limits with that of the expected shortfall (0.04).
    #[must_use]
    pub const fn new(risk: &RiskSettings, es99: f64) -> Self {
        Self {
            daily_loss: risk.daily_loss_max,
            weekly_loss: risk.weekly_loss_max,
            drawdown_halve: risk.drawdown_halve,
            drawdown_stop: risk.drawdown_stop,
            es99,
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct StressPlan {
    /// How many of the worst days.
    pub days: usize,
    /// Gaps to open with, as shares of the price, each within 0..=1.
    pub gaps: Vec<f64>,
}

impl Default for StressPlan {
    fn default() -> Self {
        Self { days: 5, gaps: vec![0.10, 0.20, 0.40] }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "scenario")]
pub enum Scenario {
    /// A day of the history (its midnight, UTC) happens again.
    RecordedDay { day: UtcMs },
    /// ES 99 of the book as it is, over the days of the history.
    BookEs99,
    /// Correlation 1: every position loses its own VaR 99 of a day at once.
    TogetherVar99,
    /// The same with ES 99.
    TogetherEs99,
    /// Every price opens lower by this share. Stops above are filled there, not where they stand.
    Gap { share: f64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StressLimit {
    DailyLoss,
    WeeklyLoss,
    DrawdownHalve,
    DrawdownStop,
    Es99,
}

/// A limit that would be reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Breach {
    pub limit: StressLimit,
    /// The value that the limit would see.
    pub value: f64,
    pub threshold: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StressRow {
    pub scenario: Scenario,
    /// Share of equity, negative for a gain; `None` where a pair's history is too short to say.
    pub loss: Option<f64>,
    /// The loss of each position of some value, in the book's order; empty for the book's own tail, which has no parts.
    pub parts: Vec<(Pair, Option<f64>)>,
    /// For a gap: what would be lost if every stop were filled where it stands.
    pub if_stops_held: Option<f64>,
    pub breaches: Vec<Breach>,
}

/// The whole table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StressReport {
    /// Recorded days with all hours of all held pairs.
    pub days: usize,
    /// Days with some hours only; they are no scenario.
    pub days_incomplete: usize,
    /// How VaR and ES of the book were estimated; `None` with too few days.
    pub book: Option<Estimate>,
    pub rows: Vec<StressRow>,
}

/// A book, history or plan that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StressError {
    #[error(
        "'{pair}' holds '{share}' of equity with its stop at '{stop:?}'; a share is finite and not negative, a stop within 0..1"
    )]
    Holding { pair: Pair, share: f64, stop: Option<f64> },
    #[error("the drawdown must lie within 0..1, losses must be finite and above -1")]
    Standing,
    #[error("'{pair}' has {got} returns for {hours} hours")]
    Misaligned { pair: Pair, got: usize, hours: usize },
    #[error("hours must rise and begin on the hour, near '{at}'")]
    Hours { at: UtcMs },
    #[error("a gap of '{0}' is not within 0..=1")]
    Gap(f64),
}

/// Days of the history: returns of each held pair, in the book's order.
struct Day {
    midnight: UtcMs,
    /// `None` where hours of the pair are missing.
    returns: Vec<Option<f64>>,
}

/// Puts the book under stress.
///
/// # Errors
/// [`StressError`] when the book, the history or the plan is not sound. A history that is too short is no error: its rows have no loss.
pub fn stress(
    book: &Book,
    history: &HourlyHistory,
    limits: &StressLimits,
    plan: &StressPlan,
) -> Result<StressReport, StressError> {
    check(book, history, plan)?;
    let held = book.holdings.iter().filter(|h| h.share > 0.0).cloned().collect();
    let book = &Book { holdings: held, ..*book };
    let days = calendar(book, history);
    // A day counts when every held pair has all of it.
    let whole = |day: &Day| Some((day.midnight, day.returns.iter().copied().collect::<Option<Vec<f64>>>()?));
    let mut recorded: Vec<(UtcMs, Vec<f64>)> = days.iter().filter_map(whole).collect();
    let on = |returns: &[f64]| book.holdings.iter().zip(returns).map(|(h, r)| h.share * r).sum::<f64>();
    let series: Vec<f64> = recorded.iter().map(|(_, returns)| on(returns)).collect();
    let own = value_at_risk(&series, LEVEL);
    let table = Table { book, limits };
    let complete = recorded.len();
    // Worst first; of equal days the earlier one.
    recorded.sort_by(|a, b| on(&a.1).total_cmp(&on(&b.1)).then(a.0.cmp(&b.0)));
    let mut rows: Vec<StressRow> = recorded
        .iter()
        .take(plan.days)
        .map(|(day, returns)| table.row(Scenario::RecordedDay { day: *day }, returns.iter().map(|r| Some(-r))))
        .collect();
    // No book loses nothing, whatever the history.
    let own_es = if book.holdings.is_empty() { Some(0.0) } else { own.as_ref().map(|e| e.risk.es) };
    rows.push(table.of_loss(Scenario::BookEs99, own_es, Vec::new()));
    let own_tails: Vec<Option<Estimate>> = (0..book.holdings.len())
        .map(|i| {
            let series: Vec<f64> = days.iter().filter_map(|day| day.returns.get(i).copied().flatten()).collect();
            value_at_risk(&series, LEVEL)
        })
        .collect();
    let tails = || own_tails.iter().map(Option::as_ref);
    // Nobody gains in this scenario.
    rows.push(table.row(Scenario::TogetherVar99, tails().map(|e| e.map(|e| e.risk.var.max(0.0)))));
    rows.push(table.row(Scenario::TogetherEs99, tails().map(|e| e.map(|e| e.risk.es.max(0.0)))));
    rows.extend(plan.gaps.iter().map(|gap| table.gap(*gap)));
    Ok(StressReport { days: complete, days_incomplete: days.len() - complete, book: own, rows })
}

fn check(book: &Book, history: &HourlyHistory, plan: &StressPlan) -> Result<(), StressError> {
    for Holding { pair, share, stop } in &book.holdings {
        let stands = stop.is_none_or(|s| (0.0..1.0).contains(&s));
        if !(share.is_finite() && *share >= 0.0 && stands) {
            return Err(StressError::Holding { pair: pair.clone(), share: *share, stop: *stop });
        }
    }
    // Who has gained as much as there is began with nothing.
    let lost = |share: f64| share.is_finite() && share > -1.0;
    if !((0.0..1.0).contains(&book.drawdown) && lost(book.lost_today) && lost(book.lost_week)) {
        return Err(StressError::Standing);
    }
    let hours = history.hours.len();
    for (pair, returns) in &history.returns {
        if returns.len() != hours {
            return Err(StressError::Misaligned { pair: pair.clone(), got: returns.len(), hours });
        }
    }
    let crooked = history.hours.iter().find(|at| at.floor_to(HOUR_MS) != **at);
    let falling = history.hours.iter().zip(history.hours.iter().skip(1)).find(|(a, b)| a >= b).map(|(_, b)| b);
    if let Some(at) = crooked.or(falling) {
        return Err(StressError::Hours { at: *at });
    }
    plan.gaps.iter().find(|g| !(0.0..=1.0).contains(*g)).map_or(Ok(()), |gap| Err(StressError::Gap(*gap)))
}

/// The history day by day: hours compounded. A day without an hour of any held pair is not there.
fn calendar(book: &Book, history: &HourlyHistory) -> Vec<Day> {
    let of = |h: &Holding| history.returns.get(&h.pair).map_or(&[][..], Vec::as_slice);
    let rows: Vec<&[Option<f64>]> = book.holdings.iter().map(of).collect();
    let mut days: BTreeMap<UtcMs, Vec<(f64, usize)>> = BTreeMap::new();
    for (i, at) in history.hours.iter().enumerate() {
        let day = days.entry(at.day()).or_insert_with(|| vec![(1.0, 0); rows.len()]);
        for ((growth, hours), row) in day.iter_mut().zip(&rows) {
            if let Some(r) = row.get(i).copied().flatten().filter(|r| r.is_finite() && *r >= -1.0) {
                *growth *= 1.0 + r;
                *hours += 1;
            }
        }
    }
    let whole = |(growth, hours): (f64, usize)| (hours == HOURS_OF_A_DAY).then_some(growth - 1.0);
    days.into_iter()
        .filter(|(_, pairs)| pairs.iter().any(|(_, hours)| *hours > 0))
        .map(|(midnight, pairs)| Day { midnight, returns: pairs.into_iter().map(whole).collect() })
        .collect()
}

/// Makes rows out of falls.
struct Table<'a> {
    book: &'a Book,
    limits: &'a StressLimits,
}

impl Table<'_> {
    /// A row for how much each position's price falls, in the book's order.
    fn row(&self, scenario: Scenario, falls: impl Iterator<Item = Option<f64>>) -> StressRow {
        let part = |(h, fall): (&Holding, Option<f64>)| (h.pair.clone(), fall.map(|f| h.share * f));
        let parts: Vec<(Pair, Option<f64>)> = self.book.holdings.iter().zip(falls).map(part).collect();
        let loss = parts.iter().map(|(_, loss)| *loss).sum::<Option<f64>>();
        self.of_loss(scenario, loss, parts)
    }

    fn of_loss(&self, scenario: Scenario, loss: Option<f64>, parts: Vec<(Pair, Option<f64>)>) -> StressRow {
        let breaches = loss.map_or_else(Vec::new, |loss| self.breaches(scenario, loss));
        StressRow { scenario, loss, parts, if_stops_held: None, breaches }
    }

    fn gap(&self, gap: f64) -> StressRow {
        let held = self.book.holdings.iter().map(|h| h.share * h.stop.map_or(gap, |stop| stop.min(gap))).sum();
        let row = self.row(Scenario::Gap { share: gap }, self.book.holdings.iter().map(|_| Some(gap)));
        StressRow { if_stops_held: Some(held), ..row }
    }

    /// Limits that a loss would reach, on top of what is lost already.
    fn breaches(&self, scenario: Scenario, loss: f64) -> Vec<Breach> {
        let Self { book, limits } = self;
        // What was lost is a share of what there was before it, as the limits count it.
        let share = |lost: f64| (lost + loss) / (1.0 + lost);
        let fall = 1.0 - (1.0 - book.drawdown) * (1.0 - loss);
        let mut seen = vec![
            (StressLimit::DailyLoss, share(book.lost_today), limits.daily_loss),
            (StressLimit::WeeklyLoss, share(book.lost_week), limits.weekly_loss),
            (StressLimit::DrawdownHalve, fall, limits.drawdown_halve),
            (StressLimit::DrawdownStop, fall, limits.drawdown_stop),
        ];
        if matches!(scenario, Scenario::BookEs99 | Scenario::TogetherEs99) {
            seen.push((StressLimit::Es99, loss, limits.es99));
        }
        seen.into_iter()
            .filter(|(_, value, threshold)| value >= threshold)
            .map(|(limit, value, threshold)| Breach { limit, value, threshold })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::random::SplitMix64;
    use crate::domain::time::DAY_MS;

    fn pair(name: &str) -> Pair {
        name.parse().unwrap()
    }

    fn holding(name: &str, share: f64, stop: Option<f64>) -> Holding {
        Holding { pair: pair(name), share, stop }
    }

    fn book() -> Book {
        Book { holdings: vec![holding("BTC/USD", 0.10, Some(0.05)), holding("ETH/USD", 0.05, None)], ..Book::default() }
    }

    /// Days of hourly returns: each pair's day return falls into the first hour.
    fn history(days: &[(f64, f64)]) -> HourlyHistory {
        let hours = days.len() * HOURS_OF_A_DAY;
        let row = |of: fn(&(f64, f64)) -> f64| {
            (0..hours)
                .map(|i| Some(if i % HOURS_OF_A_DAY == 0 { of(&days[i / HOURS_OF_A_DAY]) } else { 0.0 }))
                .collect()
        };
        HourlyHistory {
            hours: (0..hours).map(|i| UtcMs(i as i64 * HOUR_MS)).collect(),
            returns: BTreeMap::from([(pair("BTC/USD"), row(|d| d.0)), (pair("ETH/USD"), row(|d| d.1))]),
        }
    }

    fn noise(days: usize) -> HourlyHistory {
        let mut random = SplitMix64::seeded(8);
        let days: Vec<(f64, f64)> =
            (0..days).map(|_| ((0.03 * random.normal()).max(-0.9), (0.05 * random.normal()).max(-0.9))).collect();
        history(&days)
    }

    fn limits() -> StressLimits {
        StressLimits::new(&RiskSettings::default(), 0.04)
    }

    fn report(book: &Book, history: &HourlyHistory, gaps: &[f64]) -> StressReport {
        stress(book, history, &limits(), &StressPlan { days: 2, gaps: gaps.to_vec() }).unwrap()
    }

    fn row(report: &StressReport, scenario: Scenario) -> &StressRow {
        report.rows.iter().find(|r| r.scenario == scenario).unwrap()
    }

    fn near(got: Option<f64>, want: f64) {
        assert!((got.unwrap() - want).abs() < 1e-12, "{got:?} for {want}");
    }

    #[test]
    fn the_worst_days_come_first_with_their_dates_and_parts() {
        let days = history(&[(0.01, 0.02), (-0.10, -0.30), (0.0, 0.0), (-0.25, 0.10)]);
        let report = report(&book(), &days, &[]);
        assert_eq!((report.days, report.days_incomplete), (4, 0));
        let [first, second, ..] = report.rows.as_slice() else { panic!("two days") };
        assert_eq!(first.scenario, Scenario::RecordedDay { day: UtcMs(DAY_MS) });
        near(first.loss, 0.025);
        near(first.parts[0].1, 0.01);
        near(first.parts[1].1, 0.015);
        assert_eq!(second.scenario, Scenario::RecordedDay { day: UtcMs(3 * DAY_MS) });
        near(second.loss, 0.02);
        let hit: Vec<StressLimit> = first.breaches.iter().map(|b| b.limit).collect();
        assert_eq!(hit, [StressLimit::DailyLoss], "2.5 % in a day is more than 2 %");
    }

    #[test]
    fn hours_of_a_day_compound_and_a_day_with_a_hole_is_no_scenario() {
        let mut days = history(&[(-0.10, 0.0), (-0.10, 0.0)]);
        let btc = days.returns.get_mut(&pair("BTC/USD")).unwrap();
        btc[1] = Some(-0.10);
        btc[30] = None;
        let report = report(&book(), &days, &[]);
        assert_eq!((report.days, report.days_incomplete), (1, 1));
        near(report.rows[0].loss, 0.019);
    }

    #[test]
    fn together_every_position_loses_its_own_tail() {
        let days = noise(600);
        let report = report(&book(), &days, &[]);
        let one = |name: &str| {
            let alone = Book { holdings: vec![holding(name, 1.0, None)], ..Book::default() };
            super::stress(&alone, &days, &limits(), &StressPlan::default()).unwrap().book.unwrap()
        };
        let (btc, eth) = (one("BTC/USD"), one("ETH/USD"));
        near(row(&report, Scenario::TogetherVar99).loss, 0.10 * btc.risk.var + 0.05 * eth.risk.var);
        near(row(&report, Scenario::TogetherEs99).loss, 0.10 * btc.risk.es + 0.05 * eth.risk.es);
        // Unrelated pairs lose less together than apart.
        let own = row(&report, Scenario::BookEs99).loss.unwrap();
        assert!(own > 0.0 && own < row(&report, Scenario::TogetherEs99).loss.unwrap());
        assert_eq!(report.book.unwrap().risk.es, own);
    }

    #[test]
    fn a_short_history_says_nothing_and_a_gap_needs_none() {
        let report = report(&book(), &noise(20), &[0.5]);
        for scenario in [Scenario::BookEs99, Scenario::TogetherVar99, Scenario::TogetherEs99] {
            let row = row(&report, scenario);
            assert_eq!((row.loss, row.breaches.len()), (None, 0), "{scenario:?}");
        }
        assert_eq!(row(&report, Scenario::TogetherEs99).parts[0], (pair("BTC/USD"), None));
        near(row(&report, Scenario::Gap { share: 0.5 }).loss, 0.075);
        let nothing = self::report(&book(), &HourlyHistory::default(), &[0.5]);
        assert_eq!((nothing.days, nothing.rows.len()), (0, 4));
    }

    #[test]
    fn a_gap_does_not_heed_the_stop_and_tells_what_the_stop_promised() {
        let report = report(&book(), &HourlyHistory::default(), &[0.03, 0.40]);
        let (small, large) = (row(&report, Scenario::Gap { share: 0.03 }), row(&report, Scenario::Gap { share: 0.40 }));
        near(small.loss, 0.0045);
        near(small.if_stops_held, 0.0045);
        near(large.loss, 0.06);
        near(large.if_stops_held, 0.10 * 0.05 + 0.05 * 0.40);
        let hit: Vec<StressLimit> = large.breaches.iter().map(|b| b.limit).collect();
        assert_eq!(hit, [StressLimit::DailyLoss, StressLimit::WeeklyLoss]);
    }

    #[test]
    fn what_is_lost_already_counts() {
        let standing = Book { drawdown: 0.12, lost_today: 0.01, lost_week: -0.02, ..book() };
        let report = report(&standing, &HourlyHistory::default(), &[0.40]);
        let breaches = &row(&report, Scenario::Gap { share: 0.40 }).breaches;
        let value = |limit| breaches.iter().find(|b| b.limit == limit).map(|b| b.value);
        near(value(StressLimit::DailyLoss), 0.07 / 1.01);
        near(value(StressLimit::DrawdownStop), 1.0 - 0.88 * 0.94);
        assert_eq!(value(StressLimit::WeeklyLoss), None, "the week's gain carries it: 4.1 %");
        assert_eq!(value(StressLimit::Es99), None, "a gap is no expected shortfall");
    }

    #[test]
    fn the_expected_shortfall_has_a_limit_of_its_own() {
        let large = Book { holdings: vec![holding("ETH/USD", 0.5, None)], ..Book::default() };
        let report = report(&large, &noise(600), &[]);
        for scenario in [Scenario::BookEs99, Scenario::TogetherEs99] {
            assert!(row(&report, scenario).breaches.iter().any(|b| b.limit == StressLimit::Es99));
        }
    }

    #[test]
    fn an_empty_book_loses_nothing() {
        for empty in [Book::default(), Book { holdings: vec![holding("XRP/USD", 0.0, None)], ..Book::default() }] {
            let report = report(&empty, &noise(100), &[0.4]);
            assert_eq!(report.rows.len(), 4);
            assert!(report.rows.iter().all(|r| r.loss == Some(0.0) && r.breaches.is_empty()));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let ask = |book: &Book, history: &HourlyHistory, gap: f64| {
            stress(book, history, &limits(), &StressPlan { days: 1, gaps: vec![gap] }).unwrap_err()
        };
        let none = HourlyHistory::default();
        for (share, stop) in [(-0.1, None), (f64::NAN, None), (0.1, Some(1.0)), (0.1, Some(f64::NAN))] {
            let bad = Book { holdings: vec![holding("BTC/USD", share, stop)], ..Book::default() };
            assert!(matches!(ask(&bad, &none, 0.1), StressError::Holding { .. }));
        }
        assert_eq!(ask(&Book { drawdown: 1.0, ..book() }, &none, 0.1), StressError::Standing);
        assert_eq!(ask(&Book { lost_week: f64::NAN, ..book() }, &none, 0.1), StressError::Standing);
        assert_eq!(ask(&book(), &none, 1.5), StressError::Gap(1.5));
        let mut short = noise(2);
        short.hours.pop();
        assert!(matches!(ask(&book(), &short, 0.1), StressError::Misaligned { got: 48, hours: 47, .. }));
        let mut turned = noise(2);
        turned.hours.swap(3, 4);
        assert!(matches!(ask(&book(), &turned, 0.1), StressError::Hours { .. }));
        let mut late = noise(2);
        late.hours[5] = late.hours[5].plus(1);
        assert_eq!(ask(&book(), &late, 0.1), StressError::Hours { at: late.hours[5] });
    }

    #[test]
    fn the_table_is_plain_json() {
        let json = serde_json::to_value(report(&book(), &noise(100), &[0.4])).unwrap();
        assert_eq!(json["rows"][5]["scenario"], serde_json::json!({"scenario": "gap", "share": 0.4}));
        assert_eq!(json["rows"][5]["breaches"][0]["limit"], "daily_loss");
        assert_eq!(json["rows"][5]["parts"][0][0], "BTC/USD");
    }

    proptest! {
        #[test]
        fn more_of_a_falling_thing_loses_more(
            btc in 0.0_f64..0.3, eth in 0.01_f64..0.3, more in 1.0_f64..3.0, gap in 0.01_f64..1.0,
        ) {
            let book = |eth: f64| Book {
                holdings: vec![holding("BTC/USD", btc, Some(0.05)), holding("ETH/USD", eth, Some(0.1))],
                ..Book::default()
            };
            let days = noise(60);
            let (less, more) = (report(&book(eth), &days, &[gap]), report(&book(eth * more), &days, &[gap]));
            for scenario in [Scenario::TogetherVar99, Scenario::TogetherEs99, Scenario::Gap { share: gap }] {
                prop_assert!(row(&more, scenario).loss >= row(&less, scenario).loss);
            }
            let gap = row(&more, Scenario::Gap { share: gap });
            prop_assert!(gap.if_stops_held <= gap.loss);
        }
    }
}
