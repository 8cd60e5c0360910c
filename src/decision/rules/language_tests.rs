//! The language: what an expression comes to, and what is told of one that is wrong.

use proptest::prelude::*;

use super::compile::compile;
use super::program::{Registers, evaluate, put};
use super::testing::Means;
use super::{RuleErrors, Rules};
use crate::domain::BarColumns;

/// The entry's value bar by bar, where the columns `close` and `open` are as given.
fn values(entry: &str, closes: &[f64], opens: &[f64]) -> Vec<f64> {
    let mut columns = Means::default();
    columns.open("close").unwrap();
    columns.open("open").unwrap();
    let program = compile(&Rules::new(entry, "false"), &mut columns).unwrap_or_else(|e| panic!("{entry}: {e}"));
    let (mut registers, mut rings): (Registers, _) = (program.registers(), program.rings());
    let value = |(close, open): (&f64, &f64)| {
        for (register, column) in &program.inputs {
            put(&mut registers, *register, [*close, *open][*column]);
        }
        evaluate(program.steps(&program.each_bar), &mut registers, &mut rings);
        program.value(&program.entry, &mut registers)
    };
    closes.iter().zip(opens).map(value).collect()
}

/// One bar: 1 for true, 0 for false, −1 for unknown.
fn one(entry: &str) -> i8 {
    // close = 4, open is missing.
    let value = values(entry, &[4.0], &[f64::NAN])[0];
    if value.is_nan() { -1 } else { value as i8 }
}

#[test]
fn operators_bind_as_in_arithmetic() {
    for (entry, is) in [
        ("1 + 2 * 3 == 7", 1),
        ("(1 + 2) * 3 == 9", 1),
        ("8 - 2 - 1 == 5", 1),
        ("8 / 4 / 2 == 1", 1),
        ("-close + 5 == 1 && --close == 4", 1),
        ("2 * -close == -8", 1),
        ("true || false && false", 1),
        ("(true || false) && false", 0),
        ("!false && !(close < 3)", 1),
        ("close >= 4 && close <= 4 && close == 4 && !(close != 4) && !(close > 4) && !(close < 4)", 1),
        ("abs(-3) == 3 && min(close, 5) == 4 && max(close, 5) == 5 && 1.5e1 == 15 && .5 == 1 / 2", 1),
        ("if(close > 3, 10, 20) == 10 && if(close > 3, true, false)", 1),
        ("if(close < 3, 10, 20) == 20", 1),
    ] {
        assert_eq!(one(entry), is, "{entry}");
    }
}

#[test]
fn what_is_missing_is_unknown_and_unknown_is_never_true() {
    for (entry, is) in [
        ("open > 0", -1),
        ("open == open", -1),
        ("!(open > 0)", -1),
        ("open > 0 && false", 0),
        ("false && open > 0", 0),
        ("open > 0 && true", -1),
        ("open > 0 || true", 1),
        ("open > 0 || false", -1),
        ("open > 0 || open > 0", -1),
        ("min(open, close) > 0", -1),
        ("min(close, open) > 0", -1),
        ("max(close, open) > 0", -1),
        ("max(open, close) > 0", -1),
        ("abs(open) > 0", -1),
        ("if(open > 0, 1, 2) > 0", -1),
        ("if(open > 0, true, true)", -1),
        ("if(close > 0, open, 1) > 0", -1),
        ("if(close > 0, 1, open) > 0", 1),
        // No finite number.
        ("close / 0 > 1", -1),
        ("0 / 0 == 0", -1),
        ("1e308 * 10 > 1", -1),
        // No past yet.
        ("prev(close) > 0", -1),
        ("close[0] > 0", 1),
        ("prev(close > 0)", -1),
        ("cross_above(close, 1)", -1),
    ] {
        assert_eq!(one(entry), is, "{entry}");
    }
}

#[test]
fn a_cross_needs_above_after_not_above_and_a_tie_is_not_above() {
    let opens = [10.0; 8];
    let closes = [9.0, 10.0, 11.0, 12.0, 10.0, 10.0, 11.0, 9.0];
    let known = |entry: &str| values(entry, &closes, &opens)[1..].iter().map(|x| *x as i8).collect::<Vec<_>>();
    // Below at the first bar: no cross, whatever was before. Above at the first bar would be unknown.
    assert_eq!(values("cross_above(close, open)", &closes, &opens)[0], 0.0);
    assert!(values("cross_below(close, open)", &closes, &opens)[0].is_nan());
    // The tie is no cross; the bar that leaves it upwards is.
    assert_eq!(known("cross_above(close, open)"), [0, 1, 0, 0, 0, 1, 0]);
    assert_eq!(known("cross_below(close, open)"), [0, 0, 0, 0, 0, 0, 1]);
    // Above to a tie and above again: a cross for the rule, so an entry needs no earlier "below".
    assert_eq!(known("cross_above(open, close)"), [0, 0, 0, 0, 0, 0, 1]);
    // A tie by rounding is a tie: 0.1 + 0.2 is not 0.3 in floats.
    assert_eq!([one("0.1 + 0.2 > 0.3"), one("0.1 + 0.2 == 0.3"), one("0.1 + 0.2 <= 0.3")], [0, 1, 1]);
    assert_eq!([one("1.000001 > 1"), one("0.000008 > 0.0000079999")], [1, 1]);
    // The bar before is unknown: no cross.
    let gap = [9.0, f64::NAN, 11.0, 12.0];
    assert!(values("cross_above(close, open)", &gap, &opens)[2].is_nan());
}

#[test]
fn looking_back_is_bounded_and_nests() {
    let closes: Vec<f64> = (0..200).map(f64::from).collect();
    let opens = vec![0.0; 200];
    let told = values(
        "close[3] == close - 3 && prev(prev(close)) == close[2] && (close + 1)[5] == close - 4",
        &closes,
        &opens,
    );
    assert!(told[..5].iter().all(|x| x.is_nan()) && told[5..].iter().all(|x| *x == 1.0), "{told:?}");
    let told = values("(close > 100)[63]", &closes, &opens);
    assert_eq!((told[163], told[164]), (0.0, 1.0));
    assert!(told[62].is_nan() && told[63] == 0.0);
}

fn errors(rules: &Rules) -> RuleErrors {
    compile(rules, &mut Means::default()).unwrap_err()
}

fn told(entry: &str) -> String {
    errors(&Rules::new(entry, "false")).to_string()
}

#[test]
fn an_error_points_at_its_column() {
    assert_eq!(
        told("mean_20 > meen_50 && close < 70"),
        "key entry, column 11:\n  mean_20 > meen_50 && close < 70\n            ^^^^^^^ unknown name; did you mean mean_50?"
    );
    assert_eq!(
        told("close > 1 &&\n  xyzzy < 70"),
        "key entry, line 2, column 3:\n    xyzzy < 70\n    ^^^^^ unknown name"
    );
    for (entry, column, words) in [
        ("close", 1, "a condition was expected; this is a number"),
        ("close && true", 1, "a condition was expected"),
        ("close > (open > 1)", 9, "a number was expected; this is a condition"),
        ("1 < close < 3", 1, "a number was expected"),
        ("close > 1 & open > 1", 11, "write '&&'"),
        ("close > 1 and open > 1", 11, "write '&&'"),
        ("close = 1", 7, "write '=='"),
        ("close > ", 9, "a value is missing"),
        ("close > 1)", 10, "an operator was expected before this"),
        ("(close > 1", 11, "')' is missing"),
        ("close > 1 2", 11, "an operator was expected before this"),
        ("close > * 2", 9, "a value was expected, not '*'"),
        ("close > 1.2.3", 9, "'1.2.3' is no number"),
        ("close > €", 9, "'€' has no meaning here"),
        ("minn(close, 1) > 0", 1, "unknown function; did you mean min?"),
        ("min(close) > 0", 1, "min takes 2 values; 1 given"),
        ("min > 0", 1, "'min' is a function; write min(…)"),
        ("close[1.5] > 0", 7, "a whole number of bars was expected"),
        ("close[1001] > 0", 1, "at most 1000 bars back"),
        ("(close > 0)[64]", 1, "at most 63 bars back"),
        ("gain > 0", 1, "there is no position before the entry"),
        ("if(close > 1, 1, true) > 0", 18, "a number was expected"),
    ] {
        let told = told(entry);
        assert!(told.starts_with(&format!("key entry, column {column}:")) && told.contains(words), "{entry}: {told}");
    }
    let deep = "(".repeat(5000);
    assert!(told(&deep).contains("at most 4096 bytes"));
    assert!(told(&"(".repeat(900)).contains("nested deeper than 64"));
    assert!(told(&"!".repeat(900)).contains("nested deeper than 64"));
    let long: Vec<String> = (0..200).map(|i| format!("close > {i}")).collect();
    assert!(told(&long.join(" || ")).contains("more than 253 values"));
}

#[test]
fn every_problem_of_every_key_is_told_at_once() {
    let rules = Rules {
        stop: Some("entry - gain".to_owned()),
        target: Some("entry > 1".to_owned()),
        ..Rules::new("foo > 1 && bar && close > 2", "gain[1] > 0 || bars_held > 3")
    };
    let told: Vec<(&str, usize)> =
        errors(&rules).0.iter().map(|p| (p.key, p.problem.position(&p.expression).1)).collect();
    assert_eq!(told, [("entry", 1), ("entry", 12), ("exit", 1), ("stop", 9), ("target", 1)]);
}

#[test]
fn equal_parts_are_computed_once() {
    let rules = Rules::new("cross_above(mean_3, mean_5) && close > 1", "cross_below(mean_3, mean_5) || close > 1");
    let program = compile(&rules, &mut Means::default()).unwrap();
    assert_eq!((program.inputs.len(), program.each_bar.len(), program.rings.len()), (3, 2, 0));
    let rules = Rules::new("prev(close) > 1 && close[1] > 2 && prev(close) + 1 > 3", "prev(close) < 5");
    assert_eq!(compile(&rules, &mut Means::default()).unwrap().each_bar.len(), 1);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z0-9_.()\\[\\]<>=!&|+*/, -]{0,60}") {
        let _ = compile(&Rules::new(text, "false"), &mut Means::default());
    }

    #[test]
    fn no_text_of_words_makes_it_panic(words in prop::collection::vec(
        prop::sample::select(vec!["close", "open", "1", "2.5", "(", ")", "&&", "||", "!", ">", "<=", "==", "+", "-", "[1]", "min(", ",", "if(", "prev(", "true"]),
        0..24,
    )) {
        let text = words.concat();
        if let Err(errors) = compile(&Rules::new(text.clone(), "false"), &mut Means::default()) {
            prop_assert!(!errors.0.is_empty());
            let told = errors.to_string();
            prop_assert!(told.contains('^'), "{}", told);
        }
    }
}
