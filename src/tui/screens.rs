//! The screens and where their panes stand. A layout is a pure function of the area, so that a click finds what was drawn.

use ratatui::layout::Rect;

use super::panes::PaneId;
use super::view::ViewState;

/// A screen, by its tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Screen {
    #[default]
    Overview,
    Market,
    Agents,
    Decisions,
    Portfolio,
    Models,
    Orders,
    Health,
    Logs,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    Compact,
    Normal,
    Wide,
}

/// Below this nothing useful can be shown.
pub const LEAST: (u16, u16) = (60, 16);

impl Size {
    #[must_use]
    pub const fn of(width: u16, height: u16) -> Self {
        if width < 100 || height < 30 {
            Self::Compact
        } else if width >= 160 && height >= 50 {
            Self::Wide
        } else {
            Self::Normal
        }
    }
}

type Places = Vec<(PaneId, Rect)>;

/// One tab.
pub struct ScreenSpec {
    pub screen: Screen,
    pub key: char,
    pub name: &'static str,
    pub short: &'static str,
    places: fn(Rect, Size, &ViewState) -> Places,
}

const fn spec(
    screen: Screen,
    key: char,
    name: &'static str,
    short: &'static str,
    places: fn(Rect, Size, &ViewState) -> Places,
) -> ScreenSpec {
    ScreenSpec { screen, key, name, short, places }
}

/// All screens in the order of their tabs.
pub static SCREENS: [ScreenSpec; 9] = [
    spec(Screen::Overview, '1', "Overview", "Ovw", overview),
    spec(Screen::Market, '2', "Market", "Mkt", market),
    spec(Screen::Agents, '3', "Agents", "Agt", agents),
    spec(Screen::Decisions, '4', "Decisions", "Dec", decisions),
    spec(Screen::Portfolio, '5', "Portfolio", "Pfl", portfolio),
    spec(Screen::Models, '6', "Models", "Mdl", models),
    spec(Screen::Orders, '7', "Orders", "Ord", orders),
    spec(Screen::Health, '8', "Health", "Hlt", health),
    spec(Screen::Logs, '9', "Logs", "Log", logs),
];

/// The panes of the current screen and their places; a zoomed pane has the whole body.
#[must_use]
pub fn places(body: Rect, size: Size, view: &ViewState) -> Places {
    let Some(spec) = SCREENS.iter().find(|s| s.screen == view.screen) else { return Vec::new() };
    let mut places = (spec.places)(body, size, view);
    places.retain(|(_, r)| r.width > 2 && r.height > 2);
    if view.zoomed
        && let Some(id) = view.focus_among(&places)
    {
        return vec![(id, body)];
    }
    places
}

/// Panes that share one place of the Market screen where there is little room: `tab` goes through them.
pub const SHARING: [PaneId; 4] = [PaneId::Readings, PaneId::Flow, PaneId::Quality, PaneId::Watchlist];

/// Whether a pane has its place in turn with others.
#[must_use]
pub fn shares(id: PaneId, size: Size, screen: Screen) -> bool {
    size == Size::Compact && screen == Screen::Market && SHARING.contains(&id)
}

/// The order in which `tab` goes through the panes shown, and through those that share a place with one of them.
#[must_use]
pub fn order(shown: &[(PaneId, Rect)], size: Size, screen: Screen) -> Vec<PaneId> {
    let mut out = Vec::new();
    for (id, _) in shown {
        if shares(*id, size, screen) {
            out.extend(SHARING);
        } else {
            out.push(*id);
        }
    }
    out
}

/// The upper `height` rows, and the rest.
fn top(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// The left `width` columns, and the rest.
fn left(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    (Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area })
}

const fn share(of: u16, percent: u16) -> u16 {
    (of as u32 * percent as u32 / 100) as u16
}

/// ```text
/// Compact: watchlist │ risk·agents     Normal, Wide: watchlist │ chart     │ risk
///          ────────────────────────                  ──────────┤           ├──────────
///          decisions                                 agents    ├───────────┤ positions
///                                                              │ decisions ├──────────
///                                                    (Wide: log strip)     │ alerts·gates
/// ```
fn overview(body: Rect, size: Size, _: &ViewState) -> Places {
    if size == Size::Compact {
        let (upper, lower) = top(body, share(body.height, 60));
        let (watch, risk) = left(upper, share(body.width, 55));
        return vec![(PaneId::Watchlist, watch), (PaneId::RiskAgents, risk), (PaneId::Decisions, lower)];
    }
    let wide = size == Size::Wide;
    let (body, strip) = top(body, body.height - if wide { 8 } else { 0 });
    let side = if wide { share(body.width, 23) } else { 36 };
    let (west, rest) = left(body, side);
    let (middle, east) = left(rest, rest.width - if wide { share(body.width, 24) } else { 34 });
    let (watch, agents) = top(west, share(body.height, 55));
    let (chart, decided) = top(middle, share(body.height, 61));
    let (risk, rest) = top(east, 14);
    let (positions, rest) = top(rest, (rest.height / 2).min(14));
    let mut out = vec![
        (PaneId::Watchlist, watch),
        (PaneId::Chart, chart),
        (PaneId::Risk, risk),
        (PaneId::AgentsBrief, agents),
        (PaneId::Decisions, decided),
        (PaneId::Positions, positions),
    ];
    if wide {
        let (calibration, rest) = top(rest, rest.height / 2);
        out.extend([(PaneId::Calibration, calibration), (PaneId::AlertsGates, rest), (PaneId::LogStrip, strip)]);
    } else {
        out.push((PaneId::AlertsGates, rest));
    }
    out
}

/// Rows of the order flow with its frame.
const FLOW_ROWS: u16 = 15;

/// ```text
/// Compact: chart            Normal, Wide: watchlist │ chart
///          ───────────────                ──────────┤
///          one of SHARING                 flow      ├───────────────────
///                                                   │ readings │ quality
/// ```
fn market(body: Rect, size: Size, view: &ViewState) -> Places {
    if size == Size::Compact {
        let (chart, lower) = top(body, share(body.height, 60));
        let shown = view.sharing.filter(|id| SHARING.contains(id)).unwrap_or(PaneId::Readings);
        return vec![(PaneId::Chart, chart), (shown, lower)];
    }
    let wide = size == Size::Wide;
    let (west, rest) = left(body, if wide { 48 } else { 36 });
    let (watch, flow) = top(west, body.height.saturating_sub(FLOW_ROWS));
    let (chart, readings) = top(rest, share(body.height, if wide { 68 } else { 60 }));
    let (readings, quality) = left(readings, share(readings.width, 52));
    vec![
        (PaneId::Watchlist, watch),
        (PaneId::Chart, chart),
        (PaneId::Readings, readings),
        (PaneId::Quality, quality),
        (PaneId::Flow, flow),
    ]
}

/// ```text
/// agents
/// ──────────────
/// one agent's details
/// ```
fn agents(body: Rect, _: Size, _: &ViewState) -> Places {
    let (list, detail) = top(body, 11);
    vec![(PaneId::Agents, list), (PaneId::AgentDetail, detail)]
}

/// ```text
/// Compact: funnel                  Normal, Wide: funnel
///          ─────────────                         ───────────────────
///          decisions, or trace                   decisions │ trace
/// ```
fn decisions(body: Rect, size: Size, view: &ViewState) -> Places {
    let (funnel, rest) = top(body, 6);
    if size == Size::Compact {
        let id = if view.detail { PaneId::Trace } else { PaneId::Decisions };
        let place = if view.detail { body } else { rest };
        let mut out = vec![(id, place)];
        if !view.detail {
            out.push((PaneId::Funnel, funnel));
        }
        return out;
    }
    let (list, trace) = left(rest, share(rest.width, if size == Size::Wide { 45 } else { 50 }));
    vec![(PaneId::Decisions, list), (PaneId::Trace, trace), (PaneId::Funnel, funnel)]
}

/// ```text
/// main account │ shadow account
/// ─────────────┴───────────────
/// equity              │ limits
/// ────────────────────┴────────
/// positions
/// ```
fn portfolio(body: Rect, size: Size, _: &ViewState) -> Places {
    let (accounts, rest) = top(body, if size == Size::Compact { 9 } else { 14 });
    let (main, shadow) = left(accounts, accounts.width / 2);
    let (middle, positions) = top(rest, share(rest.height, 55));
    let (equity, limits) = left(middle, share(middle.width, 64));
    vec![
        (PaneId::MainAccount, main),
        (PaneId::ShadowAccount, shadow),
        (PaneId::Equity, equity),
        (PaneId::Limits, limits),
        (PaneId::Positions, positions),
    ]
}

/// ```text
/// models
/// ────────────────────────────┬────────────────
/// reliability of the selected │ all that is known
/// ```
fn models(body: Rect, size: Size, _: &ViewState) -> Places {
    let (list, rest) = top(body, if size == Size::Compact { 7 } else { 9 });
    let (curve, detail) = left(rest, share(rest.width, if size == Size::Compact { 50 } else { 45 }));
    vec![(PaneId::Models, list), (PaneId::Calibration, curve), (PaneId::ModelDetail, detail)]
}

/// ```text
/// orders
/// ──────────────────
/// fills │ outcomes
/// ```
fn orders(body: Rect, size: Size, _: &ViewState) -> Places {
    let (list, rest) = top(body, share(body.height, if size == Size::Compact { 40 } else { 50 }));
    if size == Size::Compact {
        let (fills, outcomes) = top(rest, rest.height / 2);
        return vec![(PaneId::Orders, list), (PaneId::Fills, fills), (PaneId::Outcomes, outcomes)];
    }
    let (fills, outcomes) = left(rest, rest.width / 2);
    vec![(PaneId::Orders, list), (PaneId::Fills, fills), (PaneId::Outcomes, outcomes)]
}

/// ```text
/// GO/NO-GO │ components
/// ─────────┼───────────
/// alerts   │ link
/// ─────────┴───────────
/// services and process
/// ```
fn health(body: Rect, size: Size, _: &ViewState) -> Places {
    let (upper, rest) = top(body, share(body.height, if size == Size::Compact { 35 } else { 40 }));
    let (gates, components) = left(upper, upper.width / 2);
    let (middle, services) = top(rest, rest.height.saturating_sub(if size == Size::Compact { 6 } else { 11 }));
    let (alerts, link) = left(middle, middle.width / 2);
    vec![
        (PaneId::Alerts, alerts),
        (PaneId::Gates, gates),
        (PaneId::Components, components),
        (PaneId::Link, link),
        (PaneId::Services, services),
    ]
}

/// ```text
/// records
/// ─────────────────────
/// the selected record
/// ```
fn logs(body: Rect, size: Size, _: &ViewState) -> Places {
    let (list, detail) = top(body, body.height.saturating_sub(if size == Size::Compact { 5 } else { 8 }));
    vec![(PaneId::Logs, list), (PaneId::LogDetail, detail)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_never_overlap_and_never_leave_the_body() {
        for spec in &SCREENS {
            for (w, h) in [(60, 12), (80, 20), (99, 40), (120, 36), (160, 46), (200, 56), (250, 80)] {
                let body = Rect::new(0, 2, w, h);
                let view = ViewState { screen: spec.screen, ..ViewState::default() };
                let places = places(body, Size::of(w, h + 4), &view);
                assert!(!places.is_empty(), "{} {w}x{h}", spec.name);
                for (i, (id, a)) in places.iter().enumerate() {
                    assert_eq!(a.intersection(body), *a, "{id:?} {w}x{h}");
                    for (other, b) in places.iter().skip(i + 1) {
                        assert!(a.intersection(*b).is_empty(), "{id:?} {other:?} {w}x{h}");
                    }
                }
            }
        }
    }
}
