//! A writer that ends at any step leaves the old state or the new one.

use super::*;

/// Writes on a disk that has its fault after `steps` steps; whether it came.
fn on_faulty(
    lake: &std::path::Path,
    steps: usize,
    fault: Fault,
    work: impl Fn(&LakeWriter) -> Result<(), StoreError>,
) -> (bool, Result<(), StoreError>) {
    let disk = FaultyDisk::new(steps, fault);
    let writer = LakeWriter::on(Box::new(disk.clone()), lake, NOW).unwrap();
    let result = work(&writer);
    (disk.hit(), result)
}

/// A change: its name, and what it does to the hours 0 to 99 of March.
type Change = (&'static str, fn(&LakeWriter) -> Result<(), StoreError>, fn() -> Vec<StoredCandle>);

const CHANGES: [Change; 3] = [
    (
        "append",
        |writer| writer.series(&hours())?.append(&march(), &candles(100..130), "live").map(|_| ()),
        || candles(0..130),
    ),
    (
        "append to a small file",
        |writer| writer.series(&hours())?.append(&march(), &candles(100..101), "test").map(|_| ()),
        || candles(0..101),
    ),
    (
        "replace",
        |writer| {
            let rows: Vec<_> = (0..100).map(|n| candle(n, 777)).collect();
            writer.series(&hours())?.replace(&march(), &rows, "import").map(|_| ())
        },
        || (0..100).map(|n| candle(n, 777)).collect(),
    ),
];

#[test]
fn at_every_step_the_old_state_or_the_new_one_is_there() {
    for (name, change, after) in CHANGES {
        for fault in [Fault::Fails, Fault::Dies] {
            let (mut ends, mut kept) = (0, 0);
            for steps in 0.. {
                let lake = tempfile::tempdir().unwrap();
                put(lake.path(), &candles(0..100));
                let (hit, result) = on_faulty(lake.path(), steps, fault, change);
                let place = format!("{name}, {fault:?} after {steps} steps");
                let read = stored(lake.path());
                if read == candles(0..100) {
                    kept += 1;
                    assert!(result.is_err(), "{place}: the change was reported as done");
                } else {
                    assert!(read == after(), "{place}: {} rows", read.len());
                }
                if let Err(error) = result {
                    assert!(error.to_string().contains("no space left"), "{place}: {error}");
                }
                // Nothing but leftovers may be wrong, and the next writer goes on from there.
                let report = check(lake.path(), &Filter::default(), NOW).unwrap();
                let strays = report.problems.iter().all(|p| p.reason.contains("does not list it"));
                assert!(strays, "{place}: {:?}", report.problems);
                change(&writer(lake.path()))
                    .or_else(|error| {
                        // An append that was done after all cannot be done twice.
                        if error.to_string().contains("overlap") { Ok(()) } else { Err(error) }
                    })
                    .unwrap();
                assert!(stored(lake.path()) == after(), "{place}");
                let temporary: Vec<_> = names(lake.path()).into_iter().filter(|name| name.ends_with(".tmp")).collect();
                assert_eq!(temporary, Vec::<String>::new(), "{place}");
                if fault == Fault::Dies {
                    let tidy = CompactOptions {
                        filter: Filter::default(),
                        now: NOW,
                        keep: Keep::default(),
                        drop_damaged: false,
                        dry_run: false,
                    };
                    assert_eq!(compact(lake.path(), &tidy).unwrap().1, []);
                    assert!(names(lake.path()).len() == 2 && stored(lake.path()) == after(), "{place}");
                }
                if !hit {
                    ends = steps;
                    break;
                }
            }
            // Four steps for each of two files, two renames, two folders, and the removal of what is replaced.
            assert!(ends >= 12 && kept >= 9 && kept < ends, "{name}: {ends} steps, {kept} with the old state");
        }
    }
}

#[test]
fn a_first_write_that_fails_leaves_an_empty_lake() {
    for steps in 0..30 {
        let lake = tempfile::tempdir().unwrap();
        let (hit, result) = on_faulty(lake.path(), steps, Fault::Dies, |writer| {
            writer.series(&hours())?.replace(&march(), &candles(0..10), "test").map(|_| ())
        });
        if !hit {
            assert!(result.is_ok() && steps > 18, "{steps}");
            return;
        }
        let written = Manifest::load(lake.path(), &hours()).unwrap().is_some_and(|manifest| manifest.rows() > 0);
        assert!(written || result.is_err(), "{steps}");
        if written {
            assert_eq!(stored(lake.path()), candles(0..10), "{steps}");
        }
        put(lake.path(), &candles(0..10));
        assert_eq!(stored(lake.path()), candles(0..10), "{steps}");
    }
    panic!("the write took more than 30 steps");
}
