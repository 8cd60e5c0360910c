//! Port 8000: the metrics, and nothing else.

use axum::Router;
use axum::extract::State as Extract;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

use super::RenderMetrics;
use super::error::panicked;

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
const BODY_LIMIT: usize = 1_024;

pub(super) fn router(render: RenderMetrics) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, "only /metrics is served here\n") })
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(render)
}

async fn metrics(Extract(render): Extract<RenderMetrics>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], render())
}
