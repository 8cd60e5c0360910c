//! What a model says of rows: of one, or of many at once with the same bits, and why.

use rayon::prelude::*;

use super::conformal::cqr::Quantiles;
use super::ensemble::combine;
use super::explanation::Explanation;
use super::model::Model;
use super::trees::Columns;
use super::uncertainty::aleatoric;
use crate::domain::reading::Contribution;

/// Rows from which it pays to lay out the trees for many rows and to share the work.
pub(super) const MANY: usize = 64;

/// What a model says of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Deflated probability before calibration.
    pub raw: f64,
    /// Calibrated out-of-sample probability of a net profit.
    pub confidence: f64,
    pub epistemic: f64,
    pub aleatoric: f64,
    /// Expected log return over the horizon, and its 80 % and 90 % intervals.
    pub expected_return: f64,
    pub interval: (f64, f64),
    /// The 80 % interval as modelled, and the unit `σ24·√H` in which it was learned.
    pub band: (f64, f64),
    pub unit: f64,
    pub interval90: (f64, f64),
    /// The row is unlike 99 % of the training rows: nothing it says has been tested.
    pub strange: bool,
}

/// One row as the parts of a model take it.
struct Row {
    /// The kept inputs as they are, and winsorised and standardised.
    picked: Vec<f32>,
    scaled: Vec<f64>,
    sigma24: f64,
}

/// What the parts say of one row.
struct Said {
    logits: Vec<f64>,
    /// In units of `σ24·√H`.
    forecast: f64,
    quantiles: Quantiles,
}

impl Model {
    /// `features` are all inputs of the set, in order. `None` when a part has no answer, or the inputs are not finite or not as many as
    /// the model knows.
    #[must_use]
    pub fn judge(&self, features: &[f64], sigma24: f64) -> Option<Judgement> {
        let row = self.row(features, sigma24)?;
        self.judgement(&row, &self.say(&row)?)
    }

    /// [`Model::judge`] for rows of features and `σ24`, bit for bit; many of them on the current rayon pool.
    #[must_use]
    pub fn judge_many(&self, rows: &[(&[f64], f64)]) -> Vec<Option<Judgement>> {
        if rows.len() < MANY {
            return rows.iter().map(|(features, sigma24)| self.judge(features, *sigma24)).collect();
        }
        let rows: Vec<Option<Row>> = rows.par_iter().map(|(features, sigma24)| self.row(features, *sigma24)).collect();
        let known: Vec<&Row> = rows.iter().flatten().collect();
        let Some(said) = self.say_many(&known) else {
            // A value that single precision cannot hold.
            return rows.par_iter().map(|row| self.judgement(row.as_ref()?, &self.say(row.as_ref()?)?)).collect();
        };
        let judged: Vec<Option<Judgement>> =
            known.par_iter().zip(said).map(|(row, said)| self.judgement(row, &said)).collect();
        let mut judged = judged.into_iter();
        rows.iter().map(|row| row.as_ref().and_then(|_| judged.next().flatten())).collect()
    }

    fn row(&self, features: &[f64], sigma24: f64) -> Option<Row> {
        if !(sigma24.is_finite() && sigma24 > 0.0) {
            return None;
        }
        let features = self.singles(features)?;
        let scaler = &self.ensemble.scaler;
        Some(Row { picked: scaler.pick(&features)?, scaled: scaler.transform(&features), sigma24 })
    }

    /// The inputs as training saw them; `None` when they are not finite or not as many as the model knows.
    fn singles(&self, features: &[f64]) -> Option<Vec<f32>> {
        let known = features.len() == self.card.inputs.len() && features.iter().all(|v| v.is_finite());
        known.then(|| features.iter().map(|v| *v as f32).collect())
    }

    fn say(&self, row: &Row) -> Option<Said> {
        Some(Said {
            logits: self.ensemble.logits_of(&row.picked, &row.scaled)?,
            forecast: self.returns.at(&row.picked, &row.scaled)?,
            quantiles: self.quantiles.at(&row.picked)?,
        })
    }

    /// [`Model::say`] of many rows; `None` when one of them has a value that is not finite in single precision, or no answer.
    fn say_many(&self, rows: &[&Row]) -> Option<Vec<Said>> {
        let column = |c: usize| rows.iter().filter_map(|row| row.picked.get(c)).copied().collect();
        let x = Columns::new((0..self.ensemble.scaler.width()).map(column).collect())?;
        let scaled: Vec<&[f64]> = rows.iter().map(|row| row.scaled.as_slice()).collect();
        let members: Vec<Vec<f64>> =
            self.ensemble.members.iter().map(|m| m.logits(&x, &scaled)).collect::<Option<_>>()?;
        let forecasts = self.returns.at_many(&x, &scaled)?;
        let quantiles = self.quantiles.at_many(&x)?;
        let said = |(row, (forecast, quantiles)): (usize, (f64, Quantiles))| {
            let logits = members.iter().map(|of| of.get(row).copied()).collect::<Option<_>>()?;
            Some(Said { logits, forecast, quantiles })
        };
        forecasts.into_iter().zip(quantiles).enumerate().map(said).collect()
    }

    fn judgement(&self, row: &Row, said: &Said) -> Option<Judgement> {
        let vote = combine(&said.logits, &self.ensemble.weights)?;
        let confidence = self.calibrator.probability(vote.logit);
        let unit = row.sigma24 * f64::from(self.card.horizon.0).sqrt();
        let scaled = |(low, high): (f64, f64)| (low * unit, high * unit);
        Some(Judgement {
            raw: vote.probability(),
            confidence,
            epistemic: vote.epistemic,
            aleatoric: aleatoric(confidence),
            expected_return: said.forecast * unit,
            interval: scaled(self.bands.eighty(said.quantiles)?),
            band: scaled(said.quantiles.eighty()),
            unit,
            interval90: scaled(self.bands.ninety(said.quantiles)?),
            strange: self.familiarity.as_ref().is_none_or(|f| f.is_strange(&row.scaled)),
        })
    }

    /// What each feature adds to the log odds of [`Judgement::raw`] against those of an average row, in the model's order; features
    /// that selection left out are not among them. `None` where [`Model::judge`] is.
    #[must_use]
    pub fn explain(&self, features: &[f64]) -> Option<Explanation> {
        let parts = self.ensemble.contributions(&self.singles(features)?)?;
        let inputs = self.ensemble.scaler.inputs().zip(&parts.inputs);
        let contributions = inputs.map(|(input, log_odds)| {
            let value = *features.get(input.place)?;
            Some(Contribution { feature: input.feature.clone(), value, log_odds: *log_odds })
        });
        Some(Explanation { base: parts.base, contributions: contributions.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
#[path = "judgement_tests.rs"]
mod tests;
