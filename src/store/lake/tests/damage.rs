//! What is not as the manifest says is named, and can be taken out.

use std::path::{Path, PathBuf};

use super::*;

fn data_file(lake: &Path) -> PathBuf {
    let name = names(lake).into_iter().find(|name| name.ends_with(".parquet")).unwrap();
    hours().folder(lake).join(name)
}

#[test]
fn damage_is_named_and_can_be_taken_out() {
    type Harm = (&'static str, fn(&Path), &'static str);
    let harms: [Harm; 6] = [
        (
            "cut",
            |path| std::fs::write(path, &std::fs::read(path).unwrap()[..200]).unwrap(),
            "is not the one that manifest.json lists",
        ),
        ("empty", |path| std::fs::write(path, b"").unwrap(), "is not the one that manifest.json lists"),
        (
            "text",
            |path| std::fs::write(path, b"PAR1 no Parquet PAR1").unwrap(),
            "is not the one that manifest.json lists",
        ),
        (
            "a bit",
            |path| {
                let mut bytes = std::fs::read(path).unwrap();
                bytes[100] ^= 4;
                std::fs::write(path, bytes).unwrap();
            },
            "is not the one that manifest.json lists",
        ),
        ("gone", |path| std::fs::remove_file(path).unwrap(), "is listed by manifest.json and is not there"),
        (
            "a folder",
            |path| {
                std::fs::remove_file(path).unwrap();
                std::fs::create_dir(path).unwrap();
            },
            "cannot read",
        ),
    ];
    for (harm, doing, told) in harms {
        let lake = tempfile::tempdir().unwrap();
        put(lake.path(), &candles(0..300));
        let april = hours().series.span(MARCH + 31 * 24 * HOUR).unwrap();
        let rows = candles(31 * 24..31 * 24 + 5);
        let path = data_file(lake.path());
        writer(lake.path()).series(&hours()).unwrap().replace(&april, &rows, "test").unwrap();
        doing(&path);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let error = Scan::new(lake.path(), hours()).candles().unwrap().find_map(Result::err).unwrap().to_string();
        assert!(error.contains(told) && error.contains(&name), "{harm}: {error}");
        let report = check(lake.path(), &Filter::default(), NOW).unwrap();
        assert_eq!((report.entries[0].state, report.entries[0].rows), (SeriesState::Damaged, 5), "{harm}");
        assert!(report.problems.iter().any(|p| p.path == path), "{harm}: {:?}", report.problems);
        let options = |drop_damaged, dry_run| CompactOptions {
            filter: Filter::default(),
            now: NOW,
            keep: Keep::default(),
            drop_damaged,
            dry_run,
        };
        if harm == "a folder" {
            continue;
        }
        assert_eq!(
            compact(lake.path(), &options(true, true)).unwrap().0[0].dropped,
            std::slice::from_ref(&path),
            "{harm}"
        );
        assert_eq!(compact(lake.path(), &options(false, false)).unwrap().0[0].dropped, Vec::<PathBuf>::new());
        let (done, problems) = compact(lake.path(), &options(true, false)).unwrap();
        assert_eq!((&done[0].dropped, problems.len()), (&vec![path.clone()], 0), "{harm}");
        assert_eq!(stored(lake.path()), rows, "{harm}");
        assert_eq!(path.with_extension("parquet.damaged").exists(), harm != "gone", "{harm}");
        put(lake.path(), &candles(0..300));
        assert_eq!(stored(lake.path()).len(), 305, "{harm}");
    }
}

#[test]
fn a_manifest_that_was_changed_is_refused_with_what_to_do() {
    let lake = tempfile::tempdir().unwrap();
    put(lake.path(), &candles(0..300));
    let path = hours().folder(lake.path()).join(MANIFEST);
    let whole = std::fs::read_to_string(&path).unwrap();
    for (text, told) in [
        (whole.replace("\"rows\":300", "\"rows\":301"), "does not match its own fingerprint"),
        (whole[..whole.len() / 2].to_owned(), "EOF"),
        (String::new(), "EOF"),
        ("[]".to_owned(), "invalid"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Scan::new(lake.path(), hours()).candles().err().unwrap().to_string();
        assert!(error.contains(told) && error.contains("manifest.json") && error.contains("move it away"), "{error}");
        let report = check(lake.path(), &Filter::default(), NOW).unwrap();
        assert_eq!((report.entries.len(), report.problems.len()), (0, 1));
        assert!(writer(lake.path()).series(&hours()).is_err(), "nothing is written over it");
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(stored(lake.path()), candles(0..300));
    // A manifest in the folder of another series is not its own.
    std::fs::write(&path, &whole).unwrap();
    let other = key(Series::Candles(Interval(240))).folder(lake.path());
    std::fs::create_dir_all(&other).unwrap();
    std::fs::copy(&path, other.join(MANIFEST)).unwrap();
    let error = Manifest::load(lake.path(), &key(Series::Candles(Interval(240)))).unwrap_err().to_string();
    assert!(error.contains("it is that of 1h of BTC/USD"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_named_and_the_lake_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let lake = tempfile::tempdir().unwrap();
    put(lake.path(), &candles(0..100));
    let folder = hours().folder(lake.path());
    let mode = |bits| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(bits)).unwrap();
    mode(0o555);
    // Whoever runs as root may write anywhere: then there is nothing to see.
    let closed = std::fs::write(folder.join("probe"), b"").is_err();
    if closed {
        let result = writer(lake.path()).series(&hours()).unwrap().append(&march(), &candles(100..101), "live");
        let error = result.unwrap_err().to_string();
        assert!(error.contains("cannot write") && error.contains("1h"), "{error}");
    }
    mode(0o755);
    assert_eq!(stored(lake.path()), candles(0..100));
}
