//! The paper broker: takes intents, meets them with closed candles, returns order changes and fills.
//!
//! Which candle an order meets. Decisions fall on the close of a bar, and the next candle opens at that very instant:
//! market and stop orders meet candles that open at the intent's instant or later, a limit order only candles that open
//! after its latency has passed (whether it was there in time for the first trades of a forming candle is not known).
//! Market orders fill at that open, moved against the order by half the assumed spread and the square-root impact
//! of the whole order; stops at the worse of trigger and open, moved likewise; limits at their price, as maker, when the
//! market traded *through* it. Nobody fills more than [`MAX_VOLUME_SHARE`] of a candle; the rest waits for later ones.
//! A cancellation takes effect before the next candle.
//!
//! Orders of one group and side, but of different purpose (stop, target), share their quantity: what one fills is taken off
//! the others, and a stop that is touched cancels them. Within one candle no account gains from both the low and the high:
//! limits of only one side fill, and none after a stop was touched.

use std::collections::{BTreeMap, VecDeque};

use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};

use super::fees::FeeSchedule;
use super::tape::Tape;
use crate::domain::settings::PaperSettings;
use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::domain::{
    AccountId, Fill, Instrument, Intent, Money, Order, OrderId, OrderKind, OrderStatus, Pair, Price, Purpose, Qty,
    UtcMs,
};

/// Share of a candle's volume that one account can get.
pub const MAX_VOLUME_SHARE: Decimal = dec!(0.10);

/// Identifiers of finished orders that are remembered, so that an intent sent twice is not traded twice.
const REMEMBERED: usize = 256;

/// What the broker tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", content = "value", rename_all = "snake_case")]
pub enum BrokerEvent {
    Order(Order),
    Fill(Fill),
}

/// A working order with what only the broker needs to know about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Working {
    pub order: Order,
    /// Quantity that others of the group have filled in its place.
    pub taken: Qty,
    /// A stop that was touched: from then on a market order.
    pub triggered: bool,
    /// Price the decision saw.
    pub reference: Option<Price>,
}

impl Working {
    pub(super) fn rest(&self) -> Qty {
        self.order.intent.qty.minus(self.order.filled).minus(self.taken)
    }
}

/// The simulated exchange for both accounts. Serialisable: a restart goes on where it stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaperBroker {
    pub(super) settings: PaperSettings,
    pub(super) fees: FeeSchedule,
    pub(super) instruments: BTreeMap<Pair, Instrument>,
    /// Working orders, in the order of their identifiers.
    pub(super) orders: Vec<Working>,
    pub(super) tapes: BTreeMap<Pair, Tape>,
    /// Traded notional of the last 30 days per account and hour: it picks the fee tier.
    volumes: BTreeMap<AccountId, VecDeque<(UtcMs, Money)>>,
    finished: VecDeque<OrderId>,
    pub(super) next_fill: u64,
}

impl PaperBroker {
    /// A broker without orders and without a past.
    #[must_use]
    pub fn new(settings: &PaperSettings, instruments: Vec<Instrument>) -> Self {
        Self {
            settings: settings.clone(),
            fees: FeeSchedule::with_settings(settings),
            instruments: instruments.into_iter().map(|i| (i.pair.clone(), i)).collect(),
            orders: Vec::new(),
            tapes: BTreeMap::new(),
            volumes: BTreeMap::new(),
            finished: VecDeque::new(),
            next_fill: 1,
        }
    }

    /// The fee schedule it charges by.
    #[must_use]
    pub const fn fees(&self) -> &FeeSchedule {
        &self.fees
    }

    /// Last trade of a pair that was seen.
    #[must_use]
    pub fn last_price(&self, pair: &Pair) -> Option<Price> {
        self.tapes.get(pair).map(|tape| tape.last)
    }

    /// Orders of an account that can still change.
    pub fn working(&self, account: AccountId) -> impl Iterator<Item = &Order> {
        self.orders.iter().map(|w| &w.order).filter(move |o| o.intent.account == account)
    }

    /// Takes an order in, or rejects it with the reason in its note. An intent that is already working is answered with its
    /// state, one that is finished with nothing: it is never traded twice.
    pub fn submit(&mut self, intent: &Intent) -> Vec<BrokerEvent> {
        if let Some(known) = self.orders.iter().find(|w| w.order.intent.order == intent.order) {
            return vec![BrokerEvent::Order(known.order.clone())];
        }
        if self.finished.contains(&intent.order) {
            return Vec::new();
        }
        let mut order = Order {
            intent: intent.clone(),
            status: OrderStatus::Pending,
            filled: Qty::ZERO,
            live_from: intent.at.plus(self.settings.latency_ms.max(0)),
            updated: intent.at,
            note: None,
        };
        if let Err(reason) = self.check(intent) {
            order.status = OrderStatus::Rejected;
            order.note = Some(reason);
            self.remember(intent.order);
        } else {
            let reference = match intent.kind {
                OrderKind::Market => self.tapes.get(&intent.pair).map(|t| t.last),
                OrderKind::Limit { price } | OrderKind::StopLoss { trigger: price } => Some(price),
            };
            let working = Working { order: order.clone(), taken: Qty::ZERO, triggered: false, reference };
            let place = self.orders.partition_point(|w| w.order.intent.order < intent.order);
            self.orders.insert(place, working);
        }
        vec![BrokerEvent::Order(order)]
    }

    /// Cancels what is left of an order. Nothing happens when it is already final or belongs to the other account.
    pub fn cancel(&mut self, order: OrderId, account: AccountId, at: UtcMs) -> Vec<BrokerEvent> {
        let wanted = |w: &Working| w.order.intent.order == order && w.order.intent.account == account;
        let Some(place) = self.orders.iter().position(wanted) else { return Vec::new() };
        let mut order = self.orders.remove(place).order;
        order.status = OrderStatus::Canceled;
        order.updated = at;
        order.note = Some("cancelled on request".to_owned());
        self.remember(order.intent.order);
        vec![BrokerEvent::Order(order)]
    }

    /// Why the exchange would refuse the intent. The minimum holds for entries only: a position that a partial fill left
    /// below it must stay closable.
    fn check(&self, intent: &Intent) -> Result<(), String> {
        let pair = &intent.pair;
        let Some(instrument) = self.instruments.get(pair) else {
            return Err(format!("'{pair}' is not traded here"));
        };
        if intent.qty.is_zero() {
            return Err("the quantity is 0".to_owned());
        }
        if instrument.round_qty(intent.qty.get()) != intent.qty {
            return Err(format!(
                "quantity {} is off the lot: {pair} takes at most {} decimals",
                intent.qty, instrument.lot_decimals
            ));
        }
        let stated = match intent.kind {
            OrderKind::Market => None,
            OrderKind::Limit { price } | OrderKind::StopLoss { trigger: price } => Some(price),
        };
        if let Some(price) = stated
            && instrument.round_price(price.get(), false) != Some(price)
        {
            return Err(format!("price {price} is off the tick: {pair} moves in steps of {}", instrument.tick_size));
        }
        if intent.purpose == Purpose::Entry {
            let Some(price) = stated.or_else(|| self.tapes.get(pair).map(|t| t.last)) else {
                return Err(format!("no trade in {pair} has been seen yet, so the order cannot be valued"));
            };
            if !instrument.accepts(intent.qty, price) {
                return Err(format!(
                    "{} at {price} is below the minimum of {pair}: {} {} and {} {}",
                    intent.qty,
                    instrument.order_min,
                    pair.base(),
                    instrument.cost_min,
                    pair.quote()
                ));
            }
        }
        Ok(())
    }

    pub(super) fn remember(&mut self, order: OrderId) {
        if self.finished.len() >= REMEMBERED {
            self.finished.pop_front();
        }
        self.finished.push_back(order);
    }

    /// Notional that the account traded in the 30 days before `at`.
    pub(super) fn volume_30d(&mut self, account: AccountId, at: UtcMs) -> Money {
        let traded = self.volumes.entry(account).or_default();
        while traded.front().is_some_and(|(then, _)| at.since(*then) > 30 * DAY_MS) {
            traded.pop_front();
        }
        traded.iter().map(|(_, notional)| *notional).sum()
    }

    pub(super) fn add_volume(&mut self, account: AccountId, at: UtcMs, notional: Money) {
        let hour = at.floor_to(HOUR_MS);
        let traded = self.volumes.entry(account).or_default();
        match traded.back_mut().filter(|(then, _)| *then == hour) {
            Some((_, sum)) => *sum += notional,
            None => traded.push_back((hour, notional)),
        }
    }
}

#[cfg(test)]
mod tests;
