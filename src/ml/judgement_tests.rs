//! Many rows at once are one row, many times.

use super::super::Watch;
use super::super::testkit::{FEATURES, Market, settings, trained};
use super::*;
use crate::domain::UtcMs;
use crate::domain::random::SplitMix64;
use crate::domain::settings::GateSettings;

#[test]
fn many_rows_are_judged_bit_for_bit_as_each_alone() {
    let series = Market::planted(2, 2_500, 72).build();
    let watch = Watch { progress: &|_| {}, go_on: &|| true };
    let made = trained(&series, &settings(6), &GateSettings::default(), 0.004, UtcMs(1), watch).unwrap();
    let model = made.into_iter().next().unwrap().unwrap().model;
    let mut rng = SplitMix64::new(&[9]);
    let mut rows: Vec<(Vec<f64>, f64)> =
        (0..300).map(|_| (FEATURES.iter().map(|_| rng.normal()).collect(), 0.001 + 0.02 * rng.unit())).collect();
    // What has no answer keeps its place.
    rows[3].0[7] = f64::NAN;
    rows[70].0.pop();
    rows[131].1 = 0.0;
    rows[299].1 = f64::INFINITY;
    let many = |rows: &[(Vec<f64>, f64)]| {
        let rows: Vec<(&[f64], f64)> = rows.iter().map(|(features, sigma24)| (features.as_slice(), *sigma24)).collect();
        model.judge_many(&rows)
    };
    let alone = |rows: &[(Vec<f64>, f64)]| -> Vec<Option<Judgement>> {
        rows.iter().map(|(features, sigma24)| model.judge(features, *sigma24)).collect()
    };
    // Judgements are finite, and a zero's sign would show in nothing that follows.
    let judged = many(&rows);
    assert_eq!(judged, alone(&rows));
    assert_eq!(judged.iter().filter(|j| j.is_none()).count(), 4);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(|| many(&rows)), judged);
    assert_eq!(many(&rows[..9]), judged[..9]);
    assert_eq!(many(&[]), []);
    // A finite value that single precision does not hold.
    rows[11].0[0] = 1e300;
    assert_eq!(many(&rows), alone(&rows));
    assert!(alone(&rows)[11].is_some());
}
