//! What this process uses, from `/proc/self`; `None` where the system has no such folder.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge};

/// Clock ticks per second in `/proc/self/stat`: the kernel's `USER_HZ`, 100 on every platform this program is built for.
const TICKS_PER_SECOND: f64 = 100.0;

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProcessUse {
    /// Resident memory in bytes.
    pub memory: Option<u64>,
    /// Share of one core used since the measurement before; above 1 when several are busy. `None` the first time.
    pub cpu: Option<f64>,
}

/// Measures; keeps what the last measurement saw.
#[derive(Debug, Default)]
pub struct ProcessMeter {
    /// Monotonic ms and processor seconds.
    last: Option<(f64, f64)>,
}

impl ProcessMeter {
    /// Measures now; `monotonic_ms` is the clock's.
    pub fn sample(&mut self, monotonic_ms: f64) -> ProcessUse {
        let memory = own("status").and_then(|text| bytes(&text, "VmRSS:"));
        let seconds = own("stat").and_then(|text| processor_seconds(&text));
        ProcessUse { memory, cpu: seconds.and_then(|seconds| self.share(monotonic_ms, seconds)) }
    }

    fn share(&mut self, monotonic_ms: f64, seconds: f64) -> Option<f64> {
        let (then_ms, then_seconds) = self.last.replace((monotonic_ms, seconds))?;
        let wall = (monotonic_ms - then_ms) / 1_000.0;
        (wall > 0.0).then(|| (seconds - then_seconds).max(0.0) / wall)
    }
}

/// The usual figures of a process for Prometheus, read whenever they are asked for. What cannot be read is left out.
#[derive(Debug)]
pub struct ProcessCollector {
    processor: Counter,
    figures: Vec<(Gauge, Read)>,
}

type Read = fn() -> Option<f64>;

impl ProcessCollector {
    /// # Errors
    /// When a name is none that Prometheus takes.
    pub fn new() -> prometheus::Result<Self> {
        type Figure = (&'static str, &'static str, Read);
        let figures: [Figure; 6] = [
            ("process_resident_memory_bytes", "Resident memory.", || Some(bytes(&own("status")?, "VmRSS:")? as f64)),
            ("process_virtual_memory_bytes", "Virtual memory.", || Some(bytes(&own("status")?, "VmSize:")? as f64)),
            ("process_threads", "Threads of the operating system.", || number(&own("status")?, "Threads:")),
            // The folder itself is open while it is counted.
            ("process_open_fds", "Open files and sockets.", || {
                Some((std::fs::read_dir("/proc/self/fd").ok()?.count() as f64 - 1.0).max(0.0))
            }),
            ("process_max_fds", "Open files and sockets allowed.", || number(&own("limits")?, "Max open files")),
            ("process_start_time_seconds", "Start of the process since 1970.", || {
                let boot = number(&std::fs::read_to_string("/proc/stat").ok()?, "btime")?;
                Some(boot + ticks(&own("stat")?, STARTED)? as f64 / TICKS_PER_SECOND)
            }),
        ];
        let made = |(name, help, read): Figure| Ok((Gauge::new(name, help)?, read));
        let processor = Counter::new("process_cpu_seconds_total", "Processor time of all threads, user and system.")?;
        Ok(Self { processor, figures: figures.into_iter().map(made).collect::<prometheus::Result<_>>()? })
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.figures.iter().flat_map(|(gauge, _)| gauge.desc()).chain(self.processor.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = Vec::new();
        if let Some(seconds) = own("stat").and_then(|text| processor_seconds(&text)) {
            // Another thread may have counted these seconds meanwhile.
            self.processor.inc_by((seconds - self.processor.get()).max(0.0));
            families.extend(self.processor.collect());
        }
        for (gauge, read) in &self.figures {
            if let Some(value) = read() {
                gauge.set(value);
                families.extend(gauge.collect());
            }
        }
        families
    }
}

fn own(file: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/self/{file}")).ok()
}

/// The first number after `name` on a line that begins with it.
fn number(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// A size of `/proc/self/status`, which tells KiB.
fn bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

/// Fields of `/proc/self/stat`, counted behind the name: time in user and in system mode, and the start after the machine's.
const USER: usize = 11;
const SYSTEM: usize = 12;
const STARTED: usize = 19;

/// A number of clock ticks. The name of the program (field 2) may hold anything, so fields are counted from its closing bracket.
fn ticks(stat: &str, field: usize) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(field)?.parse().ok()
}

/// User and system time of all threads.
fn processor_seconds(stat: &str) -> Option<f64> {
    Some((ticks(stat, USER)? + ticks(stat, SYSTEM)?) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        assert_eq!(bytes("Name:\tcst\nVmRSS:\t  12345 kB\nThreads:\t3\n", "VmRSS:"), Some(12_641_280));
        assert_eq!(bytes("Name:\tcst\n", "VmRSS:"), None);
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 3 0 100 1000 10";
        assert_eq!(processor_seconds(stat), Some(2.0));
        assert_eq!((processor_seconds("42 (cst) S 1"), ticks(stat, STARTED)), (None, Some(100)));
        assert_eq!(
            number("Max cpu time   unlimited\nMax open files   1024   4096   files\n", "Max open files"),
            Some(1_024.0)
        );
        assert_eq!(number("cpu 1 2\nbtime 1700000000\n", "btime"), Some(1_700_000_000.0));
    }

    #[test]
    fn the_share_needs_two_measurements() {
        let mut meter = ProcessMeter::default();
        assert_eq!(meter.share(1_000.0, 5.0), None);
        assert_eq!(meter.share(3_000.0, 6.0), Some(0.5));
        assert_eq!(meter.share(3_000.0, 6.0), None);
        assert_eq!(meter.share(4_000.0, 8.0), Some(2.0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn prometheus_gets_the_usual_figures_of_this_process() {
        let collector = ProcessCollector::new().unwrap();
        let families = collector.collect();
        assert_eq!((families.len(), collector.desc().len()), (7, 7));
        let value = |name: &str| {
            let family = families.iter().find(|f| f.name() == name).unwrap();
            let metric = &family.get_metric()[0];
            metric.get_gauge().get_value() + metric.get_counter().get_value()
        };
        assert!(value("process_open_fds") >= 3.0 && value("process_open_fds") <= value("process_max_fds"));
        assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
        assert!(value("process_resident_memory_bytes") > 100_000.0 && value("process_threads") >= 1.0);
        assert!(value("process_start_time_seconds") > 1.6e9 && value("process_cpu_seconds_total") >= 0.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_measured() {
        let mut meter = ProcessMeter::default();
        let first = meter.sample(0.0);
        assert!(first.memory.is_some_and(|bytes| bytes > 100_000) && first.cpu.is_none());
        assert!(meter.sample(1_000.0).cpu.is_some_and(|share| share >= 0.0));
    }
}
