//! Drift: distances of two samples, and detectors on streams.

use std::collections::BTreeMap;

use cryptosmarttrader::ml::drift::adwin::{Adwin, AdwinSettings, Shift};
use cryptosmarttrader::ml::drift::cusum::{Cusum, CusumSettings};
use cryptosmarttrader::ml::drift::ddm::{Ddm, DdmAlarm, DdmSettings};
use cryptosmarttrader::ml::drift::distance::{
    ascending, counts, energy, inner_edges, jensen_shannon, kolmogorov_smirnov, mmd2_unbiased, psi, psi_threshold,
    shares, wasserstein,
};
use cryptosmarttrader::ml::drift::kolmogorov::{p_exact, p_limit};
use cryptosmarttrader::ml::drift::page_hinkley::{PageHinkley, PageHinkleySettings};
use serde_json::{Value, json};

use super::{Case, Form, Outputs, number, run};

#[test]
fn drift_equals_the_reference() {
    run("drift", compute);
}

fn compute(case: &Case, _: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "psi" | "jensen_shannon" => binned(case),
        "mmd2_unbiased" => {
            let [a, b] = samples(case);
            BTreeMap::from([("mmd2", number(mmd2_unbiased(&a, &b, case.number("gamma")).expect("two samples")))])
        }
        "ks_2samp" => kolmogorov(case),
        "wasserstein_1" => {
            let [a, b] = samples(case);
            let [w1, energy] = [wasserstein(&a, &b), energy(&a, &b)].map(|d| number(d.expect("a distance")));
            BTreeMap::from([("w1", w1), ("energy", energy)])
        }
        "adwin" => adwin(case),
        "page_hinkley" => page_hinkley(case),
        "ddm" => ddm(case),
        "cusum" => cusum(case),
        _ => return None,
    })
}

fn samples(case: &Case) -> [Vec<f64>; 2] {
    ["reference", "current"].map(|name| ascending(case.column(name)))
}

fn binned(case: &Case) -> Outputs {
    let ([a, b], bins, smoothing) = (samples(case), case.count("bins"), case.number("smoothing"));
    let edges = inner_edges(&a, bins).expect("edges");
    let [in_a, in_b] = [&a, &b].map(|s| counts(&edges, s.iter().copied()));
    let [p, q] = [&in_a, &in_b].map(|c| shares(c, smoothing));
    if case.function == "jensen_shannon" {
        let divergence = jensen_shannon(&p, &q);
        return BTreeMap::from([("divergence", number(divergence)), ("distance", number(divergence.sqrt()))]);
    }
    let threshold = psi_threshold(a.len() as f64, b.len() as f64, bins, 0.99).expect("a threshold");
    BTreeMap::from([
        ("edges", json!(edges)),
        ("count_ref", json!(in_a)),
        ("count_cur", json!(in_b)),
        ("psi", number(psi(&p, &q))),
        ("threshold_1pct", number(threshold)),
    ])
}

fn kolmogorov(case: &Case) -> Outputs {
    let [a, b] = samples(case);
    let distance = kolmogorov_smirnov(&a, &b).expect("a distance");
    let limit = p_limit(distance, a.len() as f64, b.len() as f64).expect("a p-value");
    let exact = p_exact(distance, a.len(), b.len()).expect("a p-value");
    BTreeMap::from([("stat", number(distance)), ("p_series", number(limit)), ("p_exact", number(exact))])
}

fn adwin(case: &Case) -> Outputs {
    let mut detector = Adwin::new(&AdwinSettings {
        delta: case.number("delta"),
        clock: case.count("clock") as u64,
        max_buckets: case.count("max_buckets"),
        min_half: case.count("min_window_length") as u64,
        grace: case.count("grace_period") as u64,
    });
    let (mut detections, mut widths) = (Vec::new(), Vec::new());
    for (i, x) in case.column("x").into_iter().enumerate() {
        if detector.update(x).is_some() {
            detections.push(i);
            widths.push(detector.width());
        }
    }
    BTreeMap::from([
        ("detections", json!(detections)),
        ("width_after", json!(widths)),
        ("final_width", json!(detector.width())),
        ("final_mean", number(detector.mean().expect("a mean"))),
    ])
}

/// Places at which a detector says something.
fn places<T>(values: impl IntoIterator<Item = T>, mut says: impl FnMut(T) -> bool) -> Value {
    let found: Vec<usize> = values.into_iter().enumerate().filter_map(|(i, v)| says(v).then_some(i)).collect();
    json!(found)
}

fn page_hinkley(case: &Case) -> Outputs {
    let mut detector = PageHinkley::new(&PageHinkleySettings {
        min_instances: case.count("min_instances") as u64,
        delta: case.number("delta"),
        threshold: case.number("threshold"),
        alpha: case.number("alpha"),
        both: case.params["mode"] == "both",
        mean: None,
    });
    BTreeMap::from([("detections", places(case.column("x"), |x| detector.update(x).is_some()))])
}

fn ddm(case: &Case) -> Outputs {
    let mut detector = Ddm::new(&DdmSettings {
        warm_start: case.count("warm_start") as u64,
        warning: case.number("warning"),
        drift: case.number("drift"),
    });
    let alarms: Vec<Option<DdmAlarm>> = case.column("errors").into_iter().map(|e| detector.update(e == 1.0)).collect();
    let of = |alarm: DdmAlarm| places(&alarms, |a| *a == Some(alarm));
    BTreeMap::from([("drift", of(DdmAlarm::Drift)), ("warning", of(DdmAlarm::Warning))])
}

fn cusum(case: &Case) -> Outputs {
    let mut detector = Cusum::new(&CusumSettings { k: case.number("k"), h: case.number("h") });
    let steps: Vec<_> = case.column("z").into_iter().map(|z| detector.update(z).expect("a step")).collect();
    let alarms = places(&steps, |step| matches!(step.alarm, Some(Shift::Up | Shift::Down)));
    BTreeMap::from([
        ("up", steps.iter().map(|s| number(s.up)).collect()),
        ("down", steps.iter().map(|s| number(s.down)).collect()),
        ("alarms", alarms),
    ])
}
