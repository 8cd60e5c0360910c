//! How well the last matured probabilities kept their word.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Refused, hours, sound_span};
use crate::domain::UtcMs;
use crate::ml::reliability::{CalibrationError, calibration_error};
use crate::ml::scores::{bins_by_mass, brier, ece_se, log_loss};
use crate::ml::weights::pooled;

/// Effective outcomes that each bin of the calibration error rests on, and the most bins there are.
const PER_BIN: f64 = 30.0;
const MAX_BINS: usize = 10;

/// A probability whose outcome is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matured {
    pub pair: u32,
    /// Decision.
    pub at: UtcMs,
    /// When the outcome was known.
    pub known: UtcMs,
    /// 0..=1
    pub confidence: f64,
    pub win: bool,
}

/// The figures of the last matured probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    pub n: usize,
    pub n_eff: f64,
    pub brier: f64,
    pub log_loss: f64,
    /// Over bins of equal count, as many as have 30 effective outcomes each, ten at most.
    pub error: CalibrationError,
    pub ece_se: f64,
}

/// Keeps the last `keep` matured probabilities by decision time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoreboard {
    keep: usize,
    rho: f64,
    rows: VecDeque<Matured>,
}

impl Scoreboard {
    /// `rho` is the mean correlation between pairs.
    #[must_use]
    pub const fn new(keep: usize, rho: f64) -> Self {
        Self { keep, rho, rows: VecDeque::new() }
    }

    /// Takes an outcome, heard at `now`.
    ///
    /// # Errors
    /// [`Refused::NotYet`], [`Refused::Twice`], [`Refused::OutOfRange`].
    pub fn mature(&mut self, row: Matured, now: UtcMs) -> Result<(), Refused> {
        if !sound(&row) {
            return Err(Refused::OutOfRange);
        }
        if row.known > now {
            return Err(Refused::NotYet { known: row.known, now });
        }
        match self.rows.binary_search_by_key(&(row.at, row.pair), |r| (r.at, r.pair)) {
            Ok(_) => return Err(Refused::Twice(row.at)),
            Err(place) => self.rows.insert(place, row),
        }
        if self.rows.len() > self.keep {
            self.rows.pop_front();
        }
        Ok(())
    }

    /// `None` while there is nothing.
    #[must_use]
    pub fn figures(&self) -> Option<Figures> {
        let weights = pooled(&self.rows.iter().map(|r| hours(r.pair, r.at, r.known)).collect::<Vec<_>>(), self.rho);
        let n_eff: f64 = weights.iter().sum();
        let p: Vec<f64> = self.rows.iter().map(|r| r.confidence).collect();
        let wins: Vec<bool> = self.rows.iter().map(|r| r.win).collect();
        let bins = bins_by_mass(&p, &wins, &weights, ((n_eff / PER_BIN) as usize).clamp(1, MAX_BINS));
        Some(Figures {
            n: p.len(),
            n_eff,
            brier: brier(&p, &wins)?,
            log_loss: log_loss(&p, &wins)?,
            error: calibration_error(&bins)?,
            ece_se: ece_se(&bins)?,
        })
    }

    /// Whether a state that was read back can go on.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let key = |r: &Matured| (r.at, r.pair);
        (0.0..=1.0).contains(&self.rho)
            && self.rows.len() <= self.keep
            && self.rows.iter().all(sound)
            && self.rows.iter().zip(self.rows.iter().skip(1)).all(|(a, b)| key(a) < key(b))
    }
}

fn sound(row: &Matured) -> bool {
    sound_span(row.pair, row.at, row.known) && (0.0..=1.0).contains(&row.confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;
    use crate::domain::time::HOUR_MS;

    fn row(rng: &mut SplitMix64, i: i64, bias: f64) -> Matured {
        let confidence = 0.2 + 0.6 * rng.unit();
        let (at, win) = (UtcMs(i * 2 * HOUR_MS), rng.unit() < confidence + bias);
        Matured { pair: 0, at, known: at.plus(HOUR_MS), confidence, win }
    }

    #[test]
    fn honest_probabilities_stay_in_the_noise_and_others_leave_it() {
        for (bias, honest) in [(0.0, true), (-0.2, false)] {
            let mut rng = SplitMix64::new(&[51]);
            let mut board = Scoreboard::new(400, 0.5);
            for i in 0..600 {
                let row = row(&mut rng, i, bias);
                board.mature(row, row.known).unwrap();
            }
            let figures = board.figures().unwrap();
            assert_eq!((figures.n, figures.n_eff.round()), (400, 400.0));
            assert_eq!(figures.error.within(0.03), honest, "{figures:?}");
            let back: Scoreboard = serde_json::from_str(&serde_json::to_string(&board).unwrap()).unwrap();
            assert!(back.is_sound() && back.figures() == Some(figures));
        }
    }

    #[test]
    fn refuses_what_is_not_known_and_what_it_has() {
        let mut board = Scoreboard::new(10, 0.5);
        let known = row(&mut SplitMix64::new(&[52]), 3, 0.0);
        assert_eq!(board.figures(), None);
        let early = known.at;
        assert_eq!(board.mature(known, early), Err(Refused::NotYet { known: known.known, now: early }));
        assert_eq!(board.mature(Matured { confidence: 1.2, ..known }, known.known), Err(Refused::OutOfRange));
        board.mature(known, known.known).unwrap();
        assert_eq!(board.mature(known, known.known), Err(Refused::Twice(known.at)));
    }
}
