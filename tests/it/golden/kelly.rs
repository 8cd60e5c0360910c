//! Position sizing: Kelly's stakes, what uncertainty and a drawdown constraint leave of them, and which barrier is hit first.

use std::collections::BTreeMap;

use cryptosmarttrader::decision::kelly::{
    BetaPosterior, baker_mchale, barrier_hit_probability, drawdown_constrained, fractional, kelly_binary,
    kelly_continuous, volatility_target,
};

use super::{Case, Form, Outputs, number, run};

#[test]
fn kelly_equals_the_reference() {
    run("kelly", compute);
}

fn compute(case: &Case, _: Form) -> Option<Outputs> {
    let of = |name: &str| case.number(name);
    Some(match case.function.as_str() {
        "kelly_binary" => {
            let full = kelly_binary(of("p_win"), of("win"), of("loss")).expect("a bet");
            BTreeMap::from([
                ("full", number(full)),
                ("clamped", number(fractional(full, 1.0, f64::INFINITY).expect("a stake"))),
            ])
        }
        "kelly_continuous" => {
            let full = kelly_continuous(of("mu"), of("sigma")).expect("a spread");
            BTreeMap::from([
                ("full", number(full)),
                ("sized", number(fractional(full, of("fraction"), of("cap")).expect("a stake"))),
            ])
        }
        "kelly_shrink" => {
            let (p, odds) = (of("p_hat"), of("odds"));
            let full = kelly_binary(p, odds, 1.0).expect("a bet");
            let shrink = baker_mchale(p, odds, of("sd_p")).expect("a bet");
            BTreeMap::from([("full", number(full)), ("shrink", number(shrink)), ("sized", number(full * shrink))])
        }
        "kelly_beta_posterior" => {
            let prior = (of("prior_a"), of("prior_b"));
            let posterior = BetaPosterior::new(of("wins"), of("losses"), prior).expect("counts");
            let low = posterior.quantile(of("quantile")).expect("a level");
            let stake = |p: f64| number(kelly_binary(p, of("odds"), 1.0).expect("a bet"));
            BTreeMap::from([
                ("p_mean", number(posterior.mean())),
                ("p_q", number(low)),
                ("f_mean", stake(posterior.mean())),
                ("f_q", stake(low)),
            ])
        }
        "kelly_drawdown_constrained" => {
            let stake = drawdown_constrained(&case.column("returns"), of("alpha"), of("beta")).expect("a bound");
            BTreeMap::from([
                ("lambda", number(stake.lambda)),
                ("full", number(stake.full)),
                ("sized", number(stake.sized)),
            ])
        }
        "barrier_hit_probability" => {
            let p = barrier_hit_probability(of("mu"), of("sigma"), of("up"), of("down")).expect("two barriers");
            BTreeMap::from([("p_up_first", number(p))])
        }
        "vol_target" => {
            let weight = volatility_target(of("sigma_annual"), of("target"), of("max_leverage")).expect("a volatility");
            BTreeMap::from([("weight", number(weight))])
        }
        _ => return None,
    })
}
