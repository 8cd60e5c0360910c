//! Damage to trades, books, texts and transfers.

use cryptosmarttrader::domain::settings::PipelineSettings;
use cryptosmarttrader::domain::{RawTrade, RejectReason, UtcMs, Venue};
use cryptosmarttrader::pipeline::validate::{
    BookLevels, BookRules, RawText, RawTransfer, TextCheck, TradeCheck, TransferCheck, check_book,
};
use cryptosmarttrader::store::load_tape;
use cryptosmarttrader::store::ticks::TradeIds;

use crate::support::at;

/// The first trades of the bundled tape.
fn trades() -> Vec<RawTrade> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/tape");
    let tape = load_tape(&folder).expect("the tape");
    let series = tape.iter().find(|s| matches!(s.ids, TradeIds::Venue { .. })).expect("numbered trades");
    // Some of the recorded trades are absent: numbered anew, nothing is missing before the damage.
    let series = series.renumbered();
    let number = |d: rust_decimal::Decimal| d.to_string().parse().expect("a number");
    let trade = |row: &cryptosmarttrader::store::TickRow| RawTrade {
        pair: series.pair.clone(),
        venue: Venue::Kraken.to_string(),
        id: Some(row.id),
        price: number(row.price),
        qty: number(row.volume),
        side: row.side.as_str().to_owned(),
        at: row.at,
    };
    series.rows.iter().take(5_000).map(trade).collect()
}

#[test]
fn clean_trades_pass_and_every_kind_of_damage_is_found() {
    let clean = trades();
    let run = |rows: &[RawTrade]| {
        let pair = clean[0].pair.clone();
        let mut check = TradeCheck::new(Venue::Kraken, std::slice::from_ref(&pair), &PipelineSettings::default());
        let mut now = UtcMs(i64::MIN);
        let refused: Vec<_> = rows
            .iter()
            .filter_map(|row| {
                // Received as they happened; a stamp that runs ahead or back is the damage.
                now = now.max(clean[0].at);
                let got = check.check(row, now.max(row.at.min(now.plus(60_000))));
                if got.is_ok() {
                    now = now.max(row.at);
                }
                got.err()
            })
            .collect();
        (refused, check.missing(&pair))
    };
    assert_eq!(run(&clean), (vec![], 0));
    type Damage = fn(&mut Vec<RawTrade>);
    let kinds: [(&str, Damage, RejectReason); 7] = [
        ("no number", |t| t[900].price = f64::NAN, RejectReason::NotFinite),
        ("no quantity", |t| t[900].qty = 0.0, RejectReason::VolumeNotPositive),
        ("twice", |t| t.insert(900, t[900].clone()), RejectReason::DuplicateId),
        ("reversed", |t| t.swap(900, 901), RejectReason::IdBackwards),
        ("an unknown side", |t| t[900].side = "b".to_owned(), RejectReason::UnknownSide),
        ("another currency", |t| t[900].pair = "BTC/EUR".parse().unwrap(), RejectReason::CurrencyMismatch),
        ("a clock put back", |t| t[900].at = t[100].at, RejectReason::OutOfOrder),
    ];
    for (kind, damage, reason) in kinds {
        let mut damaged = clean.clone();
        damage(&mut damaged);
        assert!(run(&damaged).0.contains(&reason), "'{kind}' was not found");
    }
    // A gap in the ids: the rows are right, but some are missing.
    let mut gap = clean.clone();
    gap.drain(900..907);
    assert_eq!(run(&gap), (vec![], 7));
}

#[test]
fn damaged_books_texts_and_transfers_are_found() {
    let now = at("2024-07-17T12:00:00Z");
    let rules = BookRules { max_age_ms: 5_000, future_tolerance_ms: 2_000 };
    let (bids, asks) = ([(64_000.0, 0.5), (63_999.9, 1.0)], [(64_000.1, 0.2), (64_000.4, 2.0)]);
    let book = BookLevels { bids: &bids, asks: &asks, checksum: Some(true), at: now };
    let judge = |book: BookLevels<'_>| check_book(&book, now, &rules);
    assert_eq!(judge(book), Ok(()));
    let crossed = [(64_000.2, 0.5)];
    assert_eq!(judge(BookLevels { bids: &crossed, ..book }), Err(RejectReason::Crossed));
    assert_eq!(judge(BookLevels { checksum: Some(false), ..book }), Err(RejectReason::ChecksumMismatch));
    assert_eq!(judge(BookLevels { at: now.plus(-5_001), ..book }), Err(RejectReason::Stale));

    let pairs = ["BTC/USD".to_owned()];
    let text =
        RawText { id: "cd-1", published: Some(now), known_time: Some(now), text: b"Bitcoin rises", pairs: &pairs };
    let mut texts = TextCheck::new(2_000);
    assert!(texts.check(&text, now).is_ok());
    let leaked = RawText { id: "cd-2", published: Some(now.plus(60_000)), ..text };
    assert_eq!(texts.check(&leaked, now), Err(RejectReason::PublishedAfterKnown));
    assert_eq!(texts.check(&text, now), Err(RejectReason::DuplicateId));

    let mut transfers = TransferCheck::new(["BTC".to_owned()], 2_000);
    let transfer = RawTransfer { id: "f00d:0", asset: "BTC", amount: 900.0, event_time: now, known_time: now };
    assert_eq!(transfers.check(&transfer, now), Ok(()));
    assert_eq!(transfers.check(&transfer, now), Err(RejectReason::DuplicateId));
    let no_amount = RawTransfer { id: "f00d:1", amount: f64::NAN, ..transfer };
    assert_eq!(transfers.check(&no_amount, now), Err(RejectReason::NotFinite));
}
