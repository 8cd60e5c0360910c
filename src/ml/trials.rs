//! The ledger of trials: every configuration that was ever judged, so that the best of many is not taken for skill.
//!
//! A pure value; the file that holds it, one JSON line per entry, belongs to another room. Each entry holds the hash of the one
//! before, so that a line that was changed, removed or moved shows. Lines cut off at the end show only against the last
//! hash ([`Ledger::head`]) kept elsewhere: on each model's card.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::numbers::correlation;
use super::overfit::{Track, best_of_noise, sharpe_variance};
use crate::domain::{Horizon, UtcMs};

/// One configuration judged once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// When it was judged.
    pub at: UtcMs,
    /// Hash of everything that was chosen: features, models, parameters, seeds.
    pub configuration: String,
    pub horizon: Horizon,
    /// Data that it saw: `from..to`.
    pub from: UtcMs,
    pub to: UtcMs,
    /// Its out-of-sample returns per bar.
    pub track: Track,
    /// Whether it was judged on the final hold-out.
    pub hold_out: bool,
}

/// A trial in the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Place in the ledger, from 1.
    pub id: u64,
    pub trial: Trial,
    /// Hash of the entry before; of the first: [`ORIGIN`].
    pub previous: String,
    /// SHA-256 over id, trial and `previous`, in hex.
    pub hash: String,
}

/// What the first entry holds as the hash before it.
pub const ORIGIN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Why a ledger or a trial is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error("line {line} of the trial ledger is not an entry: {why}")]
    Unreadable { line: usize, why: String },
    #[error("entry {id} of the trial ledger was changed after it was written")]
    Changed { id: u64 },
    #[error("entry {id} of the trial ledger does not follow the one before: something was removed, inserted or moved")]
    Broken { id: u64 },
    #[error("the trial ledger does not contain '{head}', which was its last entry once: its end was removed")]
    Shortened { head: String },
    #[error("a trial needs a configuration, a range of data that is not empty, and a track of finite numbers")]
    Unsound,
}

impl Entry {
    /// The entry as one line of JSON, without the line break.
    ///
    /// # Errors
    /// The writer's complaint in words.
    pub fn line(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|e| e.to_string())
    }

    fn digest(id: u64, trial: &Trial, previous: &str) -> Option<String> {
        let text = serde_json::to_string(&(id, trial, previous)).ok()?;
        Some(Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// What the ledger says about a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deflated {
    /// Configurations ever tried, the candidate's among them if it was entered.
    pub configurations: usize,
    /// How many independent ones they are worth.
    pub effective: f64,
    /// Variance of their Sharpe ratios.
    pub variance: f64,
    /// Sharpe ratio that the best of as many worthless ones would be expected to show.
    pub benchmark: f64,
    /// Probability that the candidate's true Sharpe ratio is above the benchmark.
    pub probability: f64,
}

/// |Correlation| of returns above which two configurations count as one.
pub const SAME_TRIAL: f64 = 0.9;

/// All trials in the order in which they were entered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// Reads the lines of a ledger (blank ones are skipped) and verifies the chain.
    ///
    /// # Errors
    /// [`LedgerError`] with the line or entry.
    pub fn read(lines: &str) -> Result<Self, LedgerError> {
        let numbered = lines.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
        let entry = |(i, text): (usize, &str)| {
            serde_json::from_str(text).map_err(|e| LedgerError::Unreadable { line: i + 1, why: e.to_string() })
        };
        let ledger = Self { entries: numbered.map(entry).collect::<Result<_, _>>()? };
        ledger.verify()?;
        Ok(ledger)
    }

    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Hash of the last entry; of an empty ledger [`ORIGIN`].
    #[must_use]
    pub fn head(&self) -> &str {
        self.entries.last().map_or(ORIGIN, |e| &e.hash)
    }

    /// Enters a trial and gives its entry, for the file.
    ///
    /// # Errors
    /// [`LedgerError::Unsound`] for a trial that says nothing.
    pub fn append(&mut self, trial: Trial) -> Result<&Entry, LedgerError> {
        if trial.configuration.is_empty() || trial.from >= trial.to || !trial.track.is_sound() {
            return Err(LedgerError::Unsound);
        }
        let id = self.entries.len() as u64 + 1;
        let previous = self.head().to_owned();
        let hash = Entry::digest(id, &trial, &previous).ok_or(LedgerError::Unsound)?;
        self.entries.push(Entry { id, trial, previous, hash });
        self.entries.last().ok_or(LedgerError::Unsound)
    }

    /// Whether every entry is as it was written and follows the one before.
    ///
    /// # Errors
    /// The first entry at which the chain does not hold.
    pub fn verify(&self) -> Result<(), LedgerError> {
        let mut previous = ORIGIN;
        for (entry, id) in self.entries.iter().zip(1_u64..) {
            if entry.id != id || entry.previous != previous {
                return Err(LedgerError::Broken { id: entry.id });
            }
            if Entry::digest(id, &entry.trial, previous).as_ref() != Some(&entry.hash) {
                return Err(LedgerError::Changed { id });
            }
            previous = &entry.hash;
        }
        Ok(())
    }

    /// [`Ledger::verify`], and that an earlier [`Ledger::head`] is still in it.
    ///
    /// # Errors
    /// As [`Ledger::verify`]; [`LedgerError::Shortened`] when that entry is gone.
    pub fn verify_since(&self, head: &str) -> Result<(), LedgerError> {
        self.verify()?;
        let known = head == ORIGIN || self.entries.iter().any(|e| e.hash == head);
        if known { Ok(()) } else { Err(LedgerError::Shortened { head: head.to_owned() }) }
    }

    /// Last walk-forward of each configuration and horizon (of one that was only held out, that), in the order of configuration, then horizon.
    /// Judging one again is no new try.
    fn latest(&self) -> Vec<&Trial> {
        let key = |e: &'_ Entry| (e.trial.configuration.clone(), e.trial.horizon.0);
        let (held, walked): (Vec<&Entry>, Vec<&Entry>) = self.entries.iter().partition(|e| e.trial.hold_out);
        let latest: BTreeMap<_, _> = held.into_iter().chain(walked).map(|e| (key(e), &e.trial)).collect();
        latest.into_values().collect()
    }

    /// Number of configurations ever tried; the same at another horizon is another.
    #[must_use]
    pub fn configurations(&self) -> usize {
        self.latest().len()
    }

    /// Variance of the Sharpe ratios of all configurations; `None` for fewer than two.
    #[must_use]
    pub fn sharpe_variance(&self) -> Option<f64> {
        sharpe_variance(&self.latest().iter().map(|t| t.track.sharpe).collect::<Vec<_>>())
    }

    /// How often time since `from` was looked at as a hold-out of this horizon. Above one it is no hold-out any more.
    #[must_use]
    pub fn hold_out_uses(&self, horizon: Horizon, from: UtcMs) -> usize {
        let used = |t: &Trial| t.hold_out && t.horizon == horizon && t.to > from;
        self.entries.iter().filter(|e| used(&e.trial)).count()
    }

    /// How many independent configurations the ledger is worth: those whose returns are given (one series per configuration, on
    /// common bars) count as [`clusters`] of them, each of the others as one.
    #[must_use]
    pub fn effective(&self, returns: &[Vec<f64>]) -> f64 {
        let all = self.configurations();
        let given = returns.len().min(all);
        (all - given + clusters(returns).min(given)) as f64
    }

    /// The candidate's Sharpe ratio deflated by all that was tried. Enter the candidate first: it is one of the tries. `returns` as
    /// in [`Ledger::effective`]; without them every configuration counts. `None` for an empty ledger or an unsound track.
    #[must_use]
    pub fn deflated_sharpe(&self, candidate: &Track, returns: &[Vec<f64>]) -> Option<Deflated> {
        let configurations = self.configurations();
        let effective = self.effective(returns);
        // A single trial has no scatter, and needs none: the best of one is not deflated.
        let variance = if configurations == 1 { 0.0 } else { self.sharpe_variance()? };
        let benchmark = best_of_noise(variance, effective)?;
        let probability = candidate.is_sound().then(|| candidate.probabilistic_sharpe(benchmark))??;
        Some(Deflated { configurations, effective, variance, benchmark, probability })
    }
}

/// Number of clusters of return series in which every two correlate by more than [`SAME_TRIAL`]. Series join the first cluster that
/// takes them; what cannot be compared (other length, constant) stands alone, the side that admits more trials.
#[must_use]
pub fn clusters(returns: &[Vec<f64>]) -> usize {
    let mut found: Vec<Vec<&Vec<f64>>> = Vec::new();
    let same = |a: &[f64], b: &[f64]| correlation(a, b).is_some_and(|c| c.abs() > SAME_TRIAL);
    for series in returns {
        match found.iter_mut().find(|members| members.iter().all(|m| same(m, series))) {
            Some(members) => members.push(series),
            None => found.push(vec![series]),
        }
    }
    found.len()
}

#[cfg(test)]
mod tests {
    use super::super::testkit::close_enough;
    use super::*;
    use crate::domain::random::SplitMix64;

    fn trial(i: i64, configuration: &str, sharpe: f64) -> Trial {
        let track = Track { sharpe, n: 1_000.0, skewness: -0.3, kurtosis: 5.0 };
        let (from, to) = (UtcMs(0), UtcMs(1_000));
        Trial {
            at: UtcMs(i),
            configuration: configuration.to_owned(),
            horizon: Horizon::H24,
            from,
            to,
            track,
            hold_out: i == 2,
        }
    }

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        for (i, sharpe) in (0..).zip([0.01, -0.02, 0.1 + 0.2 / 7.0, 0.04, 0.011]) {
            ledger.append(trial(i, &format!("c{}", i % 4), sharpe)).unwrap();
        }
        ledger
    }

    fn lines(ledger: &Ledger) -> Vec<String> {
        ledger.entries().iter().map(|e| e.line().unwrap()).collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let ledger = ledger();
        assert_eq!(Ledger::read(&lines(&ledger).join("\n")), Ok(ledger.clone()));
        assert_eq!(Ledger::read("\n"), Ok(Ledger::default()));
        assert!(matches!(Ledger::read("\n{}"), Err(LedgerError::Unreadable { line: 2, .. })));
        assert_eq!((ledger.configurations(), ledger.hold_out_uses(Horizon::H24, UtcMs(i64::MIN))), (4, 1));
        // The last word of a configuration counts.
        let sharpes = [0.011, -0.02, 0.1 + 0.2 / 7.0, 0.04];
        assert_eq!(ledger.sharpe_variance(), sharpe_variance(&sharpes));
    }

    #[test]
    fn whatever_is_taken_away_shows() {
        let whole = ledger();
        let all = lines(&whole);
        for i in 0..all.len() {
            let mut cut = all.clone();
            cut.remove(i);
            let read = Ledger::read(&cut.join("\n"));
            if i + 1 < all.len() {
                assert_eq!(read, Err(LedgerError::Broken { id: i as u64 + 2 }));
            } else {
                let short = read.unwrap();
                assert!(matches!(short.verify_since(whole.head()), Err(LedgerError::Shortened { .. })));
                assert_eq!(whole.verify_since(short.head()), Ok(()));
                assert_eq!(whole.verify_since(Ledger::default().head()), Ok(()));
            }
            let mut swapped = all.clone();
            swapped.swap(i, (i + 1) % all.len());
            assert!(matches!(Ledger::read(&swapped.join("\n")), Err(LedgerError::Broken { .. })));
            let mut altered = all.clone();
            altered[i] = altered[i].replace("\"skewness\":-0.3", "\"skewness\":0.3");
            assert_eq!(Ledger::read(&altered.join("\n")), Err(LedgerError::Changed { id: i as u64 + 1 }));
        }
    }

    #[test]
    fn a_trial_that_says_nothing_is_refused() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.append(trial(0, "", 0.1)).err(), Some(LedgerError::Unsound));
        assert_eq!(ledger.append(trial(0, "c", f64::NAN)).err(), Some(LedgerError::Unsound));
        assert_eq!(ledger.append(Trial { to: UtcMs(0), ..trial(0, "c", 0.1) }).err(), Some(LedgerError::Unsound));
        assert_eq!(ledger.deflated_sharpe(&trial(0, "c", 0.1).track, &[]), None);
    }

    #[test]
    fn the_more_was_tried_the_less_the_best_is_worth() {
        let mut ledger = Ledger::default();
        let mut rng = SplitMix64::new(&[5]);
        let candidate = trial(0, "best", 0.08);
        ledger.append(candidate.clone()).unwrap();
        let alone = ledger.deflated_sharpe(&candidate.track, &[]).unwrap();
        close_enough(Some(alone.probability), candidate.track.probabilistic_sharpe(0.0), 1e-12, "alone");
        for i in 1..50 {
            ledger.append(trial(i, &format!("c{i}"), 0.03 * rng.normal())).unwrap();
        }
        let among = ledger.deflated_sharpe(&candidate.track, &[]).unwrap();
        assert_eq!((among.configurations, among.effective), (50, 50.0));
        assert!(among.probability < alone.probability && among.benchmark > 0.0);
        // Forty of them are one idea in small variations.
        let idea: Vec<f64> = (0..300).map(|_| rng.normal()).collect();
        let returns: Vec<Vec<f64>> = (0..40).map(|_| idea.iter().map(|v| v + 0.1 * rng.normal()).collect()).collect();
        assert_eq!(ledger.effective(&returns), 11.0);
        assert!(ledger.deflated_sharpe(&candidate.track, &returns).unwrap().probability > among.probability);
        assert_eq!(clusters(&[vec![0.0; 9], vec![0.0; 9], vec![1.0]]), 3);
    }
}
