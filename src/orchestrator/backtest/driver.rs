//! One batch through the session and the brains, without mailboxes, waiting or a clock.

use std::collections::{BTreeMap, VecDeque};

use super::OrchestratorError;
use crate::decision::session::PaperSession;
use crate::domain::agent::{AgentKind, AgentState};
use crate::domain::event::{Ask, Brain, Effect, Event, RawBatch, Record};
use crate::orchestrator::brains::Ingredients;

/// The eight brains, asked in turn.
pub(super) struct Brains(BTreeMap<AgentKind, Box<dyn Brain>>);

impl Brains {
    pub(super) fn new(ingredients: &Ingredients) -> Self {
        Self(AgentKind::ALL.into_iter().map(|kind| (kind, ingredients.brain(kind))).collect())
    }

    /// Puts a fresh brain in the place of the old one, as a restart of the agent does.
    pub(super) fn restart(&mut self, kind: AgentKind, ingredients: &Ingredients) {
        self.0.insert(kind, ingredients.brain(kind));
    }

    fn answer(&mut self, ask: &Ask) -> Event {
        let missed = |why: String| Event::Missed { cycle: ask.cycle, agent: ask.to, why };
        match self.0.get_mut(&ask.to).map(|brain| brain.handle(ask)) {
            Some(Ok(reply)) => Event::Reply(Box::new(reply)),
            Some(Err(error)) => missed(error.text),
            None => missed("no such agent".to_owned()),
        }
    }
}

/// Tells the session that every agent runs, as the runtime does when it has started them.
pub(super) fn all_run(session: &mut PaperSession) {
    for agent in AgentKind::ALL {
        session.step(&Event::AgentState { agent, state: AgentState::Running, errors: 0 });
    }
}

/// One event and everything that follows from it; records go to `keep`.
///
/// # Errors
/// When the Data Collector cannot take a batch: a test on other data than it was given would say nothing.
pub(super) fn pump(
    session: &mut PaperSession,
    brains: &mut Brains,
    event: Event,
    mut keep: impl FnMut(Record),
) -> Result<(), OrchestratorError> {
    let mut queue = VecDeque::from([event]);
    while let Some(event) = queue.pop_front() {
        if let Event::Missed { agent: AgentKind::DataCollector, why, .. } = &event {
            return Err(OrchestratorError::Task(format!("the Data Collector could not take a batch: {why}")));
        }
        for effect in session.step(&event) {
            match effect {
                Effect::Ask(ask) => queue.push_back(brains.answer(&ask)),
                Effect::Record(record) => keep(*record),
                // Orders meet the broker in the session; an alert comes as its record too.
                Effect::Submit(_)
                | Effect::Cancel(..)
                | Effect::Alert(_)
                | Effect::Acknowledge(..)
                | Effect::CycleDone { .. } => {}
            }
        }
    }
    Ok(())
}

/// A batch as an event.
pub(super) fn market(batch: RawBatch) -> Event {
    Event::Market(std::sync::Arc::new(batch))
}
