//! Starts the logs: files of JSON lines through a thread of their own, and the ring.

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::{Level, Metadata, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::layer::{RecordLayer, is_ours};
use super::ring::{LogLevel, LogRing};
use super::rolling::RollingFile;
use crate::clock::Clock;

/// Lines that may wait for the disk before further ones are dropped and counted.
const WAITING_LINES: usize = 65_536;

/// How to log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    pub dir: PathBuf,
    pub level: LogLevel,
    pub keep_files: usize,
    pub max_file_mb: u64,
    /// Also write the lines to the standard output (server mode in a container).
    pub stdout_json: bool,
}

/// Telemetry can't start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("logs cannot be written to '{}' ({source}); make the folder writable or set logs.dir to another", dir.display())]
    Folder { dir: PathBuf, source: io::Error },
    #[error("logs are already being written in this process")]
    AlreadyRunning,
    #[error("the metrics cannot be set up: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// A text that names no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a log level; the levels are trace, debug, info, warn and error")]
pub struct UnknownLevel(pub String);

impl FromStr for LogLevel {
    type Err = UnknownLevel;
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        match text.to_ascii_lowercase().as_str() {
            "trace" => Ok(Self::Trace),
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warn" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            _ => Err(UnknownLevel(text.to_owned())),
        }
    }
}

/// Lines that never reached their file or stream. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LostLines {
    /// Found no room in the queue, per writer.
    dropped: Vec<ErrorCounter>,
    /// Could not be written (a full disk, a closed pipe).
    failed: Arc<AtomicU64>,
}

impl LostLines {
    /// How many so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        let dropped: u64 = self.dropped.iter().map(|counter| counter.dropped_lines() as u64).sum();
        dropped + self.failed.load(Ordering::Relaxed)
    }
}

/// Keeps the logs running; dropping it writes out what still waits. It must live as long as `main`.
#[derive(Debug)]
#[must_use = "logging ends when the guard is dropped"]
pub struct LogGuard {
    _workers: Vec<WorkerGuard>,
    lost: LostLines,
    file: PathBuf,
}

impl LogGuard {
    /// Counter of lost lines.
    #[must_use]
    pub fn lost(&self) -> LostLines {
        self.lost.clone()
    }

    /// The file that was written first.
    #[must_use]
    pub fn file(&self) -> &std::path::Path {
        &self.file
    }
}

/// Starts logging for the whole process: our own events from `options.level` up, those of libraries from `warn` up.
///
/// # Errors
/// [`TelemetryError::Folder`] when the folder can't be written, [`TelemetryError::AlreadyRunning`] when logging was started before.
pub fn init(options: &LogOptions, ring: Arc<LogRing>, clock: Arc<dyn Clock>) -> Result<LogGuard, TelemetryError> {
    let (subscriber, guard) = build(options, ring, clock)?;
    subscriber.try_init().map_err(|_| TelemetryError::AlreadyRunning)?;
    Ok(guard)
}

fn build(
    options: &LogOptions,
    ring: Arc<LogRing>,
    clock: Arc<dyn Clock>,
) -> Result<(impl Subscriber + Send + Sync + 'static, LogGuard), TelemetryError> {
    let max_bytes = options.max_file_mb.saturating_mul(1_000_000);
    let file = RollingFile::open(&options.dir, options.keep_files, max_bytes, Arc::clone(&clock))
        .map_err(|source| TelemetryError::Folder { dir: options.dir.clone(), source })?;
    let path = file.path();
    let mut lost = LostLines::default();
    let mut writers = Vec::new();
    let mut workers = Vec::new();
    let mut add = |(writer, worker): (NonBlocking, WorkerGuard)| {
        lost.dropped.push(writer.error_counter());
        writers.push(writer);
        workers.push(worker);
    };
    let failed = Arc::new(AtomicU64::new(0));
    add(queue("log-file", Counted { inner: file, failed: Arc::clone(&failed) }));
    if options.stdout_json {
        add(queue("log-stdout", Counted { inner: io::stdout(), failed: Arc::clone(&failed) }));
    }
    lost.failed = failed;
    let layer = RecordLayer::new(ring, clock, writers).with_filter(filter(options.level));
    Ok((tracing_subscriber::registry().with(layer), LogGuard { _workers: workers, lost, file: path }))
}

fn queue(name: &str, writer: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).thread_name(name).finish(writer)
}

fn filter(level: LogLevel) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let passes = move |m: &Metadata<'_>| allowed(level, is_ours(m), m.is_span(), *m.level());
    FilterFn::new(passes).with_max_level_hint(LevelFilter::from_level(most(level).max(Level::INFO)))
}

/// Spans of ours stay enabled down to `info` whatever the level, because they carry the cycle of the events within. Libraries below
/// `warn` stay silent whatever the level: at `debug` HTTP clients print headers, and headers hold keys.
fn allowed(level: LogLevel, ours: bool, span: bool, at: Level) -> bool {
    let limit = match (ours, span) {
        (true, true) => most(level).max(Level::INFO),
        (true, false) => most(level),
        (false, _) => most(level).min(Level::WARN),
    };
    at <= limit
}

const fn most(level: LogLevel) -> Level {
    match level {
        LogLevel::Trace => Level::TRACE,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error => Level::ERROR,
    }
}

/// Counts what its writer refuses; the thread that writes has nobody to tell.
struct Counted<W> {
    inner: W,
    failed: Arc<AtomicU64>,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.inner.write_all(line).inspect_err(|_| {
            self.failed.fetch_add(1, Ordering::Relaxed);
        })?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::time::UtcMs;

    fn options(dir: &std::path::Path, level: LogLevel) -> LogOptions {
        LogOptions { dir: dir.to_owned(), level, keep_files: 3, max_file_mb: 1, stdout_json: false }
    }

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(UtcMs(1_721_217_600_123)))
    }

    /// Runs `work` with logging on and gives the lines of the file and the records of the ring.
    fn logged(level: LogLevel, work: impl FnOnce()) -> (Vec<Value>, Vec<Arc<super::super::ring::LogRecord>>) {
        let dir = tempfile::tempdir().unwrap();
        let ring = Arc::new(LogRing::new(100));
        let (subscriber, guard) = build(&options(dir.path(), level), ring.clone(), clock()).unwrap();
        tracing::subscriber::with_default(subscriber, work);
        let (lost, file) = (guard.lost(), guard.file().to_owned());
        drop(guard);
        assert_eq!(lost.count(), 0);
        assert_eq!(file.file_name().unwrap(), "cst.2024-07-17.jsonl");
        let text = std::fs::read_to_string(file).unwrap();
        (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), ring.records())
    }

    #[test]
    fn an_event_becomes_a_line_and_a_record() {
        let (lines, records) = logged(LogLevel::Info, || {
            tracing::info!(cycle = 7_u64, pair = %"BTC/USD", confidence = 0.5, ok = true, n = -3, x = f64::NAN, "decided\n\u{1b}[2J");
        });
        assert_eq!(
            lines,
            [json!({
                "at": "2024-07-17T12:00:00.123Z", "level": "INFO", "target": "telemetry",
                "module": "cryptosmarttrader::telemetry::logs::tests", "message": "decided\n\u{1b}[2J", "cycle": 7,
                "fields": { "pair": "BTC/USD", "confidence": 0.5, "ok": true, "n": -3, "x": "NaN" },
            })]
        );
        let record = &records[0];
        assert_eq!((record.sequence, record.at, record.level), (1, UtcMs(1_721_217_600_123), LogLevel::Info));
        assert_eq!(
            (record.target.as_str(), record.message.as_str(), record.cycle),
            ("telemetry", "decided  [2J", Some(7))
        );
        let pairs = [("pair", "BTC/USD"), ("confidence", "0.5"), ("ok", "true"), ("n", "-3"), ("x", "NaN")];
        assert_eq!(record.fields, pairs.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn the_nearest_span_gives_the_cycle() {
        let (lines, _) = logged(LogLevel::Warn, || {
            let outer = tracing::info_span!("cycle", cycle = 1_u64);
            let _outer = outer.enter();
            tracing::warn!("one");
            let inner = tracing::info_span!("late", cycle = tracing::field::Empty);
            let _inner = inner.enter();
            tracing::warn!("still one");
            inner.record("cycle", 2_u64);
            tracing::warn!("two");
            tracing::warn!(cycle = 3, "three");
            tracing::info!("too quiet");
        });
        let cycles: Vec<_> = lines.iter().map(|l| l["cycle"].as_u64()).collect();
        assert_eq!(cycles, [Some(1), Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn libraries_are_heard_from_warn_up_and_spans_of_ours_always() {
        for (level, ours, span, at, heard) in [
            (LogLevel::Trace, true, false, Level::TRACE, true),
            (LogLevel::Info, true, false, Level::INFO, true),
            (LogLevel::Info, true, false, Level::DEBUG, false),
            (LogLevel::Error, true, false, Level::WARN, false),
            (LogLevel::Error, true, true, Level::INFO, true),
            (LogLevel::Error, true, true, Level::DEBUG, false),
            (LogLevel::Trace, false, false, Level::WARN, true),
            (LogLevel::Trace, false, false, Level::INFO, false),
            (LogLevel::Trace, false, true, Level::DEBUG, false),
            (LogLevel::Error, false, false, Level::WARN, false),
        ] {
            assert_eq!(allowed(level, ours, span, at), heard, "{level:?} ours={ours} span={span} {at}");
        }
    }

    #[test]
    fn secrets_and_giants_do_not_get_through() {
        let (lines, records) = logged(LogLevel::Info, || {
            let long = "y".repeat(10_000);
            tracing::info!(api_key = "sk-abcdefghijklmnop", long, "Authorization: Bearer sk-abcdefghijklmnop");
        });
        let all = format!("{lines:?} {records:?}");
        assert!(!all.contains("abcdefghijklmnop"), "{all}");
        assert_eq!(lines[0]["fields"]["api_key"], "[redacted]");
        assert_eq!(lines[0]["fields"]["long"].as_str().unwrap().chars().count(), 4_097);
    }

    #[test]
    fn errors_are_logged_with_their_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);
        let (lines, _) = logged(LogLevel::Info, || {
            let error: Box<dyn std::error::Error> = Box::new(Outer(io::Error::other("inner")));
            tracing::error!(error = &*error, "failed");
        });
        assert_eq!(lines[0]["fields"]["error"], "outer: inner");
    }

    #[test]
    fn an_unwritable_folder_names_the_setting() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "").unwrap();
        let error =
            build(&options(&path, LogLevel::Info), Arc::new(LogRing::new(1)), clock()).err().unwrap().to_string();
        assert!(error.contains("logs.dir") && error.contains("file"), "{error}");
    }

    #[test]
    fn starting_twice_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let ring = Arc::new(LogRing::new(10));
        let start = || init(&options(dir.path(), LogLevel::Info), ring.clone(), clock());
        // Another test of this process may have been first; the second start here is refused in any case.
        let _first = start();
        assert!(matches!(start(), Err(TelemetryError::AlreadyRunning)));
    }

    #[test]
    fn what_a_writer_refuses_is_counted() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("full"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let failed = Arc::new(AtomicU64::new(0));
        let mut writer = Counted { inner: Full, failed: Arc::clone(&failed) };
        assert!(writer.write_all(b"x\n").is_err());
        assert!(writer.write_all(b"x\n").is_err());
        assert_eq!(LostLines { dropped: Vec::new(), failed }.count(), 2);
    }

    #[test]
    fn levels_are_named_as_in_the_settings() {
        for (text, level) in [("trace", LogLevel::Trace), ("info", LogLevel::Info), ("WARN", LogLevel::Warn)] {
            assert_eq!(text.parse(), Ok(level));
        }
        assert!("loud".parse::<LogLevel>().is_err());
    }
}
