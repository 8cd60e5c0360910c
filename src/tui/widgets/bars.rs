//! One-row bars: sparkline and gauge.

/// The eight heights of a sparkline.
const HEIGHTS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Height of `value` between `low` and `high`; a value that is missing is a gap, not a zero.
#[must_use]
pub fn level(value: Option<f64>, low: f64, high: f64) -> &'static str {
    let Some(value) = value.filter(|v| v.is_finite()) else { return " " };
    let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
    HEIGHTS.get((share * 7.0).round() as usize).copied().unwrap_or("█")
}

/// The newest `width` values as a sparkline.
#[must_use]
pub fn sparkline(values: &[Option<f64>], width: usize) -> String {
    let shown = values.get(values.len().saturating_sub(width)..).unwrap_or(&[]);
    let known = || shown.iter().flatten().copied().filter(|v| v.is_finite());
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    shown.iter().map(|v| level(*v, low, high)).collect()
}

/// A bar of `width` cells, `share` of it filled; anything above zero shows at least one cell.
#[must_use]
pub fn gauge(share: f64, width: usize) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let mut full = (share * width as f64).round() as usize;
    if share > 0.0 {
        full = full.max(1);
    }
    let full = full.min(width);
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_show_range_gaps_and_extremes() {
        assert_eq!(sparkline(&[Some(1.0), None, Some(2.0), Some(1.5)], 10), "▁ █▅");
        assert_eq!(sparkline(&[Some(1.0), Some(2.0)], 1), "▅");
        assert_eq!(sparkline(&[], 4), "");
        assert_eq!(gauge(0.5, 4), "██░░");
        assert_eq!(gauge(0.001, 4), "█░░░");
        assert_eq!(gauge(f64::NAN, 3), "░░░");
        assert_eq!(gauge(7.0, 3), "███");
    }
}
