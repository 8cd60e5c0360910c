//! Public calls.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Client, PATIENCE_MS, PUBLIC_COMPLAINT_MS, asked_to_wait, out_of_patience};
use crate::domain::pair::{Interval, Pair};
use crate::domain::time::UtcMs;
use crate::kraken::error::{KrakenError, Remedy};
use crate::kraken::symbols::Symbols;
use crate::kraken::wire::Stamp;
use crate::kraken::wire::rest::fields::Fields;
use crate::kraken::wire::rest::history::{Ohlc, Trades};
use crate::kraken::wire::rest::keyed::Keyed;
use crate::kraken::wire::rest::market::{AssetPairs, Assets, Depth, SystemStatus, Tickers, Time};
use crate::kraken::wire::rest::read;

/// Most pairs in one Ticker call: for very many the gateway fails.
const TICKER_PAIRS: usize = 50;

/// Most trades in one page.
pub const TRADES_PAGE: usize = 1_000;

/// Difference of the exchange's clock to ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSkew {
    /// The exchange's time minus ours; the exchange tells whole seconds, of which the middle is taken.
    pub ms: i64,
    /// The true difference is within this many ms of it: half a second and half the round trip.
    pub uncertainty_ms: i64,
}

impl ClockSkew {
    /// Whether the clocks are surely more than a second apart.
    #[must_use]
    pub const fn is_large(self) -> bool {
        self.ms.saturating_abs().saturating_sub(self.uncertainty_ms) > 1_000
    }
}

impl Client {
    /// One try, in turn and at the exchange's pace. `pair` names the pair of history calls.
    async fn get_once<T: DeserializeOwned>(
        &self,
        call: &'static str,
        query: &Fields,
        pair: Option<&str>,
    ) -> Result<T, KrakenError> {
        self.get_read(call, query, pair, |status, body| read(call, status, body).map(|answer| answer.value)).await
    }

    /// The same, with a reader of status and body.
    pub(super) async fn get_read<T>(
        &self,
        call: &'static str,
        query: &Fields,
        pair: Option<&str>,
        read: impl Fn(u16, &[u8]) -> Result<T, KrakenError>,
    ) -> Result<T, KrakenError> {
        self.wait_for_room(call, pair).await?;
        let answer = match self.transport.get(call, &query.query()).await {
            Ok(raw) => read(raw.status, &raw.body),
            Err(error) => Err(error),
        };
        if let Err(error) = &answer {
            self.heed(error).await;
        }
        answer
    }

    /// Public calls rest when the exchange asked for it.
    async fn heed(&self, error: &KrakenError) {
        if let Some(until) = asked_to_wait(&error.remedy(false), self.now(), PUBLIC_COMPLAINT_MS) {
            self.pace.lock().await.hold_until(until);
        }
    }

    /// The queue is first come, first served: the lock is held while waiting.
    async fn wait_for_room(&self, call: &'static str, pair: Option<&str>) -> Result<(), KrakenError> {
        let mut pace = self.pace.lock().await;
        while let Err(wait) = pace.take(self.now(), call, pair) {
            if wait > PATIENCE_MS {
                return Err(out_of_patience(wait));
            }
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        Ok(())
    }

    async fn get<T: DeserializeOwned>(
        &self,
        call: &'static str,
        query: &Fields,
        pair: Option<&str>,
    ) -> Result<T, KrakenError> {
        let mut retry = 0;
        loop {
            match self.get_once(call, query, pair).await {
                Ok(value) => return Ok(value),
                Err(error) => self.may_retry(error, retry).await?,
            }
            retry = retry.saturating_add(1);
        }
    }

    /// The exchange's clock against ours.
    ///
    /// # Errors
    /// [`KrakenError`]
    pub async fn clock_skew(&self) -> Result<ClockSkew, KrakenError> {
        // outside the measured time
        self.wait_for_room("Time", None).await?;
        let (sent, started) = (self.now(), self.clock.monotonic_ms());
        let raw = self.transport.get("Time", "").await?;
        let round_trip = whole_ms(self.clock.monotonic_ms() - started);
        match read::<Time>("Time", raw.status, &raw.body) {
            Ok(answer) => Ok(skew(answer.value.unixtime, sent, round_trip)),
            Err(error) => {
                self.heed(&error).await;
                Err(error)
            }
        }
    }

    /// # Errors
    /// [`KrakenError`]
    pub async fn system_status(&self) -> Result<SystemStatus, KrakenError> {
        self.get("SystemStatus", &Fields::new(), None).await
    }

    /// # Errors
    /// [`KrakenError`]
    pub async fn assets(&self) -> Result<Assets, KrakenError> {
        self.get("Assets", &Fields::new(), None).await
    }

    /// # Errors
    /// [`KrakenError`]
    pub async fn asset_pairs(&self) -> Result<AssetPairs, KrakenError> {
        self.get("AssetPairs", &Fields::new(), None).await
    }

    /// The table of names; read once, then kept until [`Client::forget_symbols`].
    ///
    /// # Errors
    /// [`KrakenError`]
    pub async fn symbols(&self) -> Result<Arc<Symbols>, KrakenError> {
        let mut known = self.symbols.lock().await;
        if let Some(symbols) = known.as_ref() {
            return Ok(Arc::clone(symbols));
        }
        let symbols = Arc::new(Symbols::of(&self.asset_pairs().await?));
        *known = Some(Arc::clone(&symbols));
        Ok(symbols)
    }

    /// The next question for a pair reads AssetPairs again.
    pub async fn forget_symbols(&self) {
        *self.symbols.lock().await = None;
    }

    /// Keeps a table that was read already.
    pub(super) async fn keep_symbols(&self, symbols: Arc<Symbols>) {
        *self.symbols.lock().await = Some(symbols);
    }

    /// Tickers by pair id: of all pairs when `pairs` is empty, else of these, fifty a call.
    ///
    /// # Errors
    /// [`KrakenError`]
    pub async fn tickers(&self, pairs: &[Pair]) -> Result<Tickers, KrakenError> {
        if pairs.is_empty() {
            return self.get("Ticker", &Fields::new(), None).await;
        }
        let symbols = self.symbols().await?;
        let names: Result<Vec<String>, _> = pairs.iter().map(|p| altname(&symbols, p, "Ticker")).collect();
        let mut all = Tickers::new();
        for chunk in names?.chunks(TICKER_PAIRS) {
            let part: Tickers = self.get("Ticker", &Fields::new().commas("pair", chunk), None).await?;
            all.extend(part);
        }
        Ok(all)
    }

    /// At most the newest 720 candles, whatever `since` says; the last one is unfinished.
    ///
    /// # Errors
    /// [`KrakenError`]
    pub async fn ohlc(&self, pair: &Pair, interval: Interval, since: Option<UtcMs>) -> Result<Ohlc, KrakenError> {
        let symbols = self.symbols().await?;
        let (name, query) = ohlc_query(&symbols, pair, interval, since)?;
        let rows = self.get("OHLC", &query, Some(&name)).await;
        self.of_pair("OHLC", &symbols, pair, rows).await
    }

    /// # Errors
    /// [`KrakenError`]
    pub async fn depth(&self, pair: &Pair, count: u32) -> Result<Depth, KrakenError> {
        let symbols = self.symbols().await?;
        let query = Fields::new().text("pair", altname(&symbols, pair, "Depth")?).text("count", count.clamp(1, 500));
        let rows = self.get("Depth", &query, None).await;
        self.of_pair("Depth", &symbols, pair, rows).await
    }

    /// Up to a thousand trades after `since`, oldest first.
    ///
    /// # Errors
    /// [`KrakenError`]
    pub async fn trades(&self, pair: &Pair, since: Stamp) -> Result<Trades, KrakenError> {
        let symbols = self.symbols().await?;
        let (name, query) = trades_query(&symbols, pair, since)?;
        let rows = self.get("Trades", &query, Some(&name)).await;
        self.of_pair("Trades", &symbols, pair, rows).await
    }

    /// Rows of the pair that was asked for, under whichever of its names. A pair that the exchange no longer knows makes the table be read anew.
    async fn of_pair<R>(
        &self,
        call: &'static str,
        symbols: &Symbols,
        pair: &Pair,
        answer: Result<Keyed<R>, KrakenError>,
    ) -> Result<Keyed<R>, KrakenError> {
        if answer.as_ref().is_err_and(|e| e.remedy(false) == Remedy::ReadSymbols) {
            self.forget_symbols().await;
        }
        rows_of(call, symbols, pair, answer?)
    }
}

/// The rows, if they are those of the pair that was asked for.
pub(super) fn rows_of<R>(
    call: &'static str,
    symbols: &Symbols,
    pair: &Pair,
    rows: Keyed<R>,
) -> Result<Keyed<R>, KrakenError> {
    if symbols.pair(&rows.key) == Some(pair) {
        Ok(rows)
    } else {
        Err(KrakenError::Shape { call, why: format!("asked for {pair}, got rows of '{}'", rows.key) })
    }
}

fn altname(symbols: &Symbols, pair: &Pair, call: &'static str) -> Result<String, KrakenError> {
    let unknown = || KrakenError::Request { call, why: format!("the exchange lists no pair {pair}") };
    symbols.altname(pair).map(str::to_owned).ok_or_else(unknown)
}

/// Name for the pace, and the query.
pub(super) fn ohlc_query(
    symbols: &Symbols,
    pair: &Pair,
    interval: Interval,
    since: Option<UtcMs>,
) -> Result<(String, Fields), KrakenError> {
    let name = altname(symbols, pair, "OHLC")?;
    let query = Fields::new().text("pair", &name).text("interval", interval.0);
    Ok((name, query.maybe("since", since.map(|at| at.0.div_euclid(1_000)))))
}

/// Name for the pace, and the query.
pub(super) fn trades_query(symbols: &Symbols, pair: &Pair, since: Stamp) -> Result<(String, Fields), KrakenError> {
    let name = altname(symbols, pair, "Trades")?;
    let query = Fields::new().text("pair", &name).text("since", since.0.max(0)).text("count", TRADES_PAGE);
    Ok((name, query))
}

/// The exchange read its clock about half a round trip after we sent.
const fn skew(unixtime: i64, sent: UtcMs, round_trip_ms: i64) -> ClockSkew {
    let half = round_trip_ms / 2;
    let theirs = unixtime.saturating_mul(1_000).saturating_add(500);
    ClockSkew { ms: theirs.saturating_sub(sent.plus(half).0), uncertainty_ms: half.saturating_add(500) }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to a day before the cast")]
fn whole_ms(ms: f64) -> i64 {
    ms.clamp(0.0, 86_400_000.0).ceil() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_is_measured_at_half_of_the_round_trip() {
        // sent at 10.000 s, answered at 10.400 s: read at 10.200 s, when theirs was 12.x
        let found = skew(12, UtcMs(10_000), 400);
        assert_eq!((found.ms, found.uncertainty_ms), (2_300, 700));
        assert!(found.is_large());
        assert!(!skew(10, UtcMs(10_000), 400).is_large());
        assert!(!skew(11, UtcMs(10_000), 2_000).is_large(), "a slow line proves nothing");
        assert!(skew(0, UtcMs(10_000), 0).is_large());
        assert_eq!((whole_ms(0.2), whole_ms(-1.0), whole_ms(f64::NAN)), (1, 0, 0));
    }
}
