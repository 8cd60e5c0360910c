//! Server mode: the same system without a terminal.
//!
//! Serves operators and scripts. JSON lines go to stdout, one per event that matters; SIGTERM and Ctrl-C end the run in order with its state kept.
//! Always true: every line is one JSON object with a `type`; the last one is the summary.

use std::io::Write;

use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::domain::decision::Verdict;
use crate::domain::snapshot::{NoticeKind, Snapshot, SystemState};
use crate::orchestrator::{Handle, OrchestratorError, Summary};

/// What ends server mode badly.
#[derive(Debug, thiserror::Error)]
pub enum HeadlessError {
    #[error(transparent)]
    Orchestrator(#[from] OrchestratorError),
    #[error("the orchestrator was lost: {0}")]
    Lost(#[from] tokio::task::JoinError),
    #[error("signals cannot be received: {0}")]
    Signals(#[source] std::io::Error),
    #[error("stdout cannot be written: {0}")]
    Output(#[source] std::io::Error),
}

/// Runs until the orchestrator ends or a signal asks for the end. With `summary_only` nothing but problems and the summary is printed.
///
/// # Errors
/// [`HeadlessError`] when the run failed or its output could not be written.
pub async fn run(
    mut handle: Handle,
    mut run: tokio::task::JoinHandle<Result<Summary, OrchestratorError>>,
    stop: CancellationToken,
    json: bool,
) -> Result<Summary, HeadlessError> {
    let mut notices = handle.notices();
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(HeadlessError::Signals)?;
    let mut hangup =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).map_err(HeadlessError::Signals)?;
    let mut told = Told::default();
    let mut alive = true;
    let summary = loop {
        tokio::select! {
            biased;
            done = &mut run => break done??,
            _ = terminate.recv() => stop.cancel(),
            _ = hangup.recv() => stop.cancel(),
            _ = tokio::signal::ctrl_c() => stop.cancel(),
            notice = notices.recv() => match notice {
                Ok(notice) => if let Some(value) = describe(&notice.kind) { line(&value)? },
                Err(RecvError::Lagged(lost)) => line(&json!({ "type": "lost", "notices": lost }))?,
                Err(RecvError::Closed) => {}
            },
            changed = handle.changed(), if alive => match changed {
                Ok(snapshot) => told.state(&snapshot)?,
                Err(_) => alive = false,
            },
        }
    };
    // What was told before the end but not read yet.
    while let Ok(notice) = notices.try_recv() {
        if let Some(value) = describe(&notice.kind) {
            line(&value)?;
        }
    }
    if json {
        let mut value = serde_json::to_value(&summary).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.insert("type".to_owned(), "summary".into());
        }
        line(&value)?;
    } else {
        output(&format!("{summary}\n"))?;
    }
    Ok(summary)
}

/// What has been said of the system's state, to say only changes.
#[derive(Default)]
struct Told {
    state: Option<SystemState>,
    tenths: Option<u64>,
}

impl Told {
    fn state(&mut self, snapshot: &Snapshot) -> Result<(), HeadlessError> {
        if self.state != Some(snapshot.state) {
            self.state = Some(snapshot.state);
            self.tenths = None;
            line(&json!({
                "type": "state", "state": snapshot.state.as_str(), "at": (snapshot.at.0 > 0).then(|| snapshot.at.to_string()), "session": snapshot.session,
                "mode": snapshot.mode.as_str(), "source": snapshot.source.label, "note": snapshot.note,
                "services": snapshot.services.iter().map(|s| (s.name.clone(), s.address.clone())).collect::<std::collections::BTreeMap<_, _>>(),
            }))?;
        }
        if let Some(progress) = &snapshot.progress {
            let tenths = (progress.done * 10).checked_div(progress.total).unwrap_or(0);
            if self.tenths != Some(tenths) {
                self.tenths = Some(tenths);
                line(
                    &json!({ "type": "progress", "label": progress.label, "done": progress.done, "total": progress.total }),
                )?;
            }
        }
        Ok(())
    }
}

/// The line for a notice. Decisions that were blocked and not traded by the shadow are in the journal, not on stdout: there are thousands.
fn describe(kind: &NoticeKind) -> Option<Value> {
    Some(match kind {
        NoticeKind::Decision(d) => {
            let order = match &d.verdict {
                Verdict::Pass { order, .. } => Some(*order),
                Verdict::Block { .. } => None,
            };
            if order.is_none() && d.shadow_order.is_none() {
                return None;
            }
            json!({
                "type": "decision", "id": d.id.to_string(), "at": d.at.to_string(), "pair": d.pair, "side": d.side,
                "confidence": d.confidence, "account": if order.is_some() { d.account.as_str() } else { "shadow" },
                "order": order.or(d.shadow_order.map(|(o, _)| o)).map(|o| o.to_string()),
                "blocked_by": d.trace.first_block().and_then(|s| s.reason).map(|r| r.as_str()),
            })
        }
        NoticeKind::Fill(f) => json!({
            "type": "fill", "order": f.order.to_string(), "decision": f.decision.to_string(), "at": f.at.to_string(), "pair": f.pair,
            "account": f.account.as_str(), "side": f.side, "price": f.price, "qty": f.qty, "fee": f.fee, "purpose": f.purpose.as_str(),
        }),
        NoticeKind::Outcome(o) => json!({
            "type": "outcome", "decision": o.decision.to_string(), "closed": o.closed.to_string(), "pair": o.pair,
            "account": o.account.as_str(), "pnl": o.pnl, "net_return": o.net_return, "ended_by": o.ended_by.as_str(),
        }),
        NoticeKind::Alert(a) => json!({
            "type": "alert", "id": a.id, "at": a.at.to_string(), "severity": a.severity, "source": a.source, "text": a.text,
        }),
        NoticeKind::System { at, text } => json!({ "type": "system", "at": at.to_string(), "text": text }),
    })
}

fn line(value: &Value) -> Result<(), HeadlessError> {
    output(&format!("{value}\n"))
}

fn output(text: &str) -> Result<(), HeadlessError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever read us has gone; the run itself goes on.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(HeadlessError::Output),
    }
}
