//! The command line: one file per subcommand.
//!
//! Serves the person at the prompt. Arguments go in; text or JSON comes out on stdout, complaints on stderr, and an exit code that is 0
//! only on success. Always true: a complaint says what, why and what to do; nothing here decides anything about money.

mod args;
mod backtest;
mod bench;
mod config;
mod data;
mod doctor;
mod features;
mod interrupt;
mod journal;
mod kraken;
mod models;
mod page;
mod progress;
mod risk;
mod simulator;
mod start;
mod train;
mod why;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use color_eyre::eyre::WrapErr;

pub use args::{Cli, Command};

use crate::config::{self as settings, Home, Loaded};

/// What a command can fail with: a text for people.
type Outcome = Result<(), color_eyre::Report>;

/// Parses the arguments, runs the command, and gives the exit code.
pub fn main() -> ExitCode {
    let hooks = color_eyre::config::HookBuilder::default().display_env_section(false).display_location_section(false);
    if let Err(error) = hooks.install() {
        complain(&format!("the error report could not be set up: {error}"));
    }
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            let mut text = format!("cst: {report}");
            for cause in report.chain().skip(1) {
                text.push_str(&format!("\n  because: {cause}"));
            }
            complain(&text);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Outcome {
    match &cli.command {
        None => start::start(&cli),
        Some(Command::Why(args)) => why::why(&cli, args),
        Some(Command::Config(args)) => config::config(&cli, args),
        Some(Command::Journal(args)) => journal::journal(&cli, args),
        Some(Command::Models(args)) => models::models(&cli, args),
        Some(Command::Train(args)) => train::train(&cli, args),
        Some(Command::Risk(args)) => risk::risk(&cli, args),
        Some(Command::Backtest(args)) => backtest::backtest(&cli, args),
        Some(Command::Bench(args)) => bench::bench(&cli, args),
        Some(Command::Simulator(args)) => simulator::simulator(&cli, args),
        Some(Command::Data(args)) => data::data(&cli, args),
        Some(Command::Features(args)) => features::features(&cli, args),
        Some(Command::Doctor) => doctor::doctor(&cli),
        Some(Command::Completions { shell }) => {
            let mut out = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "cst", &mut out);
            print(&String::from_utf8_lossy(&out))
        }
        Some(Command::Man) => {
            let mut out = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut out)?;
            print(&String::from_utf8_lossy(&out))
        }
    }
}

/// Writes to stdout. A reader that has gone away is not an error: `cst why … | head` must end quietly.
fn print(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") })
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes to stderr. If even that fails there is nowhere left to say so.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn print_json(value: &impl serde::Serialize) -> Outcome {
    print(&serde_json::to_string_pretty(value)?)
}

fn find_home(cli: &Cli) -> Result<Home, color_eyre::Report> {
    let cwd = std::env::current_dir().wrap_err("the working directory cannot be read")?;
    Ok(Home::resolve(cli.home.as_deref(), &cwd, |name| std::env::var_os(name))?)
}

fn load_settings(cli: &Cli, home: &Home) -> Result<Loaded, color_eyre::Report> {
    Ok(settings::load(&home.dir, cli.config.as_deref(), &cli.set, settings::environment())?)
}

fn journal_path(cli: &Cli) -> Result<PathBuf, color_eyre::Report> {
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    Ok(home.path(&loaded.settings.journal.path))
}
