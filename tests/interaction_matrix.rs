//! Every cell of the component interaction matrix: its message is sent, and its receiver makes use of it, on real data.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use cryptosmarttrader::domain::message::Message;
use support::{Driver, at, batches, small_models, small_settings};

#[test]
fn every_cell_of_the_matrix_is_sent_and_used() {
    let dir = tempfile::tempdir().expect("a folder");
    let core = small_settings();
    let models = small_models(&core, dir.path());
    let (universe, batches) = batches(at("2024-07-17T00:00:00Z"), at("2024-07-17T03:00:00Z"));
    let mut driver = Driver::new(&core, &universe, models);
    for batch in batches {
        driver.feed(batch);
    }
    assert!(driver.session.engine().durable().cycle >= 2, "cycles ran");
    let cells = driver.session.engine().cells();
    let unsent: Vec<_> = Message::CELLS.iter().filter(|(n, ..)| cells.get(n).is_none_or(|c| c.0 == 0)).collect();
    assert!(unsent.is_empty(), "never sent: {unsent:?}");
    let unused: Vec<_> = Message::CELLS.iter().filter(|(n, ..)| cells.get(n).is_none_or(|c| c.1 == 0)).collect();
    assert!(unused.is_empty(), "never used: {unused:?}");
}
