//! One fill: cost, fee, ledger, balances, and what the order reports of it.

use rust_decimal::Decimal;

use super::account::{Fill, LedgerEntry, add};
use super::fees::{charge, share};
use super::funds::{counts_for_tier, dollars};
use super::numbers::{Calc, round_half_up};
use super::order::OrderNo;
use super::venue::{AssetSpec, Venue};
use super::{AccountKey, Desk};
use crate::simulator::protocol::{Side, SimNs};

/// A match of an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub qty: Decimal,
    pub price: Decimal,
    pub maker: bool,
    pub trade_id: u64,
}

/// What a fill moves. `paid` leaves the account with its fee, `received` enters it less its fee.
#[derive(Debug, Clone, Copy)]
struct Amounts {
    cost: Decimal,
    fee_base: Decimal,
    fee_quote: Decimal,
    /// The fee as REST reports it, in quote currency.
    fee: Decimal,
}

impl Desk {
    pub(super) const fn next_trade_id(&mut self) -> u64 {
        self.trade_ids += 1;
        self.trade_ids
    }

    /// Books one fill of an order against the outside; fills between accounts of the desk are two of these.
    pub(super) fn fill(&mut self, no: OrderNo, hit: Hit, now: SimNs, venue: &dyn Venue) {
        let Some(order) = self.orders.get(no) else { return };
        let (key, side, pair) = (order.account, order.ticket.side, std::sync::Arc::clone(&order.ticket.pair));
        let amounts = self.amounts(no, hit, now);
        let id = self.ids.trade();
        let lag = SimNs(now.0).plus_ms(self.options.rest_lag_ms);
        let visible_at = self.orders.get(no).map_or(lag, |o| o.hidden_until.max(lag));
        let sign = if side == Side::Buy { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
        let moves = [
            (&pair.base, hit.qty.times(sign), amounts.fee_base),
            (&pair.quote, amounts.cost.times(-sign), amounts.fee_quote),
        ];
        let mut ledgers = Vec::new();
        for (asset, amount, fee) in moves {
            ledgers.push(self.book(key, asset, amount, fee, &id, now, visible_at));
        }
        let fee_usd = dollars(&pair.quote.name, amounts.fee, venue);
        let in_base = self.orders.get(no).is_some_and(|o| o.ticket.fee_in_base);
        let fill = Fill {
            id,
            order: no,
            account: key,
            at: now,
            price: hit.price,
            qty: hit.qty,
            cost: amounts.cost,
            fee: amounts.fee,
            fee_asset: if in_base { pair.base.name.clone() } else { pair.quote.name.clone() },
            fee_qty: if in_base { amounts.fee_base } else { amounts.fee_quote },
            fee_usd,
            maker: hit.maker,
            trade_id: hit.trade_id,
            ledgers: ledgers.iter().map(|entry| entry.id.clone()).collect(),
            visible_at,
        };
        let volume =
            if counts_for_tier(&pair) { dollars(&pair.quote.name, amounts.cost, venue) } else { Decimal::ZERO };
        let fill_no = self.fills.len();
        if let Some(account) = self.accounts.get_mut(&key) {
            account.fills.push(fill_no);
            account.add_volume(now, volume);
        }
        if let Some(order) = self.orders.get_mut(no) {
            let state = &mut order.state;
            state.filled = state.filled.plus(hit.qty);
            state.cost = state.cost.plus(amounts.cost);
            state.fee = state.fee.plus(amounts.fee);
            state.fee_usd = state.fee_usd.plus(fee_usd);
            state.queue.visible = state.queue.visible.minus(hit.qty).max(Decimal::ZERO);
            state.fills.push(fill_no);
            if order.ticket.close.is_some() {
                self.closes.push((no, hit.qty));
            }
        }
        self.fills.push(fill);
        self.refresh_hold(no, now, venue);
        self.push_trade(no, fill_no, now);
        self.push_ledger(no, &ledgers);
        self.note(no, now);
    }

    /// Cost and fees of a match, with rounding that never asks for more than the account has.
    fn amounts(&mut self, no: OrderNo, hit: Hit, now: SimNs) -> Amounts {
        let Some(order) = self.orders.get(no) else {
            return Amounts {
                cost: Decimal::ZERO,
                fee_base: Decimal::ZERO,
                fee_quote: Decimal::ZERO,
                fee: Decimal::ZERO,
            };
        };
        let (pair, side, in_base) = (&order.ticket.pair, order.ticket.side, order.ticket.fee_in_base);
        let percent = self.percent(order.account, pair, hit.maker, now);
        let mut cost = round_half_up(hit.qty.times(hit.price), pair.cost_decimals);
        let mut fee = charge(cost, percent, pair.cost_decimals);
        let mut fee_base = if in_base { charge(hit.qty, percent, pair.lot_decimals) } else { Decimal::ZERO };
        let has = self.spendable(no);
        // Each fill is rounded by itself, so many small ones may cost a few last digits more than their sum. What the balance lacks then
        // is left to the customer.
        let dust = Decimal::new(1_000, pair.cost_decimals);
        let mut short = Decimal::ZERO;
        match side {
            Side::Buy if in_base => {
                short = cost.minus(has).max(Decimal::ZERO);
                cost = cost.min(has);
            }
            Side::Buy => {
                fee = fee.min(has.minus(cost).max(Decimal::ZERO));
                short = cost.minus(has).max(Decimal::ZERO);
                cost = cost.min(has);
            }
            Side::Sell if in_base => fee_base = fee_base.min(has.minus(hit.qty).max(Decimal::ZERO)),
            Side::Sell => {}
        }
        if short > dust || (side == Side::Sell && hit.qty > has) {
            let words = format!("order {} was filled beyond its funds by {short}", order.id);
            self.broken.get_or_insert(words);
        }
        Amounts { cost, fee_base, fee_quote: if in_base { Decimal::ZERO } else { fee }, fee }
    }

    /// Writes one ledger entry and moves the balance.
    #[expect(clippy::too_many_arguments, reason = "a ledger entry has that many fields")]
    fn book(
        &mut self,
        key: AccountKey,
        asset: &AssetSpec,
        amount: Decimal,
        fee: Decimal,
        trade: &str,
        now: SimNs,
        visible_at: SimNs,
    ) -> LedgerEntry {
        self.know(key, asset);
        let id = self.ids.ledger();
        add(&mut self.totals.fees, &asset.id, fee);
        add(&mut self.totals.external, &asset.id, -amount);
        let mut entry = LedgerEntry {
            id,
            ref_id: trade.to_owned(),
            at: now,
            kind: "trade",
            asset: asset.clone(),
            amount,
            fee,
            balance: Decimal::ZERO,
            visible_at,
        };
        if let Some(account) = self.accounts.get_mut(&key) {
            add(&mut account.balances, &asset.id, amount.minus(fee));
            entry.balance = account.balance(&asset.id);
            if entry.balance.is_sign_negative() && !entry.balance.is_zero() {
                let words = format!("balance of {} in account {} fell to {}", asset.id, key.0, entry.balance);
                self.broken.get_or_insert(words);
            }
            account.ledger.push(entry.clone());
        }
        entry
    }

    /// Most base quantity that `funds` of quote currency buy at `price` with the fee, in whole lots.
    pub(super) fn affordable(funds: Decimal, price: Decimal, percent: Decimal, lot_decimals: u32) -> Decimal {
        super::numbers::round_down(funds.over(price.plus(share(price, percent))), lot_decimals)
    }
}
