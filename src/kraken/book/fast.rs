//! Book frames from their bytes: one pass, no tree, no allocation. Reads exactly what the exchange writes (keys in its order, no white
//! space, numbers without sign and exponent, instants with microseconds); everything else gives `None` and is left to the decoder.

use super::order_book::{BookSide, Change, Precision, Step};
use super::stamp;
use crate::kraken::wire::Stamp;

/// Longer frames are left to the decoder, which has a limit of its own.
const LONGEST: usize = 256 * 1024;

/// What stands around the levels of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub step: Step,
    pub checksum: u32,
    pub at: Option<Stamp>,
}

/// The beginning of a book frame: what it is, its symbol, and the bytes behind the symbol's closing quote.
pub(super) fn head(frame: &[u8]) -> Option<(Step, &[u8], Cursor<'_>)> {
    if frame.len() > LONGEST {
        return None;
    }
    let mut cursor = Cursor(frame);
    cursor.skip(br#"{"channel":"book","type":""#)?;
    let step = if cursor.skip(b"update").is_some() {
        Step::Update
    } else {
        cursor.skip(b"snapshot")?;
        Step::Snapshot
    };
    cursor.skip(br#"","data":[{"symbol":""#)?;
    let end = cursor.0.iter().position(|byte| *byte == b'"')?;
    let (symbol, rest) = cursor.0.split_at_checked(end)?;
    let mut cursor = Cursor(rest);
    cursor.skip(b"\"")?;
    Some((step, symbol, cursor))
}

/// The rest of the frame; its levels go to `changes`, which is cleared first.
pub(super) fn body(
    step: Step,
    mut cursor: Cursor<'_>,
    precision: Precision,
    changes: &mut Vec<Change>,
) -> Option<Frame> {
    changes.clear();
    cursor.skip(br#","bids":["#)?;
    cursor.levels(BookSide::Bids, precision, changes)?;
    cursor.skip(br#","asks":["#)?;
    cursor.levels(BookSide::Asks, precision, changes)?;
    cursor.skip(br#","checksum":"#)?;
    let checksum = u32::try_from(cursor.ticks(0)?).ok()?;
    let at = if cursor.skip(br#","timestamp":""#).is_some() {
        let (text, rest) = cursor.0.split_first_chunk()?;
        cursor = Cursor(rest);
        cursor.skip(b"\"")?;
        Some(stamp::read(text)?)
    } else {
        None
    };
    (cursor.0 == b"}]}").then_some(Frame { step, checksum, at })
}

/// The bytes not yet read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Passes over exactly these bytes.
    #[inline]
    fn skip<const N: usize>(&mut self, text: &[u8; N]) -> Option<()> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        (first == text).then(|| self.0 = rest)
    }

    /// The levels of one side and the bracket that closes them.
    #[inline]
    fn levels(&mut self, side: BookSide, precision: Precision, changes: &mut Vec<Change>) -> Option<()> {
        if self.skip(b"]").is_some() {
            return Some(());
        }
        loop {
            self.skip(br#"{"price":"#)?;
            let price = self.ticks(precision.price)?;
            self.skip(br#","qty":"#)?;
            let qty = self.ticks(precision.qty)?;
            changes.push(Change { side, price, qty });
            if self.skip(b"},").is_none() {
                return self.skip(b"}]");
            }
        }
    }

    /// A JSON number without sign and exponent, in units of 10^-`decimals`. `None` when it has more decimals than that, or more than 19 digits.
    #[inline]
    fn ticks(&mut self, decimals: u32) -> Option<u64> {
        let whole = self.0;
        let mut value = 0_u64;
        let integer = self.digits(&mut value);
        // JSON allows no leading zero but a lone one.
        if integer == 0 || integer > 19 || (integer > 1 && whole.first() == Some(&b'0')) {
            return None;
        }
        let mut written = 0;
        if self.skip(b".").is_some() {
            written = self.digits(&mut value);
            if written == 0 || written + integer > 19 {
                return None;
            }
        }
        let missing = decimals.checked_sub(u32::try_from(written).ok()?)?;
        value.checked_mul(*POWERS.get(missing as usize)?)
    }

    /// Adds the digits that follow to `value` and says how many there were; only the first 19 keep it exact.
    #[inline]
    fn digits(&mut self, value: &mut u64) -> usize {
        let mut count = 0;
        while let Some((byte, rest)) = self.0.split_first() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            *value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            count += 1;
            self.0 = rest;
        }
        count
    }
}

/// Powers of ten that 64 bits hold.
const POWERS: [u64; 20] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
    10_000_000_000_000,
    100_000_000_000_000,
    1_000_000_000_000_000,
    10_000_000_000_000_000,
    100_000_000_000_000_000,
    1_000_000_000_000_000_000,
    10_000_000_000_000_000_000,
];
