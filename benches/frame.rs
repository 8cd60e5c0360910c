//! Time to draw one frame from nothing: the overview and the decisions at the three sizes that the console is designed for.
//! The budget is 4 ms at 200×60.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark's fixture, never part of the product")]
#![allow(dead_code, unused_imports, reason = "the fixture serves more tests than this benchmark")]

use cryptosmarttrader::{domain, telemetry};

#[path = "../src/tui/fixture/mod.rs"]
mod fixture;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use cryptosmarttrader::tui::draw::draw;
use cryptosmarttrader::tui::screens::Screen;
use cryptosmarttrader::tui::theme::Theme;
use cryptosmarttrader::tui::view::ViewState;
use cryptosmarttrader::tui::{ColorDepth, ColorScheme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn frames(c: &mut Criterion) {
    let mut s = fixture::running();
    // As many decisions as a picture carries at most.
    s.decisions = Arc::new(s.decisions.iter().cycle().take(500).cloned().collect());
    let theme = Theme::new(ColorScheme::Western, ColorDepth::TrueColor, false);
    let mut group = c.benchmark_group("frame");
    for (name, screen) in [("overview", Screen::Overview), ("decisions", Screen::Decisions)] {
        let view = ViewState { screen, logs: fixture::logs(), ..ViewState::default() };
        for (w, h) in [(80, 24), (120, 40), (200, 60)] {
            group.bench_function(format!("{name}_{w}x{h}"), |b| {
                let mut buf = Buffer::empty(Rect::new(0, 0, w, h));
                b.iter(|| {
                    buf.reset();
                    draw(&mut buf, black_box(&s), &view, &theme, fixture::wall());
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
