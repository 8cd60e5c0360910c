//! Damage to candles. How each kind is found is told beside it: the row is refused, or the pair is blocked.

use cryptosmarttrader::domain::quality::{Testimony, TrustState, Witness};
use cryptosmarttrader::domain::random::SplitMix64;
use cryptosmarttrader::domain::time::{HOUR_MS, MINUTE_MS};
use cryptosmarttrader::domain::{Interval, RawCandle, RejectReason, UtcMs};

use super::candles::{STEP, deliveries, price_decimals};
use super::{Delivery, Report, watch};

/// How damage shows.
enum Shows {
    /// A row is refused for one of these reasons.
    Refused(&'static [RejectReason]),
    /// The pair is put into this state, for a reason that begins so.
    Blocked(TrustState, &'static str),
    Hole,
}

use Shows::{Blocked, Hole, Refused};
use TrustState::{Quarantined, Stale};

/// Damages the deliveries from place `n` on.
type Damage = fn(&mut [Delivery], usize);

/// Name, damage, and how it shows.
const KINDS: &[(&str, Damage, Shows)] = &[
    ("a price that is no number", |d, n| row(d, n).open = f64::NAN, Refused(&[RejectReason::NotFinite])),
    ("an infinite price", |d, n| row(d, n).high = f64::INFINITY, Refused(&[RejectReason::NotFinite])),
    ("a zero price", |d, n| row(d, n).low = 0.0, Refused(&[RejectReason::PriceNotPositive])),
    ("a negative volume", |d, n| row(d, n).volume *= -1.0, Refused(&[RejectReason::NegativeVolume])),
    ("a high below the body", |d, n| row(d, n).high = row(d, n).low * 0.999, Refused(&[RejectReason::HighBelowBody])),
    ("a low above the body", |d, n| row(d, n).low = row(d, n).high, Refused(&[RejectReason::LowAboveBody])),
    ("a row twice", twice, Refused(&[RejectReason::DuplicateTime])),
    ("rows in reverse", reversed, Refused(&[RejectReason::OutOfOrder])),
    ("a row off the grid", |d, n| shift(row(d, n), MINUTE_MS), Refused(&[RejectReason::OffGrid])),
    ("a row from the future", |d, n| shift(row(d, n), HOUR_MS), Refused(&[RejectReason::InFuture])),
    ("a row of another interval", |d, n| row(d, n).interval = Interval::H1, Refused(&[RejectReason::OffGrid])),
    (
        "close and volume swapped",
        |d, n| swap(row(d, n)),
        Refused(&[RejectReason::LowAboveBody, RejectReason::HighBelowBody]),
    ),
    ("prices in thousandths", |d, n| scaled(d, n, 1e3), Refused(&[RejectReason::LevelJump])),
    ("prices in satoshi", |d, n| scaled(d, n, 1e-8), Refused(&[RejectReason::LevelJump])),
    ("another currency", |d, n| in_euros(row(d, n)), Refused(&[RejectReason::CurrencyMismatch])),
    ("another pair's rows", spliced, Refused(&[RejectReason::LevelJump])),
    ("a frozen feed", frozen, Blocked(Quarantined, "frozen feed")),
    ("a hole", |d, n| d[n..n + 5].iter_mut().for_each(|d| d.rows.clear()), Hole),
    (
        "a feed that fell silent",
        |d, n| d[n..n + 3].iter_mut().for_each(|d| d.rows.clear()),
        Blocked(Stale, "no bar since"),
    ),
    (
        "an hour shifted by summer time",
        |d, n| d[n..n + 12].iter_mut().flat_map(|d| &mut d.rows).for_each(|r| shift(r, -HOUR_MS)),
        Refused(&[RejectReason::OutOfOrder, RejectReason::DuplicateTime]),
    ),
    ("prices without their last digit", rounded, Blocked(Quarantined, "rounded prices")),
    ("a spike that nothing confirms", |d, n| spike(row(d, n)), Blocked(Quarantined, "unconfirmed outlier")),
    ("a spike that another venue does not know", denied, Blocked(Quarantined, "two venues differ")),
    (
        "a candle that its trades do not make",
        not_its_trades,
        Blocked(Quarantined, "the exchange and its trades differ"),
    ),
    ("a volume times a million", |d, n| row(d, n).volume *= 1e6, Blocked(Quarantined, "volume of the bar")),
    (
        "rows handed over too late",
        |d, n| d[n].evidence.handed_over = Some(d[n].at.plus(6 * MINUTE_MS)),
        Blocked(Stale, "handed over"),
    ),
    ("a book that is not sound", |d, n| book(&mut d[n], None), Blocked(Stale, "the book is not sound")),
    ("a book that is old", |d, n| book(&mut d[n], Some(5_001)), Blocked(Stale, "the book is 5 s old")),
];

/// How many bars after the damage it may show.
const WITHIN: i64 = 30;

fn row(deliveries: &mut [Delivery], n: usize) -> &mut RawCandle {
    deliveries[n].rows.first_mut().expect("a row to damage")
}

fn prices(row: &mut RawCandle) -> [&mut f64; 4] {
    [&mut row.open, &mut row.high, &mut row.low, &mut row.close]
}

fn shift(row: &mut RawCandle, by: i64) {
    row.open_time = row.open_time.plus(by);
}

fn swap(row: &mut RawCandle) {
    std::mem::swap(&mut row.close, &mut row.volume);
}

fn in_euros(row: &mut RawCandle) {
    row.pair = format!("{}/EUR", row.pair.base()).parse().expect("a pair");
}

fn twice(d: &mut [Delivery], n: usize) {
    let again = row(d, n).clone();
    d[n].rows.push(again);
}

fn reversed(d: &mut [Delivery], n: usize) {
    let early = d[n].rows.pop().expect("a row");
    d[n + 1].rows.push(early);
}

fn scaled(d: &mut [Delivery], n: usize, by: f64) {
    for row in d[n..n + 6].iter_mut().flat_map(|d| &mut d.rows) {
        prices(row).into_iter().for_each(|p| *p *= by);
    }
}

fn spliced(d: &mut [Delivery], n: usize) {
    let own = row(d, n).pair.clone();
    let other = deliveries(if own.as_str() == "SOL/USD" { "ETH/USD" } else { "SOL/USD" });
    for (d, other) in d[n..n + 6].iter_mut().zip(&other[n..]) {
        d.rows = other.rows.iter().map(|r| RawCandle { pair: own.clone(), ..r.clone() }).collect();
    }
}

fn frozen(d: &mut [Delivery], n: usize) {
    let still = row(d, n).clone();
    for row in d[n..n + 15].iter_mut().flat_map(|d| &mut d.rows) {
        *row = RawCandle { open_time: row.open_time, ..still.clone() };
    }
}

fn rounded(d: &mut [Delivery], n: usize) {
    let unit = 10_f64.powi(price_decimals(&row(d, n).pair).cast_signed() - 1);
    for row in d[n..n + 40].iter_mut().flat_map(|d| &mut d.rows) {
        prices(row).into_iter().for_each(|p| *p = (*p * unit).round() / unit);
    }
}

fn spike(row: &mut RawCandle) {
    row.close *= 1.25;
    row.high = row.high.max(row.close);
}

fn testify(d: &mut Delivery, by: Witness, close: f64) {
    let row = d.rows.first().expect("a row");
    d.evidence.testimonies.push(Testimony {
        by,
        pair: row.pair.clone(),
        interval: row.interval,
        open_time: row.open_time,
        close,
    });
}

fn denied(d: &mut [Delivery], n: usize) {
    let honest = row(d, n).close;
    spike(row(d, n));
    testify(&mut d[n], Witness::OtherVenue, honest * 1.001);
}

fn not_its_trades(d: &mut [Delivery], n: usize) {
    let honest = row(d, n).close;
    row(d, n).close = row(d, n).low;
    let honest = if row(d, n).close == honest { row(d, n).high } else { honest };
    testify(&mut d[n], Witness::Trades, honest);
}

fn book(d: &mut Delivery, age: Option<i64>) {
    let pair = d.rows.first().expect("a row").pair.clone();
    d.evidence.book_ages.push((pair, age));
}

/// Whether the report tells of it between the damage and a while later.
fn told(report: &Report, shows: &Shows, from: UtcMs) -> bool {
    let soon = |at: &UtcMs| *at >= from && at.since(from) <= WITHIN * STEP;
    match shows {
        Refused(reasons) => report.refused.iter().any(|(at, reason)| soon(at) && reasons.contains(reason)),
        Blocked(state, begins) => {
            report.blocked.iter().any(|(at, s, words)| soon(at) && s == state && words.starts_with(begins))
        }
        Hole => report.holes.iter().any(soon),
    }
}

#[test]
fn every_kind_of_damage_is_found_and_blocks() {
    let mut rng = SplitMix64::seeded(20_240_717);
    for name in ["ETH/USD", "XRP/USD", "DOGE/USD"] {
        let clean = deliveries(name);
        let pair = name.parse().expect("a pair");
        let decimals = price_decimals(&pair);
        let (quiet, _) = watch(&pair, decimals, &clean);
        assert_eq!(quiet.refused, []);
        for (kind, damage, shows) in KINDS {
            // Somewhere in the last day and a half, where rows stand close together: what happens there is the damage's doing.
            let whole = |n: &usize| clean[*n - 2..*n + 42].iter().all(|d| d.rows.len() == 1);
            let n = std::iter::repeat_with(|| clean.len() - 460 + rng.below(400)).find(whole).expect("whole stretches");
            let from = clean[n].at;
            assert!(!told(&quiet, shows, from), "{name}: clean data tell of '{kind}' at {from}");
            let mut damaged = clean.clone();
            damage(&mut damaged, n);
            let (report, _) = watch(&pair, decimals, &damaged);
            assert!(told(&report, shows, from), "{name}: '{kind}' at {from} was not found: {report:?}");
            // Nothing new may be entered at the end of the hour in which it was found.
            let hour = |at: UtcMs| at.plus(-1).floor_to(HOUR_MS).plus(HOUR_MS);
            let found = match shows {
                Refused(_) => report.refused.iter().map(|r| r.0).find(|at| *at >= from),
                Blocked(state, _) => {
                    report.blocked.iter().filter(|b| b.1 == *state).map(|b| b.0).find(|at| *at >= from)
                }
                Hole => report.holes.iter().copied().find(|at| *at >= from),
            };
            let lasting = !matches!(shows, Blocked(Stale, _) | Blocked(_, "unconfirmed outlier"));
            // A silence or an unconfirmed outlier blocks while it lasts, everything else to the end of its hour at least.
            let blocked = found.is_some_and(|at| !report.complete.contains(&hour(at)));
            assert!(blocked || !lasting, "{name}: '{kind}' did not block the hour");
        }
    }
    assert!(KINDS.len() >= 20, "{} kinds", KINDS.len());
}

#[test]
fn a_refused_row_changes_nothing_but_by_its_absence() {
    let pair = "ETH/USD".parse().expect("a pair");
    let clean = deliveries("ETH/USD");
    let refusals = KINDS.iter().filter(|(.., shows)| matches!(shows, Refused(_)));
    let n = clean.len() - 300;
    for (kind, damage, _) in refusals {
        let mut damaged = clean.clone();
        damage(&mut damaged, n);
        let (_, with) = watch(&pair, 2, &damaged);
        // The same without the rows that were refused.
        let mut absent = damaged.clone();
        for (delivery, update) in absent.iter_mut().zip(&with) {
            let taken = |r: &RawCandle| update.candles.iter().any(|c| c.open_time == r.open_time && c.pair == r.pair);
            let mut left = update.candles.len();
            delivery.rows.retain(|r| taken(r) && left.checked_sub(1).map(|n| left = n).is_some());
        }
        let (report, without) = watch(&pair, 2, &absent);
        assert_eq!(report.refused, [], "{kind}");
        for (a, b) in with.iter().zip(&without) {
            assert_eq!((&a.candles, &a.holes), (&b.candles, &b.holes), "{kind} at {}", a.at);
            for (a, b) in a.frames.iter().zip(b.frames.iter()) {
                assert_eq!((&a.bar, &a.features, &a.indicators), (&b.bar, &b.features, &b.indicators), "{kind}");
                assert!(b.quality.complete || !a.quality.complete, "{kind}: a refusal never makes data better");
            }
            assert_eq!(a.frames.len(), b.frames.len());
        }
    }
}
