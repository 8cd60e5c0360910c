//! Bytes of a frame → [`Inbound`], in two steps: the frame's head first (which channel or method), then the rows as what they are. No tree
//! of values in between.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::answers::{Ack, AckResult, CallResult, Method, MethodReply, NO_REASON};
use super::private::BalanceRows;
use super::{FrameError, Inbound, Kind, Status};
use crate::kraken::wire::Stamp;

/// Frames of more bytes are refused unread. The largest real one, the `instrument` snapshot, has about 400 KB.
pub const LARGEST_FRAME: usize = 4 * 1024 * 1024;

/// A text that stays where it is when it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    fn owned(self) -> String {
        self.0.into_owned()
    }
}

/// Everything that stands at the top of a frame.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    channel: Option<Text<'a>>,
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<Text<'a>>,
    #[serde(borrow, rename = "Error")]
    general_error: Option<Text<'a>>,
    #[serde(borrow)]
    symbol: Option<Text<'a>>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    time_in: Option<Text<'a>>,
    #[serde(borrow)]
    time_out: Option<Text<'a>>,
    success: Option<bool>,
    req_id: Option<u64>,
    sequence: Option<u64>,
    count: Option<u64>,
    orders_cancelled: Option<u64>,
}

/// Reads one frame.
///
/// # Errors
/// [`FrameError`]; a frame of an unknown channel or method is no error.
pub fn decode(frame: &[u8]) -> Result<Inbound, FrameError> {
    if frame.len() > LARGEST_FRAME {
        return Err(FrameError::TooLarge { bytes: frame.len(), limit: LARGEST_FRAME });
    }
    let first = frame.iter().find(|b| !b.is_ascii_whitespace());
    match first {
        Some(b'<') => return Err(FrameError::Html { start: FrameError::start(frame) }),
        Some(b'[') => return Err(array(frame)),
        _ => {}
    }
    let head: Head<'_> = serde_json::from_slice(frame).map_err(|e| unreadable(frame, &e))?;
    if let Some(Text(channel)) = &head.channel {
        return on_channel(channel, &head);
    }
    if let Some(Text(method)) = &head.method {
        let method = method.clone();
        return on_method(&method, head);
    }
    if let Some(text) = head.general_error.or(head.error) {
        return Ok(Inbound::Error(text.owned()));
    }
    let start = FrameError::start(frame);
    Err(if head.event.is_some() { FrameError::VersionOne { start } } else { FrameError::Nameless { start } })
}

/// Data of v1 are arrays; v2 has none at the top.
fn array(frame: &[u8]) -> FrameError {
    match serde_json::from_slice::<&RawValue>(frame) {
        Ok(_) => FrameError::VersionOne { start: FrameError::start(frame) },
        Err(e) => unreadable(frame, &e),
    }
}

fn unreadable(frame: &[u8], e: &serde_json::Error) -> FrameError {
    match e.classify() {
        Category::Eof => FrameError::Truncated { bytes: frame.len() },
        Category::Data => FrameError::wrong("frame", e),
        Category::Syntax | Category::Io => {
            FrameError::NotJson { start: FrameError::start(frame), why: FrameError::start(e.to_string().as_bytes()) }
        }
    }
}

fn on_channel(channel: &str, head: &Head<'_>) -> Result<Inbound, FrameError> {
    Ok(match channel {
        "heartbeat" => Inbound::Heartbeat,
        "status" => {
            let rows: Vec<Status> = rows(channel, head)?;
            Inbound::Status(rows.into_iter().next().ok_or_else(|| FrameError::wrong(channel, "no row"))?)
        }
        "book" => Inbound::Book { kind: kind(channel, head)?, rows: rows(channel, head)? },
        "trade" => Inbound::Trade { kind: kind(channel, head)?, rows: rows(channel, head)? },
        "ticker" => Inbound::Ticker { kind: kind(channel, head)?, rows: rows(channel, head)? },
        "ohlc" => Inbound::Ohlc { kind: kind(channel, head)?, rows: rows(channel, head)? },
        "instrument" => Inbound::Instrument { kind: kind(channel, head)?, data: rows(channel, head)? },
        "level3" => Inbound::Level3 { kind: kind(channel, head)?, rows: rows(channel, head)? },
        "executions" => {
            Inbound::Executions { kind: kind(channel, head)?, sequence: head.sequence, rows: rows(channel, head)? }
        }
        "balances" => {
            let rows = match kind(channel, head)? {
                Kind::Snapshot => BalanceRows::Snapshot(rows(channel, head)?),
                Kind::Update => BalanceRows::Update(rows(channel, head)?),
                Kind::Unknown(other) => return Err(FrameError::wrong(channel, format!("type '{other}'"))),
            };
            Inbound::Balances { sequence: head.sequence, rows }
        }
        other => Inbound::Unknown(other.to_owned()),
    })
}

fn kind(channel: &str, head: &Head<'_>) -> Result<Kind, FrameError> {
    head.kind.as_ref().map(|t| Kind::from(t.0.as_ref())).ok_or_else(|| FrameError::wrong(channel, "no type"))
}

fn rows<'a, T: Deserialize<'a>>(channel: &str, head: &Head<'a>) -> Result<T, FrameError> {
    let raw = head.data.ok_or_else(|| FrameError::wrong(channel, "no data"))?;
    serde_json::from_str(raw.get()).map_err(|e| FrameError::wrong(channel, e))
}

fn on_method(name: &str, head: Head<'_>) -> Result<Inbound, FrameError> {
    match name {
        "pong" if head.error.is_none() => Ok(Inbound::Pong { req_id: head.req_id, time_in: instant(head.time_in) }),
        "subscribe" => ack(true, head).map(Inbound::Ack),
        "unsubscribe" => ack(false, head).map(Inbound::Ack),
        _ => reply(name, head),
    }
}

fn ack(subscribe: bool, head: Head<'_>) -> Result<Ack, FrameError> {
    let result: AckResult = match head.result {
        Some(raw) => serde_json::from_str(raw.get()).map_err(|e| FrameError::wrong("subscribe", e))?,
        None => AckResult::default(),
    };
    Ok(Ack {
        subscribe,
        success: head.success.unwrap_or(head.error.is_none()),
        channel: result.channel,
        symbol: result.symbol.or(head.symbol.map(Text::owned)),
        error: head.error.map(Text::owned),
        req_id: head.req_id,
        depth: result.depth,
        interval: result.interval,
        snapshot: result.snapshot,
        event_trigger: result.event_trigger,
        max_rate_count: result.maxratecount,
        warnings: result.warnings,
    })
}

fn reply(name: &str, head: Head<'_>) -> Result<Inbound, FrameError> {
    let method = Method::from(name);
    let refused = head.error.is_some() || head.success == Some(false);
    let outcome = if refused {
        Err(head.error.map_or_else(|| NO_REASON.to_owned(), Text::owned))
    } else {
        let result = call_result(name, head.result)?;
        match result.of(&method, head.count.or(head.orders_cancelled)) {
            Some(result) => Ok(result),
            None => return Ok(Inbound::Unknown(name.to_owned())),
        }
    };
    Ok(Inbound::Reply(MethodReply {
        method,
        req_id: head.req_id,
        outcome,
        time_in: instant(head.time_in),
        time_out: instant(head.time_out),
    }))
}

fn instant(text: Option<Text<'_>>) -> Option<Stamp> {
    text.and_then(|t| Stamp::parse(&t.0))
}

/// `batch_add` answers with the list itself or with an object that holds it; both were seen.
fn call_result(name: &str, raw: Option<&RawValue>) -> Result<CallResult, FrameError> {
    let Some(text) = raw.map(RawValue::get) else { return Ok(CallResult::default()) };
    let read = if text.starts_with('[') {
        serde_json::from_str(text).map(CallResult::list)
    } else {
        serde_json::from_str(text)
    };
    read.map_err(|e| FrameError::wrong(name, e))
}
