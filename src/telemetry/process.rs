//! What this process uses, from `/proc/self`; `None` where the system has no such folder.

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
        let read = |file: &str| std::fs::read_to_string(format!("/proc/self/{file}")).ok();
        let memory = read("status").and_then(|text| resident_bytes(&text));
        let seconds = read("stat").and_then(|text| processor_seconds(&text));
        ProcessUse { memory, cpu: seconds.and_then(|seconds| self.share(monotonic_ms, seconds)) }
    }

    fn share(&mut self, monotonic_ms: f64, seconds: f64) -> Option<f64> {
        let (then_ms, then_seconds) = self.last.replace((monotonic_ms, seconds))?;
        let wall = (monotonic_ms - then_ms) / 1_000.0;
        (wall > 0.0).then(|| (seconds - then_seconds).max(0.0) / wall)
    }
}

/// `VmRSS` of `/proc/self/status`.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

/// User and system time of all threads: fields 14 and 15 of `/proc/self/stat`. The name (field 2) may hold anything, so count from its
/// closing bracket.
fn processor_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut ticks = rest.split_whitespace().skip(11).map(|field| field.parse::<u64>().ok());
    Some((ticks.next()?? + ticks.next()??) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        assert_eq!(resident_bytes("Name:\tcst\nVmRSS:\t  12345 kB\nThreads:\t3\n"), Some(12_641_280));
        assert_eq!(resident_bytes("Name:\tcst\n"), None);
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 3 0 100 1000 10";
        assert_eq!(processor_seconds(stat), Some(2.0));
        assert_eq!(processor_seconds("42 (cst) S 1"), None);
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
    fn this_process_is_measured() {
        let mut meter = ProcessMeter::default();
        let first = meter.sample(0.0);
        assert!(first.memory.is_some_and(|bytes| bytes > 100_000) && first.cpu.is_none());
        assert!(meter.sample(1_000.0).cpu.is_some_and(|share| share >= 0.0));
    }
}
