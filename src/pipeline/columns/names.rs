//! Names of indicators with their parameters in them: `sma_20`, `bb_upper_20_2.5`, `macd_signal_12_26_9`.

use crate::pipeline::kernels::{Indicator, Source};

/// What a name says.
pub(super) enum Named {
    Indicator {
        source: Source,
        line: usize,
    },
    /// The name of an indicator, but with parameters that it does not take; in words.
    Wrong(String),
    Nothing,
}

/// Short names that the field uses beside those of the catalogue.
const SHORT: [(&str, &str); 2] = [("bb", "bbands"), ("zscore", "rolling_zscore")];

/// Every beginning that a name can have: of each indicator and line. The first line may go without its own name.
fn beginnings() -> impl Iterator<Item = (String, &'static Indicator, usize)> {
    Indicator::USUAL.iter().flat_map(|indicator| {
        let own = [indicator.name()];
        let short = SHORT.iter().filter(|(_, long)| *long == indicator.name()).map(|(short, _)| *short);
        let names: Vec<&str> = own.into_iter().chain(short).collect();
        let lines = indicator.lines().iter().enumerate();
        lines.flat_map(move |(line, word)| {
            let alone = line == 0 && [*word, indicator.name()].iter().any(|w| ["value", "macd"].contains(w));
            let names = names.clone().into_iter();
            names.map(move |name| {
                let beginning = if alone { name.to_owned() } else { format!("{name}_{word}") };
                (beginning, indicator, line)
            })
        })
    })
}

/// Reads a name: a beginning, then `_` and a number for each parameter; parameters that are left out at the end have their usual value.
pub(super) fn read(name: &str) -> Named {
    let fits = |(beginning, indicator, line): (String, &'static Indicator, usize)| {
        let rest = name.strip_prefix(beginning.as_str())?;
        let numbers: Option<Vec<f64>> = match rest.strip_prefix('_') {
            Some(rest) => rest.split('_').map(number).collect(),
            None => rest.is_empty().then(Vec::new),
        };
        Some((indicator, line, numbers?))
    };
    let Some((indicator, line, numbers)) = beginnings().find_map(fits) else { return Named::Nothing };
    let parameters = indicator.parameters();
    if numbers.len() > parameters.len() {
        let declared: Vec<&str> = parameters.iter().map(|(name, _)| *name).collect();
        return Named::Wrong(format!(
            "'{name}' gives {} parameters; {} takes at most {}{}{}",
            numbers.len(),
            indicator.name(),
            parameters.len(),
            if declared.is_empty() { "" } else { ": " },
            declared.join(", ")
        ));
    }
    let given = parameters.iter().zip(numbers.iter().copied().map(Some).chain(std::iter::repeat(None)));
    let given = given.map(|((name, usual), number)| (*name, number.unwrap_or(*usual)));
    match Indicator::new(indicator.name(), given) {
        Ok(made) => {
            let (source, lines) = made.source();
            lines.get(line).map_or(Named::Nothing, |line| Named::Indicator { source, line: *line })
        }
        Err(error) => Named::Wrong(error.to_string()),
    }
}

/// Digits, with a fraction or without.
fn number(text: &str) -> Option<f64> {
    let digits = text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    digits.then(|| text.parse().ok()).flatten()
}

/// Names of indicators with the parameters of `word`: where the word begins wrongly, these may be meant.
pub(super) fn like(word: &str) -> impl Iterator<Item = String> {
    let parts: Vec<&str> = word.split('_').collect();
    let numbers = parts.iter().rev().take_while(|part| number(part).is_some()).count();
    let tail: String = parts.iter().skip(parts.len() - numbers).flat_map(|part| ["_", part]).collect();
    beginnings()
        .filter(move |(_, indicator, _)| indicator.parameters().len() >= numbers)
        .map(move |(beginning, ..)| beginning + &tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> (Source, usize) {
        match read(name) {
            Named::Indicator { source, line } => (source, line),
            Named::Wrong(text) => panic!("{name}: {text}"),
            Named::Nothing => panic!("{name} is nothing"),
        }
    }

    #[test]
    fn parameters_are_in_the_name_and_usual_ones_may_be_left_out() {
        assert_eq!(source("sma_20"), (Source::Sma { timeperiod: 20 }, 0));
        assert_eq!(source("rsi_14"), (Source::Strength { timeperiod: 14 }, 0));
        assert_eq!(source("bb_lower_20"), (Source::Bbands { timeperiod: 20, mult: 2.0 }, 2));
        assert_eq!(source("bbands_upper_30_2.5"), (Source::Bbands { timeperiod: 30, mult: 2.5 }, 0));
        assert_eq!(source("donchian_upper_55"), (Source::Range { timeperiod: 55 }, 0));
        assert_eq!(source("linearreg_slope_9"), (Source::Line { timeperiod: 9 }, 1));
        let macd = Source::Macd { fastperiod: 12, slowperiod: 26, signalperiod: 9 };
        assert_eq!([source("macd"), source("macd_12_26_9")], [(macd, 0); 2]);
        assert_eq!([source("macd_signal"), source("macd_hist_12")], [(macd, 1), (macd, 2)]);
        assert_eq!(source("supertrend_direction_10_3"), (Source::Supertrend { atr_period: 10, mult: 3.0 }, 1));
        assert_eq!(source("obv"), (Source::Obv {}, 0));
    }

    #[test]
    fn every_indicator_and_line_has_a_name() {
        for (beginning, indicator, line) in beginnings() {
            assert_eq!(source(&beginning).0, indicator.source().0, "{beginning}");
            assert_eq!(source(&beginning).1, indicator.source().1[line], "{beginning}");
        }
        for name in ["sma_x", "sma20", "sma_", "bbands_20", "", "_"] {
            assert!(matches!(read(name), Named::Nothing), "{name}");
        }
    }
}
