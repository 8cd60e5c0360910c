//! The running fingerprint of a run: equal inputs, configuration and seed give equal fingerprints.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::decision::Decision;
use crate::domain::order::{Fill, Intent, Outcome};

/// SHA-256 chain over everything that was decided and done. Session numbers are left out, so that the same run in another
/// journal has the same fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Fingerprint(String);

impl Fingerprint {
    pub(super) fn hex(&self) -> String {
        self.0.clone()
    }

    fn absorb(&mut self, kind: &str, parts: &[String]) {
        let mut hasher = Sha256::new();
        hasher.update(self.0.as_bytes());
        hasher.update(kind.as_bytes());
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        self.0 = hasher.finalize().iter().map(|b| format!("{b:02x}")).collect();
    }

    pub(super) fn decision(&mut self, d: &Decision) {
        let bits = |x: f64| format!("{:016x}", x.to_bits());
        let mut parts = vec![
            d.id.number.to_string(),
            d.cycle.to_string(),
            d.at.to_string(),
            d.pair.to_string(),
            d.horizon.to_string(),
            d.strategy.clone(),
            d.regime.as_str().to_owned(),
            format!("{:?}", d.verdict),
            format!("{:?}", d.shadow_order),
            bits(d.confidence),
            bits(d.epistemic),
            bits(d.fraction),
        ];
        for step in &d.trace.steps {
            parts.push(format!("{}{}{}", step.name, step.passed, step.value.map_or_else(String::new, bits)));
        }
        parts.extend(d.trace.sizing.iter().map(|s| format!("{}{}", s.name, bits(s.fraction))));
        self.absorb("decision", &parts);
    }

    pub(super) fn intent(&mut self, i: &Intent) {
        let parts = [
            i.order.to_string(),
            i.account.to_string(),
            i.at.to_string(),
            i.pair.to_string(),
            format!("{:?} {:?} {:?}", i.side, i.kind, i.purpose),
            i.qty.to_string(),
        ];
        self.absorb("intent", &parts);
    }

    pub(super) fn fill(&mut self, f: &Fill) {
        let parts = [f.order.to_string(), f.at.to_string(), f.price.to_string(), f.qty.to_string(), f.fee.to_string()];
        self.absorb("fill", &parts);
    }

    pub(super) fn outcome(&mut self, o: &Outcome) {
        self.absorb("outcome", &[o.decision.number.to_string(), o.account.to_string(), o.pnl.to_string()]);
    }
}
