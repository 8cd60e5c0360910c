//! Trades that the link tells, judged by the pipeline's rules before anything computes with them.

use crate::domain::market::RawTrade;
use crate::domain::pair::{Interval, Pair, Venue};
use crate::domain::quality::{DataKind, Quarantined};
use crate::domain::settings::PipelineSettings;
use crate::domain::time::UtcMs;
use crate::kraken::wire::ws;
use crate::pipeline::validate::TradeCheck;

/// Refusals of a batch that are kept; the rest of a flood is told in the log only.
const KEPT: usize = 1_000;

/// A trade may be stamped so much later than our clock says. The exchange's clock is the one that counts, the link measures how far ours is
/// from it, and a trade that is left out for our clock's sake would be missing in the flow; a stamp of another minute is no clock.
const CLOCKS_APART_MS: i64 = 60_000;

#[derive(Debug)]
pub(super) struct Inspector {
    trades: TradeCheck,
    refused: Vec<Quarantined>,
}

impl Inspector {
    pub(super) fn new(universe: &[(Pair, Interval)]) -> Self {
        let pairs: Vec<Pair> = universe.iter().map(|(pair, _)| pair.clone()).collect();
        let settings = PipelineSettings { future_tolerance_ms: CLOCKS_APART_MS, ..PipelineSettings::default() };
        let trades = TradeCheck::new(Venue::Kraken, &pairs, &settings);
        // The link tells trades in the order of their ids and each once, also when the exchange numbers anew.
        Self { trades: trades.unnumbered(), refused: Vec::new() }
    }

    /// Whether the trade is as it has to be; else it goes to the quarantine with the next batch.
    pub(super) fn accepts(&mut self, pair: &Pair, trade: &ws::Trade, now: UtcMs) -> bool {
        let row = RawTrade {
            pair: pair.clone(),
            venue: Venue::Kraken.to_string(),
            id: Some(trade.trade_id),
            price: trade.price.to_f64(),
            qty: trade.qty.to_f64(),
            side: trade.side.as_str().to_owned(),
            at: trade.timestamp.ms(),
        };
        let Err(reason) = self.trades.check(&row, now) else { return true };
        if self.refused.len() < KEPT {
            self.refused.push(Quarantined {
                kind: DataKind::Trade,
                reason,
                pair: row.pair.to_string(),
                venue: row.venue.clone(),
                source: "trades".to_owned(),
                known_time: now,
                row: row.as_received(),
            });
        } else {
            tracing::warn!(pair = %row.pair, reason = reason.as_str(), "a trade was refused, one of very many");
        }
        false
    }

    /// What was refused since the last call.
    pub(super) fn refused(&mut self) -> Vec<Quarantined> {
        std::mem::take(&mut self.refused)
    }
}
