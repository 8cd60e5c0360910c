//! Identifiers in Kraken's shape, from a seed.

use crate::domain::random::SplitMix64;

const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The source of ids: equal seeds give equal ids in equal order.
#[derive(Debug, Clone)]
pub(super) struct Ids(SplitMix64);

impl Ids {
    pub fn new(seed: u64) -> Self {
        Self(SplitMix64::new(&[seed, 0x6465_736B]))
    }

    /// `OXXXXX-XXXXX-XXXXXX`
    pub fn order(&mut self) -> String {
        self.next('O')
    }

    /// `TXXXXX-XXXXX-XXXXXX`, for trades and amendments.
    pub fn trade(&mut self) -> String {
        self.next('T')
    }

    /// `LXXXXX-XXXXX-XXXXXX`
    pub fn ledger(&mut self) -> String {
        self.next('L')
    }

    fn next(&mut self, kind: char) -> String {
        let mut bits = u128::from(self.0.next_u64()) << 64 | u128::from(self.0.next_u64());
        let mut id = String::with_capacity(19);
        id.push(kind);
        while id.len() < 19 {
            if id.len() == 6 || id.len() == 12 {
                id.push('-');
            } else {
                id.push(LETTERS.get((bits & 31) as usize).map_or('A', |b| char::from(*b)));
                bits >>= 5;
            }
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_kraken_s_shape_and_follow_the_seed() {
        let (mut a, mut b, mut other) = (Ids::new(7), Ids::new(7), Ids::new(8));
        let id = a.order();
        assert_eq!(id, b.order());
        assert_ne!(id, other.order());
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [6, 5, 6], "{id}");
        assert!(id.starts_with('O') && a.trade().starts_with('T') && a.ledger().starts_with('L'));
        let many: std::collections::BTreeSet<String> = (0..10_000).map(|_| a.order()).collect();
        assert_eq!(many.len(), 10_000);
    }
}
