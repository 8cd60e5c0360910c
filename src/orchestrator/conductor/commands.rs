//! Commands of people: who carries them out, and how the answer gets back.

use super::Conductor;
use crate::agents::AgentHandle;
use crate::domain::agent::AgentKind;
use crate::domain::command::{Ack, Command, CommandId};
use crate::domain::event::{Event, Record};
use crate::orchestrator::direct::{Answered, direct};
use crate::orchestrator::handle::Envelope;
use crate::orchestrator::{OrchestratorError, SourceKind, analysis};

impl Conductor {
    /// Carries a command out; true when it asks for the end.
    pub(super) async fn command(&mut self, envelope: Envelope) -> Result<bool, OrchestratorError> {
        let Envelope { id, command, reply } = envelope;
        self.dirty = true;
        let at = self.session.engine().durable().last_at.max(self.trading_from);
        match &command {
            Command::Halt { scope } => {
                let scope = *scope;
                self.waiting_acks.insert(id, (command, reply));
                self.pump(Event::Halt { id, scope, at })?;
                return Ok(false);
            }
            Command::ResumeTrading => {
                self.waiting_acks.insert(id, (command, reply));
                self.pump(Event::Resume { id, at })?;
                return Ok(false);
            }
            _ => {}
        }
        let end = command == Command::Shutdown;
        // Pausing waits for the agent to finish its work: the loop must go on meanwhile, so the answer is given from a task.
        if let Some(agents) = self.concerned(&command) {
            tokio::spawn(direct(agents, id, command, reply, self.answers.0.clone()));
            return Ok(false);
        }
        if let Command::RollbackModel { horizon } = command {
            let ack = self.roll_back(horizon);
            self.note_command(id, &command, &ack);
            self.commit_if_idle()?;
            if ack == Ack::Accepted
                && let Some(agent) = self.agents.get(&AgentKind::MlPredictor)
            {
                // The model is used from the agent's next brain on; the answer comes when it has one.
                let restart = Command::RestartAgent { agent: AgentKind::MlPredictor };
                tokio::spawn(direct(vec![agent.clone()], id, restart, reply, self.answers.0.clone()));
            } else {
                let _ = reply.send(ack);
            }
            return Ok(false);
        }
        let ack = self.simple(&command);
        self.note_command(id, &command, &ack);
        self.commit_if_idle()?;
        // The asker may be gone; then nobody needs the answer.
        let _ = reply.send(ack);
        Ok(end)
    }

    /// The agents that a command is about; `None` for commands about something else.
    fn concerned(&self, command: &Command) -> Option<Vec<AgentHandle>> {
        match command {
            Command::PauseAgent { agent } | Command::ResumeAgent { agent } | Command::RestartAgent { agent } => {
                Some(self.agents.get(agent).cloned().into_iter().collect())
            }
            Command::PauseAll | Command::ResumeAll => Some(self.agents.values().cloned().collect()),
            _ => None,
        }
    }

    fn simple(&mut self, command: &Command) -> Ack {
        match command {
            Command::SetSpeed { .. } | Command::HoldReplay { .. } if self.launch.source == SourceKind::Kraken => {
                Ack::Refused { reason: "live data set their own pace".to_owned() }
            }
            Command::SetSpeed { speed } => {
                self.feed.set_speed(*speed);
                self.picture.snapshot.speed = Some(*speed);
                Ack::Accepted
            }
            Command::HoldReplay { hold } => {
                self.held = *hold;
                Ack::Accepted
            }
            Command::AcknowledgeAlert { id } => match self.picture.snapshot.alerts.iter_mut().find(|a| a.id == *id) {
                Some(alert) => {
                    alert.acknowledged = true;
                    Ack::Accepted
                }
                None => Ack::Refused { reason: format!("there is no alert {id}") },
            },
            Command::AcknowledgeAllAlerts => {
                self.picture.snapshot.alerts.iter_mut().for_each(|a| a.acknowledged = true);
                Ack::Accepted
            }
            Command::Analyze { pair } => match analysis::consolidated(self.session.engine(), pair) {
                Some(text) => {
                    self.say(&text);
                    Ack::Accepted
                }
                None => Ack::Refused { reason: format!("there is no analysis of {pair} yet") },
            },
            Command::Shutdown => Ack::Accepted,
            other => Ack::Refused { reason: format!("'{}' is not known here", other.describe()) },
        }
    }

    /// Agents have done, or refused, what they were told.
    pub(super) fn answered(&mut self, (id, command, ack): Answered) -> Result<(), OrchestratorError> {
        self.dirty = true;
        self.note_command(id, &command, &ack);
        self.commit_if_idle()
    }

    pub(super) fn answer(&mut self, id: CommandId, ack: Ack) {
        if let Some((command, reply)) = self.waiting_acks.remove(&id) {
            self.note_command(id, &command, &ack);
            let _ = reply.send(ack);
        }
    }

    fn note_command(&mut self, id: CommandId, command: &Command, ack: &Ack) {
        let text = command.describe();
        tracing::info!(command = text, ack = ?ack, "command");
        self.pending.push(Record::Command { at: self.launch.clock.now(), id, text, ack: ack.clone() });
    }
}
