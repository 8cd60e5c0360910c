//! One timeline for many pairs and sources: everything leaves in the order in which it was known.

use std::collections::BTreeMap;

use super::Dated;
use crate::domain::UtcMs;

/// Items of streams that are named by `K`, waiting for their time.
///
/// Items leave by known time, then event time, stream and sequence: whatever order they arrived in, they leave in one. O(log n) per item.
#[derive(Debug, Clone)]
pub struct Timeline<K, T> {
    waiting: BTreeMap<(UtcMs, UtcMs, K, u64), T>,
    released: UtcMs,
}

/// An item that was known before the last release: what rests on that release did without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was known {} ms before what has left already", by_ms)]
pub struct Late {
    pub by_ms: i64,
}

impl<K, T> Default for Timeline<K, T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), released: UtcMs(i64::MIN) }
    }
}

impl<K: Ord, T> Timeline<K, T> {
    /// Takes an item. Of two that share stream, times and sequence the later arrival replaces the earlier.
    ///
    /// # Errors
    /// [`Late`]; the item leaves all the same, with the next release.
    pub fn insert(&mut self, stream: K, item: Dated<T>) -> Result<(), Late> {
        let Dated { event_time, known_time, sequence, value } = item;
        self.waiting.insert((known_time, event_time, stream, sequence), value);
        if known_time <= self.released {
            return Err(Late { by_ms: self.released.since(known_time) });
        }
        Ok(())
    }

    /// Everything that is known by `at`, in order; each item leaves once.
    pub fn release(&mut self, at: UtcMs) -> impl Iterator<Item = (K, Dated<T>)> + use<K, T> {
        self.released = self.released.max(at);
        let mut out = Vec::new();
        while let Some(entry) = self.waiting.first_entry().filter(|e| e.key().0 <= at) {
            let ((known_time, event_time, stream, sequence), value) = entry.remove_entry();
            out.push((stream, Dated { event_time, known_time, sequence, value }));
        }
        out.into_iter()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Row = (u8, i64, i64, u64);

    fn dated(row: &Row) -> Dated<Row> {
        Dated { event_time: UtcMs(row.1), known_time: UtcMs(row.1 + row.2), sequence: row.3, value: *row }
    }

    #[test]
    fn items_wait_for_their_time_and_late_ones_are_told() {
        let mut line = Timeline::default();
        assert_eq!(
            line.insert("news", Dated { event_time: UtcMs(1), known_time: UtcMs(9), sequence: 0, value: 'n' }),
            Ok(())
        );
        assert_eq!(
            line.insert("bars", Dated { event_time: UtcMs(5), known_time: UtcMs(5), sequence: 0, value: 'b' }),
            Ok(())
        );
        let mut left = |at| line.release(UtcMs(at)).map(|(_, d)| d.value).collect::<String>();
        assert_eq!([left(4), left(8), left(9), left(10)], ["", "b", "n", ""]);
        let late = line.insert("bars", Dated { event_time: UtcMs(6), known_time: UtcMs(6), sequence: 0, value: 'c' });
        assert_eq!(late, Err(Late { by_ms: 4 }));
        assert_eq!(line.release(UtcMs(10)).count(), 1);
        assert!(line.is_empty());
    }

    proptest! {
        #[test]
        fn one_order_whatever_the_arrival(
            rows in prop::collection::vec((0_u8..4, 0_i64..40, 0_i64..5, 0_u64..3), 0..60),
            keys in prop::collection::vec(any::<u32>(), 60),
            cuts in prop::collection::vec(0_i64..50, 0..6),
        ) {
            let mut shuffled: Vec<_> = rows.iter().zip(&keys).collect();
            shuffled.sort_by_key(|(_, key)| **key);
            // Each item is there by its known time, in either order of arrival.
            let run = |rows: &[Row]| {
                let mut line = Timeline::default();
                rows.iter().for_each(|r| line.insert(r.0, dated(r)).unwrap());
                let mut cuts = cuts.clone();
                cuts.sort_unstable();
                cuts.push(100);
                cuts.iter().map(|at| line.release(UtcMs(*at)).collect::<Vec<_>>()).collect::<Vec<_>>()
            };
            let one = run(&rows);
            let other = run(&shuffled.into_iter().map(|(r, _)| *r).collect::<Vec<_>>());
            prop_assert_eq!(&one, &other);
            let all: Vec<_> = one.into_iter().flatten().collect();
            prop_assert!(all.is_sorted_by_key(|(k, d)| (d.known_time, d.event_time, *k, d.sequence)));
        }
    }
}
