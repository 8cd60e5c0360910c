//! The section of one model: where it comes from, how well it did out of sample, and what speaks for it.

use super::live;
use crate::cli::page::plots::{Scale, Span, bar, drawable, reliability};
use crate::cli::page::{
    Column, Html, Tone, count, decimals, effective, element, facts, folded, holding, instant, maybe, note, paragraph,
    part, percent, score, table, toned, value, with_line,
};
use crate::domain::reading::GateEvidence;
use crate::domain::snapshot::{FeatureImportance, LeakageLine, ModelView};

/// The AUC of an order that tells nothing.
pub(super) const CHANCE: f64 = 0.5;
/// Bars that are seen without unfolding the rest.
const BARS: usize = 20;

pub(super) fn of(model: &ModelView, anchor: &str) -> Html {
    let heading = element(
        "h2",
        &[],
        [
            Html::text(&format!("{} ahead ", model.horizon)),
            element("span", &[("class", "version")], [Html::text(&model.version)]),
        ],
    );
    let columns = element("div", &[("class", "columns")], [figures(model), curve(model)]);
    let content = [
        heading,
        origin(model),
        columns,
        evidence(&model.evidence),
        hold_out(model),
        importance(&model.importance),
        leakage(&model.leakage),
        live::of(model),
    ];
    element("article", &[("class", "card"), ("id", anchor)], content)
}

fn origin(m: &ModelView) -> Html {
    let mut list = vec![
        ("Trained", instant(m.trained_at)),
        ("Data from", m.trained_from.minute()),
        ("Data to", m.trained_to.minute()),
        ("Rows", count(m.rows)),
        ("Effective rows", effective(m.n_eff)),
        ("Base rate", percent(m.base_rate, 1)),
        ("Walk-forward blocks", m.folds.to_string()),
        ("Calibration", m.calibration.clone()),
        ("Abstains beyond a disagreement of", score(m.epistemic_limit)),
    ];
    list.extend(m.previous.iter().map(|version| ("A rollback puts back", version.clone())));
    list.extend(m.candidate.iter().map(|version| ("Candidate", version.clone())));
    let rows = "Rows overlap in time and pairs move together; the effective rows are what they are worth. The base rate is the share of \
                trades in training that won.";
    [facts(&list), note(rows)].into_iter().collect()
}

/// Name and meaning, the model's value, the baseline, and how they compare.
type Figure = (&'static str, &'static str, String, String, Html);

fn figures(m: &ModelView) -> Html {
    let list: [Figure; 6] = [
        (
            "Brier score",
            "mean squared error of the confidence; less is better",
            score(m.brier),
            format!("{} always saying the base rate", score(m.brier_base)),
            less(m.brier, m.brier_base),
        ),
        log_loss(m),
        (
            "AUC",
            "how often a winner is placed above a loser; more is better",
            score(m.auc),
            format!("{} by chance", score(CHANCE)),
            if m.auc > CHANCE { toned(Tone::Good, "above chance") } else { toned(Tone::Bad, "not above chance") },
        ),
        (
            "ECE",
            "mean gap between what was said and what came",
            format!("{} ± {}", score(m.ece), score(m.ece_se)),
            "0 without any gap".to_owned(),
            toned(Tone::Plain, if m.ece > 2.0 * m.ece_se { "beyond 2 se of 0" } else { "within 2 se of 0" }),
        ),
        coverage("Coverage of 80 %", "share of returns inside the 80 % interval", m.coverage, 0.8),
        coverage("Coverage of 90 %", "share of returns inside the 90 % interval", m.coverage90, 0.9),
    ];
    let head = [("Figure", Column::Words), ("Model", Column::Number), ("Beside", Column::Words)];
    let rows = list.into_iter().map(|(name, meaning, model, baseline, verdict)| {
        vec![with_line(Html::text(name), meaning), Html::text(&model), beside(&baseline, verdict)]
    });
    let reading = "Compared as they stand: the error of a difference is not kept, so a small one may be chance. ± is one standard error.";
    part("Out of sample", [table("Figures beside their baselines", &head, rows), note(reading)])
}

/// A baseline above what the comparison with it says.
pub(super) fn beside(baseline: &str, verdict: Html) -> Html {
    [element("span", &[("class", "baseline")], [Html::text(baseline)]), verdict].into_iter().collect()
}

/// How a loss compares with that of the baseline.
fn less(model: f64, base: f64) -> Html {
    let gain = 1.0 - model / base;
    match (gain.is_finite(), gain > 0.0) {
        (false, _) => toned(Tone::Plain, "not comparable"),
        (_, true) => toned(Tone::Good, &format!("{} less", percent(gain, 1))),
        (_, false) => toned(Tone::Bad, &format!("not less ({} more)", percent(-gain, 1))),
    }
}

/// A view keeps no baseline for the log loss: what the best constant would have scored follows from the bins.
fn log_loss(m: &ModelView) -> Figure {
    let base = best_constant(&drawable(&m.reliability));
    let (baseline, verdict) = match base {
        Some(base) => (format!("{} the best constant in hindsight", score(base)), less(m.log_loss, base)),
        None => ("no baseline: no bins are stored".to_owned(), toned(Tone::Plain, "not comparable")),
    };
    ("Log loss", "punishes confidence that was wrong; less is better", score(m.log_loss), baseline, verdict)
}

/// Log loss of always saying the share that won, over all bins; `None` where there is none, or one of only winners or losers.
fn best_constant(bins: &[(f64, f64, u32)]) -> Option<f64> {
    let rows: f64 = bins.iter().map(|(.., rows)| f64::from(*rows)).sum();
    let won: f64 = bins.iter().map(|(_, was, rows)| was * f64::from(*rows)).sum();
    let rate = won / rows;
    (rate > 0.0 && rate < 1.0).then(|| -(rate * rate.ln() + (1.0 - rate) * (1.0 - rate).ln()))
}

fn coverage(name: &'static str, meaning: &'static str, share: f64, nominal: f64) -> Figure {
    let off = (share - nominal) * 100.0;
    let words = match (off.abs() < 0.05, off > 0.0) {
        (true, _) => "as it should be".to_owned(),
        (_, true) => format!("{} points more: wide", decimals(off, 1)),
        (_, false) => format!("{} points fewer: narrow", decimals(-off, 1)),
    };
    (name, meaning, percent(share, 1), format!("{} intended", percent(nominal, 0)), toned(Tone::Plain, &words))
}

fn curve(m: &ModelView) -> Html {
    let points = drawable(&m.reliability);
    if points.is_empty() {
        return part("Reliability", [note("No reliability curve: this model was stored without its bins.")]);
    }
    let cut = Span::of(&points)
        .cut()
        .map_or_else(String::new, |(from, to)| format!(" The axes show {from} to {to}, not all from 0 to 1."));
    let words = format!(
        "On the diagonal, what was said came true as often as said; below it, less often. Areas follow the rows in a bin.{cut}"
    );
    let head = [("Said", Column::Number), ("Came", Column::Number), ("Rows", Column::Number)];
    let rows = points
        .iter()
        .map(|(said, was, rows)| [score(*said), score(*was), count(u64::from(*rows))])
        .map(|cells| cells.iter().map(|words| Html::text(words)).collect());
    let numbers = folded("Its numbers", table("Bins of the reliability curve", &head, rows));
    let figure = element("figure", &[], [reliability(&points), holding("figcaption", &words)]);
    part("Reliability", [figure, numbers])
}

fn evidence(e: &GateEvidence) -> Html {
    let title = "Evidence above the gate";
    if e.n == 0 {
        return part(
            title,
            [paragraph("Nothing passed the gate in the walk-forward: there is no evidence for a trade.")],
        );
    }
    let candidates = if e.n == 1 { "1 candidate".to_owned() } else { format!("{} candidates", count(u64::from(e.n))) };
    let bearing = match e.mean_net_lower {
        Some(lower) if lower > 0.0 => "The lower bound of the mean net return is above zero.",
        Some(_) => "The lower bound of the mean net return is not above zero: a loss on average is not ruled out.",
        None => "They are too few for a lower bound of the mean net return.",
    };
    let words = format!(
        "{candidates} passed the gate in the walk-forward, worth {} effective ones. {bearing}",
        effective(e.n_eff)
    );
    let head = [("Of those that passed", Column::Words), ("Seen", Column::Number), ("Lower bound", Column::Number)];
    let row = |name: &str, meaning: &str, seen: String, lower: String| {
        vec![with_line(Html::text(name), meaning), Html::text(&seen), Html::text(&lower)]
    };
    let share = |v: f64| percent(v, 1);
    let net = |v: f64| percent(v, 2);
    let rows = [
        row("Hit rate", "share with a net profit", maybe(e.hit_rate, share), maybe(e.hit_rate_lower, share)),
        row("Mean net return", "a trade, after costs", maybe(e.mean_net, net), maybe(e.mean_net_lower, net)),
    ];
    let bounds = "Lower bounds are one-sided at 90 %, on the effective number.";
    part(title, [paragraph(&words), table("Evidence with lower bounds", &head, rows), note(bounds)])
}

/// The most recent time, judged before the model was fitted on it.
fn hold_out(m: &ModelView) -> Html {
    let title = "Final hold-out";
    let Some(h) = &m.hold_out else {
        let why = m.no_hold_out.as_deref().unwrap_or("this model was stored without one");
        return part(title, [note(&format!("Nothing was held out: {why}."))]);
    };
    let words = format!(
        "From {} on, nothing was used to choose or fit what is judged here; the model in force was fitted on that time afterwards. {} rows, worth {}.",
        h.from.minute(),
        count(h.rows),
        effective(h.n_eff)
    );
    let gate = |e: &GateEvidence| match e.hit_rate {
        None => "none".to_owned(),
        Some(rate) => format!("{}, {} won", count(u64::from(e.n)), percent(rate, 1)),
    };
    let list = vec![
        ("Brier score", format!("{} ({} always saying the base rate)", score(h.brier), score(h.brier_base))),
        ("AUC", score(h.auc)),
        ("ECE", format!("{} ± {}", score(h.ece), score(h.ece_se))),
        ("Coverage of 80 %", percent(h.coverage, 1)),
        ("Above the gate's threshold", gate(&h.confident)),
        ("Passed the gate's clauses about the past too", gate(&h.passed)),
    ];
    part(title, [paragraph(&words), facts(&list)])
}

fn importance(list: &[FeatureImportance]) -> Html {
    let title = "What the features are worth";
    if list.is_empty() {
        return part(title, [note("Not known: this model was stored without the importance of its features.")]);
    }
    let scale = Scale::of(list.iter().map(|f| (f.mean, f.se)));
    let row = |f: &FeatureImportance| {
        let drawn = scale.map(|scale| bar(scale, f.mean, f.se)).unwrap_or_default();
        let numbers = Html::text(&format!("{} ± {}", decimals(f.mean, 5), decimals(f.se, 5)));
        vec![Html::text(&f.feature), drawn, with_line(numbers, &format!("clear in {} of {}", f.clear, f.folds))]
    };
    let head = [("Feature", Column::Words), ("Worth", Column::Words), ("Rise of log loss", Column::Number)];
    let bars = |caption: &str, list: &[FeatureImportance]| {
        element("div", &[("class", "bars")], [table(caption, &head, list.iter().map(row))])
    };
    let (seen, rest) = list.split_at_checked(BARS).unwrap_or((list, &[]));
    let reading = "How much the log loss rises when a feature's values are shuffled, mean over the folds ± one standard error. Clear is a fold in \
                   which the rise exceeded two of its standard errors. Features that say the same share their worth.";
    let mut content = vec![bars("Importance of the features", seen), note(reading)];
    if !rest.is_empty() {
        content.insert(1, folded(&format!("{} more", rest.len()), bars("Importance of the other features", rest)));
    }
    part(title, content)
}

fn leakage(lines: &[LeakageLine]) -> Html {
    let title = "Tests for leakage";
    if lines.is_empty() {
        return part(title, [note("No report: this model was stored without its tests for leakage.")]);
    }
    let passed = lines.iter().filter(|line| line.verdict == PASSED).count();
    let words = if passed == lines.len() {
        format!(
            "All {passed} tests passed. They look for knowledge of the future; none of them can show that there is none."
        )
    } else {
        format!("{passed} of {} tests passed.", lines.len())
    };
    let head = [
        ("What must hold", Column::Words),
        ("Verdict", Column::Words),
        ("Checked", Column::Number),
        ("Failed", Column::Number),
        ("Worst", Column::Number),
        ("Threshold", Column::Number),
    ];
    part(title, [paragraph(&words), table("Tests in front of the training", &head, lines.iter().map(tested))])
}

/// The verdict of a test that found nothing.
const PASSED: &str = "passed";

fn tested(line: &LeakageLine) -> Vec<Html> {
    let tone = if line.verdict == PASSED { Tone::Good } else { Tone::Bad };
    let findings = line.findings.iter().map(|finding| element("small", &[], [Html::text(finding)]));
    vec![
        std::iter::once(Html::text(&line.test)).chain(findings).collect(),
        toned(tone, &line.verdict),
        Html::text(&count(line.checked)),
        Html::text(&count(line.failed)),
        Html::text(&maybe(line.worst, value)),
        Html::text(&value(line.threshold)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_constant_is_the_entropy_of_what_came() {
        let half = best_constant(&[(0.2, 0.25, 100), (0.8, 0.75, 100)]).unwrap();
        assert!((half - std::f64::consts::LN_2).abs() < 1e-12, "{half}");
        assert_eq!(best_constant(&[]), None);
        assert_eq!(best_constant(&[(0.2, 0.0, 5)]), None);
    }

    #[test]
    fn comparisons_in_words() {
        let words = |html: Html| html.into_string();
        assert!(words(less(0.18, 0.2)).contains("good\">10.0\u{a0}% less"));
        assert!(words(less(0.2, 0.2)).contains("bad\">not less (0.0\u{a0}% more)"));
        assert!(words(less(0.2, 0.0)).contains("not comparable"));
        let (_, _, share, intended, verdict) = coverage("", "", 0.78, 0.8);
        assert_eq!((share.as_str(), intended.as_str()), ("78.0\u{a0}%", "80\u{a0}% intended"));
        assert!(words(verdict).contains("2.0 points fewer: narrow"));
    }
}
