//! The fast way and the decoder must make the same book of the same bytes, or the fast way must decline.

use proptest::prelude::*;

use super::recorded::frames;
use super::{Model, Precision, as_frame, as_rows, told};
use crate::kraken::book::{BookOutcome, Books};
use crate::kraken::wire::Stamp;
use crate::kraken::wire::ws::{Inbound, decode};

const PRECISION: Precision = Precision { price: 1, qty: 8 };

fn books(depth: u32) -> Books {
    let mut books = Books::new();
    books.subscribe("X/Y", depth, PRECISION);
    books.subscribe("A/B", depth, PRECISION);
    books.subscribe("BTC/USD", depth, PRECISION);
    books
}

fn decoded(books: &mut Books, frame: &[u8]) -> Vec<BookOutcome> {
    match decode(frame) {
        Ok(Inbound::Book { kind, rows }) => rows.iter().filter_map(|row| books.on_rows(&kind, row)).collect(),
        _ => Vec::new(),
    }
}

/// Gives a frame to both; whether the fast way took it.
fn both(fast: &mut Books, slow: &mut Books, frame: &[u8]) -> bool {
    let meant = decoded(slow, frame);
    let taken = match fast.on_frame(frame) {
        Some(outcome) => {
            assert_eq!(vec![outcome], meant, "{}", String::from_utf8_lossy(frame));
            true
        }
        None => {
            assert_eq!(decoded(fast, frame), meant);
            false
        }
    };
    for index in 0..3 {
        assert_eq!(fast.get(index), slow.get(index));
    }
    taken
}

/// Other ways to write a frame: still JSON or not, equal or not.
fn rewritten(frame: &str, how: usize, at: prop::sample::Index, byte: u8) -> Vec<u8> {
    let text = match how {
        0 => frame.replace(":[", ": ["),
        1 => frame.replace("\"price\":", "\"price\":0"),
        2 => frame.replacen("},{", "0},{", 1),
        3 => frame.replace("0}", "e0}"),
        4 => frame.replacen("\"qty\":", "\"qty\":-", 1),
        5 => frame.replace("]}]}", "]}],\"extra\":1}"),
        6 => frame.replacen("\"price\":", "\"price\":99999999999999999999", 1),
        7 => frame.replace("\"checksum\":", "\"checksum\":9"),
        8 => frame.replace("}]}", ",\"timestamp\":\"2023-02-29T00:00:00.000000Z\"}]}"),
        9 => frame.replace(".", ".0"),
        10 => frame.replace("}]}", "}]} "),
        11 => return frame.as_bytes()[..at.index(frame.len())].to_vec(),
        12 => frame.replace("A/B", "A\\/B"),
        _ => {
            let mut bytes = frame.as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            return bytes;
        }
    };
    text.into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_exchange_writes_takes_the_fast_way(
        frames in told(), depth in 1_u32..13, at in prop::option::of(0_i64..9_000_000_000_000_000)
    ) {
        let (mut fast, mut slow, mut model) = (books(depth), books(depth), Model::default());
        for told in frames {
            let (checksum, meant) = model.apply(&told, depth as usize, PRECISION);
            let mut rows = as_rows(&told, checksum, PRECISION);
            rows.timestamp = at.map(|micros| Stamp(micros * 1_000));
            let frame = as_frame(told.snapshot, &rows);
            prop_assert!(both(&mut fast, &mut slow, frame.as_bytes()), "{}", frame);
            prop_assert_eq!(fast.get(1).map(super::Book::ready), Some(meant.is_ok()));
        }
    }

    #[test]
    fn other_writings_mean_the_same_or_are_declined(
        frames in told(), depth in 1_u32..13,
        hows in prop::collection::vec((0_usize..40, any::<prop::sample::Index>(), any::<u8>()), 40)
    ) {
        let (mut fast, mut slow, mut model) = (books(depth), books(depth), Model::default());
        for (told, (how, at, byte)) in frames.into_iter().zip(hows) {
            let (checksum, _) = model.apply(&told, depth as usize, PRECISION);
            let frame = as_frame(told.snapshot, &as_rows(&told, checksum, PRECISION));
            both(&mut fast, &mut slow, &rewritten(&frame, how, at, byte));
        }
    }

    #[test]
    fn damaged_recorded_frames_mean_the_same_or_are_declined(
        number in 0_usize..510, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let (mut fast, mut slow) = (books(10), books(10));
        let frames = frames();
        both(&mut fast, &mut slow, &frames[0]);
        let mut frame = frames[number].clone();
        for (at, byte) in damage {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        both(&mut fast, &mut slow, &frame);
    }
}

#[test]
fn the_recorded_session_goes_both_ways() {
    let (mut fast, mut slow) = (books(10), books(10));
    for frame in frames() {
        assert!(both(&mut fast, &mut slow, &frame));
    }
    assert!(fast.get(2).is_some_and(|book| book.ready() && !book.is_empty()));
}

#[test]
fn symbols_come_and_go() {
    let mut books = books(10);
    let frames = frames();
    assert_eq!(books.on_frame(&frames[0]).map(|outcome| (outcome.index, outcome.result)), Some((2, Ok(true))));
    assert_eq!(
        books.on_frame(&frames[1]).and_then(|outcome| outcome.at).map(|at| at.to_string()).as_deref(),
        Some("2023-07-30T15:29:58.343415Z")
    );
    let (index, book) = books.by_symbol(b"BTC/USD").expect("a book");
    assert_eq!((index, books.symbol(index), book.depth()), (2, Some("BTC/USD"), 10));
    books.reset("BTC/USD");
    assert!(books.get(2).is_some_and(|book| !book.ready()));
    books.forget("BTC/USD");
    assert_eq!((books.on_frame(&frames[0]), books.get(2), books.by_symbol(b"BTC/USD").is_some()), (None, None, false));
    assert!(decoded(&mut books, &frames[0]).is_empty());
    assert_eq!(books.subscribe("ETH/USD", 10, PRECISION), 2);
    assert_eq!(books.subscribe("BTC/USD", 10, PRECISION), 3);
    assert_eq!(books.subscribe("A/B", 25, PRECISION), 1);
    assert_eq!(books.get(1).map(super::Book::depth), Some(25));
    books.on_frame(&frames[0]).expect("taken");
    books.reset_all();
    assert!((0..4).all(|at| books.get(at).is_some_and(super::Book::is_empty)));
}
