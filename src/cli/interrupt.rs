//! Ctrl-C for commands that work in steps: they end after the step at hand, and what they have is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use color_eyre::eyre::WrapErr;
use tokio::signal::unix::{SignalKind, signal};

/// Whether the user, or the system, has asked for the end.
#[derive(Debug, Clone)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on, on a thread of its own.
    pub(super) fn listen() -> Result<Self, color_eyre::Report> {
        let flag = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .wrap_err("the async runtime could not be started")?;
        let seen = Arc::clone(&flag);
        let mut terminate = {
            let _inside = runtime.enter();
            signal(SignalKind::terminate()).wrap_err("signals cannot be received")?
        };
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = terminate.recv() => {}
                }
            });
            seen.store(true, Ordering::Relaxed);
        });
        Ok(Self(flag))
    }

    pub(super) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
