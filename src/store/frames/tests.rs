use std::path::Path;

use proptest::prelude::*;

use super::*;

type Plain = (i64, u32, Vec<u8>);

fn header() -> Header {
    Header {
        venue: "kraken".to_owned(),
        url: "wss://ws.kraken.com/v2".to_owned(),
        started_at: UtcMs(1_700_000_000_000),
        program: "cst 0.1.0".to_owned(),
        symbols: vec!["BTC/USD".to_owned()],
        origin: Origin::Live,
    }
}

const START: i64 = 1_700_000_000_000_000;

fn calm() -> Policy {
    Policy { block_us: i64::MAX, block_bytes: 1 << 20, file_bytes: u64::MAX, hourly: false }
}

/// Writes frames with a block after each `every`.
fn record(folder: &Path, frames: &[Plain], every: usize) -> FrameSummary {
    let mut writer = FrameWriter::create(folder, header(), calm()).unwrap();
    for (n, (at, connection, bytes)) in frames.iter().enumerate() {
        writer.append(*at, *connection, bytes).unwrap();
        if (n + 1) % every == 0 {
            writer.flush().unwrap();
        }
    }
    writer.finish().unwrap()
}

/// All frames that can be read, and the offsets of damaged blocks.
fn drain(reader: &mut FrameReader) -> (Vec<Plain>, Vec<u64>) {
    let (mut frames, mut damaged) = (Vec::new(), Vec::new());
    loop {
        match reader.next_frame() {
            Ok(Some(f)) => frames.push((f.at_us, f.connection, f.bytes.to_vec())),
            Ok(None) => return (frames, damaged),
            Err(FramesError::Damaged { offset, .. }) => damaged.push(offset),
            Err(other) => panic!("{other}"),
        }
    }
}

fn some_frames(count: i64) -> Vec<Plain> {
    (0..count)
        .map(|n| (START + n * 137_000, u32::try_from(n % 3).unwrap(), format!("{{\"n\":{n}}}").into_bytes()))
        .collect()
}

#[test]
fn frames_come_back_and_the_header_tells_where_from() {
    let folder = tempfile::tempdir().unwrap();
    let frames = some_frames(1_000);
    let summary = record(folder.path(), &frames, 100);
    assert_eq!((summary.frames, summary.blocks), (1_000, 10));
    assert_eq!(summary.bytes, frames.iter().map(|f| f.2.len() as u64).sum::<u64>());
    assert_eq!(summary.span_us, Some((START, START + 999 * 137_000)));
    let path = &summary.files[0];
    assert!(path.ends_with("kraken-20231114T221320Z.frames"), "{}", path.display());
    assert_eq!(summary.file_bytes, std::fs::metadata(path).unwrap().len());

    let mut reader = FrameReader::open(path).unwrap();
    assert_eq!(reader.header(), &header());
    assert_eq!(reader.tail(), Tail::Whole);
    assert_eq!(reader.span_us(), summary.span_us);
    let verified = reader.verify().unwrap();
    assert!(verified.is_whole());
    assert_eq!(verified.summary, summary);
    assert_eq!(drain(&mut reader), (frames.clone(), vec![]));
    let first_line = std::fs::read_to_string(path).err().map_or_else(String::new, |_| {
        String::from_utf8_lossy(&std::fs::read(path).unwrap()).lines().next().unwrap().to_owned()
    });
    assert!(
        first_line.starts_with(r#"{"format":"cst-frames","version":1,"venue":"kraken","url":"wss://"#),
        "{first_line}"
    );
    assert!(first_line.contains(r#""origin":"recorded live""#), "{first_line}");

    for from in [0, 1, 99, 100, 555, 999] {
        reader.seek(frames[from].0);
        assert_eq!(drain(&mut reader).0, frames[from..].to_vec(), "{from}");
        reader.seek(frames[from].0 - 1);
        assert_eq!(drain(&mut reader).0, frames[from..].to_vec(), "{from}");
    }
    reader.seek(frames[999].0 + 1);
    assert_eq!(drain(&mut reader).0, vec![]);
}

#[test]
fn a_file_cut_anywhere_reads_up_to_its_last_whole_block() {
    let folder = tempfile::tempdir().unwrap();
    let frames = some_frames(30);
    let path = record(folder.path(), &frames, 10).files[0].clone();
    let whole = std::fs::read(&path).unwrap();
    let ends: Vec<u64> = {
        let reader = FrameReader::open(&path).unwrap();
        reader.places.iter().map(|p| p.offset + HEAD_LEN + p.head.packed as u64).collect()
    };
    let begin = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
    let cut = folder.path().join("cut.frames");
    for length in begin..whole.len() {
        std::fs::write(&cut, &whole[..length]).unwrap();
        let mut reader = FrameReader::open(&cut).unwrap();
        let blocks = ends.iter().filter(|end| **end <= length as u64).count();
        let at_an_end = length == begin || ends.contains(&(length as u64));
        assert_eq!(reader.tail() == Tail::Whole, at_an_end, "cut at {length}");
        assert_eq!(drain(&mut reader), (frames[..blocks * 10].to_vec(), vec![]), "cut at {length}");
    }
    std::fs::write(&cut, &whole[..begin - 1]).unwrap();
    assert!(matches!(FrameReader::open(&cut), Err(FramesError::BadHeader { .. })));
}

const HEAD_LEN: u64 = block::HEAD as u64;

#[test]
fn a_changed_byte_is_damage_and_the_next_block_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let frames = some_frames(30);
    let path = record(folder.path(), &frames, 10).files[0].clone();
    let whole = std::fs::read(&path).unwrap();
    let places = FrameReader::open(&path).unwrap().places;
    for offset in places[0].offset..whole.len() as u64 {
        let mut bytes = whole.clone();
        bytes[usize::try_from(offset).unwrap()] ^= 0x20;
        std::fs::write(&path, bytes).unwrap();
        let mut reader = FrameReader::open(&path).unwrap();
        let block = places.iter().rposition(|p| p.offset <= offset).unwrap();
        let in_head = offset < places[block].offset + HEAD_LEN;
        let verified = reader.verify().unwrap();
        let (read, damaged) = drain(&mut reader);
        assert!(!verified.is_whole());
        if in_head {
            assert!(matches!(reader.tail(), Tail::Damaged { offset, .. } if offset == places[block].offset));
            assert_eq!(read, frames[..block * 10].to_vec());
        } else {
            assert_eq!(damaged, [places[block].offset]);
            assert_eq!(verified.damaged, damaged);
            assert_eq!(read.len(), 20);
            assert!(read.iter().all(|f| frames.contains(f)));
        }
    }
}

#[test]
fn files_turn_over_by_size_and_hour_and_never_replace_another() {
    let folder = tempfile::tempdir().unwrap();
    let frames = some_frames(60);
    let policy = Policy { block_us: 1_000_000, file_bytes: 500, ..calm() };
    let mut writer = FrameWriter::create(folder.path(), header(), policy).unwrap();
    for (at, connection, bytes) in &frames {
        writer.append(*at, *connection, bytes).unwrap();
    }
    let summary = writer.finish().unwrap();
    assert!(summary.files.len() > 1, "{summary:?}");
    let mut read = Vec::new();
    for path in &summary.files {
        let mut reader = FrameReader::open(path).unwrap();
        read.extend(drain(&mut reader).0);
    }
    assert_eq!(read, frames);
    let on_disk: u64 = summary.files.iter().map(|p| std::fs::metadata(p).unwrap().len()).sum();
    assert_eq!(summary.file_bytes, on_disk);

    let again = record(folder.path(), &frames, 10);
    assert!(again.files[0].ends_with("kraken-20231114T221320Z-1.frames"), "{again:?}");

    let mut writer = FrameWriter::create(folder.path(), header(), Policy { hourly: true, ..calm() }).unwrap();
    let next_hour = (START / 3_600_000_000 + 1) * 3_600_000_000;
    for at in [START, next_hour - 1, next_hour, next_hour + 5] {
        writer.append(at, 1, b"x").unwrap();
    }
    let summary = writer.finish().unwrap();
    let counts: Vec<_> =
        summary.files.iter().map(|p| FrameReader::open(p).unwrap().verify().unwrap().summary.frames).collect();
    assert_eq!(counts, [2, 2]);
    assert_eq!(FrameReader::open(&summary.files[1]).unwrap().header().started_at, UtcMs(next_hour / 1_000));
}

#[test]
fn gathered_frames_reach_the_disk_by_age_by_size_and_when_the_writer_goes() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy { block_us: 1_000_000, block_bytes: 1_000, ..calm() };
    let mut writer = FrameWriter::create(folder.path(), header(), policy).unwrap();
    writer.append(START, 1, b"a").unwrap();
    writer.tick(START + 999_999).unwrap();
    assert_eq!(writer.summary().frames, 0);
    writer.tick(START + 1_000_000).unwrap();
    assert_eq!(writer.summary().frames, 1);
    writer.append(START + 1_000_001, 1, &[b'b'; 1_000]).unwrap();
    assert_eq!(writer.summary().frames, 2);
    writer.append(START + 1_000_002, 1, b"c").unwrap();
    let path = writer.path().to_owned();
    drop(writer);
    assert_eq!(FrameReader::open(&path).unwrap().verify().unwrap().summary.frames, 3);
}

#[test]
fn what_is_no_recording_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.frames");
    let line = |text: &str| {
        std::fs::write(&path, text).unwrap();
        FrameReader::open(&path).unwrap_err()
    };
    for text in [
        "",
        "\n",
        "{}\n",
        "hello\n",
        "{\"format\":\"other\",\"version\":1}\n",
        "{\"format\":\"cst-frames\",\"version\":1}\n",
    ] {
        assert!(matches!(line(text), FramesError::BadHeader { .. }), "{text}");
    }
    assert!(matches!(line(&"x".repeat(100_000)), FramesError::BadHeader { .. }));
    assert!(matches!(line("{\"format\":\"cst-frames\",\"version\":2}\n"), FramesError::NewerFormat { found: 2, .. }));
    for venue in ["", "Kraken", "../x", "a b"] {
        let header = Header { venue: venue.to_owned(), ..header() };
        let error = FrameWriter::create(folder.path(), header, calm()).unwrap_err();
        assert!(matches!(error, FramesError::BadVenue { .. }), "{venue}");
    }
    let mut writer = FrameWriter::create(folder.path(), header(), calm()).unwrap();
    let error = writer.append(START, 1, &vec![0; MAX_FRAME + 1]).unwrap_err();
    assert!(matches!(error, FramesError::TooLong { .. }), "{error}");
    writer.append(START, 1, &vec![0; MAX_FRAME]).unwrap();
    assert_eq!(writer.finish().unwrap().frames, 1);
}

#[test]
fn recorded_book_frames_become_small() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kraken/python_kraken_sdk/orderbook-v2.json");
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let updates = file["updates"].as_array().unwrap();
    assert_eq!(updates.len(), 509);
    let folder = tempfile::tempdir().unwrap();
    let mut writer = FrameWriter::create(folder.path(), header(), Policy::default()).unwrap();
    // The frames span 51 seconds; five seconds make a block.
    for (n, update) in (0_i64..).zip(updates) {
        writer.append(START + n * 100_000, 1, update.to_string().as_bytes()).unwrap();
    }
    let summary = writer.finish().unwrap();
    assert_eq!(summary.frames, 509);
    assert!(summary.file_bytes * 4 < summary.bytes, "{summary:?}");
    eprintln!(
        "{} blocks, {:.1} bytes a frame, {:.1} on disk",
        summary.blocks,
        summary.bytes as f64 / 509.0,
        summary.file_bytes as f64 / 509.0
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_frames_come_back(
        frames in prop::collection::vec((any::<i64>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 0..60),
        every in 1_usize..20,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let summary = record(folder.path(), &frames, every);
        let mut reader = FrameReader::open(&summary.files[0]).unwrap();
        prop_assert!(reader.verify().unwrap().is_whole());
        prop_assert_eq!(drain(&mut reader), (frames, vec![]));
    }

    #[test]
    fn arbitrary_bytes_behind_a_header_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        let path = record(folder.path(), &some_frames(3), 2).files[0].clone();
        let mut whole = std::fs::read(&path).unwrap();
        whole.extend(&bytes);
        std::fs::write(&path, whole).unwrap();
        let mut reader = FrameReader::open(&path).unwrap();
        prop_assert_eq!(reader.tail() == Tail::Whole, bytes.is_empty());
        prop_assert_eq!(drain(&mut reader).0, some_frames(3));
    }
}
