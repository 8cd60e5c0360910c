//! One call of a brain, on a thread where it may block, panic or hang without harm to the agent's loop.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinHandle;

use super::BrainFactory;
use crate::domain::agent::AgentKind;
use crate::domain::error::ErrorClass;
use crate::domain::event::{Ask, Brain, BrainError, Reply};

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread, right now, will be caught at an agent's edge. A panic hook asks this: such a panic is logged, but it
/// is no reason to leave the screen.
#[must_use]
pub fn panic_is_contained() -> bool {
    CONTAINED.get()
}

/// A brain came back, or was lost to a panic; and what it answered.
pub(super) struct Done {
    pub(super) brain: Option<Box<dyn Brain>>,
    pub(super) answer: Result<Reply, BrainError>,
}

/// Runs what may panic; the panic's text is the error.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let outer = CONTAINED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outer);
    result.map_err(|panic| panic_text(panic.as_ref()))
}

pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned());
    format!("panic: {text}")
}

/// Counts a thread for as long as it lives in a call.
struct InCall(Arc<AtomicUsize>);

impl InCall {
    fn enter(calls: &Arc<AtomicUsize>) -> Self {
        calls.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(calls))
    }
}

impl Drop for InCall {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Makes a brain.
pub(super) fn create(
    kind: AgentKind,
    factory: &BrainFactory,
    calls: &Arc<AtomicUsize>,
) -> JoinHandle<Result<Box<dyn Brain>, String>> {
    let (factory, call) = (Arc::clone(factory), InCall::enter(calls));
    tokio::task::spawn_blocking(move || {
        let _call = call;
        make(kind, &factory)
    })
}

/// Asks a brain, making one first when there is none. When the handle is dropped the call goes on unheard and its brain is lost.
pub(super) fn call(
    kind: AgentKind,
    brain: Option<Box<dyn Brain>>,
    factory: &BrainFactory,
    ask: &Arc<Ask>,
    calls: &Arc<AtomicUsize>,
) -> JoinHandle<Done> {
    let (factory, ask, call) = (Arc::clone(factory), Arc::clone(ask), InCall::enter(calls));
    tokio::task::spawn_blocking(move || {
        let _call = call;
        let mut brain = match brain.map_or_else(|| make(kind, &factory), Ok) {
            Ok(brain) => brain,
            Err(text) => return Done { brain: None, answer: Err(system(text)) },
        };
        match contained(|| brain.handle(&ask)) {
            Ok(answer) => Done { answer: answer.and_then(|reply| checked(kind, &ask, reply)), brain: Some(brain) },
            Err(text) => {
                // What a panic left half-changed is not asked again, and its destructor may panic too.
                let dropped = contained(move || drop(brain));
                let text = dropped.err().map_or_else(|| text.clone(), |second| format!("{text}, then {second}"));
                Done { brain: None, answer: Err(system(text)) }
            }
        }
    })
}

fn make(kind: AgentKind, factory: &BrainFactory) -> Result<Box<dyn Brain>, String> {
    let brain = contained(|| factory())?;
    if brain.kind() == kind { Ok(brain) } else { Err(format!("was given the brain of {}", brain.kind())) }
}

/// An answer must be to the question that was asked.
fn checked(kind: AgentKind, ask: &Ask, reply: Reply) -> Result<Reply, BrainError> {
    if reply.from == kind && reply.cycle == ask.cycle {
        Ok(reply)
    } else {
        Err(system(format!("answered cycle {} as {} when asked cycle {}", reply.cycle, reply.from, ask.cycle)))
    }
}

pub(super) const fn system(text: String) -> BrainError {
    BrainError { class: ErrorClass::System, text }
}
