//! The pure core on real data, without the runtime.

use cryptosmarttrader::decision::session::PaperSession;
use cryptosmarttrader::domain::agent::AgentKind;
use cryptosmarttrader::domain::event::Record;
use cryptosmarttrader::domain::order::Purpose;
use cryptosmarttrader::store::load_instruments;

use crate::support::{Driver, at, batches, recording_dir, small_models, small_settings};

/// A checkpoint taken anywhere continues to the same decisions.
#[test]
fn resuming_from_a_checkpoint_changes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let core = small_settings();
    let models = small_models(&core, dir.path());
    let trading_from = at("2024-07-17T00:00:00Z");
    let (universe, mut all) = batches(trading_from, at("2024-07-24T00:00:00Z"));

    // Up to a moment after two days at which the shadow holds something and no entry is on its way.
    let mut straight = Driver::new(&core, &universe, models.clone());
    let mut fed = 0;
    for batch in &all {
        straight.feed(batch.clone());
        fed += 1;
        let shadow = &straight.session.engine().durable().shadow;
        let entering = shadow.orders.iter().any(|o| o.intent.purpose == Purpose::Entry);
        if batch.at >= at("2024-07-19T00:00:00Z") && !shadow.positions.is_empty() && !entering {
            break;
        }
    }
    all.truncate(fed);
    let durable = straight.session.engine().durable();
    for account in [&durable.main, &durable.shadow] {
        for (pair, position) in &account.positions {
            let protective: Vec<_> = account
                .orders
                .iter()
                .filter(|o| o.intent.pair == *pair && o.intent.group == Some(position.group))
                .collect();
            assert_eq!(protective.len(), 2, "{pair}: one stop and one target for the whole position: {protective:?}");
            assert!(protective.iter().all(|o| o.intent.qty == position.qty), "{pair}");
        }
        let orphans = account.orders.iter().filter(|o| !account.positions.contains_key(&o.intent.pair)).count();
        assert_eq!(orphans, 0, "no protective order without its position");
    }
    assert!(!durable.shadow.positions.is_empty(), "the shadow holds something at the end of this span");
    let expected = straight.session.engine().fingerprint();
    assert!(!expected.is_empty());

    let checkpoints: Vec<_> = straight
        .records
        .iter()
        .filter_map(|r| match r {
            Record::Checkpoint { at, state } => Some((*at, state)),
            _ => None,
        })
        .collect();
    assert!(checkpoints.len() > 10);
    for (taken, state) in [checkpoints[3], checkpoints[checkpoints.len() / 2]] {
        let instruments = load_instruments(&recording_dir().join("instruments.json")).expect("instruments");
        let session = PaperSession::resume(instruments, state).expect("it reads");
        let mut resumed = Driver::with(session, &core, &universe, models.clone());
        for mut batch in all.clone() {
            batch.warmup = batch.warmup || batch.at <= taken;
            resumed.feed(batch);
        }
        assert_eq!(resumed.session.engine().fingerprint(), expected, "from {taken}");
    }
}

/// An agent that stays silent costs its part of the analysis, not the cycle; without Risk nothing is entered.
#[test]
fn silent_agents_degrade_the_cycle() {
    let dir = tempfile::tempdir().expect("a folder");
    let core = small_settings();
    let models = small_models(&core, dir.path());
    let (universe, all) = batches(at("2024-07-17T00:00:00Z"), at("2024-07-18T00:00:00Z"));
    for silent in AgentKind::ALL.into_iter().filter(|k| *k != AgentKind::DataCollector) {
        let mut driver = Driver::new(&core, &universe, models.clone());
        driver.silent = vec![silent];
        for batch in &all {
            driver.feed(batch.clone());
        }
        let durable = driver.session.engine().durable();
        assert!(durable.cycle >= 24, "{silent}: {} cycles", durable.cycle);
        if matches!(silent, AgentKind::RiskManager | AgentKind::MlPredictor) {
            assert_eq!(durable.funnel.signals, 0, "{silent}");
            assert!(!driver.records.iter().any(|r| matches!(r, Record::Intent(_))), "{silent}");
        }
        if silent == AgentKind::PortfolioOptimizer {
            assert!(!driver.records.iter().any(|r| matches!(r, Record::Intent(_))), "{silent}");
        }
    }
}
