//! Which curve: those that the evidence allows compete on blocks of time that come later than what each was fitted on.

use serde::{Deserialize, Serialize};

use super::{Calibrator, Family, Scored, evidence_of};
use crate::domain::UtcMs;
use crate::ml::numbers::tidy;

/// A score with its place in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dated {
    pub scored: Scored,
    /// When the score was given.
    pub at: UtcMs,
    /// When its outcome was known.
    pub known: UtcMs,
    /// Number of its block; blocks follow each other in time.
    pub block: u32,
}

/// One family's showing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    pub family: Family,
    /// Mean log loss on the blocks from the second on, by effective weight.
    pub log_loss: f64,
    /// Its standard error on the effective number of observations judged.
    pub se: f64,
    /// How much worse than the best family, and the standard error of that difference, row by row.
    pub behind: f64,
    pub behind_se: f64,
}

/// The calibrator that was picked, and against what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Fitted on all scores.
    pub calibrator: Calibrator,
    pub picked: Family,
    /// The simplest first. Empty when no block could be judged.
    pub tried: Vec<Tried>,
    /// Effective observations that the families were judged on.
    pub judged_n_eff: f64,
}

/// Log losses of one block's rows, family by family, with their weights.
struct Judged {
    losses: Vec<Vec<f64>>,
    weights: Vec<f64>,
}

/// Picks among the families that the effective number of all scores allows.
///
/// Each block from the second on is judged by curves that were fitted on earlier blocks only, without outcomes that
/// became known after the block began. The family of the least mean log loss wins, of equal ones the simplest; Platt where nothing could be judged. `None` without any effective observation.
#[must_use]
pub fn choose(scores: &[Dated]) -> Option<Choice> {
    let plain: Vec<Scored> = scores.iter().map(|d| d.scored).collect();
    let families = Family::allowed(evidence_of(&plain)?);
    let judged = judge(scores, families);
    let tried = compare(families, &judged);
    let picked = tried.iter().find(|t| t.behind <= 0.0).map_or(Family::Platt, |t| t.family);
    let calibrator = Calibrator::fit_family(picked, &plain)?;
    Some(Choice { calibrator, picked, tried, judged_n_eff: tidy(judged.weights.iter().sum()) })
}

fn judge(scores: &[Dated], families: &[Family]) -> Judged {
    let mut blocks: Vec<u32> = scores.iter().map(|d| d.block).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let mut judged = Judged { losses: vec![Vec::new(); families.len()], weights: Vec::new() };
    for block in blocks.into_iter().skip(1) {
        let test: Vec<&Scored> = scores.iter().filter(|d| d.block == block).map(|d| &d.scored).collect();
        let Some(from) = scores.iter().filter(|d| d.block == block).map(|d| d.at).min() else { continue };
        let known: Vec<Scored> =
            scores.iter().filter(|d| d.block < block && d.known < from).map(|d| d.scored).collect();
        let fitted: Option<Vec<Calibrator>> = families.iter().map(|f| Calibrator::fit_family(*f, &known)).collect();
        let Some(fitted) = fitted else { continue };
        for (losses, calibrator) in judged.losses.iter_mut().zip(&fitted) {
            losses.extend(test.iter().map(|s| {
                let p = calibrator.probability(s.logit);
                if s.win { -p.ln() } else { -(1.0 - p).ln() }
            }));
        }
        judged.weights.extend(test.iter().map(|s| s.weight));
    }
    judged
}

fn compare(families: &[Family], judged: &Judged) -> Vec<Tried> {
    let means: Option<Vec<(f64, f64)>> =
        judged.losses.iter().map(|l| mean_and_se(l.iter().copied(), &judged.weights)).collect();
    let Some(means) = means else { return Vec::new() };
    let Some((_, best)) = means.iter().map(|m| m.0).zip(&judged.losses).min_by(|a, b| a.0.total_cmp(&b.0)) else {
        return Vec::new();
    };
    families
        .iter()
        .zip(&means)
        .zip(&judged.losses)
        .filter_map(|((family, (log_loss, se)), losses)| {
            let apart = losses.iter().zip(best).map(|(own, best)| own - best);
            let (behind, behind_se) = mean_and_se(apart, &judged.weights)?;
            let [log_loss, se, behind, behind_se] = [*log_loss, *se, behind, behind_se].map(tidy);
            Some(Tried { family: *family, log_loss, se, behind, behind_se })
        })
        .collect()
}

/// Weighted mean and its standard error, weights being effective observations. `None` for less than two of them in all.
fn mean_and_se(values: impl Iterator<Item = f64> + Clone, weights: &[f64]) -> Option<(f64, f64)> {
    let n: f64 = weights.iter().sum();
    if n < 2.0 {
        return None;
    }
    let mean = values.clone().zip(weights).map(|(v, w)| v * w).sum::<f64>() / n;
    let spread = values.zip(weights).map(|(v, w)| w * (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Some((mean, (spread / n).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;
    use crate::domain::time::HOUR_MS;
    use crate::ml::numbers::sigmoid;

    /// Scores whose true frequency is `truth(log odds)`, an hour apart, in six blocks.
    fn planted(n: usize, seed: u64, truth: impl Fn(f64) -> f64) -> Vec<Dated> {
        let mut rng = SplitMix64::new(&[seed]);
        (0..n)
            .map(|i| {
                let s = 6.0 * rng.unit() - 3.0;
                let win = rng.unit() < truth(s);
                let at = UtcMs(i as i64 * HOUR_MS);
                let block = u32::try_from(i * 6 / n).unwrap();
                Dated { scored: Scored { logit: s, win, weight: 1.0 }, at, known: at.plus(HOUR_MS), block }
            })
            .collect()
    }

    fn worst(choice: &Choice, truth: impl Fn(f64) -> f64) -> f64 {
        (-25..=25)
            .map(|i| f64::from(i) / 10.0)
            .map(|s| (choice.calibrator.probability(s) - truth(s)).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn a_planted_curve_is_recovered_by_its_family() {
        type Truth = fn(f64) -> f64;
        let cases: [(Truth, usize, Family, f64); 4] = [
            (|s| sigmoid(0.5 * s), 900, Family::Temperature, 0.06),
            (|s| sigmoid(0.6 * s - 0.8), 900, Family::Platt, 0.06),
            (|s| sigmoid(2.0 * sigmoid(s).ln() - 0.2 * sigmoid(-s).ln() + 0.6), 1_000, Family::Beta, 0.08),
            // A staircase: no smooth curve has it.
            (|s| if s < 1.5 { 0.3 } else { 0.9 }, 6_000, Family::Isotonic, 0.08),
        ];
        for (truth, n, family, room) in cases {
            let choice = choose(&planted(n, 3, truth)).unwrap();
            // What Temperature has, the richer curves have as well.
            assert!(choice.picked == family || family == Family::Temperature, "{:?}", choice.tried);
            assert_eq!(choice.calibrator.kind(), choice.picked.as_str());
            let apart = if family == Family::Isotonic {
                [-2.0, 0.0, 1.0, 2.0]
                    .map(|s| (choice.calibrator.probability(s) - truth(s)).abs())
                    .into_iter()
                    .fold(0.0, f64::max)
            } else {
                worst(&choice, truth)
            };
            assert!(apart < room, "{family:?}: {apart}");
        }
    }

    #[test]
    fn evidence_limits_who_may_compete() {
        let families = |n: usize, weight: f64| -> Vec<Family> {
            let mut scores = planted(n, 1, sigmoid);
            scores.iter_mut().for_each(|d| d.scored.weight = weight);
            choose(&scores).unwrap().tried.iter().map(|t| t.family).collect()
        };
        assert_eq!(families(150, 1.0), [Family::Temperature, Family::Platt]);
        assert_eq!(families(400, 1.0), [Family::Temperature, Family::Platt, Family::Beta]);
        assert_eq!(families(1_500, 1.0).len(), 4);
        assert_eq!(families(1_500, 0.1).len(), 2, "many overlapping rows are little evidence");
    }

    #[test]
    fn what_is_true_already_stays_nearly_as_it_is() {
        let apart = (0..20).map(|seed| worst(&choose(&planted(1_500, seed, sigmoid)).unwrap(), sigmoid));
        assert!(apart.sum::<f64>() / 20.0 < 0.06);
    }

    #[test]
    fn nothing_to_judge_falls_back_to_platt() {
        let mut scores = planted(100, 1, sigmoid);
        scores.iter_mut().for_each(|d| d.block = 0);
        let choice = choose(&scores).unwrap();
        assert_eq!((choice.picked, choice.tried.len(), choice.judged_n_eff), (Family::Platt, 0, 0.0));
        assert_eq!(choose(&[]), None);
    }

    #[test]
    fn an_outcome_that_was_not_known_teaches_nothing() {
        let truth = |s: f64| sigmoid(0.5 * s);
        let mut scores = planted(300, 2, truth);
        // The first block's outcomes become known after the second block began: the second cannot be judged.
        let begin = scores.iter().filter(|d| d.block == 1).map(|d| d.at).min().unwrap();
        scores.iter_mut().filter(|d| d.block == 0).for_each(|d| d.known = begin);
        scores.retain(|d| d.block < 2);
        assert_eq!(choose(&scores).unwrap().judged_n_eff, 0.0);
        scores.iter_mut().filter(|d| d.block == 0).for_each(|d| d.known = begin.plus(-1));
        assert_eq!(choose(&scores).unwrap().judged_n_eff, 50.0);
    }
}
