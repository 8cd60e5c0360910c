//! One agent's state and how it came there.

use std::collections::VecDeque;

use crate::domain::agent::{AgentState, IllegalTransition, Trigger, transition};
use crate::domain::snapshot::TransitionView;
use crate::domain::time::UtcMs;

/// Changes that are remembered.
const HISTORY: usize = 32;

/// The state machine with its newest changes. Of uneventful runs (`new_data`, `processing_complete`) in a row only the last is
/// remembered: thousands of them would push out what a person looks for.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    state: AgentState,
    since: UtcMs,
    history: VecDeque<TransitionView>,
}

impl Machine {
    pub(super) fn new(at: UtcMs) -> Self {
        Self { state: AgentState::Initialized, since: at, history: VecDeque::with_capacity(HISTORY + 1) }
    }

    pub(super) const fn state(&self) -> AgentState {
        self.state
    }

    pub(super) const fn since(&self) -> UtcMs {
        self.since
    }

    pub(super) fn history(&self) -> Vec<TransitionView> {
        self.history.iter().cloned().collect()
    }

    /// Changes the state as the diagram draws it.
    pub(super) fn fire(&mut self, trigger: Trigger, at: UtcMs) -> Result<TransitionView, IllegalTransition> {
        let from = self.state;
        let to = transition(from, trigger)?;
        (self.state, self.since) = (to, at);
        if trigger == Trigger::NewData {
            self.forget_uneventful_run();
        }
        let change = TransitionView { at, from, trigger, to };
        self.history.push_back(change.clone());
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        Ok(change)
    }

    /// A stopped agent begins anew; `false` in any other state.
    pub(super) fn begin_anew(&mut self, at: UtcMs) -> bool {
        let stopped = self.state == AgentState::Stopped;
        if stopped {
            (self.state, self.since) = (AgentState::Initialized, at);
        }
        stopped
    }

    fn forget_uneventful_run(&mut self) {
        let mut newest = self.history.iter().rev().map(|t| t.trigger);
        if newest.next() == Some(Trigger::ProcessingComplete) && newest.next() == Some(Trigger::NewData) {
            self.history.truncate(self.history.len().saturating_sub(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn uneventful_runs_do_not_push_out_an_error() {
        let mut m = Machine::new(UtcMs(0));
        let fire = |m: &mut Machine, t| m.fire(t, UtcMs(1)).map(|c| c.to);
        for t in [Trigger::Start, Trigger::SuccessfulStartup, Trigger::NewData, Trigger::ProcessingError] {
            assert!(fire(&mut m, t).is_ok());
        }
        assert_eq!(fire(&mut m, Trigger::ErrorRecovered), Ok(AgentState::Running));
        for _ in 0..1_000 {
            assert!(fire(&mut m, Trigger::NewData).is_ok());
            assert!(fire(&mut m, Trigger::ProcessingComplete).is_ok());
        }
        let triggers: Vec<_> = m.history().iter().map(|t| t.trigger).collect();
        assert_eq!(
            triggers,
            [
                Trigger::Start,
                Trigger::SuccessfulStartup,
                Trigger::NewData,
                Trigger::ProcessingError,
                Trigger::ErrorRecovered,
                Trigger::NewData,
                Trigger::ProcessingComplete
            ]
        );
    }

    proptest! {
        /// Whatever is fired, the machine stands where `transition` puts it, and remembers a bounded chain.
        #[test]
        fn only_the_diagram_moves_it(picks in proptest::collection::vec(0..Trigger::ALL.len(), 0..300)) {
            let mut m = Machine::new(UtcMs(0));
            for pick in picks {
                let (before, trigger) = (m.state(), Trigger::ALL[pick]);
                match m.fire(trigger, UtcMs(1)) {
                    Ok(change) => {
                        prop_assert_eq!((change.from, change.to), (before, m.state()));
                        prop_assert_eq!(transition(before, trigger), Ok(m.state()));
                    }
                    Err(_) => prop_assert_eq!(m.state(), before),
                }
                if m.state() == AgentState::Stopped {
                    prop_assert!(m.begin_anew(UtcMs(2)));
                } else {
                    prop_assert!(!m.begin_anew(UtcMs(2)));
                }
                prop_assert!(m.history().len() <= HISTORY);
                let broken = m.history().windows(2).any(|w| w[0].to != w[1].from && w[1].from != AgentState::Initialized);
                prop_assert!(!broken);
            }
        }
    }
}
