//! What a training's out-of-sample rows would have earned: its entry in the ledger of trials.

use super::crossfit::Judged;
use super::numbers::mean;
use super::overfit::Track;
use crate::domain::settings::GateSettings;

/// Net returns step by step in time: each step the mean of what was entered then, 0 where nothing was. Entered is what passed the gate; where nothing
/// ever did, every signal, so that a training is on record with what it found. `None` where the returns say nothing (none, or all alike).
#[must_use]
pub fn track(judged: &[Judged<'_>], gate: &GateSettings) -> Option<Track> {
    let passed = |j: &Judged<'_>| j.confidence > gate.threshold;
    let any = judged.iter().any(passed);
    let entered = |j: &Judged<'_>| if any { passed(j) } else { j.confidence - j.base_rate >= gate.signal_lift };
    let mut rows: Vec<&Judged<'_>> = judged.iter().collect();
    rows.sort_by_key(|j| (j.sample.at, j.sample.pair));
    let step = |same: &[&Judged<'_>]| {
        let nets: Vec<f64> = same.iter().filter(|j| entered(j)).map(|j| j.sample.net).collect();
        mean(&nets).unwrap_or(0.0)
    };
    let returns: Vec<f64> = rows.chunk_by(|a, b| a.sample.at == b.sample.at).map(step).collect();
    // Labels overlap: the rows are worth fewer independent returns than there are steps.
    let worth: f64 = judged.iter().map(|j| j.sample.weight).sum();
    Track::of(&returns).map(|track| Track { n: track.n.min(worth), ..track }).filter(Track::is_sound)
}
