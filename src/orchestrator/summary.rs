//! What a run came to.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::decision::engine::Engine;
use crate::domain::account::AccountId;
use crate::domain::money::Money;
use crate::domain::snapshot::PipelineView;
use crate::domain::time::UtcMs;

/// One account's result.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AccountResult {
    pub orders: u64,
    pub fills: u64,
    pub trades_closed: u64,
    pub trades_won: u64,
    pub fees: Money,
    pub realised: Money,
    pub final_equity: Money,
    /// Share of the peak.
    pub max_drawdown: f64,
}

/// Counts and scores of a run, and the fingerprint that two equal runs share.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    pub session: u32,
    pub mode: &'static str,
    pub source: String,
    /// RFC 3339.
    pub from: String,
    pub to: String,
    /// Source candles accepted while trading (warm-up not counted).
    pub bars_processed: u64,
    pub cycles: u64,
    pub rejects: u64,
    pub rejects_by_reason: BTreeMap<&'static str, u64>,
    pub holes: u64,
    pub signals: u64,
    pub passed: u64,
    pub shadow_entries: u64,
    pub blocked_by_reason: BTreeMap<&'static str, u64>,
    pub orders: u64,
    pub fills: u64,
    pub final_equity: Money,
    pub max_drawdown: f64,
    pub main: AccountResult,
    pub shadow: AccountResult,
    /// Over all signals whose plan has ended, traded or not.
    pub matured: u64,
    pub hit_rate: Option<f64>,
    pub brier: Option<f64>,
    pub ece: Option<f64>,
    pub fingerprint: String,
}

/// Refused rows by reason, whatever their kind.
fn by_reason(pipeline: &PipelineView) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for (_, reason, n) in pipeline.rejects() {
        *counts.entry(reason.as_str()).or_default() += n;
    }
    counts
}

impl Summary {
    /// Reads a summary off the engine.
    #[must_use]
    pub fn of(engine: &Engine, source: &str, from: UtcMs) -> Self {
        let durable = engine.durable();
        let account = |id| {
            let view = engine.view(id);
            AccountResult {
                orders: view.state.orders_total,
                fills: view.state.fills,
                trades_closed: view.state.trades_closed,
                trades_won: view.state.trades_won,
                fees: view.state.fees,
                realised: view.state.realised,
                final_equity: view.equity,
                max_drawdown: view.state.max_drawdown,
            }
        };
        let (main, shadow) = (account(AccountId::Main), account(AccountId::Shadow));
        let pipeline = engine.pipeline();
        Self {
            session: durable.session,
            mode: "paper",
            source: source.to_owned(),
            from: from.to_string(),
            to: durable.last_at.max(from).to_string(),
            bars_processed: durable.bars,
            cycles: durable.cycle,
            rejects: pipeline.rejected_total(),
            rejects_by_reason: by_reason(pipeline),
            holes: pipeline.holes,
            signals: durable.funnel.signals,
            passed: durable.funnel.passed,
            shadow_entries: durable.funnel.shadow,
            blocked_by_reason: durable.funnel.blocked.iter().map(|(r, n)| (r.as_str(), *n)).collect(),
            orders: main.orders + shadow.orders,
            fills: main.fills + shadow.fills,
            final_equity: main.final_equity,
            max_drawdown: main.max_drawdown,
            main,
            shadow,
            matured: durable.record.matured(),
            hit_rate: durable.record.hit_rate(),
            brier: durable.record.brier(),
            ece: durable.record.ece(),
            fingerprint: engine.fingerprint(),
        }
    }
}

fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.4}"))
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "session {} · {} · {} · {} … {}", self.session, self.mode, self.source, self.from, self.to)?;
        writeln!(
            f,
            "bars {} · cycles {} · rejects {} · holes {}",
            self.bars_processed, self.cycles, self.rejects, self.holes
        )?;
        writeln!(f, "signals {} · passed {} · shadow {}", self.signals, self.passed, self.shadow_entries)?;
        for (reason, n) in &self.blocked_by_reason {
            writeln!(f, "  blocked {reason:<22} {n:>8}")?;
        }
        for (name, account) in [("main", &self.main), ("shadow", &self.shadow)] {
            writeln!(
                f,
                "{name:<7} orders {} · fills {} · trades {} (won {}) · fees {:.2} · realised {:+.2} · equity {:.2} · max drawdown {:.2} %",
                account.orders,
                account.fills,
                account.trades_closed,
                account.trades_won,
                account.fees.0,
                account.realised.0,
                account.final_equity.0,
                account.max_drawdown * 100.0
            )?;
        }
        writeln!(
            f,
            "matured signals {} · hit rate {} · Brier {} · ECE {}",
            self.matured,
            score(self.hit_rate),
            score(self.brier),
            score(self.ece)
        )?;
        write!(f, "fingerprint {}", self.fingerprint)
    }
}
