//! Rules between settings. Each names the keys it looks at and is only asked when all of them hold good values by themselves.

use super::settings::Settings;

/// A rule between settings.
pub struct Rule {
    pub keys: &'static [&'static str],
    holds: fn(&Settings) -> bool,
    /// The rule in words, and what to do.
    pub text: &'static str,
}

impl Rule {
    #[must_use]
    pub fn holds(&self, settings: &Settings) -> bool {
        (self.holds)(settings)
    }
}

/// Every rule between settings.
pub const RULES: &[Rule] = &[
    Rule {
        keys: &["training.from", "training.to"],
        holds: |s| s.core.training.from < s.core.training.to,
        text: "training must end after it begins; move training.to after training.from",
    },
    Rule {
        keys: &["training.to", "replay.trading_from"],
        holds: |s| s.core.training.to <= s.replay.trading_from,
        text: "training must not see what is traded on; move training.to to replay.trading_from or before it",
    },
    Rule {
        keys: &["replay.trading_from", "replay.until"],
        holds: |s| s.replay.trading_from < s.replay.until,
        text: "the replay must end after trading starts; move replay.until after replay.trading_from",
    },
    Rule {
        keys: &["regime.exit", "regime.enter"],
        holds: |s| s.core.regime.exit <= s.core.regime.enter,
        text: "a trend must not end at a larger statistic than it begins at; lower regime.exit",
    },
    Rule {
        keys: &["risk.drawdown_halve", "risk.drawdown_stop"],
        holds: |s| s.core.risk.drawdown_halve < s.core.risk.drawdown_stop,
        text: "sizes must be halved before trading stops; set risk.drawdown_halve below risk.drawdown_stop",
    },
    Rule {
        keys: &["risk.daily_loss_max", "risk.weekly_loss_max"],
        holds: |s| s.core.risk.daily_loss_max <= s.core.risk.weekly_loss_max,
        text: "a day must not be allowed a larger loss than a week; lower risk.daily_loss_max",
    },
    Rule {
        keys: &["risk.position_max", "risk.exposure_max"],
        holds: |s| s.core.risk.position_max <= s.core.risk.exposure_max,
        text: "one position must fit into the exposure; lower risk.position_max",
    },
    Rule {
        keys: &["agents.backoff_initial_ms", "agents.backoff_max_ms"],
        holds: |s| s.agents.backoff_initial_ms <= s.agents.backoff_max_ms,
        text: "the first pause must not exceed the longest; lower agents.backoff_initial_ms",
    },
    Rule {
        keys: &["services.api_port", "services.metrics_port"],
        holds: |s| differ(s.services.api_port, s.services.metrics_port),
        text: "two services cannot share a port; change one of them (0 takes any free port)",
    },
    Rule {
        keys: &["services.api_port", "services.web_port"],
        holds: |s| differ(s.services.api_port, s.services.web_port),
        text: "two services cannot share a port; change one of them (0 takes any free port)",
    },
    Rule {
        keys: &["services.metrics_port", "services.web_port"],
        holds: |s| differ(s.services.metrics_port, s.services.web_port),
        text: "two services cannot share a port; change one of them (0 takes any free port)",
    },
];

const fn differ(a: u16, b: u16) -> bool {
    a != b || a == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_real_settings_and_hold_for_the_defaults() {
        for rule in RULES {
            assert!(rule.keys.iter().all(|key| super::super::table::find(key).is_some()), "{:?}", rule.keys);
            assert!(rule.holds(&Settings::default()), "{}", rule.text);
        }
    }
}
