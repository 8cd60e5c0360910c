//! The console and server mode: everything is started here, in order, and stopped in the opposite one.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{WrapErr, bail, eyre};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::args::{Cli, Mode, Source};
use super::{Outcome, complain, find_home, kraken, load_settings};
use crate::clock::{Clock, SystemClock};
use crate::config::{Ascii, Colors, Loaded, Secrets, Settings, Zone};
use crate::domain::command::Speed;
use crate::domain::snapshot::ServiceView;
use crate::orchestrator::{self, Handle, Launch, SourceKind, Summary};
use crate::services::{self, RunningServices, ServiceOptions};
use crate::store::lake::Recorder;
use crate::telemetry::{self, LogGuard, LogOptions, LogRing, LostLines, Metrics};
use crate::tui::{self, ColorScheme, UiOptions};
use crate::web::{self, RunningWeb, WebOptions};
use crate::{config::Home, headless};

/// Records kept in memory for the Logs screen.
const RING: usize = 5_000;
/// How long background work may take to end after everything else has.
const GRACE: Duration = Duration::from_secs(5);

pub(super) fn start(cli: &Cli) -> Outcome {
    if cli.mode == Mode::Live {
        bail!("live trading is not part of this version: it trades on paper only. Leave out `--mode live`");
    }
    let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if !cli.headless && !terminal {
        bail!("the console needs a terminal, and this is none. On a server or in a pipe use `cst --headless`");
    }
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    home.recording(&loaded.settings.replay.recording)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let ring = Arc::new(LogRing::new(RING));
    let guard = start_logs(&home, &loaded.settings, &ring, &clock)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("cst")
        .build()
        .wrap_err("the async runtime could not be started")?;
    let result = runtime.block_on(everything(cli, &home, loaded, clock, ring, guard.lost()));
    runtime.shutdown_timeout(GRACE);
    result
}

/// Which source, and why.
async fn source(wanted: Source, settings: &Settings, home: &Home) -> Result<(SourceKind, String), color_eyre::Report> {
    let reach = async {
        let client = kraken::client(settings, home, false)?;
        let limit = Duration::from_millis(settings.kraken.reach_timeout_ms);
        let late = || eyre!("no answer in {} ms", limit.as_millis());
        let status = tokio::time::timeout(limit, client.system_status()).await.map_err(|_| late())??;
        Ok::<_, color_eyre::Report>(status.status.to_string())
    };
    match wanted {
        Source::Replay => Ok((SourceKind::Replay, "asked for with --source replay".to_owned())),
        Source::Kraken => {
            let status = reach.await.wrap_err_with(|| {
                format!(
                    "{} cannot be reached; `cst doctor` looks closer, `--source replay` needs no network",
                    settings.kraken.rest_url
                )
            })?;
            Ok((SourceKind::Kraken, format!("asked for with --source kraken; it is {status}")))
        }
        Source::Auto => Ok(match reach.await {
            Ok(status) => (SourceKind::Kraken, format!("auto: Kraken answers and is {status}")),
            Err(error) => (SourceKind::Replay, format!("auto: Kraken could not be reached ({error})")),
        }),
    }
}

fn start_logs(
    home: &Home,
    settings: &Settings,
    ring: &Arc<LogRing>,
    clock: &Arc<dyn Clock>,
) -> Result<LogGuard, color_eyre::Report> {
    let options = LogOptions {
        dir: home.path(&settings.logs.dir),
        level: settings.logs.level.parse()?,
        keep_files: settings.logs.keep_files,
        max_file_mb: settings.logs.max_file_mb,
        stdout_json: false,
    };
    Ok(telemetry::init(&options, Arc::clone(ring), Arc::clone(clock))?)
}

async fn everything(
    cli: &Cli,
    home: &Home,
    loaded: Loaded,
    clock: Arc<dyn Clock>,
    ring: Arc<LogRing>,
    lost: LostLines,
) -> Outcome {
    let config_hash = loaded.hash();
    let (settings, features) = (loaded.settings, loaded.features);
    let (handle, ports) = orchestrator::connect();
    let stop = CancellationToken::new();
    let listening = CancellationToken::new();
    let secrets = Secrets::load(&home.dir, |name| std::env::var(name).ok())?;
    let services = listen(cli, &settings, &secrets, &handle, &listening).await?;
    let (source, source_reason) = source(cli.source, &settings, home).await?;
    tracing::info!(home = %home.dir.display(), why = %home.why, config = %config_hash, "cst {} starts", env!("CARGO_PKG_VERSION"));

    let speed = cli.speed.map_or(Speed::Times(settings.replay.speed), |s| s.0);
    let ui = ui_options(cli, &settings);
    let records = settings.lake.record && source == SourceKind::Kraken;
    let lake = home.lake();
    let recorder = if records { Some(Recorder::start(&lake, Arc::clone(&clock))?) } else { None };
    let launch = Launch {
        settings,
        features,
        home: home.dir.clone(),
        config_hash,
        source,
        source_reason,
        speed,
        fresh: cli.fresh,
        until_end: cli.until_end,
        clock: Arc::clone(&clock),
        recorder,
        openai_key: secrets.openai_key().cloned(),
        services: services.views(),
        lost_logs: Arc::new(move || lost.count()),
    };
    let run = tokio::spawn(orchestrator::run(ports, launch, stop.clone()));
    let summary = if cli.headless {
        headless::run(handle, run, stop, cli.json).await.map_err(color_eyre::Report::from)
    } else {
        console(handle, ring, ui, clock, run, stop).await
    };
    listening.cancel();
    services.stopped().await;
    summary.map(|_| ())
}

/// The services that listen.
#[derive(Default)]
struct Listening {
    services: Option<RunningServices>,
    web: Option<RunningWeb>,
}

impl Listening {
    fn views(&self) -> Vec<ServiceView> {
        let services = self.services.as_ref().map(RunningServices::views).unwrap_or_default();
        services.into_iter().chain(self.web.as_ref().map(RunningWeb::view)).collect()
    }

    async fn stopped(self) {
        if let Some(services) = self.services {
            services.stopped().await;
        }
        if let Some(web) = self.web {
            web.stopped().await;
        }
    }
}

/// The listeners first: a taken port is told before anything else is started.
async fn listen(
    cli: &Cli,
    settings: &Settings,
    secrets: &Secrets,
    handle: &Handle,
    stop: &CancellationToken,
) -> Result<Listening, color_eyre::Report> {
    let mut listening = Listening::default();
    let bind = settings.services.bind;
    if settings.services.enabled {
        let metrics = Metrics::new().map_err(|e| eyre!("the metrics could not be set up: {e}"))?;
        let snapshots = handle.clone();
        let render = Arc::new(move || {
            metrics.update(&snapshots.snapshot());
            metrics.render()
        });
        let options = ServiceOptions {
            bind,
            api_port: settings.services.api_port,
            metrics_port: settings.services.metrics_port,
            token: secrets.services_token().cloned(),
        };
        listening.services = Some(services::start(handle.clone(), render, options, stop.clone()).await?);
    }
    if cli.web {
        let options = WebOptions { bind, port: settings.services.web_port };
        listening.web = Some(web::start(handle.clone(), options, stop.clone()).await?);
    }
    Ok(listening)
}

/// Whether only ASCII characters are to be shown.
pub(super) fn keeps_to_ascii(cli: &Cli, settings: &Settings) -> bool {
    ui_options(cli, settings).ascii == Some(true)
}

fn ui_options(cli: &Cli, settings: &Settings) -> UiOptions {
    let ui = &settings.ui;
    let found = UiOptions::detect(|name| std::env::var(name).ok());
    UiOptions {
        colors: match ui.colors {
            Colors::Western => ColorScheme::Western,
            Colors::Eastern => ColorScheme::Eastern,
            Colors::Cvd => ColorScheme::Cvd,
            Colors::Mono => ColorScheme::Mono,
        },
        ascii: match ui.ascii {
            _ if cli.ascii => Some(true),
            Ascii::Auto => found.ascii,
            Ascii::Always => Some(true),
            Ascii::Never => Some(false),
        },
        mouse: ui.mouse && !cli.no_mouse,
        reduced_motion: ui.reduced_motion || found.reduced_motion,
        fps: ui.fps.min(found.fps),
        local_zone: ui.zone == Zone::Local,
        read_only: cli.read_only,
        color_depth: found.color_depth,
    }
}

async fn console(
    handle: Handle,
    ring: Arc<LogRing>,
    options: UiOptions,
    clock: Arc<dyn Clock>,
    run: tokio::task::JoinHandle<Result<Summary, orchestrator::OrchestratorError>>,
    stop: CancellationToken,
) -> Result<Summary, color_eyre::Report> {
    tui::install_panic_hook();
    let mut terminate = signal(SignalKind::terminate()).wrap_err("signals cannot be received")?;
    let mut hangup = signal(SignalKind::hangup()).wrap_err("signals cannot be received")?;
    // Dropping the console gives the terminal back, whatever ends it.
    let shown = tokio::select! {
        shown = tui::run(handle, ring, options, clock) => shown,
        _ = terminate.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
    };
    // The screen is gone: the engine stops in order, whatever ended the screen.
    stop.cancel();
    let summary = run.await.wrap_err("the orchestrator was lost")??;
    shown?;
    if summary.session > 0 {
        complain(&format!("{summary}\nThe account is kept: start again to continue it."));
    }
    Ok(summary)
}
