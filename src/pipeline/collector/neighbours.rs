//! What the other agents tell the collector.

use std::collections::BTreeSet;

use crate::domain::message::RiskUse;
use crate::domain::{Frame, Message, Pair};

/// What the other agents last told.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// Pairs held or wanted.
    pub(super) watched: BTreeSet<Pair>,
    risk: Option<RiskUse>,
    /// Share of pairs with complete data, as the Health Monitor graded it.
    quality: Option<f64>,
}

impl Neighbours {
    /// Keeps what the inbox says; names of the messages that were read.
    pub(super) fn read(&mut self, inbox: &[Message]) -> Vec<String> {
        let mut used: Vec<String> = Vec::new();
        for message in inbox {
            match message {
                Message::OptimizerToCollector(pairs) => self.watched = pairs.iter().cloned().collect(),
                Message::RiskToCollector(risk) => self.risk = Some(risk.clone()),
                Message::HealthToCollector(share) => self.quality = Some(*share),
                _ => continue,
            }
            if !used.iter().any(|name| name == message.name()) {
                used.push(message.name().to_owned());
            }
        }
        used
    }

    /// Says beside a fault in a pair that is held or wanted what hangs on it: exposure, tripped breakers and the grade of the data.
    pub(super) fn annotate(&self, frame: &mut Frame) {
        if !self.watched.contains(&frame.pair) {
            return;
        }
        let Some(note) = &mut frame.quality.note else { return };
        note.push_str("; held or wanted");
        if let Some(risk) = &self.risk {
            note.push_str(&format!(", exposure at {:.0} % of its limit", risk.exposure * 100.0));
            if !risk.tripped.is_empty() {
                note.push_str(&format!(", tripped: {}", risk.tripped.join(", ")));
            }
        }
        if let Some(share) = self.quality {
            note.push_str(&format!(", {:.0} % of pairs had complete data", share * 100.0));
        }
    }
}
