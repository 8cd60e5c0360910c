//! The backtest: recorded candles through the session that also trades live, as fast as one thread goes.
//!
//! Serves `cst backtest`. In go a market, a span and where the models come from; out comes everything that the report is made of. The brains are the
//! agents' own and are asked in the order in which the engine asks; nothing waits, and no clock is read. Always true: a model decides only about
//! time after its data, costs are those of the settings, and equal inputs give an equal fingerprint, that of a replay of the same rows.

mod benchmarks;
mod curves;
mod driver;
mod market;
mod models;
mod report;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

pub use curves::{Curve, Performance};
pub use market::{Data, Market};
pub use models::{Models, Training};
pub use report::{Account, Attribution, Group, Luck, Report};

use self::driver::{Brains, all_run, market as market_event, pump};
use self::models::Shelf;
use super::brains::Ingredients;
use super::{OrchestratorError, Summary};
use crate::config::Settings;
use crate::decision::session::PaperSession;
use crate::domain::account::AccountId;
use crate::domain::event::{Event, Record};
use crate::domain::order::{Fill, Outcome};
use crate::domain::pair::Pair;
use crate::domain::snapshot::Progress;
use crate::domain::time::{DAY_MS, UtcMs};
use crate::ml::{MlError, Watch};
use crate::pipeline::FeatureSet;
use crate::sources::read_news;

/// What is tested.
pub struct Plan<'a> {
    pub settings: &'a Settings,
    pub features: &'a Arc<FeatureSet>,
    /// Folder that holds the data and the models.
    pub home: &'a Path,
    pub market: &'a Market,
    /// Trading from here …
    pub from: UtcMs,
    /// … up to here.
    pub to: UtcMs,
    pub models: Models,
    /// When the models are trained, for their cards.
    pub now: UtcMs,
}

/// Both accounts at the close of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Hour {
    pub at: UtcMs,
    pub main: f64,
    pub shadow: f64,
    /// Gross, as shares of the account's equity.
    pub main_exposure: f64,
    pub shadow_exposure: f64,
}

/// What a backtest came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub summary: Summary,
    pub hours: Vec<Hour>,
    /// Close of every pair at the hours in which it had a frame.
    pub closes: BTreeMap<Pair, Vec<(UtcMs, f64)>>,
    pub fills: Vec<Fill>,
    pub outcomes: Vec<Outcome>,
    pub trainings: Vec<Training>,
}

/// Runs the plan.
///
/// # Errors
/// When data or models cannot be read, no model could be trained before the start, or it was stopped.
pub fn run(plan: &Plan<'_>, watch: Watch<'_>) -> Result<Run, OrchestratorError> {
    let (settings, market) = (plan.settings, plan.market);
    let core = &settings.core;
    let mut shelf = Shelf::new(plan, watch)?;
    let news = read_news(&plan.home.join(&settings.news.dir))?;
    let ingredients = Ingredients {
        core: core.clone(),
        features: Arc::clone(plan.features),
        universe: market.universe.clone(),
        price_decimals: market.instruments.iter().map(|i| (i.pair.clone(), i.price_decimals)).collect(),
        models: shelf.in_use().clone(),
        texts: news.texts,
        scores: BTreeMap::new(),
    };
    let mut refused = news.rejected.iter().map(|line| line.quarantined(plan.from)).collect::<Vec<_>>();
    let mut brains = Brains::new(&ingredients);
    let mut session = PaperSession::new(&core.paper, market.instruments.clone(), 1).without_checkpoints();
    session.follow(shelf.followers(), &[]);
    all_run(&mut session);

    let warm_up = plan.features.agreement().max(plan.features.warm_up() + 24);
    let mut kept = Kept::default();
    let (mut begin, mut told) = (None, UtcMs(i64::MIN));
    for mut batch in market.batches(plan.from, plan.to, warm_up)? {
        if !(watch.go_on)() {
            return Err(MlError::Stopped.into());
        }
        let begin = *begin.get_or_insert(batch.at);
        if batch.at.day() > told {
            told = batch.at.day();
            let days = |to: UtcMs| to.since(begin).max(0) as u64 / DAY_MS as u64;
            let (done, total) = (days(batch.at), days(plan.to.min(market.last)));
            (watch.progress)(Progress { label: format!("playing {}, day", told.date()), done, total });
        }
        if !batch.warmup && shelf.is_due(batch.at) {
            shelf.train(plan, batch.at, watch)?;
            brains.restart(crate::domain::agent::AgentKind::MlPredictor, &ingredients);
            session.follow(shelf.followers(), &[]);
        }
        batch.evidence.refused.append(&mut refused);
        pump(&mut session, &mut brains, market_event(batch), |record| kept.take(record))?;
        kept.close_hour(&session);
    }
    let at = session.engine().durable().last_at;
    pump(&mut session, &mut brains, Event::SourceEnded { at }, |record| kept.take(record))?;
    let summary = Summary::of(session.engine(), &market.label, plan.from);
    let Kept { hours, closes, fills, outcomes, .. } = kept;
    Ok(Run { summary, hours, closes, fills, outcomes, trainings: shelf.into_trainings() })
}

/// What is kept of the records.
#[derive(Default)]
struct Kept {
    hours: Vec<Hour>,
    closes: BTreeMap<Pair, Vec<(UtcMs, f64)>>,
    fills: Vec<Fill>,
    outcomes: Vec<Outcome>,
    /// The cycle that ended with this batch.
    ended: Option<UtcMs>,
}

impl Kept {
    fn take(&mut self, record: Record) {
        match record {
            Record::Cycle(cycle) => self.ended = Some(cycle.at),
            Record::Fill(fill) => self.fills.push(fill),
            Record::Outcome(outcome) => self.outcomes.push(outcome),
            _ => {}
        }
    }

    fn close_hour(&mut self, session: &PaperSession) {
        let Some(at) = self.ended.take() else { return };
        let engine = session.engine();
        let (main, shadow) = (engine.view(AccountId::Main), engine.view(AccountId::Shadow));
        self.hours.push(Hour {
            at,
            main: main.equity.to_f64(),
            shadow: shadow.equity.to_f64(),
            main_exposure: main.exposure,
            shadow_exposure: shadow.exposure,
        });
        for (pair, state) in engine.pairs() {
            if let Some(frame) = state.frame.as_ref().filter(|frame| frame.at == at) {
                self.closes.entry(pair.clone()).or_default().push((at, frame.bar.close.to_f64()));
            }
        }
    }
}
