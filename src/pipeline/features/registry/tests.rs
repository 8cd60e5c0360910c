//! Every kernel of the registry keeps the promises of its entry.

use super::super::keys::{Given, KeyKind};
use super::*;
use crate::domain::random::SplitMix64;

/// Small values for a kernel's keys, all different.
fn sample(spec: &KernelSpec) -> Args {
    let given = |(i, key): (usize, &Key)| match key.kind {
        KeyKind::Count { from, .. } => (key.name, Given::Count(from.max(2) + 3 * i + 3)),
        KeyKind::Number { from, .. } => (key.name, Given::Number(from.max(1.5))),
        KeyKind::Series => (key.name, Given::Series("close".to_owned())),
    };
    Args::of(spec.keys.iter().enumerate().map(given))
}

/// A walk: open, high, low, close, volume.
fn walk(bars: usize) -> Vec<[f64; 5]> {
    let mut random = SplitMix64::new(&[3]);
    let mut price: f64 = 100.0;
    (0..bars)
        .map(|_| {
            let open = price;
            price *= (0.01 * random.normal()).exp();
            let (top, bottom) = (open.max(price), open.min(price));
            [
                open,
                top * (1.0 + 0.004 * random.unit()),
                bottom * (1.0 - 0.004 * random.unit()),
                price,
                1.0 + random.unit(),
            ]
        })
        .collect()
}

fn columns(spec: &KernelSpec, bar: &[f64; 5]) -> Vec<f64> {
    let [open, high, low, close, volume] = *bar;
    match spec.inputs {
        Inputs::Named(places) => [close, open, high].into_iter().take(places.len()).collect(),
        Inputs::Fields(fields) => {
            let of = |field: &&str| match *field {
                "open" => open,
                "high" => high,
                "low" => low,
                "close" => close,
                _ => volume,
            };
            fields.iter().map(of).collect()
        }
    }
}

#[test]
fn names_are_unique_and_every_entry_says_what_it_is() {
    let mut seen = std::collections::BTreeSet::new();
    for spec in kernels() {
        assert!(seen.insert(spec.name), "{} twice", spec.name);
        assert!(!spec.words.is_empty() && !spec.lines.is_empty() && spec.inputs.len() > 0, "{spec:?}");
        let places = match spec.inputs {
            Inputs::Named(places) => places,
            Inputs::Fields(_) => &[],
        };
        for word in places.iter().copied().chain(spec.keys.iter().map(|k| k.name)) {
            assert!(spec.words.contains(&format!("{{{word}}}")), "{} does not tell its {word}", spec.name);
        }
    }
}

/// The first value comes exactly when the entry says, after a reset too; a line that is there stays.
#[test]
fn look_backs_are_as_declared() {
    for spec in kernels() {
        let Make::Stream(make) = spec.make else { continue };
        let args = sample(spec);
        let mut stream = make(&args);
        for round in 0..2 {
            let mut out = vec![f64::NAN; spec.lines.len()];
            let mut first = vec![None; spec.lines.len()];
            for (t, bar) in walk(400).iter().enumerate() {
                stream.push(&columns(spec, bar), &mut out);
                for (first, value) in first.iter_mut().zip(&out) {
                    if !value.is_nan() {
                        first.get_or_insert(t);
                    }
                }
            }
            for (line, first) in first.iter().enumerate() {
                let promised = (spec.lookback)(&args, line).filled;
                // A half-life is there only while the series reverts.
                let late = spec.name == "half_life" && first.is_some_and(|f| f >= promised);
                assert!(
                    *first == Some(promised) || late,
                    "{} {} ({round}): {first:?}, {promised}",
                    spec.name,
                    spec.lines[line]
                );
            }
            stream.reset();
        }
    }
}

/// What a level-free kernel says does not change when a constant is added to its input.
#[test]
fn level_free_kernels_do_not_see_the_level() {
    for spec in kernels().filter(|k| k.level_free) {
        let Make::Stream(make) = spec.make else { panic!("{spec:?}") };
        let (mut low, mut high) = (make(&sample(spec)), make(&sample(spec)));
        let (mut a, mut b) = ([f64::NAN], [f64::NAN]);
        for bar in walk(200) {
            low.push(&[bar[3]], &mut a);
            high.push(&[bar[3] + 1_000.0], &mut b);
            assert!(a[0].is_nan() == b[0].is_nan(), "{spec:?}");
            assert!(a[0].is_nan() || (a[0] - b[0]).abs() <= 1e-7 * a[0].abs().max(1.0), "{spec:?} {a:?} {b:?}");
        }
    }
}
