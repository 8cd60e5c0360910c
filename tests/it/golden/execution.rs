//! Execution: the book walked, the square-root impact, orders in slices, and what they cost in the end.

use std::collections::BTreeMap;

use cryptosmarttrader::broker::almgren_chriss::{Liquidation, trajectory};
use cryptosmarttrader::broker::cost::{slippage, sqrt_impact, walk_book};
use cryptosmarttrader::broker::shortfall::{Benchmarks, shortfall};
use cryptosmarttrader::broker::slicing::{twap, vwap};
use cryptosmarttrader::domain::{Qty, Side};
use serde_json::Value;

use super::{Case, Form, Outputs, number, run};

#[test]
fn execution_equals_the_reference() {
    run("execution", compute);
}

fn compute(case: &Case, _: Form) -> Option<Outputs> {
    let of = |name: &str| case.number(name);
    Some(match case.function.as_str() {
        "book_walk_buy" => {
            let (asks, fee) = (pairs(case.input("asks")), of("fee_bps") / 10_000.0);
            let walk = walk_book(Side::Buy, &asks, of("qty"), of("mid"), fee);
            BTreeMap::from([
                ("filled", number(walk.filled)),
                ("unfilled", number(walk.unfilled)),
                ("avg_price", number(walk.average.expect("a fill"))),
                ("slippage_bps", number(walk.slippage_bps.expect("a fill"))),
                ("fee_quote", number(walk.fee)),
            ])
        }
        "sqrt_impact_bps" => {
            let impact =
                sqrt_impact(of("Y"), case.scalar("daily_sigma"), case.scalar("qty"), case.scalar("daily_volume"));
            let impact = impact.expect("a volume");
            let total = slippage(case.scalar("spread_bps"), impact).expect("a spread");
            BTreeMap::from([("impact_bps", number(impact * 10_000.0)), ("total_bps", number(total * 10_000.0))])
        }
        "twap_slices" => {
            let count = u32::try_from(case.count("slices")).expect("a small count");
            let schedule = twap(qty(of("qty")), count, qty(of("lot")).get()).expect("a schedule");
            BTreeMap::from([("slices", schedule.slices.iter().map(|q| number(q.to_f64())).collect())])
        }
        "vwap_slices" => {
            let schedule = vwap(qty(of("lots")), &case.column("volume_profile"), 1.into()).expect("a schedule");
            let whole = |q: &Qty| Value::from(q.get().to_string().parse::<u64>().expect("whole lots"));
            BTreeMap::from([("slices_lots", schedule.slices.iter().map(whole).collect())])
        }
        "almgren_chriss" => almgren_chriss(case),
        "implementation_shortfall" => {
            let side = if of("side") > 0.0 { Side::Buy } else { Side::Sell };
            let prices =
                Benchmarks { decision: of("decision_price"), arrival: of("arrival_price"), last: of("final_price") };
            let cost = shortfall(side, prices, of("order_qty"), of("fee_rate"), &pairs(case.input("fills")));
            BTreeMap::from([
                ("delay", number(cost.delay)),
                ("execution", number(cost.execution)),
                ("opportunity", number(cost.opportunity)),
                ("fees", number(cost.fees)),
                ("total", number(cost.total())),
                ("total_bps", number(cost.total_bps().expect("an order"))),
            ])
        }
        _ => return None,
    })
}

fn qty(value: f64) -> Qty {
    Qty::from_f64(value).expect("a quantity")
}

/// Rows of price and quantity.
fn pairs(rows: &Value) -> Vec<(f64, f64)> {
    let row = |row: &Value| (row[0].as_f64().expect("a price"), row[1].as_f64().expect("a quantity"));
    rows.as_array().expect("rows").iter().map(row).collect()
}

fn almgren_chriss(case: &Case) -> Outputs {
    let best = trajectory(&Liquidation {
        units: case.number("X"),
        slices: u32::try_from(case.count("N")).expect("a small count"),
        horizon: case.number("T"),
        sigma: case.number("sigma"),
        eta: case.number("eta"),
        gamma: case.number("gamma"),
        lambda: case.number("lambda"),
    });
    let best = best.expect("a trajectory");
    let list = |values: &[f64]| values.iter().copied().map(number).collect();
    BTreeMap::from([("kappa", number(best.kappa)), ("holdings", list(&best.holdings)), ("trades", list(&best.trades))])
}
