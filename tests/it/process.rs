//! Starting `cst` in a home of its own.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::support;

/// A home folder with models already trained (small ones), so that each test starts at once.
pub(crate) struct Home {
    pub(crate) dir: TempDir,
}

/// The folder in which the small models are trained once for all tests of this process.
fn models() -> &'static Path {
    static MODELS: OnceLock<TempDir> = OnceLock::new();
    MODELS
        .get_or_init(|| {
            let dir = tempfile::tempdir().expect("a folder");
            support::small_models(&support::small_settings(), dir.path());
            dir
        })
        .path()
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("config")).expect("config/");
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// `cst` with this home, the bundled recording up to `until`, and ephemeral ports.
    pub(crate) fn command(&self, until: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cst"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("NO_COLOR", "1");
        command.arg("--home").arg(self.path());
        let core = support::small_settings();
        let exits: Vec<String> = core
            .training
            .exits
            .iter()
            .map(|e| {
                let (hours, target, stop) = (e.horizon.0, e.target_multiple, e.stop_multiple);
                format!("{{ horizon_hours = {hours}, target_multiple = {target:?}, stop_multiple = {stop:?} }}")
            })
            .collect();
        let models = models().display().to_string();
        let recording = support::recording_dir().display().to_string();
        for (key, value) in [
            ("replay.recording", recording),
            ("replay.until", until.to_owned()),
            ("models.dir", models),
            ("training.from", core.training.from.to_string()),
            ("training.exits", format!("[{}]", exits.join(", "))),
            ("training.members", core.training.members.to_string()),
            ("training.folds", core.training.folds.to_string()),
            ("training.stride_hours", core.training.stride_hours.to_string()),
            ("services.api_port", "0".to_owned()),
            ("services.metrics_port", "0".to_owned()),
            ("services.web_port", "0".to_owned()),
            // No test reaches out: on this address nothing listens.
            ("kraken.rest_url", "http://127.0.0.1:9".to_owned()),
            ("kraken.ws_url", "ws://127.0.0.1:9/v2".to_owned()),
        ] {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        command.stdin(Stdio::null());
        command
    }

    /// A whole headless run to `until`; its lines.
    pub(crate) fn play(&self, until: &str, more: &[&str]) -> Vec<Value> {
        let output = self
            .command(until)
            .args(["--headless", "--source", "replay", "--speed", "max", "--until-end", "--json"])
            .args(more)
            .output()
            .expect("cst starts");
        assert!(output.status.success(), "{}", complaint(&output));
        lines(&output.stdout)
    }

    /// A subcommand in this home.
    pub(crate) fn ask(&self, args: &[&str]) -> Output {
        let mut command = self.command("2024-07-20T00:00:00Z");
        command.args(args).output().expect("cst starts")
    }
}

pub(crate) fn complaint(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn lines(bytes: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(bytes)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("not JSON ({e}): {l}")))
        .collect()
}

pub(crate) fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|l| l["type"] == kind).collect()
}

/// A child that does not outlive its test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
