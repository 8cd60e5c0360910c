//! What every private call has: a name, an encoding, a body and a reply.

use serde::de::DeserializeOwned;

use super::fields::Fields;

/// How the body is written. Both have the same content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Form,
    /// Wanted by batch calls.
    Json,
}

impl Encoding {
    /// Value of the `Content-Type` header.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }
}

/// A request that breaks a documented rule; it is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {rule}, got '{got}'")]
pub struct BadRequest {
    pub what: &'static str,
    pub rule: &'static str,
    pub got: String,
}

impl BadRequest {
    pub(super) fn new(what: &'static str, rule: &'static str, got: impl ToString) -> Self {
        Self { what, rule, got: got.to_string() }
    }
}

/// A private call.
pub trait PrivateCall {
    /// As in the path: `/0/private/{NAME}`.
    const NAME: &'static str;
    const ENCODING: Encoding = Encoding::Form;
    /// Whether it may change orders: then a lost answer is an unknown outcome.
    const IS_ORDER: bool = false;
    type Reply: DeserializeOwned;

    /// The body without the nonce.
    ///
    /// # Errors
    /// [`BadRequest`] when a documented rule is broken.
    fn fields(&self) -> Result<Fields, BadRequest>;

    /// The exact bytes to sign and send.
    ///
    /// # Errors
    /// As [`Self::fields`].
    fn body(&self, nonce: u64) -> Result<String, BadRequest> {
        let fields = self.fields()?;
        match Self::ENCODING {
            Encoding::Form => Ok(fields.form(nonce)),
            Encoding::Json => fields.json(nonce).map_err(|e| BadRequest::new("the body", "writable as JSON", e)),
        }
    }

    /// `/0/private/Balance`
    #[must_use]
    fn path() -> String {
        format!("/0/private/{}", Self::NAME)
    }
}

/// A private call that changes nothing: the only kind that the client of this room sends.
pub trait ReadCall: PrivateCall {}
