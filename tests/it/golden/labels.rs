//! Labels and what overlapping ones are worth.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use cryptosmarttrader::domain::{ExitPlan, Horizon};
use cryptosmarttrader::ml::TrainingRow;
use cryptosmarttrader::ml::labels::{Barrier, Path};
use cryptosmarttrader::ml::weights::{average_uniqueness, concurrency, return_attribution};
use serde_json::Value;

use super::{Case, Form, Outputs, column, run};

#[test]
fn labels_equal_the_reference() {
    run("labels", compute);
}

fn compute(case: &Case, _: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "forward_log_return" => {
            let (rows, bars) = (rows(case), case.count("horizon_bars"));
            let path = Path::new(&rows);
            let values: Vec<_> = (0..rows.len()).map(|t| path.forward_return(t, bars)).collect();
            BTreeMap::from([("value", column(&values))])
        }
        "triple_barrier" => triple_barrier(case),
        "sample_uniqueness" => {
            let spans = spans(case);
            let bars = case.input("n_bars").as_u64().expect("a number of bars");
            let open = concurrency(&spans, usize::try_from(bars).expect("a small number"));
            let unique = column(&average_uniqueness(&spans, &open));
            BTreeMap::from([("concurrency", open.into_iter().map(Value::from).collect()), ("avg_uniqueness", unique)])
        }
        "return_attribution_weights" => {
            let weights = return_attribution(&spans(case), &case.column("close"));
            BTreeMap::from([("weight", weights.into_iter().map(Value::from).collect())])
        }
        _ => return None,
    })
}

fn rows(case: &Case) -> Vec<TrainingRow> {
    let row = |bar| TrainingRow { bar, features: None, sigma24: None, after_hole: false };
    case.bars().into_iter().map(row).collect()
}

fn triple_barrier(case: &Case) -> Outputs {
    let (rows, window) = (rows(case), case.count("sigma_window"));
    let path = Path::new(&rows);
    let exits = ExitPlan {
        horizon: Horizon(u32::try_from(case.count("horizon_bars")).expect("a short horizon")),
        target_multiple: case.number("pt"),
        stop_multiple: case.number("sl"),
    };
    let closes = case.column("close");
    let returns: Vec<f64> = closes.windows(2).map(|w| (w[1] / w[0]).ln()).collect();
    let hit = |t: usize| {
        let seen = &returns[t.checked_sub(window)?..t];
        let mean = seen.iter().sum::<f64>() / window as f64;
        let variance = seen.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (window - 1) as f64;
        path.triple_barrier(t, &exits, variance.sqrt())
    };
    let hits: Vec<_> = (0..rows.len()).map(hit).collect();
    let label = |barrier| match barrier {
        Barrier::Target => 1,
        Barrier::Stop => -1,
        Barrier::Time => 0,
    };
    BTreeMap::from([
        ("label", hits.iter().map(|h| h.map_or(Value::Null, |h| label(h.barrier).into())).collect()),
        ("end", hits.iter().map(|h| h.map_or(Value::Null, |h| h.end.into())).collect()),
        ("log_return", column(&hits.iter().map(|h| h.map(|h| h.log_return)).collect::<Vec<_>>())),
    ])
}

fn spans(case: &Case) -> Vec<RangeInclusive<usize>> {
    let of = |name: &str| {
        let list = case.input(name).as_array().expect("a list").clone();
        list.into_iter().map(|v| usize::try_from(v.as_u64().expect("an index")).expect("a small index"))
    };
    of("starts").zip(of("ends")).map(|(first, last)| first..=last).collect()
}
