//! From a score to a frequency. Fitted on walk-forward out-of-sample scores only.
//!
//! Platt 1999 (with the stable targets), Kull et al. 2017 (beta), isotonic regression by pooling adjacent violators. Which
//! one is a matter of evidence: the more a curve may bend, the more effective observations it needs.

use serde::{Deserialize, Serialize};

use super::numbers::{sigmoid, tidy, tidy_all};

/// Effective observations from which the beta curve, and above which the isotonic one is used.
pub const BETA_FROM: f64 = 200.0;
pub const ISOTONIC_ABOVE: f64 = 1_000.0;
/// Effective observations that each step of the isotonic curve must rest on.
pub const STEP_MIN: f64 = 30.0;

/// A monotone map from log odds to probability. None of them can turn a ranking round: a score that ranks backwards
/// out of sample gets the base rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Curve {
    /// `1 / (1 + exp(a·s + b))` on log odds `s`, `a ≤ 0`.
    Platt { a: f64, b: f64 },
    /// `logit = a·ln p − b·ln(1−p) + c`, `a, b ≥ 0`.
    Beta { a: f64, b: f64, c: f64 },
    /// Knots `(p, frequency)`, straight between them, flat outside.
    Isotonic { x: Vec<f64>, y: Vec<f64> },
}

/// A curve with the limits beyond which its evidence does not reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibrator {
    curve: Curve,
    /// Effective observations it was fitted on.
    n_eff: f64,
}

/// An out-of-sample score with its outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Deflated log odds.
    pub logit: f64,
    pub win: bool,
    /// Effective observations that it counts for.
    pub weight: f64,
}

impl Calibrator {
    /// Fits the curve that the effective number of observations allows; `None` without any.
    #[must_use]
    pub fn fit(scores: &[Scored]) -> Option<Self> {
        let n_eff: f64 = scores.iter().map(|s| s.weight).sum();
        if !(n_eff.is_finite() && n_eff > 0.0) {
            return None;
        }
        let curve = if n_eff < BETA_FROM {
            platt(scores)?
        } else if n_eff <= ISOTONIC_ABOVE {
            beta(scores)?
        } else {
            isotonic(scores, STEP_MIN)?
        };
        Some(Self { curve, n_eff: tidy(n_eff) })
    }

    /// The out-of-sample frequency of a win at this score, never nearer to 0 or 1 than `1/(n_eff+2)`.
    #[must_use]
    pub fn probability(&self, logit: f64) -> f64 {
        let edge = 1.0 / (self.n_eff + 2.0);
        self.curve.at(logit).clamp(edge, 1.0 - edge)
    }

    /// `platt`, `beta`, `isotonic`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.curve {
            Curve::Platt { .. } => "platt",
            Curve::Beta { .. } => "beta",
            Curve::Isotonic { .. } => "isotonic",
        }
    }

    /// Whether the curve is finite, monotone and inside `0..=1`.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let curve = match &self.curve {
            Curve::Platt { a, b } => *a <= 0.0 && a.is_finite() && b.is_finite(),
            Curve::Beta { a, b, c } => *a >= 0.0 && *b >= 0.0 && [a, b, c].iter().all(|v| v.is_finite()),
            Curve::Isotonic { x, y } => {
                !x.is_empty()
                    && x.len() == y.len()
                    && x.is_sorted()
                    && y.is_sorted()
                    && x.iter().chain(y).all(|v| (0.0..=1.0).contains(v))
            }
        };
        curve && self.n_eff.is_finite() && self.n_eff > 0.0
    }
}

impl Curve {
    fn at(&self, logit: f64) -> f64 {
        match self {
            Self::Platt { a, b } => sigmoid(-(a * logit + b)),
            Self::Beta { a, b, c } => {
                let (ln_p, ln_q) = logs(logit);
                sigmoid(a * ln_p - b * ln_q + c)
            }
            Self::Isotonic { x, y } => interpolate(x, y, sigmoid(logit)),
        }
    }
}

/// `(ln p, ln(1−p))` of log odds, without forming a p that rounds to 0 or 1.
fn logs(logit: f64) -> (f64, f64) {
    let soft = |x: f64| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() };
    (-soft(-logit), -soft(logit))
}

fn interpolate(x: &[f64], y: &[f64], at: f64) -> f64 {
    let above = x.partition_point(|v| *v <= at);
    let knot = |i: usize| Some((*x.get(i)?, *y.get(i)?));
    match (above.checked_sub(1).and_then(knot), knot(above)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (at - x0) / (x1 - x0),
        (Some((_, y)), None) | (None, Some((_, y))) => y,
        (None, None) => 0.5,
    }
}

fn platt(scores: &[Scored]) -> Option<Curve> {
    let won: f64 = scores.iter().filter(|s| s.win).map(|s| s.weight).sum();
    let lost: f64 = scores.iter().filter(|s| !s.win).map(|s| s.weight).sum();
    let target = |win: bool| if win { (won + 1.0) / (won + 2.0) } else { 1.0 / (lost + 2.0) };
    let rows: Vec<Row> =
        scores.iter().map(|s| Row { x: [s.logit, 1.0, 0.0], target: target(s.win), weight: s.weight }).collect();
    let [slope, intercept, _] = positive_fit(&rows, &[0], 1)?;
    Some(Curve::Platt { a: tidy(-slope), b: tidy(-intercept) })
}

fn beta(scores: &[Scored]) -> Option<Curve> {
    let rows: Vec<Row> = scores
        .iter()
        .map(|s| {
            let (ln_p, ln_q) = logs(s.logit);
            Row { x: [ln_p, -ln_q, 1.0], target: f64::from(u8::from(s.win)), weight: s.weight }
        })
        .collect();
    let [a, b, c] = positive_fit(&rows, &[0, 1], 2)?;
    Some(Curve::Beta { a: tidy(a), b: tidy(b), c: tidy(c) })
}

/// Pools adjacent violators; steps that rest on less than `step_min` effective observations are pooled with their neighbours.
fn isotonic(scores: &[Scored], step_min: f64) -> Option<Curve> {
    let mut points: Vec<Step> = scores
        .iter()
        .map(|s| {
            let p = sigmoid(s.logit);
            Step { low: p, high: p, won: s.weight * f64::from(u8::from(s.win)), all: s.weight }
        })
        .filter(|s| s.all > 0.0)
        .collect();
    points.sort_by(|a, b| a.low.total_cmp(&b.low));
    let ties = points.chunk_by(|a, b| a.low == b.low).filter_map(|tie| tie.iter().copied().reduce(Step::join));
    let mut steps: Vec<Step> = Vec::new();
    for mut step in ties {
        while let Some(last) = steps.pop_if(|last| last.rate() >= step.rate()) {
            step = last.join(step);
        }
        steps.push(step);
    }
    let mut wide: Vec<Step> = Vec::new();
    for step in steps {
        match wide.pop_if(|last| last.all < step_min) {
            Some(last) => wide.push(last.join(step)),
            None => wide.push(step),
        }
    }
    if let Some(last) = wide.pop_if(|last| last.all < step_min) {
        let whole = wide.pop().map_or(last, |before| before.join(last));
        wide.push(whole);
    }
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for step in wide {
        x.push(step.low);
        y.push(step.rate());
        if step.high > step.low {
            x.push(step.high);
            y.push(step.rate());
        }
    }
    (!x.is_empty()).then(|| Curve::Isotonic { x: tidy_all(&x), y: tidy_all(&y) })
}

#[derive(Debug, Clone, Copy)]
struct Step {
    low: f64,
    high: f64,
    won: f64,
    all: f64,
}

impl Step {
    fn join(self, next: Self) -> Self {
        Self { low: self.low, high: next.high, won: self.won + next.won, all: self.all + next.all }
    }

    fn rate(&self) -> f64 {
        self.won / self.all
    }
}

/// One observation of a small logistic regression.
struct Row {
    x: [f64; 3],
    target: f64,
    weight: f64,
}

/// Fits with the slopes held at 0 or above: one that comes out negative is taken out and the rest fitted again.
/// `constant` is the place of the intercept; unused places stay 0.
fn positive_fit(rows: &[Row], slopes: &[usize], constant: usize) -> Option<[f64; 3]> {
    let mut free: Vec<usize> = slopes.iter().copied().chain([constant]).collect();
    loop {
        let theta = newton(rows, &free)?;
        match slopes.iter().find(|s| theta.get(**s).is_some_and(|v| *v < 0.0)) {
            Some(negative) => free.retain(|f| f != negative),
            None => return Some(theta),
        }
    }
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Negative log likelihood of the weighted logistic model.
fn loss(rows: &[Row], theta: &[f64; 3]) -> f64 {
    rows.iter()
        .map(|r| {
            let (ln_p, ln_q) = logs(dot(&r.x, theta));
            -r.weight * (r.target * ln_p + (1.0 - r.target) * ln_q)
        })
        .sum()
}

/// Newton's method with step halving over the places in `free`; the loss is convex. `None` when it leaves the numbers.
fn newton(rows: &[Row], free: &[usize]) -> Option<[f64; 3]> {
    let mut theta = [0.0; 3];
    let mut now = loss(rows, &theta);
    for _ in 0..100 {
        let (mut gradient, mut hessian) = ([0.0; 3], [[0.0; 3]; 3]);
        for r in rows {
            let p = sigmoid(dot(&r.x, &theta));
            let (first, second) = (r.weight * (p - r.target), r.weight * p * (1.0 - p));
            for (i, xi) in r.x.iter().enumerate() {
                if let Some(g) = gradient.get_mut(i) {
                    *g += first * xi;
                }
                for (j, xj) in r.x.iter().enumerate() {
                    if let Some(h) = hessian.get_mut(i).and_then(|h| h.get_mut(j)) {
                        *h += second * xi * xj;
                    }
                }
            }
        }
        let step = solve(&hessian, &gradient, free)?;
        let mut scale = 1.0;
        let moved = loop {
            let next: [f64; 3] = std::array::from_fn(|i| {
                theta.get(i).copied().unwrap_or(0.0) - scale * step.get(i).copied().unwrap_or(0.0)
            });
            let value = loss(rows, &next);
            if value <= now {
                let gain = now - value;
                (theta, now) = (next, value);
                break gain > 1e-13 * (1.0 + now);
            }
            scale /= 2.0;
            if scale < 1e-8 {
                break false;
            }
        };
        if !moved {
            break;
        }
    }
    theta.iter().all(|t| t.is_finite()).then_some(theta)
}

/// Solves `hessian · x = gradient` over the places in `free` by Gaussian elimination; a whisper of ridge keeps it solvable when
/// the scores are all alike.
fn solve(hessian: &[[f64; 3]; 3], gradient: &[f64; 3], free: &[usize]) -> Option<[f64; 3]> {
    let n = free.len();
    let trace: f64 = free.iter().filter_map(|i| hessian.get(*i)?.get(*i)).sum();
    let ridge = 1e-10 * trace + 1e-12;
    let mut system: Vec<Vec<f64>> = free
        .iter()
        .map(|i| {
            let own = hessian.get(*i)?;
            let row = free.iter().map(|j| Some(own.get(*j)? + if i == j { ridge } else { 0.0 }));
            row.chain([gradient.get(*i).copied()]).collect()
        })
        .collect::<Option<_>>()?;
    for pivot in 0..n {
        let head = system.get(pivot)?.clone();
        let diagonal = *head.get(pivot)?;
        if diagonal == 0.0 {
            return None;
        }
        for row in system.iter_mut().skip(pivot + 1) {
            let factor = row.get(pivot)? / diagonal;
            row.iter_mut().zip(&head).for_each(|(v, h)| *v -= factor * h);
        }
    }
    let mut out = [0.0; 3];
    for (row, place) in system.iter().zip(free).enumerate().rev().map(|(i, (row, place))| ((i, row), place)) {
        let (i, row) = row;
        let known: f64 = row
            .iter()
            .zip(free)
            .skip(i + 1)
            .filter_map(|(coefficient, later)| Some(coefficient * out.get(*later)?))
            .sum();
        *out.get_mut(*place)? = (row.get(n)? - known) / row.get(i)?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::numbers::logit;
    use super::super::testkit::{Golden, close_enough, golden, numbers, outcomes};
    use super::*;

    fn scored(file: &Golden, field: &str, to_logit: impl Fn(f64) -> f64) -> Vec<Scored> {
        let wins = outcomes(&file.series("c", "y"));
        let scores = numbers(&file.series("c", field)).into_iter().flatten();
        scores.zip(wins).map(|(s, win)| Scored { logit: to_logit(s), win, weight: 1.0 }).collect()
    }

    #[test]
    fn platt_matches_the_reference() {
        let file = golden("calibration");
        let expected = &file.case("platt")["expected"];
        let Some(Curve::Platt { a, b }) = platt(&scored(&file, "score", |s| s)) else { panic!("a Platt curve") };
        close_enough(Some(a), expected["a"].as_f64(), 1e-4, "a");
        close_enough(Some(b), expected["b"].as_f64(), 1e-4, "b");
    }

    #[test]
    fn beta_matches_the_reference() {
        let file = golden("calibration");
        let expected = &file.case("beta_calibration")["expected"];
        let scores = scored(&file, "p_raw", logit);
        let Some(Curve::Beta { a, b, c }) = beta(&scores) else { panic!("a beta curve") };
        for (got, key) in [(a, "a"), (b, "b"), (c, "c")] {
            close_enough(Some(got), expected[key].as_f64(), 2e-3, key);
        }
        let curve = Curve::Beta { a, b, c };
        let nll: f64 = scores
            .iter()
            .map(|s| {
                let p = curve.at(s.logit);
                if s.win { -p.ln() } else { -(1.0 - p).ln() }
            })
            .sum();
        close_enough(Some(nll), expected["nll"].as_f64(), 1e-7, "nll");
    }

    #[test]
    fn isotonic_matches_the_reference() {
        let file = golden("calibration");
        let case = file.case("isotonic");
        let Some(curve) = isotonic(&scored(&file, "p_raw", logit), 0.0) else { panic!("an isotonic curve") };
        let Curve::Isotonic { x, y } = &curve else { panic!("an isotonic curve") };
        for (got, want) in [(x, "x_thresholds"), (y, "y_thresholds")] {
            let want = numbers(&case["expected"][want]);
            assert_eq!(got.len(), want.len());
            for (g, w) in got.iter().zip(want) {
                close_enough(Some(*g), w, 1e-9, "knot");
            }
        }
        for (query, want) in numbers(&case["inputs"]["query"]).into_iter().zip(numbers(&case["expected"]["pred"])) {
            let got = query.map(|q| interpolate(x, y, q));
            close_enough(got, want, 1e-9, "query");
        }
    }

    #[test]
    fn no_step_rests_on_little_evidence() {
        let file = golden("calibration");
        let scores = scored(&file, "p_raw", logit);
        let Some(Curve::Isotonic { x, y }) = isotonic(&scores, STEP_MIN) else { panic!("an isotonic curve") };
        let mut rates = y.clone();
        rates.dedup();
        for rate in rates {
            let low = x.iter().zip(&y).find(|(_, v)| **v == rate).map(|(x, _)| *x).unwrap();
            let high = x.iter().zip(&y).rfind(|(_, v)| **v == rate).map(|(x, _)| *x).unwrap();
            let inside = scores.iter().filter(|s| (low - 1e-9..=high + 1e-9).contains(&sigmoid(s.logit))).count();
            assert!(inside as f64 >= STEP_MIN, "{inside} at {rate}");
        }
    }

    #[test]
    fn the_curve_follows_the_evidence() {
        let make = |n: usize| -> Vec<Scored> {
            (0..n)
                .map(|i| Scored { logit: (i % 41) as f64 / 10.0 - 2.0, win: i % 41 > (i * 7) % 41, weight: 1.0 })
                .collect()
        };
        let kind = |n: usize| Calibrator::fit(&make(n)).unwrap().kind();
        assert_eq!([100, 199, 200, 1_000, 1_001].map(kind), ["platt", "platt", "beta", "beta", "isotonic"]);
        // Many overlapping rows are little evidence.
        let thin: Vec<Scored> = make(5_000).into_iter().map(|s| Scored { weight: 0.02, ..s }).collect();
        assert_eq!(Calibrator::fit(&thin).unwrap().kind(), "platt");
        assert_eq!(Calibrator::fit(&[]), None);
    }

    #[test]
    fn a_backward_ranking_gets_the_base_rate() {
        for n in [160_usize, 600, 3_000] {
            let scores: Vec<Scored> =
                (0..n).map(|i| Scored { logit: (i % 20) as f64 / 5.0 - 2.0, win: (i % 20) < 6, weight: 1.0 }).collect();
            let calibrator = Calibrator::fit(&scores).unwrap();
            let (low, high) = (calibrator.probability(-2.0), calibrator.probability(2.0));
            assert!((low - high).abs() < 1e-6 && (low - 0.3).abs() < 0.02, "{n}: {low} {high}");
        }
    }

    #[test]
    fn certainty_needs_evidence() {
        let scores: Vec<Scored> = (0..40).map(|i| Scored { logit: f64::from(i), win: true, weight: 1.0 }).collect();
        let calibrator = Calibrator::fit(&scores).unwrap();
        assert!(calibrator.probability(1e3) <= 1.0 - 1.0 / 42.0);
    }

    proptest! {
        #[test]
        fn every_curve_is_sound_and_monotone(
            rows in prop::collection::vec((-6.0_f64..6.0, any::<bool>(), 0.01_f64..6.0), 1..400),
        ) {
            let scores: Vec<Scored> =
                rows.iter().map(|(logit, win, weight)| Scored { logit: *logit, win: *win, weight: *weight }).collect();
            let calibrator = Calibrator::fit(&scores).unwrap();
            prop_assert!(calibrator.is_sound(), "{:?}", calibrator);
            let line: Vec<f64> = (-80..=80).map(|i| calibrator.probability(f64::from(i) / 10.0)).collect();
            prop_assert!(line.windows(2).all(|w| w[0] <= w[1] + 1e-12));
            prop_assert!(line.iter().all(|p| *p > 0.0 && *p < 1.0));
        }
    }
}
