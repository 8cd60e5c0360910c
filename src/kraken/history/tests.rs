//! Recorded trades fetched in small pages, with stops, repeats, holes and broken cursors on the way.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;

use proptest::prelude::*;

use super::candles::CandleBuilder;
use super::*;
use crate::kraken::wire::rest::history::TradeRow;
use crate::kraken::wire::rest::read;
use crate::kraken::wire::ws;

/// The recording, served in pages.
struct Recording {
    rows: Vec<TradeRow>,
    page: usize,
    /// Pages (by number) whose cursor is malformed.
    malformed: Vec<usize>,
    /// Pages that fail.
    failing: Vec<usize>,
    asked: Mutex<Vec<Stamp>>,
    candles: Ohlc,
}

fn recording(page: usize) -> Recording {
    let text = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kraken/nautilus").join(name);
        std::fs::read(path).expect("a fixture")
    };
    let trades: Trades = read("Trades", 200, &text("http_trades.json")).expect("trades").value;
    let candles = read("OHLC", 200, &text("http_ohlc.json")).expect("candles").value;
    let (malformed, failing) = (vec![], vec![]);
    Recording { rows: trades.rows, page, malformed, failing, asked: Mutex::default(), candles }
}

impl Source for Recording {
    async fn trades(&self, _pair: &Pair, since: Stamp) -> Result<Trades, KrakenError> {
        let number = {
            let mut asked = self.asked.lock().expect("the list");
            asked.push(since);
            asked.len() - 1
        };
        if self.failing.contains(&number) {
            return Err(KrakenError::Empty { call: "Trades", status: 200 });
        }
        let rows: Vec<TradeRow> = self.rows.iter().filter(|r| r.at > since).take(self.page).cloned().collect();
        let last = rows.last().map_or(since, |row| row.at).0.to_string();
        let last = if self.malformed.contains(&number) { last[..10].to_owned() } else { last };
        Ok(Trades { key: "XBTUSDT".to_owned(), rows, last: Some(last) })
    }

    async fn ohlc(&self, _pair: &Pair, _interval: Interval) -> Result<Ohlc, KrakenError> {
        Ok(self.candles.clone())
    }

    fn page_size(&self) -> usize {
        self.page
    }
}

fn btc() -> Pair {
    "BTC/USDT".parse().expect("a pair")
}

const ALL: (Stamp, Stamp) = (Stamp(0), Stamp(i64::MAX));

async fn fetch(source: &Recording, span: (Stamp, Stamp), dir: &std::path::Path) -> Result<State, HistoryError> {
    fetch_trades(source, &btc(), span.0, span.1, dir, |_| ControlFlow::Continue(())).await
}

fn kept(dir: &std::path::Path) -> Vec<ws::Trade> {
    let files: Vec<PathBuf> = days(dir, &btc()).expect("files");
    files.iter().flat_map(|f| TradeFile::open(f, &btc()).expect("a file")).map(|t| t.expect("a trade")).collect()
}

fn whole(source: &Recording) -> Vec<ws::Trade> {
    source.rows.iter().map(|row| row.to_ws("BTC/USDT")).collect()
}

#[tokio::test]
async fn what_was_fetched_is_what_was_recorded() {
    let dir = tempfile::tempdir().expect("a folder");
    let source = recording(70);
    let state = fetch(&source, ALL, dir.path()).await.expect("fetched");
    assert_eq!((state.rows, state.gap_count), (1_000, 0));
    assert!(state.pages >= 15 && state.repeats >= 14, "pages overlap: {} of {}", state.repeats, state.pages);
    assert_eq!(kept(dir.path()), whole(&source));
    let names: Vec<_> = days(dir.path(), &btc()).expect("files");
    assert!(names.iter().map(|p| p.file_name().expect("a name")).eq(["2025-11-10.csv.zst", "2025-11-11.csv.zst"]));
    let bytes: u64 = names.iter().map(|p| p.metadata().expect("a file").len()).sum();
    assert!(bytes < 40_000, "{bytes} bytes for 1000 trades");
    // and the candles of the files are those of the exchange
    let mut builder = CandleBuilder::new(1);
    let mut built: Vec<_> = kept(dir.path()).iter().filter_map(|t| builder.push(t).expect("counted")).collect();
    let first = built.remove(0);
    assert!(first.is_whole() && built.len() == 272);
    for candle in built {
        let row = source.candles.rows.iter().find(|r| r.open_time.ms() == candle.open_time).expect("a candle");
        assert_eq!((candle.close, candle.volume, candle.trades), (row.close.0, row.volume.0, row.count));
    }
}

#[tokio::test]
async fn spans_can_be_extended_but_not_begun_earlier() {
    let dir = tempfile::tempdir().expect("a folder");
    let source = recording(100);
    let (first, middle) = (source.rows[100].at, source.rows[600].at);
    // several trades share an instant
    let from = source.rows.iter().position(|r| r.at >= first).expect("a row");
    let to = source.rows.iter().position(|r| r.at >= middle).expect("a row");
    let state = fetch(&source, (first, middle), dir.path()).await.expect("fetched");
    assert_eq!(state.rows, (to - from) as u64, "from the first on, up to the end without it");
    assert_eq!(kept(dir.path()), whole(&source)[from..to]);
    let asked = source.asked.lock().expect("the list").len();
    fetch(&source, (first, middle), dir.path()).await.expect("nothing to do");
    assert_eq!(source.asked.lock().expect("the list").len(), asked, "it is all there");
    fetch(&source, (middle, Stamp(i64::MAX)), dir.path()).await.expect("extended");
    assert_eq!(kept(dir.path()), whole(&source)[from..]);
    assert!(matches!(fetch(&source, ALL, dir.path()).await, Err(HistoryError::OtherStart { .. })));
}

#[tokio::test]
async fn malformed_cursors_and_failures_lose_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let source = Recording { malformed: vec![0, 3, 4], failing: vec![2, 6], ..recording(150) };
    for _ in 0..2 {
        assert!(matches!(fetch(&source, ALL, dir.path()).await, Err(HistoryError::Exchange(_))));
    }
    let state = fetch(&source, ALL, dir.path()).await.expect("fetched");
    assert_eq!((state.rows, state.gap_count), (1_000, 0));
    assert_eq!(kept(dir.path()), whole(&source));
}

#[tokio::test]
async fn holes_are_counted_and_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut source = recording(100);
    let (a, b) = (source.rows[199].trade_id, source.rows[203].trade_id);
    source.rows.drain(200..203);
    let state = fetch(&source, ALL, dir.path()).await.expect("fetched");
    assert_eq!((state.rows, state.gap_count), (997, 1));
    assert_eq!((state.gaps[0].after, state.gaps[0].before), (a, b));
}

#[tokio::test]
async fn a_cursor_that_does_not_move_is_no_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut source = recording(10);
    // more trades in one instant than a page holds
    let at = source.rows[0].at;
    source.rows.iter_mut().for_each(|row| row.at = at);
    let answer = fetch(&source, ALL, dir.path()).await;
    assert!(matches!(answer, Err(HistoryError::Stuck { .. })), "{answer:?}");
}

#[tokio::test]
async fn two_fetches_into_one_folder_and_damage_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let source = recording(100);
    let held = super::files::Store::open(dir.path(), &btc(), Stamp(0)).expect("opened");
    assert!(matches!(fetch(&source, ALL, dir.path()).await, Err(HistoryError::Busy { .. })));
    drop(held);
    fetch(&source, ALL, dir.path()).await.expect("fetched");
    let newest = days(dir.path(), &btc()).expect("files").pop().expect("a file");
    let bytes = std::fs::read(&newest).expect("bytes");
    std::fs::write(&newest, &bytes[..bytes.len() - 1]).expect("written");
    assert!(matches!(fetch(&source, ALL, dir.path()).await, Err(HistoryError::Damaged { .. })));
    let read = TradeFile::open(&newest, &btc()).and_then(|file| file.collect::<Result<Vec<_>, _>>());
    assert!(matches!(read, Err(HistoryError::Damaged { .. })), "a cut file is not read as whole");
    std::fs::remove_file(&newest).expect("removed");
    assert!(matches!(fetch(&source, ALL, dir.path()).await, Err(HistoryError::Damaged { .. })));
    let state = dir.path().join("BTC-USDT").join("state.json");
    std::fs::write(&state, "{}").expect("written");
    assert!(matches!(fetch(&source, ALL, dir.path()).await, Err(HistoryError::Damaged { .. })));
}

#[tokio::test]
async fn candles_are_merged_into_the_exchanges_own_form() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("XBTUSDT_1.csv");
    let mut source = recording(100);
    let all = source.candles.rows.clone();
    source.candles.rows.truncate(400);
    source.candles.last = None;
    let first = fetch_ohlc(&source, &btc(), Interval(1), &path).await.expect("fetched");
    assert_eq!((first.rows, first.added, first.changed, first.hole_from), (first.rows, first.rows, 0, None));
    source.candles.rows = all[300..].to_vec();
    let second = fetch_ohlc(&source, &btc(), Interval(1), &path).await.expect("fetched");
    let busy = all[..all.len() - 1].iter().filter(|row| row.count > 0).count();
    assert_eq!((second.rows, second.changed, second.hole_from), (busy, 0, None));
    let text = std::fs::read_to_string(&path).expect("the file");
    assert_eq!(text.lines().next(), Some("1762777140,106038.3,106038.3,106038.3,106038.3,0.00032101,1"));
    assert!(text.lines().zip(text.lines().skip(1)).all(|(a, b)| a[..10] < b[..10]));
    // an older file: the exchange no longer tells what lies between
    std::fs::write(&path, "1762770000,1,1,1,1,1.50,1\n1762777140,106038.3,106038.3,106038.3,106038.30,0.00032101,2\n")
        .expect("written");
    source.candles.rows = all[1..].to_vec();
    let third = fetch_ohlc(&source, &btc(), Interval(1), &path).await.expect("fetched");
    assert_eq!((third.rows, third.changed, third.hole_from), (busy + 1, 1, None));
    std::fs::write(&path, "1762770000,1,1,1,1,1.50,1\n").expect("written");
    let fourth = fetch_ohlc(&source, &btc(), Interval(1), &path).await.expect("fetched");
    assert_eq!(fourth.hole_from, Some(UtcMs(1_762_770_060_000)));
    for bad in ["time,open\n", "1,2,3,4,5,6\n", "1,2,3,4,5,6,x\n", "1,1,1,1,1,1,1\n1,1,1,1,1,1,1\n"] {
        std::fs::write(&path, bad).expect("written");
        assert!(
            matches!(fetch_ohlc(&source, &btc(), Interval(1), &path).await, Err(HistoryError::Damaged { .. })),
            "{bad}"
        );
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), bad, "untouched");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// A stop after any page, with anything half-written behind the mark.
    #[test]
    fn a_hard_stop_anywhere_loses_and_doubles_nothing(
        page in 60_usize..300, stops in prop::collection::vec((1_u64..4, 0_usize..200), 0..5),
    ) {
        let dir = tempfile::tempdir().expect("a folder");
        let source = recording(page);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for (pages, garbage) in stops {
            let mut left = pages;
            let stop = |_: &Progress| {
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            runtime.block_on(fetch_trades(&source, &btc(), ALL.0, ALL.1, dir.path(), stop)).expect("fetched in part");
            // a page that was being written
            let newest = days(dir.path(), &btc()).expect("files").pop().expect("a file");
            let mut bytes = std::fs::read(&newest).expect("bytes");
            bytes.extend(std::iter::repeat_n(0xA5, garbage));
            std::fs::write(&newest, bytes).expect("written");
            std::fs::write(newest.with_file_name("2099-01-01.csv.zst"), b"begun").expect("written");
            std::fs::write(newest.with_file_name("state.json.tmp"), b"{").expect("written");
        }
        let state = runtime.block_on(fetch(&source, ALL, dir.path())).expect("fetched");
        prop_assert_eq!((state.rows, state.gap_count), (1_000, 0));
        prop_assert_eq!(kept(dir.path()), whole(&source));
    }
}
