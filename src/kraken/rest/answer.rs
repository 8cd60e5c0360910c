//! The link's questions. One try each: the link itself decides when to ask again.

use std::sync::Arc;

use super::public::{ohlc_query, trades_query};
use super::{Client, PUBLIC_COMPLAINT_MS, asked_to_wait};
use crate::domain::pair::Pair;
use crate::domain::time::{MINUTE_MS, UtcMs};
use crate::kraken::error::{KrakenError, Remedy};
use crate::kraken::link::{PairListing, RestAnswer, RestQuery, RestTrouble};
use crate::kraken::symbols::Symbols;
use crate::kraken::wire::rest::fields::Fields;
use crate::kraken::wire::rest::market::{AssetPairs, SystemStatus};

/// Before asking again after a failure that may pass, in ms.
const SOON_MS: u64 = 1_000;

/// Before asking again after an answer of an unexpected form, in ms: it may be one of its kind.
const ODD_MS: u64 = 60_000;

impl Client {
    /// Answers a question of the link.
    ///
    /// # Errors
    /// [`RestTrouble`], with the least time to wait where asking again can help.
    pub async fn answer(&self, query: RestQuery) -> Result<RestAnswer, RestTrouble> {
        self.answered(query).await.map_err(|error| trouble(&error, self.now()))
    }

    async fn answered(&self, query: RestQuery) -> Result<RestAnswer, KrakenError> {
        match query {
            RestQuery::AssetPairs => {
                let pairs: AssetPairs = self.get_once("AssetPairs", &Fields::new(), None).await?;
                let symbols = Arc::new(Symbols::of(&pairs));
                let rows: Arc<[PairListing]> = symbols.listings().cloned().collect();
                self.keep_symbols(symbols).await;
                Ok(RestAnswer::AssetPairs(rows))
            }
            RestQuery::SystemStatus => {
                let status: SystemStatus = self.get_once("SystemStatus", &Fields::new(), None).await?;
                Ok(RestAnswer::SystemStatus(status.status))
            }
            RestQuery::Trades { symbol, since } => {
                let (symbols, pair) = self.named(&symbol, "Trades").await?;
                let (name, fields) = trades_query(&symbols, &pair, since)?;
                let answer = self.get_once("Trades", &fields, Some(&name)).await;
                let page: crate::kraken::wire::rest::history::Trades =
                    self.of_pair("Trades", &symbols, &pair, answer).await?;
                let rows = page.rows.iter().map(|row| row.to_ws(&symbol)).collect();
                Ok(RestAnswer::Trades { rows, last: page.cursor(since) })
            }
            RestQuery::Ohlc { symbol, interval, since } => {
                let (symbols, pair) = self.named(&symbol, "OHLC").await?;
                let (name, fields) = ohlc_query(&symbols, &pair, interval, since)?;
                let answer = self.get_once("OHLC", &fields, Some(&name)).await;
                let page: crate::kraken::wire::rest::history::Ohlc =
                    self.of_pair("OHLC", &symbols, &pair, answer).await?;
                Ok(RestAnswer::Ohlc { rows: page.rows.iter().map(|row| row.to_ws(&symbol, interval)).collect() })
            }
        }
    }

    async fn named(&self, symbol: &str, call: &'static str) -> Result<(Arc<Symbols>, Pair), KrakenError> {
        let symbols = self.symbols().await?;
        let unknown = || KrakenError::Request { call, why: format!("the exchange lists no pair '{symbol}'") };
        let pair = symbols.pair(symbol).cloned().ok_or_else(unknown)?;
        Ok((symbols, pair))
    }
}

fn trouble(error: &KrakenError, now: UtcMs) -> RestTrouble {
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
