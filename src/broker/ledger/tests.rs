use proptest::prelude::*;
use rust_decimal::{Decimal, dec};

use super::*;
use crate::domain::{DecisionId, Horizon, Liquidity, OrderId, Purpose};

fn pair(index: usize) -> Pair {
    ["BTC/USD", "ETH/USD", "PEPE/USD"][index].parse().unwrap()
}

fn price(value: Decimal) -> Price {
    Price::new(value).unwrap()
}

fn qty(value: Decimal) -> Qty {
    Qty::new(value).unwrap()
}

fn plan(pair: &Pair) -> TradePlan {
    TradePlan {
        pair: pair.clone(),
        side: Side::Buy,
        horizon: Horizon::H24,
        entry: price(dec!(100)),
        stop: price(dec!(95)),
        target: price(dec!(110)),
        expires: UtcMs(1_000),
        cost: 0.0084,
        win: 0.09,
        loss: 0.06,
    }
}

fn fill(id: u64, side: Side, which: usize, at: Decimal, size: Decimal, fee: Decimal) -> Fill {
    Fill {
        id,
        order: OrderId(id),
        decision: DecisionId { session: 1, number: 3 },
        account: AccountId::Main,
        at: UtcMs(1_000 * id as i64),
        pair: pair(which),
        side,
        price: price(at),
        qty: qty(size),
        fee: Money(fee),
        fee_rate: dec!(0.004),
        liquidity: Liquidity::Taker,
        purpose: if side == Side::Buy { Purpose::Entry } else { Purpose::Target },
        reference: price(at),
    }
}

fn account() -> AccountState {
    open(AccountId::Main, Money(dec!(1_000)), UtcMs(0))
}

fn book(state: &mut AccountState, fill: &Fill) -> Result<Option<Outcome>, LedgerError> {
    let plan = plan(&fill.pair);
    apply(state, fill, Some(&plan), 0.81, 4)
}

#[test]
fn a_trade_from_cash_to_cash() {
    let mut state = account();
    assert_eq!(book(&mut state, &fill(1, Side::Buy, 1, dec!(100), dec!(2), dec!(0.8))), Ok(None));
    assert_eq!(state.cash.0, dec!(799.2));
    assert_eq!(state.positions[&pair(1)].entry_fees.0, dec!(0.8));
    let outcome = book(&mut state, &fill(2, Side::Sell, 1, dec!(110), dec!(2), dec!(0.88))).unwrap().unwrap();
    assert_eq!(state.cash.0, dec!(1018.32));
    assert_eq!((state.realised.0, outcome.pnl.0), (dec!(18.32), dec!(18.32)));
    assert_eq!((outcome.entry, outcome.exit, outcome.fees.0), (price(dec!(100)), price(dec!(110)), dec!(1.68)));
    assert!((outcome.net_return - 0.0916).abs() < 1e-12);
    assert_eq!((outcome.confidence, outcome.horizon, outcome.ended_by), (0.81, Horizon::H24, Purpose::Target));
    assert_eq!((state.trades_closed, state.trades_won, state.positions.len()), (1, 1, 0));
}

#[test]
fn a_trade_in_parts_has_one_outcome_over_all_of_them() {
    let mut state = account();
    book(&mut state, &fill(1, Side::Buy, 1, dec!(100), dec!(1), dec!(0.4))).unwrap();
    book(&mut state, &fill(2, Side::Buy, 1, dec!(103), dec!(2), dec!(0.824))).unwrap();
    assert_eq!(state.positions[&pair(1)].entry, price(dec!(102)));
    assert_eq!(book(&mut state, &fill(3, Side::Sell, 1, dec!(110), dec!(1), dec!(0.44))), Ok(None));
    assert_eq!(state.realised.0, dec!(7.152), "110 − 102 − 0.44 − a third of 1.224");
    let last = Fill { purpose: Purpose::Stop, ..fill(4, Side::Sell, 1, dec!(95), dec!(2), dec!(0.76)) };
    let outcome = book(&mut state, &last).unwrap().unwrap();
    assert_eq!(outcome.pnl.0, dec!(300) - dec!(306) - dec!(2.424));
    assert_eq!(state.realised, outcome.pnl);
    assert_eq!((outcome.qty, outcome.exit, outcome.ended_by), (qty(dec!(3)), price(dec!(100)), Purpose::Stop));
    assert_eq!((state.trades_closed, state.trades_won, state.consecutive_losses), (1, 0, 1));
    assert_eq!(state.last_loss, Some(last.at));
}

#[test]
fn what_cannot_have_happened_is_refused_and_changes_nothing() {
    let mut state = account();
    book(&mut state, &fill(1, Side::Buy, 1, dec!(100), dec!(2), dec!(0.8))).unwrap();
    let before = state.clone();
    let oversold = book(&mut state, &fill(2, Side::Sell, 1, dec!(100), dec!(2.1), dec!(1)));
    assert!(matches!(oversold, Err(LedgerError::Oversold { .. })));
    let nothing_held = book(&mut state, &fill(2, Side::Sell, 0, dec!(100), dec!(1), dec!(1)));
    assert!(matches!(nothing_held, Err(LedgerError::Oversold { held, .. }) if held.is_zero()));
    let too_dear = book(&mut state, &fill(2, Side::Buy, 1, dec!(799.2), dec!(1), dec!(0.01)));
    assert!(matches!(too_dear, Err(LedgerError::InsufficientCash { .. })));
    let planless = apply(&mut state, &fill(2, Side::Buy, 0, dec!(1), dec!(1), dec!(0)), None, 0.5, 1);
    assert!(matches!(planless, Err(LedgerError::NoPlan { .. })));
    let foreign = Fill { account: AccountId::Shadow, ..fill(2, Side::Buy, 1, dec!(1), dec!(1), dec!(0)) };
    assert!(matches!(book(&mut state, &foreign), Err(LedgerError::WrongAccount { .. })));
    assert_eq!(
        book(&mut state, &fill(2, Side::Buy, 1, dec!(1), dec!(0), dec!(0))),
        Err(LedgerError::EmptyFill { fill: 2 })
    );
    let too_fine = book(&mut state, &fill(2, Side::Buy, 0, dec!(0.00000000001), dec!(0.00000000001), dec!(0)));
    assert!(matches!(too_fine, Err(LedgerError::Inexact { .. })));
    assert_eq!(state, before);
}

#[test]
fn days_weeks_and_drawdown_follow_the_marks() {
    let mut state = account();
    book(&mut state, &fill(1, Side::Buy, 1, dec!(100), dec!(5), dec!(0))).unwrap();
    let at = |d: i64, mark: i64| (UtcMs(d * DAY_MS), BTreeMap::from([(pair(1), price(mark.into()))]));
    let (noon, marks) = (UtcMs(DAY_MS / 2), at(0, 120).1);
    mark(&mut state, &marks, noon);
    assert_eq!((state.peak_equity.0, state.day_start_equity.0), (dec!(1_100), dec!(1_000)));
    assert_eq!(view(&state, &marks).day_pnl.0, dec!(100));
    let (next, marks) = at(1, 90);
    mark(&mut state, &marks, next);
    let seen = view(&state, &marks);
    assert_eq!((state.day, state.day_start_equity.0), (next, dec!(950)));
    assert_eq!((seen.day_pnl.0, seen.week_pnl.0), (dec!(0), dec!(-50)));
    assert!((seen.drawdown - 150.0 / 1_100.0).abs() < 1e-12 && (state.max_drawdown - seen.drawdown).abs() < 1e-12);
    assert!((seen.exposure - 450.0 / 950.0).abs() < 1e-12);
    assert_eq!(open_pnl(&state, &marks).0, dec!(-50));
    for day in 2..12 {
        let (then, marks) = at(day, 100);
        mark(&mut state, &marks, then);
    }
    assert_eq!(state.week_equity.len(), 7);
    assert_eq!(state.week_equity[0].0, UtcMs(5 * DAY_MS));
    assert!((state.max_drawdown - 150.0 / 1_100.0).abs() < 1e-12, "the deepest fall stays");
}

#[test]
fn orders_are_listed_until_they_are_final() {
    let mut state = account();
    let intent = crate::domain::Intent {
        order: OrderId(5),
        decision: DecisionId { session: 1, number: 3 },
        account: AccountId::Main,
        at: UtcMs(0),
        pair: pair(1),
        side: Side::Buy,
        kind: crate::domain::OrderKind::Market,
        qty: qty(dec!(1)),
        purpose: Purpose::Entry,
        group: None,
    };
    let order = |status| Order {
        intent: intent.clone(),
        status,
        filled: Qty::ZERO,
        live_from: UtcMs(0),
        updated: UtcMs(0),
        note: None,
    };
    track(&mut state, &order(OrderStatus::Pending));
    track(&mut state, &order(OrderStatus::Open));
    assert_eq!((state.orders.len(), state.orders[0].status, state.orders_total), (1, OrderStatus::Open, 1));
    track(&mut state, &order(OrderStatus::Filled));
    assert_eq!((state.orders.len(), state.orders_total), (0, 1));
    track(&mut state, &order(OrderStatus::Rejected));
    assert_eq!((state.orders.len(), state.orders_total), (0, 2));
}

#[test]
fn books_that_disagree_are_named() {
    let mut state = account();
    let fills =
        [fill(1, Side::Buy, 1, dec!(100), dec!(2), dec!(0.8)), fill(2, Side::Sell, 1, dec!(110), dec!(1), dec!(0.44))];
    for fill in &fills {
        book(&mut state, fill).unwrap();
    }
    assert_eq!(verify(&state, &fills), Ok(()));
    let twice = [fills[0].clone(), fills[0].clone(), fills[1].clone()];
    assert_eq!(verify(&state, &twice), Ok(()), "a fill that appears twice counts once");
    assert!(verify(&state, &fills[..1]).unwrap_err().to_string().contains("number of fills"));
    let mut richer = state.clone();
    richer.cash += Money(dec!(0.00001));
    let message = verify(&richer, &fills).unwrap_err().to_string();
    assert!(message.contains("cash") && message.contains("908.76001") && message.contains("give 908.76"), "{message}");
    let mut fuller = state;
    fuller.positions.get_mut(&pair(1)).unwrap().qty = qty(dec!(1.5));
    assert!(verify(&fuller, &fills).unwrap_err().to_string().contains("quantity of ETH/USD"));
}

/// Prices and sizes in the ticks and lots of the three pairs; a fee in hundred-thousandths.
fn any_fill() -> impl Strategy<Value = (bool, usize, u32, u32, u32)> {
    (any::<bool>(), 0_usize..3, 1_u32..20_000, 1_u32..4_000_000, 0_u32..500_000)
}

fn concrete(id: u64, (buys, which, ticks, lots, fee): (bool, usize, u32, u32, u32)) -> Fill {
    let (tick, lot) =
        [(dec!(10.7), dec!(0.00000003)), (dec!(0.37), dec!(0.00000701)), (dec!(0.000000001), dec!(7.30001))][which];
    let side = if buys { Side::Buy } else { Side::Sell };
    fill(id, side, which, tick * Decimal::from(ticks), lot * Decimal::from(lots), Decimal::new(fee.into(), 5))
}

proptest! {
    #[test]
    fn money_is_conserved_to_the_last_digit(raw in prop::collection::vec(any_fill(), 1..60), marks in prop::array::uniform3(1_u32..20_000)) {
        let initial = Money(dec!(5_000));
        let mut state = open(AccountId::Main, initial, UtcMs(0));
        let mut booked: Vec<Fill> = Vec::new();
        let mut outcomes = Money::ZERO;
        for (n, raw) in raw.into_iter().enumerate() {
            let fill = concrete(n as u64 + 1, raw);
            let before = state.clone();
            match book(&mut state, &fill) {
                Ok(outcome) => {
                    outcomes += outcome.map_or(Money::ZERO, |o| o.pnl);
                    let after = state.clone();
                    prop_assert_eq!(book(&mut state, &fill), Ok(None), "a fill counts once");
                    prop_assert_eq!(&state, &after);
                    booked.push(fill);
                }
                Err(LedgerError::Oversold { .. } | LedgerError::InsufficientCash { .. }) => prop_assert_eq!(&state, &before),
                Err(other) => prop_assert!(false, "{}", other),
            }
            prop_assert!(!state.cash.is_negative());
        }
        let total = |side| booked.iter().filter(|f| f.side == side).map(|f| f.price.times(f.qty)).sum::<Money>();
        let fees: Money = booked.iter().map(|f| f.fee).sum();
        prop_assert_eq!(state.cash, initial - total(Side::Buy) + total(Side::Sell) - fees);
        let marks: BTreeMap<Pair, Price> =
            marks.iter().enumerate().map(|(i, t)| (pair(i), concrete(0, (true, i, *t, 1, 0)).price)).collect();
        let open_fees: Money = state.positions.values().map(|p| p.entry_fees).sum();
        let seen = view(&state, &marks);
        prop_assert_eq!(seen.equity, initial + state.realised + open_pnl(&state, &marks) - open_fees);
        let parts: Money = state.positions.values().map(|p| p.closed.proceeds - p.closed.cost - p.closed.fees).sum();
        prop_assert_eq!(state.realised, outcomes + parts, "realised is what the outcomes and the sold parts say");
        prop_assert_eq!(verify(&state, &booked), Ok(()));
        let stored: AccountState = serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap();
        prop_assert_eq!(stored, state);
    }
}
