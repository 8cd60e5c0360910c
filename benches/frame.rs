//! Time to draw one frame from nothing: the overview, the decisions and a market full of indicators at the three sizes that the console is
//! designed for; and the same market when its candles have just changed, so that every indicator is computed anew.
//! The budget is 4 ms at 200×60.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark's fixture, never part of the product")]
#![allow(dead_code, unused_imports, reason = "the fixture serves more tests than this benchmark")]

use cryptosmarttrader::{domain, telemetry};

#[path = "../src/tui/fixture/mod.rs"]
mod fixture;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use cryptosmarttrader::domain::time::HOUR_MS;
use cryptosmarttrader::tui::draw::draw;
use cryptosmarttrader::tui::screens::Screen;
use cryptosmarttrader::tui::theme::Theme;
use cryptosmarttrader::tui::view::ViewState;
use cryptosmarttrader::tui::{ColorDepth, ColorScheme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Every place of an indicator, and every look of a line.
const INDICATORS: [&str; 8] =
    ["EMA 50", "EMA 200", "Bollinger 20 2", "Supertrend 10 3", "RSI 14", "MACD 12 26 9", "ADX 14", "OBV"];

fn frames(c: &mut Criterion) {
    let mut s = fixture::running();
    // As many decisions as a picture carries at most.
    s.decisions = Arc::new(s.decisions.iter().cycle().take(500).cloned().collect());
    let theme = Theme::new(ColorScheme::Western, ColorDepth::TrueColor, false);
    let mut group = c.benchmark_group("frame");
    for (name, screen) in [("overview", Screen::Overview), ("decisions", Screen::Decisions), ("market", Screen::Market)]
    {
        let mut view = ViewState { screen, logs: fixture::logs(), ..ViewState::default() };
        view.chart.chosen = INDICATORS.to_vec();
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
    let mut view = ViewState { screen: Screen::Market, ..ViewState::default() };
    view.chart.chosen = INDICATORS.to_vec();
    // As many bars as a picture carries at most.
    let mut pictures = [s.clone(), s.clone()];
    for picture in &mut pictures {
        for pair in &mut picture.pairs {
            let mut bars: Vec<_> = pair.bars.iter().cycle().take(720).cloned().collect();
            for (back, bar) in bars.iter_mut().rev().enumerate() {
                bar.open_time = s.at.plus(-(back as i64 + 1) * HOUR_MS);
            }
            pair.bars = Arc::new(bars);
        }
    }
    group.bench_function("market_200x60_new_candles", |b| {
        let mut buf = Buffer::empty(Rect::new(0, 0, 200, 60));
        let mut turn = 0;
        b.iter(|| {
            turn = 1 - turn;
            buf.reset();
            draw(&mut buf, black_box(&pictures[turn]), &view, &theme, fixture::wall());
        });
    });
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
