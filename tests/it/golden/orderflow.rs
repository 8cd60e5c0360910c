//! Order flow: CVD, tick rule, VPIN, bulk volume, Kyle, Amihud, Roll, and the book's imbalance, microprice and OFI.

use std::collections::BTreeMap;

use cryptosmarttrader::domain::Side;
use cryptosmarttrader::pipeline::flow::{
    Amihud, BulkVolume, Cvd, KyleLambda, Level, Ofi, RollSpread, TickRule, Vpin, bulk_buy_volume, imbalance,
    microprice, weighted_imbalance,
};
use cryptosmarttrader::pipeline::kernels::SampleSd;
use serde_json::Value;

use super::{Case, Form, Outputs, column, number, run};

/// What a live window holds before the case begins; none of it may remain in the result.
const EARLIER: [f64; 7] = [3.0, -1.0, 1e3, 0.5, -40.0, 7.0, 1e-3];

#[test]
fn order_flow_equals_the_reference() {
    run("orderflow", compute);
}

fn compute(case: &Case, form: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "cvd" => cvd(case),
        "tick_rule" => tick_rule(case),
        "vpin" => vpin(case),
        "bulk_volume_classification" => bulk_volume(case),
        "kyle_lambda" => kyle(case, form),
        "amihud" => amihud(case, form),
        "roll_spread" => roll(case, form),
        "book_imbalance" => books(case),
        "order_flow_imbalance" => ofi(case),
        _ => return None,
    })
}

/// The values that a window of the streaming form has seen before.
const fn earlier(form: Form) -> &'static [f64] {
    match form {
        Form::Streaming => &EARLIER,
        Form::Batch => &[],
    }
}

pub(super) fn sides(case: &Case) -> Vec<Side> {
    let side = |v: &Value| if v == "buy" { Side::Buy } else { Side::Sell };
    case.input("side").as_array().expect("a list of sides").iter().map(side).collect()
}

fn cvd(case: &Case) -> Outputs {
    let mut cvd = Cvd::new();
    let values = sides(case).into_iter().zip(case.column("qty")).map(|(side, qty)| Some(cvd.push(side, qty)));
    BTreeMap::from([("value", column(&values.collect::<Vec<_>>()))])
}

/// The sides that the rule is compared with are not among the inputs: they are those of the tape.
fn tick_rule(case: &Case) -> Outputs {
    let tape = super::cases("orderflow").into_iter().find(|c| c.function == "cvd").expect("the tape's sides");
    let seed = if case.number("seed") > 0.0 { Side::Buy } else { Side::Sell };
    let mut rule = TickRule::new(Some(seed));
    let guess = |(price, sent): (f64, Side)| match rule.push(price, Some(sent)) {
        Some(Side::Buy) => Value::from(1),
        Some(Side::Sell) => Value::from(-1),
        None => Value::Null,
    };
    let signs: Vec<Value> = case.column("price").into_iter().zip(sides(&tape)).map(guess).collect();
    let error_rate = rule.error_rate().expect("sides to compare with");
    BTreeMap::from([("sign", Value::Array(signs)), ("agreement", number(1.0 - error_rate))])
}

fn vpin(case: &Case) -> Outputs {
    let mut vpin = Vpin::new(case.number("bucket_volume"), case.count("window")).expect("a volume");
    let mut buckets = Vec::new();
    for (side, qty) in sides(case).into_iter().zip(case.column("qty")) {
        vpin.push(side, qty, |bucket| buckets.push(bucket));
    }
    BTreeMap::from([
        ("bucket_buy", buckets.iter().map(|b| number(b.buy)).collect()),
        ("bucket_sell", buckets.iter().map(|b| number(b.sell)).collect()),
        ("vpin", column(&buckets.iter().map(|b| b.vpin).collect::<Vec<_>>())),
    ])
}

fn bulk_volume(case: &Case) -> Outputs {
    let (changes, volumes) = (case.column("bar_dp"), case.column("bar_volume"));
    let mut sd = SampleSd::new(changes.len());
    let mut bars = BulkVolume::new(changes.len());
    let sigma = changes.iter().filter_map(|dp| sd.push(*dp)).last().expect("a full window");
    let mut bought: Vec<_> = changes.iter().zip(&volumes).map(|(dp, v)| bulk_buy_volume(*v, *dp, sigma)).collect();
    // The last bar is the one that the stream can know.
    *bought.last_mut().expect("a bar") =
        changes.iter().zip(&volumes).filter_map(|(dp, v)| bars.push_change(*dp, *v)).last();
    BTreeMap::from([("buy", column(&bought)), ("sigma", number(sigma))])
}

fn kyle(case: &Case, form: Form) -> Outputs {
    let (changes, flows) = (case.column("bar_dp"), case.column("bar_signed_volume"));
    let mut kyle = KyleLambda::new(changes.len());
    for x in earlier(form) {
        kyle.push_change(*x, 5.0 - x);
    }
    let lines = changes.iter().zip(&flows).map(|(dp, flow)| kyle.push_change(*dp, *flow));
    let line = lines.last().flatten().expect("a line");
    BTreeMap::from([
        ("lambda", number(line.slope)),
        ("intercept", number(line.intercept)),
        ("t", line.t.map_or(Value::Null, number)),
        ("r2", line.r2.map_or(Value::Null, number)),
    ])
}

fn amihud(case: &Case, form: Form) -> Outputs {
    let (closes, volumes) = (case.column("bar_close"), case.column("bar_quote_volume"));
    let mut amihud = Amihud::new(closes.len() - 1);
    for x in earlier(form) {
        amihud.push(x.abs(), 2.0);
    }
    let value = closes.iter().zip(&volumes).map(|(close, volume)| amihud.push(*close, *volume)).last().flatten();
    BTreeMap::from([("value", number(value.expect("a full window")))])
}

fn roll(case: &Case, form: Form) -> Outputs {
    let prices = case.column("price");
    let mut roll = RollSpread::new(prices.len() - 2);
    for x in earlier(form) {
        roll.push(*x);
    }
    let spread = prices.iter().map(|price| roll.push(*price)).last().flatten().expect("a full window");
    BTreeMap::from([("serial_cov", number(spread.serial_cov)), ("spread", number(spread.spread))])
}

/// Bids and asks of every book, best first.
fn ladders(case: &Case) -> Vec<[Vec<Level>; 2]> {
    let level = |v: &Value| (v[0].as_f64().expect("a price"), v[1].as_f64().expect("a quantity"));
    let side = |v: &Value| v.as_array().expect("levels").iter().map(level).collect();
    let books = case.input("books").as_array().expect("books");
    books.iter().map(|book| [side(&book["bids"]), side(&book["asks"])]).collect()
}

/// A value of a book's two sides.
type OfBook<'a> = dyn Fn(&[Level], &[Level]) -> Option<f64> + 'a;

fn books(case: &Case) -> Outputs {
    let books = ladders(case);
    let of = |f: &OfBook<'_>| column(&books.iter().map(|[bids, asks]| f(bids, asks)).collect::<Vec<_>>());
    let levels: Vec<usize> = case.params["levels"].as_array().expect("levels").iter().map(as_count).collect();
    let [first, second, third] = levels[..] else { panic!("{}: three levels are expected", case.name) };
    let decay = case.number("decay");
    BTreeMap::from([
        ("l1", of(&|bids, asks| imbalance(bids, asks, first))),
        ("l5", of(&|bids, asks| imbalance(bids, asks, second))),
        ("l10", of(&|bids, asks| imbalance(bids, asks, third))),
        ("w10", of(&|bids, asks| weighted_imbalance(bids, asks, decay))),
        ("microprice", of(&|bids, asks| microprice(bids.first().copied(), asks.first().copied()))),
    ])
}

fn as_count(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a count")).expect("a small count")
}

fn ofi(case: &Case) -> Outputs {
    let mut ofi = Ofi::new();
    let mut sum = 0.0;
    let (mut events, mut sums) = (Vec::new(), Vec::new());
    for [bids, asks] in ladders(case) {
        let event = ofi.push(bids.first().copied(), asks.first().copied());
        sum += event;
        events.push(number(event));
        sums.push(number(sum));
    }
    BTreeMap::from([("event", Value::Array(events)), ("cumulative", Value::Array(sums))])
}
