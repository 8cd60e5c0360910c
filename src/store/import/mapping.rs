//! What the columns of a file mean: a small TOML file, or a guess.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ImportError, Refusal, TimeUnit, VenueName};
use crate::domain::Pair;
use crate::store::files;

/// What a file's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Candles,
    Trades,
}

impl Kind {
    /// The columns of a row: name in the mapping, and whether it must be there.
    #[must_use]
    pub const fn roles(self) -> &'static [(&'static str, bool)] {
        match self {
            Self::Candles => &[
                ("time", true),
                ("open", true),
                ("high", true),
                ("low", true),
                ("close", true),
                ("volume", true),
                ("trades", false),
            ],
            Self::Trades => &[("time", true), ("price", true), ("volume", true), ("side", false), ("id", false)],
        }
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lines of separated values.
    Csv,
    /// An array of objects or arrays.
    Json,
    /// An object or array in each line.
    Jsonl,
    Parquet,
}

/// Which way the rows run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// A column by its name or by its place, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    Place(usize),
    Name(String),
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Place(n) => write!(f, "column {n}"),
            Self::Name(name) => write!(f, "'{name}'"),
        }
    }
}

/// The columns of [`Kind::roles`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    pub time: Option<Column>,
    pub open: Option<Column>,
    pub high: Option<Column>,
    pub low: Option<Column>,
    pub close: Option<Column>,
    /// Base units.
    pub volume: Option<Column>,
    pub trades: Option<Column>,
    pub price: Option<Column>,
    pub side: Option<Column>,
    pub id: Option<Column>,
}

impl Columns {
    pub(super) fn of(&self, role: &str) -> Option<&Column> {
        match role {
            "time" => self.time.as_ref(),
            "open" => self.open.as_ref(),
            "high" => self.high.as_ref(),
            "low" => self.low.as_ref(),
            "close" => self.close.as_ref(),
            "volume" => self.volume.as_ref(),
            "trades" => self.trades.as_ref(),
            "price" => self.price.as_ref(),
            "side" => self.side.as_ref(),
            "id" => self.id.as_ref(),
            _ => None,
        }
    }

    pub(super) fn set(&mut self, role: &str, column: Column) {
        let slot = match role {
            "time" => &mut self.time,
            "open" => &mut self.open,
            "high" => &mut self.high,
            "low" => &mut self.low,
            "close" => &mut self.close,
            "volume" => &mut self.volume,
            "trades" => &mut self.trades,
            "price" => &mut self.price,
            "side" => &mut self.side,
            "id" => &mut self.id,
            _ => return,
        };
        *slot = Some(column);
    }
}

const fn yes() -> bool {
    true
}

fn buys() -> Vec<String> {
    ["buy", "b"].map(str::to_owned).to_vec()
}

fn sells() -> Vec<String> {
    ["sell", "s"].map(str::to_owned).to_vec()
}

/// What a file holds and how.
///
/// ```toml
/// kind = "candles"             # or "trades"
/// venue = "coinbase"
/// pair = "BTC/USD"             # else from the file's name
/// interval = 60                # minutes; else from the file's name
/// time_unit = "ms"             # s ms us ns rfc3339 datetime-utc auto
/// [columns]                    # by name, or by place from 0
/// time = "timestamp"
/// open = "open"
/// high = "high"
/// low = "low"
/// close = "close"
/// volume = "volume"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub kind: Kind,
    pub venue: VenueName,
    /// Else from the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<Pair>,
    /// Length of a candle in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// CSV: what separates values. `,` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// CSV: whether the first line names the columns.
    #[serde(default = "yes")]
    pub header: bool,
    /// CSV: lines before the header.
    #[serde(default)]
    pub skip: u32,
    /// CSV without a header: values in a line; else as many as in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    #[serde(default)]
    pub decimal_comma: bool,
    #[serde(default)]
    pub time_unit: TimeUnit,
    #[serde(default)]
    pub order: Order,
    /// Words for the taker having bought, and sold.
    #[serde(default = "buys")]
    pub side_buy: Vec<String>,
    #[serde(default = "sells")]
    pub side_sell: Vec<String>,
    pub columns: Columns,
}

impl Mapping {
    /// A mapping without columns.
    #[must_use]
    pub fn new(kind: Kind, venue: VenueName) -> Self {
        Self {
            kind,
            venue,
            format: None,
            pair: None,
            interval: None,
            delimiter: None,
            header: true,
            skip: 0,
            width: None,
            decimal_comma: false,
            time_unit: TimeUnit::Auto,
            order: Order::Ascending,
            side_buy: buys(),
            side_sell: sells(),
            columns: Columns::default(),
        }
    }

    /// Kraken's downloads: lines without a header, `time,open,high,low,close,volume,trades` or `time,price,volume`, times in seconds.
    #[must_use]
    pub fn kraken(kind: Kind) -> Self {
        let mut mapping = Self::new(kind, VenueName::kraken());
        mapping.format = Some(Format::Csv);
        mapping.header = false;
        mapping.time_unit = TimeUnit::S;
        let roles: &[&str] = match kind {
            Kind::Candles => &["time", "open", "high", "low", "close", "volume", "trades"],
            Kind::Trades => &["time", "price", "volume"],
        };
        mapping.width = Some(roles.len());
        for (place, role) in roles.iter().enumerate() {
            mapping.columns.set(role, Column::Place(place));
        }
        mapping
    }

    /// Reads a mapping from a TOML file.
    ///
    /// # Errors
    /// [`ImportError`] naming the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, ImportError> {
        let bad = |reason: String| ImportError::Mapping { path: path.to_owned(), reason };
        let text = String::from_utf8(files::read(path)?).map_err(|e| bad(e.to_string()))?;
        let mapping: Self = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
        mapping.check().map_err(|e| bad(e.to_string()))?;
        Ok(mapping)
    }

    /// # Errors
    /// [`Refusal`] naming what makes no sense.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let bad = |reason: String| Err(Refusal::BadMapping(reason));
        if let Some((role, _)) = self.kind.roles().iter().find(|(role, must)| *must && self.columns.of(role).is_none())
        {
            return Err(Refusal::NoColumn { role, columns: "the mapping names none".to_owned() });
        }
        if self.interval == Some(0) || self.interval.is_some_and(|minutes| minutes > 44_640) {
            return bad("interval must be 1 to 44640 minutes".to_owned());
        }
        match self.delimiter {
            Some(c) if !c.is_ascii() || c.is_ascii_alphanumeric() || "\"\r\n.-+".contains(c) => {
                return bad(format!("{c:?} cannot separate values"));
            }
            Some(',') | None if self.decimal_comma && matches!(self.format, None | Some(Format::Csv)) => {
                return bad("decimal_comma needs another delimiter".to_owned());
            }
            _ => {}
        }
        if self.side_buy.iter().any(|b| self.side_sell.iter().any(|s| s.eq_ignore_ascii_case(b))) {
            return bad("a word cannot mean both sides".to_owned());
        }
        Ok(())
    }

    /// The columns in the order of [`Kind::roles`].
    pub(super) fn slots(&self) -> Vec<Option<&Column>> {
        self.kind.roles().iter().map(|(role, _)| self.columns.of(role)).collect()
    }

    /// Where each column of [`Kind::roles`] is among `names` (`None`: the columns have no names).
    ///
    /// # Errors
    /// [`Refusal`] when a column is not there or is there twice.
    pub(super) fn places(&self, names: Option<&[String]>, width: usize) -> Result<Vec<Option<usize>>, Refusal> {
        let shown = || names.map_or_else(|| format!("{width} without names"), |names| names.join(", "));
        let roles = self.kind.roles().iter().zip(self.slots());
        roles
            .map(|(&(role, _), column)| {
                let missing = || Refusal::NoColumn { role, columns: super::reject::shown(&shown()) };
                match column {
                    None => Ok(None),
                    Some(Column::Place(place)) if *place < width => Ok(Some(*place)),
                    Some(Column::Place(_)) => Err(missing()),
                    Some(Column::Name(name)) => {
                        let mut found = names.unwrap_or_default().iter().enumerate().filter(|(_, n)| *n == name);
                        let (place, _) = found.next().ok_or_else(missing)?;
                        match found.next() {
                            Some(_) => Err(Refusal::TwiceNamed { name: name.clone() }),
                            None => Ok(Some(place)),
                        }
                    }
                }
            })
            .collect()
    }
}
