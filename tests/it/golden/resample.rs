//! Short candles into longer ones on the UTC grid.

use std::collections::BTreeMap;

use cryptosmarttrader::domain::{Candle, Interval, Price, Qty, UtcMs, Venue};
use cryptosmarttrader::pipeline::{Resampled, Resampler};
use serde_json::Value;

use super::{Case, Form, Outputs, number, run};

#[test]
fn longer_candles_equal_the_reference() {
    run("resample", compute);
}

fn compute(case: &Case, _: Form) -> Option<Outputs> {
    (case.function == "resample_ohlcv").then(|| resample(case))
}

fn interval(case: &Case, name: &str) -> Interval {
    let text = case.params[name].as_str().expect("an interval");
    let (count, unit) = text.split_at(text.len() - 1);
    let minutes = [("m", 1), ("h", 60), ("d", 1_440)].into_iter().find_map(|(name, m)| (name == unit).then_some(m));
    Interval(count.parse::<u32>().expect("a count") * minutes.unwrap_or_else(|| panic!("{}: {text}", case.name)))
}

fn candles(case: &Case, interval: Interval) -> Vec<Candle> {
    let times = case.input("ts").as_array().expect("times").iter().map(|t| UtcMs(1_000 * t.as_i64().expect("seconds")));
    let price = |x: f64| Price::from_f64(x).expect("a price");
    let row = |(open_time, b): (UtcMs, cryptosmarttrader::domain::Bar)| Candle {
        pair: "ETH/BTC".parse().expect("a pair"),
        venue: Venue::Kraken,
        interval,
        open_time,
        open: price(b.open),
        high: price(b.high),
        low: price(b.low),
        close: price(b.close),
        volume: Qty::from_f64(b.volume).expect("a volume"),
        trades: None,
    };
    times.zip(case.bars()).map(row).collect()
}

fn resample(case: &Case) -> Outputs {
    let (from, to) = (interval(case, "from"), interval(case, "to"));
    let candles = candles(case, from);
    let mut resampler = Resampler::new(from, to).expect("a multiple");
    let mut longer: Vec<Resampled> = candles.iter().filter_map(|candle| resampler.push(candle)).collect();
    longer.extend(resampler.finish());
    let of = |f: &dyn Fn(&Resampled) -> Value| Value::Array(longer.iter().map(f).collect());
    BTreeMap::from([
        ("ts", of(&|r| (r.candle.open_time.0 / 1_000).into())),
        ("open", of(&|r| number(r.candle.open.to_f64()))),
        ("high", of(&|r| number(r.candle.high.to_f64()))),
        ("low", of(&|r| number(r.candle.low.to_f64()))),
        ("close", of(&|r| number(r.candle.close.to_f64()))),
        ("volume", of(&|r| number(r.candle.volume.to_f64()))),
        ("n_source", of(&|r| r.n_source.into())),
        ("complete", of(&|r| r.complete.into())),
    ])
}
