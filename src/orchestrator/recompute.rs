//! Training rows computed once more, from less history or with another future: what the leakage gate asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::domain::market::Bar;
use crate::domain::settings::PipelineSettings;
use crate::ml::leakage::{Known, Place, Poison, Recompute, Watched};
use crate::ml::scaler::Input;
use crate::pipeline::{FeatureEngine, FeatureSet};

/// Bars behind a row that are poisoned: a window that looks ahead meets them.
const POISONED: usize = 48;

/// The bars that training's features of one pair were computed from.
pub(super) struct Accepted {
    /// Each with whether a hole lies before it.
    pub(super) bars: Vec<(Bar, bool)>,
    /// Place of the first training row among them.
    pub(super) first: usize,
}

/// The same engine on the same bars.
pub(super) struct Again {
    pub(super) features: Arc<FeatureSet>,
    pub(super) pipeline: PipelineSettings,
    pub(super) pairs: Vec<Accepted>,
}

impl Again {
    /// The model inputs with what the feature set says of them.
    pub(super) fn watched(&self) -> Vec<Watched> {
        let known: BTreeMap<&str, (usize, usize)> =
            self.features.features().map(|(column, f)| (column.name.as_str(), (f.filled, f.settled))).collect();
        let of = |input: Input| {
            let (filled, settled) = known.get(input.feature.as_str()).copied().unwrap_or((1, 1));
            Watched { recursive: settled > filled, warm_up: settled, input }
        };
        Input::of(self.features.schema()).into_iter().map(of).collect()
    }

    fn engine(&self) -> FeatureEngine {
        FeatureEngine::new(Arc::clone(&self.features), &self.pipeline)
    }
}

fn take(engine: &mut FeatureEngine, (bar, after_hole): &(Bar, bool)) {
    if *after_hole {
        engine.reset();
    }
    engine.take(bar, None);
}

/// The inputs after the last bar; NaN for one without a value.
fn inputs(engine: &FeatureEngine) -> Vec<f64> {
    let row = engine.output().features;
    let columns = row.schema().columns().iter().zip(row.values());
    columns.filter(|(column, _)| column.model).map(|(_, value)| value.unwrap_or(f64::NAN)).collect()
}

fn poisoned(bar: &Bar, poison: Poison) -> Bar {
    let of = |v: f64| match poison {
        Poison::NotANumber => f64::NAN,
        Poison::Absurd => 1e12,
        Poison::UpsideDown => 1.0 / v,
    };
    Bar {
        open: of(bar.open),
        high: of(bar.high),
        low: of(bar.low),
        close: of(bar.close),
        volume: of(bar.volume),
        ..*bar
    }
}

impl Recompute for Again {
    fn features(&self, pair: usize, row: usize, known: Known) -> Option<Vec<f64>> {
        let Accepted { bars, first } = self.pairs.get(pair)?;
        let end = first + row + 1;
        let seen = bars.get(..end)?;
        let mut engine = self.engine();
        let from = match known {
            Known::UpTo | Known::Poisoned(_) => 0,
            Known::Last(count) => end.checked_sub(count)?,
        };
        seen.get(from..)?.iter().for_each(|bar| take(&mut engine, bar));
        let values = inputs(&engine);
        if let Known::Poisoned(poison) = known {
            // Whoever had kept the row until later bars came would give another one now.
            for (bar, _) in bars.get(end..)?.iter().take(POISONED) {
                engine.take(&poisoned(bar, poison), None);
            }
        }
        Some(values)
    }

    /// One pass per pair: at each place nothing but the bars up to it has been given to the engine.
    fn up_to(&self, places: &[Place]) -> Vec<Option<Vec<f64>>> {
        let rows: BTreeMap<Place, Vec<f64>> = self
            .pairs
            .par_iter()
            .enumerate()
            .flat_map_iter(|(pair, accepted)| {
                let mut wanted: Vec<usize> = places.iter().filter(|p| p.pair == pair).map(|p| p.row).collect();
                wanted.sort_unstable();
                let mut engine = self.engine();
                let mut done = 0;
                let mut found = Vec::new();
                for row in wanted {
                    let end = accepted.first + row + 1;
                    for bar in accepted.bars.get(done..end).unwrap_or_default() {
                        take(&mut engine, bar);
                    }
                    done = end;
                    found.push((Place { pair, row }, inputs(&engine)));
                }
                found
            })
            .collect();
        places.iter().map(|place| rows.get(place).cloned()).collect()
    }
}
