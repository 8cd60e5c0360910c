//! One decision step: a data batch between the hours, and a whole analysis cycle over eight pairs.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use support::{Driver, at, batches, small_models, small_settings};

fn step(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder");
    let core = small_settings();
    let models = small_models(&core, dir.path());
    let (universe, all) = batches(at("2024-07-17T00:00:00Z"), at("2024-07-25T00:00:00Z"));
    let warm = all.iter().position(|b| !b.warmup).expect("trading begins");
    let day = 288;

    // A day is 288 batches and 24 cycles; each sample starts from the same warm state.
    c.bench_function("a day of data: 288 batches, 24 cycles, 8 pairs", |b| {
        b.iter_batched(
            || {
                let mut driver = Driver::new(&core, &universe, models.clone());
                all.iter().take(warm).for_each(|batch| driver.feed(batch.clone()));
                (driver, all.iter().skip(warm).take(day).cloned().collect::<Vec<_>>())
            },
            |(mut driver, batches)| {
                for batch in batches {
                    driver.feed(batch);
                }
                driver
            },
            BatchSize::LargeInput,
        );
    });
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = step }
criterion_main!(benches);
