//! Splits in time: purged k-fold, walk-forward, combinatorial.

use std::collections::BTreeMap;

use cryptosmarttrader::ml::cv::{Span, combinatorial, overlaps, purged_kfold, walk_forward_windows};
use serde_json::{Value, json};

use super::{Case, Form, Outputs, run};

#[test]
fn splits_equal_the_reference() {
    run("cv", compute);
}

fn compute(case: &Case, _: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "purged_kfold" => kfold(case),
        "purged_walk_forward" => walk_forward(case),
        "cpcv" => combinations(case),
        _ => return None,
    })
}

fn kfold(case: &Case) -> Outputs {
    let ends = case.input("label_end").as_array().expect("ends").iter();
    let spans: Vec<Span> =
        ends.zip(0..).map(|(end, start)| Span { start, end: end.as_i64().expect("an index") }).collect();
    let folds = purged_kfold(&spans, case.count("k"), embargo(case));
    let fold = |fold: &cryptosmarttrader::ml::cv::Fold| {
        assert_eq!(overlaps(&spans, fold), 0);
        let (first, last) = (fold.test.first().expect("a test"), fold.test.last().expect("a test"));
        assert_eq!(last - first + 1, fold.test.len(), "a block without gaps");
        json!({"test": [first, last + 1], "train": fold.train})
    };
    BTreeMap::from([("folds", folds.iter().map(fold).collect())])
}

fn walk_forward(case: &Case) -> Outputs {
    let [n, train, test, purge] = ["n", "train", "test", "purge"].map(|name| case.count(name));
    let expanding = case.params["expanding"].as_bool().expect("a choice");
    let windows = walk_forward_windows(n, train, test, purge, expanding);
    let fold = |(train, test): &(std::ops::Range<usize>, std::ops::Range<usize>)| json!({"train": [train.start, train.end], "test": [test.start, test.end]});
    BTreeMap::from([("folds", windows.iter().map(fold).collect())])
}

/// A label that is known `purge` bars later takes as many bars away on either side of a test group.
fn combinations(case: &Case) -> Outputs {
    let purge = i64::try_from(case.count("purge")).expect("a small purge");
    let rows = i64::try_from(case.count("n")).expect("a small number");
    let spans: Vec<Span> = (0..rows).map(|start| Span { start, end: start + purge }).collect();
    let scheme = combinatorial(&spans, case.count("groups"), case.count("test_groups"), embargo(case)).expect("splits");
    let split = |split: &cryptosmarttrader::ml::cv::Combination| {
        assert_eq!(overlaps(&spans, &split.fold), 0);
        json!({"test_groups": split.groups, "train": split.fold.train})
    };
    BTreeMap::from([
        ("n_splits", scheme.splits.len().into()),
        ("n_paths", scheme.paths().len().into()),
        ("group_edges", scheme.edges.iter().copied().map(Value::from).collect()),
        ("splits", scheme.splits.iter().map(split).collect()),
    ])
}

fn embargo(case: &Case) -> i64 {
    i64::try_from(case.count("embargo")).expect("a small embargo")
}
