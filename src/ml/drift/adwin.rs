//! ADWIN (Bifet, Gavaldà 2007): a window that shrinks when the means of its two halves differ by more than chance allows.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How the window is kept and tested.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdwinSettings {
    /// Bound of the false alarm rate.
    pub delta: f64,
    /// The window is tested at every n-th value.
    pub clock: u64,
    /// Buckets of one size before two of them merge.
    pub max_buckets: usize,
    /// Neither half is smaller.
    pub min_half: u64,
    /// No test before so many values.
    pub grace: u64,
}

impl Default for AdwinSettings {
    fn default() -> Self {
        Self { delta: 0.002, clock: 32, max_buckets: 5, min_half: 5, grace: 10 }
    }
}

impl AdwinSettings {
    const fn is_sound(&self) -> bool {
        self.delta > 0.0 && self.delta < 1.0 && self.clock > 0 && self.max_buckets >= 2 && self.min_half > 0
    }
}

/// Where the mean went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    Up,
    Down,
}

/// Sum and sum of squared deviations of 2^row values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bucket {
    total: f64,
    spread: f64,
}

/// One side of a cut.
#[derive(Debug, Clone, Copy, Default)]
struct Half {
    n: f64,
    total: f64,
}

/// The detector. Memory is O(log n): at most `max_buckets + 1` buckets of each power of two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adwin {
    settings: AdwinSettings,
    /// Row i holds buckets of 2^i values, oldest first; row 0 is the newest.
    rows: Vec<VecDeque<Bucket>>,
    width: u64,
    total: f64,
    spread: f64,
    seen: u64,
    /// The window has just shrunk: the next value starts a new one.
    alarmed: bool,
}

impl Adwin {
    #[must_use]
    pub fn new(settings: &AdwinSettings) -> Self {
        Self {
            settings: *settings,
            rows: vec![VecDeque::new()],
            width: 0,
            total: 0.0,
            spread: 0.0,
            seen: 0,
            alarmed: false,
        }
    }

    /// Values in the window.
    #[must_use]
    pub const fn width(&self) -> u64 {
        self.width
    }

    /// Mean of the window; `None` while it is empty.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.width > 0).then(|| self.total / self.width as f64)
    }

    /// Buckets held.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.rows.iter().map(VecDeque::len).sum()
    }

    /// Takes the next value; says where the mean went when the window had to shrink, and then starts anew with the value after it. What
    /// is not finite is left out.
    pub fn update(&mut self, x: f64) -> Option<Shift> {
        if !x.is_finite() {
            return None;
        }
        if self.alarmed {
            *self = Self::new(&self.settings);
        }
        self.insert(x);
        self.seen += 1;
        let due = self.seen.is_multiple_of(self.settings.clock) && self.width > self.settings.grace;
        let shift = if due { self.shrink() } else { None };
        self.alarmed = shift.is_some();
        shift
    }

    fn insert(&mut self, x: f64) {
        if self.width > 0 {
            let n = self.width as f64;
            self.spread += n * (x - self.total / n).powi(2) / (n + 1.0);
        }
        self.width += 1;
        self.total += x;
        if let Some(newest) = self.rows.first_mut() {
            newest.push_back(Bucket { total: x, spread: 0.0 });
        }
        self.compress();
    }

    /// Where a row is too long, its two oldest buckets become one of the next row.
    fn compress(&mut self) {
        let mut size = 1.0;
        for i in 0..self.rows.len() {
            let Some(row) = self.rows.get_mut(i).filter(|row| row.len() > self.settings.max_buckets) else { return };
            let (Some(a), Some(b)) = (row.pop_front(), row.pop_front()) else { return };
            let merged = Bucket {
                total: a.total + b.total,
                spread: a.spread + b.spread + size * ((a.total - b.total) / size).powi(2) / 2.0,
            };
            match self.rows.get_mut(i + 1) {
                Some(next) => next.push_back(merged),
                None => self.rows.push(VecDeque::from([merged])),
            }
            size *= 2.0;
        }
    }

    /// Drops the oldest buckets while some cut of the window shows a change.
    fn shrink(&mut self) -> Option<Shift> {
        let mut shift = None;
        while let Some(found) = self.cut() {
            shift = shift.or(Some(found));
            if !self.drop_oldest() {
                break;
            }
        }
        shift
    }

    /// The first cut, from the oldest, at which the means of both halves differ too much.
    fn cut(&self) -> Option<Shift> {
        let (mut old, whole) = (Half::default(), Half { n: self.width as f64, total: self.total });
        for (i, row) in self.rows.iter().enumerate().rev() {
            let size = size_of(i);
            for bucket in row {
                old = Half { n: old.n + size, total: old.total + bucket.total };
                let new = Half { n: whole.n - old.n, total: whole.total - old.total };
                if let Some(shift) = self.differs(old, new) {
                    return Some(shift);
                }
            }
        }
        None
    }

    fn differs(&self, old: Half, new: Half) -> Option<Shift> {
        let least = self.settings.min_half as f64;
        if old.n < least || new.n < least {
            return None;
        }
        let difference = new.total / new.n - old.total / old.n;
        let width = self.width as f64;
        let doubt = (2.0 * width.ln() / self.settings.delta).ln();
        let inverse = 1.0 / (old.n - least + 1.0) + 1.0 / (new.n - least + 1.0);
        let bound = (2.0 * inverse * (self.spread / width).max(0.0) * doubt).sqrt() + 2.0 / 3.0 * doubt * inverse;
        (difference.abs() > bound).then_some(if difference > 0.0 { Shift::Up } else { Shift::Down })
    }

    fn drop_oldest(&mut self) -> bool {
        let last = self.rows.len().saturating_sub(1);
        let Some(bucket) = self.rows.get_mut(last).and_then(VecDeque::pop_front) else { return false };
        if last > 0 && self.rows.last().is_some_and(VecDeque::is_empty) {
            self.rows.pop();
        }
        let n = size_of(last);
        self.width = self.width.saturating_sub(1 << last.min(63));
        self.total -= bucket.total;
        let rest = self.width as f64;
        if rest > 0.0 {
            let apart = (bucket.total / n - self.total / rest).powi(2);
            self.spread -= bucket.spread + n * rest * apart / (n + rest);
        } else {
            self.spread = 0.0;
        }
        true
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let held: f64 = self.rows.iter().enumerate().map(|(i, row)| row.len() as f64 * size_of(i)).sum();
        let numbers = self.rows.iter().flatten().flat_map(|b| [b.total, b.spread]);
        self.settings.is_sound()
            && !self.rows.is_empty()
            && self.rows.len() <= 64
            && self.rows.iter().all(|row| row.len() <= self.settings.max_buckets + 1)
            && held == self.width as f64
            && numbers.chain([self.total, self.spread]).all(f64::is_finite)
    }
}

/// Values in a bucket of row i.
fn size_of(row: usize) -> f64 {
    2.0_f64.powi(i32::try_from(row).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn quiet_streams_raise_fewer_alarms_than_delta_promises() {
        let mut alarms = 0;
        for seed in 0..40 {
            let mut rng = SplitMix64::new(&[seed]);
            let mut adwin = Adwin::new(&AdwinSettings::default());
            alarms += (0..4_000).filter(|_| adwin.update(0.5 + 0.3 * rng.normal()).is_some()).count();
            assert!(adwin.is_sound());
            assert!(adwin.buckets() <= 6 * 12, "{} buckets of 4000 values", adwin.buckets());
        }
        assert!(alarms <= 2, "{alarms} alarms in 40 streams");
    }

    #[test]
    fn a_shift_of_one_sd_is_found_and_has_a_direction() {
        for (step, want) in [(1.0, Shift::Up), (-1.0, Shift::Down)] {
            let (mut rng, mut adwin) = (SplitMix64::new(&[3]), Adwin::new(&AdwinSettings::default()));
            assert!((0..1_000).all(|_| adwin.update(rng.normal()).is_none()));
            let (delay, shift) = (1..).find_map(|i| adwin.update(rng.normal() + step).map(|s| (i, s))).unwrap();
            assert_eq!(shift, want);
            assert!(delay <= 160, "{delay}");
        }
    }

    #[test]
    fn a_restart_changes_nothing_and_odd_values_do_no_harm() {
        let (mut a, mut rng) = (Adwin::new(&AdwinSettings::default()), SplitMix64::new(&[5]));
        for i in 0..600 {
            let mut b: Adwin = serde_json::from_str(&serde_json::to_string(&a).unwrap()).unwrap();
            let x = rng.normal() + f64::from(i / 300) * 2.0;
            assert_eq!(a.update(x), b.update(x));
            assert_eq!(a, b);
        }
        let before = a.clone();
        assert_eq!(a.update(f64::NAN), None);
        assert_eq!(a, before);
        let mut flat = Adwin::new(&AdwinSettings::default());
        assert_eq!(flat.mean(), None);
        assert!((0..5_000).all(|_| flat.update(0.1).is_none()));
        assert!(flat.is_sound());
    }
}
