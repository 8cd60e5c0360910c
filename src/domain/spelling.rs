//! How far one word is from another: for the name that was probably meant.

/// Letters to insert, delete or replace (Levenshtein), row by row.
#[must_use]
pub fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((y, pair), j) in b.iter().zip(row.windows(2)).zip(0..) {
            if let ([diagonal, above], Some(left)) = (pair, next.get(j)) {
                next.push((diagonal + usize::from(x != *y)).min(above + 1).min(left + 1));
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        for (a, b, n) in
            [("kitten", "sitting", 3), ("", "abc", 3), ("", "", 0), ("perod", "period", 1), ("flaw", "lawn", 2)]
        {
            assert_eq!((edits(a, b), edits(b, a)), (n, n), "{a} {b}");
        }
    }
}
