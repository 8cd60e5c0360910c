//! What a key may do, and whether that is right for us.

use crate::kraken::error::KrakenError;
use crate::kraken::wire::rest::account::{ApiKeyInfo, Permission};

/// What the key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Balances, orders, fills and fees.
    Reading,
    /// Placing and cancelling orders as well.
    LiveTrading,
}

const READING: [Permission; 4] =
    [Permission::QueryFunds, Permission::QueryOpenTrades, Permission::QueryClosedTrades, Permission::QueryLedger];
const TRADING: [Permission; 3] = [Permission::ModifyTrades, Permission::CloseTrades, Permission::CreateWsToken];
const FORBIDDEN: [Permission; 3] =
    [Permission::WithdrawFunds, Permission::AddWithdrawAddress, Permission::UpdateWithdrawAddress];

impl Purpose {
    /// What a key needs.
    pub fn needs(self) -> impl Iterator<Item = &'static Permission> {
        let trading: &[Permission] = match self {
            Self::Reading => &[],
            Self::LiveTrading => &TRADING,
        };
        READING.iter().chain(trading)
    }
}

/// Checks a key once at start.
///
/// # Errors
/// [`KrakenError::Key`] in words, with what to change on the exchange's key page: a key that could move money out is refused whatever else it
/// may do, then one that lacks a right, then one that has a time limit on what it can see.
pub fn check(info: &ApiKeyInfo, purpose: Purpose) -> Result<(), KrakenError> {
    let name = super::error::excerpt(&info.api_key_name);
    let held: Vec<&Permission> = FORBIDDEN.iter().filter(|p| info.permissions.contains(p)).collect();
    if !held.is_empty() {
        return Err(KrakenError::Key(format!(
            "the API key '{name}' may move money out of the account ({}). This program never does, and a stolen key must not be able to: \
             on the exchange's API page switch off {}, or make a new key without",
            list(&held),
            labels(&held)
        )));
    }
    let missing: Vec<&Permission> = purpose.needs().filter(|p| !info.permissions.contains(p)).collect();
    if !missing.is_empty() {
        let aim = match purpose {
            Purpose::Reading => "reading the account",
            Purpose::LiveTrading => "live trading",
        };
        return Err(KrakenError::Key(format!(
            "the API key '{name}' lacks {} for {aim}: on the exchange's API page switch on {}",
            list(&missing),
            labels(&missing)
        )));
    }
    if info.query_from.is_some() || info.query_to.is_some() {
        return Err(KrakenError::Key(format!(
            "the API key '{name}' sees only a part of the account's history: on the exchange's API page switch off 'Query start date' and \
             'Query end date', else fills would be missed"
        )));
    }
    Ok(())
}

fn list(permissions: &[&Permission]) -> String {
    permissions.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(", ")
}

fn labels(permissions: &[&Permission]) -> String {
    permissions.iter().map(|p| format!("'{}'", label(p))).collect::<Vec<_>>().join(", ")
}

/// As the exchange's key page calls it.
fn label(permission: &Permission) -> &str {
    match permission {
        Permission::QueryFunds => "Query funds",
        Permission::WithdrawFunds => "Withdraw funds",
        Permission::QueryOpenTrades => "Query open orders & trades",
        Permission::QueryClosedTrades => "Query closed orders & trades",
        Permission::ModifyTrades => "Create & modify orders",
        Permission::CloseTrades => "Cancel & close orders",
        Permission::QueryLedger => "Query ledger entries",
        Permission::CreateWsToken => "WebSocket interface",
        Permission::AddWithdrawAddress => "Add withdrawal addresses",
        Permission::UpdateWithdrawAddress => "Update withdrawal addresses",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(permissions: impl IntoIterator<Item = Permission>) -> ApiKeyInfo {
        ApiKeyInfo {
            api_key_name: "mine".to_owned(),
            permissions: permissions.into_iter().collect(),
            nonce_window: 0,
            valid_until: None,
            query_from: None,
            query_to: None,
            ip_allowlist: vec![],
            last_used: None,
        }
    }

    fn verdict(info: &ApiKeyInfo, purpose: Purpose) -> String {
        check(info, purpose).map_or_else(|e| e.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn a_key_that_can_move_money_out_is_refused() {
        for bad in FORBIDDEN {
            let all = Purpose::LiveTrading.needs().cloned().chain([bad.clone()]);
            let text = verdict(&key(all), Purpose::Reading);
            assert!(text.contains(bad.as_str()) && text.contains(label(&bad)) && text.contains("switch off"), "{text}");
        }
        // as the wire names them
        assert_eq!(
            FORBIDDEN.map(|p| p.to_string()),
            ["withdraw-funds", "add-withdraw-address", "update-withdraw-address"]
        );
    }

    #[test]
    fn what_is_missing_is_named_with_the_fix() {
        let reading = key(READING);
        assert_eq!(verdict(&reading, Purpose::Reading), "fine");
        let text = verdict(&reading, Purpose::LiveTrading);
        assert!(text.contains("modify-trades, close-trades, create-ws-token for live trading"), "{text}");
        assert!(text.contains("'WebSocket interface'"), "{text}");
        for absent in READING {
            let text = verdict(&key(READING.into_iter().filter(|p| *p != absent)), Purpose::Reading);
            assert!(text.contains(absent.as_str()) && text.contains("switch on"), "{text}");
        }
        let full = key(Purpose::LiveTrading.needs().cloned().chain([Permission::Unknown("new-right".to_owned())]));
        assert_eq!(verdict(&full, Purpose::LiveTrading), "fine");
    }

    #[test]
    fn a_key_with_a_window_on_history_is_refused() {
        let at = Some(crate::kraken::wire::Stamp(1));
        for info in [ApiKeyInfo { query_from: at, ..key(READING) }, ApiKeyInfo { query_to: at, ..key(READING) }] {
            assert!(verdict(&info, Purpose::Reading).contains("a part of the account's history"));
        }
    }
}
