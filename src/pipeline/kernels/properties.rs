//! What every kernel promises, whatever the prices: tested over the whole catalog and the kernels outside it.

use proptest::prelude::*;

use super::*;

/// Every indicator of the catalog with usual parameters.
pub(super) fn catalog() -> Vec<Indicator> {
    let usual = |name: &'static str| -> Vec<(&'static str, f64)> {
        match name {
            "macd" => vec![("fastperiod", 12.0), ("slowperiod", 26.0), ("signalperiod", 9.0)],
            "apo" | "ppo" => vec![("fastperiod", 12.0), ("slowperiod", 26.0)],
            "adosc" => vec![("fastperiod", 3.0), ("slowperiod", 10.0)],
            "t3" => vec![("timeperiod", 5.0), ("vfactor", 0.7)],
            "bbands" => vec![("timeperiod", 20.0), ("mult", 2.0)],
            "stoch" => vec![("fastk_period", 14.0), ("slowk_period", 3.0), ("slowd_period", 3.0)],
            "stochf" => vec![("fastk_period", 5.0), ("fastd_period", 3.0)],
            "stochrsi" => vec![("timeperiod", 14.0), ("fastk_period", 5.0), ("fastd_period", 3.0)],
            "ultosc" => vec![("timeperiod1", 7.0), ("timeperiod2", 14.0), ("timeperiod3", 28.0)],
            "sar" => vec![("acceleration", 0.02), ("maximum", 0.2)],
            "keltner" => vec![("ema_period", 20.0), ("atr_period", 10.0), ("mult", 2.0)],
            "ichimoku" => vec![("tenkan", 9.0), ("kijun", 26.0), ("senkou_b", 52.0), ("shift", 26.0)],
            "supertrend" => vec![("atr_period", 10.0), ("mult", 3.0)],
            "vol_ewma" => vec![("lambda", 0.94), ("seed_bars", 20.0)],
            "trange" | "obv" | "ad" | "bop" | "typprice" | "ht_trendline" => vec![],
            name if name.starts_with("vol_") => vec![("window", 24.0)],
            _ => vec![("timeperiod", 14.0)],
        }
    };
    Indicator::NAMES.iter().map(|name| Indicator::new(name, usual(name)).unwrap()).collect()
}

/// Bars whose closes wander by these steps, in shares of a thousandth; steps and ranges of 0 happen.
pub(super) fn wander(steps: &[(i16, u8, u8, u8)]) -> Vec<Row> {
    let mut close = 100.0_f64;
    let bar = |(step, up, down, volume): &(i16, u8, u8, u8)| {
        let open = close;
        close *= 1.0 + f64::from(*step) / 20_000.0;
        Row {
            open,
            high: open.max(close) * (1.0 + f64::from(*up) / 20_000.0),
            low: open.min(close) * (1.0 - f64::from(*down) / 20_000.0),
            close,
            volume: f64::from(*volume),
        }
    };
    steps.iter().map(bar).collect()
}

fn walk(rows: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Row>> {
    let step = prop_oneof![3 => -300_i16..300, 1 => Just(0)];
    let item = (step, prop_oneof![Just(0), any::<u8>()], prop_oneof![Just(0), any::<u8>()], any::<u8>());
    prop::collection::vec(item, rows).prop_map(|steps| wander(&steps))
}

/// Values as bits: NaN is equal to itself, 0 is not −0.
fn bits(columns: &[Column]) -> Vec<Vec<u64>> {
    columns.iter().map(|column| column.iter().map(|v| v.to_bits()).collect()).collect()
}

fn one_by_one(kernel: &mut dyn Kernel<f64>, lines: usize, rows: &[Row]) -> Vec<Column> {
    let mut values = vec![f64::NAN; lines];
    let mut columns = vec![Column::new(); lines];
    for row in rows {
        kernel.step(row, &mut values);
        for (column, value) in columns.iter_mut().zip(&values) {
            column.push(*value);
        }
    }
    columns
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn batch_is_streaming_and_a_reset_kernel_is_a_new_one(rows in walk(1..260)) {
        for indicator in catalog() {
            let mut kernel = indicator.start::<f64>();
            let lines = indicator.lines().len();
            let first = bits(&one_by_one(&mut *kernel, lines, &rows));
            kernel.reset();
            prop_assert_eq!(&first, &bits(&one_by_one(&mut *kernel, lines, &rows)), "{} after reset", indicator.name());
            prop_assert_eq!(&first, &bits(&columns(&indicator, &rows)), "{} in batch", indicator.name());
        }
    }

    #[test]
    fn a_value_depends_on_nothing_after_it(rows in walk(2..260), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(rows.len() - 1) + 1;
        for indicator in catalog() {
            let whole = columns(&indicator, &rows);
            let begun: Vec<Column> = whole.iter().map(|column| column[..cut].to_vec()).collect();
            let short = columns(&indicator, &rows[..cut]);
            prop_assert_eq!(bits(&short), bits(&begun), "{} up to {}", indicator.name(), cut);
        }
    }
}

/// Columns of ratios: a price in another unit must not change them. Columns in price units scale with it.
#[test]
fn the_size_of_a_price_changes_no_ratio() {
    const SCALE: f64 = 1e-6;
    let steps: Vec<_> =
        (0..400_u32).map(|i| ((i * 7919 % 601) as i16 - 300, (i % 97) as u8, (i % 89) as u8, 9)).collect();
    let rows = wander(&steps);
    let small: Vec<Row> = rows
        .iter()
        .map(|r| Row {
            open: r.open * SCALE,
            high: r.high * SCALE,
            low: r.low * SCALE,
            close: r.close * SCALE,
            volume: r.volume,
        })
        .collect();
    let ratios = [
        "rsi",
        "cmo",
        "ppo",
        "trix",
        "natr",
        "plus_di",
        "minus_di",
        "dx",
        "adx",
        "adxr",
        "stoch",
        "stochf",
        "stochrsi",
        "willr",
        "cci",
        "ultosc",
        "aroon",
        "aroonosc",
        "mfi",
        "obv",
        "ad",
        "adosc",
        "bop",
        "roc",
        "correl",
        "beta",
        "cmf",
        "rolling_zscore",
    ];
    for indicator in catalog() {
        let name = indicator.name();
        let ratio = ratios.contains(&name) || name.starts_with("vol_");
        for (line, (big, small)) in
            indicator.lines().iter().zip(columns(&indicator, &rows).iter().zip(columns(&indicator, &small)))
        {
            let scale = if ratio || *line == "direction" { 1.0 } else { SCALE };
            assert!(big.iter().any(|v| v.is_finite()), "{name} has no value");
            for (i, (big, small)) in big.iter().zip(small).enumerate() {
                // Relative to the prices where the line is a price.
                let size = if scale == 1.0 { big.abs().max(1.0) } else { 100.0 * SCALE };
                let apart = (big * scale - small).abs();
                assert!(big.is_nan() && small.is_nan() || apart <= 1e-7 * size, "{name} {line} at {i}: {big} {small}");
            }
        }
    }
}

/// The kernels outside the catalog.
#[test]
fn the_other_kernels_forget_everything_too() {
    let rows = wander(&(0..200_u32).map(|i| ((i * 7919 % 601) as i16 - 300, 3, 5, 1)).collect::<Vec<_>>());
    macro_rules! check {
        ($($new:expr => |$k:ident, $x:ident| $push:expr;)*) => {$({
            let mut $k = $new;
            let first: Vec<Option<f64>> = rows.iter().map(|r| { let $x = r.close; $push }).collect();
            $k.reset();
            let second: Vec<Option<f64>> = rows.iter().map(|r| { let $x = r.close; $push }).collect();
            assert!(first.iter().any(Option::is_some), "{}", stringify!($new));
            assert_eq!(first, second, "{}", stringify!($new));
        })*};
    }
    check! {
        Wilder::new(9) => |k, x| k.push(x);
        SampleSd::new(9) => |k, x| k.push(x);
        HalfLife::new(30) => |k, x| k.push(x.ln());
        RollingSum::new(9) => |k, x| k.push(x);
        Lag::new(9) => |k, x| k.push(x);
        Hampel::new(11, 0.5) => |k, x| k.push(x).then_some(1.0);
        FractionalDifference::new(0.4, 1e-3) => |k, x| k.push(x.ln());
        Garch::new(GarchParameters { omega: 0.1, alpha: 0.1, beta: 0.8 }, 1.0) => |k, x| k.push(x / 100.0 - 1.0);
    }
}
