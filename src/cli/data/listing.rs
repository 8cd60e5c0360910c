//! The table of what a lake holds: two lines for each series, in 80 columns.

use serde_json::{Value, json};

use crate::cli::args::Cli;
use crate::cli::{Outcome, find_home, load_settings, print, print_json, start};
use crate::store::lake::{CheckReport, Cover, LakeEntry, LakeProblem};

/// Characters of the map of months.
const MAP: usize = 42;

pub(super) fn tell(cli: &Cli, report: &CheckReport) -> Outcome {
    if cli.json {
        return print_json(&json!({
            "entries": report.entries.iter().map(entry_json).collect::<Vec<_>>(),
            "problems": report.problems.iter().map(problem_json).collect::<Vec<_>>(),
        }));
    }
    if report.entries.is_empty() && report.problems.is_empty() {
        return print("the lake is empty: `cst data fetch` or `cst data import` fills it");
    }
    let settings = load_settings(cli, &find_home(cli)?)?.settings;
    let ascii = start::keeps_to_ascii(cli, &settings);
    let mut text = table(&report.entries, ascii);
    text.extend(report.problems.iter().map(problem_words));
    print(&text.join("\n"))
}

fn table(entries: &[LakeEntry], ascii: bool) -> Vec<String> {
    let mut text = vec![format!(
        "{:<11}{:<7}{:<8}{:<11}{:<11}{:>9}{:>8}{:>7}{:>8}",
        "PAIR", "SERIES", "STATE", "FIRST", "LAST", "ROWS", "THERE %", "HOLES", "LONGEST"
    )];
    let mut venue = None;
    for entry in entries {
        if venue.replace(&entry.venue) != Some(&entry.venue) {
            text.push(format!("{}:", entry.venue));
        }
        let share = entry.completeness().map_or_else(|| "-".to_owned(), percent);
        let holes = if entry.expected.is_some() { entry.holes.count.to_string() } else { "-".to_owned() };
        text.push(format!(
            "{:<11}{:<7}{:<8}{:<11}{:<11}{:>9}{:>8}{:>7}{:>8}",
            entry.pair,
            entry.series,
            entry.state.as_str(),
            entry.first.date(),
            entry.last.date(),
            entry.rows,
            share,
            holes,
            span(entry.holes.longest_ms)
        ));
        text.push(format!("  {}{}", map(&entry.cover, ascii), outliers(entry)));
    }
    text
}

/// Rounded towards what is there: 100 only when nothing is absent.
fn percent(share: f64) -> String {
    let shown = (share * 10_000.0).floor() / 100.0;
    if share >= 1.0 { "100".to_owned() } else { format!("{shown:.2}") }
}

/// A length of time in at most seven characters.
fn span(ms: i64) -> String {
    let minutes = ms / 60_000;
    match minutes {
        _ if ms == 0 => "-".to_owned(),
        0 => format!("{} s", ms / 1_000),
        1..=599 => format!("{minutes} min"),
        600..=14_399 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1_440),
    }
}

fn outliers(entry: &LakeEntry) -> String {
    match &entry.outliers {
        None => String::new(),
        Some((0, _)) => "  no outliers".to_owned(),
        Some((count, _)) => format!("  {count} outliers"),
    }
}

/// One character a month, or for several where there are many: how much of it is there.
fn map(cover: &[Cover], ascii: bool) -> String {
    let (Some(first), Some(last)) = (cover.first(), cover.last()) else { return String::new() };
    let together = cover.len().div_ceil(MAP).max(1);
    let sum = |part: &[Cover]| {
        let (present, expected) = part.iter().fold((0, 0), |(p, e), c| (p + c.present, e + c.expected));
        glyph(present, expected, ascii)
    };
    let drawn: String = cover.chunks(together).map(sum).collect();
    let (open, close) = if ascii { ('[', ']') } else { ('▕', '▏') };
    format!("{} {open}{drawn}{close} {}", first.month, last.month)
}

fn glyph(present: u64, expected: u64, ascii: bool) -> char {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const PLAIN: [char; 8] = ['1', '2', '3', '4', '5', '6', '7', '#'];
    if present == 0 || expected == 0 {
        return if ascii { '.' } else { '·' };
    }
    // The last one is for months of which nothing is absent.
    let step = usize::try_from((present.min(expected) * 7) / expected).unwrap_or(7);
    let glyphs = if ascii { PLAIN } else { BLOCKS };
    glyphs.get(step).copied().unwrap_or('?')
}

pub(super) fn problem_words(problem: &LakeProblem) -> String {
    let row = problem.row.map(|row| format!(" row {row}")).unwrap_or_default();
    format!("problem: '{}'{row}: {}", problem.path.display(), problem.reason)
}

pub(super) fn problem_json(problem: &LakeProblem) -> Value {
    json!({ "file": problem.path, "row": problem.row, "reason": problem.reason })
}

fn entry_json(e: &LakeEntry) -> Value {
    let cover = |c: &Cover| json!({ "month": c.month, "expected": c.expected, "present": c.present });
    json!({
        "venue": e.venue.as_str(), "pair": e.pair, "series": e.series.to_string(), "state": e.state.as_str(),
        "first": e.first.to_string(), "last": e.last.to_string(), "rows": e.rows, "expected": e.expected, "completeness": e.completeness(),
        "holes": e.holes.count, "absent": e.holes.absent, "longest_hole_ms": e.holes.longest_ms,
        "outliers": e.outliers.as_ref().map(|(count, _)| count),
        "first_outliers": e.outliers.as_ref().map(|(_, at)| at.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "months": e.cover.iter().map(cover).collect::<Vec<_>>(), "bytes": e.bytes, "files": e.files,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pair::Interval;
    use crate::domain::time::UtcMs;
    use crate::store::lake::{Holes, Series, SeriesState, VenueName};

    fn entry(months: usize, outliers: Option<(u64, Vec<UtcMs>)>) -> LakeEntry {
        let cover = |n: usize| Cover {
            month: format!("{}-{:02}", 2010 + n / 12, n % 12 + 1),
            expected: 720,
            present: [0, 1, 200, 719, 720][n % 5],
        };
        LakeEntry {
            venue: VenueName::kraken(),
            pair: "MATICX/USDT".parse().unwrap(),
            series: Series::Candles(Interval(720)),
            state: SeriesState::Damaged,
            first: UtcMs(0),
            last: UtcMs(1_700_000_000_000),
            rows: 123_456_789,
            expected: Some(123_466_789),
            holes: Holes { count: 654_321, absent: 10_000, longest_ms: 1_000 * 86_400_000 },
            cover: (0..months).map(cover).collect(),
            outliers,
            bytes: 1,
            files: months,
        }
    }

    #[test]
    fn the_table_fits_eighty_columns() {
        for (months, ascii) in [(1, false), (44, false), (45, true), (300, false)] {
            let found = entry(months, Some((9_999_999, Vec::new())));
            for line in table(&[found], ascii) {
                assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
                assert!(!ascii || line.is_ascii(), "{line}");
            }
        }
    }

    #[test]
    fn a_full_block_means_that_nothing_is_absent() {
        let shown = map(&entry(5, None).cover, false);
        assert_eq!(shown, "2010-01 ▕·▁▂▇█▏ 2010-05");
        assert_eq!(map(&entry(5, None).cover, true), "2010-01 [.127#] 2010-05");
        assert_eq!(
            (percent(1.0).as_str(), percent(0.999_999).as_str(), percent(0.0).as_str()),
            ("100", "99.99", "0.00")
        );
        let spans = [0, 5_000, 60_000, 36_000_000, 86_400_000 * 20].map(span);
        assert_eq!(spans, ["-", "5 s", "1 min", "10 h", "20 d"]);
    }
}
