//! Faults on demand: what goes wrong, where, and how often.
//!
//! Serves tests and demos through the control API. In: [`Fault`]s (JSON) and the points that calls and frames pass; out: the faults that
//! strike there. Always true: chance comes from the seed, a spent fault is gone, and without faults nothing is asked.

mod texts;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::random::SplitMix64;
use crate::simulator::protocol::SimNs;

pub use texts::{
    cut_last, cut_ohlc, error_text, extra_fields, gateway_page, shift_times, unknown_word, without_symbol,
    wrong_checksum, wrong_type,
};

/// Everything that can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A page of a gateway instead of the answer (`status`, `when`).
    Html,
    /// `EService:Unavailable` (`when`).
    ServiceUnavailable,
    /// `EService:Busy` (`when`).
    Busy,
    /// `EGeneral:Internal error` (`when`).
    InternalError,
    /// The call is executed `ms` late.
    SlowBefore,
    /// The call is executed at once, answered `ms` late.
    SlowAfter,
    /// TCP reset after the request was read (`when`).
    Reset,
    TruncatedJson,
    EmptyBody,
    /// `result` is `value`, or `true`.
    WrongType,
    /// The order is placed, answered by a gateway page, and seen nowhere for `s` seconds.
    LateAppearance,
    /// Private REST views are `s` seconds old (ambient).
    RestLag,
    /// `EAPI:Invalid nonce`, nothing executed.
    NonceError,
    /// A private call arrives after the next one (or after two seconds).
    NonceReorder,
    /// `EAPI:Rate limit exceeded`.
    RateLimit,
    /// `EService:Throttled:<unix s>`, `s` seconds ahead.
    Throttled,
    /// `EOrder:Rate limit exceeded`.
    EngineLimit,
    /// `EGeneral:Temporary lockout`.
    Lockout,
    /// Time, timestamps and deadlines are off by `s` seconds (ambient).
    ClockSkew,
    /// The socket is closed (`when` for methods).
    WsClose,
    /// The socket stays open and silent.
    WsHalfOpen,
    /// A connect is refused with `status` (503).
    WsRefuse,
    /// A connect is refused with 429, and so are all others for `s` seconds.
    WsBan,
    DropFrame,
    DupFrame,
    /// A frame comes after the next one of its channel.
    Reorder,
    /// A fill is told twice, with the same `exec_id`.
    DupFill,
    /// On `executions`: a fill is told `s` seconds late. On a cancel: what it left is filled `s` seconds after the answer.
    LateFill,
    BadChecksum,
    /// No frames of the book for `s` seconds.
    StaleBook,
    CrossedBook,
    NoHeartbeat,
    MissingSnapshot,
    DataBeforeAck,
    /// `ESession:Invalid session`; the token is gone.
    TokenExpired,
    /// A known field (`field`) holds a word nobody knows.
    UnknownEnum,
    ExtraFields,
    SymbolOmitted,
    /// Status runs maintenance, `cancel_only`, `post_only`, online, `s` seconds each.
    Maintenance,
    /// `last` of Trades is cut short.
    MalformedLast,
    /// A row of OHLC is missing.
    OhlcGap,
}

/// Whether a call was executed when the fault struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    #[default]
    Before,
    After,
}

/// Where a fault may strike: every part that is given must agree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// `/0/private/AddOrder` or `AddOrder`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `add_order`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// `book`; also `heartbeat` and `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Any of the pair's names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// The first time that counts; earlier ones pass (1 = the first).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Given by the exchange.
    #[serde(default)]
    pub id: u64,
    pub kind: Kind,
    #[serde(default, rename = "match")]
    pub place: Match,
    /// How often it strikes.
    #[serde(default = "one")]
    pub count: u32,
    /// Chance to strike at a place that agrees.
    #[serde(default = "certain")]
    pub p: f64,
    #[serde(default)]
    pub when: Stage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s: Option<i64>,
    /// Ambient faults end by themselves after so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

const fn one() -> u32 {
    1
}

const fn certain() -> f64 {
    1.0
}

impl Fault {
    /// A fault that strikes once at the first place that agrees.
    #[must_use]
    pub fn new(kind: Kind, place: Match) -> Self {
        Self {
            id: 0,
            kind,
            place,
            count: 1,
            p: 1.0,
            when: Stage::Before,
            status: None,
            ms: None,
            s: None,
            for_s: None,
            field: None,
            value: None,
        }
    }

    /// Whether it acts by being there, not by striking.
    #[must_use]
    pub const fn ambient(&self) -> bool {
        matches!(self.kind, Kind::RestLag | Kind::ClockSkew)
    }

    /// `ms`, else `s`, else 15 seconds, in simulated milliseconds.
    #[must_use]
    pub fn delay_ms(&self) -> i64 {
        self.ms.map_or_else(|| self.span_ms(15), |ms| i64::try_from(ms).unwrap_or(i64::MAX))
    }

    /// `s` as simulated milliseconds.
    #[must_use]
    pub fn span_ms(&self, default_s: i64) -> i64 {
        self.s.unwrap_or(default_s).saturating_mul(1_000)
    }
}

/// What passes: a call, a method or a frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Point<'a> {
    pub path: Option<&'a str>,
    pub method: Option<&'a str>,
    pub channel: Option<&'a str>,
    /// v2 symbol.
    pub pair: Option<&'a str>,
}

#[derive(Debug, Clone)]
struct Armed {
    fault: Fault,
    seen: u32,
    left: u32,
    until: Option<SimNs>,
}

/// All faults that can still strike.
#[derive(Debug, Clone)]
pub struct Faults {
    armed: Vec<Armed>,
    chance: SplitMix64,
    next_id: u64,
}

impl Faults {
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { armed: Vec::new(), chance: SplitMix64::new(&[seed, 0xFA17]), next_id: 1 }
    }

    /// Whether nothing can go wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.armed.is_empty()
    }

    /// Arms a fault (its pair already as v2 symbol); its id.
    pub fn add(&mut self, now: SimNs, fault: Fault) -> u64 {
        let id = self.next_id;
        self.next_id = self.next_id.saturating_add(1);
        let until = fault.for_s.map(|s| now.plus_ms(s.saturating_mul(1_000)));
        self.armed.retain(|a| a.until.is_none_or(|until| now < until));
        self.armed.push(Armed { seen: 0, left: fault.count, until, fault: Fault { id, ..fault } });
        id
    }

    /// Disarms one fault, or all; how many there were.
    pub fn remove(&mut self, id: Option<u64>) -> usize {
        let before = self.armed.len();
        self.armed.retain(|a| id.is_some_and(|id| a.fault.id != id));
        before - self.armed.len()
    }

    /// The first fault of one of the kinds (and stage, if that matters) that strikes at the point.
    pub fn strike(&mut self, now: SimNs, point: Point<'_>, kinds: &[Kind], stage: Option<Stage>) -> Option<Fault> {
        if self.armed.is_empty() {
            return None;
        }
        let chance = &mut self.chance;
        let hit = self.armed.iter_mut().position(|a| {
            let f = &a.fault;
            let open = a.until.is_none_or(|until| now < until) && a.left > 0 && !f.ambient();
            if !open || !kinds.contains(&f.kind) || stage.is_some_and(|s| s != f.when) || !f.place.agrees(point) {
                return false;
            }
            a.seen = a.seen.saturating_add(1);
            a.seen >= f.place.nth.unwrap_or(1) && (f.p >= 1.0 || chance.unit() < f.p)
        })?;
        let armed = self.armed.get_mut(hit)?;
        armed.left = armed.left.saturating_sub(1);
        let fault = armed.fault.clone();
        self.armed.retain(|a| a.left > 0);
        Some(fault)
    }

    /// The ambient fault of that kind, if one is there.
    #[must_use]
    pub fn present(&self, now: SimNs, kind: Kind) -> Option<&Fault> {
        self.armed.iter().find(|a| a.fault.kind == kind && a.until.is_none_or(|until| now < until)).map(|a| &a.fault)
    }

    /// Every armed fault with its progress.
    #[must_use]
    pub fn list(&self) -> Value {
        self.armed
            .iter()
            .map(|a| json!({"fault": a.fault, "seen": a.seen, "left": a.left, "until": a.until.map(|t| t.0)}))
            .collect()
    }

    pub(super) fn fingerprint(&self) -> Value {
        json!([self.list(), self.next_id, self.chance.clone().next_u64()])
    }
}

impl Match {
    fn agrees(&self, point: Point<'_>) -> bool {
        let same = |wanted: &Option<String>, given: Option<&str>| wanted.as_deref().is_none_or(|w| given == Some(w));
        let path =
            self.path.as_deref().is_none_or(|w| point.path.is_some_and(|p| p == w || p.rsplit('/').next() == Some(w)));
        path && same(&self.method, point.method) && same(&self.channel, point.channel) && same(&self.pair, point.pair)
    }
}

#[cfg(test)]
mod tests;
