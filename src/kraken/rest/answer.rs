//! The link's questions. One try each: the link itself decides when to ask again.

use std::sync::Arc;

use super::public::{ohlc_query, rows_of, trades_query};
use super::{Client, PUBLIC_COMPLAINT_MS, asked_to_wait};
use crate::domain::pair::Pair;
use crate::domain::time::{MINUTE_MS, UtcMs};
use crate::kraken::error::{KrakenError, Remedy};
use crate::kraken::link::{RestAnswer, RestQuery, RestTrouble};
use crate::kraken::symbols::Symbols;
use crate::kraken::wire::rest::fields::Fields;
use crate::kraken::wire::rest::history::{Ohlc, Trades};
use crate::kraken::wire::rest::market::{AssetPairs, SystemStatus};
use crate::kraken::wire::rest::read;

/// Before asking again after a failure that may pass, in ms.
const SOON_MS: u64 = 1_000;

/// Before asking again after an answer of an unexpected form, in ms: it may be one of its kind.
const ODD_MS: u64 = 60_000;

/// A question of the link as the call that asks it.
#[derive(Debug, Clone)]
pub struct Question {
    /// `Trades`
    pub call: &'static str,
    pub fields: Fields,
    /// The pair as the exchange's pace names it.
    pub(super) name: Option<String>,
    pair: Option<Pair>,
}

impl Question {
    /// # Errors
    /// [`KrakenError::Request`] when `symbols` do not list the pair.
    pub fn new(query: &RestQuery, symbols: &Symbols) -> Result<Self, KrakenError> {
        let named = |symbol: &str, call: &'static str| {
            let unknown = || KrakenError::Request { call, why: format!("the exchange lists no pair '{symbol}'") };
            symbols.pair(symbol).cloned().ok_or_else(unknown)
        };
        let (call, pair, (name, fields)) = match query {
            RestQuery::AssetPairs => return Ok(Self::plain("AssetPairs")),
            RestQuery::SystemStatus => return Ok(Self::plain("SystemStatus")),
            RestQuery::Trades { symbol, since } => {
                let pair = named(symbol, "Trades")?;
                let asked = trades_query(symbols, &pair, *since)?;
                ("Trades", pair, asked)
            }
            RestQuery::Ohlc { symbol, interval, since } => {
                let pair = named(symbol, "OHLC")?;
                let asked = ohlc_query(symbols, &pair, *interval, *since)?;
                ("OHLC", pair, asked)
            }
        };
        Ok(Self { call, fields, name: Some(name), pair: Some(pair) })
    }

    /// A question about the whole exchange.
    const fn plain(call: &'static str) -> Self {
        Self { call, fields: Fields::new(), name: None, pair: None }
    }

    /// Reads what came back: HTTP's status and the body. A list of pairs comes as a table of names as well.
    ///
    /// # Errors
    /// [`KrakenError`]
    pub fn read(
        &self,
        query: &RestQuery,
        symbols: &Symbols,
        status: u16,
        body: &[u8],
    ) -> Result<(RestAnswer, Option<Arc<Symbols>>), KrakenError> {
        let answer = match (query, &self.pair) {
            (RestQuery::AssetPairs, _) => {
                let pairs: AssetPairs = read(self.call, status, body)?.value;
                let symbols = Arc::new(Symbols::of(&pairs));
                let rows = symbols.listings().cloned().collect();
                return Ok((RestAnswer::AssetPairs(rows), Some(symbols)));
            }
            (RestQuery::SystemStatus, _) => {
                let state: SystemStatus = read(self.call, status, body)?.value;
                RestAnswer::SystemStatus(state.status)
            }
            (RestQuery::Trades { symbol, since }, Some(pair)) => {
                let page: Trades = rows_of(self.call, symbols, pair, read(self.call, status, body)?.value)?;
                let rows = page.rows.iter().map(|row| row.to_ws(symbol)).collect();
                RestAnswer::Trades { rows, last: page.cursor(*since) }
            }
            (RestQuery::Ohlc { symbol, interval, .. }, Some(pair)) => {
                let page: Ohlc = rows_of(self.call, symbols, pair, read(self.call, status, body)?.value)?;
                RestAnswer::Ohlc { rows: page.rows.iter().map(|row| row.to_ws(symbol, *interval)).collect() }
            }
            (RestQuery::Trades { .. } | RestQuery::Ohlc { .. }, None) => {
                return Err(KrakenError::Request { call: self.call, why: "the question names no pair".to_owned() });
            }
        };
        Ok((answer, None))
    }
}

impl Client {
    /// Answers a question of the link.
    ///
    /// # Errors
    /// [`RestTrouble`], with the least time to wait where asking again can help.
    pub async fn answer(&self, query: RestQuery) -> Result<RestAnswer, RestTrouble> {
        self.answered(&query).await.map_err(|error| trouble(&error, self.now()))
    }

    async fn answered(&self, query: &RestQuery) -> Result<RestAnswer, KrakenError> {
        let symbols = match query {
            RestQuery::AssetPairs | RestQuery::SystemStatus => Arc::new(Symbols::new([])),
            RestQuery::Trades { .. } | RestQuery::Ohlc { .. } => self.symbols().await?,
        };
        let question = Question::new(query, &symbols)?;
        let read = |status: u16, body: &[u8]| question.read(query, &symbols, status, body);
        let answer = self.get_read(question.call, &question.fields, question.name.as_deref(), read).await;
        if answer.as_ref().is_err_and(|e| e.remedy(false) == Remedy::ReadSymbols) {
            self.forget_symbols().await;
        }
        let (answer, symbols) = answer?;
        if let Some(symbols) = symbols {
            self.keep_symbols(symbols).await;
        }
        Ok(answer)
    }
}

/// What an error means for the link.
#[must_use]
pub fn trouble(error: &KrakenError, now: UtcMs) -> RestTrouble {
    let remedy = error.remedy(false);
    let given = asked_to_wait(&remedy, now, PUBLIC_COMPLAINT_MS);
    let retry_after_ms = match (&remedy, error) {
        (_, KrakenError::Shape { .. } | KrakenError::TooLarge { .. }) => Some(ODD_MS),
        // the limits are full for longer than a call waits
        (_, KrakenError::Halted { .. }) => Some(ODD_MS),
        (Remedy::Retry, _) => Some(SOON_MS),
        (Remedy::Halt { minutes: Some(minutes) }, _) => {
            Some(u64::from(*minutes).saturating_mul(MINUTE_MS.unsigned_abs()))
        }
        _ => given.map(|until| u64::try_from(until.since(now)).unwrap_or(0)),
    };
    RestTrouble { retry_after_ms, text: error.to_string() }
}
