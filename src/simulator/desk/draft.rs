//! An order as a client wrote it, before it is checked against a pair.

use rust_decimal::Decimal;

use super::order::{CloseTerms, Kind, SelfTrade, TimeInForce};
use super::price::Asked;
use crate::simulator::protocol::{Side, SimNs};

/// Shortest and longest life of an order with an end, in ns.
const SHORTEST_NS: i64 = 5_000_000_000;
const LONGEST_NS: i64 = 31 * 86_400_000_000_000;
/// Furthest deadline, in ns.
const DEADLINE_NS: i64 = 60_000_000_000;

/// The fields of an order, whichever protocol they came by. For limit kinds `limit` is the price; for triggered kinds `trigger` is (a
/// distance for trailing ones), and `limit` the price after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub side: Side,
    pub kind: Kind,
    pub qty: Option<Decimal>,
    pub quote_qty: Option<Decimal>,
    pub limit: Option<Asked>,
    pub trigger: Option<Asked>,
    pub display: Option<Decimal>,
    pub tif: Option<TimeInForce>,
    pub post_only: bool,
    /// Fee in base (`true`) or quote, when the client said so.
    pub fee_in_base: Option<bool>,
    pub index_trigger: bool,
    pub self_trade: SelfTrade,
    pub userref: Option<i64>,
    pub cl_ord_id: Option<String>,
    pub starts: Option<SimNs>,
    pub expires: Option<SimNs>,
    pub close: Option<CloseTerms>,
}

/// What goes with a request rather than with its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Terms {
    pub validate: bool,
    pub deadline: Option<SimNs>,
}

impl Terms {
    /// # Errors
    /// When the deadline is too far away, or over: the engine refuses late requests.
    pub fn in_time(self, now: SimNs) -> Result<(), String> {
        match self.deadline {
            Some(at) if at.0 > now.0.saturating_add(DEADLINE_NS) => Err(bad("deadline")),
            Some(at) if at < now => Err("EService:Deadline elapsed".to_owned()),
            _ => Ok(()),
        }
    }
}

/// `EGeneral:Invalid arguments:what`
pub(super) fn bad(what: &str) -> String {
    format!("EGeneral:Invalid arguments:{what}")
}

/// An end of life that is neither too near nor too far.
pub(super) fn checked_expiry(at: SimNs, now: SimNs) -> Result<SimNs, String> {
    let life = at.0.saturating_sub(now.0);
    if (SHORTEST_NS..=LONGEST_NS).contains(&life) { Ok(at) } else { Err(bad("expiretm")) }
}

/// Ids that clients may give: a UUID with dashes, 32 hexadecimal digits, or up to 18 printable ASCII characters.
pub(super) fn checked_cl_ord_id(id: String) -> Result<String, String> {
    let hex = |s: &str| s.chars().all(|c| c.is_ascii_hexdigit());
    let uuid = id.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && hex(&id.replace('-', ""));
    let free = (1..=18).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic());
    if uuid || (id.len() == 32 && hex(&id)) || free { Ok(id) } else { Err(bad("cl_ord_id")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_have_three_forms() {
        for good in ["1", "abc-123_x", "018f3c5e-7c2b-7a41-9f0a-1b2c3d4e5f60", "0123456789abcdef0123456789ABCDEF"] {
            assert!(checked_cl_ord_id(good.to_owned()).is_ok(), "{good}");
        }
        for poor in ["", "with space", "nineteen-characters", "018f3c5e-7c2b-7a41-9f0a-1b2c3d4e5f6g", "ä"] {
            assert!(checked_cl_ord_id(poor.to_owned()).is_err(), "{poor}");
        }
    }

    #[test]
    fn deadlines_end_and_cannot_be_far() {
        let now = SimNs(1_000_000_000_000);
        let check = |ms: i64| Terms { validate: false, deadline: Some(now.plus_ms(ms)) }.in_time(now);
        assert!(check(0).is_ok() && check(60_000).is_ok());
        assert_eq!(check(-1), Err("EService:Deadline elapsed".to_owned()));
        assert_eq!(check(60_001), Err("EGeneral:Invalid arguments:deadline".to_owned()));
    }
}
