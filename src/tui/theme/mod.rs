//! Style by meaning, resolved once per colour depth. The only place of the console that knows a colour or a glyph's plain form.

mod glyphs;
mod palette;

use std::borrow::Cow;

use ratatui::style::{Modifier, Style};

use super::options::{ColorDepth, ColorScheme};

/// What a piece of text means. Never a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    #[default]
    Text,
    Strong,
    Muted,
    Border,
    BorderFocus,
    Title,
    TitleFocus,
    /// Column heads.
    Head,
    /// A price or an amount that rose.
    Up,
    /// A price or an amount that fell.
    Down,
    /// In order.
    Good,
    /// Needs a look.
    Warn,
    /// Needs a hand.
    Danger,
    /// Too old to trust.
    Stale,
    /// Asked for, not yet answered.
    Pending,
    /// Of the shadow account.
    Shadow,
    /// A key in a hint.
    Key,
    Paper,
    Live,
    /// The full-width bar while trading is halted.
    Halted,
    Selected,
    Flash,
    /// Lines of a chart, told apart from each other and from rising and falling prices.
    Line1,
    Line2,
    Line3,
    Line4,
    Line5,
    Line6,
}

impl Role {
    const ALL: [Self; 28] = [
        Self::Text,
        Self::Strong,
        Self::Muted,
        Self::Border,
        Self::BorderFocus,
        Self::Title,
        Self::TitleFocus,
        Self::Head,
        Self::Up,
        Self::Down,
        Self::Good,
        Self::Warn,
        Self::Danger,
        Self::Stale,
        Self::Pending,
        Self::Shadow,
        Self::Key,
        Self::Paper,
        Self::Live,
        Self::Halted,
        Self::Selected,
        Self::Flash,
        Self::Line1,
        Self::Line2,
        Self::Line3,
        Self::Line4,
        Self::Line5,
        Self::Line6,
    ];

    /// Look of the `i`-th line of a chart; after six they begin anew.
    #[must_use]
    pub const fn line(i: usize) -> Self {
        match i % 6 {
            0 => Self::Line1,
            1 => Self::Line2,
            2 => Self::Line3,
            3 => Self::Line4,
            4 => Self::Line5,
            _ => Self::Line6,
        }
    }

    /// `Up` for a gain, `Down` for a loss, plain for neither.
    #[must_use]
    pub fn of_change(value: f64) -> Self {
        if value > 0.0 {
            Self::Up
        } else if value < 0.0 {
            Self::Down
        } else {
            Self::Text
        }
    }
}

/// The resolved styles and the glyph set.
#[derive(Debug, Clone)]
pub struct Theme {
    styles: [Style; Role::ALL.len()],
    ascii: bool,
    color: bool,
}

impl Theme {
    #[must_use]
    pub fn new(scheme: ColorScheme, depth: ColorDepth, ascii: bool) -> Self {
        let depth = if scheme == ColorScheme::Mono { ColorDepth::None } else { depth };
        let styles = Role::ALL.map(|role| match palette::color(role, scheme, depth) {
            Some(color) => shape(role).fg(color),
            None if depth == ColorDepth::None => mono(role),
            None => shape(role),
        });
        Self { styles, ascii, color: depth != ColorDepth::None }
    }

    /// Whether colour tells anything; without it shapes must.
    #[must_use]
    pub const fn has_color(&self) -> bool {
        self.color
    }

    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// `text` as this terminal can show it: control characters become spaces, and without UTF-8 every glyph takes its plain form.
    #[must_use]
    pub fn plain<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let odd = |c: char| c.is_control() || glyphs::is_invisible(c) || (self.ascii && !c.is_ascii());
        if !text.contains(odd) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                c if c.is_control() => out.push(' '),
                c if glyphs::is_invisible(c) => {}
                c if self.ascii => out.push_str(glyphs::ascii(c)),
                c => out.push(c),
            }
        }
        Cow::Owned(out)
    }
}

/// What stays of a role beside its colour.
fn shape(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Strong | Role::TitleFocus | Role::BorderFocus | Role::Danger | Role::Key | Role::Pending => {
            style.add_modifier(Modifier::BOLD)
        }
        Role::Paper => style.add_modifier(Modifier::BOLD),
        Role::Live | Role::Halted => style.add_modifier(Modifier::BOLD | Modifier::REVERSED),
        Role::Selected | Role::Flash => style.add_modifier(Modifier::REVERSED),
        Role::Head => style.add_modifier(Modifier::UNDERLINED),
        _ => style,
    }
}

/// Without colour only weight, underline and reverse speak.
fn mono(role: Role) -> Style {
    match role {
        Role::Muted | Role::Stale | Role::Border => Style::new().add_modifier(Modifier::DIM),
        Role::Down | Role::Warn => Style::new().add_modifier(Modifier::BOLD),
        Role::Danger => Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
        Role::Shadow => Style::new().add_modifier(Modifier::ITALIC),
        role => shape(role),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_listed_in_their_order() {
        for (i, role) in Role::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, i, "{role:?}");
        }
    }

    #[test]
    fn no_colour_means_no_colour_but_keeps_weight() {
        for theme in [
            Theme::new(ColorScheme::Western, ColorDepth::None, false),
            Theme::new(ColorScheme::Mono, ColorDepth::TrueColor, false),
        ] {
            for role in Role::ALL {
                assert_eq!((theme.style(role).fg, theme.style(role).bg), (None, None), "{role:?}");
            }
            assert!(theme.style(Role::Danger).add_modifier.contains(Modifier::REVERSED));
            assert!(theme.style(Role::TitleFocus).add_modifier.contains(Modifier::BOLD));
        }
    }

    #[test]
    fn every_scheme_tells_up_from_down_at_every_depth() {
        for depth in [ColorDepth::TrueColor, ColorDepth::Ansi256, ColorDepth::Ansi16] {
            for scheme in [ColorScheme::Western, ColorScheme::Eastern, ColorScheme::Cvd] {
                let theme = Theme::new(scheme, depth, false);
                let of = |role| theme.style(role).fg;
                assert_ne!(of(Role::Up), of(Role::Down));
                assert_ne!(of(Role::Warn), of(Role::Down), "{scheme:?} {depth:?}");
                assert_ne!(of(Role::Danger), of(Role::Down), "{scheme:?} {depth:?}");
                for i in 0..6 {
                    assert!(![of(Role::Up), of(Role::Down)].contains(&of(Role::line(i))), "{scheme:?} {depth:?} {i}");
                    assert!((0..i).all(|j| of(Role::line(i)) != of(Role::line(j))), "{depth:?} {i}");
                }
            }
            let western = Theme::new(ColorScheme::Western, depth, false);
            let eastern = Theme::new(ColorScheme::Eastern, depth, false);
            assert_eq!(western.style(Role::Up).fg, eastern.style(Role::Down).fg);
        }
    }

    #[test]
    fn plain_text_is_safe_for_any_terminal() {
        let ascii = Theme::new(ColorScheme::Western, ColorDepth::None, true);
        assert_eq!(ascii.plain("≥ 20 – ▲ … 漢"), ">= 20 - ^ ~ ??");
        assert_eq!(ascii.plain("a\u{1b}[31mb"), "a [31mb");
        let utf8 = Theme::new(ColorScheme::Western, ColorDepth::None, false);
        assert_eq!(utf8.plain("≥\n\u{202e}x"), "≥ x");
    }
}
