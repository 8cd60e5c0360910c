//! How two sets of trades of one day become one.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::Reason;
use crate::domain::Side;
use crate::store::lake::TradeRow;

impl TradeRow {
    pub(super) fn shown(&self) -> String {
        let side = self.side.map_or("", Side::as_str);
        format!("{},{},{},{side},{}", self.at_ns, self.price, self.volume, self.id.as_deref().unwrap_or_default())
    }

    const fn key(&self) -> Key {
        (self.at_ns, self.price, self.volume, self.side)
    }
}

type Key = (i64, Decimal, Decimal, Option<Side>);

/// What became of two sets of trades.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Merged {
    /// All that stay, sorted by time.
    pub rows: Vec<TradeRow>,
    pub rejected: Vec<(TradeRow, Reason, String)>,
    pub accepted: u64,
    pub identical: u64,
    pub replaced: u64,
    pub dropped: u64,
}

impl Merged {
    pub(in crate::store) const fn changed(&self) -> bool {
        self.accepted + self.replaced + self.dropped > 0
    }
}

/// Puts `new` rows of one file beside the `stored` rows of the same day, both sorted by time.
///
/// With ids a trade is known by its id. Without, equal rows are counted: a file that shows a row twice means two trades, and the lake, which has
/// both, takes none of them again. A new row *within* the span that the lake has is then a conflict, not an addition: it is more likely the
/// same trade written otherwise (whole seconds, other digits) than one that was overlooked, and doubled volume would not be seen. With `replace` the new
/// rows win: the one with the same id, or without ids all of the span from the first to the last.
pub(in crate::store) fn merge(stored: Vec<TradeRow>, new: Vec<TradeRow>, replace: bool) -> Merged {
    let with_ids = stored.first().or(new.first()).is_some_and(|row| row.id.is_some());
    let mut merged = Merged::default();
    let (new, mixed): (Vec<_>, Vec<_>) = new.into_iter().partition(|row| row.id.is_some() == with_ids);
    for row in mixed {
        let said =
            if with_ids { "the other trades of this day have ids" } else { "the other trades of this day have no ids" };
        merged.rejected.push((row, Reason::MixedIds, said.to_owned()));
    }
    if with_ids {
        by_id(&mut merged, stored, new, replace);
    } else if replace {
        by_span(&mut merged, stored, new);
    } else {
        by_count(&mut merged, stored, new);
    }
    merged.rows.sort_by_key(|row| row.at_ns);
    merged
}

fn by_id(merged: &mut Merged, stored: Vec<TradeRow>, new: Vec<TradeRow>, replace: bool) {
    let from_lake = stored.len();
    merged.rows = stored;
    let mut known: HashMap<Box<str>, usize> =
        merged.rows.iter().enumerate().filter_map(|(n, row)| Some((row.id.clone()?, n))).collect();
    for row in new {
        let Some(id) = row.id.clone() else { continue };
        match known.get(&id).and_then(|n| Some((*n, merged.rows.get_mut(*n)?))) {
            None => {
                known.insert(id, merged.rows.len());
                merged.rows.push(row);
                merged.accepted += 1;
            }
            Some((_, old)) if old.key() == row.key() => merged.identical += 1,
            Some((n, old)) if replace && n < from_lake => {
                *old = row;
                merged.replaced += 1;
            }
            Some((n, old)) => {
                let (reason, whose) = if n < from_lake {
                    (Reason::ConflictWithLake, "the lake")
                } else {
                    (Reason::ConflictInFile, "the file")
                };
                let said = format!("{whose} has {}", old.shown());
                merged.rejected.push((row, reason, said));
            }
        }
    }
}

fn count(rows: &[TradeRow]) -> HashMap<Key, u64> {
    let mut counts = HashMap::new();
    for row in rows {
        *counts.entry(row.key()).or_default() += 1;
    }
    counts
}

/// Whether one more of these is there; takes it.
fn take(counts: &mut HashMap<Key, u64>, row: &TradeRow) -> bool {
    match counts.get_mut(&row.key()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    }
}

fn by_count(merged: &mut Merged, stored: Vec<TradeRow>, new: Vec<TradeRow>) {
    let mut counts = count(&stored);
    let span = stored.first().zip(stored.last()).map(|(first, last)| (first.at_ns, last.at_ns));
    merged.rows = stored;
    for row in new {
        if take(&mut counts, &row) {
            merged.identical += 1;
        } else if span.is_some_and(|(first, last)| first < row.at_ns && row.at_ns < last) {
            merged.rejected.push((row, Reason::ConflictWithLake, "the lake has this span without it".to_owned()));
        } else {
            merged.rows.push(row);
            merged.accepted += 1;
        }
    }
}

fn by_span(merged: &mut Merged, stored: Vec<TradeRow>, new: Vec<TradeRow>) {
    let Some((first, last)) = new.first().zip(new.last()).map(|(a, b)| (a.at_ns, b.at_ns)) else {
        merged.rows = stored;
        return;
    };
    let (inside, outside): (Vec<_>, Vec<_>) = stored.into_iter().partition(|row| (first..=last).contains(&row.at_ns));
    let mut counts = count(&inside);
    for row in &new {
        if take(&mut counts, row) {
            merged.identical += 1;
        } else {
            merged.accepted += 1;
        }
    }
    merged.dropped = counts.values().sum();
    merged.rows = outside;
    merged.rows.extend(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(at_ns: i64, price: i64, id: Option<&str>) -> TradeRow {
        let (price, volume) = (Decimal::new(price, 1), Decimal::new(123_456_789_012, 11));
        TradeRow { line: 7, at_ns, price, volume, side: Some(Side::Sell), id: id.map(Into::into) }
    }

    fn plain(rows: &[(i64, i64)]) -> Vec<TradeRow> {
        rows.iter().map(|(at, price)| trade(*at, *price, None)).collect()
    }

    #[test]
    fn equal_rows_without_ids_are_counted() {
        let twice = plain(&[(1, 10), (1, 10), (2, 11)]);
        let first = merge(Vec::new(), twice.clone(), false);
        assert_eq!((first.accepted, first.rows.len()), (3, 3));
        let again = merge(first.rows.clone(), twice, false);
        assert_eq!((again.identical, again.changed(), again.rows.len()), (3, false, 3));
        let more = merge(first.rows, plain(&[(1, 10), (2, 11), (2, 11), (3, 12)]), false);
        assert_eq!((more.identical, more.accepted, more.rows.len()), (2, 2, 5));
    }

    #[test]
    fn a_row_within_a_known_span_is_a_conflict_unless_it_replaces() {
        let stored = plain(&[(10, 1), (20, 2), (30, 3)]);
        let other = plain(&[(10, 1), (19, 2), (30, 3), (31, 4)]);
        let careful = merge(stored.clone(), other.clone(), false);
        assert_eq!((careful.identical, careful.accepted, careful.rejected.len()), (2, 1, 1));
        assert_eq!(careful.rejected[0].1, Reason::ConflictWithLake);
        let bold = merge(stored, other.clone(), true);
        assert_eq!((bold.identical, bold.accepted, bold.dropped), (2, 2, 1));
        assert_eq!(bold.rows, other);
    }

    #[test]
    fn ids_decide_where_there_are_any() {
        let stored = vec![trade(1, 10, Some("a")), trade(2, 20, Some("b"))];
        let new =
            vec![trade(1, 10, Some("a")), trade(2, 21, Some("b")), trade(2, 20, Some("c")), trade(3, 1, Some("c"))];
        let careful = merge(stored.clone(), new.clone(), false);
        assert_eq!((careful.identical, careful.accepted), (1, 1));
        let reasons: Vec<_> = careful.rejected.iter().map(|r| r.1).collect();
        assert_eq!(reasons, [Reason::ConflictWithLake, Reason::ConflictInFile]);
        let bold = merge(stored.clone(), new, true);
        assert_eq!((bold.replaced, bold.rows[1].price), (1, Decimal::new(21, 1)));
        let mixed = merge(stored, plain(&[(9, 9)]), true);
        assert_eq!((mixed.rejected[0].1, mixed.changed()), (Reason::MixedIds, false));
    }
}
