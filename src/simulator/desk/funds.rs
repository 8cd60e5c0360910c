//! Holds: what open orders may still cost, set aside from the balance they pay with.

use rust_decimal::Decimal;

use super::account::add;
use super::numbers::Calc;
use super::order::{OrderNo, Ticket, needed};
use super::venue::{AssetSpec, PairSpec, Venue};
use super::{AccountKey, Desk};
use crate::simulator::protocol::SimNs;

/// Assets that are worth a dollar.
const DOLLARS: [&str; 8] = ["USD", "USDT", "USDC", "DAI", "PYUSD", "USDG", "RLUSD", "USDS"];
/// Other assets whose trading against dollars does not count as volume.
const FIAT: [&str; 9] = ["EUR", "GBP", "CHF", "CAD", "AUD", "JPY", "EURT", "EURC", "EURQ"];

impl Desk {
    /// Fee in percent that a hold must cover.
    pub(super) fn worst_percent(&self, account: AccountKey, pair: &PairSpec, now: SimNs) -> Decimal {
        self.accounts.get(&account).map_or(Decimal::ZERO, |a| pair.fees.worst(a.volume(now)))
    }

    /// Fee in percent of a trade now.
    pub(super) fn percent(&self, account: AccountKey, pair: &PairSpec, maker: bool, now: SimNs) -> Decimal {
        self.accounts.get(&account).map_or(Decimal::ZERO, |a| pair.fees.percent(a.volume(now), maker))
    }

    /// What this order may spend: the balance less what other orders hold.
    pub(super) fn spendable(&self, no: OrderNo) -> Decimal {
        let Some(order) = self.orders.get(no) else { return Decimal::ZERO };
        let Some(account) = self.accounts.get(&order.account) else { return Decimal::ZERO };
        account.free(order.hold_asset()).plus(order.state.hold)
    }

    /// Sets an order's hold to what it may still cost, at most to what the account has.
    pub(super) fn refresh_hold(&mut self, no: OrderNo, now: SimNs, venue: &dyn Venue) {
        let Some(order) = self.orders.get(no) else { return };
        let wanted = if order.is_open() {
            let percent = self.worst_percent(order.account, &order.ticket.pair, now);
            let market = venue.last_price(&order.ticket.pair.symbol).unwrap_or_default();
            needed(&order.ticket, &order.state, percent, market).min(self.spendable(no))
        } else {
            Decimal::ZERO
        };
        self.set_hold(no, wanted);
    }

    pub(super) fn set_hold(&mut self, no: OrderNo, amount: Decimal) {
        let Some(order) = self.orders.get_mut(no) else { return };
        let change = amount.minus(order.state.hold);
        if change.is_zero() {
            return;
        }
        order.state.hold = amount;
        if let Some(account) = self.accounts.get_mut(&order.account) {
            add(&mut account.holds, order.hold_asset(), change);
        }
    }

    /// What a new order must find free; for unscheduled market buys the price is that of the book.
    pub(super) fn price_of_entry(
        &self,
        now: SimNs,
        account: AccountKey,
        ticket: &Ticket,
        venue: &dyn Venue,
    ) -> Decimal {
        let percent = self.worst_percent(account, &ticket.pair, now);
        let last = venue.last_price(&ticket.pair.symbol).unwrap_or_default();
        let at_once = ticket.kind == super::order::Kind::Market && ticket.starts.is_none() && !ticket.in_quote;
        let market = if at_once { self.market_price(account, ticket, venue).unwrap_or(last) } else { last };
        needed(ticket, &super::order::State::new(ticket, now), percent, market)
    }

    /// Remembers an asset's names and decimals for views.
    pub(super) fn know(&mut self, account: AccountKey, asset: &AssetSpec) {
        if let Some(account) = self.accounts.get_mut(&account)
            && !account.assets.contains_key(&asset.id)
        {
            account.assets.insert(asset.id.clone(), asset.clone());
        }
    }
}

/// `amount` of an asset (v2 name) in dollars; zero when no price leads there.
pub(super) fn dollars(name: &str, amount: Decimal, venue: &dyn Venue) -> Decimal {
    if DOLLARS.contains(&name) {
        return amount;
    }
    let price = ["USD", "USDT", "USDC"].iter().find_map(|quote| venue.last_price(&format!("{name}/{quote}")));
    amount.times(price.unwrap_or_default())
}

/// Whether trades of a pair count for the fee tier: stablecoins and currencies among themselves do not.
pub(super) fn counts_for_tier(pair: &PairSpec) -> bool {
    let money = |name: &str| DOLLARS.contains(&name) || FIAT.contains(&name);
    !(money(&pair.base.name) && money(&pair.quote.name))
}
