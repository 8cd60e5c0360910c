//! Covariance estimators and allocators.

use std::collections::BTreeMap;

use cryptosmarttrader::decision::allocation::covariance::{
    ewma, ledoit_wolf_constant_correlation, ledoit_wolf_identity, oas, sample,
};
use cryptosmarttrader::decision::allocation::{
    Limits, Scenarios, SymmetricMatrix, Total, Turnover, equal_risk, hrp, inverse_variance, kelly_mv, kelly_scenarios,
    mean_variance, min_cvar, min_variance, risk_contributions,
};
use serde_json::{Map, Value};

use super::{Case, Form, Outputs, number, run};

#[test]
fn allocators_equal_the_reference() {
    run("portfolio", allocate);
}

/// The returns of a case, with the names of their assets.
struct Assets {
    names: Vec<String>,
    scenarios: Scenarios,
    covariance: SymmetricMatrix,
}

impl Assets {
    fn of(case: &Case) -> Self {
        let returns = case.input("returns").as_object().expect("returns by asset");
        let column = |v: &Value| v.as_array().expect("a list").iter().map(|r| r.as_f64().expect("a return")).collect();
        let columns: Vec<Vec<f64>> = returns.values().map(column).collect();
        // Matrices of the reference are in the order of its panel, which a map of JSON does not keep.
        let panel = ["ada", "dash", "etc", "eth", "ltc", "trx", "xlm", "xmr", "zec", "nxt"];
        let place = |name: &str| returns.keys().position(|key| key == name).expect("an asset of the panel");
        let sorted: Vec<Vec<f64>> = panel.iter().map(|name| columns[place(name)].clone()).collect();
        assert_eq!(sorted.len(), columns.len());
        let scenarios = Scenarios::from_assets(&sorted).expect("returns");
        let covariance = sample(&scenarios, 1).expect("a covariance");
        Self { names: panel.map(str::to_owned).to_vec(), scenarios, covariance }
    }

    fn by_name(&self, weights: &[f64]) -> Value {
        let named = self.names.iter().zip(weights).map(|(name, w)| (name.clone(), number(*w)));
        Value::Object(named.collect::<Map<_, _>>())
    }

    fn limits(&self, cap: f64, total: Total) -> Limits {
        Limits::uniform(self.names.len(), cap, total).expect("limits")
    }
}

fn matrix(covariance: &SymmetricMatrix) -> Value {
    covariance.rows().map(|row| row.iter().map(|v| number(*v)).collect::<Value>()).collect()
}

fn allocate(case: &Case, _: Form) -> Option<Outputs> {
    let assets = Assets::of(case);
    let n = assets.names.len();
    let shrunk = |found: cryptosmarttrader::decision::allocation::covariance::Shrunk| {
        BTreeMap::from([("cov", matrix(&found.covariance)), ("shrinkage", number(found.shrinkage))])
    };
    let capped = || assets.limits(case.number("cap"), Total::Exactly(1.0));
    Some(match case.function.as_str() {
        "cov_sample" => BTreeMap::from([("cov", matrix(&sample(&assets.scenarios, case.count("ddof"))?))]),
        "cov_ledoit_wolf_identity" => shrunk(ledoit_wolf_identity(&assets.scenarios)?),
        "cov_oas" => shrunk(oas(&assets.scenarios)?),
        "cov_ledoit_wolf_constant_correlation" => shrunk(ledoit_wolf_constant_correlation(&assets.scenarios)?),
        "cov_ewma" => BTreeMap::from([("cov", matrix(&ewma(&assets.scenarios, case.number("lambda"))?))]),
        "hrp" => {
            let (weights, order) = hrp(&assets.covariance)?;
            let order = order.iter().map(|i| Value::from(assets.names[*i].as_str())).collect();
            BTreeMap::from([("weights", assets.by_name(&weights)), ("order", order)])
        }
        "inverse_variance" => {
            let variances: Vec<f64> = assets.covariance.diagonal().collect();
            BTreeMap::from([("weights", assets.by_name(&inverse_variance(&variances)?))])
        }
        "equal_risk_contribution" => {
            let found = equal_risk(&assets.covariance).expect("weights");
            let parts = risk_contributions(&assets.covariance, &found.weights);
            let parts = parts.into_iter().map(number).collect();
            BTreeMap::from([("weights", assets.by_name(&found.weights)), ("risk_contribution", parts)])
        }
        "min_variance" => {
            let found = min_variance(&assets.covariance, &capped()).expect("weights");
            assert!(found.kkt_residual < 1e-9, "{found:?}");
            BTreeMap::from([("weights", assets.by_name(&found.weights)), ("variance", number(found.objective))])
        }
        "min_cvar" => {
            let found = min_cvar(&assets.scenarios, case.number("beta"), &capped()).expect("weights");
            assert!(found.kkt_residual < 1e-7, "{found:?}");
            BTreeMap::from([("weights", assets.by_name(&found.weights)), ("cvar", number(found.objective))])
        }
        "kelly_scenarios" => {
            let limits = assets.limits(case.number("cap"), Total::AtMost(case.number("max_gross")));
            let found = kelly_scenarios(&assets.scenarios, None, &limits).expect("weights");
            assert!(found.kkt_residual < 1e-9, "{found:?}");
            let cash = number(1.0 - found.weights.iter().sum::<f64>());
            let growth = number(found.objective);
            BTreeMap::from([("weights", assets.by_name(&found.weights)), ("cash", cash), ("growth", growth)])
        }
        "kelly_mv" => {
            let found = kelly_mv(&assets.scenarios.means(), &assets.covariance).expect("weights");
            BTreeMap::from([("weights", assets.by_name(&found.weights))])
        }
        "mean_variance_turnover" => {
            let costs = vec![case.number("cost_per_unit_turnover"); n];
            let turnover = Turnover::new(vec![1.0 / n as f64; n], costs).expect("costs");
            let (means, gamma) = (assets.scenarios.means(), case.number("gamma"));
            let limits = assets.limits(1.0, Total::Exactly(1.0));
            let found = mean_variance(&means, &assets.covariance, gamma, Some(&turnover), &limits).expect("weights");
            assert!(found.kkt_residual < 1e-9, "{found:?}");
            BTreeMap::from([("weights", assets.by_name(&found.weights)), ("objective", number(found.objective))])
        }
        _ => return None,
    })
}
