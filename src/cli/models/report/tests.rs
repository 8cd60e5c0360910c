use super::*;
use crate::domain::drift::{
    DetectorView, DriftAction, DriftDetector, DriftReport, DriftSpan, FeatureDrift, FeatureVerdict, WindowDrift,
};
use crate::domain::snapshot::{FeatureImportance, HeldOut, LeakageLine, LiveModel};

const MADE_AT: UtcMs = UtcMs(1_796_076_720_000);

fn bare(horizon: u32) -> ModelView {
    ModelView {
        horizon: Horizon(horizon),
        version: format!("h{horizon}-bd4478f1"),
        trained_at: UtcMs(1_796_076_720_000),
        trained_from: UtcMs(1_483_239_600_000),
        trained_to: UtcMs(1_719_792_000_000),
        rows: 45_300,
        n_eff: 3066.7,
        folds: 6,
        base_rate: 0.3887,
        brier: 0.2316,
        log_loss: 0.6554,
        auc: 0.5494,
        ece: 0.0307,
        calibration: "temperature".to_owned(),
        reliability: Vec::new(),
        ece_se: 0.0135,
        brier_base: 0.2338,
        coverage: 0.8149,
        coverage90: 0.9068,
        epistemic_limit: 0.0531,
        evidence: GateEvidence {
            n: 0,
            n_eff: 0.0,
            hit_rate: None,
            hit_rate_lower: None,
            mean_net: None,
            mean_net_lower: None,
        },
        hold_out: None,
        no_hold_out: Some("12 rows would be held out, 100 needed".to_owned()),
        importance: Vec::new(),
        leakage: Vec::new(),
        live: None,
        previous: None,
        candidate: None,
    }
}

fn importance(feature: &str, mean: f64, se: f64, clear: u32) -> FeatureImportance {
    FeatureImportance { feature: feature.to_owned(), mean, se, clear, folds: 6 }
}

fn tested(test: &str, verdict: &str, failed: u64, worst: Option<f64>, findings: &[&str]) -> LeakageLine {
    LeakageLine {
        test: test.to_owned(),
        verdict: verdict.to_owned(),
        checked: 12_400,
        failed,
        worst,
        threshold: 0.55,
        findings: findings.iter().map(ToString::to_string).collect(),
    }
}

fn drifting(feature: &str, verdict: FeatureVerdict) -> FeatureDrift {
    let seen = |value| (verdict != FeatureVerdict::NotJudged).then_some(value);
    FeatureDrift {
        feature: feature.to_owned(),
        n: 168,
        n_eff: 21.4,
        psi: seen(0.4123),
        psi_threshold: seen(0.2871),
        ks: seen(0.311),
        p: seen(0.000_02),
        significant: matches!(verdict, FeatureVerdict::Small | FeatureVerdict::Alarm),
        w1_sd: seen(0.62),
        verdict,
    }
}

fn drift() -> DriftReport {
    let detector = |detector, standing: bool| DetectorView {
        detector,
        n: 812,
        value: standing.then_some(5.214),
        threshold: Some(4.8),
        alarms: u64::from(standing),
        last_alarm: standing.then_some(UtcMs(1_722_000_000_000)),
        standing,
    };
    DriftReport {
        at: Some(UtcMs(1_722_400_000_000)),
        action: DriftAction::HalveSize,
        since: Some(UtcMs(1_722_300_000_000)),
        reasons: vec!["2 inputs in alarm by week".to_owned(), "calibration outside its band".to_owned()],
        windows: vec![WindowDrift {
            span: DriftSpan::Week,
            from: UtcMs(1_721_600_000_000),
            to: UtcMs(1_722_200_000_000),
            rows: 504,
            features: vec![
                drifting("ema200_distance", FeatureVerdict::Stable),
                drifting("volatility_level", FeatureVerdict::Alarm),
                drifting("volume_z", FeatureVerdict::Small),
                drifting("hour_sin", FeatureVerdict::NotJudged),
            ],
        }],
        alarmed: vec!["volatility_level".to_owned()],
        detectors: DriftDetector::ALL.map(|d| detector(d, d == DriftDetector::Cusum)).to_vec(),
        calibrated: Some(false),
        covered: Some(true),
        left_out: 3,
    }
}

fn full(horizon: u32) -> ModelView {
    ModelView {
        reliability: vec![
            (0.2853, 0.2606, 2130),
            (0.3524, 0.3315, 2130),
            (0.3804, 0.3484, 1530),
            (0.4110, 0.3840, 830),
            (0.4243, 0.3969, 2129),
            (0.4431, 0.3823, 429),
            (0.4505, 0.4293, 2129),
        ],
        evidence: GateEvidence {
            n: 1212,
            n_eff: 84.5,
            hit_rate: Some(0.83),
            hit_rate_lower: Some(0.61),
            mean_net: Some(0.0021),
            mean_net_lower: Some(-0.0004),
        },
        hold_out: Some(HeldOut {
            from: UtcMs(1_650_000_000_000),
            to: UtcMs(1_719_000_000_000),
            rows: 1_703,
            n_eff: 56.4,
            brier: 0.2301,
            brier_base: 0.2342,
            auc: 0.5512,
            ece: 0.0413,
            ece_se: 0.0311,
            coverage: 0.7931,
            confident: GateEvidence { n: 41, hit_rate: Some(0.7561), ..GateEvidence::default() },
            passed: GateEvidence::default(),
        }),
        no_hold_out: None,
        importance: vec![
            importance("volatility_level", 0.004_12, 0.000_83, 6),
            importance("ema200_distance", 0.002_31, 0.000_71, 4),
            importance("volatility_ratio_of_a_long_name_24_over_168", 0.000_88, 0.000_93, 1),
            importance("volume_z", -0.000_42, 0.000_35, 0),
        ],
        leakage: vec![
            tested("features are equal with nothing known after their instant", "passed", 0, Some(0.0), &[]),
            tested(
                "no feature alone tells winners from losers beyond what is honest",
                "failed",
                1,
                Some(0.71),
                &["spy of BTC/USD at 2024-01-01 00:00: 0.710000"],
            ),
            tested("no test row is a copy of a training row", "not checked", 0, None, &[]),
        ],
        live: Some(LiveModel {
            waiting: 24,
            void: 2,
            matured: 812,
            n_eff: 96.3,
            brier: Some(0.2391),
            ece: Some(0.0712),
            ece_se: Some(0.0214),
            coverage: Some(0.772),
            coverage_band: Some((0.741, 0.859)),
            alpha: 0.183,
            calibrator: Some("platt@2024-07-21".to_owned()),
            calibrated_at: Some(UtcMs(1_721_520_000_000)),
            refits: 2,
            drift: drift(),
        }),
        previous: Some("h24-aaaa0000".to_owned()),
        candidate: Some("h24-3a728a38".to_owned()),
        ..bare(horizon)
    }
}

/// Tags that never close.
const VOID: [&str; 1] = ["meta"];

/// Every tag is closed, in the order in which tags were opened.
fn assert_balanced(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap();
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "in {tag}"),
            None if name == "!DOCTYPE" || VOID.contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn assert_stands_alone(page: &str) {
    for foreign in ["<script", "http:", "https:", "<link", "<img", "@import", "url(", "NaN", ">inf", " inf"] {
        assert!(!page.contains(foreign), "'{foreign}' is on the page");
    }
}

#[test]
fn a_page_without_models_says_so() {
    let page = page(&[], &[], MADE_AT);
    assert_balanced(&page);
    assert_stands_alone(&page);
    assert!(
        page.contains("No model is in force") && page.contains(&format!("made {} UTC", MADE_AT.minute())),
        "{page}"
    );
    assert!(!page.contains("At a glance"));
}

#[test]
fn a_full_model_shows_every_figure() {
    let page = page(&[full(24)], &[], MADE_AT).replace('\u{a0}', " ");
    assert_balanced(&page);
    assert_stands_alone(&page);
    for words in [
        "1 model · made",
        "24h ahead",
        "h24-bd4478f1",
        "2017-01-01 03:00",
        "2024-07-01 00:00",
        "45,300",
        "3,067",
        "38.9 %",
        "0.2316",
        "0.2338 always saying the base rate",
        "0.9 % less",
        "0.6554",
        "0.5494",
        "0.0307 ± 0.0135",
        "81.5 %",
        "80 % intended",
        "90.7 %",
        "temperature",
        "0.0531",
        "said 0.4431, came 0.3823, 429 rows",
        "1,212 candidates passed the gate",
        "84.5 effective",
        "83.0 %",
        "61.0 %",
        "0.21 %",
        "−0.04 %",
        "not above zero",
        "0.00412 ± 0.00083",
        "clear in 4 of 6",
        "−0.00042 ± 0.00035",
        "1 of 3 tests passed",
        "spy of BTC/USD",
        "not checked",
        "0.71",
        "0.2391",
        "0.0712 ± 0.0214",
        "77.2 %",
        "74.1 % … 85.9 % by chance",
        "18.3 %",
        "platt@2024-07-21",
        "1,703 rows, worth 56",
        "41, 75.6 % won",
        "halve size",
        "2 inputs in alarm by week",
        "0.4123",
        "limit 0.2871",
        "2.0e-5",
        "CUSUM of the loss",
        "5.214",
        "alarm stands",
        "3 rows or outcomes",
        "h24-aaaa0000",
        "h24-3a728a38",
    ] {
        assert!(page.contains(words), "'{words}' is not on the page");
    }
}

#[test]
fn what_a_model_does_not_have_is_said() {
    let page = page(&[bare(1), bare(24)], &[], MADE_AT);
    assert_balanced(&page);
    for words in [
        "2 models · made",
        "No reliability curve",
        "no baseline: no bins are stored",
        "Nothing passed the gate in the walk-forward",
        "stored without the importance",
        "Nothing was held out: 12 rows would be held out, 100 needed.",
        "stored without its tests",
        "live figures begin with the first prediction",
        "href=\"#model-2\"",
        "id=\"model-2\"",
    ] {
        assert!(page.contains(words), "'{words}' is not on the page");
    }
}

#[test]
fn a_model_that_is_followed_without_a_result_yet() {
    let mut model = full(24);
    if let Some(live) = &mut model.live {
        *live = LiveModel {
            matured: 0,
            brier: None,
            ece: None,
            ece_se: None,
            coverage: None,
            coverage_band: None,
            calibrator: None,
            calibrated_at: None,
            drift: DriftReport::default(),
            ..live.clone()
        };
    }
    let page = page(&[model], &[], MADE_AT);
    assert_balanced(&page);
    for words in ["No prediction has matured yet", "the model&#39;s own", "Nothing was seen yet", "No window of inputs"]
    {
        assert!(page.contains(words), "'{words}' is not on the page");
    }
}

#[test]
fn names_are_text_and_nothing_else() {
    let evil = "<b>&\"'</style><script>x</script>";
    let mut model = full(24);
    for words in [&mut model.version, &mut model.calibration] {
        evil.clone_into(words);
    }
    (model.previous, model.candidate) = (Some(evil.to_owned()), Some(evil.to_owned()));
    model.importance.iter_mut().for_each(|f| evil.clone_into(&mut f.feature));
    for line in &mut model.leakage {
        (line.test, line.verdict, line.findings) = (evil.to_owned(), evil.to_owned(), vec![evil.to_owned()]);
    }
    if let Some(live) = &mut model.live {
        live.calibrator = Some(evil.to_owned());
        live.drift.reasons = vec![evil.to_owned()];
        live.drift.alarmed = vec![evil.to_owned()];
        live.drift.windows.iter_mut().flat_map(|w| &mut w.features).for_each(|f| evil.clone_into(&mut f.feature));
    }
    let unread = Unread { horizon: Horizon(1), version: Some(evil.to_owned()), reason: evil.to_owned() };
    let page = page(&[model], &[unread], MADE_AT);
    assert_balanced(&page);
    assert_stands_alone(&page);
    assert!(page.contains("&lt;b&gt;&amp;&quot;&#39;&lt;/style&gt;") && !page.contains("<b>"));
}

#[test]
fn a_model_that_cannot_be_shown_is_named() {
    let unread =
        Unread { horizon: Horizon(168), version: Some("h168-x".to_owned()), reason: "its hash differs".to_owned() };
    let page = page(&[bare(24)], &[unread], MADE_AT);
    assert_balanced(&page);
    assert!(page.contains("1 model, 1 more that cannot be shown"), "{page}");
    assert!(page.contains("168h (h168-x)") && page.contains("its hash differs"));
}

#[test]
fn values_that_are_none_do_not_reach_the_page() {
    let model = ModelView {
        auc: f64::NAN,
        brier_base: f64::NAN,
        ece_se: f64::INFINITY,
        coverage: f64::NAN,
        reliability: vec![(f64::NAN, 0.5, 3), (0.5, 0.5, 1)],
        importance: vec![importance("a", f64::NAN, f64::NAN, 0)],
        ..full(24)
    };
    let page = page(&[model], &[], MADE_AT);
    assert_balanced(&page);
    assert_stands_alone(&page);
}
