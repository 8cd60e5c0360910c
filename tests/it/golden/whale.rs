//! Whales: trades joined to parents, robust z, the tail threshold, and the causal Hampel filter.

use std::collections::BTreeMap;

use cryptosmarttrader::domain::UtcMs;
use cryptosmarttrader::pipeline::flow::{Clusters, Parent, Print, Tail, pot_threshold};
use cryptosmarttrader::pipeline::kernels::Hampel;
use cryptosmarttrader::signals::robust::{MAD_SCALE, Spread};
use serde_json::Value;

use super::orderflow::sides;
use super::{Case, Form, Outputs, column, number, run};

#[test]
fn whales_equal_the_reference() {
    run("whale", compute);
}

fn compute(case: &Case, form: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "cluster_trades" => clusters(case),
        "robust_z" => robust_z(case),
        "pot_threshold_moments" => threshold(case, form),
        "hampel_causal" => hampel(case),
        _ => return None,
    })
}

fn clusters(case: &Case) -> Outputs {
    let gap = i64::try_from(case.count("gap_ms")).expect("a small gap");
    let times = case.input("ts").as_array().expect("times").iter().map(|t| UtcMs(t.as_i64().expect("a time")));
    let rows = times.zip(sides(case)).zip(case.column("price").into_iter().zip(case.column("qty")));
    let mut clusters = Clusters::new(gap);
    let prints = rows.map(|((at, side), (price, qty))| Print { at, side, price, qty });
    let mut parents: Vec<Parent> = prints.filter_map(|print| clusters.push(&print)).collect();
    parents.extend(clusters.cut());
    let of = |f: &dyn Fn(&Parent) -> Value| Value::Array(parents.iter().map(f).collect());
    BTreeMap::from([
        ("side", of(&|p| p.side.as_str().into())),
        ("t0", of(&|p| p.begin.0.into())),
        ("t1", of(&|p| p.end.0.into())),
        ("n", of(&|p| p.prints.into())),
        ("qty", of(&|p| number(p.qty))),
        ("quote", of(&|p| number(p.quote))),
        ("first", of(&|p| number(p.first_price))),
        ("last", of(&|p| number(p.last_price))),
    ])
}

fn robust_z(case: &Case) -> Outputs {
    let x = case.column("x");
    assert_eq!(case.number("scale"), MAD_SCALE);
    let spread = Spread::of(&x).expect("a sample");
    let z: Vec<Option<f64>> = x.iter().map(|x| spread.z(*x)).collect();
    BTreeMap::from([("median", number(spread.median)), ("mad", number(spread.mad)), ("z", column(&z))])
}

fn threshold(case: &Case, form: Form) -> Outputs {
    let (above, tail_prob) = (case.number("threshold_quantile"), case.number("tail_prob"));
    let mut x = case.column("x");
    let fit = match form {
        Form::Streaming => {
            let mut tail = Tail::new(x.len());
            // What the window held before must be gone.
            tail.push(1e9);
            x.iter().for_each(|x| tail.push(*x));
            tail.fit(above, tail_prob)
        }
        Form::Batch => {
            x.sort_by(f64::total_cmp);
            pot_threshold(&x, above, tail_prob)
        }
    };
    let fit = fit.expect("a tail");
    BTreeMap::from([
        ("u", number(fit.u)),
        ("n_exceed", fit.exceedances.into()),
        ("xi", number(fit.xi)),
        ("beta", number(fit.beta)),
        ("threshold", number(fit.threshold)),
    ])
}

fn hampel(case: &Case) -> Outputs {
    assert_eq!(case.number("floor_rel"), 1e-4, "the floor is part of the filter");
    let mut hampel = Hampel::new(case.count("window"), case.number("k"));
    BTreeMap::from([("flag", case.column("x").into_iter().map(|x| Value::from(hampel.push(x))).collect())])
}
