//! Faults at random by seed, through the control of the stand-in.

use std::collections::BTreeMap;

use cryptosmarttrader::domain::random::SplitMix64;
use cryptosmarttrader::simulator::gateway::faults::{Fault, Kind, Match, Stage};
use cryptosmarttrader::simulator::gateway::{Ending, Exchange};

/// What a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Books,
    Trades,
    Connections,
    Rest,
    Clock,
}

impl Family {
    pub const ALL: [Self; 5] = [Self::Books, Self::Trades, Self::Connections, Self::Rest, Self::Clock];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Books => "books",
            Self::Trades => "trades",
            Self::Connections => "connections",
            Self::Rest => "rest",
            Self::Clock => "clock",
        }
    }
}

/// What happens, and to what.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// A frame of this channel, of any pair or of one.
    Channel(&'static str),
    /// An acknowledgement.
    Method(&'static str),
    Path(&'static str),
    Anywhere,
}

use Family as F;
use Kind as K;
use Place::{Anywhere, Channel, Method, Path};

const TABLE: &[(Family, Kind, Place)] = &[
    (F::Books, K::DropFrame, Channel("book")),
    (F::Books, K::DupFrame, Channel("book")),
    (F::Books, K::Reorder, Channel("book")),
    (F::Books, K::BadChecksum, Channel("book")),
    (F::Books, K::BadChecksum, Channel("book")),
    (F::Books, K::StaleBook, Channel("book")),
    (F::Books, K::CrossedBook, Channel("book")),
    (F::Books, K::MissingSnapshot, Channel("book")),
    (F::Books, K::DataBeforeAck, Channel("book")),
    (F::Books, K::ExtraFields, Channel("book")),
    (F::Books, K::DropFrame, Channel("ticker")),
    (F::Trades, K::DropFrame, Channel("trade")),
    (F::Trades, K::DropFrame, Channel("trade")),
    (F::Trades, K::DupFrame, Channel("trade")),
    (F::Trades, K::Reorder, Channel("trade")),
    (F::Trades, K::MissingSnapshot, Channel("trade")),
    (F::Trades, K::DataBeforeAck, Channel("trade")),
    (F::Trades, K::ExtraFields, Channel("trade")),
    (F::Trades, K::UnknownEnum, Channel("trade")),
    (F::Trades, K::DropFrame, Channel("ohlc")),
    (F::Trades, K::DupFrame, Channel("ohlc")),
    (F::Trades, K::Reorder, Channel("ohlc")),
    (F::Trades, K::MissingSnapshot, Channel("ohlc")),
    (F::Trades, K::DataBeforeAck, Channel("ticker")),
    (F::Connections, K::WsClose, Anywhere),
    (F::Connections, K::WsClose, Channel("trade")),
    (F::Connections, K::WsClose, Channel("book")),
    (F::Connections, K::WsHalfOpen, Channel("trade")),
    (F::Connections, K::WsHalfOpen, Channel("book")),
    (F::Connections, K::WsRefuse, Anywhere),
    (F::Connections, K::NoHeartbeat, Anywhere),
    (F::Connections, K::DropFrame, Method("subscribe")),
    (F::Connections, K::DupFrame, Method("subscribe")),
    (F::Connections, K::Reorder, Method("subscribe")),
    (F::Connections, K::DropFrame, Method("unsubscribe")),
    (F::Connections, K::DropFrame, Method("ping")),
    (F::Connections, K::DropFrame, Channel("status")),
    (F::Connections, K::UnknownEnum, Channel("status")),
    (F::Connections, K::UnknownEnum, Channel("instrument")),
    (F::Connections, K::MissingSnapshot, Channel("instrument")),
    (F::Connections, K::Maintenance, Anywhere),
    (F::Rest, K::Html, Anywhere),
    (F::Rest, K::Html, Path("Trades")),
    (F::Rest, K::ServiceUnavailable, Anywhere),
    (F::Rest, K::Busy, Anywhere),
    (F::Rest, K::InternalError, Anywhere),
    (F::Rest, K::SlowAfter, Anywhere),
    (F::Rest, K::SlowBefore, Path("Trades")),
    (F::Rest, K::Reset, Anywhere),
    (F::Rest, K::TruncatedJson, Anywhere),
    (F::Rest, K::EmptyBody, Anywhere),
    (F::Rest, K::WrongType, Anywhere),
    (F::Rest, K::ExtraFields, Path("AssetPairs")),
    (F::Rest, K::UnknownEnum, Path("SystemStatus")),
    (F::Rest, K::RateLimit, Anywhere),
    (F::Rest, K::Throttled, Anywhere),
    (F::Rest, K::MalformedLast, Anywhere),
    (F::Rest, K::OhlcGap, Anywhere),
    (F::Clock, K::ClockSkew, Anywhere),
];

/// Mean simulated time between two faults; short enough that most meet while others are not healed yet.
const MEAN_MS: usize = 12_000;
/// A ban instead of a refusal, one in so many: the link then stays away for ten minutes.
const BAN_ONE_IN: usize = 8;

pub struct Storm {
    rng: SplitMix64,
    table: Vec<(Kind, Place)>,
    pub next_at: i64,
    /// Instant until which a book may be frozen, by pair; faults of any pair count for all.
    pub frozen_until: i64,
    pub banned_until: i64,
    pub sent: BTreeMap<String, u64>,
    /// The clock of the link's machine against the exchange's, in ms.
    pub offset_ms: i64,
    steps_clock: bool,
    /// Spans in which the exchange's stamps are off.
    skews: Vec<(i64, i64)>,
    /// Nothing reaches the link before this.
    pub stalled_until: i64,
}

impl Storm {
    pub fn new(seed: u64, families: &[Family], now: i64) -> Self {
        let table: Vec<(Kind, Place)> =
            TABLE.iter().filter(|(f, ..)| families.contains(f)).map(|(_, k, p)| (*k, *p)).collect();
        let mut rng = SplitMix64::new(&[seed, 0x73_746f_726d]);
        let steps_clock = families.contains(&Family::Clock);
        let offset_ms = if steps_clock { between(&mut rng, -3_000, 3_000) } else { 0 };
        let next_at = if table.is_empty() { i64::MAX } else { now };
        let (frozen_until, banned_until, stalled_until, sent, skews) = (0, 0, 0, BTreeMap::new(), Vec::new());
        Self { rng, table, next_at, frozen_until, banned_until, sent, offset_ms, steps_clock, skews, stalled_until }
    }

    /// Arms the next fault. `checked`: pairs whose books are proven to the last level by their checksum.
    pub fn strike(&mut self, now: i64, exchange: &mut Exchange, symbols: &[String], checked: &[String]) {
        let pause = i64::try_from(1 + self.rng.below(2 * MEAN_MS)).expect("a pause");
        self.next_at = now + pause * 1_000_000;
        let (kind, place) = self.table[self.rng.below(self.table.len())];
        let mut fault = Fault::new(kind, Match::default());
        let wait = between(&mut self.rng, 30, 180);
        fault.for_s = Some(wait);
        match place {
            Place::Channel(name) => fault.place.channel = Some(name.to_owned()),
            Place::Method(name) => fault.place.method = Some(name.to_owned()),
            Place::Path(name) => fault.place.path = Some(name.to_owned()),
            Place::Anywhere => {}
        }
        let of_pairs = matches!(place, Channel("book" | "trade" | "ohlc" | "ticker"));
        let losing = matches!((kind, place), (Kind::DropFrame | Kind::Reorder, Channel("book")));
        if losing {
            // a checksum covers ten levels: what a lost frame said of deeper ones cannot be noticed
            fault.place.pair = Some(checked[self.rng.below(checked.len())].clone());
        } else if of_pairs && self.rng.below(3) > 0 {
            fault.place.pair = Some(symbols[self.rng.below(symbols.len())].clone());
        }
        self.shape(now, &mut fault);
        self.count(&format!("{:?}", fault.kind));
        exchange.add_fault(fault).expect("a fault that fits");
        if self.steps_clock && self.rng.below(40) == 0 {
            self.offset_ms = between(&mut self.rng, -3_000, 3_000);
            self.count("clock step");
        }
        if self.steps_clock && self.rng.below(60) == 0 {
            self.stall(now, exchange);
        }
    }

    /// The machine of the link is held up; after a long time the exchange has given its sockets up.
    fn stall(&mut self, now: i64, exchange: &mut Exchange) {
        let long = self.rng.below(3) == 0;
        let seconds = if long { between(&mut self.rng, 60, 500) } else { between(&mut self.rng, 2, 25) };
        if long {
            exchange.disconnect(None, Ending::Reset);
        }
        self.stalled_until = now + seconds * 1_000_000_000;
        self.count(if long { "sleep" } else { "stall" });
    }

    fn count(&mut self, what: &str) {
        *self.sent.entry(what.to_owned()).or_default() += 1;
    }

    /// The numbers that a kind needs.
    fn shape(&mut self, now: i64, fault: &mut Fault) {
        let rng = &mut self.rng;
        match fault.kind {
            Kind::DropFrame | Kind::Reorder if fault.place.channel.as_deref() == Some("book") => {
                fault.count = pick(rng, &[1, 1, 3])
            }
            Kind::DropFrame | Kind::DupFrame | Kind::Reorder => fault.count = pick(rng, &[1, 1, 1, 3, 12]),
            Kind::BadChecksum => fault.count = pick(rng, &[1, 1, 2, 5]),
            Kind::NoHeartbeat => fault.count = pick(rng, &[2, 5, 15, 40]),
            Kind::ExtraFields | Kind::UnknownEnum => fault.count = pick(rng, &[1, 3, 10]),
            Kind::MissingSnapshot | Kind::DataBeforeAck => fault.count = pick(rng, &[1, 2, 6]),
            Kind::StaleBook => {
                fault.s = Some(between(rng, 2, 45));
                self.frozen_until = self.frozen_until.max(now + (fault.for_s.unwrap_or(0) + 46) * 1_000_000_000);
            }
            Kind::WsRefuse => {
                fault.status = Some(pick(rng, &[503, 520, 502]));
                fault.count = pick(rng, &[1, 2, 4]);
                if rng.below(BAN_ONE_IN) == 0 {
                    (fault.kind, fault.count) = (Kind::WsBan, 1);
                    fault.s = Some(between(rng, 20, 400));
                    self.banned_until = self.banned_until.max(now + (fault.for_s.unwrap_or(0) + 401) * 1_000_000_000);
                }
            }
            Kind::Html => {
                fault.status = Some(pick(rng, &[502, 504, 520, 522]));
                fault.when = pick(rng, &[Stage::Before, Stage::After]);
                fault.count = pick(rng, &[1, 1, 4]);
            }
            Kind::ServiceUnavailable | Kind::Busy | Kind::InternalError | Kind::Reset => {
                fault.when = pick(rng, &[Stage::Before, Stage::After]);
                fault.count = pick(rng, &[1, 1, 3]);
            }
            Kind::SlowBefore | Kind::SlowAfter => fault.ms = Some(pick(rng, &[400, 3_000, 9_000, 25_000])),
            Kind::Throttled => fault.s = Some(between(rng, 2, 20)),
            Kind::Maintenance => fault.s = Some(between(rng, 3, 25)),
            Kind::ClockSkew => {
                fault.s = Some(pick(rng, &[-3, -1, 1, 3]));
                let seconds = between(rng, 20, 240);
                fault.for_s = Some(seconds);
                self.skews.push((now, now + seconds * 1_000_000_000));
            }
            _ => {}
        }
    }

    /// Whether the exchange's stamps were off at `at`, or close to it: what they say of a candle that began or ended then is not true.
    pub fn skewed(&self, at: i64) -> bool {
        const NEAR: i64 = 4_000_000_000;
        self.skews.iter().any(|(from, until)| *from <= at + NEAR && at - NEAR <= *until)
    }

    pub fn end(&mut self, exchange: &mut Exchange) {
        self.next_at = i64::MAX;
        exchange.remove_faults(None);
    }
}

fn pick<T: Copy>(rng: &mut SplitMix64, of: &[T]) -> T {
    of[rng.below(of.len())]
}

fn between(rng: &mut SplitMix64, low: i64, high: i64) -> i64 {
    low + i64::try_from(rng.below(usize::try_from(high - low + 1).expect("a span"))).expect("a number")
}
