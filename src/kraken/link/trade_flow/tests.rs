use proptest::prelude::*;

use super::*;
use crate::kraken::wire::Number;

fn trade(id: u64, ms: i64) -> ws::Trade {
    ws::Trade {
        symbol: "BTC/USD".to_owned(),
        side: ws::Side::Buy,
        price: "1".parse::<Number>().expect("number"),
        qty: "1".parse::<Number>().expect("number"),
        ord_type: "limit".to_owned(),
        trade_id: id,
        timestamp: Stamp::from_ms(UtcMs(ms)),
    }
}

fn ids(out: &[ws::Trade]) -> Vec<u64> {
    out.iter().map(|t| t.trade_id).collect()
}

#[test]
fn without_a_picture_the_first_live_trade_is_the_base() {
    let (s, mut out) = (LinkSettings::default(), Vec::new());
    let mut flow = TradeFlow::new(None);
    assert!(flow.doubt().is_some() && !flow.is_live());
    flow.subscribed(0, &s);
    assert_eq!((flow.tick(4_999), flow.due()), (None, 5_000));
    assert_eq!((flow.tick(5_000), flow.is_live()), (None, true));
    flow.live(6_000, trade(77, 1), &s, &mut out);
    flow.live(6_000, trade(78, 2), &s, &mut out);
    assert_eq!(ids(&out), [77, 78]);
}

#[test]
fn a_floor_is_reached_by_the_picture_or_by_rest() {
    let (s, mut out) = (LinkSettings::default(), Vec::new());
    let mut flow = TradeFlow::new(Some(UtcMs(100)));
    flow.first_picture(0, vec![trade(5, 90), trade(6, 99), trade(7, 100), trade(8, 120)], &s, &mut out);
    assert!(flow.is_live());
    assert_eq!(ids(&out), [7, 8]);
    // the picture does not reach back: REST is asked from just before the floor
    out.clear();
    let mut flow = TradeFlow::new(Some(UtcMs(100)));
    flow.first_picture(0, vec![trade(17, 110), trade(18, 120)], &s, &mut out);
    assert_eq!(ids(&out), Vec::<u64>::new());
    assert_eq!(flow.tick(0), Some(Stamp(99_000_000)));
    flow.live(1, trade(19, 130), &s, &mut out);
    flow.page(2, vec![trade(15, 99), trade(16, 100), trade(17, 110), trade(18, 120)], &s, &mut out);
    assert_eq!(ids(&out), [16, 17, 18, 19]);
    assert_eq!((flow.is_live(), flow.doubt()), (true, None));
    // nothing since the floor: whatever follows the newest older one
    out.clear();
    let mut flow = TradeFlow::new(Some(UtcMs(100)));
    flow.subscribed(0, &s);
    assert!(flow.tick(5_000).is_some());
    flow.page(5_100, vec![trade(15, 99)], &s, &mut out);
    assert!(flow.is_live());
    flow.live(5_200, trade(17, 140), &s, &mut out);
    assert!(!flow.is_live(), "16 is missing");
    let mut flow = TradeFlow::new(Some(UtcMs(100)));
    flow.subscribed(0, &s);
    assert!(flow.tick(5_000).is_some());
    flow.page(5_100, vec![], &s, &mut out);
    flow.live(5_200, trade(17, 140), &s, &mut out);
    assert_eq!((flow.is_live(), ids(&out)), (true, vec![17]));
}

#[test]
fn a_full_page_inside_one_nanosecond_does_not_stop_the_refill() {
    let s = LinkSettings { trades_page: 3, ..LinkSettings::default() };
    let mut out = Vec::new();
    let mut flow = TradeFlow::new(None);
    flow.first_picture(0, vec![trade(1, 10)], &s, &mut out);
    flow.live(0, trade(9, 50), &s, &mut out);
    let history = [
        trade(1, 10),
        trade(2, 20),
        trade(3, 20),
        trade(4, 20),
        trade(5, 30),
        trade(6, 30),
        trade(7, 40),
        trade(8, 50),
        trade(9, 50),
    ];
    let mut t = 0;
    while !flow.is_live() && t < 60_000 {
        if let Some(since) = flow.tick(t) {
            let rows = history.iter().filter(|r| r.timestamp > since).take(3).cloned().collect();
            flow.page(t, rows, &s, &mut out);
        }
        t += 100;
    }
    assert_eq!(ids(&out), [2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn too_many_pages_are_given_up_with_a_hole() {
    let s = LinkSettings { trades_page: 2, refill_pages: 3, ..LinkSettings::default() };
    let mut out = Vec::new();
    let mut flow = TradeFlow::new(None);
    flow.first_picture(0, vec![trade(1, 10)], &s, &mut out);
    flow.live(0, trade(90, 900), &s, &mut out);
    for t in 0..20 {
        if let Some(since) = flow.tick(1_000 + t) {
            let rows = (1..90).map(|id| trade(id, 10 * id as i64)).filter(|r| r.timestamp > since).take(2).collect();
            flow.page(1_000 + t, rows, &s, &mut out);
        }
    }
    let hole = flow.hole.expect("given up");
    assert_eq!((hole.before, flow.is_live()), (Some(90), true));
    assert_eq!(ids(&out).last(), Some(&90));
    assert_eq!(hole.after, ids(&out).iter().rev().nth(1).copied());
}

proptest! {
    /// Whatever is lost, repeated and swapped, and whenever the line is cut: the trades leave without a hole, each once.
    #[test]
    fn every_trade_once_and_in_order(
        steps in proptest::collection::vec((0_u8..12, 0_i64..3), 1..120),
        floor in any::<bool>(),
        page in 4_usize..9,
    ) {
        let s = LinkSettings { trades_page: page, refill_pages: 10_000, refill_tries: 10_000, ..LinkSettings::default() };
        let mut flow = TradeFlow::new(floor.then_some(UtcMs(0)));
        let (mut out, mut t, mut up) = (Vec::new(), 0_i64, false);
        // two trades share each instant, so that pages end between them
        let made = |id: u64| trade(id, 10 * (id as i64 / 2));
        let mut all: Vec<ws::Trade> = vec![made(100), made(101)];
        let mut first = None;
        let rest = |all: &[ws::Trade], since: Stamp| all.iter().filter(|r| r.timestamp > since).take(page).cloned().collect::<Vec<_>>();
        for (what, pause) in steps {
            t += pause;
            let next = made(100 + all.len() as u64);
            match what {
                0 => { up = false; flow.down(); }
                1 if !up => { up = true; flow.subscribed(t, &s); }
                2 if !up => { up = true; let tail = all.len().saturating_sub(3); flow.first_picture(t, all[tail..].to_vec(), &s, &mut out); }
                3 => all.push(next),
                4 if up => { let again = all[all.len() / 2].clone(); if flow.last().is_some_and(|m| again.trade_id <= m.id) { flow.live(t, again, &s, &mut out); } }
                5 if up => {
                    let after = made(101 + all.len() as u64);
                    all.extend([next.clone(), after.clone()]);
                    flow.live(t, after, &s, &mut out);
                    flow.live(t, next, &s, &mut out);
                }
                6..=8 if up => { all.push(next.clone()); flow.live(t, next, &s, &mut out); }
                _ => if up && let Some(since) = flow.tick(t) { flow.page(t, rest(&all, since), &s, &mut out); },
            }
            first = first.or(out.first().map(|r| r.trade_id));
        }
        // in the end the line holds and REST is asked until all is well
        if !up { flow.subscribed(t, &s); }
        let mut tries = 0;
        while (!flow.is_live() || tries < 3) && tries < 3_000 {
            t += 1_000;
            tries += 1;
            if let Some(since) = flow.tick(t) { flow.page(t, rest(&all, since), &s, &mut out); }
        }
        prop_assert!(flow.is_live(), "{:?}", flow.doubt());
        prop_assert!(flow.hole.is_none());
        if let Some(first) = first {
            let last = out.last().expect("some").trade_id;
            prop_assert_eq!(ids(&out), (first..=last).collect::<Vec<_>>());
            let told_by_line = flow.newest_live.unwrap_or(0);
            prop_assert!(last >= told_by_line);
            if floor { prop_assert_eq!(first, 100); }
        }
    }
}

#[test]
fn the_same_trade_with_another_time_is_a_repeat() {
    let (s, mut out) = (LinkSettings::default(), Vec::new());
    let mut flow = TradeFlow::new(None);
    flow.live(0, trade(7, 1_000), &s, &mut out);
    flow.live(1, trade(8, 2_000), &s, &mut out);
    // the exchange puts its clock right by six seconds and tells the picture anew
    flow.first_picture(2, vec![trade(7, 7_000), trade(8, 8_000)], &s, &mut out);
    assert_eq!((ids(&out), flow.repeats, flow.renumbered), (vec![7, 8], 2, false));
    let other = ws::Trade { qty: "2".parse::<Number>().expect("number"), ..trade(8, 8_000) };
    flow.live(3, other, &s, &mut out);
    assert!(flow.renumbered, "another trade of a known number");
}
