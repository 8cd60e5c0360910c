//! `cst simulator`: the stand-in exchange as a program of its own.

use std::sync::Arc;

use color_eyre::eyre::{WrapErr, eyre};
use tokio::signal::unix::{SignalKind, signal};

use super::args::{Cli, SimulatorArgs};
use super::{Outcome, complain, find_home, print};
use crate::clock::{Clock, SystemClock};
use crate::domain::time::UtcMs;
use crate::orchestrator::standin::{self, StandIn};
use crate::simulator::clock::ClockMode;
use crate::simulator::gateway::ClientKey;
use crate::simulator::server::{RunningServer, Server, ServerOptions};

pub(super) fn simulator(cli: &Cli, args: &SimulatorArgs) -> Outcome {
    let folder = match &args.data {
        Some(folder) => folder.clone(),
        None => find_home(cli)?.dir.join("data").join("tape"),
    };
    let from =
        args.from.as_deref().map(UtcMs::parse).transpose().map_err(|e| eyre!("--from is not an instant: {e}"))?;
    let now = (!args.invent.is_empty() || args.synthetic > 0).then(|| SystemClock::new().now());
    let mode = clock_mode(&args.clock)?;
    let wanted = StandIn {
        invent: args.invent.clone(),
        synthetic: args.synthetic,
        seed: args.seed,
        strict: !args.lenient,
        full_deltas: args.full_deltas,
        from: from.or(now),
        moved_to: args.as_now.then(|| SystemClock::new().now()),
    };
    let loaded = standin::from_folder(&folder, &wanted)?;
    let options = ServerOptions {
        port: args.port,
        tls_port: Some(args.tls_port),
        control_port: Some(args.control_port),
        mode,
        ca_file: args.ca_file.clone(),
        ..ServerOptions::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("cst-simulator")
        .build()
        .wrap_err("the async runtime could not be started")?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).wrap_err("signals cannot be received")?;
        let server = Server::start(options, loaded.exchange, Arc::new(SystemClock::new())).await?;
        announce(cli, &server, &loaded.about, args)?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            () = server.handle.stopped() => {}
        }
        if !cli.json {
            complain("the stand-in has stopped");
        }
        Ok(())
    })
}

fn clock_mode(text: &str) -> Result<ClockMode, color_eyre::Report> {
    match text {
        "real" => Ok(ClockMode::Real),
        "step" => Ok(ClockMode::Step),
        factor => match factor.trim_end_matches(['x', 'X']).parse() {
            Ok(factor @ 1..=10_000) => Ok(ClockMode::Scaled { factor }),
            _ => Err(eyre!("--clock is 'real', 'step' or a factor from 1 to 10000, not '{factor}'")),
        },
    }
}

/// Where it is reached and with which keys: they are published test keys that open nothing else.
fn announce(cli: &Cli, server: &RunningServer, about: &str, args: &SimulatorArgs) -> Outcome {
    let keys = ClientKey::usual();
    if cli.json {
        return print(&server.describe(&keys).to_string());
    }
    let rest = format!("http://{}", server.plain);
    let ws = format!("ws://{}/v2", server.plain);
    let rest_tls = server.tls.map(|a| format!("https://{a}"));
    let ws_tls = server.tls.map(|a| format!("wss://{a}/v2"));
    let control = server.control.map(|a| format!("http://{a}"));
    let mut lines = vec![
        "stand-in exchange: Kraken's protocol over recorded data. It is not Kraken, and no money is in it.".to_owned(),
        format!("  REST       {rest}   {}", rest_tls.unwrap_or_default()),
        format!("  WebSocket  {ws}   {}", ws_tls.unwrap_or_default()),
        format!(
            "  control    {}/state   faults, clock, trades, orders: see docs/simulator.md",
            control.unwrap_or_default()
        ),
        format!("  data       {about}"),
        "  test keys  (each client takes one of its own: nonces)".to_owned(),
    ];
    let named: Vec<String> = args.invent.iter().map(ToString::to_string).collect();
    let many = (args.synthetic > 0).then(|| format!("{} pairs named SIM…", args.synthetic));
    let invented: Vec<String> = named.into_iter().chain(many).collect();
    if !invented.is_empty() {
        let text = format!("  invented   trades of {}: no market ever made them", invented.join(", "));
        lines.insert(5, text);
    }
    lines.extend(keys.iter().map(|k| format!("    {:<9} {}  {}", k.name, k.key, k.secret)));
    lines.push("Ctrl-C stops it.".to_owned());
    print(&lines.join("\n"))
}
