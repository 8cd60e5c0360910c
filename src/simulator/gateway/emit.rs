//! The way of every frame to its socket: fan-out, private sequences, and the faults of frames.

use std::sync::Arc;

use serde_json::{Value, json};

use super::api::{ConnKey, Ending, ServerOut};
use super::exchange::{Exchange, Timer};
use super::faults::{self, Fault, Kind, Point};
use super::session::{Sub, SubKey, name};
use crate::simulator::desk::{Channel, PrivateEvent, RowKind, json_text};
use crate::simulator::protocol::Topic;

/// Faults that change the text of a frame.
const EDITS: [Kind; 4] = [Kind::BadChecksum, Kind::UnknownEnum, Kind::ExtraFields, Kind::SymbolOmitted];

impl Exchange {
    /// A frame of the market, to everybody who holds its topic.
    pub(super) fn spread(&mut self, topic: &Topic, text: String) {
        let Some(holders) = self.holders.get(topic) else { return };
        let text: Arc<str> = text.into();
        if self.faults.is_empty() && self.held == 0 {
            for conn in holders {
                if let Some(session) = self.sessions.get_mut(conn).filter(|s| !s.silent) {
                    session.last_out = self.now;
                    self.sent.update(text.as_bytes());
                    self.counted.frames = self.counted.frames.saturating_add(1);
                    self.out.push(ServerOut::Frame { conn: *conn, text: text.clone() });
                }
            }
            return;
        }
        let key = SubKey::of(topic);
        let point = Point { channel: Some(key.channel()), pair: key.symbol().map(AsRef::as_ref), ..Point::default() };
        for conn in holders.iter().copied().collect::<Vec<_>>() {
            self.emit(conn, point, text.clone());
        }
    }

    /// A frame to one socket, through the faults that lie in its way.
    pub(super) fn emit(&mut self, conn: ConnKey, point: Point<'_>, text: Arc<str>) {
        if self.faults.is_empty() && self.held == 0 {
            return self.push(conn, text);
        }
        let mut text = text;
        for kind in EDITS {
            if let Some(fault) = self.strike(point, &[kind], None) {
                text = edit(&fault, point.channel.unwrap_or_default(), &text).into();
            }
        }
        if let Some(skew) = self.faults.present(self.now, Kind::ClockSkew) {
            text = faults::shift_times(&text, skew.span_ms(0)).into();
        }
        if let (Some("book"), Some(symbol)) = (point.channel, point.pair) {
            if let Some(fault) = self.strike(point, &[Kind::StaleBook], None) {
                self.market.freeze_book(symbol, self.now.plus_ms(fault.span_ms(30)));
            }
            if self.strike(point, &[Kind::CrossedBook], None).is_some() {
                self.market.cross_next_book(symbol);
            }
        }
        if point.method.is_none() {
            if self.strike(point, &[Kind::WsClose], None).is_some() {
                return self.end(conn, Ending::Clean);
            }
            if self.strike(point, &[Kind::WsHalfOpen], None).is_some() {
                return self.end(conn, Ending::HalfOpen);
            }
        }
        if self.strike(point, &[Kind::DropFrame], None).is_some() {
            return;
        }
        let channel = point.channel.or(point.method).unwrap_or_default();
        if self.strike(point, &[Kind::Reorder], None).is_some() {
            if let Some(session) = self.sessions.get_mut(&conn) {
                session.held.push((channel.to_owned(), text));
                self.held = self.held.saturating_add(1);
            }
            return;
        }
        let twice = self.strike(point, &[Kind::DupFrame], None).is_some();
        self.push(conn, text.clone());
        if twice {
            self.push(conn, text);
        }
        self.release_held(conn, channel);
    }

    fn release_held(&mut self, conn: ConnKey, channel: &str) {
        let Some(session) = self.sessions.get_mut(&conn).filter(|s| !s.held.is_empty()) else { return };
        let (free, kept) = std::mem::take(&mut session.held).into_iter().partition(|(c, _)| c == channel);
        session.held = kept;
        let free: Vec<(String, Arc<str>)> = free;
        self.held = self.held.saturating_sub(free.len());
        for (_, text) in free {
            self.push(conn, text);
        }
    }

    /// A frame leaves.
    pub(super) fn push(&mut self, conn: ConnKey, text: Arc<str>) {
        if let Some(session) = self.sessions.get_mut(&conn).filter(|s| !s.silent) {
            session.last_out = self.now;
            self.sent.update(text.as_bytes());
            self.counted.frames = self.counted.frames.saturating_add(1);
            self.out.push(ServerOut::Frame { conn, text });
        }
    }

    /// What the desk has to say to the holders of private channels, one frame per event; whether there was anything.
    pub(super) fn tell_accounts(&mut self) -> bool {
        let events = self.desk.drain();
        let any = !events.is_empty();
        for event in events {
            let key = SubKey::Private(name(event.channel));
            let listens = |sub: Option<&Sub>| match sub {
                Some(Sub::Private { account, steps, .. }) => {
                    *account == event.account && (*steps || event.kind != RowKind::Step)
                }
                _ => false,
            };
            let conns: Vec<ConnKey> =
                self.sessions.iter().filter(|(_, s)| listens(s.subs.get(&key))).map(|(c, _)| *c).collect();
            for conn in conns {
                self.tell(conn, &event);
            }
        }
        any
    }

    fn tell(&mut self, conn: ConnKey, event: &PrivateEvent) {
        let point = Point { channel: Some(name(event.channel)), pair: Some(&event.symbol), ..Point::default() };
        let mut times = 1;
        if event.kind == RowKind::Trade && !self.faults.is_empty() {
            if let Some(fault) = self.strike(point, &[Kind::LateFill], None) {
                return self.at(self.now.plus_ms(fault.span_ms(5)), Timer::Event(conn, event.clone()));
            }
            times += usize::from(self.strike(point, &[Kind::DupFill], None).is_some());
        }
        for _ in 0..times {
            self.private_frame(conn, event.channel, &event.symbol, "update", &event.rows);
        }
    }

    /// After a cancel: what it left is to be filled a little later.
    pub(super) fn plan_late_fill(&mut self, point: Point<'_>, orders: impl FnOnce() -> Vec<String>) {
        if self.faults.is_empty() {
            return;
        }
        if let Some(fault) = self.strike(point, &[Kind::LateFill], None) {
            for order in orders() {
                self.at(self.now.plus_ms(fault.span_ms(1)), Timer::LateFill(order));
            }
        }
    }

    pub(super) fn fill_late(&mut self, order: &str) {
        let now = self.now;
        let (mut floor, desk) = self.desk_and_floor();
        let outcome = desk.late_fill(now, order, &mut floor).err().unwrap_or_else(|| "filled".to_owned());
        self.log.write(now, "late fill", order, "", &outcome);
        self.settle();
    }

    /// A frame of a private channel, with the next number of its subscription.
    pub(super) fn private_frame(&mut self, conn: ConnKey, channel: Channel, symbol: &str, kind: &str, rows: &[Value]) {
        let channel = name(channel);
        let sub = self.sessions.get_mut(&conn).and_then(|s| s.subs.get_mut(&SubKey::Private(channel)));
        let Some(Sub::Private { sequence, .. }) = sub else { return };
        *sequence = sequence.saturating_add(1);
        let text = json_text(&json!({"channel": channel, "type": kind, "data": rows, "sequence": *sequence}));
        let pair = (!symbol.is_empty()).then_some(symbol);
        self.emit(conn, Point { channel: Some(channel), pair, ..Point::default() }, text.into());
    }
}

fn edit(fault: &Fault, channel: &str, text: &str) -> String {
    match fault.kind {
        Kind::BadChecksum => faults::wrong_checksum(text),
        Kind::ExtraFields => faults::extra_fields(text),
        Kind::SymbolOmitted => faults::without_symbol(text),
        _ => {
            let usual = match channel {
                "executions" => "order_status",
                "trade" => "ord_type",
                "status" => "system",
                "balances" => "type",
                _ => "status",
            };
            faults::unknown_word(text, fault.field.as_deref().unwrap_or(usual), fault.value.as_ref())
        }
    }
}
