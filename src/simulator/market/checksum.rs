//! The CRC-32 (IEEE) of a book as Kraken defines it. Written for the stand-in alone: the link has its own, so that a mistake in one shows.

use super::units::{Amt, Px, Scale, pow10};

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut all = [0_u32; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let mut value = byte;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xEDB8_8320 } else { value >> 1 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "constant evaluation: the index is below 256")]
        {
            all[byte as usize] = value;
        }
        byte += 1;
    }
    all
}

/// A running checksum over digits.
struct Crc(u32);

impl Crc {
    fn push(&mut self, byte: u8) {
        let index = usize::from((self.0 as u8) ^ byte);
        self.0 = TABLE.get(index).copied().unwrap_or(0) ^ (self.0 >> 8);
    }

    /// The digits of a whole number, without leading zeros; nothing for 0.
    fn push_number(&mut self, n: u128) {
        let mut buffer = [0_u8; 40];
        let mut used = 0_usize;
        let mut slots = buffer.iter_mut().rev();
        if let Ok(mut small) = u64::try_from(n) {
            while small > 0 {
                let Some(slot) = slots.next() else { break };
                *slot = b'0'.saturating_add((small % 10) as u8);
                small /= 10;
                used += 1;
            }
        } else {
            let mut big = n;
            while big > 0 {
                let Some(slot) = slots.next() else { break };
                *slot = b'0'.saturating_add((big % 10) as u8);
                big /= 10;
                used += 1;
            }
        }
        for byte in buffer.iter().skip(buffer.len().saturating_sub(used)) {
            self.push(*byte);
        }
    }
}

/// The checksum of the ten best levels of each side, given best first. `decimals` are those of the pair, in which both numbers are written.
pub fn book_checksum(asks: &[(Px, Amt)], bids: &[(Px, Amt)], scale: Scale, decimals: Scale) -> u32 {
    let price = pow10(scale.price.saturating_sub(decimals.price)).unsigned_abs();
    let qty = pow10(scale.qty.saturating_sub(decimals.qty)).unsigned_abs();
    let mut crc = Crc(!0);
    for (p, q) in asks.iter().take(10).chain(bids.iter().take(10)) {
        let (p, q) = (u128::from(p.unsigned_abs()), q.unsigned_abs());
        crc.push_number(if price == 1 { p } else { p / price });
        crc.push_number(if qty == 1 { q } else { q / qty });
    }
    !crc.0
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    fn levels(text: &str, scale: Scale) -> Vec<(Px, Amt)> {
        text.split_whitespace()
            .map(|level| {
                let (price, qty) = level.split_once('/').unwrap();
                let read = |t: &str| t.parse::<Decimal>().unwrap();
                (scale.price_units(read(price)).unwrap(), scale.qty_units(read(qty)).unwrap())
            })
            .collect()
    }

    const ASKS_A: &str = "45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911 45290.2/0.15890660 \
        45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000 45297.5/0.09945542 45299.5/0.18772827";
    const BIDS_A: &str = "45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000 45280.3/1.54592586 \
        45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000 45277.3/1.54602737 45276.6/0.15445238";
    const ASKS_B: &str = "0.5668/4410.79769741 0.5669/4655.40412487 0.567/49844.89424998 0.5671/24306.41678 0.5672/29783.25223475 \
        0.5673/57234.71239278 0.5674/45065.04744 0.5675/5912.76380354 0.5676/42514.92434778 0.5677/36304.0847022";
    const BIDS_B: &str = "0.5666/4831.75496356 0.5665/6658.22734739 0.5664/18724.91513344 0.5663/11563.92544914 0.5662/14006.65365711 \
        0.5661/17454.85679807 0.566/18097.1547 0.5659/33644.89175666 0.5658/148.3464 0.5657/606.70854372";

    #[test]
    fn the_published_vectors() {
        let table = [
            (ASKS_A, BIDS_A, 1, 3_310_070_434),
            (ASKS_B, BIDS_B, 4, 2_439_117_997),
            ("0.5668/4410.79769741 0.567/49844.89424998", "0.566/18097.1547", 4, 3_106_513_784),
        ];
        for (asks, bids, price, expected) in table {
            let decimals = Scale { price, qty: 8 };
            assert_eq!(book_checksum(&levels(asks, decimals), &levels(bids, decimals), decimals, decimals), expected);
            // A finer scale inside changes nothing on the wire.
            let finer = Scale { price: price + 2, qty: 11 };
            assert_eq!(book_checksum(&levels(asks, finer), &levels(bids, finer), finer, decimals), expected);
        }
        let decimals = Scale { price: 4, qty: 8 };
        assert_eq!(book_checksum(&[], &[], decimals, decimals), 0);
    }

    #[test]
    fn a_changed_digit_changes_the_sum() {
        let decimals = Scale { price: 1, qty: 8 };
        let asks = levels(&ASKS_A.replace("1.54571953", "1.54571954"), decimals);
        assert_ne!(book_checksum(&asks, &levels(BIDS_A, decimals), decimals, decimals), 3_310_070_434);
    }
}
