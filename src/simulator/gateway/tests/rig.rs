//! An exchange with three pairs of synthetic trades, and a client's habits around it.

use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

use crate::simulator::desk::{Desk, DeskOptions};
use crate::simulator::gateway::faults::{Fault, Kind, Match};
use crate::simulator::gateway::{
    ClientKey, ConnKey, Ending, Endpoint, Exchange, ExchangeOptions, RestCall, RestReply, ServerOut, Ticket,
};
use crate::simulator::listing::Listing;
use crate::simulator::market::{Market, MarketData, MarketOptions, Tape, synthetic};
use crate::simulator::protocol::{SimNs, Symbol};

pub const START: SimNs = SimNs(1_777_629_600_000_000_000);

static LISTING: LazyLock<Arc<Listing>> = LazyLock::new(|| Arc::new(Listing::bundled().unwrap()));
static TAPES: LazyLock<Vec<Tape>> = LazyLock::new(|| {
    let symbols: Vec<Symbol> = ["BTC/USD", "ETH/USD", "XRP/USD"].iter().map(|s| Symbol::from(*s)).collect();
    synthetic::trades(&LISTING, &symbols, START.plus_ms(-3 * 3_600_000), 6, 2_000, 7).unwrap()
});

pub struct Rig {
    pub x: Exchange,
    pub key: ClientKey,
    nonce: u64,
    pub out: Vec<ServerOut>,
}

impl Rig {
    /// Without call counters, so that a test may ask as often as it likes.
    pub fn new() -> Self {
        Self::with(ExchangeOptions { strict: false, ..ExchangeOptions::default() })
    }

    pub fn with(options: ExchangeOptions) -> Self {
        let data = MarketData {
            listing: LISTING.clone(),
            trades: TAPES.clone(),
            candles: Vec::new(),
            books: Vec::new(),
            start: START,
        };
        let market = Market::new(data, MarketOptions { seed: 7, ..MarketOptions::default() }).unwrap();
        let desk = Desk::new(DeskOptions { seed: 7, ..DeskOptions::default() });
        let key = options.keys.iter().find(|k| k.name == "own").unwrap().clone();
        Self { x: Exchange::new(options, market, desk).unwrap(), key, nonce: 0, out: Vec::new() }
    }

    pub fn as_key(&mut self, name: &str) {
        self.key = ClientKey::usual().into_iter().find(|k| k.name == name).unwrap();
    }

    pub fn fault(&mut self, kind: Kind, place: Match) {
        self.arm(Fault::new(kind, place));
    }

    pub fn arm(&mut self, fault: Fault) {
        self.x.add_fault(fault).unwrap();
    }

    pub fn advance(&mut self, ms: i64) {
        self.x.advance(self.x.now().plus_ms(ms));
        self.x.drain(&mut self.out);
    }

    /// A signed form; `form` begins with `&` or is empty.
    pub fn signed(&mut self, name: &str, form: &str) -> RestCall {
        self.nonce += 1;
        let (nonce, path) = (self.nonce, format!("/0/private/{name}"));
        let body = format!("nonce={nonce}{form}");
        let mut mac = Hmac::<Sha512>::new_from_slice(&STANDARD.decode(&self.key.secret).unwrap()).unwrap();
        mac.update(path.as_bytes());
        mac.update(&Sha256::digest(format!("{nonce}{body}")));
        RestCall {
            method: "POST".into(),
            path,
            api_key: Some(self.key.key.clone()),
            api_sign: Some(STANDARD.encode(mac.finalize().into_bytes())),
            content_type: Some("application/x-www-form-urlencoded".into()),
            body: body.into_bytes(),
            ..RestCall::default()
        }
    }

    pub fn call(&mut self, name: &str, form: &str) -> RestReply {
        let call = self.signed(name, form);
        let reply = self.x.rest(call);
        self.x.drain(&mut self.out);
        reply
    }

    pub fn get(&mut self, name: &str, query: &str) -> RestReply {
        let path = format!("/0/public/{name}");
        self.x.rest(RestCall { method: "GET".into(), path, query: query.into(), ..RestCall::default() })
    }

    /// The result of a private call that must succeed.
    pub fn ok(&mut self, name: &str, form: &str) -> Value {
        result(&self.call(name, form)).unwrap()
    }

    /// The error of a private call that must fail.
    pub fn err(&mut self, name: &str, form: &str) -> String {
        result(&self.call(name, form)).unwrap_err()
    }

    /// A resting buy order far below the market; its id.
    pub fn order(&mut self) -> String {
        let placed = self.ok("AddOrder", ORDER);
        placed["txid"][0].as_str().unwrap().to_owned()
    }

    pub fn open_ids(&mut self) -> Vec<String> {
        self.ok("OpenOrders", "")["open"].as_object().unwrap().keys().cloned().collect()
    }

    /// Orders that exist, whatever REST shows.
    pub fn placed(&self) -> usize {
        self.x.orders().as_array().unwrap().len()
    }

    pub fn token(&mut self) -> String {
        self.ok("GetWebSocketsToken", "")["token"].as_str().unwrap().to_owned()
    }

    pub fn open(&mut self) -> ConnKey {
        self.open_at(Endpoint::All)
    }

    pub fn open_at(&mut self, endpoint: Endpoint) -> ConnKey {
        let conn = self.x.open(endpoint).unwrap();
        self.x.drain(&mut self.out);
        conn
    }

    /// Sends a message; the frames that came back at once.
    pub fn say(&mut self, conn: ConnKey, message: Value) -> Vec<Value> {
        self.out.clear();
        self.x.text(conn, &message.to_string());
        self.x.drain(&mut self.out);
        self.frames(conn)
    }

    pub fn subscribe(&mut self, conn: ConnKey, params: Value) -> Vec<Value> {
        self.say(conn, json!({"method": "subscribe", "params": params, "req_id": 7}))
    }

    /// A socket with both private channels, and its token.
    pub fn private(&mut self) -> (ConnKey, String) {
        let (conn, token) = (self.open(), self.token());
        for channel in ["executions", "balances"] {
            self.subscribe(conn, json!({"channel": channel, "token": token}));
        }
        self.out.clear();
        (conn, token)
    }

    /// Frames of a socket since the output was last cleared.
    pub fn frames(&self, conn: ConnKey) -> Vec<Value> {
        let of = |out: &ServerOut| match out {
            ServerOut::Frame { conn: c, text } if *c == conn => Some(serde_json::from_str(text).unwrap()),
            _ => None,
        };
        self.out.iter().filter_map(of).collect()
    }

    pub fn channel(&self, conn: ConnKey, name: &str) -> Vec<Value> {
        self.frames(conn).into_iter().filter(|f| f["channel"] == name).collect()
    }

    pub fn ended(&self, conn: ConnKey) -> Option<Ending> {
        self.out.iter().find_map(|o| match o {
            ServerOut::Close { conn: c, how } if *c == conn => Some(*how),
            _ => None,
        })
    }

    pub fn late_answer(&self, ticket: Ticket) -> Option<&RestReply> {
        self.out.iter().find_map(|o| match o {
            ServerOut::Answer { ticket: t, reply } if *t == ticket => Some(reply),
            _ => None,
        })
    }
}

pub const ORDER: &str = "&pair=XBTUSD&type=buy&ordertype=limit&price=100.0&volume=0.1";

/// A body's result, or its first error; a body that is neither is an error too.
pub fn result(reply: &RestReply) -> Result<Value, String> {
    let body: Value = serde_json::from_str(&reply.body).map_err(|_| format!("no JSON: {}", reply.body))?;
    match body["error"].as_array().and_then(|e| e.first()) {
        Some(error) => Err(error.as_str().unwrap().to_owned()),
        None => Ok(body["result"].clone()),
    }
}

pub fn at(path: &str) -> Match {
    Match { path: Some(path.into()), ..Match::default() }
}

pub fn on_channel(channel: &str) -> Match {
    Match { channel: Some(channel.into()), ..Match::default() }
}

pub fn on_method(method: &str) -> Match {
    Match { method: Some(method.into()), ..Match::default() }
}
