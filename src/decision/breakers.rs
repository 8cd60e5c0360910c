//! Risk breakers: what stops trading, how it is allowed again, and the state of trading that follows.
//!
//! A breaker is named by its cause. It is Closed while all is well, Open from a trip on, and after a cool-down HalfOpen: then trades on paper probe
//! whether trading would go well. Enough good probes close it, a bad one opens it again. Causes that halt trading are different: no time and no
//! probe helps, only a person closes them, by name. All of this is state that is written down and read back, so that a restart forgives nothing.
//!
//! Pure: times come in, changes go out. Times that run backwards never shorten a cool-down.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::time::{HOUR_MS, UtcMs};

/// What a breaker stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Loss of today at its limit.
    DailyLoss,
    /// Losing trades in a row at their limit.
    ConsecutiveLosses,
    /// Expected shortfall of the book above its limit.
    ExpectedShortfall,
    /// The exchange refuses too many orders.
    RejectedOrders,
    /// Loss of seven days at its limit.
    WeeklyLoss,
    /// Drawdown from peak equity at its stop.
    Drawdown,
    /// The exchange holds something else than we think.
    PositionMismatch,
    /// A person pulled it.
    KillSwitch,
}

impl Cause {
    pub const ALL: [Self; 8] = [
        Self::DailyLoss,
        Self::ConsecutiveLosses,
        Self::ExpectedShortfall,
        Self::RejectedOrders,
        Self::WeeklyLoss,
        Self::Drawdown,
        Self::PositionMismatch,
        Self::KillSwitch,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DailyLoss => "loss today",
            Self::ConsecutiveLosses => "losses in a row",
            Self::ExpectedShortfall => "expected shortfall",
            Self::RejectedOrders => "rejected orders",
            Self::WeeklyLoss => "loss 7 days",
            Self::Drawdown => "drawdown",
            Self::PositionMismatch => "position mismatch",
            Self::KillSwitch => "kill switch",
        }
    }

    /// What an open breaker makes of trading.
    #[must_use]
    pub const fn effect(self) -> TradingState {
        match self {
            Self::DailyLoss | Self::ConsecutiveLosses | Self::ExpectedShortfall | Self::RejectedOrders => {
                TradingState::Reducing
            }
            Self::WeeklyLoss | Self::Drawdown | Self::PositionMismatch | Self::KillSwitch => TradingState::Halted,
        }
    }

    /// Whether only a person closes it: whatever halts.
    #[must_use]
    pub const fn is_manual(self) -> bool {
        matches!(self.effect(), TradingState::Halted)
    }
}

/// What trading may do; the later, the less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradingState {
    #[default]
    Active,
    /// Exits only.
    Reducing,
    /// Nothing new, what is open is closed, and it stays so until a person says otherwise.
    Halted,
}

impl TradingState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Reducing => "reducing",
            Self::Halted => "halted",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", deny_unknown_fields)]
pub enum BreakerState {
    #[default]
    Closed,
    Open {
        since: UtcMs,
    },
    /// Probed by paper trades that were entered since then.
    HalfOpen {
        since: UtcMs,
        /// Good probes so far.
        good: u32,
    },
}

impl BreakerState {
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Closed)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half open",
        }
    }
}

/// One breaker.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    pub state: BreakerState,
    /// How often it has tripped in all.
    pub trips: u64,
    /// When and why it tripped last.
    pub last: Option<Trip>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trip {
    pub at: UtcMs,
    /// The value and its limit, in words.
    pub detail: String,
}

/// How an open breaker gets a second chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Open so long before it is probed.
    pub cool_down_ms: i64,
    /// Good probes that close it; at least 1.
    pub probes: u32,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { cool_down_ms: 24 * HOUR_MS, probes: 3 }
    }
}

/// Something that happens to the breakers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event", deny_unknown_fields)]
pub enum BreakerEvent {
    /// A limit is reached.
    Trip { cause: Cause, at: UtcMs, detail: String },
    /// Time has passed.
    Time { at: UtcMs },
    /// A paper trade ended; good if it made what it promised.
    Probe { entered: UtcMs, at: UtcMs, good: bool },
    /// A person closes a breaker.
    Reset { cause: Cause, at: UtcMs, by: String },
}

/// A breaker has changed its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub cause: Cause,
    pub at: UtcMs,
    pub from: BreakerState,
    pub to: BreakerState,
    pub why: String,
}

/// All breakers. A cause that is not in the map has never tripped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breakers {
    breakers: BTreeMap<Cause, Breaker>,
}

impl Breakers {
    /// The breaker of a cause; `None` if it has never tripped.
    #[must_use]
    pub fn get(&self, cause: Cause) -> Option<&Breaker> {
        self.breakers.get(&cause)
    }

    #[must_use]
    pub fn state(&self, cause: Cause) -> BreakerState {
        self.get(cause).map_or(BreakerState::Closed, |b| b.state)
    }

    /// Causes whose breakers are not closed, with them.
    pub fn active(&self) -> impl Iterator<Item = (Cause, &Breaker)> {
        self.breakers.iter().filter(|(_, b)| !b.state.is_closed()).map(|(cause, b)| (*cause, b))
    }

    /// What trading may do: the least that any breaker leaves. One that is half open has real money wait for its probes.
    #[must_use]
    pub fn trading(&self) -> TradingState {
        self.active().map(|(cause, _)| cause.effect()).max().unwrap_or_default()
    }

    /// Takes an event; the changes it made, in the order of causes.
    pub fn apply(&mut self, event: &BreakerEvent, policy: &BreakerPolicy) -> Vec<Change> {
        match event {
            BreakerEvent::Trip { cause, at, detail } => self.trip(*cause, *at, detail).into_iter().collect(),
            BreakerEvent::Time { at } => self.pass_time(*at, policy),
            BreakerEvent::Probe { entered, at, good } => self.probe(*entered, *at, *good, policy),
            BreakerEvent::Reset { cause, at, by } => self.reset(*cause, *at, by).into_iter().collect(),
        }
    }

    /// Opens a breaker. One that is open already stays so, and its cool-down begins anew.
    pub fn trip(&mut self, cause: Cause, at: UtcMs, detail: &str) -> Option<Change> {
        let breaker = self.breakers.entry(cause).or_default();
        breaker.trips = breaker.trips.saturating_add(1);
        breaker.last = Some(Trip { at, detail: detail.to_owned() });
        let since = match breaker.state {
            BreakerState::Open { since } | BreakerState::HalfOpen { since, .. } => at.max(since),
            BreakerState::Closed => at,
        };
        let from = std::mem::replace(&mut breaker.state, BreakerState::Open { since });
        let was_open = matches!(from, BreakerState::Open { .. });
        (!was_open).then(|| Change { cause, at, from, to: breaker.state, why: detail.to_owned() })
    }

    /// Lets what has cooled down be probed. Manual breakers never cool down.
    pub fn pass_time(&mut self, at: UtcMs, policy: &BreakerPolicy) -> Vec<Change> {
        self.change(at, |cause, state| match state {
            BreakerState::Open { since } if !cause.is_manual() && at.since(since) >= policy.cool_down_ms.max(0) => {
                Some((BreakerState::HalfOpen { since: at, good: 0 }, "cooled down".to_owned()))
            }
            _ => None,
        })
    }

    /// The outcome of a paper trade for every half-open breaker that was so when the trade was `entered`.
    pub fn probe(&mut self, entered: UtcMs, at: UtcMs, good: bool, policy: &BreakerPolicy) -> Vec<Change> {
        self.change(at, |cause, state| match state {
            BreakerState::HalfOpen { since, .. } if entered < since || cause.is_manual() => None,
            BreakerState::HalfOpen { since, .. } if !good => {
                Some((BreakerState::Open { since: at.max(since) }, "a probe went badly".to_owned()))
            }
            BreakerState::HalfOpen { since, good } => {
                let good = good.saturating_add(1);
                let enough = good >= policy.probes;
                let why = format!("{good} of {} probes went well", policy.probes.max(1));
                Some((if enough { BreakerState::Closed } else { BreakerState::HalfOpen { since, good } }, why))
            }
            BreakerState::Closed | BreakerState::Open { .. } => None,
        })
    }

    /// A person, by name, closes a breaker.
    pub fn reset(&mut self, cause: Cause, at: UtcMs, by: &str) -> Option<Change> {
        let breaker = self.breakers.get_mut(&cause).filter(|b| !b.state.is_closed())?;
        let from = std::mem::take(&mut breaker.state);
        Some(Change { cause, at, from, to: BreakerState::Closed, why: format!("reset by {by}") })
    }

    /// Moves every breaker for which `next` names a state and a reason.
    fn change(
        &mut self,
        at: UtcMs,
        next: impl Fn(Cause, BreakerState) -> Option<(BreakerState, String)>,
    ) -> Vec<Change> {
        let moved = |(cause, breaker): (&Cause, &mut Breaker)| {
            let (to, why) = next(*cause, breaker.state)?;
            let from = std::mem::replace(&mut breaker.state, to);
            Some(Change { cause: *cause, at, from, to, why })
        };
        self.breakers.iter_mut().filter_map(moved).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: BreakerPolicy = BreakerPolicy { cool_down_ms: 1_000, probes: 2 };

    fn tripped(cause: Cause) -> Breakers {
        let mut breakers = Breakers::default();
        let change = breakers.trip(cause, UtcMs(0), "2.1 % of 2 %").unwrap();
        assert_eq!((change.from, change.to), (BreakerState::Closed, BreakerState::Open { since: UtcMs(0) }));
        breakers
    }

    #[test]
    fn probes_close_what_has_cooled_down() {
        let mut breakers = tripped(Cause::DailyLoss);
        assert_eq!(breakers.trading(), TradingState::Reducing);
        assert_eq!(breakers.pass_time(UtcMs(999), &POLICY), []);
        assert_eq!(breakers.pass_time(UtcMs(1_000), &POLICY).len(), 1);
        assert_eq!(breakers.trading(), TradingState::Reducing, "real money waits for the probes");
        assert_eq!(breakers.probe(UtcMs(900), UtcMs(1_500), true, &POLICY), [], "entered before it was half open");
        assert_eq!(breakers.probe(UtcMs(1_100), UtcMs(1_600), true, &POLICY)[0].why, "1 of 2 probes went well");
        assert_eq!(breakers.probe(UtcMs(1_200), UtcMs(1_700), true, &POLICY)[0].to, BreakerState::Closed);
        assert_eq!(breakers.trading(), TradingState::Active);
        let breaker = breakers.get(Cause::DailyLoss).unwrap();
        assert_eq!((breaker.trips, breaker.last.as_ref().unwrap().detail.as_str()), (1, "2.1 % of 2 %"));
    }

    #[test]
    fn a_bad_probe_and_a_new_trip_open_it_again() {
        let mut breakers = tripped(Cause::ConsecutiveLosses);
        breakers.pass_time(UtcMs(1_000), &POLICY);
        breakers.probe(UtcMs(1_100), UtcMs(1_200), true, &POLICY);
        let bad = breakers.probe(UtcMs(1_100), UtcMs(1_300), false, &POLICY);
        assert_eq!(bad[0].to, BreakerState::Open { since: UtcMs(1_300) });
        assert_eq!(breakers.pass_time(UtcMs(2_200), &POLICY), [], "the cool-down begins anew");
        assert_eq!(breakers.trip(Cause::ConsecutiveLosses, UtcMs(2_250), "again"), None, "it was open");
        assert_eq!(breakers.pass_time(UtcMs(3_249), &POLICY), []);
        breakers.pass_time(UtcMs(3_250), &POLICY);
        assert_eq!(breakers.state(Cause::ConsecutiveLosses), BreakerState::HalfOpen { since: UtcMs(3_250), good: 0 });
        assert!(breakers.trip(Cause::ConsecutiveLosses, UtcMs(3_300), "again").is_some());
    }

    #[test]
    fn what_halts_waits_for_a_person() {
        for cause in [Cause::Drawdown, Cause::PositionMismatch, Cause::WeeklyLoss, Cause::KillSwitch] {
            let mut breakers = tripped(cause);
            assert_eq!(breakers.trading(), TradingState::Halted);
            assert_eq!(breakers.pass_time(UtcMs(i64::MAX), &POLICY), []);
            assert_eq!(breakers.probe(UtcMs(5), UtcMs(6), true, &POLICY), []);
            let change = breakers.reset(cause, UtcMs(7), "anna").unwrap();
            assert_eq!((change.to, change.why.as_str()), (BreakerState::Closed, "reset by anna"));
            assert_eq!(breakers.trading(), TradingState::Active);
            assert_eq!(breakers.reset(cause, UtcMs(8), "anna"), None);
        }
    }

    #[test]
    fn the_strictest_breaker_decides() {
        let mut breakers = tripped(Cause::DailyLoss);
        breakers.trip(Cause::Drawdown, UtcMs(5), "15 % of 15 %");
        assert_eq!(breakers.trading(), TradingState::Halted);
        breakers.reset(Cause::Drawdown, UtcMs(6), "anna");
        assert_eq!(breakers.trading(), TradingState::Reducing);
    }

    #[test]
    fn a_clock_that_runs_backwards_forgives_nothing() {
        let mut breakers = tripped(Cause::DailyLoss);
        assert_eq!(breakers.trip(Cause::DailyLoss, UtcMs(-5_000), "again"), None);
        assert_eq!(breakers.pass_time(UtcMs(999), &POLICY), []);
        assert_eq!(breakers.pass_time(UtcMs(i64::MIN), &POLICY), []);
    }

    #[test]
    fn a_state_with_unknown_words_is_refused() {
        let text = serde_json::to_string(&tripped(Cause::Drawdown)).unwrap();
        assert!(text.contains(r#""drawdown":{"state":{"state":"open","since":0}"#), "{text}");
        for bad in [text.replace("open", "ajar"), text.replace("trips", "trip"), text.replace("drawdown", "mood")] {
            assert!(serde_json::from_str::<Breakers>(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_probe_closes_a_halt_that_was_read_as_half_open() {
        let text =
            r#"{"breakers":{"drawdown":{"state":{"state":"half_open","since":0,"good":9},"trips":1,"last":null}}}"#;
        let mut breakers: Breakers = serde_json::from_str(text).unwrap();
        assert_eq!(breakers.probe(UtcMs(1), UtcMs(2), true, &POLICY), []);
        assert_eq!(breakers.trading(), TradingState::Halted);
        assert!(breakers.reset(Cause::Drawdown, UtcMs(3), "anna").is_some());
    }

    fn events() -> impl Strategy<Value = Vec<BreakerEvent>> {
        let cause = || proptest::sample::select(Cause::ALL.to_vec());
        let at = || (0_i64..20_000).prop_map(UtcMs);
        let event = prop_oneof![
            2 => (cause(), at()).prop_map(|(cause, at)| BreakerEvent::Trip { cause, at, detail: "limit".to_owned() }),
            4 => at().prop_map(|at| BreakerEvent::Time { at }),
            4 => (at(), at(), proptest::bool::weighted(0.8))
                .prop_map(|(entered, at, good)| BreakerEvent::Probe { entered, at, good }),
            1 => (cause(), at()).prop_map(|(cause, at)| BreakerEvent::Reset { cause, at, by: "anna".to_owned() }),
        ];
        proptest::collection::vec(event, 0..80)
    }

    proptest! {
        #[test]
        fn nothing_skips_the_probes_but_a_person(events in events()) {
            let mut breakers = Breakers::default();
            let mut good: BTreeMap<Cause, u32> = BTreeMap::new();
            for event in events {
                let person = matches!(event, BreakerEvent::Reset { .. });
                let before = breakers.trading();
                for change in breakers.apply(&event, &POLICY) {
                    prop_assert_eq!(breakers.state(change.cause), change.to);
                    let closed = change.to.is_closed();
                    if closed && !person {
                        prop_assert!(matches!(change.from, BreakerState::HalfOpen { .. }), "{change:?}");
                        prop_assert!(!change.cause.is_manual());
                        prop_assert_eq!(good.get(&change.cause).copied().unwrap_or(0) + 1, POLICY.probes);
                    }
                    match change.to {
                        BreakerState::HalfOpen { good: so_far, .. } => good.insert(change.cause, so_far),
                        _ => good.remove(&change.cause),
                    };
                }
                if before == TradingState::Halted && !person {
                    prop_assert_eq!(breakers.trading(), TradingState::Halted);
                }
                if matches!(event, BreakerEvent::Trip { .. }) {
                    prop_assert!(breakers.trading() >= before, "a trip only ever tightens");
                }
            }
        }

        #[test]
        fn a_restart_changes_nothing(events in events(), cut in 0_usize..80) {
            let mut lasting = Breakers::default();
            let mut restarted = Breakers::default();
            for (i, event) in events.iter().enumerate() {
                if i == cut {
                    restarted = serde_json::from_str(&serde_json::to_string(&restarted).unwrap()).unwrap();
                }
                prop_assert_eq!(lasting.apply(event, &POLICY), restarted.apply(event, &POLICY));
            }
            prop_assert_eq!(lasting, restarted);
        }
    }
}
