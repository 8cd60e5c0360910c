//! Whether a pair's data are proven, and if not, the first reason.

use super::core::LinkCore;
use super::shard::{Channel, SubState};

impl LinkCore {
    /// Why the pair's data are not proven. The text stays the same while the reason does.
    pub(super) fn doubt(&self, place: usize) -> Option<String> {
        let state = self.pairs.get(place)?;
        if state.listed() == Some(false) {
            return Some(format!("the exchange does not list {}", state.pair));
        }
        for at in &state.subs {
            let Some(shard) = self.shards.get(at.shard) else { continue };
            if !shard.is_up() {
                return Some(format!("connection '{}' is down: {}", shard.name, shard.trouble));
            }
        }
        for at in &state.subs {
            let Some(sub) = self.shards.get(at.shard).and_then(|s| s.subs.get(at.sub)) else { continue };
            let name = sub.channel.name();
            let refusal = sub.refusal.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            match (sub.state, sub.channel) {
                (SubState::Off, _) => return Some(format!("'{name}' is refused{refusal}")),
                (SubState::Idle { .. } | SubState::Sent { .. }, Channel::Book(_)) => {
                    let fault = state.book.as_ref().and_then(|b| b.fault.as_ref());
                    let why = fault.map(|f| format!(": {f}")).unwrap_or(refusal);
                    return Some(format!("the book is not subscribed{why}"));
                }
                (SubState::Idle { .. } | SubState::Sent { .. }, _) => {
                    return Some(format!("'{name}' is not subscribed yet{refusal}"));
                }
                (SubState::On { pictured: false, .. }, Channel::Ticker) => {
                    return Some("the ticker has not come yet".to_owned());
                }
                (SubState::On { .. }, _) => {}
            }
        }
        if let Some(book) = state.book.as_ref().filter(|b| !b.good) {
            let why = book.fault.as_ref().map(|f| format!(": {f}")).unwrap_or_default();
            return Some(format!("the book waits for a snapshot{why}"));
        }
        let flow = state.flow.as_ref().and_then(super::trade_flow::TradeFlow::doubt);
        let lost = || state.lost.as_ref().map(|(text, _)| text.clone());
        let series = || state.series.iter().find_map(super::pair_state::Series::trouble);
        flow.or_else(lost).or_else(series)
    }
}
