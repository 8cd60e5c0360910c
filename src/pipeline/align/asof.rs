//! As-of join: what was the newest thing known at an instant.
//!
//! At `T` only rows with `known_time ≤ T` exist. Of these the one with the greatest `event_time` is in force; of equal ones that with the
//! greatest `known_time` (a correction), then that with the greatest `sequence` of its source. So a late word about an old event changes
//! nothing, and the order in which rows arrived changes nothing either.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::domain::UtcMs;

/// A value with its two times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated<T> {
    /// When it happened.
    pub event_time: UtcMs,
    /// From when on it may be used: arrival, and the delay that its source states.
    pub known_time: UtcMs,
    /// The source's own number; two rows of one source never share all three.
    pub sequence: u64,
    pub value: T,
}

impl<T> Dated<T> {
    /// Of two rows that are known, the greater one is in force.
    const fn rank(&self) -> (UtcMs, UtcMs, u64) {
        (self.event_time, self.known_time, self.sequence)
    }
}

/// A row that waits for its known time: the earliest comes first.
#[derive(Debug, Clone)]
struct Waiting<T>(Dated<T>);

impl<T> Waiting<T> {
    fn key(&self) -> Reverse<(UtcMs, UtcMs, u64)> {
        Reverse((self.0.known_time, self.0.event_time, self.0.sequence))
    }
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Waiting<T> {}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The streaming form, for questions whose instants never run back. O(log n) per row, n being the rows that are not known yet.
#[derive(Debug, Clone)]
pub struct AsOf<T> {
    now: UtcMs,
    waiting: BinaryHeap<Waiting<T>>,
    current: Option<Dated<T>>,
}

impl<T> Default for AsOf<T> {
    fn default() -> Self {
        Self { now: UtcMs(i64::MIN), waiting: BinaryHeap::new(), current: None }
    }
}

impl<T> AsOf<T> {
    /// Takes a row, in any order. One that was known before the last question counts from the next question on.
    pub fn insert(&mut self, row: Dated<T>) {
        if row.known_time <= self.now {
            self.take(row);
        } else {
            self.waiting.push(Waiting(row));
        }
    }

    /// What is in force at `at`; an instant before the last one counts as the last one.
    pub fn at(&mut self, at: UtcMs) -> Option<&Dated<T>> {
        self.now = self.now.max(at);
        while self.waiting.peek().is_some_and(|w| w.0.known_time <= self.now) {
            if let Some(Waiting(row)) = self.waiting.pop() {
                self.take(row);
            }
        }
        self.current.as_ref()
    }

    fn take(&mut self, row: Dated<T>) {
        if self.current.as_ref().is_none_or(|current| current.rank() <= row.rank()) {
            self.current = Some(row);
        }
    }
}

/// A column that had to be sorted and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of the {column} lies before the one above it; sort them by time")]
pub struct Unsorted {
    pub column: &'static str,
    /// Counted from 0.
    pub row: usize,
}

/// The batch form: for every instant the place of the row in force, in one pass over both columns.
///
/// # Errors
/// [`Unsorted`] unless instants rise, and rows rise by `known_time` (equal ones are fine).
pub fn asof_join<T>(instants: &[UtcMs], rows: &[Dated<T>]) -> Result<Vec<Option<usize>>, Unsorted> {
    sorted("instants", instants.iter().copied())?;
    sorted("rows", rows.iter().map(|row| row.known_time))?;
    let mut known = rows.iter().enumerate().peekable();
    let mut current: Option<(usize, &Dated<T>)> = None;
    let join = instants.iter().map(|at| {
        while let Some((place, row)) = known.next_if(|(_, row)| row.known_time <= *at) {
            if current.is_none_or(|(_, current)| current.rank() <= row.rank()) {
                current = Some((place, row));
            }
        }
        current.map(|(place, _)| place)
    });
    Ok(join.collect())
}

fn sorted(column: &'static str, times: impl Iterator<Item = UtcMs>) -> Result<(), Unsorted> {
    let mut before = UtcMs(i64::MIN);
    for (row, time) in times.enumerate() {
        if time < before {
            return Err(Unsorted { column, row });
        }
        before = time;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(event: i64, known: i64, sequence: u64) -> Dated<u64> {
        Dated { event_time: UtcMs(event), known_time: UtcMs(known), sequence, value: sequence }
    }

    /// What the words above say, by looking at every row.
    fn naive(rows: &[Dated<u64>], at: i64) -> Option<u64> {
        let known = rows.iter().filter(|r| r.known_time.0 <= at);
        known.max_by_key(|r| (r.event_time, r.known_time, r.sequence)).map(|r| r.value)
    }

    #[test]
    fn late_words_corrections_and_ties() {
        let mut join = AsOf::default();
        assert_eq!(join.at(UtcMs(0)), None);
        for r in [row(10, 12, 1), row(10, 15, 2), row(5, 20, 3), row(30, 31, 4), row(30, 31, 5)] {
            join.insert(r);
        }
        let mut at = |t: i64| join.at(UtcMs(t)).map(|r| r.value);
        assert_eq!(
            [at(11), at(12), at(15), at(20)],
            [None, Some(1), Some(2), Some(2)],
            "a late word about an old event"
        );
        assert_eq!([at(30), at(31), at(3)], [Some(2), Some(5), Some(5)], "time does not run back");
    }

    #[test]
    fn the_batch_form_names_what_is_not_sorted() {
        let rows = [row(1, 3, 0), row(2, 2, 1)];
        assert_eq!(asof_join(&[UtcMs(1)], &rows), Err(Unsorted { column: "rows", row: 1 }));
        assert_eq!(asof_join(&[UtcMs(2), UtcMs(1)], &rows[..1]), Err(Unsorted { column: "instants", row: 1 }));
        assert_eq!(asof_join(&[], &rows[..1]), Ok(vec![]));
    }

    fn rows() -> impl Strategy<Value = Vec<Dated<u64>>> {
        prop::collection::vec((0_i64..30, 0_i64..10), 0..40).prop_map(|list| {
            list.into_iter().zip(0..).map(|((event, delay), n)| row(event, event + delay, n)).collect()
        })
    }

    proptest! {
        #[test]
        fn both_forms_equal_the_naive_model(rows in rows(), mut instants in prop::collection::vec(-2_i64..45, 0..30)) {
            instants.sort_unstable();
            let want: Vec<_> = instants.iter().map(|at| naive(&rows, *at)).collect();
            let mut streaming = AsOf::default();
            rows.iter().for_each(|r| streaming.insert(*r));
            let got: Vec<_> = instants.iter().map(|at| streaming.at(UtcMs(*at)).map(|r| r.value)).collect();
            prop_assert_eq!(&got, &want);
            let mut sorted = rows.clone();
            sorted.sort_by_key(|r| r.known_time);
            let times: Vec<_> = instants.iter().map(|at| UtcMs(*at)).collect();
            let batch = asof_join(&times, &sorted).unwrap();
            let batch: Vec<_> = batch.into_iter().map(|place| place.map(|p| sorted[p].value)).collect();
            prop_assert_eq!(batch, want);
        }

        #[test]
        fn the_order_of_arrival_does_not_matter(rows in rows(), keys in prop::collection::vec(any::<u32>(), 40), cut in 0_usize..40) {
            // Some rows arrive before, the rest between two questions: all that were known by the second one count in it.
            let ask = |rows: &[Dated<u64>]| {
                let mut join = AsOf::default();
                let (early, late) = rows.split_at(cut.min(rows.len()));
                early.iter().for_each(|r| join.insert(*r));
                join.at(UtcMs(15));
                late.iter().for_each(|r| join.insert(*r));
                [20, 25, 45].map(|at| join.at(UtcMs(at)).map(|r| r.value))
            };
            let mut shuffled: Vec<_> = rows.iter().zip(&keys).collect();
            shuffled.sort_by_key(|(_, key)| **key);
            let shuffled: Vec<_> = shuffled.into_iter().map(|(r, _)| *r).collect();
            prop_assert_eq!(ask(&rows), ask(&shuffled));
        }

        #[test]
        fn nothing_of_the_future_is_seen(rows in rows(), at in -2_i64..45) {
            let mut with = AsOf::default();
            let mut without = AsOf::default();
            rows.iter().for_each(|r| with.insert(*r));
            rows.iter().filter(|r| r.known_time.0 <= at).for_each(|r| without.insert(*r));
            prop_assert_eq!(with.at(UtcMs(at)), without.at(UtcMs(at)));
        }
    }
}
