//! Values over time as lines in one frame, with their names beside the ends.

use super::plots::{label, line, place};
use super::{Html, decimals, element};
use crate::domain::time::UtcMs;

/// Size of the frame and the room around it, in units of the drawing.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 12.0;
const BELOW: f64 = 30.0;
/// Points of a line at most: more would not be seen.
const POINTS: usize = 500;
/// Lines of the grid across.
const STEPS: u32 = 4;

/// One line.
pub(in crate::cli) struct Line<'a> {
    pub name: &'a str,
    /// Class of the page's style: `first`, `second` or `other`.
    pub class: &'static str,
    pub points: &'a [(UtcMs, f64)],
}

/// All lines in one frame; `unit` is what the values are. `None` when there is nothing to draw.
pub(in crate::cli) fn curves(lines: &[Line<'_>], unit: &str) -> Option<Html> {
    let all = || lines.iter().flat_map(|l| l.points).filter(|(_, v)| v.is_finite());
    let (first, last) = (all().map(|(t, _)| t.0).min()?, all().map(|(t, _)| t.0).max()?);
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), (_, v)| (l.min(*v), h.max(*v)));
    if last <= first {
        return None;
    }
    // A line that never moves lies in the middle.
    let room = if high > low { (high - low) * 0.04 } else { low.abs().max(1.0) * 0.05 };
    let (low, high) = (low - room, high + room);
    let x = |t: UtcMs| LEFT + (t.0 - first) as f64 / (last - first) as f64 * WIDTH;
    let y = |v: f64| TOP + (high - v) / (high - low) * HEIGHT;
    let mut parts = vec![element(
        "rect",
        &[
            ("class", "frame"),
            ("x", &place(LEFT)),
            ("y", &place(TOP)),
            ("width", &place(WIDTH)),
            ("height", &place(HEIGHT)),
        ],
        [],
    )];
    for step in 0..=STEPS {
        let value = low + (high - low) * f64::from(step) / f64::from(STEPS);
        parts.push(line("grid", (LEFT, y(value)), (LEFT + WIDTH, y(value))));
        parts.push(label("end", (LEFT - 6.0, y(value) + 4.0), &decimals(value, 2), "tick"));
    }
    for (anchor, t) in [("start", first), ("middle", first.midpoint(last)), ("end", last)] {
        parts.push(label(anchor, (x(UtcMs(t)), TOP + HEIGHT + 20.0), &UtcMs(t).date(), "tick"));
    }
    // What matters is drawn last, on top.
    for one in lines.iter().rev() {
        let every = one.points.len().div_ceil(POINTS).max(1);
        let kept = one.points.iter().enumerate().filter(|(i, _)| i % every == 0 || i + 1 == one.points.len());
        let path: Vec<String> =
            kept.filter(|(_, (_, v))| v.is_finite()).map(|(_, (t, v))| format!("{:.1},{:.1}", x(*t), y(*v))).collect();
        let class = format!("series {}", one.class);
        let title = element("title", &[], [Html::text(one.name)]);
        parts.push(element("polyline", &[("class", &class), ("points", &path.join(" "))], [title]));
    }
    let names: Vec<&str> = lines.iter().map(|l| l.name).collect();
    let name = format!("{unit} over time: {}", names.join(", "));
    let view = format!("0 0 {:.0} {:.0}", LEFT + WIDTH + 8.0, TOP + HEIGHT + BELOW);
    let svg = element("svg", &[("class", "curves"), ("viewBox", &view), ("role", "img"), ("aria-label", &name)], parts);
    let key = |l: &Line<'_>| {
        element("span", &[("class", "key")], [element("i", &[("class", l.class)], []), Html::text(l.name)])
    };
    Some(element("figure", &[("class", "wide")], [svg, element("figcaption", &[], lines.iter().map(key))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_drawn_with_their_names_and_nothing_is_drawn_of_nothing() {
        let points: Vec<_> = (0..2_000).map(|i| (UtcMs(i * 3_600_000), 1.0 + i as f64)).collect();
        let page = curves(&[Line { name: "a <b>", class: "first", points: &points }], "value").unwrap().into_string();
        assert!(page.contains("a &lt;b&gt;") && page.contains("1970-01-01") && page.contains("series first"));
        assert!(page.matches(',').count() < POINTS + 20, "thinned");
        assert_eq!(curves(&[], "value"), None);
        assert_eq!(curves(&[Line { name: "a", class: "first", points: &points[..1] }], "value"), None);
        let flat = [(UtcMs(0), 1.0), (UtcMs(1), 1.0)];
        assert!(curves(&[Line { name: "a", class: "first", points: &flat }], "value").is_some());
    }
}
