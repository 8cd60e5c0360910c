//! The numbers of one run.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Debug, Default)]
pub struct Report {
    pub wrongs: Vec<String>,
    pub frames: u64,
    pub trades: u64,
    pub candles: u64,
    pub unproven: u64,
    /// Unproven candles that differ because the exchange's stamps were off when they began or ended.
    pub skewed: u64,
    pub doubts: u64,
    pub resyncs: u64,
    pub refills: u64,
    pub refilled: u64,
    pub reconnects: u64,
    pub connects: u64,
    /// Most within ten minutes.
    pub connects_most: usize,
    pub rest_calls: u64,
    pub rest_troubles: u64,
    /// Faults that were armed, by kind, and all that struck.
    pub faults: BTreeMap<String, u64>,
    pub struck: u64,
    /// Size of the link's state as text, by hour and at the end.
    pub footprints: Vec<usize>,
    /// Resident memory of the process in MiB, by hour, where the system tells it.
    pub resident: Vec<u64>,
    pub notes: BTreeMap<String, u64>,
    pub transcript: String,
    pub digest: String,
}

impl Report {
    /// Whether the link's state is no larger at the end, when all is quiet, than in the first three hours; `None` for shorter runs.
    pub fn is_flat(&self) -> Option<bool> {
        let early = self.footprints.iter().take(3).max()?;
        (self.footprints.len() >= 6).then(|| self.footprints.last().is_some_and(|end| end * 4 <= early * 5))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.faults.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
        write!(
            f,
            "frames {} trades {} candles {} (unproven {}, skewed {}) doubts {} resyncs {} refills {} (of {} trades) reconnects {} connects {} (at most {} in 10 min) REST {} \
             (troubles {}) faults struck {} [{}] link bytes by hour {:?} RSS MiB by hour {:?} transcript {} wrong {}",
            self.frames,
            self.trades,
            self.candles,
            self.unproven,
            self.skewed,
            self.doubts,
            self.resyncs,
            self.refills,
            self.refilled,
            self.reconnects,
            self.connects,
            self.connects_most,
            self.rest_calls,
            self.rest_troubles,
            self.struck,
            faults.join(", "),
            self.footprints,
            self.resident,
            self.transcript,
            self.wrongs.len(),
        )
    }
}
