//! The runtime with scripted brains: every way through an ask, an error and an order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc as std_mpsc;

use tokio::sync::mpsc;

use super::recovery::Station;
use super::rig::{Act, KIND, OPTIONS, PATIENCE, Rig, Script, ack, ask, refusal, until};
use super::{AgentEvent, AgentOptions, AgentRuntime, Refused};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::domain::agent::{AgentKind, AgentState, Trigger};
use crate::domain::command::Ack;
use crate::domain::error::ErrorClass;
use crate::domain::event::Ask;
use crate::domain::time::UtcMs;

#[tokio::test]
async fn starts_and_answers_each_ask_once() {
    let mut rig = Rig::new(&Script::of([]), OPTIONS);
    for cycle in 1..=50 {
        assert_eq!(rig.round(cycle).await, Ok(cycle));
    }
    use Trigger::{NewData, ProcessingComplete, Start, SuccessfulStartup};
    assert_eq!(rig.triggers()[..4], [Start, SuccessfulStartup, NewData, ProcessingComplete]);
    assert_eq!(rig.triggers().len(), 2 + 100);
    let view = rig.agent.view();
    assert_eq!((view.state, view.processed, view.errors, view.restarts), (AgentState::Running, 50, 0, 0));
    assert_eq!(
        (view.last_input.as_str(), view.last_output.as_str()),
        ("cycle 50, 0 frames", "0 readings, 0 with a score")
    );
    assert!(view.p50_ms.is_some() && view.last_run.is_some());
    assert_eq!((view.breaker.as_str(), view.mailbox_capacity), ("closed", 4));
}

#[tokio::test]
async fn an_ask_for_another_agent_is_refused() {
    let rig = Rig::new(&Script::of([]), OPTIONS);
    let stray = Ask { to: AgentKind::Sentiment, ..ask(1) };
    assert!(matches!(rig.agent.ask(stray), Err(Refused::WrongAgent { .. })));
}

#[tokio::test]
async fn a_paused_agent_says_so_and_resumes() {
    let mut rig = Rig::new(&Script::of([]), OPTIONS);
    rig.until_state(AgentState::Running).await;
    assert_eq!(refusal(ack(rig.agent.resume()).await), "technical is not paused");
    assert_eq!(ack(rig.agent.pause()).await, Ack::Accepted);
    assert_eq!(rig.agent.view().state, AgentState::Paused);
    assert_eq!(rig.round(1).await, Err("paused by a person".to_owned()));
    assert_eq!(refusal(ack(rig.agent.pause()).await), "technical is already paused");
    assert_eq!(ack(rig.agent.resume()).await, Ack::Accepted);
    assert_eq!(rig.round(2).await, Ok(2));
}

#[tokio::test]
async fn a_pause_waits_for_the_running_work() {
    let (gate, hold) = std_mpsc::channel();
    let mut rig = Rig::new(&Script::of([Act::Hold(hold)]), OPTIONS);
    rig.ask(1).unwrap();
    rig.until_state(AgentState::Processing).await;
    let paused = rig.agent.pause();
    until(|| rig.agent.view().pending.as_deref() == Some("pausing")).await;
    assert_eq!(rig.agent.view().state, AgentState::Processing);
    assert_eq!(refusal(ack(rig.agent.pause()).await), "technical is already pausing");
    drop(gate);
    assert_eq!(rig.answer().await, Ok(1), "the running work is finished");
    assert_eq!(ack(paused).await, Ack::Accepted);
    let view = rig.agent.view();
    assert_eq!((view.state, view.pending), (AgentState::Paused, None));
}

#[tokio::test]
async fn a_pending_pause_can_be_taken_back() {
    let (gate, hold) = std_mpsc::channel();
    let mut rig = Rig::new(&Script::of([Act::Hold(hold)]), OPTIONS);
    rig.ask(1).unwrap();
    rig.until_state(AgentState::Processing).await;
    let paused = rig.agent.pause();
    assert_eq!(ack(rig.agent.resume()).await, Ack::Accepted);
    assert_eq!(refusal(ack(paused).await), "taken back by a resume");
    drop(gate);
    assert_eq!(rig.answer().await, Ok(1));
    assert_eq!(rig.round(2).await, Ok(2));
}

#[tokio::test]
async fn a_network_error_is_retried_with_backoff() {
    let mut rig = Rig::new(&Script::of([Act::Fail(ErrorClass::Network), Act::Fail(ErrorClass::Network)]), OPTIONS);
    assert_eq!(rig.round(1).await, Ok(1));
    use Trigger::{ErrorRecovered, NewData, ProcessingComplete, ProcessingError};
    assert_eq!(
        rig.triggers()[2..],
        [
            NewData,
            ProcessingError,
            ErrorRecovered,
            NewData,
            ProcessingError,
            ErrorRecovered,
            NewData,
            ProcessingComplete
        ]
    );
    let view = rig.agent.view();
    assert_eq!((view.errors, view.retries, view.processed), (2, 2, 1));
    assert!(rig.stations.is_empty(), "nothing that a person must hear of");
}

#[tokio::test]
async fn retries_end_and_the_agent_degrades_until_it_answers_again() {
    let mut rig = Rig::new(&Script::of((0..3).map(|_| Act::Fail(ErrorClass::Network))), OPTIONS);
    assert_eq!(rig.round(1).await, Err("network error: as written (after 2 retries)".to_owned()));
    assert_eq!(rig.stations, [Station::GracefulDegradation]);
    assert_eq!(rig.agent.view().state, AgentState::Running);
    assert_eq!(rig.round(2).await, Ok(2));
    assert_eq!(rig.stations, [Station::GracefulDegradation, Station::ContinueProcessing]);
}

#[tokio::test]
async fn data_and_model_errors_are_missed_at_once_with_an_alert() {
    for (class, station) in [(ErrorClass::Data, Station::BackupSource), (ErrorClass::Model, Station::PaperTrading)] {
        let mut rig = Rig::new(&Script::of([Act::Fail(class)]), OPTIONS);
        assert_eq!(rig.round(1).await, Err(format!("{} error: as written", class.as_str())));
        assert_eq!((rig.stations.as_slice(), rig.agent.view().retries), ([station].as_slice(), 0));
        assert_eq!(rig.round(2).await, Ok(2));
    }
}

#[tokio::test]
async fn a_panic_costs_the_brain_but_not_the_agent() {
    let script = Script::of([Act::Panic]);
    let mut rig = Rig::new(&script, OPTIONS);
    assert_eq!(rig.round(1).await, Err("system error: panic: as written".to_owned()));
    assert_eq!(rig.agent.view().state, AgentState::Running);
    assert_eq!(rig.round(2).await, Ok(2));
    let view = rig.agent.view();
    assert_eq!((view.restarts, view.errors, script.made.load(Ordering::SeqCst)), (1, 1, 2));
    assert_eq!(view.last_error.as_deref(), Some("system error: panic: as written"));
    assert!(!super::panic_is_contained());
}

#[tokio::test]
async fn a_stuck_brain_is_left_behind_and_its_late_answer_with_it() {
    let (gate, hold) = std_mpsc::channel();
    let script = Script::of([Act::Hold(hold)]);
    let mut rig = Rig::new(&script, AgentOptions { timeout_ms: 20, ..OPTIONS });
    assert_eq!(rig.round(1).await, Err("system error: no answer within 20 ms".to_owned()));
    drop(gate);
    for cycle in 2..5 {
        // On a very busy machine a trivial call may be late as well; it is never answered for another cycle.
        assert!(rig.round(cycle).await.is_ok_and(|c| c == cycle) || rig.agent.view().timeouts > 1);
    }
    let view = rig.agent.view();
    assert!(view.timeouts >= 1 && view.restarts >= 1 && script.made.load(Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn an_agent_that_hangs_again_and_again_is_given_up() {
    let (gates, holds): (Vec<_>, Vec<_>) = (0..4).map(|_| std_mpsc::channel()).unzip();
    let script = Script::of(holds.into_iter().map(Act::Hold));
    let mut rig = Rig::new(&script, AgentOptions { timeout_ms: 20, breaker_failures: 100, ..OPTIONS });
    for cycle in 1..=4 {
        assert!(rig.round(cycle).await.is_err());
    }
    assert_eq!(rig.agent.view().state, AgentState::Failed);
    assert_eq!(rig.stations, [Station::GracefulShutdown]);
    drop(gates);
}

#[tokio::test]
async fn an_answer_to_another_question_is_an_error() {
    let mut rig = Rig::new(&Script::of([Act::WrongCycle]), OPTIONS);
    assert!(rig.round(1).await.unwrap_err().contains("answered cycle 2 as technical when asked cycle 1"));
}

#[tokio::test]
async fn a_full_mailbox_refuses_and_counts() {
    let (gate, hold) = std_mpsc::channel();
    let mut rig = Rig::new(&Script::of([Act::Hold(hold)]), OPTIONS);
    rig.ask(1).unwrap();
    rig.until_state(AgentState::Processing).await;
    for cycle in 2..=5 {
        rig.ask(cycle).unwrap();
    }
    assert_eq!(rig.ask(6), Err(Refused::MailboxFull { capacity: 4 }));
    let view = rig.agent.view();
    assert_eq!((view.mailbox, view.dropped), (4, 1));
    drop(gate);
    for cycle in 1..=5 {
        assert_eq!(rig.answer().await, Ok(cycle), "what was taken is answered, in order");
    }
}

#[tokio::test]
async fn the_breaker_opens_probes_and_closes() {
    let script = Script::of([Act::Fail(ErrorClass::Data), Act::Fail(ErrorClass::Data)]);
    let mut rig = Rig::new(&script, OPTIONS);
    for cycle in 1..=2 {
        assert!(rig.round(cycle).await.is_err());
    }
    assert_eq!(rig.agent.view().breaker, "open");
    let why = rig.round(3).await.unwrap_err();
    assert!(why.starts_with("the breaker is open after 2 failures in a row"), "{why}");
    rig.clock.advance(1_000);
    assert_eq!(rig.agent.view().breaker, "half-open");
    script.then(Act::Fail(ErrorClass::Data));
    assert_eq!(rig.round(4).await, Err("data error: as written".to_owned()));
    assert_eq!(rig.agent.view().breaker, "open");
    rig.clock.advance(1_000);
    assert_eq!(rig.round(5).await, Ok(5));
    assert_eq!(rig.agent.view().breaker, "closed");
    assert_eq!(rig.stations, [Station::BackupSource, Station::ContinueProcessing], "one alert for one trouble");
}

/// Brings a new agent to Failed by errors of the class, one failed probe after another.
async fn exhaust(rig: &mut Rig, script: &Script, class: ErrorClass) {
    for cycle in 1..=5 {
        script.then(if class == ErrorClass::System { Act::Panic } else { Act::Fail(class) });
        assert!(rig.round(cycle).await.unwrap_err().contains("as written"));
        rig.clock.advance(1_000);
    }
}

#[tokio::test]
async fn a_system_error_that_stays_ends_in_failed_and_a_restart_begins_anew() {
    let script = Script::of([]);
    let mut rig = Rig::new(&script, OPTIONS);
    exhaust(&mut rig, &script, ErrorClass::System).await;
    assert_eq!(rig.agent.view().state, AgentState::Failed);
    assert_eq!(rig.stations, [Station::GracefulShutdown]);
    assert!(rig.round(6).await.unwrap_err().contains("waits for a restart"));
    assert!(refusal(ack(rig.agent.pause()).await).contains("restart it"));
    let before = rig.states.len();
    assert_eq!(ack(rig.agent.restart()).await, Ack::Accepted);
    assert_eq!(rig.round(7).await, Ok(7));
    use Trigger::{ForceShutdown, NewData, ProcessingComplete, Start, SuccessfulStartup};
    assert_eq!(rig.triggers()[before..], [ForceShutdown, Start, SuccessfulStartup, NewData, ProcessingComplete]);
    assert_eq!(rig.states[before + 1].0, AgentState::Initialized);
    assert_eq!(rig.stations.last(), Some(&Station::ContinueProcessing));
    assert_eq!(rig.agent.view().breaker, "closed");
}

#[tokio::test]
async fn data_errors_that_stay_call_a_person_while_the_probes_go_on() {
    let script = Script::of([]);
    let mut rig = Rig::new(&script, OPTIONS);
    exhaust(&mut rig, &script, ErrorClass::Data).await;
    assert_eq!(rig.stations, [Station::BackupSource, Station::ManualIntervention]);
    assert_eq!(rig.agent.view().state, AgentState::Running);
    assert_eq!(rig.round(6).await, Ok(6));
    assert_eq!(rig.stations.last(), Some(&Station::ContinueProcessing));
}

#[tokio::test]
async fn a_brain_that_cannot_be_made_fails_the_start_and_a_restart_mends_it() {
    let script = Script::of([]);
    script.broken.store(true, Ordering::SeqCst);
    let mut rig = Rig::new(&script, OPTIONS);
    assert!(rig.round(1).await.unwrap_err().contains("no model on disk"));
    assert_eq!(rig.triggers(), [Trigger::Start, Trigger::StartupError]);
    assert!(refusal(ack(rig.agent.restart()).await).contains("failed to start"));
    script.broken.store(false, Ordering::SeqCst);
    assert_eq!(ack(rig.agent.restart()).await, Ack::Accepted);
    assert_eq!(rig.round(2).await, Ok(2));
}

#[tokio::test]
async fn a_stop_ends_in_stopped_and_says_so_to_what_still_comes() {
    let (gate, hold) = std_mpsc::channel();
    let mut rig = Rig::new(&Script::of([Act::Hold(hold)]), OPTIONS);
    rig.ask(1).unwrap();
    rig.until_state(AgentState::Processing).await;
    rig.ask(2).unwrap();
    let paused = rig.agent.pause();
    let stopped = rig.agent.stop();
    assert!(refusal(ack(paused).await).contains("stopping"));
    assert!(refusal(ack(rig.agent.restart()).await).contains("already stopping"));
    drop(gate);
    assert_eq!(rig.answer().await, Ok(1));
    assert_eq!(ack(stopped).await, Ack::Accepted);
    assert_eq!(rig.answer().await, Err("stopped".to_owned()));
    assert_eq!(rig.triggers()[4..], [Trigger::StopSignal, Trigger::GracefulShutdown]);
    assert!(refusal(ack(rig.agent.stop()).await).contains("already stopped"));
    assert_eq!(ack(rig.agent.restart()).await, Ack::Accepted);
    assert_eq!(rig.round(3).await, Ok(3));
}

#[tokio::test]
async fn a_stop_cuts_a_long_backoff_short() {
    let options =
        AgentOptions { backoff_initial_ms: 3_600_000, backoff_max_ms: 3_600_000, timeout_ms: 7_200_000, ..OPTIONS };
    let mut rig = Rig::new(&Script::of([Act::Fail(ErrorClass::Network)]), options);
    rig.ask(1).unwrap();
    rig.until_state(AgentState::Error).await;
    let stopped = rig.agent.stop();
    assert_eq!(rig.answer().await, Err("network error: as written".to_owned()));
    assert_eq!(ack(stopped).await, Ack::Accepted);
    rig.until_state(AgentState::Stopped).await;
    assert_eq!(rig.triggers()[3..], [Trigger::ProcessingError, Trigger::StopSignal, Trigger::GracefulShutdown]);
}

#[tokio::test]
async fn orders_are_heard_while_nobody_takes_the_events() {
    let mut rig = Rig::new(&Script::of([]), OPTIONS);
    for cycle in 1..=4 {
        rig.ask(cycle).unwrap();
    }
    // The channel holds four events, so the loop is now waiting for room.
    until(|| rig.agent.view().processed >= 1).await;
    assert_eq!(ack(rig.agent.pause()).await, Ack::Accepted);
    assert_eq!(ack(rig.agent.resume()).await, Ack::Accepted);
    let mut seen = 0;
    while seen < 4 {
        seen += usize::from(rig.answer().await.is_ok());
    }
}

#[tokio::test]
async fn the_agent_stops_when_the_last_handle_is_gone() {
    let mut rig = Rig::new(&Script::of([]), OPTIONS);
    rig.ask(1).unwrap();
    let Rig { agent, events, .. } = &mut rig;
    let kept = agent.clone();
    let mut events = std::mem::replace(events, mpsc::channel(1).1);
    drop((rig, kept));
    let (mut last, mut replied) = (None, false);
    while let Some(event) = tokio::time::timeout(PATIENCE, events.recv()).await.expect("the end in time") {
        match event {
            AgentEvent::State { to, .. } => last = Some(to),
            AgentEvent::Reply(_) => replied = true,
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!((last, replied), (Some(AgentState::Stopped), true));
}

/// A clock that breaks once, when told: it stands for any fault of the loop itself.
struct Fragile(SystemClock, AtomicBool);

impl Clock for Fragile {
    fn now(&self) -> UtcMs {
        assert!(!self.1.swap(false, Ordering::SeqCst), "the clock broke");
        self.0.now()
    }

    fn monotonic_ms(&self) -> f64 {
        self.0.monotonic_ms()
    }
}

#[tokio::test]
async fn a_panic_of_the_loop_itself_ends_in_failed_and_can_be_restarted() {
    let script = Script::of([]);
    let clock = Arc::new(Fragile(SystemClock::new(), AtomicBool::new(false)));
    let (tx, events) = mpsc::channel(64);
    let agent = AgentRuntime::spawn(KIND, script.factory(), OPTIONS, Arc::clone(&clock) as Arc<dyn Clock>, tx);
    let manual = Arc::new(ManualClock::at(UtcMs(0)));
    let mut rig = Rig { agent, events, clock: manual, states: vec![], stations: vec![] };
    assert_eq!(rig.round(1).await, Ok(1));
    clock.1.store(true, Ordering::SeqCst);
    assert!(rig.round(2).await.unwrap_err().contains("the clock broke"));
    rig.until_state(AgentState::Failed).await;
    assert_eq!(ack(rig.agent.restart()).await, Ack::Accepted);
    assert_eq!(rig.round(3).await, Ok(3));
}

#[test]
fn every_agent_has_its_profile() {
    for kind in AgentKind::ALL {
        let profile = super::profile(kind);
        assert!(profile.options.mailbox_capacity > 0 && profile.options.timeout_ms > profile.options.backoff_max_ms);
        assert!(super::stand_in(kind).starts_with(&format!("{kind} did not answer: ")));
    }
    assert_eq!(super::stand_in(KIND), "technical did not answer: strategies cannot confirm");
}
