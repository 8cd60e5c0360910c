//! A logistic regression of at most three columns by Newton's method, with slopes that may not be negative.

use super::logs;
use crate::ml::numbers::sigmoid;

/// One observation of a small logistic regression.
pub struct Row {
    pub x: [f64; 3],
    pub target: f64,
    pub weight: f64,
}

/// Fits with the slopes held at 0 or above: one that comes out negative is taken out and the rest fitted again.
/// `constant` is the place of the intercept, if there is one; unused places stay 0.
pub fn positive_fit(rows: &[Row], slopes: &[usize], constant: Option<usize>) -> Option<[f64; 3]> {
    let mut free: Vec<usize> = slopes.iter().copied().chain(constant).collect();
    loop {
        if free.is_empty() {
            return Some([0.0; 3]);
        }
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
