//! Everything before the first batch: recording, models, journal, account, agents.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::brains::Ingredients;
use super::feed::Feed;
use super::handle::{Envelope, Ports};
use super::market::Market;
use super::picture::Picture;
use super::shelf::{InUse, Shelf};
use super::source::{LinkPicture, live};
use super::{Launch, OrchestratorError, SourceKind, training};
use crate::agents::{AgentEvent, AgentHandle, AgentOptions, AgentRuntime, BrainFactory};
use crate::broker::ledger;
use crate::decision::engine::Engine;
use crate::decision::session::PaperSession;
use crate::domain::account::AccountId;
use crate::domain::agent::AgentKind;
use crate::domain::command::{Ack, Command};
use crate::domain::pair::{Interval, Pair};
use crate::domain::quality::Quarantined;
use crate::domain::snapshot::{Progress, SystemState};
use crate::domain::time::{HOUR_MS, UtcMs};
use crate::ml::Watch;
use crate::signals::{NewsText, TextScore};
use crate::sources::{LanguageModel, LanguageModelSettings, read_news};
use crate::store::{Journal, Recording, SessionMeta};

/// What the conductor needs to begin.
pub(super) struct Ready {
    pub(super) session: PaperSession,
    pub(super) session_id: u32,
    pub(super) journal: Journal,
    pub(super) shelf: Shelf,
    pub(super) agents: BTreeMap<AgentKind, AgentHandle>,
    pub(super) events: mpsc::Receiver<AgentEvent>,
    pub(super) feed: Feed,
    pub(super) link: LinkPicture,
    pub(super) trading_from: UtcMs,
}

/// The recording, the models and the texts: the slow part, done off the reactor.
struct Loaded {
    recording: Recording,
    models: InUse,
    texts: Vec<NewsText>,
    /// Recorded headlines that can't be used.
    refused: Vec<Quarantined>,
    scores: BTreeMap<String, TextScore>,
}

/// Prepares a run. `None` when a stop was asked for meanwhile.
pub(super) async fn start(
    ports: &mut Ports,
    picture: &mut Picture,
    launch: &Launch,
    stop: &CancellationToken,
) -> Result<Option<Ready>, OrchestratorError> {
    let Some(mut loaded) = load(ports, picture, launch, stop).await? else { return Ok(None) };
    loaded.scores = score_texts(launch, &loaded.texts).await?;
    let settings = &launch.settings;
    let now = launch.clock.now();
    let ground = match launch.source {
        SourceKind::Kraken => match history(ports, picture, launch, stop).await? {
            Some(ground) => Some(ground),
            None => return Ok(None),
        },
        SourceKind::Replay => None,
    };
    let market = Market::of(&loaded.recording, launch, ground, now)?;
    let universe = market.universe.clone();
    picture.snapshot.source = market.view.clone();
    let shelf = shelf(launch, &loaded.models)?;
    picture.snapshot.models = shelf.views();

    let instruments = market.instruments.clone();
    let price_decimals = instruments.iter().map(|i| (i.pair.clone(), i.price_decimals)).collect();
    picture.set_instruments(&universe, &instruments);
    let mut journal = Journal::open(&launch.home.join(&settings.journal.path))?;
    let source = market.name.clone();
    let resumable = match journal.latest_session()? {
        Some(row) if !launch.fresh && !row.ended && row.source == source => {
            journal.last_checkpoint(row.id)?.map(|checkpoint| (row, checkpoint))
        }
        _ => None,
    };
    let (mut session, session_id) = match resumable {
        Some((row, checkpoint)) => {
            let session = PaperSession::resume(instruments, &checkpoint.state)?;
            verify_books(session.engine(), &journal, row.id)?;
            if row.config_hash != launch.config_hash {
                let change = serde_json::json!({ "from": row.config_hash, "to": launch.config_hash });
                journal.config_change(row.id, launch.clock.now(), &change)?;
                tracing::warn!(session = row.id, "the account continues under changed settings");
            }
            picture.restore(&journal, row.id)?;
            tracing::info!(session = row.id, from = %session.engine().durable().last_at, "paper account continued");
            (session, row.id)
        }
        None => {
            let meta = SessionMeta {
                started: launch.clock.now(),
                source: source.clone(),
                config_hash: launch.config_hash.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            };
            let id = journal.begin_session(&meta)?;
            tracing::info!(session = id, "new paper account");
            (PaperSession::new(&settings.core.paper, instruments, id), id)
        }
    };
    session.follow(shelf.followers(), &journal.followed(session_id)?);
    picture.snapshot.session = session_id;

    // Data up to the stored instant only refill the windows; trading goes on behind it.
    let resume_at = session.engine().durable().last_at;
    let trading_from = market.view.trading_from.max(resume_at.plus(1));
    picture.warm_up(market.view.first, trading_from);
    let source = market.start(&loaded.recording, launch, trading_from).await?;
    let speed = (launch.source == SourceKind::Replay).then_some(launch.speed);
    let feed = Feed::new(source.deliveries, Interval::M5.ms(), speed, std::mem::take(&mut loaded.refused));
    let (agents, events) = spawn_agents(launch, &universe, price_decimals, loaded);
    let link = source.link;
    Ok(Some(Ready { session, session_id, journal, shelf, agents, events, feed, link, trading_from }))
}

fn shelf(launch: &Launch, in_use: &InUse) -> Result<Shelf, OrchestratorError> {
    let settings = &launch.settings;
    let cost = training::training_cost(&settings.core, settings.replay.trading_from);
    let universe = training::universe(&settings.core, cost);
    Shelf::open(&launch.home.join(&settings.models.dir), universe, Arc::clone(&launch.features), in_use.clone())
}

/// Asks Kraken for pairs and history, with progress; `None` when a stop was asked for meanwhile.
async fn history(
    ports: &mut Ports,
    picture: &mut Picture,
    launch: &Launch,
    stop: &CancellationToken,
) -> Result<Option<live::Ground>, OrchestratorError> {
    let (progress_tx, mut progress) = watch::channel((0, 0));
    let told = |done, total| {
        progress_tx.send_replace((done, total));
    };
    // As much as makes the values agree with those of a longer history, and a day more than fills every window.
    let hours = launch.features.agreement().max(launch.features.warm_up() + 24);
    let hours = i64::try_from(hours).unwrap_or(i64::MAX / HOUR_MS);
    let asking = live::prepare(&launch.settings.kraken, hours, &launch.clock, told);
    tokio::pin!(asking);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            Some(envelope) = ports.urgent.recv() => {
                if refuse_while_starting(envelope) {
                    stop.cancel();
                    return Ok(None);
                }
            }
            Some(envelope) = ports.commands.recv() => {
                refuse_while_starting(envelope);
            }
            ground = &mut asking => {
                picture.snapshot.progress = None;
                return ground.map(Some);
            }
            Ok(()) = progress.changed() => {
                let (done, total) = *progress.borrow_and_update();
                let label = "asking Kraken for the history of each pair, one question a second".to_owned();
                picture.snapshot.progress = Some(Progress { label, done, total });
                picture.publish(&ports.snapshots);
            }
        }
    }
}

fn verify_books(engine: &Engine, journal: &Journal, session: u32) -> Result<(), OrchestratorError> {
    for id in AccountId::ALL {
        let state = &engine.view(id).state;
        let fills = journal.fills(session, id)?;
        ledger::verify(state, &fills).map_err(|e| OrchestratorError::Books(e.to_string()))?;
    }
    Ok(())
}

async fn load(
    ports: &mut Ports,
    picture: &mut Picture,
    launch: &Launch,
    stop: &CancellationToken,
) -> Result<Option<Loaded>, OrchestratorError> {
    let (progress_tx, mut progress) = watch::channel(None::<Progress>);
    let settings = launch.settings.clone();
    let features = Arc::clone(&launch.features);
    let home = launch.home.clone();
    let now = launch.clock.now();
    let asked = stop.clone();
    let mut task = tokio::task::spawn_blocking(move || -> Result<Loaded, OrchestratorError> {
        let recording = Recording::open(&home.join(&settings.replay.recording))?;
        let report = |p: Progress| {
            progress_tx.send_replace(Some(p));
        };
        let go_on = || !asked.is_cancelled();
        let models = training::load_or_train(
            &settings.core,
            &features,
            &home.join(&settings.models.dir),
            &recording,
            settings.replay.trading_from,
            now,
            Watch { progress: &report, go_on: &go_on },
        )?;
        let news = read_news(&home.join(&settings.news.dir))?;
        for line in &news.rejected {
            tracing::warn!(line = %line, "a recorded headline was refused");
        }
        let refused = news.rejected.iter().map(|line| line.quarantined(now)).collect();
        Ok(Loaded { recording, models: InUse::new(models), texts: news.texts, refused, scores: BTreeMap::new() })
    });
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            Some(envelope) = ports.urgent.recv() => {
                if refuse_while_starting(envelope) {
                    stop.cancel();
                    return Ok(None);
                }
            }
            Some(envelope) = ports.commands.recv() => {
                refuse_while_starting(envelope);
            }
            done = &mut task => {
                picture.snapshot.progress = None;
                return done.map_err(|e| OrchestratorError::Task(e.to_string()))?.map(Some);
            }
            Ok(()) = progress.changed() => {
                picture.snapshot.state = SystemState::Training;
                picture.snapshot.progress = progress.borrow_and_update().clone();
                picture.publish(&ports.snapshots);
            }
        }
    }
}

/// Lets a language model score the recorded headlines, where the settings ask for it and there is a key. Its answers are stored, so that a
/// replay with the same texts asks nothing again; without it the lexicon scores.
async fn score_texts(launch: &Launch, texts: &[NewsText]) -> Result<BTreeMap<String, TextScore>, OrchestratorError> {
    let settings = &launch.settings.language_model;
    if !settings.enabled || texts.is_empty() {
        return Ok(BTreeMap::new());
    }
    let Some(key) = &launch.openai_key else {
        tracing::warn!("language_model.enabled is set, but there is no OPENAI_API_KEY: the lexicon scores the news");
        return Ok(BTreeMap::new());
    };
    let options = LanguageModelSettings {
        base_url: settings.base_url.clone(),
        model: settings.model.clone(),
        max_tokens_per_run: settings.max_tokens_per_run,
        timeout_ms: settings.timeout_ms,
    };
    let store = launch.home.join(&launch.settings.news.dir).join("scores.json");
    let mut model = LanguageModel::open(options, key, store, launch.clock.now())?;
    let report = model.score(texts).await;
    for (text, why) in &report.failed {
        tracing::warn!(text, why, "a headline was not scored by the language model; the lexicon scores it");
    }
    if let Some(error) = &report.stopped {
        tracing::warn!(error = %error, "the language model stopped; the lexicon scores the rest");
    }
    tracing::info!(
        scored = report.scores.len(),
        tokens = report.tokens_used,
        model = settings.model,
        "headlines scored"
    );
    Ok(report.scores)
}

/// Answers a command that came too early; true when it asks for the end.
fn refuse_while_starting(envelope: Envelope) -> bool {
    let shutdown = envelope.command == Command::Shutdown;
    let ack = if shutdown { Ack::Accepted } else { Ack::Refused { reason: "the system is still starting".to_owned() } };
    // The asker may be gone; then nobody needs the answer.
    let _ = envelope.reply.send(ack);
    shutdown
}

fn spawn_agents(
    launch: &Launch,
    universe: &[(Pair, Interval)],
    price_decimals: BTreeMap<Pair, u32>,
    loaded: Loaded,
) -> (BTreeMap<AgentKind, AgentHandle>, mpsc::Receiver<AgentEvent>) {
    let (tx, events) = mpsc::channel(1_024);
    let ingredients = Arc::new(Ingredients {
        core: launch.settings.core.clone(),
        features: Arc::clone(&launch.features),
        universe: universe.to_vec(),
        price_decimals,
        models: loaded.models,
        texts: loaded.texts,
        scores: loaded.scores,
    });
    let agents = AgentKind::ALL
        .into_iter()
        .map(|kind| {
            let ingredients = Arc::clone(&ingredients);
            let factory: BrainFactory = Arc::new(move || ingredients.brain(kind));
            let s = &launch.settings.agents;
            let options = AgentOptions {
                mailbox_capacity: s.mailbox_capacity,
                timeout_ms: s.timeout_ms,
                backoff_initial_ms: s.backoff_initial_ms,
                backoff_max_ms: s.backoff_max_ms,
                breaker_failures: s.breaker_failures,
                breaker_cooldown_ms: s.breaker_cooldown_ms,
                ..crate::agents::profile(kind).options
            };
            (kind, AgentRuntime::spawn(kind, factory, options, Arc::clone(&launch.clock), tx.clone()))
        })
        .collect();
    (agents, events)
}
