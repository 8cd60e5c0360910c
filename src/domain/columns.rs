//! What rules read of a bar, by name: the seam between those who compute columns and those who write conditions over them.

use super::market::Bar;

/// Why a column cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoColumn {
    /// Nothing has this name.
    Unknown,
    /// The name is understood, but cannot be used here; in words.
    Refused(String),
}

/// Columns of one pair, computed bar by bar. A column is opened once by its name and then known by its number; NaN stands for "no value".
/// Equal columns are computed once, however many rules read them. After the last [`BarColumns::open`] nothing allocates.
pub trait BarColumns: Send {
    /// The number of the column `name`, from 0 in the order of opening; the same number for the same name.
    ///
    /// # Errors
    /// When there is no such column, or it cannot be had here.
    fn open(&mut self, name: &str) -> Result<usize, NoColumn>;

    /// Names that could have been meant by `word`.
    fn names_near(&self, word: &str) -> Vec<String>;

    /// How many columns are open.
    fn count(&self) -> usize;

    /// Takes the next closed bar and writes the value of every open column to its place in `row`.
    fn push(&mut self, bar: &Bar, row: &mut [f64]);

    /// The same for many bars at once: to each open column its values, one per bar. Bit for bit what [`BarColumns::push`] gives.
    fn run(&mut self, bars: &[Bar], columns: &mut [Vec<f64>]);

    /// Forgets all bars, as after a hole; open columns stay open.
    fn reset(&mut self);
}
