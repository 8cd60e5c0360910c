//! Subscribing and unsubscribing: one answer per symbol, snapshots, endpoints, tokens.

use serde_json::{Map, Value, json};

use super::api::ConnKey;
use super::calls;
use super::exchange::Exchange;
use super::faults::{Kind, Point};
use super::session::{Sub, SubKey, name};
use crate::simulator::desk::{AccountKey, Channel};
use crate::simulator::protocol::{Params, Symbol, Topic};

const DEPTHS: [u32; 5] = [10, 25, 100, 500, 1_000];
const INTERVALS: [u32; 9] = [1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600];

impl Exchange {
    pub(super) fn subscribe(&mut self, conn: ConnKey, params: &Params, req_id: Option<&Value>) {
        let channel = params.text("channel").unwrap_or_default();
        match channel.as_str() {
            "executions" | "balances" => {
                let outcome = self.subscribe_private(conn, &channel, params, req_id);
                if let Err(error) = outcome {
                    self.reply(conn, "subscribe", req_id, None, &Err(error));
                }
            }
            "instrument" => self.subscribe_topic(conn, Topic::Instrument, params, req_id),
            "ticker" | "book" | "trade" | "ohlc" => {
                for name in self.symbols(conn, "subscribe", params, req_id) {
                    match self.topic(&channel, &name, params) {
                        Ok(topic) => self.subscribe_topic(conn, topic, params, req_id),
                        Err(error) => self.reply(conn, "subscribe", req_id, Some(&name), &Err(error)),
                    }
                }
            }
            _ => self.reply(conn, "subscribe", req_id, None, &Err(format!("Channel not supported: {channel}"))),
        }
    }

    /// The symbols named; an answer is sent when there are none.
    fn symbols(&mut self, conn: ConnKey, method: &str, params: &Params, req_id: Option<&Value>) -> Vec<String> {
        let names = params.list("symbol");
        if names.is_empty() {
            self.reply(conn, method, req_id, None, &Err("Symbol(s) not found".to_owned()));
        }
        names
    }

    fn topic(&self, channel: &str, name: &str, params: &Params) -> Result<Topic, String> {
        let unsupported = || format!("Currency pair not supported {name}");
        let symbol: Symbol = self.market.listing().by_symbol(name).ok_or_else(unsupported)?.symbol.clone();
        let number = |key: &str, default: u32, allowed: &[u32]| match params.text(key) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| allowed.contains(n))
                .ok_or_else(|| format!("Subscription {channel} {key} not supported")),
        };
        Ok(match channel {
            "ticker" => match params.text("event_trigger").as_deref() {
                None | Some("trades") => Topic::Ticker { symbol, bbo: false },
                Some("bbo") => Topic::Ticker { symbol, bbo: true },
                Some(_) => return Err("Event_trigger not supported".to_owned()),
            },
            "book" => Topic::Book { symbol, depth: number("depth", 10, &DEPTHS)? },
            "ohlc" => Topic::Ohlc { symbol, interval: number("interval", 1, &INTERVALS)? },
            _ => Topic::Trade { symbol },
        })
    }

    fn subscribe_topic(&mut self, conn: ConnKey, topic: Topic, params: &Params, req_id: Option<&Value>) {
        let key = SubKey::of(&topic);
        let symbol = key.symbol().cloned();
        if let Err(error) = self.hold(conn, &key, &topic) {
            return self.reply(conn, "subscribe", req_id, symbol.as_deref(), &Err(error));
        }
        let wanted = params.0.get("snapshot").map_or(key.channel() != "trade", |_| params.flag("snapshot"));
        let point = Point { channel: Some(key.channel()), pair: symbol.as_deref(), ..Point::default() };
        let (early, missing) = self.snapshot_faults(point);
        let ack = Ok(ack(&topic, wanted));
        if !early {
            self.reply(conn, "subscribe", req_id, None, &ack);
        }
        if wanted
            && !missing
            && let Some(text) = self.market.snapshot(&topic)
        {
            self.emit(conn, point, text.into());
        }
        if early {
            self.reply(conn, "subscribe", req_id, None, &ack);
        }
        self.start_heartbeats(conn);
    }

    /// Whether data come before the answer, and whether the snapshot is missing.
    fn snapshot_faults(&mut self, point: Point<'_>) -> (bool, bool) {
        if self.faults.is_empty() {
            return (false, false);
        }
        let early = self.strike(point, &[Kind::DataBeforeAck], None).is_some();
        (early, self.strike(point, &[Kind::MissingSnapshot], None).is_some())
    }

    fn hold(&mut self, conn: ConnKey, key: &SubKey, topic: &Topic) -> Result<(), String> {
        let session = self.sessions.get_mut(&conn).ok_or("closed")?;
        if !session.endpoint.serves_public() {
            return Err(
                "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com".to_owned()
            );
        }
        if session.subs.contains_key(key) {
            return Err("Already subscribed".to_owned());
        }
        if !self.holders.contains_key(topic) && !self.market.activate(topic) {
            return Err(format!("Currency pair not supported {}", key.symbol().map_or("", |s| s)));
        }
        session.subs.insert(key.clone(), Sub::Public(topic.clone()));
        self.holders.entry(topic.clone()).or_default().insert(conn);
        Ok(())
    }

    fn subscribe_private(
        &mut self,
        conn: ConnKey,
        wanted: &str,
        params: &Params,
        req_id: Option<&Value>,
    ) -> Result<(), String> {
        let channel = if wanted == "executions" { Channel::Executions } else { Channel::Balances };
        let point = Point { channel: Some(name(channel)), ..Point::default() };
        let private = self.sessions.get(&conn).is_some_and(|s| s.endpoint.serves_private());
        if !private {
            return Err("Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com".to_owned());
        }
        let caller = self.session_caller(params, point)?;
        if !self.keyring.allows(&caller.key, calls::channel_permissions(name(channel))) {
            return Err("EGeneral:Permission denied".to_owned());
        }
        let token = params.text("token").unwrap_or_default();
        let (account, key) = (AccountKey(caller.account), SubKey::Private(name(channel)));
        let session = self.sessions.get_mut(&conn).ok_or("closed")?;
        if session.subs.contains_key(&key) {
            return Err("Already subscribed".to_owned());
        }
        let steps = !params.0.contains_key("order_status") || params.flag("order_status");
        session.subs.insert(key, Sub::Private { account, token: token.clone(), steps, sequence: 0 });
        self.tokens.hold(&token);
        let (early, missing) = self.snapshot_faults(point);
        let answer = Ok(self.private_ack(account, channel, params));
        if !early {
            self.reply(conn, "subscribe", req_id, None, &answer);
        }
        if !missing {
            self.send_snapshot(conn, account, channel, params);
        }
        if early {
            self.reply(conn, "subscribe", req_id, None, &answer);
        }
        self.start_heartbeats(conn);
        Ok(())
    }

    fn private_ack(&self, account: AccountKey, channel: Channel, params: &Params) -> Value {
        let snapshot = !params.0.contains_key("snapshot") || params.flag("snapshot");
        let mut result = json!({"channel": name(channel), "snapshot": snapshot});
        if let (Channel::Executions, Some(fields)) = (channel, result.as_object_mut()) {
            let most = self.desk.rate_count(self.now, account, "").map_or(0, |(_, most)| most);
            fields.insert("maxratecount".to_owned(), json!(most));
        }
        result
    }

    /// The first frames: orders and fills never share one.
    fn send_snapshot(&mut self, conn: ConnKey, account: AccountKey, channel: Channel, params: &Params) {
        let wanted = |key: &str, default: bool| params.0.get(key).map_or(default, |_| params.flag(key));
        if !wanted("snapshot", true) {
            return;
        }
        let mut frames = Vec::new();
        match channel {
            Channel::Executions => {
                let (orders, trades) = (wanted("snap_orders", true), wanted("snap_trades", false));
                let snapshot = self.desk.executions_snapshot(self.now, account, orders, trades);
                frames.extend(orders.then_some(snapshot.orders));
                frames.extend(trades.then_some(snapshot.trades));
            }
            Channel::Balances => frames.push(self.desk.balances_snapshot(self.now, account)),
        }
        for rows in frames {
            self.private_frame(conn, channel, "", "snapshot", &rows);
        }
    }

    pub(super) fn unsubscribe(&mut self, conn: ConnKey, params: &Params, req_id: Option<&Value>) {
        let channel = params.text("channel").unwrap_or_default();
        let keys: Vec<(Option<String>, Option<SubKey>)> = match channel.as_str() {
            "executions" => vec![(None, Some(SubKey::Private("executions")))],
            "balances" => vec![(None, Some(SubKey::Private("balances")))],
            "instrument" => vec![(None, Some(SubKey::of(&Topic::Instrument)))],
            "ticker" | "book" | "trade" | "ohlc" => {
                let names = self.symbols(conn, "unsubscribe", params, req_id);
                names
                    .into_iter()
                    .map(|n| (Some(n.clone()), self.topic(&channel, &n, params).ok().map(|t| SubKey::of(&t))))
                    .collect()
            }
            _ => vec![(None, None)],
        };
        for (name, key) in keys {
            let sub = key.as_ref().and_then(|k| self.drop_sub(conn, k, params));
            let answer = match &sub {
                Some(Sub::Public(topic)) => Ok(ack_of_end(topic)),
                Some(Sub::Private { .. }) => Ok(json!({"channel": channel})),
                None => Err("Subscription Not Found".to_owned()),
            };
            let symbol = name.as_deref().filter(|_| answer.is_err());
            self.reply(conn, "unsubscribe", req_id, symbol, &answer);
            if let Some(sub) = sub {
                self.let_go(conn, sub);
            }
        }
        self.watch_idle(conn);
    }

    /// Takes a subscription out of the session; a depth, if given, must be the one subscribed.
    fn drop_sub(&mut self, conn: ConnKey, key: &SubKey, params: &Params) -> Option<Sub> {
        let session = self.sessions.get_mut(&conn)?;
        if let (Some(Sub::Public(Topic::Book { depth, .. })), Some(wanted)) =
            (session.subs.get(key), params.text("depth"))
            && wanted != depth.to_string()
        {
            return None;
        }
        session.subs.remove(key)
    }
}

/// The `result` of a subscription's answer.
fn ack(topic: &Topic, snapshot: bool) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    put("snapshot", json!(snapshot));
    put("channel", json!(SubKey::of(topic).channel()));
    match topic {
        Topic::Ticker { bbo, .. } => put("event_trigger", json!(if *bbo { "bbo" } else { "trades" })),
        Topic::Book { depth, .. } => put("depth", json!(depth)),
        Topic::Ohlc { interval, .. } => {
            put("interval", json!(interval));
            put("warnings", json!(["timestamp is deprecated, use interval_begin"]));
        }
        Topic::Trade { .. } => {}
        Topic::Instrument => put("warnings", json!(["tick_size is deprecated, use price_increment"])),
    }
    if let Some(symbol) = SubKey::of(topic).symbol() {
        put("symbol", json!(&**symbol));
    }
    Value::Object(fields)
}

fn ack_of_end(topic: &Topic) -> Value {
    let mut result = ack(topic, false);
    if let Some(fields) = result.as_object_mut() {
        fields.remove("snapshot");
        fields.remove("warnings");
    }
    result
}
