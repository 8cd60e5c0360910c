//! `cst models report`: the models in force, read from the registry, as a page in a file.

use std::path::Path;

use color_eyre::eyre::{WrapErr, eyre};
use serde_json::json;

use super::report::{Unread, page};
use super::{Answer, Shelf, words};
use crate::cli::page::write_whole;
use crate::domain::Horizon;
use crate::domain::snapshot::ModelView;
use crate::ml::Model;

impl Shelf {
    pub(super) fn report(&self, path: &Path) -> Answer {
        let horizons = match self.horizon {
            Some(_) => vec![self.horizon(None)?],
            None => self.registry.horizons(&self.universe)?,
        };
        let (mut models, mut unread) = (Vec::new(), Vec::new());
        for horizon in horizons {
            match self.view(horizon) {
                Ok(view) => models.push(view),
                Err(report) => unread.push(Unread {
                    horizon,
                    version: self.registry.current(&self.universe, horizon).ok().flatten(),
                    reason: format!("{report:#}"),
                }),
            }
        }
        write_whole(path, page(&models, &unread, self.now).as_bytes())
            .wrap_err_with(|| format!("'{}' could not be written", path.display()))?;
        if self.json {
            let shown: Vec<_> = models.iter().map(|m| json!({ "horizon": m.horizon, "version": m.version })).collect();
            let missing: Vec<_> = unread
                .iter()
                .map(|u| json!({ "horizon": u.horizon, "version": u.version, "reason": u.reason }))
                .collect();
            return words::json(&json!({ "file": path.display().to_string(), "models": shown, "not_shown": missing }));
        }
        let not_shown = unread.iter().map(|u| format!("\n  {} is not shown: {}", u.horizon, words::plain(&u.reason)));
        let many = if models.len() == 1 { "1 model".to_owned() } else { format!("{} models", models.len()) };
        Ok(format!("{many} written to '{}'{}", path.display(), not_shown.collect::<String>()))
    }

    /// The model in force for a horizon, with what stands beside it; an error says why there is none to show.
    fn view(&self, horizon: Horizon) -> Result<ModelView, color_eyre::Report> {
        let Some(version) = self.in_force(horizon)? else {
            let refusal = self.registry.refusal(&self.universe, horizon)?;
            return Err(eyre!(
                "nothing is in force{}",
                refusal.map_or_else(String::new, |why| format!("; the last training made no model: {why}"))
            ));
        };
        let text = self.registry.text(&self.universe, horizon, &version)?;
        let features = self
            .features
            .as_ref()
            .ok_or_else(|| eyre!("it is of other settings, and can be read only with the features of those"))?;
        let model = Model::from_json(&text, features.schema())?;
        Ok(ModelView {
            previous: self.registry.previous(&self.universe, horizon)?,
            candidate: self.registry.candidate(&self.universe, horizon)?,
            ..model.view()
        })
    }
}
