//! How a model has done since it is in force, and its drift.

use super::section::beside;
use crate::cli::page::{
    Column, Html, Tone, count, effective, element, facts, folded, instant, maybe, note, paragraph, part, percent,
    score, table, toned, value, with_line,
};
use crate::domain::drift::{DetectorView, DriftAction, DriftReport, FeatureDrift, FeatureVerdict, WindowDrift};
use crate::domain::snapshot::{LiveModel, ModelView};

const ABSENT: &str = "None: live figures begin with the first prediction of a running session. A page that is made from the stored model has \
                      none; the console's Models screen shows those of a session.";

pub(super) fn of(model: &ModelView) -> Html {
    let Some(live) = &model.live else { return part("Since it is in force", [note(ABSENT)]) };
    let figures = part("Since it is in force", [state(live), figures(model, live)]);
    [figures, drift(&live.drift)].into_iter().collect()
}

fn state(live: &LiveModel) -> Html {
    let mut list = vec![
        ("Matured", count(u64::from(live.matured))),
        ("Effective", effective(live.n_eff)),
        ("Waiting", count(u64::from(live.waiting))),
        ("Without an outcome", count(live.void)),
        ("An interval may miss", percent(live.alpha, 1)),
        ("Calibrator", live.calibrator.clone().unwrap_or_else(|| "the model's own".to_owned())),
    ];
    list.extend(live.calibrated_at.map(|at| ("Calibrated", instant(at))));
    list.push(("Fitted anew", count(u64::from(live.refits))));
    facts(&list)
}

fn figures(model: &ModelView, live: &LiveModel) -> Html {
    if live.matured == 0 {
        return note("No prediction has matured yet: there is nothing to compare.");
    }
    let ece = match (live.ece, live.ece_se) {
        (Some(ece), Some(se)) => format!("{} ± {}", score(ece), score(se)),
        (ece, _) => maybe(ece, score),
    };
    let band = live.coverage_band.map_or_else(
        || "no band yet".to_owned(),
        |(low, high)| format!("{} … {} by chance", percent(low, 1), percent(high, 1)),
    );
    let head = [("Figure", Column::Words), ("Live", Column::Number), ("Beside", Column::Words)];
    let rows = [
        vec![
            Html::text("Brier score"),
            Html::text(&maybe(live.brier, score)),
            Html::text(&format!("{} in the walk-forward", score(model.brier))),
        ],
        vec![
            Html::text("ECE"),
            Html::text(&ece),
            beside(
                &format!("{} ± {} in the walk-forward", score(model.ece), score(model.ece_se)),
                held(live.drift.calibrated, "calibration"),
            ),
        ],
        vec![
            with_line(Html::text("Coverage of 80 %"), "of the last intervals"),
            Html::text(&maybe(live.coverage, |share| percent(share, 1))),
            beside(&band, held(live.drift.covered, "coverage")),
        ],
    ];
    table("Live figures beside the walk-forward", &head, rows)
}

fn held(within: Option<bool>, what: &str) -> Html {
    match within {
        Some(true) => toned(Tone::Good, &format!("{what} within its band")),
        Some(false) => toned(Tone::Bad, &format!("{what} outside its band")),
        None => toned(Tone::Plain, "too little known to judge"),
    }
}

fn drift(report: &DriftReport) -> Html {
    let mut content = vec![action(report)];
    if !report.reasons.is_empty() {
        let reason = |words: &String| element("li", &[], [Html::text(words)]);
        content.push(element("ul", &[], report.reasons.iter().map(reason)));
    }
    if !report.alarmed.is_empty() {
        content.push(paragraph(&format!("Inputs in alarm: {}.", report.alarmed.join(", "))));
    }
    if report.windows.is_empty() {
        content.push(note("No window of inputs has closed yet."));
    }
    content.extend(report.windows.iter().map(window));
    content.push(if report.detectors.is_empty() {
        note("No detector has taken a loss yet.")
    } else {
        detectors(&report.detectors)
    });
    if report.left_out > 0 {
        content.push(note(&format!(
            "{} rows or outcomes came too late or were too many, and are left out.",
            count(report.left_out)
        )));
    }
    part("Drift", content)
}

fn action(report: &DriftReport) -> Html {
    let tone = match report.action {
        DriftAction::None => Tone::Good,
        DriftAction::Warn | DriftAction::RetrainCandidate => Tone::Plain,
        DriftAction::HalveSize | DriftAction::NoGo => Tone::Bad,
    };
    let since = report.since.map_or_else(String::new, |at| format!(", since {}", instant(at)));
    let at = report
        .at
        .map_or_else(|| ". Nothing was seen yet.".to_owned(), |at| format!(". Newest row or outcome {}.", instant(at)));
    element(
        "p",
        &[],
        [Html::text("Action: "), toned(tone, report.action.as_str()), Html::text(&format!("{since}{at}"))],
    )
}

fn window(w: &WindowDrift) -> Html {
    let mut told: Vec<&FeatureDrift> = w.features.iter().filter(|f| moved(f.verdict) > 0).collect();
    told.sort_by_key(|f| std::cmp::Reverse(moved(f.verdict)));
    let judged = w.features.iter().filter(|f| f.verdict != FeatureVerdict::NotJudged).count();
    let span = format!("Newest {}: {} … {}", w.span.as_str(), instant(w.from), instant(w.to));
    let words = format!(
        "{span}, {} rows. {judged} of {} inputs judged, {} of them moved.",
        count(u64::from(w.rows)),
        w.features.len(),
        told.len()
    );
    let mut content = vec![paragraph(&words)];
    if !told.is_empty() {
        content.push(inputs(&format!("Inputs that moved, by {}", w.span.as_str()), told.into_iter()));
    }
    if !w.features.is_empty() {
        let caption = format!("All inputs, by {}", w.span.as_str());
        content.push(folded(&caption, inputs(&caption, w.features.iter())));
    }
    content.into_iter().collect()
}

/// How much a verdict says that an input moved; 0 when it does not.
const fn moved(verdict: FeatureVerdict) -> u8 {
    match verdict {
        FeatureVerdict::NotJudged | FeatureVerdict::Stable => 0,
        FeatureVerdict::Small => 1,
        FeatureVerdict::Flagged => 2,
        FeatureVerdict::Alarm => 3,
    }
}

fn inputs<'a>(caption: &str, features: impl Iterator<Item = &'a FeatureDrift>) -> Html {
    let head = [
        ("Input", Column::Words),
        ("Verdict", Column::Words),
        ("PSI", Column::Number),
        ("KS", Column::Number),
        ("W1 in sd", Column::Number),
        ("Values", Column::Number),
    ];
    let row = |f: &FeatureDrift| {
        let tone = match f.verdict {
            FeatureVerdict::Stable => Tone::Good,
            FeatureVerdict::NotJudged | FeatureVerdict::Small => Tone::Plain,
            FeatureVerdict::Flagged | FeatureVerdict::Alarm => Tone::Bad,
        };
        vec![
            Html::text(&f.feature),
            toned(tone, f.verdict.as_str()),
            with_line(Html::text(&maybe(f.psi, value)), &format!("limit {}", maybe(f.psi_threshold, value))),
            with_line(Html::text(&maybe(f.ks, value)), &format!("p {}", maybe(f.p, value))),
            Html::text(&maybe(f.w1_sd, value)),
            with_line(Html::text(&count(u64::from(f.n))), &format!("worth {}", effective(f.n_eff))),
        ]
    };
    table(caption, &head, features.map(row))
}

fn detectors(list: &[DetectorView]) -> Html {
    let head = [
        ("Detector", Column::Words),
        ("State", Column::Words),
        ("Statistic", Column::Number),
        ("Alarms", Column::Number),
        ("Values", Column::Number),
    ];
    let row = |d: &DetectorView| {
        let last = d.last_alarm.map_or_else(|| "none yet".to_owned(), |at| format!("last {}", instant(at)));
        vec![
            Html::text(d.detector.as_str()),
            if d.standing { toned(Tone::Bad, "alarm stands") } else { toned(Tone::Plain, "no alarm stands") },
            with_line(Html::text(&maybe(d.value, value)), &format!("limit {}", maybe(d.threshold, value))),
            with_line(Html::text(&count(d.alarms)), &last),
            Html::text(&count(d.n)),
        ]
    };
    table("Detectors on the losses", &head, list.iter().map(row))
}
