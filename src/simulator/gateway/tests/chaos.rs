//! Equal inputs give equal bytes, with and without faults, in long steps and in short ones.

use serde_json::json;

use super::rig::{Rig, START, result};
use crate::domain::random::SplitMix64;
use crate::simulator::gateway::faults::{Fault, Kind, Match};
use crate::simulator::gateway::{ConnKey, Endpoint, ServerOut};

/// Faults that leave the rest of a run worth looking at.
const KINDS: [Kind; 26] = [
    Kind::Html,
    Kind::ServiceUnavailable,
    Kind::Busy,
    Kind::SlowBefore,
    Kind::SlowAfter,
    Kind::Reset,
    Kind::TruncatedJson,
    Kind::EmptyBody,
    Kind::WrongType,
    Kind::LateAppearance,
    Kind::NonceError,
    Kind::NonceReorder,
    Kind::RateLimit,
    Kind::WsClose,
    Kind::WsHalfOpen,
    Kind::WsRefuse,
    Kind::DropFrame,
    Kind::DupFrame,
    Kind::Reorder,
    Kind::DupFill,
    Kind::LateFill,
    Kind::BadChecksum,
    Kind::CrossedBook,
    Kind::ExtraFields,
    Kind::UnknownEnum,
    Kind::RestLag,
];

/// A client that acts at random by its seed; digest and everything that was sent.
fn run(seed: u64, faults: bool, step_ms: i64) -> (String, Vec<ServerOut>) {
    let mut rig = Rig::new();
    let mut random = SplitMix64::new(&[seed]);
    let mut sent = Vec::new();
    let mut conns: Vec<ConnKey> = Vec::new();
    for round in 0..40 {
        if faults {
            for _ in 0..3 {
                let (kind, p) = (KINDS[random.below(KINDS.len())], 0.05 + random.unit() * 0.2);
                rig.x.add_fault(Fault { p, count: 2, for_s: Some(60), ..Fault::new(kind, Match::default()) }).unwrap();
            }
        }
        if let Ok(conn) = rig.x.open(Endpoint::All) {
            conns.push(conn);
            let token =
                result(&rig.call("GetWebSocketsToken", "")).ok().and_then(|t| t["token"].as_str().map(str::to_owned));
            for params in [
                json!({"channel": "book", "symbol": ["BTC/USD", "ETH/USD"], "depth": 10}),
                json!({"channel": "trade", "symbol": ["BTC/USD"], "snapshot": true}),
                json!({"channel": "executions", "token": token}),
                json!({"channel": "balances", "token": token}),
            ] {
                rig.x.text(conn, &json!({"method": "subscribe", "params": params, "req_id": round}).to_string());
            }
        }
        for _ in 0..4 {
            let side = if random.below(2) == 0 { "buy" } else { "sell" };
            let kind = if random.below(3) == 0 { "market" } else { "limit" };
            let last = rig.x.market().last_price("BTC/USD").unwrap();
            let price =
                (last + rust_decimal::Decimal::new(i64::try_from(random.below(41)).unwrap() - 20, 1)).round_dp(1);
            rig.call(
                "AddOrder",
                &format!("&pair=XBTUSD&type={side}&ordertype={kind}&price={price}&volume=0.00{}", 1 + random.below(9)),
            );
            rig.call(["OpenOrders", "BalanceEx", "TradesHistory", "CancelAll"][random.below(4)], "");
        }
        let end = rig.x.now().plus_ms(10_000);
        while rig.x.now() < end {
            rig.advance(step_ms);
        }
        rig.x.check().unwrap();
        if random.below(3) == 0 && !conns.is_empty() {
            let conn = conns.remove(0);
            rig.x.closed(conn);
        }
        sent.append(&mut rig.out);
    }
    assert!(rig.x.now() >= START.plus_ms(400_000));
    (rig.x.digest(), sent)
}

#[test]
fn the_same_run_twice_gives_the_same_digest_and_bytes() {
    for faults in [false, true] {
        let (first, again, other) = (run(1, faults, 10_000), run(1, faults, 10_000), run(2, faults, 10_000));
        assert_eq!(first.0, again.0);
        assert_eq!(first.1, again.1);
        assert_ne!(first.0, other.0);
        assert!(first.1.len() > 500, "{}", first.1.len());
    }
}

#[test]
fn one_long_step_equals_many_short_ones() {
    for faults in [false, true] {
        let (long, short) = (run(3, faults, 10_000), run(3, faults, 125));
        assert_eq!(long.1, short.1);
        assert_eq!(long.0, short.0);
    }
}

#[test]
fn the_digest_sees_every_part() {
    let mut rig = Rig::new();
    let mut seen = std::collections::BTreeSet::from([rig.x.digest()]);
    let mut changed = |rig: &mut Rig, what: &str| assert!(seen.insert(rig.x.digest()), "{what}");
    rig.advance(1_000);
    changed(&mut rig, "time");
    rig.open();
    changed(&mut rig, "a socket");
    rig.fault(Kind::Busy, Match::default());
    changed(&mut rig, "a fault");
    rig.x.remove_faults(None);
    rig.order();
    changed(&mut rig, "an order");
    rig.token();
    changed(&mut rig, "a token");
    rig.x
        .inject_trade(
            "XBTUSD",
            crate::simulator::protocol::Side::Buy,
            rust_decimal::dec!(100),
            rust_decimal::dec!(1),
            true,
        )
        .unwrap();
    changed(&mut rig, "a trade");
}
