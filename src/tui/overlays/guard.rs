//! Commands that need a person's word carry it in their type: without a [`Confirmation`], which only a dialog can make,
//! they cannot be sent.

use crate::domain::command::{Command, HaltScope};

/// A command that may be sent.
#[derive(Debug, PartialEq)]
pub struct Outgoing(Command);

/// A command that waits for a person's word.
#[derive(Debug, PartialEq)]
pub struct Guarded(Command);

/// A person's word, given in a dialog.
#[derive(Debug)]
pub struct Confirmation(());

impl Confirmation {
    /// Only dialogs call this, and only after their own condition is met.
    pub(super) const fn given() -> Self {
        Self(())
    }
}

impl Outgoing {
    /// A command that takes nothing away and adds no risk goes as it is.
    ///
    /// # Errors
    /// The command, guarded, when a person must confirm it.
    pub fn free(command: Command) -> Result<Self, Guarded> {
        match command {
            Command::PauseAll
            | Command::RestartAgent { .. }
            | Command::RollbackModel { .. }
            | Command::Halt { .. }
            | Command::ResumeTrading
            | Command::Shutdown => Err(Guarded(command)),
            Command::PauseAgent { .. }
            | Command::ResumeAgent { .. }
            | Command::ResumeAll
            | Command::SetSpeed { .. }
            | Command::HoldReplay { .. }
            | Command::Analyze { .. }
            | Command::AcknowledgeAlert { .. }
            | Command::AcknowledgeAllAlerts => Ok(Self(command)),
        }
    }

    /// Ctrl-C and a closed terminal need no dialog: the stop is orderly.
    #[must_use]
    pub const fn interrupt() -> Self {
        Self(Command::Shutdown)
    }

    #[must_use]
    pub const fn command(&self) -> &Command {
        &self.0
    }

    #[must_use]
    pub fn into_command(self) -> Command {
        self.0
    }
}

impl Guarded {
    /// A halt of the given scope.
    #[must_use]
    pub const fn halt(scope: HaltScope) -> Self {
        Self(Command::Halt { scope })
    }

    #[must_use]
    pub const fn resume_trading() -> Self {
        Self(Command::ResumeTrading)
    }

    #[must_use]
    pub const fn command(&self) -> &Command {
        &self.0
    }

    #[must_use]
    pub fn confirmed(self, _: Confirmation) -> Outgoing {
        Outgoing(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::AgentKind;

    #[test]
    fn what_adds_risk_or_stops_work_waits_for_a_word() {
        let agent = AgentKind::Technical;
        for command in [
            Command::PauseAll,
            Command::RestartAgent { agent },
            Command::RollbackModel { horizon: crate::domain::plan::Horizon::H24 },
            Command::Halt { scope: HaltScope::StopEntries },
            Command::ResumeTrading,
            Command::Shutdown,
        ] {
            assert!(Outgoing::free(command.clone()).is_err(), "{command:?}");
        }
        assert!(Outgoing::free(Command::PauseAgent { agent }).is_ok());
    }
}
