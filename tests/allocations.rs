//! What must not allocate once it has started, counted by an allocator that counts.
#![allow(clippy::panic, reason = "a test fails by panicking")]

use allocation_counter::measure;
use cryptosmarttrader::pipeline::kernels::{Indicator, Lanes, Plan, Real, Row};

fn row<T: Real>(i: u32) -> Row<T> {
    let close = 100.0 + 10.0 * f64::from(i * 37 % 101).sin();
    let row = Row { open: close - 0.1, high: close + 0.5, low: close - 0.7, close, volume: f64::from(i % 17) };
    row.side_by_side()
}

fn allocations<T: Real>() -> u64 {
    let mut started = Plan::new(Indicator::USUAL).start::<T>();
    let counted = measure(|| {
        for i in 0..1_000 {
            started.push(&row(i));
        }
    });
    assert_eq!(started.outputs().count(), Indicator::USUAL.iter().map(|i| i.lines().len()).sum::<usize>());
    counted.count_total
}

/// From the first bar on: every window has its place when it is made.
#[test]
fn no_indicator_allocates_while_it_takes_bars() {
    assert_eq!(measure(|| drop(vec![1_u8; 10])).count_total, 1, "the counter counts");
    assert_eq!(allocations::<f64>(), 0);
    assert_eq!(allocations::<Lanes<8>>(), 0);
}
