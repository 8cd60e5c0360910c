//! Whether the data of a pair can be trusted: one machine, fed with what speaks against them.
//!
//! Every cause belongs to one state, and the state is that of the worst open cause. Without any the data are proven — except that after
//! something wrong they have to prove themselves for a while: they catch up, on probation. A resolved outlier was nothing wrong.

use crate::domain::quality::{Trust, TrustState};
use crate::domain::{RejectReason, UtcMs};

/// What can speak against the data of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A row was refused a short while ago.
    Refused,
    /// A second source says something else than a candle that was taken.
    Contradicted,
    /// A price far from those before it, and nothing has confirmed it.
    Outlier,
    /// The same candle again and again.
    Frozen,
    /// Prices have lost their last digits.
    Rounded,
    /// A volume beyond anything before it.
    Burst,
    /// No bar has come for too long.
    NoBars,
    /// The book has not been told for too long, or is not sound.
    Book,
    /// The data were handed over long after their time.
    Late,
    /// The link to the source can't vouch for them.
    Link,
    /// The windows are not filled since the beginning or the last hole.
    Windows,
    /// Something wrong has just ended.
    Probation,
}

impl Cause {
    /// Worst first: the order in which reasons are named.
    pub const ALL: [Self; 12] = [
        Self::Contradicted,
        Self::Refused,
        Self::Outlier,
        Self::Frozen,
        Self::Rounded,
        Self::Burst,
        Self::Late,
        Self::NoBars,
        Self::Book,
        Self::Link,
        Self::Probation,
        Self::Windows,
    ];

    /// Whether the data have to prove themselves when it has ended.
    const fn leaves_doubt(self) -> bool {
        matches!(self.state(), TrustState::Quarantined) && !matches!(self, Self::Outlier)
    }

    /// The state that the data are in while this is the worst cause.
    #[must_use]
    pub const fn state(self) -> TrustState {
        match self {
            Self::Refused | Self::Contradicted | Self::Outlier | Self::Frozen | Self::Rounded | Self::Burst => {
                TrustState::Quarantined
            }
            Self::NoBars | Self::Book | Self::Late => TrustState::Stale,
            Self::Link | Self::Windows | Self::Probation => TrustState::CatchingUp,
        }
    }
}

/// Everything that speaks against the data of a pair at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings(Vec<(Cause, String)>);

impl Findings {
    pub fn add(&mut self, cause: Cause, words: impl Into<String>) {
        self.0.push((cause, words.into()));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn holds(&self, cause: Cause) -> bool {
        self.0.iter().any(|(c, _)| *c == cause)
    }

    /// The worst of them; of equals the first that was added.
    #[must_use]
    pub fn worst(&self) -> Option<(Cause, &str)> {
        let found = |cause| self.0.iter().find(|(c, _)| *c == cause).map(|(c, words)| (*c, words.as_str()));
        Cause::ALL.into_iter().find_map(found)
    }
}

/// The machine of one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustMachine {
    trust: Trust,
    /// How long data must stay sound before they count as proven again.
    probation_ms: i64,
    /// When something wrong was open last.
    wrong_at: Option<UtcMs>,
}

impl TrustMachine {
    #[must_use]
    pub fn new(probation_ms: i64) -> Self {
        let trust = Trust { reason: Some("nothing has come yet".to_owned()), ..Trust::default() };
        Self { trust, probation_ms, wrong_at: None }
    }

    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Takes what is found at `at`; whether the state or its reason changed.
    pub fn observe(&mut self, at: UtcMs, findings: &Findings) -> bool {
        if findings.0.iter().any(|(cause, _)| cause.leaves_doubt()) {
            self.wrong_at = Some(at);
        }
        match (findings.worst(), self.probation_end(at)) {
            (Some((cause, words)), _) if cause.state() > TrustState::CatchingUp => {
                self.enter(at, cause.state(), Some(words))
            }
            (_, Some(end)) => {
                let words = format!("on probation until {}", end.minute());
                self.enter(at, Cause::Probation.state(), Some(&words))
            }
            (Some((cause, words)), None) => self.enter(at, cause.state(), Some(words)),
            (None, None) => self.enter(at, TrustState::Proven, None),
        }
    }

    /// End of the probation, while it lasts.
    fn probation_end(&self, at: UtcMs) -> Option<UtcMs> {
        self.wrong_at.map(|wrong| wrong.plus(self.probation_ms)).filter(|end| at < *end)
    }

    fn enter(&mut self, at: UtcMs, state: TrustState, reason: Option<&str>) -> bool {
        if state != self.trust.state {
            self.trust = Trust { state, since: at, reason: reason.map(str::to_owned) };
            return true;
        }
        if self.trust.reason.as_deref() == reason {
            return false;
        }
        self.trust.reason = reason.map(str::to_owned);
        true
    }
}

/// Remembers refusals for as long as they keep a pair in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refusals {
    last: Option<(UtcMs, RejectReason)>,
}

impl Refusals {
    pub const fn note(&mut self, at: UtcMs, reason: RejectReason) {
        self.last = Some((at, reason));
    }

    #[must_use]
    pub fn last(&self) -> Option<RejectReason> {
        self.last.map(|(_, reason)| reason)
    }

    /// Adds the cause while the last refusal is younger than `for_ms`.
    pub fn tell(&self, at: UtcMs, for_ms: i64, findings: &mut Findings) {
        if let Some((when, reason)) = self.last.filter(|(when, _)| at.since(*when) < for_ms) {
            findings.add(Cause::Refused, format!("a row was refused at {}: {}", when.minute(), reason.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn findings(causes: &[Cause]) -> Findings {
        let mut findings = Findings::default();
        for cause in causes {
            findings.add(*cause, format!("{cause:?}"));
        }
        findings
    }

    fn states(steps: &[(i64, &[Cause])]) -> Vec<TrustState> {
        let mut machine = TrustMachine::new(HOUR);
        steps
            .iter()
            .map(|(at, causes)| {
                machine.observe(UtcMs(*at), &findings(causes));
                machine.trust().state
            })
            .collect()
    }

    #[test]
    fn the_worst_cause_gives_the_state() {
        use TrustState as S;
        let mut machine = TrustMachine::new(HOUR);
        assert_eq!(machine.trust().state, S::CatchingUp);
        for (at, causes, state, reason) in [
            (1, vec![Cause::Windows], S::CatchingUp, Some("Windows")),
            (2, vec![], S::Proven, None),
            (3, vec![Cause::Windows, Cause::NoBars], S::Stale, Some("NoBars")),
            (4, vec![Cause::Windows, Cause::NoBars, Cause::Outlier], S::Quarantined, Some("Outlier")),
            (5, vec![Cause::Outlier, Cause::Contradicted], S::Quarantined, Some("Contradicted")),
        ] {
            assert!(machine.observe(UtcMs(at), &findings(&causes)));
            assert_eq!((machine.trust().state, machine.trust().reason.as_deref()), (state, reason), "{at}");
        }
        assert_eq!(machine.trust().since, UtcMs(4), "the state has not changed with its reason");
        assert!(!machine.observe(UtcMs(6), &findings(&[Cause::Contradicted])));
    }

    #[test]
    fn what_was_wrong_is_followed_by_a_probation() {
        use TrustState as S;
        let got = states(&[
            (0, &[]),
            (1, &[Cause::Refused]),
            (2, &[]),
            (HOUR, &[]),
            (HOUR + 1, &[]),
            (HOUR + 3, &[Cause::Frozen]),
            (HOUR + 4, &[Cause::NoBars]),
            (HOUR + 5, &[]),
            (HOUR + 6, &[Cause::Refused]),
            (HOUR + 7, &[]),
            (2 * HOUR + 5, &[]),
            (2 * HOUR + 6, &[Cause::Outlier]),
            (2 * HOUR + 7, &[]),
        ]);
        assert_eq!(
            got,
            [
                S::Proven,
                S::Quarantined,
                S::CatchingUp,
                S::CatchingUp,
                S::Proven,
                S::Quarantined,
                S::Stale,
                S::CatchingUp,
                S::Quarantined,
                S::CatchingUp,
                S::CatchingUp,
                S::Quarantined,
                S::Proven,
            ]
        );
    }

    #[test]
    fn a_refusal_speaks_for_its_time() {
        let mut refusals = Refusals::default();
        let told = |refusals: &Refusals, at: i64| {
            let mut findings = Findings::default();
            refusals.tell(UtcMs(at), HOUR, &mut findings);
            findings.holds(Cause::Refused)
        };
        assert!(!told(&refusals, 0));
        refusals.note(UtcMs(5), RejectReason::OffGrid);
        assert!(told(&refusals, 5) && told(&refusals, HOUR + 4) && !told(&refusals, HOUR + 5));
    }

    fn any_findings() -> impl Strategy<Value = Vec<Cause>> {
        prop::collection::vec(prop::sample::select(Cause::ALL.to_vec()), 0..4)
    }

    proptest! {
        #[test]
        fn never_proven_while_any_cause_is_open(steps in prop::collection::vec((1_i64..2 * HOUR, any_findings()), 1..60)) {
            let mut machine = TrustMachine::new(HOUR);
            let mut at = 0;
            let mut wrong_at = None;
            for (wait, causes) in steps {
                at += wait;
                let (before, since) = (machine.trust().state, machine.trust().since);
                let changed = machine.observe(UtcMs(at), &findings(&causes));
                let now = machine.trust();
                // The state is that of the worst cause, or better told: never better than it.
                let worst = causes.iter().map(|c| c.state()).max().unwrap_or(TrustState::Proven);
                prop_assert!(now.state >= worst);
                prop_assert_eq!(now.state == TrustState::Proven, now.reason.is_none());
                prop_assert!(now.state != TrustState::Proven || causes.is_empty());
                // After something wrong nothing is proven before the probation is over.
                if causes.iter().any(|c| c.leaves_doubt()) {
                    wrong_at = Some(at);
                }
                if let (TrustState::Proven, Some(when)) = (now.state, wrong_at) {
                    prop_assert!(at - when >= HOUR);
                }
                prop_assert_eq!(now.since == UtcMs(at), now.state != before);
                prop_assert!(now.since >= since && (now.state == before || changed));
            }
        }

        #[test]
        fn the_order_of_findings_does_not_matter(mut causes in any_findings(), at in 0_i64..HOUR) {
            let mut one = TrustMachine::new(HOUR);
            let mut other = one.clone();
            one.observe(UtcMs(at), &findings(&causes));
            causes.reverse();
            other.observe(UtcMs(at), &findings(&causes));
            prop_assert_eq!(one, other);
        }
    }
}
