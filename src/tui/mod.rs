//! The console: nine screens over one immutable picture, for a person at a terminal.
//!
//! In come [`Snapshot`](crate::domain::Snapshot)s (latest wins), numbered notices, log records and keys; out go commands, each with a visible
//! pending state until it is answered. Always true: drawing is a pure function of picture, view, theme and time; nothing is drawn unless
//! the screen would change; what adds risk needs a person's word in a dialog; a number is never cut; a value that is not known is never zero.

mod app;
pub mod draw;
mod event_loop;
mod filter;
pub mod format;
mod header;
mod indicators;
pub mod keymap;
mod options;
mod overlays;
mod paint;
mod panes;
pub mod screens;
mod terminal;
pub mod theme;
pub mod view;
mod widgets;

#[cfg(test)]
mod app_tests;
#[cfg(test)]
mod chart_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod loop_tests;
#[cfg(test)]
mod screen_tests;

use std::sync::Arc;

use crossterm::event::EventStream;
use jiff::tz::TimeZone;
use ratatui::layout::Rect;

pub use self::keymap::keymap_markdown;
pub use self::options::{ColorDepth, ColorScheme, UiOptions, locale_is_ascii};
pub use self::terminal::install_panic_hook;

use self::app::App;
use self::terminal::Screen;
use crate::clock::Clock;
use crate::orchestrator::Handle;
use crate::telemetry::ring::LogRing;

/// The console cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    #[error("the terminal could not be opened ({0}); use --headless where there is none")]
    Open(#[source] std::io::Error),
    #[error("the terminal could not be written to: {0}")]
    Draw(#[source] std::io::Error),
    #[error("the keyboard could not be read: {0}")]
    Input(#[source] std::io::Error),
}

/// Shows the console until the person leaves. Standard output must be a terminal; it is given back on every way out.
///
/// Leaving asks the orchestrator to shut down and waits until it has stopped, at most ten seconds; a read-only console just returns.
///
/// # Errors
/// [`TuiError`] when the terminal cannot be opened, read or written.
pub async fn run(
    handle: Handle,
    logs: Arc<LogRing>,
    options: UiOptions,
    clock: Arc<dyn Clock>,
) -> Result<(), TuiError> {
    let ascii = options.ascii.unwrap_or_else(|| locale_is_ascii(|name| std::env::var(name).ok()));
    let color = options.color_depth != ColorDepth::None;
    let mut screen = Screen::take(options.mouse, color).map_err(TuiError::Open)?;
    let (width, height) = screen.size().map_err(TuiError::Open)?;
    let fps = options.fps;
    let app = App::new(options, ascii, TimeZone::system(), Rect::new(0, 0, width, height));
    event_loop::drive(handle, logs, app, clock, EventStream::new(), &mut screen, fps).await?;
    Ok(())
}
