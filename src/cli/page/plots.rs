//! Plots as inline SVG. Colours and widths come from the page's style, so that they follow light and dark.

use super::{Html, count, decimals, element, score};

/// Side of the square in which a reliability curve lies, and the room left and below for its labels; in units of the drawing.
const SIDE: f64 = 300.0;
const LEFT: f64 = 52.0;
const BELOW: f64 = 46.0;
const EDGE: f64 = 12.0;
/// Radius of the point with the most rows; areas are proportional to rows.
const LARGEST: f64 = 9.0;
const SMALLEST: f64 = 2.5;

/// The axes of a reliability curve: the same for what was said and for what came, so that the diagonal is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cli) struct Span {
    /// In tenths.
    from: u32,
    to: u32,
}

impl Span {
    /// The tenths that hold every point.
    pub(in crate::cli) fn of(points: &[(f64, f64, u32)]) -> Self {
        let values = || points.iter().flat_map(|(said, was, _)| [*said, *was]);
        let low = (values().fold(1.0, f64::min) * 10.0 - 0.05).floor().clamp(0.0, 10.0) as u32;
        let high = (values().fold(0.0, f64::max) * 10.0 + 0.05).ceil().clamp(0.0, 10.0) as u32;
        match (low, high) {
            (low, high) if low >= high => Self { from: 0, to: 10 },
            // One tenth alone would make much of little.
            (low, high) if high - low == 1 => {
                let from = low.saturating_sub(1);
                Self { from, to: (from + 3).min(10) }
            }
            (from, to) => Self { from, to },
        }
    }

    /// Both ends in words, when they leave out some of what is possible.
    pub(in crate::cli) fn cut(self) -> Option<(String, String)> {
        (self.from > 0 || self.to < 10).then(|| (tenth(self.from), tenth(self.to)))
    }

    fn share(self, value: f64) -> f64 {
        let (from, to) = (f64::from(self.from), f64::from(self.to));
        ((value * 10.0 - from) / (to - from)).clamp(0.0, 1.0)
    }

    fn x(self, value: f64) -> f64 {
        LEFT + SIDE * self.share(value)
    }

    fn y(self, value: f64) -> f64 {
        EDGE + SIDE * (1.0 - self.share(value))
    }

    fn ticks(self) -> impl Iterator<Item = u32> {
        let step = if self.to - self.from > 5 { 2 } else { 1 };
        (self.from..=self.to).filter(move |tick| tick.is_multiple_of(step))
    }
}

fn tenth(tenths: u32) -> String {
    format!("{:.1}", f64::from(tenths) / 10.0)
}

/// Points of a curve that can be drawn, from the lowest confidence to the highest.
pub(in crate::cli) fn drawable(bins: &[(f64, f64, u32)]) -> Vec<(f64, f64, u32)> {
    let is_share = |v: &f64| (0.0..=1.0).contains(v);
    let mut points: Vec<_> =
        bins.iter().filter(|(said, was, rows)| is_share(said) && is_share(was) && *rows > 0).copied().collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

/// What was said against what came, a point for each bin. `points` are those of [`drawable`].
pub(in crate::cli) fn reliability(points: &[(f64, f64, u32)]) -> Html {
    let span = Span::of(points);
    let (from, to) = (f64::from(span.from) / 10.0, f64::from(span.to) / 10.0);
    let (width, height) = (LEFT + SIDE + EDGE, EDGE + SIDE + BELOW);
    let mut parts = vec![frame()];
    parts.extend(span.ticks().flat_map(|tick| grid(span, tick)));
    parts.push(line("diagonal", (span.x(from), span.y(from)), (span.x(to), span.y(to))));
    if points.len() > 1 {
        let path: Vec<String> =
            points.iter().map(|(said, was, _)| format!("{:.1},{:.1}", span.x(*said), span.y(*was))).collect();
        parts.push(element("polyline", &[("class", "curve"), ("points", &path.join(" "))], []));
    }
    let most = points.iter().map(|(.., rows)| *rows).max().unwrap_or(1);
    parts.extend(points.iter().map(|one| point(span, *one, most)));
    let middle = LEFT + SIDE / 2.0;
    parts.push(label("middle", (middle, height - 6.0), "mean confidence (what was said)", "title"));
    let turned = format!("rotate(-90 14 {:.0})", EDGE + SIDE / 2.0);
    parts.push(element(
        "text",
        &[
            ("class", "title"),
            ("text-anchor", "middle"),
            ("x", "14"),
            ("y", &place(EDGE + SIDE / 2.0)),
            ("transform", &turned),
        ],
        [Html::text("share that won (what came)")],
    ));
    let name = format!("Reliability curve of {} bins; the table below has their numbers", points.len());
    let view = format!("0 0 {width:.0} {height:.0}");
    element("svg", &[("class", "reliability"), ("viewBox", &view), ("role", "img"), ("aria-label", &name)], parts)
}

fn frame() -> Html {
    let (x, y, side) = (place(LEFT), place(EDGE), place(SIDE));
    element("rect", &[("class", "frame"), ("x", &x), ("y", &y), ("width", &side), ("height", &side)], [])
}

/// Lines and labels of one tick, on both axes.
fn grid(span: Span, tick: u32) -> [Html; 4] {
    let value = f64::from(tick) / 10.0;
    let (x, y, words) = (span.x(value), span.y(value), tenth(tick));
    [
        line("grid", (x, EDGE), (x, EDGE + SIDE)),
        line("grid", (LEFT, y), (LEFT + SIDE, y)),
        label("middle", (x, EDGE + SIDE + 17.0), &words, "tick"),
        label("end", (LEFT - 7.0, y + 4.0), &words, "tick"),
    ]
}

fn point(span: Span, (said, was, rows): (f64, f64, u32), most: u32) -> Html {
    let radius = (LARGEST * (f64::from(rows) / f64::from(most.max(1))).sqrt()).max(SMALLEST);
    let words = format!("said {}, came {}, {} rows", score(said), score(was), count(u64::from(rows)));
    let (x, y, r) = (place(span.x(said)), place(span.y(was)), place(radius));
    element(
        "circle",
        &[("class", "point"), ("cx", &x), ("cy", &y), ("r", &r)],
        [element("title", &[], [Html::text(&words)])],
    )
}

pub(super) fn line(class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> Html {
    let (x1, y1, x2, y2) = (place(x1), place(y1), place(x2), place(y2));
    element("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)], [])
}

pub(super) fn label(anchor: &str, (x, y): (f64, f64), words: &str, class: &str) -> Html {
    let (x, y) = (place(x), place(y));
    element("text", &[("class", class), ("text-anchor", anchor), ("x", &x), ("y", &y)], [Html::text(words)])
}

pub(super) fn place(at: f64) -> String {
    format!("{at:.1}")
}

/// The scale that all bars of a list share; it always holds zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::cli) struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    /// Holds every value with its error; `None` when there is nothing to draw.
    pub(in crate::cli) fn of(values: impl Iterator<Item = (f64, f64)>) -> Option<Self> {
        let (mut from, mut to) = (0.0_f64, 0.0_f64);
        for (value, error) in values.filter(|(value, error)| value.is_finite() && error.is_finite()) {
            from = from.min(value - error.abs());
            to = to.max(value + error.abs());
        }
        (to > from).then_some(Self { from, to })
    }

    /// Place of a value, in hundredths of the width.
    fn at(self, value: f64) -> f64 {
        ((value - self.from) / (self.to - self.from) * 100.0).clamp(0.0, 100.0)
    }
}

/// One horizontal bar from zero to a value, with its error to both sides. It takes the width that it is given.
pub(in crate::cli) fn bar(scale: Scale, value: f64, error: f64) -> Html {
    let zero = scale.at(0.0);
    let mut parts = Vec::new();
    if value.is_finite() {
        let end = scale.at(value);
        let (x, width) = (decimals(zero.min(end), 2), decimals((end - zero).abs(), 2));
        let class = if value < 0.0 { "below" } else { "above" };
        parts.push(element(
            "rect",
            &[("class", class), ("x", &x), ("y", "3"), ("width", &width), ("height", "10")],
            [],
        ));
    }
    if value.is_finite() && error.is_finite() {
        let (low, high) = (scale.at(value - error.abs()), scale.at(value + error.abs()));
        parts.push(line("error", (low, 8.0), (high, 8.0)));
        parts.push(line("error", (low, 5.0), (low, 11.0)));
        parts.push(line("error", (high, 5.0), (high, 11.0)));
    }
    parts.push(line("zero", (zero, 0.0), (zero, 16.0)));
    let frame = [("class", "bar"), ("viewBox", "0 0 100 16"), ("preserveAspectRatio", "none"), ("aria-hidden", "true")];
    element("svg", &frame, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_point_is_drawn_without_a_curve() {
        let svg = reliability(&drawable(&[(0.42, 0.38, 7)])).into_string();
        assert!(svg.matches("<circle").count() == 1 && !svg.contains("<polyline") && !svg.contains("NaN"), "{svg}");
        assert!(svg.contains("said 0.4200, came 0.3800, 7 rows") && svg.contains(" r=\"9.0\""), "{svg}");
    }

    #[test]
    fn points_that_are_no_shares_are_left_out() {
        let bins = [(0.7, 0.6, 1), (f64::NAN, 0.5, 9), (0.3, 1.2, 9), (0.2, 0.1, 0), (0.1, 0.2, 4)];
        assert_eq!(drawable(&bins), [(0.1, 0.2, 4), (0.7, 0.6, 1)]);
        let svg = reliability(&drawable(&bins)).into_string();
        assert!(svg.contains("<polyline") && svg.contains(" r=\"4.5\""), "areas follow rows: {svg}");
    }

    #[test]
    fn axes_hold_every_point() {
        let span = |points: &[(f64, f64)]| {
            let points: Vec<_> = points.iter().map(|(said, was)| (*said, *was, 1)).collect();
            let span = Span::of(&points);
            (span.from, span.to)
        };
        assert_eq!(span(&[]), (0, 10));
        assert_eq!(span(&[(0.0, 1.0)]), (0, 10));
        assert_eq!(span(&[(0.2853, 0.2606), (0.4505, 0.4293)]), (2, 5));
        assert_eq!(span(&[(0.95, 0.96)]), (8, 10));
        assert_eq!(span(&[(0.0, 0.0)]), (0, 3));
        assert_eq!(span(&[(0.5, 0.5)]), (4, 6), "a point on a tick does not stand at the edge");
        assert_eq!(Span::of(&[(0.0, 1.0, 1)]).cut(), None);
        assert_eq!(Span::of(&[(0.5, 0.5, 1)]).cut(), Some(("0.4".to_owned(), "0.6".to_owned())));
    }

    #[test]
    fn bars_share_a_scale_that_holds_zero() {
        assert_eq!(Scale::of([(0.0, 0.0), (f64::NAN, 1.0)].into_iter()), None);
        let scale = Scale::of([(0.3, 0.1), (-0.1, 0.0)].into_iter()).unwrap();
        let (up, down) = (bar(scale, 0.3, 0.1).into_string(), bar(scale, -0.1, 0.0).into_string());
        assert!(up.contains("class=\"above\" x=\"20.00\" y=\"3\" width=\"60.00\""), "{up}");
        assert!(down.contains("class=\"below\" x=\"0.00\" y=\"3\" width=\"20.00\""), "{down}");
        assert!(!bar(scale, f64::NAN, f64::NAN).into_string().contains("NaN"));
    }
}
