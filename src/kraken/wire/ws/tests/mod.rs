//! Every recorded or documented frame at hand, what it must be read as, and what must be refused.

mod outbound;
mod recorded;
mod shapes;

use std::path::PathBuf;

use super::{Inbound, decode};

/// Folder of the fixtures.
pub(super) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kraken").join(name)
}

/// A fixture's text, without the mark that some editors put in front.
pub(super) fn text(folder_name: &str, file: &str) -> String {
    let path = folder(folder_name).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.trim_start_matches('\u{feff}').to_owned()
}

/// What a frame was read as, in a few words.
pub(super) fn said(frame: &str) -> String {
    let inbound = match decode(frame.as_bytes()) {
        Ok(inbound) => inbound,
        Err(e) => return format!("refused: {e}"),
    };
    match inbound {
        Inbound::Heartbeat => "heartbeat".to_owned(),
        Inbound::Status(s) => format!("status {} {:?}", s.system, s.connection_id),
        Inbound::Pong { req_id, .. } => format!("pong {req_id:?}"),
        Inbound::Ack(ack) => {
            let what = if ack.subscribe { "subscribe" } else { "unsubscribe" };
            match ack.error {
                Some(error) => format!("{what} refused: {error}"),
                None => format!("{what} {} {}", ack.channel.unwrap_or_default(), ack.symbol.unwrap_or_default()),
            }
        }
        Inbound::Ticker { kind, rows } => format!("ticker {kind} {}", rows.len()),
        Inbound::Trade { kind, rows } => format!("trade {kind} {}", rows.len()),
        Inbound::Ohlc { kind, rows } => format!("ohlc {kind} {}", rows.len()),
        Inbound::Instrument { kind, data } => format!("instrument {kind} {}+{}", data.assets.len(), data.pairs.len()),
        Inbound::Book { kind, rows } => {
            let levels: Vec<_> = rows.iter().map(|r| format!("{}|{}", r.bids.len(), r.asks.len())).collect();
            format!("book {kind} {}", levels.join(" "))
        }
        Inbound::Level3 { kind, rows } => {
            let orders: Vec<_> = rows.iter().map(|r| format!("{}|{}", r.bids.len(), r.asks.len())).collect();
            format!("level3 {kind} {}", orders.join(" "))
        }
        Inbound::Executions { kind, sequence, rows } => {
            let types: Vec<_> = rows.iter().filter_map(|r| r.exec_type.as_ref()).map(ToString::to_string).collect();
            format!("executions {kind} {sequence:?} {}", types.join(","))
        }
        Inbound::Balances { sequence, rows } => match rows {
            super::BalanceRows::Snapshot(rows) => format!("balances snapshot {sequence:?} {}", rows.len()),
            super::BalanceRows::Update(rows) => format!("balances update {sequence:?} {}", rows.len()),
        },
        Inbound::Reply(reply) => match reply.outcome {
            Ok(_) => format!("{} done", reply.method),
            Err(error) => format!("{} refused: {error}", reply.method),
        },
        Inbound::Error(error) => format!("error: {error}"),
        Inbound::Unknown(name) => format!("unknown {name}"),
    }
}
