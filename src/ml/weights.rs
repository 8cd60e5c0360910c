//! How much independent information overlapping labels hold (López de Prado 2018, ch. 4).

use std::ops::RangeInclusive;

/// How many label spans are open at each bar. Spans are `first..=last` in bars; what lies beyond `bars` is not counted.
#[must_use]
pub fn concurrency(spans: &[RangeInclusive<usize>], bars: usize) -> Vec<u32> {
    let mut steps = vec![0_i64; bars + 1];
    for span in spans {
        if let Some(s) = steps.get_mut(*span.start()) {
            *s += 1;
        }
        if let Some(s) = steps.get_mut(span.end().saturating_add(1)) {
            *s -= 1;
        }
    }
    let mut open = 0;
    steps
        .iter()
        .take(bars)
        .map(|step| {
            open += step;
            u32::try_from(open).unwrap_or(0)
        })
        .collect()
}

fn share(open: u32) -> f64 {
    if open == 0 { 0.0 } else { 1.0 / f64::from(open) }
}

/// Mean of 1/concurrency over each span; `None` for a span outside the bars.
#[must_use]
pub fn average_uniqueness(spans: &[RangeInclusive<usize>], concurrency: &[u32]) -> Vec<Option<f64>> {
    let sums = prefix(concurrency.iter().map(|c| share(*c)));
    spans.iter().map(|span| Some(between(&sums, span)? / span.clone().count() as f64)).collect()
}

/// Weights by attributed return: |sum over the span of one-bar log return over concurrency|, scaled to mean 1.
/// Empty when a span leaves the bars or nothing moved.
#[must_use]
pub fn return_attribution(spans: &[RangeInclusive<usize>], closes: &[f64]) -> Vec<f64> {
    let open = concurrency(spans, closes.len());
    let returns = std::iter::once(0.0)
        .chain(closes.windows(2).map(|w| if let [a, b] = w { (b / a).ln() } else { 0.0 }))
        .zip(&open)
        .map(|(r, c)| r * share(*c));
    let sums = prefix(returns);
    let raw: Option<Vec<f64>> = spans
        .iter()
        .map(|span| {
            if span.start() == span.end() {
                return Some(0.0);
            }
            between(&sums, &(span.start() + 1..=*span.end())).map(f64::abs)
        })
        .collect();
    let raw = raw.unwrap_or_default();
    let total: f64 = raw.iter().sum();
    if total > 0.0 { raw.iter().map(|w| w * raw.len() as f64 / total).collect() } else { Vec::new() }
}

fn prefix(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    std::iter::once(0.0)
        .chain(values.map(|v| {
            sum += v;
            sum
        }))
        .collect()
}

fn between(sums: &[f64], span: &RangeInclusive<usize>) -> Option<f64> {
    Some(sums.get(span.end() + 1)? - sums.get(*span.start())?)
}

/// A label of one of several pairs, in whole hours since the epoch, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PooledSpan {
    pub pair: usize,
    pub first: i64,
    pub last: i64,
}

/// Effective weight of each label when pairs are pooled: its mean over the span of `1/c · 1/(1 + (N−1)ρ)`, with `c` the pair's own
/// concurrency and `N` the pairs that have a label open at the hour. The sum is the effective sample size: with one
/// pair it is the sum of uniqueness, with N pairs `n_eff·N/(1 + (N−1)ρ)`.
#[must_use]
pub fn pooled(spans: &[PooledSpan], rho: f64) -> Vec<f64> {
    let (Some(origin), Some(end)) = (spans.iter().map(|s| s.first).min(), spans.iter().map(|s| s.last).max()) else {
        return Vec::new();
    };
    let hours = usize::try_from(end - origin + 1).unwrap_or(0);
    let pairs = spans.iter().map(|s| s.pair + 1).max().unwrap_or(0);
    let local =
        |s: &PooledSpan| usize::try_from(s.first - origin).unwrap_or(0)..=usize::try_from(s.last - origin).unwrap_or(0);
    let mut of_pair: Vec<Vec<RangeInclusive<usize>>> = vec![Vec::new(); pairs];
    for span in spans {
        if let Some(list) = of_pair.get_mut(span.pair) {
            list.push(local(span));
        }
    }
    let open: Vec<Vec<u32>> = of_pair.iter().map(|list| concurrency(list, hours)).collect();
    let mut active = vec![0_u32; hours];
    for own in &open {
        for (n, c) in active.iter_mut().zip(own) {
            *n += u32::from(*c > 0);
        }
    }
    let rho = rho.clamp(0.0, 1.0);
    let sums: Vec<Vec<f64>> = open
        .iter()
        .map(|own| {
            prefix(own.iter().zip(&active).map(|(c, n)| share(*c) / (1.0 + f64::from(n.saturating_sub(1)) * rho)))
        })
        .collect();
    spans
        .iter()
        .map(|span| {
            let range = local(span);
            let length = range.clone().count().max(1) as f64;
            sums.get(span.pair).and_then(|s| between(s, &range)).unwrap_or(0.0) / length
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{close_enough, golden, integers};
    use super::*;

    fn spans(case: &serde_json::Value) -> Vec<RangeInclusive<usize>> {
        let (starts, ends) = (integers(&case["inputs"]["starts"]), integers(&case["inputs"]["ends"]));
        starts.into_iter().zip(ends).map(|(a, b)| a..=b).collect()
    }

    #[test]
    fn one_pair_alone_is_plain_uniqueness() {
        let file = golden("labels");
        let spans = spans(&file.case("uniqueness"));
        let plain = average_uniqueness(&spans, &concurrency(&spans, 400));
        let alone: Vec<PooledSpan> =
            spans.iter().map(|s| PooledSpan { pair: 0, first: *s.start() as i64, last: *s.end() as i64 }).collect();
        for (a, b) in pooled(&alone, 0.7).iter().zip(plain) {
            close_enough(Some(*a), b, 1e-12, "pooled");
        }
    }

    #[test]
    fn twins_add_nothing_and_strangers_double() {
        let one: Vec<PooledSpan> = (0..50).map(|i| PooledSpan { pair: 0, first: i * 3, last: i * 3 + 24 }).collect();
        let two: Vec<PooledSpan> = one.iter().flat_map(|s| [*s, PooledSpan { pair: 1, ..*s }]).collect();
        let n = |spans: &[PooledSpan], rho: f64| pooled(spans, rho).iter().sum::<f64>();
        let alone = n(&one, 0.5);
        assert!((n(&two, 1.0) - alone).abs() < 1e-9);
        assert!((n(&two, 0.0) - 2.0 * alone).abs() < 1e-9);
        assert!((n(&two, 0.5) - alone * 2.0 / 1.5).abs() < 1e-9);
        assert!(pooled(&[], 0.5).is_empty());
    }
}
