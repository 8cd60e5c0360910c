//! New calibrators from new evidence. The model stays as it is: what is recalibrated is a value of its own, with its own version and a
//! record of what it saw.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Refused, sound_span};
use crate::domain::UtcMs;
use crate::domain::time::DAY_MS;
use crate::ml::calibration::{Choice, Dated, Scored, choose};
use crate::ml::model::hex_digest;
use crate::ml::numbers::tidy;

/// Scores older than this teach nothing any more.
pub(super) const WINDOW_MS: i64 = 365 * DAY_MS;
/// Blocks in which the curves compete.
const BLOCK_MS: i64 = 30 * DAY_MS;
/// A new calibrator needs at least this many effective outcomes more than the last one knew, and this share of what that one saw.
pub const NEW_EVIDENCE_MIN: f64 = 30.0;
pub const NEW_EVIDENCE_SHARE: f64 = 0.1;

/// An out-of-sample score with its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    pub pair: u32,
    /// Decision.
    pub at: UtcMs,
    /// When the outcome was known.
    pub known: UtcMs,
    /// Deflated log odds.
    pub logit: f64,
    pub win: bool,
    /// Effective observations that it counts for; of a thinned row also those of the rows that were left out.
    pub weight: f64,
}

/// What a recalibrated curve saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of the model whose scores these are.
    pub model: String,
    pub fitted_at: UtcMs,
    /// First and last decision, and when the last outcome was known.
    pub from: UtcMs,
    pub to: UtcMs,
    pub known: UtcMs,
    /// Scores of the walk-forward and of the live model among them.
    pub walk_forward: u64,
    pub live: u64,
    pub n_eff: f64,
}

/// A calibrator with its origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recalibrated {
    /// `c-` and the first 8 hex digits of the hash of everything else.
    pub version: String,
    pub choice: Choice,
    pub record: Record,
}

impl Recalibrated {
    fn seal(choice: Choice, record: Record) -> Option<Self> {
        let bare = serde_json::to_string(&(&choice, &record)).ok()?;
        let hash: String = hex_digest(&bare).chars().take(8).collect();
        Some(Self { version: format!("c-{hash}"), choice, record })
    }

    /// Whether the content belongs to the version and can calibrate.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.choice.calibrator.is_sound()
            && Self::seal(self.choice.clone(), self.record.clone()).is_some_and(|own| own == *self)
    }
}

/// The scores of one model, and what its last calibrator knew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recalibration {
    model: String,
    /// Of the model's training.
    walk_forward: Vec<Observed>,
    /// Matured since, by decision time, then pair.
    live: VecDeque<Observed>,
    /// Outcomes known up to here were in the last calibrator; at first the model's own.
    used_up_to: UtcMs,
    /// What it was worth in effective outcomes.
    last_n_eff: f64,
}

impl Recalibration {
    /// For the model `version` with the walk-forward scores that its own calibrator was fitted on.
    ///
    /// # Errors
    /// [`Refused::OutOfRange`] when one of them is damaged.
    pub fn new(version: &str, walk_forward: Vec<Observed>) -> Result<Self, Refused> {
        if !walk_forward.iter().all(sound) {
            return Err(Refused::OutOfRange);
        }
        Ok(Self {
            model: version.to_owned(),
            used_up_to: walk_forward.iter().map(|o| o.known).max().unwrap_or(UtcMs(0)),
            last_n_eff: walk_forward.iter().map(|o| o.weight).sum(),
            walk_forward,
            live: VecDeque::new(),
        })
    }

    /// Takes a score whose outcome is known, heard at `now`.
    ///
    /// # Errors
    /// [`Refused::NotYet`], [`Refused::Twice`], [`Refused::OutOfRange`], and [`Refused::Past`] for a decision of more than twelve months ago.
    pub fn mature(&mut self, observed: Observed, now: UtcMs) -> Result<(), Refused> {
        if !sound(&observed) {
            return Err(Refused::OutOfRange);
        }
        if observed.known > now {
            return Err(Refused::NotYet { known: observed.known, now });
        }
        let oldest = now.plus(-WINDOW_MS);
        if observed.at < oldest {
            return Err(Refused::Past { at: observed.at, now: oldest });
        }
        match self.live.binary_search_by_key(&(observed.at, observed.pair), |o| (o.at, o.pair)) {
            Ok(_) => return Err(Refused::Twice(observed.at)),
            Err(place) => self.live.insert(place, observed),
        }
        while self.live.front().is_some_and(|o| o.at < oldest) {
            self.live.pop_front();
        }
        Ok(())
    }

    /// Effective outcomes that became known after what the last calibrator knew, up to `now`.
    #[must_use]
    pub fn new_evidence(&self, now: UtcMs) -> f64 {
        let usable = self.usable(now);
        usable.filter(|(o, live)| *live && o.known > self.used_up_to).map(|(o, _)| o.weight).sum()
    }

    /// What may teach at `now`: decisions of the last twelve months whose outcome is known; `true` for live ones.
    fn usable(&self, now: UtcMs) -> impl Iterator<Item = (&Observed, bool)> {
        let oldest = now.plus(-WINDOW_MS);
        let all = self.walk_forward.iter().map(|o| (o, false)).chain(self.live.iter().map(|o| (o, true)));
        all.filter(move |(o, _)| o.known <= now && o.at >= oldest)
    }

    /// A new calibrator, when at least [`NEW_EVIDENCE_MIN`] effective outcomes and [`NEW_EVIDENCE_SHARE`] of what the last one saw have become
    /// known since; else `None`. Nothing that is not known at `now` is used.
    pub fn refit(&mut self, now: UtcMs) -> Option<Recalibrated> {
        if self.new_evidence(now) < NEW_EVIDENCE_MIN.max(NEW_EVIDENCE_SHARE * self.last_n_eff) {
            return None;
        }
        let mut rows: Vec<(Observed, bool)> = self.usable(now).map(|(o, live)| (*o, live)).collect();
        rows.sort_by_key(|(o, live)| (o.at, o.pair, *live));
        let dated: Vec<Dated> = rows
            .iter()
            .map(|(o, _)| Dated {
                scored: Scored { logit: o.logit, win: o.win, weight: o.weight },
                at: o.at,
                known: o.known,
                block: u32::try_from(o.at.0.div_euclid(BLOCK_MS)).unwrap_or(0),
            })
            .collect();
        let choice = choose(&dated)?;
        let n_eff = dated.iter().map(|d| d.scored.weight).sum();
        let known = rows.iter().map(|(o, _)| o.known).max()?;
        let live = rows.iter().filter(|(_, live)| *live).count() as u64;
        let record = Record {
            model: self.model.clone(),
            fitted_at: now,
            from: rows.first()?.0.at,
            to: rows.last()?.0.at,
            known,
            walk_forward: rows.len() as u64 - live,
            live,
            n_eff: tidy(n_eff),
        };
        let made = Recalibrated::seal(choice, record)?;
        (self.used_up_to, self.last_n_eff) = (known, n_eff);
        Some(made)
    }

    /// Whether a state that was read back can go on.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let key = |o: &Observed| (o.at, o.pair);
        self.walk_forward.iter().chain(&self.live).all(sound)
            && self.live.iter().zip(self.live.iter().skip(1)).all(|(a, b)| key(a) < key(b))
            && self.last_n_eff.is_finite()
            && self.last_n_eff >= 0.0
    }
}

pub(super) fn sound(o: &Observed) -> bool {
    sound_span(o.pair, o.at, o.known) && o.logit.is_finite() && o.weight.is_finite() && o.weight >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;
    use crate::domain::time::HOUR_MS;
    use crate::ml::numbers::sigmoid;

    fn observed(rng: &mut SplitMix64, hour: i64, slope: f64, shift: f64) -> Observed {
        let (logit, at) = (4.0 * rng.unit() - 2.0, UtcMs(hour * HOUR_MS));
        let win = rng.unit() < sigmoid(slope * logit + shift);
        Observed { pair: 0, at, known: at.plus(5 * HOUR_MS), logit, win, weight: 0.5 }
    }

    fn started() -> (Recalibration, SplitMix64) {
        let mut rng = SplitMix64::new(&[61]);
        let past = (0..600).map(|i| observed(&mut rng, i * 4, 1.0, 0.0)).collect();
        (Recalibration::new("h24-0", past).unwrap(), rng)
    }

    #[test]
    fn learns_a_new_truth_once_there_is_enough_of_it() {
        let (mut state, mut rng) = started();
        let mut made = Vec::new();
        for i in 600..2_400 {
            let row = observed(&mut rng, i * 4, 0.5, -1.0);
            state.mature(row, row.known).unwrap();
            made.extend(state.refit(row.known).map(|m| (i - 599, m)));
        }
        assert_eq!(made[0].0, 60, "30 effective outcomes are more than a tenth of 300");
        assert_eq!(made[1].0 - made[0].0, 66, "a tenth of 330");
        let last = &made.last().unwrap().1;
        let truth = |s: f64| sigmoid(0.5 * s - 1.0);
        for s in [0.0, 1.5] {
            // A sixth of the window still is the old truth.
            let p = last.choice.calibrator.probability(s);
            assert!(
                (p - truth(s)).abs() < 0.15 && (p - truth(s)).abs() < (p - sigmoid(s)).abs(),
                "{s}: {p} {}",
                truth(s)
            );
        }
        assert!(last.is_sound() && made[0].1.version != last.version);
        let mut forged = last.clone();
        forged.record.live += 1;
        assert!(!forged.is_sound());
        let back: Recalibrated = serde_json::from_str(&serde_json::to_string(last).unwrap()).unwrap();
        assert!(back == *last && back.is_sound());
    }

    #[test]
    fn what_is_not_known_yet_changes_nothing() {
        let (mut state, mut rng) = started();
        let rows: Vec<Observed> = (600..900).map(|i| observed(&mut rng, i * 4, 1.0, 0.0)).collect();
        let now = rows[199].known;
        let late = rows[200];
        assert_eq!(state.mature(late, now), Err(Refused::NotYet { known: late.known, now }));
        let mut knows_more = state.clone();
        for row in &rows {
            knows_more.mature(*row, rows[299].known).unwrap();
            if row.known <= now {
                state.mature(*row, now).unwrap();
            }
        }
        let (one, other) = (state.refit(now).unwrap(), knows_more.refit(now).unwrap());
        assert_eq!(one, other, "later outcomes are not used, though they are held");
        assert_eq!(one.record.known, now);
        assert_eq!(state.refit(now), None, "the same evidence is not new twice");
    }

    #[test]
    fn twelve_months_and_no_more() {
        let (mut state, mut rng) = started();
        let start = 600 * 4 + 365 * 24;
        for i in 0..100 {
            let row = observed(&mut rng, start + i * 4, 1.0, 0.0);
            state.mature(row, row.known).unwrap();
        }
        let now = UtcMs((start + 404) * HOUR_MS);
        let made = state.refit(now).unwrap();
        assert_eq!((made.record.walk_forward, made.record.live), (0, 100));
        let old = observed(&mut rng, 1, 1.0, 0.0);
        assert!(matches!(state.mature(old, now), Err(Refused::Past { .. })));
    }

    #[test]
    fn a_restart_goes_on_with_the_same_bits() {
        let (mut through, mut rng) = started();
        let mut stopped = through.clone();
        for i in 600..800 {
            let row = observed(&mut rng, i * 4, 0.7, 0.2);
            for state in [&mut through, &mut stopped] {
                state.mature(row, row.known).unwrap();
            }
            assert_eq!(through.refit(row.known), stopped.refit(row.known));
            stopped = serde_json::from_str(&serde_json::to_string(&stopped).unwrap()).unwrap();
            assert!(stopped.is_sound());
        }
        assert_eq!(through, stopped);
        let held = through.live[0];
        assert_eq!(through.mature(held, held.known), Err(Refused::Twice(held.at)));
    }
}
