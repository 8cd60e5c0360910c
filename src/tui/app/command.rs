//! Actions that ask the orchestrator for something, and the answers.

use super::{App, Now, Outgoing};
use crate::domain::agent::{AgentKind, AgentState};
use crate::domain::alert::Alert;
use crate::domain::command::{Ack, Command, CommandId, Speed};
use crate::domain::order::Purpose;
use crate::domain::snapshot::SystemState;
use crate::orchestrator::NotTaken;
use crate::tui::format;
use crate::tui::keymap::Action;
use crate::tui::overlays::dialog::{Confirm, HaltChoice, Then, Typed};
use crate::tui::overlays::{Guarded, Overlay};
use crate::tui::panes::{PaneId, chosen_model};
use crate::tui::view::{Leaving, ToastKind, Waiting};

/// Speeds that `<` and `>` step through; after the last comes the machine's own pace.
const SPEEDS: [f64; 6] = [1.0, 10.0, 60.0, 300.0, 1_200.0, 3_600.0];

/// The next speed up or down; `None` at the end of the ladder.
fn next_speed(current: Speed, faster: bool) -> Option<Speed> {
    match (current, faster) {
        (Speed::Max, true) => None,
        (Speed::Max, false) => SPEEDS.last().copied().map(Speed::Times),
        (Speed::Times(x), true) => Some(SPEEDS.iter().copied().find(|s| *s > x).map_or(Speed::Max, Speed::Times)),
        (Speed::Times(x), false) => SPEEDS.iter().rev().copied().find(|s| *s < x).map(Speed::Times),
    }
}

impl App {
    pub(super) fn command_action(&mut self, action: Action, now: Now) -> Option<Outgoing> {
        match action {
            Action::Back => self.back(now),
            Action::PauseAgent => self.pause_agent(now),
            Action::RestartAgent => self.ask_restart(now),
            Action::RollBack => self.ask_rollback(now),
            Action::PauseAll => self.pause_all(now),
            Action::ResumeTrading => self.ask_resume(now),
            Action::Slower => self.change_speed(false, now),
            Action::Faster => self.change_speed(true, now),
            Action::Hold => {
                let hold = self.snapshot.state != SystemState::Held;
                self.request(Command::HoldReplay { hold }, now)
            }
            Action::Acknowledge => self.acknowledge(now),
            Action::AcknowledgeAll => {
                if self.snapshot.open_alerts().next().is_none() {
                    return self.nothing("no alert is open", now);
                }
                self.request(Command::AcknowledgeAllAlerts, now)
            }
            Action::Analyze => match self.cx(now).pair().map(|p| p.pair.clone()) {
                Some(pair) => self.request(Command::Analyze { pair }, now),
                None => self.nothing("no pair to analyse yet", now),
            },
            _ => None,
        }
    }

    fn nothing(&mut self, why: &str, now: Now) -> Option<Outgoing> {
        self.say(ToastKind::Info, why, now);
        None
    }

    /// A command that needs no person's word beyond the key.
    fn request(&mut self, command: Command, now: Now) -> Option<Outgoing> {
        match Outgoing::free(command) {
            Ok(outgoing) => self.permit(outgoing, now),
            Err(guarded) => {
                let verb = guarded.command().describe();
                self.ask(&verb.clone(), "Please confirm.", &verb, Then::Send(guarded), now);
                None
            }
        }
    }

    /// The last gate before sending: a read-only console and one without an engine send nothing.
    pub(super) fn permit(&mut self, outgoing: Outgoing, now: Now) -> Option<Outgoing> {
        let what = outgoing.command().describe();
        if self.view.read_only {
            self.say(ToastKind::Error, format!("read-only: '{what}' was not sent"), now);
            return None;
        }
        if self.view.engine_gone {
            self.say(ToastKind::Error, format!("the engine has stopped: '{what}' was not sent"), now);
            return None;
        }
        Some(outgoing)
    }

    fn ask(&mut self, title: &str, text: &str, verb: &str, then: Then, now: Now) {
        self.view.overlay = Some(Overlay::Confirm(Confirm {
            title: title.to_owned(),
            text: text.to_owned(),
            verb: verb.to_owned(),
            then,
            chosen: false,
            opened: now.mono,
        }));
    }

    fn back(&mut self, now: Now) -> Option<Outgoing> {
        if self.level_up(now) {
            return None;
        }
        if self.view.engine_gone {
            self.view.leaving = Leaving::Now;
            return None;
        }
        let open = self.snapshot.main.as_ref().map_or(0, |a| a.state.positions.len());
        let text = format!(
            "The program stops in order: agents, journal, logs. {open} open position{} on the {} account stay in the journal \
             and are continued at the next start.",
            if open == 1 { "" } else { "s" },
            self.snapshot.mode.as_str()
        );
        self.ask("Quit", &text, "Quit", Then::Leave, now);
        None
    }

    /// Starts leaving: the orchestrator is asked to stop, unless there is none or this console may not ask.
    pub(super) fn leave(&mut self, now: Now) -> Option<Outgoing> {
        self.view.touch();
        if self.view.read_only || self.view.engine_gone {
            self.view.leaving = Leaving::Now;
            return None;
        }
        self.view.leaving = Leaving::Asked { since: now.mono };
        Some(Outgoing::interrupt())
    }

    /// The terminal is gone: leave now, and ask the orchestrator to stop where that is allowed.
    pub fn hang_up(&mut self, now: Now) -> Option<Outgoing> {
        let outgoing = self.leave(now);
        self.view.leaving = Leaving::Now;
        outgoing
    }

    /// The agent of the focused pane's selected row.
    fn chosen_agent(&self, now: Now) -> Option<AgentKind> {
        let focus = self.focus(now).filter(|id| matches!(id, PaneId::Agents | PaneId::AgentsBrief))?;
        let keys = crate::tui::panes::pane(focus)?.keys(&self.cx(now));
        let row = self.view.selected(focus, &keys)?;
        keys.get(row)?.parse().ok()
    }

    fn pause_agent(&mut self, now: Now) -> Option<Outgoing> {
        let Some(agent) = self.chosen_agent(now) else { return self.nothing("no agent is selected", now) };
        if let Some((word, _)) = self.view.waiting_for(agent) {
            return self.nothing(&format!("{agent}: {word} is not answered yet"), now);
        }
        let state = self.snapshot.agent(agent).map(|a| a.state)?;
        match state {
            AgentState::Paused => self.request(Command::ResumeAgent { agent }, now),
            AgentState::Running | AgentState::Processing => self.request(Command::PauseAgent { agent }, now),
            _ => self.nothing(&format!("{agent} is {state}: only a running or paused agent; R restarts it"), now),
        }
    }

    fn ask_restart(&mut self, now: Now) -> Option<Outgoing> {
        let Some(agent) = self.chosen_agent(now) else { return self.nothing("no agent is selected", now) };
        let state = self.snapshot.agent(agent).map_or("unknown", |a| a.state.as_str());
        let text = format!(
            "Restart {agent} ({state})? It stops, drops the message it works on, and starts again. \
             While it is away, its stage of the cycle is replaced and every decision says so."
        );
        match Outgoing::free(Command::RestartAgent { agent }) {
            Err(guarded) => self.ask("Restart agent", &text, "Restart", Then::Send(guarded), now),
            Ok(outgoing) => return self.permit(outgoing, now),
        }
        None
    }

    fn ask_rollback(&mut self, now: Now) -> Option<Outgoing> {
        let Some(model) = chosen_model(&self.cx(now)).cloned() else {
            return self.nothing("no model is selected", now);
        };
        let (horizon, version) = (model.horizon, model.version);
        let Some(previous) = model.previous else {
            return self.nothing(&format!("{version} is the first of {horizon}: none was in force before it"), now);
        };
        let text = format!(
            "Put {previous} back in force for {horizon}, in place of {version}? New predictions are made by it; open positions keep \
             their plans, and it is followed anew from its training."
        );
        match Outgoing::free(Command::RollbackModel { horizon }) {
            Err(guarded) => self.ask("Roll back the model", &text, "Roll back", Then::Send(guarded), now),
            Ok(outgoing) => return self.permit(outgoing, now),
        }
        None
    }

    fn pause_all(&mut self, now: Now) -> Option<Outgoing> {
        let agents = &self.snapshot.agents;
        let all_paused = !agents.is_empty() && agents.iter().all(|a| a.state == AgentState::Paused);
        if self.snapshot.state == SystemState::Paused || all_paused {
            return self.request(Command::ResumeAll, now);
        }
        let text = format!(
            "Pause all {} agents ({} account)? Nothing new is analysed or decided until P resumes them.",
            agents.len(),
            self.snapshot.mode.as_str()
        );
        match Outgoing::free(Command::PauseAll) {
            Err(guarded) => self.ask("Pause all agents", &text, "Pause all", Then::Send(guarded), now),
            Ok(outgoing) => return self.permit(outgoing, now),
        }
        None
    }

    fn ask_resume(&mut self, now: Now) -> Option<Outgoing> {
        if self.snapshot.state == SystemState::Running {
            return self.nothing("trading is not halted", now);
        }
        let text = format!(
            "Allow new entries again on the {} account? The reason of the halt: {}",
            self.snapshot.mode.as_str(),
            self.snapshot.note.as_deref().unwrap_or("not stated")
        );
        self.view.overlay = Some(Overlay::Typed(Typed {
            title: "Resume trading".to_owned(),
            text,
            word: "RESUME",
            typed: String::new(),
            guarded: Guarded::resume_trading(),
            opened: now.mono,
        }));
        None
    }

    /// Opens the halt dialog, from anywhere.
    pub(super) fn ask_halt(&mut self, now: Now) {
        let (mut positions, mut worth, mut working) = (0, 0.0, 0);
        if let Some(a) = &self.snapshot.main {
            positions = a.state.positions.len();
            working = a.state.orders.iter().filter(|o| o.intent.purpose == Purpose::Entry).count();
            let value = |p: &crate::domain::account::Position| {
                a.marks.get(&p.pair).copied().unwrap_or(p.entry).times(p.qty).to_f64()
            };
            worth = a.state.positions.values().map(value).sum();
        }
        let mode = self.snapshot.mode.as_str();
        let effects = [
            format!("No new entry on the {mode} account until U resumes; {positions} open keep target and stop."),
            format!("Also cancels {working} working entry orders."),
            format!(
                "Also sells {positions} positions at the market, about {} at the last prices.",
                format::float(worth, 2)
            ),
        ];
        self.view.overlay = Some(Overlay::Halt(HaltChoice { choice: 0, effects, opened: now.mono }));
    }

    fn change_speed(&mut self, faster: bool, now: Now) -> Option<Outgoing> {
        let asked = self.view.waiting.iter().rev().find_map(|w| match w.command {
            Command::SetSpeed { speed } => Some(speed),
            _ => None,
        });
        let Some(current) = asked.or(self.snapshot.speed) else {
            return self.nothing("this source has no speed to change", now);
        };
        match next_speed(current, faster) {
            Some(speed) => self.request(Command::SetSpeed { speed }, now),
            None => self.nothing(&format!("{current} is the {} speed", if faster { "highest" } else { "lowest" }), now),
        }
    }

    fn acknowledge(&mut self, now: Now) -> Option<Outgoing> {
        let chosen = (self.focus(now) == Some(PaneId::Alerts))
            .then(|| {
                let keys = crate::tui::panes::pane(PaneId::Alerts)?.keys(&self.cx(now));
                keys.get(self.view.selected(PaneId::Alerts, &keys)?)?.parse::<u64>().ok()
            })
            .flatten()
            .filter(|id| self.snapshot.open_alerts().any(|a| a.id == *id));
        let worst = |a: &&Alert| (a.severity, a.at, a.id);
        match chosen.or_else(|| self.snapshot.open_alerts().max_by_key(worst).map(|a| a.id)) {
            Some(id) => self.request(Command::AcknowledgeAlert { id }, now),
            None => self.nothing("no alert is open", now),
        }
    }

    /// A command was handed over.
    pub fn sent(&mut self, id: CommandId, command: Command, now: Now) {
        self.view.waiting.push(Waiting { id, command, sent: now.mono, overdue: false });
        self.view.touch();
    }

    /// A command could not be handed over.
    pub fn not_taken(&mut self, command: &Command, why: NotTaken, now: Now) {
        tracing::warn!(command = %command.describe(), %why, "command not taken");
        if *command == Command::Shutdown && why == NotTaken::Stopped {
            self.view.leaving = Leaving::Now;
        }
        self.say(ToastKind::Error, format!("{}: {why}", command.describe()), now);
    }

    /// A command was answered; `None` when the answer can no longer come.
    pub fn answered(&mut self, id: CommandId, ack: Option<Ack>, now: Now) {
        let Some(at) = self.view.waiting.iter().position(|w| w.id == id) else { return };
        let what = self.view.waiting.remove(at).command.describe();
        self.view.touch();
        match ack {
            Some(Ack::Accepted) => {
                tracing::info!(command = %what, "accepted");
                self.say(ToastKind::Success, format!("{what}: accepted"), now);
            }
            Some(Ack::Refused { reason }) => {
                tracing::warn!(command = %what, %reason, "refused");
                self.say(ToastKind::Error, format!("{what}: refused, {reason}"), now);
            }
            None => self.say(ToastKind::Error, format!("{what}: the engine stopped before it answered"), now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_step_along_the_ladder() {
        let mut speed = Speed::Times(1.0);
        let mut seen = vec![speed];
        while let Some(next) = next_speed(speed, true) {
            speed = next;
            seen.push(next);
        }
        assert_eq!(seen.len(), 7);
        assert_eq!(speed, Speed::Max);
        while let Some(next) = next_speed(speed, false) {
            speed = next;
        }
        assert_eq!(speed, Speed::Times(1.0));
        assert_eq!(next_speed(Speed::Times(100.0), true), Some(Speed::Times(300.0)));
        assert_eq!(next_speed(Speed::Times(100.0), false), Some(Speed::Times(60.0)));
    }
}
