//! `cst why`: the whole path of a decision.

use color_eyre::eyre::eyre;
use serde_json::json;

use super::args::{Cli, Subject, WhyArgs};
use super::{Outcome, journal_path, print, print_json};
use crate::decision::explain::explain;
use crate::domain::OrderId;
use crate::store::Journal;

pub(super) fn why(cli: &Cli, args: &WhyArgs) -> Outcome {
    let path = journal_path(cli)?;
    let journal = Journal::open_read_only(&path)?;
    let id = match args.id {
        Subject::Decision(id) => id,
        Subject::Order(number) => {
            let session = journal
                .latest_session()?
                .map(|s| s.id)
                .ok_or_else(|| eyre!("the journal '{}' holds no session yet; run `cst` first", path.display()))?;
            journal.decision_for_order(OrderId(number), session)?.ok_or_else(|| {
                eyre!("there is no order O{number} in session {session}; `cst journal show orders` lists the newest")
            })?
        }
    };
    let decision = journal.decision(id)?.ok_or_else(|| {
        eyre!("there is no decision {id} in '{}'; `cst journal show decisions` lists the newest", path.display())
    })?;
    let (intents, fills, outcomes) = (journal.intents_for(id)?, journal.fills_for(id)?, journal.outcomes_for(id)?);
    if cli.json {
        return print_json(&json!({ "decision": decision, "intents": intents, "fills": fills, "outcomes": outcomes }));
    }
    print(&explain(&decision, &intents, &fills, &outcomes))
}
