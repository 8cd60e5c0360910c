//! An account: balances, holds, ledger, limits; and the fills that move them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rust_decimal::Decimal;

use super::engine_limit::{RateCounter, Tier};
use super::numbers::Calc;
use super::order::OrderNo;
use super::venue::{AssetSpec, Venue};
use super::{AccountKey, Desk};
use crate::simulator::protocol::{SimNs, Symbol};

/// Days over which volume counts for fees.
const VOLUME_NS: i64 = 30 * 86_400_000_000_000;

#[derive(Debug, Clone)]
pub(super) struct LedgerEntry {
    pub id: String,
    /// Trade that caused it.
    pub ref_id: String,
    pub at: SimNs,
    pub kind: &'static str,
    pub asset: AssetSpec,
    /// Without the fee.
    pub amount: Decimal,
    pub fee: Decimal,
    /// After this entry.
    pub balance: Decimal,
    pub visible_at: SimNs,
}

/// One fill of one order.
#[derive(Debug, Clone)]
pub(super) struct Fill {
    pub id: String,
    pub order: OrderNo,
    pub account: AccountKey,
    pub at: SimNs,
    pub price: Decimal,
    pub qty: Decimal,
    pub cost: Decimal,
    /// In quote currency, whatever asset it was taken in.
    pub fee: Decimal,
    /// v2 name of the asset that the fee was taken in, and how much of it.
    pub fee_asset: String,
    pub fee_qty: Decimal,
    pub fee_usd: Decimal,
    pub maker: bool,
    pub trade_id: u64,
    pub ledgers: Vec<String>,
    pub visible_at: SimNs,
}

#[derive(Debug)]
pub(super) struct Account {
    pub tier: Tier,
    /// By REST id.
    pub balances: BTreeMap<String, Decimal>,
    pub assets: BTreeMap<String, AssetSpec>,
    /// Sum of the open orders' holds, by REST id.
    pub holds: BTreeMap<String, Decimal>,
    pub ledger: Vec<LedgerEntry>,
    pub fills: Vec<usize>,
    pub orders: Vec<OrderNo>,
    pub open: BTreeSet<OrderNo>,
    pub limits: BTreeMap<Symbol, RateCounter>,
    /// Traded dollars of the last 30 days.
    volume: VecDeque<(SimNs, Decimal)>,
    volume_sum: Decimal,
    pub dead_man: Option<SimNs>,
    /// The next order stays hidden for so long.
    pub hide_next_ms: Option<i64>,
    /// Stands in `postxid` of every trade.
    pub position: String,
    /// Until then REST views may differ from the present.
    pub lag_until: SimNs,
}

impl Account {
    pub fn balance(&self, asset: &str) -> Decimal {
        self.balances.get(asset).copied().unwrap_or_default()
    }

    pub fn held(&self, asset: &str) -> Decimal {
        self.holds.get(asset).copied().unwrap_or_default()
    }

    pub fn free(&self, asset: &str) -> Decimal {
        self.balance(asset).minus(self.held(asset))
    }

    /// A balance as far as it is visible at `horizon`.
    pub fn balance_at(&self, asset: &str, horizon: SimNs) -> Decimal {
        let balance = self.balance(asset);
        if horizon >= self.lag_until {
            return balance;
        }
        let unseen = self.ledger.iter().filter(|e| e.visible_at > horizon && e.asset.id == asset);
        unseen.fold(balance, |sum, e| sum.minus(e.amount).plus(e.fee))
    }

    pub fn add_volume(&mut self, at: SimNs, dollars: Decimal) {
        let from = SimNs(at.0.saturating_sub(VOLUME_NS));
        while let Some((_, old)) = self.volume.pop_front_if(|(at, _)| *at <= from) {
            self.volume_sum = self.volume_sum.minus(old);
        }
        self.volume.push_back((at, dollars));
        self.volume_sum = self.volume_sum.plus(dollars);
    }

    /// Dollars traded in the 30 days before `now`.
    pub fn volume(&self, now: SimNs) -> Decimal {
        let from = SimNs(now.0.saturating_sub(VOLUME_NS));
        let old = self.volume.iter().take_while(|(at, _)| *at <= from);
        old.fold(self.volume_sum, |sum, (_, dollars)| sum.minus(*dollars))
    }
}

impl Desk {
    /// Opens an account with these balances; assets under any of their names.
    ///
    /// # Errors
    /// When the account exists, an asset is unknown or a balance is negative.
    pub fn open_account(
        &mut self,
        now: SimNs,
        key: AccountKey,
        balances: &BTreeMap<String, Decimal>,
        tier: Tier,
        venue: &dyn Venue,
    ) -> Result<(), String> {
        if self.accounts.contains_key(&key) {
            return Err(format!("account {} is open already", key.0));
        }
        let mut account = Account {
            tier,
            balances: BTreeMap::new(),
            assets: BTreeMap::new(),
            holds: BTreeMap::new(),
            ledger: Vec::new(),
            fills: Vec::new(),
            orders: Vec::new(),
            open: BTreeSet::new(),
            limits: BTreeMap::new(),
            volume: VecDeque::new(),
            volume_sum: Decimal::ZERO,
            dead_man: None,
            hide_next_ms: None,
            position: self.ids.trade(),
            lag_until: SimNs::default(),
        };
        for (name, amount) in balances {
            let asset = venue.asset(name).ok_or_else(|| format!("unknown asset '{name}'"))?;
            if amount.is_sign_negative() && !amount.is_zero() {
                return Err(format!("balance of {name} is negative"));
            }
            account.ledger.push(LedgerEntry {
                id: self.ids.ledger(),
                ref_id: self.ids.trade(),
                at: now,
                kind: "deposit",
                asset: asset.clone(),
                amount: *amount,
                fee: Decimal::ZERO,
                balance: account.balance(&asset.id).plus(*amount),
                visible_at: now,
            });
            add(&mut account.balances, &asset.id, *amount);
            add(&mut self.totals.deposits, &asset.id, *amount);
            account.assets.insert(asset.id.clone(), asset);
        }
        self.accounts.insert(key, account);
        Ok(())
    }

    /// Highest value of the engine's rate counter of one pair (`maxratecount`).
    #[must_use]
    pub fn max_rate_count(&self, account: AccountKey) -> u32 {
        self.accounts.get(&account).map_or_else(|| Tier::default().max_rate_count(), |a| a.tier.max_rate_count())
    }

    /// Value of the engine's rate counter for a pair, and its limit.
    #[must_use]
    pub fn rate_count(&self, now: SimNs, account: AccountKey, symbol: &str) -> Option<(Decimal, u32)> {
        let account = self.accounts.get(&account)?;
        let counter = account.limits.get(symbol).copied().unwrap_or_default();
        Some((counter.value(now, account.tier), account.tier.max_rate_count()))
    }
}

/// Adds to the entry of `asset`.
pub(super) fn add(sums: &mut BTreeMap<String, Decimal>, asset: &str, amount: Decimal) {
    let entry = sums.entry(asset.to_owned()).or_default();
    *entry = entry.plus(amount);
}
