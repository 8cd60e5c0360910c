//! Every pair of a recorded listing and of a recorded instrument snapshot.

use std::path::Path;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::*;
use crate::kraken::wire::rest::read;
use crate::kraken::wire::ws::Instruments;

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kraken").join(name);
    std::fs::read_to_string(path).expect("a fixture")
}

fn recorded() -> AssetPairs {
    let capture = fixture("cryptofeed_ws_v1/KRAKEN.0");
    let answer = capture.lines().next().and_then(|line| line.split_once(": ")).expect("an answer").1;
    read("AssetPairs", 200, answer.as_bytes()).expect("pairs").value
}

fn pair(text: &str) -> Pair {
    text.parse().expect("a pair")
}

#[test]
fn all_names_of_every_recorded_pair_mean_that_pair() {
    let pairs = recorded();
    let symbols = Symbols::of(&pairs);
    let dark = pairs.keys().filter(|id| id.ends_with(".d")).count();
    assert_eq!(*symbols.skipped(), BTreeMap::from([(Skipped::NoWsname, dark)]), "dark pools alone");
    assert_eq!((symbols.len(), dark), (293, 11));
    for (id, row) in &pairs {
        let Some(wsname) = row.wsname.as_deref() else { continue };
        let v2 = v2_symbol(wsname).expect("two assets");
        let of: Vec<_> = [id.as_str(), &row.altname, wsname, &v2].map(|name| symbols.pair(name)).to_vec();
        let found = of[0].unwrap_or_else(|| panic!("{id} is unknown"));
        assert!(of.iter().all(|p| *p == Some(found)), "{id}: {of:?}");
        // and back
        assert_eq!((symbols.id(found), symbols.altname(found)), (Some(id.as_str()), Some(row.altname.as_str())));
        assert_eq!((symbols.symbol(found), symbols.symbol(found)), (Some(v2.as_str()), Some(found.as_str())));
        assert_eq!(symbols.listing(found).map(|l| l.wsname.as_str()), Some(wsname));
        let instrument = symbols.instrument(found).expect("an instrument");
        assert_eq!(instrument.tick_size, Decimal::new(1, row.pair_decimals), "told since 2022 only");
        assert_eq!(Some(instrument.order_min.get()), row.ordermin.map(|n| n.0.normalize()));
        assert!(matches!(symbols.listing(found).map(|l| &l.status), Some(PairStatus::Unknown(_))));
    }
}

#[test]
fn old_names_are_never_cut_but_looked_up() {
    let symbols = Symbols::of(&recorded());
    for (name, meant) in [
        ("XXBTZUSD", "BTC/USD"),
        ("XBTUSD", "BTC/USD"),
        ("XBT/USD", "BTC/USD"),
        ("BTC/USD", "BTC/USD"),
        ("XTZXBT", "XTZ/BTC"),
        ("XETHXXBT", "ETH/BTC"),
        ("XDGUSD", "DOGE/USD"),
        ("XXDGXXBT", "DOGE/BTC"),
        ("USDTZUSD", "USDT/USD"),
        ("ZEURZUSD", "EUR/USD"),
        ("btc/usd", "BTC/USD"),
        ("ETH2.SETH", "ETH2.S/ETH"),
    ] {
        assert_eq!(symbols.pair(name).map(ToString::to_string), Some(meant.to_owned()), "{name}");
    }
    for unknown in ["XXBTZUSD.d", "NOPE/USD", "", "BTC"] {
        assert_eq!(symbols.pair(unknown), None, "{unknown}");
    }
    assert_eq!(symbols.symbol(&pair("NOPE/USD")), None);
    assert_eq!(v2_symbol("XBT.S/XDG").as_deref(), Some("XBT.S/DOGE"), "whole names only");
}

#[test]
fn every_symbol_of_the_instrument_snapshot_is_a_name_we_would_send() {
    #[derive(Deserialize)]
    struct Frame {
        data: Instruments,
    }
    let frame: Frame =
        serde_json::from_str(&fixture("kraken_data_recorder/ws_v2_instrument_snapshot.json")).expect("a frame");
    let (mut same, mut stems) = (0, std::collections::BTreeSet::new());
    for row in &frame.data.pairs {
        // as AssetPairs would list it
        let old = |asset: &str| match asset {
            "BTC" => "XBT".to_owned(),
            "DOGE" => "XDG".to_owned(),
            other => other.to_owned(),
        };
        let listed = AssetPair {
            altname: format!("{}{}", old(&row.base), old(&row.quote)),
            wsname: Some(format!("{}/{}", old(&row.base), old(&row.quote))),
            aclass_base: None,
            base: old(&row.base),
            aclass_quote: None,
            quote: old(&row.quote),
            pair_decimals: row.price_precision,
            lot_decimals: row.qty_precision,
            cost_decimals: Some(row.cost_precision),
            lot_multiplier: None,
            ordermin: Some(row.qty_min),
            costmin: row.cost_min,
            tick_size: Some(row.price_increment),
            status: Some(row.status.clone()),
            fees: vec![],
            fees_maker: None,
            fee_volume_currency: None,
            execution_venue: None,
        };
        let symbols = Symbols::of(&AssetPairs::from([(listed.altname.clone(), listed)]));
        let found = symbols.pair(&row.symbol).cloned().unwrap_or_else(|| panic!("{} is not taken", row.symbol));
        assert_eq!(symbols.symbol(&found), Some(row.symbol.as_str()));
        let instrument = symbols.instrument(&found).expect("an instrument");
        assert_eq!((instrument.tick_size, instrument.lot_decimals), (row.price_increment.0, row.qty_precision));
        assert_eq!(instrument.cost_min.0, row.cost_min.map_or(Decimal::ZERO, |n| n.0));
        assert_eq!(found.file_stem().parse().as_ref(), Ok(&found));
        stems.insert(found.file_stem());
        same += 1;
    }
    assert_eq!((same, stems.len()), (683, 683), "each has a file name of its own");
}

#[test]
fn no_recorded_listing_has_a_name_that_is_not_taken() {
    let bodies = [
        "kraken_async_rs/public_response_json__get_tradable_asset_pairs_json.json",
        "kraken_net/JsonResponses__SpotExchangeData__GetSymbolsAsync.txt",
        "nautilus/http_asset_pairs.json",
        "nautilus/http_asset_pairs_tokenized.json",
    ];
    for name in bodies {
        let pairs: AssetPairs = read("AssetPairs", 200, fixture(name).as_bytes()).expect(name).value;
        let named = pairs.values().filter(|pair| pair.wsname.is_some()).count();
        let (rows, skipped) = listings(&pairs);
        assert!(named > 0 && !skipped.contains_key(&Skipped::Name), "{name}: {skipped:?}");
        let without_minimum = skipped.get(&Skipped::NoMinimum).copied().unwrap_or(0);
        assert_eq!(rows.len() + without_minimum, named, "{name}");
    }
}

#[test]
fn tokenised_assets_keep_their_case_on_the_wire_and_doubles_are_skipped() {
    let answer = fixture("nautilus/http_asset_pairs_tokenized.json");
    let mut pairs: AssetPairs = read("AssetPairs", 200, answer.as_bytes()).expect("pairs").value;
    let symbols = Symbols::of(&pairs);
    let apple = pair("AAPLX/USD");
    assert_eq!((symbols.pair("AAPLxUSD"), symbols.symbol(&apple)), (Some(&apple), Some("AAPLx/USD")));
    assert_eq!(symbols.altname(&apple), Some("AAPLxUSD"));
    // another pair that differs in case alone cannot be told apart by the house
    let mut double = pairs["AAPLxUSD"].clone();
    double.altname = "AAPLXUSD".to_owned();
    double.wsname = Some("AAPLX/USD".to_owned());
    pairs.insert("ZZ".to_owned(), double.clone());
    double.wsname = Some("ABCDEFGHIJK/USD".to_owned());
    pairs.insert("ZZZ".to_owned(), double.clone());
    double.wsname = Some("XETH/USD".to_owned());
    pairs.insert("ZZZZ".to_owned(), double.clone());
    double.wsname = Some("ABC/USD".to_owned());
    double.ordermin = None;
    pairs.insert("ZZZZZ".to_owned(), double);
    let symbols = Symbols::of(&pairs);
    let skipped = BTreeMap::from([(Skipped::Ambiguous, 1), (Skipped::Name, 2), (Skipped::NoMinimum, 1)]);
    assert_eq!((symbols.len(), symbols.skipped()), (1, &skipped));
    assert!(Symbols::new([]).is_empty());
}
