//! The same books once more, from the fills alone: what the stored account must agree with.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::LedgerError;
use crate::broker::lot::{Lot, notional};
use crate::domain::{AccountState, Fill, Money, Pair, Price, Qty, Side};

/// What is held of a pair, according to the fills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holding {
    pub qty: Qty,
    pub entry: Price,
    pub entry_fees: Money,
}

/// An account according to its fills.
#[derive(Debug, Clone, PartialEq)]
pub struct Books {
    pub cash: Money,
    pub realised: Money,
    pub fees: Money,
    pub fills: u64,
    pub trades_closed: u64,
    pub trades_won: u64,
    pub holdings: BTreeMap<Pair, Holding>,
}

/// Books of an account that started with `initial` and had `fills`, all of one account and oldest first. A fill that
/// appears twice counts once.
///
/// # Errors
/// [`LedgerError`] when the fills sell what they did not buy, or leave the exact range.
pub fn rebuild(initial: Money, fills: &[Fill]) -> Result<Books, LedgerError> {
    let mut lots: BTreeMap<Pair, Lot> = BTreeMap::new();
    let mut books = Books {
        cash: initial,
        realised: Money::ZERO,
        fees: Money::ZERO,
        fills: 0,
        trades_closed: 0,
        trades_won: 0,
        holdings: BTreeMap::new(),
    };
    let mut last = None;
    for fill in fills {
        if last.is_some_and(|last| fill.id <= last) {
            continue;
        }
        last = Some(fill.id);
        let inexact = || LedgerError::Inexact { fill: fill.id };
        let value = notional(fill.price, fill.qty).ok_or_else(inexact)?;
        books.fills += 1;
        books.fees += fill.fee;
        books.cash -= fill.fee;
        match fill.side {
            Side::Buy => {
                books.cash -= value;
                let lot = match lots.get(&fill.pair) {
                    Some(lot) => lot.plus(fill.price, fill.qty, fill.fee),
                    None => Lot::bought(fill.price, fill.qty, fill.fee),
                };
                lots.insert(fill.pair.clone(), lot.ok_or_else(inexact)?);
            }
            Side::Sell => {
                books.cash += value;
                let held = lots.get(&fill.pair).map_or(Qty::ZERO, |lot| lot.qty);
                let Some(lot) = lots.get(&fill.pair).filter(|lot| lot.qty >= fill.qty) else {
                    return Err(LedgerError::Oversold { fill: fill.id, pair: fill.pair.clone(), sold: fill.qty, held });
                };
                let sale = lot.sold(fill.price, fill.qty, fill.fee).ok_or_else(inexact)?;
                books.realised += sale.pnl;
                match sale.rest {
                    Some(rest) => {
                        lots.insert(fill.pair.clone(), rest);
                    }
                    None => {
                        lots.remove(&fill.pair);
                        books.trades_closed += 1;
                        let pnl = sale.closed.proceeds - sale.closed.cost - sale.closed.fees;
                        books.trades_won += u64::from(pnl > Money::ZERO);
                    }
                }
            }
        }
    }
    books.holdings = lots
        .into_iter()
        .map(|(pair, lot)| (pair, Holding { qty: lot.qty, entry: lot.entry, entry_fees: lot.entry_fees }))
        .collect();
    Ok(books)
}

/// Whether a stored account is what its fills (all of them, oldest first) make of its initial cash.
///
/// # Errors
/// [`LedgerError::Mismatch`] with the first figure that differs, or what [`rebuild`] found.
pub fn verify(state: &AccountState, fills: &[Fill]) -> Result<(), LedgerError> {
    if let Some(other) = fills.iter().find(|f| f.account != state.id) {
        return Err(LedgerError::WrongAccount { fill: other.id, owner: other.account, account: state.id });
    }
    let books = rebuild(state.initial_cash, fills)?;
    same(state, "the number of fills", &state.fills, &books.fills)?;
    same(state, "cash", &state.cash, &books.cash)?;
    same(state, "realised profit", &state.realised, &books.realised)?;
    same(state, "fees paid", &state.fees, &books.fees)?;
    same(state, "the number of closed trades", &state.trades_closed, &books.trades_closed)?;
    same(state, "the number of trades won", &state.trades_won, &books.trades_won)?;
    same(state, "the number of positions", &state.positions.len(), &books.holdings.len())?;
    for (pair, position) in &state.positions {
        let none = Qty::ZERO;
        let holding = books.holdings.get(pair);
        same(state, &format!("the quantity of {pair}"), &position.qty, holding.map_or(&none, |h| &h.qty))?;
        if let Some(holding) = holding {
            same(state, &format!("the entry price of {pair}"), &position.entry, &holding.entry)?;
            same(state, &format!("the open entry fees of {pair}"), &position.entry_fees, &holding.entry_fees)?;
        }
    }
    Ok(())
}

fn same<T: PartialEq + Display>(state: &AccountState, what: &str, stored: &T, rebuilt: &T) -> Result<(), LedgerError> {
    if stored == rebuilt {
        return Ok(());
    }
    Err(LedgerError::Mismatch {
        account: state.id,
        what: what.to_owned(),
        stored: stored.to_string(),
        rebuilt: rebuilt.to_string(),
    })
}
