//! What goes into and comes out of the exchange: values without sockets.

use std::sync::Arc;

/// A call to REST as it came over the wire.
#[derive(Debug, Clone, Default)]
pub struct RestCall {
    /// `GET` or `POST`.
    pub method: String,
    /// `/0/private/AddOrder`, without the query.
    pub path: String,
    /// What stood after `?`, without it.
    pub query: String,
    /// Header `API-Key`.
    pub api_key: Option<String>,
    /// Header `API-Sign`.
    pub api_sign: Option<String>,
    /// Header `Content-Type`.
    pub content_type: Option<String>,
    /// The exact bytes: the signature covers them.
    pub body: Vec<u8>,
}

/// An answer of REST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestReply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
    /// Simulated milliseconds that the answer lies on the wire.
    pub delay_ms: u64,
    pub effect: RestEffect,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestEffect {
    /// It is delivered after its delay.
    Normal,
    /// The connection is reset; nothing is delivered.
    Reset,
    /// It does not exist yet: [`ServerOut::Answer`] with this ticket will hold it.
    Later(Ticket),
}

/// Names an answer that is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Names one WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnKey(pub u64);

/// The address a WebSocket was opened at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// Every channel and method.
    All,
    /// Market data only.
    Public,
    /// Accounts and orders only.
    Auth,
    /// Single orders of the book only; this stand-in has none.
    Level3,
}

/// Why a WebSocket was not opened: an HTTP answer instead of the upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub body: String,
}

/// What the exchange sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerOut {
    Frame { conn: ConnKey, text: Arc<str> },
    Close { conn: ConnKey, how: Ending },
    Answer { ticket: Ticket, reply: RestReply },
}

/// How a WebSocket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With a close frame.
    Clean,
    /// It stays open and says nothing any more.
    HalfOpen,
    /// The TCP connection is reset.
    Reset,
}

impl Endpoint {
    /// The endpoint of a path; `None` when no WebSocket lives there.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            "/v2" => Some(Self::All),
            "/public-v2" => Some(Self::Public),
            "/auth-v2" => Some(Self::Auth),
            "/l3-v2" => Some(Self::Level3),
            _ => None,
        }
    }

    #[must_use]
    pub const fn serves_public(self) -> bool {
        matches!(self, Self::All | Self::Public)
    }

    #[must_use]
    pub const fn serves_private(self) -> bool {
        matches!(self, Self::All | Self::Auth)
    }
}

impl RestReply {
    pub(super) fn json(body: String) -> Self {
        Self { status: 200, content_type: "application/json", body, delay_ms: 0, effect: RestEffect::Normal }
    }

    pub(super) const fn html(status: u16, body: String) -> Self {
        Self { status, content_type: "text/html; charset=UTF-8", body, delay_ms: 0, effect: RestEffect::Normal }
    }

    pub(super) fn with_effect(effect: RestEffect) -> Self {
        Self { effect, ..Self::json(String::new()) }
    }
}
