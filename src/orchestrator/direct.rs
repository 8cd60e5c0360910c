//! Commands to agents: they may take a moment, so they are carried out beside the loop and come back with their answer.

use tokio::sync::{mpsc, oneshot};

use crate::agents::AgentHandle;
use crate::domain::agent::AgentState;
use crate::domain::command::{Ack, Command, CommandId};

/// A command that agents have answered.
pub(super) type Answered = (CommandId, Command, Ack);

/// Tells agents to pause, resume or restart, and answers when all of them have.
pub(super) async fn direct(
    agents: Vec<AgentHandle>,
    id: CommandId,
    command: Command,
    reply: oneshot::Sender<Ack>,
    answers: mpsc::Sender<Answered>,
) {
    let mut refused = Vec::new();
    for agent in agents {
        let answer = match command {
            Command::PauseAgent { .. } => agent.pause(),
            Command::ResumeAgent { .. } => agent.resume(),
            Command::RestartAgent { .. } => agent.restart(),
            // Of all, only those that are not there yet.
            Command::PauseAll if agent.state() != AgentState::Paused => agent.pause(),
            Command::ResumeAll if agent.state() == AgentState::Paused => agent.resume(),
            _ => continue,
        };
        let ack = answer.await.unwrap_or_else(|_| Ack::Refused { reason: "it has stopped".to_owned() });
        if let Ack::Refused { reason } = ack {
            refused.push(format!("{}: {reason}", agent.kind()));
        }
    }
    let ack = if refused.is_empty() { Ack::Accepted } else { Ack::Refused { reason: refused.join("; ") } };
    let _ = reply.send(ack.clone());
    // Without the conductor there is no journal left to tell.
    let _ = answers.send((id, command, ack)).await;
}
