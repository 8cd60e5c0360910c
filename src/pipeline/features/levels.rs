//! The levels of `domain::Indicators`, filled from the same graph as the features.

use super::error::SetError;
use super::file::File;
use super::graph::{Builder, Resolver};
use crate::domain::Indicators;

const TEXT: &str = include_str!("levels.toml");
const FILE: &str = "levels.toml";

/// Slots of the levels, by name.
#[derive(Debug)]
pub(super) struct Levels(Vec<(String, usize)>);

impl Levels {
    /// Adds the levels to a graph.
    pub(super) fn add(builder: &mut Builder) -> Result<Self, SetError> {
        let file = File::read(FILE, TEXT)?;
        let mut resolver = Resolver::new(file.nodes.iter().chain(&file.features));
        let slot = |entry: &super::file::Entry| {
            let slot = resolver.slot(builder, &entry.name);
            slot.map(|slot| (entry.name.clone(), slot)).map_err(|text| super::set::problem(FILE, &entry.name, text))
        };
        file.features.iter().map(slot).collect::<Result<_, _>>().map(Self)
    }

    /// The levels of one pair.
    pub(super) fn read(&self, value: impl Fn(usize) -> f64) -> Indicators {
        let mut out = Indicators::default();
        for (name, slot) in &self.0 {
            let value = Some(value(*slot)).filter(|v| !v.is_nan());
            let place = match name.as_str() {
                "ema50" => &mut out.ema50,
                "ema200" => &mut out.ema200,
                "atr14" => &mut out.atr14,
                "adx14" => &mut out.adx14,
                "plus_di14" => &mut out.plus_di14,
                "minus_di14" => &mut out.minus_di14,
                "rsi14" => &mut out.rsi14,
                "macd_histogram" => &mut out.macd_histogram,
                "bollinger_upper" => &mut out.bollinger_upper,
                "bollinger_middle" => &mut out.bollinger_middle,
                "bollinger_lower" => &mut out.bollinger_lower,
                "percent_b" => &mut out.percent_b,
                "z20" => &mut out.z20,
                "mfi14" => &mut out.mfi14,
                "cmf20" => &mut out.cmf20,
                "donchian_upper" => &mut out.donchian_upper,
                "donchian_lower" => &mut out.donchian_lower,
                "sigma24" => &mut out.sigma24,
                "sigma168" => &mut out.sigma168,
                "volume24" => &mut out.volume24,
                "half_life" => &mut out.half_life,
                "supertrend_up" => {
                    out.supertrend_up = value.map(|v| v > 0.0);
                    continue;
                }
                _ => continue,
            };
            *place = value;
        }
        out
    }
}
