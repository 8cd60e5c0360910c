//! Who may talk to the API: no foreign web page through a browser on this machine, and no order without the token once there is one.
//!
//! A web page can make its visitor's browser send requests here, and by rebinding its own name to 127.0.0.1 it could read the
//! answers. So on a loopback address the Host must be this machine, and an order's Origin, which browsers always send along, too.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, HeaderName, Method, Response, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use secrecy::ExposeSecret;

use super::State;
use super::error::ApiError;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The middleware before every route.
pub(super) async fn check(Extract(state): Extract<State>, request: Request, next: Next) -> Response<Body> {
    match admit(&state, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn admit(state: &State, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let forbidden = |message: &str, hint: &str| ApiError::new(StatusCode::FORBIDDEN, "forbidden", message, hint);
    let host = text(headers, &header::HOST);
    if state.loopback && host.is_some_and(|h| !is_this_machine(h)) {
        return Err(forbidden(
            "the request was meant for another host",
            "use http://127.0.0.1 or http://localhost with the port; a proxy in front must send Host: localhost",
        ));
    }
    if !changes_state(method) {
        return Ok(());
    }
    let foreign_site = text(headers, &FETCH_SITE).is_some_and(|site| site == "cross-site");
    let foreign_origin = headers.contains_key(header::ORIGIN)
        && !text(headers, &header::ORIGIN).is_some_and(|origin| is_own(origin, host, state.loopback));
    if foreign_site || foreign_origin {
        return Err(forbidden(
            "orders from another web page are not taken",
            "send the request from a program, or from a page of this machine",
        ));
    }
    match &state.token {
        Some(token) if !bearer(headers).is_some_and(|given| same(given, token.expose_secret())) => Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "this changes the state of the system and needs the token",
            "send the header 'Authorization: Bearer TOKEN' with the services token",
        )),
        _ => Ok(()),
    }
}

fn changes_state(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Compares without telling by its duration how much of the token was right.
fn same(given: &str, token: &str) -> bool {
    let difference = given.bytes().zip(token.bytes()).fold(0, |d, (a, b)| d | (a ^ b));
    given.len() == token.len() && difference == 0
}

/// The origin is this machine (when only it can reach us), or the very host that was asked.
fn is_own(origin: &str, host: Option<&str>, loopback: bool) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else { return false };
    let Some(authority) = uri.authority().map(axum::http::uri::Authority::as_str) else { return false };
    if loopback { is_this_machine(authority) } else { host.is_some_and(|h| h.eq_ignore_ascii_case(authority)) }
}

/// `localhost`, `127.0.0.1:8001`, `[::1]:8001`
fn is_this_machine(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(ip, _)| ip),
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_by_its_names() {
        for own in ["localhost", "LOCALHOST:8001", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8001"] {
            assert!(is_this_machine(own), "{own}");
        }
        for foreign in
            ["", "example.com", "localhost.example.com", "127.0.0.1.example.com:80", "10.0.0.1", "[::2]:1", "::1"]
        {
            assert!(!is_this_machine(foreign), "{foreign}");
        }
    }

    #[test]
    fn origins() {
        assert!(is_own("http://localhost:5000", Some("127.0.0.1:8001"), true));
        assert!(!is_own("http://evil.example", Some("127.0.0.1:8001"), true));
        assert!(!is_own("null", Some("127.0.0.1:8001"), true));
        assert!(is_own("http://10.0.0.5:8001", Some("10.0.0.5:8001"), false));
        assert!(!is_own("http://localhost", Some("10.0.0.5:8001"), false));
        assert!(!is_own("http://10.0.0.5:8001", None, false));
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(same("secret", "secret"));
        for wrong in ["", "secre", "secrets", "Secret"] {
            assert!(!same(wrong, "secret"), "{wrong}");
        }
    }
}
