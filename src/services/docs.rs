//! The API's router, its OpenAPI description and the page that shows it; everything comes from this program, nothing from elsewhere.

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::error::{panicked, unknown_route, wrong_method};
use super::{State, api, control, guard, health};

const BODY_LIMIT: usize = 64 * 1_024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Answers are data: nothing in them may run.
const API_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// The documentation page runs its own script and styles only.
const DOCS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "CryptoSmartTrader",
        description = "Health, agents, decisions and accounts of one running session. Money, prices and quantities are decimal strings; \
                       times are RFC 3339 in UTC; a value that is not known is null. The shadow account gathers evidence with trades that only \
                       the confidence gate blocked: it is never money."
    ),
    tags(
        (name = "health", description = "Probes and grades"),
        (name = "agents", description = "The eight agents; pause and resume"),
        (name = "data", description = "How good the market data are"),
        (name = "trading", description = "Signals, decisions, positions and accounts")
    )
)]
struct Description;

/// The whole of port 8001.
pub(super) fn router(state: State) -> Router {
    let (routes, api) = described();
    let docs = SwaggerUi::new("/api/docs")
        .url("/api/openapi.json", api)
        .config(Config::default().validator_url("none").display_request_duration(true));
    let docs =
        Router::from(docs).layer(SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, DOCS_POLICY));
    let set = |name, value| SetResponseHeaderLayer::if_not_present(name, value);
    routes
        .with_state(state.clone())
        .merge(docs)
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(state, guard::check))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(set(header::CONTENT_SECURITY_POLICY, API_POLICY))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(set(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        .layer(set(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

/// The routes with their description.
fn described() -> (Router<State>, utoipa::openapi::OpenApi) {
    let (routes, mut api) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(health::health))
        .routes(routes!(health::detailed))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(api::agents))
        .routes(routes!(control::pause))
        .routes(routes!(control::resume))
        .routes(routes!(api::decisions))
        .routes(routes!(api::decision))
        .routes(routes!(api::positions))
        .routes(routes!(api::portfolio))
        .routes(routes!(api::signals))
        .routes(routes!(api::data))
        .split_for_parts();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The services token; needed only where one is set."));
    api.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    (routes, api)
}
