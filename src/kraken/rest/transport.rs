//! One HTTP exchange: bytes out, bytes in, everything that can go wrong typed.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{RequestBuilder, Response, Url};
use secrecy::ExposeSecret;

use super::settings::{RestSettings, is_this_machine};
use crate::kraken::error::{KrakenError, excerpt};
use crate::kraken::sign::ApiKey;

/// HTTP status and whole body.
pub(super) struct Raw {
    pub status: u16,
    pub body: Vec<u8>,
}

pub(super) struct Transport {
    http: reqwest::Client,
    base: Url,
    timeout_ms: u64,
    max_body_bytes: usize,
}

/// A signed request; built once, sent once.
pub(super) struct Signed<'a> {
    pub call: &'static str,
    pub path: String,
    pub content_type: &'static str,
    pub body: String,
    pub nonce: u64,
    pub key: &'a ApiKey,
}

impl Transport {
    pub(super) fn new(settings: &RestSettings) -> Result<Self, KrakenError> {
        let base = settings.checked()?;
        // someone else may have installed a provider; any will do
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .timeout(Duration::from_millis(settings.timeout_ms))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(&base) {
            http = http.no_proxy();
        }
        let failed = |e: reqwest::Error| KrakenError::NotSent { call: "the client", why: cause(&e) };
        let http = http.build().map_err(failed)?;
        Ok(Self { http, base, timeout_ms: settings.timeout_ms, max_body_bytes: settings.max_body_bytes })
    }

    /// `GET /0/public/{call}?{query}`
    pub(super) async fn get(&self, call: &'static str, query: &str) -> Result<Raw, KrakenError> {
        let mut url = self.base.clone();
        url.set_path(&format!("/0/public/{call}"));
        url.set_query(Some(query).filter(|q| !q.is_empty()));
        self.send(call, self.http.get(url)).await
    }

    /// `POST /0/private/…`
    pub(super) async fn post(&self, signed: Signed<'_>) -> Result<Raw, KrakenError> {
        let call = signed.call;
        let signature = signed.key.sign(&signed.path, signed.nonce, signed.body.as_bytes());
        let secret = |text: &str| {
            HeaderValue::from_str(text).map(|mut value| {
                value.set_sensitive(true);
                value
            })
        };
        let odd = |_| KrakenError::Request { call, why: "the key cannot stand in a header".to_owned() };
        let mut headers = HeaderMap::new();
        headers.insert("API-Key", secret(signed.key.key().expose_secret()).map_err(odd)?);
        headers.insert("API-Sign", secret(&signature).map_err(odd)?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(signed.content_type));
        let mut url = self.base.clone();
        url.set_path(&signed.path);
        self.send(call, self.http.post(url).headers(headers).body(signed.body)).await
    }

    async fn send(&self, call: &'static str, request: RequestBuilder) -> Result<Raw, KrakenError> {
        let response = request.send().await.map_err(|e| self.typed(call, &e))?;
        let status = response.status().as_u16();
        let body = self.body(call, response).await?;
        Ok(Raw { status, body })
    }

    /// Reads piece by piece, so that an endless answer cannot fill the memory.
    async fn body(&self, call: &'static str, mut response: Response) -> Result<Vec<u8>, KrakenError> {
        let limit = self.max_body_bytes;
        let told = response.content_length().and_then(|n| usize::try_from(n).ok());
        if told.is_some_and(|n| n > limit) {
            return Err(KrakenError::TooLarge { call, limit });
        }
        let mut body = Vec::with_capacity(told.unwrap_or(0).min(limit));
        while let Some(piece) = response.chunk().await.map_err(|e| self.typed(call, &e))? {
            if body.len().saturating_add(piece.len()) > limit {
                return Err(KrakenError::TooLarge { call, limit });
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn typed(&self, call: &'static str, error: &reqwest::Error) -> KrakenError {
        let why = cause(error);
        if error.is_connect() {
            KrakenError::NotSent { call, why }
        } else if error.is_timeout() {
            KrakenError::Timeout { call, ms: self.timeout_ms }
        } else if error.is_builder() {
            KrakenError::Request { call, why }
        } else {
            KrakenError::Broken { call, why }
        }
    }
}

/// The innermost cause, without the address.
fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(deeper) = inner.source() {
        inner = deeper;
    }
    excerpt(&inner.to_string())
}
