//! How a feature makes a stationary number of a level: the closed list of transforms.

use super::graph::Builder;
use super::keys::{Args, Given, Key};

/// What can be named as `transform`.
pub struct Transform {
    pub name: &'static str,
    /// In words: `{x}` is what is transformed, other braces are keys.
    pub words: &'static str,
    pub keys: &'static [Key],
    /// Adds what it needs to the graph. `x` and `series` are slots, the latter in the order of the keys that name series.
    pub apply: fn(&mut Builder, x: usize, series: &[usize], args: &Args) -> Result<usize, String>,
}

impl std::fmt::Debug for Transform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Every transform.
pub static TRANSFORMS: &[Transform] = &[
    Transform {
        name: "ma_distance",
        words: "(close − {x}) / {unit}",
        keys: &[Key::series("unit")],
        apply: |b, x, series, _| {
            let close = b.field("close")?;
            b.kernel("distance", Args::default(), &[&[close, x], series].concat())
        },
    },
    Transform {
        name: "per",
        words: "{x} / {unit}",
        keys: &[Key::series("unit")],
        apply: |b, x, series, _| b.kernel("ratio", Args::default(), &[&[x], series].concat()),
    },
    Transform {
        name: "minus",
        words: "{x} − {other}",
        keys: &[Key::series("other")],
        apply: |b, x, series, _| b.kernel("difference", Args::default(), &[&[x], series].concat()),
    },
    Transform {
        name: "log_ratio",
        words: "ln({x} / {to})",
        keys: &[Key::series("to")],
        apply: |b, x, series, _| b.kernel("log_ratio", Args::default(), &[&[x], series].concat()),
    },
    Transform { name: "ln", words: "ln {x}", keys: &[], apply: |b, x, _, _| b.kernel("ln", Args::default(), &[x]) },
    Transform {
        name: "over_sigma",
        words: "{x} / ({sigma}·√{bars})",
        keys: &[Key::series("sigma"), Key::count("bars", 1)],
        apply: |b, x, series, args| b.kernel("over_sigma", bars(args), &[&[x], series].concat()),
    },
    Transform {
        name: "slope",
        words: "ln({x} / {x} {bars} bars before) / {sigma}",
        keys: &[Key::count("bars", 1), Key::series("sigma")],
        apply: |b, x, series, args| {
            let before = b.kernel("lag", bars(args), &[x])?;
            let change = b.kernel("log_ratio", Args::default(), &[x, before])?;
            b.kernel("ratio", Args::default(), &[&[change], series].concat())
        },
    },
    Transform {
        name: "change",
        words: "({x} − {x} {bars} bars before) / {unit}",
        keys: &[Key::count("bars", 1), Key::series("unit")],
        apply: |b, x, series, args| {
            let change = b.kernel("mom", bars(args), &[x])?;
            b.kernel("ratio", Args::default(), &[&[change], series].concat())
        },
    },
    Transform {
        name: "centred",
        words: "({x} − {at}) / {by}",
        keys: &[Key::number("at", -1e12, 1e12), Key::number("by", 1e-12, 1e12)],
        apply: |b, x, _, args| b.kernel("centre", args.clone(), &[x]),
    },
    Transform {
        name: "zscore",
        words: "z-score of {x} within {period} bars",
        keys: &[Key::count("period", 2)],
        apply: |b, x, _, args| b.kernel("zscore", args.clone(), &[x]),
    },
    Transform {
        name: "rank",
        words: "rank of {x} within {period} bars, 0 to 1",
        keys: &[Key::count("period", 2)],
        apply: |b, x, _, args| b.kernel("rank", args.clone(), &[x]),
    },
];

fn bars(args: &Args) -> Args {
    Args::of([("bars", Given::Count(args.count("bars")))])
}

/// The transform of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Transform> {
    TRANSFORMS.iter().find(|t| t.name == name)
}
