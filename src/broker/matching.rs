//! One closed candle against the working orders of its pair. The rules are described in [`super::paper`].

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::cost::{slippage, sqrt_impact};
use super::fees::fee;
use super::paper::{BrokerEvent, MAX_VOLUME_SHARE, PaperBroker, Working};
use super::tape::{DayStats, Tape};
use crate::domain::{
    AccountId, Candle, Fill, Instrument, Intent, Liquidity, OrderId, OrderKind, OrderStatus, Price, Purpose, Qty, Side,
    UtcMs,
};

/// One candle being worked through.
struct Pass<'a> {
    candle: &'a Candle,
    instrument: Instrument,
    /// Volatility and volume before this candle.
    day: Option<DayStats>,
    /// Base units that each account can still get from this candle.
    left: BTreeMap<AccountId, Qty>,
    /// Accounts whose stop was touched: their limits wait.
    stopped: BTreeSet<AccountId>,
    /// Side on which an account's limits fill in this candle.
    limit_side: BTreeMap<AccountId, Side>,
    events: Vec<BrokerEvent>,
}

/// One execution about to be booked.
struct Execution {
    order: OrderId,
    price: Price,
    qty: Qty,
    liquidity: Liquidity,
    at: UtcMs,
}

impl PaperBroker {
    /// Meets the working orders of the candle's pair with it. Candles of a pair must come in time order; one that is not
    /// later than the last is ignored.
    pub fn on_candle(&mut self, candle: &Candle) -> Vec<BrokerEvent> {
        if self.tapes.get(&candle.pair).is_some_and(|t| candle.open_time < t.closed_at) {
            return Vec::new();
        }
        let Some(mut pass) = self.pass(candle) else { return Vec::new() };
        let present = self.present(candle);
        for id in &present {
            self.fill_at_open(&mut pass, *id);
        }
        for id in &present {
            self.meet_stop(&mut pass, *id);
        }
        for id in &present {
            self.meet_limit(&mut pass, *id);
        }
        self.open_pending(&mut pass, &present);
        match self.tapes.get_mut(&candle.pair) {
            Some(tape) => tape.push(candle),
            None => {
                self.tapes.insert(candle.pair.clone(), Tape::start(candle));
            }
        }
        pass.events
    }

    /// Meets the stops that were placed for an entry which this very candle filled at its open. Its way from there to the close is known, so that
    /// a low below the stop came after the entry. Called once the protective orders of the candle's fills are in.
    pub fn meet_new_stops(&mut self, candle: &Candle) -> Vec<BrokerEvent> {
        let Some(mut pass) = self.pass(candle) else { return Vec::new() };
        let placed_within = |w: &&Working| {
            let order = &w.order;
            order.intent.pair == candle.pair
                && matches!(order.intent.kind, OrderKind::StopLoss { .. })
                && order.intent.at >= candle.open_time
                && order.intent.at < candle.close_time()
        };
        let new: Vec<OrderId> = self.orders.iter().filter(placed_within).map(|w| w.order.intent.order).collect();
        for id in new {
            self.meet_stop(&mut pass, id);
        }
        pass.events
    }

    /// A pass over a candle of a known pair.
    fn pass<'a>(&self, candle: &'a Candle) -> Option<Pass<'a>> {
        let instrument = self.instruments.get(&candle.pair).cloned()?;
        let share = instrument.round_qty(candle.volume.get().saturating_mul(MAX_VOLUME_SHARE));
        Some(Pass {
            candle,
            instrument,
            day: self.tapes.get(&candle.pair).and_then(Tape::day),
            left: AccountId::ALL.into_iter().map(|account| (account, share)).collect(),
            stopped: BTreeSet::new(),
            limit_side: BTreeMap::new(),
            events: Vec::new(),
        })
    }

    /// Orders that were sent when the candle opened, and arrive before it closes.
    fn present(&self, candle: &Candle) -> Vec<OrderId> {
        let here = |w: &&Working| {
            let order = &w.order;
            order.intent.pair == candle.pair
                && order.intent.at <= candle.open_time
                && order.live_from < candle.close_time()
        };
        self.orders.iter().filter(here).map(|w| w.order.intent.order).collect()
    }

    fn find(&self, id: OrderId) -> Option<&Working> {
        self.orders.iter().find(|w| w.order.intent.order == id)
    }

    fn find_mut(&mut self, id: OrderId) -> Option<&mut Working> {
        self.orders.iter_mut().find(|w| w.order.intent.order == id)
    }

    /// Market orders, and what is left of stops that were touched before.
    fn fill_at_open(&mut self, pass: &mut Pass<'_>, id: OrderId) {
        let Some(working) = self.find(id) else { return };
        if working.order.intent.kind != OrderKind::Market && !working.triggered {
            return;
        }
        let at = pass.candle.open_time.max(working.order.live_from);
        self.take(pass, id, pass.candle.open, at);
    }

    /// A stop that the candle touches: the rest of its group is cancelled and it sells (or buys) at once.
    fn meet_stop(&mut self, pass: &mut Pass<'_>, id: OrderId) {
        let candle = pass.candle;
        let Some(working) = self.find_mut(id) else { return };
        let intent = &working.order.intent;
        let OrderKind::StopLoss { trigger } = intent.kind else { return };
        let (touched, price) = match intent.side {
            Side::Sell => (candle.low <= trigger, trigger.min(candle.open)),
            Side::Buy => (candle.high >= trigger, trigger.max(candle.open)),
        };
        if working.triggered || !touched {
            return;
        }
        let intent = intent.clone();
        working.triggered = true;
        pass.stopped.insert(intent.account);
        for other in self.siblings(&intent) {
            self.close(pass, other, "the stop of its group was touched");
        }
        self.take(pass, id, price, candle.close_time());
    }

    /// A limit that the market traded through.
    fn meet_limit(&mut self, pass: &mut Pass<'_>, id: OrderId) {
        let candle = pass.candle;
        let Some(working) = self.find(id) else { return };
        let intent = &working.order.intent;
        let OrderKind::Limit { price } = intent.kind else { return };
        let through = match intent.side {
            Side::Buy => candle.low < price,
            Side::Sell => candle.high > price,
        };
        let in_time = candle.open_time >= working.order.live_from;
        let other_side = pass.limit_side.get(&intent.account).is_some_and(|side| *side != intent.side);
        if !through || !in_time || other_side || pass.stopped.contains(&intent.account) {
            return;
        }
        let (account, side) = (intent.account, intent.side);
        let qty = working.rest().min(pass.left.get(&account).copied().unwrap_or_default());
        if qty.is_zero() {
            return;
        }
        pass.limit_side.insert(account, side);
        let at = candle.close_time();
        self.book(pass, &Execution { order: id, price, qty, liquidity: Liquidity::Maker, at });
    }

    /// Fills as taker around `price`, as far as the candle's volume allows. Without a past to take volatility and volume from,
    /// the impact is unknown and the order waits.
    fn take(&mut self, pass: &mut Pass<'_>, id: OrderId, price: Price, at: UtcMs) {
        let Some(working) = self.find(id) else { return };
        let intent = &working.order.intent;
        let qty = working.rest().min(pass.left.get(&intent.account).copied().unwrap_or_default());
        let Some(price) = self.moved(pass, intent.side, intent.qty, price).filter(|_| !qty.is_zero()) else { return };
        self.book(pass, &Execution { order: id, price, qty, liquidity: Liquidity::Taker, at });
    }

    /// `price` moved against the order by half the spread and its impact, and on to the next tick.
    fn moved(&self, pass: &Pass<'_>, side: Side, qty: Qty, price: Price) -> Option<Price> {
        let day = pass.day?;
        let impact = sqrt_impact(self.settings.impact_y, day.sigma, qty.to_f64(), day.volume)?;
        let share = Decimal::from_f64(slippage(self.settings.spread_bps, impact)?)?;
        let factor = match side {
            Side::Buy => Decimal::ONE.checked_add(share)?,
            Side::Sell => Decimal::ONE.checked_sub(share)?,
        };
        pass.instrument.round_price(price.get().checked_mul(factor)?, side == Side::Buy)
    }

    fn book(&mut self, pass: &mut Pass<'_>, execution: &Execution) {
        let Execution { order: id, price, qty, liquidity, at } = *execution;
        let Some(working) = self.find(id) else { return };
        let intent = working.order.intent.clone();
        let reference = working.reference.unwrap_or(pass.candle.open);
        let notional = price.times(qty);
        let volume = self.volume_30d(intent.account, at);
        let rate = self.fees.rates(at, volume).of(liquidity);
        self.add_volume(intent.account, at, notional);
        let fill = Fill {
            id: self.next_fill,
            order: id,
            decision: intent.decision,
            account: intent.account,
            at,
            pair: intent.pair.clone(),
            side: intent.side,
            price,
            qty,
            fee: fee(notional, rate),
            fee_rate: rate,
            liquidity,
            purpose: intent.purpose,
            reference,
        };
        self.next_fill += 1;
        pass.events.push(BrokerEvent::Fill(fill));
        if let Some(left) = pass.left.get_mut(&intent.account) {
            *left = left.minus(qty);
        }
        self.advance(pass, id, qty);
        let mut owed: BTreeMap<Purpose, Qty> = BTreeMap::new();
        for other in self.siblings(&intent) {
            let Some(working) = self.find_mut(other) else { continue };
            let owed = owed.entry(working.order.intent.purpose).or_insert(qty);
            let part = working.rest().min(*owed);
            *owed = owed.minus(part);
            working.taken = working.taken.plus(part);
            if working.rest().is_zero() {
                self.close(pass, other, &format!("the {} of its group was filled", intent.purpose.as_str()));
            }
        }
    }

    /// Adds a fill to its order and tells the new state.
    fn advance(&mut self, pass: &mut Pass<'_>, id: OrderId, qty: Qty) {
        let Some(working) = self.find_mut(id) else { return };
        working.order.filled = working.order.filled.plus(qty);
        working.order.updated = pass.candle.close_time();
        let done = working.rest().is_zero();
        working.order.status = match done {
            true if working.taken.is_zero() => OrderStatus::Filled,
            true => OrderStatus::Canceled,
            false => OrderStatus::PartiallyFilled,
        };
        if working.order.status == OrderStatus::Canceled {
            working.order.note = Some("the rest was filled by others of its group".to_owned());
        }
        pass.events.push(BrokerEvent::Order(working.order.clone()));
        if done {
            self.orders.retain(|w| w.order.intent.order != id);
            self.remember(id);
        }
    }

    /// Working orders of the same group and side that exist for another purpose. Orders of one purpose stand beside each
    /// other: the stops of an entry that was filled in parts add up.
    fn siblings(&self, of: &Intent) -> Vec<OrderId> {
        let same = |w: &&Working| {
            let i = &w.order.intent;
            of.group.is_some()
                && i.group == of.group
                && i.account == of.account
                && i.pair == of.pair
                && i.side == of.side
                && i.purpose != of.purpose
        };
        self.orders.iter().filter(same).map(|w| w.order.intent.order).collect()
    }

    fn close(&mut self, pass: &mut Pass<'_>, id: OrderId, why: &str) {
        let Some(place) = self.orders.iter().position(|w| w.order.intent.order == id) else { return };
        let mut order = self.orders.remove(place).order;
        order.status = OrderStatus::Canceled;
        order.updated = pass.candle.close_time();
        order.note = Some(why.to_owned());
        self.remember(id);
        pass.events.push(BrokerEvent::Order(order));
    }

    /// Orders that have reached the market and are still waiting are open.
    fn open_pending(&mut self, pass: &mut Pass<'_>, present: &[OrderId]) {
        for id in present {
            let Some(working) = self.find_mut(*id).filter(|w| w.order.status == OrderStatus::Pending) else { continue };
            working.order.status = OrderStatus::Open;
            working.order.updated = pass.candle.close_time();
            pass.events.push(BrokerEvent::Order(working.order.clone()));
        }
    }
}
