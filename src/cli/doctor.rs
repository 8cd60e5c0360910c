//! `cst doctor`: what a session needs, looked at one by one, each finding with its fix.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use color_eyre::eyre::bail;
use serde::Serialize;

use super::args::Cli;
use super::{Outcome, find_home, kraken, load_settings, print, print_json};
use crate::config::{Home, Secrets, Settings};
use crate::kraken::driver;
use crate::kraken::keys::Purpose;
use crate::kraken::rest::Client;
use crate::store::Recording;
use crate::store::free::{PATIENCE, free_space};

/// Free space below which recording and journal are at risk, and below which it is said.
const SPACE_BAD: u64 = 500_000_000;
const SPACE_LOW: u64 = 5_000_000_000;
/// Clock difference from which orders with a deadline fail, and from which it is said, in ms.
const SKEW_BAD: i64 = 2_000;
const SKEW_WARN: i64 = 1_000;
const REACH: Duration = Duration::from_secs(8);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Grade {
    Good,
    Warning,
    Bad,
}

#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    grade: Grade,
    found: String,
    /// What to do; `None` where nothing needs doing.
    fix: Option<String>,
}

fn good(what: &'static str, found: impl Into<String>) -> Finding {
    Finding { what, grade: Grade::Good, found: found.into(), fix: None }
}

fn warning(what: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding { what, grade: Grade::Warning, found: found.into(), fix: Some(fix.into()) }
}

fn bad(what: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Finding {
    Finding { what, grade: Grade::Bad, found: found.into(), fix: Some(fix.into()) }
}

pub(super) fn doctor(cli: &Cli) -> Outcome {
    let home = find_home(cli)?;
    let mut findings = vec![good("home", format!("{} ({})", home.dir.display(), home.why))];
    let settings = match load_settings(cli, &home) {
        Ok(loaded) => {
            findings.push(good("settings", "every setting is valid"));
            loaded.settings
        }
        Err(error) => {
            findings.push(bad("settings", error.to_string(), "`cst config check` lists every problem"));
            return tell(cli, &findings);
        }
    };
    findings.push(recording(&home, &settings));
    findings.push(disk(&home));
    findings.extend(ports(&settings));
    kraken::block_on(async {
        findings.extend(names(&settings).await);
        findings.extend(exchange(&settings, &home).await);
        tell(cli, &findings)
    })
}

fn tell(cli: &Cli, findings: &[Finding]) -> Outcome {
    let worst = findings.iter().filter(|f| f.grade == Grade::Bad).count();
    if cli.json {
        print_json(&findings)?;
    } else {
        let mut text = Vec::new();
        for f in findings {
            let mark = match f.grade {
                Grade::Good => "ok  ",
                Grade::Warning => "WARN",
                Grade::Bad => "BAD ",
            };
            text.push(format!("{mark}  {:<14} {}", f.what, f.found));
            text.extend(f.fix.as_ref().map(|fix| format!("      {:<14} → {fix}", "")));
        }
        print(&text.join("\n"))?;
    }
    match worst {
        0 => Ok(()),
        n => bail!("{n} findings need attention; the bundled recording (`--source replay`) needs no network"),
    }
}

fn recording(home: &Home, settings: &Settings) -> Finding {
    let folder = home.path(&settings.replay.recording);
    match Recording::open(&folder).and_then(|r| r.load_replay().map(|rows| (r, rows))) {
        Ok((r, rows)) => good("recording", format!("{}, {} candles", r.name(), rows.len())),
        Err(error) => bad("recording", error.to_string(), "restore data/recording from the release"),
    }
}

fn disk(home: &Home) -> Finding {
    match free_space(&home.dir, PATIENCE) {
        Err(error) => warning("disk", error.to_string(), "see that the disk is not full"),
        Ok(space) => {
            let found = format!("{:.1} GB free of {:.1} GB", space.free as f64 / 1e9, space.total as f64 / 1e9);
            match space.free {
                n if n < SPACE_BAD => bad("disk", found, "free space: the journal must never run out of it"),
                n if n < SPACE_LOW => warning("disk", found, "recording frames takes about 1 GB a week for ten pairs"),
                _ => good("disk", found),
            }
        }
    }
}

fn ports(settings: &Settings) -> Vec<Finding> {
    let s = &settings.services;
    let wanted = [("api_port", s.api_port), ("metrics_port", s.metrics_port), ("web_port", s.web_port)];
    let free = |(name, port): (&str, u16)| match TcpListener::bind(SocketAddr::new(s.bind, port)) {
        Ok(_) => good("port", format!("{}:{port} is free ({name})", s.bind)),
        Err(error) => warning(
            "port",
            format!("{}:{port} ({name}): {error}", s.bind),
            format!("stop what uses it (another cst?), or set services.{name}"),
        ),
    };
    wanted.into_iter().map(free).collect()
}

/// Host of an address, and its port.
fn host(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let default = if matches!(scheme, "http" | "ws") { 80 } else { 443 };
    Some(match authority.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') => (host.to_owned(), port.parse().ok()?),
        _ => (authority.to_owned(), default),
    })
}

/// Whether the names of the exchange's hosts are found, each once; an address needs no name.
async fn names(settings: &Settings) -> Vec<Finding> {
    let mut hosts: Vec<(String, u16)> = Vec::new();
    for (name, port) in [&settings.kraken.rest_url, &settings.kraken.ws_url].into_iter().filter_map(|url| host(url)) {
        let is_address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
        if !is_address && !hosts.iter().any(|(known, _)| *known == name) {
            hosts.push((name, port));
        }
    }
    let mut out = Vec::new();
    for (name, port) in hosts {
        out.push(match tokio::time::timeout(REACH, tokio::net::lookup_host((name.as_str(), port))).await {
            Ok(Ok(mut found)) => match found.next() {
                Some(address) => good("DNS", format!("{name} is {}", address.ip())),
                None => bad("DNS", format!("{name} has no address"), "check the name server of this machine"),
            },
            Ok(Err(error)) => bad("DNS", format!("{name}: {error}"), "check the network and the name server"),
            Err(_) => bad("DNS", format!("{name}: no answer in 8 s"), "check the network and the name server"),
        });
    }
    out
}

async fn exchange(settings: &Settings, home: &Home) -> Vec<Finding> {
    let client = match kraken::client(settings, home, true) {
        Ok(client) => client,
        Err(error) => return vec![bad("Kraken", error.to_string(), "mend the setting or the key it names")],
    };
    let mut out = Vec::new();
    let rest = if settings.kraken.rest_url.starts_with("https") { "TLS, REST" } else { "REST" };
    if !client.is_kraken() {
        let found = format!("REST goes to {}, which is not Kraken", settings.kraken.rest_url);
        out.push(warning("address", found, "right for the stand-in; otherwise remove kraken.rest_url"));
    }
    let fix = "check the network; behind a proxy set https_proxy; status.kraken.com tells of outages";
    match tokio::time::timeout(REACH, client.clock_skew()).await {
        Ok(Ok(skew)) => {
            out.push(good(rest, format!("{} answers", settings.kraken.rest_url)));
            let found = format!("{} ms off the exchange's (± {} ms)", skew.ms, skew.uncertainty_ms);
            let fix = "switch time synchronisation on: `timedatectl set-ntp true`";
            out.push(match skew.ms.abs() {
                ms if ms >= SKEW_BAD => bad("clock", found, fix),
                ms if ms >= SKEW_WARN => warning("clock", found, fix),
                _ => good("clock", found),
            });
        }
        Ok(Err(error)) => out.push(bad(rest, error.to_string(), fix)),
        Err(_) => out.push(bad(rest, "no answer in 8 s", fix)),
    }
    let answers = out.iter().any(|f| f.what == "clock");
    if answers {
        out.push(status(&client).await);
    }
    out.push(match driver::probe(&settings.kraken.ws_url, REACH).await {
        Ok(system) => good("WebSocket", format!("{} opens; the exchange is {system}", settings.kraken.ws_url)),
        Err(error) => bad("WebSocket", error.to_string(), fix),
    });
    if answers {
        out.push(key(&client, home).await);
    }
    out
}

async fn status(client: &Client) -> Finding {
    match client.system_status().await {
        Ok(s) if s.status.as_str() == "online" => good("status", "the exchange is online"),
        Ok(s) => {
            warning("status", format!("the exchange is in {}", s.status), "wait; the console shows when it changes")
        }
        Err(error) => warning("status", error.to_string(), "try again in a minute"),
    }
}

async fn key(client: &Client, home: &Home) -> Finding {
    let there = Secrets::load(&home.dir, |name| std::env::var(name).ok()).is_ok_and(|s| s.kraken().is_some());
    if !there {
        let found = "none is kept; paper needs none (for balances: CST_KRAKEN_API_KEY and CST_KRAKEN_API_SECRET)";
        return good("key", found);
    }
    match client.check_key(Purpose::Reading).await {
        Ok(info) => good("key", format!("'{}' may {}", info.api_key_name, permissions(&info.permissions))),
        Err(error) => {
            bad("key", error.to_string(), "change the key on Kraken's key page, or make one for this program only")
        }
    }
}

fn permissions(all: &[impl std::fmt::Display]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
