//! The link's status in the shape of the snapshot.

use crate::domain::link::{BudgetView, ConnectionView, LinkPairView, LinkView};
use crate::kraken::link::{ConnectionState, LinkStatus};

/// `url` is where the link leads, `real` whether that is Kraken.
pub(super) fn link_view(status: &LinkStatus, url: &str, real: bool) -> LinkView {
    let budgets = &status.budgets;
    let budget =
        |name: &str, used: usize, max: usize| BudgetView { name: name.to_owned(), used: used as f64, max: max as f64 };
    let connection = |(id, c): (u32, &crate::kraken::link::ConnectionStatus)| ConnectionView {
        id,
        state: match &c.state {
            ConnectionState::Down { why, next_ms } => format!("down: {why}; next try in {} s", next_ms / 1_000),
            ConnectionState::Connecting => "connecting".to_owned(),
            ConnectionState::Up { .. } => "open".to_owned(),
        },
        feeds: u32::try_from(c.subscriptions).unwrap_or(u32::MAX),
        last_frame: c.silent_ms.map(|ms| status.at.plus(-ms)),
    };
    LinkView {
        url: url.to_owned(),
        real,
        system: status.system.as_ref().map(|s| s.as_str().to_owned()).unwrap_or_default(),
        connections: (1..).zip(&status.connections).map(connection).collect(),
        pairs: status.pairs.iter().map(pair).collect(),
        frames: status.counters.frames,
        bad_frames: status.counters.bad_frames,
        unknown_frames: status.counters.unknown_frames,
        reconnects: status.counters.reconnects,
        checksum_faults: status.pairs.iter().map(|p| p.checksum_faults).sum(),
        resyncs: status.counters.resubscribes,
        gaps_refilled: status.pairs.iter().map(|p| p.refills).sum(),
        // A recording's stamps are of another time than our clock's.
        skew_ms: status.clock_skew_ms.filter(|_| real),
        budgets: vec![
            budget("connects/10 min", budgets.connects, budgets.connects_most),
            budget("requests/s", budgets.requests, budgets.requests_most),
        ],
    }
}

fn pair(p: &crate::kraken::link::PairLinkStatus) -> LinkPairView {
    let price = |level: &Option<(crate::kraken::wire::Number, _)>| level.as_ref().map(|(price, _)| price.to_string());
    LinkPairView {
        pair: p.pair.clone(),
        doubt: p.doubt.clone(),
        last_trade: p.last_trade_id,
        bid: price(&p.bid),
        ask: price(&p.ask),
        book_faults: p.book_faults,
        resyncs: p.resyncs,
        gaps: p.refills,
    }
}
