//! The arithmetic of one holding: average cost, exact to the last digit.

use rust_decimal::Decimal;

use crate::domain::{ClosedPart, Money, Position, Price, Qty};

/// Decimals to which a holding's cost is exact: more than any price × quantity of the exchange has.
const COST_DECIMALS: u32 = 18;
/// Decimals of a share of the entry fees.
const FEE_SHARE_DECIMALS: u32 = 10;

/// What is held of one pair.
///
/// The average entry is a quotient and may go on forever, the cost behind it does not: it is recovered from
/// `entry × qty` by rounding to [`COST_DECIMALS`], and every change checks that this gives back the exact sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lot {
    pub qty: Qty,
    pub entry: Price,
    pub entry_fees: Money,
    pub closed: ClosedPart,
}

/// What a sale took out of a lot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sale {
    /// Net of the exit fee and its share of the entry fees.
    pub pnl: Money,
    /// What is still held; `None` when everything is sold.
    pub rest: Option<Lot>,
    /// Everything sold of this trade so far, this sale included.
    pub closed: ClosedPart,
}

impl Lot {
    pub(super) const fn of(position: &Position) -> Self {
        Self { qty: position.qty, entry: position.entry, entry_fees: position.entry_fees, closed: position.closed }
    }

    pub(super) fn bought(price: Price, qty: Qty, fee: Money) -> Option<Self> {
        let lot = Self { qty, entry: price, entry_fees: fee, closed: ClosedPart::default() };
        (lot.cost()? == notional(price, qty)?).then_some(lot)
    }

    /// What the open quantity cost, without fees. `None` beyond a decimal's range.
    pub(super) fn cost(&self) -> Option<Money> {
        Some(Money(self.entry.get().checked_mul(self.qty.get())?.round_dp(COST_DECIMALS)))
    }

    /// This lot with more bought. `None` when the sum cannot be kept exactly.
    pub(super) fn plus(&self, price: Price, qty: Qty, fee: Money) -> Option<Self> {
        let cost = self.cost()?.0.checked_add(notional(price, qty)?.0)?;
        let held = self.qty.get().checked_add(qty.get())?;
        let lot = Self {
            qty: Qty::new(held).ok()?,
            entry: Price::new(cost.checked_div(held)?).ok()?,
            entry_fees: self.entry_fees + fee,
            closed: self.closed,
        };
        (lot.cost()?.0 == cost).then_some(lot)
    }

    /// This lot with `qty` sold; the caller has checked that it holds that much. `None` beyond a decimal's range.
    pub(super) fn sold(&self, price: Price, qty: Qty, fee: Money) -> Option<Sale> {
        let proceeds = notional(price, qty)?;
        let held = self.qty.minus(qty);
        let mut rest = Self { qty: held, ..*self };
        let cost = self.cost()? - rest.cost()?;
        let entry_fee = if held.is_zero() {
            self.entry_fees
        } else {
            let share: Decimal = self.entry_fees.0.checked_mul(qty.get())?.checked_div(self.qty.get())?;
            Money(share.round_dp(FEE_SHARE_DECIMALS))
        };
        rest.entry_fees -= entry_fee;
        rest.closed = ClosedPart {
            qty: self.closed.qty.plus(qty),
            cost: self.closed.cost + cost,
            proceeds: self.closed.proceeds + proceeds,
            fees: self.closed.fees + entry_fee + fee,
        };
        let pnl = proceeds - cost - entry_fee - fee;
        Some(Sale { pnl, closed: rest.closed, rest: (!held.is_zero()).then_some(rest) })
    }
}

/// `price × qty`; `None` beyond a decimal's range.
pub(super) fn notional(price: Price, qty: Qty) -> Option<Money> {
    price.get().checked_mul(qty.get()).map(Money)
}
