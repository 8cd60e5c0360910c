//! Did past candidates above the gate keep their word? Only cross-fitted, out-of-sample confidences count.

pub mod clauses;

use crate::domain::reading::GateEvidence;
use crate::domain::time::HOUR_MS;

use super::numbers::{quantile_sorted, sorted, tidy};
use super::scores::{Z90_ONE_SIDED, wilson};
use super::weights::{PooledSpan, pooled};
use crate::domain::random::SplitMix64;

/// A past out-of-sample prediction with what became of its trade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    pub pair: usize,
    /// Decision, ms.
    pub at: i64,
    /// When the whole horizon was over, ms; where the trade ended must not weigh.
    pub known: i64,
    pub confidence: f64,
    pub win: bool,
    pub net: f64,
}

/// How the lower bound of the mean is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Bootstrap {
    /// Length of a block in ms; at least the horizon.
    pub block_ms: i64,
    pub seed: u64,
}

const DRAWS: usize = 2_000;
/// Blocks with candidates below which a bootstrap of the mean says nothing.
const MIN_BLOCKS: usize = 5;

/// Evidence of the candidates at or above `threshold`. Overlap is counted among these candidates alone; `rho` deflates those of
/// different pairs that were open at once.
#[must_use]
pub fn gate_evidence(candidates: &[Candidate], threshold: f64, rho: f64, bootstrap: Bootstrap) -> GateEvidence {
    let weighted = weighed(candidates.iter().filter(|c| c.confidence >= threshold).collect(), rho);
    let n_eff: f64 = weighted.iter().map(|(_, w)| w).sum();
    let average = |value: fn(&Candidate) -> f64| {
        (n_eff > 0.0).then(|| tidy(weighted.iter().map(|(c, w)| value(c) * w).sum::<f64>() / n_eff))
    };
    let hit_rate = average(|c| f64::from(u8::from(c.win)));
    GateEvidence {
        n: u32::try_from(weighted.len()).unwrap_or(u32::MAX),
        n_eff: tidy(n_eff),
        hit_rate,
        hit_rate_lower: hit_rate.and_then(|r| wilson(r, n_eff, Z90_ONE_SIDED)).map(|(low, _)| tidy(low)),
        mean_net: average(|c| c.net),
        mean_net_lower: mean_bounds(&weighted, bootstrap).map(|(low, _)| tidy(low)),
    }
}

/// 80 % interval of the mean net return of all candidates; its lower end is the one-sided 90 % bound of [`gate_evidence`].
#[must_use]
pub fn mean_interval(candidates: &[Candidate], rho: f64, bootstrap: Bootstrap) -> Option<(f64, f64)> {
    mean_bounds(&weighed(candidates.iter().collect(), rho), bootstrap)
}

/// Candidates in order of time with what each is worth beside the others.
fn weighed(mut candidates: Vec<&Candidate>, rho: f64) -> Vec<(&Candidate, f64)> {
    candidates.sort_by_key(|c| (c.at, c.pair));
    let hour = |ms: i64| ms.div_euclid(HOUR_MS);
    let spans: Vec<PooledSpan> =
        candidates.iter().map(|c| PooledSpan { pair: c.pair, first: hour(c.at), last: hour(c.known) - 1 }).collect();
    candidates.into_iter().zip(pooled(&spans, rho)).collect()
}

/// 10 % and 90 % quantile of the weighted mean net return: blocks of time are drawn with replacement, all pairs of a block
/// together.
fn mean_bounds(weighted: &[(&Candidate, f64)], bootstrap: Bootstrap) -> Option<(f64, f64)> {
    let block = |c: &Candidate| c.at.div_euclid(bootstrap.block_ms.max(1));
    let blocks: Vec<(f64, f64)> = weighted
        .chunk_by(|a, b| block(a.0) == block(b.0))
        .map(|block| block.iter().fold((0.0, 0.0), |(sum, w), (c, weight)| (sum + c.net * weight, w + weight)))
        .collect();
    if blocks.len() < MIN_BLOCKS {
        return None;
    }
    let mut rng = SplitMix64::new(&[bootstrap.seed]);
    let means = (0..DRAWS)
        .map(|_| {
            let (sum, weight) = (0..blocks.len())
                .filter_map(|_| blocks.get(rng.below(blocks.len())))
                .fold((0.0, 0.0), |(s, w), block| (s + block.0, w + block.1));
            sum / weight
        })
        .collect();
    let means = sorted(means);
    Some((quantile_sorted(&means, 0.10)?, quantile_sorted(&means, 0.90)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: Bootstrap = Bootstrap { block_ms: 24 * HOUR_MS, seed: 1 };

    fn candidate(hour: i64, hours: i64, confidence: f64, win: bool) -> Candidate {
        let net = if win { 0.02 } else { -0.03 };
        Candidate { pair: 0, at: hour * HOUR_MS, known: (hour + hours) * HOUR_MS, confidence, win, net }
    }

    #[test]
    fn counts_only_what_stood_above_the_gate() {
        let past: Vec<Candidate> = (0..200)
            .map(|i| candidate(i * 30, 10, if i % 2 == 0 { 0.85 } else { 0.6 }, i % 2 == 0 && i % 10 != 0))
            .collect();
        let evidence = gate_evidence(&past, 0.8, 0.0, BOOT);
        assert_eq!(evidence.n, 100);
        assert!((evidence.n_eff - 100.0).abs() < 1e-9, "no overlap");
        assert!((evidence.hit_rate.unwrap() - 0.8).abs() < 1e-9);
        let lower = evidence.hit_rate_lower.unwrap();
        assert!(lower < 0.8 && lower > 0.7, "{lower}");
        assert!((evidence.mean_net.unwrap() - 0.01).abs() < 1e-9);
        let net = evidence.mean_net_lower.unwrap();
        assert!(net < 0.01 && net > 0.005, "{net}");
        assert_eq!(evidence, gate_evidence(&past, 0.8, 0.0, BOOT), "seeded");
    }

    #[test]
    fn overlapping_candidates_are_one_piece_of_evidence() {
        // One hundred hours in a row above the gate, each trade 50 hours long: about three independent trades.
        let past: Vec<Candidate> = (0..100).map(|i| candidate(i, 50, 0.9, true)).collect();
        let evidence = gate_evidence(&past, 0.8, 0.0, BOOT);
        assert_eq!(evidence.n, 100);
        assert!(evidence.n_eff < 5.0, "{}", evidence.n_eff);
        assert!(evidence.hit_rate_lower.unwrap() < 0.75);
    }

    #[test]
    fn correlated_pairs_deflate() {
        let one: Vec<Candidate> = (0..50).map(|i| candidate(i * 30, 10, 0.9, true)).collect();
        let two: Vec<Candidate> = one.iter().flat_map(|c| [*c, Candidate { pair: 1, ..*c }]).collect();
        assert!((gate_evidence(&two, 0.8, 1.0, BOOT).n_eff - 50.0).abs() < 1e-9);
        assert!((gate_evidence(&two, 0.8, 0.0, BOOT).n_eff - 100.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_above_the_gate_is_nothing_known() {
        let evidence = gate_evidence(&[candidate(0, 1, 0.5, true)], 0.8, 0.0, BOOT);
        assert_eq!(evidence, GateEvidence::default());
        let few: Vec<Candidate> = (0..3).map(|i| candidate(i * 100, 1, 0.9, true)).collect();
        let evidence = gate_evidence(&few, 0.8, 0.0, BOOT);
        assert_eq!((evidence.n, evidence.mean_net_lower), (3, None));
    }
}
