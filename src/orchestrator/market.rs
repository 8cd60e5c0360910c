//! What is traded in this session, and where its data come from.

use super::source::{Source, live, replay};
use super::{Launch, OrchestratorError, SourceKind};
use crate::config::Settings;
use crate::domain::instrument::Instrument;
use crate::domain::pair::{Interval, Pair};
use crate::domain::snapshot::SourceView;
use crate::domain::time::UtcMs;
use crate::kraken::rest::RestSettings;
use crate::store::{Recording, load_instruments};

/// The market of a session, before its data flow.
pub(super) struct Market {
    /// Name of the source in the journal: a session is continued with the same source only.
    pub(super) name: String,
    pub(super) universe: Vec<(Pair, Interval)>,
    pub(super) instruments: Vec<Instrument>,
    pub(super) view: SourceView,
    /// What Kraken answered; `None` for a replay.
    ground: Option<live::Ground>,
}

impl Market {
    /// `ground` is there for live data, which trade from `now` on.
    pub(super) fn of(
        recording: &Recording,
        launch: &Launch,
        ground: Option<live::Ground>,
        now: UtcMs,
    ) -> Result<Self, OrchestratorError> {
        let settings = &launch.settings;
        let view = |kind: &str, label: String, first, last, trading_from| SourceView {
            kind: kind.to_owned(),
            label,
            reason: launch.source_reason.clone(),
            first,
            last,
            trading_from,
        };
        Ok(match ground {
            Some(ground) => Self {
                name: format!("live {}", settings.kraken.ws_url),
                universe: ground.universe.clone(),
                instruments: ground.instruments.clone(),
                view: view(
                    live_kind(settings),
                    settings.kraken.ws_url.clone(),
                    ground.first().unwrap_or(now),
                    now,
                    now,
                ),
                ground: Some(ground),
            },
            None => {
                let (first, last) = (recording.first(), recording.last().min(settings.replay.until));
                let folder = launch.home.join(&settings.replay.recording);
                Self {
                    name: recording.name().to_owned(),
                    universe: recording.universe(),
                    instruments: load_instruments(&folder.join("instruments.json"))?,
                    view: view(
                        SourceKind::Replay.as_str(),
                        label(recording, last),
                        first,
                        last,
                        settings.replay.trading_from,
                    ),
                    ground: None,
                }
            }
        })
    }

    /// Lets the data flow.
    pub(super) async fn start(
        self,
        recording: &Recording,
        launch: &Launch,
        trading_from: UtcMs,
    ) -> Result<Source, OrchestratorError> {
        match self.ground {
            Some(ground) => {
                live::start(ground, &launch.settings, launch.clock.clone(), launch.recorder.clone(), trading_from)
            }
            None => {
                let rows = recording.load_replay()?;
                let last = self.view.last;
                let steps = recording.batches(rows.clone(), trading_from).take_while(move |b| b.at <= last);
                replay::start(&rows, &self.universe, steps).await
            }
        }
    }
}

/// The recording's name, and how far it is played when that is not its end.
pub(super) fn label(recording: &Recording, last: UtcMs) -> String {
    if last < recording.last() { format!("{}, up to {last}", recording.name()) } else { recording.name().to_owned() }
}

/// What live data are called on every screen: nobody shall take a stand-in for the exchange.
fn live_kind(settings: &Settings) -> &'static str {
    let rest = RestSettings { base_url: settings.kraken.rest_url.clone(), ..RestSettings::default() };
    if rest.is_kraken() { SourceKind::Kraken.as_str() } else { "stand-in" }
}
