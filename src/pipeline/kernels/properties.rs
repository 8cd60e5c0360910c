//! What every kernel promises, whatever the prices: tested over the whole catalog and the kernels outside it.

use proptest::prelude::*;

use super::*;

/// Bars whose closes wander by these steps, in shares of a thousandth; steps and ranges of 0 happen.
fn wander(steps: &[(i16, u8, u8, u8)]) -> Vec<Row> {
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

fn streamed(started: &mut Started<f64>, rows: &[Row]) -> Vec<Column> {
    let mut columns = vec![Column::new(); started.outputs().count()];
    for row in rows {
        started.push(row);
        for (column, value) in columns.iter_mut().zip(started.outputs()) {
            column.push(value);
        }
    }
    columns
}

/// The columns of a series, which [`Series`] borrows.
struct Table([Column; 5]);

impl Table {
    fn of(rows: &[Row]) -> Self {
        let parts: [fn(&Row) -> f64; 5] = [|r| r.open, |r| r.high, |r| r.low, |r| r.close, |r| r.volume];
        Self(parts.map(|part| rows.iter().map(part).collect()))
    }

    fn series(&self) -> Series<'_> {
        let [open, high, low, close, volume] = &self.0;
        Series { open, high, low, close, volume }
    }
}

/// All columns of a plan over several series, in batch.
fn batched(plan: &Plan, series: &[&[Row]]) -> Vec<Vec<Column>> {
    let tables: Vec<Table> = series.iter().map(|rows| Table::of(rows)).collect();
    let series: Vec<Series<'_>> = tables.iter().map(Table::series).collect();
    let mut results = vec![vec![Column::new(); plan.outputs()]; series.len()];
    plan.run(&series, |chunk| {
        for (column, values) in results[chunk.series].iter_mut().zip(chunk.columns()) {
            assert_eq!(column.len(), chunk.first);
            column.extend_from_slice(values);
        }
    });
    results
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Lengths around the sizes of blocks and chunks, one series alone and several side by side.
    #[test]
    fn batch_is_streaming_and_a_reset_kernel_is_a_new_one(
        rows in walk(1..700),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..11),
    ) {
        let plan = Plan::new(Indicator::USUAL);
        let mut series = vec![rows.as_slice()];
        // Others begin elsewhere and are shorter.
        series.extend(cuts.iter().map(|cut| &rows[cut.index(rows.len())..]));
        let results = batched(&plan, &series);
        let mut started = plan.start::<f64>();
        for (rows, columns) in series.iter().zip(&results) {
            let alone = streamed(&mut started, rows);
            prop_assert_eq!(bits(&alone), bits(columns));
            started.reset();
        }
        prop_assert_eq!(bits(&batched(&plan, &[&rows])[0]), bits(&results[0]));
    }

    #[test]
    fn a_value_depends_on_nothing_after_it(rows in walk(2..260), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(rows.len() - 1) + 1;
        let plan = Plan::new(Indicator::USUAL);
        let whole = streamed(&mut plan.start(), &rows);
        let begun: Vec<Column> = whole.iter().map(|column| column[..cut].to_vec()).collect();
        prop_assert_eq!(bits(&streamed(&mut plan.start(), &rows[..cut])), bits(&begun));
    }
}

/// A shared source gives each indicator what it has alone.
#[test]
fn sharing_a_source_changes_nothing() {
    let rows = wander(&(0..300_u32).map(|i| ((i * 7919 % 601) as i16 - 300, 3, 5, 1)).collect::<Vec<_>>());
    let together = streamed(&mut Plan::new(Indicator::USUAL).start(), &rows);
    let alone: Vec<Column> =
        Indicator::USUAL.iter().flat_map(|indicator| streamed(&mut indicator.start(), &rows)).collect();
    assert_eq!(bits(&together), bits(&alone));
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
    for indicator in Indicator::USUAL {
        let name = indicator.name();
        let of = |rows: &[Row]| streamed(&mut indicator.start(), rows);
        let ratio = ratios.contains(&name) || name.starts_with("vol_");
        for (line, (big, small)) in indicator.lines().iter().zip(of(&rows).iter().zip(of(&small))) {
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
