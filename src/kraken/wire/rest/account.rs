//! Private answers about money, fees and the key.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use secrecy::SecretString;
use serde::Deserialize;

use super::text::{null_is_default, unset_or_stamp, unset_or_text, whole};
use crate::kraken::wire::open_enum::open_enum;
use crate::kraken::wire::{Number, Stamp};

/// Totals by asset id; suffixes such as `.S` and `.F` mark staked or rewarded funds that cannot be traded.
pub type Balance = BTreeMap<String, Number>;

/// By asset id.
pub type BalanceEx = BTreeMap<String, Funds>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Funds {
    pub balance: Number,
    /// Held for open orders.
    #[serde(default)]
    pub hold_trade: Option<Number>,
    #[serde(default)]
    pub credit: Option<Number>,
    #[serde(default)]
    pub credit_used: Option<Number>,
}

impl Funds {
    /// `balance + credit − credit used − held`; `None` beyond a decimal's range.
    #[must_use]
    pub fn available(&self) -> Option<Decimal> {
        let or_zero = |n: Option<Number>| n.map_or(Decimal::ZERO, |n| n.0);
        let with_credit = self.balance.0.checked_add(or_zero(self.credit))?.checked_sub(or_zero(self.credit_used))?;
        with_credit.checked_sub(or_zero(self.hold_trade))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct TradeBalance {
    #[serde(rename = "eb")]
    pub equivalent: Number,
    #[serde(rename = "tb")]
    pub trade_balance: Number,
    /// Margin of open positions.
    #[serde(rename = "m", default)]
    pub margin: Option<Number>,
    #[serde(rename = "n", default)]
    pub unrealised: Option<Number>,
    #[serde(rename = "e", default)]
    pub equity: Option<Number>,
    #[serde(rename = "mf", default)]
    pub free_margin: Option<Number>,
    /// Percent; absent without positions.
    #[serde(rename = "ml", default)]
    pub margin_level: Option<Number>,
}

/// One page of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ledgers {
    pub ledger: BTreeMap<String, LedgerEntry>,
    #[serde(default)]
    pub count: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LedgerEntry {
    /// Trade, transfer or order that it belongs to.
    pub refid: String,
    pub time: Stamp,
    #[serde(rename = "type")]
    pub kind: LedgerKind,
    #[serde(default, deserialize_with = "unset_or_text")]
    pub subtype: Option<String>,
    #[serde(default)]
    pub aclass: Option<String>,
    pub asset: String,
    pub amount: Number,
    pub fee: Number,
    /// After the entry.
    pub balance: Number,
}

open_enum! {
    pub enum LedgerKind {
        Trade = "trade", Deposit = "deposit", Withdrawal = "withdrawal", Transfer = "transfer", Margin = "margin", Rollover = "rollover",
        Credit = "credit", Settled = "settled", Staking = "staking", Dividend = "dividend", Sale = "sale", Spend = "spend",
        Receive = "receive", Adjustment = "adjustment", Reward = "reward",
    }
}

/// 30-day volume and the fees that follow from it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TradeVolume {
    pub currency: String,
    pub volume: Number,
    /// By pair id, the taker's.
    #[serde(default, deserialize_with = "null_is_default")]
    pub fees: BTreeMap<String, Fee>,
    /// By pair id; a pair that is absent pays `fees` as a maker too.
    #[serde(default, deserialize_with = "null_is_default")]
    pub fees_maker: BTreeMap<String, Fee>,
}

impl TradeVolume {
    /// Maker's and taker's percent of a pair id.
    #[must_use]
    pub fn percent(&self, pair_id: &str) -> Option<(Decimal, Decimal)> {
        let taker = self.fees.get(pair_id)?.fee.0;
        Some((self.fees_maker.get(pair_id).map_or(taker, |f| f.fee.0), taker))
    }
}

/// In percent. Two spellings are documented; both are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Fee {
    pub fee: Number,
    #[serde(default, alias = "min_fee")]
    pub minfee: Option<Number>,
    #[serde(default, alias = "max_fee")]
    pub maxfee: Option<Number>,
    /// `None` at the best tier.
    #[serde(default, alias = "next_fee")]
    pub nextfee: Option<Number>,
    #[serde(default, alias = "tier_volume")]
    pub tiervolume: Option<Number>,
    #[serde(default, alias = "next_volume")]
    pub nextvolume: Option<Number>,
}

/// Entry ticket of private WebSocket channels.
#[derive(Debug, Clone, Deserialize)]
pub struct WebSocketsToken {
    pub token: SecretString,
    /// Seconds until it must have been used.
    pub expires: u64,
}

/// What a key may do. Two spellings are seen (`nonce_window`, `nonceWindow`); both are read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ApiKeyInfo {
    #[serde(alias = "apiKeyName")]
    pub api_key_name: String,
    pub permissions: Vec<Permission>,
    #[serde(default, alias = "nonceWindow", deserialize_with = "whole")]
    pub nonce_window: u64,
    /// `None`: for ever.
    #[serde(default, alias = "validUntil", deserialize_with = "unset_or_stamp")]
    pub valid_until: Option<Stamp>,
    #[serde(default, alias = "queryFrom", deserialize_with = "unset_or_stamp")]
    pub query_from: Option<Stamp>,
    #[serde(default, alias = "queryTo", deserialize_with = "unset_or_stamp")]
    pub query_to: Option<Stamp>,
    /// Empty texts mean nothing; no entry: any address.
    #[serde(default, alias = "ipAllowlist", deserialize_with = "null_is_default")]
    pub ip_allowlist: Vec<String>,
    #[serde(default, alias = "lastUsed", deserialize_with = "unset_or_stamp")]
    pub last_used: Option<Stamp>,
}

open_enum! {
    /// One right of a key.
    pub enum Permission {
        QueryFunds = "query-funds", AddFunds = "add-funds", WithdrawFunds = "withdraw-funds", EarnFunds = "earn-funds",
        QueryOpenTrades = "query-open-trades", QueryClosedTrades = "query-closed-trades", ModifyTrades = "modify-trades",
        CloseTrades = "close-trades", QueryLedger = "query-ledger", ExportData = "export-data", CreateWsToken = "create-ws-token",
        AddWithdrawAddress = "add-withdraw-address", UpdateWithdrawAddress = "update-withdraw-address",
    }
}
