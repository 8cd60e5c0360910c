//! One price of a book, with its piece of the checksum's text beside it.

/// Digits of two 64-bit numbers.
pub(super) const MOST_DIGITS: usize = 40;

/// A price and its quantity. Fills one line of the processor's cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    /// Smaller is nearer to the top: the price of an ask, the complement of the price of a bid.
    pub key: u64,
    pub qty: u64,
    /// Digits of the price, then of the quantity, without leading zeros.
    text: [u8; MOST_DIGITS],
    price_len: u8,
    len: u8,
}

impl Level {
    pub fn new(key: u64, price: u64, qty: u64) -> Self {
        let mut level = Self { key, qty, text: [0; MOST_DIGITS], price_len: 0, len: 0 };
        level.price_len = digits(price, &mut level.text);
        level.set_qty(qty);
        level
    }

    pub fn set_qty(&mut self, qty: u64) {
        self.qty = qty;
        let rest = self.text.get_mut(usize::from(self.price_len)..).unwrap_or_default();
        self.len = self.price_len.saturating_add(digits(qty, rest));
    }

    /// The whole buffer, of which the first bytes count, and how many do. A copy of fixed size is faster than one of the right size.
    pub const fn text(&self) -> (&[u8; MOST_DIGITS], usize) {
        (&self.text, self.len as usize)
    }
}

/// Writes a number at the start of `out` and says how many bytes that took; zero has no digits.
fn digits(mut number: u64, out: &mut [u8]) -> u8 {
    let Some(last) = number.checked_ilog10() else { return 0 };
    let count = last.saturating_add(1);
    for slot in out.get_mut(..count as usize).unwrap_or_default().iter_mut().rev() {
        *slot = b'0' + (number % 10) as u8;
        number /= 10;
    }
    count as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_no_leading_zeros() {
        for (price, qty, meant) in [
            (452_852, 100_000, "452852100000"),
            (0, 1, "1"),
            (10, 0, "10"),
            (u64::MAX, u64::MAX, "1844674407370955161518446744073709551615"),
        ] {
            let mut level = Level::new(price, price, 7);
            level.set_qty(qty);
            let (text, len) = level.text();
            assert_eq!(&text[..len], meant.as_bytes());
        }
        assert_eq!(size_of::<Level>(), 64);
    }
}
