//! Every kernel of the registry keeps the promises of its entry.

use super::super::bank::Table;
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
        let mut bank = make(&args, 1);
        let inputs: Vec<u16> = (0..spec.inputs.len() as u16).collect();
        let out = spec.inputs.len();
        let mut table = Table::new(out + spec.lines.len(), 1);
        for round in 0..2 {
            let mut first = vec![None; spec.lines.len()];
            for (t, bar) in walk(400).iter().enumerate() {
                for (row, value) in columns(spec, bar).into_iter().enumerate() {
                    table.set(row, 0, value);
                }
                bank.run(&mut table, &inputs, out, &[true]);
                for (line, first) in first.iter_mut().enumerate() {
                    if !table.get(out + line, 0).is_nan() {
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
            bank.reset(0);
        }
    }
}

/// What a level-free kernel says does not change when a constant is added to its inputs.
#[test]
fn level_free_kernels_do_not_see_the_level() {
    for spec in kernels().filter(|k| k.level_free) {
        let Make::Stream(make) = spec.make else { panic!("{spec:?}") };
        let mut bank = make(&sample(spec), 2);
        let inputs: Vec<u16> = (0..spec.inputs.len() as u16).collect();
        let out = spec.inputs.len();
        let mut table = Table::new(out + 1, 2);
        for bar in walk(200) {
            for (row, value) in columns(spec, &bar).into_iter().enumerate() {
                table.set(row, 0, value);
                table.set(row, 1, value + 1_000.0);
            }
            bank.run(&mut table, &inputs, out, &[true, true]);
            let (a, b) = (table.get(out, 0), table.get(out, 1));
            assert!(a.is_nan() == b.is_nan(), "{spec:?}");
            assert!(a.is_nan() || (a - b).abs() <= 1e-7 * a.abs().max(1.0), "{spec:?} {a} {b}");
        }
    }
}
