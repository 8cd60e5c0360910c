//! The isotonic curve: a frequency that never falls as the score rises, and nothing else.

use super::{Curve, Scored};
use crate::ml::numbers::{sigmoid, tidy_all};

/// Pools adjacent violators (equal scores first; straight lines between the knots); steps that rest on less than `step_min` effective observations are pooled with their neighbours,
/// and 0 gives the plain form. `None` without any observation.
#[must_use]
pub fn isotonic(scores: &[Scored], step_min: f64) -> Option<Curve> {
    let mut points: Vec<Step> = scores
        .iter()
        .map(|s| {
            let p = sigmoid(s.logit);
            Step { low: p, high: p, won: s.weight * f64::from(u8::from(s.win)), all: s.weight }
        })
        .filter(|s| s.all > 0.0)
        .collect();
    points.sort_by(|a, b| a.low.total_cmp(&b.low));
    let ties = points.chunk_by(|a, b| a.low == b.low).filter_map(|tie| tie.iter().copied().reduce(Step::join));
    let mut steps: Vec<Step> = Vec::new();
    for mut step in ties {
        while let Some(last) = steps.pop_if(|last| last.rate() >= step.rate()) {
            step = last.join(step);
        }
        steps.push(step);
    }
    let mut wide: Vec<Step> = Vec::new();
    for step in steps {
        match wide.pop_if(|last| last.all < step_min) {
            Some(last) => wide.push(last.join(step)),
            None => wide.push(step),
        }
    }
    if let Some(last) = wide.pop_if(|last| last.all < step_min) {
        let whole = wide.pop().map_or(last, |before| before.join(last));
        wide.push(whole);
    }
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for step in wide {
        x.push(step.low);
        y.push(step.rate());
        if step.high > step.low {
            x.push(step.high);
            y.push(step.rate());
        }
    }
    (!x.is_empty()).then(|| Curve::Isotonic { x: tidy_all(&x), y: tidy_all(&y) })
}

#[derive(Debug, Clone, Copy)]
struct Step {
    low: f64,
    high: f64,
    won: f64,
    all: f64,
}

impl Step {
    fn join(self, next: Self) -> Self {
        Self { low: self.low, high: next.high, won: self.won + next.won, all: self.all + next.all }
    }

    fn rate(&self) -> f64 {
        self.won / self.all
    }
}
