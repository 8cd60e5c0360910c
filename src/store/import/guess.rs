//! What a file holds, judged by its first bytes, its column names and its own name.

use std::path::Path;

use super::csv;
use super::instant::TimeUnit;
use super::json::{self, Element};
use super::{Column, Columns, Format, Kind, Mapping, Refusal, VenueName, name};

/// How much of a file is looked at.
pub(super) const HEAD: usize = 1 << 18;
const LONGEST: usize = 1 << 16;

/// The format of a file that begins with `head`.
///
/// # Errors
/// [`Refusal`] when it is something that cannot be imported.
pub(super) fn format_of(head: &[u8]) -> Result<Format, Refusal> {
    const PACKED: [(&[u8], &str); 7] = [
        (b"PK\x03\x04", "zip"),
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ", "xz"),
        (b"7z\xbc\xaf", "7z"),
        (b"Rar!", "rar"),
    ];
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if let Some((_, name)) = PACKED.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(Refusal::Packed(name));
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err(Refusal::Utf16);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    // A stray NUL is a bad row; NULs all along are another kind of file.
    if text.iter().take(256).filter(|b| **b == 0).count() > 8 {
        return Err(Refusal::Binary);
    }
    match text.first() {
        None => Err(Refusal::Empty),
        Some(b'<') => Err(Refusal::Html),
        Some(b'{') => Ok(Format::Jsonl),
        Some(b'[') => {
            let mut lines = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
            let whole = lines.next().is_some_and(|first| Element::parse(first).is_ok());
            let another = lines.next().is_some_and(|second| second.starts_with(b"["));
            Ok(if whole && another { Format::Jsonl } else { Format::Json })
        }
        Some(_) => Ok(Format::Csv),
    }
}

/// A mapping and what it rests on.
#[derive(Debug)]
pub(super) struct Guess {
    pub mapping: Mapping,
    pub notes: Vec<String>,
}

/// Guesses the columns. `names` are a Parquet file's.
///
/// # Errors
/// [`Refusal`] naming what cannot be guessed.
pub(super) fn guess(
    format: Format,
    head: &[u8],
    names: Option<&[String]>,
    path: &Path,
    venue: Option<&VenueName>,
) -> Result<Guess, Refusal> {
    let base = name::from_file_name(path).0.map(|pair| pair.base().to_ascii_lowercase());
    let mut notes = Vec::new();
    let mut mapping = match format {
        Format::Csv => from_csv(head, base.as_deref(), venue, &mut notes)?,
        Format::Json | Format::Jsonl => by_names(&json_names(format, head)?, base.as_deref(), venue)?,
        Format::Parquet => by_names(names.unwrap_or_default(), base.as_deref(), venue)?,
    };
    mapping.format = Some(format);
    Ok(Guess { mapping, notes })
}

fn json_names(format: Format, head: &[u8]) -> Result<Vec<String>, Refusal> {
    let first = match format {
        Format::Json => json::first_element(head, LONGEST),
        _ => head.split(|b| *b == b'\n').map(<[u8]>::to_vec).find(|line| !line.trim_ascii().is_empty()),
    };
    match first.as_deref().map(Element::parse) {
        Some(Ok(Element::Object(fields))) => Ok(fields.into_iter().map(|(name, _)| name).collect()),
        Some(Ok(Element::Array(_))) => Err(Refusal::Missing("order of columns")),
        _ => Err(Refusal::Missing("columns")),
    }
}

fn from_csv(
    head: &[u8],
    base: Option<&str>,
    venue: Option<&VenueName>,
    notes: &mut Vec<String>,
) -> Result<Mapping, Refusal> {
    let text = String::from_utf8_lossy(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head));
    let mut lines = text.lines().map(|line| line.get(..LONGEST).unwrap_or(line)).filter(|line| !line.trim().is_empty());
    let (first, second) = (lines.next().ok_or(Refusal::Empty)?, lines.next());
    let third = lines.next();
    let delimiter = |line: &str| {
        let count = |c: &char| line.matches(*c).count();
        [',', ';', '\t', '|'].into_iter().rev().max_by_key(count).filter(|c| count(c) > 0)
    };
    // Some downloads say in a first line where they come from.
    let titled = delimiter(first).is_none() && second.is_some_and(|line| line.split([',', ';', '\t']).count() >= 3);
    let (header, data) = if titled { (second.unwrap_or(first), third) } else { (first, second) };
    let separator = delimiter(header).ok_or(Refusal::Missing("columns"))?;
    let mut fields = Vec::new();
    csv::split(header, separator, &mut fields).map_err(|_| Refusal::Missing("header"))?;
    if fields.first().is_some_and(|field| TimeUnit::guess(field, false).is_some()) {
        return headerless(&fields, separator, venue, notes);
    }
    let names: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
    let mut mapping = by_names(&names, base, venue)?;
    mapping.delimiter = Some(separator);
    if titled {
        mapping.skip = 1;
        notes.push("the first line is a title and is passed over".to_owned());
    }
    let with_comma = |field: &str| {
        field.split_once(',').is_some_and(|(a, b)| {
            !a.is_empty() && !b.is_empty() && format!("{a}{b}").bytes().all(|c| c.is_ascii_digit())
        })
    };
    if separator != ',' && data.is_some_and(|line| line.split(separator).any(with_comma)) {
        mapping.decimal_comma = true;
        notes.push("the decimal sign is a comma".to_owned());
    }
    Ok(mapping)
}

/// Kraken's downloads have no header; nothing else without one is guessed.
fn headerless(
    fields: &[&str],
    separator: char,
    venue: Option<&VenueName>,
    notes: &mut Vec<String>,
) -> Result<Mapping, Refusal> {
    let in_seconds = fields.first().is_some_and(|field| TimeUnit::guess(field, false) == Some(TimeUnit::S));
    let kind = match fields.len() {
        7 if in_seconds && separator == ',' => Kind::Candles,
        3 if in_seconds && separator == ',' => Kind::Trades,
        _ => return Err(Refusal::Missing("order of columns")),
    };
    let mut mapping = Mapping::kraken(kind);
    notes.push("there is no header; the columns are those of Kraken's downloads".to_owned());
    match venue {
        Some(venue) => mapping.venue = venue.clone(),
        None => notes.push("the venue is taken to be kraken".to_owned()),
    }
    Ok(mapping)
}

const TIMES: &[&str] =
    &["time", "timestamp", "ts", "opentime", "datetime", "date", "unix", "unixtime", "starttime", "t"];
const CANDLES: [(&str, &[&str]); 7] = [
    ("time", TIMES),
    ("open", &["open", "o", "openprice"]),
    ("high", &["high", "h", "highprice"]),
    ("low", &["low", "l", "lowprice"]),
    ("close", &["close", "c", "closeprice"]),
    ("volume", &["volume", "vol", "v", "basevolume", "volumebase"]),
    ("trades", &["trades", "count", "tradecount", "numberoftrades", "tradescount", "numtrades", "n"]),
];
const TRADES: [(&str, &[&str]); 5] = [
    ("time", TIMES),
    ("price", &["price", "p"]),
    ("volume", &["volume", "qty", "quantity", "size", "amount", "vol", "v", "q"]),
    ("side", &["side", "takerside"]),
    ("id", &["id", "tradeid", "tid"]),
];

/// `Open Time`, `open_time` and `openTime` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn by_names(names: &[String], base: Option<&str>, venue: Option<&VenueName>) -> Result<Mapping, Refusal> {
    let has = |words: &[&str]| names.iter().any(|name| words.contains(&plain(name).as_str()));
    let candles = CANDLES.iter().skip(1).take(4).all(|(_, words)| has(words));
    let (kind, roles): (Kind, &[(&'static str, &[&str])]) =
        if candles { (Kind::Candles, &CANDLES) } else { (Kind::Trades, &TRADES) };
    let mut columns = Columns::default();
    for (&(role, words), (_, must)) in roles.iter().zip(kind.roles()) {
        let own = base.filter(|_| role == "volume").map(|base| format!("volume{base}"));
        let mut wanted: Vec<&str> = words.to_vec();
        wanted.extend(own.as_deref());
        match pick(role, &wanted, names)? {
            Some(name) => columns.set(role, Column::Name(name)),
            None if *must => return Err(Refusal::NoColumn { role, columns: super::reject::shown(&names.join(", ")) }),
            None => {}
        }
    }
    let mut mapping = Mapping::new(kind, venue.cloned().ok_or(Refusal::Missing("venue"))?);
    mapping.columns = columns;
    Ok(mapping)
}

/// The column with the first of the `wanted` names. Two columns of one name, or two kinds of volume, are for the user to tell apart; of several
/// times the first listed is taken, since they say the same.
fn pick(role: &'static str, wanted: &[&str], names: &[String]) -> Result<Option<String>, Refusal> {
    let mut found = wanted.iter().flat_map(|word| names.iter().filter(move |name| plain(name) == *word));
    let Some(first) = found.next() else { return Ok(None) };
    match found.next() {
        Some(second) if role != "time" || plain(first) == plain(second) => {
            Err(Refusal::Ambiguous { role, first: format!("'{first}'"), second: format!("'{second}'") })
        }
        _ => Ok(Some(first.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_data_is_told_apart() {
        for (head, refusal) in [
            (&b""[..], Refusal::Empty),
            (b"\xef\xbb\xbf \n\n", Refusal::Empty),
            (b"\n<!DOCTYPE html>", Refusal::Html),
            (b"PK\x03\x04...", Refusal::Packed("zip")),
            (b"\x1f\x8b\x08", Refusal::Packed("gzip")),
            (b"\xff\xfet\0i\0", Refusal::Utf16),
            (&[0; 64], Refusal::Binary),
        ] {
            assert_eq!(format_of(head), Err(refusal));
        }
        for (head, format) in [
            (&b"PAR1"[..], Format::Parquet),
            (b" [ {\"a\":1}", Format::Json),
            (b"[1,2]\n[3,4]\n", Format::Jsonl),
            (b"[[1,2],\n[3,4]]\n", Format::Json),
            (b"{\"a\":1}\n", Format::Jsonl),
            (b"1,2,3\n", Format::Csv),
            (b"1,\0,3\n", Format::Csv),
        ] {
            assert_eq!(format_of(head), Ok(format), "{}", String::from_utf8_lossy(head));
        }
    }

    fn csv_guess(head: &str, file: &str) -> Result<Mapping, Refusal> {
        let venue = "coinbase".parse().unwrap();
        guess(Format::Csv, head.as_bytes(), None, Path::new(file), Some(&venue)).map(|guess| guess.mapping)
    }

    #[test]
    fn columns_are_guessed_by_name_or_not_at_all() {
        let found =
            csv_guess("Open Time;Open;High;Low;Close;Volume;Close Time\n2024-01-01;1,5;2,5;1,5;2,0;7;x\n", "x.csv")
                .unwrap();
        assert_eq!((found.kind, found.delimiter, found.decimal_comma), (Kind::Candles, Some(';'), true));
        assert_eq!(found.columns.time, Some(Column::Name("Open Time".to_owned())));
        let title =
            "https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n1,2,3\n";
        let found = csv_guess(title, "Kraken_BTCUSD_1h.csv").unwrap();
        assert_eq!((found.skip, found.columns.volume), (1, Some(Column::Name("Volume BTC".to_owned()))));
        assert_eq!(
            csv_guess(title, "x.csv").unwrap_err(),
            Refusal::NoColumn {
                role: "volume",
                columns: "unix, date, symbol, open, high, low, close, Volume BTC, Volume USD".to_owned()
            }
        );
        let found = csv_guess("id,price,qty,time,side\n1,2,3,4,buy\n", "x.csv").unwrap();
        assert_eq!((found.kind, found.columns.id), (Kind::Trades, Some(Column::Name("id".to_owned()))));
        let twice = csv_guess("time,open,high,low,close,volume,Volume\n", "x.csv").unwrap_err();
        assert!(matches!(twice, Refusal::Ambiguous { role: "volume", .. }), "{twice}");
        let trades = csv_guess("time,price,amount,qty\n", "x.csv").unwrap_err();
        assert!(matches!(trades, Refusal::Ambiguous { role: "volume", .. }), "{trades}");
        assert_eq!(csv_guess("1704067200000,1,1,1,1,1,1\n", "x.csv"), Err(Refusal::Missing("order of columns")));
        let kraken = csv_guess("1704067200,1,1,1,1,1,1\n", "x.csv").unwrap();
        assert_eq!((kraken.width, kraken.header, kraken.venue.as_str()), (Some(7), false, "coinbase"));
        let nobody = guess(Format::Csv, b"time,price,qty\n", None, Path::new("x"), None).unwrap_err();
        assert_eq!(nobody, Refusal::Missing("venue"));
    }
}
