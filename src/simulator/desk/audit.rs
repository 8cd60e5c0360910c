//! What must always hold, checked in full; and one hash of everything.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::account::add;
use super::numbers::Calc;
use super::order::{Order, Phase};
use super::{AccountKey, Desk, Ending};

impl Desk {
    /// Checks every invariant of the desk.
    ///
    /// # Errors
    /// The first one that does not hold, in words.
    pub fn check(&self) -> Result<(), String> {
        if let Some(words) = &self.broken {
            return Err(words.clone());
        }
        for order in &self.orders {
            self.check_order(order)?;
        }
        for (key, account) in &self.accounts {
            let mut holds: BTreeMap<String, Decimal> = BTreeMap::new();
            for order in account.open.iter().filter_map(|no| self.orders.get(*no)) {
                add(&mut holds, order.hold_asset(), order.state.hold);
            }
            for (asset, balance) in &account.balances {
                let held = account.held(asset);
                if held != holds.get(asset).copied().unwrap_or_default() {
                    return Err(format!("account {}: holds of {asset} are {held}, its orders hold otherwise", key.0));
                }
                if balance.is_sign_negative() && !balance.is_zero() || held > *balance || held < Decimal::ZERO {
                    return Err(format!("account {}: {asset} has {balance} and holds {held}", key.0));
                }
            }
            let sum = |asset: &str| {
                let entries = account.ledger.iter().filter(|e| e.asset.id == asset);
                entries.fold(Decimal::ZERO, |sum, e| sum.plus(e.amount).minus(e.fee))
            };
            if let Some(asset) = account.balances.keys().find(|asset| sum(asset) != account.balance(asset)) {
                return Err(format!("account {}: the ledger of {asset} does not sum up to its balance", key.0));
            }
        }
        self.check_conservation()
    }

    fn check_order(&self, order: &Order) -> Result<(), String> {
        let state = &order.state;
        let fills: Vec<_> = state.fills.iter().filter_map(|no| self.fills.get(*no)).collect();
        let sum = |of: fn(&super::account::Fill) -> Decimal| fills.iter().fold(Decimal::ZERO, |s, f| s.plus(of(f)));
        let wrong = |what: &str| Err(format!("order {}: {what}", order.id));
        if sum(|f| f.qty) != state.filled || sum(|f| f.cost) != state.cost || sum(|f| f.fee) != state.fee {
            return wrong("its fills do not sum up to what it reports");
        }
        if !order.ticket.in_quote && state.filled > state.qty {
            return wrong("it is filled beyond its quantity");
        }
        if (state.phase == Phase::Done) != state.ending.is_some() || state.ending.is_some() != state.closed_at.is_some()
        {
            return wrong("its end is not one");
        }
        if state.ending == Some(Ending::Filled) && !order.left().is_zero() {
            return wrong("it says filled and is not");
        }
        let listed = self.accounts.get(&order.account).is_some_and(|a| a.open.contains(&order.no));
        let booked = self.books.get(&order.ticket.pair.symbol).is_some_and(|b| b.contains(&order.no));
        if listed != order.is_open() || booked != order.is_open() {
            return wrong("it is listed wrongly");
        }
        if !order.is_open() && !state.hold.is_zero() {
            return wrong("it ended and still holds funds");
        }
        if order.is_live() && !order.ticket.in_quote && order.left().is_zero() {
            return wrong("it is filled and still in the book");
        }
        Ok(())
    }

    fn check_conservation(&self) -> Result<(), String> {
        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
        for account in self.accounts.values() {
            for (asset, balance) in &account.balances {
                add(&mut sums, asset, *balance);
            }
        }
        for (asset, amount) in self.totals.fees.iter().chain(&self.totals.external) {
            add(&mut sums, asset, *amount);
        }
        for (asset, amount) in &self.totals.deposits {
            add(&mut sums, asset, -*amount);
        }
        match sums.iter().find(|(_, rest)| !rest.is_zero()) {
            Some((asset, rest)) => Err(format!("{rest} of {asset} came from nowhere")),
            None => Ok(()),
        }
    }

    /// SHA-256 (hexadecimal) of orders, fills, balances, ledgers, counters and timers.
    #[must_use]
    pub fn state_hash(&self) -> String {
        let mut hash = Sha256::new();
        for order in &self.orders {
            hash.update(format!("{order:?}"));
        }
        for fill in &self.fills {
            hash.update(format!("{fill:?}"));
        }
        for (key, account) in &self.accounts {
            hash.update(format!("{key:?}{account:?}"));
        }
        hash.update(format!("{:?}{:?}{:?}", self.timers, self.delayed.keys(), (self.seq, self.trade_ids)));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Accounts that are open.
    pub fn accounts(&self) -> impl Iterator<Item = AccountKey> + '_ {
        self.accounts.keys().copied()
    }
}
