//! REST: reading a call, checking its key, its way through the faults, its answer.

use serde_json::{Value, json};

use super::api::{RestCall, RestEffect, RestReply, ServerOut, Ticket};
use super::exchange::{Exchange, Timer};
use super::faults::{self, Fault, Kind, Point, Stage};
use super::keys::Caller;
use super::limits::Leaky;
use super::tokens::TOKEN_SECONDS;
use super::{body, calls};
use crate::simulator::desk::{AccountKey, json_text};
use crate::simulator::protocol::{Answer, Params};

/// API errors that a fault puts in place of an answer, whether or not the call was executed.
const TROUBLES: [Kind; 3] = [Kind::ServiceUnavailable, Kind::Busy, Kind::InternalError];
/// API errors of calls that were never executed.
const REFUSALS: [Kind; 5] = [Kind::NonceError, Kind::RateLimit, Kind::Throttled, Kind::EngineLimit, Kind::Lockout];
/// How long an overtaken call waits for another one.
const OVERTAKEN_MS: i64 = 2_000;

impl Exchange {
    /// Answers a REST call at the present instant.
    pub fn rest(&mut self, call: RestCall) -> RestReply {
        self.counted.rest_calls = self.counted.rest_calls.saturating_add(1);
        if let Some(waiting) = self.hold_back(&call) {
            return waiting;
        }
        let waiting = if is_private(&call) { self.overtaken.take() } else { None };
        let reply = self.answer(&call);
        if let Some((ticket, earlier)) = waiting {
            let late = self.answer(&earlier);
            self.deliver(ticket, late);
        }
        reply
    }

    fn answer(&mut self, call: &RestCall) -> RestReply {
        let who = self.keyring.name(call.api_key.as_deref());
        let reply = self.answer_unlogged(call);
        self.finish(&call.path, &who, reply)
    }

    /// Log, digest and clock skew of an answer.
    fn finish(&mut self, name: &str, who: &str, mut reply: RestReply) -> RestReply {
        if let Some(skew) = self.faults.present(self.now, Kind::ClockSkew) {
            reply.body = faults::shift_times(&reply.body, skew.span_ms(0));
        }
        let outcome = match reply.effect {
            RestEffect::Normal if reply.status == 200 => reply
                .body
                .strip_prefix(r#"{"error":[""#)
                .and_then(|rest| rest.split('"').next())
                .unwrap_or("ok")
                .to_owned(),
            RestEffect::Normal => reply.status.to_string(),
            RestEffect::Reset => "reset".to_owned(),
            RestEffect::Later(_) => "later".to_owned(),
        };
        self.log.write(self.now, "rest", name, who, &outcome);
        self.sent.update(reply.body.as_bytes());
        reply
    }

    fn answer_unlogged(&mut self, call: &RestCall) -> RestReply {
        let (kind, name) = match call.path.strip_prefix("/0/").and_then(|rest| rest.split_once('/')) {
            Some((kind @ ("public" | "private"), name)) => (kind, name),
            _ => return RestReply { status: 404, ..failed("EGeneral:Unknown method") },
        };
        let Ok(params) = body::parameters(&call.query, call.content_type.as_deref(), &call.body) else {
            return failed("EGeneral:Invalid arguments");
        };
        let pair = self.pair_of(&params);
        let point = Point { path: Some(&call.path), pair: pair.as_deref(), ..Point::default() };
        if let Some(reply) = self.broken_before(point) {
            return reply;
        }
        if kind == "public" {
            let answer = self.public(name, &params);
            return self.broken_after(point, reply_of(answer));
        }
        match self.admit(call, name, &params) {
            Ok(caller) => self.run_private(point, caller, name, params),
            Err(error) => failed(&error),
        }
    }

    fn public(&mut self, name: &str, params: &Params) -> Answer {
        let paced = (name.chars().take(32).collect(), self.pair_of(params).unwrap_or_default());
        let burst = self.options.public_burst;
        let pace = self.pacing.entry(paced).or_insert_with(|| Leaky::new(burst, 100));
        if self.options.strict && !pace.take(self.now, 1) {
            return refuse("EGeneral:Too many requests");
        }
        let answer = self.market.rest(self.now, name, params);
        answer.unwrap_or_else(|| refuse("EGeneral:Unknown method"))
    }

    /// Key, signature, nonce, permission and call counter.
    fn admit(&mut self, call: &RestCall, name: &str, params: &Params) -> Result<Caller, String> {
        if call.method != "POST" {
            return Err("EGeneral:Unknown method".to_owned());
        }
        let caller = self.keyring.authenticate(self.now, call, params)?;
        if !self.keyring.allows(&caller.key, calls::permissions(name)) {
            return Err("EGeneral:Permission denied".to_owned());
        }
        if self.options.strict && !self.keyring.charge(self.now, &caller.key, calls::cost(name)) {
            return Err("EAPI:Rate limit exceeded".to_owned());
        }
        Ok(caller)
    }

    fn run_private(&mut self, point: Point<'_>, caller: Caller, name: &str, params: Params) -> RestReply {
        if let Some(fault) = self.strike(point, &[TROUBLES.as_slice(), &REFUSALS].concat(), Some(Stage::Before)) {
            return failed(&faults::error_text(&fault, self.now).unwrap_or_default());
        }
        if let Some(fault) = self.strike(point, &[Kind::SlowBefore], None) {
            let ticket = self.ticket();
            let due = self.now.plus_ms(fault.delay_ms());
            self.at(due, Timer::Call { ticket, caller, name: name.to_owned(), params });
            return RestReply::with_effect(RestEffect::Later(ticket));
        }
        let late = self.strike(point, &[Kind::LateAppearance], None);
        let reply = reply_of(self.private(&caller, name, &params, late.as_ref()));
        match late {
            Some(Fault { status: Some(200), .. }) => reply,
            Some(fault) => page(fault.status.unwrap_or(520)),
            None => self.broken_after(point, reply),
        }
    }

    /// Executes a private call.
    fn private(&mut self, caller: &Caller, name: &str, params: &Params, late: Option<&Fault>) -> Answer {
        match name {
            "GetWebSocketsToken" => {
                let token = self.tokens.issue(self.now, self.options.seed, caller);
                return Ok(json!({"token": token, "expires": TOKEN_SECONDS}));
            }
            "GetApiKeyInfo" => {
                return self.keyring.info(&caller.key).ok_or_else(|| vec!["EAPI:Invalid key".to_owned()]);
            }
            _ => {}
        }
        let params = self.on_server_time(params);
        let (now, account) = (self.now, AccountKey(caller.account));
        if let Some(fault) = late {
            self.desk.hide_next_order(account, fault.span_ms(55));
        }
        let (mut floor, desk) = self.desk_and_floor();
        let answer = desk.rest(now, account, name, &params, &mut floor);
        self.settle();
        if name == "CancelOrder" && matches!(answer, Some(Ok(_))) {
            let pair = self.pair_of(&params);
            let path = format!("/0/private/{name}");
            let point = Point { path: Some(&path), pair: pair.as_deref(), ..Point::default() };
            self.plan_late_fill(point, || params.list("txid"));
        }
        answer.unwrap_or_else(|| refuse("EGeneral:Unknown method"))
    }

    /// A slow call is executed, its ticket answered.
    pub(super) fn answer_late(&mut self, ticket: Ticket, caller: &Caller, name: &str, params: &Params) {
        let reply = reply_of(self.private(caller, name, params, None));
        let reply = self.finish(name, &self.keyring.name(Some(&caller.key)), reply);
        self.deliver(ticket, reply);
    }

    fn deliver(&mut self, ticket: Ticket, reply: RestReply) {
        self.out.push(ServerOut::Answer { ticket, reply });
    }

    fn ticket(&mut self) -> Ticket {
        self.serial = self.serial.saturating_add(1);
        Ticket(self.serial)
    }

    /// A private call that a fault lets another one overtake.
    fn hold_back(&mut self, call: &RestCall) -> Option<RestReply> {
        if self.faults.is_empty() || !is_private(call) || self.overtaken.is_some() {
            return None;
        }
        self.strike(Point { path: Some(&call.path), ..Point::default() }, &[Kind::NonceReorder], None)?;
        let ticket = self.ticket();
        self.overtaken = Some((ticket, call.clone()));
        self.at(self.now.plus_ms(OVERTAKEN_MS), Timer::Overtaken(ticket));
        Some(RestReply::with_effect(RestEffect::Later(ticket)))
    }

    /// Nobody overtook: the call goes through.
    pub(super) fn let_through(&mut self, ticket: Ticket) {
        if let Some((_, call)) = self.overtaken.take_if(|(waiting, _)| *waiting == ticket) {
            let reply = self.answer(&call);
            self.deliver(ticket, reply);
        }
    }

    /// Faults between the client and the exchange: nothing was executed, no nonce used.
    fn broken_before(&mut self, point: Point<'_>) -> Option<RestReply> {
        if self.faults.is_empty() {
            return None;
        }
        let fault = self.strike(point, &[Kind::Html, Kind::Reset], Some(Stage::Before))?;
        Some(if fault.kind == Kind::Reset {
            RestReply::with_effect(RestEffect::Reset)
        } else {
            page(fault.status.unwrap_or(502))
        })
    }

    /// Faults on the way back: everything was executed.
    fn broken_after(&mut self, point: Point<'_>, mut reply: RestReply) -> RestReply {
        if self.faults.is_empty() {
            return reply;
        }
        if let Some(fault) =
            self.strike(point, &[&[Kind::Html, Kind::Reset], TROUBLES.as_slice()].concat(), Some(Stage::After))
        {
            return match fault.kind {
                Kind::Html => page(fault.status.unwrap_or(502)),
                Kind::Reset => RestReply::with_effect(RestEffect::Reset),
                _ => failed(&faults::error_text(&fault, self.now).unwrap_or_default()),
            };
        }
        let public = point.path.is_some_and(|p| p.starts_with("/0/public/"));
        if public
            && let Some(fault) = self.strike(point, &[TROUBLES.as_slice(), &REFUSALS].concat(), Some(Stage::Before))
        {
            return failed(&faults::error_text(&fault, self.now).unwrap_or_default());
        }
        if let Some(fault) = self.strike(point, &[Kind::SlowAfter], None) {
            reply.delay_ms = u64::try_from(fault.delay_ms()).unwrap_or(0);
        }
        if public && let Some(fault) = self.strike(point, &[Kind::SlowBefore], None) {
            reply.delay_ms = u64::try_from(fault.delay_ms()).unwrap_or(0);
        }
        for kind in [
            Kind::MalformedLast,
            Kind::OhlcGap,
            Kind::WrongType,
            Kind::ExtraFields,
            Kind::UnknownEnum,
            Kind::TruncatedJson,
            Kind::EmptyBody,
        ] {
            let fits = match kind {
                Kind::MalformedLast => point.path == Some("/0/public/Trades"),
                Kind::OhlcGap => point.path == Some("/0/public/OHLC"),
                _ => true,
            };
            if fits && let Some(fault) = self.strike(point, &[kind], None) {
                reply.body = mangled(&fault, &reply.body);
            }
        }
        reply
    }

    /// The pair that a call is about, as v2 symbol.
    pub(super) fn pair_of(&self, params: &Params) -> Option<String> {
        let name = params.text("pair").or_else(|| params.text("symbol"))?;
        self.market.listing().find(&name).map(|p| p.symbol.to_string())
    }

    /// Deadlines as the skewed clock of the server sees them.
    pub(super) fn on_server_time(&self, params: &Params) -> Params {
        let mut params = params.clone();
        if let Some(skew) = self.faults.present(self.now, Kind::ClockSkew) {
            let deadline = params.text("deadline").and_then(|t| t.parse::<jiff::Timestamp>().ok());
            let moved = deadline.and_then(|t| t.checked_sub(jiff::SignedDuration::from_millis(skew.span_ms(0))).ok());
            if let Some(t) = moved {
                params.0.insert("deadline".to_owned(), Value::String(t.to_string()));
            }
        }
        params
    }
}

fn is_private(call: &RestCall) -> bool {
    call.path.starts_with("/0/private/")
}

fn refuse(error: &str) -> Answer {
    Err(vec![error.to_owned()])
}

fn failed(error: &str) -> RestReply {
    reply_of(refuse(error))
}

fn page(status: u16) -> RestReply {
    RestReply::html(status, faults::gateway_page(status))
}

fn reply_of(answer: Answer) -> RestReply {
    RestReply::json(match answer {
        Ok(result) => format!(r#"{{"error":[],"result":{}}}"#, json_text(&result)),
        Err(errors) => json!({"error": errors}).to_string(),
    })
}

fn mangled(fault: &Fault, body: &str) -> String {
    match fault.kind {
        Kind::MalformedLast => faults::cut_last(body),
        Kind::OhlcGap => faults::cut_ohlc(body),
        Kind::WrongType => faults::wrong_type(body, fault.value.as_ref()),
        Kind::ExtraFields => faults::extra_fields(body),
        Kind::UnknownEnum => {
            faults::unknown_word(body, fault.field.as_deref().unwrap_or("status"), fault.value.as_ref())
        }
        Kind::TruncatedJson => body.chars().take(body.chars().count() / 2).collect(),
        _ => String::new(),
    }
}
