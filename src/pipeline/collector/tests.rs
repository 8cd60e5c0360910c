use proptest::prelude::*;

use super::*;
use crate::domain::message::{Frames, RiskUse};
use crate::domain::time::MINUTE_MS;
use crate::domain::{AgentState, Bar, Indicators, Price, Venue};
use crate::pipeline::features::{FeatureEngine, FeatureSet};
use crate::pipeline::golden;

const STEP: i64 = 5 * MINUTE_MS;
/// 2024-07-17 10:00.
const TEN: i64 = 1_721_210_400_000;

fn pair(text: &str) -> Pair {
    text.parse().unwrap()
}

fn five_minute(names: &[&str]) -> Collector {
    let universe: Vec<_> = names.iter().map(|name| (pair(name), Interval::M5)).collect();
    Collector::new(&universe, &PipelineSettings::default())
}

/// A lively candle for slot `slot` after ten o'clock.
fn row(name: &str, slot: i64) -> RawCandle {
    let wave = (slot as f64 * 0.37).sin() + 0.3 * (slot as f64 * 1.9).cos();
    RawCandle {
        pair: pair(name),
        venue: Venue::Kraken,
        interval: Interval::M5,
        open_time: UtcMs(TEN + slot * STEP),
        open: 100.0 + wave,
        high: 102.0 + wave,
        low: 98.0 + wave,
        close: 100.5 + wave * 0.5,
        volume: 10.0 + wave,
        trades: None,
    }
}

/// The batch at the end of slot `slot`.
fn batch(slot: i64, rows: Vec<RawCandle>) -> RawBatch {
    RawBatch { at: UtcMs(TEN + (slot + 1) * STEP), rows, ..RawBatch::default() }
}

/// Feeds slots `from..to` of every pair, and gives all frames.
fn feed(collector: &mut Collector, names: &[&str], from: i64, to: i64) -> Vec<Frame> {
    let mut frames = Vec::new();
    for slot in from..to {
        let rows = names.iter().map(|name| row(name, slot)).collect();
        frames.extend(collector.ingest(&batch(slot, rows)).frames.iter().cloned());
    }
    frames
}

fn ask(request: Request, inbox: Vec<Message>) -> Ask {
    Ask { cycle: 7, at: UtcMs(TEN), to: AgentKind::DataCollector, request, inbox }
}

#[test]
fn frames_come_with_the_hour_and_become_complete_when_the_windows_are_filled() {
    let names = ["ETH/USD", "BTC/USD"];
    let mut collector = five_minute(&names);
    let frames = feed(&mut collector, &names, 0, 12 * 201);
    assert_eq!(frames.len(), 2 * 201);
    for (i, frame) in frames.iter().enumerate() {
        let hour = i as i64 / 2;
        assert_eq!(frame.pair.as_str(), names[i % 2]);
        assert_eq!(frame.at, UtcMs(TEN + (hour + 1) * HOUR_MS));
        assert_eq!(frame.bar.close_time(), frame.at);
        assert_eq!(
            (frame.source_bars.len(), frame.quality.source_bars, frame.quality.source_bars_expected),
            (12, 12, 12)
        );
        assert_eq!((frame.quality.bars_since_hole, frame.quality.age_ms), (hour as u32 + 1, 0));
        let note = (hour < 199).then(|| format!("warming up {}/200", hour + 1));
        assert_eq!((frame.quality.complete, &frame.quality.note), (note.is_none(), &note));
    }
    let status = collector.status(UtcMs(TEN + 201 * HOUR_MS));
    let expected = IngestStatus { ingested: 2 * 12 * 201, pairs: 2, pairs_complete: 2, ..IngestStatus::default() };
    assert_eq!(status, expected);
}

#[test]
fn nothing_is_sent_between_the_hours_but_status() {
    let mut collector = five_minute(&["BTC/USD"]);
    for slot in 0..24 {
        let request = Request::FetchMarketData(Arc::new(batch(slot, vec![row("BTC/USD", slot)])));
        let reply = collector.handle(&ask(request, Vec::new())).unwrap();
        assert_eq!((reply.cycle, reply.from), (7, AgentKind::DataCollector));
        let names: Vec<_> = reply.messages.iter().map(Message::name).collect();
        let Finding::Market(update) = &reply.finding else { panic!() };
        if slot % 12 == 11 {
            assert_eq!(
                names,
                [
                    "CollectorToSentiment",
                    "CollectorToTechnical",
                    "CollectorToPredictor",
                    "CollectorToRisk",
                    "CollectorToOptimizer",
                    "CollectorToHealth"
                ]
            );
            assert_eq!(update.frames.len(), 1);
            let Message::CollectorToRisk(sent) = &reply.messages[3] else { panic!() };
            assert!(Arc::ptr_eq(sent, &update.frames));
        } else {
            assert_eq!(names, ["CollectorToHealth"]);
            assert!(update.frames.is_empty());
        }
        assert_eq!(update.candles.len(), 1);
    }
}

#[test]
fn a_hole_restarts_every_window() {
    let mut collector = five_minute(&["BTC/USD", "ETH/USD"]);
    feed(&mut collector, &["BTC/USD", "ETH/USD"], 0, 12 * 200);
    let mut found = Vec::new();
    let mut last = Frames::default();
    for slot in 12 * 200..12 * 201 {
        let silent = (2400 + 3..2400 + 8).contains(&slot);
        let mut rows = vec![row("ETH/USD", slot)];
        rows.extend((!silent).then(|| row("BTC/USD", slot)));
        let update = collector.ingest(&batch(slot, rows));
        found.extend(update.holes.iter().map(|p| (slot, p.clone())));
        last = update.frames;
    }
    // Found when the fourth silent bar is over, and counted once.
    assert_eq!(found, [(2400 + 6, pair("BTC/USD"))]);
    let [btc, eth] = last.as_slice() else { panic!() };
    assert_eq!(btc.quality.note.as_deref(), Some("hole: 5 silent five-minute bars"));
    assert_eq!((btc.quality.complete, btc.quality.bars_since_hole, btc.quality.source_bars), (false, 0, 7));
    assert_eq!((btc.features.missing().is_some(), btc.indicators), (true, Indicators::default()));
    assert!(eth.quality.complete);
    assert_eq!(collector.status(UtcMs(TEN + 201 * HOUR_MS)).pairs_complete, 1);

    // Afterwards the pair is what it would be had it begun after the hole.
    let after = feed(&mut collector, &["BTC/USD"], 12 * 201, 12 * 203);
    let mut fresh = five_minute(&["BTC/USD"]);
    let begun = feed(&mut fresh, &["BTC/USD"], 12 * 201, 12 * 203);
    assert_eq!(after, begun);
    assert_eq!(after[1].quality.note.as_deref(), Some("warming up 2/200"));
}

#[test]
fn a_silent_pair_has_no_frame_and_the_others_do_not_wait() {
    let names = ["BTC/USD", "SGB/USD"];
    let mut collector = five_minute(&names);
    feed(&mut collector, &names, 0, 12);
    let frames = feed(&mut collector, &names[..1], 12, 24);
    assert_eq!(frames.iter().map(|f| f.pair.as_str()).collect::<Vec<_>>(), ["BTC/USD"]);
    let status = collector.status(UtcMs(TEN + 2 * HOUR_MS));
    assert_eq!((status.holes, status.max_age_ms), (1, HOUR_MS));
    // It comes back: the hour is whole, the windows begin.
    let frames = feed(&mut collector, &names, 24, 36);
    assert_eq!(frames[1].quality.note.as_deref(), Some("warming up 1/200"));
    assert_eq!(collector.status(UtcMs(TEN + 3 * HOUR_MS)).holes, 1);
}

#[test]
fn a_quiet_market_is_not_a_hole() {
    let mut collector = five_minute(&["SGB/USD"]);
    let mut frames = Vec::new();
    for slot in 0..24 {
        let rows = if slot % 4 == 0 { vec![row("SGB/USD", slot)] } else { Vec::new() };
        frames.extend(collector.ingest(&batch(slot, rows)).frames.iter().cloned());
    }
    let seen: Vec<_> =
        frames.iter().map(|f| (f.quality.source_bars, f.quality.bars_since_hole, f.quality.age_ms)).collect();
    assert_eq!(seen, [(3, 1, 3 * STEP), (3, 2, 3 * STEP)]);
}

#[test]
fn refused_rows_are_kept_with_their_reason_and_reach_nothing() {
    let mut collector = five_minute(&["BTC/USD"]);
    let bad = [
        (RawCandle { high: f64::NAN, ..row("BTC/USD", 0) }, RejectReason::NotFinite),
        (row("DOGE/USD", 0), RejectReason::UnknownPair),
        (row("BTC/EUR", 0), RejectReason::CurrencyMismatch),
        (
            RawCandle { interval: Interval::H1, open_time: UtcMs(TEN - HOUR_MS), ..row("BTC/USD", 0) },
            RejectReason::OffGrid,
        ),
        (row("BTC/USD", 1), RejectReason::InFuture),
    ];
    let update = collector.ingest(&batch(0, bad.iter().map(|(row, _)| row.clone()).collect()));
    assert!(update.candles.is_empty());
    let reasons: Vec<_> = update.quarantined.iter().map(|q| q.reason).collect();
    assert_eq!(reasons, bad.map(|(_, reason)| reason));
    let update = collector.ingest(&batch(0, vec![row("BTC/USD", 0), row("BTC/USD", 0)]));
    assert_eq!((update.candles.len(), update.quarantined[0].reason), (1, RejectReason::DuplicateTime));
    let status = collector.status(UtcMs(TEN + STEP));
    assert_eq!((status.ingested, status.rejected), (1, 6));
}

#[test]
fn bars_that_do_not_fill_hours_are_refused_for_the_whole_pair() {
    let mut collector = Collector::new(&[(pair("BTC/USD"), Interval(240))], &PipelineSettings::default());
    let row = RawCandle { interval: Interval(240), open_time: UtcMs(0), ..row("BTC/USD", 0) };
    let update = collector.ingest(&batch(0, vec![row]));
    assert_eq!(update.quarantined[0].reason, RejectReason::OffGrid);
}

#[test]
fn hourly_and_five_minute_pairs_share_the_hour() {
    let universe = [(pair("BTC/USD"), Interval::H1), (pair("ETH/USD"), Interval::M5)];
    let mut collector = Collector::new(&universe, &PipelineSettings::default());
    let mut frames = Vec::new();
    for slot in 0..36 {
        let mut rows = vec![row("ETH/USD", slot)];
        // The hour from eleven is missing.
        if slot % 12 == 11 && slot != 23 {
            rows.push(RawCandle { interval: Interval::H1, ..row("BTC/USD", slot - 11) });
        }
        frames.extend(collector.ingest(&batch(slot, rows)).frames.iter().cloned());
    }
    let seen: Vec<_> = frames.iter().map(|f| (f.pair.as_str(), f.quality.source_bars_expected)).collect();
    assert_eq!(seen, [("BTC/USD", 1), ("ETH/USD", 12), ("ETH/USD", 12), ("BTC/USD", 1), ("ETH/USD", 12)]);
    assert_eq!(frames[3].quality.note.as_deref(), Some("warming up 1/200"));
    assert_eq!(frames[0].source_bars.len(), 1);
}

#[test]
fn an_hour_whose_last_batch_was_missed_is_still_reported_once() {
    let mut collector = five_minute(&["BTC/USD"]);
    feed(&mut collector, &["BTC/USD"], 0, 11);
    let rows = vec![row("BTC/USD", 11), row("BTC/USD", 12)];
    let update = collector.ingest(&batch(12, rows));
    assert_eq!(
        update.frames.iter().map(|f| (f.at, f.source_bars.len())).collect::<Vec<_>>(),
        [(UtcMs(TEN + HOUR_MS), 12)]
    );
    assert!(collector.ingest(&batch(13, vec![row("BTC/USD", 13)])).frames.is_empty());
    // Several hours in one batch feed the windows, and the newest is the frame.
    let rows = (14..60).map(|slot| row("BTC/USD", slot)).collect();
    let update = collector.ingest(&batch(59, rows));
    let seen: Vec<_> = update.frames.iter().map(|f| (f.at, f.quality.bars_since_hole)).collect();
    assert_eq!(seen, [(UtcMs(TEN + 5 * HOUR_MS), 5)]);
}

#[test]
fn an_outlier_blocks_its_frame_and_stays_in_the_data() {
    let mut collector = five_minute(&["BTC/USD"]);
    feed(&mut collector, &["BTC/USD"], 0, 12 * 220);
    let mut frames = Vec::new();
    for slot in 12 * 220..12 * 221 {
        let spike = RawCandle { close: 190.0, high: 191.0, ..row("BTC/USD", slot) };
        frames.extend(collector.ingest(&batch(slot, vec![spike])).frames.iter().cloned());
    }
    let quality = &frames[0].quality;
    assert_eq!((quality.outlier, quality.complete, quality.note.as_deref()), (true, false, Some("outlier")));
    assert_eq!(quality.bars_since_hole, 221);
    assert_eq!(frames[0].bar.close, Price::from_f64(190.0).unwrap());
    assert!(frames[0].features.get("return_1").is_some_and(|r| r > 3.0));
}

#[test]
fn what_the_neighbours_say_is_read_and_shown() {
    let names = ["BTC/USD", "ETH/USD"];
    let mut collector = five_minute(&names);
    feed(&mut collector, &names, 0, 12);
    let risk = RiskUse { exposure: 0.45, tripped: vec!["daily loss".to_owned()], ..RiskUse::default() };
    let peer = crate::domain::message::PeerHealth { state: AgentState::Running, errors: 0, score: 1.0 };
    let inbox = vec![
        Message::RiskToCollector(risk),
        Message::OptimizerToCollector(vec![pair("ETH/USD")]),
        Message::HealthToCollector(0.5),
        Message::HealthToTechnical(peer),
    ];
    // Both pairs fall silent: the one that is held is named first.
    let mut holes = Vec::new();
    for slot in 12..16 {
        let request = Request::FetchMarketData(Arc::new(batch(slot, Vec::new())));
        let inbox = if slot == 12 { inbox.clone() } else { Vec::new() };
        let reply = collector.handle(&ask(request, inbox)).unwrap();
        if slot == 12 {
            assert_eq!(reply.used, ["RiskToCollector", "OptimizerToCollector", "HealthToCollector"]);
        } else {
            assert!(reply.used.is_empty());
        }
        let Finding::Market(update) = reply.finding else { panic!() };
        holes.extend(update.holes);
    }
    assert_eq!(holes, [pair("ETH/USD"), pair("BTC/USD")]);
    let frames = feed(&mut collector, &names, 16, 24);
    let notes: Vec<_> = frames.iter().map(|f| f.quality.note.as_deref().unwrap()).collect();
    assert_eq!(
        notes,
        [
            "hole: 4 silent five-minute bars",
            "hole: 4 silent five-minute bars; held or wanted, exposure at 45 % of its limit, tripped: daily loss, \
             50 % of pairs had complete data"
        ]
    );
}

#[test]
fn any_other_question_is_an_error_and_changes_nothing() {
    let mut collector = five_minute(&["BTC/USD"]);
    let inbox = vec![Message::OptimizerToCollector(vec![pair("BTC/USD")])];
    let error = collector.handle(&ask(Request::DetectWhales, inbox)).unwrap_err();
    assert_eq!(error.class, ErrorClass::System);
    assert!(collector.neighbours.watched.is_empty());
}

/// Hourly candles of the reference vectors through the collector equal the engine alone.
#[test]
fn frames_carry_what_the_engine_says() {
    let case = golden::cases("indicators").into_iter().find(|c| c.name == "mfi_14/pepe_usd_1h").unwrap();
    let opens = golden::cases("indicators").into_iter().find(|c| c.name == "bop/pepe_usd_1h").unwrap();
    let mut collector = Collector::new(&[(pair("PEPE/USD"), Interval::H1)], &PipelineSettings::default());
    let mut engine = FeatureEngine::new(FeatureSet::built_in(), &PipelineSettings::default());
    let mut complete = 0;
    for (i, (bar, open)) in case.bars().iter().zip(opens.column("open")).enumerate() {
        let open_time = UtcMs(TEN + i as i64 * HOUR_MS);
        let row = RawCandle {
            pair: pair("PEPE/USD"),
            venue: Venue::Kraken,
            interval: Interval::H1,
            open_time,
            open: *open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            trades: None,
        };
        let update =
            collector.ingest(&RawBatch { at: open_time.plus(HOUR_MS), rows: vec![row], ..RawBatch::default() });
        let frame = &update.frames[0];
        assert!((frame.bar.volume.to_f64() - bar.volume).abs() <= 1e-14 * bar.volume);
        let out = engine.push(&Bar::from(&frame.bar));
        assert_eq!(
            (frame.features.clone(), frame.indicators, frame.quality.outlier),
            (out.features, out.indicators, out.outlier)
        );
        complete += usize::from(frame.quality.complete);
    }
    assert!((90..=101).contains(&complete), "{complete}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever arrives: every row is a candle or quarantined, and a frame is complete only without a note.
    #[test]
    fn every_row_is_accounted_for(
        slots in prop::collection::vec(prop::collection::vec((-2_i64..2, any::<bool>()), 0..3), 1..60),
    ) {
        let mut collector = five_minute(&["BTC/USD"]);
        let (mut accepted, mut refused) = (0, 0);
        for (slot, rows) in slots.iter().enumerate() {
            let slot = slot as i64;
            let rows: Vec<_> = rows
                .iter()
                .map(|(shift, broken)| {
                    let row = row("BTC/USD", slot + shift);
                    if *broken { RawCandle { low: row.high, ..row } } else { row }
                })
                .collect();
            let given = rows.len();
            let update = collector.ingest(&batch(slot, rows));
            prop_assert_eq!(update.candles.len() + update.quarantined.len(), given);
            accepted += update.candles.len() as u64;
            refused += update.quarantined.len() as u64;
            for frame in update.frames.iter() {
                prop_assert_eq!(frame.at, update.at.floor_to(HOUR_MS));
                prop_assert_eq!(frame.quality.complete, frame.quality.note.is_none());
                prop_assert!(frame.source_bars.iter().all(|c| c.close_time() <= frame.at));
            }
        }
        let status = collector.status(UtcMs(TEN + slots.len() as i64 * STEP));
        prop_assert_eq!((status.ingested, status.rejected), (accepted, refused));
    }
}

#[test]
fn a_pair_that_the_link_doubts_is_not_complete_until_the_doubt_is_gone() {
    let mut collector = Collector::new(&[(pair("BTC/USD"), Interval::M5)], &PipelineSettings::default());
    let mut last = None;
    for slot in 0..12 * 210 {
        let mut given = batch(slot, vec![row("BTC/USD", slot)]);
        let doubted = (12 * 205..12 * 206).contains(&slot);
        if doubted {
            given.doubts = vec![(pair("BTC/USD"), "trades 7 to 9 are missing".to_owned())];
        }
        for frame in collector.ingest(&given).frames.iter() {
            assert_eq!(frame.quality.note.as_deref().is_some_and(|n| n.starts_with("not proven: trades 7")), doubted);
            assert!(!doubted || !frame.quality.complete);
            last = Some(frame.clone());
        }
    }
    assert!(last.is_some_and(|frame| !frame.quality.note.unwrap_or_default().contains("not proven")));
}

#[test]
fn whole_hours_may_fill_the_windows_of_shorter_bars_in_the_warm_up_only() {
    let mut collector = Collector::new(&[(pair("BTC/USD"), Interval::M5)], &PipelineSettings::default());
    let hour = |n: i64, warmup| {
        let row = RawCandle { interval: Interval::H1, open_time: UtcMs(TEN + n * HOUR_MS), ..row("BTC/USD", n) };
        RawBatch { at: row.open_time.plus(HOUR_MS), rows: vec![row], warmup, ..RawBatch::default() }
    };
    for n in 0..3 {
        let update = collector.ingest(&hour(n, true));
        assert_eq!((update.candles.len(), update.frames.len(), update.holes.len()), (1, 1, 0), "hour {n}");
        assert_eq!(update.frames[0].quality.bars_since_hole, n as u32 + 1);
        assert!(update.frames[0].source_bars.is_empty(), "a whole hour is no five-minute bar");
    }
    for slot in 3 * 12..4 * 12 {
        let update = collector.ingest(&batch(slot, vec![row("BTC/USD", slot)]));
        assert!(update.quarantined.is_empty() && update.holes.is_empty());
        assert_eq!(update.frames.first().map(|f| f.quality.bars_since_hole), (slot == 47).then_some(4));
    }
    assert_eq!(collector.ingest(&hour(4, false)).quarantined[0].reason, RejectReason::OffGrid);
}
