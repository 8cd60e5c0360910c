//! One row on its way: texts in the order of the columns that matter, then values.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::instant::Instants;
use super::{ImportError, Reason};
use crate::domain::Side;
use crate::store::lake::TradeRow;
use crate::store::number;

/// The texts of a row, in the order of [`super::Kind::roles`]. Reused, so that reading a row allocates nothing.
#[derive(Debug, Default)]
pub(super) struct RowBuf {
    text: String,
    /// End of each field, and whether it is there.
    ends: Vec<(usize, bool)>,
}

impl RowBuf {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    pub(super) fn push(&mut self, field: Option<&str>) {
        self.text.push_str(field.unwrap_or_default());
        self.ends.push((self.text.len(), field.is_some()));
    }

    /// A field that is there and not blank.
    pub(super) fn get(&self, slot: usize) -> Option<&str> {
        let begin = slot.checked_sub(1).map_or(Some(0), |n| self.ends.get(n).map(|(end, _)| *end))?;
        let (end, there) = self.ends.get(slot)?;
        let field = self.text.get(begin..*end)?.trim();
        (*there && !field.is_empty()).then_some(field)
    }

    /// All fields, for people.
    pub(super) fn shown(&self) -> String {
        let fields: Vec<&str> = (0..self.ends.len()).map(|n| self.get(n).unwrap_or_default()).collect();
        fields.join(",")
    }
}

/// What a source found next.
#[derive(Debug)]
pub(super) enum Step {
    /// The row buffer is filled.
    Row {
        line: u64,
    },
    /// There is a row, but it cannot be taken apart.
    Bad {
        line: u64,
        reason: Reason,
        text: String,
    },
    End,
}

/// Where rows come from.
pub(super) trait Source {
    /// # Errors
    /// When the file cannot be read; a row that is wrong is a [`Step`].
    fn next(&mut self, row: &mut RowBuf) -> Result<Step, ImportError>;
    /// Bytes read so far.
    fn bytes(&self) -> u64;
}

/// A candle as it was read; nothing but its form is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CandleRow {
    pub line: u64,
    /// Open time in UTC milliseconds.
    pub at: i64,
    /// Open, high, low, close, volume.
    pub values: [Decimal; 5],
    pub trades: Option<u32>,
}

impl CandleRow {
    pub(super) fn shown(&self) -> String {
        let [open, high, low, close, volume] = self.values;
        let trades = self.trades.map(|n| n.to_string()).unwrap_or_default();
        format!("{},{open},{high},{low},{close},{volume},{trades}", self.at)
    }
}

/// How texts become values.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub instants: Instants,
    pub comma: bool,
    pub buys: Vec<String>,
    pub sells: Vec<String>,
}

const LONGEST_ID: usize = 64;

impl Reading {
    /// # Errors
    /// The reason to reject the row.
    pub(super) fn candle(&mut self, line: u64, row: &RowBuf) -> Result<CandleRow, Reason> {
        let ns = self.instants.read(row.get(0).ok_or(Reason::MissingValue)?)?;
        // A candle opens on a whole millisecond, or it is on no grid.
        let at = if ns % 1_000_000 == 0 { ns / 1_000_000 } else { return Err(Reason::OffGrid) };
        let mut values = [Decimal::ZERO; 5];
        for (slot, value) in (1..).zip(&mut values) {
            *value = self.number(row, slot)?;
        }
        let trades = row.get(6).map(|text| self.count(text)).transpose()?;
        Ok(CandleRow { line, at, values, trades })
    }

    /// # Errors
    /// The reason to reject the row.
    pub(super) fn trade(&mut self, line: u64, row: &RowBuf) -> Result<TradeRow, Reason> {
        let at_ns = self.instants.read(row.get(0).ok_or(Reason::MissingValue)?)?;
        let (price, volume) = (self.number(row, 1)?, self.number(row, 2)?);
        let side = row.get(3).map(|text| self.side(text)).transpose()?;
        let id = row.get(4).map(id).transpose()?;
        Ok(TradeRow { line, at_ns, price, volume, side, id })
    }

    fn number(&self, row: &RowBuf, slot: usize) -> Result<Decimal, Reason> {
        number::decimal(row.get(slot).ok_or(Reason::MissingValue)?, self.comma)
    }

    /// A whole number, also when written like `360.0`.
    fn count(&self, text: &str) -> Result<u32, Reason> {
        let value = number::decimal(text, self.comma).map_err(|_| Reason::BadCount)?;
        if value.scale() == 0 { value.to_u32().ok_or(Reason::BadCount) } else { Err(Reason::BadCount) }
    }

    fn side(&self, text: &str) -> Result<Side, Reason> {
        let among = |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
        match (among(&self.buys), among(&self.sells)) {
            (true, false) => Ok(Side::Buy),
            (false, true) => Ok(Side::Sell),
            _ => Err(Reason::BadSide),
        }
    }
}

fn id(text: &str) -> Result<Box<str>, Reason> {
    let good = text.len() <= LONGEST_ID && text.chars().all(|c| c.is_ascii_graphic() && c != '"');
    good.then(|| text.into()).ok_or(Reason::BadId)
}
