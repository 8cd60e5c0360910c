//! The console in a real pseudo-terminal: start, help, pause, quit, and the terminal as it was.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::process::Home;

struct Console {
    screen: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
}

impl Console {
    fn start(home: &Home, rows: u16, cols: u16) -> Self {
        let pty = native_pty_system()
            .openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })
            .expect("a pseudo-terminal");
        let std = home.command("2024-10-01T00:00:00Z");
        let mut command = CommandBuilder::new(std.get_program());
        command.args(std.get_args());
        command.args(["--source", "replay", "--speed", "600"]);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let child = pty.slave.spawn_command(command).expect("cst starts");
        drop(pty.slave);
        let rows = std::num::NonZeroU16::new(rows).expect("rows");
        let cols = std::num::NonZeroU16::new(cols).expect("columns");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, cols, 0)));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        let keys = pty.master.take_writer().expect("a writer");
        let (to_screen, to_raw) = (Arc::clone(&screen), Arc::clone(&raw));
        std::thread::spawn(move || {
            // The master must live as long as its reader.
            let _master = pty.master;
            let mut buffer = [0; 8_192];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                to_screen.lock().expect("screen").process(&buffer[..n]);
                to_raw.lock().expect("raw").extend_from_slice(&buffer[..n]);
            }
        });
        Self { screen, raw, keys, child }
    }

    fn text(&self) -> String {
        self.screen.lock().expect("screen").screen().contents()
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("keys");
        self.keys.flush().expect("keys");
    }

    fn until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        for _ in 0..2_400 {
            if holds(&self.text()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("never on screen: {what}\n{}", self.text());
    }

    /// Waits for the end; the screen must be given back.
    fn ended(mut self) {
        for _ in 0..400 {
            if let Some(status) = self.child.try_wait().expect("a status") {
                assert!(status.success(), "{status:?}");
                std::thread::sleep(Duration::from_millis(100));
                let raw = String::from_utf8_lossy(&self.raw.lock().expect("raw")).into_owned();
                let (enter, leave) = (raw.rfind("\u{1b}[?1049h"), raw.rfind("\u{1b}[?1049l"));
                assert!(leave > enter && enter.is_some(), "the alternate screen is left");
                assert!(raw.rfind("\u{1b}[?25h") > raw.rfind("\u{1b}[?25l"), "the cursor is shown");
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        panic!("it did not end\n{}", self.text());
    }
}

#[test]
fn start_help_pause_quit() {
    let home = Home::new();
    let mut console = Console::start(&home, 40, 120);
    console.until("the running system", |t| t.contains("PAPER") && t.contains("│ RUN │"));
    console.press("?");
    console.until("help", |t| t.contains("search:"));
    console.press("\u{1b}");
    // Escape and a key in one breath would read as Alt with that key.
    console.until("help has gone", |t| !t.contains("search:"));
    console.press("3");
    console.until("the agents", |t| t.contains("whale"));
    // Down to the whale detector (fifth of eight), pause it, resume it.
    console.press("gg");
    console.press("jjjj");
    console.press(" ");
    console.until("paused", |t| t.lines().any(|l| l.contains("whale") && l.contains("Paused")));
    console.press(" ");
    console.until("running again", |t| !t.lines().any(|l| l.contains("whale") && l.contains("Paus")));
    console.press("q");
    console.until("the question", |t| t.contains("Cancel"));
    // A dialog takes no answer for 300 ms: keys typed ahead were not meant for it.
    std::thread::sleep(Duration::from_millis(500));
    console.press("Y");
    console.ended();
}

#[test]
fn control_c_gives_the_terminal_back() {
    let home = Home::new();
    let mut console = Console::start(&home, 24, 80);
    console.until("the running system", |t| t.contains("PAPER"));
    console.press("\u{3}");
    console.ended();
}

#[test]
fn a_tiny_terminal_says_what_it_needs() {
    let home = Home::new();
    let mut console = Console::start(&home, 8, 30);
    console.until("the size needed", |t| t.contains("60") && t.contains("16"));
    console.press("\u{3}");
    console.ended();
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let home = Home::new();
    let console = Console::start(&home, 24, 80);
    console.until("the running system", |t| t.contains("PAPER"));
    let pid = console.child.process_id().expect("a process").to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    console.ended();
}
