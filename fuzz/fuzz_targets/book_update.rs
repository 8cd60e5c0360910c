//! Any sequence of book frames, well written and not: the fast way and the decoder must make the same books.
#![no_main]

use arbitrary::Arbitrary;
use cryptosmarttrader::kraken::book::{Book, BookFault, BookOutcome, BookSide, Books, Precision};
use cryptosmarttrader::kraken::wire::ws::{Inbound, Kind, decode};
use libfuzzer_sys::fuzz_target;

const SYMBOL: &str = "BTC/USD";

#[derive(Arbitrary, Debug)]
struct Session {
    depth: u8,
    price_decimals: u8,
    qty_decimals: u8,
    frames: Vec<Frame>,
}

#[derive(Arbitrary, Debug)]
enum Frame {
    /// Bytes that may be anything.
    Raw(Vec<u8>),
    /// The exchange's form around numbers that may be anything.
    Tokens {
        snapshot: bool,
        bids: Vec<(String, String)>,
        asks: Vec<(String, String)>,
        checksum: String,
        at: Option<String>,
    },
    /// A right frame, with its right checksum unless one is given, and perhaps one byte changed.
    Right {
        snapshot: bool,
        bids: Vec<(u8, u32)>,
        asks: Vec<(u8, u32)>,
        checksum: Option<u32>,
        damage: Option<(u16, u8)>,
    },
}

fn text(
    snapshot: bool,
    bids: &[(String, String)],
    asks: &[(String, String)],
    checksum: &str,
    at: Option<&str>,
) -> String {
    let kind = if snapshot { "snapshot" } else { "update" };
    let levels = |side: &[(String, String)]| {
        let level = |(price, qty): &(String, String)| format!("{{\"price\":{price},\"qty\":{qty}}}");
        side.iter().map(level).collect::<Vec<_>>().join(",")
    };
    let at = at.map(|at| format!(",\"timestamp\":\"{at}\"")).unwrap_or_default();
    format!(
        "{{\"channel\":\"book\",\"type\":\"{kind}\",\"data\":[{{\"symbol\":\"{SYMBOL}\",\"bids\":[{}],\"asks\":[{}],\"checksum\":{checksum}{at}}}]}}",
        levels(bids),
        levels(asks),
    )
}

/// Whole ticks as a decimal.
fn decimal(ticks: u64, decimals: u32) -> String {
    let one = 10_u64.pow(decimals);
    if decimals == 0 {
        ticks.to_string()
    } else {
        format!("{}.{:0width$}", ticks / one, ticks % one, width = decimals as usize)
    }
}

fn slow(books: &mut Books, frame: &[u8]) -> Vec<BookOutcome> {
    match decode(frame) {
        Ok(Inbound::Book { kind, rows }) => rows.iter().filter_map(|row| books.on_rows(&kind, row)).collect(),
        _ => Vec::new(),
    }
}

/// The checksum that the book will have after this frame: what a wrong one is answered with.
fn right_checksum(book: &Book, frame: &str) -> Option<u32> {
    let Ok(Inbound::Book { kind, mut rows }) = decode(frame.as_bytes()) else { return None };
    let mut copy = book.clone();
    let mut row = rows.pop()?;
    for guess in [0, 1] {
        row.checksum = guess;
        let result = if kind == Kind::Snapshot { copy.snapshot(&row) } else { copy.update(&row) };
        match result {
            Err(BookFault::Checksum { got, .. }) => return Some(got),
            Ok(_) | Err(BookFault::Crossed { .. }) => return Some(guess),
            Err(_) => {}
        }
    }
    None
}

fuzz_target!(|session: Session| {
    let precision =
        Precision { price: u32::from(session.price_decimals % 10), qty: u32::from(session.qty_decimals % 10) };
    let depth = u32::from(session.depth % 30);
    let mut fast = Books::new();
    let mut plain = Books::new();
    let at = fast.subscribe(SYMBOL, depth, precision);
    plain.subscribe(SYMBOL, depth, precision);
    for frame in session.frames.iter().take(64) {
        let bytes = match frame {
            Frame::Raw(bytes) => bytes.clone(),
            Frame::Tokens { snapshot, bids, asks, checksum, at } => {
                text(*snapshot, bids, asks, checksum, at.as_deref()).into_bytes()
            }
            Frame::Right { snapshot, bids, asks, checksum, damage } => {
                let side = |levels: &[(u8, u32)], offset: u64| -> Vec<(String, String)> {
                    let level = |(p, q): &(u8, u32)| {
                        (decimal(u64::from(*p % 64) + offset, precision.price), decimal(u64::from(*q), precision.qty))
                    };
                    levels.iter().map(level).collect()
                };
                let (bids, asks) = (side(bids, 1), side(asks, 60));
                let draft = text(*snapshot, &bids, &asks, "0", None);
                let book = plain.get(at).expect("subscribed");
                let checksum = checksum.or_else(|| right_checksum(book, &draft)).unwrap_or_default();
                let mut bytes = text(*snapshot, &bids, &asks, &checksum.to_string(), None).into_bytes();
                if let Some((place, byte)) = damage {
                    let place = usize::from(*place) % bytes.len();
                    bytes[place] = *byte;
                }
                bytes
            }
        };
        let meant = slow(&mut plain, &bytes);
        match fast.on_frame(&bytes) {
            Some(outcome) => assert_eq!(vec![outcome], meant, "{}", String::from_utf8_lossy(&bytes)),
            None => assert_eq!(slow(&mut fast, &bytes), meant),
        }
        let (one, other) = (fast.get(at).expect("subscribed"), plain.get(at).expect("subscribed"));
        assert!(one == other, "{}", String::from_utf8_lossy(&bytes));
        for side in [BookSide::Bids, BookSide::Asks] {
            assert!(one.len(side) <= depth as usize);
        }
        if let (Some((bid, _)), Some((ask, _))) = (one.best_bid(), one.best_ask()) {
            assert!(bid < ask);
        }
    }
});
