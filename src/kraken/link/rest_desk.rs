//! The one place that asks REST: in order of urgency, paced, asked again after trouble, each answer matched to its errand.

use std::collections::VecDeque;

use super::{LinkSettings, Output, RestAnswer, RestId, RestQuery, RestTrouble};

/// Who asks, by position in the link's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Errand {
    Listings,
    System,
    /// Missing trades of a pair.
    Trades(usize),
    /// The trades of one candle of a pair's series.
    CandleTrades(usize, usize),
    /// The exchange's candles for a pair's series.
    Rows(usize, usize),
}

impl Errand {
    /// Lower goes first.
    const fn urgency(self) -> u8 {
        match self {
            Self::Listings | Self::System => 0,
            Self::Trades(_) => 1,
            Self::CandleTrades(..) | Self::Rows(..) => 2,
        }
    }
}

#[derive(Debug)]
struct Waiting {
    errand: Errand,
    query: RestQuery,
    not_before: i64,
    tries: u32,
}

#[derive(Debug)]
struct OnTheWay {
    id: RestId,
    asked_at: i64,
    what: Waiting,
}

/// What became of a question.
#[derive(Debug)]
pub(super) enum Answered {
    /// Not ours any more, or asked again later by itself.
    Nothing,
    Trouble(String),
    Answer(Errand, RestAnswer),
    /// Asking again is useless.
    Refused(Errand, String),
}

/// Longest wait that an answer may impose.
const LONGEST_WAIT_MS: i64 = 15 * 60_000;
/// Shortest wait after trouble, doubled with each repeat up to the second.
const FIRST_RETRY_MS: i64 = 1_000;
const LAST_RETRY_MS: i64 = 60_000;

/// Questions to REST.
#[derive(Debug)]
pub(super) struct RestDesk {
    waiting: VecDeque<Waiting>,
    on_the_way: Vec<OnTheWay>,
    next_id: u64,
    free_at: i64,
    pub asked: u64,
    pub troubles: u64,
}

impl RestDesk {
    pub const fn new() -> Self {
        Self { waiting: VecDeque::new(), on_the_way: Vec::new(), next_id: 0, free_at: 0, asked: 0, troubles: 0 }
    }

    /// Puts a question in line; one of the same errand that waits or is on its way is dropped.
    pub fn ask(&mut self, t: i64, errand: Errand, query: RestQuery) {
        self.forget(errand);
        self.waiting.push_back(Waiting { errand, query, not_before: t, tries: 0 });
    }

    /// Drops the errand; an answer that still comes is ignored.
    pub fn forget(&mut self, errand: Errand) {
        self.waiting.retain(|w| w.errand != errand);
        self.on_the_way.retain(|w| w.what.errand != errand);
    }

    pub fn has(&self, errand: Errand) -> bool {
        self.waiting.iter().any(|w| w.errand == errand) || self.on_the_way.iter().any(|w| w.what.errand == errand)
    }

    /// Questions in line and on their way.
    pub fn backlog(&self) -> usize {
        self.waiting.len().saturating_add(self.on_the_way.len())
    }

    /// Sends what may be sent now, and asks again what got no answer.
    pub fn pump(&mut self, t: i64, settings: &LinkSettings, out: &mut Vec<Output>) {
        let overdue = |w: &mut OnTheWay| t.saturating_sub(w.asked_at) >= settings.rest_timeout_ms;
        for late in self.on_the_way.extract_if(.., overdue) {
            self.troubles = self.troubles.saturating_add(1);
            self.waiting.push_back(Waiting { not_before: t, tries: late.what.tries.saturating_add(1), ..late.what });
        }
        while t >= self.free_at && self.on_the_way.len() < settings.rest_at_once.max(1) {
            let ready = self.waiting.iter().enumerate().filter(|(_, w)| w.not_before <= t);
            let Some(place) = ready.min_by_key(|(i, w)| (w.errand.urgency(), *i)).map(|(i, _)| i) else { return };
            let Some(what) = self.waiting.remove(place) else { return };
            self.next_id = self.next_id.wrapping_add(1);
            let id = RestId(self.next_id);
            out.push(Output::Ask(id, what.query.clone()));
            self.asked = self.asked.saturating_add(1);
            self.free_at = t.saturating_add(settings.rest_gap_ms);
            self.on_the_way.push(OnTheWay { id, asked_at: t, what });
        }
    }

    /// Takes an answer. After trouble that a wait can heal the question waits; when the exchange complains of too many, all do: its limits
    /// are per address.
    pub fn answered(&mut self, t: i64, id: RestId, answer: Result<RestAnswer, RestTrouble>) -> Answered {
        let Some(place) = self.on_the_way.iter().position(|w| w.id == id) else { return Answered::Nothing };
        let mut what = self.on_the_way.swap_remove(place).what;
        match answer {
            Ok(answer) if fits(&what.query, &answer) => Answered::Answer(what.errand, answer),
            Ok(_) => Answered::Refused(what.errand, "an answer to another question".to_owned()),
            Err(RestTrouble { retry_after_ms: None, text }) => {
                self.troubles = self.troubles.saturating_add(1);
                Answered::Refused(what.errand, text)
            }
            Err(RestTrouble { retry_after_ms: Some(ms), text }) => {
                self.troubles = self.troubles.saturating_add(1);
                let doubled = FIRST_RETRY_MS.saturating_mul(1_i64.checked_shl(what.tries.min(10)).unwrap_or(i64::MAX));
                let wait = i64::try_from(ms).unwrap_or(i64::MAX).max(doubled.min(LAST_RETRY_MS)).min(LONGEST_WAIT_MS);
                if is_limit(&text) {
                    self.free_at = self.free_at.max(t.saturating_add(wait));
                }
                what.not_before = t.saturating_add(wait);
                what.tries = what.tries.saturating_add(1);
                self.waiting.push_back(what);
                Answered::Trouble(text)
            }
        }
    }

    /// When [`Self::pump`] has something to do next.
    pub fn due(&self, settings: &LinkSettings) -> i64 {
        let overdue = self.on_the_way.iter().map(|w| w.asked_at.saturating_add(settings.rest_timeout_ms));
        let room = self.on_the_way.len() < settings.rest_at_once.max(1);
        let next = self.waiting.iter().map(|w| w.not_before.max(self.free_at)).filter(|_| room);
        overdue.chain(next).min().unwrap_or(i64::MAX)
    }
}

fn is_limit(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["throttled", "rate limit", "too many", "429", "lockout"].iter().any(|word| text.contains(word))
}

const fn fits(query: &RestQuery, answer: &RestAnswer) -> bool {
    matches!(
        (query, answer),
        (RestQuery::AssetPairs, RestAnswer::AssetPairs(_))
            | (RestQuery::SystemStatus, RestAnswer::SystemStatus(_))
            | (RestQuery::Trades { .. }, RestAnswer::Trades { .. })
            | (RestQuery::Ohlc { .. }, RestAnswer::Ohlc { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kraken::wire::{Stamp, ws::System};

    fn asked(desk: &mut RestDesk, t: i64) -> Vec<(u64, RestQuery)> {
        let mut out = Vec::new();
        desk.pump(t, &LinkSettings::default(), &mut out);
        out.into_iter().filter_map(|o| if let Output::Ask(id, q) = o { Some((id.0, q)) } else { None }).collect()
    }

    fn trades(symbol: &str) -> RestQuery {
        RestQuery::Trades { symbol: symbol.to_owned(), since: Stamp(1) }
    }

    #[test]
    fn urgent_first_paced_and_at_most_two_at_once() {
        let mut desk = RestDesk::new();
        desk.ask(0, Errand::Rows(0, 0), trades("C"));
        desk.ask(0, Errand::Trades(0), trades("A"));
        desk.ask(0, Errand::Trades(1), trades("B"));
        desk.ask(0, Errand::System, RestQuery::SystemStatus);
        assert_eq!(asked(&mut desk, 0), [(1, RestQuery::SystemStatus)]);
        assert_eq!(asked(&mut desk, 999), []);
        assert_eq!(asked(&mut desk, 1_000), [(2, trades("A"))]);
        assert_eq!(asked(&mut desk, 5_000), [], "two are on their way");
        let done = desk.answered(5_000, RestId(1), Ok(RestAnswer::SystemStatus(System::Online)));
        assert!(matches!(done, Answered::Answer(Errand::System, _)));
        assert_eq!(asked(&mut desk, 5_000), [(3, trades("B"))]);
        // the first trades question never comes back: asked again
        assert_eq!(desk.due(&LinkSettings::default()), 151_000);
        let again = asked(&mut desk, 151_000);
        assert_eq!(again, [(4, trades("C"))].map(|_| (4, trades("A"))), "urgent before the rest");
        assert!(matches!(
            desk.answered(151_001, RestId(2), Ok(RestAnswer::SystemStatus(System::Online))),
            Answered::Nothing
        ));
    }

    #[test]
    fn trouble_waits_as_told_and_useless_is_final() {
        let mut desk = RestDesk::new();
        desk.ask(0, Errand::Trades(0), trades("A"));
        desk.ask(0, Errand::Trades(1), trades("B"));
        assert_eq!(asked(&mut desk, 0).len(), 1);
        let throttled = RestTrouble { retry_after_ms: Some(15_000), text: "EService:Throttled".to_owned() };
        assert!(matches!(desk.answered(10, RestId(1), Err(throttled)), Answered::Trouble(_)));
        assert_eq!(asked(&mut desk, 14_000), [], "the whole desk waits");
        assert_eq!(asked(&mut desk, 15_010), [(2, trades("B"))]);
        assert_eq!(asked(&mut desk, 16_010), [(3, trades("A"))]);
        let unknown = RestTrouble { retry_after_ms: None, text: "EQuery:Unknown asset pair".to_owned() };
        assert!(matches!(desk.answered(16_020, RestId(3), Err(unknown)), Answered::Refused(Errand::Trades(0), _)));
        assert_eq!((desk.backlog(), desk.troubles), (1, 2));
        // the answer to another question is not taken for one
        assert!(matches!(
            desk.answered(16_030, RestId(2), Ok(RestAnswer::SystemStatus(System::Online))),
            Answered::Refused(Errand::Trades(1), _)
        ));
    }
}
