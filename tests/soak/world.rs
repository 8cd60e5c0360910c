//! The exchange of one run: real listed pairs with made-up trades, a lively book each, strict limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use cryptosmarttrader::domain::pair::{Interval, Pair};
use cryptosmarttrader::kraken::link::LinkPlan;
use cryptosmarttrader::simulator::desk::{Desk, DeskOptions};
use cryptosmarttrader::simulator::gateway::{Exchange, ExchangeOptions};
use cryptosmarttrader::simulator::listing::{Listing, PairStatus};
use cryptosmarttrader::simulator::market::{Market, MarketData, MarketOptions, Tape, synthetic};
use cryptosmarttrader::simulator::protocol::{SimNs, Symbol, TapeTrade};

/// Size of a run.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    pub seed: u64,
    pub pairs: usize,
    /// Simulated, from the start to the end.
    pub minutes: i64,
}

/// 2026-05-01T09:00:00Z; the clock starts later, in the middle of a candle, so that there is a past.
const TAPE_STARTS: SimNs = SimNs(1_777_626_000_000_000_000);
const PAST_MS: i64 = 3_600_000 + 137_000;
pub const MINUTES: u32 = 5;
/// Mean time between trades of a pair, by its place: busy, usual, quiet.
const MEANS_MS: [u32; 5] = [2_000, 6_000, 6_000, 9_000, 170_000];

pub struct World {
    pub exchange: Exchange,
    /// In the order of the plan.
    pub tapes: Vec<Arc<[TapeTrade]>>,
    pub depths: Vec<u32>,
    pub plan: LinkPlan,
}

pub fn build(scale: Scale) -> World {
    let listing = Arc::new(Listing::bundled().expect("the bundled listing"));
    let usual =
        |p: &&cryptosmarttrader::simulator::listing::PairInfo| p.status == PairStatus::Online && p.quote == "ZUSD";
    let symbols: Vec<Symbol> =
        listing.pairs().iter().filter(usual).map(|p| p.symbol.clone()).take(scale.pairs).collect();
    assert_eq!(symbols.len(), scale.pairs, "the listing has too few pairs");
    let hours = u32::try_from(scale.minutes / 60 + 3).expect("hours");
    let tapes: Vec<Tape> = symbols
        .iter()
        .enumerate()
        .flat_map(|(n, s)| {
            let mean = MEANS_MS[n % MEANS_MS.len()];
            synthetic::trades(&listing, std::slice::from_ref(s), TAPE_STARTS, hours, mean, scale.seed).expect("trades")
        })
        .collect();
    let trades = tapes.iter().map(|t| Arc::clone(&t.trades)).collect();
    let data = MarketData {
        listing,
        trades: tapes,
        candles: Vec::new(),
        books: Vec::new(),
        start: TAPE_STARTS.plus_ms(PAST_MS),
    };
    // every seventh book is thinner than what is subscribed
    let levels_of: BTreeMap<Symbol, u32> = symbols.iter().step_by(7).map(|s| (s.clone(), 6)).collect();
    let options = MarketOptions { seed: scale.seed, levels_of, churn_ms: Some(1_500), ..MarketOptions::default() };
    let market = Market::new(data, options).expect("a market");
    let options =
        ExchangeOptions { seed: scale.seed, accounts: Vec::new(), keys: Vec::new(), ..ExchangeOptions::default() };
    let exchange = Exchange::new(options, market, Desk::new(DeskOptions::default())).expect("an exchange");
    let pairs: Vec<Pair> = symbols.iter().map(|s| s.parse().expect("a pair")).collect();
    let depths: Vec<u32> = (0..pairs.len()).map(|n| [10, 10, 25, 10, 100][n % 5]).collect();
    let plan = LinkPlan {
        ticker: true,
        trades: true,
        books: pairs.iter().cloned().zip(depths.iter().copied()).collect(),
        candles: pairs.iter().map(|p| (p.clone(), Interval(MINUTES))).collect(),
        candles_from_trades: true,
        seed: scale.seed,
        pairs,
    };
    World { exchange, tapes: trades, depths, plan }
}
