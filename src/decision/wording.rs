//! How thresholds and shares are written in rules and notes.

/// A threshold with at least two decimals, and as many as it really has: `0.80`, `0.825`.
pub(super) fn number(value: f64) -> String {
    let short = format!("{value:.2}");
    if short.parse::<f64>().is_ok_and(|v| v.to_bits() == value.to_bits()) { short } else { format!("{value}") }
}

/// A share as a percentage: `2 %`, `12.5 %`, `0.034 %`.
pub(super) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let decimals = match value.abs() {
        v if v >= 10.0 => 1,
        v if v >= 0.1 || v == 0.0 => 2,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{} %", if text == "-0" { "0" } else { text })
}

/// A price or an oscillator with the digits a reader needs.
pub(super) fn level(value: f64) -> String {
    match value.abs() {
        v if v >= 1_000.0 => format!("{value:.1}"),
        v if v >= 1.0 || v == 0.0 => format!("{value:.2}"),
        v if v >= 0.001 => format!("{value:.5}"),
        _ => format!("{value:.10}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_keep_their_digits() {
        assert_eq!([0.8, 0.825, 30.0].map(number), ["0.80", "0.825", "30.00"]);
    }

    #[test]
    fn shares_read_as_percentages() {
        let shares = [0.02, 0.125, 0.6, 0.0, -0.0, -0.015, 0.000_341].map(percent);
        assert_eq!(shares, ["2 %", "12.5 %", "60 %", "0 %", "0 %", "-1.5 %", "0.0341 %"]);
    }

    #[test]
    fn levels_suit_large_and_tiny_prices() {
        assert_eq!([61_234.56, 14.2, 0.0712, 0.000_008_12].map(level), ["61234.6", "14.20", "0.07120", "0.0000081200"]);
    }
}
