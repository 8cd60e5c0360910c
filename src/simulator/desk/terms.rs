//! The checks of an order that need its pair and the market, not its account: modes, minimums, decimals and ticks.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::DeskOptions;
use super::draft::{Draft, bad};
use super::numbers::Calc;
use super::order::{CloseTerms, Kind, Ticket, TimeInForce};
use super::price::{Asked, Offset, away_is_up};
use super::venue::{Mode, PairSpec};
use crate::simulator::protocol::{Side, SimNs};

/// Beyond this nothing is a price or a quantity.
const HUGE: Decimal = Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0);

/// # Errors
/// When the exchange or the pair does not let such an order in now.
pub(super) fn let_in(mode: Mode, draft: &Draft) -> Result<(), String> {
    let limit = matches!(draft.kind, Kind::Limit | Kind::Iceberg);
    let closed = match mode {
        Mode::Online => return Ok(()),
        Mode::Maintenance => return Err("EService:Unavailable".to_owned()),
        Mode::CancelOnly => "cancel_only",
        Mode::ReduceOnly => "reduce_only",
        Mode::PostOnly if limit && draft.post_only => return Ok(()),
        Mode::PostOnly => "post_only",
        Mode::LimitOnly if limit => return Ok(()),
        Mode::LimitOnly => "limit_only",
    };
    Err(format!("EService:Market in {closed} mode"))
}

/// A price must be above zero, with the pair's decimals and on its tick.
pub(super) fn checked_price(price: Decimal, pair: &PairSpec) -> Result<Decimal, String> {
    if price <= Decimal::ZERO || price > HUGE {
        return Err("EOrder:Invalid price".to_owned());
    }
    if price.normalize().scale() > pair.price_decimals {
        let (symbol, decimals) = (&pair.symbol, pair.price_decimals);
        return Err(format!("EOrder:Invalid price:{symbol} price can only be specified up to {decimals} decimals."));
    }
    if !pair.tick.is_zero() && !price.rest_of(pair.tick).is_zero() {
        return Err("EOrder:Tick size check failed".to_owned());
    }
    Ok(price)
}

/// A quantity must have the pair's decimals.
pub(super) fn checked_qty(qty: Decimal, decimals: u32) -> Result<Decimal, String> {
    if qty <= Decimal::ZERO || qty > HUGE || qty.normalize().scale() > decimals { Err(bad("volume")) } else { Ok(qty) }
}

fn trail(asked: Option<Asked>, field: &str) -> Result<Offset, String> {
    match asked {
        Some(Asked::By(offset)) => Ok(offset),
        _ => Err(bad(field)),
    }
}

/// The prices of an order once relative ones are resolved.
#[derive(Debug, Clone, Copy, Default)]
struct Prices {
    limit: Option<Decimal>,
    trigger: Option<Decimal>,
    trail: Option<Offset>,
    trail_limit: Option<Offset>,
}

fn prices(
    kind: Kind,
    side: Side,
    limit: Option<Asked>,
    trigger: Option<Asked>,
    last: Option<Decimal>,
    tick: Decimal,
) -> Result<Prices, String> {
    let up = away_is_up(side, kind.is_triggered() && !kind.is_take_profit());
    let resolve = |asked: Option<Asked>, field: &str| {
        let asked = asked.ok_or_else(|| bad(field))?;
        asked.resolve(last, tick, up).map(Some).ok_or_else(|| "EOrder:Invalid price".to_owned())
    };
    match kind {
        Kind::Market => Ok(Prices::default()),
        Kind::Limit | Kind::Iceberg => Ok(Prices { limit: resolve(limit, "price")?, ..Prices::default() }),
        Kind::TrailingStop | Kind::TrailingStopLimit => {
            let distance = trail(trigger, "price")?;
            if distance.amount <= Decimal::ZERO || (distance.percent && distance.amount >= Decimal::ONE_HUNDRED) {
                return Err(bad("price"));
            }
            let trail_limit = if kind == Kind::TrailingStopLimit { Some(trail(limit, "price2")?) } else { None };
            Ok(Prices { trail: Some(distance), trail_limit, ..Prices::default() })
        }
        _ => {
            let limit = if kind.has_limit() { resolve(limit, "price2")? } else { None };
            Ok(Prices { limit, trigger: resolve(trigger, "price")?, ..Prices::default() })
        }
    }
}

impl Draft {
    /// Checks this order against its pair.
    ///
    /// # Errors
    /// The first check that fails, in the words of the exchange.
    pub fn ticket(
        self,
        pair: &Arc<PairSpec>,
        last: Option<Decimal>,
        now: SimNs,
        options: &DeskOptions,
    ) -> Result<Ticket, String> {
        let tif = self.time_in_force()?;
        self.fits_together(tif)?;
        let (qty, in_quote) = match (self.qty, self.quote_qty) {
            (Some(qty), None) => (qty, false),
            (None, Some(cost)) => (cost, true),
            _ => return Err(bad("volume")),
        };
        let found = prices(self.kind, self.side, self.limit, self.trigger, last, pair.tick)?;
        if [found.limit, found.trigger].into_iter().flatten().any(|price| price <= Decimal::ZERO) {
            return Err("EOrder:Invalid price".to_owned());
        }
        let reference = found.limit.or(found.trigger).or(last).unwrap_or_default();
        if !in_quote && qty < pair.min_qty {
            return Err("EOrder:Order minimum not met".to_owned());
        }
        let cost = if in_quote { qty } else { qty.times(reference) };
        let priced = in_quote || !reference.is_zero();
        if priced && cost < pair.min_cost {
            return Err("EOrder:Cost minimum not met".to_owned());
        }
        for price in [found.limit, found.trigger].into_iter().flatten() {
            checked_price(price, pair)?;
        }
        checked_qty(qty, if in_quote { pair.cost_decimals } else { pair.lot_decimals })?;
        let display = self.display_of(qty, pair)?;
        self.close.as_ref().map_or(Ok(()), |close| close.check(self.side, last, pair))?;
        Ok(Ticket {
            pair: Arc::clone(pair),
            side: self.side,
            kind: self.kind,
            qty,
            in_quote,
            limit: found.limit,
            trigger: found.trigger,
            trail: found.trail,
            trail_limit: found.trail_limit,
            display,
            tif,
            post_only: self.post_only,
            fee_in_base: self.fee_in_base.unwrap_or(self.side == Side::Sell && options.sell_fee_in_base),
            index_trigger: self.index_trigger,
            self_trade: self.self_trade,
            userref: self.userref.unwrap_or_default(),
            cl_ord_id: self.cl_ord_id,
            starts: self.starts.filter(|at| *at > now),
            expires: self.expires,
            close: self.close,
        })
    }

    fn time_in_force(&self) -> Result<TimeInForce, String> {
        match (self.tif, self.expires) {
            (None, Some(_)) => Ok(TimeInForce::Gtd),
            (Some(TimeInForce::Gtd), None) => Err(bad("expiretm")),
            (Some(TimeInForce::Ioc | TimeInForce::Fok), Some(_)) => Err(bad("expiretm")),
            (Some(TimeInForce::Gtc), Some(_)) => Ok(TimeInForce::Gtd),
            (tif, _) => Ok(tif.unwrap_or_default()),
        }
    }

    fn fits_together(&self, tif: TimeInForce) -> Result<(), String> {
        let limit = matches!(self.kind, Kind::Limit | Kind::Iceberg);
        let at_once = matches!(tif, TimeInForce::Ioc | TimeInForce::Fok);
        if self.post_only && (!limit || at_once) {
            return Err(bad("oflags"));
        }
        if at_once && self.kind != Kind::Limit && !(self.kind == Kind::Market && tif == TimeInForce::Ioc) {
            return Err(bad("timeinforce"));
        }
        if self.quote_qty.is_some() && (self.kind != Kind::Market || self.side == Side::Sell) {
            return Err(bad("viqc"));
        }
        if self.cl_ord_id.is_some() && self.userref.is_some_and(|r| r != 0) {
            return Err(bad("cl_ord_id"));
        }
        Ok(())
    }

    fn display_of(&self, qty: Decimal, pair: &PairSpec) -> Result<Option<Decimal>, String> {
        if self.kind != Kind::Iceberg {
            return Ok(None);
        }
        let display = self.display.ok_or_else(|| bad("displayvol"))?;
        checked_display(display, qty, pair).map(Some)
    }
}

/// What an iceberg shows: at least a fifteenth of it, at most all.
pub(super) fn checked_display(display: Decimal, qty: Decimal, pair: &PairSpec) -> Result<Decimal, String> {
    let fits = display <= qty && display.times(Decimal::from(15)) >= qty;
    if fits && display.normalize().scale() <= pair.lot_decimals { Ok(display) } else { Err(bad("displayvol")) }
}

impl CloseTerms {
    fn check(&self, side: Side, last: Option<Decimal>, pair: &PairSpec) -> Result<(), String> {
        let found = prices(self.kind, side.opposite(), self.limit, self.trigger, last, pair.tick).map_err(|e| {
            e.replace("arguments:price2", "arguments:close[price2]")
                .replace("arguments:price", "arguments:close[price]")
        })?;
        for price in [found.limit, found.trigger].into_iter().flatten() {
            checked_price(price, pair)?;
        }
        Ok(())
    }

    /// The order that closes a fill of `qty` of `first`.
    pub fn ticket(&self, first: &Ticket, qty: Decimal, last: Option<Decimal>) -> Result<Ticket, String> {
        let side = first.side.opposite();
        let found = prices(self.kind, side, self.limit, self.trigger, last, first.pair.tick)?;
        Ok(Ticket {
            pair: Arc::clone(&first.pair),
            side,
            kind: self.kind,
            qty,
            in_quote: false,
            limit: found.limit,
            trigger: found.trigger,
            trail: found.trail,
            trail_limit: found.trail_limit,
            display: None,
            tif: TimeInForce::Gtc,
            post_only: false,
            fee_in_base: false,
            index_trigger: first.index_trigger,
            self_trade: first.self_trade,
            userref: first.userref,
            cl_ord_id: None,
            starts: None,
            expires: None,
            close: None,
        })
    }
}
