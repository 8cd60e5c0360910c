//! Position Sizing: Kelly under uncertainty, then everything that may only make it smaller, as a waterfall of named steps.
//!
//! Full Kelly for a plan with a partial loss (Kelly 1956; f = p/a − q/b), shrunk for the uncertainty of p (Baker and McHale
//! 2013), a fraction of it (MacLean, Thorp and Ziemba 2010), volatility target (Moreira and Muir 2017), drawdown scale (Grossman
//! and Zhou 1993), correlation, liquidity and a hard cap. A missing input sizes 0. Rounding to the lot comes later and only down.

use super::check::known;
use super::kelly::{baker_mchale, kelly_binary, volatility_target};
use super::router::Strategy;
use super::wording::percent;
use crate::domain::decision::SizingStep;
use crate::domain::drift::DriftAction;
use crate::domain::reading::Prediction;
use crate::domain::settings::{HOURS_PER_YEAR, RiskSettings, SizingSettings};

/// Drawdown scale (1 − αM/W)/(1 − α), 0..=1, with α = 1 − `stop`: full size at the peak, nothing at the stop.
/// M is peak equity, W equity now, `drawdown` = 1 − W/M.
#[must_use]
pub fn drawdown_scale(drawdown: f64, stop: f64) -> Option<f64> {
    if !(0.0..1.0).contains(&drawdown) || stop <= 0.0 {
        return (drawdown < 0.0).then_some(1.0);
    }
    let alpha = 1.0 - stop;
    known(((1.0 - alpha / (1.0 - drawdown)) / stop).clamp(0.0, 1.0))
}

/// Factor 1/√(1 + (n − 1)ρ⁺) for the n-th position in a book whose members correlate with it by ρ on average.
#[must_use]
pub fn correlation_scale(positions: usize, rho: f64) -> f64 {
    let others = positions.saturating_sub(1) as f64;
    1.0 / (1.0 + others * rho.clamp(0.0, 1.0)).sqrt()
}

/// Share of equity that takes `share_max` of 24 h volume.
#[must_use]
pub fn liquidity_cap(share_max: f64, volume24: Option<f64>, close: Option<f64>, equity: f64) -> Option<f64> {
    let traded = volume24? * close?;
    if equity > 0.0 && traded >= 0.0 { known(share_max * traded / equity) } else { None }
}

/// What the waterfall needs besides the prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizingInput<'a> {
    pub prediction: &'a Prediction,
    /// `None` while no regime is known.
    pub strategy: Option<Strategy>,
    /// sd of one-bar log returns over 24 bars.
    pub sigma24: Option<f64>,
    /// Base volume of 24 hours, and the close.
    pub volume24: Option<f64>,
    pub close: Option<f64>,
    /// Of the account.
    pub equity: f64,
    pub drawdown: f64,
    /// Factor of the drawdown ladder: 1, 0.5 or 0.
    pub size_factor: f64,
    /// Correlation with each open position of another pair; `None` where too few common hours are known.
    pub correlations: &'a [Option<f64>],
}

/// The shares of equity from step to step; the last one is the size.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Waterfall {
    pub steps: Vec<SizingStep>,
}

impl Waterfall {
    /// The size so far, as a share of equity; 0 before the first step.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        self.steps.last().map_or(0.0, |s| s.fraction)
    }

    fn set(&mut self, name: &str, fraction: f64, note: String) {
        let fraction = known(fraction).map_or(0.0, |f| f.max(0.0));
        self.steps.push(SizingStep { name: name.to_owned(), fraction, note });
    }

    /// A factor; no factor is 0.
    fn scale(&mut self, name: &str, factor: Option<f64>, note: String) {
        self.set(name, self.fraction() * factor.unwrap_or(0.0), note);
    }

    /// An upper bound; no bound is 0.
    pub(super) fn cap(&mut self, name: &str, cap: Option<f64>, note: String) {
        self.set(name, self.fraction().min(cap.and_then(known).unwrap_or(0.0)), note);
    }
}

/// The whole waterfall for one signal.
#[must_use]
pub fn position_size(input: &SizingInput<'_>, sizing: &SizingSettings, risk: &RiskSettings) -> Waterfall {
    let mut waterfall = Waterfall::default();
    kelly_under_uncertainty(&mut waterfall, input, sizing);
    volatility(&mut waterfall, input, sizing);
    let grossman_zhou = drawdown_scale(input.drawdown, risk.drawdown_stop).map(|s| s.min(input.size_factor));
    waterfall.scale(
        "drawdown scale",
        grossman_zhou,
        format!(
            "× {:.3}: {} below the peak, 0 at {}",
            grossman_zhou.unwrap_or(0.0),
            percent(input.drawdown),
            percent(risk.drawdown_stop)
        ),
    );
    drift(&mut waterfall, input.prediction);
    correlation(&mut waterfall, input.correlations);
    let liquid = liquidity_cap(sizing.volume_share_max, input.volume24, input.close, input.equity);
    let of = percent(sizing.volume_share_max);
    waterfall.cap(
        "liquidity cap",
        liquid,
        liquid.map_or_else(|| "no 24 h volume known".to_owned(), |c| format!("≤ {} ({of} of 24 h volume)", percent(c))),
    );
    let cap = risk.position_max * input.strategy.map_or(0.0, Strategy::cap_factor);
    waterfall.cap("hard cap", Some(cap), format!("≤ {} of equity in one position", percent(cap)));
    waterfall
}

fn kelly_under_uncertainty(waterfall: &mut Waterfall, input: &SizingInput<'_>, sizing: &SizingSettings) {
    let prediction = input.prediction;
    let (win, loss) = (prediction.plan.win, prediction.plan.loss);
    let confidence = prediction.confidence.get();
    let p = prediction.evidence.hit_rate_lower.and_then(known).map(|lower| confidence.min(lower));
    let full = p.and_then(|p| kelly_binary(p, win, loss));
    waterfall.set(
        "Kelly",
        full.unwrap_or(0.0),
        match p {
            None => format!("no evidence above the gate: p is unknown (confidence {confidence:.3})"),
            Some(p) => format!(
                "p/a − q/b with p {p:.3} = min(confidence {confidence:.3}, evidence lower bound), win {}, loss {}",
                percent(win),
                percent(loss)
            ),
        },
    );
    let n_eff = prediction.evidence.n_eff;
    let sd_p = p
        .filter(|_| n_eff > 0.0 && prediction.epistemic >= 0.0)
        .map(|p| (p * (1.0 - p) / n_eff + prediction.epistemic.powi(2)).sqrt());
    let shrink = p.zip(sd_p).and_then(|(p, sd)| baker_mchale(p, win / loss, sd));
    waterfall.scale(
        "uncertainty shrink",
        shrink,
        format!(
            "× {:.3}: sd of p {}",
            shrink.unwrap_or(0.0),
            sd_p.map_or("unknown".to_owned(), |sd| format!("{sd:.4}"))
        ),
    );
    let fraction = input.strategy.map(|s| s.kelly_fraction(sizing).min(0.5));
    let name = input.strategy.map_or("no regime is known", Strategy::sizing_name);
    waterfall.scale("regime fraction", fraction, format!("× {:.3}: {name}", fraction.unwrap_or(0.0)));
}

fn volatility(waterfall: &mut Waterfall, input: &SizingInput<'_>, sizing: &SizingSettings) {
    let annual = input.sigma24.map(|s| s * HOURS_PER_YEAR.sqrt());
    let factor = annual.and_then(|a| volatility_target(a, sizing.volatility_target, 1.0));
    let note = annual.map_or_else(
        || "no volatility known".to_owned(),
        |a| {
            let target = percent(sizing.volatility_target);
            format!("× {:.3}: {} a year against a target of {target}", factor.unwrap_or(0.0), percent(a))
        },
    );
    waterfall.scale("volatility target", factor, note);
}

fn drift(waterfall: &mut Waterfall, prediction: &Prediction) {
    let factor = match prediction.drift {
        DriftAction::None | DriftAction::Warn | DriftAction::RetrainCandidate => 1.0,
        DriftAction::HalveSize => 0.5,
        DriftAction::NoGo => 0.0,
    };
    waterfall.scale("drift scale", Some(factor), format!("× {factor:.3}: drift says {}", prediction.drift.as_str()));
}

fn correlation(waterfall: &mut Waterfall, correlations: &[Option<f64>]) {
    // What is not known to be independent counts as the same bet.
    let total: f64 = correlations.iter().map(|c| c.and_then(known).map_or(1.0, |c| c.clamp(0.0, 1.0))).sum();
    let open = correlations.len();
    let rho = if open == 0 { 0.0 } else { total / open as f64 };
    let factor = correlation_scale(open + 1, rho);
    let note = if open == 0 {
        "× 1.000: no other position is open".to_owned()
    } else {
        format!("× {factor:.3}: {open} other open, mean correlation {rho:.2}")
    };
    waterfall.scale("correlation scale", Some(factor), note);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decision::router::Strategy;
    use crate::decision::specimens::prediction;
    use crate::domain::money::Prob;

    #[test]
    fn drawdown_takes_the_size_from_full_to_nothing() {
        assert_eq!(drawdown_scale(0.0, 0.15), Some(1.0));
        assert_eq!(drawdown_scale(0.15, 0.15).map(|s| s < 1e-12), Some(true));
        assert_eq!(drawdown_scale(0.3, 0.15), Some(0.0));
        assert!(drawdown_scale(0.10, 0.15).unwrap() < 0.5);
        assert_eq!(drawdown_scale(f64::NAN, 0.15), None);
        assert_eq!(drawdown_scale(1.0, 0.15), None);
    }

    fn input(prediction: &Prediction) -> SizingInput<'_> {
        SizingInput {
            prediction,
            strategy: Some(Strategy::Bull),
            sigma24: Some(0.006),
            volume24: Some(50_000.0),
            close: Some(100.0),
            equity: 100_000.0,
            drawdown: 0.0,
            size_factor: 1.0,
            correlations: &[],
        }
    }

    fn size(input: &SizingInput<'_>) -> Waterfall {
        position_size(input, &SizingSettings::default(), &RiskSettings::default())
    }

    #[test]
    fn the_waterfall_names_its_steps_and_never_grows() {
        let prediction = prediction("BTC/USD", 1, 100.0);
        let waterfall = size(&SizingInput { volume24: Some(5_000.0), ..input(&prediction) });
        let names: Vec<_> = waterfall.steps.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Kelly",
                "uncertainty shrink",
                "regime fraction",
                "volatility target",
                "drawdown scale",
                "drift scale",
                "correlation scale",
                "liquidity cap",
                "hard cap"
            ]
        );
        let p = 0.76;
        let kelly = p / 0.036 - (1.0 - p) / 0.034;
        assert!((waterfall.steps[0].fraction - kelly).abs() < 1e-12, "the evidence bound is below the confidence");
        assert!(waterfall.steps.windows(2).all(|w| w[1].fraction <= w[0].fraction));
        assert_eq!(waterfall.fraction(), 0.05, "1 % of the 500,000 traded is a twentieth of the account");
    }

    #[test]
    fn whatever_is_missing_sizes_nothing() {
        type Spoil = fn(&mut Prediction, &mut SizingInput<'static>);
        let sound: &'static Prediction = Box::leak(Box::new(prediction("BTC/USD", 1, 100.0)));
        let spoils: [Spoil; 10] = [
            |p, _| p.evidence.hit_rate_lower = None,
            |p, _| p.evidence.hit_rate_lower = Some(f64::NAN),
            |p, _| p.evidence.n_eff = 0.0,
            |p, _| p.epistemic = f64::NAN,
            |p, _| p.plan.win = -0.01,
            |p, _| p.confidence = Prob::new(0.2).unwrap(),
            |_, i| i.strategy = None,
            |_, i| i.sigma24 = None,
            |_, i| i.volume24 = None,
            |_, i| i.drawdown = 0.16,
        ];
        for (i, spoil) in spoils.into_iter().enumerate() {
            let mut prediction = sound.clone();
            let mut spoiled = input(sound);
            spoil(&mut prediction, &mut spoiled);
            let spoiled = SizingInput { prediction: &prediction, ..spoiled };
            assert_eq!(size(&spoiled).fraction(), 0.0, "case {i}");
        }
        assert!(size(&input(sound)).fraction() > 0.0);
    }

    #[test]
    fn unknown_correlation_counts_as_the_same_bet() {
        let prediction = prediction("BTC/USD", 1, 100.0);
        let at =
            |correlations: &[Option<f64>]| size(&SizingInput { correlations, ..input(&prediction) }).steps[6].fraction;
        assert_eq!(at(&[None]), at(&[Some(1.0)]));
        assert!(at(&[Some(0.5)]) > at(&[None]));
        assert_eq!(at(&[Some(-0.7)]), at(&[]));
    }

    #[test]
    fn drift_halves_and_then_forbids() {
        let mut drifting = prediction("BTC/USD", 1, 100.0);
        let mut at = |drift| {
            drifting.drift = drift;
            let steps = size(&input(&drifting)).steps;
            (steps[4].fraction, steps[5].fraction)
        };
        let (before, after) = at(DriftAction::RetrainCandidate);
        assert!(before > 0.0 && after == before);
        let (before, after) = at(DriftAction::HalveSize);
        assert!(after > 0.0 && after == before / 2.0);
        assert_eq!(at(DriftAction::NoGo).1, 0.0);
    }

    #[test]
    fn the_defensive_size_is_half_in_fraction_and_cap() {
        let prediction = prediction("BTC/USD", 1, 100.0);
        let of = |strategy| size(&SizingInput { strategy: Some(strategy), volume24: Some(1e9), ..input(&prediction) });
        assert_eq!(of(Strategy::Bull).fraction(), 0.10);
        assert_eq!(of(Strategy::Bear).fraction(), 0.05);
        assert_eq!(of(Strategy::Bear).steps[2].fraction * 2.0, of(Strategy::Bull).steps[2].fraction);
    }

    proptest! {
        #[test]
        fn a_size_is_within_the_cap_and_never_negative(
            c in 0.0_f64..=1.0, lower in 0.0_f64..=1.0, n in 0.0_f64..500.0, win in -0.1_f64..0.3, loss in 0.0001_f64..0.3,
            sigma in 0.0_f64..0.1, drawdown in -0.1_f64..1.2, volume in 0.0_f64..1e7,
        ) {
            let mut p = prediction("BTC/USD", 1, 100.0);
            p.confidence = Prob::new(c).unwrap();
            p.evidence.hit_rate_lower = Some(lower);
            p.evidence.n_eff = n;
            p.plan.win = win;
            p.plan.loss = loss;
            let spoiled = SizingInput { sigma24: Some(sigma), drawdown, volume24: Some(volume), ..input(&p) };
            let fraction = size(&spoiled).fraction();
            prop_assert!((0.0..=0.10).contains(&fraction));
            if c.min(lower) * win <= (1.0 - c.min(lower)) * loss {
                prop_assert!(fraction < 1e-9, "no edge, no size");
            }
        }
    }
}
