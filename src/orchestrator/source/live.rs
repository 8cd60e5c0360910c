//! Kraken itself: history over REST to fill the windows, then live candles built from every trade.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::batcher::Batcher;
use super::flow::Flows;
use super::inspector::Inspector;
use super::tape::Tape;
use super::{AHEAD, LinkPicture, Source};
use crate::clock::Clock;
use crate::config::{KrakenSettings, Settings};
use crate::domain::event::RawBatch;
use crate::domain::flow::FlowView;
use crate::domain::instrument::Instrument;
use crate::domain::market::RawCandle;
use crate::domain::pair::{Interval, Pair, Venue};
use crate::domain::time::{DAY_MS, HOUR_MS, UtcMs};
use crate::kraken::driver::{self, DriverSettings, LinkHandle};
use crate::kraken::link::{LinkEvent, LinkPlan, LinkSettings, PairLinkStatus};
use crate::kraken::rest::{Client, RestSettings};
use crate::kraken::wire::rest::history::OhlcRow;
use crate::orchestrator::OrchestratorError;
use crate::orchestrator::feed::Delivery;
use crate::store::lake::Recorder;

/// Length of the live bars.
const BAR: Interval = Interval::M5;
/// After the grace of a candle, so long is waited for what is being refilled before the batch goes without it.
const LATE_MS: i64 = 10_000;
/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often flow is shown, in looks at the clock: once a second.
const SHOW_EVERY: u32 = 10;

/// What has to be known before the first batch.
pub(in crate::orchestrator) struct Ground {
    pub(in crate::orchestrator) instruments: Vec<Instrument>,
    pub(in crate::orchestrator) universe: Vec<(Pair, Interval)>,
    /// Finished candles of the past, hourly ones first, in order of their close.
    history: Vec<RawCandle>,
    client: Arc<Client>,
}

impl Ground {
    /// What flow is recorded of, with the volume of the day before `now` where the history reaches back that far.
    fn watched(&self, now: UtcMs) -> Vec<(Pair, Interval, Option<f64>)> {
        let begin = now.floor_to(BAR.ms());
        let day = |pair: &Pair| {
            let bars = || self.history.iter().filter(move |c| c.pair == *pair && c.interval == BAR);
            let reaches = bars().any(|c| c.open_time <= begin.plus(-DAY_MS));
            let inside = bars().filter(|c| c.open_time >= begin.plus(-DAY_MS) && c.open_time < begin);
            reaches.then(|| inside.map(|c| c.volume).sum())
        };
        self.universe.iter().map(|(pair, interval)| (pair.clone(), *interval, day(pair))).collect()
    }

    /// Open of the oldest candle of the history.
    pub(in crate::orchestrator) fn first(&self) -> Option<UtcMs> {
        self.history.iter().map(|c| c.open_time).min()
    }
}

/// Asks Kraken for pairs and history, of which `warm_up_hours` lie before the newest short bars (Kraken has 720 hours at most); `told` hears of
/// every step.
///
/// # Errors
/// [`OrchestratorError::Link`] when Kraken does not answer, or does not list one of the pairs.
pub(in crate::orchestrator) async fn prepare(
    settings: &KrakenSettings,
    warm_up_hours: i64,
    clock: &Arc<dyn Clock>,
    mut told: impl FnMut(u64, u64),
) -> Result<Ground, OrchestratorError> {
    let failed = |what: &str, why: String| OrchestratorError::Link(format!("{what}: {why}"));
    let rest = RestSettings { base_url: settings.rest_url.clone(), ..RestSettings::default() };
    let client = Client::new(rest, Arc::clone(clock), u64::from(std::process::id()))
        .map_err(|e| failed("kraken.rest_url", e.to_string()))?;
    let symbols = client.symbols().await.map_err(|e| failed("the list of pairs", e.to_string()))?;
    let mut instruments = Vec::new();
    for pair in &settings.pairs {
        let instrument = symbols.instrument(pair);
        let unknown = || failed("kraken.pairs", format!("Kraken lists no {pair}; `cst config show kraken.pairs`"));
        instruments.push(instrument.ok_or_else(unknown)?);
    }
    let now = clock.now();
    let total = 2 * settings.pairs.len() as u64;
    let mut history = Vec::new();
    for (done, pair) in (0..).zip(&settings.pairs) {
        told(2 * done, total);
        let short = ohlc(&client, pair, BAR, now).await?;
        told(2 * done + 1, total);
        let begin = short.first().map_or(now, |c| c.open_time).floor_to(HOUR_MS).plus(HOUR_MS);
        let hours = ohlc(&client, pair, Interval::H1, now).await?;
        let oldest = begin.plus(-warm_up_hours * HOUR_MS);
        history.extend(hours.into_iter().filter(|c| c.open_time >= oldest && c.open_time < begin));
        history.extend(short.into_iter().filter(|c| c.open_time >= begin));
    }
    history.sort_by_key(|c| c.open_time.plus(c.interval.ms()));
    let universe = settings.pairs.iter().map(|pair| (pair.clone(), BAR)).collect();
    Ok(Ground { instruments, universe, history, client: Arc::new(client) })
}

async fn ohlc(
    client: &Client,
    pair: &Pair,
    interval: Interval,
    now: UtcMs,
) -> Result<Vec<RawCandle>, OrchestratorError> {
    let answer = client
        .ohlc(pair, interval, None)
        .await
        .map_err(|e| OrchestratorError::Link(format!("candles of {pair}: {e}")))?;
    let finished = |row: &&OhlcRow| row.count > 0 && row.open_time.ms().plus(interval.ms()) <= now;
    Ok(answer.rows.iter().filter(finished).map(|row| candle(pair, interval, row)).collect())
}

fn candle(pair: &Pair, interval: Interval, row: &OhlcRow) -> RawCandle {
    RawCandle {
        pair: pair.clone(),
        venue: Venue::Kraken,
        interval,
        open_time: row.open_time.ms(),
        open: row.open.to_f64(),
        high: row.high.to_f64(),
        low: row.low.to_f64(),
        close: row.close.to_f64(),
        volume: row.volume.to_f64(),
        trades: Some(row.count),
    }
}

/// Starts the link and delivers: first the history as warm-up, then a batch at every end of a bar.
///
/// # Errors
/// [`OrchestratorError::Link`] for an address that can't be used.
pub(in crate::orchestrator) fn start(
    ground: Ground,
    all: &Settings,
    clock: Arc<dyn Clock>,
    recorder: Option<Recorder>,
    trading_from: UtcMs,
) -> Result<Source, OrchestratorError> {
    let settings = &all.kraken;
    let plan = LinkPlan {
        pairs: settings.pairs.clone(),
        ticker: true,
        trades: true,
        books: settings
            .book_depth
            .levels()
            .into_iter()
            .flat_map(|d| settings.pairs.iter().map(move |p| (p.clone(), d)))
            .collect(),
        candles: ground.universe.clone(),
        candles_from_trades: true,
        seed: u64::from(std::process::id()),
    };
    let grace_ms = i64::try_from(settings.candle_grace_ms).unwrap_or(0);
    let link_settings = LinkSettings { candle_grace_ms: grace_ms, tell_depth: true, ..LinkSettings::default() };
    let driver = DriverSettings { url: settings.ws_url.clone(), ..DriverSettings::default() };
    let real = driver.url.starts_with("wss://ws.kraken.com/") && ground.client.is_kraken();
    let flows = Flows::new(ground.watched(clock.now()));
    let (link, events) = driver::start(plan, link_settings, driver, Arc::clone(&clock), ground.client)
        .map_err(|e| OrchestratorError::Link(e.to_string()))?;
    let (views, flow) = watch::channel(Arc::default());
    let picture = LinkPicture { status: link.status(), flow: Some(flow), url: settings.ws_url.clone(), real };
    let (tx, deliveries) = mpsc::channel(AHEAD);
    let mut listener = Listener {
        batcher: Batcher::new(&ground.universe, true),
        flows,
        inspector: Inspector::new(&ground.universe),
        views,
        looks: 0,
        newest: ground.history.iter().map(|c| (c.pair.clone(), c.open_time)).collect(),
        link,
        events,
        clock,
        wait_ms: grace_ms + LATE_MS,
        tape: recorder.map(|recorder| Tape::new(recorder, &all.lake)),
        books: settings.book_depth.levels().is_some(),
    };
    tokio::spawn(async move {
        for batch in past(ground.history, trading_from) {
            if tx.send(Ok(batch)).await.is_err() {
                return;
            }
        }
        let mut at = trading_from.floor_to(BAR.ms()).plus(BAR.ms());
        loop {
            let delivery = listener.batch(at, trading_from).await;
            let broken = delivery.is_err();
            // Nobody listens any more: the session is over.
            if tx.send(delivery).await.is_err() || broken {
                return;
            }
            at = at.plus(BAR.ms());
        }
    });
    Ok(Source { deliveries, link: picture })
}

/// The history as warm-up batches, one for every instant at which candles closed.
fn past(history: Vec<RawCandle>, trading_from: UtcMs) -> Vec<RawBatch> {
    let mut batches: BTreeMap<UtcMs, Vec<RawCandle>> = BTreeMap::new();
    for candle in history {
        batches.entry(candle.open_time.plus(candle.interval.ms())).or_default().push(candle);
    }
    let until = trading_from.floor_to(BAR.ms());
    let batch = |(at, rows)| RawBatch { at, rows, warmup: true, ..RawBatch::default() };
    batches.into_iter().filter(|(at, _)| *at <= until).map(batch).collect()
}

struct Listener {
    link: LinkHandle,
    events: mpsc::Receiver<LinkEvent>,
    clock: Arc<dyn Clock>,
    batcher: Batcher,
    flows: Flows,
    inspector: Inspector,
    /// Where the screen sees how flow stands.
    views: watch::Sender<Arc<Vec<FlowView>>>,
    looks: u32,
    /// Newest candle of the history per pair: the link may tell it once more.
    newest: BTreeMap<Pair, UtcMs>,
    /// After a bar's end, wait for its candles at most so long.
    wait_ms: i64,
    tape: Option<Tape>,
    /// Whether books are kept.
    books: bool,
}

impl Listener {
    /// The batch of the bars that end at `at`: when every pair's candle is there or nothing more is to be expected.
    async fn batch(&mut self, at: UtcMs, trading_from: UtcMs) -> Delivery {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => self.take(event),
                    None => return Err(crate::orchestrator::OrchestratorError::Link("it ended by itself".to_owned())),
                },
                _ = look.tick() => {
                    self.looks = self.looks.wrapping_add(1);
                    if self.looks.is_multiple_of(SHOW_EVERY) {
                        self.show();
                    }
                    let late = self.clock.now().since(at);
                    if late >= self.wait_ms || (late >= self.wait_ms - LATE_MS && self.complete(at)) {
                        return Ok(self.hand_over(at, trading_from));
                    }
                }
            }
        }
    }

    /// Takes what has been told already: the batch must not miss what waits in line.
    fn drain(&mut self) {
        for _ in 0..self.events.len() {
            match self.events.try_recv() {
                Ok(event) => self.take(event),
                Err(_) => return,
            }
        }
    }

    /// Shows how flow stands, when somebody looks.
    fn show(&self) {
        let views = self.flows.views();
        // What has not changed need not be drawn again.
        self.views.send_if_modified(|shown| {
            let changed = **shown != views;
            if changed {
                *shown = Arc::new(views);
            }
            changed
        });
    }

    /// The batch, with flow and with what the link knows of its books. A book changes only when somebody moves: while its connection speaks, it is
    /// as old as the last word of that connection.
    fn hand_over(&mut self, at: UtcMs, trading_from: UtcMs) -> RawBatch {
        self.drain();
        let mut batch = self.batcher.batch(at, at <= trading_from);
        batch.flow = self.flows.close(at, &batch.rows, &batch.doubts);
        batch.evidence.handed_over = Some(self.clock.now());
        batch.evidence.refused = self.inspector.refused();
        if self.books {
            let status = self.link.status();
            let status = status.borrow();
            let silent = status.connections.iter().filter_map(|c| c.silent_ms).max();
            let age = |p: &PairLinkStatus| p.bid.zip(p.ask).and(silent);
            batch.evidence.book_ages = status.pairs.iter().map(|p| (p.pair.clone(), age(p))).collect();
        }
        batch
    }

    fn take(&mut self, event: LinkEvent) {
        let now = self.clock.now();
        if let LinkEvent::Trade { pair, trade } = &event
            && !self.inspector.accepts(pair, trade, now)
        {
            return;
        }
        self.flows.take(&event, now);
        if let Some(tape) = &mut self.tape {
            tape.take(&event);
        }
        if let LinkEvent::Candle { row, .. } = &event {
            match self.newest.get(&row.pair) {
                Some(newest) if row.open_time <= *newest => return,
                _ => self.newest.insert(row.pair.clone(), row.open_time),
            };
        }
        self.batcher.take(event);
    }

    /// Whether every pair's bar that ends at `at` has come. A quiet pair has none: for it the wait runs its full length.
    fn complete(&self, at: UtcMs) -> bool {
        let begin = at.plus(-BAR.ms());
        self.link.status().borrow().pairs.iter().all(|p| self.newest.get(&p.pair).is_some_and(|t| *t >= begin))
    }
}

#[cfg(test)]
mod tests;
