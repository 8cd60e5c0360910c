//! A trained model and its card. Plain JSON: reading one runs nothing.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::reading::GateEvidence;
use crate::domain::snapshot::{FeatureImportance, ModelView};
use crate::domain::{ExitPlan, Horizon, Pair, Schema, UtcMs};

use super::bands::QuantileTrees;
use super::calibration::Calibrator;
use super::calibration::Tried;
use super::conformal::cqr::Bands;
use super::crossfit::Metrics;
use super::ensemble::Ensemble;
use super::error::MlError;
use super::hold_out::HoldOut;
use super::leakage::{Dropped, LeakageReport};
use super::online::Start;
use super::ood::Familiarity;
use super::returns::Returns;
use super::worth;

/// Version of the file's layout and meaning.
pub const FORMAT: u32 = 4;

/// Where a model comes from and what is known of its worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// `h24-` and the first 8 hex digits of the hash of everything else in the model.
    pub version: String,
    pub horizon: Horizon,
    pub exits: ExitPlan,
    pub trained_at: UtcMs,
    /// First decision instant in the training data.
    pub data_from: UtcMs,
    /// When the last label was known. The model must not be asked about anything earlier.
    pub data_to: UtcMs,
    pub pairs: Vec<Pair>,
    pub rows: u64,
    /// What the rows are worth, after overlap and correlation between pairs.
    pub n_eff: f64,
    /// Mean correlation of returns between the pairs.
    pub rho: f64,
    /// Walk-forward test blocks.
    pub folds: u32,
    /// Features used, in the order of the set.
    pub features: Vec<String>,
    /// Every input that the set offered to models, as `name = formula`, in order.
    pub inputs: Vec<String>,
    /// SHA-256 of the inputs' names and formulas, in order: the set that the model may be used with has the same.
    pub feature_hash: String,
    /// SHA-256 of the whole feature set at training, for the record.
    pub set_hash: String,
    pub dropped: Vec<Dropped>,
    /// The tests in front of the training.
    pub leakage: LeakageReport,
    /// Round-trip cost that the labels paid, as a share of the notional.
    pub cost: f64,
    /// Gate that the evidence was counted at.
    pub gate: f64,
    pub metrics: Metrics,
    /// What the features were worth in the walk-forward, best first.
    pub importance: Vec<FeatureImportance>,
    /// How it did on the most recent share of time before it was fitted on that as well.
    pub hold_out: Option<HoldOut>,
    /// Why nothing was held out; given exactly where there is no hold-out.
    pub no_hold_out: Option<String>,
    /// Family of the calibration curve that was picked, and how the others did.
    pub calibration: String,
    pub calibrations: Vec<Tried>,
    /// How much each member of the ensemble counts, and how much the boosted trees of the return model.
    pub weights: Vec<f64>,
    pub share: f64,
    /// Penalty of the return model.
    pub penalty: f64,
    pub code_version: String,
    pub seed: u64,
}

/// Everything that is needed to predict, and the evidence for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub format: u32,
    pub card: ModelCard,
    pub(super) ensemble: Ensemble,
    pub(super) returns: Returns,
    pub(super) quantiles: QuantileTrees,
    pub(super) bands: Bands,
    pub(super) familiarity: Option<Familiarity>,
    pub(super) calibrator: Calibrator,
    /// 95 % quantile of the members' disagreement out of sample.
    pub epistemic_limit: f64,
    /// Weighted frequency of a win in training.
    pub base_rate: f64,
    pub evidence: GateEvidence,
    /// What whoever follows the model in use must know of its training.
    pub start: Start,
}

#[derive(Deserialize)]
struct Header {
    format: u32,
    card: HeaderCard,
}

#[derive(Deserialize)]
struct HeaderCard {
    version: String,
}

pub(super) fn hex_digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// What first tells two lists of inputs apart, in words.
fn difference(trained: &[String], computed: &[String]) -> String {
    fn split(line: &str) -> (&str, &str) {
        line.split_once(" = ").unwrap_or((line, ""))
    }
    fn formula<'a>(lines: &'a [String], name: &str) -> Option<&'a str> {
        lines.iter().map(|line| split(line)).find(|(other, _)| *other == name).map(|(_, formula)| formula)
    }
    for (name, was) in trained.iter().map(|line| split(line)) {
        match formula(computed, name) {
            None => return format!("'{name}' is no longer among them"),
            Some(is) if is != was => return format!("'{name}' was {was}, it is {is}"),
            Some(_) => {}
        }
    }
    if let Some(new) = computed.iter().map(|line| split(line).0).find(|name| formula(trained, name).is_none()) {
        return format!("'{new}' is new");
    }
    match trained.iter().zip(computed).find(|(was, is)| was != is) {
        Some((was, is)) => format!("'{}' stands where '{}' stood", split(is).0, split(was).0),
        None => "the model's card does not say in what".to_owned(),
    }
}

impl Model {
    /// # Errors
    /// [`MlError::Unreadable`] when a value has no JSON form.
    pub fn to_json(&self) -> Result<String, MlError> {
        serde_json::to_string(self).map_err(|e| MlError::Unreadable(e.to_string()))
    }

    /// Reads and checks a stored model.
    ///
    /// # Errors
    /// As [`Model::check`], and [`MlError::Unreadable`] when the text is not a model.
    pub fn from_json(text: &str, schema: &Schema) -> Result<Self, MlError> {
        let unreadable = |e: serde_json::Error| MlError::Unreadable(e.to_string());
        let header: Header = serde_json::from_str(text).map_err(unreadable)?;
        check_format(header.format, &header.card.version)?;
        let model: Self = serde_json::from_str(text).map_err(unreadable)?;
        model.check(schema)?;
        Ok(model)
    }

    /// Whether the model may be used with the features of this set.
    ///
    /// # Errors
    /// Another format, other inputs (the first difference is named), or content that does not match the version's hash or cannot predict.
    pub fn check(&self, schema: &Schema) -> Result<(), MlError> {
        let card = &self.card;
        check_format(self.format, &card.version)?;
        if card.feature_hash != schema.input_hash() {
            return Err(MlError::Features {
                version: card.version.clone(),
                difference: difference(&card.inputs, &schema.input_lines()),
            });
        }
        let damaged = |what: &str| Err(MlError::Damaged { version: card.version.clone(), what: what.to_owned() });
        if self.version()? != card.version {
            return damaged("its content does not match its version");
        }
        let numbers = [self.epistemic_limit, self.base_rate, card.cost, card.n_eff];
        if !numbers.iter().all(|v| v.is_finite() && *v >= 0.0) || self.base_rate > 1.0 {
            return damaged("a limit is out of range");
        }
        let width = self.ensemble.scaler.width();
        if !self.ensemble.is_sound()
            || !self.returns.is_sound(width)
            || !self.quantiles.is_sound(width)
            || !self.bands.is_sound()
            || !self.familiarity.as_ref().is_none_or(Familiarity::is_sound)
            || !self.calibrator.is_sound()
            || !card.leakage.is_sound()
            || !card.hold_out.as_ref().is_none_or(HoldOut::is_sound)
            || card.hold_out.is_some() != card.no_hold_out.is_none()
            || !worth::is_sound(&card.importance, &card.features)
            || !self.start.is_sound(card.features.len())
            || !self.ensemble.scaler.inputs().map(|input| &input.feature).eq(card.features.iter())
        {
            return damaged("a part of it cannot predict");
        }
        Ok(())
    }

    /// The version that belongs to the content.
    fn version(&self) -> Result<String, MlError> {
        let mut bare = self.clone();
        bare.card.version.clear();
        let hash: String = hex_digest(&bare.to_json()?).chars().take(8).collect();
        Ok(format!("h{}-{hash}", self.card.horizon.0))
    }

    /// Gives the model its version and proves that its file would speak with the same bits.
    pub(super) fn seal(mut self, schema: &Schema) -> Result<Self, MlError> {
        self.card.version = self.version()?;
        let back = Self::from_json(&self.to_json()?, schema)?;
        if back == self {
            Ok(self)
        } else {
            Err(MlError::Damaged { version: self.card.version, what: "its file would differ from it".to_owned() })
        }
    }

    /// Where the model's features stand among all inputs of the set, in the order of the card.
    pub(super) fn places(&self) -> Vec<usize> {
        self.ensemble.scaler.inputs().map(|input| input.place).collect()
    }

    /// The model as an interface shows it.
    #[must_use]
    pub fn view(&self) -> ModelView {
        let card = &self.card;
        ModelView {
            horizon: card.horizon,
            version: card.version.clone(),
            trained_at: card.trained_at,
            trained_from: card.data_from,
            trained_to: card.data_to,
            rows: card.rows,
            n_eff: card.n_eff,
            folds: card.folds,
            base_rate: self.base_rate,
            brier: card.metrics.brier,
            log_loss: card.metrics.log_loss,
            auc: card.metrics.auc,
            ece: card.metrics.ece,
            calibration: card.calibration.clone(),
            reliability: card.metrics.reliability.clone(),
            ece_se: card.metrics.ece_se,
            brier_base: card.metrics.brier_base,
            coverage: card.metrics.coverage,
            coverage90: card.metrics.coverage90,
            epistemic_limit: self.epistemic_limit,
            evidence: self.evidence,
            hold_out: card.hold_out.as_ref().map(HoldOut::view),
            no_hold_out: card.no_hold_out.clone(),
            importance: card.importance.clone(),
            leakage: card.leakage.lines(),
            live: None,
            previous: None,
            candidate: None,
        }
    }
}

fn check_format(found: u32, version: &str) -> Result<(), MlError> {
    if found == FORMAT {
        return Ok(());
    }
    Err(MlError::Format { version: version.to_owned(), found, expected: FORMAT })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let lines = |list: &[&str]| list.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let trained = lines(&["a = ln(close)", "b = rsi(close; period=14)"]);
        for (computed, words) in [
            (lines(&["b = rsi(close; period=14)"]), "'a' is no longer among them"),
            (
                lines(&["a = ln(close)", "b = rsi(close; period=21)"]),
                "'b' was rsi(close; period=14), it is rsi(close; period=21)",
            ),
            (lines(&["a = ln(close)", "b = rsi(close; period=14)", "c = ln(low)"]), "'c' is new"),
            (lines(&["b = rsi(close; period=14)", "a = ln(close)"]), "'b' stands where 'a' stood"),
        ] {
            assert_eq!(difference(&trained, &computed), words);
        }
    }
}
