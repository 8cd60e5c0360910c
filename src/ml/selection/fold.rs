//! The filter of one training fold: from all candidates to a short, ordered list, with a reason for each that is not on it.

use rayon::prelude::*;

use super::super::leakage::{DropReason, Dropped};
use super::super::numbers::tidy;
use super::multiplicity::benjamini_yekutieli;
use super::redundancy::{Correlations, cheapest_of_twins, mrmr};
use super::univariate::Dependence;
use crate::domain::random::SplitMix64;

/// Largest share of rows without a value.
pub const MAX_MISSING: f64 = 0.01;
/// |Spearman| above which two features are one.
pub const TWIN: f64 = 0.9;
/// False discovery rate of the univariate tests (Benjamini-Yekutieli).
pub const FALSE_DISCOVERY: f64 = 0.10;
/// Significant features below which nothing is chosen.
pub const MIN_SIGNIFICANT: usize = 3;
/// Most features, and effective observations that each must have.
pub const MAX_FEATURES: usize = 30;
pub const EVIDENCE_PER_FEATURE: f64 = 10.0;
/// How many are named when nothing is chosen.
pub const NAMED: usize = 5;
/// Rows on which correlations between features are measured: one from each of as many equal stretches. |Spearman| 0.9 is known to
/// 0.003 from them.
const TWIN_ROWS: usize = 20_000;

/// A feature's values in one training fold.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a, T> {
    pub name: &'a str,
    /// Rank of what it costs to compute: of twins the lower is kept.
    pub cost: u32,
    /// A value per row, in order of time; what is not finite is missing.
    pub values: &'a [T],
}

/// What is known in one training fold.
#[derive(Debug, Clone, Copy)]
pub struct TrainingFold<'a, T> {
    pub candidates: &'a [Candidate<'a, T>],
    /// What is to be foretold, one or more (scaled return; 1 or 0 for win), a value per row. One that is constant is ignored.
    pub targets: &'a [&'a [f64]],
    pub dependence: Dependence,
}

/// A feature with what its test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// Index into the candidates.
    pub feature: usize,
    /// p-value of its strongest association with a target.
    pub p: f64,
    /// The same among all tests (Benjamini-Yekutieli).
    pub adjusted: f64,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// Candidates in mRMR order.
    Kept(Vec<usize>),
    /// Fewer than [`MIN_SIGNIFICANT`] passed; the best few by p-value, so that the caller can decide what to do without them.
    NothingSignificant { best: Vec<Tested> },
    /// The effective sample carries no feature, or no test.
    TooLittleEvidence { n_eff: f64 },
}

/// Outcome and reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    pub choice: Choice,
    /// Those left out, in order of the candidates.
    pub dropped: Vec<Dropped>,
}

/// Ranks of a column in units of their sd about 0 (missing: 0), or why it cannot be used.
type Standard = Result<Vec<f32>, DropReason>;

/// Filters the candidates of one training fold. `None` when there is no target, or one differs from a candidate in length.
///
/// Left out, in this order: what is constant or more than [`MAX_MISSING`] missing; of twins the dearer ([`TWIN`]); what is not
/// significant alone, by a test that holds for overlapping labels, at a false discovery rate of [`FALSE_DISCOVERY`] under any
/// dependence (with several targets the smallest p-value times their number); what comes behind the first `min(30, n_eff/10)` in
/// mRMR order of rank correlations.
///
/// The same on any number of threads.
#[must_use]
pub fn select<T: Copy + Into<f64> + Sync>(fold: &TrainingFold<'_, T>) -> Option<Selection> {
    let rows = fold.targets.first()?.len();
    let lengths = fold.targets.iter().map(|t| t.len()).chain(fold.candidates.iter().map(|c| c.values.len()));
    if lengths.into_iter().any(|n| n != rows) {
        return None;
    }
    let mut reasons: Vec<Option<DropReason>> = vec![None; fold.candidates.len()];
    let standard: Vec<Standard> = fold.candidates.par_iter().map(|c| standard_ranks(c.values)).collect();
    let mut usable: Vec<(usize, &[f32])> = Vec::new();
    for (i, (column, reason)) in standard.iter().zip(&mut reasons).enumerate() {
        match column {
            Ok(ranks) => usable.push((i, ranks)),
            Err(why) => *reason = Some(why.clone()),
        }
    }
    let table = correlations(&usable);
    let kept = without_twins(fold, usable, &table, &mut reasons);
    let choice = choose(fold, &kept, &table, &mut reasons);
    let dropped = fold.candidates.iter().zip(reasons);
    let dropped = dropped.filter_map(|(c, reason)| Some(Dropped { feature: c.name.to_owned(), reason: reason? }));
    Some(Selection { choice, dropped: dropped.collect() })
}

/// A feature that is still in: its index, its place in the table of correlations, its ranks.
struct Kept<'a> {
    feature: usize,
    place: usize,
    ranks: &'a [f32],
}

fn without_twins<'r, T>(
    fold: &TrainingFold<'_, T>,
    usable: Vec<(usize, &'r [f32])>,
    table: &Correlations,
    reasons: &mut [Option<DropReason>],
) -> Vec<Kept<'r>> {
    let of = |place: usize| usable.get(place).and_then(|(i, _)| fold.candidates.get(*i));
    let cost: Vec<u32> = (0..usable.len()).filter_map(|place| of(place).map(|c| c.cost)).collect();
    let twins = cheapest_of_twins(table, &cost, TWIN);
    for ((feature, _), twin) in usable.iter().zip(&twins) {
        if let (Some((place, spearman)), Some(slot)) = (twin, reasons.get_mut(*feature)) {
            let with = of(*place).map_or_else(String::new, |c| c.name.to_owned());
            *slot = Some(DropReason::Redundant { with, spearman: tidy(*spearman) });
        }
    }
    let alone = usable.into_iter().zip(twins).enumerate().filter(|(_, (_, twin))| twin.is_none());
    alone.map(|(place, ((feature, ranks), _))| Kept { feature, place, ranks }).collect()
}

fn choose<T: Copy + Into<f64> + Sync>(
    fold: &TrainingFold<'_, T>,
    kept: &[Kept<'_>],
    table: &Correlations,
    reasons: &mut [Option<DropReason>],
) -> Choice {
    let n_eff = fold.dependence.n_eff;
    let limit = ((n_eff / EVIDENCE_PER_FEATURE).floor() as usize).min(MAX_FEATURES);
    let targets: Vec<Vec<f64>> = fold.targets.iter().filter_map(|t| target_ranks(t)).collect();
    let associations: Vec<Option<(f64, f64)>> =
        kept.par_iter().map(|k| strongest(&fold.dependence, k.ranks, &targets)).collect();
    if limit == 0 || (!kept.is_empty() && associations.iter().all(Option::is_none)) {
        return Choice::TooLittleEvidence { n_eff };
    }
    let p: Vec<f64> = associations.iter().map(|a| a.map_or(1.0, |(_, p)| p)).collect();
    let tested: Vec<Tested> = kept
        .iter()
        .zip(p.iter().zip(benjamini_yekutieli(&p)))
        .map(|(k, (p, adjusted))| Tested { feature: k.feature, p: *p, adjusted })
        .collect();
    let passed: Vec<usize> =
        tested.iter().enumerate().filter(|(_, t)| t.adjusted <= FALSE_DISCOVERY).map(|(i, _)| i).collect();
    for test in tested.iter().filter(|t| t.adjusted > FALSE_DISCOVERY || passed.len() < MIN_SIGNIFICANT) {
        if let Some(slot) = reasons.get_mut(test.feature) {
            *slot = Some(DropReason::NotSignificant { p: tidy(test.p), adjusted: tidy(test.adjusted) });
        }
    }
    if passed.len() < MIN_SIGNIFICANT {
        let mut best = tested;
        best.sort_by(|a, b| a.p.total_cmp(&b.p));
        best.truncate(NAMED);
        return Choice::NothingSignificant { best };
    }
    let relevance: Vec<f64> =
        passed.iter().map(|i| associations.get(*i).copied().flatten().map_or(0.0, |(r, _)| r.abs())).collect();
    let places: Vec<usize> = passed.iter().filter_map(|i| kept.get(*i)).map(|k| k.place).collect();
    let among = |row: &usize| {
        let row = table.get(*row);
        places.iter().map(|c| row.and_then(|r| r.get(*c)).copied().unwrap_or(0.0)).collect()
    };
    let among: Correlations = places.iter().map(among).collect();
    let order: Vec<usize> = mrmr(&relevance, &among, passed.len())
        .iter()
        .filter_map(|o| passed.get(*o).and_then(|i| kept.get(*i)))
        .map(|k| k.feature)
        .collect();
    for feature in order.iter().skip(limit) {
        if let Some(slot) = reasons.get_mut(*feature) {
            *slot = Some(DropReason::BeyondLimit { limit });
        }
    }
    Choice::Kept(order.into_iter().take(limit).collect())
}

/// Correlation with the target of the smallest p-value, and that p-value times the number of targets.
fn strongest(dependence: &Dependence, ranks: &[f32], targets: &[Vec<f64>]) -> Option<(f64, f64)> {
    let each = targets.iter().filter_map(|t| dependence.correlation_p(ranks, t));
    let (r, p) = each.min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some((r, (p * targets.len() as f64).min(1.0)))
}

fn target_ranks(target: &[f64]) -> Option<Vec<f64>> {
    Some(standard_ranks(target).ok()?.into_iter().map(f64::from).collect())
}

fn standard_ranks<T: Copy + Into<f64>>(values: &[T]) -> Standard {
    let mut order: Vec<(u64, u32)> = values
        .iter()
        .map(|v| (*v).into())
        .zip(0..)
        .filter(|(v, _)| v.is_finite())
        .map(|(v, i)| (place(v), i))
        .collect();
    let missing = 1.0 - order.len() as f64 / values.len().max(1) as f64;
    if missing > MAX_MISSING {
        return Err(DropReason::Missing { share: tidy(missing) });
    }
    order.sort_unstable_by_key(|(place, _)| *place);
    let centre = (order.len() as f64 - 1.0) / 2.0;
    let mut squares = 0.0;
    let mut start = 0_usize;
    let mut ranks = vec![0.0_f64; values.len()];
    for tie in order.chunk_by(|a, b| a.0 == b.0) {
        let rank = start as f64 + (tie.len() as f64 - 1.0) / 2.0 - centre;
        squares += rank * rank * tie.len() as f64;
        for (_, row) in tie {
            if let Some(slot) = ranks.get_mut(*row as usize) {
                *slot = rank;
            }
        }
        start += tie.len();
    }
    if squares == 0.0 {
        return Err(DropReason::Constant);
    }
    let unit = (order.len() as f64 / squares).sqrt();
    Ok(ranks.into_iter().map(|r| (r * unit) as f32).collect())
}

/// Whole number that is ordered as the value is (both zeros are one); sorts faster than the value.
fn place(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// Pearson correlations of ranks, on thinned rows. Rows are drawn within equal stretches, not at a fixed step, which could hit the
/// same pair each time.
fn correlations(columns: &[(usize, &[f32])]) -> Correlations {
    let rows = columns.first().map_or(0, |(_, c)| c.len());
    let cells = rows.min(TWIN_ROWS);
    let mut rng = SplitMix64::new(&[rows as u64]);
    let chosen: Vec<usize> = (0..cells)
        .map(|i| {
            let (from, to) = (rows * i / cells, rows * (i + 1) / cells);
            from + rng.below(to - from)
        })
        .collect();
    let thin: Vec<Vec<f64>> = columns.par_iter().map(|(_, column)| unit(column, &chosen)).collect();
    let upper: Vec<Vec<f64>> = thin
        .par_iter()
        .enumerate()
        .map(|(i, a)| thin.iter().skip(i + 1).map(|b| dot(a, b).clamp(-1.0, 1.0)).collect())
        .collect();
    let mut table: Correlations = vec![Vec::with_capacity(columns.len()); columns.len()];
    for (i, row) in upper.iter().enumerate() {
        for (j, c) in std::iter::once(&1.0).chain(row).enumerate() {
            if j > 0
                && let Some(mirror) = table.get_mut(i + j)
            {
                mirror.push(*c);
            }
            if let Some(own) = table.get_mut(i) {
                own.push(*c);
            }
        }
    }
    table
}

/// The chosen rows of a column, with mean 0 and length 1.
fn unit(column: &[f32], chosen: &[usize]) -> Vec<f64> {
    let mut values: Vec<f64> = chosen.iter().filter_map(|i| column.get(*i)).map(|v| f64::from(*v)).collect();
    let centre = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter_mut().for_each(|v| *v -= centre);
    let length = dot(&values, &values).sqrt();
    if length > 0.0 {
        values.iter_mut().for_each(|v| *v /= length);
    }
    values
}

/// Dot product in eight independent lanes, which the compiler turns into vector code.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (long_a, long_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = long_a.remainder().iter().zip(long_b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in long_a.zip(long_b) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: usize = 3_000;
    const OVERLAP: usize = 12;

    /// Thirty columns: 0 to 3 tell something, 4 repeats 0, 5 is constant, 6 has holes, the rest is persistent noise; and a target
    /// whose values overlap over twelve rows.
    fn market(seed: u64, effect: f64) -> (Vec<Vec<f32>>, Vec<f64>) {
        let mut rng = SplitMix64::new(&[seed, 77]);
        let mut columns: Vec<Vec<f32>> = (0..30)
            .map(|_| {
                let mut state = 0.0;
                let next = |_| {
                    state = 0.8 * state + 0.6 * rng.normal();
                    state as f32
                };
                (0..ROWS).map(next).collect()
            })
            .collect();
        columns[4] = columns[0].iter().map(|v| (v / 3.0).exp()).collect();
        columns[5].fill(2.5);
        columns[6].iter_mut().step_by(50).for_each(|v| *v = f32::NAN);
        let shocks: Vec<f64> = (0..ROWS + OVERLAP).map(|_| rng.normal()).collect();
        let target = (0..ROWS)
            .map(|t| {
                let told: f64 = (0..4).map(|c| f64::from(columns[c][t])).sum();
                effect * told + shocks[t..t + OVERLAP].iter().sum::<f64>() / (OVERLAP as f64).sqrt()
            })
            .collect();
        (columns, target)
    }

    fn names() -> Vec<String> {
        (0..30).map(|i| format!("f{i}")).collect()
    }

    fn run(columns: &[Vec<f32>], target: &[f64], n_eff: f64) -> Selection {
        let wins: Vec<f64> = target.iter().map(|y| f64::from(u8::from(*y > 0.0))).collect();
        let names = names();
        let candidates: Vec<Candidate<'_, f32>> = names
            .iter()
            .zip(columns)
            .zip(0..)
            .map(|((name, values), i)| Candidate { name, cost: if i == 4 { 1 } else { 2 }, values })
            .collect();
        let dependence = Dependence { block: OVERLAP, n_eff };
        let targets: [&[f64]; 2] = [target, &wins];
        select(&TrainingFold { candidates: &candidates, targets: &targets, dependence }).unwrap()
    }

    #[test]
    fn what_was_planted_is_kept_and_noise_is_named() {
        let n_eff = ROWS as f64 / OVERLAP as f64;
        let (mut kept, mut noise) = (0, 0);
        for seed in 0..20 {
            let (columns, target) = market(seed, 0.35);
            let found = run(&columns, &target, n_eff);
            let Choice::Kept(order) = &found.choice else { panic!("{:?}", found.choice) };
            // Column 4 is the cheaper twin of 0.
            assert!([1, 2, 3, 4].iter().all(|f| order.contains(f)), "seed {seed}: {order:?}");
            assert_eq!(order.len() + found.dropped.len(), 30);
            noise += order.iter().filter(|f| **f > 4).count();
            kept += order.len();
            let reason = |name: &str| found.dropped.iter().find(|d| d.feature == name).unwrap().reason.to_string();
            assert!(reason("f0").ends_with("with 'f4', which is kept"));
            assert_eq!(reason("f5"), "constant");
            assert_eq!(reason("f6"), "no value in 2.0 % of the rows");
        }
        assert!((noise as f64) < FALSE_DISCOVERY * kept as f64, "{noise} of {kept}");
    }

    #[test]
    fn noise_alone_is_nothing_significant() {
        for seed in 0..20 {
            let (columns, target) = market(seed, 0.0);
            let Choice::NothingSignificant { best } = run(&columns, &target, 250.0).choice else {
                panic!("seed {seed}")
            };
            assert_eq!(best.len(), NAMED);
            assert!(best.is_sorted_by(|a, b| a.p <= b.p && a.adjusted <= b.adjusted));
        }
    }

    #[test]
    fn the_evidence_limits_the_number() {
        let (columns, target) = market(1, 1.0);
        let found = run(&columns, &target, 29.0);
        assert!(matches!(&found.choice, Choice::Kept(order) if order.len() == 2), "{:?}", found.choice);
        let beyond = found.dropped.iter().filter(|d| d.reason == DropReason::BeyondLimit { limit: 2 }).count();
        assert!(beyond >= 2);
        assert_eq!(run(&columns, &target, 9.0).choice, Choice::TooLittleEvidence { n_eff: 9.0 });
        assert_eq!(run(&columns, &[1.0; ROWS], 250.0).choice, Choice::TooLittleEvidence { n_eff: 250.0 });
    }

    #[test]
    fn ranks_are_those_of_the_values() {
        let values = [0.0, -3.5, -0.0, 7.0, f64::MIN_POSITIVE, -1e300];
        let ranks: Vec<f64> = standard_ranks(&values).unwrap().into_iter().map(f64::from).collect();
        let c =
            super::super::super::numbers::correlation(&ranks, &super::super::super::numbers::ranks(&values)).unwrap();
        assert!((c - 1.0).abs() < 1e-6 && ranks[0] == ranks[2], "{ranks:?}");
    }

    #[test]
    fn threads_do_not_matter() {
        let (columns, target) = market(5, 0.35);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(&columns, &target, 250.0))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let dependence = Dependence { block: 1, n_eff: 100.0 };
        let candidates = [Candidate { name: "a", cost: 0, values: &[1.0_f64, 2.0] }];
        assert_eq!(select(&TrainingFold { candidates: &candidates, targets: &[&[1.0]], dependence }), None);
        assert_eq!(select(&TrainingFold { candidates: &candidates, targets: &[], dependence }), None);
        let none = select(&TrainingFold::<f64> { candidates: &[], targets: &[&[1.0]], dependence }).unwrap();
        assert_eq!(none.choice, Choice::NothingSignificant { best: vec![] });
    }
}
