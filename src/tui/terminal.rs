//! The terminal: taken over and given back, whatever happens in between.

use std::cell::Cell;
use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::execute;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;

/// The terminal is ours now.
static TAKEN: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// This thread is inside the console's own code.
    static IN_CONSOLE: Cell<bool> = const { Cell::new(false) };
}

/// Something that frames are drawn on.
pub trait Surface {
    /// Draws one frame; `paint` fills the whole buffer.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    fn frame(&mut self, paint: &mut dyn FnMut(&mut Buffer)) -> io::Result<()>;
}

/// Marks `work` as the console's own, so that a panic in it gives the terminal back first.
pub fn in_console<T>(work: impl FnOnce() -> T) -> T {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            IN_CONSOLE.with(|c| c.set(self.0));
        }
    }
    let _reset = Reset(IN_CONSOLE.with(|c| c.replace(true)));
    work()
}

/// Gives the terminal back. Safe to call at any time and more than once.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // Every step is tried even when one before it fails: half a restored terminal is better than none.
    let mut out = stdout();
    let _ = execute!(out, EndSynchronizedUpdate);
    let _ = execute!(out, DisableMouseCapture);
    let _ = execute!(out, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let _ = out.flush();
}

/// Gives the terminal back before a panic of the console is reported. A panic elsewhere (an agent, which recovers by itself) must not
/// write over the screen: while the console is open it goes to the log only.
pub fn install_panic_hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let ours = IN_CONSOLE.with(Cell::get);
        if TAKEN.load(Ordering::SeqCst) && !ours {
            tracing::error!(panic = %info, "a task panicked");
            return;
        }
        restore();
        before(info);
    }));
}

/// The real terminal, taken over until dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it does not allow raw mode or cannot be written to; it is then as before.
    pub fn take(mouse: bool, color: bool) -> io::Result<Self> {
        // The depth was decided with the environment in view; the terminal library must not decide again.
        crossterm::style::force_color_output(color);
        TAKEN.store(true, Ordering::SeqCst);
        let open = || {
            enable_raw_mode()?;
            // Not `Terminal::clear`: that asks the terminal where its cursor is and waits for the answer.
            execute!(stdout(), EnterAlternateScreen, Clear(ClearType::All), Hide)?;
            if mouse {
                execute!(stdout(), EnableMouseCapture)?;
            }
            let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, stdout())))?;
            Ok(Self { terminal })
        };
        open().inspect_err(|_: &io::Error| restore())
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// When the terminal does not tell.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }
}

impl Surface for Screen {
    fn frame(&mut self, paint: &mut dyn FnMut(&mut Buffer)) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(|f| paint(f.buffer_mut())).map(|_| ());
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        drawn
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restoring_what_was_never_taken_does_nothing() {
        assert!(!TAKEN.load(Ordering::SeqCst));
        restore();
        restore();
    }

    #[test]
    fn the_mark_is_taken_back() {
        in_console(|| {
            assert!(IN_CONSOLE.with(Cell::get));
            in_console(|| ());
            assert!(IN_CONSOLE.with(Cell::get));
        });
        assert!(!IN_CONSOLE.with(Cell::get));
    }
}
