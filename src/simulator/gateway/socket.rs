//! WebSocket messages: ping, and the trading methods. Subscriptions are in `subscribe`.

use serde_json::{Value, json};

use super::api::{ConnKey, Ending};
use super::exchange::{Exchange, Timer};
use super::faults::{self, Kind, Point, Stage};
use super::keys::Caller;
use super::{body, calls};
use crate::simulator::desk::{AccountKey, json_text};
use crate::simulator::protocol::{Params, SimNs};

const TROUBLES: [Kind; 3] = [Kind::ServiceUnavailable, Kind::Busy, Kind::InternalError];
const REFUSALS: [Kind; 4] = [Kind::RateLimit, Kind::Throttled, Kind::EngineLimit, Kind::Lockout];

impl Exchange {
    /// A text message of a client.
    pub fn text(&mut self, conn: ConnKey, text: &str) {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(&conn).filter(|s| !s.silent) else { return };
        session.last_in = now;
        self.counted.messages = self.counted.messages.saturating_add(1);
        if self.options.strict && !session.rate.take(now, 1) {
            self.log.write(now, "message", "", "", "Exceeded msg rate");
            return self.push(conn, r#"{"Error":"Exceeded msg rate"}"#.into());
        }
        let Ok(message) = body::object(text) else {
            return self.reply(conn, "", None, None, &Err("Malformed request".to_owned()));
        };
        let method = message.text("method").unwrap_or_default();
        let req_id = message.0.get("req_id").cloned();
        let params = match message.0.get("params") {
            Some(Value::Object(fields)) => Params(fields.clone().into_iter().collect()),
            _ => Params::default(),
        };
        match method.as_str() {
            "ping" => self.pong(conn, req_id.as_ref()),
            "subscribe" => self.subscribe(conn, &params, req_id.as_ref()),
            "unsubscribe" => self.unsubscribe(conn, &params, req_id.as_ref()),
            _ => self.trade(conn, &method, params, req_id),
        }
    }

    fn pong(&mut self, conn: ConnKey, req_id: Option<&Value>) {
        let mut pong = json!({"method": "pong", "time_in": self.stamp(), "time_out": self.stamp()});
        if let (Some(id), Some(fields)) = (req_id, pong.as_object_mut()) {
            fields.insert("req_id".to_owned(), id.clone());
        }
        self.emit(conn, Point { method: Some("ping"), ..Point::default() }, pong.to_string().into());
    }

    /// The answer to a message.
    pub(super) fn reply(
        &mut self,
        conn: ConnKey,
        method: &str,
        req_id: Option<&Value>,
        symbol: Option<&str>,
        answer: &Result<Value, String>,
    ) {
        let (text, outcome) = self.reply_text(method, req_id, symbol, answer);
        self.log.write(self.now, "message", method, symbol.unwrap_or_default(), &outcome);
        let pair = symbol.or_else(|| answer.as_ref().ok()?.get("symbol")?.as_str()).map(str::to_owned);
        self.emit(conn, Point { method: Some(method), pair: pair.as_deref(), ..Point::default() }, text.into());
    }

    fn reply_text(
        &self,
        method: &str,
        req_id: Option<&Value>,
        symbol: Option<&str>,
        answer: &Result<Value, String>,
    ) -> (String, String) {
        let mut reply =
            json!({"method": method, "success": answer.is_ok(), "time_in": self.stamp(), "time_out": self.stamp()});
        let mut outcome = "ok".to_owned();
        if let Some(fields) = reply.as_object_mut() {
            let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
            match answer {
                Ok(result) => {
                    // This method alone has its count at the top.
                    if let Some(count) = result.get("orders_cancelled").filter(|_| method == "batch_cancel") {
                        put("orders_cancelled", count.clone());
                    } else {
                        put("result", result.clone());
                    }
                }
                Err(error) => {
                    outcome.clone_from(error);
                    put("error", json!(error));
                }
            }
            if let Some(symbol) = symbol {
                put("symbol", json!(symbol));
            }
            if let Some(id) = req_id {
                put("req_id", id.clone());
            }
        }
        (json_text(&reply), outcome)
    }

    fn trade(&mut self, conn: ConnKey, method: &str, mut params: Params, req_id: Option<Value>) {
        let admitted = self.admit_method(conn, method, &params);
        let caller = match admitted {
            Ok(caller) => caller,
            Err(error) => return self.reply(conn, method, req_id.as_ref(), None, &Err(error)),
        };
        params.0.remove("token");
        let pair = self.pair_of(&params);
        let point = Point { method: Some(method), pair: pair.as_deref(), ..Point::default() };
        if self.broken_method(conn, point, req_id.as_ref()) {
            return;
        }
        if !self.faults.is_empty()
            && let Some(fault) = self.strike(point, &[Kind::SlowBefore], None)
        {
            let due = self.now.plus_ms(fault.delay_ms());
            let method = method.to_owned();
            return self.at(due, Timer::Method { conn, caller, method, params, req_id });
        }
        self.run_method(conn, &caller, method, &params, req_id.as_ref());
    }

    fn admit_method(&mut self, conn: ConnKey, method: &str, params: &Params) -> Result<Caller, String> {
        let needed = calls::method_permissions(method).ok_or("Unsupported event")?;
        if !self.sessions.get(&conn).is_some_and(|s| s.endpoint.serves_private()) {
            return Err("Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com".to_owned());
        }
        let caller = self.session_caller(params, Point { method: Some(method), ..Point::default() })?;
        if self.keyring.allows(&caller.key, needed) { Ok(caller) } else { Err("EGeneral:Permission denied".to_owned()) }
    }

    /// Whose token the parameters hold.
    pub(super) fn session_caller(&mut self, params: &Params, point: Point<'_>) -> Result<Caller, String> {
        let token = params.text("token").ok_or("Token(s) not found")?;
        if !self.faults.is_empty() && self.strike(point, &[Kind::TokenExpired], None).is_some() {
            self.tokens.revoke(&token);
        }
        self.tokens.caller(self.now, &token).cloned().ok_or_else(|| "ESession:Invalid session".to_owned())
    }

    /// Faults before a method is executed; whether one ended it.
    fn broken_method(&mut self, conn: ConnKey, point: Point<'_>, req_id: Option<&Value>) -> bool {
        if self.faults.is_empty() {
            return false;
        }
        if let Some(fault) = self.strike(point, &[TROUBLES.as_slice(), &REFUSALS].concat(), Some(Stage::Before)) {
            let error = faults::error_text(&fault, self.now).unwrap_or_default();
            self.reply(conn, point.method.unwrap_or_default(), req_id, None, &Err(error));
            return true;
        }
        for (kind, how) in
            [(Kind::WsClose, Ending::Clean), (Kind::Reset, Ending::Reset), (Kind::WsHalfOpen, Ending::HalfOpen)]
        {
            if self.strike(point, &[kind], Some(Stage::Before)).is_some() {
                self.end(conn, how);
                return true;
            }
        }
        false
    }

    /// Executes a method and answers it, once per result.
    pub(super) fn run_method(
        &mut self,
        conn: ConnKey,
        caller: &Caller,
        method: &str,
        params: &Params,
        req_id: Option<&Value>,
    ) {
        let pair = self.pair_of(params);
        let point = Point { method: Some(method), pair: pair.as_deref(), ..Point::default() };
        let account = AccountKey(caller.account);
        let hidden = self.strike(point, &[Kind::LateAppearance], None);
        if let Some(fault) = &hidden {
            self.desk.hide_next_order(account, fault.span_ms(55));
        }
        let (now, params) = (self.now, self.on_server_time(params));
        let (mut floor, desk) = self.desk_and_floor();
        let answers = desk.method(now, account, method, &params, &mut floor);
        let answers = answers.unwrap_or_else(|| vec![Err("Unsupported event".to_owned())]);
        let cancelled =
            || answers.iter().flatten().filter_map(|a| a.get("order_id")?.as_str().map(str::to_owned)).collect();
        if method == "cancel_order" {
            self.plan_late_fill(point, cancelled);
        }
        if hidden.is_none() {
            self.answer_method(conn, point, req_id, answers);
        }
        self.settle();
    }

    fn answer_method(
        &mut self,
        conn: ConnKey,
        point: Point<'_>,
        req_id: Option<&Value>,
        answers: Vec<Result<Value, String>>,
    ) {
        let method = point.method.unwrap_or_default();
        let mut delay = None;
        if !self.faults.is_empty() {
            for (kind, how) in
                [(Kind::WsClose, Ending::Clean), (Kind::Reset, Ending::Reset), (Kind::WsHalfOpen, Ending::HalfOpen)]
            {
                if self.strike(point, &[kind], Some(Stage::After)).is_some() {
                    return self.end(conn, how);
                }
            }
            if let Some(fault) = self.strike(point, &TROUBLES, Some(Stage::After)) {
                let error = faults::error_text(&fault, self.now).unwrap_or_default();
                return self.reply(conn, method, req_id, None, &Err(error));
            }
            delay = self.strike(point, &[Kind::SlowAfter], None).map(|f| f.delay_ms());
        }
        for answer in answers {
            match delay {
                Some(ms) => {
                    let text = self.reply_text(method, req_id, None, &answer).0;
                    self.at(self.now.plus_ms(ms), Timer::Frame(conn, text.into()));
                }
                None => self.reply(conn, method, req_id, None, &answer),
            }
        }
    }

    /// The present instant as frames write it.
    pub(super) fn stamp(&self) -> String {
        micros(self.now)
    }
}

/// `2026-05-01T10:00:00.123456Z`
pub(super) fn micros(at: SimNs) -> String {
    let t = jiff::Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or_default();
    t.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
