//! Small numerical definitions that the whole room shares, so that each exists once.

/// Rounds to 12 significant digits and flushes what is below 1e-10 to 0.
///
/// Every fitted number passes through here, because a JSON reader is only sure to give back the exact double
/// when digits and exponent are few (Clinger's fast path: significand below 2^53, power of ten at most 22). A stored model
/// must speak bit for bit like the one that was trained.
pub fn tidy(value: f64) -> f64 {
    if !value.is_finite() {
        return value;
    }
    if value.abs() < 1e-10 {
        return 0.0;
    }
    format!("{value:.11e}").parse().unwrap_or(value)
}

pub fn tidy_all(values: &[f64]) -> Vec<f64> {
    values.iter().copied().map(tidy).collect()
}

pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// Log odds; the ends of the unit interval are held off by 1e-12.
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-12, 1.0 - 1e-12);
    (p / (1.0 - p)).ln()
}

pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Sample variance (ddof 1).
pub fn variance(values: &[f64]) -> Option<f64> {
    let m = mean(values)?;
    (values.len() > 1).then(|| values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
}

/// Quantile of ascending values, type 7 (linear).
pub fn quantile_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = q.clamp(0.0, 1.0) * last as f64;
    let below = place.floor();
    let (lo, hi) = (sorted.get(below as usize)?, sorted.get((below as usize + 1).min(last))?);
    Some(lo + (hi - lo) * (place - below))
}

pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Ranks from 1; equal values share their mean rank.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut out = vec![0.0; values.len()];
    let mut start = 0_usize;
    for tie in order.chunk_by(|a, b| a.1 == b.1) {
        let rank = start as f64 + f64::midpoint(tie.len() as f64, 1.0);
        for (place, _) in tie {
            if let Some(slot) = out.get_mut(*place) {
                *slot = rank;
            }
        }
        start += tie.len();
    }
    out
}

/// Pearson correlation; `None` when either side is constant or there are fewer than 3 points.
pub fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 3 {
        return None;
    }
    let (ma, mb) = (mean(a)?, mean(b)?);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma).powi(2);
        bb += (y - mb).powi(2);
    }
    (aa > 0.0 && bb > 0.0).then(|| ab / (aa * bb).sqrt())
}

/// Spearman's rank correlation.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    correlation(&ranks(a), &ranks(b))
}

/// All choices of `k` of `0..n` in lexicographic order.
pub fn combinations(n: usize, k: usize) -> Vec<Vec<usize>> {
    fn extend(n: usize, k: usize, chosen: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
        if chosen.len() == k {
            out.push(chosen.clone());
            return;
        }
        for i in chosen.last().map_or(0, |last| last + 1)..=n.saturating_sub(k - chosen.len()) {
            chosen.push(i);
            extend(n, k, chosen, out);
            chosen.pop();
        }
    }
    let mut out = Vec::new();
    if k <= n {
        extend(n, k, &mut Vec::with_capacity(k), &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_statistics() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), vec![3.5, 1.0, 3.5, 2.0]);
        assert_eq!(quantile_sorted(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.5));
        assert_eq!(quantile_sorted(&[], 0.5), None);
        assert_eq!(spearman(&[1.0, 2.0, 3.0, 4.0], &[1.0, 4.0, 9.0, 16.0]), Some(1.0));
        assert_eq!(correlation(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), None);
        assert_eq!(variance(&[1.0, 3.0]), Some(2.0));
        assert_eq!(combinations(4, 2), [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
        assert_eq!((combinations(2, 3).len(), combinations(3, 3).len(), combinations(3, 0).len()), (0, 1, 1));
    }

    proptest! {
        #[test]
        fn a_tidy_number_survives_json(mantissa in -1.0_f64..1.0, exponent in -14_i32..12) {
            let value = tidy(mantissa * 10.0_f64.powi(exponent));
            let back: f64 = serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap();
            prop_assert_eq!(back.to_bits(), value.to_bits());
            prop_assert_eq!(tidy(value).to_bits(), value.to_bits());
        }

        #[test]
        fn sigmoid_undoes_logit(p in 1e-6_f64..0.999_999) {
            prop_assert!((sigmoid(logit(p)) - p).abs() < 1e-12);
        }
    }
}
