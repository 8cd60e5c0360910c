//! A pair's consolidated analysis in words, as a person asks for it between the bars.
//!
//! A cycle is a function of closed data: until the next hour closes, asking again gives what the last cycle found. So the answer is that cycle's,
//! with its instant, and nothing is fed to a window twice.

use crate::decision::engine::Engine;
use crate::domain::pair::Pair;

/// What the last cycle found for the pair; `None` before there is one.
pub(super) fn consolidated(engine: &Engine, pair: &Pair) -> Option<String> {
    let state = engine.pairs().get(pair)?;
    let frame = state.frame.as_ref()?;
    let mut parts = vec![format!("analysis of {pair} at {}", frame.at)];
    if let Some(regime) = &state.regime {
        parts.push(match regime.z {
            Some(z) => format!("regime {} (z {z:+.2})", regime.regime.as_str()),
            None => "regime not known yet".to_owned(),
        });
    }
    let score = |value: Option<f64>| value.map_or_else(|| "no data".to_owned(), |v| format!("{v:+.2}"));
    parts.push(format!("technical {}", score(state.technical.as_ref().and_then(|t| t.score))));
    parts.push(format!("sentiment {}", score(state.sentiment.as_ref().and_then(|s| s.score))));
    parts.push(format!("whale z {}", score(state.whale.as_ref().and_then(|w| w.volume_z))));
    for p in &state.predictions {
        parts.push(format!("{} confidence {:.2}±{:.2}", p.horizon, p.confidence.get(), p.epistemic));
    }
    for n in &state.no_predictions {
        parts.push(format!("{}: {}", n.horizon, n.reason));
    }
    Some(parts.join(" · "))
}
